/* SPDX-License-Identifier: Apache-2.0 */
/* The layered picture: cycles broken, nodes on even layers from left to right, long edges and labels as
 * vertices of their own (labels on the odd layers), then few crossings. graph_place.c does the rest. */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "drive/graph.h"

#define SWEEPS 24          /* of the crossing reduction, for pictures of usual size */
#define SWEEPS_LARGE 4
#define LARGE 5000u        /* vertices */
#define NODE_MIN_WIDTH 90.0
#define NODE_MAX_WIDTH 230.0
#define NODE_HEIGHT 42.0
#define LAYER_GAP 14.0     /* between a layer's widest vertex and the next layer, at least */
#define LAYER_GAP_MAX 70.0 /* where edges climb far */
#define BEND_HEIGHT 8.0    /* room an edge takes where it passes a layer */

struct work {
    struct graph_layers l;
    bool *reversed;    /* of edges: against the layers */
    uint32_t *layer;   /* of nodes */
    uint32_t *first_bend; /* of edges: its first vertex; they follow each other towards the right */
};

/* ---- cycles and layers ----------------------------------------------------------------------- */

struct adjacency {
    uint32_t *start, *to; /* edges of node i: to[start[i]] .. to[start[i + 1] - 1] */
};

static struct adjacency
adjacent(struct tbe_arena *a, const struct graph *g, bool incoming)
{
    struct adjacency x = { tbe_arena_zalloc(a, (g->n_nodes + 2) * sizeof *x.start),
                           tbe_arena_alloc(a, (g->n_edges + 1) * sizeof *x.to) };
    for (uint32_t i = 0; i < g->n_edges; i++) {
        x.start[(incoming ? g->edges[i].to : g->edges[i].from) + 2]++;
    }
    for (uint32_t i = 2; i < g->n_nodes + 2; i++) {
        x.start[i] += x.start[i - 1];
    }
    for (uint32_t i = 0; i < g->n_edges; i++) {
        x.to[x.start[(incoming ? g->edges[i].to : g->edges[i].from) + 1]++] = i;
    }
    return x;
}

/* Marks the edges that close a cycle, walking from the input on; order: nodes by when they are left. */
static void
break_cycles(struct work *w, const struct adjacency *out, uint32_t *order)
{
    const struct graph *g = w->l.g;
    uint32_t n = g->n_nodes, depth = 0, done = n;
    uint8_t *state = tbe_arena_zalloc(w->l.a, n + 1); /* 1: on the path, 2: left */
    uint32_t *stack = tbe_arena_alloc(w->l.a, (n + 1) * sizeof *stack);
    uint32_t *next = tbe_arena_alloc(w->l.a, (n + 1) * sizeof *next);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = i == 0 ? n - 1 : i - 1; /* the input, if there is one, is the last node */
        if (state[from]) {
            continue;
        }
        stack[depth++] = from;
        state[from] = 1;
        next[from] = out->start[from];
        while (depth) {
            uint32_t v = stack[depth - 1];
            if (next[v] == out->start[v + 1]) {
                state[v] = 2;
                order[--done] = v;
                depth--;
                continue;
            }
            uint32_t e = out->to[next[v]++], to = g->edges[e].to;
            if (state[to] == 1) {
                w->reversed[e] = true; /* a loop to itself too: it has no place among the layers */
            } else if (!state[to]) {
                state[to] = 1;
                next[to] = out->start[to];
                stack[depth++] = to;
            }
        }
    }
}

/* Longest path from the left; then what nothing leads to moves next to what it leads to. */
static void
find_layers(struct work *w)
{
    const struct graph *g = w->l.g;
    struct adjacency out = adjacent(w->l.a, g, false);
    uint32_t *order = tbe_arena_alloc(w->l.a, (g->n_nodes + 1) * sizeof *order);
    bool *led_to = tbe_arena_zalloc(w->l.a, g->n_nodes + 1);
    break_cycles(w, &out, order);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        uint32_t v = order[i];
        for (uint32_t k = out.start[v]; k < out.start[v + 1]; k++) {
            uint32_t e = out.to[k], to = g->edges[e].to;
            if (!w->reversed[e]) {
                led_to[to] = true;
                w->layer[to] = w->layer[to] > w->layer[v] + 2 ? w->layer[to] : w->layer[v] + 2;
            }
        }
    }
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        uint32_t least = UINT32_MAX;
        for (uint32_t k = out.start[v]; k < out.start[v + 1]; k++) {
            uint32_t at = w->layer[g->edges[out.to[k]].to];
            least = !w->reversed[out.to[k]] && at < least ? at : least;
        }
        if (!led_to[v] && least != UINT32_MAX) {
            w->layer[v] = least - 2;
        }
    }
}

