/* SPDX-License-Identifier: Apache-2.0 */
/* Device and asset profiles (facts/edge-cloud-protocol.md 6.1). */
#include "config.h"
#include "cloud/downlink.h"

#include <string.h>

#define CHAIN_KEY "profile.chain." /* state: the edge rule chain a profile names that is not here yet */

static struct tbe_str
chain_key(struct down *d, const struct tbe_entity *profile)
{
    char id[TBE_UUID_TEXT + 1];

    tbe_uuid_text(&profile->id, id);
    return tbe_arena_fmt(&d->a, CHAIN_KEY "%s.%s", tbe_entity_type_name(profile->type), id);
}

/* A reference that stays only while its target is here. */
static void
keep_if_there(struct down *d, struct down_item *it, const char *key, enum tbe_entity_type type)
{
    struct tbe_entity e = { .type = type };

    if (!down_id(it->json, key, &e.id) || !store_entity(d->s, &e)) {
        down_set_null(d, it, key);
    }
}

/* The edge's chain becomes the default; the cloud's own default is of no meaning here. */
static void
set_chain(struct down *d, struct down_item *it)
{
    struct tbe_entity chain = { .type = TBE_ENT_RULE_CHAIN };
    struct tbe_str key = chain_key(d, &it->e.id);
    bool named = down_id(it->json, "defaultEdgeRuleChainId", &chain.id);

    down_set_null(d, it, "defaultEdgeRuleChainId");
    if (named && store_entity(d->s, &chain)) {
        down_set(d, it, "defaultRuleChainId", down_id_value(d, TBE_ENT_RULE_CHAIN, &chain.id));
        named = false;
    } else {
        down_set_null(d, it, "defaultRuleChainId");
    }
    if (named) {
        store_put_state(d->b, key, (struct tbe_str){ (const char *)chain.id.b, sizeof chain.id.b });
    } else if (store_state(d->s, key).p) {
        store_put_state(d->b, key, TBE_STR_NONE);
    }
}

/* Never takes the flag away from a profile: it moves when another one is made the default. */
static void
set_default(struct down *d, struct down_item *it)
{
    const struct store_entity *was = store_default_profile(d->s, it->k->type);
    bool mine = was && tbe_uuid_eq(&was->id.id, &it->e.id.id);
    tbe_val yes = { .t = TBE_BOOL, .u = { .i = 1 } }, no = { .t = TBE_BOOL };

    if (!down_bool(it->json, "default")) {
        if (mine) {
            down_set(d, it, "default", yes);
        }
        return;
    }
    if (was && !mine) {
        down_rewrite(d, was, "default", no);
    }
}

static bool
edit_profile(struct down *d, struct down_item *it)
{
    if (it->e.name.n == 0) {
        down_refuse(d, "a profile without a name");
        return false;
    }
    set_default(d, it);
    set_chain(d, it);
    keep_if_there(d, it, "defaultDashboardId", TBE_ENT_DASHBOARD);
    if (it->k->type == TBE_ENT_DEVICE_PROFILE) {
        keep_if_there(d, it, "firmwareId", TBE_ENT_OTA_PACKAGE);
        keep_if_there(d, it, "softwareId", TBE_ENT_OTA_PACKAGE);
    }
    return true;
}

struct move {
    struct down *d;
    const struct tbe_uuid *from;
    struct store_entity to;
    const char *member;
    enum tbe_entity_type profile;
};

/* The type of a device or asset is its profile's name. */
static bool
move_one(void *arg, const struct store_entity *e)
{
    struct move *m = arg;
    struct store_entity n = *e;

    if (!tbe_uuid_eq(&e->profile, m->from)) {
        return true;
    }
    n.profile = m->to.id.id;
    n.kind = m->to.name;
    down_rewrite(m->d, &n, m->member, down_id_value(m->d, m->profile, &n.profile));
    if (e->id.type == TBE_ENT_DEVICE) {
        struct tbe_uuid id = e->id.id;

        hub_device_changed(m->d->hub, &id);
    }
    return true;
}

static enum tbe_entity_type
owned(enum tbe_entity_type profile)
{
    return profile == TBE_ENT_DEVICE_PROFILE ? TBE_ENT_DEVICE : TBE_ENT_ASSET;
}

static const char *
member_of(enum tbe_entity_type profile)
{
    return profile == TBE_ENT_DEVICE_PROFILE ? "deviceProfileId" : "assetProfileId";
}

/* X: what is of the local profile of that name goes over to the cloud's. It is stored first, so that the
 * devices find it. */
