/* SPDX-License-Identifier: Apache-2.0 */
/* Static types: which expressions are proven numbers, booleans or strings, and TBEL's static
 * Java types (facts/tbel.md 4.1). Flow-insensitive: a variable has a type when everything
 * assigned to it has. */
#include "config.h"
#include "script/sema.h"

static enum ast_type
join(enum ast_type a, enum ast_type b)
{
    return a == b ? a : AT_ANY;
}

static bool
numeric(enum ast_type t)
{
    return t >= AT_NUM;
}

static enum ast_type
literal_type(const struct ast *n)
{
    switch (n->v.t) {
    case TBE_BOOL:
        return AT_BOOL;
    case TBE_STR_T:
        return AT_STR;
    case TBE_INT:
        return AT_Integer;
    case TBE_LONG:
        return AT_Long;
    case TBE_FLOAT:
        return AT_Float;
    case TBE_DOUBLE:
        return AT_Double;
    default:
        return AT_ANY;
    }
}

static bool
in_function(const struct ast *n)
{
    return n->var != NULL && n->var->func->node != NULL;
}

static int
rank(enum ast_type t)
{
    switch (t) {
    case AT_byte: case AT_Byte: return 1;
    case AT_short: case AT_Short: return 2;
    case AT_int: case AT_Integer: return 3;
    case AT_long: case AT_Long: return 4;
    case AT_float: case AT_Float: return 5;
    case AT_double: case AT_Double: return 6;
    default: return 0;
    }
}

static bool
unboxed(enum ast_type t)
{
    return t >= AT_int && t <= AT_short;
}

static enum ast_type
boxed_of_rank(int r)
{
    static const uint8_t t[] = { AT_ANY, AT_Byte, AT_Short, AT_Integer, AT_Long, AT_Float,
        AT_Double };
    return t[r];
}

/* Result of a op b for static Java types, AT_ANY when the dynamic rules decide. */
static enum ast_type
java_arith(const struct ast *n, enum ast_type a, enum ast_type b)
{
    int ra = rank(a), rb = rank(b);
    if (n->op == OP_ADD && (a == AT_STR || b == AT_STR)) {
        return AT_STR;
    }
    if (ra == 0 || rb == 0 || n->op == OP_REM || n->op == OP_POW) {
        return AT_ANY;
    }
    if (n->a->kind == AST_LITERAL && n->b->kind == AST_LITERAL) {
        /* folded by section 5 */
        return n->op == OP_DIV ? AT_Double : ra == rb ? boxed_of_rank(ra) : AT_ANY;
    }
    if (a == AT_Integer && b == AT_Integer) {
        return AT_Integer;
    }
    if (a == b) { /* same class: section 5 */
        return n->op == OP_DIV ? AT_Double : unboxed(a) ? AT_ANY : a;
    }
    return boxed_of_rank(ra > rb ? ra : rb);
}

enum ast_type
sema_named_type(struct tbe_str name)
{
    static const struct { const char *name; uint8_t t; } names[] = { { "int", AT_int },
        { "long", AT_long },
        { "float", AT_float }, { "double", AT_double }, { "Integer", AT_Integer },
        { "Long", AT_Long },
        { "Float", AT_Float }, { "Double", AT_Double }, { "String", AT_STR } };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tbe_str_eqz(name, names[i].name)) {
            return names[i].t;
        }
    }
    return AT_ANY;
}

/* How well an argument of static type t (0: unknown) fits a parameter of rank p; as fit() in
 * tbel_math.c. */
static int
fit(int t, int p)
{
    bool step = (t == 2 && p == 3) || (t == 3 && p == 4) || (t == 4 && p == 5) ||
        (t == 5 && p == 6);
    return t == 0 ? 1 : t == p ? 7 : step ? 5 : 4;
}

/* Math.abs, min and max have an overload for each type. The engine settles on one at compile
 * time, of equals on the first (11), also where a property's class is unknown; not where an
 * operator's is (4.1 rule 7). */
