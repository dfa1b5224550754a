/* SPDX-License-Identifier: Apache-2.0 */
/* Operators and assignments of JavaScript. */
#include "config.h"
#include "script/js_room.h"

#include <math.h>
#include <string.h>

static struct ast *unary(struct jp *p);

/* ---- operators ---- */

static struct ast *
prefix_op(struct jp *p, enum ast_op op)
{
    struct ast *n = jp_node(p, AST_UNARY);
    n->op = (uint8_t)op;
    jp_next(p);
    n->a = unary(p);
    if (jp_is(p, PK2('*', '*')) && op != OP_NONE) {
        jp_fail_at(p, &p->t, "syntax", "put parentheses around the left side of **");
    }
    return n;
}

static struct ast *
unary_inner(struct jp *p)
{
    if (p->t.t == JT_PUNCT) {
        switch (p->t.punct) {
        case '!':
            return prefix_op(p, OP_NOT);
        case '-':
            return prefix_op(p, OP_NEG);
        case '+':
            return prefix_op(p, OP_PLUS);
        case '~':
            return prefix_op(p, OP_BNOT);
        case PK2('+', '+'):
        case PK2('-', '-'): {
            struct ast *u = jp_node(p, AST_UPDATE);
            u->op = jp_is(p, PK2('+', '+')) ? OP_ADD : OP_SUB;
            u->flags = AST_F_PREFIX;
            jp_next(p);
            u->a = unary(p);
            if (u->a->kind == AST_LIST || u->a->kind == AST_MAP) {
                jp_unexpected(p, "a variable or property");
            }
            jp_to_pattern(p, u->a, false);
            return u;
        }
        default:
            break;
        }
    } else if (jp_is_word(p, "typeof")) {
        return prefix_op(p, OP_TYPEOF);
    } else if (jp_is_word(p, "void")) {
        return prefix_op(p, OP_VOID);
    } else if (jp_is_word(p, "delete")) {
        return prefix_op(p, OP_DELETE);
    }
    return jp_postfix(p);
}

static struct ast *
unary(struct jp *p)
{
    if (!jp_enter(p)) {
        return jp_node(p, AST_NOP);
    }
    struct ast *n = unary_inner(p);
    p->depth--;
    return n;
}

static const struct js_binop {
    uint32_t punct;
    uint8_t prec, op;
} binops[] = {
    { PK2('?', '?'), 1, OP_NULLISH }, { PK2('|', '|'), 2, OP_OR }, { PK2('&', '&'), 3, OP_AND },
    { '|', 4, OP_BOR }, { '^', 5, OP_BXOR }, { '&', 6, OP_BAND },
    { PK2('=', '='), 7, OP_EQ }, { PK2('!', '='), 7, OP_NE }, { PK3('=', '=', '='), 7, OP_SEQ },
    { PK3('!', '=', '='), 7, OP_SNE },
    { '<', 8, OP_LT }, { '>', 8, OP_GT }, { PK2('<', '='), 8, OP_LE }, { PK2('>', '='), 8, OP_GE },
    { PK2('<', '<'), 9, OP_SHL }, { PK2('>', '>'), 9, OP_SHR }, { PK3('>', '>', '>'), 9, OP_USHR },
    { '+', 10, OP_ADD }, { '-', 10, OP_SUB },
    { '*', 11, OP_MUL }, { '/', 11, OP_DIV }, { '%', 11, OP_REM },
    { PK2('*', '*'), 12, OP_POW },
};

static struct js_binop
binop(const struct jp *p)
{
    struct js_binop none = { 0, 0, OP_NONE };
    if (p->t.t == JT_PUNCT) {
        for (size_t i = 0; i < sizeof(binops) / sizeof(binops[0]); i++) {
            if (binops[i].punct == p->t.punct) {
                return binops[i];
            }
        }
    } else if (jp_is_word(p, "instanceof")) {
        return (struct js_binop){ 0, 8, OP_INSTANCEOF };
    } else if (jp_is_word(p, "in") && !p->no_in) {
        return (struct js_binop){ 0, 8, OP_IN };
    }
    return none;
}

