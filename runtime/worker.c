/* SPDX-License-Identifier: Apache-2.0 */
/* The worker process: wires store, hub, rule engine, MQTT frames, HTTP and commands on one loop.
 *
 * A turn of the loop: read the frames and requests that are there, run the rule engine, hand the batch to
 * the store. What the turn wants to show the outside (confirms, deliveries, HTTP answers, command replies)
 * is kept with the batch and leaves when it is durable, in order of the turns. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/control.h"
#include "api/health.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "cloud/cloud.h"
#include "deploy/deploy.h"
#include "frame/frame.h"
#include "nodes/engine.h"
#include "transport/http.h"
#include "transport/mqtt.h"
#include "worker/modes.h"

#define READ_BYTES (128u << 10)     /* frames taken in one turn: about a thousand small publishes */
#define UNCOMMITTED_MAX (32u << 20) /* bytes of frames read but not durable; above it reading stops */
#define LINGER_MS 500               /* after DRAINED: for answers still on their way to HTTP clients */

static METRIC_COUNTER(m_turns, "tbedge_worker_turns_total", "Loop turns that committed something.");
static METRIC_GAUGE(m_uncommitted, "tbedge_worker_uncommitted_bytes", "Bytes of frames read but not yet durable.");

enum stage { STAGE_HELLO, STAGE_TRIAL, STAGE_REPLAY, STAGE_RUN, STAGE_DRAIN };

struct worker {
    const struct tbe_program *program;
    const struct worker_options *o;
    struct event_base *base;
    struct event *ev_read, *ev_write, *ev_tick, *ev_again;
    struct tbe_buf in, out;     /* bytes from and to the front */
    size_t in_at, out_at;
    enum stage stage;
    uint64_t epoch, last_seq;   /* last_seq: newest numbered frame of this turn, 0 = none */
    uint64_t applied;           /* newest frame an earlier worker has committed */
    size_t turn_bytes, uncommitted;
    uint32_t turns;             /* given to the store, not durable yet */
    bool paused, eof, finished;
    struct store *store;
    struct store_batch *batch;
    struct device_hub *hub;
    struct tbe_engine *engine;
    struct deploy *deploy;
    struct cloud *cloud;
    int64_t cloud_due;          /* epoch ms, 0 = nothing waits */
    struct mqtt_server *mqtt;
    struct evhttp *evhttp;
    struct evhttp_bound_socket *bound;
    struct http_server *http;
    struct health health;
    struct control_env control;
    char *service_id;
};

struct turn { /* what leaves when its batch is durable */
    struct worker *w;
    struct tbe_buf frames;
    struct http_held *held;
    size_t bytes;
};

/* Bytes to the front -------------------------------------------------------------------------------- */

static void
flush_out(struct worker *w)
{
    while (w->out_at < w->out.n) {
        ssize_t n = write(w->o->frames_fd, w->out.p + w->out_at, w->out.n - w->out_at);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            event_add(w->ev_write, NULL);
            return;
        }
        if (n <= 0) {
            w->eof = true;
            break;
        }
        w->out_at += (size_t)n;
    }
    w->out.n = w->out_at = 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    flush_out(arg);
}

static void
send_simple(struct worker *w, uint8_t type)
{
    size_t at = frame_begin(&w->out, type, 0, 0, 0, 0);

    if (type == FR_READY) {
        uint64_t epoch = 0, seq = 0;

        store_last_seq(w->store, &epoch, &seq);
        frame_put_u64(&w->out, epoch);
        frame_put_u64(&w->out, seq);
    }
    frame_end(&w->out, at);
    flush_out(w);
}

/* Turns --------------------------------------------------------------------------------------------- */

static void
turn_done(void *arg)
{
    struct turn *t = arg;
    struct worker *w = t->w;

    w->turns--;
    cloud_after_commit(w->cloud);
    w->uncommitted -= t->bytes;
    metric_set(&m_uncommitted, (int64_t)w->uncommitted);
    if (w->out.n == 0 && t->frames.n > 0) { /* take the memory over instead of copying */
        struct tbe_buf old = w->out;

        w->out = t->frames;
        w->out_at = 0;
        t->frames = old;
    } else if (t->frames.n > 0) {
        tbe_buf_put(&w->out, t->frames.p, t->frames.n);
    }
    tbe_buf_free(&t->frames);
    flush_out(w);
    http_held_send(t->held);
    free(t);
    if (w->paused && w->uncommitted < UNCOMMITTED_MAX / 2) {
        w->paused = false;
        event_add(w->ev_read, NULL);
    }
}

