/* SPDX-License-Identifier: Apache-2.0 */
/* The device state service (facts/device-apis.md 15): connect, disconnect, activity and inactivity as
 * server attributes and rule messages. Reports of activity are gathered for one period of 3 s, so that a
 * busy device costs one attribute write a period, not one a message. */
#include "config.h"

#include "device/hub_internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/random.h"

static int64_t
attr_long(struct device_hub *h, const struct tbe_entity *e, const char *key, int64_t dflt)
{
    struct tbe_kv kv;
    int64_t ts;

    if (!store_attr(h->store, e, STORE_SERVER, tbe_strz(key), &kv, &ts) || kv.type != TBE_KV_LONG) {
        return dflt;
    }
    return kv.u.i;
}

static int64_t
read_timeout(struct device_hub *h, const struct tbe_entity *e)
{
    int64_t t = attr_long(h, e, "inactivityTimeout", HUB_STATE_TIMEOUT_MS);

    return t > 0 ? t : HUB_STATE_TIMEOUT_MS;
}

void
state_load(struct device_hub *h, struct hub_device *d)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };
    struct tbe_kv kv;
    int64_t ts;

    if (d->state.loaded) {
        return;
    }
    d->state.loaded = true;
    d->state.active = store_attr(h->store, &e, STORE_SERVER, TBE_STR("active"), &kv, &ts) &&
                      kv.type == TBE_KV_BOOLEAN && kv.u.b;
    d->state.connect = attr_long(h, &e, "lastConnectTime", 0);
    d->state.activity = attr_long(h, &e, "lastActivityTime", 0);
    d->state.disconnect = attr_long(h, &e, "lastDisconnectTime", 0);
    d->state.inactivity_alarm = attr_long(h, &e, "inactivityAlarmTime", 0);
    d->state.timeout = read_timeout(h, &e);
}

static void
save(struct device_hub *h, struct hub_device *d, struct tbe_kv *kv, uint32_t n)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };
    struct tbe_kvs kvs = { kv, n };

    store_save_attrs(h->batch, &e, STORE_SERVER, clock_ms(), &kvs);
}

#define KV_LONG(k, val) { .key = TBE_STR_INIT(k), .type = TBE_KV_LONG, .u = { .i = (val) } }
#define KV_BOOL(k, val) { .key = TBE_STR_INIT(k), .type = TBE_KV_BOOLEAN, .u = { .b = (val) } }

/* The event as a rule message (15.4). CONNECT_EVENT has no "active". */
static void
event(struct device_hub *h, struct hub_device *d, struct tbe_str type, bool with_active)
{
    struct tbe_msg *m = hub_msg_new(d, type);
    struct tbe_arena *a = tbe_msg_arena(m);
    char active[24];

    tbe_md_put(a, &m->md, TBE_STR("deviceName"), tbe_arena_dup(a, d->name));
    if (d->label.p != NULL) {
        tbe_md_put(a, &m->md, TBE_STR("deviceLabel"), tbe_arena_dup(a, d->label));
    }
    tbe_md_put(a, &m->md, TBE_STR("deviceType"), tbe_arena_dup(a, d->type));
    tbe_md_put(a, &m->md, TBE_STR("scope"), TBE_STR("SERVER_SCOPE"));
    strcpy(active, !with_active ? "" : d->state.active ? "\"active\":true," : "\"active\":false,");
    m->data = tbe_arena_fmt(a,
                            "{%s\"lastConnectTime\":%lld,\"lastActivityTime\":%lld,\"lastDisconnectTime\":%lld,"
                            "\"lastInactivityAlarmTime\":%lld,\"inactivityTimeout\":%lld}",
                            active, (long long)d->state.connect, (long long)d->state.activity,
                            (long long)d->state.disconnect, (long long)d->state.inactivity_alarm,
                            (long long)d->state.timeout);
    hub_submit(h, &m);
}

void
state_activity(struct device_hub *h, struct hub_device *d, int64_t ts)
{
    struct tbe_kv kv[3] = { KV_LONG("lastActivityTime", ts) };
    uint32_t n = 1;
    bool woke;

    state_load(h, d);
    if (ts <= 0 || ts <= d->state.activity) {
        return;
    }
    d->state.activity = ts;
    woke = !d->state.active;
    if (woke) {
        if (ts <= d->state.inactivity_alarm) {
            d->state.inactivity_alarm = 0;
            kv[n++] = (struct tbe_kv)KV_LONG("inactivityAlarmTime", 0);
        }
        d->state.active = true;
        kv[n++] = (struct tbe_kv)KV_BOOL("active", true);
    }
    save(h, d, kv, n);
    if (woke) {
        event(h, d, TBE_STR("ACTIVITY_EVENT"), true);
    }
}

