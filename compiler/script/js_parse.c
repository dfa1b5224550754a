/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript text -> syntax tree: ES5 and the common part of ES2015 to ES2020, sloppy mode, the
 * body of a function. Recursive descent; binary operators by one table of precedences. The first
 * error ends the parse. What the language has and we do not compile is an error that says what
 * to write instead. Here: tokens, patterns and functions. */
#include "config.h"
#include "script/js_room.h"

#include <string.h>

void
jp_next(struct jp *p)
{
    p->prev_end = p->t.end;
    js_lex_next(&p->l, &p->t);
}

void TBE_PRINTF(4, 5)
jp_fail_at(struct jp *p, const struct js_token *t, const char *code, const char *fmt, ...)
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

struct ast *
jp_node(struct jp *p, enum ast_kind k)
{
    return ast_new(p->c, k, p->t.line, p->t.col);
}

bool
jp_is(const struct jp *p, uint32_t punct)
{
    return p->t.t == JT_PUNCT && p->t.punct == punct;
}

bool
jp_is_word(const struct jp *p, const char *w)
{
    return p->t.t == JT_IDENT && tbe_str_eqz(p->t.s, w);
}

bool
jp_accept(struct jp *p, uint32_t punct)
{
    if (jp_is(p, punct)) {
        jp_next(p);
        return true;
    }
    return false;
}

bool
jp_accept_word(struct jp *p, const char *w)
{
    if (jp_is_word(p, w)) {
        jp_next(p);
        return true;
    }
    return false;
}

void
jp_unexpected(struct jp *p, const char *want)
{
    if (p->t.t == JT_EOF) {
        jp_fail_at(p, &p->t, "syntax", "the script ends here, but %s is missing", want);
    } else {
        size_t n = p->t.end - p->t.start;
        jp_fail_at(p, &p->t, "syntax", "unexpected \"%.*s\": %s is missing", (int)(n > 40 ? 40 : n),
            p->c->text.p + p->t.start, want);
    }
}

void
jp_expect(struct jp *p, uint32_t punct, const char *want)
{
    if (!jp_accept(p, punct)) {
        jp_unexpected(p, want);
    }
}

bool
jp_enter(struct jp *p)
{
    if (++p->depth > AST_MAX_DEPTH) {
        jp_fail_at(p, &p->t, "depth",
            "the script is nested too deeply here: split it into functions or variables");
        return false;
    }
    return true;
}

bool
jp_reserved(struct tbe_str s)
{
    static const char *const words[] = { "break", "case", "catch", "class", "const", "continue",
        "debugger",
        "default", "delete", "do", "else", "enum", "export", "extends", "false", "finally", "for",
        "function",
        "if", "import", "in", "instanceof", "new", "null", "return", "super", "switch", "this",
        "throw",
        "true", "try", "typeof", "var", "void", "while", "with" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tbe_str_eqz(s, words[i])) {
            return true;
        }
    }
    return false;
}

/* Words the reference's validator refuses anywhere in the text (facts/tbel.md 16). */
void
jp_check_word(struct jp *p)
{
    if (jp_is_word(p, "async") || jp_is_word(p, "await")) {
        jp_fail_at(p, &p->t, "unsupported", "Script must not contain '%.*s' keyword.",
            (int)p->t.s.n, p->t.s.p);
    } else if (jp_is_word(p, "Promise")) {
        jp_fail_at(p, &p->t, "unsupported", "Script must not use 'Promise'.");
    } else if (jp_is_word(p, "setTimeout")) {
        jp_fail_at(p, &p->t, "unsupported", "Script must not use 'setTimeout' method.");
    }
}

struct ast *
jp_ident(struct jp *p)
{
    jp_check_word(p);
    if (p->t.t != JT_IDENT || jp_reserved(p->t.s)) {
        jp_unexpected(p, "a name");
        return jp_node(p, AST_NOP);
    }
    struct ast *n = jp_node(p, AST_IDENT);
    n->s = p->t.s;
    jp_next(p);
    return n;
}

