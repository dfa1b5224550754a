/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edgeclient PORT: a bare client of EdgeRpcService for testing the test cloud. Each line of stdin is a RequestMsg as
 * JSON and is sent; each ResponseMsg is printed as one line of JSON, the end of the stream as {"end":{"status":N}}.
 * The end of stdin half-closes.
 */
#include "config.h"

#include "tc_json.h"

#include "proto/edge.pb-c.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum tag { T_START = 1, T_RECV, T_SEND, T_STATUS };

static grpc_call *call;
static grpc_completion_queue *cq;
static grpc_byte_buffer *in;
static grpc_status_code status;
static grpc_slice details;
static grpc_metadata_array initial, trailing;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sent = PTHREAD_COND_INITIALIZER;
static int sending, over;

static void
start(const grpc_op *ops, size_t n, enum tag t)
{
    grpc_call_error e = grpc_call_start_batch(call, ops, n, (void *)t, NULL);
    if (e != GRPC_CALL_OK) {
        fprintf(stderr, "edgeclient: %s\n", grpc_call_error_to_string(e));
        exit(1);
    }
}

static void
recv_next(void)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &in;
    start(&op, 1, T_RECV);
}

static void
show(void)
{
    grpc_byte_buffer_reader r;
    grpc_byte_buffer_reader_init(&r, in);
    grpc_slice all = grpc_byte_buffer_reader_readall(&r);
    ProtobufCMessage *m = protobuf_c_message_unpack(&edge__response_msg__descriptor, NULL, GRPC_SLICE_LENGTH(all),
                                                    GRPC_SLICE_START_PTR(all));
    cJSON *j = m ? tc_pb_to_json(m) : cJSON_CreateNull();
    char *text = cJSON_PrintUnformatted(j);
    puts(text);
    fflush(stdout);
    free(text);
    cJSON_Delete(j);
    protobuf_c_message_free_unpacked(m, NULL);
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&r);
    grpc_byte_buffer_destroy(in);
    in = NULL;
}

static void *
pump(void *arg)
{
    (void)arg;
    for (;;) {
        grpc_event ev = grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        enum tag t = (enum tag)(uintptr_t)ev.tag;
        if (t == T_RECV && in) {
            show();
            recv_next();
        } else if (t == T_SEND || t == T_STATUS) {
            pthread_mutex_lock(&lock);
            sending = 0;
            over |= t == T_STATUS;
            pthread_cond_broadcast(&sent);
            pthread_mutex_unlock(&lock);
        }
        if (t == T_STATUS) {
            printf("{\"end\":{\"status\":%d}}\n", (int)status);
            fflush(stdout);
            exit(0);
        }
    }
}

static void
send_one(ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *data = malloc(n ? n : 1);
    protobuf_c_message_pack(m, data);
    grpc_slice s = grpc_slice_from_copied_buffer((const char *)data, n);
    grpc_byte_buffer *b = grpc_raw_byte_buffer_create(&s, 1);
    grpc_slice_unref(s);
    free(data);
    pthread_mutex_lock(&lock);
    sending = 1;
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
    op.data.send_message.send_message = b;
    start(&op, 1, T_SEND);
    while (sending && !over) {
        pthread_cond_wait(&sent, &lock);
    }
    pthread_mutex_unlock(&lock);
    grpc_byte_buffer_destroy(b);
}

static void
open_call(const char *port)
{
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%s", port);
    grpc_channel_credentials *creds = grpc_insecure_credentials_create();
    grpc_channel *ch = grpc_channel_create(target, creds, NULL);
    grpc_channel_credentials_release(creds);
    cq = grpc_completion_queue_create_for_next(NULL);
    call = grpc_channel_create_call(ch, NULL, 0, cq, grpc_slice_from_static_string("/edge.EdgeRpcService/handleMsgs"),
                                    NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_metadata_array_init(&initial);
    grpc_metadata_array_init(&trailing);
    grpc_op first[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    first[1].data.recv_initial_metadata.recv_initial_metadata = &initial;
    start(first, 2, T_START);
    grpc_op last = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    last.data.recv_status_on_client.trailing_metadata = &trailing;
    last.data.recv_status_on_client.status = &status;
    last.data.recv_status_on_client.status_details = &details;
    start(&last, 1, T_STATUS);
    recv_next();
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: edgeclient PORT\n", stderr);
        return 2;
    }
    grpc_init();
    open_call(argv[1]);
    pthread_t th;
    pthread_create(&th, NULL, pump, NULL);
    char *line = NULL, why[200];
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        cJSON *j = cJSON_Parse(line);
        ProtobufCMessage *m = tc_pb_from_json(&edge__request_msg__descriptor, j, why, sizeof why);
        if (m) {
            send_one(m);
            protobuf_c_message_free_unpacked(m, NULL);
        } else {
            fprintf(stderr, "edgeclient: %s\n", why);
        }
        cJSON_Delete(j);
    }
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    start(&op, 1, T_START);
    pthread_join(th, NULL);
    return 0;
}
