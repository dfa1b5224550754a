/* SPDX-License-Identifier: Apache-2.0 */
/* One child process with its output on two pipes. It leads a process group, so that the C compilers it
 * runs end with it; it is nice to the worker and bounded in time and memory. */
#include "config.h"
#include "deploy/deploy_int.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY 0 /* reserves terabytes */
#else
#define MEMORY DEPLOY_MEMORY
#endif
#define REAP_MS 5 /* between looks at a child that has closed its output */

struct stream {
    struct deploy_job *job;
    struct event *ev;
    struct tbe_buf text;
    int fd;
};

struct deploy_job {
    pid_t pid;
    struct stream out, err;
    struct event *deadline, *reap;
    deploy_job_fn *fn;
    void *arg;
    bool late;
};

static void
limit(int what, rlim_t n)
{
    struct rlimit r;

    if (getrlimit(what, &r) == 0 && (r.rlim_max == RLIM_INFINITY || r.rlim_max > n)) {
        r.rlim_cur = r.rlim_max = n;
        (void)setrlimit(what, &r);
    }
}

/* In the child: nothing but calls that are safe after fork in a process with threads. */
static void TBE_NORETURN
become(const char *const *argv, int out, int err)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    (void)setpriority(PRIO_PROCESS, 0, DEPLOY_NICE);
    for (int s = 1; s < 32; s++) {
        signal(s, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(null, 0);
    dup2(out, 1);
    dup2(err, 2);
    closefrom(3); /* the worker's sockets and locks are not for it */
    limit(RLIMIT_CPU, DEPLOY_SECONDS);
    limit(RLIMIT_CORE, 0);
    if (MEMORY != 0) {
        limit(RLIMIT_AS, MEMORY);
    }
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void
job_free(struct deploy_job *j)
{
    struct stream *s[] = { &j->out, &j->err };

    for (int i = 0; i < 2; i++) {
        if (s[i]->ev) {
            event_free(s[i]->ev);
        }
        if (s[i]->fd >= 0) {
            close(s[i]->fd);
        }
        tbe_buf_free(&s[i]->text);
    }
    if (j->deadline) {
        event_free(j->deadline);
    }
    if (j->reap) {
        event_free(j->reap);
    }
    free(j);
}

static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
    struct deploy_job *j = arg;
    struct timeval tv = { 0, REAP_MS * 1000 };
    int status;
    pid_t got;

    (void)fd;
    (void)what;
    got = waitpid(j->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) {
        evtimer_add(j->reap, &tv);
        return;
    }
    status = got < 0 ? 127 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    j->fn(j->arg, j->late ? -1 : status, tbe_buf_str(&j->out.text), tbe_buf_str(&j->err.text));
    job_free(j);
}

static void
on_output(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;
    struct deploy_job *j = s->job;
    char buf[8192];
    ssize_t n = read(fd, buf, sizeof buf);

    (void)what;
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n > 0) {
        size_t room = s->text.n < DEPLOY_OUTPUT_MAX ? DEPLOY_OUTPUT_MAX - s->text.n : 0;
        tbe_buf_put(&s->text, buf, (size_t)n < room ? (size_t)n : room);
        return;
    }
    event_free(s->ev);
    s->ev = NULL;
    if (!j->out.ev && !j->err.ev) {
        on_reap(-1, 0, j);
    }
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct deploy_job *j = arg;

    (void)fd;
    (void)what;
    j->late = true;
    kill(-j->pid, SIGKILL);
    kill(j->pid, SIGKILL);
}

static bool
open_pipe(int p[2])
{
    return pipe2(p, O_CLOEXEC) == 0 && fcntl(p[0], F_SETFL, O_NONBLOCK) == 0;
}

static bool
watch(struct deploy_job *j, struct event_base *base, struct stream *s)
{
    s->job = j;
    s->ev = event_new(base, s->fd, EV_READ | EV_PERSIST, on_output, s);
    return s->ev && event_add(s->ev, NULL) == 0;
}

struct deploy_job *
job_start(struct event_base *base, const char *const *argv, deploy_job_fn *fn, void *arg, char err[256])
{
    struct deploy_job *j = calloc(1, sizeof *j);
    int o[2] = { -1, -1 }, e[2] = { -1, -1 };
    struct timeval tv = { DEPLOY_SECONDS, 0 };

    if (!j) {
        snprintf(err, 256, "out of memory");
        return NULL;
    }
    *j = (struct deploy_job){ .fn = fn, .arg = arg, .out.fd = -1, .err.fd = -1 };
    if (!open_pipe(o) || !open_pipe(e) || (j->pid = fork()) < 0) {
        snprintf(err, 256, "cannot start %.150s: %s", argv[0], strerror(errno));
        for (int i = 0; i < 2; i++) {
            close(o[i]);
            close(e[i]);
        }
        free(j);
        return NULL;
    }
    if (j->pid == 0) {
        become(argv, o[1], e[1]);
    }
    setpgid(j->pid, j->pid);
    close(o[1]);
    close(e[1]);
    j->out.fd = o[0];
    j->err.fd = e[0];
    j->deadline = evtimer_new(base, on_deadline, j);
    j->reap = evtimer_new(base, on_reap, j);
    if (!j->deadline || !j->reap || evtimer_add(j->deadline, &tv) != 0 || !watch(j, base, &j->out) ||
        !watch(j, base, &j->err)) {
        snprintf(err, 256, "out of memory");
        job_stop(j);
        return NULL;
    }
    return j;
}

void
job_stop(struct deploy_job *j)
{
    if (!j) {
        return;
    }
    kill(-j->pid, SIGKILL);
    kill(j->pid, SIGKILL);
    while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    job_free(j);
}
