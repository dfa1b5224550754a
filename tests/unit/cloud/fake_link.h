/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud room with an in-memory store and nobody behind it: what it sends is kept, what the cloud says is made
 * here. Time stands still until it is moved. */
#ifndef FAKE_LINK_H
#define FAKE_LINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloud/cloud.h"
#include "device/device.h"

#define SENT_MAX 4096

struct sent {
    Edge__RequestMsg *m;
    uint64_t number;
    uint32_t session;
    bool held, answered;
};

struct fake {
    struct store *store;
    struct device_hub *hub;
    struct store_batch *batch;
    struct cloud *cloud;
    struct cloud_env env;
    struct sent sent[SENT_MAX];
    uint32_t n_sent, n_confirmed, n_reconnect;
    uint64_t confirmed, seq;
    int64_t due;
};

static const struct tbe_uuid fake_local = { { 1, 2, 3, 4, 5, 6, 0x11, 0xee, 0x80, 0, 0, 0, 0, 0, 0, 9 } };
static const struct tbe_uuid fake_edge = { { 0x25, 0xa2, 0x40, 0x40, 0xe6, 0x92, 0x11, 0xf1, 0x87, 5, 0x1b, 0x49, 0x8a, 0x4b, 0xdb, 0x30 } };
static const struct tbe_uuid fake_tenant = { { 0x91, 9, 5, 0x90, 0xe6, 0x91, 0x11, 0xf1, 0xbe, 0xeb, 0x99, 0x84, 0x83, 0xc8, 0xd1, 0xf1 } };

static void
fake_send(void *arg, uint32_t session, uint64_t number, struct tbe_str request, bool held)
{
    struct fake *f = arg;
    struct sent *s = &f->sent[f->n_sent++];

    assert_true(f->n_sent < SENT_MAX);
    *s = (struct sent){ edge__request_msg__unpack(NULL, request.n, (const uint8_t *)request.p), number, session, held,
                        false };
    assert_non_null(s->m);
}

static void
fake_confirm(void *arg, uint64_t seq)
{
    struct fake *f = arg;

    f->n_confirmed++;
    f->confirmed = seq;
}

static void
fake_reconnect(void *arg, uint32_t wait_ms, const char *reason)
{
    (void)wait_ms;
    (void)reason;
    ((struct fake *)arg)->n_reconnect++;
}

static inline void
fake_new_batch(struct fake *f)
{
    f->batch = store_batch_new(f->store);
    hub_batch_set(f->hub, f->batch);
    cloud_batch_set(f->cloud, f->batch);
}

static inline struct fake *
fake_new(const struct cloud_limits *lim)
{
    struct fake *f = calloc(1, sizeof(*f));
    struct store_options so = { .tenant = &fake_local };
    char err[256];

    log_setup(LOG_ERROR, false, "test");
    clock_fix(1795365000000);
    assert_int_equal(store_open(&f->store, &so, NULL, err), 0);
    f->hub = hub_new(f->store, "test");
    f->env = (struct cloud_env){ .store = f->store, .hub = f->hub, .send = fake_send, .confirm = fake_confirm,
                                 .reconnect = fake_reconnect, .arg = f };
    if (lim != NULL) {
        f->env.limits = *lim;
    }
    f->cloud = cloud_new(&f->env);
    assert_non_null(f->cloud);
    fake_new_batch(f);
    return f;
}

static inline void
fake_forget(struct fake *f)
{
    for (uint32_t i = 0; i < f->n_sent; i++) {
        edge__request_msg__free_unpacked(f->sent[i].m, NULL);
    }
    f->n_sent = 0;
}

/* The end of a loop turn: commit, and what follows from it; as often as the room asks for it at once. */
static inline void
fake_turn(struct fake *f)
{
    for (int i = 0; i < 200; i++) {
        bool empty;

        f->due = cloud_turn(f->cloud, clock_ms());
        empty = store_batch_empty(f->batch);
        store_commit(f->store, &f->batch);
        fake_new_batch(f);
        if (!empty) {
            cloud_after_commit(f->cloud);
        }
        store_end_turn(f->store);
        if (empty && (f->due == 0 || f->due > clock_ms())) {
            return;
        }
    }
    fail_msg("the room never comes to rest");
}

