/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the grpc_server, its completion queue and the life of its streams. */
#include "config.h"

#include "tc_grpc.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#define TC_METHOD "/edge.EdgeRpcService/handleMsgs"

enum op_kind { OP_CALL, OP_INIT, OP_RECV, OP_SEND, OP_STATUS, OP_CLOSE, OP_KINDS };

struct op {
    enum op_kind kind;
    struct tc_stream *stream;
    struct tc_server *server;
};

struct out {
    STAILQ_ENTRY(out) link;
    grpc_byte_buffer *bytes;
    size_t len;
};

struct tc_stream {
    TAILQ_ENTRY(tc_stream) link;
    struct tc_server *server;
    grpc_call *call;
    struct op ops[OP_KINDS];
    int pending;        /* operations under way */
    grpc_byte_buffer *in;
    int cancelled;
    STAILQ_HEAD(, out) outs;
    struct out *sending;
    size_t queued;
    int status_wanted, status_code, status_sent;
    char *status_details;
    int paused, reading, half_closed, dead, told;
    void *data;
    char agent[96];
};

struct done {
    void *tag;
    int ok;
};

struct tc_server {
    grpc_server *server;
    grpc_completion_queue *cq;
    pthread_t thread;
    pthread_mutex_t lock;
    struct done *queue; /* under lock */
    size_t n, cap;
    int fd;
    struct event *wake;
    const struct tc_server_ops *ops;
    void *arg;
    TAILQ_HEAD(, tc_stream) streams;
    /* the next call */
    struct op call_op, shutdown_op;
    grpc_call *next_call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    int stopping, stopped;
};

static void
batch(struct tc_stream *s, enum op_kind k, const grpc_op *ops, size_t n)
{
    s->ops[k] = (struct op){k, s, s->server};
    s->pending++;
    grpc_call_error e = grpc_call_start_batch(s->call, ops, n, &s->ops[k], NULL);
    if (e != GRPC_CALL_OK) {
        fprintf(stderr, "testcloud: start_batch %d: %s\n", (int)k, grpc_call_error_to_string(e));
        s->pending--;
    }
}

static void
start_recv(struct tc_stream *s)
{
    if (s->reading || s->paused || s->half_closed || s->dead) {
        return;
    }
    s->reading = 1;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &s->in;
    batch(s, OP_RECV, &op, 1);
}

static void
start_send(struct tc_stream *s)
{
    if (s->sending || s->dead || s->status_sent) {
        return;
    }
    struct out *o = STAILQ_FIRST(&s->outs);
    if (o) {
        STAILQ_REMOVE_HEAD(&s->outs, link);
        s->sending = o;
        grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
        op.data.send_message.send_message = o->bytes;
        batch(s, OP_SEND, &op, 1);
    } else if (s->status_wanted) {
        s->status_sent = 1;
        grpc_slice details = grpc_slice_from_copied_string(s->status_details ? s->status_details : "");
        grpc_op op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
        op.data.send_status_from_server.status = (grpc_status_code)s->status_code;
        op.data.send_status_from_server.status_details = &details;
        batch(s, OP_STATUS, &op, 1);
        grpc_slice_unref(details);
    }
}

static void
free_out(struct out *o)
{
    grpc_byte_buffer_destroy(o->bytes);
    free(o);
}

static void
stream_over(struct tc_stream *s, int by_peer)
{
    s->dead = 1;
    if (!s->told) {
        s->told = 1;
        s->server->ops->gone(s->server->arg, s, by_peer);
    }
}

static void
stream_release(struct tc_stream *s)
{
    struct out *o;
    while ((o = STAILQ_FIRST(&s->outs))) {
        STAILQ_REMOVE_HEAD(&s->outs, link);
        free_out(o);
    }
    TAILQ_REMOVE(&s->server->streams, s, link);
    grpc_call_unref(s->call);
    free(s->status_details);
    free(s);
}

static void
request_call(struct tc_server *sv)
{
    sv->call_op = (struct op){OP_CALL, NULL, sv};
    sv->next_call = NULL;
    grpc_call_details_init(&sv->details);
    grpc_metadata_array_init(&sv->metadata);
    grpc_server_request_call(sv->server, &sv->next_call, &sv->details, &sv->metadata, sv->cq, sv->cq, &sv->call_op);
}

