/* SPDX-License-Identifier: Apache-2.0 */
/* Rule node "save time series" (facts/rule-nodes.md 11.2). The typed entries of a device's message are
 * stored as they are; other data is parsed. */
#include "config.h"
#include "nodes/save.h"

#include <string.h>

#include "base/clock.h"

struct flags {
    bool timeseries, latest, other; /* other: subscriptions and calculated fields */
};

static struct flags
decide(struct tbe_run *r, const struct tbe_timeseries_processing *p, int64_t ts, const struct tbe_msg *m)
{
    switch (p->type) {
    case TBE_TIMESERIES_PROCESSING_TYPE_ON_EVERY_MESSAGE:
        return (struct flags){ true, true, true };
    case TBE_TIMESERIES_PROCESSING_TYPE_WEBSOCKETS_ONLY:
        return (struct flags){ false, false, true };
    case TBE_TIMESERIES_PROCESSING_TYPE_DEDUPLICATE: {
        bool first = engine_first_in_interval(r->engine, p, p->deduplication_interval_secs, ts, &m->originator.id);
        return (struct flags){ first, first, first };
    }
    default: {
        /* Every strategy is asked: each has a memory of its own. */
        struct flags f = { save_strategy(r, &p->timeseries, ts, m), save_strategy(r, &p->latest, ts, m), false };
        bool ws = save_strategy(r, &p->web_sockets, ts, m);
        bool cf = save_strategy(r, &p->calculated_fields, ts, m);
        f.other = ws || cf;
        return f;
    }
    }
}

/* NULL, or why the keys cannot be stored. */
static const char *
bad_key(const struct tbe_kvs *kvs)
{
    for (uint32_t i = 0; i < kvs->n; i++) {
        struct tbe_str k = kvs->v[i].key;
        if (save_key_blank(k)) {
            return "Key can't be null or empty";
        }
        if (TBE_UNLIKELY(k.n > SAVE_KEY_MAX) && save_key_chars(k) > SAVE_KEY_MAX) {
            return "Validation error: key length must be equal or less than 255";
        }
        if (save_key_malformed(k)) {
            return "Validation error: key is malformed";
        }
    }
    return NULL;
}

#define SAVE_TS_MAX INT64_C(253402300799999) /* later ones are not stored (facts/device-apis.md 4.2) */

/* Data that has both members is a record of its own when it is parsed (9.1). */
static bool
looks_like_record(const struct tbe_kvs *kvs)
{
    unsigned seen = 0;
    for (uint32_t i = 0; i < kvs->n; i++) {
        struct tbe_str k = kvs->v[i].key;
        seen |= k.n == 2 && memcmp(k.p, "ts", 2) == 0 ? 1u : k.n == 6 && memcmp(k.p, "values", 6) == 0 ? 2u : 0u;
    }
    return seen == 3;
}

static int
read_ttl(struct tbe_run *r, const struct tbe_save_timeseries_cfg *cfg, const struct tbe_msg *m, int64_t *ttl)
{
    struct tbe_str s = tbe_md_get(&m->md, TBE_STR("TTL"));
    *ttl = cfg->default_ttl;
    if (s.n && !tbe_parse_long(s, ttl)) {
        engine_fail(r, "For input string: \"%.*s\"", (int)s.n, s.p);
        return -1;
    }
    return 0;
}

enum tbe_rel
tbe_save_timeseries(struct tbe_run *r, const struct tbe_save_timeseries_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    struct tbe_ts_record one, *recs = &one;
    uint32_t n = 1, keys = 0;
    int64_t ttl;
    if (m->type_id != TBE_MT_POST_TELEMETRY_REQUEST) {
        engine_fail(r, "Unsupported msg type: %.*s", (int)m->type.n, m->type.p);
        return TBE_REL_FAILURE;
    }
    int64_t ts = cfg->use_server_ts ? clock_ms() : tbe_msg_md_ts(m);
    struct flags f = decide(r, &cfg->processing_settings, ts, m);
    if (!f.timeseries && !f.latest && !f.other) {
        return TBE_REL_SUCCESS;
    }
    if (m->kvs && !looks_like_record(m->kvs)) {
        one = (struct tbe_ts_record){ ts, *m->kvs };
    } else if (tbe_kv_telemetry(tbe_msg_arena(m), m->data, ts, TBE_KV_NULL_ERROR, 0, &recs, &n, &r->error) < 0) {
        return TBE_REL_FAILURE;
    }
    for (uint32_t i = 0; i < n; i++) {
        keys += recs[i].kvs.n;
    }
    if (keys == 0) {
        engine_fail(r, "Msg body is empty: %.*s", (int)m->data.n, m->data.p);
        return TBE_REL_FAILURE;
    }
    if (read_ttl(r, cfg, m, &ttl) < 0) {
        return TBE_REL_FAILURE;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *why = bad_key(&recs[i].kvs);
        if (why) {
            engine_fail(r, "%s", why);
            return TBE_REL_FAILURE;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (recs[i].ts > SAVE_TS_MAX) {
            engine_fail(r, "Time stamp is beyond the year 9999: %lld", (long long)recs[i].ts);
            return TBE_REL_FAILURE;
        }
    }
    unsigned flags = (f.timeseries ? STORE_TS_HISTORY : 0u) | (f.latest ? STORE_TS_LATEST : 0u);
    for (uint32_t i = 0; flags && i < n; i++) {
        store_save_ts(engine_batch(r->engine), &m->originator, recs[i].ts, &recs[i].kvs, ttl, flags);
    }
    return TBE_REL_SUCCESS;
}
