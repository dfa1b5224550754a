/* SPDX-License-Identifier: Apache-2.0 */
/* Order, packs, refusals, cursors and swaps of the uplink. */
#include "config.h"

#include <stdio.h>

#include "tests/unit/cloud/fake_link.h"

static uint32_t points_seen, poison_seen;

static const Edge__EntityDataProto *
data_of(const struct sent *s, uint32_t i)
{
    assert_non_null(s);
    assert_true(i < s->m->uplinkmsg->n_entitydata);
    return s->m->uplinkmsg->entitydata[i];
}

static uint32_t
in_flight(struct fake *f)
{
    uint32_t n = 0;

    while (fake_uplink(f, n) != NULL) {
        n++;
    }
    return n;
}

/* A window that is open at once. */
static struct fake *
open_window(const struct cloud_limits *lim)
{
    struct fake *f = fake_new(lim);

    fake_ready(f);
    for (uint32_t i = 0; i < 8; i++) {
        fake_point(f, 900, 1000 + i, "warm", 1);
        fake_drain(f, NULL, 1);
    }
    fake_forget(f);
    return f;
}

static void
many_points_of_many_devices_are_one_message(void **state)
{
    struct cloud_limits lim = { .in_flight = 1 };
    struct fake *f = fake_new(&lim);

    (void)state;
    fake_ready(f);
    for (uint32_t i = 0; i < 1001; i++) {
        fake_point(f, i % 10, 1000 + i, "a", i);
    }
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    struct sent *s = fake_uplink(f, 0);
    assert_int_equal(s->m->uplinkmsg->n_entitydata, 1000);
    assert_int_equal(s->m->msgtype, EDGE__REQUEST_MSG_TYPE__UPLINK_RPC_MESSAGE);
    const Edge__EntityDataProto *d = data_of(s, 999);
    struct tbe_entity e = fake_id(TBE_ENT_DEVICE, 9);
    assert_int_equal(d->entityidmsb, tbe_uuid_msb(&e.id));
    assert_int_equal(d->entityidlsb, tbe_uuid_lsb(&e.id));
    assert_string_equal(d->entitytype, "DEVICE");
    assert_int_equal(d->posttelemetrymsg->tskvlist[0]->ts, 1999);
    assert_int_equal(d->posttelemetrymsg->tskvlist[0]->kv[0]->long_v, 999);
    assert_false(s->held);
    assert_int_equal(fake_waiting(f, true), 1001); /* nothing is confirmed */
    fake_answer(f, s, true, "");
    fake_drain(f, NULL, 2);
    assert_int_equal(fake_waiting(f, true), 0);
    fake_free(f);
}

static void
answers_out_of_order_move_the_cursor_in_order(void **state)
{
    struct cloud_limits lim = { .pack = 10, .in_flight = 3 };
    struct fake *f = open_window(&lim);

    (void)state;
    for (uint32_t i = 0; i < 30; i++) {
        fake_point(f, i, 1000 + i, "a", i);
    }
    fake_turn(f);
    assert_int_equal(in_flight(f), 3);
    struct sent *first = fake_uplink(f, 0), *second = fake_uplink(f, 1), *third = fake_uplink(f, 2);
    fake_answer(f, third, true, "");
    fake_turn(f);
    clock_advance(1000);
    fake_turn(f);
    assert_int_equal(fake_waiting(f, true), 30);
    fake_answer(f, first, true, "");
    fake_turn(f);
    clock_advance(1000);
    fake_turn(f);
    assert_int_equal(fake_waiting(f, true), 20);
    fake_answer(f, second, true, "");
    fake_answer_id(f, 12345, true, ""); /* nobody's */
    fake_turn(f);
    clock_advance(1000);
    fake_turn(f);
    assert_int_equal(fake_waiting(f, true), 0);
    fake_free(f);
}

