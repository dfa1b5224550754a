/* SPDX-License-Identifier: Apache-2.0 */
/* Server-side RPC (facts/device-apis.md 9): the queue of one device, delivery to its subscribed sessions,
 * replies, time-outs and the rows of persistent requests. The submit strategy is BURST.
 *
 * An outside caller may outlive this process (the cloud): while the device has a two-way request of one, the row
 * "rpc.sent.<device>.<request id>" says which, so that the next worker knows whom the answer is for.
 *
 * A request is answered once, after the commit of the turn that decided the answer. Persistent requests
 * are rows "rpc.<device>.<rpc id>" whose value is the Rpc entity as JSON. */
#include "config.h"

#include "device/rpc_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

struct hub_caller { /* somebody outside the rule engine who waits for an answer */
    struct hub_caller *next;
    struct tbe_uuid id;
    hub_rpc_fn *fn;
    void *arg;
    struct device_hub *hub;
    struct hub_timer timer;
};

struct answer {
    hub_rpc_fn *fn;
    void *arg;
    enum hub_rpc_error e;
    struct tbe_str text; /* in the batch arena, or absent */
};

#define SENT_KEY_MAX 80u
struct sent_row { /* value of a "rpc.sent" row */
    struct tbe_uuid id;
    int64_t expires;
};

static METRIC_COUNTER(m_calls, "tbedge_rpc_requests_total", "Server-side RPC requests to devices.");

static void
on_answer(void *arg)
{
    struct answer *a = arg;

    a->fn(a->arg, a->e, a->text);
}

/* Tells after the commit. */
static void
tell(struct device_hub *h, hub_rpc_fn *fn, void *arg, enum hub_rpc_error e, struct tbe_str text)
{
    struct tbe_arena *ar = store_batch_arena(h->batch);
    struct answer *a = tbe_arena_alloc(ar, sizeof(*a));

    if (fn == NULL) {
        return;
    }
    *a = (struct answer){ fn, arg, e, text.p ? tbe_arena_dup(ar, text) : TBE_STR_NONE };
    store_batch_after(h->batch, on_answer, a);
}

static void
tell_caller(struct device_hub *h, const struct tbe_uuid *id, enum hub_rpc_error e, struct tbe_str text)
{
    for (struct hub_caller **p = &h->callers; *p != NULL; p = &(*p)->next) {
        if (tbe_uuid_eq(&(*p)->id, id)) {
            struct hub_caller *c = *p;

            *p = c->next;
            hub_timer_clear(&h->timers, &c->timer);
            tell(h, c->fn, c->arg, e, text);
            free(c);
            return;
        }
    }
}

/* The request is answered: the node that sent it and the caller behind it. Only the first answer counts. */
static void
answer(struct device_hub *h, struct hub_call *c, enum hub_rpc_error e, struct tbe_str text)
{
    hub_rpc_fn *fn = c->fn;

    c->fn = NULL;
    tell(h, fn, c->arg, e, text);
    tell_caller(h, &c->rpc.id, e, text);
}

/* Rows of what is sent ----------------------------------------------------------------------------- */

static struct tbe_str
sent_key(char buf[SENT_KEY_MAX], const struct tbe_uuid *device, int32_t request)
{
    char id[TBE_UUID_TEXT + 1];
    int n;

    tbe_uuid_text(device, id);
    n = request < 0 ? snprintf(buf, SENT_KEY_MAX, "rpc.sent.%s.", id)
                    : snprintf(buf, SENT_KEY_MAX, "rpc.sent.%s.%d", id, (int)request);
    return (struct tbe_str){ buf, (size_t)n };
}

static bool
has_caller(const struct device_hub *h, const struct tbe_uuid *id)
{
    for (const struct hub_caller *c = h->callers; c != NULL; c = c->next) {
        if (tbe_uuid_eq(&c->id, id)) {
            return true;
        }
    }
    return false;
}

