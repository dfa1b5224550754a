/* SPDX-License-Identifier: Apache-2.0 */
/* The two modes of a worker program behind its options. */
#ifndef TBE_WORKER_MODES_H
#define TBE_WORKER_MODES_H

#include "tbe/chain.h"

struct worker_options {
    int frames_fd, http_fd; /* -1: none */
    const char *dir, *service_id;
};
int worker_serve(const struct tbe_program *p, const struct worker_options *o); /* worker.c */
/* One command directly on the store, when no daemon runs. */
int worker_command(const struct worker_options *o, int argc, char **argv);

#endif
