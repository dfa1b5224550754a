/* SPDX-License-Identifier: Apache-2.0 */
/* Drops edges that no message can take: relations the class never emits, and edges given twice (the
 * reference stores each connection once). Broken nodes and unknown classes keep theirs. */
#include "config.h"
#include "ir/ir.h"

static bool
can_emit(const struct node_class *cls, struct tbe_str relation)
{
    if (!cls || cls->custom_relations) {
        return true;
    }
    for (uint32_t i = 0; i < cls->n_relations; i++) {
        if (tbe_str_ieq(tbe_strz(cls->relations[i]), relation)) {
            return true;
        }
    }
    return false;
}

static bool
seen_before(const struct ir_edge *edges, uint32_t n, const struct ir_edge *e)
{
    for (uint32_t i = 0; i < n; i++) {
        if (edges[i].to == e->to && tbe_str_eq(edges[i].relation, e->relation)) {
            return true;
        }
    }
    return false;
}

void
ir_prune(struct tbe_arena *a, struct ir_chain *c)
{
    (void)a;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        struct ir_node *n = &c->nodes[i];
        uint32_t kept = 0;
        for (uint32_t k = 0; k < n->n_edges; k++) {
            if (can_emit(n->src->cls, n->edges[k].relation) && !seen_before(n->edges, kept, &n->edges[k])) {
                n->edges[kept++] = n->edges[k];
            }
        }
        n->n_edges = kept;
    }
}
