/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writers: Jackson's, JavaScript's and Gson's spelling of the same values. Nesting past
 * WRITE_DEPTH (a cycle made by a script) and text past the limit set b->oom, like memory that
 * ran out. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "value/value_int.h"

#define WRITE_DEPTH 1100
#define WRITE_MAX (64u << 20) /* bytes of one text: shared parts can make a small value very long */

struct json_out {
    struct tbe_buf *b;
    unsigned flags;
    int depth;
    size_t max; /* b->n may not pass this */
};

/* Which bytes need a closer look, by output: */
#define LOOK_ALWAYS 1u
#define LOOK_HTML 2u /* Gson with HTML escaping */
#define LOOK_GSON 4u /* may begin U+2028 or U+2029 */
#define LOOK_LONE 8u /* may begin a lone surrogate */
static const unsigned char json_out_look[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['"'] = LOOK_ALWAYS, ['\\'] = LOOK_ALWAYS, ['<'] = LOOK_HTML, ['>'] = LOOK_HTML,
    ['&'] = LOOK_HTML, ['='] = LOOK_HTML, ['\''] = LOOK_HTML, [0xe2] = LOOK_GSON, [0xed] = LOOK_LONE,
};
/* The letter behind a backslash, for bytes that have one. */
static const char json_out_short[128] = {
    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"',
    ['\\'] = '\\',
};

static unsigned
json_out_mask(unsigned flags)
{
    if (flags & TBE_OUT_GSON) {
        return LOOK_ALWAYS | LOOK_GSON | LOOK_LONE | (flags & TBE_OUT_NO_HTML ? 0 : LOOK_HTML);
    }
    return flags & TBE_OUT_JS ? LOOK_ALWAYS | LOOK_LONE : LOOK_ALWAYS;
}

static void
json_out_hex(struct tbe_buf *b, unsigned unit, bool upper)
{
    const char *hex = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    const char text[6] = { '\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15],
        hex[unit >> 4 & 15],
                           hex[unit & 15] };
    tbe_buf_put(b, text, sizeof text);
}

/* Writes what stands for the piece at p (n bytes left) that needs a look; its length, or 0 when
 * the look tells that it stays as it is. */
static size_t
json_out_special(struct tbe_buf *b, const unsigned char *p, size_t n, unsigned flags)
{
    if (*p < 0x80) {
        if (json_out_short[*p] != 0) {
            const char two[2] = { '\\', json_out_short[*p] };
            tbe_buf_put(b, two, 2);
        } else {
            /* Jackson: upper case */
            json_out_hex(b, *p, (flags & (TBE_OUT_GSON | TBE_OUT_JS)) == 0);
        }
        return 1;
    }
    if (n < 3) {
        return 0;
    }
    if (*p == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
        json_out_hex(b, p[2] == 0xa8 ? 0x2028 : 0x2029, false);
        return 3;
    }
    /* lone surrogate; Gson's text leaves the JVM, which cannot encode it */
    if (*p == 0xed && p[1] >= 0xa0) {
        if (flags & TBE_OUT_GSON) {
            tbe_buf_putc(b, '?');
            return 3;
        }
        json_out_hex(b, 0xd000u | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu), false);
        return 3;
    }
    return 0;
}

/* Up to the first byte that needs a look. */
static inline size_t
json_out_plain(const unsigned char *p, size_t i, size_t n, unsigned mask)
{
    while (i < n && (json_out_look[p[i]] & mask) == 0) {
        i++;
    }
    return i;
}

void
value_json_str(struct tbe_buf *b, struct tbe_str s, unsigned flags)
{
    const unsigned mask = json_out_mask(flags);
    const unsigned char *p = (const unsigned char *)s.p;
    if (!tbe_buf_reserve(b, s.n + 2)) {
        return;
    }
    size_t i = json_out_plain(p, 0, s.n, mask);
    if (TBE_LIKELY(i == s.n)) { /* nothing to escape: room is there */
        char *o = b->p + b->n;
        *o++ = '"';
        if (s.n > 0) {
            memcpy(o, p, s.n);
        }
        o[s.n] = '"';
        o[s.n + 1] = '\0';
        b->n += s.n + 2;
        return;
    }
    tbe_buf_putc(b, '"');
    for (size_t from = 0;;) {
        tbe_buf_put(b, p + from, i - from);
        if (i == s.n) {
            break;
        }
        const size_t took = json_out_special(b, p + i, s.n - i, flags);
        from = i + took;
        i = json_out_plain(p, took != 0 ? from : i + 1, s.n, mask);
    }
    tbe_buf_putc(b, '"');
}

void
tbe_json_write_str(struct tbe_buf *b, struct tbe_str s)
{
    value_json_str(b, s, TBE_OUT_JAVA);
}

static void
json_out_double(struct json_out *o, tbe_val v)
{
    char text[TBE_NUMTEXT];
    size_t n;
    const double d = v.u.d;
    if (o->flags & TBE_OUT_JS) {
        n = tbe_double_js(d, text);
    } else {
        n = v.t == TBE_FLOAT ? tbe_float_java((float)d, text) : tbe_double_java(d, text);
    }
    if (isfinite(d)) {
        tbe_buf_put(o->b, text, n);
    } else if (o->flags & TBE_OUT_JS) {
        tbe_buf_putz(o->b, "null");
    } else if (o->flags & TBE_OUT_GSON) {
        /* bare, as the lenient writer does; the lenient reader makes a string of it */
        tbe_buf_put(o->b, text, n);
    } else {
        value_json_str(o->b, (struct tbe_str){ text, n }, 0);
    }
}

