/* SPDX-License-Identifier: Apache-2.0 */
/* Hash table with a use-ordered ring (cache.h). */
#include "config.h"
#include "store/cache.h"
#include <stdlib.h>
#include <string.h>
#include "store/pack.h"

int
cache_init(struct cache *c, size_t limit)
{
    memset(c, 0, sizeof *c);
    c->mask = 1023;
    c->slots = calloc(c->mask + 1u, sizeof *c->slots);
    c->lru.prev = c->lru.next = &c->lru;
    c->limit = limit;
    return c->slots ? 0 : -1;
}

static uint32_t
key_hash(enum cache_kind kind, struct tbe_str key)
{
    return pack_hash(key.p, key.n) * 31u + (uint32_t)kind * 0x9e3779b9u;
}

static void
ring_out(struct cnode *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
}

static void
ring_in(struct cache *c, struct cnode *n)
{
    n->prev = &c->lru;
    n->next = c->lru.next;
    n->next->prev = n;
    c->lru.next = n;
}

struct cnode *
cache_find(struct cache *c, enum cache_kind kind, struct tbe_str key)
{
    uint32_t hash = key_hash(kind, key);
    for (struct cnode *n = c->slots[hash & c->mask]; n; n = n->chain) {
        if (n->hash == hash && n->kind == kind && n->klen == key.n &&
            memcmp(n->key, key.p, key.n) == 0) {
            if (c->lru.next != n) {
                ring_out(n);
                ring_in(c, n);
            }
            return n;
        }
    }
    return NULL;
}

static void
rehash(struct cache *c)
{
    uint32_t mask = c->mask * 2 + 1;
    struct cnode **slots = calloc(mask + 1u, sizeof *slots);
    if (!slots) {
        return; /* longer chains */
    }
    for (uint32_t i = 0; i <= c->mask; i++) {
        for (struct cnode *n = c->slots[i], *next; n; n = next) {
            next = n->chain;
            n->chain = slots[n->hash & mask];
            slots[n->hash & mask] = n;
        }
    }
    free(c->slots);
    c->slots = slots;
    c->mask = mask;
}

struct cnode *
cache_add(struct cache *c, enum cache_kind kind, struct tbe_str key, size_t size)
{
    struct cnode *n = calloc(1, size + key.n + 1);
    if (!n) {
        return NULL;
    }
    if (c->n > c->mask) {
        rehash(c);
    }
    n->kind = (uint8_t)kind;
    n->hash = key_hash(kind, key);
    n->klen = (uint32_t)key.n;
    n->key = (char *)n + size;
    if (key.n) {
        memcpy(n->key, key.p, key.n);
    }
    n->chain = c->slots[n->hash & c->mask];
    c->slots[n->hash & c->mask] = n;
    ring_in(c, n);
    n->cost = (uint32_t)(size + key.n + 24);
    c->cost += n->cost;
    c->n++;
    return n;
}

void
cache_cost(struct cache *c, struct cnode *n, size_t bytes)
{
    c->cost -= n->cost;
    n->cost = (uint32_t)(bytes + 128);
    c->cost += n->cost;
}

static void
node_free(struct cache *c, struct cnode *n)
{
    struct cnode **at = &c->slots[n->hash & c->mask];
    while (*at != n) {
        at = &(*at)->chain;
    }
    *at = n->chain;
    ring_out(n);
    c->cost -= n->cost;
    c->n--;
    if (c->drop[n->kind]) {
        c->drop[n->kind](n);
    }
    free(n);
}

void
cache_trim(struct cache *c, uint64_t done, uint64_t compacted)
{
    for (uint32_t i = 0; i < c->n_grave; i++) {
        free(c->grave[i]);
    }
    c->n_grave = 0;
    /* Pinned nodes are passed over; a bounded number, so that a turn stays short. */
    unsigned budget = 256;
    for (struct cnode *n = c->lru.prev, *prev; c->cost > c->limit && n != &c->lru && budget;
         n = prev, budget--) {
        prev = n->prev;
        if (n->pin <= done && (n->kind != CK_LATEST || n->pin <= compacted)) {
            node_free(c, n);
        } else {
            ring_out(n);
            ring_in(c, n);
        }
    }
}

void
cache_bury(struct cache *c, void *p)
{
    if (!p) {
        return;
    }
    if (c->n_grave == c->cap_grave) {
        uint32_t cap = c->cap_grave ? c->cap_grave * 2 : 64;
        void **g = realloc(c->grave, cap * sizeof *g);
        if (!g) {
            return; /* leaked rather than freed under a reader */
        }
        c->grave = g;
        c->cap_grave = cap;
    }
    c->grave[c->n_grave++] = p;
}

struct cnode *
cache_pinned(struct cache *c, enum cache_kind kind, uint64_t done, struct cnode *after)
{
    for (struct cnode *n = after ? after->next : c->lru.next; n != &c->lru; n = n->next) {
        if (n->kind == kind && n->pin > done) {
            return n;
        }
    }
    return NULL;
}

void
cache_clear(struct cache *c)
{
    while (c->lru.next != &c->lru) {
        node_free(c, c->lru.next);
    }
    for (uint32_t i = 0; i < c->n_grave; i++) {
        free(c->grave[i]);
    }
    c->n_grave = 0;
}

void
cache_free(struct cache *c)
{
    if (c->slots) {
        cache_clear(c);
    }
    free(c->slots);
    free(c->grave);
    memset(c, 0, sizeof *c);
}
