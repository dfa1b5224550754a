/* SPDX-License-Identifier: Apache-2.0 */
/* Parser of TBEL: recursive descent, operators by precedence (facts/tbel.md 3, 9). It gives the engine's
 * texts for the compile errors people meet, and accepts a little more than the engine where that does no
 * harm. MEMBER, INDEX and CALL nodes get `src`, the text of the chain up to them, for run-time errors. */
#include "config.h"
#include "script/tbel_lex.h"
#include "tbe/tbel.h"

#include <math.h>
#include <string.h>

#define MAX_CHAIN 500 /* operators or steps in one chain: the tree leans left, walks recurse */

struct parser {
    struct ast_ctx *c;
    struct tbel_lexer lex;
    struct tbel_token t; /* current */
    size_t last_end;     /* where the token before it ended */
    int depth;
    int loops;           /* loops and switches around: break belongs to them */
    bool literal_item;   /* directly inside a map or list literal: ?: is misread there */
};

static struct ast *expr(struct parser *p);
static struct ast *statement(struct parser *p, bool line_ends);
static struct ast *block(struct parser *p);
static struct ast *operand(struct parser *p);

/* ---- tokens ---- */

static void
next(struct parser *p)
{
    p->last_end = p->t.end;
    p->t = tbel_lex(&p->lex);
}

static bool
is(const struct parser *p, const char *s)
{
    return (p->t.kind == TK_PUNCT || p->t.kind == TK_WORD) && tbe_str_eqz(p->t.s, s);
}

static bool
accept(struct parser *p, const char *s)
{
    if (!is(p, s)) {
        return false;
    }
    next(p);
    return true;
}

static struct ast *
fail(struct parser *p, const char *msg)
{
    if (!p->c->failed) {
        ast_error(p->c, p->t.line, p->t.col, "syntax", "%s", msg);
    }
    p->t.kind = TK_ERROR;
    return NULL;
}

static struct ast *
fail_str(struct parser *p, const char *msg, struct tbe_str s)
{
    if (!p->c->failed) {
        ast_error(p->c, p->t.line, p->t.col, "syntax", "%s%.*s", msg, (int)s.n, s.p);
    }
    p->t.kind = TK_ERROR;
    return NULL;
}

static bool
expect(struct parser *p, const char *s, const char *msg)
{
    if (accept(p, s)) {
        return true;
    }
    fail(p, msg);
    return false;
}

static bool
enter(struct parser *p)
{
    if (++p->depth > AST_MAX_DEPTH) {
        fail(p, "script is nested too deep");
        return false;
    }
    return p->t.kind != TK_ERROR;
}

static struct ast *
leave(struct parser *p, struct ast *n)
{
    p->depth--;
    return n;
}

static struct ast *
node(struct parser *p, enum ast_kind kind)
{
    return ast_new(p->c, kind, p->t.line, p->t.col);
}

static struct ast *
node_at(struct parser *p, enum ast_kind kind, const struct tbel_token *t)
{
    return ast_new(p->c, kind, t->line, t->col);
}

static struct ast *
literal_at(struct parser *p, const struct tbel_token *t, tbe_val v)
{
    struct ast *n = node_at(p, AST_LITERAL, t);
    n->v = v;
    return n;
}

static struct ast *
ident_at(struct parser *p, const struct tbel_token *t, struct tbe_str s)
{
    struct ast *n = node_at(p, AST_IDENT, t);
    n->s = s;
    return n;
}

static tbe_val
string_value(struct tbe_str s)
{
    tbe_val v = tbe_strv(s);
    v.ascii = 1;
    for (size_t i = 0; i < s.n; i++) {
        v.ascii &= (unsigned char)s.p[i] < 0x80;
    }
    return v;
}

/* Where a statement or an item should have ended after n, and did not: the engine's words for it. */
static struct ast *
not_ended(struct parser *p, const struct ast *n)
{
    struct tbe_str from = { p->c->text.p + p->t.at, p->c->text.n - p->t.at };
    bool word = p->t.kind == TK_IDENT || p->t.kind == TK_NUMBER;
    if (p->t.kind == TK_ERROR) {
        return NULL;
    }
    if (is(p, "}") || is(p, "]") || is(p, ")")) {
        return fail(p, "unbalanced braces");
    }
    if (is(p, "in")) {
        return fail_str(p, "unexpected token: ", from);
    }
    if (n != NULL && n->kind == AST_LITERAL && n->v.t == TBE_STR_T) {
        return fail_str(p, "unexpected token: ", p->t.s);
    }
    if (is(p, "=") || is(p, "!==")) {
        return fail(p, "Invalid operator: =");
    }
    if (n != NULL && word && (n->kind == AST_MEMBER || n->kind == AST_INDEX)) {
        return fail(p, "unknown class or illegal statement: null");
    }
    if (n != NULL && word && (n->kind == AST_IDENT || n->kind == AST_LITERAL)) {
        struct tbel_lexer l = p->lex;
        struct tbel_token t = tbel_lex(&l);
        bool chain = p->t.kind == TK_IDENT && t.kind == TK_PUNCT && (t.s.p[0] == '.' || t.s.p[0] == '(');
        if (!chain) {
            return fail_str(p, "unknown class or illegal statement: ",
                            n->kind == AST_IDENT ? n->s : n->src);
        }
    }
    return fail(p, "Unterminated statement!");
}

/* ---- types ---- */

static const char *const type_names[] = {
    "int", "Integer", "long", "Long", "double", "Double", "float", "Float", "short", "Short", "byte", "Byte",
    "char", "Character", "boolean", "Boolean", "String", "CharSequence", "Object", "Number", "Date",
};

static bool
type_name(struct tbe_str s)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (tbe_str_eqz(s, type_names[i])) {
            return true;
        }
    }
    return false;
}

/* class_name = ident { "." ident } ; one leading java.lang. is dropped */
static struct tbe_str
class_name(struct parser *p)
{
    size_t from = p->t.at, end = p->t.end;
    if (p->t.kind != TK_IDENT) {
        fail(p, p->t.kind == TK_EOF ? "unexpected end of statement" : "could not resolve class");
        return TBE_STR("");
    }
    next(p);
    while (is(p, ".")) {
        next(p);
        end = p->t.end;
        if (p->t.kind != TK_IDENT) {
            fail(p, "could not resolve class");
            return TBE_STR("");
        }
        next(p);
    }
    struct tbe_str s = { p->c->text.p + from, end - from };
    if (s.n > 10 && memcmp(s.p, "java.lang.", 10) == 0) {
        s.p += 10;
        s.n -= 10;
    }
    return s;
}

