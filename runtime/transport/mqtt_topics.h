/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT topics of the device API as tables (facts/device-apis.md 6.2, 6.3): what a publish means, what a
 * subscription switches on, where answers go. */
#ifndef TBE_TRANSPORT_MQTT_TOPICS_H
#define TBE_TRANSPORT_MQTT_TOPICS_H

#include "device/device.h"

enum mqtt_form { MQTT_V1, MQTT_V2, MQTT_V2_JSON, MQTT_V2_PROTO }; /* stored in FR_KEEP: do not renumber */

enum mqtt_op {
    MQTT_OP_UNKNOWN, MQTT_OP_GATEWAY, MQTT_OP_TELEMETRY, MQTT_OP_ATTRIBUTES, MQTT_OP_ATTR_REQUEST,
    MQTT_OP_RPC_RESPONSE, MQTT_OP_CLIENT_RPC, MQTT_OP_CLAIM, MQTT_OP_FIRMWARE, MQTT_OP_SOFTWARE
};
struct mqtt_topic {
    enum mqtt_op op;
    enum mqtt_form form;
    struct tbe_str rest; /* the request id as text, for those that have one */
};
/* Meaning of a published topic for a device of this profile. */
struct mqtt_topic mqtt_topic_parse(const struct hub_profile *p, struct tbe_str topic);

enum mqtt_sub_kind { MQTT_SUB_NONE, MQTT_SUB_ATTRIBUTES, MQTT_SUB_RPC, MQTT_SUB_QOS };
/* NONE: refused. */
enum mqtt_sub_kind mqtt_filter_parse(const struct hub_profile *p, struct tbe_str filter, enum mqtt_form *form);
/* Is it a filter of the fixed table? A profile's own attribute filter is not (6.3, UNSUBACK 0x8F). */
bool mqtt_filter_known(struct tbe_str filter);

enum mqtt_out { MQTT_OUT_ATTRIBUTES, MQTT_OUT_ATTR_RESPONSE, MQTT_OUT_RPC_REQUEST, MQTT_OUT_RPC_RESPONSE };
/* Topic of an answer; id is ignored for attribute updates. out has room for 64 bytes. */
struct tbe_str mqtt_out_topic(enum mqtt_out what, enum mqtt_form form, int32_t id, char out[64]);

/* Does an MQTT topic filter match? '+' one level, '#' the rest. */
bool mqtt_filter_matches(struct tbe_str filter, struct tbe_str topic);
/* Java's Integer.parseInt of the whole text. */
bool mqtt_int(struct tbe_str s, int32_t *out);

#endif
