/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP relay in front of the gRPC server, so that the network itself can be made to fail: cut (RST), half-open (bytes
 * vanish, nothing closes), refused. It can also end an HTTP/2 stream with RST_STREAM as the real cloud does, which the
 * gRPC server cannot (it always adds a status). All on the event base's thread.
 */
#ifndef TC_RELAY_H
#define TC_RELAY_H

#include <event2/event.h>

struct tc_relay;

/* Listens on host:port (0: any, *port tells); NULL when it cannot. */
struct tc_relay *
tc_relay_new(struct event_base *base, const char *host, int *port, int tls);
void
tc_relay_free(struct tc_relay *r);

/* Where connections go from now on; 0: accepted and closed at once. */
void
tc_relay_target(struct tc_relay *r, int port);

/* Closes every connection with RST. Returns how many. */
int
tc_relay_cut(struct tc_relay *r);

/* Half-open: nothing passes on old connections and new ones until it is called with 0. */
void
tc_relay_stall(struct tc_relay *r, int stalled);

/* The port is closed: connecting is refused until it is called with 0. */
void
tc_relay_refuse(struct tc_relay *r, int refused);

/* RST_STREAM with an error code for the last opened stream of every connection (not with TLS). Returns how many. */
int
tc_relay_reset(struct tc_relay *r, int code);

int
tc_relay_connections(const struct tc_relay *r);

#endif
