/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting, whose tenant the edge is, syncs, answers to downlinks, swaps and lost links. */
#include "config.h"

#include "tests/unit/cloud/fake_link.h"

static uint32_t
syncs(const struct fake *f, bool full)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->n_sent; i++) {
        const Edge__SyncRequestMsg *s = f->sent[i].m->syncrequestmsg;

        assert_true(s == NULL || s->_full_sync_case == EDGE__SYNC_REQUEST_MSG___FULL_SYNC_FULL_SYNC);
        n += s != NULL && (bool)s->fullsync == full;
    }
    return n;
}

static uint32_t
uplinks(const struct fake *f)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->n_sent; i++) {
        n += f->sent[i].m->uplinkmsg != NULL;
    }
    return n;
}

static const Edge__DownlinkResponseMsg *
answer_of(const struct fake *f, int32_t id)
{
    const Edge__DownlinkResponseMsg *found = NULL;

    for (uint32_t i = 0; i < f->n_sent; i++) {
        const Edge__DownlinkResponseMsg *d = f->sent[i].m->downlinkresponsemsg;

        if (d != NULL && d->downlinkmsgid == id) {
            assert_null(found); /* once */
            assert_true(f->sent[i].held);
            assert_int_equal(f->sent[i].m->msgtype, EDGE__REQUEST_MSG_TYPE__UPLINK_RPC_MESSAGE);
            found = d;
        }
    }
    return found;
}

static void
first_connect_syncs_fully(void **state)
{
    struct fake *f = fake_new(NULL);
    struct tbe_entity edge = { TBE_ENT_EDGE, fake_edge };

    (void)state;
    fake_up(f, 1);
    fake_turn(f);
    assert_int_equal(syncs(f, true), 1);
    assert_int_equal(syncs(f, false), 0);
    assert_int_equal(uplinks(f), 0); /* nothing goes up while it runs */
    assert_non_null(store_entity(f->store, &edge));
    assert_true(tbe_uuid_eq(store_tenant(f->store), &fake_tenant));
    fake_synced(f, 1);
    fake_turn(f);
    assert_non_null(answer_of(f, 99));
    assert_int_equal(uplinks(f), 1);
    assert_int_equal(f->n_confirmed, 1);
    const Edge__UplinkMsg *u = fake_uplink(f, 0)->m->uplinkmsg;
    assert_int_equal(u->n_attributesrequestmsg, 2); /* TENANT (asked twice, said once), EDGE */
    assert_int_equal(u->n_relationrequestmsg, 2);
    fake_free(f);
}

static void
every_later_connect_syncs_partially(void **state)
{
    struct fake *f = fake_new(NULL);

    (void)state;
    fake_ready(f);
    fake_down(f, 1);
    fake_turn(f);
    fake_up(f, 2);
    fake_turn(f);
    assert_int_equal(syncs(f, false), 1);
    assert_int_equal(syncs(f, true), 0);
    fake_free(f);
}

static void
an_interrupted_full_sync_is_full_again(void **state)
{
    struct fake *f = fake_new(NULL);

    (void)state;
    fake_up(f, 1);
    fake_turn(f);
    fake_down(f, 1);
    fake_turn(f);
    fake_restart(f, false);
    fake_forget(f);
    fake_up(f, 2);
    fake_turn(f);
    assert_int_equal(syncs(f, true), 1);
    fake_free(f);
}

static void
a_silent_sync_is_asked_for_again(void **state)
{
    struct fake *f = fake_new(NULL);

    (void)state;
    fake_up(f, 1);
    fake_turn(f);
    clock_advance(179999);
    fake_turn(f);
    assert_int_equal(syncs(f, true), 1);
    clock_advance(1);
    fake_turn(f);
    assert_int_equal(syncs(f, true), 2);
    fake_free(f);
}

/* A swap in the middle of a session: nothing is asked for a second time. */
static void
a_swap_goes_on_with_the_session(void **state)
{
    struct fake *f = fake_new(NULL);
    Edge__EdgeConfiguration cfg = fake_config(&fake_edge);

    (void)state;
    fake_ready(f);
    fake_restart(f, true);
    fake_up_as(f, 1, &cfg, true);
    fake_turn(f);
    assert_int_equal(f->n_sent, 0);
    fake_point(f, 1, 1000, "a", 1);
    fake_turn(f);
    assert_int_equal(uplinks(f), 1); /* and it sends */
    fake_free(f);
}

