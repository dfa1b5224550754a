/* SPDX-License-Identifier: Apache-2.0 */
/* Running a compiled script: limits, throwing and catching, the text of what was thrown. */
#include "config.h"
#include "tbe/script.h"

#include <stdio.h>
#include <string.h>

#include "tbe/js.h"
#include "tbe/tbel.h"

#define ERROR_FUEL 100000 /* loop turns and calls of a thrown object's toString */
#define ERROR_ARENA 65536 /* and bytes, beyond those of the script */

static void TBE_NORETURN
unwind(struct tbe_x *x)
{
    struct tbe_catch *c = x->catch_;
    x->depth = c->depth;
    x->catch_ = c->up;
    longjmp(c->env, 1);
}

void
tbe_throw_val(struct tbe_x *x, tbe_val v)
{
    x->thrown = v;
    unwind(x);
}

void
tbe_throw(struct tbe_x *x, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct tbe_str s = tbe_arena_vfmt(x->a, fmt, ap);
    va_end(ap);
    tbe_throw_val(x, tbe_strv(s));
}

static void TBE_NORETURN
stop(struct tbe_x *x, const char *why)
{
    x->uncatchable = true;
    tbe_throw_val(x, tbe_strv(tbe_strz(why)));
}

void
tbe_throw_fuel(struct tbe_x *x)
{
    stop(x, "Script timeout!");
}

void
tbe_throw_depth(struct tbe_x *x)
{
    stop(x, "Script recursion is too deep!");
}

void
tbe_throw_full(void *arg, size_t wanted)
{
    struct tbe_x *x = arg;
    (void)wanted;
    stop(x, "Script memory overflow!");
}

int
tbe_try(struct tbe_x *x, int (*body)(struct tbe_x *x, void *frame), void *frame)
{
    struct tbe_catch c; /* no initializer: it would clear env's 200 bytes each time */
    c.up = x->catch_;
    c.depth = x->depth;
    if (setjmp(c.env) != 0) { /* unwind() has restored catch_ and depth */
        if (x->uncatchable) {
            unwind(x);
        }
        return TBE_TRY_THROWN;
    }
    x->catch_ = &c;
    int r = body(x, frame);
    x->catch_ = c.up;
    return r;
}

tbe_val
tbe_closure(struct tbe_x *x,
    tbe_val (*fn)(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv), const char *name,
    int nparams, int ncells, tbe_val *const *cells)
{
    struct tbe_func *f = tbe_arena_zalloc(x->a, sizeof(*f));
    f->fn = fn;
    f->name = name;
    f->nparams = nparams;
    if (ncells > 0) {
        f->cells = tbe_arena_alloc(x->a, (size_t)ncells * sizeof(*f->cells));
        memcpy(f->cells, cells, (size_t)ncells * sizeof(*f->cells));
    }
    return tbe_func_val(f);
}

/* What the failed script leaves behind, as the node's error text. Its toString may run once more: within
 * limits of its own. */
static struct tbe_str
error_text(struct tbe_x *x, struct tbe_arena *a)
{
    tbe_val v = x->thrown;
    if (v.t == TBE_STR_T) {
        return tbe_val_str(v);
    }
    struct tbe_catch c = { .up = NULL, .depth = 0 };
    x->fuel = ERROR_FUEL;
    a->limit += ERROR_ARENA;
    if (setjmp(c.env) != 0) {
        return TBE_STR("the script failed");
    }
    x->catch_ = &c;
    return tbe_arena_dup(a, tbe_j_text(x, v));
}

/* The limit is on what the script adds to the arena. */
static void
set_limits(struct tbe_x *x, struct tbe_arena *a)
{
    size_t room = (size_t)(a->end - a->cur), most = a->used - (a->used < room ? a->used : room) + TBE_SCRIPT_ARENA;
    if (a->limit == 0 || a->limit > most) {
        a->limit = most;
    }
    a->on_full = tbe_throw_full;
    a->on_full_arg = x;
}

int
tbe_script_run(const struct tbe_script *s, struct tbe_arena *a, const tbe_val args[3], tbe_val *out, struct tbe_str *err)
{
    if (s->refused != NULL) {
        *err = tbe_strz(s->refused);
        return -1;
    }
    struct tbe_catch c; /* as in tbe_try */
    c.up = NULL;
    c.depth = 0;
    struct tbe_x x = { .a = a, .catch_ = &c, .fuel = TBE_SCRIPT_FUEL };
    const struct tbe_arena was = { .limit = a->limit, .on_full = a->on_full, .on_full_arg = a->on_full_arg };
    volatile int rc = -1;
    set_limits(&x, a);
    if (setjmp(c.env) == 0) {
        tbe_val v = s->run(&x, args[0], args[1], args[2]);
        if (v.t != TBE_BOOL) {
            v = s->dialect == TBE_DIALECT_TBEL ? tbe_t_copy_out(&x, v) :
                s->dialect == TBE_DIALECT_JS ? tbe_j_result(&x, v) : tbe_j_plain(&x, v);
        }
        *out = v;
        rc = 0;
    }
    if (rc != 0) {
        *err = error_text(&x, a);
    }
    a->limit = was.limit;
    a->on_full = was.on_full;
    a->on_full_arg = was.on_full_arg;
    return rc;
}
