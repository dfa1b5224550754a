/* SPDX-License-Identifier: Apache-2.0 */
/* One DownlinkMsg: its fields in the order of facts/edge-cloud-protocol.md 5.1, and storing or deleting
 * one entity by the rules of 5.3. */
#include "config.h"
#include "cloud/downlink.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"

static METRIC_COUNTER(m_applied, "tbedge_cloud_downlink_entities_total", "Entity messages of the cloud that were stored.");
static METRIC_COUNTER(m_same, "tbedge_cloud_downlink_unchanged_total", "Entity messages that said what is stored already.");
static METRIC_COUNTER(m_refused, "tbedge_cloud_downlink_refused_total", "Parts of downlinks that cannot be processed.");

/* The fields ------------------------------------------------------------------------------------------- */

static enum down_op
op_of(int type)
{
    return type >= 0 && type < DOWN_UNKNOWN ? (enum down_op)type : DOWN_UNKNOWN;
}

struct tbe_uuid
down_uuid(int64_t msb, int64_t lsb)
{
    struct tbe_uuid u;

    for (int i = 0; i < 8; i++) {
        u.b[i] = (uint8_t)((uint64_t)msb >> (56 - 8 * i));
        u.b[8 + i] = (uint8_t)((uint64_t)lsb >> (56 - 8 * i));
    }
    return u;
}

/* One reader per shape of message: with ids, with the type alone, with the entity alone. */
#define WITH_ID(field, type)                                                                                 \
    static void read_##field(const Edge__DownlinkMsg *m, size_t i, struct down_update *u)                    \
    {                                                                                                        \
        const Edge__##type *x = m->field[i];                                                                 \
        *u = (struct down_update){ op_of((int)x->msgtype), down_uuid(x->idmsb, x->idlsb),                    \
                                   tbe_strz(x->entity), TBE_STR_NONE };                                      \
    }
#define WITH_TYPE(field, type)                                                                               \
    static void read_##field(const Edge__DownlinkMsg *m, size_t i, struct down_update *u)                    \
    {                                                                                                        \
        const Edge__##type *x = m->field[i];                                                                 \
        *u = (struct down_update){ op_of((int)x->msgtype), { { 0 } }, tbe_strz(x->entity), TBE_STR_NONE };   \
    }
#define BARE(field, type)                                                                                    \
    static void read_##field(const Edge__DownlinkMsg *m, size_t i, struct down_update *u)                    \
    {                                                                                                        \
        *u = (struct down_update){ DOWN_UPDATED, { { 0 } }, tbe_strz(m->field[i]->entity), TBE_STR_NONE };   \
    }
/* An optional id that is not set is all zero; so is an optional text NULL. */
WITH_ID(deviceprofileupdatemsg, DeviceProfileUpdateMsg)
WITH_ID(deviceupdatemsg, DeviceUpdateMsg)
BARE(devicecredentialsupdatemsg, DeviceCredentialsUpdateMsg)
WITH_ID(assetprofileupdatemsg, AssetProfileUpdateMsg)
WITH_ID(assetupdatemsg, AssetUpdateMsg)
WITH_ID(entityviewupdatemsg, EntityViewUpdateMsg)
WITH_ID(rulechainupdatemsg, RuleChainUpdateMsg)
WITH_TYPE(rulechainmetadataupdatemsg, RuleChainMetadataUpdateMsg)
WITH_ID(dashboardupdatemsg, DashboardUpdateMsg)
WITH_ID(alarmupdatemsg, AlarmUpdateMsg)
WITH_TYPE(alarmcommentupdatemsg, AlarmCommentUpdateMsg)
WITH_ID(customerupdatemsg, CustomerUpdateMsg)
WITH_TYPE(relationupdatemsg, RelationUpdateMsg)
WITH_ID(widgettypeupdatemsg, WidgetTypeUpdateMsg)
WITH_ID(userupdatemsg, UserUpdateMsg)
BARE(usercredentialsupdatemsg, UserCredentialsUpdateMsg)
BARE(adminsettingsupdatemsg, AdminSettingsUpdateMsg)
WITH_ID(otapackageupdatemsg, OtaPackageUpdateMsg)
WITH_ID(queueupdatemsg, QueueUpdateMsg)
WITH_TYPE(tenantprofileupdatemsg, TenantProfileUpdateMsg)
WITH_ID(notificationtemplateupdatemsg, NotificationTemplateUpdateMsg)
WITH_ID(notificationtargetupdatemsg, NotificationTargetUpdateMsg)
WITH_ID(notificationruleupdatemsg, NotificationRuleUpdateMsg)
WITH_ID(oauth2clientupdatemsg, OAuth2ClientUpdateMsg)
WITH_ID(oauth2domainupdatemsg, OAuth2DomainUpdateMsg)
WITH_TYPE(tenantupdatemsg, TenantUpdateMsg)
WITH_ID(resourceupdatemsg, ResourceUpdateMsg)
WITH_ID(calculatedfieldupdatemsg, CalculatedFieldUpdateMsg)
WITH_ID(aimodelupdatemsg, AiModelUpdateMsg)
WITH_ID(apikeyupdatemsg, ApiKeyUpdateMsg)

