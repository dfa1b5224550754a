/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of functions, methods and built-ins, and new -> C. */
#include "config.h"
#include "script/lower_expr.h"

#include <string.h>

/* Class.prototype.name.call(self, ...) and .apply(self, list) of JavaScript. */
static bool
proto_call(struct lower *l, struct ast *n, struct cx *out)
{
    struct ast *m = n->a; /* X.call */
    if (!l->js || m->kind != AST_MEMBER || m->a->kind != AST_MEMBER ||
        m->a->a->kind != AST_MEMBER ||
        !tbe_str_eqz(m->a->a->s, "prototype") || m->a->a->a->kind != AST_IDENT ||
        m->a->a->a->var != NULL ||
        n->list == NULL) {
        return false;
    }
    bool apply = tbe_str_eqz(m->s, "apply");
    if (!apply && !tbe_str_eqz(m->s, "call")) {
        return false;
    }
    struct cx self;
    struct args a;
    if (apply) {
        struct cx c[2];
        struct ast *e[2] = { n->list, n->list->next };
        lw_operands(l, e[1] ? 2 : 1, e, c);
        self = lw_spill(l, c[0]);
        int no = ++l->n_tmp;
        lw_line(l, "const tbe_val t%d = tbe_j_list(x, 0, NULL);", no);
        if (e[1] != NULL) {
            lw_line(l, "tbe_j_append_all(x, t%d, %.*s);", no, S_(lw_as_val(l, c[1])));
        }
        a.text = lw_fmt(l, "(int)t%d.u.l->n, t%d.u.l->v", no, no);
        a.nest = 1;
    } else {
        a = lw_arguments(l, n->list, &self, n->list->next);
    }
    *out = lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_proto_call(x, %.*s, %.*s, %.*s, %.*s)",
        S_(lw_str(l, m->a->a->a->s)), S_(lw_as_val(l, self)), S_(lw_str(l, m->a->s)), S_(a.text)));
    return true;
}

static struct cx
builtin_call(struct lower *l, struct ast *n, const struct builtin *b)
{
    if (l->js && lw_count(n->list) == 1 && n->list->kind != AST_SPREAD &&
        strncmp(b->fn, "tbe_j_math_", 11) == 0 &&
        sema_type(l->s, n->list) == AT_NUM) {
        static const char *const direct[] = { "abs", "floor", "ceil", "sqrt" };
        for (size_t i = 0; i < sizeof(direct) / sizeof(direct[0]); i++) {
            if (strcmp(b->fn + 11, direct[i]) == 0) {
                struct cx c = lw_expr(l, n->list);
                return lw_mk(l, REP_NUM, c.nest, lw_fmt(l, "%s(%.*s)", i == 0 ? "fabs" :
                    direct[i], S_(lw_as_num(l, c))));
            }
        }
    }
    struct args a = lw_arguments(l, NULL, NULL, n->list);
    const char *fn = b->fn;
    if (!l->js && n->list != NULL && (n->list->kind == AST_MEMBER || n->list->kind == AST_INDEX) &&
        strcmp(fn, "tbe_t_bytes_to_hex") == 0) {
        /* what is read from a message is taken for a byte[] */
        fn = "tbe_t_bytes_to_hex_any";
    }
    struct tbe_str t = lw_fmt(l, "%s(x, %.*s)", fn, S_(a.text));
    if (l->js && b->type == AT_NUM) {
        return lw_mk(l, REP_NUM, a.nest, lw_fmt(l, "%.*s.u.d", S_(t)));
    }
    return lw_mk(l, REP_VAL, a.nest, t);
}

static struct cx
no_such_static(struct lower *l, struct ast *n)
{
    struct args a = lw_arguments(l, NULL, NULL, n->list);
    if (l->js) {
        return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_no_static(x, %.*s, %.*s, %.*s)",
            S_(lw_str(l, n->a->a->s)),
            S_(lw_str(l, n->a->s)), S_(a.text)));
    }
    return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_t_no_static(x, %.*s, %.*s, %.*s)",
        S_(lw_str(l, n->a->a->s)), S_(lw_str(l, n->a->s)), S_(a.text)));
}

