/* SPDX-License-Identifier: Apache-2.0 */
/* Names: which variable every identifier is, what inner functions capture, what is written where. Serves
 * both dialects; they differ in how names come into being. JavaScript hoists: all declarations of a
 * scope are known on entry. TBEL declares as it goes, in text order, and function bodies see everything
 * declared at the top level (facts/tbel.md 9), so they are walked last. */
#include "config.h"
#include "script/sema.h"

#include <string.h>

static void walk(struct sema *s, struct ast *n);
static void name_value(struct ast *value, struct tbe_str name);
static void walk_list(struct sema *s, struct ast *n);

static bool
is_js(const struct sema *s)
{
    return s->src->dialect == TBE_DIALECT_JS;
}

/* ---- scopes ---- */

static struct sema_scope *
push_scope(struct sema *s)
{
    struct sema_scope *sc = tbe_arena_zalloc(s->c->a, sizeof(*sc));
    sc->up = s->scope;
    sc->func = s->func;
    sc->no = ++s->n_blocks;
    s->scope = sc;
    return sc;
}

static struct sema_var *
find_in(const struct sema_scope *sc, struct tbe_str name)
{
    for (struct sema_var *v = sc->vars; v != NULL; v = v->next) {
        if (tbe_str_eq(v->name, name)) {
            return v;
        }
    }
    return NULL;
}

static struct sema_var *
find(const struct sema *s, struct tbe_str name)
{
    for (const struct sema_scope *sc = s->scope; sc != NULL; sc = sc->up) {
        struct sema_var *v = find_in(sc, name);
        if (v != NULL) {
            return v;
        }
    }
    return NULL;
}

static struct sema_var *
declare(struct sema *s, struct sema_scope *sc, const struct ast *at, struct tbe_str name, enum sema_kind kind)
{
    struct sema_var *v = tbe_arena_zalloc(s->c->a, sizeof(*v));
    v->name = name;
    v->func = sc->func;
    v->scope = sc;
    v->kind = (uint8_t)kind;
    v->type = AT_ANY;
    v->index = -1;
    v->line = at ? at->line : 0;
    v->col = at ? at->col : 0;
    v->block_no = s->scope ? s->scope->no : 0;
    if (sc->vars == NULL) {
        sc->vars = v;
    } else {
        sc->last->next = v;
    }
    sc->last = v;
    return v;
}

static void
note_write(struct sema *s, struct sema_var *v, struct ast *value, enum ast_op op, bool update)
{
    struct sema_assign *as = tbe_arena_zalloc(s->c->a, sizeof(*as));
    as->var = v;
    as->value = value;
    as->op = (uint8_t)op;
    as->update = update;
    v->writes++;
    if (s->assigns == NULL) {
        s->assigns = as;
    } else {
        s->last_assign->next = as;
    }
    s->last_assign = as;
}

static void
capture(struct sema *s, struct sema_var *v)
{
    for (struct sema_func *f = s->func; f != NULL && f != v->func; f = f->up) {
        struct sema_cap *c = f->caps;
        while (c != NULL && c->var != v) {
            c = c->next;
        }
        if (c != NULL) {
            continue;
        }
        c = tbe_arena_zalloc(s->c->a, sizeof(*c));
        c->var = v;
        if (f->caps == NULL) {
            f->caps = c;
        } else {
            f->last_cap->next = c;
        }
        f->last_cap = c;
    }
}

/* Is the code here in a function declaration inside f? Such a one may run before what stands above it. */
static bool
in_hoisted(const struct sema *s, const struct sema_func *f)
{
    for (const struct sema_func *g = s->func; g != NULL && g != f; g = g->up) {
        if (g->node != NULL && (g->node->flags & AST_F_SHORT)) {
            return true;
        }
    }
    return false;
}

/* The nearest function that has a `this` and `arguments` of its own. */
static struct sema_func *
no_arrow(const struct sema *s)
{
    struct sema_func *f = s->func;
    while (f->up != NULL && f->node != NULL && (f->node->flags & AST_F_ARROW)) {
        f = f->up;
    }
    return f;
}

