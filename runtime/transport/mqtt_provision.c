/* SPDX-License-Identifier: Apache-2.0 */
/* A provisioning connection over MQTT (facts/device-apis.md 10.2): only /provision/request and
 * /provision/response mean anything. */
#include "config.h"

#include "transport/mqtt_conn.h"

#include "base/log.h"

static const struct tbe_str request_topic = TBE_STR_INIT("/provision/request");
static const struct tbe_str response_topic = TBE_STR_INIT("/provision/response");

/* Acknowledged, then closed. */
static uint32_t
bad(struct mqtt_conn *c, uint32_t code)
{
    c->dead = true;
    return (c->level >= 5 ? code : 0) | FR_CODE_CLOSE | FR_CODE_DISCONNECT(code);
}

/* A payload that is no JSON is read as protobuf by the reference; of that only the empty message is
 * understood here, which has no key: NOT_FOUND as protobuf. */
static uint32_t
not_json(struct mqtt_conn *c, struct tbe_str body, uint8_t qos)
{
    if (body.n == 0) {
        mqtt_deliver(c, response_topic, TBE_STR("\x08\x02"), 0);
        return 0;
    }
    if (c->level >= 5 && qos > 0) {
        return 0x99;
    }
    c->dead = true;
    return FR_CODE_NO_ACK | FR_CODE_CLOSE | FR_CODE_DISCONNECT(0x99);
}

static uint32_t
publish(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f, bool dry)
{
    struct frame_reader r = { f->payload, false };
    struct tbe_str topic = frame_get_str(&r), body = frame_get_str(&r), err;
    struct tbe_buf out = { 0 };
    uint32_t code = 0;

    if (!tbe_str_eq(topic, request_topic)) {
        return bad(c, 0x90);
    }
    if (dry) { /* done before; what it answered is not known any more */
        return 0;
    }
    switch (hub_provision(ms->hub, body.p ? body : TBE_STR(""), &out, &err)) {
    case HUB_DONE:
        mqtt_deliver(c, response_topic, tbe_buf_str(&out), 0);
        break;
    case HUB_PAYLOAD:
        code = not_json(c, body, f->flags & 3);
        break;
    default:
        log_warn("provisioning: %.*s", (int)err.n, err.p);
        code = bad(c, 0x83);
    }
    tbe_buf_free(&out);
    return code;
}

static void
subscription(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f)
{
    struct frame_reader r = { f->payload, false };
    uint32_t n = frame_get_u32(&r);
    size_t at = frame_begin(&ms->out, FR_CONFIRM, 0, f->conn, 0, f->seq);

    frame_put_u32(&ms->out, n);
    for (uint32_t i = 0; i < n && !r.bad; i++) {
        struct tbe_str filter = frame_get_str(&r);
        uint32_t qos = f->type == FR_SUBSCRIBE ? frame_get_u32(&r) : 0;

        qos = qos > 1 ? 1 : qos;
        if (f->type == FR_UNSUBSCRIBE) {
            frame_put_u32(&ms->out, filter.p != NULL && mqtt_sub_remove(c, filter) ? 0 : 0x11);
        } else {
            frame_put_u32(&ms->out, tbe_str_eq(filter, response_topic) && mqtt_sub_add(c, filter, (uint8_t)qos)
                                        ? qos : 0x8f);
        }
    }
    frame_end(&ms->out, at);
}

void
mqtt_provision_frame(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f, bool dry)
{
    switch (f->type) {
    case FR_PUBLISH:
        mqtt_confirm(ms, f, publish(ms, c, f, dry));
        return;
    case FR_SUBSCRIBE:
    case FR_UNSUBSCRIBE:
        subscription(ms, c, f);
        return;
    default:
        mqtt_confirm(ms, f, 0);
    }
}
