/* SPDX-License-Identifier: Apache-2.0 */
/* The timer heap: order, moving, clearing, timers set by timers. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "device/timer.h"

struct job {
    struct hub_timer t;
    int64_t fired_at;
    int again;
};
static int64_t now, last_due;
static int fired;

static void
on_fire(void *owner, struct hub_timer *t)
{
    struct job *j = (struct job *)t;

    j->fired_at = now;
    assert_true(t->due >= last_due);
    last_due = t->due;
    fired++;
    if (j->again-- > 0) {
        hub_timer_set(owner, t, t->due + 10);
    }
}

static void
fires_in_order_of_due_time(void **state)
{
    struct hub_timers q = { .owner = &q };
    static struct job jobs[1000];
    uint32_t x = 12345;

    (void)state;
    fired = 0;
    last_due = 0;
    for (int i = 0; i < 1000; i++) {
        x = x * 1103515245u + 12345u;
        jobs[i] = (struct job){ .t = { .fn = on_fire } };
        hub_timer_set(&q, &jobs[i].t, 1 + (x >> 8) % 5000);
    }
    for (int i = 0; i < 1000; i += 3) {
        hub_timer_clear(&q, &jobs[i].t);
        hub_timer_clear(&q, &jobs[i].t);
    }
    for (int i = 1; i < 1000; i += 3) {
        hub_timer_set(&q, &jobs[i].t, 5001 + i);
    }
    for (now = 1; now <= 6001; now += 7) {
        hub_timers_run(&q, now);
        assert_true(hub_timers_next(&q) == 0 || hub_timers_next(&q) > now);
    }
    assert_int_equal(fired, 666);
    assert_int_equal(hub_timers_next(&q), 0);
    hub_timers_free(&q);
}

static void
a_timer_may_set_itself_again(void **state)
{
    struct hub_timers q = { .owner = &q };
    struct job j = { .t = { .fn = on_fire }, .again = 2 };

    (void)state;
    fired = 0;
    last_due = 0;
    hub_timer_set(&q, &j.t, 100);
    now = 99;
    hub_timers_run(&q, now);
    assert_int_equal(fired, 0);
    now = 110;
    hub_timers_run(&q, now);
    assert_int_equal(fired, 2);
    assert_int_equal(hub_timers_next(&q), 120);
    hub_timers_free(&q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_in_order_of_due_time),
        cmocka_unit_test(a_timer_may_set_itself_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
