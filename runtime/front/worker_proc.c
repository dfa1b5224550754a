/* SPDX-License-Identifier: Apache-2.0 */
/* Spawning a worker, and its socket. Numbered frames go out straight from the window; the others
 * from a buffer of their own, between two numbered frames. */
#include "config.h"
#include "front/worker_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/control.h"
#include "front/link_proc.h"
#include "front/session.h"
#include "front/supervise.h"

#define READ_FIRST 65536u /* bytes of the receive buffer; grows for a bigger frame */
#define READ_TURN 16      /* reads per loop turn */
#define IOV_MAX_USED 64
#define SOCKET_BUFFER (1 << 20)

extern char **environ;

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_deadline(evutil_socket_t fd, short what, void *arg);

static int
spawn(struct front *f, const char *path, int frames_fd, pid_t *pid)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    sigset_t all, none;
    char frames[12], http[12];
    const char *argv[12] = { path, "--frames", frames, "--http", http, "--data", f->cfg.data,
                       "--service-id", f->cfg.service_id, NULL };
    int rc;

    snprintf(frames, sizeof frames, "%d", WORKER_FRAMES_FD);
    snprintf(http, sizeof http, "%d", f->http_fd >= 0 ? WORKER_HTTP_FD : -1);
    if (f->cfg.worker_config[0]) {
        argv[9] = "--config";
        argv[10] = f->cfg.worker_config;
    }
    sigemptyset(&all);
    for (int s = 1; s < 32; s++) {
        sigaddset(&all, s);
    }
    sigemptyset(&none);
    posix_spawn_file_actions_init(&fa);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawn_file_actions_adddup2(&fa, frames_fd, WORKER_FRAMES_FD);
    if (f->http_fd >= 0) {
        posix_spawn_file_actions_adddup2(&fa, f->http_fd, WORKER_HTTP_FD);
    }
    posix_spawn_file_actions_adddup2(&fa, f->lock_fd, WORKER_LOCK_FD);
    /* stdout is the front's alone */
    posix_spawn_file_actions_adddup2(&fa, STDERR_FILENO, STDOUT_FILENO);
    rc = posix_spawn(pid, path, &fa, &attr, (char **)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&fa);
    return rc;
}

/* A socketpair whose second end is above the numbers the child uses. */
static bool
make_pair(int sv[2])
{
    int size = SOCKET_BUFFER, high;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0) {
        return false;
    }
    high = fcntl(sv[1], F_DUPFD_CLOEXEC, FRONT_FD_HIGH);
    if (high < 0 || fcntl(sv[0], F_SETFL, O_NONBLOCK) != 0) {
        close(sv[0]);
        close(sv[1]);
        return false;
    }
    close(sv[1]);
    sv[1] = high;
    for (int i = 0; i < 2; i++) {
        setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    return true;
}

static void
set_deadline(struct worker *w, int64_t ms)
{
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_del(&w->deadline);
    if (ms) {
        event_add(&w->deadline, &tv);
    }
}

static void
put_hello(struct worker *w)
{
    struct front *f = w->front;
    size_t begin = frame_begin(&w->ctl, FR_HELLO, 0, 0, 0, 0);

    frame_put_u64(&w->ctl, f->epoch);
    frame_put_str(&w->ctl, tbe_strz(f->cfg.service_id));
    frame_put_u32(&w->ctl, w->trial ? 1 : 0);
    frame_end(&w->ctl, begin);
}

