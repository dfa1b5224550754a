/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL's parser: what it accepts, the engine's words for what it does not, and its limits. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "script/ast.h"
#include "script/script.h"

static struct ast *
parse(struct tbe_arena *a, struct tbe_str text, struct ast_ctx *c)
{
    *c = (struct ast_ctx){ .a = a, .text = text };
    return tbel_parse(c);
}

/* The shape of an expression as text: enough to see precedence. */
static void
shape(struct tbe_buf *b, const struct ast *n)
{
    static const char *const ops[OP_COUNT] = {
        [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_POW] = "**", [OP_GT] = ">", [OP_EQ] = "==",
        [OP_AND] = "&&", [OP_OR] = "||", [OP_OR_EMPTY] = "or", [OP_BAND] = "&", [OP_SHL] = "<<", [OP_NEG] = "neg",
        [OP_NOT] = "!", [OP_CONTAINS] = "contains", [OP_INSTANCEOF] = "is",
    };
    switch (n->kind) {
    case AST_LITERAL:
        tbe_json_write(b, n->v, TBE_OUT_JAVA);
        return;
    case AST_IDENT:
        tbe_buf_puts(b, n->s);
        return;
    case AST_MEMBER:
        shape(b, n->a);
        tbe_buf_fmt(b, "%s%.*s", n->flags & AST_F_NULLSAFE ? ".?" : ".", (int)n->s.n, n->s.p);
        return;
    case AST_CHAIN:
        shape(b, n->a);
        return;
    default:
        break;
    }
    const char *op = n->kind == AST_COND ? "?" : n->kind == AST_ASSIGN ? "=" : n->kind == AST_CALL ? "call"
                   : n->kind == AST_CAST ? "cast" : n->kind == AST_FOLD ? "fold" : n->kind == AST_MAP ? "map"
                   : n->kind == AST_PROP ? "prop" : n->kind == AST_LIST ? "list" : ops[n->op];
    tbe_buf_fmt(b, "(%s", op ? op : "?");
    const struct ast *kids[] = { n->a, n->b, n->c };
    for (int i = 0; i < 3; i++) {
        if (kids[i] != NULL) {
            tbe_buf_putc(b, ' ');
            shape(b, kids[i]);
        }
    }
    for (const struct ast *k = n->list; k != NULL; k = k->next) {
        tbe_buf_putc(b, ' ');
        shape(b, k);
    }
    tbe_buf_putc(b, ')');
}

