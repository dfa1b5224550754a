/* SPDX-License-Identifier: Apache-2.0 */
/* YAML reader on libyaml's events: the JSON subset of YAML 1.2's core schema plus block texts,
 * anchors and aliases. Everything ends in the same tree as JSON. */
#include "config.h"
#include "front/doc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct anchor {
    struct tbe_str name;
    const struct doc *value;
    struct anchor *next;
};

struct reader {
    struct tbe_arena *a;
    struct diags *ds;
    const char *file;
    yaml_parser_t parser;
    const char *text, *end;     /* line below starts at text; both only move on */
    size_t line;                /* 0-based */
    struct anchor *anchors;
    uint32_t depth, values;
    bool failed;
};

static struct doc *
fail(struct reader *r, enum diag_code code, yaml_mark_t at, const char *what)
{
    if (!r->failed) {
        r->failed = true;
        diag_add(r->ds, code,
                 (struct diag_pos){ .file = r->file, .line = (uint32_t)at.line + 1, .col = (uint32_t)at.column + 1 },
                 "%s", what);
    }
    return NULL;
}

static bool
next(struct reader *r, yaml_event_t *e)
{
    if (yaml_parser_parse(&r->parser, e)) {
        return true;
    }
    memset(e, 0, sizeof *e);
    struct tbe_str what = tbe_arena_fmt(r->a, "%s%s%s", r->parser.problem ? r->parser.problem : "cannot read this",
                                        r->parser.context ? " " : "", r->parser.context ? r->parser.context : "");
    fail(r, C2003, r->parser.problem_mark, what.p);
    return false;
}

static struct doc *
make(struct reader *r, enum doc_type t, yaml_mark_t at)
{
    if (++r->values > DOC_MAX_VALUES) {
        return fail(r, C2005, at, "too many values in one file");
    }
    return doc_new(r->a, t, (uint32_t)at.line + 1, (uint32_t)at.column + 1);
}

static void
anchor_add(struct reader *r, const yaml_char_t *name, const struct doc *d)
{
    if (name) {
        struct anchor *n = tbe_arena_alloc(r->a, sizeof *n);
        *n = (struct anchor){ tbe_arena_dup(r->a, tbe_strz((const char *)name)), d, r->anchors };
        r->anchors = n;
    }
}

static uint32_t
count_values(const struct doc *d)
{
    uint32_t n = 1;
    for (const struct doc *m = d->first; m; m = m->next) {
        n += count_values(m);
    }
    return n;
}

static uint32_t
count_depth(const struct doc *d)
{
    uint32_t most = 0;
    for (const struct doc *m = d->first; m; m = m->next) {
        uint32_t n = count_depth(m);
        most = n > most ? n : most;
    }
    return d->t >= DOC_LIST ? most + 1 : most;
}

static struct doc *
read_alias(struct reader *r, const yaml_event_t *e)
{
    struct tbe_str name = tbe_strz((const char *)e->data.alias.anchor);
    for (struct anchor *n = r->anchors; n; n = n->next) {
        if (!tbe_str_eq(n->name, name)) {
            continue;
        }
        r->values += count_values(n->value);
        if (r->values > DOC_MAX_VALUES) {
            return fail(r, C2005, e->start_mark, "too many values in one file");
        }
        if (r->depth + count_depth(n->value) > DOC_MAX_DEPTH) {
            return fail(r, C2004, e->start_mark, "nested too deep (limit 128)");
        }
        return doc_copy(r->a, n->value);
    }
    return fail(r, C2003, e->start_mark, "there is no anchor of this name before it");
}

