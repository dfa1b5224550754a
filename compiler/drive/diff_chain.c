/* SPDX-License-Identifier: Apache-2.0 */
/* Two versions of chains compared: keys, nodes, relations. */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "drive/diff.h"

/* Keys that differ from export to export without the chain being another one. */
static bool
is_noise(struct tbe_str key, bool layout)
{
    static const char *const noise[] = { "id", "ruleChainId", "createdTime", "tenantId", "version",
                                         "firstRuleNodeId",
                                         "externalId", "allEnabledUntil" };
    static const char *const places[] = { "layoutX", "layoutY" };
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) {
        if (tbe_str_eqz(key, noise[i])) {
            return true;
        }
    }
    return !layout && (tbe_str_eqz(key, places[0]) || tbe_str_eqz(key, places[1]));
}

static void
add_key(struct tbe_arena *a, struct diff_keys *k, struct tbe_str path, const struct doc *old,
        const struct doc *new)
{
    if (k->n == k->cap) {
        uint32_t cap = k->cap ? k->cap * 2 : 8;
        struct diff_key *v = tbe_arena_alloc(a, cap * sizeof *v);
        if (k->n) {
            memcpy(v, k->v, k->n * sizeof *v);
        }
        k->v = v;
        k->cap = cap;
    }
    k->v[k->n++] = (struct diff_key){ path, old, new };
}

struct compare {
    struct tbe_arena *a;
    struct diff_keys *out;
    bool frame;  /* not inside of a configuration: noise is left out, null is the same as nothing */
    bool layout;
};

static void compare(struct compare *c, struct tbe_str path, const struct doc *old,
                    const struct doc *new);

static void
compare_member(struct compare *c, struct tbe_str path, struct tbe_str key, const struct doc *old,
               const struct doc *new)
{
    if (!c->frame || !is_noise(key, c->layout)) {
        compare(c, path.n ? tbe_arena_fmt(c->a, "%.*s/%.*s", (int)path.n, path.p, (int)key.n,
                                          key.p) : key, old, new);
    }
}

static bool
is_empty(const struct doc *d)
{
    return !d || d->t == DOC_NULL;
}

static void
compare(struct compare *c, struct tbe_str path, const struct doc *old, const struct doc *new)
{
    bool maps = old && new && old->t == DOC_MAP && new->t == DOC_MAP;
    bool lists = old && new && old->t == DOC_LIST && new->t == DOC_LIST && old->n == new->n;
    if (c->frame && (is_empty(old) || is_empty(new)) && (old || new)) {
        const struct doc *some = is_empty(old) ? new : old;
        if (is_empty(some) || ((some->t == DOC_BOOL || some->t == DOC_INT) && !some->i)) {
            return; /* false, and version 0, are what is meant by nothing */
        }
        maps = some->t == DOC_MAP; /* perhaps all of it is noise */
    }
    if (maps) {
        for (const struct doc *x = old ? old->first : NULL; x; x = x->next) {
            compare_member(c, path, x->key, x, doc_get_str(new, x->key));
        }
        for (const struct doc *y = new ? new->first : NULL; y; y = y->next) {
            if (!doc_get_str(old, y->key)) {
                compare_member(c, path, y->key, NULL, y);
            }
        }
    } else if (lists) {
        uint32_t i = 0;
        for (const struct doc *x = old->first, *y = new->first; x; x = x->next, y = y->next) {
            compare(c, tbe_arena_fmt(c->a, "%.*s/%u", (int)path.n, path.p, i++), x, y);
        }
    } else if (!diff_same(old, new)) {
        add_key(c->a, c->out, path, old, new);
    }
}

/* A text as a value, so that it is shown like the others. */
static const struct doc *
text_doc(struct tbe_arena *a, struct tbe_str s)
{
    struct doc *d = s.p ? doc_new(a, DOC_STR, 0, 0) : NULL;
    if (d) {
        d->s = s;
    }
    return d;
}

static void
compare_text(struct tbe_arena *a, struct diff_keys *k, const char *key, struct tbe_str old,
             struct tbe_str new)
{
    if (!tbe_str_eq(old, new)) {
        add_key(a, k, tbe_strz(key), text_doc(a, old), text_doc(a, new));
    }
}

