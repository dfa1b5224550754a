/* SPDX-License-Identifier: Apache-2.0 */
/* Debug events: written in the batch, read from what is committed, the newest few of each entity kept. */
#include "config.h"
#include "store/internal.h"
#include "base/clock.h"

void
store_put_debug(struct store_batch *b, const struct tbe_entity *e, enum store_debug_type type, struct tbe_str body)
{
    if (!store_writable(b)) {
        return;
    }
    struct op *op = op_new(b, ST_DEBUG_PUT, 5);
    op_int(op, 1, e->type);
    op_uuid(b, op, 2, &e->id);
    op_int(op, 3, type);
    op_int(op, 4, clock_ms());
    op_text(b, op, 5, body);
    op = op_new(b, ST_DEBUG_TRIM, 4);
    op_int(op, 1, e->type);
    op_uuid(b, op, 2, &e->id);
    op_int(op, 3, type);
    op_int(op, 4, STORE_DEBUG_KEEP);
}

void
store_debug_each(struct store *s, const struct tbe_entity *e, enum store_debug_type type, store_debug_fn *fn,
                 void *arg)
{
    sqlite3_stmt *st = db_stmt(s->rd, ST_DEBUG_EACH);
    if (st) {
        sqlite3_bind_int(st, 1, (int)e->type);
        db_bind_uuid(st, 2, &e->id);
        sqlite3_bind_int(st, 3, (int)type);
    }
    while (db_row(s->rd, st)) {
        if (!fn(arg, sqlite3_column_int64(st, 0), db_col_str(st, 1))) {
            sqlite3_reset(st);
            return;
        }
    }
}
