/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of expressions -> C: effects and errors of subexpressions, temporaries, and the order
 * of evaluation, which is the script's: an operand that must be evaluated before an effect of a
 * later one goes into a temporary. */
#include "config.h"
#include "script/lower_expr.h"

#include <string.h>

#include "script/cwrite.h"

#define MAX_NEST 20 /* nested parentheses; clang allows 256 */

enum { EFFECT_KNOWN = 1 << 20, EFFECT_YES = 1 << 21, THROW_KNOWN = 1 << 22, THROW_YES = 1 << 23 };

bool
lw_list_effect(struct ast *n)
{
    for (; n != NULL; n = n->next) {
        if (lw_has_effect(n)) {
            return true;
        }
    }
    return false;
}

bool
lw_has_effect(struct ast *n)
{
    if (n == NULL) {
        return false;
    }
    if (!(n->flags & EFFECT_KNOWN)) {
        bool yes = n->kind == AST_ASSIGN || n->kind == AST_UPDATE || n->kind == AST_CALL ||
            n->kind == AST_NEW ||
            n->kind == AST_WITH || (n->kind == AST_UNARY && n->op == OP_DELETE);
        if (!yes && n->kind != AST_FUNC) {
            yes = lw_has_effect(n->a) || lw_has_effect(n->b) || lw_has_effect(n->c) ||
                lw_has_effect(n->d) ||
                lw_list_effect(n->list);
        }
        n->flags |= EFFECT_KNOWN | (yes ? EFFECT_YES : 0);
    }
    return n->flags & EFFECT_YES;
}

/* Reads that may fail with an error which names them: of two, the first must fail first. The
 * script's own parameters are never null. */
bool
lw_may_throw(struct ast *n)
{
    if (n == NULL || n->kind == AST_FUNC) {
        return false;
    }
    if (!(n->flags & THROW_KNOWN)) {
        bool yes = n->kind == AST_IDENT && (n->var == NULL || n->var->kind == SV_GLOBAL);
        if (n->kind == AST_MEMBER || n->kind == AST_INDEX) {
            const struct sema_var *v = n->a->kind == AST_IDENT ? n->a->var : NULL;
            bool global = n->a->kind == AST_IDENT && v == NULL; /* Math.PI */
            bool param = v != NULL && v->kind == SV_PARAM && v->func->node == NULL;
            yes = !param && !global;
        }
        yes = yes || lw_may_throw(n->a) || lw_may_throw(n->b) || lw_may_throw(n->c) ||
            lw_may_throw(n->d);
        for (struct ast *e = n->list; e != NULL && !yes; e = e->next) {
            yes = lw_may_throw(e);
        }
        n->flags |= THROW_KNOWN | (yes ? THROW_YES : 0);
    }
    return n->flags & THROW_YES;
}
/* ---- small makers ---- */

struct cx
lw_mk(struct lower *l, enum rep rep, int nest, struct tbe_str t)
{
    struct cx c = { .t = t, .rep = (uint8_t)rep, .nest = (uint16_t)(nest + 1) };
    return c.nest > MAX_NEST ? lw_spill(l, c) : c;
}

struct cx
lw_stable(enum rep rep, struct tbe_str t)
{
    struct cx c = { .t = t, .rep = (uint8_t)rep, .stable = true };
    return c;
}

struct cx
lw_spill(struct lower *l, struct cx c)
{
    static const char *const types[] = { "tbe_val", "double", "bool", "int32_t" };
    int no = ++l->n_tmp;
    lw_line(l, "const %s t%d = %.*s;", types[c.rep], no, S_(lw_strip(c.t)));
    return lw_stable(c.rep, lw_fmt(l, "t%d", no));
}

struct tbe_str
lw_as_val(struct lower *l, struct cx c)
{
    switch (c.rep) {
    case REP_NUM:
        return lw_fmt(l, "tbe_double(%.*s)", S_(lw_strip(c.t)));
    case REP_BOOL:
        return lw_fmt(l, "tbe_bool(%.*s)", S_(lw_strip(c.t)));
    case REP_INT:
        return lw_fmt(l, "tbe_int(%.*s)", S_(lw_strip(c.t)));
    default:
        return c.t;
    }
}

struct tbe_str
lw_as_num(struct lower *l, struct cx c)
{
    switch (c.rep) {
    case REP_NUM:
        return c.t;
    case REP_BOOL:
        return lw_fmt(l, "(double)(%.*s)", S_(c.t));
    default:
        return lw_fmt(l, "tbe_j_num(x, %.*s)", S_(c.t));
    }
}

struct tbe_str
lw_as_cond(struct lower *l, struct cx c)
{
    switch (c.rep) {
    case REP_NUM:
        return lw_fmt(l, "tbe_j_num_truth(%.*s)", S_(c.t));
    case REP_BOOL:
        return c.t;
    default:
        return lw_fmt(l, "%s_truth(x, %.*s)", l->P, S_(lw_as_val(l, c)));
    }
}

const char *
lw_null(const struct lower *l)
{
    return l->js ? "TBE_UNDEF_VAL" : "TBE_NULL_VAL";
}

