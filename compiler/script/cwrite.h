/* SPDX-License-Identifier: Apache-2.0 */
/* The only ways by which script text gets into C text. */
#ifndef SCRIPT_CWRITE_H
#define SCRIPT_CWRITE_H

#include "tbe/base.h"

#define CW_MAX_LITERAL 4000 /* bytes of a C string literal; ISO C promises 4095 */

/* s as a C string literal with quotes: printable ASCII and octal escapes only, no trigraph. s.n must not
 * exceed CW_MAX_LITERAL. */
void cw_string(struct tbe_buf *b, struct tbe_str s);
/* s inside a comment (without its marks): one line, no end mark, at most max bytes of it. */
void cw_comment(struct tbe_buf *b, struct tbe_str s, size_t max);
/* s as the initialiser list of a char array, for texts over CW_MAX_LITERAL. */
void cw_bytes(struct tbe_buf *b, struct tbe_str s);
/* The part of s that is a C identifier, other bytes as _; at most 32 bytes; never empty. */
void cw_ident(struct tbe_buf *b, struct tbe_str s);
/* d as a C constant expression that is exactly d. */
void cw_double(struct tbe_buf *b, double d);
bool cw_is_ascii(struct tbe_str s);

#endif
