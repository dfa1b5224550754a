/* SPDX-License-Identifier: Apache-2.0 */
/* Collects, orders and prints diagnostics. */
#include "config.h"
#include "check/diag.h"
#include <stdlib.h>
#include <string.h>
#include "front/doc.h"

static const struct {
    const char *name;
    enum diag_severity severity;
    enum diag_scope scope;
} codes[] = {
#define CODE(id, severity, scope, summary) { #id, severity, scope },
#include "check/codes.def"
#undef CODE
};

static const char *const severity_names[] = { "error", "warning", "note" };
static const char *const severity_colours[] = { "\033[1;31m", "\033[1;35m", "\033[1;36m" };

void
diags_init(struct diags *ds, struct tbe_arena *a)
{
    *ds = (struct diags){ .arena = a };
}

const char *
diag_code_name(enum diag_code code)
{
    return codes[code].name;
}

void
diag_add(struct diags *ds, enum diag_code code, struct diag_pos pos, const char *fmt, ...)
{
    enum diag_severity sev = codes[code].severity;
    if (sev == DIAG_ERROR && codes[code].scope == DIAG_NODE && ds->build) {
        sev = DIAG_WARNING;
    }
    ds->errors += sev == DIAG_ERROR;
    ds->warnings += sev == DIAG_WARNING;
    if (ds->n == DIAG_MAX) {
        ds->dropped++;
        return;
    }
    if (ds->n == ds->cap) {
        uint32_t cap = ds->cap ? ds->cap * 2 : 16;
        struct diag *v = tbe_arena_alloc(ds->arena, cap * sizeof *v);
        if (ds->n) {
            memcpy(v, ds->v, ds->n * sizeof *v);
        }
        ds->v = v;
        ds->cap = cap;
    }
    va_list ap;
    va_start(ap, fmt);
    struct tbe_str text = tbe_arena_vfmt(ds->arena, fmt, ap);
    va_end(ap);
    if (pos.at) {
        pos.pointer = doc_pointer(ds->arena, pos.at);
    }
    ds->v[ds->n] = (struct diag){ code, sev, pos, text, ds->n };
    ds->n++;
}

static int
by_position(const void *x, const void *y)
{
    const struct diag *a = x, *b = y;
    /* Same file: same pointer or same text; different files keep the order they were read in. */
    bool same = a->pos.file == b->pos.file ||
                (a->pos.file && b->pos.file && strcmp(a->pos.file, b->pos.file) == 0);
    if (same && a->pos.line != b->pos.line) {
        return a->pos.line < b->pos.line ? -1 : 1;
    }
    if (same && a->pos.col != b->pos.col) {
        return a->pos.col < b->pos.col ? -1 : 1;
    }
    if (!same && a->pos.file && b->pos.file) {
        return strcmp(a->pos.file, b->pos.file);
    }
    if (!same) {
        return a->pos.file ? 1 : -1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

void
diags_sort(struct diags *ds)
{
    if (ds->n > 1) {
        qsort(ds->v, ds->n, sizeof *ds->v, by_position);
    }
}

/* Control bytes of user text must not reach a terminal. */
static void
put_clean(FILE *out, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 32 || c == 127) {
            fprintf(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\x%02x", c);
        } else {
            putc(c, out);
        }
    }
}

void
diags_text(const struct diags *ds, FILE *out, bool colour)
{
    for (uint32_t i = 0; i < ds->n; i++) {
        const struct diag *d = &ds->v[i];
        if (d->pos.file) {
            put_clean(out, tbe_strz(d->pos.file));
            if (d->pos.line) {
                fprintf(out, ":%u:%u", d->pos.line, d->pos.col);
            }
            fputs(": ", out);
        }
        fprintf(out, "%s%s[%s]:%s ", colour ? severity_colours[d->severity] : "", severity_names[d->severity],
                codes[d->code].name, colour ? "\033[0m" : "");
        put_clean(out, d->text);
        putc('\n', out);
        if (d->pos.pointer.p && d->pos.pointer.n) {
            fputs("    ", out);
            put_clean(out, d->pos.pointer);
            putc('\n', out);
        }
    }
    if (ds->dropped) {
        fprintf(out, "%u more not shown\n", ds->dropped);
    }
}

static void
put_json_str(FILE *out, struct tbe_str s)
{
    putc('"', out);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 32) {
            fprintf(out, "\\u%04x", c);
        } else {
            putc(c, out);
        }
    }
    putc('"', out);
}

void
diags_json(const struct diags *ds, FILE *out)
{
    fputs("{\"diagnostics\":[", out);
    for (uint32_t i = 0; i < ds->n; i++) {
        const struct diag *d = &ds->v[i];
        fprintf(out, "%s\n{\"code\":\"%s\",\"severity\":\"%s\",\"file\":", i ? "," : "", codes[d->code].name,
                severity_names[d->severity]);
        if (d->pos.file) {
            put_json_str(out, tbe_strz(d->pos.file));
        } else {
            fputs("null", out);
        }
        fprintf(out, ",\"line\":%u,\"column\":%u,\"message\":", d->pos.line, d->pos.col);
        put_json_str(out, d->text);
        if (d->pos.pointer.p) {
            fputs(",\"pointer\":", out);
            put_json_str(out, d->pos.pointer);
        }
        putc('}', out);
    }
    fprintf(out, "%s],\"errors\":%u,\"warnings\":%u}\n", ds->n ? "\n" : "", ds->errors, ds->warnings);
}
