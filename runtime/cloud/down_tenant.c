/* SPDX-License-Identifier: Apache-2.0 */
/* Tenant, tenant profile, settings, queues (facts/edge-cloud-protocol.md 6, 6.5). */
#include "config.h"
#include "cloud/downlink.h"

#include <string.h>

/* Settings --------------------------------------------------------------------------------------------- */

struct search {
    struct down *d;
    const struct down_item *it;
    struct tbe_str owner;
    const struct store_entity *found;
};

static bool
same_owner(void *arg, const struct store_entity *e)
{
    struct search *s = arg;

    if (tbe_str_eq(e->name, s->it->e.name) && tbe_str_eq(e->kind, s->owner) &&
        !tbe_uuid_eq(&e->id.id, &s->it->e.id.id)) {
        s->found = e;
    }
    return s->found == NULL;
}

/* A record of the same tenant and key. */
static const struct store_entity *
settings_taken(struct down *d, const struct down_item *it)
{
    struct search s = { d, it, it->e.kind, NULL };

    store_entity_each(d->s, TBE_ENT_ADMIN_SETTINGS, same_owner, &s);
    return s.found;
}

static bool
edit_settings(struct down *d, struct down_item *it)
{
    it->e.kind = down_owned_name(d, it->json, TBE_STR(""));
    return true;
}

static const struct down_kind settings = {
    .type = TBE_ENT_ADMIN_SETTINGS, .name = "key", .clash = DOWN_CLASH_REPLACE, .edit = edit_settings,
    .taken = settings_taken,
};

void
down_admin_settings(struct down *d, const struct down_update *u)
{
    down_entity(d, &settings, u);
}

/* Queues ----------------------------------------------------------------------------------------------- */

static const struct down_kind queue = {
    .type = TBE_ENT_QUEUE, .name = "name", .clash = DOWN_CLASH_REPLACE,
};

void
down_queue(struct down *d, const struct down_update *u)
{
    down_entity(d, &queue, u);
}

/* Tenant ----------------------------------------------------------------------------------------------- */

static bool
edit_tenant(struct down *d, struct down_item *it)
{
    if (!tbe_uuid_eq(&it->e.id.id, store_tenant(d->s))) {
        down_refuse(d, "it is another tenant than the edge's");
        return false;
    }
    down_id(it->json, "tenantProfileId", &it->e.profile);
    return true;
}

static const struct down_kind tenant = { .type = TBE_ENT_TENANT, .name = "title", .edit = edit_tenant };

void
down_tenant(struct down *d, const struct down_update *u)
{
    if (u->op == DOWN_UPDATED || u->op == DOWN_CREATED) {
        down_entity(d, &tenant, u);
    }
}

/* An edge has no limits of its own: rate limits null, totals 0 = unlimited. */
static const char *const zeroed[] = {
    "maxTransportMessages", "maxTransportDataPoints", "maxREExecutions", "maxJSExecutions", "maxTbelExecutions",
    "maxDPStorageDays", "defaultStorageTtlDays", "rpcTtlDays", "queueStatsTtlDays", "ruleEngineExceptionsTtlDays",
    "maxRuleNodeExecutionsPerMessage",
};

static bool
ends_with(struct tbe_str s, const char *end)
{
    size_t n = strlen(end);

    return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

static bool
is_rate_limit(struct tbe_str key)
{
    static const char *const ends[] = { "RateLimit", "RateLimits", "RateLimitConfiguration", "RateLimitsPerEdge",
                                        "RateLimitsConfiguration", "RateLimitPerUser", "RateLimitPerTenant" };

    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (ends_with(key, ends[i])) {
            return true;
        }
    }
    return memmem(key.p, key.n, "RateLimit", 9) != NULL;
}

static bool
edit_tenant_profile(struct down *d, struct down_item *it)
{
    tbe_val data = down_get(it->json, "profileData"), conf = down_get(data, "configuration");
    const struct tbe_entry *e;

    if (conf.t != TBE_MAP) {
        return true;
    }
    for (uint32_t i = 0; tbe_map_next(conf.u.m, &i, &e);) {
        if (tbe_is_str(e->key) && is_rate_limit(tbe_val_str(e->key)) && e->val.t > TBE_NULL) {
            tbe_map_put(&d->a, conf.u.m, tbe_val_str(e->key), TBE_NULL_VAL);
            it->edited = true;
        }
    }
    for (unsigned i = 0; i < sizeof zeroed / sizeof *zeroed; i++) {
        tbe_val v = down_get(conf, zeroed[i]);

        if (v.t == TBE_NUM && !tbe_str_eqz(tbe_val_str(v), "0")) {
            tbe_map_put(&d->a, conf.u.m, tbe_strz(zeroed[i]), tbe_long(0));
            it->edited = true;
        }
    }
    return true;
}

static const struct down_kind tenant_profile = {
    .type = TBE_ENT_TENANT_PROFILE, .name = "name", .clash = DOWN_CLASH_REPLACE, .edit = edit_tenant_profile,
};

void
down_tenant_profile(struct down *d, const struct down_update *u)
{
    if (u->op == DOWN_UPDATED || u->op == DOWN_CREATED) {
        down_entity(d, &tenant_profile, u);
    }
}
