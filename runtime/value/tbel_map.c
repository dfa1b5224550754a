/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL methods of maps, map entries, numbers and of every object (facts/tbel.md 10.2, 9). */
#include "config.h"
#include "tbel_priv.h"

#include <string.h>

#define NONE TBE_NULL_VAL
#define M(name, min, max, fn) { name, min, max, fn }
#define TABLE(t) { t, sizeof(t) / sizeof((t)[0]) }
#define METHOD0(name) static tbe_val name(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
#define UNUSED_ARGS (void)x, (void)argc, (void)argv

METHOD0(m_put)
{
    (void)argc;
    tbe_val old = tbel_map_at(self, argv[0]);
    tbel_map_set(x, self, argv[0], argv[1]);
    return old;
}

METHOD0(m_get)
{
    UNUSED_ARGS;
    return tbel_map_at(self, argv[0]);
}

METHOD0(m_get_or_default)
{
    UNUSED_ARGS;
    tbe_val v = tbel_map_at(self, argv[0]);
    return tbe_is_null(v) ? argv[1] : v;
}

METHOD0(m_contains_key)
{
    UNUSED_ARGS;
    return tbe_bool(tbe_map_find(self.u.m, argv[0]) != NULL);
}

METHOD0(m_contains_value)
{
    (void)argc;
    const struct tbe_entry *e;
    for (uint32_t i = 0; tbe_map_next(self.u.m, &i, &e);) {
        if (tbel_equals(x, e->val, argv[0])) {
            return tbe_bool(true);
        }
    }
    return tbe_bool(false);
}

METHOD0(m_remove)
{
    tbe_val old = tbel_map_at(self, argv[0]);
    if (argc == 2) {
        bool same = tbel_equals(x, old, argv[1]) && !tbe_is_null(old);
        if (same) {
            tbel_map_set(x, self, argv[0], NONE);
        }
        return tbe_bool(same);
    }
    tbel_map_set(x, self, argv[0], NONE);
    return old;
}

METHOD0(m_put_all)
{
    (void)argc;
    const struct tbe_entry *e;
    if (argv[0].t != TBE_MAP) {
        tbe_throw(x, "cannot convert %s to java.util.Map", tbel_jclass(argv[0]));
    }
    if (argv[0].u.m == self.u.m) {
        return NONE;
    }
    for (uint32_t i = 0; tbe_map_next(argv[0].u.m, &i, &e);) {
        tbel_map_set(x, self, e->key, e->val);
    }
    return NONE;
}

METHOD0(m_put_if_absent)
{
    (void)argc;
    tbe_val old = tbel_map_at(self, argv[0]);
    if (tbe_is_null(old)) {
        tbel_map_set(x, self, argv[0], argv[1]);
    }
    return old;
}

METHOD0(m_replace)
{
    tbe_val old = tbel_map_at(self, argv[0]);
    if (argc == 3) {
        bool same = !tbe_is_null(old) && tbel_equals(x, old, argv[1]);
        if (same) {
            tbel_map_set(x, self, argv[0], argv[2]);
        }
        return tbe_bool(same);
    }
    if (!tbe_is_null(old)) {
        tbel_map_set(x, self, argv[0], argv[1]);
    }
    return old;
}

METHOD0(m_is_empty)
{
    UNUSED_ARGS;
    return tbe_bool(self.u.m->live == 0);
}

METHOD0(m_size)
{
    UNUSED_ARGS;
    return tbe_int((int32_t)self.u.m->live);
}

/* Puts the content of `from` in the place of the map's. */
static void
become(struct tbe_x *x, tbe_val self, tbe_val from)
{
    if (self.u.m->flags & TBE_FROZEN) {
        tbe_throw(x, "Map is unmodifiable");
    }
    *self.u.m = *from.u.m;
}

METHOD0(m_clear)
{
    UNUSED_ARGS;
    become(x, self, tbe_map_new(x->a, 4));
    return NONE;
}

METHOD0(m_key_set)
{
    UNUSED_ARGS;
    const struct tbe_entry *e;
    tbe_val s = tbe_set_new(x->a, self.u.m->live);
    for (uint32_t i = 0; tbe_map_next(self.u.m, &i, &e);) {
        tbe_map_put_val(x->a, s.u.m, e->key, NONE);
    }
    return s;
}

METHOD0(m_entry_set)
{
    UNUSED_ARGS;
    struct tbe_iter it;
    tbe_t_iter(x, &it, self, "");
    return it.v;
}

METHOD0(m_values)
{
    UNUSED_ARGS;
    const struct tbe_entry *e;
    tbe_val l = tbe_list_new(x->a, self.u.m->live);
    for (uint32_t i = 0; tbe_map_next(self.u.m, &i, &e);) {
        tbe_list_push(x->a, l.u.l, e->val);
    }
    return l;
}

