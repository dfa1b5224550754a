/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong: kill -9 at any moment, a full disk, damaged rows, old and new schemas, a second
 * process that reads, copies and exports meanwhile. */
#include "config.h"
#include "fixture.h"
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include "store/export.h"

static sqlite3 *
raw_open(struct fix *f)
{
    char p[128];
    sqlite3 *h;
    snprintf(p, sizeof p, "%s/tbedge.db", f->dir);
    assert_int_equal(sqlite3_open(p, &h), SQLITE_OK);
    return h;
}

static void
raw_exec(struct fix *f, const char *sql)
{
    sqlite3 *h = raw_open(f);
    assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(h);
}

/* kill -9 ------------------------------------------------------------------------------------------ */

struct child {
    struct store *s;
    struct event_base *base;
    int fd;
    uint64_t acked;
    unsigned in_flight;
};

struct ack {
    struct child *c;
    uint64_t seq;
};

static void
tell_parent(void *arg)
{
    struct ack *a = arg;
    a->c->in_flight--;
    if (write(a->c->fd, &a->seq, sizeof a->seq) != sizeof a->seq) {
        _exit(3);
    }
}

/* Message n: one point at ts n of device n % 3, and a push. */
static void
message(struct store_batch *b, uint64_t n)
{
    struct tbe_entity e = device_n((uint32_t)(n % 3));
    struct tbe_kv v = kv_long("n", (int64_t)n);
    struct tbe_kvs kvs = { &v, 1 };
    save(b, &e, (int64_t)n, &v, 1);
    store_push_ts(b, &e, (int64_t)n, &kvs);
    store_save_attrs(b, &e, STORE_SERVER, (int64_t)n, &kvs);
}

static void
run_child(struct fix *f, int fd)
{
    struct child c = { .base = event_base_new(), .fd = fd };
    struct store_options o = { .dir = f->dir, .log_max_bytes = 1 << 30 };
    char err[256];
    uint64_t epoch, next;
    if (store_open(&c.s, &o, c.base, err) < 0) {
        fprintf(stderr, "child: %s\n", err);
        _exit(2);
    }
    store_last_seq(c.s, &epoch, &next);
    for (;;) {
        while (c.in_flight < 3) {
            struct store_batch *b = store_batch_new(c.s);
            struct ack *a = tbe_arena_alloc(store_batch_arena(b), sizeof *a);
            for (int i = 0; i < 40; i++) {
                message(b, ++next);
            }
            *a = (struct ack){ &c, next };
            store_batch_seq(b, 9, next);
            store_batch_after(b, tell_parent, a);
            c.in_flight++;
            store_commit(c.s, &b);
            store_end_turn(c.s);
        }
        event_base_loop(c.base, EVLOOP_ONCE);
    }
}

struct seen {
    uint64_t next;
};

static bool
next_push(void *arg, const struct store_uplink *u)
{
    struct seen *s = arg;
    assert_non_null(u->kvs);
    assert_int_equal(u->kvs->v[0].u.i, (int64_t)s->next);
    s->next++;
    return true;
}

static void
check_after_kill(struct fix *f, uint64_t acked)
{
    uint64_t epoch, seq;
    fix_open(f);
    store_last_seq(f->s, &epoch, &seq);
    assert_true(seq >= acked); /* what was acknowledged is there */
    assert_int_equal(seq % 40, 0); /* batches are whole */
    struct seen s = { 1 };
    store_outbox_each(f->s, true, 0, 0, next_push, &s);
    assert_int_equal(s.next, seq + 1); /* each once, in order, none beyond */
    int64_t points = 0;
    for (uint32_t d = 0; d < 3; d++) {
        struct tbe_entity e = device_n(d);
        struct series_text t = { .n = 0 };
        store_history(f->s, &e, TBE_STR("n"), &(struct store_range){ .from = 0, .to = INT64_MAX }, series_add, &t);
        points += t.n;
        struct tbe_kv kv;
        int64_t ts;
        if (seq >= 3) {
            assert_true(store_attr(f->s, &e, STORE_SERVER, TBE_STR("n"), &kv, &ts));
            assert_true((uint64_t)kv.u.i <= seq && (uint64_t)kv.u.i + 3 > seq);
            assert_true(store_latest(f->s, &e, TBE_STR("n"), &kv, &ts));
            assert_true((uint64_t)kv.u.i <= seq && (uint64_t)kv.u.i + 3 > seq);
        }
    }
    assert_int_equal(points, (int64_t)seq);
    struct store_stats st;
    store_stats(f->s, &st);
    assert_int_equal(st.points, (int64_t)seq);
    assert_int_equal(st.outbox_telemetry, (int64_t)seq);
    store_close(f->s);
    f->s = NULL;
}

