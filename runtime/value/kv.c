/* SPDX-License-Identifier: Apache-2.0 */
/* Device payloads to typed entries (facts/device-apis.md 4.2-4.4, rule-nodes.md 9.1). This is the
 * general way, over a parsed document; kv_fast.c takes plain payloads without one. */
#include "config.h"

#include <string.h>

#include "value/kv_fast.h"
#include "value/kv_num.h"
#include "value/value_int.h"

struct kv_in {
    struct tbe_arena *a;
    unsigned flags;
    size_t max_string; /* UTF-16 units, 0 = no limit */
    struct tbe_str *err;
};

static int
kv_fail(struct kv_in *in, struct tbe_str why)
{
    *in->err = why.p ? why : TBE_STR("out of memory");
    return -1;
}

static int
kv_oom(struct kv_in *in)
{
    return kv_fail(in, TBE_STR_NONE);
}

/* "Can't parse value: " and the JSON of v. */
static int
kv_cannot(struct kv_in *in, tbe_val v)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, "Can't parse value: ");
    tbe_json_write(&b, v, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    const struct tbe_str text = b.oom ? TBE_STR_NONE : tbe_arena_dup(in->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return kv_fail(in, text);
}

static size_t
kv_units(struct tbe_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        n += ((c & 0xc0) != 0x80) + (c >= 0xf0);
    }
    return n;
}

/* What the database makes of text: a lone surrogate becomes ?, and of a value NUL goes. */
static bool
kv_stored(struct kv_in *in, struct tbe_str *s, bool key)
{
    const char *odd = NULL;
    for (size_t i = 0; i < s->n && odd == NULL; i++) {
        if ((s->p[i] == '\0' && !key) ||
            ((unsigned char)s->p[i] == 0xed && i + 2 < s->n &&
             (unsigned char)s->p[i + 1] >= 0xa0)) {
            odd = s->p + i;
        }
    }
    if (odd == NULL) {
        return true;
    }
    char *to = tbe_arena_alloc(in->a, s->n);
    if (to == NULL) {
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->p[i] == '\0' && !key) {
            continue;
        }
        if ((unsigned char)s->p[i] == 0xed && i + 2 < s->n && (unsigned char)s->p[i + 1] >= 0xa0) {
            to[n++] = '?';
            i += 2;
        } else {
            to[n++] = s->p[i];
        }
    }
    *s = (struct tbe_str){ to, n };
    return true;
}

static int
kv_number_value(struct kv_in *in, struct tbe_str literal, struct tbe_kv *kv)
{
    const int r = kv_number(in->a, literal, !(in->flags & TBE_KV_NO_CAST), kv);
    if (r == KV_NUM_BIG) {
        return kv_fail(in, TBE_STR("Big integer values are not supported!"));
    }
    return r == 0 ? 0 : kv_oom(in);
}

static int
kv_string_value(struct kv_in *in, struct tbe_str s, struct tbe_kv *kv)
{
    if (in->max_string > 0 && s.n > in->max_string && kv_units(s) > in->max_string) {
        return kv_fail(in, tbe_arena_fmt(in->a,
                                         "String value length [%zu] for key [%.*s] is greater "
                                         "than maximum allowed [%zu]",
                                         kv_units(s), (int)kv->key.n, kv->key.p,
                                         in->max_string));
    }
    struct tbe_str number;
    if (!(in->flags & TBE_KV_NO_CAST) && kv_parsable(in->a, s, &number)) {
        return kv_number_value(in, number, kv);
    }
    kv->type = TBE_KV_STRING;
    kv->s = s;
    return kv_stored(in, &kv->s, false) ? 0 : kv_oom(in);
}

static int
kv_value(struct kv_in *in, tbe_val v, struct tbe_kv *kv)
{
    switch (v.t) {
    case TBE_BOOL:
        kv->type = TBE_KV_BOOLEAN;
        kv->u.b = v.u.i != 0;
        return 0;
    case TBE_NUM:
        return kv_number_value(in, tbe_val_str(v), kv);
    case TBE_STR_T:
        return kv_string_value(in, tbe_val_str(v), kv);
    case TBE_LIST:
    case TBE_MAP:
        kv->type = TBE_KV_JSON;
        kv->s = tbe_json_text(in->a, v, TBE_OUT_GSON | TBE_OUT_NO_HTML);
        return kv->s.p != NULL ? 0 : kv_oom(in);
    default:
        return kv_cannot(in, v);
    }
}

