/* SPDX-License-Identifier: Apache-2.0 */
/* Documents as YAML. Texts of several lines become literal blocks, connections and other small values
 * one line; a text is quoted whenever any reader of YAML 1.1 or 1.2 could take it for something else. */
#include "config.h"
#include <string.h>
#include "drive/fmt.h"

#define LINE_MAX_COLUMNS 100
#define SMALL_MEMBERS 3       /* a map of at most so many plain values is written in one line */
#define KEY_MAX_BYTES 900     /* YAML allows 1024 characters for a key without ? */

enum style { PLAIN, SINGLE, DOUBLE, LITERAL };
enum where { VALUE, KEY, FLOW };

struct writer {
    struct tbe_buf *b;
    const struct fmt_comments *c;
    const struct doc *bad;
};

/* ---- texts ----------------------------------------------------------------------------------- */

/* Character at p and its length; *n 3 and a surrogate for half a pair. */
static uint32_t
char_at(const char *text, size_t left, size_t *n)
{
    const unsigned char *p = (const unsigned char *)text;
    *n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (*n > left) {
        *n = left;
        return 0xFFFD;
    }
    switch (*n) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    case 3:
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    default:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    }
}

static bool
is_surrogate(uint32_t u)
{
    return u >= 0xD800 && u < 0xE000;
}

/* May stand in a file as it is, line breaks aside (YAML 1.2, 5.1), and is seen. */
static bool
shows(uint32_t u)
{
    return (u >= 0x20 && u < 0x7F) || (u >= 0xA0 && u < 0x2028) || (u > 0x2029 && u < 0xD800) ||
           (u >= 0xE000 && u < 0xFFFE && u != 0xFEFF) || u >= 0x10000;
}

/* Words that are null, true or false to some reader. */
static bool
is_word(struct tbe_str s)
{
    static const char words[] = " null true false yes no on off y n ";
    char low[8] = " ";
    if (s.n > 5) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        low[i + 1] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 32 : s.p[i]);
    }
    low[s.n + 1] = ' ';
    low[s.n + 2] = '\0';
    return strstr(words, low) != NULL;
}

static bool
plain_ok(struct tbe_str s, enum where at)
{
    struct tbe_uuid u;
    if (s.n == 0 || is_word(s) || s.p[s.n - 1] == ' ' || s.p[s.n - 1] == ':') {
        return false;
    }
    unsigned char c = (unsigned char)s.p[0];
    bool letter = (c | 32) >= 'a' && (c | 32) <= 'z' && c < 0x80;
    if (!letter && c < 0x80 && !strchr("_/$(", c) && !tbe_uuid_parse(s, &u)) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char next = i + 1 < s.n ? s.p[i + 1] : '\0';
        if ((s.p[i] == ' ' && next == '#') || (s.p[i] == ':' && (next == ' ' || at == FLOW))) {
            return false;
        }
        if (at != VALUE && strchr(",[]{}?", s.p[i])) {
            return false;
        }
    }
    return true;
}

/* How a text is written. *half: it has half a surrogate pair, which YAML cannot hold. */
static enum style
style_of(struct tbe_str s, enum where at, bool *half)
{
    bool lines = false, special = false, content = false, hidden = false;
    for (size_t i = 0, n; i < s.n; i += n) {
        uint32_t u = char_at(s.p + i, s.n - i, &n);
        *half |= is_surrogate(u);
        lines |= u == '\n';
        special |= u == '\\' || u == '"';
        content |= u != '\n' && u != ' ' && u != '\t';
        hidden |= !shows(u) && u != '\n' && (u != '\t' || at != VALUE);
    }
    if (hidden) {
        return DOUBLE;
    }
    if (lines) {
        return at == VALUE && content ? LITERAL : DOUBLE;
    }
    if (memchr(s.p, '\t', s.n)) {
        return DOUBLE;
    }
    return plain_ok(s, at) ? PLAIN : special ? SINGLE : DOUBLE;
}

static void
put_double(struct tbe_buf *b, struct tbe_str s)
{
    static const char special[] = "\"\\\n\t\r\a\b\033\f\v", letters[] = "\"\\ntrabefv";
    tbe_buf_putc(b, '"');
    for (size_t i = 0, n; i < s.n; i += n) {
        uint32_t u = char_at(s.p + i, s.n - i, &n);
        const char *e = u && u < 0x80 ? strchr(special, (int)u) : NULL;
        if (e) {
            tbe_buf_putc(b, '\\');
            tbe_buf_putc(b, letters[e - special]);
        } else if (shows(u)) {
            tbe_buf_put(b, s.p + i, n);
        } else {
            tbe_buf_fmt(b, u < 0x100 ? "\\x%02X" : "\\u%04X", u);
        }
    }
    tbe_buf_putc(b, '"');
}

