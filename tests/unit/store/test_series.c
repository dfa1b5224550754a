/* SPDX-License-Identifier: Apache-2.0 */
/* Time series: packed log, chunks, compactor, history and outbox, against a simple model. */
#include "config.h"
#include "fixture.h"
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include "base/clock.h"
#include "msg/cloud_event.h"
#include "store/chunk.h"
#include "store/pack.h"

/* Coders ------------------------------------------------------------------------------------------- */

static uint64_t seed = 88172645463325252u;
static uint32_t
rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % n;
}

static double
rnd_double(void)
{
    switch (rnd(8)) {
    case 0:
        return (double)rnd(1000) / 10;
    case 1:
        return -(double)rnd(100000) / 1000;
    case 2:
        return NAN;
    case 3:
        return -0.0;
    case 4:
        return 1e300;
    case 5:
        return INFINITY;
    case 6:
        return 1.0 / 3 * rnd(10);
    default:
        return (double)rnd(50);
    }
}

static struct point
rnd_point(int64_t ts)
{
    static const char *const texts[] = { "", "a", "open", "\"quoted\"", "{\"a\":[1,2]}" };
    struct point p = { .ts = ts, .type = rnd(5) };
    if (p.type == TBE_KV_BOOLEAN) {
        p.u.i = 0;
        p.u.b = rnd(2);
    } else if (p.type == TBE_KV_LONG) {
        p.u.i = rnd(3) ? (int64_t)rnd(1000) - 500 : rnd(2) ? INT64_MIN : INT64_MAX;
    } else if (p.type == TBE_KV_DOUBLE) {
        p.u.d = rnd_double();
    } else {
        p.s = tbe_strz(texts[rnd(5)]);
    }
    return p;
}

static void
same_point(const struct point *a, const struct point *b)
{
    assert_int_equal(a->ts, b->ts);
    assert_int_equal(a->type, b->type);
    if (a->type >= TBE_KV_STRING) {
        assert_true(tbe_str_eq(a->s, b->s));
    } else {
        assert_memory_equal(&a->u, &b->u, a->type == TBE_KV_BOOLEAN ? 1 : 8);
    }
}

static void
chunks_give_back_what_they_took(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct point v[700];
        uint32_t n = 1 + rnd(700);
        int64_t ts = round % 3 ? 1700000000000 : round % 2 ? INT64_MIN : INT64_MAX - 5000000;
        for (uint32_t i = 0; i < n; i++) {
            v[i] = rnd_point(ts);
            ts += 1 + rnd(round % 5 ? 3 : 5000);
        }
        struct tbe_buf b = { 0 };
        for (uint32_t i = 0; i < n;) {
            struct points got = { 0 };
            b.n = 0;
            uint32_t took = chunk_encode(v + i, n - i, &b);
            assert_true(took >= 1 && took <= CHUNK_POINTS);
            assert_true(chunk_decode(tbe_buf_str(&b), &got));
            assert_int_equal(got.n, took);
            for (uint32_t k = 0; k < took; k++) {
                same_point(&got.v[k], &v[i + k]);
            }
            points_free(&got);
            i += took;
        }
        tbe_buf_free(&b);
    }
}

static void
damaged_chunks_are_refused_or_harmless(void **state)
{
    (void)state;
    struct point v[200];
    for (uint32_t i = 0; i < 200; i++) {
        v[i] = rnd_point(i * 10);
    }
    struct tbe_buf b = { 0 };
    chunk_encode(v, 200, &b);
    for (int round = 0; round < 20000; round++) {
        char *copy = malloc(b.n);
        memcpy(copy, b.p, b.n);
        size_t n = rnd(4) ? b.n : rnd((uint32_t)b.n + 1);
        for (uint32_t k = 1 + rnd(3); n && k; k--) {
            copy[rnd((uint32_t)n)] = (char)rnd(256);
        }
        char *exact = malloc(n ? n : 1);
        memcpy(exact, copy, n);
        struct points got = { 0 };
        chunk_decode((struct tbe_str){ exact, n }, &got);
        points_free(&got);
        free(exact);
        free(copy);
    }
    tbe_buf_free(&b);
}

