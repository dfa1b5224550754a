/* SPDX-License-Identifier: Apache-2.0 */
/* Where the C compiler, the headers and libtbedge.a are: beside this executable in a build tree, under
 * its prefix when installed, else where configure said. */
#include "config.h"
#include "drive/drive.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "drive/paths.h"

#define CC_MAX_WORDS 16

static bool
is_there(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Directory of this executable, absent when the system does not tell. */
static struct tbe_str
own_dir(struct tbe_arena *a)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) {
        return TBE_STR_NONE;
    }
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    return tbe_arena_dup(a, (struct tbe_str){ path, slash ? (size_t)(slash - path) : 0 });
}

static bool
try_place(struct tbe_arena *a, struct toolchain *t, struct tbe_str lib, struct tbe_str include,
          struct tbe_str include2)
{
    struct tbe_str header = tbe_arena_fmt(a, "%.*s/tbe/chain.h", (int)include.n, include.p);
    if (!is_there(lib.p) || !is_there(header.p)) {
        return false;
    }
    t->library = lib;
    t->include[0] = include;
    t->include[1] = include2;
    return true;
}

static bool
find_runtime(struct tbe_arena *a, struct toolchain *t)
{
    struct tbe_str dir = own_dir(a);
    struct tbe_str src = TBE_STR(TBE_SRCDIR "/runtime/include");
    /* A test program of a build tree runs from deeper inside it: its own directory has no library. */
    if (dir.p && try_place(a, t, tbe_arena_fmt(a, "%.*s/libtbedge.a", (int)dir.n, dir.p), src,
                           tbe_arena_fmt(a, "%.*s/runtime/include", (int)dir.n, dir.p))) {
        return true;
    }
    if (dir.p && try_place(a, t, tbe_arena_fmt(a, "%.*s/../lib/libtbedge.a", (int)dir.n, dir.p),
                           tbe_arena_fmt(a, "%.*s/../include", (int)dir.n, dir.p), TBE_STR_NONE)) {
        return true;
    }
    if (try_place(a, t, TBE_STR(TBE_LIBDIR "/libtbedge.a"), TBE_STR(TBE_INCLUDEDIR), TBE_STR_NONE)) {
        return true;
    }
    return try_place(a, t, TBE_STR(TBE_BUILDDIR "/libtbedge.a"), src, TBE_STR(TBE_BUILDDIR "/runtime/include"));
}

static bool
in_path(const char *prog)
{
    const char *path = getenv("PATH");
    char file[4096];
    if (strchr(prog, '/')) {
        return access(prog, X_OK) == 0;
    }
    for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
        size_t n = strcspn(p, ":");
        if (n + strlen(prog) + 2 < sizeof file) {
            snprintf(file, sizeof file, "%.*s/%s", (int)n, p, prog);
            if (access(file, X_OK) == 0) {
                return true;
            }
        }
        p += n + (p[n] == ':');
    }
    return false;
}

/* "ccache gcc" -> words. No shell: nothing in it is expanded. */
static const char *const *
split(struct tbe_arena *a, const char *cmd)
{
    const char **words = tbe_arena_zalloc(a, (CC_MAX_WORDS + 1) * sizeof *words);
    int n = 0;
    while (*cmd && n < CC_MAX_WORDS) {
        cmd += strspn(cmd, " \t");
        size_t len = strcspn(cmd, " \t");
        if (len) {
            words[n++] = tbe_arena_dupz(a, (struct tbe_str){ cmd, len });
        }
        cmd += len;
    }
    return n ? words : NULL;
}

/* A target is a word of a path and of a program's name. */
static bool
target_ok(const char *target)
{
    size_t n = strspn(target, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
    return n > 0 && !target[n] && target[0] != '-' && target[0] != '.';
}

/* libtbedge.a of another machine is in a directory of its name beside ours, as Debian has it: its headers
 * are the same. */
static int
take_target(struct tbe_arena *a, struct toolchain *t, const char *target, struct tbe_str *why)
{
    const char *slash = memrchr(t->library.p, '/', t->library.n);
    int dir = slash ? (int)(slash - t->library.p) : 0;
    struct tbe_str lib = tbe_arena_fmt(a, "%.*s/%s/libtbedge.a", dir, t->library.p, target);
    if (!is_there(lib.p)) {
        *why = tbe_arena_fmt(a, "there is no run time for %s: %s is missing; build it with configure --host=%s", target,
                             lib.p, target);
        return -1;
    }
    t->library = lib;
    return 0;
}

int
toolchain_find(struct tbe_arena *a, const char *cc, struct toolchain *t, struct tbe_str *why)
{
    return toolchain_find_for(a, cc, NULL, t, why);
}

int
toolchain_find_for(struct tbe_arena *a, const char *cc, const char *target, struct toolchain *t, struct tbe_str *why)
{
    static const char *const usual[] = { "gcc", "cc", "tcc" };
    *t = (struct toolchain){ 0 };
    if (target && !target_ok(target)) {
        *why = tbe_arena_fmt(a, "%s is no name of a machine: aarch64-linux-gnu is one", target);
        return -1;
    }
    if (!cc && target) { /* $CC is of this machine */
        cc = tbe_arena_fmt(a, "%s-gcc", target).p;
    }
    if (!cc) {
        cc = getenv("CC");
    }
    for (size_t i = 0; (!cc || !*cc) && i < sizeof usual / sizeof usual[0]; i++) {
        cc = in_path(usual[i]) ? usual[i] : NULL;
    }
    t->cc = cc ? split(a, cc) : NULL;
    if (!t->cc) {
        *why = TBE_STR("no C compiler found: install gcc, or name one with --cc or CC");
        return -1;
    }
    if (!in_path(t->cc[0])) {
        *why = tbe_arena_fmt(a, "the C compiler %s is not there", t->cc[0]);
        return -1;
    }
    for (int i = 0; t->cc[i]; i++) {
        const char *base = strrchr(t->cc[i], '/');
        t->is_tcc |= strcmp(base ? base + 1 : t->cc[i], "tcc") == 0;
    }
    static const char *const linkers[] = { "gcc", "cc", "clang" };
    t->link = t->cc;
    for (size_t i = 0; t->is_tcc && t->link == t->cc && i < sizeof linkers / sizeof linkers[0]; i++) {
        t->link = in_path(linkers[i]) ? split(a, linkers[i]) : t->cc;
    }
    if (!find_runtime(a, t)) {
        *why = TBE_STR("libtbedge.a and its headers are not there: looked beside tbedgec and in " TBE_LIBDIR);
        return -1;
    }
    return target ? take_target(a, t, target, why) : 0;
}
