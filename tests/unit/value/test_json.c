/* SPDX-License-Identifier: Apache-2.0 */
/* The strict and the lenient reader, and the three writers. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tbe/value.h"

static struct tbe_arena arena;

static int
setup(void **state)
{
    (void)state;
    tbe_arena_init(&arena, 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tbe_arena_free(&arena);
    return 0;
}

/* A copy of exactly its length, so that the sanitizers see a byte read too many. */
static struct tbe_str
exact(const char *p, size_t n)
{
    static char *last;
    free(last);
    last = malloc(n > 0 ? n : 1);
    assert_non_null(last);
    memcpy(last, p, n);
    return (struct tbe_str){ last, n };
}

static tbe_val
parse(const char *text, unsigned flags)
{
    tbe_val v = TBE_UNDEF_VAL;
    struct tbe_json_err e = { 0, "" };
    if (tbe_json_parse(&arena, tbe_arena_dup(&arena, tbe_strz(text)), flags, &v, &e) != 0) {
        fail_msg("%s: %s at %zu", text, e.msg, e.offset);
    }
    return v;
}

static void
expect_text(const char *text, unsigned in, unsigned out, const char *want)
{
    const struct tbe_str got = tbe_json_text(&arena, parse(text, in), out);
    if (!tbe_str_eqz(got, want)) {
        fail_msg("%s: got %.*s, want %s", text, (int)got.n, got.p, want);
    }
}

static void
expect_error(const char *text, size_t n, unsigned flags, size_t offset)
{
    tbe_val v;
    struct tbe_json_err e = { 9999, NULL };
    if (tbe_json_parse(&arena, exact(text, n), flags, &v, &e) == 0) {
        fail_msg("%.*s: taken", (int)n, text);
    }
    assert_non_null(e.msg);
    if (e.offset != offset) {
        fail_msg("%.*s: \"%s\" at %zu, want %zu", (int)n, text, e.msg, e.offset, offset);
    }
}

static void
test_numbers(void **state)
{
    (void)state;
    tbe_val v = parse("2147483647", 0);
    assert_int_equal(v.t, TBE_INT);
    v = parse("2147483648", 0);
    assert_int_equal(v.t, TBE_LONG);
    v = parse("-2147483648", 0);
    assert_int_equal(v.t, TBE_INT);
    v = parse("9223372036854775807", 0);
    assert_true(v.t == TBE_LONG && v.u.i == INT64_MAX);
    v = parse("-9223372036854775808", 0);
    assert_true(v.t == TBE_LONG && v.u.i == INT64_MIN);
    v = parse("9223372036854775808", 0);
    assert_int_equal(v.t, TBE_BIGINT);
    assert_true(tbe_str_eqz(tbe_val_str(v), "9223372036854775808"));
    v = parse("-0", 0);
    assert_true(v.t == TBE_INT && v.u.i == 0);
    v = parse("1.0", 0);
    assert_true(v.t == TBE_DOUBLE && v.u.d == 1.0);
    v = parse("1e3", 0);
    assert_true(v.t == TBE_DOUBLE && v.u.d == 1000.0);
    v = parse("-0.0", 0);
    assert_true(v.t == TBE_DOUBLE && signbit(v.u.d));
    v = parse("1e999", 0);
    assert_true(v.t == TBE_DOUBLE && isinf(v.u.d));
    v = parse("60", TBE_JSON_JS);
    assert_true(v.t == TBE_DOUBLE && v.u.d == 60);
    v = parse("-0", TBE_JSON_JS);
    assert_true(v.t == TBE_DOUBLE && signbit(v.u.d));
    v = parse("12345678901234567890", TBE_JSON_JS);
    assert_true(v.t == TBE_DOUBLE && v.u.d == 12345678901234567890.0);
    v = parse("1.50e+07", TBE_JSON_RAW);
    assert_int_equal(v.t, TBE_NUM);
    assert_true(tbe_str_eqz(tbe_val_str(v), "1.50e+07"));
    char digits[TBE_JSON_MAX_NUMBER + 2];
    memset(digits, '7', sizeof digits);
    digits[TBE_JSON_MAX_NUMBER] = '\0';
    assert_int_equal(parse(digits, 0).t, TBE_BIGINT);
    expect_error((memset(digits, '7', sizeof digits), digits), TBE_JSON_MAX_NUMBER + 1, 0,
                 TBE_JSON_MAX_NUMBER + 1);
}

