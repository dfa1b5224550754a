/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL operators and built-ins (facts/tbel.md), called by generated C and by constant folding. */
#ifndef TBE_TBEL_H
#define TBE_TBEL_H

#include "tbe/script.h"

#endif
