/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata keys that are read where no node before can have set them. Cautious: told only when every node on every
 * way to the reader is of a class whose metadata is known, and either the chain is the root chain, whose messages'
 * own keys are known (facts/rule-nodes.md 2.1), or another node of the chain sets the key, but not before. A script
 * that tests a key, sets it or reads keys by name is left alone. */
#include "config.h"
#include "check/check.h"
#include <stdlib.h>
#include <string.h>
#include "tbe/script.h"

#define MAX_KEYS 2000u          /* set and read in one chain; beyond nothing is told */
#define MAX_SCRIPT_KEYS 200u    /* read in one script; one with more is left alone */
#define MAX_WORK 20000000u      /* steps along connections in one chain */

struct key {
    struct tbe_str name;
    uint32_t node;
    struct diag_pos pos; /* of a reader */
    bool guarded;
};

struct keys {
    struct tbe_arena *a;
    const struct checked_chain *c;
    struct key *set, *read;
    uint32_t n_set, n_read;
    uint8_t *opaque; /* per node: may set any key */
    uint64_t work;
    bool full;
};

/* What messages bring along. */
static bool
comes_along(struct tbe_str key)
{
    static const char *const keys[] = {
        "deviceName", "deviceType", "deviceLabel", "ts", "notifyDevice", "scope", "requestId", "serviceId", "sessionId",
        "requestUUID", "originServiceId", "expirationTime", "oneway", "persistent", "retries", "userId", "userName",
        "userEmail", "userFirstName", "userLastName", "customerId", "entityName", "entityType", "assignedCustomerId",
        "assignedCustomerName", "unassignedCustomerId", "unassignedCustomerName", "ruleNodeId", "comment", "source",
        "isNewAlarm", "isExistingAlarm", "isClearedAlarm", "isSeverityChanged", "prevAlarmDetails", "assetName",
        "assetType", "additionalInfo", "edgeId", "deviceId", "queueName", "TTL",
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (tbe_str_eqz(key, keys[i])) {
            return true;
        }
    }
    return false;
}

static void
add(struct keys *k, bool set, struct tbe_str prefix, struct tbe_str name, uint32_t node, struct diag_pos pos, bool guarded)
{
    uint32_t *n = set ? &k->n_set : &k->n_read;
    if (*n == MAX_KEYS) {
        k->full = true;
        return;
    }
    if (prefix.n) {
        name = tbe_arena_fmt(k->a, "%.*s%.*s", (int)prefix.n, prefix.p, (int)name.n, name.p);
    }
    (set ? k->set : k->read)[(*n)++] = (struct key){ name, node, pos, guarded };
}

/* ---- what a node sets ---------------------------------------------------------------------------- */

static bool
templated(struct tbe_str s)
{
    return s.n && (memmem(s.p, s.n, "${", 2) || memmem(s.p, s.n, "$[", 2));
}

static void
set_one(struct keys *k, uint32_t node, const char *prefix, struct tbe_str name)
{
    if (templated(name)) {
        k->opaque[node] = 1;
        return;
    }
    add(k, true, tbe_strz(prefix), name, node, (struct diag_pos){ 0 }, false);
}

static void
set_list(struct keys *k, uint32_t node, const char *prefix, const char *key)
{
    const struct doc *list = doc_get(k->c->nodes[node].config, key);
    for (const struct doc *e = list ? list->first : NULL; e; e = e->next) {
        set_one(k, node, prefix, e->s);
    }
}

enum sets {
    SETS_NOTHING,
    SETS_ANYTHING,
    SETS_MAPPING,   /* the values of dataMapping, unless fetchTo is DATA */
    SETS_NAMES,     /* attributes and telemetry by their names, unless fetchTo is DATA */
    SETS_TELEMETRY, /* latestTsKeyNames */
    SETS_ALARM
};

