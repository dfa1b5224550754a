/* SPDX-License-Identifier: Apache-2.0 */
/* The compactor (compact.h). */
#include "config.h"
#include "store/compact.h"
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_MALLOC_H
#include <malloc.h>
#endif
#include "base/clock.h"
#include "base/log.h"
#include "store/chunk.h"
#include "store/internal.h"

#define RETRY_NS 1000000000ll

/* Opening -------------------------------------------------------------------------------------- */

static bool
tail_size(struct db *d, int64_t cursor, int64_t *rows, int64_t *points, int64_t *pushed,
          int64_t *bytes)
{
    sqlite3_stmt *st = db_stmt(d, ST_LOG_TAIL);
    if (!st) {
        return false;
    }
    sqlite3_bind_int64(st, 1, cursor);
    *rows = *points = *pushed = *bytes = 0;
    while (db_row(d, st)) {
        *rows += 1;
        *points += sqlite3_column_int64(st, 1);
        *pushed += sqlite3_column_int64(st, 2);
        *bytes += sqlite3_column_int64(st, 3);
    }
    return true;
}

/* meta's old_* are of the rows up to the cursor that are still there; the tail is counted. */
void
compact_read_counters(struct db *d, struct writer_stats *st)
{
    int64_t rows, points, pushed, bytes;
    if (!tail_size(d, db_meta(d, "cursor", 0), &rows, &points, &pushed, &bytes)) {
        return;
    }
    atomic_store(&st->log_rows, rows + db_meta(d, "old_rows", 0));
    atomic_store(&st->log_bytes, bytes + db_meta(d, "old_bytes", 0));
    atomic_store(&st->outbox, pushed + db_meta(d, "old_pushed", 0) - db_meta(d, "acked", 0));
    atomic_store(&st->points, points + db_meta(d, "points", 0));
    atomic_store(&st->dropped, db_meta(d, "dropped", 0));
}

bool
compact_open(struct writer *w)
{
    struct compactor *c = &w->c;
    c->cursor = (uint64_t)db_meta(&w->db, "cursor", 0);
    c->uplink = (uint64_t)db_meta(&w->db, "uplink", 0);
    if (!tail_size(&w->db, (int64_t)c->cursor, &c->tail_rows, &c->tail_points, &c->tail_pushed,
                   &c->tail_bytes)) {
        return false;
    }
    compact_read_counters(&w->db, &w->st);
    return true;
}

/* One pass ------------------------------------------------------------------------------------- */

struct slot { /* a series of this pass */
    struct tbe_entity e;
    struct tbe_str key;      /* in the pass' arena */
    uint32_t hash;
    struct points pts;       /* in order of writing */
    struct tbe_kv latest;    /* text in the arena; key unused */
    int64_t latest_ts;
    bool has_latest;
    struct cut {
        int64_t from, to;
    } *cuts;                 /* deleted ranges; points before them in the log are out of pts already */
    uint32_t n_cuts, cap_cuts;
    /* of its points: latest end of life; 0 none seen; INT64_MAX for ever */
    int64_t expires;
};

struct pass {
    struct writer *w;
    struct tbe_arena arena;
    struct slot *v;
    uint32_t n, cap;
    uint32_t *index, mask;
    struct tbe_entity *gone; /* deleted entities of this bucket */
    uint32_t n_gone, cap_gone;
    int64_t points_delta;    /* change of the number of stored points */
};

static uint32_t
series_hash(const struct tbe_entity *e, struct tbe_str key)
{
    return pack_hash(e->id.b, sizeof e->id.b) * 31u + pack_hash(key.p, key.n) + (uint32_t)e->type;
}

/* The bucket must not depend on the key when whole entities are deleted, so it is the entity's. */
static uint32_t
bucket_of(const struct tbe_entity *e, uint32_t passes)
{
    return (uint32_t)(((uint64_t)(pack_hash(e->id.b, sizeof e->id.b) * 0x9e3779b9u) * passes) >> 32);
}

