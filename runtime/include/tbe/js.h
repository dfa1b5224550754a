/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript operators and built-ins, called by generated C and by constant folding
 * (facts/tbel.md 16 and the JavaScript vectors). Sloppy-mode semantics of Node. Objects are
 * TBE_MAP, arrays TBE_LIST (a hole is TBE_J_HOLE), functions TBE_FUNC, dates TBE_DATE, regular
 * expressions TBE_REGEX; errors, Map, Set and instances are TBE_OBJ with struct js_obj
 * (js_room.h). Numbers made here are DOUBLE; any other numeric tag is accepted as a number.
 * Errors are thrown through x. */
#ifndef TBE_JS_H
#define TBE_JS_H

#include <math.h>
#include <string.h>
#include "tbe/script.h"

#define TBE_J_HOLE ((tbe_val){ .t = TBE_UNDEF, .sub = 2 })
#define TBE_J_EARLY ((tbe_val){ .t = TBE_UNDEF, .sub = 4 }) /* a let or const before its declaration */

static inline bool
tbe_j_is_num(tbe_val v)
{
    return v.t >= TBE_BYTE && v.t <= TBE_NUM;
}

/* ---- conversions ---- */
double tbe_j_num_slow(struct tbe_x *x, tbe_val v);
static inline double
tbe_j_num(struct tbe_x *x, tbe_val v)
{
    return TBE_LIKELY(v.t == TBE_DOUBLE) ? v.u.d : v.t == TBE_INT ? (double)v.u.i :
        tbe_j_num_slow(x, v);
}
static inline bool
tbe_j_num_truth(double d)
{
    return d < 0 || d > 0;
}
bool tbe_j_truth_slow(tbe_val v);
static inline bool
tbe_j_truth(struct tbe_x *x, tbe_val v)
{
    (void)x;
    return v.t == TBE_BOOL ? v.u.i != 0 : tbe_j_truth_slow(v);
}
struct tbe_str tbe_j_text(struct tbe_x *x, tbe_val v); /* ToString */
tbe_val tbe_j_str(struct tbe_x *x, tbe_val v);         /* ToString as a value */
tbe_val tbe_j_prim(struct tbe_x *x, tbe_val v, bool hint_string);
tbe_val tbe_j_typeof(tbe_val v);

/* ---- operators ---- */
tbe_val tbe_j_add_slow(struct tbe_x *x, tbe_val a, tbe_val b);
static inline tbe_val
tbe_j_add(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_DOUBLE && b.t == TBE_DOUBLE ? tbe_double(a.u.d + b.u.d) :
        tbe_j_add_slow(x, a, b);
}
double tbe_j_rem(double a, double b);
double tbe_j_pow(double a, double b);
int32_t tbe_j_int32(double d);
static inline double tbe_j_band(double a,
    double b) { return (double)(tbe_j_int32(a) & tbe_j_int32(b)); }
static inline double tbe_j_bor(double a,
    double b) { return (double)(tbe_j_int32(a) | tbe_j_int32(b)); }
static inline double tbe_j_bxor(double a,
    double b) { return (double)(tbe_j_int32(a) ^ tbe_j_int32(b)); }
static inline double tbe_j_bnot(double a) { return (double)~tbe_j_int32(a); }
static inline double
tbe_j_shl(double a, double b)
{
    return (double)(int32_t)((uint32_t)tbe_j_int32(a) << ((uint32_t)tbe_j_int32(b) & 31));
}
static inline double tbe_j_shr(double a,
    double b) { return (double)(tbe_j_int32(a) >> ((uint32_t)tbe_j_int32(b) & 31)); }
static inline double
tbe_j_ushr(double a, double b)
{
    return (double)((uint32_t)tbe_j_int32(a) >> ((uint32_t)tbe_j_int32(b) & 31));
}
bool tbe_j_eq(struct tbe_x *x, tbe_val a, tbe_val b);
static inline bool tbe_j_ne(struct tbe_x *x, tbe_val a, tbe_val b) { return !tbe_j_eq(x, a, b); }
bool tbe_j_seq_slow(tbe_val a, tbe_val b);
static inline bool
tbe_j_seq(struct tbe_x *x, tbe_val a, tbe_val b)
{
    (void)x;
    return a.t == TBE_DOUBLE && b.t == TBE_DOUBLE ? a.u.d == b.u.d : tbe_j_seq_slow(a, b);
}
static inline bool tbe_j_sne(struct tbe_x *x, tbe_val a, tbe_val b) { return !tbe_j_seq(x, a, b); }
int tbe_j_order(struct tbe_x *x, tbe_val a, tbe_val b); /* -1 0 1, or 2: unordered */
static inline bool
tbe_j_lt(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_DOUBLE && b.t == TBE_DOUBLE ? a.u.d < b.u.d : tbe_j_order(x, a, b) == -1;
}
static inline bool
tbe_j_gt(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_DOUBLE && b.t == TBE_DOUBLE ? a.u.d > b.u.d : tbe_j_order(x, a, b) == 1;
}
static inline bool
tbe_j_le(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_DOUBLE && b.t == TBE_DOUBLE ? a.u.d <= b.u.d : tbe_j_order(x, a, b) <= 0;
}
static inline bool
tbe_j_ge(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return a.t == TBE_DOUBLE && b.t == TBE_DOUBLE ? a.u.d >= b.u.d :
        (tbe_j_order(x, a, b) & ~1) == 0;
}
bool tbe_j_in(struct tbe_x *x, tbe_val key, tbe_val obj);
bool tbe_j_instanceof(struct tbe_x *x, tbe_val v, tbe_val f);
bool tbe_j_is_a(struct tbe_x *x, tbe_val v, struct tbe_str cls); /* instanceof a built-in class */

