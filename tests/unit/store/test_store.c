/* SPDX-License-Identifier: Apache-2.0 */
/* Entities, credentials, attributes, latest values, state, parked messages, relations, alarms, frame
 * numbers: written, read in the same turn, after the commit and after reopening. */
#include "config.h"
#include "fixture.h"
#include "store/internal.h"

static void
first_open_makes_tenant_and_default_profiles(void **state)
{
    struct fix *f = *state;
    struct tbe_uuid tenant = *store_tenant(f->s);
    assert_false(tbe_uuid_is_null(&tenant));
    struct tbe_entity id = { TBE_ENT_TENANT, tenant };
    assert_non_null(store_entity(f->s, &id));
    const struct store_entity *p = store_default_profile(f->s, TBE_ENT_DEVICE_PROFILE);
    assert_non_null(p);
    assert_true(tbe_str_eqz(p->name, "default"));
    struct tbe_uuid pid = p->id.id;
    assert_non_null(store_default_profile(f->s, TBE_ENT_ASSET_PROFILE));
    fix_reopen(f);
    assert_true(tbe_uuid_eq(&tenant, store_tenant(f->s)));
    p = store_default_profile(f->s, TBE_ENT_DEVICE_PROFILE);
    assert_true(tbe_uuid_eq(&pid, &p->id.id));
    struct store_stats st;
    store_stats(f->s, &st);
    assert_int_equal(st.entities, 3);
}

static void
put_device(struct store_batch *b, const struct tbe_entity *e, const char *name)
{
    struct store_entity d = { .id = *e, .created = 5, .name = tbe_strz(name), .kind = TBE_STR("default"),
                              .customer = tbe_uuid_null, .profile = tbe_uuid_null, .json = TBE_STR("{\"a\":1}") };
    store_put_entity(b, &d);
}

static bool
count_entity(void *arg, const struct store_entity *e)
{
    (void)e;
    ++*(unsigned *)arg;
    return true;
}

static void
entities_are_found_by_id_and_name(void **state)
{
    struct fix *f = *state;
    struct tbe_entity e = device_n(1);
    assert_null(store_entity(f->s, &e));
    assert_null(store_entity_by_name(f->s, TBE_ENT_DEVICE, TBE_STR("A")));
    struct store_batch *b = store_batch_new(f->s);
    put_device(b, &e, "A");
    assert_non_null(store_entity_by_name(f->s, TBE_ENT_DEVICE, TBE_STR("A")));
    unsigned n = 0;
    store_entity_each(f->s, TBE_ENT_DEVICE, count_entity, &n);
    assert_int_equal(n, 1);
    commit_wait(f, &b);
    n = 0;
    store_entity_each(f->s, TBE_ENT_DEVICE, count_entity, &n);
    assert_int_equal(n, 1);
    b = store_batch_new(f->s);
    put_device(b, &e, "B");
    assert_null(store_entity_by_name(f->s, TBE_ENT_DEVICE, TBE_STR("A")));
    commit_wait(f, &b);
    fix_reopen(f);
    assert_null(store_entity_by_name(f->s, TBE_ENT_DEVICE, TBE_STR("A")));
    const struct store_entity *d = store_entity_by_name(f->s, TBE_ENT_DEVICE, TBE_STR("B"));
    assert_non_null(d);
    assert_int_equal(d->version, 2);
    assert_int_equal(d->created, 5);
    assert_null(d->label.p);
    assert_true(tbe_str_eqz(d->json, "{\"a\":1}"));
}

static void
credentials_are_found_by_their_id(void **state)
{
    struct fix *f = *state;
    struct store_cred c = { device_n(1).id, STORE_CRED_TOKEN, TBE_STR("T1"), TBE_STR_NONE }, got;
    assert_false(store_cred_find(f->s, TBE_STR("T1"), &got));
    struct store_batch *b = store_batch_new(f->s);
    store_put_cred(b, &c);
    assert_true(store_cred_find(f->s, TBE_STR("T1"), &got));
    commit_wait(f, &b);
    c.id = TBE_STR("T2");
    b = store_batch_new(f->s);
    store_put_cred(b, &c);
    assert_false(store_cred_find(f->s, TBE_STR("T1"), &got));
    commit_wait(f, &b);
    fix_reopen(f);
    assert_false(store_cred_find(f->s, TBE_STR("T1"), &got));
    assert_true(store_cred_find(f->s, TBE_STR("T2"), &got));
    assert_int_equal(got.type, STORE_CRED_TOKEN);
    assert_null(got.value.p);
    assert_true(tbe_uuid_eq(&got.device, &c.device));
    assert_true(store_cred_of(f->s, &c.device, &got));
}

