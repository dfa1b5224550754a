/* SPDX-License-Identifier: Apache-2.0 */
/* Assignment, ++ and --, and patterns -> C. */
#include "config.h"
#include "script/lower_expr.h"

static bool
lw_plain_rep(struct lower *l, const struct sema_var *v, enum rep *rep)
{
    *rep = v->counter ? REP_INT : !l->js || v->captured ? REP_VAL : v->type == AT_NUM ? REP_NUM :
        v->type == AT_BOOL ? REP_BOOL : REP_VAL;
    return *rep != REP_VAL;
}

/* v = value, as an expression. */
static struct cx
lw_set_var(struct lower *l, struct ast *id, struct cx value, bool decl)
{
    struct sema_var *v = id->var;
    enum rep rep;
    if (!decl && v->kind == SV_CONST) {
        return lw_mk(l, REP_VAL, value.nest, lw_fmt(l, "tbe_j_assign_const(x, %.*s)",
            S_(lw_as_val(l, value))));
    }
    lw_plain_rep(l, v, &rep);
    struct tbe_str t = rep == REP_INT ? value.rep == REP_INT ? value.t :
        lw_fmt(l, "(int32_t)%.*s.u.i", S_(value.t)) :
        rep == REP_NUM ? lw_as_num(l, value) : rep == REP_BOOL && value.rep == REP_BOOL ? value.t :
        rep == REP_BOOL ? lw_as_cond(l, value) : lw_as_val(l, value);
    return lw_mk(l, rep, value.nest, lw_fmt(l, "(%.*s = %.*s)", S_(lw_var(l, v)), S_(lw_strip(t))));
}

static struct cx
combine(struct lower *l, struct ast *n, struct cx old, struct cx value)
{
    if (l->js) {
        return lw_js_binary(l, n->op, old, value);
    }
    return lw_tbel_binary(l, n, n->op, n->a, n->b ? n->b : n->a, old, value);
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
        lw_line(l, "tbe_t_put(x, %.*s, %.*s, %.*s, %.*s);", S_(p->obj), S_(p->key), S_(v),
            S_(lw_site(l, p->at->a)));
        return;
    }
    lw_line(l, "%s_put%s(x, %.*s, %.*s, %.*s);", l->P, p->member ? "" : p->num ? "_index_num" :
        "_index", S_(p->obj),
        S_(p->key), S_(v));
}

static struct cx
load(struct lower *l, const struct place *p)
{
    struct cx o = lw_stable(REP_VAL, p->obj);
    if (p->member) {
        if (l->js && p->key.n > 0) {
            return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_get(x, %.*s, %.*s, %.*s)", S_(p->obj),
                S_(p->key), S_(lw_hint(l))));
        }
        return lw_mk(l, REP_VAL, 1, lw_fmt(l, "%s_get(x, %.*s, %.*s, NULL)", l->P,
            S_(lw_needed(l, o, p->at)), S_(p->key)));
    }
    struct cx i = lw_stable(p->num ? REP_NUM : REP_VAL, p->key);
    return lw_index_op(l, o, i, p->at);
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
    lw_operands(l, k, e, c);
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
    struct cx t = lw_stable(REP_VAL, lw_fmt(l, "t%d", no));
    lw_line(l, "if (%.*s) {", S_(lw_strip(lw_takes_b(l, n->op, t))));
    l->indent++;
    struct tbe_str v = lw_val(l, n->b);
    lw_line(l, "t%d = %.*s;", no, S_(v));
    if (n->a->kind != AST_IDENT) {
        store(l, &p, t.t);
    } else if (n->a->var != NULL) {
        lw_line(l, "%.*s;", S_(lw_strip(lw_set_var(l, n->a, t, false).t)));
    }
    l->indent--;
    lw_line(l, "}");
    return t;
}

