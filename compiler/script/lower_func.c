/* SPDX-License-Identifier: Apache-2.0 */
/* Functions -> C functions: names, declarations of variables, cells of captured ones, closures,
 * the frame of a function that has a try block; and the output helpers of the lowering. */
#include "config.h"
#include "script/lower.h"

#include <string.h>

#include "script/cwrite.h"

/* ---- output ---- */

struct tbe_str
lw_fmt(struct lower *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct tbe_str s = tbe_arena_vfmt(l->a, fmt, ap);
    va_end(ap);
    return s;
}

void
lw_line(struct lower *l, const char *fmt, ...)
{
    va_list ap;
    int in = l->indent > 20 ? 20 : l->indent;
    va_start(ap, fmt);
    struct tbe_str s = tbe_arena_vfmt(l->a, fmt, ap);
    va_end(ap);
    for (int i = 0; i < in; i++) {
        tbe_buf_putz(l->out, "    ");
    }
    tbe_buf_puts(l->out, s);
    tbe_buf_putc(l->out, '\n');
}

struct tbe_buf *
lw_divert(struct lower *l, struct tbe_buf *to)
{
    struct tbe_buf *was = l->out;
    l->out = to;
    return was;
}

struct tbe_str
lw_strip(struct tbe_str t)
{
    int depth = 0;
    if (t.n < 2 || t.p[0] != '(' || t.p[1] == '{' || t.p[t.n - 1] != ')') {
        return t;
    }
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] == '"') {
            for (i++; i < t.n && t.p[i] != '"'; i++) {
                i += t.p[i] == '\\';
            }
        } else if (t.p[i] == '(') {
            depth++;
        } else if (t.p[i] == ')' && --depth == 0 && i + 1 < t.n) {
            return t;
        } else if (t.p[i] == ',' && depth == 1) {
            return t; /* a comma operator needs them */
        }
    }
    return (struct tbe_str){ t.p + 1, t.n - 2 };
}

/* ---- names ---- */

