/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and replacing whole files. */
#include "config.h"
#include "drive/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
file_read(const char *path, size_t max, struct tbe_buf *b)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char chunk[65536];
    ssize_t n = 0;
    size_t start = b->n;
    if (fd < 0) {
        return -1;
    }
    while (b->n - start <= max && ((n = read(fd, chunk, sizeof chunk)) > 0 ||
                                   (n < 0 && errno == EINTR))) {
        if (n > 0) {
            tbe_buf_put(b, chunk, (size_t)n);
        }
    }
    int saved = n < 0 ? errno : b->oom ? ENOMEM : b->n - start > max ? EFBIG : 0;
    close(fd);
    errno = saved;
    return saved ? -1 : 0;
}

static int
write_all(int fd, struct tbe_str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            text.p += n;
            text.n -= (size_t)n;
        }
    }
    return fsync(fd) == 0 || errno == EINVAL ? 0 : -1;
}

int
file_replace(struct tbe_arena *a, const char *path, struct tbe_str text)
{
    char *target = realpath(path, NULL); /* NULL: new */
    struct stat st;
    mode_t mask = umask(0), mode;
    umask(mask);
    mode = target && stat(target, &st) == 0 ? st.st_mode & 07777 : 0666 & ~mask;
    char *tmp = tbe_arena_dupz(a, tbe_arena_fmt(a, "%s.XXXXXX", target ? target : path));
    int fd = mkostemp(tmp, O_CLOEXEC), rc = -1;
    if (fd >= 0) {
        rc = write_all(fd, text) == 0 && fchmod(fd, mode) == 0 ? 0 : -1;
        int saved = errno;
        close(fd);
        if (rc == 0) {
            rc = rename(tmp, target ? target : path);
            saved = errno;
        }
        if (rc != 0) {
            unlink(tmp);
        }
        errno = saved;
    }
    free(target);
    return rc;
}
