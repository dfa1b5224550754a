/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of the hub: an intrusive binary heap by due time, on the wall clock that tests can move. */
#ifndef TBE_DEVICE_TIMER_H
#define TBE_DEVICE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct hub_timer {
    int64_t due;  /* ms */
    uint32_t pos; /* place in the heap + 1; 0 = not set */
    void (*fn)(void *owner, struct hub_timer *t);
};
struct hub_timers {
    struct hub_timer **heap;
    uint32_t n, cap;
    void *owner;
};

void hub_timer_set(struct hub_timers *q, struct hub_timer *t, int64_t due); /* sets or moves */
void hub_timer_clear(struct hub_timers *q, struct hub_timer *t);
void hub_timers_run(struct hub_timers *q, int64_t now); /* each due timer is cleared, then called */
int64_t hub_timers_next(const struct hub_timers *q);    /* 0: none */
void hub_timers_free(struct hub_timers *q);

#endif
