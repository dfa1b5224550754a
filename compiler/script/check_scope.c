/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes and names: declarations and their hoisting, uses, captures, targets of assignments. */
#include "config.h"
#include "script/check.h"

#include <string.h>

bool
sema_is_js(const struct sema *s)
{
    return s->src->dialect == TBE_DIALECT_JS;
}

/* ---- scopes ---- */

struct sema_scope *
sema_push_scope(struct sema *s)
{
    struct sema_scope *sc = tbe_arena_zalloc(s->c->a, sizeof(*sc));
    sc->up = s->scope;
    sc->func = s->func;
    sc->no = ++s->n_blocks;
    s->scope = sc;
    return sc;
}

struct sema_var *
sema_find_in(const struct sema_scope *sc, struct tbe_str name)
{
    for (struct sema_var *v = sc->vars; v != NULL; v = v->next) {
        if (tbe_str_eq(v->name, name)) {
            return v;
        }
    }
    return NULL;
}

struct sema_var *
sema_find(const struct sema *s, struct tbe_str name)
{
    for (const struct sema_scope *sc = s->scope; sc != NULL; sc = sc->up) {
        struct sema_var *v = sema_find_in(sc, name);
        if (v != NULL) {
            return v;
        }
    }
    return NULL;
}

struct sema_var *
sema_declare(struct sema *s, struct sema_scope *sc, const struct ast *at, struct tbe_str name,
    enum sema_kind kind)
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

void
sema_note_write(struct sema *s, struct sema_var *v, struct ast *value, enum ast_op op, bool update)
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

void
sema_capture(struct sema *s, struct sema_var *v)
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

/* Is the code here in a function declaration inside f? Such a one may run before what stands
 * above it. */
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
struct sema_func *
sema_no_arrow(const struct sema *s)
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
        { "Reflect", "use Object.keys, in and delete" },
        { "BigInt", "numbers are exact up to 2^53" },
        { "Intl", "use toLocaleString, or build the text" },
        { "WeakRef", "keep the object itself" },
        { "ArrayBuffer", "use an array of numbers" }, { "DataView",
        "use an array of numbers and shifts" },
        { "Uint8Array", "use an array of numbers" }, { "Int8Array", "use an array of numbers" },
        { "Uint8ClampedArray", "use an array of numbers" },
        { "Uint16Array", "use an array of numbers" },
        { "Int16Array", "use an array of numbers" }, { "Uint32Array", "use an array of numbers" },
        { "Int32Array", "use an array of numbers" }, { "Float32Array", "use an array of numbers" },
        { "Float64Array", "use an array of numbers" } };
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        if (tbe_str_eqz(n->s, t[i].name)) {
            ast_error(s->c, n->line, n->col, "unsupported", "%s is not supported: %s", t[i].name,
                t[i].instead);
        }
    }
}

