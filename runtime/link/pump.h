/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's completion queue: one thread waits on it and hands what it gets to the event loop, where
 * everything else of the link runs. */
#ifndef TBE_LINK_PUMP_H
#define TBE_LINK_PUMP_H

#include <event2/event.h>
#include <grpc/grpc.h>
#include <stdbool.h>

/* What an operation is started with as its tag: done runs on the loop when it has ended. One that
 * is under way must stay where it is. */
struct pump_op {
    void (*done)(struct pump_op *op, bool ok);
    void *arg;
    struct pump_op *next; /* the pump's */
    bool ok;
};

struct pump;

/* Starts gRPC and the thread. NULL: no memory or no descriptor. */
struct pump *pump_new(struct event_base *base);
grpc_completion_queue *pump_queue(struct pump *p);
/* No operation is under way any more. Ends the thread and gRPC. */
void pump_free(struct pump *p);

#endif