/* ---- primaries ---- */

/* args = "(" [ expr { "," expr } ] ")" */
static void
arguments(struct parser *p, struct ast *call)
{
    struct ast *tail = NULL;
    bool outer = p->literal_item;
    p->literal_item = false;
    next(p);
    while (!is(p, ")") && p->t.kind != TK_ERROR) {
        if (p->t.kind == TK_EOF) {
            fail(p, "unbalanced braces ( ... )");
            break;
        }
        struct ast *a = expr(p);
        ast_append(&call->list, &tail, a);
        if (!accept(p, ",") && !is(p, ")")) {
            if (p->t.kind == TK_EOF || is(p, "{")) {
                fail(p, "unbalanced braces ( ... )");
            } else if (is(p, "->")) {
                fail(p, "Malformed expression");
            } else {
                not_ended(p, a);
            }
        }
    }
    p->literal_item = outer;
    if (p->t.kind != TK_ERROR) {
        next(p);
    }
}

/* Behind a map literal the engine takes a list literal of the same collection for a map: [] is {}. */
static void
as_sibling(struct parser *p, struct ast *v, bool *map_before)
{
    if (v == NULL || (v->flags & AST_F_PAREN)) {
        return;
    }
    if (v->kind == AST_LIST && v->list == NULL && *map_before) {
        ast_warn(p->c, v->line, v->col, "literal", "TBEL makes {} of a [] that follows a map in one literal");
        v->kind = AST_MAP;
    }
    *map_before |= v->kind == AST_MAP;
}

/* item of a map or list; a ternary there is read as `key : value`, the condition is lost (7) */
static struct ast *
literal_item(struct parser *p, struct ast **key)
{
    *key = NULL;
    bool outer = p->literal_item;
    p->literal_item = true;
    struct ast *v = expr(p);
    while (v != NULL && is(p, "?") && p->t.kind != TK_ERROR) {
        ast_warn(p->c, p->t.line, p->t.col, "ternary",
                 "?: directly inside a map or list literal is misread by TBEL; put it in parentheses");
        next(p);
        *key = expr(p);
        if (!expect(p, ":", "unexpected end of statement")) {
            break;
        }
        v = expr(p);
    }
    p->literal_item = outer;
    return v;
}

static struct ast *
prop(struct parser *p, struct ast *key, struct ast *value)
{
    struct ast *n = ast_new(p->c, AST_PROP, key ? key->line : p->t.line, key ? key->col : p->t.col);
    n->a = key;
    n->b = value;
    return n;
}

/* key = ident | string | number | true | false | null */
static bool
map_key_ahead(struct parser *p)
{
    struct tbel_lexer l = p->lex;
    if (p->t.kind != TK_IDENT && p->t.kind != TK_STRING && p->t.kind != TK_NUMBER && p->t.kind != TK_WORD) {
        return false;
    }
    bool failed = p->c->failed;
    uint32_t diags = p->c->n_diags;
    struct tbel_token t = tbel_lex(&l);
    if (!failed) { /* a look ahead reports nothing: the token is read again */
        p->c->failed = false;
        p->c->n_diags = diags;
    }
    return t.kind == TK_PUNCT && tbe_str_eqz(t.s, ":");
}

static struct ast *
map_key(struct parser *p)
{
    tbe_val v = string_value(p->t.s);
    if (p->t.kind == TK_NUMBER && !tbel_number(p->c, p->t.s, p->t.line, p->t.col, &v)) {
        p->t.kind = TK_ERROR;
        return NULL;
    }
    struct ast *k = literal_at(p, &p->t, v);
    next(p);
    return k;
}

static struct ast *
pairs(struct parser *p, struct ast *m, const char *close, const char *msg)
{
    struct ast *tail = NULL, *last = NULL, *over;
    bool map_before = false;
    while (p->t.kind != TK_ERROR && !is(p, close)) {
        struct ast *k = p->t.kind == TK_EOF || !map_key_ahead(p) ? NULL : map_key(p);
        if (k == NULL) {
            return p->t.kind == TK_EOF ? fail(p, msg) : not_ended(p, last);
        }
        next(p); /* the colon */
        struct ast *v = literal_item(p, &over);
        as_sibling(p, v, &map_before);
        ast_append(&m->list, &tail, prop(p, over ? over : k, v));
        last = v;
        if (!accept(p, ",") && !is(p, close)) {
            return p->t.kind == TK_EOF ? fail(p, msg) : not_ended(p, v);
        }
    }
    if (p->t.kind == TK_ERROR) {
        return NULL;
    }
    next(p);
    return m;
}

static struct ast *
items(struct parser *p, struct ast *l, const char *close, const char *msg)
{
    struct ast *tail = NULL, *key;
    bool map_before = false;
    while (p->t.kind != TK_ERROR && !is(p, close)) {
        struct ast *v = p->t.kind == TK_EOF ? NULL : literal_item(p, &key);
        if (v == NULL) {
            return fail(p, msg);
        }
        as_sibling(p, v, &map_before);
        if (key != NULL) { /* the misread ternary makes a map of it */
            l->kind = AST_MAP;
            v = prop(p, key, v);
        }
        ast_append(&l->list, &tail, v);
        if (!accept(p, ",") && !is(p, close)) {
            return p->t.kind == TK_EOF || *close == ']' ? fail(p, msg) : not_ended(p, v);
        }
    }
    if (p->t.kind == TK_ERROR) {
        return NULL;
    }
    next(p);
    return l;
}

/* list = "[" ... "]" ; map = "{" key ":" ... "}" | "[" key ":" ... "]" | "[:]" ; "{" a, b "}" is a list */
static struct ast *
collection(struct parser *p)
{
    bool brace = is(p, "{");
    const char *close = brace ? "}" : "]";
    const char *msg = brace ? "unbalanced braces { ... }" : "unbalanced braces [ ... ]";
    struct ast *n = node(p, AST_LIST);
    next(p);
    if (!brace && is(p, ":")) {
        next(p);
        n->kind = AST_MAP;
        return expect(p, "]", msg) ? n : NULL;
    }
    if ((brace && is(p, "}")) || map_key_ahead(p)) {
        n->kind = AST_MAP;
        return pairs(p, n, close, msg);
    }
    return items(p, n, close, msg);
}

