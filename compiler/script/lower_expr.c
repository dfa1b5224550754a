/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions -> C. What is proven a number is a C double, what is a test is a C bool, the rest are
 * tbe_val and calls of the run time (README.md). Order of evaluation is the script's: an operand that must
 * be evaluated before an effect of a later one goes into a temporary. */
#include "config.h"
#include "script/lower.h"

#include <math.h>
#include <string.h>

#include "script/cwrite.h"

#define MAX_NEST 20 /* nested parentheses; clang allows 256 */
#define MAX_SITE 300 /* bytes of an expression in an error text */

enum { EFFECT_KNOWN = 1 << 20, EFFECT_YES = 1 << 21, THROW_KNOWN = 1 << 22, THROW_YES = 1 << 23 };

static bool
list_effect(struct ast *n)
{
    for (; n != NULL; n = n->next) {
        if (lw_has_effect(n)) {
            return true;
        }
    }
    return false;
}

bool
lw_has_effect(struct ast *n)
{
    if (n == NULL) {
        return false;
    }
    if (!(n->flags & EFFECT_KNOWN)) {
        bool yes = n->kind == AST_ASSIGN || n->kind == AST_UPDATE || n->kind == AST_CALL || n->kind == AST_NEW ||
            n->kind == AST_WITH || (n->kind == AST_UNARY && n->op == OP_DELETE);
        if (!yes && n->kind != AST_FUNC) {
            yes = lw_has_effect(n->a) || lw_has_effect(n->b) || lw_has_effect(n->c) || lw_has_effect(n->d) ||
                list_effect(n->list);
        }
        n->flags |= EFFECT_KNOWN | (yes ? EFFECT_YES : 0);
    }
    return n->flags & EFFECT_YES;
}

/* Reads that may fail with an error which names them: of two, the first must fail first. The script's own
 * parameters are never null. */
static bool
may_throw(struct ast *n)
{
    if (n == NULL || n->kind == AST_FUNC) {
        return false;
    }
    if (!(n->flags & THROW_KNOWN)) {
        bool yes = n->kind == AST_IDENT && (n->var == NULL || n->var->kind == SV_GLOBAL);
        if (n->kind == AST_MEMBER || n->kind == AST_INDEX) {
            const struct sema_var *v = n->a->kind == AST_IDENT ? n->a->var : NULL;
            bool global = n->a->kind == AST_IDENT && v == NULL; /* Math.PI */
            bool param = v != NULL && v->kind == SV_PARAM && v->func->node == NULL;
            yes = !param && !global;
        }
        yes = yes || may_throw(n->a) || may_throw(n->b) || may_throw(n->c) || may_throw(n->d);
        for (struct ast *e = n->list; e != NULL && !yes; e = e->next) {
            yes = may_throw(e);
        }
        n->flags |= THROW_KNOWN | (yes ? THROW_YES : 0);
    }
    return n->flags & THROW_YES;
}

/* ---- small makers ---- */

static struct cx
mk(struct lower *l, enum rep rep, int nest, struct tbe_str t)
{
    struct cx c = { .t = t, .rep = (uint8_t)rep, .nest = (uint16_t)(nest + 1) };
    return c.nest > MAX_NEST ? lw_spill(l, c) : c;
}

static struct cx
stable(enum rep rep, struct tbe_str t)
{
    struct cx c = { .t = t, .rep = (uint8_t)rep, .stable = true };
    return c;
}

struct cx
lw_spill(struct lower *l, struct cx c)
{
    static const char *const types[] = { "tbe_val", "double", "bool" };
    int no = ++l->n_tmp;
    lw_line(l, "const %s t%d = %.*s;", types[c.rep], no, S_(lw_strip(c.t)));
    return stable(c.rep, lw_fmt(l, "t%d", no));
}

struct tbe_str
lw_as_val(struct lower *l, struct cx c)
{
    switch (c.rep) {
    case REP_NUM:
        return lw_fmt(l, "tbe_double(%.*s)", S_(lw_strip(c.t)));
    case REP_BOOL:
        return lw_fmt(l, "tbe_bool(%.*s)", S_(lw_strip(c.t)));
    default:
        return c.t;
    }
}

static struct tbe_str
as_num(struct lower *l, struct cx c)
{
    switch (c.rep) {
    case REP_NUM:
        return c.t;
    case REP_BOOL:
        return lw_fmt(l, "(double)(%.*s)", S_(c.t));
    default:
        return lw_fmt(l, "tbe_j_num(x, %.*s)", S_(c.t));
    }
}

static struct tbe_str
as_cond(struct lower *l, struct cx c)
{
    switch (c.rep) {
    case REP_NUM:
        return lw_fmt(l, "tbe_j_num_truth(%.*s)", S_(c.t));
    case REP_BOOL:
        return c.t;
    default:
        return lw_fmt(l, "%s_truth(x, %.*s)", l->P, S_(c.t));
    }
}

const char *
lw_null(const struct lower *l)
{
    return l->js ? "TBE_UNDEF_VAL" : "TBE_NULL_VAL";
}

