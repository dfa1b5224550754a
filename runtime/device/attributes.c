/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute requests of devices, pushes of shared attributes and attributes saved from outside
 * (facts/device-apis.md 6.6, 13.4). */
#include "config.h"

#include "device/hub_internal.h"

#include <string.h>

#include "base/clock.h"

#define DOWN (TBE_OUT_GSON | TBE_OUT_NO_HTML)
#define KEYS_MAX 10000 /* names in one request; ours */

void
hub_keys_split(struct tbe_arena *a, struct tbe_str list, struct hub_keys *out)
{
    uint32_t n = 1, k = 0;
    size_t start = 0;

    for (size_t i = 0; i < list.n; i++) {
        n += list.p[i] == ',';
    }
    if (n > KEYS_MAX) {
        n = KEYS_MAX;
    }
    out->v = tbe_arena_alloc(a, n * sizeof(*out->v));
    for (size_t i = 0; i <= list.n && k < n; i++) {
        if (i == list.n || list.p[i] == ',') {
            out->v[k++] = (struct tbe_str){ list.p + start, i - start };
            start = i + 1;
        }
    }
    if (k > 1) {
        while (k > 0 && out->v[k - 1].n == 0) {
            k--;
        }
    }
    out->n = k;
    out->given = k > 0;
}

struct writer {
    struct tbe_buf *out;
    uint32_t n;
};

static bool
write_kv(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct writer *w = arg;

    (void)ts;
    tbe_buf_putc(w->out, w->n++ ? ',' : '{');
    tbe_json_write_str(w->out, kv->key);
    tbe_buf_putc(w->out, ':');
    tbe_kv_json(w->out, kv, DOWN);
    return true;
}

static bool
seen_before(const struct hub_keys *k, uint32_t i)
{
    for (uint32_t j = 0; j < i && i < 64; j++) {
        if (tbe_str_eq(k->v[j], k->v[i])) {
            return true;
        }
    }
    return false;
}

/* One scope: `,"client":{...}` when anything was found. */
static void
write_scope(struct device_hub *h, const struct tbe_entity *e, enum store_scope sc, const char *name,
            const struct hub_keys *keys, struct tbe_buf *out, uint32_t *scopes)
{
    size_t mark = out->n;
    struct writer w = { out, 0 };

    tbe_buf_putc(out, *scopes ? ',' : '{');
    tbe_buf_fmt(out, "\"%s\":", name);
    if (keys == NULL) {
        store_attr_each(h->store, e, sc, write_kv, &w);
    } else {
        for (uint32_t i = 0; i < keys->n; i++) {
            struct tbe_kv kv;
            int64_t ts;

            if (!seen_before(keys, i) && store_attr(h->store, e, sc, keys->v[i], &kv, &ts)) {
                write_kv(&w, &kv, ts);
            }
        }
    }
    if (w.n == 0) {
        out->n = mark;
        return;
    }
    tbe_buf_putc(out, '}');
    (*scopes)++;
}

static bool
has_empty(const struct hub_keys *k)
{
    for (uint32_t i = 0; i < k->n; i++) {
        if (k->v[i].n == 0) {
            return true;
        }
    }
    return false;
}

bool
hub_attributes_read(struct device_hub *h, struct hub_device *d, const struct hub_keys *client,
                    const struct hub_keys *shared, struct tbe_buf *out, bool *found)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };
    bool all = !client->given && !shared->given;
    uint32_t scopes = 0;

    *found = false;
    if ((client->given && has_empty(client)) || (shared->given && has_empty(shared))) {
        return false;
    }
    if (all || client->given) {
        write_scope(h, &e, STORE_CLIENT, "client", all ? NULL : client, out, &scopes);
    }
    if (all || shared->given) {
        write_scope(h, &e, STORE_SHARED, "shared", all ? NULL : shared, out, &scopes);
    }
    *found = scopes > 0;
    tbe_buf_putz(out, scopes ? "}" : "{}");
    return true;
}

/* A list is a primitive, or an array of exactly one; null is absent; else an error. */
static bool
list_member(struct tbe_arena *a, tbe_val obj, const char *name, struct hub_keys *out)
{
    tbe_val v = json_get(obj, name);
    struct tbe_str s;

    memset(out, 0, sizeof(*out));
    if (v.t == TBE_LIST) {
        if (v.u.l->n != 1) {
            return false;
        }
        v = v.u.l->v[0];
    }
    switch (v.t) {
    case TBE_UNDEF:
    case TBE_NULL:
        return true;
    case TBE_STR_T:
    case TBE_NUM:
        s = tbe_val_str(v);
        break;
    case TBE_BOOL:
        s = v.u.i ? TBE_STR("true") : TBE_STR("false");
        break;
    default:
        return false;
    }
    hub_keys_split(a, s, out);
    return true;
}

enum hub_result
hub_attributes_request(struct device_hub *h, struct hub_device *d, struct tbe_str json, struct tbe_buf *out,
                       bool *respond)
{
    struct hub_keys client, shared;
    tbe_val v;
    bool found;

    tbe_arena_reset(&h->scratch);
    *respond = false;
    if (tbe_json_parse(&h->scratch, json, TBE_JSON_RAW | TBE_JSON_LENIENT, &v, NULL) != 0 || v.t != TBE_MAP ||
        !list_member(&h->scratch, v, "clientKeys", &client) ||
        !list_member(&h->scratch, v, "sharedKeys", &shared)) {
        return HUB_PAYLOAD;
    }
    *respond = hub_attributes_read(h, d, &client, &shared, out, &found);
    return HUB_DONE;
}

