/* SPDX-License-Identifier: Apache-2.0 */
/* Operators -> C: what is proven a number is a C double, what is a test is a C bool, the rest
 * are calls of the run time (README.md). */
#include "config.h"
#include "script/lower_expr.h"

#include "script/cwrite.h"

static const char *
lw_op_name(int op)
{
    static const char *const names[OP_COUNT] = { [OP_ADD] = "add", [OP_SUB] = "sub",
        [OP_MUL] = "mul",
        [OP_DIV] = "div", [OP_REM] = "rem", [OP_POW] = "pow", [OP_BAND] = "band", [OP_BOR] = "bor",
        [OP_BXOR] = "bxor", [OP_SHL] = "shl", [OP_SHR] = "shr", [OP_USHR] = "ushr", [OP_EQ] = "eq",
        [OP_NE] = "ne", [OP_SEQ] = "seq", [OP_SNE] = "sne", [OP_LT] = "lt", [OP_LE] = "le",
        [OP_GT] = "gt",
        [OP_GE] = "ge", [OP_CONCAT] = "concat", [OP_MATCH] = "match", [OP_CONTAINS] = "contains",
        [OP_SOUNDSLIKE] = "soundslike", [OP_STRSIM] = "strsim", [OP_SHL_ABS] = "shl_abs" };
    return names[op] ? names[op] : "add";
}

