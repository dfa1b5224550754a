/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for the cloud: telemetry and attribute pushes in the log, everything else in `event`
 * rows. A telemetry push is numbered by its log row and its place among the row's pushes. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "msg/cloud_event.h"

const char *
store_cloud_type_name(int kind)
{
    return kind >= 0 && kind < CLOUD_KIND_COUNT ? cloud_kind_name(kind) : NULL;
}

const char *
store_cloud_action_name(int action)
{
    return action >= 0 && action < CLOUD_ACTION_COUNT ? cloud_action_name(action) : NULL;
}

void
store_push_ts(struct store_batch *b, const struct tbe_entity *e, int64_t ts,
              const struct tbe_kvs *kvs)
{
    if (store_writable(b)) {
        pack_ts(&b->pack, e, ts, 0, kvs, REC_PUSH);
    }
}

void
store_push_cloud(struct store_batch *b, const struct store_uplink *u, bool telemetry_log)
{
    if (!store_writable(b)) {
        return;
    }
    int64_t created = u->created ? u->created : clock_ms();
    if (telemetry_log) {
        pack_body(&b->pack, &u->entity, created, u->kind, u->action, u->body);
        return;
    }
    struct op *op = op_new(b, ST_EVENT_PUT, 6);
    op_int(op, 1, u->entity.type);
    op_uuid(b, op, 2, &u->entity.id);
    op_int(op, 3, u->kind);
    op_int(op, 4, u->action);
    op_int(op, 5, created);
    op_text(b, op, 6, u->body);
}

void
store_outbox_ack(struct store_batch *b, bool telemetry_log, uint64_t seq)
{
    if (!store_writable(b)) {
        return;
    }
    if (telemetry_log) {
        b->uplink_ack = seq > b->uplink_ack ? seq : b->uplink_ack;
        return;
    }
    struct op *op = op_new(b, ST_EVENT_ACK, 1);
    op_int(op, 1, (int64_t)seq);
}

/* Reading -------------------------------------------------------------------------------------- */

struct uplinks { /* collected first: fn may use the store */
    struct tbe_arena arena;
    struct store_uplink *v;
    uint32_t n, limit;
};

static struct tbe_kvs *
kvs_dup(struct tbe_arena *a, const struct tbe_kvs *in)
{
    struct tbe_kvs *k = tbe_arena_alloc(a, sizeof *k + in->n * sizeof *in->v);
    if (!k) {
        store_oom();
    }
    k->v = (struct tbe_kv *)(k + 1);
    k->n = in->n;
    for (uint32_t i = 0; i < in->n; i++) {
        k->v[i] = in->v[i];
        k->v[i].key = tbe_arena_dup(a, in->v[i].key);
        k->v[i].s = in->v[i].type >= TBE_KV_STRING ? tbe_arena_dup(a, in->v[i].s) : TBE_STR_NONE;
    }
    return k;
}

static struct tbe_str
ts_body(struct tbe_arena *a, const struct tbe_kvs *kvs, int64_t ts)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, "{\"data\":");
    tbe_kvs_json(&b, kvs, TBE_OUT_GSON);
    tbe_buf_fmt(&b, ",\"ts\":%lld}", (long long)ts);
    if (b.oom) {
        store_oom();
    }
    struct tbe_str s = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

static void
add_push(struct uplinks *l, uint64_t seq, int64_t created, const struct pack_rec *r)
{
    struct store_uplink *u = &l->v[l->n++];
    *u = (struct store_uplink){ .seq = seq, .entity = r->e };
    if (r->kind == REC_TS) {
        u->kind = (int)cloud_kind_of(r->e.type);
        u->action = CLOUD_ACTION_TIMESERIES_UPDATED;
        u->created = created;
        u->kvs = kvs_dup(&l->arena, &r->kvs);
        u->ts = r->ts;
        u->body = ts_body(&l->arena, u->kvs, r->ts);
    } else {
        u->kind = r->event_kind;
        u->action = r->action;
        u->created = r->ts;
        u->body = r->body.p ? tbe_arena_dup(&l->arena, r->body) : TBE_STR_NONE;
    }
}

