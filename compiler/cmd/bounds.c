/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec bounds`: what a message can cost at most. */
#include "config.h"
#include "drive/bounds.h"
#include <errno.h>
#include <string.h>
#include "cmd/job.h"

enum { OPT_FORMAT };

static const struct cmd_option options[] = {
    [OPT_FORMAT] = { "format", "FORMAT", "text|json", "how the bounds are shown" },
};

static int
show(const struct cmd_args *x, struct job *j, const struct ir_program *p)
{
    bool json = x->v[OPT_FORMAT] && strcmp(x->v[OPT_FORMAT], "json") == 0;
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, json ? "{\"chains\":[" : "");
    for (uint32_t i = 0; i < p->n_chains; i++) {
        struct bounds bounds;
        bounds_of(j->a, &p->chains[i], &bounds);
        if (json) {
            tbe_buf_putz(&b, i ? "," : "");
            bounds_json(&b, &bounds);
        } else {
            bounds_text(&b, &bounds);
        }
    }
    tbe_buf_putz(&b, json ? "]}\n" : "");
    int rc = EXIT_CLEAN;
    if (b.oom) {
        rc = cmd_fail("out of memory");
    } else if ((b.n && fwrite(b.p, 1, b.n, stdout) != b.n) || fflush(stdout) != 0) {
        rc = cmd_fail("cannot write: %s", strerror(errno));
    }
    tbe_buf_free(&b);
    return rc;
}

static int
run(const struct cmd_args *x)
{
    struct tbe_arena a;
    struct job j;
    cmd_arena(&a);
    job_init(&j, &a);
    j.ds.build = true; /* as a build takes them: a node that does not work costs nothing */
    j.ds.no_notes = true;
    int rc = job_load(&j, x->operands, x->n_operands);
    if (rc == EXIT_CLEAN) {
        struct check_options opt = { 0 };
        struct checked_chain *cc = check_chains(&a, &j.ds, &j.cs, &opt);
        job_show(&j);
        rc = job_verdict(&j);
        if (rc == EXIT_CLEAN) {
            struct ir_program *p = ir_build(&a, &j.cs, cc, -1);
            ir_optimise(&a, p);
            rc = show(x, &j, p);
        }
    }
    tbe_arena_free(&a);
    return rc;
}

const struct command cmd_bounds = {
    .name = "bounds",
    .summary = "tell what a message can cost a chain at most",
    .operands = "FILE...",
    .min_operands = 1,
    .about = "Tells for each chain how many nodes it has, how far a message can go, how many nodes and scripts it\n"
             "can run, copies included, what these can burn (turns of loops and calls) and hold (bytes beside\n"
             "the message's own), and how many messages can wait in it. These are bounds: what happens is\n"
             "mostly far less. Other chains that it calls are not counted in. A chain with problems has none.",
    .examples = "# chains that a message could run in for long\n"
                "tbedgec bounds --format json chains/*.json | jq '.chains[] | select(.nodeRuns > 1000)'\n",
    CMD_OPTIONS(options),
    .run = run,
};
