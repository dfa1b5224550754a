/* SPDX-License-Identifier: Apache-2.0 */
/* Differences as text, for people, and as JSON, for programs; and the lines of two texts compared. */
#include "config.h"
#include <string.h>
#include "check/node_class.h"
#include "drive/diff.h"

/* ---- lines ----------------------------------------------------------------------------------- */

struct lines {
    struct tbe_str *v;
    uint32_t n;
    bool open; /* no line break behind the last one */
};

static bool
split(struct tbe_arena *a, struct tbe_str s, struct lines *l)
{
    l->v = tbe_arena_alloc(a, (DIFF_MAX_LINES + 1) * sizeof *l->v);
    l->n = 0;
    l->open = s.n && s.p[s.n - 1] != '\n';
    for (const char *p = s.p, *end = s.p + s.n; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        if (l->n == DIFF_MAX_LINES) {
            return false;
        }
        l->v[l->n++] = (struct tbe_str){ p, (size_t)((nl ? nl : end) - p) };
        p = nl ? nl + 1 : end;
    }
    return true;
}

static bool
same_line(const struct lines *x, uint32_t i, const struct lines *y, uint32_t k)
{
    bool a = x->open && i + 1 == x->n, b = y->open && k + 1 == y->n;
    return a == b && tbe_str_eq(x->v[i], y->v[k]);
}

struct diff_line *
diff_lines(struct tbe_arena *a, struct tbe_str old, struct tbe_str new, uint32_t *n)
{
    struct lines x, y;
    uint32_t head = 0, tail = 0, i, k;
    if (!split(a, old, &x) || !split(a, new, &y)) {
        return NULL;
    }
    while (head < x.n && head < y.n && same_line(&x, head, &y, head)) {
        head++;
    }
    while (tail < x.n - head && tail < y.n - head &&
           same_line(&x, x.n - 1 - tail, &y, y.n - 1 - tail)) {
        tail++;
    }
    /* Longest common subsequence of what is between: len[i][k] for the lines from i and k on. */
    uint32_t nx = x.n - head - tail, ny = y.n - head - tail, row = ny + 1;
    uint16_t *len = tbe_arena_zalloc(a, (size_t)(nx + 1) * row * sizeof *len);
    for (i = nx; i > 0; i--) {
        for (k = ny; k > 0; k--) {
            uint16_t down = len[(size_t)i * row + k - 1], right = len[(size_t)(i - 1) * row + k];
            bool same = same_line(&x, head + i - 1, &y, head + k - 1);
            len[(size_t)(i - 1) * row + k - 1] = same ? (uint16_t)(len[(size_t)i * row + k] + 1) : down > right ? down : right;
        }
    }
    struct diff_line *v = tbe_arena_alloc(a, (x.n + y.n + 1) * sizeof *v);
    *n = 0;
    for (i = 0; i < head; i++) {
        v[(*n)++] = (struct diff_line){ ' ', x.v[i], x.open && i + 1 == x.n };
    }
    for (i = k = 0; i < nx || k < ny;) {
        if (i < nx && k < ny && same_line(&x, head + i, &y, head + k)) {
            v[(*n)++] = (struct diff_line){ ' ', x.v[head + i], x.open && head + i + 1 == x.n };
            i++;
            k++;
        } else if (i < nx && (k == ny || len[(size_t)(i + 1) * row + k] >= len[(size_t)i * row + k + 1])) {
            v[(*n)++] = (struct diff_line){ '-', x.v[head + i], x.open && head + i + 1 == x.n };
            i++;
        } else {
            v[(*n)++] = (struct diff_line){ '+', y.v[head + k], y.open && head + k + 1 == y.n };
            k++;
        }
    }
    for (i = x.n - tail; i < x.n; i++) {
        v[(*n)++] = (struct diff_line){ ' ', x.v[i], x.open && i + 1 == x.n };
    }
    return v;
}

/* Texts whose lines are worth comparing. */
static bool
has_lines(const struct diff_key *k)
{
    return k->old && k->new && k->old->t == DOC_STR && k->new->t == DOC_STR &&
           (memchr(k->old->s.p, '\n', k->old->s.n) || memchr(k->new->s.p, '\n', k->new->s.n));
}

/* ---- text ------------------------------------------------------------------------------------ */

struct show {
    struct tbe_buf *b;
    struct tbe_arena *a;
    bool colour;
};

