/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test cloud itself: edges, sessions, synchronisation, downlink packs, answers to uplinks (facts 2 to 5, 11, 12).
 * Everything runs on one event base. The names of settings and commands are documented in README.md.
 */
#ifndef TC_CLOUD_H
#define TC_CLOUD_H

#include "tc_count.h"
#include "tc_grpc.h"
#include "tc_json.h"
#include "tc_relay.h"

#include <event2/bufferevent.h>
#include <stdio.h>
#include <sys/queue.h>

struct tc_cloud;
struct tc_session;

enum down_state { DOWN_QUEUED, DOWN_SENT, DOWN_ACKED, DOWN_REFUSED, DOWN_ABANDONED };

/* One DownlinkMsg on its way. */
struct tc_down {
    TAILQ_ENTRY(tc_down) link;
    Edge__DownlinkMsg *msg;
    char kind[48]; /* the first filled field */
    int32_t id;
    int attempts, sync, keep; /* keep: it stays pending when refused (5.2) */
    enum down_state state;
    int64_t sent_ms;
};
TAILQ_HEAD(tc_downs, tc_down);

/* An edge the cloud knows. */
struct tc_edge {
    TAILQ_ENTRY(tc_edge) link;
    char *key, *secret;
    cJSON *config; /* EdgeConfiguration */
    int deleted;
    struct tc_session *live;
    struct tc_downs queue, sync_queue, pack, run;
    size_t queued;
    struct event *resend, *pause;
    struct tc_cloud *cloud;
};

/* An UplinkMsg waiting for its answer. */
struct tc_up {
    TAILQ_ENTRY(tc_up) link;
    struct tc_session *session;
    Edge__RequestMsg *msg;
    int success;
    char *error;
    struct event *timer;
    int64_t at;
};

struct tc_session {
    TAILQ_ENTRY(tc_session) link;
    struct tc_cloud *cloud;
    struct tc_stream *stream;
    struct tc_edge *edge; /* NULL until accepted */
    int conn, version, syncing, full, ending;
    char *end_details;
    int end_code; /* what the cloud ended it with; -1: nothing yet */
    TAILQ_HEAD(, tc_up) ups;
    size_t in_flight;
};

struct tc_nack {
    TAILQ_ENTRY(tc_nack) link;
    char *contains, *error;
    long times; /* -1: for ever */
    unsigned long hits;
};

/* One thing to do when something happens: a step of the scenario. */
struct tc_step {
    TAILQ_ENTRY(tc_step) link;
    char *on;
    long count, seen;
    int every, delay;
    cJSON *commands;
    struct event *timer;
    struct tc_cloud *cloud;
};

struct tc_client; /* a control connection */

struct tc_settings {
    int version; /* 40400 = 4.4.0 */
    int max_inbound, announce_max;
    int ack_delay, ack_jitter, hold, silent;
    int pack_size, resend_ms, attempts, give_up_ms, poll_ms;
    int auto_connect, auto_ack, auto_sync;
    int connect_code; /* ConnectResponseCode sent to everybody; 0: by key and secret */
    int offline;      /* 0: keep what is sent to an absent edge, 1: drop as the real cloud does, 2: drop all */
    int redeliver;    /* after a lost session the whole run of pages again */
    long rate_capacity;
    double rate_seconds;
    int record_bytes; /* b64 in the record */
};

struct tc_stats {
    unsigned long streams, accepts, refusals, syncs_full, syncs_partial, syncs_done;
    unsigned long downs_sent, downs_acked, downs_refused, downs_resent, downs_abandoned, acks_unknown, resets;
    unsigned long ups, ups_answered, ups_refused, ups_while_syncing, rate_limited, largest;
    unsigned long in_flight_max;
    double ack_ms_sum, ack_ms_max;
    int64_t sync_started, sync_ms, sync_downs, sync_bytes, last_up_ms, first_up_ms;
};

