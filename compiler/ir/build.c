/* SPDX-License-Identifier: Apache-2.0 */
/* Checked chains become IR. */
#include "config.h"
#include "ir/ir.h"
#include "emit/ctext.h"

static void
build_edges(struct tbe_arena *a, struct ir_chain *c)
{
    const struct chain *s = c->src;
    for (uint32_t i = 0; i < s->n_edges; i++) {
        c->nodes[s->edges[i].from].n_edges++;
    }
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        c->nodes[i].edges = tbe_arena_zalloc(a, (c->nodes[i].n_edges + 1) * sizeof(struct ir_edge));
        c->nodes[i].n_edges = 0;
    }
    for (uint32_t i = 0; i < s->n_edges; i++) {
        struct ir_node *n = &c->nodes[s->edges[i].from];
        n->edges[n->n_edges++] = (struct ir_edge){ s->edges[i].type, s->edges[i].to, false };
    }
}

struct ir_program *
ir_build(struct tbe_arena *a, const struct chains *cs, const struct checked_chain *cc, int32_t root)
{
    struct ir_program *p = tbe_arena_zalloc(a, sizeof *p);
    p->root = root;
    p->n_chains = cs->n;
    p->chains = tbe_arena_zalloc(a, (cs->n + 1) * sizeof *p->chains);
    for (uint32_t i = 0; i < cs->n; i++) {
        struct ir_chain *c = &p->chains[i];
        struct tbe_str slug = ctext_slug(a, cs->v[i].name);
        c->src = &cs->v[i];
        c->index = i;
        c->root = (int32_t)i == root;
        c->symbol = tbe_arena_fmt(a, "c%u_%.*s", i, (int)slug.n, slug.p);
        c->n_nodes = c->src->n_nodes;
        c->nodes = tbe_arena_zalloc(a, (c->n_nodes + 1) * sizeof *c->nodes);
        for (uint32_t k = 0; k < c->n_nodes; k++) {
            slug = ctext_slug(a, c->src->nodes[k].name);
            c->nodes[k].src = &cc[i].nodes[k];
            c->nodes[k].fn = tbe_arena_fmt(a, "n%u_%.*s", k, (int)slug.n, slug.p);
        }
        build_edges(a, c);
    }
    return p;
}

void
ir_optimise(struct tbe_arena *a, struct ir_program *p)
{
    for (uint32_t i = 0; i < p->n_chains; i++) {
        ir_prune(a, &p->chains[i]);
        ir_plan(a, &p->chains[i]);
    }
}
