/* SPDX-License-Identifier: Apache-2.0 */
/* What a generated worker's main() calls: options, and the modes that are not the daemon's. */
#include "config.h"

#include "worker/modes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/control.h"
#include "base/log.h"
#include "replay/replay.h"

struct command_result {
    struct tbe_buf out, err; /* shown when the changes are durable */
    int status;
    bool done;
};

static void
on_reply(void *arg, int status, struct tbe_str out, struct tbe_str err)
{
    struct command_result *r = arg;

    tbe_buf_puts(&r->out, out);
    tbe_buf_puts(&r->err, err);
    r->status = status;
    r->done = true;
}

int
worker_command(const struct worker_options *o, int argc, char **argv)
{
    struct store_options so = { .dir = o->dir, .sync_commit = true };
    struct control_env env = { .dir = o->dir, .stream = stdout };
    struct command_result res = { .status = 1 };
    struct tbe_str *words = calloc((size_t)argc + 1, sizeof(*words));
    struct store_batch *b;
    struct store *s;
    struct stat st;
    char err[256] = "", cwd[4096] = "";

    if (control_help(argc, argv)) {
        free(words);
        return 0;
    }
    so.read_only = control_reads(argc, argv) && stat(o->dir, &st) == 0;
    if (words == NULL || store_open(&s, &so, NULL, err) != 0) {
        fprintf(stderr, "tbedge: %s\n", err[0] ? err : "out of memory");
        free(words);
        return 1;
    }
    for (int i = 0; i < argc; i++) {
        words[i] = tbe_strz(argv[i]);
    }
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        cwd[0] = '\0';
    }
    env.hub = hub_new(s, "tbedge");
    b = store_batch_new(s);
    hub_batch_set(env.hub, b);
    control_run(&env, argc, words, tbe_strz(cwd), TBE_STR_NONE, on_reply, &res);
    store_commit(s, &b);
    hub_free(env.hub);
    store_close(s);
    free(words);
    fwrite(res.out.p ? res.out.p : "", 1, res.out.n, stdout);
    fwrite(res.err.p ? res.err.p : "", 1, res.err.n, stderr);
    tbe_buf_free(&res.out);
    tbe_buf_free(&res.err);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "tbedge: standard output: %s\n", strerror(errno));
        return 1;
    }
    return res.done ? res.status : 1;
}

/* Run by hand: start tbedge around this program. */
static int
run_front(char *self)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *argv[] = { (char *)(uintptr_t)"tbedge", (char *)(uintptr_t)"run", self, NULL };

    if (n > 0) {
        path[n] = '\0';
        argv[2] = path;
    }
    execvp(getenv("TBEDGE") ? getenv("TBEDGE") : "tbedge", argv);
    fprintf(stderr, "%s: tbedge cannot be started: %s (set TBEDGE to its path)\n", self, strerror(errno));
    return 1;
}

static int
usage(const char *self, FILE *to)
{
    fprintf(to,
            "usage: %s                                   start tbedge with this worker\n"
            "       %s --data DIR --command COMMAND...   one command of tbedge on a data directory\n"
            "       %s --replay FILE                     run test scenarios\n", self, self, self);
    return to == stdout ? 0 : 2;
}

static int
number(const char *s)
{
    char *end;
    long v = strtol(s, &end, 10);

    return *s == '\0' || *end != '\0' || v < -1 || v > 1 << 20 ? -2 : (int)v;
}

int
tbe_worker_main(const struct tbe_program *p, int argc, char **argv)
{
    struct worker_options o = { -1, -1, NULL, NULL };
    const char *format = getenv("TBE_LOG_FORMAT"), *level = getenv("TBE_LOG_LEVEL");

    if (argc < 2) {
        return run_front(argv[0]);
    }
    log_setup(level && strcmp(level, "debug") == 0 ? LOG_DEBUG : LOG_INFO, format && strcmp(format, "json") == 0,
              "worker");
    for (int i = 1; i < argc; i++) {
        const char *opt = argv[i], *val = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(opt, "--help") == 0 || strcmp(opt, "-h") == 0) {
            return usage(argv[0], stdout);
        }
        if (strcmp(opt, "--version") == 0) {
            printf("worker %.12s of tbedgec %s\n", p->digest, p->version);
            return 0;
        }
        if (strcmp(opt, "--command") == 0) {
            if (o.dir == NULL) {
                return usage(argv[0], stderr);
            }
            return worker_command(&o, argc - i - 1, argv + i + 1);
        }
        if (strcmp(opt, "--replay") == 0) {
            return replay_main(p, argc - i - 1, argv + i + 1);
        }
        if (val == NULL) {
            return usage(argv[0], stderr);
        }
        i++;
        if (strcmp(opt, "--frames") == 0) {
            o.frames_fd = number(val);
        } else if (strcmp(opt, "--http") == 0) {
            o.http_fd = number(val);
        } else if (strcmp(opt, "--data") == 0) {
            o.dir = val;
        } else if (strcmp(opt, "--service-id") == 0) {
            o.service_id = val;
        } else if (strcmp(opt, "--config") != 0) {
            return usage(argv[0], stderr);
        }
    }
    if (o.frames_fd < 0 || o.http_fd < -1 || o.dir == NULL) {
        return usage(argv[0], stderr);
    }
    return worker_serve(p, &o);
}