struct ast *
jp_str_node(struct jp *p, struct tbe_str s)
{
    struct ast *n = jp_node(p, AST_LITERAL);
    n->v = tbe_strv(s);
    return n;
}

/* ---- patterns ---- */

/* Turns a list or map expression that stands left of = into a pattern, in place. */
void
jp_to_pattern(struct jp *p, struct ast *n, bool binding)
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
        jp_to_pattern(p, n->a, binding);
        return;
    case AST_SPREAD:
        jp_to_pattern(p, n->a, binding);
        return;
    case AST_LIST:
        for (struct ast *e = n->list; e != NULL; e = e->next) {
            if (e->kind != AST_HOLE) {
                jp_to_pattern(p, e, binding);
            }
        }
        return;
    case AST_MAP:
        for (struct ast *e = n->list; e != NULL; e = e->next) {
            if (e->kind == AST_SPREAD) {
                jp_to_pattern(p, e->a, binding);
            } else if (e->flags & (AST_F_GET | AST_F_SET | AST_F_METHOD)) {
                break;
            } else {
                jp_to_pattern(p, e->b, binding);
            }
        }
        return;
    default:
        break;
    }
    struct js_token t = p->t;
    t.line = n->line;
    t.col = n->col;
    jp_fail_at(p, &t, "syntax", "this cannot be assigned to");
}

/* target [= default] of a declaration or parameter */

static struct ast *
binding_element(struct jp *p)
{
    struct ast *t = jp_binding_target(p);
    if (jp_is(p, '=')) {
        struct ast *d = jp_node(p, AST_DEFAULT);
        jp_next(p);
        d->a = t;
        bool save = p->no_in;
        p->no_in = false;
        d->b = jp_assign(p);
        p->no_in = save;
        return d;
    }
    return t;
}

struct ast *
jp_prop_key(struct jp *p)
{
    struct ast *k;
    if (jp_accept(p, '[')) {
        bool save = p->no_in;
        p->no_in = false;
        k = jp_assign(p);
        p->no_in = save;
        jp_expect(p, ']', "]");
        return k;
    }
    if (p->t.t == JT_IDENT || p->t.t == JT_STR) {
        k = jp_str_node(p, p->t.s);
    } else if (p->t.t == JT_NUM) {
        char buf[TBE_NUMTEXT];
        struct tbe_str s = { buf, tbe_double_js(p->t.num, buf) };
        k = jp_str_node(p, tbe_arena_dup(p->c->a, s));
    } else {
        jp_unexpected(p, "a property name");
        return jp_node(p, AST_NOP);
    }
    jp_next(p);
    return k;
}

/* The elements of n up to `close`: lists, list patterns, parameters. rest reads what stands behind "...". */
void
jp_elements(struct jp *p, struct ast *n, uint32_t close, const char *end, bool holes, jp_fn *element,
    jp_fn *rest)
{
    struct ast *tail = NULL;
    while (!jp_is(p, close) && p->t.t != JT_EOF) {
        struct ast *e;
        if (holes && jp_is(p, ',')) {
            e = jp_node(p, AST_HOLE);
        } else if (jp_is(p, PK3('.', '.', '.'))) {
            e = jp_node(p, AST_SPREAD);
            jp_next(p);
            e->a = rest(p);
        } else {
            e = element(p);
        }
        ast_append(&n->list, &tail, e);
        if (!jp_accept(p, ',')) {
            break;
        }
    }
    jp_expect(p, close, end);
}

static struct ast *
binding_list(struct jp *p)
{
    struct ast *n = jp_node(p, AST_LIST);
    jp_next(p);
    jp_elements(p, n, ']', "]", true, binding_element, jp_binding_target);
    return n;
}

