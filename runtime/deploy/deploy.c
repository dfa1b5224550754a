/* SPDX-License-Identifier: Apache-2.0 */
/* The course of a deployment: quiet time, build (or a generation that is there already), swap, record.
 *
 * State row "deploy.source" holds the digest of the chains dealt with last, built or refused: while the
 * store's chains have this digest nothing is done, so an unchanged chain never rebuilds, a refused one is
 * not tried again and again, and a rollback by hand stays. DATA/generations/src-<digest> holds the
 * generation that was made of these chains. */
#include "config.h"
#include "deploy/deploy_int.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"

#define SOURCE TBE_STR("deploy.source")
#define TRIES TBE_STR("deploy.tries") /* swaps that were lost, in a row */
#define SWAP_TRIES 2
#define BUSY_RETRY_MS 1000
#define ERROR_MAX 1000 /* bytes of an error text */
#define ARGS_FIXED 16

static METRIC_COUNTER(m_builds, "tbedge_deploy_builds_total", "Rule chain builds begun.");
static METRIC_COUNTER(m_failed, "tbedge_deploy_failed_total", "Rule chain deployments that failed.");

struct deploy {
    struct deploy_env env;
    char generation[DEPLOY_DIGEST + 1]; /* what runs; "" = not in a generations directory */
    char tool[PATH_MAX];
    struct event *timer;
    int64_t first_change; /* monotonic ms of the first change that waits, 0 = none */
    struct deploy_job *job;
    bool swapping, again, draining;
    struct deploy_chains chains; /* of the build or swap under way */
    int64_t started, built;
    char next[DEPLOY_DIGEST + 1]; /* the generation being swapped to */
};

static int64_t
mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

static struct store_batch *
batch(struct deploy *d)
{
    return d->env.batch(d->env.arg);
}

/* .../generations/<digest>/worker */
static void
own_generation(struct deploy *d)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    char *slash, *dir;

    if (d->env.generation) {
        snprintf(d->generation, sizeof d->generation, "%s", d->env.generation);
        return;
    }
    if (n <= 0) {
        return;
    }
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (!slash) {
        return;
    }
    *slash = '\0';
    dir = strrchr(path, '/');
    if (dir && strspn(dir + 1, "0123456789abcdef") == DEPLOY_DIGEST && strlen(dir + 1) == DEPLOY_DIGEST) {
        memcpy(d->generation, dir + 1, DEPLOY_DIGEST + 1);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg);

struct deploy *
deploy_new(const struct deploy_env *env)
{
    struct deploy *d = calloc(1, sizeof *d);
    const char *tool = getenv("TBEDGEC"); /* set by the front, which knows where its programs are */

    if (!d) {
        return NULL;
    }
    d->env = *env;
    d->timer = evtimer_new(env->base, on_timer, d);
    if (!d->timer) {
        free(d);
        return NULL;
    }
    snprintf(d->tool, sizeof d->tool, "%s", tool && *tool ? tool : "tbedgec");
    own_generation(d);
    metric_register(&m_builds);
    metric_register(&m_failed);
    return d;
}

void
deploy_free(struct deploy *d)
{
    if (!d) {
        return;
    }
    job_stop(d->job);
    chains_free(&d->chains);
    event_free(d->timer);
    free(d);
}

static void
arm(struct deploy *d, int64_t ms)
{
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    evtimer_add(d->timer, &tv);
}

bool
deploy_busy(const struct deploy *d)
{
    return d->job || d->swapping || d->first_change;
}

void
deploy_drain(struct deploy *d)
{
    d->draining = true;
    d->first_change = 0;
    event_del(d->timer);
    job_stop(d->job);
    d->job = NULL;
}

void
deploy_chains_changed(struct deploy *d)
{
    int64_t now = mono_ms(), wait = DEPLOY_QUIET_MS;

    if (d->draining) {
        return;
    }
    if (d->job || d->swapping) {
        d->again = true;
        return;
    }
    if (!d->first_change) {
        d->first_change = now;
    }
    if (d->first_change + DEPLOY_WAIT_MS - now < wait) {
        wait = d->first_change + DEPLOY_WAIT_MS - now;
    }
    arm(d, wait > 0 ? wait : 0);
}

/* Files -------------------------------------------------------------------------------------------- */

static bool
path_of(char out[PATH_MAX], const struct deploy *d, const char *fmt, const char *name)
{
    char rest[320];

    snprintf(rest, sizeof rest, fmt, name);
    return snprintf(out, PATH_MAX, "%s/%s", d->env.dir, rest) < PATH_MAX;
}

static bool
is_digest(const char *s)
{
    return strlen(s) == DEPLOY_DIGEST && strspn(s, "0123456789abcdef") == DEPLOY_DIGEST;
}

