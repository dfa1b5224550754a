/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay tells: events of nodes, what devices and the cloud would get, the stored state. */
#include "config.h"
#include "replay/replay_int.h"

#include <stdlib.h>
#include <string.h>

#include "msg/cloud_event.h"
#include "nodes/alarm_json.h"

static void
put_uuid(struct tbe_buf *b, const struct tbe_uuid *u)
{
    char text[TBE_UUID_TEXT + 1];
    tbe_uuid_text(u, text);
    tbe_buf_fmt(b, "\"%s\"", text);
}

static void
put_ref(struct tbe_buf *b, const struct tbe_entity *e)
{
    tbe_buf_fmt(b, "{\"entityType\":\"%s\",\"id\":", tbe_entity_type_name(e->type));
    put_uuid(b, &e->id);
    tbe_buf_putc(b, '}');
}

static void
put_text(struct tbe_buf *b, struct tbe_str s)
{
    if (s.p) {
        tbe_json_write_str(b, s);
    } else {
        tbe_buf_putz(b, "null");
    }
}

/* Between the members of an array or object that starts at `from`. */
static void
comma(struct tbe_buf *b, size_t from)
{
    if (b->n > from) {
        tbe_buf_putc(b, ',');
    }
}

/* Events ----------------------------------------------------------------------------------------- */

static void
remember_keys(struct replay *r, const struct tbe_msg *m)
{
    struct replay_entity *e = replay_entity_by_id(r, &m->originator.id);
    struct tbe_ts_record *recs;
    struct tbe_str err;
    uint32_t n;
    if (!e || m->type_id != TBE_MT_POST_TELEMETRY_REQUEST ||
        tbe_kv_telemetry(&r->a, m->data, 0, 0, 0, &recs, &n, &err) < 0) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < recs[i].kvs.n; k++) {
            replay_key(r, e, recs[i].kvs.v[k].key);
        }
    }
}

static void
on_event(void *arg, const struct tbe_chain *c, uint32_t node, bool in, const char *relation, const struct tbe_msg *m,
         struct tbe_str error)
{
    struct replay *r = arg;
    struct tbe_buf *b = &r->events;
    comma(b, 0);
    tbe_buf_putz(b, "{\"chain\":");
    tbe_json_write_str(b, tbe_strz(c->name));
    tbe_buf_fmt(b, ",\"node\":%u,\"dir\":\"%s\",\"relation\":", node, in ? "IN" : "OUT");
    put_text(b, tbe_strz(relation));
    tbe_buf_putz(b, ",\"msg\":");
    put_uuid(b, &m->id);
    tbe_buf_putz(b, ",\"originator\":");
    put_ref(b, &m->originator);
    tbe_buf_putz(b, ",\"msgType\":");
    tbe_json_write_str(b, m->type);
    tbe_buf_putz(b, ",\"data\":");
    tbe_json_write_str(b, m->data);
    tbe_buf_putz(b, ",\"metadata\":{");
    for (uint32_t i = 0; i < m->md.n; i++) {
        tbe_buf_putz(b, i ? "," : "");
        tbe_json_write_str(b, m->md.e[i].key);
        tbe_buf_putc(b, ':');
        tbe_json_write_str(b, m->md.e[i].val);
    }
    tbe_buf_putz(b, "},\"error\":");
    put_text(b, error);
    tbe_buf_putc(b, '}');
    if (in) {
        remember_keys(r, m);
    }
}

/* Effects ---------------------------------------------------------------------------------------- */

/* {"entity":..  of a new member of b, or NULL when it is not a node that writes. */
static struct tbe_buf *
effect(struct replay *r, struct tbe_buf *b, const struct tbe_entity *e)
{
    if (!r->in_engine) {
        return NULL;
    }
    comma(b, 0);
    tbe_buf_putz(b, "{\"entity\":");
    put_ref(b, e);
    return b;
}

static void
put_values(struct tbe_buf *b, const struct tbe_kvs *kvs)
{
    tbe_buf_putz(b, ",\"values\":{");
    for (uint32_t i = 0; i < kvs->n; i++) {
        tbe_buf_putz(b, i ? "," : "");
        tbe_json_write_str(b, kvs->v[i].key);
        tbe_buf_putc(b, ':');
        tbe_kv_json(b, &kvs->v[i], TBE_OUT_JAVA);
    }
    tbe_buf_putz(b, "}}");
}

