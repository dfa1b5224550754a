/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: opens what it listens on, starts the worker, runs the loop until it is told to
 * stop. */
#include "config.h"
#include "front/front.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "front/control.h"
#include "front/generation.h"
#include "front/link_proc.h"
#include "front/listen.h"
#include "front/mqtt/codec.h"
#include "front/notify.h"
#include "front/session.h"
#include "front/supervise.h"
#include "front/tls.h"
#include "front/worker_proc.h"

#define LOCK_POLL_US 20000

void
front_wake(struct front *f)
{
    if (!f->turn_pending) {
        f->turn_pending = true;
        event_active(f->turn, EV_TIMEOUT, 0);
    }
}

/* Runs after the events of this turn: everything that was gathered leaves in few writes. */
static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct front *f = arg;

    (void)fd;
    (void)what;
    f->turn_pending = false;
    f->now_ms = clock_mono_ns() / 1000000;
    if (window_full(&f->window)) {
        f->stats.window_full++;
    }
    session_flush_dirty(f);
    if (f->waiting_for_room && window_has_room(&f->window)) {
        session_resume_waiting(f);
    }
    link_turn(f);
    supervise_flush(f);
    session_free_dead(f);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct front *f = arg;

    (void)fd;
    (void)what;
    f->now_ms = clock_mono_ns() / 1000000;
    session_tick(f);
    link_tick(f);
    if (f->waiting_for_room) {
        front_wake(f);
    }
}

static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
    struct front *f = arg;

    (void)what;
    if (f->stopping) {
        return;
    }
    f->stopping = true;
    log_info("signal %d: stopping", (int)sig);
    notify_systemd("STOPPING=1");
    listener_free(f->mqtt);
    listener_free(f->mqtts);
    f->mqtt = f->mqtts = NULL;
    supervise_stop(f);
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
    (void)sig;
    (void)what;
    link_reap(arg);
    supervise_reap(arg);
}

static void
on_reload(evutil_socket_t sig, short what, void *arg)
{
    struct front *f = arg;
    char err[256];

    (void)sig;
    (void)what;
    if (!f->tls) {
        return;
    }
    if (tls_reload(f->tls, err)) {
        log_info("certificate read again from %s", f->cfg.ssl_cert);
    } else {
        log_error("the old certificate stays in use: %s", err);
    }
}

static bool
open_listener(struct front *f, struct listener **out, const char *address, int64_t port, bool tls,
              char err[256])
{
    int fd = listen_open(address, port, err);

    if (fd < 0) {
        return false;
    }
    *out = listener_new(f, fd, tls);
    return *out != NULL;
}

/* A descriptor above FRONT_FD_HIGH; fd is closed. */
static int
move_high(int fd)
{
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FRONT_FD_HIGH);

    if (fd >= 0) {
        close(fd);
    }
    return high;
}

static bool
open_sockets(struct front *f, char err[256])
{
    struct settings *c = &f->cfg;

    if (c->http_enabled) {
        f->http_fd = move_high(listen_open(c->http_address, c->http_port, err));
        if (f->http_fd < 0) {
            return false;
        }
    }
    if (c->mqtt_enabled && !open_listener(f, &f->mqtt, c->mqtt_address, c->mqtt_port, false, err)) {
        return false;
    }
    if (!c->mqtt_ssl_enabled) {
        return true;
    }
    f->tls = tls_new(c->ssl_cert, c->ssl_key, c->ssl_key_password, err);
    return f->tls && open_listener(f, &f->mqtts, c->mqtt_ssl_address, c->mqtt_ssl_port, true, err);
}

/* One daemon for a data directory. The worker of a daemon that was killed may still be
 * committing: it holds the lock too and is waited for. */
