/* SPDX-License-Identifier: Apache-2.0 */
/* Runs each compiled script as its node does: arguments made in an arena that is reset before every run,
 * a private copy of the message for a script that may change or keep it. Processor time; a line
 * "NAME LANG LIMIT NS" each, the median of three rounds. Linked with what script_emit writes. */
#include "script_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 3
#define ROUND_NS 200000000
#define KEPT 8 /* parsed messages that take turns */

static const char *const payloads[2] = { "{\"temperature\":25.5,\"humidity\":60,\"active\":true}",
                                         "{\"temperature\":75.5,\"humidity\":60,\"active\":true}" };
static struct tbe_arena arena, kept;
static tbe_val parsed[KEPT];
static volatile uint64_t sink; /* keeps results alive */

static int64_t
cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static tbe_val
parse(const struct bench *b, struct tbe_arena *a, const char *payload)
{
    const unsigned flags = b->script->dialect == TBE_DIALECT_JS ? TBE_JSON_JS : TBE_JSON_JAVA | TBE_JSON_DROP_NULLS;
    tbe_val v;
    if (tbe_json_parse(a, tbe_strz(payload), flags | TBE_JSON_BORROW, &v, NULL) != 0) {
        fprintf(stderr, "script_run: parse\n");
        exit(1);
    }
    return v;
}

static tbe_val
metadata(struct tbe_arena *a)
{
    const tbe_val m = tbe_map_new(a, 4);
    tbe_map_put(a, m.u.m, TBE_STR("deviceName"), tbe_strv(TBE_STR("Thermostat")));
    tbe_map_put(a, m.u.m, TBE_STR("deviceType"), tbe_strv(TBE_STR("default")));
    return m;
}

static void
once(const struct bench *b, unsigned turn)
{
    const struct tbe_script *s = b->script;
    tbe_val args[3] = { TBE_NULL_VAL, TBE_NULL_VAL, tbe_strv(TBE_STR("POST_TELEMETRY_REQUEST")) }, out;
    struct tbe_str err;
    tbe_arena_reset(&arena);
    args[0] = b->parse ? parse(b, &arena, payloads[0]) : parsed[turn % KEPT];
    if (s->mutates_msg) {
        args[0] = tbe_val_copy(&arena, args[0]);
    }
    if (s->uses & TBE_USES_METADATA) {
        args[1] = metadata(&arena);
    }
    if (tbe_script_run(s, &arena, args, &out, &err) != 0) {
        fprintf(stderr, "script_run: %s: %.*s\n", b->name, (int)err.n, err.p);
        exit(1);
    }
    sink += out.t == TBE_BOOL ? (uint64_t)out.u.i : out.t;
}

static double
round_ns(const struct bench *b)
{
    unsigned runs = 0;
    const int64_t start = cpu_ns();
    int64_t spent;
    do {
        for (unsigned i = 0; i < 4096; i++) {
            once(b, i);
        }
        runs += 4096;
        spent = cpu_ns() - start;
    } while (spent < ROUND_NS);
    return (double)spent / runs;
}

static int
by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int
main(void)
{
    tbe_arena_init(&arena, 0);
    tbe_arena_init(&kept, 0);
    for (unsigned i = 0; i < n_benches; i++) {
        double ns[ROUNDS];
        for (unsigned k = 0; k < KEPT; k++) {
            parsed[k] = parse(&benches[i], &kept, payloads[k % 2]);
        }
        for (int k = 0; k < ROUNDS; k++) {
            ns[k] = round_ns(&benches[i]);
        }
        qsort(ns, ROUNDS, sizeof ns[0], by_value);
        printf("%s %s %d %.1f\n", benches[i].name, benches[i].lang, benches[i].limit_ns, ns[ROUNDS / 2]);
        fflush(stdout);
    }
    tbe_arena_free(&arena);
    tbe_arena_free(&kept);
    return 0;
}
