/* SPDX-License-Identifier: Apache-2.0 */
/* Which node was which: by id, by name and type, and then by likeness. */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "drive/diff.h"

#define SURE 100   /* points of a full match */
#define ENOUGH 60  /* of likeness, to be the same node changed */

struct match {
    struct tbe_arena *a;
    const struct chain *old, *new;
    int32_t *to;   /* of old */
    bool *taken;   /* of new */
};

bool
diff_same(const struct doc *a, const struct doc *b)
{
    if (!a || !b || a->t != b->t || a->n != b->n) {
        return a == b;
    }
    switch (a->t) {
    case DOC_NULL:
        return true;
    case DOC_BOOL:
        return a->i == b->i;
    case DOC_INT:
    case DOC_NUM:
    case DOC_STR:
        return tbe_str_eq(a->s, b->s);
    default:
        break;
    }
    const struct doc *y = b->first;
    for (const struct doc *x = a->first; x; x = x->next) {
        bool here = a->t == DOC_LIST || tbe_str_eq(x->key, y->key); /* mostly in the same order */
        if (!diff_same(x, here ? y : doc_get_str(b, x->key))) {
            return false;
        }
        y = y->next;
    }
    return true;
}

static void
pair(struct match *m, uint32_t old, uint32_t new)
{
    m->to[old] = (int32_t)new;
    m->taken[new] = true;
}

struct entry {
    const struct chain_node *n;
};

static int
by_id(const void *x, const void *y)
{
    const struct chain_node *a = ((const struct entry *)x)->n, *b = ((const struct entry *)y)->n;
    size_t n = a->id.n < b->id.n ? a->id.n : b->id.n;
    int c = memcmp(a->id.p, b->id.p, n);
    return c ? c : a->id.n < b->id.n ? -1 : a->id.n > b->id.n;
}

static int
by_str(struct tbe_str a, struct tbe_str b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c ? c : a.n < b.n ? -1 : a.n > b.n;
}

static int
by_name(const void *x, const void *y)
{
    const struct chain_node *a = ((const struct entry *)x)->n, *b = ((const struct entry *)y)->n;
    int c = by_str(a->name, b->name);
    c = c ? c : by_str(a->type, b->type);
    return c ? c : a->index < b->index ? -1 : a->index > b->index;
}

/* Nodes of a chain that have no partner yet; ids: only those whose file says their id. */
static struct entry *
open_nodes(const struct match *m, bool old, bool ids, uint32_t *n)
{
    const struct chain *c = old ? m->old : m->new;
    struct entry *v = tbe_arena_alloc(m->a, (c->n_nodes + 1) * sizeof *v);
    *n = 0;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        bool open = old ? m->to[i] < 0 : !m->taken[i];
        if (open && (!ids || doc_get(c->nodes[i].doc, "id"))) {
            v[(*n)++].n = &c->nodes[i];
        }
    }
    return v;
}

static void
match_ids(struct match *m)
{
    uint32_t n_old, n_new, k = 0;
    struct entry *old = open_nodes(m, true, true, &n_old), *new = open_nodes(m, false, true, &n_new);
    qsort(old, n_old, sizeof *old, by_id);
    qsort(new, n_new, sizeof *new, by_id);
    for (uint32_t i = 0; i < n_old && k < n_new;) {
        int c = by_id(&old[i], &new[k]);
        if (c == 0) {
            pair(m, old[i++].n->index, new[k++].n->index);
        } else if (c < 0) {
            i++;
        } else {
            k++;
        }
    }
}

static int
same_name(const struct entry *a, const struct entry *b)
{
    int c = by_str(a->n->name, b->n->name);
    return c ? c : by_str(a->n->type, b->n->type);
}

/* Nodes of one name and type: those of the same configuration first, then in order. */
static void
match_group(struct match *m, struct entry *old, uint32_t n_old, struct entry *new, uint32_t n_new)
{
    for (int pass = n_old > 1 || n_new > 1 ? 0 : 1; pass < 2; pass++) {
        for (uint32_t i = 0; i < n_old; i++) {
            for (uint32_t k = 0; m->to[old[i].n->index] < 0 && k < n_new; k++) {
                if (!m->taken[new[k].n->index] &&
                    (pass || diff_same(old[i].n->config, new[k].n->config))) {
                    pair(m, old[i].n->index, new[k].n->index);
                }
            }
        }
    }
}

static void
match_names(struct match *m)
{
    uint32_t n_old, n_new;
    struct entry *old = open_nodes(m, true, false, &n_old), *new = open_nodes(m, false, false, &n_new);
    qsort(old, n_old, sizeof *old, by_name);
    qsort(new, n_new, sizeof *new, by_name);
    for (uint32_t i = 0, k = 0; i < n_old && k < n_new;) {
        int c = same_name(&old[i], &new[k]);
        if (c != 0) {
            *(c < 0 ? &i : &k) += 1;
            continue;
        }
        uint32_t i2 = i, k2 = k;
        while (i2 < n_old && same_name(&old[i], &old[i2]) == 0) {
            i2++;
        }
        while (k2 < n_new && same_name(&new[k], &new[k2]) == 0) {
            k2++;
        }
        match_group(m, old + i, i2 - i, new + k, k2 - k);
        i = i2;
        k = k2;
    }
}

/* Share of the keys of two configurations that are the same, 0 to 1. */
static double
likeness(const struct doc *a, const struct doc *b)
{
    uint32_t same = 0, all = 0;
    if (!a || !b || a->t != DOC_MAP || b->t != DOC_MAP) {
        return diff_same(a, b) ? 1 : 0;
    }
    for (const struct doc *x = a->first; x; x = x->next) {
        const struct doc *y = doc_get_str(b, x->key);
        same += y && diff_same(x, y);
        all++;
    }
    for (const struct doc *y = b->first; y; y = y->next) {
        all += !doc_get_str(a, y->key);
    }
    return all ? (double)same / all : 1;
}

static int
points(const struct chain_node *a, const struct chain_node *b)
{
    bool type = tbe_str_eq(a->type, b->type), name = a->name.n && tbe_str_eq(a->name, b->name);
    if (name && !type) {
        return ENOUGH; /* its class was changed */
    }
    return type ? 40 + (int)(60 * likeness(a->config, b->config)) : 0;
}

static void
match_alike(struct match *m)
{
    uint32_t n_old, n_new;
    struct entry *old = open_nodes(m, true, false, &n_old), *new = open_nodes(m, false, false, &n_new);
    if (n_old > DIFF_MAX_SIMILAR || n_new > DIFF_MAX_SIMILAR) {
        return;
    }
    for (int need = SURE; need >= ENOUGH; need -= 10) { /* the surest first */
        for (uint32_t i = 0; i < n_old; i++) {
            for (uint32_t k = 0; m->to[old[i].n->index] < 0 && k < n_new; k++) {
                if (!m->taken[new[k].n->index] && points(old[i].n, new[k].n) >= need) {
                    pair(m, old[i].n->index, new[k].n->index);
                }
            }
        }
    }
}

int32_t *
diff_match(struct tbe_arena *a, const struct chain *old, const struct chain *new)
{
    struct match m = { .a = a, .old = old, .new = new };
    m.to = tbe_arena_alloc(a, (old->n_nodes + 1) * sizeof *m.to);
    m.taken = tbe_arena_zalloc(a, new->n_nodes + 1);
    for (uint32_t i = 0; i < old->n_nodes; i++) {
        m.to[i] = -1;
    }
    match_ids(&m);
    match_names(&m);
    match_alike(&m);
    return m.to;
}
