/* SPDX-License-Identifier: Apache-2.0 */
/* Operators of TBEL, with the folding of literals, which is a part of the language
 * (facts/tbel.md 5). */
#include "config.h"
#include "script/tbel_room.h"

#include <math.h>

#include "tbe/tbel.h"

/* ---- operators ---- */

static const struct {
    const char *s;
    uint8_t op, prec;
} binary[] = {
    { "#", OP_CONCAT, 13 }, { "~=", OP_MATCH, 13 }, { "contains", OP_CONTAINS, 13 },
    { "soundslike", OP_SOUNDSLIKE, 13 }, { "strsim", OP_STRSIM, 13 },
    { "convertable_to", OP_CONVERTABLE, 13 },
    { "**", OP_POW, 12 }, { "*", OP_MUL, 11 }, { "/", OP_DIV, 11 }, { "%", OP_REM, 11 },
    { "+", OP_ADD, 10 },
    { "-", OP_SUB, 10 }, { "<<", OP_SHL, 9 }, { ">>", OP_SHR, 9 }, { ">>>", OP_USHR, 9 },
    { "<<<", OP_SHL_ABS, 9 }, { "<", OP_LT, 8 }, { ">", OP_GT, 8 }, { "<=", OP_LE, 8 },
    { ">=", OP_GE, 8 },
    { "instanceof", OP_INSTANCEOF, 8 }, { "is", OP_INSTANCEOF, 8 }, { "==", OP_EQ, 7 },
    { "===", OP_EQ, 7 },
    { "!=", OP_NE, 7 }, { "&", OP_BAND, 6 }, { "^", OP_BXOR, 5 }, { "|", OP_BOR, 4 },
    { "&&", OP_AND, 3 },
    { "and", OP_AND, 3 }, { "||", OP_OR, 2 }, { "or", OP_OR_EMPTY, 2 },
};

static int
binary_at(const struct parser *p)
{
    if (p->t.kind != TK_PUNCT && p->t.kind != TK_WORD) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
        if (tbe_str_eqz(p->t.s, binary[i].s)) {
            return (int)i;
        }
    }
    return -1;
}

static struct ast *
unary(struct parser *p, enum ast_op op)
{
    struct ast *n = tp_node(p, AST_UNARY);
    n->op = (uint8_t)op;
    tp_next(p);
    n->a = tp_operand(p);
    return n;
}

/* operand = ( "!" | "-" | "~" | "++" | "--" ) operand | postfix [ "++" | "--" ] */
struct ast *
tp_operand(struct parser *p)
{
    struct ast *n = NULL;
    if (!tp_enter(p)) {
        return tp_leave(p, NULL);
    }
    if (tp_is(p, "-")) {
        struct tbel_token at = p->t;
        struct tbel_lexer l = p->lex;
        struct tbel_token t = tbel_lex(&l);
        if (t.kind == TK_NUMBER && t.at == at.end) { /* the sign belongs to the literal */
            tp_next(p);
            n = tp_number(p, (struct tbe_str){ p->c->text.p + at.at, t.end - at.at }, at);
        } else {
            n = unary(p, OP_NEG);
        }
    } else if (tp_is(p, "!")) {
        n = unary(p, OP_NOT);
    } else if (tp_is(p, "~")) {
        n = unary(p, OP_BNOT);
    } else if (tp_is(p, "++") || tp_is(p, "--")) {
        n = tp_node(p, AST_UPDATE);
        n->op = tp_is(p, "++") ? OP_ADD : OP_SUB;
        n->flags = AST_F_PREFIX;
        tp_next(p);
        n->a = tp_postfix(p);
    } else {
        n = tp_postfix(p);
        if (n != NULL && (tp_is(p, "++") || tp_is(p, "--"))) {
            struct ast *u = tp_node(p, AST_UPDATE);
            u->op = tp_is(p, "++") ? OP_ADD : OP_SUB;
            u->a = n;
            tp_next(p);
            n = u;
        }
    }
    if (n != NULL && n->kind == AST_UPDATE && n->a != NULL) {
        enum ast_kind k = n->a->kind;
        if (k != AST_IDENT && k != AST_MEMBER && k != AST_INDEX) {
            return tp_leave(p, tp_fail_str(p, "expected end of statement but encountered: ",
                p->t.s));
        }
    }
    return tp_leave(p, n);
}

static bool
simple(const struct ast *n) /* a number or string */
{
    return n->kind == AST_LITERAL && ((n->v.t >= TBE_INT && n->v.t <= TBE_BIGINT) ||
        n->v.t == TBE_STR_T);
}