static void
fill_pack(struct pack *p)
{
    struct tbe_entity e = device_n(1), e2 = device_n(2);
    struct tbe_kv kv[] = { kv_long("a", 5), kv_double("b", 1.5), kv_double("c", 1.0 / 3), kv_str("d", "text"),
                           kv_json("e", "[1]"), kv_bool("f", true) };
    struct tbe_kvs kvs = { kv, 6 };
    pack_ts(p, &e, 1000, 0, &kvs, REC_HISTORY | REC_LATEST);
    pack_ts(p, &e, 1000, 0, &kvs, REC_PUSH); /* same values: the record is widened */
    pack_ts(p, &e2, 999, 60, &kvs, REC_HISTORY);
    pack_body(p, &e2, 5, 3, 4, TBE_STR("{\"x\":1}"));
    pack_delete(p, &e, TBE_STR("a"), 0, 10, true);
    pack_delete_entity(p, &e2);
}

static void
check_pack(struct pack_reader *r)
{
    struct pack_rec rec;
    assert_true(pack_next(r, &rec));
    assert_int_equal(rec.kind, REC_TS);
    assert_int_equal(rec.flags, REC_HISTORY | REC_LATEST | REC_PUSH);
    assert_int_equal(rec.ts, 1000);
    assert_int_equal(rec.kvs.n, 6);
    assert_true(rec.kvs.v[2].u.d == 1.0 / 3);
    assert_true(tbe_str_eqz(rec.kvs.v[3].s, "text"));
    assert_int_equal(rec.kvs.v[4].type, TBE_KV_JSON);
    assert_true(rec.kvs.v[5].u.b);
    assert_true(pack_next(r, &rec));
    assert_int_equal(rec.ttl, 60);
    assert_int_equal(rec.ts, 999);
    assert_true(pack_next(r, &rec));
    assert_int_equal(rec.kind, REC_BODY);
    assert_int_equal(rec.event_kind, 3);
    assert_true(tbe_str_eqz(rec.body, "{\"x\":1}"));
    assert_true(pack_next(r, &rec));
    assert_int_equal(rec.kind, REC_DELETE);
    assert_true(tbe_str_eqz(rec.key, "a"));
    assert_int_equal(rec.to, 10);
    assert_true(pack_next(r, &rec));
    assert_int_equal(rec.kind, REC_DELETE_ENTITY);
    assert_false(pack_next(r, &rec));
    assert_int_equal(r->corrupt, 0);
}

static void
packs_are_read_live_and_closed(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    struct pack p;
    struct pack_reader r = { 0 };
    pack_init(&p, &a);
    fill_pack(&p);
    assert_int_equal(p.points, 12);
    assert_int_equal(p.pushed, 2);
    pack_read_live(&r, &p, NULL);
    check_pack(&r);
    pack_close(&p);
    pack_read(&r, tbe_buf_str(&p.buf), NULL);
    check_pack(&r);
    struct tbe_entity only = device_n(2);
    struct pack_rec rec;
    int n = 0;
    for (pack_read(&r, tbe_buf_str(&p.buf), &only); pack_next(&r, &rec); n++) {
    }
    assert_int_equal(n, 3);
    pack_reader_free(&r);
    pack_free(&p);
    tbe_arena_free(&a);
}

static void
damaged_packs_are_skipped(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    struct pack p;
    pack_init(&p, &a);
    fill_pack(&p);
    pack_close(&p);
    size_t first = p.buf.n;
    fill_pack(&p);
    pack_close(&p);
    struct pack_reader r = { 0 };
    struct pack_rec rec;
    for (int round = 0; round < 20000; round++) {
        size_t n = rnd(4) ? p.buf.n : rnd((uint32_t)p.buf.n + 1);
        char *copy = malloc(n ? n : 1);
        memcpy(copy, p.buf.p, n);
        if (n) {
            copy[rnd((uint32_t)n)] ^= (char)(1 + rnd(255));
        }
        /* Sometimes with a right checksum, so that the record reader meets the damage too. */
        if (n == p.buf.n && rnd(2)) {
            uint32_t sum = pack_hash(copy + 12, first - 12);
            memcpy(copy + 8, &sum, 4);
        }
        int got = 0;
        for (pack_read(&r, (struct tbe_str){ copy, n }, NULL); pack_next(&r, &rec); got++) {
        }
        assert_true(got <= 10);
        free(copy);
    }
    pack_reader_free(&r);
    pack_free(&p);
    tbe_arena_free(&a);
}

