/* SPDX-License-Identifier: Apache-2.0 */
/* ThingsBoard's global functions on numbers, hex, bytes, base64 and bits (facts/tbel.md 13). */
#include "config.h"
#include "tbel_priv.h"

#include <math.h>
#include <string.h>

#define GLOBAL(name) tbe_val name(struct tbe_x *x, int argc, const tbe_val *argv)

static void
need(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, int min, int max)
{
    if (argc < min || argc > max) {
        tbe_t_no_static(x, TBE_STR(""), tbe_strz(name), argc, argv);
    }
}

static struct tbe_str
trim(struct tbe_str s)
{
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ') {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ') {
        s.n--;
    }
    return s;
}

static int
digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10
         : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* ---- kinds of text ---- */

static bool
all_below(struct tbe_str s, int radix, bool sign)
{
    size_t i = sign && s.n > 0 && s.p[0] == '-';
    for (size_t k = i; k < s.n; k++) {
        if (digit_of(s.p[k]) >= radix) {
            return false;
        }
    }
    return s.n > i;
}

static bool
decimal(struct tbe_str s) /* [+-]?digits[.digits][e[+-]digits] */
{
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'), from = i;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') {
        i++;
    }
    if (i == from) {
        return false;
    }
    if (i < s.n && s.p[i] == '.') {
        for (from = ++i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';) {
            i++;
        }
        if (i == from) {
            return false;
        }
    }
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        i += i < s.n && (s.p[i] == '-' || s.p[i] == '+');
        for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';) {
            i++;
        }
        if (i == from) {
            return false;
        }
    }
    return i == s.n;
}

static bool
hex_prefix(struct tbe_str s)
{
    size_t i = s.n > 0 && s.p[0] == '-';
    return s.n > i + 1 && s.p[i] == '0' && (s.p[i + 1] == 'x' || s.p[i + 1] == 'X');
}

/* Every 0x and 0X removed. */
static struct tbe_str
strip_hex(struct tbe_x *x, struct tbe_str s)
{
    char *p = tbe_arena_alloc(x->a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '0' && i + 1 < s.n && (s.p[i + 1] == 'x' || s.p[i + 1] == 'X')) {
            i++;
        } else {
            p[n++] = s.p[i];
        }
    }
    p[n] = '\0';
    return (struct tbe_str){ p, n };
}

static bool
hexadecimal(struct tbe_x *x, struct tbe_str s)
{
    return all_below(hex_prefix(s) ? strip_hex(x, s) : s, 16, true);
}

#define KIND(fn, java, cond, radix) \
    GLOBAL(fn) \
    { \
        need(x, java, argc, argv, 1, 1); \
        struct tbe_str s = tbel_arg_str(x, argv[0]); \
        return tbe_int((cond) ? (radix) : -1); \
    }
KIND(tbe_t_is_binary, "isBinary", all_below(s, 2, true), 2)
KIND(tbe_t_is_octal, "isOctal", all_below(s, 8, true), 8)
KIND(tbe_t_is_decimal, "isDecimal", decimal(s), 10)
KIND(tbe_t_is_hexadecimal, "isHexadecimal", hexadecimal(x, s), 16)

static void
not_numeric(struct tbe_x *x, struct tbe_str s)
{
    tbe_throw(x, "Value: \"%.*s\" is not numeric or hexDecimal format!", (int)s.n, s.p);
}

static void
even_hex(struct tbe_x *x, struct tbe_str s)
{
    if ((s.n - (s.n > 0 && s.p[0] == '-')) % 2 != 0) {
        tbe_throw(x, "The hexadecimal value: \"%.*s\" must be of even length, or if the decimal value must "
                  "be a number!", (int)s.n, s.p);
    }
}

/* ---- parseInt and parseLong ---- */

static void
bad_input(struct tbe_x *x, struct tbe_str s, int radix)
{
    if (radix == 10) {
        tbe_throw(x, "For input string: \"%.*s\"", (int)s.n, s.p);
    }
    tbe_throw(x, "For input string: \"%.*s\" under radix %d", (int)s.n, s.p, radix);
}

