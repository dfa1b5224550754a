/* SPDX-License-Identifier: Apache-2.0 */
/* Maps against a plain model, hints, keys of every class, deep equality. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "tbe/value.h"

#define KEYS 200

static struct tbe_str
key(struct tbe_arena *a, unsigned i)
{
    return tbe_arena_fmt(a, "%s%u", i % 3 ? "k" : "a-rather-long-key-", i);
}

/* Random puts and removals against an array in insertion order. */
static void
test_model(void **state)
{
    (void)state;
    random_seed(42);
    for (unsigned keys = 1; keys <= KEYS; keys += keys < 12 ? 1 : 47) {
        struct tbe_arena a;
        tbe_arena_init(&a, 0);
        const tbe_val map = tbe_map_new(&a, keys % 5);
        unsigned order[KEYS], n = 0;
        int64_t value[KEYS];
        for (int step = 0; step < 4000; step++) {
            const unsigned k = (unsigned)(random_u64() % keys);
            unsigned at = 0;
            while (at < n && order[at] != k) {
                at++;
            }
            const tbe_val got = tbe_map_get(map.u.m, key(&a, k));
            assert_int_equal(got.t, at < n ? TBE_LONG : TBE_UNDEF);
            assert_true(at == n || got.u.i == value[k]);
            if (random_u64() % 3 == 0) {
                assert_int_equal(tbe_map_remove(map.u.m, key(&a, k)), at < n);
                if (at < n) {
                    memmove(order + at, order + at + 1, sizeof order[0] * (n - at - 1));
                    n--;
                }
            } else {
                value[k] = step;
                tbe_map_put(&a, map.u.m, key(&a, k), tbe_long(step));
                if (at == n) {
                    order[n++] = k;
                }
            }
            assert_int_equal(map.u.m->live, n);
        }
        const struct tbe_entry *e;
        unsigned seen = 0;
        for (uint32_t i = 0; tbe_map_next(map.u.m, &i, &e); seen++) {
            assert_true(tbe_str_eq(tbe_val_str(e->key), key(&a, order[seen])));
            assert_true(e->val.u.i == value[order[seen]]);
        }
        assert_int_equal(seen, n);
        assert_true(map.u.m->cap <= 4 * keys + 8); /* removal does not make it grow without end */
        tbe_arena_free(&a);
    }
    random_seed(0);
}

static void
test_hint(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    const tbe_val m = tbe_map_new(&a, 4), other = tbe_map_new(&a, 4);
    tbe_map_put(&a, m.u.m, TBE_STR("a"), tbe_int(1));
    tbe_map_put(&a, m.u.m, TBE_STR("b"), tbe_int(2));
    tbe_map_put(&a, other.u.m, TBE_STR("b"), tbe_int(3));
    uint32_t hint = 0;
    assert_int_equal(tbe_map_get_hint(m.u.m, TBE_STR("b"), &hint).u.i, 2);
    assert_int_equal(hint, 1);
    assert_int_equal(tbe_map_get_hint(m.u.m, TBE_STR("b"), &hint).u.i, 2);
    assert_int_equal(tbe_map_get_hint(other.u.m, TBE_STR("b"), &hint).u.i, 3);
    hint = 77;
    assert_int_equal(tbe_map_get_hint(m.u.m, TBE_STR("c"), &hint).t, TBE_UNDEF);
    assert_int_equal(tbe_map_get_hint(m.u.m, TBE_STR("a"), NULL).u.i, 1);
    tbe_map_remove(m.u.m, TBE_STR("a"));
    hint = 0;
    assert_int_equal(tbe_map_get_hint(m.u.m, TBE_STR("a"), &hint).t, TBE_UNDEF);
    assert_int_equal(tbe_map_get(m.u.m, TBE_STR_NONE).t, TBE_UNDEF);
    tbe_map_put(&a, m.u.m, TBE_STR(""), tbe_int(9));
    assert_int_equal(tbe_map_get(m.u.m, TBE_STR_NONE).u.i, 9);
    tbe_arena_free(&a);
}

