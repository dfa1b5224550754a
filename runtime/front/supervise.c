/* SPDX-License-Identifier: Apache-2.0 */
/* cur is the worker that gets frames, or is draining; next is the one of a swap under way. Rules:
 *  - next is started for trial; when it is ready, cur drains and exits, then next gets the sessions
 *    and the unconfirmed frames. Until then a failure of next changes nothing for cur.
 *  - a cur that dies is started again: at once when it was killed from outside while it made
 *    progress, else after a growing pause. A generation that has not proved itself and dies
 *    `max_deaths` times is replaced by the last good one. It is good after `healthy_after` of
 *    running.
 *  - a frame that kills every worker must not stop the service: when deaths leave the same frame
 *    unconfirmed, frames are sent one at a time; one that kills twice alone is given up and its
 *    connection closed, unacknowledged. */
#include "config.h"
#include "front/supervise.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/control.h"
#include "front/generation.h"
#include "front/link_proc.h"
#include "front/mqtt/codec.h"
#include "front/notify.h"
#include "front/session.h"
#include "front/worker_proc.h"

#define BACKOFF_FIRST_MS 100
#define KEEP_GENERATIONS 8u
#define STUCK_DEATHS 2 /* with the same first frame: then one at a time; again so many: given up */

struct supervisor {
    struct worker *cur, *next;
    char digest[GENERATION_DIGEST + 1]; /* wanted: what cur is, or what is started next */
    char good[GENERATION_DIGEST + 1];   /* "" = none yet */
    int64_t backoff_ms, swap_ms;
    int64_t deaths; /* in a row, without having become good */
    uint64_t stuck_seq;    /* first unconfirmed frame at the last death */
    unsigned stuck_deaths; /* with that frame */
    bool ever_ready;
    struct event *restart, *healthy;
    supervise_done_fn *done;
    void *done_arg;
};

static void
add_timer(struct event *e, int64_t ms)
{
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_add(e, &tv);
}

static void
deployed(struct supervisor *v, bool ok, const char *text)
{
    supervise_done_fn *fn = v->done;

    v->done = NULL;
    if (fn) {
        fn(v->done_arg, ok, text);
    }
}

static void
record(struct front *f, const char *which, const char *digest)
{
    char err[256];

    if (!generation_set(f->cfg.data, which, digest, err)) {
        log_error("generation %.12s cannot be recorded as %s: %s", digest, which, err);
    }
}

static void
become_current(struct front *f, const char *digest)
{
    struct supervisor *v = f->sup;

    if (digest != v->digest) {
        snprintf(v->digest, sizeof v->digest, "%s", digest);
    }
    record(f, "current", v->digest);
}

/* Starting and dying. */

static void died(struct front *f, bool bad);

static void
start_current(struct front *f)
{
    struct supervisor *v = f->sup;
    char err[256];

    v->cur = worker_spawn(f, v->digest, false, err);
    if (!v->cur) {
        log_error("generation %.12s: %s", v->digest, err);
        died(f, true);
        return;
    }
    log_info("worker %d started, generation %.12s", (int)v->cur->pid, v->digest);
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
    struct front *f = arg;

    (void)fd;
    (void)what;
    if (!f->sup->cur && !f->stopping) {
        f->stats.restarts++;
        start_current(f);
    }
}

/* The generation has run long enough: it is the one to fall back to. */
static void
on_healthy(evutil_socket_t fd, short what, void *arg)
{
    struct front *f = arg;
    struct supervisor *v = f->sup;

    (void)fd;
    (void)what;
    if (!v->cur || v->cur->state != WORKER_ACTIVE) {
        return;
    }
    v->deaths = 0;
    v->backoff_ms = BACKOFF_FIRST_MS;
    if (strcmp(v->good, v->digest) != 0) {
        if (v->good[0]) {
            record(f, "previous", v->good);
        }
        snprintf(v->good, sizeof v->good, "%s", v->digest);
        record(f, "good", v->good);
        log_info("generation %.12s is good", v->good);
        generation_prune(f->cfg.data, KEEP_GENERATIONS);
    }
}