static void *
grow(void *v, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap) {
        return v;
    }
    *cap = *cap ? *cap * 2 : 64;
    v = realloc(v, *cap * size);
    if (!v) {
        store_oom();
    }
    return v;
}

static void
slot_index(struct pass *p, uint32_t i)
{
    uint32_t h = p->v[i].hash & p->mask;
    while (p->index[h]) {
        h = (h + 1) & p->mask;
    }
    p->index[h] = i + 1;
}

static struct slot *
slot_of(struct pass *p, const struct tbe_entity *e, struct tbe_str key)
{
    uint32_t hash = series_hash(e, key);
    if (p->index) {
        for (uint32_t h = hash & p->mask; p->index[h]; h = (h + 1) & p->mask) {
            struct slot *s = &p->v[p->index[h] - 1];
            if (s->hash == hash && ent_same(&s->e, e) && tbe_str_eq(s->key, key)) {
                return s;
            }
        }
    }
    uint32_t cap = p->cap;
    p->v = grow(p->v, p->n, &p->cap, sizeof *p->v);
    struct slot *s = &p->v[p->n];
    *s = (struct slot){ .e = *e, .key = tbe_arena_dup(&p->arena, key), .hash = hash };
    if (!s->key.p) {
        store_oom();
    }
    p->n++;
    if (cap == p->cap) {
        slot_index(p, p->n - 1);
        return s;
    }
    free(p->index);
    p->mask = p->cap * 2 - 1;
    p->index = calloc(p->mask + 1u, sizeof *p->index);
    if (!p->index) {
        store_oom();
    }
    for (uint32_t i = 0; i < p->n; i++) {
        slot_index(p, i);
    }
    return &p->v[p->n - 1];
}

static struct tbe_str
keep_text(struct pass *p, const struct tbe_kv *kv)
{
    return kv->type >= TBE_KV_STRING ? tbe_arena_dup(&p->arena, kv->s) : TBE_STR_NONE;
}

static void
add_point(struct pass *p, struct slot *s, const struct tbe_kv *kv, int64_t ts)
{
    struct point *q = points_add(&s->pts);
    q->ts = ts;
    q->type = (uint32_t)kv->type;
    q->u.i = kv->u.i;
    if (kv->type == TBE_KV_DOUBLE) {
        q->u.d = kv->u.d;
    } else if (kv->type == TBE_KV_BOOLEAN) {
        q->u.i = 0;
        q->u.b = kv->u.b;
    }
    q->s = keep_text(p, kv);
}

static void
add_ts(struct pass *p, const struct pack_rec *r, int64_t ttl_ms, int64_t written)
{
    int64_t ttl = r->ttl > 0 && r->ttl < INT64_MAX / 2000 ? r->ttl * 1000 : ttl_ms;
    int64_t expires = ttl > 0 && ttl < INT64_MAX - written ? written + ttl : INT64_MAX;
    for (uint32_t i = 0; i < r->kvs.n; i++) {
        const struct tbe_kv *kv = &r->kvs.v[i];
        struct slot *s = slot_of(p, &r->e, kv->key);
        if (r->flags & REC_HISTORY) {
            add_point(p, s, kv, r->ts);
            s->expires = expires > s->expires ? expires : s->expires;
        }
        if ((r->flags & REC_LATEST) && (!s->has_latest || r->ts >= s->latest_ts)) {
            s->latest = *kv;
            s->latest.s = keep_text(p, kv);
            s->latest_ts = r->ts;
            s->has_latest = true;
        }
    }
}

static void
cut_points(struct slot *s, int64_t from, int64_t to)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->pts.n; i++) {
        if (s->pts.v[i].ts < from || s->pts.v[i].ts >= to) {
            s->pts.v[n++] = s->pts.v[i];
        }
    }
    s->pts.n = n;
    s->cuts = grow(s->cuts, s->n_cuts, &s->cap_cuts, sizeof *s->cuts);
    s->cuts[s->n_cuts++] = (struct cut){ from, to };
    if (s->has_latest && s->latest_ts >= from && s->latest_ts < to) {
        s->has_latest = false;
    }
}

