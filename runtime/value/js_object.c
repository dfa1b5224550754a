/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of JavaScript's Object, and the methods every object has. */
#include "config.h"
#include "js_room.h"

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
tbe_j_object_names(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return js_own_keys(x, need_object(x, argc, argv), true);
}

/* ---- freezing ---- */

static uint32_t *
flags_of(struct tbe_x *x, tbe_val o)
{
    if (o.t == TBE_LIST) {
        return &o.u.l->flags;
    }
    struct tbe_map *m = js_props_of(x, o, true);
    return m != NULL ? &m->flags : NULL;
}

static tbe_val
close_object(struct tbe_x *x, int argc, const tbe_val *argv, uint32_t bits)
{
    tbe_val o = js_arg(argc, argv, 0);
    uint32_t *flags = flags_of(x, o);
    if (flags != NULL) {
        *flags |= bits;
    }
    return o;
}

static tbe_val
closed(struct tbe_x *x, int argc, const tbe_val *argv, uint32_t bits)
{
    const uint32_t *flags = flags_of(x, js_arg(argc, argv, 0));
    return tbe_bool(flags == NULL || (*flags & bits) == bits);
}

tbe_val
tbe_j_object_freeze(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return close_object(x, argc, argv, TBE_FROZEN | JS_NO_ADD | JS_NO_DELETE);
}

tbe_val
tbe_j_object_seal(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return close_object(x, argc, argv, JS_NO_ADD | JS_NO_DELETE);
}

tbe_val
tbe_j_object_prevent(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return close_object(x, argc, argv, JS_NO_ADD);
}

tbe_val
tbe_j_object_is_frozen(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return closed(x, argc, argv, TBE_FROZEN);
}

tbe_val
tbe_j_object_is_sealed(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return closed(x, argc, argv, JS_NO_ADD | JS_NO_DELETE);
}

tbe_val
tbe_j_object_is_open(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_bool(!closed(x, argc, argv, JS_NO_ADD).u.i);
}

/* ---- prototypes ---- */

tbe_val
tbe_j_object_proto(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return js_proto_of(x, need_object(x, argc, argv));
}

tbe_val
tbe_j_object_set_proto(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = need_object(x, argc, argv), proto = js_arg(argc, argv, 1);
    if (proto.t != TBE_NULL && proto.t <= TBE_STR_T) {
        tbe_j_throw(x, "TypeError", "Object prototype may only be an Object or null");
    }
    if (o.t <= TBE_STR_T) {
        return o;
    }
    if (o.t != TBE_OBJ && o.t != TBE_FUNC) {
        tbe_j_throw(x, "TypeError",
            "the prototype of this object cannot be set: make it with Object.create");
    }
    if (proto.u.p == o.u.p || (proto.t == TBE_OBJ && js_inherits(x, proto, o))) {
        tbe_j_throw(x, "TypeError", "Cyclic __proto__ value");
    }
    if (o.t == TBE_OBJ) {
        ((struct js_obj *)o.u.p)->proto = proto;
    } else {
        js_define(x, o, TBE_STR("[[proto]]"), proto, JS_HIDDEN);
    }
    return o;
}

tbe_val
tbe_j_object_create(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val proto = js_arg(argc, argv, 0), o;
    if (proto.t != TBE_NULL && proto.t <= TBE_STR_T) {
        tbe_j_throw(x, "TypeError", "Object prototype may only be an Object or null");
    }
    if (proto.t == TBE_NULL) {
        o = tbe_map_new(x->a, 4);
    } else {
        o = js_obj_new(x, JS_INSTANCE, "Object");
        ((struct js_obj *)o.u.p)->proto = proto;
    }
    return js_arg(argc, argv, 1).t > TBE_NULL ? tbe_j_object_define_all(x, 2,
        (const tbe_val[2]){ o, argv[1] }) : o;
}

/* ---- descriptors ---- */

static bool
option(struct tbe_x *x, tbe_val d, const char *name, bool missing)
{
    tbe_val v;
    return js_find(x, d, tbe_strz(name), &v) ? tbe_j_truth(x, v) : missing;
}

