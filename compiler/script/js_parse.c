/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript text -> syntax tree: ES5 and the common part of ES2015 to ES2020, sloppy mode, the body of a
 * function. Recursive descent; binary operators by one table of precedences. The first error ends the
 * parse. What the language has and we do not compile is an error that says what to write instead. */
#include "config.h"
#include "script/ast.h"

#include <math.h>
#include <string.h>

#include "script/js_lex.h"

struct jp {
    struct ast_ctx *c;
    struct js_lex l;
    struct js_token t; /* current token */
    size_t prev_end;
    int depth;
    bool no_in;    /* `in` ends an expression: head of for */
    bool in_func;
};

static struct ast *assign(struct jp *p);
static struct ast *expression(struct jp *p);
static struct ast *statement(struct jp *p);
static struct ast *function(struct jp *p, bool decl);
static struct ast *block(struct jp *p);
static struct ast *unary(struct jp *p);

static void
next(struct jp *p)
{
    p->prev_end = p->t.end;
    js_lex_next(&p->l, &p->t);
}

static void TBE_PRINTF(4, 5)
fail_at(struct jp *p, const struct js_token *t, const char *code, const char *fmt, ...)
{
    if (!p->c->failed) {
        va_list ap;
        va_start(ap, fmt);
        struct tbe_str s = tbe_arena_vfmt(p->c->a, fmt, ap);
        va_end(ap);
        ast_error(p->c, t->line, t->col, code, "%.*s", (int)s.n, s.p);
    }
    p->l.bad = true;
    p->l.pos = p->c->text.n;
    p->t.t = JT_EOF; /* everything unwinds */
    p->t.punct = 0;
}

static struct ast *
node(struct jp *p, enum ast_kind k)
{
    return ast_new(p->c, k, p->t.line, p->t.col);
}

static bool
is(const struct jp *p, uint32_t punct)
{
    return p->t.t == JT_PUNCT && p->t.punct == punct;
}

static bool
is_word(const struct jp *p, const char *w)
{
    return p->t.t == JT_IDENT && tbe_str_eqz(p->t.s, w);
}

static bool
accept(struct jp *p, uint32_t punct)
{
    if (is(p, punct)) {
        next(p);
        return true;
    }
    return false;
}

static bool
accept_word(struct jp *p, const char *w)
{
    if (is_word(p, w)) {
        next(p);
        return true;
    }
    return false;
}

static void
unexpected(struct jp *p, const char *want)
{
    if (p->t.t == JT_EOF) {
        fail_at(p, &p->t, "syntax", "the script ends here, but %s is missing", want);
    } else {
        size_t n = p->t.end - p->t.start;
        fail_at(p, &p->t, "syntax", "unexpected \"%.*s\": %s is missing", (int)(n > 40 ? 40 : n),
            p->c->text.p + p->t.start, want);
    }
}

static void
expect(struct jp *p, uint32_t punct, const char *want)
{
    if (!accept(p, punct)) {
        unexpected(p, want);
    }
}

static bool
enter(struct jp *p)
{
    if (++p->depth > AST_MAX_DEPTH) {
        fail_at(p, &p->t, "depth", "the script is nested too deeply here: split it into functions or variables");
        return false;
    }
    return true;
}

static bool
reserved(struct tbe_str s)
{
    static const char *const words[] = { "break", "case", "catch", "class", "const", "continue", "debugger",
        "default", "delete", "do", "else", "enum", "export", "extends", "false", "finally", "for", "function",
        "if", "import", "in", "instanceof", "new", "null", "return", "super", "switch", "this", "throw",
        "true", "try", "typeof", "var", "void", "while", "with" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tbe_str_eqz(s, words[i])) {
            return true;
        }
    }
    return false;
}

/* Words the reference's validator refuses anywhere in the text (facts/tbel.md 16). */
static void
check_word(struct jp *p)
{
    if (is_word(p, "async") || is_word(p, "await")) {
        fail_at(p, &p->t, "unsupported", "Script must not contain '%.*s' keyword.", (int)p->t.s.n, p->t.s.p);
    } else if (is_word(p, "Promise")) {
        fail_at(p, &p->t, "unsupported", "Script must not use 'Promise'.");
    } else if (is_word(p, "setTimeout")) {
        fail_at(p, &p->t, "unsupported", "Script must not use 'setTimeout' method.");
    }
}

static struct ast *
ident(struct jp *p)
{
    check_word(p);
    if (p->t.t != JT_IDENT || reserved(p->t.s)) {
        unexpected(p, "a name");
        return node(p, AST_NOP);
    }
    struct ast *n = node(p, AST_IDENT);
    n->s = p->t.s;
    next(p);
    return n;
}

static struct ast *
str_node(struct jp *p, struct tbe_str s)
{
    struct ast *n = node(p, AST_LITERAL);
    n->v = tbe_strv(s);
    return n;
}

/* ---- patterns ---- */