static void
put_sent(struct device_hub *h, struct hub_call *c)
{
    struct sent_row row = { c->rpc.id, c->rpc.expires };
    char key[SENT_KEY_MAX];

    if (c->sent_row || c->rpc.oneway || c->rpc.persisted || !has_caller(h, &c->rpc.id)) {
        return;
    }
    c->sent_row = true;
    store_put_state(h->batch, sent_key(key, &c->dev->id, c->request_id),
                    (struct tbe_str){ (const char *)&row, sizeof(row) });
}

static void
drop_sent(struct device_hub *h, struct hub_call *c)
{
    char key[SENT_KEY_MAX];

    if (c->sent_row && h->batch != NULL && !h->closing) {
        store_put_state(h->batch, sent_key(key, &c->dev->id, c->request_id), TBE_STR_NONE);
    }
    c->sent_row = false;
}

/* A reply to what an earlier worker sent. */
static void
reply_to_earlier(struct device_hub *h, const struct hub_device *d, int32_t request, struct tbe_str text)
{
    char key[SENT_KEY_MAX];
    struct tbe_str k = sent_key(key, &d->id, request), v = request < 0 ? TBE_STR_NONE : store_state(h->store, k);
    struct sent_row row;

    if (v.n != sizeof(row)) {
        return;
    }
    memcpy(&row, v.p, sizeof(row));
    store_put_state(h->batch, k, TBE_STR_NONE);
    tell_caller(h, &row.id, HUB_RPC_OK, text);
}

struct sent_scan {
    struct device_hub *h;
    struct hub_device *d;
    int64_t now;
};

/* Request ids go on behind those an earlier worker gave out; what has expired is nobody's any more. */
static bool
scan_sent(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct sent_scan *s = arg;
    const char *dot = memrchr(key.p, '.', key.n);
    struct sent_row row;
    int64_t id;

    if (value.n == sizeof(row) &&
        tbe_parse_long((struct tbe_str){ dot + 1, key.n - (size_t)(dot + 1 - key.p) }, &id) && id < INT32_MAX) {
        memcpy(&row, value.p, sizeof(row));
        if (row.expires + 1000 > s->now) {
            s->d->rpc_seq = id >= s->d->rpc_seq ? (int32_t)id + 1 : s->d->rpc_seq;
            return true;
        }
    }
    store_put_state(s->h->batch, key, TBE_STR_NONE);
    return true;
}

static void
load_sent(struct device_hub *h, struct hub_device *d, int64_t now)
{
    struct sent_scan s = { h, d, now };
    char key[SENT_KEY_MAX];

    store_state_each(h->store, sent_key(key, &d->id, -1), scan_sent, &s);
}

static void
unlink_call(struct device_hub *h, struct hub_call *c)
{
    struct hub_device *d = c->dev;

    for (struct hub_call **p = &d->calls; *p != NULL; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            if (d->calls_end == &c->next) {
                d->calls_end = p;
            }
            break;
        }
    }
    hub_timer_clear(&h->timers, &c->expiry);
    hub_timer_clear(&h->timers, &c->delivery);
}

static void
free_call(struct device_hub *h, struct hub_call *c)
{
    drop_sent(h, c);
    unlink_call(h, c);
    free(c);
}

static void
set_status(struct device_hub *h, struct hub_call *c, enum rpc_status st, struct tbe_str response)
{
    if (c->rpc.persisted) {
        rpc_row_save(h, c, st, response);
    }
}

/* Delivery ----------------------------------------------------------------------------------------- */

/* The transport reported that the request arrived (9.3). true: the call is gone. */
static bool
delivered(struct device_hub *h, struct hub_call *c)
{
    hub_timer_clear(&h->timers, &c->delivery);
    c->tag = 0;
    c->tag_session = NULL;
    c->delivered = true;
    set_status(h, c, RPC_DELIVERED, TBE_STR_NONE);
    if (c->rpc.oneway) {
        free_call(h, c);
        return true;
    }
    return false;
}

