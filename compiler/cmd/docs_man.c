/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages in mdoc, which man-db and mandoc both show. */
#include "config.h"
#include <string.h>
#include "cmd/docs.h"

/* One line of running text: backslashes and what would start a request are quoted. */
static void
line(struct tbe_buf *b, const char *p, size_t n)
{
    if (n && (*p == '.' || *p == '\'')) {
        tbe_buf_putz(b, "\\&");
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\\') {
            tbe_buf_putz(b, "\\e");
        } else if (p[i] == '-' && i + 1 < n && p[i + 1] == '-') {
            tbe_buf_putz(b, "\\-\\-");
            i++;
        } else {
            tbe_buf_putc(b, p[i]);
        }
    }
    tbe_buf_putc(b, '\n');
}

/* Paragraphs: an empty line starts a new one; a sentence starts a line of its own, as mdoc wants. */
static void
paragraphs(struct tbe_buf *b, const char *text)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n"), from = 0;
        if (n == 0 && p[1]) {
            tbe_buf_putz(b, ".Pp\n");
        }
        for (size_t i = 0; i + 2 < n; i++) {
            if (strchr(".!?", p[i]) && p[i + 1] == ' ' && p[i + 2] != ' ') {
                line(b, p + from, i + 1 - from);
                from = i + 2;
            }
        }
        if (n > from) {
            line(b, p + from, n - from);
        }
        p += n + (p[n] == '\n');
    }
}

/* A word as argument of a macro: not taken for a macro or punctuation. */
static void
word(struct tbe_buf *b, const char *w)
{
    tbe_buf_fmt(b, " \\&%s", w);
}

static void
head(struct tbe_buf *b, const char *page, const char *section, const char *name, const char *what)
{
    tbe_buf_putz(b, ".\\\" SPDX-License-Identifier: Apache-2.0\n.Dd " DOCS_DATE "\n.Dt ");
    for (const char *p = page; *p; p++) {
        tbe_buf_putc(b, (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p));
    }
    tbe_buf_fmt(b, " %s\n.Os tbedgec " PACKAGE_VERSION "\n.Sh NAME\n.Nm %s\n.Nd %s\n", section,
                name, what);
}

static void
exits(struct tbe_buf *b, const char *text)
{
    text = text ? text : "0 clean, 1 problems in the chains, 2 usage or input/output";
    tbe_buf_putz(b, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    for (const char *p = text; *p;) { /* "0 done, 1 something else, 2 ..." */
        const char *end = p;
        do {
            end += strcspn(end, ",");
            end += *end == ',';
        } while (*end && !(end[0] == ' ' && end[1] >= '0' && end[1] <= '9'));
        size_t n = (size_t)(end - p) - (end[-1] == ',');
        tbe_buf_fmt(b, ".It %c\n", *p);
        line(b, p + 2, n > 2 ? n - 2 : 0);
        p = end + strspn(end, " ");
    }
    tbe_buf_putz(b, ".El\n");
}

static void
examples(struct tbe_buf *b, const char *text)
{
    tbe_buf_putz(b, ".Sh EXAMPLES\n.Bd -literal -offset indent\n");
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        line(b, p, n);
        p += n + (p[n] == '\n');
    }
    tbe_buf_putz(b, ".Ed\n");
}

static void
option(struct tbe_buf *b, const struct cmd_option *o)
{
    tbe_buf_putz(b, ".It");
    if (o->letter) {
        tbe_buf_fmt(b, " Fl %c ,", o->letter);
    }
    tbe_buf_fmt(b, " Fl \\-%s", o->name);
    if (o->arg) {
        tbe_buf_putz(b, " Ar");
        word(b, o->arg);
    }
    tbe_buf_putc(b, '\n');
    line(b, o->help, strlen(o->help));
    if (o->values) {
        tbe_buf_fmt(b, "%s.Bq ", o->list ? "(several with commas)\n" : "");
        for (const char *p = o->values; *p; p++) {
            tbe_buf_putz(b, *p == '|' ? " | " : (char[]){ *p, '\0' });
        }
        tbe_buf_putc(b, '\n');
    }
}

