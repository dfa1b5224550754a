/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the log and the chunks: rows that compactor and uplink are past, rows beyond the
 * bounds, points past their life, general events beyond their number; and the books of all that. */
#include "config.h"
#include "store/compact.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/internal.h"

#define TRIM_ROWS 64 /* log rows looked at per step */
#define EXPIRY_EVERY_MS 60000
#define PUSH_BITS 20

struct log_head {
    uint64_t id;
    int64_t pushed, bytes, created, epoch, seq;
    bool has_seq;
};

/* Up to TRIM_ROWS rows in (after, upto]. */
static uint32_t
read_heads(struct writer *w, uint64_t after, uint64_t upto, struct log_head out[TRIM_ROWS])
{
    uint32_t n = 0;
    sqlite3_stmt *st = db_stmt(&w->db, ST_LOG_OLDEST);
    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)after);
        sqlite3_bind_int64(st, 2, (int64_t)upto);
        sqlite3_bind_int64(st, 3, TRIM_ROWS);
    }
    while (n < TRIM_ROWS && db_row(&w->db, st)) {
        out[n++] = (struct log_head){
            .id = (uint64_t)sqlite3_column_int64(st, 0), .pushed = sqlite3_column_int64(st, 1),
            .bytes = sqlite3_column_int64(st, 2), .created = sqlite3_column_int64(st, 3),
            .has_seq = sqlite3_column_type(st, 4) != SQLITE_NULL, .epoch = sqlite3_column_int64(st,
                                                                                                4),
            .seq = sqlite3_column_int64(st, 5),
        };
    }
    if (st) {
        sqlite3_reset(st);
    }
    return n;
}

/* Pushes of the row the cloud has confirmed. */
static int64_t
confirmed(const struct compactor *c, const struct log_head *h)
{
    uint64_t row = c->uplink >> PUSH_BITS;
    int64_t upto = (int64_t)(c->uplink & ((1u << PUSH_BITS) - 1));
    return h->id < row ? h->pushed : h->id > row ? 0 : upto < h->pushed ? upto : h->pushed;
}

struct trimmed { /* by one step */
    int64_t rows, bytes, pushed, acked, dropped;
    struct log_head seq; /* newest deleted row with a frame number */
};

static int
delete_row(struct writer *w, const struct log_head *h, struct trimmed *t)
{
    int64_t acked = confirmed(&w->c, h);
    sqlite3_stmt *st = db_stmt(&w->db, ST_LOG_DEL);
    if (!st) {
        return SQLITE_ERROR;
    }
    sqlite3_bind_int64(st, 1, (int64_t)h->id);
    t->rows++;
    t->bytes += h->bytes;
    t->pushed += h->pushed;
    t->acked += acked;
    t->dropped += h->pushed - acked;
    if (h->has_seq && h->id > t->seq.id) {
        t->seq = *h;
    }
    return db_finish(st);
}

static int
write_trimmed(struct writer *w, const struct trimmed *t)
{
    struct db *d = &w->db;
    int rc = db_meta_add(d, "old_rows", -t->rows);
    rc = rc == SQLITE_OK ? db_meta_add(d, "old_bytes", -t->bytes) : rc;
    rc = rc == SQLITE_OK ? db_meta_add(d, "old_pushed", -t->pushed) : rc;
    rc = rc == SQLITE_OK && t->acked ? db_meta_add(d, "acked", -t->acked) : rc;
    rc = rc == SQLITE_OK && t->dropped ? db_meta_add(d, "dropped", t->dropped) : rc;
    if (rc == SQLITE_OK && t->seq.id > (uint64_t)db_meta(d, "frame_row", 0)) {
        rc = db_meta_put(d, "frame_row", (int64_t)t->seq.id);
        rc = rc == SQLITE_OK ? db_meta_put(d, "frame_epoch", t->seq.epoch) : rc;
        rc = rc == SQLITE_OK ? db_meta_put(d, "frame_seq", t->seq.seq) : rc;
    }
    return rc;
}

bool
trim_over_bounds(const struct writer *w, int64_t bytes_gone)
{
    return atomic_load(&w->st.log_bytes) - bytes_gone > w->c.log_max_bytes;
}

/* Rows that wait for the uplink, oldest first: confirmed ones go, and those beyond the bounds. */
static int
trim_front(struct writer *w, struct trimmed *t, bool *all)
{
    struct compactor *c = &w->c;
    struct log_head h[TRIM_ROWS];
    uint32_t n = read_heads(w, 0, c->cursor, h);
    int64_t oldest = clock_ms() - c->log_max_age_ms;
    int rc = SQLITE_OK;
    *all = n < TRIM_ROWS;
    for (uint32_t i = 0; i < n && rc == SQLITE_OK; i++) {
        if (confirmed(c, &h[i]) < h[i].pushed && !trim_over_bounds(w, t->bytes) &&
            h[i].created >= oldest) {
            *all = true;
            break;
        }
        rc = delete_row(w, &h[i], t);
    }
    return rc;
}

/* Rows the cursor has just passed: those without pushes go at once, wherever they are. */
static int
trim_new(struct writer *w, struct trimmed *t, uint64_t *upto)
{
    struct log_head h[TRIM_ROWS];
    uint32_t n = read_heads(w, *upto, w->c.cursor, h);
    int rc = SQLITE_OK;
    for (uint32_t i = 0; i < n && rc == SQLITE_OK; i++) {
        if (confirmed(&w->c, &h[i]) == h[i].pushed) {
            rc = delete_row(w, &h[i], t);
        }
        *upto = h[i].id;
    }
    *upto = n < TRIM_ROWS ? w->c.cursor : *upto;
    return rc;
}

