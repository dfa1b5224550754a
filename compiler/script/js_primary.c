/* SPDX-License-Identifier: Apache-2.0 */
/* Primary expressions of JavaScript, calls and properties. */
#include "config.h"
#include "script/js_room.h"

#include <string.h>

/* ---- primary expressions ---- */

static struct ast *
list_literal(struct jp *p)
{
    struct ast *n = jp_node(p, AST_LIST);
    jp_next(p);
    jp_elements(p, n, ']', "]", true, jp_assign, jp_assign);
    return n;
}

static struct ast *
method(struct jp *p, size_t start)
{
    struct ast *f = jp_node(p, AST_FUNC);
    f->flags = AST_F_METHOD;
    jp_params(p, f);
    jp_func_body(p, f);
    jp_func_src(p, f, start);
    return f;
}

static struct ast *
map_member(struct jp *p)
{
    struct ast *e = jp_node(p, AST_PROP);
    if (jp_is(p, PK3('.', '.', '.'))) {
        e->kind = AST_SPREAD;
        jp_next(p);
        e->a = jp_assign(p);
        return e;
    }
    if (jp_is(p, '*')) {
        jp_fail_at(p, &p->t, "unsupported",
            "generator functions are not supported: return an array instead");
    }
    struct js_token kt = p->t;
    bool computed = jp_is(p, '[');
    e->a = jp_prop_key(p);
    bool accessor = kt.t == JT_IDENT && (tbe_str_eqz(kt.s, "get") || tbe_str_eqz(kt.s, "set"));
    if (accessor && !jp_is(p, ':') && !jp_is(p, ',') && !jp_is(p, '}') && !jp_is(p, '(') &&
        !jp_is(p, '=')) {
        size_t start = p->t.start;
        e->flags = tbe_str_eqz(kt.s, "get") ? AST_F_GET : AST_F_SET;
        e->a = jp_prop_key(p);
        e->b = method(p, start);
        return e;
    }
    if (jp_accept(p, ':')) {
        e->b = jp_assign(p);
    } else if (jp_is(p, '(')) {
        e->flags = AST_F_METHOD;
        e->b = method(p, kt.start);
        e->b->s = e->a->kind == AST_LITERAL ? tbe_val_str(e->a->v) : TBE_STR_NONE;
    } else if (computed || kt.t != JT_IDENT || jp_reserved(kt.s)) {
        jp_unexpected(p, ":");
    } else {
        struct ast *v = ast_new(p->c, AST_IDENT, kt.line, kt.col);
        v->s = kt.s;
        e->b = v;
        e->flags = AST_F_SHORT;
        if (jp_is(p, '=')) { /* only legal when this becomes a pattern: the checker looks */
            struct ast *d = jp_node(p, AST_DEFAULT);
            jp_next(p);
            d->a = v;
            d->b = jp_assign(p);
            e->b = d;
        }
    }
    return e;
}

static struct ast *
map_literal(struct jp *p)
{
    struct ast *n = jp_node(p, AST_MAP), *tail = NULL;
    jp_next(p);
    while (!jp_is(p, '}') && p->t.t != JT_EOF) {
        ast_append(&n->list, &tail, map_member(p));
        if (!jp_accept(p, ',')) {
            break;
        }
    }
    jp_expect(p, '}', "}");
    return n;
}

static struct ast *
template(struct jp *p, struct ast *tag)
{
    struct ast *n = jp_node(p, AST_TEMPLATE), *tail = NULL;
    struct js_token tok = p->t;
    struct js_lex after = p->l;
    size_t i = tok.start + 1;
    n->a = tag;
    for (;;) {
        size_t e = js_lex_chunk_end(&p->l, i);
        struct ast *chunk = jp_str_node(p, js_lex_cook(&p->l, i, e, true, tok.line, tok.col));
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
        jp_next(p);
        ast_append(&n->list, &tail, jp_expression(p));
        if (!jp_is(p, '}')) {
            jp_unexpected(p, "}");
            return n;
        }
        i = p->t.end;
    }
    if (!p->c->failed) {
        p->l = after;
        p->prev_end = tok.end;
        p->t.end = tok.end;
        jp_next(p);
    }
    return n;
}

static struct ast *
regex(struct jp *p)
{
    js_lex_regex(&p->l, &p->t);
    struct ast *n = jp_node(p, AST_REGEX);
    n->s = p->t.s;
    n->s2 = p->t.s2;
    if (p->t.t == JT_REGEX) {
        jp_next(p);
    }
    return n;
}

static struct ast *
paren(struct jp *p)
{
    jp_next(p);
    bool save = p->no_in;
    p->no_in = false;
    struct ast *n = jp_expression(p);
    p->no_in = save;
    jp_expect(p, ')', ")");
    n->flags |= AST_F_PAREN;
    return n;
}

