/* SPDX-License-Identifier: Apache-2.0 */
/* Writer and reader of the packed log form (pack.h). The writer runs on the message path: no
 * allocation per key or value, dictionaries are found by hash. */
#include "config.h"
#include "store/pack.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

#define MAGIC 0x31424c54u /* "TLB1" */
#define HEAD 20u

enum value_type { V_FALSE, V_TRUE, V_LONG, V_DOUBLE, V_STRING, V_JSON, V_DECIMAL };

uint8_t *
varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

const uint8_t *
varint_get(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
    uint64_t x = 0;
    for (unsigned shift = 0; p && p < end && shift < 64; shift += 7) {
        uint8_t c = *p++;
        x |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            *v = x;
            return p;
        }
    }
    return NULL;
}

uint32_t
pack_hash(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t h = 0x9e3779b97f4a7c15u ^ n, w;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&w, p, 8);
        h = (h ^ w) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    if (n) {
        w = 0;
        memcpy(&w, p, n);
        h = (h ^ w) * 0xff51afd7ed558ccdu;
    }
    h ^= h >> 29;
    h *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h >> 32);
}

static const double tens[] = { 1, 10, 100, 1000 };

bool
decimal_of(double d, int64_t *m, unsigned *k)
{
    if (!(d > -1e9 && d < 1e9) || (d == 0 && signbit(d))) {
        return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        double x = d * tens[i];
        int64_t r = (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
        if ((double)r / tens[i] == d) {
            *m = r;
            *k = i;
            return true;
        }
    }
    return false;
}

double
decimal_value(int64_t m, unsigned k)
{
    return (double)m / tens[k & 3];
}

static void
put_u32(char *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static uint32_t
get_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* Writer --------------------------------------------------------------------------------------- */

void
pack_init(struct pack *p, struct tbe_arena *arena)
{
    memset(p, 0, sizeof *p);
    p->arena = arena;
    p->start = SIZE_MAX;
}

void
pack_reset(struct pack *p)
{
    if (p->buf.cap > (4u << 20)) { /* one huge batch must not hold its memory for ever */
        tbe_buf_free(&p->buf);
        memset(&p->buf, 0, sizeof p->buf);
    }
    p->buf.n = 0;
    p->buf.oom = false;
    p->start = SIZE_MAX;
    p->points = p->pushed = p->records = 0;
    p->n_ents = p->n_keys = p->n_recent = 0;
    p->failed = false;
}

void
pack_free(struct pack *p)
{
    tbe_buf_free(&p->buf);
    free(p->ents);
    free(p->keys);
    free(p->ent_index);
    free(p->key_index);
}

/* Makes room for one more entry; doubles the index at half load. */
static bool
dict_room(uint32_t n, uint32_t *cap, void **items, size_t size, uint32_t **index, uint32_t *mask)
{
    if (n < *cap) {
        return true;
    }
    uint32_t c = *cap ? *cap * 2 : 32;
    void *v = realloc(*items, c * size);
    if (!v) {
        return false;
    }
    *items = v;
    uint32_t *ix = realloc(*index, (size_t)c * 2 * sizeof *ix);
    if (!ix) {
        return false;
    }
    *index = ix;
    *cap = c;
    *mask = c * 2 - 1;
    return true;
}

static void
dict_insert(uint32_t *index, uint32_t mask, uint32_t hash, uint32_t i)
{
    uint32_t h = hash & mask;
    while (index[h]) {
        h = (h + 1) & mask;
    }
    index[h] = i + 1;
}

static uint32_t
ent_hash(const struct tbe_entity *e)
{
    uint64_t a, b;
    memcpy(&a, e->id.b, 8);
    memcpy(&b, e->id.b + 8, 8);
    a = (a ^ (b * 0x9e3779b97f4a7c15u) ^ (uint64_t)e->type) * 0xff51afd7ed558ccdu;
    return (uint32_t)(a >> 32);
}

static uint32_t
ent_ref(struct pack *p, const struct tbe_entity *e)
{
    if (p->n_ents && ent_same(&p->ents[p->last_ent], e)) {
        return p->last_ent;
    }
    uint32_t hash = ent_hash(e);
    if (p->cap_ents) {
        for (uint32_t h = hash & p->ent_mask; p->ent_index[h]; h = (h + 1) & p->ent_mask) {
            uint32_t i = p->ent_index[h] - 1;
            if (ent_same(&p->ents[i], e)) {
                return p->last_ent = i;
            }
        }
    }
    uint32_t cap = p->cap_ents;
    if (!dict_room(p->n_ents, &p->cap_ents, (void **)&p->ents, sizeof *p->ents, &p->ent_index,
                   &p->ent_mask)) {
        p->failed = true;
        return 0;
    }
    if (cap != p->cap_ents) {
        memset(p->ent_index, 0, ((size_t)p->ent_mask + 1) * sizeof *p->ent_index);
        for (uint32_t i = 0; i < p->n_ents; i++) {
            dict_insert(p->ent_index, p->ent_mask, ent_hash(&p->ents[i]), i);
        }
    }
    p->ents[p->n_ents] = *e;
    dict_insert(p->ent_index, p->ent_mask, hash, p->n_ents);
    return p->last_ent = p->n_ents++;
}

static uint32_t
key_ref(struct pack *p, struct tbe_str s)
{
    /* Messages repeat their shape: the key after the last one found is the best guess. */
    uint32_t g = p->hint < p->n_keys ? p->hint : 0;
    if (p->n_keys && p->keys[g].s.n == s.n && memcmp(p->keys[g].s.p, s.p, s.n) == 0) {
        p->hint = g + 1;
        return g;
    }
    uint32_t hash = pack_hash(s.p, s.n);
    if (p->cap_keys) {
        for (uint32_t h = hash & p->key_mask; p->key_index[h]; h = (h + 1) & p->key_mask) {
            uint32_t i = p->key_index[h] - 1;
            if (p->keys[i].hash == hash && tbe_str_eq(p->keys[i].s, s)) {
                p->hint = i + 1;
                return i;
            }
        }
    }
    uint32_t cap = p->cap_keys;
    struct tbe_str copy = tbe_arena_dup(p->arena, s);
    if (!copy.p ||
        !dict_room(p->n_keys, &p->cap_keys, (void **)&p->keys, sizeof *p->keys, &p->key_index,
                   &p->key_mask)) {
        p->failed = true;
        return 0;
    }
    if (cap != p->cap_keys) {
        memset(p->key_index, 0, ((size_t)p->key_mask + 1) * sizeof *p->key_index);
        for (uint32_t i = 0; i < p->n_keys; i++) {
            dict_insert(p->key_index, p->key_mask, p->keys[i].hash, i);
        }
    }
    p->keys[p->n_keys] = (struct pack_key){ copy, hash };
    dict_insert(p->key_index, p->key_mask, hash, p->n_keys);
    p->hint = p->n_keys + 1;
    return p->n_keys++;
}

void
pack_close(struct pack *p)
{
    if (p->start == SIZE_MAX) {
        return;
    }
    uint32_t dict = (uint32_t)(p->buf.n - p->start);
    uint8_t num[10];
    tbe_buf_put(&p->buf, num, (size_t)(varint_put(num, p->n_ents) - num));
    for (uint32_t i = 0; i < p->n_ents; i++) {
        tbe_buf_putc(&p->buf, (char)p->ents[i].type);
        tbe_buf_put(&p->buf, p->ents[i].id.b, 16);
    }
    tbe_buf_put(&p->buf, num, (size_t)(varint_put(num, p->n_keys) - num));
    for (uint32_t i = 0; i < p->n_keys; i++) {
        tbe_buf_put(&p->buf, num, (size_t)(varint_put(num, p->keys[i].s.n) - num));
        tbe_buf_puts(&p->buf, p->keys[i].s);
    }
    if (p->buf.oom) {
        p->failed = true;
        return;
    }
    char *b = p->buf.p + p->start;
    uint32_t n = (uint32_t)(p->buf.n - p->start);
    put_u32(b, MAGIC);
    put_u32(b + 4, n);
    put_u32(b + 12, p->records);
    put_u32(b + 16, dict);
    put_u32(b + 8, pack_hash(b + 12, n - 12));
    p->start = SIZE_MAX;
    p->records = 0;
    p->n_ents = p->n_keys = p->n_recent = 0;
    if (p->cap_ents) {
        memset(p->ent_index, 0, ((size_t)p->ent_mask + 1) * sizeof *p->ent_index);
    }
    if (p->cap_keys) {
        memset(p->key_index, 0, ((size_t)p->key_mask + 1) * sizeof *p->key_index);
    }
}

/* Room for a record of at most `most` bytes; the write position behind the length field, or
 * NULL. */
static uint8_t *
record_begin(struct pack *p, size_t most)
{
    if (p->start != SIZE_MAX &&
        (p->buf.n - p->start > PACK_BLOCK_BYTES || p->records >= PACK_BLOCK_RECORDS)) {
        pack_close(p);
    }
    if (!tbe_buf_reserve(&p->buf, most + HEAD + 8)) {
        p->failed = true;
        return NULL;
    }
    if (p->start == SIZE_MAX) {
        p->start = p->buf.n;
        p->buf.n += HEAD;
        p->prev_ts = 0;
        p->hint = 0;
        p->last_ent = 0;
        if (p->cap_ents) {
            memset(p->ent_index, 0, ((size_t)p->ent_mask + 1) * sizeof *p->ent_index);
        }
        if (p->cap_keys) {
            memset(p->key_index, 0, ((size_t)p->key_mask + 1) * sizeof *p->key_index);
        }
    }
    return (uint8_t *)p->buf.p + p->buf.n + 2;
}

static void
record_end(struct pack *p, uint8_t *end)
{
    uint8_t *begin = (uint8_t *)p->buf.p + p->buf.n;
    size_t n = (size_t)(end - begin) - 2;
    if (TBE_LIKELY(n < 0xffff)) {
        uint16_t n16 = (uint16_t)n;
        memcpy(begin, &n16, 2);
    } else {
        memmove(begin + 6, begin + 2, n);
        memset(begin, 0xff, 2);
        put_u32((char *)begin + 2, (uint32_t)n);
        end += 4;
    }
    p->buf.n = (size_t)(end - (uint8_t *)p->buf.p);
    p->records++;
}

static uint8_t *
put_ts(struct pack *p, uint8_t *w, int64_t ts)
{
    return varint_put(w, zigzag((int64_t)((uint64_t)ts - (uint64_t)p->prev_ts)));
}

static uint8_t *
put_value(uint8_t *w, uint32_t key, const struct tbe_kv *kv)
{
    uint64_t k = (uint64_t)key << 3;
    int64_t m;
    unsigned scale;
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        return varint_put(w, k | (kv->u.b ? V_TRUE : V_FALSE));
    case TBE_KV_LONG:
        return varint_put(varint_put(w, k | V_LONG), zigzag(kv->u.i));
    case TBE_KV_DOUBLE:
        if (decimal_of(kv->u.d, &m, &scale)) {
            return varint_put(varint_put(w, k | V_DECIMAL), zigzag(m) << 2 | scale);
        }
        w = varint_put(w, k | V_DOUBLE);
        memcpy(w, &kv->u.d, 8);
        return w + 8;
    case TBE_KV_STRING:
    case TBE_KV_JSON:
        w = varint_put(w, k | (kv->type == TBE_KV_JSON ? V_JSON : V_STRING));
        w = varint_put(w, kv->s.n);
        if (kv->s.n) {
            memcpy(w, kv->s.p, kv->s.n);
        }
        return w + kv->s.n;
    }
    return varint_put(w, k | V_FALSE);
}

static size_t
values_most(const struct tbe_kvs *kvs)
{
    size_t n = 10;
    for (uint32_t i = 0; i < kvs->n; i++) {
        n += 28 + (kvs->v[i].type >= TBE_KV_STRING ? kvs->v[i].s.n : 0);
    }
    return n;
}

/* The same values were just written for this entity and ts: widen that record. */
static bool
widen(struct pack *p, const struct tbe_entity *e, int64_t ts, int64_t ttl, const uint8_t *values,
      size_t n,
      unsigned flags)
{
    uint32_t back = p->n_recent < PACK_RING ? p->n_recent : PACK_RING;
    for (uint32_t i = 1; i <= back; i++) {
        const struct pack_recent *r = &p->recent[(p->n_recent - i) % PACK_RING];
        uint8_t *head = (uint8_t *)p->buf.p + r->head;
        unsigned have = *head >> 3;
        if (r->ts != ts || !ent_same(&r->e, e)) {
            continue;
        }
        /* Only a push may join an earlier save, or a save the push just before it; and never across
         * other values of the same entity and ts, so that the order of writing stays. */
        bool may = flags == REC_PUSH ? !(have & REC_PUSH) : i == 1 && (have & ~(unsigned)REC_TTL) == REC_PUSH && r->ttl == ttl;
        if (!may || r->end - r->values != n || memcmp(p->buf.p + r->values, values, n) != 0) {
            return false;
        }
        *head = (uint8_t)(*head | flags << 3);
        return true;
    }
    return false;
}

static void
count_ts(struct pack *p, const struct tbe_kvs *kvs, unsigned flags)
{
    p->points += flags & REC_HISTORY ? kvs->n : 0;
    p->pushed += flags & REC_PUSH ? 1 : 0;
}

void
pack_ts(struct pack *p, const struct tbe_entity *e, int64_t ts, int64_t ttl_s,
        const struct tbe_kvs *kvs,
        unsigned flags)
{
    uint8_t *w = record_begin(p, 48 + values_most(kvs));
    if (!w) {
        return;
    }
    bool open = p->records > 0;
    size_t head = (size_t)(w - (uint8_t *)p->buf.p);
    *w++ = (uint8_t)(REC_TS | (flags | (ttl_s > 0 ? REC_TTL : 0)) << 3);
    w = varint_put(w, ent_ref(p, e));
    w = put_ts(p, w, ts);
    if (ttl_s > 0) {
        w = varint_put(w, (uint64_t)ttl_s);
    }
    uint8_t *values = w;
    w = varint_put(w, kvs->n);
    for (uint32_t i = 0; i < kvs->n; i++) {
        w = put_value(w, key_ref(p, kvs->v[i].key), &kvs->v[i]);
    }
    size_t n = (size_t)(w - values);
    count_ts(p, kvs, flags);
    if (open && widen(p, e, ts, ttl_s, values, n, flags)) {
        return;
    }
    size_t at = (size_t)(values - (uint8_t *)p->buf.p);
    struct pack_recent r = { .head = head, .values = at, .end = at + n, .e = *e, .ts = ts, .ttl = ttl_s };
    bool plain = n < 60000; /* a record with the long length form is moved by record_end */
    record_end(p, w);
    p->prev_ts = ts;
    if (plain) {
        p->recent[p->n_recent++ % PACK_RING] = r;
    }
}

void
pack_body(struct pack *p, const struct tbe_entity *e, int64_t created, int kind, int action,
          struct tbe_str body)
{
    uint8_t *w = record_begin(p, 64 + body.n);
    if (!w) {
        return;
    }
    *w++ = (uint8_t)(REC_BODY | REC_PUSH << 3);
    w = varint_put(w, ent_ref(p, e));
    w = put_ts(p, w, created);
    w = varint_put(w, (uint64_t)(uint32_t)kind);
    w = varint_put(w, (uint64_t)(uint32_t)action);
    w = varint_put(w, body.p ? body.n + 1 : 0);
    if (body.n) {
        memcpy(w, body.p, body.n);
        w += body.n;
    }
    record_end(p, w);
    p->prev_ts = created;
    p->pushed++;
}

void
pack_delete(struct pack *p, const struct tbe_entity *e, struct tbe_str key, int64_t from,
            int64_t to,
            bool rewrite_latest)
{
    uint8_t *w = record_begin(p, 80);
    if (!w) {
        return;
    }
    *w++ = REC_DELETE;
    w = varint_put(w, ent_ref(p, e));
    w = put_ts(p, w, p->prev_ts);
    w = varint_put(w, key_ref(p, key));
    w = varint_put(w, zigzag(from));
    w = varint_put(w, zigzag(to));
    *w++ = rewrite_latest;
    record_end(p, w);
    p->n_recent = 0; /* values saved before the deletion must not be widened */
}

void
pack_delete_entity(struct pack *p, const struct tbe_entity *e)
{
    uint8_t *w = record_begin(p, 40);
    if (!w) {
        return;
    }
    *w++ = REC_DELETE_ENTITY;
    w = varint_put(w, ent_ref(p, e));
    w = put_ts(p, w, p->prev_ts);
    record_end(p, w);
    p->n_recent = 0;
}

/* Reader --------------------------------------------------------------------------------------- */

void
pack_reader_free(struct pack_reader *r)
{
    free(r->keys);
    free(r->kv);
    memset(r, 0, sizeof *r);
}

static void
reader_start(struct pack_reader *r, const struct tbe_entity *only)
{
    struct tbe_str *keys = r->keys;
    struct tbe_kv *kv = r->kv;
    uint32_t ck = r->cap_keys, cv = r->cap_kv, corrupt = r->corrupt;
    bool pushed_only = r->pushed_only;
    *r = (struct pack_reader){ .keys = keys, .kv = kv, .cap_keys = ck, .cap_kv = cv, .only = only,
                               .corrupt = corrupt, .pushed_only = pushed_only };
}

void
pack_read(struct pack_reader *r, struct tbe_str blocks, const struct tbe_entity *only)
{
    reader_start(r, only);
    r->next = (const uint8_t *)blocks.p;
    r->last = r->next + blocks.n;
}

void
pack_read_live(struct pack_reader *r, const struct pack *p, const struct tbe_entity *only)
{
    reader_start(r, only);
    r->next = (const uint8_t *)p->buf.p;
    r->last = r->next + (p->start == SIZE_MAX ? p->buf.n : p->start);
    r->live = p->start == SIZE_MAX ? NULL : p;
}

struct tbe_entity
pack_entity(const struct pack_reader *r, uint32_t i)
{
    if (r->live_ents) {
        return r->live_ents[i];
    }
    struct tbe_entity e = { .type = r->ents[i * 17] };
    memcpy(e.id.b, r->ents + i * 17 + 1, 16);
    return e;
}

static bool
keys_room(struct pack_reader *r, uint64_t n)
{
    if (n <= r->cap_keys) {
        return true;
    }
    struct tbe_str *k = realloc(r->keys, (size_t)n * sizeof *k);
    if (!k) {
        return false;
    }
    r->keys = k;
    r->cap_keys = (uint32_t)n;
    return true;
}

static void
find_only(struct pack_reader *r)
{
    r->only_ent = -1;
    if (!r->only) {
        return;
    }
    for (uint32_t i = 0; i < r->n_ents; i++) {
        struct tbe_entity e = pack_entity(r, i);
        if (ent_same(&e, r->only)) {
            r->only_ent = i;
            return;
        }
    }
}

static bool
read_dicts(struct pack_reader *r, const uint8_t *p, const uint8_t *end)
{
    uint64_t n;
    p = varint_get(p, end, &n);
    if (!p || n > (uint64_t)(end - p) / 17) {
        return false;
    }
    r->ents = p;
    r->n_ents = (uint32_t)n;
    p = varint_get(p + n * 17, end, &n);
    if (!p || n > (uint64_t)(end - p) || !keys_room(r, n)) {
        return false;
    }
    r->n_keys = (uint32_t)n;
    for (uint32_t i = 0; i < r->n_keys; i++) {
        uint64_t len;
        p = varint_get(p, end, &len);
        if (!p || len > (uint64_t)(end - p)) {
            return false;
        }
        r->keys[i] = (struct tbe_str){ (const char *)p, (size_t)len };
        p += len;
    }
    return true;
}

static bool
open_live(struct pack_reader *r)
{
    const struct pack *p = r->live;
    r->live = NULL;
    if (!keys_room(r, p->n_keys)) {
        return false;
    }
    for (uint32_t i = 0; i < p->n_keys; i++) {
        r->keys[i] = p->keys[i].s;
    }
    r->n_keys = p->n_keys;
    r->live_ents = p->ents;
    r->n_ents = p->n_ents;
    r->p = (const uint8_t *)p->buf.p + p->start + HEAD;
    r->end = (const uint8_t *)p->buf.p + p->buf.n;
    r->prev_ts = 0;
    find_only(r);
    return true;
}

/* Opens the next block that is whole. */
static bool
next_block(struct pack_reader *r)
{
    r->live_ents = NULL;
    while (r->next && r->next < r->last) {
        const uint8_t *b = r->next;
        size_t left = (size_t)(r->last - b);
        uint32_t len = left >= HEAD && get_u32(b) == MAGIC ? get_u32(b + 4) : 0;
        if (len < HEAD || len > left) {
            r->corrupt++;
            r->next = r->last; /* no way to find the following block */
            break;
        }
        r->next = b + len;
        uint32_t dict = get_u32(b + 16);
        if (get_u32(b + 8) != pack_hash(b + 12, len - 12) || dict < HEAD || dict > len ||
            !read_dicts(r, b + dict, b + len)) {
            r->corrupt++;
            continue;
        }
        r->p = b + HEAD;
        r->end = b + dict;
        r->prev_ts = 0;
        find_only(r);
        return true;
    }
    return r->live ? open_live(r) : false;
}

static const uint8_t *
read_value(struct pack_reader *r, const uint8_t *p, const uint8_t *end, struct tbe_kv *kv)
{
    uint64_t k, v;
    p = varint_get(p, end, &k);
    if (!p || k >> 3 >= r->n_keys) {
        return NULL;
    }
    kv->key = r->keys[k >> 3];
    kv->s = TBE_STR_NONE;
    kv->u.i = 0;
    switch ((enum value_type)(k & 7)) {
    case V_FALSE:
    case V_TRUE:
        kv->type = TBE_KV_BOOLEAN;
        kv->u.b = (k & 7) == V_TRUE;
        return p;
    case V_LONG:
        kv->type = TBE_KV_LONG;
        if ((p = varint_get(p, end, &v))) {
            kv->u.i = unzigzag(v);
        }
        return p;
    case V_DECIMAL:
        kv->type = TBE_KV_DOUBLE;
        if ((p = varint_get(p, end, &v))) {
            kv->u.d = decimal_value(unzigzag(v >> 2), v & 3);
        }
        return p;
    case V_DOUBLE:
        kv->type = TBE_KV_DOUBLE;
        if (end - p < 8) {
            return NULL;
        }
        memcpy(&kv->u.d, p, 8);
        return p + 8;
    case V_STRING:
    case V_JSON:
        kv->type = (k & 7) == V_JSON ? TBE_KV_JSON : TBE_KV_STRING;
        p = varint_get(p, end, &v);
        if (!p || v > (uint64_t)(end - p)) {
            return NULL;
        }
        kv->s = (struct tbe_str){ (const char *)p, (size_t)v };
        return p + v;
    }
    return NULL;
}

static bool
read_ts(struct pack_reader *r, const uint8_t *p, const uint8_t *end, struct pack_rec *rec)
{
    uint64_t n = 0;
    rec->ttl = 0;
    if (rec->flags & REC_TTL) {
        p = varint_get(p, end, &n);
        rec->ttl = (int64_t)n;
    }
    p = varint_get(p, end, &n);
    if (!p || n > (uint64_t)(end - p)) {
        return false;
    }
    if (n > r->cap_kv) {
        struct tbe_kv *kv = realloc(r->kv, (size_t)n * sizeof *kv);
        if (!kv) {
            return false;
        }
        r->kv = kv;
        r->cap_kv = (uint32_t)n;
    }
    for (uint32_t i = 0; i < n; i++) {
        p = read_value(r, p, end, &r->kv[i]);
        if (!p) {
            return false;
        }
    }
    rec->kvs = (struct tbe_kvs){ r->kv, (uint32_t)n };
    return true;
}

static bool
read_body(const uint8_t *p, const uint8_t *end, struct pack_rec *rec)
{
    uint64_t kind, action, n;
    p = varint_get(p, end, &kind);
    p = varint_get(p, end, &action);
    p = varint_get(p, end, &n);
    if (!p || (n && n - 1 > (uint64_t)(end - p))) {
        return false;
    }
    rec->event_kind = (int)kind;
    rec->action = (int)action;
    rec->body = n ? (struct tbe_str){ (const char *)p, (size_t)n - 1 } : TBE_STR_NONE;
    return true;
}

static bool
read_delete(struct pack_reader *r, const uint8_t *p, const uint8_t *end, struct pack_rec *rec)
{
    uint64_t k, from, to;
    p = varint_get(p, end, &k);
    p = varint_get(p, end, &from);
    p = varint_get(p, end, &to);
    if (!p || p >= end || k >= r->n_keys) {
        return false;
    }
    rec->key = r->keys[k];
    rec->from = unzigzag(from);
    rec->to = unzigzag(to);
    rec->rewrite_latest = *p != 0;
    return true;
}

static bool
read_rest(struct pack_reader *r, const uint8_t *p, const uint8_t *end, struct pack_rec *rec)
{
    switch (rec->kind) {
    case REC_TS:
        return read_ts(r, p, end, rec);
    case REC_BODY:
        return read_body(p, end, rec);
    case REC_DELETE:
        return read_delete(r, p, end, rec);
    case REC_DELETE_ENTITY:
        return true;
    }
    return false;
}

/* One record of the current block: 1 wanted, 0 skipped, -1 the block is bad. */
static int
next_record(struct pack_reader *r, struct pack_rec *rec)
{
    const uint8_t *p = r->p;
    if (r->end - p < 3) {
        return -1;
    }
    uint16_t n16;
    memcpy(&n16, p, 2);
    size_t n = n16;
    p += 2;
    if (n == 0xffff) {
        if (r->end - p < 4) {
            return -1;
        }
        n = get_u32(p);
        p += 4;
    }
    if (n == 0 || n > (size_t)(r->end - p)) {
        return -1;
    }
    const uint8_t *end = p + n;
    r->p = end;
    uint64_t ent, ts;
    rec->kind = *p & 7;
    rec->flags = *p >> 3;
    p = varint_get(p + 1, end, &ent);
    p = varint_get(p, end, &ts);
    if (!p || ent >= r->n_ents) {
        return -1;
    }
    r->prev_ts = (int64_t)((uint64_t)r->prev_ts + (uint64_t)unzigzag(ts));
    if ((r->only && (int64_t)ent != r->only_ent) || (r->pushed_only && !(rec->flags & REC_PUSH))) {
        return 0;
    }
    rec->ts = r->prev_ts;
    rec->ent = (uint32_t)ent;
    rec->e = pack_entity(r, (uint32_t)ent);
    if (r->buckets > 1 && r->bucket_of(&rec->e, r->buckets) != r->bucket) {
        return 0;
    }
    return read_rest(r, p, end, rec) ? 1 : -1;
}

bool
pack_next(struct pack_reader *r, struct pack_rec *rec)
{
    for (;;) {
        if (r->p >= r->end || (r->only && r->only_ent < 0)) {
            if (!next_block(r)) {
                r->p = r->end = NULL;
                return false;
            }
            continue;
        }
        int rc = next_record(r, rec);
        if (rc > 0) {
            return true;
        }
        if (rc < 0) {
            r->corrupt++;
            r->p = r->end;
        }
    }
}
