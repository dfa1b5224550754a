/* SPDX-License-Identifier: Apache-2.0 */
/* What must keep its order (4.4): the entities an event changes and those it needs, as 64-bit keys, and the table
 * of keys that block. Two keys that fall together only make something wait. */
#include "config.h"

#include "cloud/internal.h"

#include <string.h>

static uint64_t
mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    return h;
}

uint64_t
up_key(const struct tbe_uuid *id)
{
    uint64_t a, b;

    memcpy(&a, id->b, 8);
    memcpy(&b, id->b + 8, 8);
    a = mix(a ^ mix(b));
    return a ? a : 1;
}

void
keys_clear(struct uplink *up)
{
    if (++up->gen == 0) {
        memset(up->slots, 0, UP_SLOTS * sizeof(*up->slots));
        up->gen = 1;
    }
}

/* The window's keys fill less than half of the table, so there is always a free slot. */
struct up_slot *
keys_slot(struct uplink *up, uint64_t key)
{
    for (uint32_t i = (uint32_t)key & (UP_SLOTS - 1);; i = (i + 1) & (UP_SLOTS - 1)) {
        struct up_slot *s = &up->slots[i];

        if (s->gen != up->gen) {
            *s = (struct up_slot){ .key = key, .gen = up->gen, .needs = -1, .changes = -1 };
            return s;
        }
        if (s->key == key) {
            return s;
        }
    }
}

const struct up_slot *
keys_find(const struct uplink *up, uint64_t key)
{
    for (uint32_t i = (uint32_t)key & (UP_SLOTS - 1);; i = (i + 1) & (UP_SLOTS - 1)) {
        const struct up_slot *s = &up->slots[i];

        if (s->gen != up->gen) {
            return NULL;
        }
        if (s->key == key) {
            return s;
        }
    }
}

static void
add(struct up_keys *k, uint64_t key, bool change)
{
    for (uint32_t i = 0; i < k->n; i++) {
        if (k->v[i] == key) {
            k->change[i] = k->change[i] || change;
            return;
        }
    }
    if (k->n < UP_KEYS) {
        k->v[k->n] = key;
        k->change[k->n++] = change;
    }
}

static void
add_id(struct up_keys *k, const struct tbe_uuid *id, bool change)
{
    if (!tbe_uuid_is_null(id)) {
        add(k, up_key(id), change);
    }
}

/* The id in an id object that is the member `name` of obj. */
static bool
member_id(tbe_val obj, const char *name, struct tbe_uuid *out)
{
    tbe_val v = obj.t == TBE_MAP ? tbe_map_get(obj.u.m, tbe_strz(name)) : TBE_UNDEF_VAL;

    v = v.t == TBE_MAP ? tbe_map_get(v.u.m, TBE_STR("id")) : TBE_UNDEF_VAL;
    return tbe_is_str(v) && tbe_uuid_parse(tbe_val_str(v), out);
}

/* Names are unique in a kind: what frees a name and what takes it must keep their order. */
static void
add_names(struct up_keys *k, const struct store_uplink *u)
{
    bool frees = u->action != CLOUD_ACTION_ADDED && u->action != CLOUD_ACTION_CREDENTIALS_UPDATED;

    add(k, mix(0x6e616d65u + (uint64_t)u->kind) | 1, frees);
}

static void
add_body_ids(struct up_keys *k, struct tbe_str body, const char *a, const char *b, bool change)
{
    struct tbe_arena arena;
    struct tbe_uuid ia, ib;
    tbe_val v;

    tbe_arena_init(&arena, 0);
    if (body.n > 0 && tbe_json_parse(&arena, body, TBE_JSON_JAVA, &v, NULL) == 0) {
        bool has_a = member_id(v, a, &ia), has_b = b != NULL && member_id(v, b, &ib);

        if (has_a) {
            add_id(k, &ia, change && b == NULL);
        }
        if (has_b) {
            add_id(k, &ib, false);
        }
        if (has_a && has_b && change) { /* the relation itself */
            add(k, mix(up_key(&ia) + mix(up_key(&ib))) | 1, true);
        }
    }
    tbe_arena_free(&arena);
}

