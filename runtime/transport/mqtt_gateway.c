/* SPDX-License-Identifier: Apache-2.0 */
/* The MQTT gateway API (facts/device-apis.md 7): one connection speaks for many devices. Each named device
 * gets a child session with attributes and RPC switched on; what it is told goes to v1/gateway/... of the
 * gateway's connection. JSON payloads only. */
#include "config.h"

#include "transport/mqtt_conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "nodes/engine.h"

enum gw_result {
    GW_DONE,
    GW_PAYLOAD,   /* not JSON, or one device's part cannot be read */
    GW_STRUCTURE, /* JSON of the wrong shape: acknowledged, then closed */
    GW_CREATE     /* a device cannot be made */
};

#define DOWN (TBE_OUT_GSON | TBE_OUT_NO_HTML)
#define CHILD(sp) ((struct mqtt_child *)((char *)(sp)-offsetof(struct mqtt_child, s)))

/* What children are told ----------------------------------------------------------------------------- */

static void
begin_body(struct tbe_buf *b, const struct mqtt_child *k)
{
    b->n = 0;
    tbe_buf_putz(b, "{\"device\":");
    tbe_json_write_str(b, k->name);
    tbe_buf_putz(b, ",\"data\":");
}

static void
child_attributes(struct hub_session *s, struct tbe_str body)
{
    struct mqtt_child *k = CHILD(s);
    struct tbe_buf *b = &k->gateway->ms->text;

    begin_body(b, k);
    tbe_buf_puts(b, body);
    tbe_buf_putc(b, '}');
    mqtt_deliver(k->gateway, TBE_STR("v1/gateway/attributes"), tbe_buf_str(b), 0);
}

static enum hub_sent
child_rpc(struct hub_session *s, int32_t id, struct tbe_str method, struct tbe_str params, uint16_t tag)
{
    struct mqtt_child *k = CHILD(s);
    struct tbe_buf *b = &k->gateway->ms->text;
    struct tbe_arena a;
    tbe_val v;

    (void)tag; /* the gateway's PUBACK is not linked to the request */
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, params.n ? params : TBE_STR("null"), TBE_JSON_RAW | TBE_JSON_LENIENT, &v, NULL) != 0) {
        tbe_arena_free(&a);
        return HUB_SENT_BAD;
    }
    begin_body(b, k);
    tbe_buf_fmt(b, "{\"id\":%d,\"method\":", (int)id);
    tbe_json_write_str(b, method);
    tbe_buf_putz(b, ",\"params\":");
    tbe_json_write(b, v, DOWN);
    tbe_buf_putz(b, "}}");
    tbe_arena_free(&a);
    mqtt_deliver(k->gateway, TBE_STR("v1/gateway/rpc"), tbe_buf_str(b), 0);
    return mqtt_out_qos(k->gateway, TBE_STR("v1/gateway/rpc")) > 0 ? HUB_SENT_BLIND : HUB_SENT_DONE;
}

static void
child_reply(struct hub_session *s, int32_t id, struct tbe_str body)
{
    (void)s; /* children have no client-side RPC */
    (void)id;
    (void)body;
}

static void
child_remove(struct mqtt_child *k)
{
    struct mqtt_conn *c = k->gateway;

    for (struct mqtt_child **p = &c->children; *p != NULL; p = &(*p)->next) {
        if (*p == k) {
            *p = k->next;
            c->n_children--;
            break;
        }
    }
    free((char *)k->name.p);
    free(k);
}

static void
child_close(struct hub_session *s, enum hub_close why)
{
    (void)why; /* the gateway stays */
    child_remove(CHILD(s));
}

static const struct hub_session_ops child_ops = { child_attributes, child_rpc, child_reply, child_close };

/* Children ------------------------------------------------------------------------------------------- */

static struct mqtt_child *
find_child(struct mqtt_conn *c, struct tbe_str name)
{
    for (struct mqtt_child **p = &c->children; *p != NULL; p = &(*p)->next) {
        if (tbe_str_eq((*p)->name, name)) {
            struct mqtt_child *k = *p; /* move to the front: gateways repeat themselves */

            *p = k->next;
            k->next = c->children;
            c->children = k;
            return k;
        }
    }
    return NULL;
}

static struct mqtt_child *
child_new(struct mqtt_server *ms, struct mqtt_conn *c, struct hub_device *d, const struct tbe_uuid *session, bool silent)
{
    struct mqtt_child *k = c->n_children < MQTT_CHILDREN_MAX ? calloc(1, sizeof(*k)) : NULL;
    char *name = k != NULL ? malloc(d->name.n + 1) : NULL;

    if (name == NULL) {
        free(k);
        return NULL;
    }
    memcpy(name, d->name.p, d->name.n);
    k->name = (struct tbe_str){ name, d->name.n };
    k->gateway = c;
    k->s.ops = &child_ops;
    k->s.async = true;
    if (session != NULL) {
        k->s.id = *session;
    }
    k->next = c->children;
    c->children = k;
    c->n_children++;
    hub_session_open(ms->hub, &k->s, d, silent);
    hub_subscribe_attributes(&k->s, true);
    if (silent) {
        hub_subscribe_rpc_silent(&k->s);
    } else {
        hub_subscribe_rpc(ms->hub, &k->s, true);
    }
    return k;
}

