/* SPDX-License-Identifier: Apache-2.0 */
/* The device profile node's memory (device_profile_state.h). */
#include "config.h"
#include "nodes/device_profile_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define HARVEST_MS 60000
#define ROW_MAX 16384 /* characters; longer counters are not kept */

struct device_profiles {
    struct profile_device **buckets;
    uint32_t n_buckets, n;
    struct rules_profile **profiles;
    uint32_t n_profiles;
    int64_t harvest; /* when next */
    uint32_t timed;  /* devices whose rules go by the time */
};

static void *
must(void *p)
{
    if (!p) {
        abort(); /* the front starts a new worker */
    }
    return p;
}

/* Profiles ----------------------------------------------------------------------------------------- */

static void
release(struct device_profiles *all, struct rules_profile *p)
{
    if (!p || --p->users > 0) {
        return;
    }
    for (uint32_t i = 0; i < all->n_profiles; i++) {
        if (all->profiles[i] == p) {
            all->profiles[i] = all->profiles[--all->n_profiles];
            break;
        }
    }
    rules_free(p);
}

static struct rules_profile *
rules_of(struct device_profiles *all, const struct store_entity *profile)
{
    for (uint32_t i = 0; i < all->n_profiles; i++) {
        struct rules_profile *p = all->profiles[i];
        if (memcmp(&p->id, &profile->id.id, sizeof(p->id)) == 0 && p->version == profile->version) {
            p->users++;
            return p;
        }
    }
    struct rules_profile *p = must(rules_read(profile));
    all->profiles = must(realloc(all->profiles, (all->n_profiles + 1) * sizeof(struct rules_profile *)));
    all->profiles[all->n_profiles++] = p;
    p->users = 1;
    return p;
}

/* Cells -------------------------------------------------------------------------------------------- */

static bool
has_text(const struct tbe_kv *kv)
{
    return kv->type == TBE_KV_STRING || kv->type == TBE_KV_JSON;
}

void
profile_device_unset(struct profile_device *d, uint32_t key)
{
    struct rules_cell *c = &d->rules.cells[key];
    if (c->there && has_text(&c->kv)) {
        free((char *)(uintptr_t)c->kv.s.p);
    }
    c->there = false;
}

static void
put(struct profile_device *d, uint32_t key, const struct tbe_kv *kv)
{
    struct rules_cell *c = &d->rules.cells[key];
    profile_device_unset(d, key);
    c->there = true;
    c->kv = *kv;
    c->kv.key = d->profile->keys[key].name;
    if (has_text(kv)) {
        char *p = must(malloc(kv->s.n + 1));
        if (kv->s.n) {
            memcpy(p, kv->s.p, kv->s.n);
        }
        c->kv.s = (struct tbe_str){ p, kv->s.n };
    }
}

bool
profile_device_set(struct profile_device *d, enum rules_key_type t, const struct tbe_kv *kv, int64_t ts, uint32_t *key)
{
    *key = rules_key_find(d->profile, t, kv->key);
    if (*key == UINT32_MAX) {
        return false;
    }
    const struct rules_cell *c = &d->rules.cells[*key];
    bool changed = ts != d->rules.ts || !c->there || !tbe_kv_same(&c->kv, kv);
    put(d, *key, kv);
    return changed;
}

static void
fill_fields(struct profile_device *d, const struct store_entity *e)
{
    struct {
        const char *name;
        struct tbe_kv kv;
    } fields[] = {
        { "name", { .type = TBE_KV_STRING, .s = e->name } },
        { "type", { .type = TBE_KV_STRING, .s = e->kind } },
        { "createdTime", { .type = TBE_KV_LONG, .u = { .i = e->created } } },
        { "label", { .type = TBE_KV_STRING, .s = e->label } },
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        uint32_t key = rules_key_find(d->profile, RULES_ENTITY_FIELD, tbe_strz(fields[i].name));
        if (key != UINT32_MAX && (fields[i].kv.type == TBE_KV_LONG || fields[i].kv.s.p)) {
            put(d, key, &fields[i].kv);
        }
    }
}

void
profile_device_fill(struct profile_device *d)
{
    struct store *s = d->rules.store;
    struct tbe_entity id = { TBE_ENT_DEVICE, d->rules.device };
    const struct store_entity *e = store_entity(s, &id);
    struct tbe_kv kv;
    int64_t ts;
    if (d->filled) {
        return;
    }
    d->filled = true;
    if (e) {
        fill_fields(d, e);
    }
    for (uint32_t i = 0; i < d->profile->n_keys; i++) {
        const struct rules_key *k = &d->profile->keys[i];
        if (k->type == RULES_TIME_SERIES && store_latest(s, &id, k->name, &kv, &ts)) {
            put(d, i, &kv);
        }
        for (int scope = STORE_CLIENT; k->type == RULES_ATTRIBUTE && scope < STORE_SCOPES; scope++) {
            if (store_attr(s, &id, (enum store_scope)scope, k->name, &kv, &ts)) {
                put(d, i, &kv); /* the order of the scopes: a later one wins */
            }
        }
    }
}