static void
delete_entity(struct pass *p, const struct tbe_entity *e)
{
    p->gone = grow(p->gone, p->n_gone, &p->cap_gone, sizeof *p->gone);
    p->gone[p->n_gone++] = *e;
    for (uint32_t i = 0; i < p->n; i++) {
        if (ent_same(&p->v[i].e, e)) {
            p->v[i].pts.n = 0;
            p->v[i].has_latest = false;
            p->v[i].n_cuts = 0;
        }
    }
}

/* Collects the bucket's records of the run, in order. */
static void
pass_read(struct pass *p)
{
    struct compactor *c = &p->w->c;
    struct pack_reader r = { 0 };
    sqlite3_stmt *st = db_stmt(&p->w->db, ST_LOG_DATA);
    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)c->cursor);
        sqlite3_bind_int64(st, 2, (int64_t)c->end);
    }
    while (db_row(&p->w->db, st)) {
        struct pack_rec rec;
        int64_t written = sqlite3_column_int64(st, 1);
        pack_read(&r, db_col_str(st, 2), NULL);
        r.buckets = c->passes;
        r.bucket = c->pass;
        r.bucket_of = bucket_of;
        while (pack_next(&r, &rec)) {
            if (rec.kind == REC_TS) {
                add_ts(p, &rec, c->ttl_ms, written);
            } else if (rec.kind == REC_DELETE) {
                cut_points(slot_of(p, &rec.e, rec.key), rec.from, rec.to);
            } else if (rec.kind == REC_DELETE_ENTITY) {
                delete_entity(p, &rec.e);
            }
        }
        if (r.corrupt && c->pass == 0) {
            log_error("store: log row %lld is damaged; points in its bad blocks are lost",
                (long long)sqlite3_column_int64(st, 0));
        }
        r.corrupt = 0;
    }
    pack_reader_free(&r);
}

static void
pass_free(struct pass *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        points_free(&p->v[i].pts);
        free(p->v[i].cuts);
    }
    free(p->v);
    free(p->index);
    free(p->gone);
    tbe_arena_free(&p->arena);
}

/* Writing chunks ------------------------------------------------------------------------------- */

struct old_chunk {
    bool found;
    int64_t first, last, expires;
    uint32_t n;
    size_t bytes;
    struct tbe_str data; /* copy in the arena */
};

/* The chunk that covers ts or lies before it. */
static struct old_chunk
chunk_floor(struct pass *p, int64_t series, int64_t ts)
{
    struct old_chunk c = { 0 };
    sqlite3_stmt *st = db_stmt(&p->w->db, ST_CHUNK_FLOOR);
    if (st) {
        sqlite3_bind_int64(st, 1, series);
        sqlite3_bind_int64(st, 2, ts);
    }
    if (db_row(&p->w->db, st)) {
        c.found = true;
        c.first = sqlite3_column_int64(st, 0);
        c.last = sqlite3_column_int64(st, 1);
        c.n = (uint32_t)sqlite3_column_int64(st, 2);
        c.expires = sqlite3_column_type(st, 3) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(st, 3);
        c.data = tbe_arena_dup(&p->arena, db_col_str(st, 4));
        c.bytes = c.data.n;
        sqlite3_reset(st);
    }
    return c;
}