static void
blocks_are_closed_at_their_record_limit(void **state)
{
    (void)state;
    for (uint32_t over = 0; over < 2; over++) {
        struct tbe_arena a;
        struct pack p;
        struct pack_reader r = { 0 };
        struct pack_rec rec;
        tbe_arena_init(&a, 0);
        pack_init(&p, &a);
        struct tbe_kv kv = kv_bool("k", true);
        struct tbe_kvs kvs = { &kv, 1 };
        struct tbe_entity e = device_n(1);
        for (uint32_t i = 0; i < PACK_BLOCK_RECORDS + over; i++) {
            pack_ts(&p, &e, i, 0, &kvs, REC_HISTORY);
        }
        assert_int_equal(p.start != 0, over); /* a second block was begun, or not */
        pack_close(&p);
        uint32_t n = 0;
        for (pack_read(&r, tbe_buf_str(&p.buf), NULL); pack_next(&r, &rec); n++) {
            assert_int_equal(rec.ts, n);
        }
        assert_int_equal(n, PACK_BLOCK_RECORDS + over);
        pack_reader_free(&r);
        pack_free(&p);
        tbe_arena_free(&a);
    }
}

static void
long_values_survive_log_and_chunk(void **state)
{
    struct fix *f = *state;
    f->o.sync_commit = true;
    struct tbe_entity e = device_n(1);
    for (int compacted = 0; compacted < 2; compacted++) {
        f->o.log_max_bytes = compacted ? 1 : 0;
        fix_reopen(f);
        static const size_t sizes[] = { 65500, 65535, 65536, 3000000 };
        for (unsigned i = 0; i < 4; i++) {
            char *text = malloc(sizes[i] + 1);
            memset(text, 'x', sizes[i]);
            text[sizes[i]] = 0;
            struct tbe_kv v = kv_str("k", text), got;
            struct tbe_kvs kvs = { &v, 1 };
            struct store_batch *b = store_batch_new(f->s);
            save(b, &e, compacted * 4 + (int64_t)i, &v, 1);
            store_push_ts(b, &e, compacted * 4 + (int64_t)i, &kvs);
            store_commit(f->s, &b);
            fix_reopen(f);
            int64_t ts;
            assert_true(store_latest(f->s, &e, TBE_STR("k"), &got, &ts));
            assert_int_equal(got.s.n, sizes[i]);
            assert_memory_equal(got.s.p, text, sizes[i]);
            free(text);
        }
        struct store_range r = { .from = 0, .to = 10, .agg = STORE_AGG_COUNT, .interval = 10 };
        expect_history(f->s, &e, "k", r, compacted ? "5=8 " : "5=4 ");
    }
}

/* Model -------------------------------------------------------------------------------------------- */

#define N_ENT 3
#define N_KEY 2
#define N_TS 120
static const char *const keys[N_KEY] = { "t", "h" };

struct model {
    struct point v[N_ENT][N_KEY][N_TS];
    bool has[N_ENT][N_KEY][N_TS];
    struct point latest[N_ENT][N_KEY];
    bool has_latest[N_ENT][N_KEY];
};

static void
model_save(struct model *m, uint32_t e, uint32_t k, struct point p, unsigned flags)
{
    if (flags & STORE_TS_HISTORY) {
        m->v[e][k][p.ts] = p;
        m->has[e][k][p.ts] = true;
    }
    if ((flags & STORE_TS_LATEST) && (!m->has_latest[e][k] || p.ts >= m->latest[e][k].ts)) {
        m->latest[e][k] = p;
        m->has_latest[e][k] = true;
    }
}

