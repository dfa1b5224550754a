/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of rule chain files (facts/rule-nodes.md 5.1): exported, metadata only, version
 * control, our short form, and lists of these. */
#include "config.h"
#include "front/chain.h"
#include <stdio.h>
#include <string.h>
#include "base/hash.h"
#include "check/node_class.h"

#define INPUT_CLASS NODE_CLASS_PREFIX "flow.TbRuleChainInputNode"

struct reader {
    struct tbe_arena *a;
    struct diags *ds;
    const char *file;
    struct chain *c;
};

/* A UUID made of a text, for chains and nodes whose file has none: stable from build to build. */
static struct tbe_str
made_id(struct tbe_arena *a, struct tbe_str seed)
{
    static const char digit[] = "0123456789abcdef";
    char hex[65];
    hash_sha256_hex(seed, hex);
    hex[12] = '8'; /* version 8: private use */
    hex[16] = digit[8 | ((strchr(digit, hex[16]) - digit) & 3)];
    return tbe_arena_fmt(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                         hex + 20);
}

/* An id is given as text or as {entityType, id}. */
static struct tbe_str
id_of(struct reader *r, const struct doc *d)
{
    const struct doc *v = d && d->t == DOC_MAP ? doc_get(d, "id") : d;
    struct tbe_uuid u;
    if (!v || v->t == DOC_NULL) {
        return TBE_STR_NONE;
    }
    if (v->t != DOC_STR || !tbe_uuid_parse(v->s, &u)) {
        diag_add(r->ds, C2110, doc_pos(r->file, v), "this id is not a UUID; another one is made");
        return TBE_STR_NONE;
    }
    char text[TBE_UUID_TEXT + 1];
    tbe_uuid_text(&u, text);
    return tbe_arena_dup(r->a, tbe_strz(text));
}

/* Names and relations end up as C strings and are shown: they are short and hold no NUL. What is
 * too long is cut after the report. */
static struct tbe_str
short_name(struct reader *r, const struct doc *d)
{
    size_t chars = 0, i = 0;
    while (i < d->s.n && d->s.p[i] && chars <= CHAIN_MAX_NAME) {
        chars += ((unsigned char)d->s.p[i++] & 0xC0) != 0x80;
    }
    if (i == d->s.n && chars <= CHAIN_MAX_NAME) {
        return d->s;
    }
    diag_add(r->ds, C2111, doc_pos(r->file, d), "this name %s",
             i < d->s.n && !d->s.p[i] ? "holds a NUL character" : "is longer than 255 characters");
    return TBE_STR("?");
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void
wrong_type(struct reader *r, const struct doc *d, const char *what, const char *wanted)
{
    diag_add(r->ds, C2102, doc_pos(r->file, d), "%s must be %s, got %s", what, wanted,
             doc_type_name(d->t));
    if (strcmp(wanted, "a string") == 0 && d->t != DOC_LIST && d->t != DOC_MAP) {
        diag_hint(r->ds, "Put it in quotes."); /* True, on and 1 are no texts in YAML */
    }
}

static void
read_layout(struct chain_node *n, const struct doc *info)
{
    const struct doc *x = doc_get(info, "layoutX"), *y = doc_get(info, "layoutY");
    if (x && y && x->t == DOC_INT && y->t == DOC_INT) {
        n->placed = true;
        n->x = x->i;
        n->y = y->i;
    }
}

static void
read_debug(struct chain_node *n, const struct doc *d)
{
    const struct doc *set = doc_get(d, "debugSettings");
    if (set && set->t == DOC_MAP) {
        n->debug_failures = doc_true(set, "failuresEnabled");
        n->debug_all = doc_true(set, "allEnabled");
    } else if (doc_true(d, "debugMode")) {
        n->debug_failures = n->debug_all = true;
    }
}

#define IS(t) (1u << (t))

/* Parts whose type matters where their value is not read any further. */
struct part {
    const char *key;
    unsigned types; /* IS(...), null always */
    const char *wanted;
};

static void
check_parts(struct reader *r, const struct doc *d, const struct part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct doc *v = doc_get(d, parts[i].key);
        if (v && v->t != DOC_NULL && !(parts[i].types & IS(v->t))) {
            char what[64];
            snprintf(what, sizeof what, "\"%s\"", parts[i].key);
            wrong_type(r, v, what, parts[i].wanted);
        }
    }
}

