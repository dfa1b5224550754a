/* SPDX-License-Identifier: Apache-2.0 */
/* From generated C to a program: where the run time is, running cc in a child, skipping what is built. */
#ifndef TBE_DRIVE_DRIVE_H
#define TBE_DRIVE_DRIVE_H

#include "emit/emit.h"

#define CC_SECONDS 300             /* wall clock and CPU of one cc */
#define CC_MEMORY (3ull << 30)     /* bytes of address space of one cc */
#define CC_OUTPUT_MAX (64u << 10)  /* bytes of its messages that are shown */
#define CC_JOBS 2                  /* at the same time */

/* The installed or built run time a worker is made with. */
struct toolchain {
    struct tbe_str include[2]; /* directories; the second may be absent */
    struct tbe_str library;    /* path of libtbedge.a */
    const char *const *cc;     /* words of the compiler command, NULL-terminated */
    const char *const *link;   /* same, for linking: tcc cannot link the thread-local data of libtbedge.a */
    bool is_tcc;
    const char *objects;       /* directory of objects compiled before (drive/objects.h), or NULL */
};

/* Fills t. cc: command as the user gave it, or NULL: $CC, else gcc, cc, tcc, whichever is there. -1 and
 * *why when there is no compiler or no run time. */
int toolchain_find(struct tbe_arena *a, const char *cc, struct toolchain *t, struct tbe_str *why) TBE_MUST_USE;
/* The same for another machine (TRIPLE, NULL: this one): cc is TRIPLE-gcc when the user gives none, and the
 * library that of the directory TRIPLE beside ours. */
int toolchain_find_for(struct tbe_arena *a, const char *cc, const char *target, struct toolchain *t,
                       struct tbe_str *why) TBE_MUST_USE;

/* Digest of what is built: generated C, compiler and run-time library, cc command. 64 hex digits. lib: what
 * is known of the library, brought up to date (drive/cache.h), or NULL. */
struct cache_file;
int drive_digest(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files,
                 struct cache_file *lib, char out[65]) TBE_MUST_USE;

/* Writes the files into dir, which is made when missing. 0, or -1 with errno and *where. */
int drive_write(struct tbe_arena *a, const char *dir, const struct emit_result *files, struct tbe_str *where) TBE_MUST_USE;

/* Compiles and links files into out (replaced at once when done). 0; 1: cc failed; -1: something else, *why
 * says it. What cc says is appended to *said. */
int drive_build(struct tbe_arena *a, const struct toolchain *t, const struct emit_result *files, const char *out,
                struct tbe_buf *said, struct tbe_str *why) TBE_MUST_USE;

#endif