/* func = ( "function" | "def" ) [ ident ] "(" [ ident { "," ident } ] ")" block */
static struct ast *
function(struct parser *p, bool named)
{
    struct ast *f = node(p, AST_FUNC), *tail = NULL;
    size_t from = p->t.at;
    next(p);
    if (named) {
        if (p->t.kind != TK_IDENT) {
            return fail(p, p->t.kind == TK_EOF ? "unexpected end of statement"
                                               : "illegal function name or use of reserved word");
        }
        f->s = p->t.s;
        next(p);
    }
    if (!is(p, "(")) {
        return fail(p, p->t.kind == TK_EOF ? "unexpected end of statement" : "expected '('");
    }
    next(p);
    while (p->t.kind == TK_IDENT) {
        ast_append(&f->list, &tail, ident_at(p, &p->t, p->t.s));
        next(p);
        if (!accept(p, ",") && !is(p, ")")) {
            break;
        }
    }
    if (!expect(p, ")", "unbalanced braces ( ... )")) {
        return NULL;
    }
    if (!is(p, "{")) {
        return fail(p, p->t.kind == TK_EOF ? "unexpected end of statement" : "expected '{'");
    }
    int loops = p->loops;
    p->loops = 0;
    f->d = block(p);
    p->loops = loops;
    f->src = (struct tbe_str){ p->c->text.p + from, p->last_end - from };
    return f;
}

/* new = "new" class ( "(" args ")" | "[" expr "]" | "[" "]" "{" items "}" ) */
static struct ast *
new_expr(struct parser *p)
{
    struct tbel_token at = p->t;
    next(p);
    if (p->t.kind == TK_EOF) {
        return fail(p, "unexpected end of statement");
    }
    struct tbel_token name_at = p->t;
    struct tbe_str name = class_name(p);
    if (p->t.kind == TK_ERROR) {
        return NULL;
    }
    if (accept(p, "[")) {
        struct ast *n = node_at(p, AST_NEW_ARRAY, &at);
        n->s = name;
        if (accept(p, "]")) {
            if (!is(p, "{")) {
                return fail(p, "expected '{'");
            }
            next(p);
            n = items(p, n, "}", "unbalanced braces { ... }");
            for (const struct ast *e = n != NULL && tbe_str_eqz(name, "byte") ? n->list : NULL; e != NULL; e = e->next) {
                if (e->kind == AST_LITERAL && e->v.t == TBE_INT) {
                    return fail(p, "expected type: byte; but found: java.lang.Integer");
                }
            }
            return n;
        }
        n->a = expr(p);
        return expect(p, "]", "unbalanced braces [ ... ]") ? n : NULL;
    }
    struct ast *n = node_at(p, AST_NEW, &at);
    n->a = ident_at(p, &name_at, name);
    if (is(p, "(")) {
        arguments(p, n);
    }
    return n;
}

/* In a fold the element is the receiver of a bare name or call. */
static struct ast *
fold_item(struct parser *p, struct ast *a)
{
    struct ast *id = a != NULL && a->kind == AST_CALL ? a->a : a;
    if (id == NULL || id->kind != AST_IDENT || tbe_str_eqz(id->s, "$")) {
        return a;
    }
    struct ast *dollar = ast_new(p->c, AST_IDENT, id->line, id->col);
    dollar->s = TBE_STR("$");
    struct ast *m = ast_new(p->c, AST_MEMBER, id->line, id->col);
    m->a = dollar;
    m->s = id->s;
    if (a->kind == AST_CALL) {
        a->a = m;
        return a;
    }
    return m;
}

/* paren = "(" expr ")" | fold = "(" expr "in" expr [ "if" expr ] ")" | cast = "(" type ")" operand */
static struct ast *
paren(struct parser *p)
{
    struct tbel_token at = p->t;
    bool outer = p->literal_item;
    next(p);
    if (p->t.kind == TK_IDENT && type_name(p->t.s)) {
        struct tbel_lexer lex = p->lex;
        struct tbel_token type = p->t, t = tbel_lex(&lex);
        if (t.kind == TK_PUNCT && tbe_str_eqz(t.s, ")")) {
            next(p);
            next(p);
            struct ast *n = node_at(p, AST_CAST, &at);
            n->s = type.s;
            bool minus = is(p, "-");
            n->a = operand(p);
            if (minus && n->a != NULL && n->a->kind == AST_LITERAL) { /* `(int) -5.7` is null (5) */
                ast_warn(p->c, at.line, at.col, "cast", "TBEL reads a cast of a negative number as null; put the number "
                         "in parentheses");
                n->kind = AST_LITERAL;
                n->v = TBE_NULL_VAL;
                n->a = NULL;
            }
            return n;
        }
    }
    p->literal_item = false;
    struct ast *e = expr(p);
    if (e != NULL && is(p, "in")) {
        struct ast *f = node_at(p, AST_FOLD, &at);
        next(p);
        f->a = fold_item(p, e);
        f->b = expr(p);
        f->c = accept(p, "if") ? expr(p) : NULL;
        e = f;
    }
    p->literal_item = outer;
    if (p->t.kind == TK_EOF) {
        return fail(p, "unbalanced braces in expression: (1):");
    }
    if (!is(p, ")")) {
        return not_ended(p, e);
    }
    next(p);
    if (e != NULL) {
        e->flags |= AST_F_PAREN;
    }
    return e;
}

static struct ast *
number(struct parser *p, struct tbe_str s, struct tbel_token at)
{
    tbe_val v;
    if (!tbel_number(p->c, s, at.line, at.col, &v)) {
        p->t.kind = TK_ERROR;
        return NULL;
    }
    struct ast *n = literal_at(p, &at, v);
    n->src = s;
    next(p);
    return n;
}

static struct ast *
word(struct parser *p)
{
    struct tbel_token at = p->t;
    if (is(p, "true") || is(p, "false")) {
        bool b = is(p, "true");
        next(p);
        struct ast *n = literal_at(p, &at, tbe_bool(b));
        n->src = at.s;
        return n;
    }
    if (accept(p, "null") || accept(p, "nil")) {
        struct ast *n = literal_at(p, &at, TBE_NULL_VAL);
        n->src = at.s;
        return n;
    }
    if (accept(p, "empty")) {
        return node_at(p, AST_EMPTY, &at);
    }
    if (is(p, "new")) {
        return new_expr(p);
    }
    if (is(p, "function") || is(p, "def")) {
        struct tbel_lexer l = p->lex;
        return function(p, tbel_lex(&l).kind == TK_IDENT);
    }
    if (accept(p, "isdef")) {
        struct ast *n = node_at(p, AST_ISDEF, &at);
        n->a = operand(p);
        return n;
    }
    return fail_str(p, "illegal use of reserved word: ", p->t.s);
}

