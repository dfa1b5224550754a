/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript properties: own, inherited and built in; attributes and accessors; the order of
 * keys. */
#include "config.h"
#include "js_room.h"

#include <string.h>

#define MAX_CHAIN 1000 /* prototypes; Object.create can make no circle, this is for certainty */

struct tbe_map *
js_props(tbe_val o)
{
    return o.t == TBE_MAP ? o.u.m : o.t == TBE_OBJ ? ((struct js_obj *)o.u.p)->props :
        o.t == TBE_FUNC ? ((struct tbe_func *)o.u.p)->props : NULL;
}

struct tbe_map *
js_props_of(struct tbe_x *x, tbe_val o, bool make)
{
    if (o.t == TBE_FUNC && make && ((struct tbe_func *)o.u.p)->props == NULL) {
        ((struct tbe_func *)o.u.p)->props = tbe_map_new(x->a, 4).u.m;
    }
    if (o.t == TBE_LIST) {
        return js_list_props(x, o.u.l, make);
    }
    return js_props(o);
}

tbe_val
js_read(struct tbe_x *x, tbe_val stored, tbe_val self)
{
    if (stored.t != TBE_UNDEF) {
        return stored;
    }
    if (stored.sub == JS_ACCESSOR) {
        const struct js_accessor *acc = stored.u.p;
        return acc->get.t == TBE_FUNC ? tbe_j_call(x, acc->get, self, 0, NULL) : TBE_UNDEF_VAL;
    }
    return TBE_UNDEF_VAL;
}

/* ---- looking up ---- */

static tbe_val
written_proto(tbe_val o)
{
    if (o.t == TBE_OBJ) {
        return ((struct js_obj *)o.u.p)->proto;
    }
    const struct tbe_map *m = o.t == TBE_FUNC ? js_props(o) : NULL;
    return m != NULL ? tbe_map_get(m, TBE_STR("[[proto]]")) : TBE_UNDEF_VAL;
}

/* The entry of key in o or in what it inherits from as far as the script made it. */
static struct tbe_entry *
find_entry(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    for (int i = 0; i < MAX_CHAIN && o.t > TBE_NULL; i++) {
        struct tbe_map *m = js_props_of(x, o, false);
        struct tbe_entry *e = m != NULL ? tbe_map_find(m, tbe_strv(key)) : NULL;
        if (e != NULL) {
            return e;
        }
        o = written_proto(o);
    }
    return NULL;
}

bool
js_find(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val *out)
{
    const struct tbe_entry *e = find_entry(x, o, key);
    if (e != NULL) {
        *out = js_read(x, e->val, o);
        return true;
    }
    return js_patched(x, o, key, out);
}

bool
js_own(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    uint32_t i;
    struct tbe_map *m = js_props_of(x, o, false);
    if (m != NULL && tbe_map_find(m, tbe_strv(key)) != NULL) {
        return true;
    }
    if (o.t == TBE_OBJ && o.sub == JS_BOXED) {
        o = ((struct js_obj *)o.u.p)->ctor;
    }
    if (o.t == TBE_LIST || o.t == TBE_STR_T) {
        uint32_t n = o.t == TBE_LIST ? o.u.l->n : js_units(o);
        if (js_index_key(key, &i)) {
            return i < n && (o.t == TBE_STR_T || !(o.u.l->v[i].t == TBE_UNDEF &&
                o.u.l->v[i].sub == 2));
        }
        return tbe_str_eqz(key, "length");
    }
    if (o.t == TBE_FUNC) {
        return tbe_str_eqz(key, "name") || tbe_str_eqz(key, "length") ||
            tbe_str_eqz(key, "prototype");
    }
    if (o.t == TBE_OBJ && o.sub == JS_CLASS) {
        return js_static(x, ((struct js_obj *)o.u.p)->cls, key).t != TBE_UNDEF;
    }
    return o.t == TBE_OBJ && o.sub == JS_PROTO && js_proto_method(((struct js_obj *)o.u.p)->cls,
        key) != NULL;
}

tbe_val
js_proto_of(struct tbe_x *x, tbe_val o)
{
    tbe_val p = written_proto(o);
    if (p.t != TBE_UNDEF) {
        return p;
    }
    if (o.t == TBE_OBJ && o.sub == JS_PROTO) {
        bool top = strcmp(((struct js_obj *)o.u.p)->cls, "Object") == 0;
        return top ? TBE_NULL_VAL : js_class_proto(x, "Object");
    }
    if (o.t == TBE_OBJ && o.sub == JS_BOXED) {
        return js_class_proto(x, ((struct js_obj *)o.u.p)->cls);
    }
    return js_class_proto(x, js_cls(o));
}

