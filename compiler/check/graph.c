/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a chain's connections: relations, cycles, what no message reaches, failures that lead nowhere; and of
 * the names of its nodes, once these are checked. */
#include "config.h"
#include "check/check.h"
#include <string.h>

static void
check_relation(struct diags *ds, const struct chain *c, const struct chain_edge *e)
{
    const struct chain_node *n = &c->nodes[e->from];
    const struct node_class *cls = node_class_find(n->type), *to = node_class_find(c->nodes[e->to].type);
    if (to && !to->in) {
        diag_add(ds, C2212, doc_pos(c->file, e->doc), "node %u \"%.*s\" (%s) takes no messages", e->to,
                 (int)c->nodes[e->to].name.n, c->nodes[e->to].name.p, to->title);
    }
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
            diag_hint(ds, "Write \"%s\".", cls->relations[i]);
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
static uint32_t
find_cycles(struct tbe_arena *a, struct diags *ds, const struct chain *c, const struct out *o)
{
    uint32_t found = 0;
    uint8_t *state = tbe_arena_zalloc(a, c->n_nodes + 1);
    uint32_t *stack = tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof *stack);
    uint32_t *at = tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof *at); /* next edge to follow */
    for (uint32_t i = 0; i <= c->n_nodes; i++) { /* from the first node on, so that what leads back is told */
        uint32_t depth = 0, s = i == 0 ? (uint32_t)c->first : i - 1;
        if (s >= c->n_nodes || state[s]) {
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
                found++;
                diag_at(ds, c->name, c->nodes[n].name, n);
                diag_add(ds, C2206, doc_pos(c->file, c->edges[e].doc),
                         "connection %u -> %u closes a cycle. Can't create circling relations in rule chain.", n, to);
            } else if (state[to] == 0) {
                state[to] = 1;
                at[to] = o->head[to];
                stack[depth++] = to;
            }
        }
    }
    return found;
}

static void
find_unreached(struct tbe_arena *a, struct diags *ds, const struct chain *c, const struct out *o)
{
    uint8_t *seen = tbe_arena_zalloc(a, c->n_nodes + 1);
    uint32_t *stack = tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof *stack), depth = 0, unseen = 0;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        if ((int64_t)i == c->first || node_is_source(c->nodes[i].type)) {
            seen[i] = 1;
            stack[depth++] = i;
        }
    }
    if (depth == 0) {
        return; /* no first node: reported already */
    }
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
        unseen += !seen[i];
    }
    const struct doc *meta = c->nodes_doc->up, *at = doc_get(meta, c->first < 0 ? "firstNodeIndex" : "connections");
    diag_at(ds, c->name, TBE_STR_NONE, -1);
    if (unseen && c->first < 0 && !at) { /* null is meant: a chain of sources */
        diag_add(ds, C2105, doc_pos(c->file, meta), "the chain has no first node: no message reaches %u of its "
                 "nodes", unseen);
        return;
    }
    if (unseen > 1 && c->n_edges == 0) {
        diag_add(ds, C2207, doc_pos(c->file, at ? at : meta), "the chain has no connections: no message reaches %u of its "
                 "nodes", unseen);
        return;
    }
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        if (!seen[i]) {
            diag_at(ds, c->name, c->nodes[i].name, i);
            diag_add(ds, C2207, doc_pos(c->file, c->nodes[i].doc), "no message reaches node %u \"%.*s\"", i,
                     (int)c->nodes[i].name.n, c->nodes[i].name.p);
        }
    }
}

/* Can the node leave by Failure, and does it lead on otherwise without that being connected? */
static bool
loses_failures(const struct chain *c, const struct out *o, uint32_t n)
{
    const struct node_class *cls = node_class_find(c->nodes[n].type);
    bool can = false, failure = false;
    for (uint32_t i = 0; cls && i < cls->n_relations; i++) {
        can |= strcmp(cls->relations[i], "Failure") == 0;
    }
    for (uint32_t e = o->head[n]; e != UINT32_MAX; e = o->next[e]) {
        failure |= tbe_str_ieq(c->edges[e].type, TBE_STR("Failure"));
    }
    return can && !failure && o->head[n] != UINT32_MAX;
}

