/* SPDX-License-Identifier: Apache-2.0 */
/* The process tbedge-link and the socket to it. */
#include "config.h"
#include "front/link_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "frame/link_config.h"
#include "front/generation.h"
#include "front/link_int.h"

#define LINK_FRAMES_FD 3
#define BACKOFF_FIRST_MS 200
#define STEADY_MS 60000 /* a link that ran so long is started again without a growing pause */
#define READ_FIRST 65536u
#define READ_TURN 16
#define STOP_SLACK_MS 500 /* on top of what the link itself waits for the cloud */

extern char **environ;

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

/* Starting. */

/* The environment without the cloud's settings: they come in the first frame, where no `ps e` shows
 * the secret. NULL: out of memory. */
static char **
clean_environment(void)
{
    size_t n = 0, k = 0;
    char **env;

    while (environ[n]) {
        n++;
    }
    env = calloc(n + 1, sizeof *env);
    for (size_t i = 0; env && i < n; i++) {
        if (strncmp(environ[i], "CLOUD_", 6) != 0) {
            env[k++] = environ[i];
        }
    }
    return env;
}

static int
spawn(const char *path, int frames_fd, pid_t *pid)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    sigset_t all, none;
    char **env = clean_environment();
    char number[12];
    const char *argv[] = { path, "--frames", number, NULL };
    int rc;

    if (!env) {
        return ENOMEM;
    }
    snprintf(number, sizeof number, "%d", LINK_FRAMES_FD);
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
    posix_spawn_file_actions_adddup2(&fa, frames_fd, LINK_FRAMES_FD);
    posix_spawn_file_actions_adddup2(&fa, STDERR_FILENO, STDOUT_FILENO);
    rc = posix_spawnp(pid, path, &fa, &attr, (char **)(uintptr_t)argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&fa);
    free(env);
    return rc;
}

static bool
make_pair(int sv[2])
{
    int high;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0) {
        return false;
    }
    high = fcntl(sv[1], F_DUPFD_CLOEXEC, FRONT_FD_HIGH);
    close(sv[1]);
    sv[1] = high;
    if (high >= 0 && fcntl(sv[0], F_SETFL, O_NONBLOCK) == 0) {
        return true;
    }
    close(sv[0]);
    if (high >= 0) {
        close(high);
    }
    return false;
}

static bool
put_config(struct link_proc *l)
{
    const struct settings *s = &l->front->cfg;
    struct link_config c = {
        .host = tbe_strz(s->cloud_host),
        .routing_key = tbe_strz(s->cloud_routing_key),
        .secret = tbe_strz(s->cloud_secret),
        .edge_version = tbe_strz(s->cloud_edge_version),
        .ssl_cert = tbe_strz(s->cloud_ssl_cert),
        .proxy_host = tbe_strz(s->cloud_proxy_enabled ? s->cloud_proxy_host : ""),
        .proxy_user = tbe_strz(s->cloud_proxy_user),
        .proxy_password = tbe_strz(s->cloud_proxy_password),
        .log_level = tbe_strz(s->log_level),
        .log_format = tbe_strz(s->log_format),
        .port = (uint32_t)s->cloud_port,
        .proxy_port = (uint32_t)s->cloud_proxy_port,
        .ssl = s->cloud_ssl_enabled,
        .compress = strcmp(s->cloud_compression, "gzip") == 0,
        .reconnect_first = (uint32_t)s->cloud_reconnect_timeout,
        .reconnect_max = (uint32_t)s->cloud_reconnect_max,
        .connect_timeout = (uint32_t)s->cloud_connect_timeout,
        .close_timeout = (uint32_t)s->cloud_close_timeout * 1000,
        .keep_alive_time = (uint32_t)s->cloud_keep_alive_time * 1000,
        .keep_alive_timeout = (uint32_t)s->cloud_keep_alive_timeout * 1000,
        .max_inbound = (uint32_t)s->cloud_max_inbound,
        .last_session = l->session,
    };

    if (c.reconnect_max < c.reconnect_first) {
        c.reconnect_max = c.reconnect_first;
    }
    return link_config_put(&l->out, &c);
}

static void link_died(struct link_proc *l, const char *how);

