/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which edges become direct calls: the only edge of its relation, leaving a synchronous node,
 * not on a cycle, and not more than IR_CALL_DEPTH calls in a row. Everything else goes through the run
 * queue (facts/rule-nodes.md 3.4). */
#include "config.h"
#include "ir/ir.h"
#include <string.h>
#include "tbe/msg.h"

static const struct {
    const char *text, *label;
} fixed[] = { { "Success", "TBE_REL_SUCCESS" }, { "Failure", "TBE_REL_FAILURE" }, { "True", "TBE_REL_TRUE" },
              { "False", "TBE_REL_FALSE" },     { "Other", "TBE_REL_OTHER" },     { "Created", "TBE_REL_CREATED" },
              { "Updated", "TBE_REL_UPDATED" }, { "Cleared", "TBE_REL_CLEARED" } };

/* Message types and the relation of each, in enum order. NA is "Other". */
static const struct {
    const char *label, *relation;
} types[] = {
    { "TBE_MT_NA", "Other" },
#define TYPE_ROW(name, rel) { "TBE_MT_" #name, rel },
    TBE_MSG_TYPES(TYPE_ROW)
#undef TYPE_ROW
};

/* Longest way to each node; UINT32_MAX for nodes on or behind a cycle. */
static uint32_t *
levels(struct tbe_arena *a, const struct ir_chain *c)
{
    uint32_t *level = tbe_arena_zalloc(a, (c->n_nodes + 1) * sizeof *level);
    uint32_t *in = tbe_arena_zalloc(a, (c->n_nodes + 1) * sizeof *in);
    uint32_t *queue = tbe_arena_alloc(a, (c->n_nodes + 1) * sizeof *queue), head = 0, tail = 0;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        for (uint32_t k = 0; k < c->nodes[i].n_edges; k++) {
            in[c->nodes[i].edges[k].to]++;
        }
    }
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        if (in[i] == 0) {
            queue[tail++] = i;
        }
    }
    while (head < tail) {
        const struct ir_node *n = &c->nodes[queue[head++]];
        uint32_t next = level[queue[head - 1]] + 1;
        for (uint32_t k = 0; k < n->n_edges; k++) {
            uint32_t to = n->edges[k].to;
            level[to] = next > level[to] ? next : level[to];
            if (--in[to] == 0) {
                queue[tail++] = to;
            }
        }
    }
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        if (in[i]) {
            level[i] = UINT32_MAX;
        }
    }
    return level;
}

static bool
only_of_relation(const struct ir_node *n, const struct ir_edge *e)
{
    uint32_t same = 0;
    for (uint32_t k = 0; k < n->n_edges; k++) {
        same += tbe_str_ieq(n->edges[k].relation, e->relation);
    }
    return same == 1;
}

static void
add_exit(struct ir_node *n, const char *label, struct ir_edge *e)
{
    e->direct = true;
    n->exits[n->n_exits++] = (struct ir_exit){ label, e->relation, e->to };
}

static void
plan_edge(struct ir_node *n, struct ir_edge *e)
{
    if (n->by_type) {
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            if (tbe_str_ieq(tbe_strz(types[i].relation), e->relation)) {
                add_exit(n, types[i].label, e);
            }
        }
        return;
    }
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (tbe_str_ieq(tbe_strz(fixed[i].text), e->relation)) {
            add_exit(n, fixed[i].label, e);
        }
    }
}

void
ir_plan(struct tbe_arena *a, struct ir_chain *c)
{
    const uint32_t *level = levels(a, c);
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        struct ir_node *n = &c->nodes[i];
        const struct node_class *cls = n->src->cls;
        if (n->src->broken.p || !cls || cls->async || level[i] == UINT32_MAX) {
            continue;
        }
        n->by_type = strcmp(cls->name, "msg_type_switch") == 0;
        /* A relation has at most as many labels as there are message types. */
        n->exits = tbe_arena_alloc(a, (n->n_edges + sizeof types / sizeof types[0]) * sizeof *n->exits);
        for (uint32_t k = 0; k < n->n_edges; k++) {
            struct ir_edge *e = &n->edges[k];
            if (level[e->to] != UINT32_MAX && level[i] / IR_CALL_DEPTH == level[e->to] / IR_CALL_DEPTH &&
                only_of_relation(n, e)) {
                plan_edge(n, e);
            }
        }
    }
}
