/* SPDX-License-Identifier: Apache-2.0 */
/* What the uplink needs of the store: entries of the log one by one, the tenant's change, the wipe; and the ids
 * of entities that go up. */
#include "config.h"

#include "tests/unit/cloud/fake_link.h"

static void
commit(struct fake *f)
{
    store_commit(f->store, &f->batch);
    fake_new_batch(f);
    store_end_turn(f->store);
}

static void
expect(struct store_outbox_reader *r, int64_t ts, uint64_t *seq)
{
    struct store_uplink u;

    assert_true(store_outbox_next(r, &u));
    assert_int_equal(u.ts, ts);
    assert_int_equal(u.action, CLOUD_ACTION_TIMESERIES_UPDATED);
    assert_int_equal(u.kind, CLOUD_KIND_DEVICE);
    assert_non_null(u.kvs);
    assert_true(u.seq > *seq);
    *seq = u.seq;
}

static void
entries_come_once_and_in_order(void **state)
{
    struct fake *f = fake_new(NULL);
    struct store_outbox_reader *r = store_outbox_open(f->store);
    struct store_uplink u;
    uint64_t seq = 0, third;

    (void)state;
    assert_false(store_outbox_next(r, &u));
    for (int row = 0; row < 3; row++) { /* three rows of three, points that are not pushed between them */
        for (int i = 0; i < 3; i++) {
            struct tbe_entity e = fake_id(TBE_ENT_DEVICE, 1);
            struct tbe_kv kv = { .key = TBE_STR_INIT("local"), .type = TBE_KV_BOOLEAN };
            struct tbe_kvs kvs = { &kv, 1 };

            fake_point(f, 1, row * 10 + i, "a", i);
            store_save_ts(f->batch, &e, 5, &kvs, 0, STORE_TS_HISTORY | STORE_TS_LATEST);
        }
        commit(f);
    }
    assert_true(store_outbox_head(f->store) >= 3);
    for (int i = 0; i < 3; i++) {
        expect(r, i, &seq);
    }
    third = seq;
    expect(r, 10, &seq);
    store_outbox_back(r); /* the same again */
    seq = third;
    expect(r, 10, &seq);
    store_outbox_seek(r, third - 1); /* in the middle of a row that was read */
    seq = third - 1;
    expect(r, 2, &seq);
    expect(r, 10, &seq);
    for (int i = 1; i < 3; i++) {
        expect(r, 10 + i, &seq);
    }
    for (int i = 0; i < 3; i++) {
        expect(r, 20 + i, &seq);
    }
    assert_false(store_outbox_next(r, &u));
    assert_false(store_outbox_next(r, &u));
    fake_point(f, 1, 30, "a", 1);
    assert_false(store_outbox_next(r, &u)); /* not committed */
    commit(f);
    expect(r, 30, &seq);
    assert_true(seq <= store_outbox_head(f->store));
    store_outbox_close(r);
    fake_free(f);
}

static void
confirmed_entries_do_not_come_again(void **state)
{
    struct fake *f = fake_new(NULL);
    struct store_outbox_reader *r;
    uint64_t seq = 0, last;

    (void)state;
    for (int i = 0; i < 5; i++) {
        fake_point(f, 1, i, "a", i);
    }
    commit(f);
    r = store_outbox_open(f->store);
    expect(r, 0, &seq);
    expect(r, 1, &seq);
    store_outbox_close(r);
    store_outbox_ack(f->batch, true, seq);
    commit(f);
    assert_int_equal(store_outbox_confirmed(f->store), seq);
    r = store_outbox_open(f->store);
    expect(r, 2, &seq);
    store_outbox_seek(r, 0); /* not before what is confirmed */
    last = seq - 1;
    expect(r, 2, &last);
    store_outbox_close(r);
    fake_free(f);
}

