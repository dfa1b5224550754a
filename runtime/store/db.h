/* SPDX-License-Identifier: Apache-2.0 */
/* One SQLite connection with its prepared statements. Private to the store. A connection is used by
 * one thread at a time. */
#ifndef TBE_STORE_DB_H
#define TBE_STORE_DB_H

#include <sqlite3.h>
#include "tbe/base.h"

enum stmt {
#define STMT(name, text) ST_##name,
#include "store/statements.def"
#undef STMT
    ST_COUNT
};

struct db {
    sqlite3 *h;
    sqlite3_stmt *st[ST_COUNT]; /* prepared on first use */
    int failed;                 /* last code of a read that failed; set to 0 by who wants to know */
};

enum db_mode { DB_READ, DB_WRITE, DB_MEMORY };

/* path: the database file (ignored for DB_MEMORY). Sets the pragmas; a writer also migrates.
 * Refuses a schema newer than this program's, and for a reader an older one. 0, or -1 and err;
 * DB_OLDER and err: a reader met an older schema. */
#define DB_OLDER (-2)
int db_open(struct db *d, const char *path, enum db_mode mode, char err[256]) TBE_MUST_USE;
void db_close(struct db *d);
int db_schema_newest(void); /* schema version this program writes */

/* The statement, reset and without bindings; NULL with a log line when it cannot be prepared. */
sqlite3_stmt *db_stmt(struct db *d, enum stmt id);
/* runs a statement without parameters: SQLITE_OK or the code */
int db_exec(struct db *d, enum stmt id);
/* step: a row is there; else resets (and logs errors) */
bool db_row(struct db *d, sqlite3_stmt *st);
/* steps to the end and resets: SQLITE_OK or the code */
int db_finish(sqlite3_stmt *st);
const char *db_sql(enum stmt id);

/* Absent strings are NULL. Bytes are borrowed until the statement is reset. */
void db_bind_text(sqlite3_stmt *st, int i, struct tbe_str s);
void db_bind_blob(sqlite3_stmt *st, int i, struct tbe_str s);
void db_bind_uuid(sqlite3_stmt *st, int i, const struct tbe_uuid *u);
/* Valid until the next step. NULL: absent. */
struct tbe_str db_col_str(sqlite3_stmt *st, int i);
struct tbe_uuid db_col_uuid(sqlite3_stmt *st, int i); /* not 16 bytes: tbe_uuid_null */

int64_t db_meta(struct db *d, const char *name, int64_t absent);
int db_meta_put(struct db *d, const char *name, int64_t v); /* SQLITE_OK or the code */
int db_meta_add(struct db *d, const char *name, int64_t v);

#endif
