/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC C core, generic call. One operation of each kind is under way at most; each has its tag in
 * the stream. The stream is over when the status has come and no operation is left. */
#include "config.h"
#include "link/stream.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/compression.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METHOD "/edge.EdgeRpcService/handleMsgs"
#define LOOKAHEAD (256 << 10) /* bytes the cloud may send ahead of what is read */
#define ARGS_MAX 24
#define ARG_CONNECT_HEADERS "grpc.http_connect_headers" /* in no public header */

enum op { OP_START, OP_RECV, OP_SEND, OP_CLOSE, OP_STATUS, OPS };

struct stream {
    const struct stream_events *events;
    void *arg;
    grpc_channel *channel;
    grpc_call *call;
    struct pump_op ops[OPS];
    bool busy[OPS];
    unsigned left; /* operations under way */
    bool status_known, closing, close_wanted;
    grpc_metadata_array head, tail;
    grpc_byte_buffer *in;
    grpc_status_code status;
    grpc_slice details;
    struct tbe_buf flat; /* a message that came in several slices */
};

/* Channel arguments. */

struct args {
    grpc_arg a[ARGS_MAX];
    size_t n;
};

static void
put_int(struct args *args, const char *key, int value)
{
    args->a[args->n++] = (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key,
                                     .value.integer = value };
}

static void
put_text(struct args *args, const char *key, const char *value)
{
    args->a[args->n++] = (grpc_arg){ .type = GRPC_ARG_STRING, .key = (char *)(uintptr_t)key,
                                     .value.string = (char *)(uintptr_t)value };
}

