/* SPDX-License-Identifier: Apache-2.0 */
/* The thread appends finished operations to a list and wakes the loop through an eventfd when the
 * list was empty: one wake-up for many. */
#include "config.h"
#include "link/pump.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK (256u << 10)

struct pump {
    grpc_completion_queue *cq;
    pthread_t thread;
    pthread_mutex_t lock;
    struct pump_op *first, **last; /* under the lock */
    struct event *event;
    int fd;
    bool running;
};

static void
post(struct pump *p, struct pump_op *op, bool ok)
{
    uint64_t one = 1;
    bool wake;

    op->ok = ok;
    op->next = NULL;
    pthread_mutex_lock(&p->lock);
    wake = !p->first;
    *p->last = op;
    p->last = &op->next;
    pthread_mutex_unlock(&p->lock);
    if (wake && write(p->fd, &one, sizeof one) < 0) {
        abort(); /* an eventfd that nobody overflows */
    }
}

static void *
pump_thread(void *arg)
{
    struct pump *p = arg;

    for (;;) {
        grpc_event e =
            grpc_completion_queue_next(p->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (e.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        if (e.type == GRPC_OP_COMPLETE) {
            post(p, e.tag, e.success != 0);
        }
    }
}

static void
on_posted(evutil_socket_t fd, short what, void *arg)
{
    struct pump *p = arg;
    struct pump_op *op;
    uint64_t n;

    (void)what;
    if (read(fd, &n, sizeof n) < 0) {
        return; /* another turn has it */
    }
    pthread_mutex_lock(&p->lock);
    op = p->first;
    p->first = NULL;
    p->last = &p->first;
    pthread_mutex_unlock(&p->lock);
    while (op) {
        struct pump_op *next = op->next; /* done may start it again */
        op->done(op, op->ok);
        op = next;
    }
}

static bool
start_thread(struct pump *p)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    p->running = pthread_create(&p->thread, &attr, pump_thread, p) == 0;
    pthread_attr_destroy(&attr);
    return p->running;
}

struct pump *
pump_new(struct event_base *base)
{
    struct pump *p = calloc(1, sizeof *p);

    if (!p) {
        return NULL;
    }
    p->last = &p->first;
    pthread_mutex_init(&p->lock, NULL);
    p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->event = p->fd < 0 ? NULL : event_new(base, p->fd, EV_READ | EV_PERSIST, on_posted, p);
    grpc_init();
    p->cq = grpc_completion_queue_create_for_next(NULL);
    if (!p->event || event_add(p->event, NULL) != 0 || !start_thread(p)) {
        pump_free(p);
        return NULL;
    }
    return p;
}

grpc_completion_queue *
pump_queue(struct pump *p)
{
    return p->cq;
}

void
pump_free(struct pump *p)
{
    if (!p) {
        return;
    }
    grpc_completion_queue_shutdown(p->cq);
    if (p->running) {
        pthread_join(p->thread, NULL);
    }
    grpc_completion_queue_destroy(p->cq);
    grpc_shutdown();
    if (p->event) {
        event_free(p->event);
    }
    if (p->fd >= 0) {
        close(p->fd);
    }
    pthread_mutex_destroy(&p->lock);
    free(p);
}