static struct ast *
binding_map(struct jp *p)
{
    struct ast *n = jp_node(p, AST_MAP), *tail = NULL;
    jp_next(p);
    while (!jp_is(p, '}') && p->t.t != JT_EOF) {
        struct ast *e;
        if (jp_is(p, PK3('.', '.', '.'))) {
            e = jp_node(p, AST_SPREAD);
            jp_next(p);
            e->a = jp_binding_target(p);
        } else {
            struct js_token kt = p->t;
            e = jp_node(p, AST_PROP);
            e->a = jp_prop_key(p);
            if (jp_accept(p, ':')) {
                e->b = binding_element(p);
            } else if (kt.t != JT_IDENT || jp_reserved(kt.s)) {
                jp_unexpected(p, ":");
            } else {
                struct ast *v = ast_new(p->c, AST_IDENT, kt.line, kt.col);
                v->s = kt.s;
                e->b = v;
                if (jp_is(p, '=')) {
                    struct ast *d = jp_node(p, AST_DEFAULT);
                    jp_next(p);
                    d->a = v;
                    d->b = jp_assign(p);
                    e->b = d;
                }
            }
        }
        ast_append(&n->list, &tail, e);
        if (!jp_accept(p, ',')) {
            break;
        }
    }
    jp_expect(p, '}', "}");
    return n;
}

struct ast *
jp_binding_target(struct jp *p)
{
    struct ast *n;
    if (!jp_enter(p)) {
        return jp_node(p, AST_NOP);
    }
    if (jp_is(p, '[')) {
        n = binding_list(p);
    } else if (jp_is(p, '{')) {
        n = binding_map(p);
    } else {
        n = jp_ident(p);
    }
    p->depth--;
    return n;
}

/* ---- functions ---- */

void
jp_params(struct jp *p, struct ast *f)
{
    jp_expect(p, '(', "( of the parameters");
    jp_elements(p, f, ')', ") behind the parameters", false, binding_element, jp_binding_target);
}

void
jp_func_body(struct jp *p, struct ast *f)
{
    bool no_in = p->no_in, in_func = p->in_func;
    p->no_in = false;
    p->in_func = true;
    if (!jp_is(p, '{')) {
        jp_unexpected(p, "{ of the function's body");
    }
    f->d = jp_block(p);
    p->no_in = no_in;
    p->in_func = in_func;
}

void
jp_func_src(struct jp *p, struct ast *f, size_t start)
{
    f->src = (struct tbe_str){ p->c->text.p + start, p->prev_end > start ? p->prev_end - start :
        0 };
}

struct ast *
jp_function(struct jp *p, bool decl)
{
    size_t start = p->t.start;
    struct ast *f = jp_node(p, AST_FUNC);
    jp_next(p);
    if (jp_is(p, '*')) {
        jp_fail_at(p, &p->t, "unsupported",
            "generator functions are not supported: return an array instead");
    }
    if (decl || (p->t.t == JT_IDENT && !jp_is(p, '('))) {
        f->s = jp_ident(p)->s;
    }
    jp_params(p, f);
    jp_func_body(p, f);
    jp_func_src(p, f, start);
    return f;
}

/* Does an arrow function start at the current token, "(" or a name? Looks ahead to the "=>". */
bool
jp_arrow_ahead(struct jp *p)
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
            operand = t.t != JT_IDENT || !jp_reserved(t.s);
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

struct ast *
jp_arrow(struct jp *p)
{
    size_t start = p->t.start;
    struct ast *f = jp_node(p, AST_FUNC);
    f->flags = AST_F_ARROW;
    if (jp_is(p, '(')) {
        jp_params(p, f);
    } else {
        f->list = jp_ident(p);
    }
    jp_expect(p, PK2('=', '>'), "=>");
    if (jp_is(p, '{')) {
        jp_func_body(p, f);
    } else {
        f->flags |= AST_F_EXPR_BODY;
        f->d = jp_assign(p);
    }
    jp_func_src(p, f, start);
    return f;
}
