/* SPDX-License-Identifier: Apache-2.0 */
/* Creating and removing devices, their credentials and profiles, on behalf of commands, REST and
 * provisioning. Everything is added to the current batch. */
#include "config.h"

#include "device/hub_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"

#define NAME_MAX_CHARS 255 /* of ThingsBoard's name columns */

void
hub_random_token(char out[21])
{
    static const char alnum[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (int i = 0; i < 20; i++) {
        out[i] = alnum[random_u64() % 62];
    }
    out[20] = '\0';
}

static size_t
utf8_length(struct tbe_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    }
    return n;
}

static bool
name_blank(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > ' ') {
            return false;
        }
    }
    return true;
}

static int
check_name(struct tbe_str s, const char *what, char err[256])
{
    if (name_blank(s)) {
        snprintf(err, 256, "%s name should be specified!", what);
        return -1;
    }
    if (utf8_length(s) > NAME_MAX_CHARS || memchr(s.p, '\0', s.n) != NULL) {
        snprintf(err, 256, "%s name is longer than %d characters or has a NUL", what, NAME_MAX_CHARS);
        return -1;
    }
    return 0;
}

static const struct store_entity *
find_profile(struct device_hub *h, struct tbe_str name)
{
    return name.n == 0 ? store_default_profile(h->store, TBE_ENT_DEVICE_PROFILE)
                       : store_entity_by_name(h->store, TBE_ENT_DEVICE_PROFILE, name);
}

int
hub_device_check(struct device_hub *h, const struct hub_new_device *n, char err[256])
{
    struct store_cred c;

    if (check_name(n->name, "Device", err) != 0) {
        return -1;
    }
    if (store_entity_by_name(h->store, TBE_ENT_DEVICE, n->name) != NULL) {
        snprintf(err, 256, "Device with such name already exists!");
        return -1;
    }
    if (!n->make_profile && find_profile(h, n->profile) == NULL) {
        snprintf(err, 256, "there is no device profile \"%.*s\"", (int)(n->profile.n > 100 ? 100 : n->profile.n),
                 n->profile.n ? n->profile.p : "default");
        return -1;
    }
    if (n->cred.id.n > 0 && store_cred_find(h->store, n->cred.id, &c)) {
        snprintf(err, 256, "Device credentials are already assigned to another device!");
        return -1;
    }
    return 0;
}

static void
put_ref(struct tbe_buf *b, const char *member, const char *type, const struct tbe_uuid *id)
{
    char t[TBE_UUID_TEXT + 1];

    tbe_uuid_text(id, t);
    tbe_buf_fmt(b, "\"%s\":{\"entityType\":\"%s\",\"id\":\"%s\"},", member, type, t);
}

static void
device_json(struct device_hub *h, struct tbe_buf *b, const struct store_entity *e, struct tbe_str info)
{
    tbe_buf_putc(b, '{');
    put_ref(b, "id", "DEVICE", &e->id.id);
    tbe_buf_fmt(b, "\"createdTime\":%lld,", (long long)e->created);
    put_ref(b, "tenantId", "TENANT", store_tenant(h->store));
    put_ref(b, "customerId", "CUSTOMER", &e->customer);
    tbe_buf_putz(b, "\"name\":");
    tbe_json_write_str(b, e->name);
    tbe_buf_putz(b, ",\"type\":");
    tbe_json_write_str(b, e->kind);
    tbe_buf_putz(b, ",\"label\":");
    if (e->label.p != NULL) {
        tbe_json_write_str(b, e->label);
    } else {
        tbe_buf_putz(b, "null");
    }
    tbe_buf_putc(b, ',');
    put_ref(b, "deviceProfileId", "DEVICE_PROFILE", &e->profile);
    tbe_buf_putz(b, "\"deviceData\":{\"configuration\":{\"type\":\"DEFAULT\"},\"transportConfiguration\":"
                    "{\"type\":\"DEFAULT\"}},\"firmwareId\":null,\"softwareId\":null,\"additionalInfo\":");
    tbe_buf_puts(b, info.n ? info : TBE_STR("null"));
    tbe_buf_putc(b, '}');
}

