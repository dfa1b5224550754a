/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tbedgec's commands: a new one is a line here and a file beside this one. */
#include "config.h"
#include "cmd/cmd.h"
#include <string.h>

/* In the order of --help. */
#define COMMANDS(X) \
    X(check)        \
    X(build)        \
    X(test)         \
    X(fmt)          \
    X(graph)        \
    X(diff)         \
    X(bounds)       \
    X(pull)         \
    X(explain)      \
    X(schema)       \
    X(eval)         \
    X(docs)         \
    /* the end */

#define DECLARE(name) extern const struct command cmd_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &cmd_##name,
const struct command *const commands[] = { COMMANDS(ENTRY) };
const int n_commands = (int)(sizeof commands / sizeof commands[0]);

const struct command *
command_find(const char *name)
{
    for (int i = 0; i < n_commands; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}