void
trim_step(struct writer *w)
{
    struct compactor *c = &w->c;
    struct trimmed t = { 0 };
    uint64_t upto = c->trimmed;
    bool all = false, front = c->trimmed >= c->cursor;
    int rc = compact_step_begin(w);
    if (rc == SQLITE_OK) {
        rc = front ? trim_front(w, &t, &all) : trim_new(w, &t, &upto);
    }
    if (rc == SQLITE_OK && t.rows) {
        rc = write_trimmed(w, &t);
    }
    if (!compact_step_end(w, rc)) {
        return;
    }
    if (front && !t.rows && trim_over_bounds(w, 0)) {
        /* nothing is left to drop: the count was off */
        atomic_store(&w->st.log_bytes, c->tail_bytes);
    }
    c->trimmed = upto;
    c->front_due = front ? !all : c->front_due;
    atomic_fetch_sub(&w->st.log_rows, t.rows);
    atomic_fetch_sub(&w->st.log_bytes, t.bytes);
    atomic_fetch_sub(&w->st.outbox, t.dropped);
    atomic_fetch_add(&w->st.dropped, t.dropped);
    if (t.dropped) {
        log_warn("store: the log is beyond its bounds: %lld entries that waited for the cloud were dropped",
            (long long)t.dropped);
    }
}

static int
delete_chunk(struct writer *w, int64_t series, int64_t first)
{
    sqlite3_stmt *st = db_stmt(&w->db, ST_CHUNK_DEL);
    if (!st) {
        return SQLITE_ERROR;
    }
    sqlite3_bind_int64(st, 1, series);
    sqlite3_bind_int64(st, 2, first);
    return db_finish(st);
}

/* Things that depend on time: chunks past their life, the bound of general events, old log rows. */
void
trim_housekeeping(struct writer *w)
{
    struct compactor *c = &w->c;
    struct { int64_t series, first; uint32_t n; } gone[64];
    uint32_t n = 0;
    int64_t drop = 0;
    int64_t points = 0;
    int rc = compact_step_begin(w);
    sqlite3_stmt *st = db_stmt(&w->db, ST_CHUNK_EXPIRED);
    if (st) {
        sqlite3_bind_int64(st, 1, clock_ms());
    }
    while (rc == SQLITE_OK && n < 64 && db_row(&w->db, st)) {
        gone[n].series = sqlite3_column_int64(st, 0);
        gone[n].first = sqlite3_column_int64(st, 1);
        gone[n++].n = (uint32_t)sqlite3_column_int64(st, 2);
    }
    if (st) {
        sqlite3_reset(st);
    }
    for (uint32_t i = 0; i < n && rc == SQLITE_OK; i++) {
        rc = delete_chunk(w, gone[i].series, gone[i].first);
        points -= gone[i].n;
    }
    st = db_stmt(&w->db, ST_EVENT_COUNT);
    if (db_row(&w->db, st)) {
        drop = sqlite3_column_int64(st, 0) - c->max_events;
        sqlite3_reset(st);
    }
    if (rc == SQLITE_OK && drop > 0 && (st = db_stmt(&w->db, ST_EVENT_DROP))) {
        sqlite3_bind_int64(st, 1, drop);
        rc = db_finish(st);
        rc = rc == SQLITE_OK ? db_meta_add(&w->db, "dropped", drop) : rc;
    }
    rc = rc == SQLITE_OK && points ? db_meta_add(&w->db, "points", points) : rc;
    if (!compact_step_end(w, rc)) {
        return;
    }
    atomic_fetch_add(&w->st.points, points);
    if (drop > 0) {
        atomic_fetch_add(&w->st.dropped, drop);
        log_warn("store: too many general cloud events wait: %lld were dropped", (long long)drop);
    }
    c->front_due = true;
    c->next_expiry = clock_mono_ns() / 1000000 + (n == 64 ? 0 : EXPIRY_EVERY_MS);
}

bool
compact_confirm(struct writer *w, uint64_t uplink, int64_t *acked)
{
    uint64_t from = w->c.uplink >> PUSH_BITS, to = uplink >> PUSH_BITS, mask = (1u << PUSH_BITS) - 1;
    int64_t before = (int64_t)(w->c.uplink & mask), after = (int64_t)(uplink & mask);
    sqlite3_stmt *st = db_stmt(&w->db, ST_LOG_PUSHES);
    if (!st) {
        return false;
    }
    *acked = 0;
    sqlite3_bind_int64(st, 1, (int64_t)from);
    sqlite3_bind_int64(st, 2, (int64_t)to);
    /* rows that were dropped by a bound are not there and not counted */
    while (db_row(&w->db, st)) {
        uint64_t id = (uint64_t)sqlite3_column_int64(st, 0);
        int64_t n = sqlite3_column_int64(st, 1);
        int64_t hi = id == to && after < n ? after : n, lo = id == from ? (before < n ? before : n) : 0;
        *acked += hi > lo ? hi - lo : 0;
    }
    return db_meta_put(&w->db, "uplink", (int64_t)uplink) == SQLITE_OK &&
        db_meta_add(&w->db, "acked", *acked) == SQLITE_OK;
}