static void
options(struct tbe_buf *b, const struct command *c)
{
    tbe_buf_putz(b, ".Bl -tag -width Ds\n");
    for (int i = 0; i < c->n_options; i++) {
        option(b, &c->options[i]);
    }
    tbe_buf_putz(b, ".It Fl h , Fl \\-help\nshow the options and stop\n"
                    ".It Fl \\-version\nshow the version and stop\n.El\n");
}

/* References to all pages but this one, sorted by section and name as mdoc wants. */
static void
see_also(struct tbe_buf *b, const char *self)
{
    const char *names[64] = { "tbedge", "tbedgec" };
    char pages[64][32] = { "" };
    int n = 2;
    for (int i = 0; i < n_commands && n < 64; i++) {
        snprintf(pages[n], sizeof pages[n], "tbedgec-%s", commands[i]->name);
        int k = n++;
        for (; k > 2 && strcmp(names[k - 1], pages[n - 1]) > 0; k--) {
            names[k] = names[k - 1];
        }
        names[k] = pages[n - 1];
    }
    tbe_buf_putz(b, ".Sh SEE ALSO\n");
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], self) != 0) {
            tbe_buf_fmt(b, ".Xr %s 1 ,\n", names[i]);
        }
    }
    tbe_buf_putz(b, ".Xr tbedge.yml 5\n");
}

void
docs_man_command(struct tbe_buf *b, const struct command *c)
{
    char page[64];
    snprintf(page, sizeof page, "tbedgec-%s", c->name);
    head(b, page, "1", page, c->summary);
    tbe_buf_fmt(b, ".Sh SYNOPSIS\n.Nm tbedgec %s\n", c->name);
    for (int i = 0; i < c->n_options; i++) {
        const struct cmd_option *o = &c->options[i];
        if (o->letter) {
            tbe_buf_fmt(b, ".Op Fl %c", o->letter);
        } else {
            tbe_buf_fmt(b, ".Op Fl \\-%s", o->name);
        }
        if (o->arg) {
            tbe_buf_putz(b, " Ar");
            word(b, o->arg);
        }
        tbe_buf_putc(b, '\n');
    }
    if (c->operands) {
        tbe_buf_putz(b, ".Ar");
        word(b, c->operands);
        tbe_buf_putc(b, '\n');
    }
    tbe_buf_putz(b, ".Sh DESCRIPTION\n");
    paragraphs(b, c->about);
    tbe_buf_putz(b, ".Pp\nThe options are:\n");
    options(b, c);
    exits(b, c->exits);
    if (c->examples) {
        examples(b, c->examples);
    }
    see_also(b, page);
}

void
docs_man_main(struct tbe_buf *b)
{
    head(b, "tbedgec", "1", "tbedgec", "compile ThingsBoard rule chains to a native program");
    tbe_buf_putz(b,
                 ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar option ...\n.Op Ar file ...\n.Nm\n.Fl h | \\-help\n.Nm\n"
                    ".Fl \\-version\n.Sh DESCRIPTION\n.Nm\nreads ThingsBoard rule chains, JSON or YAML, checks them and\n"
                    "translates them and their TBEL and JavaScript scripts to C and to a native program, the worker,\n"
                    "which\n.Xr tbedge 1\nruns.\n.Pp\nThe commands are:\n.Bl -tag -width Ds\n");
    for (int i = 0; i < n_commands; i++) {
        tbe_buf_fmt(b, ".It Cm %s\n%s;\nsee\n.Xr tbedgec-%s 1\n", commands[i]->name,
                    commands[i]->summary, commands[i]->name);
    }
    tbe_buf_putz(b,
                 ".El\n.Pp\nA\n.Ar file\nthat is\n.Sq -\nis standard input;\n.Sq \\-\\-\nends the options.\n"
                    "Long options may be shortened and take their value behind a space or\n.Sq = .\n"
                    ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
                    ".It Ev CC\nthe C compiler, with its options, when\n.Fl \\-cc\nis not given\n"
                    ".It Ev NO_COLOR\nwhen set and not empty, no colours; without it there are colours on a terminal\n"
                    ".It Ev TMPDIR\nwhere the C is compiled\n.El\n"
                    ".Sh FILES\n.Bl -tag -width Ds\n.It Pa worker.digest\nbeside a worker: what it was made of, so that an "
                    "unchanged program is not built again\n.El\n");
    exits(b, NULL);
    see_also(b, "tbedgec");
}

