/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration upgrades (facts/rule-nodes.md 6), driven by x-upgrades of the schemas. An upgrade may end with an
 * error, as the reference's does; what to start from then is the caller's business. */
#include "config.h"
#include "check/check.h"
#include <string.h>

static bool
says_true(const struct doc *v)
{
    return v && ((v->t == DOC_BOOL && v->i) || (v->t == DOC_STR && tbe_str_eqz(v->s, "true")));
}

static void
put_own(struct tbe_arena *a, struct doc *config, const char *key, const char *json)
{
    struct doc *v = doc_parse_own(a, json);
    v->line = config->line;
    v->col = config->col;
    doc_put(config, tbe_strz(key), v);
}

static void
to_bool(struct tbe_arena *a, struct doc *config, const struct upgrade_op *op)
{
    struct doc *v = doc_get(config, op->key);
    if (v && v->t == DOC_STR && (tbe_str_eqz(v->s, "true") || tbe_str_eqz(v->s, "false"))) {
        v->t = DOC_BOOL;
        v->i = tbe_str_eqz(v->s, "true");
    } else if (!v || v->t == DOC_NULL || v->t == DOC_STR) {
        put_own(a, config, op->key, op->value);
    }
}

static bool
is_null(const struct doc *v)
{
    return !v || v->t == DOC_NULL;
}

static bool
is_text(const struct doc *v, const char *text)
{
    return v && v->t == DOC_STR && tbe_str_eqz(v->s, text);
}

static void
take(struct doc *config, const struct doc *v)
{
    if (v) {
        doc_remove(config, v);
    }
}

static int
rename_key(struct doc *config, const struct upgrade_op *op)
{
    struct doc *v = doc_get(config, op->key);
    if ((op->absent || op->values) && doc_get(config, op->into)) {
        return 0;
    }
    if (!v) {
        return op->strict || op->values ? -1 : 0;
    }
    if (op->values && !is_text(v, "DATA") && !is_text(v, "METADATA")) {
        return -1;
    }
    doc_remove(config, v);
    doc_put(config, tbe_strz(op->into), v);
    return 0;
}

static int
map_key(struct tbe_arena *a, struct doc *config, const struct upgrade_op *op)
{
    struct doc *v = doc_get(config, op->key);
    bool known = v && (v->t == DOC_BOOL || is_text(v, "true") || is_text(v, "false"));
    if (op->strict && !known) {
        return -1;
    }
    put_own(a, config, op->into, says_true(v) ? op->value : op->other);
    take(config, v);
    return 0;
}

static int
swap_direction(struct tbe_arena *a, struct doc *config, const struct upgrade_op *op)
{
    struct doc *v = doc_get(config, op->key);
    if (op->if_key) {
        const struct doc *gate = doc_get(config, op->if_key);
        if (!gate) {
            return 0;
        }
        doc_remove(config, gate);
    }
    if (is_text(v, "FROM") || is_text(v, "TO")) {
        struct doc *w = doc_new(a, DOC_STR, v->line, v->col);
        w->s = is_text(v, "FROM") ? TBE_STR("TO") : TBE_STR("FROM");
        doc_put(config, tbe_strz(op->key), w);
        return 0;
    }
    return -1;
}

/* Drops every key that is not in the list `other`. */
static void
keep_keys(struct tbe_arena *a, struct doc *config, const struct upgrade_op *op)
{
    const struct doc *keys = doc_parse_own(a, op->other);
    for (struct doc *m = config->first, *next; m; m = next) {
        bool kept = false;
        next = m->next;
        for (const struct doc *k = keys->first; k; k = k->next) {
            kept |= tbe_str_eq(k->s, m->key);
        }
        if (!kept) {
            doc_remove(config, m);
        }
    }
}

static bool
blank(const struct doc *v)
{
    if (!v || v->t != DOC_STR) {
        return is_null(v);
    }
    for (size_t i = 0; i < v->s.n; i++) {
        if ((unsigned char)v->s.p[i] > ' ') {
            return false;
        }
    }
    return true;
}

