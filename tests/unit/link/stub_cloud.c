/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC C core's server side. One completion queue; wait_for pumps it until the wanted tag comes. */
#include "config.h"
#include "stub_cloud.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <stdlib.h>

enum tag { TAG_NONE, TAG_CALL, TAG_HEAD, TAG_RECV, TAG_SEND, TAG_STATUS, TAG_CLOSED, TAG_DOWN, TAGS };

struct stub_cloud {
    grpc_server *server;
    grpc_completion_queue *cq;
    grpc_call *call, *next_call;
    grpc_call_details details;
    grpc_metadata_array head;
    grpc_byte_buffer *in;
    int port, cancelled;
    bool got_gzip, pending[TAGS], done[TAGS], ok[TAGS];
};

static gpr_timespec
in_ms(int ms)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

/* One event, or none until the deadline. */
static bool
step(struct stub_cloud *s, gpr_timespec until)
{
    grpc_event e = grpc_completion_queue_next(s->cq, until, NULL);
    size_t tag = (size_t)e.tag;

    if (e.type != GRPC_OP_COMPLETE) {
        return false;
    }
    s->pending[tag] = false;
    s->done[tag] = true;
    s->ok[tag] = e.success != 0;
    return true;
}

static bool
wait_for(struct stub_cloud *s, enum tag tag, int ms)
{
    gpr_timespec until = in_ms(ms);

    while (!s->done[tag]) {
        if (!step(s, until)) {
            return false;
        }
    }
    return s->ok[tag];
}

static void
want_call(struct stub_cloud *s)
{
    grpc_call_details_init(&s->details);
    grpc_metadata_array_init(&s->head);
    s->done[TAG_CALL] = false;
    s->pending[TAG_CALL] = grpc_server_request_call(s->server, &s->next_call, &s->details, &s->head, s->cq,
                                                    s->cq, (void *)TAG_CALL) == GRPC_CALL_OK;
}

struct stub_cloud *
stub_cloud_new(const char *cert, const char *key, bool gzip)
{
    struct stub_cloud *s = calloc(1, sizeof *s);
    grpc_ssl_pem_key_cert_pair pair = { key, cert };
    grpc_server_credentials *creds;
    grpc_arg arg[3] = {
        { .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_HTTP2_BDP_PROBE },
        { .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION },
        { .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
          .value.integer = GRPC_COMPRESS_GZIP },
    };
    grpc_channel_args args = { gzip ? 3 : 1, arg }; /* a window of 64 KB; with probing it is 16 MB */

    grpc_init();
    creds = cert ? grpc_ssl_server_credentials_create(NULL, &pair, 1, 0, NULL)
                 : grpc_insecure_server_credentials_create();
    s->server = grpc_server_create(&args, NULL);
    s->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(s->server, s->cq, NULL);
    s->port = grpc_server_add_http2_port(s->server, "127.0.0.1:0", creds);
    grpc_server_credentials_release(creds);
    grpc_server_start(s->server);
    want_call(s);
    return s;
}

bool
stub_cloud_got_gzip(const struct stub_cloud *s)
{
    return s->got_gzip;
}

uint16_t
stub_cloud_port(const struct stub_cloud *s)
{
    return (uint16_t)s->port;
}

static bool
start(struct stub_cloud *s, enum tag tag, const grpc_op *op)
{
    s->done[tag] = false;
    s->pending[tag] = grpc_call_start_batch(s->call, op, 1, (void *)(size_t)tag, NULL) == GRPC_CALL_OK;
    return s->pending[tag];
}

/* The stream's operations end, its memory goes. */
static void
drop_call(struct stub_cloud *s)
{
    if (!s->call) {
        return;
    }
    grpc_call_cancel(s->call, NULL);
    for (int i = 0; i < 100; i++) {
        bool any = false;
        for (int t = TAG_HEAD; t <= TAG_CLOSED; t++) {
            any |= s->pending[t];
        }
        if (!any) {
            break;
        }
        step(s, in_ms(50));
    }
    if (s->in) {
        grpc_byte_buffer_destroy(s->in);
        s->in = NULL;
    }
    grpc_call_unref(s->call);
    s->call = NULL;
    for (int t = TAG_HEAD; t <= TAG_CLOSED; t++) {
        s->pending[t] = s->done[t] = false;
    }
}