/* ---- properties ---- */
tbe_val tbe_j_get_slow(struct tbe_x *x, tbe_val o, struct tbe_str key);
static inline tbe_val
tbe_j_get(struct tbe_x *x, tbe_val o, struct tbe_str key, uint32_t *hint)
{
    if (TBE_LIKELY(o.t == TBE_MAP)) {
        /* without a call; keys are constants of generated code */
        if (hint != NULL && *hint < o.u.m->n) {
            const struct tbe_entry *e = &o.u.m->e[*hint];
            if (e->key.t == TBE_STR_T && e->key.n == key.n && e->val.t != TBE_UNDEF &&
                memcmp(e->key.u.s, key.p, key.n) == 0) {
                return e->val;
            }
        }
        tbe_val v = tbe_map_get_hint(o.u.m, key, hint);
        if (TBE_LIKELY(v.t != TBE_UNDEF)) {
            return v;
        }
    }
    return tbe_j_get_slow(x, o, key);
}
tbe_val tbe_j_length(struct tbe_x *x, tbe_val o);
tbe_val tbe_j_index(struct tbe_x *x, tbe_val o, tbe_val key);
tbe_val tbe_j_index_num_slow(struct tbe_x *x, tbe_val o, double i);
static inline tbe_val
tbe_j_index_num(struct tbe_x *x, tbe_val o, double i)
{
    if (TBE_LIKELY(o.t == TBE_LIST && i >= 0 && i < (double)o.u.l->n && i == (double)(uint32_t)i)) {
        tbe_val v = o.u.l->v[(uint32_t)i];
        if (v.t != TBE_UNDEF) {
            return v;
        }
    }
    return tbe_j_index_num_slow(x, o, i);
}
void tbe_j_put(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v);
void tbe_j_put_index(struct tbe_x *x, tbe_val o, tbe_val key, tbe_val v);
void tbe_j_put_index_num(struct tbe_x *x, tbe_val o, double i, tbe_val v);
bool tbe_j_delete(struct tbe_x *x, tbe_val o, tbe_val key);
tbe_val tbe_j_method(struct tbe_x *x, tbe_val o, struct tbe_str name, int argc,
    const tbe_val *argv);
/* The same for generated code: behind the name's end and a NUL the literal goes on with the text
 * of the call. */
tbe_val tbe_j_method_site(struct tbe_x *x, tbe_val o, struct tbe_str name, int argc,
    const tbe_val *argv);
#define TBE_SITE(name, site) ((struct tbe_str){ "" name "\0" site, sizeof(name) - 1 })
void tbe_j_not_callable(struct tbe_x *x, const char *site) TBE_NORETURN;
static inline tbe_val
tbe_j_callable(struct tbe_x *x, tbe_val f,
    const char *site) /* f, which the script calls as `site` */
{
    if (TBE_UNLIKELY(f.t != TBE_FUNC && f.t != TBE_OBJ)) {
        tbe_j_not_callable(x, site);
    }
    return f;
}
tbe_val tbe_j_method_at(struct tbe_x *x, tbe_val o, tbe_val key, int argc, const tbe_val *argv);
tbe_val tbe_j_method_value(struct tbe_x *x, tbe_val o, struct tbe_str name);
tbe_val tbe_j_proto_call(struct tbe_x *x, struct tbe_str cls, tbe_val self, struct tbe_str name,
    int argc,
                         const tbe_val *argv);
tbe_val tbe_j_call(struct tbe_x *x, tbe_val f, tbe_val self, int argc, const tbe_val *argv);
tbe_val tbe_j_construct(struct tbe_x *x, tbe_val f, int argc, const tbe_val *argv);
tbe_val tbe_j_new(struct tbe_x *x, struct tbe_str cls, int argc, const tbe_val *argv);

