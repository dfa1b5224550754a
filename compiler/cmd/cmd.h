/* SPDX-License-Identifier: Apache-2.0 */
/* tbedgec's sub-commands: one file and one `struct command` each, listed in commands.c. The option tables
 * are the single source of the parser, --help, the man pages and the completions of three shells. */
#ifndef TBE_CMD_CMD_H
#define TBE_CMD_CMD_H

#include <stdbool.h>
#include <stdio.h>
#include "tbe/base.h"

enum { EXIT_CLEAN, EXIT_PROBLEMS, EXIT_USAGE };

#define CMD_MAX_OPTIONS 24 /* of one command */
#define CMD_MAX_VALUES 256 /* options given at one call */

struct cmd_option {
    const char *name;   /* long option, without -- */
    const char *arg;    /* what its value is called, or NULL: a flag */
    const char *values; /* the words it takes, "text|json", or NULL: any; checked by the parser */
    const char *help;   /* lower case, no full stop */
    char letter;        /* short option, or 0 */
    bool list;          /* takes several of `values` with commas between */
    bool file, dir;     /* its value is a file, a directory: for completions */
};

struct cmd_args;

/* Every command also has -h/--help and --version, made by the parser. */
struct command {
    const char *name, *summary; /* summary: lower case, no full stop, at most 60 characters */
    const char *operands;       /* "FILE..." for the synopsis, or NULL */
    int min_operands, max_operands; /* max 0: no limit; none at all when operands is NULL */
    const char *about;          /* paragraphs for --help and the man page, lines of at most 90 characters */
    const char *examples;       /* command lines, each with a comment line above that starts with #; or NULL */
    const char *exits;          /* "0 clean, 1 ..."; NULL: the usual ones */
    const struct cmd_option *options;
    int n_options;
    int (*run)(const struct cmd_args *x); /* exit status */
};

struct cmd_args {
    const struct command *cmd;
    const char *v[CMD_MAX_OPTIONS]; /* by index of the option: its last value, "" for a flag, NULL: not given */
    struct cmd_value {
        int option;
        const char *value;
    } all[CMD_MAX_VALUES]; /* in the order given */
    int n_all;
    char **operands;
    int n_operands;
};

/* The table of commands.c, in the order of --help. */
extern const struct command *const commands[];
extern const int n_commands;
const struct command *command_find(const char *name); /* NULL: none */

/* Parses argv (argv[0] is the command's name) and runs it: the exit status. */
int command_run(const struct command *c, int argc, char **argv);
void command_help(const struct command *c, FILE *out);
/* "tbedgec: NAME: ...; see tbedgec NAME --help" on stderr; returns EXIT_USAGE. c may be NULL. */
int cmd_usage(const struct command *c, const char *fmt, ...) TBE_PRINTF(2, 3);
/* "tbedgec: ..." on stderr; returns EXIT_USAGE, which is also the state of input and output errors. */
int cmd_fail(const char *fmt, ...) TBE_PRINTF(1, 2);
/* True when word is one of "a,b,c". */
bool cmd_has_word(const char *list, const char *word);
/* An arena that ends the program when memory is out; free with tbe_arena_free. */
void cmd_arena(struct tbe_arena *a);
/* Colours for this descriptor: a terminal, and NO_COLOR is not set. */
bool cmd_colour(int fd);

/* A line on the terminal that says what goes on; NULL: it goes away. Nothing when stderr is no terminal. */
void cmd_progress(const char *fmt, ...) TBE_PRINTF(1, 2);

#define CMD_OPTIONS(t) .options = (t), .n_options = (int)(sizeof(t) / sizeof *(t))

#endif
