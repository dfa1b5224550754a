/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript's error objects: made, thrown, as text. */
#include "config.h"
#include "js_room.h"

tbe_val
js_obj_new(struct tbe_x *x, enum js_obj_kind k, const char *cls)
{
    struct js_obj *o = tbe_arena_zalloc(x->a, sizeof(*o));
    o->props = tbe_map_new(x->a, 4).u.m;
    o->cls = cls;
    return (tbe_val){ .t = TBE_OBJ, .sub = (uint8_t)k, .u = { .p = o } };
}

tbe_val
js_error(struct tbe_x *x, const char *cls, struct tbe_str msg)
{
    tbe_val e = js_obj_new(x, JS_ERROR, cls);
    js_define(x, e, TBE_STR("message"), tbe_strv(msg), JS_HIDDEN);
    return e;
}

void
tbe_j_throw(struct tbe_x *x, const char *cls, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct tbe_str s = tbe_arena_vfmt(x->a, fmt, ap);
    va_end(ap);
    tbe_throw_val(x, js_error(x, cls, s));
}

struct tbe_str
js_error_text(struct tbe_x *x, tbe_val e)
{
    tbe_val n = tbe_j_get_slow(x, e, TBE_STR("name")), m = tbe_j_get_slow(x, e, TBE_STR("message"));
    struct tbe_str name = n.t == TBE_UNDEF ? TBE_STR("Error") : tbe_j_text(x, n);
    struct tbe_str msg = m.t == TBE_UNDEF ? TBE_STR("") : tbe_j_text(x, m);
    if (msg.n == 0 || name.n == 0) {
        return msg.n == 0 ? name : msg;
    }
    return tbe_arena_fmt(x->a, "%.*s: %.*s", (int)name.n, name.p, (int)msg.n, msg.p);
}

tbe_val
tbe_j_caught(struct tbe_x *x)
{
    return x->thrown;
}

/* message and cause of an error, as its constructor takes them. */
static void
fill(struct tbe_x *x, tbe_val e, int argc, const tbe_val *argv)
{
    tbe_val options = js_arg(argc, argv, 1), cause;
    if (js_arg(argc, argv, 0).t != TBE_UNDEF) {
        js_define(x, e, TBE_STR("message"), tbe_j_str(x, argv[0]), JS_HIDDEN);
    }
    if (options.t == TBE_MAP && js_find(x, options, TBE_STR("cause"), &cause)) {
        js_define(x, e, TBE_STR("cause"), cause, JS_HIDDEN);
    }
}

static tbe_val
make_error(struct tbe_x *x, const char *cls, int argc, const tbe_val *argv)
{
    tbe_val e = js_obj_new(x, JS_ERROR, cls);
    fill(x, e, argc, argv);
    return e;
}

#define ERROR_CLASS(fn, cls) \
    tbe_val \
    fn(struct tbe_x *x, int argc, const tbe_val *argv) \
    { \
        return make_error(x, cls, argc, argv); \
    }
ERROR_CLASS(tbe_j_error, "Error")
ERROR_CLASS(tbe_j_type_error, "TypeError")
ERROR_CLASS(tbe_j_range_error, "RangeError")
ERROR_CLASS(tbe_j_syntax_error, "SyntaxError")
ERROR_CLASS(tbe_j_reference_error, "ReferenceError")
ERROR_CLASS(tbe_j_uri_error, "URIError")
ERROR_CLASS(tbe_j_eval_error, "EvalError")

void
js_error_fill(struct tbe_x *x, tbe_val e, int argc, const tbe_val *argv)
{
    fill(x, e, argc, argv);
}
