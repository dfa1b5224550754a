/* SPDX-License-Identifier: Apache-2.0 */
/* The compactor: follows the log with a cursor, moves its points to the series' chunks, and deletes
 * log rows that compactor and uplink are both past. Runs on the writer's connection in steps of one
 * short transaction each, between commits. Private to the store.
 *
 * A run has a fixed end, the newest row at its start. Its points are taken in passes: pass k
 * handles the series whose hash falls into bucket k, so memory is bounded. Only after the last pass
 * the cursor moves. Until then readers see points both in chunks and in the log's tail, which is
 * harmless: the tail is replayed in order over the chunks and wins, so both lead to the same
 * values. A crash repeats the run. */
#ifndef TBE_STORE_COMPACT_H
#define TBE_STORE_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

#define COMPACT_PASS_POINTS 32768u         /* aimed at, per pass: about 1.5 MiB */
#define COMPACT_TAIL_LEAST (512u << 10)    /* bytes of log that are worth a run under load */
#define COMPACT_TAIL_MOST (16u << 20)
                                           /* (a quarter of it when nothing else is to do) */
#define COMPACT_TAIL_ROWS 16384
#define COMPACT_BYTES_PER_SERIES 600u      /* about 50 points each: then a chunk's page is worth writing */

struct writer;

struct compactor {
    uint64_t cursor;      /* rows up to it are in chunks */
    uint64_t end;         /* of the running run; 0 none */
    uint64_t end_safe;    /* batches up to it are in the run */
    uint32_t pass, passes;
    int64_t tail_bytes, tail_points, tail_rows, tail_pushed; /* behind the cursor */
    int64_t run_bytes, run_points, run_rows, run_pushed; /* of the run */
    uint32_t series_seen; /* in the last run, sets the pace */
    uint32_t series_now;
    uint64_t uplink;      /* confirmed telemetry: row << 20 | ordinal */
    uint64_t trimmed;     /* rows up to it are deleted or must be kept for the uplink */
    bool front_due;       /* rows that waited for the uplink may go */
    int64_t log_max_bytes, log_max_age_ms, ttl_ms, max_events;
    int64_t next_expiry;  /* monotonic ms: when housekeeping is due */
    int64_t retry_at_ns;  /* after an error */
};

bool compact_open(struct writer *w);
struct db;
struct writer_stats;
/* as last written, plus the log's tail */
void compact_read_counters(struct db *d, struct writer_stats *st);
/* A step is due now; `idle`: no commit waits. */
bool compact_due(const struct writer *w, bool idle);
void compact_step(struct writer *w);
/* Steps of trim.c, called by compact_step. */
void trim_step(struct writer *w);
void trim_housekeeping(struct writer *w);
bool trim_over_bounds(const struct writer *w, int64_t bytes_gone);
/* A step's transaction: 0 or SQLite's code; end commits, or rolls back, logs and sets the time
 * to retry. */
int compact_step_begin(struct writer *w);
bool compact_step_end(struct writer *w, int rc);
/* Within the commit that moves the uplink's cursor: keeps the books; how many pushes it
 * confirms. */
bool compact_confirm(struct writer *w, uint64_t uplink, int64_t *acked);

#endif
