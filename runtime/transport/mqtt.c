/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT connections of the front as sessions of the hub: CONNECT, SUBSCRIBE, UNSUBSCRIBE, what comes back
 * after a swap, and everything that is sent to a device (facts/device-apis.md 2.3-2.5, 3, 6.1, 6.3). */
#include "config.h"

#include "transport/mqtt_conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "transport/certificate.h"

static METRIC_COUNTER(m_connects, "tbedge_mqtt_connects_total", "MQTT connections accepted.");
static METRIC_COUNTER(m_refused, "tbedge_mqtt_refused_total", "MQTT connections refused.");
static METRIC_COUNTER(m_publishes, "tbedge_mqtt_publishes_total", "PUBLISH packets handled.");

#define KEEP_VERSION 1

struct mqtt_server *
mqtt_new(struct device_hub *h, struct tbe_engine *e)
{
    struct mqtt_server *ms = calloc(1, sizeof(*ms));

    if (ms == NULL) {
        return NULL;
    }
    ms->hub = h;
    ms->engine = e;
    ms->conns_cap = 256;
    ms->conns = calloc(ms->conns_cap, sizeof(*ms->conns));
    if (ms->conns == NULL) {
        free(ms);
        return NULL;
    }
    metric_register(&m_connects);
    metric_register(&m_refused);
    metric_register(&m_publishes);
    return ms;
}

void
mqtt_applied_set(struct mqtt_server *ms, uint64_t seq)
{
    ms->applied = seq;
}

struct tbe_buf *
mqtt_out(struct mqtt_server *ms)
{
    return &ms->out;
}

/* Connections --------------------------------------------------------------------------------------- */

static struct mqtt_conn **
conn_slot(struct mqtt_server *ms, uint32_t n)
{
    struct mqtt_conn **p;

    for (p = &ms->conns[n & (ms->conns_cap - 1)]; *p != NULL; p = &(*p)->chain) {
        if ((*p)->conn == n) {
            break;
        }
    }
    return p;
}

static void
grow(struct mqtt_server *ms)
{
    uint32_t cap = ms->conns_cap * 2;
    struct mqtt_conn **t = calloc(cap, sizeof(*t));

    if (t == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ms->conns_cap; i++) {
        while (ms->conns[i] != NULL) {
            struct mqtt_conn *c = ms->conns[i];

            ms->conns[i] = c->chain;
            c->chain = t[c->conn & (cap - 1)];
            t[c->conn & (cap - 1)] = c;
        }
    }
    free(ms->conns);
    ms->conns = t;
    ms->conns_cap = cap;
}

static struct mqtt_conn *
conn_new(struct mqtt_server *ms, uint32_t n, uint32_t level)
{
    struct mqtt_conn *c = calloc(1, sizeof(*c)), **slot;

    if (c == NULL) {
        return NULL;
    }
    if (ms->n_conns >= ms->conns_cap) {
        grow(ms);
    }
    c->ms = ms;
    c->conn = n;
    c->level = (uint8_t)level;
    c->s.ops = &mqtt_session_ops;
    c->s.async = true;
    slot = &ms->conns[n & (ms->conns_cap - 1)];
    c->chain = *slot;
    *slot = c;
    ms->n_conns++;
    return c;
}

static void
clear_subs(struct mqtt_conn *c)
{
    for (uint32_t i = 0; i < c->n_subs; i++) {
        free((char *)c->subs[i].filter.p);
    }
    free(c->subs);
    c->subs = NULL;
    c->n_subs = 0;
}

static void
conn_free(struct mqtt_server *ms, struct mqtt_conn **slot, bool silent)
{
    struct mqtt_conn *c = *slot;

    mqtt_children_free(ms, c, silent);
    if (c->s.open) {
        hub_session_close(ms->hub, &c->s, silent);
    }
    *slot = c->chain;
    ms->n_conns--;
    clear_subs(c);
    free(c);
}

