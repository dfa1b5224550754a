/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the C of the scripts of script_bench.json, compiled as tbedgec compiles those of a chain, with
 * a table of them for script_run.c behind. usage: script_emit < script_bench.json > scripts.c
 * script_emit --time: how long a script of 100 lines takes to compile, a line "compile100 LANG LIMIT NS" for each
 * language, processor time, the median of rounds. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "script/script.h"

static struct tbe_arena arena;

static void
failed(const char *what)
{
    fprintf(stderr, "script_emit: %s\n", what);
    exit(1);
}

static tbe_val
member(tbe_val o, const char *name)
{
    const tbe_val v = o.t == TBE_MAP ? tbe_map_get(o.u.m, tbe_strz(name)) : TBE_UNDEF_VAL;
    if (v.t == TBE_UNDEF) {
        failed(name);
    }
    return v;
}

static struct tbe_str
text(tbe_val o, const char *name)
{
    const tbe_val v = member(o, name);
    if (v.t != TBE_STR_T) {
        failed(name);
    }
    return tbe_val_str(v);
}

static void
emit(tbe_val o, uint32_t i, struct tbe_buf *c, struct tbe_buf *table)
{
    char symbol[32];
    struct script_result r;
    const bool js = tbe_str_eqz(text(o, "lang"), "js");
    const struct tbe_str name = text(o, "name");
    snprintf(symbol, sizeof symbol, "s%u", i);
    const struct script_source in = { .text = text(o, "script"),
                                      .dialect = js ? TBE_DIALECT_JS : TBE_DIALECT_TBEL,
                                      .symbol = symbol,
                                      .params = { "msg", "metadata", "msgType" },
                                      .n_params = 3 };
    if (script_compile(&arena, &in, &r) != 0 || r.refused) {
        failed("a script does not compile");
    }
    tbe_buf_puts(c, tbe_buf_str(&r.c));
    tbe_buf_free(&r.c);
    tbe_buf_fmt(table, "    { \"%.*s\", \"%s\", %s, %lld, &%s },\n", (int)name.n, name.p, js ? "js" : "tbel",
                member(o, "parse").u.i ? "true" : "false", (long long)member(o, "limit_ns").u.i, symbol);
}

/* ---- compile time ---- */

#define LINES 100
#define ROUNDS 51
#define LIMIT_NS 2000000

static const char *const js_lines[] = {
    "var t%d = msg.temperature * 1.8 + 32;",
    "if (t%d > 50 && msg.humidity !== undefined) { metadata.level = 'high ' + t%d.toFixed(1); }",
    "for (var i%d = 0; i%d < 10; i%d++) { t%d += i%d * 2; }",
    "var o%d = {a: t%d, b: [1, 2, msg.humidity], c: {d: 'text'}};",
    "metadata['k%d'] = JSON.stringify(o%d);",
};
static const char *const tbel_lines[] = {
    "var t%d = msg.temperature * 1.8 + 32;",
    "if (t%d > 50 && msg.humidity != null) { metadata.level = 'high ' + toFixed(t%d, 1); }",
    "for (var i%d = 0; i%d < 10; i%d++) { t%d += i%d * 2; }",
    "var o%d = {a: t%d, b: [1, 2, msg.humidity], c: {d: 'text'}};",
    "metadata['k%d'] = JSON.stringify(o%d);",
};

static void
long_script(struct tbe_buf *b, const char *const *lines)
{
    for (int i = 0; i < LINES - 1; i++) {
        for (const char *p = lines[i % 5]; *p != '\0'; p++) {
            if (*p == '%') {
                tbe_buf_fmt(b, "%d", i / 5);
                p++;
            } else {
                tbe_buf_putc(b, *p);
            }
        }
        tbe_buf_putc(b, '\n');
    }
    tbe_buf_putz(b, "return {msg: msg, metadata: metadata, msgType: msgType};");
}

static int
by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t
cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
time_compile(bool js)
{
    struct tbe_buf text = { 0 };
    int64_t ns[ROUNDS];
    long_script(&text, js ? js_lines : tbel_lines);
    const struct script_source in = { .text = tbe_buf_str(&text), .dialect = js ? TBE_DIALECT_JS : TBE_DIALECT_TBEL,
                                      .symbol = "s", .params = { "msg", "metadata", "msgType" }, .n_params = 3 };
    for (int i = 0; i < ROUNDS; i++) {
        struct tbe_arena a;
        struct script_result r;
        const int64_t start = cpu_ns();
        tbe_arena_init(&a, 0);
        if (script_compile(&a, &in, &r) != 0 || r.refused) {
            failed("the long script does not compile");
        }
        tbe_buf_free(&r.c);
        tbe_arena_free(&a);
        ns[i] = cpu_ns() - start;
    }
    qsort(ns, ROUNDS, sizeof ns[0], by_value);
    printf("compile100 %s %d %lld\n", js ? "js" : "tbel", LIMIT_NS, (long long)ns[ROUNDS / 2]);
    tbe_buf_free(&text);
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--time") == 0) {
        time_compile(true);
        time_compile(false);
        return 0;
    }
    static char in[65536];
    const size_t n = fread(in, 1, sizeof in, stdin);
    struct tbe_buf c = { 0 }, table = { 0 };
    tbe_val all;
    tbe_arena_init(&arena, 0);
    if (tbe_json_parse(&arena, (struct tbe_str){ in, n }, TBE_JSON_JAVA, &all, NULL) != 0 || all.t != TBE_LIST) {
        failed("standard input is no list of scripts");
    }
    script_prologue(&c);
    for (uint32_t i = 0; i < all.u.l->n; i++) {
        emit(all.u.l->v[i], i, &c, &table);
    }
    printf("%.*s\n#include \"script_run.h\"\nconst struct bench benches[] = {\n%.*s};\n"
           "const unsigned n_benches = %u;\n", (int)c.n, c.p, (int)table.n, table.p, all.u.l->n);
    tbe_buf_free(&c);
    tbe_buf_free(&table);
    tbe_arena_free(&arena);
    return 0;
}
