/* SPDX-License-Identifier: Apache-2.0 */
/* Statements -> C statements, each behind a comment (or #line) that tells where it stands in the script.
 * A try block becomes a C function of its own that the run time calls behind a setjmp: so no local of
 * generated code lives across a longjmp, and a jump out of the block is a return code. */
#include "config.h"
#include "script/lower.h"

#include <string.h>

#include "script/cwrite.h"

static void
mark_line(struct lower *l, const struct ast *n)
{
    if (n->line == l->last_line || n->line <= 0) {
        return;
    }
    l->last_line = n->line;
    struct tbe_str t = l->src->text;
    int line = 1;
    size_t i = 0;
    for (; i < t.n && line < n->line; i++) {
        line += t.p[i] == '\n';
    }
    size_t e = i;
    while (e < t.n && t.p[e] != '\n') {
        e++;
    }
    while (i < e && (t.p[i] == ' ' || t.p[i] == '\t')) {
        i++;
    }
    while (e > i && (t.p[e - 1] == '\r' || t.p[e - 1] == ' ')) {
        e--;
    }
    struct tbe_buf b = { 0 };
    if (l->src->line_directives) {
        tbe_buf_fmt(&b, "#line %d ", n->line);
        cw_string(&b, tbe_strz(l->src->line_file ? l->src->line_file : "script"));
        tbe_buf_putc(&b, '\n');
        tbe_buf_puts(l->out, tbe_buf_str(&b));
        if (l->src->coverage) {
            b.n = 0;
            cw_string(&b, tbe_strz(l->src->line_file ? l->src->line_file : "script"));
            lw_line(l, "TBE_COVER_LINE(%.*s, %d);", S_(tbe_buf_str(&b)), n->line);
        }
    } else {
        cw_comment(&b, (struct tbe_str){ t.p + i, e - i }, 80);
        lw_line(l, "/* %d: %.*s */", n->line, S_(tbe_buf_str(&b)));
    }
    tbe_buf_free(&b);
}

void
lw_list(struct lower *l, struct ast *n)
{
    for (; n != NULL; n = n->next) {
        lw_stmt(l, n);
    }
}

void
lw_return(struct lower *l, struct tbe_str value)
{
    if (l->cf->is_try) {
        l->cf->returns = true;
        lw_line(l, "fr->ret = %.*s;", S_(value));
        lw_line(l, "return TBE_TRY_RETURN;");
    } else {
        lw_line(l, "return %.*s;", S_(lw_strip(value)));
    }
}

/* ---- jumps ---- */

static struct target
push_target(struct lower *l, bool loop)
{
    struct target t = { .up = l->targets, .id = ++l->n_ids, .loop = loop, .cf = l->cf };
    for (int i = 0; i < l->n_pending; i++) {
        t.labels[t.n_labels++] = l->pending[i];
    }
    l->n_pending = 0;
    return t;
}

static bool
has_label(const struct target *t, struct tbe_str s)
{
    for (int i = 0; i < t->n_labels; i++) {
        if (tbe_str_eq(t->labels[i], s)) {
            return true;
        }
    }
    return false;
}

/* Jumps to t from the C function cf; out of a try block by its return code. */
static void
jump_to(struct lower *l, struct target *t, bool cont)
{
    struct cfunc *cf = l->cf;
    if (t->cf != cf) {
        int i = 0;
        while (i < cf->n_exits && (cf->exits[i].t != t || cf->exits[i].cont != cont)) {
            i++;
        }
        if (i == cf->n_exits && i < (int)(sizeof(cf->exits) / sizeof(cf->exits[0]))) {
            cf->exits[i].t = t;
            cf->exits[i].cont = cont;
            cf->n_exits++;
        }
        lw_line(l, "return TBE_TRY_JUMP + %d;", i);
        return;
    }
    if (cont) {
        t->used_continue = true;
        lw_line(l, "goto continue_%d;", t->id);
    } else {
        t->used_break = true;
        lw_line(l, "goto break_%d;", t->id);
    }
}