/* Signs and what they colour. */
static void
sign(const struct show *s, char c)
{
    if (s->colour) {
        tbe_buf_putz(s->b,
                     c == '+' ? "\033[32m" : c == '-' ? "\033[31m" : c == '@' ? "\033[36m" : "\033[33m");
    }
}

static void
done(const struct show *s)
{
    tbe_buf_putz(s->b, s->colour ? "\033[0m\n" : "\n");
}

/* Text of the files, harmless on a terminal. */
static void
put_safe(struct tbe_buf *b, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 32 && c != '\t') || c == 127) {
            tbe_buf_fmt(b, "\\x%02x", c);
        } else {
            tbe_buf_putc(b, (char)c);
        }
    }
}

static void
put_value(struct tbe_buf *b, const struct doc *d)
{
    struct tbe_buf json = { 0 };
    if (!d) {
        tbe_buf_putz(b, "(none)");
        return;
    }
    doc_json(&json, d);
    put_safe(b, tbe_buf_str(&json));
    tbe_buf_free(&json);
}

static struct tbe_str
title(struct tbe_str type)
{
    const struct node_class *c = node_class_find(type);
    const struct known_class *k = c ? NULL : known_class_find(type);
    return c ? tbe_strz(c->title) : k ? tbe_strz(k->title) : type;
}

static void
put_node(struct tbe_buf *b, const struct chain_node *n)
{
    tbe_buf_putz(b, "node \"");
    put_safe(b, n->name);
    tbe_buf_putz(b, "\" (");
    put_safe(b, title(n->type));
    tbe_buf_putc(b, ')');
}

/* Line diff with context; groups that are far apart are parted by @@. */
static void
put_lines(const struct show *s, const struct diff_key *k)
{
    uint32_t n = 0, last = UINT32_MAX, line = 1;
    struct diff_line *v = diff_lines(s->a, k->old->s, k->new->s, &n);
    if (!v) {
        tbe_buf_fmt(s->b, "        (%zu bytes replaced by %zu)\n", k->old->s.n, k->new->s.n);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        bool near = false;
        for (uint32_t j = i > DIFF_CONTEXT ? i - DIFF_CONTEXT : 0; j < n &&
             j <= i + DIFF_CONTEXT; j++) {
            near |= v[j].sign != ' ';
        }
        if (near) {
            if (last == UINT32_MAX || last + 1 != i) {
                sign(s, '@');
                tbe_buf_fmt(s->b, "        @@ line %u @@", line);
                done(s);
            }
            tbe_buf_putz(s->b, "        ");
            if (v[i].sign != ' ') {
                sign(s, v[i].sign);
            }
            tbe_buf_putc(s->b, v[i].sign);
            put_safe(s->b, v[i].text);
            tbe_buf_putz(s->b, v[i].sign != ' ' && s->colour ? "\033[0m" : "");
            tbe_buf_putz(s->b, v[i].last &&
                         v[i].sign != ' ' ? " (no line break at the end)\n" : "\n");
            last = i;
        }
        line += v[i].sign != '-';
    }
}

static void
put_keys(const struct show *s, const struct diff_keys *keys, const char *indent)
{
    for (uint32_t i = 0; i < keys->n; i++) {
        const struct diff_key *k = &keys->v[i];
        tbe_buf_putz(s->b, indent);
        put_safe(s->b, k->path);
        if (has_lines(k)) {
            tbe_buf_putz(s->b, ":\n");
            put_lines(s, k);
            continue;
        }
        tbe_buf_putz(s->b, ": ");
        put_value(s->b, k->old);
        tbe_buf_putz(s->b, " -> ");
        put_value(s->b, k->new);
        tbe_buf_putc(s->b, '\n');
    }
}

static void
put_edge(const struct show *s, const struct diff_edge *e)
{
    sign(s, e->added ? '+' : '-');
    tbe_buf_fmt(s->b, "  %c relation \"", e->added ? '+' : '-');
    put_safe(s->b, e->from->name);
    tbe_buf_putz(s->b, "\" --");
    put_safe(s->b, e->relation);
    tbe_buf_putz(s->b, "--> \"");
    put_safe(s->b, e->to->name);
    tbe_buf_putc(s->b, '"');
    done(s);
}

