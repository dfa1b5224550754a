/* SPDX-License-Identifier: Apache-2.0 */
/* The hub on an in-memory store: credentials, sessions and takeover, posts, attribute requests and pushes,
 * client and server RPC with their time-outs, device state (facts/device-apis.md 2, 3, 5, 6, 9, 15). */
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

struct fixture {
    struct store *store;
    struct store_batch *batch;
    struct device_hub *hub;
    struct tbe_uuid device;
};
struct fake_session {
    struct hub_session s;
    char log[4096];
    enum hub_sent answer;
    uint16_t tag;
};

static void
note(struct hub_session *s, const char *fmt, ...)
{
    struct fake_session *f = (struct fake_session *)s;
    size_t n = strlen(f->log);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->log + n, sizeof(f->log) - n, fmt, ap);
    va_end(ap);
}

static void
on_attributes(struct hub_session *s, struct tbe_str body)
{
    note(s, "attr %.*s\n", (int)body.n, body.p);
}

static enum hub_sent
on_rpc(struct hub_session *s, int32_t id, struct tbe_str method, struct tbe_str params, uint16_t tag)
{
    ((struct fake_session *)s)->tag = tag;
    note(s, "rpc %d %.*s %.*s\n", (int)id, (int)method.n, method.p, (int)params.n, params.p);
    return ((struct fake_session *)s)->answer;
}

static void
on_reply(struct hub_session *s, int32_t id, struct tbe_str body)
{
    note(s, "reply %d %.*s\n", (int)id, (int)body.n, body.p);
}

static void
on_close(struct hub_session *s, enum hub_close why)
{
    note(s, "close %d\n", (int)why);
}

static const struct hub_session_ops ops = { on_attributes, on_rpc, on_reply, on_close };

static void
turn(struct fixture *f)
{
    store_commit(f->store, &f->batch);
    f->batch = store_batch_new(f->store);
    hub_batch_set(f->hub, f->batch);
    store_end_turn(f->store);
}

static void
advance(struct fixture *f, int64_t ms)
{
    clock_advance(ms);
    (void)hub_tick(f->hub, f->batch, clock_ms());
    turn(f);
}

static int
setup(void **state)
{
    static struct fixture f;
    static char engine; /* the fake one has no state */
    struct store_options so = { .sync_commit = true };
    struct hub_new_device n = { .name = TBE_STR_INIT("Thermostat A7"),
                                .cred = { .type = STORE_CRED_TOKEN, .id = TBE_STR_INIT("T0k") } };
    char err[256];

    clock_fix(1700000000000);
    memset(&f, 0, sizeof(f));
    if (store_open(&f.store, &so, NULL, err) != 0) {
        fprintf(stderr, "%s\n", err);
        return -1;
    }
    f.hub = hub_new(f.store, "svc");
    hub_engine_set(f.hub, (struct tbe_engine *)&engine);
    f.batch = store_batch_new(f.store);
    hub_batch_set(f.hub, f.batch);
    if (hub_device_create(f.hub, &n, &f.device, err) != 0) {
        fprintf(stderr, "%s\n", err);
        return -1;
    }
    turn(&f);
    forget_seen();
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    hub_free(f->hub);
    store_commit(f->store, &f->batch);
    store_close(f->store);
    forget_seen();
    clock_real();
    return 0;
}

static void
open_session(struct fixture *f, struct fake_session *s)
{
    memset(s, 0, sizeof(*s));
    s->s.ops = &ops;
    s->s.async = true;
    hub_session_open(f->hub, &s->s, hub_device(f->hub, &f->device), false);
}

static const char *
seen_text(void)
{
    return seen.p ? seen.p : "";
}

static void
posts_become_one_message_per_record(void **state)
{
    struct fixture *f = *state;
    struct tbe_str err;

    assert_int_equal(hub_post_telemetry(f->hub, hub_device(f->hub, &f->device), TBE_STR_NONE, clock_ms(),
                                        TBE_STR("[{\"ts\":5,\"values\":{\"temp\":\"21.50\",\"ok\":true}},"
                                                "{\"hum\":60,\"x\":null}]"), false, &err), HUB_DONE);
    assert_string_equal(seen_text(),
                        "POST_TELEMETRY_REQUEST deviceName=Thermostat A7 deviceType=default ts=5 "
                        "{\"temp\":21.5,\"ok\":true}\n"
                        "POST_TELEMETRY_REQUEST deviceName=Thermostat A7 deviceType=default ts=1700000000000 "
                        "{\"hum\":60}\n");
    assert_non_null(last_msg->kvs);
}

