/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript methods and calls: which function a method name means, calling it, new, and the
 * methods of functions. */
#include "config.h"
#include "js_room.h"

#include <string.h>

tbe_fn *
js_find_method(const struct js_method *t, size_t n, struct tbe_str name)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2, len = strlen(t[mid].name);
        int c = memcmp(t[mid].name, name.p, len < name.n ? len : name.n);
        c = c != 0 ? c : len < name.n ? -1 : len > name.n;
        if (c == 0) {
            return t[mid].fn;
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

tbe_val
js_native(struct tbe_x *x, const char *name, tbe_fn *fn, tbe_val bound)
{
    struct tbe_func *f = tbe_arena_zalloc(x->a, sizeof(*f));
    f->native = fn;
    f->name = name;
    f->bound = bound;
    return tbe_func_val(f);
}

bool
js_callable(tbe_val v)
{
    return v.t == TBE_FUNC || (v.t == TBE_OBJ && v.sub == JS_CLASS &&
        ((struct js_obj *)v.u.p)->ctor.t == TBE_FUNC);
}

const char *
js_cls(tbe_val v)
{
    switch (v.t) {
    case TBE_STR_T: return "String";
    case TBE_BOOL: return "Boolean";
    case TBE_LIST: return "Array";
    case TBE_DATE: return "Date";
    case TBE_REGEX: return "RegExp";
    case TBE_FUNC: return "Function";
    case TBE_OBJ:
        switch (v.sub) {
        case JS_ERROR:
        case JS_MAPOBJ:
        case JS_SETOBJ:
            return ((struct js_obj *)v.u.p)->cls;
        case JS_CLASS:
            return js_callable(v) ? "Function" : "Object";
        default:
            return "Object";
        }
    default: return tbe_j_is_num(v) ? "Number" : "Object";
    }
}

/* The methods of a class of the language; those of Object are not among them. */
static tbe_fn *
class_method(const char *cls, struct tbe_str name)
{
    static const struct { const char *cls; tbe_fn *(*find)(struct tbe_str); } t[] = { { "String",
        js_string_method },
        { "Array", js_array_method }, { "Date", js_date_method }, { "RegExp", js_regex_method },
        { "Function", js_func_method }, { "Number", js_number_method } };
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        if (strcmp(t[i].cls, cls) == 0) {
            return t[i].find(name);
        }
    }
    bool set = strcmp(cls, "Set") == 0 || strcmp(cls, "WeakSet") == 0;
    bool map = strcmp(cls, "Map") == 0 || strcmp(cls, "WeakMap") == 0;
    return set || map ? js_mapset_method(set, name) : NULL;
}

tbe_fn *
js_proto_method(const char *cls, struct tbe_str name)
{
    tbe_fn *f = class_method(cls, name);
    return f != NULL ? f : js_object_method(name);
}

tbe_fn *
js_builtin_method(tbe_val o, struct tbe_str name)
{
    tbe_fn *f = NULL;
    switch (o.t) {
    case TBE_STR_T:
        f = js_string_method(name);
        break;
    case TBE_LIST:
        f = js_array_method(name);
        break;
    case TBE_DATE:
        f = js_date_method(name);
        break;
    case TBE_REGEX:
        f = js_regex_method(name);
        break;
    case TBE_FUNC:
        f = js_func_method(name);
        break;
    case TBE_OBJ:
        if (o.sub == JS_BOXED) {
            f = js_builtin_method(((struct js_obj *)o.u.p)->ctor, name);
        } else if (o.sub == JS_ITER) {
            f = js_iter_method(name);
        } else {
            f = class_method(js_cls(o), name);
        }
        break;
    default:
        f = tbe_j_is_num(o) ? js_number_method(name) : NULL;
        break;
    }
    return f ? f : js_object_method(name);
}

/* A method taken off its object: calls it on the object it is called with. */
static tbe_val
method_off(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_fn *fn = self.t > TBE_NULL ? js_builtin_method(self, tbe_strz(f->name)) : NULL;
    if (fn == NULL) {
        tbe_j_throw(x, "TypeError", "%s called on incompatible receiver", f->name);
    }
    return fn(x, self.t == TBE_OBJ && self.sub == JS_BOXED ? ((struct js_obj *)self.u.p)->ctor :
        self, argc, argv);
}

