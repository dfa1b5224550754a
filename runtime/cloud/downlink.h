/* SPDX-License-Identifier: Apache-2.0 */
/* The downlink's inner parts: one DownlinkMsg being applied, and what its entity families share
 * (facts/edge-cloud-protocol.md 5, 6). Private to runtime/cloud/down*.c.
 *
 * Most fields are "upsert or delete the entity this JSON is": a family describes its entities by a
 * struct down_kind, down_entity does the rest. What cannot be processed at all is logged and counted by
 * down_refuse, and the message is answered with success all the same: nothing would become better by
 * sending it again, and old clouds would hold back everything behind it (5.2). */
#ifndef TBE_CLOUD_DOWNLINK_H
#define TBE_CLOUD_DOWNLINK_H

#include "cloud/cloud.h"

#define DOWN_NAME_MAX 255u   /* characters of a name */
#define DOWN_SUFFIX 15u      /* random letters behind a name that is taken (5.3) */
#define DOWN_JSON_MAX (64u << 20)

struct down { /* one DownlinkMsg being applied */
    struct cloud *c;
    const struct cloud_env *env;
    struct store *s;
    struct store_batch *b;
    struct device_hub *hub;
    const Edge__DownlinkMsg *m;
    struct tbe_arena a;
    const char *field;   /* being applied, for the log */
    bool chains_changed;
};

enum down_op { DOWN_CREATED, DOWN_UPDATED, DOWN_DELETED, DOWN_ALARM_ACK, DOWN_ALARM_CLEAR, DOWN_UNKNOWN };

/* What nearly all messages are made of. */
struct down_update {
    enum down_op op;
    struct tbe_uuid id;   /* all zero when the message has none */
    struct tbe_str json;  /* entity; absent or empty in a deletion */
    struct tbe_str extra; /* widgets of a bundle; absent otherwise */
};

enum down_clash {
    DOWN_CLASH_NONE,
    DOWN_CLASH_RENAME, /* R: the incoming one gets a suffix and the cloud is told */
    DOWN_CLASH_REPLACE /* X: the one that is there goes, after kind->replace */
};
enum {
    DOWN_EVENT_CREATED = 1, /* ENTITY_CREATED into the rule engine */
    DOWN_EVENT_DELETED = 2,
    DOWN_REQUEST = 4,       /* follow-up requests when it was created (4.3) */
    DOWN_REQUEST_ALWAYS = 8 /* ... of every message */
};

struct down_kind;
struct down_item { /* one entity being stored */
    const struct down_kind *k;
    const struct down_update *u;
    struct store_entity e;            /* as it will be stored; json is set last */
    tbe_val json;                     /* a map */
    bool edited;                      /* json is not the text that came any more */
    const struct store_entity *old;   /* NULL: it is new */
};
struct down_kind {
    enum tbe_entity_type type;
    const char *name;         /* JSON member that names it */
    enum down_clash clash;
    unsigned flags;
    /* Fills and changes it->e and it->json. false: refused, which it has said. NULL: nothing to do. */
    bool (*edit)(struct down *d, struct down_item *it);
    /* Something of this name is there; NULL: store_entity_by_name. */
    const struct store_entity *(*taken)(struct down *d, const struct down_item *it);
    /* Before `other` goes (X). Its pointer stays good. */
    void (*replace)(struct down *d, const struct down_item *it, const struct store_entity *other);
    /* It is in the batch, created or changed. */
    void (*saved)(struct down *d, const struct down_item *it);
    /* Deletes it, all that depends on it included; NULL: store_delete_entity. */
    void (*remove)(struct down *d, const struct store_entity *e);
};

/* downlink.c ------------------------------------------------------------------------------------------- */

void down_entity(struct down *d, const struct down_kind *k, const struct down_update *u);
/* Deletes it like a DELETED message would, rule-engine event included. */
void down_remove(struct down *d, const struct down_kind *k, const struct store_entity *e);
void down_refuse(struct down *d, const char *fmt, ...) TBE_PRINTF(2, 3);
struct tbe_uuid down_uuid(int64_t msb, int64_t lsb);
/* ms since the epoch in a version 1 id, else now */
int64_t down_uuid_ms(const struct tbe_uuid *id);
/* What sits behind the rule engine's events: type with data json, originated by e. md may be NULL. */
void down_event(struct down *d, const char *type, const struct store_entity *e, const struct tbe_md *md);
/* Does it exist here? Tenant included. */
bool down_exists(struct down *d, const struct tbe_entity *e);

/* JSON: all with absent, false, all-zero and 0 for what is missing or of another type. */
bool down_parse(struct down *d, struct tbe_str text, tbe_val *out); /* a map; else refused */
tbe_val down_get(tbe_val map, const char *key);
struct tbe_str down_str(tbe_val map, const char *key);
int64_t down_long(tbe_val map, const char *key);
bool down_bool(tbe_val map, const char *key);
bool down_id(tbe_val map, const char *key, struct tbe_uuid *out); /* {"entityType":..,"id":..}; null id: false */
bool down_ref(tbe_val map, const char *key, struct tbe_entity *out); /* with its type */
/* Puts into the item's JSON; nothing happens when it says so already. */
void down_set(struct down *d, struct down_item *it, const char *key, tbe_val v);
void down_set_null(struct down *d, struct down_item *it, const char *key);
tbe_val down_id_value(struct down *d, enum tbe_entity_type t, const struct tbe_uuid *id);
/* An entity's row with another JSON member, and the column of it when e carries it already. */
void down_rewrite(struct down *d, const struct store_entity *e, const char *key, tbe_val v);
/* customerId: kept when that customer is here, else nulled (5.3). */
void down_customer(struct down *d, struct down_item *it);
/* "system." or "tenant." and the text, for names that are unique per owner. */
struct tbe_str down_owned_name(struct down *d, tbe_val json, struct tbe_str name);

/* One per field of DownlinkMsg -------------------------------------------------------------------------- */
typedef void down_fn(struct down *d, const struct down_update *u);
down_fn down_device_profile, down_device, down_device_credentials;
down_fn down_asset_profile, down_asset, down_entity_view;
down_fn down_rule_chain, down_rule_chain_metadata;
down_fn down_dashboard, down_widgets_bundle, down_widget_type, down_resource;
down_fn down_alarm, down_alarm_comment, down_relation;
down_fn down_customer_update, down_user, down_user_credentials, down_api_key;
down_fn down_admin_settings, down_queue, down_tenant, down_tenant_profile;
down_fn down_ota_package;
down_fn down_notification_template, down_notification_target, down_notification_rule;
down_fn down_oauth2_client, down_oauth2_domain, down_calculated_field, down_ai_model;
void down_entity_data(struct down *d, const Edge__EntityDataProto *p);
void down_rpc(struct down *d, const Edge__DeviceRpcCallMsg *p);
/* A chain has come: profiles that named it before take it as their default (6.1). */
void down_profiles_chain(struct down *d, const struct tbe_uuid *chain);

#endif