static struct ast *
binary(struct jp *p, int min)
{
    struct ast *left = unary(p);
    for (int terms = 0;; terms++) {
        struct js_binop o = binop(p);
        if (o.prec == 0 || o.prec < min) {
            return left;
        }
        if (terms > MAX_CHAIN) {
            jp_fail_at(p, &p->t, "depth", "this expression is too long: split it with variables");
        }
        bool logical = o.op == OP_AND || o.op == OP_OR || o.op == OP_NULLISH;
        struct ast *n = jp_node(p, logical ? AST_LOGICAL : AST_BINARY);
        n->op = o.op;
        jp_next(p);
        n->a = left;
        if (!jp_enter(p)) {
            return n;
        }
        n->b = binary(p, o.op == OP_POW ? o.prec : o.prec + 1);
        p->depth--;
        left = n;
    }
}

static enum ast_op
assign_op(const struct jp *p, bool *yes)
{
    static const struct {
        uint32_t punct;
        uint8_t op;
    } ops[] = { { '=', OP_NONE }, { PK2('+', '='), OP_ADD }, { PK2('-', '='), OP_SUB },
        { PK2('*', '='), OP_MUL }, { PK2('/', '='), OP_DIV }, { PK2('%', '='), OP_REM },
        { PK3('*', '*', '='), OP_POW }, { PK2('&', '='), OP_BAND }, { PK2('|', '='), OP_BOR },
        { PK2('^', '='), OP_BXOR }, { PK3('<', '<', '='), OP_SHL }, { PK3('>', '>', '='), OP_SHR },
        { PK4('>', '>', '>', '='), OP_USHR }, { PK3('&', '&', '='), OP_AND },
        { PK3('|', '|', '='), OP_OR },
        { PK3('?', '?', '='), OP_NULLISH } };
    for (size_t i = 0; p->t.t == JT_PUNCT && i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (ops[i].punct == p->t.punct) {
            *yes = true;
            return ops[i].op;
        }
    }
    *yes = false;
    return OP_NONE;
}

static struct ast *
assign_inner(struct jp *p)
{
    if (jp_is_word(p, "yield")) {
        jp_fail_at(p, &p->t, "unsupported",
            "generator functions are not supported: return an array instead");
    }
    if ((jp_is(p, '(') || (p->t.t == JT_IDENT && !jp_reserved(p->t.s))) && jp_arrow_ahead(p)) {
        return jp_arrow(p);
    }
    struct ast *left = binary(p, 1);
    if (jp_is(p, '?')) {
        struct ast *n = jp_node(p, AST_COND);
        jp_next(p);
        bool save = p->no_in;
        p->no_in = false;
        n->a = left;
        n->b = jp_assign(p);
        p->no_in = save;
        jp_expect(p, ':', ": of the conditional");
        n->c = jp_assign(p);
        return n;
    }
    bool yes;
    enum ast_op op = assign_op(p, &yes);
    if (!yes) {
        return left;
    }
    if ((left->kind == AST_LIST || left->kind == AST_MAP) &&
        (op != OP_NONE || (left->flags & AST_F_PAREN))) {
        jp_unexpected(p, "a variable or property");
    }
    jp_to_pattern(p, left, false);
    struct ast *n = jp_node(p, AST_ASSIGN);
    n->op = (uint8_t)op;
    jp_next(p);
    n->a = left;
    n->b = jp_assign(p);
    return n;
}

struct ast *
jp_assign(struct jp *p)
{
    if (!jp_enter(p)) {
        return jp_node(p, AST_NOP);
    }
    struct ast *n = assign_inner(p);
    p->depth--;
    return n;
}

struct ast *
jp_expression(struct jp *p)
{
    struct ast *n = jp_assign(p);
    if (!jp_is(p, ',')) {
        return n;
    }
    struct ast *s = jp_node(p, AST_SEQ), *tail = NULL;
    ast_append(&s->list, &tail, n);
    while (jp_accept(p, ',')) {
        ast_append(&s->list, &tail, jp_assign(p));
    }
    return s;
}