static void
test_strict_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
    } rows[] = {
        { "", 0 }, { "  ", 2 }, { "{", 1 }, { "}", 0 }, { "[", 1 }, { "[1,]", 3 }, { "[1 2]", 3 },
        { "{\"a\":1,}", 7 },
        { "{\"a\" 1}", 5 }, { "{\"a\":}", 5 }, { "{a:1}", 1 }, { "{'a':1}", 1 }, { "01", 2 },
        { "-", 1 }, { "+1", 0 },
        { ".5", 0 }, { "1.", 2 }, { "1e", 2 }, { "1e+", 3 }, { "1.5.5", 3 }, { "0x10", 1 },
        { "NaN", 0 }, { "tru", 0 },
        { "TRUE", 0 }, { "nullx", 4 }, { "\"abc", 4 }, { "\"a\nb\"", 2 }, { "\"a\tb\"", 2 },
        { "\"\\x\"", 2 },
        { "\"\\u12\"", 3 }, { "\"\\u12g4\"", 3 }, { "\"\\", 2 }, { "1 2", 2 }, { "{} x", 3 },
        { "[1]]", 3 },
        { "// c\n1", 0 }, { "\xef\xbb\xbf" "1", 0 }, { "\"\xff\"", 1 }, { "\"\xc3\"", 1 },
        { "\"\xc0\x80\"", 1 },
        { "\"\xf4\x90\x80\x80\"", 1 }, { "\"\xe2\x82\"", 1 }, { "{1:2}", 1 }, { "[1}", 2 },
        { "{\"a\":1]", 6 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_error(rows[i].text, strlen(rows[i].text), 0, rows[i].offset);
        expect_error(rows[i].text, strlen(rows[i].text), TBE_JSON_BORROW | TBE_JSON_RAW,
                     rows[i].offset);
    }
    expect_error("1\0", 2, 0, 1);
    tbe_val v;
    assert_int_equal(tbe_json_parse(&arena, TBE_STR("{\"a\":1} trailing"), TBE_JSON_PREFIX, &v,
                                    NULL), 0);
    assert_int_equal(v.t, TBE_MAP);
    assert_int_equal(tbe_json_parse(&arena, TBE_STR_NONE, 0, &v, NULL), -1);
}

static void
test_strings(void **state)
{
    (void)state;
    expect_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 0, 0, "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    expect_text("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", 0, 0,
                "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    tbe_val v = parse("\"a\\ud800b\"", 0);
    assert_int_equal(v.n, 5); /* WTF-8 */
    assert_memory_equal(v.u.s, "a\xed\xa0\x80" "b", 5);
    assert_int_equal(v.ascii, 0);
    v = parse("\"\\udc00\\ud800\"", 0); /* the wrong order is two lone ones */
    assert_int_equal(v.n, 6);
    assert_int_equal(parse("\"\xed\xa0\x80\"", 0).n, 3); /* our own text comes back */
    assert_int_equal(parse("\"plain text of some length\"", 0).ascii, 1);
    assert_int_equal(parse("\"pl\\u0041in\"", 0).ascii, 1);
    assert_int_equal(parse("\"pl\xc3\xa4in\"", 0).ascii, 0);
    assert_int_equal(parse("\"pl\xc3\xa4in\"", TBE_JSON_BORROW).ascii, 0);
    v = parse("\"a\\u0000b\"", 0);
    assert_int_equal(v.n, 3);
    /* every alignment of the fast scan, with a special byte at every place */
    for (size_t n = 0; n < 40; n++) {
        char text[64] = "\"";
        memset(text + 1, 'x', n);
        strcpy(text + 1 + n, "\\n\"");
        assert_int_equal(parse(text, 0).n, n + 1);
        strcpy(text + 1 + n, "\x01\"");
        expect_error(text, strlen(text), 0, n + 1);
        strcpy(text + 1 + n, "\x7f\"");
        assert_int_equal(parse(text, TBE_JSON_BORROW).n, n + 1);
        strcpy(text + 1 + n, "\xc3\xa4\"");
        assert_int_equal(parse(text, 0).n, n + 2);
    }
    const struct tbe_str text = TBE_STR("[\"abc\",\"d\\te\"]");
    assert_int_equal(tbe_json_parse(&arena, text, TBE_JSON_BORROW, &v, NULL), 0);
    assert_ptr_equal(v.u.l->v[0].u.s, text.p + 2);
    assert_false(v.u.l->v[1].u.s >= text.p && v.u.l->v[1].u.s < text.p + text.n);
}

