/* SPDX-License-Identifier: Apache-2.0 */
/* The document tree: building, looking up, writing back. */
#include "config.h"
#include "front/doc.h"
#include <string.h>

struct doc *
doc_new(struct tbe_arena *a, enum doc_type t, uint32_t line, uint32_t col)
{
    struct doc *d = tbe_arena_zalloc(a, sizeof *d);
    d->t = t;
    d->line = line;
    d->col = col;
    return d;
}

void
doc_append(struct doc *list, struct doc *v)
{
    v->up = list;
    v->next = NULL;
    if (list->last) {
        list->last->next = v;
    } else {
        list->first = v;
    }
    list->last = v;
    list->n++;
}

void
doc_remove(struct doc *map, const struct doc *v)
{
    struct doc *prev = NULL;
    for (struct doc *m = map->first; m; prev = m, m = m->next) {
        if (m == v) {
            *(prev ? &prev->next : &map->first) = m->next;
            if (map->last == m) {
                map->last = prev;
            }
            map->n--;
            return;
        }
    }
}

struct doc *
doc_get_str(const struct doc *d, struct tbe_str key)
{
    if (!d || d->t != DOC_MAP) {
        return NULL;
    }
    for (struct doc *m = d->first; m; m = m->next) {
        if (tbe_str_eq(m->key, key)) {
            return m;
        }
    }
    return NULL;
}

struct doc *
doc_get(const struct doc *d, const char *key)
{
    return doc_get_str(d, tbe_strz(key));
}

void
doc_put(struct doc *map, struct tbe_str key, struct doc *v)
{
    struct doc *old = doc_get_str(map, key);
    v->key = key;
    if (!old) {
        doc_append(map, v);
        return;
    }
    struct doc *prev = NULL;
    for (struct doc *m = map->first; m != old; m = m->next) {
        prev = m;
    }
    v->up = map;
    v->next = old->next;
    *(prev ? &prev->next : &map->first) = v;
    if (map->last == old) {
        map->last = v;
    }
}

struct tbe_str
doc_text(const struct doc *d, const char *key)
{
    const struct doc *m = doc_get(d, key);
    return m && m->t == DOC_STR ? m->s : TBE_STR_NONE;
}

bool
doc_true(const struct doc *d, const char *key)
{
    const struct doc *m = doc_get(d, key);
    return m && m->t == DOC_BOOL && m->i;
}

struct doc *
doc_copy(struct tbe_arena *a, const struct doc *d)
{
    struct doc *c = doc_new(a, d->t, d->line, d->col);
    c->s = d->s;
    c->i = d->i;
    c->key = d->key;
    c->key_line = d->key_line;
    c->key_col = d->key_col;
    c->raw = d->raw;
    c->block = d->block;
    for (const struct doc *m = d->first; m; m = m->next) {
        doc_append(c, doc_copy(a, m));
    }
    return c;
}

bool
doc_same(const struct doc *x, const struct doc *y)
{
    bool text = x->t == DOC_STR || x->t == DOC_NUM; /* literals of other types may be spelled in several ways */
    if (x->t != y->t || x->n != y->n || x->i != y->i || (text && !tbe_str_eq(x->s, y->s))) {
        return false;
    }
    const struct doc *b = y->first;
    for (const struct doc *a = x->first; a; a = a->next, b = b->next) {
        if (!tbe_str_eq(a->key, b->key) || !doc_same(a, b)) {
            return false;
        }
    }
    return true;
}

static void
put_pointer(struct tbe_buf *b, const struct doc *d)
{
    if (!d->up) {
        return;
    }
    put_pointer(b, d->up);
    tbe_buf_putc(b, '/');
    if (d->up->t == DOC_LIST) {
        uint32_t i = 0;
        for (const struct doc *m = d->up->first; m && m != d; m = m->next) {
            i++;
        }
        tbe_buf_fmt(b, "%u", i);
        return;
    }
    for (size_t i = 0; i < d->key.n; i++) {
        char c = d->key.p[i];
        if (c == '~' || c == '/') {
            tbe_buf_putz(b, c == '~' ? "~0" : "~1");
        } else {
            tbe_buf_putc(b, c);
        }
    }
}