static enum ast_type
overload_type(const struct sema *s, struct tbe_str cls, struct tbe_str name, const struct ast *args)
{
    static const uint8_t primitive[] = { AT_int, AT_long, AT_float, AT_double };
    int best = 0, most = 0;
    if (!tbe_str_eqz(cls, "Math") || !(tbe_str_eqz(name, "abs") || tbe_str_eqz(name, "min") ||
        tbe_str_eqz(name, "max"))) {
        return AT_ANY;
    }
    for (int k = 0; k < 4; k++) {
        int sum = 0;
        for (const struct ast *a = args; a != NULL; a = a->next) {
            int r = rank(sema_type(s, a));
            bool accessor = a->kind == AST_IDENT || a->kind == AST_MEMBER || a->kind == AST_INDEX ||
                a->kind == AST_CALL || a->kind == AST_CHAIN;
            if (r == 0 && !accessor) {
                return AT_ANY;
            }
            sum += fit(r, k + 3);
        }
        if (sum > most) {
            most = sum;
            best = k;
        }
    }
    return primitive[best];
}

static enum ast_type
tbel_type(const struct sema *s, const struct ast *n)
{
    switch (n->kind) {
    case AST_BINARY:
        switch (n->op) {
        case OP_ADD:
        case OP_SUB:
        case OP_MUL:
        case OP_DIV:
            return java_arith(n, sema_type(s, n->a), sema_type(s, n->b));
        case OP_EQ: case OP_NE: case OP_SEQ: case OP_SNE: case OP_LT: case OP_LE: case OP_GT: case OP_GE:
        case OP_INSTANCEOF: case OP_CONTAINS: case OP_MATCH: case OP_SOUNDSLIKE: case OP_CONVERTABLE:
            return AT_BOOL;
        case OP_CONCAT:
            return AT_STR;
        default:
            return AT_ANY;
        }
    case AST_COND: {
        enum ast_type b = sema_type(s, n->b), c = sema_type(s, n->c);
        return join(b, c);
    }
    case AST_UNARY:
        if (n->op == OP_NEG) {
            return sema_type(s, n->a);
        }
        return n->op == OP_NOT ? AT_BOOL : AT_ANY;
    case AST_LOGICAL:
        return n->op == OP_OR_EMPTY ? AT_ANY : AT_BOOL;
    case AST_CAST:
        return sema_named_type(n->s);
    case AST_CALL:
        if (n->a->kind == AST_IDENT && n->a->var == NULL) {
            const struct builtin *b = builtin_find(TBE_DIALECT_TBEL, TBE_STR(""), n->a->s);
            return b ? b->type : AT_ANY;
        }
        if (n->a->kind == AST_MEMBER) {
            const struct ast *o = n->a->a;
            if (o->kind == AST_IDENT && o->var == NULL) {
                const struct builtin *b = builtin_find(TBE_DIALECT_TBEL, o->s, n->a->s);
                enum ast_type t = b ? b->type : AT_ANY;
                return b != NULL && t == AT_ANY ? overload_type(s, o->s, n->a->s, n->list) : t;
            }
            enum ast_type r = sema_type(s, o);
            return r == AT_ANY ? AT_ANY : builtin_method_type(TBE_DIALECT_TBEL, r, n->a->s);
        }
        return AT_ANY;
    case AST_MEMBER:
        if (n->a->kind == AST_IDENT && n->a->var == NULL) {
            const struct builtin *b = builtin_const(TBE_DIALECT_TBEL, n->a->s, n->s);
            return b ? b->type : AT_ANY;
        }
        return AT_ANY;
    case AST_LIST:
        return AT_LIST;
    case AST_MAP:
        return AT_MAP;
    case AST_NEW:
        if (n->a->kind == AST_IDENT && tbe_str_eqz(n->a->s, "Date")) {
            return AT_DATE;
        }
        return AT_ANY;
    default:
        return AT_ANY;
    }
}

