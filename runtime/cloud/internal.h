/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the session, the requests' helpers and the uplink's parts. */
#ifndef TBE_CLOUD_INTERNAL_H
#define TBE_CLOUD_INTERNAL_H

#include "cloud/cloud.h"
#include "cloud/uplink.h"

#define CLOUD_STATE_EDGE "cloud.settings" /* names of the store's small state */
#define CLOUD_STATE_SESSION "cloud.session"
#define CLOUD_STATE_FLIGHT "cloud.flight"
#define CLOUD_STATE_USER_CREDENTIALS "user.credentials." /* + id */
#define CLOUD_STATE_ASIDE "cloud.aside."  /* + queue + "." + seq */

#define CLOUD_PACK 1000u
#define CLOUD_PACK_MAX 10000u
#define CLOUD_IN_FLIGHT 6u
#define CLOUD_MESSAGE_BYTES (1u << 20)
#define CLOUD_TIMEOUT_MS 60000u
#define CLOUD_STATS_MS 60000u
#define CLOUD_ASIDE 10000u
#define CLOUD_CLOUD_BYTES 4194304u /* what a cloud takes that does not say (1.1) */
#define CLOUD_SYNC_SILENCE_MS 180000 /* a sync without a downlink for so long is asked for again */

struct cloud_session {
    struct cloud_link link;    /* without its strings */
    char error[200];
    bool accepted;             /* link up, the cloud said yes, and it is a kind of cloud we know */
    const char *refused;       /* why not, when the link is up */
    bool syncing, sync_full, sync_after_ack;
    bool completed;            /* a sync has ended, its answer has not left yet: uplinks wait for it */
    int64_t sync_asked, heard; /* epoch ms; heard: newest downlink */
    int64_t last_sync, last_ack; /* epoch ms, 0 = never; last_ack: newest answer to an uplink */
};

struct cloud {
    struct cloud_env env;
    struct cloud_limits lim;
    struct store_batch *batch;
    struct cloud_session s;
    struct cloud_edge edge;
    bool known;                /* edge is set */
    bool full_required;        /* no full sync has ever completed */
    struct uplink up;
    struct tbe_arena arena;    /* one frame or one message */
    struct tbe_buf out;        /* a packed RequestMsg */
    uint64_t numbers;          /* of FR_UPLINK, newest */
    int64_t next_stats;
    struct { int64_t added, pushed, lost, failed; } stats; /* since the last report (4.6) */
    int64_t downlinks, downlinks_failed; /* of this process */
};

/* session.c */
bool session_configure(struct cloud *c, const Edge__EdgeConfiguration *cfg, bool connect);
void session_save(struct cloud *c);
void session_settings_save(struct cloud *c);
void session_edge_entity(struct cloud *c, const Edge__EdgeConfiguration *cfg);
struct tbe_uuid cloud_uuid(int64_t msb, int64_t lsb);
/* sync.c */
void sync_ask(struct cloud *c, bool held);
void sync_completed(struct cloud *c);
int64_t sync_turn(struct cloud *c, int64_t now); /* next due, 0 = none */
/* receive.c */
ProtobufCAllocator cloud_allocator(struct tbe_arena *a);
/* requests.c: packs into c->out and sends. The number of the frame, 0: not packed (memory). */
uint64_t cloud_send(struct cloud *c, const Edge__RequestMsg *m, bool held);
/* status.c */
void cloud_metrics(struct cloud *c);
int64_t stats_turn(struct cloud *c, int64_t now);

#endif
