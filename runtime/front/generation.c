/* SPDX-License-Identifier: Apache-2.0 */
/* Files of generations. Everything is written beside its place, synced, then renamed, so that a
 * crash leaves the old or the new and nothing between. */
#include "config.h"
#include "front/generation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/libexec"
#endif

#define STDIN_MAX (64u << 20) /* bytes */

extern char **environ;

bool
generation_is_digest(const char *text)
{
    return strlen(text) == GENERATION_DIGEST &&
           strspn(text, "0123456789abcdef") == GENERATION_DIGEST;
}

bool
generation_worker_path(const char *data, const char *digest, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/generations/%s/worker", data, digest);

    if (n < 0 || (size_t)n >= size) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

bool
generation_exists(const char *data, const char *digest)
{
    char path[PATH_MAX];

    return generation_worker_path(data, digest, path, sizeof path) && access(path, X_OK) == 0;
}

bool
generation_make_dirs(const char *data, char err[256])
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/generations", data);
    if ((mkdir(data, 0700) != 0 && errno != EEXIST) ||
        (mkdir(path, 0700) != 0 && errno != EEXIST)) {
        snprintf(err, 256, "data directory %.180s: %s", data, strerror(errno));
        return false;
    }
    return true;
}

bool
generation_get(const char *data, const char *which, char digest[GENERATION_DIGEST + 1])
{
    char path[PATH_MAX];
    FILE *f;
    bool ok;

    snprintf(path, sizeof path, "%s/generations/%s", data, which);
    f = fopen(path, "re");
    if (!f) {
        return false;
    }
    ok = fread(digest, 1, GENERATION_DIGEST, f) == GENERATION_DIGEST;
    digest[ok ? GENERATION_DIGEST : 0] = '\0';
    fclose(f);
    return ok && generation_is_digest(digest) && generation_exists(data, digest);
}

/* Makes a rename in dir durable. */
static void
sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static bool
write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k <= 0) {
            return false;
        }
        p += k;
        n -= (size_t)k;
    }
    return true;
}

/* Writes path through a temporary file beside it. */
static bool
write_file(const char *path, const char *p, size_t n, mode_t mode)
{
    char tmp[PATH_MAX];
    int fd;
    bool ok;

    if ((size_t)snprintf(tmp, sizeof tmp, "%s.%d.tmp", path, (int)getpid()) >= sizeof tmp) {
        errno = ENAMETOOLONG;
        return false;
    }
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        return false;
    }
    ok = write_all(fd, p, n) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok && rename(tmp, path) == 0;
    if (!ok) {
        int e = errno;
        unlink(tmp);
        errno = e;
    }
    return ok;
}

bool
generation_set(const char *data, const char *which, const char *digest, char err[256])
{
    char path[PATH_MAX], text[GENERATION_DIGEST + 2];

    snprintf(path, sizeof path, "%s/generations/%s", data, which);
    snprintf(text, sizeof text, "%s\n", digest);
    if (!write_file(path, text, strlen(text), 0600)) {
        snprintf(err, 256, "%.180s: %s", path, strerror(errno));
        return false;
    }
    snprintf(path, sizeof path, "%s/generations", data);
    sync_dir(path);
    return true;
}

bool
generation_is_worker(const char *path)
{
    char head[4] = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof head);

    if (fd >= 0) {
        close(fd);
    }
    return (n == 4 && memcmp(head, "\177ELF", 4) == 0) || (n >= 2 && memcmp(head, "#!", 2) == 0);
}

/* Maps a whole file. False with errno; an empty file is refused (EINVAL). */
static bool
map_file(const char *path, struct tbe_str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p = MAP_FAILED;

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &st) == 0) {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (p == MAP_FAILED) {
        return false;
    }
    *out = (struct tbe_str){ p, (size_t)st.st_size };
    return true;
}

static void
unmap_file(struct tbe_str s)
{
    munmap((void *)(uintptr_t)s.p, s.n);
}

