/* SPDX-License-Identifier: Apache-2.0 */
/* Claiming (facts/device-apis.md 11): a device opens a window in which a customer who knows the key gets
 * it. Windows are rows "claim.<device>", so that a swap or a restart does not lose them. */
#include "config.h"

#include "device/hub_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define CLAIM_MS 86400000 /* security.claim.duration */

struct window {
    struct tbe_str secret;
    int64_t expires;
};

static void
row_key(const struct hub_device *d, char out[48])
{
    strcpy(out, "claim.");
    tbe_uuid_text(&d->id, out + 6);
}

/* The open window of a device; false: none, or over. */
static bool
find_window(struct device_hub *h, const struct hub_device *d, struct window *w)
{
    struct tbe_str row;
    tbe_val v, t;
    char key[48];

    row_key(d, key);
    row = store_state(h->store, tbe_strz(key));
    if (row.p == NULL || tbe_json_parse(&h->scratch, row, TBE_JSON_JAVA, &v, NULL) != 0) {
        return false;
    }
    w->secret = json_str(v, "secretKey");
    t = json_get(v, "expirationTime");
    w->expires = t.t == TBE_LONG || t.t == TBE_INT ? t.u.i : 0;
    return w->expires > clock_ms();
}

static void
drop_window(struct device_hub *h, const struct hub_device *d)
{
    char key[48];

    row_key(d, key);
    store_put_state(h->batch, tbe_strz(key), TBE_STR_NONE);
}

/* durationMs: a number or a number in a string. */
static bool
read_duration(tbe_val v, int64_t *out)
{
    struct tbe_str s;
    bool ok;
    double d;

    *out = 0;
    if (v.t == TBE_UNDEF) {
        return true;
    }
    if (v.t != TBE_NUM && v.t != TBE_STR_T) {
        return false;
    }
    s = tbe_val_str(v);
    d = tbe_parse_double(s, &ok);
    *out = ok && d > 0 && d < 9e15 ? (int64_t)d : 0;
    return ok;
}

enum hub_result
hub_claim_register(struct device_hub *h, struct hub_device *d, struct tbe_str json, bool dry, struct tbe_str *err)
{
    struct tbe_str secret = TBE_STR("");
    struct tbe_kvs kvs;
    struct window w;
    struct tbe_buf b = { 0 };
    int64_t duration = 0;
    char key[48];
    tbe_val v, s;

    *err = TBE_STR("");
    tbe_arena_reset(&h->scratch);
    if (json.n > 0) {
        if (tbe_json_parse(&h->scratch, json, TBE_JSON_RAW | TBE_JSON_LENIENT, &v, NULL) != 0 || v.t != TBE_MAP) {
            (void)!tbe_kv_attributes(&h->scratch, json, 0, 0, &kvs, err); /* fails too, with the reference's text */
            return HUB_PAYLOAD;
        }
        s = json_get(v, "secretKey");
        if (s.t == TBE_STR_T || s.t == TBE_NUM) {
            secret = tbe_val_str(s);
        } else if (s.t != TBE_UNDEF) {
            return HUB_UNCAUGHT;
        }
        if (!read_duration(json_get(v, "durationMs"), &duration)) {
            return HUB_UNCAUGHT;
        }
    }
    if (dry || find_window(h, d, &w)) {
        return HUB_DONE; /* the first window stays */
    }
    if (!tbe_uuid_is_null(&d->customer)) {
        log_info("claiming refused: the device has a customer");
        return HUB_DONE;
    }
    tbe_buf_putz(&b, "{\"secretKey\":");
    tbe_json_write_str(&b, secret);
    tbe_buf_fmt(&b, ",\"expirationTime\":%lld}", (long long)(clock_ms() + (duration > 0 ? duration : CLAIM_MS)));
    row_key(d, key);
    if (!b.oom) {
        store_put_state(h->batch, tbe_strz(key), tbe_buf_str(&b));
    }
    tbe_buf_free(&b);
    return HUB_DONE;
}