/* The worker of the wanted generation is gone (or did not start). bad: it is to blame. */
static void
died(struct front *f, bool bad)
{
    struct supervisor *v = f->sup;

    event_del(v->healthy);
    if (!bad) {
        add_timer(v->restart, 0);
        return;
    }
    v->deaths++;
    if (v->deaths >= f->cfg.max_deaths && strcmp(v->good, v->digest) != 0) {
        if (v->good[0]) {
            log_error("generation %.12s died %lld times: rolled back to %.12s", v->digest,
                      (long long)v->deaths,
                      v->good);
            f->stats.rollbacks++;
            become_current(f, v->good);
            v->deaths = 0;
            v->stuck_deaths = 0;
            f->careful_until = 0;
            v->backoff_ms = BACKOFF_FIRST_MS;
            add_timer(v->restart, 0);
            return;
        }
        if (!v->ever_ready) {
            log_error("generation %.12s does not start and there is no good one to go back to",
                      v->digest);
            event_base_loopbreak(f->base);
            return;
        }
    }
    log_warn("worker is started again in %lld ms", (long long)v->backoff_ms);
    add_timer(v->restart, v->backoff_ms);
    v->backoff_ms = v->backoff_ms * 2 < f->cfg.restart_max ? v->backoff_ms * 2 : f->cfg.restart_max;
}

bool
supervise_start(struct front *f, const char *digest)
{
    struct supervisor *v = calloc(1, sizeof *v);

    if (!v) {
        return false;
    }
    f->sup = v;
    v->restart = evtimer_new(f->base, on_restart, f);
    v->healthy = evtimer_new(f->base, on_healthy, f);
    v->backoff_ms = BACKOFF_FIRST_MS;
    if (!v->restart || !v->healthy) {
        return false;
    }
    if (!generation_get(f->cfg.data, "good", v->good)) {
        v->good[0] = '\0';
    }
    become_current(f, digest);
    start_current(f);
    return true;
}

void
supervise_free(struct front *f)
{
    struct supervisor *v = f->sup;

    if (!v) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct worker *w = i ? v->next : v->cur;
        if (w) {
            kill(w->pid, SIGKILL);
            waitpid(w->pid, NULL, 0);
            worker_free(w);
        }
    }
    if (v->restart) {
        event_free(v->restart);
    }
    if (v->healthy) {
        event_free(v->healthy);
    }
    free(v);
    f->sup = NULL;
}

/* Swap. */

static void
activate(struct front *f)
{
    struct supervisor *v = f->sup;

    worker_activate(v->cur);
    control_worker_here(f->control);
    v->ever_ready = true;
    add_timer(v->healthy, f->cfg.healthy_after);
    if (!f->announced) {
        f->announced = true;
        notify_ready(f);
    }
}

/* next takes over: the old worker is gone. */
static void
take_over(struct front *f)
{
    struct supervisor *v = f->sup;
    char text[128];

    v->cur = v->next;
    v->next = NULL;
    v->deaths = 0;
    v->backoff_ms = BACKOFF_FIRST_MS;
    event_del(v->restart);
    become_current(f, v->cur->digest);
    activate(f);
    f->stats.swaps++;
    snprintf(text, sizeof text, "generation %.12s is running", v->digest);
    log_info("%s: worker %d took over after %lld ms", text, (int)v->cur->pid,
             (long long)(clock_mono_ns() / 1000000 - v->swap_ms));
    deployed(v, true, text);
}

void
supervise_ready(struct worker *w)
{
    struct front *f = w->front;
    struct supervisor *v = f->sup;

    log_info("worker %d ready after %lld ms", (int)w->pid,
             (long long)(clock_mono_ns() / 1000000 - w->started_ms));
    if (w == v->cur) {
        activate(f);
        return;
    }
    w->state = WORKER_READY;
    v->swap_ms = clock_mono_ns() / 1000000;
    if (!v->cur) {
        take_over(f);
        return;
    }
    event_del(v->healthy);
    worker_drain(v->cur, false, f->cfg.drain_timeout);
    log_info("worker %d drains", (int)v->cur->pid);
}

