/* SPDX-License-Identifier: Apache-2.0 */
/* Names, properties, elements and optional chains -> C. */
#include "config.h"
#include "script/lower_expr.h"

#include <string.h>

#include "script/cwrite.h"
#include "tbe/tbel.h"

#define MAX_SITE 300 /* bytes of an expression in an error text */

/* ---- names ---- */

struct tbe_str
lw_var(struct lower *l, struct sema_var *v)
{
    const char *name = lw_var_name(l, v), *fr = l->f->has_try ? "fr->" : "";
    if (lw_mapped(v)) {
        return lw_fmt(l, "%.*s.u.l->v[%d]", S_(lw_var(l, v->func->args)), v->index);
    }
    if (v->captured) {
        return lw_fmt(l, "(*%sc_%s)", fr, name);
    }
    return lw_fmt(l, "%sv_%s", fr, name);
}

bool
lw_direct(const struct ast *n)
{
    const struct sema_var *v = n->kind == AST_IDENT ? n->var : NULL;
    if (v == NULL || v->kind != SV_FUNC || v->fn == NULL || v->fn->func == NULL ||
        !v->fn->func->is_static) {
        return false;
    }
    /* its own name inside it stands for the called object */
    return !(v->value_used && v->func == v->fn->func);
}

struct cx
lw_builtin_value(struct lower *l, struct ast *n)
{
    const struct builtin *b = builtin_find(l->src->dialect, TBE_STR(""), n->s);
    if (l->js) {
        if (tbe_str_eqz(n->s, "undefined")) {
            return lw_stable(REP_VAL, TBE_STR("TBE_UNDEF_VAL"));
        }
        if (tbe_str_eqz(n->s, "NaN")) {
            return lw_stable(REP_NUM, TBE_STR("(double)NAN"));
        }
        if (tbe_str_eqz(n->s, "Infinity")) {
            return lw_stable(REP_NUM, TBE_STR("(double)INFINITY"));
        }
        if (b != NULL || builtin_class(l->src->dialect, n->s) || tbe_str_eqz(n->s, "globalThis")) {
            return lw_stable(REP_VAL, lw_fmt(l, "tbe_j_global(x, %.*s, %s)", S_(lw_str(l, n->s)),
                b ? b->fn : "NULL"));
        }
        return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_not_defined(x, %.*s)", S_(lw_str(l, n->s))));
    }
    /* On a line of its own: what stands before it has its errors first, what stands behind it
     * has not. */
    return lw_spill(l, lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_unresolved(x, %.*s)",
        S_(lw_str(l, n->s)))));
}

struct cx
lw_ident(struct lower *l, struct ast *n)
{
    struct sema_var *v = n->var;
    if (v == NULL) {
        return lw_builtin_value(l, n);
    }
    if (lw_direct(n) && !v->value_used) {
        return lw_stable(REP_VAL, lw_closure(l, v->fn->func));
    }
    struct tbe_str t = lw_var(l, v);
    if (!l->js && v->kind == SV_PARAM && v->func->node != NULL) { /* may be missing */
        return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_param(x, %.*s, %.*s)", S_(t),
            S_(lw_site(l, n))));
    }
    if (v->kind == SV_GLOBAL) {
        return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_ref(x, %.*s, %.*s)", S_(t),
            S_(lw_str(l, n->s))));
    }
    if (v->tdz) {
        return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_let(x, %.*s, %.*s)", S_(t),
            S_(lw_str(l, n->s))));
    }
    bool once = !v->captured && !lw_mapped(v) && (v->writes == 0 ||
        (v->writes == 1 && !v->early && v->kind != SV_PARAM));
    struct cx c = { .t = t, .stable = once,
        .rep = v->counter ? REP_INT : l->js && v->type == AT_NUM ? REP_NUM : l->js &&
        v->type == AT_BOOL ? REP_BOOL :
            REP_VAL };
    return c;
}

/* ---- properties ---- */

