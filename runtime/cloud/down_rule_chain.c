/* SPDX-License-Identifier: Apache-2.0 */
/* Rule chains (facts/edge-cloud-protocol.md 7.3): stored here, compiled by `deploy` after the commit. The
 * nodes keep the cloud's ids, so that a chain that comes again is the same chain. */
#include "config.h"
#include "cloud/downlink.h"

#include <string.h>

/* JSON of the root flag follows the root row. */
static void
set_root(struct down *d, const struct tbe_uuid *id)
{
    tbe_val yes = { .t = TBE_BOOL, .u = { .i = 1 } }, no = { .t = TBE_BOOL };
    struct tbe_entity old = { .type = TBE_ENT_RULE_CHAIN };
    const struct store_entity *e;

    if (store_root_chain(d->s, &old.id)) {
        if (tbe_uuid_eq(&old.id, id)) {
            return;
        }
        e = store_entity(d->s, &old);
        if (e) {
            down_rewrite(d, e, "root", no);
        }
    }
    store_put_root_chain(d->b, id);
    old.id = *id;
    e = store_entity(d->s, &old);
    if (e) {
        down_rewrite(d, e, "root", yes);
    }
    d->chains_changed = true;
}

/* Stored as CORE, as the reference does. The root flag moves with the new root's message alone: a chain that
 * says root=false stays the root until another one says true (12.3). */
static bool
edit_chain(struct down *d, struct down_item *it)
{
    struct tbe_uuid root;
    bool is_root = store_root_chain(d->s, &root) && tbe_uuid_eq(&root, &it->e.id.id);
    tbe_val flag = { .t = TBE_BOOL, .u = { .i = is_root } };

    if (it->e.name.n == 0) {
        down_refuse(d, "a rule chain without a name");
        return false;
    }
    down_set(d, it, "type", tbe_strv(TBE_STR("CORE")));
    down_set(d, it, "root", flag);
    return true;
}

static void
saved_chain(struct down *d, const struct down_item *it)
{
    d->chains_changed = true;
    if (!it->old) {
        down_profiles_chain(d, &it->e.id.id);
    }
}

static void
remove_chain(struct down *d, const struct store_entity *e)
{
    store_delete_entity(d->b, &e->id);
    d->chains_changed = true;
}

static const struct down_kind chain = {
    .type = TBE_ENT_RULE_CHAIN, .name = "name", .edit = edit_chain, .saved = saved_chain, .remove = remove_chain,
};

static bool
has_metadata(struct down *d, const struct tbe_uuid *id)
{
    char text[TBE_UUID_TEXT + 1];

    tbe_uuid_text(id, text);
    for (size_t i = 0; i < d->m->n_rulechainmetadataupdatemsg; i++) {
        const char *json = d->m->rulechainmetadataupdatemsg[i]->entity;

        if (json && strstr(json, text)) {
            return true;
        }
    }
    return false;
}

void
down_rule_chain(struct down *d, const struct down_update *u)
{
    struct tbe_entity e = { TBE_ENT_RULE_CHAIN, u->id };
    tbe_val v;

    down_entity(d, &chain, u);
    if ((u->op != DOWN_CREATED && u->op != DOWN_UPDATED) || !store_entity(d->s, &e)) {
        return;
    }
    if (down_parse(d, u->json, &v) && down_bool(v, "root")) {
        set_root(d, &u->id);
    }
    if (!has_metadata(d, &u->id)) { /* clouds before 3.8 (12.3) */
        cloud_request(d->c, d->b, &e, CLOUD_ACTION_RULE_CHAIN_METADATA_REQUEST);
    }
}

void
down_rule_chain_metadata(struct down *d, const struct down_update *u)
{
    struct tbe_entity e = { .type = TBE_ENT_RULE_CHAIN };
    tbe_val v, nodes;

    if ((u->op != DOWN_CREATED && u->op != DOWN_UPDATED) || !down_parse(d, u->json, &v)) {
        return;
    }
    nodes = down_get(v, "nodes");
    if (nodes.t != TBE_LIST || nodes.u.l->n == 0) {
        return;
    }
    if (!down_id(v, "ruleChainId", &e.id) || !store_entity(d->s, &e) ||
        tbe_str_eq(store_chain_metadata(d->s, &e.id), u->json)) {
        return;
    }
    store_put_chain_metadata(d->b, &e.id, u->json);
    d->chains_changed = true;
}
