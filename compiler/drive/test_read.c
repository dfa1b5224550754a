/* SPDX-License-Identifier: Apache-2.0 */
/* A test file from disk to cases: read like a chain file, checked against its schema, taken apart. */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "drive/test_int.h"

int64_t
test_time(const struct doc *d, int64_t otherwise)
{
    struct tm t = { 0 };
    int ms = 0;
    if (!d || d->t == DOC_INT) {
        return d ? d->i : otherwise;
    }
    char text[32];
    if (d->t != DOC_STR || d->s.n >= sizeof text) {
        return otherwise;
    }
    memcpy(text, d->s.p, d->s.n);
    text[d->s.n] = '\0';
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec) != 6) {
        return otherwise;
    }
    if (text[19] == '.') {
        ms = atoi(text + 20);
    }
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return (int64_t)timegm(&t) * 1000 + ms;
}

int64_t
test_duration(const struct doc *d)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    if (d->t == DOC_INT) {
        return d->i;
    }
    size_t i = 0;
    int64_t n = 0;
    while (i < d->s.n && d->s.p[i] >= '0' && d->s.p[i] <= '9') {
        n = n * 10 + (d->s.p[i++] - '0'); /* at most 9 digits: the schema's pattern */
    }
    i += i < d->s.n && d->s.p[i] == ' ';
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
        if (tbe_str_eqz((struct tbe_str){ d->s.p + i, d->s.n - i }, units[k].unit)) {
            return n * units[k].ms;
        }
    }
    return n;
}

static const struct {
    const char *key;
    enum test_do kind;
} kinds[] = { { "message", TEST_MESSAGE }, { "post", TEST_POST }, { "advance", TEST_ADVANCE }, { "set", TEST_SET },
              { "alarm", TEST_ALARM } };

/* What a step (or a test of a single step) does. */
static void
read_step(struct test_run *r, const struct test_file *f, const struct doc *d, struct test_step *s)
{
    *s = (struct test_step){ .doc = d, .expect = doc_get(d, "expect"), .kind = TEST_NOTHING };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct doc *what = doc_get(d, kinds[i].key);
        if (what && s->what) {
            diag_add(&r->ds, C2902, (struct diag_pos){ f->path, what->key_line, what->key_col, TBE_STR_NONE, what },
                     "a step does one thing: \"%s\" needs a step of its own (steps: [...])", kinds[i].key);
        } else if (what) {
            s->what = what;
            s->kind = kinds[i].kind;
        }
    }
}

static void
read_steps(struct test_run *r, const struct test_file *f, struct test_case *c)
{
    const struct doc *list = doc_get(c->doc, "steps");
    c->n_steps = list ? list->n : 1;
    c->steps = tbe_arena_zalloc(r->a, c->n_steps * sizeof *c->steps);
    if (!list) {
        read_step(r, f, c->doc, c->steps);
        if (!c->steps->what) {
            diag_add(&r->ds, C2902, doc_pos(f->path, c->doc), "test \"%.*s\" does nothing: it has neither a message nor steps",
                     (int)c->name.n, c->name.p);
        }
        return;
    }
    struct test_step *s = c->steps;
    for (const struct doc *d = list->first; d; d = d->next) {
        read_step(r, f, d, s++);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct doc *what = doc_get(c->doc, kinds[i].key);
        if (what) {
            diag_add(&r->ds, C2902, doc_pos(f->path, what), "a test with steps has \"%s\" in a step only", kinds[i].key);
        }
    }
    const struct doc *e = doc_get(c->doc, "expect");
    if (e) {
        diag_add(&r->ds, C2902, doc_pos(f->path, e), "a test with steps has its expectations in the steps");
    }
}

static bool
is_exact(const struct doc *d, bool otherwise)
{
    struct tbe_str m = doc_text(d, "match");
    return m.p ? tbe_str_eqz(m, "exact") : otherwise;
}

