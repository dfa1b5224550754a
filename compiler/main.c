/* SPDX-License-Identifier: Apache-2.0 */
/* tbedgec: picks the sub-command; cmd/ has them. */
#include "config.h"
#include <string.h>
#include "cmd/cmd.h"

static void
help(FILE *out)
{
    fputs("tbedgec: ThingsBoard Edge rule chains to C and to a native worker\n\n"
          "usage: tbedgec COMMAND [OPTION]... FILE...\n\n",
          out);
    for (int i = 0; i < n_commands; i++) {
        fprintf(out, "  tbedgec %-12s%s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("\nFILE is a rule chain as JSON or YAML; - is standard input, -- ends the options.\n"
          "tbedgec COMMAND --help tells a command's options; -h, --help and --version work everywhere.\n"
          "Exit status: 0 clean, 1 problems in the chains, 2 usage or input/output.\n",
          out);
}

int
main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "-h") == 0 || strcmp(first, "--help") == 0) {
        help(stdout);
        return EXIT_CLEAN;
    }
    if (strcmp(first, "--version") == 0) {
        puts("tbedgec " PACKAGE_VERSION);
        return EXIT_CLEAN;
    }
    const struct command *c = command_find(first);
    if (c) {
        return command_run(c, argc - 1, argv + 1);
    }
    if (*first == '-') {
        return cmd_usage(NULL, "unknown option %s", first);
    }
    return *first ? cmd_usage(NULL, "unknown command \"%s\"", first) : cmd_usage(NULL, "no command given");
}