static const struct part node_parts[] = {
    { "configurationVersion", IS(DOC_INT), "an integer" }, { "queueName", IS(DOC_STR), "a string" },
    { "debugSettings", IS(DOC_MAP), "an object" },         { "debugMode", IS(DOC_BOOL), "a boolean" },
    { "singletonMode", IS(DOC_BOOL), "a boolean" },
};
static const struct part head_parts[] = {
    { "name", IS(DOC_STR), "a string" },
    { "root", IS(DOC_BOOL), "a boolean" },
    { "type", IS(DOC_STR), "a string" },
};

/* Keys of a node that mean nothing here but belong to the shape. */
static bool
known_node_key(struct tbe_str key)
{
    static const char *const keys[] = { "id", "ruleChainId", "createdTime", "type", "name", "debugSettings",
                                        "debugMode", "singletonMode", "queueName", "configurationVersion",
                                        "configuration", "additionalInfo", "externalId", "version" };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (tbe_str_eqz(key, keys[i])) {
            return true;
        }
    }
    return false;
}

static void
read_node(struct reader *r, struct chain_node *n, struct doc *d)
{
    n->doc = d;
    n->name = n->type = TBE_STR("");
    if (d->t != DOC_MAP) {
        wrong_type(r, d, "a node", "an object");
        return;
    }
    for (const struct doc *m = d->first; m; m = m->next) {
        if (!known_node_key(m->key)) {
            diag_add(r->ds, C2103, doc_key_pos(r->file, m), "a node has no key \"%.*s\"", (int)m->key.n, m->key.p);
        }
    }
    check_parts(r, d, node_parts, sizeof node_parts / sizeof node_parts[0]);
    const struct doc *type = doc_get(d, "type"), *name = doc_get(d, "name");
    if (!type || type->t != DOC_STR) {
        diag_add(r->ds, type ? C2102 : C2101, doc_pos(r->file, type ? type : d),
                 "node %u: \"type\" must be the class of the node, as text", n->index);
    } else {
        n->type = short_name(r, type);
    }
    if (name && name->t == DOC_STR) {
        n->name = short_name(r, name);
    } else {
        diag_add(r->ds, name ? C2102 : C2101, doc_pos(r->file, name ? name : d),
                 "node %u: \"name\" must be a text", n->index);
    }
    n->id = id_of(r, doc_get(d, "id"));
    const struct doc *queue = doc_get(d, "queueName");
    n->queue = queue && queue->t == DOC_STR && queue->s.n ? short_name(r, queue) : TBE_STR_NONE;
    const struct doc *version = doc_get(d, "configurationVersion");
    if (version && version->t == DOC_INT) {
        n->version = version->i < 0 ? 0 : version->i;
    } else {
        const struct node_class *cls = node_class_find(n->type);
        n->no_version = version && version->t != DOC_NULL; /* told */
        n->version = cls && tbe_str_eqz(n->type, cls->name) ? -1 : 0;
    }
    struct doc *config = doc_get(d, "configuration");
    n->config = config && config->t != DOC_NULL ? config : NULL;
    read_debug(n, d);
    read_layout(n, doc_get(d, "additionalInfo"));
}

