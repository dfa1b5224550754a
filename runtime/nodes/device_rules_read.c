/* SPDX-License-Identifier: Apache-2.0 */
/* The alarm rules in a device profile's JSON (facts/rule-nodes.md 15.1). Everything read lives in the
 * profile's own arena. */
#include "config.h"
#include "nodes/device_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define DEPTH_MAX 16 /* of complex predicates */

static const char *const severities[RULES_SEVERITIES] = { "CRITICAL", "MAJOR", "MINOR", "WARNING", "INDETERMINATE" };
static const char *const key_types[] = { "ATTRIBUTE", "TIME_SERIES", "ENTITY_FIELD", "CONSTANT" };
static const char *const predicate_types[] = { "NUMERIC", "STRING", "BOOLEAN", "COMPLEX" };
static const char *const ops[RULES_OPS] = { "EQUAL", "NOT_EQUAL", "GREATER", "LESS", "GREATER_OR_EQUAL",
                                            "LESS_OR_EQUAL", "STARTS_WITH", "ENDS_WITH", "CONTAINS",
                                            "NOT_CONTAINS", "IN", "NOT_IN", "AND", "OR" };
static const char *const sources[] = { "", "CURRENT_DEVICE", "CURRENT_CUSTOMER", "CURRENT_TENANT" };
static const struct {
    const char *name;
    int64_t ms;
} units[] = { { "SECONDS", 1000 }, { "MINUTES", 60000 }, { "HOURS", 3600000 }, { "DAYS", 86400000 } };

#define FIND(list, s) find(list, sizeof(list) / sizeof(*(list)), s)

static int
find(const char *const *list, size_t n, struct tbe_str s)
{
    for (size_t i = 0; i < n; i++) {
        if (s.p && tbe_str_eqz(s, list[i])) {
            return (int)i;
        }
    }
    return -1;
}

const char *
rules_severity(unsigned i)
{
    return severities[i];
}

int
rules_severity_find(struct tbe_str s)
{
    return FIND(severities, s);
}

static tbe_val
member(tbe_val v, const char *key)
{
    return v.t == TBE_MAP ? tbe_map_get(v.u.m, tbe_strz(key)) : TBE_UNDEF_VAL;
}

static struct tbe_str
text_of(tbe_val v, const char *key)
{
    tbe_val x = member(v, key);
    return tbe_is_str(x) ? tbe_val_str(x) : TBE_STR_NONE;
}

static bool
bool_of(tbe_val v, const char *key)
{
    tbe_val x = member(v, key);
    return x.t == TBE_BOOL && x.u.i;
}

