/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes: all scopes of an entity are one mirror node, read at once. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

struct attr {
    struct tbe_kv kv; /* key and text in `mem` */
    int64_t ts;
    char *mem;
    uint8_t scope;
};

struct attrs_node {
    struct cnode n;
    struct attr *v;
    uint32_t count, cap;
    size_t bytes;
};

static const char *const scope_names[] = { "CLIENT_SCOPE", "SHARED_SCOPE", "SERVER_SCOPE" };

const char *
store_scope_name(enum store_scope s)
{
    return s < STORE_SCOPES ? scope_names[s] : "";
}

int
store_scope_parse(struct tbe_str s)
{
    for (int i = 0; i < STORE_SCOPES; i++) {
        if (tbe_str_eqz(s, scope_names[i])) {
            return i;
        }
    }
    return -1;
}

static void
drop_attrs(struct cnode *n)
{
    struct attrs_node *a = (struct attrs_node *)n;
    for (uint32_t i = 0; i < a->count; i++) {
        free(a->v[i].mem);
    }
    free(a->v);
}

void
attr_cache_setup(struct cache *c)
{
    c->drop[CK_ATTRS] = drop_attrs;
}

static struct attr *
find(struct attrs_node *a, enum store_scope sc, struct tbe_str key)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->v[i].scope == sc && tbe_str_eq(a->v[i].kv.key, key)) {
            return &a->v[i];
        }
    }
    return NULL;
}

static void
set(struct store *s, struct attrs_node *a, enum store_scope sc, const struct tbe_kv *kv,
    int64_t ts, bool known_new)
{
    struct attr *t = known_new ? NULL : find(a, sc, kv->key);
    if (!t) {
        if (a->count == a->cap) {
            uint32_t cap = a->cap ? a->cap * 2 : 4;
            struct attr *v = realloc(a->v, cap * sizeof *v);
            if (!v) {
                store_oom();
            }
            a->v = v;
            a->cap = cap;
        }
        t = &a->v[a->count++];
        memset(t, 0, sizeof *t);
        t->scope = (uint8_t)sc;
    } else {
        a->bytes -= t->kv.key.n + t->kv.s.n;
    }
    size_t text = kv->type >= TBE_KV_STRING ? kv->s.n : 0;
    char *mem = malloc(kv->key.n + text + 2);
    if (!mem) {
        store_oom();
    }
    if (kv->key.n) {
        memcpy(mem, kv->key.p, kv->key.n);
    }
    if (text) {
        memcpy(mem + kv->key.n, kv->s.p, text);
    }
    cache_bury(&s->cache, t->mem);
    t->mem = mem;
    t->ts = ts;
    t->kv = *kv;
    t->kv.key = (struct tbe_str){ mem, kv->key.n };
    t->kv.s = kv->type >= TBE_KV_STRING ? (struct tbe_str){ mem + kv->key.n, text } : TBE_STR_NONE;
    a->bytes += kv->key.n + text;
    cache_cost(&s->cache, &a->n, a->cap * sizeof *a->v + a->count * 32 + a->bytes);
}

static struct attrs_node *
load(struct store *s, const struct tbe_entity *e)
{
    struct ckey k;
    struct tbe_str key = ckey_entity(&k, e);
    struct attrs_node *a = (struct attrs_node *)cache_find(&s->cache, CK_ATTRS, key);
    if (a) {
        return a;
    }
    a = (struct attrs_node *)cache_add(&s->cache, CK_ATTRS, key, sizeof *a);
    if (!a) {
        store_oom();
    }
    sqlite3_stmt *st = db_stmt(s->rd, ST_ATTR_OF);
    if (st) {
        db_bind_uuid(st, 1, &e->id);
        sqlite3_bind_int(st, 2, (int)e->type);
    }
    while (db_row(s->rd, st)) {
        struct tbe_kv kv = { .key = db_col_str(st, 1) };
        int sc = sqlite3_column_int(st, 0);
        if (sc >= 0 && sc < STORE_SCOPES && db_col_kv(st, 3, &kv)) {
            set(s, a, (enum store_scope)sc, &kv, sqlite3_column_int64(st, 2), true);
        }
    }
    return a;
}

void
store_save_attrs(struct store_batch *b, const struct tbe_entity *e, enum store_scope sc, int64_t ts,
                 const struct tbe_kvs *kvs)
{
    if (!kvs->n || !store_writable(b)) {
        return;
    }
    if (b->s->watch) {
        b->s->watch->attrs(b->s->watch->arg, e, sc, kvs);
    }
    struct attrs_node *a = load(b->s, e);
    for (uint32_t i = 0; i < kvs->n; i++) {
        const struct tbe_kv *kv = &kvs->v[i];
        set(b->s, a, sc, kv, ts, false);
        struct op *op = op_new(b, ST_ATTR_PUT, 7);
        op_uuid(b, op, 1, &e->id);
        op_int(op, 2, e->type);
        op_int(op, 3, sc);
        op_text(b, op, 4, kv->key);
        op_int(op, 5, ts);
        op_kv(b, op, 6, kv);
    }
    batch_pin(b, &a->n);
}

static void
delete_at(struct store_batch *b, const struct tbe_entity *e, struct attrs_node *a, struct attr *t)
{
    struct op *op = op_new(b, ST_ATTR_DEL, 4);
    op_uuid(b, op, 1, &e->id);
    op_int(op, 2, e->type);
    op_int(op, 3, t->scope);
    op_text(b, op, 4, t->kv.key);
    a->bytes -= t->kv.key.n + t->kv.s.n;
    cache_bury(&b->s->cache, t->mem);
    uint32_t i = (uint32_t)(t - a->v);
    memmove(t, t + 1, (a->count - i - 1) * sizeof *t);
    a->count--;
    batch_pin(b, &a->n);
}

void
store_delete_attr(struct store_batch *b, const struct tbe_entity *e, enum store_scope sc,
                  struct tbe_str key)
{
    struct attrs_node *a = store_writable(b) ? load(b->s, e) : NULL;
    struct attr *t = a ? find(a, sc, key) : NULL;
    if (t) {
        if (b->s->watch) {
            b->s->watch->attr_deleted(b->s->watch->arg, e, sc, key);
        }
        delete_at(b, e, a, t);
    }
}

void
attr_delete_all(struct store_batch *b, const struct tbe_entity *e)
{
    struct attrs_node *a = load(b->s, e);
    while (a->count) {
        delete_at(b, e, a, &a->v[a->count - 1]);
    }
}

bool
store_attr(struct store *s, const struct tbe_entity *e, enum store_scope sc, struct tbe_str key,
           struct tbe_kv *kv,
           int64_t *ts)
{
    const struct attr *t = find(load(s, e), sc, key);
    if (!t) {
        return false;
    }
    *kv = t->kv;
    if (ts) {
        *ts = t->ts;
    }
    return true;
}

void
store_attr_each(struct store *s, const struct tbe_entity *e, enum store_scope sc, store_kv_fn *fn,
                void *arg)
{
    const struct attrs_node *a = load(s, e);
    for (uint32_t i = 0; i < a->count; i++) {
        struct tbe_kv kv = a->v[i].kv; /* by value: fn may write attributes and so move the array */
        if (a->v[i].scope == sc && !fn(arg, &kv, a->v[i].ts)) {
            return;
        }
    }
}
