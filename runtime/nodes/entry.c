/* SPDX-License-Identifier: Apache-2.0 */
/* Which chain takes a message first: the default rule chain of the originator's profile
 * (facts/rule-nodes.md 3.1). The answer per profile is kept until the profile's row changes. */
#include "config.h"
#include "nodes/engine_int.h"

#include <string.h>

/* Text of the "id" in {"entityType":..,"id":..} under key, or absent. */
static struct tbe_str
id_under(tbe_val object, struct tbe_str key)
{
    if (object.t != TBE_MAP) {
        return TBE_STR_NONE;
    }
    tbe_val ref = tbe_map_get(object.u.m, key);
    if (ref.t != TBE_MAP) {
        return TBE_STR_NONE;
    }
    tbe_val id = tbe_map_get(ref.u.m, TBE_STR("id"));
    return tbe_is_str(id) ? tbe_val_str(id) : TBE_STR_NONE;
}

/* From the profile's JSON. */
static int32_t
read_default_chain(struct tbe_engine *e, struct tbe_str json)
{
    struct tbe_arena a;
    tbe_val v;
    int32_t chain = ENTRY_ROOT;
    tbe_arena_init(&a, 0);
    if (json.p && tbe_json_parse(&a, json, TBE_JSON_JAVA | TBE_JSON_BORROW, &v, NULL) == 0) {
        struct tbe_str id = id_under(v, TBE_STR("defaultRuleChainId"));
        struct tbe_uuid u;
        if (id.p && tbe_uuid_parse(id, &u) && !tbe_uuid_is_null(&u)) {
            struct tbe_entity ref = { TBE_ENT_RULE_CHAIN, u };
            chain = engine_chain_find(e, id);
            if (chain < 0) { /* one that the cloud sent and that is still being compiled: as before it came */
                chain = store_entity(e->store, &ref) ? ENTRY_ROOT : ENTRY_UNKNOWN;
            }
        }
    }
    tbe_arena_free(&a);
    return chain;
}

static int32_t
profile_chain(struct tbe_engine *e, enum tbe_entity_type type, const struct tbe_uuid *id)
{
    struct tbe_entity ref = { type, *id };
    const struct store_entity *p = store_entity(e->store, &ref);
    if (!p) {
        return ENTRY_ROOT;
    }
    struct profile_entry *slot = NULL;
    for (uint32_t i = 0; i < e->n_profiles && !slot; i++) {
        if (memcmp(e->profiles[i].id.b, id->b, 16) == 0) {
            slot = &e->profiles[i];
        }
    }
    if (slot && slot->version == p->version) {
        return slot->chain;
    }
    if (!slot && e->n_profiles < PROFILE_CACHE) {
        slot = &e->profiles[e->n_profiles++];
    } else if (!slot) {
        slot = &e->profiles[e->next_profile++ % PROFILE_CACHE];
    }
    *slot = (struct profile_entry){ *id, p->version, read_default_chain(e, p->json) };
    return slot->chain;
}

/* A deleted entity's profile is in the message: its data is the entity (3.1). */
static int32_t
deleted_chain(struct tbe_engine *e, const struct tbe_msg *m, enum tbe_entity_type profile_type)
{
    tbe_val v;
    struct tbe_uuid id;
    struct tbe_str key = profile_type == TBE_ENT_DEVICE_PROFILE ? TBE_STR("deviceProfileId")
                                                                : TBE_STR("assetProfileId");
    if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) < 0) {
        return ENTRY_ROOT;
    }
    struct tbe_str text = id_under(v, key);
    if (!text.p || !tbe_uuid_parse(text, &id)) {
        return ENTRY_ROOT;
    }
    return profile_chain(e, profile_type, &id);
}

int32_t
entry_chain(struct tbe_engine *e, const struct tbe_msg *m)
{
    enum tbe_entity_type profile_type;
    switch (m->originator.type) {
    case TBE_ENT_DEVICE:
        profile_type = TBE_ENT_DEVICE_PROFILE;
        break;
    case TBE_ENT_ASSET:
        profile_type = TBE_ENT_ASSET_PROFILE;
        break;
    case TBE_ENT_DEVICE_PROFILE:
    case TBE_ENT_ASSET_PROFILE:
        return profile_chain(e, m->originator.type, &m->originator.id);
    default:
        return ENTRY_ROOT;
    }
    const struct store_entity *o = store_entity(e->store, &m->originator);
    if (o) {
        return tbe_uuid_is_null(&o->profile) ? ENTRY_ROOT : profile_chain(e, profile_type, &o->profile);
    }
    return m->type_id == TBE_MT_ENTITY_DELETED ? deleted_chain(e, m, profile_type) : ENTRY_ROOT;
}
