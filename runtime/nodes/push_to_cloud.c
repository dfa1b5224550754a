/* SPDX-License-Identifier: Apache-2.0 */
/* Rule node "push to cloud": puts a cloud event into the outbox (facts/rule-nodes.md 11.7). It never
 * waits for the cloud. */
#include "config.h"
#include "nodes/engine.h"

#include "base/clock.h"
#include "msg/cloud_event.h"

enum form { FORM_NONE, FORM_ALARM, FORM_ALARM_STATE, FORM_TELEMETRY, FORM_POST_ATTRIBUTES, FORM_ATTRIBUTES,
            FORM_DELETED, FORM_EVENT, FORM_RPC };

/* What each supported message type becomes. The action of FORM_ALARM and FORM_EVENT depends on metadata. */
static const struct {
    enum form form;
    enum cloud_action action;
} forms[TBE_MT_COUNT] = {
    [TBE_MT_ALARM] = { FORM_ALARM, CLOUD_ACTION_UPDATED },
    [TBE_MT_ALARM_CREATED] = { FORM_ALARM, CLOUD_ACTION_UPDATED },
    [TBE_MT_ALARM_UPDATED] = { FORM_ALARM, CLOUD_ACTION_UPDATED },
    [TBE_MT_ALARM_SEVERITY_UPDATED] = { FORM_ALARM, CLOUD_ACTION_UPDATED },
    [TBE_MT_ALARM_ACK] = { FORM_ALARM_STATE, CLOUD_ACTION_ALARM_ACK },
    [TBE_MT_ALARM_CLEAR] = { FORM_ALARM_STATE, CLOUD_ACTION_ALARM_CLEAR },
    [TBE_MT_POST_TELEMETRY_REQUEST] = { FORM_TELEMETRY, CLOUD_ACTION_TIMESERIES_UPDATED },
    [TBE_MT_TIMESERIES_UPDATED] = { FORM_TELEMETRY, CLOUD_ACTION_TIMESERIES_UPDATED },
    [TBE_MT_POST_ATTRIBUTES_REQUEST] = { FORM_POST_ATTRIBUTES, CLOUD_ACTION_POST_ATTRIBUTES },
    [TBE_MT_ATTRIBUTES_UPDATED] = { FORM_ATTRIBUTES, CLOUD_ACTION_ATTRIBUTES_UPDATED },
    [TBE_MT_ATTRIBUTES_DELETED] = { FORM_DELETED, CLOUD_ACTION_ATTRIBUTES_DELETED },
    [TBE_MT_CONNECT_EVENT] = { FORM_EVENT, CLOUD_ACTION_ATTRIBUTES_UPDATED },
    [TBE_MT_DISCONNECT_EVENT] = { FORM_EVENT, CLOUD_ACTION_ATTRIBUTES_UPDATED },
    [TBE_MT_ACTIVITY_EVENT] = { FORM_EVENT, CLOUD_ACTION_ATTRIBUTES_UPDATED },
    [TBE_MT_INACTIVITY_EVENT] = { FORM_EVENT, CLOUD_ACTION_ATTRIBUTES_UPDATED },
    [TBE_MT_TO_SERVER_RPC_REQUEST] = { FORM_RPC, CLOUD_ACTION_RPC_CALL },
};

/* Data as it goes into a body: typed entries are printed already, other text as Jackson prints it. */
static int
data_json(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str *out)
{
    tbe_val v;
    if (m->kvs) {
        *out = m->data;
        return 0;
    }
    if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) < 0) {
        engine_fail(r, "The given string value cannot be transformed to Json object: %.*s", (int)m->data.n,
                    m->data.p);
        return -1;
    }
    *out = tbe_json_text(tbe_msg_arena(m), v, TBE_OUT_JAVA);
    return 0;
}

static void
put_member(struct tbe_buf *b, const char *name, struct tbe_str text)
{
    tbe_buf_putc(b, b->n ? ',' : '{');
    tbe_json_write_str(b, tbe_strz(name));
    tbe_buf_putc(b, ':');
    if (text.p) {
        tbe_json_write_str(b, text);
    } else {
        tbe_buf_putz(b, "null");
    }
}

static struct tbe_str
buf_take(struct tbe_arena *a, struct tbe_buf *b)
{
    struct tbe_str s = tbe_arena_dup(a, tbe_buf_str(b));
    tbe_buf_free(b);
    return s;
}

/* {"kv"|"data"|"keys": json, "ts": .., "scope": ..}; scope absent and ts < 0 are left out. */
static struct tbe_str
body(const struct tbe_msg *m, const char *name, struct tbe_str json, bool ts, struct tbe_str scope, bool post)
{
    struct tbe_buf b = { 0 };
    tbe_buf_reserve(&b, json.n + 96);
    tbe_buf_fmt(&b, "{\"%s\":", name);
    tbe_buf_puts(&b, json);
    if (ts) {
        tbe_buf_fmt(&b, ",\"ts\":%lld", (long long)tbe_msg_md_ts(m));
    }
    if (scope.p) {
        tbe_buf_putz(&b, ",\"scope\":");
        tbe_json_write_str(&b, scope);
    }
    if (post) {
        tbe_buf_putz(&b, ",\"isPostAttributes\":true");
    }
    tbe_buf_putc(&b, '}');
    return buf_take(tbe_msg_arena(m), &b);
}

