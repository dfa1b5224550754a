/* SPDX-License-Identifier: Apache-2.0 */
/* Owns edges and sessions: connect, the envelope, the end of streams, the record. */
#include "config.h"

#include "tc_cloud.h"

#include <grpc/status.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t
tc_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The record ---------------------------------------------------------------------------------------------- */

static void
emit(struct tc_cloud *c, cJSON *line)
{
    if (c->record) {
        char *text = cJSON_PrintUnformatted(line);
        fputs(text, c->record);
        fputc('\n', c->record);
        fflush(c->record);
        free(text);
    }
    tc_control_event(c, line);
    cJSON_Delete(line);
}

static cJSON *
event_line(struct tc_session *s, const char *dir)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "conn", s->conn);
    cJSON_AddNumberToObject(o, "t", (double)(tc_now() - s->cloud->t0));
    cJSON_AddStringToObject(o, "dir", dir);
    return o;
}

static int
is_recorded(const struct tc_cloud *c)
{
    return c->record || tc_control_subscribers(c);
}

void
tc_event_message(struct tc_session *s, const char *dir, const ProtobufCMessage *m, const uint8_t *data, size_t len)
{
    if (!is_recorded(s->cloud)) {
        return;
    }
    cJSON *o = event_line(s, dir);
    cJSON_AddNumberToObject(o, "len", (double)len);
    cJSON *j = m ? tc_pb_to_json(m) : cJSON_CreateNull();
    cJSON *connect = cJSON_GetObjectItem(j, "connectRequestMsg");
    if (cJSON_GetObjectItem(connect, "edgeSecret")) {
        cJSON_ReplaceItemInObject(connect, "edgeSecret", cJSON_CreateString("***"));
    }
    cJSON_AddItemToObject(o, "msg", j);
    if (s->cloud->set.record_bytes && !connect) {
        char *text = malloc(4 * (len / 3 + 1) + 1);
        EVP_EncodeBlock((unsigned char *)text, data, (int)len);
        cJSON_AddStringToObject(o, "b64", text);
        free(text);
    }
    emit(s->cloud, o);
}

/* Edges --------------------------------------------------------------------------------------------------- */

struct tc_edge *
tc_edge_find(struct tc_cloud *c, const char *key)
{
    struct tc_edge *e;
    TAILQ_FOREACH(e, &c->edges, link)
    {
        if (!key || !strcmp(e->key, key)) {
            return e;
        }
    }
    return NULL;
}

static const char *
text_of(const cJSON *j, const char *name, const char *otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(j, name);
    return cJSON_IsString(v) ? v->valuestring : otherwise;
}

static void
add_id(cJSON *o, const char *msb, const char *lsb, const char *uuid)
{
    int64_t m, l;
    char buf[32];
    if (tc_uuid_parse(uuid, &m, &l)) {
        return;
    }
    snprintf(buf, sizeof buf, "%lld", (long long)m);
    cJSON_AddStringToObject(o, msb, buf);
    snprintf(buf, sizeof buf, "%lld", (long long)l);
    cJSON_AddStringToObject(o, lsb, buf);
}

/* {routingKey, secret, id, tenantId, customerId, name, type, additionalInfo, cloudType}, or with a recorded
 * EdgeConfiguration as "configuration". An edge of the same key is changed. */
struct tc_edge *
tc_edge_add(struct tc_cloud *c, const cJSON *j)
{
    const cJSON *conf = cJSON_GetObjectItemCaseSensitive(j, "configuration");
    const char *key = text_of(j, "routingKey", conf ? text_of(conf, "routingKey", "") : "");
    struct tc_edge *e = tc_edge_find(c, key);
    if (!e) {
        e = calloc(1, sizeof *e);
        e->key = strdup(key);
        TAILQ_INIT(&e->queue);
        TAILQ_INIT(&e->sync_queue);
        TAILQ_INIT(&e->pack);
        TAILQ_INIT(&e->run);
        e->cloud = c;
        TAILQ_INSERT_TAIL(&c->edges, e, link);
    }
    free(e->secret);
    e->secret = strdup(text_of(j, "secret", conf ? text_of(conf, "secret", "") : ""));
    cJSON_Delete(e->config);
    if (conf) {
        e->config = cJSON_Duplicate(conf, 1);
        return e;
    }
    cJSON *o = e->config = cJSON_CreateObject();
    add_id(o, "edgeIdMSB", "edgeIdLSB", text_of(j, "id", "25a24040-e692-11f1-8705-1b498a4bdb30"));
    add_id(o, "tenantIdMSB", "tenantIdLSB", text_of(j, "tenantId", "91090590-e691-11f1-beeb-998483c8d1f1"));
    add_id(o, "customerIdMSB", "customerIdLSB", text_of(j, "customerId", "13814000-1dd2-11b2-8080-808080808080"));
    cJSON_AddStringToObject(o, "name", text_of(j, "name", "edge"));
    cJSON_AddStringToObject(o, "type", text_of(j, "type", "default"));
    cJSON_AddStringToObject(o, "routingKey", e->key);
    cJSON_AddStringToObject(o, "secret", e->secret);
    cJSON_AddStringToObject(o, "additionalInfo", text_of(j, "additionalInfo", "null"));
    cJSON_AddStringToObject(o, "cloudType", text_of(j, "cloudType", "CE"));
    return e;
}

