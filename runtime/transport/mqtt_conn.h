/* SPDX-License-Identifier: Apache-2.0 */
/* One MQTT connection of the front, and its server; shared by the mqtt_*.c files of this room. */
#ifndef TBE_TRANSPORT_MQTT_CONN_H
#define TBE_TRANSPORT_MQTT_CONN_H

#include "transport/mqtt.h"
#include "transport/mqtt_topics.h"

#define MQTT_CHILDREN_MAX 10000 /* devices behind one gateway connection; ours */
#define MQTT_SUBS_MAX 1000 /* stored subscriptions of one connection; more are refused with 0x97 */

struct mqtt_sub {
    struct tbe_str filter; /* own copy */
    uint8_t qos;
};
/* A device behind a gateway (7.1). */
struct mqtt_child {
    struct mqtt_child *next;
    struct mqtt_conn *gateway;
    struct hub_session s;
    struct tbe_str name; /* own copy */
};
struct mqtt_conn {
    struct mqtt_conn *chain;
    struct mqtt_server *ms;
    uint32_t conn;
    uint8_t level;
    bool provision;        /* a device that asks for credentials (10.2): no session */
    bool dead;             /* the front was told to close it: what still comes is not applied */
    struct hub_session s;  /* s.open tells whether it is accepted */
    struct mqtt_sub *subs;
    uint32_t n_subs;
    struct mqtt_child *children;
    uint32_t n_children;
    uint8_t attr_form, rpc_form, attr_answer_form, rpc_answer_form; /* enum mqtt_form */
};
struct mqtt_server {
    struct device_hub *hub;
    struct tbe_engine *engine;
    struct mqtt_conn **conns; /* hash by number */
    uint32_t n_conns, conns_cap;
    uint64_t applied;
    struct tbe_buf out;  /* frames of the turn */
    struct tbe_buf late; /* frames that follow the confirm of the frame at hand */
    struct tbe_buf text; /* scratch for bodies */
    bool in_frame;
};

extern const struct hub_session_ops mqtt_session_ops;

void mqtt_publish(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f, bool dry);
/* A frame of a provisioning connection: mqtt_provision.c */
void mqtt_provision_frame(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f, bool dry);
/* Stored subscriptions. */
bool mqtt_sub_add(struct mqtt_conn *c, struct tbe_str filter, uint8_t qos);
bool mqtt_sub_remove(struct mqtt_conn *c, struct tbe_str filter);
/* v1/gateway/...: mqtt_gateway.c */
void mqtt_gateway_publish(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f, struct tbe_str topic,
                          struct tbe_str body, int64_t arrival, bool dry);
void mqtt_children_free(struct mqtt_server *ms, struct mqtt_conn *c, bool silent);
void mqtt_children_activity(struct mqtt_server *ms, struct mqtt_conn *c);
void mqtt_child_restore(struct mqtt_server *ms, struct mqtt_conn *c, const struct tbe_uuid *device,
                        const struct tbe_uuid *session, int32_t rpc_seq);
/* How a payload error of this class is answered (6.4). */
uint32_t mqtt_answer(struct mqtt_conn *c, enum hub_result r, uint8_t qos);
void mqtt_confirm(struct mqtt_server *ms, const struct frame *f, uint32_t code);
void mqtt_deliver(struct mqtt_conn *c, struct tbe_str topic, struct tbe_str body, uint16_t tag);
uint8_t mqtt_out_qos(const struct mqtt_conn *c, struct tbe_str topic);
void mqtt_keep(struct mqtt_conn *c); /* tells the front what to keep for this connection */

#endif