static void
read_widgetsbundleupdatemsg(const Edge__DownlinkMsg *m, size_t i, struct down_update *u)
{
    const Edge__WidgetsBundleUpdateMsg *x = m->widgetsbundleupdatemsg[i];

    *u = (struct down_update){ op_of((int)x->msgtype), down_uuid(x->idmsb, x->idlsb), tbe_strz(x->entity),
                               tbe_strz(x->widgets) };
}

static const struct field {
    const char *name;
    size_t count; /* offset of n_... */
    void (*read)(const Edge__DownlinkMsg *m, size_t i, struct down_update *u);
    down_fn *apply;
} fields[] = {
#define FIELD(f, fn) { #f, offsetof(Edge__DownlinkMsg, n_##f), read_##f, fn }
    FIELD(deviceprofileupdatemsg, down_device_profile),
    FIELD(deviceupdatemsg, down_device),
    FIELD(devicecredentialsupdatemsg, down_device_credentials),
    FIELD(assetprofileupdatemsg, down_asset_profile),
    FIELD(assetupdatemsg, down_asset),
    FIELD(entityviewupdatemsg, down_entity_view),
    FIELD(rulechainupdatemsg, down_rule_chain),
    FIELD(rulechainmetadataupdatemsg, down_rule_chain_metadata),
    FIELD(dashboardupdatemsg, down_dashboard),
    FIELD(alarmupdatemsg, down_alarm),
    FIELD(alarmcommentupdatemsg, down_alarm_comment),
    FIELD(customerupdatemsg, down_customer_update),
    FIELD(relationupdatemsg, down_relation),
    FIELD(widgetsbundleupdatemsg, down_widgets_bundle),
    FIELD(widgettypeupdatemsg, down_widget_type),
    FIELD(userupdatemsg, down_user),
    FIELD(usercredentialsupdatemsg, down_user_credentials),
    FIELD(adminsettingsupdatemsg, down_admin_settings),
    FIELD(otapackageupdatemsg, down_ota_package),
    FIELD(queueupdatemsg, down_queue),
    FIELD(tenantprofileupdatemsg, down_tenant_profile),
    FIELD(notificationtemplateupdatemsg, down_notification_template),
    FIELD(notificationtargetupdatemsg, down_notification_target),
    FIELD(notificationruleupdatemsg, down_notification_rule),
    FIELD(oauth2clientupdatemsg, down_oauth2_client),
    FIELD(oauth2domainupdatemsg, down_oauth2_domain),
    FIELD(tenantupdatemsg, down_tenant),
    FIELD(resourceupdatemsg, down_resource),
    FIELD(calculatedfieldupdatemsg, down_calculated_field),
    FIELD(aimodelupdatemsg, down_ai_model),
    FIELD(apikeyupdatemsg, down_api_key),
};

static void
data_and_rpc(struct down *d)
{
    const Edge__DownlinkMsg *m = d->m;

    d->field = "entitydata";
    for (size_t i = 0; i < m->n_entitydata; i++) {
        down_entity_data(d, m->entitydata[i]);
    }
    d->field = "devicerpccallmsg";
    for (size_t i = 0; i < m->n_devicerpccallmsg; i++) {
        down_rpc(d, m->devicerpccallmsg[i]);
    }
}

