/* SPDX-License-Identifier: Apache-2.0 */
/* Files of commands: read whole, replaced at once. */
#ifndef TBE_DRIVE_FILE_H
#define TBE_DRIVE_FILE_H

#include "tbe/base.h"

/* Appends the file's bytes, at most max of them. 0; -1 with errno (EFBIG: it is larger). */
int file_read(const char *path, size_t max, struct tbe_buf *b) TBE_MUST_USE;
/* Writes text beside path and renames it, so that path has the old or the new text whatever happens. A
 * file that is there keeps its mode; a symbolic link its place. 0, or -1 with errno. */
int file_replace(struct tbe_arena *a, const char *path, struct tbe_str text) TBE_MUST_USE;

#endif