static void
read_nodes(struct reader *r, const struct doc *list)
{
    struct chain *c = r->c;
    if (list->t != DOC_LIST) {
        c->damaged = true;
        wrong_type(r, list, "\"nodes\"", "a list");
        return;
    }
    if (list->n > CHAIN_MAX_NODES) {
        diag_add(r->ds, C2108, doc_pos(r->file, list), "%u nodes: the limit is %u", list->n,
                 CHAIN_MAX_NODES);
        return;
    }
    c->nodes = tbe_arena_zalloc(r->a, (list->n + 1) * sizeof *c->nodes);
    for (struct doc *d = list->first; d; d = d->next) {
        struct chain_node *n = &c->nodes[c->n_nodes];
        n->index = c->n_nodes++;
        diag_at(r->ds, c->name, doc_text(d, "name"), n->index);
        read_node(r, n, d);
    }
    diag_at(r->ds, c->name, TBE_STR_NONE, -1);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void
add_edge(struct reader *r, struct chain_edge e)
{
    struct chain *c = r->c;
    if (c->n_edges == c->cap_edges) {
        uint32_t cap = c->cap_edges ? c->cap_edges * 2 : 16;
        struct chain_edge *v = tbe_arena_alloc(r->a, cap * sizeof *v);
        if (c->n_edges) {
            memcpy(v, c->edges, c->n_edges * sizeof *v);
        }
        c->edges = v;
        c->cap_edges = cap;
    }
    c->edges[c->n_edges++] = e;
}

/* The node one end of a connection names, by index or by name; -1 after a report. */
static int64_t
read_end(struct reader *r, const struct doc *conn, const char *index_key, const char *name_key,
         enum diag_code missing)
{
    struct chain *c = r->c;
    const struct doc *v = doc_get(conn, index_key);
    if (!v) {
        v = doc_get(conn, name_key);
    }
    if (!v) {
        diag_add(r->ds, C2101, doc_pos(r->file, conn), "a connection needs \"%s\"", index_key);
        return -1;
    }
    if (v->t == DOC_INT) {
        if (v->i >= 0 && v->i < (int64_t)c->n_nodes) {
            return v->i;
        }
        diag_add(r->ds, missing, doc_pos(r->file, v),
                 "connection %s node %.*s: there is no such node, \"nodes\" has %u",
                 missing == C2201 ? "from" : "to", (int)v->s.n, v->s.p, c->n_nodes);
        return -1;
    }
    if (v->t != DOC_STR) {
        wrong_type(r, v, "the end of a connection", "the index or the name of a node");
        return -1;
    }
    int64_t found = -1;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        if (!tbe_str_eq(c->nodes[i].name, v->s)) {
            continue;
        }
        if (found >= 0) {
            diag_add(r->ds, C2210, doc_pos(r->file, v),
                     "nodes %u and %u are both named \"%.*s\": use the index",
                     (unsigned)found, i, (int)v->s.n, v->s.p);
            return -1;
        }
        found = i;
    }
    if (found < 0) {
        diag_add(r->ds, missing, doc_pos(r->file, v),
                 "connection %s \"%.*s\": no node has this name",
                 missing == C2201 ? "from" : "to", (int)v->s.n, v->s.p);
    }
    return found;
}

static void
read_connection(struct reader *r, const struct doc *d)
{
    if (d->t != DOC_MAP) {
        r->c->damaged = true;
        wrong_type(r, d, "a connection", "an object");
        return;
    }
    int64_t from = read_end(r, d, "fromIndex", "from", C2201);
    int64_t to = read_end(r, d, "toIndex", "to", C2202);
    const struct doc *type = doc_get(d, "type");
    bool list = type && type->t == DOC_LIST;
    r->c->damaged |= from < 0 || to < 0;
    if (!type || (type->t != DOC_STR && !list)) {
        r->c->damaged = true;
        diag_add(r->ds, type ? C2102 : C2101, doc_pos(r->file, type ? type : d),
                 "a connection needs \"type\", the relation as text");
        return;
    }
    for (const struct doc *t = list ? type->first : type; t; t = list ? t->next : NULL) {
        if (t->t != DOC_STR) {
            r->c->damaged = true;
            wrong_type(r, t, "a relation", "a string");
        } else if (from >= 0 && to >= 0) {
            add_edge(r, (struct chain_edge){ (uint32_t)from, (uint32_t)to, short_name(r, t), d, t });
        }
    }
}

