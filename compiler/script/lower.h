/* SPDX-License-Identifier: Apache-2.0 */
/* State of the lowering from checked tree to C text. An expression becomes C text plus, where C
 * cannot say it in one expression, statements put before it. Text of one function is collected
 * in `out`. */
#ifndef SCRIPT_LOWER_H
#define SCRIPT_LOWER_H

#include "script/sema.h"

enum rep { REP_VAL, REP_NUM /* C double */, REP_BOOL /* C bool */,
    REP_INT /* int32_t: a counter of TBEL */ };

struct cx { /* a C expression */
    struct tbe_str t;
    uint8_t rep;
    /* means the same whatever is executed before it: constants, variables written once */
    bool stable;
    uint16_t nest; /* parentheses deep */
};

struct cfunc { /* the C function being written: a script function, or a try block moved out of it */
    struct cfunc *up;
    bool is_try;
    /* jumps out of a try block: return code 2 + index */
    struct { struct target *t; bool cont; } exits[32];
    int n_exits;
    bool returns;
};

struct target { /* what break and continue can mean */
    struct target *up;
    struct tbe_str labels[4];
    int n_labels;
    int id;
    bool loop, breakable, c_switch, native_continue;
    bool used_break, used_continue;
    struct cfunc *cf;
};

struct lower {
    struct sema *s;
    struct tbe_arena *a;
    const struct script_source *src;
    const char *sym, *P; /* symbol; "tbe_j" or "tbe_t" */
    bool js;
    bool converts; /* the script may define valueOf or toString: conversions have effects */
    struct tbe_buf *out;
    /* prototypes and constants; frame structs; functions done */
    struct tbe_buf decls, frames, funcs;
    struct tbe_buf frame;                /* members of the frame of the current function */
    int indent;
    int n_tmp, n_hints, n_consts, n_ids, n_names;
    struct sema_func *f;
    struct cfunc *cf;
    struct target *targets;
    int last_line;
    struct tbe_str pending[4];
    int n_pending; /* labels in front of the statement to come */
};

/* lower_expr.c */
struct cx lw_expr(struct lower *l, struct ast *n);
struct tbe_str lw_val(struct lower *l, struct ast *n);  /* as tbe_val */
struct tbe_str lw_cond(struct lower *l, struct ast *n); /* as C truth */
/* Condition t, made of n; counted when the script is compiled with coverage. */
struct tbe_str lw_cover(struct lower *l, const struct ast *n, struct tbe_str t);
void lw_discard(struct lower *l, struct ast *n);        /* for its effects */
struct tbe_str lw_as_val(struct lower *l, struct cx c);
struct cx lw_spill(struct lower *l, struct cx c);
struct tbe_str lw_str(struct lower *l, struct tbe_str s);   /* struct tbe_str constant */
struct tbe_str lw_strval(struct lower *l, struct tbe_str s); /* tbe_val constant */
struct tbe_str lw_var(struct lower *l, struct sema_var *v); /* an lvalue */
const char *lw_null(const struct lower *l);
/* the text of n, as a C string literal */
struct tbe_str lw_site(struct lower *l, const struct ast *n);
/* target = v, patterns too */
void lw_bind(struct lower *l, struct ast *target, struct cx v, bool decl);
/* IDENT that names a function of the script that can be called as a C function */
bool lw_direct(const struct ast *n);
struct tbe_str lw_own_this(struct lower *l); /* `this` of the function being written */
bool lw_has_effect(struct ast *n);

/* lower_func.c */
struct tbe_str lw_closure(struct lower *l, struct sema_func *f);
void lw_queue(struct lower *l, struct sema_func *f);
void lw_declare_scope(struct lower *l, struct sema_scope *sc);
void lw_hoist(struct lower *l, struct ast *list);
void lw_func(struct lower *l, struct sema_func *f, struct ast *body);
int lw_list_length(const struct ast *n);
bool lw_mapped(const struct sema_var *v);
const char *lw_var_name(struct lower *l, struct sema_var *v);

/* lower_stmt.c */
void lw_stmt(struct lower *l, struct ast *n);
void lw_list(struct lower *l, struct ast *n);
void lw_tail(struct lower *l, struct ast *list); /* TBEL: the last value is returned */
void lw_return(struct lower *l, struct tbe_str value);

/* output */
void lw_line(struct lower *l, const char *fmt, ...) TBE_PRINTF(2, 3);
struct tbe_str lw_fmt(struct lower *l, const char *fmt, ...) TBE_PRINTF(2, 3);
struct tbe_buf *lw_divert(struct lower *l, struct tbe_buf *to);
struct tbe_str lw_strip(struct tbe_str t); /* without one pair of outer parentheses */

#define S_(s) (int)(s).n, (s).p

#endif
