/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript arrays: methods, Array.*, spreading, iteration. Holes read as undefined and are
 * skipped by the callbacks, as in the language. */
#include "config.h"
#include "js_room.h"

#include <string.h>

#define ARGS struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv

static tbe_val
new_list(struct tbe_x *x, uint32_t cap)
{
    return tbe_list_new(x->a, cap ? cap : 4);
}

static void
push(struct tbe_x *x, tbe_val l, tbe_val v)
{
    tbe_list_push(x->a, l.u.l, v);
}

static bool
hole(tbe_val v)
{
    return v.t == TBE_UNDEF && v.sub == 2;
}

static void
check_open(struct tbe_x *x, tbe_val l)
{
    if (l.u.l->flags & TBE_FROZEN) {
        tbe_j_throw(x, "TypeError", "Cannot add property, object is not extensible");
    }
}

tbe_val
tbe_j_list(struct tbe_x *x, int n, const tbe_val *v)
{
    tbe_val l = new_list(x, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        push(x, l, v[i]);
    }
    return l;
}

void
tbe_j_append(struct tbe_x *x, tbe_val list, tbe_val v)
{
    push(x, list, v);
}

tbe_val
tbe_j_spread(struct tbe_x *x, tbe_val v)
{
    if (v.t == TBE_LIST) {
        return v;
    }
    tbe_val l = new_list(x, 8);
    if (v.t == TBE_STR_T) {
        uint32_t len;
        for (uint32_t i = 0; i < v.n; i += len) {
            js_decode(v.u.s + i, v.n - i, &len);
            push(x, l, tbe_strv((struct tbe_str){ v.u.s + i, len }));
        }
        return l;
    }
    if (v.t == TBE_OBJ && (v.sub == JS_MAPOBJ || v.sub == JS_SETOBJ)) {
        tbe_val items = ((struct js_obj *)v.u.p)->items;
        for (uint32_t i = 0; i < items.u.l->n; i++) {
            if (!hole(items.u.l->v[i])) {
                push(x, l, items.u.l->v[i]);
            }
        }
        return l;
    }
    if (v.t == TBE_OBJ && v.sub == JS_ITER) {
        struct js_obj *o = v.u.p;
        for (const struct tbe_list *items = o->items.u.l; o->at < items->n; o->at++) {
            push(x, l, items->v[o->at]);
        }
        return l;
    }
    if (v.t == TBE_OBJ && v.sub == JS_BOXED && ((struct js_obj *)v.u.p)->ctor.t == TBE_STR_T) {
        return tbe_j_spread(x, ((struct js_obj *)v.u.p)->ctor);
    }
    struct tbe_str s = v.t <= TBE_NULL || v.t <= TBE_STR_T ? tbe_j_text(x, v) : TBE_STR("object");
    tbe_j_throw(x, "TypeError", "%.*s is not iterable", (int)s.n, s.p);
}

void
tbe_j_append_all(struct tbe_x *x, tbe_val list, tbe_val from)
{
    tbe_val l = tbe_j_spread(x, from);
    for (uint32_t i = 0, n = l.u.l->n; i < n; i++) {
        push(x, list, js_hole(l.u.l->v[i]));
    }
}

tbe_val
tbe_j_rest(struct tbe_x *x, tbe_val list, int from)
{
    uint32_t n = list.u.l->n, f = (uint32_t)from < n ? (uint32_t)from : n;
    return tbe_j_list(x, (int)(n - f), list.u.l->v + f);
}

tbe_val
tbe_j_rest_args(struct tbe_x *x, int argc, const tbe_val *argv, int from)
{
    return argc > from ? tbe_j_list(x, argc - from, argv + from) : new_list(x, 0);
}

tbe_val
tbe_j_arguments(struct tbe_x *x, int argc, const tbe_val *argv, int n)
{
    tbe_val l = new_list(x, (uint32_t)(n > argc ? n : argc));
    for (int i = 0; i < n || i < argc; i++) {
        push(x, l, i < argc ? argv[i] : TBE_UNDEF_VAL);
    }
    l.u.l->n = (uint32_t)argc;
    return l;
}

