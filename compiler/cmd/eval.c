/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec eval`: script vectors, compiled and run. */
#include "config.h"
#include "cmd/cmd.h"
#include "script/script.h"

static int
run(const struct cmd_args *x)
{
    char name[] = "eval", end[] = "--";
    char *argv[CMD_MAX_VALUES + 2] = { name, end };
    int n = x->n_operands < CMD_MAX_VALUES ? x->n_operands : CMD_MAX_VALUES;
    for (int i = 0; i < n; i++) {
        argv[i + 2] = x->operands[i];
    }
    return eval_main(n + 2, argv);
}

const struct command cmd_eval = {
    .name = "eval",
    .summary = "compile and run script vectors",
    .operands = "VECTORS.json...",
    .min_operands = 1,
    .max_operands = CMD_MAX_VALUES - 2,
    .about = "Compiles the TBEL and JavaScript scripts of vector files, runs each with its input and compares\n"
             "what comes out. The last line is \"N passed, N failed\".",
    .exits = "0 all passed, 1 some failed, 2 usage or input/output",
    .run = run,
};
