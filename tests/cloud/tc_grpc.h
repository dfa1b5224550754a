/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test cloud's end of gRPC: one server on the C core, streams of /edge.EdgeRpcService/handleMsgs. All calls and
 * callbacks are on the thread of the event base; a thread of its own only waits for the completion queue.
 */
#ifndef TC_GRPC_H
#define TC_GRPC_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct tc_server;
struct tc_stream;

struct tc_server_ops {
    void (*open)(void *arg, struct tc_stream *s);
    void (*message)(void *arg, struct tc_stream *s, const uint8_t *data, size_t len);
    void (*half_close)(void *arg, struct tc_stream *s);
    /* The stream has ended, whoever ended it; s is not valid afterwards. by_peer: cancelled or connection lost. */
    void (*gone)(void *arg, struct tc_stream *s, int by_peer);
};

struct tc_server_conf {
    const char *address;           /* 127.0.0.1:0 */
    const char *cert_pem, *key_pem; /* TLS when set: texts, not files */
    int keepalive_ms, keepalive_timeout_ms, min_ping_ms;
};

/* NULL when the address cannot be bound. *port is the port in use. */
struct tc_server *
tc_server_new(struct event_base *base, const struct tc_server_conf *conf, const struct tc_server_ops *ops, void *arg,
              int *port);

/* Ends every stream (UNAVAILABLE) and frees; gone() is called for each stream. */
void
tc_server_free(struct tc_server *sv);

void
tc_stream_set_data(struct tc_stream *s, void *data);
void *
tc_stream_data(struct tc_stream *s);

/* Queues one message (copied). */
void
tc_stream_send(struct tc_stream *s, const uint8_t *data, size_t len);

/* Bytes queued and not yet given to the transport. */
size_t
tc_stream_queued(const struct tc_stream *s);

/* Ends the stream with a status after what is queued. */
void
tc_stream_finish(struct tc_stream *s, int code, const char *details);

/* Cancels at once; what is queued is lost. */
void
tc_stream_cancel(struct tc_stream *s, int code, const char *details);

/* Stops asking for messages (flow control then fills), or goes on. */
void
tc_stream_pause(struct tc_stream *s, int paused);

/* What the client said about itself (user-agent); NULL when it did not. */
const char *
tc_stream_agent(const struct tc_stream *s);

#endif