struct tbe_str
lw_site(struct lower *l, const struct ast *n)
{
    struct tbe_str s = n == NULL ? TBE_STR("") : n->src.n > 0 ? n->src : n->s;
    struct tbe_buf b = { 0 };
    if (s.n > MAX_SITE) {
        for (s.n = MAX_SITE; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80; s.n--) {
        }
    }
    ctext_string(&b, s);
    struct tbe_str r = tbe_arena_dup(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return r;
}

/* The object of the property or method n; TBEL's error for none names the whole expression. */
struct tbe_str
lw_needed(struct lower *l, struct cx o, const struct ast *n)
{
    struct tbe_str t = lw_as_val(l, o);
    return l->js ? t : lw_fmt(l, "tbe_t_need(x, %.*s, %.*s)", S_(t), S_(lw_site(l, n)));
}

static struct cx
lw_get_prop(struct lower *l, struct cx obj, struct tbe_str key, bool safe, const struct ast *at)
{
    struct tbe_str o = lw_needed(l, obj, at);
    if (l->js && tbe_str_eqz(key, "length")) {
        return lw_mk(l, REP_VAL, obj.nest, lw_fmt(l, "tbe_j_length(x, %.*s)", S_(o)));
    }
    if (!l->js && !safe && !tbe_t_is_map_name(key)) {
        return lw_mk(l, REP_VAL, obj.nest, lw_fmt(l, "tbe_t_get_key(x, %.*s, %.*s, %.*s, %.*s)",
            S_(lw_as_val(l, obj)),
            S_(lw_str(l, key)), S_(lw_hint(l)), S_(lw_site(l, at))));
    }
    return lw_mk(l, REP_VAL, obj.nest, lw_fmt(l, "%s_get%s(x, %.*s, %.*s, %.*s)", l->P, safe ?
        "_safe" : "", S_(o),
        S_(lw_str(l, key)), S_(lw_hint(l))));
}

/* Class.NAME: a built-in constant. */
static bool
lw_constant(struct lower *l, struct ast *n, struct cx *out)
{
    if (n->kind != AST_MEMBER || n->a->kind != AST_IDENT || n->a->var != NULL) {
        return false;
    }
    int d = l->src->dialect;
    const struct builtin *b = builtin_const(d, n->a->s, n->s);
    const struct builtin *f = builtin_find(d, n->a->s, n->s);
    if (b != NULL) {
        *out = lw_stable(REP_VAL, lw_fmt(l, "%s_const(x, %.*s, %.*s)", l->P, S_(lw_str(l, n->a->s)),
            S_(lw_str(l, n->s))));
        if (l->js && b->type == AT_NUM) {
            *out = lw_stable(REP_NUM, lw_fmt(l, "%.*s.u.d", S_(out->t)));
        }
        return true;
    }
    if (f != NULL && l->js) {
        *out = lw_stable(REP_VAL, lw_fmt(l, "tbe_j_global(x, %.*s, %s)", S_(lw_str(l, n->s)),
            f->fn));
        return true;
    }
    if (!l->js && builtin_class(d, n->a->s)) {
        *out = lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_const(x, %.*s, %.*s)", S_(lw_str(l, n->a->s)),
            S_(lw_str(l, n->s))));
        return true;
    }
    return false;
}

struct cx
lw_index_op(struct lower *l, struct cx o, struct cx i, const struct ast *at)
{
    int nest = o.nest > i.nest ? o.nest : i.nest;
    if (i.rep == REP_NUM) {
        return lw_mk(l, REP_VAL, nest, lw_fmt(l, "tbe_j_index_num(x, %.*s, %.*s)",
            S_(lw_as_val(l, o)), S_(i.t)));
    }
    if (!l->js) {
        return lw_mk(l, REP_VAL, nest, lw_fmt(l, "tbe_t_index_at(x, %.*s, %.*s, %.*s)",
            S_(lw_as_val(l, o)),
            S_(lw_as_val(l, i)), S_(lw_site(l, at))));
    }
    return lw_mk(l, REP_VAL, nest, lw_fmt(l, "tbe_j_index(x, %.*s, %.*s)", S_(lw_as_val(l, o)),
        S_(lw_as_val(l, i))));
}

/* A step of an optional or null-safe chain: "nothing there" jumps to the end of the chain.
 * `chain` holds the number of the temporary and label. */
