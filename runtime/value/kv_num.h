/* SPDX-License-Identifier: Apache-2.0 */
/* Number typing of device payloads, for kv.c. */
#ifndef TBE_VALUE_KV_NUM_H
#define TBE_VALUE_KV_NUM_H

#include "tbe/value.h"

enum { KV_NUM_OOM = -1, KV_NUM_BIG = -2 };

/* Sets type and value of kv from a JSON number literal or parsable text. 0; KV_NUM_BIG when the
 * number is neither LONG nor DOUBLE and `cast` forbids a STRING; KV_NUM_OOM. Text made is in the
 * arena. */
int kv_number(struct tbe_arena *a, struct tbe_str literal, bool cast, struct tbe_kv *kv);
/* True when a string counts as a number: optional -, digits, at most one point, not at the end.
 * *number is the text to give to kv_number: s, with digits of other scripts turned into ASCII. */
bool kv_parsable(struct tbe_arena *a, struct tbe_str s, struct tbe_str *number);
/* A "ts" given as number (fraction cut, low 64 bits) or as text (a whole int64); false when it
 * is none. */
bool kv_ts_number(struct tbe_str literal, int64_t *ts);
bool kv_ts_text(struct tbe_str s, int64_t *ts);

#endif
