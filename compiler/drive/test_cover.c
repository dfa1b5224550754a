/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests reached: nodes and relations from the events, lines and conditions of scripts from the
 * counters in the generated code (tbe/cover.h). As text, JSON, or lcov's format with nodes as functions. */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "drive/test_int.h"
#include "tbe/value.h"

void
test_cover_init(struct test_run *r, struct test_set *s)
{
    s->cover = tbe_arena_zalloc(r->a, (s->cs.n + 1) * sizeof(struct test_cover_node *));
    for (uint32_t i = 0; i < s->cs.n; i++) {
        const struct chain *c = &s->cs.v[i];
        s->cover[i] = tbe_arena_zalloc(r->a, (c->n_nodes + 1) * sizeof(struct test_cover_node));
        uint64_t *edges = tbe_arena_zalloc(r->a, (c->n_edges + 1) * sizeof *edges);
        for (uint32_t k = 0; k < c->n_nodes; k++) {
            s->cover[i][k].edges = edges; /* one array for the chain */
        }
    }
}

void
test_cover_event(struct test_set *s, uint32_t chain, uint32_t node, bool in, struct tbe_str relation)
{
    const struct chain *c = &s->cs.v[chain];
    if (!s->cover) {
        return;
    }
    s->cover[chain][node].hits += in;
    for (uint32_t i = 0; !in && i < c->n_edges; i++) {
        if (c->edges[i].from == node && tbe_str_ieq(c->edges[i].type, relation)) {
            s->cover[chain][node].edges[i]++;
        }
    }
}

static struct test_cover_site *
site_at(struct test_run *r, struct test_set *s, const struct test_cover_site *want)
{
    for (uint32_t i = 0; i < s->n_sites; i++) {
        struct test_cover_site *x = &s->sites[i];
        if (x->line == want->line && x->col == want->col && x->branch == want->branch && tbe_str_eq(x->file, want->file)) {
            return x;
        }
    }
    if (s->n_sites == s->cap_sites) {
        uint32_t cap = s->cap_sites ? s->cap_sites * 2 : 64;
        struct test_cover_site *v = tbe_arena_alloc(r->a, cap * sizeof *v);
        if (s->n_sites) {
            memcpy(v, s->sites, s->n_sites * sizeof *v);
        }
        s->sites = v;
        s->cap_sites = cap;
    }
    s->sites[s->n_sites] = *want;
    return &s->sites[s->n_sites++];
}

/* [[file, line, column or 0 for a line, hits or false, true], ...] of one worker */
void
test_cover_sites(struct test_run *r, struct test_set *s, const struct doc *list)
{
    for (const struct doc *d = list ? list->first : NULL; d; d = d->next) {
        int64_t v[4] = { 0 };
        int i = 0;
        for (const struct doc *m = d->t == DOC_LIST && d->first ? d->first->next : NULL; m && i < 4; m = m->next) {
            v[i++] = m->t == DOC_INT ? m->i : 0;
        }
        if (i == 4 && d->first->t == DOC_STR) {
            struct test_cover_site want = { .file = d->first->s, .line = (uint32_t)v[0], .col = (uint32_t)v[1],
                                            .branch = v[1] != 0 };
            struct test_cover_site *x = site_at(r, s, &want);
            x->hits[0] += (uint64_t)v[2];
            x->hits[1] += (uint64_t)v[3];
        }
    }
}

/* ---- reports ---- */

struct sums {
    uint32_t nodes, nodes_hit, edges, edges_hit, lines, lines_hit, branches, branches_hit;
};

static bool
is_of(const struct test_set *s, uint32_t chain, uint32_t node, const struct test_cover_site *x)
{
    struct tbe_str f = s->cc[chain].nodes[node].script.file;
    return f.p && tbe_str_eq(f, x->file);
}

static struct diag_pos
where(const struct test_set *s, uint32_t chain, uint32_t node, const struct test_cover_site *x)
{
    return doc_pos_within(s->cs.v[chain].file, s->cc[chain].nodes[node].script.doc, x->line, x->col ? x->col : 1);
}