/* ---- vertices -------------------------------------------------------------------------------- */

static uint32_t
left_end(const struct work *w, uint32_t e)
{
    const struct graph_edge *x = &w->l.g->edges[e];
    return w->reversed[e] ? x->to : x->from;
}

static uint32_t
right_end(const struct work *w, uint32_t e)
{
    const struct graph_edge *x = &w->l.g->edges[e];
    return w->reversed[e] ? x->from : x->to;
}

static uint32_t
bends(const struct work *w, uint32_t e)
{
    const struct graph_edge *x = &w->l.g->edges[e];
    return x->from == x->to ? 0 : w->layer[right_end(w, e)] - w->layer[left_end(w, e)] - 1;
}

static void
neighbour(uint32_t *v, uint32_t *n, uint32_t x)
{
    v[(*n)++] = x;
}

/* Vertices for the bends of an edge; the label's is beside its source. */
static void
add_bends(struct work *w, uint32_t e)
{
    const struct graph_edge *x = &w->l.g->edges[e];
    uint32_t n = bends(w, e), left = left_end(w, e);
    struct tbe_str lines[GRAPH_LABEL_LINES];
    double h = graph_label(w->l.a, x, lines) * GRAPH_LABEL_LINE;
    w->first_bend[e] = w->l.n_v;
    for (uint32_t i = 0; i < n; i++) {
        bool label = h > 0 && i == (w->reversed[e] ? n - 1 : 0);
        w->l.v[w->l.n_v++] = (struct graph_vertex){ .layer = w->layer[left] + 1 + i,
                                                    .node = GRAPH_NO_NODE,
                                                    .edge = e, .h = label ? h + 2 : BEND_HEIGHT };
    }
}

static void
connect_vertices(struct work *w)
{
    struct graph_layers *l = &w->l;
    uint32_t n = l->g->n_nodes;
    uint32_t *ends = tbe_arena_zalloc(l->a, 2 * (n + 1) * sizeof *ends);
    for (uint32_t e = 0; e < l->g->n_edges; e++) {
        if (bends(w, e)) {
            ends[2 * left_end(w, e)]++;
            ends[2 * right_end(w, e) + 1]++;
        }
    }
    for (uint32_t i = 0; i < l->n_v; i++) {
        l->v[i].down = tbe_arena_alloc(l->a,
                                       ((i < n ? ends[2 * i] : 1) + 1) * sizeof *l->v[i].down);
        l->v[i].up = tbe_arena_alloc(l->a,
                                     ((i < n ? ends[2 * i + 1] : 1) + 1) * sizeof *l->v[i].up);
    }
    for (uint32_t e = 0; e < l->g->n_edges; e++) {
        uint32_t k = bends(w, e), at = left_end(w, e);
        for (uint32_t i = 0; k && i <= k; i++) {
            uint32_t to = i < k ? w->first_bend[e] + i : right_end(w, e);
            neighbour(l->v[at].down, &l->v[at].n_down, to);
            neighbour(l->v[to].up, &l->v[to].n_up, at);
            at = to;
        }
    }
}

static int
make_vertices(struct work *w)
{
    struct graph_layers *l = &w->l;
    uint64_t n = l->g->n_nodes;
    for (uint32_t e = 0; e < l->g->n_edges; e++) {
        n += bends(w, e);
    }
    if (n > GRAPH_MAX_BENDS) {
        return -1;
    }
    l->v = tbe_arena_zalloc(l->a, (n + 1) * sizeof *l->v);
    for (uint32_t i = 0; i < l->g->n_nodes; i++) {
        struct graph_node *g = &l->g->nodes[i];
        double name = graph_text_width(g->name, GRAPH_NAME_SIZE), type = graph_text_width(g->type, GRAPH_TYPE_SIZE);
        g->w = (name > type ? name : type) + 20;
        g->w = g->kind == GRAPH_INPUT ? 60 : g->w < NODE_MIN_WIDTH ? NODE_MIN_WIDTH : g->w;
        g->w = g->w > NODE_MAX_WIDTH ? NODE_MAX_WIDTH : g->w;
        g->h = g->kind == GRAPH_INPUT ? 26 : NODE_HEIGHT;
        l->v[i] = (struct graph_vertex){ .layer = w->layer[i], .node = i, .edge = GRAPH_NO_NODE,
                                         .h = g->h };
    }
    l->n_v = l->g->n_nodes;
    for (uint32_t e = 0; e < l->g->n_edges; e++) {
        add_bends(w, e);
    }
    connect_vertices(w);
    return 0;
}

