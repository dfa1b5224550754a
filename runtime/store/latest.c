/* SPDX-License-Identifier: Apache-2.0 */
/* Latest values of time series. The mirror of an entity is made by the first save or read; a read
 * also loads what the database knows: the log's tail once per process, then the entity's series
 * rows. Nodes stay until the compactor has written their values to the series rows. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

#define INDEX_FROM 16u /* keys of an entity searched linearly */

struct latest {
    struct tbe_kv kv;  /* key and text in `mem` */
    int64_t ts;
    char *mem;
    uint32_t cap;      /* bytes of mem */
    bool gone;         /* deleted; older sources must not bring it back */
};

struct latest_node {
    struct cnode n;
    bool loaded;       /* series rows are merged */
    uint32_t count, cap;
    struct latest *v;
    uint32_t *index;   /* open addressing over v, i + 1; from INDEX_FROM keys on */
    uint32_t mask;
};

static void
drop_latest(struct cnode *c)
{
    struct latest_node *n = (struct latest_node *)c;
    for (uint32_t i = 0; i < n->count; i++) {
        free(n->v[i].mem);
    }
    free(n->v);
    free(n->index);
}

void
latest_cache_setup(struct cache *c)
{
    c->drop[CK_LATEST] = drop_latest;
}

static struct latest_node *
node_of(struct store *s, const struct tbe_entity *e)
{
    struct ckey k;
    struct tbe_str key = ckey_entity(&k, e);
    struct latest_node *n = (struct latest_node *)cache_find(&s->cache, CK_LATEST, key);
    if (!n) {
        n = (struct latest_node *)cache_add(&s->cache, CK_LATEST, key, sizeof *n);
        if (!n) {
            store_oom();
        }
    }
    return n;
}

static void
index_add(struct latest_node *n, uint32_t i)
{
    uint32_t h = pack_hash(n->v[i].kv.key.p, n->v[i].kv.key.n) & n->mask;
    while (n->index[h]) {
        h = (h + 1) & n->mask;
    }
    n->index[h] = i + 1;
}

static void
reindex(struct latest_node *n)
{
    free(n->index);
    n->mask = n->cap * 2 - 1;
    n->index = calloc(n->mask + 1u, sizeof *n->index);
    if (!n->index) {
        store_oom();
    }
    for (uint32_t i = 0; i < n->count; i++) {
        index_add(n, i);
    }
}

/* hint: the place where the caller expects it. */
static struct latest *
find(struct latest_node *n, struct tbe_str key, uint32_t hint)
{
    if (hint < n->count && tbe_str_eq(n->v[hint].kv.key, key)) {
        return &n->v[hint];
    }
    if (n->index) {
        for (uint32_t h = pack_hash(key.p, key.n) & n->mask; n->index[h]; h = (h + 1) & n->mask) {
            struct latest *l = &n->v[n->index[h] - 1];
            if (tbe_str_eq(l->kv.key, key)) {
                return l;
            }
        }
        return NULL;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        if (tbe_str_eq(n->v[i].kv.key, key)) {
            return &n->v[i];
        }
    }
    return NULL;
}

static struct latest *
append(struct store *s, struct latest_node *n)
{
    if (n->count == n->cap) {
        uint32_t cap = n->cap ? n->cap * 2 : 4;
        struct latest *v = realloc(n->v, cap * sizeof *v);
        if (!v) {
            store_oom();
        }
        n->v = v;
        n->cap = cap;
        cache_cost(&s->cache, &n->n, cap * (sizeof *v + 48));
        if (cap > INDEX_FROM) {
            reindex(n);
        }
    }
    struct latest *l = &n->v[n->count++];
    memset(l, 0, sizeof *l);
    return l;
}

