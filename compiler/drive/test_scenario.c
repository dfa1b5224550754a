/* SPDX-License-Identifier: Apache-2.0 */
/* A case to a line for the worker's test mode (runtime/replay/replay.h): names become ids, durations ms,
 * data text. */
#include "config.h"
#include <string.h>
#include "drive/test_int.h"
#include "tbe/value.h"

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
    put_str(l, "id", id.p ? id : test_stable_id(l->r->a, TBE_STR("ALARM"), key));
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
    int32_t at = c->node ? c->chain : chain.p ? test_chain_of(c, chain) : node.p ? 0 : -1;
    int32_t index = c->node ? c->index : node.p && at >= 0 ? test_node_of(c, at, node) : -1;
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