METHOD0(m_keys)
{
    UNUSED_ARGS;
    const struct tbe_entry *e;
    tbe_val l = tbe_list_new(x->a, self.u.m->live);
    for (uint32_t i = 0; tbe_map_next(self.u.m, &i, &e);) {
        tbe_list_push(x->a, l.u.l, e->key);
    }
    return l;
}

/* The live entries as key, value, key, value ... */
static tbe_val *
pairs(struct tbe_x *x, tbe_val m)
{
    const struct tbe_entry *e;
    uint32_t n = 0;
    tbe_val *kv = tbe_arena_alloc(x->a, (size_t)(m.u.m->live + 1) * 2 * sizeof(*kv));
    for (uint32_t i = 0; tbe_map_next(m.u.m, &i, &e);) {
        kv[n++] = e->key;
        kv[n++] = e->val;
    }
    return kv;
}

static tbe_val
from_pairs(struct tbe_x *x, const tbe_val *kv, uint32_t from, uint32_t to, bool backwards)
{
    tbe_val m = tbe_map_new(x->a, to - from);
    for (uint32_t i = from; i < to; i++) {
        uint32_t j = backwards ? to - 1 - (i - from) : i;
        tbel_map_set(x, m, kv[2 * j], kv[2 * j + 1]);
    }
    return m;
}

static tbe_val
sorted(struct tbe_x *x, tbe_val self, bool by_value, int argc, const tbe_val *argv)
{
    tbe_val *kv = pairs(x, self);
    tbel_sort_pairs(x, kv, self.u.m->live, by_value, argc > 0 ? tbel_arg_bool(x, argv[0]) : true);
    return from_pairs(x, kv, 0, self.u.m->live, false);
}

METHOD0(m_sort_by_key)
{
    become(x, self, sorted(x, self, false, argc, argv));
    return NONE;
}

METHOD0(m_sort_by_value)
{
    become(x, self, sorted(x, self, true, argc, argv));
    return NONE;
}

METHOD0(m_to_sorted_by_key)
{
    return sorted(x, self, false, argc, argv);
}

METHOD0(m_to_sorted_by_value)
{
    return sorted(x, self, true, argc, argv);
}

METHOD0(m_to_reversed)
{
    UNUSED_ARGS;
    return from_pairs(x, pairs(x, self), 0, self.u.m->live, true);
}

METHOD0(m_reverse)
{
    become(x, self, m_to_reversed(x, self, argc, argv));
    return NONE;
}

METHOD0(m_to_inverted)
{
    UNUSED_ARGS;
    const struct tbe_entry *e;
    tbe_val r = tbe_map_new(x->a, self.u.m->live);
    tbe_val multi = tbe_map_new(x->a, 4); /* values already turned into lists of keys */
    for (uint32_t i = 0; tbe_map_next(self.u.m, &i, &e);) {
        tbe_val old = tbel_map_at(r, e->val);
        if (tbe_is_null(old)) {
            tbel_map_set(x, r, e->val, e->key);
        } else if (tbe_map_find(multi.u.m, e->val) != NULL) {
            tbe_list_push(x->a, old.u.l, e->key);
        } else {
            tbe_val l = tbe_t_list(x, 2, (tbe_val[]){ old, e->key });
            tbel_map_set(x, r, e->val, l);
            tbel_map_set(x, multi, e->val, tbe_bool(true));
        }
    }
    return r;
}

METHOD0(m_invert)
{
    become(x, self, m_to_inverted(x, self, argc, argv));
    return NONE;
}

METHOD0(m_slice)
{
    int64_t n = self.u.m->live, s = argc > 0 ? tbel_arg_int(x, argv[0]) : 0;
    int64_t e = argc > 1 ? tbel_arg_int(x, argv[1]) : n;
    s = s < 0 ? (s + n < 0 ? 0 : s + n) : s;
    e = e < 0 ? (e + n < 0 ? 0 : e + n) : e > n ? n : e;
    if (s > e) {
        tbe_throw(x, "fromIndex(%lld) > toIndex(%lld)", (long long)s, (long long)e);
    }
    return from_pairs(x, pairs(x, self), (uint32_t)s, (uint32_t)e, false);
}

METHOD0(m_unmodifiable)
{
    UNUSED_ARGS;
    tbe_val m = from_pairs(x, pairs(x, self), 0, self.u.m->live, false);
    m.u.m->flags |= TBE_FROZEN;
    return m;
}

METHOD0(m_iterator)
{
    UNUSED_ARGS;
    struct tbe_iter *it = tbe_arena_alloc(x->a, sizeof(*it));
    tbe_t_iter(x, it, self, "");
    return (tbe_val){ .t = TBE_OBJ, .sub = TBEL_OBJ_ITER, .u = { .p = it } };
}