static int
kv_members(struct kv_in *in, const struct tbe_map *m, struct tbe_kvs *out)
{
    *out = (struct tbe_kvs){ NULL, 0 };
    if (m->live == 0) {
        return 0;
    }
    out->v = tbe_arena_alloc(in->a, sizeof *out->v * m->live);
    if (out->v == NULL) {
        return kv_oom(in);
    }
    const struct tbe_entry *e;
    for (uint32_t i = 0; tbe_map_next(m, &i, &e);) {
        if (e->val.t == TBE_NULL && !(in->flags & TBE_KV_NULL_ERROR)) {
            continue;
        }
        struct tbe_kv *kv = &out->v[out->n];
        *kv = (struct tbe_kv){ .key = tbe_val_str(e->key), .s = TBE_STR_INIT("") };
        if (!kv_stored(in, &kv->key, true)) {
            return kv_oom(in);
        }
        if (kv_value(in, e->val, kv) != 0) {
            return -1;
        }
        out->n++;
    }
    return 0;
}

/* "ts" of a record; the reference lets a bad one escape as an exception without text. */
static int
kv_ts(struct kv_in *in, tbe_val v, int64_t *ts)
{
    if (v.t == TBE_LIST && v.u.l->n == 1) {
        return kv_ts(in, v.u.l->v[0], ts);
    }
    if ((v.t == TBE_NUM && kv_ts_number(tbe_val_str(v), ts)) ||
        (v.t == TBE_STR_T && kv_ts_text(tbe_val_str(v), ts))) {
        return 0;
    }
    return kv_fail(in, TBE_STR(""));
}

static int
kv_record(struct kv_in *in, tbe_val v, int64_t default_ts, struct tbe_ts_record *rec)
{
    if (v.t != TBE_MAP) {
        return kv_cannot(in, v);
    }
    const tbe_val ts = tbe_map_get(v.u.m, TBE_STR("ts"));
    const tbe_val values = tbe_map_get(v.u.m, TBE_STR("values"));
    rec->ts = default_ts;
    if (ts.t == TBE_UNDEF || values.t == TBE_UNDEF) {
        return kv_members(in, v.u.m, &rec->kvs);
    }
    if (kv_ts(in, ts, &rec->ts) != 0) {
        return -1;
    }
    return values.t == TBE_MAP ? kv_members(in, values.u.m, &rec->kvs) : kv_fail(in, TBE_STR(""));
}

static int
kv_parse(struct kv_in *in, struct tbe_str json, tbe_val *doc)
{
    const unsigned flags = TBE_JSON_RAW | TBE_JSON_LENIENT | TBE_JSON_BORROW;
    if (tbe_json_parse(in->a, json, flags, doc, NULL) == 0) {
        return 0;
    }
    return kv_fail(in, tbe_json_gson_error(in->a, json));
}

int
kv_general_telemetry(struct tbe_arena *a, struct tbe_str json, int64_t default_ts, unsigned flags,
                     size_t max_string, struct tbe_ts_record **recs, uint32_t *n,
                     struct tbe_str *err)
{
    struct kv_in in = { .a = a, .flags = flags, .max_string = max_string, .err = err };
    tbe_val doc;
    *recs = NULL;
    *n = 0;
    if (kv_parse(&in, json, &doc) != 0) {
        return -1;
    }
    const tbe_val *v = doc.t == TBE_LIST ? doc.u.l->v : &doc;
    const uint32_t count = doc.t == TBE_LIST ? doc.u.l->n : 1;
    struct tbe_ts_record *out = tbe_arena_alloc(a, sizeof *out * (count + 1));
    if (out == NULL) {
        return kv_oom(&in);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (kv_record(&in, v[i], default_ts, &out[i]) != 0) {
            return -1;
        }
    }
    *recs = out;
    *n = count;
    return 0;
}

int
kv_general_attributes(struct tbe_arena *a, struct tbe_str json, unsigned flags, size_t max_string,
                      struct tbe_kvs *out, struct tbe_str *err)
{
    struct kv_in in = { .a = a, .flags = flags, .max_string = max_string, .err = err };
    tbe_val doc;
    *out = (struct tbe_kvs){ NULL, 0 };
    if (kv_parse(&in, json, &doc) != 0) {
        return -1;
    }
    return doc.t == TBE_MAP ? kv_members(&in, doc.u.m, out) : kv_cannot(&in, doc);
}

int
tbe_kv_telemetry(struct tbe_arena *a, struct tbe_str json, int64_t default_ts, unsigned flags,
                 size_t max_string, struct tbe_ts_record **recs, uint32_t *n, struct tbe_str *err)
{
    const struct kv_fast_opts opts = { a, flags, max_string, default_ts };
    if (kv_fast_telemetry(&opts, json, recs, n)) {
        return 0;
    }
    return kv_general_telemetry(a, json, default_ts, flags, max_string, recs, n, err);
}

int
tbe_kv_attributes(struct tbe_arena *a, struct tbe_str json, unsigned flags, size_t max_string,
                  struct tbe_kvs *out, struct tbe_str *err)
{
    const struct kv_fast_opts opts = { a, flags, max_string, 0 };
    if (kv_fast_attributes(&opts, json, out)) {
        return 0;
    }
    return kv_general_attributes(a, json, flags, max_string, out, err);
}
