/* SPDX-License-Identifier: Apache-2.0 */
/* The downlink, family by family (facts/edge-cloud-protocol.md 5.3, 6 - 9): messages built by protobuf-c, packed
 * and unpacked, applied to an in-memory store. */
#include "config.h"

#include "tests/unit/cloud/test_down_fix.h"

#define DEV "912f35c0-e692-11f1-8705-1b498a4bdb30"
#define DEV2 "912f35c0-e692-11f1-8705-1b498a4bdb31"
#define PROFILE "911588b0-e691-11f1-beeb-998483c8d1f1"
#define CHAIN "914b8cd0-e691-11f1-beeb-998483c8d1f1"
#define CHAIN2 "914b8cd0-e691-11f1-beeb-998483c8d1f2"
#define OTHER "00000000-e691-11f1-beeb-998483c8d1f2"
#define NULL_ID "13814000-1dd2-11b2-8080-808080808080"

static int64_t
msb(const char *id)
{
    struct tbe_uuid u = uuid_of(id);

    return tbe_uuid_msb(&u);
}

static int64_t
lsb(const char *id)
{
    struct tbe_uuid u = uuid_of(id);

    return tbe_uuid_lsb(&u);
}

enum { CREATED, UPDATED, DELETED };

/* One message of one entity: SEND(field, Type, TYPE, op, id, json). */
#define SEND(f, T, TYPE_, op_, id_, json_)                                            \
    do {                                                                              \
        Edge__##T x_ = EDGE__##TYPE_##__INIT, *v_[1] = { &x_ };                       \
        Edge__DownlinkMsg m_ = EDGE__DOWNLINK_MSG__INIT;                              \
        x_.msgtype = (Edge__UpdateMsgType)(op_);                                      \
        x_.idmsb = msb(id_);                                                          \
        x_.idlsb = lsb(id_);                                                          \
        x_.entity = (char *)(uintptr_t)(json_);                                       \
        m_.n_##f = 1;                                                                 \
        m_.f = v_;                                                                    \
        apply(&m_);                                                                   \
    } while (0)
/* ... of a message that is an entity alone. */
#define SEND_JSON(f, T, TYPE_, json_)                                                 \
    do {                                                                              \
        Edge__##T x_ = EDGE__##TYPE_##__INIT, *v_[1] = { &x_ };                       \
        Edge__DownlinkMsg m_ = EDGE__DOWNLINK_MSG__INIT;                              \
        x_.entity = (char *)(uintptr_t)(json_);                                       \
        m_.n_##f = 1;                                                                 \
        m_.f = v_;                                                                    \
        apply(&m_);                                                                   \
    } while (0)
#define SEND_TYPED(f, T, TYPE_, op_, json_)                                           \
    do {                                                                              \
        Edge__##T x_ = EDGE__##TYPE_##__INIT, *v_[1] = { &x_ };                       \
        Edge__DownlinkMsg m_ = EDGE__DOWNLINK_MSG__INIT;                              \
        x_.msgtype = (Edge__UpdateMsgType)(op_);                                      \
        x_.entity = (char *)(uintptr_t)(json_);                                       \
        m_.n_##f = 1;                                                                 \
        m_.f = v_;                                                                    \
        apply(&m_);                                                                   \
    } while (0)
#define DEVICE(op, id, json) SEND(deviceupdatemsg, DeviceUpdateMsg, DEVICE_UPDATE_MSG, op, id, json)
#define DPROFILE(op, id, json) SEND(deviceprofileupdatemsg, DeviceProfileUpdateMsg, DEVICE_PROFILE_UPDATE_MSG, op, id, json)
#define CRED(json) SEND_JSON(devicecredentialsupdatemsg, DeviceCredentialsUpdateMsg, DEVICE_CREDENTIALS_UPDATE_MSG, json)

static void
put_profile(void)
{
    DPROFILE(CREATED, PROFILE,
             "{\"id\":{\"entityType\":\"DEVICE_PROFILE\",\"id\":\"" PROFILE "\"},\"createdTime\":5,\"name\":\"default\","
             "\"default\":true,\"defaultRuleChainId\":{\"entityType\":\"RULE_CHAIN\",\"id\":\"" OTHER "\"},"
             "\"defaultEdgeRuleChainId\":null,\"firmwareId\":{\"entityType\":\"OTA_PACKAGE\",\"id\":\"" OTHER "\"}}");
}

#define DEVICE_JSON(id, name)                                                                                     \
    "{\"id\":{\"entityType\":\"DEVICE\",\"id\":\"" id "\"},\"createdTime\":1710000000000,\"name\":\"" name "\","  \
    "\"type\":\"wrong\",\"label\":null,\"customerId\":{\"entityType\":\"CUSTOMER\",\"id\":\"" OTHER "\"},"        \
    "\"deviceProfileId\":{\"entityType\":\"DEVICE_PROFILE\",\"id\":\"" PROFILE "\"},"                             \
    "\"deviceData\":{\"configuration\":{\"type\":\"DEFAULT\",\"type\":\"DEFAULT\"}}}"

static void
put_device(void)
{
    put_profile();
    DEVICE(CREATED, DEV, DEVICE_JSON(DEV, "dev-1"));
}

/* A session that remembers how it was closed and what was pushed. */
static int closed_why = -1;
static char pushed[256], rpc_got[256], reply_got[256];
static int32_t rpc_id;

static void
on_attributes(struct hub_session *s, struct tbe_str body)
{
    (void)s;
    snprintf(pushed, sizeof pushed, "%.*s", (int)body.n, body.p);
}

static enum hub_sent
on_rpc(struct hub_session *s, int32_t id, struct tbe_str method, struct tbe_str params, uint16_t tag)
{
    (void)s;
    (void)tag;
    rpc_id = id;
    snprintf(rpc_got, sizeof rpc_got, "%.*s %.*s", (int)method.n, method.p, (int)params.n, params.p);
    return HUB_SENT_DONE;
}

static void
on_reply(struct hub_session *s, int32_t id, struct tbe_str body)
{
    (void)s;
    snprintf(reply_got, sizeof reply_got, "%d %.*s", id, (int)body.n, body.p);
}

static void
on_close(struct hub_session *s, enum hub_close why)
{
    (void)s;
    closed_why = (int)why;
}

static const struct hub_session_ops ops = { on_attributes, on_rpc, on_reply, on_close };

static void
open_session(struct hub_session *s)
{
    struct tbe_uuid id = uuid_of(DEV);

    memset(s, 0, sizeof *s);
    s->ops = &ops;
    s->async = true;
    closed_why = -1;
    pushed[0] = rpc_got[0] = reply_got[0] = '\0';
    hub_session_open(fx.hub, s, hub_device(fx.hub, &id), false);
    hub_subscribe_attributes(s, true);
    hub_subscribe_rpc(fx.hub, s, true);
    turn();
    forget();
}

/* Devices and profiles --------------------------------------------------------------------------------- */