/* The generation made of these chains before, when its worker is still there. */
static bool
built_before(struct deploy *d, char generation[DEPLOY_DIGEST + 1])
{
    char path[PATH_MAX];
    FILE *f = path_of(path, d, "generations/src-%s", d->chains.source) ? fopen(path, "re") : NULL;
    size_t n;

    if (!f) {
        return false;
    }
    n = fread(generation, 1, DEPLOY_DIGEST, f);
    generation[n] = '\0';
    fclose(f);
    return is_digest(generation) && path_of(path, d, "generations/%s/worker", generation) && access(path, X_OK) == 0;
}

/* Not being able to write it only means that these chains are built once more. */
static void
remember_built(struct deploy *d)
{
    char path[PATH_MAX], tmp[PATH_MAX];
    FILE *f;

    if (!path_of(path, d, "generations/src-%s", d->chains.source) ||
        !path_of(tmp, d, "generations/src-%s.tmp", d->chains.source) || !(f = fopen(tmp, "we"))) {
        return;
    }
    fprintf(f, "%s\n", d->next);
    if (fclose(f) != 0 || rename(tmp, path) != 0) {
        unlink(tmp);
    }
}

/* Notes about generations that are gone go too. */
static void
forget_gone(const struct deploy *d)
{
    char dir[PATH_MAX], path[PATH_MAX], generation[DEPLOY_DIGEST + 1];
    struct dirent *e;
    DIR *all = path_of(dir, d, "%s", "generations") ? opendir(dir) : NULL;

    while (all && (e = readdir(all))) {
        FILE *f;
        size_t n;

        if (strncmp(e->d_name, "src-", 4) != 0 || !path_of(path, d, "generations/%s", e->d_name) ||
            !(f = fopen(path, "re"))) {
            continue;
        }
        n = fread(generation, 1, DEPLOY_DIGEST, f);
        generation[n] = '\0';
        fclose(f);
        if (!is_digest(generation) ||
            (path_of(dir, d, "generations/%s/worker", generation) && access(dir, F_OK) != 0)) {
            unlink(path);
        }
    }
    if (all) {
        closedir(all);
    }
}

static bool
file_digest(const char *path, char hex[DEPLOY_DIGEST + 1])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p = MAP_FAILED;

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (p == MAP_FAILED) {
        return false;
    }
    hash_sha256_hex((struct tbe_str){ p, (size_t)st.st_size }, hex);
    munmap(p, (size_t)st.st_size);
    return hex[0] != '\0';
}

/* Ends --------------------------------------------------------------------------------------------- */

static void
record(struct deploy *d, const char *state, const char *error, struct tbe_str diagnostics)
{
    struct deploy_report r = { .state = state, .error = error, .source = d->chains.source,
                               .generation = d->next, .started = d->started, .built = d->built,
                               .finished = strcmp(state, "building") && strcmp(state, "swapping") ? clock_ms() : 0,
                               .chains = d->chains.n ? &d->chains : NULL, .diagnostics = diagnostics };

    report_put(batch(d), d->env.store, &r);
}

/* Whatever changed meanwhile is next. */
static void
over(struct deploy *d)
{
    d->swapping = false;
    chains_free(&d->chains);
    if (d->again) {
        d->again = false;
        deploy_chains_changed(d);
    }
}

static void
failed(struct deploy *d, struct tbe_str diagnostics, const char *error)
{
    struct tbe_str source = tbe_strz(d->chains.source);

    metric_add(&m_failed, 1);
    log_error("rule chains are not deployed, the old ones go on: %s", error);
    record(d, "failed", error, diagnostics);
    report_failed(batch(d), d->env.store, &d->chains, diagnostics, error);
    if (source.n) {
        store_put_state(batch(d), SOURCE, source);
    }
    over(d);
}

static void
ask_swap(struct deploy *d, const char *path)
{
    d->swapping = true;
    d->env.swap(d->env.arg, tbe_strz(path), tbe_strz(d->next));
}

/* Building ----------------------------------------------------------------------------------------- */

/* The compiler's diagnostics, one JSON object a line, as a list; other lines do not count. */
static tbe_val
diagnostics_list(struct tbe_arena *a, struct tbe_str out)
{
    tbe_val list = tbe_list_new(a, 0), v;

    for (const char *p = out.p, *end = out.p + out.n; p && p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((nl ? nl : end) - p);

        if (tbe_json_parse(a, (struct tbe_str){ p, n }, TBE_JSON_RAW, &v, NULL) == 0 && v.t == TBE_MAP) {
            tbe_list_push(a, list.u.l, v);
        }
        p += n + 1;
    }
    return list;
}

