/* SPDX-License-Identifier: Apache-2.0 */
/* ThingsBoard's global functions on bytes, hex, base64 and bits (facts/tbel.md 13). */
#include "config.h"
#include "tbel_bytes.h"

#include <math.h>
#include <string.h>

/* ---- bytes ---- */

static void
bad_byte(struct tbe_x *x, tbe_val v, bool range)
{
    struct tbe_str t = tbel_text(x, v);
    if (range) {
        tbe_throw(x, "The value '%.*s' could not be correctly converted to a byte. Integer to byte conversion "
                  "requires the use of only 8 bits (with a range of min/max = -128/255)!", (int)t.n,
                  t.p);
    }
    tbe_throw(x, "The value '%.*s' could not be correctly converted to a byte. Must be a "
              "HexDecimal/String/Integer/Byte format !", (int)t.n, t.p);
}

static uint8_t
to_byte(struct tbe_x *x, tbe_val v)
{
    int64_t i = 0;
    if (tbel_is_integral(v)) {
        i = v.u.i;
    } else if (v.t == TBE_STR_T) {
        tbe_val n = tbe_t_parse_int(x, 1, &v);
        if (tbe_is_null(n)) {
            bad_byte(x, v, false);
        }
        i = n.u.i;
    } else {
        bad_byte(x, v, false);
    }
    if (i < -128 || i > 255) {
        bad_byte(x, v, true);
    }
    return (uint8_t)i;
}

/* A list or array of bytes as bytes, in the arena. */
static uint8_t *
bytes(struct tbe_x *x, tbe_val v, size_t *n)
{
    if (!tbel_is_list(v)) {
        tbe_throw(x, "cannot convert %s to a list of bytes", tbel_jclass(v));
    }
    *n = v.u.l->n;
    uint8_t *p = tbe_arena_alloc(x->a, *n + 1);
    for (size_t i = 0; i < *n; i++) {
        p[i] = to_byte(x, v.u.l->v[i]);
    }
    return p;
}

static tbe_val
byte_array(struct tbe_x *x, const uint8_t *p, size_t n)
{
    tbe_val l = tbel_bytes_list(x, p, n);
    l.t = TBE_ARRAY;
    l.sub = TBE_BYTE;
    return l;
}

/* The part of the bytes that offset, length and byte order name, as one number of `max` bytes at
 * most. */
static uint64_t
part(struct tbe_x *x, int argc, const tbe_val *argv, int64_t max, const uint8_t **at, size_t *len)
{
    size_t size;
    const uint8_t *p = bytes(x, argv[0], &size);
    int64_t n = (int64_t)size, off = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    if (off < 0 || off > n) {
        tbe_throw(x, "Offset: %lld is out of bounds for array with length: %lld!", (long long)off,
            (long long)n);
    }
    int64_t l = argc > 2 ? tbel_arg_int(x, argv[2]) : n - off < max ? n - off : max;
    bool big = argc > 3 ? tbel_arg_bool(x, argv[3]) : true;
    if (l > max) {
        tbe_throw(x, "Length: %lld is too large. Maximum %lld bytes is allowed!", (long long)l,
            (long long)max);
    }
    if (l < 0 || off + l > n) {
        tbe_throw(x, "Offset: %lld and Length: %lld is out of bounds for array with length: %lld!",
                  (long long)off, (long long)l, (long long)n);
    }
    uint64_t v = 0;
    for (int64_t i = 0; i < l; i++) {
        v = v << 8 | p[off + (big ? i : l - 1 - i)];
    }
    *at = p + off;
    *len = (size_t)l;
    return v;
}

#define PART(fn, java, max, result) \
    GLOBAL(fn) \
    { \
        const uint8_t *at; \
        size_t len; \
        tbel_need(x, java, argc, argv, 1, 4); \
        uint64_t v = part(x, argc, argv, max, &at, &len); \
        return result; \
    }
PART(tbe_t_bytes_to_int, "parseBytesToInt", 4, tbe_int((int32_t)(uint32_t)v))
PART(tbe_t_bytes_to_long, "parseBytesToLong", 8, tbe_long((int64_t)v))
PART(tbe_t_bytes_int_to_float, "parseBytesIntToFloat", 4, tbel_float((double)v))
PART(tbe_t_bytes_long_to_double, "parseBytesLongToDouble", 8, tbe_double((double)v))

