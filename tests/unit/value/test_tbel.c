/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL's operators, methods, statics and dates, as tables of calls and the text of what comes out. The
 * cases are behaviour recorded from the real engine (facts/tbel.md). */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tbe/tbel.h"

struct row {
    const char *self; /* JSON, or a Java literal ending in L or f */
    const char *name; /* operator, method, or Class.function; ".x" reads a property */
    const char *args; /* JSON list */
    const char *want; /* JSON text; "!" and a part of the error */
};

static const struct {
    const char *name;
    tbe_t_fn *fn;
} statics[] = {
#define BUILTIN(cls, name, fn, type) { cls "." name, fn },
#include "tbe/tbel_builtins.def"
};

static const struct {
    const char *name;
    tbe_val (*fn)(struct tbe_x *, tbe_val, tbe_val);
} values[] = {
    { "+", tbe_t_add }, { "-", tbe_t_sub }, { "*", tbe_t_mul }, { "/", tbe_t_div }, { "%", tbe_t_rem },
    { "**", tbe_t_pow }, { "&", tbe_t_band }, { "|", tbe_t_bor }, { "^", tbe_t_bxor }, { "<<", tbe_t_shl },
    { ">>", tbe_t_shr }, { ">>>", tbe_t_ushr }, { "#", tbe_t_concat }, { "i/", tbe_t_idiv }, { "i*", tbe_t_imul },
    { "[]", tbe_t_index },
};
static const struct {
    const char *name;
    bool (*fn)(struct tbe_x *, tbe_val, tbe_val);
} truths[] = {
    { "==", tbe_t_eq }, { "!=", tbe_t_ne }, { "<", tbe_t_lt }, { "<=", tbe_t_le }, { ">", tbe_t_gt },
    { ">=", tbe_t_ge }, { "contains?", tbe_t_contains }, { "~=", tbe_t_match }, { "soundslike", tbe_t_soundslike },
};

static tbe_val
read_value(struct tbe_arena *a, const char *text)
{
    tbe_val v;
    size_t n = strlen(text);
    char last = n ? text[n - 1] : '\0';
    if (last == 'L' || last == 'f') {
        struct tbe_str s = { text, n - 1 };
        assert_int_equal(tbe_json_parse(a, s, TBE_JSON_JAVA, &v, NULL), 0);
        return last == 'L' ? tbe_long(v.u.i) : (tbe_val){ .t = TBE_FLOAT, .u = { .d = (float)v.u.d } };
    }
    assert_int_equal(tbe_json_parse(a, tbe_strz(text), TBE_JSON_JAVA | TBE_JSON_DROP_NULLS, &v, NULL), 0);
    return v;
}

static tbe_val
apply(struct tbe_x *x, const struct row *r)
{
    tbe_val self = read_value(x->a, r->self), l = read_value(x->a, r->args ? r->args : "[]");
    int argc = l.t == TBE_LIST ? (int)l.u.l->n : 1;
    const tbe_val *argv = l.t == TBE_LIST ? l.u.l->v : &l;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strcmp(values[i].name, r->name) == 0) {
            return values[i].fn(x, self, l.t == TBE_LIST ? argv[0] : l);
        }
    }
    for (size_t i = 0; i < sizeof(truths) / sizeof(truths[0]); i++) {
        if (strcmp(truths[i].name, r->name) == 0) {
            return tbe_bool(truths[i].fn(x, self, l.t == TBE_LIST ? argv[0] : l));
        }
    }
    for (size_t i = 0; i < sizeof(statics) / sizeof(statics[0]); i++) {
        if (strcmp(statics[i].name, r->name) == 0 && self.t == TBE_NULL) {
            return statics[i].fn(x, argc, argv);
        }
    }
    if (strncmp(r->name, "Date ", 5) == 0) {
        self = tbe_t_new(x, TBE_STR("Date"), self.t == TBE_LIST ? (int)self.u.l->n : 1,
                         self.t == TBE_LIST ? self.u.l->v : &self);
        tbe_val v = tbe_t_method(x, self, tbe_strz(r->name + 5), argc, argv);
        return v.t == TBE_NULL ? tbe_t_method(x, self, TBE_STR("toISOString"), 0, NULL) : v;
    }
    if (r->name[0] == '.') {
        return tbe_t_get(x, self, tbe_strz(r->name + 1), NULL);
    }
    tbe_val v = tbe_t_method(x, self, tbe_strz(r->name[0] == '=' ? r->name + 1 : r->name), argc, argv);
    return r->name[0] == '=' ? self : v; /* "=sort": what became of the receiver */
}