static void
test_objects(void **state)
{
    (void)state;
    expect_text(" { \"b\" : 1 , \"a\" : [ ] , \"b\" : { } } ", 0, 0, "{\"b\":{},\"a\":[]}");
    expect_text("{\"a\":null,\"b\":[null,{\"c\":null}]}", TBE_JSON_DROP_NULLS, 0,
                "{\"b\":[null,{}]}");
    expect_text("{\"a\":1,\"a\":null}", TBE_JSON_DROP_NULLS, 0, "{}");
    expect_text("{\"__proto__\":1}", TBE_JSON_JS, TBE_OUT_JS, "{\"__proto__\":1}");
    struct tbe_buf b = { 0 }, want = { 0 };
    tbe_buf_putc(&b, '{');
    for (int i = 0; i < 1000; i++) {
        tbe_buf_fmt(&b, "%s\"key%d\":%d", i ? "," : "", i % 700, i);
    }
    tbe_buf_putc(&b, '}');
    const tbe_val v = parse(b.p, 0);
    assert_int_equal(v.u.m->live, 700);
    for (int i = 0; i < 700; i++) {
        want.n = 0;
        tbe_buf_fmt(&want, "key%d", i);
        assert_int_equal(tbe_map_get(v.u.m, tbe_buf_str(&want)).u.i, i < 300 ? i + 700 : i);
        assert_true(tbe_str_eq(tbe_val_str(v.u.m->e[i].key), tbe_buf_str(&want)));
    }
    tbe_buf_free(&b);
    tbe_buf_free(&want);
}

static void
nested(struct tbe_buf *b, int depth, const char *open, const char *inner, const char *close)
{
    b->n = 0;
    for (int i = 0; i < depth; i++) {
        tbe_buf_putz(b, open);
    }
    tbe_buf_putz(b, inner);
    for (int i = 0; i < depth; i++) {
        tbe_buf_putz(b, close);
    }
}

static void
test_depth(void **state)
{
    (void)state;
    static const char *const shapes[][3] = { { "[", "1", "]" }, { "{\"a\":", "1", "}" },
        { "{a:", "x", "}" } };
    struct tbe_buf b = { 0 };
    for (size_t i = 0; i < 3; i++) {
        const unsigned flags = i == 2 ? TBE_JSON_LENIENT : 0;
        nested(&b, TBE_JSON_MAX_DEPTH, shapes[i][0], shapes[i][1], shapes[i][2]);
        const tbe_val v = parse(b.p, flags);
        const struct tbe_str text = tbe_json_text(&arena, v, 0);
        assert_non_null(text.p);
        assert_true(i == 2 || tbe_str_eq(text, tbe_buf_str(&b)));
        assert_true(tbe_val_same(tbe_val_copy(&arena, v), v));
        nested(&b, TBE_JSON_MAX_DEPTH + 1, shapes[i][0], shapes[i][1], shapes[i][2]);
        tbe_val bad;
        assert_int_equal(tbe_json_parse(&arena, tbe_buf_str(&b), flags, &bad, NULL), -1);
    }
    nested(&b, 200000, "[", "", ""); /* must not use up the stack */
    tbe_val bad;
    assert_int_equal(tbe_json_parse(&arena, tbe_buf_str(&b), TBE_JSON_LENIENT, &bad, NULL), -1);
    assert_true(tbe_json_gson_error(&arena, tbe_buf_str(&b)).n > 0);
    tbe_buf_free(&b);
}

