/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema 2020-12 on the tree of a document, as far as schemas/chain-test.json uses it. The schema is
 * compiled in; a keyword that is not known here is a mistake of that file and found by its test. */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "drive/test_int.h"
#include "drive/test_schema_text.h"

#define DEPTH_MAX 200 /* of schemas in schemas; documents end at DOC_MAX_DEPTH */

struct checker {
    struct tbe_arena *a;
    struct diags *ds; /* NULL: only the answer is wanted */
    const char *file;
    const struct doc *root; /* of the schema */
    int depth;
};

static bool check(struct checker *k, const struct doc *s, const struct doc *d);

static bool
wrong(struct checker *k, const struct doc *d, const char *fmt, ...) TBE_PRINTF(3, 4);

static bool
wrong(struct checker *k, const struct doc *d, const char *fmt, ...)
{
    if (k->ds) {
        va_list ap;
        va_start(ap, fmt);
        struct tbe_str t = tbe_arena_vfmt(k->a, fmt, ap);
        va_end(ap);
        diag_add(k->ds, C2901, doc_pos(k->file, d), "%.*s", (int)t.n, t.p);
    }
    return false;
}

static struct tbe_str
brief(struct checker *k, const struct doc *d)
{
    return test_show(k->a, d);
}

static bool
is_type(const struct doc *d, struct tbe_str t)
{
    static const struct {
        const char *name;
        unsigned types;
    } types[] = { { "null", 1u << DOC_NULL }, { "boolean", 1u << DOC_BOOL }, { "integer", 1u << DOC_INT },
                  { "number", 1u << DOC_INT | 1u << DOC_NUM }, { "string", 1u << DOC_STR },
                  { "array", 1u << DOC_LIST }, { "object", 1u << DOC_MAP } };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (tbe_str_eqz(t, types[i].name)) {
            return types[i].types >> d->t & 1;
        }
    }
    return false;
}

static bool
check_type(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    (void)s;
    if (v->t == DOC_STR ? is_type(d, v->s) : false) {
        return true;
    }
    for (const struct doc *t = v->t == DOC_LIST ? v->first : NULL; t; t = t->next) {
        if (is_type(d, t->s)) {
            return true;
        }
    }
    struct tbe_str want = v->t == DOC_STR ? v->s : brief(k, v);
    return wrong(k, d, "this is %s, but should be of type %.*s", doc_type_name(d->t), (int)want.n, want.p);
}

static bool
same(const struct doc *a, const struct doc *b)
{
    return a->t == b->t && (a->t == DOC_STR ? tbe_str_eq(a->s, b->s) : a->t > DOC_INT ? false : a->i == b->i);
}

static bool
check_enum(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    (void)s;
    for (const struct doc *e = v->first; e; e = e->next) {
        if (same(e, d)) {
            return true;
        }
    }
    struct tbe_str got = brief(k, d), want = brief(k, v);
    return wrong(k, d, "%.*s is not one of %.*s", (int)got.n, got.p, (int)want.n, want.p);
}

static bool
check_required(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    bool ok = true;
    (void)s;
    for (const struct doc *e = v->first; e && d->t == DOC_MAP; e = e->next) {
        if (!doc_get_str(d, e->s)) {
            ok = wrong(k, d, "\"%.*s\" is missing here", (int)e->s.n, e->s.p);
        }
    }
    return ok;
}

static bool
check_properties(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    bool ok = true;
    (void)s;
    for (const struct doc *m = d->t == DOC_MAP ? d->first : NULL; m; m = m->next) {
        const struct doc *p = doc_get_str(v, m->key);
        ok = (!p || check(k, p, m)) && ok;
    }
    return ok;
}

static bool
check_additional(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    bool ok = true;
    const struct doc *known = doc_get(s, "properties");
    for (const struct doc *m = d->t == DOC_MAP ? d->first : NULL; m; m = m->next) {
        if (known && doc_get_str(known, m->key)) {
            continue;
        }
        if (v->t == DOC_BOOL && !v->i) {
            struct doc at = *m; /* where the key stands */
            at.line = m->key_line;
            at.col = m->key_col;
            ok = wrong(k, &at, "the key \"%.*s\" is not known here", (int)m->key.n, m->key.p);
        } else {
            ok = check(k, v, m) && ok;
        }
    }
    return ok;
}

static bool
check_names(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    bool ok = true;
    (void)s;
    for (const struct doc *m = d->t == DOC_MAP ? d->first : NULL; m; m = m->next) {
        struct doc *name = doc_new(k->a, DOC_STR, m->key_line, m->key_col);
        name->s = m->key;
        ok = check(k, v, name) && ok;
    }
    return ok;
}

static bool
check_items(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    bool ok = true;
    (void)s;
    for (const struct doc *m = d->t == DOC_LIST ? d->first : NULL; m; m = m->next) {
        ok = check(k, v, m) && ok;
    }
    return ok;
}

/* Characters of UTF-8 text. */
static int64_t
length(struct tbe_str s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    }
    return n;
}

static const struct {
    const char *key;
    enum doc_type t;
    bool most;
    const char *what;
} bounds[] = { { "minItems", DOC_LIST, false, "entries" },    { "maxItems", DOC_LIST, true, "entries" },
               { "minProperties", DOC_MAP, false, "keys" },   { "maxProperties", DOC_MAP, true, "keys" },
               { "minLength", DOC_STR, false, "characters" }, { "maxLength", DOC_STR, true, "characters" },
               { "minimum", DOC_INT, false, NULL },           { "maximum", DOC_INT, true, NULL } };

