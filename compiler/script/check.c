/* SPDX-License-Identifier: Apache-2.0 */
/* Names: which variable every identifier is, what inner functions capture, what is written
 * where. Serves both dialects; they differ in how names come into being. JavaScript hoists: all
 * declarations of a scope are known on entry. TBEL declares as it goes, in text order, and
 * function bodies see everything declared at the top level (facts/tbel.md 9), so they are walked
 * last. */
#include "config.h"
#include "script/check.h"

#include <string.h>

static void name_value(struct ast *value, struct tbe_str name);
static void walk_list(struct sema *s, struct ast *n);

/* ---- functions ---- */

static struct sema_func *
new_func(struct sema *s, struct ast *node)
{
    struct sema_func *f = tbe_arena_zalloc(s->c->a, sizeof(*f));
    f->up = s->func;
    f->node = node;
    f->no = s->n_funcs++;
    if (s->main == NULL) {
        s->main = f;
    } else {
        s->last_func->next = f;
    }
    s->last_func = f;
    return f;
}

static void
func_params(struct sema *s, struct ast *fn)
{
    int i = 0;
    for (struct ast *p = fn->list; p != NULL; p = p->next, i++) {
        struct ast *t = p;
        while (t->kind == AST_DEFAULT || t->kind == AST_SPREAD) {
            t = t->a;
        }
        if (t->kind == AST_IDENT) {
            struct sema_var *v = sema_find_in(s->scope, t->s);
            if (v == NULL || !sema_is_js(s)) {
                v = sema_declare(s, s->scope, t, t->s, SV_PARAM);
            }
            v->index = i;
            v->early = true;
            v->declared = true;
            t->var = v;
        } else {
            sema_declare_pattern(s, s->scope, t, SV_VAR);
            for (struct sema_var *v = s->scope->vars; v != NULL; v = v->next) {
                v->early = true;
            }
        }
    }
}

static void
walk_func(struct sema *s, struct ast *fn)
{
    struct sema_scope *save_scope = s->scope;
    struct sema_func *save_func = s->func, *f = new_func(s, fn);
    fn->func = f;
    s->func = f;
    if (sema_is_js(s) && fn->s.p != NULL && fn->kind == AST_FUNC && !(fn->flags & AST_F_METHOD)) {
        /* a named function expression sees its own name */
        struct sema_scope *self = sema_push_scope(s);
        /* set by the walk of FUNC_DECL: it does not need it */
        if (fn->flags & AST_F_SHORT) {
            s->scope = self->up;
        } else {
            struct sema_var *v = sema_declare(s, self, fn, fn->s, SV_FUNC);
            v->fn = fn;
            v->early = true;
            fn->var = v;
        }
    }
    f->scope = sema_push_scope(s);
    func_params(s, fn);
    if (sema_is_js(s)) {
        for (struct ast *p = fn->list; p != NULL; p = p->next) {
            if (p->kind == AST_DEFAULT) {
                sema_walk(s, p->b);
            }
            struct ast *t = p->kind == AST_DEFAULT || p->kind == AST_SPREAD ? p->a : p;
            if (t->kind != AST_IDENT) {
                sema_walk_target(s, t, true);
            }
        }
        if (!(fn->flags & AST_F_EXPR_BODY)) {
            sema_hoist_list(s, fn->d->list, s->scope->no);
            sema_declare_lexical(s, fn->d->list);
        }
    }
    f->maps_args = sema_is_js(s);
    for (const struct ast *p = fn->list; p != NULL; p = p->next) {
        f->maps_args = f->maps_args && p->kind == AST_IDENT;
    }
    if (fn->flags & AST_F_EXPR_BODY) {
        sema_walk(s, fn->d);
    } else {
        fn->d->scope = s->scope;
        walk_list(s, fn->d->list);
    }
    s->scope = save_scope;
    s->func = save_func;
}

static void
tbel_func(struct sema *s, struct ast *n)
{
    struct sema_var *v = sema_find_in(s->scope, n->a->s);
    if (v != NULL && v->kind == SV_FUNC) {
        n->flags |= AST_F_SHORT; /* a second declaration is ignored */
        return;
    }
    v = sema_declare(s, s->scope, n->a, n->a->s, SV_FUNC);
    v->fn = n->a;
    v->early = true;
    n->var = v;
}

/* ---- statements ---- */

static void
tbel_hoist_funcs(struct sema *s, struct ast *list)
{
    for (struct ast *n = list; n != NULL; n = n->next) {
        if (n->kind == AST_FUNC_DECL) {
            tbel_func(s, n);
        }
    }
}

