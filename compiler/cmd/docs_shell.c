/* SPDX-License-Identifier: Apache-2.0 */
/* Completions of tbedgec for bash, zsh and fish. */
#include "config.h"
#include <string.h>
#include "cmd/docs.h"

static void
words(struct tbe_buf *b, const char *values)
{
    for (const char *p = values; *p; p++) {
        tbe_buf_putc(b, *p == '|' ? ' ' : *p);
    }
}

/* Text between single quotes; `esc`: characters that get a backslash. */
static void
quoted(struct tbe_buf *b, const char *text, const char *esc)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'') {
            tbe_buf_putz(b, "'\\''");
            continue;
        }
        if (strchr(esc, *p)) {
            tbe_buf_putc(b, '\\');
        }
        tbe_buf_putc(b, *p);
    }
}

/* ---- bash ------------------------------------------------------------------------------------ */

static void
bash_values(struct tbe_buf *b, const struct command *c, const struct cmd_option *o)
{
    tbe_buf_fmt(b, "    %s:--%s", c->name, o->name);
    if (o->letter) {
        tbe_buf_fmt(b, " | %s:-%c", c->name, o->letter);
    }
    tbe_buf_putz(b, ") ");
    if (o->values) {
        tbe_buf_putz(b, "mapfile -t COMPREPLY < <(compgen -W '");
        words(b, o->values);
        tbe_buf_putz(b, "' -- \"$cur\") ;;\n");
    } else if (o->file || o->dir) {
        tbe_buf_fmt(b, "mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\") ;;\n",
                    o->dir ? 'd' : 'f');
    } else {
        tbe_buf_putz(b, ": ;;\n");
    }
}

static void
bash_options(struct tbe_buf *b, const struct command *c)
{
    for (int i = 0; i < c->n_options; i++) {
        const struct cmd_option *o = &c->options[i];
        if (o->letter) {
            tbe_buf_fmt(b, "-%c ", o->letter);
        }
        tbe_buf_fmt(b, "--%s ", o->name);
    }
    tbe_buf_putz(b, "-h --help --version");
}

void
docs_bash(struct tbe_buf *b)
{
    tbe_buf_putz(b,
                 "# SPDX-License-Identifier: Apache-2.0\n# bash completion for tbedgec; made by `tbedgec docs`\n"
                    "_tbedgec()\n{\n    local cur prev cmd= words= i\n    COMPREPLY=()\n    cur=${COMP_WORDS[COMP_CWORD]}\n"
                    "    prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                    "    if [[ $cur == = ]]; then\n        cur=\n"
                    "    elif [[ $prev == = && COMP_CWORD -gt 2 ]]; then\n        prev=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n"
                    "    [[ COMP_CWORD -gt 1 ]] && cmd=${COMP_WORDS[1]}\n"
                    "    if [[ -z $cmd ]]; then\n        mapfile -t COMPREPLY < <(compgen -W '");
    for (int i = 0; i < n_commands; i++) {
        tbe_buf_fmt(b, "%s ", commands[i]->name);
    }
    tbe_buf_putz(b,
                 "-h --help --version' -- \"$cur\")\n        return\n    fi\n    case $cmd:$prev in\n");
    for (int i = 0; i < n_commands; i++) {
        for (int k = 0; k < commands[i]->n_options; k++) {
            if (commands[i]->options[k].arg) {
                bash_values(b, commands[i], &commands[i]->options[k]);
            }
        }
    }
    tbe_buf_putz(b, "    *)\n        case $cmd in\n");
    for (int i = 0; i < n_commands; i++) {
        tbe_buf_fmt(b, "        %s) words='", commands[i]->name);
        bash_options(b, commands[i]);
        tbe_buf_putz(b, "' ;;\n");
    }
    tbe_buf_putz(b, "        esac\n        if [[ $cur == -* ]]; then\n"
                    "            mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n        else\n"
                    "            mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n        fi ;;\n    esac\n}\n"
                    "complete -o filenames -F _tbedgec tbedgec\n");
}

/* ---- zsh ------------------------------------------------------------------------------------- */

