/* SPDX-License-Identifier: Apache-2.0 */
/* Device provisioning (facts/device-apis.md 10): a device without credentials asks for some with the key
 * and secret of a device profile. */
#include "config.h"

#include "device/hub_internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

struct request {
    struct tbe_str name, key, secret, type;
    struct tbe_str token, client, user, password, hash;
    bool gateway, named; /* named: deviceName is there and not empty */
};

static const char *const type_names[] = { "ACCESS_TOKEN", "MQTT_BASIC", "X509_CERTIFICATE", "LWM2M_CREDENTIALS" };

static struct tbe_str
trim(struct tbe_str s)
{
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ') {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ') {
        s.n--;
    }
    return s;
}

/* A member as text; primitives are stringified. 0, or -1 with the reference's text: null or no primitive. */
static int
text_member(struct device_hub *h, tbe_val obj, const char *key, bool needed, struct tbe_str json,
            struct tbe_str *out, struct tbe_str *err)
{
    tbe_val v = json_get(obj, key);

    *out = TBE_STR("");
    switch (v.t) {
    case TBE_UNDEF:
        if (needed) {
            *err = tbe_arena_fmt(store_batch_arena(h->batch), "Failed to find the field %s in JSON body %.*s!", key, (int)json.n, json.p);
            return -1;
        }
        return 0;
    case TBE_STR_T:
    case TBE_NUM:
        *out = tbe_val_str(v);
        return 0;
    case TBE_BOOL:
        *out = v.u.i ? TBE_STR("true") : TBE_STR("false");
        return 0;
    default:
        *err = v.t == TBE_NULL ? TBE_STR("JsonNull") : TBE_STR("JsonObject");
        return -1;
    }
}

static int
read_request(struct device_hub *h, tbe_val v, struct request *r, struct tbe_str *err)
{
    struct tbe_str json = tbe_json_text(store_batch_arena(h->batch), v, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    const struct {
        const char *key;
        struct tbe_str *to;
        bool needed;
    } members[] = { { "provisionDeviceKey", &r->key, true }, { "provisionDeviceSecret", &r->secret, true },
                    { "deviceName", &r->name, false },       { "credentialsType", &r->type, false },
                    { "token", &r->token, false },           { "clientId", &r->client, false },
                    { "username", &r->user, false },         { "password", &r->password, false },
                    { "hash", &r->hash, false } };

    memset(r, 0, sizeof(*r));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (text_member(h, v, members[i].key, members[i].needed, json, members[i].to, err) != 0) {
            return -1;
        }
    }
    r->named = r->name.n > 0;
    r->name = trim(r->name);
    r->gateway = json_bool(v, "gateway");
    return 0;
}

/* Type of the requested credentials; absent is a token. */
static int
type_of(struct device_hub *h, const struct request *r, enum store_cred_type *out, struct tbe_str *err)
{
    *out = STORE_CRED_TOKEN;
    if (r->type.n == 0) {
        return 0;
    }
    for (unsigned i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (tbe_str_eqz(r->type, type_names[i])) {
            *out = (enum store_cred_type)i;
            return 0;
        }
    }
    *err = tbe_arena_fmt(store_batch_arena(h->batch),
                         "No enum constant org.thingsboard.server.gen.transport.TransportProtos.CredentialsType.%.*s",
                         (int)r->type.n, r->type.p);
    return -1;
}

struct search {
    struct device_hub *h;
    struct tbe_str key;
    struct hub_profile *found;
};

static bool
match_profile(void *arg, const struct store_entity *e)
{
    struct search *s = arg;
    struct tbe_uuid id = e->id.id;
    struct hub_profile *p = hub_profile(s->h, &id);

    if (p != NULL && p->provision_key.n > 0 && tbe_str_eq(p->provision_key, s->key)) {
        s->found = p;
        return false;
    }
    return true;
}

