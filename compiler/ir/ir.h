/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline in one small IR: nodes, their edges, and after planning the exits that are direct calls.
 * Passes run in the order of ir_passes; each can be dumped. */
#ifndef TBE_IR_IR_H
#define TBE_IR_IR_H

#include "check/check.h"

#define IR_CALL_DEPTH 32 /* direct calls in a row at most; then the run queue, so the stack stays small */

struct ir_edge {
    struct tbe_str relation;
    uint32_t to;
    bool direct; /* taken by a call */
};

/* A relation that leads to exactly one node by a call. */
struct ir_exit {
    const char *label;      /* C constant: TBE_REL_TRUE, or TBE_MT_... of a message type switch */
    struct tbe_str relation; /* as the connection spells it */
    uint32_t to;
};

struct ir_node {
    const struct checked_node *src;
    struct tbe_str fn; /* C name of its function: n<index>_<slug> */
    struct ir_edge *edges; /* in file order */
    uint32_t n_edges;
    struct ir_exit *exits;
    uint32_t n_exits;
    bool by_type; /* exits are labelled by message type */
};

struct ir_chain {
    const struct chain *src;
    uint32_t index;
    struct tbe_str symbol; /* C name: c<index>_<slug> */
    bool root;
    struct ir_node *nodes;
    uint32_t n_nodes;
};

struct ir_program {
    struct ir_chain *chains;
    uint32_t n_chains;
    int32_t root; /* index or -1 */
};

/* From checked chains; root: index or -1. */
struct ir_program *ir_build(struct tbe_arena *a, const struct chains *cs, const struct checked_chain *cc, int32_t root);
void ir_prune(struct tbe_arena *a, struct ir_chain *c); /* edges nothing can take, edges given twice */
void ir_plan(struct tbe_arena *a, struct ir_chain *c);  /* which edges are calls */
void ir_optimise(struct tbe_arena *a, struct ir_program *p); /* all passes */
void ir_dump(struct tbe_buf *out, const struct ir_program *p);

#endif
