/* SPDX-License-Identifier: Apache-2.0 */
/* The front process: what its parts share. One thread; everything runs on the event loop. */
#ifndef TBE_FRONT_FRONT_H
#define TBE_FRONT_FRONT_H

#include <event2/event.h>

#include "front/settings.h"
#include "front/trickle.h"
#include "front/window.h"

struct session;
struct supervisor;
struct control;
struct tls;
struct listener;
struct link_proc;

#define FRONT_READ_CHUNK 16384u /* bytes taken from one device per loop turn */

/* Descriptors that a worker inherits are kept above the numbers they get there. */
#define FRONT_FD_HIGH 10

struct front_stats {
    uint64_t accepted, refused, packets_in, swaps, swaps_failed, restarts, rollbacks, window_full,
        given_up;
};

struct front {
    struct event_base *base;
    struct settings cfg;
    struct window window;
    struct supervisor *sup;
    struct link_proc *link; /* NULL: no cloud is configured */
    struct control *control;
    struct tls *tls;
    struct listener *mqtt, *mqtts;
    int http_fd; /* -1 = off */
    int lock_fd; /* DATA/front.lock; workers hold it too, so that two never write */
    uint64_t epoch; /* random number of this front process, in FR_HELLO */

    /* sessions (session.c) */
    struct session *all, *dirty, *dead;
    struct session **table; /* by conn */
    uint32_t table_size, sessions, connected, last_conn;
    uint64_t last_worker; /* number of workers started */
    uint64_t careful_until; /* frames before it are sent one at a time (supervise.c) */
    struct trickle trickle;
    bool waiting_for_room; /* a session stopped reading because the window is full */

    char *read_buf; /* shared by all reads: leftover of one session plus one chunk */
    size_t read_cap;
    int64_t now_ms; /* monotonic, taken once per loop turn */
    struct event *turn, *tick;
    bool turn_pending, stopping, announced;
    struct front_stats stats;
};

/* Asks for the end of this loop turn: frames to the worker and packets to devices leave
 * together. */
void front_wake(struct front *f);
/* Runs the daemon in DATA until SIGTERM. digest = generation to start. Gives the exit status. */
int front_run(struct settings *cfg, const char *digest);

#endif
