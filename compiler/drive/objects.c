/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "drive/objects.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "drive/file.h"
#include "drive/paths.h"

#define OBJECT_MAX (64u << 20) /* bytes */

/* The run time's headers come with its library: name, size and time of the library stand for them. */
struct tbe_str
objects_path(struct tbe_arena *a, const struct toolchain *t, struct tbe_str text)
{
    struct tbe_buf b = { 0 };
    char hex[65];
    struct stat st = { 0 };
    (void)mkdir(t->objects, 0700);
    (void)stat(tbe_arena_dupz(a, t->library), &st);
    tbe_buf_fmt(&b, "tbedgec %s\n%.*s %lld %lld.%09ld\n%s\n", PACKAGE_VERSION, (int)t->library.n, t->library.p,
                (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, TBE_SANITIZE);
    for (int i = 0; t->cc[i]; i++) {
        tbe_buf_fmt(&b, "%s ", t->cc[i]);
    }
    tbe_buf_putc(&b, '\n');
    tbe_buf_puts(&b, text);
    hash_sha256_hex(tbe_buf_str(&b), hex);
    tbe_buf_free(&b);
    return tbe_arena_fmt(a, "%s/%s.o", t->objects, hex);
}

bool
objects_has(struct tbe_str path)
{
    struct stat st;
    return stat(path.p, &st) == 0 && st.st_size > 0 && utimensat(AT_FDCWD, path.p, NULL, 0) == 0;
}

void
objects_add(struct tbe_arena *a, struct tbe_str path, const char *from)
{
    struct tbe_buf b = { 0 };
    if (file_read(from, OBJECT_MAX, &b) == 0) {
        (void)!file_replace(a, path.p, tbe_buf_str(&b));
    }
    tbe_buf_free(&b);
}

struct object {
    struct timespec used;
    const char *path;
};

static int
newest_first(const void *x, const void *y)
{
    const struct object *a = x, *b = y;
    if (a->used.tv_sec != b->used.tv_sec) {
        return a->used.tv_sec < b->used.tv_sec ? 1 : -1;
    }
    return a->used.tv_nsec < b->used.tv_nsec ? 1 : a->used.tv_nsec > b->used.tv_nsec ? -1 : 0;
}

void
objects_trim(struct tbe_arena *a, const char *dir)
{
    struct object *v = NULL;
    size_t n = 0, cap = 0;
    struct dirent *e;
    DIR *d = opendir(dir);
    while (d && (e = readdir(d))) {
        struct stat st;
        const char *path = tbe_arena_fmt(a, "%s/%s", dir, e->d_name).p;
        if (e->d_name[0] == '.' || stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
            continue;
        }
        if (n == cap) {
            struct object *more = realloc(v, (cap = cap ? cap * 2 : 64) * sizeof *v);
            if (!more) {
                break;
            }
            v = more;
        }
        v[n++] = (struct object){ st.st_mtim, path };
    }
    if (d) {
        closedir(d);
    }
    if (n > OBJECTS_MAX) {
        qsort(v, n, sizeof *v, newest_first);
        for (size_t i = OBJECTS_MAX; i < n; i++) {
            unlink(v[i].path);
        }
    }
    free(v);
}
