/* SPDX-License-Identifier: Apache-2.0 */
/* Binary form of a message for parked rows: a version byte, then fixed fields and length-prefixed
 * strings in little-endian order. Not packed: listener, parsed views, typed entries. The reader
 * trusts nothing: a row may come from a damaged file. */
#include "config.h"
#include "tbe/msg.h"

#include <string.h>

enum { PACK_VERSION = 1, STACK_MAX = 64, MD_MAX = 65536 };

static void
put_u32(struct tbe_buf *b, uint32_t v)
{
    uint8_t p[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };
    tbe_buf_put(b, p, sizeof(p));
}

static void
put_u64(struct tbe_buf *b, uint64_t v)
{
    put_u32(b, (uint32_t)v);
    put_u32(b, (uint32_t)(v >> 32));
}

static void
put_str(struct tbe_buf *b, struct tbe_str s)
{
    put_u32(b, s.p ? (uint32_t)s.n : UINT32_MAX);
    if (s.n) {
        tbe_buf_put(b, s.p, s.n);
    }
}

void
tbe_msg_pack(const struct tbe_msg *m, struct tbe_buf *out)
{
    uint32_t depth = 0;
    tbe_buf_putc(out, PACK_VERSION);
    tbe_buf_put(out, m->id.b, 16);
    put_u64(out, (uint64_t)m->ts);
    put_u32(out, m->execs);
    tbe_buf_putc(out, (char)m->originator.type);
    tbe_buf_put(out, m->originator.id.b, 16);
    tbe_buf_put(out, m->customer.b, 16);
    put_str(out, m->queue);
    put_str(out, m->type);
    put_str(out, m->data);
    put_u32(out, m->md.n);
    for (uint32_t i = 0; i < m->md.n; i++) {
        put_str(out, m->md.e[i].key);
        put_str(out, m->md.e[i].val);
    }
    for (const struct tbe_callstack *s = m->stack; s; s = s->up) {
        depth++;
    }
    put_u32(out, depth);
    for (const struct tbe_callstack *s = m->stack; s; s = s->up) {
        put_u32(out, s->chain);
        put_u32(out, s->node);
    }
}

struct reader {
    const char *p, *end;
    bool bad;
};

static const char *
get(struct reader *r, size_t n)
{
    if (r->bad || (size_t)(r->end - r->p) < n) {
        r->bad = true;
        return NULL;
    }
    const char *at = r->p;
    r->p += n;
    return at;
}

static uint32_t
get_u32(struct reader *r)
{
    const uint8_t *p = (const uint8_t *)get(r, 4);
    return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

static uint64_t
get_u64(struct reader *r)
{
    uint64_t lo = get_u32(r);
    return lo | (uint64_t)get_u32(r) << 32;
}

static uint8_t
get_u8(struct reader *r)
{
    const char *p = get(r, 1);
    return p ? (uint8_t)*p : 0;
}

static struct tbe_uuid
get_uuid(struct reader *r)
{
    struct tbe_uuid u = { { 0 } };
    const char *p = get(r, 16);
    if (p) {
        memcpy(u.b, p, 16);
    }
    return u;
}

static struct tbe_str
get_str(struct reader *r, struct tbe_arena *a)
{
    uint32_t n = get_u32(r);
    if (r->bad || n == UINT32_MAX) {
        return TBE_STR_NONE;
    }
    const char *p = get(r, n);
    if (!p) {
        return TBE_STR_NONE;
    }
    return tbe_arena_dup(a, (struct tbe_str){ p, n });
}

static void
get_md(struct reader *r, struct tbe_arena *a, struct tbe_md *md)
{
    uint32_t n = get_u32(r);
    if (n > MD_MAX) {
        r->bad = true;
    }
    for (uint32_t i = 0; i < n && !r->bad; i++) {
        struct tbe_str k = get_str(r, a);
        struct tbe_str v = get_str(r, a);
        tbe_md_put(a, md, k, v);
    }
}

static const struct tbe_callstack *
get_stack(struct reader *r, struct tbe_arena *a)
{
    struct tbe_callstack *first = NULL, **link = &first;
    uint32_t depth = get_u32(r);
    if (depth > STACK_MAX) {
        r->bad = true;
    }
    for (uint32_t i = 0; i < depth && !r->bad; i++) {
        struct tbe_callstack *s = tbe_arena_zalloc(a, sizeof(*s));
        if (!s) {
            r->bad = true;
            break;
        }
        s->chain = get_u32(r);
        s->node = get_u32(r);
        *link = s;
        /* The list is const to everybody else; only its maker links it. */
        link = (struct tbe_callstack **)(uintptr_t)&s->up;
    }
    return first;
}

struct tbe_msg *
tbe_msg_unpack(struct tbe_str packed)
{
    struct reader r = { packed.p, packed.p + packed.n, false };
    if (get_u8(&r) != PACK_VERSION) {
        return NULL;
    }
    struct tbe_uuid id = get_uuid(&r);
    int64_t ts = (int64_t)get_u64(&r);
    uint32_t execs = get_u32(&r);
    struct tbe_entity originator = { TBE_ENT_NONE, { { 0 } } };
    originator.type = (enum tbe_entity_type)get_u8(&r);
    originator.id = get_uuid(&r);
    if (r.bad || originator.type >= TBE_ENT_COUNT) {
        return NULL;
    }
    struct tbe_msg *m = tbe_msg_new(TBE_STR(""), originator);
    struct tbe_arena *a = tbe_msg_arena(m);
    m->id = id;
    m->ts = ts;
    m->execs = execs;
    m->customer = get_uuid(&r);
    m->queue = get_str(&r, a);
    tbe_msg_set_type(m, get_str(&r, a));
    m->data = get_str(&r, a);
    get_md(&r, a, &m->md);
    m->stack = get_stack(&r, a);
    if (r.bad || r.p != r.end || !m->type.p || !m->data.p) {
        tbe_msg_unref(m);
        return NULL;
    }
    return m;
}