static void
run(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct tbe_arena a;
        struct tbe_catch c = { .up = NULL };
        struct tbe_x x = { .a = &a, .catch_ = &c, .fuel = 1000000 };
        const struct row *volatile r = &rows[i];
        tbe_arena_init(&a, 0);
        struct tbe_str got;
        if (setjmp(c.env) == 0) {
            got = tbe_json_text(&a, tbe_t_copy_out(&x, apply(&x, r)), TBE_OUT_JAVA);
            if (!tbe_str_eqz(got, r->want)) {
                fail_msg("%s %s %s: want %s, got %.*s", r->self, r->name, r->args ? r->args : "", r->want,
                         (int)got.n, got.p);
            }
        } else {
            got = x.thrown.t == TBE_STR_T ? tbe_val_str(x.thrown) : TBE_STR("?");
            const char *want = r->want[0] == '!' ? r->want + 1 : "no error";
            if (memmem(got.p, got.n, want, strlen(want)) == NULL) {
                fail_msg("%s %s %s: want %s, got error %.*s", r->self, r->name, r->args ? r->args : "", r->want,
                         (int)got.n, got.p);
            }
        }
        tbe_arena_free(&a);
    }
}
#define RUN(t) run(t, sizeof(t) / sizeof((t)[0]))

static void
test_arithmetic(void **state)
{
    static const struct row t[] = {
        { "7", "/", "2", "3.5" }, { "8", "/", "2", "4.0" }, { "7", "%", "-3", "1" }, { "1", "%", "0", "!/ by zero" },
        { "1", "/", "0", "\"Infinity\"" }, { "2", "**", "-1", "0" }, { "2147483647", "+", "1", "2147483648" },
        { "65536", "*", "65536", "4294967296" }, { "1700000000000", "/", "1000", "1700000000" },
        { "1700000000000", "*", "10000000", "9223372036854775807" }, { "10L", "/", "4L", "2.5" },
        { "10L", "/", "4", "2" }, { "1.5f", "/", "2", "0.75" }, { "\"10\"", "/", "4", "2" },
        { "\"10\"", "*", "1.5", "15.0" }, { "\"10\"", "-", "\"10\"", "0.0" }, { "\"a\"", "*", "2", "null" },
        { "true", "-", "1", "null" }, { "null", "*", "2", "null" }, { "true", "+", "1", "\"true1\"" },
        { "null", "+", "null", "\"nullnull\"" }, { "5", "+", "\"10\"", "\"510\"" },
        { "[1]", "+", "[[2]]", "[1,2]" }, { "[1]", "+", "\"a\"", "[1,\"a\"]" }, { "\"a\"", "+", "{\"b\":1}", "\"a{b=1}\"" },
        { "9007199254740993", "+", "0", "9007199254740992" }, { "7", "i/", "2", "3" }, { "1", "i/", "0", "!/ by zero" },
        { "2147483", "i*", "1001", "-2145336813" }, { "-2147483648", "i/", "-1", "-2147483648" },
        { "12345678901234567890", "+", "1", "9223372036854775807" }, { "1", "#", "2", "\"12\"" },
        { "1", "<<", "40", "256" }, { "1L", "<<", "40", "1099511627776" }, { "-1", ">>>", "1", "2147483647" },
        { "5", "<<", "-1", "-2147483648" }, { "true", "&", "false", "0" }, { "25", "&", "2.5", "null" },
        { "\"abc\"", "&", "1", "!could not perform numeric operation on non-numeric types: left-type=java.lang.String" },
    };
    (void)state;
    RUN(t);
}

