/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks form a list in order of arrival; a chunk goes when its last frame is confirmed. The
 * ring of entries is indexed by seq. */
#include "config.h"
#include "front/window.h"

#include <stdlib.h>

#define RING_FIRST 256u

struct window_chunk {
    struct window_chunk *next;
    uint32_t frames; /* not confirmed */
    struct tbe_buf buf;
};

void
window_init(struct window *w, size_t max_bytes, uint32_t max_frames)
{
    *w = (struct window){ .first = 1, .next = 1, .max_bytes = max_bytes, .max_frames = max_frames };
}

static void
chunk_free(struct window_chunk *c)
{
    if (c) {
        tbe_buf_free(&c->buf);
        free(c);
    }
}

void
window_free(struct window *w)
{
    while (w->head) {
        struct window_chunk *c = w->head;
        w->head = c->next;
        chunk_free(c);
    }
    chunk_free(w->spare);
    free(w->ring);
    *w = (struct window){ 0 };
}

static struct window_entry *
entry_at(struct window *w, uint64_t seq)
{
    return &w->ring[seq & (w->ring_size - 1)];
}

static bool
ring_grow(struct window *w)
{
    uint32_t size = w->ring_size ? w->ring_size * 2 : RING_FIRST;
    struct window_entry *ring = calloc(size, sizeof *ring);

    if (!ring) {
        return false;
    }
    for (uint64_t seq = w->first; seq < w->next; seq++) {
        ring[seq & (size - 1)] = *entry_at(w, seq);
    }
    free(w->ring);
    w->ring = ring;
    w->ring_size = size;
    return true;
}

/* A chunk at the tail with room for n bytes. */
static struct window_chunk *
chunk_for(struct window *w, size_t n)
{
    struct window_chunk *c = w->tail;

    if (c && c->frames == 0 && c->buf.cap > n) {
        c->buf.n = 0;
    }
    if (c && c->buf.cap - c->buf.n > n) {
        return c;
    }
    if (w->spare && w->spare->buf.cap > n) {
        c = w->spare;
        w->spare = NULL;
    } else {
        c = calloc(1, sizeof *c);
        if (!c || !tbe_buf_reserve(&c->buf, n > WINDOW_CHUNK - 2 ? n : WINDOW_CHUNK - 2)) {
            free(c);
            return NULL;
        }
    }
    if (w->tail) {
        w->tail->next = c;
    } else {
        w->head = c;
    }
    w->tail = c;
    return c;
}

struct tbe_buf *
window_begin(struct window *w, struct window_entry e, uint8_t flags, uint32_t conn, uint32_t aux,
             size_t hint)
{
    struct window_chunk *c;

    if (w->next - w->first == w->ring_size && !ring_grow(w)) {
        return NULL;
    }
    c = chunk_for(w, FRAME_HEAD + hint);
    if (!c) {
        return NULL;
    }
    w->open_at = frame_begin(&c->buf, e.type, flags, conn, aux, w->next);
    *entry_at(w, w->next) = e;
    return &c->buf;
}

bool
window_end(struct window *w)
{
    struct window_chunk *c = w->tail;
    struct window_entry *e = entry_at(w, w->next);

    if (!frame_end(&c->buf, w->open_at)) {
        c->buf.oom = false;
        c->buf.n = w->open_at;
        return false;
    }
    e->chunk = c;
    e->off = (uint32_t)w->open_at;
    e->len = (uint32_t)(c->buf.n - w->open_at);
    c->frames++;
    w->bytes += e->len;
    w->next++;
    return true;
}

struct window_entry *
window_entry(struct window *w, uint64_t seq)
{
    return seq >= w->first && seq < w->next ? entry_at(w, seq) : NULL;
}

struct tbe_str
window_frame(const struct window_entry *e)
{
    return (struct tbe_str){ e->chunk->buf.p + e->off, e->len };
}

/* Frames are confirmed from the head on, so only the head chunk can become empty. */
static void
chunk_release(struct window *w, struct window_chunk *c)
{
    c->frames--;
    while ((c = w->head) != w->tail && c->frames == 0) {
        w->head = c->next;
        c->next = NULL;
        c->buf.n = 0;
        if (!w->spare && c->buf.cap <= WINDOW_CHUNK) {
            w->spare = c;
        } else {
            chunk_free(c);
        }
    }
}

void
window_confirm(struct window *w, uint64_t seq)
{
    struct window_entry *e = window_entry(w, seq);

    if (!e) {
        return;
    }
    e->done = true;
    while (w->first < w->next && (e = entry_at(w, w->first))->done) {
        w->bytes -= e->len;
        w->first++;
        chunk_release(w, e->chunk);
    }
}

int
window_iov(struct window *w, const struct window_cursor *c, uint64_t stop_seq, struct iovec *iov,
           int max)
{
    uint32_t skip = c->part;
    int n = 0;

    for (uint64_t seq = c->seq; seq < w->next && seq < stop_seq; seq++) {
        const struct window_entry *e = entry_at(w, seq);
        char *p = e->chunk->buf.p + e->off + skip;
        size_t len = e->len - skip;
        skip = 0;
        if (n && (char *)iov[n - 1].iov_base + iov[n - 1].iov_len == p) {
            iov[n - 1].iov_len += len;
        } else if (n < max) {
            iov[n++] = (struct iovec){ p, len };
        } else {
            break;
        }
    }
    return n;
}

void
window_advance(struct window *w, struct window_cursor *c, size_t n)
{
    while (n) {
        const struct window_entry *e = entry_at(w, c->seq);
        size_t left = e->len - c->part;
        if (n < left) {
            c->part += (uint32_t)n;
            return;
        }
        n -= left;
        c->part = 0;
        c->seq++;
    }
}
