/* SPDX-License-Identifier: Apache-2.0 */
/* Small named state and parked messages. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

struct state_node {
    struct cnode n;
    char *v;
    size_t len;
    bool found;
};

struct parked_node { /* only for rows that are not committed yet */
    struct cnode n;
    struct store_parked *p; /* NULL: deleted. One allocation with its strings */
};

static void
drop_state(struct cnode *n)
{
    free(((struct state_node *)n)->v);
}

static void
drop_parked(struct cnode *n)
{
    free(((struct parked_node *)n)->p);
}

void
state_cache_setup(struct cache *c)
{
    c->drop[CK_STATE] = drop_state;
    c->drop[CK_PARKED] = drop_parked;
}

static void
state_set(struct store *s, struct state_node *n, struct tbe_str v)
{
    cache_bury(&s->cache, n->v);
    n->v = NULL;
    n->len = 0;
    n->found = v.p != NULL;
    if (v.p) {
        n->v = malloc(v.n + 1);
        if (!n->v) {
            store_oom();
        }
        if (v.n) {
            memcpy(n->v, v.p, v.n);
        }
        n->v[v.n] = 0;
        n->len = v.n;
    }
    cache_cost(&s->cache, &n->n, n->n.klen + v.n);
}

static struct state_node *
state_load(struct store *s, struct tbe_str key)
{
    struct state_node *n = (struct state_node *)cache_find(&s->cache, CK_STATE, key);
    if (n) {
        return n;
    }
    n = (struct state_node *)cache_add(&s->cache, CK_STATE, key, sizeof *n);
    if (!n) {
        store_oom();
    }
    sqlite3_stmt *st = db_stmt(s->rd, ST_STATE_GET);
    if (st) {
        db_bind_text(st, 1, key);
    }
    if (db_row(s->rd, st)) {
        state_set(s, n, db_col_str(st, 0));
        sqlite3_reset(st);
    }
    return n;
}

void
store_put_state(struct store_batch *b, struct tbe_str key, struct tbe_str value)
{
    if (!store_writable(b)) {
        return;
    }
    struct state_node *n = state_load(b->s, key);
    state_set(b->s, n, value);
    batch_pin(b, &n->n);
    struct op *op = op_new(b, value.p ? ST_STATE_PUT : ST_STATE_DEL, value.p ? 2 : 1);
    op_text(b, op, 1, key);
    if (value.p) {
        op_blob(b, op, 2, value);
    }
}

struct tbe_str
store_state(struct store *s, struct tbe_str key)
{
    const struct state_node *n = state_load(s, key);
    return n->found ? (struct tbe_str){ n->v, n->len } : TBE_STR_NONE;
}

struct key_list {
    struct tbe_str *v; /* own copies */
    uint32_t n, cap;
};

static void
key_list_add(struct key_list *l, struct tbe_str key)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 32;
        struct tbe_str *v = realloc(l->v, l->cap * sizeof *v);
        if (!v) {
            store_oom();
        }
        l->v = v;
    }
    char *p = malloc(key.n + 1);
    if (!p) {
        store_oom();
    }
    memcpy(p, key.p, key.n);
    l->v[l->n++] = (struct tbe_str){ p, key.n };
}

static bool
has_prefix(struct tbe_str key, struct tbe_str prefix)
{
    return key.n >= prefix.n && (!prefix.n || memcmp(key.p, prefix.p, prefix.n) == 0);
}

static int
by_key(const void *a, const void *b)
{
    return tbe_str_cmp(*(const struct tbe_str *)a, *(const struct tbe_str *)b);
}

/* In order of the keys. */
void
store_state_each(struct store *s, struct tbe_str prefix, store_state_fn *fn, void *arg)
{
    struct key_list keys = { 0 };
    uint64_t done = store_done_no(s);
    sqlite3_stmt *st = db_stmt(s->rd, ST_STATE_EACH);
    if (st) {
        db_bind_text(st, 1, prefix.p ? prefix : TBE_STR(""));
    }
    while (db_row(s->rd, st)) {
        struct tbe_str key = db_col_str(st, 0);
        if (!has_prefix(key, prefix)) {
            sqlite3_reset(st);
            break;
        }
        struct cnode *n = cache_find(&s->cache, CK_STATE, key);
        if (!n || n->pin <= done) {
            key_list_add(&keys, key);
        }
    }
    for (struct cnode *n = NULL; (n = cache_pinned(&s->cache, CK_STATE, done, n));) {
        struct tbe_str key = { n->key, n->klen };
        if (((struct state_node *)n)->found && has_prefix(key, prefix)) {
            key_list_add(&keys, key);
        }
    }
    if (keys.n) {
        qsort(keys.v, keys.n, sizeof *keys.v, by_key);
    }
    bool more = true;
    for (uint32_t i = 0; i < keys.n; i++) {
        struct tbe_str v = more ? store_state(s, keys.v[i]) : TBE_STR_NONE;
        more = more && (!v.p || fn(arg, keys.v[i], v));
        free((char *)keys.v[i].p);
    }
    free(keys.v);
}