bool
stub_cloud_accept(struct stub_cloud *s, int ms)
{
    grpc_op head = { .op = GRPC_OP_SEND_INITIAL_METADATA }, closed = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

    drop_call(s);
    if (!wait_for(s, TAG_CALL, ms)) {
        return false;
    }
    s->call = s->next_call;
    grpc_call_details_destroy(&s->details);
    grpc_metadata_array_destroy(&s->head);
    want_call(s);
    closed.data.recv_close_on_server.cancelled = &s->cancelled;
    return start(s, TAG_CLOSED, &closed) && start(s, TAG_HEAD, &head) && wait_for(s, TAG_HEAD, ms);
}

int
stub_cloud_recv(struct stub_cloud *s, struct tbe_buf *b, int ms)
{
    grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };
    grpc_byte_buffer_reader r;
    grpc_slice piece;

    b->n = 0;
    op.data.recv_message.recv_message = &s->in;
    if (!s->pending[TAG_RECV] && !start(s, TAG_RECV, &op)) {
        return -1;
    }
    if (!wait_for(s, TAG_RECV, ms)) {
        return -1;
    }
    s->done[TAG_RECV] = false;
    if (!s->in) {
        return 0;
    }
    s->got_gzip = s->in->data.raw.compression == GRPC_COMPRESS_GZIP;
    tbe_buf_put(b, "", 0);
    grpc_byte_buffer_reader_init(&r, s->in);
    while (grpc_byte_buffer_reader_next(&r, &piece)) {
        tbe_buf_put(b, GRPC_SLICE_START_PTR(piece), GRPC_SLICE_LENGTH(piece));
        grpc_slice_unref(piece);
    }
    grpc_byte_buffer_reader_destroy(&r);
    grpc_byte_buffer_destroy(s->in);
    s->in = NULL;
    return 1;
}

bool
stub_cloud_send(struct stub_cloud *s, struct tbe_str bytes, int ms)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.p, bytes.n);
    grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };
    bool ok;

    op.data.send_message.send_message = grpc_raw_byte_buffer_create(&slice, 1);
    ok = !s->pending[TAG_SEND] && start(s, TAG_SEND, &op);
    grpc_byte_buffer_destroy(op.data.send_message.send_message);
    grpc_slice_unref(slice);
    return ok && wait_for(s, TAG_SEND, ms);
}

bool
stub_cloud_finish(struct stub_cloud *s, int status, const char *text)
{
    grpc_op op = { .op = GRPC_OP_SEND_STATUS_FROM_SERVER };
    grpc_slice details = grpc_slice_from_copied_string(text);
    bool ok;

    op.data.send_status_from_server.status = (grpc_status_code)status;
    op.data.send_status_from_server.status_details = &details;
    ok = start(s, TAG_STATUS, &op) && wait_for(s, TAG_STATUS, 5000);
    grpc_slice_unref(details);
    return ok;
}

void
stub_cloud_idle(struct stub_cloud *s, int ms)
{
    gpr_timespec until = in_ms(ms);

    while (step(s, until)) {
    }
}

void
stub_cloud_free(struct stub_cloud *s)
{
    drop_call(s);
    s->done[TAG_DOWN] = false;
    grpc_server_shutdown_and_notify(s->server, s->cq, (void *)TAG_DOWN);
    grpc_server_cancel_all_calls(s->server);
    wait_for(s, TAG_DOWN, 5000);
    grpc_server_destroy(s->server);
    grpc_completion_queue_shutdown(s->cq);
    while (grpc_completion_queue_next(s->cq, in_ms(5000), NULL).type == GRPC_OP_COMPLETE) {
    }
    grpc_completion_queue_destroy(s->cq);
    if (s->done[TAG_CALL] && s->next_call) {
        grpc_call_unref(s->next_call);
    }
    grpc_call_details_destroy(&s->details);
    grpc_metadata_array_destroy(&s->head);
    free(s);
    grpc_shutdown();
}
