/* SPDX-License-Identifier: Apache-2.0 */
/* The bump allocator behind messages and scripts: chunks from malloc, all freed together. */
#include "config.h"

#include "tbe/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_FIRST 4096u        /* bytes of the first chunk, header included */
#define ARENA_LARGEST (256u << 10) /* chunks double up to here; larger requests get their own */

struct tbe_arena_chunk {
    struct tbe_arena_chunk *next; /* older */
    size_t size;                  /* bytes with this header; a multiple of 16 */
};
_Static_assert(sizeof(struct tbe_arena_chunk) % 16 == 0, "chunk data is aligned to 16");

void
tbe_arena_init(struct tbe_arena *a, size_t limit)
{
    *a = (struct tbe_arena){ .limit = limit };
}

void
tbe_arena_reset(struct tbe_arena *a)
{
    struct tbe_arena_chunk *c = a->chunks;
    if (c == NULL) {
        return;
    }
    while (c->next != NULL) {
        struct tbe_arena_chunk *older = c->next;
        free(c);
        c = older;
    }
    a->chunks = c;
    a->used = c->size;
    a->cur = (char *)(c + 1);
    a->end = (char *)c + c->size;
}

void
tbe_arena_free(struct tbe_arena *a)
{
    for (struct tbe_arena_chunk *c = a->chunks; c != NULL;) {
        struct tbe_arena_chunk *older = c->next;
        free(c);
        c = older;
    }
    a->chunks = NULL;
    a->cur = a->end = NULL;
    a->used = 0;
}

static void *
arena_full(struct tbe_arena *a, size_t n)
{
    if (a->on_full != NULL) {
        a->on_full(a->on_full_arg, n);
    }
    return NULL;
}

/* Bytes of the next chunk for a request of n (rounded) bytes, or 0 when the limit forbids it. */
static size_t
arena_chunk_size(const struct tbe_arena *a, size_t n)
{
    const size_t least = n + sizeof(struct tbe_arena_chunk);
    size_t size = a->chunks == NULL ? ARENA_FIRST : a->chunks->size * 2;
    if (size > ARENA_LARGEST) {
        size = ARENA_LARGEST;
    }
    if (size < least) {
        size = least;
    }
    if (a->limit != 0) {
        size_t left = a->limit > a->used ? a->limit - a->used : 0;
        left &= ~(size_t)15;
        if (least > left) {
            return 0;
        }
        if (size > left) {
            size = left;
        }
    }
    return size;
}

void *
tbe_arena_grow(struct tbe_arena *a, size_t n)
{
    if (n > SIZE_MAX / 4) {
        return arena_full(a, n);
    }
    n = n == 0 ? 16 : (n + 15u) & ~(size_t)15;
    if ((size_t)(a->end - a->cur) >= n) { /* only for a request of 0 bytes */
        void *p = a->cur;
        a->cur += n;
        return p;
    }
    const size_t size = arena_chunk_size(a, n);
    struct tbe_arena_chunk *c = size ? malloc(size) : NULL;
    if (c == NULL) {
        return arena_full(a, n);
    }
    c->size = size;
    a->used += size;
    char *p = (char *)(c + 1);
    const size_t rest = size - sizeof *c - n;
    if (a->chunks != NULL && a->chunks->next != NULL && rest < (size_t)(a->end - a->cur)) {
        c->next = a->chunks->next; /* a large request: go on with what the current chunk has left */
        a->chunks->next = c;
        return p;
    }
    c->next = a->chunks;
    a->chunks = c;
    a->cur = p + n;
    a->end = (char *)c + size;
    return p;
}

void *
tbe_arena_zalloc(struct tbe_arena *a, size_t n)
{
    void *p = tbe_arena_alloc(a, n);
    return p ? memset(p, 0, n) : NULL;
}

struct tbe_str
tbe_arena_dup(struct tbe_arena *a, struct tbe_str s)
{
    char *p = tbe_arena_dupz(a, s);
    return p ? (struct tbe_str){ p, s.n } : TBE_STR_NONE;
}

char *
tbe_arena_dupz(struct tbe_arena *a, struct tbe_str s)
{
    char *p = tbe_arena_alloc(a, s.n < SIZE_MAX ? s.n + 1 : SIZE_MAX);
    if (p == NULL) {
        return NULL;
    }
    if (s.n != 0) {
        memcpy(p, s.p, s.n);
    }
    p[s.n] = '\0';
    return p;
}

struct tbe_str
tbe_arena_vfmt(struct tbe_arena *a, const char *fmt, va_list ap)
{
    char text[256];
    va_list again;
    va_copy(again, ap);
    const int n = vsnprintf(text, sizeof text, fmt, ap);
    struct tbe_str s = TBE_STR_NONE;
    if (n >= 0 && (size_t)n < sizeof text) {
        s = tbe_arena_dup(a, (struct tbe_str){ text, (size_t)n });
    } else if (n >= 0) {
        char *p = tbe_arena_alloc(a, (size_t)n + 1);
        if (p != NULL && vsnprintf(p, (size_t)n + 1, fmt, again) == n) {
            s = (struct tbe_str){ p, (size_t)n };
        }
    }
    va_end(again);
    return s;
}

struct tbe_str
tbe_arena_fmt(struct tbe_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct tbe_str s = tbe_arena_vfmt(a, fmt, ap);
    va_end(ap);
    return s;
}
