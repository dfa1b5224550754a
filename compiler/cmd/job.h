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
    enum job_format { JOB_TEXT, JOB_JSON, JOB_SARIF, JOB_GITHUB } format;
    bool strict;
    bool shown; /* the SARIF log is out: what comes later is text */
    const char *baseline; /* file of accepted problems, or NULL */
    uint32_t known;       /* problems the baseline has */
    const char *root; /* --root, or NULL */
};

void job_init(struct job *j, struct tbe_arena *a);
/* Reads and links the files ("-": standard input). EXIT_CLEAN, or EXIT_USAGE after telling which one
 * cannot be read; mistakes in them go to j->ds. */
int job_load(struct job *j, char **files, int n) TBE_MUST_USE;
/* The format of a --format option; NULL: text. */
#define JOB_FORMATS "text|json|sarif|github"
enum job_format job_format(const char *word);
/* Drops from j->ds what j->baseline accepts. EXIT_CLEAN, or EXIT_USAGE after telling why not. */
int job_baseline(struct job *j) TBE_MUST_USE;
/* Sorts and shows j->ds: text on stderr, the other formats on stdout. */
void job_show(struct job *j);
/* EXIT_CLEAN or EXIT_PROBLEMS by what j->ds counted. */
int job_verdict(const struct job *j);
/* Index of the root chain: j->root, the one marked, the only one; -1: none; -2: reported. */
int32_t job_choose_root(struct job *j);

#endif