struct cx
lw_assign(struct lower *l, struct ast *n, bool want)
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
            return lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_t_no_variable(x, %.*s)",
                S_(lw_str(l, n->a->s))));
        }
        if (n->op == OP_NONE) {
            return lw_set_var(l, n->a, lw_expr(l, n->b), false);
        }
        struct cx c[2];
        lw_operands(l, 2, (struct ast *[]){ n->a, n->b }, c);
        return lw_set_var(l, n->a, combine(l, n, c[0], c[1]), false);
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

struct cx
lw_update(struct lower *l, struct ast *n, bool want)
{
    bool prefix = (n->flags & AST_F_PREFIX) || !want;
    const char *sign = n->op == OP_ADD ? "+" : "-";
    struct ast *t = n->a;
    struct place p = { 0 };
    struct cx old;
    if (t->kind == AST_IDENT) {
        enum rep rep = REP_VAL;
        if (t->var == NULL) {
            return lw_builtin_value(l, t);
        }
        bool plain = lw_plain_rep(l, t->var, &rep);
        struct tbe_str v = lw_var(l, t->var);
        if (plain && rep == REP_INT) {
            return lw_mk(l, REP_INT, 1, prefix ? lw_fmt(l, "(%s%s%.*s)", sign, sign, S_(v)) :
                lw_fmt(l, "(%.*s%s%s)", S_(v), sign, sign));
        }
        if (plain && rep == REP_NUM && t->var->kind != SV_CONST) {
            return prefix ? lw_mk(l, REP_NUM, 1, lw_fmt(l, "(%.*s %s= 1.0)", S_(v), sign)) :
                lw_mk(l, REP_NUM, 1, lw_fmt(l, "(%.*s%s%s)", S_(v), sign, sign));
        }
        old = lw_expr(l, t);
    } else {
        p = place(l, t, NULL, NULL);
        old = load(l, &p);
    }
    struct cx now;
    if (l->js) {
        if (!prefix) {
            old.t = lw_as_num(l, old);
            old.rep = REP_NUM;
            old = lw_spill(l, old);
        }
        now = lw_mk(l, REP_NUM, old.nest, lw_fmt(l, "(%.*s %s 1.0)", S_(lw_as_num(l, old)), sign));
    } else {
        if (!prefix) {
            old = lw_spill(l, old);
        }
        now = lw_mk(l, REP_VAL, old.nest, lw_fmt(l, "tbe_t_inc(x, %.*s, %s1)",
            S_(lw_as_val(l, old)), sign));
    }
    if (t->kind == AST_IDENT) {
        struct cx set = lw_set_var(l, t, now, false);
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
            lw_bind(l, e->a, lw_spill(l, lw_mk(l, REP_VAL, 1,
                lw_fmt(l, "tbe_j_rest(x, t%d, %d)", it, no))), decl);
        } else {
            lw_bind(l, e, lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_index_num(x, t%d, %d)", it, no)),
                decl);
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
                lw_fmt(l, "tbe_j_omit(x, %.*s, %d, (const tbe_val[%d]){ %.*s })", S_(o), n, n,
                    S_(tbe_buf_str(&seen)));
            lw_bind(l, e->a, lw_spill(l, lw_mk(l, REP_VAL, 2, r)), decl);
            break;
        }
        struct cx k = lw_expr(l, e->a);
        if (!k.stable) {
            k = lw_spill(l, k);
        }
        tbe_buf_fmt(&seen, "%s%.*s", n++ ? ", " : "", S_(lw_as_val(l, k)));
        lw_bind(l, e->b, lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_index(x, %.*s, %.*s)", S_(o),
            S_(lw_as_val(l, k)))), decl);
    }
    tbe_buf_free(&seen);
}

void
lw_bind(struct lower *l, struct ast *t, struct cx v, bool decl)
{
    switch (t->kind) {
    case AST_IDENT:
        if (t->var != NULL) {
            lw_line(l, "%.*s;", S_(lw_strip(lw_set_var(l, t, v, decl).t)));
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
        lw_bind(l, t->a, lw_stable(REP_VAL, lw_fmt(l, "t%d", no)), decl);
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