void
mqtt_free(struct mqtt_server *ms)
{
    if (ms == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ms->conns_cap; i++) {
        while (ms->conns[i] != NULL) {
            conn_free(ms, &ms->conns[i], true);
        }
    }
    free(ms->conns);
    tbe_buf_free(&ms->out);
    tbe_buf_free(&ms->late);
    tbe_buf_free(&ms->text);
    free(ms);
}

/* Frames out ---------------------------------------------------------------------------------------- */

static struct tbe_buf *
target(struct mqtt_server *ms)
{
    return ms->in_frame ? &ms->late : &ms->out;
}

void
mqtt_confirm(struct mqtt_server *ms, const struct frame *f, uint32_t code)
{
    size_t at = frame_begin(&ms->out, FR_CONFIRM, 0, f->conn, code, f->seq);

    frame_end(&ms->out, at);
}

uint8_t
mqtt_out_qos(const struct mqtt_conn *c, struct tbe_str topic)
{
    for (uint32_t i = 0; i < c->n_subs; i++) {
        if (mqtt_filter_matches(c->subs[i].filter, topic)) {
            return c->subs[i].qos;
        }
    }
    return 1; /* never subscribed (6.1) */
}

void
mqtt_deliver(struct mqtt_conn *c, struct tbe_str topic, struct tbe_str body, uint16_t tag)
{
    struct tbe_buf *b = target(c->ms);
    uint8_t qos = mqtt_out_qos(c, topic);
    size_t at = frame_begin(b, FR_DELIVER, qos, c->conn, qos > 0 ? tag : 0, 0);

    frame_put_str(b, topic);
    frame_put_str(b, body);
    frame_end(b, at);
}

/* version, forms, what is on; rpc counter, session and device ids; the same three for each child. */
void
mqtt_keep(struct mqtt_conn *c)
{
    struct tbe_buf *b = target(c->ms);
    size_t at = frame_begin(b, FR_KEEP, 0, c->conn, 0, 0);
    uint8_t head[8] = { KEEP_VERSION, c->attr_form, c->rpc_form, c->attr_answer_form, c->rpc_answer_form,
                        c->s.attributes_on, c->s.rpc_on, 0 };

    tbe_buf_put(b, head, sizeof(head));
    tbe_buf_put(b, &c->s.dev->rpc_seq, 4);
    tbe_buf_put(b, c->s.id.b, 16);
    tbe_buf_put(b, c->s.dev->id.b, 16);
    for (struct mqtt_child *k = c->children; k != NULL; k = k->next) {
        tbe_buf_put(b, &k->s.dev->rpc_seq, 4);
        tbe_buf_put(b, k->s.id.b, 16);
        tbe_buf_put(b, k->s.dev->id.b, 16);
    }
    frame_end(b, at);
}

static bool
keep_read(struct mqtt_conn *c, struct tbe_str keep, struct tbe_uuid *device, int32_t *seq, uint8_t on[2])
{
    const uint8_t *p = (const uint8_t *)keep.p;

    if (keep.n < 44 || (keep.n - 44) % 36 != 0 || p[0] != KEEP_VERSION || p[1] > MQTT_V2_PROTO || p[2] > MQTT_V2_PROTO ||
        p[3] > MQTT_V2_PROTO || p[4] > MQTT_V2_PROTO) {
        return false;
    }
    c->attr_form = p[1];
    c->rpc_form = p[2];
    c->attr_answer_form = p[3];
    c->rpc_answer_form = p[4];
    on[0] = p[5];
    on[1] = p[6];
    memcpy(seq, p + 8, 4);
    memcpy(c->s.id.b, p + 12, 16);
    memcpy(device->b, p + 28, 16);
    return true;
}

/* What the hub tells a session ---------------------------------------------------------------------- */

#define CONN(s) ((struct mqtt_conn *)((char *)(s)-offsetof(struct mqtt_conn, s)))

