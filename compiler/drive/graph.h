/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of rule chains: the model, its layout, and the three forms it is written in. No external tool
 * is needed for any of them. */
#ifndef TBE_DRIVE_GRAPH_H
#define TBE_DRIVE_GRAPH_H

#include "front/chain.h"

#define GRAPH_MAX_BENDS 400000u /* points of all edges together in a layered picture */
#define GRAPH_NO_NODE UINT32_MAX

/* Kind of a node, which is its colour. */
enum graph_kind {
    GRAPH_INPUT, /* where messages enter */
    GRAPH_FILTER,
    GRAPH_ENRICHMENT,
    GRAPH_TRANSFORMATION,
    GRAPH_ACTION,
    GRAPH_EXTERNAL,
    GRAPH_FLOW,
    GRAPH_UNKNOWN,
    GRAPH_N_KINDS
};

struct graph_style {
    const char *name, *fill, *line; /* colours as #rrggbb */
};
extern const struct graph_style graph_styles[GRAPH_N_KINDS];

struct graph_node {
    struct tbe_str name, type; /* type: title of its class, or the class */
    enum graph_kind kind;
    bool placed; /* given_x and given_y are known */
    double given_x, given_y;
    /* set by the layout: top left corner and size */
    double x, y, w, h;
};

struct graph_edge {
    uint32_t from, to;
    struct tbe_str *relations; /* in the order of the file */
    uint32_t n_relations;
    /* set by the layout */
    struct graph_point {
        double x, y;
    } *points; /* from source to target; the curve leaves and enters each one horizontally */
    uint32_t n_points;
    bool loop;    /* from a node to itself: drawn above it */
    bool has_label; /* label: its middle */
    struct graph_point label;
};

struct graph {
    struct tbe_str title;
    bool root;
    struct graph_node *nodes; /* those of the chain; then, when it has a first node, the input */
    uint32_t n_nodes;
    struct graph_edge *edges; /* at most one from one node to another */
    uint32_t n_edges;
    double w, h; /* set by the layout */
};

struct graph *graph_of(struct tbe_arena *a, const struct chain *c);

/* Lines of an edge's label and how many; the relations one to a line, the last one says how many more. */
#define GRAPH_LABEL_LINES 4u
uint32_t graph_label(struct tbe_arena *a, const struct graph_edge *e,
                     struct tbe_str lines[GRAPH_LABEL_LINES]);
/* Width of a text in pixels, of a font of `size` pixels; text cut to width, with an ellipsis. */
double graph_text_width(struct tbe_str s, double size);
struct tbe_str graph_cut(struct tbe_arena *a, struct tbe_str s, double size, double width);

#define GRAPH_NAME_SIZE 12.0 /* pixels of the fonts */
#define GRAPH_TYPE_SIZE 10.0
#define GRAPH_LABEL_SIZE 10.0
#define GRAPH_LABEL_LINE 12.0 /* height of a label's line */
#define GRAPH_MARGIN 16.0

/* Layers from left to right, few crossings. 0; -1: too large to draw. */
int graph_layered(struct tbe_arena *a, struct graph *g) TBE_MUST_USE;
/* Where ThingsBoard's editor has the nodes (layoutX, layoutY); those without a place go below. */
void graph_given(struct tbe_arena *a, struct graph *g);

/* Parts of the layered layout, for graph_place.c. */
struct graph_vertex {
    uint32_t layer, order;
    uint32_t node, edge; /* one of them; the other is GRAPH_NO_NODE */
    double y, h;         /* middle and height */
    uint32_t *up, *down; /* neighbours in the layer before and behind */
    uint32_t n_up, n_down;
};
struct graph_layers {
    struct tbe_arena *a;
    struct graph *g;
    struct graph_vertex *v;
    uint32_t n_v;
    uint32_t **layers, *n_layer; /* vertices of each layer, in order */
    uint32_t n_layers;
};
void graph_place_vertical(struct graph_layers *l);

void graph_dot(struct tbe_buf *out, struct tbe_arena *a, struct graph *const *g, uint32_t n,
               bool given);
void graph_mermaid(struct tbe_buf *out, struct tbe_arena *a, struct graph *const *g, uint32_t n);
void graph_svg(struct tbe_buf *out, struct tbe_arena *a, struct graph *const *g, uint32_t n);

#endif
