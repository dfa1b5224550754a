/* SPDX-License-Identifier: Apache-2.0 */
/* Cloud events of every kind as the parts of an UplinkMsg (facts/edge-cloud-protocol.md 4.2, 8, 9). */
#include "config.h"

#include <stdio.h>

#include "tests/unit/cloud/fake_link.h"

static struct fake *
ready(void)
{
    struct fake *f = fake_new(NULL);

    fake_ready(f);
    return f;
}

static void
put(struct fake *f, enum tbe_entity_type t, uint32_t n, const char *name, const char *json)
{
    struct store_entity e = { .id = fake_id(t, n), .created = 5, .name = tbe_strz(name), .customer = tbe_uuid_null,
                              .profile = tbe_uuid_null, .json = tbe_strz(json) };

    if (t == TBE_ENT_ASSET) {
        e.profile = fake_id(TBE_ENT_ASSET_PROFILE, 1).id;
    }
    store_put_entity(f->batch, &e);
}

static const Edge__UplinkMsg *
only_uplink(struct fake *f)
{
    fake_turn(f);
    assert_non_null(fake_uplink(f, 0));
    assert_null(fake_uplink(f, 1));
    return fake_uplink(f, 0)->m->uplinkmsg;
}

/* {msgType, idMSB, idLSB, entity} of any of the entity messages, all of one layout. */
struct entity_part {
    ProtobufCMessage base;
    Edge__UpdateMsgType type;
    int64_t msb, lsb;
    char *entity;
};

#define PART(m, list) (assert_int_equal((m)->n_##list, 1), (const struct entity_part *)(const void *)(m)->list[0])

static void
check_part(const struct entity_part *p, const struct tbe_entity *id, int type, const char *entity)
{
    assert_int_equal(p->type, type);
    assert_int_equal(p->msb, tbe_uuid_msb(&id->id));
    assert_int_equal(p->lsb, tbe_uuid_lsb(&id->id));
    assert_string_equal(p->entity, entity);
}

#define CHECK_KIND(f, ent_type, kind, action, list, wire_type, name, stored, sent)  \
    do {                                                                           \
        struct tbe_entity id_ = fake_id(ent_type, 1);                              \
        fake_forget(f);                                                            \
        put(f, ent_type, 1, name, stored);                                         \
        fake_event(f, false, kind, &id_, action, NULL);                            \
        const Edge__UplinkMsg *m_ = only_uplink(f);                                \
        check_part(PART(m_, list), &id_, wire_type, sent);                         \
        fake_answer(f, fake_uplink(f, 0), true, "");                               \
        fake_turn(f);                                                              \
        assert_int_equal(fake_waiting(f, false), 0);                               \
    } while (0)

static void
entities_go_up_as_they_are_stored(void **state)
{
    struct fake *f = ready();

    (void)state;
    CHECK_KIND(f, TBE_ENT_ASSET_PROFILE, CLOUD_KIND_ASSET_PROFILE, CLOUD_ACTION_ADDED, assetprofileupdatemsg, 0, "ap",
               "{\"name\":\"ap\",\"version\":3}", "{\"name\":\"ap\",\"version\":null}");
    CHECK_KIND(f, TBE_ENT_ASSET, CLOUD_KIND_ASSET, CLOUD_ACTION_ADDED, assetupdatemsg, 0, "a", "{\"name\":\"a\"}",
               "{\"name\":\"a\"}");
    CHECK_KIND(f, TBE_ENT_ASSET, CLOUD_KIND_ASSET, CLOUD_ACTION_ASSIGNED_TO_CUSTOMER, assetupdatemsg, 1, "a",
               "{\"n\":1.50,\"version\":null}", "{\"n\":1.50,\"version\":null}");
    CHECK_KIND(f, TBE_ENT_DEVICE_PROFILE, CLOUD_KIND_DEVICE_PROFILE, CLOUD_ACTION_UPDATED, deviceprofileupdatemsg, 1,
               "p", "{\"p\":1}", "{\"p\":1}");
    CHECK_KIND(f, TBE_ENT_ENTITY_VIEW, CLOUD_KIND_ENTITY_VIEW, CLOUD_ACTION_ADDED, entityviewupdatemsg, 0, "v",
               "{\"v\":1}", "{\"v\":1}");
    CHECK_KIND(f, TBE_ENT_DASHBOARD, CLOUD_KIND_DASHBOARD, CLOUD_ACTION_UPDATED, dashboardupdatemsg, 1, "d",
               "{\"d\":1}", "{\"d\":1}");
    CHECK_KIND(f, TBE_ENT_TB_RESOURCE, CLOUD_KIND_TB_RESOURCE, CLOUD_ACTION_ADDED, resourceupdatemsg, 0, "r",
               "{\"r\":1}", "{\"r\":1}");
    CHECK_KIND(f, TBE_ENT_CALCULATED_FIELD, CLOUD_KIND_CALCULATED_FIELD, CLOUD_ACTION_ADDED, calculatedfieldupdatemsg,
               0, "c", "{\"c\":1}", "{\"c\":1}");
    CHECK_KIND(f, TBE_ENT_AI_MODEL, CLOUD_KIND_AI_MODEL, CLOUD_ACTION_ADDED, aimodelupdatemsg, 0, "ai", "{\"c\":1}",
               "{\"c\":1}");
    CHECK_KIND(f, TBE_ENT_API_KEY, CLOUD_KIND_API_KEY, CLOUD_ACTION_UPDATED, apikeyupdatemsg, 1, "k", "{\"c\":1}",
               "{\"c\":1}");
    CHECK_KIND(f, TBE_ENT_USER, CLOUD_KIND_USER, CLOUD_ACTION_ADDED, userupdatemsg, 0, "u@x", "{\"u\":1}", "{\"u\":1}");
    CHECK_KIND(f, TBE_ENT_RULE_CHAIN, CLOUD_KIND_RULE_CHAIN, CLOUD_ACTION_UPDATED, rulechainupdatemsg, 1, "rc",
               "{\"rc\":1}", "{\"rc\":1}");
    fake_free(f);
}

