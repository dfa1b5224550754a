/* SPDX-License-Identifier: Apache-2.0 */
/* RPC of the cloud (facts/edge-cloud-protocol.md 8): calls to devices through the rule engine, and answers of
 * the cloud to requests of devices. */
#include "config.h"
#include "cloud/downlink.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/device.h"

#define SEEN_KEY TBE_STR("cloud.rpc.seen") /* ids of the newest calls, oldest first: a call is made once */
#define SEEN_MAX 128u

#define CALL_KEY "cloud.rpc.call." /* + id: a call that is not answered yet, for the next worker */

struct call {
    struct cloud *cloud;
    struct cloud_rpc rpc;
};

static struct tbe_str
call_key(char buf[sizeof CALL_KEY + TBE_UUID_TEXT], const struct tbe_uuid *id)
{
    memcpy(buf, CALL_KEY, sizeof CALL_KEY);
    tbe_uuid_text(id, buf + sizeof CALL_KEY - 1);
    return tbe_strz(buf);
}

/* Remembers the id. false: it is known, the message came again. */
static bool
first_time(struct down *d, const struct tbe_uuid *id)
{
    struct tbe_str seen = store_state(d->s, SEEN_KEY);
    size_t n = seen.n / sizeof id->b, skip = n < SEEN_MAX ? 0 : n - SEEN_MAX + 1;
    char *p;

    for (size_t i = 0; i < n; i++) {
        if (memcmp(seen.p + i * sizeof id->b, id->b, sizeof id->b) == 0) {
            return false;
        }
    }
    p = tbe_arena_alloc(&d->a, (n - skip + 1) * sizeof id->b);
    if (n > skip) {
        memcpy(p, seen.p + skip * sizeof id->b, (n - skip) * sizeof id->b);
    }
    memcpy(p + (n - skip) * sizeof id->b, id->b, sizeof id->b);
    store_put_state(d->b, SEEN_KEY, (struct tbe_str){ p, (n - skip + 1) * sizeof id->b });
    return true;
}

/* After the commit that decided it. */
static void
on_answer(void *arg, enum hub_rpc_error e, struct tbe_str response)
{
    struct call *k = arg;
    struct store_batch *b = hub_batch(cloud_env(k->cloud)->hub);
    char key[sizeof CALL_KEY + TBE_UUID_TEXT];

    if (b) {
        cloud_rpc_answer(k->cloud, b, &k->rpc, e, response);
        store_put_state(b, call_key(key, &k->rpc.request), TBE_STR_NONE);
    }
    free(k);
}

static bool
take_up(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct cloud *c = arg;
    struct call *k = value.n == sizeof k->rpc ? calloc(1, sizeof *k) : NULL;

    (void)key;
    if (k) {
        k->cloud = c;
        memcpy(&k->rpc, value.p, sizeof k->rpc);
        if (hub_rpc_await(cloud_env(c)->hub, &k->rpc.request, k->rpc.expires, on_answer, k) != 0) {
            free(k);
        }
    }
    return true;
}

void
cloud_downlink_stop(struct cloud *c)
{
    hub_rpc_forget(cloud_env(c)->hub, on_answer, free);
}

void
cloud_downlink_start(struct cloud *c)
{
    store_state_each(cloud_env(c)->store, TBE_STR(CALL_KEY), take_up, c);
}

/* additionalInfo is a JSON value in JSON text: "null" with the quotes when there is none. */
static struct tbe_str
info_of(struct down *d, const char *text)
{
    tbe_val v;

    if (!text || tbe_json_parse(&d->a, tbe_strz(text), TBE_JSON_RAW, &v, NULL) != 0 || tbe_is_null(v)) {
        return TBE_STR_NONE;
    }
    if (tbe_is_str(v)) {
        return tbe_str_eqz(tbe_val_str(v), "null") ? TBE_STR_NONE : tbe_val_str(v);
    }
    return tbe_json_text(&d->a, v, TBE_OUT_JAVA);
}

static void
call_device(struct down *d, const Edge__DeviceRpcCallMsg *p)
{
    char key[sizeof CALL_KEY + TBE_UUID_TEXT];
    struct call *k = calloc(1, sizeof *k);
    bool has_retries = p->_retries_case == EDGE__DEVICE_RPC_CALL_MSG___RETRIES_RETRIES;
    bool has_persisted = p->_persisted_case == EDGE__DEVICE_RPC_CALL_MSG___PERSISTED_PERSISTED;
    bool has_info = p->_additional_info_case == EDGE__DEVICE_RPC_CALL_MSG___ADDITIONAL_INFO_ADDITIONAL_INFO;
    struct hub_rpc r = { .id = down_uuid(p->requestuuidmsb, p->requestuuidlsb),
                         .device = down_uuid(p->deviceidmsb, p->deviceidlsb),
                         .method = tbe_strz(p->requestmsg->method), .params = tbe_strz(p->requestmsg->params),
                         .oneway = p->oneway, .persisted = has_persisted && p->persisted,
                         .expires = p->expirationtime, .retries = has_retries ? p->retries : 1,
                         .info = info_of(d, has_info ? p->additionalinfo : NULL) };

    if (!k) {
        return; /* the cloud's time-out answers */
    }
    k->cloud = d->c; /* member by member: the bytes between them are zero in the row */
    k->rpc.device = r.device;
    k->rpc.request = r.id;
    k->rpc.request_id = p->requestid;
    k->rpc.expires = r.expires;
    k->rpc.oneway = r.oneway;
    if (!first_time(d, &r.id)) {
        free(k);
        return;
    }
    if (hub_rpc_call(d->hub, d->b, &r, on_answer, k) != 0) {
        log_warn("the cloud calls a device that is not here");
        cloud_rpc_answer(d->c, d->b, &k->rpc, HUB_RPC_INTERNAL, TBE_STR_NONE);
        free(k);
        return;
    }
    store_put_state(d->b, call_key(key, &r.id), (struct tbe_str){ (const char *)&k->rpc, sizeof k->rpc });
}

static bool
blank(const char *s)
{
    return !s || s[strspn(s, " \t\r\n")] == '\0';
}

/* The cloud's rule chain has answered a device's request. A session that is gone is ignored. */
static void
reply_to_device(struct down *d, const Edge__DeviceRpcCallMsg *p)
{
    struct tbe_uuid device = down_uuid(p->deviceidmsb, p->deviceidlsb);
    bool has_session = p->_session_id_case == EDGE__DEVICE_RPC_CALL_MSG___SESSION_ID_SESSION_ID;
    struct tbe_buf text = { 0 };

    if (!has_session || !p->sessionid) {
        return;
    }
    if (blank(p->responsemsg->error)) {
        tbe_buf_putz(&text, p->responsemsg->response ? p->responsemsg->response : "");
    } else {
        tbe_buf_putz(&text, "{\"error\":");
        tbe_json_write_str(&text, tbe_strz(p->responsemsg->error));
        tbe_buf_putc(&text, '}');
    }
    hub_client_rpc_reply(d->hub, d->b, &device, tbe_strz(p->sessionid), p->requestid, tbe_buf_str(&text));
    tbe_buf_free(&text);
}

void
down_rpc(struct down *d, const Edge__DeviceRpcCallMsg *p)
{
    if (p->responsemsg) {
        reply_to_device(d, p);
    } else if (p->requestmsg) {
        call_device(d, p);
    }
}
