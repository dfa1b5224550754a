/* SPDX-License-Identifier: Apache-2.0 */
/* Cloud events of what is done to devices here (facts/edge-cloud-protocol.md 4.3). An edge that never had a cloud
 * makes none: its entities are announced when it gets one. */
#include "config.h"

#include "device/hub_internal.h"

#include "base/clock.h"

#define CLOUD_SETTINGS "cloud.settings" /* state of runtime/cloud: there since the first accepted connect */

void
hub_cloud_mute(struct device_hub *h, bool mute)
{
    h->cloud_muted = mute;
}

void
hub_cloud_event(struct device_hub *h, enum cloud_kind kind, const struct tbe_entity *e, enum cloud_action action,
                struct tbe_str body)
{
    struct store_uplink u = { .entity = *e, .kind = kind, .action = action, .body = body, .created = clock_ms() };

    if (kind == CLOUD_KIND_NONE || h->cloud_muted || store_state(h->store, TBE_STR(CLOUD_SETTINGS)).p == NULL) {
        return;
    }
    store_push_cloud(h->batch, &u, false);
}

static void
put_id(struct tbe_buf *b, const struct tbe_entity *e)
{
    char t[TBE_UUID_TEXT + 1];

    tbe_uuid_text(&e->id, t);
    tbe_buf_fmt(b, "{\"entityType\":\"%s\",\"id\":\"%s\"}", tbe_entity_type_name(e->type), t);
}

void
hub_cloud_relation(struct device_hub *h, const struct store_relation *r, bool deleted)
{
    struct tbe_buf b = { 0 };

    if (r->group.p != NULL && !tbe_str_eqz(r->group, "COMMON")) {
        return;
    }
    tbe_buf_putz(&b, "{\"from\":");
    put_id(&b, &r->from);
    tbe_buf_putz(&b, ",\"to\":");
    put_id(&b, &r->to);
    tbe_buf_putz(&b, ",\"type\":");
    tbe_json_write_str(&b, r->type);
    tbe_buf_putz(&b, ",\"typeGroup\":\"COMMON\",\"version\":null,\"additionalInfo\":");
    tbe_buf_puts(&b, r->info.n > 0 ? r->info : TBE_STR("null"));
    tbe_buf_putc(&b, '}');
    hub_cloud_event(h, CLOUD_KIND_RELATION, &r->from,
                    deleted ? CLOUD_ACTION_RELATION_DELETED : CLOUD_ACTION_RELATION_ADD_OR_UPDATE, tbe_buf_str(&b));
    tbe_buf_free(&b);
}

void
hub_wiped(struct device_hub *h)
{
    for (uint32_t i = 0; i < h->devices_cap; i++) {
        while (h->devices[i] != NULL) {
            struct tbe_uuid id = h->devices[i]->id;

            hub_device_deleted(h, &id);
        }
    }
}