/* Turns a list or map expression that stands left of = into a pattern, in place. */
static void
to_pattern(struct jp *p, struct ast *n, bool binding)
{
    if (p->c->failed) {
        return; /* the tree may lack parts */
    }
    switch (n->kind) {
    case AST_IDENT:
        return;
    case AST_MEMBER:
    case AST_INDEX:
        if (!binding && !(n->flags & AST_F_OPTIONAL)) {
            return;
        }
        break;
    case AST_ASSIGN:
        if (n->op == OP_NONE && !(n->flags & AST_F_PAREN)) {
            n->kind = AST_DEFAULT;
            return; /* its target was checked when the assignment was parsed */
        }
        break;
    case AST_DEFAULT:
        to_pattern(p, n->a, binding);
        return;
    case AST_SPREAD:
        to_pattern(p, n->a, binding);
        return;
    case AST_LIST:
        for (struct ast *e = n->list; e != NULL; e = e->next) {
            if (e->kind != AST_HOLE) {
                to_pattern(p, e, binding);
            }
        }
        return;
    case AST_MAP:
        for (struct ast *e = n->list; e != NULL; e = e->next) {
            if (e->kind == AST_SPREAD) {
                to_pattern(p, e->a, binding);
            } else if (e->flags & (AST_F_GET | AST_F_SET | AST_F_METHOD)) {
                break;
            } else {
                to_pattern(p, e->b, binding);
            }
        }
        return;
    default:
        break;
    }
    struct js_token t = p->t;
    t.line = n->line;
    t.col = n->col;
    fail_at(p, &t, "syntax", "this cannot be assigned to");
}

/* target [= default] of a declaration or parameter */
static struct ast *binding_target(struct jp *p);

static struct ast *
binding_element(struct jp *p)
{
    struct ast *t = binding_target(p);
    if (is(p, '=')) {
        struct ast *d = node(p, AST_DEFAULT);
        next(p);
        d->a = t;
        bool save = p->no_in;
        p->no_in = false;
        d->b = assign(p);
        p->no_in = save;
        return d;
    }
    return t;
}

static struct ast *
prop_key(struct jp *p)
{
    struct ast *k;
    if (accept(p, '[')) {
        bool save = p->no_in;
        p->no_in = false;
        k = assign(p);
        p->no_in = save;
        expect(p, ']', "]");
        return k;
    }
    if (p->t.t == JT_IDENT || p->t.t == JT_STR) {
        k = str_node(p, p->t.s);
    } else if (p->t.t == JT_NUM) {
        char buf[TBE_NUMTEXT];
        struct tbe_str s = { buf, tbe_double_js(p->t.num, buf) };
        k = str_node(p, tbe_arena_dup(p->c->a, s));
    } else {
        unexpected(p, "a property name");
        return node(p, AST_NOP);
    }
    next(p);
    return k;
}

static struct ast *
binding_list(struct jp *p)
{
    struct ast *n = node(p, AST_LIST), *tail = NULL;
    next(p);
    while (!is(p, ']') && p->t.t != JT_EOF) {
        struct ast *e;
        if (is(p, ',')) {
            e = node(p, AST_HOLE);
        } else if (is(p, PK3('.', '.', '.'))) {
            e = node(p, AST_SPREAD);
            next(p);
            e->a = binding_target(p);
        } else {
            e = binding_element(p);
        }
        ast_append(&n->list, &tail, e);
        if (!accept(p, ',')) {
            break;
        }
    }
    expect(p, ']', "]");
    return n;
}

static struct ast *
binding_map(struct jp *p)
{
    struct ast *n = node(p, AST_MAP), *tail = NULL;
    next(p);
    while (!is(p, '}') && p->t.t != JT_EOF) {
        struct ast *e;
        if (is(p, PK3('.', '.', '.'))) {
            e = node(p, AST_SPREAD);
            next(p);
            e->a = binding_target(p);
        } else {
            struct js_token kt = p->t;
            e = node(p, AST_PROP);
            e->a = prop_key(p);
            if (accept(p, ':')) {
                e->b = binding_element(p);
            } else if (kt.t != JT_IDENT || reserved(kt.s)) {
                unexpected(p, ":");
            } else {
                struct ast *v = ast_new(p->c, AST_IDENT, kt.line, kt.col);
                v->s = kt.s;
                e->b = v;
                if (is(p, '=')) {
                    struct ast *d = node(p, AST_DEFAULT);
                    next(p);
                    d->a = v;
                    d->b = assign(p);
                    e->b = d;
                }
            }
        }
        ast_append(&n->list, &tail, e);
        if (!accept(p, ',')) {
            break;
        }
    }
    expect(p, '}', "}");
    return n;
}

static struct ast *
binding_target(struct jp *p)
{
    struct ast *n;
    if (!enter(p)) {
        return node(p, AST_NOP);
    }
    if (is(p, '[')) {
        n = binding_list(p);
    } else if (is(p, '{')) {
        n = binding_map(p);
    } else {
        n = ident(p);
    }
    p->depth--;
    return n;
}

/* ---- functions ---- */

