/* SPDX-License-Identifier: Apache-2.0 */
/* What scripts write into C text beside the literals and comments of emit/ctext.h: numbers, names. Script
 * text gets into C text through these alone. */
#ifndef SCRIPT_CWRITE_H
#define SCRIPT_CWRITE_H

#include "emit/ctext.h"

/* s inside a comment (without its marks), at most max bytes of it. */
void cw_comment(struct tbe_buf *b, struct tbe_str s, size_t max);
/* The part of s that is a C identifier, other bytes as _; at most 32 bytes; never empty. */
void cw_ident(struct tbe_buf *b, struct tbe_str s);
/* d as a C constant expression that is exactly d. */
void cw_double(struct tbe_buf *b, double d);
bool cw_is_ascii(struct tbe_str s);

#endif