/* ---- order within the layers ----------------------------------------------------------------- */

static void
fill_layers(struct graph_layers *l)
{
    for (uint32_t i = 0; i < l->n_v; i++) {
        l->n_layers = l->v[i].layer >= l->n_layers ? l->v[i].layer + 1 : l->n_layers;
    }
    l->n_layer = tbe_arena_zalloc(l->a, (l->n_layers + 1) * sizeof *l->n_layer);
    l->layers = tbe_arena_zalloc(l->a, (l->n_layers + 1) * sizeof *l->layers);
    for (uint32_t i = 0; i < l->n_v; i++) {
        l->n_layer[l->v[i].layer]++;
    }
    for (uint32_t i = 0; i < l->n_layers; i++) {
        l->layers[i] = tbe_arena_alloc(l->a, (l->n_layer[i] + 1) * sizeof **l->layers);
        l->n_layer[i] = 0;
    }
    /* First order: as a walk from the left meets them. */
    uint8_t *seen = tbe_arena_zalloc(l->a, l->n_v + 1);
    uint32_t *stack = tbe_arena_alloc(l->a, (l->n_v + 1) * sizeof *stack);
    for (uint32_t i = 0; i < l->n_v; i++) {
        uint32_t n = 0, nodes = l->g->n_nodes, from = i == 0 ? nodes - 1 : i < nodes ? i - 1 : i;
        if (seen[from] || l->v[from].n_up) { /* no cycles: every vertex is below one without any above */
            continue;
        }
        stack[n++] = from;
        seen[from] = 1;
        while (n) {
            struct graph_vertex *v = &l->v[stack[--n]];
            v->order = l->n_layer[v->layer];
            l->layers[v->layer][l->n_layer[v->layer]++] = (uint32_t)(v - l->v);
            for (uint32_t k = v->n_down; k > 0; k--) {
                if (!seen[v->down[k - 1]]) {
                    seen[v->down[k - 1]] = 1;
                    stack[n++] = v->down[k - 1];
                }
            }
        }
    }
}

struct weighed {
    double weight;
    uint32_t order, vertex;
};

