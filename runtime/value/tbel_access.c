/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL properties, elements, method dispatch, iteration and literals (facts/tbel.md 8, 9, 10,
 * 14.3). */
#include "config.h"
#include "tbel_priv.h"

#include <string.h>

#define COPY_DEPTH 520     /* a JSON document's nesting, and a little */
#define MAX_RESULT 300000u /* nodes of a result: each is at least one character (14.2) */

/* ---- maps and lists ---- */

tbe_val
tbel_map_at(tbe_val map, tbe_val key)
{
    if (key.t == TBE_STR_T) {
        tbe_val v = tbe_map_get(map.u.m, tbe_val_str(key));
        return v.t == TBE_UNDEF ? TBE_NULL_VAL : v;
    }
    struct tbe_entry *e = tbe_map_find(map.u.m, key);
    return e ? e->val : TBE_NULL_VAL;
}

void
tbel_map_set(struct tbe_x *x, tbe_val map, tbe_val key, tbe_val v)
{
    if (map.u.m->flags & TBE_FROZEN) {
        tbe_throw(x, "Map is unmodifiable");
    }
    key.flags = 0;
    if (tbe_is_null(v)) {
        if (key.t == TBE_STR_T) {
            tbe_map_remove(map.u.m, tbe_val_str(key));
        } else {
            tbe_map_remove_val(map.u.m, key);
        }
    } else if (key.t == TBE_STR_T) {
        tbe_map_put(x->a, map.u.m, tbe_val_str(key), v);
    } else {
        tbe_map_put_val(x->a, map.u.m, key, v);
    }
}

tbe_val
tbel_entry(struct tbe_x *x, tbe_val k, tbe_val v)
{
    tbe_val m = tbe_map_new(x->a, 1);
    tbe_map_put_val(x->a, m.u.m, k, v);
    m.flags = TBE_T_ENTRY;
    return m;
}

void
tbel_list_check(struct tbe_x *x, tbe_val l)
{
    if (l.u.l->flags & TBE_FROZEN) {
        tbe_throw(x, "List is unmodifiable");
    }
}

tbe_val
tbel_bytes_list(struct tbe_x *x, const uint8_t *p, size_t n)
{
    tbe_val l = tbe_list_new(x->a, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        tbe_list_push(x->a, l.u.l, tbel_typed(TBE_BYTE, (int8_t)p[i]));
    }
    return l;
}

static bool
equals_depth(struct tbe_x *x, tbe_val a, tbe_val b, int depth)
{
    const struct tbe_entry *e;
    if (depth > TBEL_DEPTH) {
        tbe_throw(x, "java.lang.StackOverflowError: value is nested too deep");
    }
    if (a.t != b.t) {
        return tbe_is_null(a) && tbe_is_null(b);
    }
    switch (a.t) {
    case TBE_LIST:
        if (a.u.l->n != b.u.l->n) {
            return false;
        }
        for (uint32_t i = 0; i < a.u.l->n; i++) {
            tbe_burn(x);
            if (!equals_depth(x, a.u.l->v[i], b.u.l->v[i], depth + 1)) {
                return false;
            }
        }
        return true;
    case TBE_SET:
    case TBE_MAP:
        if (a.u.m->live != b.u.m->live) {
            return false;
        }
        for (uint32_t i = 0; tbe_map_next(a.u.m, &i, &e);) {
            struct tbe_entry *f = tbe_map_find(b.u.m, e->key);
            tbe_burn(x);
            if (f == NULL || (a.t == TBE_MAP && !equals_depth(x, e->val, f->val, depth + 1))) {
                return false;
            }
        }
        return true;
    case TBE_ARRAY:
        return a.u.l == b.u.l;
    case TBE_DATE:
    case TBE_OBJ:
    case TBE_FUNC:
    case TBE_REGEX:
        return a.u.p == b.u.p; /* identity */
    default:
        return tbe_val_same(a, b);
    }
}

bool
tbel_equals(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return equals_depth(x, a, b, 0);
}

/* ---- names of errors ---- */

