/* SPDX-License-Identifier: Apache-2.0 */
/* A request of the HTTP device API and its answer; shared by the http_*.c files of this room. */
#ifndef TBE_TRANSPORT_HTTP_REQUEST_H
#define TBE_TRANSPORT_HTTP_REQUEST_H

#include "transport/http.h"

#include <event2/event.h>
#include <event2/http.h>

#define HTTP_ASYNC_MS 30000       /* spring.mvc.async.request-timeout: the end of every waiting request */
#define HTTP_POLL_MS 60000        /* default of `timeout` */
#define HTTP_BODY_MAX (50u << 20) /* transport.http.max_payload_size, /api/v1/ */
#define HTTP_RPC_BODY_MAX 65536   /* ... /api/v1/{token}/rpc */
#define HTTP_SEGMENTS 8

enum { HTTP_JSON, HTTP_JSON_LATIN, HTTP_TEXT, HTTP_NONE }; /* content types of answers */

struct http_server {
    struct event_base *base;
    struct device_hub *hub;
    struct tbe_engine *engine;
    struct http_held *held, **held_end;
    struct http_wait *waits;
    uint32_t open;
    bool draining;
    struct tbe_buf text;
    struct tbe_arena arena; /* of the request at hand */
};

struct http_in { /* one parsed request */
    struct http_server *hs;
    struct evhttp_request *req;
    enum evhttp_cmd_type method;
    struct tbe_str path;                /* raw, without query */
    struct tbe_str seg[HTTP_SEGMENTS];  /* decoded segments after /api/v1 */
    uint32_t n_seg;
    struct tbe_str query;
    struct tbe_str body;                /* UTF-8; absent when there is none */
    size_t content_length;
    struct hub_device *dev;
};

struct http_wait { /* a request that waits: a sync session */
    struct http_wait *next, *prev;
    struct http_server *hs;
    struct evhttp_request *req;
    struct event *timer;
    struct hub_session s;
    int timeout_status;
};

void http_answer(struct http_server *hs, struct evhttp_request *req, int status, int type, struct tbe_str body);
void http_answer_allow(struct http_server *hs, struct evhttp_request *req, const char *allow, struct tbe_str body);
/* {"message":..,"errorCode":..,"status":..,"timestamp":..} */
void http_error(struct http_server *hs, struct evhttp_request *req, int status, int code, struct tbe_str message);
/* Same with status first and Latin-1, as the reference's servlet filter words it. */
void http_servlet_error(struct http_server *hs, struct evhttp_request *req, int status, int code, struct tbe_str message);
/* NULL: no memory, answered. status: of the time-out. */
struct http_wait *http_wait_new(struct http_in *in, int64_t ms, int status);
void http_wait_drop(struct http_wait *w); /* without an answer: the caller answers */

/* Parses the request; false: it is answered already. */
bool http_parse(struct http_server *hs, struct evhttp_request *req, struct http_in *in);
/* First value of a query parameter, decoded; several are joined with ','. Absent: p == NULL. */
struct tbe_str http_query(struct http_in *in, const char *name);
bool http_body_read(struct http_in *in); /* content type rules of 13; false: answered */

void http_route(struct http_in *in); /* http_device.c */

#endif