/* The name n is used (not declared) here. */
struct sema_var *
sema_use(struct sema *s, struct ast *n)
{
    struct sema_var *v = sema_find(s, n->s);
    if (v == NULL && sema_is_js(s) && tbe_str_eqz(n->s, "arguments") && s->func->node != NULL) {
        struct sema_func *f = sema_no_arrow(s);
        if (f->node != NULL) {
            v = f->args = sema_declare(s, f->scope, n, n->s, SV_VAR);
            f->uses_args = true;
            v->early = true;
        }
    }
    if (v == NULL) {
        if (sema_is_js(s)) {
            refuse_name(s, n);
        }
        struct sema_free *fr = tbe_arena_alloc(s->c->a, sizeof(*fr));
        *fr = (struct sema_free){ n, s->func, s->free };
        s->free = fr;
        return NULL;
    }
    n->var = v;
    if (v->func != s->func) {
        /* A function that is only called and captures nothing needs no value; decided in the
         * lowering. */
        v->early = true;
        if (v->kind != SV_FUNC || v->fn == NULL) {
            v->captured = true;
        }
        sema_capture(s, v);
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
    for (const struct sema_scope *sc = s->scope; v->kind == SV_VAR &&
        sc->no != v->block_no; sc = sc->up) {
        if (sc->up == NULL || sc->func != v->func) {
            v->early = true;
            break;
        }
    }
    return v;
}

/* ---- JavaScript declarations ---- */

void
sema_declare_pattern(struct sema *s, struct sema_scope *sc, struct ast *p, enum sema_kind kind)
{
    switch (p->kind) {
    case AST_IDENT: {
        struct sema_var *v = sema_find_in(sc, p->s);
        if (v == NULL) {
            v = sema_declare(s, sc, p, p->s, kind);
        } else if (kind == SV_LET || kind == SV_CONST) {
            ast_error(s->c, p->line, p->col, "syntax", "\"%.*s\" has already been declared",
                (int)p->s.n, p->s.p);
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
        sema_declare_pattern(s, sc, p->a, kind);
        return;
    case AST_PROP:
        sema_declare_pattern(s, sc, p->b, kind);
        return;
    case AST_LIST:
    case AST_MAP:
        for (struct ast *e = p->list; e != NULL; e = e->next) {
            sema_declare_pattern(s, sc, e, kind);
        }
        return;
    default:
        return;
    }
}

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
                sema_declare_pattern(s, s->func->scope, d->a, SV_VAR);
            }
        }
        return;
    case AST_FUNC_DECL: {
        struct sema_var *v = sema_find_in(s->func->scope, n->a->s);
        if (v == NULL) {
            v = sema_declare(s, s->func->scope, n->a, n->a->s, SV_FUNC);
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
        sema_hoist_list(s, n->list, block);
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

void
sema_hoist_list(struct sema *s, struct ast *n, size_t block)
{
    for (; n != NULL; n = n->next) {
        hoist(s, n, block);
    }
}

void
sema_declare_lexical(struct sema *s, struct ast *list)
{
    for (struct ast *n = list; n != NULL; n = n->next) {
        if (n->kind == AST_VAR && n->op != AST_DECL_VAR) {
            for (struct ast *d = n->list; d != NULL; d = d->next) {
                sema_declare_pattern(s, s->scope, d->a, n->op == AST_DECL_CONST ? SV_CONST :
                    SV_LET);
            }
        }
    }
}

/* ---- targets ---- */

void
sema_write_ident(struct sema *s, struct ast *n, struct ast *value, enum ast_op op, bool update,
    bool decl)
{
    struct sema_var *v = decl && n->var != NULL ? n->var : NULL;
    if (v == NULL) {
        v = sema_use(s, n);
    } else if (v->kind == SV_VAR && v->line == n->line && v->col == n->col) {
        v->block_no = s->scope->no; /* the block of its first declaration */
    }
    if (v == NULL && sema_is_js(s)) { /* sloppy mode: an implicit global */
        v = sema_declare(s, s->globals, n, n->s, SV_GLOBAL);
        v->early = true;
        n->var = v;
        ast_warn(s->c, n->line, n->col, "undeclared",
            "\"%.*s\" is assigned but never declared: add var",
            (int)n->s.n, n->s.p);
        if (v->func != s->func) {
            v->captured = true;
            sema_capture(s, v);
        }
    }
    if (v == NULL) {
        if (op != OP_NONE) {
            return; /* the lowering throws */
        }
        v = sema_declare(s, s->scope, n, n->s, SV_VAR);
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
    sema_note_write(s, v, value, op, update);
}

void
sema_walk_target(struct sema *s, struct ast *n, bool decl)
{
    switch (n->kind) {
    case AST_IDENT:
        sema_write_ident(s, n, NULL, OP_NONE, false, decl);
        return;
    case AST_DEFAULT:
        sema_walk_target(s, n->a, decl);
        sema_walk(s, n->b);
        return;
    case AST_SPREAD:
        sema_walk_target(s, n->a, decl);
        return;
    case AST_PROP:
        sema_walk(s, n->a);
        sema_walk_target(s, n->b, decl);
        return;
    case AST_LIST:
    case AST_MAP:
        for (struct ast *e = n->list; e != NULL; e = e->next) {
            sema_walk_target(s, e, decl);
        }
        return;
    default:
        sema_walk(s, n);
        return;
    }
}