static void
model_delete(struct model *m, uint32_t e, uint32_t k, int64_t from, int64_t to, bool rewrite)
{
    for (int64_t t = from; t < to; t++) {
        m->has[e][k][t] = false;
    }
    if (!m->has_latest[e][k] || m->latest[e][k].ts < from || m->latest[e][k].ts >= to) {
        return;
    }
    m->has_latest[e][k] = false;
    for (int64_t t = N_TS - 1; rewrite && t >= 0; t--) {
        if (m->has[e][k][t]) {
            m->latest[e][k] = m->v[e][k][t];
            m->has_latest[e][k] = true;
            break;
        }
    }
}

static struct tbe_kv
kv_from(const struct point *p, const char *key)
{
    struct tbe_kv kv = { .key = tbe_strz(key), .type = (enum tbe_kv_type)p->type, .s = p->s };
    memcpy(&kv.u, &p->u, sizeof p->u);
    return kv;
}

struct expect {
    const struct model *m;
    uint32_t e, k;
    int64_t at, to;
    bool desc;
};

static bool
expect_point(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct expect *x = arg;
    int64_t step = x->desc ? -1 : 1;
    while (x->at != x->to && !x->m->has[x->e][x->k][x->at]) {
        x->at += step;
    }
    assert_int_not_equal(x->at, x->to);
    const struct point *p = &x->m->v[x->e][x->k][x->at];
    assert_int_equal(ts, p->ts);
    assert_int_equal(kv->type, p->type);
    if (kv->type >= TBE_KV_STRING) {
        assert_true(tbe_str_eq(kv->s, p->s));
    } else {
        assert_memory_equal(&kv->u, &p->u, p->type == TBE_KV_BOOLEAN ? 1 : 8);
    }
    x->at += step;
    return true;
}

static void
compare(struct store *s, const struct model *m)
{
    for (uint32_t e = 0; e < N_ENT; e++) {
        struct tbe_entity ent = device_n(e);
        for (uint32_t k = 0; k < N_KEY; k++) {
            bool desc = rnd(2);
            int64_t from = rnd(2) ? 0 : rnd(N_TS), to = rnd(2) ? N_TS : rnd(N_TS);
            to = to < from ? from : to;
            struct expect x = { m, e, k, desc ? to - 1 : from, desc ? from - 1 : to, desc };
            struct store_range r = { .from = from, .to = to, .descending = desc };
            store_history(s, &ent, tbe_strz(keys[k]), &r, expect_point, &x);
            while (x.at != x.to && !m->has[e][k][x.at]) {
                x.at += desc ? -1 : 1;
            }
            assert_int_equal(x.at, x.to); /* nothing is missing */
            struct tbe_kv kv;
            int64_t ts;
            bool has = store_latest(s, &ent, tbe_strz(keys[k]), &kv, &ts);
            assert_int_equal(has, m->has_latest[e][k]);
            if (has) {
                assert_int_equal(ts, m->latest[e][k].ts);
                assert_int_equal(kv.type, m->latest[e][k].type);
            }
        }
    }
}

static void
random_op(struct store_batch *b, struct model *m)
{
    uint32_t e = rnd(N_ENT), k = rnd(N_KEY), what = rnd(100);
    struct tbe_entity ent = device_n(e);
    if (what < 2) {
        store_delete_entity(b, &ent);
        memset(m->has[e], 0, sizeof m->has[e]);
        memset(m->has_latest[e], 0, sizeof m->has_latest[e]);
    } else if (what < 12) {
        int64_t from = rnd(N_TS), to = from + rnd((uint32_t)(N_TS - from) + 1);
        bool rewrite = rnd(2);
        store_delete_ts(b, &ent, tbe_strz(keys[k]), from, to, rewrite);
        model_delete(m, e, k, from, to, rewrite);
    } else {
        struct point p[N_KEY];
        struct tbe_kv kv[N_KEY];
        int64_t ts = rnd(N_TS);
        uint32_t n = 1 + rnd(N_KEY);
        unsigned flags = rnd(8) ? STORE_TS_HISTORY | STORE_TS_LATEST : 1 + rnd(2);
        for (uint32_t i = 0; i < n; i++) {
            p[i] = rnd_point(ts);
            kv[i] = kv_from(&p[i], keys[i]);
            model_save(m, e, i, p[i], flags);
        }
        struct tbe_kvs kvs = { kv, n };
        store_save_ts(b, &ent, ts, &kvs, 0, flags);
    }
}