static void
test_profile_replaces_the_local_default(void **state)
{
    struct hub_new_device n = { .name = TBE_STR_INIT("local"), .cred = { .id = TBE_STR_INIT("T") } };
    const struct store_entity *p, *e;
    struct tbe_uuid id, local;
    char err[256];

    (void)state;
    local = store_default_profile(fx.s, TBE_ENT_DEVICE_PROFILE)->id.id;
    assert_int_equal(hub_device_create(fx.hub, &n, &id, err), 0);
    turn();
    put_profile();
    p = store_default_profile(fx.s, TBE_ENT_DEVICE_PROFILE);
    assert_non_null(p);
    assert_true(tbe_uuid_eq(&p->id.id, &(struct tbe_uuid){ { 0 } }) == false);
    e = entity(TBE_ENT_DEVICE_PROFILE, PROFILE);
    assert_ptr_equal(p, e);
    assert_true(json_has(e, "\"default\":true"));
    assert_true(json_has(e, "\"defaultRuleChainId\":null"));
    assert_true(json_has(e, "\"firmwareId\":null"));
    struct tbe_entity old = { TBE_ENT_DEVICE_PROFILE, local };
    assert_null(store_entity(fx.s, &old));
    old = (struct tbe_entity){ TBE_ENT_DEVICE, id };
    assert_true(tbe_uuid_eq(&store_entity(fx.s, &old)->profile, &e->id.id));
    assert_true(json_has(store_entity(fx.s, &old), PROFILE));
    assert_true(tbe_str_eqz(hub_device(fx.hub, &id)->profile->name, "default"));
    assert_true(told("request DEVICE_PROFILE " PROFILE " ALL"));
}

static void
test_default_flag_moves(void **state)
{
    (void)state;
    put_profile();
    DPROFILE(CREATED, OTHER, "{\"id\":{\"id\":\"" OTHER "\"},\"name\":\"second\",\"default\":true}");
    assert_true(json_has(entity(TBE_ENT_DEVICE_PROFILE, OTHER), "\"default\":true"));
    assert_true(json_has(entity(TBE_ENT_DEVICE_PROFILE, PROFILE), "\"default\":false"));
    assert_true(tbe_str_eqz(store_default_profile(fx.s, TBE_ENT_DEVICE_PROFILE)->name, "second"));
    /* never taken away */
    DPROFILE(UPDATED, OTHER, "{\"id\":{\"id\":\"" OTHER "\"},\"name\":\"second\",\"default\":false,\"description\":\"d\"}");
    assert_true(json_has(entity(TBE_ENT_DEVICE_PROFILE, OTHER), "\"default\":true"));
    assert_true(json_has(entity(TBE_ENT_DEVICE_PROFILE, OTHER), "\"description\":\"d\""));
}

static void
test_profile_chain_resolved_later(void **state)
{
    (void)state;
    DPROFILE(CREATED, OTHER, "{\"name\":\"p\",\"defaultRuleChainId\":null,\"defaultEdgeRuleChainId\":"
                             "{\"entityType\":\"RULE_CHAIN\",\"id\":\"" CHAIN "\"}}");
    assert_true(json_has(entity(TBE_ENT_DEVICE_PROFILE, OTHER), "\"defaultRuleChainId\":null"));
    SEND(rulechainupdatemsg, RuleChainUpdateMsg, RULE_CHAIN_UPDATE_MSG, CREATED, CHAIN, "{\"name\":\"c\"}");
    assert_true(json_has(entity(TBE_ENT_DEVICE_PROFILE, OTHER),
                         "\"defaultRuleChainId\":{\"entityType\":\"RULE_CHAIN\",\"id\":\"" CHAIN "\"}"));
    assert_true(json_has(entity(TBE_ENT_DEVICE_PROFILE, OTHER), "\"defaultEdgeRuleChainId\":null"));
}

static void
test_device_created_and_again(void **state)
{
    const struct store_entity *e;
    uint64_t version;

    (void)state;
    put_profile();
    forget();
    DEVICE(CREATED, DEV, DEVICE_JSON(DEV, "dev-1"));
    e = entity(TBE_ENT_DEVICE, DEV);
    assert_non_null(e);
    assert_true(tbe_str_eqz(e->name, "dev-1"));
    assert_true(tbe_str_eqz(e->kind, "default"));
    assert_true(json_has(e, "\"type\":\"default\""));
    assert_int_equal(e->created, 1710000000000);
    assert_true(tbe_uuid_eq(&e->customer, &tbe_uuid_null)); /* not here: nulled */
    assert_true(json_has(e, "\"customerId\":{\"entityType\":\"CUSTOMER\",\"id\":\"" NULL_ID "\"}"));
    assert_true(engine_saw("ENTITY_CREATED"));
    assert_true(told("request DEVICE " DEV " ALL"));
    assert_true(told("request DEVICE " DEV " CREDENTIALS_REQUEST")); /* none came along */
    version = e->version;
    forget();
    DEVICE(UPDATED, DEV, DEVICE_JSON(DEV, "dev-1"));
    assert_int_equal(entity(TBE_ENT_DEVICE, DEV)->version, version);
    assert_int_equal(seen_n, 0);
    assert_false(told("ALL"));
}

static void
test_device_rename_reaches_sessions(void **state)
{
    struct hub_session s;
    struct tbe_str err;

    (void)state;
    put_device();
    open_session(&s);
    DEVICE(UPDATED, DEV, DEVICE_JSON(DEV, "renamed"));
    assert_int_equal(closed_why, -1);
    assert_int_equal(hub_post_telemetry(fx.hub, s.dev, TBE_STR_NONE, 1, TBE_STR("{\"a\":1}"), false, &err), HUB_DONE);
    assert_true(engine_saw("deviceName=renamed"));
    hub_session_close(fx.hub, &s, true);
}

static void
test_device_name_taken(void **state)
{
    const struct store_entity *e;
    char name[64];

    (void)state;
    put_device();
    forget();
    DEVICE(CREATED, DEV2, DEVICE_JSON(DEV2, "dev-1"));
    e = entity(TBE_ENT_DEVICE, DEV2);
    assert_non_null(e);
    assert_int_equal(e->name.n, strlen("dev-1") + 16);
    assert_memory_equal(e->name.p, "dev-1_", 6);
    assert_true(told("event DEVICE " DEV2 " UPDATED"));
    snprintf(name, sizeof name, "\"name\":\"%.*s\"", (int)e->name.n, e->name.p);
    assert_true(json_has(e, name));
    forget();
    DEVICE(CREATED, DEV2, DEVICE_JSON(DEV2, "dev-1")); /* again: the same name, nothing is told */
    assert_true(json_has(entity(TBE_ENT_DEVICE, DEV2), name));
    assert_false(told("event"));
    assert_true(tbe_str_eqz(entity(TBE_ENT_DEVICE, DEV)->name, "dev-1"));
}

static void
test_device_deleted(void **state)
{
    struct hub_session s;

    (void)state;
    put_device();
    open_session(&s);
    DEVICE(DELETED, DEV, "");
    assert_null(entity(TBE_ENT_DEVICE, DEV));
    assert_int_equal(closed_why, HUB_CLOSE_DELETED);
    assert_true(engine_saw("ENTITY_DELETED"));
    forget();
    DEVICE(DELETED, DEV, ""); /* unknown: success */
    assert_int_equal(seen_n, 0);
}

