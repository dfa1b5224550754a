/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of packets from devices. Every length is checked against the packet; nothing is
 * copied. */
#include "config.h"
#include "front/mqtt/codec.h"

#include <string.h>

/* A cursor over one packet's body; reading past the end sets bad and yields zeros. */
struct rd {
    const uint8_t *p, *end;
    bool bad;
};

static struct rd
rd_of(struct tbe_str s)
{
    const uint8_t *p = (const uint8_t *)s.p;

    return (struct rd){ p, p + s.n, false };
}

static size_t
rd_left(const struct rd *r)
{
    return (size_t)(r->end - r->p);
}

static const uint8_t *
rd_take(struct rd *r, size_t n)
{
    const uint8_t *p = r->p;

    if (r->bad || rd_left(r) < n) {
        r->bad = true;
        return NULL;
    }
    r->p += n;
    return p;
}

static unsigned
rd_u8(struct rd *r)
{
    const uint8_t *p = rd_take(r, 1);

    return p ? p[0] : 0;
}

static uint16_t
rd_u16(struct rd *r)
{
    const uint8_t *p = rd_take(r, 2);

    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static uint32_t
rd_u32(struct rd *r)
{
    uint32_t hi = rd_u16(r);

    return hi << 16 | rd_u16(r);
}

static uint32_t
rd_varint(struct rd *r)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned c = rd_u8(r);
        v |= (uint32_t)(c & 0x7f) << (7 * i);
        if (!(c & 0x80)) {
            return v;
        }
    }
    r->bad = true;
    return 0;
}

static struct tbe_str
rd_str(struct rd *r)
{
    size_t n = rd_u16(r);
    const uint8_t *p = rd_take(r, n);

    return p ? (struct tbe_str){ (const char *)p, n } : TBE_STR_NONE;
}

/* Property types of MQTT 5 (2.2.2.2) by identifier; 0 = no such property. */
enum prop_type { P_NONE, P_U8, P_U16, P_U32, P_VARINT, P_STR, P_PAIR };
static const uint8_t prop_types[0x2b] = {
    [0x01] = P_U8,  [0x02] = P_U32,  [0x03] = P_STR, [0x08] = P_STR, [0x09] = P_STR,
    [0x0b] = P_VARINT,
    [0x11] = P_U32, [0x12] = P_STR,  [0x13] = P_U16, [0x15] = P_STR, [0x16] = P_STR, [0x17] = P_U8,
    [0x18] = P_U32, [0x19] = P_U8,   [0x1a] = P_STR, [0x1c] = P_STR, [0x1f] = P_STR, [0x21] = P_U16,
    [0x22] = P_U16, [0x23] = P_U16,  [0x24] = P_U8,  [0x25] = P_U8,  [0x26] = P_PAIR,
    [0x27] = P_U32,
    [0x28] = P_U8,  [0x29] = P_U8,   [0x2a] = P_U8,
};
#define PROP_MAX_PACKET 0x27u

/* Walks a property list. Only Maximum Packet Size of CONNECT matters to us; the others are
 * checked for their shape and passed over, as the reference does (6.1). */
static void
rd_props(struct rd *r, uint32_t *max_packet)
{
    uint32_t n = rd_varint(r);
    const uint8_t *p = rd_take(r, n);
    struct rd in;

    if (!p) {
        return;
    }
    in = (struct rd){ p, p + n, false };
    while (!in.bad && rd_left(&in)) {
        uint32_t id = rd_varint(&in), v = 0;
        switch (id < sizeof prop_types ? prop_types[id] : P_NONE) {
        case P_U8: rd_u8(&in); break;
        case P_U16: rd_u16(&in); break;
        case P_U32: v = rd_u32(&in); break;
        case P_VARINT: rd_varint(&in); break;
        case P_PAIR: rd_str(&in); /* fall through */
        case P_STR: rd_str(&in); break;
        default: in.bad = true;
        }
        if (id == PROP_MAX_PACKET && max_packet) {
            *max_packet = v;
        }
    }
    r->bad = r->bad || in.bad;
}

static bool
head_ok(unsigned first, unsigned level)
{
    unsigned type = first >> 4, flags = first & 15;

    if (level == MQTT_LEVEL_NONE) {
        return first == MQTT_CONNECT << 4;
    }
    switch (type) {
    case 0: return false;
    case MQTT_PUBLISH: return (flags & 6) != 6;
    case MQTT_PUBREL:
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE: return flags == 2;
    case MQTT_AUTH: return flags == 0 && level == MQTT_LEVEL_5;
    default: return flags == 0;
    }
}

int64_t
mqtt_decode(const void *buf, size_t n, unsigned level, uint32_t max_remaining,
            struct mqtt_packet *out)
{
    const uint8_t *p = buf;
    uint32_t len = 0;
    size_t i = 1;

    if (n == 0) {
        return 0;
    }
    if (!head_ok(p[0], level)) {
        return -1;
    }
    for (;; i++) {
        if (i == MQTT_FIXED_HEAD_MAX) {
            return -1;
        }
        if (i >= n) {
            return 0;
        }
        len |= (uint32_t)(p[i] & 0x7f) << (7 * (i - 1));
        if (!(p[i] & 0x80)) {
            break;
        }
    }
    i++;
    if (len > max_remaining) {
        return -1;
    }
    if (n - i < len) {
        return 0;
    }
    out->type = p[0] >> 4;
    out->flags = p[0] & 15;
    out->body = (struct tbe_str){ (const char *)p + i, len };
    return (int64_t)(i + len);
}

