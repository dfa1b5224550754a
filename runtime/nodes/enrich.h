/* SPDX-License-Identifier: Apache-2.0 */
/* "Fetch to": nodes that add values to the data or to the metadata of a message. */
#ifndef TBE_NODES_ENRICH_H
#define TBE_NODES_ENRICH_H

#include "nodes/engine.h"

struct enrich {
    bool to_data;
    struct tbe_msg *d;   /* the message being made */
    struct tbe_map *map; /* its data, when to_data */
};

/* 0, or -1 with r->error set: "Message body is not an object!". */
int enrich_begin(struct tbe_run *r, const struct tbe_msg *m, bool to_data, struct enrich *e) TBE_MUST_USE;
void enrich_text(struct enrich *e, struct tbe_str key, struct tbe_str text); /* a string in both places */
void enrich_kv(struct enrich *e, struct tbe_str key, const struct tbe_kv *kv);
void enrich_kv_ts(struct enrich *e, struct tbe_str key, const struct tbe_kv *kv, int64_t ts); /* {"ts","value"} */
void enrich_end(struct enrich *e, struct tbe_msg **m); /* *m becomes the new message */

#endif
