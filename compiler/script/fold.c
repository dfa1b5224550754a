/* SPDX-License-Identifier: Apache-2.0 */
/* Folding of JavaScript operators over literals: by the functions that run time calls, so that results
 * cannot differ. TBEL's folding is a part of its language, see tbel_expr.c. */
#include "config.h"
#include "script/lower_expr.h"

#include "tbe/js.h"

/* None of these throws for numbers, texts, booleans and null. */
static tbe_val
value_of(struct tbe_x *x, int op, tbe_val a, tbe_val b)
{
    const double p = op > OP_ADD && op <= OP_USHR ? tbe_j_num(x, a) : 0;
    const double q = op > OP_ADD && op <= OP_USHR ? tbe_j_num(x, b) : 0;
    switch (op) {
    case OP_ADD: return tbe_j_add(x, a, b);
    case OP_SUB: return tbe_double(p - q);
    case OP_MUL: return tbe_double(p * q);
    case OP_DIV: return tbe_double(p / q);
    case OP_REM: return tbe_double(tbe_j_rem(p, q));
    case OP_POW: return tbe_double(tbe_j_pow(p, q));
    case OP_BAND: return tbe_double(tbe_j_band(p, q));
    case OP_BOR: return tbe_double(tbe_j_bor(p, q));
    case OP_BXOR: return tbe_double(tbe_j_bxor(p, q));
    case OP_SHL: return tbe_double(tbe_j_shl(p, q));
    case OP_SHR: return tbe_double(tbe_j_shr(p, q));
    case OP_USHR: return tbe_double(tbe_j_ushr(p, q));
    case OP_EQ: return tbe_bool(tbe_j_eq(x, a, b));
    case OP_NE: return tbe_bool(tbe_j_ne(x, a, b));
    case OP_SEQ: return tbe_bool(tbe_j_seq(x, a, b));
    case OP_SNE: return tbe_bool(tbe_j_sne(x, a, b));
    case OP_LT: return tbe_bool(tbe_j_lt(x, a, b));
    case OP_LE: return tbe_bool(tbe_j_le(x, a, b));
    case OP_GT: return tbe_bool(tbe_j_gt(x, a, b));
    case OP_GE: return tbe_bool(tbe_j_ge(x, a, b));
    default: return TBE_UNDEF_VAL;
    }
}

static bool
simple(const struct ast *n)
{
    return n->kind == AST_LITERAL && (n->v.t == TBE_DOUBLE || n->v.t == TBE_STR_T ||
        n->v.t == TBE_BOOL || n->v.t == TBE_NULL);
}

void
lw_fold_js(struct lower *l, struct ast *n)
{
    if (n->kind != AST_BINARY) {
        return;
    }
    lw_fold_js(l, n->a);
    lw_fold_js(l, n->b);
    if (!simple(n->a) || !simple(n->b)) {
        return;
    }
    struct tbe_x x = { .a = l->a, .fuel = TBE_SCRIPT_FUEL };
    const tbe_val v = value_of(&x, n->op, n->a->v, n->b->v);
    if (v.t != TBE_UNDEF) {
        n->kind = AST_LITERAL;
        n->v = v;
        n->a = n->b = NULL;
    }
}
