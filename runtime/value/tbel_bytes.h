/* SPDX-License-Identifier: Apache-2.0 */
/* What the functions on numbers in text and on bytes share. */
#ifndef TBEL_BYTES_H
#define TBEL_BYTES_H

#include "tbel_priv.h"

#define GLOBAL(name) tbe_val name(struct tbe_x *x, int argc, const tbe_val *argv)

/* tbel_numtext.c */
void tbel_need(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, int min, int max);
struct tbe_str tbel_trim(struct tbe_str s);
int tbel_digit_of(char c);
bool tbel_all_below(struct tbe_str s, int radix, bool sign);
bool tbel_hex_prefix(struct tbe_str s);
void tbel_not_numeric(struct tbe_x *x, struct tbe_str s);
float tbel_float_of(uint64_t bits);
double tbel_double_of(uint64_t bits);

#endif