static void
zsh_option(struct tbe_buf *b, const struct cmd_option *o, bool letter)
{
    char name[2] = { o->letter, '\0' };
    tbe_buf_fmt(b, " \\\n            '%s%s%s[", letter ? "-" : "--", letter ? name : o->name,
                o->arg ? letter ? "+" : "=" : "");
    quoted(b, o->help, "[]\\");
    tbe_buf_putc(b, ']');
    if (o->arg) {
        tbe_buf_fmt(b, ":%s:", o->arg);
        if (o->values) {
            tbe_buf_putz(b, o->list ? "_values -s , " : "(");
            tbe_buf_putz(b, o->list ? o->arg : "");
            tbe_buf_putz(b, o->list ? " " : "");
            words(b, o->values);
            tbe_buf_putz(b, o->list ? "" : ")");
        } else {
            tbe_buf_putz(b, o->dir ? "_files -/" : o->file ? "_files" : " ");
        }
    }
    tbe_buf_putc(b, '\'');
}

void
docs_zsh(struct tbe_buf *b)
{
    tbe_buf_putz(b,
                 "#compdef tbedgec\n# SPDX-License-Identifier: Apache-2.0\n# made by `tbedgec docs`\n"
                    "_tbedgec() {\n    local -a commands\n    commands=(\n");
    for (int i = 0; i < n_commands; i++) {
        tbe_buf_fmt(b, "        '%s:", commands[i]->name);
        quoted(b, commands[i]->summary, ":\\");
        tbe_buf_putz(b, "'\n");
    }
    tbe_buf_putz(b,
                 "    )\n    if (( CURRENT == 2 )); then\n        _describe -t commands command commands\n"
                    "        compadd -- -h --help --version\n        return\n    fi\n"
                    "    local cmd=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $cmd in\n");
    for (int i = 0; i < n_commands; i++) {
        const struct command *c = commands[i];
        tbe_buf_fmt(b, "    %s)\n        _arguments -s", c->name);
        for (int k = 0; k < c->n_options; k++) {
            zsh_option(b, &c->options[k], false);
            if (c->options[k].letter) {
                zsh_option(b, &c->options[k], true);
            }
        }
        tbe_buf_putz(b, " \\\n            '(- *)'{-h,--help}'[show the options and stop]'"
                        " \\\n            '(- *)--version[show the version and stop]'");
        if (c->operands) {
            tbe_buf_putz(b, " \\\n            '*:operand:_files'");
        }
        tbe_buf_putz(b, " ;;\n");
    }
    tbe_buf_putz(b, "    esac\n}\n_tbedgec \"$@\"\n");
}

/* ---- fish ------------------------------------------------------------------------------------ */

void
docs_fish(struct tbe_buf *b)
{
    tbe_buf_putz(b,
                 "# SPDX-License-Identifier: Apache-2.0\n# fish completion for tbedgec; made by `tbedgec docs`\n"
                    "complete -c tbedgec -s h -l help -d 'show the options and stop'\n"
                    "complete -c tbedgec -l version -d 'show the version and stop'\n"
                    "complete -c tbedgec -n __fish_use_subcommand -f\n");
    for (int i = 0; i < n_commands; i++) {
        const struct command *c = commands[i];
        tbe_buf_fmt(b, "complete -c tbedgec -n __fish_use_subcommand -a %s -d '", c->name);
        quoted(b, c->summary, "\\");
        tbe_buf_putz(b, "'\n");
        for (int k = 0; k < c->n_options; k++) {
            const struct cmd_option *o = &c->options[k];
            tbe_buf_fmt(b, "complete -c tbedgec -n '__fish_seen_subcommand_from %s' -l %s", c->name,
                        o->name);
            if (o->letter) {
                tbe_buf_fmt(b, " -s %c", o->letter);
            }
            if (o->values) {
                tbe_buf_putz(b, " -x -a '");
                words(b, o->values);
                tbe_buf_putc(b, '\'');
            } else if (o->arg) {
                tbe_buf_putz(b,
                             o->dir ? " -x -a '(__fish_complete_directories)'" : o->file ? " -r" : " -x");
            }
            tbe_buf_putz(b, " -d '");
            quoted(b, o->help, "\\");
            tbe_buf_putz(b, "'\n");
        }
    }
}