static void
on_save(void *arg, const struct tbe_entity *e, int64_t ts, const struct tbe_kvs *kvs, int64_t ttl_s, unsigned flags)
{
    struct replay *r = arg;
    struct tbe_buf *b = effect(r, &r->saves, e);
    if (b) {
        tbe_buf_fmt(b, ",\"ts\":%lld,\"ttl\":%lld,\"history\":%s,\"latest\":%s", (long long)ts, (long long)ttl_s,
                    flags & STORE_TS_HISTORY ? "true" : "false", flags & STORE_TS_LATEST ? "true" : "false");
        put_values(b, kvs);
    }
}

static void
on_attrs(void *arg, const struct tbe_entity *e, enum store_scope sc, const struct tbe_kvs *kvs)
{
    struct replay *r = arg;
    struct tbe_buf *b = effect(r, &r->attributes, e);
    if (b) {
        tbe_buf_fmt(b, ",\"scope\":\"%s\"", store_scope_name(sc));
        put_values(b, kvs);
    }
}

static void
on_attr_deleted(void *arg, const struct tbe_entity *e, enum store_scope sc, struct tbe_str key)
{
    struct replay *r = arg;
    struct tbe_buf *b = effect(r, &r->attributes, e);
    if (b) {
        tbe_buf_fmt(b, ",\"scope\":\"%s\",\"deleted\":", store_scope_name(sc));
        tbe_json_write_str(b, key);
        tbe_buf_putc(b, '}');
    }
}

static void
on_alarm_put(void *arg, const struct store_alarm *a)
{
    struct replay *r = arg;
    if (r->in_engine) {
        comma(&r->alarms, 0);
        alarm_json_write(&r->alarms, r->store, a);
    }
}

void
replay_watch(struct replay *r)
{
    struct engine_watch w = { on_event, r };
    engine_watch_set(r->engine, &w);
    r->watch = (struct store_watch){ on_save, on_attrs, on_attr_deleted, on_alarm_put, r };
    store_watch_set(r->store, &r->watch);
}

/* Scripted devices ------------------------------------------------------------------------------- */

static struct replay_entity *
entity_of_session(struct hub_session *s)
{
    return (struct replay_entity *)((char *)s - offsetof(struct replay_entity, session));
}

static void
on_attributes(struct hub_session *s, struct tbe_str body)
{
    struct replay_entity *e = entity_of_session(s);
    struct tbe_buf *b = &e->replay->pushes;
    bool deleted = body.n > 11 && memcmp(body.p, "{\"deleted\":[", 12) == 0;
    comma(b, 0);
    tbe_buf_putz(b, "{\"device\":");
    put_uuid(b, &e->id.id);
    if (deleted) {
        tbe_buf_putc(b, ',');
        tbe_buf_put(b, body.p + 1, body.n - 1);
    } else {
        tbe_buf_putz(b, ",\"updated\":");
        tbe_buf_puts(b, body);
        tbe_buf_putc(b, '}');
    }
}

static enum hub_sent
on_rpc(struct hub_session *s, int32_t id, struct tbe_str method, struct tbe_str params, uint16_t tag)
{
    struct replay_entity *e = entity_of_session(s);
    struct replay *r = e->replay;
    struct tbe_buf *b = &r->rpc;
    (void)tag;
    comma(b, 0);
    tbe_buf_putz(b, "{\"device\":");
    put_uuid(b, &e->id.id);
    tbe_buf_fmt(b, ",\"id\":%d,\"method\":", id);
    put_text(b, method);
    tbe_buf_putz(b, ",\"params\":");
    if (params.n) {
        tbe_buf_puts(b, params);
    } else {
        tbe_buf_putz(b, "null");
    }
    tbe_buf_putc(b, '}');
    tbe_val own = r->answers.t == TBE_MAP ? tbe_map_get(r->answers.u.m, method) : TBE_UNDEF_VAL;
    struct tbe_str answer = own.t == TBE_UNDEF ? r->answer : tbe_is_str(own) ? tbe_val_str(own) : TBE_STR_NONE;
    if (answer.p && r->n_calls < sizeof(r->calls) / sizeof(r->calls[0])) {
        r->calls[r->n_calls++] = (struct replay_call){ e, answer, id };
    }
    return HUB_SENT_DONE;
}