struct tbe_str
lw_str(struct lower *l, struct tbe_str s)
{
    struct tbe_buf b = { 0 };
    if (s.n > CTEXT_LITERAL_MAX) {
        int no = ++l->n_consts;
        /* The expression may be lowered once more, or folded away. */
        tbe_buf_fmt(&l->decls, "static const char __attribute__((unused)) %s_text%d[] = ", l->sym,
            no);
        ctext_array(&l->decls, s);
        tbe_buf_putz(&l->decls, ";\n");
        tbe_buf_fmt(&b, "((struct tbe_str){ %s_text%d, %zu })", l->sym, no, s.n);
    } else {
        tbe_buf_putz(&b, "TBE_STR(");
        ctext_string(&b, s);
        tbe_buf_putc(&b, ')');
    }
    struct tbe_str r = tbe_arena_dup(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return r;
}

struct tbe_str
lw_strval(struct lower *l, struct tbe_str s)
{
    if (s.n > CTEXT_LITERAL_MAX) {
        return lw_fmt(l, "tbe_strv(%.*s)", S_(lw_str(l, s)));
    }
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, cw_is_ascii(s) ? "TBE_LIT(" : "TBE_LIT_WIDE(");
    ctext_string(&b, s);
    tbe_buf_putc(&b, ')');
    struct tbe_str r = tbe_arena_dup(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return r;
}

struct tbe_str
lw_hint(struct lower *l)
{
    return lw_fmt(l, "&%s_h[%d]", l->sym, l->n_hints++);
}

struct tbe_str
lw_num_text(struct lower *l, double d)
{
    struct tbe_buf b = { 0 };
    cw_double(&b, d);
    struct tbe_str r = tbe_arena_dup(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return r;
}

/* ---- operands in order ---- */

/* Evaluates n expressions left to right. C leaves the order of operands and arguments open, so
 * whatever a later one could disturb, or must not come before, goes into a temporary. */
void
lw_operands(struct lower *l, int n, struct ast **e, struct cx *out)
{
    for (int i = 0; i < n; i++) {
        struct tbe_buf sub = { 0 }, *save = lw_divert(l, &sub);
        out[i] = lw_expr(l, e[i]);
        lw_divert(l, save);
        bool disturbs = sub.n > 0 || lw_has_effect(e[i]);
        for (int k = 0; k < i; k++) {
            if (!out[k].stable && (disturbs || (!out[i].stable &&
                    (lw_has_effect(e[k]) || (lw_may_throw(e[k]) && lw_may_throw(e[i])))))) {
                out[k] = lw_spill(l, out[k]);
            }
        }
        tbe_buf_puts(l->out, tbe_buf_str(&sub));
        tbe_buf_free(&sub);
    }
}

int
lw_max_nest(const struct cx *c, int n)
{
    int m = 0;
    for (int i = 0; i < n; i++) {
        m = c[i].nest > m ? c[i].nest : m;
    }
    return m;
}

int
lw_count(const struct ast *n)
{
    int k = 0;
    for (; n != NULL; n = n->next) {
        k++;
    }
    return k;
}

bool
lw_has_spread(const struct ast *n)
{
    for (; n != NULL; n = n->next) {
        if (n->kind == AST_SPREAD) {
            return true;
        }
    }
    return false;
}

/* A list built element by element, for spreads and holes: the temporary that holds it. */
struct tbe_str
lw_spread_list(struct lower *l, struct ast *list)
{
    int no = ++l->n_tmp;
    lw_line(l, "const tbe_val t%d = tbe_j_list(x, 0, NULL);", no);
    for (struct ast *e = list; e != NULL; e = e->next) {
        if (e->kind == AST_HOLE) {
            lw_line(l, "tbe_j_append(x, t%d, TBE_J_HOLE);", no);
        } else if (e->kind == AST_SPREAD) {
            struct tbe_str v = lw_val(l, e->a);
            lw_line(l, "tbe_j_append_all(x, t%d, %.*s);", no, S_(v));
        } else {
            struct tbe_str v = lw_val(l, e);
            lw_line(l, "tbe_j_append(x, t%d, %.*s);", no, S_(v));
        }
    }
    return lw_fmt(l, "t%d", no);
}

struct args
lw_array_of(struct lower *l, struct cx *c, int n)
{
    struct args r = { TBE_STR("0, NULL"), 0 };
    struct tbe_buf b = { 0 };
    if (n == 0) {
        return r;
    }
    tbe_buf_fmt(&b, "%d, (const tbe_val[%d]){ ", n, n); /* with its size: tcc miscounts */
    for (int i = 0; i < n; i++) {
        tbe_buf_puts(&b, lw_as_val(l, c[i]));
        tbe_buf_putz(&b, i + 1 < n ? (i % 16 == 15 ? ",\n        " : ", ") : " }");
    }
    r.text = tbe_arena_dup(l->a, tbe_buf_str(&b));
    r.nest = lw_max_nest(c, n) + 2;
    tbe_buf_free(&b);
    return r;
}

/* The expression `first` (may be NULL) and then the arguments; *fc gets the former. */
struct args
lw_arguments(struct lower *l, struct ast *first, struct cx *fc, struct ast *list)
{
    int n = lw_count(list), k = first != NULL ? 1 : 0;
    if (lw_has_spread(list)) {
        if (first != NULL) {
            *fc = lw_expr(l, first);
            if (!fc->stable) {
                *fc = lw_spill(l, *fc);
            }
        }
        struct tbe_str t = lw_spread_list(l, list);
        struct args r = { lw_fmt(l, "(int)%.*s.u.l->n, %.*s.u.l->v", S_(t), S_(t)), 1 };
        return r;
    }
    struct ast **e = tbe_arena_alloc(l->a, (size_t)(n + 1) * sizeof(*e));
    struct cx *c = tbe_arena_alloc(l->a, (size_t)(n + 1) * sizeof(*c));
    e[0] = first;
    for (struct ast *p = list; p != NULL; p = p->next) {
        e[k++] = p;
    }
    lw_operands(l, k, e, c);
    if (first != NULL) {
        *fc = c[0];
    }
    return lw_array_of(l, c + (first != NULL ? 1 : 0), n);
}