static bool
check_bound(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    (void)s;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        if (!tbe_str_eqz(v->key, bounds[i].key) || d->t != bounds[i].t) {
            continue;
        }
        int64_t n = d->t == DOC_INT ? d->i : d->t == DOC_STR ? length(d->s) : (int64_t)d->n;
        if (bounds[i].most ? n <= v->i : n >= v->i) {
            return true;
        }
        return bounds[i].what ? wrong(k, d, "%lld %s, but %s %lld are allowed", (long long)n, bounds[i].what,
                                      bounds[i].most ? "at most" : "no less than", (long long)v->i)
                              : wrong(k, d, "%lld is out of range: %s %lld", (long long)n,
                                      bounds[i].most ? "at most" : "at least", (long long)v->i);
    }
    return true;
}

static bool
check_pattern(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    (void)s;
    if (d->t != DOC_STR || test_regex(v->s, d->s) > 0) {
        return true;
    }
    struct tbe_str got = brief(k, d);
    return wrong(k, d, "%.*s is not of the form %.*s", (int)got.n, got.p, (int)v->s.n, v->s.p);
}

static bool
check_ref(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    const char prefix[] = "#/$defs/";
    size_t n = sizeof prefix - 1;
    (void)s;
    const struct doc *t = v->s.n > n && memcmp(v->s.p, prefix, n) == 0
                              ? doc_get_str(doc_get(k->root, "$defs"), (struct tbe_str){ v->s.p + n, v->s.n - n })
                              : NULL;
    return t ? check(k, t, d) : wrong(k, d, "the schema refers to %.*s, which is not there", (int)v->s.n, v->s.p);
}

/* The alternative that can be meant: the first whose type fits, to tell what is wrong inside it. */
static const struct doc *
meant(struct checker *k, const struct doc *v, const struct doc *d)
{
    for (const struct doc *e = v->first; e; e = e->next) {
        const struct doc *t = e;
        while (t && doc_get(t, "$ref")) {
            struct tbe_str r = doc_get(t, "$ref")->s;
            t = r.n > 8 ? doc_get_str(doc_get(k->root, "$defs"), (struct tbe_str){ r.p + 8, r.n - 8 }) : NULL;
        }
        const struct doc *type = doc_get(t, "type");
        if (type && type->t == DOC_STR && is_type(d, type->s)) {
            return e;
        }
    }
    return NULL;
}

static bool
check_one_of(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    struct checker quiet = *k;
    quiet.ds = NULL;
    int n = 0;
    (void)s;
    for (const struct doc *e = v->first; e; e = e->next) {
        n += check(&quiet, e, d);
    }
    if (n == 1) {
        return true;
    }
    const struct doc *m = n == 0 ? meant(k, v, d) : NULL;
    return m ? check(k, m, d) : wrong(k, d, "%s is none of what may be here", doc_type_name(d->t));
}

static bool
check_nothing(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    (void)k;
    (void)v;
    (void)s;
    (void)d;
    return true;
}

static const struct {
    const char *key;
    bool (*fn)(struct checker *k, const struct doc *value, const struct doc *schema, const struct doc *d);
} keywords[] = {
    { "type", check_type },
    { "enum", check_enum },
    { "required", check_required },
    { "properties", check_properties },
    { "additionalProperties", check_additional },
    { "propertyNames", check_names },
    { "items", check_items },
    { "minItems", check_bound },
    { "maxItems", check_bound },
    { "minProperties", check_bound },
    { "maxProperties", check_bound },
    { "minLength", check_bound },
    { "maxLength", check_bound },
    { "minimum", check_bound },
    { "maximum", check_bound },
    { "pattern", check_pattern },
    { "oneOf", check_one_of },
    { "$ref", check_ref },
    { "title", check_nothing },
    { "description", check_nothing },
    { "$schema", check_nothing },
    { "$id", check_nothing },
    { "$defs", check_nothing },
};

static bool
check_keyword(struct checker *k, const struct doc *v, const struct doc *s, const struct doc *d)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        if (tbe_str_eqz(v->key, keywords[i].key)) {
            return keywords[i].fn(k, v, s, d);
        }
    }
    return wrong(k, d, "the schema has the keyword \"%.*s\", which is not known", (int)v->key.n, v->key.p);
}

static bool
check(struct checker *k, const struct doc *s, const struct doc *d)
{
    bool ok = true;
    if (s->t == DOC_BOOL) {
        return s->i || wrong(k, d, "nothing may be here");
    }
    if (k->depth == DEPTH_MAX) {
        return wrong(k, d, "nested too deep");
    }
    k->depth++;
    const struct doc *type = doc_get(s, "type"); /* a value of the wrong type is told once, not for each keyword */
    ok = !type || check_type(k, type, s, d);
    for (const struct doc *v = ok ? s->first : NULL; v; v = v->next) {
        if (v != type) {
            ok = check_keyword(k, v, s, d) && ok;
        }
    }
    k->depth--;
    return ok;
}

bool
test_schema_match(struct tbe_arena *a, struct diags *ds, const char *file, const struct doc *root,
                  const struct doc *schema, const struct doc *d)
{
    struct checker k = { .a = a, .ds = ds, .file = file, .root = root };
    return check(&k, schema, d);
}

bool
test_schema_check(struct tbe_arena *a, struct diags *ds, const char *file, const struct doc *d)
{
    const struct doc *s = doc_parse_own(a, test_schema_text);
    return test_schema_match(a, ds, file, s, s, d);
}