static void
read_connections(struct reader *r, const struct doc *list)
{
    if (!list || list->t == DOC_NULL) {
        return;
    }
    if (list->t != DOC_LIST) {
        r->c->damaged = true;
        wrong_type(r, list, "\"connections\"", "a list");
    } else if (list->n > CHAIN_MAX_EDGES) {
        r->c->damaged = true;
        diag_add(r->ds, C2108, doc_pos(r->file, list), "%u connections: the limit is %u", list->n,
                 CHAIN_MAX_EDGES);
    } else {
        for (const struct doc *d = list->first; d; d = d->next) {
            read_connection(r, d);
        }
    }
}

/* ---- chains ---------------------------------------------------------------------------------- */

static void
read_first(struct reader *r, const struct doc *meta)
{
    struct chain *c = r->c;
    const struct doc *v = doc_get(meta, "firstNodeIndex");
    c->first = -1;
    if (!v && (v = doc_get(meta, "firstNode"))) {
        int64_t i = read_end(r, meta, "firstNodeIndex", "firstNode", C2104);
        c->first = (int32_t)i;
        c->damaged |= i < 0;
        return;
    }
    if (!v || v->t == DOC_NULL) {
        bool source = false;
        for (uint32_t i = 0; i < c->n_nodes; i++) {
            source |= node_is_source(c->nodes[i].type); /* such a chain lives without: a generator, say */
        }
        if (c->n_nodes && !source) {
            diag_add(r->ds, C2105, doc_pos(r->file, v ? v : meta),
                     "the chain has no first node: messages that enter it are acknowledged and dropped");
        }
        return;
    }
    c->damaged |= v->t != DOC_INT || v->i < 0 || v->i >= (int64_t)c->n_nodes;
    if (v->t != DOC_INT) {
        wrong_type(r, v, "\"firstNodeIndex\"", "an integer");
    } else if (v->i < 0 || v->i >= (int64_t)c->n_nodes) {
        diag_add(r->ds, C2104, doc_pos(r->file, v),
                 "\"firstNodeIndex\" is %.*s, but \"nodes\" has %u", (int)v->s.n,
                 v->s.p, c->n_nodes);
    } else {
        c->first = (int32_t)v->i;
    }
}

/* File name without directory and extension: the name of a chain whose file has none. */
static struct tbe_str
stem(const char *file)
{
    const char *base = strrchr(file, '/');
    base = base ? base + 1 : file;
    const char *dot = strrchr(base, '.');
    return (struct tbe_str){ base, dot && dot > base ? (size_t)(dot - base) : strlen(base) };
}

static void
make_node_ids(struct reader *r, uint32_t from)
{
    struct chain *c = r->c;
    for (uint32_t i = from; i < c->n_nodes; i++) {
        struct chain_node *n = &c->nodes[i];
        if (!n->id.p) {
            n->id = made_id(r->a, tbe_arena_fmt(r->a, "node %.*s %u %.*s", (int)c->id.n, c->id.p, i, (int)n->name.n,
                                                n->name.p));
        }
    }
}

/* Types of what stands beside the nodes. */
static void
read_head(struct reader *r, const struct doc *head, const struct doc *meta)
{
    const struct doc *type = doc_get(head, "type");
    if (head && head->t != DOC_MAP && head->t != DOC_NULL) {
        wrong_type(r, head, "\"ruleChain\"", "an object");
    }
    check_parts(r, head, head_parts, sizeof head_parts / sizeof head_parts[0]);
    check_parts(r, meta, head_parts, 2); /* of the short form */
    if (type && type->t == DOC_STR && !tbe_str_eqz(type->s, "CORE") && !tbe_str_eqz(type->s, "EDGE")) {
        diag_add(r->ds, C2102, doc_pos(r->file, type), "the type of a chain is CORE or EDGE, not \"%.*s\"",
                 (int)type->s.n, type->s.p);
    }
}

