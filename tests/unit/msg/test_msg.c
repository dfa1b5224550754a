/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: names, metadata, derivation and forks, parsed views, the packed form. */
#include "config.h"
#include "tbe/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "msg/cloud_event.h"

static struct tbe_entity
device(void)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, { { 0 } } };
    tbe_uuid_random(&e.id);
    return e;
}

static void
names_are_the_references(void **state)
{
    (void)state;
    for (int t = 1; t < TBE_ENT_COUNT; t++) {
        const char *n = tbe_entity_type_name((enum tbe_entity_type)t);
        assert_true(n[0] != '\0');
        assert_int_equal(tbe_entity_type_parse(tbe_strz(n)), t);
    }
    assert_int_equal(tbe_entity_type_parse(TBE_STR("device")), TBE_ENT_NONE);
    for (int t = 1; t < TBE_MT_COUNT; t++) {
        assert_int_equal(tbe_msg_type_parse(tbe_strz(tbe_msg_type_name((enum tbe_msg_type)t))), t);
    }
    assert_int_equal(tbe_msg_type_parse(TBE_STR("post_telemetry_request")), TBE_MT_NA);
    assert_string_equal(tbe_msg_type_relation(TBE_MT_POST_TELEMETRY_REQUEST), "Post telemetry");
    assert_string_equal(tbe_msg_type_relation(TBE_MT_NA), "Other");
    assert_int_equal(cloud_kind_of(TBE_ENT_DEVICE), CLOUD_KIND_DEVICE);
    assert_int_equal(cloud_kind_of(TBE_ENT_RPC), CLOUD_KIND_NONE);
    assert_string_equal(cloud_action_name(CLOUD_ACTION_RPC_CALL), "RPC_CALL");
    assert_string_equal(cloud_action_name(CLOUD_ACTION_COUNT), "");
}

static void
metadata_keeps_order_and_ignores_null(void **state)
{
    (void)state;
    struct tbe_msg *m = tbe_msg_new(TBE_STR("x"), device());
    struct tbe_arena *a = tbe_msg_arena(m);
    for (int i = 0; i < 20; i++) {
        tbe_md_put(a, &m->md, tbe_arena_fmt(a, "k%d", i), tbe_arena_fmt(a, "v%d", i));
    }
    tbe_md_put(a, &m->md, TBE_STR("k3"), TBE_STR("new"));
    tbe_md_put(a, &m->md, TBE_STR("k4"), TBE_STR_NONE);
    tbe_md_put(a, &m->md, TBE_STR_NONE, TBE_STR("v"));
    tbe_md_remove(&m->md, TBE_STR("k0"));
    tbe_md_remove(&m->md, TBE_STR("nope"));
    assert_int_equal(m->md.n, 19);
    assert_true(tbe_str_eqz(m->md.e[0].key, "k1"));
    assert_true(tbe_str_eqz(tbe_md_get(&m->md, TBE_STR("k3")), "new"));
    assert_true(tbe_str_eqz(tbe_md_get(&m->md, TBE_STR("k4")), "v4"));
    assert_null(tbe_md_get(&m->md, TBE_STR("k0")).p);
    tbe_msg_unref(m);
}

static void
message_ts_is_metadata_ts_when_it_is_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool used;
        int64_t ts;
    } cases[] = {
        { "1700000000000", true, 1700000000000 }, { "-5", true, -5 }, { "+7", true, 7 },
        { "9223372036854775807", true, INT64_MAX }, { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 }, { "", false, 0 }, { "abc", false, 0 }, { "1.5", false, 0 },
        { "-", false, 0 }, { " 1", false, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tbe_msg *m = tbe_msg_new(TBE_STR("x"), device());
        m->ts = 42;
        tbe_md_put(tbe_msg_arena(m), &m->md, TBE_STR("ts"), tbe_strz(cases[i].text));
        assert_int_equal(tbe_msg_md_ts(m), cases[i].used ? cases[i].ts : 42);
        tbe_msg_unref(m);
    }
}