static void
on_attributes(struct hub_session *s, struct tbe_str body)
{
    struct mqtt_conn *c = CONN(s);
    char topic[64];

    if (c->attr_form == MQTT_V2_PROTO) {
        log_warn("attribute updates as protobuf are not supported");
        return;
    }
    mqtt_deliver(c, mqtt_out_topic(MQTT_OUT_ATTRIBUTES, c->attr_form, 0, topic), body, 0);
}

static enum hub_sent
on_rpc(struct hub_session *s, int32_t id, struct tbe_str method, struct tbe_str params, uint16_t tag)
{
    struct mqtt_conn *c = CONN(s);
    struct tbe_buf *b = &c->ms->text;
    struct tbe_arena a;
    struct tbe_str t;
    char topic[64];
    tbe_val v;

    if (c->rpc_form == MQTT_V2_PROTO || (c->s.dev->profile->protobuf && c->rpc_form != MQTT_V2_JSON)) {
        return HUB_SENT_BAD;
    }
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, params.n ? params : TBE_STR("null"), TBE_JSON_RAW | TBE_JSON_LENIENT, &v, NULL) != 0) {
        tbe_arena_free(&a);
        return HUB_SENT_BAD;
    }
    b->n = 0;
    tbe_buf_putz(b, "{\"method\":");
    tbe_json_write_str(b, method);
    tbe_buf_putz(b, ",\"params\":");
    tbe_json_write(b, v, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    tbe_buf_putc(b, '}');
    tbe_arena_free(&a);
    t = mqtt_out_topic(MQTT_OUT_RPC_REQUEST, c->rpc_form, id, topic);
    mqtt_deliver(c, t, tbe_buf_str(b), tag);
    mqtt_keep(c); /* the request counter survives a swap */
    return mqtt_out_qos(c, t) > 0 ? HUB_SENT_UNACKED : HUB_SENT_DONE;
}

static void
on_reply(struct hub_session *s, int32_t id, struct tbe_str body)
{
    struct mqtt_conn *c = CONN(s);
    struct tbe_buf *b = &c->ms->text;
    struct tbe_arena a;
    char topic[64];
    tbe_val v;

    if (c->rpc_answer_form == MQTT_V2_PROTO) {
        return;
    }
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, body, TBE_JSON_RAW | TBE_JSON_LENIENT, &v, NULL) == 0) {
        b->n = 0;
        tbe_json_write(b, v, TBE_OUT_GSON | TBE_OUT_NO_HTML);
        mqtt_deliver(c, mqtt_out_topic(MQTT_OUT_RPC_RESPONSE, c->rpc_answer_form, id, topic), tbe_buf_str(b), 0);
    } else {
        log_warn("reply to a client-side RPC is not JSON; it is not sent");
    }
    tbe_arena_free(&a);
}

static void
on_close(struct hub_session *s, enum hub_close why)
{
    static const uint8_t codes[] = { [HUB_CLOSE_TAKEOVER] = 0x8e, [HUB_CLOSE_CREDENTIALS] = 0x98,
                                     [HUB_CLOSE_DELETED] = 0x98, [HUB_CLOSE_EXPIRED] = 0x83,
                                     [HUB_CLOSE_RPC_DELIVERY] = 0x98 };
    struct mqtt_conn *c = CONN(s);
    struct tbe_buf *b = target(c->ms);
    size_t at = frame_begin(b, FR_CLOSE, 0, c->conn, codes[why], 0);

    frame_end(b, at);
    c->dead = true;
}

const struct hub_session_ops mqtt_session_ops = { on_attributes, on_rpc, on_reply, on_close };

/* CONNECT ------------------------------------------------------------------------------------------- */

struct connect {
    uint32_t level, flags;
    struct hub_login login;
};

