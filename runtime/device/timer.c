/* SPDX-License-Identifier: Apache-2.0 */
/* The timer heap of the hub. */
#include "config.h"

#include "device/timer.h"

#include <stdlib.h>

static void
put(struct hub_timers *q, uint32_t i, struct hub_timer *t)
{
    q->heap[i] = t;
    t->pos = i + 1;
}

static void
sift_up(struct hub_timers *q, uint32_t i)
{
    struct hub_timer *t = q->heap[i];

    while (i > 0 && q->heap[(i - 1) / 2]->due > t->due) {
        put(q, i, q->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(q, i, t);
}

static void
sift_down(struct hub_timers *q, uint32_t i)
{
    struct hub_timer *t = q->heap[i];

    for (;;) {
        uint32_t c = 2 * i + 1;

        if (c + 1 < q->n && q->heap[c + 1]->due < q->heap[c]->due) {
            c++;
        }
        if (c >= q->n || q->heap[c]->due >= t->due) {
            break;
        }
        put(q, i, q->heap[c]);
        i = c;
    }
    put(q, i, t);
}

void
hub_timer_clear(struct hub_timers *q, struct hub_timer *t)
{
    uint32_t i = t->pos;
    struct hub_timer *last;

    if (i == 0) {
        return;
    }
    i--;
    t->pos = 0;
    last = q->heap[--q->n];
    if (last == t) {
        return;
    }
    put(q, i, last);
    sift_up(q, i);
    sift_down(q, last->pos - 1);
}

void
hub_timer_set(struct hub_timers *q, struct hub_timer *t, int64_t due)
{
    hub_timer_clear(q, t);
    if (q->n == q->cap) {
        uint32_t cap = q->cap ? q->cap * 2 : 64;
        struct hub_timer **heap = realloc(q->heap, cap * sizeof(*heap));

        if (heap == NULL) {
            return;
        }
        q->heap = heap;
        q->cap = cap;
    }
    t->due = due;
    put(q, q->n++, t);
    sift_up(q, q->n - 1);
}

void
hub_timers_run(struct hub_timers *q, int64_t now)
{
    while (q->n > 0 && q->heap[0]->due <= now) {
        struct hub_timer *t = q->heap[0];

        hub_timer_clear(q, t);
        t->fn(q->owner, t);
    }
}

int64_t
hub_timers_next(const struct hub_timers *q)
{
    return q->n > 0 ? q->heap[0]->due : 0;
}

void
hub_timers_free(struct hub_timers *q)
{
    free(q->heap);
    q->heap = NULL;
    q->n = q->cap = 0;
}