static void
test_compare(void **state)
{
    static const struct row t[] = {
        { "1", "==", "1.0", "true" }, { "1", "==", "\"1\"", "true" }, { "\"01\"", "==", "1", "true" },
        { "\"\"", "==", "0", "false" }, { "\" 5\"", "==", "5", "false" }, { "\".\"", "==", "0", "!For input string: \".\"" },
        { "\"5\"", "==", "\"5.0\"", "false" }, { "null", "==", "false", "false" }, { "null", "==", "null", "true" },
        { "true", "==", "\"abc\"", "true" }, { "true", "==", "\"No\"", "false" }, { "0", "==", "false", "true" },
        { "[1]", "==", "[[1]]", "true" }, { "[1]", "==", "[[1.0]]", "false" }, { "{\"a\":1}", "==", "{\"a\":1}", "true" },
        { "\"10\"", "<", "\"9\"", "true" }, { "\"10\"", "<", "9", "false" }, { "null", ">=", "null", "false" },
        { "1", ">", "null", "false" }, { "true", ">", "0", "true" }, { "{}", ">", "1", "false" },
        { "\"abc\"", ">", "5", "!uncomparable values <<abc>> and <<5>>" }, { "-0.0", "==", "0.0", "true" },
        { "\"abc\"", "contains?", "\"b\"", "true" }, { "[1,2]", "contains?", "2", "true" },
        { "[1,2]", "contains?", "2.0", "false" }, { "\"abc\"", "~=", "\"b\"", "false" },
        { "\"abc\"", "~=", "\".*b.*\"", "true" }, { "\"abc\"", "~=", "\"[\"", "!bad regular expression" },
        { "\"Robert\"", "soundslike", "\"Rupert\"", "true" },
    };
    (void)state;
    RUN(t);
}

static void
test_access(void **state)
{
    static const struct row t[] = {
        { "{\"a\":1}", ".a", NULL, "1" }, { "{\"a\":1}", ".b", NULL, "null" }, { "{\"size\":5}", ".size", NULL, "1" },
        { "{\"class\":4}", ".class", NULL, "4" }, { "{\"values\":5,\"b\":6}", ".values", NULL, "[5,6]" },
        { "[1,2]", ".length", NULL, "2" }, { "[1,2]", ".first", NULL, "!could not access property: first" },
        { "5", ".x", NULL, "!could not access: x; in class: java.lang.Integer" }, { "\"\\u00e9a\"", ".length", NULL, "2" },
        { "null", ".x", NULL, "!null pointer: x" }, { "[1]", "[]", "1", "!array index out of bounds" },
        { "\"abc\"", "[]", "1", "\"b\"" }, { "\"\\ud83d\\ude00b\"", "[]", "2", "\"b\"" }, { "{\"1\":2}", "[]", "1", "null" },
    };
    (void)state;
    RUN(t);
}

