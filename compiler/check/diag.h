/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: the user's mistakes, collected with position and stable code, sorted, then shown. */
#ifndef TBE_CHECK_DIAG_H
#define TBE_CHECK_DIAG_H

#include <stdio.h>
#include "tbe/base.h"

#define DIAG_MAX 10000 /* kept; what is beyond is only counted */

enum diag_code {
#define CODE(id, severity, scope, summary, hint, page) id,
#include "check/codes.def"
#undef CODE
    DIAG_N_CODES
};

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };
/* What a mistake spoils: the whole build, or one node, which then fails every message. */
enum diag_scope { DIAG_CHAIN, DIAG_NODE };

struct diag_pos {
    const char *file; /* NULL: no file */
    uint32_t line, col;
    struct tbe_str pointer; /* JSON pointer; absent: none */
    const void *at;         /* struct doc the pointer is made of when shown, or NULL */
};

/* Where in the chains we are: every diagnostic carries it. */
struct diag_place {
    struct tbe_str chain, node; /* names; absent: outside */
    int64_t index;              /* of the node, -1: none */
};

struct diag {
    enum diag_code code;
    enum diag_severity severity;
    struct diag_pos pos;
    struct diag_place place;
    struct tbe_str text, hint; /* hint: absent when there is none */
    uint32_t order;
};

struct diag_source {
    const char *file;
    struct tbe_str text;
    const struct diag_source *next;
};

struct diags {
    struct tbe_arena *arena;
    struct diag *v;
    uint32_t n, cap, dropped;
    uint32_t errors, warnings, notes;
    struct diag_place place; /* of what is added now */
    const struct diag_source *sources;
    bool build; /* errors of one node are shown as warnings: the build goes on without it */
    bool no_notes; /* notes are not even counted */
    bool skipped;  /* the last one was not kept: its hint is not either */
};

/* What is known of a code. */
struct diag_info {
    const char *name; /* "C2102" */
    enum diag_severity severity;
    enum diag_scope scope;
    const char *summary, *hint, *page; /* hint may be NULL */
};

void diags_init(struct diags *ds, struct tbe_arena *a);
void diag_add(struct diags *ds, enum diag_code code, struct diag_pos pos, const char *fmt, ...) TBE_PRINTF(4, 5);
/* The same with another severity than the code's own. */
void diag_add_as(struct diags *ds, enum diag_severity severity, enum diag_code code, struct diag_pos pos,
                 const char *fmt, ...) TBE_PRINTF(5, 6);
/* Replaces the hint of what was added last. */
void diag_hint(struct diags *ds, const char *fmt, ...) TBE_PRINTF(2, 3);
/* Sets the place for what follows: a chain, and a node of it (index -1: none). */
void diag_at(struct diags *ds, struct tbe_str chain, struct tbe_str node, int64_t index);
/* The text of a file, for carets; both live as long as ds. */
void diags_source(struct diags *ds, const char *file, struct tbe_str text);
void diags_sort(struct diags *ds);
const struct diag_info *diag_info(enum diag_code code);
/* By name, any case; -1: no such code. */
int diag_code_find(const char *name);
const char *diag_severity_name(enum diag_severity severity); /* "error" */

/* ---- reports (report.c, sarif.c) ---- */
/* gcc style text with source line, caret and hint, coloured when `colour`. */
void diags_text(const struct diags *ds, FILE *out, bool colour);
/* One JSON object a line. */
void diags_json(const struct diags *ds, FILE *out);
/* One SARIF 2.1.0 log. */
void diags_sarif(const struct diags *ds, FILE *out);
/* Workflow commands of GitHub Actions. */
void diags_github(const struct diags *ds, FILE *out);
/* "text" with quotes and escapes. */
void diag_put_json(FILE *out, struct tbe_str s);

/* ---- baseline (baseline.c): what is known and accepted ---- */
/* Drops every diagnostic that stands in the baseline's text, as often as it stands there, and counts again.
 * -1 when the text is no baseline. */
int diags_baseline(struct diags *ds, struct tbe_str text) TBE_MUST_USE;
/* The baseline of all that is in ds. */
void diags_put_baseline(const struct diags *ds, FILE *out);

#endif