static void
an_asset_brings_its_profile(void **state)
{
    struct fake *f = ready();
    struct tbe_entity a = fake_id(TBE_ENT_ASSET, 1), p = fake_id(TBE_ENT_ASSET_PROFILE, 1);

    (void)state;
    put(f, TBE_ENT_ASSET_PROFILE, 1, "p", "{\"p\":1}");
    put(f, TBE_ENT_ASSET, 1, "a", "{\"a\":1}");
    fake_event(f, false, CLOUD_KIND_ASSET, &a, CLOUD_ACTION_ADDED, NULL);
    const Edge__UplinkMsg *m = only_uplink(f);
    check_part(PART(m, assetupdatemsg), &a, 0, "{\"a\":1}");
    check_part(PART(m, assetprofileupdatemsg), &p, 0, "{\"p\":1}");
    fake_free(f);
}

static void
a_chain_brings_its_metadata(void **state)
{
    struct fake *f = ready();
    struct tbe_entity id = fake_id(TBE_ENT_RULE_CHAIN, 1);

    (void)state;
    put(f, TBE_ENT_RULE_CHAIN, 1, "rc", "{\"rc\":1}");
    store_put_chain_metadata(f->batch, &id.id, TBE_STR("{\"nodes\":[1]}"));
    fake_event(f, false, CLOUD_KIND_RULE_CHAIN, &id, CLOUD_ACTION_ADDED, NULL);
    const Edge__UplinkMsg *m = only_uplink(f);
    check_part(PART(m, rulechainupdatemsg), &id, 0, "{\"rc\":1}");
    assert_int_equal(m->n_rulechainmetadataupdatemsg, 1);
    assert_string_equal(m->rulechainmetadataupdatemsg[0]->entity, "{\"nodes\":[1]}");
    fake_free(f);
}

static void
a_user_brings_credentials_and_keys(void **state)
{
    struct fake *f = ready();
    struct tbe_entity id = fake_id(TBE_ENT_USER, 1), key = fake_id(TBE_ENT_API_KEY, 2);
    char text[TBE_UUID_TEXT + 1], name[64], json[128];

    (void)state;
    tbe_uuid_text(&id.id, text);
    put(f, TBE_ENT_USER, 1, "u@x", "{\"u\":1}");
    snprintf(json, sizeof(json), "{\"userId\":{\"id\":\"%s\"}}", text);
    put(f, TBE_ENT_API_KEY, 2, "k1", json);
    put(f, TBE_ENT_API_KEY, 3, "k2", "{\"userId\":{\"id\":\"13814000-1dd2-11b2-8080-808080808080\"}}");
    snprintf(name, sizeof(name), "user.credentials.%s", text);
    store_put_state(f->batch, tbe_strz(name), TBE_STR("{\"enabled\":true}"));
    fake_event(f, false, CLOUD_KIND_USER, &id, CLOUD_ACTION_ADDED, NULL);
    const Edge__UplinkMsg *m = only_uplink(f);
    check_part(PART(m, userupdatemsg), &id, 0, "{\"u\":1}");
    assert_int_equal(m->n_usercredentialsupdatemsg, 1);
    assert_string_equal(m->usercredentialsupdatemsg[0]->entity, "{\"enabled\":true}");
    check_part(PART(m, apikeyupdatemsg), &key, 0, json);
    fake_answer(f, fake_uplink(f, 0), true, "");
    fake_turn(f);
    fake_forget(f);
    fake_event(f, false, CLOUD_KIND_USER, &id, CLOUD_ACTION_CREDENTIALS_UPDATED, NULL);
    m = only_uplink(f);
    assert_int_equal(m->n_usercredentialsupdatemsg, 1);
    assert_int_equal(m->n_userupdatemsg + m->n_apikeyupdatemsg, 0);
    fake_free(f);
}

