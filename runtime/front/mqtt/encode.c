/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding of packets to devices, in exactly the forms of facts/device-apis.md 6.1. */
#include "config.h"
#include "front/mqtt/codec.h"

#include <string.h>

static size_t
put_varint(uint8_t *p, uint32_t v)
{
    size_t n = 0;

    do {
        p[n] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        n++;
        v >>= 7;
    } while (v);
    return n;
}

uint8_t
mqtt_connack_v3(uint8_t code5)
{
    switch (code5) {
    case 0x00: return 0;
    case 0x84: return 1;
    case 0x85: return 2;
    case 0x88:
    case 0x9f: return 3;
    default: return 5;
    }
}

void
mqtt_encode_connack(struct tbe_buf *b, unsigned level, uint8_t code5)
{
    /* Session present is always 0: no state outlives a connection (20, deliberate). */
    if (level == MQTT_LEVEL_5) {
        tbe_buf_put(b, (uint8_t[]){ MQTT_CONNACK << 4, 3, 0, code5, 0 }, 5);
    } else {
        tbe_buf_put(b, (uint8_t[]){ MQTT_CONNACK << 4, 2, 0, mqtt_connack_v3(code5) }, 4);
    }
}

void
mqtt_encode_ack(struct tbe_buf *b, unsigned level, enum mqtt_type type, uint16_t id, uint8_t code5)
{
    uint8_t head = (uint8_t)(type << 4 | (type == MQTT_PUBREL ? 2 : 0));
    uint8_t p[6] = { head, 2, (uint8_t)(id >> 8), (uint8_t)id, code5, 0 };
    bool with_code = level == MQTT_LEVEL_5 && code5 != MQTT_RC_OK;

    p[1] = with_code ? 4 : 2;
    tbe_buf_put(b, p, with_code ? 6 : 4);
}

void
mqtt_encode_suback(struct tbe_buf *b, unsigned level, enum mqtt_type type, uint16_t id,
                   const uint8_t *codes, size_t n)
{
    bool with_codes = level == MQTT_LEVEL_5 || type == MQTT_SUBACK;
    size_t len = 2 + (level == MQTT_LEVEL_5 ? 1 : 0) + (with_codes ? n : 0);
    uint8_t h[MQTT_FIXED_HEAD_MAX + 3] = { (uint8_t)(type << 4) };
    size_t k = 1 + put_varint(h + 1, (uint32_t)len);

    h[k++] = (uint8_t)(id >> 8);
    h[k++] = (uint8_t)id;
    if (level == MQTT_LEVEL_5) {
        h[k++] = 0;
    }
    tbe_buf_put(b, h, k);
    for (size_t i = 0; with_codes && i < n; i++) {
        bool refused = codes[i] >= 0x80;
        tbe_buf_putc(b, (char)(refused && level != MQTT_LEVEL_5 ? 0x80 : codes[i]));
    }
}

bool
mqtt_encode_publish(struct tbe_buf *b, unsigned level, struct tbe_str topic, struct tbe_str payload,
                    unsigned qos, uint16_t id, uint32_t max_packet)
{
    size_t len = 2 + topic.n + (qos ? 2 : 0) + (level == MQTT_LEVEL_5 ? 1 : 0) + payload.n;
    uint8_t h[MQTT_FIXED_HEAD_MAX + 2] = { (uint8_t)(MQTT_PUBLISH << 4 | qos << 1) }, t[3];
    size_t k, m = 0;

    if (topic.n > 0xffff || payload.n > MQTT_REMAINING_MAX || len > MQTT_REMAINING_MAX) {
        return false;
    }
    k = 1 + put_varint(h + 1, (uint32_t)len);
    if (max_packet && k + len > max_packet) {
        return false;
    }
    h[k++] = (uint8_t)(topic.n >> 8);
    h[k++] = (uint8_t)topic.n;
    tbe_buf_put(b, h, k);
    tbe_buf_put(b, topic.p, topic.n);
    if (qos) {
        t[m++] = (uint8_t)(id >> 8);
        t[m++] = (uint8_t)id;
    }
    if (level == MQTT_LEVEL_5) {
        t[m++] = 0;
    }
    tbe_buf_put(b, t, m);
    tbe_buf_put(b, payload.p, payload.n);
    return true;
}

void
mqtt_encode_pingresp(struct tbe_buf *b)
{
    tbe_buf_put(b, "\xd0\x00", 2);
}

void
mqtt_encode_disconnect(struct tbe_buf *b, uint8_t code)
{
    if (code == MQTT_RC_OK) {
        tbe_buf_put(b, "\xe0\x00", 2);
    } else {
        tbe_buf_put(b, (uint8_t[]){ MQTT_DISCONNECT << 4, 2, code, 0 }, 4);
    }
}