static void
define_one(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val d)
{
    tbe_val get = TBE_UNDEF_VAL, set = TBE_UNDEF_VAL, v = TBE_UNDEF_VAL;
    if (d.t <= TBE_STR_T) {
        struct tbe_str s = tbe_j_text(x, d);
        tbe_j_throw(x, "TypeError", "Property description must be an object: %.*s", (int)s.n, s.p);
    }
    struct tbe_map *m = js_props_of(x, o, true);
    const struct tbe_entry *e = m != NULL ? tbe_map_find(m, tbe_strv(key)) : NULL;
    if (e != NULL ? (e->key.flags & JS_FIXED) && (e->key.flags & JS_CONST) : m != NULL &&
        (m->flags & JS_NO_ADD)) {
        if (e == NULL) {
            tbe_j_throw(x, "TypeError", "Cannot define property %.*s, object is not extensible",
                (int)key.n, key.p);
        }
        tbe_j_throw(x, "TypeError", "Cannot redefine property: %.*s", (int)key.n, key.p);
    }
    bool fresh = e == NULL && !js_own(x, o, key);
    unsigned was = e != NULL ? e->key.flags : fresh ? JS_HIDDEN | JS_CONST | JS_FIXED :
        0, attrs = 0;
    attrs |= option(x, d, "enumerable", !(was & JS_HIDDEN)) ? 0 : JS_HIDDEN;
    attrs |= option(x, d, "configurable", !(was & JS_FIXED)) ? 0 : JS_FIXED;
    bool has_get = js_find(x, d, TBE_STR("get"), &get), has_set = js_find(x, d, TBE_STR("set"),
        &set);
    if (has_get || has_set) {
        js_define_accessor(x, o, key, get, set, attrs);
        return;
    }
    attrs |= option(x, d, "writable", !(was & JS_CONST)) ? 0 : JS_CONST;
    if (!js_find(x, d, TBE_STR("value"), &v) && !fresh) {
        v = tbe_j_get_slow(x, o, key);
    }
    js_define(x, o, key, v, attrs);
}

static tbe_val
need_props(struct tbe_x *x, int argc, const tbe_val *argv, const char *fn)
{
    tbe_val o = js_arg(argc, argv, 0);
    if (o.t <= TBE_STR_T) {
        tbe_j_throw(x, "TypeError", "Object.%s called on non-object", fn);
    }
    return o;
}

tbe_val
tbe_j_object_define(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = need_props(x, argc, argv, "defineProperty");
    define_one(x, o, tbe_j_text(x, js_arg(argc, argv, 1)), js_arg(argc, argv, 2));
    return o;
}

tbe_val
tbe_j_object_define_all(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = need_props(x, argc, argv, "defineProperties"),
        keys = js_keys(x, js_arg(argc, argv, 1));
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        define_one(x, o, tbe_val_str(keys.u.l->v[i]), tbe_j_index(x, argv[1], keys.u.l->v[i]));
    }
    return o;
}

static tbe_val
descriptor(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    const struct tbe_map *m = js_props_of(x, o, false);
    const struct tbe_entry *e = m != NULL ? tbe_map_find(m, tbe_strv(key)) : NULL;
    if (e == NULL && !js_own(x, o, key)) {
        return TBE_UNDEF_VAL;
    }
    bool length = (o.t == TBE_LIST || o.t == TBE_STR_T) && tbe_str_eqz(key, "length");
    unsigned attrs = e != NULL ? e->key.flags : length ? JS_HIDDEN | JS_FIXED : 0;
    const uint32_t flags = o.t == TBE_LIST ? o.u.l->flags : m != NULL ? m->flags : 0;
    attrs |= flags & TBE_FROZEN ? JS_CONST | JS_FIXED : flags & JS_NO_DELETE ? JS_FIXED : 0;
    tbe_val d = tbe_map_new(x->a, 4);
    if (e != NULL && e->val.t == TBE_UNDEF && e->val.sub == JS_ACCESSOR) {
        const struct js_accessor *acc = e->val.u.p;
        tbe_j_put(x, d, TBE_STR("get"), acc->get);
        tbe_j_put(x, d, TBE_STR("set"), acc->set);
    } else {
        tbe_j_put(x, d, TBE_STR("value"), tbe_j_get_slow(x, o, key));
        tbe_j_put(x, d, TBE_STR("writable"), tbe_bool(!(attrs & JS_CONST)));
    }
    tbe_j_put(x, d, TBE_STR("enumerable"), tbe_bool(!(attrs & JS_HIDDEN)));
    tbe_j_put(x, d, TBE_STR("configurable"), tbe_bool(!(attrs & JS_FIXED)));
    return d;
}

tbe_val
tbe_j_object_descriptor(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return descriptor(x, need_object(x, argc, argv), tbe_j_text(x, js_arg(argc, argv, 1)));
}

