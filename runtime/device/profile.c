/* SPDX-License-Identifier: Apache-2.0 */
/* Device profiles: what the transports need of the profile's JSON, and its topic filters
 * (facts/device-apis.md 16.1). */
#include "config.h"

#include "device/hub_internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define FILTER_MAX 4096 /* bytes of a topic filter; longer ones match by equality only */

struct hub_filter {
    char *text;
    size_t n;
    bool any;         /* "#" */
    pcre2_code *re;   /* with wildcards */
    pcre2_match_data *md;
};

tbe_val
json_get(tbe_val obj, const char *key)
{
    return obj.t == TBE_MAP ? tbe_map_get(obj.u.m, tbe_strz(key)) : TBE_UNDEF_VAL;
}

struct tbe_str
json_str(tbe_val obj, const char *key)
{
    tbe_val v = json_get(obj, key);

    return tbe_is_str(v) ? tbe_val_str(v) : TBE_STR_NONE;
}

bool
json_bool(tbe_val obj, const char *key)
{
    tbe_val v = json_get(obj, key);

    return (v.t == TBE_BOOL && v.u.i) || (tbe_is_str(v) && tbe_str_eqz(tbe_val_str(v), "true"));
}

static void
filter_free(struct hub_filter *f)
{
    if (f == NULL) {
        return;
    }
    pcre2_match_data_free(f->md);
    pcre2_code_free(f->re);
    free(f->text);
    free(f);
}

/* '+' is one non-empty level, a trailing "/#" that level and everything below. All else stays a regular
 * expression as in the reference, which escapes the backslash only. */
static pcre2_code *
filter_compile(struct tbe_str s)
{
    struct tbe_buf b = { 0 };
    int err;
    PCRE2_SIZE off;
    pcre2_code *re = NULL;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\') {
            tbe_buf_putz(&b, "\\\\");
        } else if (s.p[i] == '+') {
            tbe_buf_putz(&b, "[^/]+");
        } else if (s.p[i] == '/' && i + 2 == s.n && s.p[i + 1] == '#') {
            tbe_buf_putz(&b, "($|/.*)");
            break;
        } else {
            tbe_buf_putc(&b, s.p[i]);
        }
    }
    if (!b.oom && b.n > 0) {
        re = pcre2_compile((PCRE2_SPTR)b.p, b.n, PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL, &err, &off, NULL);
    }
    tbe_buf_free(&b);
    return re;
}

static bool
blank(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > ' ') {
            return false;
        }
    }
    return true;
}

static struct hub_filter *
filter_new(struct tbe_str s, const char *dflt)
{
    struct hub_filter *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        return NULL;
    }
    if (blank(s)) {
        s = tbe_strz(dflt);
    }
    f->text = strndup(s.p, s.n);
    f->n = f->text ? s.n : 0;
    f->any = tbe_str_eqz(s, "#");
    if (!f->any && s.n <= FILTER_MAX && (memchr(s.p, '+', s.n) || memchr(s.p, '#', s.n))) {
        f->re = filter_compile(s);
        f->md = f->re ? pcre2_match_data_create(1, NULL) : NULL;
    }
    return f;
}

bool
hub_filter_match(const struct hub_filter *f, struct tbe_str topic)
{
    if (f == NULL) {
        return false;
    }
    if (f->any) {
        return true;
    }
    if (f->re != NULL && f->md != NULL) {
        return pcre2_match(f->re, (PCRE2_SPTR)topic.p, topic.n, 0, 0, f->md, NULL) >= 0;
    }
    return topic.n == f->n && memcmp(topic.p, f->text, f->n) == 0;
}

static enum hub_transport
transport_of(struct tbe_str s)
{
    static const char *const names[] = { "DEFAULT", "MQTT", "COAP", "LWM2M", "SNMP" };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tbe_str_eqz(s, names[i])) {
            return (enum hub_transport)i;
        }
    }
    return HUB_T_DEFAULT;
}

static struct tbe_str
own(struct tbe_str s)
{
    char *p = s.p ? strndup(s.p, s.n) : NULL;

    return (struct tbe_str){ p, p ? s.n : 0 };
}

static void
clear(struct hub_profile *p)
{
    filter_free(p->telemetry);
    filter_free(p->attributes);
    filter_free(p->attributes_sub);
    free((char *)p->name.p);
    free((char *)p->queue.p);
    free((char *)p->provision_type.p);
    free((char *)p->provision_key.p);
    free((char *)p->provision_secret.p);
}

void
profile_free(struct hub_profile *p)
{
    clear(p);
    free(p);
}

/* (Re)reads a profile in place: devices keep their pointer. */
void
profile_load(struct hub_profile *p, const struct store_entity *e)
{
    struct tbe_arena a;
    tbe_val json = TBE_UNDEF_VAL, data, conf, payload, prov;
    struct tbe_str type;

    clear(p);
    tbe_arena_init(&a, 0);
    if (e->json.n == 0 || tbe_json_parse(&a, e->json, TBE_JSON_JAVA, &json, NULL) != 0) {
        if (e->json.n > 0) {
            log_warn("device profile %.*s: its JSON cannot be read; defaults are used", (int)e->name.n, e->name.p);
        }
        json = TBE_UNDEF_VAL;
    }
    data = json_get(json, "profileData");
    conf = json_get(data, "transportConfiguration");
    prov = json_get(data, "provisionConfiguration");
    type = json_str(json, "transportType");
    if (type.p == NULL) {
        type = json_str(conf, "type");
    }
    p->name = own(e->name);
    p->queue = own(json_str(json, "defaultQueueName"));
    p->transport = transport_of(type);
    if (p->transport != HUB_T_MQTT) {
        conf = p->transport == HUB_T_COAP ? conf : TBE_UNDEF_VAL;
    }
    p->telemetry = filter_new(json_str(conf, "deviceTelemetryTopic"), "v1/devices/me/telemetry");
    p->attributes = filter_new(json_str(conf, "deviceAttributesTopic"), "v1/devices/me/attributes");
    p->attributes_sub = filter_new(json_str(conf, "deviceAttributesSubscribeTopic"), "v1/devices/me/attributes");
    payload = json_get(conf, "transportPayloadTypeConfiguration");
    if (payload.t != TBE_MAP) {
        payload = json_get(json_get(conf, "coapDeviceTypeConfiguration"), "transportPayloadTypeConfiguration");
    }
    p->protobuf = tbe_str_eqz(json_str(payload, "transportPayloadType"), "PROTOBUF");
    p->json_compat = json_bool(payload, "enableCompatibilityWithJsonPayloadFormat");
    p->send_ack = json_bool(conf, "sendAckOnValidationException");
    p->sparkplug = json_bool(conf, "sparkplug");
    p->provision_type = own(json_str(prov, "type"));
    if (p->provision_type.p == NULL) {
        p->provision_type = own(json_str(json, "provisionType"));
    }
    p->provision_secret = own(json_str(prov, "provisionDeviceSecret"));
    p->provision_key = own(json_str(json, "provisionDeviceKey"));
    tbe_arena_free(&a);
}
