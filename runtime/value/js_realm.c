/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of JavaScript as values: Array, Math, globalThis, their prototypes, and what a
 * script adds to these. An execution makes what it touches; nothing outlives it. */
#include "config.h"
#include "js_room.h"

#include <string.h>

static const char *const class_names[] = { "Object", "Function", "Array", "String", "Number",
    "Boolean", "Date",
    "RegExp", "Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "URIError",
    "EvalError", "Map",
    "Set", "WeakMap", "WeakSet", "Math", "JSON", "console", "globalThis" };
#define N_CLASSES (sizeof(class_names) / sizeof(class_names[0]))

struct list_props { /* named properties of an array */
    const struct tbe_list *list;
    struct tbe_map *props;
    struct list_props *next;
};

struct js_realm {
    tbe_val cls[N_CLASSES], proto[N_CLASSES];
    struct list_props *lists;
    bool patched; /* something was added to a prototype */
};

static struct js_realm *
realm(struct tbe_x *x)
{
    if (x->realm == NULL) {
        x->realm = tbe_arena_zalloc(x->a, sizeof(struct js_realm));
    }
    return x->realm;
}

static int
class_no(struct tbe_str name)
{
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (tbe_str_eqz(name, class_names[i])) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- statics ---- */

typedef tbe_val static_fn(struct tbe_x *x, int argc, const tbe_val *argv);

static const struct { const char *cls, *name; static_fn *fn; } statics[] = {
#define BUILTIN(cls, name, fn, type) { cls, name, fn },
#include "tbe/js_builtins.def"
};

static static_fn *
find_static(const char *cls, struct tbe_str name)
{
    for (size_t i = 0; i < sizeof(statics) / sizeof(statics[0]); i++) {
        if (strcmp(statics[i].cls, cls) == 0 && tbe_str_eqz(name, statics[i].name)) {
            return statics[i].fn;
        }
    }
    return NULL;
}

static tbe_val
static_call(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv)
{
    static_fn *fn;
    memcpy(&fn, &f->bound.u.p, sizeof(fn));
    (void)self;
    return fn(x, argc, argv);
}

static tbe_val
static_value(struct tbe_x *x, struct tbe_str name, static_fn *fn)
{
    tbe_val f = tbe_closure(x, static_call, tbe_arena_dupz(x->a, name), 1, 0, NULL);
    memcpy(&((struct tbe_func *)f.u.p)->bound.u.p, &fn, sizeof(fn));
    return f;
}

bool
js_same_native(const struct tbe_func *f, const struct tbe_func *g)
{
    if (f->fn == static_call && g->fn == static_call) {
        return f->bound.u.p == g->bound.u.p;
    }
    return js_is_method_off(f) && js_is_method_off(g) && strcmp(f->name, g->name) == 0;
}

static const struct { const char *cls, *name; } constants[] = {
#define CONSTANT(cls, name, type) { cls, name },
#include "tbe/js_builtins.def"
};

tbe_val
js_static(struct tbe_x *x, const char *cls, struct tbe_str name)
{
    if (strcmp(cls, "globalThis") == 0) {
        int no = class_no(name);
        static_fn *fn = find_static("", name);
        return no >= 0 ? js_class_value(x, class_names[no]) : fn != NULL ?
            static_value(x, name, fn) : TBE_UNDEF_VAL;
    }
    static_fn *fn = find_static(cls, name);
    if (fn != NULL) {
        return static_value(x, name, fn);
    }
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        if (strcmp(constants[i].cls, cls) == 0 && tbe_str_eqz(name, constants[i].name)) {
            return tbe_j_const(x, tbe_strz(cls), name);
        }
    }
    return TBE_UNDEF_VAL;
}

/* ---- classes ---- */

/* Classes that are called, so that typeof says function. */
static static_fn *
constructor(struct tbe_x *x, const char *cls)
{
    (void)x;
    static_fn *fn = find_static("", tbe_strz(cls));
    bool no_call = strcmp(cls, "Map") == 0 || strcmp(cls, "Set") == 0 ||
        strcmp(cls, "WeakMap") == 0 ||
        strcmp(cls, "WeakSet") == 0 || strcmp(cls, "Function") == 0;
    return fn != NULL ? fn : no_call ? tbe_j_needs_new : NULL;
}

tbe_val
js_class_value(struct tbe_x *x, const char *cls)
{
    int no = class_no(tbe_strz(cls));
    if (no < 0) {
        return TBE_UNDEF_VAL;
    }
    struct js_realm *r = realm(x);
    if (r->cls[no].t == TBE_UNDEF) {
        static_fn *fn = constructor(x, cls);
        tbe_val c = js_obj_new(x, JS_CLASS, class_names[no]);
        ((struct js_obj *)c.u.p)->ctor = fn != NULL ? static_value(x, tbe_strz(cls), fn) :
            TBE_UNDEF_VAL;
        r->cls[no] = c;
    }
    return r->cls[no];
}