static bool
file_digest(const char *path, char hex[GENERATION_DIGEST + 1])
{
    struct tbe_str s;

    if (!map_file(path, &s)) {
        return false;
    }
    hash_sha256_hex(s, hex);
    unmap_file(s);
    errno = ENOMEM;
    return hex[0] != '\0';
}

/* Puts the bytes of path at generations/<digest>/worker. */
static bool
install_worker(const char *data, const char *digest, struct tbe_str bytes)
{
    char path[PATH_MAX], dir[PATH_MAX];

    if (generation_exists(data, digest)) {
        return true;
    }
    snprintf(dir, sizeof dir, "%s/generations/%s", data, digest);
    if (!generation_worker_path(data, digest, path, sizeof path) ||
        (mkdir(dir, 0700) != 0 && errno != EEXIST)) {
        return false;
    }
    if (!write_file(path, bytes.p, bytes.n, 0700)) {
        return false;
    }
    sync_dir(dir);
    return true;
}

bool
generation_add(const char *data, const char *path, char digest[GENERATION_DIGEST + 1],
               char err[256])
{
    struct tbe_str bytes;
    bool ok;

    if (!generation_make_dirs(data, err)) {
        return false;
    }
    if (!map_file(path, &bytes)) {
        snprintf(err, 256, "%.180s: %s", path, strerror(errno));
        return false;
    }
    hash_sha256_hex(bytes, digest);
    ok = digest[0] && install_worker(data, digest, bytes);
    if (!ok) {
        snprintf(err, 256, "cannot store worker in %.180s: %s", data, strerror(errno));
    }
    unmap_file(bytes);
    return ok;
}

void
generation_find_tool(const char *name, char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    char *slash;

    if (n > 0) {
        out[n] = '\0';
        slash = strrchr(out, '/');
        if (slash && (size_t)(slash + 1 - out) + strlen(name) < size) {
            strcpy(slash + 1, name);
            if (access(out, X_OK) == 0) {
                return;
            }
        }
        /* installed under a prefix that was moved after configure */
        if (slash && (size_t)(slash - out) + sizeof "/../libexec/" + strlen(name) <= size) {
            sprintf(slash, "/../libexec/%s", name);
            if (access(out, X_OK) == 0) {
                return;
            }
        }
    }
    snprintf(out, size, "%s/%s", LIBEXECDIR, name);
    if (access(out, X_OK) != 0) {
        snprintf(out, size, "%s", name); /* by PATH */
    }
}