static void
test_credentials(void **state)
{
    struct hub_session s;
    struct store_cred c;
    struct tbe_uuid id = uuid_of(DEV);

    (void)state;
    CRED("{\"deviceId\":{\"entityType\":\"DEVICE\",\"id\":\"" DEV "\"},\"credentialsType\":\"ACCESS_TOKEN\","
         "\"credentialsId\":\"T1\",\"credentialsValue\":null}"); /* unknown device: skipped */
    assert_false(store_cred_find(fx.s, TBE_STR("T1"), &c));
    put_device();
    CRED("{\"deviceId\":{\"entityType\":\"DEVICE\",\"id\":\"" DEV "\"},\"credentialsType\":\"ACCESS_TOKEN\","
         "\"credentialsId\":\"T1\",\"credentialsValue\":null}");
    assert_true(store_cred_find(fx.s, TBE_STR("T1"), &c));
    open_session(&s);
    CRED("{\"deviceId\":{\"entityType\":\"DEVICE\",\"id\":\"" DEV "\"},\"credentialsType\":\"ACCESS_TOKEN\","
         "\"credentialsId\":\"T1\",\"credentialsValue\":null}");
    assert_int_equal(closed_why, -1); /* the same: the session goes on */
    CRED("{\"deviceId\":{\"entityType\":\"DEVICE\",\"id\":\"" DEV "\"},\"credentialsType\":\"MQTT_BASIC\","
         "\"credentialsId\":\"abc\",\"credentialsValue\":\"{\\\"userName\\\":\\\"u\\\"}\"}");
    assert_int_equal(closed_why, HUB_CLOSE_CREDENTIALS);
    assert_true(store_cred_of(fx.s, &id, &c));
    assert_int_equal(c.type, STORE_CRED_MQTT_BASIC);
    assert_false(store_cred_find(fx.s, TBE_STR("T1"), &c));
    /* another device's */
    DEVICE(CREATED, DEV2, DEVICE_JSON(DEV2, "dev-2"));
    CRED("{\"deviceId\":{\"entityType\":\"DEVICE\",\"id\":\"" DEV2 "\"},\"credentialsType\":\"ACCESS_TOKEN\","
         "\"credentialsId\":\"abc\",\"credentialsValue\":null}");
    assert_true(store_cred_find(fx.s, TBE_STR("abc"), &c));
    assert_true(tbe_uuid_eq(&c.device, &id));
}

static void
test_device_before_its_profile(void **state)
{
    const struct hub_device *d;
    struct tbe_uuid id = uuid_of(DEV);

    (void)state;
    DEVICE(CREATED, DEV, DEVICE_JSON(DEV, "early"));
    assert_non_null(entity(TBE_ENT_DEVICE, DEV));
    d = hub_device(fx.hub, &id);
    assert_non_null(d->profile); /* the default takes its place */
    DPROFILE(CREATED, PROFILE, "{\"name\":\"late\"}");
    assert_true(tbe_str_eqz(entity(TBE_ENT_DEVICE, DEV)->kind, "late"));
    assert_true(tbe_str_eqz(hub_device(fx.hub, &id)->profile->name, "late"));
}

/* Data and RPC ----------------------------------------------------------------------------------------- */

static Edge__DownlinkMsg *
data_msg(Edge__EntityDataProto *p)
{
    static Edge__EntityDataProto *v[1];
    static Edge__DownlinkMsg m;

    edge__downlink_msg__init(&m);
    v[0] = p;
    m.n_entitydata = 1;
    m.entitydata = v;
    p->entityidmsb = msb(DEV);
    p->entityidlsb = lsb(DEV);
    p->entitytype = (char *)(uintptr_t)"DEVICE";
    return &m;
}

static void
test_attributes(void **state)
{
    Edge__EntityDataProto p = EDGE__ENTITY_DATA_PROTO__INIT;
    Transport__PostAttributeMsg a = TRANSPORT__POST_ATTRIBUTE_MSG__INIT;
    Transport__KeyValueProto kv[2] = { TRANSPORT__KEY_VALUE_PROTO__INIT, TRANSPORT__KEY_VALUE_PROTO__INIT },
                             *kvs[2] = { &kv[0], &kv[1] };
    Edge__AttributeDeleteMsg del = EDGE__ATTRIBUTE_DELETE_MSG__INIT;
    char *names[] = { (char *)(uintptr_t)"big", (char *)(uintptr_t)"none" };
    struct tbe_entity e = { TBE_ENT_DEVICE, uuid_of(DEV) };
    struct hub_session s;
    struct tbe_kv got;
    int64_t ts;

    (void)state;
    put_device();
    open_session(&s);
    kv[0].key = (char *)(uintptr_t)"big";
    kv[0].type = TRANSPORT__KEY_VALUE_TYPE__LONG_V;
    kv[0].long_v = 9007199254740993;
    kv[1].key = (char *)(uintptr_t)"off"; /* nothing but a key: false */
    a.n_kv = 2;
    a.kv = kvs;
    p.attributesupdatedmsg = &a;
    p.postattributescope = (char *)(uintptr_t)"SHARED_SCOPE";
    p._attribute_ts_case = EDGE__ENTITY_DATA_PROTO___ATTRIBUTE_TS_ATTRIBUTE_TS;
    p.attributets = 1000;
    apply(data_msg(&p));
    assert_true(store_attr(fx.s, &e, STORE_SHARED, TBE_STR("big"), &got, &ts));
    assert_true(got.type == TBE_KV_LONG && got.u.i == 9007199254740993 && ts == 1000);
    assert_true(store_attr(fx.s, &e, STORE_SHARED, TBE_STR("off"), &got, &ts));
    assert_true(got.type == TBE_KV_BOOLEAN && !got.u.b);
    assert_string_equal(pushed, "{\"big\":9007199254740993,\"off\":false}");
    assert_true(engine_saw("ATTRIBUTES_UPDATED deviceName=dev-1 deviceType=default source=cloud scope=SHARED_SCOPE "
                           "{\"big\":9007199254740993,\"off\":false}"));
    /* older, and as old */
    forget();
    kv[0].long_v = 1;
    apply(data_msg(&p));
    p.attributets = 999;
    apply(data_msg(&p));
    assert_false(engine_saw("ATTRIBUTES_UPDATED"));
    p.attributets = 1001;
    a.n_kv = 1;
    apply(data_msg(&p));
    assert_true(store_attr(fx.s, &e, STORE_SHARED, TBE_STR("big"), &got, &ts) && got.u.i == 1);
    /* a post is the rule chain's to store */
    forget();
    p.attributesupdatedmsg = NULL;
    p.postattributesmsg = &a;
    p.attributets = 2000;
    kv[0].long_v = 7;
    apply(data_msg(&p));
    assert_true(engine_saw("POST_ATTRIBUTES_REQUEST"));
    assert_true(store_attr(fx.s, &e, STORE_SHARED, TBE_STR("big"), &got, &ts) && got.u.i == 1);
    p.postattributesmsg = NULL;
    p.attributedeletemsg = &del;
    del.scope = (char *)(uintptr_t)"SHARED_SCOPE";
    del.n_attributenames = 2;
    del.attributenames = names;
    apply(data_msg(&p));
    assert_false(store_attr(fx.s, &e, STORE_SHARED, TBE_STR("big"), &got, &ts));
    assert_string_equal(pushed, "{\"deleted\":[\"big\",\"none\"]}");
    hub_session_close(fx.hub, &s, true);
}

