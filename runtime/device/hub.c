/* SPDX-License-Identifier: Apache-2.0 */
/* The hub: tables of devices, profiles and sessions, and what opening and closing a session means
 * (facts/device-apis.md 3). Owns the memory of devices and profiles; sessions belong to the transports. */
#include "config.h"

#include "device/hub_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

static METRIC_GAUGE(m_connected, "tbedge_devices_connected", "Devices with an open session.");
static METRIC_COUNTER(m_takeovers, "tbedge_sessions_taken_over_total", "Sessions closed by a newer one of the same device.");

uint32_t
hub_uuid_hash(const struct tbe_uuid *u)
{
    uint64_t a, b;

    memcpy(&a, u->b, 8);
    memcpy(&b, u->b + 8, 8);
    a = (a ^ (b * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu;
    return (uint32_t)(a >> 32);
}

struct device_hub *
hub_new(struct store *s, const char *service_id)
{
    struct device_hub *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return NULL;
    }
    h->store = s;
    h->service_id = strdup(service_id ? service_id : "tbedge");
    h->timers.owner = h;
    tbe_arena_init(&h->scratch, 0);
    metric_register(&m_connected);
    metric_register(&m_takeovers);
    metric_set(&m_connected, 0);
    telemetry_metrics();
    state_start(h);
    return h;
}

static void
device_free(struct hub_device *d)
{
    free((char *)d->name.p);
    free(d);
}

void
hub_free(struct device_hub *h)
{
    if (h == NULL) {
        return;
    }
    rpc_free(h);
    for (uint32_t i = 0; i < h->devices_cap; i++) {
        while (h->devices[i] != NULL) {
            struct hub_device *d = h->devices[i];

            h->devices[i] = d->chain;
            device_free(d);
        }
    }
    for (uint32_t i = 0; i < h->profiles_cap; i++) {
        while (h->profiles[i] != NULL) {
            struct hub_profile *p = h->profiles[i];

            h->profiles[i] = p->chain;
            profile_free(p);
        }
    }
    free(h->devices);
    free(h->profiles);
    free(h->sessions);
    hub_timers_free(&h->timers);
    tbe_arena_free(&h->scratch);
    tbe_buf_free(&h->text);
    free(h->service_id);
    free(h);
}

void
hub_engine_set(struct device_hub *h, struct tbe_engine *e)
{
    h->engine = e;
}

const char *
hub_service_id(struct device_hub *h)
{
    return h->service_id;
}

void
hub_batch_set(struct device_hub *h, struct store_batch *b)
{
    h->batch = b;
}

struct store *
hub_store(struct device_hub *h)
{
    return h->store;
}

struct store_batch *
hub_batch(struct device_hub *h)
{
    return h->batch;
}

uint32_t
hub_connected(const struct device_hub *h)
{
    return h->connected;
}

void
hub_submit(struct device_hub *h, struct tbe_msg **m)
{
    if (h->engine == NULL) { /* a command without a daemon: no chains run */
        tbe_msg_unref(*m);
        *m = NULL;
        return;
    }
    engine_submit_take(h->engine, m);
}

void
hub_msg_names(struct tbe_arena *a, struct tbe_md *md, const struct hub_device *d)
{
    tbe_md_put(a, md, TBE_STR("deviceName"), tbe_arena_dup(a, d->name));
    tbe_md_put(a, md, TBE_STR("deviceType"), tbe_arena_dup(a, d->type));
}

struct tbe_msg *
hub_msg_new(struct hub_device *d, struct tbe_str type)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };
    struct tbe_msg *m = tbe_msg_new(type, e);

    m->customer = d->customer;
    if (d->profile != NULL && d->profile->queue.p != NULL) {
        m->queue = tbe_arena_dup(tbe_msg_arena(m), d->profile->queue);
    }
    return m;
}

/* Hash tables of pointers with an intrusive chain; doubled when full. ------------------------------- */

#define TABLE_GROW(h, name, type)                                                        \
    do {                                                                                 \
        if ((h)->n_##name >= (h)->name##_cap) {                                          \
            uint32_t cap_ = (h)->name##_cap ? (h)->name##_cap * 2 : 64;                  \
            type **t_ = calloc(cap_, sizeof(*t_));                                       \
            if (t_ != NULL) {                                                            \
                for (uint32_t i_ = 0; i_ < (h)->name##_cap; i_++) {                      \
                    while ((h)->name[i_] != NULL) {                                      \
                        type *e_ = (h)->name[i_];                                        \
                        uint32_t k_ = hub_uuid_hash(&e_->id) & (cap_ - 1);               \
                        (h)->name[i_] = e_->chain;                                       \
                        e_->chain = t_[k_];                                              \
                        t_[k_] = e_;                                                     \
                    }                                                                    \
                }                                                                        \
                free((h)->name);                                                         \
                (h)->name = t_;                                                          \
                (h)->name##_cap = cap_;                                                  \
            }                                                                            \
        }                                                                                \
    } while (0)

