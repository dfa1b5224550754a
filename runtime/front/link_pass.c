/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of the link: its state to the worker, the cloud's messages into the window, uplinks to
 * the link and their answers back to the worker they came from. */
#include "config.h"
#include "front/link_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/supervise.h"
#include "front/worker_proc.h"

#define RING_FIRST 64u
#define ASK_TICKS 10u  /* of silence: asked for a sign of life */
#define DEAD_TICKS 40u /* none came: it hangs. A pause of the front itself makes no ticks */

static void drop_pending(struct link_proc *l);

/* State. */

static void
put_state(const struct link_proc *l, struct tbe_buf *b, uint8_t flags)
{
    size_t begin = frame_begin(b, FR_LINK_STATE, flags, 0, l->session, 0);

    frame_put_u32(b, l->state);
    frame_put_u64(b, l->since);
    frame_put_u32(b, l->attempts);
    frame_put_u64(b, l->next_at);
    frame_put_u32(b, l->max_uplink);
    frame_put_str(b, l->error.n ? tbe_buf_str(&l->error) : TBE_STR_NONE);
    frame_put_str(b, l->state == LINK_UP ? tbe_buf_str(&l->answer) : TBE_STR_NONE);
    frame_end(b, begin);
}

static void
tell_worker(struct link_proc *l)
{
    struct worker *w = supervise_worker(l->front);

    if (w) {
        put_state(l, &w->ctl, 0);
        front_wake(l->front);
    }
}

void
link_put_state(struct front *f, struct tbe_buf *b)
{
    static const struct link_proc off = { .state = LINK_OFF };

    put_state(f->link ? f->link : &off, b, FR_LINK_REPLAY);
}

static void
keep(struct tbe_buf *b, struct tbe_str s)
{
    b->n = 0;
    tbe_buf_puts(b, s);
}

static bool
on_state(struct link_proc *l, const struct frame *fr)
{
    struct frame_reader r = { fr->payload, false };
    uint32_t state = frame_get_u32(&r);

    l->since = frame_get_u64(&r);
    l->attempts = frame_get_u32(&r);
    l->next_at = frame_get_u64(&r);
    l->max_uplink = frame_get_u32(&r);
    keep(&l->error, frame_get_str(&r));
    keep(&l->answer, frame_get_str(&r));
    if (r.bad || state == LINK_OFF || state > LINK_WAITING || fr->aux < l->session) {
        return false;
    }
    l->state = state;
    l->session = fr->aux;
    tell_worker(l);
    return true;
}

void
link_lost(struct link_proc *l, const char *why, int64_t next_ms)
{
    l->state = LINK_WAITING;
    l->since = (uint64_t)clock_ms();
    l->next_at = l->since + (uint64_t)next_ms;
    l->max_uplink = 0;
    keep(&l->error, tbe_strz(why));
    drop_pending(l);
    tell_worker(l);
}

bool
link_stats(const struct front *f, struct link_stats *out)
{
    const struct link_proc *l = f->link;

    *out = (struct link_stats){ 0 };
    if (l) {
        out->pid = (int)l->pid;
        out->starts = l->starts;
        out->window_frames = l->frames;
        out->window_bytes = l->frame_bytes;
        out->uplinks = (uint32_t)(l->next - l->first);
        out->uplink_bytes = l->pending_bytes;
    }
    return l != NULL;
}

/* From the cloud. */

bool
link_must_wait(const struct link_proc *l)
{
    const struct window *w = &l->front->window;
    uint32_t share = l->blocked ? 8 : 4; /* of the window; less to go on: no flapping */

    if (l->front->stopping) { /* the window is worked off; the cloud sends it again */
        return true;
    }
    return (l->blocked ? !window_has_room(w) : window_full(w)) ||
           l->frames >= w->max_frames / share || l->frame_bytes >= w->max_bytes / share;
}

static bool
on_message(struct link_proc *l, const struct frame *fr)
{
    struct front *f = l->front;
    struct window_entry e = { .type = FR_LINK };
    struct tbe_buf *b;

    if (l->state != LINK_UP || fr->aux != l->session) {
        return false;
    }
    b = window_begin(&f->window, e, 0, 0, fr->aux, fr->payload.n);
    if (b) {
        tbe_buf_puts(b, fr->payload);
    }
    if (!b || !window_end(&f->window)) {
        return false; /* no memory: the session ends, the cloud sends it again */
    }
    l->frames++;
    l->frame_bytes += FRAME_HEAD + fr->payload.n;
    front_wake(f);
    return true;
}

void
link_confirmed(struct front *f, const struct window_entry *e)
{
    if (f->link) {
        f->link->frames--;
        f->link->frame_bytes -= e->len;
    }
}