struct tbe_str
lw_str(struct lower *l, struct tbe_str s)
{
    struct tbe_buf b = { 0 };
    if (s.n > CW_MAX_LITERAL) {
        int no = ++l->n_consts;
        /* The expression may be lowered once more, or folded away. */
        tbe_buf_fmt(&l->decls, "static const char __attribute__((unused)) %s_text%d[] = ", l->sym, no);
        cw_bytes(&l->decls, s);
        tbe_buf_putz(&l->decls, ";\n");
        tbe_buf_fmt(&b, "((struct tbe_str){ %s_text%d, %zu })", l->sym, no, s.n);
    } else {
        tbe_buf_putz(&b, "TBE_STR(");
        cw_string(&b, s);
        tbe_buf_putc(&b, ')');
    }
    struct tbe_str r = tbe_arena_dup(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return r;
}

struct tbe_str
lw_strval(struct lower *l, struct tbe_str s)
{
    if (s.n > CW_MAX_LITERAL) {
        return lw_fmt(l, "tbe_strv(%.*s)", S_(lw_str(l, s)));
    }
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, cw_is_ascii(s) ? "TBE_LIT(" : "TBE_LIT_WIDE(");
    cw_string(&b, s);
    tbe_buf_putc(&b, ')');
    struct tbe_str r = tbe_arena_dup(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return r;
}

static struct tbe_str
hint(struct lower *l)
{
    return lw_fmt(l, "&%s_h[%d]", l->sym, l->n_hints++);
}

static struct tbe_str
num_text(struct lower *l, double d)
{
    struct tbe_buf b = { 0 };
    cw_double(&b, d);
    struct tbe_str r = tbe_arena_dup(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return r;
}

/* ---- operands in order ---- */

/* Evaluates n expressions left to right. C leaves the order of operands and arguments open, so whatever a
 * later one could disturb, or must not come before, goes into a temporary. */
static void
operands(struct lower *l, int n, struct ast **e, struct cx *out)
{
    for (int i = 0; i < n; i++) {
        struct tbe_buf sub = { 0 }, *save = lw_divert(l, &sub);
        out[i] = lw_expr(l, e[i]);
        lw_divert(l, save);
        bool disturbs = sub.n > 0 || lw_has_effect(e[i]);
        for (int k = 0; k < i; k++) {
            if (!out[k].stable && (disturbs || (!out[i].stable &&
                    (lw_has_effect(e[k]) || (may_throw(e[k]) && may_throw(e[i])))))) {
                out[k] = lw_spill(l, out[k]);
            }
        }
        tbe_buf_puts(l->out, tbe_buf_str(&sub));
        tbe_buf_free(&sub);
    }
}

static int
max_nest(const struct cx *c, int n)
{
    int m = 0;
    for (int i = 0; i < n; i++) {
        m = c[i].nest > m ? c[i].nest : m;
    }
    return m;
}

static int
count(const struct ast *n)
{
    int k = 0;
    for (; n != NULL; n = n->next) {
        k++;
    }
    return k;
}

static bool
has_spread(const struct ast *n)
{
    for (; n != NULL; n = n->next) {
        if (n->kind == AST_SPREAD) {
            return true;
        }
    }
    return false;
}

/* A list built element by element, for spreads and holes: the temporary that holds it. */
static struct tbe_str
spread_list(struct lower *l, struct ast *list)
{
    int no = ++l->n_tmp;
    lw_line(l, "const tbe_val t%d = tbe_j_list(x, 0, NULL);", no);
    for (struct ast *e = list; e != NULL; e = e->next) {
        if (e->kind == AST_HOLE) {
            lw_line(l, "tbe_j_append(x, t%d, TBE_J_HOLE);", no);
        } else if (e->kind == AST_SPREAD) {
            struct tbe_str v = lw_val(l, e->a);
            lw_line(l, "tbe_j_append_all(x, t%d, %.*s);", no, S_(v));
        } else {
            struct tbe_str v = lw_val(l, e);
            lw_line(l, "tbe_j_append(x, t%d, %.*s);", no, S_(v));
        }
    }
    return lw_fmt(l, "t%d", no);
}

struct args {
    struct tbe_str text; /* "2, (const tbe_val[2]){ a, b }" */
    int nest;
};

static struct args
array_of(struct lower *l, struct cx *c, int n)
{
    struct args r = { TBE_STR("0, NULL"), 0 };
    struct tbe_buf b = { 0 };
    if (n == 0) {
        return r;
    }
    tbe_buf_fmt(&b, "%d, (const tbe_val[%d]){ ", n, n); /* with its size: tcc miscounts */
    for (int i = 0; i < n; i++) {
        tbe_buf_puts(&b, lw_as_val(l, c[i]));
        tbe_buf_putz(&b, i + 1 < n ? (i % 16 == 15 ? ",\n        " : ", ") : " }");
    }
    r.text = tbe_arena_dup(l->a, tbe_buf_str(&b));
    r.nest = max_nest(c, n) + 2;
    tbe_buf_free(&b);
    return r;
}

/* The expression `first` (may be NULL) and then the arguments; *fc gets the former. */
static struct args
arguments(struct lower *l, struct ast *first, struct cx *fc, struct ast *list)
{
    int n = count(list), k = first != NULL ? 1 : 0;
    if (has_spread(list)) {
        if (first != NULL) {
            *fc = lw_expr(l, first);
            if (!fc->stable) {
                *fc = lw_spill(l, *fc);
            }
        }
        struct tbe_str t = spread_list(l, list);
        struct args r = { lw_fmt(l, "(int)%.*s.u.l->n, %.*s.u.l->v", S_(t), S_(t)), 1 };
        return r;
    }
    struct ast **e = tbe_arena_alloc(l->a, (size_t)(n + 1) * sizeof(*e));
    struct cx *c = tbe_arena_alloc(l->a, (size_t)(n + 1) * sizeof(*c));
    e[0] = first;
    for (struct ast *p = list; p != NULL; p = p->next) {
        e[k++] = p;
    }
    operands(l, k, e, c);
    if (first != NULL) {
        *fc = c[0];
    }
    return array_of(l, c + (first != NULL ? 1 : 0), n);
}

/* ---- names ---- */

struct tbe_str
lw_var(struct lower *l, struct sema_var *v)
{
    const char *name = lw_var_name(l, v), *fr = l->f->has_try ? "fr->" : "";
    if (v->captured) {
        return lw_fmt(l, "(*%sc_%s)", fr, name);
    }
    return lw_fmt(l, "%sv_%s", fr, name);
}

bool
lw_direct(const struct ast *n)
{
    return n->kind == AST_IDENT && n->var != NULL && n->var->kind == SV_FUNC && n->var->fn != NULL &&
        n->var->fn->func != NULL && n->var->fn->func->is_static;
}

static struct cx
builtin_value(struct lower *l, struct ast *n)
{
    const struct builtin *b = builtin_find(l->src->dialect, TBE_STR(""), n->s);
    if (l->js) {
        if (tbe_str_eqz(n->s, "undefined")) {
            return stable(REP_VAL, TBE_STR("TBE_UNDEF_VAL"));
        }
        if (tbe_str_eqz(n->s, "NaN")) {
            return stable(REP_NUM, TBE_STR("(double)NAN"));
        }
        if (tbe_str_eqz(n->s, "Infinity")) {
            return stable(REP_NUM, TBE_STR("(double)INFINITY"));
        }
        if (b != NULL || builtin_class(l->src->dialect, n->s) || tbe_str_eqz(n->s, "globalThis")) {
            return stable(REP_VAL, lw_fmt(l, "tbe_j_global(x, %.*s, %s)", S_(lw_str(l, n->s)), b ? b->fn : "NULL"));
        }
        return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_not_defined(x, %.*s)", S_(lw_str(l, n->s))));
    }
    /* On a line of its own: what stands before it has its errors first, what stands behind it has not. */
    return lw_spill(l, mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_unresolved(x, %.*s)", S_(lw_str(l, n->s)))));
}

static struct cx
ident(struct lower *l, struct ast *n)
{
    struct sema_var *v = n->var;
    if (v == NULL) {
        return builtin_value(l, n);
    }
    if (lw_direct(n)) {
        return stable(REP_VAL, lw_closure(l, v->fn->func));
    }
    struct tbe_str t = lw_var(l, v);
    if (!l->js && v->kind == SV_PARAM && v->func->node != NULL) { /* may be missing */
        return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_param(x, %.*s, %.*s)", S_(t), S_(lw_site(l, n))));
    }
    if (v->kind == SV_GLOBAL) {
        return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_ref(x, %.*s, %.*s)", S_(t), S_(lw_str(l, n->s))));
    }
    bool once = !v->captured && (v->writes == 0 || (v->writes == 1 && !v->early && v->kind != SV_PARAM));
    struct cx c = { .t = t, .stable = once,
        .rep = l->js && v->type == AT_NUM ? REP_NUM : l->js && v->type == AT_BOOL ? REP_BOOL : REP_VAL };
    return c;
}

/* ---- properties ---- */

struct tbe_str
lw_site(struct lower *l, const struct ast *n)
{
    struct tbe_str s = n == NULL ? TBE_STR("") : n->src.n > 0 ? n->src : n->s;
    struct tbe_buf b = { 0 };
    if (s.n > MAX_SITE) {
        for (s.n = MAX_SITE; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80; s.n--) {
        }
    }
    cw_string(&b, s);
    struct tbe_str r = tbe_arena_dup(l->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return r;
}

/* The object of the property or method n; TBEL's error for none names the whole expression. */
static struct tbe_str
needed(struct lower *l, struct cx o, const struct ast *n)
{
    struct tbe_str t = lw_as_val(l, o);
    return l->js ? t : lw_fmt(l, "tbe_t_need(x, %.*s, %.*s)", S_(t), S_(lw_site(l, n)));
}

static struct cx
get_prop(struct lower *l, struct cx obj, struct tbe_str key, bool safe, const struct ast *at)
{
    struct tbe_str o = needed(l, obj, at);
    if (l->js && tbe_str_eqz(key, "length")) {
        return mk(l, REP_VAL, obj.nest, lw_fmt(l, "tbe_j_length(x, %.*s)", S_(o)));
    }
    return mk(l, REP_VAL, obj.nest, lw_fmt(l, "%s_get%s(x, %.*s, %.*s, %.*s)", l->P, safe ? "_safe" : "", S_(o),
        S_(lw_str(l, key)), S_(hint(l))));
}

/* Class.NAME: a built-in constant. */
static bool
constant(struct lower *l, struct ast *n, struct cx *out)
{
    if (n->kind != AST_MEMBER || n->a->kind != AST_IDENT || n->a->var != NULL) {
        return false;
    }
    int d = l->src->dialect;
    const struct builtin *b = builtin_const(d, n->a->s, n->s);
    const struct builtin *f = builtin_find(d, n->a->s, n->s);
    if (b != NULL) {
        *out = stable(REP_VAL, lw_fmt(l, "%s_const(x, %.*s, %.*s)", l->P, S_(lw_str(l, n->a->s)), S_(lw_str(l, n->s))));
        if (l->js && b->type == AT_NUM) {
            *out = stable(REP_NUM, lw_fmt(l, "%.*s.u.d", S_(out->t)));
        }
        return true;
    }
    if (f != NULL && l->js) {
        *out = stable(REP_VAL, lw_fmt(l, "tbe_j_global(x, %.*s, %s)", S_(lw_str(l, n->s)), f->fn));
        return true;
    }
    if (!l->js && builtin_class(d, n->a->s)) {
        *out = mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_const(x, %.*s, %.*s)", S_(lw_str(l, n->a->s)), S_(lw_str(l, n->s))));
        return true;
    }
    return false;
}

static struct cx
index_op(struct lower *l, struct cx o, struct cx i, const struct ast *at)
{
    int nest = o.nest > i.nest ? o.nest : i.nest;
    if (i.rep == REP_NUM) {
        return mk(l, REP_VAL, nest, lw_fmt(l, "tbe_j_index_num(x, %.*s, %.*s)", S_(lw_as_val(l, o)), S_(i.t)));
    }
    if (!l->js) {
        return mk(l, REP_VAL, nest, lw_fmt(l, "tbe_t_index_at(x, %.*s, %.*s, %.*s)", S_(lw_as_val(l, o)),
            S_(lw_as_val(l, i)), S_(lw_site(l, at))));
    }
    return mk(l, REP_VAL, nest, lw_fmt(l, "tbe_j_index(x, %.*s, %.*s)", S_(lw_as_val(l, o)), S_(lw_as_val(l, i))));
}

static struct cx call(struct lower *l, struct ast *n);

/* A step of an optional or null-safe chain: "nothing there" jumps to the end of the chain. `chain` holds
 * the number of the temporary and label. */
static struct cx
chain_step(struct lower *l, struct ast *n, int no)
{
    if (n->kind != AST_MEMBER && n->kind != AST_INDEX && n->kind != AST_CALL) {
        return lw_expr(l, n);
    }
    if (n->kind == AST_CALL && n->a->kind != AST_MEMBER && n->a->kind != AST_INDEX && !(n->flags & AST_F_OPTIONAL) &&
        n->a->kind != AST_CALL) {
        return lw_expr(l, n);
    }
    if (n->kind == AST_CALL) {
        struct cx self = stable(REP_VAL, TBE_STR("TBE_UNDEF_VAL")), f;
        struct ast *m = n->a;
        bool method = m->kind == AST_MEMBER || m->kind == AST_INDEX;
        if (method && (m->kind != AST_MEMBER || m->a->kind != AST_IDENT || m->a->var != NULL)) {
            self = lw_spill(l, chain_step(l, m->a, no));
            if (m->flags & AST_F_OPTIONAL) {
                lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(self.t), no);
            }
            if (m->kind == AST_MEMBER && !(n->flags & AST_F_OPTIONAL)) {
                struct args a = arguments(l, NULL, NULL, n->list);
                struct cx c = lw_spill(l, mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_method(x, %.*s, %.*s, %.*s)", l->P,
                    S_(needed(l, self, n)), S_(lw_str(l, m->s)), S_(a.text))));
                if (m->flags & AST_F_NULLSAFE) {
                    lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(c.t), no);
                }
                return c;
            }
            f = m->kind == AST_MEMBER ? mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_method_value(x, %.*s, %.*s)",
                S_(lw_as_val(l, self)), S_(lw_str(l, m->s)))) : index_op(l, self, lw_expr(l, m->b), m);
        } else {
            f = chain_step(l, m, no);
        }
        f = lw_spill(l, f);
        if (n->flags & AST_F_OPTIONAL) {
            lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(lw_as_val(l, f)), no);
        }
        struct args a = arguments(l, NULL, NULL, n->list);
        return lw_spill(l, mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_call(x, %.*s, %.*s, %.*s)", l->P,
            S_(lw_as_val(l, f)), S_(lw_as_val(l, self)), S_(a.text))));
    }
    struct cx c;
    if (constant(l, n, &c)) {
        return c;
    }
    struct cx o = lw_spill(l, chain_step(l, n->a, no));
    if (n->flags & AST_F_OPTIONAL) {
        lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(lw_as_val(l, o)), no);
    }
    if (n->kind == AST_MEMBER) {
        c = get_prop(l, o, n->s, n->flags & AST_F_NULLSAFE, n);
        if (n->flags & AST_F_NULLSAFE) {
            c = lw_spill(l, c);
            lw_line(l, "if (tbe_is_null(%.*s)) { goto chain%d; }", S_(c.t), no);
        }
        return c;
    }
    return index_op(l, o, lw_expr(l, n->b), n);
}