tbe_val
tbe_t_unresolved(struct tbe_x *x, struct tbe_str name)
{
    tbe_throw(x, "unresolvable property or identifier: %.*s", (int)name.n, name.p);
}

tbe_val
tbe_t_no_variable(struct tbe_x *x, struct tbe_str name)
{
    tbe_throw(x, "unable to resolve token: unable to resolve variable '%.*s'", (int)name.n, name.p);
}

tbe_val
tbe_t_null_pointer(struct tbe_x *x, const char *site)
{
    tbe_throw(x, "null pointer: %s", site);
}

tbe_val
tbe_t_no_function(struct tbe_x *x, struct tbe_str name)
{
    tbe_throw(x, "null pointer or function not found: %.*s", (int)name.n, name.p);
}

tbe_val
tbe_t_bad_args(struct tbe_x *x, struct tbe_str call)
{
    tbe_throw(x, "%.*s: array index out of bounds.", (int)call.n, call.p);
}

tbe_val
tbe_t_no_static(struct tbe_x *x, struct tbe_str cls, struct tbe_str name, int argc,
    const tbe_val *argv)
{
    static const char *const lang[] = { "Math", "Integer", "Long", "Double", "Float", "Boolean",
        "String",
                                        "Character", "Short", "Byte", "Object", "StrictMath",
                                        "Number" };
    const char *pkg = "";
    for (size_t i = 0; i < sizeof(lang) / sizeof(lang[0]); i++) {
        pkg = tbe_str_eqz(cls, lang[i]) ? "java.lang." : pkg;
    }
    if (tbe_str_eqz(cls, "JSON")) {
        cls = TBE_STR("org.thingsboard.script.api.tbel.TbJson");
    } else if (tbe_str_eqz(cls, "Date")) {
        cls = TBE_STR("org.thingsboard.script.api.tbel.TbDate");
    } else if (cls.n == 0) {
        cls = TBE_STR("org.thingsboard.script.api.tbel.TbUtils");
    }
    struct tbe_str full = tbe_arena_fmt(x->a, "%s%.*s", pkg, (int)cls.n, cls.p);
    tbel_no_method(x, tbe_arena_dupz(x->a, full), name.p, name.n, argc, argv);
}

/* ---- methods ---- */