/* Names of JavaScript that are not compiled, and what to write instead. */
static void
refuse_name(struct sema *s, const struct ast *n)
{
    static const struct { const char *name, *instead; } t[] = {
        { "eval", "code made at run time cannot be compiled: write it in the script" },
        { "Symbol", "use a text as key" }, { "Proxy", "write functions that read and write" },
        { "Reflect", "use Object.keys, in and delete" }, { "BigInt", "numbers are exact up to 2^53" },
        { "Intl", "use toLocaleString, or build the text" }, { "WeakRef", "keep the object itself" },
        { "ArrayBuffer", "use an array of numbers" }, { "DataView", "use an array of numbers and shifts" },
        { "Uint8Array", "use an array of numbers" }, { "Int8Array", "use an array of numbers" },
        { "Uint8ClampedArray", "use an array of numbers" }, { "Uint16Array", "use an array of numbers" },
        { "Int16Array", "use an array of numbers" }, { "Uint32Array", "use an array of numbers" },
        { "Int32Array", "use an array of numbers" }, { "Float32Array", "use an array of numbers" },
        { "Float64Array", "use an array of numbers" } };
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        if (tbe_str_eqz(n->s, t[i].name)) {
            ast_error(s->c, n->line, n->col, "unsupported", "%s is not supported: %s", t[i].name, t[i].instead);
        }
    }
}

/* The name n is used (not declared) here. */
static struct sema_var *
use(struct sema *s, struct ast *n)
{
    struct sema_var *v = find(s, n->s);
    if (v == NULL && is_js(s) && tbe_str_eqz(n->s, "arguments") && s->func->node != NULL) {
        struct sema_func *f = no_arrow(s);
        if (f->node != NULL) {
            v = f->args = declare(s, f->scope, n, n->s, SV_VAR);
            f->uses_args = true;
            v->early = true;
        }
    }
    if (v == NULL) {
        if (is_js(s)) {
            refuse_name(s, n);
        }
        struct sema_free *fr = tbe_arena_alloc(s->c->a, sizeof(*fr));
        *fr = (struct sema_free){ n, s->func, s->free };
        s->free = fr;
        return NULL;
    }
    n->var = v;
    if (v->func != s->func) {
        /* A function that is only called and captures nothing needs no value; decided in the lowering. */
        v->early = true;
        if (v->kind != SV_FUNC || v->fn == NULL) {
            v->captured = true;
        }
        capture(s, v);
    }
    bool before = n->line < v->line || (n->line == v->line && n->col < v->col);
    if (before) {
        v->early = true;
    }
    if ((v->kind == SV_LET || v->kind == SV_CONST) && (before || in_hoisted(s, v->func))) {
        v->tdz = true;
    }
    if (s->scope->no < v->block_no) {
        v->early = true; /* outside the block that declares a `var` */
    }
    for (const struct sema_scope *sc = s->scope; v->kind == SV_VAR && sc->no != v->block_no; sc = sc->up) {
        if (sc->up == NULL || sc->func != v->func) {
            v->early = true;
            break;
        }
    }
    return v;
}

/* ---- JavaScript declarations ---- */

static void
declare_pattern(struct sema *s, struct sema_scope *sc, struct ast *p, enum sema_kind kind)
{
    switch (p->kind) {
    case AST_IDENT: {
        struct sema_var *v = find_in(sc, p->s);
        if (v == NULL) {
            v = declare(s, sc, p, p->s, kind);
        } else if (kind == SV_LET || kind == SV_CONST) {
            ast_error(s->c, p->line, p->col, "syntax", "\"%.*s\" has already been declared", (int)p->s.n, p->s.p);
        } else if (v->kind == SV_FUNC) {
            v->fn = NULL;
        } else {
            v->early = true;
        }
        p->var = v;
        return;
    }
    case AST_DEFAULT:
    case AST_SPREAD:
        declare_pattern(s, sc, p->a, kind);
        return;
    case AST_PROP:
        declare_pattern(s, sc, p->b, kind);
        return;
    case AST_LIST:
    case AST_MAP:
        for (struct ast *e = p->list; e != NULL; e = e->next) {
            declare_pattern(s, sc, e, kind);
        }
        return;
    default:
        return;
    }
}

