/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: arbitrary bytes as a test file, through reader, schema, names, the chains in it and the scenarios;
 * what stands behind a zero byte is what a worker reports, through comparing and --update. Nothing is built. */
#include "config.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drive/test_int.h"

#define INPUT_MAX 32768 /* a longer one only takes longer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
through(struct test_run *r, struct test_file *f, struct tbe_str report)
{
    struct diags quiet;
    diags_init(&quiet, r->a);
    const struct doc *d = json_read(r->a, &quiet, "report", report);
    for (uint32_t i = 0; i < f->n; i++) {
        struct tbe_buf b = { 0 };
        test_scenario(r, &f->v[i], TBE_STR("t0"), &b);
        /* What the worker gets is one line of JSON, whatever the file holds. */
        if (b.n == 0 || memchr(b.p, '\n', b.n) != b.p + b.n - 1 || !json_read(r->a, &quiet, "scenario", tbe_buf_str(&b))) {
            abort();
        }
        tbe_buf_free(&b);
        if (d) {
            test_observe(r, &f->v[i], d);
            test_compare(r, &f->v[i]);
        }
    }
    struct tbe_str text = d ? test_update(r, f) : TBE_STR_NONE;
    if (text.p) {
        struct test_file again;
        test_read_text(r, &again, "fuzz.test.yaml", text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct test_options o = { .format = "json", .update = true, .seconds = 1 };
    struct tbe_arena a;
    if (size == 0 || size > INPUT_MAX) {
        return 0;
    }
    tbe_arena_init(&a, 0);
    struct test_run r = { .a = &a, .o = &o, .no_files = true };
    const uint8_t *zero = memchr(data, 0, size);
    struct tbe_str text = tbe_arena_dup(&a, (struct tbe_str){ (const char *)data, zero ? (size_t)(zero - data) : size });
    struct tbe_str report = zero ? tbe_arena_dup(&a, (struct tbe_str){ (const char *)zero + 1, size - text.n - 1 })
                                 : TBE_STR("{\"id\":\"t0\",\"steps\":[]}");
    diags_init(&r.ds, &a);
    r.files = tbe_arena_zalloc(&a, 2 * sizeof *r.files);
    r.n_files = 1;
    if (chains_is_text(&r.ds, "fuzz.test.yaml", text)) {
        test_read_text(&r, r.files, "fuzz.test.yaml", text);
        test_sets(&r);
    }
    if (r.n_sets) {
        struct test_set *s = r.sets;
        r.ds.build = true;
        test_load(&r, s);
        struct check_options opt = { .together = true, .line_directives = true };
        s->cc = check_chains(&a, &r.ds, &s->cs, &opt);
        if (!r.files->bad && s->cs.n) {
            through(&r, r.files, report);
        }
    }
    FILE *out = fopen("/dev/null", "w");
    uint32_t n;
    if (out) {
        (void)test_report(&r, 0, out, &n);
        fclose(out);
    }
    tbe_arena_free(&a);
    return 0;
}
