/* SPDX-License-Identifier: Apache-2.0 */
/* Telemetry and attribute posts: payload to rule messages (facts/device-apis.md 4, 5). The hot path: the
 * payload is parsed straight into the message's arena; further records share that arena. */
#include "config.h"

#include "device/hub_internal.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

static METRIC_COUNTER(m_points, "tbedge_device_points_total", "Telemetry values received from devices.");
static METRIC_COUNTER(m_posts, "tbedge_device_messages_total", "Telemetry and attribute posts accepted from devices.");
static METRIC_COUNTER(m_bad, "tbedge_device_bad_payloads_total", "Telemetry and attribute posts refused.");

/* Would the second pass of 4.6 read this entry back from the data text with the same type and value? A
 * double that prints with an exponent may change its type, a JSON value may lose null members. */
static bool
entry_survives(const struct tbe_kv *kv)
{
    double d;

    if (memchr(kv->key.p, '\0', kv->key.n) != NULL) {
        return false;
    }
    switch (kv->type) {
    case TBE_KV_DOUBLE:
        d = fabs(kv->u.d);
        return d >= 1e-3 && d < 1e7;
    case TBE_KV_JSON:
        return memmem(kv->s.p, kv->s.n, "null", 4) == NULL;
    case TBE_KV_STRING:
        return memchr(kv->s.p, '\0', kv->s.n) == NULL;
    default:
        return true;
    }
}

static const struct tbe_kvs *
surviving(struct tbe_arena *a, const struct tbe_kvs *kvs)
{
    struct tbe_kvs *k;

    for (uint32_t i = 0; i < kvs->n; i++) {
        if (!entry_survives(&kvs->v[i])) {
            return NULL;
        }
    }
    k = tbe_arena_alloc(a, sizeof(*k));
    *k = *kvs;
    return k;
}

static void
set_data(struct device_hub *h, struct tbe_msg *m, const struct tbe_kvs *kvs)
{
    h->text.n = 0;
    tbe_kvs_json(&h->text, kvs, TBE_OUT_GSON);
    m->data = tbe_arena_dup(tbe_msg_arena(m), tbe_buf_str(&h->text));
    m->kvs = surviving(tbe_msg_arena(m), kvs);
}

static void
put_ts(struct tbe_arena *a, struct tbe_md *md, int64_t ts)
{
    char t[TBE_NUMTEXT];
    size_t n = tbe_long_text(ts, t);

    tbe_md_put(a, md, TBE_STR("ts"), tbe_arena_dup(a, (struct tbe_str){ t, n }));
}

static void
put_topic(struct tbe_arena *a, struct tbe_md *md, struct tbe_str topic)
{
    if (topic.p != NULL) {
        tbe_md_put(a, md, TBE_STR("mqttTopic"), tbe_arena_dup(a, topic));
    }
}

static enum hub_result
refuse(struct device_hub *h, struct tbe_msg *m, struct tbe_str e, enum hub_result r, struct tbe_str *err)
{
    tbe_arena_reset(&h->scratch);
    *err = tbe_arena_dup(&h->scratch, e);
    tbe_msg_unref(m);
    metric_add(&m_bad, 1);
    return r;
}

/* Does getAsLong fail? One-element arrays count as their element. */
static bool
ts_bad(tbe_val v)
{
    struct tbe_str s;
    size_t i;

    while (v.t == TBE_LIST && v.u.l->n == 1) {
        v = v.u.l->v[0];
    }
    if (v.t == TBE_NUM) {
        return false;
    }
    if (v.t != TBE_STR_T) {
        return true;
    }
    s = tbe_val_str(v);
    for (i = s.n > 1 && s.p[0] == '-'; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
        continue;
    }
    return s.n == 0 || i < s.n;
}

/* Both errors without a text (4.2): a bad ts is an uncaught exception, values that are no object are an
 * ordinary payload error. The first bad element decides. */
static enum hub_result
error_class(struct tbe_arena *a, struct tbe_str json, struct tbe_str e)
{
    tbe_val v;
    uint32_t n = 1;

    if (e.n > 0 || tbe_json_parse(a, json, TBE_JSON_RAW | TBE_JSON_LENIENT, &v, NULL) != 0) {
        return HUB_PAYLOAD;
    }
    if (v.t == TBE_LIST) {
        n = v.u.l->n;
    }
    for (uint32_t i = 0; i < n; i++) {
        tbe_val o = v.t == TBE_LIST ? v.u.l->v[i] : v;
        tbe_val ts = json_get(o, "ts"), values = json_get(o, "values");

        if (ts.t == TBE_UNDEF || values.t == TBE_UNDEF) {
            continue;
        }
        if (ts_bad(ts)) {
            return HUB_UNCAUGHT;
        }
        if (values.t != TBE_MAP) {
            return HUB_PAYLOAD;
        }
    }
    return HUB_UNCAUGHT;
}

enum hub_result
hub_post_telemetry(struct device_hub *h, struct hub_device *d, struct tbe_str topic, int64_t arrival,
                   struct tbe_str json, bool dry, struct tbe_str *err)
{
    struct tbe_msg *first = hub_msg_new(d, TBE_STR("POST_TELEMETRY_REQUEST"));
    struct tbe_arena *a = tbe_msg_arena(first);
    struct tbe_ts_record *recs;
    struct tbe_str e = TBE_STR_NONE;
    uint32_t n;

    json = tbe_arena_dup(a, json);
    if (tbe_kv_telemetry(a, json, arrival, 0, 0, &recs, &n, &e) != 0) {
        return refuse(h, first, e, error_class(a, json, e), err);
    }
    if (dry || n == 0) { /* "[]": nothing to store; acknowledged at once */
        tbe_msg_unref(first);
        return HUB_DONE;
    }
    hub_msg_names(a, &first->md, d);
    metric_add(&m_posts, 1);
    for (uint32_t i = 0; i < n; i++) {
        struct tbe_msg *m = first;

        if (i + 1 < n) {
            m = tbe_msg_fork(first);
        }
        put_ts(a, &m->md, recs[i].ts);
        put_topic(a, &m->md, topic);
        set_data(h, m, &recs[i].kvs);
        metric_add(&m_points, recs[i].kvs.n);
        hub_submit(h, &m);
    }
    return HUB_DONE;
}

enum hub_result
hub_post_attributes(struct device_hub *h, struct hub_device *d, struct tbe_str topic, struct tbe_str json,
                    bool dry, struct tbe_str *err)
{
    struct tbe_msg *m = hub_msg_new(d, TBE_STR("POST_ATTRIBUTES_REQUEST"));
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_str e = TBE_STR_NONE;
    struct tbe_kvs kvs;

    json = tbe_arena_dup(a, json);
    if (tbe_kv_attributes(a, json, 0, 0, &kvs, &e) != 0) {
        return refuse(h, m, e, HUB_PAYLOAD, err);
    }
    if (dry) {
        tbe_msg_unref(m);
        return HUB_DONE;
    }
    hub_msg_names(a, &m->md, d);
    tbe_md_put(a, &m->md, TBE_STR("notifyDevice"), TBE_STR("false"));
    put_topic(a, &m->md, topic);
    set_data(h, m, &kvs);
    metric_add(&m_posts, 1);
    hub_submit(h, &m);
    return HUB_DONE;
}

void
telemetry_metrics(void)
{
    metric_register(&m_points);
    metric_register(&m_posts);
    metric_register(&m_bad);
}
