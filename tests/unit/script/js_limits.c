/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of one execution, each at the limit and one past it, and that no try block stops them; a
 * thrown object's own text; texts left behind. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tbe/js.h"

static int64_t amount; /* what the scripts below use up */
static int tries;

static tbe_val
burn(struct tbe_x *x, tbe_val a0, tbe_val a1, tbe_val a2)
{
    (void)a0, (void)a1, (void)a2;
    for (int64_t i = 0; i < amount; i++) {
        tbe_burn(x);
    }
    return tbe_bool(true);
}

static tbe_val
deeper(struct tbe_x *x, struct tbe_func *f, tbe_val self, int argc, const tbe_val *argv)
{
    (void)f, (void)self, (void)argc, (void)argv;
    return --amount > 0 ? tbe_direct(x, deeper, 0, NULL) : tbe_bool(true);
}

static tbe_val
nest(struct tbe_x *x, tbe_val a0, tbe_val a1, tbe_val a2)
{
    (void)a0, (void)a1, (void)a2;
    return tbe_direct(x, deeper, 0, NULL);
}

static tbe_val
take(struct tbe_x *x, tbe_val a0, tbe_val a1, tbe_val a2)
{
    (void)a0, (void)a1, (void)a2;
    char *p = tbe_arena_alloc(x->a, (size_t)amount);
    p[0] = p[amount - 1] = 1;
    return tbe_bool(true);
}

static int
take_in_try(struct tbe_x *x, void *frame)
{
    (void)frame;
    take(x, TBE_UNDEF_VAL, TBE_UNDEF_VAL, TBE_UNDEF_VAL);
    return TBE_TRY_DONE;
}

static tbe_val
take_and_catch(struct tbe_x *x, tbe_val a0, tbe_val a1, tbe_val a2)
{
    (void)a0, (void)a1, (void)a2;
    tries += tbe_try(x, take_in_try, NULL) == TBE_TRY_THROWN;
    return tbe_bool(true);
}

/* Runs fn as a script that uses n; NULL = it ended, or the error. */
static const char *
run(tbe_val (*fn)(struct tbe_x *, tbe_val, tbe_val, tbe_val), int64_t n)
{
    static char text[200];
    const struct tbe_script s = { .run = fn, .dialect = TBE_DIALECT_JS };
    const tbe_val args[3] = { TBE_UNDEF_VAL, TBE_UNDEF_VAL, TBE_UNDEF_VAL };
    struct tbe_arena a;
    struct tbe_str err = TBE_STR("");
    tbe_val out;
    tbe_arena_init(&a, 0);
    amount = n;
    int rc = tbe_script_run(&s, &a, args, &out, &err);
    snprintf(text, sizeof(text), "%.*s", (int)err.n, err.p);
    assert_int_equal(a.limit, 0);
    assert_null(a.on_full);
    tbe_arena_free(&a);
    return rc == 0 ? NULL : text;
}

static void
fuel(void **state)
{
    (void)state;
    assert_null(run(burn, TBE_SCRIPT_FUEL));
    assert_string_equal(run(burn, (int64_t)TBE_SCRIPT_FUEL + 1), "Script timeout!");
}

static void
depth(void **state)
{
    (void)state;
    assert_null(run(nest, TBE_SCRIPT_DEPTH));
    assert_string_equal(run(nest, TBE_SCRIPT_DEPTH + 1), "Script recursion is too deep!");
}

static void
arena(void **state)
{
    int64_t most = 0;
    (void)state;
    for (int64_t step = TBE_SCRIPT_ARENA; step > 0; step /= 2) { /* the most that is given in one piece */
        while (run(take, most + step) == NULL) {
            most += step;
        }
    }
    assert_in_range(most, TBE_SCRIPT_ARENA - 4096, TBE_SCRIPT_ARENA);
    assert_string_equal(run(take, most + 1), "Script memory overflow!");
    assert_null(run(take_and_catch, most));
    assert_string_equal(run(take_and_catch, most + 1), "Script memory overflow!");
    assert_int_equal(tries, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(fuel), cmocka_unit_test(depth), cmocka_unit_test(arena) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