static void
attributes_of_one_entity_are_in_one_message_at_a_time(void **state)
{
    struct fake *f = open_window(NULL);
    struct tbe_entity a = fake_id(TBE_ENT_DEVICE, 1), b = fake_id(TBE_ENT_DEVICE, 2);

    (void)state;
    fake_event(f, true, CLOUD_KIND_DEVICE, &a, CLOUD_ACTION_ATTRIBUTES_UPDATED,
               "{\"kv\":{\"x\":1},\"ts\":10,\"scope\":\"SERVER_SCOPE\"}");
    fake_turn(f);
    clock_advance(100);
    fake_event(f, true, CLOUD_KIND_DEVICE, &b, CLOUD_ACTION_ATTRIBUTES_UPDATED, "{\"kv\":{\"x\":1},\"ts\":10}");
    fake_turn(f);
    assert_int_equal(in_flight(f), 2); /* another entity */
    clock_advance(100);
    fake_point(f, 1, 1000, "t", 1);
    fake_turn(f);
    assert_int_equal(in_flight(f), 3); /* telemetry has its own time */
    clock_advance(100);
    fake_event(f, true, CLOUD_KIND_DEVICE, &a, CLOUD_ACTION_ATTRIBUTES_DELETED, "{\"keys\":[\"x\"],\"scope\":\"SERVER_SCOPE\"}");
    fake_event(f, true, CLOUD_KIND_DEVICE, &a, CLOUD_ACTION_ATTRIBUTES_UPDATED, "{\"kv\":{\"x\":2},\"ts\":11}");
    fake_turn(f);
    assert_int_equal(in_flight(f), 3);
    struct sent *s = fake_uplink(f, 0);
    assert_string_equal(data_of(s, 0)->postattributescope, "SERVER_SCOPE");
    assert_int_equal(data_of(s, 0)->attributets, 10);
    assert_non_null(data_of(s, 0)->attributesupdatedmsg);
    fake_answer(f, s, true, "");
    clock_advance(100);
    fake_turn(f);
    assert_int_equal(in_flight(f), 3);
    s = fake_uplink(f, 2);
    assert_int_equal(s->m->uplinkmsg->n_entitydata, 2); /* both of a, in their order */
    assert_string_equal(data_of(s, 0)->attributedeletemsg->attributenames[0], "x");
    assert_int_equal(data_of(s, 1)->attributesupdatedmsg->kv[0]->long_v, 2);
    fake_free(f);
}

static void
an_entity_is_confirmed_before_its_data(void **state)
{
    struct fake *f = open_window(NULL);
    struct hub_new_device n = { .name = TBE_STR_INIT("born") };
    struct tbe_entity dev = { .type = TBE_ENT_DEVICE };
    struct tbe_kv kv = { .key = TBE_STR_INIT("a"), .type = TBE_KV_BOOLEAN };
    struct tbe_kvs kvs = { &kv, 1 };
    char err[256];

    (void)state;
    assert_int_equal(hub_device_create(f->hub, &n, &dev.id, err), 0);
    store_push_ts(f->batch, &dev, 5, &kvs);
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    const Edge__UplinkMsg *u = fake_uplink(f, 0)->m->uplinkmsg;
    assert_int_equal(u->n_deviceupdatemsg, 1);
    assert_int_equal(u->n_devicecredentialsupdatemsg, 1);
    assert_int_equal(u->n_deviceprofileupdatemsg, 1);
    assert_int_equal(u->n_entitydata, 0);
    clock_advance(100);
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    fake_answer(f, fake_uplink(f, 0), true, "");
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    assert_int_equal(data_of(fake_uplink(f, 0), 0)->entityidlsb, tbe_uuid_lsb(&dev.id));
    assert_int_equal(data_of(fake_uplink(f, 0), 0)->posttelemetrymsg->tskvlist[0]->kv[0]->bool_v, 0);
    fake_free(f);
}

