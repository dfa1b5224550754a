/* SPDX-License-Identifier: Apache-2.0 */
/* What the two save nodes share: keys that may be stored, and when something is stored. */
#ifndef TBE_NODES_SAVE_H
#define TBE_NODES_SAVE_H

#include "nodes/engine.h"

/* "<b>", "</x", "<!--": what the reference's check against HTML refuses in a key. */
bool save_key_malformed(struct tbe_str key);
bool save_key_blank(struct tbe_str key);
#define SAVE_KEY_MAX 255 /* characters */
size_t save_key_chars(struct tbe_str key); /* UTF-16 units */
/* One strategy of processingSettings: is this message processed? */
bool save_strategy(struct tbe_run *r, const struct tbe_processing_strategy *s, int64_t ts, const struct tbe_msg *m);

#endif
