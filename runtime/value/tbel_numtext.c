/* SPDX-License-Identifier: Apache-2.0 */
/* ThingsBoard's global functions that read numbers from text: decimal, hex and other radices
 * (facts/tbel.md 13). */
#include "config.h"
#include "tbel_bytes.h"

#include <math.h>
#include <string.h>

void
tbel_need(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, int min, int max)
{
    if (argc < min || argc > max) {
        tbe_t_no_static(x, TBE_STR(""), tbe_strz(name), argc, argv);
    }
}

struct tbe_str
tbel_trim(struct tbe_str s)
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

int
tbel_digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10
         : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* ---- kinds of text ---- */

bool
tbel_all_below(struct tbe_str s, int radix, bool sign)
{
    size_t i = sign && s.n > 0 && s.p[0] == '-';
    for (size_t k = i; k < s.n; k++) {
        if (tbel_digit_of(s.p[k]) >= radix) {
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

bool
tbel_hex_prefix(struct tbe_str s)
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
    return tbel_all_below(tbel_hex_prefix(s) ? strip_hex(x, s) : s, 16, true);
}

#define KIND(fn, java, cond, radix) \
    GLOBAL(fn) \
    { \
        tbel_need(x, java, argc, argv, 1, 1); \
        struct tbe_str s = tbel_arg_str(x, argv[0]); \
        return tbe_int((cond) ? (radix) : -1); \
    }
KIND(tbe_t_is_binary, "isBinary", tbel_all_below(s, 2, true), 2)
KIND(tbe_t_is_octal, "isOctal", tbel_all_below(s, 8, true), 8)
KIND(tbe_t_is_decimal, "isDecimal", decimal(s), 10)
KIND(tbe_t_is_hexadecimal, "isHexadecimal", hexadecimal(x, s), 16)

void
tbel_not_numeric(struct tbe_x *x, struct tbe_str s)
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
        int d = tbel_digit_of(s.p[i]);
        if (d >= radix) {
            bad_input(x, s, radix);
        }
        if (v > (max - (uint64_t)d) / (uint64_t)radix) {
            if (radix >= 25) {
                tbe_throw(x, "Value \"%.*s\"is greater than the maximum %s value %s !", (int)s.n,
                    s.p,
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
    tbel_need(x, name, argc, argv, 1, 2);
    if (tbe_is_null(argv[0])) {
        return TBE_NULL_VAL;
    }
    struct tbe_str raw = tbel_trim(tbel_text(x, argv[0]));
    if (raw.n == 0) {
        return TBE_NULL_VAL;
    }
    int radix = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    bool prefixed = tbel_hex_prefix(raw);
    struct tbe_str s = strip_hex(x, raw);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ',') {
            ((char *)s.p)[i] = '.'; /* our own copy */
        }
    }
    if (prefixed) {
        radix = 16;
    } else if (radix == 0) {
        radix = decimal(s) ? 10 : tbel_all_below(s, 16, true) ? 16 : 0;
        if (radix == 0) {
            tbel_not_numeric(x, raw);
        }
    }
    if (radix != 2 && radix != 8 && radix != 10 && radix != 16 && (radix < 25 || radix > 36)) {
        tbe_throw(x, "Invalid radix: [%d]", radix);
    }
    bool fits = radix == 10 ? decimal(s) : tbel_all_below(s, radix, true);
    if (!fits) {
        tbe_throw(x, "Failed radix [%d] for value: \"%.*s\", must be [-1] !", radix, (int)raw.n,
            raw.p);
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
        v = v << 4 | (unsigned)tbel_digit_of(s.p[k]);
    }
    return v;
}

float
tbel_float_of(uint64_t bits)
{
    uint32_t u = (uint32_t)bits;
    float f;
    memcpy(&f, &u, sizeof(f));
    return f;
}

double
tbel_double_of(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

/* The hex text of argument 0, even and plain. */
static struct tbe_str
hex_arg(struct tbe_x *x, tbe_val v)
{
    struct tbe_str raw = tbel_trim(tbel_arg_str(x, v)), s = strip_hex(x, raw);
    if (!tbel_all_below(s, 16, true)) {
        tbel_not_numeric(x, raw);
    }
    even_hex(x, s);
    return s;
}

static tbe_val
hex_to_whole(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, bool wide, bool big)
{
    tbel_need(x, name, argc, argv, 1, 2);
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
    tbel_need(x, name, argc, argv, 1, 2);
    big = argc > 1 ? tbel_arg_bool(x, argv[1]) : big;
    uint64_t u = hex_bits(x, hex_arg(x, argv[0]), wide ? 16 : 8, big);
    return wide ? tbe_double(tbel_double_of(u)) : tbel_float((double)tbel_float_of(u));
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
    tbel_need(x, "parseHexIntLongToFloat", argc, argv, 1, 2);
    bool big = argc > 1 ? tbel_arg_bool(x, argv[1]) : true;
    return tbel_float((double)hex_bits(x, hex_arg(x, argv[0]), 16, big));
}

GLOBAL(tbe_t_parse_float)
{
    tbel_need(x, "parseFloat", argc, argv, 1, 2);
    if (tbe_is_null(argv[0])) {
        return TBE_NULL_VAL;
    }
    struct tbe_str raw = tbel_trim(tbel_text(x, argv[0]));
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
    return tbel_float((double)tbel_float_of(hex_bits(x, hex_arg(x, argv[0]), 8, true)));
}

GLOBAL(tbe_t_parse_double)
{
    tbel_need(x, "parseDouble", argc, argv, 1, 2);
    struct tbe_str raw = tbel_trim(tbel_arg_str(x, argv[0]));
    int radix = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    if ((radix == 0 && decimal(raw)) || radix == 10) {
        return tbe_double(tbel_parse_text(x, raw));
    }
    if (!hexadecimal(x, raw)) {
        tbel_not_numeric(x, raw);
    }
    return tbe_double(tbel_double_of(hex_bits(x, hex_arg(x, argv[0]), 16, true)));
}
