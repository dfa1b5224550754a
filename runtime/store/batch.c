/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: the effects of one turn as a packed log record and bound statements, built on the loop
 * thread in an arena and handed over to the writer as a whole. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

void
store_oom(void)
{
    log_error("store: out of memory");
    abort();
}

static void
list_add(struct batch_list *l, struct store_batch *b)
{
    b->l_prev = l->last;
    b->l_next = NULL;
    if (l->last) {
        l->last->l_next = b;
    } else {
        l->first = b;
    }
    l->last = b;
}

static void
list_remove(struct batch_list *l, struct store_batch *b)
{
    if (b->l_prev) {
        b->l_prev->l_next = b->l_next;
    } else {
        l->first = b->l_next;
    }
    if (b->l_next) {
        b->l_next->l_prev = b->l_prev;
    } else {
        l->last = b->l_prev;
    }
}

static void
batch_clear(struct store_batch *b)
{
    b->ops = NULL;
    b->ops_end = &b->ops;
    b->after = NULL;
    b->after_end = &b->after;
    b->has_seq = false;
    b->uplink_ack = 0;
    b->next = NULL;
}

struct store_batch *
store_batch_new(struct store *s)
{
    struct store_batch *b = s->spare;
    if (b) {
        s->spare = b->next;
        s->n_spare--;
    } else {
        b = calloc(1, sizeof *b);
        if (!b) {
            store_oom();
        }
        tbe_arena_init(&b->arena, 0);
        pack_init(&b->pack, &b->arena);
        b->s = s;
    }
    batch_clear(b);
    b->no = s->next_no++;
    list_add(&s->open, b);
    return b;
}

static void
batch_free(struct store_batch *b)
{
    tbe_arena_free(&b->arena);
    pack_free(&b->pack);
    free(b);
}

static void
batch_recycle(struct store *s, struct store_batch *b)
{
    if (s->n_spare >= STORE_SPARE) {
        batch_free(b);
        return;
    }
    tbe_arena_reset(&b->arena);
    pack_reset(&b->pack);
    b->next = s->spare;
    s->spare = b;
    s->n_spare++;
}

void
store_batches_free(struct store *s)
{
    struct store_batch *b, *next;
    for (b = s->open.first; b; b = next) {
        next = b->l_next;
        batch_free(b);
    }
    for (b = s->given.first; b; b = next) {
        next = b->l_next;
        batch_free(b);
    }
    for (b = s->spare; b; b = next) {
        next = b->next;
        batch_free(b);
    }
    s->open.first = s->open.last = s->given.first = s->given.last = s->spare = NULL;
}

struct tbe_arena *
store_batch_arena(struct store_batch *b)
{
    return &b->arena;
}

void
store_batch_after(struct store_batch *b, store_done_fn *fn, void *arg)
{
    struct after *a = tbe_arena_alloc(&b->arena, sizeof *a);
    if (!a) {
        store_oom();
    }
    *a = (struct after){ NULL, fn, arg };
    *b->after_end = a;
    b->after_end = &a->next;
}

bool
store_batch_empty(const struct store_batch *b)
{
    return !b->ops && !b->after && !b->has_seq && !b->uplink_ack && b->pack.buf.n == 0;
}

void
store_batch_seq(struct store_batch *b, uint64_t epoch, uint64_t seq)
{
    b->epoch = epoch;
    b->seq = seq;
    b->has_seq = true;
}

void
store_last_seq(struct store *s, uint64_t *epoch, uint64_t *seq)
{
    *epoch = s->epoch;
    *seq = s->seq;
}

static uint64_t
lowest(const struct batch_list *l, uint64_t no)
{
    for (const struct store_batch *b = l->first; b; b = b->l_next) {
        no = b->no < no ? b->no : no;
    }
    return no;
}

uint64_t
store_done_no(const struct store *s)
{
    return lowest(&s->open, lowest(&s->given, s->next_no)) - 1;
}

void
store_commit(struct store *s, struct store_batch **bp)
{
    struct store_batch *b = *bp;
    *bp = NULL;
    list_remove(&s->open, b);
    if (store_batch_empty(b)) {
        batch_recycle(s, b);
        return;
    }
    pack_close(&b->pack);
    if (b->pack.failed) {
        store_oom();
    }
    list_add(&s->given, b);
    b->safe = lowest(&s->open, s->next_no) - 1;
    writer_give(&s->w, b);
    if (s->sync) {
        store_complete(s);
    }
}

