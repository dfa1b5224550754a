/* SPDX-License-Identifier: Apache-2.0 */
/* Wall and monotonic time behind one interface, so that tests replay. */
#ifndef TBE_BASE_CLOCK_H
#define TBE_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);      /* epoch milliseconds, or the fixed test time */
int64_t clock_mono_ns(void); /* monotonic nanoseconds; not affected by clock_fix */
void clock_fix(int64_t epoch_ms); /* tests: clock_ms stands still from now on */
void clock_advance(int64_t ms);   /* tests: move a fixed clock */
void clock_real(void);            /* back to the system clock */

#endif
