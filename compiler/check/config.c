/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of one node's configuration by its schema. The result is a configuration in which every key
 * of the class is there and has its type, so that the emitter needs no decisions. Values are converted as
 * the reference's JSON mapper does (texts that hold numbers, numbers for booleans); what it cannot
 * convert stops the node. */
#include "config.h"
#include "check/check.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tbe/script.h"

struct ctx {
    struct tbe_arena *a;
    struct diags *ds;
    const char *file;
    struct checked_node *n;
};

static void TBE_PRINTF(4, 5)
report(struct ctx *x, enum diag_code code, const struct doc *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct tbe_str what = tbe_arena_vfmt(x->a, fmt, ap);
    va_end(ap);
    const struct chain_node *s = x->n->src;
    diag_add(x->ds, code, doc_pos(x->file, at), "node %u \"%.*s\": %.*s", s->index, (int)s->name.n, s->name.p,
             (int)what.n, what.p);
}

static void
stop(struct ctx *x, struct tbe_str why)
{
    if (!x->n->broken.p) {
        x->n->broken = why;
    }
}

/* The reference's own words for a configuration it cannot convert. */
static void
stop_convert(struct ctx *x)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, "java.lang.IllegalArgumentException: Can't convert value: ");
    doc_json(&b, x->n->src->config);
    if (b.n > 4000) {
        b.n = 4000;
        while (b.n && ((unsigned char)b.p[b.n] & 0xC0) == 0x80) {
            b.n--;
        }
    }
    stop(x, tbe_arena_dup(x->a, tbe_buf_str(&b)));
    tbe_buf_free(&b);
}

static struct tbe_str
shown(struct ctx *x, const struct doc *v)
{
    struct tbe_buf b = { 0 };
    doc_json(&b, v);
    if (b.n > 60) {
        b.n = 57;
        while (b.n && ((unsigned char)b.p[b.n] & 0xC0) == 0x80) {
            b.n--;
        }
        tbe_buf_putz(&b, "...");
    }
    struct tbe_str s = tbe_arena_dup(x->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

static void
wrong(struct ctx *x, enum diag_code code, const struct node_key *k, const struct doc *v, const char *wanted)
{
    struct tbe_str got = shown(x, v);
    report(x, code, v, "\"%s\" must be %s, got %.*s", k->key, wanted, (int)got.n, got.p);
    stop_convert(x);
}

static void
converted(struct ctx *x, const struct node_key *k, const struct doc *v, const char *wanted)
{
    struct tbe_str got = shown(x, v);
    report(x, C2309, v, "\"%s\" should be %s; %.*s is converted", k->key, wanted, (int)got.n, got.p);
}

static struct doc *
value_like(struct ctx *x, const struct doc *v, enum doc_type t)
{
    struct doc *d = doc_new(x->a, t, v->line, v->col);
    d->s = v->s;
    return d;
}

/* ---- one function per kind: the value as the class has it ---------------------------------------- */

static struct doc *
as_string(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_STR);
    if (v->t == DOC_STR) {
        return d;
    }
    if (v->t == DOC_LIST || v->t == DOC_MAP) {
        wrong(x, C2304, k, v, "a string");
        return d;
    }
    converted(x, k, v, "a string");
    d->s = v->t == DOC_BOOL ? tbe_strz(v->i ? "true" : "false") : v->s;
    return d;
}

static struct doc *
as_bool(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_BOOL);
    if (v->t == DOC_BOOL) {
        d->i = v->i;
    } else if (v->t == DOC_INT) {
        converted(x, k, v, "true or false");
        d->i = v->i != 0;
    } else if (v->t == DOC_STR && (tbe_str_ieq(v->s, TBE_STR("true")) || tbe_str_ieq(v->s, TBE_STR("false")) ||
                                   v->s.n == 0)) {
        converted(x, k, v, "true or false");
        d->i = tbe_str_ieq(v->s, TBE_STR("true"));
    } else {
        wrong(x, C2304, k, v, "true or false");
    }
    return d;
}

static const char *
int_wanted(struct ctx *x, const struct node_key *k)
{
    if (k->min == INT64_MIN && k->max == INT64_MAX) {
        return "an integer";
    }
    return tbe_arena_fmt(x->a, "an integer from %lld to %lld", (long long)k->min, (long long)k->max).p;
}