static inline void
fake_free(struct fake *f)
{
    fake_forget(f);
    cloud_free(f->cloud);
    hub_batch_set(f->hub, NULL);
    store_commit(f->store, &f->batch);
    hub_free(f->hub);
    store_close(f->store);
    clock_real();
    free(f);
}

/* A new worker on the same store. drained: the old one has had its time to write. */
static inline void
fake_restart(struct fake *f, bool drained)
{
    if (drained) {
        cloud_drain(f->cloud);
        fake_turn(f);
        cloud_save(f->cloud);
    }
    store_commit(f->store, &f->batch);
    cloud_free(f->cloud);
    hub_free(f->hub);
    f->hub = hub_new(f->store, "test");
    f->env.hub = f->hub;
    f->cloud = cloud_new(&f->env);
    assert_non_null(f->cloud);
    fake_new_batch(f);
}

/* What the cloud says ------------------------------------------------------------------------------------ */

/* A literal as protobuf-c wants it. */
#define TEXT(lit) ((char *)(uintptr_t)(lit))

static inline Edge__EdgeConfiguration
fake_config(const struct tbe_uuid *edge)
{
    Edge__EdgeConfiguration c = EDGE__EDGE_CONFIGURATION__INIT;

    c.edgeidmsb = tbe_uuid_msb(edge);
    c.edgeidlsb = tbe_uuid_lsb(edge);
    c.tenantidmsb = tbe_uuid_msb(&fake_tenant);
    c.tenantidlsb = tbe_uuid_lsb(&fake_tenant);
    c.customeridmsb = tbe_uuid_msb(&tbe_uuid_null);
    c.customeridlsb = tbe_uuid_lsb(&tbe_uuid_null);
    c.name = TEXT("edge-1");
    c.type = TEXT("default");
    c.routingkey = TEXT("rk");
    c.secret = TEXT("sec");
    c.additionalinfo = TEXT("null");
    c.cloudtype = TEXT("CE");
    return c;
}

static inline void
fake_up_as(struct fake *f, uint32_t session, Edge__EdgeConfiguration *cfg, bool replay)
{
    Edge__ConnectResponseMsg m = EDGE__CONNECT_RESPONSE_MSG__INIT;
    struct cloud_link l = { .epoch = 77, .session = session, .state = LINK_UP, .replay = replay, .max_bytes = 4194304 };
    uint8_t buf[2048];

    m.configuration = cfg;
    l.response = (struct tbe_str){ (char *)buf, edge__connect_response_msg__pack(&m, buf) };
    cloud_link_state(f->cloud, &l);
}

static inline void
fake_up(struct fake *f, uint32_t session)
{
    Edge__EdgeConfiguration c = fake_config(&fake_edge);

    fake_up_as(f, session, &c, false);
}

static inline void
fake_down(struct fake *f, uint32_t session)
{
    struct cloud_link l = { .epoch = 77, .session = session, .state = LINK_WAITING, .error = TBE_STR("gone") };

    cloud_link_state(f->cloud, &l);
}

static inline void
fake_say(struct fake *f, uint32_t session, const Edge__ResponseMsg *m, bool applied)
{
    size_t n = edge__response_msg__get_packed_size(m);
    uint8_t *buf = malloc(n + 1);

    edge__response_msg__pack(m, buf);
    cloud_frame(f->cloud, ++f->seq, session, (struct tbe_str){ (char *)buf, n }, applied);
    free(buf);
}

static inline void
fake_downlink(struct fake *f, uint32_t session, Edge__DownlinkMsg *d)
{
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;

    m.downlinkmsg = d;
    fake_say(f, session, &m, false);
}

static inline void
fake_synced(struct fake *f, uint32_t session)
{
    Edge__DownlinkMsg d = EDGE__DOWNLINK_MSG__INIT;
    Edge__SyncCompletedMsg s = EDGE__SYNC_COMPLETED_MSG__INIT;

    d.downlinkmsgid = 99;
    d.synccompletedmsg = &s;
    fake_downlink(f, session, &d);
}

