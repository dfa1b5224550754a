/* SPDX-License-Identifier: Apache-2.0 */
/* Primaries of TBEL: names, literals, lists and maps, functions, calls and properties. */
#include "config.h"
#include "script/tbel_room.h"

#include <string.h>

/* ---- types ---- */

static const char *const type_names[] = {
    "int", "Integer", "long", "Long", "double", "Double", "float", "Float", "short", "Short",
    "byte", "Byte",
    "char", "Character", "boolean", "Boolean", "String", "CharSequence", "Object", "Number", "Date",
};

bool
tp_type_name(struct tbe_str s)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (tbe_str_eqz(s, type_names[i])) {
            return true;
        }
    }
    return false;
}

/* class_name = ident { "." ident } ; one leading java.lang. is dropped */
struct tbe_str
tp_class_name(struct parser *p)
{
    size_t from = p->t.at, end = p->t.end;
    if (p->t.kind != TK_IDENT) {
        tp_fail(p, p->t.kind == TK_EOF ? "unexpected end of statement" : "could not resolve class");
        return TBE_STR("");
    }
    tp_next(p);
    while (tp_is(p, ".")) {
        tp_next(p);
        end = p->t.end;
        if (p->t.kind != TK_IDENT) {
            tp_fail(p, "could not resolve class");
            return TBE_STR("");
        }
        tp_next(p);
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
    tp_next(p);
    while (!tp_is(p, ")") && p->t.kind != TK_ERROR) {
        if (p->t.kind == TK_EOF) {
            tp_fail(p, "unbalanced braces ( ... )");
            break;
        }
        struct ast *a = tp_expr(p);
        ast_append(&call->list, &tail, a);
        if (!tp_accept(p, ",") && !tp_is(p, ")")) {
            if (p->t.kind == TK_EOF || tp_is(p, "{")) {
                tp_fail(p, "unbalanced braces ( ... )");
            } else if (tp_is(p, "->")) {
                tp_fail(p, "Malformed expression");
            } else {
                tp_not_ended(p, a);
            }
        }
    }
    p->literal_item = outer;
    if (p->t.kind != TK_ERROR) {
        tp_next(p);
    }
}

/* Behind a map literal the engine takes a list literal of the same collection for a map: [] is
 * {}. */
static void
as_sibling(struct parser *p, struct ast *v, bool *map_before)
{
    if (v == NULL || (v->flags & AST_F_PAREN)) {
        return;
    }
    if (v->kind == AST_LIST && v->list == NULL && *map_before) {
        ast_warn(p->c, v->line, v->col, "literal",
            "TBEL makes {} of a [] that follows a map in one literal");
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
    struct ast *v = tp_expr(p);
    while (v != NULL && tp_is(p, "?") && p->t.kind != TK_ERROR) {
        ast_warn(p->c, p->t.line, p->t.col, "ternary",
                 "?: directly inside a map or list literal is misread by TBEL; put it in parentheses");
        tp_next(p);
        *key = tp_expr(p);
        if (!tp_expect(p, ":", "unexpected end of statement")) {
            break;
        }
        v = tp_expr(p);
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
    if (p->t.kind != TK_IDENT && p->t.kind != TK_STRING && p->t.kind != TK_NUMBER &&
        p->t.kind != TK_WORD) {
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
    tbe_val v = tp_string_value(p->t.s);
    if (p->t.kind == TK_NUMBER && !tbel_number(p->c, p->t.s, p->t.line, p->t.col, &v)) {
        p->t.kind = TK_ERROR;
        return NULL;
    }
    struct ast *k = tp_literal_at(p, &p->t, v);
    tp_next(p);
    return k;
}

static struct ast *
pairs(struct parser *p, struct ast *m, const char *close, const char *msg)
{
    struct ast *tail = NULL, *last = NULL, *over;
    bool map_before = false;
    while (p->t.kind != TK_ERROR && !tp_is(p, close)) {
        struct ast *k = p->t.kind == TK_EOF || !map_key_ahead(p) ? NULL : map_key(p);
        if (k == NULL) {
            return p->t.kind == TK_EOF ? tp_fail(p, msg) : tp_not_ended(p, last);
        }
        tp_next(p); /* the colon */
        struct ast *v = literal_item(p, &over);
        as_sibling(p, v, &map_before);
        ast_append(&m->list, &tail, prop(p, over ? over : k, v));
        last = v;
        if (!tp_accept(p, ",") && !tp_is(p, close)) {
            return p->t.kind == TK_EOF ? tp_fail(p, msg) : tp_not_ended(p, v);
        }
    }
    if (p->t.kind == TK_ERROR) {
        return NULL;
    }
    tp_next(p);
    return m;
}

static struct ast *
items(struct parser *p, struct ast *l, const char *close, const char *msg)
{
    struct ast *tail = NULL, *key;
    bool map_before = false;
    while (p->t.kind != TK_ERROR && !tp_is(p, close)) {
        struct ast *v = p->t.kind == TK_EOF ? NULL : literal_item(p, &key);
        if (v == NULL) {
            return tp_fail(p, msg);
        }
        as_sibling(p, v, &map_before);
        if (key != NULL) { /* the misread ternary makes a map of it */
            l->kind = AST_MAP;
            v = prop(p, key, v);
        }
        ast_append(&l->list, &tail, v);
        if (!tp_accept(p, ",") && !tp_is(p, close)) {
            return p->t.kind == TK_EOF || *close == ']' ? tp_fail(p, msg) : tp_not_ended(p, v);
        }
    }
    if (p->t.kind == TK_ERROR) {
        return NULL;
    }
    tp_next(p);
    return l;
}

/* list = "[" ... "]" ; map = "{" key ":" ... "}" | "[" key ":" ... "]" | "[:]" ; "{" a, b "}" is
 * a list */
static struct ast *
collection(struct parser *p)
{
    bool brace = tp_is(p, "{");
    const char *close = brace ? "}" : "]";
    const char *msg = brace ? "unbalanced braces { ... }" : "unbalanced braces [ ... ]";
    struct ast *n = tp_node(p, AST_LIST);
    tp_next(p);
    if (!brace && tp_is(p, ":")) {
        tp_next(p);
        n->kind = AST_MAP;
        return tp_expect(p, "]", msg) ? n : NULL;
    }
    if ((brace && tp_is(p, "}")) || map_key_ahead(p)) {
        n->kind = AST_MAP;
        return pairs(p, n, close, msg);
    }
    return items(p, n, close, msg);
}

/* func = ( "function" | "def" ) [ ident ] "(" [ ident { "," ident } ] ")" block */
struct ast *
tp_function(struct parser *p, bool named)
{
    struct ast *f = tp_node(p, AST_FUNC), *tail = NULL;
    size_t from = p->t.at;
    tp_next(p);
    if (named) {
        if (p->t.kind != TK_IDENT) {
            return tp_fail(p, p->t.kind == TK_EOF ? "unexpected end of statement"
                                               : "illegal function name or use of reserved word");
        }
        f->s = p->t.s;
        tp_next(p);
    }
    if (!tp_is(p, "(")) {
        return tp_fail(p, p->t.kind == TK_EOF ? "unexpected end of statement" : "expected '('");
    }
    tp_next(p);
    while (p->t.kind == TK_IDENT) {
        ast_append(&f->list, &tail, tp_ident_at(p, &p->t, p->t.s));
        tp_next(p);
        if (!tp_accept(p, ",") && !tp_is(p, ")")) {
            break;
        }
    }
    if (!tp_expect(p, ")", "unbalanced braces ( ... )")) {
        return NULL;
    }
    if (!tp_is(p, "{")) {
        return tp_fail(p, p->t.kind == TK_EOF ? "unexpected end of statement" : "expected '{'");
    }
    int loops = p->loops;
    p->loops = 0;
    f->d = tp_block(p);
    p->loops = loops;
    f->src = (struct tbe_str){ p->c->text.p + from, p->last_end - from };
    return f;
}

/* new = "new" class ( "(" args ")" | "[" expr "]" | "[" "]" "{" items "}" ) */
static struct ast *
new_expr(struct parser *p)
{
    struct tbel_token at = p->t;
    tp_next(p);
    if (p->t.kind == TK_EOF) {
        return tp_fail(p, "unexpected end of statement");
    }
    struct tbel_token name_at = p->t;
    struct tbe_str name = tp_class_name(p);
    if (p->t.kind == TK_ERROR) {
        return NULL;
    }
    if (tp_accept(p, "[")) {
        struct ast *n = tp_node_at(p, AST_NEW_ARRAY, &at);
        n->s = name;
        if (tp_accept(p, "]")) {
            if (!tp_is(p, "{")) {
                return tp_fail(p, "expected '{'");
            }
            tp_next(p);
            n = items(p, n, "}", "unbalanced braces { ... }");
            for (const struct ast *e = n != NULL && tbe_str_eqz(name, "byte") ? n->list :
                NULL; e != NULL; e = e->next) {
                if (e->kind == AST_LITERAL && e->v.t == TBE_INT) {
                    return tp_fail(p, "expected type: byte; but found: java.lang.Integer");
                }
            }
            return n;
        }
        n->a = tp_expr(p);
        return tp_expect(p, "]", "unbalanced braces [ ... ]") ? n : NULL;
    }
    struct ast *n = tp_node_at(p, AST_NEW, &at);
    n->a = tp_ident_at(p, &name_at, name);
    if (tp_is(p, "(")) {
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

/* paren = "(" expr ")" | fold = "(" expr "in" expr [ "if" expr ] ")" | cast = "(" type ")"
 * operand */
static struct ast *
paren(struct parser *p)
{
    struct tbel_token at = p->t;
    bool outer = p->literal_item;
    tp_next(p);
    if (p->t.kind == TK_IDENT && tp_type_name(p->t.s)) {
        struct tbel_lexer lex = p->lex;
        struct tbel_token type = p->t, t = tbel_lex(&lex);
        if (t.kind == TK_PUNCT && tbe_str_eqz(t.s, ")")) {
            tp_next(p);
            tp_next(p);
            struct ast *n = tp_node_at(p, AST_CAST, &at);
            n->s = type.s;
            bool minus = tp_is(p, "-");
            n->a = tp_operand(p);
            if (minus && n->a != NULL && n->a->kind == AST_LITERAL) { /* `(int) -5.7` is null (5) */
                ast_warn(p->c, at.line, at.col, "cast",
                    "TBEL reads a cast of a negative number as null; put the number "
                         "in parentheses");
                n->kind = AST_LITERAL;
                n->v = TBE_NULL_VAL;
                n->a = NULL;
            }
            return n;
        }
    }
    p->literal_item = false;
    struct ast *e = tp_expr(p);
    if (e != NULL && tp_is(p, "in")) {
        struct ast *f = tp_node_at(p, AST_FOLD, &at);
        tp_next(p);
        f->a = fold_item(p, e);
        f->b = tp_expr(p);
        f->c = tp_accept(p, "if") ? tp_expr(p) : NULL;
        e = f;
    }
    p->literal_item = outer;
    if (p->t.kind == TK_EOF) {
        return tp_fail(p, "unbalanced braces in expression: (1):");
    }
    if (!tp_is(p, ")")) {
        return tp_not_ended(p, e);
    }
    tp_next(p);
    if (e != NULL) {
        e->flags |= AST_F_PAREN;
    }
    return e;
}

struct ast *
tp_number(struct parser *p, struct tbe_str s, struct tbel_token at)
{
    tbe_val v;
    if (!tbel_number(p->c, s, at.line, at.col, &v)) {
        p->t.kind = TK_ERROR;
        return NULL;
    }
    struct ast *n = tp_literal_at(p, &at, v);
    n->src = s;
    tp_next(p);
    return n;
}

static struct ast *
word(struct parser *p)
{
    struct tbel_token at = p->t;
    if (tp_is(p, "true") || tp_is(p, "false")) {
        bool b = tp_is(p, "true");
        tp_next(p);
        struct ast *n = tp_literal_at(p, &at, tbe_bool(b));
        n->src = at.s;
        return n;
    }
    if (tp_accept(p, "null") || tp_accept(p, "nil")) {
        struct ast *n = tp_literal_at(p, &at, TBE_NULL_VAL);
        n->src = at.s;
        return n;
    }
    if (tp_accept(p, "empty")) {
        return tp_node_at(p, AST_EMPTY, &at);
    }
    if (tp_is(p, "new")) {
        return new_expr(p);
    }
    if (tp_is(p, "function") || tp_is(p, "def")) {
        struct tbel_lexer l = p->lex;
        return tp_function(p, tbel_lex(&l).kind == TK_IDENT);
    }
    if (tp_accept(p, "isdef")) {
        struct ast *n = tp_node_at(p, AST_ISDEF, &at);
        n->a = tp_operand(p);
        return n;
    }
    return tp_fail_str(p, "illegal use of reserved word: ", p->t.s);
}

/* primary = literal | ident | list | map | "(" expr ")" | new | function */
static struct ast *
primary(struct parser *p)
{
    struct tbel_token at = p->t;
    struct ast *n;
    switch (p->t.kind) {
    case TK_NUMBER:
        return tp_number(p, p->t.s, at);
    case TK_STRING:
        n = tp_literal_at(p, &at, tp_string_value(p->t.s));
        n->src = (struct tbe_str){ p->c->text.p + at.at, at.end - at.at };
        tp_next(p);
        return n;
    case TK_IDENT:
        n = tp_ident_at(p, &at, p->t.s);
        n->src = p->t.s;
        tp_next(p);
        return n;
    case TK_WORD:
        return word(p);
    case TK_ERROR:
        return NULL;
    case TK_EOF:
        return tp_fail(p, "Invalid expression");
    default:
        break;
    }
    if (tp_is(p, "[") || tp_is(p, "{")) {
        return collection(p);
    }
    if (tp_is(p, "(")) {
        return paren(p);
    }
    if (tp_accept(p, "@")) {
        return tp_fail_str(p, "reference to undefined interceptor: ", p->t.s);
    }
    if (tp_is(p, ".") || tp_is(p, ".?")) {
        size_t i = p->t.at + 1;
        struct tbe_str ch = { p->c->text.p + i, i < p->c->text.n ? 1 : 0 };
        if (!p->c->failed) {
            ast_error(p->c, at.line, at.col, "syntax",
                "unexpected character ('%.*s'); was expecting: {",
                      (int)ch.n, ch.p);
        }
        return tp_fail(p, "");
    }
    if (tp_is(p, "=") || tp_is(p, "!==")) {
        return tp_fail(p, "Invalid operator: =");
    }
    if (tp_is(p, "&&") || tp_is(p, "||")) {
        return tp_fail_str(p, "illegal use of operator: ", p->t.s);
    }
    return tp_fail(p, tp_is(p, ")") ? "statement expected" : "Unterminated statement!");
}

/* java.lang.Math and the java.util classes with known statics become one name. */
static struct ast *
join_class(struct parser *p, struct ast *n)
{
    static const char *const util[] = { "Collections", "Objects", "Base64", "Arrays", "UUID" };
    static const char *const lang[] = { "Math", "StrictMath", "String", "Integer", "Long", "Double",
        "Float",
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
void
tp_with_body(struct parser *p, struct ast *w)
{
    struct ast *tail = NULL;
    while (p->t.kind == TK_IDENT) {
        struct ast *as = tp_node(p, AST_ASSIGN);
        as->a = tp_ident_at(p, &p->t, p->t.s);
        tp_next(p);
        if (!tp_expect(p, "=", "expected '='")) {
            return;
        }
        as->b = tp_expr(p);
        ast_append(&w->list, &tail, as);
        if (!tp_accept(p, ",")) {
            tp_accept(p, ";");
        }
    }
    tp_expect(p, "}", "unbalanced braces { ... }");
}

/* steps = { "." name | ".?" name | "[" expr "]" | "(" args ")" | ".{" with "}" } */
struct ast *
tp_postfix(struct parser *p)
{
    size_t from = p->t.at;
    struct ast *n = primary(p);
    bool safe = false;
    for (int i = 0; n != NULL && p->t.kind == TK_PUNCT; i++) {
        struct tbel_token at = p->t;
        if (i > MAX_CHAIN) {
            return tp_fail(p, "chain of properties is too long");
        }
        if (tp_is(p, ".") || tp_is(p, ".?")) {
            struct ast *m = tp_node(p, AST_MEMBER);
            m->flags = tp_is(p, ".?") ? AST_F_NULLSAFE : 0;
            safe |= tp_is(p, ".?");
            tp_next(p);
            if (p->t.kind != TK_IDENT && p->t.kind != TK_WORD) {
                return tp_fail(p, "unexpected end of statement");
            }
            m->a = n;
            m->s = p->t.s;
            m->line = p->t.line;
            m->col = p->t.col;
            tp_next(p);
            n = join_class(p, m);
        } else if (tp_is(p, "[")) {
            bool outer = p->literal_item;
            struct ast *m = tp_node(p, AST_INDEX);
            tp_next(p);
            m->a = n;
            p->literal_item = false;
            m->b = tp_expr(p);
            p->literal_item = outer;
            if (!tp_expect(p, "]", "unbalanced braces [ ... ]")) {
                return NULL;
            }
            n = m;
        } else if (tp_is(p, "(") && (n->kind == AST_IDENT || n->kind == AST_MEMBER ||
            n->kind == AST_INDEX ||
                                  n->kind == AST_CALL) && !(n->flags & AST_F_PAREN)) {
            struct ast *m = ast_new(p->c, AST_CALL, n->line, n->col);
            m->a = n;
            arguments(p, m);
            n = m;
        } else if (tp_is(p, ".{")) {
            struct ast *m = tp_node_at(p, AST_WITH, &at);
            tp_next(p);
            m->a = n;
            tp_with_body(p, m);
            n = m;
        } else if (tp_is(p, "(") && (n->flags & AST_F_PAREN)) {
            /* `(a) (b)` is (a): an operand without operator is skipped */
            ast_warn(p->c, at.line, at.col, "ignored",
                "TBEL ignores this: there is no operator in front of it");
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