/* Renaming one device and giving the old name to another: not on their way at once. */
static void
names_are_freed_before_they_are_taken(void **state)
{
    struct fake *f = open_window(NULL);
    struct hub_new_device n = { .name = TBE_STR_INIT("one") };
    struct tbe_uuid id;
    char err[256];

    (void)state;
    assert_int_equal(hub_device_create(f->hub, &n, &id, err), 0);
    fake_drain(f, NULL, 2);
    fake_forget(f);
    hub_device_remove(f->hub, &id);
    fake_turn(f);
    assert_int_equal(hub_device_create(f->hub, &n, &id, err), 0);
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    assert_int_equal(fake_uplink(f, 0)->m->uplinkmsg->deviceupdatemsg[0]->msgtype,
                     EDGE__UPDATE_MSG_TYPE__ENTITY_DELETED_RPC_MESSAGE);
    assert_string_equal(fake_uplink(f, 0)->m->uplinkmsg->deviceupdatemsg[0]->entity, "");
    fake_answer(f, fake_uplink(f, 0), true, "");
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    assert_int_equal(fake_uplink(f, 0)->m->uplinkmsg->deviceupdatemsg[0]->msgtype,
                     EDGE__UPDATE_MSG_TYPE__ENTITY_CREATED_RPC_MESSAGE);
    fake_free(f);
}

/* Refusals --------------------------------------------------------------------------------------------- */

static const char *
refuse_poison(const Edge__UplinkMsg *m)
{
    for (size_t i = 0; i < m->n_entitydata; i++) {
        const Transport__KeyValueProto *kv = m->entitydata[i]->posttelemetrymsg->tskvlist[0]->kv[0];

        if (strcmp(kv->key, "poison") == 0) {
            poison_seen++;
            return "java.lang.IllegalArgumentException: no\n at Foo.java";
        }
    }
    points_seen += (uint32_t)m->n_entitydata;
    return NULL;
}

static const char *
refuse_all(const Edge__UplinkMsg *m)
{
    (void)m;
    return "the database is gone";
}

static const char *
refuse_rate(const Edge__UplinkMsg *m)
{
    (void)m;
    return "Failed to process uplink message. Rate limit reached";
}

static int64_t
status_number(struct fake *f, const char *name)
{
    struct tbe_buf b = { 0 };
    struct tbe_arena a;
    tbe_val v;

    tbe_arena_init(&a, 0);
    assert_int_equal(tbe_json_parse(&a, fake_status(f, &b), TBE_JSON_JAVA, &v, NULL), 0);
    v = tbe_map_get(v.u.m, tbe_strz(name));
    assert_true(v.t == TBE_INT || v.t == TBE_LONG);
    tbe_arena_free(&a);
    tbe_buf_free(&b);
    return v.u.i;
}

static void
one_poisonous_point_is_isolated(void **state)
{
    struct fake *f = open_window(NULL);

    (void)state;
    points_seen = poison_seen = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        fake_point(f, i % 7, 1000 + i, i == 1234 || i == 1700 ? "poison" : "a", i);
    }
    fake_drain(f, refuse_poison, 60);
    assert_int_equal(fake_waiting(f, true), 0);
    assert_int_equal(points_seen, 2998); /* each of the others once */
    assert_int_equal(status_number(f, "aside"), 2);
    assert_true(poison_seen < 40);
    assert_true(store_state(f->store, TBE_STR("x")).p == NULL);
    fake_restart(f, false);
    assert_int_equal(status_number(f, "aside"), 2); /* stored */
    fake_free(f);
}

static uint32_t alarms_seen;

static const char *
refuse_one_alarm(const Edge__UplinkMsg *m)
{
    struct tbe_entity bad = fake_id(TBE_ENT_ALARM, 77);

    for (size_t i = 0; i < m->n_alarmupdatemsg; i++) {
        if (m->alarmupdatemsg[i]->idlsb == tbe_uuid_lsb(&bad.id)) {
            return "no";
        }
    }
    alarms_seen += (uint32_t)m->n_alarmupdatemsg;
    return NULL;
}