static void hoist_list(struct sema *s, struct ast *n, size_t block);

/* Finds `var` and the functions of nested blocks, without entering functions. */
static void
hoist(struct sema *s, struct ast *n, size_t block)
{
    if (n == NULL) {
        return;
    }
    switch (n->kind) {
    case AST_VAR:
        if (n->op == AST_DECL_VAR) {
            for (struct ast *d = n->list; d != NULL; d = d->next) {
                declare_pattern(s, s->func->scope, d->a, SV_VAR);
            }
        }
        return;
    case AST_FUNC_DECL: {
        struct sema_var *v = find_in(s->func->scope, n->a->s);
        if (v == NULL) {
            v = declare(s, s->func->scope, n->a, n->a->s, SV_FUNC);
            v->fn = n->a;
            v->early = true;
        } else {
            v->early = true;
            v->fn = NULL;
        }
        n->var = v;
        return;
    }
    case AST_BLOCK:
    case AST_SWITCH:
    case AST_CASE:
        hoist_list(s, n->list, block);
        return;
    case AST_IF:
        hoist(s, n->b, block);
        hoist(s, n->c, block);
        return;
    case AST_FOR:
    case AST_FOR_IN:
    case AST_FOR_OF:
        hoist(s, n->a, block);
        hoist(s, n->d, block);
        return;
    case AST_WHILE:
    case AST_DO:
        hoist(s, n->d, block);
        return;
    case AST_TRY:
        hoist(s, n->a, block);
        hoist(s, n->c, block);
        hoist(s, n->d, block);
        return;
    case AST_LABEL:
        hoist(s, n->a, block);
        return;
    default:
        return;
    }
}

static void
hoist_list(struct sema *s, struct ast *n, size_t block)
{
    for (; n != NULL; n = n->next) {
        hoist(s, n, block);
    }
}

static void
declare_lexical(struct sema *s, struct ast *list)
{
    for (struct ast *n = list; n != NULL; n = n->next) {
        if (n->kind == AST_VAR && n->op != AST_DECL_VAR) {
            for (struct ast *d = n->list; d != NULL; d = d->next) {
                declare_pattern(s, s->scope, d->a, n->op == AST_DECL_CONST ? SV_CONST : SV_LET);
            }
        }
    }
}

/* ---- targets ---- */

static void
write_ident(struct sema *s, struct ast *n, struct ast *value, enum ast_op op, bool update, bool decl)
{
    struct sema_var *v = decl && n->var != NULL ? n->var : NULL;
    if (v == NULL) {
        v = use(s, n);
    } else if (v->kind == SV_VAR && v->line == n->line && v->col == n->col) {
        v->block_no = s->scope->no; /* the block of its first declaration */
    }
    if (v == NULL && is_js(s)) { /* sloppy mode: an implicit global */
        v = declare(s, s->globals, n, n->s, SV_GLOBAL);
        v->early = true;
        n->var = v;
        ast_warn(s->c, n->line, n->col, "undeclared", "\"%.*s\" is assigned but never declared: add var",
            (int)n->s.n, n->s.p);
        if (v->func != s->func) {
            v->captured = true;
            capture(s, v);
        }
    }
    if (v == NULL) {
        if (op != OP_NONE) {
            return; /* the lowering throws */
        }
        v = declare(s, s->scope, n, n->s, SV_VAR);
        n->var = v;
    }
    if (!decl && v->kind == SV_CONST) {
        n->flags |= AST_F_SET; /* the lowering throws a TypeError */
    }
    if (v->kind == SV_FUNC) {
        v->fn = NULL;
        if (v->func != s->func) {
            v->captured = true;
        }
    }
    if ((op != OP_NONE || update) && (v->kind == SV_PARAM || v->kind == SV_GLOBAL)) {
        v->read = true; /* a local that is only counted up is not used, says clang */
    }
    note_write(s, v, value, op, update);
}