/* Rows --------------------------------------------------------------------------------------------- */

static struct tbe_str
row_key(const struct profile_device *d, char out[512])
{
    char id[37];
    tbe_uuid_text(&d->rules.device, id);
    int n = snprintf(out, 512, "rules.%.36s.%.300s.%.36s", d->chain->id, d->chain->nodes[d->node].name, id);
    return (struct tbe_str){ out, (size_t)n };
}

static void
put_counter(struct tbe_buf *b, const char *name, const struct rules_counter *c)
{
    tbe_buf_fmt(b, "\"%s\":{\"lastEventTs\":%lld,\"duration\":%lld,\"eventCount\":%lld}", name, (long long)c->last_ts,
                (long long)c->duration, (long long)c->count);
}

void
profile_device_save(struct tbe_engine *e, const struct profile_device *d)
{
    struct tbe_buf b = { 0 };
    char key[512];
    if (!d->persist) {
        return;
    }
    tbe_buf_putz(&b, "{\"alarmStates\":{");
    for (uint32_t i = 0; i < d->profile->n_alarms; i++) {
        const struct rules_alarm *a = &d->profile->alarms[i];
        bool first = true;
        tbe_buf_putz(&b, i ? "," : "");
        tbe_json_write_str(&b, a->id);
        tbe_buf_putz(&b, ":{\"createRuleStates\":{");
        for (unsigned s = 0; s < RULES_SEVERITIES; s++) {
            if (a->create[s].there) {
                tbe_buf_putz(&b, first ? "" : ",");
                put_counter(&b, rules_severity(s), &d->alarms[i].create[s]);
                first = false;
            }
        }
        tbe_buf_putz(&b, a->clear.there ? "}," : "},\"clearRuleState\":null}");
        if (a->clear.there) {
            put_counter(&b, "clearRuleState", &d->alarms[i].clear);
            tbe_buf_putc(&b, '}');
        }
    }
    tbe_buf_putz(&b, "}}");
    if (!b.oom && b.n <= ROW_MAX) {
        store_put_state(e->batch, row_key(d, key), tbe_buf_str(&b));
    }
    tbe_buf_free(&b);
}

static tbe_val
member(tbe_val v, struct tbe_str key)
{
    return v.t == TBE_MAP ? tbe_map_get(v.u.m, key) : TBE_UNDEF_VAL;
}

static void
read_counter(tbe_val v, struct rules_counter *out)
{
    tbe_val ts = member(v, TBE_STR("lastEventTs")), d = member(v, TBE_STR("duration"));
    tbe_val n = member(v, TBE_STR("eventCount"));
    out->last_ts = ts.t == TBE_INT || ts.t == TBE_LONG ? ts.u.i : 0;
    out->duration = d.t == TBE_INT || d.t == TBE_LONG ? d.u.i : 0;
    out->count = n.t == TBE_INT || n.t == TBE_LONG ? n.u.i : 0;
}

static void
load(struct profile_device *d)
{
    char key[512];
    struct tbe_str row = store_state(d->rules.store, row_key(d, key));
    struct tbe_arena a;
    tbe_val v;
    if (!row.p) {
        return;
    }
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, row, TBE_JSON_JAVA, &v, NULL) == 0) {
        for (uint32_t i = 0; i < d->profile->n_alarms; i++) {
            tbe_val one = member(member(v, TBE_STR("alarmStates")), d->profile->alarms[i].id);
            for (unsigned s = 0; s < RULES_SEVERITIES; s++) {
                read_counter(member(member(one, TBE_STR("createRuleStates")), tbe_strz(rules_severity(s))),
                             &d->alarms[i].create[s]);
            }
            read_counter(member(one, TBE_STR("clearRuleState")), &d->alarms[i].clear);
        }
    }
    tbe_arena_free(&a);
}

/* Devices ------------------------------------------------------------------------------------------ */

static struct profile_device **
bucket(struct device_profiles *all, const struct tbe_uuid *id)
{
    uint32_t h;
    memcpy(&h, id->b, sizeof(h)); /* the part of an id that differs most */
    return &all->buckets[(h * 2654435761u) % all->n_buckets];
}

static void
grow(struct device_profiles *all)
{
    struct profile_device **old = all->buckets;
    uint32_t n = all->n_buckets;
    all->n_buckets = n ? n * 2 : 64;
    all->buckets = must(calloc(all->n_buckets, sizeof(struct profile_device *)));
    for (uint32_t i = 0; i < n; i++) {
        for (struct profile_device *d = old[i], *next; d; d = next) {
            struct profile_device **b = bucket(all, &d->rules.device);
            next = d->next;
            d->next = *b;
            *b = d;
        }
    }
    free(old);
}

static void
cells_free(struct profile_device *d)
{
    for (uint32_t i = 0; d->profile && i < d->profile->n_keys; i++) {
        profile_device_unset(d, i);
    }
    free(d->rules.cells);
    free(d->alarms);
    d->rules.cells = NULL;
    d->alarms = NULL;
}

static void
device_free(struct device_profiles *all, struct profile_device *d)
{
    cells_free(d);
    all->timed -= d->profile->durations;
    release(all, d->profile);
    tbe_msg_unref(d->last);
    free(d);
    all->n--;
}