const struct tbel_mdef *
tbel_find_method(const struct tbel_class *c, struct tbe_str name, int argc)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int d = strncmp(c->m[mid].name, name.p, name.n);
        if (d == 0 && c->m[mid].name[name.n] != '\0') {
            d = 1;
        }
        if (d == 0) {
            bool fits = argc < 0 || (argc >= c->m[mid].min && argc <= c->m[mid].max);
            return fits ? &c->m[mid] : NULL;
        }
        if (d < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

static const struct tbel_class *
class_of(tbe_val v)
{
    switch (v.t) {
    case TBE_STR_T:
        return &tbel_string_class;
    case TBE_LIST:
    case TBE_ARRAY:
        return &tbel_list_class;
    case TBE_MAP:
        return tbel_is_entry(v) ? &tbel_entry_class : &tbel_map_class;
    case TBE_SET:
        return &tbel_set_class;
    case TBE_DATE:
        return &tbel_date_class;
    case TBE_BOOL:
    case TBE_CHAR:
        return &tbel_object_class;
    default:
        return tbel_is_num(v) ? &tbel_number_class : &tbel_object_class;
    }
}

static const struct tbel_mdef *
find(tbe_val o, struct tbe_str name, int argc)
{
    const struct tbel_mdef *m = tbel_find_method(class_of(o), name, argc);
    return m ? m : tbel_find_method(&tbel_object_class, name, argc);
}

tbe_val
tbe_t_method(struct tbe_x *x, tbe_val o, struct tbe_str name, int argc, const tbe_val *argv)
{
    if (tbe_is_null(o)) {
        tbe_throw(x, "null pointer: %.*s", (int)name.n, name.p);
    }
    if (argc > TBE_T_MAX_ARGS) {
        tbe_throw(x, "Maximum method arguments count overflow (%d > %d)!", argc, TBE_T_MAX_ARGS);
    }
    const struct tbel_mdef *m = find(o, name, argc);
    if (m == NULL) {
        if (o.t == TBE_MAP && !tbel_is_entry(o)) {
            tbe_val f = tbe_map_get(o.u.m, name);
            if (f.t == TBE_FUNC) {
                return tbe_t_call(x, f, o, argc, argv);
            }
        }
        bool script = o.t == TBE_MAP || o.t == TBE_LIST || o.t == TBE_SET;
        tbel_no_method(x, script ? "" : tbel_jclass(o), name.p, name.n, argc, argv);
    }
    tbe_burn(x);
    return m->fn(x, o, argc, argv);
}

tbe_val
tbe_t_call(struct tbe_x *x, tbe_val f, tbe_val self, int argc, const tbe_val *argv)
{
    if (f.t != TBE_FUNC) {
        tbe_throw(x, "null pointer or function not found: %s", tbe_t_class(f));
    }
    struct tbe_func *fn = f.u.p;
    tbe_call_enter(x);
    tbe_val r = fn->native ? fn->native(x, self, argc, argv) : fn->fn(x, fn, self, argc, argv);
    tbe_call_leave(x);
    return r;
}

/* ---- properties ---- */

/* Names that run a method of a map when read with a dot (8); sorted. */
static const char *const map_names[] = {
    "clear", "clone", "empty", "entrySet", "hashCode", "invert", "isEmpty", "iterator", "keySet",
    "keys",
    "memorySize", "notify", "notifyAll", "reverse", "size", "slice", "sortByKey", "sortByValue",
    "spliterator", "toInverted", "toReversed", "toSorted", "toSortedByKey", "toSortedByValue",
    "toString",
    "toUnmodifiable", "values", "wait",
};
/* First and second letters by length, so that nearly every key is told apart without a search. */
#define B(c) (1u << ((c) & 31))
static const uint32_t map_first[] = {
    [4] = B('k') | B('s') | B('w'), [5] = B('c') | B('e') | B('s'),
    [6] = B('i') | B('k') | B('n') | B('v'),
    [7] = B('i') | B('r'), [8] = B('e') | B('h') | B('i') | B('t'), [9] = B('n') | B('s'),
    [10] = B('m') | B('t'), [11] = B('s'), [13] = B('t'), [14] = B('t'), [15] = B('t'),
};
static const uint32_t map_second[] = {
    [4] = B('a') | B('e') | B('i'), [5] = B('l') | B('m'), [6] = B('a') | B('e') | B('n') | B('o'),
    [7] = B('e') | B('s'), [8] = B('a') | B('n') | B('o') | B('s') | B('t'), [9] = B('o'),
    [10] = B('e') | B('o'), [11] = B('o') | B('p'), [13] = B('o'), [14] = B('o'), [15] = B('o'),
};

static bool
is_map_name(struct tbe_str k)
{
    if (k.n >= sizeof(map_first) / sizeof(map_first[0]) || !map_first[k.n] ||
        !(map_first[k.n] & B(k.p[0])) ||
        !(map_second[k.n] & B(k.p[1]))) {
        return false;
    }
    for (size_t i = 0; i < sizeof(map_names) / sizeof(map_names[0]); i++) {
        if (tbe_str_eqz(k, map_names[i])) {
            return true;
        }
    }
    return false;
}

bool
tbe_t_is_map_name(struct tbe_str key)
{
    return key.n == 0 || is_map_name(key);
}

/* Zero-argument method or getter of that name: b, getB or isB. */
static bool
bean(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val *out)
{
    static const char *const prefixes[] = { "", "get", "is" };
    char name[64];
    for (size_t i = 0; i < 3 && key.n > 0 && key.n < 50; i++) {
        size_t n = strlen(prefixes[i]);
        memcpy(name, prefixes[i], n);
        memcpy(name + n, key.p, key.n);
        if (n > 0 && name[n] >= 'a' && name[n] <= 'z') {
            name[n] = (char)(name[n] - 32);
        }
        const struct tbel_mdef *m = find(o, (struct tbe_str){ name, n + key.n }, 0);
        if (m != NULL) {
            *out = m->fn(x, o, 0, NULL);
            return true;
        }
    }
    return false;
}

tbe_val
tbe_t_get_slow(struct tbe_x *x, tbe_val o, struct tbe_str key, uint32_t *hint)
{
    tbe_val v = TBE_NULL_VAL;
    if (o.t == TBE_MAP) {
        if (tbel_is_entry(o)) {
            if (bean(x, o, key, &v)) {
                return v;
            }
        } else if (TBE_UNLIKELY(is_map_name(key))) {
            bean(x, o, key, &v);
            return v;
        } else {
            v = hint ? tbe_map_get_hint(o.u.m, key, hint) : tbe_map_get(o.u.m, key);
            return v.t == TBE_UNDEF ? TBE_NULL_VAL : v;
        }
    }
    if (tbe_is_null(o)) {
        tbe_throw(x, "null pointer: %.*s", (int)key.n, key.p);
    }
    if (!tbe_str_eqz(key, "class") && bean(x, o, key, &v)) {
        return v;
    }
    if (o.t == TBE_LIST || o.t == TBE_SET) {
        tbe_throw(x, "could not access property: %.*s", (int)key.n, key.p);
    }
    tbe_throw(x, "could not access: %.*s; in class: %s", (int)key.n, key.p, tbel_jclass(o));
}

tbe_val
tbe_t_get_safe(struct tbe_x *x, tbe_val o, struct tbe_str key, uint32_t *hint)
{
    return tbe_t_get_slow(x, o, key, hint);
}

void
tbe_t_put(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v, const char *parent)
{
    if (o.t == TBE_MAP && !tbel_is_entry(o)) {
        tbel_map_set(x, o, tbe_strv(key), v);
        return;
    }
    if (tbe_is_null(o)) {
        tbe_throw(x, "could not access property: %.*s; parent is null: %s", (int)key.n, key.p,
            parent);
    }
    if (tbel_is_entry(o) && tbe_str_eqz(key, "value")) {
        o.u.m->e[0].val = v;
        return;
    }
    tbe_throw(x, "could not access property: %.*s", (int)key.n, key.p);
}

/* A list index: an Integer, in range of n. site: the expression, or NULL. */
static uint32_t
list_at(struct tbe_x *x, tbe_val key, uint32_t n, const char *site)
{
    int64_t i = -1;
    if (tbel_is_integral(key)) {
        i = key.u.i;
    } else if (tbel_is_num(key)) {
        i = tbel_d2l(tbel_to_double(key));
    } else {
        tbe_throw(x, "java.lang.ClassCastException: class %s cannot be cast to class java.lang.Integer",
                  tbel_jclass(key));
    }
    if ((i < 0 || i >= n) && site != NULL) {
        tbe_throw(x, "%s: array index out of bounds.", site);
    }
    if (i < 0 || i >= n) {
        tbe_throw(x, "[%lld]: array index out of bounds.", (long long)i);
    }
    return (uint32_t)i;
}

tbe_val
tbe_t_index(struct tbe_x *x, tbe_val o, tbe_val key)
{
    return tbe_t_index_at(x, o, key, NULL);
}

tbe_val
tbe_t_index_at(struct tbe_x *x, tbe_val o, tbe_val key, const char *site)
{
    switch (o.t) {
    case TBE_MAP:
        return tbel_map_at(o, key);
    case TBE_LIST:
    case TBE_ARRAY:
        if (TBE_LIKELY(key.t == TBE_INT && key.u.i >= 0 && key.u.i < o.u.l->n)) {
            return o.u.l->v[key.u.i];
        }
        return o.u.l->v[list_at(x, key, o.u.l->n, site)];
    case TBE_STR_T: {
        uint32_t i = list_at(x, key, tbel_len16(o), site);
        return tbel_typed(TBE_CHAR, tbel_unit_at(o, i));
    }
    case TBE_UNDEF:
    case TBE_NULL: {
        if (site != NULL) {
            tbe_t_null_pointer(x, site);
        }
        struct tbe_str t = tbel_text(x, key);
        tbe_throw(x, "null pointer: [%.*s]", (int)t.n, t.p);
    }
    default:
        tbe_throw(x, "illegal use of []: unknown type: %s", tbel_jclass(o));
    }
}

/* Conversion of a value stored in a primitive array. */
static tbe_val
element(struct tbe_x *x, uint8_t type, tbe_val v)
{
    switch (type) {
    case TBE_BYTE:
        return tbel_typed(TBE_BYTE, (int8_t)tbel_arg_long(x, v));
    case TBE_SHORT:
        return tbel_typed(TBE_SHORT, (int16_t)tbel_arg_long(x, v));
    case TBE_INT:
        return tbe_int(tbel_arg_int(x, v));
    case TBE_LONG:
        return tbe_long(tbel_arg_long(x, v));
    case TBE_FLOAT:
        return tbel_float(tbel_arg_double(x, v));
    case TBE_DOUBLE:
        return tbe_double(tbel_arg_double(x, v));
    case TBE_BOOL:
        return tbe_bool(tbel_arg_bool(x, v));
    case TBE_CHAR:
        return tbe_t_cast(x, TBE_STR("char"), v);
    default:
        return v;
    }
}

void
tbe_t_put_index(struct tbe_x *x, tbe_val o, tbe_val key, tbe_val v)
{
    switch (o.t) {
    case TBE_MAP:
        tbel_map_set(x, o, key, v);
        return;
    case TBE_LIST:
        tbel_list_check(x, o);
        o.u.l->v[list_at(x, key, o.u.l->n, NULL)] = v;
        return;
    case TBE_ARRAY:
        o.u.l->v[list_at(x, key, o.u.l->n, NULL)] = element(x, o.sub, v);
        return;
    case TBE_UNDEF:
    case TBE_NULL:
        tbe_throw(x, "null pointer");
    default:
        tbe_throw(x, "cannot assign to an element of %s", tbel_jclass(o));
    }
}

/* ---- iteration ---- */

void
tbe_t_iter(struct tbe_x *x, struct tbe_iter *it, tbe_val v, const char *site)
{
    const struct tbe_entry *e;
    memset(it, 0, sizeof(*it));
    it->p = (void *)(uintptr_t)site; /* only read, by tbe_t_next */
    switch (v.t) {
    case TBE_MAP: { /* a snapshot of the entries */
        tbe_val l = tbe_list_new(x->a, v.u.m->live);
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            tbe_list_push(x->a, l.u.l, tbel_entry(x, e->key, e->val));
        }
        v = l;
        break;
    }
    case TBE_SET: {
        tbe_val l = tbe_list_new(x->a, v.u.m->live);
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            tbe_list_push(x->a, l.u.l, e->key);
        }
        v = l;
        break;
    }
    case TBE_LIST:
    case TBE_ARRAY:
    case TBE_INT:
        break;
    case TBE_STR_T:
        it->n = tbel_len16(v);
        it->v = v;
        return;
    case TBE_UNDEF:
    case TBE_NULL:
        tbe_throw(x, "java.lang.NullPointerException: foreach over null");
    default:
        tbe_throw(x, "non-iterable type: %s", tbel_jclass(v));
    }
    it->v = v;
    it->n = v.t == TBE_INT ? (v.u.i > 0 ? (uint32_t)v.u.i : 0) : v.u.l->n;
}