static void
jump(struct lower *l, struct ast *n)
{
    bool cont = n->kind == AST_CONTINUE;
    struct target *t = l->targets;
    while (t != NULL && (n->s.p ? !has_label(t, n->s) : cont ? !t->loop : !t->breakable)) {
        t = t->up;
    }
    if (t == NULL || (cont && !t->loop)) {
        if (!l->js) { /* a top-level break ends the script */
            lw_return(l, TBE_STR("TBE_NULL_VAL"));
            return;
        }
        ast_error(l->s->c, n->line, n->col, "syntax", "%s has nothing to %s: it must be inside a loop%s",
            cont ? "continue" : "break", cont ? "continue" : "leave", n->s.p ? " with that label" : "");
        return;
    }
    jump_to(l, t, cont);
}

static void
end_break(struct lower *l, struct target *t)
{
    l->targets = t->up;
    if (t->used_break) {
        lw_line(l, "break_%d:;", t->id);
    }
}

/* ---- blocks ---- */

static void
open_block(struct lower *l)
{
    lw_line(l, "{");
    l->indent++;
}

static void
close_block(struct lower *l)
{
    l->indent--;
    lw_line(l, "}");
}

static void
body(struct lower *l, struct ast *n)
{
    if (n->kind == AST_BLOCK) {
        lw_declare_scope(l, n->scope);
        lw_hoist(l, n->list);
        lw_list(l, n->list);
    } else {
        lw_stmt(l, n);
    }
}

/* Class.prototype.name of a class of the language */
static bool
proto_member(const struct ast *n)
{
    return n->kind == AST_MEMBER && n->a->kind == AST_MEMBER && tbe_str_eqz(n->a->s, "prototype") &&
        n->a->a->kind == AST_IDENT && n->a->a->var == NULL && builtin_class(TBE_DIALECT_JS, n->a->a->s);
}

