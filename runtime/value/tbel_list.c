/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL methods of lists and sets, and the sort all collections share (facts/tbel.md 10.1, 10.3). */
#include "config.h"
#include "tbel_priv.h"

#include <string.h>

#define NONE TBE_NULL_VAL
#define M(name, min, max, fn) { name, min, max, fn }
#define TABLE(t) { t, sizeof(t) / sizeof((t)[0]) }

/* ---- sort ---- */

struct sort_key {
    double d;
    struct tbe_str s;
    tbe_val v;
};

static bool
sort_number(struct tbe_x *x, tbe_val v, double *d)
{
    bool ok;
    if (tbel_is_num(v)) {
        *d = tbel_to_double(v);
        return true;
    }
    struct tbe_str s = tbel_text(x, v);
    *d = tbe_parse_double(s, &ok);
    return ok;
}

static void
merge(struct tbe_x *x, struct sort_key *k, struct sort_key *tmp, uint32_t n, bool num, int sign)
{
    if (n < 2) {
        return;
    }
    uint32_t h = n / 2, i = 0, j = h, o = 0;
    merge(x, k, tmp, h, num, sign);
    merge(x, k + h, tmp, n - h, num, sign);
    x->fuel -= n;
    while (i < h && j < n) {
        int c = num ? (k[i].d > k[j].d) - (k[i].d < k[j].d) : tbel_cmp16(k[i].s, k[j].s);
        tmp[o++] = c * sign <= 0 ? k[i++] : k[j++];
    }
    memcpy(tmp + o, k + i, (h - i) * sizeof(*k));
    o += h - i;
    memcpy(k, tmp, o * sizeof(*k)); /* what is left of the second half stands already */
}

/* Sorts v in place: by number when the text of every key is one, else by text. v holds `width`
 * values per element, the key at `at`. Stable. */
static void
sort_by(struct tbe_x *x, tbe_val *v, uint32_t n, uint32_t width, uint32_t at, bool asc)
{
    struct sort_key *k = tbe_arena_alloc(x->a, (n + 1) * sizeof(*k));
    struct sort_key *tmp = tbe_arena_alloc(x->a, (n + 1) * sizeof(*k));
    tbe_val *out = tbe_arena_alloc(x->a, (size_t)n * width * sizeof(*v) + 16);
    bool num = true;
    for (uint32_t i = 0; i < n; i++) {
        tbe_val e = v[i * width + at];
        num = num && sort_number(x, e, &k[i].d);
        k[i].v = tbe_int((int32_t)i);
    }
    for (uint32_t i = 0; i < n && !num; i++) {
        k[i].s = tbel_text(x, v[i * width + at]);
    }
    merge(x, k, tmp, n, num, asc ? 1 : -1);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(out + i * width, v + (size_t)k[i].v.u.i * width, width * sizeof(*v));
    }
    if (n > 0) { /* an empty list may have no memory */
        memcpy(v, out, (size_t)n * width * sizeof(*v));
    }
}

void
tbel_sort(struct tbe_x *x, tbe_val *v, uint32_t n, bool asc)
{
    sort_by(x, v, n, 1, 0, asc);
}

void
tbel_sort_pairs(struct tbe_x *x, tbe_val *kv, uint32_t n, bool by_value, bool asc)
{
    sort_by(x, kv, n, 2, by_value, asc);
}

/* ---- lists ---- */

static tbe_val
sub(struct tbe_x *x, tbe_val l, uint32_t from, uint32_t to)
{
    tbe_val r = tbe_list_new(x->a, to - from);
    for (uint32_t i = from; i < to; i++) {
        tbe_list_push(x->a, r.u.l, l.u.l->v[i]);
    }
    return r;
}

static void
insert(struct tbe_x *x, tbe_val l, uint32_t at, int n, const tbe_val *v)
{
    struct tbe_list *t = l.u.l;
    uint32_t old = t->n;
    for (int i = 0; i < n; i++) {
        tbe_list_push(x->a, t, NONE);
    }
    if (old > at) {
        memmove(t->v + at + n, t->v + at, (old - at) * sizeof(*v));
    }
    if (n > 0) {
        memcpy(t->v + at, v, (size_t)n * sizeof(*v));
    }
}