static void
a_swap_in_a_sync_waits_for_its_end(void **state)
{
    struct fake *f = fake_new(NULL);
    Edge__EdgeConfiguration cfg = fake_config(&fake_edge);

    (void)state;
    fake_up(f, 1);
    fake_turn(f);
    fake_restart(f, true);
    fake_forget(f);
    fake_up_as(f, 1, &cfg, true);
    fake_turn(f);
    assert_int_equal(f->n_sent, 0);
    fake_synced(f, 1);
    fake_turn(f);
    assert_non_null(answer_of(f, 99));
    assert_int_equal(uplinks(f), 1);
    fake_free(f);
}

static bool
has(struct tbe_str s, const char *what)
{
    return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* What the edge had before moves over to the cloud's tenant and is announced. */
static void
local_entities_join_the_tenant(void **state)
{
    struct fake *f = fake_new(NULL);
    struct tbe_entity old = { TBE_ENT_TENANT, fake_local }, new = { TBE_ENT_TENANT, fake_tenant };
    struct tbe_kv kv = { .key = TBE_STR_INIT("site"), .type = TBE_KV_STRING, .s = TBE_STR_INIT("A") }, got;
    struct tbe_kvs kvs = { &kv, 1 };
    struct hub_new_device d = { .name = TBE_STR_INIT("dev-1") };
    struct tbe_entity dev = { .type = TBE_ENT_DEVICE };
    char err[256];
    int64_t ts;

    (void)state;
    assert_int_equal(hub_device_create(f->hub, &d, &dev.id, err), 0);
    store_save_attrs(f->batch, &old, STORE_SERVER, 5, &kvs);
    fake_turn(f);
    assert_int_equal(fake_waiting(f, false), 0); /* no cloud yet: no events */
    fake_up(f, 1);
    fake_turn(f);
    assert_null(store_entity(f->store, &old));
    assert_non_null(store_entity(f->store, &new));
    assert_true(store_attr(f->store, &new, STORE_SERVER, TBE_STR("site"), &got, &ts));
    assert_int_equal(ts, 5);
    assert_true(has(store_entity(f->store, &dev)->json, "91090590-e691-11f1-beeb-998483c8d1f1"));
    assert_false(has(store_entity(f->store, &dev)->json, "01020304-0506-11ee-8000-000000000009"));
    fake_synced(f, 1);
    fake_drain(f, NULL, 3);
    uint32_t announced = 0;
    for (uint32_t i = 0; i < f->n_sent; i++) {
        announced += f->sent[i].m->uplinkmsg ? (uint32_t)f->sent[i].m->uplinkmsg->n_deviceupdatemsg : 0;
    }
    assert_int_equal(announced, 1);
    fake_free(f);
}

static void
another_edge_begins_anew(void **state)
{
    struct fake *f = fake_new(NULL);
    struct hub_new_device d = { .name = TBE_STR_INIT("dev-1") };
    struct tbe_entity dev = { .type = TBE_ENT_DEVICE };
    struct tbe_uuid other = fake_edge;
    char err[256];

    (void)state;
    fake_ready(f);
    assert_int_equal(hub_device_create(f->hub, &d, &dev.id, err), 0);
    fake_point(f, 1, 1000, "a", 1);
    store_commit(f->store, &f->batch);
    fake_new_batch(f);
    assert_true(fake_waiting(f, true) > 0 && fake_waiting(f, false) > 0);
    fake_down(f, 1);
    other.b[15]++;
    Edge__EdgeConfiguration cfg = fake_config(&other);
    fake_up_as(f, 2, &cfg, false);
    fake_turn(f);
    assert_null(store_entity(f->store, &dev));
    assert_int_equal(fake_waiting(f, true), 0);
    assert_int_equal(syncs(f, true), 1);
    assert_true(tbe_uuid_eq(store_tenant(f->store), &fake_tenant));
    fake_synced(f, 2);
    fake_turn(f);
    assert_non_null(store_default_profile(f->store, TBE_ENT_DEVICE_PROFILE));
    assert_true(tbe_uuid_eq(&cloud_edge(f->cloud)->id, &other));
    fake_free(f);
}

static void
another_kind_of_cloud_is_refused(void **state)
{
    struct fake *f = fake_new(NULL);
    Edge__EdgeConfiguration cfg = fake_config(&fake_edge);
    struct tbe_buf b = { 0 };

    (void)state;
    cfg.cloudtype = TEXT("PE");
    fake_point(f, 1, 1000, "a", 1);
    fake_up_as(f, 1, &cfg, false);
    fake_turn(f);
    assert_int_equal(f->n_sent, 0);
    assert_null(cloud_edge(f->cloud));
    assert_true(has(fake_status(f, &b), "\"state\":\"refused\""));
    assert_true(tbe_uuid_eq(store_tenant(f->store), &fake_local));
    tbe_buf_free(&b);
    fake_free(f);
}

static void
downlinks_are_answered_once_and_in_their_session(void **state)
{
    struct fake *f = fake_new(NULL);
    Edge__DownlinkMsg d = EDGE__DOWNLINK_MSG__INIT;
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;

    (void)state;
    fake_ready(f);
    d.downlinkmsgid = 7;
    m.downlinkmsg = &d;
    fake_say(f, 1, &m, true); /* applied by an earlier worker: only answered */
    assert_true(answer_of(f, 7)->success);
    fake_forget(f);
    fake_down(f, 1);
    fake_say(f, 1, &m, true); /* its stream is gone */
    assert_null(answer_of(f, 7));
    assert_int_equal(f->confirmed, f->seq);
    fake_free(f);
}

/* A 3.7 cloud's field 30 makes protobuf-c refuse the message. */
static void
reused_fields_are_left_out(void **state)
{
    struct fake *f = fake_new(NULL);
    /* ResponseMsg{3: DownlinkMsg{1: 5, 30: {1: "text"}, 2: SyncCompletedMsg{}}} */
    static const uint8_t old[] = { 0x1a, 13, 0x08, 5, 0xf2, 0x01, 6, 0x0a, 4, 't', 'e', 'x', 't', 0x12, 0 };

    (void)state;
    fake_up(f, 1);
    fake_turn(f);
    cloud_frame(f->cloud, ++f->seq, 1, (struct tbe_str){ (const char *)old, sizeof(old) }, false);
    fake_turn(f);
    assert_non_null(answer_of(f, 5));
    assert_int_equal(uplinks(f), 1); /* the sync has ended */
    fake_free(f);
}

static void
unreadable_messages_do_not_block(void **state)
{
    struct fake *f = fake_new(NULL);
    /* DownlinkMsg{1: 6, 5: DeviceUpdateMsg that is cut off} */
    static const uint8_t bad[] = { 0x1a, 6, 0x08, 6, 0x2a, 2, 0x10, 0x80 };
    static const uint8_t junk[] = { 0xff, 0xff, 0xff, 0xff };
    /* a field of 2 bytes, then a DownlinkMsg said to be 2 bytes long of which none is there */
    static const uint8_t cut[] = { 0x22, 2, 'x', 'y', 0x1a, 2 };

    (void)state;
    fake_ready(f);
    cloud_frame(f->cloud, ++f->seq, 1, (struct tbe_str){ (const char *)bad, sizeof(bad) }, false);
    assert_non_null(answer_of(f, 6));
    assert_true(answer_of(f, 6)->success); /* else it would come for ever (5.2) */
    cloud_frame(f->cloud, ++f->seq, 1, (struct tbe_str){ (const char *)junk, sizeof(junk) }, false);
    char *exact = malloc(sizeof(cut)); /* a read past it is seen by the sanitizer */
    memcpy(exact, cut, sizeof(cut));
    cloud_frame(f->cloud, ++f->seq, 1, (struct tbe_str){ exact, sizeof(cut) }, false);
    free(exact);
    cloud_frame(f->cloud, ++f->seq, 1, TBE_STR_NONE, false);
    assert_int_equal(f->confirmed, f->seq);
    fake_turn(f);
    fake_free(f);
}

static void
a_new_customer_asks_for_a_sync_after_the_answer(void **state)
{
    struct fake *f = fake_new(NULL);
    Edge__EdgeConfiguration cfg = fake_config(&fake_edge);
    Edge__DownlinkMsg d = EDGE__DOWNLINK_MSG__INIT;
    struct tbe_entity customer = fake_id(TBE_ENT_CUSTOMER, 5);

    (void)state;
    fake_ready(f);
    d.downlinkmsgid = 8;
    d.edgeconfiguration = &cfg;
    fake_downlink(f, 1, &d);
    fake_turn(f);
    assert_int_equal(syncs(f, false), 0); /* the same customer: none */
    fake_forget(f);
    cfg.customeridmsb = tbe_uuid_msb(&customer.id);
    cfg.customeridlsb = tbe_uuid_lsb(&customer.id);
    fake_downlink(f, 1, &d);
    assert_int_equal(f->n_sent, 2);
    assert_non_null(f->sent[0].m->downlinkresponsemsg);
    assert_non_null(f->sent[1].m->syncrequestmsg);
    assert_true(f->sent[1].held);
    fake_turn(f);
    assert_non_null(store_entity(f->store, &customer));
    fake_synced(f, 1);
    fake_downlink(f, 1, &d); /* it comes again after the sync: no second one */
    fake_turn(f);
    assert_int_equal(syncs(f, false), 1);
    fake_free(f);
}

static void
an_edge_update_asks_for_no_sync(void **state)
{
    struct fake *f = fake_new(NULL);
    Edge__EdgeConfiguration cfg = fake_config(&fake_edge);
    Edge__EdgeUpdateMsg u = EDGE__EDGE_UPDATE_MSG__INIT;
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;

    (void)state;
    fake_ready(f);
    cfg.name = TEXT("renamed");
    u.configuration = &cfg;
    m.edgeupdatemsg = &u;
    fake_say(f, 1, &m, false);
    fake_turn(f);
    assert_int_equal(syncs(f, false) + syncs(f, true), 0);
    assert_true(tbe_str_eqz(cloud_edge(f->cloud)->name, "renamed"));
    assert_int_equal(uplinks(f), 1); /* EDGE attributes and relations */
    assert_int_equal(fake_uplink(f, 0)->m->uplinkmsg->n_attributesrequestmsg, 1);
    fake_free(f);
}

/* What a downlink does is not told back; what is done here is. */
static void
mute_while_applying(void **state)
{
    struct fake *f = fake_new(NULL);
    struct tbe_entity e = fake_id(TBE_ENT_DEVICE, 1);

    (void)state;
    fake_ready(f);
    hub_cloud_mute(f->hub, true);
    hub_cloud_event(f->hub, CLOUD_KIND_DEVICE, &e, CLOUD_ACTION_DELETED, TBE_STR_NONE);
    hub_cloud_mute(f->hub, false);
    hub_cloud_event(f->hub, CLOUD_KIND_DEVICE, &e, CLOUD_ACTION_DELETED, TBE_STR_NONE);
    fake_turn(f);
    assert_int_equal(fake_uplink(f, 0)->m->uplinkmsg->n_deviceupdatemsg, 1);
    fake_free(f);
}

static void
the_status_tells_state_and_secrets_stay(void **state)
{
    struct fake *f = fake_new(NULL);
    struct tbe_buf b = { 0 };

    (void)state;
    assert_true(has(fake_status(f, &b), "\"state\":\"off\""));
    fake_up(f, 1);
    fake_turn(f);
    assert_true(has(fake_status(f, &b), "\"state\":\"syncing\""));
    fake_synced(f, 1);
    fake_drain(f, NULL, 2);
    assert_true(has(fake_status(f, &b), "\"state\":\"connected\""));
    assert_true(has(fake_status(f, &b), "\"edgeName\":\"edge-1\""));
    fake_down(f, 1);
    fake_turn(f);
    assert_true(has(fake_status(f, &b), "\"state\":\"waiting\""));
    assert_true(has(fake_status(f, &b), "\"error\":\"gone\""));
    assert_false(has(fake_status(f, &b), "sec\""));
    tbe_buf_free(&b);
    fake_free(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_connect_syncs_fully),
        cmocka_unit_test(every_later_connect_syncs_partially),
        cmocka_unit_test(an_interrupted_full_sync_is_full_again),
        cmocka_unit_test(a_silent_sync_is_asked_for_again),
        cmocka_unit_test(a_swap_goes_on_with_the_session),
        cmocka_unit_test(a_swap_in_a_sync_waits_for_its_end),
        cmocka_unit_test(local_entities_join_the_tenant),
        cmocka_unit_test(another_edge_begins_anew),
        cmocka_unit_test(another_kind_of_cloud_is_refused),
        cmocka_unit_test(downlinks_are_answered_once_and_in_their_session),
        cmocka_unit_test(reused_fields_are_left_out),
        cmocka_unit_test(unreadable_messages_do_not_block),
        cmocka_unit_test(a_new_customer_asks_for_a_sync_after_the_answer),
        cmocka_unit_test(an_edge_update_asks_for_no_sync),
        cmocka_unit_test(mute_while_applying),
        cmocka_unit_test(the_status_tells_state_and_secrets_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