static tbe_val
literal_value(struct tbe_x *x, int op, tbe_val a, tbe_val b)
{
    static tbe_val (*const fn[])(struct tbe_x *, tbe_val, tbe_val) = {
        [OP_ADD] = tbe_t_add, [OP_SUB] = tbe_t_sub, [OP_MUL] = tbe_t_mul, [OP_DIV] = tbe_t_div,
        [OP_REM] = tbe_t_rem, [OP_POW] = tbe_t_pow, [OP_BAND] = tbe_t_band, [OP_BOR] = tbe_t_bor,
        [OP_BXOR] = tbe_t_bxor, [OP_SHL] = tbe_t_shl, [OP_SHR] = tbe_t_shr, [OP_USHR] = tbe_t_ushr,
    };
    if (op >= OP_ADD && op <= OP_USHR) {
        return fn[op](x, a, b);
    }
    switch (op) {
    case OP_LT:
        return tbe_bool(tbe_t_lt(x, a, b));
    case OP_LE:
        return tbe_bool(tbe_t_le(x, a, b));
    case OP_GT:
        return tbe_bool(tbe_t_gt(x, a, b));
    case OP_GE:
        return tbe_bool(tbe_t_ge(x, a, b));
    case OP_MATCH:
        return tbe_bool(tbe_t_match(x, a, b));
    default: /* NaN == NaN is null: an accident of the engine (6) */
        return a.t == TBE_DOUBLE && b.t == TBE_DOUBLE && isnan(a.u.d) &&
            isnan(b.u.d) ? TBE_NULL_VAL :
            tbe_bool(tbe_t_eq(x, a, b) == (op == OP_EQ));
    }
}

/* false: it throws *out. Not inline: the caller's variables must not share a frame with setjmp. */
static bool __attribute__((noinline))
try_value(struct tbe_arena *arena, int op, tbe_val a, tbe_val b, tbe_val *out)
{
    struct tbe_catch c = { .up = NULL };
    struct tbe_x x = { .a = arena, .catch_ = &c, .fuel = 1000 };
    if (setjmp(c.env) != 0) {
        *out = x.thrown;
        return false;
    }
    *out = literal_value(&x, op, a, b);
    return true;
}

/* Comparisons of literals, and regular expressions that are literals, fail now if they fail. */
static struct ast *
fold_test(struct parser *p, struct ast *n)
{
    bool match = n->op == OP_MATCH && n->b->v.t == TBE_STR_T, bits = n->op >= OP_BAND &&
        n->op <= OP_USHR;
    if (!match && !(simple(n->a) && simple(n->b))) {
        return n;
    }
    if (bits && (n->a->v.t != TBE_INT || n->b->v.t != TBE_INT)) {
        return n;
    }
    tbe_val v;
    if (!try_value(p->c->a, n->op, match ? tbe_strv(TBE_STR("")) : n->a->v, n->b->v, &v)) {
        return tp_fail_str(p, "", v.t == TBE_STR_T ? tbe_val_str(v) :
            TBE_STR("uncomparable values"));
    }
    if (match) {
        return n;
    }
    struct ast *r = ast_new(p->c, AST_LITERAL, n->a->line, n->a->col);
    r->v = v;
    r->src = n->a->src;
    return r;
}

/* Arithmetic of two number literals is done here, by the run time's rules for classes (5),
 * because the static types of such operands must not count (4.1). Errors surface now, as in the
 * engine. */
static struct ast *
fold(struct parser *p, struct ast *n)
{
    const struct ast *a = n->a, *b = n->b;
    if (n->kind != AST_BINARY || b->kind != AST_LITERAL) {
        return n;
    }
    if ((n->op >= OP_EQ && n->op <= OP_GE) || n->op == OP_MATCH ||
        (n->op >= OP_BAND && n->op <= OP_USHR)) {
        return fold_test(p, n);
    }
    if (n->op > OP_POW || a->kind != AST_LITERAL || b->kind != AST_LITERAL ||
        a->v.t < TBE_INT || a->v.t > TBE_BIGINT || b->v.t < TBE_INT || b->v.t > TBE_BIGINT) {
        return n;
    }
    tbe_val v;
    if (!try_value(p->c->a, n->op, a->v, b->v, &v)) {
        return tp_fail_str(p, "arithmetic error: ", v.t == TBE_STR_T ? tbe_val_str(v) :
            TBE_STR("/ by zero"));
    }
    if (v.t < TBE_INT || v.t > TBE_BIGINT) {
        return n;
    }
    struct ast *r = ast_new(p->c, AST_LITERAL, a->line, a->col);
    r->v = v;
    r->src = a->src;
    return r;
}

/* A class on the right side of instanceof, is and convertable_to; null for anything else. */
static struct ast *
class_operand(struct parser *p)
{
    struct tbel_token at = p->t;
    if (p->t.kind != TK_IDENT) {
        return tp_fail(p, "could not resolve class");
    }
    struct tbe_str name = tp_class_name(p);
    return tp_ident_at(p, &at, name);
}

