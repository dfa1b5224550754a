/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept beside entities: binaries, debug events, the graphs of rule chains. */
#include "config.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/store.h"
#include "fixture.h"

#define PIECE (256u << 10)

static void
blob_is(struct fix *f, size_t n, unsigned seed)
{
    unsigned char *p = malloc(n + 16);

    assert_int_equal(store_blob_size(f->s, TBE_STR("b")), (int64_t)n);
    assert_int_equal(store_blob_read(f->s, TBE_STR("b"), 0, p, n + 16), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(p[i], (unsigned char)(i * 7 + seed));
    }
    /* a part over the edge of a piece */
    if (n > PIECE + 5) {
        assert_int_equal(store_blob_read(f->s, TBE_STR("b"), PIECE - 5, p, 10), 10);
        for (size_t i = 0; i < 10; i++) {
            assert_int_equal(p[i], (unsigned char)((PIECE - 5 + i) * 7 + seed));
        }
    }
    assert_int_equal(store_blob_read(f->s, TBE_STR("b"), (int64_t)n, p, 4), 0);
    free(p);
}

static void
put_blob(struct fix *f, size_t n, unsigned seed)
{
    struct store_batch *b = store_batch_new(f->s);
    char *p = malloc(n + 1);

    for (size_t i = 0; i < n; i++) {
        p[i] = (char)(i * 7 + seed);
    }
    store_put_blob(b, TBE_STR("b"), (struct tbe_str){ p, n });
    free(p);
    commit_wait(f, &b);
}

static bool
count_row(void *arg, struct tbe_str key, struct tbe_str value)
{
    (void)key;
    (void)value;
    ++*(int *)arg;
    return true;
}

static int
rows(struct fix *f, struct tbe_str prefix)
{
    int n = 0;

    store_state_each(f->s, prefix, count_row, &n);
    return n;
}

static void
test_blobs(void **state)
{
    struct fix *f = *state;
    static const size_t sizes[] = { 0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17, 2 * PIECE, 5 };
    struct store_batch *b;

    assert_int_equal(store_blob_size(f->s, TBE_STR("b")), -1);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        put_blob(f, sizes[i], i);
        blob_is(f, sizes[i], i);
        assert_int_equal(rows(f, TBE_STR("blob.b")), 1 + (int)((sizes[i] + PIECE - 1) / PIECE));
    }
    b = store_batch_new(f->s);
    store_put_blob(b, TBE_STR("b"), TBE_STR_NONE);
    commit_wait(f, &b);
    assert_int_equal(store_blob_size(f->s, TBE_STR("b")), -1);
    assert_int_equal(rows(f, TBE_STR("blob.b")), 0);
}

struct bodies {
    int n;
    char first[16], last[16];
};

static bool
take(void *arg, int64_t created, struct tbe_str body)
{
    struct bodies *t = arg;

    assert_true(created > 0);
    snprintf(t->n++ == 0 ? t->first : t->last, 16, "%.*s", (int)body.n, body.p);
    return true;
}

static void
test_debug_events_are_bounded(void **state)
{
    struct fix *f = *state;
    struct tbe_entity e = device_n(1), other = device_n(2);
    struct bodies t = { 0 };
    char text[16];

    for (int i = 0; i <= STORE_DEBUG_KEEP; i++) { /* one too many */
        struct store_batch *b = store_batch_new(f->s);

        snprintf(text, sizeof text, "%d", i);
        store_put_debug(b, &e, STORE_DEBUG_RULE_NODE, tbe_strz(text));
        if (i == 0) {
            store_put_debug(b, &e, STORE_DEBUG_LC_EVENT, TBE_STR("lc"));
            store_put_debug(b, &other, STORE_DEBUG_RULE_NODE, TBE_STR("other"));
        }
        commit_wait(f, &b);
        if (i == STORE_DEBUG_KEEP - 1) {
            t = (struct bodies){ 0 };
            store_debug_each(f->s, &e, STORE_DEBUG_RULE_NODE, take, &t);
            assert_int_equal(t.n, STORE_DEBUG_KEEP);
            assert_string_equal(t.last, "0");
        }
    }
    t = (struct bodies){ 0 };
    store_debug_each(f->s, &e, STORE_DEBUG_RULE_NODE, take, &t);
    assert_int_equal(t.n, STORE_DEBUG_KEEP);
    assert_string_equal(t.first, "100");
    assert_string_equal(t.last, "1");
    t = (struct bodies){ 0 };
    store_debug_each(f->s, &e, STORE_DEBUG_LC_EVENT, take, &t);
    assert_int_equal(t.n, 1);
    store_debug_each(f->s, &other, STORE_DEBUG_RULE_NODE, take, &t);
    assert_int_equal(t.n, 2);
}

static void
test_rule_chains(void **state)
{
    struct fix *f = *state;
    struct store_batch *b = store_batch_new(f->s);
    struct store_entity e = { .id = { TBE_ENT_RULE_CHAIN, { { 9 } } }, .name = TBE_STR_INIT("c") };
    struct tbe_uuid got;

    assert_false(store_root_chain(f->s, &got));
    store_put_entity(b, &e);
    store_put_chain_metadata(b, &e.id.id, TBE_STR("{\"nodes\":[]}"));
    store_put_root_chain(b, &e.id.id);
    commit_wait(f, &b);
    assert_true(store_root_chain(f->s, &got) && tbe_uuid_eq(&got, &e.id.id));
    assert_true(tbe_str_eqz(store_chain_metadata(f->s, &e.id.id), "{\"nodes\":[]}"));
    b = store_batch_new(f->s);
    store_delete_entity(b, &e.id); /* all of it goes */
    commit_wait(f, &b);
    assert_null(store_chain_metadata(f->s, &e.id.id).p);
    assert_false(store_root_chain(f->s, &got));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_blobs, fix_setup, fix_teardown),
        cmocka_unit_test_setup_teardown(test_debug_events_are_bounded, fix_setup, fix_teardown),
        cmocka_unit_test_setup_teardown(test_rule_chains, fix_setup, fix_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
