/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec fmt`: chain files in one canonical form, JSON or YAML. */
#include "config.h"
#include <errno.h>
#include <string.h>
#include "cmd/job.h"
#include "drive/file.h"
#include "drive/fmt.h"

enum { OPT_TO, OPT_WRITE, OPT_CHECK, OPT_OUTPUT };

static const struct cmd_option options[] = {
    [OPT_TO] = { "to", "FORM", "yaml|json", "form to write (the one of the file)" },
    [OPT_WRITE] = { "write", .letter = 'w',
                    .help = "change the files in place instead of printing them" },
    [OPT_CHECK] = { "check",
                    .help = "change nothing; name the files that are not formatted, exit 1" },
    [OPT_OUTPUT] = { "output", "OUT", .letter = 'o', .file = true,
                     .help = "write the result into OUT" },
};

struct fmt {
    const struct cmd_args *x;
    struct tbe_arena *a;
    struct diags ds;
    int to; /* 1 YAML, 0 JSON, -1: as the file */
};

/* The file formatted. EXIT_CLEAN, or the exit status after a report. */
static int
format(struct fmt *f, const char *name, struct tbe_str *text, struct tbe_buf *out)
{
    bool yaml;
    struct doc *d;
    if (doc_load(f->a, &f->ds, name, text, &yaml, &d) != 0) {
        return cmd_fail("cannot read %s: %s", name, strerror(errno));
    }
    if (!d || f->ds.n) { /* a key given twice is a warning to check, but here it would be lost */
        return EXIT_PROBLEMS;
    }
    if (f->to < 0 ? yaml : f->to) {
        struct fmt_comments *c = yaml ? fmt_comments_read(f->a, *text, d) : NULL;
        fmt_order(f->a, d);
        const struct doc *bad = fmt_yaml(out, d, c);
        if (bad) {
            diag_add(&f->ds, C2007, doc_pos(strcmp(name, "-") == 0 ? "stdin" : name, bad),
                     "half a surrogate pair in this text: YAML cannot hold it, only JSON can");
            return EXIT_PROBLEMS;
        }
    } else {
        fmt_order(f->a, d);
        fmt_json(out, d);
    }
    return out->oom ? cmd_fail("out of memory") : EXIT_CLEAN;
}

static int
deliver(const struct fmt *f, const char *name, struct tbe_str text, struct tbe_str done)
{
    bool same = tbe_str_eq(text, done);
    const char *to = f->x->v[OPT_WRITE] ? name : f->x->v[OPT_OUTPUT];
    if (f->x->v[OPT_CHECK]) {
        if (!same) {
            printf("%s\n", name);
        }
        return same ? EXIT_CLEAN : EXIT_PROBLEMS;
    }
    if (!to || strcmp(to, "-") == 0) {
        return fwrite(done.p, 1, done.n, stdout) == done.n && fflush(stdout) == 0
                   ? EXIT_CLEAN
                   : cmd_fail("cannot write: %s", strerror(errno));
    }
    if (to == name && same) {
        return EXIT_CLEAN;
    }
    return file_replace(f->a, to, done) == 0 ? EXIT_CLEAN
                                             : cmd_fail("cannot write %s: %s", to, strerror(errno));
}

static int
one(struct fmt *f, const char *name)
{
    struct tbe_str text;
    struct tbe_buf out = { 0 };
    diags_init(&f->ds, f->a);
    int rc = format(f, name, &text, &out);
    diags_sort(&f->ds);
    diags_text(&f->ds, stderr, cmd_colour(2));
    if (rc == EXIT_CLEAN) {
        rc = deliver(f, name, text, tbe_buf_str(&out));
    }
    tbe_buf_free(&out);
    return rc;
}

static int
check_use(const struct cmd_args *x)
{
    bool in_place = x->v[OPT_WRITE];
    if ((x->v[OPT_CHECK] != NULL) + in_place + (x->v[OPT_OUTPUT] != NULL) > 1) {
        return cmd_usage(x->cmd, "only one of --check, --write and --output");
    }
    if (in_place && x->v[OPT_TO]) {
        return cmd_usage(x->cmd, "--write keeps the form of a file; use --output to change it");
    }
    if (!in_place && !x->v[OPT_CHECK] && x->n_operands > 1) {
        return cmd_usage(x->cmd, "one FILE at a time, but with --write or --check");
    }
    for (int i = 0; in_place && i < x->n_operands; i++) {
        if (strcmp(x->operands[i], "-") == 0) {
            return cmd_usage(x->cmd, "standard input cannot be changed in place");
        }
    }
    return EXIT_CLEAN;
}

static int
run(const struct cmd_args *x)
{
    int worst = check_use(x);
    const char *to = x->v[OPT_TO];
    for (int i = 0; worst != EXIT_USAGE && i < x->n_operands; i++) {
        struct tbe_arena a;
        cmd_arena(&a);
        struct fmt f = { .x = x, .a = &a, .to = to ? strcmp(to, "yaml") == 0 : -1 };
        int rc = one(&f, x->operands[i]);
        worst = rc > worst ? rc : worst;
        tbe_arena_free(&a);
    }
    return worst;
}

const struct command cmd_fmt = {
    .name = "fmt",
    .summary = "write chain files in one form, JSON or YAML",
    .operands = "FILE...",
    .min_operands = 1,
    .about = "Writes a chain file in canonical form: keys in the order of the schemas, scripts as blocks of\n"
             "YAML, connections one to a line. Nothing of the content changes, numbers keep their spelling.\n"
             "Comments of YAML stay when the result is YAML; anchors are written out. A file with a key given\n"
             "twice is refused, for one of the two would be lost.",
    .examples = "# a chain exported from ThingsBoard, as YAML to edit\n"
                "tbedgec fmt --to yaml -o thermostat.yaml thermostat.json\n"
                "# in a pipeline: are all files formatted?\n"
                "tbedgec fmt --check chains/*.yaml\n",
    .exits = "0 done, 1 a file is not formatted or has mistakes, 2 usage or input/output",
    CMD_OPTIONS(options),
    .run = run,
};
