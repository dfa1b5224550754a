/* SPDX-License-Identifier: Apache-2.0 */
/* The run queue and the routing of messages between nodes (facts/rule-nodes.md 3). A message runs as
 * plain calls from node to node as far as generated code calls directly; everything else passes through
 * the queue, so the stack stays bounded. */
#include "config.h"
#include "nodes/engine_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"

static METRIC_COUNTER(m_messages, "tbe_rule_messages_total", "Messages taken by the rule engine");
static METRIC_COUNTER(m_failed, "tbe_rule_messages_failed_total", "Messages that ended in an unconnected Failure");
static METRIC_COUNTER(m_nodes, "tbe_rule_node_executions_total", "Executions of rule nodes");

static const struct tbe_str rel_names[] = {
    [TBE_REL_NONE] = TBE_STR_INIT(""),
    [TBE_REL_SUCCESS] = TBE_STR_INIT("Success"),
    [TBE_REL_FAILURE] = TBE_STR_INIT("Failure"),
    [TBE_REL_TRUE] = TBE_STR_INIT("True"),
    [TBE_REL_FALSE] = TBE_STR_INIT("False"),
    [TBE_REL_OTHER] = TBE_STR_INIT("Other"),
    [TBE_REL_CREATED] = TBE_STR_INIT("Created"),
    [TBE_REL_UPDATED] = TBE_STR_INIT("Updated"),
    [TBE_REL_CLEARED] = TBE_STR_INIT("Cleared"),
    [TBE_REL_NAMED] = TBE_STR_INIT(""),
};

const char *
tbe_rel_name(enum tbe_rel r)
{
    return (unsigned)r <= TBE_REL_NAMED ? rel_names[r].p : "";
}

/* Life ------------------------------------------------------------------------------------------- */

struct tbe_engine *
engine_new(const struct tbe_program *p, struct store *s, struct device_hub *hub)
{
    struct tbe_engine *e = calloc(1, sizeof(*e));
    if (!e) {
        abort();
    }
    e->program = p;
    e->store = s;
    e->hub = hub;
    e->cap = 256;
    e->queue = malloc(e->cap * sizeof(*e->queue));
    if (!e->queue) {
        abort();
    }
    e->run.engine = e;
    tbe_arena_init(&e->scratch, 0);
    metric_register(&m_messages);
    metric_register(&m_failed);
    metric_register(&m_nodes);
    if (s) {
        park_load(e);
    }
    return e;
}

void
engine_free(struct tbe_engine *e)
{
    if (!e) {
        return;
    }
    for (; e->len; e->len--, e->head = (e->head + 1) & (e->cap - 1)) {
        tbe_msg_unref(e->queue[e->head].m);
    }
    park_free(e);
    rpc_free_waiting(e);
    dedup_free(e);
    device_profiles_free(e);
    tbe_arena_free(&e->scratch);
    free(e->queue);
    free(e);
}

void
engine_watch_set(struct tbe_engine *e, const struct engine_watch *w)
{
    e->watched = w && w->event;
    if (e->watched) {
        e->watch = *w;
    }
    e->run.trace = e->watched;
}

void
engine_exec_limit_set(struct tbe_engine *e, uint32_t limit)
{
    e->exec_limit = limit;
}

void
engine_batch_set(struct tbe_engine *e, struct store_batch *b)
{
    e->batch = b;
}

struct store_batch *
engine_batch(struct tbe_engine *e)
{
    return e->batch;
}

struct store *
engine_store(struct tbe_engine *e)
{
    return e->store;
}

struct device_hub *
engine_hub(struct tbe_engine *e)
{
    return e->hub;
}

const struct tbe_program *
engine_program(struct tbe_engine *e)
{
    return e->program;
}

