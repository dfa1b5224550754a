/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in and out of one device socket, plain or TLS, with back-pressure: reading stops while the
 * session must wait, writing happens once per loop turn, a reader that is too slow is closed. */
#include "config.h"
#include "front/session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "front/mqtt/codec.h"
#include "front/tls.h"

#define OUT_KEEP 4096u /* bytes of an empty out buffer that stay allocated */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

bool
session_io_start(struct session *s)
{
    struct event_base *base = s->front->base;

    return event_assign(&s->rd, base, s->fd, EV_READ | EV_PERSIST, on_readable, s) == 0 &&
           event_assign(&s->wr, base, s->fd, EV_WRITE, on_writable, s) == 0 &&
           event_add(&s->rd, NULL) == 0;
}

void
session_io_stop(struct session *s)
{
    if (s->fd < 0) {
        return;
    }
    if (event_initialized(&s->rd)) {
        event_del(&s->rd);
    }
    if (event_initialized(&s->wr)) {
        event_del(&s->wr);
    }
    tls_free(s->ssl);
    s->ssl = NULL;
    close(s->fd);
    s->fd = -1;
}

void
session_mark(struct session *s)
{
    struct front *f = s->front;

    if (!s->dirty) {
        s->dirty = true;
        s->next_dirty = f->dirty;
        f->dirty = s;
        front_wake(f);
    }
}

void
session_discard_input(struct session *s)
{
    char buf[4096];

    for (int i = 0; i < 64 && recv(s->fd, buf, sizeof buf, MSG_DONTWAIT) > 0; i++) {
    }
}

static void
pause_reading(struct session *s)
{
    if (!s->paused) {
        s->paused = true;
        event_del(&s->rd);
    }
    if (window_full(&s->front->window)) {
        s->front->waiting_for_room = true;
    }
}

/* Keeps the bytes of p[used..n) for later. p may be s->in's own bytes. */
static void
keep_rest(struct session *s, const char *p, size_t used, size_t n)
{
    if (used == n) {
        if (s->in.cap > OUT_KEEP || s->in.n == 0) {
            tbe_buf_free(&s->in);
        }
        s->in.n = 0;
        return;
    }
    if (s->in.n && p == s->in.p) {
        memmove(s->in.p, p + used, n - used);
        s->in.n = n - used;
        return;
    }
    s->in.n = 0;
    tbe_buf_put(&s->in, p + used, n - used);
    if (s->in.oom) {
        log_error("out of memory: device connection %s is closed", s->peer ? s->peer : "");
        session_close(s, SESSION_LOST);
    }
}

/* The connection has ended on the other side; what was read before is still taken. */
static void
peer_gone(struct session *s)
{
    if (s->state == SESSION_GONE) {
        return;
    }
    if (s->in.n && s->paused) {
        s->eof = true; /* session_resume closes */
        return;
    }
    session_close(s, s->closed_sent ? SESSION_CLEAN : SESSION_LOST);
}

static void
take_bytes(struct session *s, const char *p, size_t n)
{
    size_t used = mqtt_take(s, p, n);

    if (s->state == SESSION_GONE || s->state == SESSION_CLOSING) {
        if (s->state == SESSION_CLOSING) {
            tbe_buf_free(&s->in);
        }
        return;
    }
    if (mqtt_must_wait(s)) {
        pause_reading(s);
    }
    keep_rest(s, p, used, n);
}

