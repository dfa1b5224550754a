/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to entities here, told to the cloud (facts/edge-cloud-protocol.md 4.3) and to the rule engine. An edge
 * that never had a cloud makes no cloud events: its entities are announced when it gets one. */
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
hub_relation_json(struct tbe_buf *b, const struct store_relation *r)
{
    tbe_buf_putz(b, "{\"from\":");
    put_id(b, &r->from);
    tbe_buf_putz(b, ",\"to\":");
    put_id(b, &r->to);
    tbe_buf_putz(b, ",\"type\":");
    tbe_json_write_str(b, r->type);
    tbe_buf_putz(b, ",\"typeGroup\":");
    tbe_json_write_str(b, r->group.p != NULL ? r->group : TBE_STR("COMMON"));
    tbe_buf_putz(b, ",\"version\":null,\"additionalInfo\":");
    tbe_buf_puts(b, r->info.n > 0 ? r->info : TBE_STR("null"));
    tbe_buf_putc(b, '}');
}

void
hub_cloud_relation(struct device_hub *h, const struct store_relation *r, bool deleted)
{
    struct tbe_buf b = { 0 };

    if (r->group.p != NULL && !tbe_str_eqz(r->group, "COMMON")) {
        return;
    }
    hub_relation_json(&b, r);
    hub_cloud_event(h, CLOUD_KIND_RELATION, &r->from,
                    deleted ? CLOUD_ACTION_RELATION_DELETED : CLOUD_ACTION_RELATION_ADD_OR_UPDATE, tbe_buf_str(&b));
    tbe_buf_free(&b);
}

static void
put_user(struct device_hub *h, struct tbe_msg *m, const struct tbe_uuid *user)
{
    struct tbe_entity id = { TBE_ENT_USER, *user };
    const struct store_entity *e = tbe_uuid_is_null(user) ? NULL : store_entity(h->store, &id);
    struct tbe_arena *a = tbe_msg_arena(m);
    char text[TBE_UUID_TEXT + 1];
    tbe_val v;

    if (e == NULL) {
        return;
    }
    tbe_uuid_text(user, text);
    tbe_md_put(a, &m->md, TBE_STR("userId"), tbe_arena_dup(a, tbe_strz(text)));
    tbe_md_put(a, &m->md, TBE_STR("userName"), tbe_arena_dup(a, e->name));
    tbe_md_put(a, &m->md, TBE_STR("userEmail"), tbe_arena_dup(a, e->name));
    if (tbe_json_parse(a, e->json, TBE_JSON_JAVA, &v, NULL) == 0) {
        struct tbe_str first = json_str(v, "firstName"), last = json_str(v, "lastName");

        if (first.p != NULL) {
            tbe_md_put(a, &m->md, TBE_STR("userFirstName"), first);
        }
        if (last.p != NULL) {
            tbe_md_put(a, &m->md, TBE_STR("userLastName"), last);
        }
    }
}

void
hub_action(struct device_hub *h, const struct tbe_entity *originator, struct tbe_str type, struct tbe_str data,
           struct tbe_str name, const struct tbe_uuid *user)
{
    struct hub_device *d = originator->type == TBE_ENT_DEVICE ? hub_device(h, &originator->id) : NULL;
    const struct store_entity *e = store_entity(h->store, originator);
    struct tbe_arena *a;
    struct tbe_msg *m;

    if (h->engine == NULL) {
        return;
    }
    m = d != NULL ? hub_msg_new(d, type) : tbe_msg_new(type, *originator);
    a = tbe_msg_arena(m);
    put_user(h, m, user);
    if (e != NULL && !tbe_uuid_is_null(&e->customer)) {
        char text[TBE_UUID_TEXT + 1];

        m->customer = e->customer;
        tbe_uuid_text(&e->customer, text);
        tbe_md_put(a, &m->md, TBE_STR("customerId"), tbe_arena_dup(a, tbe_strz(text)));
    }
    if (name.p != NULL) {
        tbe_md_put(a, &m->md, TBE_STR("entityName"), tbe_arena_dup(a, name));
        tbe_md_put(a, &m->md, TBE_STR("entityType"), tbe_strz(tbe_entity_type_name(originator->type)));
    }
    tbe_msg_set_data(m, tbe_arena_dup(a, data));
    hub_submit(h, &m);
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
