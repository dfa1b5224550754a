/* SPDX-License-Identifier: Apache-2.0 */
/* Rule node "device profile" (facts/rule-nodes.md 15): the alarm rules of the originator's device profile. The
 * message goes on unchanged; alarms are messages of their own. */
#include "config.h"
#include "nodes/device_profile_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nodes/alarm_json.h"
#include "nodes/alarm_propagate.h"

struct changed { /* keys whose value changed; NULL list: time has passed, every rule is looked at */
    const uint32_t *keys;
    uint32_t n;
    int64_t at; /* beside NULL */
};

/* Messages ----------------------------------------------------------------------------------------- */

static struct tbe_str
number_text(struct tbe_arena *a, int64_t n)
{
    char text[TBE_NUMTEXT];
    size_t len = tbe_long_text(n, text);
    return tbe_arena_dup(a, (struct tbe_str){ text, len });
}

/* An alarm on its way out of the node: metadata of the message it came of, and what happened. */
static void
tell(struct tbe_engine *e, const struct profile_device *d, const struct tbe_msg *m, const struct store_alarm *alarm,
     const char *relation, const struct rules_rule *rule, const struct rules_counter *c, bool by_time)
{
    struct tbe_msg *out = tbe_msg_new(TBE_STR("ALARM"), (struct tbe_entity){ TBE_ENT_DEVICE, d->rules.device });
    struct tbe_arena *a = tbe_msg_arena(out);
    struct tbe_buf b = { 0 };
    int32_t chain = engine_chain_index(e, d->chain);
    const char *flag = strcmp(relation, "Alarm Created") == 0 ? "isNewAlarm"
        : strcmp(relation, "Alarm Cleared") == 0 ? "isClearedAlarm" : "isExistingAlarm";
    for (uint32_t i = 0; i < m->md.n; i++) {
        tbe_md_put(a, &out->md, tbe_arena_dup(a, m->md.e[i].key), tbe_arena_dup(a, m->md.e[i].val));
    }
    tbe_md_put(a, &out->md, tbe_strz(flag), TBE_STR("true"));
    if (strcmp(relation, "Alarm Severity Updated") == 0) {
        tbe_md_put(a, &out->md, TBE_STR("isSeverityUpdated"), TBE_STR("true"));
    }
    if (rule->spec == RULES_REPEATING) {
        tbe_md_put(a, &out->md, TBE_STR("alarmConditionRepeats"), number_text(a, c->count));
    } else if (rule->spec == RULES_DURATION) {
        tbe_md_put(a, &out->md, TBE_STR("alarmConditionDuration"), number_text(a, c->duration));
    }
    out->queue = m->queue.p ? tbe_arena_dup(a, m->queue) : TBE_STR_NONE;
    out->customer = by_time ? tbe_uuid_null : m->customer;
    alarm_json_write(&b, e->store, alarm);
    tbe_msg_set_data(out, tbe_arena_dup(a, tbe_buf_str(&b)));
    tbe_buf_free(&b);
    engine_resume_take(e, (uint32_t)chain, d->node, tbe_strz(relation), TBE_STR_NONE, &out);
}

