/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, and the two walks over whole values: deep copy and deep equality. */
#include "config.h"

#include "value/value_int.h"

#include <string.h>

#define LIST_MAX (1u << 28)    /* elements; keeps sizes far from 32-bit overflow */
#define WALK_DEPTH 1100        /* nesting both walks follow: a script may have made a cycle */
#define SAME_STEPS 4000000     /* values one comparison looks at: shared parts can be vast */

tbe_val
tbe_list_new(struct tbe_arena *a, uint32_t cap)
{
    if (cap > LIST_MAX) {
        cap = LIST_MAX;
    }
    struct tbe_list *l = tbe_arena_alloc(a, sizeof *l);
    if (l == NULL) {
        return TBE_UNDEF_VAL;
    }
    *l = (struct tbe_list){ 0 };
    if (cap > 0) {
        l->v = tbe_arena_alloc(a, sizeof *l->v * cap);
        if (l->v == NULL) {
            return TBE_UNDEF_VAL;
        }
        l->cap = cap;
    }
    return (tbe_val){ .t = TBE_LIST, .u = { .l = l } };
}

void
tbe_list_push(struct tbe_arena *a, struct tbe_list *l, tbe_val v)
{
    if (l->n == l->cap) {
        if (l->cap >= LIST_MAX) {
            return;
        }
        const uint32_t cap = l->cap < 4 ? 4 : l->cap * 2;
        tbe_val *to = tbe_arena_alloc(a, sizeof *to * cap);
        if (to == NULL) {
            return;
        }
        if (l->n > 0) {
            memcpy(to, l->v, sizeof *to * l->n);
        }
        l->v = to;
        l->cap = cap;
    }
    l->v[l->n++] = v;
}

static tbe_val copy_at(struct tbe_arena *a, tbe_val v, int depth);

static tbe_val
copy_text(struct tbe_arena *a, tbe_val v)
{
    v.u.s = tbe_arena_dupz(a, tbe_val_str(v));
    return v.u.s ? v : TBE_UNDEF_VAL;
}

static tbe_val
copy_list(struct tbe_arena *a, tbe_val v, int depth)
{
    const struct tbe_list *from = v.u.l;
    const tbe_val to = tbe_list_new(a, from->n);
    if (to.t == TBE_UNDEF) {
        return to;
    }
    for (uint32_t i = 0; i < from->n; i++) {
        const tbe_val c = copy_at(a, from->v[i], depth + 1);
        if (c.t == TBE_UNDEF && from->v[i].t != TBE_UNDEF) {
            return c;
        }
        to.u.l->v[to.u.l->n++] = c;
    }
    v.u.l = to.u.l;
    return v;
}

static tbe_val
copy_map(struct tbe_arena *a, tbe_val v, int depth)
{
    const struct tbe_map *from = v.u.m;
    const tbe_val to = tbe_map_new(a, from->live);
    if (to.t == TBE_UNDEF) {
        return to;
    }
    const struct tbe_entry *e;
    for (uint32_t i = 0; tbe_map_next(from, &i, &e);) {
        const tbe_val key = copy_at(a, e->key, depth + 1);
        const tbe_val val = copy_at(a, e->val, depth + 1);
        if (key.t == TBE_UNDEF || (val.t == TBE_UNDEF && e->val.t != TBE_UNDEF) ||
            !value_map_append(a, to.u.m, key, val)) {
            return TBE_UNDEF_VAL;
        }
    }
    v.u.m = to.u.m;
    return v;
}

static tbe_val
copy_at(struct tbe_arena *a, tbe_val v, int depth)
{
    if (depth > WALK_DEPTH) {
        return TBE_UNDEF_VAL;
    }
    switch (v.t) {
    case TBE_STR_T:
    case TBE_NUM:
    case TBE_BIGINT:
    case TBE_BIGDEC:
        return copy_text(a, v);
    case TBE_LIST:
    case TBE_ARRAY:
        return copy_list(a, v, depth);
    case TBE_MAP:
    case TBE_SET:
        return copy_map(a, v, depth);
    default: /* scalars; functions, dates and objects are shared */
        return v;
    }
}

tbe_val
tbe_val_copy(struct tbe_arena *a, tbe_val v)
{
    return copy_at(a, v, 0);
}

struct same_walk {
    int depth, left;
};

static bool same_at(struct same_walk *w, tbe_val a, tbe_val b);

static bool
same_list(struct same_walk *w, const struct tbe_list *a, const struct tbe_list *b)
{
    if (a == b) {
        return true;
    }
    if (a->n != b->n) {
        return false;
    }
    for (uint32_t i = 0; i < a->n; i++) {
        if (!same_at(w, a->v[i], b->v[i])) {
            return false;
        }
    }
    return true;
}

static bool
same_map(struct same_walk *w, const struct tbe_map *a, const struct tbe_map *b, bool values)
{
    if (a == b) {
        return true;
    }
    if (a->live != b->live) {
        return false;
    }
    const struct tbe_entry *e;
    for (uint32_t i = 0; tbe_map_next(a, &i, &e);) {
        const struct tbe_entry *other = tbe_map_find(b, e->key);
        if (other == NULL || (values && !same_at(w, e->val, other->val))) {
            return false;
        }
    }
    return true;
}

static bool
same_container(struct same_walk *w, tbe_val a, tbe_val b)
{
    if (w->depth == WALK_DEPTH) {
        return false;
    }
    w->depth++;
    const bool same = a.t == TBE_LIST || a.t == TBE_ARRAY
                          ? same_list(w, a.u.l, b.u.l)
                          : same_map(w, a.u.m, b.u.m, a.t == TBE_MAP);
    w->depth--;
    return same;
}

static bool
same_at(struct same_walk *w, tbe_val a, tbe_val b)
{
    if (a.t != b.t || w->left-- <= 0) {
        return false;
    }
    switch (a.t) {
    case TBE_UNDEF:
    case TBE_NULL:
        return true;
    case TBE_FLOAT:
    case TBE_DOUBLE: /* as Double.equals: NaN is itself, 0.0 is not -0.0 */
        return a.u.i == b.u.i || (a.u.d != a.u.d && b.u.d != b.u.d);
    case TBE_STR_T:
    case TBE_NUM:
    case TBE_BIGINT:
    case TBE_BIGDEC:
        return a.n == b.n && memcmp(a.u.s, b.u.s, a.n) == 0;
    case TBE_LIST:
    case TBE_SET:
    case TBE_MAP:
        return same_container(w, a, b);
    case TBE_ARRAY:
        return a.sub == b.sub && same_container(w, a, b);
    default: /* integers, and the identity of all else */
        return a.u.i == b.u.i;
    }
}

bool
tbe_val_same(tbe_val a, tbe_val b)
{
    struct same_walk w = { 0, SAME_STEPS };
    return same_at(&w, a, b);
}
