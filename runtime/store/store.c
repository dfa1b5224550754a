/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing and taking over a store; its link to the event loop; figures. */
#include "config.h"
#include "store/internal.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"

#define LOCK_NAME "store.lock"
#define LOCK_WAIT_MS 5000
#define LOG_MAX_BYTES (1ll << 30)
#define LOG_MAX_AGE_MS (30ll * 24 * 3600 * 1000)
#define MAX_EVENTS 1000000

static char *
path_in(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *p = malloc(n);
    if (p) {
        snprintf(p, n, "%s/%s", dir, name);
    }
    return p;
}

static int
make_dirs(const char *dir, char err[256])
{
    char *p = strdup(dir);
    if (!p) {
        store_oom();
    }
    for (char *q = p + 1;; q++) {
        if (*q != '/' && *q) {
            continue;
        }
        char c = *q;
        *q = 0;
        if (mkdir(p, 0700) < 0 && errno != EEXIST) {
            snprintf(err, 256, "cannot create %s: %s", p, strerror(errno));
            free(p);
            return -1;
        }
        if (!c) {
            break;
        }
        *q = c;
    }
    free(p);
    return 0;
}

/* The lock dies with the process, so a killed writer never blocks its successor. */
static int
take_lock(struct store *s, char err[256])
{
    char *p = path_in(s->dir, LOCK_NAME);
    int fd = p ? open(p, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    free(p);
    if (fd < 0) {
        snprintf(err, 256, "cannot open the lock file in %s: %s", s->dir, strerror(errno));
        return -1;
    }
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += 5) {
        if (errno != EWOULDBLOCK || waited >= LOCK_WAIT_MS) {
            snprintf(err, 256, errno == EWOULDBLOCK ? "%s is in use by another process" : "cannot lock %s", s->dir);
            close(fd);
            return -1;
        }
        usleep(5000);
    }
    s->lock_fd = fd;
    return 0;
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    uint64_t n;
    ssize_t got = read(fd, &n, sizeof n);
    (void)got;
    store_complete(arg);
}

static int
attach_loop(struct store *s, char err[256])
{
    s->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->efd < 0) {
        snprintf(err, 256, "cannot make an event descriptor: %s", strerror(errno));
        return -1;
    }
    if (!s->base) {
        return 0;
    }
    s->ev = event_new(s->base, s->efd, EV_READ | EV_PERSIST, on_done, s);
    if (!s->ev || event_add(s->ev, NULL) < 0) {
        snprintf(err, 256, "cannot watch the store in the event loop");
        return -1;
    }
    return 0;
}

static void
load_small_state(struct store *s)
{
    int64_t epoch = db_meta(s->rd, "frame_epoch", 0), seq = db_meta(s->rd, "frame_seq", 0);
    sqlite3_stmt *st = db_stmt(s->rd, ST_LOG_SEQ);
    if (db_row(s->rd, st)) { /* what trimming has left in meta may be newer */
        if (sqlite3_column_int64(st, 2) > db_meta(s->rd, "frame_row", 0)) {
            epoch = sqlite3_column_int64(st, 0);
            seq = sqlite3_column_int64(st, 1);
        }
        sqlite3_reset(st);
    }
    s->epoch = (uint64_t)epoch;
    s->seq = (uint64_t)seq;
    struct tbe_str t = store_state(s, TBE_STR("tenant"));
    s->tenant = tbe_uuid_null;
    if (t.n == sizeof s->tenant.b) {
        memcpy(s->tenant.b, t.p, t.n);
    }
}

static int
open_for_writing(struct store *s, char err[256])
{
    char *path = NULL;
    if (s->dir) {
        if (take_lock(s, err) < 0) {
            return -1;
        }
        path = path_in(s->dir, STORE_DB_NAME);
    }
    int rc = writer_open(&s->w, path ? path : "", path ? DB_WRITE : DB_MEMORY, err);
    if (rc == 0 && path && !s->sync) {
        rc = db_open(&s->rd_own, path, DB_READ, err);
        s->rd = &s->rd_own;
    } else {
        s->rd = &s->w.db;
    }
    free(path);
    if (rc < 0) {
        return -1;
    }
    struct compactor *c = &s->w.c;
    c->log_max_bytes = s->o.log_max_bytes;
    c->log_max_age_ms = s->o.log_max_age_ms;
    c->ttl_ms = s->o.ttl_ms;
    c->max_events = s->o.max_events;
    load_small_state(s);
    /* first open; before the thread runs, so it is written at once */
    if (tbe_uuid_is_null(&s->tenant)) {
        struct store_batch *b = store_batch_new(s);
        store_first_rows(s, b);
        uint64_t errors = (uint64_t)atomic_load(&s->w.st.commit_errors);
        store_commit(s, &b);
        store_complete(s);
        if ((uint64_t)atomic_load(&s->w.st.commit_errors) != errors || s->given.first) {
            snprintf(err, 256, "cannot write the first rows: %s", sqlite3_errmsg(s->w.db.h));
            return -1;
        }
    }
    if (!s->sync && (attach_loop(s, err) < 0)) {
        return -1;
    }
    if (!s->sync && writer_start(&s->w, s->efd) < 0) {
        snprintf(err, 256, "cannot start the writer thread");
        return -1;
    }
    return 0;
}

