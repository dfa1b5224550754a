/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite connections of the store: pragmas, migrations, the table of prepared statements. */
#include "config.h"
#include "store/db.h"
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "store/migrations.inc"

#define N_MIGRATIONS ((int)(sizeof migrations / sizeof migrations[0]))

static const char *const stmt_text[] = {
#define STMT(name, text) text,
#include "store/statements.def"
#undef STMT
};

const char *
db_sql(enum stmt id)
{
    return stmt_text[id];
}

int
db_schema_newest(void)
{
    return N_MIGRATIONS;
}

static int
pragma_int(sqlite3 *h, const char *sql, int *out)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(h, sql, -1, &st, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int(st, 0);
        rc = SQLITE_OK;
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_OK;
    }
    sqlite3_finalize(st);
    return rc;
}

/* Each migration and its version number are one transaction; `schema_version` keeps the history. */
static int
migrate(sqlite3 *h, char err[256])
{
    int have = 0;
    if (sqlite3_exec(h, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied INTEGER NOT NULL)",
            NULL, NULL, NULL) != SQLITE_OK ||
        pragma_int(h, "SELECT max(version) FROM schema_version", &have) != SQLITE_OK) {
        snprintf(err, 256, "cannot read the schema version: %s", sqlite3_errmsg(h));
        return -1;
    }
    for (int v = have; v < N_MIGRATIONS; v++) {
        sqlite3_stmt *st = NULL;
        bool ok = sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
            sqlite3_exec(h, migrations[v], NULL, NULL, NULL) == SQLITE_OK &&
            sqlite3_prepare_v2(h, "INSERT INTO schema_version VALUES (?1, CAST(strftime('%s','now') AS INTEGER) * 1000)",
                -1, &st, NULL) == SQLITE_OK;
        if (ok) {
            sqlite3_bind_int(st, 1, v + 1);
            ok = sqlite3_step(st) == SQLITE_DONE;
        }
        sqlite3_finalize(st);
        ok = ok && sqlite3_exec(h, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
        if (!ok) {
            snprintf(err, 256, "migration %d of the database failed: %s", v + 1, sqlite3_errmsg(h));
            sqlite3_exec(h, "ROLLBACK", NULL, NULL, NULL);
            return -1;
        }
    }
    return 0;
}

/* 0 usable, 1 empty database, -1 refused. */
static int
check_version(sqlite3 *h, enum db_mode mode, char err[256])
{
    int tables = 0, have = 0;
    int rc = pragma_int(h, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'",
                        &tables);
    if (rc != SQLITE_OK) {
        snprintf(err, 256, "not a usable database: %s", sqlite3_errmsg(h));
        return -1;
    }
    if (tables) {
        rc = pragma_int(h, "SELECT max(version) FROM schema_version", &have);
        if (rc != SQLITE_OK) {
            snprintf(err, 256, "cannot read the schema version: %s", sqlite3_errmsg(h));
            return -1;
        }
    }
    if (have > N_MIGRATIONS) {
        snprintf(err, 256, "the database has schema version %d, this program knows %d: use the program that wrote it or a newer one",
            have, N_MIGRATIONS);
        return -1;
    }
    if (mode == DB_READ && have < N_MIGRATIONS) {
        snprintf(err, 256, tables ? "the database has the older schema version %d and must be opened for writing first"
                                  : "there is no data yet", have);
        return tables ? DB_OLDER : -1;
    }
    return tables ? 0 : 1;
}

