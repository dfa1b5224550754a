/* SPDX-License-Identifier: Apache-2.0 */
/* Time, with a wall clock that tests can hold still. */
#include "config.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static _Atomic int64_t clock_fixed_ms;
static atomic_bool clock_is_fixed;

int64_t
clock_ms(void)
{
    if (atomic_load_explicit(&clock_is_fixed, memory_order_acquire)) {
        return atomic_load_explicit(&clock_fixed_ms, memory_order_relaxed);
    }
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
clock_fix(int64_t epoch_ms)
{
    atomic_store_explicit(&clock_fixed_ms, epoch_ms, memory_order_relaxed);
    atomic_store_explicit(&clock_is_fixed, true, memory_order_release);
}

void
clock_advance(int64_t ms)
{
    atomic_fetch_add_explicit(&clock_fixed_ms, ms, memory_order_relaxed);
}

void
clock_real(void)
{
    atomic_store_explicit(&clock_is_fixed, false, memory_order_release);
}