/* Deprecated, but old clouds still say it: the cloud wants the credentials of a device of ours. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void
credentials_wanted(struct down *d)
{
    const Edge__DownlinkMsg *m = d->m;

    for (size_t i = 0; i < m->n_devicecredentialsrequestmsg; i++) {
        const Edge__DeviceCredentialsRequestMsg *r = m->devicecredentialsrequestmsg[i];
        struct tbe_entity e = { TBE_ENT_DEVICE, down_uuid(r->deviceidmsb, r->deviceidlsb) };

        if (down_exists(d, &e)) {
            cloud_event(d->c, d->b, &e, CLOUD_ACTION_CREDENTIALS_UPDATED, TBE_STR_NONE);
        }
    }
}

#pragma GCC diagnostic pop

static void
after_chains(void *arg)
{
    const struct cloud_env *env = arg;

    env->chains_changed(env->arg);
}

bool
cloud_downlink(struct cloud *c, struct store_batch *b, const Edge__DownlinkMsg *m, char err[256])
{
    const struct cloud_env *env = cloud_env(c);
    struct down d = { .c = c, .env = env, .s = env->store, .b = b, .hub = env->hub, .m = m };

    (void)err; /* nothing here is transient: the store retries for ever */
    metric_register(&m_applied);
    metric_register(&m_same);
    metric_register(&m_refused);
    tbe_arena_init(&d.a, 0);
    data_and_rpc(&d);
    credentials_wanted(&d);
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        size_t n;

        memcpy(&n, (const char *)m + fields[f].count, sizeof n);
        d.field = fields[f].name;
        for (size_t i = 0; i < n; i++) {
            struct down_update u;

            fields[f].read(m, i, &u);
            fields[f].apply(&d, &u);
            tbe_arena_reset(&d.a);
        }
    }
    if (d.chains_changed && env->chains_changed) {
        store_batch_after(b, after_chains, (void *)(uintptr_t)env);
    }
    tbe_arena_free(&d.a);
    return true;
}

/* JSON ------------------------------------------------------------------------------------------------- */

void
down_refuse(struct down *d, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    metric_add(&m_refused, 1);
    log_warn("the cloud's %s cannot be applied: %s", d->field, text);
}

bool
down_parse(struct down *d, struct tbe_str text, tbe_val *out)
{
    struct tbe_json_err e = { 0, "it is empty" };

    if (text.n == 0 || text.n > DOWN_JSON_MAX ||
        tbe_json_parse(&d->a, text, TBE_JSON_RAW | TBE_JSON_BORROW, out, &e) != 0 || out->t != TBE_MAP) {
        down_refuse(d, "entity, byte %zu: %s", e.offset, e.msg ? e.msg : "not an object");
        return false;
    }
    return true;
}

tbe_val
down_get(tbe_val map, const char *key)
{
    return map.t == TBE_MAP ? tbe_map_get(map.u.m, tbe_strz(key)) : TBE_UNDEF_VAL;
}

struct tbe_str
down_str(tbe_val map, const char *key)
{
    tbe_val v = down_get(map, key);

    return tbe_is_str(v) ? tbe_val_str(v) : TBE_STR_NONE;
}

int64_t
down_long(tbe_val map, const char *key)
{
    tbe_val v = down_get(map, key);
    int64_t i = 0;

    return v.t == TBE_NUM && tbe_parse_long(tbe_val_str(v), &i) ? i : 0;
}

bool
down_bool(tbe_val map, const char *key)
{
    tbe_val v = down_get(map, key);

    return v.t == TBE_BOOL && v.u.i;
}

bool
down_id(tbe_val map, const char *key, struct tbe_uuid *out)
{
    struct tbe_str s = down_str(down_get(map, key), "id");

    return s.p && tbe_uuid_parse(s, out) && !tbe_uuid_is_null(out);
}

bool
down_ref(tbe_val map, const char *key, struct tbe_entity *out)
{
    out->type = tbe_entity_type_parse(down_str(down_get(map, key), "entityType"));
    return out->type != TBE_ENT_NONE && down_id(map, key, &out->id);
}

void
down_set(struct down *d, struct down_item *it, const char *key, tbe_val v)
{
    tbe_val was = down_get(it->json, key);

    if (was.t != TBE_UNDEF && tbe_val_same(was, v)) {
        return;
    }
    tbe_map_put(&d->a, it->json.u.m, tbe_strz(key), v);
    it->edited = true;
}

void
down_set_null(struct down *d, struct down_item *it, const char *key)
{
    if (down_get(it->json, key).t > TBE_NULL) {
        down_set(d, it, key, TBE_NULL_VAL);
    }
}

tbe_val
down_id_value(struct down *d, enum tbe_entity_type t, const struct tbe_uuid *id)
{
    tbe_val v = tbe_map_new(&d->a, 2);
    char text[TBE_UUID_TEXT + 1];

    tbe_uuid_text(id, text);
    tbe_map_put(&d->a, v.u.m, TBE_STR("entityType"), tbe_strv(tbe_strz(tbe_entity_type_name(t))));
    tbe_map_put(&d->a, v.u.m, TBE_STR("id"), tbe_strv(tbe_arena_dup(&d->a, tbe_strz(text))));
    return v;
}

