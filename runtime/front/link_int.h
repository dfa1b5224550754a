/* SPDX-License-Identifier: Apache-2.0 */
/* What link_proc.c (process and socket) and link_pass.c (meaning of the frames) share. */
#ifndef TBE_FRONT_LINK_INT_H
#define TBE_FRONT_LINK_INT_H

#include <event2/event_struct.h>
#include <sys/types.h>

#include "front/front.h"
#include "front/link_proc.h"

/* An FR_UPLINK without FR_UPLINK_DONE. */
struct link_pending {
    uint64_t worker, seq; /* whose, and its own number */
    uint32_t bytes;
    bool done;
};

struct link_proc {
    struct front *front;
    pid_t pid; /* 0: not running */
    int fd;
    struct event rd, wr, restart;
    struct tbe_buf in, out;
    size_t in_n, out_at;
    bool write_armed, blocked, broken;
    int64_t backoff_ms, started_ms;
    uint64_t starts;
    uint32_t quiet; /* ticks since anything came from it */

    /* the link's state, as last told */
    enum link_state state;
    uint32_t session, attempts, max_uplink;
    uint64_t since, next_at;
    struct tbe_buf error, answer;

    /* FR_LINK in the window */
    uint32_t frames;
    size_t frame_bytes;

    /* uplinks on their way: seq [first, next) in ring */
    struct link_pending *ring;
    uint32_t ring_size; /* a power of two, or 0 */
    uint64_t first, next;
    size_t pending_bytes;
};

/* link_pass.c */

/* A frame from the link. False: the link is broken. */
bool link_take(struct link_proc *l, const struct frame *fr);
/* A second has passed. False: the process has not said a word for too long, though asked. */
bool link_alive(struct link_proc *l);
/* No FR_LINK more may go into the window now. */
bool link_must_wait(const struct link_proc *l);
/* The process is gone: the session is over, why says how. next_ms: until it is started again. */
void link_lost(struct link_proc *l, const char *why, int64_t next_ms);

/* link_proc.c */

/* Writes what is in out, as far as the socket takes it. */
void link_flush(struct link_proc *l);

#endif
