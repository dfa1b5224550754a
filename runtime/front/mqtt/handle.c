/* SPDX-License-Identifier: Apache-2.0 */
/* Packets from a device become numbered frames in the window. What a topic means, who may
 * connect and which code answers is the worker's business; here are only the rules of the wire
 * (facts/device-apis.md 3.2, 6.1). */
#include "config.h"
#include "front/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/mqtt/codec.h"
#include "front/tls.h"

bool
mqtt_must_wait(const struct session *s)
{
    const struct front *f = s->front;

    return s->state == SESSION_CONNECTING || f->stopping || window_full(&f->window) ||
           s->unconfirmed >= SESSION_UNCONFIRMED_MAX || s->out.n - s->out_at > SESSION_OUT_PAUSE;
}

static void
out_of_memory(struct session *s)
{
    log_error("out of memory: device connection %s is closed", s->peer ? s->peer : "");
    session_close(s, SESSION_LOST);
}

static struct tbe_buf *
begin(struct session *s, uint8_t type, uint16_t id, unsigned qos, uint8_t flags, uint32_t aux,
      size_t hint)
{
    struct window_entry e = { .session = s, .id = id, .type = type, .qos = (uint8_t)qos };

    return window_begin(&s->front->window, e, flags, s->conn, aux, hint);
}

static bool
end(struct session *s)
{
    if (!window_end(&s->front->window)) {
        return false;
    }
    s->unconfirmed++;
    front_wake(s->front);
    return true;
}

bool
mqtt_send_closed(struct session *s, uint32_t reason)
{
    if (!s->connect_sent || s->closed_sent) {
        return true;
    }
    if (!begin(s, FR_CLOSED, 0, 0, 0, reason, 0) || !end(s)) {
        return false; /* tried again by session_tick */
    }
    s->closed_sent = true;
    return true;
}

void
mqtt_close_with(struct session *s, uint8_t code)
{
    if (s->state >= SESSION_CLOSING) {
        return;
    }
    if (s->level == MQTT_LEVEL_5 && s->state == SESSION_OPEN && code != MQTT_RC_OK) {
        mqtt_encode_disconnect(&s->out, code);
    }
    session_shut(s);
}

void
mqtt_malformed(struct session *s)
{
    s->front->stats.refused++;
    log_debug("device connection %s: malformed packet", s->peer ? s->peer : "");
    mqtt_close_with(s, MQTT_RC_MALFORMED);
}

static void
activity(struct session *s, uint32_t aux)
{
    if (!begin(s, FR_ACTIVITY, 0, 0, 0, aux, 0) || !end(s)) {
        out_of_memory(s);
    }
}

static void
on_connect(struct session *s, const struct mqtt_packet *p)
{
    struct mqtt_connect c;
    struct tbe_buf chain = { 0 }, *b;
    struct tbe_str certificate = TBE_STR_NONE;
    uint32_t flags;
    bool sent;

    if (!mqtt_decode_connect(p, &c)) {
        mqtt_malformed(s);
        return;
    }
    flags = (c.clean ? FR_CONNECT_CLEAN : 0) | (c.user.p ? FR_CONNECT_HAS_USER : 0) |
            (c.will ? FR_CONNECT_WILL : 0) | (c.password.p ? FR_CONNECT_HAS_PASSWORD : 0) | (s->tls ? FR_CONNECT_TLS : 0);
    s->level = (uint8_t)c.level;
    s->keep_alive = c.keep_alive;
    s->max_packet = c.max_packet;
    if (s->ssl && tls_peer_chain(s->ssl, &chain)) {
        certificate = tbe_buf_str(&chain);
    }
    b = begin(s, FR_CONNECT, 0, 0, 0, 0, p->body.n + certificate.n + 128);
    if (b) {
        frame_put_u32(b, c.level);
        frame_put_u32(b, flags);
        frame_put_u32(b, c.keep_alive);
        frame_put_str(b, c.client_id);
        frame_put_str(b, c.user);
        frame_put_str(b, c.password);
        frame_put_str(b, tbe_strz(s->peer));
        frame_put_str(b, certificate);
    }
    sent = b && end(s);
    tbe_buf_free(&chain);
    if (!sent) {
        out_of_memory(s);
        return;
    }
    s->last_rx = s->front->now_ms;
    s->connect_sent = true;
    s->state = SESSION_CONNECTING;
}

/* QoS 2 as MQTT says. True: forward the publish; false: it is known already, or the limit is
 * reached. */
static bool
qos2_is_new(struct session *s, uint16_t id)
{
    for (uint32_t i = 0; i < s->n_qos2; i++) {
        if (s->qos2[i].id == id) {
            if (s->qos2[i].confirmed) { /* the PUBREC was lost on the way */
                mqtt_encode_ack(&s->out, s->level, MQTT_PUBREC, id, MQTT_RC_OK);
                session_mark(s);
            }
            return false;
        }
    }
    if (s->n_qos2 == SESSION_QOS2_MAX) {
        mqtt_close_with(s, MQTT_RC_RECEIVE_MAX);
        return false;
    }
    if (!s->qos2) {
        s->qos2 = calloc(SESSION_QOS2_MAX, sizeof *s->qos2);
    }
    if (!s->qos2) {
        out_of_memory(s);
        return false;
    }
    s->qos2[s->n_qos2++] = (struct session_qos2){ id, false };
    return true;
}

