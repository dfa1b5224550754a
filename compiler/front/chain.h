/* SPDX-License-Identifier: Apache-2.0 */
/* Rule chains as their files say: the accepted shapes of a file become one list of chains,
 * connections are linked to nodes. What a node's configuration means is check's business. */
#ifndef TBE_FRONT_CHAIN_H
#define TBE_FRONT_CHAIN_H

#include "front/doc.h"

#define CHAIN_MAX_NODES 10000u /* of one chain */
#define CHAIN_MAX_EDGES 20000u
#define CHAIN_MAX_NAME 255u    /* characters of a name or relation, as in the reference */
#define CHAIN_MAX_CHAINS 1000u /* of one program */

struct chain_node {
    const struct doc *doc; /* for positions; the legacy connection for a node made of one */
    uint32_t index;
    struct tbe_str id;     /* lower-case uuid text */
    struct tbe_str name, type;
    struct tbe_str queue;  /* absent: the message's own */
    int64_t version;       /* configurationVersion; -1: the class's current one (our short form) */
    bool no_version;       /* it cannot be read: what the configuration means is not known */
    struct doc *config;    /* NULL when missing */
    bool debug_failures, debug_all;
    bool placed;           /* x and y are known */
    int64_t x, y;
};

struct chain_edge {
    uint32_t from, to; /* node indexes, valid */
    struct tbe_str type;
    const struct doc *doc, *type_doc;
};

struct chain {
    const char *file;
    const struct doc *whole;  /* all of the chain in the file */
    const struct doc *doc, *nodes_doc;
    const struct doc *legacy; /* ruleChainConnections still to be linked, or NULL */
    struct tbe_str id, name;  /* id: made of the name when the file has none */
    bool has_id, root;
    bool damaged; /* a connection or the first node could not be read: what reaches what is not known */
    int32_t first; /* -1: none */
    struct chain_node *nodes;
    uint32_t n_nodes;
    struct chain_edge *edges; /* in file order */
    uint32_t n_edges, cap_edges;
};

struct chains {
    struct chain *v;
    uint32_t n, cap;
};

/* Reads one file ("-": standard input) and adds its chains. 0; -1 when the file cannot be read at
 * all (errno says why, nothing is reported). Mistakes go to ds. `name` is kept. */
int chains_load(struct tbe_arena *a, struct diags *ds, const char *name,
                struct chains *cs) TBE_MUST_USE;
/* The same from memory; yaml: -1 = find out. */
void chains_read(struct tbe_arena *a, struct diags *ds, const char *name, struct tbe_str text,
                 int yaml,
                 struct chains *cs);
/* The same from a tree that was read already. */
void chains_from_doc(struct tbe_arena *a, struct diags *ds, const char *name, const struct doc *d, struct chains *cs);
/* False, and reported, when text is not UTF-8. */
bool chains_is_text(struct diags *ds, const char *name, struct tbe_str text);
/* After all files: legacy chain connections become nodes, named like their target. */
void chains_link(struct tbe_arena *a, struct diags *ds, struct chains *cs);

#endif