static void
params(struct jp *p, struct ast *f)
{
    struct ast *tail = NULL;
    expect(p, '(', "( of the parameters");
    while (!is(p, ')') && p->t.t != JT_EOF) {
        struct ast *e;
        if (is(p, PK3('.', '.', '.'))) {
            e = node(p, AST_SPREAD);
            next(p);
            e->a = binding_target(p);
        } else {
            e = binding_element(p);
        }
        ast_append(&f->list, &tail, e);
        if (!accept(p, ',')) {
            break;
        }
    }
    expect(p, ')', ") behind the parameters");
}

static void
func_body(struct jp *p, struct ast *f)
{
    bool no_in = p->no_in, in_func = p->in_func;
    p->no_in = false;
    p->in_func = true;
    if (!is(p, '{')) {
        unexpected(p, "{ of the function's body");
    }
    f->d = block(p);
    p->no_in = no_in;
    p->in_func = in_func;
}

static void
func_src(struct jp *p, struct ast *f, size_t start)
{
    f->src = (struct tbe_str){ p->c->text.p + start, p->prev_end > start ? p->prev_end - start : 0 };
}

static struct ast *
function(struct jp *p, bool decl)
{
    size_t start = p->t.start;
    struct ast *f = node(p, AST_FUNC);
    next(p);
    if (is(p, '*')) {
        fail_at(p, &p->t, "unsupported", "generator functions are not supported: return an array instead");
    }
    if (decl || (p->t.t == JT_IDENT && !is(p, '('))) {
        f->s = ident(p)->s;
    }
    params(p, f);
    func_body(p, f);
    func_src(p, f, start);
    return f;
}

/* Does an arrow function start at the current token, "(" or a name? Looks ahead to the "=>". */
static bool
arrow_ahead(struct jp *p)
{
    struct js_lex l = p->l;
    struct js_token t = p->t;
    bool operand = false;
    int depth = 0;
    l.quiet = true;
    if (t.t == JT_IDENT) {
        js_lex_next(&l, &t);
        return t.t == JT_PUNCT && t.punct == PK2('=', '>') && !t.nl_before;
    }
    for (; t.t != JT_EOF; js_lex_next(&l, &t)) {
        if (t.t == JT_PUNCT && (t.punct == '/' || t.punct == PK2('/', '=')) && !operand) {
            js_lex_regex(&l, &t);
        }
        if (t.t != JT_PUNCT) {
            operand = t.t != JT_IDENT || !reserved(t.s);
            continue;
        }
        operand = t.punct == ')' || t.punct == ']' || t.punct == '}';
        if (t.punct == '(' || t.punct == '[' || t.punct == '{') {
            depth++;
        } else if (operand && --depth == 0) {
            js_lex_next(&l, &t);
            return t.t == JT_PUNCT && t.punct == PK2('=', '>') && !t.nl_before;
        }
    }
    return false;
}

static struct ast *
arrow(struct jp *p)
{
    size_t start = p->t.start;
    struct ast *f = node(p, AST_FUNC);
    f->flags = AST_F_ARROW;
    if (is(p, '(')) {
        params(p, f);
    } else {
        f->list = ident(p);
    }
    expect(p, PK2('=', '>'), "=>");
    if (is(p, '{')) {
        func_body(p, f);
    } else {
        f->flags |= AST_F_EXPR_BODY;
        f->d = assign(p);
    }
    func_src(p, f, start);
    return f;
}

/* ---- primary expressions ---- */

static struct ast *
list_literal(struct jp *p)
{
    struct ast *n = node(p, AST_LIST), *tail = NULL;
    next(p);
    while (!is(p, ']') && p->t.t != JT_EOF) {
        struct ast *e;
        if (is(p, ',')) {
            e = node(p, AST_HOLE);
        } else if (is(p, PK3('.', '.', '.'))) {
            e = node(p, AST_SPREAD);
            next(p);
            e->a = assign(p);
        } else {
            e = assign(p);
        }
        ast_append(&n->list, &tail, e);
        if (!accept(p, ',')) {
            break;
        }
    }
    expect(p, ']', "]");
    return n;
}

static struct ast *
method(struct jp *p, size_t start)
{
    struct ast *f = node(p, AST_FUNC);
    f->flags = AST_F_METHOD;
    params(p, f);
    func_body(p, f);
    func_src(p, f, start);
    return f;
}

