/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from the worker become packets to a device: the acknowledgement of what was committed, and
 * publishes. */
#include "config.h"
#include "front/session.h"

#include <stdlib.h>
#include <string.h>

#include "front/mqtt/codec.h"

/* Closing that the worker asked for in a confirm. */
static void
close_if_asked(struct session *s, uint32_t aux)
{
    if (aux & FR_CODE_CLOSE) {
        mqtt_close_with(s, (uint8_t)(aux >> 16));
    }
}

static bool
can_write(const struct session *s)
{
    return s->state < SESSION_CLOSING && s->fd >= 0;
}

static void
connect_confirmed(struct session *s, const struct window_entry *e, uint32_t aux)
{
    uint8_t code = FR_CODE(aux);

    if (code == MQTT_RC_OK) {
        struct tbe_str frame = window_frame(e);
        s->accepted = true;
        s->connect.n = 0;
        tbe_buf_put(&s->connect, frame.p + FRAME_HEAD, frame.n - FRAME_HEAD);
    }
    if (!can_write(s)) {
        return;
    }
    if (!(aux & FR_CODE_NO_ACK)) {
        mqtt_encode_connack(&s->out, s->level, code);
    }
    if (code == MQTT_RC_OK && !(aux & FR_CODE_CLOSE)) {
        s->state = SESSION_OPEN;
        session_mark(s);
        return;
    }
    if (s->level == MQTT_LEVEL_5 && (aux >> 16)) {
        mqtt_encode_disconnect(&s->out, (uint8_t)(aux >> 16));
    }
    session_shut(s);
}

static void
publish_confirmed(struct session *s, const struct window_entry *e, uint32_t aux)
{
    bool handshake = e->qos == 2 && s->front->cfg.mqtt_qos2_handshake;
    uint8_t code = FR_CODE(aux);

    if (!can_write(s)) {
        return;
    }
    for (uint32_t i = 0; handshake && i < s->n_qos2; i++) {
        if (s->qos2[i].id == e->id) {
            s->qos2[i].confirmed = true;
            if (code >= 0x80) { /* refused: no PUBREL follows, the id is free again */
                s->qos2[i] = s->qos2[--s->n_qos2];
            }
            break;
        }
    }
    if (e->qos && !(aux & FR_CODE_NO_ACK)) {
        mqtt_encode_ack(&s->out, s->level, handshake ? MQTT_PUBREC : MQTT_PUBACK, e->id, code);
        s->answered = s->front->now_ms;
        session_mark(s);
    }
}

static void
filters_confirmed(struct session *s, const struct window_entry *e, const struct frame *fr)
{
    struct tbe_str frame = window_frame(e);
    struct frame_reader sent = { { frame.p + FRAME_HEAD, frame.n - FRAME_HEAD }, false };
    struct frame_reader told = { fr->payload, false };
    bool subscribe = e->type == FR_SUBSCRIBE;
    uint8_t codes[MQTT_FILTERS_MAX];
    uint32_t n = frame_get_u32(&sent), n_told = frame_get_u32(&told);

    for (uint32_t i = 0; i < n; i++) {
        struct tbe_str filter = frame_get_str(&sent);
        uint32_t code = i < n_told ? frame_get_u32(&told) : 0x80;
        if (subscribe) {
            frame_get_u32(&sent);
        }
        codes[i] = told.bad ? 0x80 : (uint8_t)code;
        if (!subscribe) {
            session_sub_remove(s, filter);
        } else if (codes[i] < 0x80 && !session_sub_set(s, filter, codes[i])) {
            codes[i] = MQTT_RC_QUOTA; /* it could not be told to the next worker */
        }
    }
    if (can_write(s) && !(fr->aux & FR_CODE_NO_ACK)) {
        mqtt_encode_suback(&s->out, s->level, subscribe ? MQTT_SUBACK : MQTT_UNSUBACK, e->id, codes,
                           n);
        session_mark(s);
    }
}

void
mqtt_confirmed(struct session *s, const struct window_entry *e, const struct frame *fr)
{
    s->unconfirmed--;
    switch (e->type) {
    case FR_CONNECT:
        connect_confirmed(s, e, fr->aux);
        if (s->state == SESSION_GONE) {
            session_release_if_done(s);
        }
        return;
    case FR_PUBLISH:
        publish_confirmed(s, e, fr->aux);
        break;
    case FR_SUBSCRIBE:
    case FR_UNSUBSCRIBE:
        filters_confirmed(s, e, fr);
        break;
    case FR_CLOSED:
        s->accepted = false;
        s->connect_sent = false;
        break;
    default:
        break;
    }
    if (s->state == SESSION_GONE) {
        session_release_if_done(s);
        return;
    }
    close_if_asked(s, fr->aux);
    if (s->paused && s->state < SESSION_CLOSING) {
        session_mark(s);
    }
}

static void
remember_tag(struct session *s, uint16_t id, uint16_t tag)
{
    if (!s->tags) {
        s->tags = calloc(SESSION_TAGS_MAX, sizeof *s->tags);
    }
    if (!s->tags) {
        return;
    }
    if (s->n_tags == SESSION_TAGS_MAX) { /* the oldest is forgotten: its PUBACK comes without tag */
        s->n_tags--;
        memmove(s->tags, s->tags + 1, s->n_tags * sizeof *s->tags);
    }
    s->tags[s->n_tags++] = (struct session_tag){ id, tag };
}

void
mqtt_deliver(struct session *s, const struct frame *fr)
{
    struct frame_reader r = { fr->payload, false };
    struct tbe_str topic = frame_get_str(&r), body = frame_get_str(&r);
    unsigned qos = fr->flags & 3 ? 1 : 0;
    uint16_t id = 0;

    if (r.bad || !s->accepted || !can_write(s)) {
        return;
    }
    if (qos) {
        id = s->last_id == UINT16_MAX ? 1 : (uint16_t)(s->last_id + 1);
    }
    if (!mqtt_encode_publish(&s->out, s->level, topic, body, qos, id, s->max_packet)) {
        return;
    }
    if (qos) {
        s->last_id = id;
        if (fr->aux & 0xffff) {
            remember_tag(s, id, (uint16_t)fr->aux);
        }
    }
    session_mark(s);
}