/* What Gson takes beyond RFC 8259 (facts/device-apis.md 4.1). */
static void
test_lenient(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "", "null" }, { " \n\t", "null" }, { "// only a comment", "null" },
        { "{a:1,'b':'x\"y',\"c\":z}", "{\"a\":1,\"b\":\"x\\\"y\",\"c\":\"z\"}" },
        { "{/*x*/\"a\"/**/:#y\n1}", "{\"a\":1}" }, { "{\"a\":1;\"b\":2}", "{\"a\":1,\"b\":2}" },
        { "{\"a\"=1,\"b\"=>2}", "{\"a\":1,\"b\":2}" }, { "[1,,2]", "[1,null,2]" },
        { "[1,]", "[1,null]" },
        { "[,]", "[null,null]" }, { "[;]", "[null,null]" }, { "[]", "[]" }, { "NaN", "\"NaN\"" },
        { "-Infinity", "\"-Infinity\"" },
        { "007", "\"007\"" }, { "-01", "\"-01\"" }, { "0x1F", "\"0x1F\"" }, { "5", "5" },
        { "+5", "\"+5\"" }, { ".5", "\".5\"" },
        { "1.", "\"1.\"" }, { ")]}'\n[1]", "[1]" }, { "  )]}'\n1", "1" },
        { "\xef\xbb\xbf{}", "{}" }, { "\"a\nb\tc\"", "\"a\\nb\\tc\"" },
        { "TRUE", "true" }, { "faLSE", "false" }, { "Null", "null" }, { "trueX", "\"trueX\"" },
        { "null x", "null" },
        { "'it\\'s'", "\"it's\"" }, { "\"a\\\nb\"", "\"a\\nb\"" },
        { "{\"a\":1,\"a\":2}", "{\"a\":2}" }, { "[1;2]", "[1,2]" },
        { "\"\xff\xfe\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" }, { "\"\xc3(\"", "\"\xef\xbf\xbd(\"" },
        { "\"\xe2\x82\"", "\"\xef\xbf\xbd\"" },
        { "\"\xed\xa0\x80\"", "\"\xef\xbf\xbd\"" }, { "\"\xf0\x9f\x98\"", "\"\xef\xbf\xbd\"" },
        { "\"\xc0\xaf\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "1 \n", "1" }, { "{\"a\":b c}", NULL }, { "[a b]", NULL }, { "{,}", NULL },
        { "{\"a\":1,}", NULL }, { "{\"a\":,}", NULL },
        { "{\"a\"}", NULL }, { "{\"a\":1", NULL }, { "[1", NULL }, { "'x", NULL },
        { "1 // c", NULL }, { "1 x", NULL },
        { "1 /", NULL }, { "/* x", NULL }, { "\"\\x\"", NULL }, { "\"\\u12\"", NULL },
        { "\"\\", NULL }, { "]", NULL },
        { "}", NULL }, { ",", NULL }, { ":", NULL }, { "{1:2}", "{\"1\":2}" }, { "{{}:1}", NULL },
        { "a\\b", NULL },
        { "{\"a\":1}}", NULL }, { "[1]]", NULL }, { "{\"a\"=>", NULL }, { "{\"a\"=", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tbe_val v;
        struct tbe_json_err e = { 0, NULL };
        const struct tbe_str text = exact(rows[i][0], strlen(rows[i][0]));
        if (rows[i][1] != NULL) {
            expect_text(rows[i][0], TBE_JSON_LENIENT | TBE_JSON_RAW, 0, rows[i][1]);
            assert_int_equal(tbe_json_gson_error(&arena, text).n, 0);
        } else {
            if (tbe_json_parse(&arena, text, TBE_JSON_LENIENT, &v, &e) == 0) {
                fail_msg("%s: taken", rows[i][0]);
            }
            assert_non_null(e.msg);
            assert_true(e.offset <= text.n);
            const struct tbe_str words = tbe_json_gson_error(&arena, text);
            assert_non_null(strstr(words.p, " at line "));
        }
    }
    expect_error("{}\0", 3, TBE_JSON_LENIENT, 3);
}

