/* SPDX-License-Identifier: Apache-2.0 */
/* Devices with their credentials, assets, entity views (facts/edge-cloud-protocol.md 6.2). */
#include "config.h"
#include "cloud/downlink.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "device/device.h"

/* The profile it names, else the one of its type, else the default. An unknown one stays named: the profile
 * may still come, and until then the default takes its place. */
static bool
set_profile(struct down *d, struct down_item *it, const char *member, enum tbe_entity_type type)
{
    struct tbe_entity id = { .type = type };
    const struct store_entity *p;
    struct tbe_str kind = down_str(it->json, "type");

    if (down_id(it->json, member, &id.id)) {
        p = store_entity(d->s, &id);
        it->e.profile = id.id;
        it->e.kind = p ? p->name : kind;
    } else {
        p = kind.n ? store_entity_by_name(d->s, type, kind) : NULL;
        p = p ? p : store_default_profile(d->s, type);
        if (!p) {
            down_refuse(d, "\"%.*s\" has no profile and there is no default", (int)it->e.name.n, it->e.name.p);
            return false;
        }
        it->e.profile = p->id.id;
        it->e.kind = p->name;
        down_set(d, it, member, down_id_value(d, type, &p->id.id));
    }
    if (!p) {
        log_warn("\"%.*s\" of the cloud names a profile that is not here yet", (int)it->e.name.n, it->e.name.p);
    } else if (!tbe_str_eq(kind, p->name)) {
        down_set(d, it, "type", tbe_strv(p->name));
    }
    return true;
}

static bool
named(struct down *d, const struct down_item *it)
{
    if (it->e.name.n == 0) {
        down_refuse(d, "it has no name");
    }
    return it->e.name.n > 0;
}

/* Devices ---------------------------------------------------------------------------------------------- */

static bool
edit_device(struct down *d, struct down_item *it)
{
    if (!named(d, it) || !set_profile(d, it, "deviceProfileId", TBE_ENT_DEVICE_PROFILE)) {
        return false;
    }
    down_customer(d, it);
    return true;
}

static void
saved_device(struct down *d, const struct down_item *it)
{
    struct tbe_kv active = { .key = TBE_STR_INIT("active"), .type = TBE_KV_BOOLEAN };
    struct tbe_kvs kvs = { &active, 1 };

    if (!it->old) {
        store_save_attrs(d->b, &it->e.id, STORE_SERVER, clock_ms(), &kvs);
    }
    hub_device_changed(d->hub, &it->e.id.id);
}

static void
remove_device(struct down *d, const struct store_entity *e)
{
    struct tbe_uuid id = e->id.id;

    down_event(d, "ENTITY_DELETED", e, NULL);
    hub_device_deleted(d->hub, &id);
    store_delete_entity(d->b, &e->id);
}

static const struct down_kind device = {
    .type = TBE_ENT_DEVICE, .name = "name", .clash = DOWN_CLASH_RENAME,
    .flags = DOWN_EVENT_CREATED | DOWN_EVENT_DELETED | DOWN_REQUEST,
    .edit = edit_device, .saved = saved_device, .remove = remove_device,
};

/* Clouds before 3.8 send no credentials along: they are asked for (12.3). */
static bool
has_credentials(struct down *d, const struct tbe_uuid *id)
{
    char text[TBE_UUID_TEXT + 1];

    tbe_uuid_text(id, text);
    for (size_t i = 0; i < d->m->n_devicecredentialsupdatemsg; i++) {
        const char *json = d->m->devicecredentialsupdatemsg[i]->entity;

        if (json && strstr(json, text)) {
            return true;
        }
    }
    return false;
}

void
down_device(struct down *d, const struct down_update *u)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, u->id };

    down_entity(d, &device, u);
    if ((u->op == DOWN_CREATED || u->op == DOWN_UPDATED) && store_entity(d->s, &e) && !has_credentials(d, &u->id)) {
        cloud_request(d->c, d->b, &e, CLOUD_ACTION_CREDENTIALS_REQUEST);
    }
}

static int
cred_type(struct tbe_str s)
{
    static const char *const names[] = {
        [STORE_CRED_TOKEN] = "ACCESS_TOKEN", [STORE_CRED_MQTT_BASIC] = "MQTT_BASIC",
        [STORE_CRED_X509] = "X509_CERTIFICATE", [STORE_CRED_LWM2M] = "LWM2M_CREDENTIALS",
    };

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (tbe_str_eqz(s, names[i])) {
            return (int)i;
        }
    }
    return -1;
}

static bool
same_text(struct tbe_str a, struct tbe_str b)
{
    return tbe_str_eq(a.p ? a : TBE_STR(""), b.p ? b : TBE_STR(""));
}

void
down_device_credentials(struct down *d, const struct down_update *u)
{
    struct tbe_entity dev = { .type = TBE_ENT_DEVICE };
    struct store_cred c, old;
    int type;
    tbe_val v;

    if (!down_parse(d, u->json, &v)) {
        return;
    }
    type = cred_type(down_str(v, "credentialsType"));
    c.id = down_str(v, "credentialsId");
    c.value = down_str(v, "credentialsValue");
    if (!down_id(v, "deviceId", &dev.id) || !store_entity(d->s, &dev)) {
        log_warn("credentials of the cloud are for a device that is not here");
        return;
    }
    if (type < 0 || c.id.n == 0) {
        down_refuse(d, "credentials of an unknown type, or without an id");
        return;
    }
    c.device = dev.id;
    c.type = (enum store_cred_type)type;
    if (store_cred_find(d->s, c.id, &old) && !tbe_uuid_eq(&old.device, &dev.id)) {
        down_refuse(d, "the credentials are another device's already");
        return;
    }
    if (store_cred_of(d->s, &dev.id, &old) && old.type == c.type && same_text(old.id, c.id) &&
        same_text(old.value, c.value)) {
        return;
    }
    store_put_cred(d->b, &c);
    hub_credentials_changed(d->hub, &dev.id);
}

/* Assets and entity views ------------------------------------------------------------------------------ */

static bool
edit_asset(struct down *d, struct down_item *it)
{
    if (!named(d, it) || !set_profile(d, it, "assetProfileId", TBE_ENT_ASSET_PROFILE)) {
        return false;
    }
    down_customer(d, it);
    return true;
}

static bool
edit_view(struct down *d, struct down_item *it)
{
    it->e.kind = down_str(it->json, "type");
    down_customer(d, it);
    return named(d, it);
}

static const struct down_kind asset = {
    .type = TBE_ENT_ASSET, .name = "name", .clash = DOWN_CLASH_RENAME,
    .flags = DOWN_EVENT_CREATED | DOWN_EVENT_DELETED | DOWN_REQUEST, .edit = edit_asset,
};
static const struct down_kind view = {
    .type = TBE_ENT_ENTITY_VIEW, .name = "name", .clash = DOWN_CLASH_RENAME,
    .flags = DOWN_EVENT_CREATED | DOWN_EVENT_DELETED | DOWN_REQUEST, .edit = edit_view,
};

void
down_asset(struct down *d, const struct down_update *u)
{
    down_entity(d, &asset, u);
}

void
down_entity_view(struct down *d, const struct down_update *u)
{
    down_entity(d, &view, u);
}