/* The child of this name; found or made (7.1). NULL: it cannot be made. */
static struct mqtt_child *
ensure_child(struct mqtt_server *ms, struct mqtt_conn *c, struct tbe_str name, struct tbe_str type, bool dry)
{
    struct mqtt_child *k = find_child(c, name);
    struct hub_device *d;
    char err[256] = "";

    if (k != NULL) {
        hub_session_activity(ms->hub, &k->s);
        return k;
    }
    d = dry ? hub_device_by_name(ms->hub, name) : hub_gateway_child(ms->hub, c->s.dev, name, type, err);
    if (d == NULL || d->profile == NULL) {
        log_warn("gateway: device \"%.*s\" cannot be made: %s", (int)(name.n > 100 ? 100 : name.n), name.p, err);
        return NULL;
    }
    if (d == c->s.dev) { /* a gateway that names itself: its own session is not taken over */
        return NULL;
    }
    k = child_new(ms, c, d, NULL, dry);
    if (k != NULL) {
        mqtt_keep(c);
    }
    return k;
}

void
mqtt_child_restore(struct mqtt_server *ms, struct mqtt_conn *c, const struct tbe_uuid *device,
                   const struct tbe_uuid *session, int32_t rpc_seq)
{
    struct hub_device *d = hub_device(ms->hub, device);

    if (d != NULL && d->profile != NULL && d != c->s.dev && child_new(ms, c, d, session, true) != NULL &&
        rpc_seq > d->rpc_seq) {
        d->rpc_seq = rpc_seq;
    }
}

void
mqtt_children_free(struct mqtt_server *ms, struct mqtt_conn *c, bool silent)
{
    while (c->children != NULL) {
        struct mqtt_child *k = c->children;

        hub_session_close(ms->hub, &k->s, silent);
        child_remove(k);
    }
}

void
mqtt_children_activity(struct mqtt_server *ms, struct mqtt_conn *c)
{
    for (struct mqtt_child *k = c->children; k != NULL; k = k->next) {
        hub_session_activity(ms->hub, &k->s);
    }
}

/* Payloads ------------------------------------------------------------------------------------------- */

struct call {
    struct mqtt_server *ms;
    struct mqtt_conn *c;
    struct tbe_arena a;
    tbe_val v;
    int64_t arrival;
    bool dry;
};

static tbe_val
member(tbe_val obj, const char *key)
{
    return obj.t == TBE_MAP ? tbe_map_get(obj.u.m, tbe_strz(key)) : TBE_UNDEF_VAL;
}

static bool
member_text(tbe_val obj, const char *key, struct tbe_str *out)
{
    tbe_val v = member(obj, key);

    if (v.t != TBE_STR_T && v.t != TBE_NUM) {
        return false;
    }
    *out = tbe_val_str(v);
    return true;
}

static bool
member_int(tbe_val obj, const char *key, int32_t *out)
{
    struct tbe_str s;

    return member_text(obj, key, &s) && mqtt_int(s, out);
}

static enum gw_result
on_connect(struct call *q)
{
    struct tbe_str name, type = TBE_STR("default");
    tbe_val t = member(q->v, "type");

    if (!member_text(q->v, "device", &name) || name.n == 0) {
        return GW_STRUCTURE;
    }
    if (t.t == TBE_STR_T || t.t == TBE_NUM) {
        type = tbe_val_str(t);
    }
    return ensure_child(q->ms, q->c, name, type, q->dry) ? GW_DONE : GW_CREATE;
}

static enum gw_result
on_disconnect(struct call *q)
{
    struct mqtt_child *k;
    struct tbe_str name;

    if (!member_text(q->v, "device", &name) || name.n == 0) {
        return GW_STRUCTURE;
    }
    k = find_child(q->c, name);
    if (k != NULL) {
        hub_session_close(q->ms->hub, &k->s, q->dry);
        child_remove(k);
        mqtt_keep(q->c);
    }
    return GW_DONE;
}

static bool
metadata_ok(tbe_val md)
{
    return md.t == TBE_MAP && member(md, "connector").t == TBE_STR_T && member(md, "receivedTs").t == TBE_NUM &&
           member(md, "publishedTs").t == TBE_NUM;
}

