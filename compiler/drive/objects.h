/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of generated C that were compiled before: DIR/<digest>.o, by all that makes the object what it is.
 * So the change of one chain compiles one chain. */
#ifndef TBE_DRIVE_OBJECTS_H
#define TBE_DRIVE_OBJECTS_H

#include "drive/drive.h"

#define OBJECTS_MAX 512u /* kept, the ones used last */

/* Path of the object of this C text; t->objects is the directory, which is made when missing. */
struct tbe_str objects_path(struct tbe_arena *a, const struct toolchain *t, struct tbe_str text);
/* It is there; it counts as used now. */
bool objects_has(struct tbe_str path);
/* Keeps the object in file `from`. Not being able to only means that it is compiled once more. */
void objects_add(struct tbe_arena *a, struct tbe_str path, const char *from);
/* Removes the oldest beyond OBJECTS_MAX. */
void objects_trim(struct tbe_arena *a, const char *dir);

#endif