bool
js_inherits(struct tbe_x *x, tbe_val o, tbe_val proto)
{
    for (int i = 0; i < MAX_CHAIN && o.t > TBE_STR_T; i++) {
        o = js_proto_of(x, o);
        if (o.t == proto.t && o.u.p == proto.u.p) {
            return true;
        }
    }
    return false;
}

static void TBE_NORETURN
no_property(struct tbe_x *x, tbe_val o, struct tbe_str key, bool write)
{
    tbe_j_throw(x, "TypeError", "Cannot %s properties of %s (%s '%.*s')", write ? "set" : "read",
        o.t == TBE_NULL ? "null" : "undefined", write ? "setting" : "reading", (int)key.n, key.p);
}

/* ---- what is built in ---- */

static tbe_val
func_special(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    struct tbe_func *f = o.u.p;
    if (tbe_str_eqz(key, "length")) {
        return tbe_double(f->nparams);
    }
    if (tbe_str_eqz(key, "name")) {
        return tbe_strv(tbe_strz(f->name ? f->name : ""));
    }
    if (tbe_str_eqz(key, "prototype") && f->native == NULL && !js_is_method_off(f)) {
        tbe_val p = tbe_map_new(x->a, 4);
        js_define(x, p, TBE_STR("constructor"), o, JS_HIDDEN);
        js_define(x, o, TBE_STR("prototype"), p, JS_HIDDEN);
        return p;
    }
    return TBE_UNDEF_VAL;
}

static tbe_val
regex_special(const struct js_regex *re, struct tbe_str key)
{
    static const struct { const char *name; char flag; } flags[] = { { "global", 'g' },
        { "ignoreCase", 'i' },
        { "multiline", 'm' }, { "sticky", 'y' }, { "dotAll", 's' }, { "unicode", 'u' },
        { "hasIndices", 'd' } };
    if (tbe_str_eqz(key, "source")) {
        return tbe_strv(re->source);
    }
    if (tbe_str_eqz(key, "flags")) {
        return tbe_strv(re->flags);
    }
    if (tbe_str_eqz(key, "lastIndex")) {
        return tbe_double(re->last_index);
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (tbe_str_eqz(key, flags[i].name)) {
            return tbe_bool(re->flags.n > 0 && memchr(re->flags.p, flags[i].flag,
                re->flags.n) != NULL);
        }
    }
    return TBE_UNDEF_VAL;
}

static tbe_val
obj_special(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    struct js_obj *b = o.u.p;
    switch (o.sub) {
    case JS_ERROR:
        if (tbe_str_eqz(key, "name")) {
            return tbe_strv(tbe_strz(b->cls));
        }
        if (tbe_str_eqz(key, "message")) {
            return TBE_LIT("");
        }
        if (tbe_str_eqz(key, "stack")) {
            struct tbe_str s = js_error_text(x, o);
            return tbe_strv(tbe_arena_fmt(x->a, "%.*s\n    at script", (int)s.n, s.p));
        }
        return TBE_UNDEF_VAL;
    case JS_MAPOBJ:
    case JS_SETOBJ:
        if (tbe_str_eqz(key, "size")) {
            return js_mapset_method(o.sub == JS_SETOBJ, key)(x, o, 0, NULL);
        }
        return TBE_UNDEF_VAL;
    case JS_BOXED:
        return js_special(x, b->ctor, key);
    case JS_CLASS:
        if (tbe_str_eqz(key, "name")) {
            return tbe_strv(tbe_strz(b->cls));
        }
        if (tbe_str_eqz(key, "prototype") && b->ctor.t == TBE_FUNC) {
            return js_class_proto(x, b->cls);
        }
        return js_static(x, b->cls, key);
    case JS_PROTO:
        if (tbe_str_eqz(key, "constructor")) {
            return js_class_value(x, b->cls);
        }
        return js_proto_method(b->cls, key) != NULL ? js_method_off(x, key) : TBE_UNDEF_VAL;
    default:
        return TBE_UNDEF_VAL;
    }
}

