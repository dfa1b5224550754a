/* SPDX-License-Identifier: Apache-2.0 */
/* Files to chains and diagnostics to the user, for every command that works on chains. */
#include "config.h"
#include "cmd/job.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
job_init(struct job *j, struct tbe_arena *a)
{
    *j = (struct job){ .a = a };
    diags_init(&j->ds, a);
}

int
job_load(struct job *j, char **files, int n)
{
    for (int i = 0; i < n; i++) {
        if (chains_load(j->a, &j->ds, files[i], &j->cs) != 0) {
            return cmd_fail("cannot read %s: %s", files[i], strerror(errno));
        }
    }
    chains_link(j->a, &j->ds, &j->cs);
    return EXIT_CLEAN;
}

enum job_format
job_format(const char *word)
{
    static const char *const words[] = { "text", "json", "sarif", "github" };
    for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0) {
            return (enum job_format)i;
        }
    }
    return JOB_TEXT;
}

int
job_baseline(struct job *j)
{
    struct tbe_buf b = { 0 };
    uint32_t before = j->ds.n;
    FILE *f = fopen(j->baseline, "rb");
    if (!f) {
        return cmd_fail("cannot read %s: %s", j->baseline, strerror(errno));
    }
    char chunk[65536];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0 && b.n <= DOC_MAX_BYTES;) {
        tbe_buf_put(&b, chunk, n);
    }
    bool bad = ferror(f) || b.oom;
    fclose(f);
    struct tbe_str text = tbe_arena_dup(j->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    if (bad || diags_baseline(&j->ds, text) != 0) {
        return cmd_fail(bad ? "cannot read %s" : "%s is no baseline of tbedgec", j->baseline);
    }
    j->known = before - j->ds.n;
    return EXIT_CLEAN;
}

/* In one piece: stderr has no buffer. */
static void
show_text(const struct job *j)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    diags_text(&j->ds, f ? f : stderr, cmd_colour(2));
    if (f) {
        fclose(f);
        fwrite(text, 1, n, stderr);
        free(text);
    }
}

void
job_show(struct job *j)
{
    diags_sort(&j->ds);
    if (j->format == JOB_JSON) {
        diags_json(&j->ds, stdout);
    } else if (j->format == JOB_GITHUB) {
        diags_github(&j->ds, stdout);
    } else if (j->format == JOB_SARIF && !j->shown) {
        diags_sarif(&j->ds, stdout);
        j->shown = true;
    } else {
        show_text(j);
    }
}

int
job_verdict(const struct job *j)
{
    return j->ds.errors || (j->strict && j->ds.warnings) ? EXIT_PROBLEMS : EXIT_CLEAN;
}

int32_t
job_choose_root(struct job *j)
{
    for (uint32_t i = 0; i < j->cs.n && j->root; i++) {
        if (tbe_str_eqz(j->cs.v[i].name, j->root) || tbe_str_eqz(j->cs.v[i].id, j->root)) {
            for (uint32_t k = 0; k < j->cs.n; k++) {
                j->cs.v[k].root = k == i;
            }
            return (int32_t)i;
        }
    }
    if (j->root) {
        diag_add(&j->ds, C2109, (struct diag_pos){ 0 }, "--root %s: no chain has this name or id",
                 j->root);
        return -2;
    }
    for (uint32_t i = 0; i < j->cs.n; i++) {
        if (j->cs.v[i].root) {
            return (int32_t)i;
        }
    }
    return j->cs.n == 1 ? 0 : -1;
}
