/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target of TBEL. Any bytes are parsed as a script: a tree, or an error with a place. Bytes that are
 * a JSON list are a call [receiver, "method", arguments...], or ["", "function", arguments...] of a global
 * function, run under small limits: a value that can leave the script, or an error with words. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/ast.h"
#include "script/script.h"
#include "tbe/tbel.h"

#define FUEL 200000
#define ARENA (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *cls, *name;
    tbe_t_fn *fn;
} globals[] = {
#define BUILTIN(cls, name, fn, type) { cls, name, fn },
#include "tbe/tbel_builtins.def"
};

static void
check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_tbel: %s\n", what);
        abort();
    }
}

static unsigned
depth_of(const struct ast *n)
{
    unsigned deepest = 0;
    for (; n != NULL; n = n->next) {
        const struct ast *kids[] = { n->a, n->b, n->c, n->d, n->list };
        for (int i = 0; i < 5; i++) {
            unsigned d = kids[i] != NULL ? depth_of(kids[i]) + 1 : 0;
            deepest = d > deepest ? d : deepest;
        }
    }
    return deepest;
}

static void
parse(struct tbe_str text)
{
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    struct ast_ctx c = { .a = &a, .text = text };
    struct ast *tree = tbel_parse(&c);
    check((tree == NULL) == c.failed, "a tree or an error");
    check(!c.failed || c.n_diags > 0, "an error without words");
    for (uint32_t i = 0; i < c.n_diags; i++) {
        check(c.diags[i].line >= 1 && c.diags[i].col >= 1, "an error without a place");
    }
    check(tree == NULL || depth_of(tree) < 1000u * AST_MAX_DEPTH, "a tree without a bottom");
    tbe_arena_free(&a);
}

static void
operators(struct tbe_x *x, tbe_val a, tbe_val b)
{
    static tbe_val (*const ops[])(struct tbe_x *, tbe_val, tbe_val) = {
        tbe_t_add, tbe_t_sub, tbe_t_mul, tbe_t_div, tbe_t_rem, tbe_t_pow, tbe_t_band, tbe_t_shl, tbe_t_concat,
        tbe_t_index, tbe_t_strsim,
    };
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        struct tbe_catch c = { .up = NULL }, *outer = x->catch_;
        if (setjmp(c.env) == 0) {
            x->catch_ = &c;
            tbe_t_copy_out(x, ops[i](x, a, b));
        }
        x->catch_ = outer;
    }
    tbe_t_eq(x, a, b);
    tbe_t_lt(x, a, b);
}

static void
call(struct tbe_x *x, const struct tbe_list *l)
{
    struct tbe_str name = tbe_val_str(l->v[1]);
    tbe_val argv[16];
    int argc = 0;
    for (uint32_t i = 2; i < l->n && argc < 16; i++) {
        argv[argc++] = l->v[i];
    }
    if (name.n == 2 && memcmp(name.p, "op", 2) == 0 && argc > 0) {
        operators(x, l->v[0], argv[0]);
        return;
    }
    for (size_t i = 0; l->v[0].t == TBE_STR_T && i < sizeof(globals) / sizeof(globals[0]); i++) {
        if (tbe_str_eqz(name, globals[i].name) && tbe_str_eqz(tbe_val_str(l->v[0]), globals[i].cls)) {
            tbe_t_copy_out(x, globals[i].fn(x, argc, argv));
            return;
        }
    }
    tbe_val self = l->v[0];
    if (self.t == TBE_INT) { /* dates have no JSON form: a number stands for one */
        self = tbe_t_new(x, TBE_STR("Date"), 1, &self);
    }
    tbe_t_copy_out(x, tbe_t_method(x, self, name, argc, argv));
    tbe_t_copy_out(x, tbe_t_get(x, self, name, NULL));
    tbe_t_json_stringify(x, 1, &self);
}

static void
run(struct tbe_str text)
{
    struct tbe_arena a;
    tbe_val v = TBE_NULL_VAL;
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, text, TBE_JSON_JAVA | TBE_JSON_DROP_NULLS, &v, NULL) == 0 && v.t == TBE_LIST &&
        v.u.l->n >= 2 && v.u.l->v[1].t == TBE_STR_T) {
        struct tbe_catch c = { .up = NULL };
        struct tbe_x x = { .a = &a, .catch_ = &c, .fuel = FUEL };
        a.limit = a.used + ARENA;
        a.on_full = tbe_throw_full;
        a.on_full_arg = &x;
        if (setjmp(c.env) == 0) {
            call(&x, v.u.l);
        } else {
            check(x.thrown.t == TBE_STR_T, "an error without words");
        }
    }
    tbe_arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tbe_str s = { (const char *)data, size };
    parse(s);
    run(s);
    return 0;
}