static void
cut(tbe_val l, uint32_t at, uint32_t n)
{
    struct tbe_list *t = l.u.l;
    if (t->n > at + n) {
        memmove(t->v + at, t->v + at + n, (t->n - at - n) * sizeof(tbe_val));
    }
    t->n -= n;
}

static uint32_t
position(struct tbe_x *x, tbe_val v, uint32_t limit, uint32_t size)
{
    int32_t i = tbel_arg_int(x, v);
    if (i < 0 || (uint32_t)i >= limit) {
        tbe_throw(x, "Index: %d, Size: %u", i, size);
    }
    return (uint32_t)i;
}

/* A list of the elements of any collection argument. */
static tbe_val
collection(struct tbe_x *x, tbe_val v)
{
    if (tbel_is_list(v)) {
        return v;
    }
    if (v.t != TBE_SET && v.t != TBE_MAP) {
        tbe_throw(x, "cannot convert %s to a collection", tbel_jclass(v));
    }
    struct tbe_iter it;
    tbe_t_iter(x, &it, v, "");
    return it.v;
}

static int64_t
index_of(struct tbe_x *x, tbe_val l, tbe_val v, uint32_t from)
{
    for (uint32_t i = from; i < l.u.l->n; i++) {
        tbe_burn(x);
        if (tbel_equals(x, l.u.l->v[i], v)) {
            return i;
        }
    }
    return -1;
}

static tbe_val
l_add(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbel_list_check(x, self);
    if (argc == 2) {
        uint32_t n = self.u.l->n;
        insert(x, self, position(x, argv[0], n + 1, n), 1, argv + 1);
        return NONE;
    }
    tbe_list_push(x->a, self.u.l, argv[0]);
    return tbe_bool(true);
}

static tbe_val
l_pop(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    tbel_list_check(x, self);
    return self.u.l->n ? self.u.l->v[--self.u.l->n] : NONE;
}

static tbe_val
l_shift(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    tbel_list_check(x, self);
    if (self.u.l->n == 0) {
        tbe_throw(x, "java.lang.IndexOutOfBoundsException: Index 0 out of bounds for length 0");
    }
    tbe_val v = self.u.l->v[0];
    cut(self, 0, 1);
    return v;
}

static tbe_val
l_unshift(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbel_list_check(x, self);
    insert(x, self, 0, argc, argv);
    return NONE;
}

static tbe_val
l_remove(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    tbel_list_check(x, self);
    int64_t i = argv[0].t == TBE_INT ? argv[0].u.i : index_of(x, self, argv[0], 0);
    if (argv[0].t == TBE_INT) {
        i = position(x, argv[0], self.u.l->n, self.u.l->n);
    } else if (i < 0) {
        return tbe_bool(false);
    }
    tbe_val old = self.u.l->v[i];
    cut(self, (uint32_t)i, 1);
    return argv[0].t == TBE_INT ? old : tbe_bool(true);
}

static tbe_val
l_set(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    tbel_list_check(x, self);
    uint32_t i = position(x, argv[0], self.u.l->n, self.u.l->n);
    tbe_val old = self.u.l->v[i];
    self.u.l->v[i] = argv[1];
    return old;
}

static tbe_val
l_get(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    int32_t i = tbel_arg_int(x, argv[0]);
    if (i < 0 || (uint32_t)i >= self.u.l->n) {
        tbe_throw(x, "Index %d out of bounds for length %u", i, self.u.l->n);
    }
    return self.u.l->v[i];
}

static tbe_val
l_size(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)x;
    (void)argc;
    (void)argv;
    return tbe_int((int32_t)self.u.l->n);
}

static tbe_val
l_is_empty(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)x;
    (void)argc;
    (void)argv;
    return tbe_bool(self.u.l->n == 0);
}

static tbe_val
l_clear(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    tbel_list_check(x, self);
    self.u.l->n = 0;
    return NONE;
}

static tbe_val
l_contains(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    return tbe_bool(index_of(x, self, argv[0], 0) >= 0);
}

static tbe_val
l_contains_all(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    tbe_val c = collection(x, argv[0]);
    for (uint32_t i = 0; i < c.u.l->n; i++) {
        if (index_of(x, self, c.u.l->v[i], 0) < 0) {
            return tbe_bool(false);
        }
    }
    return tbe_bool(true);
}