static void
new_batch(struct worker *w)
{
    w->batch = store_batch_new(w->store);
    engine_batch_set(w->engine, w->batch);
    hub_batch_set(w->hub, w->batch);
    cloud_batch_set(w->cloud, w->batch);
}

static void
schedule_tick(struct worker *w, int64_t now)
{
    int64_t a = hub_tick(w->hub, w->batch, now), b = engine_tick(w->engine, now);
    int64_t soon = a == 0 || (b != 0 && b < a) ? b : a;
    int64_t due = soon == 0 || (w->cloud_due != 0 && w->cloud_due < soon) ? w->cloud_due : soon;
    int64_t ms = due <= now ? 1 : due - now;
    struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

    if (due != 0) {
        evtimer_add(w->ev_tick, &tv);
    }
}

static void
end_turn(struct worker *w)
{
    struct tbe_buf *frames;
    struct http_held *held;
    struct turn *t;
    int64_t now;

    if (w->engine == NULL) {
        return;
    }
    now = clock_ms();
    w->cloud_due = cloud_turn(w->cloud, now);
    flush_out(w);
    schedule_tick(w, now);
    if (w->cloud_due != 0 && w->cloud_due <= now) {
        event_active(w->ev_again, EV_TIMEOUT, 0);
    }
    if (engine_run(w->engine)) {
        event_active(w->ev_again, EV_TIMEOUT, 0); /* more waits: after what else is ready */
    }
    frames = mqtt_out(w->mqtt);
    held = http_held_take(w->http);
    if (frames->n == 0 && held == NULL && store_batch_empty(w->batch)) {
        store_end_turn(w->store);
        return;
    }
    if (!store_batch_empty(w->batch) && w->last_seq != 0) {
        store_batch_seq(w->batch, w->epoch, w->last_seq);
    }
    t = calloc(1, sizeof(*t));
    if (t == NULL) {
        abort(); /* answers cannot be held back any more: the front starts a new worker */
    }
    *t = (struct turn){ w, *frames, held, w->turn_bytes };
    memset(frames, 0, sizeof(*frames));
    w->uncommitted += w->turn_bytes;
    w->turn_bytes = 0;
    w->last_seq = 0;
    w->turns++;
    metric_add(&m_turns, 1);
    store_batch_after(w->batch, turn_done, t);
    store_commit(w->store, &w->batch);
    new_batch(w);
    store_end_turn(w->store);
    if (w->uncommitted > UNCOMMITTED_MAX && !w->paused && w->stage == STAGE_RUN) {
        w->paused = true;
        event_del(w->ev_read);
    }
}

/* Commands ------------------------------------------------------------------------------------------ */

struct request {
    struct worker *w;
    uint32_t number;
};

static void
on_control_reply(void *arg, int status, struct tbe_str out, struct tbe_str err)
{
    struct request *q = arg;
    struct tbe_buf *b = mqtt_out(q->w->mqtt), json = { 0 };
    size_t at;

    tbe_buf_fmt(&json, "{\"exit\":%d,\"stdout\":", status);
    tbe_json_write_str(&json, out);
    tbe_buf_putz(&json, ",\"stderr\":");
    tbe_json_write_str(&json, err);
    tbe_buf_putc(&json, '}');
    at = frame_begin(b, FR_CONTROL_REPLY, 0, 0, q->number, 0);
    tbe_buf_puts(b, tbe_buf_str(&json));
    if (!frame_end(b, at)) {
        at = frame_begin(b, FR_CONTROL_REPLY, 0, 0, q->number, 0);
        tbe_buf_putz(b, "{\"exit\":1,\"stdout\":\"\",\"stderr\":\"tbedge: the answer is too large\\n\"}");
        frame_end(b, at);
    }
    tbe_buf_free(&json);
    event_active(q->w->ev_again, EV_TIMEOUT, 0); /* it may come outside of a turn */
    free(q);
}

