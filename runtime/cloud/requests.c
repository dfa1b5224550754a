/* SPDX-License-Identifier: Apache-2.0 */
/* What the other files of the room send and queue: whole RequestMsgs, cloud events, requests about entities,
 * answers to RPC calls (facts/edge-cloud-protocol.md 4.3, 8.1, 12.3). */
#include "config.h"

#include "cloud/internal.h"

#include <stdlib.h>

#include "base/clock.h"

uint64_t
cloud_send(struct cloud *c, const Edge__RequestMsg *m, bool held)
{
    size_t n = edge__request_msg__get_packed_size(m);

    c->out.n = 0;
    if (!tbe_buf_reserve(&c->out, n + 1)) {
        abort(); /* without memory the process is started again */
    }
    c->out.n = edge__request_msg__pack(m, (uint8_t *)c->out.p);
    c->env.send(c->env.arg, c->s.link.session, ++c->numbers, tbe_buf_str(&c->out), held);
    return c->numbers;
}

void
cloud_event_kind(struct cloud *c, struct store_batch *b, enum cloud_kind kind, const struct tbe_entity *e,
                 enum cloud_action action, struct tbe_str body)
{
    struct store_uplink u = { .entity = *e, .kind = kind, .action = action, .body = body, .created = clock_ms() };

    (void)c;
    store_push_cloud(b, &u, false);
}

void
cloud_event(struct cloud *c, struct store_batch *b, const struct tbe_entity *e, enum cloud_action action,
            struct tbe_str body)
{
    cloud_event_kind(c, b, cloud_kind_of(e->type), e, action, body);
}

void
cloud_request(struct cloud *c, struct store_batch *b, const struct tbe_entity *e, enum cloud_action request)
{
    cloud_event(c, b, e, request, TBE_STR_NONE);
}

/* What is asked after an entity came down (4.3). */
enum { ASK_ATTRIBUTES = 1, ASK_RELATIONS = 2, ASK_FIELDS = 4 };
static const uint8_t follow_up[TBE_ENT_COUNT] = {
    [TBE_ENT_DEVICE] = ASK_ATTRIBUTES | ASK_RELATIONS | ASK_FIELDS,
    [TBE_ENT_ASSET] = ASK_ATTRIBUTES | ASK_RELATIONS | ASK_FIELDS,
    [TBE_ENT_ENTITY_VIEW] = ASK_ATTRIBUTES | ASK_RELATIONS,
    [TBE_ENT_DASHBOARD] = ASK_ATTRIBUTES | ASK_RELATIONS,
    [TBE_ENT_CUSTOMER] = ASK_ATTRIBUTES | ASK_RELATIONS,
    [TBE_ENT_USER] = ASK_ATTRIBUTES | ASK_RELATIONS,
    [TBE_ENT_TENANT] = ASK_ATTRIBUTES | ASK_RELATIONS,
    [TBE_ENT_EDGE] = ASK_ATTRIBUTES | ASK_RELATIONS,
    [TBE_ENT_DEVICE_PROFILE] = ASK_FIELDS,
    [TBE_ENT_ASSET_PROFILE] = ASK_FIELDS,
};

void
cloud_request_all(struct cloud *c, struct store_batch *b, const struct tbe_entity *e)
{
    uint8_t ask = e->type < TBE_ENT_COUNT ? follow_up[e->type] : 0;

    if (ask & ASK_ATTRIBUTES) {
        cloud_request(c, b, e, CLOUD_ACTION_ATTRIBUTES_REQUEST);
    }
    if (ask & ASK_RELATIONS) {
        cloud_request(c, b, e, CLOUD_ACTION_RELATION_REQUEST);
    }
    if (ask & ASK_FIELDS) {
        cloud_request(c, b, e, CLOUD_ACTION_CALCULATED_FIELD_REQUEST);
    }
}

void
cloud_rpc_answer(struct cloud *c, struct store_batch *b, const struct cloud_rpc *r, enum hub_rpc_error e,
                 struct tbe_str response)
{
    static const char *const errors[] = { [HUB_RPC_NO_ACTIVE_CONNECTION] = "NO_ACTIVE_CONNECTION",
                                          [HUB_RPC_TIMEOUT] = "TIMEOUT", [HUB_RPC_INTERNAL] = "INTERNAL" };
    struct tbe_entity device = { TBE_ENT_DEVICE, r->device };
    char id[TBE_UUID_TEXT + 1];
    struct tbe_buf body = { 0 };

    tbe_uuid_text(&r->request, id);
    tbe_buf_fmt(&body, "{\"requestUUID\":\"%s\",\"expirationTime\":%lld,\"oneway\":%s,\"requestId\":%d,", id,
                (long long)r->expires, r->oneway ? "true" : "false", r->request_id);
    if (e == HUB_RPC_OK) {
        tbe_buf_putz(&body, "\"response\":");
        tbe_json_write_str(&body, response.n > 0 ? response : TBE_STR("{}"));
    } else {
        tbe_buf_fmt(&body, "\"error\":\"%s\"", errors[e]);
    }
    tbe_buf_putc(&body, '}');
    cloud_event(c, b, &device, CLOUD_ACTION_RPC_CALL, tbe_buf_str(&body));
    tbe_buf_free(&body);
}