static void
typed_entries_are_kept_only_when_the_text_says_the_same(void **state)
{
    static const struct {
        const char *json;
        bool kept;
    } cases[] = { { "{\"a\":1.5}", true },         { "{\"a\":9999999.0}", true },  { "{\"a\":10000000.0}", false },
                  { "{\"a\":0.001}", true },       { "{\"a\":0.0005}", false },    { "{\"a\":{\"b\":null}}", false },
                  { "{\"a\":{\"b\":1.50}}", true }, { "{\"a\":\"x\"}", true },      { "{\"a\\u0000\":1}", false } };
    struct fixture *f = *state;
    struct tbe_str err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(hub_post_telemetry(f->hub, hub_device(f->hub, &f->device), TBE_STR_NONE, clock_ms(),
                                            tbe_strz(cases[i].json), false, &err), HUB_DONE);
        if ((last_msg->kvs != NULL) != cases[i].kept) {
            fail_msg("%s", cases[i].json);
        }
    }
}

static void
payload_errors_have_the_class_of_the_reference(void **state)
{
    static const struct {
        const char *json;
        enum hub_result r;
    } cases[] = { { "5", HUB_PAYLOAD }, { "[1]", HUB_PAYLOAD }, { "{\"a\":,}", HUB_PAYLOAD },
                  { "{\"ts\":\"abc\",\"values\":{}}", HUB_UNCAUGHT }, { "{\"ts\":1,\"values\":5}", HUB_PAYLOAD },
                  { "[]", HUB_DONE }, { "{}", HUB_DONE } };
    struct fixture *f = *state;
    struct tbe_str err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        seen_n = 0;
        assert_int_equal(hub_post_telemetry(f->hub, hub_device(f->hub, &f->device), TBE_STR_NONE, clock_ms(),
                                            tbe_strz(cases[i].json), false, &err), cases[i].r);
        assert_int_equal(seen_n, strcmp(cases[i].json, "{}") == 0);
    }
    seen_n = 0; /* a frame applied before is checked, not submitted again */
    assert_int_equal(hub_post_telemetry(f->hub, hub_device(f->hub, &f->device), TBE_STR_NONE, clock_ms(),
                                        TBE_STR("{\"a\":1}"), true, &err), HUB_DONE);
    assert_int_equal(seen_n, 0);
}

static void
a_new_session_takes_over_and_only_the_last_close_disconnects(void **state)
{
    struct fixture *f = *state;
    struct fake_session a, b;

    open_session(f, &a);
    assert_non_null(strstr(seen_text(), "CONNECT_EVENT deviceName=Thermostat A7 deviceType=default scope=SERVER_SCOPE "
                                        "{\"lastConnectTime\":1700000000000,"));
    assert_non_null(strstr(seen_text(), "ACTIVITY_EVENT"));
    assert_int_equal(hub_connected(f->hub), 1);
    clock_advance(10);
    forget_seen();
    open_session(f, &b);
    assert_string_equal(a.log, "close 0\n");
    assert_false(a.s.open);
    assert_non_null(strstr(seen_text(), "CONNECT_EVENT"));
    assert_null(strstr(seen_text(), "DISCONNECT_EVENT"));
    hub_session_close(f->hub, &a.s, false); /* its late close says nothing */
    assert_null(strstr(seen_text(), "DISCONNECT_EVENT"));
    hub_session_close(f->hub, &b.s, false);
    assert_non_null(strstr(seen_text(), "DISCONNECT_EVENT"));
    assert_int_equal(hub_connected(f->hub), 0);
}

