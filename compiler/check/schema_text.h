/* SPDX-License-Identifier: Apache-2.0 */
/* schemas/chain.json with every node's configuration inside, line by line; made by schemagen. */
#ifndef TBE_CHECK_SCHEMA_TEXT_H
#define TBE_CHECK_SCHEMA_TEXT_H

#include <stdint.h>

extern const char *const schema_lines[];
extern const uint32_t n_schema_lines;

#endif