/* "metadata" of an element is checked and taken out before the element is read (7.2). */
static bool
strip_metadata(tbe_val list)
{
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        tbe_val e = list.u.l->v[i], md = member(e, "metadata");

        if (md.t == TBE_UNDEF) {
            continue;
        }
        if (!metadata_ok(md)) {
            return false;
        }
        tbe_map_remove(e.u.m, TBE_STR("metadata"));
    }
    return true;
}

enum part { PART_TELEMETRY, PART_ATTRIBUTES, PART_CLAIM };

static enum gw_result
one_part(struct call *q, enum part part, struct tbe_str name, tbe_val v)
{
    struct mqtt_child *k = ensure_child(q->ms, q->c, name, TBE_STR("default"), q->dry);
    struct tbe_str text, err;
    enum hub_result r = HUB_DONE;

    if (k == NULL) {
        return GW_CREATE;
    }
    if (part == PART_TELEMETRY && !strip_metadata(v)) {
        return GW_PAYLOAD;
    }
    text = tbe_json_text(&q->a, v, DOWN);
    if (part == PART_CLAIM) {
        r = hub_claim_register(q->ms->hub, k->s.dev, text, q->dry, &err);
        return r == HUB_DONE ? GW_DONE : GW_PAYLOAD;
    }
    r = part == PART_TELEMETRY
            ? hub_post_telemetry(q->ms->hub, k->s.dev, TBE_STR_NONE, q->arrival, text, q->dry, &err)
            : hub_post_attributes(q->ms->hub, k->s.dev, TBE_STR_NONE, text, q->dry, &err);
    return r == HUB_DONE ? GW_DONE : GW_PAYLOAD;
}

/* {"Device A": part, ...}: parts of another shape are skipped; none left is an error. All parts are done,
 * the first error is told. */
static enum gw_result
parts(struct call *q, enum part part)
{
    enum gw_result res = GW_DONE;
    const struct tbe_entry *e;
    uint32_t n = 0;

    if (q->v.t != TBE_MAP) {
        return GW_STRUCTURE;
    }
    for (uint32_t i = 0; tbe_map_next(q->v.u.m, &i, &e);) {
        enum gw_result r;

        if (e->val.t != (part == PART_TELEMETRY ? TBE_LIST : TBE_MAP)) {
            log_warn("gateway: the part of a device has the wrong shape; it is skipped");
            continue;
        }
        n++;
        r = one_part(q, part, tbe_val_str(e->key), e->val);
        res = res == GW_DONE ? r : res;
    }
    return n > 0 ? res : GW_STRUCTURE;
}

static enum gw_result
on_telemetry(struct call *q)
{
    return parts(q, PART_TELEMETRY);
}

static enum gw_result
on_attributes(struct call *q)
{
    return parts(q, PART_ATTRIBUTES);
}

static enum gw_result
on_claim(struct call *q)
{
    return parts(q, PART_CLAIM);
}

struct found {
    struct tbe_buf *b;
    uint32_t n;
    bool values; /* with names */
};

static bool
put_found(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct found *f = arg;

    (void)ts;
    if (f->values) {
        tbe_buf_putz(f->b, f->n ? "," : ",\"values\":{");
        tbe_json_write_str(f->b, kv->key);
        tbe_buf_putc(f->b, ':');
    } else {
        tbe_buf_putz(f->b, ",\"value\":");
    }
    tbe_kv_json(f->b, kv, DOWN);
    f->n++;
    return true;
}

/* The names asked for, each once. false: neither "key" nor "keys". */
static bool
wanted(struct call *q, struct hub_keys *keys)
{
    tbe_val list = member(q->v, "keys");
    struct tbe_str one;

    memset(keys, 0, sizeof(*keys));
    if (member_text(q->v, "key", &one)) {
        keys->v = tbe_arena_alloc(&q->a, sizeof(*keys->v));
        keys->v[keys->n++] = one;
        return true;
    }
    if (list.t != TBE_LIST) {
        return false;
    }
    keys->v = tbe_arena_alloc(&q->a, (list.u.l->n + 1) * sizeof(*keys->v));
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        tbe_val v = list.u.l->v[i];
        bool again = v.t != TBE_STR_T && v.t != TBE_NUM;

        for (uint32_t j = 0; j < keys->n && j < 1000 && !again; j++) {
            again = tbe_str_eq(keys->v[j], tbe_val_str(v));
        }
        if (!again) {
            keys->v[keys->n++] = tbe_val_str(v);
        }
    }
    return true;
}