static void
on_control(struct worker *w, const struct frame *f)
{
    struct request *q = calloc(1, sizeof(*q));
    struct tbe_arena a;
    tbe_val v, list, cwd, front;
    struct tbe_str argv[256];
    int argc = 0;

    if (q == NULL) {
        return;
    }
    *q = (struct request){ w, f->aux };
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, f->payload, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
        v = tbe_map_new(&a, 1);
    }
    list = tbe_map_get(v.u.m, TBE_STR("argv"));
    cwd = tbe_map_get(v.u.m, TBE_STR("cwd"));
    front = tbe_map_get(v.u.m, TBE_STR("front"));
    for (uint32_t i = 0; list.t == TBE_LIST && i < list.u.l->n && argc < 256; i++) {
        if (tbe_is_str(list.u.l->v[i])) {
            argv[argc++] = tbe_val_str(list.u.l->v[i]);
        }
    }
    control_run(&w->control, argc, argv, tbe_is_str(cwd) ? tbe_val_str(cwd) : TBE_STR(""),
                front.t == TBE_MAP ? tbe_json_text(&a, front, TBE_OUT_JAVA) : TBE_STR_NONE, on_control_reply, q);
    tbe_arena_free(&a);
}

/* Deployment ---------------------------------------------------------------------------------------- */

static struct store_batch *
deploy_batch(void *arg)
{
    return ((struct worker *)arg)->batch;
}

static void
on_swap(void *arg, struct tbe_str path, struct tbe_str digest)
{
    struct tbe_buf *b = mqtt_out(((struct worker *)arg)->mqtt);
    size_t at = frame_begin(b, FR_SWAP, 0, 0, 0, 0);

    frame_put_str(b, path);
    frame_put_str(b, digest);
    frame_end(b, at);
}

/* Cloud --------------------------------------------------------------------------------------------- */

static void
cloud_put(void *arg, uint32_t session, uint64_t number, struct tbe_str request, bool held)
{
    struct worker *w = arg;
    struct tbe_buf *b = held ? mqtt_out(w->mqtt) : &w->out; /* w->out is flushed at the end of the turn */
    size_t at = frame_begin(b, FR_UPLINK, 0, 0, session, number);

    tbe_buf_puts(b, request);
    frame_end(b, at);
}

static void
cloud_confirm(void *arg, uint64_t seq)
{
    struct tbe_buf *b = mqtt_out(((struct worker *)arg)->mqtt);

    frame_end(b, frame_begin(b, FR_CONFIRM, 0, 0, 0, seq));
}

static void
cloud_chains(void *arg)
{
    deploy_chains_changed(((struct worker *)arg)->deploy);
}

static void
cloud_reconnect(void *arg, uint32_t wait_ms, const char *reason)
{
    struct worker *w = arg;
    size_t at = frame_begin(&w->out, FR_LINK_RECONNECT, 0, 0, wait_ms, 0);

    frame_put_str(&w->out, tbe_strz(reason));
    frame_end(&w->out, at);
}

static void
on_link_state(struct worker *w, const struct frame *f)
{
    struct cloud_link l;

    if (cloud_link_read(f, w->epoch, &l)) {
        cloud_link_state(w->cloud, &l);
    } else {
        log_error("the front's words about the link cannot be read");
    }
}

static void
cloud_status(void *arg, bool json, struct tbe_buf *out)
{
    (json ? cloud_status_json : cloud_status_text)(((struct worker *)arg)->cloud, out);
}

/* Start --------------------------------------------------------------------------------------------- */

