/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: owns the one writing connection, commits batches in groups, and in idle moments runs the
 * compactor. Private to the store. In sync mode the same code runs on the loop thread. */
#ifndef TBE_STORE_WRITER_H
#define TBE_STORE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include "store/db.h"
#include "store/compact.h"

struct store_batch;

/* Counters read by any thread. */
struct writer_stats {
    _Atomic int64_t commits, commit_errors, log_rows, log_bytes, points, outbox, dropped, compacted_no;
    _Atomic bool unhealthy;
};

struct writer {
    struct db db;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wake;              /* monotonic clock */
    struct store_batch *queue, **queue_end; /* given, not taken yet */
    struct store_batch *done, **done_end;   /* committed, not completed yet */
    size_t queue_bytes;               /* about, of packed points in the queue */
    bool gathering;                   /* the thread waits for more before it commits */
    bool crowded;                     /* the newest commit was of several batches */
    bool stop;                        /* under lock, as the seven above */
    int64_t last_commit_ns;           /* start of the newest commit, monotonic; the thread's own */
    int efd;                          /* written after a commit; -1 none */
    uint64_t next_log;                /* id of the next log row */
    uint64_t committed_safe;          /* `safe` of the newest committed batch */
    int wal_pages;
    struct tbe_buf row;               /* a log row of several batches */
    struct compactor c;
    struct writer_stats st;
};

int writer_open(struct writer *w, const char *path, enum db_mode mode, char err[256]) TBE_MUST_USE;
int writer_start(struct writer *w, int efd) TBE_MUST_USE;
void writer_stop(struct writer *w);  /* commits what is queued, then joins */
void writer_close(struct writer *w); /* after writer_stop */
void writer_give(struct writer *w, struct store_batch *b);
struct store_batch *writer_take_done(struct writer *w);
/* One transaction with all of the list (linked by next): SQLITE_OK, or the code and nothing is written. */
int writer_commit(struct writer *w, struct store_batch *list);
void writer_checkpoint(struct writer *w, int above_pages);

#endif