/* One read. > 0 bytes; 0 nothing now; -1 the connection is over. */
static ssize_t
read_some(struct session *s, char *buf, size_t n)
{
    ssize_t r;

    if (s->ssl) {
        return tls_read(s->ssl, buf, n);
    }
    r = recv(s->fd, buf, n, 0);
    if (r > 0) {
        return r;
    }
    return r < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static bool
read_once(struct session *s)
{
    struct front *f = s->front;
    size_t left = s->in.n;
    size_t room = f->read_cap - left;
    ssize_t n = read_some(s, f->read_buf + left, room < FRONT_READ_CHUNK ? room : FRONT_READ_CHUNK);

    if (n <= 0) {
        if (n < 0) {
            peer_gone(s);
        }
        return false;
    }
    if (s->state == SESSION_CLOSING || s->mute) {
        return true;
    }
    if (s->state != SESSION_NEW) { /* the time for CONNECT runs from the accept */
        s->last_rx = f->now_ms;
    }
    if (left) {
        memcpy(f->read_buf, s->in.p, left);
    }
    take_bytes(s, f->read_buf, left + (size_t)n);
    return true;
}

static bool
handshake(struct session *s)
{
    int r = tls_handshake(s->ssl);

    if (r > 0) {
        s->handshaking = false;
        return true;
    }
    if (r < 0) {
        session_close(s, SESSION_LOST);
    } else if (tls_wants_write(s->ssl)) {
        event_add(&s->wr, NULL);
    }
    return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct session *s = arg;

    (void)fd;
    (void)what;
    if (s->handshaking && !handshake(s)) {
        return;
    }
    /* TLS may hold decrypted bytes that no event announces. */
    while (read_once(s) && s->ssl && s->state != SESSION_GONE && !s->paused) {
    }
    if (s->state != SESSION_GONE && s->out.n) {
        session_mark(s);
    }
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct session *s = arg;

    (void)fd;
    (void)what;
    s->write_armed = false;
    if (s->handshaking && !handshake(s)) {
        return;
    }
    session_mark(s);
}

static void
out_written(struct session *s)
{
    s->out_at = 0;
    s->out.n = 0;
    if (s->out.cap > OUT_KEEP) {
        tbe_buf_free(&s->out);
    }
    if (s->state == SESSION_CLOSING) {
        if (s->ssl) {
            tls_close_notify(s->ssl);
        }
        shutdown(s->fd, SHUT_WR);
    }
}

static void
flush(struct session *s)
{
    while (s->out_at < s->out.n) {
        size_t left = s->out.n - s->out_at;
        ssize_t n;
        if (s->ssl) {
            n = tls_write(s->ssl, s->out.p + s->out_at, left);
        } else {
            n = send(s->fd, s->out.p + s->out_at, left, MSG_NOSIGNAL);
            n = n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
        }
        if (n < 0) {
            session_close(s, s->closed_sent ? SESSION_CLEAN : SESSION_LOST);
            return;
        }
        if (n == 0) {
            break;
        }
        s->out_at += (size_t)n;
    }
    if (s->out_at == s->out.n) {
        out_written(s);
        return;
    }
    if (s->out.oom || s->out.n - s->out_at > SESSION_OUT_MAX) {
        log_warn("device connection %s reads too slowly: closed", s->peer ? s->peer : "");
        session_close(s, SESSION_BY_SERVER);
        return;
    }
    if (s->out_at > SESSION_OUT_PAUSE) { /* what is written must not pile up before what is not */
        memmove(s->out.p, s->out.p + s->out_at, s->out.n - s->out_at);
        s->out.n -= s->out_at;
        s->out_at = 0;
    }
    if (!s->write_armed && event_add(&s->wr, NULL) == 0) {
        s->write_armed = true;
    }
}

void
session_flush_dirty(struct front *f)
{
    struct session *s, *list = f->dirty;

    f->dirty = NULL;
    while ((s = list)) {
        list = s->next_dirty;
        s->dirty = false;
        if (s->state == SESSION_GONE || s->handshaking) {
            continue;
        }
        if (s->out.n || s->state == SESSION_CLOSING || s->out.oom) {
            flush(s);
        }
        session_resume(s);
    }
}

void
session_shut(struct session *s)
{
    if (s->state >= SESSION_CLOSING) {
        return;
    }
    mqtt_send_closed(s, SESSION_BY_SERVER);
    s->state = SESSION_CLOSING;
    s->shut_at = s->front->now_ms;
    if (s->paused) { /* read on, to see the end of the connection */
        s->paused = false;
        event_add(&s->rd, NULL);
    }
    session_mark(s);
}

void
session_resume(struct session *s)
{
    if (!s->paused || s->state >= SESSION_CLOSING || mqtt_must_wait(s)) {
        return;
    }
    s->last_rx = s->front->now_ms;
    if (s->in.n) {
        take_bytes(s, s->in.p, s->in.n);
        if (s->state >= SESSION_CLOSING || mqtt_must_wait(s)) {
            return;
        }
    }
    s->paused = false;
    if (s->eof) {
        session_close(s, SESSION_LOST);
        return;
    }
    event_add(&s->rd, NULL);
    if (s->ssl) {
        event_active(&s->rd, EV_READ, 0);
    }
}

void
session_resume_waiting(struct front *f)
{
    struct session *next;

    f->waiting_for_room = false;
    for (struct session *s = f->all; s; s = next) {
        next = s->next;
        session_resume(s);
        if (window_full(&f->window)) {
            f->waiting_for_room = true;
            return;
        }
    }
}

static bool
too_silent(const struct session *s, int64_t now)
{
    int64_t limit = (int64_t)s->keep_alive * 1500;

    if (limit && limit < s->front->cfg.mqtt_keep_alive_min) {
        limit = s->front->cfg.mqtt_keep_alive_min;
    }
    return limit && !s->paused && now - s->last_rx > limit;
}

void
session_tick(struct front *f)
{
    struct session *next;

    for (struct session *s = f->all; s; s = next) {
        next = s->next;
        switch (s->state) {
        case SESSION_NEW:
            if (f->now_ms - s->last_rx > f->cfg.mqtt_connect_timeout) {
                session_close(s, SESSION_LOST);
            }
            break;
        case SESSION_OPEN:
            if (too_silent(s, f->now_ms)) {
                log_info("device connection %s: nothing within 1.5 x keep-alive",
                         s->peer ? s->peer : "");
                mqtt_close_with(s, MQTT_RC_KEEP_ALIVE);
            }
            break;
        case SESSION_CLOSING:
            if (f->now_ms - s->shut_at > f->cfg.mqtt_disconnect_timeout) {
                session_close(s, SESSION_CLEAN);
            }
            break;
        case SESSION_GONE:
            mqtt_send_closed(s, SESSION_LOST); /* when memory was short the first time */
            break;
        default:
            break;
        }
    }
}
