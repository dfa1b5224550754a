/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest vocabulary of the run time: byte strings, arenas, uuids. Generated C and every room
 * use it; it knows nothing of the domain. Implemented in runtime/base. */
#ifndef TBE_BASE_H
#define TBE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>

#if defined(__GNUC__) || defined(__clang__)
#define TBE_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define TBE_NORETURN __attribute__((noreturn))
#define TBE_MUST_USE __attribute__((warn_unused_result))
#define TBE_LIKELY(c) __builtin_expect(!!(c), 1)
#define TBE_UNLIKELY(c) __builtin_expect(!!(c), 0)
#else
#define TBE_PRINTF(f, a)
#define TBE_NORETURN
#define TBE_MUST_USE
#define TBE_LIKELY(c) (c)
#define TBE_UNLIKELY(c) (c)
#endif

/* A borrowed run of bytes, UTF-8 when it is text, not NUL-terminated. p may be NULL only when n
 * == 0; "absent" is p == NULL, "empty" is p != NULL && n == 0. */
struct tbe_str {
    const char *p;
    size_t n;
};

#define TBE_STR(lit) ((struct tbe_str){ "" lit, sizeof(lit) - 1 })
#define TBE_STR_INIT(lit) { "" lit, sizeof(lit) - 1 }
#define TBE_STR_NONE ((struct tbe_str){ NULL, 0 })

bool tbe_str_eq(struct tbe_str a, struct tbe_str b);
bool tbe_str_eqz(struct tbe_str a, const char *z);
bool tbe_str_ieq(struct tbe_str a, struct tbe_str b); /* ASCII case ignored */
int tbe_str_cmp(struct tbe_str a, struct tbe_str b);  /* bytewise order */
struct tbe_str tbe_strz(const char *z);               /* z may be NULL: absent */

/* Bump allocator. Everything in it goes at once with tbe_arena_free or tbe_arena_reset. Memory is
 * aligned to 16 bytes and not zeroed. A limit of 0 means none. Over the limit, or out of memory,
 * tbe_arena_alloc calls on_full, which must not return (a script throws, see tbe/script.h); without
 * on_full it returns NULL. Not thread safe. */
struct tbe_arena_chunk;
struct tbe_arena {
    char *cur, *end;
    struct tbe_arena_chunk *chunks;
    size_t used;  /* bytes in chunks taken from malloc */
    size_t limit; /* bytes; 0 = none */
    void (*on_full)(void *arg, size_t wanted);
    void *on_full_arg;
};

void tbe_arena_init(struct tbe_arena *a, size_t limit);
void tbe_arena_reset(struct tbe_arena *a); /* keeps the first chunk */
void tbe_arena_free(struct tbe_arena *a);
void *tbe_arena_grow(struct tbe_arena *a, size_t n); /* slow path of tbe_arena_alloc */

static inline void *
tbe_arena_alloc(struct tbe_arena *a, size_t n)
{
    /* cur and end are multiples of 16, so what fits fits rounded up; n == 0 takes the slow path */
    if (TBE_LIKELY(n - 1 < (size_t)(a->end - a->cur))) {
        void *p = a->cur;
        a->cur += (n + 15u) & ~(size_t)15;
        return p;
    }
    return tbe_arena_grow(a, n);
}

void *tbe_arena_zalloc(struct tbe_arena *a, size_t n);
struct tbe_str tbe_arena_dup(struct tbe_arena *a, struct tbe_str s);      /* copy, with a NUL behind */
char *tbe_arena_dupz(struct tbe_arena *a, struct tbe_str s);              /* same, as char* */
struct tbe_str tbe_arena_fmt(struct tbe_arena *a, const char *fmt, ...) TBE_PRINTF(2, 3);
struct tbe_str tbe_arena_vfmt(struct tbe_arena *a, const char *fmt, va_list ap);

/* Growing byte buffer. A failed allocation sets oom and makes every later put a no-op, so callers
 * check once at the end. Free with tbe_buf_free. p is NUL-terminated when n > 0 or after a put. */
struct tbe_buf {
    char *p;
    size_t n, cap;
    bool oom;
};

void tbe_buf_free(struct tbe_buf *b);
bool tbe_buf_reserve(struct tbe_buf *b, size_t more); /* room for `more` further bytes */
void tbe_buf_put(struct tbe_buf *b, const void *p, size_t n);
void tbe_buf_putc_grow(struct tbe_buf *b, char c); /* slow path of tbe_buf_putc */
static inline void
tbe_buf_putc(struct tbe_buf *b, char c)
{
    if (TBE_LIKELY(b->n + 1 < b->cap && !b->oom)) {
        b->p[b->n++] = c;
        b->p[b->n] = '\0';
        return;
    }
    tbe_buf_putc_grow(b, c);
}
void tbe_buf_puts(struct tbe_buf *b, struct tbe_str s);
void tbe_buf_putz(struct tbe_buf *b, const char *z);
void tbe_buf_fmt(struct tbe_buf *b, const char *fmt, ...) TBE_PRINTF(2, 3);
static inline struct tbe_str
tbe_buf_str(const struct tbe_buf *b)
{
    struct tbe_str s = { b->p ? b->p : "", b->n };
    return s;
}

struct tbe_uuid {
    uint8_t b[16]; /* network order: b[0..7] is ThingsBoard's MSB */
};
#define TBE_UUID_TEXT 36 /* characters, without NUL */

/* The id ThingsBoard uses for "not set": 13814000-1dd2-11b2-8080-808080808080
 * (facts/rule-nodes.md 1). */
extern const struct tbe_uuid tbe_uuid_null;
bool tbe_uuid_parse(struct tbe_str s, struct tbe_uuid *out); /* 8-4-4-4-12 hex, any case */
void tbe_uuid_text(const struct tbe_uuid *u, char out[TBE_UUID_TEXT + 1]); /* lower case */
void tbe_uuid_random(struct tbe_uuid *out);                  /* v4, from base/random.h */
/* Version 1 with this time (epoch ms) and a random node: what ThingsBoard's entities have. */
void tbe_uuid_time(struct tbe_uuid *out, int64_t ms);
bool tbe_uuid_eq(const struct tbe_uuid *a, const struct tbe_uuid *b);
bool tbe_uuid_is_null(const struct tbe_uuid *u);             /* all zero or tbe_uuid_null */
int64_t tbe_uuid_msb(const struct tbe_uuid *u);
int64_t tbe_uuid_lsb(const struct tbe_uuid *u);

#endif
