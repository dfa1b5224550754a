/* SPDX-License-Identifier: Apache-2.0 */
/* States, timers and frames of the link. */
#include "config.h"
#include "link/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "link/envelope.h"
#include "link/memory.h"
#include "link/pipe.h"
#include "link/stream.h"
#include "link/uplinks.h"

#define STEADY_MS 30000        /* closed cleanly before that: another edge may have the key */
#define LOG_EVERY_MS 300000    /* the same trouble is not told more often */
#define JITTER_PERCENT 25      /* of the pause, up or down */
#define TRIM_PAUSE_MS 500      /* in a shorter pause memory is not given back */
#define SETTLED_MS 3000        /* after a connect, or much traffic: the memory it needed goes */
#define MUCH (1u << 20)        /* bytes */

struct link {
    struct event_base *base;
    struct pipe *pipe;
    struct pump *pump;
    struct stream *stream;
    struct link_config cfg;
    struct tbe_buf cfg_bytes; /* what cfg's strings point into */
    struct event *retry, *deadline, *settled;
    struct uplinks uplinks; /* wait for the stream */
    uint64_t sending;       /* seq of the one it has; 0 = the connect request */
    bool stopping, configured, failed, answered, clean;
    enum link_state state;
    uint32_t session, attempts, max_uplink;
    uint32_t least_pause; /* asked for with FR_LINK_RECONNECT, ms */
    size_t moved; /* bytes in both directions, since that was last asked for */
    int64_t since, next_at, pause, up_mono_ms, logged_mono_ms;
    char error[240], logged[240];
};

static int64_t
mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

static void
add_timer(struct event *e, int64_t ms)
{
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_add(e, &tv);
}

/* Frames to the front. */

static void
send_state(struct link *l, struct tbe_str answer)
{
    struct tbe_buf *b = pipe_out(l->pipe);
    size_t begin = frame_begin(b, FR_LINK_STATE, 0, 0, l->session, 0);

    frame_put_u32(b, l->state);
    frame_put_u64(b, (uint64_t)l->since);
    frame_put_u32(b, l->attempts);
    frame_put_u64(b, (uint64_t)l->next_at);
    frame_put_u32(b, l->max_uplink);
    frame_put_str(b, l->error[0] ? tbe_strz(l->error) : TBE_STR_NONE);
    frame_put_str(b, answer);
    frame_end(b, begin);
    pipe_flush(l->pipe);
}

static void
set_state(struct link *l, enum link_state state, struct tbe_str answer)
{
    l->state = state;
    l->since = clock_ms();
    if (state != LINK_WAITING) {
        l->next_at = 0;
    }
    send_state(l, answer);
}

static void
send_done(struct link *l, uint64_t seq, enum uplink_code code)
{
    struct tbe_buf *b = pipe_out(l->pipe);
    size_t begin = frame_begin(b, FR_UPLINK_DONE, 0, 0, code, 0);

    frame_put_u64(b, seq);
    frame_end(b, begin);
    pipe_flush(l->pipe);
}

/* Attempts. */

static void connect_now(struct link *l);

static void
set_error(struct link *l, const char *text)
{
    snprintf(l->error, sizeof l->error, "%s", text);
}

static int64_t
jitter(int64_t ms)
{
    int64_t span = ms * JITTER_PERCENT / 100;

    return ms - span + (span ? (int64_t)(random_u64() % (uint64_t)(2 * span + 1)) : 0);
}

static void
plan_next(struct link *l)
{
    int64_t wait = jitter(l->pause);

    if (wait < l->least_pause) {
        wait = l->least_pause;
    }
    l->least_pause = 0;
    l->pause = l->pause * 2 < l->cfg.reconnect_max ? l->pause * 2 : l->cfg.reconnect_max;
    l->next_at = clock_ms() + wait;
    add_timer(l->retry, wait);
    if (strcmp(l->logged, l->error) != 0 || mono_ms() - l->logged_mono_ms >= LOG_EVERY_MS) {
        snprintf(l->logged, sizeof l->logged, "%s", l->error);
        l->logged_mono_ms = mono_ms();
        log_warn("cloud link: %s; next attempt in %lld ms", l->error, (long long)wait);
    }
}

