/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript Map and Set, searched linearly: scripts of rule nodes keep few entries in them.
 * Every step of a search costs fuel. */
#include "config.h"
#include "js_room.h"

#define ARGS struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv

static struct tbe_list *
items_of(tbe_val o)
{
    return ((struct js_obj *)o.u.p)->items.u.l;
}

static int64_t
find(struct tbe_x *x, tbe_val self, tbe_val key)
{
    struct tbe_list *l = items_of(self);
    for (uint32_t i = 0; i < l->n; i++) {
        tbe_val k = l->v[i];
        tbe_burn(x);
        if (k.t == TBE_UNDEF && k.sub == 2) {
            continue;
        }
        if (self.sub == JS_MAPOBJ) {
            k = k.u.l->v[0];
        }
        if (tbe_j_seq(x, k, key) || (k.t == TBE_DOUBLE && key.t == TBE_DOUBLE && isnan(k.u.d) &&
            isnan(key.u.d))) {
            return i;
        }
    }
    return -1;
}

static tbe_val
m_set(ARGS)
{
    tbe_val pair[2] = { js_arg(argc, argv, 0), js_arg(argc, argv, 1) };
    int64_t i = find(x, self, pair[0]);
    if (i >= 0) {
        items_of(self)->v[i].u.l->v[1] = pair[1];
    } else {
        tbe_list_push(x->a, items_of(self), tbe_j_list(x, 2, pair));
    }
    return self;
}

static tbe_val
m_get(ARGS)
{
    int64_t i = find(x, self, js_arg(argc, argv, 0));
    return i < 0 ? TBE_UNDEF_VAL : items_of(self)->v[i].u.l->v[1];
}

static tbe_val
s_add(ARGS)
{
    if (find(x, self, js_arg(argc, argv, 0)) < 0) {
        tbe_list_push(x->a, items_of(self), js_arg(argc, argv, 0));
    }
    return self;
}

static tbe_val
ms_has(ARGS)
{
    return tbe_bool(find(x, self, js_arg(argc, argv, 0)) >= 0);
}

static tbe_val
ms_delete(ARGS)
{
    int64_t i = find(x, self, js_arg(argc, argv, 0));
    if (i >= 0) {
        items_of(self)->v[i] = TBE_J_HOLE;
    }
    return tbe_bool(i >= 0);
}

static tbe_val
ms_clear(ARGS)
{
    (void)x;
    (void)argc;
    (void)argv;
    items_of(self)->n = 0;
    return TBE_UNDEF_VAL;
}

static tbe_val
ms_size(ARGS)
{
    (void)argc;
    (void)argv;
    return tbe_double(tbe_j_spread(x, self).u.l->n);
}

static tbe_val
part(struct tbe_x *x, tbe_val self, int what)
{
    tbe_val l = tbe_j_spread(x, self);
    for (uint32_t i = 0; i < l.u.l->n; i++) {
        tbe_val v = l.u.l->v[i], pair[2] = { v, v };
        if (self.sub == JS_MAPOBJ && what < 2) {
            l.u.l->v[i] = v.u.l->v[what];
        } else if (self.sub == JS_SETOBJ && what == 2) {
            l.u.l->v[i] = tbe_j_list(x, 2, pair);
        }
    }
    return l;
}

static tbe_val ms_keys(ARGS) { (void)argc; (void)argv; return js_iter_new(x, part(x, self, 0)); }
static tbe_val ms_values(ARGS) { (void)argc; (void)argv; return js_iter_new(x, part(x, self, 1)); }
static tbe_val ms_entries(ARGS) { (void)argc; (void)argv; return js_iter_new(x, part(x, self, 2)); }

static tbe_val
ms_for_each(ARGS)
{
    tbe_val l = part(x, self, 2);
    for (uint32_t i = 0; i < l.u.l->n; i++) {
        tbe_val args[3] = { l.u.l->v[i].u.l->v[1], l.u.l->v[i].u.l->v[0], self };
        tbe_j_call(x, js_arg(argc, argv, 0), js_arg(argc, argv, 1), 3, args);
    }
    return TBE_UNDEF_VAL;
}

tbe_fn *
js_mapset_method(bool set, struct tbe_str name)
{
    static const struct js_method m[] = { { "clear", ms_clear }, { "delete", ms_delete },
        { "entries", ms_entries },
        { "forEach", ms_for_each }, { "get", m_get }, { "has", ms_has }, { "keys", ms_keys },
        { "set", m_set },
        { "size", ms_size }, { "values", ms_values } };
    static const struct js_method s[] = { { "add", s_add }, { "clear", ms_clear },
        { "delete", ms_delete },
        { "entries", ms_entries }, { "forEach", ms_for_each }, { "has", ms_has },
        { "keys", ms_keys },
        { "size", ms_size }, { "values", ms_values } };
    return set ? js_find_method(s, sizeof(s) / sizeof(s[0]), name) :
        js_find_method(m, sizeof(m) / sizeof(m[0]), name);
}

tbe_val
js_mapset_construct(struct tbe_x *x, bool set, tbe_val from)
{
    tbe_val o = js_obj_new(x, set ? JS_SETOBJ : JS_MAPOBJ, set ? "Set" : "Map");
    ((struct js_obj *)o.u.p)->items = tbe_list_new(x->a, 8);
    if (from.t <= TBE_NULL) {
        return o;
    }
    tbe_val l = tbe_j_spread(x, from);
    for (uint32_t i = 0; i < l.u.l->n; i++) {
        tbe_val v = js_hole(l.u.l->v[i]), kv[2] = { v, v };
        if (!set) {
            kv[0] = tbe_j_index_num(x, v, 0);
            kv[1] = tbe_j_index_num(x, v, 1);
        }
        (set ? s_add : m_set)(x, o, 2, kv);
    }
    return o;
}
