/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-16 semantics over UTF-8 text: lengths, indexes and order count UTF-16 units. ASCII text,
 * the usual case, is found once per string value and then indexed by byte. */
#include "config.h"
#include "js_room.h"

#include <string.h>

bool
js_ascii(tbe_val s)
{
    if (s.ascii) {
        return true;
    }
    for (uint32_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.u.s[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

uint32_t
js_decode(const char *s, uint32_t n, uint32_t *len)
{
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) {
        *len = 1;
        return p[0];
    }
    if (p[0] >= 0xF0 && n >= 4) {
        *len = 4;
        return (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 63) << 12 | (uint32_t)(p[2] & 63) << 6 | (p[3] & 63u);
    }
    if (p[0] >= 0xE0 && n >= 3) {
        *len = 3;
        return (uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63u);
    }
    if (p[0] >= 0xC0 && n >= 2) {
        *len = 2;
        return (uint32_t)(p[0] & 31) << 6 | (p[1] & 63u);
    }
    *len = 1;
    return 0xFFFD;
}

void
js_put_utf8(struct tbe_buf *b, uint32_t c)
{
    if (c < 0x80) {
        tbe_buf_putc(b, (char)c);
        return;
    }
    if (c >= 0xDC00 && c < 0xE000 && b->n >= 3) { /* joins a high surrogate before it */
        const unsigned char *q = (const unsigned char *)b->p + b->n - 3;
        if (q[0] == 0xED && q[1] >= 0xA0 && q[1] < 0xB0) {
            uint32_t hi = 0xD000u | (uint32_t)(q[1] & 63) << 6 | (q[2] & 63u);
            b->n -= 3;
            c = 0x10000 + ((hi - 0xD800) << 10) + (c - 0xDC00);
        }
    }
    if (c >= 0x10000) {
        tbe_buf_putc(b, (char)(0xF0 | c >> 18));
        tbe_buf_putc(b, (char)(0x80 | (c >> 12 & 63)));
    } else if (c >= 0x800) {
        tbe_buf_putc(b, (char)(0xE0 | c >> 12));
    } else {
        tbe_buf_putc(b, (char)(0xC0 | c >> 6));
    }
    if (c >= 0x800) {
        tbe_buf_putc(b, (char)(0x80 | (c >> 6 & 63)));
    }
    tbe_buf_putc(b, (char)(0x80 | (c & 63)));
}

uint32_t
js_units(tbe_val s)
{
    if (js_ascii(s)) {
        return s.n;
    }
    uint32_t u = 0, len;
    for (uint32_t i = 0; i < s.n; i += len) {
        u += js_decode(s.u.s + i, s.n - i, &len) >= 0x10000 ? 2 : 1;
    }
    return u;
}

uint32_t
js_byte_of_unit(tbe_val s, uint32_t unit)
{
    uint32_t u = 0, i = 0, len;
    if (js_ascii(s)) {
        return unit < s.n ? unit : s.n;
    }
    while (i < s.n && u < unit) {
        u += js_decode(s.u.s + i, s.n - i, &len) >= 0x10000 ? 2 : 1;
        i += len;
    }
    return i;
}

uint32_t
js_unit_of_byte(tbe_val s, uint32_t byte)
{
    tbe_val head = s;
    head.n = byte < s.n ? byte : s.n;
    return js_units(head);
}

int
js_unit_at(tbe_val s, uint32_t want)
{
    if (js_ascii(s)) {
        return want < s.n ? (unsigned char)s.u.s[want] : -1;
    }
    uint32_t u = 0, len;
    for (uint32_t i = 0; i < s.n; i += len) {
        uint32_t c = js_decode(s.u.s + i, s.n - i, &len), w = c >= 0x10000 ? 2 : 1;
        if (want < u + w) {
            return w == 1 ? (int)c : want == u ? (int)(0xD800 + ((c - 0x10000) >> 10)) :
                (int)(0xDC00 + (c & 0x3FF));
        }
        u += w;
    }
    return -1;
}

tbe_val
js_from_buf(struct tbe_x *x, struct tbe_buf *b)
{
    struct tbe_str s = tbe_buf_str(b);
    void (*full)(void *, size_t) = x->a->on_full;
    x->a->on_full = NULL; /* b must be freed before anything is thrown */
    char *p = s.n <= JS_MAX_STRING && !b->oom ? tbe_arena_alloc(x->a, s.n) : NULL;
    x->a->on_full = full;
    if (p == NULL) {
        bool oom = b->oom;
        tbe_buf_free(b);
        if (!oom && s.n > JS_MAX_STRING) {
            tbe_j_throw(x, "RangeError", "Invalid string length");
        }
        tbe_throw_full(x, s.n);
    }
    memcpy(p, s.p, s.n);
    tbe_buf_free(b);
    return tbe_strv((struct tbe_str){ p, s.n });
}

tbe_val
js_copy_text(struct tbe_x *x, struct tbe_str s)
{
    return tbe_strv(tbe_arena_dup(x->a, s));
}

tbe_val
js_sub(struct tbe_x *x, tbe_val s, uint32_t from, uint32_t to)
{
    if (js_ascii(s)) {
        tbe_val r = s;
        r.u.s += from;
        r.n = to - from;
        r.ascii = 1;
        return r;
    }
    uint32_t a = js_byte_of_unit(s, from), b = js_byte_of_unit(s, to);
    bool split_a = js_unit_of_byte(s, a) != from, split_b = js_unit_of_byte(s, b) != to;
    if (!split_a && !split_b) {
        tbe_val r = s;
        r.u.s += a;
        r.n = b - a;
        return r;
    }
    struct tbe_buf out = { 0 };
    for (uint32_t i = from; i < to; i++) {
        js_put_utf8(&out, (uint32_t)js_unit_at(s, i));
    }
    return js_from_buf(x, &out);
}

int
js_compare_text(tbe_val a, tbe_val b)
{
    uint32_t n = a.n < b.n ? a.n : b.n, i = 0;
    while (i < n && a.u.s[i] == b.u.s[i]) {
        i++;
    }
    if (i == n) {
        return a.n < b.n ? -1 : a.n > b.n;
    }
    unsigned char p = (unsigned char)a.u.s[i], q = (unsigned char)b.u.s[i];
    /* UTF-16 order differs from UTF-8 order only for E000..FFFF against supplementary characters */
    if (p >= 0xEE && q >= 0xEE && (p >= 0xF0) != (q >= 0xF0)) {
        return p >= 0xF0 ? -1 : 1;
    }
    return p < q ? -1 : 1;
}

/* A string may be extended in place while nothing was built after it: loops that append stay
 * linear. */
tbe_val
js_concat(struct tbe_x *x, tbe_val a, tbe_val b)
{
    size_t n = (size_t)a.n + b.n;
    if (b.n == 0) {
        return a;
    }
    if (a.n == 0) {
        return b;
    }
    if (n > JS_MAX_STRING) {
        tbe_j_throw(x, "RangeError", "Invalid string length");
    }
    const unsigned char *e = (const unsigned char *)a.u.s + a.n, *s = (const unsigned char *)b.u.s;
    if (a.n >= 3 && e[-3] == 0xED && e[-2] >= 0xA0 && e[-2] < 0xB0 && b.n >= 3 && s[0] == 0xED &&
        s[1] >= 0xB0) {
        struct tbe_buf out = { 0 };
        uint32_t len, lo = js_decode(b.u.s, b.n, &len);
        tbe_buf_put(&out, a.u.s, a.n);
        js_put_utf8(&out, lo);
        tbe_buf_put(&out, b.u.s + len, b.n - len);
        return js_from_buf(x, &out);
    }
    tbe_val r = a;
    r.n = (uint32_t)n;
    r.ascii = a.ascii && b.ascii;
    if (x->str_end == a.u.s + a.n && (size_t)(x->str_cap - x->str_end) >= b.n) {
        memmove(x->str_end, b.u.s, b.n);
        x->str_end += b.n;
        return r;
    }
    size_t cap = x->str_end == a.u.s + a.n ? n * 2 : n < 64 ? n : n + n / 2;
    char *p = tbe_arena_alloc(x->a, cap);
    memcpy(p, a.u.s, a.n);
    memcpy(p + a.n, b.u.s, b.n);
    x->str_end = p + n;
    x->str_cap = p + cap;
    r.u.s = p;
    return r;
}

bool
js_index_key(struct tbe_str k, uint32_t *out)
{
    uint64_t v = 0;
    if (k.n == 0 || k.n > 10 || (k.n > 1 && k.p[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < k.n; i++) {
        if (k.p[i] < '0' || k.p[i] > '9') {
            return false;
        }
        v = v * 10 + (uint64_t)(k.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v < 4294967295u;
}