static double
not_nan(struct tbe_x *x, double d, const uint8_t *p, size_t n)
{
    char hex[17];
    if (d == d) {
        return d;
    }
    for (size_t i = 0; i < n && i < 8; i++) {
        hex[2 * i] = "0123456789ABCDEF"[p[i] >> 4];
        hex[2 * i + 1] = "0123456789ABCDEF"[p[i] & 15];
    }
    tbe_throw(x, "byte[] 0x%.*s is a Not-a-Number (NaN) value", (int)(n * 2), hex);
}

PART(tbe_t_bytes_to_float, "parseBytesToFloat", 4, tbel_float(not_nan(x, (double)tbel_float_of(v),
    at, len)))
PART(tbe_t_bytes_to_double, "parseBytesToDouble", 8, tbe_double(not_nan(x, tbel_double_of(v), at,
    len)))

GLOBAL(tbe_t_hex_to_bytes)
{
    tbel_need(x, "hexToBytes", argc, argv, 1, 1);
    struct tbe_str s = tbel_trim(tbel_arg_str(x, argv[0]));
    if (tbel_hex_prefix(s)) {
        s.p += 2;
        s.n -= 2;
    }
    if (s.n == 0) {
        tbe_throw(x, "Hex string must be not empty!");
    }
    if (s.n % 2 != 0) {
        tbe_throw(x, "Hex string must be even-length.");
    }
    if (!tbel_all_below(s, 16, false)) {
        tbel_not_numeric(x, s);
    }
    uint8_t *p = tbe_arena_alloc(x->a, s.n / 2 + 1);
    for (size_t i = 0; i < s.n / 2; i++) {
        p[i] = (uint8_t)(tbel_digit_of(s.p[2 * i]) << 4 | tbel_digit_of(s.p[2 * i + 1]));
    }
    return tbel_bytes_list(x, p, s.n / 2);
}

GLOBAL(tbe_t_hex_to_bytes_array)
{
    tbe_val l = tbe_t_hex_to_bytes(x, argc, argv);
    l.t = TBE_ARRAY;
    l.sub = TBE_BYTE;
    return l;
}

static tbe_val
hex_text(struct tbe_x *x, const uint8_t *p, size_t n)
{
    char *o = tbe_arena_alloc(x->a, n * 2 + 1);
    for (size_t i = 0; i < n; i++) {
        o[2 * i] = "0123456789ABCDEF"[p[i] >> 4];
        o[2 * i + 1] = "0123456789ABCDEF"[p[i] & 15];
    }
    return tbel_ascii(o, n * 2);
}

GLOBAL(tbe_t_bytes_to_hex)
{
    size_t n;
    tbel_need(x, "bytesToHex", argc, argv, 1, 1);
    const uint8_t *p = bytes(x, argv[0], &n);
    return hex_text(x, p, n);
}

/* A list where byte[] is expected: each element must be a Java byte. */
GLOBAL(tbe_t_bytes_to_hex_any)
{
    for (uint32_t i = 0; argc == 1 && argv[0].t == TBE_LIST && i < argv[0].u.l->n; i++) {
        tbe_val v = argv[0].u.l->v[i];
        if (v.t == TBE_INT && v.u.i != (int8_t)v.u.i) {
            tbe_throw(x, "Value out of range. Value:\"%lld\" Radix:10", (long long)v.u.i);
        }
    }
    return tbe_t_bytes_to_hex(x, argc, argv);
}

GLOBAL(tbe_t_unsigned_bytes)
{
    size_t n;
    tbel_need(x, "printUnsignedBytes", argc, argv, 1, 1);
    const uint8_t *p = bytes(x, argv[0], &n);
    tbe_val l = tbe_list_new(x->a, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        tbe_list_push(x->a, l.u.l, tbe_int(p[i]));
    }
    return l;
}

GLOBAL(tbe_t_bytes_to_list)
{
    size_t n;
    tbel_need(x, "bytesToExecutionArrayList", argc, argv, 1, 1);
    const uint8_t *p = bytes(x, argv[0], &n);
    return tbel_bytes_list(x, p, n);
}

/* ---- numbers to hex ---- */

