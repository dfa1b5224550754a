/* SPDX-License-Identifier: Apache-2.0 */
/* One parser and one --help for all commands, driven by their option tables. */
#include "config.h"
#include "cmd/cmd.h"
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPT_BASE 256     /* getopt's value of option 0 */
#define OPT_VERSION 255
#define HELP_COLUMN 24   /* where the text of an option starts */
#define USUAL_EXITS "0 clean, 1 problems in the chains, 2 usage or input/output"

int
cmd_usage(const struct command *c, const char *fmt, ...)
{
    va_list ap;
    fputs("tbedgec: ", stderr);
    if (c) {
        fprintf(stderr, "%s: ", c->name);
    }
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; see tbedgec%s%s --help\n", c ? " " : "", c ? c->name : "");
    return EXIT_USAGE;
}

int
cmd_fail(const char *fmt, ...)
{
    va_list ap;
    fputs("tbedgec: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static void TBE_NORETURN
out_of_memory(void *arg, size_t wanted)
{
    (void)arg;
    fprintf(stderr, "tbedgec: out of memory (%zu bytes wanted)\n", wanted);
    exit(EXIT_USAGE);
}

void
cmd_arena(struct tbe_arena *a)
{
    tbe_arena_init(a, 0);
    a->on_full = out_of_memory;
}

bool
cmd_colour(int fd)
{
    const char *no = getenv("NO_COLOR");
    return isatty(fd) && !(no && *no);
}

void
cmd_progress(const char *fmt, ...)
{
    static bool shown;
    const char *term = getenv("TERM");
    va_list ap;
    if (!isatty(2) || !term || strcmp(term, "dumb") == 0 || (!fmt && !shown)) {
        return;
    }
    fputs("\r\033[K", stderr);
    shown = fmt != NULL;
    if (fmt) {
        va_start(ap, fmt);
        vfprintf(stderr, fmt, ap);
        va_end(ap);
    }
    fflush(stderr);
}

/* True when `list`, words with `sep` between, holds the n bytes at word. */
static bool
among(const char *list, char sep, const char *word, size_t n)
{
    const char stop[] = { sep, '\0' };
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, stop);
        if (len == n && memcmp(p, word, n) == 0) {
            return true;
        }
        p += len + (p[len] == sep);
    }
    return false;
}

bool
cmd_has_word(const char *list, const char *word)
{
    return among(list, ',', word, strlen(word));
}

static bool
value_ok(const struct cmd_option *o, const char *value)
{
    if (!o->values) {
        return true;
    }
    if (!o->list) {
        return among(o->values, '|', value, strlen(value));
    }
    for (const char *p = value; *p;) {
        size_t n = strcspn(p, ",");
        if (!among(o->values, '|', p, n)) {
            return false;
        }
        p += n + (p[n] == ',');
    }
    return true;
}

/* "text, json and sarif" */
static const char *
spelled(const char *values, char *out, size_t cap)
{
    size_t n = 0;
    const char *last = strrchr(values, '|');
    for (const char *p = values; *p && n + 6 < cap; p++) {
        if (*p != '|') {
            out[n++] = *p;
            continue;
        }
        n += (size_t)snprintf(out + n, cap - n, "%s", p == last ? " or " : ", ");
    }
    out[n] = '\0';
    return out;
}

static void
synopsis(const struct command *c, FILE *out)
{
    int col = fprintf(out, "usage: tbedgec %s", c->name);
    for (int i = 0; i <= c->n_options; i++) {
        char part[256];
        if (i == c->n_options) {
            snprintf(part, sizeof part, " %s", c->operands ? c->operands : "");
        } else {
            const struct cmd_option *o = &c->options[i];
            const char *arg = !o->arg ? "" : o->values && !o->list ? o->values : o->arg;
            char letter[] = { o->letter, '\0' };
            snprintf(part, sizeof part, " [-%s%s%s%s]", o->letter ? letter : "-",
                     o->letter ? "" : o->name,
                     *arg ? " " : "", arg);
        }
        if (col + (int)strlen(part) > 98) {
            col = fprintf(out, "\n              ") - 1;
        }
        col += fprintf(out, "%s", part[1] ? part : "");
    }
    fputc('\n', out);
}

