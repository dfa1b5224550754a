/* SPDX-License-Identifier: Apache-2.0 */
/* Rule node "originator fields" (facts/rule-nodes.md 11.24): members of the originator's entity. */
#include "config.h"
#include "nodes/enrich.h"

#include <string.h>

/* Entity types the reference can load here. */
static bool
loadable(enum tbe_entity_type t)
{
    switch (t) {
    case TBE_ENT_TENANT:
    case TBE_ENT_CUSTOMER:
    case TBE_ENT_USER:
    case TBE_ENT_ASSET:
    case TBE_ENT_DEVICE:
    case TBE_ENT_ALARM:
    case TBE_ENT_RULE_CHAIN:
    case TBE_ENT_ENTITY_VIEW:
    case TBE_ENT_EDGE:
        return true;
    default:
        return false;
    }
}

static tbe_val
uuid_value(struct tbe_arena *a, const struct tbe_uuid *u)
{
    char text[TBE_UUID_TEXT + 1];
    tbe_uuid_text(u, text);
    return tbe_strv(tbe_arena_dup(a, tbe_strz(text)));
}

static tbe_val
text_value(struct tbe_str s)
{
    return s.p ? tbe_strv(s) : TBE_NULL_VAL;
}

/* Fields that every entity has, whatever its JSON says: from the columns. UNDEF when it is none. */
static tbe_val
column(struct tbe_run *r, struct tbe_arena *a, const struct store_entity *e, struct tbe_str name)
{
    bool profiled = e->id.type == TBE_ENT_DEVICE || e->id.type == TBE_ENT_ASSET;
    bool owned = e->id.type != TBE_ENT_TENANT && e->id.type != TBE_ENT_CUSTOMER && e->id.type != TBE_ENT_RULE_CHAIN;
    bool null_customer = tbe_uuid_is_null(&e->customer);
    const struct tbe_uuid *tenant = store_tenant(engine_store(r->engine));
    if (tbe_str_eqz(name, "id")) {
        return uuid_value(a, &e->id.id);
    }
    if (tbe_str_eqz(name, "name")) {
        return text_value(e->name);
    }
    if (tbe_str_eqz(name, "createdTime")) {
        return tbe_long(e->created);
    }
    if (tbe_str_eqz(name, "tenantId")) {
        return uuid_value(a, tenant);
    }
    if (owned && tbe_str_eqz(name, "customerId")) {
        return uuid_value(a, null_customer ? &tbe_uuid_null : &e->customer);
    }
    if (owned && tbe_str_eqz(name, "ownerId")) {
        return uuid_value(a, null_customer ? tenant : &e->customer);
    }
    if (profiled && tbe_str_eqz(name, "type")) {
        return text_value(e->kind);
    }
    if (profiled && tbe_str_eqz(name, "label")) {
        return text_value(e->label);
    }
    if (profiled && tbe_str_eqz(name, e->id.type == TBE_ENT_DEVICE ? "deviceProfileId" : "assetProfileId")) {
        return uuid_value(a, &e->profile);
    }
    return TBE_UNDEF_VAL;
}

/* {"entityType":..,"id":..} is shown as the id alone. */
static tbe_val
id_only(tbe_val v)
{
    if (v.t != TBE_MAP || tbe_map_get(v.u.m, TBE_STR("entityType")).t == TBE_UNDEF) {
        return v;
    }
    tbe_val id = tbe_map_get(v.u.m, TBE_STR("id"));
    return tbe_is_str(id) ? id : v;
}

/* The field at a dotted path; UNDEF when there is none. */
static tbe_val
field(struct tbe_run *r, struct tbe_arena *a, const struct store_entity *e, tbe_val json, struct tbe_str path)
{
    tbe_val v = column(r, a, e, path);
    if (v.t != TBE_UNDEF) {
        return v;
    }
    v = json;
    for (;;) {
        const char *dot = path.n ? memchr(path.p, '.', path.n) : NULL;
        struct tbe_str part = { path.p, dot ? (size_t)(dot - path.p) : path.n };
        if (v.t != TBE_MAP || part.n == 0) {
            return TBE_UNDEF_VAL;
        }
        v = id_only(tbe_map_get(v.u.m, part));
        if (!dot) {
            return v;
        }
        path.n -= part.n + 1;
        path.p = dot + 1;
    }
}

static void
add(struct enrich *e, struct tbe_str key, tbe_val v, bool ignore_null)
{
    struct tbe_arena *a = tbe_msg_arena(e->d);
    if (v.t == TBE_UNDEF || (ignore_null && (v.t == TBE_NULL || (tbe_is_str(v) && v.n == 0)))) {
        return;
    }
    enrich_text(e, key, tbe_is_str(v) ? tbe_val_str(v) : tbe_json_text(a, v, TBE_OUT_JAVA));
}

enum tbe_rel
tbe_originator_fields(struct tbe_run *r, const struct tbe_originator_fields_cfg *cfg, struct tbe_msg **m)
{
    struct tbe_arena *a = tbe_msg_arena(*m);
    struct tbe_entity id = (*m)->originator;
    struct enrich e;
    tbe_val json = TBE_UNDEF_VAL;
    if (enrich_begin(r, *m, cfg->fetch_to == TBE_ORIGINATOR_FIELDS_FETCH_TO_DATA, &e) < 0) {
        return TBE_REL_FAILURE;
    }
    if (!loadable(id.type)) {
        engine_fail(r, "Unexpected originator EntityType: %s", tbe_entity_type_name(id.type));
        return TBE_REL_FAILURE;
    }
    const struct store_entity *found = store_entity(engine_store(r->engine), &id);
    if (!found) {
        engine_fail(r, "Entity not found!");
        return TBE_REL_FAILURE;
    }
    if (found->json.n && tbe_json_parse(a, tbe_arena_dup(a, found->json), TBE_JSON_JAVA | TBE_JSON_BORROW, &json,
                                        NULL) < 0) {
        json = TBE_UNDEF_VAL;
    }
    for (uint32_t i = 0; i < cfg->n_data_mapping; i++) {
        struct tbe_str key;
        if (engine_pattern(r, *m, cfg->data_mapping[i].val, &key) < 0) {
            return TBE_REL_FAILURE;
        }
        add(&e, key, field(r, a, found, json, cfg->data_mapping[i].key), cfg->ignore_null_strings);
    }
    enrich_end(&e, m);
    return TBE_REL_SUCCESS;
}