static int64_t
chunk_next(struct pass *p, int64_t series, int64_t ts)
{
    sqlite3_stmt *st = db_stmt(&p->w->db, ST_CHUNK_NEXT);
    int64_t next = INT64_MAX;
    if (st) {
        sqlite3_bind_int64(st, 1, series);
        sqlite3_bind_int64(st, 2, ts);
    }
    if (db_row(&p->w->db, st)) {
        next = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return next;
}

static int
delete_chunk(struct pass *p, int64_t series, int64_t first, uint32_t n)
{
    sqlite3_stmt *st = db_stmt(&p->w->db, ST_CHUNK_DEL);
    if (!st) {
        return SQLITE_ERROR;
    }
    sqlite3_bind_int64(st, 1, series);
    sqlite3_bind_int64(st, 2, first);
    p->points_delta -= n;
    return db_finish(st);
}

static int
write_points(struct pass *p, int64_t series, const struct point *v, uint32_t n, int64_t expires)
{
    struct tbe_buf b = { 0 };
    int rc = SQLITE_OK;
    for (uint32_t i = 0; i < n && rc == SQLITE_OK;) {
        b.n = 0;
        uint32_t took = chunk_encode(v + i, n - i, &b);
        sqlite3_stmt *st = db_stmt(&p->w->db, ST_CHUNK_PUT);
        if (!st) {
            rc = SQLITE_ERROR;
            break;
        }
        sqlite3_bind_int64(st, 1, series);
        sqlite3_bind_int64(st, 2, v[i].ts);
        sqlite3_bind_int64(st, 3, v[i + took - 1].ts);
        sqlite3_bind_int64(st, 4, took);
        if (expires != INT64_MAX) {
            sqlite3_bind_int64(st, 5, expires);
        }
        db_bind_blob(st, 6, tbe_buf_str(&b));
        rc = db_finish(st);
        p->points_delta += took;
        i += took;
    }
    tbe_buf_free(&b);
    return rc;
}

/* Points of an old chunk and new ones, both sorted: the new one of equal ts. */
static void
merge_points(struct points *out, const struct points *old, const struct point *v, uint32_t n)
{
    uint32_t i = 0, k = 0;
    while (i < old->n || k < n) {
        if (k == n || (i < old->n && old->v[i].ts < v[k].ts)) {
            *points_add(out) = old->v[i++];
        } else {
            i += i < old->n && old->v[i].ts == v[k].ts;
            *points_add(out) = v[k++];
        }
    }
}

#define CHUNK_FULL (CHUNK_BYTES * 3 / 4)

/* v[0..n) all lie between the chunk at or before v[0] and the one after it. */
static int
write_group(struct pass *p, int64_t series, const struct old_chunk *c, const struct point *v,
            uint32_t n, int64_t expires)
{
    bool full = c->found && (c->bytes >= CHUNK_FULL || c->n >= CHUNK_POINTS);
    /* Points with an end of life keep to themselves, unless they overlap. */
    if (!c->found || (v[0].ts > c->last && (full || (c->expires == INT64_MAX) != (expires == INT64_MAX)))) {
        return write_points(p, series, v, n, expires);
    }
    struct points old = { 0 }, all = { 0 };
    if (!chunk_decode(c->data, &old)) {
        log_error("store: a damaged chunk of series %lld is dropped", (long long)series);
    }
    merge_points(&all, &old, v, n);
    int rc = delete_chunk(p, series, c->first, c->n);
    if (rc == SQLITE_OK) {
        rc = write_points(p, series, all.v, all.n, c->expires > expires ? c->expires : expires);
    }
    points_free(&old);
    points_free(&all);
    return rc;
}

static int
write_series(struct pass *p, int64_t series, struct slot *s)
{
    points_sort(&s->pts);
    const struct point *v = s->pts.v;
    int rc = SQLITE_OK;
    for (uint32_t i = 0, end; i < s->pts.n && rc == SQLITE_OK; i = end) {
        struct old_chunk c = chunk_floor(p, series, v[i].ts);
        int64_t next = chunk_next(p, series, v[i].ts);
        for (end = i + 1; end < s->pts.n && v[end].ts < next; end++) {
        }
        rc = write_group(p, series, &c, v + i, end - i, s->expires ? s->expires : INT64_MAX);
    }
    return rc;
}

/* Takes the points of [from, to) out of the chunks. */
static int
cut_chunks(struct pass *p, int64_t series, int64_t from, int64_t to)
{
    int64_t at = from;
    struct old_chunk c = chunk_floor(p, series, at);
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK) {
        if (c.found && c.last >= from) {
            struct points old = { 0 }, keep = { 0 };
            chunk_decode(c.data, &old);
            for (uint32_t i = 0; i < old.n; i++) {
                if (old.v[i].ts < from || old.v[i].ts >= to) {
                    *points_add(&keep) = old.v[i];
                }
            }
            rc = delete_chunk(p, series, c.first, c.n);
            if (rc == SQLITE_OK && keep.n) {
                rc = write_points(p, series, keep.v, keep.n, c.expires);
            }
            points_free(&old);
            points_free(&keep);
        }
        at = chunk_next(p, series, c.found && c.last > at ? c.last : at);
        if (at >= to || at == INT64_MAX) {
            break;
        }
        c = chunk_floor(p, series, at);
    }
    return rc;
}