/* To the cloud. */

static struct link_pending *
pending_at(struct link_proc *l, uint64_t seq)
{
    return &l->ring[seq & (l->ring_size - 1)];
}

static bool
ring_grow(struct link_proc *l)
{
    uint32_t size = l->ring_size ? l->ring_size * 2 : RING_FIRST;
    struct link_pending *ring = calloc(size, sizeof *ring);

    if (!ring) {
        return false;
    }
    for (uint64_t seq = l->first; seq < l->next; seq++) {
        ring[seq & (size - 1)] = *pending_at(l, seq);
    }
    free(l->ring);
    l->ring = ring;
    l->ring_size = size;
    return true;
}

static void
answer(struct front *f, uint64_t worker, uint64_t seq, uint32_t code)
{
    struct worker *w = supervise_find(f, worker);

    if (w) {
        size_t begin = frame_begin(&w->ctl, FR_UPLINK_DONE, 0, 0, code, 0);
        frame_put_u64(&w->ctl, seq);
        frame_end(&w->ctl, begin);
        front_wake(f);
    }
}

/* The link has answered seq; what is answered in front goes. */
static void
settle(struct link_proc *l, uint64_t seq, uint32_t code)
{
    struct link_pending *p = pending_at(l, seq);

    p->done = true;
    l->pending_bytes -= p->bytes;
    answer(l->front, p->worker, p->seq, code);
    while (l->first < l->next && pending_at(l, l->first)->done) {
        l->first++;
    }
    if (l->first == l->next && l->ring_size > 64 * RING_FIRST) {
        free(l->ring);
        l->ring = NULL;
        l->ring_size = 0;
    }
}

static bool
on_done(struct link_proc *l, const struct frame *fr)
{
    struct frame_reader r = { fr->payload, false };
    uint64_t seq = frame_get_u64(&r);

    if (r.bad || seq < l->first || seq >= l->next || pending_at(l, seq)->done) {
        return false;
    }
    settle(l, seq, fr->aux);
    return true;
}

void
link_uplink(struct front *f, struct worker *w, const struct frame *fr)
{
    struct link_proc *l = f->link;
    size_t begin;

    if (!l || l->state != LINK_UP || fr->aux != l->session || !l->pid) {
        answer(f, w->id, fr->seq, UPLINK_NO_LINK);
        return;
    }
    if (l->pending_bytes >= FRAME_UPLINK_ROOM ||
        (l->next - l->first == l->ring_size && !ring_grow(l))) {
        answer(f, w->id, fr->seq, UPLINK_NO_ROOM);
        return;
    }
    begin = frame_begin(&l->out, FR_UPLINK, 0, 0, fr->aux, l->next);
    tbe_buf_puts(&l->out, fr->payload);
    if (!frame_end(&l->out, begin)) { /* oom: the process is ended by link_flush */
        answer(f, w->id, fr->seq, UPLINK_NO_ROOM);
        return;
    }
    *pending_at(l, l->next++) = (struct link_pending){ .worker = w->id, .seq = fr->seq,
                                                       .bytes = (uint32_t)fr->payload.n };
    l->pending_bytes += fr->payload.n;
    front_wake(f);
}

void
link_reconnect(struct front *f, const struct frame *fr)
{
    struct link_proc *l = f->link;
    size_t begin;

    if (!l || !l->pid) {
        return;
    }
    begin = frame_begin(&l->out, FR_LINK_RECONNECT, 0, 0, fr->aux, 0);
    tbe_buf_puts(&l->out, fr->payload);
    frame_end(&l->out, begin);
    front_wake(f);
}

/* What waited when the link died never left, or nobody can tell: the worker sends it again. */
static void
drop_pending(struct link_proc *l)
{
    while (l->first < l->next) {
        settle(l, l->first, UPLINK_NO_LINK);
    }
}

bool
link_alive(struct link_proc *l)
{
    if (l->blocked) { /* by us: it may have answered long ago */
        l->quiet = 0;
    } else if (++l->quiet % ASK_TICKS == 0) {
        frame_end(&l->out, frame_begin(&l->out, FR_CONTROL, 0, 0, l->quiet, 0));
        front_wake(l->front);
    }
    return l->quiet < DEAD_TICKS;
}

bool
link_take(struct link_proc *l, const struct frame *fr)
{
    l->quiet = 0;
    switch (fr->type) {
    case FR_CONTROL_REPLY:
        return true;
    case FR_LINK:
        return on_message(l, fr);
    case FR_LINK_STATE:
        return on_state(l, fr);
    case FR_UPLINK_DONE:
        return on_done(l, fr);
    default:
        return false;
    }
}