static void
made_event(struct device_hub *h, const struct tbe_uuid *id, struct tbe_str json, const struct hub_device *gateway)
{
    struct hub_device *d = hub_device(h, id);
    struct tbe_kv kv = { .key = TBE_STR_INIT("active"), .type = TBE_KV_BOOLEAN, .u = { .b = false } };
    struct tbe_kvs kvs = { &kv, 1 };
    struct tbe_entity e = { TBE_ENT_DEVICE, *id };
    struct tbe_msg *m;

    store_save_attrs(h->batch, &e, STORE_SERVER, clock_ms(), &kvs); /* 15.1 */
    if (d == NULL || h->engine == NULL) {
        return;
    }
    m = hub_msg_new(d, TBE_STR("ENTITY_CREATED"));
    if (gateway != NULL) {
        struct tbe_arena *a = tbe_msg_arena(m);
        char text[TBE_UUID_TEXT + 1];

        tbe_uuid_text(&gateway->id, text);
        tbe_md_put(a, &m->md, TBE_STR("gatewayId"), tbe_arena_dup(a, tbe_strz(text)));
        if (!tbe_uuid_is_null(&gateway->customer)) {
            tbe_uuid_text(&gateway->customer, text);
            tbe_md_put(a, &m->md, TBE_STR("customerId"), tbe_arena_dup(a, tbe_strz(text)));
        }
    }
    m->data = tbe_arena_dup(tbe_msg_arena(m), json);
    hub_submit(h, &m);
}

int
hub_device_create(struct device_hub *h, const struct hub_new_device *n, struct tbe_uuid *id, char err[256])
{
    struct store_entity e = { .id = { TBE_ENT_DEVICE, { { 0 } } }, .created = clock_ms(), .name = n->name,
                              .label = n->label, .customer = n->customer };
    const struct store_entity *p;
    struct store_cred c = n->cred;
    struct tbe_buf json = { 0 };
    struct tbe_uuid pid;
    char token[21];

    if (hub_device_check(h, n, err) != 0) {
        return -1;
    }
    if (tbe_uuid_is_null(&e.customer)) {
        e.customer = tbe_uuid_null;
    }
    p = find_profile(h, n->profile);
    if (p == NULL) {
        if (hub_profile_put(h, n->profile, TBE_STR("{}"), &pid, err) != 0) {
            return -1;
        }
        p = find_profile(h, n->profile);
    }
    if (p == NULL) {
        snprintf(err, 256, "there is no default device profile");
        return -1;
    }
    tbe_uuid_time(&e.id.id, e.created);
    e.profile = p->id.id;
    e.kind = tbe_arena_dup(store_batch_arena(h->batch), p->name);
    device_json(h, &json, &e, n->info);
    if (json.oom) {
        tbe_buf_free(&json);
        snprintf(err, 256, "out of memory");
        return -1;
    }
    e.json = tbe_buf_str(&json);
    store_put_entity(h->batch, &e);
    c.device = e.id.id;
    if (c.id.n == 0) {
        hub_random_token(token);
        c.type = STORE_CRED_TOKEN;
        c.id = (struct tbe_str){ token, 20 };
        c.value = TBE_STR_NONE;
    }
    store_put_cred(h->batch, &c);
    hub_cloud_event(h, CLOUD_KIND_DEVICE, &e.id, CLOUD_ACTION_ADDED, TBE_STR_NONE);
    if (n->gateway != NULL) {
        struct store_relation r = { .from = { TBE_ENT_DEVICE, n->gateway->id }, .to = e.id,
                                    .type = TBE_STR_INIT("Created") };

        store_put_relation(h->batch, &r);
        hub_cloud_relation(h, &r, false);
    }
    made_event(h, &e.id.id, e.json, n->gateway);
    tbe_buf_free(&json);
    *id = e.id.id;
    return 0;
}