static void
drop_uplinks(struct link *l)
{
    struct uplink *u;

    while ((u = uplinks_first(&l->uplinks))) {
        send_done(l, u->seq, UPLINK_NO_LINK);
        uplinks_drop(&l->uplinks);
    }
}

/* Memory is given back when the traffic is over: more of it puts that off. */
static void
count_traffic(struct link *l, size_t bytes)
{
    l->moved += bytes;
    if (l->moved >= MUCH) {
        l->moved = 0;
        add_timer(l->settled, SETTLED_MS);
    }
}

/* The attempt or the session is over; error says why. */
static void
ended(struct link *l)
{
    bool was_up = l->state == LINK_UP;

    event_del(l->deadline);
    event_del(l->settled);
    drop_uplinks(l);
    if (l->stopping) {
        event_base_loopbreak(l->base);
        return;
    }
    if (was_up) {
        l->attempts = 0;
        /* two that share a key must not drive each other out without a pause that grows (2.4) */
        if (!l->clean || mono_ms() - l->up_mono_ms >= STEADY_MS) {
            l->pause = l->cfg.reconnect_first;
        }
    }
    plan_next(l);
    set_state(l, LINK_WAITING, TBE_STR_NONE);
    if (l->pause >= TRIM_PAUSE_MS) {
        memory_give_back();
    }
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    connect_now(arg);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct link *l = arg;

    (void)fd;
    (void)what;
    if (!l->stopping) {
        snprintf(l->error, sizeof l->error, "no answer to the connect within %u ms",
                 l->cfg.connect_timeout);
    }
    stream_cancel(l->stream);
}

static void
on_settled(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    memory_give_back();
}

/* Uplinks. */

static void
send_next(struct link *l)
{
    struct uplink *u = uplinks_first(&l->uplinks);

    if (!u || l->sending || l->state != LINK_UP) {
        return;
    }
    if (stream_send(l->stream, u->bytes)) {
        l->sending = u->seq;
        uplinks_drop(&l->uplinks);
    }
    /* else the stream is about to end: all that waits is dropped then */
}

static void
stop_when_sent(struct link *l)
{
    if (l->stopping && l->stream && !l->sending && !uplinks_first(&l->uplinks)) {
        stream_half_close(l->stream);
    }
}

static void
on_sent(void *arg, bool ok)
{
    struct link *l = arg;

    if (l->sending) {
        send_done(l, l->sending, ok ? UPLINK_SENT : UPLINK_NO_LINK);
        l->sending = 0;
    }
    send_next(l);
    stop_when_sent(l);
}

/* The stream's messages. */

static void
protocol_error(struct link *l, const char *text)
{
    set_error(l, text);
    stream_cancel(l->stream);
}

static void
on_connect_answer(struct link *l, struct tbe_str body)
{
    struct envelope_answer a;

    if (!envelope_answer(body, &a)) {
        protocol_error(l, "the cloud's answer to the connect cannot be read");
        return;
    }
    l->answered = true;
    if (!a.accepted) {
        protocol_error(l, a.reason); /* the cloud ends the stream too: one end only */
        return;
    }
    event_del(l->deadline);
    l->session++;
    l->attempts = 0;
    l->max_uplink = a.max_uplink;
    l->error[0] = l->logged[0] = '\0';
    l->up_mono_ms = mono_ms();
    log_info("cloud link: connected to %.*s:%u as edge %s, session %u", (int)l->cfg.host.n,
             l->cfg.host.p, l->cfg.port, a.edge, l->session);
    add_timer(l->settled, SETTLED_MS);
    set_state(l, LINK_UP, body);
}

static void
pass_on(struct link *l, struct tbe_str bytes)
{
    struct tbe_buf *b = pipe_out(l->pipe);
    size_t begin = frame_begin(b, FR_LINK, 0, 0, l->session, 0);

    count_traffic(l, bytes.n);
    tbe_buf_puts(b, bytes);
    if (!frame_end(b, begin) && !b->oom) {
        log_error("cloud link: a message of %zu bytes is above every limit: dropped", bytes.n);
    }
    pipe_flush(l->pipe);
}

