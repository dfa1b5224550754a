/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the workers in their test mode. Each is a child with a time limit; one that dies or hangs costs
 * the case it was at, a new one goes on behind it. */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "drive/child.h"
#include "drive/test_int.h"

#define WORKER_MEMORY (2ull << 30) /* bytes of address space */
#define SHARE_MAX 32 /* cases a child gets at most: so several children share a large set */

struct share { /* cases one child runs */
    struct test_set *set;
    struct test_case **v;
    uint32_t n, done;
    const char *path; /* of the scenarios */
    const char **argv;
    char noise[400];  /* the last it said that is no report */
};

static struct test_case **
cases_of(struct test_run *r, struct test_set *s, uint32_t *n)
{
    uint32_t max = 0;
    for (uint32_t i = 0; i < s->n_files; i++) {
        max += s->files[i]->n;
    }
    struct test_case **v = tbe_arena_zalloc(r->a, (max + 1) * sizeof(struct test_case *));
    *n = 0;
    for (uint32_t i = 0; i < s->n_files; i++) {
        struct test_file *f = s->files[i];
        for (uint32_t k = 0; k < f->n && !f->bad; k++) {
            if (!f->v[k].skip.p && !f->v[k].shut) {
                v[(*n)++] = &f->v[k];
            }
        }
    }
    return v;
}

/* The scenarios that are still to be run, into the share's file. */
static bool
write_share(struct test_run *r, struct share *h)
{
    FILE *f = fopen(h->path, "wb");
    bool ok = f != NULL;
    for (uint32_t i = h->done; ok && i < h->n; i++) {
        struct tbe_buf b = { 0 };
        test_scenario(r, h->v[i], tbe_arena_fmt(r->a, "t%u", i), &b);
        ok = !b.oom && fwrite(b.p, 1, b.n, f) == b.n;
        tbe_buf_free(&b);
    }
    return f ? fclose(f) == 0 && ok : false;
}

static void
took(struct test_run *r, struct share *h, const struct doc *report)
{
    struct test_case *c = h->v[h->done++];
    struct tbe_str err = report ? doc_text(report, "error") : TBE_STR("its report cannot be read");
    c->ran = true;
    if (err.p) {
        test_fail(r, c, NULL, TBE_STR_NONE, TBE_STR_NONE, tbe_arena_fmt(r->a, "cannot run: %.*s", (int)err.n, err.p));
        return;
    }
    test_observe(r, c, report);
    test_compare(r, c);
}

/* One line of a child's output. */
static void
read_line(struct test_run *r, struct share *h, struct tbe_str line)
{
    static const char start[] = "{\"id\":\"t";
    static const char cover[] = "{\"coverage\":[";
    bool report = line.n > sizeof start && memcmp(line.p, start, sizeof start - 1) == 0;
    bool sites = line.n > sizeof cover && memcmp(line.p, cover, sizeof cover - 1) == 0;
    struct diags quiet;
    diags_init(&quiet, r->a);
    if (report && (h->done == h->n || strtoul(line.p + sizeof start - 1, NULL, 10) != h->done)) {
        report = false; /* none of ours */
    }
    const struct doc *d = report || sites ? json_read(r->a, &quiet, "report", tbe_arena_dup(r->a, line)) : NULL;
    if (d && sites) {
        test_cover_sites(r, h->set, doc_get(d, "coverage"));
    } else if (report) {
        took(r, h, d);
    } else if (line.n) {
        snprintf(h->noise, sizeof h->noise, "%.*s", (int)(line.n < 300 ? line.n : 300), line.p);
    }
}

static void
read_output(struct test_run *r, struct share *h, const struct child *k)
{
    const char *p = k->output.p ? k->output.p : "", *end = p + k->output.n;
    h->noise[0] = '\0';
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        read_line(r, h, (struct tbe_str){ p, (size_t)((nl ? nl : end) - p) });
        p = nl ? nl + 1 : end;
    }
}