static void
read_chain(struct reader *r, struct chains *cs, const struct doc *whole, const struct doc *head,
           const struct doc *meta)
{
    if (cs->n == CHAIN_MAX_CHAINS) {
        diag_add(r->ds, C2108, doc_pos(r->file, meta), "more than %u chains", CHAIN_MAX_CHAINS);
        return;
    }
    if (cs->n == cs->cap) {
        uint32_t cap = cs->cap ? cs->cap * 2 : 8;
        struct chain *v = tbe_arena_alloc(r->a, cap * sizeof *v);
        if (cs->n) {
            memcpy(v, cs->v, cs->n * sizeof *v);
        }
        cs->v = v;
        cs->cap = cap;
    }
    struct chain *c = r->c = &cs->v[cs->n++];
    *c = (struct chain){ .file = r->file, .whole = whole, .doc = head ? head : meta, .first = -1 };
    const struct doc *name = doc_get(head, "name");
    if (!name || name->t != DOC_STR || name->s.n == 0) {
        name = doc_get(meta, "name");
    }
    c->name = name && name->t == DOC_STR && name->s.n ? short_name(r, name) : stem(r->file);
    diag_at(r->ds, c->name, TBE_STR_NONE, -1);
    read_head(r, head, meta);
    c->root = doc_true(head, "root") || doc_true(meta, "root");
    c->id = id_of(r, doc_get(head, "id"));
    if (!c->id.p) {
        c->id = id_of(r, doc_get(meta, "ruleChainId"));
    }
    c->has_id = c->id.p != NULL;
    if (!c->has_id) {
        c->id = made_id(r->a, tbe_arena_fmt(r->a, "chain %.*s", (int)c->name.n, c->name.p));
    }
    c->nodes_doc = doc_get(meta, "nodes");
    if (!c->nodes_doc || c->nodes_doc->t == DOC_NULL) {
        diag_add(r->ds, C2101, doc_pos(r->file, meta), "a rule chain needs \"nodes\"");
        return;
    }
    read_nodes(r, c->nodes_doc);
    make_node_ids(r, 0);
    if (c->damaged) {
        return;
    }
    read_first(r, meta);
    read_connections(r, doc_get(meta, "connections"));
    const struct doc *legacy = doc_get(meta, "ruleChainConnections");
    if (legacy && legacy->t == DOC_LIST) {
        c->legacy = legacy;
    } else if (legacy && legacy->t != DOC_NULL) {
        wrong_type(r, legacy, "\"ruleChainConnections\"", "a list");
    }
}

static void
read_shape(struct reader *r, struct chains *cs, const struct doc *d, int depth)
{
    const struct doc *head = doc_get(d, "ruleChain"), *meta = doc_get(d, "metadata");
    if (d->t == DOC_LIST && depth == 0) {
        for (const struct doc *e = d->first; e; e = e->next) {
            read_shape(r, cs, e, 1);
        }
        if (d->n == 0) {
            diag_add(r->ds, C2008, doc_pos(r->file, d), "this list has no rule chain");
        }
    } else if (meta && meta->t != DOC_MAP && meta->t != DOC_NULL) {
        wrong_type(r, meta, "\"metadata\"", "an object");
    } else if (meta && meta->t == DOC_MAP) {
        read_chain(r, cs, d, head, meta);
    } else if (doc_get(d, "entity") && doc_get(d, "metaData")) { /* version control */
        read_chain(r, cs, d, doc_get(d, "entity"), doc_get(d, "metaData"));
    } else if (doc_get(d, "nodes")) {
        read_chain(r, cs, d, NULL, d);
    } else if (d->t == DOC_MAP) {
        diag_add(r->ds, C2008, doc_pos(r->file, d),
                 "no rule chain here: neither \"metadata\" nor \"nodes\" is given");
    } else {
        diag_add(r->ds, C2008, doc_pos(r->file, d),
                 "no rule chain here: expected an object, got %s",
                 doc_type_name(d->t));
    }
}

