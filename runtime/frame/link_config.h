/* SPDX-License-Identifier: Apache-2.0 */
/* The payload of FR_LINK_CONFIG: all that the link is told, secrets too, so that none is in its
 * arguments or environment (facts/edge-cloud-protocol.md 1.1). */
#ifndef TBE_FRAME_LINK_CONFIG_H
#define TBE_FRAME_LINK_CONFIG_H

#include "frame/frame.h"

/* Strings are borrowed: from the settings when written, from the frame when read. Times are
 * milliseconds, sizes bytes. */
struct link_config {
    struct tbe_str host, routing_key, secret;
    struct tbe_str edge_version; /* name of a value of edge.EdgeVersion */
    struct tbe_str ssl_cert;     /* PEM file of the trusted CAs; empty: those of the system */
    struct tbe_str proxy_host, proxy_user, proxy_password; /* no proxy: empty host */
    struct tbe_str log_level, log_format;
    uint32_t port, proxy_port;
    uint32_t ssl, compress; /* 0 or 1 */
    uint32_t reconnect_first, reconnect_max; /* the pause doubles from one to the other */
    uint32_t connect_timeout;                /* from the attempt to the cloud's answer */
    uint32_t close_timeout;                  /* the cloud's end of a stream that we ended */
    uint32_t keep_alive_time, keep_alive_timeout;
    uint32_t max_inbound;  /* largest ResponseMsg taken; told to the cloud */
    uint32_t last_session; /* the first session of this link is the next one */
};

/* Writes the whole frame. False: out of memory or too long; then nothing is written. */
bool link_config_put(struct tbe_buf *b, const struct link_config *c);
/* Reads the payload. False when it is not what link_config_put writes. */
bool link_config_get(struct tbe_str payload, struct link_config *c);

#endif