static const char *
c_op(int op)
{
    static const char *const ops[OP_COUNT] = { [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*",
        [OP_DIV] = "/",
        [OP_SEQ] = "==", [OP_EQ] = "==", [OP_SNE] = "!=", [OP_NE] = "!=", [OP_LT] = "<",
        [OP_LE] = "<=",
        [OP_GT] = ">", [OP_GE] = ">=" };
    return ops[op];
}

/* a op b for JavaScript values that are already C text. */
struct cx
lw_js_binary(struct lower *l, int op, struct cx a, struct cx b)
{
    int nest = a.nest > b.nest ? a.nest : b.nest;
    bool nums = a.rep == REP_NUM && b.rep == REP_NUM;
    if (op == OP_ADD && !nums) {
        return lw_mk(l, REP_VAL, nest, lw_fmt(l, "tbe_j_add(x, %.*s, %.*s)", S_(lw_as_val(l, a)),
            S_(lw_as_val(l, b))));
    }
    if (op <= OP_USHR && l->converts && !nums) { /* both are evaluated, then converted in order */
        a = a.stable ? a : lw_spill(l, a);
        b = b.stable ? b : lw_spill(l, b);
        a = lw_spill(l, lw_mk(l, REP_NUM, 1, lw_as_num(l, a)));
        nest = 1;
    }
    if (op >= OP_ADD && op <= OP_DIV) {
        return lw_mk(l, REP_NUM, nest, lw_fmt(l, "(%.*s %s %.*s)", S_(lw_as_num(l, a)), c_op(op),
            S_(lw_as_num(l, b))));
    }
    if (op >= OP_REM && op <= OP_USHR) {
        return lw_mk(l, REP_NUM, nest, lw_fmt(l, "tbe_j_%s(%.*s, %.*s)", lw_op_name(op),
            S_(lw_as_num(l, a)), S_(lw_as_num(l, b))));
    }
    if (op >= OP_EQ && op <= OP_GE) {
        if (nums) {
            return lw_mk(l, REP_BOOL, nest, lw_fmt(l, "(%.*s %s %.*s)", S_(a.t), c_op(op),
                S_(b.t)));
        }
        return lw_mk(l, REP_BOOL, nest, lw_fmt(l, "tbe_j_%s(x, %.*s, %.*s)", lw_op_name(op),
            S_(lw_as_val(l, a)),
            S_(lw_as_val(l, b))));
    }
    return lw_mk(l, REP_BOOL, nest, lw_fmt(l, "tbe_j_%s(x, %.*s, %.*s)", op == OP_IN ? "in" :
        "instanceof",
        S_(lw_as_val(l, a)), S_(lw_as_val(l, b))));
}

static const char *
ladder_tag(enum ast_type t)
{
    switch (t) {
    case AT_byte:
    case AT_Byte: return "TBE_BYTE";
    case AT_short:
    case AT_Short: return "TBE_SHORT";
    case AT_int:
    case AT_Integer: return "TBE_INT";
    case AT_long:
    case AT_Long: return "TBE_LONG";
    case AT_float:
    case AT_Float: return "TBE_FLOAT";
    default: return "TBE_DOUBLE";
    }
}

static bool
primitive(enum ast_type t)
{
    return t >= AT_int && t <= AT_short;
}

/* TBEL: the static types choose the arithmetic (facts/tbel.md 4.1). */
struct cx
lw_tbel_binary(struct lower *l, struct ast *n, int op, struct ast *an, struct ast *bn, struct cx a,
    struct cx b)
{
    int nest = a.nest > b.nest ? a.nest : b.nest;
    struct tbe_str A = lw_as_val(l, a), B = lw_as_val(l, b);
    if (op >= OP_EQ && op <= OP_SNE && (an->kind == AST_EMPTY || bn->kind == AST_EMPTY)) {
        return lw_mk(l, REP_BOOL, nest, lw_fmt(l, "(%stbe_t_is_empty(x, %.*s))", op == OP_EQ ||
            op == OP_SEQ ? "" : "!",
            S_(an->kind == AST_EMPTY ? B : A)));
    }
    if (n->kind == AST_BINARY && op == OP_REM && an->kind == AST_IDENT &&
        sema_type(l->s, an) == AT_Integer) {
        return lw_mk(l, REP_VAL, nest, lw_fmt(l, "tbe_t_irem(x, %.*s, %.*s)", S_(A), S_(B)));
    }
    op = op == OP_SEQ ? OP_EQ : op == OP_SNE ? OP_NE : op;
    bool boolean = (op >= OP_EQ && op <= OP_GE) || op == OP_CONTAINS || op == OP_MATCH ||
        op == OP_SOUNDSLIKE;
    const char *variant = "";
    if (n->kind == AST_BINARY && op >= OP_ADD && op <= OP_DIV &&
        !(an->kind == AST_LITERAL && bn->kind == AST_LITERAL)) {
        enum ast_type ta = sema_type(l->s, an), tb = sema_type(l->s, bn);
        if (ta == AT_Integer && tb == AT_Integer) {
            variant = "i";
        } else if (ta >= AT_int && tb >= AT_int && ta != tb) {
            enum ast_type to = sema_type(l->s, n);
            return lw_mk(l, REP_VAL, nest, lw_fmt(l, "tbe_t_s%s(x, %.*s, %.*s, %s)", lw_op_name(op),
                S_(A), S_(B),
                ladder_tag(to)));
        } else if ((primitive(ta) && tb == AT_ANY) || (ta == AT_ANY && primitive(tb))) {
            return lw_mk(l, REP_VAL, nest, lw_fmt(l, "tbe_t_half(x, '%s', %.*s, %.*s, %s, %s)",
                c_op(op), S_(A), S_(B),
                primitive(ta) ? ladder_tag(ta) : "TBE_UNDEF", primitive(tb) ? ladder_tag(tb) :
                "TBE_UNDEF"));
        }
    }
    return lw_mk(l, boolean ? REP_BOOL : REP_VAL, nest, lw_fmt(l, "tbe_t_%s%s(x, %.*s, %.*s)",
        variant, lw_op_name(op),
        S_(A), S_(B)));
}

/* A type name as TBEL writes it after instanceof: java.util.List -> its text. */
static struct tbe_str
type_name(struct lower *l, const struct ast *n)
{
    if (n->kind == AST_MEMBER) {
        struct tbe_str p = type_name(l, n->a);
        return lw_fmt(l, "%.*s.%.*s", S_(p), S_(n->s));
    }
    return n->kind == AST_IDENT ? n->s : n->kind == AST_LITERAL &&
        n->v.t == TBE_STR_T ? tbe_val_str(n->v) : TBE_STR("");
}

struct cx
lw_binary(struct lower *l, struct ast *n)
{
    struct cx c[2];
    if (!l->js && (n->op == OP_INSTANCEOF || n->op == OP_CONVERTABLE)) {
        struct cx a = lw_expr(l, n->a);
        return lw_mk(l, REP_BOOL, a.nest, lw_fmt(l, "tbe_t_%s(x, %.*s, %.*s)",
            n->op == OP_INSTANCEOF ? "instanceof" : "convertable", S_(lw_as_val(l, a)),
            S_(lw_str(l, type_name(l, n->b)))));
    }
    if (l->js && n->op == OP_INSTANCEOF && n->b->kind == AST_IDENT && n->b->var == NULL) {
        struct cx a = lw_expr(l, n->a);
        return lw_mk(l, REP_BOOL, a.nest, lw_fmt(l, "tbe_j_is_a(x, %.*s, %.*s)",
            S_(lw_as_val(l, a)),
            S_(lw_str(l, n->b->s))));
    }
    lw_operands(l, 2, (struct ast *[]){ n->a, n->b }, c);
    return l->js ? lw_js_binary(l, n->op, c[0], c[1]) : lw_tbel_binary(l, n, n->op, n->a, n->b,
        c[0], c[1]);
}

struct cx
lw_ternary(struct lower *l, struct tbe_str cond, int nest, struct ast *b, struct ast *c)
{
    struct tbe_buf sb = { 0 }, sc = { 0 }, *save = lw_divert(l, &sb);
    l->indent++;
    struct cx cb = lw_expr(l, b);
    lw_divert(l, &sc);
    struct cx cc = lw_expr(l, c);
    lw_divert(l, save);
    l->indent--;
    enum rep rep = cb.rep == cc.rep ? cb.rep : REP_VAL;
    struct tbe_str B = rep == REP_VAL ? lw_as_val(l, cb) : cb.t, C = rep == REP_VAL ?
        lw_as_val(l, cc) : cc.t;
    struct cx r;
    if (sb.n == 0 && sc.n == 0) {
        int m = cb.nest > cc.nest ? cb.nest : cc.nest;
        r = lw_mk(l, rep, m > nest ? m : nest, lw_fmt(l, "(%.*s ? %.*s : %.*s)", S_(cond), S_(B),
            S_(C)));
    } else {
        static const char *const types[] = { "tbe_val", "double", "bool", "int32_t" };
        int no = ++l->n_tmp;
        lw_line(l, "%s t%d;", types[rep], no);
        lw_line(l, "if (%.*s) {", S_(lw_strip(cond)));
        tbe_buf_puts(l->out, tbe_buf_str(&sb));
        lw_line(l, "    t%d = %.*s;", no, S_(B));
        lw_line(l, "} else {");
        tbe_buf_puts(l->out, tbe_buf_str(&sc));
        lw_line(l, "    t%d = %.*s;", no, S_(C));
        lw_line(l, "}");
        r = lw_stable(rep, lw_fmt(l, "t%d", no));
    }
    tbe_buf_free(&sb);
    tbe_buf_free(&sc);
    return r;
}

/* The test that decides whether `a op b` takes b, for a in the temporary t. */
struct tbe_str
lw_takes_b(struct lower *l, int op, struct cx t)
{
    switch (op) {
    case OP_AND:
        return lw_as_cond(l, t);
    case OP_OR:
        return lw_fmt(l, "!%.*s", S_(lw_as_cond(l, t)));
    case OP_OR_EMPTY:
        return lw_fmt(l, "tbe_t_empty_or(x, %.*s)", S_(lw_as_val(l, t)));
    default:
        return lw_fmt(l, "tbe_is_null(%.*s)", S_(lw_as_val(l, t)));
    }
}

struct cx
lw_logical(struct lower *l, struct ast *n)
{
    struct cx a = lw_expr(l, n->a);
    struct tbe_buf sb = { 0 }, *save = lw_divert(l, &sb);
    l->indent++;
    struct cx b = lw_expr(l, n->b);
    lw_divert(l, save);
    l->indent--;
    struct cx r;
    bool tests = (n->op == OP_AND || n->op == OP_OR) && (!l->js ||
        (a.rep == REP_BOOL && b.rep == REP_BOOL));
    if (tests && sb.n == 0) {
        int nest = a.nest > b.nest ? a.nest : b.nest;
        struct tbe_str A = lw_cover(l, n->a, lw_as_cond(l, a)), B = lw_as_cond(l, b);
        r = lw_mk(l, REP_BOOL, nest, lw_fmt(l, "(%.*s %s %.*s)", S_(A), n->op == OP_AND ? "&&" :
            "||", S_(B)));
    } else if (tests) {
        int no = ++l->n_tmp;
        lw_line(l, "bool t%d = %.*s;", no, S_(lw_strip(lw_cover(l, n->a, lw_as_cond(l, a)))));
        lw_line(l, "if (%st%d) {", n->op == OP_AND ? "" : "!", no);
        tbe_buf_puts(l->out, tbe_buf_str(&sb));
        lw_line(l, "    t%d = %.*s;", no, S_(lw_strip(lw_as_cond(l, b))));
        lw_line(l, "}");
        r = lw_stable(REP_BOOL, lw_fmt(l, "t%d", no));
    } else {
        int no = ++l->n_tmp;
        lw_line(l, "tbe_val t%d = %.*s;", no, S_(lw_as_val(l, a)));
        struct cx t = lw_stable(REP_VAL, lw_fmt(l, "t%d", no));
        /* counted as the condition it is, not as the way to b */
        if (l->src->coverage && n->op <= OP_OR) {
            struct tbe_str c = lw_cover(l, n->a, lw_as_cond(l, t));
            lw_line(l, "if (%s%.*s) {", n->op == OP_AND ? "" : "!", S_(c));
        } else {
            lw_line(l, "if (%.*s) {", S_(lw_strip(lw_takes_b(l, n->op, t))));
        }
        tbe_buf_puts(l->out, tbe_buf_str(&sb));
        lw_line(l, "    t%d = %.*s;", no, S_(lw_as_val(l, b)));
        lw_line(l, "}");
        r = t;
    }
    tbe_buf_free(&sb);
    return r;
}

/* a && b where only the truth counts: no value needs to be kept. */
struct cx
lw_test(struct lower *l, struct ast *n)
{
    if (n->kind == AST_UNARY && n->op == OP_NOT) {
        struct cx c = lw_test(l, n->a);
        return lw_mk(l, REP_BOOL, c.nest, lw_fmt(l, "(!%.*s)", S_(c.t)));
    }
    if (n->kind != AST_LOGICAL || (n->op != OP_AND && n->op != OP_OR)) {
        struct cx c = lw_expr(l, n);
        struct cx r = { .t = lw_as_cond(l, c), .rep = REP_BOOL, .nest = c.nest,
            .stable = c.stable };
        return r;
    }
    struct cx a = lw_test(l, n->a);
    struct tbe_buf sb = { 0 }, *save = lw_divert(l, &sb);
    l->indent++;
    struct cx b = lw_test(l, n->b);
    lw_divert(l, save);
    l->indent--;
    struct cx r;
    if (sb.n == 0) {
        r = lw_mk(l, REP_BOOL, a.nest > b.nest ? a.nest : b.nest, lw_fmt(l, "(%.*s %s %.*s)",
            S_(lw_cover(l, n->a, a.t)), n->op == OP_AND ? "&&" : "||", S_(b.t)));
    } else {
        int no = ++l->n_tmp;
        lw_line(l, "bool t%d = %.*s;", no, S_(lw_strip(lw_cover(l, n->a, a.t))));
        lw_line(l, "if (%st%d) {", n->op == OP_AND ? "" : "!", no);
        tbe_buf_puts(l->out, tbe_buf_str(&sb));
        lw_line(l, "    t%d = %.*s;", no, S_(lw_strip(b.t)));
        lw_line(l, "}");
        r = lw_stable(REP_BOOL, lw_fmt(l, "t%d", no));
    }
    tbe_buf_free(&sb);
    return r;
}

struct tbe_str
lw_cover(struct lower *l, const struct ast *n, struct tbe_str t)
{
    if (l->src->coverage) {
        struct tbe_buf file = { 0 };
        ctext_string(&file, tbe_strz(l->src->line_file ? l->src->line_file : "script"));
        t = lw_fmt(l, "TBE_COVER_IF(%.*s, %d, %d, %.*s)", S_(tbe_buf_str(&file)), n->line, n->col,
            S_(t));
        tbe_buf_free(&file);
    }
    return t;
}

struct tbe_str
lw_cond(struct lower *l, struct ast *n)
{
    return lw_cover(l, n, lw_test(l, n).t);
}

static struct cx
delete_op(struct lower *l, struct ast *n)
{
    struct ast *m = n->a->kind == AST_CHAIN ? n->a->a : n->a;
    struct cx c[2];
    if (m->kind == AST_MEMBER) {
        struct cx o = lw_expr(l, m->a);
        return lw_mk(l, REP_BOOL, o.nest, lw_fmt(l, "tbe_j_delete(x, %.*s, %.*s)",
            S_(lw_as_val(l, o)),
            S_(lw_strval(l, m->s))));
    }
    if (m->kind == AST_INDEX) {
        lw_operands(l, 2, (struct ast *[]){ m->a, m->b }, c);
        return lw_mk(l, REP_BOOL, 1 + lw_max_nest(c, 2),
            lw_fmt(l, "tbe_j_delete(x, %.*s, %.*s)", S_(lw_as_val(l, c[0])),
            S_(lw_as_val(l, c[1]))));
    }
    if (m->kind != AST_IDENT) {
        lw_discard(l, m);
    }
    return lw_stable(REP_BOOL, m->kind == AST_IDENT ? TBE_STR("false") : TBE_STR("true"));
}

static struct cx
typeof_op(struct lower *l, struct ast *n)
{
    if (n->a->kind == AST_IDENT && n->a->var != NULL && n->a->var->kind == SV_GLOBAL) {
        return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_typeof(%.*s)", S_(lw_var(l, n->a->var))));
    }
    if (n->a->kind == AST_IDENT && n->a->var == NULL && !tbe_str_eqz(n->a->s, "NaN") &&
        !tbe_str_eqz(n->a->s, "Infinity") && builtin_find(l->src->dialect, TBE_STR(""),
        n->a->s) == NULL &&
        !builtin_class(l->src->dialect, n->a->s)) {
        return lw_stable(REP_VAL, TBE_STR("TBE_LIT(\"undefined\")"));
    }
    struct cx c = lw_expr(l, n->a);
    return lw_mk(l, REP_VAL, c.nest, lw_fmt(l, "tbe_j_typeof(%.*s)", S_(lw_as_val(l, c))));
}

struct cx
lw_unary(struct lower *l, struct ast *n)
{
    struct cx c;
    switch (n->op) {
    case OP_NOT:
        return lw_test(l, n);
    case OP_DELETE:
        return delete_op(l, n);
    case OP_TYPEOF:
        return typeof_op(l, n);
    case OP_VOID:
        lw_discard(l, n->a);
        return lw_stable(REP_VAL, TBE_STR("TBE_UNDEF_VAL"));
    default:
        break;
    }
    c = lw_expr(l, n->a);
    if (!l->js) {
        return lw_mk(l, REP_VAL, c.nest, lw_fmt(l, "tbe_t_%s(x, %.*s)", n->op == OP_NEG ? "neg" :
            "bnot",
            S_(lw_as_val(l, c))));
    }
    if (n->op == OP_PLUS) {
        struct cx r = { .t = lw_as_num(l, c), .rep = REP_NUM, .nest = c.nest, .stable = c.stable &&
            c.rep != REP_VAL };
        return r;
    }
    return lw_mk(l, REP_NUM, c.nest, lw_fmt(l, n->op == OP_NEG ? "(-%.*s)" :
        "tbe_j_bnot(%.*s)", S_(lw_as_num(l, c))));
}
