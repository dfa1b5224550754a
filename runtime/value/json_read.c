/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON reader: one pass, straight into arena values. Lenient text is tried here first
 * too, because nearly all of it is plain JSON, and only then read Gson's way (json_gson.c). */
#include "config.h"

#include <string.h>

#include "value/json_scan.h"
#include "value/numparse.h"
#include "value/value_int.h"

struct json_in {
    const char *p, *end;
    struct tbe_arena *a;
    unsigned flags;
    int depth;
    const char *msg;
};

static bool json_value(struct json_in *in, tbe_val *out);

static bool
json_fail(struct json_in *in, const char *msg)
{
    in->msg = msg;
    return false;
}

static inline void
json_space(struct json_in *in)
{
    while (in->p < in->end && (*in->p == ' ' || *in->p == '\n' || *in->p == '\r' ||
                               *in->p == '\t')) {
        in->p++;
    }
}

bool
value_hex4(const char *p, uint32_t *out)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        const char c = p[i], l = (char)(c | 0x20);
        if (c >= '0' && c <= '9') {
            v = v << 4 | (uint32_t)(c - '0');
        } else if (l >= 'a' && l <= 'f') {
            v = v << 4 | (uint32_t)(l - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = v;
    return true;
}

/* \uXXXX behind the u; a pair becomes one code point, a lone surrogate stays one. */
static bool
json_unicode(struct json_in *in, uint32_t *cp)
{
    uint32_t low;
    if (in->end - in->p < 4 || !value_hex4(in->p, cp)) {
        return json_fail(in, "bad \\u escape");
    }
    in->p += 4;
    if (*cp >= 0xd800 && *cp < 0xdc00 && in->end - in->p >= 6 && in->p[0] == '\\' &&
        in->p[1] == 'u' &&
        value_hex4(in->p + 2, &low) && low >= 0xdc00 && low < 0xe000) {
        *cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
        in->p += 6;
    }
    return true;
}

/* in->p is behind the backslash. */
static bool
json_escape(struct json_in *in, uint32_t *cp)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (in->p == in->end) {
        return json_fail(in, "unterminated string");
    }
    const char c = *in->p++;
    if (c == 'u') {
        return json_unicode(in, cp);
    }
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at == NULL) {
        in->p--;
        return json_fail(in, "bad escape");
    }
    *cp = (unsigned char)to[at - from];
    return true;
}

/* A string that needs a copy: `from` is its first byte, in->p the first that is not plain. */
static bool
json_string_slow(struct json_in *in, const char *from, tbe_val *out)
{
    const char *p = in->p;
    bool escapes = false, ascii = true;
    for (;;) { /* to the end of the string, so that the copy is not larger than it */
        p = json_plain_end(p, in->end);
        if (p == in->end) {
            in->p = p;
            return json_fail(in, "unterminated string");
        }
        if (*p == '"') {
            break;
        }
        if (*p == '\\') {
            escapes = true;
            p += p + 1 < in->end ? 2 : 1;
            continue;
        }
        const size_t len = (unsigned char)*p < 0x20 ? 0 : value_utf8_seq(p, (size_t)(in->end - p));
        if (len == 0 || (len == 3 && (in->flags & TBE_JSON_LENIENT) && (unsigned char)*p == 0xed &&
                         (unsigned char)p[1] >= 0xa0)) {
            in->p = p;
            return json_fail(in, (unsigned char)*p < 0x20 ? "control character in string"
                                                          : "bad UTF-8");
        }
        ascii = false;
        p += len;
    }
    const size_t most = (size_t)(p - from);
    if (!escapes && (in->flags & TBE_JSON_BORROW)) {
        in->p = p + 1;
        *out = (tbe_val){ .t = TBE_STR_T, .ascii = ascii, .n = (uint32_t)most, .u = { .s = from } };
        return true;
    }
    char *to = tbe_arena_alloc(in->a, most + 1), *o = to;
    if (to == NULL) {
        return json_fail(in, "out of memory");
    }
    for (in->p = from; in->p < p;) {
        const char *esc = memchr(in->p, '\\', (size_t)(p - in->p));
        const size_t run = (size_t)((esc ? esc : p) - in->p);
        memcpy(o, in->p, run);
        o += run;
        in->p += run;
        if (esc != NULL) {
            uint32_t cp = 0;
            in->p++;
            if (!json_escape(in, &cp)) {
                return false;
            }
            ascii = ascii && cp < 0x80;
            o += value_utf8_put(cp, o);
        }
    }
    in->p = p + 1;
    *o = '\0';
    *out = (tbe_val){ .t = TBE_STR_T, .ascii = ascii, .n = (uint32_t)(o - to), .u = { .s = to } };
    return true;
}