static void
add_sites(const struct test_set *s, uint32_t chain, uint32_t node, struct sums *t)
{
    for (uint32_t i = 0; i < s->n_sites; i++) {
        const struct test_cover_site *x = &s->sites[i];
        if (is_of(s, chain, node, x)) {
            t->lines += !x->branch;
            t->lines_hit += !x->branch && x->hits[0];
            t->branches += x->branch ? 2 : 0;
            t->branches_hit += x->branch ? (x->hits[0] > 0) + (x->hits[1] > 0) : 0;
        }
    }
}

/* Chains made of single nodes end in an acknowledging node of ours. */
static bool
is_ours(const struct test_set *s, uint32_t chain, uint32_t node)
{
    for (uint32_t i = 0; i < s->n_files; i++) {
        if (node == 0 && s->files[i]->chain.p && tbe_str_eq(s->files[i]->chain, s->cs.v[chain].name)) {
            return true;
        }
    }
    return false;
}

static struct sums
sum(const struct test_set *s, uint32_t chain)
{
    struct sums t = { 0 };
    const struct chain *c = &s->cs.v[chain];
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        bool ours = is_ours(s, chain, k);
        t.nodes += !ours;
        t.nodes_hit += !ours && s->cover[chain][k].hits;
        add_sites(s, chain, k, &t);
    }
    for (uint32_t i = 0; i < c->n_edges; i++) {
        t.edges++;
        t.edges_hit += s->cover[chain][c->edges[i].from].edges[i] > 0;
    }
    return t;
}

static void
text_sum(FILE *out, const char *what, uint32_t hit, uint32_t all)
{
    if (all) {
        fprintf(out, "  %-16s %u of %u (%.0f %%)\n", what, hit, all, 100.0 * hit / all);
    }
}

static void
text_sites(const struct test_set *s, uint32_t chain, uint32_t node, FILE *out)
{
    for (uint32_t i = 0; i < s->n_sites; i++) {
        const struct test_cover_site *x = &s->sites[i];
        if (!is_of(s, chain, node, x) || (x->branch ? x->hits[0] && x->hits[1] : x->hits[0] > 0)) {
            continue;
        }
        struct diag_pos p = where(s, chain, node, x);
        struct tbe_str label = s->labels[chain][node];
        fprintf(out, "    %s:%u: \"%.*s\" line %u", p.file, p.line, (int)label.n, label.p, x->line);
        if (x->branch) {
            fprintf(out, ", column %u", x->col);
        }
        fprintf(out, ": %s\n",
                !x->branch                     ? "not run"
                : !x->hits[0] && !x->hits[1]   ? "condition not evaluated"
                : x->hits[1]                   ? "condition never false"
                                               : "condition never true");
    }
}

static void
text_chain(const struct test_set *s, uint32_t i, FILE *out)
{
    const struct chain *c = &s->cs.v[i];
    struct sums t = sum(s, i);
    fprintf(out, "%.*s (%s)\n", (int)c->name.n, c->name.p, c->file);
    text_sum(out, "nodes", t.nodes_hit, t.nodes);
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        if (!s->cover[i][k].hits && !is_ours(s, i, k)) {
            fprintf(out, "    %s:%u: \"%.*s\" not reached\n", c->file, c->nodes[k].doc->line, (int)c->nodes[k].name.n,
                    c->nodes[k].name.p);
        }
    }
    text_sum(out, "relations", t.edges_hit, t.edges);
    for (uint32_t k = 0; k < c->n_edges; k++) {
        const struct chain_edge *e = &c->edges[k];
        if (!s->cover[i][e->from].edges[k]) {
            fprintf(out, "    %s:%u: \"%.*s\" --%.*s--> \"%.*s\" not taken\n", c->file, e->doc->line,
                    (int)c->nodes[e->from].name.n, c->nodes[e->from].name.p, (int)e->type.n, e->type.p,
                    (int)c->nodes[e->to].name.n, c->nodes[e->to].name.p);
        }
    }
    text_sum(out, "script lines", t.lines_hit, t.lines);
    text_sum(out, "script branches", t.branches_hit, t.branches);
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        text_sites(s, i, k, out);
    }
}