static void
test_collections(void **state)
{
    static const struct row t[] = {
        { "[1,2]", "=add", "[1,9]", "[1,9,2]" }, { "[]", "pop", NULL, "null" }, { "[]", "shift", NULL, "!Index 0" },
        { "[1,2,3]", "=unshift", "[8,9]", "[8,9,1,2,3]" }, { "[1,2,3]", "=remove", "[0]", "[2,3]" },
        { "[1,2,3]", "remove", "[5]", "!Index: 5, Size: 3" }, { "[\"x\"]", "remove", "[\"z\"]", "false" },
        { "[1,2,3,4]", "slice", "[-3,-1]", "[2,3]" }, { "[1,2,3,4]", "slice", "[3,1]", "!fromIndex(3) > toIndex(1)" },
        { "[1,2,3,4]", "splice", "[1]", "[2,3,4]" }, { "[1,2,3,4]", "=splice", "[-2,1]", "[1,2,4]" },
        { "[1,2,3]", "with", "[-1,9]", "[1,2,9,3]" }, { "[1,2,3]", "with", "[5,9]", "!Index: 5, Size: 3" },
        { "[1,[2,3]]", "join", "[]", "\"1,2,3\"" }, { "[\"a, b\",\"c\"]", "join", "[\"|\"]", "\"a,b|c\"" },
        { "[10,\"9\",1.5]", "=sort", "[]", "[1.5,\"9\",10]" }, { "[\"b\",\"a\"]", "=sort", "[false]", "[\"b\",\"a\"]" },
        { "[1,2,3]", "=fill", "[0,1]", "[1,0,0]" }, { "[1]", "filter", "[1]", "!unable to resolve method: filter(java.lang.Integer) [arglength=1]" },
        { "{\"a\":1}", "=put", "[\"a\",null]", "{}" }, { "{\"a\":1}", "=replace", "[\"z\",7]", "{\"a\":1}" },
        { "{\"b\":2,\"a\":1}", "=sortByKey", "[]", "{\"a\":1,\"b\":2}" }, { "{\"b\":\"10\",\"a\":\"9\"}", "=sortByValue", "[]", "{\"a\":\"9\",\"b\":\"10\"}" },
        { "{\"a\":\"x\",\"b\":\"x\",\"c\":\"x\"}", "toInverted", "[]", "{\"x\":[\"a\",\"b\",\"c\"]}" },
        { "{\"a\":1,\"b\":2,\"c\":3}", "slice", "[-1]", "{\"c\":3}" }, { "{\"a\":1}", "entrySet", "[]", "[{\"a\":1}]" },
        { "{\"a\":1}", "getClass", "[]", "!unable to resolve method: getClass() [arglength=0]" },
        { "null", ".toSet", "[[1,2,2]]", "[1,2]" },
    };
    (void)state;
    RUN(t);
}

static void
test_strings(void **state)
{
    static const struct row t[] = {
        { "\"abc\"", "substring", "[1,2]", "\"b\"" }, { "\"abc\"", "substring", "[2,9]", "!begin 2, end 9, length 3" },
        { "\"a\\u00e9b\"", "indexOf", "[\"b\"]", "2" }, { "\"abc\"", "indexOf", "[99]", "2" },
        { "\"a.b\"", "split", "[\".\"]", "[]" }, { "\"abc\"", "split", "[\"\"]", "[\"a\",\"b\",\"c\"]" },
        { "\"a,b,,\"", "split", "[\",\"]", "[\"a\",\"b\"]" }, { "\"a,b,c\"", "split", "[\",\",2]", "[\"a\",\"b,c\"]" },
        { "\"a1b2\"", "replaceAll", "[\"(\\\\d)\",\"<$1>\"]", "\"a<1>b<2>\"" }, { "\"aaa\"", "replaceFirst", "[\"a\",\"b\"]", "\"baa\"" },
        { "\"ab\"", "repeat", "[-1]", "!count is negative: -1" }, { "\"a\"", "repeat", "[5000000]", "!Max string length overflow (5000000 > 4194304)!" },
        { "\"abc\"", "includes", "[\"b\"]", "!unable to resolve method: java.lang.String.includes(java.lang.String) [arglength=1]" },
        { "\"a1c\"", "contains", "[1]", "!unable to resolve method" }, { "\"\\u00e4\\u0416\"", "toUpperCase", "[]", "\"\u00c4\u0416\"" },
        { "\" a \"", "trim", "[]", "\"a\"" }, { "\"abc\"", "hashCode", "[]", "96354" },
        { "null", "String.format", "[\"%.2f|%05d|%x|%-3s|%,d\",3.14159,42,255,\"a\",1234567]", "\"3.14|00042|ff|a  |1,234,567\"" },
        { "null", "String.format", "[\"%d\"]", "!MissingFormatArgument" }, { "null", "String.join", "[\",\",[\"a\",\"b\"]]", "\"a,b\"" },
        { "null", ".padStart", "[5,3,\"0\"]", "\"005\"" }, { "null", ".toFixed", "[1.005,2]", "1.01" },
        { "null", ".toFixed", "[1234.5678,-2]", "1200.0" }, { "null", ".toFixed", "[-0.5,0]", "-1.0" },
        { "null", ".toInt", "[3000000000.0]", "-1294967296" },
    };
    (void)state;
    RUN(t);
}