static void
on_message(void *arg, struct tbe_str bytes)
{
    struct link *l = arg;
    struct tbe_str body;
    enum envelope_kind kind = envelope_response(bytes, &body);

    if (kind == ENVELOPE_BAD) {
        protocol_error(l, "the cloud sent what is not a ResponseMsg");
        return;
    }
    if (kind == ENVELOPE_CONNECT && !l->answered) {
        on_connect_answer(l, body);
    } else if (kind == ENVELOPE_OTHER && l->state == LINK_UP) {
        pass_on(l, bytes);
    } else if (kind == ENVELOPE_OTHER && !l->answered) {
        protocol_error(l, "the cloud spoke before it accepted the connect");
        return;
    } else {
        log_debug("cloud link: a message of no known kind is left out (%zu bytes)", bytes.n);
    }
    if (!pipe_full(l->pipe)) {
        stream_read(l->stream);
    }
}

static void
on_stream_ended(void *arg, int status, struct tbe_str text)
{
    struct link *l = arg;
    char clean[150];

    envelope_clean(text, &l->cfg, clean, sizeof clean);
    l->clean = status == 0;
    if (!l->error[0]) {
        if (status == 0) {
            snprintf(l->error, sizeof l->error, "the cloud closed the %s",
                     l->state == LINK_UP ? "session" : "stream");
        } else {
            snprintf(l->error, sizeof l->error, "%s, status %d%s%s%s",
                     l->state == LINK_UP ? "the session broke" : "connect failed", status,
                     clean[0] ? ": " : "", clean,
                     strstr(clean, "Ssl handshake") ? " (is the authority trusted?)" : "");
        }
    }
    stream_free(l->stream);
    l->stream = NULL;
    ended(l);
}

static const struct stream_events stream_events = { on_message, on_sent, on_stream_ended };

static void
connect_now(struct link *l)
{
    struct tbe_buf b = { 0 };
    char err[160];

    l->attempts++;
    l->answered = l->clean = false;
    l->sending = 0;
    l->max_uplink = 0;
    set_state(l, LINK_CONNECTING, TBE_STR_NONE);
    l->error[0] = '\0';
    l->stream = stream_open(l->pump, &l->cfg, &stream_events, l, err);
    if (!l->stream) {
        set_error(l, err);
        ended(l);
        return;
    }
    add_timer(l->deadline, l->cfg.connect_timeout);
    if (!envelope_connect_request(&b, &l->cfg) || !stream_send(l->stream, tbe_buf_str(&b))) {
        protocol_error(l, "out of memory");
    }
    tbe_buf_free(&b);
    stream_read(l->stream);
}

/* Frames from the front. */

static void
stop(struct link *l)
{
    l->stopping = true;
    event_del(l->retry);
    if (!l->stream) {
        event_base_loopbreak(l->base);
        return;
    }
    add_timer(l->deadline, l->cfg.close_timeout);
    if (l->state == LINK_UP) {
        stop_when_sent(l);
    } else {
        stream_cancel(l->stream);
    }
}

static void
on_config(struct link *l, const struct frame *f)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    int level = LOG_INFO;

    tbe_buf_puts(&l->cfg_bytes, f->payload);
    if (l->configured || !link_config_get(tbe_buf_str(&l->cfg_bytes), &l->cfg) ||
        envelope_version(l->cfg.edge_version) < 0) {
        log_error("FR_LINK_CONFIG that cannot be used");
        l->failed = true;
        stop(l);
        return;
    }
    for (int i = 0; i < 4; i++) {
        level = tbe_str_eqz(l->cfg.log_level, levels[i]) ? i : level;
    }
    log_setup((enum log_level)level, tbe_str_eqz(l->cfg.log_format, "json"), "link");
    l->pump = pump_new(l->base);
    if (!l->pump) {
        log_error("gRPC cannot be started");
        l->failed = true;
        stop(l);
        return;
    }
    l->configured = true;
    l->session = l->cfg.last_session;
    l->pause = l->cfg.reconnect_first;
    connect_now(l);
}