static void
deleted_entities_are_ids(void **state)
{
    struct fake *f = ready();
    struct tbe_entity d = fake_id(TBE_ENT_DEVICE, 1), p = fake_id(TBE_ENT_DEVICE_PROFILE, 2),
                      r = fake_id(TBE_ENT_TB_RESOURCE, 3), v = fake_id(TBE_ENT_DASHBOARD, 4);

    (void)state;
    fake_event(f, false, CLOUD_KIND_DEVICE, &d, CLOUD_ACTION_DELETED, NULL);
    fake_event(f, false, CLOUD_KIND_DEVICE_PROFILE, &p, CLOUD_ACTION_DELETED, NULL); /* the cloud refuses these two */
    fake_event(f, false, CLOUD_KIND_TB_RESOURCE, &r, CLOUD_ACTION_DELETED, NULL);
    fake_event(f, false, CLOUD_KIND_DASHBOARD, &v, CLOUD_ACTION_DELETED, NULL);
    const Edge__UplinkMsg *m = only_uplink(f);
    check_part(PART(m, deviceupdatemsg), &d, 2, "");
    check_part(PART(m, dashboardupdatemsg), &v, 2, "");
    assert_int_equal(m->n_deviceprofileupdatemsg + m->n_resourceupdatemsg, 0);
    fake_free(f);
}

static void
what_is_gone_is_passed_over(void **state)
{
    struct fake *f = ready();
    struct tbe_entity d = fake_id(TBE_ENT_DEVICE, 1), al = fake_id(TBE_ENT_ALARM, 1);

    (void)state;
    fake_event(f, false, CLOUD_KIND_DEVICE, &d, CLOUD_ACTION_UPDATED, NULL);
    fake_event(f, false, CLOUD_KIND_ALARM, &al, CLOUD_ACTION_ADDED, NULL);
    fake_turn(f);
    assert_null(fake_uplink(f, 0));
    assert_int_equal(fake_waiting(f, false), 0);
    fake_free(f);
}

static void
alarms_relations_and_comments(void **state)
{
    struct fake *f = ready();
    struct tbe_entity al = fake_id(TBE_ENT_ALARM, 1), dead = fake_id(TBE_ENT_ALARM, 2), d = fake_id(TBE_ENT_DEVICE, 1);
    struct store_alarm a = { .id = al.id, .originator = d, .customer = tbe_uuid_null, .assignee = tbe_uuid_null,
                             .type = TBE_STR_INIT("High"), .severity = TBE_STR_INIT("MAJOR"), .created = 5 };

    (void)state;
    store_put_alarm(f->batch, &a);
    fake_event(f, false, CLOUD_KIND_ALARM, &al, CLOUD_ACTION_ALARM_ACK, NULL);
    fake_event(f, false, CLOUD_KIND_ALARM, &dead, CLOUD_ACTION_ALARM_DELETE, "{\"x\":1}");
    fake_event(f, false, CLOUD_KIND_ALARM_COMMENT, &al, CLOUD_ACTION_ADDED_COMMENT, "{\"comment\":{}}");
    fake_event(f, false, CLOUD_KIND_RELATION, &d, CLOUD_ACTION_RELATION_DELETED, "{\"type\":\"Uses\"}");
    const Edge__UplinkMsg *m = only_uplink(f);
    assert_int_equal(m->n_alarmupdatemsg, 2);
    assert_int_equal(m->alarmupdatemsg[0]->msgtype, EDGE__UPDATE_MSG_TYPE__ALARM_ACK_RPC_MESSAGE);
    assert_non_null(strstr(m->alarmupdatemsg[0]->entity, "\"severity\":\"MAJOR\""));
    assert_int_equal(m->alarmupdatemsg[1]->msgtype, EDGE__UPDATE_MSG_TYPE__ENTITY_DELETED_RPC_MESSAGE);
    assert_string_equal(m->alarmupdatemsg[1]->entity, "{\"x\":1}");
    assert_int_equal(m->n_alarmcommentupdatemsg, 1);
    assert_int_equal(m->n_relationupdatemsg, 1);
    assert_int_equal(m->relationupdatemsg[0]->msgtype, EDGE__UPDATE_MSG_TYPE__ENTITY_DELETED_RPC_MESSAGE);
    assert_string_equal(m->relationupdatemsg[0]->entity, "{\"type\":\"Uses\"}");
    fake_free(f);
}

