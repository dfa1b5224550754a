/* SPDX-License-Identifier: Apache-2.0 */
/* --update: expectations that failed are written anew from what was observed, in place in the file's text, so
 * that everything else stays as it is: comments, order, spelling. A person looks at the difference. */
#include "config.h"
#include <string.h>
#include <strings.h>
#include "drive/test_int.h"
#include "tbe/value.h"

#define WIDTH 96 /* a flow collection longer than this is written as a block */

/* ---- YAML text ---- */

static bool
is_word(struct tbe_str s)
{
    static const char *const special[] = { "true", "false", "null", "yes", "no", "on", "off", "y", "n" };
    char first = s.n ? s.p[0] : '0';
    if (!s.n || s.n > 80 || s.p[s.n - 1] == ' ' ||
        !((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z') || first == '_')) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("_ ./()-", c)) || !c) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (s.n == strlen(special[i]) && strncasecmp(s.p, special[i], s.n) == 0) {
            return false;
        }
    }
    return true;
}

static void
put_text(struct tbe_buf *out, struct tbe_str s)
{
    if (is_word(s) || (s.n > 1 && s.p[0] == '$' && is_word((struct tbe_str){ s.p + 1, s.n - 1 }))) {
        tbe_buf_puts(out, s);
    } else {
        tbe_json_write_str(out, s);
    }
}

static void
put_flow(struct tbe_buf *out, const struct doc *d)
{
    const char *sep = "";
    if (d->t == DOC_STR) {
        put_text(out, d->s);
    } else if (d->t < DOC_LIST) {
        doc_json(out, d);
    } else {
        tbe_buf_putc(out, d->t == DOC_LIST ? '[' : '{');
        for (const struct doc *m = d->first; m; m = m->next) {
            tbe_buf_putz(out, sep);
            if (d->t == DOC_MAP) {
                put_text(out, m->key);
                tbe_buf_putz(out, ": ");
            }
            put_flow(out, m);
            sep = ", ";
        }
        tbe_buf_putc(out, d->t == DOC_LIST ? ']' : '}');
    }
}

static bool
is_flat(const struct doc *d, unsigned indent)
{
    struct tbe_buf b = { 0 };
    if (d->t < DOC_LIST || d->n == 0) {
        return true;
    }
    put_flow(&b, d);
    bool flat = b.n + indent <= WIDTH;
    tbe_buf_free(&b);
    return flat;
}

static void
put_indent(struct tbe_buf *out, unsigned n)
{
    while (n--) {
        tbe_buf_putc(out, ' ');
    }
}

static void
put_block(struct tbe_buf *out, const struct doc *d, unsigned indent, bool started)
{
    for (const struct doc *m = d->first; m; m = m->next) {
        put_indent(out, started ? 0 : indent);
        started = false;
        if (d->t == DOC_MAP) {
            put_text(out, m->key);
            tbe_buf_putc(out, ':');
            test_yaml(out, m, indent + 2);
        } else if (is_flat(m, indent + 2)) {
            tbe_buf_putz(out, "- ");
            put_flow(out, m);
            tbe_buf_putc(out, '\n');
        } else {
            tbe_buf_putz(out, "- ");
            put_block(out, m, indent + 2, true);
        }
    }
}

/* What stands behind "key:", to the end of its last line. */
void
test_yaml(struct tbe_buf *out, const struct doc *d, unsigned indent)
{
    if (is_flat(d, indent + (unsigned)d->key.n)) {
        tbe_buf_putc(out, ' ');
        put_flow(out, d);
        tbe_buf_putc(out, '\n');
    } else {
        tbe_buf_putc(out, '\n');
        put_block(out, d, indent, false);
    }
}

/* ---- what to write ---- */

struct upd {
    struct test_run *r;
    struct test_case *c;
    struct test_step *s;
    bool exact;
};

static struct doc *
text(struct upd *u, struct tbe_str s)
{
    struct doc *d = doc_new(u->r->a, DOC_STR, 0, 0);
    d->s = s;
    return d;
}

/* Ids of the test's entities become @{Name}; others change from run to run. */
static void
tidy(struct upd *u, struct doc *d)
{
    struct tbe_uuid id;
    for (struct doc *m = d->first; m; m = m->next) {
        if (m->t != DOC_STR || !tbe_uuid_parse(m->s, &id)) {
            tidy(u, m);
            continue;
        }
        uint32_t i = 0;
        while (i < u->c->n_names && !tbe_str_eq(u->c->names[i].id, m->s)) {
            i++;
        }
        if (i < u->c->n_names) {
            m->s = tbe_arena_fmt(u->r->a, "@{%.*s}", (int)u->c->names[i].name.n, u->c->names[i].name.p);
            continue;
        }
        m->t = DOC_MAP;
        m->s = TBE_STR_NONE;
        doc_put(m, TBE_STR("$any"), text(u, TBE_STR("uuid")));
    }
}

static bool
equal(const struct doc *a, const struct doc *b)
{
    struct tbe_buf x = { 0 }, y = { 0 };
    if (!a || !b) {
        return a == b;
    }
    doc_json(&x, a);
    doc_json(&y, b);
    bool same = tbe_str_eq(tbe_buf_str(&x), tbe_buf_str(&y));
    tbe_buf_free(&x);
    tbe_buf_free(&y);
    return same;
}

static const char *const alarm_keys[] = { "type", "originator", "severity", "status", "details" };

/* An alarm as it is shown has thirty members: these are what a test is about. */
static void
shorten_alarm(struct upd *u, struct doc *m)
{
    struct doc *few = doc_new(u->r->a, DOC_MAP, 0, 0);
    for (size_t i = 0; i < sizeof alarm_keys / sizeof alarm_keys[0]; i++) {
        if (doc_get(m, alarm_keys[i])) {
            doc_put(few, tbe_strz(alarm_keys[i]), doc_copy(u->r->a, doc_get(m, alarm_keys[i])));
        }
    }
    m->first = few->first;
    m->last = few->last;
    m->n = few->n;
}

/* A message as short as it can be said: what the node did not change is left out. */
static struct doc *
brief_message(struct upd *u, const struct doc *m)
{
    static const char *const keys[] = { "type", "data", "metadata", "originator" };
    const struct doc *in = NULL, *error = doc_get(m, "error");
    struct doc *out = doc_new(u->r->a, DOC_MAP, 0, 0);
    for (uint32_t i = 0; i < u->s->n_changes && !in; i++) {
        in = u->s->changes[i].out == m ? u->s->changes[i].in : NULL;
    }
    doc_put(out, TBE_STR("relation"), doc_copy(u->r->a, doc_get(m, "relation")));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct doc *now = doc_get(m, keys[i]), *was = doc_get(in, keys[i]);
        if (!equal(now, was)) {
            struct doc *copy = doc_copy(u->r->a, now);
            for (const struct doc *k = i == 2 && was && !u->exact ? was->first : NULL; k; k = k->next) {
                const struct doc *same = doc_get_str(copy, k->key);
                if (same && equal(same, k)) {
                    doc_remove(copy, same);
                }
            }
            if (i == 1 && !u->exact && doc_get(copy, "originator") && doc_get(copy, "severity")) {
                shorten_alarm(u, copy);
            }
            doc_put(out, tbe_strz(keys[i]), copy);
        }
    }
    if (error) {
        doc_put(out, TBE_STR("error"), doc_copy(u->r->a, error));
    }
    tidy(u, out);
    return out->n == 1 ? doc_copy(u->r->a, doc_get(out, "relation")) : out;
}

