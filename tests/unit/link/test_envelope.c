/* SPDX-License-Identifier: Apache-2.0 */
/* The outer layer of messages, the settings frame, and the queue of uplinks. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/envelope.h"
#include "link/uplinks.h"
#include "proto/edge.pb-c.h"

static void
kinds_are_seen_whatever_else_is_there(void **state)
{
    static const struct {
        struct tbe_str bytes;
        enum envelope_kind response, request;
    } cases[] = {
        { TBE_STR_INIT(""), ENVELOPE_NONE, ENVELOPE_NONE },
        { TBE_STR_INIT("\x0a\x00"), ENVELOPE_CONNECT, ENVELOPE_NONE },
        { TBE_STR_INIT("\x12\x00"), ENVELOPE_OTHER, ENVELOPE_CONNECT },
        { TBE_STR_INIT("\x1a\x01x"), ENVELOPE_OTHER, ENVELOPE_OTHER },
        { TBE_STR_INIT("\x22\x00"), ENVELOPE_OTHER, ENVELOPE_OTHER },
        { TBE_STR_INIT("\x2a\x00"), ENVELOPE_NONE, ENVELOPE_OTHER },
        { TBE_STR_INIT("\x08\x01\x1a\x00"), ENVELOPE_OTHER, ENVELOPE_OTHER },
        { TBE_STR_INIT("\x1a\x00\x0a\x00"), ENVELOPE_CONNECT, ENVELOPE_OTHER },
        { TBE_STR_INIT("\x0a\x00\x1a\x00"), ENVELOPE_CONNECT, ENVELOPE_OTHER },
        /* a field with the right number and another type is not it */
        { TBE_STR_INIT("\x18\x01"), ENVELOPE_NONE, ENVELOPE_NONE },
        /* unknown fields of every type, the largest field number */
        { TBE_STR_INIT("\xf8\x07\x05\xf9\x07" "12345678" "\xfd\x07" "1234" "\xfa\x07\x02xy" "\x1a\x00"), ENVELOPE_OTHER,
          ENVELOPE_OTHER },
        { TBE_STR_INIT("\xf8\xff\xff\xff\x0f\x01"), ENVELOPE_NONE, ENVELOPE_NONE },
        /* not protobuf: field 0, a number above all, a group, cut short, a varint without end */
        { TBE_STR_INIT("\x02\x00"), ENVELOPE_BAD, ENVELOPE_BAD },
        { TBE_STR_INIT("\xf8\xff\xff\xff\x1f\x01"), ENVELOPE_BAD, ENVELOPE_BAD },
        { TBE_STR_INIT("\x0b\x0c"), ENVELOPE_BAD, ENVELOPE_BAD },
        { TBE_STR_INIT("\x1a\x02x"), ENVELOPE_BAD, ENVELOPE_BAD },
        { TBE_STR_INIT("\x1a"), ENVELOPE_BAD, ENVELOPE_BAD },
        { TBE_STR_INIT("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ENVELOPE_BAD, ENVELOPE_BAD },
        { TBE_STR_INIT("\x19" "1234567"), ENVELOPE_BAD, ENVELOPE_BAD },
        { TBE_STR_INIT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ENVELOPE_BAD, ENVELOPE_BAD },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tbe_str body;
        if (envelope_response(cases[i].bytes, &body) != cases[i].response ||
            envelope_request(cases[i].bytes) != cases[i].request) {
            fail_msg("case %zu", i);
        }
    }
}

static void
the_connect_request_has_all_four_fields(void **state)
{
    struct link_config c = { .routing_key = TBE_STR("k"), .secret = TBE_STR(""), .edge_version = TBE_STR("V_4_2_0"),
                             .max_inbound = 12345 };
    struct tbe_buf b = { 0 };
    Edge__RequestMsg *m;

    (void)state;
    tbe_buf_putc(&b, 'k'); /* what is there stays */
    assert_true(envelope_connect_request(&b, &c));
    assert_int_equal(b.p[0], 'k');
    m = edge__request_msg__unpack(NULL, b.n - 1, (uint8_t *)b.p + 1);
    assert_non_null(m);
    assert_int_equal(m->msgtype, 0);
    assert_string_equal(m->connectrequestmsg->edgeroutingkey, "k");
    assert_string_equal(m->connectrequestmsg->edgesecret, "");
    assert_int_equal(m->connectrequestmsg->edgeversion, 12);
    assert_int_equal(m->connectrequestmsg->maxinboundmessagesize, 12345);
    assert_int_not_equal(m->connectrequestmsg->_max_inbound_message_size_case, 0);
    edge__request_msg__free_unpacked(m, NULL);
    tbe_buf_free(&b);
}