struct tc_cloud {
    struct event_base *base;
    struct tc_relay *relay;
    struct tc_server *server;
    struct tc_server_conf conf;
    char *cert, *key;
    int port, inner;
    struct tc_settings set;
    struct tc_stats stats;
    struct tc_count *count;
    TAILQ_HEAD(, tc_edge) edges;
    TAILQ_HEAD(, tc_session) sessions;
    TAILQ_HEAD(, tc_nack) nacks;
    TAILQ_HEAD(, tc_step) steps;
    TAILQ_HEAD(, tc_client) clients;
    cJSON *entities;  /* the DownlinkMsgs of a sync, in order */
    cJSON *withheld;  /* companions old clouds send only when asked: id -> DownlinkMsg */
    cJSON *down_log;  /* id -> state, of messages given by command */
    FILE *record;
    int conns, quit;
    double tokens;
    int64_t tokens_at, t0;
    struct event *restart;
};

int64_t
tc_now(void);

/* tc_cloud.c: */
int
tc_cloud_start_server(struct tc_cloud *c);
void
tc_cloud_stop_server(struct tc_cloud *c);
extern const struct tc_server_ops tc_cloud_ops;
struct tc_edge *
tc_edge_add(struct tc_cloud *c, const cJSON *j);
struct tc_edge *
tc_edge_find(struct tc_cloud *c, const char *key);
/* Sends a whole ResponseMsg to a session and records it. */
void
tc_session_send(struct tc_session *s, const Edge__ResponseMsg *m);
void
tc_session_raw(struct tc_session *s, const uint8_t *data, size_t len);
void
tc_session_end(struct tc_session *s, int code, const char *details);
void
tc_session_accept(struct tc_session *s, const char *errmsg, int code);
void
tc_session_update_edge(struct tc_session *s);
/* One line of the record, of every subscriber and of the steps. */
void
tc_event_message(struct tc_session *s, const char *dir, const ProtobufCMessage *m, const uint8_t *data, size_t len);

/* tc_down.c: */
/* Queues a DownlinkMsg given as JSON; 0, or -1 and why. id is chosen when the JSON has none, and told. */
int
tc_down_queue(struct tc_cloud *c, struct tc_edge *e, const cJSON *json, int urgent, int32_t *id, char *why, size_t n);
void
tc_down_sync(struct tc_session *s, int full);
void
tc_down_acked(struct tc_session *s, const Edge__DownlinkResponseMsg *r);
/* The session has begun or ended: what was under way is queued again. */
void
tc_down_session(struct tc_edge *e, struct tc_session *s);
void
tc_down_go(struct tc_edge *e);
void
tc_down_free_all(struct tc_downs *q);

/* tc_up.c: */
/* Takes over m. */
void
tc_up_arrived(struct tc_session *s, Edge__RequestMsg *m, size_t len);
void
tc_up_answer(struct tc_up *u);
/* Answers what was held back, in an order: 0 as received, 1 reversed, 2 shuffled. Returns how many. */
int
tc_up_release(struct tc_cloud *c, int order);
void
tc_up_session_gone(struct tc_session *s);

/* tc_command.c: */
/* Runs a command; the answer is the caller's. */
cJSON *
tc_command(struct tc_cloud *c, struct tc_client *from, const cJSON *cmd);

/* tc_control.c: */
int
tc_control_listen(struct tc_cloud *c, const char *path);
void
tc_control_stdin(struct tc_cloud *c);
void
tc_control_event(struct tc_cloud *c, const cJSON *ev);
void
tc_control_subscribe(struct tc_client *k, int on);
int
tc_control_subscribers(const struct tc_cloud *c);
/* Something happened: steps waiting for it run. */
void
tc_step_event(struct tc_cloud *c, const char *what);
int
tc_step_add(struct tc_cloud *c, const cJSON *j, char *why, size_t n);
/* Settings by name; 0, or -1 and why. */
int
tc_set(struct tc_cloud *c, const cJSON *settings, char *why, size_t n);
/* Entity files (JSON lines) and transcripts for the sync. */
/* One line of such a file; 1: a transcript's sync ends with it. */
int
tc_add_entity(struct tc_cloud *c, const cJSON *j);
int
tc_load_entities(struct tc_cloud *c, const char *path, char *why, size_t n);

#endif