static void
walk_block(struct sema *s, struct ast *n)
{
    struct sema_scope *save = s->scope;
    n->scope = sema_push_scope(s);
    if (sema_is_js(s)) {
        sema_declare_lexical(s, n->list);
    } else {
        tbel_hoist_funcs(s, n->list);
    }
    walk_list(s, n->list);
    s->scope = save;
}

/* A statement in a place where it has a scope of its own without being a block. */
static void
walk_body(struct sema *s, struct ast *n)
{
    if (n == NULL || n->kind == AST_BLOCK) {
        sema_walk(s, n);
        return;
    }
    struct sema_scope *save = s->scope;
    sema_push_scope(s);
    sema_walk(s, n);
    s->scope = save;
}

static void
walk_decl(struct sema *s, const struct ast *var, struct ast *d)
{
    if (d->a->kind == AST_IDENT && sema_is_js(s)) {
        name_value(d->b, d->a->s);
    }
    sema_walk(s, d->b);
    if (d->a->kind == AST_IDENT) {
        struct sema_var *v = d->a->var;
        if (!sema_is_js(s)) {
            v = sema_find(s, d->a->s);
            if (v == NULL || (v->kind == SV_FUNC && v->scope != s->scope)) {
                v = sema_declare(s, s->scope, d->a, d->a->s, SV_VAR);
            }
            d->a->var = v;
            if (v->func != s->func) {
                v->captured = v->early = true;
                sema_capture(s, v);
            }
            v->declared = true;
        }
        if (v == NULL) { /* while (a) let b; */
            ast_error(s->c, d->a->line, d->a->col, "syntax", "a declaration cannot stand alone here: put it into { }");
            return;
        }
        if (d->b != NULL) {
            sema_write_ident(s, d->a, d->b, OP_NONE, false, true);
        } else if (var->op != AST_DECL_VAR || !sema_is_js(s)) {
            sema_write_ident(s, d->a, NULL, OP_NONE, false, true);
            v->early = true;
        } else {
            v->early = true;
        }
        if (!sema_is_js(s) && d->s.n > 0 && s->last_assign != NULL && s->last_assign->var == v) {
            s->last_assign->type = (uint8_t)sema_named_type(d->s);
        }
        if (s->scope->is_case) {
            v->early = true;
        }
        return;
    }
    sema_walk_target(s, d->a, true);
}

static void
walk_for(struct sema *s, struct ast *n)
{
    struct sema_scope *save = s->scope;
    n->scope = sema_push_scope(s);
    if (sema_is_js(s) && n->a != NULL && n->a->kind == AST_VAR && n->a->op != AST_DECL_VAR) {
        sema_declare_lexical(s, n->a);
    }
    if (n->kind == AST_FOR) {
        sema_walk(s, n->a);
        sema_walk(s, n->b);
        walk_body(s, n->d);
        sema_walk(s, n->c);
    } else if (n->kind == AST_FOREACH) {
        sema_walk(s, n->b);
        struct sema_var *v = sema_find(s, n->a->s);
        if (v == NULL || v->func != s->func) {
            v = sema_declare(s, s->scope, n->a, n->a->s, SV_VAR);
        }
        n->a->var = v;
        v->declared = true;
        sema_note_write(s, v, NULL, OP_NONE, false);
        walk_body(s, n->d);
    } else {
        sema_walk(s, n->b);
        if (n->a->kind == AST_VAR) {
            sema_walk_target(s, n->a->list->a, true);
        } else {
            sema_walk_target(s, n->a, false);
        }
        walk_body(s, n->d);
    }
    s->scope = save;
}

static void
walk_switch(struct sema *s, struct ast *n)
{
    sema_walk(s, n->a);
    struct sema_scope *save = s->scope;
    n->scope = sema_push_scope(s);
    n->scope->is_case = true;
    if (sema_is_js(s)) {
        for (struct ast *c = n->list; c != NULL; c = c->next) {
            sema_declare_lexical(s, c->list);
        }
    }
    for (struct ast *c = n->list; c != NULL; c = c->next) {
        sema_walk(s, c->a);
        struct sema_scope *in = s->scope;
        if (!sema_is_js(s)) {
            c->scope = sema_push_scope(s);
        }
        walk_list(s, c->list);
        s->scope = in;
    }
    s->scope = save;
}

