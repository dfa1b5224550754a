/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in functions and constants of both languages, from the tables of the run time. */
#include "config.h"
#include "script/sema.h"

#include <string.h>

/* The tables undefine the three macros at their end. */
#define BUILTIN(c, n, f, t) { c, n, #f, t },
#define CONSTANT(c, n, t)
#define METHOD(r, n, t)
static const struct builtin js_rows[] = {
#include "tbe/js_builtins.def"
    { NULL, NULL, NULL, 0 } };
static const struct builtin tbel_rows[] = {
#define BUILTIN(c, n, f, t) { c, n, #f, t },
#define CONSTANT(c, n, t)
#define METHOD(r, n, t)
#include "tbe/tbel_builtins.def"
    { NULL, NULL, NULL, 0 } };

#define BUILTIN(c, n, f, t)
#define CONSTANT(c, n, t) { c, n, NULL, t },
#define METHOD(r, n, t)
static const struct builtin js_consts[] = {
#include "tbe/js_builtins.def"
    { NULL, NULL, NULL, 0 } };
static const struct builtin tbel_consts[] = {
#define BUILTIN(c, n, f, t)
#define CONSTANT(c, n, t) { c, n, NULL, t },
#define METHOD(r, n, t)
#include "tbe/tbel_builtins.def"
    { NULL, NULL, NULL, 0 } };

#define BUILTIN(c, n, f, t)
#define CONSTANT(c, n, t)
#define METHOD(r, n, t) { r, n, t },
static const struct method_row {
    uint8_t recv;
    const char *name;
    uint8_t type;
} tbel_methods[] = {
#include "tbe/tbel_builtins.def"
    { 0, NULL, 0 } };

static const struct builtin *
find_row(const struct builtin *rows, struct tbe_str cls, struct tbe_str name)
{
    for (; rows->cls != NULL; rows++) {
        if (tbe_str_eqz(name, rows->name) && tbe_str_eqz(cls, rows->cls)) {
            return rows;
        }
    }
    return NULL;
}

const struct builtin *
builtin_find(int dialect, struct tbe_str cls, struct tbe_str name)
{
    return find_row(dialect == TBE_DIALECT_JS ? js_rows : tbel_rows, cls, name);
}

const struct builtin *
builtin_const(int dialect, struct tbe_str cls, struct tbe_str name)
{
    return find_row(dialect == TBE_DIALECT_JS ? js_consts : tbel_consts, cls, name);
}

enum ast_type
builtin_method_type(int dialect, enum ast_type recv, struct tbe_str name)
{
    for (const struct method_row *r = tbel_methods; dialect == TBE_DIALECT_TBEL &&
        r->name != NULL; r++) {
        if (r->recv == recv && tbe_str_eqz(name, r->name)) {
            return r->type;
        }
    }
    return AT_ANY;
}

bool
builtin_class(int dialect, struct tbe_str cls)
{
    const struct builtin *rows[] = { dialect == TBE_DIALECT_JS ? js_rows : tbel_rows,
        dialect == TBE_DIALECT_JS ? js_consts : tbel_consts };
    for (int k = 0; k < 2; k++) {
        for (const struct builtin *r = rows[k]; cls.n > 0 && r->cls != NULL; r++) {
            if (tbe_str_eqz(cls, r->cls)) {
                return true;
            }
        }
    }
    static const char *const js_classes[] = { "Map", "Set", "WeakMap", "WeakSet", "Function" };
    for (size_t i = 0; dialect == TBE_DIALECT_JS &&
        i < sizeof(js_classes) / sizeof(js_classes[0]); i++) {
        if (tbe_str_eqz(cls, js_classes[i])) {
            return true;
        }
    }
    return false;
}