static enum gw_result
on_attr_request(struct call *q)
{
    tbe_val cl = member(q->v, "client");
    struct hub_keys keys;
    struct mqtt_child *k;
    struct tbe_entity e;
    struct tbe_str name;
    struct found f;
    enum store_scope sc;
    int32_t id;

    if (!member_int(q->v, "id", &id) || !member_text(q->v, "device", &name) ||
        (cl.t != TBE_BOOL && cl.t != TBE_STR_T) || !wanted(q, &keys)) {
        return GW_STRUCTURE;
    }
    k = ensure_child(q->ms, q->c, name, TBE_STR("default"), q->dry);
    if (k == NULL) {
        return GW_STRUCTURE;
    }
    sc = (cl.t == TBE_BOOL ? cl.u.i != 0 : tbe_str_ieq(tbe_val_str(cl), TBE_STR("true"))) ? STORE_CLIENT
                                                                                          : STORE_SHARED;
    engine_run(q->ms->engine);
    e = (struct tbe_entity){ TBE_ENT_DEVICE, k->s.dev->id };
    f = (struct found){ &q->ms->text, 0, keys.n != 1 };
    f.b->n = 0;
    tbe_buf_fmt(f.b, "{\"id\":%d,\"device\":", (int)id);
    tbe_json_write_str(f.b, k->name);
    for (uint32_t i = 0; i < keys.n; i++) {
        struct tbe_kv kv;
        int64_t ts;

        if (keys.v[i].n > 0 && store_attr(hub_store(q->ms->hub), &e, sc, keys.v[i], &kv, &ts)) {
            put_found(&f, &kv, ts);
        }
    }
    if (keys.n == 0) { /* QUIRK: no names ask for everything of both scopes */
        store_attr_each(hub_store(q->ms->hub), &e, STORE_CLIENT, put_found, &f);
        store_attr_each(hub_store(q->ms->hub), &e, STORE_SHARED, put_found, &f);
    }
    tbe_buf_putz(f.b, f.values && f.n ? "}}" : "}");
    if (!q->dry) {
        mqtt_deliver(q->c, TBE_STR("v1/gateway/attributes/response"), tbe_buf_str(f.b), 0);
    }
    return GW_DONE;
}

static enum gw_result
on_rpc_reply(struct call *q)
{
    struct mqtt_child *k;
    struct tbe_str name;
    tbe_val data = member(q->v, "data");
    int32_t id;

    if (!member_int(q->v, "id", &id) || !member_text(q->v, "device", &name) || data.t == TBE_UNDEF) {
        return GW_STRUCTURE;
    }
    k = ensure_child(q->ms, q->c, name, TBE_STR("default"), q->dry);
    if (k == NULL) {
        return GW_CREATE;
    }
    if (!q->dry) {
        hub_rpc_response(q->ms->hub, k->s.dev, id, tbe_json_text(&q->a, data, DOWN));
    }
    return GW_DONE;
}

static const struct {
    struct tbe_str topic;
    enum gw_result (*fn)(struct call *q);
} topics[] = {
    { TBE_STR_INIT("v1/gateway/telemetry"), on_telemetry },
    { TBE_STR_INIT("v1/gateway/attributes"), on_attributes },
    { TBE_STR_INIT("v1/gateway/connect"), on_connect },
    { TBE_STR_INIT("v1/gateway/disconnect"), on_disconnect },
    { TBE_STR_INIT("v1/gateway/attributes/request"), on_attr_request },
    { TBE_STR_INIT("v1/gateway/rpc"), on_rpc_reply },
    { TBE_STR_INIT("v1/gateway/claim"), on_claim },
};

/* 7.4. */
static uint32_t
result_code(struct mqtt_conn *c, enum gw_result r, uint8_t qos)
{
    switch (r) {
    case GW_DONE:
        return 0;
    case GW_PAYLOAD:
        return mqtt_answer(c, HUB_PAYLOAD, qos);
    case GW_CREATE:
        return c->level >= 5 ? 0x80 : 0;
    default:
        c->dead = true;
        return (c->level >= 5 ? 0x83u : 0u) | FR_CODE_CLOSE | FR_CODE_DISCONNECT(0x83);
    }
}

void
mqtt_gateway_publish(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f, struct tbe_str topic,
                     struct tbe_str body, int64_t arrival, bool dry)
{
    struct call q = { .ms = ms, .c = c, .arrival = arrival, .dry = dry };
    enum gw_result r;

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        if (!tbe_str_eq(topic, topics[i].topic)) {
            continue;
        }
        tbe_arena_init(&q.a, 0);
        if (c->s.dev->profile->protobuf ||
            tbe_json_parse(&q.a, body, TBE_JSON_RAW | TBE_JSON_LENIENT, &q.v, NULL) != 0) {
            r = GW_PAYLOAD;
        } else {
            r = topics[i].fn(&q);
        }
        tbe_arena_free(&q.a);
        mqtt_confirm(ms, f, result_code(c, r, f->flags & 3));
        return;
    }
    mqtt_confirm(ms, f, c->level >= 5 ? 0x90 : 0);
}
