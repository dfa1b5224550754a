/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics as text for people, as JSON lines, and as workflow commands of GitHub Actions. */
#include "config.h"
#include "check/diag.h"
#include <string.h>

#define WINDOW 100 /* characters shown of a longer source line */

static const char *const colours[] = { "\033[1;31m", "\033[1;35m", "\033[1;36m" };

/* Control bytes of user text must not reach a terminal. */
static void
put_clean(FILE *out, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 32 || c == 127) {
            fprintf(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\x%02x", c);
        } else if (c == 0xC2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xA0) {
            fprintf(out, "\\u%04x", (unsigned char)s.p[++i]); /* C1 controls */
        } else {
            putc(c, out);
        }
    }
}

/* ---- text --------------------------------------------------------------------------------------- */

/* A cursor that walks each file once: diagnostics come in order. */
struct cursor {
    const struct diag_source *src;
    size_t at;
    uint32_t line;
};

static struct tbe_str
line_of(struct cursor *c, const struct diags *ds, const struct diag_pos *pos)
{
    if (!c->src || strcmp(c->src->file, pos->file) != 0 || pos->line < c->line) {
        const struct diag_source *s = ds->sources;
        while (s && strcmp(s->file, pos->file) != 0) {
            s = s->next;
        }
        *c = (struct cursor){ s, 0, 1 };
    }
    if (!c->src) {
        return TBE_STR_NONE;
    }
    const char *p = c->src->text.p + c->at, *end = c->src->text.p + c->src->text.n;
    for (; c->line < pos->line; c->line++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        if (!nl) {
            return TBE_STR_NONE;
        }
        p = nl + 1;
    }
    c->at = (size_t)(p - c->src->text.p);
    const char *nl = memchr(p, '\n', (size_t)(end - p));
    struct tbe_str s = { p, (size_t)((nl ? nl : end) - p) };
    while (s.n && s.p[s.n - 1] == '\r') {
        s.n--;
    }
    return s;
}

static bool
starts_char(const char *p)
{
    return ((unsigned char)*p & 0xC0) != 0x80;
}

/* The line with a caret below column col; of a long one only what stands around it. */
static void
put_line(FILE *out, struct tbe_str line, uint32_t number, uint32_t col, bool colour)
{
    uint32_t first = col > WINDOW * 3 / 4 ? col - WINDOW / 2 : 1, k = 0, caret = 0;
    fprintf(out, "%6u | %s", number, first > 1 ? "..." : "");
    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        k += starts_char(&line.p[i]);
        if (k < first || k >= first + WINDOW) {
            continue;
        }
        if (starts_char(&line.p[i]) && k < col) {
            caret++;
        }
        putc(c < 32 || c == 127 ? ' ' : c, out);
    }
    fprintf(out, "%s\n       | %*s%s^%s\n", k >= first + WINDOW ? "..." : "", (int)caret + (first > 1 ? 3 : 0), "",
            colour ? "\033[1;32m" : "", colour ? "\033[0m" : "");
}

/* Is there a secret in this line? It must not get into the logs of a pipeline. Diagnostics are sorted. */
static bool
line_is_secret(const struct diags *ds, const struct diag *d)
{
    const struct diag *first = d, *end = ds->v + ds->n;
    while (first > ds->v && first[-1].pos.line == d->pos.line && first[-1].pos.file == d->pos.file) {
        first--;
    }
    for (; first < end && first->pos.line == d->pos.line && first->pos.file == d->pos.file; first++) {
        if (first->code == C2316) {
            return true;
        }
    }
    return false;
}