static void
mqtt_credentials_follow_the_decision_tree(void **state)
{
    static const struct {
        const char *client, *user, *password;
        enum hub_auth r;
    } cases[] = { { "any", "T0k", "whatever", HUB_AUTH_OK }, { "", "T0k", NULL, HUB_AUTH_OK },
                  { "any", "wrong", NULL, HUB_AUTH_REFUSED }, { "T0k", NULL, NULL, HUB_AUTH_REFUSED },
                  { "cl-7", "usr", "pw", HUB_AUTH_OK },       { "cl-7", "usr", "no", HUB_AUTH_REFUSED },
                  { "cl-7", "usr", NULL, HUB_AUTH_REFUSED },  { "cl-8", "usr", "pw", HUB_AUTH_REFUSED } };
    struct fixture *f = *state;
    struct hub_new_device n = { .name = TBE_STR_INIT("basic"), .cred = { .type = STORE_CRED_MQTT_BASIC } };
    struct tbe_uuid id;
    char err[256];

    n.cred.value = TBE_STR("{\"clientId\":\"cl-7\",\"userName\":\"usr\",\"password\":\"pw\"}");
    assert_int_equal(hub_cred_normalize(f->hub, &n.cred, err), 0);
    /* sha3("cl-7|usr") of facts 2.1 */
    assert_true(tbe_str_eqz(n.cred.id, "e147291f447ec661062fc3d23be25d6e6f4a79c0a95d77bb75657a124510de0a"));
    assert_int_equal(hub_device_create(f->hub, &n, &id, err), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hub_login l = { tbe_strz(cases[i].client), tbe_strz(cases[i].user), tbe_strz(cases[i].password),
                               TBE_STR_NONE, false };
        struct hub_device *d;

        if (hub_auth_mqtt(f->hub, &l, &d) != cases[i].r) {
            fail_msg("client %s user %s", cases[i].client, cases[i].user ? cases[i].user : "-");
        }
    }
    n.cred = (struct store_cred){ .type = STORE_CRED_MQTT_BASIC, .value = TBE_STR("{\"clientId\":\"c\",\"password\":\"p\"}") };
    assert_int_equal(hub_cred_normalize(f->hub, &n.cred, err), -1);
    assert_string_equal(err, "Password cannot be specified along with client id");
    assert_null(hub_auth_token(f->hub, TBE_STR("usr")));
    assert_non_null(hub_auth_token(f->hub, TBE_STR("T0k")));
}

static void
attribute_requests_choose_scopes_by_what_is_asked(void **state)
{
    static const struct {
        const char *json, *out;
        enum hub_result r;
        bool respond;
    } cases[] = {
        { "{}", "{\"shared\":{\"t\":21.0,\"m\":\"eco\"}}", HUB_DONE, true },
        { "{\"sharedKeys\":\"t,zz\"}", "{\"shared\":{\"t\":21.0}}", HUB_DONE, true },
        { "{\"sharedKeys\":\"t,\"}", "{\"shared\":{\"t\":21.0}}", HUB_DONE, true },
        { "{\"clientKeys\":\"t\"}", "{}", HUB_DONE, true },
        { "{\"sharedKeys\":[\"m\"]}", "{\"shared\":{\"m\":\"eco\"}}", HUB_DONE, true },
        { "{\"sharedKeys\":[\"m\",\"t\"]}", "", HUB_PAYLOAD, false },
        { "{\"sharedKeys\":\"\"}", "", HUB_DONE, false },
        { "[]", "", HUB_PAYLOAD, false },
        { "", "", HUB_PAYLOAD, false },
    };
    struct fixture *f = *state;
    struct hub_device *d = hub_device(f->hub, &f->device);
    struct tbe_kv kv[2] = { { .key = TBE_STR_INIT("t"), .type = TBE_KV_DOUBLE, .u = { .d = 21.0 } },
                            { .key = TBE_STR_INIT("m"), .type = TBE_KV_STRING, .s = TBE_STR_INIT("eco") } };
    struct tbe_kvs kvs = { kv, 2 };

    hub_rest_attributes(f->hub, d, STORE_SHARED, &kvs);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tbe_buf out = { 0 };
        bool respond;

        assert_int_equal(hub_attributes_request(f->hub, d, tbe_strz(cases[i].json), &out, &respond), cases[i].r);
        assert_int_equal(respond, cases[i].respond);
        if (respond) {
            assert_string_equal(out.p, cases[i].out);
        }
        tbe_buf_free(&out);
    }
}

static void
shared_attributes_are_pushed_to_subscribers_only(void **state)
{
    struct fixture *f = *state;
    struct hub_device *d = hub_device(f->hub, &f->device);
    struct tbe_kv kv = { .key = TBE_STR_INIT("t"), .type = TBE_KV_DOUBLE, .u = { .d = 22.0 } };
    struct tbe_kvs kvs = { &kv, 1 };
    struct tbe_str key = TBE_STR("t");
    struct fake_session s;

    open_session(f, &s);
    hub_rest_attributes(f->hub, d, STORE_SHARED, &kvs);
    hub_subscribe_attributes(&s.s, true);
    hub_rest_attributes(f->hub, d, STORE_SERVER, &kvs);
    assert_string_equal(s.log, "");
    hub_rest_attributes(f->hub, d, STORE_SHARED, &kvs);
    hub_rest_attributes_delete(f->hub, d, STORE_SHARED, &key, 1);
    assert_string_equal(s.log, "attr {\"t\":22.0}\nattr {\"deleted\":[\"t\"]}\n");
    assert_non_null(strstr(seen_text(), "ATTRIBUTES_UPDATED scope=SHARED_SCOPE {\"t\":22.0}"));
    assert_non_null(strstr(seen_text(), "ATTRIBUTES_DELETED scope=SHARED_SCOPE {\"attributes\":[\"t\"]}"));
    hub_session_close(f->hub, &s.s, true);
}