/* Plain scalar of the core schema (YAML 1.2, 10.3.2). */
static void
resolve_plain(struct doc *d)
{
    static const struct {
        const char *word;
        enum doc_type t;
        int64_t i;
    } words[] = { { "", DOC_NULL, 0 },     { "~", DOC_NULL, 0 },     { "null", DOC_NULL, 0 },
                  { "Null", DOC_NULL, 0 }, { "NULL", DOC_NULL, 0 },  { "true", DOC_BOOL, 1 },
                  { "True", DOC_BOOL, 1 }, { "TRUE", DOC_BOOL, 1 },  { "false", DOC_BOOL, 0 },
                  { "False", DOC_BOOL, 0 }, { "FALSE", DOC_BOOL, 0 } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (tbe_str_eqz(d->s, words[i].word)) {
            d->t = words[i].t;
            d->i = words[i].i;
            return;
        }
    }
    const char *p = d->s.p, *end = d->s.p + d->s.n;
    p += *p == '-';
    const char *first = p;
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    bool number = p > first && !(*first == '0' && p - first > 1), whole = true;
    if (number && p < end && *p == '.') {
        whole = false;
        const char *frac = ++p;
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
        number = p > frac;
    }
    if (number && p < end && (*p | 32) == 'e') {
        whole = false;
        p++;
        p += p < end && (*p == '+' || *p == '-');
        const char *exp = p;
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
        number = p > exp;
    }
    if (!number || p != end) {
        return;
    }
    errno = 0;
    long long v = whole ? strtoll(d->s.p, NULL, 10) : 0;
    d->t = whole && errno == 0 ? DOC_INT : DOC_NUM;
    d->i = v;
}

/* Indent of the first line that is not blank behind the line a literal block starts on. */
static uint32_t
block_indent(struct reader *r, size_t line)
{
    uint32_t indent = 0;
    while (r->line <= line && r->text < r->end) {
        const char *nl = memchr(r->text, '\n', (size_t)(r->end - r->text));
        r->text = nl ? nl + 1 : r->end;
        r->line++;
    }
    for (const char *p = r->text; p < r->end && (*p == ' ' || *p == '\n'); p++) {
        indent = *p == ' ' ? indent + 1 : 0;
    }
    return indent;
}

static struct doc *
read_scalar(struct reader *r, const yaml_event_t *e)
{
    const char *tag = (const char *)e->data.scalar.tag;
    if (tag && strcmp(tag, YAML_STR_TAG) != 0 && strcmp(tag, "!") != 0) {
        return fail(r, C2009, e->start_mark, "only the tag !!str is accepted");
    }
    struct doc *d = make(r, DOC_STR, e->start_mark);
    if (!d) {
        return NULL;
    }
    d->s = tbe_arena_dup(r->a, (struct tbe_str){ (const char *)e->data.scalar.value, e->data.scalar.length });
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag) {
        resolve_plain(d);
    }
    if (e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE) {
        d->block = block_indent(r, e->start_mark.line) + 1;
    }
    anchor_add(r, e->data.scalar.anchor, d);
    return d;
}

static struct doc *read_value(struct reader *r, const yaml_event_t *e);

static struct doc *
read_list(struct reader *r, struct doc *list)
{
    for (;;) {
        yaml_event_t e;
        if (!next(r, &e)) {
            return NULL;
        }
        bool end = e.type == YAML_SEQUENCE_END_EVENT;
        struct doc *v = end ? NULL : read_value(r, &e);
        yaml_event_delete(&e);
        if (end) {
            return list;
        }
        if (!v) {
            return NULL;
        }
        doc_append(list, v);
    }
}

