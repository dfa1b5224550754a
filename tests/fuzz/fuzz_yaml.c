/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: arbitrary bytes as a chain file, as JSON and as YAML, through checks, reports, IR and emitter. Scripts
 * have targets of their own; here they are compiled as part of the checks. */
#include "config.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "emit/emit.h"

#define INPUT_MAX 65536 /* a longer one only takes longer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every form of the report, and a baseline that accepts all of it. */
static void
report(struct diags *ds)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f) {
        return;
    }
    diags_text(ds, f, true);
    diags_json(ds, f);
    diags_sarif(ds, f);
    diags_github(ds, f);
    rewind(f);
    diags_put_baseline(ds, f);
    fflush(f);
    struct diags copy = *ds;
    copy.v = tbe_arena_alloc(ds->arena, (ds->n + 1) * sizeof *copy.v);
    if (ds->n) {
        memcpy(copy.v, ds->v, ds->n * sizeof *copy.v);
    }
    if (diags_baseline(&copy, tbe_arena_dup(ds->arena, (struct tbe_str){ text, n })) != 0 || copy.n != 0) {
        abort();
    }
    fclose(f);
    free(text);
}

static void
through(struct tbe_str text, int yaml)
{
    struct tbe_arena a;
    struct diags ds;
    struct chains cs = { 0 };
    struct emit_result out;
    tbe_arena_init(&a, 0);
    diags_init(&ds, &a);
    ds.build = true; /* notes too */
    chains_read(&a, &ds, "fuzz", tbe_arena_dup(&a, text), yaml, &cs);
    chains_link(&a, &ds, &cs);
    struct check_options opt = { .together = true, .line_directives = yaml != 0 };
    const struct checked_chain *cc = check_chains(&a, &ds, &cs, &opt);
    diags_sort(&ds);
    report(&ds);
    if (ds.errors == 0 && cs.n > 0) {
        struct ir_program *p = ir_build(&a, &cs, cc, 0);
        ir_optimise(&a, p);
        emit_program(&a, p, "", opt.line_directives, &out);
        for (uint32_t i = 0; i < out.n_files; i++) {
            struct tbe_str t = out.files[i].text;
            bool c = out.files[i].name.p[out.files[i].name.n - 1] == 'c';
            for (size_t k = 0; c && k < t.n; k++) { /* what the two writers promise */
                if ((unsigned char)t.p[k] > 126 || ((unsigned char)t.p[k] < 32 && t.p[k] != '\n' && t.p[k] != '\t')) {
                    abort();
                }
            }
        }
    }
    tbe_arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && size <= INPUT_MAX) {
        struct tbe_str text = { (const char *)data, size };
        through(text, 0);
        through(text, 1);
    }
    return 0;
}
