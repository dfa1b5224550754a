/* SPDX-License-Identifier: Apache-2.0 */
/* fork, limits, exec, poll, wait. Each child leads a process group, so that cc's own children go with it
 * when the time is up. */
#include "config.h"
#include "drive/child.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_JOBS 16

static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
limit(int what, rlim_t n)
{
    struct rlimit r;
    if (getrlimit(what, &r) == 0 && (r.rlim_max == RLIM_INFINITY || r.rlim_max > n)) {
        r.rlim_cur = r.rlim_max = n;
        (void)setrlimit(what, &r);
    }
}

static void TBE_NORETURN
become(const struct child *c, int out)
{
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0) {
        dup2(null, 0);
    }
    dup2(out, 1);
    dup2(out, 2);
    limit(RLIMIT_CPU, c->seconds);
    limit(RLIMIT_CORE, 0);
    if (c->memory) {
        limit(RLIMIT_AS, c->memory);
    }
    execvp(c->argv[0], (char *const *)(uintptr_t)c->argv);
    dprintf(2, "cannot run %s: %s\n", c->argv[0], strerror(errno));
    _exit(127);
}

static void
start(struct child *c)
{
    int p[2];
    c->status = 127;
    c->fd = -1;
    if (pipe(p) != 0) {
        return;
    }
    fcntl(p[0], F_SETFD, FD_CLOEXEC);
    fcntl(p[1], F_SETFD, FD_CLOEXEC);
    fflush(NULL);
    c->pid = fork();
    if (c->pid == 0) {
        become(c, p[1]);
    }
    close(p[1]);
    if (c->pid < 0) {
        close(p[0]);
        return;
    }
    setpgid(c->pid, c->pid);
    c->fd = p[0];
    c->deadline_ms = now_ms() + (int64_t)c->seconds * 1000;
}

/* The rest of its output is read; false at the end. */
static bool
drain(struct child *c)
{
    char buf[4096];
    ssize_t n = read(c->fd, buf, sizeof buf);
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN;
    }
    size_t room = c->output.n < c->output_max ? c->output_max - c->output.n : 0;
    c->cut |= (size_t)n > room;
    tbe_buf_put(&c->output, buf, (size_t)n < room ? (size_t)n : room);
    return n > 0;
}

static void
finish(struct child *c)
{
    int st = 0;
    close(c->fd);
    c->fd = -1;
    while (waitpid(c->pid, &st, 0) < 0 && errno == EINTR) {
    }
    c->status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

static void
wait_some(struct child **run, size_t *n_run)
{
    struct pollfd fds[MAX_JOBS];
    for (size_t i = 0; i < *n_run; i++) {
        fds[i] = (struct pollfd){ .fd = run[i]->fd, .events = POLLIN };
    }
    int rc = poll(fds, *n_run, 200);
    size_t kept = 0;
    for (size_t i = 0; i < *n_run; i++) {
        struct child *c = run[i];
        bool open = true;
        if (rc > 0 && fds[i].revents) {
            open = drain(c);
        }
        if (open && now_ms() > c->deadline_ms) {
            c->timed_out = true;
            kill(-c->pid, SIGKILL);
            open = false;
        }
        if (open) {
            run[kept++] = c;
        } else {
            finish(c);
        }
    }
    *n_run = kept;
}

int
children_run(struct child *v, size_t n, size_t jobs)
{
    struct child *run[MAX_JOBS];
    size_t n_run = 0, next = 0;
    bool failed = false;
    jobs = jobs < 1 ? 1 : jobs > MAX_JOBS ? MAX_JOBS : jobs;
    for (size_t i = 0; i < n; i++) {
        v[i].status = -1;
    }
    while (n_run || (next < n && !failed)) {
        while (n_run < jobs && next < n && !failed) {
            struct child *c = &v[next++];
            start(c);
            if (c->fd < 0) {
                failed = true;
            } else {
                run[n_run++] = c;
            }
        }
        if (n_run) {
            wait_some(run, &n_run);
        }
        for (size_t i = 0; i < next; i++) {
            failed |= v[i].fd < 0 && v[i].status != 0;
        }
    }
    return failed ? -1 : 0;
}