static void
compare_nodes(struct tbe_arena *a, const struct chain_node *old, const struct chain_node *new,
              bool layout,
              struct diff_keys *out)
{
    static const char *const own[] = { "name", "type", "configuration" };
    struct compare c = { a, out, true, layout };
    compare_text(a, out, "name", old->name, new->name);
    compare_text(a, out, "type", old->type, new->type);
    c.frame = false;
    compare(&c, TBE_STR("configuration"), old->config, new->config);
    c.frame = true;
    /* A node made of an old-style connection to a chain has nothing else. */
    if (doc_get(old->doc, "targetRuleChainId") || doc_get(new->doc, "targetRuleChainId")) {
        return;
    }
    for (int pass = 0; pass < 2; pass++) {
        const struct doc *mine = pass ? new->doc : old->doc, *other = pass ? old->doc : new->doc;
        for (const struct doc *x = mine->t == DOC_MAP ? mine->first : NULL; x; x = x->next) {
            const struct doc *y = doc_get_str(other, x->key);
            bool known = tbe_str_eqz(x->key, own[0]) || tbe_str_eqz(x->key,
                                                                    own[1]) || tbe_str_eqz(x->key, own[2]);
            if (!known && (!pass || !y)) {
                compare_member(&c, TBE_STR(""), x->key, pass ? y : x, pass ? x : y);
            }
        }
    }
}

static struct tbe_str
first_name(const struct chain *c)
{
    return c->first >= 0 && (uint32_t)c->first < c->n_nodes ? c->nodes[c->first].name : TBE_STR_NONE;
}

static void
compare_heads(struct tbe_arena *a, struct diff_chain *d, const int32_t *to, bool layout)
{
    const struct chain *old = d->old, *new = d->new;
    struct compare c = { a, &d->keys, true, layout };
    compare_text(a, &d->keys, "name", old->name, new->name);
    int32_t first = old->first >= 0 ? to[old->first] : -1;
    if (first != new->first || (old->first < 0) != (new->first < 0)) {
        compare_text(a, &d->keys, "first node", first_name(old), first_name(new));
    }
    const struct doc *x = old->doc, *y = new->doc;
    bool heads = x != y && !doc_get(x, "nodes") && !doc_get(y, "nodes");
    for (int pass = 0; heads && pass < 2; pass++) {
        const struct doc *mine = pass ? y : x, *other = pass ? x : y;
        for (const struct doc *m = mine->t == DOC_MAP ? mine->first : NULL; m; m = m->next) {
            const struct doc *o = doc_get_str(other, m->key);
            if (!tbe_str_eqz(m->key, "name") && (!pass || !o)) {
                compare_member(&c, TBE_STR(""), m->key, pass ? o : m, pass ? m : o);
            }
        }
    }
}

/* ---- relations ------------------------------------------------------------------------------- */

struct link {
    uint32_t from, to; /* nodes of new; those of old without a partner behind them */
    const struct chain_edge *e;
};

static int
by_link(const void *x, const void *y)
{
    const struct link *a = x, *b = y;
    if (a->from != b->from || a->to != b->to) {
        return a->from != b->from ? (a->from < b->from ? -1 : 1) : a->to < b->to ? -1 : 1;
    }
    size_t n = a->e->type.n < b->e->type.n ? a->e->type.n : b->e->type.n;
    int c = memcmp(a->e->type.p, b->e->type.p, n);
    return c ? c : a->e->type.n < b->e->type.n ? -1 : a->e->type.n > b->e->type.n;
}

static struct link *
links(struct tbe_arena *a, const struct chain *c, const int32_t *to, uint32_t beyond)
{
    struct link *v = tbe_arena_alloc(a, (c->n_edges + 1) * sizeof *v);
    for (uint32_t i = 0; i < c->n_edges; i++) {
        const struct chain_edge *e = &c->edges[i];
        v[i] = (struct link){ e->from, e->to, e };
        if (to) {
            v[i].from = to[e->from] >= 0 ? (uint32_t)to[e->from] : beyond + e->from;
            v[i].to = to[e->to] >= 0 ? (uint32_t)to[e->to] : beyond + e->to;
        }
    }
    qsort(v, c->n_edges, sizeof *v, by_link);
    return v;
}

static void
add_edge(struct diff_chain *d, const struct chain *c, const struct chain_edge *e, bool added)
{
    d->edges[d->n_edges++] = (struct diff_edge){ &c->nodes[e->from], &c->nodes[e->to], e->type,
                                                 added };
}