tbe_val
js_method_off(struct tbe_x *x, struct tbe_str name)
{
    return tbe_closure(x, method_off, tbe_arena_dupz(x->a, name), 0, 0, NULL);
}

bool
js_is_method_off(const struct tbe_func *f)
{
    return f->fn == method_off;
}

tbe_val
tbe_j_method_value(struct tbe_x *x, tbe_val o, struct tbe_str name)
{
    return tbe_j_get(x, o, name, NULL);
}

/* ---- calls ---- */

static void TBE_NORETURN
not_function(struct tbe_x *x, struct tbe_str name)
{
    tbe_j_throw(x, "TypeError", "%.*s is not a function", (int)name.n, name.p);
}

void
tbe_j_not_callable(struct tbe_x *x, const char *site)
{
    not_function(x, tbe_strz(site));
}

tbe_val
tbe_j_call(struct tbe_x *x, tbe_val f, tbe_val self, int argc, const tbe_val *argv)
{
    if (f.t == TBE_OBJ && f.sub == JS_CLASS) {
        f = ((struct js_obj *)f.u.p)->ctor;
    }
    if (f.t != TBE_FUNC) {
        not_function(x, tbe_j_text(x, f));
    }
    struct tbe_func *fn = f.u.p;
    tbe_call_enter(x);
    tbe_val r;
    if (fn->native != NULL) {
        r = fn->native(x, fn->bound.t != TBE_UNDEF ? fn->bound : self, argc, argv);
    } else {
        r = fn->fn(x, fn, self, argc, argv);
    }
    tbe_call_leave(x);
    return r;
}

/* o.name(...); site: what the script writes for it, or NULL. */
static tbe_val
call_method(struct tbe_x *x, tbe_val o, struct tbe_str name, const char *site, int argc,
    const tbe_val *argv)
{
    tbe_val f;
    if (o.t <= TBE_NULL) {
        (void)tbe_j_get_slow(x, o, name); /* throws */
    }
    if (js_find(x, o, name, &f)) {
        if (!js_callable(f)) {
            not_function(x, site != NULL ? tbe_strz(site) : name);
        }
        return tbe_j_call(x, f, o, argc, argv);
    }
    if (o.t == TBE_OBJ && (o.sub == JS_CLASS || o.sub == JS_PROTO)) {
        f = js_special(x, o, name);
        if (f.t != TBE_UNDEF) {
            return tbe_j_call(x, f, o, argc, argv);
        }
    }
    tbe_fn *fn = js_builtin_method(o, name);
    if (fn == NULL) {
        f = js_special(x, o, name); /* constructor */
        if (js_callable(f)) {
            return tbe_j_call(x, f, o, argc, argv);
        }
        not_function(x, site != NULL ? tbe_strz(site) : name);
    }
    tbe_call_enter(x);
    tbe_val self = o.t == TBE_OBJ && o.sub == JS_BOXED ? ((struct js_obj *)o.u.p)->ctor : o;
    tbe_val r = fn(x, self, argc, argv);
    tbe_call_leave(x);
    return r;
}

tbe_val
tbe_j_method(struct tbe_x *x, tbe_val o, struct tbe_str name, int argc, const tbe_val *argv)
{
    return call_method(x, o, name, NULL, argc, argv);
}

tbe_val
tbe_j_method_site(struct tbe_x *x, tbe_val o, struct tbe_str name, int argc, const tbe_val *argv)
{
    return call_method(x, o, name, name.p + name.n + 1, argc, argv);
}

tbe_val
tbe_j_method_at(struct tbe_x *x, tbe_val o, tbe_val key, int argc, const tbe_val *argv)
{
    if (o.t == TBE_LIST && tbe_j_is_num(key)) {
        return tbe_j_call(x, tbe_j_index(x, o, key), o, argc, argv);
    }
    return tbe_j_method(x, o, tbe_j_text(x, key), argc, argv);
}