static struct doc *
brief_outs(struct upd *u, const struct doc *list)
{
    if (list->n == 1) {
        return brief_message(u, list->first);
    }
    struct doc *l = doc_new(u->r->a, DOC_LIST, 0, 0);
    for (const struct doc *m = list->first; m; m = m->next) {
        doc_append(l, brief_message(u, m));
    }
    return l;
}

static bool
is_matcher(const struct doc *d)
{
    return d->t == DOC_MAP && d->first && d->first->key.n && d->first->key.p[0] == '$';
}

/* Observed values in the shape of the expectation: keys it did not name stay unnamed. */
static struct doc *
shaped(struct upd *u, const struct doc *exp, const struct doc *got)
{
    if (exp->t == DOC_STR && got->t >= DOC_LIST && got->s.p) {
        return text(u, got->s);
    }
    if (is_matcher(exp)) {
        bool keep = got->t == DOC_STR && doc_get(exp, "$any");
        return doc_copy(u->r->a, keep ? exp : got);
    }
    if (exp->t == DOC_MAP && got->t == DOC_MAP && !u->exact) {
        struct doc *m = doc_new(u->r->a, DOC_MAP, 0, 0);
        for (const struct doc *e = exp->first; e; e = e->next) {
            const struct doc *g = doc_get_str(got, e->key);
            if (g) {
                doc_put(m, e->key, shaped(u, e, g));
            }
        }
        return m;
    }
    struct doc *copy = doc_copy(u->r->a, got);
    if (exp->t == DOC_LIST && got->t == DOC_LIST && exp->n == got->n) {
        copy = doc_new(u->r->a, DOC_LIST, 0, 0);
        for (const struct doc *e = exp->first, *g = got->first; e; e = e->next, g = g->next) {
            doc_append(copy, shaped(u, e, g));
        }
    }
    return copy;
}