static void
put_single(struct tbe_buf *b, struct tbe_str s)
{
    tbe_buf_putc(b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'') {
            tbe_buf_putc(b, '\'');
        }
        tbe_buf_putc(b, s.p[i]);
    }
    tbe_buf_putc(b, '\'');
}

static void
put_text(struct writer *w, const struct doc *d, struct tbe_str s, enum where at)
{
    bool half = false;
    enum style style = style_of(s, at, &half);
    if (half && !w->bad) {
        w->bad = d;
    }
    if (style == PLAIN) {
        tbe_buf_puts(w->b, s);
    } else if (style == SINGLE) {
        put_single(w->b, s);
    } else {
        put_double(w->b, s);
    }
}

static void
indent(struct writer *w, int by)
{
    for (int i = 0; i < by; i++) {
        tbe_buf_putc(w->b, ' ');
    }
}

static void
behind(struct writer *w, const struct doc *d)
{
    struct tbe_str s = fmt_comment_behind(w->c, d);
    if (s.p) {
        tbe_buf_putc(w->b, ' ');
        tbe_buf_puts(w->b, s);
    }
}

/* A literal block: its lines stand at `by`. What follows the text's last line break is said by the
 * header: - none, nothing one, + more. */
static void
put_literal(struct writer *w, const struct doc *d, int by)
{
    struct tbe_str s = d->s;
    bool ends = s.p[s.n - 1] == '\n';
    tbe_buf_putc(w->b, '|');
    if (strchr(" \t\n", s.p[0])) {
        tbe_buf_putc(w->b, '2'); /* every level is indented by two */
    }
    if (!ends || s.p[s.n - 2] == '\n') {
        tbe_buf_putc(w->b, ends ? '+' : '-');
    }
    behind(w, d);
    for (const char *p = s.p, *end = s.p + s.n; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((nl ? nl : end) - p);
        tbe_buf_putc(w->b, '\n');
        if (n) {
            indent(w, by);
            tbe_buf_put(w->b, p, n);
        }
        p += n + 1;
    }
    tbe_buf_putc(w->b, '\n');
}

/* ---- values in one line ---------------------------------------------------------------------- */

/* The list that d, an item of connections, belongs to. */
static bool
is_connection(const struct doc *d)
{
    return d->up && (tbe_str_eqz(d->up->key, "connections") ||
                     tbe_str_eqz(d->up->key, "ruleChainConnections"));
}

static bool
is_small(const struct doc *d)
{
    for (const struct doc *m = d->first; m; m = m->next) {
        bool relations = m->t == DOC_LIST && is_connection(d) && is_small(m);
        if ((m->t >= DOC_LIST && m->n && !relations) || m->block ||
            (m->t == DOC_STR && memchr(m->s.p, '\n', m->s.n)) || m->key.n > LINE_MAX_COLUMNS) {
            return false;
        }
    }
    return true;
}

static bool
has_lines_before(const struct writer *w, const struct doc *d)
{
    const struct tbe_str *lines;
    for (const struct doc *m = d->first; m; m = m->next) {
        if (fmt_comments_before(w->c, m, &lines)) {
            return true;
        }
    }
    return false;
}

static void
put_flow(struct writer *w, const struct doc *d)
{
    bool map = d->t == DOC_MAP;
    if (d->t == DOC_STR) {
        put_text(w, d, d->s, FLOW);
        return;
    }
    if (d->t < DOC_LIST) {
        doc_json(w->b, d);
        return;
    }
    tbe_buf_putc(w->b, map ? '{' : '[');
    for (const struct doc *m = d->first; m; m = m->next) {
        if (map) {
            put_text(w, m, m->key, FLOW);
            tbe_buf_put(w->b, ": ", 2);
        }
        put_flow(w, m);
        if (m->next) {
            tbe_buf_put(w->b, ", ", 2);
        }
    }
    tbe_buf_putc(w->b, map ? '}' : ']');
}

/* A chain, its parts, a node, a configuration of several keys: never in one line. */
static bool
is_part(const struct doc *d)
{
    static const char *const parts[] = { "ruleChain", "metadata", "entity", "metaData" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (tbe_str_eqz(d->key, parts[i])) {
            return true;
        }
    }
    return (d->n > 1 && tbe_str_eqz(d->key, "configuration")) || !d->up ||
           (d->up->t == DOC_LIST && (!d->up->up || tbe_str_eqz(d->up->key, "nodes")));
}

