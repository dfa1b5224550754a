/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of every node class as a running ThingsBoard took them (tests/check/node-configs.jsonl, recorded):
 * what it stored after its upgrade, which ones did not start or were not saved, with its own words. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "check/check.h"

static const struct doc *
by_key(const struct doc *d, struct tbe_str key)
{
    return doc_get_str(d, key);
}

/* The same value, whatever the order of members and the spelling of numbers. */
static bool
same(const struct doc *x, const struct doc *y)
{
    bool number = (x->t == DOC_INT || x->t == DOC_NUM) && (y->t == DOC_INT || y->t == DOC_NUM);
    if (number) {
        return strtod(x->s.p, NULL) == strtod(y->s.p, NULL);
    }
    if (x->t != y->t || x->n != y->n) {
        return false;
    }
    if (x->t == DOC_STR) {
        return tbe_str_eq(x->s, y->s);
    }
    if (x->t == DOC_BOOL) {
        return x->i == y->i;
    }
    const struct doc *b = y->first;
    for (const struct doc *a = x->first; a; a = a->next, b = b ? b->next : NULL) {
        const struct doc *other = x->t == DOC_MAP ? by_key(y, a->key) : b;
        if (!other || !same(a, other)) {
            return false;
        }
    }
    return true;
}

struct counts {
    int passed, failed, exempt;
};

static void
complain(struct counts *c, struct tbe_str id, const char *what, struct tbe_str got)
{
    c->failed++;
    print_message("%.*s: %s: %.*s\n", (int)id.n, id.p, what, (int)got.n, got.p ? got.p : "");
}

static void
pass_or(struct counts *c, bool ok, struct tbe_str id, const char *what, struct tbe_str got)
{
    if (ok) {
        c->passed++;
    } else {
        complain(c, id, what, got);
    }
}

/* What the compiler cannot know, or does better on purpose. */
static const struct {
    const char *id, *why;
} exempt[] = {
    { "TbCheckRelationNode-011", "whose entity it is, only the tenant's data tell" },
    { "TbCopyKeysNode-012", "regular expressions are checked when the node is built" },
    { "TbJsonPathNode-030", "paths are checked when the node is built" },
    { "TbJsonPathNode-031", "paths are checked when the node is built" },
};

static const char *
exemption(struct tbe_str id)
{
    for (size_t i = 0; i < sizeof exempt / sizeof exempt[0]; i++) {
        if (tbe_str_eqz(id, exempt[i].id)) {
            return exempt[i].why;
        }
    }
    return NULL;
}

static bool
starts_with(struct tbe_str s, const char *z)
{
    return s.n >= strlen(z) && memcmp(s.p, z, strlen(z)) == 0;
}

static bool
has_code(const struct diags *ds, enum diag_code code)
{
    for (uint32_t i = 0; i < ds->n; i++) {
        if (ds->v[i].code == code) {
            return true;
        }
    }
    return false;
}

static void
judge_stored(struct counts *c, struct tbe_str id, const struct doc *stored, const struct checked_node *n)
{
    struct tbe_buf b = { 0 };
    const struct doc *want = doc_get(stored, "configuration");
    struct tbe_str queue = doc_text(stored, "queueName");
    if (n->upgraded) {
        doc_json(&b, n->upgraded);
    }
    bool ok = want->t == DOC_NULL || (n->upgraded && same(want, n->upgraded)) || n->cls->ignored;
    ok &= queue.n ? tbe_str_eq(queue, n->queue) : true;
    if (ok) {
        c->passed++;
    } else {
        complain(c, id, "stored otherwise", tbe_buf_str(&b));
    }
    tbe_buf_free(&b);
}

/* The recorded words and ours: the mapper's tell only that it cannot convert, a script engine's its own. */
static bool
same_reason(struct tbe_str want, struct tbe_str got)
{
    return tbe_str_eq(want, got) || (starts_with(want, "java.lang.IllegalArgumentException: Can't convert value") &&
                                     starts_with(got, "java.lang.IllegalArgumentException: Can't convert value")) ||
           starts_with(want, "[Error:") || starts_with(want, "javax.script") ||
           (starts_with(want, "Cannot invoke") && got.n != 0);
}

static void
judge(struct counts *c, const struct doc *d, const struct checked_node *n, const struct diags *ds)
{
    struct tbe_str id = doc_text(d, "id"), init = doc_text(d, "initError"), save = doc_text(d, "saveError");
    const struct doc *stored = doc_get(d, "stored");
    if (exemption(id)) {
        c->exempt++;
    } else if (stored) {
        judge_stored(c, id, stored, n);
    } else if (save.p) {
        pass_or(c, has_code(ds, C2313) || has_code(ds, C2311), id, "saved, but should not be", save);
    } else if (init.p && has_code(ds, C2308)) {
        c->passed++; /* an unknown key stops a node of the reference; ours warns and goes on (6) */
    } else if (init.p) {
        pass_or(c, same_reason(init, n->broken), id, "wrong reason", n->broken);
    } else if (n->broken.p || ds->errors) {
        complain(c, id, "does not start", n->broken.p ? n->broken : ds->v[0].text);
    } else {
        c->passed++;
    }
}

static void
check_line(struct counts *c, struct tbe_str line)
{
    struct tbe_arena a;
    struct diags ds;
    tbe_arena_init(&a, 0);
    diags_init(&ds, &a);
    struct doc *d = json_read(&a, &ds, "case", line);
    assert_non_null(d);
    const struct doc *version = doc_get(d, "configurationVersion");
    struct chain_node src = { .doc = d, .name = TBE_STR("node under test"), .type = doc_text(d, "type") };
    struct doc *config = doc_get(d, "configuration");
    src.config = config->t == DOC_NULL ? NULL : config;
    src.version = version && version->t == DOC_INT ? version->i : 0;
    struct checked_node n = { .src = &src, .cls = node_class_find(src.type) };
    struct check_options opt = { 0 };
    assert_non_null(n.cls);
    check_config(&a, &ds, "case", &n);
    if (!n.broken.p && n.cls->script_kind) {
        check_script(&a, &ds, "case", &n, &opt);
    }
    judge(c, d, &n, &ds);
    tbe_arena_free(&a);
}

static void
as_recorded(void **state)
{
    const char *src = getenv("srcdir");
    char path[4096];
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    struct counts c = { 0 };
    (void)state;
    snprintf(path, sizeof path, "%s/tests/check/node-configs.jsonl", src ? src : ".");
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    while ((n = getline(&line, &cap, f)) > 0) {
        check_line(&c, (struct tbe_str){ line, (size_t)n });
    }
    free(line);
    fclose(f);
    print_message("%d passed, %d failed, %d exempt\n", c.passed, c.failed, c.exempt);
    assert_true(c.passed > 800);
    assert_int_equal(c.failed, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(as_recorded) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
