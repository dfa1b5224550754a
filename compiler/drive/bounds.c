/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of a chain: sums and longest ways over its nodes in topological order. A node takes one of its
 * relations for a message, all targets of it at once; a script switch may take all of them. */
#include "config.h"
#include "drive/bounds.h"
#include <inttypes.h>
#include <string.h>
#include "tbe/script.h"

struct node_bounds {
    uint64_t longest, in_a_row, runs, script_runs, fuel, kept; /* kept: bytes of script results in the message */
};

/* Classes that make several messages of one, as many as the message says. */
static const char *const multipliers[] = { "split_array", "duplicate_to_group",
                                           "duplicate_to_related", "duplicate_to_group_by_name" };

/* Classes that hold messages back, and the key of their limit. */
static const struct {
    const char *name, *key;
    bool per_originator;
} parking[] = { { "delay", "maxPendingMsgs", false }, { "deduplication", "maxPendingMsgs", true },
                { "rpc_request", NULL, false } };

static uint64_t
add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? BOUNDS_NONE : a + b;
}

static uint64_t
most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool
is_class(const struct ir_node *n, const char *name)
{
    return n->src->cls && strcmp(n->src->cls->name, name) == 0;
}

static bool
runs(const struct ir_node *n)
{
    return n->src->cls && !n->src->broken.p;
}

static bool
has_script(const struct ir_node *n)
{
    return runs(n) && n->src->script.text.p && n->src->script.c.p;
}

/* Can the script take turns? Only loops and calls burn fuel, and the C says where. */
static bool
can_burn(const struct ir_node *n)
{
    struct tbe_str c = n->src->script.c;
    return memmem(c.p, c.n, "tbe_burn(", 9) || memmem(c.p, c.n, "tbe_closure(", 12) || memmem(c.p, c.n, "tbe_direct(", 11) || memmem(c.p, c.n, "tbe_call", 8);
}

/* Does its result take the place of the message? */
static bool
keeps_result(const struct ir_node *n)
{
    return strcmp(n->src->cls->component, "TRANSFORMATION") == 0;
}

/* ---- over the graph -------------------------------------------------------------------------- */

/* Nodes reachable from the first one in topological order; those on or behind a cycle are left out. */
static uint32_t *
ordered(struct tbe_arena *a, const struct ir_chain *c, struct bounds *b, uint32_t *n)
{
    uint32_t *order = tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof *order), head = 0, tail = 0;
    uint32_t *in = tbe_arena_zalloc(a, (c->n_nodes + 1) * sizeof *in);
    bool *seen = tbe_arena_zalloc(a, c->n_nodes + 1);
    *n = 0;
    if (c->src->first < 0) {
        return order;
    }
    order[tail++] = (uint32_t)c->src->first;
    seen[c->src->first] = true;
    while (head < tail) { /* what can be reached, and how often it is led to */
        const struct ir_node *v = &c->nodes[order[head++]];
        for (uint32_t k = 0; k < v->n_edges; k++) {
            uint32_t to = v->edges[k].to;
            in[to]++;
            if (!seen[to]) {
                seen[to] = true;
                order[tail++] = to;
            }
        }
    }
    b->reachable = tail;
    head = tail = 0;
    if (in[c->src->first] == 0) {
        order[tail++] = (uint32_t)c->src->first;
    }
    while (head < tail) {
        const struct ir_node *v = &c->nodes[order[head++]];
        for (uint32_t k = 0; k < v->n_edges; k++) {
            if (--in[v->edges[k].to] == 0) {
                order[tail++] = v->edges[k].to;
            }
        }
    }
    for (uint32_t i = 0; tail < b->reachable && i < c->n_nodes && !b->cycle; i++) {
        b->cycle = seen[i] && in[i] ? &c->nodes[i] : NULL;
    }
    *n = tail;
    return order;
}

/* What a node adds to what its targets cost. */
static void
own(const struct ir_node *n, struct node_bounds *v)
{
    v->longest = add(v->longest, 1);
    v->in_a_row = add(v->in_a_row, 1);
    v->runs = add(v->runs, 1);
    if (has_script(n)) {
        v->script_runs = add(v->script_runs, 1);
        v->fuel = add(v->fuel, can_burn(n) ? TBE_SCRIPT_FUEL : 0);
        v->kept = add(v->kept, keeps_result(n) ? TBE_SCRIPT_ARENA : 0);
    }
}

static void
sum(struct node_bounds *to, const struct node_bounds *v)
{
    to->runs = add(to->runs, v->runs);
    to->script_runs = add(to->script_runs, v->script_runs);
    to->fuel = add(to->fuel, v->fuel);
}