/* The field that holds an event of this kind; those of one field are applied in their order. */
static const enum up_field main_field[CLOUD_KIND_COUNT] = {
    [CLOUD_KIND_DASHBOARD] = UP_DASHBOARD, [CLOUD_KIND_ASSET] = UP_ASSET, [CLOUD_KIND_ASSET_PROFILE] = UP_ASSET_PROFILE,
    [CLOUD_KIND_DEVICE] = UP_DEVICE, [CLOUD_KIND_DEVICE_PROFILE] = UP_DEVICE_PROFILE,
    [CLOUD_KIND_ENTITY_VIEW] = UP_ENTITY_VIEW, [CLOUD_KIND_ALARM] = UP_ALARM,
    [CLOUD_KIND_ALARM_COMMENT] = UP_ALARM_COMMENT, [CLOUD_KIND_RULE_CHAIN] = UP_RULE_CHAIN,
    [CLOUD_KIND_RULE_CHAIN_METADATA] = UP_RULE_CHAIN_METADATA, [CLOUD_KIND_USER] = UP_USER,
    [CLOUD_KIND_RELATION] = UP_RELATION, [CLOUD_KIND_TB_RESOURCE] = UP_RESOURCE,
    [CLOUD_KIND_CALCULATED_FIELD] = UP_FIELD, [CLOUD_KIND_AI_MODEL] = UP_AI_MODEL, [CLOUD_KIND_API_KEY] = UP_API_KEY,
};

static bool
is_request(int action)
{
    switch (action) {
    case CLOUD_ACTION_ATTRIBUTES_REQUEST:
    case CLOUD_ACTION_RELATION_REQUEST:
    case CLOUD_ACTION_CALCULATED_FIELD_REQUEST:
    case CLOUD_ACTION_CREDENTIALS_REQUEST:
    case CLOUD_ACTION_RULE_CHAIN_METADATA_REQUEST:
    case CLOUD_ACTION_WIDGET_BUNDLE_TYPES_REQUEST:
    case CLOUD_ACTION_ENTITY_VIEW_REQUEST:
        return true;
    default:
        return false;
    }
}

static bool
is_data(int action)
{
    return action == CLOUD_ACTION_TIMESERIES_UPDATED || action == CLOUD_ACTION_ATTRIBUTES_UPDATED ||
           action == CLOUD_ACTION_POST_ATTRIBUTES || action == CLOUD_ACTION_ATTRIBUTES_DELETED;
}

static void
alarm_keys(struct cloud *c, const struct store_uplink *u, struct up_keys *k)
{
    struct store_alarm a;

    add_id(k, &u->entity.id, true);
    if (store_alarm(c->env.store, &u->entity.id, &a)) {
        add_id(k, &a.originator.id, false);
    } else {
        add_body_ids(k, u->body, "originator", NULL, false);
    }
}

void
up_keys(struct cloud *c, const struct store_uplink *u, struct up_keys *k)
{
    *k = (struct up_keys){ .field = UP_ENTITY_DATA };
    if (is_request(u->action)) {
        k->field = UP_VIEWS_REQUEST;
        k->merge = true;
        add_id(k, &u->entity.id, false);
    } else if (u->action == CLOUD_ACTION_RPC_CALL) {
        k->field = UP_RPC;
        k->alone = true;
        add_id(k, &u->entity.id, false);
    } else if (is_data(u->action)) {
        add_id(k, &u->entity.id, u->action != CLOUD_ACTION_TIMESERIES_UPDATED);
    } else {
        const struct store_entity *e = NULL;

        k->field = u->kind >= 0 && u->kind < CLOUD_KIND_COUNT ? main_field[u->kind] : UP_API_KEY;
        if (u->action == CLOUD_ACTION_CREDENTIALS_UPDATED) {
            k->field = u->kind == CLOUD_KIND_USER ? UP_USER_CREDENTIALS : UP_DEVICE_CREDENTIALS;
        }
        switch (u->kind) {
        case CLOUD_KIND_ALARM:
            alarm_keys(c, u, k);
            return;
        case CLOUD_KIND_RELATION:
            add_body_ids(k, u->body, "from", "to", true);
            return;
        case CLOUD_KIND_ALARM_COMMENT:
            add_body_ids(k, u->body, "alarmId", NULL, true);
            return;
        default:
            break;
        }
        add_id(k, &u->entity.id, true);
        add_names(k, u);
        e = store_entity(c->env.store, &u->entity);
        if (e != NULL) {
            add_id(k, &e->profile, false);
        }
        if (u->kind == CLOUD_KIND_CALCULATED_FIELD && e != NULL) {
            add_body_ids(k, e->json, "entityId", NULL, false);
        }
    }
}