static void
start_process(struct link_proc *l)
{
    struct front *f = l->front;
    char path[4096], err[160];
    int sv[2], rc;

    generation_find_tool("tbedge-link", path, sizeof path);
    l->started_ms = clock_mono_ns() / 1000000;
    if (!make_pair(sv)) {
        snprintf(err, sizeof err, "cannot be started: %s", strerror(errno));
        link_died(l, err);
        return;
    }
    rc = spawn(path, sv[1], &l->pid);
    close(sv[1]);
    if (rc != 0) {
        close(sv[0]);
        l->pid = 0;
        snprintf(err, sizeof err, "%.100s cannot be started: %s", path, strerror(rc));
        link_died(l, err);
        return;
    }
    l->fd = sv[0];
    l->in_n = l->out_at = l->out.n = 0;
    l->write_armed = l->blocked = l->broken = false;
    l->quiet = 0;
    event_assign(&l->rd, f->base, l->fd, EV_READ | EV_PERSIST, on_readable, l);
    event_assign(&l->wr, f->base, l->fd, EV_WRITE, on_writable, l);
    event_add(&l->rd, NULL);
    l->starts++;
    put_config(l);
    link_flush(l);
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
    struct link_proc *l = arg;

    (void)fd;
    (void)what;
    if (!l->pid && !l->front->stopping) {
        start_process(l);
    }
}

/* The process is gone, or did not start. */
static void
link_died(struct link_proc *l, const char *how)
{
    struct timeval tv;
    char text[200];

    if (clock_mono_ns() / 1000000 - l->started_ms >= STEADY_MS) {
        l->backoff_ms = BACKOFF_FIRST_MS;
    }
    snprintf(text, sizeof text, "the link process: %s", how);
    log_error("%s; it is started again in %lld ms", text, (long long)l->backoff_ms);
    link_lost(l, text, l->backoff_ms);
    tv = (struct timeval){ l->backoff_ms / 1000, l->backoff_ms % 1000 * 1000 };
    event_add(&l->restart, &tv);
    l->backoff_ms = l->backoff_ms * 2 < l->front->cfg.restart_max ? l->backoff_ms * 2
                                                                  : l->front->cfg.restart_max;
}

static void
close_socket(struct link_proc *l)
{
    event_del(&l->rd);
    event_del(&l->wr);
    close(l->fd);
    l->fd = -1;
    tbe_buf_free(&l->in);
    tbe_buf_free(&l->out);
    l->in_n = l->out_at = 0;
}

bool
link_start(struct front *f, char err[256])
{
    const struct settings *s = &f->cfg;
    struct link_proc *l;

    if (!s->cloud_routing_key[0] || !s->cloud_secret[0]) {
        if (s->cloud_routing_key[0] || s->cloud_secret[0]) {
            log_error("no cloud link: of cloud.routingKey and cloud.secret one is empty");
        }
        return true;
    }
    if (s->cloud_proxy_enabled && (!s->cloud_proxy_host[0] || !s->cloud_proxy_port)) {
        snprintf(err, 256, "cloud.rpc.proxy.enabled needs cloud.rpc.proxy.host and .port");
        return false;
    }
    if (!s->cloud_host[0]) {
        snprintf(err, 256, "cloud.rpc.host is empty");
        return false;
    }
    l = f->link = calloc(1, sizeof *l);
    if (!l) {
        snprintf(err, 256, "out of memory");
        return false;
    }
    l->front = f;
    l->fd = -1;
    l->first = l->next = 1;
    l->backoff_ms = BACKOFF_FIRST_MS;
    l->state = LINK_CONNECTING;
    l->since = (uint64_t)clock_ms();
    evtimer_assign(&l->restart, f->base, on_restart, l);
    start_process(l);
    return true;
}

/* Ending. */

static void
kill_broken(struct link_proc *l, const char *why)
{
    if (!l->broken) {
        l->broken = true;
        log_error("the link process %d %s: killed", (int)l->pid, why);
        kill(l->pid, SIGKILL);
    }
}

void
link_reap(struct front *f)
{
    struct link_proc *l = f->link;
    char how[64];
    int status;

    if (!l || !l->pid || waitpid(l->pid, &status, WNOHANG) != l->pid) {
        return;
    }
    l->pid = 0;
    if (WIFSIGNALED(status)) {
        snprintf(how, sizeof how, "died by signal %d", WTERMSIG(status));
    } else {
        snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
    }
    close_socket(l);
    if (!f->stopping) {
        link_died(l, how);
    }
}

