/* SPDX-License-Identifier: Apache-2.0 */
/* A pending server-side RPC and its row (facts/device-apis.md 9.3, 9.5). */
#ifndef TBE_DEVICE_RPC_ROW_H
#define TBE_DEVICE_RPC_ROW_H

#include "device/hub_internal.h"

enum rpc_status { RPC_QUEUED, RPC_SENT, RPC_DELIVERED, RPC_SUCCESSFUL, RPC_TIMEOUT, RPC_EXPIRED, RPC_FAILED };

struct hub_call {
    struct hub_call *next;   /* of the device, by request id */
    struct hub_device *dev;
    struct hub_rpc rpc;      /* strings follow the struct in the same allocation */
    int64_t created;
    int32_t request_id, tries;
    bool sent, delivered;
    bool sent_row;           /* "rpc.sent" says whose it is */
    uint16_t tag;            /* waits for this acknowledgement of tag_session; 0 = none */
    struct hub_session *tag_session;
    struct hub_timer expiry, delivery;
    hub_rpc_fn *fn;          /* NULL: answered, or nobody asks */
    void *arg;
};

struct rpc_loading {
    struct device_hub *hub;
    struct hub_device *dev;
    struct hub_call *first;
};

struct hub_call *rpc_call_new(struct hub_device *d, const struct hub_rpc *r);
void rpc_row_key(const struct tbe_uuid *device, const struct tbe_uuid *rpc, char out[96]);
/* Writes the row and tells the rule engine (RPC_QUEUED, RPC_SENT ...). response: JSON text or absent. */
void rpc_row_save(struct device_hub *h, struct hub_call *c, enum rpc_status st, struct tbe_str response);
/* A row in status QUEUED as a call, else NULL. */
struct hub_call *rpc_row_parse(struct device_hub *h, struct hub_device *d, struct tbe_str json);

#endif