static tbe_val
list_special(tbe_val o, struct tbe_str key)
{
    if (tbe_str_eqz(key, "length")) {
        return tbe_double(o.u.l->n);
    }
    if (o.u.l->flags & JS_LIST_MATCH) {
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
    return TBE_UNDEF_VAL;
}

tbe_val
js_special(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    uint32_t i;
    tbe_val v = TBE_UNDEF_VAL;
    if (o.t == TBE_LIST) {
        v = list_special(o, key);
    } else if (o.t == TBE_STR_T && tbe_str_eqz(key, "length")) {
        v = tbe_double(js_units(o));
    } else if (o.t == TBE_FUNC) {
        v = func_special(x, o, key);
    } else if (o.t == TBE_REGEX) {
        v = regex_special(o.u.p, key);
    } else if (o.t == TBE_OBJ) {
        v = obj_special(x, o, key);
    }
    if (v.t != TBE_UNDEF) {
        return v;
    }
    if ((o.t == TBE_LIST || o.t == TBE_STR_T) && js_index_key(key, &i)) {
        return tbe_j_index_num_slow(x, o, i);
    }
    if (tbe_str_eqz(key, "constructor")) {
        return js_class_value(x, js_cls(o));
    }
    if (tbe_str_eqz(key, "__proto__")) {
        return js_proto_of(x, o);
    }
    return js_builtin_method(o, key) != NULL ? js_method_off(x, key) : TBE_UNDEF_VAL;
}

tbe_val
tbe_j_get_slow(struct tbe_x *x, tbe_val o, struct tbe_str key)
{
    tbe_val v;
    if (o.t <= TBE_NULL) {
        no_property(x, o, key, false);
    }
    return js_find(x, o, key, &v) ? v : js_special(x, o, key);
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
    if (l->flags & (TBE_FROZEN | ((uint32_t)n < l->n ? JS_NO_DELETE : JS_NO_ADD))) {
        return;
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
        if ((l->flags & TBE_FROZEN) || ((l->flags & JS_NO_ADD) && i >= l->n)) {
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

static tbe_val
storable(tbe_val v)
{
    return v.t == TBE_UNDEF ? TBE_J_HOLE : v;
}

/* Setters, attributes, inherited ones. */
static void
put_slow(struct tbe_x *x, tbe_val o, struct tbe_map *m, struct tbe_str key, tbe_val v)
{
    struct tbe_entry *e = tbe_map_find(m, tbe_strv(key));
    const struct tbe_entry *up = e != NULL ? e : find_entry(x, written_proto(o), key);
    if (up != NULL && up->val.t == TBE_UNDEF && up->val.sub == JS_ACCESSOR) {
        const struct js_accessor *acc = up->val.u.p;
        if (acc->set.t == TBE_FUNC) {
            tbe_j_call(x, acc->set, o, 1, &v);
        }
        return;
    }
    if ((m->flags & TBE_FROZEN) || (up != NULL && (up->key.flags & JS_CONST)) ||
        (e == NULL && (m->flags & JS_NO_ADD))) {
        return;
    }
    if (e != NULL) {
        e->val = storable(v);
        return;
    }
    if (o.t == TBE_OBJ && o.sub == JS_PROTO) {
        js_mark_patched(x);
    }
    tbe_map_put(x->a, m, key, storable(v));
}

static bool
put_special(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v)
{
    uint32_t i;
    if (o.t == TBE_LIST) {
        if (tbe_str_eqz(key, "length")) {
            set_length(x, o.u.l, tbe_j_num(x, v));
            return true;
        }
        if (js_index_key(key, &i)) {
            tbe_j_put_index_num(x, o, i, v);
            return true;
        }
    }
    if (o.t == TBE_REGEX && tbe_str_eqz(key, "lastIndex")) {
        ((struct js_regex *)o.u.p)->last_index = js_to_int(x, v);
        return true;
    }
    if (tbe_str_eqz(key, "__proto__") && o.t == TBE_OBJ) {
        tbe_j_object_set_proto(x, 2, (const tbe_val[2]){ o, v });
        return true;
    }
    return o.t == TBE_FUNC && (tbe_str_eqz(key, "name") || tbe_str_eqz(key, "length"));
}

void
tbe_j_put(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v)
{
    if (TBE_LIKELY(o.t == TBE_MAP && o.u.m->flags == 0)) {
        tbe_map_put(x->a, o.u.m, key, storable(v));
        return;
    }
    if (o.t <= TBE_NULL) {
        no_property(x, o, key, true);
    }
    if (put_special(x, o, key, v)) {
        return;
    }
    struct tbe_map *m = js_props_of(x, o, true);
    if (m != NULL) {
        put_slow(x, o, m, key, v);
        if (o.t == TBE_FUNC && tbe_str_eqz(key, "prototype")) {
            tbe_map_find(m, tbe_strv(key))->key.flags |= JS_HIDDEN;
        }
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

static bool
delete_key(struct tbe_map *m, struct tbe_str k)
{
    const struct tbe_entry *e = tbe_map_find(m, tbe_strv(k));
    if (e == NULL) {
        return true;
    }
    if ((m->flags & (TBE_FROZEN | JS_NO_DELETE)) || (e->key.flags & JS_FIXED)) {
        return false;
    }
    tbe_map_remove(m, k);
    return true;
}

bool
tbe_j_delete(struct tbe_x *x, tbe_val o, tbe_val key)
{
    uint32_t i;
    if (o.t <= TBE_NULL) {
        tbe_j_throw(x, "TypeError", "Cannot convert undefined or null to object");
    }
    struct tbe_str k = tbe_j_text(x, key);
    if (o.t == TBE_LIST && js_index_key(k, &i)) {
        if (o.u.l->flags & (TBE_FROZEN | JS_NO_DELETE)) {
            return i >= o.u.l->n;
        }
        if (i < o.u.l->n) {
            o.u.l->v[i] = TBE_J_HOLE;
        }
        return true;
    }
    struct tbe_map *m = js_props_of(x, o, false);
    return m == NULL || delete_key(m, k);
}

/* ---- defining ---- */

static struct tbe_entry *
define(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v, unsigned attrs)
{
    struct tbe_map *m = js_props_of(x, o, true);
    if (m == NULL) {
        return NULL;
    }
    tbe_map_put(x->a, m, key, v);
    struct tbe_entry *e = tbe_map_find(m, tbe_strv(key));
    if (e == NULL) {
        return NULL;
    }
    e->key.flags = (uint8_t)attrs;
    if (attrs != 0 || v.t == TBE_UNDEF) {
        m->flags |= JS_ATTRS;
    }
    if (o.t == TBE_OBJ && o.sub == JS_PROTO) {
        js_mark_patched(x);
    }
    return e;
}

void
js_define(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v, unsigned attrs)
{
    uint32_t i;
    if (o.t == TBE_LIST && js_index_key(key, &i)) {
        tbe_j_put_index_num(x, o, i, v);
        return;
    }
    define(x, o, key, storable(v), attrs);
}

void
js_define_accessor(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val get, tbe_val set,
    unsigned attrs)
{
    struct tbe_map *m = js_props_of(x, o, true);
    const struct tbe_entry *e = m != NULL ? tbe_map_find(m, tbe_strv(key)) : NULL;
    struct js_accessor *acc = tbe_arena_zalloc(x->a, sizeof(*acc));
    if (e != NULL && e->val.t == TBE_UNDEF && e->val.sub == JS_ACCESSOR) {
        *acc = *(const struct js_accessor *)e->val.u.p;
    }
    acc->get = get.t != TBE_UNDEF ? get : acc->get;
    acc->set = set.t != TBE_UNDEF ? set : acc->set;
    define(x, o, key, (tbe_val){ .t = TBE_UNDEF, .sub = JS_ACCESSOR, .u = { .p = acc } }, attrs);
}

void
tbe_j_accessor(struct tbe_x *x, tbe_val o, tbe_val key, tbe_val fn, bool setter)
{
    js_define_accessor(x, o, tbe_j_text(x, key), setter ? TBE_UNDEF_VAL : fn, setter ? fn :
        TBE_UNDEF_VAL, 0);
}

tbe_val
tbe_j_map(struct tbe_x *x, int n, const struct tbe_str *keys, const tbe_val *v)
{
    tbe_val m = tbe_map_new(x->a, (uint32_t)(n > 0 ? n : 4));
    for (int i = 0; i < n; i++) {
        tbe_map_put(x->a, m.u.m, keys[i], storable(v[i]));
    }
    return m;
}

/* ---- keys ---- */

static void
push_key(struct tbe_x *x, tbe_val out, tbe_val key)
{
    key.flags = 0;
    tbe_list_push(x->a, out.u.l, key);
}

/* The index-like keys of m, in numeric order; how many there are. */
static uint32_t
index_keys(struct tbe_x *x, const struct tbe_map *m, tbe_val out)
{
    const struct tbe_entry *e;
    uint32_t k, q, found = 0;
    for (uint32_t i = 0; tbe_map_next(m, &i, &e);) {
        if (!js_index_key(tbe_val_str(e->key), &k)) {
            continue;
        }
        found++;
        push_key(x, out, e->key);
        uint32_t j = out.u.l->n - 1; /* insertion sort: such keys usually come in order */
        for (; j > 0 && js_index_key(tbe_val_str(out.u.l->v[j - 1]), &q) && q > k; j--) {
            out.u.l->v[j] = out.u.l->v[j - 1];
            tbe_burn(x);
        }
        out.u.l->v[j] = e->key;
    }
    return found;
}

static void
map_keys(struct tbe_x *x, const struct tbe_map *m, tbe_val out, bool all)
{
    const struct tbe_entry *e;
    uint32_t k, indexes = index_keys(x, m, out);
    for (uint32_t i = 0; tbe_map_next(m, &i, &e);) {
        if (indexes > 0 && js_index_key(tbe_val_str(e->key), &k)) {
            continue;
        }
        bool inner = tbe_str_eqz(tbe_val_str(e->key), "[[proto]]"); /* of a function */
        if (all ? !inner : !(e->key.flags & JS_HIDDEN)) {
            push_key(x, out, e->key);
        }
    }
}

tbe_val
js_own_keys(struct tbe_x *x, tbe_val o, bool all)
{
    tbe_val out = tbe_list_new(x->a, 8);
    if (o.t == TBE_OBJ && o.sub == JS_BOXED && ((struct js_obj *)o.u.p)->ctor.t == TBE_STR_T) {
        o = ((struct js_obj *)o.u.p)->ctor;
    }
    if (o.t == TBE_LIST || o.t == TBE_STR_T) {
        uint32_t n = o.t == TBE_LIST ? o.u.l->n : js_units(o);
        for (uint32_t i = 0; i < n; i++) {
            if (o.t == TBE_STR_T || !(o.u.l->v[i].t == TBE_UNDEF && o.u.l->v[i].sub == 2)) {
                tbe_list_push(x->a, out.u.l, tbe_j_str(x, tbe_double(i)));
            }
        }
        if (all) {
            tbe_list_push(x->a, out.u.l, TBE_LIT("length"));
        }
    }
    const struct tbe_map *m = js_props_of(x, o, false);
    if (m != NULL) {
        map_keys(x, m, out, all);
    }
    return out;
}

static bool
listed(tbe_val list, tbe_val key)
{
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        if (tbe_j_seq_slow(list.u.l->v[i], key)) {
            return true;
        }
    }
    return false;
}

static void
add_keys(struct tbe_x *x, tbe_val out, tbe_val more)
{
    for (uint32_t i = 0; more.t == TBE_LIST && i < more.u.l->n; i++) {
        tbe_burn(x);
        if (!listed(out, more.u.l->v[i])) {
            tbe_list_push(x->a, out.u.l, more.u.l->v[i]);
        }
    }
}

tbe_val
js_inherited_keys(struct tbe_x *x, tbe_val o)
{
    tbe_val out = js_keys(x, o), p = o;
    for (int i = 0; i < MAX_CHAIN && (p = written_proto(p)).t > TBE_NULL; i++) {
        add_keys(x, out, js_keys(x, p));
    }
    add_keys(x, out, js_patched_keys(x, o));
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
        tbe_j_throw(x, "TypeError", "Cannot destructure '%s' as it is %s.", v.t == TBE_NULL ?
            "null" : "undefined",
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

bool
tbe_j_in(struct tbe_x *x, tbe_val key, tbe_val o)
{
    uint32_t i;
    tbe_val v;
    struct tbe_str k = tbe_j_text(x, key);
    if (o.t <= TBE_STR_T) {
        struct tbe_str s = tbe_j_text(x, o);
        tbe_j_throw(x, "TypeError", "Cannot use 'in' operator to search for '%.*s' in %.*s",
            (int)k.n, k.p, (int)s.n, s.p);
    }
    if (find_entry(x, o, k) != NULL || js_patched(x, o, k, &v)) {
        return true;
    }
    if (o.t == TBE_LIST && js_index_key(k, &i)) {
        return i < o.u.l->n && !(o.u.l->v[i].t == TBE_UNDEF && o.u.l->v[i].sub == 2);
    }
    return js_special(x, o, k).t != TBE_UNDEF;
}
