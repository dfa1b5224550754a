/* SPDX-License-Identifier: Apache-2.0 */
/* Chains as SVG 1.1 that needs nothing but a viewer: chains below each other, each with its title. */
#include "config.h"
#include "drive/graph.h"

#define TITLE_HEIGHT 34.0

/* Text of XML; control characters, which XML has no place for, become U+FFFD. */
static void
xml(struct tbe_buf *b, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const unsigned char *p = (const unsigned char *)s.p + i;
        if (c == '<' || c == '>' || c == '&' || c == '"') {
            tbe_buf_fmt(b, "&#%u;", c);
        } else if (c < 32 && c != '\t' && c != '\n') {
            tbe_buf_putz(b, "\xEF\xBF\xBD");
        } else if (s.n - i >= 3 && (c == 0xED ? p[1] >= 0xA0 : c == 0xEF && p[1] == 0xBF && p[2] >= 0xBE)) {
            tbe_buf_putz(b, "\xEF\xBF\xBD"); /* half a surrogate pair, U+FFFE, U+FFFF */
            i += 2;
        } else {
            tbe_buf_putc(b, (char)c);
        }
    }
}

static void
text_at(struct tbe_buf *b, const char *cls, double x, double y, struct tbe_str s)
{
    tbe_buf_fmt(b, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", cls, x, y);
    xml(b, s);
    tbe_buf_putz(b, "</text>\n");
}

static void
put_node(struct tbe_buf *b, struct tbe_arena *a, const struct graph_node *n)
{
    bool input = n->kind == GRAPH_INPUT;
    tbe_buf_fmt(b, "<g class=\"%s\"><title>", graph_styles[n->kind].name);
    xml(b, n->name);
    if (n->type.n) {
        tbe_buf_putz(b, " (");
        xml(b, n->type);
        tbe_buf_putc(b, ')');
    }
    tbe_buf_fmt(b,
                "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%d\"/>\n", n->x, n->y,
                n->w, n->h, input ? 13 : 6);
    double middle = n->x + n->w / 2, y = n->y + n->h / 2;
    text_at(b, "name", middle, input ? y + 4 : y - 2,
            graph_cut(a, n->name, GRAPH_NAME_SIZE, n->w - 12));
    if (n->type.n) {
        text_at(b, "type", middle, y + 13, graph_cut(a, n->type, GRAPH_TYPE_SIZE, n->w - 12));
    }
    tbe_buf_putz(b, "</g>\n");
}

static double
farther(double a, double b)
{
    return a > b ? a - b : b - a;
}

static void
put_line(struct tbe_buf *b, const struct graph *g, const struct graph_edge *e)
{
    const struct graph_node *n = &g->nodes[e->from];
    tbe_buf_putz(b, "<path class=\"edge\" marker-end=\"url(#arrow)\" d=\"");
    if (e->loop) {
        double x = n->x + n->w / 2, y = n->y;
        tbe_buf_fmt(b, "M%.1f,%.1f C%.1f,%.1f %.1f,%.1f %.1f,%.1f", x + 20, y, x + 44, y - 28,
                    x - 44, y - 28, x - 20,
                    y);
    }
    for (uint32_t i = 0; i < e->n_points; i++) {
        struct graph_point p = e->points[i], q = i ? e->points[i - 1] : p;
        if (i == 0) {
            tbe_buf_fmt(b, "M%.1f,%.1f", p.x, p.y);
        } else if (farther(p.y, q.y) < 0.1 && (p.x > q.x || e->n_points > 2)) {
            tbe_buf_fmt(b, " L%.1f,%.1f", p.x, p.y);
        } else {
            /* Leaves and enters horizontally; back to the left, in a wide bow. */
            bool bow = p.x <= q.x && e->n_points == 2;
            double d = bow ? 50 : (p.x - q.x) / 2;
            tbe_buf_fmt(b, " C%.1f,%.1f %.1f,%.1f %.1f,%.1f", q.x + d, q.y, p.x - d, p.y, p.x, p.y);
        }
    }
    tbe_buf_putz(b, "\"/>\n");
}

static void
put_label(struct tbe_buf *b, struct tbe_arena *a, const struct graph_edge *e)
{
    struct tbe_str lines[GRAPH_LABEL_LINES];
    uint32_t n = graph_label(a, e, lines);
    double w = 0, top = e->label.y - n * GRAPH_LABEL_LINE / 2;
    if (!e->has_label || n == 0) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        double x = graph_text_width(lines[i], GRAPH_LABEL_SIZE);
        w = x > w ? x : w;
    }
    tbe_buf_fmt(b, "<g><title>");
    for (uint32_t i = 0; i < e->n_relations; i++) {
        tbe_buf_putz(b, i ? ", " : "");
        xml(b, e->relations[i]);
    }
    tbe_buf_fmt(b,
                "</title><rect class=\"paper\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                e->label.x - w / 2 - 2, top, w + 4, n * GRAPH_LABEL_LINE);
    for (uint32_t i = 0; i < n; i++) {
        text_at(b, "label", e->label.x, top + i * GRAPH_LABEL_LINE + 9.5, lines[i]);
    }
    tbe_buf_putz(b, "</g>\n");
}

static void
put_style(struct tbe_buf *b)
{
    tbe_buf_fmt(b,
                "<style>\n"
                "text { font-family: Helvetica, Arial, sans-serif; text-anchor: middle; fill: #222 }\n"
                ".name { font-size: %.0fpx; font-weight: 500 }\n"
                ".type { font-size: %.0fpx; fill: #555 }\n"
                ".label { font-size: %.0fpx; fill: #333 }\n"
                ".chain { font-size: 16px; font-weight: bold; text-anchor: start }\n"
                ".edge { fill: none; stroke: #666; stroke-width: 1.2 }\n"
                ".paper { fill: #fff; fill-opacity: 0.9 }\n",
                GRAPH_NAME_SIZE, GRAPH_TYPE_SIZE, GRAPH_LABEL_SIZE);
    for (int i = 0; i < GRAPH_N_KINDS; i++) {
        const struct graph_style *s = &graph_styles[i];
        tbe_buf_fmt(b, ".%s > rect { fill: %s; stroke: %s }\n", s->name, s->fill, s->line);
    }
    tbe_buf_putz(b, "</style>\n"
                    "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"7\" "
                    "markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0.5 L8,4 L0,7.5 z\" fill=\"#666\"/></marker>"
                    "</defs>\n");
}

void
graph_svg(struct tbe_buf *b, struct tbe_arena *a, struct graph *const *g, uint32_t n)
{
    double w = 0, h = 0, y = 0;
    for (uint32_t i = 0; i < n; i++) {
        double title = graph_text_width(g[i]->title, 16) * 1.1 + 2 * GRAPH_MARGIN;
        w = g[i]->w > w ? g[i]->w : w;
        w = title > w ? (title < 2000 ? title : 2000) : w;
        h += g[i]->h + TITLE_HEIGHT;
    }
    tbe_buf_fmt(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" height=\"%.0f\" "
                   "viewBox=\"0 0 %.0f %.0f\">\n", w, h, w, h);
    put_style(b);
    tbe_buf_fmt(b, "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n", w, h);
    for (uint32_t i = 0; i < n; i++) {
        tbe_buf_fmt(b, "<g transform=\"translate(0,%.1f)\">\n", y);
        text_at(b, "chain", GRAPH_MARGIN, 24, graph_cut(a, g[i]->title, 16, 1900));
        tbe_buf_fmt(b, "<g transform=\"translate(0,%.1f)\">\n", TITLE_HEIGHT - 4);
        for (uint32_t k = 0; k < g[i]->n_edges; k++) {
            put_line(b, g[i], &g[i]->edges[k]);
        }
        for (uint32_t k = 0; k < g[i]->n_nodes; k++) {
            put_node(b, a, &g[i]->nodes[k]);
        }
        for (uint32_t k = 0; k < g[i]->n_edges; k++) {
            put_label(b, a, &g[i]->edges[k]);
        }
        tbe_buf_putz(b, "</g></g>\n");
        y += g[i]->h + TITLE_HEIGHT;
    }
    tbe_buf_putz(b, "</svg>\n");
}