static void
compare_edges(struct tbe_arena *a, struct diff_chain *d, const int32_t *to)
{
    uint32_t n = d->old->n_edges, m = d->new->n_edges, i = 0, k = 0;
    struct link *x = links(a, d->old, to, d->new->n_nodes), *y = links(a, d->new, NULL, 0);
    d->edges = tbe_arena_alloc(a, (n + m + 1) * sizeof *d->edges);
    while (i < n || k < m) {
        int c = i == n ? 1 : k == m ? -1 : by_link(&x[i], &y[k]);
        if (c < 0) {
            add_edge(d, d->old, x[i++].e, false);
        } else if (c > 0) {
            add_edge(d, d->new, y[k++].e, true);
        } else {
            /* the same one given twice is still one */
            for (i++; i < n && by_link(&x[i - 1], &x[i]) == 0; i++) {
            }
            for (k++; k < m && by_link(&y[k - 1], &y[k]) == 0; k++) {
            }
        }
    }
}

/* ---- chains ---------------------------------------------------------------------------------- */

static void
add_node(struct diff_chain *d, struct diff_node n)
{
    d->nodes[d->n_nodes++] = n;
}

/* false: there is no difference. */
static bool
compare_chains(struct tbe_arena *a, struct diff_chain *d, bool layout)
{
    const struct chain *old = d->old, *new = d->new;
    if (!old || !new) {
        return true;
    }
    int32_t *to = diff_match(a, old, new);
    bool *taken = tbe_arena_zalloc(a, new->n_nodes + 1);
    d->nodes = tbe_arena_alloc(a, (old->n_nodes + new->n_nodes + 1) * sizeof *d->nodes);
    compare_heads(a, d, to, layout);
    for (uint32_t i = 0; i < old->n_nodes; i++) {
        struct diff_node n = { .old = &old->nodes[i],
                               .new = to[i] >= 0 ? &new->nodes[to[i]] : NULL };
        if (n.new) {
            taken[to[i]] = true;
            compare_nodes(a, n.old, n.new, layout, &n.keys);
        }
        if (!n.new || n.keys.n) {
            add_node(d, n);
        }
    }
    for (uint32_t i = 0; i < new->n_nodes; i++) {
        if (!taken[i]) {
            add_node(d, (struct diff_node){ .new = &new->nodes[i] });
        }
    }
    compare_edges(a, d, to);
    return d->keys.n || d->n_nodes || d->n_edges;
}

/* Chains belong together by id, then by name; the only one of each side in any case. */
static int32_t
find_chain(const struct chain *c, const struct chains *in, const bool *taken, int pass)
{
    for (uint32_t i = 0; i < in->n; i++) {
        const struct chain *x = &in->v[i];
        bool same = pass == 0   ? c->has_id && x->has_id && tbe_str_eq(c->id, x->id)
                    : pass == 1 ? tbe_str_eq(c->name, x->name)
                                : true;
        if (!taken[i] && same) {
            return (int32_t)i;
        }
    }
    return -1;
}

struct diff *
diff_of(struct tbe_arena *a, const struct chains *old, const struct chains *new, bool layout)
{
    struct diff *d = tbe_arena_zalloc(a, sizeof *d);
    int32_t *to = tbe_arena_alloc(a, (old->n + 1) * sizeof *to);
    bool *taken = tbe_arena_zalloc(a, new->n + 1);
    d->chains = tbe_arena_zalloc(a, (old->n + new->n + 1) * sizeof *d->chains);
    for (int pass = 0; pass < (old->n == 1 && new->n == 1 ? 3 : 2); pass++) {
        for (uint32_t i = 0; i < old->n; i++) {
            to[i] = pass ? to[i] : -1;
            if (to[i] < 0 && (to[i] = find_chain(&old->v[i], new, taken, pass)) >= 0) {
                taken[to[i]] = true;
            }
        }
    }
    for (uint32_t i = 0; i < old->n; i++) {
        struct diff_chain *c = &d->chains[d->n];
        *c = (struct diff_chain){ .old = &old->v[i], .new = to[i] >= 0 ? &new->v[to[i]] : NULL };
        d->n += compare_chains(a, c, layout);
    }
    for (uint32_t i = 0; i < new->n; i++) {
        if (!taken[i]) {
            d->chains[d->n++] = (struct diff_chain){ .new = &new->v[i] };
        }
    }
    return d;
}
