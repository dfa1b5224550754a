/* SPDX-License-Identifier: Apache-2.0 */
/* Is a rule of a device profile true? (facts/rule-nodes.md 15.4) */
#include "config.h"
#include "nodes/device_rules.h"

#include <math.h>
#include <string.h>

/* Values ------------------------------------------------------------------------------------------- */

static bool
to_number(const struct tbe_kv *kv, double *out)
{
    bool ok = true;
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        *out = kv->u.b;
        return true;
    case TBE_KV_LONG:
        *out = (double)kv->u.i;
        return true;
    case TBE_KV_DOUBLE:
        *out = kv->u.d;
        return true;
    default:
        *out = tbe_parse_double(kv->s, &ok);
        return ok;
    }
}

static bool
to_bool(const struct tbe_kv *kv)
{
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        return kv->u.b;
    case TBE_KV_LONG:
        return kv->u.i > 0;
    case TBE_KV_DOUBLE:
        return kv->u.d > 0;
    default:
        return tbe_str_ieq(kv->s, TBE_STR("true"));
    }
}

static const struct tbe_kv *
attribute_of(struct rules_device *d, enum tbe_entity_type t, const struct tbe_uuid *id, struct tbe_str key,
             struct tbe_kv *room)
{
    struct tbe_entity e = { t, *id };
    int64_t ts;
    return store_attr(d->store, &e, STORE_SERVER, key, room, &ts) ? room : NULL;
}

const struct tbe_kv *
rules_resolve(struct rules_device *d, const struct rules_value *v, struct tbe_kv *room)
{
    const struct tbe_kv *kv = NULL;
    switch (v->source) {
    case RULES_STATIC:
        return NULL;
    case RULES_DEVICE:
        kv = d->cells[v->key].there ? &d->cells[v->key].kv : NULL;
        if (kv || !v->inherit) {
            return kv;
        }
        /* fall through */
    case RULES_CUSTOMER:
        if (!tbe_uuid_is_null(&d->customer)) {
            kv = attribute_of(d, TBE_ENT_CUSTOMER, &d->customer, v->attribute, room);
        }
        if (kv || !v->inherit) {
            return kv;
        }
        /* fall through */
    case RULES_TENANT:
        return attribute_of(d, TBE_ENT_TENANT, store_tenant(d->store), v->attribute, room);
    }
    return NULL;
}

/* What the default value is as an entry; false: there is none. */
static bool
fixed_kv(struct tbe_arena *a, tbe_val v, struct tbe_kv *out)
{
    *out = (struct tbe_kv){ .type = TBE_KV_STRING };
    switch (v.t) {
    case TBE_BOOL:
        out->type = TBE_KV_BOOLEAN;
        out->u.b = v.u.i != 0;
        return true;
    case TBE_INT:
    case TBE_LONG:
        out->type = TBE_KV_LONG;
        out->u.i = v.u.i;
        return true;
    case TBE_DOUBLE:
        out->type = TBE_KV_DOUBLE;
        out->u.d = v.u.d;
        return true;
    case TBE_STR_T:
        out->s = tbe_val_str(v);
        return true;
    default:
        out->s = v.t > TBE_NULL ? tbe_json_text(a, v, TBE_OUT_JAVA) : TBE_STR_NONE;
        return out->s.p != NULL;
    }
}

/* Predicates --------------------------------------------------------------------------------------- */

/* As boxed doubles: NaN equals itself, 0.0 is not -0.0. */
static int
compare(double x, double y)
{
    if (x < y || x > y) {
        return x < y ? -1 : 1;
    }
    if (isnan(x) || isnan(y)) {
        return isnan(x) == isnan(y) ? 0 : isnan(x) ? 1 : -1;
    }
    return signbit(x) == signbit(y) ? 0 : signbit(x) ? -1 : 1;
}

static bool
numeric_is(enum rules_op op, double x, double y)
{
    switch (op) {
    case RULES_EQUAL:
        return compare(x, y) == 0;
    case RULES_NOT_EQUAL:
        return compare(x, y) != 0;
    case RULES_GREATER:
        return x > y;
    case RULES_LESS:
        return x < y;
    case RULES_GREATER_OR_EQUAL:
        return x >= y;
    case RULES_LESS_OR_EQUAL:
        return x <= y;
    default:
        return false;
    }
}