/* The node with some keys of its configuration replaced. */
static const struct doc *
with_configuration(struct test_run *r, const struct doc *node, const struct doc *conf)
{
    struct doc *n = doc_copy(r->a, node), *to = doc_get(n, "configuration");
    if (!to || to->t != DOC_MAP) {
        to = doc_new(r->a, DOC_MAP, conf->line, conf->col);
        doc_put(n, TBE_STR("configuration"), to);
    }
    for (const struct doc *m = conf->first; m; m = m->next) {
        doc_put(to, m->key, doc_copy(r->a, m));
    }
    return n;
}

static void
read_case(struct test_run *r, struct test_file *f, const struct doc *d, struct test_case *c)
{
    const struct doc *skip = doc_get(d, "skip"), *now = doc_get(d, "now");
    *c = (struct test_case){ .file = f, .doc = d, .name = doc_text(d, "name"), .chain = -1 };
    c->exact = is_exact(d, is_exact(f->doc, false));
    c->now = test_time(now ? now : doc_get(f->doc, "now"), TEST_NOW);
    c->node = doc_get(d, "node");
    c->node = c->node ? c->node : doc_get(f->doc, "node");
    const struct doc *conf = doc_get(d, "configuration");
    if (conf && !c->node) {
        diag_add(&r->ds, C2902, doc_pos(f->path, conf), "\"configuration\" needs a \"node\" in the test or the file");
    } else if (conf) {
        c->node = with_configuration(r, c->node, conf);
    }
    if (skip && (skip->t == DOC_STR || skip->i)) {
        c->skip = skip->t == DOC_STR ? skip->s : TBE_STR("skipped");
    }
    const char *filter = r->o ? r->o->filter : NULL;
    c->shut = filter && !memmem(c->name.p, c->name.n, filter, strlen(filter));
    read_steps(r, f, c);
}

void
test_read_text(struct test_run *r, struct test_file *f, const char *path, struct tbe_str text)
{
    uint32_t before = r->ds.errors;
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    *f = (struct test_file){ .path = path, .text = text, .bad = true };
    f->dir = (struct tbe_str){ path, slash ? (size_t)(slash + 1 - path) : 0 };
    bool json = dot && strcmp(dot, ".json") == 0;
    f->doc = json ? json_read(r->a, &r->ds, path, text) : yaml_read(r->a, &r->ds, path, text);
    if (!f->doc || !test_schema_check(r->a, &r->ds, path, f->doc)) {
        return;
    }
    const struct doc *tests = doc_get(f->doc, "tests");
    f->v = tbe_arena_zalloc(r->a, tests->n * sizeof *f->v);
    for (const struct doc *d = tests->first; d; d = d->next) {
        read_case(r, f, d, &f->v[f->n++]);
    }
    f->bad = r->ds.errors > before;
}

bool
test_read(struct test_run *r, struct test_file *f, const char *path)
{
    struct tbe_buf b = { 0 };
    FILE *in = fopen(path, "rb");
    char chunk[65536];
    size_t n;
    *f = (struct test_file){ .path = path, .bad = true };
    if (!in) {
        return false;
    }
    while (b.n <= TEST_MAX_BYTES && (n = fread(chunk, 1, sizeof chunk, in)) > 0) {
        tbe_buf_put(&b, chunk, n);
    }
    bool ok = !ferror(in) && !b.oom;
    int saved = errno;
    fclose(in);
    if (ok && b.n > TEST_MAX_BYTES) {
        diag_add(&r->ds, C2005, (struct diag_pos){ .file = path }, "larger than %u bytes", TEST_MAX_BYTES);
    } else if (ok && chains_is_text(&r->ds, path, tbe_buf_str(&b))) {
        test_read_text(r, f, path, tbe_arena_dup(r->a, tbe_buf_str(&b)));
    }
    tbe_buf_free(&b);
    errno = saved;
    return ok;
}
