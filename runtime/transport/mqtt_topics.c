/* SPDX-License-Identifier: Apache-2.0 */
/* The topic tables of the MQTT device API. */
#include "config.h"

#include "transport/mqtt_topics.h"

#include <stdio.h>
#include <string.h>

static const struct publish_row {
    struct tbe_str topic;
    bool prefix; /* an id follows */
    enum mqtt_op op;
    enum mqtt_form form;
} publish_rows[] = {
    { TBE_STR_INIT("v1/devices/me/attributes/request/"), true, MQTT_OP_ATTR_REQUEST, MQTT_V1 },
    { TBE_STR_INIT("v1/devices/me/rpc/response/"), true, MQTT_OP_RPC_RESPONSE, MQTT_V1 },
    { TBE_STR_INIT("v1/devices/me/rpc/request/"), true, MQTT_OP_CLIENT_RPC, MQTT_V1 },
    { TBE_STR_INIT("v1/devices/me/claim"), false, MQTT_OP_CLAIM, MQTT_V1 },
    { TBE_STR_INIT("v2/t"), false, MQTT_OP_TELEMETRY, MQTT_V2 },
    { TBE_STR_INIT("v2/t/j"), false, MQTT_OP_TELEMETRY, MQTT_V2_JSON },
    { TBE_STR_INIT("v2/t/p"), false, MQTT_OP_TELEMETRY, MQTT_V2_PROTO },
    { TBE_STR_INIT("v2/a"), false, MQTT_OP_ATTRIBUTES, MQTT_V2 },
    { TBE_STR_INIT("v2/a/j"), false, MQTT_OP_ATTRIBUTES, MQTT_V2_JSON },
    { TBE_STR_INIT("v2/a/p"), false, MQTT_OP_ATTRIBUTES, MQTT_V2_PROTO },
    { TBE_STR_INIT("v2/r/res/j/"), true, MQTT_OP_RPC_RESPONSE, MQTT_V2_JSON },
    { TBE_STR_INIT("v2/r/res/p/"), true, MQTT_OP_RPC_RESPONSE, MQTT_V2_PROTO },
    { TBE_STR_INIT("v2/r/res/"), true, MQTT_OP_RPC_RESPONSE, MQTT_V2 },
    { TBE_STR_INIT("v2/r/req/j/"), true, MQTT_OP_CLIENT_RPC, MQTT_V2_JSON },
    { TBE_STR_INIT("v2/r/req/p/"), true, MQTT_OP_CLIENT_RPC, MQTT_V2_PROTO },
    { TBE_STR_INIT("v2/r/req/"), true, MQTT_OP_CLIENT_RPC, MQTT_V2 },
    { TBE_STR_INIT("v2/a/req/j/"), true, MQTT_OP_ATTR_REQUEST, MQTT_V2_JSON },
    { TBE_STR_INIT("v2/a/req/p/"), true, MQTT_OP_ATTR_REQUEST, MQTT_V2_PROTO },
    { TBE_STR_INIT("v2/a/req/"), true, MQTT_OP_ATTR_REQUEST, MQTT_V2 },
};