static void
on_delivery_timeout(void *owner, struct hub_timer *t)
{
    struct device_hub *h = owner;
    struct hub_call *c = (struct hub_call *)((char *)t - offsetof(struct hub_call, delivery));
    int32_t limit = c->rpc.retries < 0 || c->rpc.retries > HUB_RPC_RETRIES ? HUB_RPC_RETRIES : c->rpc.retries;
    char text[160];

    c->tag = 0;
    c->tag_session = NULL;
    if (c->tries < limit) {
        c->tries++;
        set_status(h, c, RPC_TIMEOUT, TBE_STR_NONE);
        return;
    }
    snprintf(text, sizeof(text),
             "{\"error\":\"There was a Timeout and all retry attempts have been exhausted. "
             "Retry attempts set: %d\"}", (int)limit);
    set_status(h, c, RPC_FAILED, tbe_strz(text));
    free_call(h, c);
}

enum outcome { GONE, PENDING };

/* One session gets one request. */
static enum outcome
send_to(struct device_hub *h, struct hub_call *c, struct hub_session *s)
{
    uint16_t tag = ++s->next_tag ? s->next_tag : ++s->next_tag;
    int64_t now = clock_ms();
    enum hub_sent r;

    if (!s->async) {
        s->rpc_on = false; /* a long poll takes one request */
    }
    c->sent = true;
    put_sent(h, c);
    r = s->ops->rpc(s, c->request_id, c->rpc.method, c->rpc.params, tag);
    switch (r) {
    case HUB_SENT_DONE:
        return delivered(h, c) ? GONE : PENDING;
    case HUB_SENT_BLIND:
        set_status(h, c, RPC_SENT, TBE_STR_NONE);
        return PENDING;
    case HUB_SENT_UNACKED:
        c->tag = tag;
        c->tag_session = s;
        set_status(h, c, RPC_SENT, TBE_STR_NONE);
        hub_timer_set(&h->timers, &c->delivery,
                      c->rpc.expires < now + HUB_RPC_ACK_MS ? c->rpc.expires : now + HUB_RPC_ACK_MS);
        return PENDING;
    default: {
        struct tbe_buf b = { 0 };

        tbe_buf_putz(&b, "{\"result\":\"INVALID_ARGUMENTS\",\"error\":");
        h->text.n = 0;
        tbe_buf_putz(&h->text, "Failed to convert device RPC command to MQTT msg: ");
        tbe_buf_puts(&h->text, c->rpc.method);
        tbe_buf_puts(&h->text, c->rpc.params.p ? c->rpc.params : TBE_STR("null"));
        tbe_json_write_str(&b, tbe_buf_str(&h->text));
        tbe_buf_putc(&b, '}');
        set_status(h, c, RPC_FAILED, tbe_buf_str(&b));
        answer(h, c, HUB_RPC_OK, tbe_buf_str(&b));
        tbe_buf_free(&b);
        free_call(h, c);
        return GONE;
    }
    }
}

static void
on_expiry(void *owner, struct hub_timer *t)
{
    struct device_hub *h = owner;
    struct hub_call *c = (struct hub_call *)((char *)t - offsetof(struct hub_call, expiry));

    set_status(h, c, RPC_EXPIRED, TBE_STR_NONE);
    answer(h, c, c->sent ? HUB_RPC_TIMEOUT : HUB_RPC_NO_ACTIVE_CONNECTION, TBE_STR_NONE);
    free_call(h, c);
}

struct hub_call *
rpc_call_new(struct hub_device *d, const struct hub_rpc *r)
{
    struct hub_call *c;
    size_t n = r->method.n + r->params.n + r->info.n + 3;
    char *p;

    c = calloc(1, sizeof(*c) + n);
    if (c == NULL) {
        return NULL;
    }
    c->dev = d;
    c->rpc = *r;
    p = (char *)(c + 1);
    memcpy(p, r->method.n ? r->method.p : "", r->method.n);
    c->rpc.method.p = p;
    p += r->method.n + 1;
    if (r->params.p != NULL) {
        memcpy(p, r->params.p, r->params.n);
        c->rpc.params.p = p;
        p += r->params.n + 1;
    }
    if (r->info.p != NULL) {
        memcpy(p, r->info.p, r->info.n);
        c->rpc.info.p = p;
    }
    c->expiry.fn = on_expiry;
    c->delivery.fn = on_delivery_timeout;
    c->created = clock_ms();
    return c;
}