static void
test_keys(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    const tbe_val list = tbe_list_new(&a, 1), twin = tbe_list_new(&a, 1), map = tbe_map_new(&a, 0);
    tbe_list_push(&a, list.u.l, tbe_int(1));
    tbe_list_push(&a, twin.u.l, tbe_int(1));
    const tbe_val keys[] = {
        tbe_int(1), tbe_long(1), tbe_double(1), { .t = TBE_FLOAT, .u = { .d = 1 } },
            tbe_bool(true), TBE_NULL_VAL,
        { .t = TBE_CHAR, .u = { .i = '1' } }, { .t = TBE_BYTE, .u = { .i = 1 } },
        tbe_strv(TBE_STR("1")), tbe_double(0.0),
        tbe_double(-0.0), tbe_double(NAN), list, { .t = TBE_BIGINT, .n = 1, .u = { .s = "1" } },
            map,
    };
    const uint32_t count = sizeof keys / sizeof keys[0];
    for (int round = 0; round < 2; round++) { /* below and above the index threshold */
        const uint32_t n = round ? count : 8;
        const tbe_val m = tbe_map_new(&a, 0);
        for (uint32_t i = 0; i < n; i++) {
            tbe_map_put_val(&a, m.u.m, keys[i], tbe_int((int32_t)i));
            assert_int_equal(m.u.m->live, i + 1);
        }
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(tbe_map_find(m.u.m, keys[i])->val.u.i, i);
        }
        assert_null(tbe_map_find(m.u.m, tbe_int(2)));
        assert_null(tbe_map_find(m.u.m, TBE_UNDEF_VAL));
        if (round) {
            assert_non_null(tbe_map_find(m.u.m, twin)); /* by content */
            assert_non_null(tbe_map_find(m.u.m, tbe_double(-NAN)));
            assert_int_equal(tbe_map_get(m.u.m, TBE_STR("1")).u.i, 8);
        }
        for (uint32_t i = 0; i < n; i++) {
            assert_true(tbe_map_remove_val(m.u.m, keys[i]));
            assert_false(tbe_map_remove_val(m.u.m, keys[i]));
        }
        assert_int_equal(m.u.m->live, 0);
    }
    tbe_arena_free(&a);
}

static void
test_same(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    tbe_val x, y, z;
    assert_int_equal(tbe_json_parse(&a, TBE_STR("{\"a\":[1,2,{\"b\":null}],\"c\":1.5}"), 0, &x,
                                    NULL), 0);
    assert_int_equal(tbe_json_parse(&a, TBE_STR("{\"c\":1.5,\"a\":[1,2,{\"b\":null}]}"), 0, &y,
                                    NULL), 0);
    assert_int_equal(tbe_json_parse(&a, TBE_STR("{\"c\":1.5,\"a\":[1,2.0,{\"b\":null}]}"), 0, &z,
                                    NULL), 0);
    assert_true(tbe_val_same(x, y));
    assert_false(tbe_val_same(x, z));
    const tbe_val copy = tbe_val_copy(&a, x);
    assert_true(tbe_val_same(copy, x));
    assert_ptr_not_equal(copy.u.m, x.u.m);
    tbe_map_put(&a, copy.u.m, TBE_STR("c"), tbe_int(1));
    assert_false(tbe_val_same(copy, x));
    assert_true(tbe_val_same(tbe_double(NAN), tbe_double(NAN)));
    assert_false(tbe_val_same(tbe_double(0.0), tbe_double(-0.0)));
    assert_false(tbe_val_same(tbe_int(1), tbe_long(1)));
    x = y = tbe_int(1); /* 2^60 leaves: the comparison gives up instead of never ending */
    for (int i = 0; i < 60; i++) {
        const tbe_val xx = tbe_list_new(&a, 2), yy = tbe_list_new(&a, 2);
        tbe_list_push(&a, xx.u.l, x);
        tbe_list_push(&a, xx.u.l, x);
        tbe_list_push(&a, yy.u.l, y);
        tbe_list_push(&a, yy.u.l, y);
        x = xx;
        y = yy;
    }
    assert_true(tbe_val_same(x, x));
    assert_false(tbe_val_same(x, y));
    tbe_arena_free(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_model), cmocka_unit_test(test_hint),
                                        cmocka_unit_test(test_keys), cmocka_unit_test(test_same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