static bool
null_or_empty(const struct doc *v)
{
    return is_null(v) || (v->t == DOC_STR && v->s.n == 0);
}

static void
fetch_mode(struct tbe_arena *a, struct doc *config)
{
    const struct doc *mode = doc_get(config, "fetchMode");
    if (is_null(mode)) {
        return;
    }
    if (is_text(mode, "ALL")) {
        const struct doc *order = doc_get(config, "orderBy"), *agg = doc_get(config, "aggregation");
        if (order && null_or_empty(order)) {
            put_own(a, config, "orderBy", "\"ASC\"");
        }
        if (agg && null_or_empty(agg)) {
            put_own(a, config, "aggregation", "\"NONE\"");
        }
        return;
    }
    bool first = is_text(mode, "FIRST");
    if (!first && !is_text(mode, "LAST")) {
        put_own(a, config, "fetchMode", "\"LAST\"");
    }
    put_own(a, config, "orderBy", first ? "\"ASC\"" : "\"DESC\"");
    put_own(a, config, "aggregation", "\"NONE\"");
}

static void
fetch_limits(struct tbe_arena *a, struct doc *config)
{
    if (is_null(doc_get(config, "limit"))) {
        put_own(a, config, "limit", "1000");
    }
    if (!is_text(doc_get(config, "fetchMode"), "ALL")) {
        return;
    }
    if (is_null(doc_get(config, "aggregation"))) {
        put_own(a, config, "aggregation", "\"NONE\"");
    }
    if (is_null(doc_get(config, "orderBy"))) {
        put_own(a, config, "orderBy", "\"ASC\"");
    }
}

static void
set_key(struct tbe_arena *a, struct doc *config, const struct upgrade_op *op)
{
    const struct doc *gate = op->if_false ? doc_get(config, op->if_false) : NULL;
    bool no = gate && ((gate->t == DOC_BOOL && !gate->i) || is_text(gate, "false"));
    if (!op->if_false || no) {
        put_own(a, config, op->key, op->value);
    }
}

static void
take_queue(struct doc *config, const struct upgrade_op *op, struct tbe_str *queue)
{
    const struct doc *v = doc_get(config, op->key);
    if (v && v->t == DOC_STR && v->s.n) {
        *queue = v->s;
    }
    take(config, v);
}

static int
apply(struct tbe_arena *a, struct doc *config, const struct upgrade_op *op, struct tbe_str *queue)
{
    switch (op->kind) {
    case UPGRADE_ADD:
        if (!doc_get(config, op->key)) {
            put_own(a, config, op->key, op->value);
        }
        break;
    case UPGRADE_SET:
        set_key(a, config, op);
        break;
    case UPGRADE_REMOVE:
        take(config, doc_get(config, op->key));
        break;
    case UPGRADE_RENAME:
        return rename_key(config, op);
    case UPGRADE_MAP:
        return map_key(a, config, op);
    case UPGRADE_BOOL:
        to_bool(a, config, op);
        break;
    case UPGRADE_SWAP:
        return swap_direction(a, config, op);
    case UPGRADE_QUEUE:
        take_queue(config, op, queue);
        break;
    case UPGRADE_KEEP:
        keep_keys(a, config, op);
        break;
    case UPGRADE_ORIGINATOR:
        if (is_null(doc_get(config, "originatorType")) || blank(doc_get(config, "originatorId"))) {
            put_own(a, config, op->key, "\"RULE_NODE\"");
        }
        break;
    case UPGRADE_FETCH_MODE:
        fetch_mode(a, config);
        break;
    case UPGRADE_FETCH_LIMITS:
        fetch_limits(a, config);
        break;
    }
    return 0;
}

int
config_upgrade(struct tbe_arena *a, const struct node_class *cls, int64_t version, struct doc *config,
               struct tbe_str *queue)
{
    for (uint32_t i = 0; i < cls->n_upgrades && version >= 0; i++) {
        if (version < cls->upgrades[i].below && apply(a, config, &cls->upgrades[i], queue) != 0) {
            return -1;
        }
    }
    return 0;
}
