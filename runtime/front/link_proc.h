/* SPDX-License-Identifier: Apache-2.0 */
/* The front's side of the cloud link: runs tbedge-link (started again with a growing pause when it
 * dies), keeps the link's state for workers to come, puts the cloud's messages into the window and
 * passes uplinks on, one answer for each (frame/frame.h). It outlives every worker. */
#ifndef TBE_FRONT_LINK_PROC_H
#define TBE_FRONT_LINK_PROC_H

#include "front/front.h"

struct link_proc;
struct worker;

/* Starts the link when a cloud is configured. False: out of memory, or settings that cannot be used
 * (text in err). */
bool link_start(struct front *f, char err[256]);
/* Tells it to close the session, waits for its end (a moment), frees all. */
void link_stop(struct front *f);
/* A child has ended; true when it was the link. */
void link_reap(struct front *f);
/* Once a second: a process that hangs is ended. */
void link_tick(struct front *f);
/* Once a turn: reading goes on when the window has room again; what waits is written. */
void link_turn(struct front *f);

struct link_stats {
    int pid;         /* 0: not running */
    uint64_t starts; /* of the process */
    uint32_t window_frames, uplinks;  /* waiting: for the worker, for the stream */
    size_t window_bytes, uplink_bytes;
};
/* False: no cloud is configured. */
bool link_stats(const struct front *f, struct link_stats *out);

/* The state as FR_LINK_STATE for a new worker. */
void link_put_state(struct front *f, struct tbe_buf *b);
/* A worker's FR_UPLINK and FR_LINK_RECONNECT. */
void link_uplink(struct front *f, struct worker *w, const struct frame *fr);
void link_reconnect(struct front *f, const struct frame *fr);
/* An FR_LINK leaves the window. */
void link_confirmed(struct front *f, const struct window_entry *e);

#endif
