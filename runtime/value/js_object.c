/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript properties, methods, calls, errors, classes and the functions of Object. */
#include "config.h"
#include "js_room.h"

#include <string.h>

/* ---- objects ---- */

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
    struct js_obj *o = e.u.p;
    tbe_map_put(x->a, o->props, TBE_STR("message"), tbe_strv(msg));
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
    struct js_obj *o = e.u.p;
    tbe_val n = tbe_map_get(o->props, TBE_STR("name")), m = tbe_map_get(o->props, TBE_STR("message"));
    struct tbe_str name = n.t == TBE_UNDEF ? tbe_strz(o->cls) : tbe_j_text(x, n);
    struct tbe_str msg = m.t == TBE_UNDEF ? TBE_STR("") : tbe_j_text(x, m);
    if (msg.n == 0) {
        return name;
    }
    return tbe_arena_fmt(x->a, "%.*s: %.*s", (int)name.n, name.p, (int)msg.n, msg.p);
}

tbe_val
tbe_j_caught(struct tbe_x *x)
{
    return x->thrown;
}

struct tbe_map *
js_props(tbe_val o)
{
    return o.t == TBE_MAP ? o.u.m : o.t == TBE_OBJ ? ((struct js_obj *)o.u.p)->props :
        o.t == TBE_FUNC ? ((struct tbe_func *)o.u.p)->props : NULL;
}

static struct tbe_map *
props_to_write(struct tbe_x *x, tbe_val o)
{
    if (o.t == TBE_FUNC && ((struct tbe_func *)o.u.p)->props == NULL) {
        ((struct tbe_func *)o.u.p)->props = tbe_map_new(x->a, 4).u.m;
    }
    return js_props(o);
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
    case TBE_OBJ: return v.sub == JS_INSTANCE || v.sub == JS_BOXED ? "Object" : ((struct js_obj *)v.u.p)->cls;
    default: return tbe_j_is_num(v) ? "Number" : "Object";
    }
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

/* ---- methods ---- */

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

