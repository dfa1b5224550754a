/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations against what was observed: two trees. Objects are compared in part unless "exact" is asked
 * for, lists always whole and in order; an object {$word: ..} is a matcher (docs/testing.md). */
#include "config.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "drive/test_int.h"

struct cmp {
    struct test_run *r;
    struct test_case *c;
    bool quiet; /* only the answer is wanted */
};

/* How the value below a place is compared. Records are what we make up around messages and effects: their
 * keys may always be left out. */
struct mode {
    bool exact, record, text; /* text: metadata, where every value is a text */
};

static bool same(struct cmp *k, const struct doc *exp, const struct doc *got, struct mode m, struct tbe_str where);

/* ---- failures ---- */

struct tbe_str
test_show(struct tbe_arena *a, const struct doc *d)
{
    struct tbe_buf b = { 0 };
    if (!d) {
        return TBE_STR("nothing");
    }
    doc_json(&b, d);
    size_t n = b.n;
    if (n > TEST_MAX_SHOWN) {
        n = TEST_MAX_SHOWN;
        while (n && ((unsigned char)b.p[n] & 0xC0) == 0x80) {
            n--;
        }
        b.n = n;
        tbe_buf_putz(&b, "...");
    }
    struct tbe_str s = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

void
test_fail(struct test_run *r, struct test_case *c, const struct doc *at, struct tbe_str where, struct tbe_str expected,
          struct tbe_str got)
{
    if (c->n_fails < TEST_MAX_FAILURES) {
        struct test_failure *f = &c->fails[c->n_fails];
        const struct doc *d = at && at->line ? at : c->doc;
        *f = (struct test_failure){ d->line, d->col, where, expected, got };
        if (d->key.p && d->key_line) { /* a member: where its key stands */
            f->line = d->key_line;
            f->col = d->key_col;
        }
        (void)r;
    }
    c->n_fails++;
}

static bool
differ(struct cmp *k, const struct doc *exp, struct tbe_str where, struct tbe_str expected, struct tbe_str got)
{
    if (!k->quiet) {
        test_fail(k->r, k->c, exp, where, expected, got);
    }
    return false;
}

static bool
wrong(struct cmp *k, const struct doc *exp, struct tbe_str where, const struct doc *got)
{
    return k->quiet ? false : differ(k, exp, where, test_show(k->r->a, exp), test_show(k->r->a, got));
}

static struct tbe_str
under(struct cmp *k, struct tbe_str where, struct tbe_str key)
{
    return k->quiet ? where
                    : tbe_arena_fmt(k->r->a, "%.*s%s%.*s", (int)where.n, where.p, where.n ? "/" : "", (int)key.n, key.p);
}

/* ---- matchers ---- */

static bool
is_uuid(struct tbe_str s)
{
    struct tbe_uuid u;
    return s.p && tbe_uuid_parse(s, &u);
}

static bool
is_a(const struct doc *d, struct tbe_str what)
{
    return tbe_str_eqz(what, "string")    ? d->t == DOC_STR
           : tbe_str_eqz(what, "number")  ? d->t == DOC_INT || d->t == DOC_NUM
           : tbe_str_eqz(what, "integer") ? d->t == DOC_INT
           : tbe_str_eqz(what, "boolean") ? d->t == DOC_BOOL
           : tbe_str_eqz(what, "list")    ? d->t == DOC_LIST
           : tbe_str_eqz(what, "object")  ? d->t == DOC_MAP
           : tbe_str_eqz(what, "uuid")    ? d->t == DOC_STR && is_uuid(d->s)
                                          : false;
}

static bool
match_any(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    (void)m;
    bool ok = v->t == DOC_BOOL ? got != NULL : v->t == DOC_STR && got && is_a(got, v->s);
    return ok || wrong(k, v->up, where, got);
}

static bool
match_absent(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    (void)m;
    return (v->t == DOC_BOOL && v->i == (got == NULL)) || wrong(k, v->up, where, got);
}

static struct tbe_str
as_text(struct tbe_arena *a, const struct doc *d)
{
    struct tbe_buf b = { 0 };
    if (d->t == DOC_STR || ((d->t == DOC_MAP || d->t == DOC_LIST) && d->s.p)) {
        return d->s;
    }
    doc_json(&b, d);
    struct tbe_str s = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

#define REGEX_STEPS 1000000 /* of one match: a pattern that needs more is refused */

int
test_regex(struct tbe_str pattern, struct tbe_str s)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PCRE2_UTF, &code, &at, NULL);
    pcre2_match_data *data = re ? pcre2_match_data_create(1, NULL) : NULL;
    pcre2_match_context *limits = re ? pcre2_match_context_create(NULL) : NULL;
    int rc = PCRE2_ERROR_NOMEMORY;
    if (data && limits) {
        pcre2_set_match_limit(limits, REGEX_STEPS);
        rc = pcre2_match(re, (PCRE2_SPTR)s.p, s.n, 0, 0, data, limits);
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    pcre2_code_free(re);
    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

static bool
match_regex(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    (void)m;
    if (!got || v->t != DOC_STR) {
        return wrong(k, v->up, where, got);
    }
    int rc = test_regex(v->s, as_text(k->r->a, got));
    return rc < 0 ? differ(k, v, where, TBE_STR("a regular expression"), v->s) : rc > 0 || wrong(k, v->up, where, got);
}

static double
number(const struct doc *d)
{
    char text[64];
    if (!d || (d->t != DOC_INT && d->t != DOC_NUM) || d->s.n >= sizeof text) {
        return NAN;
    }
    memcpy(text, d->s.p, d->s.n);
    text[d->s.n] = '\0';
    return strtod(text, NULL);
}

static bool
match_near(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    const struct doc *by = doc_get(v->up, "$within");
    double want = number(v), is = number(got), within = by ? number(by) : 1e-9 * fabs(want);
    (void)m;
    return fabs(want - is) <= within || wrong(k, v->up, where, got);
}

static bool
match_within(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    (void)m;
    return doc_get(v->up, "$near") || wrong(k, v->up, where, got);
}

static bool
match_exact(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    m.exact = true;
    return same(k, v, got, m, where);
}

static bool
match_partial(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    m.exact = false;
    return same(k, v, got, m, where);
}

static bool
match_not(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    struct cmp quiet = *k;
    quiet.quiet = true;
    return !same(&quiet, v, got, m, where) || wrong(k, v->up, where, got);
}

/* Each expected member has a partner of its own; greedy, which is enough for members that differ. */
static bool
match_unordered(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    struct cmp quiet = *k;
    quiet.quiet = true;
    if (v->t != DOC_LIST || !got || got->t != DOC_LIST || v->n != got->n) {
        return wrong(k, v->up, where, got);
    }
    bool *used = tbe_arena_zalloc(k->r->a, got->n + 1);
    for (const struct doc *e = v->first; e; e = e->next) {
        uint32_t i = 0;
        const struct doc *g = got->first;
        while (g && (used[i] || !same(&quiet, e, g, m, where))) {
            g = g->next;
            i++;
        }
        if (!g) {
            return wrong(k, e, where, got);
        }
        used[i] = true;
    }
    return true;
}

static bool
match_contains(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where)
{
    struct cmp quiet = *k;
    quiet.quiet = true;
    if (got && got->t == DOC_STR && v->t == DOC_STR) {
        return memmem(got->s.p, got->s.n, v->s.p, v->s.n) || wrong(k, v->up, where, got);
    }
    for (const struct doc *g = got && got->t == DOC_LIST ? got->first : NULL; g; g = g->next) {
        if (same(&quiet, v, g, m, where)) {
            return true;
        }
    }
    return wrong(k, v->up, where, got);
}

static const struct {
    const char *key;
    bool (*fn)(struct cmp *k, const struct doc *v, const struct doc *got, struct mode m, struct tbe_str where);
} matchers[] = { { "$any", match_any },           { "$absent", match_absent },   { "$regex", match_regex },
                 { "$near", match_near },         { "$within", match_within },   { "$exact", match_exact },
                 { "$partial", match_partial },   { "$not", match_not },         { "$unordered", match_unordered },
                 { "$contains", match_contains } };

static bool
is_matcher(const struct doc *d)
{
    return d->t == DOC_MAP && d->first && d->first->key.n > 1 && d->first->key.p[0] == '$';
}

static bool
run_matchers(struct cmp *k, const struct doc *exp, const struct doc *got, struct mode m, struct tbe_str where)
{
    bool ok = true;
    for (const struct doc *v = exp->first; v; v = v->next) {
        size_t i = 0;
        while (i < sizeof matchers / sizeof matchers[0] && !tbe_str_eqz(v->key, matchers[i].key)) {
            i++;
        }
        ok = (i < sizeof matchers / sizeof matchers[0]
                  ? matchers[i].fn(k, v, got, m, where)
                  : differ(k, v, where, TBE_STR("a matcher that is known"), v->key)) && ok;
    }
    return ok;
}

/* ---- values ---- */

static bool
same_scalar(const struct doc *exp, const struct doc *got, struct mode m)
{
    bool num = (exp->t == DOC_INT || exp->t == DOC_NUM) && (got->t == DOC_INT || got->t == DOC_NUM);
    if (exp->t == DOC_INT && got->t == DOC_INT) {
        return exp->i == got->i;
    }
    if (num) {
        return number(exp) == number(got);
    }
    if (exp->t == DOC_STR && (got->t == DOC_MAP || got->t == DOC_LIST)) {
        return got->s.p && tbe_str_eq(exp->s, got->s); /* the text of a message's data */
    }
    if (m.text && got->t == DOC_STR && exp->t != DOC_STR && exp->t < DOC_STR) {
        return tbe_str_eq(exp->t == DOC_BOOL ? tbe_strz(exp->i ? "true" : "false") : exp->s, got->s);
    }
    return exp->t == got->t && (exp->t == DOC_STR ? tbe_str_eq(exp->s, got->s) : exp->t == DOC_NULL || exp->i == got->i);
}

static bool
same_map(struct cmp *k, const struct doc *exp, const struct doc *got, struct mode m, struct tbe_str where)
{
    bool ok = true;
    for (const struct doc *e = exp->first; e; e = e->next) {
        struct mode below = { .exact = m.exact, .text = tbe_str_eqz(e->key, "metadata") && m.record };
        const struct doc *g = doc_get_str(got, e->key);
        if (g || is_matcher(e)) {
            ok = same(k, e, g, below, under(k, where, e->key)) && ok;
        } else {
            ok = wrong(k, e, under(k, where, e->key), NULL);
        }
    }
    for (const struct doc *g = m.exact && !m.record ? got->first : NULL; g; g = g->next) {
        if (!doc_get_str(exp, g->key)) {
            ok = differ(k, exp, under(k, where, g->key), TBE_STR("nothing"), test_show(k->r->a, g));
        }
    }
    return ok;
}

static bool
same_list(struct cmp *k, const struct doc *exp, const struct doc *got, struct mode m, struct tbe_str where)
{
    bool ok = true;
    uint32_t i = 0;
    if (exp->n != got->n) {
        return wrong(k, exp, where, got);
    }
    for (const struct doc *e = exp->first, *g = got->first; e; e = e->next, g = g->next) {
        ok = same(k, e, g, m, under(k, where, tbe_arena_fmt(k->r->a, "%u", i++))) && ok;
    }
    return ok;
}

static bool
same(struct cmp *k, const struct doc *exp, const struct doc *got, struct mode m, struct tbe_str where)
{
    if (is_matcher(exp)) {
        return run_matchers(k, exp, got, m, where);
    }
    if (!got) {
        return wrong(k, exp, where, got);
    }
    if (exp->t == DOC_MAP && got->t == DOC_MAP) {
        return same_map(k, exp, got, m, where);
    }
    if (exp->t == DOC_LIST && got->t == DOC_LIST) {
        return same_list(k, exp, got, m, where);
    }
    return same_scalar(exp, got, m) || wrong(k, exp, where, got);
}

/* ---- the parts of an expectation ---- */

/* "True", a message or a list of them: a list of messages. */
static struct doc *
as_messages(struct cmp *k, const struct doc *d)
{
    struct doc *l = doc_new(k->r->a, DOC_LIST, d->line, d->col);
    l->key = d->key;
    l->key_line = d->key_line;
    l->key_col = d->key_col;
    for (const struct doc *e = d->t == DOC_LIST ? d->first : d; e; e = d->t == DOC_LIST ? e->next : NULL) {
        struct doc *m = doc_copy(k->r->a, e);
        if (e->t == DOC_STR) {
            m = doc_new(k->r->a, DOC_MAP, e->line, e->col);
            struct doc *rel = doc_copy(k->r->a, e);
            rel->key_line = 0;
            doc_put(m, TBE_STR("relation"), rel);
        }
        doc_append(l, m);
    }
    return l;
}

static bool
same_outs(struct cmp *k, const struct doc *exp, const struct doc *got, bool exact, struct tbe_str where)
{
    struct mode m = { .exact = exact, .record = true };
    if (exp->t == DOC_NULL) {
        return !got || differ(k, exp, where, TBE_STR("not reached"), test_show(k->r->a, got));
    }
    if (!got) {
        return differ(k, exp, where, test_show(k->r->a, exp), TBE_STR("not reached"));
    }
    if (is_matcher(exp)) {
        const struct doc *list = doc_get(exp, "$unordered");
        struct doc *un = doc_new(k->r->a, DOC_MAP, exp->line, exp->col);
        if (list) {
            doc_put(un, TBE_STR("$unordered"), as_messages(k, list));
        }
        return run_matchers(k, un, got, m, where);
    }
    /* one message: its differences are more to the point without its place in the list */
    struct doc *list = as_messages(k, exp);
    if (exp->t != DOC_LIST && got->n == 1) {
        return same(k, list->first, got->first, m, where);
    }
    return same_list(k, list, got, m, where);
}

static bool
check_nodes(struct cmp *k, const struct doc *exp, const struct test_step *s, bool exact)
{
    const struct doc *got = doc_get(s->observed, "nodes");
    bool ok = true;
    for (const struct doc *e = exp->first; e; e = e->next) {
        const struct doc *g = doc_get_str(got, e->key);
        ok = same_outs(k, e, g, exact, under(k, TBE_STR("nodes"), e->key)) && ok;
    }
    for (const struct doc *g = exact ? got->first : NULL; g; g = g->next) {
        if (!doc_get_str(exp, g->key)) {
            ok = differ(k, exp, under(k, TBE_STR("nodes"), g->key), TBE_STR("not reached"), test_show(k->r->a, g));
        }
    }
    return ok;
}

static bool
check_out(struct cmp *k, const struct doc *exp, const struct test_step *s, bool exact)
{
    const struct doc *got = doc_get(s->observed, "out");
    if (!got) {
        return differ(k, exp, TBE_STR("out"), TBE_STR("a node under test"), TBE_STR("the test has none: use \"nodes\""));
    }
    return same_outs(k, exp, got, exact, TBE_STR("out"));
}

static bool
check_init(struct cmp *k, const struct doc *exp, const struct test_step *s, bool exact)
{
    struct test_set *set = k->c->file->set;
    (void)s;
    if (!k->c->node) {
        return differ(k, exp, TBE_STR("init"), TBE_STR("a node under test"), TBE_STR("the test has none"));
    }
    struct tbe_str why = set->cc[k->c->chain].nodes[k->c->index].broken;
    struct doc *got = doc_new(k->r->a, why.p ? DOC_STR : DOC_NULL, 0, 0);
    got->s = why;
    return same(k, exp, got, (struct mode){ .exact = exact }, TBE_STR("init"));
}

static bool
check_plain(struct cmp *k, const struct doc *exp, const struct test_step *s, bool exact)
{
    struct mode m = { .exact = exact, .record = !tbe_str_eqz(exp->key, "path") };
    const struct doc *got = doc_get_str(s->observed, exp->key);
    return same(k, exp, got, m, exp->key);
}

static bool
check_nothing(struct cmp *k, const struct doc *exp, const struct test_step *s, bool exact)
{
    (void)k;
    (void)exp;
    (void)s;
    (void)exact;
    return true;
}

static const struct {
    const char *key;
    bool (*fn)(struct cmp *k, const struct doc *exp, const struct test_step *s, bool exact);
} parts[] = { { "nodes", check_nodes }, { "out", check_out }, { "init", check_init }, { "match", check_nothing } };

uint32_t
test_part(struct tbe_str key)
{
    static const char *const keys[] = { "out",    "path",  "nodes", "saves",  "attributes", "alarms",
                                        "cloud",  "rpc",   "pushes", "replies", "state", "init" };
    for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (tbe_str_eqz(key, keys[i])) {
            return 1u << i;
        }
    }
    return 0;
}

void
test_compare(struct test_run *r, struct test_case *c)
{
    struct cmp k = { .r = r, .c = c };
    for (uint32_t i = 0; i < c->n_steps; i++) {
        struct test_step *s = &c->steps[i];
        const struct doc *e = s->expect ? test_fill(r, c, s->expect) : NULL;
        struct tbe_str m = doc_text(e, "match");
        bool exact = m.p ? tbe_str_eqz(m, "exact") : c->exact;
        for (const struct doc *d = e ? e->first : NULL; d; d = d->next) {
            bool (*fn)(struct cmp *, const struct doc *, const struct test_step *, bool) = check_plain;
            for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
                fn = tbe_str_eqz(d->key, parts[p].key) ? parts[p].fn : fn;
            }
            if (!fn(&k, d, s, exact)) {
                s->wrong |= test_part(d->key);
            }
        }
    }
}
