/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness behind one interface: getrandom(2), or a seeded generator in tests. */
#ifndef TBE_BASE_RANDOM_H
#define TBE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *p, size_t n); /* aborts only if the kernel refuses */
uint64_t random_u64(void);
void random_seed(uint64_t seed); /* tests: deterministic from now on; 0 = back to the kernel */

#endif