static struct ast *
map_member(struct jp *p)
{
    struct ast *e = node(p, AST_PROP);
    if (is(p, PK3('.', '.', '.'))) {
        e->kind = AST_SPREAD;
        next(p);
        e->a = assign(p);
        return e;
    }
    if (is(p, '*')) {
        fail_at(p, &p->t, "unsupported", "generator functions are not supported: return an array instead");
    }
    struct js_token kt = p->t;
    bool computed = is(p, '[');
    e->a = prop_key(p);
    bool accessor = kt.t == JT_IDENT && (tbe_str_eqz(kt.s, "get") || tbe_str_eqz(kt.s, "set"));
    if (accessor && !is(p, ':') && !is(p, ',') && !is(p, '}') && !is(p, '(') && !is(p, '=')) {
        size_t start = p->t.start;
        e->flags = tbe_str_eqz(kt.s, "get") ? AST_F_GET : AST_F_SET;
        e->a = prop_key(p);
        e->b = method(p, start);
        return e;
    }
    if (accept(p, ':')) {
        e->b = assign(p);
    } else if (is(p, '(')) {
        e->flags = AST_F_METHOD;
        e->b = method(p, kt.start);
        e->b->s = e->a->kind == AST_LITERAL ? tbe_val_str(e->a->v) : TBE_STR_NONE;
    } else if (computed || kt.t != JT_IDENT || reserved(kt.s)) {
        unexpected(p, ":");
    } else {
        struct ast *v = ast_new(p->c, AST_IDENT, kt.line, kt.col);
        v->s = kt.s;
        e->b = v;
        e->flags = AST_F_SHORT;
        if (is(p, '=')) { /* only legal when this becomes a pattern: the checker looks */
            struct ast *d = node(p, AST_DEFAULT);
            next(p);
            d->a = v;
            d->b = assign(p);
            e->b = d;
        }
    }
    return e;
}

static struct ast *
map_literal(struct jp *p)
{
    struct ast *n = node(p, AST_MAP), *tail = NULL;
    next(p);
    while (!is(p, '}') && p->t.t != JT_EOF) {
        ast_append(&n->list, &tail, map_member(p));
        if (!accept(p, ',')) {
            break;
        }
    }
    expect(p, '}', "}");
    return n;
}

static struct ast *
template(struct jp *p, struct ast *tag)
{
    struct ast *n = node(p, AST_TEMPLATE), *tail = NULL;
    struct js_token tok = p->t;
    struct js_lex after = p->l;
    size_t i = tok.start + 1;
    n->a = tag;
    for (;;) {
        size_t e = js_lex_chunk_end(&p->l, i);
        struct ast *chunk = str_node(p, js_lex_cook(&p->l, i, e, true, tok.line, tok.col));
        chunk->src = (struct tbe_str){ p->c->text.p + i, (e < tok.end ? e : tok.end) - i };
        ast_append(&n->list, &tail, chunk);
        if (e >= tok.end || p->c->text.p[e] == '`' || p->c->failed) {
            break;
        }
        p->l.pos = e + 2;
        p->l.line = tok.line;
        p->l.line_start = tok.start - (size_t)(tok.col - 1);
        for (size_t k = tok.start; k < e; k++) {
            if (p->c->text.p[k] == '\n') {
                p->l.line++;
                p->l.line_start = k + 1;
            }
        }
        next(p);
        ast_append(&n->list, &tail, expression(p));
        if (!is(p, '}')) {
            unexpected(p, "}");
            return n;
        }
        i = p->t.end;
    }
    if (!p->c->failed) {
        p->l = after;
        p->prev_end = tok.end;
        p->t.end = tok.end;
        next(p);
    }
    return n;
}

static struct ast *
regex(struct jp *p)
{
    js_lex_regex(&p->l, &p->t);
    struct ast *n = node(p, AST_REGEX);
    n->s = p->t.s;
    n->s2 = p->t.s2;
    if (p->t.t == JT_REGEX) {
        next(p);
    }
    return n;
}

static struct ast *
paren(struct jp *p)
{
    next(p);
    bool save = p->no_in;
    p->no_in = false;
    struct ast *n = expression(p);
    p->no_in = save;
    expect(p, ')', ")");
    n->flags |= AST_F_PAREN;
    return n;
}

static struct ast *
word(struct jp *p)
{
    struct ast *n;
    check_word(p);
    if (is_word(p, "true") || is_word(p, "false")) {
        n = node(p, AST_LITERAL);
        n->v = tbe_bool(is_word(p, "true"));
    } else if (is_word(p, "null")) {
        n = node(p, AST_LITERAL);
        n->v = TBE_NULL_VAL;
    } else if (is_word(p, "this")) {
        n = node(p, AST_THIS);
    } else if (is_word(p, "function")) {
        return function(p, false);
    } else if (is_word(p, "class") || is_word(p, "super")) {
        fail_at(p, &p->t, "unsupported", "classes are not supported: write a function that returns an object");
        return node(p, AST_NOP);
    } else if (is_word(p, "import")) {
        fail_at(p, &p->t, "unsupported", "import is not supported: a script stands alone");
        return node(p, AST_NOP);
    } else {
        return ident(p);
    }
    next(p);
    return n;
}

static struct ast *
primary(struct jp *p)
{
    struct ast *n;
    switch (p->t.t) {
    case JT_NUM:
        n = node(p, AST_LITERAL);
        n->v = tbe_double(p->t.num);
        next(p);
        return n;
    case JT_STR:
        n = str_node(p, p->t.s);
        next(p);
        return n;
    case JT_TEMPLATE:
        return template(p, NULL);
    case JT_IDENT:
        return word(p);
    case JT_PUNCT:
        switch (p->t.punct) {
        case '(':
            return paren(p);
        case '[':
            return list_literal(p);
        case '{':
            return map_literal(p);
        case '/':
        case PK2('/', '='):
            return regex(p);
        default:
            break;
        }
        break;
    default:
        break;
    }
    unexpected(p, "an expression");
    return node(p, AST_NOP);
}

