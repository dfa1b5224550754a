/* SPDX-License-Identifier: Apache-2.0 */
/* The rule-engine message (facts/rule-nodes.md 1). Immutable once handed to a node: nodes that change
 * something make a new one with the tbe_msg_with_* functions. A message and all it points to live in one
 * arena, counted by tbe_msg_ref/unref; derived messages share the arena of their source. */
#ifndef TBE_MSG_H
#define TBE_MSG_H

#include "tbe/value.h"

/* EntityType of ThingsBoard; the wire names are the enum's. Runtime table in msg/entity.c. */
enum tbe_entity_type {
    TBE_ENT_NONE, TBE_ENT_TENANT, TBE_ENT_CUSTOMER, TBE_ENT_USER, TBE_ENT_DASHBOARD, TBE_ENT_ASSET,
    TBE_ENT_DEVICE, TBE_ENT_ALARM, TBE_ENT_RULE_CHAIN, TBE_ENT_RULE_NODE, TBE_ENT_ENTITY_VIEW,
    TBE_ENT_WIDGETS_BUNDLE, TBE_ENT_WIDGET_TYPE, TBE_ENT_TENANT_PROFILE, TBE_ENT_DEVICE_PROFILE,
    TBE_ENT_ASSET_PROFILE, TBE_ENT_API_USAGE_STATE, TBE_ENT_TB_RESOURCE, TBE_ENT_OTA_PACKAGE, TBE_ENT_EDGE,
    TBE_ENT_RPC, TBE_ENT_QUEUE, TBE_ENT_NOTIFICATION_TARGET, TBE_ENT_NOTIFICATION_TEMPLATE,
    TBE_ENT_NOTIFICATION_REQUEST, TBE_ENT_NOTIFICATION, TBE_ENT_NOTIFICATION_RULE, TBE_ENT_QUEUE_STATS,
    TBE_ENT_OAUTH2_CLIENT, TBE_ENT_DOMAIN, TBE_ENT_MOBILE_APP, TBE_ENT_MOBILE_APP_BUNDLE,
    TBE_ENT_CALCULATED_FIELD, TBE_ENT_JOB, TBE_ENT_ADMIN_SETTINGS, TBE_ENT_AI_MODEL, TBE_ENT_API_KEY,
    TBE_ENT_COUNT
};
const char *tbe_entity_type_name(enum tbe_entity_type t);              /* "DEVICE" */
enum tbe_entity_type tbe_entity_type_parse(struct tbe_str s);         /* NONE when unknown */

struct tbe_entity {
    enum tbe_entity_type type;
    struct tbe_uuid id;
};
bool tbe_entity_eq(const struct tbe_entity *a, const struct tbe_entity *b);

