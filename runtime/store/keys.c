/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys an entity has: series rows, the log's tail and batches that are not committed yet. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>

struct keys {
    struct tbe_arena arena;
    struct tbe_str *v;
    uint32_t n, cap, sorted; /* the first `sorted` are sorted and distinct */
};

static int
by_text(const void *a, const void *b)
{
    return tbe_str_cmp(*(const struct tbe_str *)a, *(const struct tbe_str *)b);
}

static void
keys_sort(struct keys *k)
{
    uint32_t n = 0;
    if (k->n) {
        qsort(k->v, k->n, sizeof *k->v, by_text);
    }
    for (uint32_t i = 0; i < k->n; i++) {
        if (!n || !tbe_str_eq(k->v[n - 1], k->v[i])) {
            k->v[n++] = k->v[i];
        }
    }
    k->n = k->sorted = n;
}

static void
keys_add(struct keys *k, struct tbe_str key)
{
    if (k->sorted && bsearch(&key, k->v, k->sorted, sizeof *k->v, by_text)) {
        return;
    }
    if (k->n == k->cap) {
        k->cap = k->cap ? k->cap * 2 : 64;
        struct tbe_str *v = realloc(k->v, k->cap * sizeof *v);
        if (!v) {
            store_oom();
        }
        k->v = v;
    }
    k->v[k->n++] = tbe_arena_dup(&k->arena, key);
    if (k->n > 2 * k->sorted + 64) {
        keys_sort(k);
    }
}

static void
keys_read(struct keys *k, struct pack_reader *r)
{
    struct pack_rec rec;
    while (pack_next(r, &rec)) {
        for (uint32_t i = 0; rec.kind == REC_TS && i < rec.kvs.n; i++) {
            keys_add(k, rec.kvs.v[i].key);
        }
    }
}

static void
keys_tail(struct keys *k, struct store *s, const struct tbe_entity *e)
{
    struct pack_reader r = { 0 };
    sqlite3_stmt *st = db_stmt(s->rd, ST_LOG_DATA);
    if (st) {
        sqlite3_bind_int64(st, 1, db_meta(s->rd, "cursor", 0));
        sqlite3_bind_int64(st, 2, INT64_MAX);
    }
    while (db_row(s->rd, st)) {
        pack_read(&r, db_col_str(st, 2), e);
        keys_read(k, &r);
    }
    const struct batch_list *lists[] = { &s->given, &s->open };
    for (unsigned i = 0; i < 2; i++) {
        for (const struct store_batch *b = lists[i]->first; b; b = b->l_next) {
            if (b->pack.buf.n) {
                pack_read_live(&r, &b->pack, e);
                keys_read(k, &r);
            }
        }
    }
    pack_reader_free(&r);
}

void
store_keys_each(struct store *s, const struct tbe_entity *e, store_key_fn *fn, void *arg)
{
    struct keys k = { 0 };
    tbe_arena_init(&k.arena, 0);
    keys_tail(&k, s, e);
    /* Series rows last: what the compactor has moved meanwhile is there. */
    sqlite3_stmt *st = db_stmt(s->rd, ST_SERIES_OF);
    if (st) {
        db_bind_uuid(st, 1, &e->id);
        sqlite3_bind_int(st, 2, (int)e->type);
    }
    while (db_row(s->rd, st)) {
        keys_add(&k, db_col_str(st, 1));
    }
    keys_sort(&k);
    for (uint32_t i = 0; i < k.n && fn(arg, k.v[i]); i++) {
    }
    free(k.v);
    tbe_arena_free(&k.arena);
}
