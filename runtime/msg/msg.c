/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a rule-engine message: counted arena, derivation, parsed views of the data. */
#include "config.h"
#include "tbe/msg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* A message and everything made of it: derived messages and forks point into the same arena and
 * share the count. */
struct tbe_msg_mem {
    struct tbe_arena arena;
    int32_t refs;
    struct tbe_msg_mem *next; /* in the pool */
};

/* Memory of finished messages, kept for the next ones, so that a message costs no malloc in the
 * steady state. Messages live on the loop thread; tests with several threads get a pool each. */
#define POOL_MAX 64
#define POOL_BYTES (64u << 10) /* a bigger arena is given back */
static _Thread_local struct tbe_msg_mem *pool;
static _Thread_local uint32_t pool_n;

static struct tbe_msg_mem *
mem_new(void)
{
    struct tbe_msg_mem *mem = pool;
    if (mem) {
        pool = mem->next;
        pool_n--;
    } else {
        mem = malloc(sizeof(*mem));
        if (!mem) {
            abort(); /* as everywhere: a process without memory restarts, nothing was confirmed */
        }
        tbe_arena_init(&mem->arena, 0);
    }
    mem->refs = 1;
    mem->next = NULL;
    return mem;
}

static void
mem_free(struct tbe_msg_mem *mem)
{
    if (pool_n < POOL_MAX && mem->arena.used <= POOL_BYTES) {
        tbe_arena_reset(&mem->arena);
        mem->next = pool;
        pool = mem;
        pool_n++;
        return;
    }
    tbe_arena_free(&mem->arena);
    free(mem);
}

static void *
take(struct tbe_arena *a, size_t n)
{
    void *p = tbe_arena_alloc(a, n);
    if (!p) {
        abort();
    }
    return p;
}

/* The customer of a message whose originator is a customer is that customer (rule-nodes 1). */
static void
settle_customer(struct tbe_msg *m)
{
    if (m->originator.type == TBE_ENT_CUSTOMER && tbe_uuid_is_null(&m->customer)) {
        m->customer = m->originator.id;
    }
}

struct tbe_msg *
tbe_msg_new(struct tbe_str type, struct tbe_entity originator)
{
    struct tbe_msg_mem *mem = mem_new();
    struct tbe_msg *m = take(&mem->arena, sizeof(*m));
    memset(m, 0, sizeof(*m));
    m->mem = mem;
    tbe_uuid_random(&m->id);
    m->ts = clock_ms();
    m->originator = originator;
    m->customer = tbe_uuid_null;
    m->data = TBE_STR("{}");
    tbe_msg_set_type(m, tbe_arena_dup(&mem->arena, type));
    settle_customer(m);
    return m;
}

struct tbe_arena *
tbe_msg_arena(const struct tbe_msg *m)
{
    return &m->mem->arena;
}

struct tbe_msg *
tbe_msg_ref(const struct tbe_msg *m)
{
    m->mem->refs++;
    return (struct tbe_msg *)(uintptr_t)m;
}

void
tbe_msg_unref(struct tbe_msg *m)
{
    if (m && --m->mem->refs == 0) {
        mem_free(m->mem);
    }
}

struct tbe_msg *
tbe_msg_derive(const struct tbe_msg *m)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_msg *d = take(a, sizeof(*d));
    *d = *m;
    tbe_md_copy(a, &d->md, &m->md);
    return d;
}

struct tbe_msg *
tbe_msg_fork(const struct tbe_msg *m)
{
    struct tbe_msg *f = tbe_msg_derive(m);
    tbe_uuid_random(&f->id);
    f->done = NULL;
    f->mem->refs++;
    return f;
}

void
tbe_msg_set_type(struct tbe_msg *m, struct tbe_str type)
{
    m->type = type;
    m->type_id = tbe_msg_type_parse(type);
}

void
tbe_msg_set_originator(struct tbe_msg *m, struct tbe_entity originator)
{
    m->originator = originator;
    settle_customer(m);
}