static void
on_publish(struct session *s, const struct mqtt_packet *p)
{
    struct mqtt_publish m;
    struct tbe_buf *b;

    if (!mqtt_decode_publish(p, s->level, &m)) {
        mqtt_malformed(s);
        return;
    }
    if (m.qos == 2 && s->front->cfg.mqtt_qos2_handshake && !qos2_is_new(s, m.id)) {
        return;
    }
    if (m.qos) {
        trickle_publish(&s->front->trickle, s->front->now_ms, s->unconfirmed, s->answered);
    }
    b = begin(s, FR_PUBLISH, m.id, m.qos, (uint8_t)(m.qos | (m.dup ? 4 : 0) | (m.retain ? 8 : 0)),
              m.id, p->body.n + 24);
    if (b) {
        frame_put_str(b, m.topic);
        frame_put_str(b, m.payload);
        frame_put_u64(b, (uint64_t)clock_ms());
    }
    if (!b || !end(s)) {
        out_of_memory(s);
    }
}

/* SUBSCRIBE and UNSUBSCRIBE. */
static void
on_filters(struct session *s, const struct mqtt_packet *p)
{
    uint8_t type = p->type == MQTT_SUBSCRIBE ? FR_SUBSCRIBE : FR_UNSUBSCRIBE;
    struct mqtt_filters f;
    struct tbe_buf *b;
    struct tbe_str filter;
    unsigned qos;

    if (!mqtt_decode_filters(p, s->level, &f)) {
        mqtt_malformed(s);
        return;
    }
    b = begin(s, type, f.id, 0, 0, f.id, p->body.n + 8 + (size_t)f.n * 6);
    if (b) {
        frame_put_u32(b, f.n);
        while (mqtt_filter_next(&f, &filter, &qos)) {
            frame_put_str(b, filter);
            if (type == FR_SUBSCRIBE) {
                frame_put_u32(b, qos);
            }
        }
    }
    if (!b || !end(s)) {
        out_of_memory(s);
    }
}

static void
on_ack(struct session *s, const struct mqtt_packet *p)
{
    uint16_t id;
    uint8_t code;
    uint32_t tag = 0;

    if (!mqtt_decode_ack(p, s->level, &id, &code)) {
        mqtt_malformed(s);
        return;
    }
    if (p->type == MQTT_PUBREL && s->front->cfg.mqtt_qos2_handshake) {
        for (uint32_t i = 0; i < s->n_qos2; i++) {
            if (s->qos2[i].id == id) {
                s->qos2[i] = s->qos2[--s->n_qos2];
                break;
            }
        }
        mqtt_encode_ack(&s->out, s->level, MQTT_PUBCOMP, id, MQTT_RC_OK);
        session_mark(s);
    }
    if (p->type != MQTT_PUBACK) {
        return;
    }
    for (uint32_t i = 0; i < s->n_tags; i++) {
        if (s->tags[i].id == id) {
            tag = s->tags[i].tag;
            s->n_tags--;
            memmove(&s->tags[i], &s->tags[i + 1], (s->n_tags - i) * sizeof *s->tags);
            break;
        }
    }
    activity(s, tag << 16 | id);
}

static void
on_ping(struct session *s, const struct mqtt_packet *p)
{
    if (p->body.n) {
        mqtt_malformed(s);
        return;
    }
    mqtt_encode_pingresp(&s->out);
    session_mark(s);
    activity(s, 0);
}

static void
on_disconnect(struct session *s, const struct mqtt_packet *p)
{
    uint8_t code;

    if (!mqtt_decode_disconnect(p, s->level, &code)) {
        mqtt_malformed(s);
        return;
    }
    mqtt_send_closed(s, SESSION_CLEAN);
    if (s->level == MQTT_LEVEL_5) {
        mqtt_encode_disconnect(&s->out, MQTT_RC_OK);
    }
    session_shut(s);
}

/* Packets only a server sends are passed over, as the reference does; its decoder then waits for
 * ever after a CONNACK that is too short for MQTT 5. */
static void
on_server_packet(struct session *s, const struct mqtt_packet *p)
{
    if (p->type == MQTT_CONNACK && s->level == MQTT_LEVEL_5 && p->body.n < 3) {
        s->mute = true;
    }
}

typedef void packet_fn(struct session *s, const struct mqtt_packet *p);
static packet_fn *const packet_fns[16] = {
    [MQTT_CONNECT] = on_connect,     [MQTT_CONNACK] = on_server_packet, [MQTT_PUBLISH] = on_publish,
    [MQTT_PUBACK] = on_ack,          [MQTT_PUBREC] = on_ack,            [MQTT_PUBREL] = on_ack,
    [MQTT_PUBCOMP] = on_ack,         [MQTT_SUBSCRIBE] = on_filters,
    [MQTT_SUBACK] = on_server_packet,
    [MQTT_UNSUBSCRIBE] = on_filters, [MQTT_UNSUBACK] = on_server_packet, [MQTT_PINGREQ] = on_ping,
    [MQTT_PINGRESP] = on_server_packet, [MQTT_DISCONNECT] = on_disconnect,
    [MQTT_AUTH] = on_server_packet,
};

size_t
mqtt_take(struct session *s, const char *p, size_t n)
{
    struct front *f = s->front;
    size_t used = 0;

    while (used < n && s->state <= SESSION_OPEN && !s->mute && !mqtt_must_wait(s)) {
        unsigned level = s->state == SESSION_NEW ? MQTT_LEVEL_NONE : s->level;
        struct mqtt_packet packet;
        int64_t len = mqtt_decode(p + used, n - used, level, (uint32_t)f->cfg.mqtt_max_payload,
                                  &packet);
        if (len < 0) {
            mqtt_malformed(s);
            break;
        }
        if (len == 0) {
            break;
        }
        used += (size_t)len;
        f->stats.packets_in++;
        packet_fns[packet.type](s, &packet);
    }
    return s->mute ? n : used;
}