static void
replace_profile(struct down *d, const struct down_item *it, const struct store_entity *other)
{
    struct move m = { d, &other->id.id, it->e, member_of(it->k->type), it->k->type };

    m.to.json = tbe_json_text(&d->a, it->json, TBE_OUT_JAVA);
    store_put_entity(d->b, &m.to);
    store_entity_each(d->s, owned(it->k->type), move_one, &m);
}

struct renamed {
    struct down *d;
    const struct store_entity *profile;
};

static bool
retype_one(void *arg, const struct store_entity *e)
{
    struct renamed *r = arg;
    struct store_entity n = *e;

    if (!tbe_uuid_eq(&e->profile, &r->profile->id.id)) {
        return true;
    }
    if (!tbe_str_eq(e->kind, r->profile->name)) {
        n.kind = r->profile->name;
        down_rewrite(r->d, &n, "type", tbe_strv(r->profile->name));
    }
    if (e->id.type == TBE_ENT_DEVICE) { /* it may have waited for this profile */
        struct tbe_uuid id = e->id.id;

        hub_device_changed(r->d->hub, &id);
    }
    return true;
}

static void
saved_profile(struct down *d, const struct down_item *it)
{
    struct renamed r = { d, &it->e };

    if (!it->old || !tbe_str_eq(it->old->name, it->e.name)) {
        store_entity_each(d->s, owned(it->k->type), retype_one, &r);
    }
    if (it->k->type == TBE_ENT_DEVICE_PROFILE) {
        hub_profile_changed(d->hub, &it->e.id.id);
    }
}

static bool
find_user(void *arg, const struct store_entity *e)
{
    struct move *m = arg;

    if (tbe_uuid_eq(&e->profile, m->from)) {
        m->from = NULL;
        return false;
    }
    return true;
}

static void
remove_profile(struct down *d, const struct store_entity *e)
{
    struct move m = { .d = d, .from = &e->id.id };

    store_entity_each(d->s, owned(e->id.type), find_user, &m);
    if (!m.from) {
        down_refuse(d, "profile \"%.*s\" is in use", (int)e->name.n, e->name.p);
        return;
    }
    down_event(d, "ENTITY_DELETED", e, NULL);
    store_put_state(d->b, chain_key(d, &e->id), TBE_STR_NONE);
    store_delete_entity(d->b, &e->id);
}

static const struct down_kind device_profile = {
    .type = TBE_ENT_DEVICE_PROFILE, .name = "name", .clash = DOWN_CLASH_REPLACE, .flags = DOWN_REQUEST,
    .edit = edit_profile,
    .replace = replace_profile, .saved = saved_profile, .remove = remove_profile,
};
static const struct down_kind asset_profile = {
    .type = TBE_ENT_ASSET_PROFILE, .name = "name", .clash = DOWN_CLASH_REPLACE, .flags = DOWN_REQUEST,
    .edit = edit_profile,
    .replace = replace_profile, .saved = saved_profile, .remove = remove_profile,
};

void
down_device_profile(struct down *d, const struct down_update *u)
{
    down_entity(d, &device_profile, u);
}

void
down_asset_profile(struct down *d, const struct down_update *u)
{
    down_entity(d, &asset_profile, u);
}

/* Chains that come after the profile ------------------------------------------------------------------- */

struct waiting {
    struct down *d;
    const struct tbe_uuid *chain;
};

static bool
take_chain(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct waiting *w = arg;
    size_t prefix = sizeof CHAIN_KEY - 1;
    const char *dot = memrchr(key.p, '.', key.n);
    const struct store_entity *e;
    struct tbe_entity id;

    if (value.n != sizeof w->chain->b || memcmp(value.p, w->chain->b, value.n) != 0 || dot <= key.p + prefix) {
        return true;
    }
    id.type = tbe_entity_type_parse((struct tbe_str){ key.p + prefix, (size_t)(dot - key.p) - prefix });
    if (!tbe_uuid_parse((struct tbe_str){ dot + 1, key.n - (size_t)(dot + 1 - key.p) }, &id.id)) {
        return true;
    }
    e = store_entity(w->d->s, &id);
    if (e) {
        down_rewrite(w->d, e, "defaultRuleChainId", down_id_value(w->d, TBE_ENT_RULE_CHAIN, w->chain));
    }
    store_put_state(w->d->b, key, TBE_STR_NONE);
    return true;
}

void
down_profiles_chain(struct down *d, const struct tbe_uuid *chain)
{
    struct waiting w = { d, chain };

    store_state_each(d->s, TBE_STR(CHAIN_KEY), take_chain, &w);
}