/* in->p is behind the opening quote. */
static inline bool
json_string(struct json_in *in, tbe_val *out)
{
    const char *from = in->p;
    in->p = json_plain_end(from, in->end);
    if (TBE_UNLIKELY(in->p == in->end || *in->p != '"' || !(in->flags & TBE_JSON_BORROW))) {
        return json_string_slow(in, from, out);
    }
    *out = (tbe_val){ .t = TBE_STR_T, .ascii = 1, .n = (uint32_t)(in->p - from),
        .u = { .s = from } };
    in->p++;
    return true;
}

/* Everything but plain small numbers: by the literal's text. */
static bool
json_number_slow(struct json_in *in, const char *from, tbe_val *out)
{
    const char *p = from + (*from == '-'), *end = in->end;
    const char *digits = p;
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    in->p = p;
    if (p == digits || (*digits == '0' && p - digits > 1)) {
        return json_fail(in, p == digits ? "bad number" : "leading zero");
    }
    if (p < end && *p == '.') {
        digits = ++p;
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
        in->p = p;
        if (p == digits) {
            return json_fail(in, "bad number");
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '-' || *p == '+');
        digits = p;
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
        in->p = p;
        if (p == digits) {
            return json_fail(in, "bad number");
        }
    }
    const struct tbe_str literal = { from, (size_t)(p - from) };
    if (literal.n > TBE_JSON_MAX_NUMBER) {
        return json_fail(in, "number too long");
    }
    return value_number(in->a, literal, in->flags, out) ? true : json_fail(in, "out of memory");
}

static bool
json_number(struct json_in *in, tbe_val *out)
{
    const char *from = in->p, *p = from, *end = in->end;
    const bool neg = *p == '-';
    p += neg;
    const char *digits = p;
    uint64_t w = 0;
    while (p < end && (unsigned)(*p - '0') < 10) {
        w = w * 10 + (unsigned)(*p++ - '0');
    }
    const long whole = p - digits;
    long part = 0;
    if (p < end && *p == '.') {
        const char *dot = ++p;
        while (p < end && (unsigned)(*p - '0') < 10) {
            w = w * 10 + (unsigned)(*p++ - '0');
        }
        part = p - dot;
        if (part == 0) {
            return json_number_slow(in, from, out);
        }
    }
    if (TBE_UNLIKELY(whole == 0 || whole + part > 18 || (*digits == '0' && whole > 1) ||
                     (p < end && (*p | 0x20) == 'e') || (in->flags & TBE_JSON_RAW))) {
        return json_number_slow(in, from, out);
    }
    in->p = p;
    if (part == 0 && !(in->flags & TBE_JSON_JS)) {
        const int64_t i = neg ? -(int64_t)w : (int64_t)w;
        *out = i == (int32_t)i ? tbe_int((int32_t)i) : tbe_long(i);
        return true;
    }
    double d;
    if (!num_decimal(w, (int)-part, &d)) {
        return json_number_slow(in, from, out);
    }
    *out = tbe_double(neg ? -d : d);
    return true;
}

static bool
json_array(struct json_in *in, tbe_val *out)
{
    const tbe_val list = tbe_list_new(in->a, 0);
    if (list.t == TBE_UNDEF) {
        return json_fail(in, "out of memory");
    }
    *out = list;
    json_space(in);
    if (in->p < in->end && *in->p == ']') {
        in->p++;
        return true;
    }
    for (;;) {
        tbe_val v;
        if (!json_value(in, &v)) {
            return false;
        }
        const uint32_t n = list.u.l->n;
        tbe_list_push(in->a, list.u.l, v);
        if (list.u.l->n == n) {
            return json_fail(in, "out of memory");
        }
        json_space(in);
        if (in->p == in->end || (*in->p != ',' && *in->p != ']')) {
            return json_fail(in, "expected , or ]");
        }
        if (*in->p++ == ']') {
            return true;
        }
    }
}

