/* SPDX-License-Identifier: Apache-2.0 */
/* A baseline: the diagnostics a project has accepted. One line each, "CODE count pointer text" by tabs after the
 * file's name, without line numbers, so that edits elsewhere in a file do not bring accepted ones back. */
#include "config.h"
#include "check/diag.h"
#include <stdlib.h>
#include <string.h>

#define HEAD "# tbedgec baseline 1"

/* file TAB code TAB chain TAB node TAB text, control bytes as spaces. */
static struct tbe_str
line_of(const struct diags *ds, const struct diag *d)
{
    struct tbe_buf b = { 0 };
    tbe_buf_fmt(&b, "%s\t%s\t", d->pos.file ? d->pos.file : "", diag_info(d->code)->name);
    tbe_buf_puts(&b, d->place.chain);
    tbe_buf_putc(&b, '\t');
    tbe_buf_puts(&b, d->place.node);
    tbe_buf_putc(&b, '\t');
    tbe_buf_puts(&b, d->text);
    uint32_t tabs = 0;
    for (size_t i = 0; i < b.n; i++) {
        tabs += b.p[i] == '\t';
        if ((unsigned char)b.p[i] < 32 && !(b.p[i] == '\t' && tabs <= 4)) {
            b.p[i] = ' ';
        }
    }
    struct tbe_str s = tbe_arena_dup(ds->arena, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

static int
by_bytes(const void *x, const void *y)
{
    const struct tbe_str *a = x, *b = y;
    int c = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
    return c ? c : a->n < b->n ? -1 : a->n > b->n;
}

/* Sorted lines of the baseline; those that were used become NULL one by one. */
struct lines {
    struct tbe_str *v;
    bool *used;
    size_t n;
};

static int
read_lines(struct diags *ds, struct tbe_str text, struct lines *out)
{
    size_t n = 0;
    if (text.n < strlen(HEAD) || memcmp(text.p, HEAD, strlen(HEAD)) != 0) {
        return -1;
    }
    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] == '\n';
    }
    out->v = tbe_arena_alloc(ds->arena, (n + 1) * sizeof *out->v);
    out->used = tbe_arena_zalloc(ds->arena, n + 1);
    for (const char *p = text.p, *end = text.p + text.n; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((nl ? nl : end) - p);
        if (len && *p != '#') {
            out->v[out->n++] = (struct tbe_str){ p, len && p[len - 1] == '\r' ? len - 1 : len };
        }
        p += len + 1;
    }
    qsort(out->v, out->n, sizeof *out->v, by_bytes);
    return 0;
}

static bool
take(struct lines *l, struct tbe_str line)
{
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (by_bytes(&l->v[mid], &line) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    for (; lo < l->n && by_bytes(&l->v[lo], &line) == 0; lo++) {
        if (!l->used[lo]) {
            l->used[lo] = true;
            return true;
        }
    }
    return false;
}

int
diags_baseline(struct diags *ds, struct tbe_str text)
{
    struct lines l = { 0 };
    if (read_lines(ds, text, &l) != 0) {
        return -1;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < ds->n; i++) {
        struct diag *d = &ds->v[i];
        if (!take(&l, line_of(ds, d))) {
            ds->v[n++] = *d;
            continue;
        }
        ds->errors -= d->severity == DIAG_ERROR;
        ds->warnings -= d->severity == DIAG_WARNING;
        ds->notes -= d->severity == DIAG_NOTE;
    }
    ds->n = n;
    return 0;
}

void
diags_put_baseline(const struct diags *ds, FILE *out)
{
    fputs(HEAD ": accepted problems, one a line: file, code, chain, node, text\n", out);
    for (uint32_t i = 0; i < ds->n; i++) {
        struct tbe_str s = line_of(ds, &ds->v[i]);
        fprintf(out, "%.*s\n", (int)s.n, s.p);
    }
}