static void
client_rpc_is_answered_once_or_times_out(void **state)
{
    struct fixture *f = *state;
    struct fake_session s;
    struct tbe_str err;
    char id[TBE_UUID_TEXT + 1];

    open_session(f, &s);
    forget_seen();
    assert_int_equal(hub_client_rpc(f->hub, &s.s, 5, TBE_STR("{\"method\":\"m\",\"params\":{\"a\":1.50,\"n\":null}}"), false,
                                    true, false, &err), HUB_DONE);
    tbe_uuid_text(&s.s.id, id);
    assert_non_null(strstr(seen_text(), "requestId=5 serviceId=svc"));
    assert_non_null(strstr(seen_text(), "{\"method\":\"m\",\"params\":{\"a\":1.50}}"));
    hub_client_rpc_reply(f->hub, f->batch, &f->device, tbe_strz(id), 5, TBE_STR("{\"x\":1}"));
    hub_client_rpc_reply(f->hub, f->batch, &f->device, tbe_strz(id), 5, TBE_STR("{\"x\":2}"));
    assert_string_equal(s.log, "reply 5 {\"x\":1}\n");
    assert_int_equal(hub_client_rpc(f->hub, &s.s, 6, TBE_STR("{\"method\":\"m\"}"), false, true, false, &err), HUB_DONE);
    advance(f, 59999);
    assert_string_equal(s.log, "reply 5 {\"x\":1}\n");
    advance(f, 1);
    assert_string_equal(s.log, "reply 5 {\"x\":1}\nreply 6 {\"error\":\"timeout\"}\n");
    assert_int_equal(hub_client_rpc(f->hub, &s.s, 7, TBE_STR("{\"params\":1}"), false, true, false, &err), HUB_UNCAUGHT);
    assert_int_equal(hub_client_rpc(f->hub, &s.s, 7, TBE_STR("{\"method\":\"m\"}"), true, true, false, &err), HUB_UNCAUGHT);
    hub_session_close(f->hub, &s.s, true);
}

struct result {
    int n;
    enum hub_rpc_error e;
    char text[200];
};

static void
on_result(void *arg, enum hub_rpc_error e, struct tbe_str text)
{
    struct result *r = arg;

    r->n++;
    r->e = e;
    snprintf(r->text, sizeof(r->text), "%.*s", (int)text.n, text.n ? text.p : "");
}

static void
send(struct fixture *f, bool oneway, bool persisted, struct tbe_uuid *id, struct result *r)
{
    struct hub_rpc rpc = { .device = f->device, .method = TBE_STR_INIT("set"), .params = TBE_STR_INIT("{\"pin\":1}"),
                           .oneway = oneway, .persisted = persisted, .expires = clock_ms() + 5000, .retries = -1 };

    memset(r, 0, sizeof(*r));
    tbe_uuid_random(&rpc.id);
    if (id != NULL) {
        *id = rpc.id;
    }
    hub_rpc_send(f->hub, f->batch, &rpc, on_result, r);
}

static void
server_rpc_reaches_the_subscriber_and_its_reply_the_caller(void **state)
{
    struct fixture *f = *state;
    struct hub_device *d = hub_device(f->hub, &f->device);
    struct fake_session s;
    struct result r, r2;

    open_session(f, &s);
    hub_subscribe_rpc(f->hub, &s.s, true);
    send(f, false, false, NULL, &r);
    assert_string_equal(s.log, "rpc 0 set {\"pin\":1}\n");
    hub_rpc_response(f->hub, d, 9, TBE_STR("{}"));
    hub_rpc_response(f->hub, d, 0, TBE_STR("{\"r\":1}"));
    hub_rpc_response(f->hub, d, 0, TBE_STR("{\"r\":2}"));
    assert_int_equal(r.n, 0); /* not before the commit */
    turn(f);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.e, HUB_RPC_OK);
    assert_string_equal(r.text, "{\"r\":1}");
    send(f, true, false, NULL, &r2);
    turn(f);
    assert_int_equal(r2.n, 1);
    assert_int_equal(r2.e, HUB_RPC_OK);
    send(f, false, false, NULL, &r);
    advance(f, 5000);
    assert_int_equal(r.e, HUB_RPC_TIMEOUT);
    hub_session_close(f->hub, &s.s, true);
    send(f, false, false, NULL, &r);
    advance(f, 5000);
    assert_int_equal(r.e, HUB_RPC_NO_ACTIVE_CONNECTION);
}

