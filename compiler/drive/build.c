/* SPDX-License-Identifier: Apache-2.0 */
/* Generated files -> objects -> worker, in a directory of its own that goes away afterwards. */
#include "config.h"
#include "drive/drive.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "drive/cache.h"
#include "drive/child.h"
#include "drive/objects.h"
#include "drive/paths.h"

#define ARGS_MAX 2048

struct args {
    const char **v;
    int n;
};

static void
arg(struct args *x, const char *s)
{
    if (x->n < ARGS_MAX - 1) {
        x->v[x->n++] = s;
        x->v[x->n] = NULL;
    }
}

static void
arg_words(struct tbe_arena *a, struct args *x, const char *words)
{
    while (*words) {
        words += strspn(words, " \t");
        size_t n = strcspn(words, " \t");
        if (n) {
            arg(x, tbe_arena_dupz(a, (struct tbe_str){ words, n }));
        }
        words += n;
    }
}

static struct args
args_new(struct tbe_arena *a, const char *const *cmd)
{
    struct args x = { tbe_arena_alloc(a, ARGS_MAX * sizeof *x.v), 0 };
    for (int i = 0; cmd[i]; i++) {
        arg(&x, cmd[i]);
    }
    return x;
}

static int
write_file(const char *path, struct tbe_str text)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        return -1;
    }
    size_t n = fwrite(text.p, 1, text.n, f);
    return fclose(f) == 0 && n == text.n ? 0 : -1;
}

int
drive_digest(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files,
             struct cache_file *lib, char out[65])
{
    struct cache_file fresh = { 0 };
    struct tbe_buf b = { 0 };
    lib = lib ? lib : &fresh;
    if (cache_digest(tbe_arena_dupz(a, t->library), lib) != 0) {
        return -1;
    }
    tbe_buf_fmt(&b, "tbedgec %s\nlibtbedge %s\n%s\n%s\n", PACKAGE_VERSION, lib->digest, TBE_SANITIZE,
                TBE_WORKER_LIBS);
    for (int i = 0; t->cc[i]; i++) {
        tbe_buf_fmt(&b, "%s ", t->cc[i]);
    }
    for (uint32_t i = 0; i < files->n_files; i++) {
        tbe_buf_fmt(&b, "\n%.*s %zu\n", (int)files->files[i].name.n, files->files[i].name.p, files->files[i].text.n);
        tbe_buf_puts(&b, files->files[i].text);
    }
    hash_sha256_hex(tbe_buf_str(&b), out);
    tbe_buf_free(&b);
    return 0;
}

