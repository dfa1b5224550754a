/* SPDX-License-Identifier: Apache-2.0 */
/* What the checker finds out about a tree and the lowering uses: functions, scopes, variables, who
 * captures what, and which variables are proven numbers. */
#ifndef SCRIPT_SEMA_H
#define SCRIPT_SEMA_H

#include "script/ast.h"
#include "script/script.h"

enum sema_kind { SV_PARAM, SV_VAR, SV_LET, SV_CONST, SV_FUNC, SV_GLOBAL /* implicit */, SV_CATCH };

struct sema_var {
    struct tbe_str name;
    struct sema_func *func;
    struct sema_scope *scope;
    struct sema_var *next; /* in its scope */
    uint8_t kind;
    /* enum ast_type; AT_NUM and AT_BOOL of JavaScript are plain C variables */
    uint8_t type;
    bool captured;         /* lives in a cell */
    bool read, value_used; /* value_used: a function used other than by calling it */
    bool early;            /* maybe read before its initialisation: keep it dynamic */
    int writes;
    int index;             /* parameter number */
    int line, col;
    size_t block_no;       /* the block that declares it */
    struct ast *fn;        /* SV_FUNC: its FUNC, while it is the only declaration */
    const char *cname;
    bool declared;         /* TBEL: seen by the walk */
    bool bottom;           /* type inference: nothing known yet */
    bool counter;          /* TBEL: holds small Integers only, literals and counting: a C integer */
    bool tdz;              /* let, const: may be read before it is initialised, which throws */
};

struct sema_scope {
    struct sema_scope *up;
    struct sema_func *func;
    struct sema_var *vars, *last;
    size_t no;
    bool is_case;
};

struct sema_cap {
    struct sema_var *var;
    struct sema_cap *next;
};

struct sema_func {
    struct sema_func *up;
    struct ast *node; /* FUNC; NULL for the script */
    struct sema_scope *scope;
    struct sema_cap *caps, *last_cap;
    struct sema_var *args; /* `arguments`, when used */
    struct sema_var *self; /* `this`, when an arrow function inside uses it */
    bool uses_this, has_try, uses_args;
    bool maps_args; /* parameters are the elements of `arguments` (sloppy mode) */
    bool emitted, queued;
    bool is_static; /* captures nothing: one C function serves, no closure to keep */
    int no;
    const char *cname;
    struct sema_func *next; /* in order of the text */
};

struct sema_assign { /* one assignment, for type inference */
    struct sema_var *var;
    struct ast *value; /* NULL = something unknown */
    uint8_t op;        /* enum ast_op; OP_NONE plain; UPDATE: OP_ADD with value NULL */
    uint8_t type;      /* TBEL: enum ast_type of a typed declaration, or AT_ANY */
    bool update;
    struct sema_assign *next;
};

struct sema {
    struct ast_ctx *c;
    const struct script_source *src;
    struct sema_func *main, *last_func;
    struct sema_scope *scope;
    struct sema_func *func;
    struct sema_assign *assigns, *last_assign;
    struct sema_scope *globals; /* JavaScript: implicit globals */
    /* unresolved names */
    struct sema_free { struct ast *id; struct sema_func *func; struct sema_free *next; } *free;
    size_t n_blocks;
    int n_funcs, n_vars;
    int loop_depth;
    /* TBEL bodies */
    struct { struct ast *fn; struct sema_scope *scope; struct sema_func *up; } *later;
    int n_later, cap_later;
};

/* Resolves names and finds captures; diagnostics go to c. The tree is annotated in place. */
void sema_check(struct sema *s, struct ast *body);
/* The static type of an expression, by what is known so far; AT_ANY when unknown. */
enum ast_type sema_type(const struct sema *s, const struct ast *n);
/* TBEL: int, Integer, String ...; AT_ANY for others */
enum ast_type sema_named_type(struct tbe_str name);
bool sema_bottom(const struct sema *s, const struct ast *n);
void sema_infer(struct sema *s);

/* Rows of the built-in tables. */
struct builtin {
    const char *cls, *name, *fn;
    uint8_t type;
};
const struct builtin *builtin_find(int dialect, struct tbe_str cls, struct tbe_str name);
const struct builtin *builtin_const(int dialect, struct tbe_str cls, struct tbe_str name);
enum ast_type builtin_method_type(int dialect, enum ast_type recv, struct tbe_str name);
bool builtin_class(int dialect, struct tbe_str cls);

#endif
