/* SPDX-License-Identifier: Apache-2.0 */
/* Insertion-ordered maps and sets. Small ones are searched linearly; larger ones have an
 * open-addressing index of slot numbers, with a hash seeded per process so that a peer cannot
 * choose colliding keys. */
#include "config.h"

#include "value/value_int.h"

#include <stdatomic.h>
#include <string.h>

#include "base/random.h"
#include "value/pow10.h"

#define MAP_LINEAR 8u         /* slots searched without an index */
#define MAP_SLOTS_MAX (1u << 28) /* entries; keeps sizes far from 32-bit overflow */

static _Atomic uint64_t map_seed;

static uint64_t
map_get_seed(void)
{
    uint64_t seed = atomic_load_explicit(&map_seed, memory_order_relaxed);
    if (TBE_UNLIKELY(seed == 0)) {
        uint64_t none = 0;
        const uint64_t fresh = random_u64() | 1;
        seed = atomic_compare_exchange_strong(&map_seed, &none, fresh) ? fresh : none;
    }
    return seed;
}

static uint64_t
map_mix(uint64_t a, uint64_t b)
{
    const value_u128 m = (value_u128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t
map_hash_bytes(const char *p, size_t n)
{
    const uint64_t k1 = 0xa0761d6478bd642fu, k2 = 0xe7037ed1a0b428dbu;
    uint64_t h = map_get_seed() ^ map_mix(n ^ k1, k2);
    uint64_t w;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&w, p, 8);
        h = map_mix(h ^ w ^ k1, h ^ k2);
    }
    w = 0;
    if (n > 0) {
        memcpy(&w, p, n);
    }
    h = map_mix(h ^ w ^ k1, h ^ k2);
    return h ^ h >> 32;
}

/* Equal values (tbe_val_same) have equal hashes; containers are told apart by class and size
 * alone. */
static uint64_t
map_hash_val(tbe_val k)
{
    uint64_t w[2] = { k.t, 0 };
    switch (k.t) {
    case TBE_STR_T:
        return map_hash_bytes(k.u.s, k.n);
    case TBE_BIGDEC:
    case TBE_BIGINT:
    case TBE_NUM:
        return map_hash_bytes(k.u.s, k.n) + k.t;
    case TBE_FLOAT:
    case TBE_DOUBLE:
        w[1] = k.u.d != k.u.d ? 1 : (uint64_t)k.u.i;
        break;
    case TBE_LIST:
    case TBE_ARRAY:
        w[1] = k.u.l->n;
        break;
    case TBE_SET:
    case TBE_MAP:
        w[1] = k.u.m->live;
        break;
    case TBE_UNDEF:
    case TBE_NULL:
        break;
    default: /* integers and identities */
        w[1] = (uint64_t)k.u.i;
        break;
    }
    return map_hash_bytes((const char *)w, sizeof w);
}

/* memcmp of keys' usual lengths without a call: two loads that overlap. */
static inline bool
map_bytes_are(const char *a, const char *b, uint32_t n)
{
    if (n >= 8 && n <= 16) {
        uint64_t v[4];
        memcpy(&v[0], a, 8);
        memcpy(&v[1], b, 8);
        memcpy(&v[2], a + n - 8, 8);
        memcpy(&v[3], b + n - 8, 8);
        return ((v[0] ^ v[1]) | (v[2] ^ v[3])) == 0;
    }
    return n == 0 || memcmp(a, b, n) == 0;
}

static bool
map_key_is(const struct tbe_entry *e, const char *p, uint32_t n)
{
    return e->key.n == n && e->key.t == TBE_STR_T && map_bytes_are(e->key.u.s, p, n);
}

static void
map_index_add(struct tbe_map *m, uint64_t hash, uint32_t slot)
{
    uint32_t i = (uint32_t)hash & (m->index_cap - 1);
    while (m->index[i] != 0) {
        i = (i + 1) & (m->index_cap - 1);
    }
    m->index[i] = slot + 1;
}

