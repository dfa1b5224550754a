/* SPDX-License-Identifier: Apache-2.0 */
/* Chunk coder (chunk.h). */
#include "config.h"
#include "store/chunk.h"
#include <stdlib.h>
#include <string.h>
#include "store/internal.h"

enum tag { T_FALSE, T_TRUE, T_LONG, T_DOUBLE, T_STRING, T_JSON, T_DECIMAL /* + k */ };

struct point *
points_add(struct points *p)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 2;
        struct point *v = realloc(p->v, p->cap * sizeof *v);
        if (!v) {
            store_oom();
        }
        p->v = v;
    }
    p->v[p->n].order = p->added++;
    return &p->v[p->n++];
}

void
points_free(struct points *p)
{
    free(p->v);
    *p = (struct points){ 0 };
}

static int
by_ts(const void *a, const void *b)
{
    const struct point *p = a, *q = b;
    if (p->ts != q->ts) {
        return p->ts < q->ts ? -1 : 1;
    }
    return p->order < q->order ? -1 : p->order > q->order;
}

void
points_sort(struct points *p)
{
    bool sorted = true; /* the usual case */
    for (uint32_t i = 1; i < p->n && sorted; i++) {
        sorted = by_ts(&p->v[i - 1], &p->v[i]) <= 0;
    }
    if (!sorted) {
        qsort(p->v, p->n, sizeof *p->v, by_ts);
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        n -= n && p->v[n - 1].ts == p->v[i].ts;
        p->v[n++] = p->v[i];
    }
    p->n = n;
}

/* Encoding ------------------------------------------------------------------------------------- */

static void
put_varint(struct tbe_buf *b, uint64_t v)
{
    uint8_t t[10];
    tbe_buf_put(b, t, (size_t)(varint_put(t, v) - t));
}

static uint64_t
diff(int64_t a, int64_t b)
{
    return zigzag((int64_t)((uint64_t)a - (uint64_t)b));
}

static void
put_times(struct tbe_buf *b, const struct point *v, uint32_t n)
{
    int64_t delta = 0;
    put_varint(b, zigzag(v[0].ts));
    for (uint32_t i = 1; i < n; i++) {
        int64_t d = (int64_t)((uint64_t)v[i].ts - (uint64_t)v[i - 1].ts);
        put_varint(b, diff(d, delta));
        delta = d;
    }
}

/* Tag of a point; for decimals without k. */
static enum tag
tag_of(const struct point *p)
{
    int64_t m;
    unsigned k;
    switch ((enum tbe_kv_type)p->type) {
    case TBE_KV_BOOLEAN:
        return p->u.b ? T_TRUE : T_FALSE;
    case TBE_KV_LONG:
        return T_LONG;
    case TBE_KV_DOUBLE:
        return decimal_of(p->u.d, &m, &k) ? T_DECIMAL : T_DOUBLE;
    case TBE_KV_STRING:
        return T_STRING;
    case TBE_KV_JSON:
        return T_JSON;
    }
    return T_FALSE;
}

static void
put_longs(struct tbe_buf *b, const struct point *v, uint32_t n)
{
    int64_t prev = 0;
    for (uint32_t i = 0; i < n; i++) {
        put_varint(b, diff(v[i].u.i, prev));
        prev = v[i].u.i;
    }
}

/* One scale for the whole run, the finest that is needed: m / 10^k names the same double at
 * every k. */
static void
put_decimals(struct tbe_buf *b, const struct point *v, uint32_t n, unsigned scale)
{
    static const int64_t tens[] = { 1, 10, 100, 1000 };
    int64_t prev = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t m = 0;
        unsigned k = 0;
        if (decimal_of(v[i].u.d, &m, &k)) {
            m *= tens[scale - k];
        }
        put_varint(b, diff(m, prev));
        prev = m;
    }
}

static void
put_doubles(struct tbe_buf *b, const struct point *v, uint32_t n)
{
    uint64_t prev = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &v[i].u.d, 8);
        uint64_t x = bits ^ prev;
        prev = bits;
        unsigned lead = x ? (unsigned)__builtin_clzll(x) / 8 : 8, trail = x ? (unsigned)__builtin_ctzll(x) / 8 : 0;
        tbe_buf_putc(b, (char)(lead << 4 | trail));
        for (unsigned k = lead; k < 8 - trail; k++) {
            tbe_buf_putc(b, (char)(x >> (56 - 8 * k)));
        }
    }
}

static void
put_strings(struct tbe_buf *b, const struct point *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i && tbe_str_eq(v[i].s, v[i - 1].s)) {
            put_varint(b, 1);
        } else {
            put_varint(b, (uint64_t)v[i].s.n << 1);
            tbe_buf_puts(b, v[i].s);
        }
    }
}

static void
put_values(struct tbe_buf *b, const struct point *v, uint32_t n)
{
    for (uint32_t i = 0, end; i < n; i = end) {
        enum tag t = tag_of(&v[i]);
        unsigned scale = 0;
        for (end = i; end < n && tag_of(&v[end]) == t; end++) {
            int64_t m;
            unsigned k;
            if (t == T_DECIMAL && decimal_of(v[end].u.d, &m, &k) && k > scale) {
                scale = k;
            }
        }
        tbe_buf_putc(b, (char)(t + (t == T_DECIMAL ? scale : 0)));
        put_varint(b, end - i);
        if (t == T_LONG) {
            put_longs(b, v + i, end - i);
        } else if (t == T_DECIMAL) {
            put_decimals(b, v + i, end - i, scale);
        } else if (t == T_DOUBLE) {
            put_doubles(b, v + i, end - i);
        } else if (t == T_STRING || t == T_JSON) {
            put_strings(b, v + i, end - i);
        }
    }
}

