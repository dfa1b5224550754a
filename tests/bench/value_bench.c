/* SPDX-License-Identifier: Apache-2.0 */
/* Throughput of the value room on the payload most devices send, with cJSON beside it in the
 * same run. Prints one JSON object a line; each figure is the best of five rounds. usage:
 * value_bench [ROUND-MS] */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "base/clock.h"
#include "tbe/value.h"

#define ROUNDS 5

static const char payload[] = "{\"temperature\":25.5,\"humidity\":60,\"active\":true}";
static const char with_ts[] = "{\"ts\":1700000000000,\"values\":{\"temperature\":25.5,\"humidity\":60,\"active\":true}}";
static const struct tbe_str text = { payload, sizeof payload - 1 };
static struct tbe_arena arena;
static struct tbe_buf out;
static volatile uint64_t sink; /* keeps results alive */
static struct tbe_kvs kvs;
static tbe_val value;

static void
failed(const char *what)
{
    fprintf(stderr, "value_bench: %s failed\n", what);
    exit(1);
}

static size_t
parse_values(void)
{
    tbe_val v;
    tbe_arena_reset(&arena);
    if (tbe_json_parse(&arena, text, TBE_JSON_JAVA | TBE_JSON_BORROW, &v, NULL) != 0) {
        failed("parse");
    }
    sink += v.u.m->live;
    return text.n;
}

static size_t
parse_cjson(void)
{
    cJSON *v = cJSON_ParseWithLength(text.p, text.n);
    if (v == NULL) {
        failed("cJSON");
    }
    sink += (uint64_t)v->type;
    cJSON_Delete(v);
    return text.n;
}

static size_t
telemetry(struct tbe_str s)
{
    struct tbe_ts_record *recs;
    uint32_t n;
    struct tbe_str err;
    tbe_arena_reset(&arena);
    if (tbe_kv_telemetry(&arena, s, 1700000000000, 0, 0, &recs, &n, &err) != 0) {
        failed("telemetry");
    }
    sink += recs->kvs.n;
    return s.n;
}

static size_t
telemetry_plain(void)
{
    return telemetry(text);
}

static size_t
telemetry_ts(void)
{
    return telemetry((struct tbe_str){ with_ts, sizeof with_ts - 1 });
}

static size_t
telemetry_general(void) /* the same payload the long way: one unquoted name */
{
    return telemetry(TBE_STR("{temperature:25.5,\"humidity\":60,\"active\":true}"));
}

static size_t
write_kvs(void)
{
    out.n = 0;
    tbe_kvs_json(&out, &kvs, TBE_OUT_GSON);
    sink += out.n;
    return out.n;
}

static size_t
write_value(void)
{
    out.n = 0;
    tbe_json_write(&out, value, TBE_OUT_JAVA);
    sink += out.n;
    return out.n;
}

static double doubles[64];

static size_t
print_doubles(void)
{
    char buf[TBE_NUMTEXT];
    size_t n = 0;
    for (size_t i = 0; i < 64; i++) {
        n += tbe_double_java(doubles[i], buf);
    }
    sink += n;
    return n;
}

static void
measure(const char *name, size_t (*fn)(void), double ops_per_call, int64_t round_ns)
{
    double best_mb = 0, best_ns = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t bytes = 0, calls = 0;
        const int64_t start = clock_mono_ns();
        int64_t spent;
        do {
            for (int i = 0; i < 256; i++) {
                bytes += fn();
            }
            calls += 256;
            spent = clock_mono_ns() - start;
        } while (spent < round_ns);
        const double mb = (double)bytes * 1000 / (double)spent;
        if (mb > best_mb) {
            best_mb = mb;
            best_ns = (double)spent / (double)calls / ops_per_call;
        }
    }
    printf("{\"bench\":\"%s\",\"mb_per_s\":%.1f,\"ns_per_op\":%.1f}\n", name, best_mb, best_ns);
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    const int64_t round_ns = (argc > 1 ? atoi(argv[1]) : 200) * INT64_C(1000000);
    struct tbe_arena keep;
    struct tbe_str err;
    tbe_arena_init(&arena, 0);
    tbe_arena_init(&keep, 0);
    if (tbe_json_parse(&keep, text, TBE_JSON_JAVA, &value, NULL) != 0 ||
        tbe_kv_attributes(&keep, text, 0, 0, &kvs, &err) != 0) {
        failed("setup");
    }
    for (int i = 0; i < 64; i++) {
        doubles[i] = (i % 2 ? 1.0 / 3 : 0.01) * (i * 37 - 1000);
    }
    measure("json_parse_3key", parse_values, 1, round_ns);
    measure("json_parse_3key_cjson", parse_cjson, 1, round_ns);
    measure("kv_telemetry_3key", telemetry_plain, 1, round_ns);
    measure("kv_telemetry_3key_ts", telemetry_ts, 1, round_ns);
    measure("kv_telemetry_3key_lenient", telemetry_general, 1, round_ns);
    measure("kvs_json_3key", write_kvs, 1, round_ns);
    measure("json_write_3key", write_value, 1, round_ns);
    measure("double_java", print_doubles, 64, round_ns);
    tbe_buf_free(&out);
    tbe_arena_free(&arena);
    tbe_arena_free(&keep);
    return 0;
}
