/* SPDX-License-Identifier: Apache-2.0 */
/* A chain as a graph to draw: nodes with title and kind, one edge for all relations between two nodes. */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "check/node_class.h"
#include "drive/graph.h"

/* The colours of ThingsBoard's editor by hue, lighter, with an edge that keeps them apart in grey. */
const struct graph_style graph_styles[GRAPH_N_KINDS] = {
    [GRAPH_INPUT] = { "input", "#c9efcf", "#4c9a5b" },
    [GRAPH_FILTER] = { "filter", "#f7f0a1", "#a8982a" },
    [GRAPH_ENRICHMENT] = { "enrichment", "#dff29b", "#7f9a2b" },
    [GRAPH_TRANSFORMATION] = { "transformation", "#bfe6f7", "#3d86a8" },
    [GRAPH_ACTION] = { "action", "#f7c0be", "#b35552" },
    [GRAPH_EXTERNAL] = { "external", "#fbdca0", "#b0812a" },
    [GRAPH_FLOW] = { "flow", "#e2d5f5", "#7d62a8" },
    [GRAPH_UNKNOWN] = { "unknown", "#e4e4e4", "#777777" },
};

/* Kind by the package of a class: every class of a package is of one kind, but those listed whole. */
static enum graph_kind
kind_of_class(struct tbe_str cls)
{
    static const struct {
        const char *start;
        enum graph_kind kind;
    } kinds[] = {
        { "filter.", GRAPH_FILTER },       { "metadata.", GRAPH_ENRICHMENT },
        { "transform.", GRAPH_TRANSFORMATION }, { "geo.TbGpsGeofencingFilterNode", GRAPH_FILTER },
        { "deduplication.", GRAPH_TRANSFORMATION }, { "flow.", GRAPH_FLOW },
        { "mail.TbMsgToEmailNode", GRAPH_TRANSFORMATION }, { "mail.", GRAPH_EXTERNAL },
        { "rest.TbSendRestApiCallReplyNode", GRAPH_ACTION }, { "rest.", GRAPH_EXTERNAL },
        { "kafka.", GRAPH_EXTERNAL },      { "mqtt.", GRAPH_EXTERNAL },
        { "rabbitmq.", GRAPH_EXTERNAL },   { "aws.", GRAPH_EXTERNAL },
        { "gcp.", GRAPH_EXTERNAL },        { "sms.", GRAPH_EXTERNAL },
        { "notification.", GRAPH_EXTERNAL }, { "ai.", GRAPH_EXTERNAL },
        { "action.", GRAPH_ACTION },       { "debug.", GRAPH_ACTION },
        { "delay.", GRAPH_ACTION },        { "edge.", GRAPH_ACTION },
        { "geo.", GRAPH_ACTION },          { "math.", GRAPH_ACTION },
        { "profile.", GRAPH_ACTION },      { "rpc.", GRAPH_ACTION },
        { "telemetry.", GRAPH_ACTION },    { "transaction.", GRAPH_ACTION },
    };
    size_t skip = strlen(NODE_CLASS_PREFIX);
    if (cls.n > skip && memcmp(cls.p, NODE_CLASS_PREFIX, skip) == 0) {
        cls.p += skip;
        cls.n -= skip;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t n = strlen(kinds[i].start);
        if (cls.n >= n && memcmp(cls.p, kinds[i].start, n) == 0) {
            return kinds[i].kind;
        }
    }
    return GRAPH_UNKNOWN;
}

/* What follows the last dot of a class. */
static struct tbe_str
short_class(struct tbe_str cls)
{
    for (size_t i = cls.n; i > 0; i--) {
        if (cls.p[i - 1] == '.') {
            return (struct tbe_str){ cls.p + i, cls.n - i };
        }
    }
    return cls;
}

static struct graph_node
node_of(const struct chain_node *n)
{
    const struct node_class *cls = node_class_find(n->type);
    const struct known_class *known = cls ? NULL : known_class_find(n->type);
    struct graph_node g = { .name = n->name, .placed = n->placed };
    g.type = cls ? tbe_strz(cls->title) : known ? tbe_strz(known->title) : short_class(n->type);
    g.kind = kind_of_class(cls ? tbe_strz(cls->cls) : known ? tbe_strz(known->cls) : n->type);
    if (g.placed) {
        g.given_x = (double)n->x;
        g.given_y = (double)n->y;
    }
    return g;
}

