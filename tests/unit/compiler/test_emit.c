/* SPDX-License-Identifier: Apache-2.0 */
/* The writers through which user text reaches C, and the children that run the C compiler. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drive/child.h"
#include "emit/ctext.h"

static void
literal_is(struct tbe_str in, const char *want)
{
    struct tbe_buf b = { 0 };
    ctext_string(&b, in);
    assert_string_equal(b.p, want);
    tbe_buf_free(&b);
}

static void
literals_cannot_be_left(void **state)
{
    (void)state;
    literal_is(TBE_STR("plain"), "\"plain\"");
    literal_is(TBE_STR("\"; x(); \""), "\"\\\"; x(); \\\"\"");
    literal_is(TBE_STR("a\\"), "\"a\\\\\"");
    literal_is(TBE_STR("?\?/?\?("), "\"?\\?/?\\?(\"");
    literal_is(TBE_STR("?\?\?"), "\"?\\?\\?\"");
    literal_is(TBE_STR("\n\t\0001"), "\"\\n\\011\\0001\"");
    literal_is(TBE_STR("\xC3\xA9" "9"), "\"\\303\\2519\"");
}

static void
every_byte_makes_safe_text(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (int d = 0; d < 256; d++) {
            char pair[2] = { (char)c, (char)d };
            struct tbe_buf b = { 0 };
            ctext_comment(&b, (struct tbe_str){ pair, 2 });
            for (size_t i = 0; i < b.n; i++) {
                assert_true(b.p[i] >= 32 && b.p[i] < 127);
            }
            assert_null(strstr(b.p, "*/"));
            assert_null(strstr(b.p, "/*"));
            assert_null(strstr(b.p, "?\?"));
            b.n = 0;
            ctext_string(&b, (struct tbe_str){ pair, 2 });
            for (size_t i = 0; i < b.n; i++) {
                assert_true(b.p[i] >= 32 && b.p[i] < 127);
            }
            assert_null(strstr(b.p, "?\?"));
            tbe_buf_free(&b);
        }
    }
}

static void
slugs_are_identifiers(void **state)
{
    struct tbe_arena a;
    (void)state;
    tbe_arena_init(&a, 0);
    assert_string_equal(ctext_slug(&a, TBE_STR("Has temperature?")).p, "has_temperature");
    assert_string_equal(ctext_slug(&a, TBE_STR("  ")).p, "node");
    assert_string_equal(ctext_slug(&a, TBE_STR("")).p, "node");
    assert_string_equal(ctext_slug(&a, TBE_STR("A--B")).p, "a_b");
    assert_int_equal(ctext_slug(&a, TBE_STR("aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd")).n, 32);
    tbe_arena_free(&a);
}

static struct child
shell(const char *const *argv)
{
    return (struct child){ .argv = argv, .seconds = 20, .output_max = 100 };
}

static void
children_report_status_and_output(void **state)
{
    static const char *const ok[] = { "sh", "-c", "echo out; echo err >&2", NULL };
    static const char *const bad[] = { "sh", "-c", "exit 7", NULL };
    static const char *const none[] = { "/no/such/program", NULL };
    (void)state;
    struct child c = shell(ok);
    assert_int_equal(children_run(&c, 1, 1), 0);
    assert_int_equal(c.output.n, 8);
    tbe_buf_free(&c.output);
    c = shell(bad);
    assert_int_equal(children_run(&c, 1, 1), -1);
    assert_int_equal(c.status, 7);
    tbe_buf_free(&c.output);
    c = shell(none);
    assert_int_equal(children_run(&c, 1, 1), -1);
    assert_int_equal(c.status, 127);
    assert_non_null(strstr(c.output.p, "cannot run"));
    tbe_buf_free(&c.output);
}

static void
children_are_stopped_in_time(void **state)
{
    static const char *const slow[] = { "sh", "-c", "sleep 60 & sleep 60", NULL };
    (void)state;
    struct child c = shell(slow);
    c.seconds = 1;
    assert_int_equal(children_run(&c, 1, 1), -1);
    assert_true(c.timed_out);
    tbe_buf_free(&c.output);
}

static void
children_are_limited_in_memory(void **state)
{
    static const char *const big[] = { "sh", "-c", "x=$(head -c 300000000 /dev/zero | tr '\\0' a); echo ${#x}", NULL };
    (void)state;
    struct child c = shell(big);
    c.memory = 100u << 20;
    assert_int_equal(children_run(&c, 1, 1), -1);
    tbe_buf_free(&c.output);
}

static void
output_is_cut(void **state)
{
    static const char *const full[] = { "sh", "-c", "head -c 100 /dev/zero", NULL };
    static const char *const over[] = { "sh", "-c", "head -c 101 /dev/zero", NULL };
    (void)state;
    struct child c[2] = { shell(full), shell(over) };
    assert_int_equal(children_run(c, 2, 2), 0);
    assert_int_equal(c[0].output.n, 100);
    assert_false(c[0].cut);
    assert_int_equal(c[1].output.n, 100);
    assert_true(c[1].cut);
    tbe_buf_free(&c[0].output);
    tbe_buf_free(&c[1].output);
}

static void
nothing_starts_after_a_failure(void **state)
{
    static const char *const bad[] = { "false", NULL };
    static const char *const good[] = { "true", NULL };
    (void)state;
    struct child c[3] = { shell(good), shell(bad), shell(good) };
    assert_int_equal(children_run(c, 3, 1), -1);
    assert_int_equal(c[0].status, 0);
    assert_int_equal(c[1].status, 1);
    assert_int_equal(c[2].status, -1);
    for (int i = 0; i < 3; i++) {
        tbe_buf_free(&c[i].output);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_cannot_be_left),        cmocka_unit_test(every_byte_makes_safe_text),
        cmocka_unit_test(slugs_are_identifiers),          cmocka_unit_test(children_report_status_and_output),
        cmocka_unit_test(children_are_stopped_in_time),   cmocka_unit_test(children_are_limited_in_memory),
        cmocka_unit_test(output_is_cut),                  cmocka_unit_test(nothing_starts_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
