/* SPDX-License-Identifier: Apache-2.0 */
/* One ResponseMsg: what it holds and whose it is (facts/edge-cloud-protocol.md 2.1, 5.1). A DownlinkMsg is answered
 * once, when what it did is durable. */
#include "config.h"

#include "cloud/internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

static void *
arena_alloc(void *arg, size_t n)
{
    return tbe_arena_alloc(arg, n ? n : 1);
}

static void
arena_free(void *arg, void *p)
{
    (void)arg;
    (void)p;
}

ProtobufCAllocator
cloud_allocator(struct tbe_arena *a)
{
    return (ProtobufCAllocator){ arena_alloc, arena_free, a };
}

/* Old clouds (12.1) ------------------------------------------------------------------------------------ */

/* One field of wire-format bytes: its number and where it ends; false: the bytes are malformed. */
struct wire {
    const uint8_t *p, *end;
    uint32_t field;
    const uint8_t *start, *body; /* of the newest field: with its tag; content of a length-delimited one */
    size_t n;
    uint64_t number;             /* of a varint */
    uint8_t type;
};

static bool
wire_varint(struct wire *w, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 64 && w->p < w->end; shift += 7) {
        uint8_t c = *w->p++;

        *v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            return true;
        }
    }
    return false;
}

static bool
wire_next(struct wire *w)
{
    uint64_t tag, n = 0;

    w->start = w->p;
    if (w->p >= w->end || !wire_varint(w, &tag)) {
        return false;
    }
    w->field = (uint32_t)(tag >> 3);
    w->type = tag & 7;
    w->body = w->p;
    switch (w->type) {
    case 0:
        return wire_varint(w, &w->number);
    case 1:
        n = 8;
        break;
    case 5:
        n = 4;
        break;
    case 2:
        if (!wire_varint(w, &n)) {
            return false;
        }
        w->body = w->p;
        break;
    default:
        return false;
    }
    if (n > (uint64_t)(w->end - w->p)) {
        return false;
    }
    w->n = (size_t)n;
    w->p += n;
    return true;
}

#define FIELD_DOWNLINK 3u    /* of ResponseMsg */
#define FIELD_DOWNLINK_ID 1u /* of DownlinkMsg */
static const uint32_t reused[] = { 30, 34 }; /* of DownlinkMsg: other messages in clouds 3.7 */

/* The DownlinkMsg of a ResponseMsg protobuf-c refuses, without the fields that have had another meaning. */
static Edge__DownlinkMsg *
lenient_downlink(struct cloud *c, struct tbe_str bytes, int32_t *id, bool *is)
{
    struct wire w = { .p = (const uint8_t *)bytes.p, .end = (const uint8_t *)bytes.p + bytes.n };
    ProtobufCAllocator alloc = cloud_allocator(&c->arena);
    struct tbe_buf out = { 0 };
    Edge__DownlinkMsg *m;
    bool found = false;

    *is = false;
    while (!found && wire_next(&w)) { /* after a false the fields of w say nothing */
        found = w.field == FIELD_DOWNLINK && w.type == 2;
    }
    if (!found) {
        return NULL;
    }
    w = (struct wire){ .p = w.body, .end = w.body + w.n };
    while (wire_next(&w)) {
        if (w.field == FIELD_DOWNLINK_ID && w.type == 0) {
            *id = (int32_t)w.number;
            *is = true;
        }
        if (w.field != reused[0] && w.field != reused[1]) {
            tbe_buf_put(&out, w.start, (size_t)(w.p - w.start));
        }
    }
    m = out.oom ? NULL : edge__downlink_msg__unpack(&alloc, out.n, (const uint8_t *)(out.p ? out.p : ""));
    tbe_buf_free(&out);
    return m;
}

/* Parts ------------------------------------------------------------------------------------------------ */

