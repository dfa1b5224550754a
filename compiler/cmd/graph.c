/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec graph`: pictures of rule chains. */
#include "config.h"
#include "drive/graph.h"
#include <errno.h>
#include <string.h>
#include "cmd/job.h"
#include "drive/file.h"

enum { OPT_FORMAT, OPT_LAYOUT, OPT_CHAIN, OPT_OUTPUT };

static const struct cmd_option options[] = {
    [OPT_FORMAT] = { "format", "FORMAT", "svg|dot|mermaid",
                     "what to write (by the extension of OUT, else svg)" },
    [OPT_LAYOUT] = { "layout", "LAYOUT", "layered|given",
                     "layers from left to right, or as in ThingsBoard's editor (layered)" },
    [OPT_CHAIN] = { "chain", "NAME", .help = "only the chain of this name or id" },
    [OPT_OUTPUT] = { "output", "OUT", .letter = 'o', .file = true, .help = "write into OUT" },
};

static const char *
format_of(const struct cmd_args *x)
{
    const char *out = x->v[OPT_OUTPUT], *dot = out ? strrchr(out, '.') : NULL;
    if (x->v[OPT_FORMAT]) {
        return x->v[OPT_FORMAT];
    }
    if (dot && (strcmp(dot, ".dot") == 0 || strcmp(dot, ".gv") == 0)) {
        return "dot";
    }
    return dot && (strcmp(dot, ".mmd") == 0 || strcmp(dot, ".mermaid") == 0) ? "mermaid" : "svg";
}

/* The graphs, laid out when that is needed. NULL after a report. */
static struct graph **
graphs(const struct cmd_args *x, struct job *j, bool given, bool svg, uint32_t *n)
{
    const char *only = x->v[OPT_CHAIN];
    struct graph **g = tbe_arena_alloc(j->a, (j->cs.n + 1) * sizeof *g);
    *n = 0;
    for (uint32_t i = 0; i < j->cs.n; i++) {
        const struct chain *c = &j->cs.v[i];
        if (only && !tbe_str_eqz(c->name, only) && !tbe_str_eqz(c->id, only)) {
            continue;
        }
        g[*n] = graph_of(j->a, c);
        if (given) {
            graph_given(j->a, g[*n]);
        } else if (svg && graph_layered(j->a, g[*n]) != 0) {
            (void)cmd_fail("%s: the chain is too large for a picture: use --format dot", c->file);
            return NULL;
        }
        ++*n;
    }
    if (only && *n == 0) {
        (void)cmd_fail("--chain %s: no chain has this name or id", only);
        return NULL;
    }
    return g;
}

static int
draw(const struct cmd_args *x, struct job *j)
{
    const char *format = format_of(x), *to = x->v[OPT_OUTPUT];
    bool given = x->v[OPT_LAYOUT] && strcmp(x->v[OPT_LAYOUT], "given") == 0, svg = strcmp(format, "svg") == 0;
    struct tbe_buf out = { 0 };
    uint32_t n;
    struct graph **g = graphs(x, j, given, svg, &n);
    if (!g) {
        return EXIT_USAGE;
    }
    if (svg) {
        graph_svg(&out, j->a, g, n);
    } else if (strcmp(format, "dot") == 0) {
        graph_dot(&out, j->a, g, n, given);
    } else {
        graph_mermaid(&out, j->a, g, n);
    }
    int rc = EXIT_CLEAN;
    if (out.oom) {
        rc = cmd_fail("out of memory");
    } else if (to && strcmp(to, "-") != 0) {
        rc = file_replace(j->a, to, tbe_buf_str(&out)) == 0 ? EXIT_CLEAN
                                                            : cmd_fail("cannot write %s: %s", to, strerror(errno));
    } else if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
        rc = cmd_fail("cannot write: %s", strerror(errno));
    }
    tbe_buf_free(&out);
    return rc;
}

static int
run(const struct cmd_args *x)
{
    struct tbe_arena a;
    struct job j;
    cmd_arena(&a);
    job_init(&j, &a);
    int rc = job_load(&j, x->operands, x->n_operands);
    if (rc == EXIT_CLEAN) {
        job_show(&j);
        rc = j.ds.errors ? EXIT_PROBLEMS : draw(x, &j);
    }
    tbe_arena_free(&a);
    return rc;
}

const struct command cmd_graph = {
    .name = "graph",
    .summary = "draw rule chains as SVG, Graphviz or Mermaid",
    .operands = "FILE...",
    .min_operands = 1,
    .about = "Draws rule chains: nodes with title and type, coloured by kind, edges labelled with their\n"
             "relations. SVG needs no other program. Files that cannot be read as chains are reported; what\n"
             "nodes and scripts mean is not checked.",
    .examples = "# a picture for the documentation\n"
                "tbedgec graph -o thermostat.svg thermostat.yaml\n"
                "# as it looks in ThingsBoard\n"
                "tbedgec graph --layout given -o chain.svg chain.json\n"
                "# for a pull request\n"
                "tbedgec graph --format mermaid chain.json\n",
    CMD_OPTIONS(options),
    .run = run,
};