struct tbe_str
doc_pointer(struct tbe_arena *a, const struct doc *d)
{
    struct tbe_buf b = { 0 };
    put_pointer(&b, d);
    struct tbe_str s = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

const char *
doc_type_name(enum doc_type t)
{
    static const char *const names[] = { "null", "a boolean", "an integer", "a number", "a string", "a list", "an object" };
    return names[t];
}

static void
put_str(struct tbe_buf *b, struct tbe_str s)
{
    tbe_buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            tbe_buf_putc(b, '\\');
            tbe_buf_putc(b, (char)c);
        } else if (c < 32) {
            tbe_buf_fmt(b, "\\u%04x", c);
        } else {
            tbe_buf_putc(b, (char)c);
        }
    }
    tbe_buf_putc(b, '"');
}

void
doc_json(struct tbe_buf *b, const struct doc *d)
{
    const char *sep = "";
    switch (d->t) {
    case DOC_NULL:
        tbe_buf_putz(b, "null");
        break;
    case DOC_BOOL:
        tbe_buf_putz(b, d->i ? "true" : "false");
        break;
    case DOC_INT:
    case DOC_NUM:
        tbe_buf_puts(b, d->s);
        break;
    case DOC_STR:
        put_str(b, d->s);
        break;
    case DOC_LIST:
    case DOC_MAP:
        tbe_buf_putc(b, d->t == DOC_LIST ? '[' : '{');
        for (const struct doc *m = d->first; m; m = m->next) {
            tbe_buf_putz(b, sep);
            if (d->t == DOC_MAP) {
                put_str(b, m->key);
                tbe_buf_putc(b, ':');
            }
            doc_json(b, m);
            sep = ",";
        }
        tbe_buf_putc(b, d->t == DOC_LIST ? ']' : '}');
        break;
    }
}

struct diag_pos
doc_pos(const char *file, const struct doc *d)
{
    return (struct diag_pos){ .file = file, .line = d->line, .col = d->col, .at = d };
}

struct diag_pos
doc_key_pos(const char *file, const struct doc *d)
{
    struct diag_pos pos = doc_pos(file, d);
    if (d->key_line) {
        pos.line = d->key_line;
        pos.col = d->key_col;
    }
    return pos;
}

/* Column of the `offset`-th byte of a JSON string's value: escapes take more room in the file. */
static uint32_t
raw_column(const struct doc *d, size_t offset)
{
    uint32_t col = d->col + 1;
    const char *p = d->raw;
    for (size_t done = 0; done < offset && *p != '"';) {
        if (*p != '\\') {
            col += ((unsigned char)*p++ & 0xC0) != 0x80;
            done++;
        } else if (p[1] != 'u') {
            p += 2;
            col += 2;
            done++;
        } else { /* one to three bytes; a pair of surrogates, twice this, makes four */
            unsigned u = 0;
            for (int i = 2; i < 6; i++) {
                u = u * 16 + (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
            }
            done += u < 0x80 ? 1 : u < 0x800 || (u >= 0xD800 && u < 0xE000) ? 2 : 3;
            p += 6;
            col += 6;
        }
    }
    return col;
}

struct diag_pos
doc_pos_within(const char *file, const struct doc *d, uint32_t line, uint32_t col)
{
    struct diag_pos pos = doc_pos(file, d);
    if (d->t != DOC_STR || line == 0 || col == 0) {
        return pos;
    }
    if (d->block) {
        pos.line = d->line + line;
        pos.col = d->block - 1 + col;
    } else if (d->raw) {
        const char *p = d->s.p, *end = d->s.p + d->s.n;
        for (uint32_t l = 1; l < line && p < end; l++) {
            const char *nl = memchr(p, '\n', (size_t)(end - p));
            p = nl ? nl + 1 : end;
        }
        pos.col = raw_column(d, (size_t)(p - d->s.p) + col - 1);
    }
    return pos;
}

struct doc *
doc_parse_own(struct tbe_arena *a, const char *json)
{
    struct diags none;
    diags_init(&none, a);
    return json_read(a, &none, "(own table)", tbe_strz(json));
}