void
tbe_msg_set_data(struct tbe_msg *m, struct tbe_str data)
{
    m->data = data;
    m->kvs = NULL;
    memset(m->parsed, 0, sizeof(m->parsed));
}

/* Java's Long.parseLong: an optional sign, then digits only. */
bool
tbe_parse_long(struct tbe_str s, int64_t *out)
{
    size_t i = 0;
    bool neg = false;
    uint64_t v = 0;
    if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
        neg = s.p[0] == '-';
        i = 1;
    }
    if (i == s.n) {
        return false;
    }
    const uint64_t max = neg ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (; i < s.n; i++) {
        unsigned d = (unsigned char)s.p[i] - (unsigned)'0';
        if (d > 9 || v > (max - d) / 10) {
            return false;
        }
        v = v * 10 + d;
    }
    *out = neg ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

int64_t
tbe_msg_md_ts(const struct tbe_msg *m)
{
    struct tbe_str s = tbe_md_get(&m->md, TBE_STR("ts"));
    int64_t ts;
    return s.n && tbe_parse_long(s, &ts) ? ts : m->ts;
}

static const unsigned parse_flags[TBE_MSG_VIEWS] = {
    [TBE_MSG_AS_TBEL] = TBE_JSON_JAVA | TBE_JSON_DROP_NULLS | TBE_JSON_BORROW,
    [TBE_MSG_AS_JS] = TBE_JSON_JS | TBE_JSON_BORROW,
    [TBE_MSG_AS_JAVA] = TBE_JSON_JAVA | TBE_JSON_BORROW,
};

/* One typed entry as the value that parsing its text would give. */
static bool
kv_value(struct tbe_arena *a, const struct tbe_kv *kv, int view, tbe_val *out)
{
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        *out = tbe_bool(kv->u.b);
        return true;
    case TBE_KV_LONG:
        if (view == TBE_MSG_AS_JS) {
            *out = tbe_double((double)kv->u.i);
        } else {
            *out = kv->u.i >= INT32_MIN && kv->u.i <= INT32_MAX ? tbe_int((int32_t)kv->u.i)
                                                               : tbe_long(kv->u.i);
        }
        return true;
    case TBE_KV_DOUBLE:
        *out = tbe_double(kv->u.d);
        return true;
    case TBE_KV_STRING:
        *out = tbe_strv(kv->s);
        return true;
    case TBE_KV_JSON:
        return tbe_json_parse(a, kv->s, parse_flags[view], out, NULL) == 0;
    }
    return false;
}

static bool
from_kvs(struct tbe_arena *a, const struct tbe_kvs *kvs, int view, tbe_val *out)
{
    *out = tbe_map_new(a, kvs->n ? kvs->n : 1);
    if (out->t != TBE_MAP) {
        return false;
    }
    for (uint32_t i = 0; i < kvs->n; i++) {
        tbe_val v;
        if (!kv_value(a, &kvs->v[i], view, &v)) {
            return false;
        }
        tbe_map_put(a, out->u.m, kvs->v[i].key, v);
    }
    return true;
}

int
tbe_msg_value(const struct tbe_msg *cm, int view, tbe_val *out)
{
    /* The cache is no part of the message's meaning. */
    struct tbe_msg *m = (struct tbe_msg *)(uintptr_t)cm;
    assert((unsigned)view < TBE_MSG_VIEWS);
    if (m->parsed[view].t == TBE_UNDEF) {
        struct tbe_arena *a = tbe_msg_arena(m);
        tbe_val v;
        if (!(m->kvs && from_kvs(a, m->kvs, view, &v)) &&
            tbe_json_parse(a, m->data, parse_flags[view], &v, NULL) < 0) {
            return -1;
        }
        m->parsed[view] = v;
    }
    *out = m->parsed[view];
    return 0;
}

tbe_val
tbe_msg_md_value(const struct tbe_msg *m, struct tbe_arena *a)
{
    tbe_val map = tbe_map_new(a, m->md.n + 2);
    for (uint32_t i = 0; i < m->md.n; i++) {
        tbe_map_put(a, map.u.m, m->md.e[i].key, tbe_strv(m->md.e[i].val));
    }
    return map;
}
