/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker was made of, in a small text file beside it (OUT.digest), so that an unchanged program is
 * not built again. The record is trusted only as far as the worker itself is unchanged. */
#ifndef TBE_DRIVE_CACHE_H
#define TBE_DRIVE_CACHE_H

#include <stdint.h>
#include "drive/drive.h"

#define CACHE_SAID_MAX (256u << 10) /* bytes of reports that are kept */

/* A file as it was when its bytes were digested. */
struct cache_file {
    uint64_t dev, ino, size;
    int64_t mtime, ctime; /* nanoseconds */
    char digest[65];      /* SHA-256 in hex; "" when there is none */
};

struct build_cache {
    char program[65]; /* digest of generated C, run time and cc: drive_digest */
    char cc[65];      /* digest of the C compiler: its words and its files */
    char inputs[65];  /* digest of all that went in; "" when what was said about it is not kept */
    struct cache_file output, library;
    struct tbe_str said; /* the report on the chains, as it was shown: the last part of the record */
};

/* Reads OUT.digest; all empty when it is absent or not one of ours. */
void cache_read(struct tbe_arena *a, const char *out, struct build_cache *c);
/* Best effort: not being able to write only means that the next build is not skipped. */
void cache_write(struct tbe_arena *a, const char *out, const struct build_cache *c);

/* Digest of the bytes of path into *f, read only when *f is not of the same file unchanged. 0, or -1 with
 * errno. */
int cache_digest(const char *path, struct cache_file *f) TBE_MUST_USE;
/* Is out there, a program, and the very bytes that were built? Updates c->output. */
bool cache_output_same(const char *out, struct build_cache *c);

void cache_cc(struct tbe_arena *a, const struct toolchain *t, char out[65]);
/* Digest of everything that decides what a build gives: this compiler, the run time, the C compiler (its
 * words and its file), `options`, and name and bytes of each chain file. 0; -1 when it cannot be told: a
 * file is standard input or cannot be read. */
int cache_inputs(struct tbe_arena *a, const struct toolchain *t, const char *options,
                 char *const *files, int n,
                 char out[65]) TBE_MUST_USE;

#endif
