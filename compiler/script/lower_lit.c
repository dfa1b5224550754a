/* SPDX-License-Identifier: Apache-2.0 */
/* Literals of lists, maps, numbers, texts; templates, folds and new arrays -> C. */
#include "config.h"
#include "script/lower_expr.h"

#include <string.h>

#include "script/cwrite.h"

struct cx
lw_literal(struct lower *l, struct ast *n)
{
    switch (n->v.t) {
    case TBE_BOOL:
        return lw_stable(REP_BOOL, n->v.u.i ? TBE_STR("true") : TBE_STR("false"));
    case TBE_STR_T:
        return lw_stable(REP_VAL, lw_strval(l, tbe_val_str(n->v)));
    case TBE_DOUBLE:
        return l->js ? lw_stable(REP_NUM, lw_num_text(l, n->v.u.d)) :
            lw_stable(REP_VAL, lw_fmt(l, "tbe_double(%.*s)", S_(lw_num_text(l, n->v.u.d))));
    case TBE_INT:
        return lw_stable(REP_VAL, n->v.u.i == INT32_MIN ? TBE_STR("tbe_int(INT32_MIN)") :
            lw_fmt(l, "tbe_int(%d)", (int)n->v.u.i));
    case TBE_LONG:
        return lw_stable(REP_VAL, n->v.u.i == INT64_MIN ? TBE_STR("tbe_long(INT64_MIN)") :
            lw_fmt(l, "tbe_long(INT64_C(%lld))", (long long)n->v.u.i));
    case TBE_FLOAT:
        return lw_stable(REP_VAL, lw_fmt(l, "((tbe_val){ .t = TBE_FLOAT, .u = { .d = %.*s } })",
            S_(lw_num_text(l, n->v.u.d))));
    case TBE_BIGINT:
    case TBE_BIGDEC: {
        struct tbe_str s = lw_strval(l, tbe_val_str(n->v));
        return lw_stable(REP_VAL, lw_fmt(l, "tbe_retag(%.*s, %s)", S_(s), n->v.t == TBE_BIGINT ?
            "TBE_BIGINT" : "TBE_BIGDEC"));
    }
    default:
        return lw_stable(REP_VAL, TBE_STR("TBE_NULL_VAL"));
    }
}

struct cx
lw_list_literal(struct lower *l, struct ast *n)
{
    bool plain = !lw_has_spread(n->list);
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        plain = plain && e->kind != AST_HOLE;
    }
    if (!plain || lw_count(n->list) > 1000) {
        if (!l->js) { /* too long for one initialiser */
            int no = ++l->n_tmp;
            lw_line(l, "const tbe_val t%d = tbe_t_list(x, 0, NULL);", no);
            for (struct ast *e = n->list; e != NULL; e = e->next) {
                struct tbe_str v = lw_val(l, e);
                lw_line(l, "tbe_list_push(x->a, t%d.u.l, %.*s);", no, S_(v));
            }
            return lw_stable(REP_VAL, lw_fmt(l, "t%d", no));
        }
        return lw_stable(REP_VAL, lw_spread_list(l, n->list));
    }
    struct args a = lw_arguments(l, NULL, NULL, n->list);
    return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "%s_list(x, %.*s)", l->P, S_(a.text)));
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
            lw_operands(l, 2, (struct ast *[]){ e->a, e->b }, c);
            if (e->flags & (AST_F_GET | AST_F_SET)) {
                lw_line(l, "tbe_j_accessor(x, t%d, %.*s, %.*s, %s);", no, S_(lw_as_val(l, c[0])),
                    S_(lw_as_val(l, c[1])), e->flags & AST_F_SET ? "true" : "false");
                continue;
            }
            lw_line(l, "%s_put_index(x, t%d, %.*s, %.*s);", l->P, no, S_(lw_as_val(l, c[0])),
                S_(lw_as_val(l, c[1])));
        }
    }
    return lw_stable(REP_VAL, lw_fmt(l, "t%d", no));
}

struct cx
lw_map_literal(struct lower *l, struct ast *n)
{
    int k = 0, total = lw_count(n->list);
    bool strings = true, plain = total <= 500;
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        plain = plain && e->kind != AST_SPREAD && !(e->flags & (AST_F_GET | AST_F_SET));
        strings = strings && e->kind == AST_PROP && e->a->kind == AST_LITERAL &&
            e->a->v.t == TBE_STR_T;
    }
    if (total == 0) {
        return lw_mk(l, REP_VAL, 0, lw_fmt(l, "%s_map(x, 0, NULL, NULL)", l->P));
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
    lw_operands(l, k, e, c);
    struct args vals = lw_array_of(l, c + (k - total), total);
    struct tbe_buf b = { 0 };
    if (strings) {
        int i = 0;
        tbe_buf_fmt(&b, "%s_map(x, %d, (const struct tbe_str[%d]){ ", l->P, total, total);
        for (struct ast *p = n->list; p != NULL; p = p->next, i++) {
            struct tbe_str key = tbe_val_str(p->a->v);
            if (key.n > CTEXT_LITERAL_MAX) {
                tbe_buf_puts(&b, lw_str(l, key));
            } else {
                tbe_buf_putz(&b, "TBE_STR(");
                ctext_string(&b, key);
                tbe_buf_putc(&b, ')');
            }
            tbe_buf_putz(&b, i + 1 < total ? (i % 8 == 7 ? ",\n        " : ", ") : " }");
        }
    } else {
        struct args keys = lw_array_of(l, c, total);
        tbe_buf_fmt(&b, "%s_map_vals(x, %.*s", l->P, S_(keys.text));
    }
    const char *comma = memchr(vals.text.p, ',', vals.text.n); /* the count is given already */
    tbe_buf_fmt(&b, "%.*s)", (int)(vals.text.p + vals.text.n - comma), comma);
    struct cx r = lw_mk(l, REP_VAL, vals.nest + 1, tbe_arena_dup(l->a, tbe_buf_str(&b)));
    tbe_buf_free(&b);
    return r;
}