static const struct {
    const char *name;
    enum sets sets;
} classes[] = {
    { "ack", SETS_NOTHING }, { "alarm_status_filter", SETS_NOTHING }, { "asset_profile_switch", SETS_NOTHING },
    { "assign_to_customer", SETS_NOTHING }, { "calculate_delta", SETS_NOTHING }, { "calculated_fields", SETS_NOTHING },
    { "change_originator", SETS_NOTHING }, { "check_fields", SETS_NOTHING }, { "check_relation", SETS_NOTHING },
    { "clear_alarm", SETS_ALARM }, { "create_alarm", SETS_ALARM }, { "create_relation", SETS_NOTHING },
    { "customer_attributes", SETS_MAPPING }, { "delay", SETS_NOTHING }, { "delete_attributes", SETS_NOTHING },
    { "delete_relation", SETS_NOTHING }, { "device_profile_switch", SETS_NOTHING }, { "device_state", SETS_NOTHING },
    { "entity_type_filter", SETS_NOTHING }, { "entity_type_switch", SETS_NOTHING },
    { "gps_geofencing_events", SETS_NOTHING }, { "gps_geofencing_filter", SETS_NOTHING }, { "json_path", SETS_NOTHING },
    { "log", SETS_NOTHING }, { "msg_type_filter", SETS_NOTHING }, { "msg_type_switch", SETS_NOTHING },
    { "originator_attributes", SETS_NAMES }, { "originator_fields", SETS_MAPPING },
    { "originator_telemetry", SETS_TELEMETRY }, { "push_to_cloud", SETS_NOTHING },
    { "related_device_attributes", SETS_NAMES }, { "related_entity_data", SETS_MAPPING }, { "rpc_reply", SETS_NOTHING },
    { "rpc_request", SETS_NOTHING }, { "save_attributes", SETS_NOTHING }, { "save_timeseries", SETS_NOTHING },
    { "script_filter", SETS_NOTHING }, { "script_switch", SETS_NOTHING }, { "split_array", SETS_NOTHING },
    { "tenant_attributes", SETS_MAPPING }, { "to_email", SETS_NOTHING }, { "unassign_from_customer", SETS_NOTHING },
};

static void
find_set(struct keys *k, uint32_t i)
{
    const struct checked_node *n = &k->c->nodes[i];
    enum sets sets = SETS_ANYTHING;
    for (size_t c = 0; n->cls && n->config && c < sizeof classes / sizeof classes[0]; c++) {
        if (strcmp(classes[c].name, n->cls->name) == 0) {
            sets = classes[c].sets;
        }
    }
    const struct doc *to = doc_get(n->config, "fetchTo");
    bool data = to && to->t == DOC_INT && to->i == 0; /* DATA */
    const struct doc *map = doc_get(n->config, "dataMapping");
    k->opaque[i] = sets == SETS_ANYTHING || n->told;
    if (sets == SETS_MAPPING && !data) {
        for (const struct doc *e = map ? map->first : NULL; e; e = e->next) {
            set_one(k, i, "", e->s);
        }
    } else if (sets == SETS_NAMES && !data) {
        set_list(k, i, "cs_", "clientAttributeNames");
        set_list(k, i, "shared_", "sharedAttributeNames");
        set_list(k, i, "ss_", "serverAttributeNames");
        set_list(k, i, "", "latestTsKeyNames");
    } else if (sets == SETS_TELEMETRY) {
        set_list(k, i, "", "latestTsKeyNames");
    }
}

/* ---- what a node reads --------------------------------------------------------------------------- */

static bool
name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

/* Blanks out texts, comments and regular expressions are not told apart from division: those are rare beside
 * `metadata`. The result has the same length. */
static char *
without_texts(struct tbe_arena *a, struct tbe_str s)
{
    char *out = tbe_arena_alloc(a, s.n + 1);
    char quote = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        out[i] = c == '\n' ? c : quote ? ' ' : c;
        if (quote == '/') {
            quote = c == '\n' ? 0 : quote;
        } else if (quote == '*') {
            quote = c == '*' && i + 1 < s.n && s.p[i + 1] == '/' ? 0 : quote;
        } else if (quote && c == '\\') {
            out[i] = ' ';
            if (++i < s.n) {
                out[i] = s.p[i] == '\n' ? '\n' : ' ';
            }
        } else if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'' || c == '`') {
            quote = c;
        } else if (c == '/' && i + 1 < s.n && (s.p[i + 1] == '/' || s.p[i + 1] == '*')) {
            quote = s.p[i + 1];
        }
    }
    out[s.n] = '\0';
    return out;
}

