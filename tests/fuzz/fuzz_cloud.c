/* SPDX-License-Identifier: Apache-2.0 */
/* What a cloud may send: the bytes are one ResponseMsg, or by the first byte several pieces of them, into a room
 * that is connected or in a sync, with a store in memory. The first bit also restarts the worker in between. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "cloud/cloud.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct room {
    struct store *store;
    struct device_hub *hub;
    struct store_batch *batch;
    struct cloud *cloud;
    struct cloud_env env;
    int32_t ids[64]; /* of uplinks: what is answered may be real */
    uint32_t n_ids;
};

static void
on_send(void *arg, uint32_t session, uint64_t number, struct tbe_str request, bool held)
{
    struct room *r = arg;
    Edge__RequestMsg *m = edge__request_msg__unpack(NULL, request.n, (const uint8_t *)request.p);

    (void)session;
    (void)number;
    (void)held;
    if (m == NULL) {
        abort(); /* what leaves must be readable */
    }
    if (m->uplinkmsg != NULL && r->n_ids < 64) {
        r->ids[r->n_ids++] = m->uplinkmsg->uplinkmsgid;
    }
    edge__request_msg__free_unpacked(m, NULL);
}

static void
on_confirm(void *arg, uint64_t seq)
{
    (void)arg;
    (void)seq;
}

static void
new_batch(struct room *r)
{
    r->batch = store_batch_new(r->store);
    hub_batch_set(r->hub, r->batch);
    cloud_batch_set(r->cloud, r->batch);
}

static void
turn(struct room *r)
{
    for (int i = 0; i < 4; i++) {
        cloud_turn(r->cloud, clock_ms());
        store_commit(r->store, &r->batch);
        new_batch(r);
        cloud_after_commit(r->cloud);
        store_end_turn(r->store);
    }
}

static void
link_up(struct room *r, bool replay)
{
    Edge__ConnectResponseMsg m = EDGE__CONNECT_RESPONSE_MSG__INIT;
    Edge__EdgeConfiguration c = EDGE__EDGE_CONFIGURATION__INIT;
    struct cloud_link l = { .epoch = 1, .session = 1, .state = LINK_UP, .replay = replay };
    uint8_t buf[256];

    c.edgeidmsb = 0x1111;
    c.edgeidlsb = 1;
    c.tenantidmsb = 0x2222;
    c.tenantidlsb = 1;
    m.configuration = &c;
    l.response = (struct tbe_str){ (char *)buf, edge__connect_response_msg__pack(&m, buf) };
    cloud_link_state(r->cloud, &l);
}

static void
synced(struct room *r)
{
    static const char done[] = { 0x1a, 4, 0x08, 1, 0x12, 0 };

    cloud_frame(r->cloud, 1, 1, (struct tbe_str){ done, sizeof(done) }, false);
    turn(r);
}

static void
answers(struct room *r, bool ok)
{
    for (uint32_t i = 0; i < r->n_ids; i++) {
        Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;
        Edge__UplinkResponseMsg u = EDGE__UPLINK_RESPONSE_MSG__INIT;
        uint8_t buf[64];

        u.uplinkmsgid = r->ids[i];
        u.success = ok || i % 2;
        m.uplinkresponsemsg = &u;
        cloud_frame(r->cloud, 2, 1, (struct tbe_str){ (char *)buf, edge__response_msg__pack(&m, buf) }, false);
    }
    r->n_ids = 0;
    turn(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct store_options so = { 0 };
    struct room r = { 0 };
    char err[256];
    uint8_t how = n > 0 ? data[0] : 0;

    if (n == 0) {
        return 0;
    }
    log_setup(LOG_ERROR + 1, false, "fuzz");
    clock_fix(1795365000000);
    random_seed(7);
    if (store_open(&r.store, &so, NULL, err) != 0) {
        abort();
    }
    r.hub = hub_new(r.store, "fuzz");
    r.env = (struct cloud_env){ .store = r.store, .hub = r.hub, .send = on_send, .confirm = on_confirm, .arg = &r };
    r.cloud = cloud_new(&r.env);
    new_batch(&r);
    link_up(&r, false);
    turn(&r);
    if (how & 1) {
        synced(&r);
    }
    data++;
    n--;
    for (size_t at = 0, piece = how & 2 ? n / 3 + 1 : n; at < n; at += piece) {
        size_t len = n - at < piece ? n - at : piece;

        cloud_frame(r.cloud, 10 + at, 1, (struct tbe_str){ (const char *)data + at, len }, how & 4);
        turn(&r);
    }
    answers(&r, how & 8);
    if (how & 16) {
        cloud_drain(r.cloud);
        cloud_save(r.cloud);
        store_commit(r.store, &r.batch);
        cloud_free(r.cloud);
        r.cloud = cloud_new(&r.env);
        new_batch(&r);
        link_up(&r, true);
        turn(&r);
    }
    answers(&r, true);
    cloud_free(r.cloud);
    hub_batch_set(r.hub, NULL);
    store_commit(r.store, &r.batch);
    hub_free(r.hub);
    store_close(r.store);
    return 0;
}