/* Takes the new rules; the counters and alarms of rules that stay are kept (15.3). */
static void
take_rules(struct device_profiles *all, struct profile_device *d, const struct store_entity *profile)
{
    struct rules_profile *old = d->profile, *now = rules_of(all, profile);
    struct profile_alarm *alarms = must(calloc(now->n_alarms + 1, sizeof(*alarms)));
    for (uint32_t i = 0; i < now->n_alarms; i++) {
        for (uint32_t k = 0; old && k < old->n_alarms; k++) {
            if (tbe_str_eq(old->alarms[k].id, now->alarms[i].id)) {
                alarms[i] = d->alarms[k];
            }
        }
    }
    if (old) {
        all->timed -= old->durations;
        cells_free(d);
        release(all, old);
    }
    all->timed += now->durations;
    d->profile = now;
    d->alarms = alarms;
    d->rules.profile = now;
    d->rules.cells = must(calloc(now->n_keys + 1, sizeof(*d->rules.cells)));
    d->filled = false;
}

static struct device_profiles *
table(struct tbe_engine *e)
{
    if (!e->device_profiles) {
        e->device_profiles = must(calloc(1, sizeof(*e->device_profiles)));
        grow(e->device_profiles);
    }
    return e->device_profiles;
}

static struct profile_device **
find(struct device_profiles *all, const struct tbe_chain *c, uint32_t node, const struct tbe_uuid *id)
{
    struct profile_device **d = bucket(all, id);
    while (*d && !((*d)->node == node && (*d)->chain == c && memcmp(&(*d)->rules.device, id, sizeof(*id)) == 0)) {
        d = &(*d)->next;
    }
    return d;
}

struct profile_device *
profile_device(struct tbe_run *r, const struct tbe_uuid *device, bool persist, bool fetch)
{
    struct device_profiles *all = table(r->engine);
    struct store *s = engine_store(r->engine);
    struct tbe_entity id = { TBE_ENT_DEVICE, *device };
    const struct store_entity *e = store_entity(s, &id);
    struct tbe_entity pid = { TBE_ENT_DEVICE_PROFILE, e ? e->profile : tbe_uuid_null };
    struct tbe_uuid customer = e ? e->customer : tbe_uuid_null;
    const struct store_entity *profile = e ? store_entity(s, &pid) : NULL;
    struct profile_device **at = find(all, r->chain, r->node, device), *d = *at;
    if (!profile) {
        return NULL;
    }
    if (d && memcmp(&d->profile->id, &pid.id, sizeof(pid.id)) != 0) {
        *at = d->next;
        device_free(all, d);
        d = NULL;
    }
    if (!d) {
        if (all->n >= all->n_buckets) {
            grow(all);
            at = bucket(all, device);
        }
        d = must(calloc(1, sizeof(*d)));
        d->rules = (struct rules_device){ .store = s, .device = *device };
        d->chain = r->chain;
        d->node = r->node;
        d->persist = persist;
        take_rules(all, d, profile);
        if (persist && fetch) {
            load(d);
        }
        d->next = *at;
        *at = d;
        all->n++;
    } else if (d->profile->version != profile->version) {
        take_rules(all, d, profile);
    }
    d->rules.customer = customer;
    return d;
}

void
profile_device_drop(struct tbe_run *r, const struct tbe_uuid *device, bool persist)
{
    struct device_profiles *all = table(r->engine);
    struct profile_device **at = find(all, r->chain, r->node, device), *d = *at;
    struct profile_device key = { .rules = { .device = *device }, .chain = r->chain, .node = r->node };
    char text[512];
    if (persist) {
        store_put_state(r->engine->batch, row_key(&key, text), TBE_STR_NONE);
    }
    if (d) {
        *at = d->next;
        device_free(all, d);
    }
}

int64_t
profile_devices_tick(struct tbe_engine *e, int64_t now_ms, profile_device_fn *fn)
{
    struct device_profiles *all = e->device_profiles;
    if (!all || all->timed == 0) {
        return 0;
    }
    if (all->harvest == 0 || all->harvest > now_ms + HARVEST_MS) { /* the first, or the clock was set back */
        all->harvest = now_ms + HARVEST_MS;
    }
    if (now_ms >= all->harvest) {
        for (uint32_t i = 0; i < all->n_buckets; i++) {
            for (struct profile_device *d = all->buckets[i]; d; d = d->next) {
                if (d->profile->durations && d->last) {
                    fn(e, d, now_ms);
                }
            }
        }
        all->harvest = now_ms + HARVEST_MS;
    }
    return all->harvest;
}

void
device_profiles_free(struct tbe_engine *e)
{
    struct device_profiles *all = e->device_profiles;
    if (!all) {
        return;
    }
    for (uint32_t i = 0; i < all->n_buckets; i++) {
        for (struct profile_device *d = all->buckets[i], *next; d; d = next) {
            next = d->next;
            device_free(all, d);
        }
    }
    free(all->buckets);
    free(all->profiles);
    free(all);
}
