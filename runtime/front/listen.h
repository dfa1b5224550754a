/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: MQTT, MQTT over TLS, and the HTTP socket that workers inherit. */
#ifndef TBE_FRONT_LISTEN_H
#define TBE_FRONT_LISTEN_H

#include "front/front.h"

struct listener;

/* A bound, listening, non-blocking socket; port 0 = a free one. -1 with text in err. */
int listen_open(const char *address, int64_t port, char err[256]);
int listen_port(int fd); /* 0 when fd < 0 */
/* Accepts device connections from fd (taken) from now on. NULL: out of memory. */
struct listener *listener_new(struct front *f, int fd, bool tls);
int listener_port(const struct listener *l); /* 0 when l is NULL */
void listener_free(struct listener *l);

#endif