static void
versions_are_those_of_the_protocol(void **state)
{
    (void)state;
    assert_int_equal(envelope_version(TBE_STR("V_4_3_0")), 13);
    assert_int_equal(envelope_version(TBE_STR("V_4_4_0")), 4400);
    assert_int_equal(envelope_version(TBE_STR("V_4_3")), -1);
    assert_int_equal(envelope_version(TBE_STR("")), -1);
    assert_int_equal(envelope_version(TBE_STR("V_4_3_0_______________________________")), -1);
}

static void
answers_without_configuration_or_limit(void **state)
{
    struct envelope_answer a;

    (void)state;
    assert_true(envelope_answer(TBE_STR(""), &a)); /* code 0, and nothing else */
    assert_false(a.accepted);
    assert_string_equal(a.reason, "accepted, but the cloud sent no configuration");
    assert_true(envelope_answer(TBE_STR("\x1a\x03\x3a\x01\x07"), &a));
    assert_true(a.accepted);
    assert_int_equal(a.max_uplink, 0);
    assert_string_equal(a.edge, " ");
    assert_true(envelope_answer(TBE_STR("\x1a\x00\x20\x05"), &a));
    assert_int_equal(a.max_uplink, 5);
    assert_true(envelope_answer(TBE_STR("\x1a\x00\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &a)); /* -1 */
    assert_int_equal(a.max_uplink, 0);
    assert_false(envelope_answer(TBE_STR("\x1a\x05"), &a));
}

static void
text_of_the_peer_is_cut_and_cleaned(void **state)
{
    struct link_config c = { .secret = TBE_STR("abc"), .routing_key = TBE_STR("abcdef"), .proxy_password = TBE_STR("p") };
    char out[16];

    (void)state;
    envelope_clean(TBE_STR("x\ny\tz\x7f"), &c, out, sizeof out);
    assert_string_equal(out, "x y z ");
    envelope_clean(TBE_STR("1abc2p3"), &c, out, sizeof out);
    assert_string_equal(out, "1***2***3");
    envelope_clean(TBE_STR("123456789012345678901234567890"), &c, out, sizeof out);
    assert_string_equal(out, "123456789012");
    envelope_clean(TBE_STR("abcabcabcabcabcabcabc"), &c, out, sizeof out);
    assert_string_equal(out, "************");
    envelope_clean(TBE_STR_NONE, &c, out, sizeof out);
    assert_string_equal(out, "");
}

static void
settings_are_read_as_written(void **state)
{
    struct link_config c = { 0 }, d;
    struct tbe_buf b = { 0 };
    struct frame f;

    (void)state;
    c.host = TBE_STR("h");
    c.secret = TBE_STR("s\0s");
    c.log_format = TBE_STR("json");
    c.port = 1;
    c.last_session = 0xfffffffe;
    assert_true(link_config_put(&b, &c));
    assert_int_equal(frame_parse(b.p, b.n, &f), b.n);
    assert_int_equal(f.type, FR_LINK_CONFIG);
    assert_true(link_config_get(f.payload, &d));
    assert_true(tbe_str_eqz(d.host, "h") && d.secret.n == 3 && tbe_str_eqz(d.log_format, "json"));
    assert_true(d.proxy_host.p && d.proxy_host.n == 0); /* absent is empty */
    assert_int_equal(d.port, 1);
    assert_int_equal(d.last_session, 0xfffffffe);
    f.payload.n--;
    assert_false(link_config_get(f.payload, &d));
    tbe_buf_putc(&b, 'x');
    f.payload = (struct tbe_str){ b.p + FRAME_HEAD, b.n - FRAME_HEAD };
    assert_false(link_config_get(f.payload, &d));
    tbe_buf_free(&b);
}

static void
the_queue_is_bounded(void **state)
{
    struct uplinks q = { 0 };
    char *big = calloc(1, 1 << 20);
    uint64_t n = 0;

    (void)state;
    while (uplinks_add(&q, ++n, (struct tbe_str){ big, 1 << 20 })) {
    }
    assert_int_equal(n - 1, 2 * FRAME_UPLINK_ROOM >> 20);
    for (uint64_t i = 1; i < n; i++) {
        assert_int_equal(uplinks_first(&q)->seq, i);
        uplinks_drop(&q);
    }
    assert_null(uplinks_first(&q));
    assert_true(uplinks_add(&q, 7, TBE_STR("")));
    assert_int_equal(uplinks_first(&q)->seq, 7);
    uplinks_free(&q);
    assert_int_equal(q.bytes, 0);
    free(big);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_seen_whatever_else_is_there),
        cmocka_unit_test(the_connect_request_has_all_four_fields),
        cmocka_unit_test(versions_are_those_of_the_protocol),
        cmocka_unit_test(answers_without_configuration_or_limit),
        cmocka_unit_test(text_of_the_peer_is_cut_and_cleaned),
        cmocka_unit_test(settings_are_read_as_written),
        cmocka_unit_test(the_queue_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