static void
put_alarm(struct fake *f, uint32_t n)
{
    struct tbe_entity id = fake_id(TBE_ENT_ALARM, n);
    struct store_alarm a = { .id = id.id, .originator = fake_id(TBE_ENT_DEVICE, n), .customer = tbe_uuid_null,
                             .assignee = tbe_uuid_null, .type = TBE_STR_INIT("High"),
                             .severity = TBE_STR_INIT("MAJOR"), .created = 5, .start = 5, .end = 6 };

    store_put_alarm(f->batch, &a);
    fake_event(f, false, CLOUD_KIND_ALARM, &id, CLOUD_ACTION_ADDED, NULL);
}

static void
one_poisonous_event_is_isolated(void **state)
{
    struct fake *f = open_window(NULL);

    (void)state;
    alarms_seen = 0;
    for (uint32_t i = 0; i < 1500; i++) {
        put_alarm(f, i);
    }
    fake_drain(f, refuse_one_alarm, 60);
    assert_int_equal(fake_waiting(f, false), 0);
    assert_int_equal(alarms_seen, 1499);
    assert_int_equal(status_number(f, "aside"), 1);
    fake_free(f);
}

static void
when_all_is_refused_nothing_is_given_up(void **state)
{
    struct cloud_limits lim = { .stats_ms = 86400000 };
    struct fake *f = open_window(&lim);
    uint32_t n;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        fake_point(f, i, 1000 + i, "a", i);
    }
    put_alarm(f, 1);
    fake_drain(f, refuse_all, 500);
    assert_int_equal(status_number(f, "aside"), 0);
    assert_int_equal(fake_waiting(f, true), 100);
    assert_int_equal(fake_waiting(f, false), 1);
    assert_true(status_number(f, "negativeAnswers") > 5);
    n = f->n_sent;
    assert_true(n < 120); /* with pauses: 500 seconds have passed */
    clock_advance(61000);
    fake_drain(f, NULL, 200);
    assert_int_equal(fake_waiting(f, true), 0);
    assert_int_equal(fake_waiting(f, false), 0);
    assert_int_equal(status_number(f, "aside"), 0);
    fake_free(f);
}

static void
rate_limits_are_paced(void **state)
{
    struct cloud_limits lim = { .stats_ms = 86400000 };
    struct fake *f = open_window(&lim);

    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        fake_point(f, i, 1000 + i, "a", i);
    }
    fake_drain(f, refuse_rate, 300);
    assert_true(f->n_sent < 20);
    assert_int_equal(status_number(f, "rateLimited"), (int64_t)f->n_sent);
    for (uint32_t i = 0; i < f->n_sent; i++) { /* the same message, whole */
        assert_int_equal(f->sent[i].m->uplinkmsg->n_entitydata, 50);
    }
    clock_advance(61000);
    fake_drain(f, NULL, 3);
    assert_int_equal(fake_waiting(f, true), 0);
    fake_free(f);
}

/* Sizes ------------------------------------------------------------------------------------------------ */

static size_t
packed(const struct sent *s)
{
    return edge__request_msg__get_packed_size(s->m);
}

static void
big_point(struct fake *f, size_t n)
{
    char *text = malloc(n + 1);
    struct tbe_entity e = fake_id(TBE_ENT_DEVICE, 1);
    struct tbe_kv kv = { .key = TBE_STR_INIT("k"), .type = TBE_KV_STRING, .s = { text, n } };
    struct tbe_kvs kvs = { &kv, 1 };

    memset(text, 'x', n);
    store_push_ts(f->batch, &e, (int64_t)n, &kvs);
    free(text);
}

static void
messages_stay_below_the_limits(void **state)
{
    struct cloud_limits lim = { .message_bytes = 100000 };
    struct fake *f = open_window(&lim);

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        big_point(f, 3000 + i);
    }
    big_point(f, 200000); /* alone, above the usual size */
    big_point(f, 4194304 - 200);
    big_point(f, 4194304 - 60); /* not even alone */
    big_point(f, 10);
    fake_drain(f, NULL, 10);
    uint32_t n = 0;
    size_t most = 0;
    for (uint32_t i = 0; i < f->n_sent; i++) {
        size_t b = packed(&f->sent[i]);

        assert_true(b <= 100000 || f->sent[i].m->uplinkmsg->n_entitydata == 1);
        assert_true(b <= 4194304);
        most = b > most ? b : most;
        n += (uint32_t)f->sent[i].m->uplinkmsg->n_entitydata;
    }
    assert_true(most > 4194304 - 200);
    assert_int_equal(n, 103);
    assert_int_equal(status_number(f, "aside"), 1);
    assert_int_equal(fake_waiting(f, true), 0);
    fake_free(f);
}