static void
derived_and_forked_messages_do_not_touch_their_source(void **state)
{
    (void)state;
    struct tbe_msg *m = tbe_msg_new(TBE_STR("A"), device());
    tbe_md_put(tbe_msg_arena(m), &m->md, TBE_STR("k"), TBE_STR("v"));
    struct tbe_msg *d = tbe_msg_derive(m);
    tbe_md_put(tbe_msg_arena(d), &d->md, TBE_STR("k"), TBE_STR("w"));
    assert_true(tbe_str_eqz(tbe_md_get(&m->md, TBE_STR("k")), "v"));
    assert_true(tbe_uuid_eq(&m->id, &d->id));
    struct tbe_msg *f = tbe_msg_fork(m);
    assert_false(tbe_uuid_eq(&m->id, &f->id));
    tbe_msg_unref(m); /* the fork keeps the memory */
    assert_true(tbe_str_eqz(f->type, "A"));
    assert_true(tbe_str_eqz(tbe_md_get(&f->md, TBE_STR("k")), "v"));
    tbe_msg_unref(f);
}

static void
customer_originator_is_its_own_customer(void **state)
{
    (void)state;
    struct tbe_entity c = device();
    c.type = TBE_ENT_CUSTOMER;
    struct tbe_msg *m = tbe_msg_new(TBE_STR("A"), c);
    assert_true(tbe_uuid_eq(&m->customer, &c.id));
    tbe_msg_unref(m);
}

static void
views_differ_in_nulls_and_numbers(void **state)
{
    (void)state;
    tbe_val v;
    struct tbe_msg *m = tbe_msg_new(TBE_STR("A"), device());
    tbe_msg_set_data(m, TBE_STR("{\"a\":null,\"b\":5}"));
    assert_int_equal(tbe_msg_value(m, TBE_MSG_AS_TBEL, &v), 0);
    assert_int_equal(tbe_map_get(v.u.m, TBE_STR("a")).t, TBE_UNDEF);
    assert_int_equal(tbe_map_get(v.u.m, TBE_STR("b")).t, TBE_INT);
    assert_int_equal(tbe_msg_value(m, TBE_MSG_AS_JS, &v), 0);
    assert_int_equal(tbe_map_get(v.u.m, TBE_STR("a")).t, TBE_NULL);
    assert_int_equal(tbe_map_get(v.u.m, TBE_STR("b")).t, TBE_DOUBLE);
    assert_int_equal(tbe_msg_value(m, TBE_MSG_AS_JAVA, &v), 0);
    assert_int_equal(tbe_map_get(v.u.m, TBE_STR("a")).t, TBE_NULL);
    tbe_msg_set_data(m, TBE_STR("nope"));
    assert_int_equal(tbe_msg_value(m, TBE_MSG_AS_JAVA, &v), -1);
    tbe_msg_unref(m);
}

static void
typed_entries_give_the_value_their_text_would(void **state)
{
    (void)state;
    struct tbe_kv kv[] = {
        { .key = TBE_STR("l"), .type = TBE_KV_LONG, .u = { .i = 5000000000 } },
        { .key = TBE_STR("d"), .type = TBE_KV_DOUBLE, .u = { .d = 1.5 } },
        { .key = TBE_STR("b"), .type = TBE_KV_BOOLEAN, .u = { .b = true } },
        { .key = TBE_STR("s"), .type = TBE_KV_STRING, .s = TBE_STR("x") },
        { .key = TBE_STR("j"), .type = TBE_KV_JSON, .s = TBE_STR("[1,2]") },
    };
    struct tbe_kvs kvs = { kv, 5 };
    struct tbe_msg *m = tbe_msg_new(TBE_STR("A"), device());
    struct tbe_msg *t = tbe_msg_new(TBE_STR("A"), device());
    struct tbe_str text = TBE_STR("{\"l\":5000000000,\"d\":1.5,\"b\":true,\"s\":\"x\",\"j\":[1,2]}");
    tbe_msg_set_data(m, text);
    m->kvs = &kvs;
    tbe_msg_set_data(t, text);
    for (int view = 0; view < TBE_MSG_VIEWS; view++) {
        tbe_val a, b;
        assert_int_equal(tbe_msg_value(m, view, &a), 0);
        assert_int_equal(tbe_msg_value(t, view, &b), 0);
        assert_true(tbe_val_same(a, b));
    }
    tbe_msg_unref(m);
    tbe_msg_unref(t);
}