static inline void
fake_answer_id(struct fake *f, int32_t id, bool ok, const char *error)
{
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;
    Edge__UplinkResponseMsg r = EDGE__UPLINK_RESPONSE_MSG__INIT;

    r.success = ok;
    r.errormsg = (char *)(uintptr_t)error;
    r.uplinkmsgid = id;
    m.uplinkresponsemsg = &r;
    fake_say(f, 1, &m, false);
}

static inline void
fake_answer(struct fake *f, struct sent *s, bool ok, const char *error)
{
    cloud_uplink_done(f->cloud, s->number, UPLINK_SENT);
    s->answered = true;
    fake_answer_id(f, s->m->uplinkmsg->uplinkmsgid, ok, error);
}

/* The i-th uplink without an answer; NULL: there are not so many. */
static inline struct sent *
fake_uplink(struct fake *f, uint32_t i)
{
    for (uint32_t k = 0; k < f->n_sent; k++) {
        if (f->sent[k].m->uplinkmsg != NULL && !f->sent[k].answered && i-- == 0) {
            return &f->sent[k];
        }
    }
    return NULL;
}

/* Every uplink, until there are none, gets what `judge` says: NULL is success, else the error. */
typedef const char *fake_judge(const Edge__UplinkMsg *m);
static inline void
fake_drain(struct fake *f, fake_judge *judge, int turns)
{
    for (int i = 0; i < turns; i++) {
        struct sent *s;

        fake_turn(f);
        while ((s = fake_uplink(f, 0)) != NULL) {
            const char *e = judge ? judge(s->m->uplinkmsg) : NULL;

            fake_answer(f, s, e == NULL, e ? e : "");
        }
        fake_turn(f);
        if (fake_uplink(f, 0) == NULL) {
            clock_advance(1000);
        }
    }
}

/* Connected, synced, all first requests answered. */
static inline void
fake_ready(struct fake *f)
{
    fake_up(f, 1);
    fake_turn(f);
    fake_synced(f, 1);
    fake_drain(f, NULL, 2);
    fake_forget(f);
}

/* What the edge has ------------------------------------------------------------------------------------- */

static inline struct tbe_entity
fake_id(enum tbe_entity_type t, uint32_t n)
{
    struct tbe_entity e = { t, { { 0xd0, 0, 0, 0, 0, 0, 0x11, 0xee, 0x80 } } };

    e.id.b[12] = (uint8_t)(n >> 24);
    e.id.b[13] = (uint8_t)(n >> 16);
    e.id.b[14] = (uint8_t)(n >> 8);
    e.id.b[15] = (uint8_t)n;
    return e;
}

static inline void
fake_point(struct fake *f, uint32_t device, int64_t ts, const char *key, int64_t v)
{
    struct tbe_entity e = fake_id(TBE_ENT_DEVICE, device);
    struct tbe_kv kv = { .key = tbe_strz(key), .type = TBE_KV_LONG, .u = { .i = v } };
    struct tbe_kvs kvs = { &kv, 1 };

    store_push_ts(f->batch, &e, ts, &kvs);
}

static inline void
fake_event(struct fake *f, bool log, enum cloud_kind kind, const struct tbe_entity *e, enum cloud_action a,
           const char *body)
{
    struct store_uplink u = { .entity = *e, .kind = kind, .action = a, .created = clock_ms(), .body = tbe_strz(body) };

    store_push_cloud(f->batch, &u, log);
}

static inline int64_t
fake_waiting(struct fake *f, bool telemetry)
{
    struct store_stats st;

    store_stats(f->store, &st);
    return telemetry ? st.outbox_telemetry : st.outbox_general;
}

static inline struct tbe_str
fake_status(struct fake *f, struct tbe_buf *b)
{
    b->n = 0;
    tbe_buf_putc(b, '{');
    cloud_status_json(f->cloud, b);
    tbe_buf_putc(b, '}');
    return tbe_buf_str(b);
}

#endif
