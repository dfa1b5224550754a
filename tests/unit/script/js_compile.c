/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript to C: what the text holds, what is refused and where, hostile texts, determinism. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "script/ast.h"
#include "script/script.h"

static struct script_result
compile(struct tbe_arena *a, const char *text)
{
    struct script_source in = { .text = tbe_strz(text), .dialect = TBE_DIALECT_JS, .symbol = "s0",
        .params = { "msg", "metadata", "msgType" }, .n_params = 3 };
    struct script_result r;
    assert_int_equal(script_compile(a, &in, &r), 0);
    return r;
}

static void
filter_is_one_line(void **state)
{
    struct tbe_arena a;
    (void)state;
    tbe_arena_init(&a, 0);
    struct script_result r = compile(&a, "return msg.temperature > 50;");
    assert_false(r.refused);
    assert_non_null(strstr(r.c.p, "    return tbe_bool(tbe_j_gt(x, tbe_j_get(x, v_msg, TBE_STR(\"temperature\"), "
                                  "&s0_h[0]), tbe_double(50.0)));\n"));
    assert_int_equal(r.uses, TBE_USES_MSG);
    assert_false(r.mutates_msg);
    struct script_result again = compile(&a, "return msg.temperature > 50;");
    assert_string_equal(r.c.p, again.c.p);
    tbe_buf_free(&r.c);
    tbe_buf_free(&again.c);
    tbe_arena_free(&a);
}

static void
hostile_text_stays_text(void **state)
{
    struct tbe_arena a;
    (void)state;
    tbe_arena_init(&a, 0);
    struct script_result r = compile(&a, "return '*/ \\\\\" ?\?/ \xC3\xA9' + msg['*/ system(\"x\"); /*']; // */ evil() /*");
    assert_false(r.refused);
    assert_null(strstr(r.c.p, "*/ evil"));
    assert_null(strstr(r.c.p, "*/ system(\"x\")"));
    assert_null(strstr(r.c.p, "?\?/"));
    for (size_t i = 0; i < r.c.n; i++) {
        assert_true(r.c.p[i] == '\n' || (r.c.p[i] >= 0x20 && r.c.p[i] < 0x7F));
    }
    tbe_buf_free(&r.c);
    tbe_arena_free(&a);
}

static void
refused_with_a_place(void **state)
{
    struct tbe_arena a;
    (void)state;
    tbe_arena_init(&a, 0);
    struct script_result r = compile(&a, "var a = 1;\n  class A {}\nreturn a;");
    assert_true(r.refused);
    assert_int_equal(r.diags[0].line, 2);
    assert_int_equal(r.diags[0].col, 3);
    assert_non_null(strstr(r.c.p, ".refused = \"classes are not supported"));
    tbe_buf_free(&r.c);
    tbe_arena_free(&a);
}

static void
a_declaration_alone_is_refused(void **state)
{
    struct tbe_arena a;
    (void)state;
    tbe_arena_init(&a, 0);
    struct script_result r = compile(&a, "var n = 0; while (n) let etu;");
    assert_true(r.refused);
    assert_non_null(strstr(r.c.p, "a declaration cannot stand alone here"));
    tbe_buf_free(&r.c);
    tbe_arena_free(&a);
}

/* The deepest nesting of open that still compiles; one more does not. */
static int
deepest(const char *open, const char *inner, const char *close)
{
    int deep = 0;
    for (bool ok = true; ok;) {
        struct tbe_arena a;
        struct tbe_buf b = { 0 };
        tbe_arena_init(&a, 0);
        for (int i = 0; i <= deep; i++) {
            tbe_buf_putz(&b, open);
        }
        tbe_buf_putz(&b, inner);
        for (int i = 0; i <= deep; i++) {
            tbe_buf_putz(&b, close);
        }
        tbe_buf_putc(&b, '\0');
        struct script_result r = compile(&a, b.p);
        ok = !r.refused;
        deep += ok;
        assert_true(deep < 1000);
        assert_true(ok || strstr(r.c.p, "nest") != NULL);
        tbe_buf_free(&r.c);
        tbe_buf_free(&b);
        tbe_arena_free(&a);
    }
    return deep;
}

static void
nesting_has_a_limit(void **state)
{
    (void)state;
    assert_in_range(deepest("(", "1", ")"), 30, AST_MAX_DEPTH);
    assert_in_range(deepest("[", "1", "]"), 30, AST_MAX_DEPTH);
    assert_in_range(deepest("{", "", "}"), 30, AST_MAX_DEPTH);
    assert_in_range(deepest("if (msg) ", ";", ""), 30, AST_MAX_DEPTH);
    assert_in_range(deepest("!", "1", ""), 30, AST_MAX_DEPTH);
    assert_in_range(deepest("(function () { ", "", "})"), 20, AST_MAX_DEPTH);
}

static void
size_has_a_limit(void **state)
{
    static char text[2 * SCRIPT_MAX_UNITS + 2];
    (void)state;
    for (int past = 0; past < 2; past++) {
        struct tbe_arena a;
        size_t n = 0;
        tbe_arena_init(&a, 0);
        text[n++] = '/', text[n++] = '/';
        for (int i = 2; i < SCRIPT_MAX_UNITS + past; i++) { /* units, not bytes, count */
            text[n++] = '\xC3', text[n++] = '\xA9';
        }
        text[n] = '\0';
        struct script_result r = compile(&a, text);
        assert_int_equal(r.refused, past);
        assert_int_equal(strstr(r.c.p, "exceeds maximum allowed size of 50000 symbols") != NULL, past);
        tbe_buf_free(&r.c);
        tbe_arena_free(&a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(filter_is_one_line), cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(refused_with_a_place),
        cmocka_unit_test(a_declaration_alone_is_refused), cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(size_has_a_limit) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
