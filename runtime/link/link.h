/* SPDX-License-Identifier: Apache-2.0 */
/* The link: one session with the cloud after the other, and the frames between them and the front.
 *
 *   CONNECTING --accepted--> UP --stream ended--> WAITING --pause--> CONNECTING
 *        `--refused, failed, too late--------------^
 *
 * Every end is followed by another attempt: also a clean one, which the cloud gives a session when
 * another one with the same key begins (facts/edge-cloud-protocol.md 2.4). The pause grows from
 * reconnect_first to reconnect_max and starts afresh after a session, unless the cloud closed it
 * soon. */
#ifndef TBE_LINK_LINK_H
#define TBE_LINK_LINK_H

#include <event2/event.h>

struct link;

/* Takes fd, the socket to the front, and waits there for FR_LINK_CONFIG. NULL: out of memory. */
struct link *link_new(struct event_base *base, int fd);
/* 0: ended as asked; 1: not. */
int link_free(struct link *l);

#endif
