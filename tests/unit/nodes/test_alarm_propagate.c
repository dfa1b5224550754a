/* SPDX-License-Identifier: Apache-2.0 */
/* Where propagated alarms are shown: the bound, circles, and what deleting and a new tenant leave. The cases of the node
 * are in tests/nodes/create_alarm.yaml. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "nodes/alarm_propagate.h"

static struct store *s;
static struct store_batch *b;

static int
setup(void **state)
{
    char err[256];
    struct store_options o = { .sync_commit = true };
    (void)state;
    assert_int_equal(store_open(&s, &o, NULL, err), 0);
    b = store_batch_new(s);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    store_commit(s, &b);
    store_close(s);
    return 0;
}

static void
commit(void)
{
    store_commit(s, &b);
    b = store_batch_new(s);
}

static struct tbe_entity
entity(enum tbe_entity_type type, unsigned n)
{
    struct tbe_entity e = { .type = type };
    e.id.b[0] = 1;
    e.id.b[14] = (uint8_t)(n >> 8);
    e.id.b[15] = (uint8_t)n;
    return e;
}

static void
relate(struct tbe_entity from, struct tbe_entity to)
{
    struct store_relation r = { .from = from, .to = to, .type = TBE_STR("Contains") };
    store_put_relation(b, &r);
}

static struct store_alarm
raise_alarm(struct tbe_entity at)
{
    struct store_alarm a = { .originator = at, .type = TBE_STR("T"), .severity = TBE_STR("MAJOR"), .created = 5, .start = 5,
                             .end = 5, .propagate = true, .customer = tbe_uuid_null, .assignee = tbe_uuid_null,
                             .details = TBE_STR("{}") };
    tbe_uuid_random(&a.id);
    store_put_alarm(b, &a);
    alarm_propagate(s, b, &a);
    commit();
    return a;
}

static bool
count_one(void *arg, const struct store_alarm *a)
{
    (void)a;
    ++*(unsigned *)arg;
    return true;
}

static unsigned
shown(struct tbe_entity at)
{
    unsigned n = 0;
    store_alarm_shown_each(s, &at, count_one, &n);
    return n;
}

/* How many of `parents` entities above one device show its alarm. */
static unsigned
shown_of(unsigned parents)
{
    const struct tbe_entity device = entity(TBE_ENT_DEVICE, 0);
    unsigned n = 0;
    for (unsigned i = 0; i < parents; i++) {
        relate(entity(TBE_ENT_ASSET, i + 1), device);
    }
    raise_alarm(device);
    for (unsigned i = 0; i < parents; i++) {
        n += shown(entity(TBE_ENT_ASSET, i + 1));
    }
    return n;
}

static void
at_the_bound(void **state)
{
    (void)state;
    assert_int_equal(shown_of(ALARM_PROPAGATE_MAX), ALARM_PROPAGATE_MAX);
}

static void
past_the_bound(void **state)
{
    (void)state;
    assert_int_equal(shown_of(ALARM_PROPAGATE_MAX + 1), ALARM_PROPAGATE_MAX);
}

static void
circles(void **state)
{
    const struct tbe_entity d = entity(TBE_ENT_DEVICE, 0), x = entity(TBE_ENT_ASSET, 1), y = entity(TBE_ENT_ASSET, 2);
    (void)state;
    relate(x, d);
    relate(y, x);
    relate(d, y);
    relate(x, x);
    raise_alarm(d);
    assert_int_equal(shown(x), 1);
    assert_int_equal(shown(y), 1);
    assert_int_equal(shown(d), 0); /* it is its own */
}

static void
deleting(void **state)
{
    const struct tbe_entity d = entity(TBE_ENT_DEVICE, 0), x = entity(TBE_ENT_ASSET, 1), y = entity(TBE_ENT_ASSET, 2);
    struct store_entity e = { .id = d, .name = TBE_STR("d"), .json = TBE_STR("{}"), .customer = tbe_uuid_null,
                              .profile = tbe_uuid_null };
    (void)state;
    store_put_entity(b, &e);
    e.id = y;
    e.name = TBE_STR("y");
    store_put_entity(b, &e);
    relate(x, d);
    relate(y, d);
    struct store_alarm first = raise_alarm(d);
    raise_alarm(d);
    assert_int_equal(shown(x), 2);
    store_delete_alarm(b, &first.id);
    commit();
    assert_int_equal(shown(x), 1);
    assert_int_equal(shown(y), 1);
    store_delete_entity(b, &y);
    commit();
    assert_int_equal(shown(y), 0);
    assert_int_equal(shown(x), 1);
    store_delete_entity(b, &d); /* its alarms go with it */
    commit();
    assert_int_equal(shown(x), 0);
}

static void
a_new_tenant(void **state)
{
    struct tbe_entity d = entity(TBE_ENT_DEVICE, 0), tenant = { TBE_ENT_TENANT, *store_tenant(s) };
    struct store_alarm a = { .originator = d, .type = TBE_STR("T"), .severity = TBE_STR("MAJOR"), .propagate_tenant = true,
                             .customer = tbe_uuid_null, .assignee = tbe_uuid_null, .details = TBE_STR("{}") };
    struct tbe_uuid other;
    (void)state;
    tbe_uuid_random(&a.id);
    tbe_uuid_random(&other);
    store_put_alarm(b, &a);
    alarm_propagate(s, b, &a);
    alarm_propagate(s, b, &a); /* again: nothing */
    commit();
    assert_int_equal(shown(tenant), 1);
    store_tenant_set(b, &other);
    commit();
    assert_int_equal(shown(tenant), 0);
    tenant.id = other;
    assert_int_equal(shown(tenant), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(at_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(past_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(circles, setup, teardown),
        cmocka_unit_test_setup_teardown(deleting, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_tenant, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
