/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec docs`: manual pages and completions into a directory; make install uses it. */
#include "config.h"
#include "cmd/docs.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "drive/file.h"

enum { OPT_SETTINGS };

static const struct cmd_option options[] = {
    [OPT_SETTINGS] = { "settings", "FILE", .file = true,
                       .help = "write tbedge.yml.5 too, from this schema (schemas/tbedge.json)" },
};

/* Writes and empties b. */
static int
put(struct tbe_arena *a, const char *dir, const char *name, struct tbe_buf *b)
{
    struct tbe_str path = tbe_arena_fmt(a, "%s/%s", dir, name);
    int rc = b->oom                                            ? cmd_fail("out of memory")
             : file_replace(a, path.p, tbe_buf_str(b)) == 0 ? EXIT_CLEAN
                                                            : cmd_fail("cannot write %s: %s", path.p, strerror(errno));
    b->n = 0;
    return rc;
}

static int
put_settings(struct tbe_arena *a, const char *dir, const char *schema, struct tbe_buf *b)
{
    struct diags ds;
    struct tbe_str text;
    struct doc *d;
    bool yaml;
    diags_init(&ds, a);
    if (doc_load(a, &ds, schema, &text, &yaml, &d) != 0) {
        return cmd_fail("cannot read %s: %s", schema, strerror(errno));
    }
    if (!d || ds.errors) {
        return cmd_fail("%s is no schema", schema);
    }
    docs_man_settings(b, d);
    return put(a, dir, "tbedge.yml.5", b);
}

static int
write_all(const struct cmd_args *x, struct tbe_arena *a, struct tbe_buf *b)
{
    static const struct {
        const char *name;
        void (*write)(struct tbe_buf *b);
    } files[] = { { "tbedgec.1", docs_man_main }, { "tbedgec.bash", docs_bash }, { "_tbedgec", docs_zsh },
                  { "tbedgec.fish", docs_fish } };
    const char *dir = x->operands[0];
    int rc = EXIT_CLEAN;
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        return cmd_fail("cannot make %s: %s", dir, strerror(errno));
    }
    for (size_t i = 0; rc == EXIT_CLEAN && i < sizeof files / sizeof files[0]; i++) {
        files[i].write(b);
        rc = put(a, dir, files[i].name, b);
    }
    for (int i = 0; rc == EXIT_CLEAN && i < n_commands; i++) {
        docs_man_command(b, commands[i]);
        rc = put(a, dir, tbe_arena_fmt(a, "tbedgec-%s.1", commands[i]->name).p, b);
    }
    if (rc == EXIT_CLEAN && x->v[OPT_SETTINGS]) {
        rc = put_settings(a, dir, x->v[OPT_SETTINGS], b);
    }
    return rc;
}

static int
run(const struct cmd_args *x)
{
    struct tbe_arena a;
    struct tbe_buf b = { 0 };
    cmd_arena(&a);
    int rc = write_all(x, &a, &b);
    tbe_buf_free(&b);
    tbe_arena_free(&a);
    return rc;
}

const struct command cmd_docs = {
    .name = "docs",
    .summary = "write manual pages and shell completions",
    .operands = "DIR",
    .min_operands = 1,
    .max_operands = 1,
    .about = "Writes tbedgec's manual pages and its completions for bash, zsh and fish into DIR. They are made\n"
             "of the same tables as --help. make install installs them.",
    .examples = "# completions for this shell\n"
                "tbedgec docs /tmp/docs && . /tmp/docs/tbedgec.bash\n",
    .exits = "0 written, 2 usage or input/output",
    CMD_OPTIONS(options),
    .run = run,
};