/* Time and link ---------------------------------------------------------------------------------------- */

static void
without_an_answer_it_is_sent_again(void **state)
{
    struct cloud_limits lim = { .stats_ms = 86400000 };
    struct fake *f = open_window(&lim);

    (void)state;
    fake_point(f, 1, 1000, "a", 1);
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    clock_advance(59999);
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    clock_advance(1);
    fake_turn(f);
    assert_int_equal(in_flight(f), 2);
    for (uint32_t i = 0; i < 2; i++) { /* the same content, with another id */
        assert_int_equal(fake_uplink(f, i)->m->uplinkmsg->n_entitydata, 1);
        assert_int_equal(data_of(fake_uplink(f, i), 0)->posttelemetrymsg->tskvlist[0]->ts, 1000);
    }
    assert_int_not_equal(fake_uplink(f, 0)->m->uplinkmsg->uplinkmsgid,
                         fake_uplink(f, 1)->m->uplinkmsg->uplinkmsgid);
    fake_answer(f, fake_uplink(f, 1), true, "");
    fake_turn(f);
    clock_advance(1000);
    fake_turn(f);
    assert_int_equal(fake_waiting(f, true), 0);
    fake_free(f);
}

static void
a_lost_link_loses_nothing(void **state)
{
    struct fake *f = open_window(NULL);

    (void)state;
    fake_point(f, 1, 1000, "a", 1);
    put_alarm(f, 1);
    fake_turn(f);
    assert_true(in_flight(f) >= 1);
    fake_down(f, 1);
    fake_forget(f);
    fake_turn(f);
    assert_int_equal(in_flight(f), 0);
    fake_up(f, 2);
    fake_turn(f);
    fake_synced(f, 2);
    fake_drain(f, NULL, 4);
    uint32_t points = 0, alarms = 0;
    for (uint32_t i = 0; i < f->n_sent; i++) {
        const Edge__UplinkMsg *u = f->sent[i].m->uplinkmsg;

        points += u ? (uint32_t)u->n_entitydata : 0;
        alarms += u ? (uint32_t)u->n_alarmupdatemsg : 0;
        assert_int_equal(f->sent[i].session, 2);
    }
    assert_int_equal(points, 1);
    assert_int_equal(alarms, 1);
    assert_int_equal(fake_waiting(f, true) + fake_waiting(f, false), 0);
    fake_free(f);
}

static void
what_the_link_did_not_send_goes_again(void **state)
{
    struct fake *f = open_window(NULL);

    (void)state;
    fake_point(f, 1, 1000, "a", 1);
    fake_turn(f);
    cloud_uplink_done(f->cloud, fake_uplink(f, 0)->number, UPLINK_NO_ROOM);
    fake_uplink(f, 0)->answered = true;
    fake_turn(f);
    assert_int_equal(in_flight(f), 0);
    clock_advance(100);
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    cloud_uplink_done(f->cloud, 999999, UPLINK_NO_ROOM); /* an answer to the cloud is lost: only a new session helps */
    assert_int_equal(f->n_reconnect, 1);
    fake_free(f);
}