static tbe_val
l_index_of(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    int32_t from = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    return tbe_int((int32_t)index_of(x, self, argv[0], from < 0 ? 0 : (uint32_t)from));
}

static tbe_val
l_last_index_of(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    for (uint32_t i = self.u.l->n; i > 0; i--) {
        tbe_burn(x);
        if (tbel_equals(x, self.u.l->v[i - 1], argv[0])) {
            return tbe_int((int32_t)i - 1);
        }
    }
    return tbe_int(-1);
}

static tbe_val
l_add_all(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbel_list_check(x, self);
    tbe_val c = collection(x, argv[argc - 1]);
    c = sub(x, c, 0, c.u.l->n); /* it may be self */
    uint32_t at = argc == 2 ? position(x, argv[0], self.u.l->n + 1, self.u.l->n) : self.u.l->n;
    insert(x, self, at, (int)c.u.l->n, c.u.l->v);
    return tbe_bool(c.u.l->n > 0);
}

static tbe_val
keep(struct tbe_x *x, tbe_val self, tbe_val arg, bool retain)
{
    tbel_list_check(x, self);
    tbe_val c = collection(x, arg);
    c = sub(x, c, 0, c.u.l->n);
    uint32_t o = 0, n = self.u.l->n;
    for (uint32_t i = 0; i < n; i++) {
        if ((index_of(x, c, self.u.l->v[i], 0) >= 0) == retain) {
            self.u.l->v[o++] = self.u.l->v[i];
        }
    }
    self.u.l->n = o;
    return tbe_bool(o != n);
}

static tbe_val
l_remove_all(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    return keep(x, self, argv[0], false);
}

static tbe_val
l_retain_all(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    return keep(x, self, argv[0], true);
}

static tbe_val
l_slice(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    int64_t n = self.u.l->n, s = argc > 0 ? tbel_arg_int(x, argv[0]) : 0;
    int64_t e = argc > 1 ? tbel_arg_int(x, argv[1]) : n;
    s = s < 0 ? (s + n < 0 ? 0 : s + n) : s;
    e = e < 0 ? (e + n < 0 ? 0 : e + n) : e > n ? n : e;
    if (s > e) {
        tbe_throw(x, "fromIndex(%lld) > toIndex(%lld)", (long long)s, (long long)e);
    }
    return sub(x, self, (uint32_t)s, (uint32_t)e);
}

static tbe_val
l_sub_list(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    int64_t s = tbel_arg_int(x, argv[0]), e = tbel_arg_int(x, argv[1]);
    if (s < 0 || e > self.u.l->n || s > e) {
        tbe_throw(x, "java.lang.IndexOutOfBoundsException: fromIndex(%lld) > toIndex(%lld)",
            (long long)s,
                  (long long)e);
    }
    return sub(x, self, (uint32_t)s, (uint32_t)e);
}

static tbe_val
l_join(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    struct tbe_str sep = argc > 0 ? tbel_arg_str(x, argv[0]) : TBE_STR(",");
    struct tbel_sb b, o;
    tbel_sb_init(&b, x, 64);
    for (uint32_t i = 0; i < self.u.l->n; i++) {
        if (tbe_is_null(self.u.l->v[i])) {
            tbe_throw(x, "java.lang.NullPointerException: null element in join");
        }
        if (i > 0) {
            tbel_sb_put(&b, sep.p, sep.n);
        }
        tbel_sb_val(&b, self.u.l->v[i]);
    }
    tbel_sb_init(&o, x, b.n);
    /* the engine's clean-up of nested lists hits all of the text */
    for (size_t i = 0; i < b.n; i++) {
        if (b.p[i] == ',' && i + 1 < b.n && b.p[i + 1] == ' ') {
            tbel_sb_c(&o, ',');
            i++;
        } else if (b.p[i] != '[' && b.p[i] != ']') {
            tbel_sb_c(&o, b.p[i]);
        }
    }
    return tbel_sb_done(&o);
}

static bool
ascending(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return argc > 0 ? tbel_arg_bool(x, argv[0]) : true;
}

static tbe_val
l_sort(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbel_list_check(x, self);
    tbel_sort(x, self.u.l->v, self.u.l->n, ascending(x, argc, argv));
    return NONE;
}