static void
test_telemetry(void **state)
{
    Edge__EntityDataProto p = EDGE__ENTITY_DATA_PROTO__INIT;
    Transport__PostTelemetryMsg t = TRANSPORT__POST_TELEMETRY_MSG__INIT;
    Transport__TsKvListProto l = TRANSPORT__TS_KV_LIST_PROTO__INIT, *ls[1] = { &l };
    Transport__KeyValueProto kv[5], *kvs[5];
    static const char *const keys[] = { "b", "l", "d", "s", "j" };

    (void)state;
    for (int i = 0; i < 5; i++) {
        transport__key_value_proto__init(&kv[i]);
        kvs[i] = &kv[i];
        kv[i].key = (char *)(uintptr_t)keys[i];
        kv[i].type = (Transport__KeyValueType)i;
    }
    kv[0].bool_v = 1;
    kv[1].long_v = -5;
    kv[2].double_v = 25.5;
    kv[3].string_v = (char *)(uintptr_t)"x";
    kv[4].json_v = (char *)(uintptr_t)"{\"a\":[1,{\"b\":null}]}";
    l.ts = 1234;
    l.n_kv = 5;
    l.kv = kvs;
    t.n_tskvlist = 1;
    t.tskvlist = ls;
    p.posttelemetrymsg = &t;
    apply(data_msg(&p)); /* nobody here of that id */
    assert_int_equal(seen_n, 0);
    put_device();
    forget();
    apply(data_msg(&p));
    assert_true(engine_saw("POST_TELEMETRY_REQUEST deviceName=dev-1 deviceType=default source=cloud ts=1234 "
                           "{\"b\":true,\"l\":-5,\"d\":25.5,\"s\":\"x\",\"j\":{\"a\":[1,{"));
    t.n_tskvlist = 0; /* empty: nothing */
    forget();
    apply(data_msg(&p));
    assert_false(engine_saw("POST_TELEMETRY"));
}

static Edge__DownlinkMsg *
rpc_msg(Edge__DeviceRpcCallMsg *p)
{
    static Edge__DeviceRpcCallMsg *v[1];
    static Edge__DownlinkMsg m;

    edge__downlink_msg__init(&m);
    v[0] = p;
    m.n_devicerpccallmsg = 1;
    m.devicerpccallmsg = v;
    p->deviceidmsb = msb(DEV);
    p->deviceidlsb = lsb(DEV);
    return &m;
}

static void
test_rpc_call(void **state)
{
    Edge__DeviceRpcCallMsg p = EDGE__DEVICE_RPC_CALL_MSG__INIT;
    Edge__RpcRequestMsg q = EDGE__RPC_REQUEST_MSG__INIT;
    struct hub_rpc r = { .id = uuid_of(OTHER), .device = uuid_of(DEV), .method = TBE_STR_INIT("setGpio"),
                         .params = TBE_STR_INIT("{\"pin\":1}"), .expires = clock_ms() + 60000, .retries = -1 };
    struct hub_session s;
    char want[128];

    (void)state;
    q.method = (char *)(uintptr_t)"setGpio";
    q.params = (char *)(uintptr_t)"{\"pin\":1}";
    p.requestmsg = &q;
    p.requestuuidmsb = msb(OTHER);
    p.requestuuidlsb = lsb(OTHER);
    p.expirationtime = r.expires;
    p._additional_info_case = EDGE__DEVICE_RPC_CALL_MSG___ADDITIONAL_INFO_ADDITIONAL_INFO;
    p.additionalinfo = (char *)(uintptr_t)"\"null\"";
    apply(rpc_msg(&p)); /* no such device: answered at once */
    snprintf(want, sizeof want, "answer " OTHER " 0 %lld 0 error %d", (long long)r.expires, HUB_RPC_INTERNAL);
    assert_true(told(want));
    put_device();
    open_session(&s);
    p.requestid = 17;
    p.requestuuidlsb = 42;
    apply(rpc_msg(&p));
    assert_true(engine_saw("RPC_CALL_FROM_SERVER_TO_DEVICE"));
    assert_true(engine_saw("originServiceId=edge"));
    assert_true(engine_saw("retries=1"));
    assert_true(engine_saw("{\"method\":\"setGpio\",\"params\":\"{\\\"pin\\\":1}\",\"additionalInfo\":null}"));
    /* the message again: the device is not called twice */
    forget();
    apply(rpc_msg(&p));
    assert_int_equal(seen_n, 0);
    /* what the "rpc call request" node does */
    memset(r.id.b + 8, 0, 8);
    r.id.b[15] = 42;
    hub_rpc_send(fx.hub, fx.b, &r, NULL, NULL);
    turn();
    assert_string_equal(rpc_got, "setGpio {\"pin\":1}");
    hub_rpc_response(fx.hub, s.dev, rpc_id, TBE_STR("{\"ok\": 1}"));
    turn();
    assert_true(told(" 17 "));
    assert_true(told("error 0 {\"ok\": 1}"));
    hub_session_close(fx.hub, &s, true);
}

/* The same store, a new worker: the hub of the old one is gone with all it had in memory. */
static void
next_worker(struct hub_session *s, bool subscribe)
{
    struct tbe_uuid id = uuid_of(DEV);

    cloud_downlink_stop((struct cloud *)&fx);
    hub_batch_set(fx.hub, NULL);
    hub_free(fx.hub);
    fx.hub = hub_new(fx.s, "edge");
    hub_engine_set(fx.hub, (struct tbe_engine *)&fx);
    hub_batch_set(fx.hub, fx.b);
    fx.env.hub = fx.hub;
    memset(s, 0, sizeof *s);
    s->ops = &ops;
    s->async = true;
    hub_session_open(fx.hub, s, hub_device(fx.hub, &id), true);
    if (subscribe) {
        hub_subscribe_rpc_silent(s);
    }
    cloud_downlink_start((struct cloud *)&fx);
}

static void
test_rpc_outlives_the_worker(void **state)
{
    Edge__DeviceRpcCallMsg p = EDGE__DEVICE_RPC_CALL_MSG__INIT;
    Edge__RpcRequestMsg q = EDGE__RPC_REQUEST_MSG__INIT;
    struct hub_rpc r = { .device = uuid_of(DEV), .method = TBE_STR_INIT("m"), .params = TBE_STR_INIT("{}"),
                         .expires = 1700000060000, .retries = -1 };
    struct hub_session s;
    int32_t first = -1;

    (void)state;
    clock_fix(1700000000000);
    put_device();
    open_session(&s);
    q.method = (char *)(uintptr_t)"m";
    q.params = (char *)(uintptr_t)"{}";
    p.requestmsg = &q;
    p.expirationtime = r.expires;
    for (int i = 1; i <= 2; i++) { /* both are sent to the device */
        p.requestid = i;
        p.requestuuidlsb = i;
        apply(rpc_msg(&p));
        memset(&r.id, 0, sizeof r.id);
        r.id.b[15] = (uint8_t)i;
        hub_rpc_send(fx.hub, fx.b, &r, NULL, NULL);
        turn();
        first = i == 1 ? rpc_id : first;
    }
    forget();
    next_worker(&s, true);
    hub_rpc_response(fx.hub, s.dev, first, TBE_STR("{\"late\":1}"));
    turn();
    assert_true(told("answer 00000000-0000-0000-0000-000000000001 1 1700000060000 0 error 0 {\"late\":1}"));
    forget();
    hub_rpc_response(fx.hub, s.dev, first, TBE_STR("{\"late\":1}")); /* answered once */
    turn();
    assert_false(told("answer"));
    /* new requests do not take the numbers of the old ones */
    r.id.b[15] = 3;
    hub_rpc_send(fx.hub, fx.b, &r, NULL, NULL);
    turn();
    assert_int_equal(rpc_id, first + 2);
    /* the other one is not answered in time, by whichever worker */
    next_worker(&s, true);
    clock_advance(61001);
    hub_tick(fx.hub, fx.b, clock_ms());
    turn();
    turn();
    assert_true(told("answer 00000000-0000-0000-0000-000000000002 2 1700000060000 0 error 2"));
    forget();
    next_worker(&s, true);
    clock_advance(100000);
    hub_tick(fx.hub, fx.b, clock_ms());
    turn();
    assert_false(told("answer"));
    hub_session_close(fx.hub, &s, true);
}