static void
put_one(const struct diags *ds, const struct diag *d, struct cursor *c, FILE *out, bool colour)
{
    const char *bold = colour ? "\033[1m" : "", *off = colour ? "\033[0m" : "";
    if (d->pos.file) {
        fputs(bold, out);
        put_clean(out, tbe_strz(d->pos.file));
        if (d->pos.line) {
            fprintf(out, ":%u:%u", d->pos.line, d->pos.col);
        }
        fprintf(out, ":%s ", off);
    }
    fprintf(out, "%s%s[%s]:%s ", colour ? colours[d->severity] : "", diag_severity_name(d->severity),
            diag_info(d->code)->name, off);
    put_clean(out, d->text);
    putc('\n', out);
    struct tbe_str line = d->pos.file && d->pos.line && !line_is_secret(ds, d) ? line_of(c, ds, &d->pos) : TBE_STR_NONE;
    if (line.n) {
        put_line(out, line, d->pos.line, d->pos.col, colour);
    }
    if (d->pos.pointer.p && d->pos.pointer.n) {
        fputs("       = at ", out);
        put_clean(out, d->pos.pointer);
        putc('\n', out);
    }
    if (d->hint.p) {
        fputs("       = hint: ", out);
        put_clean(out, d->hint);
        putc('\n', out);
    }
}

void
diags_text(const struct diags *ds, FILE *out, bool colour)
{
    struct cursor c = { 0 };
    const struct diag *before = NULL;
    for (uint32_t i = 0; i < ds->n; i++) {
        const struct diag *d = &ds->v[i];
        bool same = before && before->pos.file == d->pos.file && tbe_str_eq(before->place.chain, d->place.chain);
        if (d->place.chain.p && d->pos.file && !same) {
            put_clean(out, tbe_strz(d->pos.file));
            fputs(": in rule chain \"", out);
            put_clean(out, d->place.chain);
            fputs("\":\n", out);
        }
        put_one(ds, d, &c, out, colour);
        before = d;
    }
    if (ds->dropped) {
        fprintf(out, "%u more not shown\n", ds->dropped);
    }
}

/* ---- JSON lines --------------------------------------------------------------------------------- */

void
diag_put_json(FILE *out, struct tbe_str s)
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

static void
put_member(FILE *out, const char *key, struct tbe_str s)
{
    if (s.p) {
        fprintf(out, ",\"%s\":", key);
        diag_put_json(out, s);
    }
}

void
diags_json(const struct diags *ds, FILE *out)
{
    for (uint32_t i = 0; i < ds->n; i++) {
        const struct diag *d = &ds->v[i];
        fprintf(out, "{\"code\":\"%s\",\"severity\":\"%s\"", diag_info(d->code)->name,
                diag_severity_name(d->severity));
        put_member(out, "file", d->pos.file ? tbe_strz(d->pos.file) : TBE_STR_NONE);
        if (d->pos.line) {
            fprintf(out, ",\"line\":%u,\"column\":%u", d->pos.line, d->pos.col);
        }
        put_member(out, "pointer", d->pos.pointer);
        put_member(out, "chain", d->place.chain);
        put_member(out, "node", d->place.node);
        if (d->place.index >= 0) {
            fprintf(out, ",\"nodeIndex\":%lld", (long long)d->place.index);
        }
        put_member(out, "message", d->text);
        put_member(out, "hint", d->hint);
        fputs("}\n", out);
    }
}

/* ---- GitHub ------------------------------------------------------------------------------------- */

/* Workflow commands escape %, CR and LF; properties also : and , */
static void
put_command(FILE *out, struct tbe_str s, bool property)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','))) {
            fprintf(out, "%%%02X", c);
        } else if (c >= 32) {
            putc(c, out);
        }
    }
}

void
diags_github(const struct diags *ds, FILE *out)
{
    static const char *const commands[] = { "error", "warning", "notice" };
    for (uint32_t i = 0; i < ds->n; i++) {
        const struct diag *d = &ds->v[i];
        fprintf(out, "::%s ", commands[d->severity]);
        if (d->pos.file) {
            fputs("file=", out);
            put_command(out, tbe_strz(d->pos.file), true);
            fputs(",", out);
        }
        if (d->pos.line) {
            fprintf(out, "line=%u,col=%u,", d->pos.line, d->pos.col);
        }
        fprintf(out, "title=%s::", diag_info(d->code)->name);
        if (d->place.chain.p) {
            fputs("rule chain \"", out);
            put_command(out, d->place.chain, false);
            fputs("\", ", out);
        }
        put_command(out, d->text, false);
        if (d->hint.p) {
            fputs(" - ", out);
            put_command(out, d->hint, false);
        }
        putc('\n', out);
    }
}
