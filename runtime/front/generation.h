/* SPDX-License-Identifier: Apache-2.0 */
/* Worker binaries: DATA/generations/<digest>/worker, and the files `current`, `good` and `previous`
 * beside them, each holding one digest and replaced by rename. */
#ifndef TBE_FRONT_GENERATION_H
#define TBE_FRONT_GENERATION_H

#include "tbe/base.h"

#define GENERATION_DIGEST 64 /* hexadecimal characters */

bool generation_is_digest(const char *text);
bool generation_worker_path(const char *data, const char *digest, char *out, size_t size);
bool generation_exists(const char *data, const char *digest);
/* which: "current", "good", "previous". False when there is none. */
bool generation_get(const char *data, const char *which, char digest[GENERATION_DIGEST + 1]);
bool generation_set(const char *data, const char *which, const char *digest, char err[256]);

/* The file is a program (ELF or #!), not a chain. */
bool generation_is_worker(const char *path);
/* Copies a worker binary in; its digest is SHA-256 of its bytes. */
bool generation_add(const char *data, const char *path, char digest[GENERATION_DIGEST + 1],
                    char err[256]);
/* Compiles chains with tbedgec unless the same chains were compiled by the same tbedgec before.
 * What the compiler says goes to stderr. */
bool generation_build(const char *data, char *const *files, int n,
                      char digest[GENERATION_DIGEST + 1], char err[256]);
/* Removes all but the named three and the newest `keep`. */
void generation_prune(const char *data, unsigned keep);

/* A program of ours: next to this executable, in libexecdir, or by PATH. */
void generation_find_tool(const char *name, char *out, size_t size);
bool generation_make_dirs(const char *data, char err[256]);

#endif
