/* SPDX-License-Identifier: Apache-2.0 */
/* Create alarm and clear alarm (facts/rule-nodes.md 11.11, 11.12, 14). */
#include "config.h"
#include "nodes/script.h"

#include <string.h>

#include "base/clock.h"
#include "nodes/alarm_json.h"
#include "nodes/alarm_propagate.h"

#define ALARM_TYPE_MAX 255 /* characters */

static struct tbe_str
alarm_text(struct tbe_run *r, const struct tbe_msg *m, const struct store_alarm *a)
{
    struct tbe_buf b = { 0 };
    alarm_json_write(&b, engine_store(r->engine), a);
    struct tbe_str s = tbe_arena_dup(tbe_msg_arena(m), tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

/* Tells the originator's chain, then makes the message that leaves this node. */
static void
announce(struct tbe_run *r, struct tbe_msg **m, const struct store_alarm *alarm, struct tbe_str action,
         struct tbe_str flag)
{
    struct tbe_str json = alarm_text(r, *m, alarm);
    struct tbe_msg *told = tbe_msg_new(action, alarm->originator);
    struct tbe_arena *a = tbe_msg_arena(told);
    tbe_msg_set_data(told, tbe_arena_dup(a, json));
    tbe_md_put(a, &told->md, TBE_STR("ruleNodeId"), tbe_strz(engine_node(r)->id));
    engine_enqueue_take(r, &told);

    struct tbe_msg *d = tbe_msg_derive(*m);
    tbe_msg_set_type(d, TBE_STR("ALARM"));
    tbe_msg_set_data(d, json);
    tbe_md_put(tbe_msg_arena(d), &d->md, flag, TBE_STR("true"));
    *m = d;
}

/* Runs the details script; the metadata holds the details the alarm has now. */
static int
run_details(struct tbe_run *r, const struct tbe_script *script, int lang, const struct tbe_msg *m,
            const struct store_alarm *existing, struct tbe_str *details)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_md md = m->md;
    tbe_val v;
    if (existing && existing->details.n && !tbe_str_eqz(existing->details, "null")) {
        tbe_md_copy(a, &md, &m->md);
        tbe_md_put(a, &md, TBE_STR("prevAlarmDetails"), tbe_arena_dup(a, existing->details));
    }
    if (script_call(r, script, lang, m, &md, &v) < 0) {
        return -1;
    }
    *details = script_json(a, lang, v); /* undefined: absent, no details */
    return 0;
}

/* A copy that outlives the store's turn and later writes. */
static void
keep(struct tbe_arena *a, struct store_alarm *alarm)
{
    alarm->type = tbe_arena_dup(a, alarm->type);
    alarm->severity = tbe_arena_dup(a, alarm->severity);
    alarm->details = alarm->details.p ? tbe_arena_dup(a, alarm->details) : TBE_STR_NONE;
    alarm->propagate_relations =
        alarm->propagate_relations.p ? tbe_arena_dup(a, alarm->propagate_relations) : TBE_STR_NONE;
}

/* Create ----------------------------------------------------------------------------------------- */

static bool
get_bool(const struct tbe_map *o, const char *key)
{
    tbe_val v = tbe_map_get(o, tbe_strz(key));
    return v.t == TBE_BOOL && v.u.i;
}

static int64_t
get_long(const struct tbe_map *o, const char *key)
{
    tbe_val v = tbe_map_get(o, tbe_strz(key));
    return v.t == TBE_INT || v.t == TBE_LONG ? v.u.i : 0;
}

static struct tbe_str
get_json(struct tbe_arena *a, const struct tbe_map *o, const char *key)
{
    tbe_val v = tbe_map_get(o, tbe_strz(key));
    return v.t > TBE_NULL ? tbe_json_text(a, v, TBE_OUT_JAVA) : TBE_STR_NONE;
}

static int
bad_alarm(struct tbe_run *r, const struct tbe_msg *m)
{
    engine_fail(r, "The given string value cannot be transformed to Json object: %.*s", (int)m->data.n, m->data.p);
    return -1;
}

static bool
read_originator(tbe_val v, struct tbe_entity *out)
{
    if (v.t <= TBE_NULL) {
        return true; /* the message's */
    }
    if (v.t != TBE_MAP) {
        return false;
    }
    tbe_val type = tbe_map_get(v.u.m, TBE_STR("entityType")), id = tbe_map_get(v.u.m, TBE_STR("id"));
    if (!tbe_is_str(type) || !tbe_is_str(id)) {
        return false;
    }
    out->type = tbe_entity_type_parse(tbe_val_str(type));
    return out->type != TBE_ENT_NONE && tbe_uuid_parse(tbe_val_str(id), &out->id);
}

/* The alarm in the message's data (useMessageAlarmData). */
static int
from_message(struct tbe_run *r, const struct tbe_msg *m, struct store_alarm *alarm)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    tbe_val v;
    if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) < 0 || v.t != TBE_MAP) {
        return bad_alarm(r, m);
    }
    const struct tbe_map *o = v.u.m;
    tbe_val type = tbe_map_get(o, TBE_STR("type")), severity = tbe_map_get(o, TBE_STR("severity"));
    if (!read_originator(tbe_map_get(o, TBE_STR("originator")), &alarm->originator) ||
        (severity.t > TBE_NULL && !(tbe_is_str(severity) && alarm_severity_known(tbe_val_str(severity))))) {
        return bad_alarm(r, m);
    }
    if (!tbe_is_str(type)) {
        engine_fail(r, "Validation error: type must not be null");
        return -1;
    }
    if (severity.t <= TBE_NULL) {
        engine_fail(r, "Validation error: severity must not be null");
        return -1;
    }
    alarm->type = tbe_val_str(type);
    alarm->severity = tbe_val_str(severity);
    alarm->start = get_long(o, "startTs");
    alarm->end = get_long(o, "endTs");
    alarm->propagate = get_bool(o, "propagate");
    alarm->propagate_owner = get_bool(o, "propagateToOwner");
    alarm->propagate_tenant = get_bool(o, "propagateToTenant");
    alarm->details = get_json(a, o, "details");
    alarm->propagate_relations = get_json(a, o, "propagateRelationTypes");
    return 0;
}

