/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of JavaScript. */
#include "config.h"
#include "script/js_room.h"

#include <string.h>

static struct ast *statement(struct jp *p);

/* ---- statements ---- */

static void
semicolon(struct jp *p)
{
    if (jp_accept(p, ';') || jp_is(p, '}') || p->t.t == JT_EOF || p->t.nl_before) {
        return;
    }
    jp_unexpected(p, "; or a line end");
}

struct ast *
jp_block(struct jp *p)
{
    struct ast *n = jp_node(p, AST_BLOCK), *tail = NULL;
    jp_expect(p, '{', "{");
    while (!jp_is(p, '}') && p->t.t != JT_EOF) {
        ast_append(&n->list, &tail, statement(p));
    }
    jp_expect(p, '}', "}");
    return n;
}

static struct ast *
declarations(struct jp *p, bool for_head)
{
    struct ast *n = jp_node(p, AST_VAR), *tail = NULL;
    n->op = jp_is_word(p, "let") ? AST_DECL_LET : jp_is_word(p, "const") ? AST_DECL_CONST :
        AST_DECL_VAR;
    jp_next(p);
    do {
        struct ast *d = jp_node(p, AST_DECL);
        d->a = jp_binding_target(p);
        if (jp_accept(p, '=')) {
            d->b = jp_assign(p);
        } else if (!for_head && (d->a->kind != AST_IDENT || n->op == AST_DECL_CONST)) {
            jp_unexpected(p, "= and the initial value");
        }
        ast_append(&n->list, &tail, d);
    } while (jp_accept(p, ','));
    return n;
}

static bool
let_ahead(struct jp *p)
{
    struct js_lex l = p->l;
    struct js_token t;
    l.quiet = true;
    js_lex_next(&l, &t);
    return (t.t == JT_IDENT && !tbe_str_eqz(t.s, "in") && !tbe_str_eqz(t.s, "instanceof")) ||
        (t.t == JT_PUNCT && (t.punct == '[' || t.punct == '{'));
}

static bool
starts_declaration(struct jp *p)
{
    return jp_is_word(p, "var") || jp_is_word(p, "const") || (jp_is_word(p, "let") && let_ahead(p));
}

static struct ast *
condition(struct jp *p)
{
    jp_expect(p, '(', "( of the condition");
    struct ast *n = jp_expression(p);
    jp_expect(p, ')', ") of the condition");
    return n;
}

static struct ast *
for_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_FOR);
    jp_next(p);
    if (jp_is_word(p, "await")) {
        jp_check_word(p);
    }
    jp_expect(p, '(', "(");
    p->no_in = true;
    if (starts_declaration(p)) {
        n->a = declarations(p, true);
    } else if (!jp_is(p, ';')) {
        n->a = jp_expression(p);
    }
    p->no_in = false;
    bool in = jp_is_word(p, "in");
    if (n->a != NULL && (in || jp_is_word(p, "of"))) {
        n->kind = in ? AST_FOR_IN : AST_FOR_OF;
        if (n->a->kind == AST_VAR) {
            if (n->a->list != NULL && n->a->list->next != NULL) {
                jp_unexpected(p, "exactly one variable");
            }
        } else {
            jp_to_pattern(p, n->a, false);
        }
        jp_next(p);
        n->b = in ? jp_expression(p) : jp_assign(p);
        jp_expect(p, ')', ")");
    } else {
        jp_expect(p, ';', "; in the head of for");
        n->b = jp_is(p, ';') ? NULL : jp_expression(p);
        jp_expect(p, ';', "second ; in the head of for");
        n->c = jp_is(p, ')') ? NULL : jp_expression(p);
        jp_expect(p, ')', ")");
    }
    n->d = statement(p);
    return n;
}

static struct ast *
switch_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_SWITCH), *tail = NULL;
    bool had_default = false;
    jp_next(p);
    n->a = condition(p);
    jp_expect(p, '{', "{ of switch");
    while (!jp_is(p, '}') && p->t.t != JT_EOF) {
        struct ast *c = jp_node(p, AST_CASE), *ct = NULL;
        if (jp_accept_word(p, "case")) {
            c->a = jp_expression(p);
        } else if (jp_is_word(p, "default") && !had_default) {
            had_default = true;
            jp_next(p);
        } else {
            jp_unexpected(p, "case or default");
        }
        jp_expect(p, ':', ":");
        while (!jp_is(p, '}') && !jp_is_word(p, "case") && !jp_is_word(p, "default") &&
            p->t.t != JT_EOF) {
            ast_append(&c->list, &ct, statement(p));
        }
        ast_append(&n->list, &tail, c);
    }
    jp_expect(p, '}', "} of switch");
    return n;
}

static struct ast *
try_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_TRY);
    jp_next(p);
    n->a = jp_block(p);
    if (jp_accept_word(p, "catch")) {
        if (jp_accept(p, '(')) {
            n->b = jp_binding_target(p);
            jp_expect(p, ')', ")");
        }
        n->c = jp_block(p);
    }
    if (jp_accept_word(p, "finally")) {
        n->d = jp_block(p);
    }
    if (n->c == NULL && n->d == NULL) {
        jp_unexpected(p, "catch or finally");
    }
    return n;
}