static void
set(struct store *s, struct latest *l, const struct tbe_kv *kv, int64_t ts)
{
    size_t text = kv->type >= TBE_KV_STRING ? kv->s.n : 0, need = kv->key.n + text;
    bool text_before = l->kv.s.p != NULL;
    if (!l->mem || need > l->cap || text || text_before) {
        /* A borrower may hold the old bytes until the end of the turn. */
        char *mem = malloc(need ? need : 1);
        if (!mem) {
            store_oom();
        }
        if (kv->key.n) {
            memcpy(mem, kv->key.p, kv->key.n);
        }
        if (text) {
            memcpy(mem + kv->key.n, kv->s.p, text);
        }
        cache_bury(&s->cache, l->mem);
        l->mem = mem;
        l->cap = (uint32_t)need;
    }
    struct tbe_str key = { l->mem, kv->key.n };
    l->kv = *kv;
    l->kv.key = key;
    l->kv.s = kv->type >= TBE_KV_STRING ? (struct tbe_str){ l->mem + key.n, text } : TBE_STR_NONE;
    l->ts = ts;
    l->gone = false;
}

/* newer: written after what the mirror has, so an equal ts replaces (facts/rule-nodes.md 11.2). */
static void
merge(struct store *s, struct latest_node *n, const struct tbe_kv *kv, int64_t ts, uint32_t hint,
      bool newer)
{
    struct latest *l = find(n, kv->key, hint);
    if (!l) {
        l = append(s, n);
        set(s, l, kv, ts);
        if (n->index) {
            index_add(n, n->count - 1);
        }
    } else if (l->gone ? newer : newer ? ts >= l->ts : ts > l->ts) {
        set(s, l, kv, ts);
    }
}

/* Loading -------------------------------------------------------------------------------------- */

/* What the compactor has written; older than anything in the mirror. */
static void
load_series(struct store *s, struct latest_node *n, const struct tbe_entity *e)
{
    if (n->loaded) {
        return;
    }
    n->loaded = true;
    sqlite3_stmt *st = db_stmt(s->rd, ST_SERIES_OF);
    if (st) {
        db_bind_uuid(st, 1, &e->id);
        sqlite3_bind_int(st, 2, (int)e->type);
    }
    while (db_row(s->rd, st)) {
        struct tbe_kv kv = { .key = db_col_str(st, 1) };
        if (sqlite3_column_type(st, 2) != SQLITE_NULL && db_col_kv(st, 3, &kv)) {
            merge(s, n, &kv, sqlite3_column_int64(st, 2), n->count, false);
        }
    }
}

static void
wipe(struct latest_node *n)
{
    n->loaded = true;
    for (uint32_t i = 0; i < n->count; i++) {
        n->v[i].gone = true;
    }
}

static void
cut(struct latest_node *n, struct tbe_str key, int64_t from, int64_t to)
{
    struct latest *l = find(n, key, 0);
    if (l && l->ts >= from && l->ts < to) {
        l->gone = true;
    }
}

static void
tail_record(struct store *s, const struct pack_rec *r)
{
    if (r->kind == REC_BODY || (r->kind == REC_TS && !(r->flags & REC_LATEST))) {
        return;
    }
    struct latest_node *n = node_of(s, &r->e);
    n->n.pin = n->n.pin ? n->n.pin : 1;
    if (r->kind == REC_TS) {
        for (uint32_t i = 0; i < r->kvs.n; i++) {
            merge(s, n, &r->kvs.v[i], r->ts, i, true);
        }
    } else if (r->kind == REC_DELETE_ENTITY) {
        wipe(n);
    } else {
        load_series(s, n, &r->e);
        cut(n, r->key, r->from, r->to);
    }
}

/* The log's tail that an earlier process left, in order of writing. Done before the first save or
 * read of this process, so that what follows is newer. */
static void
load_tail(struct store *s)
{
    if (s->tail_loaded) {
        return;
    }
    s->tail_loaded = true;
    struct pack_reader r = { 0 };
    db_exec(s->rd, ST_BEGIN_READ);
    int64_t cursor = db_meta(s->rd, "cursor", 0);
    sqlite3_stmt *st = db_stmt(s->rd, ST_LOG_DATA);
    if (st) {
        sqlite3_bind_int64(st, 1, cursor);
        sqlite3_bind_int64(st, 2, INT64_MAX);
    }
    while (db_row(s->rd, st)) {
        struct pack_rec rec;
        pack_read(&r, db_col_str(st, 2), NULL);
        while (pack_next(&r, &rec)) {
            tail_record(s, &rec);
        }
        if (r.corrupt) {
            log_error("store: log row %lld is damaged; its bad blocks are skipped",
                      (long long)sqlite3_column_int64(st, 0));
            r.corrupt = 0;
        }
    }
    db_exec(s->rd, ST_COMMIT);
    pack_reader_free(&r);
}