/* primary = literal | ident | list | map | "(" expr ")" | new | function */
static struct ast *
primary(struct parser *p)
{
    struct tbel_token at = p->t;
    struct ast *n;
    switch (p->t.kind) {
    case TK_NUMBER:
        return number(p, p->t.s, at);
    case TK_STRING:
        n = literal_at(p, &at, string_value(p->t.s));
        n->src = (struct tbe_str){ p->c->text.p + at.at, at.end - at.at };
        next(p);
        return n;
    case TK_IDENT:
        n = ident_at(p, &at, p->t.s);
        n->src = p->t.s;
        next(p);
        return n;
    case TK_WORD:
        return word(p);
    case TK_ERROR:
        return NULL;
    case TK_EOF:
        return fail(p, "Invalid expression");
    default:
        break;
    }
    if (is(p, "[") || is(p, "{")) {
        return collection(p);
    }
    if (is(p, "(")) {
        return paren(p);
    }
    if (accept(p, "@")) {
        return fail_str(p, "reference to undefined interceptor: ", p->t.s);
    }
    if (is(p, ".") || is(p, ".?")) {
        size_t i = p->t.at + 1;
        struct tbe_str ch = { p->c->text.p + i, i < p->c->text.n ? 1 : 0 };
        if (!p->c->failed) {
            ast_error(p->c, at.line, at.col, "syntax", "unexpected character ('%.*s'); was expecting: {",
                      (int)ch.n, ch.p);
        }
        return fail(p, "");
    }
    if (is(p, "=") || is(p, "!==")) {
        return fail(p, "Invalid operator: =");
    }
    if (is(p, "&&") || is(p, "||")) {
        return fail_str(p, "illegal use of operator: ", p->t.s);
    }
    return fail(p, is(p, ")") ? "statement expected" : "Unterminated statement!");
}

/* java.lang.Math and the java.util classes with known statics become one name. */
static struct ast *
join_class(struct parser *p, struct ast *n)
{
    static const char *const util[] = { "Collections", "Objects", "Base64", "Arrays", "UUID" };
    static const char *const lang[] = { "Math", "StrictMath", "String", "Integer", "Long", "Double", "Float",
                                        "Short", "Byte", "Character", "Boolean" };
    const struct ast *pkg = n->a;
    if (pkg->kind != AST_MEMBER || pkg->a->kind != AST_IDENT || !tbe_str_eqz(pkg->a->s, "java")) {
        return n;
    }
    bool u = tbe_str_eqz(pkg->s, "util"), l = tbe_str_eqz(pkg->s, "lang");
    const char *const *names = u ? util : lang;
    size_t k = u ? sizeof(util) / sizeof(util[0]) : l ? sizeof(lang) / sizeof(lang[0]) : 0;
    for (size_t i = 0; i < k; i++) {
        if (tbe_str_eqz(n->s, names[i])) {
            struct ast *id = ast_new(p->c, AST_IDENT, n->line, n->col);
            id->s = u ? tbe_arena_fmt(p->c->a, "java.util.%s", names[i]) : tbe_strz(names[i]);
            return id;
        }
    }
    return n;
}

/* with_body = "{" { ident "=" expr [","] } "}" */
static void
with_body(struct parser *p, struct ast *w)
{
    struct ast *tail = NULL;
    while (p->t.kind == TK_IDENT) {
        struct ast *as = node(p, AST_ASSIGN);
        as->a = ident_at(p, &p->t, p->t.s);
        next(p);
        if (!expect(p, "=", "expected '='")) {
            return;
        }
        as->b = expr(p);
        ast_append(&w->list, &tail, as);
        if (!accept(p, ",")) {
            accept(p, ";");
        }
    }
    expect(p, "}", "unbalanced braces { ... }");
}

/* steps = { "." name | ".?" name | "[" expr "]" | "(" args ")" | ".{" with "}" } */
static struct ast *
postfix(struct parser *p)
{
    size_t from = p->t.at;
    struct ast *n = primary(p);
    bool safe = false;
    for (int i = 0; n != NULL && p->t.kind == TK_PUNCT; i++) {
        struct tbel_token at = p->t;
        if (i > MAX_CHAIN) {
            return fail(p, "chain of properties is too long");
        }
        if (is(p, ".") || is(p, ".?")) {
            struct ast *m = node(p, AST_MEMBER);
            m->flags = is(p, ".?") ? AST_F_NULLSAFE : 0;
            safe |= is(p, ".?");
            next(p);
            if (p->t.kind != TK_IDENT && p->t.kind != TK_WORD) {
                return fail(p, "unexpected end of statement");
            }
            m->a = n;
            m->s = p->t.s;
            m->line = p->t.line;
            m->col = p->t.col;
            next(p);
            n = join_class(p, m);
        } else if (is(p, "[")) {
            bool outer = p->literal_item;
            struct ast *m = node(p, AST_INDEX);
            next(p);
            m->a = n;
            p->literal_item = false;
            m->b = expr(p);
            p->literal_item = outer;
            if (!expect(p, "]", "unbalanced braces [ ... ]")) {
                return NULL;
            }
            n = m;
        } else if (is(p, "(") && (n->kind == AST_IDENT || n->kind == AST_MEMBER || n->kind == AST_INDEX ||
                                  n->kind == AST_CALL) && !(n->flags & AST_F_PAREN)) {
            struct ast *m = ast_new(p->c, AST_CALL, n->line, n->col);
            m->a = n;
            arguments(p, m);
            n = m;
        } else if (is(p, ".{")) {
            struct ast *m = node_at(p, AST_WITH, &at);
            next(p);
            m->a = n;
            with_body(p, m);
            n = m;
        } else if (is(p, "(") && (n->flags & AST_F_PAREN)) { /* `(a) (b)` is (a): an operand without operator is skipped */
            ast_warn(p->c, at.line, at.col, "ignored", "TBEL ignores this: there is no operator in front of it");
            if (paren(p) == NULL) {
                return NULL;
            }
            continue;
        } else {
            break;
        }
        n->src = (struct tbe_str){ p->c->text.p + from, p->last_end - from };
    }
    if (safe && n != NULL) {
        struct ast *ch = ast_new(p->c, AST_CHAIN, n->line, n->col);
        ch->a = n;
        n = ch;
    }
    return n;
}

/* ---- operators ---- */

