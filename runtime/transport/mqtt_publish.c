/* SPDX-License-Identifier: Apache-2.0 */
/* PUBLISH of a device: topic to operation to answer code (facts/device-apis.md 6.2, 6.4-6.9). */
#include "config.h"

#include "transport/mqtt_conn.h"

#include "base/clock.h"
#include "base/log.h"
#include "nodes/engine.h"

enum { OK = 0x00, UNSPECIFIED = 0x83, IMPLEMENTATION = 0x8b, TOPIC_INVALID = 0x90, PAYLOAD_INVALID = 0x99 };

/* How a result is answered, by version and QoS (6.4). */
uint32_t
mqtt_answer(struct mqtt_conn *c, enum hub_result r, uint8_t qos)
{
    uint32_t code;

    if (r == HUB_DONE) {
        return OK;
    }
    if (r == HUB_PAYLOAD && c->level < 5 && qos > 0 && c->s.dev->profile->send_ack) {
        return OK;
    }
    if (r == HUB_PAYLOAD && c->level >= 5 && qos > 0) {
        return PAYLOAD_INVALID;
    }
    code = r == HUB_PAYLOAD ? PAYLOAD_INVALID : IMPLEMENTATION;
    c->dead = true;
    return FR_CODE_NO_ACK | FR_CODE_CLOSE | FR_CODE_DISCONNECT(code);
}

/* Protobuf payloads need the profile's schema. */
static bool
is_proto(const struct mqtt_conn *c, enum mqtt_form form)
{
    const struct hub_profile *p = c->s.dev->profile;

    if (form == MQTT_V2_PROTO) {
        return true;
    }
    if (form == MQTT_V2_JSON || !p->protobuf || p->json_compat) {
        return false;
    }
    log_warn("protobuf payloads are not supported: device profile \"%.*s\"", (int)p->name.n, p->name.p);
    return true;
}

static struct tbe_str
topic_metadata(const struct mqtt_conn *c, struct tbe_str topic)
{
    return c->s.dev->profile->transport == HUB_T_MQTT ? topic : TBE_STR_NONE;
}

static enum hub_result
attr_request(struct mqtt_server *ms, struct mqtt_conn *c, const struct mqtt_topic *t, struct tbe_str body, bool dry)
{
    enum hub_result r;
    char topic[64];
    int32_t id;
    bool respond;

    if (!mqtt_int(t->rest, &id) || is_proto(c, t->form)) {
        return HUB_PAYLOAD;
    }
    engine_run(ms->engine); /* what the device sent before is seen by its request */
    ms->text.n = 0;
    r = hub_attributes_request(ms->hub, c->s.dev, body, &ms->text, &respond);
    if (r != HUB_DONE) {
        return r;
    }
    if (c->attr_answer_form != t->form) {
        c->attr_answer_form = (uint8_t)t->form;
        mqtt_keep(c);
    }
    if (respond && id >= 0 && !dry && !ms->text.oom) {
        mqtt_deliver(c, mqtt_out_topic(MQTT_OUT_ATTR_RESPONSE, t->form, id, topic), tbe_buf_str(&ms->text), 0);
    }
    return HUB_DONE;
}

static enum hub_result
client_rpc(struct mqtt_server *ms, struct mqtt_conn *c, const struct mqtt_topic *t, struct tbe_str body, bool dry)
{
    struct tbe_str err;
    int32_t id;

    if (!mqtt_int(t->rest, &id)) {
        return HUB_UNCAUGHT;
    }
    if (is_proto(c, t->form)) {
        return HUB_PAYLOAD;
    }
    if (c->rpc_answer_form != t->form) {
        c->rpc_answer_form = (uint8_t)t->form;
        mqtt_keep(c);
    }
    return hub_client_rpc(ms->hub, &c->s, id, body, false, t->form == MQTT_V1, dry, &err);
}

static enum hub_result
rpc_response(struct mqtt_server *ms, struct mqtt_conn *c, const struct mqtt_topic *t, struct tbe_str body, bool dry)
{
    int32_t id;

    if (!mqtt_int(t->rest, &id) || is_proto(c, t->form)) {
        return HUB_PAYLOAD;
    }
    if (!dry) {
        hub_rpc_response(ms->hub, c->s.dev, id, body);
    }
    return HUB_DONE;
}

/* No package can be assigned to a device yet: the reference's answer to that (12.2). */
static uint32_t
ota(struct mqtt_conn *c)
{
    mqtt_deliver(c, TBE_STR("v2/fw/error"), TBE_STR("NOT_FOUND"), 0);
    c->dead = true;
    return FR_CODE_NO_ACK | FR_CODE_CLOSE | FR_CODE_DISCONNECT(UNSPECIFIED);
}

void
mqtt_publish(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f, bool dry)
{
    struct frame_reader r = { f->payload, false };
    struct tbe_str topic = frame_get_str(&r), body = frame_get_str(&r), err;
    struct hub_device *d = c->s.dev;
    struct mqtt_topic t;
    int64_t arrival = (int64_t)frame_get_u64(&r);
    uint8_t qos = f->flags & 3;
    enum hub_result res = HUB_DONE;

    if (topic.p == NULL) {
        topic = TBE_STR("");
    }
    if (body.p == NULL) {
        body = TBE_STR("");
    }
    if (r.bad) {
        arrival = clock_ms();
    }
    hub_session_activity(ms->hub, &c->s);
    t = mqtt_topic_parse(d->profile, topic);
    switch (t.op) {
    case MQTT_OP_TELEMETRY:
        res = is_proto(c, t.form) ? HUB_PAYLOAD
                                  : hub_post_telemetry(ms->hub, d, topic_metadata(c, topic), arrival, body, dry, &err);
        break;
    case MQTT_OP_ATTRIBUTES:
        res = is_proto(c, t.form) ? HUB_PAYLOAD
                                  : hub_post_attributes(ms->hub, d, topic_metadata(c, topic), body, dry, &err);
        break;
    case MQTT_OP_ATTR_REQUEST:
        res = attr_request(ms, c, &t, body, dry);
        break;
    case MQTT_OP_CLIENT_RPC:
        res = client_rpc(ms, c, &t, body, dry);
        break;
    case MQTT_OP_RPC_RESPONSE:
        res = rpc_response(ms, c, &t, body, dry);
        break;
    case MQTT_OP_CLAIM:
        res = hub_claim_register(ms->hub, d, body, dry, &err);
        break;
    case MQTT_OP_FIRMWARE:
    case MQTT_OP_SOFTWARE:
        mqtt_confirm(ms, f, ota(c));
        return;
    case MQTT_OP_GATEWAY:
        if (d->gateway) {
            mqtt_gateway_publish(ms, c, f, topic, body, arrival, dry);
        } else { /* as in the reference: nothing at all for a device that is no gateway */
            mqtt_confirm(ms, f, FR_CODE_NO_ACK);
        }
        return;
    default:
        mqtt_confirm(ms, f, c->level >= 5 ? TOPIC_INVALID : OK);
        return;
    }
    mqtt_confirm(ms, f, mqtt_answer(c, res, qos));
}