static void
test_gson_words(void **state)
{
    (void)state;
#define MALFORMED "com.google.gson.stream.MalformedJsonException: "
#define SEE "\nSee https://github.com/google/gson/blob/main/Troubleshooting.md#malformed-json"
    static const char *const rows[][2] = { /* the first ones recorded */
        { "{\"a\":,\"b\":1}", MALFORMED "Unexpected value at line 1 column 7 path $.a" SEE },
        { "{\"a\":1,}", MALFORMED "Expected name at line 1 column 9 path $.a" SEE },
        { "{", "java.io.EOFException: End of input at line 1 column 2 path $." },
        { "}", MALFORMED "Expected value at line 1 column 1 path $" SEE },
        { "{\"a\":\"x", MALFORMED "Unterminated string at line 1 column 8 path $.a" SEE },
        { "{\"a\":\"\\x41\"}",
        MALFORMED "Invalid escape sequence at line 1 column 9 path $.a" SEE },
        { "{\"a\":\"\\u12\"}",
        MALFORMED "Malformed Unicode escape \\u12\"} at line 1 column 9 path $.a" SEE },
        { "{\"a\":1} x",
        MALFORMED "Use JsonReader.setStrictness(Strictness.LENIENT) to accept malformed JSON "
                         "at line 1 column 10 path $" SEE },
        { "{\"a\":[1,\n {\"b\":2 3}]}",
        MALFORMED "Unterminated object at line 2 column 10 path $.a[1].b" SEE },
        { "[\"\xc3\xa4\xf0\x9f\x98\x80\" x]",
        MALFORMED "Unterminated array at line 1 column 9 path $[1]" SEE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tbe_str got = tbe_json_gson_error(&arena, tbe_strz(rows[i][0]));
        assert_string_equal(got.p, rows[i][1]);
    }
}

static void
test_write(void **state)
{
    (void)state;
    const tbe_val list = tbe_list_new(&arena, 0);
    const double ds[] = { 5, 1e10, 1e21, 0.1, -0.0, NAN, INFINITY, -INFINITY, 1e-7 };
    for (size_t i = 0; i < sizeof ds / sizeof ds[0]; i++) {
        tbe_list_push(&arena, list.u.l, tbe_double(ds[i]));
    }
    tbe_list_push(&arena, list.u.l, (tbe_val){ .t = TBE_FLOAT, .u = { .d = 0.1f } });
    tbe_list_push(&arena, list.u.l, (tbe_val){ .t = TBE_CHAR, .u = { .i = 'x' } });
    tbe_list_push(&arena, list.u.l, TBE_UNDEF_VAL);
    assert_string_equal(tbe_json_text(&arena, list, TBE_OUT_JAVA).p,
                        "[5.0,1.0E10,1.0E21,0.1,-0.0,\"NaN\",\"Infinity\",\"-Infinity\",1.0E-7,0.1,\"x\",null]");
    assert_string_equal(tbe_json_text(&arena, list, TBE_OUT_JS).p,
                        "[5,10000000000,1e+21,0.1,0,null,null,null,1e-7,0.10000000149011612,\"x\",null]");
    const tbe_val map = tbe_map_new(&arena, 0), set = tbe_set_new(&arena, 0);
    tbe_map_put_val(&arena, set.u.m, tbe_int(3), TBE_NULL_VAL);
    tbe_map_put(&arena, map.u.m, TBE_STR("u"), TBE_UNDEF_VAL);
    tbe_map_put(&arena, map.u.m, TBE_STR("n"), TBE_NULL_VAL);
    tbe_map_put(&arena, map.u.m, TBE_STR("h<>&='"),
                tbe_strv(TBE_STR("\x01\x1f\x7f\xe2\x80\xa8/\xed\xa0\x80<")));
    tbe_map_put_val(&arena, map.u.m, tbe_int(7), set);
    assert_string_equal(tbe_json_text(&arena, map, TBE_OUT_JAVA).p,
                        "{\"u\":null,\"n\":null,\"h<>&='\":\"\\u0001\\u001F\x7f\xe2\x80\xa8/\xed\xa0\x80<\",\"7\":[3]}");
    assert_string_equal(tbe_json_text(&arena, map, TBE_OUT_JS).p,
                        "{\"n\":null,\"h<>&='\":\"\\u0001\\u001f\x7f\xe2\x80\xa8/\\ud800<\",\"7\":[3]}");
    assert_string_equal(tbe_json_text(&arena, map, TBE_OUT_GSON).p,
                        "{\"h\\u003c\\u003e\\u0026\\u003d\\u0027\":\"\\u0001\\u001f\x7f\\u2028/?\\u003c\",\"7\":[3]}");
    assert_string_equal(tbe_json_text(&arena, map, TBE_OUT_GSON | TBE_OUT_NO_HTML).p,
                        "{\"u\":null,\"n\":null,\"h<>&='\":\"\\u0001\\u001f\x7f\\u2028/?<\",\"7\":[3]}");
    struct tbe_buf b = { 0 };
    tbe_json_write_str(&b, TBE_STR("a\"b\xc3\xa4\n"));
    assert_string_equal(b.p, "\"a\\\"b\xc3\xa4\\n\"");
    tbe_buf_free(&b);
}

static void
test_java_text(void **state)
{
    (void)state;
    struct tbe_buf b = { 0 };
    tbe_java_text(&b,
                  parse("{\"k\":\"v\",\"l\":[1,2.0,null,\"a\",{}],\"b\":true,\"big\":12345678901234567890}", 0));
    assert_string_equal(b.p, "{k=v, l=[1, 2.0, null, a, {}], b=true, big=12345678901234567890}");
    tbe_buf_free(&b);
}

static void
test_cycle(void **state)
{
    (void)state;
    const tbe_val list = tbe_list_new(&arena, 0), other = tbe_list_new(&arena, 0);
    tbe_list_push(&arena, list.u.l, list);
    tbe_list_push(&arena, other.u.l, other);
    struct tbe_buf b = { 0 };
    tbe_json_write(&b, list, 0);
    assert_true(b.oom);
    tbe_buf_free(&b);
    tbe_java_text(&b, list);
    assert_true(b.oom);
    tbe_buf_free(&b);
    assert_null(tbe_json_text(&arena, list, 0).p);
    assert_int_equal(tbe_val_copy(&arena, list).t, TBE_UNDEF);
    assert_false(tbe_val_same(list, other));
}

static jmp_buf full;

static void
on_full(void *arg, size_t wanted)
{
    (void)arg;
    (void)wanted;
    longjmp(full, 1);
}

/* Every limit: the whole value or an error, with and without on_full (nothing may leak:
 * sanitizers). */
static void
test_no_memory(void **state)
{
    (void)state;
    static const struct tbe_str text = TBE_STR_INIT("{\"a\":[1,2,3,4,5,\"x\\n\"],\"b\":{\"c\":12345678901234567890,\"d\":1,"
                                                    "\"e\":2,\"f\":3,\"g\":4,\"h\":5,\"i\":6,\"j\":7,\"k\":8,\"l\":9}}");
    volatile bool parsed = false, refused = false, thrown = false;
    for (volatile size_t limit = 16; limit < 6000; limit += 16) {
        struct tbe_arena a;
        tbe_val v;
        tbe_arena_init(&a, limit);
        if (tbe_json_parse(&a, text, 0, &v, NULL) == 0) {
            parsed = true;
            const tbe_val copy = tbe_val_copy(&a, v);
            assert_true(copy.t == TBE_UNDEF || tbe_val_same(copy, v));
            const struct tbe_str out = tbe_json_text(&a, v, 0);
            assert_true(out.p == NULL || tbe_str_eq(out, text));
        } else {
            refused = true;
        }
        tbe_arena_reset(&a);
        a.on_full = on_full;
        if (setjmp(full) == 0) {
            assert_int_equal(tbe_json_parse(&a, text, 0, &v, NULL), 0);
            tbe_json_text(&a, v, 0);
        } else {
            thrown = true;
        }
        tbe_arena_free(&a);
    }
    assert_true(parsed && refused && thrown);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_strict_refuses),
            cmocka_unit_test(test_strings),
        cmocka_unit_test(test_objects), cmocka_unit_test(test_depth),
                     cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_gson_words), cmocka_unit_test(test_write),
                  cmocka_unit_test(test_java_text),
        cmocka_unit_test(test_cycle),   cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
