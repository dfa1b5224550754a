/* SPDX-License-Identifier: Apache-2.0 */
/* The IR as text, for people. */
#include "config.h"
#include "ir/ir.h"
#include "emit/ctext.h"

static void
dump_node(struct tbe_buf *b, const struct ir_node *n)
{
    const struct checked_node *s = n->src;
    tbe_buf_fmt(b, "  %.*s ", (int)n->fn.n, n->fn.p);
    ctext_string(b, s->src->name);
    tbe_buf_fmt(b, " %s", s->cls ? s->cls->name : "?");
    if (s->cls && s->cls->async) {
        tbe_buf_putz(b, " async");
    }
    if (s->broken.p) {
        tbe_buf_putz(b, " broken ");
        ctext_string(b, s->broken);
    }
    tbe_buf_putc(b, '\n');
    if (s->upgraded) {
        tbe_buf_putz(b, "    configuration ");
        doc_json(b, s->upgraded);
        tbe_buf_putc(b, '\n');
    }
    for (uint32_t i = 0; i < n->n_edges; i++) {
        tbe_buf_putz(b, "    ");
        ctext_string(b, n->edges[i].relation);
        tbe_buf_fmt(b, " %s n%u\n", n->edges[i].direct ? "calls" : "->", n->edges[i].to);
    }
}

void
ir_dump(struct tbe_buf *b, const struct ir_program *p)
{
    for (uint32_t i = 0; i < p->n_chains; i++) {
        const struct ir_chain *c = &p->chains[i];
        tbe_buf_fmt(b, "chain %.*s ", (int)c->symbol.n, c->symbol.p);
        ctext_string(b, c->src->name);
        tbe_buf_fmt(b, " id %.*s first %d%s\n", (int)c->src->id.n, c->src->id.p, c->src->first, c->root ? " root" : "");
        for (uint32_t k = 0; k < c->n_nodes; k++) {
            dump_node(b, &c->nodes[k]);
        }
    }
}