static void
arguments(struct jp *p, struct ast *call)
{
    struct ast *tail = NULL;
    bool save = p->no_in;
    p->no_in = false;
    next(p);
    while (!is(p, ')') && p->t.t != JT_EOF) {
        struct ast *e;
        if (is(p, PK3('.', '.', '.'))) {
            e = node(p, AST_SPREAD);
            next(p);
            e->a = assign(p);
        } else {
            e = assign(p);
        }
        ast_append(&call->list, &tail, e);
        if (!accept(p, ',')) {
            break;
        }
    }
    p->no_in = save;
    expect(p, ')', ") behind the arguments");
}

static struct ast *
member(struct jp *p, struct ast *obj, uint32_t flags)
{
    struct ast *n = node(p, AST_MEMBER);
    n->a = obj;
    n->flags = flags;
    if (is(p, '#') || p->t.t != JT_IDENT) {
        unexpected(p, "a property name");
        return n;
    }
    n->s = p->t.s;
    next(p);
    return n;
}

static struct ast *
index_of(struct jp *p, struct ast *obj, uint32_t flags)
{
    struct ast *n = node(p, AST_INDEX);
    bool save = p->no_in;
    next(p);
    p->no_in = false;
    n->a = obj;
    n->b = expression(p);
    n->flags = flags;
    p->no_in = save;
    expect(p, ']', "]");
    return n;
}

static struct ast *new_expr(struct jp *p);

#define MAX_CHAIN 500 /* steps of one a.b.c(...)... chain, terms of one operator chain */

static struct ast *
postfix_chain(struct jp *p, struct ast *n, bool calls)
{
    bool optional = false;
    for (int steps = 0; p->t.t == JT_PUNCT || p->t.t == JT_TEMPLATE; steps++) {
        if (steps > MAX_CHAIN) {
            fail_at(p, &p->t, "depth", "this chain is too long: split it with a variable");
        }
        if (p->t.t == JT_TEMPLATE) {
            n = template(p, n);
        } else if (accept(p, '.')) {
            n = member(p, n, 0);
        } else if (is(p, '[')) {
            n = index_of(p, n, 0);
        } else if (calls && is(p, '(')) {
            struct ast *c = node(p, AST_CALL);
            c->a = n;
            arguments(p, c);
            n = c;
        } else if (calls && is(p, PK2('?', '.'))) {
            optional = true;
            next(p);
            if (is(p, '(')) {
                struct ast *c = node(p, AST_CALL);
                c->a = n;
                c->flags = AST_F_OPTIONAL;
                arguments(p, c);
                n = c;
            } else if (is(p, '[')) {
                n = index_of(p, n, AST_F_OPTIONAL);
            } else {
                n = member(p, n, AST_F_OPTIONAL);
            }
        } else {
            break;
        }
    }
    if (optional) {
        struct ast *c = ast_new(p->c, AST_CHAIN, n->line, n->col);
        c->a = n;
        n = c;
    }
    return n;
}

static struct ast *
new_expr(struct jp *p)
{
    struct ast *n = node(p, AST_NEW);
    if (!enter(p)) {
        return n;
    }
    next(p);
    if (is(p, '.')) {
        fail_at(p, &p->t, "unsupported", "new.target is not supported");
    }
    struct ast *callee = is_word(p, "new") ? new_expr(p) : primary(p);
    n->a = postfix_chain(p, callee, false);
    if (is(p, '(')) {
        arguments(p, n);
    }
    p->depth--;
    return n;
}

static struct ast *
postfix(struct jp *p)
{
    struct ast *n = is_word(p, "new") ? new_expr(p) : primary(p);
    n = postfix_chain(p, n, true);
    if ((is(p, PK2('+', '+')) || is(p, PK2('-', '-'))) && !p->t.nl_before) {
        struct ast *u = node(p, AST_UPDATE);
        u->op = is(p, PK2('+', '+')) ? OP_ADD : OP_SUB;
        u->a = n;
        if (n->kind == AST_LIST || n->kind == AST_MAP) {
            unexpected(p, "a variable or property");
        }
        to_pattern(p, n, false);
        next(p);
        return u;
    }
    return n;
}

/* ---- operators ---- */

static struct ast *
prefix_op(struct jp *p, enum ast_op op)
{
    struct ast *n = node(p, AST_UNARY);
    n->op = (uint8_t)op;
    next(p);
    n->a = unary(p);
    if (is(p, PK2('*', '*')) && op != OP_NONE) {
        fail_at(p, &p->t, "syntax", "put parentheses around the left side of **");
    }
    return n;
}

