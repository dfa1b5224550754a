/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a build. Files are known again by device, inode, size and both times; when one of these
 * differs, by their bytes. */
#include "config.h"
#include "drive/cache.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "drive/file.h"

#define RECORD_MAX (4096u + CACHE_SAID_MAX) /* bytes of OUT.digest */
#define FILE_MAX (1u << 30)    /* bytes of a file that is digested */
#define HEX "%64[0-9a-f]"

static bool
same_file(const struct cache_file *a, const struct cache_file *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime;
}

static int
identify(const char *path, struct cache_file *f)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return -1;
    }
    *f = (struct cache_file){ .dev = (uint64_t)st.st_dev, .ino = (uint64_t)st.st_ino, .size = (uint64_t)st.st_size,
                              .mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
                              .ctime = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec };
    return 0;
}

int
cache_digest(const char *path, struct cache_file *f)
{
    struct cache_file now;
    struct tbe_buf b = { 0 };
    if (identify(path, &now) != 0) {
        return -1;
    }
    if (f->digest[0] && same_file(f, &now)) {
        return 0;
    }
    if (file_read(path, FILE_MAX, &b) != 0) {
        tbe_buf_free(&b);
        return -1;
    }
    *f = now;
    hash_sha256_hex(tbe_buf_str(&b), f->digest);
    tbe_buf_free(&b);
    return 0;
}

bool
cache_output_same(const char *out, struct build_cache *c)
{
    struct cache_file now = c->output;
    if (!now.digest[0] || access(out, X_OK) != 0 || cache_digest(out, &now) != 0 ||
        strcmp(now.digest, c->output.digest) != 0) {
        return false;
    }
    c->output = now;
    return true;
}

static bool
get_file(const char **p, const char *word, struct cache_file *f)
{
    char name[16];
    int used = 0;
    if (sscanf(*p, "%15s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " " HEX "\n%n",
               name, &f->dev,
               &f->ino, &f->size, &f->mtime, &f->ctime, f->digest, &used) != 7 ||
        !used || strcmp(name, word) != 0 || strlen(f->digest) != 64) {
        return false;
    }
    *p += used;
    return true;
}

void
cache_read(struct tbe_arena *a, const char *out, struct build_cache *c)
{
    struct tbe_buf b = { 0 };
    struct build_cache r = { 0 };
    int used = 0;
    *c = r;
    if (file_read(tbe_arena_fmt(a, "%s.digest", out).p, RECORD_MAX, &b) != 0 || b.n == 0) {
        tbe_buf_free(&b);
        return;
    }
    const char *p = b.p;
    bool good = sscanf(p, HEX "\ncc " HEX "\ninputs %64[0-9a-f-]\n%n", r.program, r.cc, r.inputs,
                       &used) == 3 && used > 0;
    p += used;
    if (good && strlen(r.program) == 64 && strlen(r.cc) == 64 &&
        get_file(&p, "output", &r.output) && get_file(&p, "library", &r.library)) {
        *c = r;
        c->inputs[strlen(r.inputs) == 64 ? 64 : 0] = '\0';
        c->said = tbe_arena_dup(a, (struct tbe_str){ p, b.n - (size_t)(p - b.p) });
    }
    tbe_buf_free(&b);
}

static void
put_file(struct tbe_buf *b, const char *word, const struct cache_file *f)
{
    tbe_buf_fmt(b, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\n", word,
                f->dev, f->ino, f->size,
                f->mtime, f->ctime, f->digest);
}

void
cache_write(struct tbe_arena *a, const char *out, const struct build_cache *c)
{
    struct tbe_buf b = { 0 };
    tbe_buf_fmt(&b, "%s\ncc %s\ninputs %s\n", c->program, c->cc, c->inputs[0] ? c->inputs : "-");
    put_file(&b, "output", &c->output);
    put_file(&b, "library", &c->library);
    if (c->inputs[0]) {
        tbe_buf_puts(&b, c->said);
    }
    if (file_replace(a, tbe_arena_fmt(a, "%s.digest", out).p, tbe_buf_str(&b)) != 0) {
        unlink(tbe_arena_fmt(a, "%s.digest", out).p); /* an old record is worse than none */
    }
    tbe_buf_free(&b);
}

/* The program a word of a command line runs, found in PATH like execvp does; and its file. */
static void
put_program(struct tbe_arena *a, struct tbe_buf *b, const char *word)
{
    struct cache_file f;
    const char *path = getenv("PATH");
    const char *p = strchr(word, '/') ? "" : path ? path : "/usr/bin:/bin";
    for (;;) {
        size_t n = strcspn(p, ":");
        struct tbe_str file = n ? tbe_arena_fmt(a, "%.*s/%s", (int)n, p, word) : tbe_strz(word);
        if (access(file.p, X_OK) == 0 && identify(file.p, &f) == 0) {
            put_file(b, "program", &f);
            return;
        }
        if (!p[n]) {
            return;
        }
        p += n + 1;
    }
}

void
cache_cc(struct tbe_arena *a, const struct toolchain *t, char out[65])
{
    struct tbe_buf b = { 0 };
    for (int i = 0; t->cc[i]; i++) {
        tbe_buf_fmt(&b, "cc %s\n", t->cc[i]);
        put_program(a, &b, t->cc[i]); /* ccache gcc: both */
    }
    hash_sha256_hex(tbe_buf_str(&b), out);
    tbe_buf_free(&b);
}

int
cache_inputs(struct tbe_arena *a, const struct toolchain *t, const char *options,
             char *const *files, int n,
             char out[65])
{
    struct tbe_buf b = { 0 }, text = { 0 };
    struct cache_file self, lib;
    char hex[65];
    int rc = identify("/proc/self/exe", &self) == 0 && identify(tbe_arena_dupz(a, t->library),
                                                                &lib) == 0 ? 0 : -1;
    if (rc == 0) {
        self.digest[0] = lib.digest[0] = '\0';
        tbe_buf_fmt(&b, "tbedgec %s\n%s\n", PACKAGE_VERSION, options);
        put_file(&b, "self", &self);
        put_file(&b, "library", &lib);
        cache_cc(a, t, hex);
        tbe_buf_putz(&b, hex);
    }
    for (int i = 0; rc == 0 && i < n; i++) {
        text.n = 0;
        rc = strcmp(files[i], "-") == 0 || file_read(files[i], DOC_MAX_BYTES, &text) != 0 ? -1 : 0;
        if (rc == 0) {
            hash_sha256_hex(tbe_buf_str(&text), hex);
            tbe_buf_fmt(&b, "%s %s\n", hex, files[i]);
        }
    }
    hash_sha256_hex(tbe_buf_str(&b), out);
    rc = b.oom || text.oom ? -1 : rc;
    tbe_buf_free(&b);
    tbe_buf_free(&text);
    return rc;
}
