/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of TBEL (facts/tbel.md 9). */
#include "config.h"
#include "script/tbel_room.h"

static struct ast *statement(struct parser *p, bool line_ends);

/* ---- statements ---- */

/* After an expression statement: ";", a closing brace, the end, or for a brace-less body the
 * line's end. */
static void
end_statement(struct parser *p, const struct ast *n, bool line_ends)
{
    if (tp_accept(p, ";") || p->t.kind == TK_EOF || p->t.kind == TK_ERROR) {
        return;
    }
    if ((tp_is(p, "}") && p->depth > 1) || (line_ends && p->t.newline) || tp_is(p, "else")) {
        return;
    }
    if (n != NULL && n->kind == AST_UPDATE) {
        tp_fail_str(p, "expected end of statement but encountered: ", p->t.s);
        return;
    }
    tp_not_ended(p, n);
}

/* block = "{" { statement } "}" */
struct ast *
tp_block(struct parser *p)
{
    struct ast *b = tp_node(p, AST_BLOCK), *tail = NULL;
    if (!tp_enter(p)) {
        return tp_leave(p, NULL);
    }
    tp_next(p);
    while (!tp_is(p, "}") && p->t.kind != TK_ERROR) {
        if (p->t.kind == TK_EOF) {
            return tp_leave(p, tp_fail(p, "unbalanced braces { ... }"));
        }
        ast_append(&b->list, &tail, statement(p, false));
    }
    if (p->t.kind != TK_ERROR) {
        tp_next(p);
    }
    return tp_leave(p, b);
}

/* body = block | statement */
static struct ast *
body(struct parser *p)
{
    if (tp_is(p, "{")) {
        return tp_block(p);
    }
    if (p->t.kind == TK_EOF) {
        return tp_fail(p, "unexpected end of statement");
    }
    struct ast *b = tp_node(p, AST_BLOCK), *tail = NULL;
    ast_append(&b->list, &tail, statement(p, true));
    return b;
}

static struct ast *
loop_body(struct parser *p)
{
    p->loops++;
    struct ast *b = body(p);
    p->loops--;
    return b;
}

/* condition = "(" expr ")" */
static struct ast *
condition(struct parser *p)
{
    struct tbe_str got = p->t.s;
    if (p->t.kind == TK_EOF) {
        return tp_fail(p, "unexpected end of statement");
    }
    if (!tp_is(p, "(")) {
        return tp_fail_str(p, "expected '(' but encountered: ", got);
    }
    tp_next(p);
    if (tp_is(p, ")")) {
        return tp_fail(p, "statement expected");
    }
    if (p->t.kind == TK_EOF) {
        return tp_fail(p, "unbalanced braces ( ... )");
    }
    struct ast *e = tp_expr(p);
    if (tp_is(p, ")")) {
        tp_next(p);
        return e;
    }
    return p->t.kind == TK_EOF || tp_is(p, "{") ? tp_fail(p, "unbalanced braces ( ... )") :
        tp_not_ended(p, e);
}

/* ifStmt = "if" "(" expr ")" body { "else" "if" ... } [ "else" body ] */
static struct ast *
if_stmt(struct parser *p)
{
    struct ast *n = tp_node(p, AST_IF);
    if (!tp_enter(p)) {
        return tp_leave(p, NULL);
    }
    tp_next(p);
    n->a = condition(p);
    if (p->t.kind != TK_ERROR) {
        n->b = body(p);
    }
    if (tp_accept(p, "else")) {
        n->c = tp_is(p, "if") ? if_stmt(p) : body(p);
    }
    return tp_leave(p, n);
}

static struct ast *
decl(struct parser *p, struct tbe_str type)
{
    struct ast *d = tp_node(p, AST_DECL);
    if (p->t.kind != TK_IDENT) {
        struct tbel_lexer l = p->lex;
        struct tbel_token t = tbel_lex(&l);
        if (tp_is(p, "if") || tp_is(p, "while") || tp_is(p, "for") || tp_is(p, "switch")) {
            return tp_fail_str(p, "expected '(' but encountered: ", t.s);
        }
        return p->t.kind == TK_EOF ? tp_fail(p, "unexpected end of statement")
                                   : tp_fail_str(p, p->t.kind == TK_WORD ?
                                   "illegal use of reserved word: "
                                                                      : "not an identifier: ",
                                                                      p->t.s);
    }
    d->a = tp_ident_at(p, &p->t, p->t.s);
    d->s = type;
    tp_next(p);
    if (tp_accept(p, "=")) {
        if (p->t.kind == TK_EOF || tp_is(p, ";")) {
            return tp_fail(p, "unexpected end of statement");
        }
        d->b = tp_expr(p);
    }
    return d;
}

