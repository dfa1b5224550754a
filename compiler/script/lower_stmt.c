/* SPDX-License-Identifier: Apache-2.0 */
/* Statements -> C statements, each behind a comment (or #line) that tells where it stands in the
 * script. A try block becomes a C function of its own that the run time calls behind a setjmp:
 * so no local of generated code lives across a longjmp, and a jump out of the block is a return
 * code. */
#include "config.h"
#include "script/lower_stmt.h"

#include <string.h>

#include "script/cwrite.h"

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
    return last->kind != AST_BREAK && last->kind != AST_CONTINUE && last->kind != AST_RETURN &&
        last->kind != AST_THROW;
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
    struct target t = lw_push_target(l, false);
    t.breakable = true;
    int disc = ++l->n_tmp, sel = ++l->n_tmp, i = 0, total = 0;
    for (struct ast *c = n->list; c != NULL; c = c->next) {
        total++;
    }
    if (total > 200) {
        ast_error(l->s->c, n->line, n->col, "depth",
            "this switch has more than 200 cases: look the value up in an object");
        return;
    }
    lw_open_block(l);
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
    lw_close_block(l);
    lw_end_break(l, &t);
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
        lw_jump_to(l, cf->exits[i].t, cf->exits[i].cont);
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
    lw_body(l, n->c);
    l->indent--;
    lw_line(l, "}");
    after_try(l, no, &cf);
}

static void
try_stmt(struct lower *l, struct ast *n)
{
    lw_open_block(l);
    if (n->d == NULL) {
        try_catch(l, n);
        lw_close_block(l);
        return;
    }
    int no = ++l->n_tmp;
    struct cfunc cf = { .up = l->cf, .is_try = true };
    outline(l, no, &cf, n, n->c != NULL);
    lw_line(l, "const int t%d = tbe_try(x, %s_try%d, fr);", no, l->sym, no);
    lw_line(l, "const tbe_val t%d_thrown = x->thrown;", no);
    lw_line(l, "const tbe_val t%d_ret = t%d == TBE_TRY_RETURN ? fr->ret : TBE_UNDEF_VAL;", no, no);
    lw_open_block(l);
    lw_body(l, n->d);
    lw_close_block(l);
    lw_line(l, "fr->ret = t%d_ret;", no);
    lw_line(l, "if (t%d == TBE_TRY_THROWN) {", no);
    lw_line(l, "    tbe_throw_val(x, t%d_thrown);", no);
    lw_line(l, "}");
    after_try(l, no, &cf);
    lw_close_block(l);
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
        lw_body(l, n->a);
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
    if (k == AST_LABEL || k == AST_FOR || k == AST_FOR_IN || k == AST_FOR_OF || k == AST_WHILE ||
        k == AST_DO ||
        k == AST_SWITCH) {
        lw_stmt(l, n->a);
        l->n_pending = 0;
        return;
    }
    struct target t = lw_push_target(l, false);
    l->targets = &t;
    lw_stmt(l, n->a);
    lw_end_break(l, &t);
}

void
lw_stmt(struct lower *l, struct ast *n)
{
    struct tbe_str v;
    if (n->kind != AST_BLOCK && n->kind != AST_FUNC_DECL && n->kind != AST_NOP) {
        lw_mark_line(l, n);
    }
    switch (n->kind) {
    case AST_EXPR:
        lw_discard(l, n->a);
        return;
    case AST_VAR:
        var_stmt(l, n);
        return;
    case AST_BLOCK:
        lw_open_block(l);
        lw_body(l, n);
        lw_close_block(l);
        return;
    case AST_IF:
        lw_if_stmt(l, n);
        return;
    case AST_FOR:
        lw_for_stmt(l, n);
        return;
    case AST_FOR_IN:
    case AST_FOR_OF:
    case AST_FOREACH:
        lw_iterate(l, n);
        return;
    case AST_WHILE:
        lw_while_stmt(l, n);
        return;
    case AST_DO:
        lw_do_stmt(l, n);
        return;
    case AST_SWITCH:
        switch_stmt(l, n, false);
        return;
    case AST_BREAK:
    case AST_CONTINUE:
        lw_jump(l, n);
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
        lw_mark_line(l, n);
        v = lw_val(l, n->a);
        lw_return(l, v);
        return;
    case AST_IF: {
        lw_mark_line(l, n);
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
        lw_open_block(l);
        lw_declare_scope(l, n->scope);
        lw_hoist(l, n->list);
        lw_tail(l, n->list);
        lw_close_block(l);
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
        lw_mark_line(l, n);
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
