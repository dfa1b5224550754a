/* SPDX-License-Identifier: Apache-2.0 */
/* Online copy of the database, beside a running daemon or without one. */
#include "config.h"
#include "store/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
copy(struct db *from, const char *to, char err[256])
{
    sqlite3 *h = NULL;
    int rc = sqlite3_open_v2(to, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_backup *b = rc == SQLITE_OK ? sqlite3_backup_init(h, "main", from->h, "main") : NULL;
    if (b) {
        /* In one step: a snapshot of a WAL database, which stops no writer. */
        while ((rc = sqlite3_backup_step(b, -1)) == SQLITE_BUSY || rc == SQLITE_LOCKED) {
            sqlite3_sleep(50);
        }
        rc = sqlite3_backup_finish(b);
    }
    if (rc != SQLITE_OK || !b) {
        snprintf(err, 256, "cannot write %s: %s", to, h ? sqlite3_errmsg(h) : sqlite3_errstr(rc));
        rc = SQLITE_ERROR;
    }
    sqlite3_close(h);
    return rc == SQLITE_OK ? 0 : -1;
}

int
store_backup(const char *dir, const char *to, char err[256])
{
    struct db d;
    size_t n = strlen(dir) + 32;
    char *path = malloc(n);
    if (!path) {
        store_oom();
    }
    snprintf(path, n, "%s/%s", dir, STORE_DB_NAME);
    int rc = -1;
    if (access(path, F_OK) < 0) {
        snprintf(err, 256, "there is no data in %s", dir);
    } else if (access(to, F_OK) == 0) {
        snprintf(err, 256, "%s exists already", to);
    } else if (db_open(&d, path, DB_READ, err) == 0) {
        rc = copy(&d, to, err);
        db_close(&d);
        if (rc < 0) {
            unlink(to);
        }
    }
    free(path);
    return rc;
}