void
supervise_deploy(struct front *f, const char *digest, supervise_done_fn *fn, void *arg)
{
    struct supervisor *v = f->sup;
    char err[256];

    if (v->next || f->stopping) {
        fn(arg, false, f->stopping ? "tbedge is stopping" : "another deployment is under way");
        return;
    }
    if (!generation_exists(f->cfg.data, digest)) {
        fn(arg, false, "there is no such generation");
        return;
    }
    if (strcmp(digest, v->digest) == 0 && v->cur && v->cur->state == WORKER_ACTIVE) {
        fn(arg, true, "this generation is running already");
        return;
    }
    v->next = worker_spawn(f, digest, true, err);
    if (!v->next) {
        f->stats.swaps_failed++;
        log_error("deployment of generation %.12s failed: %s", digest, err);
        fn(arg, false, err);
        return;
    }
    v->done = fn;
    v->done_arg = arg;
    log_info("worker %d started for trial, generation %.12s", (int)v->next->pid, digest);
}

void
supervise_rollback(struct front *f, supervise_done_fn *fn, void *arg)
{
    struct supervisor *v = f->sup;
    char digest[GENERATION_DIGEST + 1];

    if (v->good[0] && strcmp(v->good, v->digest) != 0) {
        snprintf(digest, sizeof digest, "%s", v->good);
    } else if (!generation_get(f->cfg.data, "previous", digest) || strcmp(digest, v->digest) == 0) {
        fn(arg, false, "there is no earlier good generation");
        return;
    }
    supervise_deploy(f, digest, fn, arg);
}

void
supervise_forget(struct front *f, void *arg)
{
    if (f->sup && f->sup->done && f->sup->done_arg == arg) {
        f->sup->done = NULL;
    }
}

static void
swap_refused(struct front *f, bool busy, const char *text)
{
    struct worker *w = supervise_worker(f);

    log_error("the swap the worker asked for failed: %s", text);
    if (w) {
        worker_swap_failed(w, busy, text);
    }
}

static void
swap_asked_done(void *arg, bool ok, const char *text)
{
    if (!ok) {
        swap_refused(arg, false, text);
    }
}

void
supervise_swap_file(struct front *f, struct tbe_str path)
{
    char digest[GENERATION_DIGEST + 1], err[256], *z = malloc(path.n + 1);

    if (!z) {
        return;
    }
    memcpy(z, path.p, path.n);
    z[path.n] = '\0';
    if (f->sup->next) {
        swap_refused(f, true, "another deployment is under way");
    } else if (generation_add(f->cfg.data, z, digest, err)) {
        supervise_deploy(f, digest, swap_asked_done, f);
    } else {
        swap_refused(f, false, err);
    }
    free(z);
}

/* Ends. */

static const char *
how_it_ended(int status, char text[64])
{
    if (WIFSIGNALED(status)) {
        snprintf(text, 64, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, 64, "status %d", WEXITSTATUS(status));
    }
    return text;
}

static void
next_gone(struct front *f, const char *how)
{
    struct supervisor *v = f->sup;
    struct worker *w = v->next;
    char text[160];

    snprintf(text, sizeof text, "generation %.12s failed its trial start (%s); the old one goes on",
             w->digest,
             w->killed ? "not ready in time" : how);
    log_error("%s", text);
    v->next = NULL;
    worker_free(w);
    f->stats.swaps_failed++;
    if (!v->cur) { /* it died meanwhile and waited for this one */
        add_timer(v->restart, 0);
    }
    deployed(v, false, text);
}

/* A frame that kills the worker is answered as a failure of the server. */
static void
give_up_frame(struct front *f, uint64_t seq)
{
    struct window_entry *e = window_entry(&f->window, seq);
    struct session *s = e->session;
    struct frame fr = { .type = FR_CONFIRM, .seq = seq };

    f->stats.given_up++;
    if (e->type == FR_LINK) {
        log_error("frame %llu (%u bytes from the cloud) kills the worker: it is given up",
                  (unsigned long long)seq, e->len);
        link_confirmed(f, e);
        window_confirm(&f->window, seq);
        return;
    }
    fr.conn = s->conn;
    log_error("frame %llu (type %u, %u bytes, device %s) kills the worker: it is given up, the connection is closed",
              (unsigned long long)seq, e->type, e->len, s->peer ? s->peer : "");
    fr.aux = MQTT_RC_IMPLEMENTATION | FR_CODE_CLOSE | FR_CODE_DISCONNECT(MQTT_RC_IMPLEMENTATION) |
             (e->type == FR_CONNECT ? 0 : FR_CODE_NO_ACK);
    mqtt_confirmed(s, e, &fr);
    window_confirm(&f->window, seq);
}