static struct cx
chain(struct lower *l, struct ast *n)
{
    int no = ++l->n_tmp;
    lw_line(l, "tbe_val t%d = %s;", no, lw_null(l));
    lw_line(l, "{");
    l->indent++;
    struct cx c = chain_step(l, n->a, no);
    lw_line(l, "t%d = %.*s;", no, S_(lw_as_val(l, c)));
    l->indent--;
    lw_line(l, "}");
    lw_line(l, "goto chain%d; /* keeps the label used */", no);
    lw_line(l, "chain%d:;", no);
    return stable(REP_VAL, lw_fmt(l, "t%d", no));
}

/* ---- calls ---- */

/* Class.prototype.name.call(self, ...) and .apply(self, list) of JavaScript. */
static bool
proto_call(struct lower *l, struct ast *n, struct cx *out)
{
    struct ast *m = n->a; /* X.call */
    if (!l->js || m->kind != AST_MEMBER || m->a->kind != AST_MEMBER || m->a->a->kind != AST_MEMBER ||
        !tbe_str_eqz(m->a->a->s, "prototype") || m->a->a->a->kind != AST_IDENT || m->a->a->a->var != NULL ||
        n->list == NULL) {
        return false;
    }
    bool apply = tbe_str_eqz(m->s, "apply");
    if (!apply && !tbe_str_eqz(m->s, "call")) {
        return false;
    }
    struct cx self;
    struct args a;
    if (apply) {
        struct cx c[2];
        struct ast *e[2] = { n->list, n->list->next };
        operands(l, e[1] ? 2 : 1, e, c);
        self = lw_spill(l, c[0]);
        int no = ++l->n_tmp;
        lw_line(l, "const tbe_val t%d = tbe_j_list(x, 0, NULL);", no);
        if (e[1] != NULL) {
            lw_line(l, "tbe_j_append_all(x, t%d, %.*s);", no, S_(lw_as_val(l, c[1])));
        }
        a.text = lw_fmt(l, "(int)t%d.u.l->n, t%d.u.l->v", no, no);
        a.nest = 1;
    } else {
        a = arguments(l, n->list, &self, n->list->next);
    }
    *out = mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_proto_call(x, %.*s, %.*s, %.*s, %.*s)",
        S_(lw_str(l, m->a->a->a->s)), S_(lw_as_val(l, self)), S_(lw_str(l, m->a->s)), S_(a.text)));
    return true;
}

static struct cx
builtin_call(struct lower *l, struct ast *n, const struct builtin *b)
{
    if (l->js && count(n->list) == 1 && n->list->kind != AST_SPREAD && strncmp(b->fn, "tbe_j_math_", 11) == 0 &&
        sema_type(l->s, n->list) == AT_NUM) {
        static const char *const direct[] = { "abs", "floor", "ceil", "sqrt" };
        for (size_t i = 0; i < sizeof(direct) / sizeof(direct[0]); i++) {
            if (strcmp(b->fn + 11, direct[i]) == 0) {
                struct cx c = lw_expr(l, n->list);
                return mk(l, REP_NUM, c.nest, lw_fmt(l, "%s(%.*s)", i == 0 ? "fabs" : direct[i], S_(as_num(l, c))));
            }
        }
    }
    struct args a = arguments(l, NULL, NULL, n->list);
    const char *fn = b->fn;
    if (!l->js && n->list != NULL && (n->list->kind == AST_MEMBER || n->list->kind == AST_INDEX) &&
        strcmp(fn, "tbe_t_bytes_to_hex") == 0) { /* what is read from a message is taken for a byte[] */
        fn = "tbe_t_bytes_to_hex_any";
    }
    struct tbe_str t = lw_fmt(l, "%s(x, %.*s)", fn, S_(a.text));
    if (l->js && b->type == AT_NUM) {
        return mk(l, REP_NUM, a.nest, lw_fmt(l, "%.*s.u.d", S_(t)));
    }
    return mk(l, REP_VAL, a.nest, t);
}

static struct cx
no_such_static(struct lower *l, struct ast *n)
{
    struct args a = arguments(l, NULL, NULL, n->list);
    if (l->js) {
        return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_no_static(x, %.*s, %.*s, %.*s)", S_(lw_str(l, n->a->a->s)),
            S_(lw_str(l, n->a->s)), S_(a.text)));
    }
    return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_t_no_static(x, %.*s, %.*s, %.*s)",
        S_(lw_str(l, n->a->a->s)), S_(lw_str(l, n->a->s)), S_(a.text)));
}

static struct cx
call_ident(struct lower *l, struct ast *n)
{
    struct ast *f = n->a;
    if (f->var == NULL) {
        const struct builtin *b = builtin_find(l->src->dialect, TBE_STR(""), f->s);
        if (b != NULL) {
            return builtin_call(l, n, b);
        }
        if (!l->js) {
            return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_no_function(x, %.*s)", S_(lw_str(l, f->s))));
        }
    } else if (lw_direct(f)) {
        struct sema_func *fn = f->var->fn->func;
        lw_queue(l, fn);
        struct args a = arguments(l, NULL, NULL, n->list);
        if (!l->js && count(n->list) > count(fn->node->list)) {
            return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_bad_args(x, %.*s)", S_(lw_str(l, n->src))));
        }
        return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_direct(x, %s, %.*s)", fn->cname, S_(a.text)));
    }
    struct cx fc;
    struct args a = arguments(l, f, &fc, n->list);
    return mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_call(x, %.*s, TBE_UNDEF_VAL, %.*s)", l->P, S_(lw_as_val(l, fc)),
        S_(a.text)));
}

static struct cx
call(struct lower *l, struct ast *n)
{
    struct ast *f = n->a;
    struct cx c;
    if (f->kind == AST_IDENT) {
        return call_ident(l, n);
    }
    if (proto_call(l, n, &c)) {
        return c;
    }
    if (f->kind == AST_MEMBER && f->a->kind == AST_IDENT && f->a->var == NULL) {
        const struct builtin *b = builtin_find(l->src->dialect, f->a->s, f->s);
        if (b != NULL) {
            return builtin_call(l, n, b);
        }
        bool fn_method = l->js && (tbe_str_eqz(f->s, "call") || tbe_str_eqz(f->s, "apply") || tbe_str_eqz(f->s, "bind"));
        if (builtin_class(l->src->dialect, f->a->s) && !fn_method) {
            return no_such_static(l, n);
        }
    }
    if (f->kind == AST_MEMBER && l->js && list_effect(n->list) && may_throw(f)) { /* it fails before the arguments */
        c = lw_spill(l, lw_expr(l, f->a));
        lw_line(l, "if (tbe_is_null(%.*s)) {", S_(lw_as_val(l, c)));
        lw_line(l, "    (void)tbe_j_get(x, %.*s, %.*s, %.*s);", S_(lw_as_val(l, c)), S_(lw_str(l, f->s)), S_(hint(l)));
        lw_line(l, "}");
        struct args a = arguments(l, NULL, NULL, n->list);
        return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_method(x, %.*s, %.*s, %.*s)", S_(lw_as_val(l, c)),
            S_(lw_str(l, f->s)), S_(a.text)));
    }
    if (f->kind == AST_MEMBER) {
        struct args a = arguments(l, f->a, &c, n->list);
        return mk(l, REP_VAL, a.nest > c.nest ? a.nest : c.nest, lw_fmt(l, "%s_method(x, %.*s, %.*s, %.*s)", l->P,
            S_(needed(l, c, n)), S_(lw_str(l, f->s)), S_(a.text)));
    }
    if (f->kind == AST_INDEX && l->js) {
        struct cx oi[2];
        operands(l, 2, (struct ast *[]){ f->a, f->b }, oi);
        struct tbe_str o = lw_spill(l, oi[0]).t, i = lw_as_val(l, lw_spill(l, oi[1]));
        struct args a = arguments(l, NULL, NULL, n->list);
        return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_method_at(x, %.*s, %.*s, %.*s)", S_(o), S_(i), S_(a.text)));
    }
    struct args a = arguments(l, f, &c, n->list);
    return mk(l, REP_VAL, a.nest > c.nest ? a.nest : c.nest, lw_fmt(l, "%s_call(x, %.*s, TBE_UNDEF_VAL, %.*s)", l->P,
        S_(lw_as_val(l, c)), S_(a.text)));
}

