/* SPDX-License-Identifier: Apache-2.0 */
/* Reading takes whole frames out of a buffer that grows for a big one; writing keeps what the
 * socket does not take and goes on when it is writable. */
#include "config.h"
#include "link/pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define READ_CHUNK 32768u
#define READ_TURN 16 /* reads per loop turn */

struct pipe {
    const struct pipe_events *events;
    void *arg;
    int fd;
    struct event *rd, *wr;
    struct tbe_buf in, out;
    size_t out_at; /* of out, already written */
    bool is_full, is_gone;
};

static void
gone(struct pipe *p)
{
    if (!p->is_gone) {
        p->is_gone = true;
        event_del(p->rd);
        event_del(p->wr);
        p->events->gone(p->arg);
    }
}

/* Takes whole frames; false when what came is none. */
static bool
take_frames(struct pipe *p)
{
    size_t used = 0;
    struct frame f;
    int64_t n;

    while ((n = frame_parse(p->in.p + used, p->in.n - used, &f)) > 0) {
        used += (size_t)n;
        p->events->frame(p->arg, &f);
    }
    p->in.n -= used;
    if (p->in.n) {
        memmove(p->in.p, p->in.p + used, p->in.n);
    } else if (p->in.cap > PIPE_FULL) {
        tbe_buf_free(&p->in);
    }
    return n == 0;
}

static bool
read_once(struct pipe *p)
{
    uint32_t need = 0;
    size_t more = READ_CHUNK;
    ssize_t n;

    if (p->in.n >= FRAME_HEAD) { /* its length is in bounds: frame_parse has seen it */
        memcpy(&need, p->in.p, 4);
        more = need > p->in.n ? need - p->in.n : more;
    }
    if (!tbe_buf_reserve(&p->in, more)) {
        log_error("out of memory for the front's frames");
        gone(p);
        return false;
    }
    n = recv(p->fd, p->in.p + p->in.n, p->in.cap - p->in.n, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (n <= 0) {
        gone(p);
        return false;
    }
    p->in.n += (size_t)n;
    if (!take_frames(p)) {
        log_error("the front sent what is not a frame");
        gone(p);
        return false;
    }
    return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct pipe *p = arg;

    (void)fd;
    (void)what;
    for (int i = 0; i < READ_TURN && !p->is_gone && read_once(p); i++) {
    }
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pipe_flush(arg);
}

struct pipe *
pipe_new(struct event_base *base, int fd, const struct pipe_events *events, void *arg)
{
    struct pipe *p = calloc(1, sizeof *p);

    if (!p) {
        return NULL;
    }
    *p = (struct pipe){ .events = events, .arg = arg, .fd = fd };
    p->rd = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, p);
    p->wr = event_new(base, fd, EV_WRITE, on_writable, p);
    if (evutil_make_socket_nonblocking(fd) != 0 || !p->rd || !p->wr ||
        event_add(p->rd, NULL) != 0) {
        pipe_free(p);
        return NULL;
    }
    return p;
}

void
pipe_free(struct pipe *p)
{
    if (!p) {
        return;
    }
    if (p->rd) {
        event_free(p->rd);
    }
    if (p->wr) {
        event_free(p->wr);
    }
    close(p->fd);
    tbe_buf_free(&p->in);
    tbe_buf_free(&p->out);
    free(p);
}

struct tbe_buf *
pipe_out(struct pipe *p)
{
    return &p->out;
}

bool
pipe_full(const struct pipe *p)
{
    return p->is_full;
}

/* What was written goes; a buffer that was big is given back. */
static void
drop_written(struct pipe *p)
{
    if (p->out_at == p->out.n) {
        p->out.n = p->out_at = 0;
        if (p->out.cap > PIPE_ROOM) {
            tbe_buf_free(&p->out);
        }
    } else if (p->out_at > p->out.n / 2) {
        p->out.n -= p->out_at;
        memmove(p->out.p, p->out.p + p->out_at, p->out.n);
        p->out_at = 0;
    }
}

void
pipe_flush(struct pipe *p)
{
    size_t waits;

    if (p->is_gone) {
        p->out.n = p->out_at = 0;
        return;
    }
    if (p->out.oom) {
        log_error("out of memory for frames to the front");
        gone(p);
        return;
    }
    while (p->out_at < p->out.n) {
        ssize_t n = send(p->fd, p->out.p + p->out_at, p->out.n - p->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            if (errno == EAGAIN) {
                event_add(p->wr, NULL);
            } /* else reading tells */
            break;
        }
        p->out_at += (size_t)n;
    }
    drop_written(p);
    waits = p->out.n - p->out_at;
    if (p->is_full && waits <= PIPE_ROOM) {
        p->is_full = false;
        p->events->room(p->arg);
    } else if (waits >= PIPE_FULL) {
        p->is_full = true;
    }
}