tbe_val
tbe_j_object_descriptors(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val o = need_object(x, argc, argv), keys = js_own_keys(x, o, true),
        out = tbe_map_new(x->a, 8);
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        tbe_j_put(x, out, tbe_val_str(keys.u.l->v[i]), descriptor(x, o,
            tbe_val_str(keys.u.l->v[i])));
    }
    return out;
}

tbe_val
tbe_j_object_is(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val a = js_arg(argc, argv, 0), b = js_arg(argc, argv, 1);
    if (a.t == TBE_DOUBLE && b.t == TBE_DOUBLE) {
        return tbe_bool(isnan(a.u.d) ? isnan(b.u.d) : a.u.d == b.u.d &&
            signbit(a.u.d) == signbit(b.u.d));
    }
    return tbe_bool(tbe_j_seq(x, a, b));
}

tbe_val
tbe_j_object_has_own(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_bool(js_own(x, need_object(x, argc, argv), tbe_j_text(x, js_arg(argc, argv, 1))));
}

/* Object.groupBy(list, f) */
tbe_val
tbe_j_object_group(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val list = tbe_j_spread(x, js_arg(argc, argv, 0)), out = tbe_map_new(x->a, 8), group;
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        tbe_val args[2] = { js_hole(list.u.l->v[i]), tbe_double(i) };
        struct tbe_str key = tbe_j_text(x, tbe_j_call(x, js_arg(argc, argv, 1), TBE_UNDEF_VAL, 2,
            args));
        group = tbe_map_get(out.u.m, key);
        if (group.t != TBE_LIST) {
            group = tbe_list_new(x->a, 4);
            tbe_j_put(x, out, key, group);
        }
        tbe_j_append(x, group, args[0]);
    }
    return out;
}

/* ---- methods of every object ---- */

#define ARGS struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv

static tbe_val
obj_has_own(ARGS)
{
    return tbe_bool(js_own(x, self, tbe_j_text(x, js_arg(argc, argv, 0))));
}

static tbe_val
obj_is_enumerable(ARGS)
{
    tbe_val keys = js_keys(x, self), key = tbe_j_str(x, js_arg(argc, argv, 0));
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        if (tbe_j_seq_slow(keys.u.l->v[i], key)) {
            return tbe_bool(true);
        }
    }
    return tbe_bool(false);
}

static tbe_val
obj_is_proto_of(ARGS)
{
    tbe_val o = js_arg(argc, argv, 0);
    return tbe_bool(o.t > TBE_STR_T && js_inherits(x, o, self));
}

static tbe_val
obj_to_string(ARGS)
{
    (void)argc;
    (void)argv;
    const char *cls = self.t == TBE_UNDEF ? "Undefined" : self.t == TBE_NULL ? "Null" :
        js_cls(self);
    if (self.t == TBE_OBJ) {
        const struct js_obj *o = self.u.p;
        bool named = self.sub == JS_BOXED || (self.sub == JS_CLASS && !js_callable(self));
        cls = self.sub == JS_ERROR ? "Error" : named ? o->cls : cls;
    }
    return tbe_strv(tbe_arena_fmt(x->a, "[object %s]", cls));
}

/* What x.toString() means where it is not overridden: errors and booleans have one of their own. */
static tbe_val
value_to_string(ARGS)
{
    bool own = self.t == TBE_BOOL || (self.t == TBE_OBJ && self.sub == JS_ERROR) ||
        (self.t == TBE_OBJ && self.sub == JS_CLASS && js_callable(self));
    return own ? tbe_strv(tbe_j_text(x, self)) : obj_to_string(x, self, argc, argv);
}

static tbe_val
obj_to_locale(ARGS)
{
    (void)argc;
    (void)argv;
    return tbe_j_method(x, self, TBE_STR("toString"), 0, NULL);
}

static tbe_val
obj_value_of(ARGS)
{
    (void)x;
    (void)argc;
    (void)argv;
    return self;
}

tbe_fn *
js_object_method(struct tbe_str name)
{
    static const struct js_method t[] = { { "hasOwnProperty", obj_has_own },
        { "isPrototypeOf", obj_is_proto_of },
        { "propertyIsEnumerable", obj_is_enumerable }, { "toLocaleString", obj_to_locale },
        { "toString", value_to_string }, { "valueOf", obj_value_of } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}

tbe_fn *
js_object_proto_method(struct tbe_str name) /* Object.prototype.name, called on anything */
{
    return tbe_str_eqz(name, "toString") ? obj_to_string : js_object_method(name);
}
