/* SPDX-License-Identifier: Apache-2.0 */
/* What a new database starts with: the tenant and the default profiles, as ThingsBoard's JSON
 * (facts/rest-ws-api.md 5, edge-cloud-protocol.md 10). The cloud replaces them later. */
#include "config.h"
#include "store/internal.h"
#include "base/clock.h"

static void
put(struct store *s, struct store_batch *b, enum tbe_entity_type t, const struct tbe_uuid *id,
    const char *name,
    struct tbe_str json)
{
    (void)s;
    struct store_entity e = {
        .id = { t, *id }, .created = clock_ms(), .name = tbe_strz(name), .kind = TBE_STR_NONE, .label = TBE_STR_NONE,
        .customer = tbe_uuid_null, .profile = tbe_uuid_null, .json = json,
    };
    store_put_entity(b, &e);
}

static struct tbe_str
device_profile(struct tbe_arena *a, const char *id, const char *tenant)
{
    return tbe_arena_fmt(a,
        "{\"id\":{\"entityType\":\"DEVICE_PROFILE\",\"id\":\"%s\"},\"createdTime\":%lld,"
        "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"%s\"},\"name\":\"default\","
        "\"description\":\"Default device profile\",\"image\":null,\"type\":\"DEFAULT\",\"transportType\":\"DEFAULT\","
        "\"provisionType\":\"DISABLED\",\"defaultRuleChainId\":null,\"defaultDashboardId\":null,"
        "\"defaultQueueName\":null,\"provisionDeviceKey\":null,\"firmwareId\":null,\"softwareId\":null,"
        "\"defaultEdgeRuleChainId\":null,\"externalId\":null,\"version\":1,\"default\":true,"
        "\"profileData\":{\"configuration\":{\"type\":\"DEFAULT\"},\"transportConfiguration\":{\"type\":\"DEFAULT\"},"
        "\"provisionConfiguration\":{\"type\":\"DISABLED\",\"provisionDeviceSecret\":null},\"alarms\":null}}",
        id, (long long)clock_ms(), tenant);
}

static struct tbe_str
asset_profile(struct tbe_arena *a, const char *id, const char *tenant)
{
    return tbe_arena_fmt(a,
        "{\"id\":{\"entityType\":\"ASSET_PROFILE\",\"id\":\"%s\"},\"createdTime\":%lld,"
        "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"%s\"},\"name\":\"default\","
        "\"description\":\"Default asset profile\",\"image\":null,\"defaultRuleChainId\":null,"
        "\"defaultDashboardId\":null,\"defaultQueueName\":null,\"defaultEdgeRuleChainId\":null,\"externalId\":null,"
        "\"version\":1,\"default\":true}", id, (long long)clock_ms(), tenant);
}

static struct tbe_str
tenant_json(struct tbe_arena *a, const char *id)
{
    return tbe_arena_fmt(a,
        "{\"id\":{\"entityType\":\"TENANT\",\"id\":\"%s\"},\"createdTime\":%lld,\"country\":null,\"state\":null,"
        "\"city\":null,\"address\":null,\"address2\":null,\"zip\":null,\"phone\":null,\"email\":null,"
        "\"title\":\"Tenant\",\"region\":\"Global\","
        "\"tenantProfileId\":{\"entityType\":\"TENANT_PROFILE\",\"id\":\"13814000-1dd2-11b2-8080-808080808080\"},"
        "\"version\":1,\"name\":\"Tenant\",\"additionalInfo\":null}", id, (long long)clock_ms());
}

void
store_first_rows(struct store *s, struct store_batch *b)
{
    struct tbe_arena *a = store_batch_arena(b);
    struct tbe_uuid profile;
    char tenant_text[TBE_UUID_TEXT + 1], text[TBE_UUID_TEXT + 1];
    if (s->o.tenant) {
        s->tenant = *s->o.tenant;
    } else {
        tbe_uuid_random(&s->tenant);
    }
    tbe_uuid_text(&s->tenant, tenant_text);
    put(s, b, TBE_ENT_TENANT, &s->tenant, "Tenant", tenant_json(a, tenant_text));
    tbe_uuid_random(&profile);
    tbe_uuid_text(&profile, text);
    put(s, b, TBE_ENT_DEVICE_PROFILE, &profile, "default", device_profile(a, text, tenant_text));
    tbe_uuid_random(&profile);
    tbe_uuid_text(&profile, text);
    put(s, b, TBE_ENT_ASSET_PROFILE, &profile, "default", asset_profile(a, text, tenant_text));
    store_put_state(b, TBE_STR("tenant"), ckey_uuid(&s->tenant));
}