/* An active worker died by its own fault: is one frame the reason? */
static void
suspect_first_frame(struct front *f)
{
    struct supervisor *v = f->sup;
    bool one_at_a_time = f->careful_until > f->window.first;

    if (window_depth(&f->window) == 0) {
        v->stuck_deaths = 0;
        return;
    }
    v->stuck_deaths = v->stuck_seq == f->window.first ? v->stuck_deaths + 1 : 1;
    v->stuck_seq = f->window.first;
    if (v->stuck_deaths < STUCK_DEATHS) {
        return;
    }
    v->stuck_deaths = 0;
    if (one_at_a_time) {
        give_up_frame(f, f->window.first);
    } else {
        f->careful_until = f->window.next;
        log_warn("frames up to %llu are sent to the worker one at a time",
                 (unsigned long long)f->careful_until - 1);
    }
}

static void
cur_gone(struct front *f, int status, const char *how)
{
    struct supervisor *v = f->sup;
    struct worker *w = v->cur;
    bool outside = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !w->killed &&
        w->confirmed > 0;
    bool active = w->state == WORKER_ACTIVE, drained = w->state == WORKER_DRAINING,
        clean = w->drained && WIFEXITED(status) && WEXITSTATUS(status) == 0;

    v->cur = NULL;
    worker_free(w);
    control_worker_gone(f->control);
    if (f->stopping) {
        log_info("worker ended: %s", how);
        event_base_loopbreak(f->base);
        return;
    }
    if (!clean) {
        log_error("worker of generation %.12s died: %s", v->digest, how);
    }
    if (active && !outside) {
        suspect_first_frame(f);
    }
    if (v->next && v->next->state == WORKER_READY) {
        take_over(f);
    } else if (!v->next) {
        died(f, !drained && !outside);
    }
}

void
supervise_reap(struct front *f)
{
    struct supervisor *v = f->sup;
    char text[64];

    for (int i = 0; v && i < 2; i++) {
        struct worker *w = i ? v->cur : v->next;
        int status;
        if (!w || waitpid(w->pid, &status, WNOHANG) != w->pid) {
            continue;
        }
        worker_read(w);
        how_it_ended(status, text);
        if (w == v->next) {
            next_gone(f, text);
        } else if (w == v->cur) {
            cur_gone(f, status, text);
        }
    }
    front_wake(f);
}

void
supervise_stop(struct front *f)
{
    struct supervisor *v = f->sup;

    for (struct session *s = f->all; s; s = s->next) {
        mqtt_send_closed(s, SESSION_BY_SERVER);
    }
    if (v->next) {
        worker_kill(v->next, "tbedge is stopping");
    }
    if (!v->cur) {
        event_base_loopbreak(f->base);
    } else if (v->cur->state != WORKER_DRAINING) {
        worker_drain(v->cur, true, f->cfg.drain_timeout);
    }
}

struct worker *
supervise_worker(struct front *f)
{
    return f->sup && f->sup->cur && f->sup->cur->state == WORKER_ACTIVE ? f->sup->cur : NULL;
}

struct worker *
supervise_find(struct front *f, uint64_t id)
{
    struct supervisor *v = f->sup;

    if (v && v->cur && v->cur->id == id) {
        return v->cur;
    }
    return v && v->next && v->next->id == id ? v->next : NULL;
}

const char *
supervise_digest(struct front *f)
{
    return f->sup ? f->sup->digest : "";
}

const char *
supervise_state(struct front *f)
{
    struct supervisor *v = f->sup;

    if (f->stopping) {
        return "stopping";
    }
    if (v->next) {
        return "swapping";
    }
    return supervise_worker(f) ? "running" : "starting";
}

void
supervise_flush(struct front *f)
{
    struct supervisor *v = f->sup;

    if (v && v->cur) {
        worker_flush(v->cur);
    }
    if (v && v->next) {
        worker_flush(v->next);
    }
}