/* Message types (facts/rule-nodes.md 2). MT(C name, text, switch relation). TBE_MT_NA is any other text. */
#define TBE_MSG_TYPES(MT) \
    MT(POST_ATTRIBUTES_REQUEST, "Post attributes") \
    MT(POST_TELEMETRY_REQUEST, "Post telemetry") \
    MT(TO_SERVER_RPC_REQUEST, "RPC Request from Device") \
    MT(ACTIVITY_EVENT, "Activity Event") \
    MT(INACTIVITY_EVENT, "Inactivity Event") \
    MT(CONNECT_EVENT, "Connect Event") \
    MT(DISCONNECT_EVENT, "Disconnect Event") \
    MT(ENTITY_CREATED, "Entity Created") \
    MT(ENTITY_UPDATED, "Entity Updated") \
    MT(ENTITY_DELETED, "Entity Deleted") \
    MT(ENTITY_ASSIGNED, "Entity Assigned") \
    MT(ENTITY_UNASSIGNED, "Entity Unassigned") \
    MT(ATTRIBUTES_UPDATED, "Attributes Updated") \
    MT(ATTRIBUTES_DELETED, "Attributes Deleted") \
    MT(ALARM, "Alarm") \
    MT(ALARM_CREATED, "Alarm Created") \
    MT(ALARM_UPDATED, "Alarm Updated") \
    MT(ALARM_SEVERITY_UPDATED, "Alarm Severity Updated") \
    MT(ALARM_ACK, "Alarm Acknowledged") \
    MT(ALARM_CLEAR, "Alarm Cleared") \
    MT(ALARM_DELETE, "Other") \
    MT(ALARM_ASSIGNED, "Alarm Assigned") \
    MT(ALARM_UNASSIGNED, "Alarm Unassigned") \
    MT(COMMENT_CREATED, "Comment Created") \
    MT(COMMENT_UPDATED, "Comment Updated") \
    MT(RPC_CALL_FROM_SERVER_TO_DEVICE, "RPC Request to Device") \
    MT(ENTITY_ASSIGNED_FROM_TENANT, "Entity Assigned From Tenant") \
    MT(ENTITY_ASSIGNED_TO_TENANT, "Entity Assigned To Tenant") \
    MT(ENTITY_ASSIGNED_TO_EDGE, "Other") \
    MT(ENTITY_UNASSIGNED_FROM_EDGE, "Other") \
    MT(TIMESERIES_UPDATED, "Timeseries Updated") \
    MT(TIMESERIES_DELETED, "Timeseries Deleted") \
    MT(RPC_QUEUED, "RPC Queued") \
    MT(RPC_SENT, "RPC Sent") \
    MT(RPC_DELIVERED, "RPC Delivered") \
    MT(RPC_SUCCESSFUL, "RPC Successful") \
    MT(RPC_TIMEOUT, "RPC Timeout") \
    MT(RPC_EXPIRED, "RPC Expired") \
    MT(RPC_FAILED, "RPC Failed") \
    MT(RPC_DELETED, "RPC Deleted") \
    MT(RELATION_ADD_OR_UPDATE, "Relation Added or Updated") \
    MT(RELATION_DELETED, "Relation Deleted") \
    MT(RELATIONS_DELETED, "All Relations Deleted") \
    MT(PROVISION_SUCCESS, "Other") \
    MT(PROVISION_FAILURE, "Other") \
    MT(SEND_EMAIL, "Other") \
    MT(REST_API_REQUEST, "REST API request") \
    MT(GENERATOR_NODE_SELF_MSG, "Other") \
    MT(DEVICE_PROFILE_PERIODIC_SELF_MSG, "Other") \
    MT(DEVICE_PROFILE_UPDATE_SELF_MSG, "Other") \
    MT(DEVICE_UPDATE_SELF_MSG, "Other") \
    MT(DEDUPLICATION_TIMEOUT_SELF_MSG, "Other") \
    MT(DELAY_TIMEOUT_SELF_MSG, "Other") \
    MT(MSG_COUNT_SELF_MSG, "Other")
enum tbe_msg_type {
    TBE_MT_NA,
#define TBE_MT_ENUM_(n, rel) TBE_MT_##n,
    TBE_MSG_TYPES(TBE_MT_ENUM_)
#undef TBE_MT_ENUM_
    TBE_MT_COUNT
};
const char *tbe_msg_type_name(enum tbe_msg_type t);     /* NULL for NA */
const char *tbe_msg_type_relation(enum tbe_msg_type t); /* switch relation; "Other" for NA */
enum tbe_msg_type tbe_msg_type_parse(struct tbe_str s); /* exact; NA when unknown */

struct tbe_md { /* metadata: ordered, unique keys; values never absent */
    struct tbe_md_entry {
        struct tbe_str key, val;
    } *e;
    uint32_t n, cap;
};
struct tbe_str tbe_md_get(const struct tbe_md *md, struct tbe_str key); /* absent: p == NULL */
void tbe_md_put(struct tbe_arena *a, struct tbe_md *md, struct tbe_str key, struct tbe_str val);
void tbe_md_remove(struct tbe_md *md, struct tbe_str key);
void tbe_md_copy(struct tbe_arena *a, struct tbe_md *dst, const struct tbe_md *src);

