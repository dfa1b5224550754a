/* SPDX-License-Identifier: Apache-2.0 */
/* Typed entries back to JSON and to text (facts/device-apis.md 4.5, rule-nodes.md 9.2). */
#include "config.h"

#include <string.h>

#include "value/value_int.h"

/* Whether compact JSON text can stand in rule-engine data as it is: no null to drop, nothing to
 * escape. */
static bool
kv_json_clean(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        if (c == '<' || c == '>' || c == '&' || c == '=' || c == '\'' ||
            (c == 'n' && s.n - i >= 4 && memcmp(s.p + i, "null", 4) == 0) ||
            ((unsigned char)c == 0xe2 && s.n - i >= 3 && (unsigned char)s.p[i + 1] == 0x80)) {
            return false;
        }
    }
    return true;
}

static void
kv_put_json(struct tbe_buf *b, struct tbe_str s, unsigned flags)
{
    if ((flags & (TBE_OUT_GSON | TBE_OUT_NO_HTML)) != TBE_OUT_GSON || kv_json_clean(s)) {
        tbe_buf_puts(b, s);
        return;
    }
    struct tbe_arena a;
    tbe_val v;
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, s, TBE_JSON_RAW | TBE_JSON_LENIENT | TBE_JSON_BORROW, &v, NULL) == 0) {
        tbe_json_write(b, v, flags);
    } else {
        b->oom = true; /* the text was made by our own writer: only memory can be missing */
    }
    tbe_arena_free(&a);
}

/* Number text straight into the buffer. */
static void
kv_put_number(struct tbe_buf *b, const struct tbe_kv *kv)
{
    if (!tbe_buf_reserve(b, TBE_NUMTEXT)) {
        return;
    }
    char *o = b->p + b->n;
    b->n += kv->type == TBE_KV_LONG ? tbe_long_text(kv->u.i, o) : tbe_double_java(kv->u.d, o);
    b->p[b->n] = '\0';
}

void
tbe_kv_json(struct tbe_buf *b, const struct tbe_kv *kv, unsigned out_flags)
{
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        tbe_buf_put(b, kv->u.b ? "true" : "false", kv->u.b ? 4 : 5);
        break;
    case TBE_KV_LONG:
    case TBE_KV_DOUBLE:
        kv_put_number(b, kv);
        break;
    case TBE_KV_STRING:
        value_json_str(b, kv->s, out_flags | TBE_OUT_GSON);
        break;
    case TBE_KV_JSON:
        kv_put_json(b, kv->s, out_flags);
        break;
    }
}

void
tbe_kvs_json(struct tbe_buf *b, const struct tbe_kvs *kvs, unsigned out_flags)
{
    tbe_buf_putc(b, '{');
    for (uint32_t i = 0; i < kvs->n; i++) {
        if (i > 0) {
            tbe_buf_putc(b, ',');
        }
        value_json_str(b, kvs->v[i].key, out_flags | TBE_OUT_GSON);
        tbe_buf_putc(b, ':');
        tbe_kv_json(b, &kvs->v[i], out_flags);
    }
    tbe_buf_putc(b, '}');
}

struct tbe_str
tbe_kv_text(struct tbe_arena *a, const struct tbe_kv *kv)
{
    char text[TBE_NUMTEXT];
    switch (kv->type) {
    case TBE_KV_BOOLEAN:
        return kv->u.b ? TBE_STR("true") : TBE_STR("false");
    case TBE_KV_LONG:
        return tbe_arena_dup(a, (struct tbe_str){ text, tbe_long_text(kv->u.i, text) });
    case TBE_KV_DOUBLE:
        return tbe_arena_dup(a, (struct tbe_str){ text, tbe_double_java(kv->u.d, text) });
    case TBE_KV_STRING:
    case TBE_KV_JSON:
        break;
    }
    return kv->s;
}

bool
tbe_kv_same(const struct tbe_kv *a, const struct tbe_kv *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case TBE_KV_BOOLEAN:
        return a->u.b == b->u.b;
    case TBE_KV_LONG:
        return a->u.i == b->u.i;
    case TBE_KV_DOUBLE:
        return memcmp(&a->u.d, &b->u.d, sizeof(a->u.d)) == 0;
    default:
        return tbe_str_eq(a->s, b->s);
    }
}
