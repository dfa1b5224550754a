/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of one node's configuration by its schema. The result is a configuration in which every key
 * of the class is there and has its type, so that the emitter needs no decisions. Values are converted as
 * the reference's JSON mapper does (texts that hold numbers, numbers for booleans); what it cannot
 * convert stops the node. */
#include "config.h"
#include "check/config_ctx.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
config_report(struct config_ctx *x, enum diag_code code, const struct doc *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct tbe_str what = tbe_arena_vfmt(x->a, fmt, ap);
    va_end(ap);
    const struct chain_node *s = x->n->src;
    diag_add(x->ds, code, doc_pos(x->file, at), "node %u \"%.*s\": %.*s", s->index, (int)s->name.n, s->name.p,
             (int)what.n, what.p);
}

void
config_stop(struct config_ctx *x, struct tbe_str why)
{
    if (!x->n->broken.p) {
        x->n->broken = why;
    }
}

/* The reference's own words for a configuration it cannot convert. */
static void
stop_convert(struct config_ctx *x)
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
    config_stop(x, tbe_arena_dup(x->a, tbe_buf_str(&b)));
    tbe_buf_free(&b);
}

static struct tbe_str
shown(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    if (k->secret || k->secret_keys) {
        return TBE_STR("another value"); /* not to be read in a log */
    }
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
wrong(struct config_ctx *x, enum diag_code code, const struct node_key *k, const struct doc *v, const char *wanted)
{
    struct tbe_str got = shown(x, k, v);
    config_report(x, code, v, "\"%s\" must be %s, got %.*s", k->key, wanted, (int)got.n, got.p);
    stop_convert(x);
}

static void
converted(struct config_ctx *x, const struct node_key *k, const struct doc *v, const char *wanted)
{
    struct tbe_str got = shown(x, k, v);
    config_report(x, C2309, v, "\"%s\" should be %s; %.*s is converted", k->key, wanted, (int)got.n, got.p);
}

static struct doc *
value_like(struct config_ctx *x, const struct doc *v, enum doc_type t)
{
    struct doc *d = doc_new(x->a, t, v->line, v->col);
    d->s = v->s;
    return d;
}

/* ---- one function per kind: the value as the class has it ---------------------------------------- */

static struct doc *
as_string(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_STR);
    if (v->t == DOC_STR) {
        config_check_text(x, k, v);
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
as_bool(struct config_ctx *x, const struct node_key *k, const struct doc *v)
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
int_wanted(struct config_ctx *x, const struct node_key *k)
{
    if (k->min == INT64_MIN && k->max == INT64_MAX) {
        return "an integer";
    }
    return tbe_arena_fmt(x->a, "an integer from %lld to %lld", (long long)k->min, (long long)k->max).p;
}

static struct doc *
as_int(struct config_ctx *x, const struct node_key *k, const struct doc *v)
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
as_number(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    char *end = NULL;
    if (v->t == DOC_STR && v->s.n && v->s.n < 40 && strspn(v->s.p, "+-.0123456789eE") >= v->s.n) {
        (void)strtod(v->s.p, &end);
    }
    if (end && end == v->s.p + v->s.n) {
        converted(x, k, v, "a number");
    } else if (v->t != DOC_INT && v->t != DOC_NUM) {
        wrong(x, C2304, k, v, "a number");
        struct doc *zero = value_like(x, v, DOC_NUM);
        zero->s = TBE_STR("0");
        return zero;
    }
    return value_like(x, v, DOC_NUM);
}

static struct doc *
as_enum(struct config_ctx *x, const struct node_key *k, const struct doc *v)
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
    struct tbe_str got = shown(x, k, v);
    config_report(x, C2312, v, "\"%s\" should be %s, got %.*s: messages that need it will fail", k->key, wanted.p,
           (int)got.n, got.p);
    d->i = -1;
    return d;
}

static struct doc *
as_strings(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_LIST);
    if (v->t != DOC_LIST) {
        wrong(x, C2304, k, v, "a list of strings");
        return d;
    }
    for (const struct doc *e = v->first; e; e = e->next) {
        if (e->t == DOC_NULL) {
            config_report(x, C2309, e, "\"%s\": null in this list is left out", k->key);
        } else {
            doc_append(d, as_string(x, k, e));
        }
    }
    return d;
}