/* The request as a rule message on the device (10.4). */
static void
tell_engine(struct device_hub *h, struct hub_device *d, const struct request *r, enum store_cred_type type,
            struct tbe_str msg_type)
{
    struct tbe_msg *m = hub_msg_new(d, msg_type);
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_buf b = { 0 };
    char tenant[TBE_UUID_TEXT + 1];
    const struct {
        const char *before;
        struct tbe_str s;
    } parts[] = { { "{\"deviceName\":", r->name },
                  { ",\"credentialsType\":", tbe_strz(type_names[type]) },
                  { ",\"credentialsData\":{\"token\":", r->token },
                  { ",\"clientId\":", r->client },
                  { ",\"username\":", r->user },
                  { ",\"password\":", r->password },
                  { ",\"x509CertHash\":", r->hash },
                  { "},\"credentials\":{\"provisionDeviceKey\":", r->key },
                  { ",\"provisionDeviceSecret\":", r->secret } };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        tbe_buf_putz(&b, parts[i].before);
        tbe_json_write_str(&b, parts[i].s);
    }
    tbe_buf_fmt(&b, "},\"gateway\":%s}", r->gateway ? "true" : "false");
    tbe_uuid_text(store_tenant(h->store), tenant);
    tbe_md_put(a, &m->md, TBE_STR("tenantId"), tbe_arena_dup(a, tbe_strz(tenant)));
    m->data = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    hub_submit(h, &m);
}

static void
refused(struct tbe_buf *out, bool not_found)
{
    tbe_buf_putz(out, not_found ? "{\"errorMsg\":\"Provision data was not found!\",\"status\":\"NOT_FOUND\"}"
                                : "{\"errorMsg\":\"Failed to provision device!\",\"status\":\"FAILURE\"}");
}

static void
granted(struct device_hub *h, struct hub_device *d, struct tbe_buf *out)
{
    struct tbe_kv kv = { .key = TBE_STR_INIT("provisionState"), .type = TBE_KV_STRING, .s = TBE_STR_INIT("provisioned") };
    struct tbe_kvs kvs = { &kv, 1 };
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };
    struct store_cred c;

    store_save_attrs(h->batch, &e, STORE_SERVER, clock_ms(), &kvs);
    if (!store_cred_of(h->store, &d->id, &c)) {
        refused(out, false);
        return;
    }
    tbe_buf_putz(out, "{\"credentialsValue\":");
    if (c.type == STORE_CRED_MQTT_BASIC) {
        tbe_buf_puts(out, c.value);
    } else {
        tbe_json_write_str(out, c.type == STORE_CRED_TOKEN ? c.id : c.value);
    }
    tbe_buf_fmt(out, ",\"credentialsType\":\"%s\",\"status\":\"SUCCESS\"}", type_names[c.type]);
}

/* Requested credentials; none when no member of theirs is given. 0, or -1: they cannot be stored. */
static int
requested(struct device_hub *h, const struct request *r, enum store_cred_type type, struct store_cred *c)
{
    struct tbe_buf b = { 0 };
    char err[256];
    int rc;

    memset(c, 0, sizeof(*c));
    if (r->token.n + r->hash.n + r->user.n + r->password.n + r->client.n == 0) {
        return 0;
    }
    c->type = type;
    if (type == STORE_CRED_TOKEN) {
        c->id = r->token;
    } else if (type == STORE_CRED_X509) {
        c->value = r->hash;
    } else if (type == STORE_CRED_MQTT_BASIC) {
        tbe_buf_putz(&b, "{\"clientId\":");
        tbe_json_write_str(&b, r->client);
        tbe_buf_putz(&b, ",\"userName\":");
        tbe_json_write_str(&b, r->user);
        tbe_buf_putz(&b, ",\"password\":");
        tbe_json_write_str(&b, r->password);
        tbe_buf_putc(&b, '}');
        c->value = tbe_arena_dup(store_batch_arena(h->batch), tbe_buf_str(&b));
        tbe_buf_free(&b);
    }
    rc = hub_cred_normalize(h, c, err);
    c->id = rc == 0 ? tbe_arena_dup(store_batch_arena(h->batch), c->id) : TBE_STR_NONE;
    if (rc == 0 && c->value.p != NULL) {
        c->value = tbe_arena_dup(store_batch_arena(h->batch), c->value);
    }
    if (rc != 0) {
        log_warn("provisioning: %s", err);
    }
    return rc;
}