static void
connect_read(struct frame_reader *r, struct connect *c)
{
    memset(c, 0, sizeof(*c));
    c->level = frame_get_u32(r);
    c->flags = frame_get_u32(r);
    (void)frame_get_u32(r); /* keep-alive is the front's */
    c->login.client_id = frame_get_str(r);
    c->login.user = frame_get_str(r);
    c->login.password = frame_get_str(r);
    (void)frame_get_str(r); /* peer address */
    c->login.certificate = frame_get_str(r);
    c->login.cert_expired = c->login.certificate.n > 0 && !certificate_valid_now(c->login.certificate);
    if (!(c->flags & FR_CONNECT_HAS_USER)) {
        c->login.user = TBE_STR_NONE;
    }
    if (!(c->flags & FR_CONNECT_HAS_PASSWORD)) {
        c->login.password = TBE_STR_NONE;
    }
}

static bool
blank(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > ' ') {
            return false;
        }
    }
    return true;
}

/* Reason codes of a refused CONNECT (2.4). */
static uint32_t
refusal(const struct connect *c, enum hub_auth a)
{
    uint32_t code = 0x86, disconnect;
    bool user = c->login.user.p != NULL, password = c->login.password.p != NULL;

    if (a == HUB_AUTH_WRONG_TRANSPORT) {
        return 0x88 | FR_CODE_CLOSE | FR_CODE_DISCONNECT(0x89);
    }
    if (c->login.certificate.n > 0) {
        code = 0x87;
    } else if (!user && !password) {
        code = blank(c->login.client_id) ? 0x87 : 0x85;
    }
    disconnect = code;
    return code | FR_CODE_CLOSE | FR_CODE_DISCONNECT(disconnect);
}

static bool
asks_provision(const struct connect *c)
{
    return tbe_str_eqz(c->login.user, "provision") || tbe_str_eqz(c->login.client_id, "provision");
}

static void
on_connect(struct mqtt_server *ms, const struct frame *f, bool dry)
{
    struct frame_reader r = { f->payload, false };
    struct mqtt_conn *c = *conn_slot(ms, f->conn);
    struct hub_device *d;
    struct connect in;
    enum hub_auth a;

    connect_read(&r, &in);
    if (c != NULL && c->dead) {
        mqtt_confirm(ms, f, FR_CODE_NO_ACK);
        return;
    }
    if (c == NULL && asks_provision(&in) && (c = conn_new(ms, f->conn, in.level)) != NULL) {
        c->provision = true; /* nothing is looked up */
        mqtt_confirm(ms, f, 0);
        return;
    }
    a = hub_auth_mqtt(ms->hub, &in.login, &d);
    if (c == NULL) {
        c = conn_new(ms, f->conn, in.level);
    } else if (c->s.open && (a != HUB_AUTH_OK || c->s.dev != d)) {
        hub_session_close(ms->hub, &c->s, dry);
        clear_subs(c);
    }
    if (a != HUB_AUTH_OK || c == NULL) {
        metric_add(&m_refused, 1);
        if (c != NULL) {
            c->dead = true;
        }
        mqtt_confirm(ms, f, refusal(&in, c == NULL ? HUB_AUTH_WRONG_TRANSPORT : a));
        return;
    }
    metric_add(&m_connects, 1);
    if (!c->s.open) {
        memset(&c->s.id, 0, sizeof(c->s.id));
        hub_session_open(ms->hub, &c->s, d, dry);
    } else {
        hub_session_activity(ms->hub, &c->s);
    }
    mqtt_keep(c);
    mqtt_confirm(ms, f, 0);
}

/* SUBSCRIBE, UNSUBSCRIBE ----------------------------------------------------------------------------- */

static struct mqtt_sub *
find_sub(struct mqtt_conn *c, struct tbe_str filter)
{
    for (uint32_t i = 0; i < c->n_subs; i++) {
        if (tbe_str_eq(c->subs[i].filter, filter)) {
            return &c->subs[i];
        }
    }
    return NULL;
}

