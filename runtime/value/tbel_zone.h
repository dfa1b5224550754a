/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones by name or offset. */
#ifndef TBEL_ZONE_H
#define TBEL_ZONE_H

#include "tbe/base.h"

struct zone_data;
struct tbel_zone {
    enum { TBEL_ZONE_LOCAL, TBEL_ZONE_FIXED, TBEL_ZONE_FILE } kind;
    int32_t offset; /* FIXED: seconds east */
    const struct zone_data *data;
};

bool tbel_zone_find(struct tbe_str name, struct tbel_zone *out); /* false: unknown */
int32_t tbel_zone_offset(const struct tbel_zone *z, int64_t utc_seconds);
int64_t tbel_zone_to_utc(const struct tbel_zone *z, int64_t local_seconds);

#endif