/* Entity id of the alarm in the data. */
static int
alarm_entity(struct tbe_run *r, const struct tbe_msg *m, struct tbe_entity *out)
{
    tbe_val v, id = TBE_UNDEF_VAL;
    if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) == 0 && v.t == TBE_MAP) {
        id = tbe_map_get(v.u.m, TBE_STR("id"));
        id = id.t == TBE_MAP ? tbe_map_get(id.u.m, TBE_STR("id")) : TBE_UNDEF_VAL;
    }
    out->type = TBE_ENT_ALARM;
    if (!tbe_is_str(id) || !tbe_uuid_parse(tbe_val_str(id), &out->id)) {
        engine_fail(r, "Alarm id is not present in the message!");
        return -1;
    }
    return 0;
}

static bool
md_true(const struct tbe_md *md, struct tbe_str key)
{
    return tbe_str_ieq(tbe_md_get(md, key), TBE_STR("true"));
}

static int
deleted_body(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str scope, struct tbe_str *out)
{
    tbe_val v, keys = TBE_UNDEF_VAL;
    if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) < 0) {
        return data_json(r, m, out);
    }
    if (v.t == TBE_MAP) {
        keys = tbe_map_get(v.u.m, TBE_STR("attributes"));
    }
    struct tbe_str json = keys.t > TBE_NULL ? tbe_json_text(tbe_msg_arena(m), keys, TBE_OUT_JAVA) : TBE_STR("null");
    *out = body(m, "keys", json, false, scope, false);
    return 0;
}

static int
rpc_body(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str *out)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    tbe_val v, params;
    if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &v) < 0 || v.t != TBE_MAP) {
        engine_fail(r, "Message body is not an object!");
        return -1;
    }
    struct tbe_buf b = { 0 };
    put_member(&b, "requestId", tbe_md_get(&m->md, TBE_STR("requestId")));
    put_member(&b, "serviceId", tbe_md_get(&m->md, TBE_STR("serviceId")));
    put_member(&b, "sessionId", tbe_md_get(&m->md, TBE_STR("sessionId")));
    tbe_val method = tbe_map_get(v.u.m, TBE_STR("method"));
    put_member(&b, "method", tbe_is_str(method) ? tbe_val_str(method) : TBE_STR_NONE);
    params = tbe_map_get(v.u.m, TBE_STR("params"));
    put_member(&b, "params", params.t == TBE_UNDEF ? TBE_STR("{}")
                             : tbe_is_str(params)  ? tbe_val_str(params)
                                                   : tbe_json_text(a, params, TBE_OUT_JAVA));
    tbe_buf_putc(&b, '}');
    *out = buf_take(a, &b);
    return 0;
}

static int
fill(struct tbe_run *r, const struct tbe_msg *m, enum form form, struct tbe_str config_scope, struct store_uplink *u)
{
    struct tbe_str json, scope = tbe_md_get(&m->md, TBE_STR("scope"));
    struct tbe_str event_scope = scope.n ? scope : TBE_STR_NONE;
    scope = scope.n ? scope : config_scope;
    switch (form) {
    case FORM_ALARM:
    case FORM_ALARM_STATE:
        u->kind = CLOUD_KIND_ALARM;
        if (form == FORM_ALARM) {
            u->action = md_true(&m->md, TBE_STR("isNewAlarm"))       ? CLOUD_ACTION_ADDED
                        : md_true(&m->md, TBE_STR("isClearedAlarm")) ? CLOUD_ACTION_ALARM_CLEAR
                                                                     : CLOUD_ACTION_UPDATED;
        }
        return alarm_entity(r, m, &u->entity);
    case FORM_DELETED:
        return deleted_body(r, m, scope, &u->body);
    case FORM_RPC:
        return rpc_body(r, m, &u->body);
    default:
        break;
    }
    if (data_json(r, m, &json) < 0) {
        return -1;
    }
    if (form == FORM_TELEMETRY || (form == FORM_EVENT && !event_scope.p)) {
        u->action = CLOUD_ACTION_TIMESERIES_UPDATED;
        u->body = body(m, "data", json, true, TBE_STR_NONE, false);
    } else {
        u->body = body(m, "kv", json, true, scope, form == FORM_POST_ATTRIBUTES);
    }
    return 0;
}

enum tbe_rel
tbe_push_to_cloud(struct tbe_run *r, const struct tbe_push_to_cloud_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    enum form form = forms[m->type_id].form;
    if (tbe_str_ieq(tbe_md_get(&m->md, TBE_STR("source")), TBE_STR("cloud"))) {
        engine_ack(r, *mp); /* came from there: no echo */
        return TBE_REL_NONE;
    }
    if (form == FORM_NONE) {
        engine_fail(r, "Unsupported msg type %.*s", (int)m->type.n, m->type.p);
        return TBE_REL_FAILURE;
    }
    if (form == FORM_TELEMETRY && m->kvs && m->kvs->n) { /* the hot path: the values just saved, once */
        store_push_ts(engine_batch(r->engine), &m->originator, tbe_msg_md_ts(m), m->kvs);
        return TBE_REL_SUCCESS;
    }
    struct store_uplink u = {
        .entity = m->originator,
        .kind = cloud_kind_of(m->originator.type),
        .action = forms[m->type_id].action,
        .created = clock_ms(),
    };
    struct tbe_str scope = cfg->scope < 0 ? TBE_STR_NONE
                                          : tbe_strz(store_scope_name((enum store_scope)cfg->scope));
    if (fill(r, m, form, scope, &u) < 0) {
        return TBE_REL_FAILURE;
    }
    bool log = u.action == CLOUD_ACTION_TIMESERIES_UPDATED || u.action == CLOUD_ACTION_POST_ATTRIBUTES ||
               u.action == CLOUD_ACTION_ATTRIBUTES_UPDATED || u.action == CLOUD_ACTION_ATTRIBUTES_DELETED;
    store_push_cloud(engine_batch(r->engine), &u, log);
    return TBE_REL_SUCCESS;
}
