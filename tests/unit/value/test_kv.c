/* SPDX-License-Identifier: Apache-2.0 */
/* Payload typing: the table of facts/device-apis.md 4.4 and, in kv_vectors.jsonl, what a real
 * server stored for each recorded post (made from the device-API vectors by kv_extract.py). */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tbe/value.h"
#include "value/kv_fast.h"

#define NOW INT64_C(1700000005000)

static tbe_val
get(tbe_val row, const char *key)
{
    return tbe_map_get(row.u.m, tbe_strz(key));
}

static struct tbe_str
unhex(struct tbe_arena *a, tbe_val v)
{
    char *out = tbe_arena_alloc(a, v.n / 2 + 1);
    for (size_t i = 0; i < v.n / 2; i++) {
        char two[3] = { v.u.s[2 * i], v.u.s[2 * i + 1], 0 };
        out[i] = (char)strtol(two, NULL, 16);
    }
    return (struct tbe_str){ out, v.n / 2 };
}

/* What the save nodes refuse, with the whole record (facts/device-apis.md 4.4, end). */
static bool
key_refused(struct tbe_str k)
{
    size_t i = 0;
    while (i < k.n && k.p[i] == ' ') {
        i++;
    }
    return i == k.n || k.n > 255 || memchr(k.p, '\0', k.n) != NULL || memchr(k.p, '<', k.n) != NULL;
}

static bool
record_refused(const struct tbe_ts_record *r)
{
    for (uint32_t i = 0; i < r->kvs.n; i++) {
        if (key_refused(r->kvs.v[i].key)) {
            return true;
        }
    }
    return r->ts > INT64_C(253402300799999);
}

static tbe_val
kv_val(struct tbe_arena *a, const struct tbe_kv *kv)
{
    tbe_val v = TBE_UNDEF_VAL;
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        return tbe_bool(kv->u.b);
    case TBE_KV_LONG:
        return tbe_long(kv->u.i);
    case TBE_KV_DOUBLE:
        return tbe_double(kv->u.d);
    case TBE_KV_STRING:
        return tbe_strv(kv->s);
    case TBE_KV_JSON:
        assert_int_equal(tbe_json_parse(a, kv->s, TBE_JSON_JS, &v, NULL), 0);
        return v;
    }
    return v;
}

/* Numbers at the top by class and value; inside JSON values only by value. */
static bool
value_matches(tbe_val got, tbe_val want)
{
    if (want.t == TBE_INT || want.t == TBE_LONG) {
        return got.t == TBE_LONG && got.u.i == want.u.i;
    }
    return tbe_val_same(got, want);
}

/* Wanted values, with numbers inside containers as doubles. */
static tbe_val
as_js(struct tbe_arena *a, tbe_val v)
{
    tbe_val out = v;
    if (v.t == TBE_LIST || v.t == TBE_MAP) {
        assert_int_equal(tbe_json_parse(a, tbe_json_text(a, v, TBE_OUT_JAVA), TBE_JSON_JS, &out,
                                        NULL), 0);
    }
    return out;
}

struct points { /* of all records: key -> list of {ts, value} maps, like the vectors' "after" */
    tbe_val map;
};

static void
add_points(struct tbe_arena *a, struct points *p, const struct tbe_ts_record *r)
{
    for (uint32_t i = 0; i < r->kvs.n; i++) {
        tbe_val list = tbe_map_get(p->map.u.m, r->kvs.v[i].key);
        if (list.t == TBE_UNDEF) {
            list = tbe_list_new(a, 4);
            tbe_map_put(a, p->map.u.m, r->kvs.v[i].key, list);
        }
        const tbe_val v = kv_val(a, &r->kvs.v[i]);
        bool found = false;
        for (uint32_t k = 0; k < list.u.l->n; k++) { /* a later value of the same time replaces */
            tbe_val *pair = &list.u.l->v[k];
            if (tbe_map_get(pair->u.m, TBE_STR("ts")).u.i == r->ts) {
                tbe_map_put(a, pair->u.m, TBE_STR("value"), v);
                found = true;
            }
        }
        if (!found) {
            const tbe_val pair = tbe_map_new(a, 2);
            tbe_map_put(a, pair.u.m, TBE_STR("ts"), tbe_long(r->ts));
            tbe_map_put(a, pair.u.m, TBE_STR("value"), v);
            tbe_list_push(a, list.u.l, pair);
        }
    }
}