static void
attributes_keep_scope_type_and_ts(void **state)
{
    struct fix *f = *state;
    struct tbe_entity e = device_n(1);
    struct tbe_kv in[] = { kv_long("l", -7), kv_double("d", 5.0), kv_bool("b", true), kv_str("s", "x"), kv_json("j", "{}") };
    struct tbe_kvs kvs = { in, 5 };
    struct store_batch *b = store_batch_new(f->s);
    store_save_attrs(b, &e, STORE_SHARED, 9, &kvs);
    struct tbe_kv got;
    int64_t ts;
    assert_true(store_attr(f->s, &e, STORE_SHARED, TBE_STR("l"), &got, &ts));
    assert_false(store_attr(f->s, &e, STORE_SERVER, TBE_STR("l"), &got, &ts));
    commit_wait(f, &b);
    fix_reopen(f);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(store_attr(f->s, &e, STORE_SHARED, in[i].key, &got, &ts));
        assert_int_equal(got.type, in[i].type);
        assert_int_equal(ts, 9);
        if (got.type >= TBE_KV_STRING) {
            assert_true(tbe_str_eq(got.s, in[i].s));
        } else if (got.type == TBE_KV_DOUBLE) {
            assert_true(got.u.d == 5.0);
        }
    }
    b = store_batch_new(f->s);
    store_delete_attr(b, &e, STORE_SHARED, TBE_STR("l"));
    assert_false(store_attr(f->s, &e, STORE_SHARED, TBE_STR("l"), &got, &ts));
    commit_wait(f, &b);
    fix_reopen(f);
    assert_false(store_attr(f->s, &e, STORE_SHARED, TBE_STR("l"), &got, &ts));
    struct series_text all = { .n = 0 };
    store_attr_each(f->s, &e, STORE_SHARED, series_add, &all);
    assert_int_equal(all.n, 4);
}

static void
latest_is_replaced_only_by_same_or_newer_ts(void **state)
{
    struct fix *f = *state;
    struct tbe_entity e = device_n(1);
    struct tbe_kv v = kv_long("k", 1), got;
    int64_t ts;
    struct store_batch *b = store_batch_new(f->s);
    save(b, &e, 100, &v, 1);
    v.u.i = 2;
    save(b, &e, 99, &v, 1);
    assert_true(store_latest(f->s, &e, TBE_STR("k"), &got, &ts));
    assert_int_equal(got.u.i, 1);
    v.u.i = 3;
    save(b, &e, 100, &v, 1);
    commit_wait(f, &b);
    fix_reopen(f);
    assert_true(store_latest(f->s, &e, TBE_STR("k"), &got, &ts));
    assert_int_equal(got.u.i, 3);
    assert_int_equal(ts, 100);
    expect_history(f->s, &e, "k", (struct store_range){ .from = 0, .to = 1000 }, "99=2 100=3 ");
    expect_history(f->s, &e, "k", (struct store_range){ .from = 0, .to = 100 }, "99=2 ");
    expect_history(f->s, &e, "k", (struct store_range){ .from = 0, .to = 1000, .limit = 1, .descending = true }, "100=3 ");
}

static bool
add_state(void *arg, struct tbe_str key, struct tbe_str value)
{
    char *t = arg;
    snprintf(t + strlen(t), 256 - strlen(t), "%.*s=%.*s ", (int)key.n, key.p, (int)value.n, value.p);
    return true;
}

static void
state_is_listed_by_prefix_in_order(void **state)
{
    struct fix *f = *state;
    struct store_batch *b = store_batch_new(f->s);
    store_put_state(b, TBE_STR("p.b"), TBE_STR("2"));
    store_put_state(b, TBE_STR("p.a"), TBE_STR("1"));
    store_put_state(b, TBE_STR("q"), TBE_STR("3"));
    commit_wait(f, &b);
    b = store_batch_new(f->s);
    store_put_state(b, TBE_STR("p.c"), TBE_STR("4"));
    store_put_state(b, TBE_STR("p.a"), TBE_STR_NONE);
    char t[256] = "";
    store_state_each(f->s, TBE_STR("p."), add_state, t);
    assert_string_equal(t, "p.b=2 p.c=4 ");
    assert_null(store_state(f->s, TBE_STR("p.a")).p);
    commit_wait(f, &b);
    fix_reopen(f);
    t[0] = 0;
    store_state_each(f->s, TBE_STR("p."), add_state, t);
    assert_string_equal(t, "p.b=2 p.c=4 ");
}