bool
tbe_t_next(struct tbe_x *x, struct tbe_iter *it, tbe_val *out)
{
    if (it->v.t == TBE_LIST || it->v.t == TBE_ARRAY) {
        if (it->i == it->v.u.l->n) {
            return false;
        }
        if (it->v.u.l->n != it->n) {
            /* two blanks, as the engine words it */
            tbe_throw(x, "Invalid statement:  %s", (const char *)it->p);
        }
        *out = it->v.u.l->v[it->i++];
        return true;
    }
    if (it->i >= it->n) {
        return false;
    }
    it->i++;
    *out = it->v.t == TBE_INT ? tbe_int((int32_t)it->i)
                              : tbel_typed(TBE_CHAR, tbel_unit_at(it->v, it->i - 1));
    return true;
}

/* ---- literals ---- */

tbe_val
tbe_t_list(struct tbe_x *x, int n, const tbe_val *v)
{
    tbe_val l = tbe_list_new(x->a, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        tbe_list_push(x->a, l.u.l, v[i].t == TBE_UNDEF ? TBE_NULL_VAL : v[i]);
    }
    return l;
}

tbe_val
tbe_t_map(struct tbe_x *x, int n, const struct tbe_str *keys, const tbe_val *v)
{
    tbe_val m = tbe_map_new(x->a, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        if (!tbe_is_null(v[i])) {
            tbe_map_put(x->a, m.u.m, keys[i], v[i]);
        }
    }
    return m;
}

