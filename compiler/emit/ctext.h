/* SPDX-License-Identifier: Apache-2.0 */
/* The two writers through which user text reaches generated C, and names made of user text. What they
 * write is plain ASCII without control characters, so no text can end its literal or comment. */
#ifndef TBE_EMIT_CTEXT_H
#define TBE_EMIT_CTEXT_H

#include "tbe/base.h"

#define CTEXT_LITERAL_MAX 4000 /* bytes: C11 5.2.4.1 promises 4095 characters in a literal */

/* "..." with everything unsafe escaped. Longer than CTEXT_LITERAL_MAX: use ctext_array. */
void ctext_string(struct tbe_buf *b, struct tbe_str s);
/* { 104, 105, } for a char array: any length. */
void ctext_array(struct tbe_buf *b, struct tbe_str s);
/* Text for the inside of a comment, on one line. */
void ctext_comment(struct tbe_buf *b, struct tbe_str s);
/* Lower-case letters, digits and _ made of a name, at most 32, never empty. */
struct tbe_str ctext_slug(struct tbe_arena *a, struct tbe_str name);

#endif
