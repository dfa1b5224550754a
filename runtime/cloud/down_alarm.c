/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms, their comments, and relations (facts/edge-cloud-protocol.md 6.3, 6.6). */
#include "config.h"
#include "cloud/downlink.h"

#include <string.h>

#include "base/clock.h"
#include "nodes/alarm_propagate.h"

static struct tbe_str
json_text(struct down *d, tbe_val v)
{
    return v.t > TBE_NULL ? tbe_json_text(&d->a, v, TBE_OUT_JAVA) : TBE_STR_NONE;
}

/* What a create and an update take from the JSON. */
static void
take_fields(struct down *d, tbe_val v, struct store_alarm *a)
{
    struct tbe_str severity = down_str(v, "severity");

    a->severity = severity.n ? severity : TBE_STR("INDETERMINATE");
    a->start = down_long(v, "startTs");
    a->end = down_long(v, "endTs");
    a->details = json_text(d, down_get(v, "details"));
    a->propagate = down_bool(v, "propagate");
    a->propagate_owner = down_bool(v, "propagateToOwner");
    a->propagate_tenant = down_bool(v, "propagateToTenant");
    a->propagate_relations = json_text(d, down_get(v, "propagateRelationTypes"));
}

/* The active one of this originator and type is updated, its id stays; else a new one of the given id. */
static void
create_alarm(struct down *d, const struct down_update *u, tbe_val v)
{
    struct store_alarm a = { .type = down_str(v, "type") };
    struct tbe_entity originator;
    struct tbe_entity customer = { .type = TBE_ENT_CUSTOMER };

    if (!down_ref(v, "originator", &originator) || a.type.n == 0 || !down_exists(d, &originator)) {
        return; /* skipped, as an alarm of something that is not here */
    }
    if (!store_alarm_active(d->s, &originator, a.type, &a)) {
        if (store_alarm(d->s, &u->id, &a)) {
            return; /* the message again: the alarm has been cleared here meanwhile */
        }
        a.id = u->id;
        if (tbe_uuid_is_null(&a.id) && !down_id(v, "id", &a.id)) {
            tbe_uuid_random(&a.id);
        }
        a.originator = originator;
        a.type = down_str(v, "type");
        a.assignee = tbe_uuid_null;
        a.customer = down_id(v, "customerId", &customer.id) && store_entity(d->s, &customer) ? customer.id : tbe_uuid_null;
        a.created = down_long(v, "createdTime");
        if (a.created <= 0) {
            a.created = down_uuid_ms(&a.id);
        }
        a.ack = down_bool(v, "acknowledged");
        a.ack_ts = down_long(v, "ackTs");
        a.clear = down_bool(v, "cleared");
        a.clear_ts = down_long(v, "clearTs");
    }
    take_fields(d, v, &a);
    store_put_alarm(d->b, &a);
    alarm_propagate(d->s, d->b, &a);
}

static void
change_alarm(struct down *d, const struct down_update *u, tbe_val v)
{
    struct store_alarm a;

    if (!store_alarm(d->s, &u->id, &a)) {
        return;
    }
    if (u->op == DOWN_UPDATED) {
        take_fields(d, v, &a);
        alarm_propagate(d->s, d->b, &a);
    } else if (u->op == DOWN_ALARM_ACK) {
        a.ack = true;
        a.ack_ts = down_long(v, "ackTs");
    } else {
        a.clear = true;
        a.clear_ts = down_long(v, "clearTs");
        if (down_get(v, "details").t > TBE_NULL) {
            a.details = json_text(d, down_get(v, "details"));
        }
    }
    store_put_alarm(d->b, &a);
}

static bool
drop_row(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct down *d = arg;

    (void)value;
    store_put_state(d->b, key, TBE_STR_NONE);
    return true;
}

static struct tbe_str
comment_key(struct down *d, const struct tbe_uuid *alarm, const struct tbe_uuid *comment)
{
    char a[TBE_UUID_TEXT + 1], c[TBE_UUID_TEXT + 1] = "";

    tbe_uuid_text(alarm, a);
    if (comment) {
        tbe_uuid_text(comment, c);
    }
    return tbe_arena_fmt(&d->a, "alarm.comment.%s.%s", a, c);
}

void
down_alarm(struct down *d, const struct down_update *u)
{
    struct store_alarm a;
    tbe_val v;

    if (u->op == DOWN_DELETED) {
        if (store_alarm(d->s, &u->id, &a)) {
            store_delete_alarm(d->b, &u->id);
            store_state_each(d->s, comment_key(d, &u->id, NULL), drop_row, d);
        }
        return;
    }
    if (u->op == DOWN_UNKNOWN || !down_parse(d, u->json, &v)) {
        return;
    }
    if (u->op == DOWN_CREATED) {
        create_alarm(d, u, v);
    } else {
        change_alarm(d, u, v);
    }
}

/* Comments are kept as they come; a deleted one is a SYSTEM comment on the cloud, which is what comes. */
void
down_alarm_comment(struct down *d, const struct down_update *u)
{
    struct tbe_uuid alarm, id;
    struct store_alarm a;
    struct tbe_str key;
    tbe_val v;

    if (!down_parse(d, u->json, &v)) {
        return;
    }
    if (!down_id(v, "id", &id) || !down_id(v, "alarmId", &alarm)) {
        down_refuse(d, "an alarm comment without ids");
        return;
    }
    if (!store_alarm(d->s, &alarm, &a)) {
        return;
    }
    key = comment_key(d, &alarm, &id);
    if (!tbe_str_eq(store_state(d->s, key), u->json)) {
        store_put_state(d->b, key, u->json);
    }
}

/* Relations -------------------------------------------------------------------------------------------- */

struct wanted {
    const struct store_relation *r;
    bool found;
};

static bool
is_wanted(void *arg, const struct store_relation *r)
{
    struct wanted *w = arg;
    struct tbe_str group = w->r->group.p ? w->r->group : TBE_STR("COMMON");

    w->found = tbe_entity_eq(&r->to, &w->r->to) && tbe_str_eq(r->group, group) &&
               tbe_str_eq(r->info.p ? r->info : TBE_STR(""), w->r->info.p ? w->r->info : TBE_STR(""));
    return !w->found;
}

void
down_relation(struct down *d, const struct down_update *u)
{
    struct store_relation r = { .type = TBE_STR_NONE };
    struct wanted w = { &r, false };
    tbe_val v;

    if (!down_parse(d, u->json, &v)) {
        return;
    }
    if (!down_ref(v, "from", &r.from) || !down_ref(v, "to", &r.to)) {
        down_refuse(d, "a relation without its ends");
        return;
    }
    r.type = down_str(v, "type");
    r.group = down_str(v, "typeGroup");
    r.info = json_text(d, down_get(v, "additionalInfo"));
    if (u->op == DOWN_DELETED) {
        store_delete_relation(d->b, &r);
        return;
    }
    if (r.type.n == 0 || !down_exists(d, &r.from) || !down_exists(d, &r.to)) {
        return; /* asked for again when the missing end comes */
    }
    store_relation_each(d->s, &r.from, true, r.type, is_wanted, &w);
    if (!w.found) {
        store_put_relation(d->b, &r);
    }
}
