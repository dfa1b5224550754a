/* SPDX-License-Identifier: Apache-2.0 */
/* When many devices each send now and then, frames trickle in one by one, and every one of them would
 * wake the front, the worker and the store, and cost a flush to the disk of its own. The front then works
 * in cycles: what comes within TRICKLE_CYCLE_NS is taken from the sockets and goes to the worker together.
 * A message waits half a cycle on average.
 *
 * Nothing is held up where that could be noticed:
 *  - few messages (below TRICKLE_MIN in a cycle) go through one by one;
 *  - a device that waits for each acknowledgement before it sends the next, or has several under way,
 *    ends the cycles for everybody for TRICKLE_EAGER_NS;
 *  - from TRICKLE_MAX in a cycle on, messages come in bundles by themselves. */
#ifndef TBE_FRONT_TRICKLE_H
#define TBE_FRONT_TRICKLE_H

#include <stdbool.h>
#include <stdint.h>

#define TRICKLE_CYCLE_NS 30000000
#define TRICKLE_MIN 5
#define TRICKLE_MAX 512
#define TRICKLE_EAGER_NS 200000000
#define TRICKLE_ANSWERED_MS 20 /* sent so soon after an acknowledgement: it was waited for */

struct trickle {
    int64_t start_ns;     /* of this cycle; monotonic, as all times here */
    uint64_t start_frame; /* number of the first frame of this cycle */
    uint64_t seen;        /* number of the first frame of this turn */
    int64_t eager_until_ns;
    bool on;
};

/* A device sent a message that it wants acknowledged. unconfirmed: its earlier messages still under way;
 * answered_ms: when its last acknowledgement was written, 0 = never. */
void trickle_publish(struct trickle *t, int64_t now_ms, uint32_t unconfirmed, int64_t answered_ms);
/* After each turn of the loop; next_frame = number of the next frame. Until when sockets of devices need
 * not be looked at; 0: look at once. */
int64_t trickle_turn(struct trickle *t, uint64_t next_frame, int64_t now_ns);

#endif
