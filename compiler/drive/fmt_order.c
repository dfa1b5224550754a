/* SPDX-License-Identifier: Apache-2.0 */
/* The order of keys: the same chain gives the same text, whoever wrote it. */
#include "config.h"
#include "check/node_class.h"
#include "drive/fmt.h"

/* Moves the members named by keys (NULL at the end) to the front, in this order. */
static void
front_keys(struct doc *map, const char *const *keys)
{
    struct doc *rest, *lists[2] = { NULL, NULL }; /* first and last of what is done */
    for (int i = 0; keys[i]; i++) {
        struct doc *m = doc_get(map, keys[i]);
        if (!m) {
            continue;
        }
        doc_remove(map, m);
        m->next = NULL;
        *(lists[1] ? &lists[1]->next : &lists[0]) = m;
        lists[1] = m;
    }
    if (!lists[1]) {
        return;
    }
    rest = map->first;
    lists[1]->next = rest;
    map->first = lists[0];
    map->last = rest ? map->last : lists[1];
    map->n = 0;
    for (struct doc *m = map->first; m; m = m->next) {
        map->n++;
    }
}

static void
order_by_schema(struct tbe_arena *a, struct doc *config, const struct node_key *keys, uint32_t n)
{
    const char **names = tbe_arena_alloc(a, (n + 1) * sizeof *names);
    for (uint32_t i = 0; i < n; i++) {
        names[i] = keys[i].key;
        struct doc *m = doc_get(config, keys[i].key);
        if (m && m->t == DOC_MAP && keys[i].kind == KEY_OBJECT) {
            order_by_schema(a, m, keys[i].keys, keys[i].n_keys);
        }
    }
    names[n] = NULL;
    front_keys(config, names);
}

static void
mark_scripts(const struct node_class *cls, const struct doc *config)
{
    static const char *const usual[] = { "jsScript", "tbelScript" };
    const char *const own[] = { cls ? cls->tbel_key : NULL, cls ? cls->js_key : NULL };
    for (int i = 0; i < 4; i++) {
        const char *key = i < 2 ? usual[i] : own[i - 2];
        struct doc *m = key ? doc_get(config, key) : NULL;
        if (m && m->t == DOC_STR) {
            m->block = 1;
        }
    }
}

static void
unmark(struct doc *d)
{
    d->block = 0;
    for (struct doc *m = d->first; m; m = m->next) {
        unmark(m);
    }
}

static void
order_node(struct tbe_arena *a, struct doc *d)
{
    static const char *const keys[] = { "id", "name", "type", "configurationVersion", "queueName",
                                        "singletonMode", "debugMode", "debugSettings", "configuration",
                                        "additionalInfo", NULL };
    if (d->t != DOC_MAP) {
        return;
    }
    front_keys(d, keys);
    const struct node_class *cls = node_class_find(doc_text(d, "type"));
    struct doc *config = doc_get(d, "configuration");
    mark_scripts(cls, config);
    if (cls && config && config->t == DOC_MAP) {
        order_by_schema(a, config, cls->keys, cls->n_keys);
    }
}

static void
order_list(struct doc *list, const char *const *keys)
{
    for (struct doc *d = list && list->t == DOC_LIST ? list->first : NULL; d; d = d->next) {
        if (d->t == DOC_MAP) {
            front_keys(d, keys);
        }
    }
}

static void
order_metadata(struct tbe_arena *a, struct doc *d)
{
    static const char *const keys[] = { "ruleChainId", "id", "name", "root", "version",
                                        "firstNodeIndex",
                                        "firstNode", "nodes", "connections", "ruleChainConnections", NULL };
    static const char *const ends[] = { "fromIndex", "from", "toIndex", "to", "targetRuleChainId",
                                        "type",
                                        NULL };
    if (!d || d->t != DOC_MAP) {
        return;
    }
    front_keys(d, keys);
    struct doc *nodes = doc_get(d, "nodes");
    for (struct doc *n = nodes && nodes->t == DOC_LIST ? nodes->first : NULL; n; n = n->next) {
        order_node(a, n);
    }
    order_list(doc_get(d, "connections"), ends);
    order_list(doc_get(d, "ruleChainConnections"), ends);
}

static void
order_chain(struct tbe_arena *a, struct doc *d)
{
    static const char *const shape[] = { "ruleChain", "entity", "metadata", "metaData", NULL };
    static const char *const head[] = { "id", "name", "type", "root", "debugMode",
                                        "firstRuleNodeId",
                                        "configuration", "additionalInfo", NULL };
    if (d->t != DOC_MAP) {
        return;
    }
    if (doc_get(d, "nodes")) {
        order_metadata(a, d);
        return;
    }
    front_keys(d, shape);
    struct doc *h = doc_get(d, "ruleChain");
    h = h ? h : doc_get(d, "entity");
    if (h && h->t == DOC_MAP) {
        front_keys(h, head);
    }
    order_metadata(a, doc_get(d, "metadata"));
    order_metadata(a, doc_get(d, "metaData"));
}

void
fmt_order(struct tbe_arena *a, struct doc *root)
{
    unmark(root);
    if (root->t != DOC_LIST) {
        order_chain(a, root);
        return;
    }
    for (struct doc *d = root->first; d; d = d->next) {
        order_chain(a, d);
    }
}