static struct cx
chain_step(struct lower *l, struct ast *n, int no)
{
    if (n->kind != AST_MEMBER && n->kind != AST_INDEX && n->kind != AST_CALL) {
        return lw_expr(l, n);
    }
    if (n->kind == AST_CALL && n->a->kind != AST_MEMBER && n->a->kind != AST_INDEX &&
        !(n->flags & AST_F_OPTIONAL) &&
        n->a->kind != AST_CALL) {
        return lw_expr(l, n);
    }
    if (n->kind == AST_CALL) {
        struct cx self = lw_stable(REP_VAL, TBE_STR("TBE_UNDEF_VAL")), f;
        struct ast *m = n->a;
        bool method = m->kind == AST_MEMBER || m->kind == AST_INDEX;
        if (method && (m->kind != AST_MEMBER || m->a->kind != AST_IDENT || m->a->var != NULL)) {
            self = lw_spill(l, chain_step(l, m->a, no));
            if (m->flags & AST_F_OPTIONAL) {
                lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(self.t), no);
            }
            if (m->kind == AST_MEMBER && !(n->flags & AST_F_OPTIONAL)) {
                struct args a = lw_arguments(l, NULL, NULL, n->list);
                struct cx c = lw_spill(l, lw_mk(l, REP_VAL, a.nest,
                    lw_fmt(l, "%s_method(x, %.*s, %.*s, %.*s)", l->P,
                    S_(lw_needed(l, self, n)), S_(lw_str(l, m->s)), S_(a.text))));
                if (m->flags & AST_F_NULLSAFE) {
                    lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(c.t), no);
                }
                return c;
            }
            f = m->kind == AST_MEMBER ? lw_mk(l, REP_VAL, 1,
                lw_fmt(l, "tbe_j_method_value(x, %.*s, %.*s)",
                S_(lw_as_val(l, self)), S_(lw_str(l, m->s)))) :
                lw_index_op(l, self, lw_expr(l, m->b), m);
        } else {
            f = chain_step(l, m, no);
        }
        f = lw_spill(l, f);
        if (n->flags & AST_F_OPTIONAL) {
            lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(lw_as_val(l, f)), no);
        }
        struct args a = lw_arguments(l, NULL, NULL, n->list);
        return lw_spill(l, lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_call(x, %.*s, %.*s, %.*s)", l->P,
            S_(lw_as_val(l, f)), S_(lw_as_val(l, self)), S_(a.text))));
    }
    struct cx c;
    if (lw_constant(l, n, &c)) {
        return c;
    }
    struct cx o = lw_spill(l, chain_step(l, n->a, no));
    if (n->flags & AST_F_OPTIONAL) {
        lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(lw_as_val(l, o)), no);
    }
    if (n->kind == AST_MEMBER) {
        c = lw_get_prop(l, o, n->s, n->flags & AST_F_NULLSAFE, n);
        if (n->flags & AST_F_NULLSAFE) {
            c = lw_spill(l, c);
            lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(c.t), no);
        }
        return c;
    }
    return lw_index_op(l, o, lw_expr(l, n->b), n);
}

struct cx
lw_chain(struct lower *l, struct ast *n)
{
    int no = ++l->n_tmp;
    lw_line(l, "tbe_val t%d = %s;", no, lw_null(l));
    lw_line(l, "{");
    l->indent++;
    struct cx c = chain_step(l, n->a, no);
    lw_line(l, "t%d = %.*s;", no, S_(lw_as_val(l, c)));
    l->indent--;
    lw_line(l, "}");
    lw_line(l, "goto chain%d; /* keeps the label used */", no);
    lw_line(l, "chain%d:;", no);
    return lw_stable(REP_VAL, lw_fmt(l, "t%d", no));
}

struct tbe_str
lw_own_this(struct lower *l)
{
    if (l->f->node == NULL) {
        return TBE_STR("tbe_j_this_global(x)");
    }
    return l->f->has_try ? TBE_STR("tbe_j_this(x, fr->self)") : TBE_STR("tbe_j_this(x, self)");
}

struct cx
lw_self_value(struct lower *l, const struct ast *n)
{
    return lw_stable(REP_VAL, n->var != NULL ? lw_var(l, n->var) : lw_own_this(l));
}

struct cx
lw_member(struct lower *l, struct ast *n)
{
    struct cx c;
    if (lw_constant(l, n, &c)) {
        return c;
    }
    if (n->flags & AST_F_NULLSAFE) { /* a parser may leave the CHAIN out around a single step */
        struct ast ch = { .kind = AST_CHAIN, .a = n };
        return lw_chain(l, &ch);
    }
    return lw_get_prop(l, lw_expr(l, n->a), n->s, false, n);
}

struct cx
lw_index_expr(struct lower *l, struct ast *n)
{
    struct cx c[2];
    lw_operands(l, 2, (struct ast *[]){ n->a, n->b }, c);
    if (n->b->kind == AST_LITERAL && n->b->v.t == TBE_STR_T && l->js) {
        return lw_get_prop(l, c[0], tbe_val_str(n->b->v), false, n);
    }
    return lw_index_op(l, c[0], c[1], n);
}