static void
copy_agent(struct tc_stream *s, const grpc_metadata_array *md)
{
    for (size_t i = 0; i < md->count; i++) {
        if (grpc_slice_str_cmp(md->metadata[i].key, "user-agent") == 0) {
            size_t n = GRPC_SLICE_LENGTH(md->metadata[i].value);
            n = n < sizeof s->agent - 1 ? n : sizeof s->agent - 1;
            memcpy(s->agent, GRPC_SLICE_START_PTR(md->metadata[i].value), n);
        }
    }
}

static void
on_call(struct tc_server *sv)
{
    struct tc_stream *s = calloc(1, sizeof *s);
    s->server = sv;
    s->call = sv->next_call;
    STAILQ_INIT(&s->outs);
    TAILQ_INSERT_TAIL(&sv->streams, s, link);
    copy_agent(s, &sv->metadata);
    int known = grpc_slice_str_cmp(sv->details.method, TC_METHOD) == 0;
    grpc_call_details_destroy(&sv->details);
    grpc_metadata_array_destroy(&sv->metadata);
    request_call(sv);

    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    close.data.recv_close_on_server.cancelled = &s->cancelled;
    batch(s, OP_CLOSE, &close, 1);
    grpc_op init = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    batch(s, OP_INIT, &init, 1);
    if (!known) {
        s->told = 1;
        tc_stream_finish(s, GRPC_STATUS_UNIMPLEMENTED, "");
        return;
    }
    sv->ops->open(sv->arg, s);
    start_recv(s);
}

static void
on_recv(struct tc_stream *s, int ok)
{
    struct tc_server *sv = s->server;
    s->reading = 0;
    grpc_byte_buffer *in = s->in;
    s->in = NULL;
    if (!ok || !in) {
        if (ok && !s->dead) {
            s->half_closed = 1;
            sv->ops->half_close(sv->arg, s);
        }
        grpc_byte_buffer_destroy(in);
        return;
    }
    grpc_byte_buffer_reader r;
    if (!s->dead && grpc_byte_buffer_reader_init(&r, in)) {
        grpc_slice all = grpc_byte_buffer_reader_readall(&r);
        sv->ops->message(sv->arg, s, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
        grpc_slice_unref(all);
        grpc_byte_buffer_reader_destroy(&r);
    }
    grpc_byte_buffer_destroy(in);
    start_recv(s);
}

static void
on_done(struct tc_server *sv, struct op *op, int ok)
{
    struct tc_stream *s = op->stream;
    if (op == &sv->shutdown_op) {
        sv->stopped = 1;
        return;
    }
    if (op->kind == OP_CALL) {
        if (ok) {
            on_call(sv);
        } else {
            grpc_call_details_destroy(&sv->details);
            grpc_metadata_array_destroy(&sv->metadata);
        }
        return;
    }
    s->pending--;
    switch (op->kind) {
    case OP_RECV:
        on_recv(s, ok);
        break;
    case OP_SEND:
        s->queued -= s->sending->len;
        free_out(s->sending);
        s->sending = NULL;
        start_send(s);
        break;
    case OP_CLOSE:
        stream_over(s, s->cancelled);
        break;
    default:
        break;
    }
    if (s->dead && !s->pending) {
        stream_release(s);
    }
}

static void *
pump(void *arg)
{
    struct tc_server *sv = arg;
    for (;;) {
        grpc_event ev = grpc_completion_queue_next(sv->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (ev.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        if (ev.type != GRPC_OP_COMPLETE) {
            continue;
        }
        pthread_mutex_lock(&sv->lock);
        if (sv->n == sv->cap) {
            sv->cap = sv->cap ? 2 * sv->cap : 256;
            sv->queue = realloc(sv->queue, sv->cap * sizeof *sv->queue);
        }
        sv->queue[sv->n++] = (struct done){ev.tag, ev.success};
        int first = sv->n == 1;
        pthread_mutex_unlock(&sv->lock);
        if (first) {
            uint64_t one = 1;
            (void)!write(sv->fd, &one, sizeof one);
        }
    }
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct tc_server *sv = arg;
    uint64_t n;
    (void)!read(fd, &n, sizeof n);
    pthread_mutex_lock(&sv->lock);
    struct done *q = sv->queue;
    size_t count = sv->n;
    sv->queue = NULL;
    sv->n = sv->cap = 0;
    pthread_mutex_unlock(&sv->lock);
    for (size_t i = 0; i < count; i++) {
        on_done(sv, q[i].tag, q[i].ok);
    }
    free(q);
}

static grpc_arg
int_arg(const char *key, int v)
{
    return (grpc_arg){GRPC_ARG_INTEGER, (char *)key, {.integer = v}};
}

struct tc_server *
tc_server_new(struct event_base *base, const struct tc_server_conf *conf, const struct tc_server_ops *ops, void *arg,
              int *port)
{
    grpc_init();
    struct tc_server *sv = calloc(1, sizeof *sv);
    sv->ops = ops;
    sv->arg = arg;
    TAILQ_INIT(&sv->streams);
    pthread_mutex_init(&sv->lock, NULL);
    grpc_arg args[] = {
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1),
        int_arg(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1),
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, conf->keepalive_ms),
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, conf->keepalive_timeout_ms),
        int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, conf->min_ping_ms),
        int_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0),
    };
    grpc_channel_args ca = {sizeof args / sizeof *args, args};
    sv->server = grpc_server_create(&ca, NULL);
    sv->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(sv->server, sv->cq, NULL);
    grpc_server_credentials *creds;
    if (conf->cert_pem) {
        grpc_ssl_pem_key_cert_pair pair = {conf->key_pem, conf->cert_pem};
        creds = grpc_ssl_server_credentials_create_ex(NULL, &pair, 1, GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, NULL);
    } else {
        creds = grpc_insecure_server_credentials_create();
    }
    *port = grpc_server_add_http2_port(sv->server, conf->address, creds);
    grpc_server_credentials_release(creds);
    grpc_server_start(sv->server);
    sv->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sv->wake = event_new(base, sv->fd, EV_READ | EV_PERSIST, on_wake, sv);
    event_add(sv->wake, NULL);
    pthread_create(&sv->thread, NULL, pump, sv);
    request_call(sv);
    if (*port <= 0) {
        tc_server_free(sv);
        return NULL;
    }
    return sv;
}

