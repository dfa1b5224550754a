/* SPDX-License-Identifier: Apache-2.0 */
/* Rule chains of the store -> tbedgec in a child -> generations/<digest>/worker -> swap
 * (ARCHITECTURE.md 4). A burst of changes is one build. Chains that were built before are not built
 * again; chains that do not compile leave the running worker alone and are reported: deployment record,
 * alarm on the edge's entity, lifecycle events of the nodes, log. Loop thread only. */
#ifndef TBE_DEPLOY_DEPLOY_H
#define TBE_DEPLOY_DEPLOY_H

#include "nodes/engine.h"

struct deploy;
struct event_base;

#define DEPLOY_QUIET_MS 40 /* without a further change before a build starts */
#define DEPLOY_WAIT_MS 200 /* a build starts so long after the first change at the latest */

struct deploy_env {
    struct event_base *base;
    struct store *store;
    const struct tbe_program *program; /* the running one */
    const char *dir;                   /* data directory */
    const char *generation;            /* the running worker's digest; NULL: told by the executable's path */
    /* The batch of the running turn: deploy writes its record there. */
    struct store_batch *(*batch)(void *arg);
    /* FR_SWAP with this worker binary; leaves when the running turn's batch is durable. */
    void (*swap)(void *arg, struct tbe_str path, struct tbe_str digest);
    void *arg;
};

/* NULL: out of memory. The strings of env are borrowed. */
struct deploy *deploy_new(const struct deploy_env *env);
void deploy_free(struct deploy *d); /* ends a build that runs */
/* The worker serves: closes the record of the deployment that started it, and takes up one that a crash
 * interrupted. Call it in a turn, with a batch. */
void deploy_start(struct deploy *d);
/* Chains or their root changed; called after the commit. Nothing happens when they are what runs. */
void deploy_chains_changed(struct deploy *d);
/* FR_SWAP_FAILED: the trial start failed, or the front is busy with another deployment. */
void deploy_swap_failed(struct deploy *d, bool busy, struct tbe_str why);
/* A build or a swap is under way, or waits. */
bool deploy_busy(const struct deploy *d);
/* The worker drains: no new build is begun, one that runs is given up; the next worker takes it up. */
void deploy_drain(struct deploy *d);

/* The deployment record as JSON, or absent when there was no deployment. Until the end of the turn.
 * {"state":"building"|"swapping"|"live"|"failed"|"rolledback","source":..,"generation":..,"startedTs":..,"builtTs":..,
 *  "finishedTs":..,"error":..,"chains":[{"id","name","root","nodes"}],"diagnostics":[..]} */
struct tbe_str deploy_record(struct store *s);

#endif