static bool
points_match(struct tbe_arena *a, const struct points *p, tbe_val want)
{
    const struct tbe_entry *e;
    if (p->map.u.m->live != want.u.m->live) {
        return false;
    }
    for (uint32_t i = 0; tbe_map_next(want.u.m, &i, &e);) {
        const tbe_val got = tbe_map_get(p->map.u.m, tbe_val_str(e->key));
        if (got.t != TBE_LIST || got.u.l->n != e->val.u.l->n) {
            return false;
        }
        for (uint32_t k = 0; k < got.u.l->n; k++) {
            const tbe_val w = e->val.u.l->v[k], wts = get(w, "ts");
            const int64_t ts = wts.t == TBE_STR_T ? NOW : wts.u.i;
            bool found = false;
            for (uint32_t m = 0; m < got.u.l->n; m++) {
                const tbe_val g = got.u.l->v[m];
                found = found || (get(g, "ts").u.i == ts &&
                                  value_matches(get(g, "value"), as_js(a, get(w, "value"))));
            }
            if (!found) {
                return false;
            }
        }
    }
    return true;
}

/* Both passes of the reference: the transport's, then the save node's over the text of the
 * first. */
static int
telemetry_twice(struct tbe_arena *a, struct tbe_str json, struct points *p, struct tbe_str *err)
{
    struct tbe_ts_record *recs, *again;
    uint32_t n, m;
    p->map = tbe_map_new(a, 4);
    if (tbe_kv_telemetry(a, json, NOW, 0, 0, &recs, &n, err) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct tbe_buf b = { 0 };
        tbe_kvs_json(&b, &recs[i].kvs, TBE_OUT_GSON);
        const struct tbe_str text = tbe_arena_dup(a, tbe_buf_str(&b));
        tbe_buf_free(&b);
        assert_int_equal(tbe_kv_telemetry(a, text, recs[i].ts, TBE_KV_NULL_ERROR, 0, &again, &m,
                                          err), 0);
        assert_int_equal(m, 1);
        if (!record_refused(again)) {
            add_points(a, p, again);
        }
    }
    return 0;
}

static int
attributes_twice(struct tbe_arena *a, struct tbe_str json, tbe_val *out, struct tbe_str *err)
{
    struct tbe_kvs kvs;
    *out = tbe_map_new(a, 4);
    if (tbe_kv_attributes(a, json, 0, 0, &kvs, err) != 0) {
        return -1;
    }
    struct tbe_buf b = { 0 };
    tbe_kvs_json(&b, &kvs, TBE_OUT_GSON);
    const struct tbe_str text = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    assert_int_equal(tbe_kv_attributes(a, text, TBE_KV_NULL_ERROR, 0, &kvs, err), 0);
    for (uint32_t i = 0; i < kvs.n; i++) {
        if (key_refused(kvs.v[i].key)) {
            *out = tbe_map_new(a, 1);
            return 0;
        }
        tbe_map_put(a, out->u.m, kvs.v[i].key, kv_val(a, &kvs.v[i]));
    }
    return 0;
}

static bool
attributes_match(struct tbe_arena *a, tbe_val got, tbe_val want)
{
    const struct tbe_entry *e;
    bool same = got.u.m->live == want.u.m->live;
    for (uint32_t i = 0; tbe_map_next(want.u.m, &i, &e);) {
        same = same && value_matches(tbe_map_get(got.u.m, tbe_val_str(e->key)), as_js(a, e->val));
    }
    return same;
}