static struct doc *
new_outs(struct upd *u, const struct doc *exp, const struct doc *got)
{
    if (!got) {
        return doc_new(u->r->a, DOC_NULL, 0, 0);
    }
    if (exp && exp->t == DOC_MAP && !is_matcher(exp) && got->n == 1) {
        struct doc *m = shaped(u, exp, got->first);
        tidy(u, m);
        return m;
    }
    if (exp && exp->t == DOC_STR && got->n == 1) {
        return doc_copy(u->r->a, doc_get(got->first, "relation"));
    }
    return brief_outs(u, got);
}

static struct doc *
new_nodes(struct upd *u, const struct doc *exp, const struct doc *got)
{
    struct doc *m = doc_new(u->r->a, DOC_MAP, 0, 0);
    for (const struct doc *e = exp ? exp->first : NULL; e; e = e->next) {
        doc_put(m, e->key, new_outs(u, e, doc_get_str(got, e->key)));
    }
    for (const struct doc *g = !exp || u->exact ? got->first : NULL; g; g = g->next) {
        if (!doc_get_str(m, g->key)) {
            doc_put(m, g->key, brief_outs(u, g));
        }
    }
    return m;
}

/* Effects without what is usual; exp: the list that was expected, or NULL. */
static struct doc *
new_effects(struct upd *u, const struct doc *exp, const struct doc *got, struct tbe_str part)
{
    struct doc *l = exp ? shaped(u, exp, got) : doc_copy(u->r->a, got);
    for (struct doc *m = exp ? NULL : l->first; m; m = m->next) {
        const struct doc *ts = doc_get(m, "ts"), *ttl = doc_get(m, "ttl");
        if (tbe_str_eqz(part, "alarms")) {
            shorten_alarm(u, m);
        }
        if (tbe_str_eqz(part, "saves")) {
            const struct doc *drop[] = { ts && ts->i == u->c->now ? ts : NULL, ttl && ttl->i == 0 ? ttl : NULL,
                                         doc_true(m, "history") ? doc_get(m, "history") : NULL,
                                         doc_true(m, "latest") ? doc_get(m, "latest") : NULL };
            for (size_t i = 0; i < sizeof drop / sizeof drop[0]; i++) {
                if (drop[i]) {
                    doc_remove(m, drop[i]);
                }
            }
        }
    }
    tidy(u, l);
    return l;
}

static struct doc *
new_part(struct upd *u, struct tbe_str key, const struct doc *exp)
{
    const struct doc *got = doc_get_str(u->s->observed, key);
    if (tbe_str_eqz(key, "init")) {
        struct tbe_str why = u->c->node ? u->c->file->set->cc[u->c->chain].nodes[u->c->index].broken : TBE_STR_NONE;
        return why.p ? text(u, why) : doc_new(u->r->a, DOC_NULL, 0, 0);
    }
    if (!got) {
        return NULL;
    }
    return tbe_str_eqz(key, "nodes") ? new_nodes(u, exp, got)
           : tbe_str_eqz(key, "out") ? new_outs(u, exp, got)
                                     : new_effects(u, exp, got, key);
}