static int
by_ends(const void *x, const void *y)
{
    const struct chain_edge *a = *(const struct chain_edge *const *)x, *b = *(const struct chain_edge *const *)y;
    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    if (a->to != b->to) {
        return a->to < b->to ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

static void
add_edges(struct tbe_arena *a, struct graph *g, const struct chain *c)
{
    const struct chain_edge **in = tbe_arena_alloc(a, (c->n_edges + 1) * sizeof *in);
    struct tbe_str *relations = tbe_arena_alloc(a, (c->n_edges + 1) * sizeof *relations);
    struct graph_edge *e = NULL;
    for (uint32_t i = 0; i < c->n_edges; i++) {
        in[i] = &c->edges[i];
    }
    qsort(in, c->n_edges, sizeof *in, by_ends);
    for (uint32_t i = 0; i < c->n_edges; i++) {
        relations[i] = in[i]->type;
        if (!e || e->from != in[i]->from || e->to != in[i]->to) {
            e = &g->edges[g->n_edges++];
            *e = (struct graph_edge){ .from = in[i]->from, .to = in[i]->to, .relations = &relations[i] };
        }
        bool twice = e->n_relations && tbe_str_eq(e->relations[e->n_relations - 1], relations[i]);
        if (!twice) {
            e->relations[e->n_relations++] = relations[i];
        }
    }
}

struct graph *
graph_of(struct tbe_arena *a, const struct chain *c)
{
    struct graph *g = tbe_arena_zalloc(a, sizeof *g);
    g->title = c->name;
    g->root = c->root;
    g->nodes = tbe_arena_zalloc(a, (c->n_nodes + 1) * sizeof *g->nodes);
    g->edges = tbe_arena_zalloc(a, (c->n_edges + 1) * sizeof *g->edges);
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        g->nodes[g->n_nodes++] = node_of(&c->nodes[i]);
    }
    add_edges(a, g, c);
    if (c->first >= 0) {
        g->edges[g->n_edges++] = (struct graph_edge){ .from = g->n_nodes,
                                                      .to = (uint32_t)c->first };
        g->nodes[g->n_nodes++] = (struct graph_node){ .name = TBE_STR("Input"), .type = TBE_STR(""),
                                                      .kind = GRAPH_INPUT };
    }
    return g;
}

uint32_t
graph_label(struct tbe_arena *a, const struct graph_edge *e,
            struct tbe_str lines[GRAPH_LABEL_LINES])
{
    uint32_t n = e->n_relations < GRAPH_LABEL_LINES ? e->n_relations : GRAPH_LABEL_LINES;
    for (uint32_t i = 0; i < n; i++) {
        lines[i] = graph_cut(a, e->relations[i], GRAPH_LABEL_SIZE, 160);
    }
    if (e->n_relations > n) {
        lines[n - 1] = tbe_arena_fmt(a, "and %u more", e->n_relations - n + 1);
    }
    return n;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Thousandths of the size that the printable ASCII characters take in Helvetica. */
static const unsigned short widths[95] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584,
};
#define WIDER 1.14 /* other fonts a viewer may take instead */

static double
char_width(const char *p)
{
    unsigned char c = (unsigned char)*p;
    if (c >= 32 && c < 127) {
        return widths[c - 32] / 1000.0;
    }
    return c >= 0xE2 ? 1.0 : c >= 0xC0 ? 0.62 : 0.0; /* 0: inside a character, or not seen */
}

double
graph_text_width(struct tbe_str s, double size)
{
    double w = 0;
    for (size_t i = 0; i < s.n; i++) {
        w += char_width(s.p + i);
    }
    return w * size * WIDER;
}

struct tbe_str
graph_cut(struct tbe_arena *a, struct tbe_str s, double size, double width)
{
    double w = 0, dots = size * WIDER;
    size_t fits = 0;
    if (graph_text_width(s, size) <= width) {
        return s;
    }
    for (size_t i = 0; i < s.n; i++) {
        bool start = ((unsigned char)s.p[i] & 0xC0) != 0x80;
        if (start && w + dots <= width) {
            fits = i;
        }
        w += char_width(s.p + i) * size * WIDER;
    }
    return tbe_arena_fmt(a, "%.*s\xE2\x80\xA6", (int)fits, s.p);
}