static void
create(struct device_hub *h, struct hub_profile *p, struct request *r, enum store_cred_type type, struct tbe_buf *out)
{
    struct hub_new_device n = { .profile = p->name, .info = r->gateway ? TBE_STR("{\"gateway\":true}") : TBE_STR_NONE };
    struct hub_device *d = r->named ? hub_device_by_name(h, r->name) : NULL;
    struct tbe_uuid id;
    char err[256], random[21];

    if (d != NULL) {
        tell_engine(h, d, r, type, TBE_STR("PROVISION_FAILURE"));
        refused(out, false);
        return;
    }
    if (!r->named) {
        hub_random_token(random);
        r->name = (struct tbe_str){ random, 20 };
    }
    n.name = r->name;
    if (requested(h, r, type, &n.cred) != 0 || hub_device_create(h, &n, &id, err) != 0 ||
        (d = hub_device(h, &id)) == NULL) {
        refused(out, false);
        return;
    }
    granted(h, d, out);
    tell_engine(h, d, r, type, TBE_STR("PROVISION_SUCCESS"));
}

static void
check_pre_provisioned(struct device_hub *h, struct hub_profile *p, const struct request *r, enum store_cred_type type,
                      struct tbe_buf *out)
{
    struct hub_device *d = r->named ? hub_device_by_name(h, r->name) : NULL;
    struct tbe_entity e;
    struct tbe_kv kv;
    int64_t ts;

    if (d == NULL || d->profile != p) {
        refused(out, false);
        return;
    }
    e = (struct tbe_entity){ TBE_ENT_DEVICE, d->id };
    if (store_attr(h->store, &e, STORE_SERVER, TBE_STR("provisionState"), &kv, &ts)) {
        tell_engine(h, d, r, type, TBE_STR("PROVISION_FAILURE"));
        refused(out, false);
        return;
    }
    granted(h, d, out);
    tell_engine(h, d, r, type, TBE_STR("PROVISION_SUCCESS"));
}

enum hub_result
hub_provision(struct device_hub *h, struct tbe_str json, struct tbe_buf *out, struct tbe_str *err)
{
    struct tbe_arena *a = store_batch_arena(h->batch);
    struct request r;
    struct search s = { h, TBE_STR_NONE, NULL };
    enum store_cred_type type;
    struct tbe_kvs kvs;
    tbe_val v;

    /* In the batch's memory: making a device uses the hub's scratch memory. */
    tbe_arena_reset(&h->scratch);
    json = tbe_arena_dup(a, json);
    *err = TBE_STR("");
    if (tbe_json_parse(a, json, TBE_JSON_RAW | TBE_JSON_LENIENT, &v, NULL) != 0 || v.t != TBE_MAP) {
        (void)!tbe_kv_attributes(a, json, 0, 0, &kvs, err); /* fails too, with the reference's text */
        return HUB_PAYLOAD;
    }
    if (read_request(h, v, &r, err) != 0 || type_of(h, &r, &type, err) != 0) {
        return HUB_UNCAUGHT;
    }
    if (r.named && r.name.n == 0) {
        refused(out, false);
        return HUB_DONE;
    }
    s.key = r.key;
    if (r.key.n > 0 && r.secret.n > 0) {
        store_entity_each(h->store, TBE_ENT_DEVICE_PROFILE, match_profile, &s);
    }
    if (s.found == NULL || s.found->provision_secret.n == 0 || !tbe_str_eq(s.found->provision_secret, r.secret)) {
        refused(out, true);
    } else if (tbe_str_eqz(s.found->provision_type, "ALLOW_CREATE_NEW_DEVICES")) {
        create(h, s.found, &r, type, out);
    } else if (tbe_str_eqz(s.found->provision_type, "CHECK_PRE_PROVISIONED_DEVICES")) {
        check_pre_provisioned(h, s.found, &r, type, out);
    } else {
        refused(out, true);
    }
    return HUB_DONE;
}
