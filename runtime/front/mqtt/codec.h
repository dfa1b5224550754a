/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT 3.1, 3.1.1 and 5 packets, server side: bytes to structs and back. Knows no connection state.
 * What is malformed follows facts/device-apis.md 6.1. Decoded strings point into the packet. */
#ifndef TBE_FRONT_MQTT_CODEC_H
#define TBE_FRONT_MQTT_CODEC_H

#include "tbe/base.h"

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH
};

/* Reason codes of MQTT 5 that the front itself uses. */
enum {
    MQTT_RC_OK = 0,
    MQTT_RC_MALFORMED = 0x81,
    MQTT_RC_PROTOCOL_ERROR = 0x82,
    MQTT_RC_IMPLEMENTATION = 0x83,
    MQTT_RC_SHUTTING_DOWN = 0x8b,
    MQTT_RC_KEEP_ALIVE = 0x8d,
    MQTT_RC_RECEIVE_MAX = 0x93,
    MQTT_RC_QUOTA = 0x97
};

/* Protocol levels; 0 = no CONNECT yet. */
enum { MQTT_LEVEL_NONE = 0, MQTT_LEVEL_31 = 3, MQTT_LEVEL_311 = 4, MQTT_LEVEL_5 = 5 };

#define MQTT_FIXED_HEAD_MAX 5u     /* bytes: type and four of length */
#define MQTT_REMAINING_MAX 268435455u
#define MQTT_FILTERS_MAX 1000u     /* filters in one SUBSCRIBE or UNSUBSCRIBE */

struct mqtt_packet {
    uint8_t type, flags;
    struct tbe_str body; /* what follows the fixed header */
};

/* The next packet of p[0..n): its whole length, 0 when more bytes are needed, -1 when malformed.
 * The first byte is judged at once, so garbage is found before its "length" has arrived. */
int64_t mqtt_decode(const void *p, size_t n, unsigned level, uint32_t max_remaining,
                    struct mqtt_packet *out);

struct mqtt_connect {
    unsigned level;
    uint16_t keep_alive; /* seconds, 0 = off */
    bool clean, will;
    struct tbe_str client_id, user, password; /* absent when their flag is off */
    uint32_t max_packet;                      /* v5 Maximum Packet Size; 0 = none given */
};
bool mqtt_decode_connect(const struct mqtt_packet *p, struct mqtt_connect *out);

struct mqtt_publish {
    uint16_t id; /* 0 for QoS 0 */
    unsigned qos;
    bool dup, retain;
    struct tbe_str topic, payload;
};
bool mqtt_decode_publish(const struct mqtt_packet *p, unsigned level, struct mqtt_publish *out);

/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
bool mqtt_decode_ack(const struct mqtt_packet *p, unsigned level, uint16_t *id, uint8_t *code);

/* SUBSCRIBE and UNSUBSCRIBE: the whole list is checked here, then walked with mqtt_filter_next. */
struct mqtt_filters {
    uint16_t id;
    uint32_t n;
    struct tbe_str left; /* used by mqtt_filter_next */
    bool with_options;
};
bool mqtt_decode_filters(const struct mqtt_packet *p, unsigned level, struct mqtt_filters *out);
bool mqtt_filter_next(struct mqtt_filters *f, struct tbe_str *filter, unsigned *qos);

bool mqtt_decode_disconnect(const struct mqtt_packet *p, unsigned level, uint8_t *code);

/* Encoders append one packet. level decides the form. */
void mqtt_encode_connack(struct tbe_buf *b, unsigned level, uint8_t code5);
void mqtt_encode_ack(struct tbe_buf *b, unsigned level, enum mqtt_type type, uint16_t id,
                     uint8_t code5);
void mqtt_encode_suback(struct tbe_buf *b, unsigned level, enum mqtt_type type, uint16_t id,
                        const uint8_t *codes, size_t n);
/* PUBLISH to a device. false: longer than max_packet (0 = no limit) or than MQTT allows; nothing
 * added. */
bool mqtt_encode_publish(struct tbe_buf *b, unsigned level, struct tbe_str topic,
                         struct tbe_str payload,
                         unsigned qos, uint16_t id, uint32_t max_packet);
void mqtt_encode_pingresp(struct tbe_buf *b);
void mqtt_encode_disconnect(struct tbe_buf *b, uint8_t code);

/* CONNACK return code of MQTT 3 for a reason code of MQTT 5 (facts/device-apis.md 2.4). */
uint8_t mqtt_connack_v3(uint8_t code5);

#endif