tbe_val
js_class_proto(struct tbe_x *x, const char *cls)
{
    int no = class_no(tbe_strz(cls));
    struct js_realm *r = realm(x);
    no = no < 0 ? 0 : no;
    if (r->proto[no].t == TBE_UNDEF) {
        r->proto[no] = js_obj_new(x, JS_PROTO, class_names[no]);
    }
    return r->proto[no];
}

tbe_val
tbe_j_global(struct tbe_x *x, struct tbe_str name, static_fn *fn)
{
    int no = class_no(name);
    return no >= 0 ? js_class_value(x, class_names[no]) : fn != NULL ? static_value(x, name, fn) :
        TBE_UNDEF_VAL;
}

tbe_val
tbe_j_this_global(struct tbe_x *x)
{
    return js_class_value(x, "globalThis");
}

/* ---- what the script adds ---- */

void
js_mark_patched(struct tbe_x *x)
{
    realm(x)->patched = true;
}

static struct tbe_map *
patches_of(struct tbe_x *x, const char *cls)
{
    const struct js_realm *r = x->realm;
    int no = class_no(tbe_strz(cls));
    return no >= 0 && r->proto[no].t == TBE_OBJ ? ((struct js_obj *)r->proto[no].u.p)->props : NULL;
}

static const char *
own_class(tbe_val o)
{
    return o.t == TBE_OBJ && o.sub == JS_BOXED ? ((struct js_obj *)o.u.p)->cls : js_cls(o);
}

bool
js_patched(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val *out)
{
    const struct js_realm *r = x->realm;
    if (TBE_LIKELY(r == NULL || !r->patched)) {
        return false;
    }
    const char *const cls[2] = { own_class(o), "Object" };
    for (int i = 0; i < 2; i++) {
        const struct tbe_map *m = patches_of(x, cls[i]);
        const struct tbe_entry *e = m != NULL ? tbe_map_find(m, tbe_strv(key)) : NULL;
        if (e != NULL) {
            *out = js_read(x, e->val, o);
            return true;
        }
    }
    return false;
}

bool
tbe_j_added(struct tbe_x *x, struct tbe_str cls, struct tbe_str name)
{
    int no = class_no(cls);
    const struct tbe_map *m = x->realm != NULL && no >= 0 ? patches_of(x, class_names[no]) : NULL;
    return m != NULL && tbe_map_find(m, tbe_strv(name)) != NULL;
}

tbe_val
js_patched_keys(struct tbe_x *x, tbe_val o)
{
    const struct js_realm *r = x->realm;
    if (r == NULL || !r->patched) {
        return TBE_UNDEF_VAL;
    }
    tbe_val out = tbe_list_new(x->a, 4);
    tbe_j_append_all(x, out, js_keys(x, js_class_proto(x, own_class(o))));
    tbe_j_append_all(x, out, js_keys(x, js_class_proto(x, "Object")));
    return out;
}

struct tbe_map *
js_list_props(struct tbe_x *x, struct tbe_list *l, bool make)
{
    if (!(l->flags & JS_LIST_PROPS) && !make) {
        return NULL;
    }
    struct js_realm *r = realm(x);
    for (struct list_props *p = r->lists; (l->flags & JS_LIST_PROPS) && p != NULL; p = p->next) {
        tbe_burn(x);
        if (p->list == l) {
            return p->props;
        }
    }
    if (!make) {
        return NULL;
    }
    struct list_props *p = tbe_arena_alloc(x->a, sizeof(*p));
    *p = (struct list_props){ l, tbe_map_new(x->a, 4).u.m, r->lists };
    p->props->flags |= l->flags & (TBE_FROZEN | JS_NO_ADD | JS_NO_DELETE);
    r->lists = p;
    l->flags |= JS_LIST_PROPS;
    return p->props;
}

/* ---- instanceof ---- */

bool
tbe_j_is_a(struct tbe_x *x, tbe_val v, struct tbe_str cls)
{
    if (v.t <= TBE_STR_T) {
        return false;
    }
    bool error = v.t == TBE_OBJ && v.sub == JS_ERROR;
    if (tbe_str_eqz(cls, own_class(v)) || tbe_str_eqz(cls, "Object") ||
        (error && tbe_str_eqz(cls, "Error"))) {
        return true;
    }
    if (v.t == TBE_OBJ && v.sub == JS_CLASS) {
        return tbe_str_eqz(cls, "Function") && ((struct js_obj *)v.u.p)->ctor.t == TBE_FUNC;
    }
    int no = class_no(cls);
    return no >= 0 && js_inherits(x, v, js_class_proto(x, class_names[no]));
}

bool
tbe_j_instanceof(struct tbe_x *x, tbe_val v, tbe_val f)
{
    if (f.t == TBE_OBJ && f.sub == JS_CLASS && ((struct js_obj *)f.u.p)->ctor.t == TBE_FUNC) {
        return tbe_j_is_a(x, v, tbe_strz(((struct js_obj *)f.u.p)->cls));
    }
    if (f.t != TBE_FUNC) {
        tbe_j_throw(x, "TypeError", "Right-hand side of 'instanceof' is not callable");
    }
    return v.t > TBE_STR_T && js_inherits(x, v, tbe_j_get_slow(x, f, TBE_STR("prototype")));
}