/* Writes d into the line when it is small and fits; the line started at column `by`. */
static bool
try_flow(struct writer *w, const struct doc *d, int by)
{
    bool wanted = d->n == 0 || is_connection(d) || d->t == DOC_LIST || (d->n <= SMALL_MEMBERS && !is_part(d));
    if (!wanted || !is_small(d) || has_lines_before(w, d)) {
        return false;
    }
    struct tbe_buf *b = w->b, line = { 0 };
    const struct doc *bad = w->bad;
    w->b = &line;
    put_flow(w, d);
    w->b = b;
    size_t start = b->n;
    while (start > 0 && b->p[start - 1] != '\n') {
        start--;
    }
    bool fits = d->n == 0 || b->n - start + line.n + 1 <= LINE_MAX_COLUMNS || (is_connection(d) && by >= 0);
    if (fits) {
        tbe_buf_putc(b, ' ');
        tbe_buf_puts(b, tbe_buf_str(&line));
        for (const struct doc *m = d->first; m; m = m->next) {
            behind(w, m);
        }
        behind(w, d);
        tbe_buf_putc(b, '\n');
    } else {
        w->bad = bad;
    }
    tbe_buf_free(&line);
    return fits;
}

/* ---- values in blocks ------------------------------------------------------------------------ */

static void put_block(struct writer *w, const struct doc *d, int by);

/* Nothing yet, or a blank line: another one would say nothing, or lengthen a block text. */
static bool
after_blank(const struct tbe_buf *b)
{
    return b->n == 0 || (b->n > 1 && b->p[b->n - 1] == '\n' && b->p[b->n - 2] == '\n');
}

static void
before(struct writer *w, const struct doc *d, int by)
{
    const struct tbe_str *lines;
    uint32_t n = fmt_comments_before(w->c, d, &lines);
    for (uint32_t i = 0; i < n; i++) {
        if (lines[i].n == 0 && after_blank(w->b)) {
            continue;
        }
        if (lines[i].n) {
            indent(w, by);
            tbe_buf_puts(w->b, lines[i]);
        }
        tbe_buf_putc(w->b, '\n');
    }
}

/* A script is a block even when it is one line, if it can be. */
static bool
wants_block(const struct doc *d)
{
    bool content = false;
    for (size_t i = 0, n; d->block && i < d->s.n; i += n) {
        uint32_t u = char_at(d->s.p + i, d->s.n - i, &n);
        if (!shows(u) && u != '\n' && u != '\t') {
            return false;
        }
        content |= shows(u) && u != ' ';
    }
    return content;
}

/* What follows "key:" or "-": a value in this line, or a block below it whose lines stand at `by`. */
static void
put_value(struct writer *w, const struct doc *d, int by)
{
    bool half = false;
    if (d->t >= DOC_LIST) {
        if (!try_flow(w, d, by)) {
            behind(w, d);
            tbe_buf_putc(w->b, '\n');
            put_block(w, d, by);
        }
        return;
    }
    tbe_buf_putc(w->b, ' ');
    if (d->t == DOC_STR && (style_of(d->s, VALUE, &half) == LITERAL || wants_block(d))) {
        w->bad = half && !w->bad ? d : w->bad;
        put_literal(w, d, by);
        return;
    }
    if (d->t == DOC_STR) {
        put_text(w, d, d->s, VALUE);
    } else {
        doc_json(w->b, d);
    }
    behind(w, d);
    tbe_buf_putc(w->b, '\n');
}

static void
put_member(struct writer *w, const struct doc *m, int by)
{
    size_t at = w->b->n;
    put_text(w, m, m->key, KEY);
    if (w->b->n - at > KEY_MAX_BYTES) {
        w->b->n = at;
        tbe_buf_putz(w->b, "? ");
        put_text(w, m, m->key, KEY);
        tbe_buf_putc(w->b, '\n');
        indent(w, by);
    }
    tbe_buf_putc(w->b, ':');
    put_value(w, m, by + 2);
}

/* "- " and then a map's first key in the same line. */
static void
put_item(struct writer *w, const struct doc *d, int by)
{
    tbe_buf_putc(w->b, '-');
    if (d->t != DOC_MAP || try_flow(w, d, by)) {
        if (d->t != DOC_MAP) {
            put_value(w, d, by + 2);
        }
        return;
    }
    tbe_buf_putc(w->b, ' ');
    for (const struct doc *m = d->first; m; m = m->next) {
        if (m != d->first) {
            before(w, m, by + 2);
            indent(w, by + 2);
        }
        put_member(w, m, by + 2);
    }
}

static void
put_block(struct writer *w, const struct doc *d, int by)
{
    for (const struct doc *m = d->first; m; m = m->next) {
        before(w, m, by);
        indent(w, by);
        if (d->t == DOC_MAP) {
            put_member(w, m, by);
        } else {
            put_item(w, m, by);
        }
    }
}

const struct doc *
fmt_yaml(struct tbe_buf *out, const struct doc *root, const struct fmt_comments *c)
{
    struct writer w = { .b = out, .c = c };
    before(&w, root, 0);
    if (root->t >= DOC_LIST && root->n) {
        put_block(&w, root, 0);
    } else {
        size_t at = out->n;
        put_value(&w, root, 2);
        if (out->n > at) { /* no space at the start of the line */
            memmove(out->p + at, out->p + at + 1, out->n - at);
            out->n--;
        }
    }
    before(&w, NULL, 0);
    return w.bad;
}