/* The rule's text with ${key} of its own filter keys replaced. */
static struct tbe_str
details_text(const struct profile_device *d, const struct rules_rule *rule)
{
    struct tbe_arena *a = d->rules.scratch;
    struct tbe_buf b = { 0 };
    for (size_t i = 0; i < rule->details.n; i++) {
        const char *p = rule->details.p + i;
        size_t left = rule->details.n - i;
        const char *end = left > 2 && p[0] == '$' && p[1] == '{' ? memchr(p, '}', left) : NULL;
        bool done = false;
        for (uint32_t f = 0; end && f < rule->n_filters && !done; f++) {
            uint32_t key = rule->filters[f].key;
            if (key != UINT32_MAX && d->rules.cells[key].there &&
                tbe_str_eq(d->profile->keys[key].name, (struct tbe_str){ p + 2, (size_t)(end - p) - 2 })) {
                tbe_buf_puts(&b, tbe_kv_text(a, &d->rules.cells[key].kv));
                i += (size_t)(end - p);
                done = true;
            }
        }
        if (!done) {
            tbe_buf_putc(&b, *p);
        }
    }
    struct tbe_str s = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

/* Absent: the rule says nothing about details. */
static struct tbe_str
details_json(const struct profile_device *d, const struct rules_rule *rule)
{
    struct tbe_buf b = { 0 };
    if (!rule->details.p && !rule->dashboard.p) {
        return TBE_STR_NONE;
    }
    tbe_buf_putc(&b, '{');
    if (rule->details.p) {
        tbe_buf_putz(&b, "\"data\":");
        tbe_json_write_str(&b, details_text(d, rule));
    }
    if (rule->dashboard.p) {
        tbe_buf_putz(&b, rule->details.p ? ",\"dashboardId\":" : "\"dashboardId\":");
        tbe_json_write_str(&b, rule->dashboard);
    }
    tbe_buf_putc(&b, '}');
    struct tbe_str s = tbe_arena_dup(d->rules.scratch, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

/* Alarms ------------------------------------------------------------------------------------------- */

/* The current alarm as the store has it; false: there is none (any more). */
static bool
current_alarm(struct tbe_engine *e, struct profile_device *d, uint32_t i, struct store_alarm *out)
{
    struct profile_alarm *st = &d->alarms[i];
    struct tbe_entity id = { TBE_ENT_DEVICE, d->rules.device };
    if (!st->looked) {
        st->looked = true;
        st->current = store_alarm_active(e->store, &id, d->profile->alarms[i].type, out);
        if (st->current) {
            st->alarm = out->id;
            st->severity = rules_severity_find(out->severity);
        }
    }
    st->current = st->current && store_alarm(e->store, &st->alarm, out) && !out->clear;
    if (st->current) { /* borrowed texts do not outlive the next write */
        struct tbe_arena *a = d->rules.scratch;
        out->type = tbe_arena_dup(a, out->type);
        out->severity = tbe_arena_dup(a, out->severity);
        out->details = out->details.p ? tbe_arena_dup(a, out->details) : TBE_STR_NONE;
        out->propagate_relations =
            out->propagate_relations.p ? tbe_arena_dup(a, out->propagate_relations) : TBE_STR_NONE;
    }
    return st->current;
}

static void
raise_alarm(struct tbe_engine *e, struct profile_device *d, uint32_t i, unsigned severity, const struct tbe_msg *m,
            bool by_time)
{
    const struct rules_alarm *ra = &d->profile->alarms[i];
    struct profile_alarm *st = &d->alarms[i];
    const struct rules_rule *rule = &ra->create[severity];
    struct tbe_str details = details_json(d, rule);
    struct store_alarm alarm;
    const char *relation = "Alarm Updated";
    int64_t now = clock_ms();
    if (current_alarm(e, d, i, &alarm)) {
        if ((int)severity > st->severity) {
            return; /* a lower severity changes nothing */
        }
        relation = (int)severity < st->severity ? "Alarm Severity Updated" : relation;
        alarm.details = details.p ? details : alarm.details;
    } else {
        relation = "Alarm Created";
        alarm = (struct store_alarm){
            .customer = d->rules.customer, .originator = { TBE_ENT_DEVICE, d->rules.device }, .type = ra->type,
            .propagate = ra->propagate, .propagate_owner = ra->propagate_owner, .propagate_tenant = ra->propagate_tenant,
            .propagate_relations = ra->propagate_relations, .created = now, .assignee = tbe_uuid_null,
            .details = details.p ? details : TBE_STR("{}"),
        };
        tbe_uuid_random(&alarm.id);
        alarm.start = d->rules.ts <= 0 || d->rules.ts > now ? now : d->rules.ts;
    }
    alarm.severity = tbe_strz(rules_severity(severity));
    alarm.end = strcmp(relation, "Alarm Created") == 0 ? alarm.start : now;
    st->current = true;
    st->alarm = alarm.id;
    st->severity = (int)severity;
    store_put_alarm(e->batch, &alarm);
    if (strcmp(relation, "Alarm Created") == 0) {
        alarm_propagate(e->store, e->batch, &alarm);
    }
    tell(e, d, m, &alarm, relation, rule, &st->create[severity], by_time);
}

static void
reset(struct profile_device *d, struct rules_counter *c)
{
    if (c->last_ts || c->duration || c->count) {
        *c = (struct rules_counter){ 0 };
        d->rules.counted = true;
    }
}

static void
clear_alarm(struct tbe_engine *e, struct profile_device *d, uint32_t i, const struct tbe_msg *m, bool by_time)
{
    const struct rules_rule *rule = &d->profile->alarms[i].clear;
    struct profile_alarm *st = &d->alarms[i];
    struct store_alarm alarm;
    reset(d, &st->clear);
    for (unsigned s = 0; s < RULES_SEVERITIES; s++) {
        reset(d, &st->create[s]);
    }
    if (!current_alarm(e, d, i, &alarm)) {
        return;
    }
    struct tbe_str details = details_json(d, rule);
    alarm.details = details.p ? details : alarm.details;
    alarm.clear = true;
    alarm.clear_ts = clock_ms();
    store_put_alarm(e->batch, &alarm);
    st->current = false;
    tell(e, d, m, &alarm, "Alarm Cleared", rule, &st->clear, by_time);
}

static bool
concerned(const struct rules_rule *r, const struct changed *ch)
{
    for (uint32_t i = 0; ch->keys && i < r->n_keys; i++) {
        for (uint32_t k = 0; k < ch->n; k++) {
            if (r->keys[i] == ch->keys[k]) {
                return true;
            }
        }
    }
    return ch->keys == NULL;
}

static enum rules_result
look(struct profile_device *d, const struct rules_rule *r, struct rules_counter *c, const struct changed *ch)
{
    return ch->keys ? rules_eval(&d->rules, r, c) : rules_eval_time(&d->rules, r, c, ch->at);
}

/* One alarm of the profile (15.4). An error is left in d->rules.error. */
static void
look_at_alarm(struct tbe_engine *e, struct profile_device *d, uint32_t i, const struct tbe_msg *m,
              const struct changed *ch)
{
    const struct rules_alarm *ra = &d->profile->alarms[i];
    struct profile_alarm *st = &d->alarms[i];
    struct store_alarm alarm;
    bool by_time = ch->keys == NULL;
    for (unsigned s = 0; s < RULES_SEVERITIES; s++) {
        if (!ra->create[s].there || !concerned(&ra->create[s], ch)) {
            continue;
        }
        enum rules_result res = look(d, &ra->create[s], &st->create[s], ch);
        if (d->rules.error.p) {
            return;
        }
        if (res == RULES_TRUE) {
            raise_alarm(e, d, i, s, m, by_time);
            reset(d, &st->clear);
            return;
        }
        if (res == RULES_FALSE) {
            reset(d, &st->create[s]);
        }
    }
    if (!ra->clear.there || !current_alarm(e, d, i, &alarm) || !concerned(&ra->clear, ch)) {
        return;
    }
    enum rules_result res = look(d, &ra->clear, &st->clear, ch);
    if (!d->rules.error.p && res == RULES_TRUE) {
        clear_alarm(e, d, i, m, by_time);
    } else if (!d->rules.error.p && res == RULES_FALSE) {
        reset(d, &st->clear);
    }
}

static void
look_at_all(struct tbe_engine *e, struct profile_device *d, const struct tbe_msg *m, const struct changed *ch)
{
    for (uint32_t i = 0; i < d->profile->n_alarms && !d->rules.error.p; i++) {
        look_at_alarm(e, d, i, m, ch);
    }
}

/* Time alone (15.3, harvest). */
static void
harvest(struct tbe_engine *e, struct profile_device *d, int64_t now)
{
    struct changed ch = { NULL, 0, now };
    tbe_arena_reset(&e->scratch);
    d->rules.scratch = &e->scratch;
    d->rules.error = TBE_STR_NONE;
    look_at_all(e, d, d->last, &ch);
    if (d->rules.counted) {
        profile_device_save(e, d);
    }
    d->rules.counted = false;
}

int64_t
device_profiles_tick(struct tbe_engine *e, int64_t now_ms)
{
    return profile_devices_tick(e, now_ms, harvest);
}

/* Updates ------------------------------------------------------------------------------------------ */

static void
update(struct tbe_run *r, struct profile_device *d, const struct tbe_msg *m, enum rules_key_type t,
       const struct tbe_kvs *kvs, int64_t ts)
{
    uint32_t *keys = tbe_arena_alloc(tbe_msg_arena(m), (kvs->n + 1) * sizeof(*keys));
    struct changed ch = { keys, 0, 0 };
    for (uint32_t i = 0; i < kvs->n; i++) {
        uint32_t key;
        if (profile_device_set(d, t, &kvs->v[i], ts, &key)) {
            keys[ch.n++] = key;
        }
    }
    d->rules.ts = ts;
    if (ch.n > 0) {
        look_at_all(r->engine, d, m, &ch);
    }
}

static int
by_ts(const void *a, const void *b)
{
    const struct tbe_ts_record *x = a, *y = b;
    return x->ts < y->ts ? -1 : x->ts > y->ts;
}

static int
telemetry(struct tbe_run *r, struct profile_device *d, const struct tbe_msg *m, struct tbe_str json)
{
    struct tbe_ts_record *recs;
    uint32_t n;
    if (d->profile->n_alarms == 0 && m->kvs) {
        return 0; /* nothing looks at it, and it is known to be well formed */
    }
    if (tbe_kv_telemetry(tbe_msg_arena(m), json, tbe_msg_md_ts(m), TBE_KV_NULL_ERROR, 0, &recs, &n, &r->error) < 0) {
        return -1;
    }
    if (n > 1) {
        qsort(recs, n, sizeof(*recs), by_ts);
    }
    for (uint32_t i = 0; i < n && !d->rules.error.p; i++) {
        update(r, d, m, RULES_TIME_SERIES, &recs[i].kvs, recs[i].ts);
    }
    return 0;
}

static int
attributes(struct tbe_run *r, struct profile_device *d, const struct tbe_msg *m)
{
    struct tbe_kvs kvs;
    if (tbe_kv_attributes(tbe_msg_arena(m), m->data, TBE_KV_NULL_ERROR, 0, &kvs, &r->error) < 0) {
        return -1;
    }
    update(r, d, m, RULES_ATTRIBUTE, &kvs, clock_ms());
    return 0;
}

static int
attributes_deleted(struct tbe_run *r, struct profile_device *d, const struct tbe_msg *m)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    tbe_val v, list;
    if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) < 0 || v.t != TBE_MAP) {
        return 0;
    }
    list = tbe_map_get(v.u.m, TBE_STR("attributes"));
    uint32_t n = list.t == TBE_LIST ? list.u.l->n : 0;
    uint32_t *keys = tbe_arena_alloc(a, (n + 1) * sizeof(*keys));
    struct changed ch = { keys, 0, 0 };
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = tbe_is_str(list.u.l->v[i])
            ? rules_key_find(d->profile, RULES_ATTRIBUTE, tbe_val_str(list.u.l->v[i])) : UINT32_MAX;
        if (key != UINT32_MAX && d->rules.cells[key].there) {
            profile_device_unset(d, key);
            keys[ch.n++] = key;
        }
    }
    d->rules.ts = clock_ms();
    if (ch.n > 0) {
        look_at_all(r->engine, d, m, &ch);
    }
    return 0;
}