/* Waits for the process, ms at most. False: it still runs. */
static bool
wait_for_end(struct link_proc *l, int64_t ms)
{
    int64_t end = clock_mono_ns() / 1000000 + ms;
    char sink[4096];

    while (clock_mono_ns() / 1000000 < end) {
        struct pollfd p = { l->fd, POLLIN, 0 };
        poll(&p, 1, 20);
        if (p.revents && recv(l->fd, sink, sizeof sink, MSG_DONTWAIT) == 0) {
            break; /* it has closed its end, as its last act */
        }
    }
    for (int i = 0; i < 20; i++) { /* its descriptors are closed: it exits */
        if (waitpid(l->pid, NULL, WNOHANG) != 0) {
            return true;
        }
        poll(NULL, 0, 5);
    }
    return false;
}

void
link_stop(struct front *f)
{
    struct link_proc *l = f->link;

    if (!l) {
        return;
    }
    if (l->pid) {
        struct timeval limit = { 1, 0 }; /* it may hang */
        frame_end(&l->out, frame_begin(&l->out, FR_DRAIN, 0, 0, 0, 0));
        setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        fcntl(l->fd, F_SETFL, fcntl(l->fd, F_GETFL) & ~O_NONBLOCK);
        link_flush(l);
        if (!wait_for_end(l, f->cfg.cloud_close_timeout * 1000 + STOP_SLACK_MS)) {
            kill(l->pid, SIGKILL);
            waitpid(l->pid, NULL, 0);
        }
        close_socket(l);
    }
    event_del(&l->restart);
    tbe_buf_free(&l->error);
    tbe_buf_free(&l->answer);
    free(l->ring);
    free(l);
    f->link = NULL;
}

/* The socket. */

void
link_flush(struct link_proc *l)
{
    if (l->out.oom) {
        l->out.n = l->out_at = 0;
        l->out.oom = false;
        kill_broken(l, "cannot be told: out of memory");
        return;
    }
    while (l->out_at < l->out.n) {
        ssize_t n = send(l->fd, l->out.p + l->out_at, l->out.n - l->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            if (errno == EAGAIN && !l->write_armed) {
                l->write_armed = event_add(&l->wr, NULL) == 0;
            }
            break;
        }
        l->out_at += (size_t)n;
    }
    if (l->out_at == l->out.n) {
        tbe_buf_free(&l->out);
        l->out_at = 0;
    } else if (l->out_at > l->out.n / 2) {
        l->out.n -= l->out_at;
        memmove(l->out.p, l->out.p + l->out_at, l->out.n);
        l->out_at = 0;
    }
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct link_proc *l = arg;

    (void)fd;
    (void)what;
    l->write_armed = false;
    link_flush(l);
}

/* Takes the whole frames that the window has room for. */
static void
take_frames(struct link_proc *l)
{
    size_t used = 0;
    struct frame fr;

    while (!l->broken) {
        int64_t n = frame_parse(l->in.p + used, l->in_n - used, &fr);
        if (n == 0) {
            break;
        }
        if (n > 0 && fr.type == FR_LINK && link_must_wait(l)) {
            l->blocked = true;
            event_del(&l->rd);
            break;
        }
        if (n < 0 || !link_take(l, &fr)) {
            kill_broken(l, n < 0 ? "sent what is no frame" : "sent a frame that cannot be taken");
            break;
        }
        used += (size_t)n;
    }
    l->in_n -= used;
    if (l->in_n) {
        memmove(l->in.p, l->in.p + used, l->in_n);
    } else if (l->in.cap > 4 * READ_FIRST) {
        tbe_buf_free(&l->in);
    }
}

static bool
read_once(struct link_proc *l)
{
    ssize_t n = frame_recv(l->fd, &l->in, &l->in_n, READ_FIRST);

    if (n == FRAME_NO_MEMORY) {
        kill_broken(l, "cannot be heard: out of memory");
    } else if (n == 0) {
        event_del(&l->rd); /* SIGCHLD follows */
    }
    if (n <= 0) {
        return false;
    }
    take_frames(l);
    return !l->blocked && !l->broken;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct link_proc *l = arg;

    (void)fd;
    (void)what;
    for (int i = 0; i < READ_TURN && read_once(l); i++) {
    }
}

void
link_tick(struct front *f)
{
    struct link_proc *l = f->link;

    if (l && l->pid && !l->broken && !link_alive(l)) {
        kill_broken(l, "does not answer");
    }
}

void
link_turn(struct front *f)
{
    struct link_proc *l = f->link;

    if (!l || !l->pid) {
        return;
    }
    if (l->blocked && !link_must_wait(l)) {
        l->blocked = false;
        take_frames(l);
        if (!l->blocked && !l->broken) {
            event_add(&l->rd, NULL);
        }
    }
    if (l->out.n && !l->write_armed) {
        link_flush(l);
    }
}