static void
requests_of_every_kind(void **state)
{
    struct fake *f = ready();
    struct tbe_entity d = fake_id(TBE_ENT_DEVICE, 1), u = fake_id(TBE_ENT_USER, 2), rc = fake_id(TBE_ENT_RULE_CHAIN, 3),
                      w = fake_id(TBE_ENT_WIDGETS_BUNDLE, 4);

    (void)state;
    cloud_request_all(f->cloud, f->batch, &d);
    cloud_request_all(f->cloud, f->batch, &d); /* once is enough */
    cloud_request(f->cloud, f->batch, &d, CLOUD_ACTION_CREDENTIALS_REQUEST);
    cloud_request(f->cloud, f->batch, &u, CLOUD_ACTION_CREDENTIALS_REQUEST);
    cloud_request(f->cloud, f->batch, &rc, CLOUD_ACTION_RULE_CHAIN_METADATA_REQUEST);
    cloud_request(f->cloud, f->batch, &w, CLOUD_ACTION_WIDGET_BUNDLE_TYPES_REQUEST);
    cloud_request(f->cloud, f->batch, &d, CLOUD_ACTION_ENTITY_VIEW_REQUEST);
    const Edge__UplinkMsg *m = only_uplink(f);
    assert_int_equal(m->n_attributesrequestmsg, 2);
    assert_string_equal(m->attributesrequestmsg[0]->scope, "SERVER_SCOPE");
    assert_string_equal(m->attributesrequestmsg[1]->scope, "SHARED_SCOPE");
    assert_string_equal(m->attributesrequestmsg[1]->entitytype, "DEVICE");
    assert_int_equal(m->n_relationrequestmsg, 1);
    assert_int_equal(m->n_calculatedfieldrequestmsg, 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    assert_int_equal(m->n_devicecredentialsrequestmsg, 1);
    assert_int_equal(m->n_usercredentialsrequestmsg, 1);
    assert_int_equal(m->usercredentialsrequestmsg[0]->useridlsb, tbe_uuid_lsb(&u.id));
    assert_int_equal(m->n_rulechainmetadatarequestmsg, 1);
    assert_int_equal(m->n_widgetbundletypesrequestmsg, 1);
    assert_int_equal(m->n_entityviewsrequestmsg, 1);
#pragma GCC diagnostic pop
    fake_answer(f, fake_uplink(f, 0), true, "");
    fake_turn(f);
    assert_int_equal(fake_waiting(f, false), 0);
    fake_free(f);
}

static void
rpc_both_ways(void **state)
{
    struct fake *f = ready();
    struct tbe_entity d = fake_id(TBE_ENT_DEVICE, 1);
    struct cloud_rpc r = { d.id, fake_id(TBE_ENT_RPC, 9).id, 17, 1795365999000, true };

    (void)state;
    cloud_rpc_answer(f->cloud, f->batch, &r, HUB_RPC_OK, TBE_STR("{\"ok\": 1}"));
    const Edge__UplinkMsg *m = only_uplink(f);
    assert_int_equal(m->n_devicerpccallmsg, 1);
    const Edge__DeviceRpcCallMsg *p = m->devicerpccallmsg[0];
    assert_int_equal(p->requestid, 17);
    assert_int_equal(p->requestuuidlsb, tbe_uuid_lsb(&r.request));
    assert_int_equal(p->expirationtime, 1795365999000);
    assert_true(p->oneway);
    assert_string_equal(p->responsemsg->response, "{\"ok\": 1}");
    assert_string_equal(p->responsemsg->error, "");
    assert_null(p->requestmsg);
    assert_int_equal(p->_service_id_case, 0);
    fake_answer(f, fake_uplink(f, 0), true, "");
    fake_turn(f);
    cloud_rpc_answer(f->cloud, f->batch, &r, HUB_RPC_TIMEOUT, TBE_STR_NONE);
    m = only_uplink(f);
    assert_string_equal(m->devicerpccallmsg[0]->responsemsg->error, "TIMEOUT");
    fake_answer(f, fake_uplink(f, 0), true, "");
    fake_turn(f);
    fake_event(f, false, CLOUD_KIND_DEVICE, &d, CLOUD_ACTION_RPC_CALL,
               "{\"requestId\":\"5\",\"serviceId\":\"svc\",\"sessionId\":\"s-1\",\"method\":\"getTime\",\"params\":\"{}\"}");
    m = only_uplink(f);
    p = m->devicerpccallmsg[0];
    assert_null(p->responsemsg);
    assert_string_equal(p->requestmsg->method, "getTime");
    assert_string_equal(p->requestmsg->params, "{}");
    assert_int_equal(p->requestid, 5);
    assert_string_equal(p->serviceid, "svc");
    assert_string_equal(p->sessionid, "s-1");
    fake_free(f);
}

static void
values_of_every_type(void **state)
{
    struct fake *f = ready();
    struct tbe_entity d = fake_id(TBE_ENT_DEVICE, 1);

    (void)state;
    fake_event(f, true, CLOUD_KIND_DEVICE, &d, CLOUD_ACTION_TIMESERIES_UPDATED,
               "{\"data\":{\"d\":21.5,\"l\":9007199254740993,\"s\":\"x\",\"t\":true,\"f\":false,\"j\":{\"k\":[1]},"
               "\"c\":\"1.2\",\"n\":null,\"z\":0},\"ts\":7}");
    fake_event(f, true, CLOUD_KIND_DEVICE, &d, CLOUD_ACTION_POST_ATTRIBUTES,
               "{\"kv\":{\"a\":1},\"ts\":8,\"scope\":\"CLIENT_SCOPE\",\"isPostAttributes\":true}");
    fake_event(f, true, CLOUD_KIND_DEVICE, &d, CLOUD_ACTION_TIMESERIES_UPDATED,
               "{\"data\":{\"ts\":3,\"values\":{\"q\":1}},\"ts\":7}");
    fake_event(f, true, CLOUD_KIND_DEVICE, &d, CLOUD_ACTION_TIMESERIES_UPDATED, "{\"data\":{},\"ts\":7}"); /* nothing */
    fake_event(f, true, CLOUD_KIND_DEVICE, &d, CLOUD_ACTION_TIMESERIES_UPDATED, "[1]"); /* kept aside */
    const Edge__UplinkMsg *m = only_uplink(f);
    assert_int_equal(m->n_entitydata, 3);
    const Transport__TsKvListProto *l = m->entitydata[0]->posttelemetrymsg->tskvlist[0];
    assert_int_equal(l->ts, 7);
    assert_int_equal(l->n_kv, 8);
    assert_true(l->kv[0]->type == TRANSPORT__KEY_VALUE_TYPE__DOUBLE_V && l->kv[0]->double_v == 21.5);
    assert_int_equal(l->kv[1]->long_v, 9007199254740993);
    assert_string_equal(l->kv[2]->string_v, "x");
    assert_true(l->kv[3]->bool_v);
    assert_int_equal(l->kv[4]->type, TRANSPORT__KEY_VALUE_TYPE__BOOLEAN_V);
    assert_string_equal(l->kv[5]->json_v, "{\"k\":[1]}");
    assert_true(l->kv[6]->double_v == 1.2);
    assert_int_equal(m->entitydata[1]->postattributesmsg->kv[0]->long_v, 1);
    assert_string_equal(m->entitydata[1]->postattributescope, "CLIENT_SCOPE");
    assert_int_equal(m->entitydata[2]->posttelemetrymsg->tskvlist[0]->ts, 3);
    fake_answer(f, fake_uplink(f, 0), true, "");
    fake_turn(f);
    clock_advance(1000);
    fake_turn(f);
    assert_int_equal(fake_waiting(f, true), 0);
    fake_free(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities_go_up_as_they_are_stored),
        cmocka_unit_test(an_asset_brings_its_profile),
        cmocka_unit_test(a_chain_brings_its_metadata),
        cmocka_unit_test(a_user_brings_credentials_and_keys),
        cmocka_unit_test(deleted_entities_are_ids),
        cmocka_unit_test(what_is_gone_is_passed_over),
        cmocka_unit_test(alarms_relations_and_comments),
        cmocka_unit_test(requests_of_every_kind),
        cmocka_unit_test(rpc_both_ways),
        cmocka_unit_test(values_of_every_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