static int
open_for_reading(struct store *s, char err[256])
{
    char *path = path_in(s->dir, STORE_DB_NAME);
    if (!path || access(path, F_OK) < 0) {
        snprintf(err, 256, "there is no data in %s", s->dir);
        free(path);
        return -1;
    }
    int rc = db_open(&s->rd_own, path, DB_READ, err);
    free(path);
    if (rc == DB_OLDER && s->o.migrate_later) {
        return 0; /* store_take_over brings it up to date */
    }
    if (rc < 0) {
        return -1;
    }
    s->rd = &s->rd_own;
    load_small_state(s);
    return 0;
}

static void
setup_cache(struct store *s)
{
    if (cache_init(&s->cache, STORE_CACHE_BYTES) < 0) {
        store_oom();
    }
    entity_cache_setup(&s->cache);
    attr_cache_setup(&s->cache);
    state_cache_setup(&s->cache);
    relation_cache_setup(&s->cache);
    alarm_cache_setup(&s->cache);
    latest_cache_setup(&s->cache);
}

int
store_open(struct store **out, const struct store_options *o, struct event_base *base,
           char err[256])
{
    *out = NULL;
    err[0] = 0;
    struct store *s = calloc(1, sizeof *s);
    if (!s) {
        store_oom();
    }
    s->o = *o;
    s->o.log_max_bytes = o->log_max_bytes > 0 ? o->log_max_bytes : LOG_MAX_BYTES;
    s->o.log_max_age_ms = o->log_max_age_ms > 0 ? o->log_max_age_ms : LOG_MAX_AGE_MS;
    s->o.max_events = o->max_events > 0 ? o->max_events : MAX_EVENTS;
    s->sync = o->sync_commit || !o->dir;
    s->readonly = o->read_only;
    s->base = base;
    s->efd = s->lock_fd = s->w.efd = -1;
    s->next_no = 2;
    s->dir = o->dir ? strdup(o->dir) : NULL;
    s->o.dir = s->dir;
    setup_cache(s);
    int rc;
    if (o->read_only && o->dir) {
        rc = open_for_reading(s, err);
    } else {
        rc = o->dir ? make_dirs(o->dir, err) : 0;
        rc = rc == 0 ? open_for_writing(s, err) : rc;
    }
    if (rc < 0) {
        store_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

static void
close_connections(struct store *s)
{
    writer_stop(&s->w);
    if (s->w.db.h) {
        store_complete(s);
    }
    if (s->ev) {
        event_free(s->ev);
        s->ev = NULL;
    }
    if (s->efd >= 0) {
        close(s->efd);
        s->efd = -1;
    }
    if (s->rd_own.h) {
        db_close(&s->rd_own);
    }
    writer_close(&s->w); /* last: it checkpoints and removes the WAL */
    if (s->lock_fd >= 0) {
        close(s->lock_fd);
        s->lock_fd = -1;
    }
}

void
store_close(struct store *s)
{
    if (!s) {
        return;
    }
    close_connections(s);
    store_batches_free(s);
    cache_free(&s->cache);
    free(s->dir);
    free(s);
}

int
store_take_over(struct store *s, char err[256])
{
    if (!s->readonly) {
        return 0;
    }
    close_connections(s);
    cache_clear(&s->cache);
    s->tail_loaded = false;
    memset(&s->w, 0, sizeof s->w);
    s->w.efd = -1;
    s->readonly = false;
    if (open_for_writing(s, err) < 0) {
        close_connections(s);
        s->readonly = true;
        char again[256];
        if (open_for_reading(s, again) < 0) {
            log_error("store: %s", again);
        }
        return -1;
    }
    return 0;
}

void
store_wait(struct store *s)
{
    while (s->given.first) {
        store_complete(s);
        if (s->given.first) {
            usleep(200);
        }
    }
}

void
store_end_turn(struct store *s)
{
    cache_trim(&s->cache, store_done_no(s), (uint64_t)atomic_load(&s->w.st.compacted_no));
}

static int64_t
one_number(struct store *s, enum stmt id)
{
    sqlite3_stmt *st = db_stmt(s->rd, id);
    int64_t v = 0;
    if (db_row(s->rd, st)) {
        v = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return v;
}

void
store_stats(struct store *s, struct store_stats *out)
{
    memset(out, 0, sizeof *out);
    struct writer_stats *w = &s->w.st;
    if (s->readonly) { /* the writing process's counters, as far as they are in the database */
        compact_read_counters(s->rd, w);
    }
    out->points = atomic_load(&w->points);
    out->log_rows = atomic_load(&w->log_rows);
    out->log_bytes = atomic_load(&w->log_bytes);
    out->outbox_telemetry = atomic_load(&w->outbox);
    out->dropped = atomic_load(&w->dropped);
    out->commits = atomic_load(&w->commits);
    out->commit_errors = atomic_load(&w->commit_errors);
    out->healthy = !atomic_load(&w->unhealthy);
    out->outbox_general = one_number(s, ST_EVENT_COUNT);
    out->parked = one_number(s, ST_PARKED_COUNT);
    out->entities = one_number(s, ST_ENTITY_COUNT);
    int64_t general = one_number(s, ST_EVENT_OLDEST), telemetry = 0;
    sqlite3_stmt *st = db_stmt(s->rd, ST_LOG_OLDEST_PUSHED);
    int64_t uplink = db_meta(s->rd, "uplink", 0);
    if (st) {
        sqlite3_bind_int64(st, 1, uplink >> 20);
        sqlite3_bind_int64(st, 2, uplink & 0xfffff);
    }
    if (db_row(s->rd, st)) {
        telemetry = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    out->telemetry_oldest_ms = telemetry;
    out->general_oldest_ms = general;
    out->outbox_oldest_ms = !general || (telemetry && telemetry < general) ? telemetry : general;
}
