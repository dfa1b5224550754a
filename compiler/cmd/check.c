/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec check`: what is wrong with rule chains. */
#include "config.h"
#include "cmd/job.h"
#include <errno.h>
#include <string.h>

enum { OPT_FORMAT, OPT_STRICT, OPT_TOGETHER, OPT_BASELINE, OPT_WRITE };

static const struct cmd_option options[] = {
    [OPT_FORMAT] = { "format", "FORMAT", JOB_FORMATS, "how problems are shown" },
    [OPT_STRICT] = { "strict", .help = "warnings are errors" },
    [OPT_TOGETHER] = { "together", .help = "the files become one program: what does not fit is an error" },
    [OPT_BASELINE] = { "baseline", "FILE", .help = "do not tell problems that FILE accepts", .file = true },
    [OPT_WRITE] = { "write-baseline", "FILE", .help = "accept all problems: write them to FILE", .file = true },
};

static int
write_baseline(const struct job *j, const char *name)
{
    FILE *f = fopen(name, "wb");
    if (!f) {
        return cmd_fail("cannot write %s: %s", name, strerror(errno));
    }
    diags_put_baseline(&j->ds, f);
    bool bad = fflush(f) != 0 || ferror(f);
    if (fclose(f) != 0 || bad) {
        return cmd_fail("cannot write %s", name);
    }
    return EXIT_CLEAN;
}

static int
tell(struct job *j, const struct cmd_args *x)
{
    diags_sort(&j->ds);
    if (x->v[OPT_WRITE]) {
        return write_baseline(j, x->v[OPT_WRITE]);
    }
    if (j->baseline && job_baseline(j) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    job_show(j);
    if (j->known && j->format == JOB_TEXT) {
        fprintf(stderr, "%u accepted by %s\n", j->known, j->baseline);
    }
    return job_verdict(j);
}

static int
run(const struct cmd_args *x)
{
    struct tbe_arena a;
    struct job j;
    cmd_arena(&a);
    job_init(&j, &a);
    j.format = job_format(x->v[OPT_FORMAT]);
    j.strict = x->v[OPT_STRICT];
    j.baseline = x->v[OPT_BASELINE];
    int rc = job_load(&j, x->operands, x->n_operands);
    if (rc == EXIT_CLEAN) {
        struct check_options opt = { .together = x->v[OPT_TOGETHER] != NULL };
        (void)check_chains(&a, &j.ds, &j.cs, &opt);
        rc = tell(&j, x);
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
             "Nothing is built. Each problem has a code; tbedgec explain CODE tells more.\n"
             "\n"
             "Errors end with status 1, with --strict warnings do too; notes never do. Formats: text\n"
             "on standard error; json, one object a line; sarif, a SARIF 2.1.0 log; github, workflow\n"
             "commands, on standard output.",
    .examples = "# all chains of a repository, for a pipeline\n"
                "tbedgec check --strict chains/*.json\n"
                "# accept what is there, tell only what is new\n"
                "tbedgec check --write-baseline known.txt chains/*.json\n"
                "tbedgec check --baseline known.txt chains/*.json\n",
    CMD_OPTIONS(options),
    .run = run,
};