static tbe_fn *
builtin_method(tbe_val o, struct tbe_str name)
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
        if (o.sub == JS_MAPOBJ || o.sub == JS_SETOBJ) {
            f = js_mapset_method(o.sub == JS_SETOBJ, name);
        } else if (o.sub == JS_CLASS) {
            f = js_func_method(name);
        } else if (o.sub == JS_BOXED) {
            f = builtin_method(((struct js_obj *)o.u.p)->ctor, name);
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
unbound_method(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv)
{
    return tbe_j_method(x, self, tbe_strz(f->name), argc, argv);
}

tbe_val
tbe_j_method_value(struct tbe_x *x, tbe_val o, struct tbe_str name)
{
    return tbe_j_get(x, o, name, NULL);
}

static void TBE_NORETURN
no_property(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    tbe_j_throw(x, "TypeError", "Cannot read properties of %s (reading '%.*s')", o.t == TBE_NULL ? "null" : "undefined",
        (int)key.n, key.p);
}

/* What a value has besides own properties: length, methods, name of an error... */
/* What stands for a built-in class's prototype: a value that has its methods, so that a script which asks
 * whether one is there before it defines its own ("if (!String.prototype.includes)") finds it. Methods
 * cannot be added: what is put into it is lost, as on any primitive. */
static tbe_val
class_prototype(struct tbe_x *x, const char *cls)
{
    if (strcmp(cls, "String") == 0) {
        return TBE_LIT("");
    }
    if (strcmp(cls, "Number") == 0) {
        return tbe_double(0);
    }
    return strcmp(cls, "Array") == 0 ? tbe_list_new(x->a, 0) : tbe_map_new(x->a, 0);
}

static tbe_val
special(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    uint32_t i;
    if (tbe_str_eqz(key, "length")) {
        if (o.t == TBE_LIST) {
            return tbe_double(o.u.l->n);
        }
        if (o.t == TBE_STR_T) {
            return tbe_double(js_units(o));
        }
        if (o.t == TBE_FUNC) {
            return tbe_double(((struct tbe_func *)o.u.p)->nparams);
        }
    }
    if (o.t == TBE_LIST && (o.u.l->flags & JS_LIST_MATCH)) {
        struct js_match *m = (struct js_match *)o.u.l;
        if (tbe_str_eqz(key, "index")) {
            return tbe_double(m->index);
        }
        if (tbe_str_eqz(key, "input")) {
            return m->input;
        }
        if (tbe_str_eqz(key, "groups")) {
            return m->groups;
        }
    }
    if (o.t == TBE_REGEX) {
        struct js_regex *re = o.u.p;
        if (tbe_str_eqz(key, "source")) {
            return tbe_strv(re->source);
        }
        if (tbe_str_eqz(key, "flags")) {
            return tbe_strv(re->flags);
        }
        if (tbe_str_eqz(key, "global")) {
            return tbe_bool(re->global);
        }
        if (tbe_str_eqz(key, "lastIndex")) {
            return tbe_double(re->last_index);
        }
    }
    if (o.t == TBE_FUNC && tbe_str_eqz(key, "name")) {
        struct tbe_func *f = o.u.p;
        return tbe_strv(tbe_strz(f->name ? f->name : ""));
    }
    if (o.t == TBE_FUNC && tbe_str_eqz(key, "prototype")) {
        tbe_val p = tbe_map_new(x->a, 4);
        tbe_map_put(x->a, props_to_write(x, o), key, p);
        return p;
    }
    if (o.t == TBE_OBJ) {
        struct js_obj *b = o.u.p;
        if (o.sub == JS_ERROR && tbe_str_eqz(key, "name")) {
            return tbe_strv(tbe_strz(b->cls));
        }
        if (o.sub == JS_ERROR && tbe_str_eqz(key, "message")) {
            return TBE_LIT("");
        }
        if (o.sub == JS_ERROR && tbe_str_eqz(key, "stack")) {
            return tbe_strv(tbe_arena_fmt(x->a, "%.*s\n    at script", (int)js_error_text(x, o).n, js_error_text(x, o).p));
        }
        if ((o.sub == JS_MAPOBJ || o.sub == JS_SETOBJ) && tbe_str_eqz(key, "size")) {
            return tbe_j_call(x, js_native(x, "size", js_mapset_method(o.sub == JS_SETOBJ, TBE_STR("size")), o), o, 0, NULL);
        }
        if (o.sub == JS_BOXED) {
            return tbe_j_get_slow(x, b->ctor, key);
        }
        if (o.sub == JS_CLASS && tbe_str_eqz(key, "name")) {
            return tbe_strv(tbe_strz(b->cls));
        }
        if (o.sub == JS_CLASS && tbe_str_eqz(key, "prototype")) {
            return class_prototype(x, b->cls);
        }
        if (o.sub == JS_INSTANCE && b->ctor.t == TBE_FUNC) {
            struct tbe_map *cp = js_props(b->ctor);
            tbe_val proto = cp ? tbe_map_get(cp, TBE_STR("prototype")) : TBE_UNDEF_VAL;
            if (proto.t == TBE_MAP) {
                tbe_val v = tbe_map_get(proto.u.m, key);
                if (v.t != TBE_UNDEF) {
                    return v;
                }
            } else if (js_props(proto)) {
                return tbe_j_get_slow(x, proto, key);
            }
        }
    }
    if ((o.t == TBE_LIST || o.t == TBE_STR_T) && js_index_key(key, &i)) {
        return tbe_j_index_num_slow(x, o, i);
    }
    if (tbe_str_eqz(key, "constructor")) {
        if (o.t == TBE_OBJ && o.sub == JS_INSTANCE) {
            return ((struct js_obj *)o.u.p)->ctor;
        }
        return tbe_j_global(x, tbe_strz(js_cls(o)), NULL);
    }
    if (builtin_method(o, key) != NULL) {
        return tbe_closure(x, unbound_method, tbe_arena_dupz(x->a, key), 0, 0, NULL);
    }
    return TBE_UNDEF_VAL;
}

tbe_val
tbe_j_get_slow(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    if (o.t <= TBE_NULL) {
        no_property(x, o, key);
    }
    struct tbe_map *m = js_props(o);
    if (m != NULL) {
        struct tbe_entry *e = tbe_map_find(m, tbe_strv(key));
        if (e != NULL) {
            return js_hole(e->val);
        }
    }
    return special(x, o, key);
}

tbe_val
tbe_j_length(struct tbe_x *x, tbe_val o)
{
    if (o.t == TBE_LIST) {
        return tbe_double(o.u.l->n);
    }
    if (o.t == TBE_STR_T && o.ascii) {
        return tbe_double(o.n);
    }
    return tbe_j_get(x, o, TBE_STR("length"), NULL);
}

tbe_val
tbe_j_index_num_slow(struct tbe_x *x, tbe_val o, double i)
{
    bool whole = i >= 0 && i < 4294967295.0 && i == (double)(uint32_t)i;
    if (whole && o.t == TBE_LIST) {
        return (uint32_t)i < o.u.l->n ? js_hole(o.u.l->v[(uint32_t)i]) : TBE_UNDEF_VAL;
    }
    if (whole && o.t == TBE_STR_T) {
        uint32_t n = js_units(o);
        return (uint32_t)i < n ? js_sub(x, o, (uint32_t)i, (uint32_t)i + 1) : TBE_UNDEF_VAL;
    }
    return tbe_j_get(x, o, tbe_j_text(x, tbe_double(i)), NULL);
}

tbe_val
tbe_j_index(struct tbe_x *x, tbe_val o, tbe_val key)
{
    if (tbe_j_is_num(key)) {
        return tbe_j_index_num(x, o, tbe_j_num(x, key));
    }
    return tbe_j_get(x, o, tbe_j_text(x, key), NULL);
}

/* ---- writing ---- */

static void
set_length(struct tbe_x *x, struct tbe_list *l, double n)
{
    if (n < 0 || n != trunc(n) || n > JS_MAX_ARRAY) {
        tbe_j_throw(x, "RangeError", "Invalid array length");
    }
    while (l->n < (uint32_t)n) {
        tbe_list_push(x->a, l, TBE_J_HOLE);
    }
    l->n = (uint32_t)n;
}

void
tbe_j_put_index_num(struct tbe_x *x, tbe_val o, double i, tbe_val v)
{
    if (o.t == TBE_LIST && i >= 0 && i == (double)(uint32_t)i && i < 4294967295.0) {
        struct tbe_list *l = o.u.l;
        if (l->flags & TBE_FROZEN) {
            return;
        }
        if (i >= JS_MAX_ARRAY && i >= l->n) {
            tbe_j_throw(x, "RangeError", "Invalid array length");
        }
        while (l->n < (uint32_t)i) {
            tbe_list_push(x->a, l, TBE_J_HOLE);
        }
        if ((uint32_t)i == l->n) {
            tbe_list_push(x->a, l, js_hole(v));
        } else {
            l->v[(uint32_t)i] = js_hole(v);
        }
        return;
    }
    tbe_j_put(x, o, tbe_j_text(x, tbe_double(i)), v);
}

void
tbe_j_put(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v)
{
    uint32_t i;
    if (o.t <= TBE_NULL) {
        tbe_j_throw(x, "TypeError", "Cannot set properties of %s (setting '%.*s')", o.t == TBE_NULL ? "null" : "undefined",
            (int)key.n, key.p);
    }
    if (o.t == TBE_LIST) {
        if (tbe_str_eqz(key, "length")) {
            set_length(x, o.u.l, tbe_j_num(x, v));
        } else if (js_index_key(key, &i)) {
            tbe_j_put_index_num(x, o, i, v);
        }
        return;
    }
    if (o.t == TBE_REGEX && tbe_str_eqz(key, "lastIndex")) {
        ((struct js_regex *)o.u.p)->last_index = js_to_int(x, v);
        return;
    }
    struct tbe_map *m = props_to_write(x, o);
    if (m != NULL && !(m->flags & TBE_FROZEN)) {
        tbe_map_put(x->a, m, key, v.t == TBE_UNDEF ? TBE_J_HOLE : v);
    }
}

void
tbe_j_put_index(struct tbe_x *x, tbe_val o, tbe_val key, tbe_val v)
{
    if (o.t == TBE_LIST && tbe_j_is_num(key)) {
        tbe_j_put_index_num(x, o, tbe_j_num(x, key), v);
        return;
    }
    tbe_j_put(x, o, tbe_j_text(x, key), v);
}

bool
tbe_j_delete(struct tbe_x *x, tbe_val o, tbe_val key)
{
    uint32_t i;
    if (o.t <= TBE_NULL) {
        tbe_j_throw(x, "TypeError", "Cannot convert undefined or null to object");
    }
    struct tbe_str k = tbe_j_text(x, key);
    struct tbe_map *m = js_props(o);
    if (m != NULL) {
        if (m->flags & TBE_FROZEN) {
            return tbe_map_find(m, tbe_strv(k)) == NULL;
        }
        tbe_map_remove(m, k);
    } else if (o.t == TBE_LIST && js_index_key(k, &i) && i < o.u.l->n) {
        o.u.l->v[i] = TBE_J_HOLE;
    }
    return true;
}

/* ---- calls ---- */

static void TBE_NORETURN
not_function(struct tbe_x *x, struct tbe_str name)
{
    tbe_j_throw(x, "TypeError", "%.*s is not a function", (int)name.n, name.p);
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

tbe_val
tbe_j_method(struct tbe_x *x, tbe_val o, struct tbe_str name, int argc, const tbe_val *argv)
{
    if (o.t <= TBE_NULL) {
        no_property(x, o, name);
    }
    struct tbe_map *m = js_props(o);
    if (m != NULL) {
        tbe_val f = tbe_map_get(m, name);
        if (f.t != TBE_UNDEF) {
            return tbe_j_call(x, f, o, argc, argv);
        }
        if (o.t == TBE_OBJ && o.sub == JS_INSTANCE) {
            f = special(x, o, name);
            if (f.t == TBE_FUNC && ((struct tbe_func *)f.u.p)->fn != unbound_method) {
                return tbe_j_call(x, f, o, argc, argv);
            }
        }
    }
    tbe_fn *fn = builtin_method(o, name);
    if (fn == NULL) {
        not_function(x, name);
    }
    tbe_call_enter(x);
    tbe_val self = o.t == TBE_OBJ && o.sub == JS_BOXED ? ((struct js_obj *)o.u.p)->ctor : o;
    tbe_val r = fn(x, self, argc, argv);
    tbe_call_leave(x);
    return r;
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
tbe_j_proto_call(struct tbe_x *x, struct tbe_str cls, tbe_val self, struct tbe_str name, int argc, const tbe_val *argv)
{
    tbe_fn *f = NULL;
    if (tbe_str_eqz(cls, "Array")) {
        f = js_array_method(name);
        if (f != NULL && self.t != TBE_LIST) {
            self = self.t == TBE_STR_T ? tbe_j_spread(x, self) : tbe_j_array_from(x, 1, &self);
        }
    } else if (tbe_str_eqz(cls, "String")) {
        f = js_string_method(name);
        self = tbe_j_str(x, self);
    } else if (tbe_str_eqz(cls, "Object")) {
        f = js_object_method(name);
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
    return tbe_j_call(x, self, js_arg(argc, argv, 0), argc > 0 ? argc - 1 : 0, argc > 0 ? argv + 1 : NULL);
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
bound_call(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val all = tbe_list_new(x->a, (uint32_t)(argc + f->nparams + 1));
    (void)self;
    for (int i = 0; i < f->nparams; i++) {
        tbe_list_push(x->a, all.u.l, *f->cells[2 + i]);
    }
    for (int i = 0; i < argc; i++) {
        tbe_list_push(x->a, all.u.l, argv[i]);
    }
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
    static const struct js_method t[] = { { "apply", fn_apply }, { "bind", fn_bind }, { "call", fn_call },
        { "toString", fn_to_string } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}

tbe_val
tbe_j_construct(struct tbe_x *x, tbe_val f, int argc, const tbe_val *argv)
{
    if (f.t == TBE_OBJ && f.sub == JS_CLASS) {
        return tbe_j_new(x, tbe_strz(((struct js_obj *)f.u.p)->cls), argc, argv);
    }
    if (f.t != TBE_FUNC) {
        tbe_j_throw(x, "TypeError", "%.*s is not a constructor", (int)tbe_j_text(x, f).n, tbe_j_text(x, f).p);
    }
    tbe_val o = js_obj_new(x, JS_INSTANCE, "Object");
    ((struct js_obj *)o.u.p)->ctor = f;
    tbe_val r = tbe_j_call(x, f, o, argc, argv);
    return r.t > TBE_STR_T ? r : o;
}

static tbe_val
boxed(struct tbe_x *x, tbe_val v)
{
    tbe_val o = js_obj_new(x, JS_BOXED, js_cls(v));
    ((struct js_obj *)o.u.p)->ctor = v;
    return o;
}

tbe_val
tbe_j_new(struct tbe_x *x, struct tbe_str cls, int argc, const tbe_val *argv)
{
    static const struct { const char *name; tbe_val (*fn)(struct tbe_x *, int, const tbe_val *); } rows[] = {
        { "Date", js_date_construct }, { "Array", tbe_j_array }, { "Object", tbe_j_object }, { "RegExp", tbe_j_regexp },
        { "Error", tbe_j_error }, { "TypeError", tbe_j_type_error }, { "RangeError", tbe_j_range_error },
        { "SyntaxError", tbe_j_syntax_error }, { "ReferenceError", tbe_j_reference_error } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (tbe_str_eqz(cls, rows[i].name)) {
            return rows[i].fn(x, argc, argv);
        }
    }
    if (tbe_str_eqz(cls, "Map") || tbe_str_eqz(cls, "Set")) {
        return js_mapset_construct(x, tbe_str_eqz(cls, "Set"), js_arg(argc, argv, 0));
    }
    if (tbe_str_eqz(cls, "Number")) {
        return boxed(x, tbe_j_number(x, argc, argv));
    }
    if (tbe_str_eqz(cls, "String")) {
        return boxed(x, tbe_j_string(x, argc, argv));
    }
    if (tbe_str_eqz(cls, "Boolean")) {
        return boxed(x, tbe_j_boolean(x, argc, argv));
    }
    if (tbe_str_eqz(cls, "Math") || tbe_str_eqz(cls, "JSON")) {
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
tbe_j_no_static(struct tbe_x *x, struct tbe_str cls, struct tbe_str name, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    tbe_j_throw(x, "TypeError", "%.*s.%.*s is not a function", (int)cls.n, cls.p, (int)name.n, name.p);
}

tbe_val
tbe_j_assign_const(struct tbe_x *x, tbe_val v)
{
    (void)v;
    tbe_j_throw(x, "TypeError", "Assignment to constant variable.");
}

static tbe_val
static_call(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val (*fn)(struct tbe_x *, int, const tbe_val *);
    memcpy(&fn, &f->bound.u.p, sizeof(fn));
    (void)self;
    return fn(x, argc, argv);
}

tbe_val
tbe_j_global(struct tbe_x *x, struct tbe_str name, tbe_val (*fn)(struct tbe_x *, int, const tbe_val *))
{
    tbe_val f = TBE_UNDEF_VAL;
    if (fn != NULL) {
        f = tbe_closure(x, static_call, tbe_arena_dupz(x->a, name), 1, 0, NULL);
        memcpy(&((struct tbe_func *)f.u.p)->bound.u.p, &fn, sizeof(fn));
    }
    static const char *const classes[] = { "Number", "String", "Boolean", "Array", "Object", "Date", "RegExp", "Error",
        "TypeError", "RangeError", "SyntaxError", "ReferenceError", "Math", "JSON", "Map", "Set", "console",
        "globalThis", "Function" };
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (tbe_str_eqz(name, classes[i])) {
            tbe_val c = js_obj_new(x, JS_CLASS, classes[i]);
            ((struct js_obj *)c.u.p)->ctor = f;
            return c;
        }
    }
    return f;
}

bool
tbe_j_is_a(struct tbe_x *x, tbe_val v, struct tbe_str cls)
{
    (void)x;
    if (v.t <= TBE_STR_T) {
        return false;
    }
    const char *c = js_cls(v);
    if (v.t == TBE_OBJ && v.sub == JS_BOXED) {
        c = ((struct js_obj *)v.u.p)->cls;
    }
    bool error = v.t == TBE_OBJ && v.sub == JS_ERROR;
    return tbe_str_eqz(cls, c) || tbe_str_eqz(cls, "Object") || (error && tbe_str_eqz(cls, "Error"));
}

bool
tbe_j_instanceof(struct tbe_x *x, tbe_val v, tbe_val f)
{
    if (f.t == TBE_OBJ && f.sub == JS_CLASS) {
        return tbe_j_is_a(x, v, tbe_strz(((struct js_obj *)f.u.p)->cls));
    }
    if (f.t != TBE_FUNC) {
        tbe_j_throw(x, "TypeError", "Right-hand side of 'instanceof' is not callable");
    }
    return v.t == TBE_OBJ && v.sub == JS_INSTANCE && tbe_j_seq(x, ((struct js_obj *)v.u.p)->ctor, f);
}

bool
tbe_j_in(struct tbe_x *x, tbe_val key, tbe_val o)
{
    uint32_t i;
    if (o.t <= TBE_STR_T) {
        tbe_j_throw(x, "TypeError", "Cannot use 'in' operator to search for '%.*s' in %.*s", (int)tbe_j_text(x, key).n,
            tbe_j_text(x, key).p, (int)tbe_j_text(x, o).n, tbe_j_text(x, o).p);
    }
    struct tbe_str k = tbe_j_text(x, key);
    struct tbe_map *m = js_props(o);
    if (m != NULL && tbe_map_find(m, tbe_strv(k)) != NULL) {
        return true;
    }
    if (o.t == TBE_LIST && js_index_key(k, &i)) {
        return i < o.u.l->n && !(o.u.l->v[i].t == TBE_UNDEF && o.u.l->v[i].sub == 2);
    }
    return special(x, o, k).t != TBE_UNDEF;
}

/* ---- literals and copies ---- */

tbe_val
tbe_j_map(struct tbe_x *x, int n, const struct tbe_str *keys, const tbe_val *v)
{
    tbe_val m = tbe_map_new(x->a, (uint32_t)(n > 0 ? n : 4));
    for (int i = 0; i < n; i++) {
        tbe_map_put(x->a, m.u.m, keys[i], v[i].t == TBE_UNDEF ? TBE_J_HOLE : v[i]);
    }
    return m;
}

/* Own keys, the index-like ones first in numeric order. */
tbe_val
js_keys(struct tbe_x *x, tbe_val o)
{
    tbe_val out = tbe_list_new(x->a, 8);
    struct tbe_map *m = js_props(o);
    const struct tbe_entry *e;
    uint32_t k, idx = 0;
    if (o.t == TBE_LIST || o.t == TBE_STR_T) {
        uint32_t n = o.t == TBE_LIST ? o.u.l->n : js_units(o);
        for (uint32_t i = 0; i < n; i++) {
            if (o.t == TBE_STR_T || !(o.u.l->v[i].t == TBE_UNDEF && o.u.l->v[i].sub == 2)) {
                tbe_list_push(x->a, out.u.l, tbe_j_str(x, tbe_double(i)));
            }
        }
        return out;
    }
    for (uint32_t i = 0; m != NULL && tbe_map_next(m, &i, &e);) {
        idx += js_index_key(tbe_val_str(e->key), &k);
    }
    for (uint32_t i = 0; idx > 0 && tbe_map_next(m, &i, &e);) {
        if (js_index_key(tbe_val_str(e->key), &k)) {
            tbe_list_push(x->a, out.u.l, e->key);
            uint32_t j = out.u.l->n - 1, q; /* insertion sort: such keys usually come in order */
            for (; j > 0 && js_index_key(tbe_val_str(out.u.l->v[j - 1]), &q) && q > k; j--) {
                out.u.l->v[j] = out.u.l->v[j - 1];
                tbe_burn(x);
            }
            out.u.l->v[j] = e->key;
        }
    }
    for (uint32_t i = 0; m != NULL && tbe_map_next(m, &i, &e);) {
        if (!js_index_key(tbe_val_str(e->key), &k) && !(o.t == TBE_OBJ && o.sub == JS_ERROR && tbe_str_eqz(tbe_val_str(e->key), "message"))) {
            tbe_list_push(x->a, out.u.l, e->key);
        }
    }
    return out;
}

void
tbe_j_assign_props(struct tbe_x *x, tbe_val obj, tbe_val from)
{
    if (from.t <= TBE_NULL) {
        return;
    }
    tbe_val keys = js_keys(x, from);
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        tbe_j_put(x, obj, tbe_val_str(keys.u.l->v[i]), tbe_j_index(x, from, keys.u.l->v[i]));
    }
}

void
tbe_j_coercible(struct tbe_x *x, tbe_val v)
{
    if (v.t <= TBE_NULL) {
        tbe_j_throw(x, "TypeError", "Cannot destructure '%s' as it is %s.", v.t == TBE_NULL ? "null" : "undefined",
            v.t == TBE_NULL ? "null" : "undefined");
    }
}

tbe_val
tbe_j_omit(struct tbe_x *x, tbe_val obj, int n, const tbe_val *keys)
{
    tbe_val out = tbe_map_new(x->a, 8);
    tbe_j_assign_props(x, out, obj);
    for (int i = 0; i < n; i++) {
        tbe_map_remove(out.u.m, tbe_j_text(x, keys[i]));
    }
    return out;
}

/* ---- Object ---- */

static tbe_val
need_object(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = js_arg(argc, argv, 0);
    if (o.t <= TBE_NULL) {
        tbe_j_throw(x, "TypeError", "Cannot convert undefined or null to object");
    }
    return o;
}

tbe_val
tbe_j_object_keys(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return js_keys(x, need_object(x, argc, argv));
}

tbe_val
tbe_j_object_values(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = need_object(x, argc, argv), keys = js_keys(x, o);
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        keys.u.l->v[i] = tbe_j_index(x, o, keys.u.l->v[i]);
    }
    return keys;
}

tbe_val
tbe_j_object_entries(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = need_object(x, argc, argv), keys = js_keys(x, o);
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        tbe_val pair[2] = { keys.u.l->v[i], tbe_j_index(x, o, keys.u.l->v[i]) };
        keys.u.l->v[i] = tbe_j_list(x, 2, pair);
    }
    return keys;
}

tbe_val
tbe_j_object_from(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val list = tbe_j_spread(x, js_arg(argc, argv, 0)), out = tbe_map_new(x->a, 8);
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        tbe_j_put(x, out, tbe_j_text(x, tbe_j_index_num(x, list.u.l->v[i], 0)),
            tbe_j_index_num(x, list.u.l->v[i], 1));
    }
    return out;
}

tbe_val
tbe_j_object_assign(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = need_object(x, argc, argv);
    for (int i = 1; i < argc; i++) {
        tbe_j_assign_props(x, o, argv[i]);
    }
    return o;
}

tbe_val
tbe_j_object_freeze(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = js_arg(argc, argv, 0);
    (void)x;
    if (o.t == TBE_MAP) {
        o.u.m->flags |= TBE_FROZEN;
    } else if (o.t == TBE_LIST) {
        o.u.l->flags |= TBE_FROZEN;
    }
    return o;
}

tbe_val
tbe_j_object_is_frozen(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = js_arg(argc, argv, 0);
    (void)x;
    return tbe_bool(o.t <= TBE_STR_T || (o.t == TBE_MAP && (o.u.m->flags & TBE_FROZEN)) ||
        (o.t == TBE_LIST && (o.u.l->flags & TBE_FROZEN)));
}

tbe_val
tbe_j_object_create(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val proto = js_arg(argc, argv, 0);
    if (proto.t == TBE_NULL) {
        return tbe_map_new(x->a, 4);
    }
    if (js_props(proto) == NULL) {
        tbe_j_throw(x, "TypeError", "Object prototype may only be an Object or null");
    }
    tbe_val o = js_obj_new(x, JS_INSTANCE, "Object"), f = tbe_closure(x, unbound_method, "Object", 0, 0, NULL);
    tbe_map_put(x->a, props_to_write(x, f), TBE_STR("prototype"), proto);
    ((struct js_obj *)o.u.p)->ctor = f;
    return o;
}

tbe_val
tbe_j_object_is(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val a = js_arg(argc, argv, 0), b = js_arg(argc, argv, 1);
    if (a.t == TBE_DOUBLE && b.t == TBE_DOUBLE) {
        return tbe_bool(isnan(a.u.d) ? isnan(b.u.d) : a.u.d == b.u.d && signbit(a.u.d) == signbit(b.u.d));
    }
    return tbe_bool(tbe_j_seq(x, a, b));
}

static bool
has_own(struct tbe_x *x, tbe_val o, tbe_val key)
{
    uint32_t i;
    struct tbe_str k = tbe_j_text(x, key);
    struct tbe_map *m = js_props(o);
    if (m != NULL) {
        return tbe_map_find(m, tbe_strv(k)) != NULL;
    }
    if (o.t == TBE_LIST || o.t == TBE_STR_T) {
        uint32_t n = o.t == TBE_LIST ? o.u.l->n : js_units(o);
        if (js_index_key(k, &i)) {
            return i < n && (o.t == TBE_STR_T || !(o.u.l->v[i].t == TBE_UNDEF && o.u.l->v[i].sub == 2));
        }
        return tbe_str_eqz(k, "length");
    }
    return false;
}

tbe_val
tbe_j_object_has_own(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_bool(has_own(x, need_object(x, argc, argv), js_arg(argc, argv, 1)));
}

tbe_val
tbe_j_object(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val v = js_arg(argc, argv, 0);
    return v.t <= TBE_NULL ? tbe_map_new(x->a, 4) : v.t <= TBE_STR_T ? boxed(x, v) : v;
}

static tbe_val
obj_has_own(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    return tbe_bool(has_own(x, self, js_arg(argc, argv, 0)));
}

static tbe_val
obj_to_string(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    if (self.t == TBE_BOOL || self.t == TBE_FUNC || (self.t == TBE_OBJ && self.sub == JS_ERROR)) {
        return tbe_j_str(x, self);
    }
    return tbe_strv(tbe_arena_fmt(x->a, "[object %s]", self.t == TBE_UNDEF ? "Undefined" : self.t == TBE_NULL ? "Null" :
        js_cls(self)));
}

static tbe_val
obj_to_locale(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    return tbe_j_method(x, self, TBE_STR("toString"), 0, NULL);
}

static tbe_val
obj_value_of(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)x;
    (void)argc;
    (void)argv;
    return self;
}

tbe_fn *
js_object_method(struct tbe_str name)
{
    static const struct js_method t[] = { { "hasOwnProperty", obj_has_own }, { "propertyIsEnumerable", obj_has_own },
        { "toLocaleString", obj_to_locale }, { "toString", obj_to_string }, { "valueOf", obj_value_of } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}

/* ---- Error, Boolean, console ---- */

static tbe_val
make_error(struct tbe_x *x, const char *cls, int argc, const tbe_val *argv)
{
    tbe_val e = js_obj_new(x, JS_ERROR, cls);
    if (js_arg(argc, argv, 0).t != TBE_UNDEF) {
        tbe_map_put(x->a, js_props(e), TBE_STR("message"), tbe_j_str(x, argv[0]));
    }
    return e;
}

tbe_val tbe_j_error(struct tbe_x *x, int argc, const tbe_val *argv) { return make_error(x, "Error", argc, argv); }
tbe_val tbe_j_type_error(struct tbe_x *x, int argc, const tbe_val *argv) { return make_error(x, "TypeError", argc, argv); }
tbe_val tbe_j_range_error(struct tbe_x *x, int argc, const tbe_val *argv) { return make_error(x, "RangeError", argc, argv); }
tbe_val tbe_j_syntax_error(struct tbe_x *x, int argc, const tbe_val *argv) { return make_error(x, "SyntaxError", argc, argv); }
tbe_val tbe_j_reference_error(struct tbe_x *x, int argc, const tbe_val *argv) { return make_error(x, "ReferenceError", argc, argv); }

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
