/* SPDX-License-Identifier: Apache-2.0 */
/* The link's end of the socket to the front: whole frames in, frames out from one buffer. */
#ifndef TBE_LINK_PIPE_H
#define TBE_LINK_PIPE_H

#include <event2/event.h>

#include "frame/frame.h"

#define PIPE_FULL (256u << 10) /* bytes that wait for the front: the cloud is not read */
#define PIPE_ROOM (64u << 10)  /* ... until so few are left */

struct pipe;

struct pipe_events {
    void (*frame)(void *arg, const struct frame *f); /* borrowed */
    void (*room)(void *arg);                         /* pipe_full has become false */
    void (*gone)(void *arg); /* end of file, or what came is no frame; once */
};

/* fd is taken, and made non-blocking. NULL: out of memory. */
struct pipe *pipe_new(struct event_base *base, int fd, const struct pipe_events *events, void *arg);
void pipe_free(struct pipe *p);
/* The buffer to write frames into; then pipe_flush. */
struct tbe_buf *pipe_out(struct pipe *p);
void pipe_flush(struct pipe *p);
bool pipe_full(const struct pipe *p);

#endif