static void
a_killed_process_loses_nothing_acknowledged(void **state)
{
    struct fix *f = *state;
    const char *rounds = getenv("STORE_KILL_ROUNDS");
    store_close(f->s);
    f->s = NULL;
    uint64_t acked = 0;
    for (int round = rounds ? atoi(rounds) : 12; round > 0; round--) {
        int fd[2];
        assert_int_equal(pipe(fd), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(fd[0]);
            run_child(f, fd[1]);
        }
        close(fd[1]);
        struct timeval tv = { 0, 20000 + (round * 7919) % 97 * 1500 };
        fd_set r;
        FD_ZERO(&r);
        FD_SET(fd[0], &r);
        select(fd[0] + 1, &r, NULL, NULL, NULL); /* it has begun */
        select(0, NULL, NULL, NULL, &tv);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        uint64_t seq;
        while (read(fd[0], &seq, sizeof seq) == sizeof seq) {
            assert_true(seq > acked);
            acked = seq;
        }
        close(fd[0]);
        check_after_kill(f, acked);
    }
    assert_true(acked > 0);
    fix_open(f);
}

/* Full disk ---------------------------------------------------------------------------------------- */

static void
note(void *arg)
{
    ++*(int *)arg;
}

/* A RLIMIT_FSIZE-like limit by SQLite itself would need the writer's connection; the failing file system
 * is a VFS shim whose writes fail while `broken`. */
static sqlite3_vfs shim;
static sqlite3_vfs *real_vfs;
static _Atomic int broken;

struct shim_file {
    sqlite3_file base;
    sqlite3_file *real;
};

#define REAL(f) (((struct shim_file *)(f))->real)
static int s_close(sqlite3_file *f) { int rc = REAL(f)->pMethods ? REAL(f)->pMethods->xClose(REAL(f)) : SQLITE_OK; free(REAL(f)); return rc; }
static int s_read(sqlite3_file *f, void *p, int n, sqlite3_int64 o) { return REAL(f)->pMethods->xRead(REAL(f), p, n, o); }
static int s_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 o) { return broken ? SQLITE_FULL : REAL(f)->pMethods->xWrite(REAL(f), p, n, o); }
static int s_trunc(sqlite3_file *f, sqlite3_int64 n) { return REAL(f)->pMethods->xTruncate(REAL(f), n); }
static int s_sync(sqlite3_file *f, int fl) { return broken ? SQLITE_IOERR_FSYNC : REAL(f)->pMethods->xSync(REAL(f), fl); }
static int s_size(sqlite3_file *f, sqlite3_int64 *n) { return REAL(f)->pMethods->xFileSize(REAL(f), n); }
static int s_lock(sqlite3_file *f, int l) { return REAL(f)->pMethods->xLock(REAL(f), l); }
static int s_unlock(sqlite3_file *f, int l) { return REAL(f)->pMethods->xUnlock(REAL(f), l); }
static int s_reserved(sqlite3_file *f, int *r) { return REAL(f)->pMethods->xCheckReservedLock(REAL(f), r); }
static int s_control(sqlite3_file *f, int op, void *a) { return REAL(f)->pMethods->xFileControl(REAL(f), op, a); }
static int s_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static int s_chars(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static int s_map(sqlite3_file *f, int a, int b, int c, void volatile **p) { return REAL(f)->pMethods->xShmMap(REAL(f), a, b, c, p); }
static int s_shmlock(sqlite3_file *f, int a, int b, int c) { return REAL(f)->pMethods->xShmLock(REAL(f), a, b, c); }
static void s_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int s_unmap(sqlite3_file *f, int d) { return REAL(f)->pMethods->xShmUnmap(REAL(f), d); }

static const sqlite3_io_methods shim_io = {
    2, s_close, s_read, s_write, s_trunc, s_sync, s_size, s_lock, s_unlock, s_reserved, s_control, s_sector, s_chars,
    s_map, s_shmlock, s_barrier, s_unmap, NULL, NULL,
};

static int
s_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    (void)v;
    REAL(f) = calloc(1, (size_t)real_vfs->szOsFile);
    int rc = real_vfs->xOpen(real_vfs, name, REAL(f), flags, out);
    f->pMethods = rc == SQLITE_OK ? &shim_io : NULL;
    if (rc != SQLITE_OK) {
        free(REAL(f));
    }
    return rc;
}

