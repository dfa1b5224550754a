/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec diff`: two versions of rule chains compared. */
#include "config.h"
#include "drive/diff.h"
#include <errno.h>
#include <string.h>
#include "cmd/job.h"

enum { OPT_FORMAT, OPT_LAYOUT };

static const struct cmd_option options[] = {
    [OPT_FORMAT] = { "format", "FORMAT", "text|json", "how differences are shown" },
    [OPT_LAYOUT] = { "layout", .help = "places of nodes in the editor count as well" },
};

/* One side; problems in it are shown. */
static int
read_side(struct job *j, char *file)
{
    int rc = job_load(j, &file, 1);
    if (rc == EXIT_CLEAN && j->ds.errors) {
        job_show(j);
        rc = EXIT_USAGE;
    }
    return rc;
}

static int
show(const struct cmd_args *x, struct tbe_arena *a, const struct diff *d)
{
    struct tbe_buf b = { 0 };
    int rc = d->n ? EXIT_PROBLEMS : EXIT_CLEAN;
    if (x->v[OPT_FORMAT] && strcmp(x->v[OPT_FORMAT], "json") == 0) {
        diff_json(&b, a, d);
    } else {
        diff_text(&b, a, d, cmd_colour(1));
    }
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
    struct job old, new;
    if (strcmp(x->operands[0], "-") == 0 && strcmp(x->operands[1], "-") == 0) {
        return cmd_usage(x->cmd, "only one of OLD and NEW can be standard input");
    }
    cmd_arena(&a);
    job_init(&old, &a);
    job_init(&new, &a);
    int rc = read_side(&old, x->operands[0]);
    rc = rc == EXIT_CLEAN ? read_side(&new, x->operands[1]) : rc;
    if (rc == EXIT_CLEAN) {
        rc = show(x, &a, diff_of(&a, &old.cs, &new.cs, x->v[OPT_LAYOUT] != NULL));
    }
    tbe_arena_free(&a);
    return rc;
}

const struct command cmd_diff = {
    .name = "diff",
    .summary = "tell how two versions of rule chains differ",
    .operands = "OLD NEW",
    .min_operands = 2,
    .max_operands = 2,
    .about = "Compares two files of rule chains by what they mean: nodes, relations and keys of configurations,\n"
             "wherever these stand; scripts line by line. JSON and YAML may be compared with each other. A node\n"
             "is known again by its id, else by name and type, else by being alike. Ids, times, versions and,\n"
             "without --layout, places in the editor do not count.",
    .examples = "# what a colleague changed in the editor\n"
                "tbedgec diff chains/root.yaml exported.json\n"
                "# as a driver of git: git config diff.chain.command 'sh -c \"tbedgec diff $2 $5 || true\" --'\n",
    .exits = "0 the same, 1 different, 2 usage, input/output or no rule chains",
    CMD_OPTIONS(options),
    .run = run,
};
