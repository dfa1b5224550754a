/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP device API on evhttp (facts/device-apis.md 13). Answers are held back until the worker says
 * that the turn they belong to is durable. Loop thread only. */
#ifndef TBE_TRANSPORT_HTTP_H
#define TBE_TRANSPORT_HTTP_H

#include "device/device.h"

struct evhttp;
struct event_base;
struct http_server;
struct http_held; /* answers of one turn */

/* Serves every path of `http` that nobody else has taken. */
struct http_server *http_new(struct event_base *base, struct evhttp *http, struct device_hub *h, struct tbe_engine *e);
struct http_held *http_held_take(struct http_server *hs); /* NULL: none */
void http_held_send(struct http_held *held);              /* takes */
/* Before a swap: waiting requests are answered now (408 for polls, 503 for the rest), new ones with 503. */
void http_drain(struct http_server *hs);
uint32_t http_open(const struct http_server *hs); /* requests not yet answered */

#endif
