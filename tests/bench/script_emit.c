/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the C of the scripts of script_bench.json, compiled as tbedgec compiles those of a chain, with
 * a table of them for script_run.c behind. usage: script_emit < script_bench.json > scripts.c */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

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

int
main(void)
{
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
