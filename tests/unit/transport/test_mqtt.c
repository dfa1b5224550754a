/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the front in, frames to the front out: answer codes by version and QoS, subscriptions,
 * takeover, frames that were applied before, connections that come back after a swap. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/device/fake_engine.h"
#include "transport/mqtt.h"

static struct store *store;
static struct store_batch *batch;
static struct device_hub *hub;
static struct mqtt_server *ms;
static struct tbe_uuid device;
static uint64_t seq;
static char keep[64]; /* of the last FR_KEEP */
static size_t keep_n;
static struct tbe_buf out_text;

static int
setup(void **state)
{
    struct store_options so = { .sync_commit = true };
    struct hub_new_device n = { .name = TBE_STR_INIT("D"), .cred = { .type = STORE_CRED_TOKEN, .id = TBE_STR_INIT("T0k") } };
    static char engine;
    char err[256];

    (void)state;
    clock_fix(1700000000000);
    seq = 0;
    if (store_open(&store, &so, NULL, err) != 0) {
        return -1;
    }
    hub = hub_new(store, "svc");
    hub_engine_set(hub, (struct tbe_engine *)&engine);
    batch = store_batch_new(store);
    hub_batch_set(hub, batch);
    ms = mqtt_new(hub, (struct tbe_engine *)&engine);
    return hub_device_create(hub, &n, &device, err);
}

static int
teardown(void **state)
{
    (void)state;
    mqtt_free(ms);
    hub_free(hub);
    store_commit(store, &batch);
    store_close(store);
    forget_seen();
    tbe_buf_free(&out_text);
    clock_real();
    return 0;
}

/* What was written, as lines; cleared. */
static const char *
out(void)
{
    static const char *const names[] = { "ready", "confirm", "deliver", "close", "keep" };
    struct tbe_buf *b = mqtt_out(ms);
    struct frame f;
    size_t at = 0;
    int64_t n;

    out_text.n = 0;
    tbe_buf_putz(&out_text, "");
    while ((n = frame_parse(b->p + at, b->n - at, &f)) > 0) {
        struct frame_reader r = { f.payload, false };

        at += (size_t)n;
        if (f.type == FR_KEEP) {
            assert_true(f.payload.n <= sizeof(keep));
            memcpy(keep, f.payload.p, f.payload.n);
            keep_n = f.payload.n;
            continue;
        }
        tbe_buf_fmt(&out_text, "%s %u %x", names[f.type - FR_READY], f.conn, f.aux);
        if (f.type == FR_DELIVER) {
            struct tbe_str topic = frame_get_str(&r), body = frame_get_str(&r);

            tbe_buf_fmt(&out_text, " q%d %.*s %.*s", f.flags, (int)topic.n, topic.p, (int)body.n, body.p);
        } else if (f.type == FR_CONFIRM && f.payload.n > 0) {
            for (uint32_t i = 0, k = frame_get_u32(&r); i < k; i++) {
                tbe_buf_fmt(&out_text, " %x", frame_get_u32(&r));
            }
        }
        tbe_buf_putc(&out_text, '\n');
    }
    b->n = 0;
    return out_text.p;
}

static void
frame(struct tbe_buf *b, size_t at)
{
    struct frame f;

    assert_true(frame_end(b, at));
    assert_true(frame_parse(b->p, b->n, &f) > 0);
    mqtt_frame(ms, &f);
    tbe_buf_free(b);
}

static void
put_connect(struct tbe_buf *b, uint32_t level, const char *user)
{
    frame_put_u32(b, level);
    frame_put_u32(b, FR_CONNECT_CLEAN | (user ? FR_CONNECT_HAS_USER : 0));
    frame_put_u32(b, 60);
    frame_put_str(b, TBE_STR("c1"));
    frame_put_str(b, tbe_strz(user));
    frame_put_str(b, TBE_STR_NONE);
    frame_put_str(b, TBE_STR("127.0.0.1:1"));
    frame_put_str(b, TBE_STR_NONE);
}

static void
connect_(uint32_t conn, uint32_t level, const char *user)
{
    struct tbe_buf b = { 0 };
    size_t at = frame_begin(&b, FR_CONNECT, 0, conn, 0, ++seq);

    put_connect(&b, level, user);
    frame(&b, at);
}

