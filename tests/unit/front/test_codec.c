/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT packets: what is taken, what is malformed (facts/device-apis.md 6.1), every cut of a
 * packet, limits. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "front/mqtt/codec.h"

static size_t
unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;

    for (; hex[0] && hex[1]; hex += 2) {
        unsigned v;
        sscanf(hex, "%2x", &v);
        out[n++] = (uint8_t)v;
    }
    return n;
}

/* Decodes the packet and its body. -1 malformed, 0 more bytes, else the length. */
static int64_t
decode(const uint8_t *p, size_t n, unsigned level)
{
    struct mqtt_packet k;
    struct mqtt_connect c;
    struct mqtt_publish m;
    struct mqtt_filters f;
    uint16_t id;
    uint8_t code;
    bool ok = true;
    int64_t len = mqtt_decode(p, n, level, 65536, &k);

    if (len <= 0) {
        return len;
    }
    switch (k.type) {
    case MQTT_CONNECT: ok = mqtt_decode_connect(&k, &c); break;
    case MQTT_PUBLISH: ok = mqtt_decode_publish(&k, level, &m); break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE: ok = mqtt_decode_filters(&k, level, &f); break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP: ok = mqtt_decode_ack(&k, level, &id, &code); break;
    case MQTT_DISCONNECT: ok = mqtt_decode_disconnect(&k, level, &code); break;
    default: break;
    }
    return ok ? len : -1;
}

static const struct {
    const char *hex;
    unsigned level;
    bool ok;
} cases[] = {
    { "100c00044d5154540402003c0000", 0, true },
    { "100f00044d5154540402003c0003616263", 0, true },
    { "100c00044d5154540403003c0000", 0, false }, /* reserved flag, 3.1.1 */
    { "100d00044d5154540503003c000000", 0, false }, /* reserved flag, 5 */
    { "100d00044d5154540502003c000000", 0, true },
    { "100c00044d5154540602003c0000", 0, false }, /* level */
    { "100c00044d5154540302003c0000", 0, false }, /* level 3 has another name */
    { "100f00064d51497364700302003c000163", 0, true },
    { "100e00064d51497364700302003c0000", 0, false }, /* 3.1: an empty client id */
    { "102500064d51497364700302003c00176161616161616161616161616161616161616161616161", 0, true },
    { "102600064d51497364700302003c0018616161616161616161616161616161616161616161616161", 0,
      false },
    { "100d00044d5154540402003c000000", 0, false }, /* a byte too many */
    { "100b00044d5154540402003c00", 0, false },     /* too few */
    { "100e00044d5154540440003c00000000", 0, true }, /* a password without a user */
    { "101000044d515454041e003c000000000000", 0, false }, /* will QoS 3 */
    { "101000044d515454040e003c000000000000", 0, true },
    { "3003000161", 4, true },
    { "30050003612b62", 4, false },
    { "300500036123", 4, false },
    { "3003000261", 4, false }, /* the topic runs past the packet */
    { "320600016100017b", 4, true },
    { "3206000161000062", 4, false }, /* packet id 0 */
    { "3606000161000162", 4, false }, /* QoS 3 */
    { "3004000161" "00", 5, true },
    { "300a000161" "06260001610001", 5, false }, /* a user property cut short */
    { "300c000161" "0826000161000162" , 5, false },
    { "300b000161" "07260001610001" "62", 5, true },
    { "3007000161" "03230001", 5, true }, /* a topic alias is passed over */
    { "3006000161" "027f00", 5, false },
    { "8206000100016101", 4, true },
    { "8206000100016103", 4, false },
    { "82020001", 4, true }, /* no filter */
    { "8206000000016101", 4, false },
    { "8006000100016101", 4, false },
    { "820700010000016131", 5, false }, /* retain handling 3 */
    { "820700010000016121", 5, true },
    { "a2020001", 4, true },
    { "a206000100016100", 4, false },
    { "40020001", 4, true },
    { "40020000", 4, false },
    { "400300015a", 4, false },
    { "4003000100", 5, true },
    { "400400010000", 5, true },
    { "62020009", 4, true },
    { "60020009", 4, false },
    { "c000", 4, true },
    { "c100", 4, false },
    { "e000", 4, true },
    { "e0020400", 4, false },
    { "e0020400", 5, true },
    { "e00700051100000000", 5, true },
    { "f000", 4, false },
    { "f000", 5, true },
    { "0000", 4, false },
    { "30ffffffff7f", 4, false }, /* five bytes of length */
    { "c000", 0, false },
};

static void
packets_are_taken_or_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t p[128];
        size_t n = unhex(cases[i].hex, p);
        /* "300500036123" and the like: a length that lies is only seen with enough bytes behind
         * it */
        int64_t want = cases[i].ok ? (int64_t)n : -1, got;
        memset(p + n, 0, sizeof p - n);
        got = decode(p, sizeof p, cases[i].level);
        if (got != want) {
            fail_msg("%s at level %u: %lld instead of %lld", cases[i].hex, cases[i].level,
                     (long long)got, (long long)want);
        }
    }
}

static void
cut_packets_need_more_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t p[128];
        size_t n = unhex(cases[i].hex, p);
        for (size_t k = 0; cases[i].ok && k < n; k++) {
            uint8_t *copy = malloc(k + 1);
            memcpy(copy, p, k);
            assert_int_equal(decode(copy, k, cases[i].level), 0);
            free(copy);
        }
    }
}