static struct tbe_str
relation_types(struct tbe_arena *a, const struct tbe_create_alarm_cfg *cfg)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putc(&b, '[');
    for (uint32_t i = 0; i < cfg->n_relation_types; i++) {
        if (i) {
            tbe_buf_putc(&b, ',');
        }
        tbe_json_write_str(&b, cfg->relation_types[i]);
    }
    tbe_buf_putc(&b, ']');
    struct tbe_str s = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

/* The alarm the configuration describes, but its severity, which a create and an update read at
 * different moments. */
static int
from_config(struct tbe_run *r, const struct tbe_create_alarm_cfg *cfg, const struct tbe_msg *m,
            struct store_alarm *alarm)
{
    if (engine_pattern(r, m, cfg->alarm_type, &alarm->type) < 0) {
        return -1;
    }
    alarm->start = alarm->end = tbe_msg_md_ts(m);
    alarm->propagate = cfg->propagate;
    alarm->propagate_owner = cfg->propagate_to_owner;
    alarm->propagate_tenant = cfg->propagate_to_tenant;
    alarm->propagate_relations = relation_types(tbe_msg_arena(m), cfg);
    return 0;
}

/* A fixed severity was checked when the chain was compiled, but an update evaluates it all the same. */
static int
read_severity(struct tbe_run *r, const struct tbe_create_alarm_cfg *cfg, const struct tbe_msg *m, bool update,
              struct tbe_str *out)
{
    if (!cfg->dynamic_severity && !update) {
        *out = cfg->severity;
        return 0;
    }
    if (engine_pattern(r, m, cfg->severity, out) < 0) {
        return -1;
    }
    if (!alarm_severity_known(*out)) {
        engine_fail(r, "Used incorrect pattern or Alarm Severity not included in message");
        return -1;
    }
    return 0;
}

static int
check_alarm(struct tbe_run *r, const struct store_alarm *a)
{
    if (a->type.n == 0) {
        engine_fail(r, "Alarm type should be specified!");
        return -1;
    }
    if (a->type.n > ALARM_TYPE_MAX) {
        size_t n = 0;
        for (size_t i = 0; i < a->type.n; i++) {
            n += ((unsigned char)a->type.p[i] & 0xc0) != 0x80;
        }
        if (n > ALARM_TYPE_MAX) {
            engine_fail(r, "Validation error: type length must be equal or less than 255");
            return -1;
        }
    }
    if (a->end > 0 && a->start > a->end) {
        engine_fail(r, "Alarm start ts can't be greater then alarm end ts!");
        return -1;
    }
    return 0;
}