static const struct filter_row {
    struct tbe_str filter;
    enum mqtt_sub_kind kind;
    enum mqtt_form form;
} filter_rows[] = {
    { TBE_STR_INIT("v1/devices/me/attributes"), MQTT_SUB_ATTRIBUTES, MQTT_V1 },
    { TBE_STR_INIT("v2/a"), MQTT_SUB_ATTRIBUTES, MQTT_V2 },
    { TBE_STR_INIT("v2/a/j"), MQTT_SUB_ATTRIBUTES, MQTT_V2_JSON },
    { TBE_STR_INIT("v2/a/p"), MQTT_SUB_ATTRIBUTES, MQTT_V2_PROTO },
    { TBE_STR_INIT("v1/devices/me/rpc/request/+"), MQTT_SUB_RPC, MQTT_V1 },
    { TBE_STR_INIT("v2/r/req/+"), MQTT_SUB_RPC, MQTT_V2 },
    { TBE_STR_INIT("v2/r/req/j/+"), MQTT_SUB_RPC, MQTT_V2_JSON },
    { TBE_STR_INIT("v2/r/req/p/+"), MQTT_SUB_RPC, MQTT_V2_PROTO },
    { TBE_STR_INIT("v1/devices/me/attributes/response/+"), MQTT_SUB_QOS, MQTT_V1 },
    { TBE_STR_INIT("v2/a/res/+"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v2/a/res/j/+"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v2/a/res/p/+"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v1/devices/me/rpc/response/+"), MQTT_SUB_QOS, MQTT_V1 },
    { TBE_STR_INIT("v2/r/res/+"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v2/r/res/j/+"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v2/r/res/p/+"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v1/gateway/attributes"), MQTT_SUB_QOS, MQTT_V1 },
    { TBE_STR_INIT("v1/gateway/attributes/response"), MQTT_SUB_QOS, MQTT_V1 },
    { TBE_STR_INIT("v1/gateway/rpc"), MQTT_SUB_QOS, MQTT_V1 },
    { TBE_STR_INIT("v2/fw/response/+/chunk/+"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v2/fw/error"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v2/sw/response/+/chunk/+"), MQTT_SUB_QOS, MQTT_V2 },
    { TBE_STR_INIT("v2/sw/error"), MQTT_SUB_QOS, MQTT_V2 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
starts(struct tbe_str s, struct tbe_str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

static size_t
digits(struct tbe_str s, size_t i)
{
    size_t n = 0;

    while (i + n < s.n && s.p[i + n] >= '0' && s.p[i + n] <= '9') {
        n++;
    }
    return n;
}

/* v2/fw/request/{id}/chunk/{n}, found anywhere in the topic; rest = from the id on. */
static bool
find_ota(struct tbe_str t, const char *prefix, struct tbe_str *rest)
{
    size_t n = strlen(prefix);
    const char *p = memmem(t.p, t.n, prefix, n);
    size_t i, d;

    if (p == NULL) {
        return false;
    }
    i = (size_t)(p - t.p) + n;
    d = digits(t, i);
    if (d == 0 || t.n - i - d < 7 || memcmp(t.p + i + d, "/chunk/", 7) != 0 || digits(t, i + d + 7) == 0) {
        return false;
    }
    *rest = (struct tbe_str){ t.p + i, d + 7 + digits(t, i + d + 7) };
    return true;
}

struct mqtt_topic
mqtt_topic_parse(const struct hub_profile *p, struct tbe_str t)
{
    struct mqtt_topic r = { MQTT_OP_UNKNOWN, MQTT_V1, TBE_STR_NONE };

    if (starts(t, TBE_STR("v1/gateway"))) {
        r.op = MQTT_OP_GATEWAY;
        return r;
    }
    if (hub_filter_match(p->attributes, t)) {
        r.op = MQTT_OP_ATTRIBUTES;
        return r;
    }
    if (hub_filter_match(p->telemetry, t)) {
        r.op = MQTT_OP_TELEMETRY;
        return r;
    }
    for (size_t i = 0; i < COUNT(publish_rows); i++) {
        const struct publish_row *w = &publish_rows[i];

        if (w->prefix ? starts(t, w->topic) : tbe_str_eq(t, w->topic)) {
            r.op = w->op;
            r.form = w->form;
            r.rest = (struct tbe_str){ t.p + w->topic.n, t.n - w->topic.n };
            return r;
        }
    }
    if (find_ota(t, "v2/fw/request/", &r.rest)) {
        r.op = MQTT_OP_FIRMWARE;
    } else if (find_ota(t, "v2/sw/request/", &r.rest)) {
        r.op = MQTT_OP_SOFTWARE;
    }
    return r;
}

enum mqtt_sub_kind
mqtt_filter_parse(const struct hub_profile *p, struct tbe_str filter, enum mqtt_form *form)
{
    *form = MQTT_V1;
    if (p->transport == HUB_T_MQTT && hub_filter_match(p->attributes_sub, filter)) {
        return MQTT_SUB_ATTRIBUTES;
    }
    for (size_t i = 0; i < COUNT(filter_rows); i++) {
        if (tbe_str_eq(filter, filter_rows[i].filter)) {
            *form = filter_rows[i].form;
            return filter_rows[i].kind;
        }
    }
    return MQTT_SUB_NONE;
}

bool
mqtt_filter_known(struct tbe_str filter)
{
    for (size_t i = 0; i < COUNT(filter_rows); i++) {
        if (tbe_str_eq(filter, filter_rows[i].filter)) {
            return true;
        }
    }
    return false;
}

/* [what][form] */
static const char *const out_formats[][4] = {
    [MQTT_OUT_ATTRIBUTES] = { "v1/devices/me/attributes", "v2/a", "v2/a/j", "v2/a/p" },
    [MQTT_OUT_ATTR_RESPONSE] = { "v1/devices/me/attributes/response/%d", "v2/a/res/%d", "v2/a/res/j/%d",
                                 "v2/a/res/p/%d" },
    [MQTT_OUT_RPC_REQUEST] = { "v1/devices/me/rpc/request/%d", "v2/r/req/%d", "v2/r/req/j/%d", "v2/r/req/p/%d" },
    [MQTT_OUT_RPC_RESPONSE] = { "v1/devices/me/rpc/response/%d", "v2/r/res/%d", "v2/r/res/j/%d",
                                "v2/r/res/p/%d" },
};

struct tbe_str
mqtt_out_topic(enum mqtt_out what, enum mqtt_form form, int32_t id, char out[64])
{
    int n = snprintf(out, 64, out_formats[what][form], (int)id);

    return (struct tbe_str){ out, (size_t)n };
}

bool
mqtt_filter_matches(struct tbe_str f, struct tbe_str t)
{
    size_t i = 0, j = 0;

    while (i < f.n) {
        if (f.p[i] == '#') {
            return true;
        }
        if (f.p[i] == '+') {
            while (j < t.n && t.p[j] != '/') {
                j++;
            }
            i++;
        } else if (j < t.n && f.p[i] == t.p[j]) {
            i++;
            j++;
        } else {
            return j == t.n && f.n - i == 2 && f.p[i] == '/' && f.p[i + 1] == '#';
        }
    }
    return j == t.n;
}

bool
mqtt_int(struct tbe_str s, int32_t *out)
{
    int64_t v = 0;
    size_t i = 0;
    bool neg = false;

    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
        neg = s.p[0] == '-';
        i = 1;
    }
    if (i == s.n) {
        return false;
    }
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        v = v * 10 + (s.p[i] - '0');
        if (v > (int64_t)INT32_MAX + 1) {
            return false;
        }
    }
    v = neg ? -v : v;
    if (v > INT32_MAX) {
        return false;
    }
    *out = (int32_t)v;
    return true;
}
