/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker reports of a step, in the shape in which expectations are written: nodes and entities by
 * name, data as JSON. Comparing is then comparing two trees, and --update writes this one. */
#include "config.h"
#include <string.h>
#include "drive/test_int.h"

struct view {
    struct test_run *r;
    struct test_case *c;
    struct test_set *s;
    struct test_step *step;
    struct doc *path, *nodes, *out;
    struct doc *entered; /* by label: the last message that came in */
};

static struct doc *
text(struct tbe_arena *a, struct tbe_str s)
{
    struct doc *d = doc_new(a, DOC_STR, 0, 0);
    d->s = s;
    return d;
}

static struct doc *
map(struct tbe_arena *a)
{
    return doc_new(a, DOC_MAP, 0, 0);
}

static struct doc *
list(struct tbe_arena *a)
{
    return doc_new(a, DOC_LIST, 0, 0);
}

static void
put(struct doc *m, const char *key, struct doc *v)
{
    doc_put(m, tbe_strz(key), v);
}

/* Several nodes may have one name, in one chain or in several. */
static struct tbe_str
label_of(struct test_run *r, const struct test_set *s, uint32_t chain, uint32_t node)
{
    const struct chain *c = &s->cs.v[chain];
    struct tbe_str name = c->nodes[node].name;
    bool elsewhere = false, here = false;
    for (uint32_t i = 0; i < s->cs.n; i++) {
        for (uint32_t k = 0; k < s->cs.v[i].n_nodes; k++) {
            if ((i != chain || k != node) && tbe_str_eq(s->cs.v[i].nodes[k].name, name)) {
                here |= i == chain;
                elsewhere |= i != chain;
            }
        }
    }
    if (here) {
        name = tbe_arena_fmt(r->a, "%.*s#%u", (int)name.n, name.p, node);
    }
    return elsewhere ? tbe_arena_fmt(r->a, "%.*s/%.*s", (int)c->name.n, c->name.p, (int)name.n, name.p) : name;
}

void
test_labels(struct test_run *r, struct test_set *s)
{
    s->labels = tbe_arena_zalloc(r->a, (s->cs.n + 1) * sizeof(struct tbe_str *));
    for (uint32_t i = 0; i < s->cs.n; i++) {
        uint32_t n = s->cs.v[i].n_nodes;
        s->labels[i] = tbe_arena_zalloc(r->a, (n + 1) * sizeof(struct tbe_str));
        for (uint32_t k = 0; k < n; k++) {
            s->labels[i][k] = label_of(r, s, i, k);
        }
    }
}

/* Name of what has this id; the id when nothing has. */
static struct tbe_str
name_of(const struct test_case *c, struct tbe_str id)
{
    for (uint32_t i = 0; i < c->n_names; i++) {
        if (tbe_str_eq(c->names[i].id, id)) {
            return c->names[i].name;
        }
    }
    return id;
}

static struct doc *
named(struct view *v, const struct doc *ref)
{
    struct tbe_str id = ref && ref->t == DOC_STR ? ref->s : doc_text(ref, "id");
    struct tbe_str type = doc_text(ref, "entityType");
    struct tbe_str name = name_of(v->c, id.p ? id : TBE_STR(""));
    /* what the test does not name: an alarm of its own */
    return text(v->r->a, name.p == id.p && type.p ? type : name);
}

/* Data of a message: JSON objects and lists as such, with the text beside. */
static struct doc *
data_of(struct view *v, struct tbe_str s)
{
    struct diags quiet;
    diags_init(&quiet, v->r->a);
    bool json = s.n && (s.p[0] == '{' || s.p[0] == '[');
    struct doc *d = json ? json_read(v->r->a, &quiet, "data", s) : NULL;
    if (!d || quiet.n) {
        return text(v->r->a, s);
    }
    d->s = s;
    return d;
}

