/* SPDX-License-Identifier: Apache-2.0 */
/* The inner parts of the hub, shared by the files of this room only. */
#ifndef TBE_DEVICE_HUB_INTERNAL_H
#define TBE_DEVICE_HUB_INTERNAL_H

#include "base/metrics.h"
#include "device/device.h"
#include "device/timer.h"

#define HUB_SESSION_TIMEOUT_MS 600000  /* transport.sessions.inactivity_timeout */
#define HUB_REPORT_MS 3000             /* transport.sessions.report_timeout */
#define HUB_CLIENT_RPC_MS 60000        /* transport.client_side_rpc.timeout */
#define HUB_RPC_ACK_MS 10000           /* transport.mqtt.timeout: wait for the PUBACK of an RPC */
#define HUB_RPC_RETRIES 5              /* actors.rpc.max_retries */
#define HUB_RPC_PENDING_MAX 10000      /* pending requests of one device; ours */
#define HUB_CLIENT_RPC_MAX 1000        /* waiting client requests of one session; ours */
#define HUB_STATE_TIMEOUT_MS 600000    /* state.defaultInactivityTimeoutInSec */
#define HUB_STATE_CHECK_MS 60000       /* state.defaultStateCheckIntervalInSec */
#define HUB_SESSIONS_PER_DEVICE 1      /* actors.session.max_concurrent_sessions_per_device */

struct device_hub {
    struct store *store;
    struct tbe_engine *engine;
    struct store_batch *batch;
    char *service_id;
    struct hub_device **devices; /* hash by id */
    uint32_t n_devices, devices_cap;
    struct hub_profile **profiles;
    uint32_t n_profiles, profiles_cap;
    struct hub_session **sessions; /* hash by id */
    uint32_t n_sessions, sessions_cap;
    struct hub_session *all_sessions; /* async ones, for expiry */
    uint32_t connected;               /* devices with an async session */
    struct hub_caller *callers;       /* outside callers of RPC, by request uuid */
    struct hub_device *dirty;         /* activity to report at the next period */
    struct hub_timers timers;
    struct hub_timer report, check;
    bool states_loaded;
    bool closing;                     /* hub_free: nothing is written any more */
    bool cloud_muted;
    struct tbe_arena scratch; /* reset with every operation */
    struct tbe_buf text;      /* scratch for data text */
};

uint32_t hub_uuid_hash(const struct tbe_uuid *u);
void hub_submit(struct device_hub *h, struct tbe_msg **m); /* to the rule engine */
/* A message of this device: originator, customer, queue, deviceName and deviceType set. */
struct tbe_msg *hub_msg_new(struct hub_device *d, struct tbe_str type);
void hub_msg_names(struct tbe_arena *a, struct tbe_md *md, const struct hub_device *d);

struct hub_session *hub_session_by_id(struct device_hub *h, const struct tbe_uuid *id);
void hub_expire_sessions(struct device_hub *h, int64_t now);

void telemetry_metrics(void); /* registers the counters of telemetry.c */

/* state.c */
void state_load(struct device_hub *h, struct hub_device *d);
void state_connect(struct device_hub *h, struct hub_device *d, int64_t ts);
void state_disconnect(struct device_hub *h, struct hub_device *d, int64_t ts);
void state_activity(struct device_hub *h, struct hub_device *d, int64_t ts);
void state_timeout_changed(struct device_hub *h, struct hub_device *d);
void state_record(struct device_hub *h, struct hub_device *d, int64_t now);
void state_start(struct device_hub *h);

/* rpc_server.c */
void rpc_subscribed(struct device_hub *h, struct hub_session *s);
void rpc_session_gone(struct device_hub *h, struct hub_session *s);
void rpc_device_gone(struct device_hub *h, struct hub_device *d);
void rpc_free(struct device_hub *h);

/* rpc_client.c */
void client_rpc_session_gone(struct device_hub *h, struct hub_session *s);

/* registry.c: 20 letters and digits, as generated access tokens are */
void hub_random_token(char out[21]);

/* profile.c */
void profile_free(struct hub_profile *p);
void profile_load(struct hub_profile *p, const struct store_entity *e);

/* Members of parsed JSON objects; absent or of another type: TBE_STR_NONE, false, NULL. */
struct tbe_str json_str(tbe_val obj, const char *key);
bool json_bool(tbe_val obj, const char *key);
tbe_val json_get(tbe_val obj, const char *key);

#endif
