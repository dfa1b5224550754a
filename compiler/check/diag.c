/* SPDX-License-Identifier: Apache-2.0 */
/* Collects and orders diagnostics. */
#include "config.h"
#include "check/diag.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "front/doc.h"

static const struct diag_info codes[] = {
#define CODE(id, severity, scope, summary, hint, page) { #id, severity, scope, summary, hint, page },
#include "check/codes.def"
#undef CODE
};

void
diags_init(struct diags *ds, struct tbe_arena *a)
{
    *ds = (struct diags){ .arena = a, .place = { .index = -1 } };
}

const struct diag_info *
diag_info(enum diag_code code)
{
    return &codes[code];
}

int
diag_code_find(const char *name)
{
    for (int i = 0; i < DIAG_N_CODES; i++) {
        if (strcasecmp(codes[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *
diag_severity_name(enum diag_severity severity)
{
    static const char *const names[] = { "error", "warning", "note" };
    return names[severity];
}

void
diag_at(struct diags *ds, struct tbe_str chain, struct tbe_str node, int64_t index)
{
    ds->place = (struct diag_place){ chain, node, index };
}

void
diags_source(struct diags *ds, const char *file, struct tbe_str text)
{
    struct diag_source *s = tbe_arena_alloc(ds->arena, sizeof *s);
    *s = (struct diag_source){ file, text, ds->sources };
    ds->sources = s;
}

static struct diag *
room(struct diags *ds)
{
    if (ds->n == DIAG_MAX) {
        ds->dropped++;
        return NULL;
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
    return &ds->v[ds->n++];
}

static void
add(struct diags *ds, enum diag_severity sev, enum diag_code code, struct diag_pos pos, const char *fmt, va_list ap)
{
    if (sev == DIAG_ERROR && codes[code].scope == DIAG_NODE && ds->build) {
        sev = DIAG_WARNING;
    }
    ds->skipped = true;
    if (sev == DIAG_NOTE && ds->no_notes) {
        return;
    }
    ds->errors += sev == DIAG_ERROR;
    ds->warnings += sev == DIAG_WARNING;
    ds->notes += sev == DIAG_NOTE;
    struct diag *d = room(ds);
    if (!d) {
        return;
    }
    struct tbe_str text = tbe_arena_vfmt(ds->arena, fmt, ap);
    if (pos.at) {
        pos.pointer = doc_pointer(ds->arena, pos.at);
    }
    ds->skipped = false;
    struct tbe_str hint = codes[code].hint ? tbe_strz(codes[code].hint) : TBE_STR_NONE;
    *d = (struct diag){ code, sev, pos, ds->place, text, hint, ds->n - 1 };
}

void
diag_add(struct diags *ds, enum diag_code code, struct diag_pos pos, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(ds, codes[code].severity, code, pos, fmt, ap);
    va_end(ap);
}

void
diag_add_as(struct diags *ds, enum diag_severity severity, enum diag_code code, struct diag_pos pos, const char *fmt,
            ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(ds, severity, code, pos, fmt, ap);
    va_end(ap);
}

void
diag_hint(struct diags *ds, const char *fmt, ...)
{
    va_list ap;
    if (ds->skipped) {
        return;
    }
    va_start(ap, fmt);
    ds->v[ds->n - 1].hint = tbe_arena_vfmt(ds->arena, fmt, ap);
    va_end(ap);
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
