/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud of the smallest kind, for tests of the link: one stream at a time, driven step by step from the
 * test's own thread. Between two calls it does nothing at all, not even answer pings: a half-open
 * connection. Every call waits a few seconds at most. */
#ifndef TESTS_STUB_CLOUD_H
#define TESTS_STUB_CLOUD_H

#include "tbe/base.h"

struct stub_cloud;

/* cert and key: PEM texts for TLS, or NULL. gzip: compresses what it sends, and leaves what it gets as it came. */
struct stub_cloud *stub_cloud_new(const char *cert, const char *key, bool gzip);
/* The message got last was compressed with gzip (only known with gzip). */
bool stub_cloud_got_gzip(const struct stub_cloud *s);
void stub_cloud_free(struct stub_cloud *s);
uint16_t stub_cloud_port(const struct stub_cloud *s);

/* Waits for a stream; what is left of the one before is cancelled. False: none came within ms. */
bool stub_cloud_accept(struct stub_cloud *s, int ms);
/* The next RequestMsg. 1: got it; 0: the client has ended its half; -1: nothing within ms, or broken. */
int stub_cloud_recv(struct stub_cloud *s, struct tbe_buf *b, int ms);
/* Sends a ResponseMsg and waits until the stream has taken it. */
bool stub_cloud_send(struct stub_cloud *s, struct tbe_str bytes, int ms);
/* Ends the stream with this status; 0 is clean. */
bool stub_cloud_finish(struct stub_cloud *s, int status, const char *text);
/* Lets the transport work for ms: pings are answered. */
void stub_cloud_idle(struct stub_cloud *s, int ms);

#endif