static void
test_rpc_answer_of_the_cloud(void **state)
{
    Edge__DeviceRpcCallMsg p = EDGE__DEVICE_RPC_CALL_MSG__INIT;
    Edge__RpcResponseMsg a = EDGE__RPC_RESPONSE_MSG__INIT;
    struct hub_session s;
    struct tbe_str err;
    char sid[TBE_UUID_TEXT + 1];

    (void)state;
    put_device();
    open_session(&s);
    tbe_uuid_text(&s.id, sid);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hub_client_rpc(fx.hub, &s, 5 + i, TBE_STR("{\"method\":\"m\",\"params\":{}}"), false, false, false,
                                        &err), HUB_DONE);
    }
    a.response = (char *)(uintptr_t)"{\"time\":1}";
    p.responsemsg = &a;
    p.requestid = 5;
    p._session_id_case = EDGE__DEVICE_RPC_CALL_MSG___SESSION_ID_SESSION_ID;
    p.sessionid = sid;
    apply(rpc_msg(&p));
    assert_string_equal(reply_got, "5 {\"time\":1}");
    a.error = (char *)(uintptr_t)"no \"luck\"";
    p.requestid = 6;
    apply(rpc_msg(&p));
    assert_string_equal(reply_got, "6 {\"error\":\"no \\\"luck\\\"\"}");
    p.requestid = 99; /* nobody waits */
    apply(rpc_msg(&p));
    p.sessionid = (char *)(uintptr_t)"gone";
    apply(rpc_msg(&p));
    hub_session_close(fx.hub, &s, true);
}

/* Rule chains ------------------------------------------------------------------------------------------ */

#define METADATA(id, n) "{\"ruleChainId\":{\"entityType\":\"RULE_CHAIN\",\"id\":\"" id "\"},\"nodes\":[{\"name\":\"" n "\"}]}"
#define CHAIN_MSG(op, id, json) SEND(rulechainupdatemsg, RuleChainUpdateMsg, RULE_CHAIN_UPDATE_MSG, op, id, json)
#define META_MSG(op, json) \
    SEND_TYPED(rulechainmetadataupdatemsg, RuleChainMetadataUpdateMsg, RULE_CHAIN_METADATA_UPDATE_MSG, op, json)

static void
test_rule_chains(void **state)
{
    struct tbe_uuid root, id = uuid_of(CHAIN);

    (void)state;
    META_MSG(CREATED, METADATA(CHAIN, "n")); /* no such chain: nothing */
    assert_null(store_chain_metadata(fx.s, &id).p);
    assert_int_equal(fx.chains, 0);
    CHAIN_MSG(CREATED, CHAIN, "{\"name\":\"Root\",\"type\":\"EDGE\",\"root\":true}");
    assert_true(told("request RULE_CHAIN " CHAIN " RULE_CHAIN_METADATA_REQUEST"));
    assert_true(store_root_chain(fx.s, &root) && tbe_uuid_eq(&root, &id));
    assert_true(json_has(entity(TBE_ENT_RULE_CHAIN, CHAIN), "\"type\":\"CORE\""));
    assert_true(json_has(entity(TBE_ENT_RULE_CHAIN, CHAIN), "\"root\":true"));
    META_MSG(CREATED, METADATA(CHAIN, "n"));
    assert_true(store_chain_metadata(fx.s, &id).n > 0);
    fx.chains = 0;
    CHAIN_MSG(UPDATED, CHAIN, "{\"name\":\"Root\",\"type\":\"EDGE\",\"root\":true}");
    META_MSG(UPDATED, METADATA(CHAIN, "n"));
    assert_int_equal(fx.chains, 0); /* nothing new */
    META_MSG(UPDATED, "{\"ruleChainId\":{\"id\":\"" CHAIN "\"},\"nodes\":[]}");
    assert_int_equal(fx.chains, 0); /* empty: ignored */
    META_MSG(UPDATED, METADATA(CHAIN, "other"));
    assert_int_equal(fx.chains, 1);
    META_MSG(DELETED, METADATA(CHAIN, "third"));
    assert_int_equal(fx.chains, 1);
    /* the root moves with the new root's message */
    CHAIN_MSG(CREATED, CHAIN2, "{\"name\":\"Second\",\"root\":true}");
    assert_true(store_root_chain(fx.s, &root) && tbe_uuid_eq(&root, &(struct tbe_uuid){ { 0 } }) == false);
    assert_true(json_has(entity(TBE_ENT_RULE_CHAIN, CHAIN), "\"root\":false"));
    assert_true(json_has(entity(TBE_ENT_RULE_CHAIN, CHAIN2), "\"root\":true"));
    /* and with nothing else */
    CHAIN_MSG(UPDATED, CHAIN2, "{\"name\":\"Second\",\"root\":false}");
    assert_true(json_has(entity(TBE_ENT_RULE_CHAIN, CHAIN2), "\"root\":true"));
    CHAIN_MSG(DELETED, CHAIN, "");
    assert_null(entity(TBE_ENT_RULE_CHAIN, CHAIN));
    assert_null(store_chain_metadata(fx.s, &id).p);
}

/* The others ------------------------------------------------------------------------------------------- */

static void
test_customers(void **state)
{
    (void)state;
    put_profile();
    SEND(customerupdatemsg, CustomerUpdateMsg, CUSTOMER_UPDATE_MSG, CREATED, OTHER, "{\"title\":\"Public\"}");
    assert_true(told("request CUSTOMER " OTHER " ALL"));
    DEVICE(CREATED, DEV, DEVICE_JSON(DEV, "dev-1"));
    struct tbe_uuid c = uuid_of(OTHER);
    assert_true(tbe_uuid_eq(&entity(TBE_ENT_DEVICE, DEV)->customer, &c));
    forget();
    SEND(customerupdatemsg, CustomerUpdateMsg, CUSTOMER_UPDATE_MSG, UPDATED, OTHER, "{\"title\":\"Public\"}");
    assert_true(told("request CUSTOMER " OTHER " ALL")); /* at every message */
    SEND(userupdatemsg, UserUpdateMsg, USER_UPDATE_MSG, CREATED, DEV2,
         "{\"email\":\"u@x\",\"customerId\":{\"entityType\":\"CUSTOMER\",\"id\":\"" OTHER "\"}}");
    /* another one of the same title takes its place; what was its becomes nobody's */
    SEND(customerupdatemsg, CustomerUpdateMsg, CUSTOMER_UPDATE_MSG, CREATED, CHAIN, "{\"title\":\"Public\"}");
    assert_null(entity(TBE_ENT_CUSTOMER, OTHER));
    assert_non_null(entity(TBE_ENT_CUSTOMER, CHAIN));
    assert_true(tbe_uuid_eq(&entity(TBE_ENT_DEVICE, DEV)->customer, &tbe_uuid_null));
    assert_null(entity(TBE_ENT_USER, DEV2));
    SEND(customerupdatemsg, CustomerUpdateMsg, CUSTOMER_UPDATE_MSG, DELETED, CHAIN, "");
    assert_null(entity(TBE_ENT_CUSTOMER, CHAIN));
}

