/* SPDX-License-Identifier: Apache-2.0 */
/* One channel with one stream of edge.EdgeRpcService/handleMsgs on it: from the attempt to
 * connect to the stream's end. It knows no protobuf (facts/edge-cloud-protocol.md 1). All calls
 * and callbacks on the loop; no callback runs inside a call. */
#ifndef TBE_LINK_STREAM_H
#define TBE_LINK_STREAM_H

#include "frame/link_config.h"
#include "link/pump.h"

struct stream;

struct stream_events {
    /* A whole message, borrowed. The next one comes after stream_read. */
    void (*message)(void *arg, struct tbe_str bytes);
    /* The message given to stream_send has left (ok) or never will; the next may be sent. */
    void (*sent)(void *arg, bool ok);
    /* The stream is over, cleanly when status is 0; text says why, as it came. Once, last; the
     * stream must be freed then or later. */
    void (*ended)(void *arg, int status, struct tbe_str text);
};

/* Begins to connect. NULL with text in err. c must outlive it. */
struct stream *stream_open(struct pump *p, const struct link_config *c,
                           const struct stream_events *events, void *arg, char err[160]);
/* Only after `ended`. */
void stream_free(struct stream *s);
/* Copies the message. One at a time: not before `sent` of the one before. False: it cannot be sent
 * (the stream is about to end, or no memory); `sent` does not come then. */
bool stream_send(struct stream *s, struct tbe_str bytes);
/* Asks for the next message; without it the cloud is held by flow control. */
void stream_read(struct stream *s);
/* Nothing more will be sent; the cloud ends the stream then. */
void stream_half_close(struct stream *s);
/* Ends it from here; `ended` follows. */
void stream_cancel(struct stream *s);

#endif
