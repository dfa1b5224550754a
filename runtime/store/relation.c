/* SPDX-License-Identifier: Apache-2.0 */
/* Relations. A relation is mirrored at both ends: in the node of its "from" and of its "to". */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

struct rel_node {
    struct cnode n;
    struct store_relation **v; /* each one allocation with its strings */
    uint32_t count, cap;
};

static void
drop_relations(struct cnode *c)
{
    struct rel_node *n = (struct rel_node *)c;
    for (uint32_t i = 0; i < n->count; i++) {
        free(n->v[i]);
    }
    free(n->v);
}

void
relation_cache_setup(struct cache *c)
{
    c->drop[CK_REL_FROM] = drop_relations;
    c->drop[CK_REL_TO] = drop_relations;
}

static struct store_relation *
dup_relation(const struct store_relation *r)
{
    struct store_relation *c = malloc(sizeof *c + r->type.n + r->group.n + r->info.n + 3);
    if (!c) {
        store_oom();
    }
    *c = *r;
    char *at = (char *)(c + 1);
    struct tbe_str *fields[] = { &c->type, &c->group, &c->info };
    for (unsigned i = 0; i < 3; i++) {
        if (fields[i]->p) {
            memcpy(at, fields[i]->p, fields[i]->n);
            fields[i]->p = at;
            at += fields[i]->n;
            *at++ = 0;
        }
    }
    return c;
}

static bool
same(const struct store_relation *a, const struct store_relation *b)
{
    return ent_same(&a->from, &b->from) && ent_same(&a->to, &b->to) && tbe_str_eq(a->type,
                                                                                  b->type) &&
        tbe_str_eq(a->group, b->group);
}

static uint32_t
place(const struct rel_node *n, const struct store_relation *r)
{
    uint32_t i = 0;
    while (i < n->count && !same(n->v[i], r)) {
        i++;
    }
    return i;
}

static void
put(struct store *s, struct rel_node *n, const struct store_relation *r)
{
    uint32_t i = place(n, r);
    if (i < n->count) {
        cache_bury(&s->cache, n->v[i]);
    } else {
        if (n->count == n->cap) {
            n->cap = n->cap ? n->cap * 2 : 4;
            struct store_relation **v = realloc(n->v, n->cap * sizeof(*v));
            if (!v) {
                store_oom();
            }
            n->v = v;
        }
        n->count++;
    }
    n->v[i] = dup_relation(r);
    cache_cost(&s->cache, &n->n, n->count * (sizeof *r + 64));
}

static struct rel_node *
load(struct store *s, const struct tbe_entity *e, bool from)
{
    enum cache_kind kind = from ? CK_REL_FROM : CK_REL_TO;
    struct ckey k;
    struct tbe_str key = ckey_entity(&k, e);
    struct rel_node *n = (struct rel_node *)cache_find(&s->cache, kind, key);
    if (n) {
        return n;
    }
    n = (struct rel_node *)cache_add(&s->cache, kind, key, sizeof *n);
    if (!n) {
        store_oom();
    }
    sqlite3_stmt *st = db_stmt(s->rd, from ? ST_REL_FROM : ST_REL_TO);
    if (st) {
        db_bind_uuid(st, 1, &e->id);
        sqlite3_bind_int(st, 2, (int)e->type);
    }
    while (db_row(s->rd, st)) {
        struct tbe_entity other = { (enum tbe_entity_type)sqlite3_column_int(st, 1), db_col_uuid(st, 0) };
        struct store_relation r = { .from = from ? *e : other, .to = from ? other : *e, .group = db_col_str(st, 2),
                                    .type = db_col_str(st, 3), .info = db_col_str(st, 4) };
        put(s, n, &r);
    }
    return n;
}

static struct store_relation
with_group(const struct store_relation *in)
{
    struct store_relation r = *in;
    if (!r.group.p) {
        r.group = TBE_STR("COMMON");
    }
    if (!r.type.p) {
        r.type = TBE_STR("");
    }
    return r;
}

void
store_put_relation(struct store_batch *b, const struct store_relation *in)
{
    if (!store_writable(b)) {
        return;
    }
    struct store_relation r = with_group(in);
    struct rel_node *from = load(b->s, &r.from, true), *to = load(b->s, &r.to, false);
    put(b->s, from, &r);
    put(b->s, to, &r);
    batch_pin(b, &from->n);
    batch_pin(b, &to->n);
    struct op *op = op_new(b, ST_REL_PUT, 7);
    op_uuid(b, op, 1, &r.from.id);
    op_int(op, 2, r.from.type);
    op_uuid(b, op, 3, &r.to.id);
    op_int(op, 4, r.to.type);
    op_text(b, op, 5, r.group);
    op_text(b, op, 6, r.type);
    op_text(b, op, 7, r.info);
}

static bool
take_out(struct store_batch *b, struct rel_node *n, const struct store_relation *r)
{
    uint32_t i = place(n, r);
    if (i == n->count) {
        return false;
    }
    cache_bury(&b->s->cache, n->v[i]);
    memmove(&n->v[i], &n->v[i + 1], (n->count - i - 1) * sizeof n->v[0]);
    n->count--;
    batch_pin(b, &n->n);
    return true;
}

bool
store_delete_relation(struct store_batch *b, const struct store_relation *in)
{
    if (!store_writable(b)) {
        return false;
    }
    struct store_relation r = with_group(in);
    bool found = take_out(b, load(b->s, &r.from, true), &r);
    found = take_out(b, load(b->s, &r.to, false), &r) || found;
    if (!found) {
        return false;
    }
    struct op *op = op_new(b, ST_REL_DEL, 6);
    op_uuid(b, op, 1, &r.from.id);
    op_int(op, 2, r.from.type);
    op_uuid(b, op, 3, &r.to.id);
    op_int(op, 4, r.to.type);
    op_text(b, op, 5, r.group);
    op_text(b, op, 6, r.type);
    return true;
}

void
relation_delete_all(struct store_batch *b, const struct tbe_entity *e)
{
    for (int side = 0; side < 2; side++) {
        struct rel_node *n = load(b->s, e, side == 0);
        while (n->count) {
            /* buried, not freed: still readable there */
            store_delete_relation(b, n->v[n->count - 1]);
        }
    }
}

void
store_relation_each(struct store *s, const struct tbe_entity *e, bool from, struct tbe_str type,
                    store_relation_fn *fn,
                    void *arg)
{
    const struct rel_node *n = load(s, e, from);
    for (uint32_t i = 0; i < n->count; i++) {
        const struct store_relation *r = n->v[i];
        if ((!type.p || tbe_str_eq(type, r->type)) && !fn(arg, r)) {
            return;
        }
    }
}