static tbe_val
l_to_sorted(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val r = sub(x, self, 0, self.u.l->n);
    l_sort(x, r, argc, argv);
    return r;
}

static tbe_val
l_to_reversed(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    uint32_t n = self.u.l->n;
    tbe_val r = tbe_list_new(x->a, n);
    for (uint32_t i = n; i > 0; i--) {
        tbe_list_push(x->a, r.u.l, self.u.l->v[i - 1]);
    }
    return r;
}

static tbe_val
l_reverse(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbel_list_check(x, self);
    tbe_val r = l_to_reversed(x, self, argc, argv);
    if (self.u.l->n > 0) {
        if (self.u.l->n > 0) {
            memcpy(self.u.l->v, r.u.l->v, self.u.l->n * sizeof(tbe_val));
        }
    }
    return NONE;
}

static tbe_val
l_concat(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val r = sub(x, self, 0, self.u.l->n);
    l_add_all(x, r, argc, argv);
    return r;
}

static tbe_val
l_splice(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbel_list_check(x, self);
    int64_t n = self.u.l->n, s = tbel_arg_int(x, argv[0]);
    s = s < 0 ? (s + n < 0 ? 0 : s + n) : s > n ? n : s;
    int64_t count = argc > 1 ? tbel_arg_int(x, argv[1]) : n - s;
    count = count < 0 ? 0 : count > n - s ? n - s : count;
    tbe_val removed = sub(x, self, (uint32_t)s, (uint32_t)(s + count));
    cut(self, (uint32_t)s, (uint32_t)count);
    if (argc > 2) {
        insert(x, self, (uint32_t)s, argc - 2, argv + 2);
    }
    return removed;
}

static tbe_val
l_to_spliced(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val r = sub(x, self, 0, self.u.l->n);
    l_splice(x, r, argc, argv);
    return r;
}

static tbe_val
l_with(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    int64_t n = self.u.l->n, i = tbel_arg_int(x, argv[0]), at = i < 0 ? i + n : i;
    if (at < 0 || at > n) {
        tbe_throw(x, "Index: %lld, Size: %lld", (long long)i, (long long)n);
    }
    tbe_val r = sub(x, self, 0, self.u.l->n);
    insert(x, r, (uint32_t)at, 1, argv + 1);
    return r;
}

static tbe_val
l_fill(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbel_list_check(x, self);
    int64_t n = self.u.l->n, s = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    int64_t e = argc > 2 ? tbel_arg_int(x, argv[2]) : n;
    s = s < 0 ? (s + n < 0 ? 0 : s + n) : s;
    e = e < 0 ? e + n : e > n ? n : e;
    for (int64_t i = s; i < e; i++) {
        self.u.l->v[i] = argv[0];
    }
    return self;
}

static tbe_val
l_unmodifiable(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    tbe_val r = sub(x, self, 0, self.u.l->n);
    r.u.l->flags |= TBE_FROZEN;
    return r;
}

static tbe_val
l_copy(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    return sub(x, self, 0, self.u.l->n);
}

static tbe_val
l_iterator(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    struct tbe_iter *it = tbe_arena_alloc(x->a, sizeof(*it));
    tbe_t_iter(x, it, self, "");
    return (tbe_val){ .t = TBE_OBJ, .sub = TBEL_OBJ_ITER, .u = { .p = it } };
}

static const struct tbel_mdef list_methods[] = {
    M("add", 1, 2, l_add), M("addAll", 1, 2, l_add_all), M("clear", 0, 0, l_clear),
    M("clone", 0, 0, l_copy),
    M("concat", 1, 1, l_concat), M("contains", 1, 1, l_contains),
    M("containsAll", 1, 1, l_contains_all),
    M("fill", 1, 3, l_fill), M("get", 1, 1, l_get),
    M("indexOf", 1, 2, l_index_of), M("isEmpty", 0, 0, l_is_empty),
    M("iterator", 0, 0, l_iterator), M("join", 0, 1, l_join),
    M("lastIndexOf", 1, 1, l_last_index_of),
    M("length", 0, 0, l_size), M("pop", 0, 0, l_pop), M("push", 1, 1, l_add),
    M("remove", 1, 1, l_remove),
    M("removeAll", 1, 1, l_remove_all), M("retainAll", 1, 1, l_retain_all),
    M("reverse", 0, 0, l_reverse),
    M("set", 2, 2, l_set), M("shift", 0, 0, l_shift), M("size", 0, 0, l_size),
    M("slice", 0, 2, l_slice),
    M("sort", 0, 1, l_sort), M("splice", 1, 10, l_splice), M("subList", 2, 2, l_sub_list),
    M("toArray", 0, 1, l_copy), M("toReversed", 0, 0, l_to_reversed),
    M("toSorted", 0, 1, l_to_sorted),
    M("toSpliced", 1, 10, l_to_spliced), M("toUnmodifiable", 0, 0, l_unmodifiable),
    M("unshift", 1, 10, l_unshift), M("with", 2, 2, l_with),
};
const struct tbel_class tbel_list_class = TABLE(list_methods);

