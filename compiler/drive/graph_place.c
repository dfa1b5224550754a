/* SPDX-License-Identifier: Apache-2.0 */
/* Heights of a layered picture, so that edges are straight where they can be; and the picture that
 * ThingsBoard's editor shows. */
#include "config.h"
#include "drive/graph.h"

#define ROUNDS 12
#define ROUNDS_LARGE 3
#define LARGE 20000u   /* vertices */
#define NODE_GAP 16.0  /* between two nodes of a layer */
#define BEND_GAP 6.0   /* beside an edge that passes */

/* ---- layered --------------------------------------------------------------------------------- */

/* Vertices that touch, as one block: it goes where they want to be on average. */
struct block {
    double sum, weight; /* of wanted places, each minus its offset; weight > 0 */
    uint32_t n;
};

static double
gap(const struct graph_vertex *a, const struct graph_vertex *b)
{
    double g = a->node != GRAPH_NO_NODE && b->node != GRAPH_NO_NODE ? NODE_GAP : BEND_GAP;
    return (a->h + b->h) / 2 + g;
}

/* The straighter an edge should be, the more it weighs: long ones are not to wind. */
static double
weight(const struct graph_vertex *a, const struct graph_vertex *b)
{
    bool x = a->node == GRAPH_NO_NODE, y = b->node == GRAPH_NO_NODE;
    return x && y ? 8 : x || y ? 2 : 1;
}

/* Moves the vertices of a layer as near to their neighbours as their order and gaps allow, in the sense
 * of least squares: pooling of adjacent violators. */
static void
settle(struct graph_layers *l, uint32_t layer, bool up, bool down, struct block *b)
{
    uint32_t n_b = 0;
    double offset = 0;
    for (uint32_t i = 0; i < l->n_layer[layer]; i++) {
        const struct graph_vertex *v = &l->v[l->layers[layer][i]];
        double sum = 0, w = 0;
        for (uint32_t k = 0; up && k < v->n_up; k++) {
            double x = weight(v, &l->v[v->up[k]]);
            sum += x * l->v[v->up[k]].y;
            w += x;
        }
        for (uint32_t k = 0; down && k < v->n_down; k++) {
            double x = weight(v, &l->v[v->down[k]]);
            sum += x * l->v[v->down[k]].y;
            w += x;
        }
        if (w <= 0) { /* nothing pulls: it would rather stay */
            w = 0.1;
            sum = w * v->y;
        }
        offset += i ? gap(&l->v[l->layers[layer][i - 1]], v) : 0;
        b[n_b++] = (struct block){ sum - w * offset, w, 1 };
        while (n_b > 1 && b[n_b - 2].sum / b[n_b - 2].weight > b[n_b - 1].sum / b[n_b - 1].weight) {
            b[n_b - 2].sum += b[n_b - 1].sum;
            b[n_b - 2].weight += b[n_b - 1].weight;
            b[n_b - 2].n += b[n_b - 1].n;
            n_b--;
        }
    }
    offset = 0;
    for (uint32_t i = 0, k = 0; k < n_b; k++) {
        for (uint32_t j = 0; j < b[k].n; j++, i++) {
            struct graph_vertex *v = &l->v[l->layers[layer][i]];
            offset += i ? gap(&l->v[l->layers[layer][i - 1]], v) : 0;
            v->y = b[k].sum / b[k].weight + offset;
        }
    }
}