static bool
add_parked(void *arg, const struct store_parked *p)
{
    char *t = arg;
    snprintf(t + strlen(t), 256 - strlen(t), "%.*s@%lld:%.*s ", (int)p->key.n, p->key.p, (long long)p->due, (int)p->msg.n, p->msg.p);
    return true;
}

static void
parked_messages_come_by_due_time_even_uncommitted(void **state)
{
    struct fix *f = *state;
    struct store_batch *b = store_batch_new(f->s);
    store_park(b, &(struct store_parked){ TBE_STR("a"), TBE_STR("c"), TBE_STR("n"), 30, TBE_STR("m1") });
    store_park(b, &(struct store_parked){ TBE_STR("b"), TBE_STR("c"), TBE_STR("n"), 10, TBE_STR("m2") });
    commit_wait(f, &b);
    b = store_batch_new(f->s);
    store_park(b, &(struct store_parked){ TBE_STR("c"), TBE_STR("c"), TBE_STR("n"), 20, TBE_STR("m3") });
    store_unpark(b, TBE_STR("a"));
    char t[256] = "";
    store_parked_each(f->s, add_parked, t);
    assert_string_equal(t, "b@10:m2 c@20:m3 ");
    commit_wait(f, &b);
    fix_reopen(f);
    t[0] = 0;
    store_parked_each(f->s, add_parked, t);
    assert_string_equal(t, "b@10:m2 c@20:m3 ");
}

static bool
count_relation(void *arg, const struct store_relation *r)
{
    assert_true(tbe_str_eqz(r->group, "COMMON"));
    ++*(unsigned *)arg;
    return true;
}

static unsigned
relations(struct fix *f, const struct tbe_entity *e, bool from, struct tbe_str type)
{
    unsigned n = 0;
    store_relation_each(f->s, e, from, type, count_relation, &n);
    return n;
}

static void
relations_are_seen_from_both_ends(void **state)
{
    struct fix *f = *state;
    struct tbe_entity a = device_n(1), c = device_n(2);
    struct store_batch *b = store_batch_new(f->s);
    struct store_relation r = { .from = a, .to = c, .type = TBE_STR("Contains") };
    store_put_relation(b, &r);
    store_put_relation(b, &r);
    assert_int_equal(relations(f, &a, true, TBE_STR_NONE), 1);
    commit_wait(f, &b);
    fix_reopen(f);
    assert_int_equal(relations(f, &c, false, TBE_STR("Contains")), 1);
    assert_int_equal(relations(f, &c, false, TBE_STR("Manages")), 0);
    assert_int_equal(relations(f, &a, false, TBE_STR_NONE), 0);
    b = store_batch_new(f->s);
    assert_true(store_delete_relation(b, &r));
    assert_false(store_delete_relation(b, &r));
    assert_int_equal(relations(f, &c, false, TBE_STR_NONE), 0);
    commit_wait(f, &b);
    fix_reopen(f);
    assert_int_equal(relations(f, &a, true, TBE_STR_NONE), 0);
}

static bool
count_alarm(void *arg, const struct store_alarm *a)
{
    int64_t *last = arg;
    assert_true(a->created <= last[0]);
    last[0] = a->created;
    last[1]++;
    return true;
}

static void
the_latest_active_alarm_of_a_type_is_found(void **state)
{
    struct fix *f = *state;
    struct tbe_entity e = device_n(1);
    struct store_alarm a = { .originator = e, .type = TBE_STR("T"), .severity = TBE_STR("MAJOR"), .created = 1, .start = 1,
                             .customer = tbe_uuid_null, .assignee = tbe_uuid_null, .details = TBE_STR("{}") }, got;
    a.id.b[0] = 1;
    struct store_batch *b = store_batch_new(f->s);
    store_put_alarm(b, &a);
    a.id.b[0] = 2;
    a.created = a.start = 2;
    store_put_alarm(b, &a);
    assert_true(store_alarm_active(f->s, &e, TBE_STR("T"), &got));
    assert_int_equal(got.id.b[0], 2);
    commit_wait(f, &b);
    fix_reopen(f);
    assert_true(store_alarm_active(f->s, &e, TBE_STR("T"), &got));
    assert_int_equal(got.id.b[0], 2);
    assert_true(tbe_str_eqz(got.details, "{}"));
    assert_null(got.propagate_relations.p);
    got.clear = true;
    got.clear_ts = 9;
    b = store_batch_new(f->s);
    store_put_alarm(b, &got);
    assert_true(store_alarm_active(f->s, &e, TBE_STR("T"), &got));
    assert_int_equal(got.id.b[0], 1);
    commit_wait(f, &b);
    fix_reopen(f);
    assert_true(store_alarm_active(f->s, &e, TBE_STR("T"), &got));
    assert_int_equal(got.id.b[0], 1);
    assert_false(store_alarm_active(f->s, &e, TBE_STR("U"), &got));
    int64_t n[2] = { INT64_MAX, 0 };
    store_alarm_each(f->s, &e, count_alarm, n);
    assert_int_equal(n[1], 2);
}