/* Someone else changed one of this device's alarms. */
static void
alarm_changed(struct profile_device *d, const struct tbe_msg *m)
{
    struct tbe_uuid id;
    tbe_val v;
    if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) < 0 || v.t != TBE_MAP) {
        return;
    }
    tbe_val alarm = tbe_map_get(v.u.m, TBE_STR("id"));
    alarm = alarm.t == TBE_MAP ? tbe_map_get(alarm.u.m, TBE_STR("id")) : TBE_UNDEF_VAL;
    if (!tbe_is_str(alarm) || !tbe_uuid_parse(tbe_val_str(alarm), &id)) {
        return;
    }
    for (uint32_t i = 0; i < d->profile->n_alarms; i++) {
        struct profile_alarm *st = &d->alarms[i];
        if (!st->current || memcmp(&st->alarm, &id, sizeof(id)) != 0 || m->type_id == TBE_MT_ALARM_ACK) {
            continue;
        }
        if (m->type_id == TBE_MT_ALARM_DELETE) {
            *st = (struct profile_alarm){ .looked = false };
            continue;
        }
        st->current = false;
        for (unsigned s = 0; s < RULES_SEVERITIES; s++) {
            reset(d, &st->create[s]);
        }
    }
}

/* 0, or -1 with r->error. */
static int
work(struct tbe_run *r, struct profile_device *d, const struct tbe_msg *m)
{
    tbe_val v, list;
    switch (m->type_id) {
    case TBE_MT_POST_TELEMETRY_REQUEST:
        return telemetry(r, d, m, m->data);
    case TBE_MT_TIMESERIES_UPDATED:
        list = tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) == 0 && v.t == TBE_MAP
            ? tbe_map_get(v.u.m, TBE_STR("timeseries")) : TBE_UNDEF_VAL;
        return telemetry(r, d, m, list.t > TBE_NULL ? tbe_json_text(tbe_msg_arena(m), list, TBE_OUT_JAVA) : m->data);
    case TBE_MT_ACTIVITY_EVENT:
    case TBE_MT_INACTIVITY_EVENT:
        return tbe_md_get(&m->md, TBE_STR("scope")).n ? attributes(r, d, m) : telemetry(r, d, m, m->data);
    case TBE_MT_POST_ATTRIBUTES_REQUEST:
    case TBE_MT_ATTRIBUTES_UPDATED:
        return attributes(r, d, m);
    case TBE_MT_ATTRIBUTES_DELETED:
        return attributes_deleted(r, d, m);
    case TBE_MT_ALARM_ACK:
    case TBE_MT_ALARM_CLEAR:
    case TBE_MT_ALARM_DELETE:
        alarm_changed(d, m);
        return 0;
    default:
        return 0;
    }
}