/* "-": standard input is read into memory, so that it can be digested and then compiled. */
static bool
spool_stdin(char err[256])
{
    int fd = memfd_create("tbedge-stdin", MFD_CLOEXEC);
    char buf[65536];
    size_t total = 0;
    ssize_t n = 0;
    bool ok = fd >= 0;

    while (ok && (n = read(STDIN_FILENO, buf, sizeof buf)) > 0) {
        total += (size_t)n;
        ok = total <= STDIN_MAX && write_all(fd, buf, (size_t)n);
    }
    ok = ok && n == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO &&
        lseek(STDIN_FILENO, 0, SEEK_SET) == 0;
    if (!ok) {
        snprintf(err, 256, "standard input: %s",
                 total > STDIN_MAX ? "too long for a chain" : strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

/* The digest of what goes in: the compiler itself and each chain. It changes whenever the output
 * may. */
static bool
input_digest(const char *tool, char *const *files, int n, char hex[GENERATION_DIGEST + 1],
             char err[256])
{
    struct tbe_buf all = { 0 };
    char one[GENERATION_DIGEST + 1], lib[PATH_MAX];
    const char *slash = strrchr(tool, '/');

    tbe_buf_putz(&all, PACKAGE_VERSION "\n");
    if (file_digest(tool, one)) {
        tbe_buf_putz(&all, one);
    }
    snprintf(lib, sizeof lib, "%.*slibtbedge.a", slash ? (int)(slash + 1 - tool) : 0, tool);
    if (file_digest(lib, one)) {
        tbe_buf_putz(&all, one);
    }
    for (int i = 0; i < n; i++) {
        bool in = strcmp(files[i], "-") == 0;
        if (in && !spool_stdin(err)) {
            tbe_buf_free(&all);
            return false;
        }
        if (!file_digest(in ? "/proc/self/fd/0" : files[i], one)) {
            snprintf(err, 256, "%.180s: %s", files[i], strerror(errno));
            tbe_buf_free(&all);
            return false;
        }
        tbe_buf_putz(&all, one);
    }
    hash_sha256_hex(tbe_buf_str(&all), hex);
    tbe_buf_free(&all);
    return hex[0] != '\0';
}

static bool
run_compiler(const char *tool, const char *out, char *const *files, int n, char err[256])
{
    const char **argv = calloc((size_t)n + 6, sizeof *argv);
    int status = 0, rc, k = 0;
    pid_t pid;

    if (!argv) {
        snprintf(err, 256, "out of memory");
        return false;
    }
    argv[k++] = tool;
    argv[k++] = "build";
    argv[k++] = "-o";
    argv[k++] = out;
    argv[k++] = "--";
    for (int i = 0; i < n; i++) {
        argv[k++] = files[i];
    }
    rc = posix_spawnp(&pid, tool, NULL, NULL, (char **)(uintptr_t)argv, environ);
    free(argv);
    if (rc != 0) {
        snprintf(err, 256, "cannot run %.180s: %s", tool, strerror(rc));
        return false;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        snprintf(err, 256, "the chains were not compiled");
        return false;
    }
    return true;
}

bool
generation_build(const char *data, char *const *files, int n, char digest[GENERATION_DIGEST + 1],
                 char err[256])
{
    char tool[PATH_MAX], link[PATH_MAX], out[PATH_MAX], input[GENERATION_DIGEST + 1],
        which[GENERATION_DIGEST + 8];
    bool ok;

    generation_find_tool("tbedgec", tool, sizeof tool);
    if (!generation_make_dirs(data, err) || !input_digest(tool, files, n, input, err)) {
        return false;
    }
    snprintf(which, sizeof which, "from-%s", input);
    if (generation_get(data, which, digest)) {
        return true;
    }
    snprintf(link, sizeof link, "%s/generations", data);
    if ((size_t)snprintf(out, sizeof out, "%s/build.%d", link, (int)getpid()) >= sizeof out) {
        snprintf(err, 256, "data directory name too long");
        return false;
    }
    ok = run_compiler(tool, out, files, n, err) && generation_add(data, out, digest, err);
    unlink(out);
    return ok && generation_set(data, which, digest, err);
}

static bool
is_named(const char *data, const char *digest)
{
    static const char *const names[] = { "current", "good", "previous" };
    char d[GENERATION_DIGEST + 1];

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (generation_get(data, names[i], d) && strcmp(d, digest) == 0) {
            return true;
        }
    }
    return false;
}

static time_t
age_of(const char *data, const char *digest)
{
    char path[PATH_MAX];
    struct stat st;

    return generation_worker_path(data, digest, path, sizeof path) && stat(path, &st) == 0
        ? st.st_mtime : 0;
}

void
generation_prune(const char *data, unsigned keep)
{
    char dir[PATH_MAX], oldest[GENERATION_DIGEST + 1] = "", path[PATH_MAX];
    unsigned n = 0;
    struct dirent *e;
    DIR *d;

    snprintf(dir, sizeof dir, "%s/generations", data);
    d = opendir(dir);
    while (d && (e = readdir(d))) {
        if (!generation_is_digest(e->d_name) || is_named(data, e->d_name)) {
            continue;
        }
        n++;
        if (!oldest[0] || age_of(data, e->d_name) < age_of(data, oldest)) {
            memcpy(oldest, e->d_name, sizeof oldest);
        }
    }
    if (d) {
        closedir(d);
    }
    if (n > keep && generation_worker_path(data, oldest, path, sizeof path)) {
        unlink(path);
        *strrchr(path, '/') = '\0';
        rmdir(path);
    }
}
