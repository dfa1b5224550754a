/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec diff`: what is different between two versions of rule chains, in terms of nodes, relations and
 * keys of configurations, wherever these stand in the files. */
#ifndef TBE_DRIVE_DIFF_H
#define TBE_DRIVE_DIFF_H

#include "front/chain.h"

#define DIFF_MAX_SIMILAR 1000u /* unmatched nodes of one side that are compared with each other by likeness */
#define DIFF_MAX_LINES 3000u   /* of a script whose lines are compared; longer ones count as replaced */
#define DIFF_CONTEXT 3u        /* lines shown around a change */

/* One value; old or new is NULL when it is only in the other. */
struct diff_key {
    struct tbe_str path; /* "configuration/tbelScript" */
    const struct doc *old, *new;
};

struct diff_keys {
    struct diff_key *v;
    uint32_t n, cap;
};

struct diff_node {
    const struct chain_node *old, *new; /* one is NULL: added, removed */
    struct diff_keys keys;              /* of a node in both */
};

struct diff_edge {
    const struct chain_node *from, *to; /* of the chain it is in */
    struct tbe_str relation;
    bool added;
};

struct diff_chain {
    const struct chain *old, *new; /* one is NULL: added, removed */
    struct diff_keys keys;
    struct diff_node *nodes; /* only those with a difference */
    struct diff_edge *edges;
    uint32_t n_nodes, n_edges;
};

struct diff {
    struct diff_chain *chains; /* only those with a difference */
    uint32_t n;
};

/* layout: places of nodes count as well. Lives in a, points into both. */
struct diff *diff_of(struct tbe_arena *a, const struct chains *old, const struct chains *new,
                     bool layout);
void diff_text(struct tbe_buf *out, struct tbe_arena *a, const struct diff *d, bool colour);
void diff_json(struct tbe_buf *out, struct tbe_arena *a, const struct diff *d);

/* ---- parts ----------------------------------------------------------------------------------- */

/* For each node of old the index of its like in new, or -1. */
int32_t *diff_match(struct tbe_arena *a, const struct chain *old, const struct chain *new);
/* Same value: numbers by their spelling, keys in any order. */
bool diff_same(const struct doc *a, const struct doc *b);

struct diff_line {
    char sign; /* ' ' - + */
    struct tbe_str text;
    bool last; /* of its text, without a line break behind */
};
/* The lines of two texts, removed before added; *n of them. NULL when a text has more than DIFF_MAX_LINES. */
struct diff_line *diff_lines(struct tbe_arena *a, struct tbe_str old, struct tbe_str new,
                             uint32_t *n);

#endif