static struct cx
new_op(struct lower *l, struct ast *n)
{
    if (n->a->kind == AST_IDENT && n->a->var == NULL) {
        struct args a = arguments(l, NULL, NULL, n->list);
        return mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_new(x, %.*s, %.*s)", l->P, S_(lw_str(l, n->a->s)), S_(a.text)));
    }
    if (!l->js) { /* new java.util.Date(): the last name counts */
        struct args a = arguments(l, NULL, NULL, n->list);
        return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_t_new(x, %.*s, %.*s)", S_(lw_str(l, n->a->s)), S_(a.text)));
    }
    struct cx c;
    struct args a = arguments(l, n->a, &c, n->list);
    return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_construct(x, %.*s, %.*s)", S_(lw_as_val(l, c)), S_(a.text)));
}

/* ---- operators ---- */

static const char *
op_name(int op)
{
    static const char *const names[OP_COUNT] = { [OP_ADD] = "add", [OP_SUB] = "sub", [OP_MUL] = "mul",
        [OP_DIV] = "div", [OP_REM] = "rem", [OP_POW] = "pow", [OP_BAND] = "band", [OP_BOR] = "bor",
        [OP_BXOR] = "bxor", [OP_SHL] = "shl", [OP_SHR] = "shr", [OP_USHR] = "ushr", [OP_EQ] = "eq",
        [OP_NE] = "ne", [OP_SEQ] = "seq", [OP_SNE] = "sne", [OP_LT] = "lt", [OP_LE] = "le", [OP_GT] = "gt",
        [OP_GE] = "ge", [OP_CONCAT] = "concat", [OP_MATCH] = "match", [OP_CONTAINS] = "contains",
        [OP_SOUNDSLIKE] = "soundslike", [OP_STRSIM] = "strsim", [OP_SHL_ABS] = "shl_abs" };
    return names[op] ? names[op] : "add";
}