static void
deleting_an_entity_takes_everything_of_it(void **state)
{
    struct fix *f = *state;
    struct tbe_entity e = device_n(1), o = device_n(2);
    struct tbe_kv v = kv_long("k", 1), got;
    struct tbe_kvs kvs = { &v, 1 };
    int64_t ts;
    struct store_cred c = { e.id, STORE_CRED_TOKEN, TBE_STR("T"), TBE_STR_NONE };
    struct store_alarm a = { .originator = e, .type = TBE_STR("T"), .severity = TBE_STR("MAJOR") }, ga;
    struct store_relation r = { .from = o, .to = e, .type = TBE_STR("Contains") };
    for (int late = 0; late < 2; late++) { /* delete in the same turn, and after a reopening */
        struct store_batch *b = store_batch_new(f->s);
        put_device(b, &e, "A");
        store_save_attrs(b, &e, STORE_SERVER, 1, &kvs);
        save(b, &e, 7, &v, 1);
        store_put_cred(b, &c);
        store_put_alarm(b, &a);
        store_put_relation(b, &r);
        if (late) {
            commit_wait(f, &b);
            fix_reopen(f);
            b = store_batch_new(f->s);
        }
        store_delete_entity(b, &e);
        for (int again = 0; again < 2; again++) {
            assert_null(store_entity(f->s, &e));
            assert_null(store_entity_by_name(f->s, TBE_ENT_DEVICE, TBE_STR("A")));
            assert_false(store_attr(f->s, &e, STORE_SERVER, TBE_STR("k"), &got, &ts));
            assert_false(store_latest(f->s, &e, TBE_STR("k"), &got, &ts));
            expect_history(f->s, &e, "k", (struct store_range){ .from = 0, .to = 100 }, "");
            assert_false(store_cred_find(f->s, TBE_STR("T"), &(struct store_cred){ 0 }));
            assert_false(store_alarm_active(f->s, &e, TBE_STR("T"), &ga));
            assert_int_equal(relations(f, &o, true, TBE_STR_NONE), 0);
            if (!again) {
                commit_wait(f, &b);
                fix_reopen(f);
            }
        }
    }
}

static void
note(void *arg)
{
    ++*(int *)arg;
}

static void
callbacks_run_on_the_loop_after_the_commit_in_order(void **state)
{
    struct fix *f = *state;
    int n = 0;
    for (int i = 0; i < 10; i++) {
        struct store_batch *b = store_batch_new(f->s);
        store_batch_after(b, note, &n);
        store_batch_seq(b, 77, (uint64_t)i + 1);
        assert_false(store_batch_empty(b));
        store_commit(f->s, &b);
        assert_null(b);
    }
    while (n < 10) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    uint64_t epoch, seq;
    store_last_seq(f->s, &epoch, &seq);
    assert_int_equal(epoch, 77);
    assert_int_equal(seq, 10);
    fix_reopen(f);
    store_last_seq(f->s, &epoch, &seq);
    assert_int_equal(epoch, 77);
    assert_int_equal(seq, 10);
}

