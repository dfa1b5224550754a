/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and telemetry of the cloud (facts/edge-cloud-protocol.md 9.2). Posts run through the rule chain,
 * which stores them; updates are stored here and told to the rule chain; `source` keeps both from going back. */
#include "config.h"
#include "cloud/downlink.h"

#include <string.h>

#include "base/clock.h"
#include "device/device.h"

#define SERVER_IF_EMPTY(scope) ((scope) && *(scope) ? tbe_strz(scope) : TBE_STR("SERVER_SCOPE"))

struct target { /* the entity the data is of */
    const struct store_entity *e;
    struct hub_device *dev; /* of a device */
    struct tbe_entity id;
};

static bool
read_kv(const Transport__KeyValueProto *p, struct tbe_kv *kv)
{
    *kv = (struct tbe_kv){ .key = tbe_strz(p->key) };
    switch (p->type) {
    case TRANSPORT__KEY_VALUE_TYPE__BOOLEAN_V: /* nothing but a key: false */
        kv->type = TBE_KV_BOOLEAN;
        kv->u.b = p->bool_v;
        break;
    case TRANSPORT__KEY_VALUE_TYPE__LONG_V:
        kv->type = TBE_KV_LONG;
        kv->u.i = p->long_v;
        break;
    case TRANSPORT__KEY_VALUE_TYPE__DOUBLE_V:
        kv->type = TBE_KV_DOUBLE;
        kv->u.d = p->double_v;
        break;
    case TRANSPORT__KEY_VALUE_TYPE__STRING_V:
        kv->type = TBE_KV_STRING;
        kv->s = tbe_strz(p->string_v);
        break;
    case TRANSPORT__KEY_VALUE_TYPE__JSON_V:
        kv->type = TBE_KV_JSON;
        kv->s = tbe_strz(p->json_v);
        break;
    default:
        return false;
    }
    return kv->key.n > 0;
}

static struct tbe_kvs
read_kvs(struct down *d, Transport__KeyValueProto *const *v, size_t n)
{
    struct tbe_kvs kvs = { tbe_arena_alloc(&d->a, (n + 1) * sizeof *kvs.v), 0 };

    for (size_t i = 0; i < n; i++) {
        if (read_kv(v[i], &kvs.v[kvs.n])) {
            kvs.n++;
        }
    }
    return kvs;
}

/* Only those that are newer than what is stored. */
static struct tbe_kvs
newer(struct down *d, const struct target *t, int scope, int64_t ts, struct tbe_kvs kvs)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < kvs.n; i++) {
        struct tbe_kv old;
        int64_t at;

        if (!store_attr(d->s, &t->id, (enum store_scope)scope, kvs.v[i].key, &old, &at) || at < ts) {
            kvs.v[n++] = kvs.v[i];
        }
    }
    kvs.n = n;
    return kvs;
}

/* Metadata of the kinds that have names in it; others have `source` alone. */
static void
put_names(struct tbe_msg *m, const struct target *t)
{
    static const struct {
        enum tbe_entity_type type;
        const char *name, *kind;
    } names[] = {
        { TBE_ENT_DEVICE, "deviceName", "deviceType" },
        { TBE_ENT_ASSET, "assetName", "assetType" },
        { TBE_ENT_ENTITY_VIEW, "entityViewName", "entityViewType" },
        { TBE_ENT_EDGE, "edgeName", "edgeType" },
    };
    struct tbe_arena *a = tbe_msg_arena(m);

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].type == t->id.type && t->e) {
            tbe_md_put(a, &m->md, tbe_strz(names[i].name), tbe_arena_dup(a, t->e->name));
            tbe_md_put(a, &m->md, tbe_strz(names[i].kind), tbe_arena_dup(a, t->e->kind.p ? t->e->kind : TBE_STR("")));
        }
    }
    tbe_md_put(a, &m->md, TBE_STR("source"), TBE_STR("cloud"));
}

/* A message with this flat object as its data. key: "ts" or "scope". */
static void
submit(struct down *d, const struct target *t, const char *type, const struct tbe_kvs *kvs, const char *key,
       struct tbe_str value)
{
    struct tbe_buf text = { 0 };
    struct tbe_msg *m;
    struct tbe_arena *a;

