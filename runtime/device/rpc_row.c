/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of persistent RPC requests: the Rpc entity as ThingsBoard's JSON, written with every change of
 * status and told to the rule engine (facts/device-apis.md 9.4, 9.5). */
#include "config.h"

#include "device/rpc_row.h"

#include <stdio.h>
#include <string.h>

static const char *const status_names[] = { "QUEUED", "SENT", "DELIVERED", "SUCCESSFUL", "TIMEOUT", "EXPIRED",
                                            "FAILED" };

void
rpc_row_key(const struct tbe_uuid *device, const struct tbe_uuid *rpc, char out[96])
{
    char d[TBE_UUID_TEXT + 1], r[TBE_UUID_TEXT + 1];

    tbe_uuid_text(device, d);
    tbe_uuid_text(rpc, r);
    snprintf(out, 96, "rpc.%s.%s", d, r);
}

static void
put_id(struct tbe_buf *b, const char *member, const char *type, const struct tbe_uuid *id)
{
    char t[TBE_UUID_TEXT + 1];

    tbe_uuid_text(id, t);
    tbe_buf_fmt(b, "\"%s\":{\"entityType\":\"%s\",\"id\":\"%s\"},", member, type, t);
}

static void
entity_json(struct device_hub *h, const struct hub_call *c, enum rpc_status st, struct tbe_str response,
            struct tbe_buf *b)
{
    char id[TBE_UUID_TEXT + 1];

    tbe_buf_putc(b, '{');
    put_id(b, "id", "RPC", &c->rpc.id);
    tbe_buf_fmt(b, "\"createdTime\":%lld,", (long long)c->created);
    put_id(b, "tenantId", "TENANT", store_tenant(h->store));
    put_id(b, "deviceId", "DEVICE", &c->dev->id);
    tbe_uuid_text(&c->rpc.id, id);
    tbe_buf_fmt(b, "\"expirationTime\":%lld,\"request\":{\"id\":\"%s\",", (long long)c->rpc.expires, id);
    put_id(b, "tenantId", "TENANT", store_tenant(h->store));
    put_id(b, "deviceId", "DEVICE", &c->dev->id);
    tbe_buf_fmt(b, "\"oneway\":%s,\"expirationTime\":%lld,\"body\":{\"method\":", c->rpc.oneway ? "true" : "false",
                (long long)c->rpc.expires);
    tbe_json_write_str(b, c->rpc.method);
    tbe_buf_putz(b, ",\"params\":");
    tbe_json_write_str(b, c->rpc.params.p ? c->rpc.params : TBE_STR("null"));
    tbe_buf_putz(b, "},\"persisted\":true,\"retries\":");
    if (c->rpc.retries >= 0) {
        tbe_buf_fmt(b, "%d", (int)c->rpc.retries);
    } else {
        tbe_buf_putz(b, "null");
    }
    tbe_buf_putz(b, "},\"response\":");
    tbe_buf_puts(b, response.n ? response : TBE_STR("null"));
    tbe_buf_fmt(b, ",\"status\":\"%s\",\"additionalInfo\":", status_names[st]);
    tbe_buf_puts(b, c->rpc.info.n ? c->rpc.info : TBE_STR("null"));
    tbe_buf_putc(b, '}');
}

void
rpc_row_save(struct device_hub *h, struct hub_call *c, enum rpc_status st, struct tbe_str response)
{
    struct tbe_buf b = { 0 };
    struct tbe_msg *m;
    struct tbe_arena *a;
    char key[96];

    entity_json(h, c, st, response, &b);
    if (b.oom) {
        tbe_buf_free(&b);
        return;
    }
    rpc_row_key(&c->dev->id, &c->rpc.id, key);
    store_put_state(h->batch, tbe_strz(key), tbe_buf_str(&b));
    m = hub_msg_new(c->dev, TBE_STR("RPC_QUEUED"));
    a = tbe_msg_arena(m);
    tbe_msg_set_type(m, tbe_arena_fmt(a, "RPC_%s", status_names[st]));
    m->data = tbe_arena_dup(a, tbe_buf_str(&b));
    hub_submit(h, &m);
    tbe_buf_free(&b);
}

struct hub_call *
rpc_row_parse(struct device_hub *h, struct hub_device *d, struct tbe_str json)
{
    struct hub_rpc r = { .device = d->id, .persisted = true, .retries = -1 };
    struct hub_call *c = NULL;
    struct tbe_arena a;
    tbe_val v, req, body, x;

    (void)h;
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, json, TBE_JSON_JAVA, &v, NULL) == 0 && tbe_str_eqz(json_str(v, "status"), "QUEUED")) {
        req = json_get(v, "request");
        body = json_get(req, "body");
        r.method = json_str(body, "method");
        r.params = json_str(body, "params");
        r.oneway = json_bool(req, "oneway");
        x = json_get(v, "expirationTime");
        r.expires = x.t == TBE_LONG || x.t == TBE_INT ? x.u.i : 0;
        x = json_get(req, "retries");
        if (x.t == TBE_LONG || x.t == TBE_INT) {
            r.retries = (int32_t)x.u.i;
        }
        x = json_get(v, "additionalInfo");
        if (!tbe_is_null(x)) {
            r.info = tbe_json_text(&a, x, TBE_OUT_JAVA);
        }
        if (tbe_uuid_parse(json_str(json_get(v, "id"), "id"), &r.id)) {
            c = rpc_call_new(d, &r);
        }
        x = json_get(v, "createdTime");
        if (c != NULL && (x.t == TBE_LONG || x.t == TBE_INT)) {
            c->created = x.u.i;
        }
    }
    tbe_arena_free(&a);
    return c;
}
