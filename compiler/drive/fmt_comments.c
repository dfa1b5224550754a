/* SPDX-License-Identifier: Apache-2.0 */
/* Comments and blank lines of YAML, which libyaml drops: they are what starts with # outside of texts. A
 * comment on a line of its own belongs to the value that follows, one behind a value to that value. */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include "drive/fmt.h"

struct item {
    const struct doc *d;
    uint32_t line; /* where it starts: of its key, else of itself */
    struct tbe_str *before;
    uint32_t n_before, cap_before;
    struct tbe_str behind;
};

struct span {
    size_t from, to; /* bytes of a text in the file */
};

struct fmt_comments {
    struct tbe_arena *a;
    struct tbe_str text;
    size_t *lines; /* byte where each line starts; libyaml's idea of lines */
    uint32_t n_lines;
    struct span *spans;
    uint32_t n_spans, cap_spans;
    struct item *items; /* in order of the file, the end of the file last; later by address */
    uint32_t n_items;
    struct item end;
    bool any;
};

/* Length of the line break at p: LF, CR, CR LF, NEL, LS, PS; 0: none. */
static size_t
break_at(const char *p, const char *end)
{
    size_t n = (size_t)(end - p);
    if (*p == '\n') {
        return 1;
    }
    if (*p == '\r') {
        return n > 1 && p[1] == '\n' ? 2 : 1;
    }
    if (n > 1 && memcmp(p, "\xC2\x85", 2) == 0) {
        return 2;
    }
    return n > 2 && (memcmp(p, "\xE2\x80\xA8", 3) == 0 ||
                     memcmp(p, "\xE2\x80\xA9", 3) == 0) ? 3 : 0;
}

/* Where the line from p to end ends without its break. */
static size_t
without_break(const char *text, size_t p, size_t end)
{
    for (size_t n = 1; n <= 3 && end >= p + n; n++) {
        if (break_at(text + end - n, text + end) == n) {
            return end - n - (n == 1 && text[end - 1] == '\n' && end > p + 1 &&
                              text[end - 2] == '\r');
        }
    }
    return end;
}

static void
find_lines(struct fmt_comments *c)
{
    const char *end = c->text.p + c->text.n;
    for (int pass = 0; pass < 2; pass++) {
        uint32_t n = 0;
        if (pass) {
            c->lines = tbe_arena_alloc(c->a, (c->n_lines + 1) * sizeof *c->lines);
            c->lines[0] = 0;
        }
        for (const char *p = c->text.p; p < end;) {
            size_t len = break_at(p, end);
            p += len ? len : 1;
            if (len) {
                n++;
                if (pass) {
                    c->lines[n] = (size_t)(p - c->text.p);
                }
            }
        }
        c->n_lines = n + 1;
    }
}

static size_t
offset(const struct fmt_comments *c, yaml_mark_t at)
{
    if (at.line >= c->n_lines) {
        return c->text.n;
    }
    size_t o = c->lines[at.line];
    for (size_t col = 0; col < at.column && o < c->text.n; col++) {
        do {
            o++;
        } while (o < c->text.n && ((unsigned char)c->text.p[o] & 0xC0) == 0x80);
    }
    return o;
}

/* Lines of a literal block: as many as its value has. */
static size_t
count_lines(struct tbe_str v)
{
    const char *end = v.p + v.n;
    size_t n = 0, len = 1;
    for (const char *p = v.p; p < end; p += len ? len : 1) {
        len = break_at(p, end);
        n += len != 0;
    }
    return n + (len == 0);
}

/* A block text starts behind its header and ends before the blank lines that are not part of it. */
static struct span
block_span(const struct fmt_comments *c, const yaml_event_t *e)
{
    struct tbe_str v = { (const char *)e->data.scalar.value, e->data.scalar.length };
    size_t first = e->start_mark.line + 1, last = first + count_lines(v);
    struct span s = { first < c->n_lines ? c->lines[first] : c->text.n, offset(c, e->end_mark) };
    if (e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE) {
        s.to = last < c->n_lines ? c->lines[last] : c->text.n;
        return s;
    }
    while (s.to > s.from && strchr(" \n\r", c->text.p[s.to - 1])) {
        s.to--;
    }
    return s;
}

static void
add_span(struct fmt_comments *c, struct span s)
{
    if (c->n_spans == c->cap_spans) {
        uint32_t cap = c->cap_spans ? c->cap_spans * 2 : 64;
        struct span *v = tbe_arena_alloc(c->a, cap * sizeof *v);
        if (c->n_spans) {
            memcpy(v, c->spans, c->n_spans * sizeof *v);
        }
        c->spans = v;
        c->cap_spans = cap;
    }
    c->spans[c->n_spans++] = s;
}

static void
find_texts(struct fmt_comments *c)
{
    yaml_parser_t parser;
    yaml_event_t e;
    bool end = !yaml_parser_initialize(&parser);
    if (end) {
        return;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)c->text.p, c->text.n);
    while (!end && yaml_parser_parse(&parser, &e)) {
        end = e.type == YAML_STREAM_END_EVENT;
        if (e.type == YAML_SCALAR_EVENT) {
            bool block = e.data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                         e.data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
            add_span(c, block ? block_span(c, &e)
                              : (struct span){ offset(c, e.start_mark), offset(c, e.end_mark) });
        }
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
}

static uint32_t
count(const struct doc *d)
{
    uint32_t n = 1;
    for (const struct doc *m = d->first; m; m = m->next) {
        n += count(m);
    }
    return n;
}

