/* SPDX-License-Identifier: Apache-2.0 */
/* The course of `tbedgec test`: read, build, run, report. */
#include "config.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "drive/file.h"
#include "drive/test_int.h"

#define CACHE_YOUNG 3600 /* s: a worker that was used since may be used now */

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* All directories of a path. */
static bool
make_dirs(char *path)
{
    for (char *p = path + 1;; p++) {
        char was = *p;
        if (was == '/' || was == '\0') {
            *p = '\0';
            if (mkdir(path, 0700) != 0 && errno != EEXIST) {
                *p = was;
                return false;
            }
            *p = was;
        }
        if (was == '\0') {
            return access(path, W_OK) == 0;
        }
    }
}

static void
find_cache(struct test_run *r)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *dir = NULL;
    if (r->o->no_cache) {
        return;
    }
    if (r->o->cache) {
        dir = tbe_arena_dupz(r->a, tbe_strz(r->o->cache));
    } else if (xdg && *xdg) {
        dir = tbe_arena_dupz(r->a, tbe_arena_fmt(r->a, "%s/tbedgec/test", xdg));
    } else if (home && *home) {
        dir = tbe_arena_dupz(r->a, tbe_arena_fmt(r->a, "%s/.cache/tbedgec/test", home));
    }
    if (dir && *dir && make_dirs(dir)) {
        r->cache = dir;
    }
}

static void
remove_dir(struct test_run *r)
{
    DIR *d = opendir(r->dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] != '.') {
            unlink(tbe_arena_fmt(r->a, "%s/%s", r->dir, e->d_name).p);
        }
    }
    if (d) {
        closedir(d);
    }
    rmdir(r->dir);
}

static void
read_files(struct test_run *r, char **paths, int n)
{
    r->files = tbe_arena_zalloc(r->a, ((size_t)n + 1) * sizeof *r->files);
    for (int i = 0; i < n; i++) {
        if (!test_read(r, &r->files[i], paths[i])) {
            fprintf(stderr, "tbedgec: cannot read %s: %s\n", paths[i], strerror(errno));
            r->input_error = true;
        }
        r->n_files++;
    }
}

/* Notes and warnings are for `tbedgec check`; here they may tell why a test failed. That a single node
 * stands alone is no news. */
static bool
is_quiet(const struct test_run *r, const struct diag *d)
{
    for (uint32_t i = 0; d->severity == DIAG_WARNING && d->code != C2207 && i < r->n_files; i++) {
        for (uint32_t k = 0; k < r->files[i].n; k++) {
            if (r->files[i].v[k].n_fails) {
                return false;
            }
        }
    }
    return d->severity != DIAG_ERROR;
}

static void
show_diags(struct test_run *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->ds.n; i++) {
        if (!is_quiet(r, &r->ds.v[i])) {
            r->ds.v[kept++] = r->ds.v[i];
        }
    }
    r->ds.n = kept;
    const char *no = getenv("NO_COLOR");
    diags_sort(&r->ds);
    diags_text(&r->ds, stderr, isatty(2) && !(no && *no));
    r->ds.n = 0;
}

/* New text in place of a test file. */
static void
write_update(struct test_run *r, struct test_file *f)
{
    const char *dot = strrchr(f->path, '.');
    if (dot && strcmp(dot, ".json") == 0) {
        fprintf(stderr, "tbedgec: %s: --update writes YAML files only\n", f->path);
        r->input_error = true;
        return;
    }
    struct tbe_str text = test_update(r, f);
    if (!text.p) {
        return;
    }
    if (file_replace(r->a, f->path, text) == 0) {
        fprintf(stderr, "tbedgec: %s: expectations rewritten: look at the difference\n", f->path);
    } else {
        fprintf(stderr, "tbedgec: cannot write %s: %s\n", f->path, strerror(errno));
        r->input_error = true;
    }
}

int
test_files(struct tbe_arena *a, const struct test_options *o, char **paths, int n, FILE *out)
{
    struct test_run r = { .a = a, .o = o };
    const char *tmp = getenv("TMPDIR");
    double start = now();
    time_t began = time(NULL);
    char *dir = tbe_arena_dupz(a, tbe_arena_fmt(a, "%s/tbedgec-test-XXXXXX", tmp && *tmp ? tmp : "/tmp"));
    diags_init(&r.ds, a);
    if ((unsigned)n > TEST_MAX_FILES || !mkdtemp(dir)) {
        fprintf(stderr, "tbedgec: %s: %s\n", dir, (unsigned)n > TEST_MAX_FILES ? "too many test files" : strerror(errno));
        return 2;
    }
    r.dir = dir;
    find_cache(&r);
    read_files(&r, paths, n);
    test_sets(&r);
    for (uint32_t i = 0; i < r.n_sets; i++) {
        test_build(&r, &r.sets[i]);
    }
    test_exec(&r);
    show_diags(&r);
    uint32_t ran, failed = test_report(&r, now() - start, out, &ran);
    bool nothing = ran == 0;
    for (uint32_t i = 0; o->update && i < r.n_files; i++) {
        if (!r.files[i].bad) {
            write_update(&r, &r.files[i]);
        }
    }
    if (o->coverage && test_cover_report(&r, out) != 0) {
        r.input_error = true;
    }
    if (r.cache) {
        test_trim_cache(&r, began - CACHE_YOUNG);
    }
    remove_dir(&r);
    if (o->filter && nothing) {
        fprintf(stderr, "tbedgec: no test's name holds \"%s\"\n", o->filter);
        return 2;
    }
    return r.input_error || fflush(out) != 0 ? 2 : failed || r.ds.errors ? 1 : 0;
}