/* To every subscribed session; a long poll only when nobody else has taken it. */
static enum outcome
send_all(struct device_hub *h, struct hub_call *c)
{
    struct hub_device *d = c->dev;

    for (struct hub_session *s = d->sessions, *next; s != NULL; s = next) {
        next = s->next;
        if (s->rpc_on && send_to(h, c, s) == GONE) {
            return GONE;
        }
    }
    return PENDING;
}

static bool
subscribed(const struct hub_device *d)
{
    for (const struct hub_session *s = d->sessions; s != NULL; s = s->next) {
        if (s->rpc_on) {
            return true;
        }
    }
    return false;
}

static void
append(struct device_hub *h, struct hub_call *c)
{
    struct hub_device *d = c->dev;

    c->request_id = d->rpc_seq++;
    c->next = NULL;
    *d->calls_end = c;
    d->calls_end = &c->next;
    hub_timer_set(&h->timers, &c->expiry, c->rpc.expires);
}

static uint32_t
count_calls(const struct hub_device *d)
{
    uint32_t n = 0;

    for (const struct hub_call *c = d->calls; c != NULL; c = c->next) {
        n++;
    }
    return n;
}

/* Persistent requests in status QUEUED come back with new request ids (9.4). */
static bool
load_row(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct rpc_loading *l = arg;
    struct hub_call *c;

    (void)key;
    c = rpc_row_parse(l->hub, l->dev, value);
    if (c != NULL) {
        c->next = l->first;
        l->first = c;
    }
    return true;
}

static void
load_rows(struct device_hub *h, struct hub_device *d)
{
    struct rpc_loading l = { h, d, NULL };
    char prefix[48] = "rpc.";
    int64_t now = clock_ms();

    if (d->rpcs_loaded) {
        return;
    }
    d->rpcs_loaded = true;
    load_sent(h, d, now);
    tbe_uuid_text(&d->id, prefix + 4);
    strcat(prefix, ".");
    store_state_each(h->store, tbe_strz(prefix), load_row, &l);
    while (l.first != NULL) { /* oldest first */
        struct hub_call **o = &l.first, *c;

        for (struct hub_call **p = &l.first; *p != NULL; p = &(*p)->next) {
            if ((*p)->created < (*o)->created) {
                o = p;
            }
        }
        c = *o;
        *o = c->next;
        if (c->rpc.expires <= now) {
            set_status(h, c, RPC_EXPIRED, TBE_STR_NONE);
            free(c);
        } else {
            append(h, c);
        }
    }
}

/* Entry points ------------------------------------------------------------------------------------- */

void
hub_rpc_send(struct device_hub *h, struct store_batch *b, const struct hub_rpc *r, hub_rpc_fn *fn, void *arg)
{
    struct hub_device *d = hub_device(h, &r->device);
    struct store_batch *was = h->batch;
    struct hub_call *c;

    h->batch = b;
    metric_register(&m_calls);
    metric_add(&m_calls, 1);
    if (d != NULL) {
        load_rows(h, d);
    }
    c = d != NULL && count_calls(d) < HUB_RPC_PENDING_MAX ? rpc_call_new(d, r) : NULL;
    if (c == NULL) {
        tell(h, fn, arg, HUB_RPC_INTERNAL, TBE_STR_NONE);
        tell_caller(h, &r->id, HUB_RPC_INTERNAL, TBE_STR_NONE);
        h->batch = was;
        return;
    }
    c->fn = fn;
    c->arg = arg;
    if (r->expires <= clock_ms()) {
        set_status(h, c, RPC_EXPIRED, TBE_STR_NONE);
        answer(h, c, HUB_RPC_TIMEOUT, TBE_STR_NONE);
        free(c);
        h->batch = was;
        return;
    }
    append(h, c);
    if (r->persisted) {
        char id[TBE_UUID_TEXT + 1], text[64];

        set_status(h, c, RPC_QUEUED, TBE_STR_NONE);
        tbe_uuid_text(&r->id, id);
        snprintf(text, sizeof(text), "{\"rpcId\":\"%s\"}", id);
        answer(h, c, HUB_RPC_OK, tbe_strz(text));
    } else if (r->oneway && subscribed(d)) {
        answer(h, c, HUB_RPC_OK, TBE_STR_NONE); /* not registered as pending (9.3) */
    }
    /* A one-way request nobody is there for waits here until it expires: its local caller sees that (9.6). */
    if (send_all(h, c) == PENDING && r->oneway && !r->persisted && c->sent) {
        free_call(h, c);
    }
    h->batch = was;
}