static void
test_users(void **state)
{
    (void)state;
    SEND_JSON(usercredentialsupdatemsg, UserCredentialsUpdateMsg, USER_CREDENTIALS_UPDATE_MSG,
              "{\"userId\":{\"id\":\"" OTHER "\"},\"password\":\"$2a$\"}"); /* unknown user */
    assert_null(store_state(fx.s, TBE_STR("user.credentials." OTHER)).p);
    SEND(userupdatemsg, UserUpdateMsg, USER_UPDATE_MSG, CREATED, OTHER,
         "{\"email\":\"a@b.c\",\"authority\":\"TENANT_ADMIN\",\"firstName\":\"Ann\",\"lastName\":\"Other\"}");
    assert_true(told("request USER " OTHER " CREDENTIALS_REQUEST"));
    SEND_JSON(usercredentialsupdatemsg, UserCredentialsUpdateMsg, USER_CREDENTIALS_UPDATE_MSG,
              "{\"userId\":{\"id\":\"" OTHER "\"},\"password\":\"$2a$\"}");
    assert_true(store_state(fx.s, TBE_STR("user.credentials." OTHER)).n > 0);
    assert_true(tbe_str_eqz(store_entity_by_name(fx.s, TBE_ENT_USER, TBE_STR("a@b.c"))->kind, "TENANT_ADMIN"));
    SEND(apikeyupdatemsg, ApiKeyUpdateMsg, API_KEY_UPDATE_MSG, CREATED, DEV2,
         "{\"value\":\"tb_key\",\"description\":\"d\",\"userId\":{\"id\":\"" OTHER "\"}}");
    assert_non_null(store_entity_by_name(fx.s, TBE_ENT_API_KEY, TBE_STR("tb_key")));
    SEND(apikeyupdatemsg, ApiKeyUpdateMsg, API_KEY_UPDATE_MSG, DELETED, DEV2, "");
    assert_null(entity(TBE_ENT_API_KEY, DEV2));
    forget();
    SEND(userupdatemsg, UserUpdateMsg, USER_UPDATE_MSG, DELETED, OTHER, "");
    assert_true(engine_saw("ENTITY_DELETED userId=" OTHER " userName=a@b.c userEmail=a@b.c userFirstName=Ann "
                           "userLastName=Other"));
    assert_null(store_state(fx.s, TBE_STR("user.credentials." OTHER)).p);
}

static void
test_assets_and_views(void **state)
{
    (void)state;
    SEND(assetprofileupdatemsg, AssetProfileUpdateMsg, ASSET_PROFILE_UPDATE_MSG, CREATED, PROFILE,
         "{\"name\":\"default\",\"default\":true}");
    SEND(assetupdatemsg, AssetUpdateMsg, ASSET_UPDATE_MSG, CREATED, OTHER, "{\"name\":\"a\",\"type\":\"default\"}");
    const struct store_entity *e = entity(TBE_ENT_ASSET, OTHER);
    struct tbe_uuid p = uuid_of(PROFILE);
    assert_true(tbe_uuid_eq(&e->profile, &p));
    assert_true(json_has(e, PROFILE));
    assert_true(engine_saw("ENTITY_CREATED"));
    SEND(assetprofileupdatemsg, AssetProfileUpdateMsg, ASSET_PROFILE_UPDATE_MSG, DELETED, PROFILE, "");
    assert_non_null(entity(TBE_ENT_ASSET_PROFILE, PROFILE)); /* in use */
    SEND(assetprofileupdatemsg, AssetProfileUpdateMsg, ASSET_PROFILE_UPDATE_MSG, UPDATED, PROFILE,
         "{\"name\":\"renamed\",\"default\":true}");
    assert_true(tbe_str_eqz(entity(TBE_ENT_ASSET, OTHER)->kind, "renamed"));
    SEND(entityviewupdatemsg, EntityViewUpdateMsg, ENTITY_VIEW_UPDATE_MSG, CREATED, DEV,
         "{\"name\":\"v\",\"type\":\"t\",\"entityId\":{\"entityType\":\"DEVICE\",\"id\":\"" DEV2 "\"}}");
    assert_true(tbe_str_eqz(entity(TBE_ENT_ENTITY_VIEW, DEV)->kind, "t"));
    SEND(entityviewupdatemsg, EntityViewUpdateMsg, ENTITY_VIEW_UPDATE_MSG, DELETED, DEV, "");
    SEND(assetupdatemsg, AssetUpdateMsg, ASSET_UPDATE_MSG, DELETED, OTHER, "");
    assert_null(entity(TBE_ENT_ENTITY_VIEW, DEV));
    assert_null(entity(TBE_ENT_ASSET, OTHER));
    SEND(assetprofileupdatemsg, AssetProfileUpdateMsg, ASSET_PROFILE_UPDATE_MSG, DELETED, PROFILE, "");
    assert_null(entity(TBE_ENT_ASSET_PROFILE, PROFILE));
}

static bool
count_relation(void *arg, const struct store_relation *r)
{
    (void)r;
    ++*(int *)arg;
    return true;
}

static void
test_relations(void **state)
{
    struct tbe_entity from = { TBE_ENT_TENANT, uuid_of(TENANT) };
    const char *json = "{\"from\":{\"entityType\":\"TENANT\",\"id\":\"91090590-e691-11f1-beeb-998483c8d1f1\"},\"to\":"
                       "{\"entityType\":\"DEVICE\",\"id\":\"" DEV "\"},\"type\":\"Contains\",\"typeGroup\":\"COMMON\","
                       "\"additionalInfo\":{\"a\":1}}";
    int n = 0;

    (void)state;
    SEND_TYPED(relationupdatemsg, RelationUpdateMsg, RELATION_UPDATE_MSG, CREATED, json); /* one end is missing */
    store_relation_each(fx.s, &from, true, TBE_STR_NONE, count_relation, &n);
    assert_int_equal(n, 0);
    put_device();
    SEND_TYPED(relationupdatemsg, RelationUpdateMsg, RELATION_UPDATE_MSG, CREATED, json);
    SEND_TYPED(relationupdatemsg, RelationUpdateMsg, RELATION_UPDATE_MSG, CREATED, json);
    store_relation_each(fx.s, &from, true, TBE_STR("Contains"), count_relation, &n);
    assert_int_equal(n, 1);
    SEND_TYPED(relationupdatemsg, RelationUpdateMsg, RELATION_UPDATE_MSG, DELETED, json);
    n = 0;
    store_relation_each(fx.s, &from, true, TBE_STR_NONE, count_relation, &n);
    assert_int_equal(n, 0);
}

#define ALARM_JSON(start) \
    "{\"type\":\"hot\",\"severity\":\"MAJOR\",\"originator\":{\"entityType\":\"DEVICE\",\"id\":\"" DEV "\"}," \
    "\"startTs\":" start ",\"endTs\":9,\"details\":{\"t\":1},\"propagate\":true,\"propagateToTenant\":true}"
#define ALARM(op, id, json) SEND(alarmupdatemsg, AlarmUpdateMsg, ALARM_UPDATE_MSG, op, id, json)

static bool
count_alarm(void *arg, const struct store_alarm *a)
{
    (void)a;
    ++*(int *)arg;
    return true;
}