/* Targets of one relation run all; of several relations one is taken, but by a switch. */
static void
node_bounds(const struct ir_node *n, struct node_bounds *all, uint32_t self)
{
    struct node_bounds v = { 0 };
    bool every = is_class(n, "script_switch");
    for (uint32_t i = 0; i < n->n_edges; i++) {
        const struct node_bounds *t = &all[n->edges[i].to];
        struct node_bounds group = { 0 };
        bool first = true;
        v.longest = most(v.longest, t->longest);
        v.kept = most(v.kept, t->kept);
        v.in_a_row = n->edges[i].direct ? most(v.in_a_row, t->in_a_row) : v.in_a_row;
        for (uint32_t k = 0; k < n->n_edges; k++) {
            bool same = every || tbe_str_ieq(n->edges[k].relation, n->edges[i].relation);
            first &= !same || k >= i;
            if (same) {
                sum(&group, &all[n->edges[k].to]);
            }
        }
        if (first) {
            v.runs = most(v.runs, group.runs);
            v.script_runs = most(v.script_runs, group.script_runs);
            v.fuel = most(v.fuel, group.fuel);
        }
        if (every) { /* one group is all of them: the rest are paths */
            for (uint32_t k = i + 1; k < n->n_edges; k++) {
                t = &all[n->edges[k].to];
                v.longest = most(v.longest, t->longest);
                v.kept = most(v.kept, t->kept);
                v.in_a_row = n->edges[k].direct ? most(v.in_a_row, t->in_a_row) : v.in_a_row;
            }
            break;
        }
    }
    own(n, &v);
    all[self] = v;
}

static void
parks(struct tbe_arena *a, struct bounds *b, const struct ir_node *n)
{
    for (size_t i = 0; i < sizeof parking / sizeof parking[0]; i++) {
        if (!runs(n) || !is_class(n, parking[i].name)) {
            continue;
        }
        const struct doc *max = parking[i].key ? doc_get(n->src->config, parking[i].key) : NULL;
        uint64_t limit = max && max->t == DOC_INT && max->i >= 0 ? (uint64_t)max->i : BOUNDS_NONE;
        b->parks = b->parks ? b->parks : tbe_arena_alloc(a,
                                                         (b->chain->n_nodes + 1) * sizeof *b->parks);
        b->parks[b->n_parks++] = (struct bounds_park){ n, limit, parking[i].per_originator };
    }
}

static void
look(struct tbe_arena *a, struct bounds *b, const struct ir_node *n)
{
    b->calls += is_class(n, "rule_chain");
    b->scripts += has_script(n);
    b->loops += has_script(n) && can_burn(n);
    for (size_t i = 0; i < sizeof multipliers / sizeof multipliers[0]; i++) {
        b->multiplies = !b->multiplies && is_class(n, multipliers[i]) ? n : b->multiplies;
    }
    parks(a, b, n);
}

void
bounds_of(struct tbe_arena *a, const struct ir_chain *c, struct bounds *b)
{
    struct node_bounds *all = tbe_arena_zalloc(a, (c->n_nodes + 1) * sizeof *all);
    uint32_t n;
    *b = (struct bounds){ .chain = c, .nodes = c->n_nodes };
    uint32_t *order = ordered(a, c, b, &n);
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        b->relations += c->nodes[i].n_edges;
    }
    for (uint32_t i = n; i > 0; i--) {
        node_bounds(&c->nodes[order[i - 1]], all, order[i - 1]);
        b->in_a_row = most(b->in_a_row, all[order[i - 1]].in_a_row);
    }
    for (uint32_t i = 0; i < n; i++) {
        look(a, b, &c->nodes[order[i]]);
    }
    for (uint32_t i = 0; b->cycle && i < c->n_nodes; i++) { /* with a cycle: those not in order as well */
        bool done = false;
        for (uint32_t k = 0; k < n; k++) {
            done |= order[k] == i;
        }
        if (!done) {
            look(a, b, &c->nodes[i]);
        }
    }
    struct node_bounds first = c->src->first >= 0 ? all[c->src->first] : (struct node_bounds){ 0 };
    bool endless = b->cycle, many = endless || b->multiplies;
    b->longest = endless ? BOUNDS_NONE : first.longest;
    b->runs = many ? BOUNDS_NONE : first.runs;
    b->script_runs = many && b->scripts ? BOUNDS_NONE : first.script_runs;
    b->fuel = many && b->loops ? BOUNDS_NONE : b->loops ? first.fuel : 0;
    b->arena = endless && b->scripts ? BOUNDS_NONE : add(first.kept,
                                                         b->scripts ? TBE_SCRIPT_ARENA : 0);
}

/* ---- showing --------------------------------------------------------------------------------- */