static void
put_json(FILE *out, struct tbe_str s)
{
    struct tbe_buf b = { 0 };
    tbe_json_write_str(&b, s);
    fwrite(b.p, 1, b.n, out);
    tbe_buf_free(&b);
}

static void
json_script(const struct test_set *s, uint32_t chain, uint32_t node, FILE *out, const char **sep)
{
    struct sums t = { 0 };
    add_sites(s, chain, node, &t);
    if (!t.lines && !t.branches) {
        return;
    }
    fprintf(out, "%s\n  {\"node\":", *sep);
    put_json(out, s->labels[chain][node]);
    *sep = ",";
    for (int branch = 0; branch < 2; branch++) {
        const char *comma = "";
        fprintf(out, ",\"%s\":[", branch ? "branches" : "lines");
        for (uint32_t i = 0; i < s->n_sites; i++) {
            const struct test_cover_site *x = &s->sites[i];
            if (!is_of(s, chain, node, x) || x->branch != (bool)branch) {
                continue;
            }
            struct diag_pos p = where(s, chain, node, x);
            fprintf(out, "%s{\"line\":%u,\"scriptLine\":%u", comma, p.line, x->line);
            if (branch) {
                fprintf(out, ",\"scriptColumn\":%u,\"false\":%llu,\"true\":%llu}", x->col, (unsigned long long)x->hits[0],
                        (unsigned long long)x->hits[1]);
            } else {
                fprintf(out, ",\"hits\":%llu}", (unsigned long long)x->hits[0]);
            }
            comma = ",";
        }
        putc(']', out);
    }
    putc('}', out);
}

static void
json_chain(const struct test_set *s, uint32_t i, FILE *out)
{
    const struct chain *c = &s->cs.v[i];
    const char *sep = "";
    struct sums t = sum(s, i);
    fputs("{\"chain\":", out);
    put_json(out, c->name);
    fputs(",\"file\":", out);
    put_json(out, tbe_strz(c->file));
    fputs(",\n \"nodes\":[", out);
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        if (!is_ours(s, i, k)) {
            fprintf(out, "%s\n  {\"name\":", sep);
            put_json(out, c->nodes[k].name);
            fprintf(out, ",\"line\":%u,\"hits\":%llu}", c->nodes[k].doc->line, (unsigned long long)s->cover[i][k].hits);
            sep = ",";
        }
    }
    fputs("],\n \"relations\":[", out);
    for (uint32_t k = 0; k < c->n_edges; k++) {
        const struct chain_edge *e = &c->edges[k];
        fprintf(out, "%s\n  {\"from\":", k ? "," : "");
        put_json(out, c->nodes[e->from].name);
        fputs(",\"relation\":", out);
        put_json(out, e->type);
        fputs(",\"to\":", out);
        put_json(out, c->nodes[e->to].name);
        fprintf(out, ",\"line\":%u,\"hits\":%llu}", e->doc->line, (unsigned long long)s->cover[i][e->from].edges[k]);
    }
    fputs("],\n \"scripts\":[", out);
    sep = "";
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        json_script(s, i, k, out, &sep);
    }
    fprintf(out, "],\n \"totals\":{\"nodes\":[%u,%u],\"relations\":[%u,%u],\"lines\":[%u,%u],\"branches\":[%u,%u]}}", t.nodes_hit,
            t.nodes, t.edges_hit, t.edges, t.lines_hit, t.lines, t.branches_hit, t.branches);
}

/* Names in lcov's lines end at the line. */
static void
lcov_name(FILE *out, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        putc((unsigned char)s.p[i] < 32 || s.p[i] == ',' ? ' ' : s.p[i], out);
    }
    putc('\n', out);
}