/* In order of the file. What an alias stands for was read before: it has no place of its own. */
static void
list_items(struct fmt_comments *c, const struct doc *d)
{
    uint32_t line = d->key_line ? d->key_line : d->line;
    if (c->n_items && line < c->items[c->n_items - 1].line) {
        return;
    }
    c->items[c->n_items++] = (struct item){ .d = d, .line = line };
    for (const struct doc *m = d->first; m; m = m->next) {
        list_items(c, m);
    }
}

static void
add_before(struct fmt_comments *c, struct item *to, struct tbe_str line)
{
    bool blank = line.n == 0;
    if (blank && ((to->n_before && to->before[to->n_before - 1].n == 0) ||
                  (to == c->items && !to->n_before))) {
        return; /* one blank line is enough, none at the top */
    }
    if (to->n_before == to->cap_before) {
        uint32_t cap = to->cap_before ? to->cap_before * 2 : 4;
        struct tbe_str *v = tbe_arena_alloc(c->a, cap * sizeof *v);
        if (to->n_before) {
            memcpy(v, to->before, to->n_before * sizeof *v);
        }
        to->before = v;
        to->cap_before = cap;
    }
    to->before[to->n_before++] = line;
    c->any = true;
}

/* The comment or blank line that line `i` (0-based) has outside of texts. *span: the first that may
 * reach into it. false: it has none. */
static bool
find_in_line(const struct fmt_comments *c, uint32_t i, uint32_t *span, struct tbe_str *found,
             bool *own)
{
    size_t p = c->lines[i], end = i + 1 < c->n_lines ? c->lines[i + 1] : c->text.n;
    bool space = true; /* what is before allows a comment here */
    *own = true;
    end = without_break(c->text.p, p, end);
    for (; p < end; p++) {
        while (*span < c->n_spans && c->spans[*span].to <= p) {
            ++*span;
        }
        if (*span < c->n_spans && c->spans[*span].from <= p) {
            p = c->spans[*span].to - 1;
            space = *own = false;
            continue;
        }
        char ch = c->text.p[p];
        if (ch == '#' && space) {
            while (end > p && strchr(" \t", c->text.p[end - 1])) {
                end--;
            }
            *found = (struct tbe_str){ c->text.p + p, end - p };
            return true;
        }
        space = ch == ' ' || ch == '\t';
        *own &= space;
    }
    *found = (struct tbe_str){ "", 0 };
    bool inside = *span < c->n_spans && c->spans[*span].from <= p && c->spans[*span].to > p;
    return *own && !inside && i + 1 < c->n_lines;
}

/* What begins in the line where the writer lets items[i] begin: an element of a list begins with its own
 * first member, so what is said before that is said of the element. */
static struct item *
outermost(struct fmt_comments *c, uint32_t i)
{
    while (i > 1 && c->items[i - 1].d->first == c->items[i].d && c->items[i - 1].d->key_line == 0) {
        i--;
    }
    return &c->items[i];
}

static void
attach(struct fmt_comments *c)
{
    uint32_t span = 0, next = 0;
    for (uint32_t i = 0; i < c->n_lines; i++) {
        struct tbe_str found;
        bool own;
        if (!find_in_line(c, i, &span, &found, &own)) {
            continue;
        }
        while (next < c->n_items && c->items[next].line <= i + 1) {
            next++;
        }
        if (own || next == 0 || c->items[next - 1].line != i + 1) {
            add_before(c, next < c->n_items ? outermost(c, next) : &c->end, found);
        } else if (c->items[next - 1].d->first && c->items[next - 1].d->key_line == 0) {
            /* behind the dash of a block that begins in a later line: there it would be inside */
            add_before(c, outermost(c, next - 1), found);
        } else {
            c->items[next - 1].behind = found;
            c->any = true;
        }
    }
    while (c->end.n_before && c->end.before[c->end.n_before - 1].n == 0) {
        c->end.n_before--;
    }
}

static int
by_address(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    return a->d < b->d ? -1 : a->d > b->d;
}

struct fmt_comments *
fmt_comments_read(struct tbe_arena *a, struct tbe_str text, const struct doc *root)
{
    struct fmt_comments *c = tbe_arena_zalloc(a, sizeof *c);
    if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0) { /* libyaml counts from behind it */
        text.p += 3;
        text.n -= 3;
    }
    c->a = a;
    c->text = text;
    find_lines(c);
    find_texts(c);
    c->items = tbe_arena_alloc(a, count(root) * sizeof *c->items);
    list_items(c, root);
    attach(c);
    if (!c->any) {
        return NULL;
    }
    qsort(c->items, c->n_items, sizeof *c->items, by_address);
    return c;
}

static const struct item *
find(const struct fmt_comments *c, const struct doc *d)
{
    struct item key = { .d = d };
    return !c ? NULL : !d ? &c->end : bsearch(&key, c->items, c->n_items, sizeof key, by_address);
}

uint32_t
fmt_comments_before(const struct fmt_comments *c, const struct doc *d, const struct tbe_str **lines)
{
    const struct item *i = find(c, d);
    *lines = i ? i->before : NULL;
    return i ? i->n_before : 0;
}

struct tbe_str
fmt_comment_behind(const struct fmt_comments *c, const struct doc *d)
{
    const struct item *i = find(c, d);
    return i ? i->behind : TBE_STR_NONE;
}