/* Swap: answers come to the worker that did not send. */
static void
a_swap_neither_loses_nor_repeats(void **state)
{
    struct cloud_limits lim = { .pack = 10, .in_flight = 4 };
    struct fake *f = open_window(&lim);
    Edge__EdgeConfiguration cfg = fake_config(&fake_edge);
    struct tbe_entity a = fake_id(TBE_ENT_DEVICE, 3);

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        fake_point(f, i, 1000 + i, "a", i);
    }
    fake_event(f, true, CLOUD_KIND_DEVICE, &a, CLOUD_ACTION_ATTRIBUTES_UPDATED, "{\"kv\":{\"x\":1},\"ts\":10}");
    fake_turn(f);
    put_alarm(f, 1);
    clock_advance(100);
    fake_turn(f);
    assert_int_equal(in_flight(f), 4);
    struct sent *second = fake_uplink(f, 1);
    int32_t ids[3];
    fake_answer(f, second, true, ""); /* above the cursor */
    for (uint32_t i = 0; i < 3; i++) {
        ids[i] = fake_uplink(f, i)->m->uplinkmsg->uplinkmsgid;
    }
    fake_restart(f, true);
    fake_forget(f);
    fake_up_as(f, 1, &cfg, true);
    fake_turn(f);
    assert_int_equal(in_flight(f), 0); /* not again */
    fake_event(f, true, CLOUD_KIND_DEVICE, &a, CLOUD_ACTION_ATTRIBUTES_UPDATED, "{\"kv\":{\"x\":2},\"ts\":11}");
    fake_point(f, 50, 1, "n", 1);
    clock_advance(100);
    fake_turn(f);
    assert_int_equal(in_flight(f), 0); /* a's attributes are on their way: these wait, and what is behind them */
    for (uint32_t i = 0; i < 3; i++) {
        fake_answer_id(f, ids[i], true, "");
    }
    clock_advance(1000);
    fake_turn(f);
    assert_int_equal(fake_waiting(f, false), 0);
    assert_int_equal(fake_waiting(f, true), 2);
    assert_int_equal(in_flight(f), 1);
    fake_drain(f, NULL, 2);
    assert_int_equal(fake_waiting(f, true), 0);
    fake_free(f);
}

static void
a_swap_into_another_session_sends_again(void **state)
{
    struct fake *f = open_window(NULL);

    (void)state;
    fake_point(f, 1, 1000, "a", 1);
    fake_turn(f);
    fake_restart(f, true);
    fake_forget(f);
    fake_up(f, 2);
    fake_turn(f);
    fake_synced(f, 2);
    fake_turn(f);
    fake_drain(f, NULL, 3);
    uint32_t points = 0;
    for (uint32_t i = 0; i < f->n_sent; i++) {
        points += f->sent[i].m->uplinkmsg ? (uint32_t)f->sent[i].m->uplinkmsg->n_entitydata : 0;
    }
    assert_int_equal(points, 1);
    fake_free(f);
}

static void
a_crash_sends_again_from_the_cursor(void **state)
{
    struct fake *f = open_window(NULL);
    Edge__EdgeConfiguration cfg = fake_config(&fake_edge);

    (void)state;
    fake_point(f, 1, 1000, "a", 1);
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    fake_restart(f, false);
    fake_forget(f);
    fake_up_as(f, 1, &cfg, true);
    fake_turn(f);
    assert_int_equal(in_flight(f), 1);
    fake_drain(f, NULL, 2);
    assert_int_equal(fake_waiting(f, true), 0);
    fake_free(f);
}

static void
damaged_flight_state_is_sent_again(void **state)
{
    static const char *const bad[] = {
        "", "{", "[]", "{\"epoch\":\"77\",\"session\":1,\"read\":5}",
        "{\"epoch\":\"77\",\"session\":1,\"read\":9,\"flights\":[[1,7,0,0],[1],\"x\"],\"items\":[[1,2]],\"ranges\":[[5,3,1,1,1,1,1]]}",
        "{\"epoch\":\"77\",\"session\":1,\"read\":99999999999,\"flights\":[],\"items\":[],\"ranges\":[[0,99999,1,1,1,1,1]]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fake *f = open_window(NULL);
        Edge__EdgeConfiguration cfg = fake_config(&fake_edge);

        fake_point(f, 1, 1000, "a", 1);
        fake_turn(f);
        store_put_state(f->batch, TBE_STR("cloud.flight"), tbe_strz(bad[i]));
        fake_restart(f, false);
        fake_forget(f);
        fake_up_as(f, 1, &cfg, true);
        fake_turn(f);
        assert_int_equal(in_flight(f), 1);
        fake_free(f);
    }
}