static void
create(struct tbe_run *r, struct store_alarm *a)
{
    const struct store_entity *o = store_entity(engine_store(r->engine), &a->originator);
    int64_t now = clock_ms();
    tbe_uuid_random(&a->id);
    a->created = now;
    a->customer = o ? o->customer : tbe_uuid_null;
    a->start = a->start ? a->start : now;
    a->end = a->end ? a->end : a->start;
    store_put_alarm(engine_batch(r->engine), a);
    alarm_propagate(engine_store(r->engine), engine_batch(r->engine), a);
}

static bool
propagates_alike(const struct store_alarm *a, const struct store_alarm *b)
{
    return a->propagate == b->propagate && a->propagate_owner == b->propagate_owner &&
           a->propagate_tenant == b->propagate_tenant && tbe_str_eq(a->propagate_relations, b->propagate_relations);
}

/* What the new description changes on the existing alarm. */
static void
update(struct tbe_run *r, struct store_alarm *old, const struct store_alarm *now)
{
    bool alike = propagates_alike(old, now);
    old->severity = now->severity;
    old->propagate = now->propagate;
    old->propagate_owner = now->propagate_owner;
    old->propagate_tenant = now->propagate_tenant;
    old->propagate_relations = now->propagate_relations;
    old->details = now->details;
    old->end = clock_ms();
    store_put_alarm(engine_batch(r->engine), old);
    if (!alike) {
        alarm_propagate(engine_store(r->engine), engine_batch(r->engine), old);
    }
}

enum tbe_rel
tbe_create_alarm(struct tbe_run *r, const struct tbe_create_alarm_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    struct tbe_arena *a = tbe_msg_arena(m);
    bool from_msg = cfg->use_message_alarm_data;
    struct store_alarm alarm = { .originator = m->originator, .customer = tbe_uuid_null, .assignee = tbe_uuid_null };
    struct store_alarm old;
    if ((from_msg ? from_message(r, m, &alarm) : from_config(r, cfg, m, &alarm)) < 0) {
        return TBE_REL_FAILURE;
    }
    bool exists = store_alarm_active(engine_store(r->engine), &m->originator, alarm.type, &old);
    if (exists) {
        keep(a, &old);
    }
    if (!from_msg || cfg->overwrite_alarm_details) {
        alarm.details = TBE_STR_NONE;
        if (run_details(r, cfg->script, cfg->script_lang, m, exists ? &old : NULL, &alarm.details) < 0) {
            return TBE_REL_FAILURE;
        }
    } else if (!alarm.details.p) {
        alarm.details = TBE_STR("{}");
    }
    if ((!from_msg && read_severity(r, cfg, m, exists, &alarm.severity) < 0) || check_alarm(r, &alarm) < 0) {
        return TBE_REL_FAILURE;
    }
    if (exists) {
        update(r, &old, &alarm);
        announce(r, mp, &old, TBE_STR("ENTITY_UPDATED"), TBE_STR("isExistingAlarm"));
        return TBE_REL_UPDATED;
    }
    create(r, &alarm);
    announce(r, mp, &alarm, TBE_STR("ENTITY_CREATED"), TBE_STR("isNewAlarm"));
    return TBE_REL_CREATED;
}

/* Clear ------------------------------------------------------------------------------------------ */

enum tbe_rel
tbe_clear_alarm(struct tbe_run *r, const struct tbe_clear_alarm_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    struct store *s = engine_store(r->engine);
    struct store_alarm alarm;
    struct tbe_str type;
    bool found;
    if (engine_pattern(r, m, cfg->alarm_type, &type) < 0) {
        return TBE_REL_FAILURE;
    }
    if (m->originator.type == TBE_ENT_ALARM) {
        found = store_alarm(s, &m->originator.id, &alarm);
    } else {
        found = store_alarm_active(s, &m->originator, type, &alarm);
    }
    if (!found || alarm.clear) {
        return TBE_REL_FALSE;
    }
    keep(tbe_msg_arena(m), &alarm);
    struct tbe_str details = TBE_STR_NONE;
    if (run_details(r, cfg->script, cfg->script_lang, m, &alarm, &details) < 0) {
        return TBE_REL_FAILURE;
    }
    alarm.clear = true;
    alarm.clear_ts = clock_ms();
    alarm.details = details.p ? details : alarm.details; /* JavaScript undefined leaves them */
    store_put_alarm(engine_batch(r->engine), &alarm);
    announce(r, mp, &alarm, TBE_STR("ALARM_CLEAR"), TBE_STR("isClearedAlarm"));
    return TBE_REL_CLEARED;
}
