/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the test mode share. */
#ifndef TBE_REPLAY_REPLAY_INT_H
#define TBE_REPLAY_REPLAY_INT_H

#include "device/device.h"
#include "nodes/engine.h"
#include "replay/replay.h"

struct replay_entity { /* every entity the scenario names */
    struct tbe_entity id;
    struct tbe_str *keys; /* of time series it may have */
    uint32_t n_keys, cap_keys;
    struct hub_session session; /* devices, when the scenario says what they answer */
    bool has_session;
    struct replay *replay;
};

struct replay_call { /* an RPC the device got and will answer */
    struct replay_entity *device;
    struct tbe_str answer;
    int32_t id;
};

struct replay {
    struct tbe_program program; /* the worker's, with the scenario's root chain */
    struct store *store;
    struct device_hub *hub;
    struct tbe_engine *engine;
    struct store_batch *batch; /* of the turn; NULL between turns */
    struct tbe_arena a;        /* everything of the scenario */
    struct replay_entity *entities;
    uint32_t n_entities;
    struct tbe_str answer;     /* to RPCs; p == NULL: none */
    tbe_val answers;           /* by method, or UNDEF */
    bool connected, fixed_clock;
    struct replay_call calls[64];
    uint32_t n_calls;
    char err[256]; /* why the scenario cannot be run */

    struct tbe_buf events, rpc, pushes; /* of the step, members of JSON arrays */
    struct tbe_buf replies;                   /* same: to requests of devices */
    int32_t requests;                         /* of devices, numbered */
    struct tbe_buf saves, attributes, alarms; /* same: what nodes write */
    struct store_watch watch;
    bool in_engine; /* nodes are running: what is written now are their effects */
    uint64_t cloud_seen[2];             /* outbox entries already reported, by queue */
};

/* setup.c: the store, entities and initial values. 0, or -1 and r->err. */
int replay_setup(struct replay *r, const struct tbe_program *p, tbe_val scenario) TBE_MUST_USE;
void replay_teardown(struct replay *r);
struct replay_entity *replay_entity_by_id(struct replay *r, const struct tbe_uuid *id); /* NULL: not named */
void replay_key(struct replay *r, struct replay_entity *e, struct tbe_str key); /* remembers a series */
int replay_kvs(struct replay *r, tbe_val object, struct tbe_kvs *out) TBE_MUST_USE;
int32_t replay_chain(const struct tbe_program *p, struct tbe_str name_or_id); /* -1 unknown */

/* JSON input. Absent or of another type: TBE_STR_NONE, UNDEF, the default. */
tbe_val replay_get(tbe_val object, const char *key);
struct tbe_str replay_str(tbe_val object, const char *key);
int64_t replay_long(tbe_val object, const char *key, int64_t otherwise);
bool replay_bool(tbe_val object, const char *key);
int replay_uuid(struct replay *r, tbe_val object, const char *key, struct tbe_uuid *out) TBE_MUST_USE;
/* {"entityType","id"} */
int replay_ref(struct replay *r, tbe_val ref, struct tbe_entity *out) TBE_MUST_USE;

/* report.c */
void replay_watch(struct replay *r);                        /* events go to r->events, writes beside it */
void replay_cloud(struct replay *r, struct tbe_buf *out);   /* new outbox entries, JSON array members */
bool replay_coverage(struct tbe_buf *out); /* cover.c: a line of its own; false: compiled without */
void replay_state(struct replay *r, struct tbe_buf *out);   /* {"attributes":..} */
extern const struct hub_session_ops replay_session_ops;     /* the scripted devices */

#endif