struct series_row {
    int64_t id, ts;
    bool has_latest;
};

static bool
find_series(struct pass *p, const struct slot *s, struct series_row *row)
{
    sqlite3_stmt *st = db_stmt(&p->w->db, ST_SERIES_ID);
    if (!st) {
        return false;
    }
    db_bind_uuid(st, 1, &s->e.id);
    sqlite3_bind_int(st, 2, (int)s->e.type);
    db_bind_text(st, 3, s->key);
    if (!db_row(&p->w->db, st)) {
        return false;
    }
    row->id = sqlite3_column_int64(st, 0);
    row->has_latest = sqlite3_column_type(st, 1) != SQLITE_NULL;
    row->ts = sqlite3_column_int64(st, 1);
    sqlite3_reset(st);
    return true;
}

static int
new_series(struct pass *p, const struct slot *s, struct series_row *row)
{
    sqlite3_stmt *st = db_stmt(&p->w->db, ST_SERIES_NEW);
    if (!st) {
        return SQLITE_ERROR;
    }
    sqlite3_bind_int(st, 1, (int)s->e.type);
    db_bind_uuid(st, 2, &s->e.id);
    db_bind_text(st, 3, s->key);
    int rc = db_finish(st);
    *row = (struct series_row){ .id = sqlite3_last_insert_rowid(p->w->db.h) };
    return rc;
}

static int
write_latest(struct pass *p, const struct slot *s, const struct series_row *row, bool cut)
{
    bool newer = s->has_latest && (!row->has_latest || cut || s->latest_ts >= row->ts);
    if (!newer && !cut) {
        return SQLITE_OK;
    }
    sqlite3_stmt *st = db_stmt(&p->w->db, ST_SERIES_LATEST);
    if (!st) {
        return SQLITE_ERROR;
    }
    sqlite3_bind_int64(st, 1, row->id);
    if (newer) {
        sqlite3_bind_int64(st, 2, s->latest_ts);
        db_bind_kv(st, 3, &s->latest);
    }
    return db_finish(st);
}

static int
write_slot(struct pass *p, struct slot *s)
{
    struct series_row row;
    int rc = SQLITE_OK;
    bool cut = false; /* the stored latest value was deleted */
    if (find_series(p, s, &row)) {
        for (uint32_t i = 0; i < s->n_cuts && rc == SQLITE_OK; i++) {
            rc = cut_chunks(p, row.id, s->cuts[i].from, s->cuts[i].to);
            cut = cut || (row.has_latest && row.ts >= s->cuts[i].from && row.ts < s->cuts[i].to);
        }
    } else if (s->pts.n || s->has_latest) {
        rc = new_series(p, s, &row);
    } else {
        return SQLITE_OK;
    }
    if (rc == SQLITE_OK && s->pts.n) {
        rc = write_series(p, row.id, s);
    }
    return rc == SQLITE_OK ? write_latest(p, s, &row, cut) : rc;
}

