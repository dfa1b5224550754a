/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `tbedgec eval` share. */
#ifndef SCRIPT_EVAL_H
#define SCRIPT_EVAL_H

#include "drive/drive.h"
#include "script/script.h"

#define SCRIPTS_PER_FILE 100
#define MAX_FILES 200

struct vector {
    tbe_val v; /* the vector's object */
    struct tbe_str id, kind, script;
    int dialect, prog; /* number of the script in the program */
    bool compiled;
    struct tbe_str why; /* compile error */
    bool ok;
    struct tbe_str result; /* line of the program */
    /* the result is a Character, or a list with one: JSON does not tell it from a string */
    bool chars;
};

struct eval {
    struct tbe_arena a;
    struct vector *v;
    uint32_t n;
    char dir[64];
    struct toolchain tc;
    int passed, failed;
};

/* eval.c */
tbe_val eval_field(tbe_val o, const char *name);
struct tbe_str eval_text_of(tbe_val v);
int eval_load(struct eval *e, const char *path);
bool eval_is_generator(const struct vector *t);
int eval_build(struct eval *e);
int eval_run(struct eval *e);

#endif