static bool
lock_data(struct front *f, char err[256])
{
    const char *data = f->cfg.data;
    int64_t end = clock_mono_ns() / 1000000 + f->cfg.drain_timeout;
    char path[PATH_MAX];
    int e = 0;

    if (!generation_make_dirs(data, err)) {
        return false;
    }
    snprintf(path, sizeof path, "%s/front.lock", data);
    f->lock_fd = move_high(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    while (f->lock_fd >= 0) {
        if (flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0) {
            return true;
        }
        e = errno;
        if (e != EWOULDBLOCK || control_daemon_there(data) || clock_mono_ns() / 1000000 > end) {
            break;
        }
        usleep(LOCK_POLL_US);
    }
    snprintf(err, 256, "%.180s: %s", path,
             e == EWOULDBLOCK ? "another tbedge runs on this data directory"
                 : strerror(e ? e : errno));
    return false;
}

static void
raise_descriptor_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static struct event *
on_signal(struct front *f, int sig, event_callback_fn fn)
{
    struct event *e = evsignal_new(f->base, sig, fn, f);

    if (e) {
        event_add(e, NULL);
    }
    return e;
}

static bool
make_loop(struct front *f)
{
    struct event_config *ec = event_config_new();

    if (ec) {
        event_config_set_flag(ec, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
        f->base = event_base_new_with_config(ec);
        event_config_free(ec);
    }
    f->read_cap = (size_t)f->cfg.mqtt_max_payload + MQTT_FIXED_HEAD_MAX + 2 * FRONT_READ_CHUNK;
    f->read_buf = malloc(f->read_cap);
    f->turn = f->base ? event_new(f->base, -1, 0, on_turn, f) : NULL;
    f->tick = f->base ? event_new(f->base, -1, EV_PERSIST, on_tick, f) : NULL;
    return f->read_buf && f->turn && f->tick;
}

/* The rest of a cycle (trickle.h): only what the worker answers is handled. Ends early on a signal, and
 * when there is no single worker to wait for. */
static void
rest(struct front *f, int64_t until_ns)
{
    for (int64_t left = until_ns - clock_mono_ns(); left > 0; left = until_ns - clock_mono_ns()) {
        struct worker *w = supervise_worker(f);
        struct timespec ts = { left / 1000000000, left % 1000000000 };
        struct pollfd p = { .fd = w ? w->fd : -1, .events = POLLIN };

        if (!w || w->state != WORKER_ACTIVE || ppoll(&p, 1, &ts, NULL) <= 0 || (p.revents & ~POLLIN)) {
            return;
        }
        f->now_ms = clock_mono_ns() / 1000000;
        worker_read(w);
        on_turn(-1, 0, f);
    }
    f->now_ms = clock_mono_ns() / 1000000;
}

static void
run_loop(struct front *f)
{
    while (event_base_loop(f->base, EVLOOP_ONCE) == 0 && !event_base_got_exit(f->base) &&
           !event_base_got_break(f->base)) {
        int64_t until = trickle_turn(&f->trickle, f->window.next, clock_mono_ns());

        if (until) {
            rest(f, until);
        }
    }
}

/* The last words to devices, and what hangs on the loop. */
static void
close_all(struct front *f, struct event *signals[4])
{
    struct session *next;

    for (struct session *s = f->all; s; s = next) {
        next = s->next;
        if (s->state == SESSION_OPEN) {
            mqtt_close_with(s, MQTT_RC_SHUTTING_DOWN);
        }
    }
    session_flush_dirty(f);
    for (struct session *s = f->all; s; s = s->next) {
        if (s->fd >= 0) {
            session_discard_input(s);
        }
    }
    link_stop(f);
    control_free(f->control);
    supervise_free(f);
    listener_free(f->mqtt);
    listener_free(f->mqtts);
    session_free_all(f);
    window_free(&f->window);
    tls_delete(f->tls);
    for (int i = 0; i < 4; i++) {
        if (signals[i]) {
            event_free(signals[i]);
        }
    }
    if (f->turn) {
        event_free(f->turn);
    }
    if (f->tick) {
        event_free(f->tick);
    }
    if (f->base) {
        event_base_free(f->base);
    }
    if (f->http_fd >= 0) {
        close(f->http_fd);
    }
    free(f->read_buf);
}

static void
set_up(struct front *f, struct settings *cfg)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    char host[65] = "tbedge";
    int level = LOG_INFO;

    f->cfg = *cfg;
    f->http_fd = f->lock_fd = -1;
    f->cfg.mqtt_qos2_handshake = strcmp(cfg->mqtt_qos2, "handshake") == 0;
    for (int i = 0; i < 4; i++) {
        level = strcmp(cfg->log_level, levels[i]) == 0 ? i : level;
    }
    log_setup((enum log_level)level, strcmp(cfg->log_format, "json") == 0, "front");
    if (!cfg->service_id[0]) {
        gethostname(host, sizeof host - 1);
        free(cfg->service_id);
        f->cfg.service_id = cfg->service_id = strdup(host);
    }
    f->epoch = random_u64();
    f->now_ms = clock_mono_ns() / 1000000;
    window_init(&f->window, (size_t)cfg->window_bytes, (uint32_t)cfg->window_frames);
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

int
front_run(struct settings *cfg, const char *digest)
{
    struct front f = { 0 };
    struct event *signals[4] = { NULL };
    struct timeval second = { 1, 0 };
    char err[256] = "out of memory";
    int status = 1;

    set_up(&f, cfg);
    if (lock_data(&f, err) && make_loop(&f) && f.cfg.service_id && open_sockets(&f, err) &&
        (f.control = control_new(&f, err))) {
        signals[0] = on_signal(&f, SIGTERM, on_stop);
        signals[1] = on_signal(&f, SIGINT, on_stop);
        signals[2] = on_signal(&f, SIGCHLD, on_child);
        signals[3] = on_signal(&f, SIGHUP, on_reload);
        event_add(f.tick, &second);
        if (!link_start(&f, err)) {
            fprintf(stderr, "tbedge: %s\n", err);
        } else if (supervise_start(&f, digest)) {
            run_loop(&f);
            status = f.stopping ? 0 : 1;
        }
    } else {
        fprintf(stderr, "tbedge: %s\n", err);
    }
    if (f.base) {
        close_all(&f, signals);
    }
    return status;
}