static int64_t
whole(struct tbe_x *x, struct tbe_str s, int radix, bool wide)
{
    bool neg = s.n > 0 && s.p[0] == '-';
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    uint64_t v = 0, max = wide ? (uint64_t)INT64_MAX : (uint64_t)INT32_MAX;
    if (radix == 2 && !neg) { /* two's complement: the top bit is the sign */
        max = wide ? UINT64_MAX : UINT32_MAX;
    }
    max += neg;
    if (i == s.n) {
        bad_input(x, s, 10);
    }
    for (; i < s.n; i++) {
        int d = digit_of(s.p[i]);
        if (d >= radix) {
            bad_input(x, s, radix);
        }
        if (v > (max - (uint64_t)d) / (uint64_t)radix) {
            if (radix >= 25) {
                tbe_throw(x, "Value \"%.*s\"is greater than the maximum %s value %s !", (int)s.n, s.p,
                          wide ? "Long" : "Integer", wide ? "9223372036854775807" : "2147483647");
            }
            bad_input(x, s, radix);
        }
        v = v * (uint64_t)radix + (uint64_t)d;
    }
    v = neg ? 0 - v : v;
    return wide ? (int64_t)v : (int32_t)(uint32_t)v;
}

static tbe_val
parse_number(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, bool wide)
{
    need(x, name, argc, argv, 1, 2);
    if (tbe_is_null(argv[0])) {
        return TBE_NULL_VAL;
    }
    struct tbe_str raw = trim(tbel_text(x, argv[0]));
    if (raw.n == 0) {
        return TBE_NULL_VAL;
    }
    int radix = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    bool prefixed = hex_prefix(raw);
    struct tbe_str s = strip_hex(x, raw);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ',') {
            ((char *)s.p)[i] = '.'; /* our own copy */
        }
    }
    if (prefixed) {
        radix = 16;
    } else if (radix == 0) {
        radix = decimal(s) ? 10 : all_below(s, 16, true) ? 16 : 0;
        if (radix == 0) {
            not_numeric(x, raw);
        }
    }
    if (radix != 2 && radix != 8 && radix != 10 && radix != 16 && (radix < 25 || radix > 36)) {
        tbe_throw(x, "Invalid radix: [%d]", radix);
    }
    bool fits = radix == 10 ? decimal(s) : all_below(s, radix, true);
    if (!fits) {
        tbe_throw(x, "Failed radix [%d] for value: \"%.*s\", must be [-1] !", radix, (int)raw.n, raw.p);
    }
    if (radix == 16) {
        even_hex(x, s);
    }
    int64_t v = whole(x, s, radix, wide);
    return wide ? tbe_long(v) : tbe_int((int32_t)v);
}

GLOBAL(tbe_t_parse_int)
{
    return parse_number(x, "parseInt", argc, argv, false);
}

GLOBAL(tbe_t_parse_long)
{
    return parse_number(x, "parseLong", argc, argv, true);
}

/* ---- hex to numbers ---- */

static uint64_t
hex_bits(struct tbe_x *x, struct tbe_str s, size_t max_digits, bool big)
{
    uint64_t v = 0;
    if (s.n > max_digits) {
        tbe_throw(x, "The hexadecimal value: \"%.*s\" is too long", (int)s.n, s.p);
    }
    for (size_t i = 0; i < s.n; i++) {
        size_t k = big ? i : (s.n / 2 - 1 - i / 2) * 2 + i % 2;
        v = v << 4 | (unsigned)digit_of(s.p[k]);
    }
    return v;
}

static float
float_of(uint64_t bits)
{
    uint32_t u = (uint32_t)bits;
    float f;
    memcpy(&f, &u, sizeof(f));
    return f;
}