tbe_val
tbe_j_proto_call(struct tbe_x *x, struct tbe_str cls, tbe_val self, struct tbe_str name, int argc,
    const tbe_val *argv)
{
    tbe_fn *f = NULL;
    tbe_val patched;
    if (js_find(x, js_class_proto(x, tbe_arena_dupz(x->a, cls)), name, &patched)) {
        return tbe_j_call(x, patched, self, argc, argv);
    }
    if (tbe_str_eqz(cls, "Array")) {
        f = js_array_method(name);
        if (f != NULL && self.t != TBE_LIST) {
            self = self.t == TBE_STR_T ? tbe_j_spread(x, self) : tbe_j_array_from(x, 1, &self);
        }
    } else if (tbe_str_eqz(cls, "String")) {
        f = js_string_method(name);
        self = tbe_j_str(x, self);
    } else if (tbe_str_eqz(cls, "Object")) {
        f = js_object_proto_method(name);
    } else {
        return tbe_j_method(x, self, name, argc, argv);
    }
    if (f == NULL) {
        not_function(x, name);
    }
    tbe_call_enter(x);
    tbe_val r = f(x, self, argc, argv);
    tbe_call_leave(x);
    return r;
}

static tbe_val
fn_call(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    return tbe_j_call(x, self, js_arg(argc, argv, 0), argc > 0 ? argc - 1 : 0, argc > 0 ? argv + 1 :
        NULL);
}

static tbe_val
fn_apply(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val list = js_arg(argc, argv, 1);
    if (list.t <= TBE_NULL) {
        return tbe_j_call(x, self, js_arg(argc, argv, 0), 0, NULL);
    }
    if (list.t != TBE_LIST) {
        list = tbe_j_array_from(x, 1, &list);
    }
    return tbe_j_call(x, self, js_arg(argc, argv, 0), (int)list.u.l->n, list.u.l->v);
}

static tbe_val
bound_args(struct tbe_x *x, const struct tbe_func *f, int argc, const tbe_val *argv)
{
    tbe_val all = tbe_list_new(x->a, (uint32_t)(argc + f->nparams + 1));
    for (int i = 0; i < f->nparams; i++) {
        tbe_list_push(x->a, all.u.l, *f->cells[2 + i]);
    }
    for (int i = 0; i < argc; i++) {
        tbe_list_push(x->a, all.u.l, argv[i]);
    }
    return all;
}

static tbe_val
bound_call(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val all = bound_args(x, f, argc, argv);
    (void)self;
    return tbe_j_call(x, *f->cells[0], *f->cells[1], (int)all.u.l->n, all.u.l->v);
}

static tbe_val
fn_bind(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    int n = argc > 0 ? argc - 1 : 0;
    tbe_val **cells = tbe_arena_alloc(x->a, (size_t)(n + 2) * sizeof(*cells));
    cells[0] = tbe_cell(x, self);
    cells[1] = tbe_cell(x, js_arg(argc, argv, 0));
    for (int i = 0; i < n; i++) {
        cells[2 + i] = tbe_cell(x, argv[i + 1]);
    }
    return tbe_closure(x, bound_call, "bound", n, n + 2, cells);
}

static tbe_val
fn_to_string(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    return tbe_strv(tbe_j_text(x, self));
}