static bool
vector_passes(struct tbe_arena *a, tbe_val row, tbe_val *shown)
{
    const struct tbe_str json = unhex(a, get(row, "hex"));
    struct tbe_str err = TBE_STR_NONE;
    struct points p = { TBE_UNDEF_VAL };
    const bool telemetry = tbe_str_eqz(tbe_val_str(get(row, "op")), "telemetry");
    const int r = telemetry ? telemetry_twice(a, json, &p, &err)
        : attributes_twice(a, json, &p.map, &err);
    *shown = r == 0 ? p.map : tbe_strv(err);
    if (get(row, "ok").u.i == 0) {
        const tbe_val words = get(row, "error");
        return r != 0 && (words.t == TBE_UNDEF || tbe_str_eq(err, tbe_val_str(words)));
    }
    if (r != 0) {
        return false;
    }
    return telemetry ? points_match(a, &p, get(row, "stored"))
        : attributes_match(a, p.map, get(row, "stored"));
}

static void
test_vectors(void **state)
{
    (void)state;
    char path[4096];
    const char *src = getenv("TBE_SRC");
    snprintf(path, sizeof path, "%s/tests/unit/value/kv_vectors.jsonl", src ? src : ".");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *line = NULL;
    size_t cap = 0, passed = 0, failed = 0;
    ssize_t n;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    while ((n = getline(&line, &cap, f)) > 0) {
        tbe_val row, shown = TBE_UNDEF_VAL;
        tbe_arena_reset(&a);
        assert_int_equal(tbe_json_parse(&a, (struct tbe_str){ line, (size_t)n }, TBE_JSON_JAVA,
                                        &row, NULL), 0);
        if (vector_passes(&a, row, &shown)) {
            passed++;
        } else {
            failed++;
            const struct tbe_str got = tbe_json_text(&a, shown, 0),
                text = unhex(&a, get(row, "hex"));
            print_message("%.300s\n  payload %.*s\n  got %.*s\n", line, (int)text.n, text.p,
                          (int)got.n, got.p);
        }
    }
    print_message("%zu passed, %zu failed\n", passed, failed);
    free(line);
    fclose(f);
    tbe_arena_free(&a);
    assert_int_equal(failed, 0);
    assert_true(passed > 400);
}

/* One value of {"k":...} as class letter and text: L5, D1.5, Strue, Btrue, J{}; "-" when
 * skipped, "!" + error. */
static struct tbe_str
typed(struct tbe_arena *a, const char *value, unsigned flags, size_t max_string)
{
    struct tbe_kvs kvs;
    struct tbe_str err = TBE_STR_NONE;
    const struct tbe_str doc = tbe_arena_fmt(a, "{\"k\":%s}", value);
    if (tbe_kv_attributes(a, doc, flags, max_string, &kvs, &err) != 0) {
        return tbe_arena_fmt(a, "!%.*s", (int)err.n, err.p);
    }
    if (kvs.n == 0) {
        return TBE_STR("-");
    }
    const struct tbe_str text = tbe_kv_text(a, &kvs.v[0]);
    return tbe_arena_fmt(a, "%c%.*s", "BLDSJ"[kvs.v[0].type], (int)text.n, text.p);
}