static struct doc *
as_map(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_MAP);
    if (v->t != DOC_MAP) {
        wrong(x, C2304, k, v, "an object of strings");
        return d;
    }
    for (const struct doc *e = v->first; e; e = e->next) {
        if (e->t == DOC_NULL) {
            config_report(x, C2309, e, "\"%s\": null in this object is left out", k->key);
            continue;
        }
        struct doc *s = as_string(x, k, e);
        s->key = e->key;
        doc_append(d, s);
    }
    return d;
}

static struct doc *as_object(struct config_ctx *x, const struct node_key *keys, uint32_t n_keys, const struct doc *v,
                             bool open);

static struct doc *
as_enums(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_LIST);
    if (v->t != DOC_LIST) {
        wrong(x, C2304, k, v, "a list");
        return d;
    }
    for (const struct doc *e = v->first; e; e = e->next) {
        if (e->t != DOC_NULL) {
            doc_append(d, as_enum(x, k, e));
        }
    }
    return d;
}

static struct doc *
as_objects(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    struct doc *d = value_like(x, v, DOC_LIST);
    if (v->t != DOC_LIST) {
        wrong(x, C2304, k, v, "a list of objects");
        return d;
    }
    for (const struct doc *e = v->first; e; e = e->next) {
        if (e->t == DOC_MAP) {
            doc_append(d, as_object(x, k->keys, k->n_keys, e, k->open));
        } else if (e->t != DOC_NULL) {
            wrong(x, C2304, k, e, "a list of objects");
        }
    }
    return d;
}

static struct doc *
as_nested(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    if (v->t == DOC_MAP) {
        return as_object(x, k->keys, k->n_keys, v, k->open);
    }
    wrong(x, C2304, k, v, "an object");
    return value_like(x, v, DOC_MAP);
}

