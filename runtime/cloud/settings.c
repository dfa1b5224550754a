/* SPDX-License-Identifier: Apache-2.0 */
/* The uplink's limits from the settings, which the front passes on as environment variables (schemas/tbedge.json
 * names and checks them). */
#include "config.h"

#include "cloud/cloud.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static const struct {
    const char *env;
    size_t offset;
    uint32_t times; /* of the setting's unit */
} settings[] = {
    { "CLOUD_UPLINK_PACK_TIMEOUT_SEC", offsetof(struct cloud_limits, timeout_ms), 1000 },
    { "CLOUD_STATS_REPORT_INTERVAL_MS", offsetof(struct cloud_limits, stats_ms), 1 },
    { "TBEDGE_CLOUD_UPLINK_ENTRIES", offsetof(struct cloud_limits, pack), 1 },
    { "TBEDGE_CLOUD_UPLINK_IN_FLIGHT", offsetof(struct cloud_limits, in_flight), 1 },
    { "TBEDGE_CLOUD_UPLINK_BYTES", offsetof(struct cloud_limits, message_bytes), 1 },
    { "TBEDGE_CLOUD_ASIDE_MAX", offsetof(struct cloud_limits, aside), 1 },
};

void
cloud_limits_read(struct cloud_limits *out)
{
    const char *stats = getenv("CLOUD_STATS_ENABLED");

    memset(out, 0, sizeof(*out));
    out->no_stats = stats != NULL && strcmp(stats, "false") == 0;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const char *text = getenv(settings[i].env);
        uint32_t v;
        char *end;

        if (text == NULL || text[0] == '\0') {
            continue;
        }
        v = (uint32_t)strtoul(text, &end, 10);
        if (*end != '\0' || v == 0 || v > UINT32_MAX / settings[i].times) {
            log_warn("cloud: %s is not a number that can be used; the default is", settings[i].env);
            continue;
        }
        v *= settings[i].times;
        memcpy((char *)out + settings[i].offset, &v, sizeof(v));
    }
}
