/* SPDX-License-Identifier: Apache-2.0 */
/* Client-side RPC (facts/device-apis.md 6.8, 13.7): the device asks, the rule chain answers with the
 * "rpc call reply" node, or the time-out does. */
#include "config.h"

#include "device/hub_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct hub_client_call {
    struct hub_client_call *next;
    struct hub_session *session;
    struct device_hub *hub;
    int32_t id;
    struct hub_timer timer;
};

static struct hub_client_call **
find(struct hub_session *s, int32_t id)
{
    struct hub_client_call **p;

    for (p = &s->client_calls; *p != NULL; p = &(*p)->next) {
        if ((*p)->id == id) {
            break;
        }
    }
    return p;
}

static void
drop(struct device_hub *h, struct hub_client_call **p)
{
    struct hub_client_call *c = *p;

    *p = c->next;
    hub_timer_clear(&h->timers, &c->timer);
    free(c);
}

static void
on_timeout(void *owner, struct hub_timer *t)
{
    struct hub_client_call *c = (struct hub_client_call *)((char *)t - offsetof(struct hub_client_call, timer));
    struct hub_session *s = c->session;
    int32_t id = c->id;

    drop(owner, find(s, id));
    s->ops->reply(s, id, TBE_STR("{\"error\":\"timeout\"}"));
}

void
client_rpc_session_gone(struct device_hub *h, struct hub_session *s)
{
    while (s->client_calls != NULL) {
        drop(h, &s->client_calls);
    }
}

/* Reuse of an id overwrites the waiting one. */
static bool
wait_for(struct device_hub *h, struct hub_session *s, int32_t id)
{
    struct hub_client_call **p = find(s, id), *c;
    uint32_t n = 0;

    if (*p != NULL) {
        drop(h, p);
    }
    for (c = s->client_calls; c != NULL; c = c->next) {
        n++;
    }
    c = n < HUB_CLIENT_RPC_MAX ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL) {
        return false;
    }
    c->session = s;
    c->hub = h;
    c->id = id;
    c->timer.fn = on_timeout;
    c->next = s->client_calls;
    s->client_calls = c;
    hub_timer_set(&h->timers, &c->timer, clock_ms() + HUB_CLIENT_RPC_MS);
    return true;
}

static enum hub_result
parse(struct device_hub *h, struct tbe_str json, bool need_params, tbe_val *v, struct tbe_str *method,
      struct tbe_str *err)
{
    struct tbe_kvs kvs;
    tbe_val m;

    *err = TBE_STR("");
    if (tbe_json_parse(&h->scratch, json, TBE_JSON_RAW | TBE_JSON_LENIENT, v, NULL) != 0) {
        (void)!tbe_kv_attributes(&h->scratch, json, 0, 0, &kvs, err); /* fails too, with the reference's text */
        return HUB_PAYLOAD;
    }
    if (v->t != TBE_MAP) {
        return HUB_PAYLOAD;
    }
    m = json_get(*v, "method");
    if (m.t == TBE_STR_T || m.t == TBE_NUM) {
        *method = tbe_val_str(m);
    } else if (m.t == TBE_BOOL) {
        *method = m.u.i ? TBE_STR("true") : TBE_STR("false");
    } else {
        return HUB_UNCAUGHT;
    }
    if (need_params && json_get(*v, "params").t == TBE_UNDEF) {
        return HUB_UNCAUGHT;
    }
    return HUB_DONE;
}

/* No rate limits are configured on an edge: they are null. */
static const char limits_text[] =
    "{\"maxPayloadSize\":65536,\"maxInflightMessages\":100,\"rateLimits\":{\"messages\":null,"
    "\"telemetryMessages\":null,\"telemetryDataPoints\":null}}";
static const char gateway_limits_text[] =
    "{\"maxPayloadSize\":65536,\"maxInflightMessages\":100,\"rateLimits\":{\"messages\":null,"
    "\"telemetryMessages\":null,\"telemetryDataPoints\":null},\"gatewayRateLimits\":{\"messages\":null,"
    "\"telemetryMessages\":null,\"telemetryDataPoints\":null}}";

enum hub_result
hub_client_rpc(struct device_hub *h, struct hub_session *s, int32_t id, struct tbe_str json, bool need_params,
               bool limits, bool dry, struct tbe_str *err)
{
    struct tbe_str method;
    struct tbe_msg *m;
    struct tbe_arena *a;
    enum hub_result r;
    tbe_val v, params;
    char text[TBE_UUID_TEXT + 1];

    tbe_arena_reset(&h->scratch);
    r = parse(h, json, need_params, &v, &method, err);
    if (r != HUB_DONE || dry) {
        return r;
    }
    if (limits && tbe_str_eqz(method, "getSessionLimits")) {
        s->ops->reply(s, id, tbe_strz(s->dev->gateway ? gateway_limits_text : limits_text));
        return HUB_DONE;
    }
    if (!wait_for(h, s, id)) {
        return HUB_UNCAUGHT;
    }
    m = hub_msg_new(s->dev, TBE_STR("TO_SERVER_RPC_REQUEST"));
    a = tbe_msg_arena(m);
    hub_msg_names(a, &m->md, s->dev);
    tbe_md_put(a, &m->md, TBE_STR("requestId"), tbe_arena_fmt(a, "%d", (int)id));
    tbe_md_put(a, &m->md, TBE_STR("serviceId"), tbe_arena_dup(a, tbe_strz(h->service_id)));
    tbe_uuid_text(&s->id, text);
    tbe_md_put(a, &m->md, TBE_STR("sessionId"), tbe_arena_dup(a, tbe_strz(text)));
    h->text.n = 0;
    tbe_buf_putz(&h->text, "{\"method\":");
    tbe_json_write(&h->text, tbe_strv(method), TBE_OUT_GSON);
    params = json_get(v, "params");
    if (!tbe_is_null(params)) {
        tbe_buf_putz(&h->text, ",\"params\":");
        tbe_json_write(&h->text, params, TBE_OUT_GSON);
    }
    tbe_buf_putc(&h->text, '}');
    m->data = tbe_arena_dup(a, tbe_buf_str(&h->text));
    hub_submit(h, &m);
    return HUB_DONE;
}

void
hub_client_rpc_reply(struct device_hub *h, struct store_batch *b, const struct tbe_uuid *device,
                     struct tbe_str session_id, int32_t request_id, struct tbe_str body)
{
    struct tbe_uuid id;
    struct hub_session *s;
    struct hub_client_call **p;

    (void)b; /* answers wait for the turn's batch anyway */
    (void)device;
    if (!tbe_uuid_parse(session_id, &id)) {
        return;
    }
    s = hub_session_by_id(h, &id);
    if (s == NULL) {
        return;
    }
    p = find(s, request_id);
    if (*p == NULL) {
        return; /* answered already, or timed out */
    }
    drop(h, p);
    s->ops->reply(s, request_id, body);
}