void
graph_place_vertical(struct graph_layers *l)
{
    struct block *b = tbe_arena_alloc(l->a, (l->n_v + 1) * sizeof *b);
    int rounds = l->n_v > LARGE ? ROUNDS_LARGE : ROUNDS;
    double top = 0, bottom = 0;
    for (uint32_t i = 0; i < l->n_layers; i++) {
        settle(l, i, i > 0, false, b);
    }
    for (int r = 0; r < rounds; r++) {
        for (uint32_t i = l->n_layers; i > 0; i--) {
            settle(l, i - 1, r >= rounds / 2, true, b);
        }
        for (uint32_t i = 0; i < l->n_layers; i++) {
            settle(l, i, true, r >= rounds / 2, b);
        }
    }
    for (uint32_t i = 0; i < l->n_v; i++) {
        double t = l->v[i].y - l->v[i].h / 2, u = l->v[i].y + l->v[i].h / 2;
        top = i == 0 || t < top ? t : top;
        bottom = i == 0 || u > bottom ? u : bottom;
    }
    for (uint32_t i = 0; i < l->n_v; i++) {
        l->v[i].y += GRAPH_MARGIN - top;
    }
    l->g->h = bottom - top + 2 * GRAPH_MARGIN;
}

/* ---- as the editor has it -------------------------------------------------------------------- */

#define GIVEN_WIDTH 170.0 /* of a node in the editor */
#define GIVEN_HEIGHT 42.0
#define GIVEN_INPUT_X 50.0
#define GIVEN_INPUT_Y 150.0
#define GIVEN_MAX 100000.0 /* pixels; a place beyond is none */

static void
join(struct tbe_arena *a, struct graph *g, struct graph_edge *e)
{
    const struct graph_node *f = &g->nodes[e->from], *t = &g->nodes[e->to];
    e->has_label = e->n_relations > 0;
    if (e->from == e->to) {
        e->loop = true;
        e->label = (struct graph_point){ f->x + f->w / 2, f->y - 22 };
        return;
    }
    e->points = tbe_arena_alloc(a, 2 * sizeof *e->points);
    e->n_points = 2;
    e->points[0] = (struct graph_point){ f->x + f->w, f->y + f->h / 2 };
    e->points[1] = (struct graph_point){ t->x, t->y + t->h / 2 };
    e->label = (struct graph_point){ (e->points[0].x + e->points[1].x) / 2,
                                     (e->points[0].y + e->points[1].y) / 2 };
}

/* Nodes without a place: in rows below the others. */
static void
place_rest(struct graph *g, double bottom)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct graph_node *n = &g->nodes[i];
        if (!n->placed && n->kind != GRAPH_INPUT) {
            n->x = (k % 5) * (GIVEN_WIDTH + 40);
            n->y = bottom + 40 + k / 5 * (GIVEN_HEIGHT + 30); /* NOLINT: whole rows */
            k++;
        }
    }
}

void
graph_given(struct tbe_arena *a, struct graph *g)
{
    double bottom = 0, left = 0, top = 0, right = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct graph_node *n = &g->nodes[i];
        bool input = n->kind == GRAPH_INPUT;
        n->w = input ? 60 : GIVEN_WIDTH;
        n->h = input ? 26 : GIVEN_HEIGHT;
        n->placed = n->placed && n->given_x > -GIVEN_MAX && n->given_x < GIVEN_MAX && n->given_y > -GIVEN_MAX &&
                    n->given_y < GIVEN_MAX;
        n->x = input ? GIVEN_INPUT_X : n->given_x;
        n->y = input ? GIVEN_INPUT_Y : n->given_y;
        bottom = (n->placed || input) && n->y + n->h > bottom ? n->y + n->h : bottom;
    }
    place_rest(g, bottom);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct graph_node *n = &g->nodes[i];
        left = i == 0 || n->x < left ? n->x : left;
        top = i == 0 || n->y < top ? n->y : top;
        right = i == 0 || n->x + n->w > right ? n->x + n->w : right;
        bottom = i == 0 || n->y + n->h > bottom ? n->y + n->h : bottom;
    }
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        g->nodes[i].x += 4 * GRAPH_MARGIN - left; /* room for edges that lead back, and loops */
        g->nodes[i].y += 4 * GRAPH_MARGIN - top;
    }
    for (uint32_t i = 0; i < g->n_edges; i++) {
        join(a, g, &g->edges[i]);
    }
    g->w = right - left + 8 * GRAPH_MARGIN;
    g->h = bottom - top + 6 * GRAPH_MARGIN;
}
