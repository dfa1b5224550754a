/* SPDX-License-Identifier: Apache-2.0 */
/* Plain payloads straight into typed entries: flat objects of RFC JSON with ASCII text without
 * escapes, alone, in an array, or under "ts" and "values". Anything else is given up at once and
 * read the general way, so this file decides nothing that is odd. */
#include "config.h"

#include "value/kv_fast.h"

#include <string.h>

#include "value/json_scan.h"
#include "value/kv_num.h"
#include "value/numparse.h"

#define FAST_KEYS 48 /* of one object; they are compared pairwise, so not many more would pay */
#define FAST_DIGITS 18 /* always fit int64 */
#define FAST_SCALE 16  /* decimals a DOUBLE may have (facts/device-apis.md 4.4) */

struct kv_fast {
    const struct kv_fast_opts *o;
    const char *p, *end;
};

/* Entries of one object while it is read. */
struct kv_fast_obj {
    struct tbe_kv v[FAST_KEYS];
    uint32_t n;
    const struct tbe_kv *ts; /* the member "ts", when it is an integer literal */
    bool has_ts, has_values; /* telemetry: members of these names; values is an object */
};

static inline void
fast_space(struct kv_fast *f)
{
    while (f->p < f->end && (*f->p == ' ' || *f->p == '\n' || *f->p == '\r' || *f->p == '\t')) {
        f->p++;
    }
}

static inline bool
fast_take(struct kv_fast *f, char c)
{
    if (f->p == f->end || *f->p != c) {
        return false;
    }
    f->p++;
    return true;
}

/* A string behind its opening quote. */
static inline bool
fast_string(struct kv_fast *f, struct tbe_str *out)
{
    const char *from = f->p;
    f->p = json_plain_end(from, f->end);
    *out = (struct tbe_str){ from, (size_t)(f->p - from) };
    return fast_take(f, '"');
}

static inline bool
fast_number(struct kv_fast *f, struct tbe_kv *kv)
{
    const char *p = f->p, *end = f->end;
    const bool neg = *p == '-';
    const char *digits = p += neg;
    uint64_t w = 0;
    while (p < end && (unsigned)(*p - '0') < 10) {
        w = w * 10 + (unsigned)(*p++ - '0');
    }
    const long whole = p - digits;
    long part = 0;
    if (p < end && *p == '.') {
        const char *dot = ++p;
        while (p < end && (unsigned)(*p - '0') < 10) {
            w = w * 10 + (unsigned)(*p++ - '0');
        }
        part = p - dot;
        if (part == 0 || part > FAST_SCALE) {
            return false;
        }
    }
    /* a character of a longer word behind it is refused by the caller, which wants , or } */
    if (whole == 0 || whole + part > FAST_DIGITS || (*digits == '0' && whole > 1)) {
        return false;
    }
    f->p = p;
    if (part == 0) {
        kv->type = TBE_KV_LONG;
        kv->u.i = neg ? -(int64_t)w : (int64_t)w;
        return true;
    }
    double d;
    if (!num_decimal(w, (int)-part, &d)) {
        return false;
    }
    kv->type = TBE_KV_DOUBLE;
    kv->u.d = neg && w != 0 ? -d : d;
    return true;
}

static inline bool
fast_text(struct kv_fast *f, struct tbe_kv *kv)
{
    struct tbe_str s, number;
    if (!fast_string(f, &s) || (f->o->max_string > 0 && s.n > f->o->max_string)) {
        return false;
    }
    if (s.n > 0 && (s.p[0] < 'A') && !(f->o->flags & TBE_KV_NO_CAST) &&
        kv_parsable(f->o->a, s, &number)) {
        return kv_number(f->o->a, number, true, kv) == 0;
    }
    kv->type = TBE_KV_STRING;
    kv->s = s;
    return true;
}

static inline bool
fast_word(struct kv_fast *f, const char *word, size_t n)
{
    if ((size_t)(f->end - f->p) < n || memcmp(f->p, word, n) != 0) {
        return false;
    }
    f->p += n;
    return true;
}

/* A scalar but null, whose name would have to be remembered without an entry. */
static inline bool
fast_scalar(struct kv_fast *f, struct tbe_kv *kv)
{
    switch (*f->p) {
    case '"':
        f->p++;
        return fast_text(f, kv);
    case 't':
    case 'f':
        kv->type = TBE_KV_BOOLEAN;
        kv->u.b = *f->p == 't';
        return kv->u.b ? fast_word(f, "true", 4) : fast_word(f, "false", 5);
    case '-':
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        return fast_number(f, kv);
    default:
        return false;
    }
}

static inline bool
fast_known(const struct kv_fast_obj *obj, struct tbe_str key)
{
    for (uint32_t i = 0; i < obj->n; i++) {
        if (obj->v[i].key.n == key.n && memcmp(obj->v[i].key.p, key.p, key.n) == 0) {
            return true;
        }
    }
    return false;
}

static bool fast_object(struct kv_fast *f, struct kv_fast_obj *obj, struct kv_fast_obj *values);

/* A member. `values`: where the members of "values" go, NULL where that is a name like any
 * other. */