/* Sessions ------------------------------------------------------------------------------------------------ */

/* The driver itself accepts the session: from now on it is its edge's. */
static void
accepted_by_hand(struct tc_session *s, const Edge__ConnectResponseMsg *r)
{
    struct tc_cloud *c = s->cloud;
    if (s->edge || r->responsecode != EDGE__CONNECT_RESPONSE_CODE__ACCEPTED || !r->configuration) {
        return;
    }
    cJSON *j = cJSON_CreateObject();
    cJSON_AddItemToObject(j, "configuration", tc_pb_to_json(&r->configuration->base));
    s->edge = tc_edge_add(c, j);
    cJSON_Delete(j);
    struct tc_session *old = s->edge->live;
    s->edge->live = s;
    if (old && old != s) {
        tc_session_end(old, GRPC_STATUS_OK, "");
    }
    c->stats.accepts++;
}

void
tc_session_raw(struct tc_session *s, const uint8_t *data, size_t len)
{
    tc_stream_send(s->stream, data, len);
    Edge__ResponseMsg *m = edge__response_msg__unpack(NULL, len, data);
    if (m && m->connectresponsemsg) {
        accepted_by_hand(s, m->connectresponsemsg);
    }
    tc_event_message(s, "down", m ? &m->base : NULL, data, len);
    edge__response_msg__free_unpacked(m, NULL);
}

void
tc_session_send(struct tc_session *s, const Edge__ResponseMsg *m)
{
    size_t len = edge__response_msg__get_packed_size(m);
    uint8_t *data = malloc(len ? len : 1);
    edge__response_msg__pack(m, data);
    tc_stream_send(s->stream, data, len);
    tc_event_message(s, "down", &m->base, data, len);
    free(data);
}

/* A ResponseMsg given as JSON, which the caller has built right. */
static void
send_json(struct tc_session *s, cJSON *j)
{
    char why[200] = "";
    ProtobufCMessage *m = tc_pb_from_json(&edge__response_msg__descriptor, j, why, sizeof why);
    if (m) {
        tc_session_send(s, (Edge__ResponseMsg *)m);
        protobuf_c_message_free_unpacked(m, NULL);
    } else {
        fprintf(stderr, "testcloud: %s\n", why);
    }
    cJSON_Delete(j);
}

void
tc_session_end(struct tc_session *s, int code, const char *details)
{
    if (s->end_code < 0) {
        s->end_code = code;
        free(s->end_details);
        s->end_details = strdup(details ? details : "");
        tc_stream_finish(s->stream, code, details);
    }
}

void
tc_session_accept(struct tc_session *s, const char *errmsg, int code)
{
    cJSON *j = cJSON_CreateObject();
    cJSON *r = cJSON_AddObjectToObject(j, "connectResponseMsg");
    if (code) {
        s->cloud->stats.refusals++;
        cJSON_AddNumberToObject(r, "responseCode", code);
        cJSON_AddStringToObject(r, "errorMsg", errmsg);
        cJSON_AddObjectToObject(r, "configuration");
        send_json(s, j);
        tc_session_end(s, GRPC_STATUS_UNKNOWN, "");
        return;
    }
    s->cloud->stats.accepts++;
    cJSON_AddItemToObject(r, "configuration", cJSON_Duplicate(s->edge->config, 1));
    if (s->cloud->set.announce_max) {
        cJSON_AddNumberToObject(r, "maxInboundMessageSize", s->cloud->set.announce_max);
    }
    send_json(s, j);
}

void
tc_session_update_edge(struct tc_session *s)
{
    cJSON *j = cJSON_CreateObject();
    cJSON *u = cJSON_AddObjectToObject(j, "edgeUpdateMsg");
    cJSON_AddItemToObject(u, "configuration", cJSON_Duplicate(s->edge->config, 1));
    send_json(s, j);
}

static void
connect_edge(struct tc_session *s, const Edge__ConnectRequestMsg *m)
{
    struct tc_cloud *c = s->cloud;
    char text[400];
    s->version = (int)m->edgeversion;
    struct tc_edge *e = NULL;
    TAILQ_FOREACH(e, &c->edges, link)
    {
        if (!e->deleted && !strcmp(e->key, m->edgeroutingkey)) {
            break;
        }
    }
    if (c->set.connect_code) {
        tc_session_accept(s, "Failed to process edge connection!", c->set.connect_code);
        return;
    }
    if (!e) {
        snprintf(text, sizeof text, "Failed to find the edge! Routing key: %.200s", m->edgeroutingkey);
        tc_session_accept(s, text, EDGE__CONNECT_RESPONSE_CODE__BAD_CREDENTIALS);
        return;
    }
    if (strcmp(e->secret, m->edgesecret)) {
        snprintf(text, sizeof text, "Failed to validate the edge! Provided request secret: %.200s", m->edgesecret);
        tc_session_accept(s, text, EDGE__CONNECT_RESPONSE_CODE__BAD_CREDENTIALS);
        return;
    }
    /* The newer session evicts the older one of the same key (facts 2.4, 15.5). */
    struct tc_session *old = e->live;
    s->edge = e;
    e->live = s;
    if (old) {
        tc_down_session(e, NULL);
        tc_session_end(old, GRPC_STATUS_OK, "");
    }
    tc_session_accept(s, NULL, 0);
    tc_down_session(e, s);
    tc_step_event(c, "connect");
}