static bool json_out_value(struct json_out *o, tbe_val v);

/* JavaScript leaves out members with these, and writes null for them in arrays. */
static bool
json_out_nothing(tbe_val v)
{
    return v.t == TBE_UNDEF || v.t == TBE_FUNC;
}

static bool
json_out_list(struct json_out *o, const struct tbe_list *l)
{
    tbe_buf_putc(o->b, '[');
    for (uint32_t i = 0; i < l->n; i++) {
        if (i > 0) {
            tbe_buf_putc(o->b, ',');
        }
        if (!json_out_value(o, l->v[i])) {
            return false;
        }
    }
    tbe_buf_putc(o->b, ']');
    return true;
}

static bool
json_out_set(struct json_out *o, const struct tbe_map *m)
{
    const struct tbe_entry *e;
    bool first = true;
    tbe_buf_putc(o->b, '[');
    for (uint32_t i = 0; tbe_map_next(m, &i, &e); first = false) {
        if (!first) {
            tbe_buf_putc(o->b, ',');
        }
        if (!json_out_value(o, e->key)) {
            return false;
        }
    }
    tbe_buf_putc(o->b, ']');
    return true;
}

/* A member's name: strings as they are, other keys by their Java text. */
static void
json_out_key(struct json_out *o, tbe_val key)
{
    if (key.t == TBE_STR_T) {
        value_json_str(o->b, tbe_val_str(key), o->flags);
        return;
    }
    struct tbe_buf text = { 0 };
    tbe_java_text(&text, key);
    value_json_str(o->b, tbe_buf_str(&text), o->flags);
    o->b->oom = o->b->oom || text.oom;
    tbe_buf_free(&text);
}

static bool
json_out_map(struct json_out *o, const struct tbe_map *m)
{
    const bool drop_nulls = (o->flags & (TBE_OUT_GSON | TBE_OUT_NO_HTML)) == TBE_OUT_GSON;
    const struct tbe_entry *e;
    bool first = true;
    tbe_buf_putc(o->b, '{');
    for (uint32_t i = 0; tbe_map_next(m, &i, &e);) {
        if (((o->flags & TBE_OUT_JS) && json_out_nothing(e->val)) ||
            (drop_nulls && tbe_is_null(e->val))) {
            continue;
        }
        if (!first) {
            tbe_buf_putc(o->b, ',');
        }
        first = false;
        json_out_key(o, e->key);
        tbe_buf_putc(o->b, ':');
        if (!json_out_value(o, e->val)) {
            return false;
        }
    }
    tbe_buf_putc(o->b, '}');
    return true;
}

static bool
json_out_container(struct json_out *o, tbe_val v)
{
    if (o->depth == WRITE_DEPTH || o->b->n > o->max) {
        o->b->oom = true;
        return false;
    }
    o->depth++;
    const bool ok = v.t == TBE_MAP ? json_out_map(o, v.u.m)
                    : v.t == TBE_SET ? json_out_set(o, v.u.m)
                                     : json_out_list(o, v.u.l);
    o->depth--;
    return ok;
}

static bool
json_out_value(struct json_out *o, tbe_val v)
{
    char text[TBE_NUMTEXT];
    char unit[4];
    switch (v.t) {
    case TBE_UNDEF:
    case TBE_NULL:
    case TBE_FUNC:
        tbe_buf_put(o->b, "null", 4);
        break;
    case TBE_BOOL:
        tbe_buf_putz(o->b, v.u.i ? "true" : "false");
        break;
    case TBE_BYTE:
    case TBE_SHORT:
    case TBE_INT:
    case TBE_LONG:
        tbe_buf_put(o->b, text, tbe_long_text(v.u.i, text));
        break;
    case TBE_FLOAT:
    case TBE_DOUBLE:
        json_out_double(o, v);
        break;
    case TBE_BIGDEC:
    case TBE_BIGINT:
    case TBE_NUM:
        tbe_buf_puts(o->b, tbe_val_str(v));
        break;
    case TBE_STR_T:
        value_json_str(o->b, tbe_val_str(v), o->flags);
        break;
    case TBE_CHAR:
        value_json_str(o->b, (struct tbe_str){ unit, value_utf8_put((uint32_t)v.u.i, unit) },
                       o->flags);
        break;
    case TBE_LIST:
    case TBE_ARRAY:
    case TBE_SET:
    case TBE_MAP:
        return json_out_container(o, v);
    default: /* dates, patterns and other objects: their dialect turns them into values before */
        tbe_buf_put(o->b, "{}", 2);
        break;
    }
    return !o->b->oom;
}

void
tbe_json_write(struct tbe_buf *b, tbe_val v, unsigned flags)
{
    struct json_out o = { .b = b, .flags = flags, .max = b->n + WRITE_MAX };
    json_out_value(&o, v);
}

struct tbe_str
tbe_json_text(struct tbe_arena *a, tbe_val v, unsigned flags)
{
    struct tbe_buf b = { 0 };
    struct json_out o = { .b = &b, .flags = flags, .max = a->limit ? a->limit : WRITE_MAX };
    json_out_value(&o, v);
    const size_t n = b.n;
    /* on_full does not return, so the buffer must be gone before it is called */
    void (*on_full)(void *, size_t) = a->on_full;
    a->on_full = NULL;
    const struct tbe_str s = b.oom ? TBE_STR_NONE : tbe_arena_dup(a, tbe_buf_str(&b));
    a->on_full = on_full;
    tbe_buf_free(&b);
    if (s.p == NULL && on_full != NULL) {
        on_full(a->on_full_arg, n);
    }
    return s;
}