/* Chunks and series rows of a deleted entity. */
static int
drop_entity(struct pass *p, const struct tbe_entity *e)
{
    for (;;) {
        sqlite3_stmt *st = db_stmt(&p->w->db, ST_SERIES_OF);
        if (!st) {
            return SQLITE_ERROR;
        }
        db_bind_uuid(st, 1, &e->id);
        sqlite3_bind_int(st, 2, (int)e->type);
        if (!db_row(&p->w->db, st)) {
            return SQLITE_OK;
        }
        int64_t id = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
        st = db_stmt(&p->w->db, ST_CHUNK_SUM);
        if (st) {
            sqlite3_bind_int64(st, 1, id);
        }
        if (db_row(&p->w->db, st)) {
            p->points_delta -= sqlite3_column_int64(st, 0);
            sqlite3_reset(st);
        }
        static const enum stmt dels[] = { ST_CHUNK_DEL_ALL, ST_SERIES_DEL };
        for (unsigned i = 0; i < 2; i++) {
            st = db_stmt(&p->w->db, dels[i]);
            if (!st) {
                return SQLITE_ERROR;
            }
            sqlite3_bind_int64(st, 1, id);
            int rc = db_finish(st);
            if (rc != SQLITE_OK) {
                return rc;
            }
        }
    }
}

static int
by_series(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    int c = memcmp(x->e.id.b, y->e.id.b, sizeof x->e.id.b);
    return c ? c : tbe_str_cmp(x->key, y->key);
}

static int
pass_write(struct pass *p)
{
    int rc = SQLITE_OK;
    for (uint32_t i = 0; i < p->n_gone && rc == SQLITE_OK; i++) {
        rc = drop_entity(p, &p->gone[i]);
    }
    if (p->n) { /* in the order of the series index: its pages are written once each */
        qsort(p->v, p->n, sizeof *p->v, by_series);
    }
    for (uint32_t i = 0; i < p->n && rc == SQLITE_OK; i++) {
        rc = write_slot(p, &p->v[i]);
    }
    return rc;
}

/* Steps ---------------------------------------------------------------------------------------- */

/* A compaction that is not durable yet is only done again, so it need not be synced; the next
 * commit or checkpoint syncs it. */
int
compact_step_begin(struct writer *w)
{
    w->db.failed = SQLITE_OK;
    db_exec(&w->db, ST_SYNC_NORMAL);
    return db_exec(&w->db, ST_BEGIN);
}

bool
compact_step_end(struct writer *w, int rc)
{
    /* rows that could not be read must not be taken for absent */
    rc = rc == SQLITE_OK ? w->db.failed : rc;
    if (rc == SQLITE_OK) {
        rc = db_exec(&w->db, ST_COMMIT);
    }
    if (rc != SQLITE_OK) {
        if (!sqlite3_get_autocommit(w->db.h)) {
            db_exec(&w->db, ST_ROLLBACK);
        }
        log_error("store: compaction failed, will be tried again: %s (%d)", sqlite3_errstr(rc), rc);
        w->c.retry_at_ns = clock_mono_ns() + RETRY_NS;
    } else {
        w->c.retry_at_ns = 0;
    }
    db_exec(&w->db, ST_SYNC_FULL);
    return rc == SQLITE_OK;
}

static int
move_cursor(struct writer *w)
{
    struct compactor *c = &w->c;
    int rc = db_meta_put(&w->db, "cursor", (int64_t)c->end);
    rc = rc == SQLITE_OK ? db_meta_put(&w->db, "next_log", (int64_t)c->end + 1) : rc;
    rc = rc == SQLITE_OK ? db_meta_add(&w->db, "old_rows", c->run_rows) : rc;
    rc = rc == SQLITE_OK ? db_meta_add(&w->db, "old_bytes", c->run_bytes) : rc;
    return rc == SQLITE_OK ? db_meta_add(&w->db, "old_pushed", c->run_pushed) : rc;
}