/* The cloud allows a ping a second. Bandwidth probing is off: its pings come on top. */
static void
fill_args(struct args *args, const struct link_config *c)
{
    int pause = c->keep_alive_time < 1000 ? 1000 : (int)c->keep_alive_time;

    put_int(args, GRPC_ARG_KEEPALIVE_TIME_MS, (int)c->keep_alive_time);
    put_int(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, (int)c->keep_alive_timeout);
    put_int(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    put_int(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    put_int(args, GRPC_ARG_HTTP2_MIN_SENT_PING_INTERVAL_WITHOUT_DATA_MS, pause);
    put_int(args, GRPC_ARG_HTTP2_BDP_PROBE, 0);
    put_int(args, GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, LOOKAHEAD);
    put_int(args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)c->max_inbound);
    put_int(args, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    put_int(args, GRPC_ARG_ENABLE_RETRIES, 0);
    put_int(args, GRPC_ARG_ENABLE_CHANNELZ, 0);
    put_int(args, GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0);
    put_int(args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1); /* each attempt dials anew */
    put_int(args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    put_int(args, GRPC_ARG_ENABLE_HTTP_PROXY, c->proxy_host.n > 0);
    if (c->compress) {
        put_int(args, GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, GRPC_COMPRESS_GZIP);
    }
}

static void
put_host(struct tbe_buf *b, struct tbe_str host, uint32_t port)
{
    bool bare6 = memchr(host.p, ':', host.n) && host.p[0] != '[';

    tbe_buf_fmt(b, "%s%.*s%s:%u", bare6 ? "[" : "", (int)host.n, host.p, bare6 ? "]" : "", port);
}

/* The proxy's address, and the header with user and password: in the address gRPC would split
 * them wrongly where they hold an '@'. */
static void
put_proxy(struct tbe_buf *address, struct tbe_buf *header, const struct link_config *c)
{
    struct tbe_buf pair = { 0 };

    tbe_buf_putz(address, "http://");
    put_host(address, c->proxy_host, c->proxy_port);
    if (!c->proxy_user.n) {
        return;
    }
    tbe_buf_puts(&pair, c->proxy_user);
    tbe_buf_putc(&pair, ':');
    tbe_buf_puts(&pair, c->proxy_password);
    tbe_buf_putz(header, "Proxy-Authorization:Basic ");
    if (!pair.oom && tbe_buf_reserve(header, pair.n / 3 * 4 + 5)) {
        header->n += (size_t)EVP_EncodeBlock((unsigned char *)header->p + header->n,
                                             (const unsigned char *)pair.p, (int)pair.n);
    }
    tbe_buf_free(&pair);
}

/* The file's text, for TLS. */
static bool
read_pem(struct tbe_str path, struct tbe_buf *b, char err[160])
{
    char name[512], chunk[4096];
    size_t n;
    FILE *f;

    snprintf(name, sizeof name, "%.*s", (int)path.n, path.p);
    f = fopen(name, "re");
    while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        tbe_buf_put(b, chunk, n);
    }
    if (f) {
        fclose(f);
    }
    if (!b->n || b->oom) {
        snprintf(err, 160, "the certificate file %.100s cannot be read", name);
        return false;
    }
    return true;
}

static grpc_channel_credentials *
make_credentials(const struct link_config *c, char err[160])
{
    struct tbe_buf pem = { 0 };
    grpc_channel_credentials *creds = NULL;

    if (!c->ssl) {
        return grpc_insecure_credentials_create();
    }
    if (!c->ssl_cert.n || read_pem(c->ssl_cert, &pem, err)) {
        creds = grpc_ssl_credentials_create(pem.n ? pem.p : NULL, NULL, NULL, NULL);
    }
    tbe_buf_free(&pem);
    return creds;
}

static bool
make_channel(struct stream *s, const struct link_config *c, char err[160])
{
    struct args args = { .n = 0 };
    struct tbe_buf target = { 0 }, proxy = { 0 }, header = { 0 };
    grpc_channel_credentials *creds = make_credentials(c, err);
    grpc_channel_args all;

    if (!creds) {
        return false;
    }
    fill_args(&args, c);
    put_host(&target, c->host, c->port);
    if (c->proxy_host.n) {
        put_proxy(&proxy, &header, c);
        put_text(&args, GRPC_ARG_HTTP_PROXY, proxy.p);
        if (header.n) {
            put_text(&args, ARG_CONNECT_HEADERS, header.p);
        }
    }
    if (!target.oom && !proxy.oom && !header.oom) {
        all = (grpc_channel_args){ args.n, args.a };
        s->channel = grpc_channel_create(target.p, creds, &all);
    }
    grpc_channel_credentials_release(creds);
    tbe_buf_free(&target);
    tbe_buf_free(&proxy);
    tbe_buf_free(&header);
    return s->channel != NULL;
}

/* Operations. */

static bool
start(struct stream *s, enum op which, const grpc_op *ops, size_t n)
{
    if (grpc_call_start_batch(s->call, ops, n, &s->ops[which], NULL) != GRPC_CALL_OK) {
        return false;
    }
    s->busy[which] = true;
    s->left++;
    return true;
}

static void
finished(struct stream *s, enum op which)
{
    s->busy[which] = false;
    s->left--;
}

static void
maybe_end(struct stream *s)
{
    struct tbe_str text;

    if (s->left || !s->status_known) {
        return;
    }
    text.p = (const char *)GRPC_SLICE_START_PTR(s->details);
    text.n = GRPC_SLICE_LENGTH(s->details);
    s->events->ended(s->arg, (int)s->status, text);
}

static void
on_start(struct pump_op *op, bool ok)
{
    struct stream *s = op->arg;

    (void)ok; /* the status tells */
    finished(s, OP_START);
    maybe_end(s);
}

/* The message's bytes in one piece. */
static bool
flatten(struct stream *s, struct tbe_str *out)
{
    grpc_byte_buffer_reader r;
    grpc_slice piece;
    bool ok = grpc_byte_buffer_reader_init(&r, s->in) != 0;

    s->flat.n = 0;
    while (ok && grpc_byte_buffer_reader_next(&r, &piece)) {
        tbe_buf_put(&s->flat, GRPC_SLICE_START_PTR(piece), GRPC_SLICE_LENGTH(piece));
        grpc_slice_unref(piece);
    }
    if (ok) {
        grpc_byte_buffer_reader_destroy(&r);
    }
    ok = ok && !s->flat.oom;
    *out = tbe_buf_str(&s->flat);
    return ok;
}

static void
on_recv(struct pump_op *op, bool ok)
{
    struct stream *s = op->arg;
    struct tbe_str bytes;

    finished(s, OP_RECV);
    if (s->in) {
        ok = flatten(s, &bytes);
        grpc_byte_buffer_destroy(s->in);
        s->in = NULL;
        if (ok) {
            s->events->message(s->arg, bytes);
        } else {
            stream_cancel(s); /* cannot be read, or no memory: the cloud sends it again */
        }
        if (s->flat.cap > LOOKAHEAD || s->flat.oom) {
            tbe_buf_free(&s->flat);
        }
    }
    maybe_end(s);
}

static void
on_send(struct pump_op *op, bool ok)
{
    struct stream *s = op->arg;

    finished(s, OP_SEND);
    if (s->close_wanted) {
        s->close_wanted = false;
        stream_half_close(s);
    }
    s->events->sent(s->arg, ok);
    maybe_end(s);
}

static void
on_close(struct pump_op *op, bool ok)
{
    struct stream *s = op->arg;

    (void)ok;
    finished(s, OP_CLOSE);
    maybe_end(s);
}

static void
on_status(struct pump_op *op, bool ok)
{
    struct stream *s = op->arg;

    (void)ok;
    finished(s, OP_STATUS);
    s->status_known = true;
    maybe_end(s);
}

static bool
start_call(struct stream *s)
{
    grpc_op head[2] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
                        { .op = GRPC_OP_RECV_INITIAL_METADATA } };
    grpc_op status = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

    head[1].data.recv_initial_metadata.recv_initial_metadata = &s->head;
    status.data.recv_status_on_client.trailing_metadata = &s->tail;
    status.data.recv_status_on_client.status = &s->status;
    status.data.recv_status_on_client.status_details = &s->details;
    /* the status first: when only that can be started, the stream still ends as others do */
    return start(s, OP_STATUS, &status, 1) && start(s, OP_START, head, 2);
}

struct stream *
stream_open(struct pump *p, const struct link_config *c, const struct stream_events *events,
            void *arg, char err[160])
{
    static void (*const done[OPS])(struct pump_op *, bool) = { on_start, on_recv, on_send,
                                                                on_close, on_status };
    struct stream *s = calloc(1, sizeof *s);

    snprintf(err, 160, "out of memory");
    if (!s) {
        return NULL;
    }
    s->events = events;
    s->arg = arg;
    s->details = grpc_empty_slice();
    grpc_metadata_array_init(&s->head);
    grpc_metadata_array_init(&s->tail);
    for (int i = 0; i < OPS; i++) {
        s->ops[i] = (struct pump_op){ .done = done[i], .arg = s };
    }
    if (make_channel(s, c, err)) {
        s->call = grpc_channel_create_call(s->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                           pump_queue(p), grpc_slice_from_static_string(METHOD),
                                           NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    }
    if (!s->call || !start_call(s)) {
        if (!s->left) {
            stream_free(s);
            return NULL;
        }
        stream_cancel(s);
    }
    return s;
}

void
stream_free(struct stream *s)
{
    if (!s) {
        return;
    }
    if (s->call) {
        grpc_call_unref(s->call);
    }
    if (s->channel) {
        grpc_channel_destroy(s->channel);
    }
    grpc_metadata_array_destroy(&s->head);
    grpc_metadata_array_destroy(&s->tail);
    grpc_slice_unref(s->details);
    tbe_buf_free(&s->flat);
    free(s);
}

bool
stream_send(struct stream *s, struct tbe_str bytes)
{
    grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };
    grpc_slice slice;
    bool ok;

    if (s->busy[OP_SEND] || s->closing || s->status_known) {
        return false;
    }
    slice = grpc_slice_from_copied_buffer(bytes.p, bytes.n);
    op.data.send_message.send_message = grpc_raw_byte_buffer_create(&slice, 1);
    ok = start(s, OP_SEND, &op, 1);
    grpc_byte_buffer_destroy(op.data.send_message.send_message);
    grpc_slice_unref(slice);
    return ok;
}

void
stream_read(struct stream *s)
{
    grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

    if (!s->busy[OP_RECV] && !s->status_known) {
        op.data.recv_message.recv_message = &s->in;
        start(s, OP_RECV, &op, 1);
    }
}

void
stream_half_close(struct stream *s)
{
    grpc_op op = { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT };

    s->close_wanted = s->busy[OP_SEND];
    if (!s->close_wanted && !s->closing && !s->status_known) {
        s->closing = start(s, OP_CLOSE, &op, 1);
    }
}

void
stream_cancel(struct stream *s)
{
    if (s->call) {
        grpc_call_cancel(s->call, NULL);
    }
}
