/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed points of one series, sorted by ts, no ts twice. Private to the store.
 *
 * u8 version 1, varint n, times: zigzag first, zigzag first delta, then zigzag differences of deltas. Values
 * in runs of one kind: tag byte, varint count, then FALSE, TRUE nothing; LONG zigzag of the difference to
 * the previous in the run (0 before the first); DECIMAL 0..3 (m / 10^k) the same of m; DOUBLE bits xor the
 * previous: a byte with the counts of leading and trailing zero bytes (4 bits each), then the bytes between;
 * STRING, JSON varint length << 1 and bytes, or 1 for "as the previous in the run". */
#ifndef TBE_STORE_CHUNK_H
#define TBE_STORE_CHUNK_H

#include "tbe/value.h"

#define CHUNK_POINTS 512u  /* at most, in one chunk */
#define CHUNK_BYTES 900u   /* aimed at: stays on its b-tree page, which holds four of them */

struct point {
    int64_t ts;
    uint32_t type;  /* enum tbe_kv_type */
    uint32_t order; /* of writing; not stored */
    union {
        bool b;
        int64_t i;
        double d;
    } u;
    struct tbe_str s;
};

struct points {
    struct point *v;
    uint32_t n, cap;
    uint32_t added; /* ever, by points_add: gives `order` */
};

struct point *points_add(struct points *p); /* only `order` is set; aborts when out of memory */
void points_free(struct points *p);
void points_sort(struct points *p); /* by ts, then order; of equal ts the last written stays */

/* Encodes the first points of v, as many as one chunk takes (at least 1), appending to out: the count. */
uint32_t chunk_encode(const struct point *v, uint32_t n, struct tbe_buf *out);
/* Appends the points of data to out; strings borrow from data. False: malformed; nothing is appended. */
bool chunk_decode(struct tbe_str data, struct points *out);

#endif