METHOD0(m_nothing)
{
    UNUSED_ARGS;
    (void)self;
    return NONE;
}

static const struct tbel_mdef map_methods[] = {
    M("clear", 0, 0, m_clear), M("clone", 0, 0, m_slice), M("containsKey", 1, 1, m_contains_key),
    M("containsValue", 1, 1, m_contains_value), M("entrySet", 0, 0, m_entry_set),
    M("get", 1, 1, m_get),
    M("getOrDefault", 2, 2, m_get_or_default), M("invert", 0, 0, m_invert),
    M("isEmpty", 0, 0, m_is_empty),
    M("iterator", 0, 0, m_iterator), M("keySet", 0, 0, m_key_set), M("keys", 0, 0, m_keys),
    M("memorySize", 0, 0, m_nothing), M("notify", 0, 0, m_nothing), M("notifyAll", 0, 0, m_nothing),
    M("put", 2, 2, m_put), M("putAll", 1, 1, m_put_all), M("putIfAbsent", 2, 2, m_put_if_absent),
    M("remove", 1, 2, m_remove), M("replace", 2, 3, m_replace), M("reverse", 0, 0, m_reverse),
    M("size", 0, 0, m_size), M("slice", 0, 2, m_slice), M("sortByKey", 0, 1, m_sort_by_key),
    M("sortByValue", 0, 1, m_sort_by_value), M("spliterator", 0, 0, m_nothing),
    M("toInverted", 0, 0, m_to_inverted), M("toReversed", 0, 0, m_to_reversed),
    M("toSorted", 0, 1, m_to_sorted_by_key), M("toSortedByKey", 0, 1, m_to_sorted_by_key),
    M("toSortedByValue", 0, 1, m_to_sorted_by_value), M("toUnmodifiable", 0, 0, m_unmodifiable),
    M("values", 0, 0, m_values), M("wait", 0, 0, m_nothing),
};
const struct tbel_class tbel_map_class = TABLE(map_methods);

/* ---- entries ---- */

METHOD0(e_key)
{
    UNUSED_ARGS;
    return self.u.m->e[0].key;
}

METHOD0(e_value)
{
    UNUSED_ARGS;
    return self.u.m->e[0].val;
}

METHOD0(e_set_value)
{
    UNUSED_ARGS;
    tbe_val old = self.u.m->e[0].val;
    self.u.m->e[0].val = argv[0];
    return old;
}

static const struct tbel_mdef entry_methods[] = {
    M("getKey", 0, 0, e_key),
    M("getValue", 0, 0, e_value),
    M("setValue", 1, 1, e_set_value),
};
const struct tbel_class tbel_entry_class = TABLE(entry_methods);

/* ---- numbers ---- */

METHOD0(n_int)
{
    UNUSED_ARGS;
    return tbe_int(tbel_is_integral(self) ? (int32_t)self.u.i : tbel_d2i(tbel_to_double(self)));
}

METHOD0(n_long)
{
    UNUSED_ARGS;
    return tbe_long(tbel_to_long(self));
}

METHOD0(n_double)
{
    UNUSED_ARGS;
    return tbe_double(tbel_to_double(self));
}

METHOD0(n_float)
{
    UNUSED_ARGS;
    return tbel_float(tbel_to_double(self));
}

METHOD0(n_short)
{
    UNUSED_ARGS;
    return tbel_typed(TBE_SHORT, (int16_t)tbel_to_long(self));
}

METHOD0(n_byte)
{
    UNUSED_ARGS;
    return tbel_typed(TBE_BYTE, (int8_t)tbel_to_long(self));
}

METHOD0(n_is_nan)
{
    UNUSED_ARGS;
    double d = tbel_to_double(self);
    return tbe_bool(d != d);
}

METHOD0(n_is_infinite)
{
    UNUSED_ARGS;
    double d = tbel_to_double(self);
    return tbe_bool(d - d != 0 && d == d);
}

METHOD0(n_compare)
{
    (void)argc;
    double a = tbel_to_double(self), b = tbel_arg_double(x, argv[0]);
    return tbe_int((a > b) - (a < b));
}

static const struct tbel_mdef number_methods[] = {
    M("byteValue", 0, 0, n_byte), M("compareTo", 1, 1, n_compare), M("doubleValue", 0, 0, n_double),
    M("floatValue", 0, 0, n_float), M("intValue", 0, 0, n_int),
    M("isInfinite", 0, 0, n_is_infinite),
    M("isNaN", 0, 0, n_is_nan), M("longValue", 0, 0, n_long), M("shortValue", 0, 0, n_short),
};
const struct tbel_class tbel_number_class = TABLE(number_methods);

/* ---- every object ---- */

METHOD0(o_to_string)
{
    UNUSED_ARGS;
    return tbel_text_val(x, self);
}

METHOD0(o_equals)
{
    (void)argc;
    return tbe_bool(tbel_equals(x, self, argv[0]));
}