static void
on_reply(struct hub_session *s, int32_t request_id, struct tbe_str body)
{
    struct replay_entity *e = entity_of_session(s);
    struct tbe_buf *b = &e->replay->replies;
    comma(b, 0);
    tbe_buf_putz(b, "{\"device\":");
    put_uuid(b, &e->id.id);
    tbe_buf_fmt(b, ",\"request\":%d,\"data\":", request_id);
    put_text(b, body);
    tbe_buf_putc(b, '}');
}

static void
on_close(struct hub_session *s, enum hub_close why)
{
    (void)why;
    entity_of_session(s)->has_session = false;
}

const struct hub_session_ops replay_session_ops = { on_attributes, on_rpc, on_reply, on_close };

/* Cloud ------------------------------------------------------------------------------------------ */

struct cloud_arg {
    struct replay *r;
    struct tbe_buf *out;
    int queue;
};

static bool
on_uplink(void *arg, const struct store_uplink *u)
{
    struct cloud_arg *c = arg;
    c->r->cloud_seen[c->queue] = u->seq;
    comma(c->out, 0);
    tbe_buf_putz(c->out, "{\"entity\":");
    put_ref(c->out, &u->entity);
    tbe_buf_fmt(c->out, ",\"type\":\"%s\",\"action\":\"%s\",\"body\":", cloud_kind_name(u->kind),
                cloud_action_name(u->action));
    if (u->body.n) {
        tbe_buf_puts(c->out, u->body);
    } else {
        tbe_buf_putz(c->out, "null");
    }
    tbe_buf_putc(c->out, '}');
    return true;
}

void
replay_cloud(struct replay *r, struct tbe_buf *out)
{
    for (int q = 0; q < 2; q++) {
        struct cloud_arg arg = { r, out, q };
        store_outbox_each(r->store, q == 1, r->cloud_seen[q], 0, on_uplink, &arg);
    }
}

/* State ------------------------------------------------------------------------------------------ */

struct kv_arg {
    struct tbe_buf *out;
    size_t from;
    bool with_ts;
};

static void
put_point(struct tbe_buf *out, const struct tbe_kv *kv, int64_t ts)
{
    tbe_buf_fmt(out, "{\"ts\":%lld,\"value\":", (long long)ts);
    tbe_kv_json(out, kv, TBE_OUT_JAVA);
    tbe_buf_putc(out, '}');
}

static bool
on_kv(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct kv_arg *k = arg;
    comma(k->out, k->from);
    tbe_json_write_str(k->out, kv->key);
    tbe_buf_putc(k->out, ':');
    if (k->with_ts) {
        put_point(k->out, kv, ts);
    } else {
        tbe_kv_json(k->out, kv, TBE_OUT_JAVA);
    }
    return true;
}

static bool
on_point(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct kv_arg *k = arg;
    comma(k->out, k->from);
    put_point(k->out, kv, ts);
    return true;
}

static void
put_attributes(struct replay *r, const struct replay_entity *e, struct tbe_buf *b)
{
    for (int sc = 0; sc < STORE_SCOPES; sc++) {
        tbe_buf_fmt(b, "%s\"%s\":{", sc ? "," : "", store_scope_name((enum store_scope)sc));
        struct kv_arg arg = { b, b->n, false };
        store_attr_each(r->store, &e->id, (enum store_scope)sc, on_kv, &arg);
        tbe_buf_putc(b, '}');
    }
}

static void
put_latest(struct replay *r, const struct replay_entity *e, struct tbe_buf *b)
{
    struct kv_arg arg = { b, b->n, true };
    store_latest_each(r->store, &e->id, on_kv, &arg);
}

static void
put_history(struct replay *r, const struct replay_entity *e, struct tbe_buf *b)
{
    static const struct store_range all = { .from = INT64_MIN, .to = INT64_MAX };
    size_t from = b->n;
    for (uint32_t i = 0; i < e->n_keys; i++) {
        size_t undo = b->n;
        comma(b, from);
        tbe_json_write_str(b, e->keys[i]);
        tbe_buf_putz(b, ":[");
        struct kv_arg arg = { b, b->n, true };
        store_history(r->store, &e->id, e->keys[i], &all, on_point, &arg);
        if (b->n == arg.from) {
            b->n = undo; /* nothing stored under this key */
        } else {
            tbe_buf_putc(b, ']');
        }
    }
}