static void
walk_try(struct sema *s, struct ast *n)
{
    s->func->has_try = true;
    sema_walk(s, n->a);
    if (n->c != NULL) {
        struct sema_scope *save = s->scope;
        n->scope = sema_push_scope(s);
        if (n->b != NULL) {
            sema_declare_pattern(s, s->scope, n->b, SV_CATCH);
            sema_walk_target(s, n->b, true);
        }
        sema_walk(s, n->c);
        s->scope = save;
    }
    sema_walk(s, n->d);
}

/* Function(...) and new Function(...) */
static void
refuse_function(struct sema *s, const struct ast *n)
{
    if (sema_is_js(s) && n->a->kind == AST_IDENT && tbe_str_eqz(n->a->s, "Function") &&
        sema_find(s, n->a->s) == NULL) {
        ast_error(s->c, n->a->line, n->a->col, "unsupported",
            "Function is not supported: code made at run time cannot be compiled, write it in the script");
    }
}

static void
walk_call(struct sema *s, struct ast *n)
{
    refuse_function(s, n);
    if (n->a->kind == AST_IDENT) {
        struct sema_var *v = sema_use(s, n->a);
        if (v != NULL) {
            v->read = true;
        }
    } else {
        sema_walk(s, n->a);
    }
    walk_list(s, n->list);
}

static void
walk_map(struct sema *s, struct ast *n)
{
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        if (e->kind == AST_SPREAD) {
            sema_walk(s, e->a);
            continue;
        }
        if (sema_is_js(s) && (e->flags & AST_F_SHORT) && e->b != NULL &&
            e->b->kind == AST_DEFAULT) {
            ast_error(s->c, e->line, e->col, "syntax", "= is not allowed here: write name: value");
        }
        sema_walk(s, e->a);
        if (e->a->kind == AST_LITERAL && e->a->v.t == TBE_STR_T) {
            name_value(e->b, tbe_val_str(e->a->v));
        }
        sema_walk(s, e->b);
    }
}

static void
walk_fold(struct sema *s, struct ast *n)
{
    sema_walk(s, n->b);
    struct sema_scope *save = s->scope;
    n->scope = sema_push_scope(s);
    struct sema_var *v = sema_declare(s, n->scope, n, TBE_STR("$"), SV_VAR);
    v->declared = v->early = v->read = true;
    sema_note_write(s, v, NULL, OP_NONE, false);
    n->var = v;
    sema_walk(s, n->a);
    sema_walk(s, n->c);
    s->scope = save;
}

static void
walk_with(struct sema *s, struct ast *n)
{
    sema_walk(s, n->a);
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        sema_walk(s, e->b);
    }
}

/* An arrow function sees the `this` around it: a variable of that function. */
static void
walk_this(struct sema *s, struct ast *n)
{
    struct sema_func *f = sema_no_arrow(s);
    if (f == s->func) {
        return;
    }
    n->s = TBE_STR("this");
    if (f->self == NULL) {
        f->self = sema_declare(s, f->scope, n, n->s, SV_VAR);
        f->self->read = f->self->early = true;
    }
    n->var = f->self;
    f->self->captured = true;
    sema_capture(s, f->self);
}

/* What is put into a variable or property under a name is a function of that name. */
static void
name_value(struct ast *value, struct tbe_str name)
{
    if (value != NULL && value->kind == AST_FUNC && value->s.p == NULL && value->s2.p == NULL) {
        value->s2 = name;
    }
}

static void
walk_assign(struct sema *s, struct ast *n)
{
    if (n->a->kind == AST_IDENT) {
        name_value(n->b, n->a->s);
        sema_walk(s, n->b);
        sema_write_ident(s, n->a, n->b, n->op, false, false);
    } else if (n->a->kind == AST_LIST || n->a->kind == AST_MAP) {
        sema_walk(s, n->b);
        sema_walk_target(s, n->a, false);
    } else {
        sema_walk(s, n->a);
        sema_walk(s, n->b);
    }
}

