/* SPDX-License-Identifier: Apache-2.0 */
/* The packed form of a batch's time series: what a log row holds. Private to the store.
 *
 * A log row is a run of blocks. A block, little endian:
 *    0 u32 magic   4 u32 length of the block   8 u32 checksum of bytes 12..length
 *   12 u32 records 16 u32 offset of the dictionaries
 *   20 records, then the dictionaries: varint n, n x (type byte, 16 bytes uuid); varint n, n x (varint length,
 *      key bytes)
 * A record: u16 length of what follows (0xffff: then a u32 length), head byte (kind, flags), varint entity
 * index, zigzag varint ts minus the previous record's ts, then by kind:
 *   TS      varint ttl in seconds when flagged; values: varint n, n x (varint key << 3 | type, value)
 *   BODY    varint event kind, varint action, varint length and bytes (absent: 0, else length + 1)
 *   DELETE  varint key, zigzag from, zigzag to, byte: rewrite latest
 *   DELETE_ENTITY   nothing */
#ifndef TBE_STORE_PACK_H
#define TBE_STORE_PACK_H

#include <string.h>
#include "tbe/msg.h"

static inline bool
ent_same(const struct tbe_entity *a, const struct tbe_entity *b)
{
    return memcmp(a->id.b, b->id.b, sizeof a->id.b) == 0 && a->type == b->type;
}

enum rec_kind { REC_TS, REC_BODY, REC_DELETE, REC_DELETE_ENTITY };
enum rec_flags { /* low two bits are the STORE_TS_* of store.h */
    REC_HISTORY = 1,
    REC_LATEST = 2,
    REC_PUSH = 4,
    REC_TTL = 8
};

#define PACK_BLOCK_BYTES (1u << 20) /* a block is closed when it has grown beyond this */
#define PACK_BLOCK_RECORDS 65536u
#define PACK_RING 8u

struct pack_key {
    struct tbe_str s;
    uint32_t hash;
};

/* Recently written TS records, for marking a saved record as pushed. */
struct pack_recent {
    size_t head, values, end; /* offsets in buf */
    struct tbe_entity e;
    int64_t ts, ttl;
};

struct pack {
    struct tbe_buf buf;        /* closed blocks, then the open one */
    struct tbe_arena *arena;   /* key copies */
    size_t start;              /* of the open block; SIZE_MAX: none */
    int64_t prev_ts;
    struct tbe_entity *ents;
    uint32_t n_ents, cap_ents, last_ent;
    struct pack_key *keys;
    uint32_t n_keys, cap_keys;
    uint32_t *ent_index, *key_index; /* open addressing, index + 1, 0 = free; power of two */
    uint32_t ent_mask, key_mask;
    uint32_t hint;
    uint32_t records;          /* in the open block */
    struct pack_recent recent[PACK_RING];
    uint32_t n_recent;
    uint32_t points, pushed;   /* in the whole pack */
    bool failed;               /* out of memory: the batch must not be committed as it is */
};

void pack_init(struct pack *p, struct tbe_arena *arena);
void pack_reset(struct pack *p);
void pack_free(struct pack *p);
/* A TS record with REC_HISTORY, REC_LATEST, REC_PUSH. When a recent record has the same entity, ts and
 * values, its flags are widened instead, so that saving and pushing stores the values once. */
void pack_ts(struct pack *p, const struct tbe_entity *e, int64_t ts, int64_t ttl_s, const struct tbe_kvs *kvs,
             unsigned flags);
void pack_body(struct pack *p, const struct tbe_entity *e, int64_t created, int kind, int action, struct tbe_str body);
void pack_delete(struct pack *p, const struct tbe_entity *e, struct tbe_str key, int64_t from, int64_t to,
                 bool rewrite_latest);
void pack_delete_entity(struct pack *p, const struct tbe_entity *e);
void pack_close(struct pack *p); /* finishes the open block */

struct pack_rec {
    enum rec_kind kind;
    unsigned flags;
    struct tbe_entity e;
    uint32_t ent; /* index in the block's dictionary */
    int64_t ts, ttl;
    struct tbe_kvs kvs;      /* valid until the next record */
    int event_kind, action;  /* BODY */
    struct tbe_str body;
    struct tbe_str key;      /* DELETE */
    int64_t from, to;
    bool rewrite_latest;
};

/* Reads a run of blocks, and the open block of a live pack. Malformed bytes never crash: a bad block is
 * skipped and counted in `corrupt`. */
struct pack_reader {
    const uint8_t *p, *end;         /* records of the current block */
    const uint8_t *next, *last;     /* following blocks */
    const struct pack *live;        /* its open block comes last */
    const struct tbe_entity *only;  /* not NULL: records of other entities are skipped */
    int64_t only_ent;               /* its index in this block */
    bool pushed_only;
    uint32_t buckets, bucket; /* buckets > 1: only entities whose bucket_of is `bucket`; set after pack_read */
    uint32_t (*bucket_of)(const struct tbe_entity *e, uint32_t buckets);
    int64_t prev_ts;
    const uint8_t *ents;            /* 17-byte strides */
    const struct tbe_entity *live_ents;
    uint32_t n_ents;
    struct tbe_str *keys;
    uint32_t n_keys, cap_keys;
    struct tbe_kv *kv;
    uint32_t cap_kv;
    uint32_t corrupt;
};
void pack_read(struct pack_reader *r, struct tbe_str blocks, const struct tbe_entity *only); /* r zeroed or used before */
void pack_read_live(struct pack_reader *r, const struct pack *p, const struct tbe_entity *only);
bool pack_next(struct pack_reader *r, struct pack_rec *rec);
void pack_reader_free(struct pack_reader *r);
struct tbe_entity pack_entity(const struct pack_reader *r, uint32_t i);

/* Varints, shared with the chunk coder. Writers return the new position; 10 bytes at most. Readers
 * return NULL at the end of the bytes or on an overlong number. */
uint8_t *varint_put(uint8_t *p, uint64_t v);
const uint8_t *varint_get(const uint8_t *p, const uint8_t *end, uint64_t *v);
static inline uint64_t zigzag(int64_t v) { return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63); }
static inline int64_t unzigzag(uint64_t v) { return (int64_t)(v >> 1) ^ -(int64_t)(v & 1); }
/* A double that is exactly m / 10^k, k 0..3, |m| < 2^40: m and k. Most sensor values are. */
bool decimal_of(double d, int64_t *m, unsigned *k);
double decimal_value(int64_t m, unsigned k);
uint32_t pack_hash(const void *p, size_t n); /* also the blocks' checksum */

#endif
