/* SPDX-License-Identifier: Apache-2.0 */
/* The names of a case: what @{Name} and the texts that name entities, chains and nodes mean, checked before
 * anything runs. Ids are made of the names, so that they are the same every time. */
#include "config.h"
#include <string.h>
#include "base/hash.h"
#include "drive/test_int.h"

struct tbe_str
test_stable_id(struct tbe_arena *a, struct tbe_str type, struct tbe_str name)
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
    id = id.p ? tbe_arena_dup(r->a, tbe_buf_str(&low)) : test_stable_id(r->a, type, name);
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

int32_t
test_chain_of(const struct test_case *c, struct tbe_str name)
{
    const struct chains *cs = &c->file->set->cs;
    for (uint32_t i = 0; i < cs->n; i++) {
        if (tbe_str_eq(cs->v[i].name, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t
test_node_of(const struct test_case *c, int32_t chain, struct tbe_str name)
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
    int32_t at = chain ? test_chain_of(c, chain->s) : c->file->set->cs.n == 1 ? 0 : -1;
    if (chain && at < 0) {
        diag_add(&r->ds, C2903, doc_pos(c->file->path, chain), "there is no chain \"%.*s\"", (int)chain->s.n, chain->s.p);
    } else if (node && at < 0) {
        diag_add(&r->ds, C2902, doc_pos(c->file->path, node), "\"node\" needs \"chain\": there are several chains");
    } else if (node && test_node_of(c, at, node->s) < 0) {
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
            n->id = n->id.p ? n->id : test_stable_id(r->a, n->type, n->name);
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
