/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side of the cloud (facts/edge-cloud-protocol.md): session and sync, uplink from the outbox,
 * downlink into the store. The stream itself is tbedge-link's; here are whole protobuf messages.
 * Loop thread only. Time and randomness come from base/clock.h and base/random.h, so tests replay.
 *
 *   worker.c --FR_LINK_STATE--> cloud_link_state      --FR_LINK--> cloud_frame --> cloud_downlink (downlink.c)
 *            <--- env.send ---- answers, sync requests, uplinks made of what the store's outbox holds
 *
 * Everything that changes the store goes to the batch of the running turn (cloud_batch_set). The answer to
 * a downlink, and the confirm of its frame, leave when that batch is durable; uplinks are made only of what is
 * committed, so they leave at once. */
#ifndef TBE_CLOUD_CLOUD_H
#define TBE_CLOUD_CLOUD_H

#include "device/hub.h"
#include "frame/frame.h"
#include "msg/cloud_event.h"
#include "proto/edge.pb-c.h"
#include "store/store.h"

struct cloud;
struct tbe_engine;

/* 0 = the default in each. */
struct cloud_limits {
    uint32_t pack;          /* most entries of one UplinkMsg; default 1000, at most 10,000 */
    uint32_t in_flight;     /* most UplinkMsgs waiting for an answer; default 6, at most 64 */
    uint32_t message_bytes; /* most bytes of one RequestMsg; the cloud's announced limit also holds; default 1 MiB */
    uint32_t timeout_ms;    /* an answer later than this: sent again; default 60,000 */
    uint32_t stats_ms;      /* between statistics uplinks (4.6); default 60,000 */
    uint32_t aside;         /* most items kept aside; default 10,000 */
    bool no_stats;          /* no statistics uplinks */
};
void cloud_limits_read(struct cloud_limits *out); /* from the environment (settings.c) */

struct cloud_env {
    struct store *store;
    struct device_hub *hub;
    struct tbe_engine *engine; /* NULL: nothing runs through the rule engine (tests) */
    /* FR_UPLINK: a whole RequestMsg for the cloud's session; number comes back in cloud_uplink_done. held: it
     * leaves when the running turn's batch is durable. */
    void (*send)(void *arg, uint32_t session, uint64_t number, struct tbe_str request, bool held);
    /* FR_CONFIRM of the FR_LINK of this number, when the running turn's batch is durable. */
    void (*confirm)(void *arg, uint64_t seq);
    /* FR_LINK_RECONNECT, at once: end the session and connect again. NULL: cannot. */
    void (*reconnect)(void *arg, uint32_t wait_ms, const char *reason);
    /* A rule chain or the root changed (7.3), to `deploy`; after the commit. NULL: nobody listens. */
    void (*chains_changed)(void *arg);
    void *arg;
    struct cloud_limits limits;
};

/* NULL: out of memory. Reads what the last worker left (state "cloud.*"); the store must be writable. */
struct cloud *cloud_new(const struct cloud_env *env);
void cloud_free(struct cloud *c);
/* The batch of the running turn. The owner sets it each turn. */
void cloud_batch_set(struct cloud *c, struct store_batch *b);

/* FR_LINK_STATE. epoch: number of the front process (FR_HELLO): with the session it names one stream. */
struct cloud_link {
    uint64_t epoch;
    uint32_t session;
    enum link_state state;
    bool replay;              /* FR_LINK_REPLAY: the session may be older than this worker */
    int64_t since, next;      /* epoch ms */
    uint32_t attempts;
    uint32_t max_bytes;       /* largest RequestMsg the cloud takes; 0 = unknown */
    struct tbe_str error;     /* absent: none */
    struct tbe_str response;  /* ConnectResponseMsg */
};
void cloud_link_state(struct cloud *c, const struct cloud_link *l);
/* The payload of FR_LINK_STATE; false: malformed. Strings point into it. */
bool cloud_link_read(const struct frame *f, uint64_t epoch, struct cloud_link *out) TBE_MUST_USE;
/* FR_LINK: one ResponseMsg of this session. applied: an earlier worker has committed it, it is only
 * answered. */
