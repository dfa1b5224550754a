/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec check`: what is wrong with rule chains. */
#include "config.h"
#include "cmd/job.h"
#include <string.h>

enum { OPT_FORMAT, OPT_STRICT };

static const struct cmd_option options[] = {
    [OPT_FORMAT] = { "format", "FORMAT", "text|json", "how problems are shown" },
    [OPT_STRICT] = { "strict", .help = "warnings are errors" },
};

static int
run(const struct cmd_args *x)
{
    struct tbe_arena a;
    struct job j;
    cmd_arena(&a);
    job_init(&j, &a);
    j.json = x->v[OPT_FORMAT] && strcmp(x->v[OPT_FORMAT], "json") == 0;
    j.strict = x->v[OPT_STRICT];
    int rc = job_load(&j, x->operands, x->n_operands);
    if (rc == EXIT_CLEAN) {
        struct check_options opt = { 0 };
        (void)check_chains(&a, &j.ds, &j.cs, &opt);
        job_show(&j);
        rc = job_verdict(&j);
    }
    tbe_arena_free(&a);
    return rc;
}

const struct command cmd_check = {
    .name = "check",
    .summary = "tell what is wrong with rule chains",
    .operands = "FILE...",
    .min_operands = 1,
    .about = "Reads rule chains, JSON or YAML, and reports every problem with file, line and column.\n"
             "Nothing is built. Each problem has a code (C2301).",
    .examples = "# all chains of a repository, for a pipeline\n"
                "tbedgec check --strict chains/*.json\n",
    CMD_OPTIONS(options),
    .run = run,
};