static void
put_chain(const struct show *s, const struct diff_chain *c)
{
    char mark = !c->old ? '+' : !c->new ? '-' : '~';
    const struct chain *any = c->old ? c->old : c->new;
    sign(s, mark);
    tbe_buf_fmt(s->b, "%c chain \"", mark);
    put_safe(s->b, any->name);
    tbe_buf_fmt(s->b, "\" (%s)", any->file);
    done(s);
    put_keys(s, &c->keys, "    ");
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const struct diff_node *n = &c->nodes[i];
        mark = !n->old ? '+' : !n->new ? '-' : '~';
        sign(s, mark);
        tbe_buf_fmt(s->b, "  %c ", mark);
        put_node(s->b, n->old ? n->old : n->new);
        done(s);
        put_keys(s, &n->keys, "      ");
    }
    for (uint32_t i = 0; i < c->n_edges; i++) {
        put_edge(s, &c->edges[i]);
    }
}

void
diff_text(struct tbe_buf *b, struct tbe_arena *a, const struct diff *d, bool colour)
{
    struct show s = { b, a, colour };
    for (uint32_t i = 0; i < d->n; i++) {
        put_chain(&s, &d->chains[i]);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void
json_text(struct tbe_buf *b, struct tbe_str s)
{
    struct doc d = { .t = DOC_STR, .s = s };
    doc_json(b, &d);
}

static void
json_key(struct tbe_buf *b, struct tbe_arena *a, const struct diff_key *k)
{
    uint32_t n = 0;
    tbe_buf_putz(b, "{\"path\":");
    json_text(b, k->path);
    if (k->old) {
        tbe_buf_putz(b, ",\"old\":");
        doc_json(b, k->old);
    }
    if (k->new) {
        tbe_buf_putz(b, ",\"new\":");
        doc_json(b, k->new);
    }
    struct diff_line *v = has_lines(k) ? diff_lines(a, k->old->s, k->new->s, &n) : NULL;
    if (v) {
        tbe_buf_putz(b, ",\"lines\":[");
        for (uint32_t i = 0; i < n; i++) {
            char mark[2] = { v[i].sign, '\0' };
            json_text(b, tbe_arena_fmt(a, "%s%.*s", mark, (int)v[i].text.n, v[i].text.p));
            tbe_buf_putz(b, i + 1 < n ? "," : "");
        }
        tbe_buf_putc(b, ']');
    }
    tbe_buf_putc(b, '}');
}

static void
json_keys(struct tbe_buf *b, struct tbe_arena *a, const struct diff_keys *keys)
{
    tbe_buf_putz(b, ",\"keys\":[");
    for (uint32_t i = 0; i < keys->n; i++) {
        tbe_buf_putz(b, i ? "," : "");
        json_key(b, a, &keys->v[i]);
    }
    tbe_buf_putc(b, ']');
}

static const char *
change(const void *old, const void *new)
{
    return !old ? "added" : !new ? "removed" : "changed";
}

static void
json_chain(struct tbe_buf *b, struct tbe_arena *a, const struct diff_chain *c)
{
    tbe_buf_fmt(b, "{\"change\":\"%s\",\"name\":", change(c->old, c->new));
    json_text(b, (c->old ? c->old : c->new)->name);
    json_keys(b, a, &c->keys);
    tbe_buf_putz(b, ",\"nodes\":[");
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const struct diff_node *n = &c->nodes[i];
        tbe_buf_fmt(b, "%s{\"change\":\"%s\",\"name\":", i ? "," : "", change(n->old, n->new));
        json_text(b, (n->old ? n->old : n->new)->name);
        tbe_buf_putz(b, ",\"type\":");
        json_text(b, (n->old ? n->old : n->new)->type);
        json_keys(b, a, &n->keys);
        tbe_buf_putc(b, '}');
    }
    tbe_buf_putz(b, "],\"relations\":[");
    for (uint32_t i = 0; i < c->n_edges; i++) {
        const struct diff_edge *e = &c->edges[i];
        tbe_buf_fmt(b, "%s{\"change\":\"%s\",\"from\":", i ? "," : "",
                    e->added ? "added" : "removed");
        json_text(b, e->from->name);
        tbe_buf_putz(b, ",\"relation\":");
        json_text(b, e->relation);
        tbe_buf_putz(b, ",\"to\":");
        json_text(b, e->to->name);
        tbe_buf_putc(b, '}');
    }
    tbe_buf_putz(b, "]}");
}

void
diff_json(struct tbe_buf *b, struct tbe_arena *a, const struct diff *d)
{
    tbe_buf_fmt(b, "{\"same\":%s,\"chains\":[", d->n ? "false" : "true");
    for (uint32_t i = 0; i < d->n; i++) {
        tbe_buf_putz(b, i ? "," : "");
        json_chain(b, a, &d->chains[i]);
    }
    tbe_buf_putz(b, "]}\n");
}
