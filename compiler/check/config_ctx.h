/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the configuration check share: reporting, stopping a node, rules of single classes. */
#ifndef TBE_CHECK_CONFIG_CTX_H
#define TBE_CHECK_CONFIG_CTX_H

#include "check/check.h"

#define CONFIG_MAX_TEXT 100000u  /* characters of one text; a script has its own limit */
#define CONFIG_MAX_ELEMENT 4000u /* of one element of a list or a map: what a C literal takes */

#define CONFIG_MAX_ABSENT 64u    /* keys that are told as not given */

struct config_absent {
    const struct doc *obj;
    const struct node_key *key;
};

struct config_ctx {
    struct tbe_arena *a;
    struct diags *ds;
    const char *file;
    struct checked_node *n;
    bool complete; /* the file gives a configuration of the present version: what it leaves out is worth a note */
    struct config_absent absent[CONFIG_MAX_ABSENT];
    uint32_t n_absent;
};

/* "node 3 "name": ..." at a value of the file. */
void config_report(struct config_ctx *x, enum diag_code code, const struct doc *at, const char *fmt, ...)
    TBE_PRINTF(4, 5);
/* The node does not start: the first reason stays. */
void config_stop(struct config_ctx *x, struct tbe_str why);
/* What a schema cannot say of one class; cfg is the validated configuration. */
void config_rules(struct config_ctx *x, const struct doc *cfg);
/* Secrets in plain text and values that are too long; at: where the value stands in the file. */
void config_check_text(struct config_ctx *x, const struct node_key *k, const struct doc *v);

#endif
