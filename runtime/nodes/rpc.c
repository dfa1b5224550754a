/* SPDX-License-Identifier: Apache-2.0 */
/* RPC call request and RPC call reply (facts/rule-nodes.md 11.5, 11.6). A request is parked until the
 * device answers; the row also holds the time-out for the case that this process does not live to see it. */
#include "config.h"
#include "nodes/engine_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "device/hub.h"
#include "nodes/resume.h"

/* Request ---------------------------------------------------------------------------------------- */

struct rpc_waiting { /* argument of the answer; freed by it, or with the engine */
    struct tbe_engine *engine;
    struct rpc_waiting *next, **link; /* in the engine's list */
    char key[TBE_UUID_TEXT + 1];
};

static const char *const error_names[] = {
    [HUB_RPC_OK] = "", [HUB_RPC_NO_ACTIVE_CONNECTION] = "NO_ACTIVE_CONNECTION",
    [HUB_RPC_TIMEOUT] = "TIMEOUT", [HUB_RPC_INTERNAL] = "INTERNAL",
};

static void
resume_with(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_msg **m, const char *error,
            struct tbe_str response)
{
    struct tbe_arena *a = tbe_msg_arena(*m);
    tbe_uuid_random(&(*m)->id);
    (*m)->ts = clock_ms();
    if (error) {
        tbe_msg_set_data(*m, tbe_arena_fmt(a, "{\"error\":\"%s\"}", error));
        engine_resume_take(e, chain, node, TBE_STR("Failure"), tbe_strz(error), m);
    } else {
        tbe_msg_set_data(*m, response.n ? tbe_arena_dup(a, response) : TBE_STR("{}"));
        engine_resume_take(e, chain, node, TBE_STR("Success"), TBE_STR_NONE, m);
    }
}

void
rpc_request_timeout(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_msg **m)
{
    resume_with(e, chain, node, m, "TIMEOUT", TBE_STR_NONE);
}

static void
waiting_free(struct rpc_waiting *w)
{
    *w->link = w->next;
    if (w->next) {
        w->next->link = w->link;
    }
    free(w);
}

void
rpc_free_waiting(struct tbe_engine *e)
{
    while (e->rpcs) {
        waiting_free(e->rpcs);
    }
}

static struct rpc_waiting *
waiting_new(struct tbe_engine *e)
{
    struct rpc_waiting *w = calloc(1, sizeof(*w));
    if (w) {
        w->engine = e;
        w->next = e->rpcs;
        w->link = &e->rpcs;
        e->rpcs = w;
        if (w->next) {
            w->next->link = &w->next;
        }
    }
    return w;
}

static void
answered(void *arg, enum hub_rpc_error error, struct tbe_str response)
{
    struct rpc_waiting *w = arg;
    uint32_t chain, node;
    struct tbe_msg *m = engine_unpark(w->engine, tbe_strz(w->key), &chain, &node);
    if (m) { /* else its time-out came first */
        resume_with(w->engine, chain, node, &m, error == HUB_RPC_OK ? NULL : error_names[error], response);
    }
    waiting_free(w);
}

/* A member as text: scalars plain, objects and arrays as JSON. */
static struct tbe_str
member_text(struct tbe_arena *a, tbe_val v)
{
    return tbe_is_str(v) || v.t == TBE_NUM ? tbe_val_str(v) : tbe_json_text(a, v, TBE_OUT_JAVA);
}

static int64_t
md_long(const struct tbe_md *md, struct tbe_str key, int64_t otherwise)
{
    struct tbe_str s = tbe_md_get(md, key);
    int64_t v;
    return s.n && tbe_parse_long(s, &v) ? v : otherwise;
}

static int
read_request(struct tbe_run *r, const struct tbe_msg *m, struct hub_rpc *rpc)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    tbe_val data;
    if (tbe_json_parse(a, m->data, TBE_JSON_RAW | TBE_JSON_LENIENT | TBE_JSON_BORROW, &data, NULL) < 0 ||
        data.t != TBE_MAP) {
        engine_fail(r, "Not a JSON Object: %.*s", (int)m->data.n, m->data.p);
        return -1;
    }
    if (m->originator.type != TBE_ENT_DEVICE) {
        engine_fail(r, "Message originator is not a device entity!");
        return -1;
    }
    tbe_val method = tbe_map_get(data.u.m, TBE_STR("method"));
    tbe_val params = tbe_map_get(data.u.m, TBE_STR("params"));
    tbe_val info = tbe_map_get(data.u.m, TBE_STR("additionalInfo"));
    if (method.t == TBE_UNDEF) {
        engine_fail(r, "Method is not present in the message!");
        return -1;
    }
    if (params.t == TBE_UNDEF) {
        engine_fail(r, "Params are not present in the message!");
        return -1;
    }
    rpc->method = member_text(a, method);
    rpc->params = member_text(a, params);
    rpc->info = info.t <= TBE_NULL ? TBE_STR_NONE : member_text(a, info);
    return 0;
}