static void
each_entity(struct replay *r, struct tbe_buf *b,
            void (*fn)(struct replay *r, const struct replay_entity *e, struct tbe_buf *b))
{
    size_t from = b->n;
    for (uint32_t i = 0; i < r->n_entities; i++) {
        comma(b, from);
        put_uuid(b, &r->entities[i].id.id);
        tbe_buf_putz(b, ":{");
        fn(r, &r->entities[i], b);
        tbe_buf_putc(b, '}');
    }
}

struct alarms {
    struct replay *r;
    struct {
        int64_t created;
        struct tbe_str json;
    } v[256];
    uint32_t n;
};

static bool
on_alarm(void *arg, const struct store_alarm *a)
{
    struct alarms *all = arg;
    struct tbe_buf b = { 0 };
    if (all->n == 256) {
        return false;
    }
    alarm_json_write(&b, all->r->store, a);
    all->v[all->n].created = a->created;
    all->v[all->n++].json = tbe_arena_dup(&all->r->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return true;
}

static void
put_alarms(struct replay *r, struct tbe_buf *b)
{
    struct alarms *all = calloc(1, sizeof(*all));
    if (!all) {
        return;
    }
    all->r = r;
    for (uint32_t i = 0; i < r->n_entities; i++) {
        store_alarm_each(r->store, &r->entities[i].id, on_alarm, all);
    }
    size_t from = b->n;
    bool *done = calloc(all->n + 1, sizeof(*done));
    for (uint32_t k = 0; done && k < all->n; k++) { /* oldest first; of equals the later listed is older */
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < all->n; i++) {
            if (!done[i] && (best == UINT32_MAX || all->v[i].created <= all->v[best].created)) {
                best = i;
            }
        }
        done[best] = true;
        comma(b, from);
        tbe_buf_puts(b, all->v[best].json);
    }
    free(done);
    free(all);
}

struct shown {
    struct replay *r;
    struct tbe_buf *out;
    size_t from;
};

static bool
on_shown(void *arg, const struct store_alarm *a)
{
    struct shown *x = arg;
    comma(x->out, x->from);
    alarm_json_write(x->out, x->r->store, a);
    return true;
}

/* Alarms of others, by the entity that shows them. */
static void
put_shown(struct replay *r, struct tbe_buf *b)
{
    size_t start = b->n;
    for (uint32_t i = 0; i < r->n_entities; i++) {
        size_t undo = b->n;
        comma(b, start);
        put_uuid(b, &r->entities[i].id.id);
        tbe_buf_putz(b, ":[");
        struct shown x = { r, b, b->n };
        store_alarm_shown_each(r->store, &r->entities[i].id, on_shown, &x);
        if (b->n == x.from) {
            b->n = undo;
        } else {
            tbe_buf_putc(b, ']');
        }
    }
}

struct relations {
    struct tbe_buf *out;
    size_t from;
};

static bool
on_relation(void *arg, const struct store_relation *rel)
{
    struct relations *x = arg;
    comma(x->out, x->from);
    tbe_buf_putz(x->out, "{\"from\":");
    put_ref(x->out, &rel->from);
    tbe_buf_putz(x->out, ",\"to\":");
    put_ref(x->out, &rel->to);
    tbe_buf_putz(x->out, ",\"type\":");
    tbe_json_write_str(x->out, rel->type);
    tbe_buf_putc(x->out, '}');
    return true;
}

void
replay_state(struct replay *r, struct tbe_buf *b)
{
    tbe_buf_putz(b, "{\"attributes\":{");
    each_entity(r, b, put_attributes);
    tbe_buf_putz(b, "},\"latest\":{");
    each_entity(r, b, put_latest);
    tbe_buf_putz(b, "},\"history\":{");
    each_entity(r, b, put_history);
    tbe_buf_putz(b, "},\"alarms\":[");
    put_alarms(r, b);
    tbe_buf_putz(b, "],\"shown\":{");
    put_shown(r, b);
    tbe_buf_putz(b, "},\"relations\":[");
    struct relations rel = { b, b->n };
    for (uint32_t i = 0; i < r->n_entities; i++) {
        store_relation_each(r->store, &r->entities[i].id, true, TBE_STR_NONE, on_relation, &rel);
    }
    tbe_buf_putz(b, "]}");
}