static int
by_weight(const void *x, const void *y)
{
    const struct weighed *a = x, *b = y;
    if (a->weight < b->weight || a->weight > b->weight) {
        return a->weight < b->weight ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Sorts a layer by the mean order of the neighbours on one side; one without any stays where it is. */
static void
sort_layer(struct graph_layers *l, uint32_t layer, bool by_up, struct weighed *tmp)
{
    uint32_t n = l->n_layer[layer];
    for (uint32_t i = 0; i < n; i++) {
        const struct graph_vertex *v = &l->v[l->layers[layer][i]];
        uint32_t k = by_up ? v->n_up : v->n_down, other = by_up ? layer - 1 : layer + 1;
        const uint32_t *near = by_up ? v->up : v->down;
        double sum = 0;
        for (uint32_t j = 0; j < k; j++) {
            sum += l->v[near[j]].order;
        }
        double scale = n > 1 ? (double)(l->n_layer[other] ? l->n_layer[other] - 1 : 0) / (n - 1) : 0;
        tmp[i] = (struct weighed){ k ? sum / k : i * scale, i, l->layers[layer][i] };
    }
    qsort(tmp, n, sizeof *tmp, by_weight);
    for (uint32_t i = 0; i < n; i++) {
        l->layers[layer][i] = tmp[i].vertex;
        l->v[tmp[i].vertex].order = i;
    }
}

static int
by_number(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

/* Crossings between a layer and the next: inversions, counted in a Fenwick tree. */
static uint64_t
crossings(const struct graph_layers *l, uint32_t layer, uint32_t *tree, uint32_t *tmp)
{
    uint64_t sum = 0;
    uint32_t width = l->n_layer[layer + 1], so_far = 0;
    memset(tree, 0, (width + 1) * sizeof *tree);
    for (uint32_t i = 0; i < l->n_layer[layer]; i++) {
        const struct graph_vertex *v = &l->v[l->layers[layer][i]];
        for (uint32_t k = 0; k < v->n_down; k++) {
            tmp[k] = l->v[v->down[k]].order;
        }
        qsort(tmp, v->n_down, sizeof *tmp, by_number);
        for (uint32_t k = 0; k < v->n_down; k++) {
            uint32_t below = 0;
            for (uint32_t p = tmp[k] + 1; p > 0; p -= p & -p) {
                below += tree[p];
            }
            sum += so_far - below;
        }
        for (uint32_t k = 0; k < v->n_down; k++) {
            for (uint32_t p = tmp[k] + 1; p <= width; p += p & -p) {
                tree[p]++;
            }
        }
        so_far += v->n_down;
    }
    return sum;
}

static void
reduce_crossings(struct graph_layers *l)
{
    struct weighed *tmp = tbe_arena_alloc(l->a, (l->n_v + 1) * sizeof *tmp);
    uint32_t *tree = tbe_arena_alloc(l->a, (l->n_v + 2) * sizeof *tree);
    uint32_t *near = tbe_arena_alloc(l->a, (l->n_v + 1) * sizeof *near);
    uint32_t *best = tbe_arena_alloc(l->a, (l->n_v + 1) * sizeof *best);
    uint64_t least = UINT64_MAX;
    int sweeps = l->n_v > LARGE ? SWEEPS_LARGE : SWEEPS;
    for (int s = 0; s <= sweeps && least; s++) {
        uint64_t now = 0;
        for (uint32_t i = 0; i + 1 < l->n_layers; i++) {
            now += crossings(l, i, tree, near);
        }
        if (now < least) {
            least = now;
            for (uint32_t i = 0; i < l->n_v; i++) {
                best[i] = l->v[i].order;
            }
        }
        for (uint32_t i = 1; i < l->n_layers; i++) {
            sort_layer(l, s % 2 ? l->n_layers - 1 - i : i, s % 2 == 0, tmp);
        }
    }
    for (uint32_t i = 0; i < l->n_v; i++) {
        l->v[i].order = best[i];
        l->layers[l->v[i].layer][best[i]] = i;
    }
}

/* ---- coordinates ----------------------------------------------------------------------------- */

/* Room behind a layer: the farther its edges climb, the more. */
static double
gap_behind(const struct graph_layers *l, uint32_t layer)
{
    double most = 0;
    for (uint32_t i = 0; i < l->n_layer[layer]; i++) {
        const struct graph_vertex *v = &l->v[l->layers[layer][i]];
        for (uint32_t k = 0; k < v->n_down; k++) {
            double climb = l->v[v->down[k]].y - v->y;
            climb = climb < 0 ? -climb : climb;
            most = climb > most ? climb : most;
        }
    }
    double g = LAYER_GAP + most / 6;
    return g > LAYER_GAP_MAX ? LAYER_GAP_MAX : g;
}

static void
place_across(struct work *w, double *left, double *width)
{
    struct graph_layers *l = &w->l;
    double x = GRAPH_MARGIN;
    for (uint32_t i = 0; i < l->n_v; i++) {
        const struct graph_vertex *v = &l->v[i];
        double need = v->node != GRAPH_NO_NODE ? l->g->nodes[v->node].w : 24;
        struct tbe_str lines[GRAPH_LABEL_LINES];
        uint32_t n = v->node == GRAPH_NO_NODE && v->h != BEND_HEIGHT /* a label's own height */
                         ? graph_label(l->a, &l->g->edges[v->edge], lines)
                         : 0;
        for (uint32_t k = 0; k < n; k++) {
            double text = graph_text_width(lines[k], GRAPH_LABEL_SIZE) + 8;
            need = text > need ? text : need;
        }
        width[v->layer] = need > width[v->layer] ? need : width[v->layer];
    }
    for (uint32_t i = 0; i < l->n_layers; i++) {
        left[i] = x;
        x += width[i] + (i + 1 < l->n_layers ? gap_behind(l, i) : GRAPH_MARGIN);
    }
    l->g->w = x;
}

/* Where an edge leaves or enters a node: its ends are spread over the side, in the order of what they
 * lead to. */
static double
port(const struct graph_layers *l, const struct graph_vertex *v, bool right, uint32_t to)
{
    const uint32_t *near = right ? v->down : v->up;
    uint32_t n = right ? v->n_down : v->n_up, before = 0;
    for (uint32_t i = 0; i < n; i++) {
        before += l->v[near[i]].order < l->v[to].order;
    }
    double step = n > 1 ? (v->h - 16) / (n - 1) : 0;
    step = step > 9 ? 9 : step;
    return v->y + step * (before - (n - 1) / 2.0);
}

static void
route(struct work *w, uint32_t e, const double *left, const double *width)
{
    struct graph_layers *l = &w->l;
    struct graph_edge *x = &l->g->edges[e];
    uint32_t n = bends(w, e), first = w->first_bend[e];
    const struct graph_vertex *from = &l->v[left_end(w, e)], *to = &l->v[right_end(w, e)];
    if (x->from == x->to) {
        x->loop = x->has_label = true;
        return;
    }
    x->points = tbe_arena_alloc(l->a, (2 * n + 2) * sizeof *x->points);
    x->points[x->n_points++] = (struct graph_point){ l->g->nodes[from->node].x + l->g->nodes[from->node].w,
                                                     port(l, from, true, first) };
    for (uint32_t i = 0; i < n; i++) {
        const struct graph_vertex *v = &l->v[first + i];
        x->points[x->n_points++] = (struct graph_point){ left[v->layer], v->y };
        x->points[x->n_points++] = (struct graph_point){ left[v->layer] + width[v->layer], v->y };
        if (x->n_relations && i == (w->reversed[e] ? n - 1 : 0)) {
            x->has_label = true;
            x->label = (struct graph_point){ left[v->layer] + width[v->layer] / 2, v->y };
        }
    }
    x->points[x->n_points++] = (struct graph_point){ l->g->nodes[to->node].x,
                                                     port(l, to, false, first + n - 1) };
    for (uint32_t i = 0; w->reversed[e] && i < x->n_points / 2; i++) {
        struct graph_point p = x->points[i];
        x->points[i] = x->points[x->n_points - 1 - i];
        x->points[x->n_points - 1 - i] = p;
    }
}

static void
loops(struct graph *g)
{
    for (uint32_t e = 0; e < g->n_edges; e++) {
        struct graph_edge *x = &g->edges[e];
        const struct graph_node *n = &g->nodes[x->from];
        if (x->loop) {
            x->label = (struct graph_point){ n->x + n->w / 2, n->y - 22 };
        }
    }
}

int
graph_layered(struct tbe_arena *a, struct graph *g)
{
    struct work w = { .l = { .a = a, .g = g } };
    if (g->n_nodes == 0) {
        g->w = 200;
        g->h = 2 * GRAPH_MARGIN;
        return 0;
    }
    w.reversed = tbe_arena_zalloc(a, g->n_edges + 1);
    w.layer = tbe_arena_zalloc(a, (g->n_nodes + 1) * sizeof *w.layer);
    w.first_bend = tbe_arena_zalloc(a, (g->n_edges + 1) * sizeof *w.first_bend);
    find_layers(&w);
    if (make_vertices(&w) != 0) {
        return -1;
    }
    for (uint32_t e = 0; e < g->n_edges; e++) {
        if (g->edges[e].from == g->edges[e].to) { /* room for the loop above it, and as much below */
            w.l.v[g->edges[e].from].h = NODE_HEIGHT + 2 * 34;
        }
    }
    fill_layers(&w.l);
    reduce_crossings(&w.l);
    graph_place_vertical(&w.l);
    double *left = tbe_arena_zalloc(a, (w.l.n_layers + 1) * sizeof *left);
    double *width = tbe_arena_zalloc(a, (w.l.n_layers + 1) * sizeof *width);
    place_across(&w, left, width);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        g->nodes[i].x = left[w.layer[i]] + (width[w.layer[i]] - g->nodes[i].w) / 2;
        g->nodes[i].y = w.l.v[i].y - g->nodes[i].h / 2;
        w.l.v[i].h = g->nodes[i].h;
    }
    for (uint32_t e = 0; e < g->n_edges; e++) {
        route(&w, e, left, width);
    }
    loops(g);
    return 0;
}
