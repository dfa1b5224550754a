/* SPDX-License-Identifier: Apache-2.0 */
/* History queries: the chunks of a series, merged with the log's tail and with batches that are not
 * committed yet. The tail is replayed in order of writing, so that the newest write of a ts
 * wins. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "store/chunk.h"

#define PAGE 65536u /* points held at once */

struct cut { /* deleted range of the tail: chunk points in it do not count */
    int64_t from, to;
};

struct tail {
    struct tbe_str key;
    int64_t from, to;
    struct tbe_arena arena; /* texts */
    struct points pts;
    struct cut *cuts;
    uint32_t n_cuts, cap_cuts;
};

static void
tail_cut(struct tail *t, int64_t from, int64_t to)
{
    uint32_t keep = 0;
    for (uint32_t i = 0; i < t->pts.n; i++) {
        if (t->pts.v[i].ts < from || t->pts.v[i].ts >= to) {
            t->pts.v[keep++] = t->pts.v[i];
        }
    }
    t->pts.n = keep;
    if (t->n_cuts == t->cap_cuts) {
        t->cap_cuts = t->cap_cuts ? t->cap_cuts * 2 : 8;
        struct cut *c = realloc(t->cuts, t->cap_cuts * sizeof *c);
        if (!c) {
            store_oom();
        }
        t->cuts = c;
    }
    t->cuts[t->n_cuts++] = (struct cut){ from, to };
}

static void
tail_add(struct tail *t, const struct tbe_kv *kv, int64_t ts)
{
    struct point *p = points_add(&t->pts);
    p->ts = ts;
    p->type = (uint32_t)kv->type;
    p->u.i = kv->u.i;
    if (kv->type == TBE_KV_DOUBLE) {
        p->u.d = kv->u.d;
    } else if (kv->type == TBE_KV_BOOLEAN) {
        p->u.b = kv->u.b;
    }
    p->s = kv->type >= TBE_KV_STRING ? tbe_arena_dup(&t->arena, kv->s) : TBE_STR_NONE;
}

static void
tail_read(struct tail *t, struct pack_reader *r)
{
    struct pack_rec rec;
    while (pack_next(r, &rec)) {
        if (rec.kind == REC_DELETE_ENTITY) {
            tail_cut(t, INT64_MIN, INT64_MAX);
        } else if (rec.kind == REC_DELETE && tbe_str_eq(rec.key, t->key)) {
            tail_cut(t, rec.from, rec.to);
        } else if (rec.kind == REC_TS && (rec.flags & REC_HISTORY) && rec.ts >= t->from &&
                   rec.ts < t->to) {
            for (uint32_t i = 0; i < rec.kvs.n; i++) {
                if (tbe_str_eq(rec.kvs.v[i].key, t->key)) {
                    tail_add(t, &rec.kvs.v[i], rec.ts);
                }
            }
        }
    }
    if (r->corrupt) {
        log_error("store: a damaged log row is skipped");
        r->corrupt = 0;
    }
}

static void
tail_batches(struct tail *t, struct pack_reader *r, const struct batch_list *l,
             const struct tbe_entity *e)
{
    for (const struct store_batch *b = l->first; b; b = b->l_next) {
        if (b->pack.buf.n) {
            pack_read_live(r, &b->pack, e);
            tail_read(t, r);
        }
    }
}

/* Everything of one (entity, key) in [from, to) that is not, or not surely, in chunks. */
static void
tail_load(struct store *s, struct tail *t, const struct tbe_entity *e)
{
    struct pack_reader r = { 0 };
    sqlite3_stmt *st = db_stmt(s->rd, ST_LOG_DATA);
    if (st) {
        sqlite3_bind_int64(st, 1, db_meta(s->rd, "cursor", 0));
        sqlite3_bind_int64(st, 2, INT64_MAX);
    }
    while (db_row(s->rd, st)) {
        pack_read(&r, db_col_str(st, 2), e);
        tail_read(t, &r);
    }
    tail_batches(t, &r, &s->given, e);
    tail_batches(t, &r, &s->open, e);
    pack_reader_free(&r);
    points_sort(&t->pts);
}

