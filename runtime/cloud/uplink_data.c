/* SPDX-License-Identifier: Apache-2.0 */
/* Telemetry and attributes as EntityDataProto (facts/edge-cloud-protocol.md 9.1). */
#include "config.h"

#include "cloud/internal.h"

#include <string.h>

#include "base/clock.h"

static char *
text(struct tbe_arena *a, struct tbe_str s)
{
    return tbe_arena_dupz(a, s);
}

static Transport__KeyValueProto **
key_values(struct tbe_arena *a, const struct tbe_kvs *kvs)
{
    Transport__KeyValueProto *v = tbe_arena_alloc(a, kvs->n * sizeof(*v) + kvs->n * sizeof(v));
    Transport__KeyValueProto **list = (Transport__KeyValueProto **)(v + kvs->n);

    for (uint32_t i = 0; i < kvs->n; i++) {
        const struct tbe_kv *kv = &kvs->v[i];
        Transport__KeyValueProto *p = list[i] = &v[i];

        transport__key_value_proto__init(p);
        p->key = text(a, kv->key);
        switch (kv->type) {
        case TBE_KV_BOOLEAN:
            p->bool_v = kv->u.b;
            break;
        case TBE_KV_LONG:
            p->type = TRANSPORT__KEY_VALUE_TYPE__LONG_V;
            p->long_v = kv->u.i;
            break;
        case TBE_KV_DOUBLE:
            p->type = TRANSPORT__KEY_VALUE_TYPE__DOUBLE_V;
            p->double_v = kv->u.d;
            break;
        case TBE_KV_STRING:
            p->type = TRANSPORT__KEY_VALUE_TYPE__STRING_V;
            p->string_v = text(a, kv->s);
            break;
        case TBE_KV_JSON:
            p->type = TRANSPORT__KEY_VALUE_TYPE__JSON_V;
            p->json_v = text(a, kv->s);
            break;
        }
    }
    return list;
}

static Edge__EntityDataProto *
data_new(struct tbe_arena *a, const struct tbe_entity *e)
{
    Edge__EntityDataProto *d = tbe_arena_alloc(a, sizeof(*d));

    edge__entity_data_proto__init(d);
    d->entityidmsb = tbe_uuid_msb(&e->id);
    d->entityidlsb = tbe_uuid_lsb(&e->id);
    d->entitytype = (char *)(uintptr_t)tbe_entity_type_name(e->type);
    return d;
}

static void
add_telemetry(struct up_msg *m, const struct tbe_entity *e, int64_t ts, const struct tbe_kvs *kvs)
{
    struct {
        Transport__PostTelemetryMsg post;
        Transport__TsKvListProto list;
        Transport__TsKvListProto *one;
    } *p = tbe_arena_alloc(m->a, sizeof(*p));
    Edge__EntityDataProto *d = data_new(m->a, e);

    transport__post_telemetry_msg__init(&p->post);
    transport__ts_kv_list_proto__init(&p->list);
    p->one = &p->list;
    p->list.ts = ts;
    p->list.n_kv = kvs->n;
    p->list.kv = key_values(m->a, kvs);
    p->post.n_tskvlist = 1;
    p->post.tskvlist = &p->one;
    d->posttelemetrymsg = &p->post;
    up_add(m, UP_ENTITY_DATA, &d->base);
}

static void
add_attributes(struct up_msg *m, const struct tbe_entity *e, bool post, struct tbe_str scope, int64_t ts,
               const struct tbe_kvs *kvs)
{
    Edge__EntityDataProto *d = data_new(m->a, e);
    Transport__PostAttributeMsg *p = tbe_arena_alloc(m->a, sizeof(*p));

    transport__post_attribute_msg__init(p);
    p->n_kv = kvs->n;
    p->kv = key_values(m->a, kvs);
    if (post) {
        d->postattributesmsg = p;
    } else {
        d->attributesupdatedmsg = p;
    }
    d->postattributescope = text(m->a, scope);
    d->_attribute_ts_case = EDGE__ENTITY_DATA_PROTO___ATTRIBUTE_TS_ATTRIBUTE_TS;
    d->attributets = ts;
    up_add(m, UP_ENTITY_DATA, &d->base);
}

