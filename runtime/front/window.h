/* SPDX-License-Identifier: Apache-2.0 */
/* The window: every numbered frame, kept as bytes from the packet's arrival until the worker has
 * confirmed it. Frames are written once into chunks and sent to workers straight from there. */
#ifndef TBE_FRONT_WINDOW_H
#define TBE_FRONT_WINDOW_H

#include <sys/uio.h>

#include "frame/frame.h"

struct session;
struct window_chunk;

#define WINDOW_CHUNK 65536u /* bytes of an ordinary chunk; a bigger frame gets its own */

struct window_entry {
    struct session *session; /* lives at least until its FR_CLOSED is confirmed */
    struct window_chunk *chunk;
    uint32_t off, len; /* of the frame within the chunk */
    uint16_t id;       /* MQTT packet id */
    uint8_t type;      /* enum frame_type */
    uint8_t qos;
    bool done; /* confirmed out of order; still kept because an earlier one is not */
};

/* seq of the entries: [first, next). Bounds: full at max_bytes or max_frames; a frame being
 * added when the window is not full may go past max_bytes by its own size. */
struct window {
    struct window_chunk *head, *tail, *spare;
    struct window_entry *ring;
    uint32_t ring_size; /* a power of two */
    uint64_t first, next;
    size_t bytes, max_bytes;
    uint32_t max_frames;
    size_t open_at; /* start of the frame being built in tail */
};

void window_init(struct window *w, size_t max_bytes, uint32_t max_frames);
void window_free(struct window *w);

/* Building: window_begin gives the buffer to frame_put_* into (hint = expected payload bytes),
 * or NULL when memory is short; window_end numbers and keeps the frame, false when it could not
 * be built. */
struct tbe_buf *window_begin(struct window *w, struct window_entry e, uint8_t flags, uint32_t conn,
                             uint32_t aux, size_t hint);
bool window_end(struct window *w);

static inline bool
window_full(const struct window *w)
{
    return w->bytes >= w->max_bytes || w->next - w->first >= w->max_frames;
}
static inline bool
window_has_room(const struct window *w) /* lower than full, so that reading does not flap */
{
    return w->bytes < w->max_bytes / 4 * 3 && w->next - w->first < w->max_frames / 4 * 3;
}
static inline uint32_t
window_depth(const struct window *w)
{
    return (uint32_t)(w->next - w->first);
}

/* The entry of seq, or NULL when it is not kept. */
struct window_entry *window_entry(struct window *w, uint64_t seq);
/* The frame's bytes. */
struct tbe_str window_frame(const struct window_entry *e);
/* seq is confirmed: drops it, and all before it that are done. */
void window_confirm(struct window *w, uint64_t seq);

/* Sending: the position of one worker in the window. */
struct window_cursor {
    uint64_t seq;  /* next frame */
    uint32_t part; /* bytes of it already written */
};
/* Fills at most max iovecs with the bytes from the cursor on; adjacent frames share one.
 * stop_seq ends the run before that frame (UINT64_MAX = none). Gives the number filled. */
int window_iov(struct window *w, const struct window_cursor *c, uint64_t stop_seq,
               struct iovec *iov, int max);
void window_advance(struct window *w, struct window_cursor *c, size_t n);

#endif
