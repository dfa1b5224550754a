/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL operators and built-ins (facts/tbel.md), called by generated C and by constant folding.
 * All of them throw through x (tbe/script.h) and allocate in x->a only. Values of TBEL never are
 * UNDEF, except that a parameter that was not passed may be. A Map.Entry is a TBE_MAP value with
 * one entry and TBE_T_ENTRY in `flags`; a string made by concatenation may carry TBE_T_TAIL. */
#ifndef TBE_TBEL_H
#define TBE_TBEL_H

#include <string.h>
#include "tbe/script.h"

#define TBE_T_ENTRY 1 /* tbe_val.flags of a TBE_MAP: a Map.Entry */
#define TBE_T_TAIL 2  /* tbe_val.flags of a TBE_STR_T: ends at the arena's last allocation, see tbe_t_add */

#define TBE_T_MAX_STRING 4194304 /* bytes of repeat, concat, array (facts/tbel.md 14.2) */
#define TBE_T_MAX_ARGS 10        /* arguments of one method call */

tbe_val tbe_t_unresolved(struct tbe_x *x, struct tbe_str name) TBE_NORETURN; /* no such name */

/* Slow paths of the inline operators below. */
tbe_val tbe_t_add_slow(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_sub_slow(struct tbe_x *x, tbe_val a, tbe_val b);
bool tbe_t_eq_slow(struct tbe_x *x, tbe_val a, tbe_val b);
/* -1 0 1, or 2: every comparison is false */
int tbe_t_order(struct tbe_x *x, tbe_val a, tbe_val b);
bool tbe_t_truth_slow(struct tbe_x *x, tbe_val v);
tbe_val tbe_t_get_slow(struct tbe_x *x, tbe_val o, struct tbe_str key, uint32_t *hint);

/* Arithmetic by run-time class (5). */
static inline tbe_val
tbe_t_add(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (TBE_LIKELY(a.t == TBE_INT && b.t == TBE_INT)) {
        int64_t r = a.u.i + b.u.i;
        if (TBE_LIKELY(r == (int32_t)r)) {
            return tbe_int((int32_t)r);
        }
    }
    return tbe_t_add_slow(x, a, b);
}
static inline tbe_val
tbe_t_sub(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (TBE_LIKELY(a.t == TBE_INT && b.t == TBE_INT)) {
        int64_t r = a.u.i - b.u.i;
        if (TBE_LIKELY(r == (int32_t)r)) {
            return tbe_int((int32_t)r);
        }
    }
    return tbe_t_sub_slow(x, a, b);
}
tbe_val tbe_t_mul(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_div(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_rem(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_pow(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_neg(struct tbe_x *x, tbe_val a);
static inline tbe_val
tbe_t_inc(struct tbe_x *x, tbe_val v, int by) /* ++ and --: by is 1 or -1 */
{
    return by < 0 ? tbe_t_sub(x, v, tbe_int(1)) : tbe_t_add(x, v, tbe_int(1));
}
/* Both sides static Integer: 32-bit Java int (4.1 rule 1). Another class falls back to the
 * dynamic rule. */
tbe_val tbe_t_iadd(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_isub(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_imul(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_idiv(struct tbe_x *x, tbe_val a, tbe_val b);
/* a: a variable of static Integer; truncated */
tbe_val tbe_t_irem(struct tbe_x *x, tbe_val a, tbe_val b);
/* Static types of different kind: in double, cast to the wider type (4.1 rule 3). to: TBE_INT,
 * TBE_LONG, TBE_FLOAT or TBE_DOUBLE. */
tbe_val tbe_t_sadd(struct tbe_x *x, tbe_val a, tbe_val b, enum tbe_type to);
tbe_val tbe_t_ssub(struct tbe_x *x, tbe_val a, tbe_val b, enum tbe_type to);
tbe_val tbe_t_smul(struct tbe_x *x, tbe_val a, tbe_val b, enum tbe_type to);
tbe_val tbe_t_sdiv(struct tbe_x *x, tbe_val a, tbe_val b, enum tbe_type to);

/* op is one of + - * /; one side is a static Java primitive, whose class is given, the other
 * (TBE_UNDEF) is known when it runs: in double, cast to the wider class. */
tbe_val tbe_t_half(struct tbe_x *x, char op, tbe_val a, tbe_val b, enum tbe_type ta,
    enum tbe_type tb);

/* Bitwise (5). shl_abs is <<<. */
tbe_val tbe_t_band(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_bor(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_bxor(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_shl(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_shr(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_ushr(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_shl_abs(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_bnot(struct tbe_x *x, tbe_val a);

/* Comparison and equality (6). */
static inline bool
tbe_t_eq(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_INT && b.t == TBE_INT ? a.u.i == b.u.i : tbe_t_eq_slow(x, a, b);
}
static inline bool
tbe_t_ne(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return !tbe_t_eq(x, a, b);
}
static inline bool
tbe_t_lt(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_INT && b.t == TBE_INT ? a.u.i < b.u.i : tbe_t_order(x, a, b) == -1;
}
static inline bool
tbe_t_le(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_INT && b.t == TBE_INT ? a.u.i <= b.u.i : tbe_t_order(x, a, b) <= 0;
}
static inline bool
tbe_t_gt(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_INT && b.t == TBE_INT ? a.u.i > b.u.i : tbe_t_order(x, a, b) == 1;
}
static inline bool
tbe_t_ge(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_INT && b.t == TBE_INT ? a.u.i >= b.u.i : (tbe_t_order(x, a, b) & ~1) == 0;
}

/* Conditions (7): Boolean or an error. truth is for if, loops, !, && and ||; cond for ?: . */
static inline bool
tbe_t_truth(struct tbe_x *x, tbe_val v)
{
    return TBE_LIKELY(v.t == TBE_BOOL) ? v.u.i != 0 : tbe_t_truth_slow(x, v);
}
bool tbe_t_cond(struct tbe_x *x, tbe_val v);
bool tbe_t_empty_or(struct tbe_x *x, tbe_val a); /* `a or b` takes b */
bool tbe_t_is_empty(struct tbe_x *x, tbe_val v); /* v == empty */
void tbe_t_assert(struct tbe_x *x, tbe_val v);

/* The word operators: # ~= contains soundslike strsim convertable_to instanceof. */
tbe_val tbe_t_concat(struct tbe_x *x, tbe_val a, tbe_val b);
bool tbe_t_match(struct tbe_x *x, tbe_val a, tbe_val re);
bool tbe_t_contains(struct tbe_x *x, tbe_val a, tbe_val b);
bool tbe_t_soundslike(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val tbe_t_strsim(struct tbe_x *x, tbe_val a, tbe_val b);
bool tbe_t_convertable(struct tbe_x *x, tbe_val a, struct tbe_str cls);
bool tbe_t_instanceof(struct tbe_x *x, tbe_val v, struct tbe_str cls);
tbe_val tbe_t_cast(struct tbe_x *x, struct tbe_str type, tbe_val v);

/* Properties, elements, methods (8). get of a null object throws; a missing map key is null.
 * hint is a cache of the place, initially 0; may be NULL. site: the script's text of the
 * expression, which the errors name; the forms without one are for calls that no script text
 * stands for. */
tbe_val tbe_t_null_pointer(struct tbe_x *x, const char *site) TBE_NORETURN;
static inline tbe_val
tbe_t_need(struct tbe_x *x, tbe_val o,
    const char *site) /* o, the object of the expression `site` */
{
    if (TBE_UNLIKELY(tbe_is_null(o))) {
        tbe_t_null_pointer(x, site);
    }
    return o;
}
/* A parameter of a script function, called name; one that was not passed is UNDEF, and throws. */
static inline tbe_val
tbe_t_param(struct tbe_x *x, tbe_val v, const char *name)
{
    if (TBE_UNLIKELY(v.t == TBE_UNDEF)) {
        tbe_t_unresolved(x, tbe_strz(name));
    }
    return v;
}
static inline tbe_val
tbe_t_get(struct tbe_x *x, tbe_val o, struct tbe_str key, uint32_t *hint)
{
    return tbe_t_get_slow(x, o, key, hint);
}
/* For a key that names no method of maps (8). */
bool tbe_t_is_map_name(struct tbe_str key);
static inline tbe_val
tbe_t_get_key(struct tbe_x *x, tbe_val o, struct tbe_str key, uint32_t *hint, const char *site)
{
    if (TBE_LIKELY(o.t == TBE_MAP && !(o.flags & TBE_T_ENTRY) && *hint < o.u.m->n)) {
        const struct tbe_entry *e = &o.u.m->e[*hint]; /* keys are constants of generated code */
        if (e->key.t == TBE_STR_T && e->key.n == key.n && memcmp(e->key.u.s, key.p, key.n) == 0) {
            return e->val;
        }
    }
    return tbe_t_get_slow(x, tbe_t_need(x, o, site), key, hint);
}
tbe_val tbe_t_get_safe(struct tbe_x *x, tbe_val o, struct tbe_str key, uint32_t *hint); /* a.?b */
/* parent: text of o */
void tbe_t_put(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v, const char *parent);
tbe_val tbe_t_index(struct tbe_x *x, tbe_val o, tbe_val key);
tbe_val tbe_t_index_at(struct tbe_x *x, tbe_val o, tbe_val key, const char *site);
void tbe_t_put_index(struct tbe_x *x, tbe_val o, tbe_val key, tbe_val v);
tbe_val tbe_t_method(struct tbe_x *x, tbe_val o, struct tbe_str name, int argc,
    const tbe_val *argv);
tbe_val tbe_t_call(struct tbe_x *x, tbe_val f, tbe_val self, int argc, const tbe_val *argv);

/* foreach (9): lists, sets, arrays, maps (entries; a snapshot), strings, integers 1..n. */
#ifndef TBE_ITER
#define TBE_ITER
struct tbe_iter {
    tbe_val v;
    uint32_t i, n;
    int64_t k;
    void *p;
};
#endif
void tbe_t_iter(struct tbe_x *x, struct tbe_iter *it, tbe_val v,
    const char *site); /* site: text of v; lives as long as it */
/* throws when v was modified */
bool tbe_t_next(struct tbe_x *x, struct tbe_iter *it, tbe_val *out);

/* Literals and construction. A map literal drops null values. */
tbe_val tbe_t_list(struct tbe_x *x, int n, const tbe_val *v);
tbe_val tbe_t_map(struct tbe_x *x, int n, const struct tbe_str *keys, const tbe_val *v);
tbe_val tbe_t_map_vals(struct tbe_x *x, int n, const tbe_val *keys, const tbe_val *v);
tbe_val tbe_t_new(struct tbe_x *x, struct tbe_str cls, int argc, const tbe_val *argv);
tbe_val tbe_t_new_array(struct tbe_x *x, struct tbe_str type, tbe_val size);
tbe_val tbe_t_array_of(struct tbe_x *x, struct tbe_str type, int n, const tbe_val *v);
/* Integer.MAX_VALUE */
tbe_val tbe_t_const(struct tbe_x *x, struct tbe_str cls, struct tbe_str name);

/* Errors of names; typed as values so that they stand in expressions. */
/* x += 1 without an x */
tbe_val tbe_t_no_variable(struct tbe_x *x, struct tbe_str name) TBE_NORETURN;
tbe_val tbe_t_no_function(struct tbe_x *x, struct tbe_str name) TBE_NORETURN;
tbe_val tbe_t_bad_args(struct tbe_x *x, struct tbe_str call) TBE_NORETURN; /* too many arguments */
tbe_val tbe_t_no_static(struct tbe_x *x, struct tbe_str cls, struct tbe_str name, int argc,
                     const tbe_val *argv) TBE_NORETURN; /* Math.foo(1) */

/* Arguments on the way in: null members of maps are dropped at every depth. The result on the
 * way out: primitive arrays become lists, dates their text; too deep or too large throws. */
tbe_val tbe_t_copy_in(struct tbe_x *x, tbe_val v);
tbe_val tbe_t_copy_out(struct tbe_x *x, tbe_val v);

/* Simple Java class name of a value for messages: Integer, LinkedHashMap, null ... */
const char *tbe_t_class(tbe_val v);

/* Static methods and global functions: one row each in the table, which also names constants and
 * the static result types of methods. All functions have this shape. */
typedef tbe_val tbe_t_fn(struct tbe_x *x, int argc, const tbe_val *argv);
#define BUILTIN(cls, name, fn, type) tbe_val fn(struct tbe_x *x, int argc, const tbe_val *argv); /* repeats are harmless */
#include "tbe/tbel_builtins.def"
tbe_val tbe_t_bytes_to_hex_any(struct tbe_x *x, int argc,
    const tbe_val *argv); /* bytesToHex of an unknown class */
tbe_val tbe_t_date_new(struct tbe_x *x, int argc, const tbe_val *argv); /* new Date(...) */

#endif