/* Writes the index anew over all live slots. */
static void
map_index_fill(struct tbe_map *m)
{
    memset(m->index, 0, sizeof *m->index * m->index_cap);
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->e[i].key.t != TBE_UNDEF) {
            map_index_add(m, map_hash_val(m->e[i].key), i);
        }
    }
}

/* Slot of a string key, or m->n. */
static uint32_t
map_slot_str(const struct tbe_map *m, const char *p, uint32_t n)
{
    if (m->index == NULL) {
        for (uint32_t i = 0; i < m->n; i++) {
            if (map_key_is(&m->e[i], p, n)) {
                return i;
            }
        }
        return m->n;
    }
    uint32_t i = (uint32_t)map_hash_bytes(p, n) & (m->index_cap - 1);
    for (; m->index[i] != 0; i = (i + 1) & (m->index_cap - 1)) {
        if (map_key_is(&m->e[m->index[i] - 1], p, n)) {
            return m->index[i] - 1;
        }
    }
    return m->n;
}

static uint32_t
map_slot_val(const struct tbe_map *m, tbe_val k)
{
    if (k.t == TBE_STR_T) {
        return map_slot_str(m, k.u.s, k.n);
    }
    if (k.t == TBE_UNDEF) {
        return m->n;
    }
    if (m->index == NULL) {
        for (uint32_t i = 0; i < m->n; i++) {
            if (m->e[i].key.t == k.t && tbe_val_same(m->e[i].key, k)) {
                return i;
            }
        }
        return m->n;
    }
    uint32_t i = (uint32_t)map_hash_val(k) & (m->index_cap - 1);
    for (; m->index[i] != 0; i = (i + 1) & (m->index_cap - 1)) {
        const uint32_t slot = m->index[i] - 1;
        if (m->e[slot].key.t == k.t && tbe_val_same(m->e[slot].key, k)) {
            return slot;
        }
    }
    return m->n;
}

static tbe_val
map_new(struct tbe_arena *a, uint32_t cap, uint8_t type)
{
    if (cap > MAP_SLOTS_MAX) {
        cap = MAP_SLOTS_MAX;
    }
    struct tbe_map *m = tbe_arena_alloc(a, sizeof *m);
    if (m == NULL) {
        return TBE_UNDEF_VAL;
    }
    *m = (struct tbe_map){ 0 };
    if (cap > 0) {
        m->e = tbe_arena_alloc(a, sizeof *m->e * cap);
        if (m->e == NULL) {
            return TBE_UNDEF_VAL;
        }
        m->cap = cap;
    }
    return (tbe_val){ .t = type, .u = { .m = m } };
}

tbe_val
tbe_map_new(struct tbe_arena *a, uint32_t cap)
{
    return map_new(a, cap, TBE_MAP);
}

tbe_val
tbe_set_new(struct tbe_arena *a, uint32_t cap)
{
    return map_new(a, cap, TBE_SET);
}

/* Drops the removed slots. */
static void
map_compact(struct tbe_map *m)
{
    uint32_t to = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->e[i].key.t != TBE_UNDEF) {
            m->e[to++] = m->e[i];
        }
    }
    m->n = to;
    if (m->index != NULL) {
        map_index_fill(m);
    }
}

static bool
map_grow(struct tbe_arena *a, struct tbe_map *m)
{
    if (m->live <= m->n / 2 && m->n > 0) {
        map_compact(m);
        return true;
    }
    if (m->cap >= MAP_SLOTS_MAX) {
        return false;
    }
    const uint32_t cap = m->cap < 4 ? 4 : m->cap * 2;
    struct tbe_entry *e = tbe_arena_alloc(a, sizeof *e * cap);
    if (e == NULL) {
        return false;
    }
    if (m->n > 0) {
        memcpy(e, m->e, sizeof *e * m->n);
    }
    m->e = e;
    m->cap = cap;
    return true;
}