static uint32_t
hash(struct tbe_x *x, tbe_val v, int depth)
{
    const struct tbe_entry *e;
    uint32_t h = 0;
    if (depth > TBEL_DEPTH) {
        tbe_throw(x, "java.lang.StackOverflowError: value is nested too deep");
    }
    switch (v.t) {
    case TBE_BOOL:
        return v.u.i ? 1231 : 1237;
    case TBE_LONG:
        return (uint32_t)((uint64_t)v.u.i ^ (uint64_t)v.u.i >> 32);
    case TBE_DOUBLE: {
        uint64_t b;
        memcpy(&b, &v.u.d, sizeof(b));
        return (uint32_t)(b ^ b >> 32);
    }
    case TBE_STR_T: {
        uint32_t n = tbel_len16(v);
        x->fuel -= n;
        for (uint32_t i = 0, at = 0, len; i < n && at < v.n; at += len) {
            uint32_t cp = tbel_cp(v.u.s + at, v.n - at, &len);
            if (cp >= 0x10000) {
                h = h * 31 + (0xD800 + ((cp - 0x10000) >> 10));
                cp = 0xDC00 + ((cp - 0x10000) & 0x3FF);
                i++;
            }
            h = h * 31 + cp;
            i++;
        }
        return h;
    }
    case TBE_LIST:
    case TBE_ARRAY:
        h = 1;
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            tbe_burn(x);
            h = h * 31 + hash(x, v.u.l->v[i], depth + 1);
        }
        return h;
    case TBE_MAP:
    case TBE_SET:
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            tbe_burn(x);
            h += hash(x, e->key, depth + 1) ^ (v.t == TBE_MAP ? hash(x, e->val, depth + 1) : 0);
        }
        return h;
    default:
        return v.t >= TBE_CHAR && v.t <= TBE_INT ? (uint32_t)v.u.i : 0;
    }
}

METHOD0(o_hash)
{
    UNUSED_ARGS;
    return tbe_int((int32_t)hash(x, self, 0));
}

METHOD0(o_compare)
{
    UNUSED_ARGS;
    return tbe_int(tbe_t_order(x, self, argv[0]));
}

METHOD0(o_bool)
{
    UNUSED_ARGS;
    return tbe_bool(tbel_to_bool(x, self));
}

METHOD0(o_next)
{
    UNUSED_ARGS;
    tbe_val v;
    if (self.t != TBE_OBJ || self.sub != TBEL_OBJ_ITER) {
        tbel_no_method(x, tbel_jclass(self), "next", 4, 0, NULL);
    }
    if (!tbe_t_next(x, self.u.p, &v)) {
        tbe_throw(x, "java.util.NoSuchElementException");
    }
    return v;
}

METHOD0(o_has_next)
{
    UNUSED_ARGS;
    if (self.t != TBE_OBJ || self.sub != TBEL_OBJ_ITER) {
        tbel_no_method(x, tbel_jclass(self), "hasNext", 7, 0, NULL);
    }
    const struct tbe_iter *it = self.u.p;
    return tbe_bool(it->i < it->n);
}

METHOD0(o_encode)
{
    (void)argc;
    if (self.t != TBE_OBJ || self.sub != TBEL_OBJ_B64_ENC) {
        tbel_no_method(x, tbel_jclass(self), "encodeToString", 14, argc, argv);
    }
    return tbe_t_bytes_to_base64(x, argc, argv);
}

METHOD0(o_decode)
{
    if (self.t != TBE_OBJ || self.sub != TBEL_OBJ_B64_DEC) {
        tbel_no_method(x, tbel_jclass(self), "decode", 6, argc, argv);
    }
    return tbe_t_base64_to_bytes(x, argc, argv);
}

tbe_val
tbe_t_base64_encoder(struct tbe_x *x, int argc, const tbe_val *argv)
{
    UNUSED_ARGS;
    return (tbe_val){ .t = TBE_OBJ, .sub = TBEL_OBJ_B64_ENC };
}

tbe_val
tbe_t_base64_decoder(struct tbe_x *x, int argc, const tbe_val *argv)
{
    UNUSED_ARGS;
    return (tbe_val){ .t = TBE_OBJ, .sub = TBEL_OBJ_B64_DEC };
}

static const struct tbel_mdef object_methods[] = {
    M("booleanValue", 0, 0, o_bool), M("compareTo", 1, 1, o_compare), M("decode", 1, 1, o_decode),
    M("encodeToString", 1, 1, o_encode), M("equals", 1, 1, o_equals),
    M("hasNext", 0, 0, o_has_next),
    M("hashCode", 0, 0, o_hash), M("next", 0, 0, o_next), M("toString", 0, 0, o_to_string),
};
const struct tbel_class tbel_object_class = TABLE(object_methods);