void
store_complete(struct store *s)
{
    if (s->completing) { /* a callback committed synchronously: the outer call goes on with it */
        return;
    }
    s->completing = true;
    struct store_batch *b;
    while ((b = writer_take_done(&s->w))) {
        for (struct store_batch *next; b; b = next) {
            next = b->next;
            list_remove(&s->given, b);
            if (b->has_seq) {
                s->epoch = b->epoch;
                s->seq = b->seq;
            }
            for (struct after *a = b->after; a; a = a->next) {
                a->fn(a->arg);
            }
            batch_recycle(s, b);
        }
    }
    s->completing = false;
}

/* Statements ----------------------------------------------------------------------------------- */

struct op *
op_new(struct store_batch *b, enum stmt stmt, uint32_t n)
{
    struct op *op = tbe_arena_zalloc(&b->arena, sizeof *op + n * sizeof op->a[0]);
    if (!op) {
        store_oom();
    }
    op->stmt = stmt;
    op->n = n;
    *b->ops_end = op;
    b->ops_end = &op->next;
    return op;
}

void
op_int(struct op *op, uint32_t i, int64_t v)
{
    op->a[i - 1].t = OP_INT;
    op->a[i - 1].u.i = v;
}

static void
op_bytes(struct store_batch *b, struct op *op, uint32_t i, struct tbe_str s, enum op_arg_type t)
{
    if (!s.p) {
        return;
    }
    op->a[i - 1].t = t;
    op->a[i - 1].u.s = tbe_arena_dup(&b->arena, s);
    if (!op->a[i - 1].u.s.p) {
        store_oom();
    }
}

void
op_text(struct store_batch *b, struct op *op, uint32_t i, struct tbe_str s)
{
    op_bytes(b, op, i, s, OP_TEXT);
}

void
op_blob(struct store_batch *b, struct op *op, uint32_t i, struct tbe_str s)
{
    op_bytes(b, op, i, s, OP_BLOB);
}

void
op_uuid(struct store_batch *b, struct op *op, uint32_t i, const struct tbe_uuid *u)
{
    op_bytes(b, op, i, (struct tbe_str){ (const char *)u->b, sizeof u->b }, OP_BLOB);
}

void
op_kv(struct store_batch *b, struct op *op, uint32_t i, const struct tbe_kv *kv)
{
    op_int(op, i, kv->type);
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        op_int(op, i + 1, kv->u.b);
        return;
    case TBE_KV_LONG:
        op_int(op, i + 1, kv->u.i);
        return;
    case TBE_KV_DOUBLE: /* as bytes: SQLite has no NaN and turns whole reals into integers in some columns */
        op_bytes(b, op, i + 1, (struct tbe_str){ (const char *)&kv->u.d, sizeof kv->u.d }, OP_BLOB);
        return;
    case TBE_KV_STRING:
    case TBE_KV_JSON:
        op_text(b, op, i + 1, kv->s.p ? kv->s : TBE_STR(""));
        return;
    }
}

void
db_bind_kv(sqlite3_stmt *st, int i, const struct tbe_kv *kv)
{
    sqlite3_bind_int(st, i, (int)kv->type);
    if (kv->type == TBE_KV_BOOLEAN) {
        sqlite3_bind_int(st, i + 1, kv->u.b);
    } else if (kv->type == TBE_KV_LONG) {
        sqlite3_bind_int64(st, i + 1, kv->u.i);
    } else if (kv->type == TBE_KV_DOUBLE) {
        sqlite3_bind_blob(st, i + 1, &kv->u.d, sizeof kv->u.d, SQLITE_TRANSIENT);
    } else {
        db_bind_text(st, i + 1, kv->s.p ? kv->s : TBE_STR(""));
    }
}

bool
db_col_kv(sqlite3_stmt *st, int col, struct tbe_kv *kv)
{
    if (sqlite3_column_type(st, col) != SQLITE_INTEGER) {
        return false;
    }
    kv->type = (enum tbe_kv_type)sqlite3_column_int(st, col);
    kv->u.i = 0;
    kv->s = TBE_STR_NONE;
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        kv->u.b = sqlite3_column_int(st, col + 1) != 0;
        return true;
    case TBE_KV_LONG:
        kv->u.i = sqlite3_column_int64(st, col + 1);
        return true;
    case TBE_KV_DOUBLE: {
        struct tbe_str s = db_col_str(st, col + 1);
        if (s.n != sizeof kv->u.d) {
            return false;
        }
        memcpy(&kv->u.d, s.p, sizeof kv->u.d);
        return true;
    }
    case TBE_KV_STRING:
    case TBE_KV_JSON:
        kv->s = db_col_str(st, col + 1);
        return kv->s.p != NULL;
    }
    return false;
}

bool
store_writable(struct store_batch *b)
{
    if (b->s->readonly) {
        log_error("store: a write to a store opened read-only was ignored");
        return false;
    }
    return true;
}