bool
mqtt_sub_add(struct mqtt_conn *c, struct tbe_str filter, uint8_t qos)
{
    struct mqtt_sub *s = find_sub(c, filter), *v;
    char *copy;

    if (s != NULL) {
        s->qos = qos;
        return true;
    }
    if (c->n_subs >= MQTT_SUBS_MAX) {
        return false;
    }
    v = realloc(c->subs, (c->n_subs + 1) * sizeof(*v));
    if (v == NULL) {
        return false;
    }
    c->subs = v;
    copy = malloc(filter.n + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, filter.p, filter.n);
    v[c->n_subs++] = (struct mqtt_sub){ { copy, filter.n }, qos };
    return true;
}

static uint32_t
subscribe_one(struct mqtt_server *ms, struct mqtt_conn *c, struct tbe_str filter, uint32_t qos)
{
    enum mqtt_form form;
    enum mqtt_sub_kind kind = mqtt_filter_parse(c->s.dev->profile, filter, &form);

    if (kind == MQTT_SUB_NONE) {
        return 0x8f;
    }
    qos = qos > 1 ? 1 : qos;
    if (!mqtt_sub_add(c, filter, (uint8_t)qos)) {
        return 0x97;
    }
    if (kind == MQTT_SUB_ATTRIBUTES) {
        c->attr_form = (uint8_t)form;
        hub_subscribe_attributes(&c->s, true);
    } else if (kind == MQTT_SUB_RPC) {
        c->rpc_form = (uint8_t)form;
        hub_subscribe_rpc(ms->hub, &c->s, true);
    }
    return qos;
}

bool
mqtt_sub_remove(struct mqtt_conn *c, struct tbe_str filter)
{
    struct mqtt_sub *s = find_sub(c, filter);

    if (s == NULL) {
        return false;
    }
    free((char *)s->filter.p);
    memmove(s, s + 1, (size_t)(&c->subs[c->n_subs] - (s + 1)) * sizeof(*s));
    c->n_subs--;
    return true;
}

static uint32_t
unsubscribe_one(struct mqtt_server *ms, struct mqtt_conn *c, struct tbe_str filter)
{
    enum mqtt_form form;
    enum mqtt_sub_kind kind;

    if (!mqtt_sub_remove(c, filter)) {
        return 0x11;
    }
    kind = mqtt_filter_parse(c->s.dev->profile, filter, &form);
    if (kind == MQTT_SUB_ATTRIBUTES) {
        hub_subscribe_attributes(&c->s, false);
    } else if (kind == MQTT_SUB_RPC) {
        hub_subscribe_rpc(ms->hub, &c->s, false);
    }
    return mqtt_filter_known(filter) ? 0x00 : 0x8f;
}

static void
on_subscription(struct mqtt_server *ms, struct mqtt_conn *c, const struct frame *f)
{
    struct frame_reader r = { f->payload, false };
    uint32_t n = frame_get_u32(&r);
    size_t at;

    hub_session_activity(ms->hub, &c->s);
    at = frame_begin(&ms->out, FR_CONFIRM, 0, f->conn, 0, f->seq);
    frame_put_u32(&ms->out, n);
    for (uint32_t i = 0; i < n && !r.bad; i++) {
        struct tbe_str filter = frame_get_str(&r);

        if (filter.p == NULL) {
            filter = TBE_STR("");
        }
        frame_put_u32(&ms->out, f->type == FR_SUBSCRIBE
                                    ? subscribe_one(ms, c, filter, frame_get_u32(&r))
                                    : unsubscribe_one(ms, c, filter));
    }
    frame_end(&ms->out, at);
    mqtt_keep(c);
}