/* Is what stands around text[from, to) a test of it, or an assignment to it? */
static bool
is_tested(const char *text, size_t from, size_t to, size_t n)
{
    size_t b = from;
    while (to < n && (text[to] == ' ' || text[to] == '\n' || text[to] == '\t' || text[to] == '\r')) {
        to++;
    }
    while (b && (text[b - 1] == ' ' || text[b - 1] == '(' || text[b - 1] == '\n' || text[b - 1] == '\t')) {
        b--;
    }
    bool operand = b && strchr("<>+-*/%,", text[b - 1]); /* of a comparison or a sum: no test of its own */
    bool test = to < n && !operand && strchr("=!?|&)", text[to]);
    bool before = b && (strchr("!|&=?:", text[b - 1]) || (b >= 2 && memcmp(text + b - 2, "if", 2) == 0) ||
                        (b >= 6 && memcmp(text + b - 6, "typeof", 6) == 0) ||
                        (b >= 6 && memcmp(text + b - 6, "delete", 6) == 0));
    return test || before;
}

/* metadata.name in the script; a script that uses metadata in any other way is left alone. */
static void
read_script(struct keys *k, uint32_t i, const char *file)
{
    const struct checked_script *s = &k->c->nodes[i].script;
    static const char word[] = "metadata";
    char *text = without_texts(k->a, s->text);
    uint32_t before = k->n_read, line = 1, col = 1;
    size_t counted = 0;
    for (char *p = text; (p = strstr(p, word)); p += sizeof word - 1) {
        size_t at = (size_t)(p - text), from = at + sizeof word, to = from;
        if ((at && (name_char(p[-1]) || p[-1] == '.')) || name_char(p[sizeof word - 1])) {
            continue;
        }
        if (p[sizeof word - 1] != '.') {
            k->n_read = before;
            return;
        }
        while (to < s->text.n && name_char(text[to])) {
            to++;
        }
        if (to < s->text.n && text[to] == '(') { /* a method */
            k->n_read = before;
            return;
        }
        for (; counted < from; counted++) {
            col = text[counted] == '\n' ? 1 : col + 1;
            line += text[counted] == '\n';
        }
        if (k->n_read - before == MAX_SCRIPT_KEYS) {
            k->n_read = before;
            return;
        }
        add(k, false, TBE_STR_NONE, (struct tbe_str){ s->text.p + from, to - from }, i,
            doc_pos_within(file, s->doc, line, col), is_tested(text, at, to, s->text.n));
    }
    for (uint32_t x = before; x < k->n_read; x++) { /* a key that is tested once is known to be absent at times */
        for (uint32_t y = before; y < k->n_read; y++) {
            k->read[x].guarded |= k->read[y].guarded && tbe_str_eq(k->read[x].name, k->read[y].name);
        }
    }
}

/* ${name} in a text of the configuration. */
static void
read_template(struct keys *k, uint32_t i, const char *file, const struct doc *v)
{
    const char *p = v->s.p, *end = v->s.p + v->s.n;
    while (p && p < end && (p = memmem(p, (size_t)(end - p), "${", 2))) {
        const char *close = memchr(p, '}', (size_t)(end - p));
        if (!close) {
            return;
        }
        struct tbe_str name = { p + 2, (size_t)(close - p - 2) };
        if (name.n && !tbe_str_eqz(name, "*") && !memchr(name.p, '$', name.n)) {
            add(k, false, TBE_STR_NONE, name, i, doc_pos(file, v), false);
        }
        p = close + 1;
    }
}

