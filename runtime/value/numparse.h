/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal to double for readers that scan the digits themselves. */
#ifndef TBE_VALUE_NUMPARSE_H
#define TBE_VALUE_NUMPARSE_H

#include <stdbool.h>
#include <stdint.h>

#define NUM_DIGITS 19 /* decimal digits that always fit 64 bits */

/* *out = w * 10^exp10, correctly rounded; false when only the slow way (tbe_parse_double) can
 * tell. */
bool num_decimal(uint64_t w, int exp10, double *out);

#endif