/* UTF-16 units, as the reference counts the 23 characters of MQTT 3.1. */
static size_t
utf16_len(struct tbe_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        n += (c & 0xc0) != 0x80;
        n += c >= 0xf0;
    }
    return n;
}

static unsigned
connect_level(struct tbe_str name, unsigned level)
{
    if (tbe_str_eqz(name, "MQTT") && (level == MQTT_LEVEL_311 || level == MQTT_LEVEL_5)) {
        return level;
    }
    return tbe_str_eqz(name, "MQIsdp") && level == MQTT_LEVEL_31 ? level : MQTT_LEVEL_NONE;
}

enum { CF_RESERVED = 1, CF_CLEAN = 2, CF_WILL = 4, CF_PASSWORD = 0x40, CF_USER = 0x80 };

bool
mqtt_decode_connect(const struct mqtt_packet *p, struct mqtt_connect *out)
{
    struct rd r = rd_of(p->body);
    struct tbe_str name = rd_str(&r);
    unsigned flags;

    *out = (struct mqtt_connect){ .level = connect_level(name, rd_u8(&r)) };
    if (r.bad || out->level == MQTT_LEVEL_NONE) {
        return false;
    }
    flags = rd_u8(&r);
    if (((flags & CF_RESERVED) && out->level != MQTT_LEVEL_31) || (flags & 0x18) == 0x18) {
        return false;
    }
    out->clean = flags & CF_CLEAN;
    out->will = flags & CF_WILL;
    out->keep_alive = rd_u16(&r);
    if (out->level == MQTT_LEVEL_5) {
        rd_props(&r, &out->max_packet);
    }
    out->client_id = rd_str(&r);
    if (out->will) { /* parsed and never published (3.6) */
        if (out->level == MQTT_LEVEL_5) {
            rd_props(&r, NULL);
        }
        rd_str(&r);
        rd_str(&r);
    }
    if (flags & CF_USER) {
        out->user = rd_str(&r);
    }
    if (flags & CF_PASSWORD) {
        out->password = rd_str(&r);
    }
    if (r.bad || rd_left(&r)) {
        return false;
    }
    if (out->level == MQTT_LEVEL_31) {
        size_t n = utf16_len(out->client_id);
        return n >= 1 && n <= 23;
    }
    return true;
}

bool
mqtt_decode_publish(const struct mqtt_packet *p, unsigned level, struct mqtt_publish *out)
{
    struct rd r = rd_of(p->body);

    *out = (struct mqtt_publish){ .qos = p->flags >> 1 & 3, .dup = p->flags & 8,
                                  .retain = p->flags & 1 };
    out->topic = rd_str(&r);
    if (r.bad || memchr(out->topic.p, '#', out->topic.n) ||
        memchr(out->topic.p, '+', out->topic.n)) {
        return false;
    }
    if (out->qos) {
        out->id = rd_u16(&r);
        if (out->id == 0) {
            return false;
        }
    }
    if (level == MQTT_LEVEL_5) {
        rd_props(&r, NULL);
    }
    out->payload = (struct tbe_str){ (const char *)r.p, rd_left(&r) };
    return !r.bad;
}

bool
mqtt_decode_ack(const struct mqtt_packet *p, unsigned level, uint16_t *id, uint8_t *code)
{
    struct rd r = rd_of(p->body);

    *id = rd_u16(&r);
    *code = 0;
    if (level == MQTT_LEVEL_5 && rd_left(&r)) {
        *code = (uint8_t)rd_u8(&r);
        if (rd_left(&r)) {
            rd_props(&r, NULL);
        }
    }
    return !r.bad && rd_left(&r) == 0 && *id != 0;
}

bool
mqtt_filter_next(struct mqtt_filters *f, struct tbe_str *filter, unsigned *qos)
{
    struct rd r = rd_of(f->left);

    if (f->left.n == 0) {
        return false;
    }
    *filter = rd_str(&r);
    *qos = f->with_options ? rd_u8(&r) : 0;
    if (r.bad || (*qos & 3) == 3 || (*qos & 0x30) == 0x30) {
        return false;
    }
    *qos &= 3;
    f->left = (struct tbe_str){ (const char *)r.p, rd_left(&r) };
    return true;
}

bool
mqtt_decode_filters(const struct mqtt_packet *p, unsigned level, struct mqtt_filters *out)
{
    struct rd r = rd_of(p->body);
    struct mqtt_filters walk;
    struct tbe_str filter;
    unsigned qos;

    *out = (struct mqtt_filters){ .id = rd_u16(&r), .with_options = p->type == MQTT_SUBSCRIBE };
    if (level == MQTT_LEVEL_5) {
        rd_props(&r, NULL);
    }
    if (r.bad || out->id == 0) {
        return false;
    }
    out->left = (struct tbe_str){ (const char *)r.p, rd_left(&r) };
    walk = *out;
    while (mqtt_filter_next(&walk, &filter, &qos)) {
        if (++out->n > MQTT_FILTERS_MAX) {
            return false;
        }
    }
    return walk.left.n == 0;
}

bool
mqtt_decode_disconnect(const struct mqtt_packet *p, unsigned level, uint8_t *code)
{
    struct rd r = rd_of(p->body);

    *code = 0;
    if (level == MQTT_LEVEL_5 && rd_left(&r)) {
        *code = (uint8_t)rd_u8(&r);
        if (rd_left(&r)) {
            rd_props(&r, NULL);
        }
    }
    return !r.bad && rd_left(&r) == 0;
}