static const struct {
    const char *s;
    uint8_t op, prec;
} binary[] = {
    { "#", OP_CONCAT, 13 }, { "~=", OP_MATCH, 13 }, { "contains", OP_CONTAINS, 13 },
    { "soundslike", OP_SOUNDSLIKE, 13 }, { "strsim", OP_STRSIM, 13 }, { "convertable_to", OP_CONVERTABLE, 13 },
    { "**", OP_POW, 12 }, { "*", OP_MUL, 11 }, { "/", OP_DIV, 11 }, { "%", OP_REM, 11 }, { "+", OP_ADD, 10 },
    { "-", OP_SUB, 10 }, { "<<", OP_SHL, 9 }, { ">>", OP_SHR, 9 }, { ">>>", OP_USHR, 9 },
    { "<<<", OP_SHL_ABS, 9 }, { "<", OP_LT, 8 }, { ">", OP_GT, 8 }, { "<=", OP_LE, 8 }, { ">=", OP_GE, 8 },
    { "instanceof", OP_INSTANCEOF, 8 }, { "is", OP_INSTANCEOF, 8 }, { "==", OP_EQ, 7 }, { "===", OP_EQ, 7 },
    { "!=", OP_NE, 7 }, { "&", OP_BAND, 6 }, { "^", OP_BXOR, 5 }, { "|", OP_BOR, 4 }, { "&&", OP_AND, 3 },
    { "and", OP_AND, 3 }, { "||", OP_OR, 2 }, { "or", OP_OR_EMPTY, 2 },
};

static int
binary_at(const struct parser *p)
{
    if (p->t.kind != TK_PUNCT && p->t.kind != TK_WORD) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
        if (tbe_str_eqz(p->t.s, binary[i].s)) {
            return (int)i;
        }
    }
    return -1;
}

static struct ast *
unary(struct parser *p, enum ast_op op)
{
    struct ast *n = node(p, AST_UNARY);
    n->op = (uint8_t)op;
    next(p);
    n->a = operand(p);
    return n;
}

/* operand = ( "!" | "-" | "~" | "++" | "--" ) operand | postfix [ "++" | "--" ] */
static struct ast *
operand(struct parser *p)
{
    struct ast *n = NULL;
    if (!enter(p)) {
        return leave(p, NULL);
    }
    if (is(p, "-")) {
        struct tbel_token at = p->t;
        struct tbel_lexer l = p->lex;
        struct tbel_token t = tbel_lex(&l);
        if (t.kind == TK_NUMBER && t.at == at.end) { /* the sign belongs to the literal */
            next(p);
            n = number(p, (struct tbe_str){ p->c->text.p + at.at, t.end - at.at }, at);
        } else {
            n = unary(p, OP_NEG);
        }
    } else if (is(p, "!")) {
        n = unary(p, OP_NOT);
    } else if (is(p, "~")) {
        n = unary(p, OP_BNOT);
    } else if (is(p, "++") || is(p, "--")) {
        n = node(p, AST_UPDATE);
        n->op = is(p, "++") ? OP_ADD : OP_SUB;
        n->flags = AST_F_PREFIX;
        next(p);
        n->a = postfix(p);
    } else {
        n = postfix(p);
        if (n != NULL && (is(p, "++") || is(p, "--"))) {
            struct ast *u = node(p, AST_UPDATE);
            u->op = is(p, "++") ? OP_ADD : OP_SUB;
            u->a = n;
            next(p);
            n = u;
        }
    }
    if (n != NULL && n->kind == AST_UPDATE && n->a != NULL) {
        enum ast_kind k = n->a->kind;
        if (k != AST_IDENT && k != AST_MEMBER && k != AST_INDEX) {
            return leave(p, fail_str(p, "expected end of statement but encountered: ", p->t.s));
        }
    }
    return leave(p, n);
}

static bool
simple(const struct ast *n) /* a number or string */
{
    return n->kind == AST_LITERAL && ((n->v.t >= TBE_INT && n->v.t <= TBE_BIGINT) || n->v.t == TBE_STR_T);
}

static tbe_val
literal_value(struct tbe_x *x, int op, tbe_val a, tbe_val b)
{
    static tbe_val (*const fn[])(struct tbe_x *, tbe_val, tbe_val) = {
        [OP_ADD] = tbe_t_add, [OP_SUB] = tbe_t_sub, [OP_MUL] = tbe_t_mul, [OP_DIV] = tbe_t_div,
        [OP_REM] = tbe_t_rem, [OP_POW] = tbe_t_pow, [OP_BAND] = tbe_t_band, [OP_BOR] = tbe_t_bor,
        [OP_BXOR] = tbe_t_bxor, [OP_SHL] = tbe_t_shl, [OP_SHR] = tbe_t_shr, [OP_USHR] = tbe_t_ushr,
    };
    if (op >= OP_ADD && op <= OP_USHR) {
        return fn[op](x, a, b);
    }
    switch (op) {
    case OP_LT:
        return tbe_bool(tbe_t_lt(x, a, b));
    case OP_LE:
        return tbe_bool(tbe_t_le(x, a, b));
    case OP_GT:
        return tbe_bool(tbe_t_gt(x, a, b));
    case OP_GE:
        return tbe_bool(tbe_t_ge(x, a, b));
    case OP_MATCH:
        return tbe_bool(tbe_t_match(x, a, b));
    default: /* NaN == NaN is null: an accident of the engine (6) */
        return a.t == TBE_DOUBLE && b.t == TBE_DOUBLE && isnan(a.u.d) && isnan(b.u.d) ? TBE_NULL_VAL :
            tbe_bool(tbe_t_eq(x, a, b) == (op == OP_EQ));
    }
}

/* false: it throws *out. Not inline: the caller's variables must not share a frame with setjmp. */
static bool __attribute__((noinline))
try_value(struct tbe_arena *arena, int op, tbe_val a, tbe_val b, tbe_val *out)
{
    struct tbe_catch c = { .up = NULL };
    struct tbe_x x = { .a = arena, .catch_ = &c, .fuel = 1000 };
    if (setjmp(c.env) != 0) {
        *out = x.thrown;
        return false;
    }
    *out = literal_value(&x, op, a, b);
    return true;
}