static struct ast *
word(struct jp *p)
{
    struct ast *n;
    jp_check_word(p);
    if (jp_is_word(p, "true") || jp_is_word(p, "false")) {
        n = jp_node(p, AST_LITERAL);
        n->v = tbe_bool(jp_is_word(p, "true"));
    } else if (jp_is_word(p, "null")) {
        n = jp_node(p, AST_LITERAL);
        n->v = TBE_NULL_VAL;
    } else if (jp_is_word(p, "this")) {
        n = jp_node(p, AST_THIS);
    } else if (jp_is_word(p, "function")) {
        return jp_function(p, false);
    } else if (jp_is_word(p, "class") || jp_is_word(p, "super")) {
        jp_fail_at(p, &p->t, "unsupported",
            "classes are not supported: write a function that returns an object");
        return jp_node(p, AST_NOP);
    } else if (jp_is_word(p, "import")) {
        jp_fail_at(p, &p->t, "unsupported", "import is not supported: a script stands alone");
        return jp_node(p, AST_NOP);
    } else {
        return jp_ident(p);
    }
    jp_next(p);
    return n;
}

static struct ast *
primary(struct jp *p)
{
    struct ast *n;
    switch (p->t.t) {
    case JT_NUM:
        n = jp_node(p, AST_LITERAL);
        n->v = tbe_double(p->t.num);
        jp_next(p);
        return n;
    case JT_STR:
        n = jp_str_node(p, p->t.s);
        jp_next(p);
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
    jp_unexpected(p, "an expression");
    return jp_node(p, AST_NOP);
}

static void
arguments(struct jp *p, struct ast *call)
{
    struct ast *tail = NULL;
    bool save = p->no_in;
    p->no_in = false;
    jp_next(p);
    while (!jp_is(p, ')') && p->t.t != JT_EOF) {
        struct ast *e;
        if (jp_is(p, PK3('.', '.', '.'))) {
            e = jp_node(p, AST_SPREAD);
            jp_next(p);
            e->a = jp_assign(p);
        } else {
            e = jp_assign(p);
        }
        ast_append(&call->list, &tail, e);
        if (!jp_accept(p, ',')) {
            break;
        }
    }
    p->no_in = save;
    jp_expect(p, ')', ") behind the arguments");
}

static struct ast *
member(struct jp *p, struct ast *obj, uint32_t flags)
{
    struct ast *n = jp_node(p, AST_MEMBER);
    n->a = obj;
    n->flags = flags;
    if (jp_is(p, '#') || p->t.t != JT_IDENT) {
        jp_unexpected(p, "a property name");
        return n;
    }
    n->s = p->t.s;
    jp_next(p);
    return n;
}

static struct ast *
index_of(struct jp *p, struct ast *obj, uint32_t flags)
{
    struct ast *n = jp_node(p, AST_INDEX);
    bool save = p->no_in;
    jp_next(p);
    p->no_in = false;
    n->a = obj;
    n->b = jp_expression(p);
    n->flags = flags;
    p->no_in = save;
    jp_expect(p, ']', "]");
    return n;
}

static struct ast *
postfix_chain(struct jp *p, struct ast *n, bool calls)
{
    bool optional = false;
    for (int steps = 0; p->t.t == JT_PUNCT || p->t.t == JT_TEMPLATE; steps++) {
        if (steps > MAX_CHAIN) {
            jp_fail_at(p, &p->t, "depth", "this chain is too long: split it with a variable");
        }
        if (p->t.t == JT_TEMPLATE) {
            n = template(p, n);
        } else if (jp_accept(p, '.')) {
            n = member(p, n, 0);
        } else if (jp_is(p, '[')) {
            n = index_of(p, n, 0);
        } else if (calls && jp_is(p, '(')) {
            struct ast *c = jp_node(p, AST_CALL);
            c->a = n;
            arguments(p, c);
            n = c;
        } else if (calls && jp_is(p, PK2('?', '.'))) {
            optional = true;
            jp_next(p);
            if (jp_is(p, '(')) {
                struct ast *c = jp_node(p, AST_CALL);
                c->a = n;
                c->flags = AST_F_OPTIONAL;
                arguments(p, c);
                n = c;
            } else if (jp_is(p, '[')) {
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
    struct ast *n = jp_node(p, AST_NEW);
    if (!jp_enter(p)) {
        return n;
    }
    jp_next(p);
    if (jp_is(p, '.')) {
        jp_fail_at(p, &p->t, "unsupported", "new.target is not supported");
    }
    struct ast *callee = jp_is_word(p, "new") ? new_expr(p) : primary(p);
    n->a = postfix_chain(p, callee, false);
    if (jp_is(p, '(')) {
        arguments(p, n);
    }
    p->depth--;
    return n;
}

struct ast *
jp_postfix(struct jp *p)
{
    struct ast *n = jp_is_word(p, "new") ? new_expr(p) : primary(p);
    n = postfix_chain(p, n, true);
    if ((jp_is(p, PK2('+', '+')) || jp_is(p, PK2('-', '-'))) && !p->t.nl_before) {
        struct ast *u = jp_node(p, AST_UPDATE);
        u->op = jp_is(p, PK2('+', '+')) ? OP_ADD : OP_SUB;
        u->a = n;
        if (n->kind == AST_LIST || n->kind == AST_MAP) {
            jp_unexpected(p, "a variable or property");
        }
        jp_to_pattern(p, n, false);
        jp_next(p);
        return u;
    }
    return n;
}
