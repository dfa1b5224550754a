/* SPDX-License-Identifier: Apache-2.0 */
/* What the store's tests share: a private directory, short constructors, a loop to wait on. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/store.h"

struct fix {
    char dir[64];
    struct event_base *base;
    struct store *s;
    struct store_options o;
};

static inline void
fix_open(struct fix *f)
{
    char err[256];
    if (store_open(&f->s, &f->o, f->base, err) < 0) {
        fail_msg("store_open: %s", err);
    }
}

static inline void
fix_reopen(struct fix *f)
{
    store_close(f->s);
    fix_open(f);
}

static inline int
fix_setup(void **state)
{
    struct fix *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/tbe-store-XXXXXX");
    if (!mkdtemp(f->dir)) {
        return -1;
    }
    f->o.dir = f->dir;
    f->base = event_base_new();
    fix_open(f);
    *state = f;
    return 0;
}

static inline void
fix_remove(const char *dir)
{
    static const char *const names[] = { "tbedge.db", "tbedge.db-wal", "tbedge.db-shm", "store.lock", "copy.db", "tbedge.db-journal" };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char p[128];
        snprintf(p, sizeof p, "%s/%s", dir, names[i]);
        unlink(p);
    }
    rmdir(dir);
}

static inline int
fix_teardown(void **state)
{
    struct fix *f = *state;
    store_close(f->s);
    event_base_free(f->base);
    fix_remove(f->dir);
    free(f);
    return 0;
}

static inline void
commit_wait(struct fix *f, struct store_batch **b)
{
    store_commit(f->s, b);
    store_wait(f->s);
    store_end_turn(f->s);
}

static inline struct tbe_entity
device_n(uint32_t n)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, { { 0 } } };
    memcpy(e.id.b, &n, sizeof n);
    e.id.b[15] = 1;
    return e;
}

static inline struct tbe_kv
kv_long(const char *key, int64_t v)
{
    return (struct tbe_kv){ .key = tbe_strz(key), .type = TBE_KV_LONG, .u = { .i = v } };
}

static inline struct tbe_kv
kv_double(const char *key, double v)
{
    return (struct tbe_kv){ .key = tbe_strz(key), .type = TBE_KV_DOUBLE, .u = { .d = v } };
}

static inline struct tbe_kv
kv_bool(const char *key, bool v)
{
    return (struct tbe_kv){ .key = tbe_strz(key), .type = TBE_KV_BOOLEAN, .u = { .b = v } };
}

static inline struct tbe_kv
kv_str(const char *key, const char *v)
{
    return (struct tbe_kv){ .key = tbe_strz(key), .type = TBE_KV_STRING, .s = tbe_strz(v) };
}

static inline struct tbe_kv
kv_json(const char *key, const char *v)
{
    return (struct tbe_kv){ .key = tbe_strz(key), .type = TBE_KV_JSON, .s = tbe_strz(v) };
}

static inline void
save(struct store_batch *b, const struct tbe_entity *e, int64_t ts, struct tbe_kv *kv, uint32_t n)
{
    struct tbe_kvs kvs = { kv, n };
    store_save_ts(b, e, ts, &kvs, 0, STORE_TS_HISTORY | STORE_TS_LATEST);
}

struct series_text { /* collects "ts=value " */
    char t[4096];
    unsigned n;
};

static inline bool
series_add(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct series_text *o = arg;
    size_t at = strlen(o->t), left = sizeof o->t - at;
    o->n++;
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        snprintf(o->t + at, left, "%lld=%s ", (long long)ts, kv->u.b ? "true" : "false");
        break;
    case TBE_KV_LONG:
        snprintf(o->t + at, left, "%lld=%lld ", (long long)ts, (long long)kv->u.i);
        break;
    case TBE_KV_DOUBLE:
        snprintf(o->t + at, left, "%lld=%.17g ", (long long)ts, kv->u.d);
        break;
    case TBE_KV_STRING:
    case TBE_KV_JSON:
        snprintf(o->t + at, left, "%lld=%.*s ", (long long)ts, (int)kv->s.n, kv->s.p);
        break;
    }
    return true;
}

static inline void
expect_history(struct store *s, const struct tbe_entity *e, const char *key, struct store_range r, const char *want)
{
    struct series_text o = { .n = 0 };
    store_history(s, e, tbe_strz(key), &r, series_add, &o);
    assert_string_equal(o.t, want);
}

#endif
