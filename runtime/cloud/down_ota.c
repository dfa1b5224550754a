/* SPDX-License-Identifier: Apache-2.0 */
/* OTA packages (facts/edge-cloud-protocol.md 6.4): the record without its data as JSON, the file as a blob
 * "ota.<id>". */
#include "config.h"
#include "cloud/downlink.h"

#include <openssl/evp.h>
#include <limits.h>
#include <string.h>

static struct tbe_str
blob_name(struct down *d, const struct tbe_uuid *id)
{
    char text[TBE_UUID_TEXT + 1];

    tbe_uuid_text(id, text);
    return tbe_arena_fmt(&d->a, "ota.%s", text);
}

/* Standard base64 with padding, no line breaks, as Jackson writes it. */
static bool
decode(struct down *d, struct tbe_str s, struct tbe_str *out)
{
    unsigned char *p = s.n % 4 == 0 && s.n < INT_MAX ? tbe_arena_alloc(&d->a, s.n / 4 * 3 + 4) : NULL;
    int n = p ? EVP_DecodeBlock(p, (const unsigned char *)s.p, (int)s.n) : -1;

    if (n < 0) {
        return false;
    }
    for (size_t i = s.n; i > 0 && s.n - i < 2 && s.p[i - 1] == '='; i--) {
        n--;
    }
    *out = (struct tbe_str){ (char *)p, (size_t)n };
    return true;
}

static bool
same_blob(struct down *d, struct tbe_str name, struct tbe_str data)
{
    char *p = NULL;

    if (store_blob_size(d->s, name) != (int64_t)data.n) {
        return false;
    }
    p = tbe_arena_alloc(&d->a, data.n + 1);
    return store_blob_read(d->s, name, 0, p, data.n) == data.n && memcmp(p, data.p, data.n) == 0;
}

static bool
edit_ota(struct down *d, struct down_item *it)
{
    struct tbe_str text = down_str(it->json, "data"), name = blob_name(d, &it->e.id.id), data;

    it->e.kind = down_str(it->json, "type");
    down_id(it->json, "deviceProfileId", &it->e.profile);
    if (!text.p) {
        return true; /* by URL, or only the record */
    }
    if (!decode(d, text, &data)) {
        down_refuse(d, "the data of package \"%.*s\" is not base64", (int)it->e.name.n, it->e.name.p);
        return false;
    }
    down_set(d, it, "data", TBE_NULL_VAL);
    down_set(d, it, "hasData", tbe_bool(true));
    if (!same_blob(d, name, data)) {
        store_put_blob(d->b, name, data);
    }
    return true;
}

static void
remove_ota(struct down *d, const struct store_entity *e)
{
    store_put_blob(d->b, blob_name(d, &e->id.id), TBE_STR_NONE);
    store_delete_entity(d->b, &e->id);
}

static const struct down_kind ota = {
    .type = TBE_ENT_OTA_PACKAGE, .name = "title", .edit = edit_ota, .remove = remove_ota,
};

void
down_ota_package(struct down *d, const struct down_update *u)
{
    down_entity(d, &ota, u);
}