/* What comes back after a swap or a restart of the worker: silently. */
static void
on_session(struct mqtt_server *ms, const struct frame *f)
{
    struct frame_reader r = { f->payload, false };
    struct mqtt_conn *c;
    struct hub_device *d = NULL;
    struct tbe_str keep;
    struct tbe_uuid device;
    struct connect in;
    int32_t seq = 0;
    uint8_t on[2] = { 0, 0 };
    uint32_t n;

    connect_read(&r, &in);
    keep = frame_get_str(&r);
    if (*conn_slot(ms, f->conn) != NULL || (c = conn_new(ms, f->conn, in.level)) == NULL) {
        return;
    }
    if (asks_provision(&in)) {
        c->provision = true;
        n = frame_get_u32(&r);
        for (uint32_t i = 0; i < n && !r.bad; i++) {
            struct tbe_str filter = frame_get_str(&r);
            uint32_t qos = frame_get_u32(&r);

            if (filter.p != NULL) {
                mqtt_sub_add(c, filter, (uint8_t)(qos & 1));
            }
        }
        return;
    }
    if (keep_read(c, keep, &device, &seq, on)) {
        d = hub_device(ms->hub, &device);
    } else if (hub_auth_mqtt(ms->hub, &in.login, &d) != HUB_AUTH_OK) {
        d = NULL;
    }
    if (d == NULL || d->profile == NULL) { /* deleted meanwhile */
        on_close(&c->s, HUB_CLOSE_DELETED);
        return;
    }
    hub_session_open(ms->hub, &c->s, d, true);
    if (seq > d->rpc_seq) {
        d->rpc_seq = seq;
    }
    for (size_t i = 44; i + 36 <= keep.n; i += 36) {
        struct tbe_uuid session, child;
        int32_t child_seq;

        memcpy(&child_seq, keep.p + i, 4);
        memcpy(session.b, keep.p + i + 4, 16);
        memcpy(child.b, keep.p + i + 20, 16);
        mqtt_child_restore(ms, c, &child, &session, child_seq);
    }
    n = frame_get_u32(&r);
    for (uint32_t i = 0; i < n && !r.bad; i++) {
        struct tbe_str filter = frame_get_str(&r);
        uint32_t qos = frame_get_u32(&r);

        if (filter.p != NULL) {
            mqtt_sub_add(c, filter, (uint8_t)(qos & 1));
        }
    }
    hub_subscribe_attributes(&c->s, on[0]);
    if (on[1]) {
        hub_subscribe_rpc_silent(&c->s);
    }
}

/* One frame ------------------------------------------------------------------------------------------ */

static void
dispatch(struct mqtt_server *ms, const struct frame *f, bool dry)
{
    struct mqtt_conn **slot = conn_slot(ms, f->conn), *c = *slot;

    switch (f->type) {
    case FR_SESSION:
        on_session(ms, f);
        return;
    case FR_CONNECT:
        on_connect(ms, f, dry);
        return;
    case FR_CLOSED:
        if (c != NULL) {
            conn_free(ms, slot, dry);
        }
        mqtt_confirm(ms, f, 0);
        return;
    default:
        break;
    }
    if (c != NULL && c->provision && !c->dead) {
        mqtt_provision_frame(ms, c, f, dry);
        return;
    }
    if (c == NULL || c->dead || !c->s.open) {
        mqtt_confirm(ms, f, FR_CODE_NO_ACK);
        return;
    }
    switch (f->type) {
    case FR_PUBLISH:
        metric_add(&m_publishes, 1);
        mqtt_publish(ms, c, f, dry);
        return;
    case FR_SUBSCRIBE:
    case FR_UNSUBSCRIBE:
        on_subscription(ms, c, f);
        return;
    case FR_ACTIVITY:
        hub_session_activity(ms->hub, &c->s);
        if (f->aux == 0) { /* PINGREQ speaks for the children too (3.5) */
            mqtt_children_activity(ms, c);
        }
        hub_rpc_delivered(ms->hub, &c->s, (uint16_t)(f->aux >> 16));
        mqtt_confirm(ms, f, 0);
        return;
    default:
        mqtt_confirm(ms, f, FR_CODE_NO_ACK);
        return;
    }
}

void
mqtt_frame(struct mqtt_server *ms, const struct frame *f)
{
    ms->in_frame = true;
    dispatch(ms, f, f->seq != 0 && f->seq <= ms->applied);
    ms->in_frame = false;
    if (ms->late.n > 0) {
        tbe_buf_put(&ms->out, ms->late.p, ms->late.n);
        ms->late.n = 0;
    }
}