static void
inactive(struct device_hub *h, struct hub_device *d, int64_t now)
{
    struct tbe_kv kv[2] = { KV_LONG("inactivityAlarmTime", now), KV_BOOL("active", false) };

    d->state.inactivity_alarm = now;
    d->state.active = false;
    save(h, d, kv, 2);
    event(h, d, TBE_STR("INACTIVITY_EVENT"), true);
}

static void
check(struct device_hub *h, struct hub_device *d, int64_t now)
{
    if (now >= d->state.activity + d->state.timeout &&
        (d->state.inactivity_alarm == 0 || d->state.inactivity_alarm <= d->state.activity) &&
        d->created + d->state.timeout <= now) {
        inactive(h, d, now);
    }
}

static void
reevaluate(struct device_hub *h, struct hub_device *d)
{
    int64_t now = clock_ms(), last = d->state.activity;

    if (d->state.active) {
        check(h, d, now);
    } else if (now < last + d->state.timeout) {
        struct tbe_kv kv[2] = { KV_BOOL("active", true), KV_LONG("inactivityAlarmTime", 0) };

        d->state.active = true;
        d->state.inactivity_alarm = 0;
        save(h, d, kv, 2);
        event(h, d, TBE_STR("ACTIVITY_EVENT"), true);
    }
}

void
state_connect(struct device_hub *h, struct hub_device *d, int64_t ts)
{
    struct tbe_kv kv = KV_LONG("lastConnectTime", ts);

    state_load(h, d);
    if (ts < 0 || ts <= d->state.connect) {
        return;
    }
    d->state.connect = ts;
    save(h, d, &kv, 1);
    event(h, d, TBE_STR("CONNECT_EVENT"), false);
    reevaluate(h, d);
}

void
state_disconnect(struct device_hub *h, struct hub_device *d, int64_t ts)
{
    struct tbe_kv kv = KV_LONG("lastDisconnectTime", ts);

    state_load(h, d);
    if (ts < 0 || ts <= d->state.disconnect) {
        return;
    }
    d->state.disconnect = ts;
    save(h, d, &kv, 1);
    event(h, d, TBE_STR("DISCONNECT_EVENT"), true);
}

void
state_timeout_changed(struct device_hub *h, struct hub_device *d)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };

    state_load(h, d);
    d->state.timeout = read_timeout(h, &e);
    reevaluate(h, d);
}

void
state_record(struct device_hub *h, struct hub_device *d, int64_t now)
{
    d->state.recorded = now;
    if (!d->state.dirty) {
        d->state.dirty = true;
        d->state.next_dirty = h->dirty;
        h->dirty = d;
    }
}

/* End of a reporting period (3.5, strategy LAST). */
static void
on_report(void *owner, struct hub_timer *t)
{
    struct device_hub *h = owner;
    int64_t now = clock_ms();

    while (h->dirty != NULL) {
        struct hub_device *d = h->dirty;

        h->dirty = d->state.next_dirty;
        d->state.next_dirty = NULL;
        d->state.dirty = false;
        state_activity(h, d, d->state.recorded);
    }
    hub_expire_sessions(h, now);
    hub_timer_set(&h->timers, t, now + HUB_REPORT_MS);
}

static bool
load_one(void *arg, const struct store_entity *e)
{
    struct device_hub *h = arg;
    struct tbe_uuid id = e->id.id;
    struct hub_device *d = hub_device(h, &id);

    if (d != NULL) {
        state_load(h, d);
    }
    return true;
}

/* Every minute: who has been silent for too long (15.2). The first check loads every device. */
static void
on_check(void *owner, struct hub_timer *t)
{
    struct device_hub *h = owner;
    int64_t now = clock_ms();

    if (!h->states_loaded) {
        h->states_loaded = true;
        store_entity_each(h->store, TBE_ENT_DEVICE, load_one, h);
    }
    for (uint32_t i = 0; i < h->devices_cap; i++) {
        for (struct hub_device *d = h->devices[i]; d != NULL; d = d->chain) {
            state_load(h, d);
            check(h, d, now);
        }
    }
    hub_timer_set(&h->timers, t, now + HUB_STATE_CHECK_MS);
}

void
state_start(struct device_hub *h)
{
    int64_t now = clock_ms();

    h->report.fn = on_report;
    h->check.fn = on_check;
    hub_timer_set(&h->timers, &h->report, now + 1 + (int64_t)(random_u64() % HUB_REPORT_MS));
    hub_timer_set(&h->timers, &h->check, now + 1 + (int64_t)(random_u64() % HUB_STATE_CHECK_MS));
}