static struct doc *
read_member(struct reader *r, struct doc *map, const yaml_event_t *key)
{
    if (key->type != YAML_SCALAR_EVENT) {
        return fail(r, C2009, key->start_mark, "a key must be a text");
    }
    struct tbe_str k = { (const char *)key->data.scalar.value, key->data.scalar.length };
    if (tbe_str_eqz(k, "<<") && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return fail(r, C2009, key->start_mark, "merge keys (<<) are not accepted");
    }
    k = tbe_arena_dup(r->a, k);
    yaml_event_t e;
    if (!next(r, &e)) {
        return NULL;
    }
    struct doc *v = read_value(r, &e);
    yaml_event_delete(&e);
    if (!v) {
        return NULL;
    }
    v->key_line = (uint32_t)key->start_mark.line + 1;
    v->key_col = (uint32_t)key->start_mark.column + 1;
    if (map->n < 1000 && doc_get_str(map, k)) {
        diag_add(r->ds, C2006, (struct diag_pos){ .file = r->file, .line = v->key_line, .col = v->key_col },
                 "key \"%.*s\" is given twice; the last one counts", (int)k.n, k.p);
        doc_put(map, k, v);
    } else {
        v->key = k;
        doc_append(map, v);
    }
    return v;
}

static struct doc *
read_map(struct reader *r, struct doc *map)
{
    for (;;) {
        yaml_event_t e;
        if (!next(r, &e)) {
            return NULL;
        }
        bool end = e.type == YAML_MAPPING_END_EVENT;
        struct doc *v = end ? NULL : read_member(r, map, &e);
        yaml_event_delete(&e);
        if (end || !v) {
            return end ? map : NULL;
        }
    }
}

static struct doc *
read_value(struct reader *r, const yaml_event_t *e)
{
    if (e->type == YAML_SCALAR_EVENT) {
        return read_scalar(r, e);
    }
    if (e->type == YAML_ALIAS_EVENT) {
        return read_alias(r, e);
    }
    if (e->type != YAML_SEQUENCE_START_EVENT && e->type != YAML_MAPPING_START_EVENT) {
        return fail(r, C2003, e->start_mark, "a value is missing here");
    }
    bool list = e->type == YAML_SEQUENCE_START_EVENT;
    if (r->depth == DOC_MAX_DEPTH) {
        return fail(r, C2004, e->start_mark, "nested too deep (limit 128)");
    }
    struct doc *d = make(r, list ? DOC_LIST : DOC_MAP, e->start_mark);
    if (!d) {
        return NULL;
    }
    r->depth++;
    struct doc *done = list ? read_list(r, d) : read_map(r, d);
    r->depth--;
    if (done) { /* only now: an alias inside the anchored value itself has nothing to copy */
        anchor_add(r, list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor, done);
    }
    return done;
}

static bool
read_stream(struct reader *r, struct doc *docs)
{
    for (;;) {
        yaml_event_t e;
        if (!next(r, &e)) {
            return false;
        }
        yaml_event_type_t t = e.type;
        struct doc *d = NULL;
        bool value = t == YAML_SCALAR_EVENT || t == YAML_SEQUENCE_START_EVENT || t == YAML_MAPPING_START_EVENT ||
                     t == YAML_ALIAS_EVENT;
        if (value) {
            d = read_value(r, &e);
        }
        yaml_event_delete(&e);
        if (t == YAML_DOCUMENT_START_EVENT) {
            r->anchors = NULL;
        } else if (t == YAML_STREAM_END_EVENT) {
            return true;
        } else if (value && !d) {
            return false;
        } else if (value) {
            doc_append(docs, d);
        }
    }
}

struct doc *
yaml_read(struct tbe_arena *a, struct diags *ds, const char *file, struct tbe_str text)
{
    struct reader r = { .a = a, .ds = ds, .file = file, .text = text.p, .end = text.p + text.n };
    if (!yaml_parser_initialize(&r.parser)) {
        return fail(&r, C2003, (yaml_mark_t){ 0 }, "out of memory");
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);
    struct doc *docs = doc_new(a, DOC_LIST, 1, 1);
    bool ok = read_stream(&r, docs);
    yaml_parser_delete(&r.parser);
    if (!ok) {
        return NULL;
    }
    if (docs->n == 0) {
        return fail(&r, C2003, (yaml_mark_t){ 0 }, "the file is empty");
    }
    if (docs->n == 1) {
        docs->first->up = NULL;
        return docs->first;
    }
    return docs;
}
