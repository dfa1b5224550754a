/* SPDX-License-Identifier: Apache-2.0 */
/* Adding values to data or metadata (facts/rule-nodes.md 9.2, 9.3). */
#include "config.h"
#include "nodes/enrich.h"

int
enrich_begin(struct tbe_run *r, const struct tbe_msg *m, bool to_data, struct enrich *e)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    *e = (struct enrich){ .to_data = to_data };
    if (to_data) {
        tbe_val v;
        if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) < 0 || v.t != TBE_MAP) {
            engine_fail(r, "Message body is not an object!");
            return -1;
        }
        tbe_val copy = tbe_map_new(a, v.u.m->live + 8); /* values are shared with the parsed original */
        const struct tbe_entry *en;
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &en);) {
            tbe_map_put(a, copy.u.m, tbe_val_str(en->key), en->val);
        }
        e->map = copy.u.m;
    }
    e->d = tbe_msg_derive(m);
    return 0;
}

void
enrich_text(struct enrich *e, struct tbe_str key, struct tbe_str text)
{
    struct tbe_arena *a = tbe_msg_arena(e->d);
    key = tbe_arena_dup(a, key);
    text = tbe_arena_dup(a, text);
    if (e->to_data) {
        tbe_map_put(a, e->map, key, tbe_strv(text));
    } else {
        tbe_md_put(a, &e->d->md, key, text);
    }
}

static tbe_val
kv_value(struct tbe_arena *a, const struct tbe_kv *kv)
{
    struct tbe_str s;
    tbe_val v;
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        return tbe_bool(kv->u.b);
    case TBE_KV_LONG:
        return tbe_long(kv->u.i);
    case TBE_KV_DOUBLE:
        return tbe_double(kv->u.d);
    case TBE_KV_JSON:
        s = tbe_arena_dup(a, kv->s);
        if (tbe_json_parse(a, s, TBE_JSON_JAVA | TBE_JSON_BORROW, &v, NULL) == 0) {
            return v;
        }
        return tbe_strv(s);
    default:
        return tbe_strv(tbe_arena_dup(a, kv->s));
    }
}

void
enrich_kv(struct enrich *e, struct tbe_str key, const struct tbe_kv *kv)
{
    struct tbe_arena *a = tbe_msg_arena(e->d);
    if (e->to_data) {
        tbe_map_put(a, e->map, tbe_arena_dup(a, key), kv_value(a, kv));
    } else {
        enrich_text(e, key, tbe_kv_text(a, kv));
    }
}

void
enrich_kv_ts(struct enrich *e, struct tbe_str key, const struct tbe_kv *kv, int64_t ts)
{
    struct tbe_arena *a = tbe_msg_arena(e->d);
    tbe_val both = tbe_map_new(a, 2);
    tbe_map_put(a, both.u.m, TBE_STR("ts"), tbe_long(ts));
    tbe_map_put(a, both.u.m, TBE_STR("value"), kv_value(a, kv));
    if (e->to_data) {
        tbe_map_put(a, e->map, tbe_arena_dup(a, key), both);
    } else {
        enrich_text(e, key, tbe_json_text(a, both, TBE_OUT_JAVA));
    }
}

void
enrich_end(struct enrich *e, struct tbe_msg **m)
{
    if (e->to_data) {
        tbe_val v = { .t = TBE_MAP, .u = { .m = e->map } };
        tbe_msg_set_data(e->d, tbe_json_text(tbe_msg_arena(e->d), v, TBE_OUT_JAVA));
    }
    *m = e->d;
}
