/* SPDX-License-Identifier: Apache-2.0 */
/* Push to cloud: what each message type puts into which queue of the outbox (facts/rule-nodes.md 11.7).
 * The recordings do not cover this node: it does nothing on a server that is no edge. */
#include "config.h"
#include "nodes/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "msg/cloud_event.h"

#define ALARM "{\"id\":{\"entityType\":\"ALARM\",\"id\":\"00000000-0000-4000-8000-0000000000aa\"},\"type\":\"T\"}"

struct last {
    int n, kind, action;
    struct tbe_entity entity;
    char body[400];
};

static bool
on_event(void *arg, const struct store_uplink *u)
{
    struct last *l = arg;
    l->n++;
    l->kind = u->kind;
    l->action = u->action;
    l->entity = u->entity;
    snprintf(l->body, sizeof(l->body), "%.*s", (int)u->body.n, u->body.p ? u->body.p : "");
    return true;
}

static const struct tbe_chain chain = { "00000000-0000-4000-8000-000000000000", "root",
    (const struct tbe_node[]){ { "00000000-0000-4000-8000-000000000001", "push", "edge.TbMsgPushToCloudNode", NULL,
                                 NULL, 0, NULL, 0, 0, NULL, NULL } }, 1, 0, true };
static const struct tbe_chain *const chains[] = { &chain };
static const struct tbe_program program = { TBE_ABI, "test", "test", chains, 1, 0 };

struct result {
    enum tbe_rel rel;
    char error[200];
    bool acked;
    struct last telemetry, general;
};

struct done {
    struct tbe_done d;
    bool ok;
};

static void
on_done(struct tbe_done *d, bool ok, struct tbe_str error)
{
    (void)error;
    ((struct done *)d)->ok = ok;
}

/* Metadata is "key=value" pairs, NULL at the end. */
static struct result
push(const char *type, enum tbe_entity_type originator, const char *data, const char *const *md)
{
    struct result out = { .rel = TBE_REL_NONE };
    struct store_options o = { .sync_commit = true };
    struct tbe_push_to_cloud_cfg cfg = { .scope = TBE_PUSH_TO_CLOUD_SCOPE_CLIENT_SCOPE };
    struct store *s;
    char err[256];
    assert_int_equal(store_open(&s, &o, NULL, err), 0);
    struct tbe_engine *e = engine_new(&program, s, NULL);
    struct store_batch *b = store_batch_new(s);
    engine_batch_set(e, b);
    struct tbe_msg *m = tbe_msg_new(tbe_strz(type), (struct tbe_entity){ originator, { { 5 } } });
    struct done done = { .d = { on_done } };
    m->done = &done.d;
    m->ts = 1000;
    tbe_msg_set_data(m, tbe_strz(data));
    for (; md && *md; md++) {
        const char *eq = strchr(*md, '=');
        tbe_md_put(tbe_msg_arena(m), &m->md, (struct tbe_str){ *md, (size_t)(eq - *md) }, tbe_strz(eq + 1));
    }
    struct tbe_run r = { .engine = e };
    struct tbe_msg *in = m;
    tbe_enter(&r, &chain, 0, m);
    out.rel = tbe_push_to_cloud(&r, &cfg, &m);
    assert_ptr_equal(in, m); /* unchanged */
    snprintf(out.error, sizeof(out.error), "%.*s", (int)r.error.n, r.error.p ? r.error.p : "");
    out.acked = done.ok;
    store_commit(s, &b);
    store_outbox_each(s, true, 0, 10, on_event, &out.telemetry);
    store_outbox_each(s, false, 0, 10, on_event, &out.general);
    tbe_msg_unref(m);
    engine_free(e);
    store_close(s);
    return out;
}