static void
test_table(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "1", "L1" }, { "\"1\"", "L1" }, { "1.0", "D1.0" }, { "\"1.0\"", "D1.0" },
        { "42.0", "D42.0" },
        { "\"42.50\"", "D42.5" }, { "1E1", "L10" }, { "1.0E1", "L10" }, { "1E+1", "L10" },
        { "\"1E1\"", "S1E1" },
        { "101E-1", "D10.1" }, { "\"-5\"", "L-5" }, { "1.5e3", "L1500" }, { "\"+5\"", "S+5" },
        { "-0", "L0" },
        { "\".5\"", "D0.5" }, { "-0.0", "D0.0" }, { "\"5.\"", "S5." }, { "\".\"", "S." },
        { "\"-\"", "S-" },
        { "\"\"", "S" }, { "\" 5\"", "S 5" }, { "\"0x1F\"", "S0x1F" },
        { "9223372036854775807", "L9223372036854775807" },
        { "-9223372036854775808", "L-9223372036854775808" }, { "\"007\"", "L7" }, { "007", "L7" },
        { "9223372036854775808", "S9223372036854775808" }, { "-9223372036854775809",
        "S-9223372036854775809" },
        { "\"99999999999999999999\"", "S99999999999999999999" },
        { "9.9701010061400066E19", "S99701010061400066000" },
        { "1E19", "S10000000000000000000" }, { "0.1234567890123456", "D0.1234567890123456" },
        { "\"true\"", "Strue" },
        { "0.12345678901234567", "S0.12345678901234567" }, { "true", "Btrue" },
        { "FALSE", "Bfalse" }, { "null", "-" },
        { "{\"x\":1.50, \"y\":[1, 2]}", "J{\"x\":1.50,\"y\":[1,2]}" }, { "[]", "J[]" },
        { "{}", "J{}" },
        { "1e-5", "D1.0E-5" }, { "1.0E-17", "S0.000000000000000010" },
        { "-1.0E-17", "S-0.000000000000000010" },
        { "NaN", "SNaN" }, { "{\"a\":null}", "J{\"a\":null}" }, { "100e-2", "L1" },
        { "1.5E0", "D1.5" }, { "0e0", "L0" },
        { "0.0e5", "L0" }, { "0.00000000000000000", "S0.00000000000000000" },
        { "\"1.2.3\"", "S1.2.3" },
        { "\"\\u0661\\u0662\"", "L12" }, { "\"a\\u0000b\"", "Sab" }, { "\"\\ud800\"", "S?" },
        { "12345678.0", "D1.2345678E7" },
        { "10.50e1", "L105" }, { "1e18", "L1000000000000000000" },
        { "922337203685477580.7e1", "L9223372036854775807" },
        { "12345678901234567890.5e1", "S123456789012345678905" },
        { "12345678901234567890.0e0", "S12345678901234567890.0" },
        { "1e99999999999", "S1e99999999999" }, { "1e-99999999999", "S1e-99999999999" },
        { "\"<b>\"", "S<b>" },
    };
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tbe_str got = typed(&a, rows[i][0], 0, 0);
        if (!tbe_str_eqz(got, rows[i][1])) {
            fail_msg("%s: got %.*s, want %s", rows[i][0], (int)got.n, got.p, rows[i][1]);
        }
    }
    const struct tbe_str big = typed(&a, "1.7976931348623157E308", 0, 0);
    assert_int_equal(big.n, 310);
    tbe_arena_free(&a);
}

static void
test_flags(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    assert_true(tbe_str_eqz(typed(&a, "\"1.5\"", TBE_KV_NO_CAST, 0), "S1.5"));
    assert_true(tbe_str_eqz(typed(&a, "1E19", TBE_KV_NO_CAST, 0),
                            "!Big integer values are not supported!"));
    assert_true(tbe_str_eqz(typed(&a, "0.12345678901234567", TBE_KV_NO_CAST, 0),
                            "!Big integer values are not supported!"));
    assert_true(tbe_str_eqz(typed(&a, "null", TBE_KV_NULL_ERROR, 0), "!Can't parse value: null"));
    assert_true(tbe_str_eqz(typed(&a, "\"abcd\"", 0, 4), "Sabcd"));
    assert_true(tbe_str_eqz(typed(&a, "\"abcde\"", 0, 4),
                            "!String value length [5] for key [k] is greater than maximum allowed [4]"));
    assert_true(tbe_str_eqz(typed(&a, "\"12345\"", 0, 4),
                            "!String value length [5] for key [k] is greater than maximum allowed [4]"));
    assert_true(tbe_str_eqz(typed(&a, "\"\xc3\xa4\xc3\xa4\xf0\x9f\x98\x80\"", 0, 4),
                            "S\xc3\xa4\xc3\xa4\xf0\x9f\x98\x80"));
    tbe_arena_free(&a);
}