static int
start_rooms(struct worker *w)
{
    struct cloud_limits limits;
    uint64_t epoch, seq;

    w->hub = hub_new(w->store, w->service_id);
    w->engine = w->hub ? engine_new(w->program, w->store, w->hub) : NULL;
    if (w->engine == NULL) {
        log_error("the rule engine cannot be made");
        return -1;
    }
    hub_engine_set(w->hub, w->engine);
    w->mqtt = mqtt_new(w->hub, w->engine);
    w->evhttp = evhttp_new(w->base);
    w->http = w->evhttp ? http_new(w->base, w->evhttp, w->hub, w->engine) : NULL;
    if (w->mqtt == NULL || w->http == NULL) {
        log_error("out of memory");
        return -1;
    }
    w->deploy = deploy_new(&(struct deploy_env){ .base = w->base, .store = w->store, .program = w->program,
                                                 .dir = w->o->dir, .batch = deploy_batch, .swap = on_swap,
                                                 .arg = w });
    if (w->deploy == NULL) {
        log_error("out of memory");
        return -1;
    }
    cloud_limits_read(&limits);
    w->cloud = cloud_new(&(struct cloud_env){ .store = w->store, .hub = w->hub, .engine = w->engine,
                                              .send = cloud_put, .confirm = cloud_confirm,
                                              .reconnect = cloud_reconnect, .limits = limits, .chains_changed = cloud_chains,
                                              .arg = w });
    if (w->cloud == NULL) {
        log_error("out of memory");
        return -1;
    }
    w->health = (struct health){ w->store, false };
    health_serve(w->evhttp, &w->health);
    w->control = (struct control_env){ w->hub, w->engine, w->o->dir, w->program->digest, .cloud = cloud_status,
                                        .cloud_arg = w };
    store_last_seq(w->store, &epoch, &seq);
    w->applied = epoch == w->epoch ? seq : 0;
    mqtt_applied_set(w->mqtt, w->applied);
    new_batch(w);
    w->stage = STAGE_REPLAY;
    return 0;
}

static void
on_hello(struct worker *w, const struct frame *f)
{
    struct frame_reader r = { f->payload, false };
    struct store_options so = { .dir = w->o->dir };
    struct tbe_str id;
    char err[256] = "";

    w->epoch = frame_get_u64(&r);
    id = frame_get_str(&r);
    so.read_only = so.migrate_later = frame_get_u32(&r) & 1;
    if (id.n > 0) {
        free(w->service_id);
        w->service_id = strndup(id.p, id.n);
    }
    if (store_open(&w->store, &so, w->base, err) != 0) {
        log_error("%s", err);
        exit(1);
    }
    w->stage = STAGE_TRIAL;
    if (!so.read_only && start_rooms(w) != 0) {
        exit(1);
    }
    send_simple(w, FR_READY);
}

/* The old worker has gone: the store becomes ours. */
static void
take_over(struct worker *w)
{
    char err[256] = "";

    if (store_take_over(w->store, err) != 0) {
        log_error("%s", err);
        exit(1);
    }
    if (start_rooms(w) != 0) {
        exit(1);
    }
}

static void
serve(struct worker *w)
{
    if (w->o->http_fd >= 0) {
        w->bound = evhttp_accept_socket_with_handle(w->evhttp, w->o->http_fd);
        if (w->bound == NULL) {
            log_error("the HTTP socket cannot be served");
        }
    }
    w->health.ready = true;
    w->stage = STAGE_RUN;
    deploy_start(w->deploy);
}

static void
on_drain(struct worker *w)
{
    w->stage = STAGE_DRAIN;
    w->health.ready = false;
    if (w->engine == NULL) {
        return;
    }
    if (w->bound != NULL) {
        evhttp_del_accept_socket(w->evhttp, w->bound);
        w->bound = NULL;
    }
    http_drain(w->http);
    deploy_drain(w->deploy);
    cloud_drain(w->cloud);
}

/* Frames in ----------------------------------------------------------------------------------------- */

static void
on_frame(struct worker *w, const struct frame *f)
{
    switch (f->type) {
    case FR_HELLO:
        if (w->stage == STAGE_HELLO) {
            on_hello(w, f);
        }
        return;
    case FR_DRAIN:
        on_drain(w);
        return;
    default:
        break;
    }
    if (w->stage == STAGE_TRIAL) {
        take_over(w);
    }
    if (w->engine == NULL) {
        log_error("frame of type %u before the greeting", f->type);
        exit(1);
    }
    if (f->seq != 0) {
        w->last_seq = f->seq;
    }
    switch (f->type) {
    case FR_REPLAYED:
        serve(w);
        return;
    case FR_CONTROL:
        on_control(w, f);
        return;
    case FR_LINK_STATE:
        on_link_state(w, f);
        return;
    case FR_LINK:
        cloud_frame(w->cloud, f->seq, f->aux, f->payload, f->seq <= w->applied);
        return;
    case FR_UPLINK_DONE: {
        struct frame_reader r = { f->payload, false };
        uint64_t number = frame_get_u64(&r);

        cloud_uplink_done(w->cloud, number, f->aux);
        return;
    }
    case FR_SWAP_FAILED: {
        struct frame_reader r = { f->payload, false };

        deploy_swap_failed(w->deploy, f->aux == 1, frame_get_str(&r));
        return;
    }
    default:
        mqtt_frame(w->mqtt, f);
    }
}

