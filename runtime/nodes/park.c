/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that wait: a row in the store, so that they survive a restart and a recompiled chain, and an
 * index in memory by key and by due time. The row names chain and node by text, the call stack too. */
#include "config.h"
#include "nodes/engine_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "nodes/resume.h"

struct parked {
    struct tbe_msg *m; /* one reference */
    uint32_t chain, node;
    int64_t due; /* INT64_MAX: never */
    uint32_t heap_at;
    struct parked *next; /* in its bucket */
    uint32_t key_n;
    char key[];
};

/* Index ------------------------------------------------------------------------------------------ */

static uint32_t
hash_key(struct tbe_str k)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < k.n; i++) {
        h = (h ^ (uint8_t)k.p[i]) * 16777619u;
    }
    return h;
}

static void
heap_set(struct tbe_engine *e, uint32_t i, struct parked *p)
{
    e->heap[i] = p;
    p->heap_at = i;
}

static void
heap_up(struct tbe_engine *e, uint32_t i)
{
    struct parked *p = e->heap[i];
    while (i > 0 && e->heap[(i - 1) / 2]->due > p->due) {
        heap_set(e, i, e->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_set(e, i, p);
}

static void
heap_down(struct tbe_engine *e, uint32_t i)
{
    struct parked *p = e->heap[i];
    for (;;) {
        uint32_t c = 2 * i + 1;
        if (c >= e->n_parked) {
            break;
        }
        if (c + 1 < e->n_parked && e->heap[c + 1]->due < e->heap[c]->due) {
            c++;
        }
        if (e->heap[c]->due >= p->due) {
            break;
        }
        heap_set(e, i, e->heap[c]);
        i = c;
    }
    heap_set(e, i, p);
}

static void *
must(void *p)
{
    if (!p) {
        abort();
    }
    return p;
}

static void
rehash(struct tbe_engine *e)
{
    uint32_t n = e->n_buckets ? e->n_buckets * 4 : 256;
    struct parked **b = must(calloc(n, sizeof(*b)));
    for (uint32_t i = 0; i < e->n_parked; i++) {
        struct parked *p = e->heap[i];
        struct parked **at = &b[hash_key((struct tbe_str){ p->key, p->key_n }) & (n - 1)];
        p->next = *at;
        *at = p;
    }
    free(e->buckets);
    e->buckets = b;
    e->n_buckets = n;
}

static void
index_add(struct tbe_engine *e, struct parked *p)
{
    if (e->n_parked >= e->n_buckets * 2) {
        rehash(e);
    }
    if (e->n_parked == e->cap_parked) {
        e->cap_parked = e->cap_parked ? e->cap_parked * 2 : 64;
        e->heap = must(realloc(e->heap, e->cap_parked * sizeof(*e->heap)));
    }
    struct parked **at = &e->buckets[hash_key((struct tbe_str){ p->key, p->key_n }) & (e->n_buckets - 1)];
    p->next = *at;
    *at = p;
    e->heap[e->n_parked] = p;
    heap_up(e, e->n_parked++);
}

static void
index_remove(struct tbe_engine *e, struct parked *p)
{
    struct parked **at = &e->buckets[hash_key((struct tbe_str){ p->key, p->key_n }) & (e->n_buckets - 1)];
    while (*at != p) {
        at = &(*at)->next;
    }
    *at = p->next;
    uint32_t hole = p->heap_at;
    struct parked *last = e->heap[--e->n_parked];
    if (last != p) {
        heap_set(e, hole, last);
        heap_up(e, hole);
        heap_down(e, last->heap_at);
    }
}

static struct parked *
index_find(const struct tbe_engine *e, struct tbe_str key)
{
    if (!e->n_buckets) {
        return NULL;
    }
    struct parked *p = e->buckets[hash_key(key) & (e->n_buckets - 1)];
    while (p && !(p->key_n == key.n && memcmp(p->key, key.p, key.n) == 0)) {
        p = p->next;
    }
    return p;
}

static struct parked *
parked_new(struct tbe_str key, uint32_t chain, uint32_t node, int64_t due, struct tbe_msg *m)
{
    struct parked *p = must(malloc(sizeof(*p) + key.n));
    *p = (struct parked){ .m = m, .chain = chain, .node = node, .due = due > 0 ? due : INT64_MAX,
                          .key_n = (uint32_t)key.n };
    memcpy(p->key, key.p, key.n);
    return p;
}

/* Rows ------------------------------------------------------------------------------------------- */

/* A node is found again by class and name. */
static struct tbe_str
node_text(struct tbe_arena *a, const struct tbe_node *n)
{
    return tbe_arena_fmt(a, "%s/%s", n->type, n->name);
}

static int64_t
node_find(const struct tbe_chain *c, struct tbe_str text)
{
    struct tbe_arena a;
    int64_t found = -1;
    tbe_arena_init(&a, 0);
    for (uint32_t i = 0; i < c->n_nodes && found < 0; i++) {
        if (tbe_str_eq(node_text(&a, &c->nodes[i]), text)) {
            found = i;
        }
        tbe_arena_reset(&a);
    }
    tbe_arena_free(&a);
    return found;
}

/* The row's message: the call stack as lines "chain id\tnode text\n" outermost last, an empty line, then
 * the packed message. Indexes inside the packed stack are of the program that wrote it. */
static void
row_pack(struct tbe_engine *e, const struct tbe_msg *m, struct tbe_buf *b)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    for (const struct tbe_callstack *s = m->stack; s; s = s->up) {
        const struct tbe_chain *c = e->program->chains[s->chain];
        tbe_buf_putz(b, c->id);
        tbe_buf_putc(b, '\t');
        struct tbe_str t = node_text(a, &c->nodes[s->node]);
        for (size_t i = 0; i < t.n; i++) {
            tbe_buf_putc(b, t.p[i] == '\n' ? ' ' : t.p[i]);
        }
        tbe_buf_putc(b, '\n');
    }
    tbe_buf_putc(b, '\n');
    tbe_msg_pack(m, b);
}

static struct tbe_str
take_line(struct tbe_str *s)
{
    const char *nl = s->n ? memchr(s->p, '\n', s->n) : NULL;
    if (!nl) {
        return TBE_STR_NONE;
    }
    struct tbe_str line = { s->p, (size_t)(nl - s->p) };
    s->n -= line.n + 1;
    s->p = nl + 1;
    return line;
}

static struct tbe_msg *
row_unpack(struct tbe_engine *e, struct tbe_str row)
{
    struct tbe_callstack frames[64];
    uint32_t n = 0;
    for (;;) {
        struct tbe_str line = take_line(&row);
        if (!line.p) {
            return NULL;
        }
        if (line.n == 0) {
            break;
        }
        const char *tab = memchr(line.p, '\t', line.n);
        if (!tab || n == 64) {
            return NULL;
        }
        struct tbe_str id = { line.p, (size_t)(tab - line.p) };
        struct tbe_str text = { tab + 1, line.n - id.n - 1 };
        int32_t chain = engine_chain_find(e, id);
        int64_t node = chain < 0 ? -1 : node_find(e->program->chains[chain], text);
        if (node >= 0) { /* a caller that is gone is left out: the message returns further up */
            frames[n++] = (struct tbe_callstack){ (uint32_t)chain, (uint32_t)node, NULL };
        }
    }
    struct tbe_msg *m = tbe_msg_unpack(row);
    if (m) {
        m->stack = NULL;
        while (n > 0) {
            struct tbe_callstack *s = tbe_arena_alloc(tbe_msg_arena(m), sizeof(*s));
            *s = frames[--n];
            s->up = m->stack;
            m->stack = s;
        }
    }
    return m;
}

static bool
load_row(void *arg, const struct store_parked *row)
{
    struct tbe_engine *e = arg;
    int32_t chain = engine_chain_find(e, row->chain);
    int64_t node = chain < 0 ? -1 : node_find(e->program->chains[chain], row->node);
    struct tbe_msg *m = node < 0 ? NULL : row_unpack(e, row->msg);
    if (!m) {
        /* The row stays: a later generation may have the node again. */
        log_warn("parked message %.*s: its node %.*s is not in these chains", (int)row->key.n, row->key.p,
                 (int)row->node.n, row->node.p ? row->node.p : "");
        return true;
    }
    index_add(e, parked_new(row->key, (uint32_t)chain, (uint32_t)node, row->due, m));
    return true;
}

void
park_load(struct tbe_engine *e)
{
    store_parked_each(e->store, load_row, e);
}

void
park_free(struct tbe_engine *e)
{
    for (uint32_t i = 0; i < e->n_parked; i++) {
        tbe_msg_unref(e->heap[i]->m);
        free(e->heap[i]);
    }
    free(e->heap);
    free(e->buckets);
}

/* For nodes and the owner ------------------------------------------------------------------------ */

void
engine_park(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str key, int64_t due_ms)
{
    struct tbe_engine *e = r->engine;
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_buf b = { 0 };
    row_pack(e, m, &b);
    struct store_parked row = {
        .key = key,
        .chain = tbe_strz(r->chain->id),
        .node = node_text(a, engine_node(r)),
        .due = due_ms,
        .msg = tbe_buf_str(&b),
    };
    store_park(e->batch, &row);
    tbe_buf_free(&b);
    struct tbe_msg *kept = tbe_msg_derive(m);
    kept->done = NULL;
    index_add(e, parked_new(key, engine_run_chain(r), r->node, due_ms, tbe_msg_ref(kept)));
}

uint32_t
engine_parked_here(const struct tbe_run *r)
{
    const struct tbe_engine *e = r->engine;
    uint32_t chain = engine_run_chain(r), n = 0;
    for (uint32_t i = 0; i < e->n_parked; i++) {
        n += e->heap[i]->chain == chain && e->heap[i]->node == r->node;
    }
    return n;
}

static struct tbe_msg *
take_out(struct tbe_engine *e, struct parked *p, uint32_t *chain, uint32_t *node)
{
    struct tbe_msg *m = p->m;
    *chain = p->chain;
    *node = p->node;
    index_remove(e, p);
    store_unpark(e->batch, (struct tbe_str){ p->key, p->key_n });
    free(p);
    return m;
}

struct tbe_msg *
engine_unpark(struct tbe_engine *e, struct tbe_str key, uint32_t *chain, uint32_t *node)
{
    struct parked *p = index_find(e, key);
    return p ? take_out(e, p, chain, node) : NULL;
}

/* The nodes that park, and what they do with a message whose time has come. */
static const struct {
    const char *type; /* end of the Java class */
    park_resume_fn *fn;
} resumes[] = {
    { "delay.TbMsgDelayNode", delay_resume },
    { "rpc.TbSendRPCRequestNode", rpc_request_timeout },
};

static bool
type_is(const char *type, const char *end)
{
    size_t n = strlen(type), k = strlen(end);
    return n >= k && strcmp(type + n - k, end) == 0;
}

static void
resume(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_msg *m)
{
    const struct tbe_node *n = &e->program->chains[chain]->nodes[node];
    for (size_t i = 0; i < sizeof(resumes) / sizeof(resumes[0]); i++) {
        if (type_is(n->type, resumes[i].type)) {
            resumes[i].fn(e, chain, node, &m);
            return;
        }
    }
    log_error("parked message: node %s (%s) cannot resume it", n->name, n->type);
    tbe_msg_unref(m);
}

int64_t
engine_tick(struct tbe_engine *e, int64_t now_ms)
{
    while (e->n_parked && e->heap[0]->due <= now_ms) {
        uint32_t chain, node;
        struct tbe_msg *m = take_out(e, e->heap[0], &chain, &node);
        resume(e, chain, node, m);
    }
    int64_t due = e->n_parked && e->heap[0]->due != INT64_MAX ? e->heap[0]->due : 0;
    int64_t rules = device_profiles_tick(e, now_ms);
    return due == 0 || (rules != 0 && rules < due) ? rules : due;
}