static void
on_open(void *arg, struct tc_stream *st)
{
    struct tc_cloud *c = arg;
    struct tc_session *s = calloc(1, sizeof *s);
    s->cloud = c;
    s->stream = st;
    s->conn = ++c->conns;
    s->end_code = -1;
    TAILQ_INIT(&s->ups);
    TAILQ_INSERT_TAIL(&c->sessions, s, link);
    tc_stream_set_data(st, s);
    c->stats.streams++;
    cJSON *o = event_line(s, "open");
    cJSON *h = cJSON_AddObjectToObject(o, "headers");
    cJSON_AddStringToObject(h, "user-agent", tc_stream_agent(st) ? tc_stream_agent(st) : "");
    emit(c, o);
    tc_step_event(c, "open");
}

static void
on_message(void *arg, struct tc_stream *st, const uint8_t *data, size_t len)
{
    struct tc_cloud *c = arg;
    struct tc_session *s = tc_stream_data(st);
    c->stats.largest = len > c->stats.largest ? len : c->stats.largest;
    if (len > (size_t)c->set.max_inbound) {
        /* RST_STREAM without a status, 80 ms later (15.2). The relay ends the edge's side, the call is cancelled. */
        c->stats.resets++;
        tc_count_violation(c->count, "too large", "a message above the size limit");
        if (!tc_relay_reset(c->relay, 8)) {
            tc_stream_cancel(st, GRPC_STATUS_CANCELLED, "");
        }
        s->end_code = GRPC_STATUS_CANCELLED;
        tc_stream_cancel(st, GRPC_STATUS_CANCELLED, "");
        return;
    }
    Edge__RequestMsg *m = edge__request_msg__unpack(NULL, len, data);
    tc_event_message(s, "up", m ? &m->base : NULL, data, len);
    if (!m) {
        tc_count_violation(c->count, "not a RequestMsg", "");
        return;
    }
    if (c->set.silent || s->ending) {
        edge__request_msg__free_unpacked(m, NULL);
        return;
    }
    if (m->connectrequestmsg) {
        if (!s->edge && c->set.auto_connect) {
            connect_edge(s, m->connectrequestmsg);
        }
    } else if (!s->edge && c->set.auto_connect) {
        tc_count_violation(c->count, "before connect", "a message before an accepted connect");
    } else if (m->downlinkresponsemsg) {
        tc_down_acked(s, m->downlinkresponsemsg);
    } else if (m->uplinkmsg) {
        tc_up_arrived(s, m, len);
        return;
    } else if (m->syncrequestmsg) {
        int full = m->syncrequestmsg->fullsync;
        if (c->set.auto_sync) {
            tc_down_sync(s, full);
        }
        tc_step_event(c, "sync");
    }
    edge__request_msg__free_unpacked(m, NULL);
}

static void
on_half_close(void *arg, struct tc_stream *st)
{
    (void)arg;
    struct tc_session *s = tc_stream_data(st);
    s->ending = 1;
    tc_session_end(s, GRPC_STATUS_OK, "");
}

static void
on_gone(void *arg, struct tc_stream *st, int by_peer)
{
    struct tc_cloud *c = arg;
    struct tc_session *s = tc_stream_data(st);
    cJSON *o = event_line(s, "end");
    cJSON *e = cJSON_AddObjectToObject(o, "end");
    cJSON_AddStringToObject(e, "by", s->end_code >= 0 && !by_peer ? "cloud" : "edge or network");
    cJSON_AddNumberToObject(e, "status", s->end_code);
    emit(c, o);
    tc_up_session_gone(s);
    if (s->edge && s->edge->live == s) {
        s->edge->live = NULL;
        tc_down_session(s->edge, NULL);
    }
    TAILQ_REMOVE(&c->sessions, s, link);
    free(s->end_details);
    free(s);
    tc_step_event(c, "end");
}

const struct tc_server_ops tc_cloud_ops = {on_open, on_message, on_half_close, on_gone};

int
tc_cloud_start_server(struct tc_cloud *c)
{
    if (c->server) {
        return 0;
    }
    c->server = tc_server_new(c->base, &c->conf, &tc_cloud_ops, c, &c->inner);
    if (!c->server) {
        return -1;
    }
    tc_relay_target(c->relay, c->inner);
    tc_relay_refuse(c->relay, 0);
    return 0;
}

void
tc_cloud_stop_server(struct tc_cloud *c)
{
    if (c->server) {
        tc_relay_refuse(c->relay, 1);
        tc_server_free(c->server);
        c->server = NULL;
        tc_relay_target(c->relay, 0);
        tc_relay_cut(c->relay);
    }
}