static struct doc *
message_of(struct view *v, const struct doc *e)
{
    struct doc *m = map(v->r->a), *md = doc_get(e, "metadata");
    struct tbe_str relation = doc_text(e, "relation"), error = doc_text(e, "error");
    put(m, "relation", text(v->r->a, relation.p ? relation : TBE_STR("")));
    put(m, "type", text(v->r->a, doc_text(e, "msgType")));
    put(m, "data", data_of(v, doc_text(e, "data")));
    put(m, "metadata", md ? doc_copy(v->r->a, md) : map(v->r->a));
    put(m, "originator", named(v, doc_get(e, "originator")));
    if (error.p) {
        put(m, "error", text(v->r->a, error));
    }
    return m;
}

/* Chain and node of an event; false when it is none of ours. */
static bool
place(const struct view *v, const struct doc *e, uint32_t *chain, uint32_t *node)
{
    struct tbe_str name = doc_text(e, "chain");
    const struct doc *n = doc_get(e, "node");
    for (uint32_t i = 0; i < v->s->cs.n && n && n->t == DOC_INT; i++) {
        if (tbe_str_eq(v->s->cs.v[i].name, name) && n->i >= 0 && n->i < v->s->cs.v[i].n_nodes) {
            *chain = i;
            *node = (uint32_t)n->i;
            return true;
        }
    }
    return false;
}

/* So that --update writes only what a node changed. */
static void
remember(struct view *v, const struct doc *out, const struct doc *in)
{
    struct test_step *s = v->step;
    if (!in) {
        return;
    }
    if ((s->n_changes & (s->n_changes - 1)) == 0) { /* full at powers of two */
        struct test_change *more = tbe_arena_alloc(v->r->a, (s->n_changes ? s->n_changes * 2 : 1) * sizeof *more);
        if (s->n_changes) {
            memcpy(more, s->changes, s->n_changes * sizeof *more);
        }
        s->changes = more;
    }
    s->changes[s->n_changes++] = (struct test_change){ out, in };
}

static void
add_event(struct view *v, const struct doc *e)
{
    uint32_t chain, node;
    bool in = tbe_str_eqz(doc_text(e, "dir"), "IN");
    if (!place(v, e, &chain, &node)) {
        return;
    }
    test_cover_event(v->s, chain, node, in, doc_text(e, "relation"));
    bool single = v->c->node && chain == (uint32_t)v->c->chain;
    if (single && node != (uint32_t)v->c->index) {
        return; /* the end that takes what goes to the root chain */
    }
    struct doc *to = v->out;
    struct tbe_str label = v->s->labels[chain][node];
    if (!single) {
        to = doc_get_str(v->nodes, label);
        if (!to) {
            to = list(v->r->a);
            doc_put(v->nodes, label, to);
        }
        if (in) {
            doc_append(v->path, text(v->r->a, label));
        }
    }
    struct doc *m = message_of(v, e);
    if (in) {
        doc_put(v->entered, label, m);
        return;
    }
    doc_append(to, m);
    remember(v, m, doc_get_str(v->entered, label));
}

/* The members of a report's list, ids of entities as names. */
static void
add_effects(struct view *v, struct doc *to, const struct doc *from)
{
    static const char *const refs[] = { "entity", "device", "originator" };
    for (const struct doc *d = from ? from->first : NULL; d; d = d->next) {
        struct doc *m = doc_copy(v->r->a, d);
        for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
            const struct doc *ref = doc_get(m, refs[i]);
            if (ref) {
                put(m, refs[i], named(v, ref));
            }
        }
        if (doc_get(m, "device") && doc_get(m, "id")) {
            doc_remove(m, doc_get(m, "id")); /* request number of an RPC */
        }
        doc_append(to, m);
    }
}

/* {uuid: ..} to {name: ..}; entities without anything are left out. */
static struct doc *
by_name(struct view *v, const struct doc *from)
{
    struct doc *to = map(v->r->a);
    for (const struct doc *d = from ? from->first : NULL; d; d = d->next) {
        struct doc *copy = doc_copy(v->r->a, d);
        for (struct doc *m = copy->first, *next; m; m = next) {
            next = m->next;
            if (m->t == DOC_MAP && m->n == 0) {
                doc_remove(copy, m);
            }
        }
        if (copy->n) {
            doc_put(to, name_of(v->c, d->key), copy);
        }
    }
    return to;
}