/* Everything that was observed, for a step without expectations. */
static struct doc *
new_expect(struct upd *u)
{
    struct doc *e = doc_new(u->r->a, DOC_MAP, 0, 0);
    if (u->c->node && u->c->file->set->cc[u->c->chain].nodes[u->c->index].broken.p) {
        doc_put(e, TBE_STR("init"), new_part(u, TBE_STR("init"), NULL));
    }
    for (const struct doc *o = u->s->observed->first; o; o = o->next) {
        bool skip = tbe_str_eqz(o->key, "path") || tbe_str_eqz(o->key, "state") || (o->n == 0 && !tbe_str_eqz(o->key, "out"));
        struct doc *v = skip ? NULL : new_part(u, o->key, NULL);
        if (v) {
            doc_put(e, o->key, v);
        }
    }
    if (e->n == 0) { /* nothing happened: that is something to expect */
        doc_put(e, TBE_STR("path"), doc_new(u->r->a, DOC_LIST, 0, 0));
    }
    return e;
}

/* ---- where to write it ---- */

struct edits {
    struct test_run *r;
    struct tbe_str text;
    const char **line; /* starts; one more than there are lines */
    uint32_t n_lines;
    struct tbe_buf out;
    uint32_t done;     /* lines that are written or replaced */
    bool changed;
};

static struct tbe_str
line_at(const struct edits *x, uint32_t i) /* from 0 */
{
    struct tbe_str s = { x->line[i], (size_t)(x->line[i + 1] - x->line[i]) };
    while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r')) {
        s.n--;
    }
    return s;
}

/* Columns of space in front; UINT32_MAX for a line of nothing else, or of a comment. */
static uint32_t
indent_of(const struct edits *x, uint32_t i)
{
    struct tbe_str s = line_at(x, i);
    size_t k = 0;
    while (k < s.n && s.p[k] == ' ') {
        k++;
    }
    return k == s.n || s.p[k] == '#' ? UINT32_MAX : (uint32_t)k;
}

/* The line behind the last that belongs to the key or entry that starts at line `first` with this indent. */
static uint32_t
end_of(const struct edits *x, uint32_t first, uint32_t indent, bool key)
{
    uint32_t end = first + 1;
    for (uint32_t i = first + 1; i < x->n_lines; i++) {
        uint32_t n = indent_of(x, i);
        bool item = n == indent && key && line_at(x, i).n > n && line_at(x, i).p[n] == '-';
        if (n != UINT32_MAX && n <= indent && !item) {
            break;
        }
        end = n != UINT32_MAX ? i + 1 : end;
    }
    return end;
}

/* Is there only space, or "- ", in front of column col (from 1) of a line (from 1)? */
static bool
starts_line(const struct edits *x, uint32_t line, uint32_t col)
{
    struct tbe_str s = line <= x->n_lines ? line_at(x, line - 1) : TBE_STR_NONE;
    if (!s.n) {
        return false;
    }
    for (uint32_t i = 0; i + 1 < col && i < s.n; i++) {
        if (s.p[i] != ' ' && s.p[i] != '-') {
            return false;
        }
    }
    return true;
}

static void
copy_to(struct edits *x, uint32_t line)
{
    if (line > x->done) {
        tbe_buf_put(&x->out, x->line[x->done], (size_t)(x->line[line] - x->line[x->done]));
        if (x->out.n && x->out.p[x->out.n - 1] != '\n') {
            tbe_buf_putc(&x->out, '\n'); /* the file's last line may have none */
        }
        x->done = line;
    }
}

/* "key: value" in place of lines; what is in front of the key in its line stays. */
static void
replace_key(struct edits *x, const struct doc *old, struct tbe_str key, struct doc *value)
{
    uint32_t first = old->key_line - 1, indent = old->key_col - 1;
    uint32_t end = end_of(x, first, indent, true);
    copy_to(x, first);
    tbe_buf_put(&x->out, x->line[first], indent);
    put_text(&x->out, key);
    tbe_buf_putc(&x->out, ':');
    value->key = key;
    test_yaml(&x->out, value, indent + 2);
    x->done = end;
    x->changed = true;
}