/* The engine folds these before it looks at what follows: `2 > 1 + 1` is (2 > 1) + 1, `1 << 2 +
 * 1` is 5 (3). */
static bool
hasty(const struct parser *p, int op, const struct ast *a, const struct ast *b)
{
    bool bits = op >= OP_BAND && op <= OP_USHR, relation = op >= OP_LT && op <= OP_GE;
    return a->kind == AST_LITERAL && a->v.t == TBE_INT && !(a->flags & AST_F_PAREN) && b != NULL &&
        b->kind == AST_LITERAL && b->v.t == TBE_INT && !(b->flags & AST_F_PAREN) &&
        (bits || relation) &&
        (tp_is(p, "+") || (bits && (tp_is(p, "&") || tp_is(p, "|") || tp_is(p, "^"))));
}

/* binary = operand { op binary }, by precedence, left associative; a: the first operand, read
 * already */
static struct ast *
binary_rest(struct parser *p, struct ast *a, int min)
{
    if (!tp_enter(p)) {
        return tp_leave(p, NULL);
    }
    for (int i, chain = 0; a != NULL && (i = binary_at(p)) >= 0 && binary[i].prec >= min; chain++) {
        uint8_t op = binary[i].op;
        if (chain > MAX_CHAIN) {
            return tp_leave(p, tp_fail(p, "chain of operators is too long"));
        }
        struct ast *n = tp_node(p, op == OP_AND || op == OP_OR ||
            op == OP_OR_EMPTY ? AST_LOGICAL : AST_BINARY);
        n->op = op;
        n->a = a;
        tp_next(p);
        if (op == OP_INSTANCEOF || op == OP_CONVERTABLE) {
            n->b = class_operand(p);
        } else {
            n->b = tp_operand(p);
            if (n->b != NULL && !hasty(p, op, a, n->b)) {
                n->b = binary_rest(p, n->b, binary[i].prec + 1);
            }
        }
        a = n->b != NULL ? fold(p, n) : NULL;
    }
    return tp_leave(p, a);
}

struct ast *
tp_binary_expr(struct parser *p, int min)
{
    struct ast *a = tp_operand(p);
    return a != NULL ? binary_rest(p, a, min) : NULL;
}

/* ternary = or [ "?" expr ":" expr ] ; a missing branch at the end is null */
static struct ast *
ternary(struct parser *p)
{
    struct ast *a = tp_binary_expr(p, 2);
    if (a == NULL || !tp_is(p, "?") || p->literal_item) {
        return a;
    }
    struct ast *n = tp_node(p, AST_COND);
    n->a = a;
    tp_next(p);
    n->b = tp_is(p, ":") ? tp_literal_at(p, &p->t, TBE_NULL_VAL) : tp_expr(p);
    if (tp_accept(p, ":") && p->t.kind != TK_EOF) {
        n->c = tp_expr(p);
    } else if (p->t.kind == TK_EOF) {
        n->c = tp_literal_at(p, &p->t, TBE_NULL_VAL);
    } else {
        return tp_not_ended(p, n);
    }
    return n;
}

static const struct {
    const char *s;
    uint8_t op;
} assigns[] = {
    { "=", OP_NONE }, { "+=", OP_ADD }, { "-=", OP_SUB }, { "*=", OP_MUL }, { "/=", OP_DIV },
    { "%=", OP_REM },
    { "&=", OP_BAND }, { "|=", OP_BOR }, { "^=", OP_BXOR }, { "<<=", OP_SHL }, { ">>=", OP_SHR },
    { ">>>=", OP_USHR },
};

/* expr = ternary | lvalue assign-op expr */
struct ast *
tp_expr(struct parser *p)
{
    if (!tp_enter(p)) {
        return tp_leave(p, NULL);
    }
    struct ast *a = ternary(p);
    for (size_t i = 0; a != NULL && p->t.kind == TK_PUNCT &&
        i < sizeof(assigns) / sizeof(assigns[0]); i++) {
        if (!tbe_str_eqz(p->t.s, assigns[i].s)) {
            continue;
        }
        if (a->kind != AST_IDENT && a->kind != AST_MEMBER && a->kind != AST_INDEX) {
            return tp_leave(p, tp_fail_str(p, "not an identifier: ", a->src));
        }
        struct ast *n = tp_node(p, AST_ASSIGN);
        n->op = assigns[i].op;
        n->a = a;
        tp_next(p);
        if (p->t.kind == TK_EOF) {
            return tp_leave(p, tp_fail(p, "unexpected end of statement"));
        }
        n->b = tp_expr(p);
        return tp_leave(p, n);
    }
    return tp_leave(p, a);
}
