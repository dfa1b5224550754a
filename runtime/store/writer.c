/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit (writer.h). One transaction takes everything that was given while the previous one was
 * being written. A transaction that fails is tried again, whole, until it succeeds. */
#include "config.h"
#include "store/writer.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/internal.h"

#define ROW_BYTES (4u << 20)         /* a commit's log row is split beyond this */
#define ROW_PUSHED ((1u << 20) - 1)  /* ordinals of pushes in a row have 20 bits */
#define WAL_PAGES 2000               /* checkpoint beyond this: bounds recovery and disk use (8 MiB) */
#define WAL_PAGES_IDLE 250
#define RETRY_MIN_MS 10
#define RETRY_MAX_MS 1000
#define CLOSE_PATIENCE_MS 5000       /* closing with a disk that refuses writes */
#define IDLE_MS 200
#define GATHER_MS 20       /* between the starts of two commits, while little waits */
#define GATHER_QUIET_MS 4  /* nothing more came for so long */
#define GATHER_BYTES 4096  /* of packed points: about a hundred messages are worth a commit of their own */
#define HOUSEKEEPING_MS 60000

static int
on_wal(void *arg, sqlite3 *h, const char *name, int pages)
{
    (void)h;
    (void)name;
    ((struct writer *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static bool
load_counters(struct writer *w)
{
    sqlite3_stmt *st = db_stmt(&w->db, ST_LOG_MAX);
    int64_t next = db_meta(&w->db, "next_log", 1);
    if (db_row(&w->db, st)) {
        int64_t max = sqlite3_column_int64(st, 0);
        next = max >= next ? max + 1 : next;
        sqlite3_reset(st);
    }
    w->next_log = (uint64_t)next;
    return compact_open(w);
}

int
writer_open(struct writer *w, const char *path, enum db_mode mode, char err[256])
{
    w->efd = -1;
    w->queue_end = &w->queue;
    w->done_end = &w->done;
    if (db_open(&w->db, path, mode, err) < 0) {
        return -1;
    }
    sqlite3_wal_hook(w->db.h, on_wal, w);
    if (!load_counters(w)) {
        snprintf(err, 256, "cannot read the log: %s", sqlite3_errmsg(w->db.h));
        db_close(&w->db);
        return -1;
    }
    pthread_condattr_t ca;
    pthread_condattr_init(&ca);
    pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &ca);
    pthread_condattr_destroy(&ca);
    return 0;
}

void
writer_checkpoint(struct writer *w, int above_pages)
{
    if (w->wal_pages > above_pages) {
        sqlite3_wal_checkpoint_v2(w->db.h, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        w->wal_pages = 0;
    }
}

/* Commit ------------------------------------------------------------------------------------------- */

static void
bind_arg(sqlite3_stmt *st, int i, const struct op_arg *a)
{
    switch (a->t) {
    case OP_NULL:
        sqlite3_bind_null(st, i);
        return;
    case OP_INT:
        sqlite3_bind_int64(st, i, a->u.i);
        return;
    case OP_REAL:
        sqlite3_bind_double(st, i, a->u.d);
        return;
    case OP_TEXT:
        db_bind_text(st, i, a->u.s);
        return;
    case OP_BLOB:
        db_bind_blob(st, i, a->u.s);
        return;
    }
}

/* An error that would come back for ever with the same data: ours, not the disk's. */
static bool
permanent(int rc)
{
    rc &= 0xff;
    return rc == SQLITE_CONSTRAINT || rc == SQLITE_MISMATCH || rc == SQLITE_TOOBIG || rc == SQLITE_RANGE ||
        rc == SQLITE_MISUSE;
}

static int
run_ops(struct writer *w, const struct store_batch *b)
{
    for (const struct op *op = b->ops; op; op = op->next) {
        sqlite3_stmt *st = db_stmt(&w->db, op->stmt);
        if (!st) {
            return SQLITE_ERROR;
        }
        for (uint32_t i = 0; i < op->n; i++) {
            bind_arg(st, (int)i + 1, &op->a[i]);
        }
        int rc = db_finish(st);
        if (rc != SQLITE_OK && permanent(rc)) {
            log_error("store: \"%s\" was refused: %s", db_sql(op->stmt), sqlite3_errmsg(w->db.h));
            atomic_fetch_add(&w->st.commit_errors, 1);
        } else if (rc != SQLITE_OK) {
            return rc;
        }
    }
    return SQLITE_OK;
}

struct log_row { /* being collected from batches */
    uint32_t points, pushed;
    struct tbe_str data;
    const struct store_batch *seq; /* newest with a frame number */
};

struct tally { /* of one transaction, added to the counters when it is durable */
    uint64_t next_log;
    int64_t rows, bytes, points, pushed, acked;
};

static int
put_row(struct writer *w, const struct log_row *r, struct tally *t)
{
    sqlite3_stmt *st = db_stmt(&w->db, ST_LOG_PUT);
    if (!st) {
        return SQLITE_ERROR;
    }
    sqlite3_bind_int64(st, 1, (int64_t)t->next_log);
    sqlite3_bind_int64(st, 2, clock_ms());
    if (r->seq) {
        sqlite3_bind_int64(st, 3, (int64_t)r->seq->epoch);
        sqlite3_bind_int64(st, 4, (int64_t)r->seq->seq);
    }
    sqlite3_bind_int64(st, 5, r->points);
    sqlite3_bind_int64(st, 6, r->pushed);
    sqlite3_bind_int64(st, 7, (int64_t)r->data.n);
    db_bind_blob(st, 8, r->data);
    int rc = db_finish(st);
    t->next_log++;
    t->rows++;
    t->bytes += (int64_t)r->data.n;
    t->points += r->points;
    t->pushed += r->pushed;
    return rc;
}

/* Adds b's blocks to the open row, in w->row once there are two; writes the row first when it is full. */
static int
collect(struct writer *w, struct log_row *r, const struct store_batch *b, struct tally *t)
{
    struct tbe_str data = tbe_buf_str(&b->pack.buf);
    if (r->data.n && (r->data.n + data.n > ROW_BYTES || r->pushed + b->pack.pushed > ROW_PUSHED)) {
        int rc = put_row(w, r, t);
        if (rc != SQLITE_OK) {
            return rc;
        }
        *r = (struct log_row){ .data = TBE_STR("") };
    }
    if (data.n && r->data.n) {
        if (r->data.p != w->row.p) {
            w->row.n = 0;
            tbe_buf_puts(&w->row, r->data);
        }
        tbe_buf_puts(&w->row, data);
        if (w->row.oom) {
            store_oom();
        }
        data = tbe_buf_str(&w->row);
    } else if (!data.n) {
        data = r->data;
    }
    r->data = data;
    r->points += b->pack.points;
    r->pushed += b->pack.pushed;
    if (b->has_seq) {
        r->seq = b;
    }
    return SQLITE_OK;
}

static int
write_list(struct writer *w, const struct store_batch *list, struct tally *t, uint64_t *uplink)
{
    struct log_row row = { .data = TBE_STR("") };
    for (const struct store_batch *b = list; b; b = b->next) {
        int rc = run_ops(w, b);
        if (rc == SQLITE_OK) {
            rc = collect(w, &row, b, t);
        }
        if (rc != SQLITE_OK) {
            return rc;
        }
        *uplink = b->uplink_ack > *uplink ? b->uplink_ack : *uplink;
    }
    if (row.data.n || row.seq) {
        int rc = put_row(w, &row, t);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    if (*uplink > w->c.uplink && !compact_confirm(w, *uplink, &t->acked)) {
        return sqlite3_errcode(w->db.h) != SQLITE_OK ? sqlite3_errcode(w->db.h) : SQLITE_ERROR;
    }
    return SQLITE_OK;
}

int
writer_commit(struct writer *w, struct store_batch *list)
{
    struct tally t = { .next_log = w->next_log };
    uint64_t uplink = w->c.uplink;
    int rc = db_exec(&w->db, ST_BEGIN);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = write_list(w, list, &t, &uplink);
    if (rc == SQLITE_OK) {
        rc = db_exec(&w->db, ST_COMMIT);
    }
    if (rc != SQLITE_OK) {
        if (!sqlite3_get_autocommit(w->db.h)) {
            db_exec(&w->db, ST_ROLLBACK);
        }
        return rc;
    }
    w->next_log = t.next_log;
    w->c.front_due = w->c.front_due || uplink != w->c.uplink;
    w->c.uplink = uplink;
    w->c.tail_rows += t.rows;
    w->c.tail_bytes += t.bytes;
    w->c.tail_points += t.points;
    w->c.tail_pushed += t.pushed;
    atomic_fetch_add(&w->st.commits, 1);
    atomic_fetch_add(&w->st.log_rows, t.rows);
    atomic_fetch_add(&w->st.log_bytes, t.bytes);
    atomic_fetch_add(&w->st.points, t.points);
    atomic_fetch_add(&w->st.outbox, t.pushed - t.acked);
    for (const struct store_batch *b = list; b; b = b->next) {
        w->committed_safe = b->safe;
    }
    return SQLITE_OK;
}

static void
sleep_ms(int64_t ms)
{
    struct timespec ts = { ms / 1000, (ms % 1000) * 1000000 };
    while (nanosleep(&ts, &ts) < 0 && errno == EINTR) {
    }
}

/* Tries until it succeeds; gives up (false) only patience_ms after `stop`, or at once from the start of a sync commit. */
static bool
commit_until_done(struct writer *w, struct store_batch *list, int64_t patience_ms)
{
    int64_t wait = RETRY_MIN_MS, waited = 0;
    for (;;) {
        int rc = writer_commit(w, list);
        if (rc == SQLITE_OK) {
            atomic_store(&w->st.unhealthy, false);
            return true;
        }
        atomic_fetch_add(&w->st.commit_errors, 1);
        atomic_store(&w->st.unhealthy, true);
        log_error("store: commit failed, will be tried again: %s (%d)", sqlite3_errstr(rc), rc);
        bool closing = !w->running;
        if (w->running) {
            pthread_mutex_lock(&w->lock);
            closing = w->stop;
            pthread_mutex_unlock(&w->lock);
        }
        waited += closing ? wait : 0;
        if (waited > patience_ms) {
            return false;
        }
        sleep_ms(wait);
        wait = wait * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : wait * 2;
    }
}

static bool
has_effects(const struct store_batch *b)
{
    return b->ops || b->has_seq || b->uplink_ack || b->pack.buf.n;
}

/* Takes the list through one transaction (none when it has only callbacks). */
static bool
process(struct writer *w, struct store_batch *list, int64_t patience_ms)
{
    bool any = false;
    for (const struct store_batch *b = list; b && !any; b = b->next) {
        any = has_effects(b);
    }
    if (any) {
        w->last_commit_ns = clock_mono_ns();
    }
    return !any || commit_until_done(w, list, patience_ms);
}

static void
publish_done(struct writer *w, struct store_batch *list)
{
    struct store_batch **end = &list;
    while (*end) {
        end = &(*end)->next;
    }
    pthread_mutex_lock(&w->lock);
    *w->done_end = list;
    w->done_end = end;
    pthread_mutex_unlock(&w->lock);
    if (w->efd >= 0) {
        uint64_t one = 1;
        ssize_t n = write(w->efd, &one, sizeof one);
        (void)n; /* full means that the loop is already told */
    }
}

/* Thread ------------------------------------------------------------------------------------------- */

static void
wait_until(struct writer *w, int64_t mono_ns)
{
    struct timespec ts = { .tv_sec = (time_t)(mono_ns / 1000000000), .tv_nsec = (long)(mono_ns % 1000000000) };
    pthread_cond_timedwait(&w->wake, &w->lock, &ts);
}

/* A trickle of small batches is gathered, so that each does not cost a transaction and a flush of its own.
 * Nothing is delayed when that brings nothing: the first batch after a pause, somebody who waits for each
 * answer, senders who have gone quiet, and a queue that is worth a commit already. Under lock. */
static void
gather(struct writer *w)
{
    int64_t now = clock_mono_ns(), due = w->last_commit_ns + GATHER_MS * 1000000LL;
    struct store_batch **seen = NULL;
    w->gathering = true;
    while (w->crowded && w->queue && !w->stop && w->queue_bytes < GATHER_BYTES && now < due && seen != w->queue_end) {
        int64_t quiet = now + GATHER_QUIET_MS * 1000000LL;
        seen = w->queue_end;
        wait_until(w, quiet < due ? quiet : due);
        now = clock_mono_ns();
    }
    w->gathering = false;
    w->crowded = w->queue && w->queue->next; /* did others come meanwhile? */
}

/* Waits for work: the queue, or NULL for an idle moment; *stop when the end is near. */
static struct store_batch *
next_work(struct writer *w, bool busy, bool *stop)
{
    pthread_mutex_lock(&w->lock);
    if (!w->queue && !w->stop && !busy) {
        /* Something to compact or to checkpoint: see whether the quiet lasts. Else look at ages now and then. */
        bool soon = compact_due(w, true) || w->c.retry_at_ns || w->wal_pages > WAL_PAGES_IDLE;
        int64_t ms = soon ? IDLE_MS : HOUSEKEEPING_MS;
        wait_until(w, clock_mono_ns() + ms * 1000000LL);
    }
    gather(w);
    struct store_batch *list = w->queue;
    w->queue_bytes = 0;
    w->queue = NULL;
    w->queue_end = &w->queue;
    *stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return list;
}

static void *
writer_main(void *arg)
{
    struct writer *w = arg;
    bool stop = false, busy = false;
    for (;;) {
        struct store_batch *list = next_work(w, busy, &stop);
        if (list) {
            if (!process(w, list, CLOSE_PATIENCE_MS)) {
                log_error("store: closed without being able to write the last changes");
                return NULL;
            }
            publish_done(w, list);
            writer_checkpoint(w, WAL_PAGES);
            busy = compact_due(w, false);
            if (busy) {
                compact_step(w);
            }
            continue;
        }
        if (stop) {
            return NULL;
        }
        busy = compact_due(w, true);
        if (busy) {
            compact_step(w);
            writer_checkpoint(w, WAL_PAGES);
        } else {
            writer_checkpoint(w, WAL_PAGES_IDLE);
        }
    }
}

int
writer_start(struct writer *w, int efd)
{
    w->efd = efd;
    w->running = true;
    if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
        w->running = false;
        return -1;
    }
    return 0;
}

void
writer_stop(struct writer *w)
{
    if (!w->running) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->running = false;
}

void
writer_close(struct writer *w)
{
    if (!w->db.h) {
        return;
    }
    db_close(&w->db);
    tbe_buf_free(&w->row);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
}

void
writer_give(struct writer *w, struct store_batch *b)
{
    b->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->queue_end = b;
    w->queue_end = &b->next;
    w->queue_bytes += b->pack.buf.n;
    struct store_batch *list = w->running ? NULL : w->queue;
    if (list) {
        w->queue = NULL;
        w->queue_end = &w->queue;
        w->queue_bytes = 0;
    }
    if (!w->gathering || w->queue_bytes >= GATHER_BYTES) {
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    if (!list) {
        return;
    }
    if (process(w, list, RETRY_MAX_MS)) {
        publish_done(w, list);
        writer_checkpoint(w, WAL_PAGES);
        while (compact_due(w, false)) {
            compact_step(w);
        }
    } else { /* stays in front of what comes; the next commit tries again */
        struct store_batch **end = &list;
        while (*end) {
            end = &(*end)->next;
        }
        pthread_mutex_lock(&w->lock);
        *end = w->queue;
        w->queue_end = w->queue ? w->queue_end : end;
        w->queue = list;
        pthread_mutex_unlock(&w->lock);
    }
}

struct store_batch *
writer_take_done(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    struct store_batch *list = w->done;
    w->done = NULL;
    w->done_end = &w->done;
    pthread_mutex_unlock(&w->lock);
    return list;
}