static bool
newer_than_es5(struct tbe_str name)
{
    static const char *const names[] = { "at", "copyWithin", "endsWith", "entries", "fill", "find", "findIndex",
        "findLast", "findLastIndex", "flat", "flatMap", "includes", "keys", "padEnd", "padStart", "repeat", "replaceAll",
        "startsWith", "trimEnd", "trimStart", "values" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tbe_str_eqz(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* `if (!Array.prototype.includes) { Array.prototype.includes = ...; }`: the script brings a method that the
 * engine of an Edge, ES5, has not got. Its own is taken, which also shows in for..in over an array. */
static const struct ast *
polyfill(const struct ast *n)
{
    const struct ast *m = n->a->kind == AST_UNARY && n->a->op == OP_NOT ? n->a->a : NULL;
    const struct ast *body = n->b->kind == AST_BLOCK ? n->b->list : n->b;
    if (m == NULL || n->c != NULL || !proto_member(m) || !newer_than_es5(m->s) || body == NULL || body->kind != AST_EXPR ||
        body->a->kind != AST_ASSIGN) {
        return NULL;
    }
    const struct ast *t = body->a->a;
    return proto_member(t) && tbe_str_eq(t->s, m->s) && tbe_str_eq(t->a->a->s, m->a->a->s) ? m : NULL;
}

static void
if_stmt(struct lower *l, struct ast *n)
{
    const struct ast *m = l->js ? polyfill(n) : NULL;
    struct tbe_str c = m == NULL ? lw_strip(lw_cond(l, n->a)) :
        lw_fmt(l, "!tbe_j_added(x, %.*s, %.*s)", S_(lw_str(l, m->a->a->s)), S_(lw_str(l, m->s)));
    lw_line(l, "if (%.*s) {", S_(c));
    l->indent++;
    body(l, n->b);
    l->indent--;
    if (n->c != NULL) {
        lw_line(l, "} else {");
        l->indent++;
        body(l, n->c);
        l->indent--;
    }
    lw_line(l, "}");
}

/* ---- loops ---- */

static void
loop_body(struct lower *l, struct ast *d, struct target *t)
{
    l->targets = t;
    body(l, d);
    l->targets = t->up;
    if (t->used_continue) {
        lw_line(l, "continue_%d:;", t->id);
    }
}

/* Fresh cells for the next turn of for (let ...) with captured variables. */
static void
fresh_cells(struct lower *l, struct sema_scope *sc)
{
    for (struct sema_var *v = sc ? sc->vars : NULL; v != NULL; v = v->next) {
        if (v->captured && v->kind == SV_LET) {
            const char *fr = l->f->has_try ? "fr->" : "", *name = lw_var_name(l, v);
            lw_line(l, "%sc_%s = tbe_cell(x, *%sc_%s);", fr, name, fr, name);
        }
    }
}

static bool
wants_fresh_cells(const struct sema_scope *sc)
{
    for (const struct sema_var *v = sc ? sc->vars : NULL; v != NULL; v = v->next) {
        if (v->captured && v->kind == SV_LET) {
            return true;
        }
    }
    return false;
}

/* Pointers to cells that are renewed cannot be const: declared here instead of by lw_declare_scope. */
static void
declare_loop_scope(struct lower *l, struct sema_scope *sc)
{
    if (!wants_fresh_cells(sc) || l->f->has_try) {
        lw_declare_scope(l, sc);
        return;
    }
    for (struct sema_var *v = sc->vars; v != NULL; v = v->next) {
        if (v->captured) {
            lw_line(l, "tbe_val *c_%s = tbe_cell(x, %s);", lw_var_name(l, v), lw_null(l));
        } else {
            struct sema_scope one = { .vars = v };
            struct sema_var *save = v->next;
            v->next = NULL;
            lw_declare_scope(l, &one);
            v->next = save;
        }
    }
}

static void
loop_cond(struct lower *l, struct ast *c, bool until)
{
    if (c == NULL) {
        lw_line(l, "for (;;) {");
        l->indent++;
        return;
    }
    struct tbe_buf sub = { 0 }, *save = lw_divert(l, &sub);
    l->indent++;
    struct tbe_str t = lw_cond(l, c);
    lw_divert(l, save);
    if (until) {
        t = lw_fmt(l, "!%.*s", S_(t));
    }
    if (sub.n == 0) {
        l->indent--;
        lw_line(l, "while (%.*s) {", S_(lw_strip(t)));
        l->indent++;
    } else {
        l->indent--;
        lw_line(l, "for (;;) {");
        l->indent++;
        tbe_buf_puts(l->out, tbe_buf_str(&sub));
        lw_line(l, "if (!(%.*s)) {", S_(lw_strip(t)));
        lw_line(l, "    break;");
        lw_line(l, "}");
    }
    tbe_buf_free(&sub);
}

static void
for_stmt(struct lower *l, struct ast *n)
{
    struct target t = push_target(l, true);
    t.breakable = true;
    open_block(l);
    declare_loop_scope(l, n->scope);
    if (n->a != NULL && n->a->kind == AST_VAR) {
        lw_stmt(l, n->a);
    } else if (n->a != NULL) {
        lw_discard(l, n->a);
    }
    loop_cond(l, n->b, false);
    lw_line(l, "tbe_burn(x);");
    open_block(l);
    loop_body(l, n->d, &t);
    close_block(l);
    fresh_cells(l, n->scope);
    if (n->c != NULL) {
        lw_discard(l, n->c);
    }
    close_block(l);
    close_block(l);
    end_break(l, &t);
}

static void
while_stmt(struct lower *l, struct ast *n)
{
    struct target t = push_target(l, true);
    t.breakable = true;
    loop_cond(l, n->a, n->flags & AST_F_UNTIL);
    lw_line(l, "tbe_burn(x);");
    loop_body(l, n->d, &t);
    close_block(l);
    end_break(l, &t);
}

static void
do_stmt(struct lower *l, struct ast *n)
{
    struct target t = push_target(l, true);
    t.breakable = true;
    lw_line(l, "for (;;) {");
    l->indent++;
    lw_line(l, "tbe_burn(x);");
    open_block(l);
    loop_body(l, n->d, &t);
    close_block(l);
    struct tbe_str c = lw_cond(l, n->a);
    lw_line(l, n->flags & AST_F_UNTIL ? "if (%.*s) {" : "if (!(%.*s)) {", S_(lw_strip(c)));
    lw_line(l, "    break;");
    lw_line(l, "}");
    close_block(l);
    end_break(l, &t);
}

/* for-in, for-of and TBEL's foreach: an iterator of the run time. */
static void
iterate(struct lower *l, struct ast *n)
{
    struct target t = push_target(l, true);
    t.breakable = true;
    int it = ++l->n_tmp, item = ++l->n_tmp;
    open_block(l);
    struct tbe_str src = lw_val(l, n->b);
    lw_line(l, "struct tbe_iter t%d;", it);
    lw_line(l, "tbe_val t%d;", item);
    if (l->js) {
        lw_line(l, "%s(x, &t%d, %.*s);", n->kind == AST_FOR_IN ? "tbe_j_iter_keys" : "tbe_j_iter", it, S_(src));
    } else {
        lw_line(l, "tbe_t_iter(x, &t%d, %.*s, %.*s);", it, S_(src), S_(lw_site(l, n->b)));
    }
    lw_line(l, "while (%s_next(x, &t%d, &t%d)) {", l->P, it, item);
    l->indent++;
    lw_line(l, "tbe_burn(x);");
    lw_declare_scope(l, n->scope);
    struct cx c = { .t = lw_fmt(l, "t%d", item), .rep = REP_VAL, .stable = true };
    lw_bind(l, n->a->kind == AST_VAR ? n->a->list->a : n->a, c, n->a->kind == AST_VAR || n->kind == AST_FOREACH);
    open_block(l);
    loop_body(l, n->d, &t);
    close_block(l);
    close_block(l);
    close_block(l);
    end_break(l, &t);
}

/* ---- switch ---- */

static bool
completes(const struct ast *list)
{
    const struct ast *last = list;
    while (last != NULL && last->next != NULL) {
        last = last->next;
    }
    if (last == NULL) {
        return true;
    }
    if (last->kind == AST_BLOCK) {
        return completes(last->list);
    }
    return last->kind != AST_BREAK && last->kind != AST_CONTINUE && last->kind != AST_RETURN && last->kind != AST_THROW;
}

static void
case_chain(struct lower *l, struct ast *n, int disc, int sel)
{
    int i = 0, dflt = -1, depth = 0;
    lw_line(l, "int t%d;", sel);
    for (struct ast *c = n->list; c != NULL; c = c->next, i++) {
        if (c->a == NULL) {
            dflt = i;
            continue;
        }
        struct tbe_str v = lw_val(l, c->a);
        lw_line(l, "if (%s(x, t%d, %.*s)) {", l->js ? "tbe_j_seq" : "tbe_t_eq", disc, S_(v));
        lw_line(l, "    t%d = %d;", sel, i);
        lw_line(l, "} else {");
        depth++;
        l->indent++;
    }
    lw_line(l, "t%d = %d;", sel, dflt);
    for (; depth > 0; depth--) {
        l->indent--;
        lw_line(l, "}");
    }
}

static void
switch_stmt(struct lower *l, struct ast *n, bool tail)
{
    struct target t = push_target(l, false);
    t.breakable = true;
    int disc = ++l->n_tmp, sel = ++l->n_tmp, i = 0, total = 0;
    for (struct ast *c = n->list; c != NULL; c = c->next) {
        total++;
    }
    if (total > 200) {
        ast_error(l->s->c, n->line, n->col, "depth", "this switch has more than 200 cases: look the value up in an object");
        return;
    }
    open_block(l);
    struct tbe_str v = lw_val(l, n->a);
    lw_line(l, "const tbe_val t%d = %.*s;", disc, S_(v));
    lw_declare_scope(l, n->scope);
    for (struct ast *c = n->list; c != NULL; c = c->next) {
        lw_hoist(l, c->list);
    }
    case_chain(l, n, disc, sel);
    if (total == 0) {
        lw_line(l, "(void)t%d;", disc);
    }
    lw_line(l, "switch (t%d) {", sel);
    l->targets = &t;
    for (struct ast *c = n->list; c != NULL; c = c->next, i++) {
        lw_line(l, "case %d: {", i);
        l->indent++;
        lw_declare_scope(l, c->scope);
        if (tail && c->list != NULL) {
            lw_tail(l, c->list);
        } else {
            lw_list(l, c->list);
        }
        l->indent--;
        lw_line(l, "}");
        if (c->next == NULL || (!l->js && c->list != NULL)) {
            lw_line(l, "    break;");
        } else if (completes(c->list)) {
            lw_line(l, "    TBE_FALLTHROUGH;");
        } else {
            lw_line(l, "    break;");
        }
    }
    lw_line(l, "default:");
    lw_line(l, "    break;");
    lw_line(l, "}");
    close_block(l);
    end_break(l, &t);
}

/* ---- try ---- */

/* Moves statements into a C function of their own; afterwards cf holds how they can leave. */
static void
outline(struct lower *l, int no, struct cfunc *cf, struct ast *n, bool with_catch);

static void
after_try(struct lower *l, int no, struct cfunc *cf)
{
    if (cf->returns) {
        lw_line(l, "if (t%d == TBE_TRY_RETURN) {", no);
        l->indent++;
        if (l->cf->is_try) {
            l->cf->returns = true;
            lw_line(l, "return TBE_TRY_RETURN;");
        } else {
            lw_line(l, "return fr->ret;");
        }
        l->indent--;
        lw_line(l, "}");
    }
    for (int i = 0; i < cf->n_exits; i++) {
        lw_line(l, "if (t%d == TBE_TRY_JUMP + %d) {", no, i);
        l->indent++;
        jump_to(l, cf->exits[i].t, cf->exits[i].cont);
        l->indent--;
        lw_line(l, "}");
    }
}

static void
try_catch(struct lower *l, struct ast *n)
{
    int no = ++l->n_tmp;
    struct cfunc cf = { .up = l->cf, .is_try = true };
    outline(l, no, &cf, n, false);
    lw_line(l, "const int t%d = tbe_try(x, %s_try%d, fr);", no, l->sym, no);
    lw_line(l, "if (t%d == TBE_TRY_THROWN) {", no);
    l->indent++;
    lw_declare_scope(l, n->scope);
    if (n->b != NULL) {
        struct cx c = { .t = TBE_STR("tbe_j_caught(x)"), .rep = REP_VAL };
        lw_bind(l, n->b, c, true);
    }
    body(l, n->c);
    l->indent--;
    lw_line(l, "}");
    after_try(l, no, &cf);
}

static void
try_stmt(struct lower *l, struct ast *n)
{
    open_block(l);
    if (n->d == NULL) {
        try_catch(l, n);
        close_block(l);
        return;
    }
    int no = ++l->n_tmp;
    struct cfunc cf = { .up = l->cf, .is_try = true };
    outline(l, no, &cf, n, n->c != NULL);
    lw_line(l, "const int t%d = tbe_try(x, %s_try%d, fr);", no, l->sym, no);
    lw_line(l, "const tbe_val t%d_thrown = x->thrown;", no);
    lw_line(l, "const tbe_val t%d_ret = t%d == TBE_TRY_RETURN ? fr->ret : TBE_UNDEF_VAL;", no, no);
    open_block(l);
    body(l, n->d);
    close_block(l);
    lw_line(l, "fr->ret = t%d_ret;", no);
    lw_line(l, "if (t%d == TBE_TRY_THROWN) {", no);
    lw_line(l, "    tbe_throw_val(x, t%d_thrown);", no);
    lw_line(l, "}");
    after_try(l, no, &cf);
    close_block(l);
}

static void
outline(struct lower *l, int no, struct cfunc *cf, struct ast *n, bool with_catch)
{
    struct tbe_buf code = { 0 }, *save = lw_divert(l, &code);
    int indent = l->indent;
    l->indent = 1;
    l->cf = cf;
    if (with_catch) {
        try_catch(l, n);
    } else {
        body(l, n->a);
    }
    l->cf = cf->up;
    l->indent = indent;
    lw_divert(l, save);
    tbe_buf_fmt(&l->decls, "static int %s_try%d(struct tbe_x *x, void *frame);\n", l->sym, no);
    tbe_buf_fmt(&l->funcs, "\nstatic int\n%s_try%d(struct tbe_x *x, void *frame)\n{\n"
                           "    struct %s_frame%d *const fr = frame;\n    (void)x;\n    (void)fr;\n%.*s"
                           "    return TBE_TRY_DONE;\n}\n",
        l->sym, no, l->sym, l->f->no, S_(tbe_buf_str(&code)));
    tbe_buf_free(&code);
}

/* ---- the rest ---- */

static void
var_stmt(struct lower *l, struct ast *n)
{
    for (struct ast *d = n->list; d != NULL; d = d->next) {
        bool tdz = d->a->var != NULL && d->a->var->tdz;
        if (d->b == NULL && !tdz && (n->op == AST_DECL_VAR || l->targets == NULL)) {
            if (l->js || d->a->var == NULL || l->targets == NULL) {
                continue;
            }
        }
        struct cx c = { .t = tbe_strz(lw_null(l)), .rep = REP_VAL, .stable = true };
        if (d->b != NULL) {
            c = lw_expr(l, d->b);
        } else if (d->a->var->captured && !tdz) {
            continue;
        }
        lw_bind(l, d->a, c, true);
    }
}

static void
label_stmt(struct lower *l, struct ast *n)
{
    if (l->n_pending < 4) {
        l->pending[l->n_pending++] = n->s;
    }
    enum ast_kind k = n->a->kind;
    if (k == AST_LABEL || k == AST_FOR || k == AST_FOR_IN || k == AST_FOR_OF || k == AST_WHILE || k == AST_DO ||
        k == AST_SWITCH) {
        lw_stmt(l, n->a);
        l->n_pending = 0;
        return;
    }
    struct target t = push_target(l, false);
    l->targets = &t;
    lw_stmt(l, n->a);
    end_break(l, &t);
}

void
lw_stmt(struct lower *l, struct ast *n)
{
    struct tbe_str v;
    if (n->kind != AST_BLOCK && n->kind != AST_FUNC_DECL && n->kind != AST_NOP) {
        mark_line(l, n);
    }
    switch (n->kind) {
    case AST_EXPR:
        lw_discard(l, n->a);
        return;
    case AST_VAR:
        var_stmt(l, n);
        return;
    case AST_BLOCK:
        open_block(l);
        body(l, n);
        close_block(l);
        return;
    case AST_IF:
        if_stmt(l, n);
        return;
    case AST_FOR:
        for_stmt(l, n);
        return;
    case AST_FOR_IN:
    case AST_FOR_OF:
    case AST_FOREACH:
        iterate(l, n);
        return;
    case AST_WHILE:
        while_stmt(l, n);
        return;
    case AST_DO:
        do_stmt(l, n);
        return;
    case AST_SWITCH:
        switch_stmt(l, n, false);
        return;
    case AST_BREAK:
    case AST_CONTINUE:
        jump(l, n);
        return;
    case AST_RETURN:
        v = n->a ? lw_val(l, n->a) : tbe_strz(lw_null(l));
        lw_return(l, v);
        return;
    case AST_THROW:
        v = lw_val(l, n->a);
        lw_line(l, "tbe_throw_val(x, %.*s);", S_(v));
        return;
    case AST_TRY:
        try_stmt(l, n);
        return;
    case AST_LABEL:
        label_stmt(l, n);
        return;
    case AST_ASSERT:
        v = lw_val(l, n->a);
        lw_line(l, "tbe_t_assert(x, %.*s);", S_(v));
        return;
    case AST_FUNC_DECL:
    case AST_NOP:
        return;
    default: /* an expression where a statement stands (TBEL) */
        lw_discard(l, n);
        return;
    }
}

/* TBEL: the value of the last statement is the result. */
static void
tail_stmt(struct lower *l, struct ast *n)
{
    struct tbe_str v;
    switch (n->kind) {
    case AST_EXPR:
        mark_line(l, n);
        v = lw_val(l, n->a);
        lw_return(l, v);
        return;
    case AST_IF: {
        mark_line(l, n);
        struct tbe_str c = lw_strip(lw_cond(l, n->a));
        lw_line(l, "if (%.*s) {", S_(c));
        l->indent++;
        tail_stmt(l, n->b);
        l->indent--;
        lw_line(l, "}");
        if (n->c != NULL) {
            tail_stmt(l, n->c);
        } else {
            lw_return(l, TBE_STR("TBE_NULL_VAL"));
        }
        return;
    }
    case AST_BLOCK:
        open_block(l);
        lw_declare_scope(l, n->scope);
        lw_hoist(l, n->list);
        lw_tail(l, n->list);
        close_block(l);
        return;
    case AST_SWITCH:
        switch_stmt(l, n, true);
        lw_return(l, TBE_STR("TBE_NULL_VAL"));
        return;
    case AST_VAR: {
        struct ast *d = n->list;
        lw_stmt(l, n);
        while (d != NULL && d->next != NULL) {
            d = d->next;
        }
        bool known = d != NULL && d->a->kind == AST_IDENT && d->a->var != NULL;
        lw_return(l, known ? lw_val(l, d->a) : TBE_STR("TBE_NULL_VAL"));
        return;
    }
    case AST_FUNC_DECL:
        lw_return(l, n->a->func != NULL ? lw_closure(l, n->a->func) : TBE_STR("TBE_NULL_VAL"));
        return;
    case AST_ASSERT: /* an assertion that held is true */
        lw_stmt(l, n);
        lw_return(l, TBE_STR("tbe_bool(true)"));
        return;
    case AST_RETURN:
    case AST_FOR:
    case AST_FOREACH:
    case AST_WHILE:
    case AST_DO:
    case AST_BREAK:
    case AST_NOP:
        lw_stmt(l, n);
        lw_return(l, TBE_STR("TBE_NULL_VAL"));
        return;
    default:
        mark_line(l, n);
        v = lw_val(l, n);
        lw_return(l, v);
        return;
    }
}

void
lw_tail(struct lower *l, struct ast *list)
{
    struct ast *last = NULL;
    for (struct ast *n = list; n != NULL; n = n->next) {
        if (n->kind != AST_NOP || n->next == NULL) { /* `5;;` is null: the empty statement counts */
            last = n;
        }
    }
    struct ast *n = list;
    /* in a case, the break behind the last statement does not hide its value */
    struct ast *before = NULL;
    if (last != NULL && last->kind == AST_BREAK && l->targets != NULL && !l->targets->loop) {
        for (struct ast *k = list; k != last; k = k->next) {
            before = k->kind != AST_NOP ? k : before;
        }
        last = before ? before : last;
    }
    for (; n != NULL && n != last; n = n->next) {
        lw_stmt(l, n);
    }
    if (last != NULL) {
        tail_stmt(l, last);
    } else {
        lw_return(l, TBE_STR("TBE_NULL_VAL"));
    }
}