/* The strings of a tagged template: the chunks of n's list as written and as meant. */
static struct cx
tag_strings(struct lower *l, const struct ast *n)
{
    struct tbe_buf cooked = { 0 }, raw = { 0 };
    int k = 0;
    for (const struct ast *e = n->list; e != NULL; e = e->next != NULL ? e->next->next :
        NULL, k++) {
        tbe_buf_fmt(&cooked, "%s%.*s", k ? ", " : "", S_(lw_str(l, tbe_val_str(e->v))));
        tbe_buf_fmt(&raw, "%s%.*s", k ? ", " : "", S_(lw_str(l, e->src)));
    }
    struct cx c = lw_mk(l, REP_VAL, 2,
        lw_fmt(l, "tbe_j_tag(x, %d, (const struct tbe_str[%d]){ %.*s },\n"
        "        (const struct tbe_str[%d]){ %.*s })", k, k, S_(tbe_buf_str(&cooked)), k,
        S_(tbe_buf_str(&raw))));
    tbe_buf_free(&cooked);
    tbe_buf_free(&raw);
    return c;
}

/* tag`a${b}` is the call tag(strings, b). */
static struct cx
tagged(struct lower *l, struct ast *n)
{
    struct ast call = { .kind = AST_CALL, .a = n->a, .line = n->line, .col = n->col };
    struct ast *strings = tbe_arena_zalloc(l->a, sizeof(*strings)), **at = &strings->next;
    *strings = (struct ast){ .kind = AST_TEMPLATE, .flags = AST_F_GET, .list = n->list };
    call.list = strings;
    for (struct ast *e = n->list->next; e != NULL; e = e->next->next) {
        struct ast *arg = tbe_arena_alloc(l->a, sizeof(*arg));
        *arg = *e;
        arg->next = NULL;
        *at = arg;
        at = &arg->next;
    }
    return lw_call(l, &call);
}

struct cx
lw_template(struct lower *l, struct ast *n)
{
    if (n->flags & AST_F_GET) {
        return tag_strings(l, n);
    }
    if (n->a != NULL) {
        return tagged(l, n);
    }
    if (!l->converts) {
        struct args a = lw_arguments(l, NULL, NULL, n->list);
        return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_template(x, %.*s)", S_(a.text)));
    }
    int k = 0, total = lw_count(n->list); /* each part becomes text before the next is evaluated */
    struct cx *c = tbe_arena_alloc(l->a, (size_t)total * sizeof(*c));
    for (struct ast *e = n->list; e != NULL; e = e->next, k++) {
        c[k] = lw_expr(l, e);
        if (e->kind != AST_LITERAL) {
            c[k] = lw_spill(l, lw_mk(l, REP_VAL, 1, lw_fmt(l, "tbe_j_str(x, %.*s)",
                S_(lw_as_val(l, c[k])))));
        }
    }
    struct args a = lw_array_of(l, c, total);
    return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_j_template(x, %.*s)", S_(a.text)));
}

struct cx
lw_sequence(struct lower *l, struct ast *n)
{
    struct ast *e = n->list;
    for (; e->next != NULL; e = e->next) {
        lw_discard(l, e);
    }
    return lw_expr(l, e);
}

/* (projection in source if condition) of TBEL */
struct cx
lw_fold(struct lower *l, struct ast *n)
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
    return lw_stable(REP_VAL, lw_fmt(l, "t%d", no));
}

struct cx
lw_with(struct lower *l, struct ast *n)
{
    struct cx o = lw_spill(l, lw_expr(l, n->a));
    for (struct ast *e = n->list; e != NULL; e = e->next) {
        struct tbe_str v = lw_val(l, e->b);
        lw_line(l, "tbe_t_put(x, %.*s, %.*s, %.*s, %.*s);", S_(lw_as_val(l, o)),
            S_(lw_str(l, e->a->s)), S_(v),
            S_(lw_site(l, n->a)));
    }
    return o;
}

struct cx
lw_new_array(struct lower *l, struct ast *n)
{
    if (n->a != NULL) {
        struct cx c = lw_expr(l, n->a);
        return lw_mk(l, REP_VAL, c.nest, lw_fmt(l, "tbe_t_new_array(x, %.*s, %.*s)",
            S_(lw_str(l, n->s)),
            S_(lw_as_val(l, c))));
    }
    struct args a = lw_arguments(l, NULL, NULL, n->list);
    return lw_mk(l, REP_VAL, a.nest, lw_fmt(l, "tbe_t_array_of(x, %.*s, %.*s)", S_(lw_str(l, n->s)),
        S_(a.text)));
}