/* The general window is bounded, the rest waits in the store. */
static void
a_long_general_queue_drains_in_order(void **state)
{
    struct cloud_limits lim = { .in_flight = 3 };
    struct fake *f = open_window(&lim);
    struct tbe_entity r = fake_id(TBE_ENT_DEVICE, 1);
    uint32_t next = 0;

    (void)state;
    for (uint32_t i = 0; i < 5000; i++) { /* all of one entity: their order must stay */
        char body[300];

        snprintf(body, sizeof(body), "{\"kv\":{\"n\":%u},\"ts\":5,\"scope\":\"SERVER_SCOPE\"}", i);
        fake_event(f, false, CLOUD_KIND_DEVICE, &r, CLOUD_ACTION_ATTRIBUTES_UPDATED, body);
    }
    for (int turns = 0; turns < 100 && (turns == 0 || fake_waiting(f, false) > 0); turns++) {
        fake_turn(f);
        assert_true(in_flight(f) <= 1);
        struct sent *s = fake_uplink(f, 0);
        for (size_t i = 0; s != NULL && i < s->m->uplinkmsg->n_entitydata; i++) {
            assert_int_equal(s->m->uplinkmsg->entitydata[i]->attributesupdatedmsg->kv[0]->long_v, next++);
        }
        if (s != NULL) {
            fake_answer(f, s, true, "");
        }
    }
    assert_int_equal(next, 5000);
    fake_free(f);
}

static void
statistics_go_up_every_minute(void **state)
{
    struct fake *f = open_window(NULL);
    struct tbe_entity edge = { TBE_ENT_EDGE, fake_edge };
    int64_t minute = clock_ms() - clock_ms() % 60000 + 60000;

    (void)state;
    fake_point(f, 1, 1000, "a", 1);
    fake_drain(f, NULL, 1);
    fake_forget(f);
    clock_advance(minute - clock_ms());
    fake_turn(f);
    fake_turn(f);
    const Edge__EntityDataProto *d = data_of(fake_uplink(f, 0), 0);
    assert_string_equal(d->entitytype, "EDGE");
    assert_int_equal(d->entityidmsb, tbe_uuid_msb(&edge.id));
    assert_int_equal(d->posttelemetrymsg->tskvlist[0]->n_kv, 5);
    assert_int_equal(d->posttelemetrymsg->tskvlist[0]->ts, minute);
    assert_string_equal(d->posttelemetrymsg->tskvlist[0]->kv[0]->key, "uplinkMsgsAdded");
    assert_true(d->posttelemetrymsg->tskvlist[0]->kv[1]->long_v >= 1);
    fake_free(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_points_of_many_devices_are_one_message),
        cmocka_unit_test(answers_out_of_order_move_the_cursor_in_order),
        cmocka_unit_test(attributes_of_one_entity_are_in_one_message_at_a_time),
        cmocka_unit_test(an_entity_is_confirmed_before_its_data),
        cmocka_unit_test(names_are_freed_before_they_are_taken),
        cmocka_unit_test(one_poisonous_point_is_isolated),
        cmocka_unit_test(one_poisonous_event_is_isolated),
        cmocka_unit_test(when_all_is_refused_nothing_is_given_up),
        cmocka_unit_test(rate_limits_are_paced),
        cmocka_unit_test(messages_stay_below_the_limits),
        cmocka_unit_test(without_an_answer_it_is_sent_again),
        cmocka_unit_test(a_lost_link_loses_nothing),
        cmocka_unit_test(what_the_link_did_not_send_goes_again),
        cmocka_unit_test(a_swap_neither_loses_nor_repeats),
        cmocka_unit_test(a_swap_into_another_session_sends_again),
        cmocka_unit_test(a_crash_sends_again_from_the_cursor),
        cmocka_unit_test(damaged_flight_state_is_sent_again),
        cmocka_unit_test(a_long_general_queue_drains_in_order),
        cmocka_unit_test(statistics_go_up_every_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