/* Upper case, whole bytes, no leading zero bytes; of a negative number one leading FF is kept. */
static tbe_val
to_hex(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, size_t size)
{
    uint8_t b[9];
    size_t n = 0, skip = 0;
    tbel_need(x, name, argc, argv, 1, 4);
    int64_t v = size == 4 ? tbel_arg_int(x, argv[0]) : tbel_arg_long(x, argv[0]);
    bool big = argc > 1 ? tbel_arg_bool(x, argv[1]) : true;
    bool pref = argc > 2 ? tbel_arg_bool(x, argv[2]) : false;
    int32_t len = argc > 3 ? tbel_arg_int(x, argv[3]) : 0;
    uint8_t lead = v < 0 ? 0xFF : 0;
    while (skip < size - 1 && (uint8_t)((uint64_t)v >> (8 * (size - 1 - skip))) == lead) {
        skip++;
    }
    if (v < 0) {
        b[n++] = 0xFF;
    }
    for (size_t i = skip; i < size; i++) {
        b[n++] = (uint8_t)((uint64_t)v >> (8 * (size - 1 - i)));
    }
    for (size_t i = 0; !big && i < n / 2; i++) {
        uint8_t t = b[i];
        b[i] = b[n - 1 - i];
        b[n - 1 - i] = t;
    }
    tbe_val h = hex_text(x, b, n);
    if (len > 0) {
        if ((uint32_t)len > h.n) {
            tbe_throw(x, "begin %d, end %u, length %u", (int)h.n - len, h.n, h.n);
        }
        h.u.s += h.n - (uint32_t)len;
        h.n = (uint32_t)len;
    }
    return pref ? tbe_t_concat(x, tbel_ascii("0x", 2), h) : h;
}

GLOBAL(tbe_t_int_to_hex)
{
    return to_hex(x, "intToHex", argc, argv, 4);
}

GLOBAL(tbe_t_long_to_hex)
{
    return to_hex(x, "longToHex", argc, argv, 8);
}

GLOBAL(tbe_t_radix_string)
{
    tbel_need(x, "intLongToRadixString", argc, argv, 1, 4);
    int64_t v = tbel_arg_long(x, argv[0]);
    int radix = argc > 1 ? tbel_arg_int(x, argv[1]) : 10;
    if (radix == 2) {
        int size = v < 0 ? 64 : v < 128 ? 8 : v < 32768 ? 16 : v <= INT32_MAX ? 32 : 64;
        char *p = tbe_arena_alloc(x->a, 64);
        for (int i = 0; i < size; i++) {
            p[i] = (char)('0' + ((uint64_t)v >> (size - 1 - i) & 1));
        }
        return tbel_ascii(p, (size_t)size);
    }
    if (radix == 16) {
        tbe_val a[3] = { tbe_long(v), argc > 2 ? argv[2] : tbe_bool(true), argc > 3 ? argv[3] :
            tbe_bool(false) };
        return to_hex(x, "longToHex", 3, a, 8);
    }
    if (radix == 8) {
        return tbe_t_long_octal(x, 1, (tbe_val[]){ tbe_long(v) });
    }
    if (radix != 10 && (radix < 25 || radix > 36)) {
        tbe_throw(x, "Invalid radix: [%d]", radix);
    }
    return tbe_t_long_to_string(x, 2, (tbe_val[]){ tbe_long(v), tbe_int(radix) });
}

static tbe_val
real_hex(struct tbe_x *x, uint64_t u, size_t size, bool big)
{
    uint8_t b[8];
    for (size_t i = 0; i < size; i++) {
        b[big ? i : size - 1 - i] = (uint8_t)(u >> (8 * (size - 1 - i)));
    }
    return tbe_t_concat(x, tbel_ascii("0x", 2), hex_text(x, b, size));
}

GLOBAL(tbe_t_float_to_hex)
{
    tbel_need(x, "floatToHex", argc, argv, 1, 2);
    float f = (float)tbel_arg_double(x, argv[0]);
    uint32_t u;
    memcpy(&u, &f, sizeof(u));
    return real_hex(x, u, 4, argc > 1 ? tbel_arg_bool(x, argv[1]) : true);
}

GLOBAL(tbe_t_double_to_hex)
{
    tbel_need(x, "doubleToHex", argc, argv, 1, 2);
    double d = tbel_arg_double(x, argv[0]);
    uint64_t u;
    memcpy(&u, &d, sizeof(u));
    return real_hex(x, u, 8, argc > 1 ? tbel_arg_bool(x, argv[1]) : true);
}

/* ---- base64 and text ---- */

static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

tbe_val
tbel_b64(struct tbe_x *x, const uint8_t *p, size_t n)
{
    char *o = tbe_arena_alloc(x->a, (n + 2) / 3 * 4 + 1);
    size_t k = 0;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t w = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ?
            p[i + 2] : 0);
        o[k++] = b64[w >> 18];
        o[k++] = b64[w >> 12 & 63];
        o[k++] = i + 1 < n ? b64[w >> 6 & 63] : '=';
        o[k++] = i + 2 < n ? b64[w & 63] : '=';
    }
    return tbel_ascii(o, k);
}