static void
tail_free(struct tail *t)
{
    points_free(&t->pts);
    free(t->cuts);
    tbe_arena_free(&t->arena);
}

/* One page of the answer, in the wanted order. */
struct page {
    struct points out;
    struct tbe_arena *arena;
    uint32_t limit;
    bool desc;
    const struct tail *t;
    uint32_t next; /* tail points given so far */
};

static const struct point *
tail_peek(const struct page *p)
{
    uint32_t n = p->t->pts.n;
    return p->next >= n ? NULL : &p->t->pts.v[p->desc ? n - 1 - p->next : p->next];
}

static bool
page_put(struct page *p, const struct point *q, bool copy)
{
    if (p->out.n >= p->limit) {
        return false;
    }
    struct point *o = points_add(&p->out);
    *o = *q;
    if (copy && q->s.p) {
        o->s = tbe_arena_dup(p->arena, q->s);
    }
    return true;
}

static bool
is_cut(const struct tail *t, int64_t ts)
{
    for (uint32_t i = 0; i < t->n_cuts; i++) {
        if (ts >= t->cuts[i].from && ts < t->cuts[i].to) {
            return true;
        }
    }
    return false;
}

/* A chunk's point in its turn: the tail's points before it first; the tail's point of the same
 * ts instead. */
static bool
page_chunk_point(struct page *p, const struct point *q)
{
    const struct point *t;
    while ((t = tail_peek(p)) && (p->desc ? t->ts > q->ts : t->ts < q->ts)) {
        if (!page_put(p, t, true)) {
            return false;
        }
        p->next++;
    }
    if ((t && t->ts == q->ts) || is_cut(p->t, q->ts)) {
        return p->out.n < p->limit;
    }
    return page_put(p, q, true);
}

static bool
page_chunk(struct page *p, struct points *pts, int64_t from, int64_t to)
{
    for (uint32_t i = 0; i < pts->n; i++) {
        const struct point *q = &pts->v[p->desc ? pts->n - 1 - i : i];
        if (q->ts >= from && q->ts < to && !page_chunk_point(p, q)) {
            return false;
        }
    }
    return true;
}

