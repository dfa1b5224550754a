/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that wait for the stream, first in first out. The front lets no more than
 * FRAME_UPLINK_ROOM bytes wait; here twice as many are the limit. */
#ifndef TBE_LINK_UPLINKS_H
#define TBE_LINK_UPLINKS_H

#include "frame/frame.h"

struct uplink {
    struct uplink *next;
    uint64_t seq;
    struct tbe_str bytes; /* behind the struct */
};
struct uplinks {
    struct uplink *first, *last;
    size_t bytes;
};

/* Copies. False: the limit is reached, or no memory. */
bool uplinks_add(struct uplinks *q, uint64_t seq, struct tbe_str bytes);
struct uplink *uplinks_first(struct uplinks *q); /* NULL: none */
void uplinks_drop(struct uplinks *q);            /* the first one */
void uplinks_free(struct uplinks *q);

#endif