static inline bool
fast_member(struct kv_fast *f, struct kv_fast_obj *obj, struct kv_fast_obj *values)
{
    struct tbe_kv *kv = &obj->v[obj->n];
    if (obj->n == FAST_KEYS || !fast_take(f, '"') || !fast_string(f, &kv->key) ||
        fast_known(obj, kv->key)) {
        return false;
    }
    fast_space(f);
    if (!fast_take(f, ':')) {
        return false;
    }
    fast_space(f);
    if (f->p == f->end) {
        return false;
    }
    kv->s = TBE_STR("");
    kv->u.i = 0;
    if (*f->p == '{') {
        if (values == NULL || obj->has_values || !tbe_str_eq(kv->key, TBE_STR("values"))) {
            return false;
        }
        f->p++;
        obj->has_values = true;
        return fast_object(f, values, NULL);
    }
    if (values != NULL && kv->key.n == 2 && memcmp(kv->key.p, "ts", 2) == 0) {
        obj->has_ts = true;
        obj->ts = *f->p == '-' || (*f->p >= '0' && *f->p <= '9') ? kv : NULL;
    }
    if (!fast_scalar(f, kv)) {
        return false;
    }
    obj->n++;
    return true;
}

/* Members behind the opening brace, and the closing one. */
static bool
fast_object(struct kv_fast *f, struct kv_fast_obj *obj, struct kv_fast_obj *values)
{
    fast_space(f);
    if (fast_take(f, '}')) {
        return true;
    }
    for (;;) {
        fast_space(f);
        if (!fast_member(f, obj, values)) {
            return false;
        }
        fast_space(f);
        if (fast_take(f, '}')) {
            return true;
        }
        if (!fast_take(f, ',')) {
            return false;
        }
    }
}

static bool
fast_keep(struct kv_fast *f, const struct kv_fast_obj *obj, struct tbe_kvs *out)
{
    *out = (struct tbe_kvs){ NULL, 0 };
    if (obj->n == 0) {
        return true;
    }
    out->v = tbe_arena_alloc(f->o->a, sizeof *out->v * obj->n);
    if (out->v == NULL) {
        return false;
    }
    memcpy(out->v, obj->v, sizeof *out->v * obj->n);
    out->n = obj->n;
    return true;
}

static void
fast_obj_init(struct kv_fast_obj *obj)
{
    obj->n = 0; /* v is not cleared: it is large and n says what is used */
    obj->ts = NULL;
    obj->has_ts = obj->has_values = false;
}

/* One record behind its opening brace. */
static bool
fast_record(struct kv_fast *f, struct tbe_ts_record *rec)
{
    struct kv_fast_obj obj, values;
    fast_obj_init(&obj);
    fast_obj_init(&values);
    if (!fast_object(f, &obj, &values)) {
        return false;
    }
    rec->ts = f->o->default_ts;
    if (!obj.has_values) {
        /* "values" that is no object counts as ts-and-values too when there is a ts */
        return !(obj.has_ts && fast_known(&obj, TBE_STR("values"))) &&
            fast_keep(f, &obj, &rec->kvs);
    }
    if (obj.ts == NULL || obj.ts->type != TBE_KV_LONG || fast_known(&obj, TBE_STR("values"))) {
        return false;
    }
    rec->ts = obj.ts->u.i;
    return fast_keep(f, &values, &rec->kvs);
}

static bool
fast_at_end(struct kv_fast *f)
{
    fast_space(f);
    return f->p == f->end;
}

static bool
fast_array(struct kv_fast *f, struct tbe_ts_record **recs, uint32_t *n)
{
    struct tbe_ts_record *v = NULL;
    uint32_t cap = 0, count = 0;
    for (;;) {
        fast_space(f);
        if (!fast_take(f, '{')) {
            return false;
        }
        if (count == cap) {
            cap = cap == 0 ? 8 : cap * 2;
            struct tbe_ts_record *to = tbe_arena_alloc(f->o->a, sizeof *to * cap);
            if (to == NULL) {
                return false;
            }
            if (count > 0) {
                memcpy(to, v, sizeof *to * count);
            }
            v = to;
        }
        if (!fast_record(f, &v[count++])) {
            return false;
        }
        fast_space(f);
        if (fast_take(f, ']')) {
            *recs = v;
            *n = count;
            return fast_at_end(f);
        }
        if (!fast_take(f, ',')) {
            return false;
        }
    }
}

bool
kv_fast_telemetry(const struct kv_fast_opts *o, struct tbe_str json, struct tbe_ts_record **recs,
                  uint32_t *n)
{
    if (json.n == 0) {
        return false;
    }
    struct kv_fast f = { o, json.p, json.p + json.n };
    fast_space(&f);
    if (fast_take(&f, '[')) {
        return fast_array(&f, recs, n);
    }
    if (!fast_take(&f, '{')) {
        return false;
    }
    struct tbe_ts_record *rec = tbe_arena_alloc(o->a, sizeof *rec);
    if (rec == NULL || !fast_record(&f, rec) || !fast_at_end(&f)) {
        return false;
    }
    *recs = rec;
    *n = 1;
    return true;
}

bool
kv_fast_attributes(const struct kv_fast_opts *o, struct tbe_str json, struct tbe_kvs *out)
{
    if (json.n == 0) {
        return false;
    }
    struct kv_fast f = { o, json.p, json.p + json.n };
    struct kv_fast_obj obj;
    fast_obj_init(&obj);
    fast_space(&f);
    return fast_take(&f, '{') && fast_object(&f, &obj, NULL) && fast_at_end(&f) &&
        fast_keep(&f, &obj, out);
}