static bool
found_in(struct tbe_str s, struct tbe_str part)
{
    return part.n == 0 || (s.n && memmem(s.p, s.n, part.p, part.n) != NULL);
}

static struct tbe_str
trim(struct tbe_str s)
{
    while (s.n && (unsigned char)s.p[0] <= ' ') {
        s.p++;
        s.n--;
    }
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ') {
        s.n--;
    }
    return s;
}

static bool
quoted(struct tbe_str s, char with)
{
    return s.n >= 2 && s.p[0] == with && s.p[s.n - 1] == with;
}

/* The next element of a comma list; false at its end. */
static bool
next_element(struct tbe_str *left, struct tbe_str *out)
{
    if (!left->p) {
        return false;
    }
    const char *comma = left->n ? memchr(left->p, ',', left->n) : NULL;
    size_t n = comma ? (size_t)(comma - left->p) : left->n;
    *out = trim((struct tbe_str){ left->p, n });
    *left = comma ? (struct tbe_str){ comma + 1, left->n - n - 1 } : TBE_STR_NONE;
    return true;
}

/* s among the elements of list; quotes go when all elements have the same. */
static bool
in_list(struct tbe_str s, struct tbe_str list)
{
    struct tbe_str left = trim(list), x;
    bool one = true, two = true;
    while (next_element(&left, &x)) {
        one = one && quoted(x, '\'');
        two = two && quoted(x, '"');
    }
    left = trim(list);
    while (next_element(&left, &x)) {
        if (one || two) {
            x = (struct tbe_str){ x.p + 1, x.n - 2 };
        }
        if (tbe_str_eq(s, x)) {
            return true;
        }
    }
    return false;
}

static bool
string_is(enum rules_op op, struct tbe_str s, struct tbe_str with)
{
    switch (op) {
    case RULES_EQUAL:
        return tbe_str_eq(s, with);
    case RULES_NOT_EQUAL:
        return !tbe_str_eq(s, with);
    case RULES_STARTS_WITH:
        return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
    case RULES_ENDS_WITH:
        return s.n >= with.n && memcmp(s.p + s.n - with.n, with.p, with.n) == 0;
    case RULES_CONTAINS:
        return found_in(s, with);
    case RULES_NOT_CONTAINS:
        return !found_in(s, with);
    case RULES_IN:
        return in_list(s, with);
    case RULES_NOT_IN:
        return !in_list(s, with);
    default:
        return false;
    }
}

/* ASCII letters only: what other letters do is not relied on by any known profile. */
static struct tbe_str
lower(struct tbe_arena *a, struct tbe_str s)
{
    char *p = tbe_arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    }
    return (struct tbe_str){ p, s.n };
}

static bool
simple_is(struct rules_device *d, const struct rules_predicate *p, const struct tbe_kv *kv)
{
    struct tbe_kv room, fixed;
    const struct tbe_kv *with = rules_resolve(d, &p->value, &room);
    double x, y;
    if (p->type == RULES_NUMERIC && with && !to_number(with, &y)) {
        with = NULL; /* not convertible: the default */
    }
    if (!with && fixed_kv(d->scratch, p->value.fixed, &fixed)) {
        with = &fixed;
    }
    if (!with) {
        return false;
    }
    if (p->type == RULES_NUMERIC) {
        return to_number(kv, &x) && to_number(with, &y) && numeric_is(p->op, x, y);
    }
    if (p->type == RULES_BOOLEAN) {
        return (to_bool(kv) == to_bool(with)) == (p->op == RULES_EQUAL);
    }
    struct tbe_str s = tbe_kv_text(d->scratch, kv), t = tbe_kv_text(d->scratch, with);
    return p->ignore_case ? string_is(p->op, lower(d->scratch, s), lower(d->scratch, t)) : string_is(p->op, s, t);
}