void
tc_server_free(struct tc_server *sv)
{
    sv->stopping = 1;
    sv->shutdown_op = (struct op){OP_KINDS, NULL, sv};
    grpc_server_shutdown_and_notify(sv->server, sv->cq, &sv->shutdown_op);
    grpc_server_cancel_all_calls(sv->server);
    while (!sv->stopped || !TAILQ_EMPTY(&sv->streams)) {
        on_wake(sv->fd, 0, sv);
        usleep(1000);
    }
    grpc_completion_queue_shutdown(sv->cq);
    pthread_join(sv->thread, NULL);
    grpc_server_destroy(sv->server);
    grpc_completion_queue_destroy(sv->cq);
    event_free(sv->wake);
    close(sv->fd);
    free(sv->queue);
    free(sv);
    grpc_shutdown();
}

void
tc_stream_set_data(struct tc_stream *s, void *data)
{
    s->data = data;
}

void *
tc_stream_data(struct tc_stream *s)
{
    return s->data;
}

const char *
tc_stream_agent(const struct tc_stream *s)
{
    return *s->agent ? s->agent : NULL;
}

size_t
tc_stream_queued(const struct tc_stream *s)
{
    return s->queued;
}

void
tc_stream_send(struct tc_stream *s, const uint8_t *data, size_t len)
{
    if (s->dead || s->status_wanted) {
        return;
    }
    struct out *o = calloc(1, sizeof *o);
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)data, len);
    o->bytes = grpc_raw_byte_buffer_create(&slice, 1);
    o->len = len;
    grpc_slice_unref(slice);
    s->queued += len;
    STAILQ_INSERT_TAIL(&s->outs, o, link);
    start_send(s);
}

void
tc_stream_finish(struct tc_stream *s, int code, const char *details)
{
    if (s->dead || s->status_wanted) {
        return;
    }
    s->status_wanted = 1;
    s->status_code = code;
    s->status_details = strdup(details ? details : "");
    start_send(s);
}

void
tc_stream_cancel(struct tc_stream *s, int code, const char *details)
{
    if (!s->dead) {
        grpc_call_cancel_with_status(s->call, (grpc_status_code)code, details ? details : "", NULL);
    }
}

void
tc_stream_pause(struct tc_stream *s, int paused)
{
    s->paused = paused;
    start_recv(s);
}
