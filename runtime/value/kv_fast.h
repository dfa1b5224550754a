/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways from a payload to typed entries; value.h's functions try the fast one first. Both
 * give the same result wherever the fast one gives one (tests/fuzz/fuzz_json.c compares them). */
#ifndef TBE_VALUE_KV_FAST_H
#define TBE_VALUE_KV_FAST_H

#include "tbe/value.h"

struct kv_fast_opts {
    struct tbe_arena *a;
    unsigned flags;
    size_t max_string;
    int64_t default_ts;
};

/* True and the result, or false: the text is not plain enough (or wrong, or memory is out). */
bool kv_fast_telemetry(const struct kv_fast_opts *o, struct tbe_str json,
                       struct tbe_ts_record **recs, uint32_t *n);
bool kv_fast_attributes(const struct kv_fast_opts *o, struct tbe_str json, struct tbe_kvs *out);

/* As tbe_kv_telemetry and tbe_kv_attributes. */
int kv_general_telemetry(struct tbe_arena *a, struct tbe_str json, int64_t default_ts,
                         unsigned flags, size_t max_string, struct tbe_ts_record **recs,
                         uint32_t *n, struct tbe_str *err);
int kv_general_attributes(struct tbe_arena *a, struct tbe_str json, unsigned flags,
                          size_t max_string, struct tbe_kvs *out, struct tbe_str *err);

#endif