static void
collect_log(struct store *s, struct uplinks *l, uint64_t after)
{
    uint64_t acked = (uint64_t)db_meta(s->rd, "uplink", 0);
    after = after > acked ? after : acked;
    struct pack_reader r = { .pushed_only = true };
    sqlite3_stmt *st = db_stmt(s->rd, ST_LOG_PUSHED);
    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)(after >> 20));
    }
    while (l->n < l->limit && db_row(s->rd, st)) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(st, 0) << 20;
        struct pack_rec rec;
        pack_read(&r, db_col_str(st, 3), NULL);
        while (l->n < l->limit && pack_next(&r, &rec)) {
            if (++seq > after) {
                add_push(l, seq, sqlite3_column_int64(st, 1), &rec);
            }
        }
        if (r.corrupt) {
            log_error("store: log row %llu is damaged; pushes in its bad blocks are lost",
                      (unsigned long long)(seq >> 20));
            r.corrupt = 0;
        }
    }
    if (st) {
        sqlite3_reset(st);
    }
    pack_reader_free(&r);
}

static void
collect_events(struct store *s, struct uplinks *l, uint64_t after)
{
    sqlite3_stmt *st = db_stmt(s->rd, ST_EVENT_EACH);
    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)after);
        sqlite3_bind_int64(st, 2, l->limit);
    }
    while (l->n < l->limit && db_row(s->rd, st)) {
        struct tbe_str body = db_col_str(st, 6);
        l->v[l->n++] = (struct store_uplink){
            .seq = (uint64_t)sqlite3_column_int64(st, 0),
            .entity = { (enum tbe_entity_type)sqlite3_column_int(st, 1), db_col_uuid(st, 2) },
            .kind = sqlite3_column_int(st, 3), .action = sqlite3_column_int(st, 4),
            .created = sqlite3_column_int64(st, 5), .body = body.p ? tbe_arena_dup(&l->arena, body) : TBE_STR_NONE,
        };
    }
    if (st) {
        sqlite3_reset(st);
    }
}

#define OUTBOX_PAGE 10000u /* entries held at once, whatever the limit */

/* Only what is committed: an uplink must not be offered before it is durable. */
void
store_outbox_each(struct store *s, bool telemetry_log, uint64_t after_seq, uint32_t limit,
                  store_uplink_fn *fn,
                  void *arg)
{
    struct uplinks l = { 0 };
    tbe_arena_init(&l.arena, 0);
    bool more = true;
    uint32_t left = limit ? limit : UINT32_MAX;
    while (more && left) {
        l.n = 0;
        l.limit = left < OUTBOX_PAGE ? left : OUTBOX_PAGE;
        l.v = tbe_arena_alloc(&l.arena, l.limit * sizeof *l.v);
        if (!l.v) {
            store_oom();
        }
        if (telemetry_log) {
            collect_log(s, &l, after_seq);
        } else {
            collect_events(s, &l, after_seq);
        }
        more = l.n == l.limit;
        left -= l.n;
        for (uint32_t i = 0; i < l.n; i++) {
            after_seq = l.v[i].seq;
            if (!fn(arg, &l.v[i])) {
                more = false;
                break;
            }
        }
        tbe_arena_reset(&l.arena);
    }
    tbe_arena_free(&l.arena);
}

/* One by one --------------------------------------------------------------------------------- */

struct store_outbox_reader {
    struct store *s;
    struct tbe_buf row;    /* the log row that is read, a copy */
    struct pack_reader r;
    uint64_t row_id, at;   /* at: entries of the row read so far */
    uint64_t seq;          /* of the newest entry given out, or where the search goes on */
    int64_t created;
    struct pack_rec rec;
    bool loaded, again;
};

