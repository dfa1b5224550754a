/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing of frames. Every length comes from the other process and is checked before it
 * is used: a broken peer yields -1 or `bad`, never a read outside the bytes given. */
#include "config.h"
#include "frame/frame.h"

#include <string.h>
#include <sys/socket.h>

#define FRAME_ABSENT 0xffffffffu

static bool
frame_type_known(uint8_t type)
{
    return (type >= FR_HELLO && type <= FR_SWAP_FAILED) || (type >= FR_CONNECT && type <= FR_LINK) ||
           (type >= FR_READY && type <= FR_LINK_RECONNECT);
}

int64_t
frame_parse(const void *buf, size_t n, struct frame *out)
{
    const char *p = buf;
    uint32_t len;
    uint16_t reserved;

    if (n < FRAME_HEAD) {
        return 0;
    }
    memcpy(&len, p, 4);
    memcpy(&reserved, p + 6, 2);
    if (len < FRAME_HEAD || len > FRAME_MAX || reserved != 0 || !frame_type_known((uint8_t)p[4])) {
        return -1;
    }
    if (n < len) {
        return 0;
    }
    out->type = (uint8_t)p[4];
    out->flags = (uint8_t)p[5];
    memcpy(&out->conn, p + 8, 4);
    memcpy(&out->aux, p + 12, 4);
    memcpy(&out->seq, p + 16, 8);
    out->payload = (struct tbe_str){ p + FRAME_HEAD, len - FRAME_HEAD };
    return len;
}

ssize_t
frame_recv(int fd, struct tbe_buf *in, size_t *n, size_t room)
{
    uint32_t whole = 0;
    ssize_t got;

    if (*n >= FRAME_HEAD) { /* in bounds: frame_parse has seen it */
        memcpy(&whole, in->p, 4);
    }
    in->n = *n;
    if (!tbe_buf_reserve(in, whole > *n ? whole - *n : room)) {
        in->oom = false;
        return FRAME_NO_MEMORY;
    }
    got = recv(fd, in->p + *n, in->cap - 1 - *n, 0);
    *n += got > 0 ? (size_t)got : 0;
    return got;
}

size_t
frame_begin(struct tbe_buf *b, uint8_t type, uint8_t flags, uint32_t conn, uint32_t aux,
            uint64_t seq)
{
    size_t begin = b->n;
    char h[FRAME_HEAD] = { 0 };

    h[4] = (char)type;
    h[5] = (char)flags;
    memcpy(h + 8, &conn, 4);
    memcpy(h + 12, &aux, 4);
    memcpy(h + 16, &seq, 8);
    tbe_buf_put(b, h, sizeof h);
    return begin;
}

void
frame_put_u32(struct tbe_buf *b, uint32_t v)
{
    tbe_buf_put(b, &v, 4);
}

void
frame_put_u64(struct tbe_buf *b, uint64_t v)
{
    tbe_buf_put(b, &v, 8);
}

void
frame_put_str(struct tbe_buf *b, struct tbe_str s)
{
    if (!s.p) {
        frame_put_u32(b, FRAME_ABSENT);
        return;
    }
    if (s.n > FRAME_MAX) { /* cut, but still too long: frame_end takes the whole frame back */
        s.n = FRAME_MAX;
    }
    frame_put_u32(b, (uint32_t)s.n);
    tbe_buf_put(b, s.p, s.n);
}

bool
frame_end(struct tbe_buf *b, size_t begin)
{
    uint32_t len;

    if (b->oom || b->n < begin + FRAME_HEAD) {
        return false;
    }
    if (b->n - begin > FRAME_MAX) {
        b->n = begin;
        return false;
    }
    len = (uint32_t)(b->n - begin);
    memcpy(b->p + begin, &len, 4);
    return true;
}

static bool
frame_take(struct frame_reader *r, void *out, size_t n)
{
    if (r->bad || r->left.n < n) {
        r->bad = true;
        memset(out, 0, n);
        return false;
    }
    memcpy(out, r->left.p, n);
    r->left.p += n;
    r->left.n -= n;
    return true;
}

uint32_t
frame_get_u32(struct frame_reader *r)
{
    uint32_t v;

    frame_take(r, &v, 4);
    return v;
}

uint64_t
frame_get_u64(struct frame_reader *r)
{
    uint64_t v;

    frame_take(r, &v, 8);
    return v;
}

struct tbe_str
frame_get_str(struct frame_reader *r)
{
    struct tbe_str s;
    uint32_t n;

    if (!frame_take(r, &n, 4) || n == FRAME_ABSENT) {
        return TBE_STR_NONE;
    }
    if (r->left.n < n) {
        r->bad = true;
        return TBE_STR_NONE;
    }
    s = (struct tbe_str){ r->left.p, n };
    r->left.p += n;
    r->left.n -= n;
    return s;
}
