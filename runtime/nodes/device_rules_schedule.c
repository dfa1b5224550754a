/* SPDX-License-Identifier: Apache-2.0 */
/* When an alarm rule of a device profile is active (facts/rule-nodes.md 15.5). */
#include "config.h"
#include "nodes/device_rules.h"

#include "base/clock.h"
#include "value/tbel_zone.h"

#define DAY_MS INT64_C(86400000)

static int64_t
as_long(tbe_val v, int64_t otherwise)
{
    if (v.t == TBE_DOUBLE) {
        return (int64_t)v.u.d;
    }
    return v.t == TBE_INT || v.t == TBE_LONG ? v.u.i : otherwise;
}

static struct tbe_str
text_of(const struct tbe_map *m, const char *key)
{
    tbe_val v = tbe_map_get(m, tbe_strz(key));
    return tbe_is_str(v) ? tbe_val_str(v) : TBE_STR_NONE;
}

/* Monday = 1. What is no day is left out. */
static uint8_t
day_bit(tbe_val v)
{
    int64_t day = as_long(v, 0);
    return day >= 1 && day <= 7 ? (uint8_t)(1u << (day - 1)) : 0;
}

static bool
read_specific(const struct tbe_map *m, struct rules_schedule *out)
{
    tbe_val days = tbe_map_get(m, TBE_STR("daysOfWeek"));
    struct rules_hours *h = &out->hours[0];
    *h = (struct rules_hours){ .enabled = true, .starts = as_long(tbe_map_get(m, TBE_STR("startsOn")), 0),
                               .ends = as_long(tbe_map_get(m, TBE_STR("endsOn")), 0) };
    for (uint32_t i = 0; days.t == TBE_LIST && i < days.u.l->n; i++) {
        h->days |= day_bit(days.u.l->v[i]);
    }
    out->n_hours = 1;
    return days.t == TBE_LIST;
}

static bool
read_custom(const struct tbe_map *m, struct rules_schedule *out)
{
    tbe_val items = tbe_map_get(m, TBE_STR("items"));
    if (items.t != TBE_LIST) {
        return false;
    }
    for (uint32_t i = 0; i < items.u.l->n && out->n_hours < 7; i++) {
        if (items.u.l->v[i].t != TBE_MAP) {
            return false;
        }
        const struct tbe_map *item = items.u.l->v[i].u.m;
        tbe_val enabled = tbe_map_get(item, TBE_STR("enabled"));
        out->hours[out->n_hours++] = (struct rules_hours){
            .days = day_bit(tbe_map_get(item, TBE_STR("dayOfWeek"))),
            .enabled = enabled.t == TBE_BOOL && enabled.u.i,
            .starts = as_long(tbe_map_get(item, TBE_STR("startsOn")), 0),
            .ends = as_long(tbe_map_get(item, TBE_STR("endsOn")), 0),
        };
    }
    return true;
}

bool
rules_schedule_read(struct tbe_arena *a, tbe_val v, struct rules_schedule *out)
{
    *out = (struct rules_schedule){ .type = RULES_ANY_TIME };
    if (v.t != TBE_MAP) {
        return v.t <= TBE_NULL;
    }
    struct tbe_str type = text_of(v.u.m, "type"), zone = text_of(v.u.m, "timezone");
    out->timezone = zone.p ? tbe_arena_dup(a, zone) : TBE_STR_NONE;
    if (tbe_str_eqz(type, "ANY_TIME")) {
        return true;
    }
    if (tbe_str_eqz(type, "SPECIFIC_TIME")) {
        out->type = RULES_SPECIFIC_TIME;
        return read_specific(v.u.m, out);
    }
    out->type = RULES_CUSTOM;
    return tbe_str_eqz(type, "CUSTOM") && read_custom(v.u.m, out);
}

static bool
in_hours(const struct rules_hours *h, int64_t m)
{
    int64_t ends = h->ends ? h->ends : DAY_MS;
    return h->starts <= ends ? h->starts <= m && m < ends : m > h->starts || (0 < m && m < ends);
}

static bool
active_now(const struct rules_schedule *s, int64_t ts)
{
    struct tbel_zone zone = { 0 };
    if (s->type == RULES_ANY_TIME) {
        return true;
    }
    struct tbe_str name = s->timezone.n ? s->timezone : TBE_STR("UTC");
    int64_t secs = ts >= 0 ? ts / 1000 : -((999 - ts) / 1000);
    int64_t local = ts;
    if (tbel_zone_find(name, &zone)) {
        local += (int64_t)tbel_zone_offset(&zone, secs) * 1000;
    }
    int64_t day = local >= 0 ? local / DAY_MS : -((DAY_MS - 1 - local) / DAY_MS);
    uint8_t bit = (uint8_t)(1u << (((day + 3) % 7 + 7) % 7)); /* day 0 was a Thursday */
    for (uint32_t i = 0; i < s->n_hours; i++) {
        const struct rules_hours *h = &s->hours[i];
        if (s->type == RULES_SPECIFIC_TIME) {
            return ((h->days & bit) || h->days == 0x7f) && in_hours(h, local - day * DAY_MS);
        }
        if (h->days & bit) {
            return h->enabled && in_hours(h, local - day * DAY_MS);
        }
    }
    return false;
}

bool
rules_active(struct rules_device *d, const struct rules_schedule *s, int64_t ts)
{
    struct tbe_kv room;
    const struct tbe_kv *kv = s->dynamic.source != RULES_STATIC ? rules_resolve(d, &s->dynamic, &room) : NULL;
    int64_t at = ts ? ts : clock_ms();
    if (kv && (kv->type == TBE_KV_STRING || kv->type == TBE_KV_JSON)) {
        struct rules_schedule own;
        tbe_val v;
        if (tbe_json_parse(d->scratch, tbe_arena_dup(d->scratch, kv->s), TBE_JSON_JAVA, &v, NULL) == 0 &&
            v.t == TBE_MAP && rules_schedule_read(d->scratch, v, &own) && own.type == s->type) {
            return active_now(&own, at);
        }
    }
    return active_now(s, at);
}
