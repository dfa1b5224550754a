/* SPDX-License-Identifier: Apache-2.0 */
/* What a script does to its arguments, judged cautiously: a store through anything but a fresh
 * literal may reach both of them; calls of methods that are not known to be harmless count as
 * stores. */
#include "config.h"
#include "script/effects.h"

#include <string.h>

struct eff {
    const struct sema *s;
    struct script_result *out;
};

static void look(struct eff *e, struct ast *n);

static bool
fresh_local(const struct sema *s, const struct sema_var *v)
{
    if (v->kind == SV_PARAM || v->kind == SV_CATCH || v->writes == 0) {
        return false;
    }
    for (const struct sema_assign *as = s->assigns; as != NULL; as = as->next) {
        if (as->var == v && (as->value == NULL || as->op != OP_NONE ||
                (as->value->kind != AST_MAP && as->value->kind != AST_LIST &&
                as->value->kind != AST_LITERAL))) {
            return false;
        }
    }
    return true;
}

/* Something is stored into, or removed from, the value of obj. */
static void
changes(struct eff *e, const struct ast *obj)
{
    int depth = 0;
    const struct ast *n = obj;
    while (n->kind == AST_MEMBER || n->kind == AST_INDEX || n->kind == AST_CHAIN) {
        n = n->a;
        depth++;
    }
    if (n->kind == AST_IDENT && n->var != NULL) {
        const struct sema_var *v = n->var;
        bool arg = v->kind == SV_PARAM && v->func->node == NULL;
        if (arg && v->index == 0 && v->writes == 0) {
            e->out->mutates_msg = true;
            return;
        }
        if (arg && v->index == 1 && v->writes == 0) {
            e->out->mutates_metadata = true;
            return;
        }
        if (depth == 0 && fresh_local(e->s, v)) {
            return;
        }
    } else if (depth == 0 && (n->kind == AST_MAP || n->kind == AST_LIST)) {
        return;
    }
    e->out->mutates_msg = e->out->mutates_metadata = true;
}

static bool
harmless_method(const struct sema *s, struct tbe_str name)
{
    static const char *const js[] = { "toFixed", "toString", "toLowerCase", "toUpperCase", "trim",
        "split", "join",
        "slice", "substring", "substr", "indexOf", "lastIndexOf", "includes", "startsWith",
        "endsWith", "charAt",
        "charCodeAt", "codePointAt", "concat", "replace", "replaceAll", "match", "matchAll", "test",
        "exec", "padStart",
        "padEnd", "repeat", "keys", "values", "entries", "hasOwnProperty", "getTime", "toISOString",
        "at", "flat",
        "getHours", "getMinutes", "getSeconds", "getDate", "getMonth", "getFullYear", "getDay",
        "toPrecision",
        "forEach", "map", "filter", "reduce", "find", "findIndex", "some", "every", "get", "has",
        "toLocaleString",
        "trimStart", "trimEnd", "search", "localeCompare", "toJSON", "valueOf", "flatMap",
        "reduceRight" };
    static const char *const tbel[] = { "contains", "containsKey", "containsValue", "get", "size",
        "isEmpty", "length",
        "indexOf", "lastIndexOf", "toString", "equals", "equalsIgnoreCase", "substring", "split",
        "startsWith",
        "endsWith", "toLowerCase", "toUpperCase", "trim", "charAt", "keySet", "values", "entrySet",
        "getKey",
        "getValue", "hashCode", "join", "slice", "concat", "replace", "replaceAll", "matches",
        "getTime", "intValue",
        "doubleValue", "longValue", "compareTo", "keys" };
    bool is_js = s->src->dialect == TBE_DIALECT_JS;
    const char *const *t = is_js ? js : tbel;
    size_t n = is_js ? sizeof(js) / sizeof(js[0]) : sizeof(tbel) / sizeof(tbel[0]);
    for (size_t i = 0; i < n; i++) {
        if (tbe_str_eqz(name, t[i])) {
            return true;
        }
    }
    return false;
}

static void
target(struct eff *e, const struct ast *n)
{
    switch (n->kind) {
    case AST_MEMBER:
    case AST_INDEX:
        changes(e, n->a);
        return;
    case AST_DEFAULT:
    case AST_SPREAD:
        target(e, n->a);
        return;
    case AST_PROP:
        target(e, n->b);
        return;
    case AST_LIST:
    case AST_MAP:
        for (const struct ast *k = n->list; k != NULL; k = k->next) {
            target(e, k);
        }
        return;
    default:
        return;
    }
}

static void
call(struct eff *e, struct ast *n)
{
    const struct ast *f = n->a;
    if (f->kind == AST_IDENT) {
        return; /* the script's own functions are looked at themselves */
    }
    if (f->kind == AST_MEMBER && f->a->kind == AST_IDENT && f->a->var == NULL) {
        if (tbe_str_eqz(f->a->s, "Object") && (tbe_str_eqz(f->s, "assign") ||
            tbe_str_eqz(f->s, "freeze") ||
                tbe_str_eqz(f->s, "defineProperty")) && n->list != NULL) {
            changes(e, n->list);
        }
        return;
    }
    if (f->kind == AST_MEMBER && harmless_method(e->s, f->s)) {
        return;
    }
    if (f->kind == AST_MEMBER || f->kind == AST_INDEX) {
        changes(e, f->a);
    }
    if (f->kind == AST_MEMBER && (tbe_str_eqz(f->s, "call") || tbe_str_eqz(f->s, "apply"))) {
        e->out->mutates_msg = e->out->mutates_metadata = true;
    }
}

static void
look(struct eff *e, struct ast *n)
{
    if (n == NULL) {
        return;
    }
    switch (n->kind) {
    case AST_ASSIGN:
    case AST_UPDATE:
    case AST_FOR_IN:
    case AST_FOR_OF:
        target(e, n->a);
        break;
    case AST_UNARY:
        if (n->op == OP_DELETE) {
            target(e, n->a->kind == AST_CHAIN ? n->a->a : n->a);
        }
        break;
    case AST_WITH:
        changes(e, n->a);
        break;
    case AST_CALL:
        call(e, n);
        break;
    default:
        break;
    }
    look(e, n->a);
    look(e, n->b);
    look(e, n->c);
    look(e, n->d);
    for (struct ast *k = n->list; k != NULL; k = k->next) {
        look(e, k);
    }
}

void
effects_find(const struct sema *s, struct ast *body, struct script_result *out)
{
    struct eff e = { s, out };
    look(&e, body);
    for (const struct sema_var *v = s->main->scope->vars; v != NULL; v = v->next) {
        if (v->kind == SV_PARAM && v->index >= 0 && v->index < 3 &&
            (v->read || v->captured || v->value_used)) {
            out->uses |= (uint8_t)(1u << v->index);
        }
    }
}