static void
a_disk_that_refuses_writes_delays_but_loses_nothing(void **state)
{
    struct fix *f = *state;
    store_close(f->s);
    real_vfs = sqlite3_vfs_find(NULL);
    shim = *real_vfs;
    shim.zName = "shim";
    shim.szOsFile = sizeof(struct shim_file);
    shim.xOpen = s_open;
    sqlite3_vfs_register(&shim, 1);
    fix_open(f);
    struct tbe_entity e = device_n(1);
    int n = 0, total = 0;
    struct store_stats st;
    for (int round = 0; round < 3; round++) {
        broken = 1;
        for (int i = 0; i < 30; i++) {
            struct tbe_kv v = kv_long("k", ++total);
            struct store_batch *b = store_batch_new(f->s);
            save(b, &e, total, &v, 1);
            store_batch_seq(b, 1, (uint64_t)total);
            store_batch_after(b, note, &n);
            store_commit(f->s, &b);
            store_end_turn(f->s);
        }
        usleep(150000);
        event_base_loop(f->base, EVLOOP_NONBLOCK);
        assert_int_equal(n, total - 30); /* nothing is visible before it is durable */
        store_stats(f->s, &st);
        assert_false(st.healthy);
        struct tbe_kv got;
        int64_t ts;
        assert_true(store_latest(f->s, &e, TBE_STR("k"), &got, &ts)); /* the mirrors are ahead */
        assert_int_equal(got.u.i, total);
        broken = 0;
        store_wait(f->s);
        assert_int_equal(n, total);
        store_stats(f->s, &st);
        assert_true(st.healthy);
        assert_true(st.commit_errors > 0);
    }
    sqlite3_vfs_register(real_vfs, 1);
    fix_reopen(f);
    sqlite3_vfs_unregister(&shim);
    struct series_text t = { .n = 0 };
    store_history(f->s, &e, TBE_STR("k"), &(struct store_range){ .from = 0, .to = 1000 }, series_add, &t);
    assert_int_equal(t.n, total);
    uint64_t epoch, seq;
    store_last_seq(f->s, &epoch, &seq);
    assert_int_equal(seq, total);
}

/* Damage and schema versions ------------------------------------------------------------------------- */

static void
damaged_log_rows_are_skipped(void **state)
{
    struct fix *f = *state;
    struct tbe_entity e = device_n(1);
    for (int i = 1; i <= 3; i++) {
        struct tbe_kv v = kv_long("k", i);
        struct store_batch *b = store_batch_new(f->s);
        save(b, &e, i, &v, 1);
        commit_wait(f, &b);
    }
    store_close(f->s);
    raw_exec(f, "UPDATE log SET data = x'00112233' WHERE id = (SELECT min(id) FROM log WHERE points > 0)");
    fix_open(f);
    expect_history(f->s, &e, "k", (struct store_range){ .from = 0, .to = 10 }, "2=2 3=3 ");
    f->o.log_max_bytes = 1; /* and by the compactor */
    fix_reopen(f);
    struct tbe_kv v = kv_long("k", 4);
    struct store_batch *b = store_batch_new(f->s);
    save(b, &e, 4, &v, 1);
    commit_wait(f, &b);
    usleep(300000);
    store_close(f->s);
    raw_exec(f, "UPDATE chunk SET data = x'01ff' WHERE first = 2");
    fix_open(f);
    struct series_text t = { .n = 0 };
    store_history(f->s, &e, TBE_STR("k"), &(struct store_range){ .from = 0, .to = 10 }, series_add, &t);
    assert_true(t.n <= 3);
}