/* Comparisons of literals, and regular expressions that are literals, fail now if they fail. */
static struct ast *
fold_test(struct parser *p, struct ast *n)
{
    bool match = n->op == OP_MATCH && n->b->v.t == TBE_STR_T, bits = n->op >= OP_BAND && n->op <= OP_USHR;
    if (!match && !(simple(n->a) && simple(n->b))) {
        return n;
    }
    if (bits && (n->a->v.t != TBE_INT || n->b->v.t != TBE_INT)) {
        return n;
    }
    tbe_val v;
    if (!try_value(p->c->a, n->op, match ? tbe_strv(TBE_STR("")) : n->a->v, n->b->v, &v)) {
        return fail_str(p, "", v.t == TBE_STR_T ? tbe_val_str(v) : TBE_STR("uncomparable values"));
    }
    if (match) {
        return n;
    }
    struct ast *r = ast_new(p->c, AST_LITERAL, n->a->line, n->a->col);
    r->v = v;
    r->src = n->a->src;
    return r;
}

/* Arithmetic of two number literals is done here, by the run time's rules for classes (5), because the
 * static types of such operands must not count (4.1). Errors surface now, as in the engine. */
static struct ast *
fold(struct parser *p, struct ast *n)
{
    const struct ast *a = n->a, *b = n->b;
    if (n->kind != AST_BINARY || b->kind != AST_LITERAL) {
        return n;
    }
    if ((n->op >= OP_EQ && n->op <= OP_GE) || n->op == OP_MATCH || (n->op >= OP_BAND && n->op <= OP_USHR)) {
        return fold_test(p, n);
    }
    if (n->op > OP_POW || a->kind != AST_LITERAL || b->kind != AST_LITERAL ||
        a->v.t < TBE_INT || a->v.t > TBE_BIGINT || b->v.t < TBE_INT || b->v.t > TBE_BIGINT) {
        return n;
    }
    tbe_val v;
    if (!try_value(p->c->a, n->op, a->v, b->v, &v)) {
        return fail_str(p, "arithmetic error: ", v.t == TBE_STR_T ? tbe_val_str(v) : TBE_STR("/ by zero"));
    }
    if (v.t < TBE_INT || v.t > TBE_BIGINT) {
        return n;
    }
    struct ast *r = ast_new(p->c, AST_LITERAL, a->line, a->col);
    r->v = v;
    r->src = a->src;
    return r;
}

/* A class on the right side of instanceof, is and convertable_to; null for anything else. */
static struct ast *
class_operand(struct parser *p)
{
    struct tbel_token at = p->t;
    if (p->t.kind != TK_IDENT) {
        return fail(p, "could not resolve class");
    }
    struct tbe_str name = class_name(p);
    return ident_at(p, &at, name);
}

/* The engine folds these before it looks at what follows: `2 > 1 + 1` is (2 > 1) + 1, `1 << 2 + 1` is 5 (3). */
static bool
hasty(const struct parser *p, int op, const struct ast *a, const struct ast *b)
{
    bool bits = op >= OP_BAND && op <= OP_USHR, relation = op >= OP_LT && op <= OP_GE;
    return a->kind == AST_LITERAL && a->v.t == TBE_INT && !(a->flags & AST_F_PAREN) && b != NULL &&
        b->kind == AST_LITERAL && b->v.t == TBE_INT && !(b->flags & AST_F_PAREN) && (bits || relation) &&
        (is(p, "+") || (bits && (is(p, "&") || is(p, "|") || is(p, "^"))));
}

/* binary = operand { op binary }, by precedence, left associative; a: the first operand, read already */
static struct ast *
binary_rest(struct parser *p, struct ast *a, int min)
{
    if (!enter(p)) {
        return leave(p, NULL);
    }
    for (int i, chain = 0; a != NULL && (i = binary_at(p)) >= 0 && binary[i].prec >= min; chain++) {
        uint8_t op = binary[i].op;
        if (chain > MAX_CHAIN) {
            return leave(p, fail(p, "chain of operators is too long"));
        }
        struct ast *n = node(p, op == OP_AND || op == OP_OR || op == OP_OR_EMPTY ? AST_LOGICAL : AST_BINARY);
        n->op = op;
        n->a = a;
        next(p);
        if (op == OP_INSTANCEOF || op == OP_CONVERTABLE) {
            n->b = class_operand(p);
        } else {
            n->b = operand(p);
            if (n->b != NULL && !hasty(p, op, a, n->b)) {
                n->b = binary_rest(p, n->b, binary[i].prec + 1);
            }
        }
        a = n->b != NULL ? fold(p, n) : NULL;
    }
    return leave(p, a);
}

static struct ast *
binary_expr(struct parser *p, int min)
{
    struct ast *a = operand(p);
    return a != NULL ? binary_rest(p, a, min) : NULL;
}

/* ternary = or [ "?" expr ":" expr ] ; a missing branch at the end is null */
static struct ast *
ternary(struct parser *p)
{
    struct ast *a = binary_expr(p, 2);
    if (a == NULL || !is(p, "?") || p->literal_item) {
        return a;
    }
    struct ast *n = node(p, AST_COND);
    n->a = a;
    next(p);
    n->b = is(p, ":") ? literal_at(p, &p->t, TBE_NULL_VAL) : expr(p);
    if (accept(p, ":") && p->t.kind != TK_EOF) {
        n->c = expr(p);
    } else if (p->t.kind == TK_EOF) {
        n->c = literal_at(p, &p->t, TBE_NULL_VAL);
    } else {
        return not_ended(p, n);
    }
    return n;
}

static const struct {
    const char *s;
    uint8_t op;
} assigns[] = {
    { "=", OP_NONE }, { "+=", OP_ADD }, { "-=", OP_SUB }, { "*=", OP_MUL }, { "/=", OP_DIV }, { "%=", OP_REM },
    { "&=", OP_BAND }, { "|=", OP_BOR }, { "^=", OP_BXOR }, { "<<=", OP_SHL }, { ">>=", OP_SHR },
    { ">>>=", OP_USHR },
};

/* expr = ternary | lvalue assign-op expr */
static struct ast *
expr(struct parser *p)
{
    if (!enter(p)) {
        return leave(p, NULL);
    }
    struct ast *a = ternary(p);
    for (size_t i = 0; a != NULL && p->t.kind == TK_PUNCT && i < sizeof(assigns) / sizeof(assigns[0]); i++) {
        if (!tbe_str_eqz(p->t.s, assigns[i].s)) {
            continue;
        }
        if (a->kind != AST_IDENT && a->kind != AST_MEMBER && a->kind != AST_INDEX) {
            return leave(p, fail_str(p, "not an identifier: ", a->src));
        }
        struct ast *n = node(p, AST_ASSIGN);
        n->op = assigns[i].op;
        n->a = a;
        next(p);
        if (p->t.kind == TK_EOF) {
            return leave(p, fail(p, "unexpected end of statement"));
        }
        n->b = expr(p);
        return leave(p, n);
    }
    return leave(p, a);
}