void
rpc_subscribed(struct device_hub *h, struct hub_session *s)
{
    struct hub_device *d = s->dev;

    load_rows(h, d);
    for (struct hub_call *c = d->calls, *next; c != NULL && s->rpc_on; c = next) {
        bool once = c->rpc.oneway && !c->rpc.persisted;

        next = c->next;
        if (c->delivered || (c->tag_session != NULL && c->tag_session->open)) {
            continue;
        }
        if (once) {
            answer(h, c, HUB_RPC_OK, TBE_STR_NONE);
        }
        if (send_to(h, c, s) == PENDING && once) {
            free_call(h, c);
        }
    }
}

void
rpc_session_gone(struct device_hub *h, struct hub_session *s)
{
    for (struct hub_call *c = s->dev->calls; c != NULL; c = c->next) {
        if (c->tag_session == s) { /* its acknowledgement will not come: sent again on the next subscribe */
            hub_timer_clear(&h->timers, &c->delivery);
            c->tag = 0;
            c->tag_session = NULL;
        }
    }
}

void
rpc_device_gone(struct device_hub *h, struct hub_device *d)
{
    while (d->calls != NULL) {
        answer(h, d->calls, HUB_RPC_INTERNAL, TBE_STR_NONE);
        free_call(h, d->calls);
    }
}

void
hub_rpc_delivered(struct device_hub *h, struct hub_session *s, uint16_t tag)
{
    if (tag == 0 || !s->open) {
        return;
    }
    for (struct hub_call *c = s->dev->calls; c != NULL; c = c->next) {
        if (c->tag == tag && c->tag_session == s) {
            delivered(h, c);
            return;
        }
    }
}

void
hub_rpc_response(struct device_hub *h, struct hub_device *d, int32_t id, struct tbe_str text)
{
    struct hub_call *c;
    tbe_val v;

    for (c = d->calls; c != NULL && c->request_id != id; c = c->next) {
        continue;
    }
    if (c == NULL) {
        reply_to_earlier(h, d, id, text);
        return;
    }
    if (c->rpc.oneway && c->rpc.persisted && c->delivered) {
        return; /* stale */
    }
    if (c->rpc.persisted) {
        struct tbe_buf b = { 0 };

        tbe_arena_reset(&h->scratch);
        if (tbe_json_parse(&h->scratch, text, TBE_JSON_RAW, &v, NULL) == 0) {
            set_status(h, c, RPC_SUCCESSFUL, text);
        } else {
            tbe_buf_putz(&b, "{\"error\":");
            tbe_json_write_str(&b, text);
            tbe_buf_putc(&b, '}');
            set_status(h, c, RPC_SUCCESSFUL, tbe_buf_str(&b));
            tbe_buf_free(&b);
        }
    }
    answer(h, c, HUB_RPC_OK, text);
    free_call(h, c);
}

struct tbe_str
hub_rpc_row(struct device_hub *h, const struct tbe_uuid *device, const struct tbe_uuid *rpc)
{
    char key[96];

    rpc_row_key(device, rpc, key);
    return store_state(h->store, tbe_strz(key));
}

static void
on_caller_timeout(void *owner, struct hub_timer *t)
{
    struct device_hub *h = owner;
    struct hub_caller *c = (struct hub_caller *)((char *)t - offsetof(struct hub_caller, timer));
    struct tbe_uuid id = c->id;

    tell_caller(h, &id, HUB_RPC_TIMEOUT, TBE_STR_NONE);
}

