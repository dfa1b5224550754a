/* SPDX-License-Identifier: Apache-2.0 */
/* 128-bit powers of ten, shared by number parsing and printing. */
#ifndef TBE_VALUE_POW10_H
#define TBE_VALUE_POW10_H

#include <stdint.h>

__extension__ typedef unsigned __int128 value_u128;

#define POW10_MIN (-342)
#define POW10_MAX 324

extern const uint64_t value_pow10[POW10_MAX - POW10_MIN + 1][2];

#endif