static void
lengths_at_and_past_the_limit(void **state)
{
    struct mqtt_packet k;
    uint8_t *p = calloc(1, 70000);

    (void)state;
    memcpy(p, "\x30\x80\x80\x04", 4); /* 65536 */
    assert_int_equal(mqtt_decode(p, 70000, 4, 65536, &k), 65536 + 4);
    assert_int_equal(k.body.n, 65536);
    assert_int_equal(mqtt_decode(p, 65539, 4, 65536, &k), 0);
    p[1] = 0x81; /* 65537 */
    assert_int_equal(mqtt_decode(p, 70000, 4, 65536, &k), -1);
    memcpy(p, "\x30\xff\xff\xff\x7f", 5);
    assert_int_equal(mqtt_decode(p, 5, 4, MQTT_REMAINING_MAX, &k), 0);
    free(p);
}

static void
filters_at_and_past_the_limit(void **state)
{
    struct tbe_buf b = { 0 };
    struct mqtt_packet k = { MQTT_UNSUBSCRIBE, 2, TBE_STR_NONE };
    struct mqtt_filters f;

    (void)state;
    tbe_buf_put(&b, "\0\1", 2);
    for (unsigned i = 0; i < MQTT_FILTERS_MAX; i++) {
        tbe_buf_put(&b, "\0\1a", 3);
    }
    k.body = tbe_buf_str(&b);
    assert_true(mqtt_decode_filters(&k, 4, &f));
    assert_int_equal(f.n, MQTT_FILTERS_MAX);
    tbe_buf_put(&b, "\0\1a", 3);
    k.body = tbe_buf_str(&b);
    assert_false(mqtt_decode_filters(&k, 4, &f));
    tbe_buf_free(&b);
}

static void
connect_fields(void **state)
{
    uint8_t p[128];
    size_t n =
        unhex("102700044d51545405c6000a05270000006400016300000200016d0001780001750002" "7077", p);
    struct mqtt_packet k;
    struct mqtt_connect c;

    (void)state;
    /* v5: clean, will (delay property absent), user, password, Maximum Packet Size 100 */
    n = unhex("102400044d51545405c6000a05270000006400016300" "00016d" "000178" "000175" "00027077",
              p);
    p[1] = (uint8_t)(n - 2);
    assert_true(mqtt_decode(p, n, 0, 65536, &k) > 0);
    assert_true(mqtt_decode_connect(&k, &c));
    assert_int_equal(c.level, 5);
    assert_int_equal(c.keep_alive, 10);
    assert_int_equal(c.max_packet, 100);
    assert_true(c.clean && c.will);
    assert_true(tbe_str_eqz(c.client_id, "c") && tbe_str_eqz(c.user, "u") &&
                tbe_str_eqz(c.password, "pw"));
}

static void
check(struct tbe_buf *b, const char *hex)
{
    uint8_t p[64];
    size_t n = unhex(hex, p);

    assert_int_equal(b->n, n);
    assert_memory_equal(b->p, p, n);
    b->n = 0;
}

static void
answers_have_the_exact_bytes(void **state)
{
    struct tbe_buf b = { 0 };

    (void)state;
    mqtt_encode_connack(&b, 4, 0x86);
    check(&b, "20020005");
    mqtt_encode_connack(&b, 3, 0x85);
    check(&b, "20020002");
    mqtt_encode_connack(&b, 4, 0x9f);
    check(&b, "20020003");
    mqtt_encode_connack(&b, 5, 0x86);
    check(&b, "2003008600");
    mqtt_encode_ack(&b, 4, MQTT_PUBACK, 0x102, 0x99);
    check(&b, "40020102");
    mqtt_encode_ack(&b, 5, MQTT_PUBACK, 1, 0);
    check(&b, "40020001");
    mqtt_encode_ack(&b, 5, MQTT_PUBACK, 1, 0x99);
    check(&b, "400400019900");
    mqtt_encode_suback(&b, 4, MQTT_SUBACK, 1, (const uint8_t *)"\1\0\x8f", 3);
    check(&b, "90050001010080");
    mqtt_encode_suback(&b, 5, MQTT_SUBACK, 1, (const uint8_t *)"\1\x8f", 2);
    check(&b, "9005000100018f");
    mqtt_encode_suback(&b, 4, MQTT_UNSUBACK, 1, (const uint8_t *)"\0", 1);
    check(&b, "b0020001");
    mqtt_encode_suback(&b, 5, MQTT_UNSUBACK, 1, (const uint8_t *)"\x11", 1);
    check(&b, "b00400010011");
    mqtt_encode_pingresp(&b);
    check(&b, "d000");
    mqtt_encode_disconnect(&b, 0);
    check(&b, "e000");
    mqtt_encode_disconnect(&b, 0x8e);
    check(&b, "e0028e00");
    assert_true(mqtt_encode_publish(&b, 4, TBE_STR("a"), TBE_STR("x"), 1, 7, 0));
    check(&b, "3206000161000778");
    assert_true(mqtt_encode_publish(&b, 5, TBE_STR("a"), TBE_STR("x"), 0, 0, 7));
    check(&b, "300500016100" "78");
    assert_false(mqtt_encode_publish(&b, 5, TBE_STR("a"), TBE_STR("xy"), 0, 0,
                                     7)); /* the client's maximum */
    assert_int_equal(b.n, 0);
    tbe_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_taken_or_malformed),
        cmocka_unit_test(cut_packets_need_more_bytes),
        cmocka_unit_test(lengths_at_and_past_the_limit),
        cmocka_unit_test(filters_at_and_past_the_limit),
        cmocka_unit_test(connect_fields),
        cmocka_unit_test(answers_have_the_exact_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