static enum up_result
add_deleted(struct up_msg *m, const struct tbe_entity *e, struct tbe_str scope, tbe_val keys)
{
    Edge__EntityDataProto *d = data_new(m->a, e);
    Edge__AttributeDeleteMsg *p = tbe_arena_alloc(m->a, sizeof(*p));

    if (keys.t != TBE_LIST || keys.u.l->n == 0) {
        return UP_NOTHING;
    }
    edge__attribute_delete_msg__init(p);
    p->scope = text(m->a, scope);
    p->attributenames = tbe_arena_alloc(m->a, keys.u.l->n * sizeof(*p->attributenames));
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        if (tbe_is_str(keys.u.l->v[i])) {
            p->attributenames[p->n_attributenames++] = text(m->a, tbe_val_str(keys.u.l->v[i]));
        }
    }
    d->attributedeletemsg = p;
    up_add(m, UP_ENTITY_DATA, &d->base);
    return UP_ADDED;
}

static bool
number(tbe_val v, int64_t *out)
{
    bool ok;

    if (v.t != TBE_NUM) {
        return false;
    }
    if (!tbe_parse_long(tbe_val_str(v), out)) {
        double d = tbe_parse_double(tbe_val_str(v), &ok);

        if (!ok || !(d > -9e18 && d < 9e18)) {
            return false;
        }
        *out = (int64_t)d;
    }
    return true;
}

/* A member of the body as typed entries: spelling of the numbers kept. */
static bool
entries(struct tbe_arena *a, tbe_val v, struct tbe_kvs *out)
{
    struct tbe_str err;

    return v.t == TBE_MAP &&
           tbe_kv_attributes(a, tbe_json_text(a, v, TBE_OUT_JAVA), 0, 0, out, &err) == 0;
}

static enum up_result
telemetry_body(struct up_msg *m, const struct tbe_entity *e, tbe_val body, int64_t ts)
{
    tbe_val data = tbe_map_get(body.u.m, TBE_STR("data"));
    struct tbe_kvs kvs;

    if (data.t == TBE_MAP) {
        tbe_val inner_ts = tbe_map_get(data.u.m, TBE_STR("ts")), values = tbe_map_get(data.u.m, TBE_STR("values"));

        if (inner_ts.t != TBE_UNDEF && values.t == TBE_MAP && number(inner_ts, &ts)) {
            data = values;
        }
    }
    if (!entries(m->a, data, &kvs)) {
        return UP_UNSENDABLE;
    }
    if (kvs.n == 0) {
        return UP_NOTHING; /* the cloud never answers an empty list (9.2) */
    }
    add_telemetry(m, e, ts, &kvs);
    return UP_ADDED;
}

static enum up_result
attributes_body(struct up_msg *m, const struct tbe_entity *e, tbe_val body, int action, struct tbe_str scope,
                int64_t ts)
{
    tbe_val post = tbe_map_get(body.u.m, TBE_STR("isPostAttributes"));
    struct tbe_kvs kvs;

    if (!entries(m->a, tbe_map_get(body.u.m, TBE_STR("kv")), &kvs)) {
        return UP_UNSENDABLE;
    }
    if (kvs.n == 0) {
        return UP_NOTHING;
    }
    add_attributes(m, e, action == CLOUD_ACTION_POST_ATTRIBUTES || (post.t == TBE_BOOL && post.u.i), scope, ts, &kvs);
    return UP_ADDED;
}

enum up_result
up_data(struct up_msg *m, const struct store_uplink *u, const char **why)
{
    enum up_result r;
    struct tbe_str scope = TBE_STR("SERVER_SCOPE");
    int64_t ts = clock_ms();
    tbe_val body, v;

    if (u->kvs != NULL) {
        if (u->kvs->n == 0) {
            return UP_NOTHING;
        }
        add_telemetry(m, &u->entity, u->ts, u->kvs);
        return UP_ADDED;
    }
    *why = "its body is not a JSON object";
    if (u->body.p == NULL || tbe_json_parse(m->a, u->body, TBE_JSON_RAW, &body, NULL) != 0 || body.t != TBE_MAP) {
        return UP_UNSENDABLE;
    }
    number(tbe_map_get(body.u.m, TBE_STR("ts")), &ts);
    v = tbe_map_get(body.u.m, TBE_STR("scope"));
    if (tbe_is_str(v) && v.n > 0) {
        scope = tbe_val_str(v);
    }
    *why = "its values are not a JSON object";
    switch (u->action) {
    case CLOUD_ACTION_TIMESERIES_UPDATED:
        r = telemetry_body(m, &u->entity, body, ts);
        break;
    case CLOUD_ACTION_ATTRIBUTES_DELETED:
        r = add_deleted(m, &u->entity, scope, tbe_map_get(body.u.m, TBE_STR("keys")));
        break;
    default:
        r = attributes_body(m, &u->entity, body, u->action, scope, ts);
        break;
    }
    return r;
}