/* additionalInfo.lastConnectedGateway of an existing device, written when it differs. */
static void
mark_gateway(struct device_hub *h, struct hub_device *d, struct tbe_str gateway)
{
    struct tbe_entity id = { TBE_ENT_DEVICE, d->id };
    const struct store_entity *old = store_entity(h->store, &id);
    struct tbe_arena *a = store_batch_arena(h->batch);
    struct store_entity e;
    struct tbe_uuid did = d->id;
    tbe_val v, info;

    if (old == NULL || tbe_json_parse(a, old->json, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
        return;
    }
    info = tbe_map_get(v.u.m, TBE_STR("additionalInfo"));
    if (tbe_str_eq(json_str(info, "lastConnectedGateway"), gateway)) {
        return;
    }
    if (info.t != TBE_MAP) {
        info = tbe_map_new(a, 1);
        tbe_map_put(a, v.u.m, TBE_STR("additionalInfo"), info);
    }
    tbe_map_put(a, info.u.m, TBE_STR("lastConnectedGateway"), tbe_strv(gateway));
    e = *old;
    e.json = tbe_json_text(a, v, TBE_OUT_JAVA);
    store_put_entity(h->batch, &e);
    hub_cloud_event(h, CLOUD_KIND_DEVICE, &id, CLOUD_ACTION_UPDATED, TBE_STR_NONE);
    hub_device_changed(h, &did);
}

struct hub_device *
hub_gateway_child(struct device_hub *h, const struct hub_device *gateway, struct tbe_str name, struct tbe_str type,
                  char err[256])
{
    struct hub_device *d = hub_device_by_name(h, name);
    struct hub_new_device n = { .name = name, .profile = type, .make_profile = true,
                                .customer = gateway->customer, .gateway = gateway };
    struct tbe_uuid id;
    char text[TBE_UUID_TEXT + 1];

    tbe_uuid_text(&gateway->id, text);
    if (d != NULL) {
        mark_gateway(h, d, tbe_arena_dup(store_batch_arena(h->batch), tbe_strz(text)));
        return d;
    }
    if (type.n == 0) {
        snprintf(err, 256, "Device profile name should be specified!");
        return NULL;
    }
    n.info = tbe_arena_fmt(store_batch_arena(h->batch), "{\"lastConnectedGateway\":\"%s\"}", text);
    return hub_device_create(h, &n, &id, err) == 0 ? hub_device(h, &id) : NULL;
}

/* The stored version of a device as the reference counts it: one more with every change here. */
static void
next_version(struct tbe_arena *a, tbe_val v)
{
    tbe_val version = tbe_map_get(v.u.m, TBE_STR("version"));

    if ((version.t == TBE_INT || version.t == TBE_LONG) && version.u.i < INT64_MAX) {
        version.u.i++;
        version.t = version.u.i > INT32_MAX ? TBE_LONG : version.t;
        tbe_map_put(a, v.u.m, TBE_STR("version"), version);
    }
}

int
hub_device_set(struct device_hub *h, struct hub_device *d, struct tbe_str name, struct tbe_str label, char err[256])
{
    struct tbe_entity id = { TBE_ENT_DEVICE, d->id };
    const struct store_entity *old = store_entity(h->store, &id), *other;
    struct tbe_arena *a = store_batch_arena(h->batch);
    struct store_entity e;
    tbe_val v;

    if (old == NULL || tbe_json_parse(a, old->json, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
        snprintf(err, 256, "the stored device cannot be read");
        return -1;
    }
    e = *old;
    if (name.p != NULL) {
        other = store_entity_by_name(h->store, TBE_ENT_DEVICE, name);
        if (check_name(name, "Device", err) != 0) {
            return -1;
        }
        if (other != NULL && !tbe_uuid_eq(&other->id.id, &id.id)) {
            snprintf(err, 256, "Device with such name already exists!");
            return -1;
        }
        e.name = name;
        tbe_map_put(a, v.u.m, TBE_STR("name"), tbe_strv(name));
    }
    if (label.p != NULL) {
        if (utf8_length(label) > NAME_MAX_CHARS || memchr(label.p, '\0', label.n) != NULL) {
            snprintf(err, 256, "Device label is longer than %d characters or has a NUL", NAME_MAX_CHARS);
            return -1;
        }
        e.label = label.n > 0 ? label : TBE_STR_NONE;
        tbe_map_put(a, v.u.m, TBE_STR("label"), label.n > 0 ? tbe_strv(label) : TBE_NULL_VAL);
    }
    next_version(a, v);
    e.json = tbe_json_text(a, v, TBE_OUT_JAVA);
    store_put_entity(h->batch, &e);
    hub_cloud_event(h, CLOUD_KIND_DEVICE, &id, CLOUD_ACTION_UPDATED, TBE_STR_NONE);
    hub_device_changed(h, &id.id);
    hub_action(h, &id, TBE_STR("ENTITY_UPDATED"), e.json, e.name, &tbe_uuid_null);
    return 0;
}

void
hub_device_remove(struct device_hub *h, const struct tbe_uuid *id)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, *id };
    struct hub_device *d = hub_device(h, id);

    if (d != NULL && h->engine != NULL) {
        const struct store_entity *se = store_entity(h->store, &e);
        struct tbe_msg *m = hub_msg_new(d, TBE_STR("ENTITY_DELETED"));

        if (se != NULL) {
            m->data = tbe_arena_dup(tbe_msg_arena(m), se->json);
        }
        hub_submit(h, &m);
    }
    hub_device_deleted(h, id);
    store_delete_entity(h->batch, &e);
    hub_cloud_event(h, CLOUD_KIND_DEVICE, &e, CLOUD_ACTION_DELETED, TBE_STR_NONE);
}