static struct ast *
unary_inner(struct jp *p)
{
    if (p->t.t == JT_PUNCT) {
        switch (p->t.punct) {
        case '!':
            return prefix_op(p, OP_NOT);
        case '-':
            return prefix_op(p, OP_NEG);
        case '+':
            return prefix_op(p, OP_PLUS);
        case '~':
            return prefix_op(p, OP_BNOT);
        case PK2('+', '+'):
        case PK2('-', '-'): {
            struct ast *u = node(p, AST_UPDATE);
            u->op = is(p, PK2('+', '+')) ? OP_ADD : OP_SUB;
            u->flags = AST_F_PREFIX;
            next(p);
            u->a = unary(p);
            if (u->a->kind == AST_LIST || u->a->kind == AST_MAP) {
                unexpected(p, "a variable or property");
            }
            to_pattern(p, u->a, false);
            return u;
        }
        default:
            break;
        }
    } else if (is_word(p, "typeof")) {
        return prefix_op(p, OP_TYPEOF);
    } else if (is_word(p, "void")) {
        return prefix_op(p, OP_VOID);
    } else if (is_word(p, "delete")) {
        return prefix_op(p, OP_DELETE);
    }
    return postfix(p);
}

static struct ast *
unary(struct jp *p)
{
    if (!enter(p)) {
        return node(p, AST_NOP);
    }
    struct ast *n = unary_inner(p);
    p->depth--;
    return n;
}

static const struct js_binop {
    uint32_t punct;
    uint8_t prec, op;
} binops[] = {
    { PK2('?', '?'), 1, OP_NULLISH }, { PK2('|', '|'), 2, OP_OR }, { PK2('&', '&'), 3, OP_AND },
    { '|', 4, OP_BOR }, { '^', 5, OP_BXOR }, { '&', 6, OP_BAND },
    { PK2('=', '='), 7, OP_EQ }, { PK2('!', '='), 7, OP_NE }, { PK3('=', '=', '='), 7, OP_SEQ },
    { PK3('!', '=', '='), 7, OP_SNE },
    { '<', 8, OP_LT }, { '>', 8, OP_GT }, { PK2('<', '='), 8, OP_LE }, { PK2('>', '='), 8, OP_GE },
    { PK2('<', '<'), 9, OP_SHL }, { PK2('>', '>'), 9, OP_SHR }, { PK3('>', '>', '>'), 9, OP_USHR },
    { '+', 10, OP_ADD }, { '-', 10, OP_SUB },
    { '*', 11, OP_MUL }, { '/', 11, OP_DIV }, { '%', 11, OP_REM },
    { PK2('*', '*'), 12, OP_POW },
};

static struct js_binop
binop(const struct jp *p)
{
    struct js_binop none = { 0, 0, OP_NONE };
    if (p->t.t == JT_PUNCT) {
        for (size_t i = 0; i < sizeof(binops) / sizeof(binops[0]); i++) {
            if (binops[i].punct == p->t.punct) {
                return binops[i];
            }
        }
    } else if (is_word(p, "instanceof")) {
        return (struct js_binop){ 0, 8, OP_INSTANCEOF };
    } else if (is_word(p, "in") && !p->no_in) {
        return (struct js_binop){ 0, 8, OP_IN };
    }
    return none;
}

static struct ast *
binary(struct jp *p, int min)
{
    struct ast *left = unary(p);
    for (int terms = 0;; terms++) {
        struct js_binop o = binop(p);
        if (o.prec == 0 || o.prec < min) {
            return left;
        }
        if (terms > MAX_CHAIN) {
            fail_at(p, &p->t, "depth", "this expression is too long: split it with variables");
        }
        bool logical = o.op == OP_AND || o.op == OP_OR || o.op == OP_NULLISH;
        struct ast *n = node(p, logical ? AST_LOGICAL : AST_BINARY);
        n->op = o.op;
        next(p);
        n->a = left;
        if (!enter(p)) {
            return n;
        }
        n->b = binary(p, o.op == OP_POW ? o.prec : o.prec + 1);
        p->depth--;
        left = n;
    }
}

static enum ast_op
assign_op(const struct jp *p, bool *yes)
{
    static const struct {
        uint32_t punct;
        uint8_t op;
    } ops[] = { { '=', OP_NONE }, { PK2('+', '='), OP_ADD }, { PK2('-', '='), OP_SUB },
        { PK2('*', '='), OP_MUL }, { PK2('/', '='), OP_DIV }, { PK2('%', '='), OP_REM },
        { PK3('*', '*', '='), OP_POW }, { PK2('&', '='), OP_BAND }, { PK2('|', '='), OP_BOR },
        { PK2('^', '='), OP_BXOR }, { PK3('<', '<', '='), OP_SHL }, { PK3('>', '>', '='), OP_SHR },
        { PK4('>', '>', '>', '='), OP_USHR }, { PK3('&', '&', '='), OP_AND }, { PK3('|', '|', '='), OP_OR },
        { PK3('?', '?', '='), OP_NULLISH } };
    for (size_t i = 0; p->t.t == JT_PUNCT && i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (ops[i].punct == p->t.punct) {
            *yes = true;
            return ops[i].op;
        }
    }
    *yes = false;
    return OP_NONE;
}