/* ---- statements ---- */

/* After an expression statement: ";", a closing brace, the end, or for a brace-less body the line's end. */
static void
end_statement(struct parser *p, const struct ast *n, bool line_ends)
{
    if (accept(p, ";") || p->t.kind == TK_EOF || p->t.kind == TK_ERROR) {
        return;
    }
    if ((is(p, "}") && p->depth > 1) || (line_ends && p->t.newline) || is(p, "else")) {
        return;
    }
    if (n != NULL && n->kind == AST_UPDATE) {
        fail_str(p, "expected end of statement but encountered: ", p->t.s);
        return;
    }
    not_ended(p, n);
}

/* block = "{" { statement } "}" */
static struct ast *
block(struct parser *p)
{
    struct ast *b = node(p, AST_BLOCK), *tail = NULL;
    if (!enter(p)) {
        return leave(p, NULL);
    }
    next(p);
    while (!is(p, "}") && p->t.kind != TK_ERROR) {
        if (p->t.kind == TK_EOF) {
            return leave(p, fail(p, "unbalanced braces { ... }"));
        }
        ast_append(&b->list, &tail, statement(p, false));
    }
    if (p->t.kind != TK_ERROR) {
        next(p);
    }
    return leave(p, b);
}

/* body = block | statement */
static struct ast *
body(struct parser *p)
{
    if (is(p, "{")) {
        return block(p);
    }
    if (p->t.kind == TK_EOF) {
        return fail(p, "unexpected end of statement");
    }
    struct ast *b = node(p, AST_BLOCK), *tail = NULL;
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
        return fail(p, "unexpected end of statement");
    }
    if (!is(p, "(")) {
        return fail_str(p, "expected '(' but encountered: ", got);
    }
    next(p);
    if (is(p, ")")) {
        return fail(p, "statement expected");
    }
    if (p->t.kind == TK_EOF) {
        return fail(p, "unbalanced braces ( ... )");
    }
    struct ast *e = expr(p);
    if (is(p, ")")) {
        next(p);
        return e;
    }
    return p->t.kind == TK_EOF || is(p, "{") ? fail(p, "unbalanced braces ( ... )") : not_ended(p, e);
}

/* ifStmt = "if" "(" expr ")" body { "else" "if" ... } [ "else" body ] */
static struct ast *
if_stmt(struct parser *p)
{
    struct ast *n = node(p, AST_IF);
    if (!enter(p)) {
        return leave(p, NULL);
    }
    next(p);
    n->a = condition(p);
    if (p->t.kind != TK_ERROR) {
        n->b = body(p);
    }
    if (accept(p, "else")) {
        n->c = is(p, "if") ? if_stmt(p) : body(p);
    }
    return leave(p, n);
}

static struct ast *
decl(struct parser *p, struct tbe_str type)
{
    struct ast *d = node(p, AST_DECL);
    if (p->t.kind != TK_IDENT) {
        struct tbel_lexer l = p->lex;
        struct tbel_token t = tbel_lex(&l);
        if (is(p, "if") || is(p, "while") || is(p, "for") || is(p, "switch")) {
            return fail_str(p, "expected '(' but encountered: ", t.s);
        }
        return p->t.kind == TK_EOF ? fail(p, "unexpected end of statement")
                                   : fail_str(p, p->t.kind == TK_WORD ? "illegal use of reserved word: "
                                                                      : "not an identifier: ", p->t.s);
    }
    d->a = ident_at(p, &p->t, p->t.s);
    d->s = type;
    next(p);
    if (accept(p, "=")) {
        if (p->t.kind == TK_EOF || is(p, ";")) {
            return fail(p, "unexpected end of statement");
        }
        d->b = expr(p);
    }
    return d;
}

/* varDecl = "var" ident [ "=" expr ] | "var" ident { "," ident } | type [ "[]" ] ident [ "=" expr ] */
static struct ast *
var_decl(struct parser *p, struct tbe_str type)
{
    struct ast *n = node(p, AST_VAR), *tail = NULL, *d;
    n->op = AST_DECL_VAR;
    next(p);
    if (type.n > 0 && is(p, "[")) {
        next(p);
        expect(p, "]", "unbalanced braces [ ... ]");
        type = TBE_STR("");
    }
    do {
        d = decl(p, type);
        ast_append(&n->list, &tail, d);
    } while (d != NULL && d->b == NULL && accept(p, ","));
    return d != NULL ? n : NULL;
}