/* log_max_bytes 1 makes the compactor run after every commit; without it the tail answers. */
static void
run_model(struct fix *f, bool sync, int64_t log_max, bool reopen)
{
    struct model *m = calloc(1, sizeof *m);
    f->o.sync_commit = sync;
    f->o.log_max_bytes = log_max;
    fix_reopen(f);
    struct store_batch *b = store_batch_new(f->s);
    for (int i = 0; i < 3000; i++) {
        random_op(b, m);
        if (rnd(4) == 0) {
            store_commit(f->s, &b);
            if (rnd(3) == 0) {
                store_wait(f->s);
                store_end_turn(f->s);
            }
            if (reopen && rnd(20) == 0) {
                if (rnd(2)) {
                    f->o.log_max_bytes = rnd(2) ? 1 : 0;
                }
                fix_reopen(f);
            }
            b = store_batch_new(f->s);
        }
        if (rnd(20) == 0) {
            compare(f->s, m);
        }
    }
    commit_wait(f, &b);
    compare(f->s, m);
    fix_reopen(f);
    compare(f->s, m);
    struct store_stats st;
    store_stats(f->s, &st);
    free(m);
}

static void
history_follows_the_model_in_the_log(void **state)
{
    run_model(*state, true, 0, false);
}

static void
history_follows_the_model_in_chunks(void **state)
{
    run_model(*state, true, 1, false);
}

static void
history_follows_the_model_in_both_with_reopening(void **state)
{
    run_model(*state, true, 1, true);
}

static void
history_follows_the_model_with_the_writer_thread(void **state)
{
    run_model(*state, false, 1, true);
}

static void
aggregates_follow_the_reference(void **state)
{
    struct fix *f = *state;
    struct tbe_entity e = device_n(1);
    struct store_batch *b = store_batch_new(f->s);
    struct tbe_kv v[] = { kv_long("k", 4), kv_double("k", 2.5), kv_str("k", "x"), kv_bool("k", true), kv_str("k", "b") };
    save(b, &e, 10, &v[0], 1);
    save(b, &e, 11, &v[1], 1);
    save(b, &e, 25, &v[2], 1);
    save(b, &e, 26, &v[4], 1);
    save(b, &e, 31, &v[3], 1);
    save(b, &e, 41, &v[0], 1);
    struct store_range r = { .from = 5, .to = 42, .interval = 10, .agg = STORE_AGG_COUNT };
    expect_history(f->s, &e, "k", r, "10=2 30=1 38=1 ");
    r.agg = STORE_AGG_SUM;
    expect_history(f->s, &e, "k", r, "10=6.5 30=0 38=4 ");
    r.agg = STORE_AGG_AVG;
    expect_history(f->s, &e, "k", r, "10=3.25 30=0 38=4 ");
    r.agg = STORE_AGG_MIN;
    expect_history(f->s, &e, "k", r, "10=2.5 30=b 38=4 ");
    r.agg = STORE_AGG_MAX;
    expect_history(f->s, &e, "k", r, "10=4 30=x 38=4 ");
    store_commit(f->s, &b);
}

/* Outbox ------------------------------------------------------------------------------------------- */

struct pushes {
    uint64_t seq[64];
    char text[2048];
    unsigned n;
};

static bool
add_push(void *arg, const struct store_uplink *u)
{
    struct pushes *p = arg;
    size_t at = strlen(p->text);
    snprintf(p->text + at, sizeof p->text - at, "%s:%s:%.*s ", cloud_kind_name(u->kind),
        cloud_action_name(u->action), (int)u->body.n, u->body.p);
    p->seq[p->n++] = u->seq;
    return true;
}

