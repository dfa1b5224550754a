/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec test`: unit tests of chains, run on the code that is run in production. */
#ifndef TBE_DRIVE_TEST_H
#define TBE_DRIVE_TEST_H

#include <stdio.h>
#include "tbe/base.h"

struct test_options {
    const char *format;   /* "tap", "junit", "json" */
    const char *filter;   /* only tests whose name holds this, or NULL */
    const char *cc;       /* C compiler, or NULL: $CC, else the first there is, without optimisation */
    const char *coverage; /* "text", "json", "lcov", or NULL */
    const char *coverage_out; /* file for it, or NULL: stderr for text, stdout is the results' */
    const char *cache;    /* directory for built workers, NULL: the user's cache directory */
    bool no_cache, update;
    unsigned seconds;     /* a worker may take for one test */
    unsigned jobs;        /* workers at the same time; 0: as many as there are processors */
};

/* Runs the files and writes the results. 0 all passed, 1 some failed or are wrong, 2 files that cannot be
 * read or written. */
int test_files(struct tbe_arena *a, const struct test_options *o, char **paths, int n, FILE *out) TBE_MUST_USE;

#endif
