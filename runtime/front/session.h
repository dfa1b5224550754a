/* SPDX-License-Identifier: Apache-2.0 */
/* One device connection: its socket, its MQTT state, and what a new worker must be told about it. A
 * session outlives its socket until the worker has confirmed FR_CLOSED, because frames of it may
 * still wait in the window. */
#ifndef TBE_FRONT_SESSION_H
#define TBE_FRONT_SESSION_H

#include <event2/event_struct.h>

#include "front/front.h"

typedef struct ssl_st SSL;

/* ORDER: later states are closer to the end. */
enum session_state {
    SESSION_NEW,        /* no CONNECT yet */
    SESSION_CONNECTING, /* CONNECT is with the worker; nothing is read until it is confirmed */
    SESSION_OPEN,
    SESSION_CLOSING, /* closed by the server: the rest is written, what comes is thrown away */
    SESSION_GONE     /* no socket; waits for the confirm of FR_CLOSED */
};

/* Reasons in FR_CLOSED. */
enum { SESSION_CLEAN = 0, SESSION_LOST = 1, SESSION_BY_SERVER = 2 };

/* Bounds per connection. */
#define SESSION_OUT_PAUSE (256u << 10)  /* bytes unsent to a slow reader: its packets wait */
#define SESSION_OUT_MAX (4u << 20)      /* more: closed */
#define SESSION_UNCONFIRMED_MAX 4096u   /* its frames in the window: its packets wait */
#define SESSION_SUBS_MAX 1000u          /* subscriptions kept for replay */
#define SESSION_TAGS_MAX 256u           /* downlinks waiting for PUBACK whose tag is remembered */
#define SESSION_QOS2_MAX 256u           /* QoS 2 publishes between PUBREC and PUBREL */

struct session_sub {
    struct tbe_str filter; /* owned */
    uint32_t qos;
};
struct session_tag {
    uint16_t id, tag;
};
struct session_qos2 {
    uint16_t id;
    bool confirmed; /* PUBREC was sent */
};

struct session {
    struct front *front;
    struct session *prev, *next;         /* front->all */
    struct session *same_slot;           /* front->table */
    struct session *next_dirty;
    struct session *next_dead;
    struct event rd, wr;
    SSL *ssl;
    int fd; /* -1 when gone */
    uint32_t conn;
    uint8_t state, level;
    bool dirty, dead, paused, eof, handshaking, mute, write_armed;
    bool tls;
    bool connect_sent, accepted, closed_sent;
    uint16_t keep_alive, last_id;
    int64_t last_rx; /* ms; of the accept, then of the last bytes */
    int64_t shut_at; /* when it began to close */
    int64_t answered; /* ms; of the last acknowledgement of a message, 0 = none */
    uint32_t unconfirmed, max_packet;
    struct tbe_buf in;  /* bytes not yet taken apart */
    struct tbe_buf out; /* packets not yet written, from out_at on */
    size_t out_at;
    char *peer; /* address:port */

    /* What FR_SESSION says: the state as of the last confirmed frame. */
    struct tbe_buf connect, keep;
    bool has_keep;
    struct session_sub *subs;
    uint32_t n_subs;

    struct session_tag *tags;
    uint32_t n_tags;
    struct session_qos2 *qos2;
    uint32_t n_qos2;
};

/* A new connection on fd (taken), with ssl (taken) or NULL. NULL: out of memory, fd is closed. */
struct session *session_new(struct front *f, int fd, SSL *ssl, const char *peer);
struct session *session_find(struct front *f, uint32_t conn);
/* The socket is closed now; FR_CLOSED is sent when the worker knows the connection. */
void session_close(struct session *s, uint32_t reason);
/* Without a socket: freed at the end of the turn when the worker is done with it too. */
void session_release_if_done(struct session *s);
void session_free_dead(struct front *f);
void session_free_all(struct front *f);

/* Replay state. */
bool session_sub_set(struct session *s, struct tbe_str filter, uint32_t qos);
void session_sub_remove(struct session *s, struct tbe_str filter);
void session_put(const struct session *s, struct tbe_buf *out); /* appends FR_SESSION */

/* session_io.c. */
bool session_io_start(struct session *s);
void session_io_stop(struct session *s);
/* Something was added to out, or reading may go on: handled at the end of the turn. */
void session_mark(struct session *s);
void session_flush_dirty(struct front *f);
/* Closed by the server: what is in out is still written, then the socket is shut. */
void session_shut(struct session *s);
/* At the end of the process: unread bytes at close() would make the kernel take back what was
 * written. */
void session_discard_input(struct session *s);
/* Takes packets that were held back, when nothing holds them any more. */
void session_resume(struct session *s);
void session_resume_waiting(struct front *f);
/* Once a second: keep-alive, connect and linger limits. */
void session_tick(struct front *f);

/* mqtt/handle.c: packets from devices. */
/* Takes packets from p[0..n) until none is whole or the session must wait; gives the bytes used. */
size_t mqtt_take(struct session *s, const char *p, size_t n);
bool mqtt_must_wait(const struct session *s);
void mqtt_malformed(struct session *s);
void mqtt_close_with(struct session *s, uint8_t code); /* v5: DISCONNECT code; then close */
bool mqtt_send_closed(struct session *s, uint32_t reason);

/* mqtt/answer.c: frames from the worker. */
void mqtt_confirmed(struct session *s, const struct window_entry *e, const struct frame *fr);
void mqtt_deliver(struct session *s, const struct frame *fr);

#endif