static struct latest_node *
load(struct store *s, const struct tbe_entity *e)
{
    load_tail(s);
    struct latest_node *n = node_of(s, e);
    load_series(s, n, e);
    return n;
}

/* Writing -------------------------------------------------------------------------------------- */

void
store_save_ts(struct store_batch *b, const struct tbe_entity *e, int64_t ts,
              const struct tbe_kvs *kvs, int64_t ttl_s,
              unsigned flags)
{
    flags &= REC_HISTORY | REC_LATEST;
    if (!kvs->n || !flags || !store_writable(b)) {
        return;
    }
    if (b->s->watch) {
        b->s->watch->ts(b->s->watch->arg, e, ts, kvs, ttl_s, flags);
    }
    pack_ts(&b->pack, e, ts, ttl_s, kvs, flags);
    if (!(flags & REC_LATEST)) {
        return;
    }
    load_tail(b->s);
    struct latest_node *n = node_of(b->s, e);
    for (uint32_t i = 0; i < kvs->n; i++) {
        merge(b->s, n, &kvs->v[i], ts, i, true);
    }
    batch_pin(b, &n->n);
}

struct newest {
    struct tbe_kv kv;
    int64_t ts;
    bool found;
    struct tbe_arena *a;
};

static bool
keep_newest(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct newest *w = arg;
    *w = (struct newest){ *kv, ts, true, w->a };
    w->kv.key = tbe_arena_dup(w->a, kv->key);
    if (kv->type >= TBE_KV_STRING) {
        w->kv.s = tbe_arena_dup(w->a, kv->s);
    }
    return false;
}

void
store_delete_ts(struct store_batch *b, const struct tbe_entity *e, struct tbe_str key,
                int64_t from, int64_t to,
                bool rewrite_latest)
{
    if (from >= to || !store_writable(b)) {
        return;
    }
    struct latest_node *n = load(b->s, e);
    pack_delete(&b->pack, e, key, from, to, rewrite_latest);
    cut(n, key, from, to);
    batch_pin(b, &n->n);
    struct latest *l = find(n, key, 0);
    if (!rewrite_latest || !l || !l->gone) {
        return;
    }
    struct newest w = { .a = &b->arena };
    struct store_range all = { .from = INT64_MIN, .to = INT64_MAX, .limit = 1, .descending = true };
    store_history(b->s, e, key, &all, keep_newest, &w);
    if (w.found) {
        struct tbe_kvs one = { &w.kv, 1 };
        store_save_ts(b, e, w.ts, &one, 0, STORE_TS_LATEST);
    }
}

void
latest_delete_all(struct store_batch *b, const struct tbe_entity *e)
{
    load_tail(b->s);
    struct latest_node *n = node_of(b->s, e);
    wipe(n);
    batch_pin(b, &n->n);
    pack_delete_entity(&b->pack, e);
}

/* Reading -------------------------------------------------------------------------------------- */

bool
store_latest(struct store *s, const struct tbe_entity *e, struct tbe_str key, struct tbe_kv *kv,
             int64_t *ts)
{
    const struct latest *l = find(load(s, e), key, 0);
    if (!l || l->gone) {
        return false;
    }
    *kv = l->kv;
    if (ts) {
        *ts = l->ts;
    }
    return true;
}

void
store_latest_each(struct store *s, const struct tbe_entity *e, store_kv_fn *fn, void *arg)
{
    const struct latest_node *n = load(s, e);
    for (uint32_t i = 0; i < n->count; i++) {
        struct tbe_kv kv = n->v[i].kv; /* by value: fn may save and so move the array */
        if (!n->v[i].gone && !fn(arg, &kv, n->v[i].ts)) {
            return;
        }
    }
}