/* The case the child was at when it ended early. */
static void
blame(struct test_run *r, struct share *h, const struct child *k)
{
    struct test_case *c = h->v[h->done++];
    c->ran = true;
    struct tbe_str what =
        k->timed_out ? tbe_arena_fmt(r->a, "the worker took more than %u s and was stopped", k->seconds)
        : k->cut     ? tbe_arena_fmt(r->a, "the report is larger than %u bytes", TEST_MAX_REPORT)
        : k->status > 128 ? tbe_arena_fmt(r->a, "the worker was ended by signal %d%s%s", k->status - 128,
                                          h->noise[0] ? ": " : "", h->noise)
                          : tbe_arena_fmt(r->a, "the worker ended with status %d%s%s", k->status,
                                          h->noise[0] ? ": " : "", h->noise);
    test_fail(r, c, NULL, TBE_STR_NONE, TBE_STR_NONE, what);
}

static int64_t
now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A round: every share that is not done gets a child. False when none could be started. */
static bool
round_of(struct test_run *r, struct share *v, uint32_t n, unsigned jobs)
{
    struct child *kids = tbe_arena_zalloc(r->a, (n + 1) * sizeof *kids);
    struct share **of = tbe_arena_zalloc(r->a, (n + 1) * sizeof(struct share *));
    uint32_t n_kids = 0, before = 0, after = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct share *h = &v[i];
        before += h->done;
        if (h->done == h->n) {
            continue;
        }
        if (!write_share(r, h)) {
            struct tbe_str why = tbe_arena_fmt(r->a, "cannot write %s: %s", h->path, strerror(errno));
            while (h->done < h->n) {
                test_fail(r, h->v[h->done++], NULL, TBE_STR_NONE, TBE_STR_NONE, why);
            }
            continue;
        }
        of[n_kids] = h;
        kids[n_kids++] = (struct child){ .argv = h->argv, .seconds = r->o->seconds, .output_max = TEST_MAX_REPORT,
                                         .memory = TBE_SANITIZE[0] ? 0 : (size_t)WORKER_MEMORY };
    }
    int64_t start = now_us();
    (void)!children_run(kids, n_kids, jobs);
    int64_t us = now_us() - start;
    uint32_t ran = 0;
    for (uint32_t i = 0; i < n_kids; i++) {
        struct share *h = of[i];
        uint32_t first = h->done;
        read_output(r, h, &kids[i]);
        if (h->done < h->n && kids[i].status >= 0 && (kids[i].status != 0 || kids[i].cut || h->done == first)) {
            blame(r, h, &kids[i]);
        }
        ran += h->done - first;
        tbe_buf_free(&kids[i].output);
    }
    for (uint32_t i = 0; i < n; i++) {
        after += v[i].done;
        for (uint32_t k = 0; k < v[i].done; k++) {
            v[i].v[k]->us = v[i].v[k]->us ? v[i].v[k]->us : ran ? us / ran : 0;
        }
    }
    return after > before;
}

void
test_exec(struct test_run *r)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned jobs = r->o->jobs ? r->o->jobs : cpus > 0 ? (unsigned)cpus : 1;
    struct share *v = NULL;
    uint32_t n = 0, max = 0;
    for (uint32_t i = 0; i < r->n_sets; i++) {
        uint32_t cases;
        (void)cases_of(r, &r->sets[i], &cases);
        max += cases / SHARE_MAX + 1;
    }
    v = tbe_arena_zalloc(r->a, (max + 1) * sizeof *v);
    for (uint32_t i = 0; i < r->n_sets; i++) {
        struct test_set *s = &r->sets[i];
        uint32_t cases;
        struct test_case **list = cases_of(r, s, &cases);
        for (uint32_t at = 0; s->worker && at < cases; at += SHARE_MAX) {
            struct share *h = &v[n];
            *h = (struct share){ .set = s, .v = list + at, .n = cases - at < SHARE_MAX ? cases - at : SHARE_MAX };
            h->path = tbe_arena_fmt(r->a, "%s/cases%u", r->dir, n).p;
            h->argv = tbe_arena_zalloc(r->a, 4 * sizeof *h->argv);
            h->argv[0] = s->worker;
            h->argv[1] = "--replay";
            h->argv[2] = h->path;
            n++;
        }
    }
    while (n && round_of(r, v, n, jobs)) {
    }
    for (uint32_t i = 0; i < n; i++) {
        while (v[i].done < v[i].n) {
            test_fail(r, v[i].v[v[i].done++], NULL, TBE_STR_NONE, TBE_STR_NONE, TBE_STR("the worker cannot be started"));
        }
    }
}