static const char *
c_op(int op)
{
    static const char *const ops[OP_COUNT] = { [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/",
        [OP_SEQ] = "==", [OP_EQ] = "==", [OP_SNE] = "!=", [OP_NE] = "!=", [OP_LT] = "<", [OP_LE] = "<=",
        [OP_GT] = ">", [OP_GE] = ">=" };
    return ops[op];
}

/* a op b for JavaScript values that are already C text. */
static struct cx
js_binary(struct lower *l, int op, struct cx a, struct cx b)
{
    int nest = a.nest > b.nest ? a.nest : b.nest;
    bool nums = a.rep == REP_NUM && b.rep == REP_NUM;
    if (op == OP_ADD && !nums) {
        return mk(l, REP_VAL, nest, lw_fmt(l, "tbe_j_add(x, %.*s, %.*s)", S_(lw_as_val(l, a)), S_(lw_as_val(l, b))));
    }
    if (op <= OP_USHR && l->converts && !nums) { /* both are evaluated, then converted in order */
        a = a.stable ? a : lw_spill(l, a);
        b = b.stable ? b : lw_spill(l, b);
        a = lw_spill(l, mk(l, REP_NUM, 1, as_num(l, a)));
        nest = 1;
    }
    if (op >= OP_ADD && op <= OP_DIV) {
        return mk(l, REP_NUM, nest, lw_fmt(l, "(%.*s %s %.*s)", S_(as_num(l, a)), c_op(op), S_(as_num(l, b))));
    }
    if (op >= OP_REM && op <= OP_USHR) {
        return mk(l, REP_NUM, nest, lw_fmt(l, "tbe_j_%s(%.*s, %.*s)", op_name(op), S_(as_num(l, a)), S_(as_num(l, b))));
    }
    if (op >= OP_EQ && op <= OP_GE) {
        if (nums) {
            return mk(l, REP_BOOL, nest, lw_fmt(l, "(%.*s %s %.*s)", S_(a.t), c_op(op), S_(b.t)));
        }
        return mk(l, REP_BOOL, nest, lw_fmt(l, "tbe_j_%s(x, %.*s, %.*s)", op_name(op), S_(lw_as_val(l, a)),
            S_(lw_as_val(l, b))));
    }
    return mk(l, REP_BOOL, nest, lw_fmt(l, "tbe_j_%s(x, %.*s, %.*s)", op == OP_IN ? "in" : "instanceof",
        S_(lw_as_val(l, a)), S_(lw_as_val(l, b))));
}

static const char *
ladder_tag(enum ast_type t)
{
    switch (t) {
    case AT_Byte: return "TBE_BYTE";
    case AT_Short: return "TBE_SHORT";
    case AT_Integer: return "TBE_INT";
    case AT_Long: return "TBE_LONG";
    case AT_Float: return "TBE_FLOAT";
    default: return "TBE_DOUBLE";
    }
}

/* TBEL: the static types choose the arithmetic (facts/tbel.md 4.1). */
static struct cx
tbel_binary(struct lower *l, struct ast *n, int op, struct ast *an, struct ast *bn, struct cx a, struct cx b)
{
    int nest = a.nest > b.nest ? a.nest : b.nest;
    struct tbe_str A = lw_as_val(l, a), B = lw_as_val(l, b);
    if (op >= OP_EQ && op <= OP_SNE && (an->kind == AST_EMPTY || bn->kind == AST_EMPTY)) {
        return mk(l, REP_BOOL, nest, lw_fmt(l, "(%stbe_t_is_empty(x, %.*s))", op == OP_EQ || op == OP_SEQ ? "" : "!",
            S_(an->kind == AST_EMPTY ? B : A)));
    }
    if (n->kind == AST_BINARY && op == OP_REM && an->kind == AST_IDENT && sema_type(l->s, an) == AT_Integer) {
        return mk(l, REP_VAL, nest, lw_fmt(l, "tbe_t_irem(x, %.*s, %.*s)", S_(A), S_(B)));
    }
    op = op == OP_SEQ ? OP_EQ : op == OP_SNE ? OP_NE : op;
    bool boolean = (op >= OP_EQ && op <= OP_GE) || op == OP_CONTAINS || op == OP_MATCH || op == OP_SOUNDSLIKE;
    const char *variant = "";
    if (n->kind == AST_BINARY && op >= OP_ADD && op <= OP_DIV && !(an->kind == AST_LITERAL && bn->kind == AST_LITERAL)) {
        enum ast_type ta = sema_type(l->s, an), tb = sema_type(l->s, bn);
        if (ta == AT_Integer && tb == AT_Integer) {
            variant = "i";
        } else if (ta >= AT_int && tb >= AT_int && ta != tb) {
            enum ast_type to = sema_type(l->s, n);
            return mk(l, REP_VAL, nest, lw_fmt(l, "tbe_t_s%s(x, %.*s, %.*s, %s)", op_name(op), S_(A), S_(B),
                ladder_tag(to)));
        }
    }
    return mk(l, boolean ? REP_BOOL : REP_VAL, nest, lw_fmt(l, "tbe_t_%s%s(x, %.*s, %.*s)", variant, op_name(op),
        S_(A), S_(B)));
}

/* A type name as TBEL writes it after instanceof: java.util.List -> its text. */
static struct tbe_str
type_name(struct lower *l, const struct ast *n)
{
    if (n->kind == AST_MEMBER) {
        struct tbe_str p = type_name(l, n->a);
        return lw_fmt(l, "%.*s.%.*s", S_(p), S_(n->s));
    }
    return n->kind == AST_IDENT ? n->s : n->kind == AST_LITERAL && n->v.t == TBE_STR_T ? tbe_val_str(n->v) : TBE_STR("");
}

static struct cx
binary(struct lower *l, struct ast *n)
{
    struct cx c[2];
    if (!l->js && (n->op == OP_INSTANCEOF || n->op == OP_CONVERTABLE)) {
        struct cx a = lw_expr(l, n->a);
        return mk(l, REP_BOOL, a.nest, lw_fmt(l, "tbe_t_%s(x, %.*s, %.*s)",
            n->op == OP_INSTANCEOF ? "instanceof" : "convertable", S_(lw_as_val(l, a)),
            S_(lw_str(l, type_name(l, n->b)))));
    }
    if (l->js && n->op == OP_INSTANCEOF && n->b->kind == AST_IDENT && n->b->var == NULL) {
        struct cx a = lw_expr(l, n->a);
        return mk(l, REP_BOOL, a.nest, lw_fmt(l, "tbe_j_is_a(x, %.*s, %.*s)", S_(lw_as_val(l, a)),
            S_(lw_str(l, n->b->s))));
    }
    operands(l, 2, (struct ast *[]){ n->a, n->b }, c);
    return l->js ? js_binary(l, n->op, c[0], c[1]) : tbel_binary(l, n, n->op, n->a, n->b, c[0], c[1]);
}

static struct cx
ternary(struct lower *l, struct tbe_str cond, int nest, struct ast *b, struct ast *c)
{
    struct tbe_buf sb = { 0 }, sc = { 0 }, *save = lw_divert(l, &sb);
    l->indent++;
    struct cx cb = lw_expr(l, b);
    lw_divert(l, &sc);
    struct cx cc = lw_expr(l, c);
    lw_divert(l, save);
    l->indent--;
    enum rep rep = cb.rep == cc.rep ? cb.rep : REP_VAL;
    struct tbe_str B = rep == REP_VAL ? lw_as_val(l, cb) : cb.t, C = rep == REP_VAL ? lw_as_val(l, cc) : cc.t;
    struct cx r;
    if (sb.n == 0 && sc.n == 0) {
        int m = cb.nest > cc.nest ? cb.nest : cc.nest;
        r = mk(l, rep, m > nest ? m : nest, lw_fmt(l, "(%.*s ? %.*s : %.*s)", S_(cond), S_(B), S_(C)));
    } else {
        static const char *const types[] = { "tbe_val", "double", "bool" };
        int no = ++l->n_tmp;
        lw_line(l, "%s t%d;", types[rep], no);
        lw_line(l, "if (%.*s) {", S_(lw_strip(cond)));
        tbe_buf_puts(l->out, tbe_buf_str(&sb));
        lw_line(l, "    t%d = %.*s;", no, S_(B));
        lw_line(l, "} else {");
        tbe_buf_puts(l->out, tbe_buf_str(&sc));
        lw_line(l, "    t%d = %.*s;", no, S_(C));
        lw_line(l, "}");
        r = stable(rep, lw_fmt(l, "t%d", no));
    }
    tbe_buf_free(&sb);
    tbe_buf_free(&sc);
    return r;
}

/* The test that decides whether `a op b` takes b, for a in the temporary t. */
static struct tbe_str
takes_b(struct lower *l, int op, struct cx t)
{
    switch (op) {
    case OP_AND:
        return as_cond(l, t);
    case OP_OR:
        return lw_fmt(l, "!%.*s", S_(as_cond(l, t)));
    case OP_OR_EMPTY:
        return lw_fmt(l, "tbe_t_empty_or(x, %.*s)", S_(lw_as_val(l, t)));
    default:
        return lw_fmt(l, "tbe_is_null(%.*s)", S_(lw_as_val(l, t)));
    }
}

static struct cx
logical(struct lower *l, struct ast *n)
{
    struct cx a = lw_expr(l, n->a);
    struct tbe_buf sb = { 0 }, *save = lw_divert(l, &sb);
    l->indent++;
    struct cx b = lw_expr(l, n->b);
    lw_divert(l, save);
    l->indent--;
    struct cx r;
    bool tests = (n->op == OP_AND || n->op == OP_OR) && (!l->js || (a.rep == REP_BOOL && b.rep == REP_BOOL));
    if (tests && sb.n == 0) {
        int nest = a.nest > b.nest ? a.nest : b.nest;
        struct tbe_str A = as_cond(l, a), B = as_cond(l, b);
        r = mk(l, REP_BOOL, nest, lw_fmt(l, "(%.*s %s %.*s)", S_(A), n->op == OP_AND ? "&&" : "||", S_(B)));
    } else if (tests) {
        int no = ++l->n_tmp;
        lw_line(l, "bool t%d = %.*s;", no, S_(lw_strip(as_cond(l, a))));
        lw_line(l, "if (%st%d) {", n->op == OP_AND ? "" : "!", no);
        tbe_buf_puts(l->out, tbe_buf_str(&sb));
        lw_line(l, "    t%d = %.*s;", no, S_(lw_strip(as_cond(l, b))));
        lw_line(l, "}");
        r = stable(REP_BOOL, lw_fmt(l, "t%d", no));
    } else {
        int no = ++l->n_tmp;
        lw_line(l, "tbe_val t%d = %.*s;", no, S_(lw_as_val(l, a)));
        struct cx t = stable(REP_VAL, lw_fmt(l, "t%d", no));
        lw_line(l, "if (%.*s) {", S_(lw_strip(takes_b(l, n->op, t))));
        tbe_buf_puts(l->out, tbe_buf_str(&sb));
        lw_line(l, "    t%d = %.*s;", no, S_(lw_as_val(l, b)));
        lw_line(l, "}");
        r = t;
    }
    tbe_buf_free(&sb);
    return r;
}

/* a && b where only the truth counts: no value needs to be kept. */
static struct cx
test(struct lower *l, struct ast *n)
{
    if (n->kind == AST_UNARY && n->op == OP_NOT) {
        struct cx c = test(l, n->a);
        return mk(l, REP_BOOL, c.nest, lw_fmt(l, "(!%.*s)", S_(c.t)));
    }
    if (n->kind != AST_LOGICAL || (n->op != OP_AND && n->op != OP_OR)) {
        struct cx c = lw_expr(l, n);
        struct cx r = { .t = as_cond(l, c), .rep = REP_BOOL, .nest = c.nest, .stable = c.stable };
        return r;
    }
    struct cx a = test(l, n->a);
    struct tbe_buf sb = { 0 }, *save = lw_divert(l, &sb);
    l->indent++;
    struct cx b = test(l, n->b);
    lw_divert(l, save);
    l->indent--;
    struct cx r;
    if (sb.n == 0) {
        r = mk(l, REP_BOOL, a.nest > b.nest ? a.nest : b.nest, lw_fmt(l, "(%.*s %s %.*s)", S_(a.t),
            n->op == OP_AND ? "&&" : "||", S_(b.t)));
    } else {
        int no = ++l->n_tmp;
        lw_line(l, "bool t%d = %.*s;", no, S_(lw_strip(a.t)));
        lw_line(l, "if (%st%d) {", n->op == OP_AND ? "" : "!", no);
        tbe_buf_puts(l->out, tbe_buf_str(&sb));
        lw_line(l, "    t%d = %.*s;", no, S_(lw_strip(b.t)));
        lw_line(l, "}");
        r = stable(REP_BOOL, lw_fmt(l, "t%d", no));
    }
    tbe_buf_free(&sb);
    return r;
}

struct tbe_str
lw_cond(struct lower *l, struct ast *n)
{
    struct tbe_str t = test(l, n).t;
    if (l->src->coverage) {
        struct tbe_buf file = { 0 };
        cw_string(&file, tbe_strz(l->src->line_file ? l->src->line_file : "script"));
        t = lw_fmt(l, "TBE_COVER_IF(%.*s, %d, %d, %.*s)", S_(tbe_buf_str(&file)), n->line, n->col, S_(t));
        tbe_buf_free(&file);
    }
    return t;
}

static struct cx
delete_op(struct lower *l, struct ast *n)
{
    struct ast *m = n->a->kind == AST_CHAIN ? n->a->a : n->a;
    struct cx c[2];
    if (m->kind == AST_MEMBER) {
        struct cx o = lw_expr(l, m->a);
        return mk(l, REP_BOOL, o.nest, lw_fmt(l, "tbe_j_delete(x, %.*s, %.*s)", S_(lw_as_val(l, o)),
            S_(lw_strval(l, m->s))));
    }
    if (m->kind == AST_INDEX) {
        operands(l, 2, (struct ast *[]){ m->a, m->b }, c);
        return mk(l, REP_BOOL, 1 + max_nest(c, 2), lw_fmt(l, "tbe_j_delete(x, %.*s, %.*s)", S_(lw_as_val(l, c[0])),
            S_(lw_as_val(l, c[1]))));
    }
    if (m->kind != AST_IDENT) {
        lw_discard(l, m);
    }
    return stable(REP_BOOL, m->kind == AST_IDENT ? TBE_STR("false") : TBE_STR("true"));
}

static struct cx
typeof_op(struct lower *l, struct ast *n)
{
    if (n->a->kind == AST_IDENT && n->a->var != NULL && n->a->var->kind == SV_GLOBAL) {
        return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_typeof(%.*s)", S_(lw_var(l, n->a->var))));
    }
    if (n->a->kind == AST_IDENT && n->a->var == NULL && !tbe_str_eqz(n->a->s, "NaN") &&
        !tbe_str_eqz(n->a->s, "Infinity") && builtin_find(l->src->dialect, TBE_STR(""), n->a->s) == NULL &&
        !builtin_class(l->src->dialect, n->a->s)) {
        return stable(REP_VAL, TBE_STR("TBE_LIT(\"undefined\")"));
    }
    struct cx c = lw_expr(l, n->a);
    return mk(l, REP_VAL, c.nest, lw_fmt(l, "tbe_j_typeof(%.*s)", S_(lw_as_val(l, c))));
}

static struct cx
unary(struct lower *l, struct ast *n)
{
    struct cx c;
    switch (n->op) {
    case OP_NOT:
        return test(l, n);
    case OP_DELETE:
        return delete_op(l, n);
    case OP_TYPEOF:
        return typeof_op(l, n);
    case OP_VOID:
        lw_discard(l, n->a);
        return stable(REP_VAL, TBE_STR("TBE_UNDEF_VAL"));
    default:
        break;
    }
    c = lw_expr(l, n->a);
    if (!l->js) {
        return mk(l, REP_VAL, c.nest, lw_fmt(l, "tbe_t_%s(x, %.*s)", n->op == OP_NEG ? "neg" : "bnot",
            S_(lw_as_val(l, c))));
    }
    if (n->op == OP_PLUS) {
        struct cx r = { .t = as_num(l, c), .rep = REP_NUM, .nest = c.nest, .stable = c.stable && c.rep != REP_VAL };
        return r;
    }
    return mk(l, REP_NUM, c.nest, lw_fmt(l, n->op == OP_NEG ? "(-%.*s)" : "tbe_j_bnot(%.*s)", S_(as_num(l, c))));
}

/* ---- assignment ---- */

static bool
plain_rep(struct lower *l, const struct sema_var *v, enum rep *rep)
{
    *rep = !l->js || v->captured ? REP_VAL : v->type == AT_NUM ? REP_NUM : v->type == AT_BOOL ? REP_BOOL : REP_VAL;
    return *rep != REP_VAL;
}

/* v = value, as an expression. */
static struct cx
set_var(struct lower *l, struct ast *id, struct cx value, bool decl)
{
    struct sema_var *v = id->var;
    enum rep rep;
    if (!decl && v->kind == SV_CONST) {
        return mk(l, REP_VAL, value.nest, lw_fmt(l, "tbe_j_assign_const(x, %.*s)", S_(lw_as_val(l, value))));
    }
    plain_rep(l, v, &rep);
    struct tbe_str t = rep == REP_NUM ? as_num(l, value) : rep == REP_BOOL && value.rep == REP_BOOL ? value.t :
        rep == REP_BOOL ? as_cond(l, value) : lw_as_val(l, value);
    return mk(l, rep, value.nest, lw_fmt(l, "(%.*s = %.*s)", S_(lw_var(l, v)), S_(lw_strip(t))));
}

static struct cx
combine(struct lower *l, struct ast *n, struct cx old, struct cx value)
{
    if (l->js) {
        return js_binary(l, n->op, old, value);
    }
    return tbel_binary(l, n, n->op, n->a, n->b ? n->b : n->a, old, value);
}

/* A place: object and key evaluated once. */
struct place {
    struct tbe_str obj, key; /* key: struct tbe_str for MEMBER, tbe_val or double for INDEX */
    bool member, num;
    const struct ast *at;
};

static void
store(struct lower *l, const struct place *p, struct tbe_str v)
{
    if (!l->js && p->member) {
        lw_line(l, "tbe_t_put(x, %.*s, %.*s, %.*s, %.*s);", S_(p->obj), S_(p->key), S_(v), S_(lw_site(l, p->at->a)));
        return;
    }
    lw_line(l, "%s_put%s(x, %.*s, %.*s, %.*s);", l->P, p->member ? "" : p->num ? "_index_num" : "_index", S_(p->obj),
        S_(p->key), S_(v));
}

static struct cx
load(struct lower *l, const struct place *p)
{
    struct cx o = stable(REP_VAL, p->obj);
    if (p->member) {
        if (l->js && p->key.n > 0) {
            return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_get(x, %.*s, %.*s, %.*s)", S_(p->obj), S_(p->key), S_(hint(l))));
        }
        return mk(l, REP_VAL, 1, lw_fmt(l, "%s_get(x, %.*s, %.*s, NULL)", l->P, S_(needed(l, o, p->at)), S_(p->key)));
    }
    struct cx i = stable(p->num ? REP_NUM : REP_VAL, p->key);
    return index_op(l, o, i, p->at);
}

/* The place n (MEMBER or INDEX); followed, when given, by the value in *value, in order. */
static struct place
place(struct lower *l, struct ast *n, struct ast *value, struct cx *vc)
{
    struct place p = { .member = n->kind == AST_MEMBER, .at = n };
    struct ast *e[3] = { n->a, n->b, value };
    struct cx c[3];
    if (p.member) {
        e[1] = value;
    }
    int k = (p.member ? 1 : 2) + (value != NULL ? 1 : 0);
    operands(l, k, e, c);
    struct cx o = value != NULL || c[0].stable ? c[0] : lw_spill(l, c[0]);
    p.obj = lw_as_val(l, o);
    if (p.member) {
        p.key = lw_str(l, n->s);
    } else {
        struct cx i = value != NULL || c[1].stable ? c[1] : lw_spill(l, c[1]);
        p.num = i.rep == REP_NUM;
        p.key = p.num ? i.t : lw_as_val(l, i);
    }
    if (value != NULL) {
        *vc = c[k - 1];
    }
    return p;
}

static struct cx
assign_logical(struct lower *l, struct ast *n)
{
    int no = ++l->n_tmp;
    struct place p = { 0 };
    struct cx old;
    if (n->a->kind == AST_IDENT) {
        old = lw_expr(l, n->a);
    } else {
        p = place(l, n->a, NULL, NULL);
        old = load(l, &p);
    }
    lw_line(l, "tbe_val t%d = %.*s;", no, S_(lw_as_val(l, old)));
    struct cx t = stable(REP_VAL, lw_fmt(l, "t%d", no));
    lw_line(l, "if (%.*s) {", S_(lw_strip(takes_b(l, n->op, t))));
    l->indent++;
    struct tbe_str v = lw_val(l, n->b);
    lw_line(l, "t%d = %.*s;", no, S_(v));
    if (n->a->kind != AST_IDENT) {
        store(l, &p, t.t);
    } else if (n->a->var != NULL) {
        lw_line(l, "%.*s;", S_(lw_strip(set_var(l, n->a, t, false).t)));
    }
    l->indent--;
    lw_line(l, "}");
    return t;
}

static struct cx
assign(struct lower *l, struct ast *n, bool want)
{
    struct cx v;
    if (n->op >= OP_AND && n->op <= OP_OR_EMPTY) {
        return assign_logical(l, n);
    }
    if (n->a->kind == AST_LIST || n->a->kind == AST_MAP) {
        v = lw_spill(l, lw_expr(l, n->b));
        lw_bind(l, n->a, v, false);
        return v;
    }
    if (n->a->kind == AST_IDENT) {
        if (n->a->var == NULL) { /* TBEL: compound assignment of nothing */
            return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_no_variable(x, %.*s)", S_(lw_str(l, n->a->s))));
        }
        if (n->op == OP_NONE) {
            return set_var(l, n->a, lw_expr(l, n->b), false);
        }
        struct cx c[2];
        operands(l, 2, (struct ast *[]){ n->a, n->b }, c);
        return set_var(l, n->a, combine(l, n, c[0], c[1]), false);
    }
    if (n->a->kind != AST_MEMBER && n->a->kind != AST_INDEX) {
        lw_discard(l, n->a);
        return lw_expr(l, n->b);
    }
    struct place p;
    if (n->op == OP_NONE) {
        p = place(l, n->a, n->b, &v);
    } else {
        p = place(l, n->a, NULL, NULL);
        struct cx old = lw_spill(l, load(l, &p));
        v = combine(l, n, old, lw_expr(l, n->b));
    }
    if (want && !v.stable) {
        /* object and key come before the value in the text, and are read only by the store */
        v = lw_spill(l, v);
    }
    store(l, &p, lw_as_val(l, v));
    return v;
}

static struct cx
update(struct lower *l, struct ast *n, bool want)
{
    bool prefix = (n->flags & AST_F_PREFIX) || !want;
    const char *sign = n->op == OP_ADD ? "+" : "-";
    struct ast *t = n->a;
    struct place p = { 0 };
    struct cx old;
    if (t->kind == AST_IDENT) {
        enum rep rep = REP_VAL;
        if (t->var == NULL) {
            return builtin_value(l, t);
        }
        if (plain_rep(l, t->var, &rep) && rep == REP_NUM && t->var->kind != SV_CONST) {
            struct tbe_str v = lw_var(l, t->var);
            return prefix ? mk(l, REP_NUM, 1, lw_fmt(l, "(%.*s %s= 1.0)", S_(v), sign)) :
                mk(l, REP_NUM, 1, lw_fmt(l, "(%.*s%s%s)", S_(v), sign, sign));
        }
        old = lw_expr(l, t);
    } else {
        p = place(l, t, NULL, NULL);
        old = load(l, &p);
    }
    struct cx now;
    if (l->js) {
        if (!prefix) {
            old.t = as_num(l, old);
            old.rep = REP_NUM;
            old = lw_spill(l, old);
        }
        now = mk(l, REP_NUM, old.nest, lw_fmt(l, "(%.*s %s 1.0)", S_(as_num(l, old)), sign));
    } else {
        if (!prefix) {
            old = lw_spill(l, old);
        }
        now = mk(l, REP_VAL, old.nest, lw_fmt(l, "tbe_t_inc(x, %.*s, %s1)", S_(lw_as_val(l, old)), sign));
    }
    if (t->kind == AST_IDENT) {
        struct cx set = set_var(l, t, now, false);
        if (prefix) {
            return set;
        }
        lw_line(l, "%.*s;", S_(lw_strip(set.t)));
        return old;
    }
    if (want && prefix) {
        now = lw_spill(l, now);
    }
    store(l, &p, lw_as_val(l, now));
    return prefix ? now : old;
}

/* ---- patterns ---- */

static void
bind_list(struct lower *l, struct ast *t, struct cx v, bool decl)
{
    int it = ++l->n_tmp, no = 0;
    lw_line(l, "const tbe_val t%d = tbe_j_spread(x, %.*s);", it, S_(lw_as_val(l, v)));
    for (struct ast *e = t->list; e != NULL; e = e->next, no++) {
        if (e->kind == AST_HOLE) {
            continue;
        }
        if (e->kind == AST_SPREAD) {
            lw_bind(l, e->a, lw_spill(l, mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_rest(x, t%d, %d)", it, no))), decl);
        } else {
            lw_bind(l, e, mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_index_num(x, t%d, %d)", it, no)), decl);
        }
    }
}

static void
bind_map(struct lower *l, struct ast *t, struct cx v, bool decl)
{
    struct tbe_str o = lw_as_val(l, v);
    struct tbe_buf seen = { 0 };
    int n = 0;
    lw_line(l, "tbe_j_coercible(x, %.*s);", S_(o));
    for (struct ast *e = t->list; e != NULL; e = e->next) {
        if (e->kind == AST_SPREAD) {
            struct tbe_str r = n == 0 ? lw_fmt(l, "tbe_j_omit(x, %.*s, 0, NULL)", S_(o)) :
                lw_fmt(l, "tbe_j_omit(x, %.*s, %d, (const tbe_val[%d]){ %.*s })", S_(o), n, n, S_(tbe_buf_str(&seen)));
            lw_bind(l, e->a, lw_spill(l, mk(l, REP_VAL, 2, r)), decl);
            break;
        }
        struct cx k = lw_expr(l, e->a);
        if (!k.stable) {
            k = lw_spill(l, k);
        }
        tbe_buf_fmt(&seen, "%s%.*s", n++ ? ", " : "", S_(lw_as_val(l, k)));
        lw_bind(l, e->b, mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_index(x, %.*s, %.*s)", S_(o), S_(lw_as_val(l, k)))), decl);
    }
    tbe_buf_free(&seen);
}

void
lw_bind(struct lower *l, struct ast *t, struct cx v, bool decl)
{
    switch (t->kind) {
    case AST_IDENT:
        if (t->var != NULL) {
            lw_line(l, "%.*s;", S_(lw_strip(set_var(l, t, v, decl).t)));
        }
        return;
    case AST_DEFAULT: {
        int no = ++l->n_tmp;
        lw_line(l, "tbe_val t%d = %.*s;", no, S_(lw_as_val(l, v)));
        lw_line(l, "if (t%d.t == TBE_UNDEF) {", no);
        l->indent++;
        struct tbe_str d = lw_val(l, t->b);
        lw_line(l, "t%d = %.*s;", no, S_(d));
        l->indent--;
        lw_line(l, "}");
        lw_bind(l, t->a, stable(REP_VAL, lw_fmt(l, "t%d", no)), decl);
        return;
    }
    case AST_LIST:
        bind_list(l, t, v.stable ? v : lw_spill(l, v), decl);
        return;
    case AST_MAP:
        bind_map(l, t, v.stable ? v : lw_spill(l, v), decl);
        return;
    case AST_MEMBER:
    case AST_INDEX: {
        struct cx s = v.stable ? v : lw_spill(l, v);
        struct place p = place(l, t, NULL, NULL);
        store(l, &p, lw_as_val(l, s));
        return;
    }
    default:
        return;
    }
}

/* ---- literals ---- */

static struct cx
literal(struct lower *l, struct ast *n)
{
    switch (n->v.t) {
    case TBE_BOOL:
        return stable(REP_BOOL, n->v.u.i ? TBE_STR("true") : TBE_STR("false"));
    case TBE_STR_T:
        return stable(REP_VAL, lw_strval(l, tbe_val_str(n->v)));
    case TBE_DOUBLE:
        return l->js ? stable(REP_NUM, num_text(l, n->v.u.d)) :
            stable(REP_VAL, lw_fmt(l, "tbe_double(%.*s)", S_(num_text(l, n->v.u.d))));
    case TBE_INT:
        return stable(REP_VAL, n->v.u.i == INT32_MIN ? TBE_STR("tbe_int(INT32_MIN)") :
            lw_fmt(l, "tbe_int(%d)", (int)n->v.u.i));
    case TBE_LONG:
        return stable(REP_VAL, n->v.u.i == INT64_MIN ? TBE_STR("tbe_long(INT64_MIN)") :
            lw_fmt(l, "tbe_long(INT64_C(%lld))", (long long)n->v.u.i));
    case TBE_FLOAT:
        return stable(REP_VAL, lw_fmt(l, "((tbe_val){ .t = TBE_FLOAT, .u = { .d = %.*s } })",
            S_(num_text(l, n->v.u.d))));
    case TBE_BIGINT:
    case TBE_BIGDEC: {
        struct tbe_str s = lw_strval(l, tbe_val_str(n->v));
        return stable(REP_VAL, lw_fmt(l, "tbe_retag(%.*s, %s)", S_(s), n->v.t == TBE_BIGINT ? "TBE_BIGINT" : "TBE_BIGDEC"));
    }
    default:
        return stable(REP_VAL, TBE_STR("TBE_NULL_VAL"));
    }
}

static struct cx
list_literal(struct lower *l, struct ast *n)
{
    bool plain = !has_spread(n->list);
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        plain = plain && e->kind != AST_HOLE;
    }
    if (!plain || count(n->list) > 1000) {
        if (!l->js) { /* too long for one initialiser */
            int no = ++l->n_tmp;
            lw_line(l, "const tbe_val t%d = tbe_t_list(x, 0, NULL);", no);
            for (struct ast *e = n->list; e != NULL; e = e->next) {
                struct tbe_str v = lw_val(l, e);
                lw_line(l, "tbe_list_push(x->a, t%d.u.l, %.*s);", no, S_(v));
            }
            return stable(REP_VAL, lw_fmt(l, "t%d", no));
        }
        return stable(REP_VAL, spread_list(l, n->list));
    }
    struct args a = arguments(l, NULL, NULL, n->list);
    return mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_list(x, %.*s)", l->P, S_(a.text)));
}

static struct cx
map_steps(struct lower *l, struct ast *n)
{
    int no = ++l->n_tmp;
    lw_line(l, "const tbe_val t%d = %s_map(x, 0, NULL, NULL);", no, l->P);
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        if (e->kind == AST_SPREAD) {
            struct tbe_str v = lw_val(l, e->a);
            lw_line(l, "tbe_j_assign_props(x, t%d, %.*s);", no, S_(v));
        } else {
            struct cx c[2];
            operands(l, 2, (struct ast *[]){ e->a, e->b }, c);
            lw_line(l, "%s_put_index(x, t%d, %.*s, %.*s);", l->P, no, S_(lw_as_val(l, c[0])), S_(lw_as_val(l, c[1])));
        }
    }
    return stable(REP_VAL, lw_fmt(l, "t%d", no));
}

static struct cx
map_literal(struct lower *l, struct ast *n)
{
    int k = 0, total = count(n->list);
    bool strings = true, plain = total <= 500;
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        plain = plain && e->kind != AST_SPREAD;
        strings = strings && e->kind == AST_PROP && e->a->kind == AST_LITERAL && e->a->v.t == TBE_STR_T;
    }
    if (total == 0) {
        return mk(l, REP_VAL, 0, lw_fmt(l, "%s_map(x, 0, NULL, NULL)", l->P));
    }
    if (!plain || (l->js && !strings)) {
        return map_steps(l, n);
    }
    struct ast **e = tbe_arena_alloc(l->a, 2 * (size_t)total * sizeof(*e));
    struct cx *c = tbe_arena_alloc(l->a, 2 * (size_t)total * sizeof(*c));
    if (!strings) {
        for (struct ast *p = n->list; p != NULL; p = p->next) {
            e[k++] = p->a;
        }
    }
    for (struct ast *p = n->list; p != NULL; p = p->next) {
        e[k++] = p->b;
    }
    operands(l, k, e, c);
    struct args vals = array_of(l, c + (k - total), total);
    struct tbe_buf b = { 0 };
    if (strings) {
        int i = 0;
        tbe_buf_fmt(&b, "%s_map(x, %d, (const struct tbe_str[%d]){ ", l->P, total, total);
        for (struct ast *p = n->list; p != NULL; p = p->next, i++) {
            struct tbe_str key = tbe_val_str(p->a->v);
            if (key.n > CW_MAX_LITERAL) {
                tbe_buf_puts(&b, lw_str(l, key));
            } else {
                tbe_buf_putz(&b, "TBE_STR(");
                cw_string(&b, key);
                tbe_buf_putc(&b, ')');
            }
            tbe_buf_putz(&b, i + 1 < total ? (i % 8 == 7 ? ",\n        " : ", ") : " }");
        }
    } else {
        struct args keys = array_of(l, c, total);
        tbe_buf_fmt(&b, "%s_map_vals(x, %.*s", l->P, S_(keys.text));
    }
    const char *comma = memchr(vals.text.p, ',', vals.text.n); /* the count is given already */
    tbe_buf_fmt(&b, "%.*s)", (int)(vals.text.p + vals.text.n - comma), comma);
    struct cx r = mk(l, REP_VAL, vals.nest + 1, tbe_arena_dup(l->a, tbe_buf_str(&b)));
    tbe_buf_free(&b);
    return r;
}

static struct cx
template(struct lower *l, struct ast *n)
{
    if (n->a != NULL) {
        return mk(l, REP_VAL, 1, TBE_STR("(tbe_throw(x, \"tagged templates are not supported\"), TBE_UNDEF_VAL)"));
    }
    struct args a = arguments(l, NULL, NULL, n->list);
    return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_template(x, %.*s)", S_(a.text)));
}

static struct cx
sequence(struct lower *l, struct ast *n)
{
    struct ast *e = n->list;
    for (; e->next != NULL; e = e->next) {
        lw_discard(l, e);
    }
    return lw_expr(l, e);
}

/* (projection in source if condition) of TBEL */
static struct cx
fold(struct lower *l, struct ast *n)
{
    struct tbe_str src = lw_val(l, n->b);
    int no = ++l->n_tmp, it = ++l->n_tmp;
    lw_line(l, "const tbe_val t%d = tbe_t_list(x, 0, NULL);", no);
    lw_line(l, "struct tbe_iter t%d;", it);
    lw_line(l, "tbe_t_iter(x, &t%d, %.*s, %.*s);", it, S_(src), S_(lw_site(l, n->b)));
    lw_declare_scope(l, n->scope);
    lw_line(l, "while (tbe_t_next(x, &t%d, &%.*s)) {", it, S_(lw_var(l, n->var)));
    l->indent++;
    lw_line(l, "tbe_burn(x);");
    if (n->c != NULL) {
        struct tbe_str c = lw_cond(l, n->c);
        lw_line(l, "if (!%.*s) { continue; }", S_(c));
    }
    struct tbe_str v = lw_val(l, n->a);
    lw_line(l, "tbe_list_push(x->a, t%d.u.l, %.*s);", no, S_(v));
    l->indent--;
    lw_line(l, "}");
    return stable(REP_VAL, lw_fmt(l, "t%d", no));
}

static struct cx
with(struct lower *l, struct ast *n)
{
    struct cx o = lw_spill(l, lw_expr(l, n->a));
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        struct tbe_str v = lw_val(l, e->b);
        lw_line(l, "tbe_t_put(x, %.*s, %.*s, %.*s, %.*s);", S_(lw_as_val(l, o)), S_(lw_str(l, e->a->s)), S_(v),
            S_(lw_site(l, n->a)));
    }
    return o;
}

static struct cx
new_array(struct lower *l, struct ast *n)
{
    if (n->a != NULL) {
        struct cx c = lw_expr(l, n->a);
        return mk(l, REP_VAL, c.nest, lw_fmt(l, "tbe_t_new_array(x, %.*s, %.*s)", S_(lw_str(l, n->s)),
            S_(lw_as_val(l, c))));
    }
    struct args a = arguments(l, NULL, NULL, n->list);
    return mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_t_array_of(x, %.*s, %.*s)", S_(lw_str(l, n->s)), S_(a.text)));
}

static struct cx
self_value(struct lower *l)
{
    if (l->f->node == NULL) {
        return stable(REP_VAL, TBE_STR("TBE_UNDEF_VAL"));
    }
    return stable(REP_VAL, l->f->has_try ? TBE_STR("fr->self") : TBE_STR("self"));
}

static struct cx
member(struct lower *l, struct ast *n)
{
    struct cx c;
    if (constant(l, n, &c)) {
        return c;
    }
    if (n->flags & AST_F_NULLSAFE) { /* a parser may leave the CHAIN out around a single step */
        struct ast ch = { .kind = AST_CHAIN, .a = n };
        return chain(l, &ch);
    }
    return get_prop(l, lw_expr(l, n->a), n->s, false, n);
}

static struct cx
index_expr(struct lower *l, struct ast *n)
{
    struct cx c[2];
    operands(l, 2, (struct ast *[]){ n->a, n->b }, c);
    if (n->b->kind == AST_LITERAL && n->b->v.t == TBE_STR_T && l->js) {
        return get_prop(l, c[0], tbe_val_str(n->b->v), false, n);
    }
    return index_op(l, c[0], c[1], n);
}

static struct cx
cond(struct lower *l, struct ast *n)
{
    if (!l->js) {
        struct cx c = lw_expr(l, n->a);
        struct tbe_str t = c.rep == REP_BOOL ? c.t : lw_fmt(l, "tbe_t_cond(x, %.*s)", S_(lw_as_val(l, c)));
        return ternary(l, t, c.nest, n->b, n->c);
    }
    struct cx t = test(l, n->a);
    return ternary(l, t.t, t.nest, n->b, n->c);
}

struct cx
lw_expr(struct lower *l, struct ast *n)
{
    struct cx c;
    switch (n->kind) {
    case AST_LITERAL:
        return literal(l, n);
    case AST_EMPTY:
        return stable(REP_VAL, TBE_STR("TBE_NULL_VAL"));
    case AST_IDENT:
        return ident(l, n);
    case AST_THIS:
        return self_value(l);
    case AST_TEMPLATE:
        return template(l, n);
    case AST_REGEX:
        return mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_regex(x, %.*s, %.*s)", S_(lw_str(l, n->s)), S_(lw_str(l, n->s2))));
    case AST_LIST:
        return list_literal(l, n);
    case AST_MAP:
        return map_literal(l, n);
    case AST_FUNC:
        return mk(l, REP_VAL, 2, lw_closure(l, n->func));
    case AST_MEMBER:
        return member(l, n);
    case AST_INDEX:
        return index_expr(l, n);
    case AST_CALL:
        return call(l, n);
    case AST_CHAIN:
        return chain(l, n);
    case AST_NEW:
        return new_op(l, n);
    case AST_NEW_ARRAY:
        return new_array(l, n);
    case AST_UNARY:
        return unary(l, n);
    case AST_BINARY:
        return binary(l, n);
    case AST_LOGICAL:
        return logical(l, n);
    case AST_ASSIGN:
        c = assign(l, n, true);
        return c.stable ? c : lw_spill(l, c); /* a C assignment inside an expression is ordered by nothing */
    case AST_UPDATE:
        c = update(l, n, true);
        return c.stable ? c : lw_spill(l, c);
    case AST_COND:
        return cond(l, n);
    case AST_SEQ:
        return sequence(l, n);
    case AST_CAST:
        c = lw_expr(l, n->a);
        return mk(l, REP_VAL, c.nest, lw_fmt(l, "tbe_t_cast(x, %.*s, %.*s)", S_(lw_str(l, n->s)), S_(lw_as_val(l, c))));
    case AST_ISDEF:
        return stable(REP_BOOL, n->a->kind == AST_IDENT && n->a->var != NULL ? TBE_STR("true") : TBE_STR("false"));
    case AST_FOLD:
        return fold(l, n);
    case AST_WITH:
        return with(l, n);
    default:
        ast_error(l->s->c, n->line, n->col, "unsupported", "this cannot be compiled here");
        return stable(REP_VAL, TBE_STR("TBE_NULL_VAL"));
    }
}

struct tbe_str
lw_val(struct lower *l, struct ast *n)
{
    return lw_as_val(l, lw_expr(l, n));
}

void
lw_discard(struct lower *l, struct ast *n)
{
    if (n->kind == AST_SEQ) {
        for (struct ast *e = n->list; e != NULL; e = e->next) {
            lw_discard(l, e);
        }
        return;
    }
    struct cx c = n->kind == AST_ASSIGN ? assign(l, n, false) : n->kind == AST_UPDATE ? update(l, n, false) :
        lw_expr(l, n);
    if (n->kind == AST_ASSIGN && c.t.n > 0 && c.t.p[0] == '(' && n->a->kind == AST_IDENT && n->op < OP_AND) {
        lw_line(l, "%.*s;", S_(lw_strip(c.t)));
    } else if (n->kind == AST_UPDATE && n->a->kind == AST_IDENT && c.t.p[0] == '(') {
        lw_line(l, "%.*s;", S_(lw_strip(c.t)));
    } else if (!(c.stable && !lw_has_effect(n)) && !(n->kind == AST_ASSIGN && n->a->kind != AST_IDENT) &&
        !(n->kind == AST_UPDATE && n->a->kind != AST_IDENT)) {
        lw_line(l, "(void)%.*s;", S_(c.t));
    }
}