static void
put_bound(struct tbe_buf *b, uint64_t v, bool json)
{
    if (v == BOUNDS_NONE) {
        tbe_buf_putz(b, json ? "null" : "no bound");
    } else {
        tbe_buf_fmt(b, "%" PRIu64, v);
    }
}

static void
row(struct tbe_buf *b, const char *what, uint64_t v, const char *unit)
{
    tbe_buf_fmt(b, "  %-16s", what);
    put_bound(b, v, false);
    tbe_buf_fmt(b, "%s\n", v == BOUNDS_NONE ? "" : unit);
}

/* Names are not ours: what could steer a terminal is not shown. */
static void
put_name(struct tbe_buf *b, struct tbe_str s)
{
    tbe_buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        tbe_buf_putc(b, (char)(c < 32 || c == 127 ? '?' : c));
    }
    tbe_buf_putc(b, '"');
}

void
bounds_text(struct tbe_buf *b, const struct bounds *x)
{
    put_name(b, x->chain->src->name);
    tbe_buf_fmt(b, " (%s)\n  nodes           %u, %u of them reachable\n", x->chain->src->file,
                x->nodes, x->reachable);
    tbe_buf_fmt(b, "  relations       %u\n", x->relations);
    row(b, "longest path", x->longest, x->longest == 1 ? " node" : " nodes");
    row(b, "calls in a row", x->in_a_row, "");
    row(b, "node runs", x->runs, " a message at most");
    tbe_buf_fmt(b, "  scripts         %u, %u of them with loops or calls\n", x->scripts, x->loops);
    row(b, "script runs", x->script_runs, " a message at most");
    row(b, "fuel", x->fuel, " turns a message at most");
    row(b, "arena", x->arena, " bytes a message at most");
    tbe_buf_fmt(b, "  other chains    %u called\n", x->calls);
    for (uint32_t i = 0; i < x->n_parks; i++) {
        tbe_buf_putz(b, "  parked          ");
        put_bound(b, x->parks[i].limit, false);
        tbe_buf_putz(b,
                     x->parks[i].limit == BOUNDS_NONE ? ", in " : x->parks[i].per_originator ? " of an originator, in " : " messages, in ");
        put_name(b, x->parks[i].node->src->src->name);
        tbe_buf_putc(b, '\n');
    }
    if (x->cycle) {
        tbe_buf_putz(b, "  no bound: a cycle leads through or to ");
        put_name(b, x->cycle->src->src->name);
        tbe_buf_putc(b, '\n');
    }
    if (x->multiplies) {
        tbe_buf_putz(b, "  no bound: as many messages as one says are made by ");
        put_name(b, x->multiplies->src->src->name);
        tbe_buf_putc(b, '\n');
    }
}

static void
json_number(struct tbe_buf *b, const char *key, uint64_t v)
{
    tbe_buf_fmt(b, ",\"%s\":", key);
    put_bound(b, v, true);
}

static void
json_text(struct tbe_buf *b, const char *key, struct tbe_str s)
{
    struct doc d = { .t = DOC_STR, .s = s };
    tbe_buf_fmt(b, "\"%s\":", key);
    doc_json(b, &d);
}

void
bounds_json(struct tbe_buf *b, const struct bounds *x)
{
    tbe_buf_putc(b, '{');
    json_text(b, "chain", x->chain->src->name);
    tbe_buf_putc(b, ',');
    json_text(b, "file", tbe_strz(x->chain->src->file));
    json_number(b, "nodes", x->nodes);
    json_number(b, "reachable", x->reachable);
    json_number(b, "relations", x->relations);
    json_number(b, "longestPath", x->longest);
    json_number(b, "callsInARow", x->in_a_row);
    json_number(b, "nodeRuns", x->runs);
    json_number(b, "scripts", x->scripts);
    json_number(b, "scriptsWithLoops", x->loops);
    json_number(b, "scriptRuns", x->script_runs);
    json_number(b, "fuel", x->fuel);
    json_number(b, "arenaBytes", x->arena);
    json_number(b, "chainsCalled", x->calls);
    tbe_buf_putz(b, ",\"parked\":[");
    for (uint32_t i = 0; i < x->n_parks; i++) {
        tbe_buf_putz(b, i ? ",{" : "{");
        json_text(b, "node", x->parks[i].node->src->src->name);
        json_number(b, "limit", x->parks[i].limit);
        tbe_buf_fmt(b, ",\"perOriginator\":%s}", x->parks[i].per_originator ? "true" : "false");
    }
    tbe_buf_putc(b, ']');
    if (x->cycle) {
        tbe_buf_putc(b, ',');
        json_text(b, "cycle", x->cycle->src->src->name);
    }
    if (x->multiplies) {
        tbe_buf_putc(b, ',');
        json_text(b, "multiplies", x->multiplies->src->src->name);
    }
    tbe_buf_putc(b, '}');
}
