/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the lowering of expressions share. */
#ifndef SCRIPT_LOWER_EXPR_H
#define SCRIPT_LOWER_EXPR_H

#include "script/lower.h"

struct args { /* arguments of a call */
    struct tbe_str text; /* "2, (const tbe_val[2]){ a, b }" */
    int nest;
};

/* lower_operand.c */
bool lw_list_effect(struct ast *n);
bool lw_may_throw(struct ast *n);
struct cx lw_mk(struct lower *l, enum rep rep, int nest, struct tbe_str t);
struct cx lw_stable(enum rep rep, struct tbe_str t);
struct tbe_str lw_as_num(struct lower *l, struct cx c);
struct tbe_str lw_as_cond(struct lower *l, struct cx c);
struct tbe_str lw_hint(struct lower *l);
struct tbe_str lw_num_text(struct lower *l, double d);
void lw_operands(struct lower *l, int n, struct ast **e, struct cx *out);
int lw_max_nest(const struct cx *c, int n);
int lw_count(const struct ast *n);
bool lw_has_spread(const struct ast *n);
struct tbe_str lw_spread_list(struct lower *l, struct ast *list);
struct args lw_array_of(struct lower *l, struct cx *c, int n);
struct args lw_arguments(struct lower *l, struct ast *first, struct cx *fc, struct ast *list);

/* lower_props.c */
struct cx lw_builtin_value(struct lower *l, struct ast *n);
struct cx lw_ident(struct lower *l, struct ast *n);
struct tbe_str lw_needed(struct lower *l, struct cx o, const struct ast *n);
struct cx lw_index_op(struct lower *l, struct cx o, struct cx i, const struct ast *at);
struct cx lw_chain(struct lower *l, struct ast *n);
struct cx lw_self_value(struct lower *l, const struct ast *n);
struct cx lw_member(struct lower *l, struct ast *n);
struct cx lw_index_expr(struct lower *l, struct ast *n);

/* fold.c */
void lw_fold_js(struct lower *l, struct ast *n); /* makes a literal of n where it can */

/* lower_call.c */
struct cx lw_call(struct lower *l, struct ast *n);
struct cx lw_new_op(struct lower *l, struct ast *n);

/* lower_ops.c */
struct cx lw_js_binary(struct lower *l, int op, struct cx a, struct cx b);
struct cx lw_tbel_binary(struct lower *l, struct ast *n, int op, struct ast *an, struct ast *bn,
    struct cx a, struct cx b);
struct cx lw_ternary(struct lower *l, struct tbe_str cond, int nest, struct ast *b, struct ast *c);
struct cx lw_binary(struct lower *l, struct ast *n);
struct tbe_str lw_takes_b(struct lower *l, int op, struct cx t);
struct cx lw_logical(struct lower *l, struct ast *n);
struct cx lw_test(struct lower *l, struct ast *n);
struct cx lw_unary(struct lower *l, struct ast *n);

/* lower_assign.c */
struct cx lw_assign(struct lower *l, struct ast *n, bool want);
struct cx lw_update(struct lower *l, struct ast *n, bool want);

/* lower_lit.c */
struct cx lw_literal(struct lower *l, struct ast *n);
struct cx lw_list_literal(struct lower *l, struct ast *n);
struct cx lw_map_literal(struct lower *l, struct ast *n);
struct cx lw_template(struct lower *l, struct ast *n);
struct cx lw_sequence(struct lower *l, struct ast *n);
struct cx lw_fold(struct lower *l, struct ast *n);
struct cx lw_with(struct lower *l, struct ast *n);
struct cx lw_new_array(struct lower *l, struct ast *n);

#endif