static uint8_t *
unbase64(struct tbe_x *x, struct tbe_str s, size_t *n)
{
    uint8_t *o = tbe_arena_alloc(x->a, s.n + 4);
    uint32_t w = 0;
    unsigned bits = 0;
    *n = 0;
    while (s.n > 0 && s.p[s.n - 1] == '=') {
        s.n--;
    }
    for (size_t i = 0; i < s.n; i++) {
        const char *q = s.p[i] ? strchr(b64, s.p[i]) : NULL;
        if (q == NULL) {
            tbe_throw(x, "Illegal base64 character %x", (unsigned char)s.p[i]);
        }
        w = w << 6 | (uint32_t)(q - b64);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            o[(*n)++] = (uint8_t)(w >> bits);
        }
    }
    if (s.n % 4 == 1) {
        tbe_throw(x, "Last unit does not have enough valid bits");
    }
    return o;
}

/* UTF-8 bytes to text; what is not UTF-8 becomes U+FFFD. latin: one byte is one character. */
static tbe_val
text_of(struct tbe_x *x, const uint8_t *p, size_t n, bool latin)
{
    struct tbel_sb b;
    tbel_sb_init(&b, x, n + 16);
    for (size_t i = 0; i < n;) {
        unsigned len = p[i] < 0x80 ? 1 : p[i] >= 0xC2 && p[i] < 0xE0 ? 2 : p[i] >= 0xE0 &&
            p[i] < 0xF0 ? 3
                     : p[i] >= 0xF0 && p[i] < 0xF5 ? 4 : 0;
        bool ok = !latin && len > 0 && i + len <= n;
        for (unsigned k = 1; ok && k < len; k++) {
            ok = (p[i + k] & 0xC0) == 0x80;
        }
        if (ok && len > 1) {
            uint32_t used, cp = tbel_cp((const char *)p + i, len, &used);
            ok = cp >= (len == 2 ? 0x80u : len == 3 ? 0x800u : 0x10000u) && cp <= 0x10FFFF &&
                cp >> 11 != 27;
        }
        if (ok) {
            tbel_sb_put(&b, (const char *)p + i, len);
            i += len;
        } else {
            tbel_sb_utf8(&b, latin ? p[i] : 0xFFFD);
            i++;
        }
    }
    return tbel_sb_done(&b);
}

static bool
latin(struct tbe_x *x, int argc, const tbe_val *argv)
{
    struct tbe_str c = argc > 1 ? tbel_arg_str(x, argv[1]) : TBE_STR("UTF-8");
    return tbe_str_ieq(c, TBE_STR("ISO-8859-1")) || tbe_str_ieq(c, TBE_STR("US-ASCII"));
}

GLOBAL(tbe_t_btoa)
{
    tbel_need(x, "btoa", argc, argv, 1, 1);
    struct tbe_str s = tbel_arg_str(x, argv[0]);
    return tbel_b64(x, (const uint8_t *)s.p, s.n);
}

GLOBAL(tbe_t_atob)
{
    size_t n;
    tbel_need(x, "atob", argc, argv, 1, 1);
    const uint8_t *p = unbase64(x, tbel_arg_str(x, argv[0]), &n);
    return text_of(x, p, n, false);
}

GLOBAL(tbe_t_bytes_to_string)
{
    size_t n;
    tbel_need(x, "bytesToString", argc, argv, 1, 2);
    const uint8_t *p = bytes(x, argv[0], &n);
    return text_of(x, p, n, latin(x, argc, argv));
}

GLOBAL(tbe_t_string_to_bytes)
{
    tbel_need(x, "stringToBytes", argc, argv, 1, 2);
    if (argv[0].t != TBE_STR_T) {
        tbe_throw(x, "Invalid type parameter [%s]. Expected 'String'", tbe_t_class(argv[0]));
    }
    return tbel_bytes_list(x, (const uint8_t *)argv[0].u.s, argv[0].n);
}

GLOBAL(tbe_t_decode_to_json)
{
    tbel_need(x, "decodeToJson", argc, argv, 1, 1);
    tbe_val s = tbel_is_list(argv[0]) ? tbe_t_bytes_to_string(x, 1, argv) : argv[0];
    return tbe_t_json_parse(x, 1, &s);
}