static struct doc *
as_int(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_INT);
    char *end = NULL;
    errno = 0;
    if (v->t == DOC_INT) {
        d->i = v->i;
    } else if (v->t == DOC_NUM) {
        double f = strtod(v->s.p, NULL);
        if (!(f > -9.2e18 && f < 9.2e18)) {
            wrong(x, C2306, k, v, int_wanted(x, k));
            return d;
        }
        converted(x, k, v, int_wanted(x, k));
        d->i = (int64_t)f;
    } else if (v->t == DOC_STR && v->s.n < 30) {
        long long i = strtoll(v->s.p, &end, 10);
        if (errno || end != v->s.p + v->s.n) {
            wrong(x, C2304, k, v, int_wanted(x, k));
            return d;
        }
        converted(x, k, v, int_wanted(x, k));
        d->i = i;
    } else {
        wrong(x, C2304, k, v, int_wanted(x, k));
        return d;
    }
    if (d->i < k->min || d->i > k->max) {
        wrong(x, C2306, k, v, int_wanted(x, k));
    }
    return d;
}

static struct doc *
as_number(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    if (v->t != DOC_INT && v->t != DOC_NUM) {
        wrong(x, C2304, k, v, "a number");
    }
    return value_like(x, v, DOC_NUM);
}

static struct doc *
as_enum(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_INT);
    for (uint32_t i = 0; i < k->n_values; i++) {
        if (v->t == DOC_STR && tbe_str_eqz(v->s, k->values[i])) {
            d->i = i;
            return d;
        }
    }
    struct tbe_buf b = { 0 };
    for (uint32_t i = 0; i < k->n_values; i++) {
        tbe_buf_fmt(&b, "%s%s", i ? ", " : "one of ", k->values[i]);
    }
    struct tbe_str wanted = tbe_arena_dup(x->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    if (!k->lenient) {
        wrong(x, v->t == DOC_STR ? C2305 : C2304, k, v, wanted.p);
        return d;
    }
    struct tbe_str got = shown(x, v);
    report(x, C2312, v, "\"%s\" should be %s, got %.*s: messages that need it will fail", k->key, wanted.p,
           (int)got.n, got.p);
    d->i = -1;
    return d;
}

static struct doc *
as_strings(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_LIST);
    if (v->t != DOC_LIST) {
        wrong(x, C2304, k, v, "a list of strings");
        return d;
    }
    for (const struct doc *e = v->first; e; e = e->next) {
        if (e->t == DOC_NULL) {
            report(x, C2309, e, "\"%s\": null in this list is left out", k->key);
        } else {
            doc_append(d, as_string(x, k, e));
        }
    }
    return d;
}

static struct doc *
as_map(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_MAP);
    if (v->t != DOC_MAP) {
        wrong(x, C2304, k, v, "an object of strings");
        return d;
    }
    for (const struct doc *e = v->first; e; e = e->next) {
        if (e->t == DOC_NULL) {
            report(x, C2309, e, "\"%s\": null in this object is left out", k->key);
            continue;
        }
        struct doc *s = as_string(x, k, e);
        s->key = e->key;
        doc_append(d, s);
    }
    return d;
}

static struct doc *as_object(struct ctx *x, const struct node_key *keys, uint32_t n_keys, const struct doc *v);

static struct doc *
as_nested(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    if (v->t == DOC_MAP) {
        return as_object(x, k->keys, k->n_keys, v);
    }
    wrong(x, C2304, k, v, "an object");
    return value_like(x, v, DOC_MAP);
}

