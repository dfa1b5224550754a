/* SPDX-License-Identifier: Apache-2.0 */
/* What a message can cost a chain at most, from its IR: how far it goes, how many nodes it runs, what its
 * scripts may burn and hold, what it may leave parked. A chain with a cycle, which the checks refuse, would
 * have no bound. */
#ifndef TBE_DRIVE_BOUNDS_H
#define TBE_DRIVE_BOUNDS_H

#include "ir/ir.h"

#define BOUNDS_NONE UINT64_MAX /* there is no bound */

struct bounds_park {
    const struct ir_node *node;
    uint64_t limit;         /* messages held at the same time */
    bool per_originator;    /* of one originator */
};

struct bounds {
    const struct ir_chain *chain;
    uint32_t nodes, reachable, relations, calls; /* calls: of other chains */
    uint64_t longest;      /* nodes in a row, the first one included */
    uint64_t in_a_row;     /* nodes run by direct calls, without the queue */
    uint64_t runs;         /* node runs for one message that enters; its copies included */
    uint32_t scripts, loops; /* reachable scripts; those that can loop or call themselves */
    uint64_t script_runs;  /* as runs, of scripts only */
    uint64_t fuel;         /* turns and calls of all these */
    uint64_t arena;        /* bytes that scripts may add to one message and need beside it, the message itself not counted */
    const struct ir_node *cycle, *multiplies; /* why there is no bound, or NULL */
    struct bounds_park *parks;
    uint32_t n_parks;
};

void bounds_of(struct tbe_arena *a, const struct ir_chain *c, struct bounds *b);
void bounds_text(struct tbe_buf *out, const struct bounds *b);
void bounds_json(struct tbe_buf *out, const struct bounds *b);

#endif