static struct ast *
assign_inner(struct jp *p)
{
    if (is_word(p, "yield")) {
        fail_at(p, &p->t, "unsupported", "generator functions are not supported: return an array instead");
    }
    if ((is(p, '(') || (p->t.t == JT_IDENT && !reserved(p->t.s))) && arrow_ahead(p)) {
        return arrow(p);
    }
    struct ast *left = binary(p, 1);
    if (is(p, '?')) {
        struct ast *n = node(p, AST_COND);
        next(p);
        bool save = p->no_in;
        p->no_in = false;
        n->a = left;
        n->b = assign(p);
        p->no_in = save;
        expect(p, ':', ": of the conditional");
        n->c = assign(p);
        return n;
    }
    bool yes;
    enum ast_op op = assign_op(p, &yes);
    if (!yes) {
        return left;
    }
    if ((left->kind == AST_LIST || left->kind == AST_MAP) && (op != OP_NONE || (left->flags & AST_F_PAREN))) {
        unexpected(p, "a variable or property");
    }
    to_pattern(p, left, false);
    struct ast *n = node(p, AST_ASSIGN);
    n->op = (uint8_t)op;
    next(p);
    n->a = left;
    n->b = assign(p);
    return n;
}

static struct ast *
assign(struct jp *p)
{
    if (!enter(p)) {
        return node(p, AST_NOP);
    }
    struct ast *n = assign_inner(p);
    p->depth--;
    return n;
}

static struct ast *
expression(struct jp *p)
{
    struct ast *n = assign(p);
    if (!is(p, ',')) {
        return n;
    }
    struct ast *s = node(p, AST_SEQ), *tail = NULL;
    ast_append(&s->list, &tail, n);
    while (accept(p, ',')) {
        ast_append(&s->list, &tail, assign(p));
    }
    return s;
}

/* ---- statements ---- */

static void
semicolon(struct jp *p)
{
    if (accept(p, ';') || is(p, '}') || p->t.t == JT_EOF || p->t.nl_before) {
        return;
    }
    unexpected(p, "; or a line end");
}

static struct ast *
block(struct jp *p)
{
    struct ast *n = node(p, AST_BLOCK), *tail = NULL;
    expect(p, '{', "{");
    while (!is(p, '}') && p->t.t != JT_EOF) {
        ast_append(&n->list, &tail, statement(p));
    }
    expect(p, '}', "}");
    return n;
}

static struct ast *
declarations(struct jp *p, bool for_head)
{
    struct ast *n = node(p, AST_VAR), *tail = NULL;
    n->op = is_word(p, "let") ? AST_DECL_LET : is_word(p, "const") ? AST_DECL_CONST : AST_DECL_VAR;
    next(p);
    do {
        struct ast *d = node(p, AST_DECL);
        d->a = binding_target(p);
        if (accept(p, '=')) {
            d->b = assign(p);
        } else if (!for_head && (d->a->kind != AST_IDENT || n->op == AST_DECL_CONST)) {
            unexpected(p, "= and the initial value");
        }
        ast_append(&n->list, &tail, d);
    } while (accept(p, ','));
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
    return is_word(p, "var") || is_word(p, "const") || (is_word(p, "let") && let_ahead(p));
}

static struct ast *
condition(struct jp *p)
{
    expect(p, '(', "( of the condition");
    struct ast *n = expression(p);
    expect(p, ')', ") of the condition");
    return n;
}

static struct ast *
for_statement(struct jp *p)
{
    struct ast *n = node(p, AST_FOR);
    next(p);
    if (is_word(p, "await")) {
        check_word(p);
    }
    expect(p, '(', "(");
    p->no_in = true;
    if (starts_declaration(p)) {
        n->a = declarations(p, true);
    } else if (!is(p, ';')) {
        n->a = expression(p);
    }
    p->no_in = false;
    bool in = is_word(p, "in");
    if (n->a != NULL && (in || is_word(p, "of"))) {
        n->kind = in ? AST_FOR_IN : AST_FOR_OF;
        if (n->a->kind == AST_VAR) {
            if (n->a->list != NULL && n->a->list->next != NULL) {
                unexpected(p, "exactly one variable");
            }
        } else {
            to_pattern(p, n->a, false);
        }
        next(p);
        n->b = in ? expression(p) : assign(p);
        expect(p, ')', ")");
    } else {
        expect(p, ';', "; in the head of for");
        n->b = is(p, ';') ? NULL : expression(p);
        expect(p, ';', "second ; in the head of for");
        n->c = is(p, ')') ? NULL : expression(p);
        expect(p, ')', ")");
    }
    n->d = statement(p);
    return n;
}

static struct ast *
switch_statement(struct jp *p)
{
    struct ast *n = node(p, AST_SWITCH), *tail = NULL;
    bool had_default = false;
    next(p);
    n->a = condition(p);
    expect(p, '{', "{ of switch");
    while (!is(p, '}') && p->t.t != JT_EOF) {
        struct ast *c = node(p, AST_CASE), *ct = NULL;
        if (accept_word(p, "case")) {
            c->a = expression(p);
        } else if (is_word(p, "default") && !had_default) {
            had_default = true;
            next(p);
        } else {
            unexpected(p, "case or default");
        }
        expect(p, ':', ":");
        while (!is(p, '}') && !is_word(p, "case") && !is_word(p, "default") && p->t.t != JT_EOF) {
            ast_append(&c->list, &ct, statement(p));
        }
        ast_append(&n->list, &tail, c);
    }
    expect(p, '}', "} of switch");
    return n;
}