void
down_rewrite(struct down *d, const struct store_entity *e, const char *key, tbe_val v)
{
    struct store_entity n = *e;
    tbe_val json;

    if (tbe_json_parse(&d->a, e->json, TBE_JSON_RAW | TBE_JSON_BORROW, &json, NULL) == 0 && json.t == TBE_MAP) {
        tbe_map_put(&d->a, json.u.m, tbe_strz(key), v);
        n.json = tbe_json_text(&d->a, json, TBE_OUT_JAVA);
    }
    store_put_entity(d->b, &n);
}

void
down_customer(struct down *d, struct down_item *it)
{
    struct tbe_entity c = { .type = TBE_ENT_CUSTOMER };

    it->e.customer = tbe_uuid_null;
    if (down_id(it->json, "customerId", &c.id)) {
        if (store_entity(d->s, &c)) {
            it->e.customer = c.id;
        } else {
            down_set(d, it, "customerId", down_id_value(d, TBE_ENT_CUSTOMER, &tbe_uuid_null));
        }
    }
}

struct tbe_str
down_owned_name(struct down *d, tbe_val json, struct tbe_str name)
{
    struct tbe_uuid tenant;
    const char *owner = down_id(json, "tenantId", &tenant) ? "tenant" : "system";

    return tbe_arena_fmt(&d->a, "%s.%.*s", owner, (int)name.n, name.p ? name.p : "");
}

/* Entities --------------------------------------------------------------------------------------------- */

bool
down_exists(struct down *d, const struct tbe_entity *e)
{
    return store_entity(d->s, e) != NULL || (e->type == TBE_ENT_TENANT && tbe_uuid_eq(&e->id, store_tenant(d->s)));
}

/* 100 ns since 1582-10-15 -> ms since 1970. */
int64_t
down_uuid_ms(const struct tbe_uuid *id)
{
    uint64_t msb = (uint64_t)tbe_uuid_msb(id);
    uint64_t t = ((msb & 0xfff) << 48) | (((msb >> 16) & 0xffff) << 32) | (msb >> 32);

    if (((msb >> 12) & 0xf) != 1 || t < 0x01b21dd213814000u) {
        return clock_ms();
    }
    return (int64_t)((t - 0x01b21dd213814000u) / 10000);
}

void
down_event(struct down *d, const char *type, const struct store_entity *e, const struct tbe_md *md)
{
    struct tbe_msg *m;
    struct tbe_arena *a;

    if (!d->env->engine) {
        return;
    }
    m = tbe_msg_new(tbe_strz(type), e->id);
    a = tbe_msg_arena(m);
    m->customer = e->customer;
    for (uint32_t i = 0; md && i < md->n; i++) {
        tbe_md_put(a, &m->md, tbe_arena_dup(a, md->e[i].key), tbe_arena_dup(a, md->e[i].val));
    }
    tbe_msg_set_data(m, tbe_arena_dup(a, e->json));
    engine_submit_take(d->env->engine, &m);
}

void
down_remove(struct down *d, const struct down_kind *k, const struct store_entity *e)
{
    if (k->remove) {
        k->remove(d, e);
        return;
    }
    if (k->flags & DOWN_EVENT_DELETED) {
        down_event(d, "ENTITY_DELETED", e, NULL);
    }
    store_delete_entity(d->b, &e->id);
}

/* Is `name` what an earlier clash made of `wanted`? */
static bool
is_renamed(struct tbe_str name, struct tbe_str wanted)
{
    if (name.n != wanted.n + 1 + DOWN_SUFFIX || memcmp(name.p, wanted.p, wanted.n) != 0 || name.p[wanted.n] != '_') {
        return false;
    }
    for (size_t i = wanted.n + 1; i < name.n; i++) {
        if ((name.p[i] | 0x20) < 'a' || (name.p[i] | 0x20) > 'z') {
            return false;
        }
    }
    return true;
}

