/* SPDX-License-Identifier: Apache-2.0 */
/* The topic tables: what each topic and filter means, ids, wildcards. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "transport/mqtt_topics.h"

static void
topics_outside_a_profile(void **state)
{
    static const struct {
        const char *topic, *rest;
        enum mqtt_op op;
        enum mqtt_form form;
    } cases[] = {
        { "v1/gateway/telemetry", NULL, MQTT_OP_GATEWAY, MQTT_V1 },
        { "v1/gatewayx", NULL, MQTT_OP_GATEWAY, MQTT_V1 },
        { "v1/devices/me/attributes/request/12", "12", MQTT_OP_ATTR_REQUEST, MQTT_V1 },
        { "v2/a/req/j/7", "7", MQTT_OP_ATTR_REQUEST, MQTT_V2_JSON },
        { "v2/a/req/7", "7", MQTT_OP_ATTR_REQUEST, MQTT_V2 },
        { "v2/r/res/p/0", "0", MQTT_OP_RPC_RESPONSE, MQTT_V2_PROTO },
        { "v1/devices/me/rpc/request/", "", MQTT_OP_CLIENT_RPC, MQTT_V1 },
        { "v1/devices/me/rpc/request", NULL, MQTT_OP_UNKNOWN, MQTT_V1 },
        { "v1/devices/me/claim", NULL, MQTT_OP_CLAIM, MQTT_V1 },
        { "v2/t/j", NULL, MQTT_OP_TELEMETRY, MQTT_V2_JSON },
        { "v2/t/x", NULL, MQTT_OP_UNKNOWN, MQTT_V1 },
        { "x/v2/fw/request/1/chunk/22/y", "1/chunk/22", MQTT_OP_FIRMWARE, MQTT_V1 },
        { "v2/sw/request/1/chunk/", NULL, MQTT_OP_UNKNOWN, MQTT_V1 },
        { "", NULL, MQTT_OP_UNKNOWN, MQTT_V1 },
    };
    struct hub_profile p = { .transport = HUB_T_DEFAULT };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mqtt_topic t = mqtt_topic_parse(&p, tbe_strz(cases[i].topic));

        if (t.op != cases[i].op || t.form != cases[i].form ||
            (cases[i].rest != NULL && !tbe_str_eqz(t.rest, cases[i].rest))) {
            fail_msg("%s", cases[i].topic);
        }
    }
}

static void
filters_must_be_exact(void **state)
{
    struct hub_profile p = { .transport = HUB_T_DEFAULT };
    enum mqtt_form form;

    (void)state;
    assert_int_equal(mqtt_filter_parse(&p, TBE_STR("v2/r/req/j/+"), &form), MQTT_SUB_RPC);
    assert_int_equal(form, MQTT_V2_JSON);
    assert_int_equal(mqtt_filter_parse(&p, TBE_STR("v1/devices/me/attributes"), &form), MQTT_SUB_ATTRIBUTES);
    assert_int_equal(mqtt_filter_parse(&p, TBE_STR("v1/devices/me/rpc/request/5"), &form), MQTT_SUB_NONE);
    assert_int_equal(mqtt_filter_parse(&p, TBE_STR("#"), &form), MQTT_SUB_NONE);
    assert_true(mqtt_filter_known(TBE_STR("v2/sw/error")));
    assert_false(mqtt_filter_known(TBE_STR("")));
}

static void
wildcards(void **state)
{
    (void)state;
    assert_true(mqtt_filter_matches(TBE_STR("a/+/c"), TBE_STR("a/b/c")));
    assert_false(mqtt_filter_matches(TBE_STR("a/+/c"), TBE_STR("a/b/d")));
    assert_false(mqtt_filter_matches(TBE_STR("a/+"), TBE_STR("a/b/c")));
    assert_true(mqtt_filter_matches(TBE_STR("a/#"), TBE_STR("a/b/c")));
    assert_true(mqtt_filter_matches(TBE_STR("a/#"), TBE_STR("a")));
    assert_false(mqtt_filter_matches(TBE_STR("a"), TBE_STR("a/b")));
    assert_true(mqtt_filter_matches(TBE_STR("#"), TBE_STR("")));
}

static void
request_ids_are_java_ints(void **state)
{
    static const struct {
        const char *s;
        bool ok;
        int32_t v;
    } cases[] = { { "0", true, 0 },          { "007", true, 7 },  { "-1", true, -1 },
                  { "2147483647", true, INT32_MAX }, { "-2147483648", true, INT32_MIN },
                  { "2147483648", false, 0 }, { "", false, 0 },   { "-", false, 0 },
                  { " 1", false, 0 },         { "1/2", false, 0 }, { "99999999999999999999", false, 0 } };
    int32_t v;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (mqtt_int(tbe_strz(cases[i].s), &v) != cases[i].ok || (cases[i].ok && v != cases[i].v)) {
            fail_msg("\"%s\"", cases[i].s);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_outside_a_profile),
        cmocka_unit_test(filters_must_be_exact),
        cmocka_unit_test(wildcards),
        cmocka_unit_test(request_ids_are_java_ints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