static enum uplink_code
check_uplink(struct link *l, const struct frame *f)
{
    enum envelope_kind kind;

    if (l->state != LINK_UP || l->stopping || f->aux != l->session) {
        return UPLINK_NO_LINK;
    }
    if (l->max_uplink && f->payload.n > l->max_uplink) {
        return UPLINK_TOO_BIG;
    }
    count_traffic(l, f->payload.n);
    kind = envelope_request(f->payload);
    if (kind != ENVELOPE_OTHER) {
        return UPLINK_BAD;
    }
    return uplinks_add(&l->uplinks, f->seq, f->payload) ? UPLINK_SENT : UPLINK_NO_ROOM;
}

static void
on_uplink(struct link *l, const struct frame *f)
{
    enum uplink_code code = check_uplink(l, f);

    if (code != UPLINK_SENT) {
        send_done(l, f->seq, code);
    }
    send_next(l);
}

static void
on_reconnect(struct link *l, const struct frame *f)
{
    struct frame_reader r = { f->payload, false };
    char why[120];

    envelope_clean(frame_get_str(&r), &l->cfg, why, sizeof why);
    l->least_pause = f->aux;
    if (l->stream) {
        set_error(l, why[0] ? why : "asked to connect again");
        stream_cancel(l->stream);
    } else if (l->configured && !l->stopping) {
        add_timer(l->retry, l->least_pause);
        l->next_at = clock_ms() + l->least_pause;
        l->least_pause = 0;
        send_state(l, TBE_STR_NONE);
    }
}

/* The front asks whether we live. */
static void
on_control(struct link *l, const struct frame *f)
{
    struct tbe_buf *b = pipe_out(l->pipe);

    frame_end(b, frame_begin(b, FR_CONTROL_REPLY, 0, 0, f->aux, 0));
    pipe_flush(l->pipe);
}

static void
on_frame(void *arg, const struct frame *f)
{
    struct link *l = arg;

    switch (f->type) {
    case FR_LINK_CONFIG:
        on_config(l, f);
        break;
    case FR_UPLINK:
        on_uplink(l, f);
        break;
    case FR_LINK_RECONNECT:
        on_reconnect(l, f);
        break;
    case FR_CONTROL:
        on_control(l, f);
        break;
    case FR_DRAIN:
        stop(l);
        break;
    default:
        log_error("a frame of type %u is not for the link", f->type);
    }
}

static void
on_room(void *arg)
{
    struct link *l = arg;

    if (l->stream) {
        stream_read(l->stream);
    }
}

/* The front has died: the session ends with it. */
static void
on_gone(void *arg)
{
    struct link *l = arg;

    if (!l->stopping) {
        l->failed = true;
        stop(l);
    }
}

static const struct pipe_events pipe_events = { on_frame, on_room, on_gone };

struct link *
link_new(struct event_base *base, int fd)
{
    struct link *l = calloc(1, sizeof *l);

    if (!l) {
        return NULL;
    }
    l->base = base;
    l->retry = evtimer_new(base, on_retry, l);
    l->deadline = evtimer_new(base, on_deadline, l);
    l->settled = evtimer_new(base, on_settled, l);
    l->pipe = pipe_new(base, fd, &pipe_events, l);
    if (!l->retry || !l->deadline || !l->settled || !l->pipe) {
        link_free(l);
        return NULL;
    }
    return l;
}

int
link_free(struct link *l)
{
    int status = l->failed ? 1 : 0;

    stream_free(l->stream);
    pump_free(l->pump);
    pipe_free(l->pipe);
    uplinks_free(&l->uplinks);
    if (l->retry) {
        event_free(l->retry);
    }
    if (l->deadline) {
        event_free(l->deadline);
    }
    if (l->settled) {
        event_free(l->settled);
    }
    tbe_buf_free(&l->cfg_bytes);
    free(l);
    return status;
}