static void
test_alarms(void **state)
{
    struct tbe_uuid id = uuid_of(OTHER);
    struct tbe_entity tenant = { TBE_ENT_TENANT, *store_tenant(fx.s) };
    struct store_alarm a;
    int shown = 0;

    (void)state;
    ALARM(CREATED, OTHER, ALARM_JSON("5")); /* of nobody */
    assert_false(store_alarm(fx.s, &id, &a));
    put_device();
    ALARM(CREATED, OTHER, ALARM_JSON("5"));
    assert_true(store_alarm(fx.s, &id, &a));
    assert_true(a.start == 5 && a.propagate && tbe_str_eqz(a.details, "{\"t\":1}"));
    store_alarm_shown_each(fx.s, &tenant, count_alarm, &shown);
    assert_int_equal(shown, 1); /* propagated */
    ALARM(CREATED, DEV2, ALARM_JSON("6")); /* the active one is updated, its id stays */
    assert_true(store_alarm(fx.s, &id, &a) && a.start == 6);
    struct tbe_uuid other = uuid_of(DEV2);
    assert_false(store_alarm(fx.s, &other, &a));
    ALARM(3, OTHER, "{\"ackTs\":77}");
    assert_true(store_alarm(fx.s, &id, &a) && a.ack && a.ack_ts == 77);
    SEND_TYPED(alarmcommentupdatemsg, AlarmCommentUpdateMsg, ALARM_COMMENT_UPDATE_MSG, CREATED,
               "{\"id\":{\"id\":\"" DEV2 "\"},\"alarmId\":{\"id\":\"" OTHER "\"},\"comment\":{\"text\":\"c\"}}");
    assert_true(store_state(fx.s, TBE_STR("alarm.comment." OTHER "." DEV2)).n > 0);
    ALARM(4, OTHER, "{\"clearTs\":88,\"details\":{\"t\":2}}");
    assert_true(store_alarm(fx.s, &id, &a) && a.clear && a.clear_ts == 88 && tbe_str_eqz(a.details, "{\"t\":2}"));
    ALARM(CREATED, OTHER, ALARM_JSON("6")); /* the creation again: it stays cleared */
    assert_true(store_alarm(fx.s, &id, &a) && a.clear);
    ALARM(DELETED, OTHER, ALARM_JSON("6"));
    assert_false(store_alarm(fx.s, &id, &a));
    assert_null(store_state(fx.s, TBE_STR("alarm.comment." OTHER "." DEV2)).p);
    SEND_TYPED(alarmcommentupdatemsg, AlarmCommentUpdateMsg, ALARM_COMMENT_UPDATE_MSG, CREATED,
               "{\"id\":{\"id\":\"" DEV2 "\"},\"alarmId\":{\"id\":\"" OTHER "\"}}"); /* alarm unknown: skipped */
    assert_null(store_state(fx.s, TBE_STR("alarm.comment." OTHER "." DEV2)).p);
    ALARM(DELETED, OTHER, "{}");
}

static void
test_interface(void **state)
{
    Edge__WidgetsBundleUpdateMsg x = EDGE__WIDGETS_BUNDLE_UPDATE_MSG__INIT, *v[1] = { &x };
    Edge__DownlinkMsg m = EDGE__DOWNLINK_MSG__INIT;

    (void)state;
    SEND(widgettypeupdatemsg, WidgetTypeUpdateMsg, WIDGET_TYPE_UPDATE_MSG, CREATED, OTHER,
         "{\"name\":\"Card\",\"fqn\":\"cards.x\",\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"" NULL_ID "\"}}");
    assert_non_null(store_entity_by_name(fx.s, TBE_ENT_WIDGET_TYPE, TBE_STR("system.cards.x")));
    SEND(widgettypeupdatemsg, WidgetTypeUpdateMsg, WIDGET_TYPE_UPDATE_MSG, CREATED, DEV2,
         "{\"name\":\"Card 2\",\"fqn\":\"cards.x\",\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"" NULL_ID "\"}}");
    assert_null(entity(TBE_ENT_WIDGET_TYPE, OTHER));
    x.idmsb = msb(OTHER);
    x.idlsb = lsb(OTHER);
    x.entity = (char *)(uintptr_t)"{\"title\":\"Cards\",\"alias\":\"cards\"}";
    x._widgets_case = EDGE__WIDGETS_BUNDLE_UPDATE_MSG___WIDGETS_WIDGETS;
    x.widgets = (char *)(uintptr_t)"[\"cards.x\"]";
    m.n_widgetsbundleupdatemsg = 1;
    m.widgetsbundleupdatemsg = v;
    apply(&m);
    assert_true(tbe_str_eqz(entity(TBE_ENT_WIDGETS_BUNDLE, OTHER)->name, "system.cards"));
    assert_true(tbe_str_eqz(store_state(fx.s, TBE_STR("bundle.widgets." OTHER)), "[\"cards.x\"]"));
    x.msgtype = EDGE__UPDATE_MSG_TYPE__ENTITY_DELETED_RPC_MESSAGE;
    apply(&m);
    assert_null(store_state(fx.s, TBE_STR("bundle.widgets." OTHER)).p);
    SEND(dashboardupdatemsg, DashboardUpdateMsg, DASHBOARD_UPDATE_MSG, CREATED, CHAIN,
         "{\"title\":\"D\",\"assignedCustomers\":[{\"customerId\":{\"id\":\"" OTHER "\"},\"title\":\"gone\"}]}");
    assert_true(json_has(entity(TBE_ENT_DASHBOARD, CHAIN), "\"assignedCustomers\":[]"));
    SEND(resourceupdatemsg, ResourceUpdateMsg, RESOURCE_UPDATE_MSG, CREATED, OTHER,
         "{\"title\":\"r\",\"resourceType\":\"JKS\",\"resourceKey\":\"k\",\"data\":\"AAAA\"}");
    SEND(resourceupdatemsg, ResourceUpdateMsg, RESOURCE_UPDATE_MSG, UPDATED, OTHER,
         "{\"title\":\"r2\",\"resourceType\":\"JKS\",\"resourceKey\":\"k\",\"data\":\"BBBB\"}");
    assert_true(json_has(entity(TBE_ENT_TB_RESOURCE, OTHER), "\"data\":\"AAAA\""));
    assert_true(json_has(entity(TBE_ENT_TB_RESOURCE, OTHER), "\"title\":\"r2\""));
}

static void
test_ota(void **state)
{
    char out[8] = "";

    (void)state;
    SEND(otapackageupdatemsg, OtaPackageUpdateMsg, OTA_PACKAGE_UPDATE_MSG, CREATED, OTHER,
         "{\"title\":\"fw\",\"type\":\"FIRMWARE\",\"version\":\"1.0\",\"data\":\"aGVsbG8=\"}");
    assert_true(json_has(entity(TBE_ENT_OTA_PACKAGE, OTHER), "\"data\":null"));
    assert_true(json_has(entity(TBE_ENT_OTA_PACKAGE, OTHER), "\"version\":\"1.0\""));
    assert_int_equal(store_blob_size(fx.s, TBE_STR("ota." OTHER)), 5);
    assert_int_equal(store_blob_read(fx.s, TBE_STR("ota." OTHER), 1, out, 7), 4);
    assert_string_equal(out, "ello");
    SEND(otapackageupdatemsg, OtaPackageUpdateMsg, OTA_PACKAGE_UPDATE_MSG, UPDATED, OTHER,
         "{\"title\":\"fw\",\"data\":\"not base64!\"}"); /* refused */
    assert_int_equal(store_blob_size(fx.s, TBE_STR("ota." OTHER)), 5);
    SEND(otapackageupdatemsg, OtaPackageUpdateMsg, OTA_PACKAGE_UPDATE_MSG, DELETED, OTHER, "");
    assert_int_equal(store_blob_size(fx.s, TBE_STR("ota." OTHER)), -1);
    SEND(otapackageupdatemsg, OtaPackageUpdateMsg, OTA_PACKAGE_UPDATE_MSG, CREATED, OTHER,
         "{\"title\":\"fw\",\"url\":\"http://x\",\"data\":null}");
    assert_int_equal(store_blob_size(fx.s, TBE_STR("ota." OTHER)), -1);
}

