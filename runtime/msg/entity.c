/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of names: entity types and message types. Order is that of the enums in tbe/msg.h. */
#include "config.h"
#include "tbe/msg.h"

#include <string.h>

static const char *const entity_names[TBE_ENT_COUNT] = {
    [TBE_ENT_NONE] = "",
    [TBE_ENT_TENANT] = "TENANT",
    [TBE_ENT_CUSTOMER] = "CUSTOMER",
    [TBE_ENT_USER] = "USER",
    [TBE_ENT_DASHBOARD] = "DASHBOARD",
    [TBE_ENT_ASSET] = "ASSET",
    [TBE_ENT_DEVICE] = "DEVICE",
    [TBE_ENT_ALARM] = "ALARM",
    [TBE_ENT_RULE_CHAIN] = "RULE_CHAIN",
    [TBE_ENT_RULE_NODE] = "RULE_NODE",
    [TBE_ENT_ENTITY_VIEW] = "ENTITY_VIEW",
    [TBE_ENT_WIDGETS_BUNDLE] = "WIDGETS_BUNDLE",
    [TBE_ENT_WIDGET_TYPE] = "WIDGET_TYPE",
    [TBE_ENT_TENANT_PROFILE] = "TENANT_PROFILE",
    [TBE_ENT_DEVICE_PROFILE] = "DEVICE_PROFILE",
    [TBE_ENT_ASSET_PROFILE] = "ASSET_PROFILE",
    [TBE_ENT_API_USAGE_STATE] = "API_USAGE_STATE",
    [TBE_ENT_TB_RESOURCE] = "TB_RESOURCE",
    [TBE_ENT_OTA_PACKAGE] = "OTA_PACKAGE",
    [TBE_ENT_EDGE] = "EDGE",
    [TBE_ENT_RPC] = "RPC",
    [TBE_ENT_QUEUE] = "QUEUE",
    [TBE_ENT_NOTIFICATION_TARGET] = "NOTIFICATION_TARGET",
    [TBE_ENT_NOTIFICATION_TEMPLATE] = "NOTIFICATION_TEMPLATE",
    [TBE_ENT_NOTIFICATION_REQUEST] = "NOTIFICATION_REQUEST",
    [TBE_ENT_NOTIFICATION] = "NOTIFICATION",
    [TBE_ENT_NOTIFICATION_RULE] = "NOTIFICATION_RULE",
    [TBE_ENT_QUEUE_STATS] = "QUEUE_STATS",
    [TBE_ENT_OAUTH2_CLIENT] = "OAUTH2_CLIENT",
    [TBE_ENT_DOMAIN] = "DOMAIN",
    [TBE_ENT_MOBILE_APP] = "MOBILE_APP",
    [TBE_ENT_MOBILE_APP_BUNDLE] = "MOBILE_APP_BUNDLE",
    [TBE_ENT_CALCULATED_FIELD] = "CALCULATED_FIELD",
    [TBE_ENT_JOB] = "JOB",
    [TBE_ENT_ADMIN_SETTINGS] = "ADMIN_SETTINGS",
    [TBE_ENT_AI_MODEL] = "AI_MODEL",
    [TBE_ENT_API_KEY] = "API_KEY",
};

struct msg_type {
    const char *name, *relation;
    size_t len; /* of name */
};

static const struct msg_type msg_types[TBE_MT_COUNT] = {
    [TBE_MT_NA] = { NULL, "Other", 0 },
#define MSG_TYPE_ROW_(n, rel) [TBE_MT_##n] = { #n, rel, sizeof(#n) - 1 },
    TBE_MSG_TYPES(MSG_TYPE_ROW_)
#undef MSG_TYPE_ROW_
};

const char *
tbe_entity_type_name(enum tbe_entity_type t)
{
    return (unsigned)t < TBE_ENT_COUNT ? entity_names[t] : "";
}

enum tbe_entity_type
tbe_entity_type_parse(struct tbe_str s)
{
    for (unsigned i = 1; i < TBE_ENT_COUNT; i++) {
        if (tbe_str_eqz(s, entity_names[i])) {
            return (enum tbe_entity_type)i;
        }
    }
    return TBE_ENT_NONE;
}

bool
tbe_entity_eq(const struct tbe_entity *a, const struct tbe_entity *b)
{
    return a->type == b->type && memcmp(a->id.b, b->id.b, sizeof(a->id.b)) == 0;
}

const char *
tbe_msg_type_name(enum tbe_msg_type t)
{
    return (unsigned)t < TBE_MT_COUNT ? msg_types[t].name : NULL;
}

const char *
tbe_msg_type_relation(enum tbe_msg_type t)
{
    return (unsigned)t < TBE_MT_COUNT ? msg_types[t].relation : "Other";
}

enum tbe_msg_type
tbe_msg_type_parse(struct tbe_str s)
{
    /* The two types of device traffic come first in the table, so the usual message stops there. */
    for (unsigned i = 1; i < TBE_MT_COUNT; i++) {
        if (msg_types[i].len == s.n && memcmp(msg_types[i].name, s.p, s.n) == 0) {
            return (enum tbe_msg_type)i;
        }
    }
    return TBE_MT_NA;
}