/* The first error of the report, else the first line the compiler said. */
static void
error_text(struct tbe_arena *a, int status, struct tbe_str out, struct tbe_str said, char text[ERROR_MAX])
{
    const char *nl = memchr(said.p, '\n', said.n);
    tbe_val list;

    if (status < 0) {
        snprintf(text, ERROR_MAX, "the compiler took more than %u s", DEPLOY_SECONDS);
        return;
    }
    list = diagnostics_list(a, out);
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        tbe_val diag = list.u.l->v[i], sev = TBE_UNDEF_VAL, message = TBE_UNDEF_VAL;

        if (diag.t == TBE_MAP) {
            sev = tbe_map_get(diag.u.m, TBE_STR("severity"));
            message = tbe_map_get(diag.u.m, TBE_STR("message"));
        }
        if (tbe_is_str(sev) && tbe_str_eqz(tbe_val_str(sev), "error") && tbe_is_str(message)) {
            snprintf(text, ERROR_MAX, "%.*s", (int)message.n, message.u.s);
            return;
        }
    }
    if (nl) {
        said.n = (size_t)(nl - said.p);
    }
    snprintf(text, ERROR_MAX, "the compiler ended with status %d%s%.*s", status, said.n ? ": " : "", (int)said.n,
             said.p);
}