/* varDecl = "var" ident [ "=" expr ] | "var" ident { "," ident } | type [ "[]" ] ident [ "="
 * expr ] */
static struct ast *
var_decl(struct parser *p, struct tbe_str type)
{
    struct ast *n = tp_node(p, AST_VAR), *tail = NULL, *d;
    n->op = AST_DECL_VAR;
    tp_next(p);
    if (type.n > 0 && tp_is(p, "[")) {
        tp_next(p);
        tp_expect(p, "]", "unbalanced braces [ ... ]");
        type = TBE_STR("");
    }
    do {
        d = decl(p, type);
        ast_append(&n->list, &tail, d);
    } while (d != NULL && d->b == NULL && tp_accept(p, ","));
    return d != NULL ? n : NULL;
}

/* A typed declaration starts here: a type name, maybe [], and a name. */
static bool
typed_decl_ahead(struct parser *p)
{
    struct tbel_lexer l = p->lex;
    if (p->t.kind != TK_IDENT || !tp_type_name(p->t.s)) {
        return false;
    }
    struct tbel_token t = tbel_lex(&l);
    if (t.kind == TK_PUNCT && tbe_str_eqz(t.s, "[")) {
        t = tbel_lex(&l);
        if (t.kind != TK_PUNCT || !tbe_str_eqz(t.s, "]")) {
            return false;
        }
        t = tbel_lex(&l);
    }
    return t.kind == TK_IDENT;
}

/* foreach = ( "foreach" | "for" ) "(" [ type | "var" ] ident ":" expr ")" body */
static struct ast *
foreach_rest(struct parser *p, struct ast *n, struct tbe_str type)
{
    n->kind = AST_FOREACH;
    n->s2 = type;
    n->a = tp_ident_at(p, &p->t, p->t.s);
    n->s = p->t.s;
    tp_next(p);
    tp_next(p); /* the colon */
    n->b = tp_expr(p);
    if (!tp_is(p, ")")) {
        return p->t.kind == TK_EOF ? tp_fail(p, "unbalanced braces ( ... )") :
            tp_not_ended(p, n->b);
    }
    tp_next(p);
    n->d = loop_body(p);
    return n;
}

static bool
foreach_ahead(struct parser *p)
{
    struct tbel_lexer l = p->lex;
    struct tbel_token t = tbel_lex(&l);
    return p->t.kind == TK_IDENT && t.kind == TK_PUNCT && tbe_str_eqz(t.s, ":");
}

/* forStmt = "for" "(" [ init ] ";" [ expr ] ";" [ expr ] ")" body */
static struct ast *
for_stmt(struct parser *p)
{
    struct ast *n = tp_node(p, AST_FOR);
    struct tbe_str type = TBE_STR_NONE;
    tp_next(p);
    if (p->t.kind == TK_EOF) {
        return tp_fail(p, "unexpected end of statement");
    }
    if (!tp_expect(p, "(", "expected '('")) {
        return NULL;
    }
    if (foreach_ahead(p)) {
        return foreach_rest(p, n, type);
    }
    if (tp_is(p, "var") || typed_decl_ahead(p)) {
        struct parser save = *p;
        type = tp_is(p, "var") ? TBE_STR_NONE : p->t.s;
        tp_next(p);
        if (foreach_ahead(p)) {
            return foreach_rest(p, n, type);
        }
        uint32_t diags = p->c->n_diags;
        *p = save;
        p->c->n_diags = diags;
        n->a = var_decl(p, type);
    } else if (!tp_is(p, ";")) {
        n->a = tp_expr(p);
    }
    if (!tp_is(p, ";")) {
        return p->t.kind == TK_EOF ? tp_fail(p, "unbalanced braces ( ... )")
                                   : tp_fail(p, "not a statement, or badly formed structure");
    }
    tp_next(p);
    n->b = tp_is(p, ";") ? NULL : tp_expr(p);
    if (!tp_expect(p, ";", "not a statement, or badly formed structure")) {
        return NULL;
    }
    n->c = tp_is(p, ")") ? NULL : tp_expr(p);
    if (!tp_expect(p, ")", "unbalanced braces ( ... )")) {
        return NULL;
    }
    n->d = loop_body(p);
    return n;
}