static void
a_newer_schema_is_refused_and_an_older_one_migrated(void **state)
{
    struct fix *f = *state;
    char err[256];
    store_close(f->s);
    f->s = NULL;
    raw_exec(f, "INSERT INTO schema_version VALUES (99, 0)");
    assert_int_equal(store_open(&f->s, &f->o, f->base, err), -1);
    assert_null(f->s);
    assert_non_null(strstr(err, "schema version 99"));
    /* Back to the first version: its tables only. */
    raw_exec(f, "DELETE FROM schema_version WHERE version > 1; DROP TABLE relation; DROP TABLE alarm; DROP TABLE event;"
                "DROP TABLE parked; DROP TABLE state; DROP TABLE debug_event; DROP TABLE alarm_entity");
    struct store_options ro = f->o;
    ro.read_only = true;
    assert_int_equal(store_open(&f->s, &ro, f->base, err), -1);
    assert_non_null(strstr(err, "older schema version 1"));
    /* A newer program on trial waits, and brings it up to date when it takes over. */
    uint64_t epoch = 1, seq = 1;
    ro.migrate_later = true;
    assert_int_equal(store_open(&f->s, &ro, f->base, err), 0);
    store_last_seq(f->s, &epoch, &seq);
    assert_int_equal(seq, 0);
    store_close(f->s);
    assert_int_equal(store_open(&f->s, &ro, f->base, err), 0);
    assert_int_equal(store_take_over(f->s, err), 0);
    store_close(f->s);
    fix_open(f);
    struct store_stats st;
    store_stats(f->s, &st);
    assert_true(st.entities >= 3);
    /* Not a database at all. */
    store_close(f->s);
    f->s = NULL;
    char p[128];
    snprintf(p, sizeof p, "%s/tbedge.db", f->dir);
    FILE *x = fopen(p, "w");
    fputs("this is not a database, and it is longer than a header of one hundred bytes would be, so that it is read"
          " and refused as such", x);
    fclose(x);
    assert_int_equal(store_open(&f->s, &f->o, f->base, err), -1);
    assert_non_null(strstr(err, "not a"));
    unlink(p);
    fix_open(f);
}

/* Beside a running one ------------------------------------------------------------------------------- */

static void
export_and_backup_work_beside_a_writer(void **state)
{
    struct fix *f = *state;
    char err[256], copy[128], *text = NULL;
    size_t n;
    struct tbe_entity e = device_n(1);
    struct store_entity d = { .id = e, .name = TBE_STR("A,\"1\""), .customer = tbe_uuid_null, .profile = tbe_uuid_null,
                              .json = TBE_STR("{}") };
    struct tbe_kv v[] = { kv_double("t", 5), kv_str("s", "x,\"y\""), kv_json("j", "{\"a\":1}"), kv_bool("b", true) };
    struct store_batch *b = store_batch_new(f->s);
    store_put_entity(b, &d);
    save(b, &e, 10, v, 4);
    save(b, &e, 20, v, 1);
    commit_wait(f, &b);
    struct export_options o = { .device = TBE_STR("A,\"1\""), .to = INT64_MAX };
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(store_export(f->dir, &o, out, err), 0);
    fclose(out);
    assert_string_equal(text, "device,key,ts,value\n\"A,\"\"1\"\"\",b,10,true\n\"A,\"\"1\"\"\",j,10,\"{\"\"a\"\":1}\"\n"
                              "\"A,\"\"1\"\"\",s,10,\"x,\"\"y\"\"\"\n\"A,\"\"1\"\"\",t,10,5.0\n\"A,\"\"1\"\"\",t,20,5.0\n");
    free(text);
    o = (struct export_options){ .key = TBE_STR("t"), .from = 11, .to = 21, .json = true };
    out = open_memstream(&text, &n);
    assert_int_equal(store_export(f->dir, &o, out, err), 0);
    fclose(out);
    assert_string_equal(text, "{\"device\":\"A,\\\"1\\\"\",\"key\":\"t\",\"ts\":20,\"value\":5.0}\n");
    free(text);
    o = (struct export_options){ .device = TBE_STR("nobody"), .to = INT64_MAX };
    out = fopen("/dev/null", "w");
    assert_int_equal(store_export(f->dir, &o, out, err), -1);
    assert_non_null(strstr(err, "nobody"));
    assert_int_equal(store_export("/nonexistent", &o, out, err), -1);
    fclose(out);
    snprintf(copy, sizeof copy, "%s/copy.db", f->dir);
    assert_int_equal(store_backup(f->dir, copy, err), 0);
    assert_int_equal(store_backup(f->dir, copy, err), -1); /* exists */
    sqlite3 *h;
    assert_int_equal(sqlite3_open(copy, &h), SQLITE_OK);
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(h, "SELECT count(*) FROM entity WHERE name LIKE 'A,%'", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(st, 0), 1);
    sqlite3_finalize(st);
    sqlite3_close(h);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
    const struct CMUnitTest tests[] = {
        T(a_killed_process_loses_nothing_acknowledged),
        T(a_disk_that_refuses_writes_delays_but_loses_nothing),
        T(damaged_log_rows_are_skipped),
        T(a_newer_schema_is_refused_and_an_older_one_migrated),
        T(export_and_backup_work_beside_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