static void
publish(uint32_t conn, uint8_t qos, const char *topic, const char *body)
{
    struct tbe_buf b = { 0 };
    size_t at = frame_begin(&b, FR_PUBLISH, qos, conn, 1, ++seq);

    frame_put_str(&b, tbe_strz(topic));
    frame_put_str(&b, tbe_strz(body));
    frame_put_u64(&b, (uint64_t)clock_ms());
    frame(&b, at);
}

static void
subscribe(uint32_t conn, const char *filter, uint32_t qos)
{
    struct tbe_buf b = { 0 };
    size_t at = frame_begin(&b, FR_SUBSCRIBE, 0, conn, 1, ++seq);

    frame_put_u32(&b, 1);
    frame_put_str(&b, tbe_strz(filter));
    frame_put_u32(&b, qos);
    frame(&b, at);
}

static void
simple(uint8_t type, uint32_t conn, uint32_t aux)
{
    struct tbe_buf b = { 0 };

    frame(&b, frame_begin(&b, type, 0, conn, aux, ++seq));
}

static void
refusals_have_the_codes_of_the_reference(void **state)
{
    (void)state;
    connect_(1, 5, "T0k");
    assert_string_equal(out(), "confirm 1 0\n");
    connect_(2, 5, "wrong");
    assert_string_equal(out(), "confirm 2 860186\n");
    publish(2, 1, "v2/t", "{}"); /* sent before the refusal was known */
    assert_string_equal(out(), "confirm 2 200\n");
    connect_(3, 4, NULL);
    assert_string_equal(out(), "confirm 3 850185\n");
}

