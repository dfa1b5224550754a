/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec test` without workers: times, patterns, the schema's keywords, and what matches what. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drive/test_int.h"

static struct tbe_arena a;

static int
setup(void **state)
{
    (void)state;
    tbe_arena_init(&a, 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tbe_arena_free(&a);
    return 0;
}

static const struct doc *
yaml(const char *text)
{
    struct diags ds;
    diags_init(&ds, &a);
    const struct doc *d = yaml_read(&a, &ds, "t", tbe_strz(text));
    assert_non_null(d);
    return d;
}

static void
times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } t[] = { { "1970-01-01T00:00:01Z", 1000 },
              { "2026-01-01T00:00:00Z", TEST_NOW },
              { "2026-01-01T00:00:00.250Z", TEST_NOW + 250 },
              { "2024-02-29T23:59:59Z", 1709251199000 },
              { "12", 12 },
              { "true", 7 } };
    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        assert_int_equal(test_time(yaml(t[i].text), 7), t[i].ms);
    }
    assert_int_equal(test_time(NULL, 7), 7);
}

static void
durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } t[] = { { "0", 0 },         { "5", 5 },          { "5 ms", 5 },           { "5ms", 5 },
              { "3 s", 3000 },    { "2 min", 120000 }, { "1 h", 3600000 },      { "2 d", 172800000 },
              { "999999999 s", 999999999000 } };
    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        assert_int_equal(test_duration(yaml(t[i].text)), t[i].ms);
    }
}

static void
patterns(void **state)
{
    char hostile[3000];
    (void)state;
    assert_int_equal(test_regex(TBE_STR("^a+$"), TBE_STR("aaa")), 1);
    assert_int_equal(test_regex(TBE_STR("^a+$"), TBE_STR("aab")), 0);
    assert_int_equal(test_regex(TBE_STR("b"), TBE_STR("abc")), 1);
    assert_int_equal(test_regex(TBE_STR("^.$"), TBE_STR("\xC3\xA4")), 1); /* a character, not a byte */
    assert_int_equal(test_regex(TBE_STR("("), TBE_STR("a")), -1);
    assert_int_equal(test_regex(TBE_STR("^(a+)+$"), TBE_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")), -1);
    memset(hostile, '(', sizeof hostile);
    assert_int_equal(test_regex((struct tbe_str){ hostile, sizeof hostile }, TBE_STR("a")), -1);
    assert_int_equal(test_regex(TBE_STR("((((a{1,255}){1,255}){1,255}){1,255})"), TBE_STR("a")), -1);
}

/* Schema, value, whether it matches. */
static void
schemas(void **state)
{
    static const struct {
        const char *schema, *value;
        bool ok;
    } t[] = {
        { "{type: string}", "a", true },
        { "{type: string}", "1", false },
        { "{type: [string, number]}", "1.5", true },
        { "{type: integer}", "1.5", false },
        { "{type: number}", "1", true },
        { "{minLength: 2, maxLength: 3}", "ab", true },
        { "{minLength: 2}", "a", false },
        { "{maxLength: 3}", "\"\\u00e4\\u00e4\\u00e4\"", true },
        { "{maxLength: 3}", "abcd", false },
        { "{minimum: 1, maximum: 2}", "0", false },
        { "{minimum: 1, maximum: 2}", "1", true },
        { "{minimum: 1, maximum: 2}", "2", true },
        { "{minimum: 1, maximum: 2}", "3", false },
        { "{minItems: 1, maxItems: 2}", "[]", false },
        { "{minItems: 1, maxItems: 2}", "[1,2]", true },
        { "{minItems: 1, maxItems: 2}", "[1,2,3]", false },
        { "{maxProperties: 1}", "{a: 1}", true },
        { "{maxProperties: 1}", "{a: 1, b: 2}", false },
        { "{items: {type: boolean}}", "[true, 1]", false },
        { "{required: [a]}", "{b: 1}", false },
        { "{properties: {a: {type: string}}, additionalProperties: false}", "{a: x}", true },
        { "{properties: {a: {type: string}}, additionalProperties: false}", "{b: x}", false },
        { "{additionalProperties: {type: integer}}", "{b: x}", false },
        { "{propertyNames: {pattern: ^a}}", "{ab: 1}", true },
        { "{propertyNames: {pattern: ^a}}", "{ba: 1}", false },
        { "{enum: [a, 1, true, null]}", "true", true },
        { "{enum: [a, 1, true, null]}", "2", false },
        { "{oneOf: [{type: string}, {maxLength: 2}]}", "abc", true },
        { "{oneOf: [{type: string}, {maxLength: 2}]}", "ab", false },
        { "{$ref: '#/$defs/x', $defs: {x: {type: string}}}", "1", false },
        { "{$ref: '#/$defs/x', $defs: {x: {$ref: '#/$defs/x'}}}", "1", false }, /* refers to itself */
        { "{$ref: '#/$defs/y'}", "1", false },
        { "{unknown: 1}", "1", false },
        { "true", "1", true },
        { "false", "1", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct diags ds;
        diags_init(&ds, &a);
        const struct doc *s = yaml(t[i].schema);
        bool ok = test_schema_match(&a, &ds, "t", s, s, yaml(t[i].value));
        if (ok != t[i].ok || ok != (ds.errors == 0)) {
            fail_msg("%s and %s: %s, %u errors", t[i].schema, t[i].value, ok ? "matches" : "does not match", ds.errors);
        }
    }
}

/* How many expectations of "expect" fail for what was observed. */
static uint32_t
failures(const char *expect, const char *observed)
{
    static const struct test_options o = { .format = "tap" };
    struct test_run r = { .a = &a, .o = &o };
    diags_init(&r.ds, &a);
    r.files = tbe_arena_zalloc(&a, 2 * sizeof *r.files);
    r.n_files = 1;
    struct tbe_str text = tbe_arena_fmt(&a, "tests: [{name: a, advance: 1, expect: {%s}}]", expect);
    test_read_text(&r, r.files, "t.yaml", text);
    test_sets(&r);
    if (r.n_sets == 1) {
        test_load(&r, r.sets);
    }
    if (r.ds.errors) {
        fail_msg("%s: %.*s", expect, (int)r.ds.v[0].text.n, r.ds.v[0].text.p);
    }
    struct test_case *c = r.files->v;
    c->steps[0].observed = doc_parse_own(&a, observed);
    assert_non_null(c->steps[0].observed);
    test_compare(&r, c);
    return c->n_fails;
}

static void
matching(void **state)
{
    static const struct {
        const char *expect, *observed;
        uint32_t fails;
    } t[] = {
        { "saves: []", "{\"saves\":[]}", 0 },
        { "saves: [{values: {a: 1}}]", "{\"saves\":[{\"values\":{\"a\":1,\"b\":2},\"ts\":5}]}", 0 },
        { "match: exact, saves: [{values: {a: 1}}]", "{\"saves\":[{\"values\":{\"a\":1,\"b\":2},\"ts\":5}]}", 1 },
        { "match: exact, saves: [{values: {a: 1}}]", "{\"saves\":[{\"values\":{\"a\":1},\"ts\":5}]}", 0 },
        { "saves: [{values: {a: 1}}]", "{\"saves\":[]}", 1 },
        { "saves: []", "{\"saves\":[{\"values\":{}}]}", 1 },
        { "saves: [{values: {a: 1, c: 2, d: 3}}]", "{\"saves\":[{\"values\":{\"a\":1}}]}", 2 },
        { "saves: [{values: {a: 21}}]", "{\"saves\":[{\"values\":{\"a\":21.0}}]}", 0 },
        { "saves: [{values: {a: '21'}}]", "{\"saves\":[{\"values\":{\"a\":21}}]}", 1 },
        { "saves: [{values: {a: true}}]", "{\"saves\":[{\"values\":{\"a\":1}}]}", 1 },
        { "saves: [{values: {a: null}}]", "{\"saves\":[{\"values\":{\"a\":null}}]}", 0 },
        { "saves: [{values: {a: null}}]", "{\"saves\":[{\"values\":{}}]}", 1 },
        { "saves: [{values: {a: [1, {b: 2}]}}]", "{\"saves\":[{\"values\":{\"a\":[1,{\"b\":2,\"c\":3}]}}]}", 0 },
        { "saves: [{values: {a: [1]}}]", "{\"saves\":[{\"values\":{\"a\":[1,2]}}]}", 1 },
        { "saves: [{values: {a: {$any: true}}}]", "{\"saves\":[{\"values\":{\"a\":null}}]}", 0 },
        { "saves: [{values: {a: {$any: true}}}]", "{\"saves\":[{\"values\":{}}]}", 1 },
        { "saves: [{values: {a: {$any: number}}}]", "{\"saves\":[{\"values\":{\"a\":1.5}}]}", 0 },
        { "saves: [{values: {a: {$any: integer}}}]", "{\"saves\":[{\"values\":{\"a\":1.5}}]}", 1 },
        { "saves: [{values: {a: {$any: uuid}}}]", "{\"saves\":[{\"values\":{\"a\":\"784f394c-42b6-335a-a2b1-ac2f7a6d1a01\"}}]}", 0 },
        { "saves: [{values: {a: {$any: uuid}}}]", "{\"saves\":[{\"values\":{\"a\":\"784f394c\"}}]}", 1 },
        { "saves: [{values: {a: {$absent: true}}}]", "{\"saves\":[{\"values\":{}}]}", 0 },
        { "saves: [{values: {a: {$absent: true}}}]", "{\"saves\":[{\"values\":{\"a\":1}}]}", 1 },
        { "saves: [{values: {a: {$absent: false}}}]", "{\"saves\":[{\"values\":{\"a\":1}}]}", 0 },
        { "saves: [{values: {a: {$regex: '^x'}}}]", "{\"saves\":[{\"values\":{\"a\":\"xy\"}}]}", 0 },
        { "saves: [{values: {a: {$regex: '^x'}}}]", "{\"saves\":[{\"values\":{\"a\":\"yx\"}}]}", 1 },
        { "saves: [{values: {a: {$regex: '('}}}]", "{\"saves\":[{\"values\":{\"a\":\"(\"}}]}", 1 },
        { "saves: [{values: {a: {$regex: '^12$'}}}]", "{\"saves\":[{\"values\":{\"a\":12}}]}", 0 },
        { "saves: [{values: {a: {$near: 69.8}}}]", "{\"saves\":[{\"values\":{\"a\":69.80000000000001}}]}", 0 },
        { "saves: [{values: {a: {$near: 69.8}}}]", "{\"saves\":[{\"values\":{\"a\":69.9}}]}", 1 },
        { "saves: [{values: {a: {$near: 69.8, $within: 0.2}}}]", "{\"saves\":[{\"values\":{\"a\":69.9}}]}", 0 },
        { "saves: [{values: {a: {$near: 1}}}]", "{\"saves\":[{\"values\":{\"a\":\"1\"}}]}", 1 },
        { "saves: [{values: {a: {$within: 1}}}]", "{\"saves\":[{\"values\":{\"a\":1}}]}", 1 },
        { "saves: [{values: {a: {$not: 1}}}]", "{\"saves\":[{\"values\":{\"a\":2}}]}", 0 },
        { "saves: [{values: {a: {$not: 1}}}]", "{\"saves\":[{\"values\":{\"a\":1}}]}", 1 },
        { "saves: {$contains: {ts: 2}}", "{\"saves\":[{\"ts\":1},{\"ts\":2}]}", 0 },
        { "saves: {$contains: {ts: 3}}", "{\"saves\":[{\"ts\":1},{\"ts\":2}]}", 1 },
        { "saves: [{values: {a: {$contains: b}}}]", "{\"saves\":[{\"values\":{\"a\":\"abc\"}}]}", 0 },
        { "saves: {$unordered: [{ts: 2}, {ts: 1}]}", "{\"saves\":[{\"ts\":1},{\"ts\":2}]}", 0 },
        { "saves: {$unordered: [{ts: 2}, {ts: 2}]}", "{\"saves\":[{\"ts\":1},{\"ts\":2}]}", 1 },
        { "saves: {$unordered: [{ts: 2}]}", "{\"saves\":[{\"ts\":1},{\"ts\":2}]}", 1 },
        { "saves: [{values: {$exact: {a: 1}}}]", "{\"saves\":[{\"values\":{\"a\":1,\"b\":2}}]}", 1 },
        { "match: exact, saves: [{values: {$partial: {a: 1}}}]", "{\"saves\":[{\"values\":{\"a\":1,\"b\":2}}]}", 0 },
        { "saves: [{values: {a: {$nonsense: 1}}}]", "{\"saves\":[{\"values\":{\"a\":1}}]}", 1 },
        { "saves: [{ts: '@{now}'}]", "{\"saves\":[{\"ts\":1767225600000}]}", 0 },
        { "saves: [{ts: '@{now+5000}'}]", "{\"saves\":[{\"ts\":1767225605000}]}", 0 },
        { "saves: [{ts: '@{now-1}'}]", "{\"saves\":[{\"ts\":1767225599999}]}", 0 },
        { "saves: [{ts: 'at @{now}'}]", "{\"saves\":[{\"ts\":\"at 1767225600000\"}]}", 0 },
        { "saves: [{ts: '@@{now}'}]", "{\"saves\":[{\"ts\":\"@{now}\"}]}", 0 },
        { "path: [a, b]", "{\"path\":[\"a\",\"b\"]}", 0 },
        { "path: [a]", "{\"path\":[\"a\",\"b\"]}", 1 },
        { "nodes: {}", "{\"nodes\":{\"a\":[]}}", 0 },
        { "match: exact, nodes: {}", "{\"nodes\":{\"a\":[]}}", 1 },
        { "out: Success", "{\"nodes\":{}}", 1 }, /* no node under test */
        { "init: null", "{\"nodes\":{}}", 1 },
        { "state: {latest: {D: {a: 1}}}", "{\"state\":{\"latest\":{\"D\":{\"a\":1,\"b\":2}}}}", 0 },
        { "state: {latest: {D: {a: 1}}}", "{\"state\":{\"latest\":{}}}", 1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        uint32_t n = failures(t[i].expect, t[i].observed);
        if (n != t[i].fails) {
            fail_msg("%s and %s: %u failures", t[i].expect, t[i].observed, n);
        }
    }
}

/* More failures than are kept are counted; long values are cut between characters. */
static void
bounds(void **state)
{
    struct tbe_buf expect = { 0 }, long_text = { 0 };
    (void)state;
    for (unsigned i = 0; i <= TEST_MAX_FAILURES; i++) {
        tbe_buf_fmt(&expect, "%sk%u: 1", i ? ", " : "saves: [{values: {", i);
    }
    tbe_buf_putz(&expect, "}}]");
    assert_int_equal(failures(expect.p, "{\"saves\":[{\"values\":{}}]}"), TEST_MAX_FAILURES + 1);
    tbe_buf_free(&expect);
    for (unsigned i = 0; i < TEST_MAX_SHOWN; i++) {
        tbe_buf_putz(&long_text, "\xC3\xA4");
    }
    struct doc d = { .t = DOC_STR, .s = tbe_buf_str(&long_text) };
    struct tbe_str shown = test_show(&a, &d);
    assert_true(shown.n <= TEST_MAX_SHOWN + 3);
    assert_memory_equal(shown.p + shown.n - 5, "\xC3\xA4...", 5);
    tbe_buf_free(&long_text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(times, setup, teardown),
        cmocka_unit_test_setup_teardown(durations, setup, teardown),
        cmocka_unit_test_setup_teardown(patterns, setup, teardown),
        cmocka_unit_test_setup_teardown(schemas, setup, teardown),
        cmocka_unit_test_setup_teardown(matching, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
