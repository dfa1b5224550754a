/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the rule engine: what engine.c, entry.c, park.c and dedup.c share. Nodes see engine.h only. */
#ifndef TBE_NODES_ENGINE_INT_H
#define TBE_NODES_ENGINE_INT_H

#include "nodes/engine.h"

enum item_kind {
    ITEM_ENTER, /* run the node; relation = the one it came by, absent at an entry */
    ITEM_EMIT   /* go on as if the node had emitted relation */
};

struct item {
    struct tbe_msg *m; /* one reference */
    const struct tbe_chain *chain;
    uint32_t node;
    enum item_kind kind;
    struct tbe_str relation, error; /* static or in m's arena */
};

/* Default chain of a profile, remembered until the profile changes. */
struct profile_entry {
    struct tbe_uuid id;
    uint64_t version;
    int32_t chain; /* index, ENTRY_ROOT or ENTRY_UNKNOWN */
};
enum { ENTRY_ROOT = -1, ENTRY_UNKNOWN = -2, PROFILE_CACHE = 64 };

struct parked;
struct dedup_site;
struct rpc_waiting;
struct device_profiles;

struct tbe_engine {
    const struct tbe_program *program;
    struct store *store;
    struct device_hub *hub;
    struct store_batch *batch;
    struct engine_watch watch;
    bool watched;
    uint32_t exec_limit; /* 0 = none */

    struct item *queue; /* ring, capacity a power of two */
    uint32_t head, len, cap;
    struct tbe_run run;
    struct tbe_str came; /* relation by which the next entered node is reached */
    struct tbe_msg *cur; /* message of the running node; its arena takes error texts */

    struct profile_entry profiles[PROFILE_CACHE];
    uint32_t n_profiles, next_profile;

    struct parked **heap; /* by due time; never-due ones last */
    uint32_t n_parked, cap_parked;
    struct parked **buckets; /* by key */
    uint32_t n_buckets;

    struct rpc_waiting *rpcs; /* requests whose answer is awaited */
    struct dedup_site *dedup; /* list */
    struct device_profiles *device_profiles; /* states of device profile nodes; NULL: none yet */
    struct tbe_arena scratch; /* for one script run; reset by its user */
};

/* entry.c: index of the chain that takes a message of this originator first, ENTRY_*. */
int32_t entry_chain(struct tbe_engine *e, const struct tbe_msg *m);
/* park.c */
void park_load(struct tbe_engine *e); /* from the store */
void park_free(struct tbe_engine *e);
/* rpc.c */
void rpc_free_waiting(struct tbe_engine *e);
/* device_profile.c, device_profile_state.c. tick: due time of the next look at the clock, 0 = none */
int64_t device_profiles_tick(struct tbe_engine *e, int64_t now_ms);
void device_profiles_free(struct tbe_engine *e);
/* dedup.c */
void dedup_free(struct tbe_engine *e);

/* engine.c */
int32_t engine_chain_index(const struct tbe_engine *e, const struct tbe_chain *c); /* -1: not of this program */

#endif
