/* SPDX-License-Identifier: Apache-2.0 */
/* What commands on chains share: reading the files, showing the diagnostics, choosing the root chain. */
#ifndef TBE_CMD_JOB_H
#define TBE_CMD_JOB_H

#include "check/check.h"
#include "cmd/cmd.h"

struct job {
    struct tbe_arena *a;
    struct diags ds;
    struct chains cs;
    bool json, strict;
    bool shown; /* the JSON report is out: what comes later is text */
    const char *root; /* --root, or NULL */
};

void job_init(struct job *j, struct tbe_arena *a);
/* Reads and links the files ("-": standard input). EXIT_CLEAN, or EXIT_USAGE after telling which one
 * cannot be read; mistakes in them go to j->ds. */
int job_load(struct job *j, char **files, int n) TBE_MUST_USE;
/* Sorts and shows j->ds: JSON on stdout once, else text on stderr. */
void job_show(struct job *j);
/* EXIT_CLEAN or EXIT_PROBLEMS by what j->ds counted. */
int job_verdict(const struct job *j);
/* Index of the root chain: j->root, the one marked, the only one; -1: none; -2: reported. */
int32_t job_choose_root(struct job *j);

#endif
