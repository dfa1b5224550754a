/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: who a connection is (facts/device-apis.md 2), and how credentials are stored. */
#include "config.h"

#include "device/hub_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* sha3("|", a, b): the non-empty parts joined with '|' (2.1). */
static void
hash_joined(struct device_hub *h, struct tbe_str a, struct tbe_str b, char out[65])
{
    struct tbe_str s;

    if (a.n > 0 && b.n > 0) {
        s = tbe_arena_fmt(&h->scratch, "%.*s|%.*s", (int)a.n, a.p, (int)b.n, b.p);
    } else {
        s = a.n > 0 ? a : b;
    }
    if (s.p == NULL) {
        s = TBE_STR("");
    }
    hash_credentials_hex(s, out);
}

enum basic { BASIC_OK, BASIC_PASSWORD, BASIC_OTHER };

static enum basic
basic_validate(struct device_hub *h, const struct store_cred *c, const struct hub_login *l)
{
    tbe_val v;
    struct tbe_str client, user, password;

    if (c->value.n == 0 || tbe_json_parse(&h->scratch, c->value, TBE_JSON_JAVA, &v, NULL) != 0) {
        return BASIC_OTHER;
    }
    client = json_str(v, "clientId");
    user = json_str(v, "userName");
    password = json_str(v, "password");
    if (client.n > 0 && !tbe_str_eq(client, l->client_id)) {
        return BASIC_OTHER;
    }
    if (user.n > 0 && (l->user.p == NULL || !tbe_str_eq(user, l->user))) {
        return BASIC_OTHER;
    }
    if (password.n > 0 && (l->password.p == NULL || !tbe_str_eq(password, l->password))) {
        return BASIC_PASSWORD;
    }
    return BASIC_OK;
}

static bool
find_basic(struct device_hub *h, const struct hub_login *l, struct tbe_uuid *device)
{
    struct store_cred c;
    char hash[65];

    if (l->user.n == 0) {
        hash_joined(h, l->client_id, TBE_STR_NONE, hash);
        if (!store_cred_find(h->store, tbe_strz(hash), &c) || c.type != STORE_CRED_MQTT_BASIC ||
            basic_validate(h, &c, l) != BASIC_OK) {
            return false;
        }
        *device = c.device;
        return true;
    }
    hash_joined(h, l->client_id, l->user, hash);
    if (store_cred_find(h->store, tbe_strz(hash), &c) && c.type == STORE_CRED_MQTT_BASIC) {
        enum basic r = basic_validate(h, &c, l);

        if (r == BASIC_PASSWORD) {
            return false; /* fails at once (2.3) */
        }
        if (r == BASIC_OK) {
            *device = c.device;
            return true;
        }
    }
    if (!store_cred_find(h->store, l->user, &c)) {
        return false;
    }
    if (c.type == STORE_CRED_TOKEN ||
        (c.type == STORE_CRED_MQTT_BASIC && basic_validate(h, &c, l) == BASIC_OK)) {
        *device = c.device;
        return true;
    }
    return false;
}

static bool
find_x509(struct device_hub *h, const struct hub_login *l, struct tbe_uuid *device)
{
    struct tbe_str leaf = l->certificate;
    const char *nl = memchr(leaf.p, '\n', leaf.n);
    struct store_cred c;
    char hash[65];

    if (nl != NULL) {
        leaf.n = (size_t)(nl - leaf.p);
    }
    hash_credentials_hex(leaf, hash);
    if (l->cert_expired || !store_cred_find(h->store, tbe_strz(hash), &c) || c.type != STORE_CRED_X509) {
        return false;
    }
    *device = c.device;
    return true;
}

enum hub_auth
hub_auth_mqtt(struct device_hub *h, const struct hub_login *l, struct hub_device **out)
{
    struct tbe_uuid id;
    bool ok;

    *out = NULL;
    tbe_arena_reset(&h->scratch);
    ok = l->certificate.n > 0 ? find_x509(h, l, &id) : find_basic(h, l, &id);
    if (!ok) {
        return HUB_AUTH_REFUSED;
    }
    *out = hub_device(h, &id);
    if (*out == NULL) {
        return HUB_AUTH_REFUSED;
    }
    if ((*out)->profile == NULL ||
        ((*out)->profile->transport != HUB_T_DEFAULT && (*out)->profile->transport != HUB_T_MQTT)) {
        return HUB_AUTH_WRONG_TRANSPORT;
    }
    return HUB_AUTH_OK;
}

struct hub_device *
hub_auth_token(struct device_hub *h, struct tbe_str token)
{
    struct store_cred c;

    if (token.n == 0 || !store_cred_find(h->store, token, &c) || c.type != STORE_CRED_TOKEN) {
        return NULL;
    }
    return hub_device(h, &c.device);
}

static int
normalize_basic(struct device_hub *h, struct store_cred *c, char err[256])
{
    tbe_val v;
    struct tbe_str client, user, password;
    char hash[65];

    if (tbe_json_parse(&h->scratch, c->value, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
        snprintf(err, 256, "MQTT basic credentials must be a JSON object");
        return -1;
    }
    client = json_str(v, "clientId");
    user = json_str(v, "userName");
    password = json_str(v, "password");
    if (client.n == 0 && user.n == 0) {
        snprintf(err, 256, "Both mqtt client id and user name are empty!");
        return -1;
    }
    if (client.n > 0 && password.n > 0 && user.n == 0) {
        snprintf(err, 256, "Password cannot be specified along with client id");
        return -1;
    }
    if (client.n == 0) {
        c->id = tbe_arena_dup(&h->scratch, user);
    } else {
        hash_joined(h, client, user, hash);
        c->id = tbe_arena_dup(&h->scratch, tbe_strz(hash));
    }
    return 0;
}

/* Base64 text of the first certificate: PEM lines and line breaks removed (2.1). */
static int
normalize_x509(struct device_hub *h, struct store_cred *c, char err[256])
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    struct tbe_str s = c->value;
    const char *p;
    char *q, hash[65];
    size_t n = 0;

    p = memmem(s.p, s.n, begin, sizeof(begin) - 1);
    if (p != NULL) {
        s.n -= (size_t)(p - s.p) + sizeof(begin) - 1;
        s.p = p + sizeof(begin) - 1;
    }
    p = memmem(s.p, s.n, end, sizeof(end) - 1);
    if (p != NULL) {
        s.n = (size_t)(p - s.p);
    }
    q = tbe_arena_alloc(&h->scratch, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > ' ') {
            q[n++] = s.p[i];
        }
    }
    if (n == 0) {
        snprintf(err, 256, "Certificate is empty");
        return -1;
    }
    c->value = (struct tbe_str){ q, n };
    hash_credentials_hex(c->value, hash);
    c->id = tbe_arena_dup(&h->scratch, tbe_strz(hash));
    return 0;
}

int
hub_cred_normalize(struct device_hub *h, struct store_cred *c, char err[256])
{
    switch (c->type) {
    case STORE_CRED_MQTT_BASIC:
        return normalize_basic(h, c, err);
    case STORE_CRED_X509:
        return normalize_x509(h, c, err);
    case STORE_CRED_TOKEN:
        if (c->id.n == 0) {
            snprintf(err, 256, "Access token is empty");
            return -1;
        }
        return 0;
    default:
        snprintf(err, 256, "credentials of this type are not supported");
        return -1;
    }
}
