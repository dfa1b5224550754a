/* SPDX-License-Identifier: Apache-2.0 */
/* The rule engine of one worker: run queue, routing, entry by profile, watchers, services for nodes.
 * All on the loop thread. Semantics: facts/rule-nodes.md 3. */
#ifndef TBE_NODES_ENGINE_H
#define TBE_NODES_ENGINE_H

#include "store/store.h"
#include "tbe/chain.h"

struct device_hub; /* device/hub.h: sessions, attribute pushes and RPC, used by nodes */

/* Reports of a run, for `--test`, debug events and the tests. Strings are valid during the call. */
struct engine_watch {
    void (*event)(void *arg, const struct tbe_chain *c, uint32_t node, bool in, const char *relation,
                  const struct tbe_msg *m, struct tbe_str error);
    void *arg;
};

struct tbe_engine *engine_new(const struct tbe_program *p, struct store *s, struct device_hub *hub);
void engine_free(struct tbe_engine *e);
void engine_watch_set(struct tbe_engine *e, const struct engine_watch *w); /* NULL: nobody */

/* How many nodes may run one message; 0 = no limit (tenant profile, rule-nodes.md 3.4). */
void engine_exec_limit_set(struct tbe_engine *e, uint32_t limit);

/* Takes the message into the run queue at its entry: the originator's profile's default chain, else the
 * root chain (3.1). No root chain: fails with "No Root Rule Chain available!". */
void engine_submit_take(struct tbe_engine *e, struct tbe_msg **m);
/* Entry at a chain's first node, or at a node as if it had been reached / had emitted `relation`. The
 * texts are borrowed until the message is finished: static, or in its arena. */
void engine_enter_take(struct tbe_engine *e, uint32_t chain, struct tbe_msg **m);
void engine_enter_node_take(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_msg **m);
void engine_resume_take(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_str relation,
                        struct tbe_str error, struct tbe_msg **m);
/* Runs the queue until it is empty, or until ENGINE_TURN entries have run, so that chains that feed each
 * other without end cannot hold the loop: true when something waits and it must be called again.
 * Effects go to the current batch. */
#define ENGINE_TURN 20000u
/* Entries waiting at most; above it a message fails with "Rule engine queue is full!". */
#define ENGINE_QUEUE_MAX (1u << 20)
bool engine_run(struct tbe_engine *e);
/* The batch effects are added to; the owner (worker.c or the test mode) sets it each turn. */
void engine_batch_set(struct tbe_engine *e, struct store_batch *b);
struct store_batch *engine_batch(struct tbe_engine *e);
struct store *engine_store(struct tbe_engine *e);
struct device_hub *engine_hub(struct tbe_engine *e);
const struct tbe_program *engine_program(struct tbe_engine *e);
int32_t engine_chain_find(const struct tbe_engine *e, struct tbe_str id); /* by uuid text; -1 unknown */
/* Index of the chain that takes messages of m's originator first (3.1); -1 root chain, -2 set but unknown. */
int32_t engine_entry(struct tbe_engine *e, const struct tbe_msg *m);

/* For nodes ------------------------------------------------------------------------------------- */
const struct tbe_node *engine_node(const struct tbe_run *r); /* the running node's table row */
uint32_t engine_run_chain(const struct tbe_run *r);          /* index of its chain in the program */
/* Memory for one script run or the like, valid until the next call of any node. */
struct tbe_arena *engine_scratch(struct tbe_run *r);
void engine_fail(struct tbe_run *r, const char *fmt, ...) TBE_PRINTF(2, 3); /* sets r->error (in the message arena) */
void engine_ack(struct tbe_run *r, struct tbe_msg *m);   /* "ACK": finished, no routing; return REL_NONE after */
/* Action message (ENTITY_CREATED ...) to the originator's default chain; reported as "To Root Rule Chain". */
void engine_enqueue_take(struct tbe_run *r, struct tbe_msg **m);
/* A copy with a new id that continues as if this node had emitted relation (3.2). */
void engine_tell_next(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str relation);
/* Nested chains (3.6). call: m goes to the chain's first node with this node on its call stack.
 * calling: this node is on m's stack already. return: m goes on at its caller as if that had emitted
 * relation; false when nobody called. */
bool engine_calling(const struct tbe_run *r, const struct tbe_msg *m);
void engine_call(struct tbe_run *r, const struct tbe_msg *m, uint32_t chain);
bool engine_return(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str relation);
/* Parks (chain, node, message) as a row until due_ms, or for ever (0) until engine_unpark; survives restarts.
 * The key names it (uuid text). On time-out the node's own resume function is called (park.c). */
void engine_park(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str key, int64_t due_ms);
uint32_t engine_parked_here(const struct tbe_run *r); /* messages the running node has parked */
/* Due parked messages are resumed; returns the next due time in ms, or 0 when none. Called by the owner. */
int64_t engine_tick(struct tbe_engine *e, int64_t now_ms);
/* A parked message is taken out by key: NULL when there is none. The caller resumes it. */
struct tbe_msg *engine_unpark(struct tbe_engine *e, struct tbe_str key, uint32_t *chain, uint32_t *node);

/* True for the first message of an originator in an interval of `secs` seconds (11.2); `site` is the
 * address of the configuration that asks. Memory is bounded as the reference bounds it. */
bool engine_first_in_interval(struct tbe_engine *e, const void *site, int64_t secs, int64_t ts,
                              const struct tbe_uuid *originator);

/* ${key} from metadata and $[path] from data (facts/rule-nodes.md 7). 0, or -1 with r->error set. */
int engine_pattern(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str pattern, struct tbe_str *out)
    TBE_MUST_USE;

#endif