static void
find_read(struct keys *k, uint32_t i, const char *file)
{
    const struct checked_node *n = &k->c->nodes[i];
    for (uint32_t x = 0; n->cls && n->src->config && x < n->cls->n_keys; x++) {
        const struct doc *v = n->cls->keys[x].template_ ? doc_get(n->src->config, n->cls->keys[x].key) : NULL;
        if (v && v->t == DOC_STR) {
            read_template(k, i, file, v);
        }
        for (const struct doc *e = v && v->t != DOC_STR ? v->first : NULL; e; e = e->next) {
            if (e->t == DOC_STR) {
                read_template(k, i, file, e);
            }
        }
    }
    if (n->script.text.p && n->cls->in && !n->script.is_default) {
        read_script(k, i, file);
    }
}

/* ---- ways through the chain ---------------------------------------------------------------------- */

/* Marks all nodes before `node`. */
static void
mark_before(struct keys *k, const struct chain *c, uint32_t node, uint8_t *mark, uint32_t *stack)
{
    uint32_t depth = 0;
    memset(mark, 0, c->n_nodes);
    stack[depth++] = node;
    while (depth) {
        uint32_t to = stack[--depth];
        k->work += c->n_edges;
        for (uint32_t e = 0; e < c->n_edges; e++) {
            if (c->edges[e].to == to && !mark[c->edges[e].from]) {
                mark[c->edges[e].from] = 1;
                stack[depth++] = c->edges[e].from;
            }
        }
    }
}

static void
judge(struct keys *k, struct diags *ds, const struct key *r, const uint8_t *mark)
{
    const struct chain *c = k->c->src;
    const struct chain_node *n = &c->nodes[r->node];
    int64_t later = -1;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        if (mark[i] && k->opaque[i]) {
            return;
        }
    }
    for (uint32_t i = 0; i < k->n_set; i++) {
        if (tbe_str_eq(k->set[i].name, r->name)) {
            if (mark[k->set[i].node]) {
                return;
            }
            later = k->set[i].node;
        }
    }
    diag_at(ds, c->name, n->name, n->index);
    if (later >= 0) {
        diag_add(ds, C2215, r->pos, "node %u \"%.*s\" reads the metadata key \"%.*s\", which node %u \"%.*s\" sets, but "
                 "no node before it", n->index, (int)n->name.n, n->name.p, (int)r->name.n, r->name.p, (unsigned)later,
                 (int)c->nodes[later].name.n, c->nodes[later].name.p);
    } else if (c->root) {
        diag_add(ds, C2215, r->pos, "node %u \"%.*s\" reads the metadata key \"%.*s\", which no node before it sets",
                 n->index, (int)n->name.n, n->name.p, (int)r->name.n, r->name.p);
    }
}

void
check_keys(struct tbe_arena *a, struct diags *ds, const struct checked_chain *c)
{
    struct keys k = { .a = a, .c = c };
    uint32_t n = c->src->n_nodes, last = UINT32_MAX;
    if (c->src->n_edges > 2000 || c->src->n_edges == 0) {
        return; /* ways are found by trying: too long for such a chain */
    }
    k.opaque = tbe_arena_zalloc(a, n);
    uint8_t *mark = tbe_arena_zalloc(a, n);
    uint32_t *stack = tbe_arena_alloc(a, (n + 1) * sizeof *stack);
    k.set = malloc(MAX_KEYS * sizeof *k.set);
    k.read = malloc(MAX_KEYS * sizeof *k.read);
    if (!k.set || !k.read) {
        goto out; /* only notes */
    }
    for (uint32_t i = 0; i < n; i++) {
        find_set(&k, i);
        find_read(&k, i, c->src->file);
    }
    for (uint32_t i = 0; i < k.n_read && !k.full && k.work < MAX_WORK; i++) {
        const struct key *r = &k.read[i];
        bool again = false;
        for (uint32_t x = 0; x < i; x++) {
            again |= k.read[x].node == r->node && tbe_str_eq(k.read[x].name, r->name);
        }
        if (r->guarded || again || comes_along(r->name)) {
            continue;
        }
        if (last != r->node) {
            mark_before(&k, c->src, r->node, mark, stack);
            last = r->node;
        }
        judge(&k, ds, r, mark);
    }
out:
    free(k.set);
    free(k.read);
}