uint32_t
chunk_encode(const struct point *v, uint32_t n, struct tbe_buf *out)
{
    size_t start = out->n;
    n = n < CHUNK_POINTS ? n : CHUNK_POINTS;
    for (;;) {
        out->n = start;
        tbe_buf_putc(out, 1);
        put_varint(out, n);
        put_times(out, v, n);
        put_values(out, v, n);
        if (out->oom) {
            store_oom();
        }
        size_t size = out->n - start;
        if (size <= CHUNK_BYTES || n == 1) {
            return n;
        }
        uint32_t fit = (uint32_t)((uint64_t)n * CHUNK_BYTES / size);
        n = fit < n && fit > 0 ? fit : n - 1;
    }
}

/* Decoding ------------------------------------------------------------------------------------- */

static const uint8_t *
get_doubles(const uint8_t *p, const uint8_t *end, struct point *v, uint64_t n)
{
    uint64_t prev = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (p >= end) {
            return NULL;
        }
        unsigned lead = *p >> 4, trail = *p & 15;
        p++;
        if (lead + trail > 8 || (size_t)(end - p) < 8 - lead - trail) {
            return NULL;
        }
        uint64_t x = 0;
        for (unsigned k = lead; k < 8 - trail; k++) {
            x |= (uint64_t)*p++ << (56 - 8 * k);
        }
        prev ^= x;
        v[i].type = TBE_KV_DOUBLE;
        memcpy(&v[i].u.d, &prev, 8);
    }
    return p;
}

static const uint8_t *
get_numbers(const uint8_t *p, const uint8_t *end, struct point *v, uint64_t n, unsigned tag)
{
    uint64_t prev = 0, x;
    for (uint64_t i = 0; i < n; i++) {
        p = varint_get(p, end, &x);
        if (!p) {
            return NULL;
        }
        prev += (uint64_t)unzigzag(x);
        if (tag == T_LONG) {
            v[i].type = TBE_KV_LONG;
            v[i].u.i = (int64_t)prev;
        } else {
            v[i].type = TBE_KV_DOUBLE;
            v[i].u.d = decimal_value((int64_t)prev, tag - T_DECIMAL);
        }
    }
    return p;
}

static const uint8_t *
get_strings(const uint8_t *p, const uint8_t *end, struct point *v, uint64_t n,
            enum tbe_kv_type type)
{
    uint64_t x;
    for (uint64_t i = 0; i < n; i++) {
        p = varint_get(p, end, &x);
        if (!p || (x == 1 && i == 0) || (x != 1 && ((x & 1) || x >> 1 > (uint64_t)(end - p)))) {
            return NULL;
        }
        v[i].type = type;
        v[i].u.i = 0;
        if (x == 1) {
            v[i].s = v[i - 1].s;
        } else {
            v[i].s = (struct tbe_str){ (const char *)p, (size_t)(x >> 1) };
            p += x >> 1;
        }
    }
    return p;
}

static const uint8_t *
get_run(const uint8_t *p, const uint8_t *end, struct point *v, uint64_t n, unsigned tag)
{
    if (tag <= T_TRUE) {
        for (uint64_t i = 0; i < n; i++) {
            v[i].type = TBE_KV_BOOLEAN;
            v[i].u.i = 0;
            v[i].u.b = tag == T_TRUE;
        }
        return p;
    }
    if (tag == T_DOUBLE) {
        return get_doubles(p, end, v, n);
    }
    if (tag == T_STRING || tag == T_JSON) {
        return get_strings(p, end, v, n, tag == T_JSON ? TBE_KV_JSON : TBE_KV_STRING);
    }
    return tag == T_LONG || tag <= T_DECIMAL + 3 ? get_numbers(p, end, v, n, tag) : NULL;
}

static bool
decode(const uint8_t *p, const uint8_t *end, struct point *v, uint64_t n)
{
    uint64_t x, ts = 0, delta = 0;
    for (uint64_t i = 0; i < n; i++) {
        p = varint_get(p, end, &x);
        if (!p) {
            return false;
        }
        if (i == 0) {
            ts = (uint64_t)unzigzag(x);
        } else {
            delta += (uint64_t)unzigzag(x);
            ts += delta;
        }
        v[i].ts = (int64_t)ts;
        v[i].s = TBE_STR_NONE;
    }
    for (uint64_t i = 0, count; i < n; i += count) {
        if (p >= end) {
            return false;
        }
        unsigned tag = *p++;
        p = varint_get(p, end, &count);
        if (!p || count == 0 || count > n - i) {
            return false;
        }
        p = get_run(p, end, v + i, count, tag);
        if (!p) {
            return false;
        }
    }
    return true;
}

bool
chunk_decode(struct tbe_str data, struct points *out)
{
    const uint8_t *p = (const uint8_t *)data.p, *end = p + data.n;
    uint64_t n;
    if (!data.n || *p != 1) {
        return false;
    }
    p = varint_get(p + 1, end, &n);
    if (!p || n == 0 || n > CHUNK_POINTS) {
        return false;
    }
    uint32_t before = out->n;
    for (uint64_t i = 0; i < n; i++) {
        points_add(out);
    }
    if (!decode(p, end, out->v + before, n)) {
        out->n = before;
        return false;
    }
    return true;
}
