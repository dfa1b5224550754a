/* SPDX-License-Identifier: Apache-2.0 */
/* The window: order, confirms in and out of order, chunk changes, resend, limits. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "front/window.h"

static void
add(struct window *w, size_t body)
{
    struct window_entry e = { .type = FR_PUBLISH, .id = (uint16_t)w->next };
    struct tbe_buf *b = window_begin(w, e, 0, 1, e.id, body + 8);
    char *text = malloc(body + 1);

    assert_non_null(b);
    memset(text, 'a' + (int)(w->next % 26), body);
    frame_put_str(b, (struct tbe_str){ text, body });
    assert_true(window_end(w));
    free(text);
}

/* Writes everything from the cursor on in steps of at most `step` bytes, and checks the frames. */
static void
send_all(struct window *w, struct window_cursor *c, size_t step)
{
    struct tbe_buf got = { 0 };
    struct iovec iov[3];
    uint64_t seq = c->seq;
    size_t at = 0;
    int n;

    assert_int_equal(c->part, 0);
    while ((n = window_iov(w, c, UINT64_MAX, iov, 3))) {
        size_t k = 0;
        for (int i = 0; i < n && k < step; i++) {
            size_t m = iov[i].iov_len < step - k ? iov[i].iov_len : step - k;
            tbe_buf_put(&got, iov[i].iov_base, m);
            k += m;
        }
        window_advance(w, c, k);
    }
    while (at < got.n) {
        struct frame f;
        int64_t len = frame_parse(got.p + at, got.n - at, &f);
        assert_true(len > 0);
        assert_true(f.seq == seq);
        assert_int_equal(f.payload.p[f.payload.n - 1], 'a' + (int)(seq % 26));
        seq++;
        at += (size_t)len;
    }
    assert_true(seq == w->next);
    tbe_buf_free(&got);
}

static void
frames_come_out_as_they_went_in(void **state)
{
    static const size_t steps[] = { 1, 7, 100, 65536, 1 << 20 };

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct window w;
        struct window_cursor c = { 1, 0 };
        window_init(&w, 1 << 30, 1 << 20);
        for (size_t k = 1; k < 300; k++) {
            add(&w, k % 13 == 0 && steps[i] > 1 ? 70000 : k);
        }
        send_all(&w, &c, steps[i]);
        window_free(&w);
    }
}

static void
what_is_not_confirmed_can_be_sent_again(void **state)
{
    struct window w;
    struct window_cursor c = { 1, 0 }, again;

    (void)state;
    window_init(&w, 1 << 30, 1 << 20);
    for (int round = 0; round < 200; round++) { /* wraps the ring and reuses chunks */
        for (int k = 0; k < 100; k++) {
            add(&w, (size_t)(1 + (k * 37 + round) % 3000));
        }
        send_all(&w, &c, 5000);
        for (int k = 0; k < 90; k++) {
            window_confirm(&w, w.first);
        }
        again = (struct window_cursor){ w.first, 0 };
        send_all(&w, &again, 100000);
        while (window_depth(&w) > (uint32_t)round % 10) {
            window_confirm(&w, w.first);
        }
    }
    while (window_depth(&w)) {
        window_confirm(&w, w.first);
    }
    assert_int_equal(w.bytes, 0);
    window_free(&w);
}

static void
confirms_out_of_order_keep_the_order(void **state)
{
    struct window w;
    struct window_cursor c = { 1, 0 };

    (void)state;
    window_init(&w, 1 << 30, 1 << 20);
    for (int k = 0; k < 5; k++) {
        add(&w, 10);
    }
    window_confirm(&w, 3);
    window_confirm(&w, 3);
    window_confirm(&w, 99);
    window_confirm(&w, 0);
    assert_true(w.first == 1);
    assert_true(window_entry(&w, 3)->done);
    window_confirm(&w, 1);
    assert_true(w.first == 2);
    window_confirm(&w, 2);
    assert_true(w.first == 4);
    assert_null(window_entry(&w, 3));
    assert_non_null(window_entry(&w, 5));
    assert_null(window_entry(&w, 6));
    c.seq = 4;
    send_all(&w, &c, 9);
    window_free(&w);
}

static void
limits_hold_at_and_past_them(void **state)
{
    struct window w;

    (void)state;
    window_init(&w, 10000, 8);
    for (int k = 0; k < 7; k++) {
        add(&w, 1);
    }
    assert_false(window_full(&w));
    assert_false(window_has_room(&w));
    add(&w, 1);
    assert_true(window_full(&w)); /* by number */
    window_confirm(&w, 1);
    assert_false(window_full(&w));
    window_confirm(&w, 2);
    window_confirm(&w, 3);
    assert_true(window_has_room(&w));
    add(&w, 10000 - w.bytes - FRAME_HEAD - 4 - 1);
    assert_int_equal(w.bytes, 9999);
    assert_false(window_full(&w));
    window_confirm(&w, 4);
    add(&w, 1);
    assert_true(window_full(&w) == (w.bytes >= 10000));
    window_free(&w);
}

static void
a_frame_too_big_is_taken_back(void **state)
{
    struct window w;
    struct window_entry e = { .type = FR_PUBLISH };
    char *big = calloc(1, FRAME_MAX);
    struct tbe_buf *b;
    struct window_cursor c = { 1, 0 };

    (void)state;
    window_init(&w, 1 << 30, 100);
    add(&w, 5);
    b = window_begin(&w, e, 0, 1, 0, FRAME_MAX);
    assert_non_null(b);
    frame_put_str(b, (struct tbe_str){ big, FRAME_MAX });
    assert_false(window_end(&w));
    add(&w, 5);
    assert_int_equal(window_depth(&w), 2);
    send_all(&w, &c, 10);
    window_free(&w);
    free(big);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in),
        cmocka_unit_test(what_is_not_confirmed_can_be_sent_again),
        cmocka_unit_test(confirms_out_of_order_keep_the_order),
        cmocka_unit_test(limits_hold_at_and_past_them),
        cmocka_unit_test(a_frame_too_big_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
