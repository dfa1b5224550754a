/* SPDX-License-Identifier: Apache-2.0 */
/* JSON reader (RFC 8259) that keeps positions. The first mistake ends the file: what follows a
 * syntax error is guesswork. */
#include "config.h"
#include "front/doc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct tbe_arena *a;
    struct diags *ds;
    const char *file;
    const char *p, *end;
    const char *mark; /* line and col belong to this place; it only moves on */
    uint32_t line, col;
    uint32_t depth, values;
    bool failed;
};

static void
locate(struct reader *r, const char *at)
{
    for (; r->mark < at; r->mark++) {
        if (*r->mark == '\n') {
            r->line++;
            r->col = 1;
        } else if (((unsigned char)*r->mark & 0xC0) != 0x80) {
            r->col++;
        }
    }
}

static struct doc *
fail(struct reader *r, enum diag_code code, const char *at, const char *what)
{
    if (!r->failed) {
        r->failed = true;
        locate(r, at);
        diag_add(r->ds, code, (struct diag_pos){ .file = r->file, .line = r->line, .col = r->col }, "%s", what);
    }
    return NULL;
}

static void
skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')) {
        r->p++;
    }
}

static struct doc *
make(struct reader *r, enum doc_type t, const char *at)
{
    if (++r->values > DOC_MAX_VALUES) {
        return fail(r, C2005, at, "too many values in one file");
    }
    locate(r, at);
    return doc_new(r->a, t, r->line, r->col);
}

static int
hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (d < 0) {
            return -1;
        }
        v = v * 16 + d;
    }
    return v;
}

static char *
put_utf8(char *o, uint32_t c)
{
    if (c < 0x80) {
        *o++ = (char)c;
    } else if (c < 0x800) {
        *o++ = (char)(0xC0 | c >> 6);
        *o++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *o++ = (char)(0xE0 | c >> 12);
        *o++ = (char)(0x80 | (c >> 6 & 0x3F));
        *o++ = (char)(0x80 | (c & 0x3F));
    } else {
        *o++ = (char)(0xF0 | c >> 18);
        *o++ = (char)(0x80 | (c >> 12 & 0x3F));
        *o++ = (char)(0x80 | (c >> 6 & 0x3F));
        *o++ = (char)(0x80 | (c & 0x3F));
    }
    return o;
}

/* \uXXXX at p (behind the u); a pair of surrogates makes one character, a lone one stays as it is
 * (three bytes), as everywhere in the run time. *p moves behind it. */
static int
unicode_escape(struct reader *r, const char **p, char **o)
{
    int c = r->end - *p >= 4 ? hex4(*p) : -1;
    if (c < 0) {
        return -1;
    }
    *p += 4;
    uint32_t u = (uint32_t)c;
    if (u >= 0xD800 && u < 0xDC00 && r->end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        int lo = hex4(*p + 2);
        if (lo >= 0xDC00 && lo < 0xE000) {
            u = 0x10000 + ((u - 0xD800) << 10) + ((uint32_t)lo - 0xDC00);
            *p += 6;
        }
    }
    *o = put_utf8(*o, u);
    return 0;
}

static const char escapes[] = "\"\\/bfnrt", escaped[] = "\"\\/\b\f\n\r\t";

/* The string whose opening quote is at r->p; absent after an error. */
static struct tbe_str
read_string(struct reader *r)
{
    const char *start = ++r->p, *q = start;
    bool plain = true;
    while (q < r->end && *q != '"') {
        if ((unsigned char)*q < 32) {
            fail(r, C2002, q, "a string ends at the end of its line: write a line break as \\n");
            return TBE_STR_NONE;
        }
        if (*q == '\\') {
            plain = false;
            q++;
        }
        q++;
    }
    if (q >= r->end) {
        fail(r, C2002, start - 1, "this string has no closing quote");
        return TBE_STR_NONE;
    }
    r->p = q + 1;
    struct tbe_str raw = { start, (size_t)(q - start) };
    if (plain) {
        return tbe_arena_dup(r->a, raw);
    }
    char *buf = tbe_arena_alloc(r->a, raw.n + 1), *o = buf;
    for (const char *p = start; p < q;) {
        if (*p != '\\') {
            *o++ = *p++;
            continue;
        }
        const char *at = p++;
        const char *e = *p ? strchr(escapes, *p) : NULL;
        if (e) {
            *o++ = escaped[e - escapes];
            p++;
        } else if (*p != 'u' || (p++, unicode_escape(r, &p, &o)) < 0) {
            fail(r, C2002, at, "unknown escape in a string");
            return TBE_STR_NONE;
        }
    }
    *o = '\0';
    return (struct tbe_str){ buf, (size_t)(o - buf) };
}

static bool
digits(struct reader *r)
{
    const char *start = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9') {
        r->p++;
    }
    return r->p > start;
}