static struct ast *
while_stmt(struct parser *p)
{
    struct ast *n = tp_node(p, AST_WHILE);
    n->flags = tp_is(p, "until") ? AST_F_UNTIL : 0;
    tp_next(p);
    n->a = condition(p);
    if (p->t.kind != TK_ERROR) {
        n->d = loop_body(p);
    }
    return n;
}

/* doStmt = "do" block ( "while" | "until" ) "(" expr ")" */
static struct ast *
do_stmt(struct parser *p)
{
    struct ast *n = tp_node(p, AST_DO);
    tp_next(p);
    n->d = loop_body(p);
    if (!tp_is(p, "while") && !tp_is(p, "until")) {
        return tp_fail(p, "expected 'while' or 'until'");
    }
    n->flags = tp_is(p, "until") ? AST_F_UNTIL : 0;
    tp_next(p);
    n->a = condition(p);
    tp_accept(p, ";");
    return n;
}

static bool
ends_case(const struct ast *n)
{
    if (n == NULL) {
        return false;
    }
    if (n->kind == AST_BLOCK) {
        const struct ast *last = n->list;
        while (last != NULL && last->next != NULL) {
            last = last->next;
        }
        return ends_case(last);
    }
    return n->kind == AST_BREAK || n->kind == AST_RETURN;
}

/* switchStmt = "switch" "(" expr ")" "{" { "case" const ":" } ... [ "default" ":" ... ] "}" */
static struct ast *
switch_stmt(struct parser *p)
{
    struct ast *n = tp_node(p, AST_SWITCH), *tail = NULL, *last = NULL;
    tp_next(p);
    n->a = condition(p);
    if (p->t.kind == TK_ERROR || !tp_expect(p, "{", "expected '{'")) {
        return NULL;
    }
    p->loops++;
    while (tp_is(p, "case") || tp_is(p, "default")) {
        struct ast *c = tp_node(p, AST_CASE), *ctail = NULL;
        bool dflt = tp_is(p, "default");
        if (last != NULL && last->list != NULL && !ends_case(last->list)) {
            const struct ast *s = last->list;
            while (s->next != NULL) {
                s = s->next;
            }
            if (!ends_case(s)) {
                return tp_fail(p, dflt ? "default without switch" : "case without switch");
            }
        }
        tp_next(p);
        c->a = dflt ? NULL : tp_binary_expr(p, 2);
        if (!tp_expect(p, ":", "unexpected end of statement")) {
            return NULL;
        }
        while (!tp_is(p, "case") && !tp_is(p, "default") && !tp_is(p, "}") &&
            p->t.kind != TK_ERROR) {
            if (p->t.kind == TK_EOF) {
                return tp_fail(p, "unbalanced braces { ... }");
            }
            ast_append(&c->list, &ctail, tp_is(p, "{") ? tp_block(p) : statement(p, false));
        }
        ast_append(&n->list, &tail, c);
        last = c;
    }
    p->loops--;
    return tp_expect(p, "}", "unbalanced braces { ... }") ? n : NULL;
}

/* `return typeof x == "a"` is read as `return typeof`, an unknown name: it compiles, and fails
 * when it runs. */
static void
lone_typeof(struct parser *p, const struct ast *e)
{
    if (e == NULL || e->kind != AST_IDENT || !tbe_str_eqz(e->s, "typeof") ||
        p->t.kind != TK_IDENT) {
        return;
    }
    ast_warn(p->c, e->line, e->col, "typeof", "TBEL has no typeof");
    while (p->t.kind != TK_EOF && p->t.kind != TK_ERROR && !tp_is(p, ";") && !tp_is(p, "}")) {
        tp_next(p);
    }
}

/* returnStmt = "return" [ expr ] */
static struct ast *
return_stmt(struct parser *p, bool line_ends)
{
    struct ast *n = tp_node(p, AST_RETURN);
    while (tp_accept(p, "return")) {
        continue;
    }
    if (!tp_is(p, ";") && !tp_is(p, "}") && p->t.kind != TK_EOF) {
        n->a = tp_expr(p);
        lone_typeof(p, n->a);
    }
    end_statement(p, n->a, line_ends);
    return n;
}

static struct ast *
func_decl(struct parser *p)
{
    struct ast *n = tp_node(p, AST_FUNC_DECL);
    n->a = tp_function(p, true);
    return n;
}

