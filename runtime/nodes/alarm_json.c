/* SPDX-License-Identifier: Apache-2.0 */
/* Alarm JSON. */
#include "config.h"
#include "nodes/alarm_json.h"

static void
put_entity(struct tbe_buf *b, const char *name, enum tbe_entity_type type, const struct tbe_uuid *id)
{
    char text[TBE_UUID_TEXT + 1];
    if (tbe_uuid_is_null(id)) {
        tbe_buf_fmt(b, ",\"%s\":null", name);
        return;
    }
    tbe_uuid_text(id, text);
    tbe_buf_fmt(b, ",\"%s\":{\"entityType\":\"%s\",\"id\":\"%s\"}", name, tbe_entity_type_name(type), text);
}

static void
put_str(struct tbe_buf *b, const char *name, struct tbe_str s)
{
    tbe_buf_fmt(b, ",\"%s\":", name);
    if (s.p) {
        tbe_json_write_str(b, s);
    } else {
        tbe_buf_putz(b, "null");
    }
}

static void
put_raw(struct tbe_buf *b, const char *name, struct tbe_str json, const char *absent)
{
    tbe_buf_fmt(b, ",\"%s\":", name);
    if (json.n) {
        tbe_buf_puts(b, json);
    } else {
        tbe_buf_putz(b, absent);
    }
}

static void
put_bool(struct tbe_buf *b, const char *name, bool v)
{
    tbe_buf_fmt(b, ",\"%s\":%s", name, v ? "true" : "false");
}

static void
put_long(struct tbe_buf *b, const char *name, int64_t v)
{
    tbe_buf_fmt(b, ",\"%s\":%lld", name, (long long)v);
}

const char *
alarm_status(const struct store_alarm *a)
{
    return a->clear ? (a->ack ? "CLEARED_ACK" : "CLEARED_UNACK") : (a->ack ? "ACTIVE_ACK" : "ACTIVE_UNACK");
}

bool
alarm_severity_known(struct tbe_str s)
{
    static const char *const names[] = { "CRITICAL", "MAJOR", "MINOR", "WARNING", "INDETERMINATE" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tbe_str_eqz(s, names[i])) {
            return true;
        }
    }
    return false;
}

static void
put_originator(struct tbe_buf *b, struct store *s, const struct tbe_entity *id)
{
    const struct store_entity *e = store_entity(s, id);
    struct tbe_str name = e ? e->name : TBE_STR("Deleted");
    struct tbe_str label = e && e->label.n ? e->label : name;
    put_str(b, "originatorName", name);
    put_str(b, "originatorLabel", label);
    put_str(b, "originatorDisplayName", label);
}

static void
put_assignee(struct tbe_buf *b, struct store *s, const struct tbe_uuid *id)
{
    struct tbe_entity user = { TBE_ENT_USER, *id };
    const struct store_entity *e = tbe_uuid_is_null(id) ? NULL : store_entity(s, &user);
    char text[TBE_UUID_TEXT + 1];
    if (!e) {
        tbe_buf_putz(b, ",\"assignee\":null");
        return;
    }
    tbe_uuid_text(id, text);
    tbe_buf_fmt(b, ",\"assignee\":{\"id\":{\"entityType\":\"USER\",\"id\":\"%s\"}", text);
    put_str(b, "email", e->name);
    tbe_buf_putc(b, '}');
}

void
alarm_json_write(struct tbe_buf *b, struct store *s, const struct store_alarm *a)
{
    char id[TBE_UUID_TEXT + 1];
    tbe_uuid_text(&a->id, id);
    tbe_buf_fmt(b, "{\"id\":{\"entityType\":\"ALARM\",\"id\":\"%s\"},\"createdTime\":%lld", id,
                (long long)a->created);
    put_entity(b, "tenantId", TBE_ENT_TENANT, store_tenant(s));
    put_entity(b, "customerId", TBE_ENT_CUSTOMER, &a->customer);
    put_str(b, "type", a->type);
    put_entity(b, "originator", a->originator.type, &a->originator.id);
    put_str(b, "severity", a->severity);
    put_bool(b, "acknowledged", a->ack);
    put_bool(b, "cleared", a->clear);
    put_entity(b, "assigneeId", TBE_ENT_USER, &a->assignee);
    put_long(b, "startTs", a->start);
    put_long(b, "endTs", a->end);
    put_long(b, "ackTs", a->ack_ts);
    put_long(b, "clearTs", a->clear_ts);
    put_long(b, "assignTs", a->assign_ts);
    put_raw(b, "details", a->details, "null");
    put_bool(b, "propagate", a->propagate);
    put_bool(b, "propagateToOwner", a->propagate_owner);
    put_bool(b, "propagateToTenant", a->propagate_tenant);
    put_raw(b, "propagateRelationTypes", a->propagate_relations, "[]");
    put_originator(b, s, &a->originator);
    put_assignee(b, s, &a->assignee);
    put_str(b, "name", a->type);
    put_str(b, "status", tbe_strz(alarm_status(a)));
    tbe_buf_putc(b, '}');
}