/* The worker that was built goes to its place; the front then finds it there. */
static bool
install(struct deploy *d, const char *made, char path[PATH_MAX], char *error)
{
    char dir[PATH_MAX];

    if (!file_digest(made, d->next) || !path_of(dir, d, "generations/%s", d->next) ||
        !path_of(path, d, "generations/%s/worker", d->next)) {
        snprintf(error, ERROR_MAX, "the worker that was built cannot be read: %s", strerror(errno));
        return false;
    }
    if (access(path, X_OK) == 0) {
        return true;
    }
    if ((mkdir(dir, 0700) != 0 && errno != EEXIST) || rename(made, path) != 0) {
        snprintf(error, ERROR_MAX, "%.900s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

static void
built_done(struct deploy *d, struct tbe_str diagnostics)
{
    char made[PATH_MAX], path[PATH_MAX], error[ERROR_MAX] = "";
    bool ok = path_of(made, d, "%s/worker", "deploy") && install(d, made, path, error);

    d->built = clock_ms();
    if (!ok) {
        failed(d, diagnostics, error);
        return;
    }
    remember_built(d);
    forget_gone(d);
    log_info("%u rule chains built in %lld ms: generation %.12s", d->chains.n, (long long)(d->built - d->started),
             d->next);
    record(d, "swapping", NULL, diagnostics);
    store_put_state(batch(d), SOURCE, tbe_strz(d->chains.source));
    if (strcmp(d->next, d->generation) == 0) { /* other text, same code */
        record(d, "live", NULL, diagnostics);
        report_running(batch(d), d->env.store, d->env.program);
        over(d);
        return;
    }
    ask_swap(d, path);
}

static void
on_built(void *arg, int status, struct tbe_str out, struct tbe_str said)
{
    struct deploy *d = arg;
    char dir[PATH_MAX], text[ERROR_MAX];
    struct tbe_str diagnostics;
    struct tbe_arena a;

    d->job = NULL;
    tbe_arena_init(&a, 0);
    diagnostics = tbe_json_text(&a, diagnostics_list(&a, out), TBE_OUT_JAVA);
    if (status == 0) {
        built_done(d, diagnostics);
    } else {
        error_text(&a, status, out, said, text);
        failed(d, diagnostics, text);
    }
    tbe_arena_free(&a);
    if (path_of(dir, d, "%s", "deploy")) {
        chains_remove(dir);
    }
}

static void
build(struct deploy *d)
{
    char dir[PATH_MAX], made[PATH_MAX], objects[PATH_MAX], err[256];
    const char *cc = getenv("TBEDGE_DEPLOY_CC");
    const char **argv = calloc(d->chains.n + ARGS_FIXED, sizeof *argv);
    struct tbe_arena *a = &d->chains.arena;
    int n = 0;

    if (!argv || !path_of(dir, d, "%s", "deploy") || !path_of(made, d, "%s/worker", "deploy") ||
        !path_of(objects, d, "%s", "objects") || chains_write(&d->chains, dir) != 0) {
        snprintf(err, sizeof err, "the chains cannot be written: %s", strerror(argv ? errno : ENOMEM));
        free(argv);
        failed(d, TBE_STR("[]"), err);
        return;
    }
    argv[n++] = d->tool;
    argv[n++] = "build";
    argv[n++] = "--format";
    argv[n++] = "json";
    if (cc && *cc) {
        argv[n++] = "--cc";
        argv[n++] = cc;
    }
    argv[n++] = "--objects"; /* only what has changed is compiled */
    argv[n++] = objects;
    argv[n++] = "-o";
    argv[n++] = made;
    argv[n++] = "--";
    for (uint32_t i = 0; i < d->chains.n; i++) {
        char id[TBE_UUID_TEXT + 1];

        tbe_uuid_text(&d->chains.v[i].id, id);
        argv[n++] = tbe_arena_fmt(a, "%s/%s.json", dir, id).p;
    }
    metric_add(&m_builds, 1);
    d->job = job_start(d->env.base, argv, on_built, d, err);
    free(argv);
    if (!d->job) {
        failed(d, TBE_STR("[]"), err);
        return;
    }
    record(d, "building", NULL, TBE_STR_NONE);
}

static void
begin(struct deploy *d)
{
    char path[PATH_MAX];
    struct tbe_str done;

    if (!chains_read(&d->chains, d->env.store, d->tool)) {
        chains_free(&d->chains);
        return;
    }
    done = store_state(d->env.store, SOURCE);
    if (tbe_str_eqz(done, d->chains.source)) {
        chains_free(&d->chains);
        return;
    }
    d->started = clock_ms();
    d->built = 0;
    d->next[0] = '\0';
    if (!built_before(d, d->next)) {
        d->next[0] = '\0';
        build(d);
        return;
    }
    d->built = d->started;
    store_put_state(batch(d), SOURCE, tbe_strz(d->chains.source));
    if (strcmp(d->next, d->generation) == 0) {
        record(d, "live", NULL, TBE_STR("[]"));
        report_running(batch(d), d->env.store, d->env.program);
        over(d);
        return;
    }
    log_info("rule chains were built before: generation %.12s", d->next);
    record(d, "swapping", NULL, TBE_STR("[]"));
    path_of(path, d, "generations/%s/worker", d->next);
    ask_swap(d, path);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct deploy *d = arg;
    char path[PATH_MAX];

    (void)fd;
    (void)what;
    d->first_change = 0;
    if (d->draining) {
        return;
    }
    if (d->swapping) { /* the front was busy */
        path_of(path, d, "generations/%s/worker", d->next);
        ask_swap(d, path);
        return;
    }
    begin(d);
}

/* Swaps -------------------------------------------------------------------------------------------- */

void
deploy_swap_failed(struct deploy *d, bool busy, struct tbe_str why)
{
    char text[ERROR_MAX];

    if (!d->swapping) {
        return;
    }
    if (busy) {
        arm(d, BUSY_RETRY_MS);
        return;
    }
    snprintf(text, sizeof text, "%.*s", (int)(why.n < 900 ? why.n : 900), why.p ? why.p : "");
    failed(d, TBE_STR_NONE, text);
}

/* A swap that was asked for has not taken place: the machine or the new worker went down. Tried again, but
 * not for ever. */
static void
swap_lost(struct deploy *d, struct deploy_report *r)
{
    struct tbe_str t = store_state(d->env.store, TRIES);
    int64_t tries = 0;
    char text[24];

    (void)!tbe_parse_long(t, &tries);
    snprintf(text, sizeof text, "%lld", (long long)tries + 1);
    store_put_state(batch(d), TRIES, tbe_strz(text));
    if (tries < SWAP_TRIES) {
        store_put_state(batch(d), SOURCE, TBE_STR_NONE);
    }
    r->state = "failed";
    r->error = "the new worker ended before it had taken over";
    report_failed(batch(d), d->env.store, &d->chains, TBE_STR("[]"), r->error);
}

void
deploy_start(struct deploy *d)
{
    char state[16], generation[DEPLOY_DIGEST + 1], source[DEPLOY_DIGEST + 1];
    struct store *s = d->env.store;
    struct deploy_report r = { .source = source, .generation = generation, .finished = clock_ms() };

    report_get(s, "state", state, sizeof state);
    report_get(s, "generation", generation, sizeof generation);
    report_get(s, "source", source, sizeof source);
    r.started = report_time(s, "startedTs");
    r.built = report_time(s, "builtTs");
    if (generation[0] && strcmp(generation, d->generation) == 0 && strcmp(state, "live") != 0) {
        r.state = "live";
        log_info("rule chains are live, %lld ms after the deployment began", (long long)(r.finished - r.started));
        report_running(batch(d), s, d->env.program);
        store_put_state(batch(d), TRIES, TBE_STR_NONE);
    } else if (strcmp(generation, d->generation) != 0 && strcmp(state, "swapping") == 0) {
        swap_lost(d, &r);
    } else if (strcmp(generation, d->generation) != 0 && strcmp(state, "live") == 0) {
        r.state = "rolledback";
        r.error = "another generation runs than the one made of the rule chains";
        report_failed(batch(d), s, &d->chains, TBE_STR("[]"), r.error);
    }
    if (r.state) {
        report_put(batch(d), s, &r);
    }
    deploy_chains_changed(d);
}