static enum ast_type
js_type(const struct sema *s, const struct ast *n)
{
    switch (n->kind) {
    case AST_TEMPLATE:
        return n->a ? AT_ANY : AT_STR;
    case AST_BINARY:
        switch (n->op) {
        case OP_ADD: {
            enum ast_type a = sema_type(s, n->a), b = sema_type(s, n->b);
            return a == AT_NUM && b == AT_NUM ? AT_NUM : a == AT_STR ||
                b == AT_STR ? AT_STR : AT_ANY;
        }
        case OP_SUB: case OP_MUL: case OP_DIV: case OP_REM: case OP_POW: case OP_BAND: case OP_BOR:
        case OP_BXOR: case OP_SHL: case OP_SHR: case OP_USHR:
            return AT_NUM;
        default:
            return AT_BOOL;
        }
    case AST_UNARY:
        switch (n->op) {
        case OP_NEG: case OP_PLUS: case OP_BNOT:
            return AT_NUM;
        case OP_NOT: case OP_DELETE:
            return AT_BOOL;
        case OP_TYPEOF:
            return AT_STR;
        default:
            return AT_ANY;
        }
    case AST_UPDATE:
        return AT_NUM;
    case AST_LOGICAL:
    case AST_COND:
        return join(sema_type(s, n->kind == AST_COND ? n->c : n->a), sema_type(s, n->b));
    case AST_ASSIGN:
        return n->op == OP_NONE ? sema_type(s, n->b) : AT_ANY;
    case AST_CALL:
        if (n->a->kind == AST_IDENT && n->a->var == NULL) {
            const struct builtin *b = builtin_find(TBE_DIALECT_JS, TBE_STR(""), n->a->s);
            return b ? b->type : AT_ANY;
        }
        if (n->a->kind == AST_MEMBER && n->a->a->kind == AST_IDENT && n->a->a->var == NULL) {
            const struct builtin *b = builtin_find(TBE_DIALECT_JS, n->a->a->s, n->a->s);
            return b ? b->type : AT_ANY;
        }
        return AT_ANY;
    case AST_MEMBER:
        if (n->a->kind == AST_IDENT && n->a->var == NULL) {
            const struct builtin *b = builtin_const(TBE_DIALECT_JS, n->a->s, n->s);
            return b ? b->type : AT_ANY;
        }
        return AT_ANY;
    default:
        return AT_ANY;
    }
}

enum ast_type
sema_type(const struct sema *s, const struct ast *n)
{
    bool js = s->src->dialect == TBE_DIALECT_JS;
    if (n->kind == AST_LITERAL) {
        enum ast_type t = literal_type(n);
        return js && t == AT_Double ? AT_NUM : t;
    }
    if (n->kind == AST_IDENT) {
        if (n->var == NULL || (!js && in_function(n))) {
            return AT_ANY;
        }
        return n->var->type;
    }
    return js ? js_type(s, n) : tbel_type(s, n);
}

/* Does the type of n rest on a variable nothing is known of yet? Then the assignment waits. */
bool
sema_bottom(const struct sema *s, const struct ast *n)
{
    if (n == NULL) {
        return false;
    }
    switch (n->kind) {
    case AST_IDENT:
        return n->var != NULL && n->var->bottom;
    case AST_BINARY:
        return (n->op == OP_ADD || s->src->dialect == TBE_DIALECT_TBEL) &&
            (sema_bottom(s, n->a) || sema_bottom(s, n->b));
    case AST_LOGICAL:
        return sema_bottom(s, n->a) || sema_bottom(s, n->b);
    case AST_COND:
        return sema_bottom(s, n->b) || sema_bottom(s, n->c);
    case AST_ASSIGN:
        return n->op == OP_NONE && sema_bottom(s, n->b);
    default:
        return false;
    }
}

static enum ast_type
assigned_type(const struct sema *s, const struct sema_assign *as)
{
    bool js = s->src->dialect == TBE_DIALECT_JS;
    enum ast_type self = as->var->type;
    if (as->type != AT_ANY) {
        return as->type;
    }
    if (as->update) {
        return js ? AT_NUM : numeric(self) ? self : AT_ANY;
    }
    if (as->value == NULL) {
        return AT_ANY;
    }
    enum ast_type v = sema_type(s, as->value);
    if (as->op == OP_NONE) {
        return v;
    }
    if (!js) {
        return self; /* the static type of the variable stays */
    }
    if (as->op == OP_ADD) {
        return self == AT_NUM && v == AT_NUM ? AT_NUM : self == AT_STR ||
            v == AT_STR ? AT_STR : AT_ANY;
    }
    return as->op >= OP_SUB && as->op <= OP_USHR ? AT_NUM : AT_ANY;
}

