/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "link/uplinks.h"

#include <stdlib.h>
#include <string.h>

bool
uplinks_add(struct uplinks *q, uint64_t seq, struct tbe_str bytes)
{
    struct uplink *u;

    if (q->bytes >= 2 * (size_t)FRAME_UPLINK_ROOM || !(u = malloc(sizeof *u + bytes.n))) {
        return false;
    }
    memcpy(u + 1, bytes.p, bytes.n);
    *u = (struct uplink){ .seq = seq, .bytes = { (char *)(u + 1), bytes.n } };
    *(q->last ? &q->last->next : &q->first) = u;
    q->last = u;
    q->bytes += bytes.n;
    return true;
}

struct uplink *
uplinks_first(struct uplinks *q)
{
    return q->first;
}

void
uplinks_drop(struct uplinks *q)
{
    struct uplink *u = q->first;

    q->first = u->next;
    if (!q->first) {
        q->last = NULL;
    }
    q->bytes -= u->bytes.n;
    free(u);
}

void
uplinks_free(struct uplinks *q)
{
    while (q->first) {
        uplinks_drop(q);
    }
}