static const char *
unique_name(struct lower *l, struct tbe_str base)
{
    struct tbe_buf b = { 0 };
    cw_ident(&b, base);
    l->n_names++;
    tbe_buf_fmt(&b, "_%d", l->n_names);
    char *z = tbe_arena_dupz(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return z;
}

const char *
lw_var_name(struct lower *l, struct sema_var *v)
{
    if (v->cname == NULL) {
        /* msg, metadata, msgType: unique by themselves */
        if (v->kind == SV_PARAM && v->func->node == NULL) {
            struct tbe_buf b = { 0 };
            cw_ident(&b, v->name);
            v->cname = tbe_arena_dupz(l->a, tbe_buf_str(&b));
            tbe_buf_free(&b);
        } else {
            v->cname = unique_name(l, v->name);
        }
    }
    return v->cname;
}

static void
name_func(struct lower *l, struct sema_func *f)
{
    struct tbe_buf b = { 0 };
    if (f->cname != NULL) {
        return;
    }
    struct tbe_str name = f->node->s.p ? f->node->s : f->node->s2;
    tbe_buf_fmt(&b, "%s_f%d", l->sym, f->no);
    if (name.n > 0) {
        tbe_buf_putc(&b, '_');
        cw_ident(&b, name);
    }
    f->cname = tbe_arena_dupz(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
}

void
lw_queue(struct lower *l, struct sema_func *f)
{
    if (!f->queued) {
        name_func(l, f);
        f->queued = true;
        tbe_buf_fmt(&l->decls,
            "static tbe_val %s(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc,\n"
                               "    const tbe_val *argv);\n", f->cname);
    }
}

int
lw_list_length(const struct ast *n)
{
    int k = 0;
    for (; n != NULL; n = n->next) {
        k++;
    }
    return k;
}

/* Is the parameter v the element of `arguments`? Writes to the one show in the other. */
bool
lw_mapped(const struct sema_var *v)
{
    return v->kind == SV_PARAM && v->func->maps_args && v->func->args != NULL && !v->captured;
}

static int
n_params(const struct sema_func *f)
{
    int n = 0;
    for (const struct ast *p = f->node->list; p != NULL && p->kind != AST_DEFAULT &&
        p->kind != AST_SPREAD; p = p->next) {
        n++;
    }
    return n;
}

struct tbe_str
lw_closure(struct lower *l, struct sema_func *f)
{
    struct tbe_buf b = { 0 };
    int n = 0;
    lw_queue(l, f);
    struct tbe_str name = f->node->s.p ? f->node->s : f->node->s2.p ? f->node->s2 : TBE_STR("");
    if (name.n > 100) {
        name.n = 100;
    }
    for (struct sema_cap *c = f->caps; c != NULL; c = c->next) {
        tbe_buf_fmt(&b, "%s%sc_%s", n++ ? ", " : "", l->f->has_try ? "fr->" :
            "", lw_var_name(l, c->var));
    }
    struct tbe_buf q = { 0 };
    ctext_string(&q, name);
    struct tbe_str r = n == 0 ?
        lw_fmt(l, "tbe_closure(x, %s, %.*s, %d, 0, NULL)", f->cname, S_(tbe_buf_str(&q)),
        n_params(f)) :
        lw_fmt(l, "tbe_closure(x, %s, %.*s, %d, %d, (tbe_val *[%d]){ %.*s })", f->cname,
            S_(tbe_buf_str(&q)), n_params(f),
            n, n, S_(tbe_buf_str(&b)));
    tbe_buf_free(&q);
    tbe_buf_free(&b);
    return r;
}

/* ---- variables ---- */

static bool
needs_storage(const struct sema_var *v)
{
    bool direct = v->kind == SV_FUNC && v->fn != NULL && v->fn->func != NULL &&
        v->fn->func->is_static;
    return !direct || v->value_used;
}

/* Declares v with its first value. */
static void
declare_var(struct lower *l, struct sema_var *v, struct tbe_str init)
{
    const char *name = lw_var_name(l, v);
    bool num = l->js && !v->captured && v->type == AT_NUM, boolean = l->js && !v->captured &&
        v->type == AT_BOOL;
    const char *type = v->counter ? "int32_t" : num ? "double" : boolean ? "bool" : "tbe_val";
    struct tbe_str val = num || v->counter ? TBE_STR("0") : boolean ? TBE_STR("false") : init;
    if (v->captured) {
        if (l->f->has_try) {
            tbe_buf_fmt(&l->frame, "    tbe_val *c_%s;\n", name);
            lw_line(l, "fr->c_%s = tbe_cell(x, %.*s);", name, S_(val));
        } else {
            lw_line(l, "tbe_val *const c_%s = tbe_cell(x, %.*s);", name, S_(val));
        }
        return;
    }
    if (l->f->has_try) {
        tbe_buf_fmt(&l->frame, "    %s v_%s;\n", type, name);
        lw_line(l, "fr->v_%s = %.*s;", name, S_(val));
        return;
    }
    lw_line(l, "%s v_%s = %.*s;", type, name, S_(val));
    if (!v->read) {
        lw_line(l, "(void)v_%s;", name);
    }
}

void
lw_declare_scope(struct lower *l, struct sema_scope *sc)
{
    for (struct sema_var *v = sc ? sc->vars : NULL; v != NULL; v = v->next) {
        if (v->kind == SV_PARAM || v == v->func->args || v == v->func->self || !needs_storage(v)) {
            continue;
        }
        declare_var(l, v, tbe_strz(v->kind == SV_GLOBAL ? "TBE_ABSENT" : v->tdz ? "TBE_J_EARLY" :
            lw_null(l)));
    }
}

/* Function declarations of a statement list get their values on entry. */
void
lw_hoist(struct lower *l, struct ast *list)
{
    for (struct ast *n = list; n != NULL; n = n->next) {
        if (n->kind == AST_FUNC_DECL && n->var != NULL && n->a->func != NULL &&
            needs_storage(n->var)) {
            if (l->js || n->var->fn == n->a) {
                struct tbe_str c = lw_closure(l, n->a->func);
                lw_line(l, "%.*s = %.*s;", S_(lw_var(l, n->var)), S_(c));
            }
        }
    }
}

/* ---- functions ---- */

static void
one_param(struct lower *l, struct ast *p, int i)
{
    struct ast *t = p;
    while (t->kind == AST_DEFAULT || t->kind == AST_SPREAD) {
        t = t->a;
    }
    const char *argc = l->f->has_try ? "fr->argc, fr->argv" : "argc, argv";
    struct tbe_str arg = p->kind == AST_SPREAD ? lw_fmt(l, "tbe_j_rest_args(x, %s, %d)", argc, i) :
        lw_fmt(l, "tbe_arg(%s, %d, TBE_UNDEF_VAL)", argc, i);
    if (p->kind != AST_DEFAULT && t->kind == AST_IDENT) {
        declare_var(l, t->var, arg);
        return;
    }
    if (t->kind == AST_IDENT) {
        declare_var(l, t->var, tbe_strz(lw_null(l)));
    }
    struct cx c = { .t = arg, .rep = REP_VAL };
    lw_bind(l, p->kind == AST_SPREAD ? p->a : p, c, true);
}

static void
params(struct lower *l, struct sema_func *f)
{
    int i = 0;
    if (f->self != NULL) {
        declare_var(l, f->self, lw_own_this(l));
    }
    if (f->node == NULL) {
        for (struct sema_var *v = f->scope->vars; v != NULL; v = v->next) {
            if (v->kind == SV_PARAM) {
                declare_var(l, v, lw_fmt(l, "a%d", v->index));
            }
        }
        return;
    }
    if (f->args != NULL) {
        declare_var(l, f->args, lw_fmt(l, "tbe_j_arguments(x, %s, %d)",
            f->has_try ? "fr->argc, fr->argv" : "argc, argv", lw_list_length(f->node->list)));
    }
    /* variables inside patterns come first */
    for (struct ast *p = f->node->list; p != NULL; p = p->next, i++) {
        struct ast *t = p;
        while (t->kind == AST_DEFAULT || t->kind == AST_SPREAD) {
            t = t->a;
        }
        if (t->kind == AST_IDENT && t->var->index == i && !lw_mapped(t->var)) {
            one_param(l, p, i);
        }
    }
}

static void
pattern_params(struct lower *l, struct sema_func *f)
{
    int i = 0;
    for (struct ast *p = f->node ? f->node->list : NULL; p != NULL; p = p->next, i++) {
        struct ast *t = p;
        while (t->kind == AST_DEFAULT || t->kind == AST_SPREAD) {
            t = t->a;
        }
        if (t->kind != AST_IDENT) {
            one_param(l, p, i);
        }
    }
}

static void
captures(struct lower *l, struct sema_func *f)
{
    int k = 0;
    for (struct sema_cap *c = f->caps; c != NULL; c = c->next, k++) {
        const char *name = lw_var_name(l, c->var);
        if (f->has_try) {
            tbe_buf_fmt(&l->frame, "    tbe_val *c_%s;\n", name);
            lw_line(l, "fr->c_%s = f->cells[%d];", name, k);
        } else {
            lw_line(l, "tbe_val *const c_%s = f->cells[%d];", name, k);
        }
    }
}

/* The name of a named function expression, inside it. */
static void
own_name(struct lower *l, struct sema_func *f)
{
    struct sema_var *v = f->node ? f->node->var : NULL;
    if (v != NULL && v->kind == SV_FUNC && v->func == f && needs_storage(v) &&
        (v->read || v->captured)) {
        declare_var(l, v, TBE_STR("tbe_func_val(f)"));
    }
}

static void
main_body(struct lower *l, struct sema_func *f, struct ast *body)
{
    lw_declare_scope(l, l->s->globals);
    params(l, f);
    lw_declare_scope(l, f->scope);
    lw_hoist(l, body->list);
    if (l->js) {
        lw_list(l, body->list);
        lw_return(l, TBE_STR("TBE_UNDEF_VAL"));
    } else {
        lw_tail(l, body->list);
    }
}

static void
func_body(struct lower *l, struct sema_func *f)
{
    captures(l, f);
    own_name(l, f);
    params(l, f);
    lw_declare_scope(l, f->scope);
    pattern_params(l, f);
    if (f->node->flags & AST_F_EXPR_BODY) {
        struct tbe_str v = lw_val(l, f->node->d);
        lw_return(l, v);
        return;
    }
    lw_hoist(l, f->node->d->list);
    if (l->js) {
        lw_list(l, f->node->d->list);
        lw_return(l, TBE_STR("TBE_UNDEF_VAL"));
    } else {
        lw_tail(l, f->node->d->list);
    }
}

void
lw_func(struct lower *l, struct sema_func *f, struct ast *body)
{
    struct tbe_buf code = { 0 };
    struct cfunc cf = { 0 };
    l->f = f;
    l->cf = &cf;
    l->targets = NULL;
    l->indent = 1;
    l->last_line = 0;
    l->frame.n = 0;
    l->out = &code;
    if (f->node == NULL) {
        main_body(l, f, body);
    } else {
        func_body(l, f);
    }
    if (f->has_try) {
        tbe_buf_fmt(&l->frames,
            "struct %s_frame%d {\n    struct tbe_func *f;\n    tbe_val self;\n    int argc;\n"
                                "    const tbe_val *argv;\n    tbe_val ret;\n%.*s};\n",
            l->sym, f->no, S_(tbe_buf_str(&l->frame)));
    }
    if (f->node == NULL) {
        tbe_buf_fmt(&l->funcs,
            "\nstatic tbe_val\n%s_run(struct tbe_x *x, tbe_val a0, tbe_val a1, tbe_val a2)\n{\n"
                               "    (void)x;\n    (void)a0;\n    (void)a1;\n    (void)a2;\n",
                               l->sym);
    } else {
        tbe_buf_fmt(&l->funcs,
            "\nstatic tbe_val\n%s(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, "
                               "const tbe_val *argv)\n{\n    (void)x;\n    (void)f;\n    (void)self;\n    (void)argc;\n"
                               "    (void)argv;\n", f->cname);
    }
    if (f->has_try) {
        tbe_buf_fmt(&l->funcs, "    struct %s_frame%d frame, *const fr = &frame;\n", l->sym, f->no);
        if (f->node == NULL) {
            tbe_buf_putz(&l->funcs,
                "    fr->f = NULL;\n    fr->self = TBE_UNDEF_VAL;\n    fr->argc = 0;\n"
                                    "    fr->argv = NULL;\n");
        } else {
            tbe_buf_putz(&l->funcs,
                "    fr->f = f;\n    fr->self = self;\n    fr->argc = argc;\n    fr->argv = argv;\n");
        }
    }
    tbe_buf_puts(&l->funcs, tbe_buf_str(&code));
    tbe_buf_putz(&l->funcs, "}\n");
    tbe_buf_free(&code);
    f->emitted = true;
}