int
db_open(struct db *d, const char *path, enum db_mode mode, char err[256])
{
    memset(d, 0, sizeof *d);
    int flags = mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(mode == DB_MEMORY ? ":memory:" : path, &d->h, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        snprintf(err, 256, "cannot open %s: %s", path, d->h ? sqlite3_errmsg(d->h) : sqlite3_errstr(rc));
        goto fail;
    }
    sqlite3_extended_result_codes(d->h, 1);
    sqlite3_busy_timeout(d->h, 5000);
    rc = check_version(d->h, mode, err);
    if (rc < 0) {
        db_close(d);
        return rc;
    }
    /* Checkpoints are run by the writer itself, between commits. The caches are small: rows are
     * cached above SQLite, and the operating system caches the file. */
    static const char *const pragmas[] = {
        [DB_READ] = "PRAGMA cache_size = -512; PRAGMA query_only = 1",
        [DB_WRITE] = ("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                      "PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY"),
        [DB_MEMORY] = "PRAGMA temp_store = MEMORY",
    };
    if (sqlite3_exec(d->h, pragmas[mode], NULL, NULL, NULL) != SQLITE_OK) {
        snprintf(err, 256, "cannot set up %s: %s", path, sqlite3_errmsg(d->h));
        goto fail;
    }
    if (mode != DB_READ && migrate(d->h, err) < 0) {
        goto fail;
    }
    return 0;
fail:
    db_close(d);
    return -1;
}

void
db_close(struct db *d)
{
    for (int i = 0; i < ST_COUNT; i++) {
        sqlite3_finalize(d->st[i]);
        d->st[i] = NULL;
    }
    if (d->h) {
        sqlite3_close(d->h);
        d->h = NULL;
    }
}

sqlite3_stmt *
db_stmt(struct db *d, enum stmt id)
{
    sqlite3_stmt *st = d->st[id];
    if (TBE_LIKELY(st != NULL)) {
        sqlite3_reset(st);
        sqlite3_clear_bindings(st);
        return st;
    }
    if (sqlite3_prepare_v3(d->h, stmt_text[id], -1, SQLITE_PREPARE_PERSISTENT, &d->st[id],
                           NULL) != SQLITE_OK) {
        log_error("store: cannot prepare \"%s\": %s", stmt_text[id], sqlite3_errmsg(d->h));
        return NULL;
    }
    return d->st[id];
}

int
db_finish(sqlite3_stmt *st)
{
    if (!st) {
        return SQLITE_ERROR;
    }
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
    }
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
db_exec(struct db *d, enum stmt id)
{
    return db_finish(db_stmt(d, id));
}

bool
db_row(struct db *d, sqlite3_stmt *st)
{
    if (!st) {
        d->failed = SQLITE_ERROR;
        return false;
    }
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        return true;
    }
    if (rc != SQLITE_DONE) {
        log_error("store: reading failed: %s", sqlite3_errmsg(d->h));
        d->failed = rc;
    }
    sqlite3_reset(st);
    return false;
}

void
db_bind_text(sqlite3_stmt *st, int i, struct tbe_str s)
{
    if (s.p) {
        sqlite3_bind_text64(st, i, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
    } else {
        sqlite3_bind_null(st, i);
    }
}

void
db_bind_blob(sqlite3_stmt *st, int i, struct tbe_str s)
{
    if (s.p) {
        sqlite3_bind_blob64(st, i, s.n ? s.p : "", s.n, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(st, i);
    }
}

void
db_bind_uuid(sqlite3_stmt *st, int i, const struct tbe_uuid *u)
{
    sqlite3_bind_blob(st, i, u->b, sizeof u->b, SQLITE_STATIC);
}

struct tbe_str
db_col_str(sqlite3_stmt *st, int i)
{
    if (sqlite3_column_type(st, i) == SQLITE_NULL) {
        return TBE_STR_NONE;
    }
    const char *p = sqlite3_column_blob(st, i);
    return (struct tbe_str){ p ? p : "", (size_t)sqlite3_column_bytes(st, i) };
}

struct tbe_uuid
db_col_uuid(sqlite3_stmt *st, int i)
{
    struct tbe_uuid u = tbe_uuid_null;
    struct tbe_str s = db_col_str(st, i);
    if (s.n == sizeof u.b) {
        memcpy(u.b, s.p, sizeof u.b);
    }
    return u;
}

int64_t
db_meta(struct db *d, const char *name, int64_t absent)
{
    sqlite3_stmt *st = db_stmt(d, ST_META_GET);
    if (!st) {
        return absent;
    }
    db_bind_text(st, 1, tbe_strz(name));
    if (db_row(d, st)) {
        absent = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return absent;
}

static int
meta_write(struct db *d, enum stmt id, const char *name, int64_t v)
{
    sqlite3_stmt *st = db_stmt(d, id);
    if (!st) {
        return SQLITE_ERROR;
    }
    db_bind_text(st, 1, tbe_strz(name));
    sqlite3_bind_int64(st, 2, v);
    return db_finish(st);
}

int
db_meta_put(struct db *d, const char *name, int64_t v)
{
    return meta_write(d, ST_META_PUT, name, v);
}

int
db_meta_add(struct db *d, const char *name, int64_t v)
{
    return meta_write(d, ST_META_ADD, name, v);
}