/* A typed declaration starts here: a type name, maybe [], and a name. */
static bool
typed_decl_ahead(struct parser *p)
{
    struct tbel_lexer l = p->lex;
    if (p->t.kind != TK_IDENT || !type_name(p->t.s)) {
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
    n->a = ident_at(p, &p->t, p->t.s);
    n->s = p->t.s;
    next(p);
    next(p); /* the colon */
    n->b = expr(p);
    if (!is(p, ")")) {
        return p->t.kind == TK_EOF ? fail(p, "unbalanced braces ( ... )") : not_ended(p, n->b);
    }
    next(p);
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
    struct ast *n = node(p, AST_FOR);
    struct tbe_str type = TBE_STR_NONE;
    next(p);
    if (p->t.kind == TK_EOF) {
        return fail(p, "unexpected end of statement");
    }
    if (!expect(p, "(", "expected '('")) {
        return NULL;
    }
    if (foreach_ahead(p)) {
        return foreach_rest(p, n, type);
    }
    if (is(p, "var") || typed_decl_ahead(p)) {
        struct parser save = *p;
        type = is(p, "var") ? TBE_STR_NONE : p->t.s;
        next(p);
        if (foreach_ahead(p)) {
            return foreach_rest(p, n, type);
        }
        uint32_t diags = p->c->n_diags;
        *p = save;
        p->c->n_diags = diags;
        n->a = var_decl(p, type);
    } else if (!is(p, ";")) {
        n->a = expr(p);
    }
    if (!is(p, ";")) {
        return p->t.kind == TK_EOF ? fail(p, "unbalanced braces ( ... )")
                                   : fail(p, "not a statement, or badly formed structure");
    }
    next(p);
    n->b = is(p, ";") ? NULL : expr(p);
    if (!expect(p, ";", "not a statement, or badly formed structure")) {
        return NULL;
    }
    n->c = is(p, ")") ? NULL : expr(p);
    if (!expect(p, ")", "unbalanced braces ( ... )")) {
        return NULL;
    }
    n->d = loop_body(p);
    return n;
}

static struct ast *
while_stmt(struct parser *p)
{
    struct ast *n = node(p, AST_WHILE);
    n->flags = is(p, "until") ? AST_F_UNTIL : 0;
    next(p);
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
    struct ast *n = node(p, AST_DO);
    next(p);
    n->d = loop_body(p);
    if (!is(p, "while") && !is(p, "until")) {
        return fail(p, "expected 'while' or 'until'");
    }
    n->flags = is(p, "until") ? AST_F_UNTIL : 0;
    next(p);
    n->a = condition(p);
    accept(p, ";");
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
    struct ast *n = node(p, AST_SWITCH), *tail = NULL, *last = NULL;
    next(p);
    n->a = condition(p);
    if (p->t.kind == TK_ERROR || !expect(p, "{", "expected '{'")) {
        return NULL;
    }
    p->loops++;
    while (is(p, "case") || is(p, "default")) {
        struct ast *c = node(p, AST_CASE), *ctail = NULL;
        bool dflt = is(p, "default");
        if (last != NULL && last->list != NULL && !ends_case(last->list)) {
            const struct ast *s = last->list;
            while (s->next != NULL) {
                s = s->next;
            }
            if (!ends_case(s)) {
                return fail(p, dflt ? "default without switch" : "case without switch");
            }
        }
        next(p);
        c->a = dflt ? NULL : binary_expr(p, 2);
        if (!expect(p, ":", "unexpected end of statement")) {
            return NULL;
        }
        while (!is(p, "case") && !is(p, "default") && !is(p, "}") && p->t.kind != TK_ERROR) {
            if (p->t.kind == TK_EOF) {
                return fail(p, "unbalanced braces { ... }");
            }
            ast_append(&c->list, &ctail, is(p, "{") ? block(p) : statement(p, false));
        }
        ast_append(&n->list, &tail, c);
        last = c;
    }
    p->loops--;
    return expect(p, "}", "unbalanced braces { ... }") ? n : NULL;
}

/* `return typeof x == "a"` is read as `return typeof`, an unknown name: it compiles, and fails when it runs. */
static void
lone_typeof(struct parser *p, const struct ast *e)
{
    if (e == NULL || e->kind != AST_IDENT || !tbe_str_eqz(e->s, "typeof") || p->t.kind != TK_IDENT) {
        return;
    }
    ast_warn(p->c, e->line, e->col, "typeof", "TBEL has no typeof");
    while (p->t.kind != TK_EOF && p->t.kind != TK_ERROR && !is(p, ";") && !is(p, "}")) {
        next(p);
    }
}

/* returnStmt = "return" [ expr ] */
static struct ast *
return_stmt(struct parser *p, bool line_ends)
{
    struct ast *n = node(p, AST_RETURN);
    while (accept(p, "return")) {
        continue;
    }
    if (!is(p, ";") && !is(p, "}") && p->t.kind != TK_EOF) {
        n->a = expr(p);
        lone_typeof(p, n->a);
    }
    end_statement(p, n->a, line_ends);
    return n;
}

static struct ast *
func_decl(struct parser *p)
{
    struct ast *n = node(p, AST_FUNC_DECL);
    n->a = function(p, true);
    return n;
}

static struct ast *
with_stmt(struct parser *p)
{
    struct ast *n = node(p, AST_EXPR), *w = node(p, AST_WITH);
    next(p);
    w->a = condition(p);
    if (p->t.kind != TK_ERROR && expect(p, "{", "expected '{'")) {
        with_body(p, w);
    }
    n->a = w;
    return n;
}

static struct ast *
break_stmt(struct parser *p, bool line_ends)
{
    struct ast *n = node(p, p->loops > 0 ? AST_BREAK : AST_RETURN); /* outside of loops the script ends */
    next(p);
    end_statement(p, NULL, line_ends);
    return n;
}

static struct ast *
expr_stmt(struct parser *p, bool line_ends)
{
    struct ast *n;
    if (is(p, "var") || typed_decl_ahead(p)) {
        n = var_decl(p, is(p, "var") ? TBE_STR_NONE : p->t.s);
        const struct ast *d = n != NULL ? n->list : NULL;
        while (d != NULL && d->next != NULL) {
            d = d->next;
        }
        end_statement(p, d != NULL && !is(p, ",") ? d->b : NULL, line_ends);
        return n;
    }
    if (is(p, "assert")) {
        n = node(p, AST_ASSERT);
        next(p);
        n->a = expr(p);
        end_statement(p, n->a, line_ends);
        return n;
    }
    n = node(p, AST_EXPR);
    n->a = expr(p);
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
        { "until", while_stmt }, { "do", do_stmt }, { "switch", switch_stmt }, { "function", func_decl },
        { "def", func_decl }, { "with", with_stmt },
    };
    struct ast *n = NULL;
    if (!enter(p)) {
        return leave(p, NULL);
    }
    if (is(p, ";")) {
        n = node(p, AST_NOP);
        next(p);
        return leave(p, n);
    }
    for (size_t i = 0; p->t.kind == TK_WORD && i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (tbe_str_eqz(p->t.s, rules[i].word)) {
            n = rules[i].fn(p);
            if (is(p, ";")) { /* allowed after a block */
                next(p);
            }
            return leave(p, n);
        }
    }
    if (is(p, "return")) {
        n = return_stmt(p, line_ends);
    } else if (is(p, "break")) {
        n = break_stmt(p, line_ends);
    } else if (is(p, "import") || is(p, "import_static")) {
        n = fail(p, "Import is forbidden!");
    } else if (is(p, "else")) {
        n = fail(p, "else without if");
    } else if (is(p, "case") || is(p, "default")) {
        n = fail(p, is(p, "case") ? "case without switch" : "default without switch");
    } else if (is(p, "#")) {
        next(p);
        n = fail_str(p, "unknown class or illegal statement: ", p->t.s);
    } else if (is(p, "}") || is(p, "]")) {
        n = fail(p, "unbalanced braces");
    } else {
        n = expr_stmt(p, line_ends);
    }
    return leave(p, n);
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
    next(&p);
    struct ast *b = ast_new(c, AST_BLOCK, 1, 1), *tail = NULL;
    while (p.t.kind != TK_EOF && p.t.kind != TK_ERROR) {
        ast_append(&b->list, &tail, statement(&p, false));
    }
    if (p.t.kind == TK_ERROR && !c->failed) {
        ast_error(c, p.t.line, p.t.col, "syntax", "Unterminated statement!");
    }
    return c->failed ? NULL : b;
}