static bool
predicate_is(struct rules_device *d, const struct rules_predicate *p, const struct tbe_kv *kv)
{
    if (p->type != RULES_COMPLEX) {
        return simple_is(d, p, kv);
    }
    for (uint32_t i = 0; i < p->n_parts; i++) {
        if (predicate_is(d, &p->parts[i], kv) != (p->op == RULES_AND)) {
            return p->op == RULES_OR;
        }
    }
    return p->op == RULES_AND;
}

static bool
condition_is(struct rules_device *d, const struct rules_rule *r)
{
    for (uint32_t i = 0; i < r->n_filters; i++) {
        const struct rules_filter *f = &r->filters[i];
        const struct tbe_kv *kv = NULL;
        if (f->key == UINT32_MAX) {
            kv = f->has_constant ? &f->constant : NULL;
        } else if (d->cells[f->key].there) {
            kv = &d->cells[f->key].kv;
        }
        if (!kv || !predicate_is(d, &f->predicate, kv)) {
            return false;
        }
    }
    return true;
}

/* Rules -------------------------------------------------------------------------------------------- */

#define REQUIRED_MAX 1e9 /* more is never reached: 31 years of seconds */

static int64_t
whole(double x)
{
    return !(x > 0) ? 0 : x > REQUIRED_MAX ? (int64_t)REQUIRED_MAX : (int64_t)x;
}

/* How often, or how long in the rule's unit; false with d->error when an attribute is no number. */
static bool
required(struct rules_device *d, const struct rules_rule *r, int64_t *out)
{
    struct tbe_kv room;
    const struct tbe_kv *kv = rules_resolve(d, &r->required, &room);
    double x;
    *out = 0;
    if (!kv) {
        if (fixed_kv(d->scratch, r->required.fixed, &room) && to_number(&room, &x)) {
            *out = whole(x);
        }
        return true;
    }
    if (kv->type != TBE_KV_BOOLEAN && to_number(kv, &x)) {
        *out = whole(x);
        return true;
    }
    struct tbe_str text = tbe_kv_text(d->scratch, kv);
    d->error = tbe_arena_fmt(d->scratch, "Could not convert attribute '%.*s' with value '%.*s' to numeric value!",
                             (int)r->required.attribute.n, r->required.attribute.p, (int)text.n, text.p);
    return false;
}

static enum rules_result
eval_repeating(struct rules_device *d, const struct rules_rule *r, struct rules_counter *c)
{
    int64_t often;
    c->count++;
    d->counted = true;
    return !required(d, r, &often) ? RULES_FALSE : c->count >= often ? RULES_TRUE : RULES_NOT_YET;
}

static enum rules_result
eval_duration(struct rules_device *d, const struct rules_rule *r, struct rules_counter *c)
{
    int64_t want;
    if (c->last_ts == 0) {
        c->last_ts = d->ts;
        c->duration = 0;
        d->counted = true;
    } else if (d->ts > c->last_ts) {
        c->duration += d->ts - c->last_ts;
        c->last_ts = d->ts;
        d->counted = true;
    }
    return !required(d, r, &want) ? RULES_FALSE : c->duration > want * r->unit_ms ? RULES_TRUE : RULES_NOT_YET;
}

enum rules_result
rules_eval(struct rules_device *d, const struct rules_rule *r, struct rules_counter *c)
{
    if (!rules_active(d, &r->schedule, d->ts) || !condition_is(d, r)) {
        return RULES_FALSE;
    }
    switch (r->spec) {
    case RULES_REPEATING:
        return eval_repeating(d, r, c);
    case RULES_DURATION:
        return eval_duration(d, r, c);
    default:
        return RULES_TRUE;
    }
}

enum rules_result
rules_eval_time(struct rules_device *d, const struct rules_rule *r, struct rules_counter *c, int64_t ts)
{
    int64_t want;
    if (r->spec != RULES_DURATION) {
        return RULES_NOT_YET;
    }
    if (!required(d, r, &want) || want <= 0 || c->last_ts <= 0 || ts <= c->last_ts ||
        !rules_active(d, &r->schedule, ts)) {
        return RULES_FALSE;
    }
    return c->duration + (ts - c->last_ts) > want * r->unit_ms ? RULES_TRUE : RULES_NOT_YET;
}