/* ---- sets: maps whose keys are the elements ---- */

static void
set_check(struct tbe_x *x, tbe_val s)
{
    if (s.u.m->flags & TBE_FROZEN) {
        tbe_throw(x, "Set is unmodifiable");
    }
}

static tbe_val
s_list(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    return collection(x, self);
}

tbe_val
tbel_set_of(struct tbe_x *x, tbe_val list)
{
    tbe_val s = tbe_set_new(x->a, list.u.l->n);
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        tbe_map_put_val(x->a, s.u.m, list.u.l->v[i], NONE);
    }
    return s;
}

static tbe_val
s_add(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    set_check(x, self);
    uint32_t n = self.u.m->live;
    tbe_map_put_val(x->a, self.u.m, argv[0], NONE);
    return tbe_bool(self.u.m->live != n);
}

static tbe_val
s_add_all(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val c = collection(x, argv[0]);
    uint32_t n = self.u.m->live;
    for (uint32_t i = 0; i < c.u.l->n; i++) {
        s_add(x, self, argc, c.u.l->v + i);
    }
    return tbe_bool(self.u.m->live != n);
}

static tbe_val
s_contains(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)x;
    (void)argc;
    return tbe_bool(tbe_map_find(self.u.m, argv[0]) != NULL);
}

static tbe_val
s_remove(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    set_check(x, self);
    return tbe_bool(tbe_map_remove_val(self.u.m, argv[0]));
}

static tbe_val
s_size(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)x;
    (void)argc;
    (void)argv;
    return tbe_int((int32_t)self.u.m->live);
}

static tbe_val
s_is_empty(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)x;
    (void)argc;
    (void)argv;
    return tbe_bool(self.u.m->live == 0);
}

static tbe_val
s_clear(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    set_check(x, self);
    *self.u.m = *tbe_set_new(x->a, 4).u.m;
    return NONE;
}

static tbe_val
s_to_sorted(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    tbe_val l = collection(x, self);
    tbel_sort(x, l.u.l->v, l.u.l->n, ascending(x, argc, argv));
    return tbel_set_of(x, l);
}

static tbe_val
s_sort(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    set_check(x, self);
    *self.u.m = *s_to_sorted(x, self, argc, argv).u.m;
    return NONE;
}

static tbe_val
s_unmodifiable(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    tbe_val s = tbel_set_of(x, collection(x, self));
    s.u.m->flags |= TBE_FROZEN;
    return s;
}

static const struct tbel_mdef set_methods[] = {
    M("add", 1, 1, s_add), M("addAll", 1, 1, s_add_all), M("clear", 0, 0, s_clear),
    M("contains", 1, 1, s_contains), M("isEmpty", 0, 0, s_is_empty),
    M("iterator", 0, 0, l_iterator),
    M("length", 0, 0, s_size), M("remove", 1, 1, s_remove), M("size", 0, 0, s_size),
    M("sort", 0, 1, s_sort),
    M("toArray", 0, 0, s_list), M("toList", 0, 0, s_list), M("toSorted", 0, 1, s_to_sorted),
    M("toUnmodifiable", 0, 0, s_unmodifiable),
};
const struct tbel_class tbel_set_class = TABLE(set_methods);

tbe_val
tbe_t_new_set(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    return tbe_set_new(x->a, 4);
}

tbe_val
tbe_t_to_set(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)argc;
    return tbel_set_of(x, collection(x, argv[0]));
}