static void
test_numbers_and_bytes(void **state)
{
    static const struct row t[] = {
        { "null", "Math.round", "[-2.5]", "-2" }, { "null", "Math.max", "[1,2]", "2" }, { "null", "Math.abs", "[-5]", "5" },
        { "null", "Math.floorMod", "[-7,3]", "2" }, { "null", "Math.foo", "[]", "!null pointer" },
        { "null", "Integer.parseInt", "[\"x\"]", "!For input string: \"x\"" }, { "null", "Byte.parseByte", "[\"200\"]", "!Value out of range. Value:\"200\" Radix:10" },
        { "null", ".parseInt", "[\"0x2A\"]", "42" }, { "null", ".parseInt", "[\"FFF\"]", "!must be of even length" },
        { "null", ".parseInt", "[\"4,2\"]", "!For input string: \"4.2\"" }, { "null", ".parseInt", "[\" \"]", "null" },
        { "null", ".parseInt", "[\"12\",3]", "!Invalid radix: [3]" }, { "null", ".parseInt", "[\"11111111111111111111111111111111\",2]", "-1" },
        { "null", ".parseLong", "[\"9223372036854775808\"]", "!For input string: \"9223372036854775808\"" },
        { "null", ".parseFloat", "[\"41200000\",16]", "10.0" }, { "null", ".parseDouble", "[\"409B04B10CB295EA\"]", "1729.1729" },
        { "null", ".parseHexToInt", "[\"AABB\",false]", "48042" }, { "null", ".hexToBytes", "[\"01F\"]", "!Hex string must be even-length." },
        { "null", ".hexToBytes", "[\"0x01FF\"]", "[1,-1]" }, { "null", ".intToHex", "[-1]", "\"FFFF\"" },
        { "null", ".intToHex", "[171,true,true,4]", "!begin -2, end 2, length 2" }, { "null", ".intLongToRadixString", "[199,2]", "\"0000000011000111\"" },
        { "null", ".parseBytesToInt", "[[1,2]]", "258" }, { "null", ".parseBytesToInt", "[[1,2],5]", "!Offset: 5 is out of bounds for array with length: 2!" },
        { "null", ".bytesToString", "[[300]]", "!The value '300' could not be correctly converted" },
        { "null", ".btoa", "[\"hello\"]", "\"aGVsbG8=\"" }, { "null", ".atob", "[\"!\"]", "!Illegal base64 character 21" },
        { "null", ".toFlatMap", "[{\"a\":{\"b\":1},\"e\":[1,{\"f\":2}]}]", "{\"a.b\":1,\"e.0\":1,\"e.1.f\":2}" },
        { "null", ".raiseError", "[\"boom\"]", "!boom" }, { "null", "JSON.parse", "[\"{\\\"a\\\":1} x\"]", "{\"a\":1}" },
        { "null", "JSON.stringify", "[[1,null]]", "\"[1,null]\"" },
        { "null", ".isInsidePolygon", "[1.0,1.0,\"[[0,0],[2,2]]\"]", "true" },
    };
    (void)state;
    RUN(t);
}

