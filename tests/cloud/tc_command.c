/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the commands of the test cloud, one function each, and what "stats" says. */
#include "config.h"

#include "tc_cloud.h"

#include <grpc/status.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* Commands -------------------------------------------------------------------------------------------------- */

struct args {
    struct tc_cloud *c;
    struct tc_client *from;
    const cJSON *cmd;
    cJSON *out;
    const char *error;
    char why[300];
};

static const cJSON *
arg(const struct args *a, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(a->cmd, name);
}

static const char *
arg_text(const struct args *a, const char *name)
{
    const cJSON *v = arg(a, name);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static int
arg_int(const struct args *a, const char *name, int otherwise)
{
    const cJSON *v = arg(a, name);
    v = v ? v : arg(a, "arg");
    return cJSON_IsNumber(v) ? v->valueint : otherwise;
}

static struct tc_edge *
arg_edge(struct args *a)
{
    struct tc_edge *e = tc_edge_find(a->c, arg_text(a, "edge"));
    if (!e) {
        a->error = "no such edge";
    }
    return e;
}

/* The session meant: by conn, else the edge's live one, else the last opened. */
static struct tc_session *
arg_session(struct args *a)
{
    struct tc_session *s, *last = NULL;
    int conn = arg_int(a, "conn", 0);
    TAILQ_FOREACH(s, &a->c->sessions, link)
    {
        if (conn ? s->conn == conn : s->end_code < 0) {
            last = s;
        }
    }
    struct tc_edge *e = tc_edge_find(a->c, arg_text(a, "edge"));
    if (!conn && e && e->live) {
        return e->live;
    }
    if (!last) {
        a->error = "no session";
    }
    return last;
}

static void
do_set(struct args *a)
{
    cJSON *s = cJSON_Duplicate(a->cmd, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(s, "cmd");
    if (tc_set(a->c, s, a->why, sizeof a->why)) {
        a->error = a->why;
    }
    cJSON_Delete(s);
}

static void
do_send(struct args *a)
{
    struct tc_edge *e = arg_edge(a);
    const cJSON *down = arg(a, "downlinkMsg");
    int32_t id = 0;
    if (e && tc_down_queue(a->c, e, down, cJSON_IsTrue(arg(a, "urgent")), &id, a->why, sizeof a->why)) {
        a->error = a->why;
    }
    cJSON_AddNumberToObject(a->out, "id", id);
}

static void
do_raw(struct args *a)
{
    struct tc_session *s = arg_session(a);
    const char *b64 = arg_text(a, "b64");
    const cJSON *msg = arg(a, "msg");
    if (s && b64) {
        size_t n = strlen(b64);
        uint8_t *data = malloc(n + 1);
        int len = EVP_DecodeBlock(data, (const unsigned char *)b64, (int)n);
        for (size_t i = n; len > 0 && i > 0 && b64[i - 1] == '='; i--) {
            len--;
        }
        if (len < 0) {
            a->error = "not base64";
        } else {
            tc_session_raw(s, data, (size_t)len);
        }
        free(data);
    } else if (s) {
        ProtobufCMessage *m = tc_pb_from_json(&edge__response_msg__descriptor, msg, a->why, sizeof a->why);
        if (!m) {
            a->error = a->why;
            return;
        }
        size_t len = protobuf_c_message_get_packed_size(m);
        uint8_t *data = malloc(len ? len : 1);
        protobuf_c_message_pack(m, data);
        protobuf_c_message_free_unpacked(m, NULL);
        tc_session_raw(s, data, len);
        free(data);
    }
}

static void
do_acked(struct args *a)
{
    const cJSON *id;
    cJSON *o = cJSON_AddObjectToObject(a->out, "states");
    cJSON_ArrayForEach(id, arg(a, "ids"))
    {
        char name[16];
        snprintf(name, sizeof name, "%d", id->valueint);
        cJSON *d = cJSON_GetObjectItemCaseSensitive(a->c->down_log, name);
        cJSON_AddItemToObject(o, name, d ? cJSON_Duplicate(d, 1) : cJSON_CreateNull());
    }
}

static void
do_sync(struct args *a)
{
    struct tc_session *s = arg_session(a);
    if (s) {
        const cJSON *p = arg(a, "partial");
        tc_down_sync(s, !cJSON_IsTrue(p));
        s->syncing = s->syncing ? 2 : 0; /* the edge did not ask: it may send meanwhile (3.1) */
    }
}

static void
do_entities(struct args *a)
{
    const char *file = arg_text(a, "file");
    if (cJSON_IsTrue(arg(a, "clear"))) {
        cJSON_Delete(a->c->entities);
        a->c->entities = cJSON_CreateArray();
    }
    if (file && tc_load_entities(a->c, file, a->why, sizeof a->why)) {
        a->error = a->why;
    }
    if (arg(a, "downlinkMsg")) {
        tc_add_entity(a->c, a->cmd);
    }
    cJSON_AddNumberToObject(a->out, "entities", cJSON_GetArraySize(a->c->entities));
}

static void
do_cut(struct args *a)
{
    cJSON_AddNumberToObject(a->out, "connections", tc_relay_cut(a->c->relay));
}

static void
do_half_open(struct args *a)
{
    tc_relay_stall(a->c->relay, 1);
}

static void
do_refuse(struct args *a)
{
    tc_relay_refuse(a->c->relay, 1);
    tc_relay_cut(a->c->relay);
}

static void
do_resume(struct args *a)
{
    tc_relay_stall(a->c->relay, 0);
    if (a->c->server) {
        tc_relay_refuse(a->c->relay, 0);
    }
}

static void
do_reset(struct args *a)
{
    struct tc_session *s = arg_session(a);
    if (s) {
        tc_relay_reset(a->c->relay, arg_int(a, "code", 8));
        s->end_code = GRPC_STATUS_CANCELLED;
        tc_stream_cancel(s->stream, GRPC_STATUS_CANCELLED, "");
    }
}

static void
do_close(struct args *a)
{
    struct tc_session *s = arg_session(a);
    if (s) {
        tc_session_end(s, arg_int(a, "status", GRPC_STATUS_OK), arg_text(a, "details"));
    }
}

static void
do_stop(struct args *a)
{
    tc_cloud_stop_server(a->c);
}

static void
do_start(struct args *a)
{
    if (tc_cloud_start_server(a->c)) {
        a->error = "cannot start";
    }
}

static void
on_restart(evutil_socket_t fd, short what, void *p)
{
    (void)fd, (void)what;
    tc_cloud_start_server(p);
}

/* Stops now and starts again after so many ms. */
static void
do_restart(struct args *a)
{
    int ms = arg_int(a, "ms", 0);
    tc_cloud_stop_server(a->c);
    if (!a->c->restart) {
        a->c->restart = evtimer_new(a->c->base, on_restart, a->c);
    }
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(a->c->restart, &tv);
}

static void
do_pause(struct args *a)
{
    struct tc_session *s = arg_session(a);
    if (s) {
        tc_stream_pause(s->stream, !cJSON_IsFalse(arg(a, "on")));
    }
}

static void
do_nack(struct args *a)
{
    struct tc_nack *n;
    if (cJSON_IsTrue(arg(a, "clear"))) {
        while ((n = TAILQ_FIRST(&a->c->nacks))) {
            TAILQ_REMOVE(&a->c->nacks, n, link);
            free(n->contains);
            free(n->error);
            free(n);
        }
        return;
    }
    n = calloc(1, sizeof *n);
    n->contains = strdup(arg_text(a, "contains") ? arg_text(a, "contains") : "");
    n->error = strdup(arg_text(a, "error") ? arg_text(a, "error") : "Refused by the test\norg.example.Test.run(1)");
    n->times = arg_int(a, "times", -1);
    TAILQ_INSERT_TAIL(&a->c->nacks, n, link);
}

static void
do_release(struct args *a)
{
    static const char *const orders[] = {"fifo", "reverse", "random"};
    const char *text = arg_text(a, "order");
    int order = 0;
    for (int i = 0; text && i < 3; i++) {
        order = strcmp(text, orders[i]) ? order : i;
    }
    cJSON_AddNumberToObject(a->out, "answered", tc_up_release(a->c, order));
}

static void
do_answer(struct args *a)
{
    struct tc_session *s;
    int id = arg_int(a, "id", 0);
    a->error = "no such uplink";
    TAILQ_FOREACH(s, &a->c->sessions, link)
    {
        struct tc_up *u;
        TAILQ_FOREACH(u, &s->ups, link)
        {
            if (u->msg->uplinkmsg->uplinkmsgid == id) {
                a->error = NULL;
                u->success = !cJSON_IsFalse(arg(a, "success"));
                free(u->error);
                u->error = arg_text(a, "error") ? strdup(arg_text(a, "error")) : NULL;
                tc_up_answer(u);
                return;
            }
        }
    }
}

static void
do_edge(struct args *a)
{
    tc_edge_add(a->c, a->cmd);
}

static void
do_delete_edge(struct args *a)
{
    struct tc_edge *e = arg_edge(a);
    if (e) {
        e->deleted = !cJSON_IsFalse(arg(a, "deleted"));
        if (cJSON_IsTrue(arg(a, "close")) && e->live) {
            tc_session_end(e->live, GRPC_STATUS_OK, "");
        }
    }
}

static void
do_update_edge(struct args *a)
{
    struct tc_edge *e = arg_edge(a);
    const cJSON *v, *config = arg(a, "configuration");
    if (!e) {
        return;
    }
    cJSON_ArrayForEach(v, config)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(e->config, v->string);
        cJSON_AddItemToObject(e->config, v->string, cJSON_Duplicate(v, 1));
    }
    if (arg_text(a, "secret")) {
        free(e->secret);
        e->secret = strdup(arg_text(a, "secret"));
    }
    if (e->live && !cJSON_IsFalse(arg(a, "send"))) {
        tc_session_update_edge(e->live);
    }
}

/* A rule chain file ({"ruleChain":..,"metadata":..} or {"rule_chain","metadata"}) as the cloud would send it. */
static void
do_push_chain(struct args *a)
{
    const char *path = arg_text(a, "file") ? arg_text(a, "file") : arg_text(a, "arg");
    const char *id = arg_text(a, "id") ? arg_text(a, "id") : "914b8cd0-e691-11f1-beeb-998483c8d1f1";
    FILE *f = path ? fopen(path, "r") : NULL;
    struct tc_edge *e = arg_edge(a);
    int64_t msb, lsb;
    if (!f || !e || tc_uuid_parse(id, &msb, &lsb)) {
        a->error = f ? "no such edge, or not a UUID" : "the file cannot be read";
        if (f) {
            fclose(f);
        }
        return;
    }
    size_t cap = 4u << 20;
    char *text = malloc(cap);
    size_t n = fread(text, 1, cap - 1, f);
    text[n] = 0;
    fclose(f);
    cJSON *file = cJSON_Parse(text), *chain = cJSON_DetachItemFromObjectCaseSensitive(file, "ruleChain");
    cJSON *meta = cJSON_DetachItemFromObjectCaseSensitive(file, "metadata");
    free(text);
    cJSON_Delete(file);
    if (!chain || !meta) {
        a->error = "not a rule chain file";
        cJSON_Delete(chain);
        cJSON_Delete(meta);
        return;
    }
    cJSON *ref = cJSON_CreateObject(), *down = cJSON_CreateObject();
    cJSON_AddStringToObject(ref, "entityType", "RULE_CHAIN");
    cJSON_AddStringToObject(ref, "id", id);
    cJSON_DeleteItemFromObjectCaseSensitive(chain, "id");
    cJSON_AddItemToObject(chain, "id", cJSON_Duplicate(ref, 1));
    cJSON_DeleteItemFromObjectCaseSensitive(chain, "root");
    cJSON_AddBoolToObject(chain, "root", !cJSON_IsFalse(arg(a, "root")));
    cJSON_DeleteItemFromObjectCaseSensitive(meta, "ruleChainId");
    cJSON_AddItemToObject(meta, "ruleChainId", ref);
    cJSON *u = cJSON_CreateObject(), *m = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(down, "ruleChainUpdateMsg"), u);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(down, "ruleChainMetadataUpdateMsg"), m);
    const char *type = cJSON_IsTrue(arg(a, "created")) ? "ENTITY_CREATED_RPC_MESSAGE" : "ENTITY_UPDATED_RPC_MESSAGE";
    char num[32];
    cJSON_AddStringToObject(u, "msgType", type);
    snprintf(num, sizeof num, "%lld", (long long)msb);
    cJSON_AddStringToObject(u, "idMSB", num);
    snprintf(num, sizeof num, "%lld", (long long)lsb);
    cJSON_AddStringToObject(u, "idLSB", num);
    cJSON_AddItemToObject(u, "entity", chain); /* written as text by tc_pb_from_json */
    cJSON_AddStringToObject(m, "msgType", type);
    cJSON_AddItemToObject(m, "entity", meta);
    int32_t down_id = 0;
    /* Entity values become texts first: the aging works on texts. */
    char *ct = cJSON_PrintUnformatted(chain), *mt = cJSON_PrintUnformatted(meta);
    cJSON_ReplaceItemInObjectCaseSensitive(u, "entity", cJSON_CreateString(ct));
    cJSON_ReplaceItemInObjectCaseSensitive(m, "entity", cJSON_CreateString(mt));
    free(ct);
    free(mt);
    if (tc_down_queue(a->c, e, down, 0, &down_id, a->why, sizeof a->why)) {
        a->error = a->why;
    }
    cJSON_AddNumberToObject(a->out, "id", down_id);
    cJSON_Delete(down);
}