enum hub_claim
hub_claim(struct device_hub *h, struct hub_device *d, struct tbe_str secret, const struct tbe_uuid *customer)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };
    struct window w = { 0 };
    bool open;

    tbe_arena_reset(&h->scratch);
    open = find_window(h, d, &w);
    if (!tbe_uuid_is_null(&d->customer)) {
        return HUB_CLAIM_CLAIMED;
    }
    drop_window(h, d); /* a wrong key ends it too */
    if (!open || !tbe_str_eq(w.secret, secret)) {
        return HUB_CLAIM_FAILURE;
    }
    hub_device_assign(h, d, customer);
    store_delete_attr(h->batch, &e, STORE_SERVER, TBE_STR("claimingAllowed"));
    store_delete_attr(h->batch, &e, STORE_SERVER, TBE_STR("claimingData"));
    return HUB_CLAIM_SUCCESS;
}

int
hub_customer(struct device_hub *h, struct tbe_str title, struct tbe_uuid *id, char err[256])
{
    const struct store_entity *old = store_entity_by_name(h->store, TBE_ENT_CUSTOMER, title);
    struct store_entity e = { .id = { TBE_ENT_CUSTOMER, { { 0 } } }, .created = clock_ms(), .name = title,
                              .customer = tbe_uuid_null, .profile = tbe_uuid_null };
    char text[TBE_UUID_TEXT + 1], tenant[TBE_UUID_TEXT + 1];
    struct tbe_buf b = { 0 };

    if (old != NULL) {
        *id = old->id.id;
        return 0;
    }
    if (title.n == 0) {
        snprintf(err, 256, "Customer title should be specified!");
        return -1;
    }
    tbe_uuid_random(&e.id.id);
    tbe_uuid_text(&e.id.id, text);
    tbe_uuid_text(store_tenant(h->store), tenant);
    tbe_buf_fmt(&b, "{\"id\":{\"entityType\":\"CUSTOMER\",\"id\":\"%s\"},\"createdTime\":%lld,\"tenantId\":"
                "{\"entityType\":\"TENANT\",\"id\":\"%s\"},\"title\":", text, (long long)e.created, tenant);
    tbe_json_write_str(&b, title);
    tbe_buf_putz(&b, ",\"additionalInfo\":null}");
    e.json = tbe_buf_str(&b);
    store_put_entity(h->batch, &e);
    tbe_buf_free(&b);
    *id = e.id.id;
    return 0;
}

void
hub_device_assign(struct device_hub *h, struct hub_device *d, const struct tbe_uuid *customer)
{
    struct tbe_entity id = { TBE_ENT_DEVICE, d->id };
    const struct store_entity *old = store_entity(h->store, &id);
    struct tbe_arena *a = store_batch_arena(h->batch);
    struct store_entity e;
    struct tbe_uuid did = d->id;
    char text[TBE_UUID_TEXT + 1];
    tbe_val v, ref;

    if (old == NULL || tbe_json_parse(a, old->json, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
        return;
    }
    tbe_uuid_text(customer, text);
    ref = tbe_map_new(a, 2);
    tbe_map_put(a, ref.u.m, TBE_STR("entityType"), tbe_strv(TBE_STR("CUSTOMER")));
    tbe_map_put(a, ref.u.m, TBE_STR("id"), tbe_strv(tbe_arena_dup(a, tbe_strz(text))));
    tbe_map_put(a, v.u.m, TBE_STR("customerId"), ref);
    e = *old;
    e.customer = *customer;
    e.json = tbe_json_text(a, v, TBE_OUT_JAVA);
    store_put_entity(h->batch, &e);
    hub_cloud_event(h, CLOUD_KIND_DEVICE, &id,
                    tbe_uuid_is_null(customer) ? CLOUD_ACTION_UNASSIGNED_FROM_CUSTOMER : CLOUD_ACTION_ASSIGNED_TO_CUSTOMER,
                    TBE_STR_NONE);
    hub_device_changed(h, &did);
}