static int64_t
ts_of(struct tbe_arena *a, const char *ts)
{
    struct tbe_ts_record *r;
    uint32_t n;
    struct tbe_str err;
    const struct tbe_str doc = tbe_arena_fmt(a, "{\"values\":{\"a\":1},\"ts\":%s}", ts);
    return tbe_kv_telemetry(a, doc, NOW, 0, 0, &r, &n, &err) == 0 ? r->ts : INT64_MIN;
}

static void
test_ts(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    assert_true(ts_of(&a, "1634712287000") == 1634712287000);
    assert_true(ts_of(&a, "\"1634712287000\"") == 1634712287000);
    assert_true(ts_of(&a, "1634712287000.9") == 1634712287000);
    assert_true(ts_of(&a, "1.6347122870009e12") == 1634712287000);
    assert_true(ts_of(&a, "-5") == -5);
    assert_true(ts_of(&a, "-0.5") == 0);
    assert_true(ts_of(&a, "92233720368547758080") == 0);
    assert_true(ts_of(&a, "[5]") == 5);
    assert_true(ts_of(&a, "\"9223372036854775807\"") == INT64_MAX);
    static const char *const bad[] = { "null", "{}", "[]", "[1,2]", "\"abc\"", "\"\"", "true",
        "\"1.5\"", "\" 1\"",
                                       "\"9223372036854775808\"", "1e10001" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(ts_of(&a, bad[i]) == INT64_MIN);
    }
    tbe_arena_free(&a);
}

/* The shifts between arrival and storage of facts/device-apis.md 4.6. */
static void
test_second_pass(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "12345678.0", "L12345678" }, { "9999999.0", "D9999999.0" },
        { "10000000000.5", "D1.00000000005E10" },
        { "100000000000000000000.5", "S100000000000000000000" },
        { "1e-16", "S0.00000000000000010" },
        { "9223372036854775807.0", "S9223372036854776000" }, { "0.0005", "D5.0E-4" },
        { "{\"a\":null}", "J{}" },
        { "\"<>&='\"", "S<>&='" }, { "[null,{\"a\":null,\"b\":[null]}]", "J[null,{\"b\":[null]}]" },
        { "\"\xe2\x80\xa8\"", "S\xe2\x80\xa8" }, { "{\"a\":\"=\"}", "J{\"a\":\"=\"}" },
    };
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tbe_kvs kvs;
        struct tbe_str err;
        struct tbe_buf b = { 0 };
        assert_int_equal(tbe_kv_attributes(&a, tbe_arena_fmt(&a, "{\"k\":%s}", rows[i][0]), 0, 0,
                                           &kvs, &err), 0);
        tbe_kv_json(&b, &kvs.v[0], TBE_OUT_GSON);
        const struct tbe_str got = typed(&a, b.p, TBE_KV_NULL_ERROR, 0);
        if (!tbe_str_eqz(got, rows[i][1])) {
            fail_msg("%s: data %s, got %.*s, want %s", rows[i][0], b.p, (int)got.n, got.p,
                     rows[i][1]);
        }
        tbe_buf_free(&b);
    }
    tbe_arena_free(&a);
}