static void
test_tenant(void **state)
{
    (void)state;
    SEND_TYPED(tenantprofileupdatemsg, TenantProfileUpdateMsg, TENANT_PROFILE_UPDATE_MSG, UPDATED,
               "{\"id\":{\"entityType\":\"TENANT_PROFILE\",\"id\":\"" OTHER "\"},\"name\":\"Default\",\"profileData\":"
               "{\"configuration\":{\"type\":\"DEFAULT\",\"transportDeviceMsgRateLimit\":\"1:1\","
               "\"maxDPStorageDays\":30,\"maxDevices\":7}}}");
    assert_true(json_has(entity(TBE_ENT_TENANT_PROFILE, OTHER), "\"transportDeviceMsgRateLimit\":null"));
    assert_true(json_has(entity(TBE_ENT_TENANT_PROFILE, OTHER), "\"maxDPStorageDays\":0"));
    assert_true(json_has(entity(TBE_ENT_TENANT_PROFILE, OTHER), "\"maxDevices\":7"));
    SEND_TYPED(tenantupdatemsg, TenantUpdateMsg, TENANT_UPDATE_MSG, UPDATED,
               "{\"id\":{\"entityType\":\"TENANT\",\"id\":\"91090590-e691-11f1-beeb-998483c8d1f1\"},\"title\":\"Acme\"}");
    assert_true(tbe_str_eqz(entity(TBE_ENT_TENANT, TENANT)->name, "Acme"));
    SEND_TYPED(tenantupdatemsg, TenantUpdateMsg, TENANT_UPDATE_MSG, UPDATED,
               "{\"id\":{\"entityType\":\"TENANT\",\"id\":\"" OTHER "\"},\"title\":\"Evil\"}");
    assert_null(entity(TBE_ENT_TENANT, OTHER));
    for (int i = 0; i < 2; i++) { /* the second has the id of another record */
        char json[256];
        snprintf(json, sizeof json,
                 "{\"id\":{\"entityType\":\"ADMIN_SETTINGS\",\"id\":\"00000000-e691-11f1-beeb-99848300000%d\"},"
                 "\"key\":\"general\",\"tenantId\":{\"id\":\"" NULL_ID "\"},\"jsonValue\":{}}", i);
        SEND_JSON(adminsettingsupdatemsg, AdminSettingsUpdateMsg, ADMIN_SETTINGS_UPDATE_MSG, json);
    }
    assert_null(entity(TBE_ENT_ADMIN_SETTINGS, "00000000-e691-11f1-beeb-998483000000"));
    assert_non_null(entity(TBE_ENT_ADMIN_SETTINGS, "00000000-e691-11f1-beeb-998483000001"));
    SEND_JSON(adminsettingsupdatemsg, AdminSettingsUpdateMsg, ADMIN_SETTINGS_UPDATE_MSG,
              "{\"id\":{\"id\":\"00000000-e691-11f1-beeb-998483000002\"},\"key\":\"general\","
              "\"tenantId\":{\"id\":\"91090590-e691-11f1-beeb-998483c8d1f1\"}}"); /* the tenant's own */
    assert_non_null(entity(TBE_ENT_ADMIN_SETTINGS, "00000000-e691-11f1-beeb-998483000001"));
    SEND(queueupdatemsg, QueueUpdateMsg, QUEUE_UPDATE_MSG, CREATED, DEV, "{\"name\":\"Main\"}");
    SEND(queueupdatemsg, QueueUpdateMsg, QUEUE_UPDATE_MSG, CREATED, DEV2, "{\"name\":\"Main\"}");
    assert_null(entity(TBE_ENT_QUEUE, DEV));
}

static void
test_kept(void **state)
{
    (void)state;
    SEND(calculatedfieldupdatemsg, CalculatedFieldUpdateMsg, CALCULATED_FIELD_UPDATE_MSG, CREATED, DEV,
         "{\"name\":\"f\",\"type\":\"SIMPLE\",\"entityId\":{\"entityType\":\"DEVICE\",\"id\":\"" OTHER "\"}}");
    SEND(calculatedfieldupdatemsg, CalculatedFieldUpdateMsg, CALCULATED_FIELD_UPDATE_MSG, CREATED, DEV2,
         "{\"name\":\"f\",\"type\":\"SIMPLE\",\"entityId\":{\"entityType\":\"DEVICE\",\"id\":\"" CHAIN "\"}}");
    assert_true(tbe_str_eqz(entity(TBE_ENT_CALCULATED_FIELD, DEV2)->name, "f")); /* of another entity: no clash */
    SEND(calculatedfieldupdatemsg, CalculatedFieldUpdateMsg, CALCULATED_FIELD_UPDATE_MSG, CREATED, PROFILE,
         "{\"name\":\"f\",\"type\":\"SIMPLE\",\"entityId\":{\"entityType\":\"DEVICE\",\"id\":\"" OTHER "\"}}");
    assert_int_equal(entity(TBE_ENT_CALCULATED_FIELD, PROFILE)->name.n, 17);
    assert_true(told("event CALCULATED_FIELD " PROFILE " UPDATED"));
    SEND(calculatedfieldupdatemsg, CalculatedFieldUpdateMsg, CALCULATED_FIELD_UPDATE_MSG, DELETED, DEV, "");
    assert_null(entity(TBE_ENT_CALCULATED_FIELD, DEV));
    SEND(aimodelupdatemsg, AiModelUpdateMsg, AI_MODEL_UPDATE_MSG, CREATED, DEV, "{\"name\":\"m\"}");
    assert_non_null(entity(TBE_ENT_AI_MODEL, DEV));
}

static void
test_nonsense(void **state)
{
    (void)state;
    put_device();
    forget();
    DEVICE(CREATED, DEV2, "{\"name\":");
    DEVICE(CREATED, DEV2, "[]");
    DEVICE(CREATED, DEV2, "{\"name\":7}");
    DEVICE(99, DEV2, DEVICE_JSON(DEV2, "x"));
    CRED("{}");
    CRED("{\"deviceId\":{\"id\":\"" DEV "\"},\"credentialsType\":\"NEW\",\"credentialsId\":\"x\"}");
    META_MSG(CREATED, "{\"nodes\":[1]}");
    SEND_TYPED(relationupdatemsg, RelationUpdateMsg, RELATION_UPDATE_MSG, CREATED, "{\"from\":{}}");
    SEND_TYPED(alarmcommentupdatemsg, AlarmCommentUpdateMsg, ALARM_COMMENT_UPDATE_MSG, CREATED, "{}");
    ALARM(CREATED, OTHER, "{\"originator\":{\"entityType\":\"NEW\",\"id\":\"" DEV "\"}}");
    assert_null(entity(TBE_ENT_DEVICE, DEV2));
    assert_int_equal(seen_n, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
    const struct CMUnitTest tests[] = {
        T(test_profile_replaces_the_local_default), T(test_default_flag_moves), T(test_profile_chain_resolved_later),
        T(test_device_created_and_again), T(test_device_rename_reaches_sessions), T(test_device_name_taken),
        T(test_device_deleted), T(test_credentials), T(test_device_before_its_profile), T(test_attributes),
        T(test_telemetry), T(test_rpc_call), T(test_rpc_outlives_the_worker), T(test_rpc_answer_of_the_cloud), T(test_rule_chains), T(test_customers),
        T(test_users), T(test_assets_and_views), T(test_relations), T(test_alarms), T(test_interface), T(test_ota),
        T(test_tenant), T(test_kept), T(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
