/* SPDX-License-Identifier: Apache-2.0 */
/* What the cloud sends, into the store (facts/edge-cloud-protocol.md 5, 6). */
#include "config.h"

#include "cloud/cloud.h"

#include <stdio.h>

bool
cloud_downlink(struct cloud *c, struct store_batch *b, const Edge__DownlinkMsg *m, char err[256])
{
    (void)c;
    (void)b;
    (void)m;
    snprintf(err, 256, "downlinks cannot be applied yet");
    return false;
}