static struct pushes
pushes(struct store *s, bool log, uint64_t after, uint32_t limit)
{
    struct pushes p = { .n = 0 };
    store_outbox_each(s, log, after, limit, add_push, &p);
    return p;
}

static void
pushes_come_in_order_and_go_when_confirmed(void **state)
{
    struct fix *f = *state;
    f->o.sync_commit = true;
    fix_reopen(f);
    struct tbe_entity e = device_n(1);
    struct tbe_kv v = kv_long("k", 1);
    struct tbe_kvs kvs = { &v, 1 };
    struct store_uplink body = { .entity = e, .kind = CLOUD_KIND_DEVICE, .action = CLOUD_ACTION_POST_ATTRIBUTES,
                                 .body = TBE_STR("{\"kv\":{}}"), .created = 7 };
    for (int i = 0; i < 3; i++) {
        struct store_batch *b = store_batch_new(f->s);
        v.u.i = i;
        save(b, &e, 100 + i, &v, 1);
        store_push_ts(b, &e, 100 + i, &kvs);
        store_push_cloud(b, &body, true);
        store_push_cloud(b, &body, false);
        store_commit(f->s, &b);
    }
    struct pushes p = pushes(f->s, true, 0, 4);
    assert_string_equal(p.text, "DEVICE:TIMESERIES_UPDATED:{\"data\":{\"k\":0},\"ts\":100} DEVICE:POST_ATTRIBUTES:{\"kv\":{}} "
                                "DEVICE:TIMESERIES_UPDATED:{\"data\":{\"k\":1},\"ts\":101} DEVICE:POST_ATTRIBUTES:{\"kv\":{}} ");
    assert_int_equal(pushes(f->s, false, 0, 0).n, 3);
    struct store_stats st;
    store_stats(f->s, &st);
    assert_int_equal(st.outbox_telemetry, 6);
    assert_int_equal(st.outbox_general, 3);
    assert_int_equal(st.points, 3);
    struct store_batch *b = store_batch_new(f->s);
    store_outbox_ack(b, true, p.seq[2]);
    store_outbox_ack(b, false, pushes(f->s, false, 0, 1).seq[0]);
    store_commit(f->s, &b);
    store_stats(f->s, &st);
    assert_int_equal(st.outbox_telemetry, 3);
    assert_int_equal(st.outbox_general, 2);
    fix_reopen(f);
    store_stats(f->s, &st);
    assert_int_equal(st.outbox_telemetry, 3);
    p = pushes(f->s, true, 0, 0);
    assert_int_equal(p.n, 3);
    assert_non_null(strstr(p.text, "\"k\":2"));
    assert_null(strstr(p.text, "\"k\":1"));
    assert_int_equal(pushes(f->s, true, p.seq[0], 0).n, 2);
}

