/* SPDX-License-Identifier: Apache-2.0 */
/* The growing byte buffer. cap always counts one byte more than the text, for the NUL. */
#include "config.h"

#include "tbe/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64u /* bytes of the first allocation */

void
tbe_buf_free(struct tbe_buf *b)
{
    free(b->p);
    *b = (struct tbe_buf){ NULL, 0, 0, false };
}

bool
tbe_buf_reserve(struct tbe_buf *b, size_t more)
{
    if (b->oom) {
        return false;
    }
    if (b->p != NULL && more < b->cap - b->n) {
        return true;
    }
    if (more > SIZE_MAX / 4 - b->n) {
        b->oom = true;
        return false;
    }
    size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap * 2;
    if (cap < b->n + more + 1) {
        cap = b->n + more + 1;
    }
    char *p = realloc(b->p, cap);
    if (p == NULL) {
        b->oom = true;
        return false;
    }
    p[b->n] = '\0';
    b->p = p;
    b->cap = cap;
    return true;
}

void
tbe_buf_put(struct tbe_buf *b, const void *p, size_t n)
{
    if (!tbe_buf_reserve(b, n)) {
        return;
    }
    if (n != 0) {
        memcpy(b->p + b->n, p, n);
    }
    b->n += n;
    b->p[b->n] = '\0';
}

void
tbe_buf_putc_grow(struct tbe_buf *b, char c)
{
    tbe_buf_put(b, &c, 1);
}

void
tbe_buf_puts(struct tbe_buf *b, struct tbe_str s)
{
    tbe_buf_put(b, s.p, s.n);
}

void
tbe_buf_putz(struct tbe_buf *b, const char *z)
{
    tbe_buf_put(b, z, strlen(z));
}

void
tbe_buf_fmt(struct tbe_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !tbe_buf_reserve(b, (size_t)n)) {
        b->oom = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}