static void
option_help(const struct cmd_option *o, FILE *out)
{
    char values[160];
    int col = o->letter ? fprintf(out, "  -%c, ", o->letter) : fprintf(out, "      ");
    col += fprintf(out, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    if (col >= HELP_COLUMN) {
        fputc('\n', out);
        col = 0;
    }
    fprintf(out, "%*s%s", HELP_COLUMN - col, "", o->help);
    if (o->values) {
        fprintf(out, ": %s%s", spelled(o->values, values, sizeof values),
                o->list ? ", with commas" : "");
    }
    fputc('\n', out);
}

void
command_help(const struct command *c, FILE *out)
{
    static const struct cmd_option common[] = { { .name = "help", .letter = 'h',
                                                  .help = "show this and stop" },
                                                { .name = "version", .help = "show the version and stop" } };
    synopsis(c, out);
    fprintf(out, "\n%s\n\nOptions:\n", c->about);
    for (int i = 0; i < c->n_options; i++) {
        option_help(&c->options[i], out);
    }
    option_help(&common[0], out);
    option_help(&common[1], out);
    if (c->examples) {
        fputs("\nExamples:\n", out);
        for (const char *p = c->examples; *p;) {
            int n = (int)strcspn(p, "\n");
            fprintf(out, "  %.*s\n", n, p);
            p += n + (p[n] == '\n');
        }
    }
    fprintf(out, "\nExit status: %s.\n", c->exits ? c->exits : USUAL_EXITS);
}

/* getopt's tables of a command. */
static void
tables(const struct command *c, struct option *longs, char *shorts)
{
    *shorts++ = ':';
    *shorts++ = 'h';
    for (int i = 0; i < c->n_options; i++) {
        const struct cmd_option *o = &c->options[i];
        longs[i] = (struct option){ o->name, o->arg ? required_argument : no_argument, NULL,
                                    OPT_BASE + i };
        if (o->letter) {
            *shorts++ = o->letter;
            if (o->arg) {
                *shorts++ = ':';
            }
        }
    }
    *shorts = '\0';
    longs[c->n_options] = (struct option){ "help", no_argument, NULL, 'h' };
    longs[c->n_options + 1] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
    longs[c->n_options + 2] = (struct option){ 0 };
}

static int
by_letter(const struct command *c, int letter)
{
    for (int i = 0; i < c->n_options; i++) {
        if (c->options[i].letter == letter) {
            return i;
        }
    }
    return -1;
}

static int
take(struct cmd_args *x, int i, const char *value)
{
    const struct cmd_option *o = &x->cmd->options[i];
    char values[160];
    value = value ? value : "";
    if (o->arg && !value_ok(o, value)) {
        return cmd_usage(x->cmd, "--%s takes %s, not %s", o->name,
                         spelled(o->values, values, sizeof values), value);
    }
    if (x->n_all == CMD_MAX_VALUES) {
        return cmd_usage(x->cmd, "more than %d options", CMD_MAX_VALUES);
    }
    x->v[i] = value;
    x->all[x->n_all++] = (struct cmd_value){ i, value };
    return EXIT_CLEAN;
}

static int
operands(struct cmd_args *x, int argc, char **argv)
{
    const struct command *c = x->cmd;
    x->operands = argv + optind;
    x->n_operands = argc - optind;
    int most = !c->operands ? 0 : c->max_operands ? c->max_operands : x->n_operands;
    if (x->n_operands < c->min_operands) {
        return cmd_usage(c, "no %.*s given", (int)strcspn(c->operands, ". "), c->operands);
    }
    if (x->n_operands > most) {
        return cmd_usage(c, "\"%s\" is one operand too many", x->operands[most]);
    }
    return EXIT_CLEAN;
}

/* -1: go on; else the exit status. */
static int
parse(struct cmd_args *x, int argc, char **argv)
{
    struct option longs[CMD_MAX_OPTIONS + 3];
    char shorts[3 + 2 * CMD_MAX_OPTIONS];
    int o;
    tables(x->cmd, longs, shorts);
    opterr = 0;
    while ((o = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (o == 'h') {
            command_help(x->cmd, stdout);
            return EXIT_CLEAN;
        }
        if (o == OPT_VERSION) {
            puts("tbedgec " PACKAGE_VERSION);
            return EXIT_CLEAN;
        }
        if (o == ':') {
            return cmd_usage(x->cmd, "%s needs a value", argv[optind - 1]);
        }
        int i = o >= OPT_BASE ? o - OPT_BASE : o == '?' ? -1 : by_letter(x->cmd, o);
        if (i < 0) {
            return cmd_usage(x->cmd, "unknown option %s", argv[optind - 1]);
        }
        if (take(x, i, optarg) != EXIT_CLEAN) {
            return EXIT_USAGE;
        }
    }
    return operands(x, argc, argv) == EXIT_CLEAN ? -1 : EXIT_USAGE;
}

int
command_run(const struct command *c, int argc, char **argv)
{
    static struct cmd_args x; /* 4 kB; once per process */
    x.cmd = c;
    int rc = parse(&x, argc, argv);
    return rc >= 0 ? rc : c->run(&x);
}