static void
remember(struct profile_device *d, const struct tbe_msg *m)
{
    if (d->profile->durations) { /* what time alone brings about has its metadata */
        struct tbe_msg *last = d->last;
        d->last = tbe_msg_ref(m);
        tbe_msg_unref(last);
    }
}

enum tbe_rel
tbe_device_profile(struct tbe_run *r, const struct tbe_device_profile_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    const struct tbe_uuid *id = &m->originator.id;
    if (m->originator.type != TBE_ENT_DEVICE) {
        return TBE_REL_SUCCESS;
    }
    if (m->type_id == TBE_MT_ENTITY_DELETED) {
        profile_device_drop(r, id, cfg->persist_alarm_rules_state);
        return TBE_REL_SUCCESS;
    }
    struct profile_device *d =
        profile_device(r, id, cfg->persist_alarm_rules_state, cfg->fetch_alarm_rules_state_on_start);
    if (!d) {
        engine_ack(r, *mp);
        return TBE_REL_NONE;
    }
    d->rules.scratch = engine_scratch(r);
    d->rules.error = TBE_STR_NONE;
    profile_device_fill(d);
    int rc = work(r, d, m);
    remember(d, m);
    if (d->rules.counted) {
        profile_device_save(r->engine, d);
    }
    d->rules.counted = false;
    if (rc < 0) {
        return TBE_REL_FAILURE;
    }
    if (d->rules.error.p) {
        char text[37];
        tbe_uuid_text(id, text);
        engine_fail(r, "Failed to process alarm rule for Device [%.36s]: %.*s", text, (int)d->rules.error.n,
                    d->rules.error.p);
        return TBE_REL_FAILURE;
    }
    return TBE_REL_SUCCESS;
}