static struct tbe_msg *
sample(void)
{
    struct tbe_msg *m = tbe_msg_new(TBE_STR("A"), device());
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_callstack *outer = tbe_arena_zalloc(a, sizeof(*outer)), *inner = tbe_arena_zalloc(a, sizeof(*inner));
    *outer = (struct tbe_callstack){ 1, 2, NULL };
    *inner = (struct tbe_callstack){ 3, 4, outer };
    m->stack = inner;
    m->execs = 7;
    tbe_md_put(a, &m->md, TBE_STR("k"), TBE_STR("v"));
    tbe_md_put(a, &m->md, TBE_STR("empty"), TBE_STR(""));
    tbe_msg_set_data(m, TBE_STR("{\"a\":1}"));
    return m;
}

static void
packed_message_comes_back(void **state)
{
    (void)state;
    struct tbe_msg *m = sample();
    struct tbe_buf b = { 0 };
    tbe_msg_pack(m, &b);
    struct tbe_msg *u = tbe_msg_unpack(tbe_buf_str(&b));
    assert_non_null(u);
    assert_true(tbe_uuid_eq(&m->id, &u->id));
    assert_int_equal(m->ts, u->ts);
    assert_int_equal(u->execs, 7);
    assert_null(u->queue.p);
    assert_true(tbe_entity_eq(&m->originator, &u->originator));
    assert_true(tbe_str_eq(m->data, u->data));
    assert_int_equal(u->md.n, 2);
    assert_non_null(tbe_md_get(&u->md, TBE_STR("empty")).p);
    assert_int_equal(u->stack->chain, 3);
    assert_int_equal(u->stack->up->node, 2);
    assert_null(u->stack->up->up);
    tbe_msg_unref(u);
    tbe_buf_free(&b);
    tbe_msg_unref(m);
}

static void
damaged_rows_are_refused(void **state)
{
    (void)state;
    struct tbe_msg *m = sample();
    struct tbe_buf b = { 0 };
    tbe_msg_pack(m, &b);
    for (size_t n = 0; n < b.n; n++) { /* every truncation */
        assert_null(tbe_msg_unpack((struct tbe_str){ b.p, n }));
    }
    for (size_t i = 0; i < b.n; i++) { /* every byte spoilt: no crash, whatever comes out */
        char old = b.p[i];
        b.p[i] = (char)(old ^ 0x55);
        tbe_msg_unref(tbe_msg_unpack(tbe_buf_str(&b)));
        b.p[i] = old;
    }
    tbe_buf_putc(&b, 0);
    assert_null(tbe_msg_unpack(tbe_buf_str(&b))); /* and one byte too many */
    tbe_buf_free(&b);
    tbe_msg_unref(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_references),
        cmocka_unit_test(metadata_keeps_order_and_ignores_null),
        cmocka_unit_test(message_ts_is_metadata_ts_when_it_is_a_number),
        cmocka_unit_test(derived_and_forked_messages_do_not_touch_their_source),
        cmocka_unit_test(customer_originator_is_its_own_customer),
        cmocka_unit_test(views_differ_in_nulls_and_numbers),
        cmocka_unit_test(typed_entries_give_the_value_their_text_would),
        cmocka_unit_test(packed_message_comes_back),
        cmocka_unit_test(damaged_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