static struct doc *
as_json(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    (void)k;
    struct tbe_buf b = { 0 };
    doc_json(&b, v);
    struct doc *d = value_like(x, v, DOC_STR);
    d->s = tbe_arena_dup(x->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return d;
}

typedef struct doc *as_fn(struct config_ctx *x, const struct node_key *k, const struct doc *v);
static as_fn *const by_kind[] = { [KEY_STRING] = as_string, [KEY_BOOL] = as_bool,       [KEY_INT] = as_int,
                                  [KEY_NUMBER] = as_number, [KEY_ENUM] = as_enum,       [KEY_STRINGS] = as_strings,
                                  [KEY_MAP] = as_map,       [KEY_OBJECT] = as_nested,   [KEY_JSON] = as_json,
                                  [KEY_ENUMS] = as_enums,   [KEY_OBJECTS] = as_objects };

/* ---- an object ---------------------------------------------------------------------------------- */

/* What null stands for: nothing for references, zero for primitives, an empty list for lists. */
static struct doc *
null_value(struct config_ctx *x, const struct node_key *k, const struct doc *at)
{
    static const enum doc_type types[] = { [KEY_STRING] = DOC_NULL, [KEY_BOOL] = DOC_BOOL, [KEY_INT] = DOC_INT,
                                           [KEY_NUMBER] = DOC_NUM,  [KEY_ENUM] = DOC_INT,  [KEY_STRINGS] = DOC_LIST,
                                           [KEY_MAP] = DOC_MAP,     [KEY_OBJECT] = DOC_NULL, [KEY_JSON] = DOC_NULL,
                                           [KEY_ENUMS] = DOC_LIST,  [KEY_OBJECTS] = DOC_LIST };
    struct doc *d = doc_new(x->a, types[k->kind], at->line, at->col);
    if (k->kind == KEY_ENUM || d->t == DOC_LIST || d->t == DOC_MAP) {
        d->i = -1; /* lists and maps: null, not empty */
    } else if (k->kind == KEY_NUMBER || k->kind == KEY_INT) {
        d->s = TBE_STR("0");
    }
    return d;
}

/* Nothing where the class wants something? */
static bool
is_missing(const struct node_key *k, const struct doc *v)
{
    if (!v || v->t == DOC_NULL) {
        return true;
    }
    bool empty = v->t == DOC_STR ? v->s.n == 0 : (v->t == DOC_LIST || v->t == DOC_MAP) && v->n == 0;
    return empty && k->not_empty;
}

/* True when the value is out of its range, after the report. */
static bool
out_of_range(struct config_ctx *x, const struct node_key *k, const struct doc *obj, const struct doc *v)
{
    long long i = v && v->t == DOC_INT ? (long long)v->i : 0; /* an absent interval counts as 0 */
    if (!k->range_error || (i >= k->min && i <= k->max)) {
        return false;
    }
    struct tbe_str got = tbe_arena_fmt(x->a, "%lld", i);
    struct tbe_buf b = { 0 };
    const char *s = strstr(k->range_error, "%s");
    tbe_buf_put(&b, k->range_error, s ? (size_t)(s - k->range_error) : strlen(k->range_error));
    tbe_buf_puts(&b, got);
    tbe_buf_putz(&b, s ? s + 2 : "");
    config_report(x, C2306, v ? v : obj, "\"%s\": %.*s", k->key, (int)b.n, b.p);
    tbe_buf_free(&b);
    stop_convert(x);
    return true;
}

/* Would the UI write this key into a new configuration as the file's others are? Keys that came later are missing
 * in older exports, all of one age together; what is null by default may as well be left out. */
static bool
is_expected(const struct config_ctx *x, const struct node_key *keys, uint32_t n_keys, const struct node_key *k,
            const struct doc *obj)
{
    bool young = k->later == 0;
    for (uint32_t i = 0; i < n_keys && !young; i++) {
        young = keys[i].later >= k->later && doc_get(obj, keys[i].key);
    }
    if (!x->complete || k->script || !young) {
        return false;
    }
    bool null = !k->def || strcmp(k->def, "null") == 0, top = keys == x->n->cls->keys;
    const struct doc *def = null && top ? doc_get(doc_parse_own(x->a, x->n->cls->default_config), k->key) : NULL;
    return !null || (def && def->t != DOC_NULL);
}

/* A key that is not given: an error when the class cannot do without, a note when it has another meaning than
 * the UI would write. */
static void
report_absent(struct config_ctx *x, const struct node_key *k, const struct doc *obj, bool expected)
{
    if (k->kind == KEY_OBJECT && !k->nullable && !k->def) {
        config_report(x, C2307, obj, "\"%s\" is missing", k->key);
        stop_convert(x);
    } else if (k->kind == KEY_ENUM && !k->nullable && !k->lenient && !k->def) {
        config_report(x, C2307, obj, "\"%s\" is missing", k->key);
        stop_convert(x);
    } else if (expected && x->n_absent < CONFIG_MAX_ABSENT) {
        x->absent[x->n_absent++] = (struct config_absent){ obj, k };
    }
}

/* One note for each object that leaves keys out; not for a node that does not start: that says it. */
static void
report_all_absent(struct config_ctx *x)
{
    for (uint32_t i = 0, k; i < x->n_absent && !x->n->broken.p; i = k) {
        struct tbe_buf b = { 0 };
        for (k = i; k < x->n_absent && x->absent[k].obj == x->absent[i].obj; k++) {
            const struct node_key *key = x->absent[k].key;
            tbe_buf_fmt(&b, "%s\"%s\" (counts as %s)", k > i ? ", " : "", key->key, key->def ? key->def : "null");
        }
        config_report(x, C2314, x->absent[i].obj, "not given: %.*s", (int)b.n, b.p);
        tbe_buf_free(&b);
    }
}

static struct doc *
one_key(struct config_ctx *x, const struct node_key *k, const struct doc *obj, const struct doc *v, bool expected)
{
    if (k->null_error && is_missing(k, v)) {
        config_report(x, C2307, v ? v : obj, "\"%s\": %s", k->key, k->null_error);
        config_stop(x, tbe_strz(k->null_error));
        return null_value(x, k, obj);
    }
    if (out_of_range(x, k, obj, v)) {
        return null_value(x, k, obj);
    }
    if (!v) {
        report_absent(x, k, obj, expected);
    }
    bool complete = x->complete;
    if (k->def && (!v || (v->t == DOC_NULL && k->kind == KEY_OBJECT && !k->nullable))) {
        struct doc *own = doc_parse_own(x->a, k->def);
        own->line = obj->line;
        own->col = obj->col;
        v = own;
        x->complete = false;
    }
    struct doc *d = !v || (v->t == DOC_NULL && (k->kind != KEY_OBJECT || k->nullable))
                        ? null_value(x, k, v ? v : obj) : by_kind[k->kind](x, k, v);
    x->complete = complete;
    return d;
}

/* Number of single edits between two short texts, or more than 2. */
static int
edits(struct tbe_str a, const char *z)
{
    size_t n = strlen(z);
    int row[48], diag, up;
    if (a.n >= 47 || n >= 47) {
        return 3;
    }
    for (size_t k = 0; k <= n; k++) {
        row[k] = (int)k;
    }
    for (size_t i = 1; i <= a.n; i++) {
        diag = row[0];
        row[0] = (int)i;
        for (size_t k = 1; k <= n; k++) {
            up = row[k];
            int best = diag + (a.p[i - 1] != z[k - 1]);
            best = up + 1 < best ? up + 1 : best;
            row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            diag = up;
        }
    }
    return row[n];
}

static void
check_unknown(struct config_ctx *x, const struct node_key *keys, uint32_t n_keys, const struct doc *obj, bool open)
{
    uint32_t unknown = 0;
    for (const struct doc *m = obj->first; m; m = m->next) {
        const char *near = NULL;
        bool known = false;
        for (uint32_t i = 0; i < n_keys && !known; i++) {
            known = tbe_str_eqz(m->key, keys[i].key);
        }
        unknown += !known;
        for (uint32_t i = 0; i < n_keys && !known && unknown < 100; i++) { /* guesses are for people */
            near = edits(m->key, keys[i].key) <= 2 ? keys[i].key : near;
        }
        bool top = keys == x->n->cls->keys;
        if (known || (open && !near && !top)) {
            continue;
        }
        struct diag_pos pos = doc_key_pos(x->file, m);
        const struct chain_node *s = x->n->src;
        diag_add_as(x->ds, open && !near ? DIAG_NOTE : DIAG_WARNING, C2308, pos, "node %u \"%.*s\": unknown key \"%.*s\" is ignored%s", s->index, (int)s->name.n,
                 s->name.p, (int)m->key.n, m->key.p, open ? "" : " (ThingsBoard does not start a node with it)");
        if (near) {
            diag_hint(x->ds, "Did you mean \"%s\"?", near);
        }
    }
}

static struct doc *
as_object(struct config_ctx *x, const struct node_key *keys, uint32_t n_keys, const struct doc *v, bool open)
{
    struct doc *d = value_like(x, v, DOC_MAP);
    struct tbe_str type = doc_text(v, "type");
    check_unknown(x, keys, n_keys, v, open);
    bool complete = x->complete;
    x->complete &= !open || keys == x->n->cls->keys;
    for (uint32_t i = 0; i < n_keys; i++) {
        const struct node_key *k = &keys[i];
        if (k->when_type && !tbe_str_eqz(type, k->when_type)) {
            continue; /* not read for this type; the field stays zero */
        }
        struct doc *m = one_key(x, k, v, doc_get(v, k->key), !doc_get(v, k->key) && is_expected(x, keys, n_keys, k, v));
        m->key = tbe_strz(k->key);
        doc_append(d, m);
    }
    x->complete = complete;
    return d;
}

/* ---- entry -------------------------------------------------------------------------------------- */

/* Would the reference's mapper take this configuration as it is? */
static bool
parses(struct config_ctx *x, const struct doc *config)
{
    struct diags none;
    struct checked_node n = *x->n;
    struct config_ctx y = { .a = x->a, .ds = &none, .file = x->file, .n = &n };
    bool ok = true;
    diags_init(&none, x->a);
    (void)as_object(&y, x->n->cls->keys, x->n->cls->n_keys, config, x->n->cls->open);
    for (uint32_t i = 0; i < none.n; i++) { /* what is missing is found only when the node starts */
        ok &= none.v[i].code != C2304 && none.v[i].code != C2305 && none.v[i].code != C2308;
    }
    return ok;
}

/* A file that lost its configurationVersion has keys of the present one, which the upgrade makes anew. */
static void
tell_overwritten(struct config_ctx *x, const struct doc *config)
{
    const struct node_class *cls = x->n->cls;
    for (uint32_t i = 0; i < cls->n_upgrades; i++) {
        const struct upgrade_op *op = &cls->upgrades[i];
        bool sets = (op->kind == UPGRADE_SET && !op->if_false) || op->kind == UPGRADE_MAP || op->kind == UPGRADE_RENAME;
        const char *key = op->into ? op->into : op->key;
        const struct doc *was = sets && x->n->src->version < op->below ? doc_get(x->n->src->config, key) : NULL;
        const struct doc *is = was ? doc_get(config, key) : NULL;
        if (was && is && !doc_same(was, is)) {
            config_report(x, C2319, was, "\"%s\" is a key of version %d, but configurationVersion is %lld: the upgrade "
                          "replaces it", key, op->below, (long long)x->n->src->version);
        }
    }
}

/* The given configuration at the class's version (6). */
static struct doc *
upgraded(struct config_ctx *x, struct doc *config)
{
    const struct chain_node *s = x->n->src;
    const struct node_class *cls = x->n->cls;
    if (config_upgrade(x->a, cls, s->version, config, &x->n->queue) == 0) {
        tell_overwritten(x, config);
        return config;
    }
    struct doc *as_given = doc_copy(x->a, s->config);
    bool kept = parses(x, as_given);
    config_report(x, C2317, s->config, "the configuration of version %lld cannot be brought to version %d: %s",
                  (long long)s->version, cls->version,
                  kept ? "it is taken as it is" : "the default configuration is taken");
    return kept ? as_given : doc_parse_own(x->a, cls->default_config);
}

/* The configuration to start from: the given one upgraded, or the default one (6). */
static struct doc *
start_config(struct config_ctx *x)
{
    const struct chain_node *s = x->n->src;
    const struct node_class *cls = x->n->cls;
    struct doc *given = s->config;
    bool old = s->version >= 0 && s->version < cls->version;
    if (given && given->t != DOC_MAP && !old) {
        config_report(x, C2304, given, "\"configuration\" must be an object, got %s", doc_type_name(given->t));
        stop_convert(x);
        return NULL;
    }
    if (given && given->t != DOC_MAP) {
        config_report(x, C2317, given, "\"configuration\" is %s: the default configuration is taken",
                      doc_type_name(given->t));
        given = NULL;
    } else if (!given && s->version >= 0 && !cls->ignored) {
        config_report(x, C2314, s->doc, "\"configuration\" is not given: the default one is taken");
    }
    struct doc *config = given ? doc_copy(x->a, given) : doc_parse_own(x->a, cls->default_config);
    if (given && old) {
        config = upgraded(x, config);
    } else if (s->version > cls->version) {
        const struct doc *v = doc_get(s->doc, "configurationVersion");
        config_report(x, C2310, v ? v : s->doc, "configurationVersion %lld is newer than this compiler knows (%d)",
                      (long long)s->version, cls->version);
    }
    config->up = given ? given->up : (struct doc *)s->doc; /* pointers of what is reported lead to the file */
    config->key = TBE_STR("configuration");
    if (!given) {
        config->line = s->doc->line;
        config->col = s->doc->col;
    }
    x->complete = given && s->version >= cls->version;
    return config;
}

void
check_config(struct tbe_arena *a, struct diags *ds, const char *file, struct checked_node *n)
{
    struct config_ctx x = { .a = a, .ds = ds, .file = file, .n = n };
    n->queue = n->src->queue;
    const struct doc *from = n->cls->ignored && !(n->src->config && n->src->config->t == DOC_MAP)
                                 ? doc_parse_own(a, "{}") : start_config(&x);
    if (!from) {
        return;
    }
    n->upgraded = n->cls->ignored && !n->cls->n_upgrades ? NULL : from;
    if (n->cls->ignored) {
        from = doc_parse_own(a, "{}");
        x.complete = false;
    }
    struct doc *config = as_object(&x, n->cls->keys, n->cls->n_keys, from, n->cls->open);
    if (!n->broken.p) {
        config_rules(&x, config);
    }
    report_all_absent(&x);
    n->config = config;
}
