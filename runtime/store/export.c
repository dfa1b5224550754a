/* SPDX-License-Identifier: Apache-2.0 */
/* Export of points (export.h). */
#include "config.h"
#include "store/export.h"
#include <string.h>

#define PIECE 65536u
#define NUMBERS (TBE_OUT_GSON | TBE_OUT_NO_HTML) /* values as the cloud gets them */

struct export {
    struct store *s;
    const struct export_options *o;
    store_export_fn *put;
    void *arg;
    struct tbe_entity device;
    struct tbe_str name;   /* of the device; in the entity's mirror */
    struct tbe_buf lines, prefix;
    int64_t points;
    bool failed;
};

/* What has come together goes out. */
static bool
flush(struct export *x)
{
    x->failed = x->failed || x->lines.oom || !x->put(x->arg, x->lines.p, x->lines.n);
    x->lines.n = 0;
    return !x->failed;
}

/* A CSV field, quoted when it must be. */
static void
csv_field(struct tbe_buf *b, struct tbe_str s)
{
    bool quote = false;
    for (size_t i = 0; i < s.n && !quote; i++) {
        quote = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    }
    if (!quote) {
        tbe_buf_puts(b, s);
        return;
    }
    tbe_buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"') {
            tbe_buf_putc(b, '"');
        }
        tbe_buf_putc(b, s.p[i]);
    }
    tbe_buf_putc(b, '"');
}

static bool
put_point(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct export *x = arg;
    struct tbe_buf *b = &x->lines;
    tbe_buf_puts(b, tbe_buf_str(&x->prefix));
    tbe_buf_fmt(b, "%lld,%s", (long long)ts, x->o->json ? "\"value\":" : "");
    if (!x->o->json && (kv->type == TBE_KV_STRING || kv->type == TBE_KV_JSON)) {
        csv_field(b, kv->s);
    } else {
        tbe_kv_json(b, kv, NUMBERS);
    }
    tbe_buf_putz(b, x->o->json ? "}\n" : "\n");
    x->points++;
    return b->n < PIECE || flush(x);
}

static bool
put_key(void *arg, struct tbe_str key)
{
    struct export *x = arg;
    struct tbe_buf *b = &x->prefix;
    b->n = 0;
    if (x->o->json) {
        tbe_buf_putz(b, "{\"device\":");
        tbe_json_write_str(b, x->name);
        tbe_buf_putz(b, ",\"key\":");
        tbe_json_write_str(b, key);
        tbe_buf_putz(b, ",\"ts\":");
    } else {
        csv_field(b, x->name);
        tbe_buf_putc(b, ',');
        csv_field(b, key);
        tbe_buf_putc(b, ',');
    }
    struct store_range r = { .from = x->o->from, .to = x->o->to };
    store_history(x->s, &x->device, key, &r, put_point, x);
    return !x->failed;
}

static bool
put_device(void *arg, const struct store_entity *e)
{
    struct export *x = arg;
    x->device = e->id;
    x->name = e->name;
    if (x->o->key.p) {
        put_key(x, x->o->key);
    } else {
        store_keys_each(x->s, &x->device, put_key, x);
    }
    return !x->failed;
}

int
store_export_to(struct store *s, const struct export_options *o, store_export_fn *put, void *arg, int64_t *points,
                char err[256])
{
    struct export x = { .s = s, .o = o, .put = put, .arg = arg };
    int rc = 0;
    if (!o->json) {
        tbe_buf_putz(&x.lines, "device,key,ts,value\n");
    }
    if (!o->device.p) {
        store_entity_each(s, TBE_ENT_DEVICE, put_device, &x);
    } else {
        const struct store_entity *e = store_entity_by_name(s, TBE_ENT_DEVICE, o->device);
        if (!e) {
            snprintf(err, 256, "there is no device \"%.*s\"", o->device.n < 200 ? (int)o->device.n : 200, o->device.p);
            rc = -1;
        } else {
            put_device(&x, e);
        }
    }
    if (rc == 0 && x.lines.n > 0) {
        flush(&x);
    }
    if (rc == 0 && x.failed) {
        snprintf(err, 256, "cannot write the export");
        rc = -1;
    }
    *points = x.points;
    tbe_buf_free(&x.lines);
    tbe_buf_free(&x.prefix);
    return rc;
}

static bool
to_file(void *arg, const char *p, size_t n)
{
    return fwrite(p, 1, n, arg) == n;
}

int
store_export(const char *dir, const struct export_options *o, FILE *out, char err[256])
{
    struct store_options so = { .dir = dir, .read_only = true };
    struct store *s;
    int64_t points;
    if (store_open(&s, &so, NULL, err) < 0) {
        return -1;
    }
    int rc = store_export_to(s, o, to_file, out, &points, err);
    store_close(s);
    if (rc == 0 && fflush(out) == EOF) {
        snprintf(err, 256, "cannot write the export");
        rc = -1;
    }
    return rc;
}
