/* SPDX-License-Identifier: Apache-2.0 */
/* The compactor (compact.h). */
#include "config.h"
#include "store/compact.h"
#include "store/internal.h"

static bool
tail_size(struct db *d, int64_t cursor, int64_t *rows, int64_t *points, int64_t *pushed, int64_t *bytes)
{
    sqlite3_stmt *st = db_stmt(d, ST_LOG_TAIL);
    if (!st) {
        return false;
    }
    sqlite3_bind_int64(st, 1, cursor);
    *rows = *points = *pushed = *bytes = 0;
    while (db_row(d, st)) {
        *rows += 1;
        *points += sqlite3_column_int64(st, 1);
        *pushed += sqlite3_column_int64(st, 2);
        *bytes += sqlite3_column_int64(st, 3);
    }
    return true;
}

void
compact_read_counters(struct db *d, struct writer_stats *st)
{
    int64_t rows, points, pushed, bytes;
    if (!tail_size(d, db_meta(d, "cursor", 0), &rows, &points, &pushed, &bytes)) {
        return;
    }
    /* meta has what lies before the cursor */
    atomic_store(&st->log_rows, rows + db_meta(d, "old_rows", 0));
    atomic_store(&st->log_bytes, bytes + db_meta(d, "old_bytes", 0));
    atomic_store(&st->outbox, pushed + db_meta(d, "old_pushed", 0));
    atomic_store(&st->points, points + db_meta(d, "points", 0));
    atomic_store(&st->dropped, db_meta(d, "dropped", 0));
}

bool
compact_open(struct writer *w)
{
    struct compactor *c = &w->c;
    int64_t pushed;
    c->cursor = (uint64_t)db_meta(&w->db, "cursor", 0);
    c->uplink = (uint64_t)db_meta(&w->db, "uplink", 0);
    if (!tail_size(&w->db, (int64_t)c->cursor, &c->tail_rows, &c->tail_points, &pushed, &c->tail_bytes)) {
        return false;
    }
    compact_read_counters(&w->db, &w->st);
    return true;
}

bool
compact_due(const struct writer *w, bool idle)
{
    (void)w;
    (void)idle;
    return false;
}

void
compact_step(struct writer *w)
{
    (void)w;
}