static void
two_writers_are_refused_and_a_reader_takes_over(void **state)
{
    struct fix *f = *state;
    struct store *r;
    char err[256];
    struct store_options o = { .dir = f->dir, .read_only = true };
    struct tbe_entity e = device_n(1);
    assert_int_equal(store_open(&r, &o, f->base, err), 0);
    assert_null(store_entity(r, &e));
    assert_int_equal(store_take_over(r, err), -1);
    assert_non_null(strstr(err, "in use"));
    struct store_batch *b = store_batch_new(f->s);
    put_device(b, &e, "A");
    store_batch_seq(b, 5, 6);
    commit_wait(f, &b);
    store_close(f->s);
    f->s = r;
    assert_int_equal(store_take_over(r, err), 0);
    assert_non_null(store_entity(r, &e));
    uint64_t epoch, seq;
    store_last_seq(r, &epoch, &seq);
    assert_int_equal(seq, 6);
    b = store_batch_new(f->s);
    put_device(b, &e, "B");
    commit_wait(f, &b);
}

static void
memory_store_works_without_a_directory(void **state)
{
    (void)state;
    struct store *s;
    char err[256];
    struct store_options o = { 0 };
    assert_int_equal(store_open(&s, &o, NULL, err), 0);
    struct tbe_entity e = device_n(1);
    struct tbe_kv v = kv_long("k", 1);
    int n = 0;
    struct store_batch *b = store_batch_new(s);
    save(b, &e, 1, &v, 1);
    store_batch_after(b, note, &n);
    store_commit(s, &b);
    assert_int_equal(n, 1);
    expect_history(s, &e, "k", (struct store_range){ .from = 0, .to = 10 }, "1=1 ");
    store_close(s);
}

static void
mirrors_are_trimmed_and_read_again(void **state)
{
    struct fix *f = *state;
    enum { N = 4000 };
    char name[32], text[600];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (uint32_t i = 0; i < N;) {
        struct store_batch *b = store_batch_new(f->s);
        for (uint32_t k = 0; k < 100; k++, i++) {
            struct tbe_entity e = device_n(i + 10);
            snprintf(name, sizeof name, "dev-%u", i);
            struct tbe_kv v[] = { kv_str("text", text), kv_long("n", i) };
            struct tbe_kvs kvs = { v, 2 };
            struct store_cred c = { e.id, STORE_CRED_TOKEN, tbe_strz(name), TBE_STR_NONE };
            put_device(b, &e, name);
            store_put_cred(b, &c);
            store_save_attrs(b, &e, STORE_SERVER, 1, &kvs);
            save(b, &e, 7, &v[1], 1);
        }
        commit_wait(f, &b);
    }
    for (int i = 0; i < 100; i++) { /* a turn frees a bounded number */
        store_end_turn(f->s);
    }
    /* Latest values stay until they are compacted; the rest fits. */
    assert_true(f->s->cache.cost < STORE_CACHE_BYTES + N * 700u);
    uint32_t mirrored = 0;
    for (uint32_t i = 0; i < N; i++) {
        struct tbe_entity e = device_n(i + 10);
        struct ckey k;
        mirrored += cache_find(&f->s->cache, CK_ATTRS, ckey_entity(&k, &e)) != NULL;
    }
    assert_true(mirrored < N);
    for (uint32_t i = 0; i < N; i += 7) {
        struct store_cred c;
        struct tbe_kv got;
        int64_t ts;
        snprintf(name, sizeof name, "dev-%u", i);
        assert_true(store_cred_find(f->s, tbe_strz(name), &c));
        struct tbe_entity e = { TBE_ENT_DEVICE, c.device };
        assert_true(tbe_str_eqz(store_entity(f->s, &e)->name, name));
        assert_true(store_attr(f->s, &e, STORE_SERVER, TBE_STR("n"), &got, &ts));
        assert_int_equal(got.u.i, i);
        assert_true(store_latest(f->s, &e, TBE_STR("n"), &got, &ts));
        assert_int_equal(got.u.i, i);
        store_end_turn(f->s);
    }
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
    const struct CMUnitTest tests[] = {
        T(first_open_makes_tenant_and_default_profiles),
        T(entities_are_found_by_id_and_name),
        T(credentials_are_found_by_their_id),
        T(attributes_keep_scope_type_and_ts),
        T(latest_is_replaced_only_by_same_or_newer_ts),
        T(state_is_listed_by_prefix_in_order),
        T(parked_messages_come_by_due_time_even_uncommitted),
        T(relations_are_seen_from_both_ends),
        T(the_latest_active_alarm_of_a_type_is_found),
        T(deleting_an_entity_takes_everything_of_it),
        T(callbacks_run_on_the_loop_after_the_commit_in_order),
        T(two_writers_are_refused_and_a_reader_takes_over),
        T(mirrors_are_trimmed_and_read_again),
        cmocka_unit_test(memory_store_works_without_a_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