GLOBAL(tbe_t_base64_to_hex)
{
    size_t n;
    tbel_need(x, "base64ToHex", argc, argv, 1, 1);
    const uint8_t *p = unbase64(x, tbel_arg_str(x, argv[0]), &n);
    return hex_text(x, p, n);
}

GLOBAL(tbe_t_hex_to_base64)
{
    size_t n;
    tbel_need(x, "hexToBase64", argc, argv, 1, 1);
    tbe_val l = tbe_t_hex_to_bytes(x, 1, argv);
    const uint8_t *p = bytes(x, l, &n);
    return tbel_b64(x, p, n);
}

GLOBAL(tbe_t_base64_to_bytes)
{
    size_t n;
    tbel_need(x, "base64ToBytes", argc, argv, 1, 1);
    const uint8_t *p = unbase64(x, tbel_arg_str(x, argv[0]), &n);
    return byte_array(x, p, n);
}

GLOBAL(tbe_t_base64_to_list)
{
    size_t n;
    tbel_need(x, "base64ToBytesList", argc, argv, 1, 1);
    const uint8_t *p = unbase64(x, tbel_arg_str(x, argv[0]), &n);
    return tbel_bytes_list(x, p, n);
}

GLOBAL(tbe_t_bytes_to_base64)
{
    size_t n;
    tbel_need(x, "bytesToBase64", argc, argv, 1, 1);
    const uint8_t *p = bytes(x, argv[0], &n);
    return tbel_b64(x, p, n);
}

/* ---- bits ---- */

static tbe_val
bit_array(struct tbe_x *x, uint64_t v, int32_t len, bool big)
{
    if (len < 0 || len > 64) {
        tbe_throw(x, "Binary array length: %d is out of range", len);
    }
    tbe_val l = tbe_list_new(x->a, (uint32_t)len);
    for (int32_t i = 0; i < len; i++) {
        int32_t bit = big ? len - 1 - i : i;
        tbe_list_push(x->a, l.u.l, tbel_typed(TBE_BYTE, v >> bit & 1));
    }
    l.t = TBE_ARRAY;
    l.sub = TBE_BYTE;
    return l;
}

GLOBAL(tbe_t_byte_to_bits)
{
    tbel_need(x, "parseByteToBinaryArray", argc, argv, 1, 3);
    int32_t len = argc > 1 ? tbel_arg_int(x, argv[1]) : 8;
    bool big = argc > 2 ? tbel_arg_bool(x, argv[2]) : true;
    return bit_array(x, (uint8_t)tbel_arg_long(x, argv[0]), len > 8 ? 8 : len, big);
}

GLOBAL(tbe_t_long_to_bits)
{
    tbel_need(x, "parseLongToBinaryArray", argc, argv, 1, 2);
    return bit_array(x, (uint64_t)tbel_arg_long(x, argv[0]), argc > 1 ? tbel_arg_int(x, argv[1]) :
        64, true);
}

GLOBAL(tbe_t_bytes_to_bits)
{
    size_t n;
    tbel_need(x, "parseBytesToBinaryArray", argc, argv, 1, 2);
    const uint8_t *p = bytes(x, argv[0], &n);
    int64_t total = (int64_t)n * 8, len = argc > 1 ? tbel_arg_int(x, argv[1]) : total;
    len = len < 0 || len > total ? total : len;
    tbe_val l = tbe_list_new(x->a, (uint32_t)len);
    for (int64_t i = total - len; i < total; i++) {
        tbe_list_push(x->a, l.u.l, tbel_typed(TBE_BYTE, p[i / 8] >> (7 - i % 8) & 1));
    }
    l.t = TBE_ARRAY;
    l.sub = TBE_BYTE;
    return l;
}

GLOBAL(tbe_t_bits_to_int)
{
    size_t n;
    tbel_need(x, "parseBinaryArrayToInt", argc, argv, 1, 3);
    const uint8_t *p = bytes(x, argv[0], &n);
    int64_t off = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    int64_t len = argc > 2 ? tbel_arg_int(x, argv[2]) : (int64_t)n - off;
    if (off < 0 || len < 0 || off + len > (int64_t)n) {
        tbe_throw(x, "Offset: %lld and Length: %lld is out of bounds for array with length: %zu!",
                  (long long)off, (long long)len, n);
    }
    uint32_t v = 0;
    for (int64_t i = off; i < off + len; i++) {
        v = v << 1 | (p[i] & 1);
    }
    if (len == 8 && off == 0 && n == 8) {
        return tbe_int((int8_t)v);
    }
    return tbe_int((int32_t)v);
}