tbe_val
tbe_t_map_vals(struct tbe_x *x, int n, const tbe_val *keys, const tbe_val *v)
{
    tbe_val m = tbe_map_new(x->a, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        if (!tbe_is_null(v[i])) {
            tbel_map_set(x, m, keys[i], v[i]);
        }
    }
    return m;
}

/* ---- arguments and results ---- */

struct copy {
    struct tbe_x *x;
    uint32_t nodes;
    bool special; /* holds something that must not leave the script as it is */
};

static void
inspect(struct copy *c, tbe_val v, int depth)
{
    const struct tbe_entry *e;
    if (depth > COPY_DEPTH) {
        tbe_throw(c->x, "java.lang.StackOverflowError: value is nested too deep");
    }
    if (++c->nodes > MAX_RESULT) {
        tbe_throw(c->x, "Script invocation result exceeds maximum allowed size of %u symbols",
            MAX_RESULT);
    }
    if (v.t == TBE_LIST || v.t == TBE_ARRAY) {
        c->special |= v.t == TBE_ARRAY;
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            inspect(c, v.u.l->v[i], depth + 1);
        }
    } else if (v.t == TBE_MAP || v.t == TBE_SET) {
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            inspect(c, e->key, depth + 1);
            c->special |= e->key.t != TBE_STR_T && v.t == TBE_MAP;
            if (v.t == TBE_MAP) {
                inspect(c, e->val, depth + 1);
            }
        }
    } else if (v.t >= TBE_DATE || v.t == TBE_UNDEF) {
        c->special = true;
    }
}