struct worker *
worker_spawn(struct front *f, const char *digest, bool trial, char err[256])
{
    struct worker *w = calloc(1, sizeof *w);
    char path[4096];
    int sv[2], rc;

    if (!w || !tbe_buf_reserve(&w->in, READ_FIRST)) {
        free(w);
        snprintf(err, 256, "out of memory");
        return NULL;
    }
    if (!generation_worker_path(f->cfg.data, digest, path, sizeof path) || !make_pair(sv)) {
        snprintf(err, 256, "cannot start worker: %s", strerror(errno));
        worker_free(w);
        return NULL;
    }
    rc = spawn(f, path, sv[1], &w->pid);
    close(sv[1]);
    if (rc != 0) {
        snprintf(err, 256, "cannot start %.180s: %s", path, strerror(rc));
        close(sv[0]);
        worker_free(w);
        return NULL;
    }
    w->front = f;
    w->id = ++f->last_worker;
    w->fd = sv[0];
    w->trial = trial;
    w->started_ms = clock_mono_ns() / 1000000;
    snprintf(w->digest, sizeof w->digest, "%s", digest);
    event_assign(&w->rd, f->base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
    event_assign(&w->wr, f->base, w->fd, EV_WRITE, on_writable, w);
    evtimer_assign(&w->deadline, f->base, on_deadline, w);
    event_add(&w->rd, NULL);
    put_hello(w);
    set_deadline(w, f->cfg.ready_timeout);
    front_wake(f);
    return w;
}

void
worker_free(struct worker *w)
{
    if (!w) {
        return;
    }
    if (w->front) {
        event_del(&w->rd);
        event_del(&w->wr);
        event_del(&w->deadline);
        close(w->fd);
    }
    tbe_buf_free(&w->in);
    tbe_buf_free(&w->ctl);
    free(w);
}

void
worker_kill(struct worker *w, const char *why)
{
    if (!w->killed) {
        log_error("worker %d: %s: killed", (int)w->pid, why);
        w->killed = true;
        kill(w->pid, SIGKILL);
    }
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;

    bool drains = w->state == WORKER_DRAINING || w->drain_when_sent;

    (void)fd;
    (void)what;
    worker_kill(w, drains ? "did not drain in time" : "not ready in time");
}

/* Out. */

static void
put_drain(struct worker *w)
{
    frame_end(&w->ctl, frame_begin(&w->ctl, FR_DRAIN, 0, 0, 0, 0));
    w->state = WORKER_DRAINING;
    w->drain_when_sent = false;
}

/* What can be written now, in order: the rest of a frame begun, frames without number, more
 * frames. */
static int
gather(struct worker *w, struct iovec iov[IOV_MAX_USED])
{
    struct window *win = &w->front->window;
    struct window_cursor c = w->cursor;
    int n = 0;

    if (c.part) {
        n = window_iov(win, &c, c.seq + 1, iov, 1);
        c.seq++;
        c.part = 0;
    }
    if (w->ctl_at < w->ctl.n) {
        iov[n++] = (struct iovec){ w->ctl.p + w->ctl_at, w->ctl.n - w->ctl_at };
    }
    if (w->state == WORKER_ACTIVE) {
        bool careful = w->front->careful_until > win->first;
        n += window_iov(win, &c, careful ? win->first + 1 : UINT64_MAX, iov + n, IOV_MAX_USED - n);
    }
    return n;
}

static void
written(struct worker *w, size_t n)
{
    struct window *win = &w->front->window;

    if (w->cursor.part) {
        size_t rest = window_entry(win, w->cursor.seq)->len - w->cursor.part;
        size_t k = n < rest ? n : rest;
        window_advance(win, &w->cursor, k);
        n -= k;
    }
    if (n && w->ctl_at < w->ctl.n) {
        size_t rest = w->ctl.n - w->ctl_at, k = n < rest ? n : rest;
        w->ctl_at += k;
        n -= k;
        if (w->ctl_at == w->ctl.n) {
            tbe_buf_free(&w->ctl);
            w->ctl_at = 0;
        }
    }
    window_advance(win, &w->cursor, n);
}

void
worker_flush(struct worker *w)
{
    struct iovec iov[IOV_MAX_USED];
    struct msghdr m = { .msg_iov = iov };

    if (w->ctl.oom) {
        worker_kill(w, "out of memory for its frames");
        return;
    }
    for (;;) {
        ssize_t n;
        if (w->drain_when_sent && w->cursor.seq == w->front->window.next) {
            put_drain(w);
        }
        m.msg_iovlen = (size_t)gather(w, iov);
        if (m.msg_iovlen == 0) {
            return;
        }
        n = sendmsg(w->fd, &m, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            break; /* full, or dead: then SIGCHLD tells */
        }
        written(w, (size_t)n);
    }
    if (errno == EAGAIN && !w->write_armed) {
        w->write_armed = event_add(&w->wr, NULL) == 0;
    }
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;

    (void)fd;
    (void)what;
    w->write_armed = false;
    worker_flush(w);
}

void
worker_activate(struct worker *w)
{
    struct front *f = w->front;

    for (const struct session *s = f->all; s; s = s->next) {
        if (s->accepted) {
            session_put(s, &w->ctl);
        }
    }
    link_put_state(f, &w->ctl);
    frame_end(&w->ctl, frame_begin(&w->ctl, FR_REPLAYED, 0, 0, 0, 0));
    w->cursor = (struct window_cursor){ f->window.first, 0 };
    w->state = WORKER_ACTIVE;
    w->active_ms = clock_mono_ns() / 1000000;
    front_wake(f);
}

void
worker_drain(struct worker *w, bool all_first, int64_t limit_ms)
{
    if (all_first && w->state == WORKER_ACTIVE) {
        w->drain_when_sent = true;
    } else {
        put_drain(w);
    }
    set_deadline(w, limit_ms);
    front_wake(w->front);
}

void
worker_control(struct worker *w, uint32_t request, struct tbe_str json)
{
    size_t begin = frame_begin(&w->ctl, FR_CONTROL, 0, 0, request, 0);

    tbe_buf_puts(&w->ctl, json);
    frame_end(&w->ctl, begin);
    front_wake(w->front);
}

void
worker_swap_failed(struct worker *w, bool busy, const char *why)
{
    size_t begin = frame_begin(&w->ctl, FR_SWAP_FAILED, 0, 0, busy, 0);

    frame_put_str(&w->ctl, tbe_strz(why));
    frame_end(&w->ctl, begin);
    front_wake(w->front);
}

/* In. */

static void
on_confirm(struct worker *w, const struct frame *fr)
{
    struct front *f = w->front;
    struct window_entry *e = window_entry(&f->window, fr->seq);

    if (w->state < WORKER_ACTIVE || fr->seq == 0 || fr->seq >= w->cursor.seq) {
        worker_kill(w, "confirms a frame it never got");
        return;
    }
    w->confirmed++;
    if (!e || e->done) {
        return;
    }
    if (e->type == FR_LINK) {
        link_confirmed(f, e);
    } else {
        mqtt_confirmed(e->session, e, fr);
    }
    window_confirm(&f->window, fr->seq);
}

static void
on_ready(struct worker *w, const struct frame *fr)
{
    (void)fr;
    if (w->state != WORKER_STARTING) {
        worker_kill(w, "FR_READY out of turn");
        return;
    }
    set_deadline(w, 0);
    supervise_ready(w);
}

static void
on_deliver(struct worker *w, const struct frame *fr)
{
    struct session *s = session_find(w->front, fr->conn);

    if (s) {
        mqtt_deliver(s, fr);
    }
}

static void
on_close(struct worker *w, const struct frame *fr)
{
    struct session *s = session_find(w->front, fr->conn);

    if (s) {
        mqtt_close_with(s, (uint8_t)fr->aux);
    }
}

static void
on_keep(struct worker *w, const struct frame *fr)
{
    struct session *s = session_find(w->front, fr->conn);

    if (s) {
        s->keep.n = 0;
        s->has_keep = true;
        tbe_buf_puts(&s->keep, fr->payload);
    }
}

static void
on_control_reply(struct worker *w, const struct frame *fr)
{
    control_reply(w->front->control, fr->aux, fr->payload);
}

static void
on_swap(struct worker *w, const struct frame *fr)
{
    struct frame_reader r = { fr->payload, false };
    struct tbe_str path = frame_get_str(&r);

    if (r.bad || !path.p) {
        worker_kill(w, "bad FR_SWAP");
        return;
    }
    supervise_swap_file(w->front, path);
}

static void
on_drained(struct worker *w, const struct frame *fr)
{
    (void)fr;
    w->drained = true;
}

static void
on_uplink(struct worker *w, const struct frame *fr)
{
    link_uplink(w->front, w, fr);
}

static void
on_link_reconnect(struct worker *w, const struct frame *fr)
{
    link_reconnect(w->front, fr);
}

typedef void frame_fn(struct worker *w, const struct frame *fr);
static frame_fn *const frame_fns[] = {
    [FR_READY] = on_ready, [FR_CONFIRM] = on_confirm, [FR_DELIVER] = on_deliver,
    [FR_CLOSE] = on_close, [FR_KEEP] = on_keep,       [FR_CONTROL_REPLY] = on_control_reply,
    [FR_SWAP] = on_swap,   [FR_DRAINED] = on_drained,
    [FR_UPLINK] = on_uplink, [FR_LINK_RECONNECT] = on_link_reconnect,
};

/* Takes whole frames; gives the bytes used. */
static size_t
take_frames(struct worker *w)
{
    size_t used = 0;
    struct frame fr;

    while (!w->killed) {
        int64_t n = frame_parse(w->in.p + used, w->in_n - used, &fr);
        if (n == 0) {
            break;
        }
        if (n < 0 || fr.type >= sizeof frame_fns / sizeof *frame_fns || !frame_fns[fr.type]) {
            worker_kill(w, "sent what is not a frame for the front");
            return w->in_n;
        }
        used += (size_t)n;
        frame_fns[fr.type](w, &fr);
    }
    return used;
}

/* False: nothing more now. */
static bool
read_once(struct worker *w)
{
    ssize_t n = frame_recv(w->fd, &w->in, &w->in_n, READ_FIRST / 4);

    if (n == FRAME_NO_MEMORY) {
        worker_kill(w, "out of memory for its frames");
    } else if (n == 0) {
        event_del(&w->rd); /* SIGCHLD follows */
    }
    if (n <= 0) {
        return false;
    }
    size_t used = take_frames(w);
    w->in_n -= used;
    memmove(w->in.p, w->in.p + used, w->in_n);
    front_wake(w->front);
    return true;
}

void
worker_read(struct worker *w)
{
    while (read_once(w)) {
    }
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;

    (void)fd;
    (void)what;
    for (int i = 0; i < READ_TURN && read_once(w); i++) {
    }
}