static struct doc *
read_number(struct reader *r)
{
    const char *start = r->p;
    bool whole = true;
    r->p += *r->p == '-';
    const char *first = r->p;
    bool ok = digits(r) && !(*first == '0' && r->p - first > 1);
    if (ok && r->p < r->end && *r->p == '.') {
        r->p++;
        whole = false;
        ok = digits(r);
    }
    if (ok && r->p < r->end && (*r->p | 32) == 'e') {
        r->p++;
        whole = false;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-')) {
            r->p++;
        }
        ok = digits(r);
    }
    if (!ok) {
        return fail(r, C2002, start, "this is not a JSON value");
    }
    struct doc *d = make(r, DOC_NUM, start);
    if (d) {
        d->s = tbe_arena_dup(r->a, (struct tbe_str){ start, (size_t)(r->p - start) });
        errno = 0;
        long long v = whole ? strtoll(d->s.p, NULL, 10) : 0;
        if (whole && errno == 0) {
            d->t = DOC_INT;
            d->i = v;
        }
    }
    return d;
}

static struct doc *read_value(struct reader *r);

static struct doc *
read_list(struct reader *r, struct doc *list)
{
    r->p++;
    skip_space(r);
    if (r->p < r->end && *r->p == ']') {
        r->p++;
        return list;
    }
    for (;;) {
        struct doc *v = read_value(r);
        if (!v) {
            return NULL;
        }
        doc_append(list, v);
        skip_space(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
        } else if (r->p < r->end && *r->p == ']') {
            r->p++;
            return list;
        } else {
            return fail(r, C2002, r->p, "expected , or ] in this list");
        }
    }
}

static struct doc *
read_member(struct reader *r, struct doc *map)
{
    skip_space(r);
    if (r->p >= r->end || *r->p != '"') {
        return fail(r, C2002, r->p, "expected a key in double quotes");
    }
    locate(r, r->p);
    uint32_t line = r->line, col = r->col;
    struct tbe_str key = read_string(r);
    skip_space(r);
    if (!key.p) {
        return NULL;
    }
    if (r->p >= r->end || *r->p != ':') {
        return fail(r, C2002, r->p, "expected : after the key");
    }
    r->p++;
    struct doc *v = read_value(r);
    if (!v) {
        return NULL;
    }
    v->key_line = line;
    v->key_col = col;
    /* A lookup per member: maps of chains are small; a huge one is not worth the time. */
    if (map->n < 1000 && doc_get_str(map, key)) {
        diag_add(r->ds, C2006, (struct diag_pos){ .file = r->file, .line = line, .col = col },
                 "key \"%.*s\" is given twice; the last one counts", (int)key.n, key.p);
        doc_put(map, key, v);
    } else {
        v->key = key;
        doc_append(map, v);
    }
    return v;
}

static struct doc *
read_map(struct reader *r, struct doc *map)
{
    r->p++;
    skip_space(r);
    if (r->p < r->end && *r->p == '}') {
        r->p++;
        return map;
    }
    for (;;) {
        if (!read_member(r, map)) {
            return NULL;
        }
        skip_space(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
        } else if (r->p < r->end && *r->p == '}') {
            r->p++;
            return map;
        } else {
            return fail(r, C2002, r->p, "expected , or } in this object");
        }
    }
}

static struct doc *
read_word(struct reader *r)
{
    static const struct {
        const char *word;
        enum doc_type t;
        int64_t i;
    } words[] = { { "null", DOC_NULL, 0 }, { "true", DOC_BOOL, 1 }, { "false", DOC_BOOL, 0 } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i].word);
        if ((size_t)(r->end - r->p) >= n && memcmp(r->p, words[i].word, n) == 0) {
            struct doc *d = make(r, words[i].t, r->p);
            r->p += n;
            if (d) {
                d->i = words[i].i;
            }
            return d;
        }
    }
    return fail(r, C2002, r->p, "this is not a JSON value");
}

static struct doc *
read_value(struct reader *r)
{
    skip_space(r);
    if (r->p >= r->end) {
        return fail(r, C2002, r->p, "the text ends where a value should be");
    }
    const char *at = r->p;
    char c = *at;
    if (c == '"') {
        struct tbe_str s = read_string(r);
        struct doc *d = s.p ? make(r, DOC_STR, at) : NULL;
        if (d) {
            d->s = s;
            d->raw = at + 1;
        }
        return d;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return read_number(r);
    }
    if (c != '{' && c != '[') {
        return read_word(r);
    }
    if (r->depth == DOC_MAX_DEPTH) {
        return fail(r, C2004, at, "nested too deep (limit 128)");
    }
    struct doc *d = make(r, c == '{' ? DOC_MAP : DOC_LIST, at);
    if (d) {
        r->depth++;
        d = c == '{' ? read_map(r, d) : read_list(r, d);
        r->depth--;
    }
    return d;
}

struct doc *
json_read(struct tbe_arena *a, struct diags *ds, const char *file, struct tbe_str text)
{
    struct reader r = { .a = a, .ds = ds, .file = file, .p = text.p, .end = text.p + text.n, .mark = text.p,
                        .line = 1, .col = 1 };
    if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0) { /* byte order mark */
        r.p = r.mark = text.p + 3;
    }
    struct doc *d = read_value(&r);
    skip_space(&r);
    if (d && r.p < r.end) {
        return fail(&r, C2002, r.p, "text behind the end of the value");
    }
    return d;
}