static void
bodies_are_whole(void **state)
{
    struct fake *f = fake_new(NULL);
    struct tbe_entity e = fake_id(TBE_ENT_ASSET, 4);
    struct store_outbox_reader *r = store_outbox_open(f->store);
    struct store_uplink u;

    (void)state;
    fake_event(f, true, CLOUD_KIND_ASSET, &e, CLOUD_ACTION_ATTRIBUTES_UPDATED, "{\"kv\":{}}");
    fake_event(f, true, CLOUD_KIND_ASSET, &e, CLOUD_ACTION_ATTRIBUTES_DELETED, NULL);
    commit(f);
    assert_true(store_outbox_next(r, &u));
    assert_null(u.kvs);
    assert_true(tbe_str_eqz(u.body, "{\"kv\":{}}"));
    assert_true(tbe_entity_eq(&u.entity, &e));
    assert_true(store_outbox_next(r, &u));
    assert_null(u.body.p);
    assert_false(store_outbox_next(r, &u));
    store_outbox_close(r);
    fake_free(f);
}

static void
the_same_tenant_changes_nothing(void **state)
{
    struct fake *f = fake_new(NULL);

    (void)state;
    store_tenant_set(f->batch, &fake_local);
    assert_true(store_batch_empty(f->batch));
    fake_free(f);
}

static void
a_wipe_leaves_what_a_new_store_has(void **state)
{
    struct fake *f = fake_new(NULL);
    struct tbe_entity t = { TBE_ENT_TENANT, fake_tenant };
    struct tbe_entity alarm = fake_id(TBE_ENT_ALARM, 1), dev;
    struct hub_new_device n = { .name = TBE_STR_INIT("x"), .cred = { .type = STORE_CRED_TOKEN, .id = TBE_STR_INIT("tok") } };
    struct store_alarm a = { .id = alarm.id, .type = TBE_STR_INIT("T"), .severity = TBE_STR_INIT("MAJOR"),
                             .customer = tbe_uuid_null, .assignee = tbe_uuid_null };
    struct store_cred cred;
    char err[256];

    (void)state;
    dev.type = TBE_ENT_DEVICE;
    assert_int_equal(hub_device_create(f->hub, &n, &dev.id, err), 0);
    a.originator = dev;
    store_put_alarm(f->batch, &a);
    fake_point(f, 1, 5, "a", 1);
    fake_event(f, false, CLOUD_KIND_DEVICE, &dev, CLOUD_ACTION_UPDATED, NULL);
    store_put_state(f->batch, TBE_STR("mine"), TBE_STR("kept"));
    commit(f);
    store_wipe(f->batch, &fake_tenant);
    commit(f);
    assert_null(store_entity(f->store, &dev));
    assert_false(store_alarm(f->store, &alarm.id, &a));
    assert_false(store_cred_find(f->store, TBE_STR("tok"), &cred));
    assert_non_null(store_entity(f->store, &t));
    assert_true(tbe_uuid_eq(store_tenant(f->store), &fake_tenant));
    assert_non_null(store_default_profile(f->store, TBE_ENT_DEVICE_PROFILE));
    assert_non_null(store_default_profile(f->store, TBE_ENT_ASSET_PROFILE));
    assert_int_equal(fake_waiting(f, true) + fake_waiting(f, false), 0);
    assert_true(tbe_str_eqz(store_state(f->store, TBE_STR("mine")), "kept"));
    fake_free(f);
}

static void
ids_carry_their_time(void **state)
{
    const int64_t ms = 1795365389543;
    struct tbe_uuid a, b;

    (void)state;
    tbe_uuid_time(&a, ms);
    tbe_uuid_time(&b, ms);
    assert_false(tbe_uuid_eq(&a, &b));
    assert_int_equal(a.b[6] >> 4, 1); /* version */
    assert_int_equal(a.b[8] >> 6, 2); /* variant */
    uint64_t msb = (uint64_t)tbe_uuid_msb(&a);
    uint64_t ticks = (msb & 0xfff) << 48 | (msb >> 16 & 0xffff) << 32 | msb >> 32;
    assert_int_equal((ticks - 0x01b21dd213814000) / 10000, ms);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_once_and_in_order),
        cmocka_unit_test(confirmed_entries_do_not_come_again),
        cmocka_unit_test(bodies_are_whole),
        cmocka_unit_test(the_same_tenant_changes_nothing),
        cmocka_unit_test(a_wipe_leaves_what_a_new_store_has),
        cmocka_unit_test(ids_carry_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
