/* SPDX-License-Identifier: Apache-2.0 */
/* Jumps, conditions and loops -> C. */
#include "config.h"
#include "script/lower_stmt.h"

#include <string.h>

#include "script/cwrite.h"

void
lw_mark_line(struct lower *l, const struct ast *n)
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
        ctext_string(&b, tbe_strz(l->src->line_file ? l->src->line_file : "script"));
        tbe_buf_putc(&b, '\n');
        tbe_buf_puts(l->out, tbe_buf_str(&b));
        if (l->src->coverage) {
            b.n = 0;
            ctext_string(&b, tbe_strz(l->src->line_file ? l->src->line_file : "script"));
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

struct target
lw_push_target(struct lower *l, bool loop)
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
void
lw_jump_to(struct lower *l, struct target *t, bool cont)
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

void
lw_jump(struct lower *l, struct ast *n)
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
        ast_error(l->s->c, n->line, n->col, "syntax",
            "%s has nothing to %s: it must be inside a loop%s",
            cont ? "continue" : "break", cont ? "continue" : "leave", n->s.p ? " with that label" :
            "");
        return;
    }
    lw_jump_to(l, t, cont);
}

void
lw_end_break(struct lower *l, struct target *t)
{
    l->targets = t->up;
    if (t->used_break) {
        lw_line(l, "break_%d:;", t->id);
    }
}

/* ---- blocks ---- */

void
lw_open_block(struct lower *l)
{
    lw_line(l, "{");
    l->indent++;
}

void
lw_close_block(struct lower *l)
{
    l->indent--;
    lw_line(l, "}");
}

void
lw_body(struct lower *l, struct ast *n)
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
        n->a->a->kind == AST_IDENT && n->a->a->var == NULL &&
        builtin_class(TBE_DIALECT_JS, n->a->a->s);
}

static bool
newer_than_es5(struct tbe_str name)
{
    static const char *const names[] = { "at", "copyWithin", "endsWith", "entries", "fill", "find",
        "findIndex",
        "findLast", "findLastIndex", "flat", "flatMap", "includes", "keys", "padEnd", "padStart",
        "repeat", "replaceAll",
        "startsWith", "trimEnd", "trimStart", "values" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tbe_str_eqz(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* `if (!Array.prototype.includes) { Array.prototype.includes = ...; }`: the script brings a
 * method that the engine of an Edge, ES5, has not got. Its own is taken, which also shows in
 * for..in over an array. */
static const struct ast *
polyfill(const struct ast *n)
{
    const struct ast *m = n->a->kind == AST_UNARY && n->a->op == OP_NOT ? n->a->a : NULL;
    const struct ast *body = n->b->kind == AST_BLOCK ? n->b->list : n->b;
    if (m == NULL || n->c != NULL || !proto_member(m) || !newer_than_es5(m->s) || body == NULL ||
        body->kind != AST_EXPR ||
        body->a->kind != AST_ASSIGN) {
        return NULL;
    }
    const struct ast *t = body->a->a;
    return proto_member(t) && tbe_str_eq(t->s, m->s) && tbe_str_eq(t->a->a->s, m->a->a->s) ? m :
        NULL;
}

void
lw_if_stmt(struct lower *l, struct ast *n)
{
    const struct ast *m = l->js ? polyfill(n) : NULL;
    struct tbe_str c = m == NULL ? lw_strip(lw_cond(l, n->a)) :
        lw_fmt(l, "!tbe_j_added(x, %.*s, %.*s)", S_(lw_str(l, m->a->a->s)), S_(lw_str(l, m->s)));
    lw_line(l, "if (%.*s) {", S_(c));
    l->indent++;
    lw_body(l, n->b);
    l->indent--;
    if (n->c != NULL) {
        lw_line(l, "} else {");
        l->indent++;
        lw_body(l, n->c);
        l->indent--;
    }
    lw_line(l, "}");
}

/* ---- loops ---- */

static void
loop_body(struct lower *l, struct ast *d, struct target *t)
{
    l->targets = t;
    lw_body(l, d);
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

/* Pointers to cells that are renewed cannot be const: declared here instead of by
 * lw_declare_scope. */
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

void
lw_for_stmt(struct lower *l, struct ast *n)
{
    struct target t = lw_push_target(l, true);
    t.breakable = true;
    lw_open_block(l);
    declare_loop_scope(l, n->scope);
    if (n->a != NULL && n->a->kind == AST_VAR) {
        lw_stmt(l, n->a);
    } else if (n->a != NULL) {
        lw_discard(l, n->a);
    }
    loop_cond(l, n->b, false);
    lw_line(l, "tbe_burn(x);");
    lw_open_block(l);
    loop_body(l, n->d, &t);
    lw_close_block(l);
    fresh_cells(l, n->scope);
    if (n->c != NULL) {
        lw_discard(l, n->c);
    }
    lw_close_block(l);
    lw_close_block(l);
    lw_end_break(l, &t);
}

void
lw_while_stmt(struct lower *l, struct ast *n)
{
    struct target t = lw_push_target(l, true);
    t.breakable = true;
    loop_cond(l, n->a, n->flags & AST_F_UNTIL);
    lw_line(l, "tbe_burn(x);");
    loop_body(l, n->d, &t);
    lw_close_block(l);
    lw_end_break(l, &t);
}

void
lw_do_stmt(struct lower *l, struct ast *n)
{
    struct target t = lw_push_target(l, true);
    t.breakable = true;
    lw_line(l, "for (;;) {");
    l->indent++;
    lw_line(l, "tbe_burn(x);");
    lw_open_block(l);
    loop_body(l, n->d, &t);
    lw_close_block(l);
    struct tbe_str c = lw_cond(l, n->a);
    lw_line(l, n->flags & AST_F_UNTIL ? "if (%.*s) {" : "if (!(%.*s)) {", S_(lw_strip(c)));
    lw_line(l, "    break;");
    lw_line(l, "}");
    lw_close_block(l);
    lw_end_break(l, &t);
}

/* for-in, for-of and TBEL's foreach: an iterator of the run time. */
void
lw_iterate(struct lower *l, struct ast *n)
{
    struct target t = lw_push_target(l, true);
    t.breakable = true;
    int it = ++l->n_tmp, item = ++l->n_tmp;
    lw_open_block(l);
    struct tbe_str src = lw_val(l, n->b);
    lw_line(l, "struct tbe_iter t%d;", it);
    lw_line(l, "tbe_val t%d;", item);
    if (l->js) {
        lw_line(l, "%s(x, &t%d, %.*s);", n->kind == AST_FOR_IN ? "tbe_j_iter_keys" :
            "tbe_j_iter", it, S_(src));
    } else {
        lw_line(l, "tbe_t_iter(x, &t%d, %.*s, %.*s);", it, S_(src), S_(lw_site(l, n->b)));
    }
    lw_line(l, "while (%s_next(x, &t%d, &t%d)) {", l->P, it, item);
    l->indent++;
    lw_line(l, "tbe_burn(x);");
    lw_declare_scope(l, n->scope);
    struct cx c = { .t = lw_fmt(l, "t%d", item), .rep = REP_VAL, .stable = true };
    lw_bind(l, n->a->kind == AST_VAR ? n->a->list->a : n->a, c, n->a->kind == AST_VAR ||
        n->kind == AST_FOREACH);
    lw_open_block(l);
    loop_body(l, n->d, &t);
    lw_close_block(l);
    lw_close_block(l);
    lw_close_block(l);
    lw_end_break(l, &t);
}
