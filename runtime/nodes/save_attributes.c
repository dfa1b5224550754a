/* SPDX-License-Identifier: Apache-2.0 */
/* Rule node "save attributes" (facts/rule-nodes.md 11.3). */
#include "config.h"
#include "nodes/save.h"

#include <string.h>

#include "base/clock.h"
#include "device/hub.h"

static bool
decide(struct tbe_run *r, const struct tbe_attributes_processing *p, int64_t ts, const struct tbe_msg *m, bool *save)
{
    switch (p->type) {
    case TBE_ATTRIBUTES_PROCESSING_TYPE_ON_EVERY_MESSAGE:
        *save = true;
        return true;
    case TBE_ATTRIBUTES_PROCESSING_TYPE_WEBSOCKETS_ONLY:
        *save = false;
        return true;
    case TBE_ATTRIBUTES_PROCESSING_TYPE_DEDUPLICATE:
        *save = engine_first_in_interval(r->engine, p, p->deduplication_interval_secs, ts, &m->originator.id);
        return *save;
    default: {
        *save = save_strategy(r, &p->attributes, ts, m);
        bool ws = save_strategy(r, &p->web_sockets, ts, m);
        bool cf = save_strategy(r, &p->calculated_fields, ts, m);
        return *save || ws || cf;
    }
    }
}

static int
read_scope(struct tbe_run *r, const struct tbe_save_attributes_cfg *cfg, const struct tbe_msg *m)
{
    struct tbe_str s = tbe_md_get(&m->md, TBE_STR("scope"));
    int scope = cfg->scope;
    if (s.n) {
        scope = store_scope_parse(s);
        if (scope < 0) {
            engine_fail(r, "No enum constant org.thingsboard.server.common.data.AttributeScope.%.*s", (int)s.n, s.p);
        }
    } else if (scope < 0) {
        engine_fail(r, "Name is null");
    }
    return scope;
}

/* Only what is new or differs in value or type. */
static struct tbe_kvs
changed(struct tbe_run *r, const struct tbe_msg *m, enum store_scope scope, const struct tbe_kvs *kvs)
{
    struct tbe_kvs out = { tbe_arena_alloc(tbe_msg_arena(m), (kvs->n + 1) * sizeof(*out.v)), 0 };
    for (uint32_t i = 0; i < kvs->n; i++) {
        struct tbe_kv old;
        int64_t ts;
        if (!store_attr(engine_store(r->engine), &m->originator, scope, kvs->v[i].key, &old, &ts) ||
            !tbe_kv_same(&old, &kvs->v[i])) {
            out.v[out.n++] = kvs->v[i];
        }
    }
    return out;
}

static int
check_keys(struct tbe_run *r, const struct tbe_kvs *kvs)
{
    for (uint32_t i = 0; i < kvs->n; i++) {
        struct tbe_str k = kvs->v[i].key;
        if (save_key_blank(k)) {
            engine_fail(r, "Incorrect attribute key");
            return -1;
        }
        if (k.n > SAVE_KEY_MAX && save_key_chars(k) > SAVE_KEY_MAX) {
            engine_fail(r, "Validation error: key length must be equal or less than 255");
            return -1;
        }
        if (save_key_malformed(k)) {
            engine_fail(r, "Validation error: key is malformed");
            return -1;
        }
    }
    return 0;
}

/* Device posts say notifyDevice "false"; absent means yes (rule-nodes 19.8). */
static bool
wants_notify(const struct tbe_save_attributes_cfg *cfg, const struct tbe_msg *m)
{
    struct tbe_str s = tbe_md_get(&m->md, TBE_STR("notifyDevice"));
    return cfg->notify_device || s.n == 0 || tbe_str_ieq(s, TBE_STR("true"));
}

static void
tell_updated(struct tbe_run *r, const struct tbe_msg *m, enum store_scope scope, const struct tbe_kvs *kvs)
{
    struct tbe_msg *u = tbe_msg_new(TBE_STR("ATTRIBUTES_UPDATED"), m->originator);
    struct tbe_arena *a = tbe_msg_arena(u);
    struct tbe_buf b = { 0 };
    tbe_kvs_json(&b, kvs, TBE_OUT_JAVA);
    tbe_msg_set_data(u, tbe_arena_dup(a, tbe_buf_str(&b)));
    tbe_buf_free(&b);
    tbe_md_put(a, &u->md, TBE_STR("ruleNodeId"), tbe_strz(engine_node(r)->id));
    tbe_md_put(a, &u->md, TBE_STR("scope"), tbe_strz(store_scope_name(scope)));
    engine_enqueue_take(r, &u);
}

/* The parser's words for data that is no object are those of the transports; here it is Gson that speaks. */
static enum tbe_rel
bad_data(struct tbe_run *r, const struct tbe_msg *m)
{
    static const char parser[] = "Can't parse value: ";
    const size_t n = sizeof(parser) - 1;
    size_t i = 0;
    while (i < m->data.n && (unsigned char)m->data.p[i] <= ' ') {
        i++;
    }
    if ((i == m->data.n || m->data.p[i] != '{') && r->error.n > n && memcmp(r->error.p, parser, n) == 0) {
        struct tbe_str rest = { r->error.p + n, r->error.n - n };
        engine_fail(r, "Not a JSON Object: %.*s", (int)rest.n, rest.p);
    }
    return TBE_REL_FAILURE;
}

enum tbe_rel
tbe_save_attributes(struct tbe_run *r, const struct tbe_save_attributes_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    struct tbe_kvs kvs;
    bool save;
    if (m->type_id != TBE_MT_POST_ATTRIBUTES_REQUEST) {
        engine_fail(r, "Unsupported msg type: %.*s", (int)m->type.n, m->type.p);
        return TBE_REL_FAILURE;
    }
    if (m->kvs) {
        kvs = *m->kvs;
    } else if (tbe_kv_attributes(tbe_msg_arena(m), m->data, TBE_KV_NULL_ERROR, 0, &kvs, &r->error) < 0) {
        return bad_data(r, m);
    }
    if (kvs.n == 0 || !decide(r, &cfg->processing_settings, tbe_msg_md_ts(m), m, &save)) {
        return TBE_REL_SUCCESS;
    }
    int scope = read_scope(r, cfg, m);
    if (scope < 0 || check_keys(r, &kvs) < 0) {
        return TBE_REL_FAILURE;
    }
    if (cfg->update_attributes_only_on_value_change) {
        kvs = changed(r, m, (enum store_scope)scope, &kvs);
        if (kvs.n == 0) {
            return TBE_REL_SUCCESS;
        }
    }
    if (save) {
        struct store_batch *b = engine_batch(r->engine);
        store_save_attrs(b, &m->originator, (enum store_scope)scope, clock_ms(), &kvs);
        if (m->originator.type == TBE_ENT_DEVICE && scope == STORE_SHARED && wants_notify(cfg, m)) {
            hub_shared_updated(engine_hub(r->engine), b, &m->originator.id, &kvs);
        }
    }
    if (cfg->send_attributes_updated_notification && scope != STORE_CLIENT) {
        tell_updated(r, m, (enum store_scope)scope, &kvs);
    }
    return TBE_REL_SUCCESS;
}