static bool
await_answer(struct device_hub *h, const struct tbe_uuid *id, int64_t expires, hub_rpc_fn *fn, void *arg)
{
    struct hub_caller *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return false;
    }
    *c = (struct hub_caller){ h->callers, *id, fn, arg, h, { .fn = on_caller_timeout } };
    h->callers = c;
    hub_timer_set(&h->timers, &c->timer, expires + 1000);
    return true;
}

int
hub_rpc_await(struct device_hub *h, const struct tbe_uuid *id, int64_t expires, hub_rpc_fn *fn, void *arg)
{
    return await_answer(h, id, expires, fn, arg) ? 0 : -1;
}

static void
put_bool(struct tbe_arena *a, struct tbe_md *md, struct tbe_str key, bool v)
{
    tbe_md_put(a, md, key, v ? TBE_STR("true") : TBE_STR("false"));
}

int
hub_rpc_call(struct device_hub *h, struct store_batch *b, const struct hub_rpc *r, hub_rpc_fn *fn, void *arg)
{
    struct hub_device *d = hub_device(h, &r->device);
    struct tbe_msg *m;
    struct tbe_arena *a;
    char id[TBE_UUID_TEXT + 1];

    if (d == NULL || !await_answer(h, &r->id, r->expires, fn, arg)) {
        return -1;
    }
    h->batch = b;
    m = hub_msg_new(d, TBE_STR("RPC_CALL_FROM_SERVER_TO_DEVICE"));
    a = tbe_msg_arena(m);
    tbe_uuid_text(&r->id, id);
    tbe_md_put(a, &m->md, TBE_STR("requestUUID"), tbe_arena_dup(a, tbe_strz(id)));
    tbe_md_put(a, &m->md, TBE_STR("originServiceId"), tbe_arena_dup(a, tbe_strz(h->service_id)));
    tbe_md_put(a, &m->md, TBE_STR("expirationTime"), tbe_arena_fmt(a, "%lld", (long long)r->expires));
    put_bool(a, &m->md, TBE_STR("oneway"), r->oneway);
    put_bool(a, &m->md, TBE_STR("persistent"), r->persisted);
    if (r->retries >= 0) {
        tbe_md_put(a, &m->md, TBE_STR("retries"), tbe_arena_fmt(a, "%d", (int)r->retries));
    }
    hub_msg_names(a, &m->md, d);
    h->text.n = 0;
    tbe_buf_putz(&h->text, "{\"method\":");
    tbe_json_write_str(&h->text, r->method);
    tbe_buf_putz(&h->text, ",\"params\":");
    tbe_json_write_str(&h->text, r->params.p ? r->params : TBE_STR("null"));
    tbe_buf_putz(&h->text, ",\"additionalInfo\":");
    if (r->info.p != NULL) {
        tbe_json_write_str(&h->text, r->info);
    } else {
        tbe_buf_putz(&h->text, "null");
    }
    tbe_buf_putc(&h->text, '}');
    m->data = tbe_arena_dup(a, tbe_buf_str(&h->text));
    hub_submit(h, &m);
    return 0;
}

void
hub_rpc_forget(struct device_hub *h, hub_rpc_fn *fn, void (*drop)(void *arg))
{
    for (struct hub_caller **p = &h->callers; *p != NULL;) {
        struct hub_caller *c = *p;

        if (c->fn != fn) {
            p = &c->next;
            continue;
        }
        *p = c->next;
        hub_timer_clear(&h->timers, &c->timer);
        drop(c->arg);
        free(c);
    }
}

void
rpc_free(struct device_hub *h)
{
    h->closing = true; /* the rows are for the next worker */
    while (h->callers != NULL) {
        struct hub_caller *c = h->callers;

        h->callers = c->next;
        hub_timer_clear(&h->timers, &c->timer);
        free(c);
    }
    for (uint32_t i = 0; i < h->devices_cap; i++) {
        for (struct hub_device *d = h->devices[i]; d != NULL; d = d->chain) {
            while (d->calls != NULL) {
                free_call(h, d->calls);
            }
        }
    }
}