static struct ast *
jump(struct jp *p, enum ast_kind kind)
{
    struct ast *n = jp_node(p, kind);
    jp_next(p);
    if (p->t.t == JT_IDENT && !p->t.nl_before && !jp_reserved(p->t.s)) {
        n->s = p->t.s;
        jp_next(p);
    }
    semicolon(p);
    return n;
}

static struct ast *
return_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_RETURN);
    jp_next(p);
    if (!jp_is(p, ';') && !jp_is(p, '}') && p->t.t != JT_EOF && !p->t.nl_before) {
        n->a = jp_expression(p);
    }
    semicolon(p);
    return n;
}

static struct ast *
if_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_IF);
    jp_next(p);
    n->a = condition(p);
    n->b = statement(p);
    if (jp_accept_word(p, "else")) {
        n->c = statement(p);
    }
    return n;
}

static struct ast *
do_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_DO);
    jp_next(p);
    n->d = statement(p);
    if (!jp_accept_word(p, "while")) {
        jp_unexpected(p, "while");
    }
    n->a = condition(p);
    jp_accept(p, ';');
    return n;
}

static struct ast *
throw_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_THROW);
    jp_next(p);
    if (p->t.nl_before) {
        jp_unexpected(p, "the thrown value on the line of throw");
    }
    n->a = jp_expression(p);
    semicolon(p);
    return n;
}

static struct ast *
while_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_WHILE);
    jp_next(p);
    n->a = condition(p);
    n->d = statement(p);
    return n;
}

static struct ast *
func_decl(struct jp *p)
{
    struct ast *n = jp_node(p, AST_FUNC_DECL);
    n->a = jp_function(p, true);
    return n;
}

static struct ast *
expr_statement(struct jp *p)
{
    struct ast *n = jp_node(p, AST_EXPR);
    n->a = jp_expression(p);
    if (jp_is(p, ':') && n->a->kind == AST_IDENT && !(n->a->flags & AST_F_PAREN)) {
        n->kind = AST_LABEL;
        n->s = n->a->s;
        jp_next(p);
        n->a = statement(p);
        return n;
    }
    semicolon(p);
    return n;
}

static struct ast *
jump_break(struct jp *p)
{
    return jump(p, AST_BREAK);
}

static struct ast *
jump_continue(struct jp *p)
{
    return jump(p, AST_CONTINUE);
}

static struct ast *
unsupported_statement(struct jp *p)
{
    if (jp_is_word(p, "with")) {
        jp_fail_at(p, &p->t, "unsupported",
            "with is not supported: name the object in front of each property");
    } else if (jp_is_word(p, "class")) {
        jp_fail_at(p, &p->t, "unsupported",
            "classes are not supported: write a function that returns an object");
    } else {
        jp_fail_at(p, &p->t, "unsupported",
            "import and export are not supported: a script stands alone");
    }
    return jp_node(p, AST_NOP);
}

static struct ast *
nothing(struct jp *p)
{
    struct ast *n = jp_node(p, AST_NOP);
    jp_next(p);
    semicolon(p);
    return n;
}

static const struct {
    const char *word;
    struct ast *(*parse)(struct jp *p);
} statements[] = {
    { "if", if_statement }, { "for", for_statement }, { "while", while_statement },
    { "do", do_statement },
    { "switch", switch_statement }, { "try", try_statement }, { "return", return_statement },
    { "throw", throw_statement }, { "break", jump_break }, { "continue", jump_continue },
    { "function", func_decl }, { "with", unsupported_statement },
    { "class", unsupported_statement },
    { "import", unsupported_statement }, { "export", unsupported_statement },
    { "debugger", nothing },
};

static struct ast *
statement_inner(struct jp *p)
{
    if (jp_is(p, '{')) {
        return jp_block(p);
    }
    if (jp_is(p, ';')) {
        struct ast *n = jp_node(p, AST_NOP);
        jp_next(p);
        return n;
    }
    if (p->t.t == JT_IDENT) {
        if (starts_declaration(p)) {
            struct ast *n = declarations(p, false);
            semicolon(p);
            return n;
        }
        for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
            if (jp_is_word(p, statements[i].word)) {
                return statements[i].parse(p);
            }
        }
    }
    return expr_statement(p);
}

static struct ast *
statement(struct jp *p)
{
    if (!jp_enter(p)) {
        return jp_node(p, AST_NOP);
    }
    struct ast *n = statement_inner(p);
    p->depth--;
    return n;
}

struct ast *
js_parse(struct ast_ctx *c)
{
    struct jp p = { .c = c, .l = { .c = c, .line = 1 } };
    struct ast *body = ast_new(c, AST_BLOCK, 1, 1), *tail = NULL;
    jp_next(&p);
    while (p.t.t != JT_EOF && !c->failed) {
        ast_append(&body->list, &tail, statement(&p));
    }
    return c->failed ? NULL : body;
}