static struct tbe_str
suffixed(struct down *d, struct tbe_str name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char s[DOWN_SUFFIX + 1] = "";
    size_t n = name.n;

    for (unsigned i = 0; i < DOWN_SUFFIX; i++) {
        s[i] = letters[random_u64() % (sizeof letters - 1)];
    }
    while (n + DOWN_SUFFIX + 1 > DOWN_NAME_MAX && n > 0) { /* whole characters */
        n--;
        while (n > 0 && ((unsigned char)name.p[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    return tbe_arena_fmt(&d->a, "%.*s_%s", (int)n, name.p, s);
}

static const struct store_entity *
taken(struct down *d, const struct down_item *it)
{
    const struct store_entity *other = it->k->taken ? it->k->taken(d, it)
                                                    : store_entity_by_name(d->s, it->k->type, it->e.name);

    return other && !tbe_uuid_eq(&other->id.id, &it->e.id.id) ? other : NULL;
}

/* The name belongs to somebody else. true: the cloud must be told of the new one. */
static bool
clash(struct down *d, struct down_item *it)
{
    const struct store_entity *other = it->k->clash == DOWN_CLASH_NONE ? NULL : taken(d, it);

    if (!other) {
        return false;
    }
    if (it->k->clash == DOWN_CLASH_REPLACE) {
        if (it->k->replace) {
            it->k->replace(d, it, other);
        }
        down_remove(d, it->k, other);
        return false;
    }
    if (it->old && is_renamed(it->old->name, it->e.name)) {
        it->e.name = it->old->name; /* the message again */
        down_set(d, it, it->k->name, tbe_strv(it->e.name));
        return false;
    }
    it->e.name = suffixed(d, it->e.name);
    down_set(d, it, it->k->name, tbe_strv(it->e.name));
    return true;
}

static bool
same(const struct store_entity *a, const struct store_entity *b)
{
    return tbe_str_eq(a->json, b->json) && tbe_str_eq(a->name, b->name) && tbe_uuid_eq(&a->customer, &b->customer) &&
           tbe_uuid_eq(&a->profile, &b->profile);
}

static void
put(struct down *d, struct down_item *it, bool renamed)
{
    it->e.json = it->edited ? tbe_json_text(&d->a, it->json, TBE_OUT_JAVA) : it->u->json;
    if (it->old && same(it->old, &it->e)) {
        metric_add(&m_same, 1);
    } else {
        store_put_entity(d->b, &it->e);
        metric_add(&m_applied, 1);
        if (it->k->saved) {
            it->k->saved(d, it);
        }
        if (!it->old && (it->k->flags & DOWN_EVENT_CREATED)) {
            down_event(d, "ENTITY_CREATED", &it->e, NULL);
        }
    }
    if (renamed) {
        cloud_event(d->c, d->b, &it->e.id, CLOUD_ACTION_UPDATED, TBE_STR_NONE);
    }
    if ((it->k->flags & DOWN_REQUEST_ALWAYS) || (!it->old && (it->k->flags & DOWN_REQUEST))) {
        cloud_request_all(d->c, d->b, &it->e.id);
    }
}

static void
store_it(struct down *d, const struct down_kind *k, const struct down_update *u)
{
    struct down_item it = { .k = k, .u = u };
    bool renamed;

    if (!down_parse(d, u->json, &it.json)) {
        return;
    }
    it.e.id = (struct tbe_entity){ k->type, u->id };
    if (tbe_uuid_is_null(&u->id) && !down_id(it.json, "id", &it.e.id.id)) {
        down_refuse(d, "it has no id");
        return;
    }
    it.e.customer = it.e.profile = tbe_uuid_null;
    it.e.name = down_str(it.json, k->name);
    it.e.label = down_str(it.json, "label");
    it.e.created = down_long(it.json, "createdTime");
    if (it.e.created <= 0) {
        it.e.created = down_uuid_ms(&it.e.id.id);
    }
    it.old = store_entity(d->s, &it.e.id);
    if (k->edit && !k->edit(d, &it)) {
        return;
    }
    if (!it.e.name.p) {
        it.e.name = TBE_STR("");
    }
    renamed = clash(d, &it);
    put(d, &it, renamed);
}

void
down_entity(struct down *d, const struct down_kind *k, const struct down_update *u)
{
    struct tbe_entity id = { k->type, u->id };
    const struct store_entity *e;

    switch (u->op) {
    case DOWN_CREATED:
    case DOWN_UPDATED:
        store_it(d, k, u);
        return;
    case DOWN_DELETED:
        e = store_entity(d->s, &id);
        if (e) {
            down_remove(d, k, e);
        }
        return;
    default: /* a message type of a later cloud, or of alarms */
        down_refuse(d, "message type %d has no meaning here", (int)u->op);
    }
}
