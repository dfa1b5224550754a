/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: the user's mistakes, collected with position and stable code, sorted, then shown. */
#ifndef TBE_CHECK_DIAG_H
#define TBE_CHECK_DIAG_H

#include <stdio.h>
#include "tbe/base.h"

#define DIAG_MAX 1000 /* kept; what is beyond is only counted */

enum diag_code {
#define CODE(id, severity, scope, summary) id,
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

struct diag {
    enum diag_code code;
    enum diag_severity severity;
    struct diag_pos pos;
    struct tbe_str text;
    uint32_t order;
};

struct diags {
    struct tbe_arena *arena;
    struct diag *v;
    uint32_t n, cap, dropped;
    uint32_t errors, warnings;
    bool build; /* errors of one node are shown as warnings: the build goes on without it */
};

void diags_init(struct diags *ds, struct tbe_arena *a);
void diag_add(struct diags *ds, enum diag_code code, struct diag_pos pos, const char *fmt, ...) TBE_PRINTF(4, 5);
void diags_sort(struct diags *ds);
/* gcc style text, coloured when `colour`; or one JSON object. */
void diags_text(const struct diags *ds, FILE *out, bool colour);
void diags_json(const struct diags *ds, FILE *out);
const char *diag_code_name(enum diag_code code); /* "C2102" */

#endif