static void
assert_status(struct fixture *f, const struct tbe_uuid *id, const char *status)
{
    char want[40];
    struct tbe_str row = hub_rpc_row(f->hub, &f->device, id);

    snprintf(want, sizeof(want), "\"status\":\"%s\"", status);
    assert_non_null(row.p);
    if (memmem(row.p, row.n, want, strlen(want)) == NULL) {
        fail_msg("wanted %s in %.*s", want, (int)row.n, row.p);
    }
}

static void
persistent_rpc_waits_for_the_device_and_keeps_its_state(void **state)
{
    struct fixture *f = *state;
    struct hub_device *d = hub_device(f->hub, &f->device);
    struct fake_session s;
    struct tbe_uuid one, two, three;
    struct result r;

    send(f, true, true, &one, &r);
    turn(f);
    assert_int_equal(r.e, HUB_RPC_OK);
    assert_non_null(strstr(r.text, "{\"rpcId\":\""));
    assert_status(f, &one, "QUEUED");
    open_session(f, &s);
    s.answer = HUB_SENT_UNACKED;
    hub_subscribe_rpc(f->hub, &s.s, true);
    assert_status(f, &one, "SENT");
    hub_rpc_delivered(f->hub, &s.s, s.tag);
    assert_status(f, &one, "DELIVERED");
    send(f, false, true, &two, &r);
    hub_rpc_delivered(f->hub, &s.s, s.tag);
    hub_rpc_response(f->hub, d, 1, TBE_STR("{\"r\":1}"));
    assert_status(f, &two, "SUCCESSFUL");
    send(f, false, true, &three, &r);
    advance(f, 5000);
    assert_status(f, &three, "EXPIRED");
    assert_non_null(strstr(seen_text(), "RPC_EXPIRED"));
    hub_session_close(f->hub, &s.s, true);
}

static void
sessions_expire_and_devices_become_inactive(void **state)
{
    struct fixture *f = *state;
    struct fake_session s;

    open_session(f, &s);
    advance(f, 3001);
    for (int i = 0; i < 202; i++) {
        advance(f, 3000);
    }
    assert_string_equal(s.log, "close 3\n");
    assert_non_null(strstr(seen_text(), "DISCONNECT_EVENT"));
    advance(f, 60000);
    assert_non_null(strstr(seen_text(), "INACTIVITY_EVENT deviceName=Thermostat A7 deviceType=default "
                                        "scope=SERVER_SCOPE {\"active\":false,"));
}

static void
registry_refuses_doubles_and_unknown_profiles(void **state)
{
    struct fixture *f = *state;
    struct hub_new_device n = { .name = TBE_STR_INIT("Thermostat A7") };
    struct tbe_uuid id;
    char err[256], longname[300];

    assert_int_equal(hub_device_create(f->hub, &n, &id, err), -1);
    assert_string_equal(err, "Device with such name already exists!");
    n.name = TBE_STR("other");
    n.cred = (struct store_cred){ .type = STORE_CRED_TOKEN, .id = TBE_STR("T0k") };
    assert_int_equal(hub_device_create(f->hub, &n, &id, err), -1);
    n.cred.id = TBE_STR_NONE;
    n.profile = TBE_STR("nope");
    assert_int_equal(hub_device_create(f->hub, &n, &id, err), -1);
    n.profile = TBE_STR_NONE;
    memset(longname, 'n', sizeof(longname));
    n.name = (struct tbe_str){ longname, 256 };
    assert_int_equal(hub_device_create(f->hub, &n, &id, err), -1);
    n.name.n = 255;
    assert_int_equal(hub_device_create(f->hub, &n, &id, err), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(posts_become_one_message_per_record),
        T(typed_entries_are_kept_only_when_the_text_says_the_same),
        T(payload_errors_have_the_class_of_the_reference),
        T(a_new_session_takes_over_and_only_the_last_close_disconnects),
        T(mqtt_credentials_follow_the_decision_tree),
        T(attribute_requests_choose_scopes_by_what_is_asked),
        T(shared_attributes_are_pushed_to_subscribers_only),
        T(client_rpc_is_answered_once_or_times_out),
        T(server_rpc_reaches_the_subscriber_and_its_reply_the_caller),
        T(persistent_rpc_waits_for_the_device_and_keeps_its_state),
        T(sessions_expire_and_devices_become_inactive),
        T(registry_refuses_doubles_and_unknown_profiles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
