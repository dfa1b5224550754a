/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript operators and built-ins, called by generated C and by constant folding. */
#ifndef TBE_JS_H
#define TBE_JS_H

#include "tbe/script.h"

#endif