static void
run_start(struct writer *w)
{
    struct compactor *c = &w->c;
    c->end = w->next_log - 1;
    c->end_safe = w->committed_safe;
    c->run_rows = c->tail_rows;
    c->run_bytes = c->tail_bytes;
    c->run_points = c->tail_points;
    c->run_pushed = c->tail_pushed;
    c->pass = 0;
    c->passes = (uint32_t)(c->run_points / COMPACT_PASS_POINTS) + 1;
    c->series_now = 0;
}

static void
run_step(struct writer *w)
{
    struct compactor *c = &w->c;
    struct pass p = { .w = w };
    tbe_arena_init(&p.arena, 0);
    int rc = compact_step_begin(w);
    if (rc == SQLITE_OK) {
        pass_read(&p);
        rc = pass_write(&p);
    }
    bool last = c->pass + 1 == c->passes;
    /* Points of a run that is under way are still counted as the log's; a run that a crash cut off
     * leaves its sum here for its repetition. */
    int64_t moved = db_meta(&w->db, "moving", 0) + p.points_delta;
    if (rc == SQLITE_OK) {
        rc = db_meta_put(&w->db, "moving", last ? 0 : moved);
    }
    if (rc == SQLITE_OK && last) {
        rc = db_meta_add(&w->db, "points", moved);
    }
    if (rc == SQLITE_OK && last) {
        rc = move_cursor(w);
    }
    if (compact_step_end(w, rc)) {
        c->series_now += p.n;
        c->pass++;
        if (last) {
            atomic_fetch_add(&w->st.points, moved - c->run_points);
            c->cursor = c->end;
            c->end = 0;
            c->tail_rows -= c->run_rows;
            c->tail_bytes -= c->run_bytes;
            c->tail_points -= c->run_points;
            c->tail_pushed -= c->run_pushed;
            c->series_seen = c->series_now;
            atomic_store(&w->st.compacted_no, (int64_t)c->end_safe);
        }
    }
    pass_free(&p);
#ifdef HAVE_MALLOC_TRIM
    if (last) {
        malloc_trim(0); /* a pass takes a few MiB; the process shall not keep them */
    }
#endif
}

/* Pace ----------------------------------------------------------------------------------------- */

static int64_t
threshold(const struct compactor *c)
{
    int64_t t = (int64_t)c->series_seen * COMPACT_BYTES_PER_SERIES;
    return t < COMPACT_TAIL_LEAST ? COMPACT_TAIL_LEAST : t > COMPACT_TAIL_MOST ? COMPACT_TAIL_MOST : t;
}

static bool
run_wanted(const struct writer *w, bool idle)
{
    const struct compactor *c = &w->c;
    int64_t t = threshold(c);
    return c->tail_bytes >= (idle ? t / 4 : t) || c->tail_rows >= COMPACT_TAIL_ROWS ||
        (c->tail_rows > 0 && trim_over_bounds(w, 0));
}

bool
compact_due(const struct writer *w, bool idle)
{
    const struct compactor *c = &w->c;
    if (c->retry_at_ns && clock_mono_ns() < c->retry_at_ns) {
        return false;
    }
    return c->end || run_wanted(w, idle) || c->trimmed < c->cursor || c->front_due || trim_over_bounds(w, 0) ||
        (idle && clock_mono_ns() / 1000000 >= c->next_expiry);
}

void
compact_step(struct writer *w)
{
    struct compactor *c = &w->c;
    if (c->end || run_wanted(w, true)) {
        if (!c->end) {
            run_start(w);
        }
        run_step(w);
    } else if (c->trimmed < c->cursor || c->front_due || trim_over_bounds(w, 0)) {
        trim_step(w);
    } else {
        trim_housekeeping(w);
    }
}