void
sema_walk(struct sema *s, struct ast *n)
{
    struct sema_var *v;
    if (n == NULL) {
        return;
    }
    switch (n->kind) {
    case AST_IDENT:
        v = sema_use(s, n);
        if (v != NULL) {
            v->read = v->value_used = true;
        }
        return;
    case AST_THIS:
        walk_this(s, n);
        return;
    case AST_FUNC:
        walk_func(s, n);
        return;
    case AST_FUNC_DECL:
        if (n->flags & AST_F_SHORT) {
            return;
        }
        if (!sema_is_js(s)) {
            if (n->var == NULL) {
                tbel_func(s, n);
            }
            if (s->n_later == s->cap_later) {
                int cap = s->cap_later ? s->cap_later * 2 : 8;
                void *p = tbe_arena_alloc(s->c->a, (size_t)cap * sizeof(*s->later));
                if (s->n_later > 0) {
                    memcpy(p, s->later, (size_t)s->n_later * sizeof(*s->later));
                }
                s->later = p;
                s->cap_later = cap;
            }
            s->later[s->n_later].fn = n->a;
            s->later[s->n_later].scope = s->scope;
            s->later[s->n_later++].up = s->func;
            return;
        }
        n->a->flags |= AST_F_SHORT;
        walk_func(s, n->a);
        if (n->var != NULL && n->var->fn == NULL) {
            sema_note_write(s, n->var, NULL, OP_NONE, false);
        }
        return;
    case AST_CALL:
        walk_call(s, n);
        return;
    case AST_NEW:
        refuse_function(s, n);
        sema_walk(s, n->a);
        walk_list(s, n->list);
        return;
    case AST_UNARY: /* typeof asks whether there is one */
        if (n->op != OP_TYPEOF || n->a->kind != AST_IDENT || sema_find(s, n->a->s) != NULL) {
            sema_walk(s, n->a);
        }
        return;
    case AST_MAP:
        walk_map(s, n);
        return;
    case AST_ASSIGN:
        walk_assign(s, n);
        return;
    case AST_UPDATE:
        if (n->a->kind == AST_IDENT) {
            sema_write_ident(s, n->a, NULL, n->op, true, false);
        } else {
            sema_walk(s, n->a);
        }
        return;
    case AST_ISDEF:
        if (n->a->kind == AST_IDENT) {
            v = sema_use(s, n->a);
            if (v != NULL) {
                v->read = true;
            }
        }
        return;
    case AST_FOLD:
        walk_fold(s, n);
        return;
    case AST_WITH:
        walk_with(s, n);
        return;
    case AST_VAR:
        for (struct ast *d = n->list; d != NULL; d = d->next) {
            walk_decl(s, n, d);
        }
        return;
    case AST_BLOCK:
        walk_block(s, n);
        return;
    case AST_IF:
        sema_walk(s, n->a);
        walk_body(s, n->b);
        walk_body(s, n->c);
        return;
    case AST_FOR:
    case AST_FOR_IN:
    case AST_FOR_OF:
    case AST_FOREACH:
        walk_for(s, n);
        return;
    case AST_WHILE:
    case AST_DO:
        sema_walk(s, n->a);
        walk_body(s, n->d);
        return;
    case AST_SWITCH:
        walk_switch(s, n);
        return;
    case AST_TRY:
        walk_try(s, n);
        return;
    default:
        sema_walk(s, n->a);
        sema_walk(s, n->b);
        sema_walk(s, n->c);
        sema_walk(s, n->d);
        walk_list(s, n->list);
        return;
    }
}

static void
walk_list(struct sema *s, struct ast *n)
{
    for (; n != NULL; n = n->next) {
        sema_walk(s, n);
    }
}

/* Names that became implicit globals after they were used. */
static void
bind_globals(struct sema *s)
{
    struct sema_func *save = s->func;
    for (struct sema_free *f = s->free; f != NULL && s->globals->vars != NULL; f = f->next) {
        struct sema_var *v = sema_find_in(s->globals, f->id->s);
        if (f->id->var == NULL && v != NULL) {
            f->id->var = v;
            v->read = true;
            s->func = f->func;
            if (f->func != v->func) {
                v->captured = true;
                sema_capture(s, v);
            }
        }
    }
    s->func = save;
}

void
sema_check(struct sema *s, struct ast *body)
{
    s->func = new_func(s, NULL);
    s->globals = sema_push_scope(s);
    s->func->scope = sema_push_scope(s);
    body->scope = s->scope;
    for (int i = 0; i < s->src->n_params; i++) {
        struct sema_var *v = sema_declare(s, s->scope, NULL, tbe_strz(s->src->params[i]), SV_PARAM);
        v->index = i;
        v->early = v->declared = true;
    }
    if (sema_is_js(s)) {
        sema_hoist_list(s, body->list, s->scope->no);
        sema_declare_lexical(s, body->list);
    } else {
        tbel_hoist_funcs(s, body->list);
    }
    walk_list(s, body->list);
    struct sema_scope *save = s->scope;
    struct sema_func *main_func = s->func;
    for (int i = 0; i < s->n_later; i++) { /* grows while it runs: nested functions */
        s->scope = s->later[i].scope;
        s->func = s->later[i].up;
        walk_func(s, s->later[i].fn);
    }
    s->scope = save;
    s->func = main_func;
    bind_globals(s);
    if (!s->c->failed) {
        sema_infer(s);
    }
}