struct store_outbox_reader *
store_outbox_open(struct store *s)
{
    struct store_outbox_reader *r = calloc(1, sizeof *r);
    if (r) {
        r->s = s;
        r->r.pushed_only = true;
        store_outbox_seek(r, 0);
    }
    return r;
}

void
store_outbox_close(struct store_outbox_reader *r)
{
    if (r) {
        pack_reader_free(&r->r);
        tbe_buf_free(&r->row);
        free(r);
    }
}

void
store_outbox_seek(struct store_outbox_reader *r, uint64_t after)
{
    uint64_t acked = (uint64_t)db_meta(r->s->rd, "uplink", 0);
    r->seq = after > acked ? after : acked;
    r->loaded = r->again = false;
}

/* The row that holds what comes behind seq. */
static bool
load_row(struct store_outbox_reader *r)
{
    sqlite3_stmt *st = db_stmt(r->s->rd, ST_LOG_PUSHED);
    if (!st) {
        return false;
    }
    sqlite3_bind_int64(st, 1, (int64_t)(r->seq >> 20));
    while (db_row(r->s->rd, st)) {
        uint64_t id = (uint64_t)sqlite3_column_int64(st, 0);
        if (id == r->seq >> 20 && (uint64_t)sqlite3_column_int64(st, 2) <= (r->seq & 0xfffff)) {
            continue; /* all of it was given out */
        }
        struct tbe_str data = db_col_str(st, 3);
        r->row.n = 0;
        tbe_buf_puts(&r->row, data);
        if (r->row.oom) {
            store_oom();
        }
        r->row_id = id;
        r->at = 0;
        r->created = sqlite3_column_int64(st, 1);
        sqlite3_reset(st);
        pack_read(&r->r, tbe_buf_str(&r->row), NULL);
        r->loaded = true;
        return true;
    }
    return false;
}

static bool
next_rec(struct store_outbox_reader *r)
{
    while (r->loaded && pack_next(&r->r, &r->rec)) {
        uint64_t seq = (r->row_id << 20) + ++r->at;
        if (seq > r->seq) {
            r->seq = seq;
            return true;
        }
    }
    if (r->r.corrupt) {
        log_error("store: log row %llu is damaged; pushes in its bad blocks are lost",
                  (unsigned long long)r->row_id);
        r->r.corrupt = 0;
    }
    if (r->loaded) { /* past it, whatever its books say */
        r->seq = (r->row_id << 20) | 0xfffff;
        r->loaded = false;
    }
    return false;
}

bool
store_outbox_next(struct store_outbox_reader *r, struct store_uplink *u)
{
    if (!r->again) {
        while (!next_rec(r)) {
            if (!load_row(r)) {
                return false;
            }
        }
    }
    r->again = false;
    const struct pack_rec *c = &r->rec;
    *u = (struct store_uplink){ .seq = r->seq, .entity = c->e };
    if (c->kind == REC_TS) {
        u->kind = (int)cloud_kind_of(c->e.type);
        u->action = CLOUD_ACTION_TIMESERIES_UPDATED;
        u->created = r->created;
        u->kvs = &c->kvs;
        u->ts = c->ts;
    } else {
        u->kind = c->event_kind;
        u->action = c->action;
        u->created = c->ts;
        u->body = c->body;
    }
    return true;
}

void
store_outbox_back(struct store_outbox_reader *r)
{
    r->again = true;
}

uint64_t
store_outbox_confirmed(struct store *s)
{
    return (uint64_t)db_meta(s->rd, "uplink", 0);
}

uint64_t
store_outbox_head(struct store *s)
{
    int64_t id = 0;
    sqlite3_stmt *st = db_stmt(s->rd, ST_LOG_MAX);
    if (db_row(s->rd, st)) {
        id = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return ((uint64_t)id << 20) | 0xfffff;
}