uint32_t
rules_key_find(const struct rules_profile *p, enum rules_key_type t, struct tbe_str name)
{
    for (uint32_t i = 0; i < p->n_keys; i++) {
        if (p->keys[i].type == t && tbe_str_eq(p->keys[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static uint32_t
key_add(struct rules_profile *p, enum rules_key_type t, struct tbe_str name)
{
    uint32_t i = rules_key_find(p, t, name);
    if (i != UINT32_MAX) {
        return i;
    }
    if ((p->n_keys & (p->n_keys - 1)) == 0) { /* room for 1, 2, 4, 8 ... */
        struct rules_key *more = tbe_arena_alloc(&p->arena, (p->n_keys ? 2 * p->n_keys : 1) * sizeof(*more));
        if (p->n_keys) {
            memcpy(more, p->keys, p->n_keys * sizeof(*more));
        }
        p->keys = more;
    }
    p->keys[p->n_keys] = (struct rules_key){ t, name };
    return p->n_keys++;
}

/* Keys of one rule while it is read. */
struct rule_keys {
    uint32_t v[256], n;
};

static void
rule_key(struct rule_keys *k, uint32_t key)
{
    for (uint32_t i = 0; i < k->n; i++) {
        if (k->v[i] == key) {
            return;
        }
    }
    if (k->n < sizeof(k->v) / sizeof(*k->v)) {
        k->v[k->n++] = key;
    }
}

/* keys: NULL where a change of the attribute alone makes the rule no more worth a look. */
static void
read_value(struct rules_profile *p, tbe_val v, struct rules_value *out, struct rule_keys *keys)
{
    tbe_val dynamic = member(v, "dynamicValue");
    int source = FIND(sources, text_of(dynamic, "sourceType"));
    *out = (struct rules_value){ .fixed = member(v, "defaultValue"), .key = UINT32_MAX };
    out->attribute = text_of(dynamic, "sourceAttribute");
    if (source > 0 && out->attribute.n) {
        out->source = (enum rules_source)source;
        out->inherit = bool_of(dynamic, "inherit");
        out->key = key_add(p, RULES_ATTRIBUTE, out->attribute);
        if (keys) {
            rule_key(keys, out->key);
        }
    }
}

static bool
read_predicate(struct rules_profile *p, tbe_val v, struct rules_predicate *out, struct rule_keys *keys, int depth)
{
    int type = FIND(predicate_types, text_of(v, "type")), op = FIND(ops, text_of(v, "operation"));
    if (type < 0 || op < 0 || depth > DEPTH_MAX) {
        return false;
    }
    *out = (struct rules_predicate){ .type = (enum rules_predicate_type)type, .op = (enum rules_op)op,
                                     .ignore_case = bool_of(v, "ignoreCase") };
    if (out->type != RULES_COMPLEX) {
        read_value(p, member(v, "value"), &out->value, keys);
        return true;
    }
    tbe_val parts = member(v, "predicates");
    if (parts.t != TBE_LIST || (op != RULES_AND && op != RULES_OR)) {
        return false;
    }
    struct rules_predicate *list = tbe_arena_zalloc(&p->arena, (parts.u.l->n + 1) * sizeof(*list));
    for (uint32_t i = 0; i < parts.u.l->n; i++) {
        if (!read_predicate(p, parts.u.l->v[i], &list[i], keys, depth + 1)) {
            return false;
        }
    }
    out->parts = list;
    out->n_parts = parts.u.l->n;
    return true;
}

/* The value of a constant by its type; false: it has none. */
static bool
read_constant(tbe_val filter, struct tbe_kv *out)
{
    struct tbe_str type = text_of(filter, "valueType");
    tbe_val v = member(filter, "value");
    *out = (struct tbe_kv){ .type = TBE_KV_STRING };
    switch (v.t) {
    case TBE_INT:
    case TBE_LONG:
        out->type = tbe_str_eqz(type, "DATE_TIME") ? TBE_KV_LONG : TBE_KV_DOUBLE;
        if (out->type == TBE_KV_LONG) {
            out->u.i = v.u.i;
        } else {
            out->u.d = (double)v.u.i;
        }
        return true;
    case TBE_DOUBLE:
        out->type = TBE_KV_DOUBLE;
        out->u.d = v.u.d;
        return true;
    case TBE_BOOL:
        out->type = TBE_KV_BOOLEAN;
        out->u.b = v.u.i != 0;
        return true;
    case TBE_STR_T:
        out->s = tbe_val_str(v);
        if (tbe_str_eqz(type, "NUMERIC") || tbe_str_eqz(type, "DATE_TIME")) {
            bool ok;
            out->type = TBE_KV_DOUBLE;
            out->u.d = tbe_parse_double(out->s, &ok);
            return ok;
        }
        if (tbe_str_eqz(type, "BOOLEAN")) {
            out->type = TBE_KV_BOOLEAN;
            out->u.b = tbe_str_ieq(out->s, TBE_STR("true"));
        }
        return true;
    default:
        return false;
    }
}

static bool
read_filter(struct rules_profile *p, tbe_val v, struct rules_filter *out, struct rule_keys *keys)
{
    tbe_val key = member(v, "key");
    int type = FIND(key_types, text_of(key, "type"));
    struct tbe_str name = text_of(key, "key");
    if (type < 0 || !name.p) {
        return false;
    }
    out->key = UINT32_MAX;
    if (type == RULES_CONSTANT) {
        out->has_constant = read_constant(v, &out->constant);
    } else {
        out->key = key_add(p, (enum rules_key_type)type, name);
        rule_key(keys, out->key);
    }
    return read_predicate(p, member(v, "predicate"), &out->predicate, keys, 0);
}

static bool
read_spec(struct rules_profile *p, tbe_val v, struct rules_rule *out)
{
    struct tbe_str type = text_of(v, "type");
    out->spec = RULES_SIMPLE;
    if (v.t <= TBE_NULL || tbe_str_eqz(type, "SIMPLE")) {
        return true;
    }
    read_value(p, member(v, "predicate"), &out->required, NULL);
    if (tbe_str_eqz(type, "REPEATING")) {
        out->spec = RULES_REPEATING;
        return true;
    }
    out->spec = RULES_DURATION;
    p->durations = true;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (tbe_str_eqz(text_of(v, "unit"), units[i].name)) {
            out->unit_ms = units[i].ms;
        }
    }
    return tbe_str_eqz(type, "DURATION") && out->unit_ms > 0;
}

static bool
read_rule(struct rules_profile *p, tbe_val v, struct rules_rule *out)
{
    struct rule_keys keys = { .n = 0 };
    tbe_val condition = member(v, "condition"), list = member(condition, "condition");
    tbe_val schedule = member(v, "schedule");
    struct tbe_arena *a = &p->arena;
    if (v.t <= TBE_NULL) {
        return true; /* none */
    }
    if (list.t != TBE_LIST || !read_spec(p, member(condition, "spec"), out) ||
        !rules_schedule_read(a, schedule, &out->schedule)) {
        return false;
    }
    struct rules_filter *filters = tbe_arena_zalloc(a, (list.u.l->n + 1) * sizeof(*filters));
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        if (!read_filter(p, list.u.l->v[i], &filters[i], &keys)) {
            return false;
        }
    }
    tbe_val dynamic = member(schedule, "dynamicValue");
    if (dynamic.t == TBE_MAP) {
        read_value(p, schedule, &out->schedule.dynamic, NULL);
    }
    out->filters = filters;
    out->n_filters = list.u.l->n;
    out->details = text_of(v, "alarmDetails");
    out->dashboard = text_of(member(v, "dashboardId"), "id");
    uint32_t *mine = tbe_arena_alloc(a, (keys.n + 1) * sizeof(*mine));
    memcpy(mine, keys.v, keys.n * sizeof(*mine));
    out->keys = mine;
    out->n_keys = keys.n;
    out->there = true;
    return true;
}

static bool
read_alarm(struct rules_profile *p, tbe_val v, struct rules_alarm *out)
{
    tbe_val create = member(v, "createRules"), relations = member(v, "propagateRelationTypes");
    out->id = text_of(v, "id");
    out->type = text_of(v, "alarmType");
    out->propagate = bool_of(v, "propagate");
    out->propagate_owner = bool_of(v, "propagateToOwner");
    out->propagate_tenant = bool_of(v, "propagateToTenant");
    out->propagate_relations = relations.t == TBE_LIST ? tbe_json_text(&p->arena, relations, TBE_OUT_JAVA) : TBE_STR_NONE;
    if (!out->id.p || !out->type.n || create.t != TBE_MAP) {
        return false;
    }
    for (unsigned i = 0; i < RULES_SEVERITIES; i++) {
        if (!read_rule(p, member(create, severities[i]), &out->create[i])) {
            return false;
        }
    }
    return read_rule(p, member(v, "clearRule"), &out->clear);
}

struct rules_profile *
rules_read(const struct store_entity *profile)
{
    struct rules_profile *p = calloc(1, sizeof(*p));
    tbe_val v;
    if (!p) {
        return NULL;
    }
    tbe_arena_init(&p->arena, 0);
    p->id = profile->id.id;
    p->version = profile->version;
    struct tbe_str json = tbe_arena_dup(&p->arena, profile->json);
    if (!json.n || tbe_json_parse(&p->arena, json, TBE_JSON_JAVA, &v, NULL) < 0) {
        return p;
    }
    tbe_val alarms = member(member(v, "profileData"), "alarms");
    if (alarms.t != TBE_LIST || alarms.u.l->n == 0) {
        return p;
    }
    p->alarms = tbe_arena_zalloc(&p->arena, alarms.u.l->n * sizeof(*p->alarms));
    for (uint32_t i = 0; i < alarms.u.l->n; i++) {
        struct rules_alarm a = { .id = TBE_STR_NONE };
        if (read_alarm(p, alarms.u.l->v[i], &a)) {
            p->alarms[p->n_alarms++] = a;
        } else {
            log_error("device profile %.*s: alarm rule %u cannot be read and is left out", (int)profile->name.n,
                      profile->name.p ? profile->name.p : "", i + 1);
        }
    }
    return p;
}

void
rules_free(struct rules_profile *p)
{
    if (p) {
        tbe_arena_free(&p->arena);
        free(p);
    }
}