static struct ast *
try_statement(struct jp *p)
{
    struct ast *n = node(p, AST_TRY);
    next(p);
    n->a = block(p);
    if (accept_word(p, "catch")) {
        if (accept(p, '(')) {
            n->b = binding_target(p);
            expect(p, ')', ")");
        }
        n->c = block(p);
    }
    if (accept_word(p, "finally")) {
        n->d = block(p);
    }
    if (n->c == NULL && n->d == NULL) {
        unexpected(p, "catch or finally");
    }
    return n;
}

static struct ast *
jump(struct jp *p, enum ast_kind kind)
{
    struct ast *n = node(p, kind);
    next(p);
    if (p->t.t == JT_IDENT && !p->t.nl_before && !reserved(p->t.s)) {
        n->s = p->t.s;
        next(p);
    }
    semicolon(p);
    return n;
}

static struct ast *
return_statement(struct jp *p)
{
    struct ast *n = node(p, AST_RETURN);
    next(p);
    if (!is(p, ';') && !is(p, '}') && p->t.t != JT_EOF && !p->t.nl_before) {
        n->a = expression(p);
    }
    semicolon(p);
    return n;
}

static struct ast *
if_statement(struct jp *p)
{
    struct ast *n = node(p, AST_IF);
    next(p);
    n->a = condition(p);
    n->b = statement(p);
    if (accept_word(p, "else")) {
        n->c = statement(p);
    }
    return n;
}

static struct ast *
do_statement(struct jp *p)
{
    struct ast *n = node(p, AST_DO);
    next(p);
    n->d = statement(p);
    if (!accept_word(p, "while")) {
        unexpected(p, "while");
    }
    n->a = condition(p);
    accept(p, ';');
    return n;
}

static struct ast *
throw_statement(struct jp *p)
{
    struct ast *n = node(p, AST_THROW);
    next(p);
    if (p->t.nl_before) {
        unexpected(p, "the thrown value on the line of throw");
    }
    n->a = expression(p);
    semicolon(p);
    return n;
}

static struct ast *
while_statement(struct jp *p)
{
    struct ast *n = node(p, AST_WHILE);
    next(p);
    n->a = condition(p);
    n->d = statement(p);
    return n;
}

static struct ast *
func_decl(struct jp *p)
{
    struct ast *n = node(p, AST_FUNC_DECL);
    n->a = function(p, true);
    return n;
}

static struct ast *
expr_statement(struct jp *p)
{
    struct ast *n = node(p, AST_EXPR);
    n->a = expression(p);
    if (is(p, ':') && n->a->kind == AST_IDENT && !(n->a->flags & AST_F_PAREN)) {
        n->kind = AST_LABEL;
        n->s = n->a->s;
        next(p);
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
    if (is_word(p, "with")) {
        fail_at(p, &p->t, "unsupported", "with is not supported: name the object in front of each property");
    } else if (is_word(p, "class")) {
        fail_at(p, &p->t, "unsupported", "classes are not supported: write a function that returns an object");
    } else {
        fail_at(p, &p->t, "unsupported", "import and export are not supported: a script stands alone");
    }
    return node(p, AST_NOP);
}

static struct ast *
nothing(struct jp *p)
{
    struct ast *n = node(p, AST_NOP);
    next(p);
    semicolon(p);
    return n;
}

static const struct {
    const char *word;
    struct ast *(*parse)(struct jp *p);
} statements[] = {
    { "if", if_statement }, { "for", for_statement }, { "while", while_statement }, { "do", do_statement },
    { "switch", switch_statement }, { "try", try_statement }, { "return", return_statement },
    { "throw", throw_statement }, { "break", jump_break }, { "continue", jump_continue },
    { "function", func_decl }, { "with", unsupported_statement }, { "class", unsupported_statement },
    { "import", unsupported_statement }, { "export", unsupported_statement }, { "debugger", nothing },
};

static struct ast *
statement_inner(struct jp *p)
{
    if (is(p, '{')) {
        return block(p);
    }
    if (is(p, ';')) {
        struct ast *n = node(p, AST_NOP);
        next(p);
        return n;
    }
    if (p->t.t == JT_IDENT) {
        if (starts_declaration(p)) {
            struct ast *n = declarations(p, false);
            semicolon(p);
            return n;
        }
        for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
            if (is_word(p, statements[i].word)) {
                return statements[i].parse(p);
            }
        }
    }
    return expr_statement(p);
}

static struct ast *
statement(struct jp *p)
{
    if (!enter(p)) {
        return node(p, AST_NOP);
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
    next(&p);
    while (p.t.t != JT_EOF && !c->failed) {
        ast_append(&body->list, &tail, statement(&p));
    }
    return c->failed ? NULL : body;
}