static inline bool
json_member(struct json_in *in, struct tbe_map *m)
{
    tbe_val key, v;
    if (in->p == in->end || *in->p != '"') {
        return json_fail(in, "expected a name");
    }
    in->p++;
    if (!json_string(in, &key)) {
        return false;
    }
    if (TBE_UNLIKELY(in->p == in->end || *in->p != ':')) {
        json_space(in);
        if (in->p == in->end || *in->p != ':') {
            return json_fail(in, "expected :");
        }
    }
    in->p++;
    if (!json_value(in, &v)) {
        return false;
    }
    if (v.t == TBE_NULL && (in->flags & TBE_JSON_DROP_NULLS)) {
        tbe_map_remove_val(m, key);
        return true;
    }
    struct tbe_entry *old = tbe_map_find(m, key);
    if (TBE_UNLIKELY(old != NULL)) { /* the last one wins, in the place of the first */
        old->val = v;
        return true;
    }
    return value_map_append(in->a, m, key, v) ? true : json_fail(in, "out of memory");
}

static bool
json_object(struct json_in *in, tbe_val *out)
{
    const tbe_val map = tbe_map_new(in->a, 4);
    if (map.t == TBE_UNDEF) {
        return json_fail(in, "out of memory");
    }
    *out = map;
    json_space(in);
    if (in->p < in->end && *in->p == '}') {
        in->p++;
        return true;
    }
    for (;;) {
        json_space(in);
        if (!json_member(in, map.u.m)) {
            return false;
        }
        json_space(in);
        if (in->p == in->end || (*in->p != ',' && *in->p != '}')) {
            return json_fail(in, "expected , or }");
        }
        if (*in->p++ == '}') {
            return true;
        }
    }
}

static bool
json_word(struct json_in *in, struct tbe_str word, tbe_val v, tbe_val *out)
{
    if ((size_t)(in->end - in->p) < word.n || memcmp(in->p, word.p, word.n) != 0) {
        return json_fail(in, "unexpected character");
    }
    in->p += word.n;
    *out = v;
    return true;
}

static bool
json_value(struct json_in *in, tbe_val *out)
{
    json_space(in);
    if (TBE_UNLIKELY(in->p == in->end)) {
        return json_fail(in, "unexpected end");
    }
    switch (*in->p) {
    case '"':
        in->p++;
        return json_string(in, out);
    case '{':
    case '[': {
        if (in->depth == TBE_JSON_MAX_DEPTH) {
            return json_fail(in, "nested too deep");
        }
        const char open = *in->p++;
        in->depth++;
        const bool ok = open == '{' ? json_object(in, out) : json_array(in, out);
        in->depth--;
        return ok;
    }
    case 't':
        return json_word(in, TBE_STR("true"), tbe_bool(true), out);
    case 'f':
        return json_word(in, TBE_STR("false"), tbe_bool(false), out);
    case 'n':
        return json_word(in, TBE_STR("null"), TBE_NULL_VAL, out);
    case '-':
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        return json_number(in, out);
    default:
        return json_fail(in, "unexpected character");
    }
}

int
tbe_json_parse(struct tbe_arena *a, struct tbe_str text, unsigned flags, tbe_val *out,
               struct tbe_json_err *err)
{
    struct json_in in = { .p = text.p, .end = text.p + text.n, .a = a, .flags = flags };
    bool ok = text.n < UINT32_MAX / 4 ? true : json_fail(&in, "text too long");
    if (ok) {
        ok = text.n > 0 ? json_value(&in, out) : json_fail(&in, "unexpected end");
    }
    if (ok && !(flags & TBE_JSON_PREFIX)) {
        json_space(&in);
        ok = in.p == in.end ? true : json_fail(&in, "text behind the value");
    }
    if (ok) {
        return 0;
    }
    *out = TBE_UNDEF_VAL;
    if ((flags & TBE_JSON_LENIENT) && text.n < UINT32_MAX / 4) {
        return value_gson_parse(a, text, flags, out, err, NULL);
    }
    if (err != NULL) {
        *err = (struct tbe_json_err){ (size_t)(in.p - text.p), in.msg };
    }
    return -1;
}
