/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef TBE_DEPLOY_INT_H
#define TBE_DEPLOY_INT_H

#include "deploy/deploy.h"

#define DEPLOY_DIGEST 64 /* hexadecimal characters */
#define DEPLOY_OUTPUT_MAX (256u << 10) /* bytes of the compiler's report */
#define DEPLOY_SECONDS 600u            /* wall clock of one build; each cc has limits of its own */
#define DEPLOY_MEMORY (2ull << 30)     /* bytes of address space of tbedgec; 0 under a sanitizer */
#define DEPLOY_NICE 5

/* chains.c: the chains of the store as files */
struct deploy_chain {
    struct tbe_uuid id;
    struct tbe_str name, text; /* text: {"ruleChain":..,"metadata":..} */
    bool root;
    uint32_t nodes;
};
struct deploy_chains {
    struct tbe_arena arena;
    struct deploy_chain *v; /* by id */
    uint32_t n, cap;
    char source[DEPLOY_DIGEST + 1]; /* digest of the texts, compiler and run time */
};
/* False: none of them has nodes, so there is nothing to build. */
bool chains_read(struct deploy_chains *cs, struct store *s, const char *tool);
void chains_free(struct deploy_chains *cs);
/* DIR/<uuid>.json for each; DIR is made anew. 0, or -1 with errno. */
int chains_write(const struct deploy_chains *cs, const char *dir) TBE_MUST_USE;
void chains_remove(const char *dir); /* DIR and what is in it */

/* job.c: tbedgec as a child, with limits, at low priority */
struct deploy_job;
/* status: exit status, 128 + signal, or -1 when it took too long. out: its report, JSON. said: its messages. */
typedef void deploy_job_fn(void *arg, int status, struct tbe_str out, struct tbe_str said);
/* NULL with err. argv[0] is looked up in PATH. fn is called once, unless the job is stopped. */
struct deploy_job *job_start(struct event_base *base, const char *const *argv, deploy_job_fn *fn, void *arg,
                             char err[256]);
void job_stop(struct deploy_job *j); /* kills it; NULL is allowed */

/* report.c: the record and what goes with it */
struct deploy_report {
    const char *state, *error; /* error NULL: none */
    const char *source, *generation; /* "" = unknown */
    int64_t started, built, finished; /* epoch ms, 0 = not yet */
    const struct deploy_chains *chains; /* NULL: those of the old record are kept */
    struct tbe_str diagnostics;         /* JSON array, or absent: as above */
};
void report_put(struct store_batch *b, struct store *s, const struct deploy_report *r);
/* Text member of the stored record, copied to out (cut); "" when absent. */
void report_get(struct store *s, const char *member, char *out, size_t size);
int64_t report_time(struct store *s, const char *member);
/* A build failed: alarm on the edge, a lifecycle event of every node a diagnostic names. */
void report_failed(struct store_batch *b, struct store *s, const struct deploy_chains *cs, struct tbe_str diagnostics,
                   const char *error);
/* The program runs: nodes that do not work get a lifecycle event and the alarm says so, or it is cleared. */
void report_running(struct store_batch *b, struct store *s, const struct tbe_program *p);

#endif