void
tbe_j_iter(struct tbe_x *x, struct tbe_iter *it, tbe_val v)
{
    *it = (struct tbe_iter){ .v = tbe_j_spread(x, v) };
}

void
tbe_j_iter_keys(struct tbe_x *x, struct tbe_iter *it, tbe_val v)
{
    *it = (struct tbe_iter){ .v = v.t <= TBE_NULL ? new_list(x, 0) : js_inherited_keys(x, v) };
    if (v.t == TBE_MAP && js_patched_keys(x, v).t == TBE_UNDEF) {
        it->p = v.u.m; /* keys deleted on the way are not visited */
    }
}

bool
tbe_j_next(struct tbe_x *x, struct tbe_iter *it, tbe_val *out)
{
    (void)x;
    while (it->i < it->v.u.l->n) {
        *out = js_hole(it->v.u.l->v[it->i++]);
        if (it->p == NULL || tbe_map_find(it->p, *out) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- callbacks ---- */

static tbe_val
need_fn(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val f = js_arg(argc, argv, 0);
    if (!js_callable(f)) {
        struct tbe_str s = tbe_j_text(x, f);
        tbe_j_throw(x, "TypeError", "%.*s is not a function", (int)s.n, s.p);
    }
    return f;
}

static tbe_val
call_back(struct tbe_x *x, tbe_val f, tbe_val self_arg, tbe_val item, uint32_t i, tbe_val list)
{
    tbe_val args[3] = { js_hole(item), tbe_double(i), list };
    return tbe_j_call(x, f, self_arg, 3, args);
}

enum walk { FOR_EACH, MAP, FILTER, SOME, EVERY, FIND, FIND_INDEX, FIND_LAST, FIND_LAST_INDEX };

static tbe_val
walk(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv, enum walk how)
{
    tbe_val f = need_fn(x, argc, argv), that = js_arg(argc, argv, 1), out = TBE_UNDEF_VAL;
    uint32_t n = self.u.l->n;
    bool finds = how >= FIND, last = how >= FIND_LAST;
    if (how == MAP || how == FILTER) {
        out = new_list(x, how == MAP ? n : 8);
    }
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = last ? n - 1 - k : k;
        if (i >= self.u.l->n && !finds) {
            if (how == MAP) {
                push(x, out, TBE_J_HOLE);
            }
            continue;
        }
        tbe_val v = i < self.u.l->n ? self.u.l->v[i] : TBE_UNDEF_VAL;
        if (hole(v) && !finds) {
            if (how == MAP) {
                push(x, out, v);
            }
            continue;
        }
        tbe_val r = call_back(x, f, that, v, i, self);
        bool yes = how != FOR_EACH && how != MAP && tbe_j_truth(x, r);
        switch (how) {
        case MAP:
            push(x, out, js_hole(r));
            break;
        case FILTER:
            if (yes) {
                push(x, out, v);
            }
            break;
        case SOME:
            if (yes) {
                return tbe_bool(true);
            }
            break;
        case EVERY:
            if (!yes) {
                return tbe_bool(false);
            }
            break;
        case FIND:
        case FIND_LAST:
            if (yes) {
                return js_hole(v);
            }
            break;
        case FIND_INDEX:
        case FIND_LAST_INDEX:
            if (yes) {
                return tbe_double(i);
            }
            break;
        default:
            break;
        }
    }
    return how == SOME ? tbe_bool(false) : how == EVERY ? tbe_bool(true) :
        how == FIND_INDEX || how == FIND_LAST_INDEX ? tbe_double(-1) : out;
}

static tbe_val a_for_each(ARGS) { return walk(x, self, argc, argv, FOR_EACH); }
static tbe_val a_map(ARGS) { return walk(x, self, argc, argv, MAP); }
static tbe_val a_filter(ARGS) { return walk(x, self, argc, argv, FILTER); }
static tbe_val a_some(ARGS) { return walk(x, self, argc, argv, SOME); }
static tbe_val a_every(ARGS) { return walk(x, self, argc, argv, EVERY); }
static tbe_val a_find(ARGS) { return walk(x, self, argc, argv, FIND); }
static tbe_val a_find_index(ARGS) { return walk(x, self, argc, argv, FIND_INDEX); }
static tbe_val a_find_last(ARGS) { return walk(x, self, argc, argv, FIND_LAST); }
static tbe_val a_find_last_index(ARGS) { return walk(x, self, argc, argv, FIND_LAST_INDEX); }

static tbe_val
reduce(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv, bool right)
{
    tbe_val f = need_fn(x, argc, argv), acc = js_arg(argc, argv, 1);
    bool have = argc > 1;
    for (uint32_t k = 0, n = self.u.l->n; k < n; k++) {
        uint32_t i = right ? n - 1 - k : k;
        tbe_val v = i < self.u.l->n ? self.u.l->v[i] : TBE_J_HOLE;
        if (hole(v)) {
            continue;
        }
        if (!have) {
            acc = v;
            have = true;
            continue;
        }
        tbe_val args[4] = { acc, v, tbe_double(i), self };
        acc = tbe_j_call(x, f, TBE_UNDEF_VAL, 4, args);
    }
    if (!have) {
        tbe_j_throw(x, "TypeError", "Reduce of empty array with no initial value");
    }
    return acc;
}

static tbe_val a_reduce(ARGS) { return reduce(x, self, argc, argv, false); }
static tbe_val a_reduce_right(ARGS) { return reduce(x, self, argc, argv, true); }

/* ---- sorting ---- */

static tbe_val
sort_into(struct tbe_x *x, tbe_val from, tbe_val to, int argc, const tbe_val *argv)
{
    tbe_val f = js_arg(argc, argv, 0);
    if (f.t != TBE_UNDEF) {
        need_fn(x, argc, argv);
    }
    uint32_t n = from.u.l->n, m = 0, undef = 0;
    tbe_val *v = tbe_arena_alloc(x->a, (n + 1) * sizeof(*v)),
        *tmp = tbe_arena_alloc(x->a, (n + 1) * sizeof(*v));
    for (uint32_t i = 0; i < n; i++) {
        if (from.u.l->v[i].t != TBE_UNDEF) {
            v[m++] = from.u.l->v[i];
        } else {
            undef += !hole(from.u.l->v[i]);
        }
    }
    js_sort(x, f, v, tmp, m);
    to.u.l->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        push(x, to, i < m ? v[i] : i < m + undef ? TBE_UNDEF_VAL : TBE_J_HOLE);
    }
    return to;
}

static tbe_val a_sort(ARGS) { check_open(x, self); return sort_into(x, self, self, argc, argv); }
static tbe_val a_to_sorted(ARGS) { return sort_into(x, self, new_list(x, self.u.l->n), argc,
    argv); }

/* ---- the rest ---- */

static tbe_val
a_push(ARGS)
{
    check_open(x, self);
    for (int i = 0; i < argc; i++) {
        push(x, self, js_hole(argv[i]));
    }
    return tbe_double(self.u.l->n);
}

static tbe_val
a_pop(ARGS)
{
    (void)argc;
    (void)argv;
    check_open(x, self);
    return self.u.l->n == 0 ? TBE_UNDEF_VAL : js_hole(self.u.l->v[--self.u.l->n]);
}

static tbe_val
a_shift(ARGS)
{
    (void)argc;
    (void)argv;
    check_open(x, self);
    struct tbe_list *l = self.u.l;
    if (l->n == 0) {
        return TBE_UNDEF_VAL;
    }
    tbe_val v = js_hole(l->v[0]);
    memmove(l->v, l->v + 1, --l->n * sizeof(*l->v));
    return v;
}

/* Replaces del elements at `at` by the n of v. */
static void
replace_at(struct tbe_x *x, struct tbe_list *l, uint32_t at, uint32_t del, int n, const tbe_val *v)
{
    uint32_t old = l->n;
    for (int i = (int)del; i < n; i++) {
        tbe_list_push(x->a, l, TBE_UNDEF_VAL);
    }
    memmove(l->v + at + n, l->v + at + del, (old - at - del) * sizeof(*l->v));
    for (int i = 0; i < n; i++) {
        l->v[at + (uint32_t)i] = js_hole(v[i]);
    }
    l->n = old - del + (uint32_t)n;
}

static tbe_val
a_unshift(ARGS)
{
    check_open(x, self);
    replace_at(x, self.u.l, 0, 0, argc, argv);
    return tbe_double(self.u.l->n);
}

static tbe_val
splice(struct tbe_x *x, tbe_val l, int argc, const tbe_val *argv)
{
    double n = l.u.l->n, at = js_clamp(x, js_arg(argc, argv, 0), n, 0);
    double del = argc == 0 ? 0 : argc == 1 ? n - at : js_to_int(x, argv[1]);
    del = del < 0 ? 0 : del > n - at ? n - at : del;
    tbe_val out = tbe_j_list(x, (int)del, l.u.l->v + (uint32_t)at);
    replace_at(x, l.u.l, (uint32_t)at, (uint32_t)del, argc > 2 ? argc - 2 : 0, argc > 2 ? argv + 2 :
        NULL);
    return out;
}

static tbe_val a_splice(ARGS) { check_open(x, self); return splice(x, self, argc, argv); }

static tbe_val
a_to_spliced(ARGS)
{
    tbe_val l = tbe_j_list(x, (int)self.u.l->n, self.u.l->v);
    splice(x, l, argc, argv);
    return l;
}

static tbe_val
a_slice(ARGS)
{
    double n = self.u.l->n, a = js_clamp(x, js_arg(argc, argv, 0), n, 0),
        b = js_clamp(x, js_arg(argc, argv, 1), n, n);
    return tbe_j_list(x, a < b ? (int)(b - a) : 0, self.u.l->v + (uint32_t)a);
}

static tbe_val
a_concat(ARGS)
{
    tbe_val l = tbe_j_list(x, (int)self.u.l->n, self.u.l->v);
    for (int i = 0; i < argc; i++) {
        if (argv[i].t == TBE_LIST) {
            for (uint32_t k = 0, n = argv[i].u.l->n; k < n; k++) {
                push(x, l, argv[i].u.l->v[k]);
            }
        } else {
            push(x, l, js_hole(argv[i]));
        }
    }
    return l;
}

static tbe_val
a_join(ARGS)
{
    tbe_val sep = js_arg(argc, argv, 0), s = TBE_LIT("");
    sep = sep.t == TBE_UNDEF ? TBE_LIT(",") : tbe_j_str(x, sep);
    for (uint32_t i = 0; i < self.u.l->n; i++) {
        tbe_val v = self.u.l->v[i];
        tbe_burn(x);
        if (i > 0) {
            s = js_concat(x, s, sep);
        }
        if (v.t > TBE_NULL) {
            tbe_call_enter(x); /* an array that holds itself ends here */
            s = js_concat(x, s, tbe_j_str(x, v));
            tbe_call_leave(x);
        }
    }
    return s;
}

static tbe_val
a_reverse(ARGS)
{
    (void)argc;
    (void)argv;
    struct tbe_list *l = self.u.l;
    check_open(x, self);
    for (uint32_t i = 0; i < l->n / 2; i++) {
        tbe_val t = l->v[i];
        l->v[i] = l->v[l->n - 1 - i];
        l->v[l->n - 1 - i] = t;
    }
    return self;
}

static tbe_val
a_to_reversed(ARGS)
{
    return a_reverse(x, tbe_j_list(x, (int)self.u.l->n, self.u.l->v), argc, argv);
}

static tbe_val
a_index_of(ARGS)
{
    double n = self.u.l->n;
    for (uint32_t i = (uint32_t)js_clamp(x, js_arg(argc, argv, 1), n, 0); i < self.u.l->n; i++) {
        if (!hole(self.u.l->v[i]) && tbe_j_seq(x, self.u.l->v[i], js_arg(argc, argv, 0))) {
            return tbe_double(i);
        }
    }
    return tbe_double(-1);
}

static tbe_val
a_last_index_of(ARGS)
{
    double n = self.u.l->n, from = argc > 1 ? js_to_int(x, argv[1]) : n - 1;
    from = from < 0 ? from + n : from > n - 1 ? n - 1 : from;
    for (double i = from; i >= 0; i--) {
        if (tbe_j_seq(x, self.u.l->v[(uint32_t)i], js_arg(argc, argv, 0))) {
            return tbe_double(i);
        }
    }
    return tbe_double(-1);
}

static tbe_val
a_includes(ARGS)
{
    tbe_val v = js_arg(argc, argv, 0);
    bool nan = v.t == TBE_DOUBLE && isnan(v.u.d);
    for (uint32_t i = (uint32_t)js_clamp(x, js_arg(argc, argv, 1), self.u.l->n,
        0); i < self.u.l->n; i++) {
        tbe_val e = self.u.l->v[i];
        if (tbe_j_seq(x, e, v) || (nan && e.t == TBE_DOUBLE && isnan(e.u.d))) {
            return tbe_bool(true);
        }
    }
    return tbe_bool(false);
}

static tbe_val
a_fill(ARGS)
{
    double n = self.u.l->n, a = js_clamp(x, js_arg(argc, argv, 1), n, 0),
        b = js_clamp(x, js_arg(argc, argv, 2), n, n);
    check_open(x, self);
    for (double i = a; i < b; i++) {
        self.u.l->v[(uint32_t)i] = js_hole(js_arg(argc, argv, 0));
    }
    return self;
}

static tbe_val
a_copy_within(ARGS)
{
    double n = self.u.l->n, to = js_clamp(x, js_arg(argc, argv, 0), n, 0),
        from = js_clamp(x, js_arg(argc, argv, 1), n, 0);
    double end = js_clamp(x, js_arg(argc, argv, 2), n, n), count = end - from < n - to ?
        end - from : n - to;
    check_open(x, self);
    if (count > 0) {
        memmove(self.u.l->v + (uint32_t)to, self.u.l->v + (uint32_t)from,
            (size_t)count * sizeof(tbe_val));
    }
    return self;
}

static void
flatten(struct tbe_x *x, tbe_val out, tbe_val from, double depth)
{
    tbe_call_enter(x);
    for (uint32_t i = 0; i < from.u.l->n; i++) {
        tbe_val v = from.u.l->v[i];
        tbe_burn(x);
        if (v.t == TBE_LIST && depth >= 1) {
            flatten(x, out, v, depth - 1);
        } else if (!hole(v)) {
            push(x, out, v);
        }
    }
    tbe_call_leave(x);
}

static tbe_val
a_flat(ARGS)
{
    tbe_val out = new_list(x, self.u.l->n);
    flatten(x, out, self, js_arg(argc, argv, 0).t == TBE_UNDEF ? 1 : js_to_int(x, argv[0]));
    return out;
}

static tbe_val
a_flat_map(ARGS)
{
    tbe_val m = walk(x, self, argc, argv, MAP), out = new_list(x, m.u.l->n);
    flatten(x, out, m, 1);
    return out;
}

static tbe_val
a_at(ARGS)
{
    double i = js_to_int(x, js_arg(argc, argv, 0)), n = self.u.l->n;
    i = i < 0 ? i + n : i;
    return i >= 0 && i < n ? js_hole(self.u.l->v[(uint32_t)i]) : TBE_UNDEF_VAL;
}

static tbe_val
a_with(ARGS)
{
    double n = self.u.l->n, i = js_to_int(x, js_arg(argc, argv, 0));
    i = i < 0 ? i + n : i;
    if (i < 0 || i >= n) {
        tbe_j_throw(x, "RangeError", "Invalid index : %d", (int)i);
    }
    tbe_val l = tbe_j_list(x, (int)n, self.u.l->v);
    l.u.l->v[(uint32_t)i] = js_arg(argc, argv, 1);
    return l;
}

static tbe_val
indexed(struct tbe_x *x, tbe_val self, int what)
{
    tbe_val out = new_list(x, self.u.l->n);
    for (uint32_t i = 0; i < self.u.l->n; i++) {
        tbe_val pair[2] = { tbe_double(i), js_hole(self.u.l->v[i]) };
        push(x, out, what == 0 ? pair[0] : what == 1 ? pair[1] : tbe_j_list(x, 2, pair));
    }
    return js_iter_new(x, out);
}

/* ---- iterators ---- */

tbe_val
js_iter_new(struct tbe_x *x, tbe_val list)
{
    tbe_val v = js_obj_new(x, JS_ITER, "Object");
    ((struct js_obj *)v.u.p)->items = list;
    return v;
}

static tbe_val
i_next(ARGS)
{
    struct js_obj *o = self.u.p;
    const struct tbe_str keys[2] = { TBE_STR("value"), TBE_STR("done") };
    bool done = o->at >= o->items.u.l->n;
    (void)argc;
    (void)argv;
    return tbe_j_map(x, 2, keys, (const tbe_val[2]){ done ? TBE_UNDEF_VAL :
        o->items.u.l->v[o->at++], tbe_bool(done) });
}

tbe_fn *
js_iter_method(struct tbe_str name)
{
    return tbe_str_eqz(name, "next") ? i_next : NULL;
}

/* ---- the table ---- */

static tbe_val a_keys(ARGS) { (void)argc; (void)argv; return indexed(x, self, 0); }
static tbe_val a_values(ARGS) { (void)argc; (void)argv; return indexed(x, self, 1); }
static tbe_val a_entries(ARGS) { (void)argc; (void)argv; return indexed(x, self, 2); }
static tbe_val a_to_string(ARGS) { (void)argc; (void)argv; return a_join(x, self, 0, NULL); }

tbe_fn *
js_array_method(struct tbe_str name)
{
    static const struct js_method t[] = { { "at", a_at }, { "concat", a_concat },
        { "copyWithin", a_copy_within }, { "entries", a_entries },
        { "every", a_every }, { "fill", a_fill }, { "filter", a_filter }, { "find", a_find },
        { "findIndex", a_find_index }, { "findLast", a_find_last },
        { "findLastIndex", a_find_last_index },
        { "flat", a_flat }, { "flatMap", a_flat_map }, { "forEach", a_for_each },
        { "includes", a_includes },
        { "indexOf", a_index_of }, { "join", a_join }, { "keys", a_keys },
        { "lastIndexOf", a_last_index_of },
        { "map", a_map }, { "pop", a_pop }, { "push", a_push }, { "reduce", a_reduce },
        { "reduceRight", a_reduce_right }, { "reverse", a_reverse }, { "shift", a_shift },
        { "slice", a_slice },
        { "some", a_some }, { "sort", a_sort }, { "splice", a_splice },
        { "toReversed", a_to_reversed },
        { "toSorted", a_to_sorted }, { "toSpliced", a_to_spliced }, { "toString", a_to_string },
        { "unshift", a_unshift }, { "values", a_values }, { "with", a_with } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}

tbe_val
tbe_j_array(struct tbe_x *x, int argc, const tbe_val *argv)
{
    if (argc == 1 && tbe_j_is_num(argv[0])) {
        tbe_val l = new_list(x, 4);
        tbe_j_put(x, l, TBE_STR("length"), argv[0]);
        return l;
    }
    return tbe_j_list(x, argc, argv);
}

tbe_val
tbe_j_array_is(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)x;
    return tbe_bool(js_arg(argc, argv, 0).t == TBE_LIST);
}

tbe_val
tbe_j_array_of(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_j_list(x, argc, argv);
}

tbe_val
tbe_j_array_from(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val v = js_arg(argc, argv, 0), f = js_arg(argc, argv, 1), l;
    if (v.t == TBE_MAP) { /* array-like: { length: n } */
        double n = js_to_int(x, tbe_j_get(x, v, TBE_STR("length"), NULL));
        l = new_list(x, 8);
        for (double i = 0; i < n; i++) {
            if (i > JS_MAX_ARRAY) {
                tbe_j_throw(x, "RangeError", "Invalid array length");
            }
            push(x, l, tbe_j_index_num(x, v, i));
        }
    } else {
        l = v.t > TBE_NULL && v.t < TBE_STR_T ? new_list(x, 0) : tbe_j_spread(x, v);
        l = tbe_j_spread(x, indexed(x, l, 1));
    }
    for (uint32_t i = 0; f.t != TBE_UNDEF && i < l.u.l->n; i++) {
        tbe_val args[2] = { l.u.l->v[i], tbe_double(i) };
        l.u.l->v[i] = tbe_j_call(x, f, js_arg(argc, argv, 2), 2, args);
    }
    return l;
}