static struct hub_device **
device_slot(struct device_hub *h, const struct tbe_uuid *id)
{
    struct hub_device **p;

    if (h->devices_cap == 0) {
        return NULL;
    }
    for (p = &h->devices[hub_uuid_hash(id) & (h->devices_cap - 1)]; *p != NULL; p = &(*p)->chain) {
        if (tbe_uuid_eq(&(*p)->id, id)) {
            return p;
        }
    }
    return NULL;
}

/* name, type and label share one allocation, which d->name.p owns. */
static bool
device_read(struct device_hub *h, struct hub_device *d, const struct store_entity *e)
{
    size_t n = e->name.n + e->kind.n + e->label.n + 3;
    char *p = malloc(n), *q = p;
    struct hub_profile *profile;
    tbe_val json;

    if (p == NULL) {
        return false;
    }
    free((char *)d->name.p);
    memcpy(q, e->name.p, e->name.n);
    d->name = (struct tbe_str){ q, e->name.n };
    q += e->name.n + 1;
    memcpy(q, e->kind.p ? e->kind.p : "", e->kind.n);
    d->type = (struct tbe_str){ q, e->kind.n };
    q += e->kind.n + 1;
    d->label = TBE_STR_NONE;
    if (e->label.p != NULL) {
        memcpy(q, e->label.p, e->label.n);
        d->label = (struct tbe_str){ q, e->label.n };
    }
    d->customer = e->customer;
    d->created = e->created;
    profile = hub_profile(h, &e->profile);
    if (profile == NULL) {
        const struct store_entity *p0 = store_default_profile(h->store, TBE_ENT_DEVICE_PROFILE);
        struct tbe_uuid pid = p0 ? p0->id.id : tbe_uuid_null;

        profile = p0 ? hub_profile(h, &pid) : d->profile;
    }
    d->profile = profile;
    d->gateway = d->overwrite_activity = false;
    tbe_arena_reset(&h->scratch);
    if (e->json.n > 0 && tbe_json_parse(&h->scratch, e->json, TBE_JSON_JAVA, &json, NULL) == 0) {
        tbe_val info = json_get(json, "additionalInfo");

        d->gateway = json_bool(info, "gateway");
        d->overwrite_activity = json_bool(info, "overwriteActivityTime");
    }
    d->stale = false;
    return true;
}

struct hub_device *
hub_device(struct device_hub *h, const struct tbe_uuid *id)
{
    struct hub_device **slot = device_slot(h, id), *d;
    const struct store_entity *e;
    struct tbe_entity ent = { TBE_ENT_DEVICE, *id };

    if (slot != NULL && !(*slot)->stale) {
        return *slot;
    }
    e = store_entity(h->store, &ent);
    if (e == NULL) {
        return NULL;
    }
    if (slot != NULL) {
        device_read(h, *slot, e);
        return *slot;
    }
    d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return NULL;
    }
    d->id = *id;
    d->calls_end = &d->calls;
    if (!device_read(h, d, e)) {
        free(d);
        return NULL;
    }
    TABLE_GROW(h, devices, struct hub_device);
    if (h->devices_cap == 0) {
        device_free(d);
        return NULL;
    }
    d->chain = h->devices[hub_uuid_hash(id) & (h->devices_cap - 1)];
    h->devices[hub_uuid_hash(id) & (h->devices_cap - 1)] = d;
    h->n_devices++;
    return d;
}

struct hub_device *
hub_device_by_name(struct device_hub *h, struct tbe_str name)
{
    const struct store_entity *e = store_entity_by_name(h->store, TBE_ENT_DEVICE, name);
    struct tbe_uuid id;

    if (e == NULL) {
        return NULL;
    }
    id = e->id.id;
    return hub_device(h, &id);
}