static void
walk_target(struct sema *s, struct ast *n, bool decl)
{
    switch (n->kind) {
    case AST_IDENT:
        write_ident(s, n, NULL, OP_NONE, false, decl);
        return;
    case AST_DEFAULT:
        walk_target(s, n->a, decl);
        walk(s, n->b);
        return;
    case AST_SPREAD:
        walk_target(s, n->a, decl);
        return;
    case AST_PROP:
        walk(s, n->a);
        walk_target(s, n->b, decl);
        return;
    case AST_LIST:
    case AST_MAP:
        for (struct ast *e = n->list; e != NULL; e = e->next) {
            walk_target(s, e, decl);
        }
        return;
    default:
        walk(s, n);
        return;
    }
}

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
            struct sema_var *v = find_in(s->scope, t->s);
            if (v == NULL || !is_js(s)) {
                v = declare(s, s->scope, t, t->s, SV_PARAM);
            }
            v->index = i;
            v->early = true;
            v->declared = true;
            t->var = v;
        } else {
            declare_pattern(s, s->scope, t, SV_VAR);
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
    if (is_js(s) && fn->s.p != NULL && fn->kind == AST_FUNC && !(fn->flags & AST_F_METHOD)) {
        struct sema_scope *self = push_scope(s); /* a named function expression sees its own name */
        if (fn->flags & AST_F_SHORT) {           /* set by the walk of FUNC_DECL: it does not need it */
            s->scope = self->up;
        } else {
            struct sema_var *v = declare(s, self, fn, fn->s, SV_FUNC);
            v->fn = fn;
            v->early = true;
            fn->var = v;
        }
    }
    f->scope = push_scope(s);
    func_params(s, fn);
    if (is_js(s)) {
        for (struct ast *p = fn->list; p != NULL; p = p->next) {
            if (p->kind == AST_DEFAULT) {
                walk(s, p->b);
            }
            struct ast *t = p->kind == AST_DEFAULT || p->kind == AST_SPREAD ? p->a : p;
            if (t->kind != AST_IDENT) {
                walk_target(s, t, true);
            }
        }
        if (!(fn->flags & AST_F_EXPR_BODY)) {
            hoist_list(s, fn->d->list, s->scope->no);
            declare_lexical(s, fn->d->list);
        }
    }
    f->maps_args = is_js(s);
    for (const struct ast *p = fn->list; p != NULL; p = p->next) {
        f->maps_args = f->maps_args && p->kind == AST_IDENT;
    }
    if (fn->flags & AST_F_EXPR_BODY) {
        walk(s, fn->d);
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
    struct sema_var *v = find_in(s->scope, n->a->s);
    if (v != NULL && v->kind == SV_FUNC) {
        n->flags |= AST_F_SHORT; /* a second declaration is ignored */
        return;
    }
    v = declare(s, s->scope, n->a, n->a->s, SV_FUNC);
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
    n->scope = push_scope(s);
    if (is_js(s)) {
        declare_lexical(s, n->list);
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
        walk(s, n);
        return;
    }
    struct sema_scope *save = s->scope;
    push_scope(s);
    walk(s, n);
    s->scope = save;
}

static void
walk_decl(struct sema *s, const struct ast *var, struct ast *d)
{
    if (d->a->kind == AST_IDENT && is_js(s)) {
        name_value(d->b, d->a->s);
    }
    walk(s, d->b);
    if (d->a->kind == AST_IDENT) {
        struct sema_var *v = d->a->var;
        if (!is_js(s)) {
            v = find(s, d->a->s);
            if (v == NULL || (v->kind == SV_FUNC && v->scope != s->scope)) {
                v = declare(s, s->scope, d->a, d->a->s, SV_VAR);
            }
            d->a->var = v;
            if (v->func != s->func) {
                v->captured = v->early = true;
                capture(s, v);
            }
            v->declared = true;
        }
        if (d->b != NULL) {
            write_ident(s, d->a, d->b, OP_NONE, false, true);
        } else if (var->op != AST_DECL_VAR || !is_js(s)) {
            write_ident(s, d->a, NULL, OP_NONE, false, true);
            v->early = true;
        } else {
            v->early = true;
        }
        if (!is_js(s) && d->s.n > 0 && s->last_assign != NULL && s->last_assign->var == v) {
            s->last_assign->type = (uint8_t)sema_named_type(d->s);
        }
        if (s->scope->is_case) {
            v->early = true;
        }
        return;
    }
    walk_target(s, d->a, true);
}

static void
walk_for(struct sema *s, struct ast *n)
{
    struct sema_scope *save = s->scope;
    n->scope = push_scope(s);
    if (is_js(s) && n->a != NULL && n->a->kind == AST_VAR && n->a->op != AST_DECL_VAR) {
        declare_lexical(s, n->a);
    }
    if (n->kind == AST_FOR) {
        walk(s, n->a);
        walk(s, n->b);
        walk_body(s, n->d);
        walk(s, n->c);
    } else if (n->kind == AST_FOREACH) {
        walk(s, n->b);
        struct sema_var *v = find(s, n->a->s);
        if (v == NULL || v->func != s->func) {
            v = declare(s, s->scope, n->a, n->a->s, SV_VAR);
        }
        n->a->var = v;
        v->declared = true;
        note_write(s, v, NULL, OP_NONE, false);
        walk_body(s, n->d);
    } else {
        walk(s, n->b);
        if (n->a->kind == AST_VAR) {
            walk_target(s, n->a->list->a, true);
        } else {
            walk_target(s, n->a, false);
        }
        walk_body(s, n->d);
    }
    s->scope = save;
}

static void
walk_switch(struct sema *s, struct ast *n)
{
    walk(s, n->a);
    struct sema_scope *save = s->scope;
    n->scope = push_scope(s);
    n->scope->is_case = true;
    if (is_js(s)) {
        for (struct ast *c = n->list; c != NULL; c = c->next) {
            declare_lexical(s, c->list);
        }
    }
    for (struct ast *c = n->list; c != NULL; c = c->next) {
        walk(s, c->a);
        struct sema_scope *in = s->scope;
        if (!is_js(s)) {
            c->scope = push_scope(s);
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
    walk(s, n->a);
    if (n->c != NULL) {
        struct sema_scope *save = s->scope;
        n->scope = push_scope(s);
        if (n->b != NULL) {
            declare_pattern(s, s->scope, n->b, SV_CATCH);
            walk_target(s, n->b, true);
        }
        walk(s, n->c);
        s->scope = save;
    }
    walk(s, n->d);
}

/* Function(...) and new Function(...) */
static void
refuse_function(struct sema *s, const struct ast *n)
{
    if (is_js(s) && n->a->kind == AST_IDENT && tbe_str_eqz(n->a->s, "Function") && find(s, n->a->s) == NULL) {
        ast_error(s->c, n->a->line, n->a->col, "unsupported",
            "Function is not supported: code made at run time cannot be compiled, write it in the script");
    }
}

static void
walk_call(struct sema *s, struct ast *n)
{
    refuse_function(s, n);
    if (n->a->kind == AST_IDENT) {
        struct sema_var *v = use(s, n->a);
        if (v != NULL) {
            v->read = true;
        }
    } else {
        walk(s, n->a);
    }
    walk_list(s, n->list);
}

static void
walk_map(struct sema *s, struct ast *n)
{
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        if (e->kind == AST_SPREAD) {
            walk(s, e->a);
            continue;
        }
        if (is_js(s) && (e->flags & AST_F_SHORT) && e->b != NULL && e->b->kind == AST_DEFAULT) {
            ast_error(s->c, e->line, e->col, "syntax", "= is not allowed here: write name: value");
        }
        walk(s, e->a);
        if (e->a->kind == AST_LITERAL && e->a->v.t == TBE_STR_T) {
            name_value(e->b, tbe_val_str(e->a->v));
        }
        walk(s, e->b);
    }
}

static void
walk_fold(struct sema *s, struct ast *n)
{
    walk(s, n->b);
    struct sema_scope *save = s->scope;
    n->scope = push_scope(s);
    struct sema_var *v = declare(s, n->scope, n, TBE_STR("$"), SV_VAR);
    v->declared = v->early = v->read = true;
    note_write(s, v, NULL, OP_NONE, false);
    n->var = v;
    walk(s, n->a);
    walk(s, n->c);
    s->scope = save;
}

static void
walk_with(struct sema *s, struct ast *n)
{
    walk(s, n->a);
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        walk(s, e->b);
    }
}

/* An arrow function sees the `this` around it: a variable of that function. */
static void
walk_this(struct sema *s, struct ast *n)
{
    struct sema_func *f = no_arrow(s);
    if (f == s->func) {
        return;
    }
    n->s = TBE_STR("this");
    if (f->self == NULL) {
        f->self = declare(s, f->scope, n, n->s, SV_VAR);
        f->self->read = f->self->early = true;
    }
    n->var = f->self;
    f->self->captured = true;
    capture(s, f->self);
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
        walk(s, n->b);
        write_ident(s, n->a, n->b, n->op, false, false);
    } else if (n->a->kind == AST_LIST || n->a->kind == AST_MAP) {
        walk(s, n->b);
        walk_target(s, n->a, false);
    } else {
        walk(s, n->a);
        walk(s, n->b);
    }
}