    if (!d->env->engine) {
        return;
    }
    m = tbe_msg_new(tbe_strz(type), t->id);
    a = tbe_msg_arena(m);
    m->customer = t->e ? t->e->customer : tbe_uuid_null;
    if (t->dev && t->dev->profile && t->dev->profile->queue.p) {
        m->queue = tbe_arena_dup(a, t->dev->profile->queue);
    }
    put_names(m, t);
    tbe_md_put(a, &m->md, tbe_strz(key), tbe_arena_dup(a, value));
    tbe_kvs_json(&text, kvs, TBE_OUT_GSON);
    tbe_msg_set_data(m, tbe_arena_dup(a, tbe_buf_str(&text)));
    tbe_buf_free(&text);
    engine_submit_take(d->env->engine, &m);
}

static void
post_telemetry(struct down *d, const struct target *t, const Transport__PostTelemetryMsg *p)
{
    for (size_t i = 0; i < p->n_tskvlist; i++) {
        const Transport__TsKvListProto *l = p->tskvlist[i];
        struct tbe_kvs kvs = read_kvs(d, l->kv, l->n_kv);

        submit(d, t, "POST_TELEMETRY_REQUEST", &kvs, "ts", tbe_arena_fmt(&d->a, "%lld", (long long)l->ts));
    }
}

static void
attributes(struct down *d, const struct target *t, const Edge__EntityDataProto *p)
{
    bool post = p->postattributesmsg != NULL;
    const Transport__PostAttributeMsg *m = post ? p->postattributesmsg : p->attributesupdatedmsg;
    struct tbe_str scope = SERVER_IF_EMPTY(p->postattributescope);
    bool has_ts = p->_attribute_ts_case == EDGE__ENTITY_DATA_PROTO___ATTRIBUTE_TS_ATTRIBUTE_TS;
    int64_t ts = has_ts ? p->attributets : clock_ms();
    struct tbe_kvs kvs = read_kvs(d, m->kv, m->n_kv);
    int sc = store_scope_parse(scope);

    if (sc < 0) {
        down_refuse(d, "unknown attribute scope %.*s", (int)(scope.n < 40 ? scope.n : 40), scope.p);
        return;
    }
    kvs = newer(d, t, sc, ts, kvs);
    if (kvs.n == 0) {
        return;
    }
    if (!post) {
        store_save_attrs(d->b, &t->id, (enum store_scope)sc, ts, &kvs);
        if (t->dev) {
            hub_attributes_saved(d->hub, t->dev, (enum store_scope)sc, &kvs);
        }
    }
    submit(d, t, post ? "POST_ATTRIBUTES_REQUEST" : "ATTRIBUTES_UPDATED", &kvs, "scope", scope);
}

static void
delete_attributes(struct down *d, const struct target *t, const Edge__AttributeDeleteMsg *p)
{
    struct tbe_str scope = SERVER_IF_EMPTY(p->scope), *keys = tbe_arena_alloc(&d->a, (p->n_attributenames + 1) * sizeof *keys);
    int sc = store_scope_parse(scope);
    uint32_t n = 0;

    if (sc < 0) {
        down_refuse(d, "unknown attribute scope %.*s", (int)(scope.n < 40 ? scope.n : 40), scope.p);
        return;
    }
    for (size_t i = 0; i < p->n_attributenames; i++) {
        keys[n] = tbe_strz(p->attributenames[i]);
        store_delete_attr(d->b, &t->id, (enum store_scope)sc, keys[n++]);
    }
    if (t->dev) {
        hub_attributes_deleted(d->hub, t->dev, (enum store_scope)sc, keys, n);
    }
}

void
down_entity_data(struct down *d, const Edge__EntityDataProto *p)
{
    struct target t = { .id = { tbe_entity_type_parse(tbe_strz(p->entitytype)),
                                down_uuid(p->entityidmsb, p->entityidlsb) } };

    if (t.id.type == TBE_ENT_NONE || !down_exists(d, &t.id)) {
        return; /* of no interest here (9.2) */
    }
    t.e = store_entity(d->s, &t.id);
    if (t.id.type == TBE_ENT_DEVICE) {
        t.dev = hub_device(d->hub, &t.id.id);
        if (t.dev) {
            hub_device_activity(d->hub, t.dev);
        }
    }
    if (p->posttelemetrymsg) {
        post_telemetry(d, &t, p->posttelemetrymsg);
    }
    if (p->postattributesmsg || p->attributesupdatedmsg) {
        attributes(d, &t, p);
    }
    if (p->attributedeletemsg) {
        delete_attributes(d, &t, p->attributedeletemsg);
    }
}
