/* SPDX-License-Identifier: Apache-2.0 */
/* The mirrors of the store: rows read or written lately, found by (kind, key). Private to the
 * store, loop thread only.
 *
 * Invariant: as long as a write is not committed, a node with its result is here and pinned by the
 * number of the writing batch; so what is not here may be read from the database. Memory that a
 * caller may still hold goes to the graveyard until the end of the turn. */
#ifndef TBE_STORE_CACHE_H
#define TBE_STORE_CACHE_H

#include "tbe/msg.h"

enum cache_kind {
    CK_ENTITY,     /* key: type byte, uuid */
    CK_NAME,       /* type byte, name -> id or none */
    CK_CRED,       /* device uuid */
    CK_CRED_ID,    /* credentials id -> device or none */
    CK_ATTRS,      /* entity */
    CK_STATE,      /* key */
    CK_PARKED,     /* key */
    CK_ALARM,      /* alarm uuid */
    CK_ACTIVE,     /* originator -> ids of active alarms */
    CK_REL_FROM,   /* entity */
    CK_REL_TO,
    CK_LATEST,     /* entity */
    CK_KINDS
};

struct cnode {
    struct cnode *chain;        /* same hash slot */
    struct cnode *prev, *next;  /* by time of use, newest first */
    uint64_t pin;               /* number of the last batch that wrote it; 0 none */
    uint32_t hash, klen;
    uint32_t cost;              /* bytes, as counted in the cache */
    uint8_t kind;
    char *key;                  /* behind the node's own struct */
};

struct cache {
    struct cnode **slots;
    uint32_t n, mask;
    struct cnode lru;           /* ring head */
    size_t cost, limit;
    void (*drop[CK_KINDS])(struct cnode *n); /* frees what the node owns besides itself */
    void **grave;
    uint32_t n_grave, cap_grave;
};

int cache_init(struct cache *c, size_t limit) TBE_MUST_USE;
void cache_free(struct cache *c);
/* NULL when absent. A found node becomes the newest. */
struct cnode *cache_find(struct cache *c, enum cache_kind kind, struct tbe_str key);
/* A new zeroed node of `size` bytes (struct cnode first); the key must be absent. NULL: out of
 * memory. */
struct cnode *cache_add(struct cache *c, enum cache_kind kind, struct tbe_str key, size_t size);
/* what the node owns besides itself */
void cache_cost(struct cache *c, struct cnode *n, size_t bytes);
/* Frees the oldest nodes beyond the limit. Nodes pinned above `done` stay, those of CK_LATEST above
 * `compacted`. Empties the graveyard. */
void cache_trim(struct cache *c, uint64_t done, uint64_t compacted);
void cache_bury(struct cache *c, void *p); /* free(p) at the end of the turn */
/* Nodes of a kind pinned above done; 0 at the end. for (n = NULL; (n = cache_pinned(c, k, done,
 * n));) */
struct cnode *cache_pinned(struct cache *c, enum cache_kind kind, uint64_t done,
                           struct cnode *after);
void cache_clear(struct cache *c);

struct ckey { /* entity as key bytes */
    char b[17];
};
static inline struct tbe_str
ckey_entity(struct ckey *k, const struct tbe_entity *e)
{
    k->b[0] = (char)e->type;
    __builtin_memcpy(k->b + 1, e->id.b, 16);
    return (struct tbe_str){ k->b, 17 };
}
static inline struct tbe_str
ckey_uuid(const struct tbe_uuid *u)
{
    return (struct tbe_str){ (const char *)u->b, 16 };
}

#endif