/* What the script writes for n, as the error of V8 has it. */
static void
put_site(struct tbe_buf *b, const struct ast *n)
{
    switch (n->kind) {
    case AST_IDENT:
        tbe_buf_puts(b, n->s);
        return;
    case AST_THIS:
        tbe_buf_putz(b, "this");
        return;
    case AST_MEMBER:
        put_site(b, n->a);
        tbe_buf_putc(b, '.');
        tbe_buf_puts(b, n->s);
        return;
    case AST_INDEX:
        put_site(b, n->a);
        tbe_buf_putz(b, "[");
        put_site(b, n->b);
        tbe_buf_putz(b, "]");
        return;
    case AST_CALL:
        put_site(b, n->a);
        tbe_buf_putz(b, "(...)");
        return;
    default:
        tbe_buf_putz(b, "(intermediate value)");
        return;
    }
}

/* The text of a callee as a C literal. */
static struct tbe_str
callee_site(struct lower *l, const struct ast *n)
{
    struct tbe_buf text = { 0 };
    put_site(&text, n);
    struct ast site = { .src = tbe_buf_str(&text) };
    struct tbe_str r = lw_site(l, &site);
    tbe_buf_free(&text);
    return r;
}

static struct tbe_str
callable(struct lower *l, struct cx f, const struct ast *n)
{
    struct tbe_str t = lw_as_val(l, f);
    return l->js ? lw_fmt(l, "tbe_j_callable(x, %.*s, %.*s)", S_(t), S_(callee_site(l, n))) : t;
}

/* The name of the method n calls: for JavaScript with the text of the callee behind it. */
static struct cx
method_call(struct lower *l, const struct ast *n, struct cx o, struct args a)
{
    struct tbe_str name = n->a->s, O = lw_needed(l, o, n);
    int nest = a.nest > o.nest ? a.nest : o.nest;
    if (!l->js || name.n > 100) {
        return lw_mk(l, REP_VAL, nest, lw_fmt(l, "%s_method(x, %.*s, %.*s, %.*s)", l->P, S_(O),
            S_(lw_str(l, name)),
            S_(a.text)));
    }
    struct ast plain = { .src = name };
    return lw_mk(l, REP_VAL, nest,
        lw_fmt(l, "tbe_j_method_site(x, %.*s, TBE_SITE(%.*s, %.*s), %.*s)", S_(O),
        S_(lw_site(l, &plain)), S_(callee_site(l, n->a)), S_(a.text)));
}

/* Do the arguments assign to a property that may be the method itself? */
static bool
assigns(const struct ast *n, struct tbe_str name)
{
    if (n == NULL || n->kind == AST_FUNC) {
        return false;
    }
    const struct ast *t = n->kind == AST_ASSIGN || n->kind == AST_UPDATE ||
        (n->kind == AST_UNARY && n->op == OP_DELETE) ? n->a : NULL;
    if (t != NULL && (t->kind == AST_INDEX || (t->kind == AST_MEMBER && tbe_str_eq(t->s, name)))) {
        return true;
    }
    bool yes = assigns(n->a, name) || assigns(n->b, name) || assigns(n->c, name) ||
        assigns(n->d, name);
    for (const struct ast *e = n->list; e != NULL && !yes; e = e->next) {
        yes = assigns(e, name);
    }
    return yes;
}

static bool
assigns_any(const struct ast *list, struct tbe_str name)
{
    for (; list != NULL; list = list->next) {
        if (assigns(list, name)) {
            return true;
        }
    }
    return false;
}

/* The method is read before the arguments are evaluated. */
static struct cx
method_read_first(struct lower *l, struct ast *n)
{
    struct cx o = lw_spill(l, lw_expr(l, n->a->a));
    struct cx f = lw_spill(l, lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_method_value(x, %.*s, %.*s)",
        S_(lw_as_val(l, o)),
        S_(lw_str(l, n->a->s)))));
    struct args a = lw_arguments(l, NULL, NULL, n->list);
    return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_call(x, %.*s, %.*s, %.*s)",
        S_(callable(l, f, n->a)),
        S_(lw_as_val(l, o)), S_(a.text)));
}