void
chains_from_doc(struct tbe_arena *a, struct diags *ds, const char *name, const struct doc *d, struct chains *cs)
{
    struct reader r = { .a = a, .ds = ds, .file = name };
    read_shape(&r, cs, d, 0);
}

void
chains_read(struct tbe_arena *a, struct diags *ds, const char *name, struct tbe_str text, int yaml,
            struct chains *cs)
{
    if (yaml < 0) {
        size_t i = 0;
        while (i < text.n && strchr(" \t\r\n\xEF\xBB\xBF", text.p[i]) && text.p[i]) {
            i++;
        }
        yaml = !(i < text.n && (text.p[i] == '{' || text.p[i] == '['));
    }
    diags_source(ds, name, text);
    diag_at(ds, TBE_STR_NONE, TBE_STR_NONE, -1);
    const struct doc *d = yaml ? yaml_read(a, ds, name, text) : json_read(a, ds, name, text);
    if (d) {
        chains_from_doc(a, ds, name, d, cs);
    }
    diag_at(ds, TBE_STR_NONE, TBE_STR_NONE, -1);
}

/* ---- legacy connections to chains (5.2) ------------------------------------------------------ */

static struct tbe_str
chain_name(const struct chains *cs, struct tbe_str id)
{
    for (uint32_t i = 0; i < cs->n && id.p; i++) {
        if (tbe_str_eq(cs->v[i].id, id)) {
            return cs->v[i].name;
        }
    }
    return TBE_STR("Rule Chain Input");
}

static void
link_one(struct reader *r, const struct chains *cs, const struct doc *d)
{
    struct chain *c = r->c;
    struct chain_node *n = &c->nodes[c->n_nodes];
    struct tbe_str type = doc_text(d, "type");
    if (d->t != DOC_MAP || !type.p) {
        wrong_type(r, d, "a connection to a chain", "an object with \"type\"");
        return;
    }
    int64_t from = read_end(r, d, "fromIndex", "from", C2201);
    c->damaged |= from < 0;
    if (from < 0) {
        return;
    }
    struct tbe_str id = id_of(r, doc_get(d, "targetRuleChainId"));
    n->doc = d;
    n->index = c->n_nodes++;
    n->name = chain_name(cs, id);
    n->type = TBE_STR(INPUT_CLASS);
    n->config = doc_new(r->a, DOC_MAP, d->line, d->col);
    if (id.p) {
        struct doc *v = doc_new(r->a, DOC_STR, d->line, d->col);
        v->s = id;
        doc_put(n->config, TBE_STR("ruleChainId"), v);
    }
    read_layout(n, doc_get(d, "additionalInfo"));
    add_edge(r, (struct chain_edge){ (uint32_t)from, n->index, short_name(r, doc_get(d, "type")), d, doc_get(d, "type") });
}

void
chains_link(struct tbe_arena *a, struct diags *ds, struct chains *cs)
{
    for (uint32_t i = 0; i < cs->n; i++) {
        struct chain *c = &cs->v[i];
        struct reader r = { .a = a, .ds = ds, .file = c->file, .c = c };
        if (!c->legacy || c->legacy->n == 0) {
            continue;
        }
        diag_at(ds, c->name, TBE_STR_NONE, -1);
        uint32_t before = c->n_nodes;
        if (before + c->legacy->n > CHAIN_MAX_NODES) {
            diag_add(ds, C2108, doc_pos(c->file, c->legacy), "more than %u nodes", CHAIN_MAX_NODES);
            continue;
        }
        struct chain_node *v = tbe_arena_zalloc(a, (before + c->legacy->n + 1) * sizeof *v);
        if (before) {
            memcpy(v, c->nodes, before * sizeof *v);
        }
        c->nodes = v;
        for (const struct doc *d = c->legacy->first; d; d = d->next) {
            link_one(&r, cs, d);
        }
        make_node_ids(&r, before);
        c->legacy = NULL;
    }
    diag_at(ds, TBE_STR_NONE, TBE_STR_NONE, -1);
}
