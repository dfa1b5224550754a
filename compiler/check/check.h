/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is checked of a chain before it becomes IR: the graph, the configurations, the
 * scripts. Reports go to the diagnostics; a node that cannot work gets the reason in `broken` and the
 * rest of the chain goes on (facts/rule-nodes.md 3.7). */
#ifndef TBE_CHECK_CHECK_H
#define TBE_CHECK_CHECK_H

#include "check/node_class.h"
#include "front/chain.h"

#define SCRIPT_MAX_CHARS 50000u /* of one script: tbel.max_script_body_size (facts/rule-nodes.md 8) */

struct checked_script {
    struct tbe_str text;     /* absent: the node has no script */
    int dialect;             /* TBE_DIALECT_* */
    bool is_default;         /* the text of the default configuration */
    const struct doc *doc;   /* where it stands */
    struct tbe_str c;        /* compiled: C text defining n<index>_script */
    struct tbe_str file;     /* name of the file #line leads to */
};

struct checked_node {
    const struct chain_node *src;
    const struct node_class *cls; /* NULL: not supported */
    const struct doc *upgraded;   /* configuration at the class's version, as ThingsBoard stores it; or NULL */
    const struct doc *config;     /* upgraded, every key of the class present and of its type; NULL when broken */
    uint32_t chain;               /* index of its chain */
    struct tbe_str queue;         /* of the node, or of its older configuration; absent: the message's own */
    struct tbe_str broken;        /* init error, absent when the node works */
    bool told;                    /* something was told of it, but that its class is not built yet */
    struct checked_script script;
};

struct checked_chain {
    const struct chain *src;
    struct checked_node *nodes; /* src->n_nodes */
};

struct check_options {
    bool together;        /* the chains become one program: what does not fit together is an error */
    bool line_directives; /* scripts carry #line into their extracted files */
    bool coverage;        /* and counters of what runs */
};

/* All chains, in order. The result and all it points to live in a. */
struct checked_chain *check_chains(struct tbe_arena *a, struct diags *ds, const struct chains *cs,
                                   const struct check_options *opt);

/* The parts, for the above. */
void check_graph(struct tbe_arena *a, struct diags *ds, const struct chain *c);
/* Nodes of one name that do not do the same. */
void check_node_names(struct tbe_arena *a, struct diags *ds, const struct checked_chain *c);
/* Metadata keys that are read where no node before can have set them. */
void check_keys(struct tbe_arena *a, struct diags *ds, const struct checked_chain *c);
/* Upgrade and validation of one configuration. */
void check_config(struct tbe_arena *a, struct diags *ds, const char *file, struct checked_node *n);
void check_script(struct tbe_arena *a, struct diags *ds, const char *file, struct checked_node *n,
                  const struct check_options *opt);
/* Changes config in place from version to the class's current one; a queue name that leaves it goes to *queue.
 * -1 when a step refuses the configuration, which may then be changed in part. */
int config_upgrade(struct tbe_arena *a, const struct node_class *cls, int64_t version, struct doc *config,
                   struct tbe_str *queue) TBE_MUST_USE;

#endif