static bool
plain(enum ast_type t, bool js)
{
    return js ? t == AT_NUM || t == AT_BOOL || t == AT_STR : true;
}

static void
infer_types(struct sema *s)
{
    bool js = s->src->dialect == TBE_DIALECT_JS;
    for (struct sema_assign *as = s->assigns; as != NULL; as = as->next) {
        struct sema_var *v = as->var;
        bool fixed = v->kind == SV_PARAM || v->kind == SV_CATCH || v->kind == SV_FUNC ||
            v->kind == SV_GLOBAL;
        v->bottom = !fixed && (js ? !v->early && !v->captured : v->func->node == NULL && !v->early);
        v->type = AT_ANY;
    }
    bool changed = true;
    for (int round = 0; changed && round < 50; round++) {
        changed = false;
        for (struct sema_assign *as = s->assigns; as != NULL; as = as->next) {
            struct sema_var *v = as->var;
            bool need_self = as->op != OP_NONE || as->update;
            if ((v->type == AT_ANY && !v->bottom) || (need_self && v->bottom) ||
                sema_bottom(s, as->value)) {
                continue;
            }
            enum ast_type t = assigned_type(s, as);
            /* TBEL: the first decides */
            enum ast_type to = v->bottom ? t : js ? join(v->type, t) : v->type;
            if (!plain(to, js)) {
                to = AT_ANY;
            }
            if (v->bottom || to != v->type) {
                v->bottom = false;
                v->type = (uint8_t)to;
                changed = true;
            }
        }
    }
    for (struct sema_assign *as = s->assigns; as != NULL; as = as->next) {
        if (as->var->bottom || changed) {
            as->var->bottom = false;
            as->var->type = AT_ANY;
        }
    }
}

/* Which functions capture nothing but such functions. */
static void
find_static(struct sema *s)
{
    for (struct sema_func *f = s->main; f != NULL; f = f->next) {
        f->is_static = true;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (struct sema_func *f = s->main; f != NULL; f = f->next) {
            for (struct sema_cap *c = f->caps; c != NULL && f->is_static; c = c->next) {
                struct ast *fn = c->var->kind == SV_FUNC ? c->var->fn : NULL;
                /* as a value it is one object */
                if (fn == NULL || !fn->func->is_static || c->var->value_used) {
                    f->is_static = false;
                    changed = true;
                }
            }
        }
    }
    for (struct sema_func *f = s->main; f != NULL; f = f->next) {
        struct sema_cap **at = &f->caps;
        while (*at != NULL) {
            struct sema_var *v = (*at)->var;
            if (v->kind == SV_FUNC && v->fn != NULL && v->fn->func->is_static && !v->value_used) {
                *at = (*at)->next;
            } else {
                v->captured = true;
                at = &(*at)->next;
            }
        }
    }
}

#define COUNTER_MAX 1000000000 /* with the turns that fuel allows it stays within 32 bits */

static bool
counts(const struct sema_assign *as)
{
    const struct ast *v = as->value;
    if (as->update) {
        return true;
    }
    return as->op == OP_NONE && v != NULL && v->kind == AST_LITERAL && v->v.t == TBE_INT &&
        v->v.u.i > -COUNTER_MAX &&
        v->v.u.i < COUNTER_MAX;
}

/* TBEL variables that are only set to small Integers and counted up or down. */
static void
find_counters(struct sema *s)
{
    for (struct sema_assign *as = s->assigns; as != NULL; as = as->next) {
        struct sema_var *v = as->var;
        v->counter = v->kind == SV_VAR && !v->captured && !v->early;
    }
    for (const struct sema_assign *as = s->assigns; as != NULL; as = as->next) {
        as->var->counter = as->var->counter && counts(as);
    }
}

void
sema_infer(struct sema *s)
{
    find_static(s);
    infer_types(s);
    if (s->src->dialect == TBE_DIALECT_TBEL) {
        find_counters(s);
    }
}