static void
stats_sessions(struct tc_cloud *c, cJSON *o)
{
    cJSON *a = cJSON_AddArrayToObject(o, "sessions");
    struct tc_session *s;
    TAILQ_FOREACH(s, &c->sessions, link)
    {
        cJSON *j = cJSON_CreateObject();
        cJSON_AddNumberToObject(j, "conn", s->conn);
        cJSON_AddBoolToObject(j, "accepted", s->edge != NULL);
        cJSON_AddBoolToObject(j, "live", s->edge && s->edge->live == s);
        cJSON_AddNumberToObject(j, "edgeVersion", s->version);
        cJSON_AddNumberToObject(j, "inFlight", (double)s->in_flight);
        cJSON_AddBoolToObject(j, "syncing", s->syncing != 0);
        cJSON_AddItemToArray(a, j);
    }
    struct tc_edge *e;
    cJSON *edges = cJSON_AddArrayToObject(o, "edges");
    TAILQ_FOREACH(e, &c->edges, link)
    {
        cJSON *j = cJSON_CreateObject();
        cJSON_AddStringToObject(j, "routingKey", e->key);
        cJSON_AddBoolToObject(j, "connected", e->live != NULL);
        cJSON_AddNumberToObject(j, "queued", (double)e->queued);
        cJSON_AddBoolToObject(j, "packOpen", !TAILQ_EMPTY(&e->pack));
        cJSON_AddItemToArray(edges, j);
    }
}