static void
test_dates(void **state)
{
    static const struct row t[] = {
        { "1700000000123", "Date toISOString", NULL, "\"2023-11-14T22:13:20.123Z\"" },
        { "\"2023-11-14T22:13:20+02:00\"", "Date getTime", NULL, "1699992800000" },
        { "\"Tue, 3 Jun 2008 11:05:30 -0200\"", "Date getTime", NULL, "1212498330000" },
        { "\"garbage\"", "Date getTime", NULL, "!Cannot parse value [garbage] as instant" },
        { "[2023,11,14,\"Europe/Kyiv\"]", "Date toISOString", NULL, "\"2023-11-13T22:00:00Z\"" },
        { "[2023,7,14,10,0,\"America/New_York\"]", "Date toISOString", NULL, "\"2023-07-14T14:00:00Z\"" },
        { "[2023,2,30,\"UTC\"]", "Date toISOString", NULL, "!Invalid date 'FEBRUARY 30'" },
        { "[2023,13,1]", "Date toISOString", NULL, "!Invalid value for MonthOfYear (valid values 1 - 12): 13" },
        { "1700000000000", "Date setUTCHours", "[25]", "!Invalid value for HourOfDay (valid values 0 - 23): 25" },
        { "[2024,1,31,\"UTC\"]", "Date addMonths", "[1]", "\"2024-02-29T00:00:00Z\"" },
        { "[2023,1,31,\"UTC\"]", "Date setUTCMonth", "[2]", "\"2023-03-03T00:00:00Z\"" },
        { "1700000000000", "Date addDays", "[9000000000000]", "!exceeds" },
        { "1700000000000", "Date toLocaleString", "[\"en-US\",\"{\\\"timeZone\\\":\\\"UTC\\\",\\\"pattern\\\":\\\"yyyy-MM-dd HH:mm\\\"}\"]", "\"2023-11-14 22:13\"" },
        { "null", "Date.UTC", "[2023,11,14]", "1699920000000" },
        { "null", "Date.parse", "[\"nope\"]", "-1" },
    };
    (void)state;
    RUN(t);
}

static tbe_val
loop_append(struct tbe_x *x)
{
    tbe_val s = tbe_strv(TBE_STR("x")), other = s;
    for (int i = 0; i < 1000; i++) {
        tbe_val before = s;
        s = tbe_t_add(x, s, tbe_int(i % 10));
        other = tbe_t_add(x, before, tbe_strv(TBE_STR("y"))); /* a second string from the same beginning */
        assert_int_equal(other.u.s[other.n - 1], 'y');
    }
    return s;
}

/* Strings that grow in place must not disturb each other, and cost no copy per turn. */
static void
test_append(void **state)
{
    struct tbe_arena a;
    struct tbe_catch c = { .up = NULL };
    (void)state;
    tbe_arena_init(&a, 0);
    struct tbe_x x = { .a = &a, .catch_ = &c, .fuel = 1000000 };
    if (setjmp(c.env) != 0) {
        fail_msg("thrown");
    }
    tbe_val s = loop_append(&x);
    assert_int_equal(s.n, 1001);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(s.u.s[i + 1], '0' + i % 10);
    }
    tbe_arena_free(&a);
}

/* Values that contain themselves, and deep ones, are errors everywhere. */
static void
test_cycles(void **state)
{
    (void)state;
    for (volatile int k = 0; k < 4; k++) {
        struct tbe_arena a;
        struct tbe_catch c = { .up = NULL };
        tbe_arena_init(&a, 0);
        struct tbe_x x = { .a = &a, .catch_ = &c, .fuel = 1000000 };
        tbe_val l = tbe_list_new(&a, 1), m = tbe_list_new(&a, 1);
        tbe_list_push(&a, l.u.l, l);
        tbe_list_push(&a, m.u.l, m);
        if (setjmp(c.env) == 0) {
            if (k == 0) {
                tbe_t_concat(&x, l, l);
            } else if (k == 1) {
                tbe_t_eq(&x, l, m);
            } else if (k == 2) {
                tbe_t_copy_out(&x, l);
            } else {
                tbe_t_json_stringify(&x, 1, &l);
            }
            fail_msg("no error for %d", k);
        }
        assert_int_equal(x.thrown.t, TBE_STR_T);
        tbe_arena_free(&a);
    }
}

int
main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_compare), cmocka_unit_test(test_access),
        cmocka_unit_test(test_collections), cmocka_unit_test(test_strings), cmocka_unit_test(test_numbers_and_bytes),
        cmocka_unit_test(test_dates), cmocka_unit_test(test_append), cmocka_unit_test(test_cycles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