static void
find_failures(struct diags *ds, const struct chain *c, const struct out *o)
{
    bool some = false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_edges; i++) {
        some |= tbe_str_ieq(c->edges[i].type, TBE_STR("Failure"));
    }
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        if (!loses_failures(c, o, i)) {
            continue;
        }
        n++;
        if (some) {
            diag_at(ds, c->name, c->nodes[i].name, i);
            diag_add(ds, C2213, doc_pos(c->file, c->nodes[i].doc), "node %u \"%.*s\": Failure is not connected", i,
                     (int)c->nodes[i].name.n, c->nodes[i].name.p);
        }
    }
    if (n && !some && (c->first >= 0 || doc_get(c->nodes_doc->up, "firstNodeIndex"))) {
        const struct chain_node *first = &c->nodes[c->first >= 0 ? c->first : 0];
        diag_at(ds, c->name, first->name, first->index);
        diag_add(ds, C2213, doc_pos(c->file, first->doc), "no node of this chain has Failure connected (%u can fail and "
                 "lead on otherwise)", n);
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
                    diag_at(ds, c->name, c->nodes[n].name, n);
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
    uint32_t circles = 0;
    for (uint32_t i = 0; i < c->n_edges; i++) {
        const struct chain_edge *e = &c->edges[i];
        circles += e->from == e->to;
        diag_at(ds, c->name, c->nodes[e->from].name, e->from);
        if (e->from == e->to) {
            diag_add(ds, C2205, doc_pos(c->file, e->doc), "connection %u -> %u: Can't create the relation to yourself.",
                     e->from, e->to);
        }
        check_relation(ds, c, e);
    }
    circles += find_cycles(a, ds, c, &o);
    find_doubles(ds, c, &o);
    if (!c->damaged) { /* else it may be right but for what is told already */
        find_unreached(a, ds, c, &o);
    }
    if (!c->damaged && circles == 0) {
        find_failures(ds, c, &o);
    }
}

/* Two nodes that do the same may have the same name: it does not matter which is meant. Of a node that something is
 * wrong with this is not known. */
static bool
does_same(const struct checked_node *x, const struct checked_node *y)
{
    if (x->told || y->told || !x->cls || !y->cls) {
        return true;
    }
    return x->cls == y->cls && (!x->config || !y->config || doc_same(x->config, y->config));
}

/* Index of a node by hash of its name, to find doubles in one pass. */
void
check_node_names(struct tbe_arena *a, struct diags *ds, const struct checked_chain *cc)
{
    const struct chain *c = cc->src;
    uint32_t size = 16;
    while (size < c->n_nodes * 2) {
        size *= 2;
    }
    uint32_t *slot = tbe_arena_alloc(a, size * sizeof *slot);
    memset(slot, 0xff, size * sizeof *slot);
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        struct tbe_str name = c->nodes[i].name;
        const struct node_class *cls = node_class_find(c->nodes[i].type);
        uint32_t h = 2166136261u;
        for (size_t k = 0; k < name.n; k++) {
            h = (h ^ (unsigned char)name.p[k]) * 16777619u;
        }
        h &= size - 1;
        while (slot[h] != UINT32_MAX && !tbe_str_eq(c->nodes[slot[h]].name, name)) {
            h = (h + 1) & (size - 1);
        }
        if (slot[h] == UINT32_MAX) {
            slot[h] = i;
        } else if (doc_get(c->nodes[i].doc, "name") && name.n && !(cls && !cls->out) && !does_same(&cc->nodes[slot[h]], &cc->nodes[i])) {
            const struct doc *at = doc_get(c->nodes[i].doc, "name");
            diag_at(ds, c->name, name, i);
            diag_add(ds, C2214, doc_pos(c->file, at ? at : c->nodes[i].doc), "nodes %u and %u are both named \"%.*s\"",
                     slot[h], i, (int)name.n, name.p);
        }
    }
}