static struct ast *
with_stmt(struct parser *p)
{
    struct ast *n = tp_node(p, AST_EXPR), *w = tp_node(p, AST_WITH);
    tp_next(p);
    w->a = condition(p);
    if (p->t.kind != TK_ERROR && tp_expect(p, "{", "expected '{'")) {
        tp_with_body(p, w);
    }
    n->a = w;
    return n;
}

static struct ast *
break_stmt(struct parser *p, bool line_ends)
{
    /* outside of loops the script ends */
    struct ast *n = tp_node(p, p->loops > 0 ? AST_BREAK : AST_RETURN);
    tp_next(p);
    end_statement(p, NULL, line_ends);
    return n;
}

static struct ast *
expr_stmt(struct parser *p, bool line_ends)
{
    struct ast *n;
    if (tp_is(p, "var") || typed_decl_ahead(p)) {
        n = var_decl(p, tp_is(p, "var") ? TBE_STR_NONE : p->t.s);
        const struct ast *d = n != NULL ? n->list : NULL;
        while (d != NULL && d->next != NULL) {
            d = d->next;
        }
        end_statement(p, d != NULL && !tp_is(p, ",") ? d->b : NULL, line_ends);
        return n;
    }
    if (tp_is(p, "assert")) {
        n = tp_node(p, AST_ASSERT);
        tp_next(p);
        n->a = tp_expr(p);
        end_statement(p, n->a, line_ends);
        return n;
    }
    n = tp_node(p, AST_EXPR);
    n->a = tp_expr(p);
    end_statement(p, n->a, line_ends);
    return n;
}

static struct ast *
statement(struct parser *p, bool line_ends)
{
    static const struct {
        const char *word;
        struct ast *(*fn)(struct parser *p);
    } rules[] = {
        { "if", if_stmt }, { "for", for_stmt }, { "foreach", for_stmt }, { "while", while_stmt },
        { "until", while_stmt }, { "do", do_stmt }, { "switch", switch_stmt },
        { "function", func_decl },
        { "def", func_decl }, { "with", with_stmt },
    };
    struct ast *n = NULL;
    if (!tp_enter(p)) {
        return tp_leave(p, NULL);
    }
    if (tp_is(p, ";")) {
        n = tp_node(p, AST_NOP);
        tp_next(p);
        return tp_leave(p, n);
    }
    for (size_t i = 0; p->t.kind == TK_WORD && i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (tbe_str_eqz(p->t.s, rules[i].word)) {
            n = rules[i].fn(p);
            if (tp_is(p, ";")) { /* allowed after a block */
                tp_next(p);
            }
            return tp_leave(p, n);
        }
    }
    if (tp_is(p, "return")) {
        n = return_stmt(p, line_ends);
    } else if (tp_is(p, "break")) {
        n = break_stmt(p, line_ends);
    } else if (tp_is(p, "import") || tp_is(p, "import_static")) {
        n = tp_fail(p, "Import is forbidden!");
    } else if (tp_is(p, "else")) {
        n = tp_fail(p, "else without if");
    } else if (tp_is(p, "case") || tp_is(p, "default")) {
        n = tp_fail(p, tp_is(p, "case") ? "case without switch" : "default without switch");
    } else if (tp_is(p, "#")) {
        tp_next(p);
        n = tp_fail_str(p, "unknown class or illegal statement: ", p->t.s);
    } else if (tp_is(p, "}") || tp_is(p, "]")) {
        n = tp_fail(p, "unbalanced braces");
    } else {
        n = expr_stmt(p, line_ends);
    }
    return tp_leave(p, n);
}

struct ast *
tbel_parse(struct ast_ctx *c)
{
    struct parser p = { .c = c };
    if (c->text.n > AST_MAX_TEXT) {
        ast_error(c, 1, 1, "syntax", "script is longer than %d bytes", AST_MAX_TEXT);
        return NULL;
    }
    p.lex = (struct tbel_lexer){ .c = c, .line = 1 };
    tp_next(&p);
    struct ast *b = ast_new(c, AST_BLOCK, 1, 1), *tail = NULL;
    while (p.t.kind != TK_EOF && p.t.kind != TK_ERROR) {
        ast_append(&b->list, &tail, statement(&p, false));
    }
    if (p.t.kind == TK_ERROR && !c->failed) {
        ast_error(c, p.t.line, p.t.col, "syntax", "Unterminated statement!");
    }
    return c->failed ? NULL : b;
}