static void
do_stats(struct args *a)
{
    const struct tc_stats *s = &a->c->stats;
    const struct {
        const char *name;
        double v;
    } all[] = {
        {"streams", (double)s->streams},
        {"accepts", (double)s->accepts},
        {"refusals", (double)s->refusals},
        {"resets", (double)s->resets},
        {"syncsFull", (double)s->syncs_full},
        {"syncsPartial", (double)s->syncs_partial},
        {"syncsDone", (double)s->syncs_done},
        {"syncMs", (double)s->sync_ms},
        {"syncDownlinks", (double)s->sync_downs},
        {"syncBytes", (double)s->sync_bytes},
        {"downlinksSent", (double)s->downs_sent},
        {"downlinksAcked", (double)s->downs_acked},
        {"downlinksRefused", (double)s->downs_refused},
        {"downlinksResent", (double)s->downs_resent},
        {"downlinksAbandoned", (double)s->downs_abandoned},
        {"acksUnknown", (double)s->acks_unknown},
        {"ackMsMax", s->ack_ms_max},
        {"ackMsSum", s->ack_ms_sum},
        {"uplinksReceived", (double)s->ups},
        {"uplinksAnswered", (double)s->ups_answered},
        {"uplinksRefused", (double)s->ups_refused},
        {"uplinksWhileSyncing", (double)s->ups_while_syncing},
        {"rateLimited", (double)s->rate_limited},
        {"largest", (double)s->largest},
        {"inFlightMax", (double)s->in_flight_max},
        {"firstUplinkMs", (double)s->first_up_ms},
        {"lastUplinkMs", (double)s->last_up_ms},
        {"connections", tc_relay_connections(a->c->relay)},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cJSON_AddNumberToObject(a->out, all[i].name, all[i].v);
    }
    stats_sessions(a->c, a->out);
    cJSON_AddItemToObject(a->out, "received", tc_count_report(a->c->count, cJSON_IsTrue(arg(a, "series"))));
    struct tc_nack *n;
    cJSON *nacks = cJSON_AddArrayToObject(a->out, "nacks");
    TAILQ_FOREACH(n, &a->c->nacks, link)
    {
        cJSON_AddItemToArray(nacks, cJSON_CreateNumber((double)n->hits));
    }
}