static void
test_out(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    struct tbe_kvs kvs;
    struct tbe_str err;
    const struct tbe_str doc = TBE_STR("{\"a<\":\"x=y\",\"j\":{\"n\":null,\"h\":\"<\"},\"d\":42.0,\"l\":\"7\",\"t\":true}");
    assert_int_equal(tbe_kv_attributes(&a, doc, 0, 0, &kvs, &err), 0);
    struct tbe_buf b = { 0 };
    tbe_kvs_json(&b, &kvs, TBE_OUT_GSON);
    assert_string_equal(b.p,
                        "{\"a\\u003c\":\"x\\u003dy\",\"j\":{\"h\":\"\\u003c\"},\"d\":42.0,\"l\":7,\"t\":true}");
    b.n = 0;
    tbe_kvs_json(&b, &kvs, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    assert_string_equal(b.p,
                        "{\"a<\":\"x=y\",\"j\":{\"n\":null,\"h\":\"<\"},\"d\":42.0,\"l\":7,\"t\":true}");
    tbe_buf_free(&b);
    tbe_arena_free(&a);
}

/* What the fast way must take, lest it be given up unnoticed, and what it must leave to the
 * general one. */
static void
test_fast(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool telemetry, attributes;
    } rows[] = {
        { "{\"temperature\":25.5,\"humidity\":60,\"active\":true}", true, true },
        { " { \"a\" : -1 , \"b\" : \"x y\" , \"c\" : false , \"d\":\"007\" } \n", true, true },
        { "{\"ts\":1700000000000,\"values\":{\"a\":1.25,\"ts\":5}}", true, false },
        { "{\"values\":{},\"ts\":-1}", true, false },
        { "[{\"ts\":1,\"values\":{\"a\":1}},{\"b\":2}]", true, false },
        { "{}", true, true },
        { "{\"ts\":5}", true, true },
        { "{\"values\":5}", true, true },
        { "{\"ts\":5,\"values\":5}", false, true },
        { "{\"ts\":\"5\",\"values\":{}}", false, false },
        { "{\"values\":{}}", false, false },
        { "{\"a\":1,\"a\":2}", false, false },
        { "{\"a\":null}", false, false },
        { "{\"a\":1e3}", false, false },
        { "{\"a\":01}", false, false },
        { "{\"a\":1x}", false, false },
        { "{\"a\":[]}", false, false },
        { "{\"a\":\"\\n\"}", false, false },
        { "{\"a\":1} x", false, false },
        { "{\"a\":1,}", false, false },
        { "{\"a\":1", false, false },
        { "[]", false, false },
        { "", false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tbe_arena a;
        struct tbe_ts_record *recs;
        struct tbe_kvs kvs;
        uint32_t n;
        tbe_arena_init(&a, 0);
        const struct kv_fast_opts o = { &a, 0, 0, NOW };
        if (kv_fast_telemetry(&o, tbe_strz(rows[i].text), &recs, &n) != rows[i].telemetry ||
            kv_fast_attributes(&o, tbe_strz(rows[i].text), &kvs) != rows[i].attributes) {
            fail_msg("%s", rows[i].text);
        }
        tbe_arena_free(&a);
    }
}

/* Every size of arena: an error or the whole result, never a crash. */
static void
test_no_memory(void **state)
{
    (void)state;
    static const char *const docs[] = {
        "{\"temperature\":25.5,\"humidity\":60,\"active\":true}",
        "[{\"ts\":5,\"values\":{\"a\":\"b\\u00e9\",\"j\":{\"x\":[1,2,{}]}}},{a:'c',\"1E300\":1E300,n:\"\xff\"}]",
        "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":[],\"a\":{}}",
        "{\"a\":,1}",
    };
    for (size_t d = 0; d < sizeof docs / sizeof docs[0]; d++) {
        bool done = false;
        for (size_t limit = 16; limit < 8192; limit += 16) {
            struct tbe_arena a;
            struct tbe_ts_record *r;
            uint32_t n;
            struct tbe_str err = TBE_STR_NONE;
            tbe_arena_init(&a, limit);
            const int rc = tbe_kv_telemetry(&a, tbe_strz(docs[d]), NOW, 0, 0, &r, &n, &err);
            assert_true(rc == 0 || (err.p != NULL));
            done = rc == 0 || d == 3;
            tbe_arena_free(&a);
        }
        assert_true(done);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_table),
                  cmocka_unit_test(test_flags),
        cmocka_unit_test(test_ts),      cmocka_unit_test(test_second_pass),
            cmocka_unit_test(test_out),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
