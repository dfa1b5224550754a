/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts of rule nodes, compiled ahead of time: text -> AST -> checked AST -> C text. The C
 * text holds static functions and ends with `static const struct tbe_script <symbol> = {...};`
 * (tbe/script.h). It is deterministic, warning-free under the project's flags with gcc, clang
 * and tcc, and script text gets into it only through the string-literal and comment writers of
 * cwrite.h. */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "tbe/script.h"

#define SCRIPT_MAX_UNITS 50000 /* UTF-16 units of a script's text */

struct script_source {
    struct tbe_str text;
    int dialect;           /* TBE_DIALECT_TBEL or TBE_DIALECT_JS */
    const char *symbol;    /* C identifier, unique in the file; static names start with it */
    const char *params[3]; /* msg, metadata, msgType (generator: prevMsg ...) */
    int n_params;          /* 0..3 */
    bool line_directives;  /* emit #line into line_file */
    const char *line_file; /* name for #line; may be NULL */
    /* with line_directives: count lines and conditions that run (tbe/cover.h) */
    bool coverage;
};

struct script_diag {
    int line, col; /* 1-based; col counts bytes */
    bool warning;
    const char *code; /* static: "syntax", "unsupported", "undeclared", ... */
    struct tbe_str msg; /* what is wrong and what to write instead */
};

struct script_result {
    struct tbe_buf c; /* caller frees with tbe_buf_free */
    struct script_diag *diags; /* in the arena, in order of discovery */
    uint32_t n_diags;
    bool refused; /* does not compile: the emitted tbe_script carries `refused`, every run fails */
    bool mutates_msg, mutates_metadata;
    uint8_t uses; /* TBE_USES_* */
};

/* 0, or -1 out of memory. A refused script is not an error: out->c is valid C either way. */
int script_compile(struct tbe_arena *a, const struct script_source *in, struct script_result *out);

/* The header lines a file of compiled scripts needs: #include <tbe/script.h> and friends. */
void script_prologue(struct tbe_buf *b);

/* `tbedgec eval VECTORS.json...`: exit status. */
int eval_main(int argc, char **argv);

#endif