/* {key: {ts, value}} to {key: value}. */
static void
values_only(struct view *v, struct doc *entities)
{
    for (struct doc *e = entities->first; e; e = e->next) {
        struct doc *plain = map(v->r->a);
        for (struct doc *m = e->first; m; m = m->next) {
            const struct doc *value = doc_get(m, "value");
            if (value) {
                doc_put(plain, m->key, doc_copy(v->r->a, value));
            }
        }
        e->first = plain->first;
        e->last = plain->last;
        e->n = plain->n;
        for (struct doc *m = e->first; m; m = m->next) {
            m->up = e;
        }
    }
}

/* {uuid: [alarms]} to {name: [alarms]} */
static struct doc *
shown_of(struct view *v, const struct doc *from)
{
    struct doc *to = map(v->r->a);
    for (const struct doc *d = from ? from->first : NULL; d; d = d->next) {
        struct doc *alarms = list(v->r->a);
        add_effects(v, alarms, d);
        doc_put(to, name_of(v->c, d->key), alarms);
    }
    return to;
}

static struct doc *
state_of(struct view *v, const struct doc *in)
{
    struct doc *s = map(v->r->a), *latest = by_name(v, doc_get(in, "latest"));
    struct doc *alarms = list(v->r->a), *relations = list(v->r->a);
    const struct doc *rel = doc_get(in, "relations");
    values_only(v, latest);
    add_effects(v, alarms, doc_get(in, "alarms"));
    for (const struct doc *d = rel ? rel->first : NULL; d; d = d->next) {
        struct doc *m = map(v->r->a);
        put(m, "from", named(v, doc_get(d, "from")));
        put(m, "type", text(v->r->a, doc_text(d, "type")));
        put(m, "to", named(v, doc_get(d, "to")));
        doc_append(relations, m);
    }
    put(s, "latest", latest);
    put(s, "history", by_name(v, doc_get(in, "history")));
    put(s, "attributes", by_name(v, doc_get(in, "attributes")));
    put(s, "alarms", alarms);
    put(s, "shown", shown_of(v, doc_get(in, "shown")));
    put(s, "relations", relations);
    return s;
}

static const char *const effects[] = { "saves", "attributes", "alarms", "cloud", "rpc", "pushes", "replies" };
#define N_EFFECTS (sizeof effects / sizeof effects[0])

static void
observe_step(struct view *v, struct test_step *s, const struct doc *reports)
{
    struct tbe_arena *a = v->r->a;
    struct doc *o = map(a), *lists[N_EFFECTS], *state = NULL;
    uint32_t i = 0;
    v->step = s;
    v->entered = map(a);
    v->path = list(a);
    v->nodes = map(a);
    v->out = list(a);
    for (size_t k = 0; k < N_EFFECTS; k++) {
        lists[k] = list(a);
    }
    for (const struct doc *d = reports->first; d; d = d->next, i++) {
        if (i < s->first || i >= s->first + s->n) {
            continue;
        }
        const struct doc *events = doc_get(d, "events"), *st = doc_get(d, "state");
        for (const struct doc *e = events ? events->first : NULL; e; e = e->next) {
            add_event(v, e);
        }
        for (size_t k = 0; k < N_EFFECTS; k++) {
            add_effects(v, lists[k], doc_get(d, effects[k]));
        }
        state = st ? state_of(v, st) : state;
    }
    if (v->c->node) {
        put(o, "out", v->out);
    }
    put(o, "path", v->path);
    put(o, "nodes", v->nodes);
    for (size_t k = 0; k < N_EFFECTS; k++) {
        put(o, effects[k], lists[k]);
    }
    if (state) {
        put(o, "state", state);
    }
    s->observed = o;
}

void
test_observe(struct test_run *r, struct test_case *c, const struct doc *report)
{
    struct view v = { .r = r, .c = c, .s = c->file->set };
    const struct doc *steps = doc_get(report, "steps");
    for (uint32_t i = 0; steps && i < c->n_steps; i++) {
        observe_step(&v, &c->steps[i], steps);
    }
}
