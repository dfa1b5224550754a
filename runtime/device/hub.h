/* SPDX-License-Identifier: Apache-2.0 */
/* What rule nodes, transports and the API ask of the devices: pushes of shared attributes, server-side
 * RPC, replies to client-side RPC. Sessions of all transports are behind it. Loop thread only.
 * Everything sent to a device leaves after the batch is durable. facts/device-apis.md 6, 9, 13. */
#ifndef TBE_DEVICE_HUB_H
#define TBE_DEVICE_HUB_H

#include "msg/cloud_event.h"
#include "store/store.h"

struct device_hub;
struct tbe_engine;

struct device_hub *hub_new(struct store *s, const char *service_id);
void hub_free(struct device_hub *h);
void hub_engine_set(struct device_hub *h, struct tbe_engine *e); /* where device messages go; never NULL while running */
/* What the hub asks of the rule engine; declared here because the engine is above this room, implemented
 * in runtime/nodes. */
void engine_submit_take(struct tbe_engine *e, struct tbe_msg **m);
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

/* A server-side RPC of a caller outside the rule engine (REST, commands, cloud): it goes through the rule
 * engine as RPC_CALL_FROM_SERVER_TO_DEVICE (9.2) and is answered once, by the device's reply, or with
 * TIMEOUT one second after rpc->expires when no node answered. The response of a persistent RPC is
 * {"rpcId":"..."}. rpc->id must be fresh. Returns -1 when there is no such device. */
int hub_rpc_call(struct device_hub *h, struct store_batch *b, const struct hub_rpc *rpc, hub_rpc_fn *fn, void *arg)
    TBE_MUST_USE;

/* A caller whose request an earlier worker took: it is told the device's answer, or TIMEOUT one second after
 * expires. -1: out of memory. */
int hub_rpc_await(struct device_hub *h, const struct tbe_uuid *id, int64_t expires, hub_rpc_fn *fn, void *arg)
    TBE_MUST_USE;

/* The owner of fn goes: its callers are forgotten, drop is called with the argument of each. */
void hub_rpc_forget(struct device_hub *h, hub_rpc_fn *fn, void (*drop)(void *arg));

/* The batch of the running turn: what timers and sessions do is added to it. The owner sets it each turn. */
void hub_batch_set(struct device_hub *h, struct store_batch *b);

/* Someone changed entities, attributes or credentials outside the device operations: caches are dropped,
 * open sessions follow (profile changes at once, deleted devices and new credentials close them). */
void hub_device_changed(struct device_hub *h, const struct tbe_uuid *device);
void hub_device_deleted(struct device_hub *h, const struct tbe_uuid *device);
void hub_credentials_changed(struct device_hub *h, const struct tbe_uuid *device);
void hub_profile_changed(struct device_hub *h, const struct tbe_uuid *profile);
uint32_t hub_connected(const struct device_hub *h); /* devices with an open session */

/* Cloud events (facts/edge-cloud-protocol.md 4.3) into the general queue; none while this edge never had a
 * cloud, and while muted: what a downlink does is not told back. body absent = null. */
void hub_cloud_mute(struct device_hub *h, bool mute);
void hub_cloud_event(struct device_hub *h, enum cloud_kind kind, const struct tbe_entity *e, enum cloud_action action,
                     struct tbe_str body);
void hub_cloud_relation(struct device_hub *h, const struct store_relation *r, bool deleted);
/* A relation as the rule engine and the cloud get it, appended. */
void hub_relation_json(struct tbe_buf *b, const struct store_relation *r);
/* What a person did to an entity, told to the rule engine (facts/rule-nodes.md 2.1); nothing while no chains run.
 * data: JSON text. name: entityName, with entityType beside it, or absent. user: who did it, or the null uuid. */
void hub_action(struct device_hub *h, const struct tbe_entity *originator, struct tbe_str type, struct tbe_str data,
                struct tbe_str name, const struct tbe_uuid *user);
/* Every device goes: sessions are closed as for a deleted one. The caller deletes the entities. */
void hub_wiped(struct device_hub *h);

/* The owner calls it at the time it returned before (0 = nothing waits): RPC expiry, session expiry,
 * activity reports (3.5), inactivity (15). */
int64_t hub_tick(struct device_hub *h, struct store_batch *b, int64_t now_ms);

#endif