/* Parked messages ------------------------------------------------------------------------------ */

static struct store_parked *
parked_dup(const struct store_parked *in)
{
    struct store_parked *p = malloc(sizeof *p + in->key.n + in->chain.n + in->node.n + in->msg.n + 1);
    if (!p) {
        store_oom();
    }
    *p = *in;
    char *at = (char *)(p + 1);
    struct tbe_str *fields[] = { &p->key, &p->chain, &p->node, &p->msg };
    for (unsigned i = 0; i < 4; i++) {
        if (fields[i]->n) {
            memcpy(at, fields[i]->p, fields[i]->n);
        }
        fields[i]->p = at;
        at += fields[i]->n;
    }
    return p;
}

static void
parked_set(struct store_batch *b, struct tbe_str key, const struct store_parked *p)
{
    struct cache *c = &b->s->cache;
    struct parked_node *n = (struct parked_node *)cache_find(c, CK_PARKED, key);
    if (!n) {
        n = (struct parked_node *)cache_add(c, CK_PARKED, key, sizeof *n);
        if (!n) {
            store_oom();
        }
    }
    cache_bury(c, n->p);
    n->p = p ? parked_dup(p) : NULL;
    cache_cost(c, &n->n, p ? sizeof *p + p->key.n + p->msg.n : 0);
    batch_pin(b, &n->n);
}

void
store_park(struct store_batch *b, const struct store_parked *p)
{
    if (!store_writable(b)) {
        return;
    }
    parked_set(b, p->key, p);
    struct op *op = op_new(b, ST_PARKED_PUT, 5);
    op_text(b, op, 1, p->key);
    op_text(b, op, 2, p->chain.p ? p->chain : TBE_STR(""));
    op_text(b, op, 3, p->node.p ? p->node : TBE_STR(""));
    op_int(op, 4, p->due);
    op_blob(b, op, 5, p->msg.p ? p->msg : TBE_STR(""));
}

void
store_unpark(struct store_batch *b, struct tbe_str key)
{
    if (!store_writable(b)) {
        return;
    }
    parked_set(b, key, NULL);
    struct op *op = op_new(b, ST_PARKED_DEL, 1);
    op_text(b, op, 1, key);
}

struct parked_list {
    struct store_parked **v;
    uint32_t n, cap;
};

static void
parked_list_add(struct parked_list *l, const struct store_parked *p)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 32;
        struct store_parked **v = realloc(l->v, l->cap * sizeof(*v));
        if (!v) {
            store_oom();
        }
        l->v = v;
    }
    l->v[l->n++] = parked_dup(p);
}

static int
by_due(const void *a, const void *b)
{
    const struct store_parked *p = *(struct store_parked *const *)a, *q = *(struct store_parked *const *)b;
    int64_t x = p->due ? p->due : INT64_MAX, y = q->due ? q->due : INT64_MAX;
    return x < y ? -1 : x > y ? 1 : tbe_str_cmp(p->key, q->key);
}

void
store_parked_each(struct store *s, store_parked_fn *fn, void *arg)
{
    struct parked_list l = { 0 };
    uint64_t done = store_done_no(s);
    sqlite3_stmt *st = db_stmt(s->rd, ST_PARKED_EACH);
    while (db_row(s->rd, st)) {
        struct store_parked p = { .key = db_col_str(st, 0), .chain = db_col_str(st, 1), .node = db_col_str(st, 2),
                                  .due = sqlite3_column_int64(st, 3), .msg = db_col_str(st, 4) };
        struct cnode *n = cache_find(&s->cache, CK_PARKED, p.key);
        if (!n || n->pin <= done) {
            parked_list_add(&l, &p);
        }
    }
    for (struct cnode *n = NULL; (n = cache_pinned(&s->cache, CK_PARKED, done, n));) {
        if (((struct parked_node *)n)->p) {
            parked_list_add(&l, ((struct parked_node *)n)->p);
        }
    }
    if (l.n) {
        qsort(l.v, l.n, sizeof *l.v, by_due);
    }
    bool more = true;
    for (uint32_t i = 0; i < l.n; i++) {
        more = more && fn(arg, l.v[i]);
        free(l.v[i]);
    }
    free(l.v);
}