static void
update_step(struct edits *x, struct upd *u)
{
    const struct doc *e = u->s->expect, *first = u->s->doc->first;
    if (!u->s->observed || (e && !u->s->wrong) || !first) {
        return;
    }
    bool block = first->key_line && starts_line(x, first->key_line, first->key_col) && x->text.p[0] != '{' &&
                 (!e || starts_line(x, e->key_line, e->key_col)) && u->s->doc->col == first->key_col;
    if (!block) {
        fprintf(stderr, "tbedgec: %s:%u: not updated: --update needs the keys of a step on lines of their own\n",
                u->c->file->path, u->s->doc->line);
        return;
    }
    if (!e) {
        uint32_t indent = first->key_col - 1, end = end_of(x, u->s->doc->line - 1, indent ? indent - 1 : 0, false);
        struct doc *all = new_expect(u);
        copy_to(x, end);
        put_indent(&x->out, indent);
        tbe_buf_putz(&x->out, "expect:");
        test_yaml(&x->out, all, indent + 2);
        x->changed = true;
        return;
    }
    bool flow = e->first && (!starts_line(x, e->first->key_line, e->first->key_col) || e->first->key_line == e->key_line);
    if (flow) {
        struct doc *whole = doc_copy(u->r->a, e);
        for (const struct doc *p = e->first; p; p = p->next) {
            struct doc *v = u->s->wrong & test_part(p->key) ? new_part(u, p->key, p) : NULL;
            if (v) {
                doc_put(whole, p->key, v);
            }
        }
        replace_key(x, e, TBE_STR("expect"), whole);
        return;
    }
    for (const struct doc *p = e->first; p; p = p->next) {
        struct doc *v = u->s->wrong & test_part(p->key) ? new_part(u, p->key, p) : NULL;
        if (v) {
            replace_key(x, p, p->key, v);
        }
    }
}

/* Bytes of the line break at p, 0 when there is none: what the YAML reader takes for one, LF, CR, CR LF, NEL, LS and
 * PS, so that lines have its numbers. */
static size_t
break_at(const char *p, const char *end)
{
    size_t n = (size_t)(end - p);
    return n >= 2 && memcmp(p, "\r\n", 2) == 0                                             ? 2
           : *p == '\n' || *p == '\r'                                                      ? 1
           : n >= 2 && memcmp(p, "\xC2\x85", 2) == 0                                       ? 2
           : n >= 3 && (memcmp(p, "\xE2\x80\xA8", 3) == 0 || memcmp(p, "\xE2\x80\xA9", 3) == 0) ? 3
                                                                                           : 0;
}

static void
split_lines(struct edits *x)
{
    const char *p = x->text.p, *end = p + x->text.n;
    uint32_t n = 1;
    for (const char *q = p; q < end; q++) {
        n += break_at(q, end) > 0;
    }
    x->line = tbe_arena_alloc(x->r->a, (n + 1) * sizeof *x->line);
    x->line[x->n_lines++] = p;
    while (p < end) {
        size_t len = break_at(p, end);
        p += len ? len : 1;
        if (len && p < end) {
            x->line[x->n_lines++] = p;
        }
    }
    x->line[x->n_lines] = end;
}

struct tbe_str
test_update(struct test_run *r, struct test_file *f)
{
    struct edits x = { .r = r, .text = f->text };
    split_lines(&x);
    for (uint32_t i = 0; i < f->n; i++) {
        for (uint32_t k = 0; k < f->v[i].n_steps; k++) {
            struct test_case *c = &f->v[i];
            struct tbe_str m = doc_text(c->steps[k].expect, "match");
            struct upd u = { r, c, &c->steps[k], m.p ? tbe_str_eqz(m, "exact") : c->exact };
            update_step(&x, &u);
        }
    }
    copy_to(&x, x.n_lines);
    struct tbe_str s = x.changed ? tbe_arena_dup(r->a, tbe_buf_str(&x.out)) : TBE_STR_NONE;
    tbe_buf_free(&x.out);
    return s;
}
