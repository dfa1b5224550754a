/* SPDX-License-Identifier: Apache-2.0 */
/* What rule nodes, transports and the API ask of the devices: pushes of shared attributes, server-side
 * RPC, replies to client-side RPC. Sessions of all transports are behind it. Loop thread only.
 * Everything sent to a device leaves after the batch is durable. facts/device-apis.md 6, 9, 13. */
#ifndef TBE_DEVICE_HUB_H
#define TBE_DEVICE_HUB_H

#include "store/store.h"

struct device_hub;
struct tbe_engine;

struct device_hub *hub_new(struct store *s, const char *service_id);
void hub_free(struct device_hub *h);
void hub_engine_set(struct device_hub *h, struct tbe_engine *e); /* where device messages go; never NULL while running */
const char *hub_service_id(struct device_hub *h);

/* Shared attributes of a device were saved or deleted: push to its subscribed sessions. */
void hub_shared_updated(struct device_hub *h, struct store_batch *b, const struct tbe_uuid *device, const struct tbe_kvs *kvs);
void hub_shared_deleted(struct device_hub *h, struct store_batch *b, const struct tbe_uuid *device, const struct tbe_str *keys, uint32_t n);

/* Server-side RPC. The answer, or its absence, is told once on the loop thread, after the commit. */
enum hub_rpc_error { HUB_RPC_OK, HUB_RPC_NO_ACTIVE_CONNECTION, HUB_RPC_TIMEOUT, HUB_RPC_INTERNAL };
typedef void hub_rpc_fn(void *arg, enum hub_rpc_error e, struct tbe_str response /* JSON text or absent */);
struct hub_rpc {
    struct tbe_uuid id;      /* request uuid */
    struct tbe_uuid device;
    struct tbe_str method, params; /* params: JSON text */
    bool oneway, persisted;
    int64_t expires;         /* epoch ms */
    int32_t retries;         /* -1 = default */
    struct tbe_str info;     /* additionalInfo JSON or absent */
};
void hub_rpc_send(struct device_hub *h, struct store_batch *b, const struct hub_rpc *rpc, hub_rpc_fn *fn, void *arg);

/* Reply of the rule chain to a client-side RPC: the session by its id (metadata sessionId), the device's
 * request number, JSON text. An unknown session is ignored (the reference too). */
void hub_client_rpc_reply(struct device_hub *h, struct store_batch *b, const struct tbe_uuid *device,
                          struct tbe_str session_id, int32_t request_id, struct tbe_str body);

/* The owner calls it at the time it returned before (0 = nothing waits): RPC expiry, session expiry,
 * activity reports (3.5), inactivity (15). */
int64_t hub_tick(struct device_hub *h, struct store_batch *b, int64_t now_ms);

#endif