/* ---- names ---- */
tbe_val tbe_j_not_defined(struct tbe_x *x, struct tbe_str name) TBE_NORETURN;
tbe_val tbe_j_no_static(struct tbe_x *x, struct tbe_str cls, struct tbe_str name, int argc,
    const tbe_val *argv);
tbe_val tbe_j_early(struct tbe_x *x, struct tbe_str name) TBE_NORETURN;
static inline tbe_val
tbe_j_let(struct tbe_x *x, tbe_val v,
    struct tbe_str name) /* a let or const that may be read too early */
{
    if (TBE_UNLIKELY(v.t == TBE_UNDEF && v.sub == 4)) {
        tbe_j_early(x, name);
    }
    return v;
}
/* the script put it into cls.prototype */
bool tbe_j_added(struct tbe_x *x, struct tbe_str cls, struct tbe_str name);
tbe_val tbe_j_this_global(struct tbe_x *x);
static inline tbe_val
tbe_j_this(struct tbe_x *x,
    tbe_val self) /* sloppy mode: the global object when called on nothing */
{
    return self.t <= TBE_NULL ? tbe_j_this_global(x) : self;
}
tbe_val tbe_j_assign_const(struct tbe_x *x, tbe_val v) TBE_NORETURN;
tbe_val tbe_j_global(struct tbe_x *x, struct tbe_str name,
    tbe_val (*fn)(struct tbe_x *, int, const tbe_val *));
tbe_val tbe_j_const(struct tbe_x *x, struct tbe_str cls, struct tbe_str name);
static inline tbe_val
tbe_j_ref(struct tbe_x *x, tbe_val v, struct tbe_str name) /* an implicit global */
{
    if (TBE_UNLIKELY(v.t == TBE_UNDEF && v.sub == 1)) {
        tbe_j_not_defined(x, name);
    }
    return v;
}
tbe_val tbe_j_caught(struct tbe_x *x);
void tbe_j_throw(struct tbe_x *x, const char *cls, const char *fmt, ...) TBE_PRINTF(3,
    4) TBE_NORETURN;

/* ---- literals ---- */
tbe_val tbe_j_list(struct tbe_x *x, int n, const tbe_val *v);
tbe_val tbe_j_map(struct tbe_x *x, int n, const struct tbe_str *keys, const tbe_val *v);
tbe_val tbe_j_regex(struct tbe_x *x, struct tbe_str pattern, struct tbe_str flags);
tbe_val tbe_j_template(struct tbe_x *x, int n, const tbe_val *parts);
tbe_val tbe_j_tag(struct tbe_x *x, int n, const struct tbe_str *cooked, const struct tbe_str *raw);
/* get key() {} of a literal */
void tbe_j_accessor(struct tbe_x *x, tbe_val o, tbe_val key, tbe_val fn, bool setter);
void tbe_j_append(struct tbe_x *x, tbe_val list, tbe_val v);
void tbe_j_append_all(struct tbe_x *x, tbe_val list, tbe_val iterable);
void tbe_j_assign_props(struct tbe_x *x, tbe_val obj, tbe_val from);
tbe_val tbe_j_spread(struct tbe_x *x, tbe_val iterable); /* as a list; lists are not copied */
tbe_val tbe_j_rest(struct tbe_x *x, tbe_val list, int from);
/* `arguments`: the list holds room for the n parameters, which live in it. */
tbe_val tbe_j_arguments(struct tbe_x *x, int argc, const tbe_val *argv, int n);
tbe_val tbe_j_rest_args(struct tbe_x *x, int argc, const tbe_val *argv, int from);
void tbe_j_coercible(struct tbe_x *x, tbe_val v); /* throws for null and undefined */
tbe_val tbe_j_omit(struct tbe_x *x, tbe_val obj, int n, const tbe_val *keys);

/* ---- loops ---- */
void tbe_j_iter(struct tbe_x *x, struct tbe_iter *it, tbe_val v);      /* for-of */
void tbe_j_iter_keys(struct tbe_x *x, struct tbe_iter *it, tbe_val v); /* for-in */
bool tbe_j_next(struct tbe_x *x, struct tbe_iter *it, tbe_val *out);

/* The result as the wrapper's JSON.stringify and JSON.parse leave it: dates are text, what has
 * no JSON is gone, keys in JavaScript's order. UNDEF when nothing is left. */
tbe_val tbe_j_result(struct tbe_x *x, tbe_val v);
/* the value as it is, as lists and maps: getters are read */
tbe_val tbe_j_plain(struct tbe_x *x, tbe_val v);

tbe_val tbe_j_needs_new(struct tbe_x *x, int argc, const tbe_val *argv);
#define BUILTIN(cls, name, fn, type) tbe_val fn(struct tbe_x *x, int argc, const tbe_val *argv);
#include "tbe/js_builtins.def"

#endif
