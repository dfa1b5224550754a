/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a chain's connections: relations, cycles, what no message reaches. */
#include "config.h"
#include "check/check.h"
#include <string.h>

static void
check_relation(struct diags *ds, const struct chain *c, const struct chain_edge *e)
{
    const struct chain_node *n = &c->nodes[e->from];
    const struct node_class *cls = node_class_find(n->type);
    if (!cls) {
        return;
    }
    if (!cls->out) {
        diag_add(ds, C2209, doc_pos(c->file, e->doc), "node %u \"%.*s\" is of a kind that has no outgoing connections",
                 n->index, (int)n->name.n, n->name.p);
        return;
    }
    for (uint32_t i = 0; i < cls->n_relations; i++) {
        struct tbe_str rel = tbe_strz(cls->relations[i]);
        if (tbe_str_eq(rel, e->type)) {
            return;
        }
        if (tbe_str_ieq(rel, e->type)) {
            diag_add(ds, C2204, doc_pos(c->file, e->type_doc), "relation \"%.*s\" is spelled \"%s\" by node %u \"%.*s\"",
                     (int)e->type.n, e->type.p, cls->relations[i], n->index, (int)n->name.n, n->name.p);
            return;
        }
    }
    if (!cls->custom_relations) {
        diag_add(ds, C2203, doc_pos(c->file, e->type_doc),
                 "node %u \"%.*s\" (%s) never emits \"%.*s\": nothing passes this connection", n->index,
                 (int)n->name.n, n->name.p, cls->title, (int)e->type.n, e->type.p);
    }
}

/* Outgoing edges of each node, as lists of edge indexes: head[node], next[edge]; UINT32_MAX ends. */
struct out {
    uint32_t *head, *next;
};

static struct out
outgoing(struct tbe_arena *a, const struct chain *c)
{
    struct out o = { tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof(uint32_t)),
                     tbe_arena_alloc(a, (c->n_edges + 1) * sizeof(uint32_t)) };
    memset(o.head, 0xff, (c->n_nodes + 1) * sizeof(uint32_t));
    for (uint32_t i = c->n_edges; i-- > 0;) {
        o.next[i] = o.head[c->edges[i].from];
        o.head[c->edges[i].from] = i;
    }
    return o;
}

/* Depth first without recursion: 1 = on the path, 2 = done. Reports each edge that closes a cycle. */
static void
find_cycles(struct tbe_arena *a, struct diags *ds, const struct chain *c, const struct out *o)
{
    uint8_t *state = tbe_arena_zalloc(a, c->n_nodes + 1);
    uint32_t *stack = tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof *stack);
    uint32_t *at = tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof *at); /* next edge to follow */
    for (uint32_t s = 0; s < c->n_nodes; s++) {
        uint32_t depth = 0;
        if (state[s]) {
            continue;
        }
        stack[depth++] = s;
        state[s] = 1;
        at[s] = o->head[s];
        while (depth) {
            uint32_t n = stack[depth - 1], e = at[n];
            if (e == UINT32_MAX) {
                state[n] = 2;
                depth--;
                continue;
            }
            at[n] = o->next[e];
            uint32_t to = c->edges[e].to;
            if (state[to] == 1 && to != n) {
                diag_add(ds, C2206, doc_pos(c->file, c->edges[e].doc),
                         "connection %u -> %u closes a cycle. Can't create circling relations in rule chain.", n, to);
            } else if (state[to] == 0) {
                state[to] = 1;
                at[to] = o->head[to];
                stack[depth++] = to;
            }
        }
    }
}

static void
find_unreached(struct tbe_arena *a, struct diags *ds, const struct chain *c, const struct out *o)
{
    uint8_t *seen = tbe_arena_zalloc(a, c->n_nodes + 1);
    uint32_t *stack = tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof *stack), depth = 0;
    if (c->first < 0) {
        return;
    }
    seen[c->first] = 1;
    stack[depth++] = (uint32_t)c->first;
    while (depth) {
        uint32_t n = stack[--depth];
        for (uint32_t e = o->head[n]; e != UINT32_MAX; e = o->next[e]) {
            if (!seen[c->edges[e].to]) {
                seen[c->edges[e].to] = 1;
                stack[depth++] = c->edges[e].to;
            }
        }
    }
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        struct tbe_str t = c->nodes[i].type;
        bool source = t.n > 19 && memcmp(t.p + t.n - 18, "TbMsgGeneratorNode", 18) == 0;
        if (!seen[i] && !source) {
            diag_add(ds, C2207, doc_pos(c->file, c->nodes[i].doc), "no message reaches node %u \"%.*s\"", i,
                     (int)c->nodes[i].name.n, c->nodes[i].name.p);
        }
    }
}

static void
find_doubles(struct diags *ds, const struct chain *c, const struct out *o)
{
    for (uint32_t n = 0; n < c->n_nodes; n++) {
        uint32_t tries = 0;
        for (uint32_t e = o->head[n]; e != UINT32_MAX; e = o->next[e]) {
            for (uint32_t f = o->next[e]; f != UINT32_MAX && tries < 100000; f = o->next[f], tries++) {
                const struct chain_edge *x = &c->edges[e], *y = &c->edges[f];
                if (x->to == y->to && tbe_str_eq(x->type, y->type)) {
                    diag_add(ds, C2208, doc_pos(c->file, y->doc), "connection %u -> %u \"%.*s\" is given twice", n,
                             y->to, (int)y->type.n, y->type.p);
                }
            }
        }
    }
}

void
check_graph(struct tbe_arena *a, struct diags *ds, const struct chain *c)
{
    struct out o = outgoing(a, c);
    for (uint32_t i = 0; i < c->n_edges; i++) {
        const struct chain_edge *e = &c->edges[i];
        if (e->from == e->to) {
            diag_add(ds, C2205, doc_pos(c->file, e->doc), "connection %u -> %u: Can't create the relation to yourself.",
                     e->from, e->to);
        }
        check_relation(ds, c, e);
    }
    find_cycles(a, ds, c, &o);
    find_unreached(a, ds, c, &o);
    find_doubles(ds, c, &o);
}