int
hub_cred_set(struct device_hub *h, const struct tbe_uuid *device, struct store_cred *c, char err[256])
{
    struct tbe_entity e = { TBE_ENT_DEVICE, *device };
    struct store_cred other;

    tbe_arena_reset(&h->scratch);
    if (hub_cred_normalize(h, c, err) != 0) {
        return -1;
    }
    if (store_cred_find(h->store, c->id, &other) && !tbe_uuid_eq(&other.device, device)) {
        snprintf(err, 256, "Device credentials are already assigned to another device!");
        return -1;
    }
    c->device = *device;
    store_put_cred(h->batch, c);
    hub_cloud_event(h, CLOUD_KIND_DEVICE, &e, CLOUD_ACTION_CREDENTIALS_UPDATED, TBE_STR_NONE);
    hub_credentials_changed(h, device);
    return 0;
}

/* Profiles ----------------------------------------------------------------------------------------- */

static const char *const copied[] = { "description", "image", "type", "transportType", "provisionType",
                                      "defaultRuleChainId", "defaultDashboardId", "defaultQueueName",
                                      "profileData", "provisionDeviceKey", "firmwareId", "softwareId",
                                      "defaultEdgeRuleChainId" };

static void
profile_json(struct device_hub *h, struct tbe_buf *b, const struct store_entity *e, tbe_val in)
{
    tbe_buf_putc(b, '{');
    put_ref(b, "id", "DEVICE_PROFILE", &e->id.id);
    tbe_buf_fmt(b, "\"createdTime\":%lld,", (long long)e->created);
    put_ref(b, "tenantId", "TENANT", store_tenant(h->store));
    tbe_buf_putz(b, "\"name\":");
    tbe_json_write_str(b, e->name);
    for (unsigned i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
        tbe_val v = json_get(in, copied[i]);

        tbe_buf_fmt(b, ",\"%s\":", copied[i]);
        if (v.t == TBE_UNDEF && strcmp(copied[i], "type") == 0) {
            tbe_buf_putz(b, "\"DEFAULT\"");
        } else if (v.t == TBE_UNDEF) {
            tbe_buf_putz(b, "null");
        } else {
            tbe_json_write(b, v, TBE_OUT_JAVA);
        }
    }
    tbe_buf_putz(b, ",\"default\":false}");
}

int
hub_profile_put(struct device_hub *h, struct tbe_str name, struct tbe_str json, struct tbe_uuid *id, char err[256])
{
    struct store_entity e = { .id = { TBE_ENT_DEVICE_PROFILE, { { 0 } } }, .created = clock_ms(), .name = name,
                              .customer = tbe_uuid_null, .profile = tbe_uuid_null };
    const struct store_entity *old = store_entity_by_name(h->store, TBE_ENT_DEVICE_PROFILE, name);
    struct tbe_json_err je;
    struct tbe_arena a;
    struct tbe_buf out = { 0 };
    tbe_val v;

    if (check_name(name, "Device profile", err) != 0) {
        return -1;
    }
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, json, TBE_JSON_JAVA, &v, &je) != 0) {
        snprintf(err, 256, "device profile JSON, byte %zu: %s", je.offset, je.msg);
        tbe_arena_free(&a);
        return -1;
    }
    if (v.t != TBE_MAP) {
        snprintf(err, 256, "a device profile must be a JSON object");
        tbe_arena_free(&a);
        return -1;
    }
    if (old != NULL) {
        e.id = old->id;
        e.created = old->created;
    } else {
        tbe_uuid_time(&e.id.id, e.created);
    }
    profile_json(h, &out, &e, v);
    tbe_arena_free(&a);
    if (out.oom) {
        tbe_buf_free(&out);
        snprintf(err, 256, "out of memory");
        return -1;
    }
    e.json = tbe_buf_str(&out);
    store_put_entity(h->batch, &e);
    tbe_buf_free(&out);
    *id = e.id.id;
    hub_cloud_event(h, CLOUD_KIND_DEVICE_PROFILE, &e.id, old != NULL ? CLOUD_ACTION_UPDATED : CLOUD_ACTION_ADDED,
                    TBE_STR_NONE);
    hub_profile_changed(h, id);
    return 0;
}