static void
unconfirmed_pushes_go_only_beyond_the_bounds(void **state)
{
    struct fix *f = *state;
    f->o.sync_commit = true;
    f->o.log_max_bytes = 2000;
    fix_reopen(f);
    struct tbe_entity e = device_n(1);
    struct tbe_kv v = kv_long("k", 1);
    struct tbe_kvs kvs = { &v, 1 };
    struct store_stats st;
    for (int i = 0; i < 200; i++) {
        struct store_batch *b = store_batch_new(f->s);
        v.u.i = i;
        save(b, &e, 100 + i, &v, 1);
        store_push_ts(b, &e, 100 + i, &kvs);
        store_batch_seq(b, 3, (uint64_t)i + 1);
        store_commit(f->s, &b);
        store_stats(f->s, &st);
        assert_true(st.log_bytes <= 2000);
        assert_int_equal(st.points, i + 1);
        assert_int_equal(st.outbox_telemetry + st.dropped, i + 1);
    }
    assert_true(st.dropped > 100);
    assert_true(st.outbox_telemetry > 10);
    struct pushes p = pushes(f->s, true, 0, 1);
    char want[64];
    snprintf(want, sizeof want, "\"k\":%d}", (int)st.dropped); /* the oldest went, in order */
    assert_non_null(strstr(p.text, want));
    fix_reopen(f);
    struct store_stats again;
    store_stats(f->s, &again);
    assert_int_equal(again.outbox_telemetry, st.outbox_telemetry);
    assert_int_equal(again.points, 200);
    assert_int_equal(again.dropped, st.dropped);
    uint64_t epoch, seq;
    store_last_seq(f->s, &epoch, &seq);
    assert_int_equal(seq, 200);
    struct store_batch *b = store_batch_new(f->s);
    store_outbox_ack(b, true, UINT64_MAX >> 1);
    store_commit(f->s, &b);
    store_stats(f->s, &st);
    assert_int_equal(st.outbox_telemetry, 0);
    fix_reopen(f);
    store_last_seq(f->s, &epoch, &seq);
    assert_int_equal(epoch, 3);
    assert_int_equal(seq, 200);
}

static void
general_events_beyond_their_bound_go(void **state)
{
    struct fix *f = *state;
    struct store_uplink u = { .entity = device_n(1), .kind = CLOUD_KIND_DEVICE, .action = CLOUD_ACTION_ADDED };
    for (uint32_t over = 0; over < 2; over++) {
        struct store_batch *b = store_batch_new(f->s);
        for (uint32_t i = 0; i < (over ? 1 : 5); i++) {
            store_push_cloud(b, &u, false);
        }
        commit_wait(f, &b);
        f->o.max_events = 5;
        fix_reopen(f);
        usleep(700000); /* housekeeping is for idle moments */
        struct store_stats st;
        store_stats(f->s, &st);
        assert_int_equal(st.outbox_general, 5);
        assert_int_equal(st.dropped, over);
    }
    assert_int_equal(pushes(f->s, false, 0, 1).seq[0], 2); /* the oldest went */
}

static void
points_past_their_ttl_go(void **state)
{
    struct fix *f = *state;
    f->o.sync_commit = true;
    f->o.log_max_bytes = 1;
    fix_reopen(f);
    struct tbe_entity e = device_n(1);
    struct tbe_kv v = kv_long("k", 1);
    struct tbe_kvs kvs = { &v, 1 };
    clock_fix(1000000);
    struct store_batch *b = store_batch_new(f->s);
    store_save_ts(b, &e, 1, &kvs, 10, STORE_TS_HISTORY | STORE_TS_LATEST);
    store_commit(f->s, &b);
    b = store_batch_new(f->s);
    store_save_ts(b, &e, 2, &kvs, 0, STORE_TS_HISTORY | STORE_TS_LATEST);
    store_commit(f->s, &b);
    f->o.sync_commit = false;
    for (int past = 0; past < 2; past++) {
        clock_fix(1000000 + 10000 - 1 + past);
        fix_reopen(f);
        usleep(700000); /* housekeeping is for idle moments */
        expect_history(f->s, &e, "k", (struct store_range){ .from = 0, .to = 10 }, past ? "2=1 " : "1=1 2=1 ");
    }
    clock_real();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_give_back_what_they_took),
        cmocka_unit_test(damaged_chunks_are_refused_or_harmless),
        cmocka_unit_test(packs_are_read_live_and_closed),
        cmocka_unit_test(damaged_packs_are_skipped),
        cmocka_unit_test(blocks_are_closed_at_their_record_limit),
        T(long_values_survive_log_and_chunk),
        T(aggregates_follow_the_reference),
        T(history_follows_the_model_in_the_log),
        T(history_follows_the_model_in_chunks),
        T(history_follows_the_model_in_both_with_reopening),
        T(history_follows_the_model_with_the_writer_thread),
        T(pushes_come_in_order_and_go_when_confirmed),
        T(unconfirmed_pushes_go_only_beyond_the_bounds),
        T(general_events_beyond_their_bound_go),
        T(points_past_their_ttl_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