struct tbe_callstack { /* calling "rule chain" nodes, innermost first (facts/rule-nodes.md 3.6) */
    uint32_t chain, node;
    const struct tbe_callstack *up;
};

/* What is told when a message and all that was made of it in line is finished; NULL: nobody listens. */
struct tbe_done {
    void (*fn)(struct tbe_done *d, bool ok, struct tbe_str error);
};

struct tbe_msg_mem; /* counted arena */
struct tbe_msg {
    struct tbe_msg_mem *mem;
    struct tbe_uuid id;
    int64_t ts;
    struct tbe_str queue; /* absent = Main */
    struct tbe_str type;
    enum tbe_msg_type type_id;
    struct tbe_entity originator;
    struct tbe_uuid customer; /* tbe_uuid_null when none */
    struct tbe_md md;
    struct tbe_str data;              /* always present as text */
    const struct tbe_kvs *kvs;        /* typed entries when data is their exact rendering, else NULL */
    /* Parsed data, made on first use and shared; never changed. UNDEF = not parsed yet. Index =
     * TBE_MSG_AS_*. A script that mutates gets a copy. */
    tbe_val parsed[3];
    const struct tbe_callstack *stack;
    uint32_t execs;                   /* nodes that have run it */
    struct tbe_done *done;
};

/* A new message in its own arena, reference count 1, random id, ts = now, data "{}". */
struct tbe_msg *tbe_msg_new(struct tbe_str type, struct tbe_entity originator);
struct tbe_arena *tbe_msg_arena(const struct tbe_msg *m);
struct tbe_msg *tbe_msg_ref(const struct tbe_msg *m);
void tbe_msg_unref(struct tbe_msg *m);
/* Copy of m in the same arena (shares the reference count): change its fields before handing it on.
 * metadata is copied; id, ts, customer, stack and done are kept ("transform", rule-nodes.md 1). */
struct tbe_msg *tbe_msg_derive(const struct tbe_msg *m);
/* Copy with a new random id and no listener, for fan-out and "enqueue for tell next". It lives in m's
 * arena, which stays as long as either is referenced; the caller owns the new reference. */
struct tbe_msg *tbe_msg_fork(const struct tbe_msg *m);
void tbe_msg_set_type(struct tbe_msg *m, struct tbe_str type); /* sets type_id too; type is borrowed */
/* Of a message not handed on yet. Both borrow; data replaces the typed entries and parsed views too. */
void tbe_msg_set_originator(struct tbe_msg *m, struct tbe_entity originator);
void tbe_msg_set_data(struct tbe_msg *m, struct tbe_str data);
int64_t tbe_msg_md_ts(const struct tbe_msg *m);                /* "message ts": md.ts or ts */
bool tbe_parse_long(struct tbe_str s, int64_t *out);           /* Java's Long.parseLong */
/* How the data is parsed. The first two equal TBE_DIALECT_*: TBEL drops null members and keeps Java's
 * number classes, JavaScript has doubles. JAVA keeps nulls too, for nodes that look at data themselves. */
enum tbe_msg_view { TBE_MSG_AS_TBEL, TBE_MSG_AS_JS, TBE_MSG_AS_JAVA, TBE_MSG_VIEWS };
/* Data parsed (cached): 0, or -1 when it is not JSON. Do not change the value. */
int tbe_msg_value(const struct tbe_msg *m, int view, tbe_val *out) TBE_MUST_USE;
/* Metadata as a fresh map of strings in the arena; keys and values are borrowed from m. */
tbe_val tbe_msg_md_value(const struct tbe_msg *m, struct tbe_arena *a);
/* Stable binary form for parked rows and the queue (fields as TbMsgProto, our own encoding). */
void tbe_msg_pack(const struct tbe_msg *m, struct tbe_buf *out);
struct tbe_msg *tbe_msg_unpack(struct tbe_str packed); /* NULL when malformed */

#endif
