/* SPDX-License-Identifier: Apache-2.0 */
/* Children with a time and a memory limit, several at a time. */
#ifndef TBE_DRIVE_CHILD_H
#define TBE_DRIVE_CHILD_H

#include <sys/types.h>
#include "tbe/base.h"

struct child {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    unsigned seconds;        /* wall clock and CPU */
    size_t memory;           /* bytes of address space; 0: no limit */
    size_t output_max;       /* bytes of output kept */
    /* set when it is done */
    struct tbe_buf output;   /* stdout and stderr; free with tbe_buf_free */
    int status;              /* exit status; 128 + signal; 127 when it cannot be started */
    bool timed_out, cut;
    /* private */
    pid_t pid;
    int fd;
    int64_t deadline_ms;
};

/* Runs all, at most `jobs` at a time, and waits. After a failure no further one is started (status -1).
 * 0 when every status is 0, else -1. */
int children_run(struct child *v, size_t n, size_t jobs) TBE_MUST_USE;

#endif