enum tbe_rel
tbe_rpc_request(struct tbe_run *r, const struct tbe_rpc_request_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    struct hub_rpc rpc = { .device = m->originator.id };
    if (read_request(r, m, &rpc) < 0) {
        return TBE_REL_FAILURE;
    }
    struct tbe_str uuid = tbe_md_get(&m->md, TBE_STR("requestUUID"));
    if (!uuid.n) {
        tbe_uuid_random(&rpc.id);
    } else if (!tbe_uuid_parse(uuid, &rpc.id)) {
        engine_fail(r, "Invalid UUID string: %.*s", (int)uuid.n, uuid.p);
        return TBE_REL_FAILURE;
    }
    int64_t now = clock_ms();
    rpc.oneway = tbe_str_ieq(tbe_md_get(&m->md, TBE_STR("oneway")), TBE_STR("true"));
    rpc.persisted = tbe_str_ieq(tbe_md_get(&m->md, TBE_STR("persistent")), TBE_STR("true"));
    rpc.expires = md_long(&m->md, TBE_STR("expirationTime"), now + cfg->timeout_in_seconds * 1000);
    rpc.retries = (int32_t)md_long(&m->md, TBE_STR("retries"), -1);
    struct rpc_waiting *w = waiting_new(r->engine);
    if (!w) {
        engine_fail(r, "INTERNAL");
        return TBE_REL_FAILURE;
    }
    struct tbe_uuid key; /* not the request's id: two messages may carry the same one */
    tbe_uuid_random(&key);
    tbe_uuid_text(&key, w->key);
    engine_park(r, m, tbe_strz(w->key), (rpc.expires > now ? rpc.expires : now) + 1000);
    engine_ack(r, *mp);
    hub_rpc_send(engine_hub(r->engine), engine_batch(r->engine), &rpc, answered, w);
    return TBE_REL_NONE;
}

/* Reply ------------------------------------------------------------------------------------------ */

static struct tbe_str
md_under(const struct tbe_md *md, struct tbe_str key, const char *usual)
{
    return tbe_md_get(md, key.n ? key : tbe_strz(usual));
}

enum tbe_rel
tbe_rpc_reply(struct tbe_run *r, const struct tbe_rpc_reply_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    struct tbe_str request = md_under(&m->md, cfg->request_id_meta_data_attribute, "requestId");
    struct tbe_str service = md_under(&m->md, cfg->service_id_meta_data_attribute, "serviceId");
    struct tbe_str session = md_under(&m->md, cfg->session_id_meta_data_attribute, "sessionId");
    const char *why = m->originator.type != TBE_ENT_DEVICE ? "Message originator is not a device entity!"
                      : !request.n                         ? "Request id is not present in the metadata!"
                      : !service.n                         ? "Service id is not present in the metadata!"
                      : !session.n                         ? "Session id is not present in the metadata!"
                      : !m->data.n                         ? "Request body is empty!"
                                                           : NULL;
    if (why) {
        engine_fail(r, "%s", why);
        return TBE_REL_FAILURE;
    }
    struct tbe_uuid id;
    int64_t number;
    if (!tbe_uuid_parse(session, &id)) {
        engine_fail(r, "Invalid UUID string: %.*s", (int)session.n, session.p);
        return TBE_REL_FAILURE;
    }
    if (!tbe_parse_long(request, &number) || number < INT32_MIN || number > INT32_MAX) {
        engine_fail(r, "For input string: \"%.*s\"", (int)request.n, request.p);
        return TBE_REL_FAILURE;
    }
    hub_client_rpc_reply(engine_hub(r->engine), engine_batch(r->engine), &m->originator.id, session,
                         (int32_t)number, m->data);
    return TBE_REL_SUCCESS;
}
