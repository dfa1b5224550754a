/* SPDX-License-Identifier: Apache-2.0 */
/* Cycles for frames that trickle in (trickle.h): arithmetic only, the loop does the waiting. */
#include "config.h"
#include "front/trickle.h"

void
trickle_publish(struct trickle *t, int64_t now_ms, uint32_t unconfirmed, int64_t answered_ms)
{
    if (unconfirmed > 0 || (answered_ms != 0 && now_ms - answered_ms < TRICKLE_ANSWERED_MS)) {
        t->eager_until_ns = now_ms * 1000000 + TRICKLE_EAGER_NS;
    }
}

int64_t
trickle_turn(struct trickle *t, uint64_t next_frame, int64_t now_ns)
{
    int64_t elapsed = now_ns - t->start_ns;
    bool fresh = next_frame != t->seen;

    t->seen = next_frame;
    if (elapsed >= TRICKLE_CYCLE_NS) {
        uint64_t frames = next_frame - t->start_frame;

        /* an idle front wakes late: a count over a long time is no rate of a cycle */
        t->on = elapsed < 2 * TRICKLE_CYCLE_NS && frames >= TRICKLE_MIN && frames <= TRICKLE_MAX;
        t->start_ns = now_ns;
        t->start_frame = next_frame;
    }
    return t->on && fresh && now_ns >= t->eager_until_ns ? t->start_ns + TRICKLE_CYCLE_NS : 0;
}