static void
test_shapes(void **state)
{
    static const struct {
        const char *script, *want;
    } t[] = {
        { "a + b * c", "(+ a (* b c))" }, { "a ** b ** c", "(** (** a b) c)" }, { "a == b && c || d", "(|| (&& (== a b) c) d)" },
        { "a or b or c", "(or (or a b) c)" }, { "-a.b + 3", "(+ (neg a.b) 3)" }, { "a ? b : c ? d : e", "(? a b (? c d e))" },
        { "2 * 3 + a", "(+ 6 a)" }, { "7 / 2", "3.5" }, { "1700000000 * 1000", "1700000000000" }, { "-2147483648", "-2147483648" },
        { "(int) a * 2", "(* (cast a) 2)" }, { "a.?b.c", "a.?b.c" }, { "a.if.class", "a.if.class" },
        { "($ * 2 in a if $ > 1)", "(fold (* $ 2) a (> $ 1))" }, { "(name in a)", "(fold $.name a)" },
        { "{a: 1, 'b c': [2]}", "(map (prop \"a\" 1) (prop \"b c\" (list 2)))" }, { "{1, 2}", "(list 1 2)" },
        { "{t: a ? 1 : 2}", "(map (prop 1 2))" }, { "java.lang.Math.abs(a)", "(call Math.abs a)" },
        { "a contains b && !c", "(&& (contains a b) (! c))" }, { "x is Integer == true", "(== (is x Integer) true)" },
        { "a << b + c", "(<< a (+ b c))" }, { "x = y = 1", "(= x (= y 1))" }, { "\"\\u00E9\\101\"", "\"\u00e9A\"" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct tbe_arena a;
        struct ast_ctx c;
        struct tbe_buf b = { 0 };
        tbe_arena_init(&a, 0);
        struct ast *n = parse(&a, tbe_strz(t[i].script), &c);
        if (n == NULL) {
            fail_msg("%s: %.*s", t[i].script, (int)c.diags[0].msg.n, c.diags[0].msg.p);
        }
        assert_int_equal(n->list->kind, AST_EXPR);
        shape(&b, n->list->a);
        assert_string_equal(b.p, t[i].want);
        tbe_buf_free(&b);
        tbe_arena_free(&a);
    }
}

static void
test_errors(void **state)
{
    static const struct {
        const char *script, *want;
        int line, col;
    } t[] = {
        { "99999999999999999999", "badly formatted number: For input string: \"99999999999999999999\"", 1, 1 },
        { "0b101", "invalid number literal: 0b101", 1, 1 }, { "5.toString()", "invalid number literal: ", 1, 1 },
        { "\"abc", "unterminated string literal", 1, 1 }, { "\"\\x41\"", "illegal escape sequence: x", 1, 1 },
        { "\"\\u00e9\"", "illegal unicode escape sequence", 1, 1 }, { "var a = 1;\nvar b = 2\nreturn a;", "Unterminated statement!", 3, 1 },
        { "let x = 5;", "unknown class or illegal statement: let", 1, 5 }, { "a b", "unknown class or illegal statement: a", 1, 3 },
        { "1 !== 2", "Invalid operator: =", 0, 0 },
        { "(1 + 2", "unbalanced braces in expression: (1):", 0, 0 },
        { "[1, 2", "unbalanced braces [ ... ]", 0, 0 }, { "{a: 1", "unbalanced braces { ... }", 0, 0 },
        { "if (a { return 1; }", "unbalanced braces ( ... )", 0, 0 }, { "{a: 1}}", "unbalanced braces", 0, 0 },
        { "if", "unexpected end of statement", 0, 0 }, { "if () { }", "statement expected", 0, 0 }, { "1 +", "Invalid expression", 0, 0 },
        { "import java.util.HashMap;", "Import is forbidden!", 1, 1 }, { "function if(a) { }", "illegal function name or use of reserved word", 0, 0 },
        { "5 = x", "not an identifier: 5", 0, 0 }, { "x = = 5", "Invalid operator: =", 0, 0 }, { "1 % 0", "arithmetic error: / by zero", 0, 0 },
        { "switch (a) { case 1: b = 1; case 2: b = 2; break; }", "case without switch", 0, 0 }, { "else { }", "else without if", 1, 1 },
        { "@foo", "reference to undefined interceptor: foo", 0, 0 }, { "\"a\" \"b\"", "unexpected token: ", 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct tbe_arena a;
        struct ast_ctx c;
        tbe_arena_init(&a, 0);
        if (parse(&a, tbe_strz(t[i].script), &c) != NULL) {
            fail_msg("%s: accepted", t[i].script);
        }
        struct tbe_str m = c.diags[0].msg;
        if (memmem(m.p, m.n, t[i].want, strlen(t[i].want)) == NULL) {
            fail_msg("%s: want %s, got %.*s", t[i].script, t[i].want, (int)m.n, m.p);
        }
        if (t[i].line > 0) {
            assert_int_equal(c.diags[0].line, t[i].line);
            assert_int_equal(c.diags[0].col, t[i].col);
        }
        tbe_arena_free(&a);
    }
}

static bool
accepted(const char *open, const char *mid, const char *close, size_t n)
{
    struct tbe_buf b = { 0 };
    struct tbe_arena a;
    struct ast_ctx c;
    for (size_t i = 0; i < n; i++) {
        tbe_buf_putz(&b, open);
    }
    tbe_buf_putz(&b, mid);
    for (size_t i = 0; i < n; i++) {
        tbe_buf_putz(&b, close);
    }
    tbe_arena_init(&a, 0);
    bool ok = parse(&a, tbe_buf_str(&b), &c) != NULL;
    assert_true(ok || c.n_diags > 0);
    tbe_arena_free(&a);
    tbe_buf_free(&b);
    return ok;
}

/* Nesting and chains of any length give an error, never a deep recursion. */
static void
test_limits(void **state)
{
    (void)state;
    assert_true(accepted("(", "1", ")", 20));
    assert_false(accepted("(", "1", ")", 30000));
    assert_false(accepted("[", "1", "]", 30000));
    assert_false(accepted("{a:", "1", "}", 30000));
    assert_false(accepted("-", "x", "", 30000));
    assert_false(accepted("!", "x", "", 30000));
    assert_false(accepted("if (a) { ", "x;", "}", 10000));
    assert_false(accepted("if (a) { } else ", "{ }", "", 10000));
    assert_true(accepted("a + ", "a", "", 400));
    assert_false(accepted("a + ", "a", "", 30000));
    assert_false(accepted("", "a", ".b", 30000));
    assert_false(accepted("a ? b : ", "c", "", 20000));
    assert_false(accepted("x = ", "1", "", 30000));
    assert_true(accepted("a = 1;\n", "a", "", 20000)); /* statements may be many */
    assert_false(accepted("a = 1;\n", "a", "", AST_MAX_TEXT / 7 + 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