static void
answer(struct cloud *c, uint32_t session, int32_t id, bool ok, const char *err)
{
    Edge__DownlinkResponseMsg r = EDGE__DOWNLINK_RESPONSE_MSG__INIT;
    Edge__RequestMsg m = EDGE__REQUEST_MSG__INIT;

    if (c->s.link.state != LINK_UP || session != c->s.link.session) {
        return; /* its stream is gone: the cloud sends it again */
    }
    r.success = ok;
    r.downlinkmsgid = id;
    if (!ok) {
        r.errormsg = (char *)(uintptr_t)err;
    }
    m.msgtype = EDGE__REQUEST_MSG_TYPE__UPLINK_RPC_MESSAGE;
    m.downlinkresponsemsg = &r;
    cloud_send(c, &m, true);
}

static bool
same_customer(const struct tbe_uuid *a, const struct tbe_uuid *b)
{
    return tbe_uuid_eq(a, b) || (tbe_uuid_is_null(a) && tbe_uuid_is_null(b));
}

static void
edge_changed(struct cloud *c, const Edge__EdgeConfiguration *cfg)
{
    struct tbe_uuid customer = cloud_uuid(cfg->customeridmsb, cfg->customeridlsb);
    bool other = !same_customer(&customer, &c->edge.customer);

    session_edge_entity(c, cfg);
    session_settings_save(c);
    c->s.sync_after_ack = other && !c->s.syncing;
}

static void
downlink(struct cloud *c, uint32_t session, const Edge__DownlinkMsg *m, bool applied)
{
    char err[256] = "";
    bool ok = true;

    c->s.heard = clock_ms();
    c->downlinks += !applied;
    if (!applied && m->synccompletedmsg != NULL) {
        sync_completed(c);
    }
    if (!applied && m->edgeconfiguration != NULL) {
        edge_changed(c, m->edgeconfiguration);
    }
    if (!applied) {
        hub_cloud_mute(c->env.hub, true);
        ok = cloud_downlink(c, c->batch, m, err);
        hub_cloud_mute(c->env.hub, false);
    }
    if (!ok) {
        c->downlinks_failed++;
        log_warn("cloud: a downlink could not be applied: %s", err);
    }
    answer(c, session, m->downlinkmsgid, ok, err);
    if (c->s.sync_after_ack) {
        c->s.sync_after_ack = false;
        if (c->s.accepted && session == c->s.link.session) {
            sync_ask(c, true);
        }
    }
}

static void
unreadable(struct cloud *c, uint32_t session, struct tbe_str bytes, bool applied)
{
    int32_t id = 0;
    bool is;
    Edge__DownlinkMsg *m = lenient_downlink(c, bytes, &id, &is);

    if (m != NULL) {
        downlink(c, session, m, applied);
        return;
    }
    log_error("cloud: a message of %zu bytes cannot be read", bytes.n);
    c->downlinks_failed++;
    if (is) { /* it would come again and again, and hold what is behind it (5.2) */
        answer(c, session, id, true, "");
    }
}

void
cloud_frame(struct cloud *c, uint64_t seq, uint32_t session, struct tbe_str response, bool applied)
{
    ProtobufCAllocator alloc = cloud_allocator(&c->arena);
    Edge__ResponseMsg *m;

    tbe_arena_reset(&c->arena);
    m = edge__response_msg__unpack(&alloc, response.n, (const uint8_t *)(response.p ? response.p : ""));
    if (m == NULL) {
        unreadable(c, session, response, applied);
        c->env.confirm(c->env.arg, seq);
        return;
    }
    if (m->edgeupdatemsg != NULL && m->edgeupdatemsg->configuration != NULL && !applied) {
        session_configure(c, m->edgeupdatemsg->configuration, false);
    }
    if (m->uplinkresponsemsg != NULL) {
        const Edge__UplinkResponseMsg *r = m->uplinkresponsemsg;

        uplink_answer(c, r->uplinkmsgid, r->success, tbe_strz(r->errormsg));
    }
    if (m->downlinkmsg != NULL) {
        downlink(c, session, m->downlinkmsg, applied);
    }
    c->env.confirm(c->env.arg, seq);
}