static double
double_of(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

/* The hex text of argument 0, even and plain. */
static struct tbe_str
hex_arg(struct tbe_x *x, tbe_val v)
{
    struct tbe_str raw = trim(tbel_arg_str(x, v)), s = strip_hex(x, raw);
    if (!all_below(s, 16, true)) {
        not_numeric(x, raw);
    }
    even_hex(x, s);
    return s;
}

static tbe_val
hex_to_whole(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, bool wide, bool big)
{
    need(x, name, argc, argv, 1, 2);
    struct tbe_str s = hex_arg(x, argv[0]);
    big = argc > 1 ? tbel_arg_bool(x, argv[1]) : big;
    if (!big && s.p[0] != '-') {
        char *p = tbe_arena_alloc(x->a, s.n + 1);
        for (size_t i = 0; i < s.n; i++) {
            p[i] = s.p[(s.n / 2 - 1 - i / 2) * 2 + i % 2];
        }
        s.p = p;
    }
    int64_t v = whole(x, s, 16, wide);
    return wide ? tbe_long(v) : tbe_int((int32_t)v);
}

GLOBAL(tbe_t_hex_to_int)
{
    return hex_to_whole(x, "parseHexToInt", argc, argv, false, true);
}

GLOBAL(tbe_t_hex_to_int_le)
{
    return hex_to_whole(x, "parseLittleEndianHexToInt", argc, argv, false, false);
}

GLOBAL(tbe_t_hex_to_long)
{
    return hex_to_whole(x, "parseHexToLong", argc, argv, true, true);
}

GLOBAL(tbe_t_hex_to_long_le)
{
    return hex_to_whole(x, "parseLittleEndianHexToLong", argc, argv, true, false);
}

static tbe_val
hex_to_real(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, bool wide, bool big)
{
    need(x, name, argc, argv, 1, 2);
    big = argc > 1 ? tbel_arg_bool(x, argv[1]) : big;
    uint64_t u = hex_bits(x, hex_arg(x, argv[0]), wide ? 16 : 8, big);
    return wide ? tbe_double(double_of(u)) : tbel_float((double)float_of(u));
}

GLOBAL(tbe_t_hex_to_float)
{
    return hex_to_real(x, "parseHexToFloat", argc, argv, false, true);
}

GLOBAL(tbe_t_hex_to_float_le)
{
    return hex_to_real(x, "parseLittleEndianHexToFloat", argc, argv, false, false);
}

GLOBAL(tbe_t_hex_to_double)
{
    return hex_to_real(x, "parseHexToDouble", argc, argv, true, true);
}

GLOBAL(tbe_t_hex_to_double_le)
{
    return hex_to_real(x, "parseLittleEndianHexToDouble", argc, argv, true, false);
}

GLOBAL(tbe_t_hex_int_to_float)
{
    need(x, "parseHexIntLongToFloat", argc, argv, 1, 2);
    bool big = argc > 1 ? tbel_arg_bool(x, argv[1]) : true;
    return tbel_float((double)hex_bits(x, hex_arg(x, argv[0]), 16, big));
}

GLOBAL(tbe_t_parse_float)
{
    need(x, "parseFloat", argc, argv, 1, 2);
    if (tbe_is_null(argv[0])) {
        return TBE_NULL_VAL;
    }
    struct tbe_str raw = trim(tbel_text(x, argv[0]));
    int radix = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    if (raw.n == 0) {
        return TBE_NULL_VAL;
    }
    if ((radix == 0 && decimal(raw)) || radix == 10) {
        return tbel_float(tbel_parse_text(x, raw));
    }
    if (radix != 0 && radix != 16) {
        tbe_throw(x, "Invalid radix: [%d]", radix);
    }
    if (!hexadecimal(x, raw)) {
        tbe_throw(x, "For input string: \"%.*s\"", (int)raw.n, raw.p);
    }
    return tbel_float((double)float_of(hex_bits(x, hex_arg(x, argv[0]), 8, true)));
}

GLOBAL(tbe_t_parse_double)
{
    need(x, "parseDouble", argc, argv, 1, 2);
    struct tbe_str raw = trim(tbel_arg_str(x, argv[0]));
    int radix = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    if ((radix == 0 && decimal(raw)) || radix == 10) {
        return tbe_double(tbel_parse_text(x, raw));
    }
    if (!hexadecimal(x, raw)) {
        not_numeric(x, raw);
    }
    return tbe_double(double_of(hex_bits(x, hex_arg(x, argv[0]), 16, true)));
}

/* ---- bytes ---- */

static void
bad_byte(struct tbe_x *x, tbe_val v, bool range)
{
    struct tbe_str t = tbel_text(x, v);
    if (range) {
        tbe_throw(x, "The value '%.*s' could not be correctly converted to a byte. Integer to byte conversion "
                  "requires the use of only 8 bits (with a range of min/max = -128/255)!", (int)t.n, t.p);
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

/* The part of the bytes that offset, length and byte order name, as one number of `max` bytes at most. */
static uint64_t
part(struct tbe_x *x, int argc, const tbe_val *argv, int64_t max, const uint8_t **at, size_t *len)
{
    size_t size;
    const uint8_t *p = bytes(x, argv[0], &size);
    int64_t n = (int64_t)size, off = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    if (off < 0 || off > n) {
        tbe_throw(x, "Offset: %lld is out of bounds for array with length: %lld!", (long long)off, (long long)n);
    }
    int64_t l = argc > 2 ? tbel_arg_int(x, argv[2]) : n - off < max ? n - off : max;
    bool big = argc > 3 ? tbel_arg_bool(x, argv[3]) : true;
    if (l > max) {
        tbe_throw(x, "Length: %lld is too large. Maximum %lld bytes is allowed!", (long long)l, (long long)max);
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
        need(x, java, argc, argv, 1, 4); \
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

PART(tbe_t_bytes_to_float, "parseBytesToFloat", 4, tbel_float(not_nan(x, (double)float_of(v), at, len)))
PART(tbe_t_bytes_to_double, "parseBytesToDouble", 8, tbe_double(not_nan(x, double_of(v), at, len)))

GLOBAL(tbe_t_hex_to_bytes)
{
    need(x, "hexToBytes", argc, argv, 1, 1);
    struct tbe_str s = trim(tbel_arg_str(x, argv[0]));
    if (hex_prefix(s)) {
        s.p += 2;
        s.n -= 2;
    }
    if (s.n == 0) {
        tbe_throw(x, "Hex string must be not empty!");
    }
    if (s.n % 2 != 0) {
        tbe_throw(x, "Hex string must be even-length.");
    }
    if (!all_below(s, 16, false)) {
        not_numeric(x, s);
    }
    uint8_t *p = tbe_arena_alloc(x->a, s.n / 2 + 1);
    for (size_t i = 0; i < s.n / 2; i++) {
        p[i] = (uint8_t)(digit_of(s.p[2 * i]) << 4 | digit_of(s.p[2 * i + 1]));
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
    need(x, "bytesToHex", argc, argv, 1, 1);
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
    need(x, "printUnsignedBytes", argc, argv, 1, 1);
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
    need(x, "bytesToExecutionArrayList", argc, argv, 1, 1);
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
    need(x, name, argc, argv, 1, 4);
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
    need(x, "intLongToRadixString", argc, argv, 1, 4);
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
        tbe_val a[3] = { tbe_long(v), argc > 2 ? argv[2] : tbe_bool(true), argc > 3 ? argv[3] : tbe_bool(false) };
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
    need(x, "floatToHex", argc, argv, 1, 2);
    float f = (float)tbel_arg_double(x, argv[0]);
    uint32_t u;
    memcpy(&u, &f, sizeof(u));
    return real_hex(x, u, 4, argc > 1 ? tbel_arg_bool(x, argv[1]) : true);
}

GLOBAL(tbe_t_double_to_hex)
{
    need(x, "doubleToHex", argc, argv, 1, 2);
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
        uint32_t w = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
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
        unsigned len = p[i] < 0x80 ? 1 : p[i] >= 0xC2 && p[i] < 0xE0 ? 2 : p[i] >= 0xE0 && p[i] < 0xF0 ? 3
                     : p[i] >= 0xF0 && p[i] < 0xF5 ? 4 : 0;
        bool ok = !latin && len > 0 && i + len <= n;
        for (unsigned k = 1; ok && k < len; k++) {
            ok = (p[i + k] & 0xC0) == 0x80;
        }
        if (ok && len > 1) {
            uint32_t used, cp = tbel_cp((const char *)p + i, len, &used);
            ok = cp >= (len == 2 ? 0x80u : len == 3 ? 0x800u : 0x10000u) && cp <= 0x10FFFF && cp >> 11 != 27;
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
    need(x, "btoa", argc, argv, 1, 1);
    struct tbe_str s = tbel_arg_str(x, argv[0]);
    return tbel_b64(x, (const uint8_t *)s.p, s.n);
}

GLOBAL(tbe_t_atob)
{
    size_t n;
    need(x, "atob", argc, argv, 1, 1);
    const uint8_t *p = unbase64(x, tbel_arg_str(x, argv[0]), &n);
    return text_of(x, p, n, false);
}

GLOBAL(tbe_t_bytes_to_string)
{
    size_t n;
    need(x, "bytesToString", argc, argv, 1, 2);
    const uint8_t *p = bytes(x, argv[0], &n);
    return text_of(x, p, n, latin(x, argc, argv));
}

GLOBAL(tbe_t_string_to_bytes)
{
    need(x, "stringToBytes", argc, argv, 1, 2);
    if (argv[0].t != TBE_STR_T) {
        tbe_throw(x, "Invalid type parameter [%s]. Expected 'String'", tbe_t_class(argv[0]));
    }
    return tbel_bytes_list(x, (const uint8_t *)argv[0].u.s, argv[0].n);
}

GLOBAL(tbe_t_decode_to_json)
{
    need(x, "decodeToJson", argc, argv, 1, 1);
    tbe_val s = tbel_is_list(argv[0]) ? tbe_t_bytes_to_string(x, 1, argv) : argv[0];
    return tbe_t_json_parse(x, 1, &s);
}

GLOBAL(tbe_t_base64_to_hex)
{
    size_t n;
    need(x, "base64ToHex", argc, argv, 1, 1);
    const uint8_t *p = unbase64(x, tbel_arg_str(x, argv[0]), &n);
    return hex_text(x, p, n);
}

GLOBAL(tbe_t_hex_to_base64)
{
    size_t n;
    need(x, "hexToBase64", argc, argv, 1, 1);
    tbe_val l = tbe_t_hex_to_bytes(x, 1, argv);
    const uint8_t *p = bytes(x, l, &n);
    return tbel_b64(x, p, n);
}

GLOBAL(tbe_t_base64_to_bytes)
{
    size_t n;
    need(x, "base64ToBytes", argc, argv, 1, 1);
    const uint8_t *p = unbase64(x, tbel_arg_str(x, argv[0]), &n);
    return byte_array(x, p, n);
}

GLOBAL(tbe_t_base64_to_list)
{
    size_t n;
    need(x, "base64ToBytesList", argc, argv, 1, 1);
    const uint8_t *p = unbase64(x, tbel_arg_str(x, argv[0]), &n);
    return tbel_bytes_list(x, p, n);
}

GLOBAL(tbe_t_bytes_to_base64)
{
    size_t n;
    need(x, "bytesToBase64", argc, argv, 1, 1);
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
    need(x, "parseByteToBinaryArray", argc, argv, 1, 3);
    int32_t len = argc > 1 ? tbel_arg_int(x, argv[1]) : 8;
    bool big = argc > 2 ? tbel_arg_bool(x, argv[2]) : true;
    return bit_array(x, (uint8_t)tbel_arg_long(x, argv[0]), len > 8 ? 8 : len, big);
}

GLOBAL(tbe_t_long_to_bits)
{
    need(x, "parseLongToBinaryArray", argc, argv, 1, 2);
    return bit_array(x, (uint64_t)tbel_arg_long(x, argv[0]), argc > 1 ? tbel_arg_int(x, argv[1]) : 64, true);
}

GLOBAL(tbe_t_bytes_to_bits)
{
    size_t n;
    need(x, "parseBytesToBinaryArray", argc, argv, 1, 2);
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
    need(x, "parseBinaryArrayToInt", argc, argv, 1, 3);
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
