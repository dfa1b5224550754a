/* SPDX-License-Identifier: Apache-2.0 */
/* Alarm rules of device profiles, as the device profile node evaluates them (facts/rule-nodes.md 15).
 * device_rules_read.c reads a profile's rules, device_rules_eval.c decides whether one is true,
 * device_rules_schedule.c when one is active; device_profile.c keeps the state of each device. */
#ifndef TBE_NODES_DEVICE_RULES_H
#define TBE_NODES_DEVICE_RULES_H

#include "store/store.h"

#define RULES_SEVERITIES 5

/* Rules, read only --------------------------------------------------------------------------------- */

enum rules_key_type { RULES_ATTRIBUTE, RULES_TIME_SERIES, RULES_ENTITY_FIELD, RULES_CONSTANT };
struct rules_key {
    enum rules_key_type type;
    struct tbe_str name;
};

enum rules_source { RULES_STATIC, RULES_DEVICE, RULES_CUSTOMER, RULES_TENANT };
struct rules_value { /* what a predicate compares with, or how often and how long */
    tbe_val fixed;   /* UNDEF or NULL: none */
    enum rules_source source;
    struct tbe_str attribute; /* beside a source */
    uint32_t key;             /* of the attribute, among the profile's keys */
    bool inherit;
};

enum rules_predicate_type { RULES_NUMERIC, RULES_STRING, RULES_BOOLEAN, RULES_COMPLEX };
enum rules_op {
    RULES_EQUAL, RULES_NOT_EQUAL, RULES_GREATER, RULES_LESS, RULES_GREATER_OR_EQUAL, RULES_LESS_OR_EQUAL,
    RULES_STARTS_WITH, RULES_ENDS_WITH, RULES_CONTAINS, RULES_NOT_CONTAINS, RULES_IN, RULES_NOT_IN,
    RULES_AND, RULES_OR, RULES_OPS
};
struct rules_predicate {
    enum rules_predicate_type type;
    enum rules_op op;
    bool ignore_case;
    struct rules_value value;
    const struct rules_predicate *parts; /* RULES_COMPLEX */
    uint32_t n_parts;
};
struct rules_filter {
    uint32_t key;           /* index, or UINT32_MAX for a constant */
    struct tbe_kv constant;
    bool has_constant;
    struct rules_predicate predicate;
};

struct rules_hours { /* ms from local midnight; days: bit 0 = Monday */
    uint8_t days;
    bool enabled;
    int64_t starts, ends;
};
struct rules_schedule {
    enum { RULES_ANY_TIME, RULES_SPECIFIC_TIME, RULES_CUSTOM } type;
    struct tbe_str timezone;
    struct rules_hours hours[7];
    uint32_t n_hours;
    struct rules_value dynamic; /* an attribute that holds such a schedule as JSON */
};

enum rules_spec { RULES_SIMPLE, RULES_DURATION, RULES_REPEATING };
struct rules_rule {
    bool there;
    const struct rules_filter *filters;
    uint32_t n_filters;
    enum rules_spec spec;
    int64_t unit_ms;            /* of RULES_DURATION */
    struct rules_value required;
    struct rules_schedule schedule;
    struct tbe_str details, dashboard; /* absent = none */
    const uint32_t *keys; /* whose change makes it worth a look */
    uint32_t n_keys;
};
struct rules_alarm {
    struct tbe_str id, type;
    struct rules_rule create[RULES_SEVERITIES]; /* CRITICAL first */
    struct rules_rule clear;
    bool propagate, propagate_owner, propagate_tenant;
    struct tbe_str propagate_relations; /* JSON array or absent */
};
struct rules_profile {
    struct tbe_uuid id;
    uint64_t version;
    struct rules_alarm *alarms;
    uint32_t n_alarms;
    struct rules_key *keys; /* all that the rules look at */
    uint32_t n_keys;
    bool durations;
    uint32_t users;
    struct tbe_arena arena;
};

const char *rules_severity(unsigned i);            /* "CRITICAL" ... */
int rules_severity_find(struct tbe_str s);         /* -1 unknown */
/* The rules in a device profile's JSON; NULL when memory is out. What is not a rule is left out, with a line in
 * the log. Free with rules_free. */
struct rules_profile *rules_read(const struct store_entity *profile);
void rules_free(struct rules_profile *p);
/* UINT32_MAX: not looked at */
uint32_t rules_key_find(const struct rules_profile *p, enum rules_key_type t, struct tbe_str name);
/* A schedule in JSON; false: it is none. */
bool rules_schedule_read(struct tbe_arena *a, tbe_val v, struct rules_schedule *out);

/* State -------------------------------------------------------------------------------------------- */

struct rules_cell { /* value of a key; its text is malloc'ed */
    bool there;
    struct tbe_kv kv;
};
struct rules_counter {
    int64_t last_ts, duration, count;
};
struct rules_device { /* what evaluation looks at */
    struct store *store;
    struct tbe_uuid device, customer; /* customer: tbe_uuid_null when none */
    const struct rules_profile *profile;
    struct rules_cell *cells; /* by key */
    int64_t ts;               /* of the newest update */
    bool counted;             /* a counter changed */
    struct tbe_arena *scratch;
    struct tbe_str error;     /* in scratch; absent = none */
};

enum rules_result { RULES_FALSE, RULES_NOT_YET, RULES_TRUE };
/* After an update. */
enum rules_result rules_eval(struct rules_device *d, const struct rules_rule *r, struct rules_counter *c);
/* By the time alone, at ts. */
enum rules_result rules_eval_time(struct rules_device *d, const struct rules_rule *r, struct rules_counter *c,
                                  int64_t ts);
bool rules_active(struct rules_device *d, const struct rules_schedule *s, int64_t ts);
/* Value of a dynamic source; NULL: there is none. Valid until the next store call. */
const struct tbe_kv *rules_resolve(struct rules_device *d, const struct rules_value *v, struct tbe_kv *room);

#endif