static void
walk(struct sema *s, struct ast *n)
{
    struct sema_var *v;
    if (n == NULL) {
        return;
    }
    switch (n->kind) {
    case AST_IDENT:
        v = use(s, n);
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
        if (!is_js(s)) {
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
            note_write(s, n->var, NULL, OP_NONE, false);
        }
        return;
    case AST_CALL:
        walk_call(s, n);
        return;
    case AST_NEW:
        refuse_function(s, n);
        walk(s, n->a);
        walk_list(s, n->list);
        return;
    case AST_UNARY: /* typeof asks whether there is one */
        if (n->op != OP_TYPEOF || n->a->kind != AST_IDENT || find(s, n->a->s) != NULL) {
            walk(s, n->a);
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
            write_ident(s, n->a, NULL, n->op, true, false);
        } else {
            walk(s, n->a);
        }
        return;
    case AST_ISDEF:
        if (n->a->kind == AST_IDENT) {
            v = use(s, n->a);
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
        walk(s, n->a);
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
        walk(s, n->a);
        walk_body(s, n->d);
        return;
    case AST_SWITCH:
        walk_switch(s, n);
        return;
    case AST_TRY:
        walk_try(s, n);
        return;
    default:
        walk(s, n->a);
        walk(s, n->b);
        walk(s, n->c);
        walk(s, n->d);
        walk_list(s, n->list);
        return;
    }
}

static void
walk_list(struct sema *s, struct ast *n)
{
    for (; n != NULL; n = n->next) {
        walk(s, n);
    }
}

/* Names that became implicit globals after they were used. */
static void
bind_globals(struct sema *s)
{
    struct sema_func *save = s->func;
    for (struct sema_free *f = s->free; f != NULL && s->globals->vars != NULL; f = f->next) {
        struct sema_var *v = find_in(s->globals, f->id->s);
        if (f->id->var == NULL && v != NULL) {
            f->id->var = v;
            v->read = true;
            s->func = f->func;
            if (f->func != v->func) {
                v->captured = true;
                capture(s, v);
            }
        }
    }
    s->func = save;
}

void
sema_check(struct sema *s, struct ast *body)
{
    s->func = new_func(s, NULL);
    s->globals = push_scope(s);
    s->func->scope = push_scope(s);
    body->scope = s->scope;
    for (int i = 0; i < s->src->n_params; i++) {
        struct sema_var *v = declare(s, s->scope, NULL, tbe_strz(s->src->params[i]), SV_PARAM);
        v->index = i;
        v->early = v->declared = true;
    }
    if (is_js(s)) {
        hoist_list(s, body->list, s->scope->no);
        declare_lexical(s, body->list);
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
