/* SPDX-License-Identifier: Apache-2.0 */
/* One worker process and the frames to and from it. What its coming and going means is decided by
 * supervise.c. */
#ifndef TBE_FRONT_WORKER_PROC_H
#define TBE_FRONT_WORKER_PROC_H

#include <event2/event_struct.h>
#include <sys/types.h>

#include "front/front.h"
#include "front/generation.h"

#define WORKER_FRAMES_FD 3
#define WORKER_HTTP_FD 4
#define WORKER_LOCK_FD 5 /* only held */

enum worker_state {
    WORKER_STARTING, /* has FR_HELLO, FR_READY is awaited */
    WORKER_READY,    /* trial start done; waits until the old worker has gone */
    WORKER_ACTIVE,   /* gets numbered frames */
    WORKER_DRAINING  /* has FR_DRAIN; only its answers count */
};

struct worker {
    struct front *front;
    uint64_t id; /* 1,2,3 ... per front process; a pid may come again */
    pid_t pid;
    int fd;
    enum worker_state state;
    bool trial, drain_when_sent, drained, killed, write_armed;
    char digest[GENERATION_DIGEST + 1];
    struct event rd, wr, deadline;
    struct tbe_buf in, ctl; /* ctl: frames without number, from ctl_at on */
    size_t in_n, ctl_at;
    struct window_cursor cursor;
    uint64_t confirmed; /* frames since its start */
    int64_t started_ms, active_ms;
};

/* Starts DATA/generations/<digest>/worker. NULL with text in err. */
struct worker *worker_spawn(struct front *f, const char *digest, bool trial, char err[256]);
void worker_free(struct worker *w); /* the process must be gone */
/* Tells it the sessions, then the frames from the first unconfirmed one on. */
void worker_activate(struct worker *w);
/* No frame after those it has (or, with all_first, after all of the window) and FR_DRAIN. */
void worker_drain(struct worker *w, bool all_first, int64_t limit_ms);
/* The swap it asked for does not happen. busy: because another one is under way. */
void worker_swap_failed(struct worker *w, bool busy, const char *why);
void worker_control(struct worker *w, uint32_t request, struct tbe_str json);
/* Writes what waits; called at the end of each turn. */
void worker_flush(struct worker *w);
/* Reads what is there: after its death too, because confirms may still lie in the socket. */
void worker_read(struct worker *w);
void worker_kill(struct worker *w, const char *why);

#endif
