/* SPDX-License-Identifier: Apache-2.0 */
/* Parser of TBEL: recursive descent, operators by precedence (facts/tbel.md 3, 9). It gives the
 * engine's texts for the compile errors people meet, and accepts a little more than the engine
 * where that does no harm. MEMBER, INDEX and CALL nodes get `src`, the text of the chain up to
 * them, for run-time errors. Here: tokens, nodes and failing. */
#include "config.h"
#include "script/tbel_room.h"

#include <string.h>

/* ---- tokens ---- */

void
tp_next(struct parser *p)
{
    p->last_end = p->t.end;
    p->t = tbel_lex(&p->lex);
}

bool
tp_is(const struct parser *p, const char *s)
{
    return (p->t.kind == TK_PUNCT || p->t.kind == TK_WORD) && tbe_str_eqz(p->t.s, s);
}

bool
tp_accept(struct parser *p, const char *s)
{
    if (!tp_is(p, s)) {
        return false;
    }
    tp_next(p);
    return true;
}

struct ast *
tp_fail(struct parser *p, const char *msg)
{
    if (!p->c->failed) {
        ast_error(p->c, p->t.line, p->t.col, "syntax", "%s", msg);
    }
    p->t.kind = TK_ERROR;
    return NULL;
}

struct ast *
tp_fail_str(struct parser *p, const char *msg, struct tbe_str s)
{
    if (!p->c->failed) {
        ast_error(p->c, p->t.line, p->t.col, "syntax", "%s%.*s", msg, (int)s.n, s.p);
    }
    p->t.kind = TK_ERROR;
    return NULL;
}

bool
tp_expect(struct parser *p, const char *s, const char *msg)
{
    if (tp_accept(p, s)) {
        return true;
    }
    tp_fail(p, msg);
    return false;
}

bool
tp_enter(struct parser *p)
{
    if (++p->depth > AST_MAX_DEPTH) {
        tp_fail(p, "script is nested too deep");
        return false;
    }
    return p->t.kind != TK_ERROR;
}

struct ast *
tp_leave(struct parser *p, struct ast *n)
{
    p->depth--;
    return n;
}

struct ast *
tp_node(struct parser *p, enum ast_kind kind)
{
    return ast_new(p->c, kind, p->t.line, p->t.col);
}

struct ast *
tp_node_at(struct parser *p, enum ast_kind kind, const struct tbel_token *t)
{
    return ast_new(p->c, kind, t->line, t->col);
}

struct ast *
tp_literal_at(struct parser *p, const struct tbel_token *t, tbe_val v)
{
    struct ast *n = tp_node_at(p, AST_LITERAL, t);
    n->v = v;
    return n;
}

struct ast *
tp_ident_at(struct parser *p, const struct tbel_token *t, struct tbe_str s)
{
    struct ast *n = tp_node_at(p, AST_IDENT, t);
    n->s = s;
    return n;
}

tbe_val
tp_string_value(struct tbe_str s)
{
    tbe_val v = tbe_strv(s);
    v.ascii = 1;
    for (size_t i = 0; i < s.n; i++) {
        v.ascii &= (unsigned char)s.p[i] < 0x80;
    }
    return v;
}

/* Where a statement or an item should have ended after n, and did not: the engine's words for
 * it. */
struct ast *
tp_not_ended(struct parser *p, const struct ast *n)
{
    struct tbe_str from = { p->c->text.p + p->t.at, p->c->text.n - p->t.at };
    bool word = p->t.kind == TK_IDENT || p->t.kind == TK_NUMBER;
    if (p->t.kind == TK_ERROR) {
        return NULL;
    }
    if (tp_is(p, "}") || tp_is(p, "]") || tp_is(p, ")")) {
        return tp_fail(p, "unbalanced braces");
    }
    if (tp_is(p, "in")) {
        return tp_fail_str(p, "unexpected token: ", from);
    }
    if (n != NULL && n->kind == AST_LITERAL && n->v.t == TBE_STR_T) {
        return tp_fail_str(p, "unexpected token: ", p->t.s);
    }
    if (tp_is(p, "=") || tp_is(p, "!==")) {
        return tp_fail(p, "Invalid operator: =");
    }
    if (n != NULL && word && (n->kind == AST_MEMBER || n->kind == AST_INDEX)) {
        return tp_fail(p, "unknown class or illegal statement: null");
    }
    if (n != NULL && word && (n->kind == AST_IDENT || n->kind == AST_LITERAL)) {
        struct tbel_lexer l = p->lex;
        struct tbel_token t = tbel_lex(&l);
        bool chain = p->t.kind == TK_IDENT && t.kind == TK_PUNCT &&
            (t.s.p[0] == '.' || t.s.p[0] == '(');
        if (!chain) {
            return tp_fail_str(p, "unknown class or illegal statement: ",
                            n->kind == AST_IDENT ? n->s : n->src);
        }
    }
    return tp_fail(p, "Unterminated statement!");
}