static void
publish_answers_depend_on_version_and_qos(void **state)
{
    static const struct {
        uint32_t level;
        uint8_t qos;
        const char *topic, *body, *want;
    } cases[] = {
        { 5, 1, "v1/devices/me/telemetry", "{\"a\":1}", "confirm 1 0\n" },
        { 5, 1, "v1/devices/me/telemetry", "5", "confirm 1 99\n" },
        { 5, 0, "v1/devices/me/telemetry", "5", "confirm 1 990300\n" },
        { 4, 1, "v1/devices/me/telemetry", "5", "confirm 1 990300\n" },
        { 5, 1, "v1/devices/me/telemetry", "{\"ts\":\"x\",\"values\":{}}", "confirm 1 8b0300\n" },
        { 5, 1, "wrong", "x", "confirm 1 90\n" },
        { 4, 1, "wrong", "x", "confirm 1 0\n" },
        { 4, 1, "v1/gateway/telemetry", "{}", "confirm 1 200\n" },
        { 5, 1, "v2/t/p", "{\"a\":1}", "confirm 1 99\n" },
        { 5, 1, "v1/devices/me/rpc/request/x", "{\"method\":\"m\"}", "confirm 1 8b0300\n" },
        { 5, 1, "v1/devices/me/attributes/request/x", "{}", "confirm 1 99\n" },
        { 5, 1, "v1/devices/me/attributes/request/3", "{}",
          "confirm 1 0\ndeliver 1 0 q1 v1/devices/me/attributes/response/3 {}\n" },
        { 5, 1, "v2/a/req/j/-3", "{}", "confirm 1 0\n" },
        { 5, 1, "v2/fw/request/1/chunk/0", "", "confirm 1 830300\ndeliver 1 0 q1 v2/fw/error NOT_FOUND\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        connect_(1, cases[i].level, "T0k");
        out();
        publish(1, cases[i].qos, cases[i].topic, cases[i].body);
        assert_string_equal(out(), cases[i].want);
        simple(FR_CLOSED, 1, 0);
        out();
        clock_advance(1);
    }
}

static void
subscriptions_are_granted_by_the_table(void **state)
{
    struct tbe_kv kv = { .key = TBE_STR_INIT("t"), .type = TBE_KV_LONG, .u = { .i = 1 } };
    struct tbe_kvs kvs = { &kv, 1 };

    (void)state;
    connect_(1, 5, "T0k");
    out();
    subscribe(1, "v2/a", 2);
    assert_string_equal(out(), "confirm 1 0 1\n");
    subscribe(1, "#", 0);
    assert_string_equal(out(), "confirm 1 0 8f\n");
    hub_shared_updated(hub, batch, &device, &kvs);
    assert_string_equal(out(), "deliver 1 0 q1 v2/a {\"t\":1}\n");
}

static void
takeover_closes_the_older_connection(void **state)
{
    (void)state;
    connect_(1, 5, "T0k");
    out();
    connect_(2, 5, "T0k");
    assert_string_equal(out(), "confirm 2 0\nclose 1 8e\n");
    publish(1, 1, "v2/t", "{\"a\":1}");
    assert_string_equal(out(), "confirm 1 200\n");
    simple(FR_CLOSED, 1, 2);
    assert_string_equal(out(), "confirm 1 0\n");
    assert_int_equal(hub_connected(hub), 1);
}

static void
frames_applied_before_are_confirmed_without_effect(void **state)
{
    (void)state;
    forget_seen();
    mqtt_applied_set(ms, 4);
    connect_(1, 5, "T0k");
    publish(1, 1, "v2/t", "{\"a\":1}");
    publish(1, 1, "v2/t", "5");
    publish(1, 1, "v1/devices/me/attributes/request/1", "{}");
    assert_string_equal(out(), "confirm 1 0\nconfirm 1 0\nconfirm 1 99\nconfirm 1 0\n");
    assert_int_equal(seen_n, 0);
    publish(1, 1, "v2/t", "{\"a\":1}");
    assert_string_equal(out(), "confirm 1 0\n");
    assert_int_equal(seen_n, 1);
}

static void
a_connection_comes_back_silently_after_a_swap(void **state)
{
    struct hub_rpc rpc = { .device = { { 0 } }, .method = TBE_STR_INIT("m"), .params = TBE_STR_INIT("1"),
                           .expires = 1700000005000, .retries = -1 };
    struct tbe_buf b = { 0 };
    size_t at;

    (void)state;
    connect_(1, 5, "T0k");
    subscribe(1, "v2/r/req/+", 1);
    rpc.device = device;
    tbe_uuid_random(&rpc.id);
    hub_rpc_send(hub, batch, &rpc, NULL, NULL);
    assert_string_equal(out(), "confirm 1 0\nconfirm 1 0 1\ndeliver 1 1 q1 v2/r/req/0 {\"method\":\"m\",\"params\":1}\n");
    mqtt_free(ms); /* the next worker: a new hub on the same store */
    hub_free(hub);
    hub = hub_new(store, "svc");
    hub_batch_set(hub, batch);
    static char engine;
    hub_engine_set(hub, (struct tbe_engine *)&engine);
    ms = mqtt_new(hub, (struct tbe_engine *)&engine);
    forget_seen();
    at = frame_begin(&b, FR_SESSION, 0, 1, 0, 0);
    put_connect(&b, 5, "T0k");
    frame_put_str(&b, (struct tbe_str){ keep, keep_n });
    frame_put_u32(&b, 1);
    frame_put_str(&b, TBE_STR("v2/r/req/+"));
    frame_put_u32(&b, 1);
    frame(&b, at);
    assert_string_equal(out(), "");
    assert_int_equal(seen_n, 0);
    tbe_uuid_random(&rpc.id);
    hub_rpc_send(hub, batch, &rpc, NULL, NULL); /* the request counter went on */
    assert_string_equal(out(), "deliver 1 1 q1 v2/r/req/1 {\"method\":\"m\",\"params\":1}\n");
}

static void
broken_frames_do_not_harm(void **state)
{
    (void)state;
    simple(FR_CONNECT, 1, 0);
    simple(FR_PUBLISH, 1, 1);
    simple(FR_SUBSCRIBE, 1, 1);
    simple(FR_CLOSED, 1, 0);
    simple(FR_CLOSED, 7, 0);
    connect_(1, 5, "T0k");
    simple(FR_PUBLISH, 1, 1);
    simple(FR_SUBSCRIBE, 1, 1);
    simple(FR_ACTIVITY, 1, 0xffffffffu);
    assert_non_null(strstr(out(), "confirm 1"));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(refusals_have_the_codes_of_the_reference),
        T(publish_answers_depend_on_version_and_qos),
        T(subscriptions_are_granted_by_the_table),
        T(takeover_closes_the_older_connection),
        T(frames_applied_before_are_confirmed_without_effect),
        T(a_connection_comes_back_silently_after_a_swap),
        T(broken_frames_do_not_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