int32_t
engine_chain_index(const struct tbe_engine *e, const struct tbe_chain *c)
{
    for (uint32_t i = 0; i < e->program->n_chains; i++) {
        if (e->program->chains[i] == c) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t
engine_chain_find(const struct tbe_engine *e, struct tbe_str id)
{
    for (uint32_t i = 0; i < e->program->n_chains; i++) {
        if (tbe_str_ieq(tbe_strz(e->program->chains[i]->id), id)) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t
engine_entry(struct tbe_engine *e, const struct tbe_msg *m)
{
    return entry_chain(e, m);
}

/* Reports ---------------------------------------------------------------------------------------- */

static void
report(struct tbe_engine *e, const struct tbe_chain *c, uint32_t node, bool in, struct tbe_str relation,
       const struct tbe_msg *m, struct tbe_str error)
{
    /* The watcher wants a C string; relations of scripts are not terminated. */
    const char *rel = relation.p ? tbe_arena_dupz(tbe_msg_arena(m), relation) : NULL;
    e->watch.event(e->watch.arg, c, node, in, rel, m, error);
}

static void
finish(const struct tbe_chain *c, uint32_t node, struct tbe_msg *m, bool ok,
       struct tbe_str error)
{
    struct tbe_done *done = m->done;
    if (!ok) {
        metric_add(&m_failed, 1);
        const char *name = c && node < c->n_nodes ? c->nodes[node].name : "";
        log_warn("message %.*s failed in [%s|%s]: %.*s", (int)m->type.n, m->type.p, c ? c->name : "", name,
                 (int)error.n, error.p ? error.p : "");
    }
    if (done) {
        m->done = NULL;
        done->fn(done, ok, error);
    }
}

/* Queue ------------------------------------------------------------------------------------------ */

static bool
grow(struct tbe_engine *e)
{
    if (e->cap >= ENGINE_QUEUE_MAX) {
        return false;
    }
    struct item *q = malloc(2 * (size_t)e->cap * sizeof(*q));
    if (!q) {
        return false;
    }
    for (uint32_t i = 0; i < e->len; i++) {
        q[i] = e->queue[(e->head + i) & (e->cap - 1)];
    }
    free(e->queue);
    e->queue = q;
    e->head = 0;
    e->cap *= 2;
    return true;
}

/* Takes the reference held in it.m. */
static void
push(struct tbe_engine *e, struct item it)
{
    if (e->len == e->cap && !grow(e)) {
        finish(it.chain, it.node, it.m, false, TBE_STR("Rule engine queue is full!"));
        tbe_msg_unref(it.m);
        return;
    }
    e->queue[(e->head + e->len) & (e->cap - 1)] = it;
    e->len++;
}

/* Entry at the first node; a chain without one acknowledges. */
static void
enter_first(struct tbe_engine *e, const struct tbe_chain *c, struct tbe_msg **m)
{
    struct tbe_msg *taken = *m;
    *m = NULL;
    if (c->first < 0 || (uint32_t)c->first >= c->n_nodes) {
        finish(c, UINT32_MAX, taken, true, TBE_STR_NONE);
        tbe_msg_unref(taken);
        return;
    }
    push(e, (struct item){ .m = taken, .chain = c, .node = (uint32_t)c->first, .kind = ITEM_ENTER });
}

void
engine_enter_take(struct tbe_engine *e, uint32_t chain, struct tbe_msg **m)
{
    metric_add(&m_messages, 1);
    enter_first(e, e->program->chains[chain], m);
}

void
engine_enter_node_take(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_msg **m)
{
    push(e, (struct item){ .m = *m, .chain = e->program->chains[chain], .node = node, .kind = ITEM_ENTER });
    *m = NULL;
}

void
engine_submit_take(struct tbe_engine *e, struct tbe_msg **m)
{
    int32_t i = entry_chain(e, *m);
    if (i == ENTRY_ROOT) {
        i = e->program->root;
    }
    if (i >= 0) {
        engine_enter_take(e, (uint32_t)i, m);
        return;
    }
    /* An unknown chain acknowledges silently, a missing root chain fails (3.1). */
    metric_add(&m_messages, 1);
    finish(NULL, 0, *m, i == ENTRY_UNKNOWN, TBE_STR("No Root Rule Chain available!"));
    tbe_msg_unref(*m);
    *m = NULL;
}

void
engine_resume_take(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_str relation,
                   struct tbe_str error, struct tbe_msg **m)
{
    const struct tbe_chain *c = e->program->chains[chain];
    if (e->watched) {
        report(e, c, node, false, relation, *m, error);
    }
    push(e, (struct item){ *m, c, node, ITEM_EMIT, relation, error });
    *m = NULL;
}

/* Routing ---------------------------------------------------------------------------------------- */

static bool
matches(const struct tbe_edge *edge, const struct tbe_str *names, uint32_t n)
{
    struct tbe_str rel = tbe_strz(edge->relation);
    for (uint32_t i = 0; i < n; i++) {
        if (tbe_str_ieq(rel, names[i])) {
            return true;
        }
    }
    return false;
}

static bool
has_failure(const struct tbe_str *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (tbe_str_eq(names[i], rel_names[TBE_REL_FAILURE])) {
            return true;
        }
    }
    return false;
}

/* A copy with a new id for each matching edge; the original is finished (3.4). */
static void
fan_out(struct tbe_engine *e, const struct tbe_chain *c, const struct tbe_node *node, const struct tbe_str *names,
        uint32_t n, struct tbe_msg *m)
{
    for (uint32_t i = 0; i < node->n_edges; i++) {
        if (matches(&node->edges[i], names, n)) {
            push(e, (struct item){ .m = tbe_msg_fork(m), .chain = c, .node = node->edges[i].to,
                                   .kind = ITEM_ENTER });
        }
    }
    finish(c, (uint32_t)(node - c->nodes), m, true, TBE_STR_NONE);
}

static void
route_names(struct tbe_engine *e, const struct tbe_chain *c, uint32_t node, const struct tbe_str *names,
            uint32_t n, struct tbe_str error, struct tbe_msg *m)
{
    const struct tbe_node *from = &c->nodes[node];
    const struct tbe_edge *only = NULL;
    uint32_t found = 0;
    for (uint32_t i = 0; i < from->n_edges; i++) {
        if (matches(&from->edges[i], names, n)) {
            only = &from->edges[i];
            found++;
        }
    }
    if (found == 0) {
        finish(c, node, m, !has_failure(names, n), error);
    } else if (found == 1) {
        push(e, (struct item){ .m = tbe_msg_ref(m), .chain = c, .node = only->to, .kind = ITEM_ENTER,
                               .relation = tbe_strz(only->relation) });
    } else {
        fan_out(e, c, from, names, n, m);
    }
}

/* The text of the edge that rel takes, as reports show it. */
static struct tbe_str
edge_text(const struct tbe_chain *c, uint32_t node, struct tbe_str rel)
{
    const struct tbe_node *from = &c->nodes[node];
    for (uint32_t i = 0; i < from->n_edges; i++) {
        if (matches(&from->edges[i], &rel, 1)) {
            return tbe_strz(from->edges[i].relation);
        }
    }
    return rel;
}

bool
tbe_enter(struct tbe_run *r, const struct tbe_chain *c, uint32_t node, struct tbe_msg *m)
{
    struct tbe_engine *e = r->engine;
    struct tbe_str came = e->came;
    e->came = TBE_STR_NONE;
    e->cur = m;
    r->chain = c;
    r->node = node;
    r->error = TBE_STR_NONE;
    r->relations = NULL;
    r->n_relations = 0;
    if (c->nodes[node].init_error) {
        tbe_node_broken(r, c, node, m);
        return false;
    }
    if (e->exec_limit && m->execs >= e->exec_limit) {
        engine_fail(r, "Message is processed by more than %u rule nodes!", e->exec_limit);
        finish(c, node, m, false, r->error);
        return false;
    }
    m->execs++;
    metric_add(&m_nodes, 1);
    if (TBE_UNLIKELY(r->trace)) {
        report(e, c, node, true, came, m, TBE_STR_NONE);
    }
    return true;
}

/* Names of what rel stands for: one, or those the node left in r. */
static const struct tbe_str *
names_of(const struct tbe_run *r, enum tbe_rel rel, uint32_t *n)
{
    if (rel == TBE_REL_NAMED) {
        *n = r->n_relations;
        return r->relations;
    }
    *n = 1;
    return &rel_names[rel];
}

void
tbe_leave(struct tbe_run *r, const struct tbe_chain *c, uint32_t node, enum tbe_rel rel, struct tbe_msg *m)
{
    if (TBE_LIKELY(!r->trace) || rel <= TBE_REL_NONE || rel > TBE_REL_NAMED) {
        return;
    }
    struct tbe_engine *e = r->engine;
    uint32_t n;
    const struct tbe_str *names = names_of(r, rel, &n);
    for (uint32_t i = 0; i < n; i++) {
        report(e, c, node, false, names[i], m, rel == TBE_REL_FAILURE ? r->error : TBE_STR_NONE);
    }
    e->came = n ? edge_text(c, node, names[0]) : TBE_STR_NONE;
}

void
tbe_route(struct tbe_run *r, const struct tbe_chain *c, uint32_t node, enum tbe_rel rel, struct tbe_msg *m)
{
    if (rel <= TBE_REL_NONE || rel > TBE_REL_NAMED) {
        return;
    }
    uint32_t n;
    const struct tbe_str *names = names_of(r, rel, &n);
    struct tbe_str error = rel == TBE_REL_FAILURE ? r->error : TBE_STR_NONE;
    if (TBE_UNLIKELY(r->trace)) {
        for (uint32_t i = 0; i < n; i++) {
            report(r->engine, c, node, false, names[i], m, error);
        }
    }
    route_names(r->engine, c, node, names, n, error, m);
}

void
tbe_node_broken(struct tbe_run *r, const struct tbe_chain *c, uint32_t node, struct tbe_msg *m)
{
    (void)r; /* no event, no routing: as a stopped node (3.7) */
    finish(c, node, m, false, TBE_STR("Failed to initialize rule node!"));
}

static void
run_item(struct tbe_engine *e, struct item *it)
{
    struct tbe_run *r = &e->run;
    r->trace = e->watched;
    e->cur = it->m;
    if (it->kind == ITEM_EMIT) {
        route_names(e, it->chain, it->node, &it->relation, 1, it->error, it->m);
    } else {
        e->came = it->relation;
        it->chain->nodes[it->node].run(r, it->m);
    }
    e->came = TBE_STR_NONE;
    e->cur = NULL;
    tbe_msg_unref(it->m);
}

bool
engine_run(struct tbe_engine *e)
{
    for (uint32_t turn = 0; e->len && turn < ENGINE_TURN; turn++) {
        struct item it = e->queue[e->head];
        e->head = (e->head + 1) & (e->cap - 1);
        e->len--;
        run_item(e, &it);
    }
    return e->len > 0;
}

/* Services for nodes ----------------------------------------------------------------------------- */

const struct tbe_node *
engine_node(const struct tbe_run *r)
{
    return &r->chain->nodes[r->node];
}

uint32_t
engine_run_chain(const struct tbe_run *r)
{
    int32_t i = engine_chain_index(r->engine, r->chain);
    return i < 0 ? UINT32_MAX : (uint32_t)i;
}

struct tbe_arena *
engine_scratch(struct tbe_run *r)
{
    tbe_arena_reset(&r->engine->scratch);
    return &r->engine->scratch;
}

void
engine_fail(struct tbe_run *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    r->error = tbe_arena_vfmt(tbe_msg_arena(r->engine->cur), fmt, ap);
    va_end(ap);
}

void
engine_ack(struct tbe_run *r, struct tbe_msg *m)
{
    if (r->trace) {
        report(r->engine, r->chain, r->node, false, TBE_STR("ACK"), m, TBE_STR_NONE);
    }
    finish(r->chain, r->node, m, true, TBE_STR_NONE);
}

void
engine_enqueue_take(struct tbe_run *r, struct tbe_msg **m)
{
    if (r->trace) {
        report(r->engine, r->chain, r->node, false, TBE_STR("To Root Rule Chain"), *m, TBE_STR_NONE);
    }
    engine_submit_take(r->engine, m);
}

void
engine_tell_next(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str relation)
{
    struct tbe_msg *copy = tbe_msg_fork(m);
    if (r->trace) {
        report(r->engine, r->chain, r->node, false, relation, copy, TBE_STR_NONE);
    }
    push(r->engine, (struct item){ .m = copy, .chain = r->chain, .node = r->node, .kind = ITEM_EMIT,
                                   .relation = relation });
}

bool
engine_calling(const struct tbe_run *r, const struct tbe_msg *m)
{
    uint32_t chain = engine_run_chain(r);
    for (const struct tbe_callstack *s = m->stack; s; s = s->up) {
        if (s->chain == chain && s->node == r->node) {
            return true;
        }
    }
    return false;
}

void
engine_call(struct tbe_run *r, const struct tbe_msg *m, uint32_t chain)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_callstack *s = tbe_arena_alloc(a, sizeof(*s));
    *s = (struct tbe_callstack){ engine_run_chain(r), r->node, m->stack };
    struct tbe_msg *called = tbe_msg_derive(m);
    called->stack = s;
    called->done = NULL; /* the caller acknowledges the original */
    tbe_msg_ref(called);
    enter_first(r->engine, r->engine->program->chains[chain], &called);
}

bool
engine_return(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str relation)
{
    struct tbe_engine *e = r->engine;
    const struct tbe_callstack *s = m->stack;
    if (!s || s->chain >= e->program->n_chains || s->node >= e->program->chains[s->chain]->n_nodes) {
        return false;
    }
    const struct tbe_chain *c = e->program->chains[s->chain];
    struct tbe_msg *back = tbe_msg_derive(m);
    back->stack = s->up;
    if (r->trace) {
        report(e, r->chain, r->node, false, relation, m, TBE_STR_NONE);
        report(e, c, s->node, false, relation, back, TBE_STR_NONE);
    }
    route_names(e, c, s->node, &relation, 1, TBE_STR("Unknown"), back);
    return true;
}