struct hub_profile *
hub_profile(struct device_hub *h, const struct tbe_uuid *id)
{
    struct hub_profile *p;
    struct tbe_entity ent = { TBE_ENT_DEVICE_PROFILE, *id };
    const struct store_entity *e;

    if (h->profiles_cap > 0) {
        for (p = h->profiles[hub_uuid_hash(id) & (h->profiles_cap - 1)]; p != NULL; p = p->chain) {
            if (tbe_uuid_eq(&p->id, id)) {
                return p;
            }
        }
    }
    e = store_entity(h->store, &ent);
    if (e == NULL) {
        return NULL;
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    p->id = *id;
    profile_load(p, e);
    TABLE_GROW(h, profiles, struct hub_profile);
    if (h->profiles_cap == 0) {
        profile_free(p);
        return NULL;
    }
    p->chain = h->profiles[hub_uuid_hash(id) & (h->profiles_cap - 1)];
    h->profiles[hub_uuid_hash(id) & (h->profiles_cap - 1)] = p;
    h->n_profiles++;
    return p;
}

/* Sessions ----------------------------------------------------------------------------------------- */

static void
session_unlink(struct device_hub *h, struct hub_session *s)
{
    struct hub_device *d = s->dev;
    struct hub_session **p;

    if (s->prev != NULL) {
        s->prev->next = s->next;
    } else {
        d->sessions = s->next;
    }
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    if (s->all_prev != NULL) {
        s->all_prev->all_next = s->all_next;
    } else if (h->all_sessions == s) {
        h->all_sessions = s->all_next;
    }
    if (s->all_next != NULL) {
        s->all_next->all_prev = s->all_prev;
    }
    for (p = &h->sessions[hub_uuid_hash(&s->id) & (h->sessions_cap - 1)]; *p != NULL; p = &(*p)->chain) {
        if (*p == s) {
            *p = s->chain;
            h->n_sessions--;
            break;
        }
    }
    s->next = s->prev = s->all_next = s->all_prev = s->chain = NULL;
    s->open = s->attributes_on = s->rpc_on = false;
    client_rpc_session_gone(h, s);
    if (s->async && --d->n_async == 0) {
        h->connected--;
        metric_set(&m_connected, h->connected);
    }
}

/* The oldest async session over the limit goes (3.3). */
static void
take_over(struct device_hub *h, struct hub_device *d, const struct hub_session *keep)
{
    while (d->n_async > HUB_SESSIONS_PER_DEVICE) {
        struct hub_session *oldest = NULL;

        for (struct hub_session *s = d->sessions; s != NULL; s = s->next) {
            if (s->async && s != keep) {
                oldest = s;
            }
        }
        if (oldest == NULL) {
            break;
        }
        metric_add(&m_takeovers, 1);
        session_unlink(h, oldest);
        rpc_session_gone(h, oldest);
        oldest->ops->close(oldest, HUB_CLOSE_TAKEOVER);
    }
}

void
hub_session_open(struct device_hub *h, struct hub_session *s, struct hub_device *d, bool silent)
{
    int64_t now = clock_ms();
    uint32_t k;

    if (tbe_uuid_is_null(&s->id)) {
        tbe_uuid_random(&s->id);
    }
    TABLE_GROW(h, sessions, struct hub_session);
    if (h->sessions_cap == 0) {
        abort(); /* not even 64 pointers at the first session */
    }
    k = hub_uuid_hash(&s->id) & (h->sessions_cap - 1);
    s->chain = h->sessions[k];
    h->sessions[k] = s;
    h->n_sessions++;
    s->dev = d;
    s->open = true;
    s->last_activity = now;
    s->prev = NULL;
    s->next = d->sessions;
    if (s->next != NULL) {
        s->next->prev = s;
    }
    d->sessions = s;
    if (!s->async) {
        return;
    }
    s->all_next = h->all_sessions;
    if (s->all_next != NULL) {
        s->all_next->all_prev = s;
    }
    h->all_sessions = s;
    if (d->n_async++ == 0) {
        h->connected++;
        metric_set(&m_connected, h->connected);
    }
    take_over(h, d, s);
    if (!silent) {
        state_connect(h, d, now);
        state_activity(h, d, now);
    }
}

void
hub_session_close(struct device_hub *h, struct hub_session *s, bool silent)
{
    struct hub_device *d = s->dev;

    if (!s->open) {
        return;
    }
    session_unlink(h, s);
    rpc_session_gone(h, s);
    if (s->async && d->n_async == 0 && !silent) {
        state_disconnect(h, d, clock_ms());
    }
}

void
hub_subscribe_attributes(struct hub_session *s, bool on)
{
    s->attributes_on = on && s->open;
}

void
hub_subscribe_rpc(struct device_hub *h, struct hub_session *s, bool on)
{
    bool was = s->rpc_on;

    s->rpc_on = on && s->open;
    if (s->rpc_on && !was) {
        rpc_subscribed(h, s);
    }
}

void
hub_subscribe_rpc_silent(struct hub_session *s)
{
    s->rpc_on = s->open;
}

void
hub_session_activity(struct device_hub *h, struct hub_session *s)
{
    if (s->open) {
        s->last_activity = clock_ms();
        state_record(h, s->dev, s->last_activity);
    }
}

void
hub_device_activity(struct device_hub *h, struct hub_device *d)
{
    state_record(h, d, clock_ms());
}

static void
close_all(struct device_hub *h, struct hub_device *d, enum hub_close why, bool events)
{
    bool had = d->n_async > 0;

    while (d->sessions != NULL) {
        struct hub_session *s = d->sessions;

        session_unlink(h, s);
        rpc_session_gone(h, s);
        s->ops->close(s, why);
    }
    if (had && events) {
        state_disconnect(h, d, clock_ms());
    }
}

void
hub_device_changed(struct device_hub *h, const struct tbe_uuid *id)
{
    struct hub_device **slot = device_slot(h, id);

    if (slot != NULL) {
        (*slot)->stale = true;
        (void)hub_device(h, id);
    }
}

void
hub_device_deleted(struct device_hub *h, const struct tbe_uuid *id)
{
    struct hub_device **slot = device_slot(h, id), *d;

    if (slot == NULL) {
        return;
    }
    d = *slot;
    close_all(h, d, HUB_CLOSE_DELETED, false);
    rpc_device_gone(h, d);
    for (struct hub_device **p = &h->dirty; *p != NULL; p = &(*p)->state.next_dirty) {
        if (*p == d) {
            *p = d->state.next_dirty;
            break;
        }
    }
    slot = device_slot(h, id);
    *slot = d->chain;
    h->n_devices--;
    device_free(d);
}

void
hub_credentials_changed(struct device_hub *h, const struct tbe_uuid *id)
{
    struct hub_device **slot = device_slot(h, id);

    if (slot != NULL) {
        close_all(h, *slot, HUB_CLOSE_CREDENTIALS, true);
    }
}

void
hub_profile_changed(struct device_hub *h, const struct tbe_uuid *id)
{
    struct tbe_entity ent = { TBE_ENT_DEVICE_PROFILE, *id };
    const struct store_entity *e = store_entity(h->store, &ent);

    if (h->profiles_cap == 0 || e == NULL) {
        return;
    }
    for (struct hub_profile *p = h->profiles[hub_uuid_hash(id) & (h->profiles_cap - 1)]; p; p = p->chain) {
        if (tbe_uuid_eq(&p->id, id)) {
            profile_load(p, e);
        }
    }
    for (uint32_t i = 0; i < h->devices_cap; i++) { /* the type of its devices is its name */
        for (struct hub_device *d = h->devices[i]; d != NULL; d = d->chain) {
            if (d->profile != NULL && tbe_uuid_eq(&d->profile->id, id)) {
                struct tbe_uuid did = d->id;

                d->stale = true;
                (void)hub_device(h, &did);
            }
        }
    }
}

/* Sessions without activity for ten minutes are expired at the reporting tick (3.4). */
void
hub_expire_sessions(struct device_hub *h, int64_t now)
{
    for (struct hub_session *s = h->all_sessions, *next; s != NULL; s = next) {
        struct hub_device *d = s->dev;

        next = s->all_next;
        if (now - s->last_activity < HUB_SESSION_TIMEOUT_MS) {
            continue;
        }
        session_unlink(h, s);
        rpc_session_gone(h, s);
        s->ops->close(s, HUB_CLOSE_EXPIRED);
        if (d->n_async == 0) {
            state_disconnect(h, d, now);
        }
        next = h->all_sessions; /* closing may have closed others */
    }
}

int64_t
hub_tick(struct device_hub *h, struct store_batch *b, int64_t now_ms)
{
    struct store_batch *was = h->batch;

    h->batch = b;
    hub_timers_run(&h->timers, now_ms);
    h->batch = was;
    return hub_timers_next(&h->timers);
}

struct hub_session *
hub_session_by_id(struct device_hub *h, const struct tbe_uuid *id)
{
    if (h->sessions_cap == 0) {
        return NULL;
    }
    for (struct hub_session *s = h->sessions[hub_uuid_hash(id) & (h->sessions_cap - 1)]; s; s = s->chain) {
        if (tbe_uuid_eq(&s->id, id)) {
            return s;
        }
    }
    return NULL;
}