static void
lcov_sites(const struct test_set *s, uint32_t chain, bool branch, FILE *out)
{
    for (uint32_t k = 0; k < s->cs.v[chain].n_nodes; k++) {
        for (uint32_t i = 0; i < s->n_sites; i++) {
            const struct test_cover_site *x = &s->sites[i];
            if (!is_of(s, chain, k, x) || x->branch != branch) {
                continue;
            }
            struct diag_pos p = where(s, chain, k, x);
            for (int side = 0; branch && side < 2; side++) {
                bool run = x->hits[0] || x->hits[1];
                fprintf(out, "BRDA:%u,%u,%d,", p.line, i, side);
                fprintf(out, run ? "%llu\n" : "-\n", (unsigned long long)x->hits[side ? 0 : 1]);
            }
            if (!branch) {
                fprintf(out, "DA:%u,%llu\n", p.line, (unsigned long long)x->hits[0]);
            }
        }
    }
}

static void
lcov_chain(const struct test_set *s, uint32_t i, FILE *out)
{
    const struct chain *c = &s->cs.v[i];
    struct sums t = sum(s, i);
    fprintf(out, "TN:\nSF:%s\n", c->file);
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        if (!is_ours(s, i, k)) {
            fprintf(out, "FN:%u,", c->nodes[k].doc->line);
            lcov_name(out, s->labels[i][k]);
        }
    }
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        if (!is_ours(s, i, k)) {
            fprintf(out, "FNDA:%llu,", (unsigned long long)s->cover[i][k].hits);
            lcov_name(out, s->labels[i][k]);
        }
    }
    fprintf(out, "FNF:%u\nFNH:%u\n", t.nodes, t.nodes_hit);
    lcov_sites(s, i, true, out);
    fprintf(out, "BRF:%u\nBRH:%u\n", t.branches, t.branches_hit);
    lcov_sites(s, i, false, out);
    fprintf(out, "LF:%u\nLH:%u\nend_of_record\n", t.lines, t.lines_hit);
}

static int
by_place(const void *x, const void *y)
{
    const struct test_cover_site *a = x, *b = y;
    int c = tbe_str_cmp(a->file, b->file);
    return c            ? c
           : a->line != b->line ? (a->line < b->line ? -1 : 1)
                                : (a->col > b->col) - (a->col < b->col);
}

int
test_cover_report(struct test_run *r, FILE *text)
{
    const char *format = r->o->coverage, *path = r->o->coverage_out;
    bool json = strcmp(format, "json") == 0;
    void (*fn)(const struct test_set *s, uint32_t i, FILE *out) =
        json ? json_chain : strcmp(format, "lcov") == 0 ? lcov_chain : text_chain;
    FILE *out = path ? fopen(path, "wb") : fn == text_chain ? stderr : text;
    const char *sep = "";
    if (!out) {
        fprintf(stderr, "tbedgec: cannot write %s: %s\n", path, strerror(errno));
        return -1;
    }
    fputs(json ? "{\"chains\":[\n" : "", out);
    for (uint32_t i = 0; i < r->n_sets; i++) {
        if (r->sets[i].n_sites) { /* the linker's order is not the script's */
            qsort(r->sets[i].sites, r->sets[i].n_sites, sizeof *r->sets[i].sites, by_place);
        }
        for (uint32_t k = 0; r->sets[i].cover && k < r->sets[i].cs.n; k++) {
            fputs(json ? sep : "", out);
            fn(&r->sets[i], k, out);
            sep = ",\n";
        }
    }
    fputs(json ? "]}\n" : "", out);
    bool ok = !ferror(out);
    if (path) {
        ok = fclose(out) == 0 && ok;
    }
    if (!ok) {
        fprintf(stderr, "tbedgec: cannot write %s\n", path ? path : "the coverage");
    }
    return ok ? 0 : -1;
}