void cloud_frame(struct cloud *c, uint64_t seq, uint32_t session, struct tbe_str response, bool applied);
/* FR_UPLINK_DONE: code is enum uplink_code. */
void cloud_uplink_done(struct cloud *c, uint64_t number, uint32_t code);
/* A batch has become durable: new entries may be in the outbox. */
void cloud_after_commit(struct cloud *c);
/* Once a turn: timers and the uplink, in bounded pieces. Returns when to call again (epoch ms; 0: only after
 * something happened; now or less: at once). */
int64_t cloud_turn(struct cloud *c, int64_t now_ms);
/* FR_DRAIN: nothing new is sent; answers still count. */
void cloud_drain(struct cloud *c);
/* The last batch before the process ends: what is in flight is written for the next worker. */
void cloud_save(struct cloud *c);

/* Members of the cloud's part of `tbedge status --json`, without braces. */
void cloud_status_json(struct cloud *c, struct tbe_buf *out);
/* The same as lines for people, "name value\n". */
void cloud_status_text(struct cloud *c, struct tbe_buf *out);

/* For the downlink ------------------------------------------------------------------------------------- */

/* One DownlinkMsg into the store (downlink.c), fields in the order of 5.1; syncCompletedMsg and
 * edgeConfiguration are the session's and already done. true: answered success=true. false: success=false
 * with err, for transient errors only (5.2, checklist 4): what cannot be processed at all is logged and true.
 * Called on the loop thread in a turn; effects to `b`. m lives until the call returns. While it runs, what
 * the hub and the nodes' saves do makes no cloud events (no echo); use cloud_event for the echoes of section 6. */
bool cloud_downlink(struct cloud *c, struct store_batch *b, const Edge__DownlinkMsg *m, char err[256]) TBE_MUST_USE;

/* Takes up what an earlier worker left unanswered: calls to devices. Part of cloud_new. */
void cloud_downlink_start(struct cloud *c);
/* Forgets them: part of cloud_free, before the hub goes. The rows stay for the next worker. */
void cloud_downlink_stop(struct cloud *c);

const struct cloud_env *cloud_env(const struct cloud *c);
/* What the cloud said about this edge; NULL before the first accepted connect. Stored. */
struct cloud_edge {
    struct tbe_uuid id, tenant, customer; /* customer: tbe_uuid_null when none */
    struct tbe_str name, type;            /* until the next configuration */
};
const struct cloud_edge *cloud_edge(const struct cloud *c);
/* A cloud event of this entity into the general queue; body absent = null. */
void cloud_event(struct cloud *c, struct store_batch *b, const struct tbe_entity *e, enum cloud_action action,
                 struct tbe_str body);
/* The same with another kind than the entity's: RELATION, ALARM_COMMENT. */
void cloud_event_kind(struct cloud *c, struct store_batch *b, enum cloud_kind kind, const struct tbe_entity *e,
                      enum cloud_action action, struct tbe_str body);
/* Asks the cloud about an entity: CLOUD_ACTION_ATTRIBUTES_REQUEST, RELATION_REQUEST, CALCULATED_FIELD_REQUEST,
 * CREDENTIALS_REQUEST (device, user), RULE_CHAIN_METADATA_REQUEST (rule chain), WIDGET_BUNDLE_TYPES_REQUEST
 * (widgets bundle), ENTITY_VIEW_REQUEST (device, asset). Waits in the general queue like everything else (12.3). */
void cloud_request(struct cloud *c, struct store_batch *b, const struct tbe_entity *e, enum cloud_action request);
/* The follow-up requests of an entity a downlink has created; users and customers: of every message (4.3). */
void cloud_request_all(struct cloud *c, struct store_batch *b, const struct tbe_entity *e);
/* Answer to a DeviceRpcCallMsg with requestMsg (8.1): error HUB_RPC_OK with response text, or an error. */
struct cloud_rpc {
    struct tbe_uuid device, request;
    int32_t request_id;
    int64_t expires;
    bool oneway;
};
void cloud_rpc_answer(struct cloud *c, struct store_batch *b, const struct cloud_rpc *r, enum hub_rpc_error e,
                      struct tbe_str response);

#endif