static void
each_type_has_its_event(void **state)
{
    (void)state;
    static const char *const none[] = { NULL };
    static const char *const shared[] = { "scope=SHARED_SCOPE", NULL };
    static const char *const ts[] = { "ts=77", NULL };
    static const char *const fresh[] = { "isNewAlarm=true", NULL };
    static const char *const cleared[] = { "isClearedAlarm=true", NULL };
    static const char *const rpc[] = { "requestId=5", "serviceId=s", "sessionId=x", NULL };
    static const struct {
        const char *type, *data;
        const char *const *md;
        bool telemetry; /* queue */
        int kind, action;
        const char *body;
    } cases[] = {
        { "POST_TELEMETRY_REQUEST", "{\"a\":1}", ts, true, CLOUD_KIND_DEVICE, CLOUD_ACTION_TIMESERIES_UPDATED,
          "{\"data\":{\"a\":1},\"ts\":77}" },
        { "POST_TELEMETRY_REQUEST", "{ \"a\" : 1.50 }", none, true, CLOUD_KIND_DEVICE, CLOUD_ACTION_TIMESERIES_UPDATED,
          "{\"data\":{\"a\":1.5},\"ts\":1000}" },
        { "TIMESERIES_UPDATED", "{\"timeseries\":[]}", none, true, CLOUD_KIND_DEVICE, CLOUD_ACTION_TIMESERIES_UPDATED,
          "{\"data\":{\"timeseries\":[]},\"ts\":1000}" },
        { "POST_ATTRIBUTES_REQUEST", "{\"a\":1}", none, true, CLOUD_KIND_DEVICE, CLOUD_ACTION_POST_ATTRIBUTES,
          "{\"kv\":{\"a\":1},\"ts\":1000,\"scope\":\"CLIENT_SCOPE\",\"isPostAttributes\":true}" },
        { "ATTRIBUTES_UPDATED", "{\"a\":1}", shared, true, CLOUD_KIND_DEVICE, CLOUD_ACTION_ATTRIBUTES_UPDATED,
          "{\"kv\":{\"a\":1},\"ts\":1000,\"scope\":\"SHARED_SCOPE\"}" },
        { "ATTRIBUTES_DELETED", "{\"attributes\":[\"a\",\"b\"]}", shared, true, CLOUD_KIND_DEVICE,
          CLOUD_ACTION_ATTRIBUTES_DELETED, "{\"keys\":[\"a\",\"b\"],\"scope\":\"SHARED_SCOPE\"}" },
        { "CONNECT_EVENT", "{\"active\":true}", none, true, CLOUD_KIND_DEVICE, CLOUD_ACTION_TIMESERIES_UPDATED,
          "{\"data\":{\"active\":true},\"ts\":1000}" },
        { "INACTIVITY_EVENT", "{\"active\":false}", shared, true, CLOUD_KIND_DEVICE, CLOUD_ACTION_ATTRIBUTES_UPDATED,
          "{\"kv\":{\"active\":false},\"ts\":1000,\"scope\":\"SHARED_SCOPE\"}" },
        { "TO_SERVER_RPC_REQUEST", "{\"method\":\"m\",\"params\":{\"p\":1}}", rpc, false, CLOUD_KIND_DEVICE,
          CLOUD_ACTION_RPC_CALL,
          "{\"requestId\":\"5\",\"serviceId\":\"s\",\"sessionId\":\"x\",\"method\":\"m\",\"params\":\"{\\\"p\\\":1}\"}" },
        { "ALARM", ALARM, fresh, false, CLOUD_KIND_ALARM, CLOUD_ACTION_ADDED, "" },
        { "ALARM", ALARM, cleared, false, CLOUD_KIND_ALARM, CLOUD_ACTION_ALARM_CLEAR, "" },
        { "ALARM_CREATED", ALARM, none, false, CLOUD_KIND_ALARM, CLOUD_ACTION_UPDATED, "" },
        { "ALARM_ACK", ALARM, none, false, CLOUD_KIND_ALARM, CLOUD_ACTION_ALARM_ACK, "" },
        { "ALARM_CLEAR", ALARM, none, false, CLOUD_KIND_ALARM, CLOUD_ACTION_ALARM_CLEAR, "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result r = push(cases[i].type, TBE_ENT_DEVICE, cases[i].data, cases[i].md);
        const struct last *l = cases[i].telemetry ? &r.telemetry : &r.general;
        assert_int_equal(r.rel, TBE_REL_SUCCESS);
        assert_int_equal(r.telemetry.n + r.general.n, 1);
        assert_int_equal(l->n, 1);
        assert_int_equal(l->kind, cases[i].kind);
        assert_int_equal(l->action, cases[i].action);
        assert_string_equal(l->body, cases[i].body);
        assert_int_equal(l->entity.type, cases[i].kind == CLOUD_KIND_ALARM ? TBE_ENT_ALARM : TBE_ENT_DEVICE);
    }
}

static void
what_the_cloud_sent_is_not_sent_back(void **state)
{
    (void)state;
    static const char *const cloud[] = { "source=CLOUD", NULL };
    struct result r = push("POST_TELEMETRY_REQUEST", TBE_ENT_DEVICE, "{\"a\":1}", cloud);
    assert_int_equal(r.rel, TBE_REL_NONE);
    assert_true(r.acked);
    assert_int_equal(r.telemetry.n + r.general.n, 0);
}

static void
other_types_and_bad_data_fail(void **state)
{
    (void)state;
    struct result r = push("ENTITY_CREATED", TBE_ENT_DEVICE, "{}", NULL);
    assert_int_equal(r.rel, TBE_REL_FAILURE);
    assert_string_equal(r.error, "Unsupported msg type ENTITY_CREATED");
    r = push("POST_TELEMETRY_REQUEST", TBE_ENT_DEVICE, "no json", NULL);
    assert_int_equal(r.rel, TBE_REL_FAILURE);
    r = push("ALARM", TBE_ENT_DEVICE, "{\"no\":\"id\"}", NULL);
    assert_int_equal(r.rel, TBE_REL_FAILURE);
    assert_int_equal(r.telemetry.n + r.general.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_event),
        cmocka_unit_test(what_the_cloud_sent_is_not_sent_back),
        cmocka_unit_test(other_types_and_bad_data_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