static tbe_val
copy(struct tbe_x *x, tbe_val v, bool out)
{
    const struct tbe_entry *e;
    tbe_val r = v;
    switch (v.t) {
    case TBE_UNDEF:
        return TBE_NULL_VAL;
    case TBE_LIST:
    case TBE_ARRAY:
        r = tbe_list_new(x->a, v.u.l->n);
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            tbe_list_push(x->a, r.u.l, copy(x, v.u.l->v[i], out));
        }
        return r;
    case TBE_MAP:
    case TBE_SET:
        r = v.t == TBE_SET ? tbe_set_new(x->a, v.u.m->live) : tbe_map_new(x->a, v.u.m->live);
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            if (v.t == TBE_SET) {
                tbe_map_put_val(x->a, r.u.m, copy(x, e->key, out), TBE_NULL_VAL);
            } else if (!tbe_is_null(e->val)) {
                tbe_map_put_val(x->a, r.u.m, out ? tbel_text_val(x, e->key) :
                    e->key, copy(x, e->val, out));
            }
        }
        return r;
    case TBE_DATE:
        return out ? tbel_date_text(x, v) : v;
    case TBE_FUNC:
    case TBE_REGEX:
    case TBE_OBJ:
        return out ? tbel_text_val(x, v) : v;
    default:
        return v;
    }
}

tbe_val
tbe_t_copy_in(struct tbe_x *x, tbe_val v)
{
    struct copy c = { .x = x };
    if (v.t < TBE_LIST) {
        return v;
    }
    inspect(&c, v, 0);
    return copy(x, v, false);
}

tbe_val
tbe_t_copy_out(struct tbe_x *x, tbe_val v)
{
    struct copy c = { .x = x };
    if (v.t < TBE_LIST && v.t != TBE_UNDEF) {
        return v;
    }
    inspect(&c, v, 0);
    return c.special ? copy(x, v, true) : v;
}