static int64_t
series_id(struct store *s, const struct tbe_entity *e, struct tbe_str key)
{
    sqlite3_stmt *st = db_stmt(s->rd, ST_SERIES_ID);
    int64_t id = -1;
    if (st) {
        db_bind_uuid(st, 1, &e->id);
        sqlite3_bind_int(st, 2, (int)e->type);
        db_bind_text(st, 3, key);
    }
    if (db_row(s->rd, st)) {
        id = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return id;
}

/* The first chunk that may reach into the range: the one at or before its start. */
static int64_t
floor_first(struct store *s, int64_t series, int64_t from)
{
    sqlite3_stmt *st = db_stmt(s->rd, ST_CHUNK_FLOOR);
    int64_t first = from;
    if (st) {
        sqlite3_bind_int64(st, 1, series);
        sqlite3_bind_int64(st, 2, from);
    }
    if (db_row(s->rd, st)) {
        first = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return first;
}

static void
page_chunks(struct store *s, struct page *p, int64_t series, int64_t from, int64_t to)
{
    struct points pts = { 0 };
    int64_t first = floor_first(s, series, from);
    sqlite3_stmt *st = db_stmt(s->rd, p->desc ? ST_CHUNK_RANGE_DESC : ST_CHUNK_RANGE);
    if (st) {
        sqlite3_bind_int64(st, 1, series);
        sqlite3_bind_int64(st, 2, first);
        sqlite3_bind_int64(st, 3, to);
    }
    bool more = true;
    while (more && db_row(s->rd, st)) {
        pts.n = 0;
        if (!chunk_decode(db_col_str(st, 0), &pts)) {
            log_error("store: a damaged chunk of series %lld is skipped", (long long)series);
            continue;
        }
        more = page_chunk(p, &pts, from, to);
    }
    if (st) {
        sqlite3_reset(st);
    }
    points_free(&pts);
}

static void
page_load(struct store *s, struct page *p, const struct tbe_entity *e, struct tbe_str key,
          int64_t from, int64_t to)
{
    struct tail t = { .key = key, .from = from, .to = to };
    tbe_arena_init(&t.arena, 0);
    bool own = sqlite3_get_autocommit(s->rd->h) != 0;
    if (own) { /* one snapshot: the compactor may move points meanwhile */
        db_exec(s->rd, ST_BEGIN_READ);
    }
    tail_load(s, &t, e);
    p->t = &t;
    p->next = 0;
    int64_t series = series_id(s, e, key);
    if (series >= 0) {
        page_chunks(s, p, series, from, to);
    }
    const struct point *q;
    while ((q = tail_peek(p)) && page_put(p, q, true)) {
        p->next++;
    }
    if (own) {
        db_exec(s->rd, ST_COMMIT);
    }
    tail_free(&t);
}

static struct tbe_kv
kv_of(const struct point *q, struct tbe_str key)
{
    struct tbe_kv kv = { .key = key, .type = (enum tbe_kv_type)q->type, .s = q->s };
    if (kv.type == TBE_KV_BOOLEAN) {
        kv.u.b = q->u.b;
    } else if (kv.type == TBE_KV_DOUBLE) {
        kv.u.d = q->u.d;
    } else {
        kv.u.i = q->u.i;
    }
    return kv;
}

/* Raw points in pages: fn runs with no statement and no transaction open. */
static void
raw(struct store *s, const struct tbe_entity *e, struct tbe_str key, int64_t from, int64_t to,
    uint32_t limit,
    bool desc, store_kv_fn *fn, void *arg)
{
    struct tbe_arena arena;
    tbe_arena_init(&arena, 0);
    uint32_t left = limit ? limit : UINT32_MAX;
    bool more = from < to;
    while (more && left) {
        struct page p = { .arena = &arena, .limit = left < PAGE ? left : PAGE, .desc = desc };
        page_load(s, &p, e, key, from, to);
        more = p.out.n == p.limit;
        left -= p.out.n;
        for (uint32_t i = 0; i < p.out.n; i++) {
            struct tbe_kv kv = kv_of(&p.out.v[i], key);
            int64_t ts = p.out.v[i].ts;
            if (desc) {
                to = ts;
            } else {
                from = ts + 1;
            }
            if (!fn(arg, &kv, ts)) {
                more = false;
                break;
            }
        }
        more = more && from < to;
        points_free(&p.out);
        tbe_arena_reset(&arena);
    }
    tbe_arena_free(&arena);
}

/* Aggregation (facts/rest-ws-api.md, time series queries) -------------------------------------- */

struct bucket {
    int64_t start, end;
    int64_t bools, strings, jsons, longs, doubles; /* counts */
    int64_t sum_long, min_long, max_long;
    double sum_double, min_double, max_double;
    struct tbe_str min_str, max_str; /* in the arena */
};

struct agg {
    const struct store_range *r;
    struct tbe_str key;
    struct bucket b;
    bool open, stopped;
    struct tbe_arena arena;
    store_kv_fn *fn;
    void *arg;
};

static void
add_number(struct bucket *b, const struct tbe_kv *kv)
{
    if (kv->type == TBE_KV_LONG) {
        b->min_long = !b->longs || kv->u.i < b->min_long ? kv->u.i : b->min_long;
        b->max_long = !b->longs || kv->u.i > b->max_long ? kv->u.i : b->max_long;
        b->sum_long = (int64_t)((uint64_t)b->sum_long + (uint64_t)kv->u.i);
        b->longs++;
        return;
    }
    b->min_double = !b->doubles || kv->u.d < b->min_double ? kv->u.d : b->min_double;
    b->max_double = !b->doubles || kv->u.d > b->max_double ? kv->u.d : b->max_double;
    b->sum_double += kv->u.d;
    b->doubles++;
}

static void
add_value(struct agg *a, const struct tbe_kv *kv)
{
    struct bucket *b = &a->b;
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        b->bools++;
        return;
    case TBE_KV_JSON:
        b->jsons++;
        return;
    case TBE_KV_STRING:
        if (!b->strings || tbe_str_cmp(kv->s, b->min_str) < 0) {
            b->min_str = tbe_arena_dup(&a->arena, kv->s);
        }
        if (!b->strings || tbe_str_cmp(kv->s, b->max_str) > 0) {
            b->max_str = tbe_arena_dup(&a->arena, kv->s);
        }
        b->strings++;
        return;
    case TBE_KV_LONG:
    case TBE_KV_DOUBLE:
        add_number(b, kv);
        return;
    }
}

static void
set_long(struct tbe_kv *kv, int64_t v)
{
    kv->type = TBE_KV_LONG;
    kv->u.i = v;
}

static void
set_double(struct tbe_kv *kv, double v)
{
    kv->type = TBE_KV_DOUBLE;
    kv->u.d = v;
}

static bool
extreme(const struct bucket *b, bool max, struct tbe_kv *kv)
{
    double d = max ? b->max_double : b->min_double, l = (double)(max ? b->max_long : b->min_long);
    if (b->longs && b->doubles) {
        set_double(kv, max ? (d > l ? d : l) : (d < l ? d : l));
    } else if (b->doubles) {
        set_double(kv, d);
    } else if (b->longs) {
        set_long(kv, max ? b->max_long : b->min_long);
    } else if (b->strings) {
        kv->type = TBE_KV_STRING;
        kv->s = max ? b->max_str : b->min_str;
    } else {
        return false;
    }
    return true;
}

static bool
result(const struct bucket *b, enum store_agg agg, struct tbe_kv *kv)
{
    int64_t numbers = b->longs + b->doubles;
    double sum = b->sum_double + (double)b->sum_long;
    switch (agg) {
    case STORE_AGG_COUNT: /* the first class that is there counts */
        set_long(kv, b->bools ? b->bools : b->strings ? b->strings : b->jsons ? b->jsons : numbers);
        return true;
    case STORE_AGG_SUM:
        if (b->doubles) {
            set_double(kv, sum);
        } else {
            set_long(kv, b->sum_long);
        }
        return true;
    case STORE_AGG_AVG:
        set_double(kv, numbers ? sum / (double)numbers : 0.0);
        return true;
    case STORE_AGG_MIN:
    case STORE_AGG_MAX:
        return extreme(b, agg == STORE_AGG_MAX, kv);
    case STORE_AGG_NONE:
        break;
    }
    return false;
}

static void
bucket_close(struct agg *a)
{
    if (!a->open) {
        return;
    }
    a->open = false;
    struct tbe_kv kv = { .key = a->key };
    if (result(&a->b, a->r->agg, &kv)) {
        a->stopped = !a->fn(a->arg, &kv, a->b.start + (a->b.end - a->b.start) / 2);
    }
    tbe_arena_reset(&a->arena);
}

static bool
agg_point(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct agg *a = arg;
    if (a->open && ts >= a->b.end) {
        bucket_close(a);
        if (a->stopped) {
            return false;
        }
    }
    if (!a->open) {
        uint64_t i = ((uint64_t)ts - (uint64_t)a->r->from) / (uint64_t)a->r->interval;
        int64_t start = (int64_t)((uint64_t)a->r->from + i * (uint64_t)a->r->interval);
        uint64_t left = (uint64_t)a->r->to - (uint64_t)start;
        int64_t end = left < (uint64_t)a->r->interval ? a->r->to : (int64_t)((uint64_t)start + (uint64_t)a->r->interval);
        a->b = (struct bucket){ .start = start, .end = end };
        a->open = true;
    }
    add_value(a, kv);
    return true;
}

void
store_history(struct store *s, const struct tbe_entity *e, struct tbe_str key,
              const struct store_range *r,
              store_kv_fn *fn, void *arg)
{
    if (r->agg == STORE_AGG_NONE || r->interval < 1) {
        raw(s, e, key, r->from, r->to, r->limit, r->descending, fn, arg);
        return;
    }
    struct agg a = { .r = r, .key = key, .fn = fn, .arg = arg }; /* always ascending, no limit */
    tbe_arena_init(&a.arena, 0);
    raw(s, e, key, r->from, r->to, 0, false, agg_point, &a);
    if (!a.stopped) {
        bucket_close(&a);
    }
    tbe_arena_free(&a.arena);
}