tbe_fn *
js_func_method(struct tbe_str name)
{
    static const struct js_method t[] = { { "apply", fn_apply }, { "bind", fn_bind },
        { "call", fn_call },
        { "toString", fn_to_string } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}

/* ---- new ---- */

tbe_val
tbe_j_construct(struct tbe_x *x, tbe_val f, int argc, const tbe_val *argv)
{
    if (f.t == TBE_OBJ && f.sub == JS_CLASS) {
        return tbe_j_new(x, tbe_strz(((struct js_obj *)f.u.p)->cls), argc, argv);
    }
    struct tbe_func *fn = f.t == TBE_FUNC ? f.u.p : NULL;
    if (fn != NULL && fn->fn == bound_call) {
        tbe_val all = bound_args(x, fn, argc, argv);
        return tbe_j_construct(x, *fn->cells[0], (int)all.u.l->n, all.u.l->v);
    }
    if (fn == NULL || fn->native != NULL || js_is_method_off(fn)) {
        struct tbe_str s = tbe_j_text(x, f);
        tbe_j_throw(x, "TypeError", "%.*s is not a constructor", (int)s.n, s.p);
    }
    tbe_val o = js_obj_new(x, JS_INSTANCE, "Object"), proto = tbe_j_get_slow(x, f,
        TBE_STR("prototype"));
    ((struct js_obj *)o.u.p)->proto = proto.t > TBE_STR_T ? proto : TBE_UNDEF_VAL;
    tbe_val r = tbe_j_call(x, f, o, argc, argv);
    return r.t > TBE_STR_T ? r : o;
}

static tbe_val
boxed(struct tbe_x *x, const char *cls, tbe_val v)
{
    tbe_val o = js_obj_new(x, JS_BOXED, cls);
    ((struct js_obj *)o.u.p)->ctor = v;
    return o;
}

tbe_val
tbe_j_object(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val v = js_arg(argc, argv, 0);
    return v.t <= TBE_NULL ? tbe_map_new(x->a, 4) : v.t <= TBE_STR_T ? boxed(x, js_cls(v), v) : v;
}

tbe_val
tbe_j_needs_new(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    tbe_j_throw(x, "TypeError", "Constructor requires 'new'");
}

tbe_val
tbe_j_new(struct tbe_x *x, struct tbe_str cls, int argc, const tbe_val *argv)
{
    static const struct { const char *name; tbe_val (*fn)(struct tbe_x *, int,
        const tbe_val *); bool box; } rows[] = {
        { "Date", js_date_construct, false }, { "Array", tbe_j_array, false },
        { "Object", tbe_j_object, false },
        { "RegExp", tbe_j_regexp, false }, { "Error", tbe_j_error, false },
        { "TypeError", tbe_j_type_error, false },
        { "RangeError", tbe_j_range_error, false }, { "SyntaxError", tbe_j_syntax_error, false },
        { "ReferenceError", tbe_j_reference_error, false }, { "URIError", tbe_j_uri_error, false },
        { "EvalError", tbe_j_eval_error, false }, { "Number", tbe_j_number, true },
        { "String", tbe_j_string, true },
        { "Boolean", tbe_j_boolean, true } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (tbe_str_eqz(cls, rows[i].name)) {
            tbe_val v = rows[i].fn(x, argc, argv);
            return rows[i].box ? boxed(x, rows[i].name, v) : v;
        }
    }
    bool set = tbe_str_eqz(cls, "Set") || tbe_str_eqz(cls, "WeakSet");
    if (set || tbe_str_eqz(cls, "Map") || tbe_str_eqz(cls, "WeakMap")) {
        return js_mapset_construct(x, set, js_arg(argc, argv, 0));
    }
    if (tbe_str_eqz(cls, "Math") || tbe_str_eqz(cls, "JSON") || tbe_str_eqz(cls, "console")) {
        tbe_j_throw(x, "TypeError", "%.*s is not a constructor", (int)cls.n, cls.p);
    }
    tbe_j_not_defined(x, cls);
}

/* ---- names ---- */

tbe_val
tbe_j_not_defined(struct tbe_x *x, struct tbe_str name)
{
    tbe_j_throw(x, "ReferenceError", "%.*s is not defined", (int)name.n, name.p);
}

tbe_val
tbe_j_early(struct tbe_x *x, struct tbe_str name)
{
    tbe_j_throw(x, "ReferenceError", "Cannot access '%.*s' before initialization", (int)name.n,
        name.p);
}

tbe_val
tbe_j_no_static(struct tbe_x *x, struct tbe_str cls, struct tbe_str name, int argc,
    const tbe_val *argv)
{
    tbe_val c = js_class_value(x, tbe_arena_dupz(x->a, cls));
    /* the script may have put it there; toString and the like are every object's */
    if (c.t == TBE_OBJ) {
        return call_method(x, c, name, tbe_arena_fmt(x->a, "%.*s.%.*s%c", (int)cls.n, cls.p,
            (int)name.n, name.p, 0).p,
            argc, argv);
    }
    tbe_j_throw(x, "TypeError", "%.*s.%.*s is not a function", (int)cls.n, cls.p, (int)name.n,
        name.p);
}

tbe_val
tbe_j_assign_const(struct tbe_x *x, tbe_val v)
{
    (void)v;
    tbe_j_throw(x, "TypeError", "Assignment to constant variable.");
}

tbe_val
tbe_j_boolean(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_bool(tbe_j_truth(x, js_arg(argc, argv, 0)));
}

tbe_val
tbe_j_console(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)x;
    (void)argc;
    (void)argv;
    return TBE_UNDEF_VAL;
}