static struct doc *
as_json(struct ctx *x, const struct node_key *k, const struct doc *v)
{
    (void)k;
    struct tbe_buf b = { 0 };
    doc_json(&b, v);
    struct doc *d = value_like(x, v, DOC_STR);
    d->s = tbe_arena_dup(x->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return d;
}

typedef struct doc *as_fn(struct ctx *x, const struct node_key *k, const struct doc *v);
static as_fn *const by_kind[] = { [KEY_STRING] = as_string, [KEY_BOOL] = as_bool,       [KEY_INT] = as_int,
                                  [KEY_NUMBER] = as_number, [KEY_ENUM] = as_enum,       [KEY_STRINGS] = as_strings,
                                  [KEY_MAP] = as_map,       [KEY_OBJECT] = as_nested,   [KEY_JSON] = as_json };

/* ---- an object ---------------------------------------------------------------------------------- */

/* What null stands for: nothing for references, zero for primitives, an empty list for lists. */
static struct doc *
null_value(struct ctx *x, const struct node_key *k, const struct doc *at)
{
    static const enum doc_type types[] = { [KEY_STRING] = DOC_NULL, [KEY_BOOL] = DOC_BOOL, [KEY_INT] = DOC_INT,
                                           [KEY_NUMBER] = DOC_NUM,  [KEY_ENUM] = DOC_INT,  [KEY_STRINGS] = DOC_LIST,
                                           [KEY_MAP] = DOC_MAP,     [KEY_OBJECT] = DOC_NULL, [KEY_JSON] = DOC_NULL };
    struct doc *d = doc_new(x->a, types[k->kind], at->line, at->col);
    if (k->kind == KEY_ENUM || k->kind == KEY_STRINGS || k->kind == KEY_MAP) {
        d->i = -1; /* lists and maps: null, not empty */
    } else if (k->kind == KEY_NUMBER || k->kind == KEY_INT) {
        d->s = TBE_STR("0");
    }
    return d;
}

static struct doc *
one_key(struct ctx *x, const struct node_key *k, const struct doc *obj, const struct doc *v)
{
    bool empty = v && v->t == DOC_MAP && v->n == 0;
    if (k->null_error && (!v || v->t == DOC_NULL || (empty && k->kind == KEY_MAP))) {
        report(x, C2307, v ? v : obj, "%s", k->null_error);
        stop(x, tbe_strz(k->null_error));
        return null_value(x, k, obj);
    }
    if (k->range_error) { /* an absent interval counts as 0 */
        long long i = v && v->t == DOC_INT ? (long long)v->i : 0;
        if (i < k->min || i > k->max) {
            struct tbe_str got = tbe_arena_fmt(x->a, "%lld", i);
            struct tbe_buf b = { 0 };
            const char *s = strstr(k->range_error, "%s");
            tbe_buf_put(&b, k->range_error, s ? (size_t)(s - k->range_error) : strlen(k->range_error));
            tbe_buf_puts(&b, got);
            tbe_buf_putz(&b, s ? s + 2 : "");
            report(x, C2306, v ? v : obj, "%.*s", (int)b.n, b.p);
            tbe_buf_free(&b);
            stop_convert(x);
            return null_value(x, k, obj);
        }
    }
    if (!v && k->def) {
        v = doc_parse_own(x->a, k->def);
    }
    if (!v && k->kind == KEY_OBJECT) {
        report(x, C2307, obj, "\"%s\" is missing", k->key);
        stop_convert(x);
    }
    if (!v && k->kind == KEY_ENUM && !k->nullable && !k->lenient) {
        report(x, C2307, obj, "\"%s\" is missing", k->key);
        stop_convert(x);
    }
    if (!v || (v->t == DOC_NULL && k->kind != KEY_OBJECT)) {
        return null_value(x, k, v ? v : obj);
    }
    if (v->t == DOC_NULL && k->def) {
        v = doc_parse_own(x->a, k->def);
    }
    return by_kind[k->kind](x, k, v);
}

static void
check_unknown(struct ctx *x, const struct node_key *keys, uint32_t n_keys, const struct doc *obj)
{
    for (const struct doc *m = obj->first; m; m = m->next) {
        bool known = false;
        for (uint32_t i = 0; i < n_keys; i++) {
            known |= tbe_str_eqz(m->key, keys[i].key);
        }
        if (!known) {
            struct doc at = *m;
            at.line = m->key_line ? m->key_line : m->line;
            at.col = m->key_line ? m->key_col : m->col;
            struct diag_pos pos = doc_pos(x->file, m);
            pos.line = at.line;
            pos.col = at.col;
            const struct chain_node *s = x->n->src;
            diag_add(x->ds, C2308, pos,
                     "node %u \"%.*s\": unknown key \"%.*s\" is ignored (ThingsBoard does not start a node with it)",
                     s->index, (int)s->name.n, s->name.p, (int)m->key.n, m->key.p);
        }
    }
}

static struct doc *
as_object(struct ctx *x, const struct node_key *keys, uint32_t n_keys, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_MAP);
    struct tbe_str type = doc_text(v, "type");
    check_unknown(x, keys, n_keys, v);
    for (uint32_t i = 0; i < n_keys; i++) {
        const struct node_key *k = &keys[i];
        if (k->when_type && !tbe_str_eqz(type, k->when_type)) {
            continue; /* not read for this type; the field stays zero */
        }
        struct doc *m = one_key(x, k, v, doc_get(v, k->key));
        m->key = tbe_strz(k->key);
        doc_append(d, m);
    }
    return d;
}

/* ---- rules of single classes that a schema cannot say --------------------------------------------- */

/* Where a key stands in the file: reports lead there. */
static const struct doc *
given(struct ctx *x, const char *key)
{
    const struct doc *d = doc_get(x->n->src->config, key);
    return d ? d : x->n->src->config ? x->n->src->config : x->n->src->doc;
}

