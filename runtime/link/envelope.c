/* SPDX-License-Identifier: Apache-2.0 */
/* The outer layer is walked by hand, so that a downlink of megabytes is not unpacked here and
 * unknown content of any kind passes; only the two connect messages go through protobuf-c. */
#include "config.h"
#include "link/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/edge.pb-c.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static bool
take_varint(struct tbe_str *s, uint64_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < 10 && i < s->n; i++) {
        uint8_t c = (uint8_t)s->p[i];
        *out |= (uint64_t)(c & 127) << 7 * i;
        if (c < 128) {
            s->p += i + 1;
            s->n -= i + 1;
            return true;
        }
    }
    return false;
}

/* One field; body is set for WIRE_BYTES only. False: not protobuf. */
static bool
take_field(struct tbe_str *s, uint32_t *field, uint32_t *wire, struct tbe_str *body)
{
    uint64_t tag, n;

    *body = TBE_STR_NONE;
    if (!take_varint(s, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) {
        return false;
    }
    *field = (uint32_t)(tag >> 3);
    *wire = (uint32_t)(tag & 7);
    if (*wire == WIRE_VARINT) {
        return take_varint(s, &n);
    }
    if (*wire == WIRE_BYTES) {
        if (!take_varint(s, &n) || n > s->n) {
            return false;
        }
        *body = (struct tbe_str){ s->p, (size_t)n };
    } else if (*wire == WIRE_64 || *wire == WIRE_32) {
        n = *wire == WIRE_64 ? 8 : 4;
    } else {
        return false; /* groups are of another age */
    }
    if (n > s->n) {
        return false;
    }
    s->p += n;
    s->n -= (size_t)n;
    return true;
}

/* connect: number of the field that connects; others: bit set of those that are passed on. */
static enum envelope_kind
kind_of(struct tbe_str whole, uint32_t connect, uint32_t others, struct tbe_str *body)
{
    enum envelope_kind kind = ENVELOPE_NONE;

    *body = TBE_STR_NONE;
    while (whole.n) {
        uint32_t field, wire;
        struct tbe_str part;
        if (!take_field(&whole, &field, &wire, &part)) {
            return ENVELOPE_BAD;
        }
        if (field > 31 || wire != WIRE_BYTES) {
            continue;
        }
        if (field == connect) {
            kind = ENVELOPE_CONNECT;
            *body = part;
        } else if (others >> field & 1 && kind == ENVELOPE_NONE) {
            kind = ENVELOPE_OTHER;
        }
    }
    return kind;
}

enum envelope_kind
envelope_response(struct tbe_str whole, struct tbe_str *body)
{
    return kind_of(whole, 1, 1u << 2 | 1u << 3 | 1u << 4, body);
}

enum envelope_kind
envelope_request(struct tbe_str whole)
{
    struct tbe_str body;

    return kind_of(whole, 2, 1u << 3 | 1u << 4 | 1u << 5, &body);
}

int
envelope_version(struct tbe_str name)
{
    char z[32];
    const ProtobufCEnumValue *v;

    if (name.n >= sizeof z) {
        return -1;
    }
    memcpy(z, name.p, name.n);
    z[name.n] = '\0';
    v = protobuf_c_enum_descriptor_get_value_by_name(&edge__edge_version__descriptor, z);
    return v ? v->value : -1;
}

static char *
dupz(struct tbe_str s)
{
    char *z = malloc(s.n + 1);

    if (z) {
        memcpy(z, s.p, s.n);
        z[s.n] = '\0';
    }
    return z;
}

bool
envelope_connect_request(struct tbe_buf *b, const struct link_config *c)
{
    Edge__RequestMsg m = EDGE__REQUEST_MSG__INIT;
    Edge__ConnectRequestMsg r = EDGE__CONNECT_REQUEST_MSG__INIT;
    bool ok;

    m.msgtype = EDGE__REQUEST_MSG_TYPE__CONNECT_RPC_MESSAGE;
    m.connectrequestmsg = &r;
    r.edgeroutingkey = dupz(c->routing_key);
    r.edgesecret = dupz(c->secret);
    r.edgeversion = (Edge__EdgeVersion)envelope_version(c->edge_version);
    r._max_inbound_message_size_case =
        EDGE__CONNECT_REQUEST_MSG___MAX_INBOUND_MESSAGE_SIZE_MAX_INBOUND_MESSAGE_SIZE;
    r.maxinboundmessagesize = (int32_t)c->max_inbound;
    ok = r.edgeroutingkey && r.edgesecret &&
         tbe_buf_reserve(b, edge__request_msg__get_packed_size(&m));
    if (ok) {
        b->n += edge__request_msg__pack(&m, (uint8_t *)b->p + b->n);
    }
    free(r.edgeroutingkey);
    free(r.edgesecret);
    return ok;
}

/* The cloud's own words are known, and hold the key or the secret. */
static void
put_reason(const Edge__ConnectResponseMsg *m, char *out, size_t size)
{
    if (m->responsecode == EDGE__CONNECT_RESPONSE_CODE__BAD_CREDENTIALS) {
        bool key = strncmp(m->errormsg, "Failed to find", 14) == 0;
        bool secret = strncmp(m->errormsg, "Failed to validate", 18) == 0;
        snprintf(out, size, "refused: %s",
                 key ? "the cloud knows no edge with this routing key"
                     : secret ? "the secret is wrong" : "bad credentials");
    } else if (m->responsecode == EDGE__CONNECT_RESPONSE_CODE__SERVER_UNAVAILABLE) {
        snprintf(out, size, "refused: the cloud could not serve the connect");
    } else {
        snprintf(out, size, "refused: code %d", (int)m->responsecode);
    }
}

bool
envelope_answer(struct tbe_str body, struct envelope_answer *out)
{
    static const struct link_config none;
    Edge__ConnectResponseMsg *m =
        edge__connect_response_msg__unpack(NULL, body.n, (const uint8_t *)body.p);

    *out = (struct envelope_answer){ .accepted = false };
    if (!m) {
        return false;
    }
    out->accepted = m->responsecode == EDGE__CONNECT_RESPONSE_CODE__ACCEPTED && m->configuration;
    if (out->accepted) {
        envelope_clean(tbe_strz(m->configuration->name), &none, out->edge, sizeof out->edge);
    } else if (m->responsecode == EDGE__CONNECT_RESPONSE_CODE__ACCEPTED) {
        snprintf(out->reason, sizeof out->reason, "accepted, but the cloud sent no configuration");
    } else {
        put_reason(m, out->reason, sizeof out->reason);
    }
    if (m->_max_inbound_message_size_case && m->maxinboundmessagesize > 0) {
        out->max_uplink = (uint32_t)m->maxinboundmessagesize;
    }
    edge__connect_response_msg__free_unpacked(m, NULL);
    return true;
}

/* Length of the secret that stands at text, or 0. */
static size_t
secret_at(struct tbe_str text, const struct link_config *c)
{
    const struct tbe_str all[] = { c->secret, c->routing_key, c->proxy_password };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].n && all[i].n <= text.n && memcmp(text.p, all[i].p, all[i].n) == 0) {
            return all[i].n;
        }
    }
    return 0;
}

void
envelope_clean(struct tbe_str text, const struct link_config *c, char *out, size_t size)
{
    size_t n = 0;

    while (text.n && n + 4 < size) {
        size_t skip = secret_at(text, c);
        if (skip) {
            memcpy(out + n, "***", 3);
            n += 3;
        } else {
            uint8_t ch = (uint8_t)*text.p;
            out[n++] = ch >= ' ' && ch != 127 ? *text.p : ' ';
            skip = 1;
        }
        text.p += skip;
        text.n -= skip;
    }
    out[n] = '\0';
}