static void
parse_frames(struct worker *w)
{
    for (;;) {
        struct frame f;
        int64_t n = frame_parse(w->in.p + w->in_at, w->in.n - w->in_at, &f);

        if (n < 0) {
            log_error("the front sent bytes that are no frame");
            exit(1);
        }
        if (n == 0) {
            break;
        }
        on_frame(w, &f);
        w->in_at += (size_t)n;
        w->turn_bytes += (size_t)n;
    }
    if (w->in_at == w->in.n) {
        w->in.n = w->in_at = 0;
    } else if (w->in_at > READ_BYTES) {
        memmove(w->in.p, w->in.p + w->in_at, w->in.n - w->in_at);
        w->in.n -= w->in_at;
        w->in_at = 0;
    }
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    size_t got = 0;

    (void)what;
    while (got < READ_BYTES) {
        ssize_t n;

        if (!tbe_buf_reserve(&w->in, READ_BYTES)) {
            log_error("out of memory");
            exit(1);
        }
        n = read(fd, w->in.p + w->in.n, READ_BYTES - got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (n <= 0) {
            w->eof = true;
            event_del(w->ev_read);
            break;
        }
        w->in.n += (size_t)n;
        got += (size_t)n;
    }
    parse_frames(w);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg; /* the turn that follows does what is due */
}

/* Loop ---------------------------------------------------------------------------------------------- */

static bool
idle(struct worker *w)
{
    return w->engine == NULL || (w->turns == 0 && mqtt_out(w->mqtt)->n == 0 && http_open(w->http) == 0 &&
                                 store_batch_empty(w->batch));
}

static void
finish(struct worker *w)
{
    int64_t until = clock_mono_ns() + (int64_t)LINGER_MS * 1000000;

    if (w->engine != NULL) {
        cloud_save(w->cloud);
        engine_batch_set(w->engine, NULL);
        hub_batch_set(w->hub, NULL);
        store_commit(w->store, &w->batch);
    }
    w->health.store = NULL;
    store_close(w->store);
    if (w->stage == STAGE_DRAIN) {
        size_t at = frame_begin(&w->out, FR_DRAINED, 0, 0, 0, 0);

        frame_end(&w->out, at);
        flush_out(w);
    }
    if (w->evhttp != NULL) { /* let answers go out; nothing else happens any more */
        struct timeval tv = { 0, 20000 };

        event_del(w->ev_read);
        do {
            event_base_loopexit(w->base, &tv);
            event_base_loop(w->base, EVLOOP_NONBLOCK);
            usleep(2000);
        } while (!w->eof && w->out.n > 0 && clock_mono_ns() < until);
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    _exit(0);
}

static int
loop(struct worker *w)
{
    for (;;) {
        if (event_base_loop(w->base, EVLOOP_ONCE) < 0) {
            log_error("the event loop failed");
            return 1;
        }
        end_turn(w);
        if ((w->stage == STAGE_DRAIN || w->eof) && idle(w)) {
            finish(w);
        }
    }
}

int
worker_serve(const struct tbe_program *p, const struct worker_options *o)
{
    struct worker w = { .program = p, .o = o };

    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* sent to the whole group or unit: the front decides, its end of file ends us */
    signal(SIGTERM, SIG_IGN);
    metric_register(&m_turns);
    metric_register(&m_uncommitted);
    w.service_id = strdup(o->service_id ? o->service_id : "tbedge");
    w.base = event_base_new();
    if (w.base == NULL || evutil_make_socket_nonblocking(o->frames_fd) != 0) {
        log_error("the frames socket cannot be used");
        return 1;
    }
    w.ev_read = event_new(w.base, o->frames_fd, EV_READ | EV_PERSIST, on_readable, &w);
    w.ev_write = event_new(w.base, o->frames_fd, EV_WRITE, on_writable, &w);
    w.ev_tick = evtimer_new(w.base, on_tick, &w);
    w.ev_again = evtimer_new(w.base, on_tick, &w);
    if (!w.ev_read || !w.ev_write || !w.ev_tick || !w.ev_again) {
        log_error("out of memory");
        return 1;
    }
    event_add(w.ev_read, NULL);
    return loop(&w);
}
