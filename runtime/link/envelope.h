/* SPDX-License-Identifier: Apache-2.0 */
/* The outer layer of the stream's messages (facts/edge-cloud-protocol.md 2.1, 2.2): which part of
 * a ResponseMsg or RequestMsg is there, the ConnectRequest, the cloud's answer to it. What is
 * inside the parts nobody here reads. */
#ifndef TBE_LINK_ENVELOPE_H
#define TBE_LINK_ENVELOPE_H

#include "frame/link_config.h"

enum envelope_kind {
    ENVELOPE_BAD = -1, /* not protobuf */
    ENVELOPE_NONE,     /* none of the parts known here: of a newer peer */
    ENVELOPE_CONNECT,  /* connectResponseMsg, connectRequestMsg */
    ENVELOPE_OTHER     /* a part that is passed on as it is */
};

/* What a whole ResponseMsg is. body: the connectResponseMsg's bytes, borrowed. A message with
 * several parts is its first one in the order of 2.1. */
enum envelope_kind envelope_response(struct tbe_str whole, struct tbe_str *body);
/* What a whole RequestMsg is. */
enum envelope_kind envelope_request(struct tbe_str whole);

/* The number the cloud gets for this version's name, or -1 when edge.EdgeVersion has no such
 * name. */
int envelope_version(struct tbe_str name);
/* The RequestMsg that connects. False: out of memory. */
bool envelope_connect_request(struct tbe_buf *b, const struct link_config *c);

struct envelope_answer {
    bool accepted;
    uint32_t max_uplink; /* largest RequestMsg the cloud takes, bytes; 0 = it does not say */
    char reason[96];     /* why not, in words of our own: the cloud's text repeats the secret */
    char edge[64];       /* the edge's name, printable */
};
/* Reads a ConnectResponseMsg. False when it is none. */
bool envelope_answer(struct tbe_str body, struct envelope_answer *out);

/* Text of the peer for a log line: cut to size, printable, with key and secret taken out. */
void envelope_clean(struct tbe_str text, const struct link_config *c, char *out, size_t size);

#endif