static struct cx
call_ident(struct lower *l, struct ast *n)
{
    struct ast *f = n->a;
    if (f->var == NULL) {
        const struct builtin *b = builtin_find(l->src->dialect, TBE_STR(""), f->s);
        if (b != NULL) {
            return builtin_call(l, n, b);
        }
        if (!l->js) {
            return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_no_function(x, %.*s)",
                S_(lw_str(l, f->s))));
        }
    } else if (lw_direct(f)) {
        struct sema_func *fn = f->var->fn->func;
        lw_queue(l, fn);
        struct args a = lw_arguments(l, NULL, NULL, n->list);
        if (!l->js && lw_count(n->list) > lw_count(fn->node->list)) {
            return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_bad_args(x, %.*s)",
                S_(lw_str(l, n->src))));
        }
        return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_direct(x, %s, %.*s)", fn->cname,
            S_(a.text)));
    }
    struct cx fc;
    struct args a = lw_arguments(l, f, &fc, n->list);
    return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_call(x, %.*s, TBE_UNDEF_VAL, %.*s)", l->P,
        S_(callable(l, fc, f)), S_(a.text)));
}

struct cx
lw_call(struct lower *l, struct ast *n)
{
    struct ast *f = n->a;
    struct cx c;
    if (f->kind == AST_IDENT) {
        return call_ident(l, n);
    }
    if (proto_call(l, n, &c)) {
        return c;
    }
    if (f->kind == AST_MEMBER && f->a->kind == AST_IDENT && f->a->var == NULL) {
        const struct builtin *b = builtin_find(l->src->dialect, f->a->s, f->s);
        if (b != NULL) {
            return builtin_call(l, n, b);
        }
        bool fn_method = l->js && (tbe_str_eqz(f->s, "call") || tbe_str_eqz(f->s, "apply") ||
            tbe_str_eqz(f->s, "bind"));
        if (builtin_class(l->src->dialect, f->a->s) && !fn_method) {
            return no_such_static(l, n);
        }
    }
    if (f->kind == AST_MEMBER && l->js && lw_list_effect(n->list) && assigns_any(n->list, f->s)) {
        return method_read_first(l, n);
    }
    /* it fails before the arguments */
    if (f->kind == AST_MEMBER && l->js && lw_list_effect(n->list) && lw_may_throw(f)) {
        c = lw_spill(l, lw_expr(l, f->a));
        lw_line(l, "if (tbe_is_null(%.*s)) {", S_(lw_as_val(l, c)));
        lw_line(l, "    (void)tbe_j_get(x, %.*s, %.*s, %.*s);", S_(lw_as_val(l, c)),
            S_(lw_str(l, f->s)), S_(lw_hint(l)));
        lw_line(l, "}");
        return method_call(l, n, c, lw_arguments(l, NULL, NULL, n->list));
    }
    if (f->kind == AST_MEMBER) {
        struct args a = lw_arguments(l, f->a, &c, n->list);
        return method_call(l, n, c, a);
    }
    if (f->kind == AST_INDEX && l->js) {
        struct cx oi[2];
        lw_operands(l, 2, (struct ast *[]){ f->a, f->b }, oi);
        struct tbe_str o = lw_spill(l, oi[0]).t, i = lw_as_val(l, lw_spill(l, oi[1]));
        struct args a = lw_arguments(l, NULL, NULL, n->list);
        return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_method_at(x, %.*s, %.*s, %.*s)", S_(o),
            S_(i), S_(a.text)));
    }
    struct args a = lw_arguments(l, f, &c, n->list);
    return lw_mk(l, REP_VAL, a.nest > c.nest ? a.nest : c.nest,
        lw_fmt(l, "%s_call(x, %.*s, TBE_UNDEF_VAL, %.*s)", l->P,
        S_(callable(l, c, f)), S_(a.text)));
}

struct cx
lw_new_op(struct lower *l, struct ast *n)
{
    if (n->a->kind == AST_IDENT && n->a->var == NULL) {
        struct args a = lw_arguments(l, NULL, NULL, n->list);
        return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_new(x, %.*s, %.*s)", l->P,
            S_(lw_str(l, n->a->s)), S_(a.text)));
    }
    if (!l->js) { /* new java.util.Date(): the last name counts */
        struct args a = lw_arguments(l, NULL, NULL, n->list);
        return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_t_new(x, %.*s, %.*s)",
            S_(lw_str(l, n->a->s)), S_(a.text)));
    }
    struct cx c;
    struct args a = lw_arguments(l, n->a, &c, n->list);
    return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_construct(x, %.*s, %.*s)",
        S_(lw_as_val(l, c)), S_(a.text)));
}