/* ---- tbedge.yml ------------------------------------------------------------------------------ */

static void
setting(struct tbe_buf *b, const struct doc *s, const char *path)
{
    struct tbe_buf def = { 0 };
    struct tbe_str type = doc_text(s, "type"), env = doc_text(s, "x-env"), what = doc_text(s, "description");
    const struct doc *d = doc_get(s, "default"), *min = doc_get(s, "minimum"), *max = doc_get(s, "maximum");
    const struct doc *values = doc_get(s, "enum");
    tbe_buf_fmt(b, ".It Cm %s", path);
    if (type.n) {
        tbe_buf_fmt(b, " Pq %.*s", (int)type.n, type.p);
    }
    tbe_buf_putc(b, '\n');
    if (what.n) {
        line(b, what.p, what.n);
        tbe_buf_putz(b, ".br\n");
    }
    for (const struct doc *v = values &&
         values->t == DOC_LIST ? values->first : NULL; v; v = v->next) {
        tbe_buf_fmt(b, "%s%.*s%s", v == values->first ? "One of " : "", (int)v->s.n, v->s.p,
                    v->next ? ", " : ".\n");
    }
    if (min && max) {
        tbe_buf_fmt(b, "From %.*s to %.*s.\n", (int)min->s.n, min->s.p, (int)max->s.n, max->s.p);
    }
    if (d) {
        doc_json(&def, d);
        tbe_buf_fmt(b, "Default %.*s.\n", (int)def.n, def.p);
        tbe_buf_free(&def);
    }
    if (env.n) {
        tbe_buf_fmt(b, "Environment\n.Ev %.*s .\n", (int)env.n, env.p);
    }
}

static void
settings(struct tbe_buf *b, const struct doc *schema, const char *path)
{
    const struct doc *props = doc_get(schema, "properties");
    for (const struct doc *m = props ? props->first : NULL; m; m = m->next) {
        char full[256];
        snprintf(full, sizeof full, "%s%s%.*s", path, *path ? "." : "", (int)m->key.n, m->key.p);
        if (doc_get(m, "properties")) {
            settings(b, m, full);
        } else {
            setting(b, m, full);
        }
    }
}

void
docs_man_settings(struct tbe_buf *b, const struct doc *schema)
{
    struct tbe_str what = doc_text(schema, "description");
    head(b, "tbedge.yml", "5", "tbedge.yml", "settings of tbedge");
    tbe_buf_putz(b, ".Sh DESCRIPTION\n");
    struct tbe_buf z = { 0 };
    tbe_buf_puts(&z, what);
    tbe_buf_putc(&z, '\n');
    paragraphs(b, z.p ? z.p : "");
    tbe_buf_free(&z);
    tbe_buf_putz(b,
                 ".Pp\nThe file is YAML: a setting\n.Cm a.b.c\nis the key c of the map b of the map a.\n"
                    "Without\n.Fl c\nit is looked for as\n.Pa tbedge.yml\nand\n.Pa /etc/tbedge/tbedge.yml .\n"
                    "Options of the command line go before the environment, that before the file.\n"
                    "An unknown key is an error.\n.Pp\nThe settings are:\n.Bl -tag -width Ds\n");
    settings(b, schema, "");
    tbe_buf_putz(b, ".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/tbedge/tbedge.yml\n.El\n"
                    ".Sh SEE ALSO\n.Xr tbedge 1 ,\n.Xr tbedgec 1\n");
}