/* Pushes ------------------------------------------------------------------------------------------- */

static void
push(struct hub_device *d, struct tbe_str body)
{
    for (struct hub_session *s = d->sessions, *next; s != NULL; s = next) {
        next = s->next;
        if (s->attributes_on) {
            s->ops->attributes(s, body);
        }
    }
}

static bool
anyone(const struct hub_device *d)
{
    for (const struct hub_session *s = d->sessions; s != NULL; s = s->next) {
        if (s->attributes_on) {
            return true;
        }
    }
    return false;
}

void
hub_shared_updated(struct device_hub *h, struct store_batch *b, const struct tbe_uuid *device,
                   const struct tbe_kvs *kvs)
{
    struct hub_device *d = hub_device(h, device);
    struct tbe_buf out = { 0 };

    (void)b; /* what goes out waits for the turn's batch anyway */
    if (d == NULL || kvs->n == 0 || !anyone(d)) {
        return;
    }
    tbe_kvs_json(&out, kvs, DOWN);
    if (!out.oom) {
        push(d, tbe_buf_str(&out));
    }
    tbe_buf_free(&out);
}

void
hub_shared_deleted(struct device_hub *h, struct store_batch *b, const struct tbe_uuid *device,
                   const struct tbe_str *keys, uint32_t n)
{
    struct hub_device *d = hub_device(h, device);
    struct tbe_buf out = { 0 };

    (void)b;
    if (d == NULL || n == 0 || !anyone(d)) {
        return;
    }
    tbe_buf_putz(&out, "{\"deleted\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) {
            tbe_buf_putc(&out, ',');
        }
        tbe_json_write_str(&out, keys[i]);
    }
    tbe_buf_putz(&out, "]}");
    if (!out.oom) {
        push(d, tbe_buf_str(&out));
    }
    tbe_buf_free(&out);
}

/* Saves from outside ------------------------------------------------------------------------------- */

static void
tell_engine(struct device_hub *h, struct hub_device *d, struct tbe_str type, enum store_scope sc,
            struct tbe_str data)
{
    struct tbe_msg *m = hub_msg_new(d, type);
    struct tbe_arena *a = tbe_msg_arena(m);

    tbe_md_put(a, &m->md, TBE_STR("scope"), tbe_strz(store_scope_name(sc)));
    m->data = tbe_arena_dup(a, data);
    hub_submit(h, &m);
}

static bool
names_timeout(const struct tbe_kvs *kvs)
{
    for (uint32_t i = 0; i < kvs->n; i++) {
        if (tbe_str_eqz(kvs->v[i].key, "inactivityTimeout")) {
            return true;
        }
    }
    return false;
}

void
hub_attributes_saved(struct device_hub *h, struct hub_device *d, enum store_scope sc, const struct tbe_kvs *kvs)
{
    if (sc == STORE_SHARED) {
        hub_shared_updated(h, h->batch, &d->id, kvs);
    }
    if (sc == STORE_SERVER && names_timeout(kvs)) {
        state_timeout_changed(h, d);
    }
}

void
hub_attributes_deleted(struct device_hub *h, struct hub_device *d, enum store_scope sc, const struct tbe_str *keys,
                       uint32_t n)
{
    bool timeout = false;

    if (sc == STORE_SHARED) {
        hub_shared_deleted(h, h->batch, &d->id, keys, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        timeout = timeout || tbe_str_eqz(keys[i], "inactivityTimeout");
    }
    if (sc == STORE_SERVER && timeout) {
        state_timeout_changed(h, d);
    }
}

void
hub_rest_attributes(struct device_hub *h, struct hub_device *d, enum store_scope sc, const struct tbe_kvs *kvs)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };

    store_save_attrs(h->batch, &e, sc, clock_ms(), kvs);
    hub_attributes_saved(h, d, sc, kvs);
    h->text.n = 0;
    tbe_kvs_json(&h->text, kvs, TBE_OUT_GSON);
    tell_engine(h, d, TBE_STR("ATTRIBUTES_UPDATED"), sc, tbe_buf_str(&h->text));
}

void
hub_rest_attributes_delete(struct device_hub *h, struct hub_device *d, enum store_scope sc,
                           const struct tbe_str *keys, uint32_t n)
{
    struct tbe_entity e = { TBE_ENT_DEVICE, d->id };

    h->text.n = 0;
    tbe_buf_putz(&h->text, "{\"attributes\":[");
    for (uint32_t i = 0; i < n; i++) {
        store_delete_attr(h->batch, &e, sc, keys[i]);
        if (i > 0) {
            tbe_buf_putc(&h->text, ',');
        }
        tbe_json_write_str(&h->text, keys[i]);
    }
    tbe_buf_putz(&h->text, "]}");
    tell_engine(h, d, TBE_STR("ATTRIBUTES_DELETED"), sc, tbe_buf_str(&h->text));
    hub_attributes_deleted(h, d, sc, keys, n);
}
