/* SPDX-License-Identifier: Apache-2.0 */
/* The ABI between generated C and libtbedge: what a compiled rule chain is and how it calls its nodes.
 * This is the one header generated C includes. Version it with every incompatible change. */
#ifndef TBE_CHAIN_H
#define TBE_CHAIN_H

#define TBE_ABI 1
#define TBE_ABI_OLDEST 1

#include "tbe/msg.h"
#include "tbe/script.h"
#include "tbe/tbel.h"
#include "tbe/js.h"
#include "tbe/node_cfg.h" /* generated from schemas/nodes: struct tbe_<node>_cfg */

/* Relations a node function can return. NAMED: r->relations/n_relations hold the names (switch nodes,
 * message type switch, output). NONE: the node dealt with the message itself (acked, parked, enqueued);
 * nothing is routed. The text of each is in tbe_rel_name(). */
enum tbe_rel {
    TBE_REL_NONE, TBE_REL_SUCCESS, TBE_REL_FAILURE, TBE_REL_TRUE, TBE_REL_FALSE, TBE_REL_OTHER,
    TBE_REL_CREATED, TBE_REL_UPDATED, TBE_REL_CLEARED, TBE_REL_NAMED
};
const char *tbe_rel_name(enum tbe_rel r);

struct tbe_engine; /* runtime/nodes/engine.h */
struct tbe_chain;

/* One walk of one message. Reset by the engine for each message it takes from the run queue. */
struct tbe_run {
    struct tbe_engine *engine;
    const struct tbe_chain *chain;
    uint32_t node;             /* index of the running node in chain->nodes */
    bool trace;                /* someone watches: TBE_ENTER and the routing functions report */
    struct tbe_str error;      /* failure text beside TBE_REL_FAILURE; absent = none */
    const struct tbe_str *relations; /* beside TBE_REL_NAMED */
    uint32_t n_relations;
};

typedef void tbe_node_fn(struct tbe_run *r, struct tbe_msg *m);

struct tbe_edge {
    const char *relation;
    uint32_t to; /* node index */
};

struct tbe_node { /* one row of the node table */
    const char *id, *name, *type; /* uuid text or "" when the file has none; display name; Java class */
    tbe_node_fn *run;
    const struct tbe_edge *edges; /* in file order */
    uint32_t n_edges;
    const char *queue;            /* NULL = message's own */
    uint8_t debug_failures, debug_all;
    const char *init_error;       /* not NULL: did not compile or start; every message fails (3.7) */
    const void *cfg;              /* its config struct, for nodes resumed by name (delay, rpc) */
};

struct tbe_chain {
    const char *id, *name; /* uuid text (derived from the name when the file has none), name */
    const struct tbe_node *nodes;
    uint32_t n_nodes;
    int32_t first;         /* node index or -1 */
    bool root;
};

/* The worker's table, defined by generated main.c and read by runtime/worker.c. */
struct tbe_program {
    int abi;
    const char *digest;  /* of chains, compiler and runtime version */
    const char *version; /* of the compiler */
    const struct tbe_chain *const *chains;
    uint32_t n_chains;
    int32_t root; /* index or -1 */
};
int tbe_worker_main(const struct tbe_program *p, int argc, char **argv); /* the generated main() calls it */

/* First statement of every node function: counts, enforces the execution limit, reports to a watcher.
 * When it returns false the message is already dealt with. */
bool tbe_enter(struct tbe_run *r, const struct tbe_chain *c, uint32_t node, struct tbe_msg *m);
#define TBE_ENTER(r, c, i, m)              \
    do {                                   \
        if (!tbe_enter((r), (c), (i), (m))) { \
            return;                        \
        }                                  \
    } while (0)

/* Routing. Generated code calls the target directly when exactly one connection matches the relation and
 * the edge is acyclic; before that it calls tbe_leave to report. Everything else is tbe_route: finds the
 * edges of (chain, node) by relation ignoring case; none: the message ends (ack, or failure for
 * "Failure"); one: runs the target through the run queue with the same message; more: forks a copy for
 * each and acks the original (rule-nodes.md 3.4). */
void tbe_leave(struct tbe_run *r, const struct tbe_chain *c, uint32_t node, enum tbe_rel rel, struct tbe_msg *m);
void tbe_route(struct tbe_run *r, const struct tbe_chain *c, uint32_t node, enum tbe_rel rel, struct tbe_msg *m);
/* Run function of a node that did not compile: Failure "Failed to initialize rule node!" (3.7). */
void tbe_node_broken(struct tbe_run *r, const struct tbe_chain *c, uint32_t node, struct tbe_msg *m);

/* Node functions. Each rule node is one function of this shape, declared by TBE_NODE_DECL from
 * tbe/nodes.def: enum tbe_rel tbe_<node>(struct tbe_run *r, const struct tbe_<node>_cfg *cfg, struct tbe_msg **m);
 * *m may be replaced by a derived message. Script nodes get `const struct tbe_script *` in their cfg. */
#define NODE(name, cls) \
    enum tbe_rel tbe_##name(struct tbe_run *r, const struct tbe_##name##_cfg *cfg, struct tbe_msg **m);
#include "tbe/nodes.def"
#undef NODE

#endif
