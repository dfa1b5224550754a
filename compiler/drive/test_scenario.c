/* SPDX-License-Identifier: Apache-2.0 */
/* A case to a line for the worker's test mode (runtime/replay/replay.h): names become ids, durations ms,
 * data text. Ids are made of the names, so that they are the same every time. */
#include "config.h"
#include <string.h>
#include "base/hash.h"
#include "drive/test_int.h"
#include "tbe/value.h"

/* ---- names ---- */

static struct tbe_str
stable_id(struct tbe_arena *a, struct tbe_str type, struct tbe_str name)
{
    char hex[65];
    struct tbe_str s = tbe_arena_fmt(a, "chain-test/%.*s/%.*s", (int)type.n, type.p, (int)name.n, name.p);
    hash_sha256_hex(s, hex);
    return tbe_arena_fmt(a, "%.8s-%.4s-5%.3s-a%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15, hex + 18);
}

const struct test_name *
test_find(const struct test_case *c, struct tbe_str name)
{
    for (uint32_t i = 0; i < c->n_names; i++) {
        if (tbe_str_eq(c->names[i].name, name)) {
            return &c->names[i];
        }
    }
    return NULL;
}

/* "tenant" is there always; what it is given are values. */
static struct tbe_str
type_of(const struct doc *spec)
{
    struct tbe_str t = doc_text(spec, "type");
    return tbe_str_eqz(spec->key, "tenant") ? TBE_STR("TENANT") : t.p ? t : TBE_STR("DEVICE");
}

static void
add_name(struct test_run *r, struct test_case *c, struct tbe_str name, struct tbe_str type, struct tbe_str id,
         const struct doc *spec)
{
    if (test_find(c, name)) {
        return;
    }
    struct tbe_buf low = { 0 };
    for (size_t i = 0; i < id.n; i++) {
        tbe_buf_putc(&low, (char)(id.p[i] >= 'A' && id.p[i] <= 'F' ? id.p[i] + 32 : id.p[i]));
    }
    id = id.p ? tbe_arena_dup(r->a, tbe_buf_str(&low)) : stable_id(r->a, type, name);
    tbe_buf_free(&low);
    c->names[c->n_names++] = (struct test_name){ name, id, type, spec };
}

static void
add_entities(struct test_run *r, struct test_case *c, const struct doc *list)
{
    for (const struct doc *d = list ? list->first : NULL; d; d = d->next) {
        add_name(r, c, d->key, type_of(d), doc_text(d, "id"), d);
    }
}

/* Profiles and customers that are only named by others. */
static void
check_uses(struct test_run *r, struct test_case *c, const struct doc *spec)
{
    struct tbe_str customer = doc_text(spec, "customer");
    const struct test_name *n = customer.p ? test_find(c, customer) : NULL;
    if (customer.p && (!n || !tbe_str_eqz(n->type, "CUSTOMER"))) {
        diag_add(&r->ds, C2903, doc_pos(c->file->path, doc_get(spec, "customer")),
                 "there is no entity \"%.*s\" of type CUSTOMER", (int)customer.n, customer.p);
    }
}

static uint32_t
count(const struct doc *d)
{
    return d ? d->n : 0;
}

/* Texts that must name something: an entity. */
static void
check_entity(struct test_run *r, struct test_case *c, const struct doc *d)
{
    if (d && d->t == DOC_STR && !test_find(c, d->s)) {
        diag_add(&r->ds, C2903, doc_pos(c->file->path, d), "there is no entity \"%.*s\"", (int)d->s.n, d->s.p);
    }
}

static int32_t
chain_of(const struct test_case *c, struct tbe_str name)
{
    const struct chains *cs = &c->file->set->cs;
    for (uint32_t i = 0; i < cs->n; i++) {
        if (tbe_str_eq(cs->v[i].name, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static int32_t
node_of(const struct test_case *c, int32_t chain, struct tbe_str name)
{
    const struct chain *ch = &c->file->set->cs.v[chain];
    for (uint32_t i = 0; i < ch->n_nodes; i++) {
        if (tbe_str_eq(ch->nodes[i].name, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static void
check_message(struct test_run *r, struct test_case *c, const struct doc *m)
{
    const struct doc *chain = doc_get(m, "chain"), *node = doc_get(m, "node");
    check_entity(r, c, doc_get(m, "originator"));
    check_entity(r, c, doc_get(m, "customer"));
    if (c->node && (chain || node)) {
        diag_add(&r->ds, C2902, doc_pos(c->file->path, chain ? chain : node),
                 "the message enters at the node under test: \"chain\" and \"node\" have no meaning here");
        return;
    }
    int32_t at = chain ? chain_of(c, chain->s) : c->file->set->cs.n == 1 ? 0 : -1;
    if (chain && at < 0) {
        diag_add(&r->ds, C2903, doc_pos(c->file->path, chain), "there is no chain \"%.*s\"", (int)chain->s.n, chain->s.p);
    } else if (node && at < 0) {
        diag_add(&r->ds, C2902, doc_pos(c->file->path, node), "\"node\" needs \"chain\": there are several chains");
    } else if (node && node_of(c, at, node->s) < 0) {
        diag_add(&r->ds, C2903, doc_pos(c->file->path, node), "there is no node \"%.*s\"", (int)node->s.n, node->s.p);
    }
}

static void
check_step(struct test_run *r, struct test_case *c, const struct test_step *s)
{
    static const char *const keys[] = { "originator", "device", "entity" };
    if (s->kind == TEST_MESSAGE) {
        check_message(r, c, s->what);
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && s->what; i++) {
        check_entity(r, c, doc_get(s->what, keys[i]));
    }
}

static void
check_refs(struct test_run *r, struct test_case *c, const struct doc *list, const char *a, const char *b)
{
    for (const struct doc *d = list ? list->first : NULL; d; d = d->next) {
        check_entity(r, c, doc_get(d, a));
        check_entity(r, c, b ? doc_get(d, b) : NULL);
    }
}

bool
test_names(struct test_run *r, struct test_case *c)
{
    static const char *const lists[] = { "relations", "alarms" };
    const struct doc *own = doc_get(c->doc, "entities"), *shared = doc_get(c->file->doc, "entities");
    const struct chains *cs = &c->file->set->cs;
    uint32_t before = r->ds.errors;
    c->names = tbe_arena_zalloc(r->a, (count(own) + count(shared) + cs->n + 2) * sizeof *c->names);
    add_entities(r, c, shared);
    for (const struct doc *d = own ? own->first : NULL; d; d = d->next) { /* given again: instead of the file's */
        struct test_name *n = (struct test_name *)(uintptr_t)test_find(c, d->key);
        if (n) {
            *n = (struct test_name){ d->key, doc_text(d, "id"), type_of(d), d };
            n->id = n->id.p ? n->id : stable_id(r->a, n->type, n->name);
        }
    }
    add_entities(r, c, own);
    if (c->n_names == 0) {
        add_name(r, c, TBE_STR("Device"), TBE_STR("DEVICE"), TBE_STR_NONE, NULL);
    }
    c->n_entities = c->n_names;
    add_name(r, c, TBE_STR("tenant"), TBE_STR("TENANT"), TBE_STR_NONE, NULL);
    for (uint32_t i = 0; i < cs->n; i++) {
        add_name(r, c, cs->v[i].name, TBE_STR("RULE_CHAIN"), cs->v[i].id, NULL);
    }
    for (uint32_t i = 0; i < c->n_entities; i++) {
        check_uses(r, c, c->names[i].spec);
    }
    for (size_t i = 0; i < 2; i++) {
        check_refs(r, c, doc_get(c->doc, lists[i]), i ? "originator" : "from", i ? NULL : "to");
        check_refs(r, c, doc_get(c->file->doc, lists[i]), i ? "originator" : "from", i ? NULL : "to");
    }
    for (uint32_t i = 0; i < c->n_steps; i++) {
        check_step(r, c, &c->steps[i]);
        if (c->steps[i].what) {
            (void)test_fill(r, c, c->steps[i].what);
        }
        if (c->steps[i].expect) {
            (void)test_fill(r, c, c->steps[i].expect);
        }
    }
    return r->ds.errors == before;
}

static bool
is_label(const struct test_set *s, struct tbe_str label)
{
    for (uint32_t i = 0; i < s->cs.n; i++) {
        for (uint32_t k = 0; k < s->cs.v[i].n_nodes; k++) {
            if (tbe_str_eq(s->labels[i][k], label)) {
                return true;
            }
        }
    }
    return false;
}

bool
test_check_nodes(struct test_run *r, struct test_case *c)
{
    bool ok = true;
    for (uint32_t i = 0; i < c->n_steps; i++) {
        const struct doc *nodes = doc_get(c->steps[i].expect, "nodes");
        for (const struct doc *d = nodes ? nodes->first : NULL; d; d = d->next) {
            if (!is_label(c->file->set, d->key)) {
                diag_add(&r->ds, C2903, (struct diag_pos){ c->file->path, d->key_line, d->key_col, TBE_STR_NONE, d },
                         "there is no node \"%.*s\"; names that are not unique are written Chain/Node or Node#index",
                         (int)d->key.n, d->key.p);
                ok = false;
            }
        }
    }
    return ok;
}

/* ---- @{Name} ---- */

/* now, now+5000, now-5000: ms */
static bool
is_now(struct tbe_str s, int64_t *ms)
{
    bool minus = s.n > 3 && s.p[3] == '-';
    int64_t n = 0;
    size_t i = 4;
    if (s.n < 3 || memcmp(s.p, "now", 3) != 0 || s.n == 4 || s.n > 16 || (s.n > 3 && !minus && s.p[3] != '+')) {
        return false;
    }
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        n = n * 10 + (s.p[i] - '0');
    }
    *ms = minus ? -n : n;
    return true;
}

static struct tbe_str
fill_text(struct test_run *r, struct test_case *c, const struct doc *d, struct tbe_str s)
{
    struct tbe_buf b = { 0 };
    int64_t ms;
    if (!memmem(s.p, s.n, "@{", 2)) {
        return s;
    }
    for (size_t i = 0; i < s.n;) {
        const char *end = s.n - i > 2 && memcmp(s.p + i, "@{", 2) == 0 ? memchr(s.p + i, '}', s.n - i) : NULL;
        if (s.n - i > 2 && memcmp(s.p + i, "@@{", 3) == 0) {
            tbe_buf_putz(&b, "@{");
            i += 3;
        } else if (!end) {
            tbe_buf_putc(&b, s.p[i++]);
        } else {
            struct tbe_str name = { s.p + i + 2, (size_t)(end - s.p) - i - 2 };
            const struct test_name *n = test_find(c, name);
            if (is_now(name, &ms)) {
                tbe_buf_fmt(&b, "%lld", (long long)(c->now + ms));
            } else if (n) {
                tbe_buf_puts(&b, n->id);
            } else {
                diag_add(&r->ds, C2903, doc_pos(c->file->path, d), "@{%.*s}: there is no entity or chain of this name",
                         (int)name.n, name.p);
            }
            i += name.n + 3;
        }
    }
    s = tbe_arena_dup(r->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

static void
fill(struct test_run *r, struct test_case *c, struct doc *d)
{
    int64_t ms;
    bool time = d->t == DOC_STR && d->s.n > 5 && memcmp(d->s.p, "@{", 2) == 0 &&
                is_now((struct tbe_str){ d->s.p + 2, d->s.n - 3 }, &ms) && d->s.p[d->s.n - 1] == '}';
    if (d->t == DOC_STR) {
        d->s = fill_text(r, c, d, d->s);
    }
    if (time) { /* alone it is a number, not a text */
        d->t = DOC_INT;
        d->i = c->now + ms;
    }
    if (d->key.p) {
        d->key = fill_text(r, c, d, d->key);
    }
    for (struct doc *m = d->first; m; m = m->next) {
        fill(r, c, m);
    }
}

struct doc *
test_fill(struct test_run *r, struct test_case *c, const struct doc *d)
{
    struct doc *copy = doc_copy(r->a, d);
    fill(r, c, copy);
    return copy;
}

/* ---- writing ---- */

struct line {
    struct test_run *r;
    struct test_case *c;
    struct tbe_buf *b;
};

static void
put_key(struct line *l, const char *key)
{
    char last = l->b->n ? l->b->p[l->b->n - 1] : '{';
    tbe_buf_putz(l->b, last == '{' || last == '[' ? "\"" : ",\"");
    tbe_buf_putz(l->b, key);
    tbe_buf_putz(l->b, "\":");
}

/* Between members of a list; after an opening bracket: nothing. */
static void
put_comma(struct line *l)
{
    char last = l->b->p[l->b->n - 1];
    tbe_buf_putz(l->b, last == '{' || last == '[' ? "" : ",");
}

static void
put_str(struct line *l, const char *key, struct tbe_str s)
{
    put_key(l, key);
    tbe_json_write_str(l->b, s);
}

static void
put_int(struct line *l, const char *key, int64_t i)
{
    put_key(l, key);
    tbe_buf_fmt(l->b, "%lld", (long long)i);
}

static void
put_doc(struct line *l, const char *key, const struct doc *d)
{
    put_key(l, key);
    doc_json(l->b, test_fill(l->r, l->c, d));
}

/* Text as it is, anything else as JSON text. */
static void
put_text(struct line *l, const char *key, const struct doc *d)
{
    struct tbe_buf t = { 0 };
    const struct doc *v = test_fill(l->r, l->c, d);
    if (v->t == DOC_STR) {
        tbe_buf_puts(&t, v->s);
    } else {
        doc_json(&t, v);
    }
    put_str(l, key, tbe_buf_str(&t));
    tbe_buf_free(&t);
}

static const struct test_name *
entity(const struct line *l, const struct doc *d)
{
    const struct test_name *n = d && d->t == DOC_STR ? test_find(l->c, d->s) : NULL;
    return n ? n : &l->c->names[0];
}

static void
put_id(struct line *l, const char *key, const struct doc *d)
{
    put_str(l, key, entity(l, d)->id);
}

static void
put_ref(struct line *l, const char *key, const struct doc *d)
{
    const struct test_name *n = entity(l, d);
    put_key(l, key);
    tbe_buf_putc(l->b, '{');
    put_str(l, "entityType", n->type);
    put_str(l, "id", n->id);
    tbe_buf_putc(l->b, '}');
}

static void
put_entity(struct line *l, const struct test_name *n)
{
    const struct doc *label = doc_get(n->spec, "label"), *created = doc_get(n->spec, "created");
    struct tbe_str kind = doc_text(n->spec, "profile"), chain = doc_text(n->spec, "chain");
    kind = kind.p ? kind : doc_text(n->spec, "kind");
    if (tbe_str_eqz(n->type, "TENANT")) {
        return; /* made by the worker, of "tenant" */
    }
    put_comma(l);
    tbe_buf_putc(l->b, '{');
    put_str(l, "type", n->type);
    put_str(l, "id", n->id);
    put_str(l, "name", n->name);
    if (kind.p) {
        put_str(l, "kind", kind);
    }
    if (label && label->t == DOC_STR) {
        put_str(l, "label", label->s);
    }
    if (doc_get(n->spec, "customer")) {
        put_id(l, "customer", doc_get(n->spec, "customer"));
    }
    if (chain.p) {
        put_str(l, "chain", chain);
    }
    put_int(l, "created", test_time(created, l->c->now));
    if (doc_get(n->spec, "fields")) {
        put_doc(l, "json", doc_get(n->spec, "fields"));
    }
    tbe_buf_putc(l->b, '}');
}

static void
put_attributes(struct line *l, const struct test_name *n)
{
    const struct doc *scopes = doc_get(n->spec, "attributes");
    for (const struct doc *s = scopes ? scopes->first : NULL; s; s = s->next) {
        put_comma(l);
        tbe_buf_putc(l->b, '{');
        put_str(l, "entity", n->id);
        put_str(l, "scope", s->key);
        put_int(l, "ts", l->c->now);
        put_doc(l, "values", s);
        tbe_buf_putc(l->b, '}');
    }
}

static void
put_point(struct line *l, const struct test_name *n, int64_t ts, const struct doc *values)
{
    put_comma(l);
    tbe_buf_putc(l->b, '{');
    put_str(l, "entity", n->id);
    put_int(l, "ts", ts);
    put_doc(l, "values", values);
    tbe_buf_putc(l->b, '}');
}

static void
put_series(struct line *l, const struct test_name *n)
{
    const struct doc *list = doc_get(n->spec, "timeseries"), *latest = doc_get(n->spec, "latest");
    for (const struct doc *d = list ? list->first : NULL; d; d = d->next) {
        put_point(l, n, test_time(doc_get(d, "ts"), l->c->now), doc_get(d, "values"));
    }
    if (latest) {
        put_point(l, n, l->c->now, latest);
    }
}

static void
put_entities(struct line *l)
{
    static void (*const parts[])(struct line *l, const struct test_name *n) = { put_entity, put_attributes, put_series };
    static const char *const keys[] = { "entities", "attributes", "timeseries" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        put_key(l, keys[i]);
        tbe_buf_putc(l->b, '[');
        for (uint32_t k = 0; k < l->c->n_entities; k++) {
            parts[i](l, &l->c->names[k]);
        }
        tbe_buf_putc(l->b, ']');
    }
}

static void
put_relation(struct line *l, const struct doc *d, uint32_t i)
{
    (void)i;
    put_ref(l, "from", doc_get(d, "from"));
    put_ref(l, "to", doc_get(d, "to"));
    put_str(l, "type", doc_text(d, "type"));
}

static void
put_alarm(struct line *l, const struct doc *d, uint32_t i)
{
    struct tbe_str id = doc_text(d, "id"), severity = doc_text(d, "severity"), type = doc_text(d, "type");
    int64_t start = test_time(doc_get(d, "start"), l->c->now);
    struct tbe_str key = tbe_arena_fmt(l->r->a, "%u/%.*s", i, (int)type.n, type.p);
    put_str(l, "id", id.p ? id : stable_id(l->r->a, TBE_STR("ALARM"), key));
    put_ref(l, "originator", doc_get(d, "originator"));
    put_str(l, "type", type);
    put_str(l, "severity", severity.p ? severity : TBE_STR("MAJOR"));
    if (doc_get(d, "details")) {
        put_doc(l, "details", doc_get(d, "details"));
    }
    put_key(l, "ack");
    tbe_buf_putz(l->b, doc_true(d, "acknowledged") ? "true" : "false");
    put_key(l, "clear");
    tbe_buf_putz(l->b, doc_true(d, "cleared") ? "true" : "false");
    put_int(l, "start", start);
    put_int(l, "end", test_time(doc_get(d, "end"), start));
}

/* The file's, then the test's. */
static void
put_list(struct line *l, const char *key, void (*put)(struct line *l, const struct doc *d, uint32_t i))
{
    const struct doc *lists[] = { doc_get(l->c->file->doc, key), doc_get(l->c->doc, key) };
    uint32_t n = 0;
    put_key(l, key);
    tbe_buf_putc(l->b, '[');
    for (int i = 0; i < 2; i++) {
        for (const struct doc *d = lists[i] ? lists[i]->first : NULL; d; d = d->next) {
            put_comma(l);
            tbe_buf_putc(l->b, '{');
            put(l, d, n++);
            tbe_buf_putc(l->b, '}');
        }
    }
    tbe_buf_putc(l->b, ']');
}

static void
put_answer(struct line *l, const char *key, const struct doc *d)
{
    if (d->t == DOC_NULL) {
        put_key(l, key);
        tbe_buf_putz(l->b, "null");
    } else {
        put_text(l, key, d);
    }
}

static void
put_rpc(struct line *l, const struct doc *rpc)
{
    const struct doc *answer = rpc->t == DOC_MAP ? doc_get(rpc, "answer") : rpc, *methods = doc_get(rpc, "methods");
    put_key(l, "rpc");
    tbe_buf_putc(l->b, '{');
    if (answer) {
        put_answer(l, "answer", answer);
    }
    if (methods) {
        put_key(l, "methods");
        tbe_buf_putc(l->b, '{');
        for (const struct doc *m = methods->first; m; m = m->next) {
            put_comma(l);
            tbe_json_write_str(l->b, m->key);
            tbe_buf_putc(l->b, ':');
            if (m->t == DOC_NULL) {
                tbe_buf_putz(l->b, "null");
                continue;
            }
            struct tbe_buf t = { 0 };
            doc_json(&t, test_fill(l->r, l->c, m));
            tbe_json_write_str(l->b, m->t == DOC_STR ? test_fill(l->r, l->c, m)->s : tbe_buf_str(&t));
            tbe_buf_free(&t);
        }
        tbe_buf_putc(l->b, '}');
    }
    tbe_buf_putc(l->b, '}');
}

/* ---- steps ---- */

/* A new step; what it does. */
static void
open_step(struct line *l, struct test_step *s, const char *what)
{
    put_comma(l);
    tbe_buf_putc(l->b, '{');
    put_str(l, "do", tbe_strz(what));
    s->n++;
}

static void
close_step(struct line *l)
{
    tbe_buf_putc(l->b, '}');
}

static void
step_message(struct line *l, struct test_step *s)
{
    const struct doc *m = s->what, *data = doc_get(m, "data"), *md = doc_get(m, "metadata");
    const struct test_case *c = l->c;
    const struct chains *cs = &c->file->set->cs;
    struct tbe_str type = doc_text(m, "type"), chain = doc_text(m, "chain"), node = doc_text(m, "node");
    int32_t at = c->node ? c->chain : chain.p ? chain_of(c, chain) : node.p ? 0 : -1;
    int32_t index = c->node ? c->index : node.p && at >= 0 ? node_of(c, at, node) : -1;
    open_step(l, s, "message");
    if (at >= 0) {
        put_str(l, "chain", cs->v[at].name);
    }
    if (index >= 0) {
        put_int(l, "node", index);
    }
    put_key(l, "msg");
    tbe_buf_putc(l->b, '{');
    put_str(l, "type", type.p ? type : TBE_STR("POST_TELEMETRY_REQUEST"));
    if (data) {
        put_text(l, "data", data);
    } else {
        put_str(l, "data", TBE_STR("{}"));
    }
    put_key(l, "metadata");
    tbe_buf_putc(l->b, '{');
    for (const struct doc *d = md ? test_fill(l->r, l->c, md)->first : NULL; d; d = d->next) {
        put_comma(l);
        tbe_json_write_str(l->b, d->key);
        tbe_buf_putc(l->b, ':');
        tbe_json_write_str(l->b, d->t == DOC_BOOL ? (d->i ? TBE_STR("true") : TBE_STR("false")) : d->s);
    }
    tbe_buf_putc(l->b, '}');
    put_ref(l, "originator", doc_get(m, "originator"));
    if (doc_get(m, "customer")) {
        put_id(l, "customer", doc_get(m, "customer"));
    }
    put_int(l, "ts", test_time(doc_get(m, "ts"), c->now));
    tbe_buf_putc(l->b, '}');
    close_step(l);
}

static void
step_post(struct line *l, struct test_step *s)
{
    static const char *const whats[] = { "telemetry", "attributes", "rpc" };
    for (int i = 0; i < 3; i++) {
        const struct doc *d = doc_get(s->what, whats[i]);
        if (d) {
            open_step(l, s, "post");
            put_str(l, "what", tbe_strz(whats[i]));
            put_id(l, "device", doc_get(s->what, "device"));
            put_text(l, "json", d);
            close_step(l);
        }
    }
}

static void
step_advance(struct line *l, struct test_step *s)
{
    open_step(l, s, "advance");
    put_int(l, "ms", test_duration(s->what));
    close_step(l);
}

static void
step_set(struct line *l, struct test_step *s)
{
    static const char *const does[] = { "attributes", "delete-attributes", "timeseries" };
    static const char *const keys[] = { "attributes", "delete", "timeseries" };
    struct tbe_str scope = doc_text(s->what, "scope");
    for (int i = 0; i < 3; i++) {
        const struct doc *d = doc_get(s->what, keys[i]);
        if (!d) {
            continue;
        }
        open_step(l, s, does[i]);
        put_ref(l, "entity", doc_get(s->what, "entity"));
        put_str(l, "scope", scope.p ? scope : TBE_STR("SERVER_SCOPE"));
        if (doc_get(s->what, "ts")) {
            put_int(l, "ts", test_time(doc_get(s->what, "ts"), 0));
        }
        put_doc(l, i == 1 ? "keys" : "values", d);
        close_step(l);
    }
}

static void
step_alarm(struct line *l, struct test_step *s)
{
    open_step(l, s, "alarm");
    put_str(l, "op", doc_text(s->what, "op"));
    put_ref(l, "originator", doc_get(s->what, "originator"));
    close_step(l);
}

static void
step_nothing(struct line *l, struct test_step *s)
{
    (void)l;
    (void)s;
}

static void (*const steps[])(struct line *l, struct test_step *s) = {
    [TEST_MESSAGE] = step_message, [TEST_POST] = step_post,   [TEST_ADVANCE] = step_advance,
    [TEST_SET] = step_set,         [TEST_ALARM] = step_alarm, [TEST_NOTHING] = step_nothing,
};

static void
put_steps(struct line *l)
{
    uint32_t at = 0;
    put_key(l, "steps");
    tbe_buf_putc(l->b, '[');
    for (uint32_t i = 0; i < l->c->n_steps; i++) {
        struct test_step *s = &l->c->steps[i];
        s->first = at;
        s->n = 0;
        steps[s->kind](l, s);
        if (s->expect && (doc_get(s->expect, "state") || l->r->o->update)) {
            open_step(l, s, "state");
            close_step(l);
        }
        at += s->n;
    }
    tbe_buf_putc(l->b, ']');
}

void
test_scenario(struct test_run *r, struct test_case *c, struct tbe_str id, struct tbe_buf *out)
{
    struct line l = { r, c, out };
    const struct test_set *s = c->file->set;
    const struct doc *service = doc_get(c->doc, "service"), *tenant = doc_get(c->doc, "tenant");
    const struct doc *rpc = doc_get(doc_get(c->doc, "answers"), "rpc"), *root = doc_get(c->doc, "root");
    service = service ? service : doc_get(c->file->doc, "service");
    tenant = tenant ? tenant : doc_get(c->file->doc, "tenant");
    rpc = rpc ? rpc : doc_get(doc_get(c->file->doc, "answers"), "rpc");
    tbe_buf_putc(out, '{');
    put_str(&l, "id", id);
    put_int(&l, "now", c->now);
    if (service) {
        put_str(&l, "service", service->s);
    }
    if (root) {
        put_str(&l, "root", root->s);
    } else if (c->node && !doc_get(c->file->doc, "root")) {
        put_str(&l, "root", s->cs.v[c->chain].name);
    }
    put_key(&l, "tenant");
    tbe_buf_putc(out, '{');
    put_str(&l, "id", test_find(c, TBE_STR("tenant")) ? test_find(c, TBE_STR("tenant"))->id : TBE_STR(""));
    if (tenant) {
        put_doc(&l, "json", tenant);
    }
    tbe_buf_putc(out, '}');
    put_entities(&l);
    put_list(&l, "relations", put_relation);
    put_list(&l, "alarms", put_alarm);
    if (rpc) {
        put_rpc(&l, rpc);
    }
    put_steps(&l);
    tbe_buf_putz(out, "}\n");
}