/* Called with one slot more than the index was made for. Without memory the map stays linear. */
static void
map_index_grow(struct tbe_arena *a, struct tbe_map *m)
{
    uint32_t cap = 32;
    while (cap < m->n * 4) {
        cap *= 2;
    }
    uint32_t *index = tbe_arena_alloc(a, sizeof *index * cap);
    m->index = index;
    m->index_cap = index ? cap : 0;
    if (index != NULL) {
        map_index_fill(m);
    }
}

bool
value_map_append(struct tbe_arena *a, struct tbe_map *m, tbe_val key, tbe_val v)
{
    if (m->n == m->cap && !map_grow(a, m)) {
        return false;
    }
    m->e[m->n] = (struct tbe_entry){ key, v };
    m->n++;
    m->live++;
    if (m->index != NULL || m->n > MAP_LINEAR) {
        if (m->n * 2 > m->index_cap) {
            map_index_grow(a, m);
        } else {
            map_index_add(m, map_hash_val(key), m->n - 1);
        }
    }
    return true;
}

tbe_val
tbe_map_get(const struct tbe_map *m, struct tbe_str key)
{
    if (key.n > UINT32_MAX) {
        return TBE_UNDEF_VAL;
    }
    const uint32_t slot = map_slot_str(m, key.p, (uint32_t)key.n);
    return slot < m->n ? m->e[slot].val : TBE_UNDEF_VAL;
}

tbe_val
tbe_map_get_hint(const struct tbe_map *m, struct tbe_str key, uint32_t *hint)
{
    if (hint == NULL || key.n > UINT32_MAX) {
        return tbe_map_get(m, key);
    }
    if (TBE_LIKELY(*hint < m->n) && map_key_is(&m->e[*hint], key.p, (uint32_t)key.n)) {
        return m->e[*hint].val;
    }
    const uint32_t slot = map_slot_str(m, key.p, (uint32_t)key.n);
    if (slot == m->n) {
        return TBE_UNDEF_VAL;
    }
    *hint = slot;
    return m->e[slot].val;
}

void
tbe_map_put_val(struct tbe_arena *a, struct tbe_map *m, tbe_val key, tbe_val v)
{
    const uint32_t slot = map_slot_val(m, key);
    if (slot < m->n) {
        m->e[slot].val = v;
    } else if (key.t != TBE_UNDEF) {
        value_map_append(a, m, key, v);
    }
}

void
tbe_map_put(struct tbe_arena *a, struct tbe_map *m, struct tbe_str key, tbe_val v)
{
    if (key.n <= UINT32_MAX) {
        tbe_map_put_val(a, m, tbe_strv(key), v);
    }
}

static bool
map_remove_slot(struct tbe_map *m, uint32_t slot)
{
    if (slot >= m->n) {
        return false;
    }
    m->e[slot].key = TBE_UNDEF_VAL;
    m->e[slot].val = TBE_UNDEF_VAL;
    m->live--;
    if (m->live == 0) { /* nothing to keep in order: start over */
        m->n = 0;
        if (m->index != NULL) {
            memset(m->index, 0, sizeof *m->index * m->index_cap);
        }
    }
    return true;
}

bool
tbe_map_remove(struct tbe_map *m, struct tbe_str key)
{
    return key.n <= UINT32_MAX && map_remove_slot(m, map_slot_str(m, key.p, (uint32_t)key.n));
}

bool
tbe_map_remove_val(struct tbe_map *m, tbe_val key)
{
    return map_remove_slot(m, map_slot_val(m, key));
}

struct tbe_entry *
tbe_map_find(const struct tbe_map *m, tbe_val key)
{
    const uint32_t slot = map_slot_val(m, key);
    return slot < m->n ? &m->e[slot] : NULL;
}

bool
tbe_map_next(const struct tbe_map *m, uint32_t *i, const struct tbe_entry **e)
{
    while (*i < m->n) {
        const struct tbe_entry *at = &m->e[(*i)++];
        if (at->key.t != TBE_UNDEF) {
            *e = at;
            return true;
        }
    }
    return false;
}
