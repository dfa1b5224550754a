/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: round trip, every cut of a frame, bad headers, the size limit at and past it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame/frame.h"

static void
make(struct tbe_buf *b)
{
    size_t begin = frame_begin(b, FR_PUBLISH, 9, 7, 0x10002, 1234567890123ull);

    frame_put_u32(b, 0xfffffffe);
    frame_put_u64(b, UINT64_MAX);
    frame_put_str(b, TBE_STR("topic"));
    frame_put_str(b, TBE_STR(""));
    frame_put_str(b, TBE_STR_NONE);
    assert_true(frame_end(b, begin));
}

static void
what_is_written_is_read(void **state)
{
    struct tbe_buf b = { 0 };
    struct frame f;
    struct tbe_str s;

    (void)state;
    tbe_buf_putc(&b, 'x'); /* frames need not be aligned */
    make(&b);
    assert_int_equal(frame_parse(b.p + 1, b.n - 1, &f), b.n - 1);
    assert_int_equal(f.type, FR_PUBLISH);
    assert_int_equal(f.flags, 9);
    assert_int_equal(f.conn, 7);
    assert_int_equal(f.aux, 0x10002);
    assert_true(f.seq == 1234567890123ull);
    struct frame_reader r = { f.payload, false };
    assert_int_equal(frame_get_u32(&r), 0xfffffffe);
    assert_true(frame_get_u64(&r) == UINT64_MAX);
    assert_true(tbe_str_eqz(frame_get_str(&r), "topic"));
    s = frame_get_str(&r);
    assert_true(s.p && s.n == 0);
    assert_null(frame_get_str(&r).p);
    assert_false(r.bad);
    assert_int_equal(r.left.n, 0);
    assert_int_equal(frame_get_u32(&r), 0); /* past the end */
    assert_true(r.bad);
    tbe_buf_free(&b);
}

static void
a_cut_frame_needs_more_bytes(void **state)
{
    struct tbe_buf b = { 0 };
    struct frame f;

    (void)state;
    make(&b);
    for (size_t n = 0; n < b.n; n++) {
        char *copy = malloc(n + 1); /* exact, so that a read past it is seen */
        memcpy(copy, b.p, n);
        assert_int_equal(frame_parse(copy, n, &f), 0);
        free(copy);
    }
    tbe_buf_free(&b);
}

static void
a_cut_payload_is_bad(void **state)
{
    struct tbe_buf b = { 0 };
    struct frame f;

    (void)state;
    make(&b);
    assert_true(frame_parse(b.p, b.n, &f) > 0);
    for (size_t n = 0; n < f.payload.n; n++) {
        struct frame_reader r = { { f.payload.p, n }, false };
        frame_get_u32(&r);
        frame_get_u64(&r);
        frame_get_str(&r);
        frame_get_str(&r);
        frame_get_str(&r);
        assert_true(r.bad);
    }
    tbe_buf_free(&b);
}

static void
bad_headers_are_refused(void **state)
{
    static const struct {
        uint32_t len;
        uint8_t type;
        uint16_t reserved;
        int want;
    } cases[] = {
        { FRAME_HEAD, FR_DRAIN, 0, FRAME_HEAD }, { FRAME_HEAD - 1, FR_DRAIN, 0, -1 },
        { 0, FR_DRAIN, 0, -1 },
        { FRAME_MAX, FR_DRAIN, 0, 0 },           { FRAME_MAX + 1, FR_DRAIN, 0, -1 },
        { UINT32_MAX, FR_DRAIN, 0, -1 },
        { FRAME_HEAD, 0, 0, -1 },            { FRAME_HEAD, FR_SWAP_FAILED + 1, 0, -1 },
        { FRAME_HEAD, FR_LINK + 1, 0, -1 },
        { FRAME_HEAD, FR_LINK_RECONNECT, 0, FRAME_HEAD },
        { FRAME_HEAD, FR_LINK_RECONNECT + 1, 0, -1 },
        { FRAME_HEAD, FR_DRAIN, 1, -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char h[FRAME_HEAD] = { 0 };
        struct frame f;
        memcpy(h, &cases[i].len, 4);
        h[4] = (char)cases[i].type;
        memcpy(h + 6, &cases[i].reserved, 2);
        assert_int_equal(frame_parse(h, sizeof h, &f), cases[i].want);
    }
}

static void
the_size_limit_holds_at_and_past_it(void **state)
{
    size_t n = FRAME_MAX - FRAME_HEAD - 4;
    char *big = calloc(1, n + 1);
    struct tbe_buf b = { 0 };
    struct frame f;
    size_t begin;

    (void)state;
    begin = frame_begin(&b, FR_LINK, 0, 0, 0, 1);
    frame_put_str(&b, (struct tbe_str){ big, n });
    assert_true(frame_end(&b, begin));
    assert_int_equal(frame_parse(b.p, b.n, &f), FRAME_MAX);
    b.n = 0;
    tbe_buf_putc(&b, 'k');
    begin = frame_begin(&b, FR_LINK, 0, 0, 0, 1);
    frame_put_str(&b, (struct tbe_str){ big, n + 1 });
    assert_false(frame_end(&b, begin));
    assert_int_equal(b.n, 1); /* taken back */
    tbe_buf_free(&b);
    free(big);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_cut_frame_needs_more_bytes),
        cmocka_unit_test(a_cut_payload_is_bad),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(the_size_limit_holds_at_and_past_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
