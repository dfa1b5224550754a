/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of expressions, one function each; and an expression as value, for its effects, as a
 * whole. */
#include "config.h"
#include "script/lower_expr.h"

static struct cx
lw_cond_expr(struct lower *l, struct ast *n)
{
    if (!l->js) {
        struct cx c = lw_expr(l, n->a);
        struct tbe_str t = c.rep == REP_BOOL ? c.t : lw_fmt(l, "tbe_t_cond(x, %.*s)",
            S_(lw_as_val(l, c)));
        return lw_ternary(l, lw_cover(l, n->a, t), c.nest, n->b, n->c);
    }
    struct cx t = lw_test(l, n->a);
    return lw_ternary(l, lw_cover(l, n->a, t.t), t.nest, n->b, n->c);
}

struct cx
lw_expr(struct lower *l, struct ast *n)
{
    struct cx c;
    switch (n->kind) {
    case AST_LITERAL:
        return lw_literal(l, n);
    case AST_EMPTY:
        return lw_stable(REP_VAL, TBE_STR("TBE_NULL_VAL"));
    case AST_IDENT:
        return lw_ident(l, n);
    case AST_THIS:
        return lw_self_value(l, n);
    case AST_TEMPLATE:
        return lw_template(l, n);
    case AST_REGEX:
        return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_regex(x, %.*s, %.*s)", S_(lw_str(l, n->s)),
            S_(lw_str(l, n->s2))));
    case AST_LIST:
        return lw_list_literal(l, n);
    case AST_MAP:
        return lw_map_literal(l, n);
    case AST_FUNC:
        return lw_mk(l, REP_VAL, 2, lw_closure(l, n->func));
    case AST_MEMBER:
        return lw_member(l, n);
    case AST_INDEX:
        return lw_index_expr(l, n);
    case AST_CALL:
        return lw_call(l, n);
    case AST_CHAIN:
        return lw_chain(l, n);
    case AST_NEW:
        return lw_new_op(l, n);
    case AST_NEW_ARRAY:
        return lw_new_array(l, n);
    case AST_UNARY:
        return lw_unary(l, n);
    case AST_BINARY:
        if (l->js) {
            lw_fold_js(l, n);
        }
        return n->kind == AST_LITERAL ? lw_literal(l, n) : lw_binary(l, n);
    case AST_LOGICAL:
        return lw_logical(l, n);
    case AST_ASSIGN:
        c = lw_assign(l, n, true);
        /* a C assignment inside an expression is ordered by nothing */
        return c.stable ? c : lw_spill(l, c);
    case AST_UPDATE:
        c = lw_update(l, n, true);
        return c.stable ? c : lw_spill(l, c);
    case AST_COND:
        return lw_cond_expr(l, n);
    case AST_SEQ:
        return lw_sequence(l, n);
    case AST_CAST:
        c = lw_expr(l, n->a);
        return lw_mk(l, REP_VAL, c.nest, lw_fmt(l, "tbe_t_cast(x, %.*s, %.*s)", S_(lw_str(l, n->s)),
            S_(lw_as_val(l, c))));
    case AST_ISDEF:
        return lw_stable(REP_BOOL, n->a->kind == AST_IDENT &&
            n->a->var != NULL ? TBE_STR("true") : TBE_STR("false"));
    case AST_FOLD:
        return lw_fold(l, n);
    case AST_WITH:
        return lw_with(l, n);
    default:
        ast_error(l->s->c, n->line, n->col, "unsupported", "this cannot be compiled here");
        return lw_stable(REP_VAL, TBE_STR("TBE_NULL_VAL"));
    }
}

struct tbe_str
lw_val(struct lower *l, struct ast *n)
{
    return lw_as_val(l, lw_expr(l, n));
}

void
lw_discard(struct lower *l, struct ast *n)
{
    if (n->kind == AST_SEQ) {
        for (struct ast *e = n->list; e != NULL; e = e->next) {
            lw_discard(l, e);
        }
        return;
    }
    struct cx c = n->kind == AST_ASSIGN ? lw_assign(l, n, false) : n->kind == AST_UPDATE ?
        lw_update(l, n, false) :
        lw_expr(l, n);
    if (n->kind == AST_ASSIGN && c.t.n > 0 && c.t.p[0] == '(' && n->a->kind == AST_IDENT &&
        n->op < OP_AND) {
        lw_line(l, "%.*s;", S_(lw_strip(c.t)));
    } else if (n->kind == AST_UPDATE && n->a->kind == AST_IDENT && c.t.p[0] == '(') {
        lw_line(l, "%.*s;", S_(lw_strip(c.t)));
    } else if (!(c.stable && !lw_has_effect(n)) && !(n->kind == AST_ASSIGN &&
        n->a->kind != AST_IDENT) &&
        !(n->kind == AST_UPDATE && n->a->kind != AST_IDENT)) {
        lw_line(l, "(void)%.*s;", S_(c.t));
    }
}