static void
rule_create_alarm(struct ctx *x, const struct doc *cfg)
{
    static const char *const severities[] = { "CRITICAL", "MAJOR", "MINOR", "WARNING", "INDETERMINATE" };
    const struct doc *severity = doc_get(cfg, "severity");
    struct tbe_str type = doc_text(cfg, "alarmType");
    bool ok = doc_true(cfg, "dynamicSeverity");
    for (size_t i = 0; i < sizeof severities / sizeof severities[0]; i++) {
        ok |= severity->t == DOC_STR && tbe_str_eqz(severity->s, severities[i]);
    }
    if (!ok) {
        struct tbe_str got = severity->t == DOC_STR ? severity->s : TBE_STR("null");
        struct tbe_str text = tbe_arena_fmt(x->a, "Incorrect Alarm Severity value: %.*s", (int)got.n, got.p);
        report(x, C2311, given(x, "severity"), "%.*s", (int)text.n, text.p);
        stop(x, text);
    }
    for (size_t i = 0; i + 1 < type.n; i++) {
        unsigned char c = (unsigned char)type.p[i + 1];
        if (type.p[i] == '<' && (c == '/' || (c | 32) >= 'a') && (c | 32) <= 'z' &&
            memchr(type.p + i, '>', type.n - i)) {
            report(x, C2313, given(x, "alarmType"),
                   "ThingsBoard does not save this: '%.*s' node configuration is invalid: alarmType is malformed",
                   (int)x->n->src->name.n, x->n->src->name.p);
            return;
        }
    }
}

static void
rule_rule_chain(struct ctx *x, const struct doc *cfg)
{
    const struct doc *id = doc_get(cfg, "ruleChainId");
    struct tbe_uuid u;
    if (id && id->t == DOC_STR && !tbe_uuid_parse(id->s, &u)) {
        struct tbe_str text = tbe_arena_fmt(x->a, "Failed to parse rule chain id: %.*s", (int)id->s.n, id->s.p);
        report(x, C2311, given(x, "ruleChainId"), "Invalid UUID string: %.*s", (int)id->s.n, id->s.p);
        stop(x, text);
    }
}

static void
rule_save(struct ctx *x, const struct doc *cfg)
{
    const struct doc *set = doc_get(x->n->src->config, "processingSettings");
    (void)cfg;
    if (x->n->src->config && x->n->src->version >= x->n->cls->version && (!set || set->t == DOC_NULL)) {
        report(x, C2313, given(x, "processingSettings"),
               "ThingsBoard does not save this: '%.*s' node configuration is invalid: processingSettings must not "
               "be null",
               (int)x->n->src->name.n, x->n->src->name.p);
    }
}

static const struct {
    const char *name;
    void (*fn)(struct ctx *x, const struct doc *cfg);
} rules[] = { { "create_alarm", rule_create_alarm },
              { "rule_chain", rule_rule_chain },
              { "save_timeseries", rule_save },
              { "save_attributes", rule_save } };

/* ---- entry -------------------------------------------------------------------------------------- */

/* The configuration to start from: the given one upgraded, or the default one (6). */
static struct doc *
start_config(struct ctx *x)
{
    const struct chain_node *s = x->n->src;
    const struct node_class *cls = x->n->cls;
    const struct doc *given = s->config;
    if (given && given->t != DOC_MAP) {
        report(x, C2304, given, "\"configuration\" must be an object, got %s", doc_type_name(given->t));
        stop_convert(x);
        return NULL;
    }
    struct doc *config = given ? doc_copy(x->a, given) : doc_parse_own(x->a, cls->default_config);
    config->up = given ? given->up : NULL; /* pointers of what is reported lead to the file */
    if (given && s->version < cls->version) {
        config_upgrade(x->a, cls, s->version, config);
    } else if (s->version > cls->version) {
        report(x, C2310, s->doc, "configurationVersion %lld is newer than this compiler knows (%d)",
               (long long)s->version, cls->version);
    }
    return config;
}

void
check_config(struct tbe_arena *a, struct diags *ds, const char *file, struct checked_node *n)
{
    struct ctx x = { a, ds, file, n };
    const struct doc *from = n->cls->ignored ? doc_parse_own(a, "{}") : start_config(&x);
    if (!from) {
        return;
    }
    n->upgraded = n->cls->ignored ? NULL : from;
    struct doc *config = as_object(&x, n->cls->keys, n->cls->n_keys, from);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!n->broken.p && strcmp(rules[i].name, n->cls->name) == 0) {
            rules[i].fn(&x, config);
        }
    }
    n->config = config;
}