static void
do_clear(struct args *a)
{
    tc_count_clear(a->c->count);
    memset(&a->c->stats, 0, sizeof a->c->stats);
}

static void
do_subscribe(struct args *a)
{
    if (a->from) {
        tc_control_subscribe(a->from, !cJSON_IsFalse(arg(a, "on")));
    }
}

static void
do_quit(struct args *a)
{
    struct timeval tv = {0, 20000}; /* the answer goes out first */
    event_base_loopexit(a->c->base, &tv);
}

static const struct {
    const char *name;
    void (*run)(struct args *a);
} commands[] = {
    {"set", do_set},           {"send", do_send},         {"raw", do_raw},
    {"acked", do_acked},       {"sync", do_sync},         {"entities", do_entities},
    {"cut", do_cut},           {"half-open", do_half_open}, {"refuse", do_refuse},
    {"resume", do_resume},     {"reset", do_reset},       {"close", do_close},
    {"stop", do_stop},         {"start", do_start},       {"restart", do_restart},
    {"pause", do_pause},       {"nack", do_nack},         {"release", do_release},
    {"answer", do_answer},     {"edge", do_edge},         {"delete-edge", do_delete_edge},
    {"update-edge", do_update_edge}, {"push-chain", do_push_chain}, {"stats", do_stats},
    {"clear", do_clear},       {"subscribe", do_subscribe}, {"quit", do_quit},
};

cJSON *
tc_command(struct tc_cloud *c, struct tc_client *from, const cJSON *cmd)
{
    struct args a = {c, from, cmd, cJSON_CreateObject(), NULL, ""};
    const char *name = arg_text(&a, "cmd");
    size_t i = 0, n = sizeof commands / sizeof *commands;
    while (i < n && (!name || strcmp(name, commands[i].name))) {
        i++;
    }
    if (i < n) {
        commands[i].run(&a);
    } else {
        a.error = "no such command";
    }
    cJSON_AddBoolToObject(a.out, "ok", !a.error);
    if (a.error) {
        cJSON_AddStringToObject(a.out, "error", a.error);
    }
    return a.out;
}