int
drive_write(struct tbe_arena *a, const char *dir, const struct emit_result *files, struct tbe_str *where)
{
    *where = tbe_arena_dup(a, tbe_strz(dir));
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        return -1;
    }
    for (uint32_t i = 0; i < files->n_files; i++) {
        *where = tbe_arena_fmt(a, "%s/%.*s", dir, (int)files->files[i].name.n, files->files[i].name.p);
        if (write_file(where->p, files->files[i].text) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool
is_c(struct tbe_str name)
{
    return name.n > 2 && memcmp(name.p + name.n - 2, ".c", 2) == 0;
}

static void
keep(const struct child *c, struct tbe_buf *said)
{
    tbe_buf_puts(said, tbe_buf_str(&c->output));
    if (c->cut) {
        tbe_buf_putz(said, "(more not shown)\n");
    }
    if (c->timed_out) {
        tbe_buf_fmt(said, "tbedgec: the C compiler took more than %u s and was stopped\n", c->seconds);
    } else if (c->status != 0) {
        tbe_buf_fmt(said, "tbedgec: the C compiler ended with status %d\n", c->status);
    }
}

static int
run_all(struct child *v, size_t n, struct tbe_buf *said)
{
    int rc = children_run(v, n, CC_JOBS);
    for (size_t i = 0; i < n; i++) {
        if (v[i].status >= 0) {
            keep(&v[i], said);
        }
        tbe_buf_free(&v[i].output);
    }
    return rc;
}

static struct child
job(const char *const *argv)
{
    return (struct child){ .argv = argv, .seconds = CC_SECONDS, .output_max = CC_OUTPUT_MAX,
                           /* a compiler under AddressSanitizer reserves terabytes, cc itself is not */
                           .memory = (size_t)CC_MEMORY };
}

/* Did the user's command choose an option of this kind itself? */
static bool
has_option(const struct toolchain *t, const char *start)
{
    for (const char *const *w = t->cc; *w; w++) {
        if (strncmp(*w, start, strlen(start)) == 0) {
            return true;
        }
    }
    return false;
}

struct object {
    struct tbe_str path; /* what is linked */
    struct tbe_str kept; /* where it is kept, or absent */
    bool old;            /* kept from an earlier build */
};

/* One for each file; those of headers and scripts stay empty. */
static struct object *
plan_objects(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files, const char *dir)
{
    struct object *o = tbe_arena_zalloc(a, (files->n_files + 1) * sizeof *o);
    for (uint32_t i = 0; i < files->n_files; i++) {
        if (!is_c(files->files[i].name)) {
            continue;
        }
        o[i].path = tbe_arena_fmt(a, "%s/%u.o", dir, i);
        if (t->objects) {
            o[i].kept = objects_path(a, t, files->files[i].text);
            o[i].old = objects_has(o[i].kept);
            o[i].path = o[i].old ? o[i].kept : o[i].path;
        }
    }
    return o;
}

static void
keep_objects(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files, const struct object *o)
{
    for (uint32_t i = 0; t->objects && i < files->n_files; i++) {
        if (o[i].kept.p && !o[i].old) {
            objects_add(a, o[i].kept, o[i].path.p);
        }
    }
    if (t->objects) {
        objects_trim(a, t->objects);
    }
}

/* Old objects are not linked again: one of them may be damaged. False: there are none. */
static bool
drop_objects(const struct emit_result *files, const struct object *o)
{
    bool any = false;
    for (uint32_t i = 0; i < files->n_files; i++) {
        any |= o[i].old;
        if (o[i].old) {
            unlink(o[i].kept.p);
        }
    }
    return any;
}

/* cc -c of every C file whose object is not there. */
static int
compile_all(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files, const char *dir,
            const struct object *objects, struct tbe_buf *said)
{
    struct child *jobs = tbe_arena_zalloc(a, (files->n_files + 1) * sizeof *jobs);
    size_t n = 0;
    for (uint32_t i = 0; i < files->n_files; i++) {
        struct tbe_str name = files->files[i].name;
        if (!objects[i].path.p || objects[i].old) {
            continue;
        }
        struct args x = args_new(a, t->cc);
        arg(&x, "-std=gnu11");
        if (!t->is_tcc) {
            if (!has_option(t, "-O")) {
                arg(&x, "-O2");
            }
            arg(&x, "-fno-strict-aliasing");
        }
        arg_words(a, &x, TBE_SANITIZE);
        for (int k = 0; k < 2 && t->include[k].p; k++) {
            arg(&x, tbe_arena_fmt(a, "-I%.*s", (int)t->include[k].n, t->include[k].p).p);
        }
        arg(&x, "-c");
        arg(&x, tbe_arena_fmt(a, "%s/%.*s", dir, (int)name.n, name.p).p);
        arg(&x, "-o");
        arg(&x, objects[i].path.p);
        jobs[n++] = job(x.v);
    }
    return run_all(jobs, n, said);
}

static int
link_all(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files,
         const struct object *objects, const char *out, struct tbe_buf *said)
{
    struct args x = args_new(a, t->link);
    arg_words(a, &x, TBE_SANITIZE);
    arg(&x, "-o");
    arg(&x, out);
    for (uint32_t i = 0; i < files->n_files; i++) {
        if (objects[i].path.p) {
            arg(&x, objects[i].path.p);
        }
    }
    arg(&x, tbe_arena_dupz(a, t->library));
    arg_words(a, &x, TBE_WORKER_LIBS);
    struct child c = job(x.v);
    return run_all(&c, 1, said);
}

static void
remove_dir(struct tbe_arena *a, const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        if (e->d_name[0] != '.') {
            unlink(tbe_arena_fmt(a, "%s/%s", dir, e->d_name).p);
        }
    }
    if (d) {
        closedir(d);
    }
    rmdir(dir);
}

/* Compiles and links; once more without the objects of earlier builds when they do not link. */
static int
make_worker(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files, const char *dir,
            const char *out, struct tbe_buf *said)
{
    for (;;) {
        struct object *o = plan_objects(a, t, files, dir);
        struct tbe_buf linker = { 0 };
        if (compile_all(a, t, files, dir, o, said) != 0) {
            return -1;
        }
        int rc = link_all(a, t, files, o, out, &linker);
        bool again = rc != 0 && drop_objects(files, o);
        if (!again) {
            tbe_buf_puts(said, tbe_buf_str(&linker));
        }
        tbe_buf_free(&linker);
        if (rc == 0) {
            keep_objects(a, t, files, o);
        }
        if (!again) {
            return rc;
        }
    }
}

int
drive_build(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files, const char *out,
            struct tbe_buf *said, struct tbe_str *why)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = tbe_arena_dupz(a, tbe_arena_fmt(a, "%s/tbedgec-XXXXXX", tmp && *tmp ? tmp : "/tmp"));
    struct tbe_str where, made = tbe_arena_fmt(a, "%s.new", out);
    int rc = -1;
    if (!mkdtemp(dir)) {
        *why = tbe_arena_fmt(a, "cannot make %s: %s", dir, strerror(errno));
        return -1;
    }
    if (drive_write(a, dir, files, &where) != 0) {
        *why = tbe_arena_fmt(a, "cannot write %.*s: %s", (int)where.n, where.p, strerror(errno));
    } else if (make_worker(a, t, files, dir, made.p, said) != 0) {
        unlink(made.p);
        rc = 1;
    } else if (rename(made.p, out) != 0) {
        *why = tbe_arena_fmt(a, "cannot write %s: %s", out, strerror(errno));
        unlink(made.p);
    } else {
        rc = 0;
    }
    remove_dir(a, dir);
    return rc;
}
