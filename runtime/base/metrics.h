/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges, registered once, rendered as Prometheus text. Values are 64-bit and updated
 * with relaxed atomics, so any thread may count. */
#ifndef TBE_BASE_METRICS_H
#define TBE_BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>
#include "tbe/base.h"

struct metric {
    const char *name, *help;
    bool gauge;
    _Atomic int64_t value;
    struct metric *next; /* set by metric_register */
};

#define METRIC_COUNTER(var, n, h) struct metric var = { .name = (n), .help = (h) }
#define METRIC_GAUGE(var, n, h) struct metric var = { .name = (n), .help = (h), .gauge = true }

void metric_register(struct metric *m); /* idempotent; m must live for ever */
static inline void
metric_add(struct metric *m, int64_t d)
{
    atomic_fetch_add_explicit(&m->value, d, memory_order_relaxed);
}
static inline void
metric_set(struct metric *m, int64_t v)
{
    atomic_store_explicit(&m->value, v, memory_order_relaxed);
}
static inline int64_t
metric_get(struct metric *m)
{
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}
void metrics_render(struct tbe_buf *out); /* Prometheus exposition format 0.0.4 */

#endif
