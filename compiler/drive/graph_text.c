/* SPDX-License-Identifier: Apache-2.0 */
/* Chains as text for other tools: Graphviz and Mermaid. */
#include "config.h"
#include "drive/graph.h"

static void
dot_text(struct tbe_buf *b, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            tbe_buf_putc(b, '\\');
        }
        tbe_buf_putc(b, (char)(c < 32 || c == 127 ? ' ' : c));
    }
}

static void
dot_nodes(struct tbe_buf *b, const struct graph *g, uint32_t chain, bool given)
{
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct graph_node *n = &g->nodes[i];
        const struct graph_style *s = &graph_styles[n->kind];
        tbe_buf_fmt(b, "    c%un%u [label=\"", chain, i);
        dot_text(b, n->name);
        if (n->type.n) {
            tbe_buf_putz(b, "\\n");
            dot_text(b, n->type);
        }
        tbe_buf_fmt(b, "\", fillcolor=\"%s\", color=\"%s\"", s->fill, s->line);
        if (given) { /* in points, upwards */
            tbe_buf_fmt(b, ", pos=\"%.0f,%.0f!\"", n->x + n->w / 2, -(n->y + n->h / 2));
        }
        tbe_buf_putz(b, "];\n");
    }
}

void
graph_dot(struct tbe_buf *b, struct tbe_arena *a, struct graph *const *g, uint32_t n, bool given)
{
    (void)a;
    tbe_buf_putz(b, "digraph chains {\n"
                    "    rankdir=LR;\n"
                    "    node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];\n"
                    "    edge [fontname=\"Helvetica\", fontsize=9, color=\"#555555\"];\n");
    for (uint32_t k = 0; k < n; k++) {
        tbe_buf_fmt(b, "    subgraph cluster_%u {\n    label=\"", k);
        dot_text(b, g[k]->title);
        tbe_buf_putz(b, "\"; fontname=\"Helvetica\"; color=\"#cccccc\";\n");
        dot_nodes(b, g[k], k, given);
        for (uint32_t i = 0; i < g[k]->n_edges; i++) {
            const struct graph_edge *e = &g[k]->edges[i];
            tbe_buf_fmt(b, "    c%un%u -> c%un%u", k, e->from, k, e->to);
            for (uint32_t r = 0; r < e->n_relations; r++) {
                tbe_buf_putz(b, r ? "\\n" : " [label=\"");
                dot_text(b, e->relations[r]);
            }
            tbe_buf_putz(b, e->n_relations ? "\"];\n" : ";\n");
        }
        tbe_buf_putz(b, "    }\n");
    }
    tbe_buf_putz(b, "}\n");
}

/* Quotes, brackets and what starts an entity are written as Mermaid's entities: #34; */
static void
mermaid_text(struct tbe_buf *b, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (c < 32 || c == 127) {
            tbe_buf_putc(b, ' ');
        } else if (c >= 128 || plain || (c >= '0' && c <= '9') || c == ' ' || c == '.' || c == ',' || c == '-' ||
                   c == '_' || c == ':' || c == '/') {
            tbe_buf_putc(b, (char)c);
        } else {
            tbe_buf_fmt(b, "#%u;", c);
        }
    }
}

void
graph_mermaid(struct tbe_buf *b, struct tbe_arena *a, struct graph *const *g, uint32_t n)
{
    (void)a;
    tbe_buf_putz(b, "flowchart LR\n");
    for (int i = 0; i < GRAPH_N_KINDS; i++) {
        tbe_buf_fmt(b, "    classDef %s fill:%s,stroke:%s,color:#222\n", graph_styles[i].name,
                    graph_styles[i].fill,
                    graph_styles[i].line);
    }
    for (uint32_t k = 0; k < n; k++) {
        tbe_buf_fmt(b, "    subgraph c%u[\"", k);
        mermaid_text(b, g[k]->title);
        tbe_buf_putz(b, "\"]\n");
        for (uint32_t i = 0; i < g[k]->n_nodes; i++) {
            const struct graph_node *v = &g[k]->nodes[i];
            tbe_buf_fmt(b, "        c%un%u%s\"", k, i, v->kind == GRAPH_INPUT ? "([" : "[");
            mermaid_text(b, v->name);
            if (v->type.n) {
                tbe_buf_putz(b, "<br/><small>");
                mermaid_text(b, v->type);
                tbe_buf_putz(b, "</small>");
            }
            tbe_buf_fmt(b, "\"%s:::%s\n", v->kind == GRAPH_INPUT ? "])" : "]",
                        graph_styles[v->kind].name);
        }
        for (uint32_t i = 0; i < g[k]->n_edges; i++) {
            const struct graph_edge *e = &g[k]->edges[i];
            tbe_buf_fmt(b, "        c%un%u -->", k, e->from);
            for (uint32_t r = 0; r < e->n_relations; r++) {
                tbe_buf_putz(b, r ? "<br/>" : "|\"");
                mermaid_text(b, e->relations[r]);
            }
            tbe_buf_fmt(b, "%s c%un%u\n", e->n_relations ? "\"|" : "", k, e->to);
        }
        tbe_buf_putz(b, "    end\n");
    }
}
