/* SPDX-License-Identifier: Apache-2.0 */
/* Cycles: when frames are gathered, and when never. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/trickle.h"

#define MS 1000000LL
#define CYCLE TRICKLE_CYCLE_NS

/* A cycle with n frames, every one in a turn of its own; what trickles in is gathered from here on. */
static void
one_cycle(struct trickle *t, unsigned n, int64_t *now)
{
    uint64_t frame = t->seen;

    trickle_turn(t, ++frame, *now);
    for (unsigned i = 1; i < n; i++) {
        *now += CYCLE / n;
        assert_int_equal(trickle_turn(t, ++frame, *now), 0);
    }
    *now += CYCLE / n + CYCLE % n;
    assert_int_equal(trickle_turn(t, ++frame, *now), *now + CYCLE);
    *now += CYCLE;
}

static void
test_gathers_a_trickle(void **state)
{
    struct trickle t = { 0 };
    int64_t now = 1000 * MS;

    (void)state;
    one_cycle(&t, 25, &now);
    assert_true(t.on);
    int64_t until = trickle_turn(&t, t.seen + 25, now);
    assert_int_equal(until, now + CYCLE);
    /* nothing new: whatever comes next is looked at when it comes */
    assert_int_equal(trickle_turn(&t, t.seen, now + MS), 0);
}

static void
test_bounds(void **state)
{
    static const struct {
        unsigned frames;
        bool on;
    } cases[] = { { TRICKLE_MIN - 1, false }, { TRICKLE_MIN, true }, { TRICKLE_MAX, true }, { TRICKLE_MAX + 1, false } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trickle t = { 0 };
        int64_t now = 1000 * MS;

        trickle_turn(&t, 1, now);
        int64_t until = trickle_turn(&t, 1 + cases[i].frames, now + CYCLE);
        assert_int_equal(t.on, cases[i].on);
        assert_int_equal(until, cases[i].on ? now + 2 * CYCLE : 0);
    }
}

static void
test_first_after_a_pause_goes_at_once(void **state)
{
    struct trickle t = { 0 };
    int64_t now = 1000 * MS;

    (void)state;
    one_cycle(&t, 25, &now);
    assert_int_equal(trickle_turn(&t, t.seen + 100, now + 60 * 1000 * MS), 0);
}

static void
test_who_waits_is_not_held_up(void **state)
{
    struct trickle t = { 0 };
    int64_t now = 1000 * MS;

    (void)state;
    one_cycle(&t, 25, &now);
    trickle_publish(&t, now / MS, 0, 0);                              /* its first */
    trickle_publish(&t, now / MS, 0, now / MS - TRICKLE_ANSWERED_MS); /* now and then */
    assert_true(trickle_turn(&t, t.seen + 25, now) > now);
    now += CYCLE;
    trickle_publish(&t, now / MS, 0, now / MS - TRICKLE_ANSWERED_MS + 1);
    assert_int_equal(trickle_turn(&t, t.seen + 25, now), 0);
    now += TRICKLE_EAGER_NS;
    trickle_turn(&t, t.seen, now); /* a cycle that was too long is no measure */
    assert_true(trickle_turn(&t, t.seen + 25, now + CYCLE) > now);
    now += 2 * CYCLE;
    trickle_publish(&t, now / MS, 1, 0); /* several under way */
    assert_int_equal(trickle_turn(&t, t.seen + 25, now), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gathers_a_trickle),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_first_after_a_pause_goes_at_once),
        cmocka_unit_test(test_who_waits_is_not_held_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
