/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL statics of Math, the wrapper classes and java.util (facts/tbel.md 11). Where Java has
 * overloads, the widest class among the arguments decides. */
#include "config.h"
#include "tbel_priv.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

#define STATIC(name) tbe_val name(struct tbe_x *x, int argc, const tbe_val *argv)
#define UNUSED_ARGS (void)x, (void)argc, (void)argv

static void
need(struct tbe_x *x, const char *cls, const char *name, int argc, const tbe_val *argv, int min,
    int max)
{
    bool null_arg = false;
    for (int i = 0; i < argc && i < min; i++) {
        null_arg |= tbe_is_null(argv[i]);
    }
    if (argc < min || argc > max || null_arg) {
        tbe_t_no_static(x, tbe_strz(cls), tbe_strz(name), argc, argv);
    }
}

/* How well a value of class v fits a parameter of class p (11): the same, one step wider, any
 * number, text. */
static int
fit(enum tbe_type v, enum tbe_type p)
{
    bool step = (v == TBE_INT && p == TBE_LONG) || (v == TBE_LONG && p == TBE_FLOAT) ||
        (v == TBE_FLOAT && p == TBE_DOUBLE) || ((v == TBE_SHORT || v == TBE_CHAR) && p == TBE_INT);
    return v == p ? 7 : step ? 5 : v >= TBE_BYTE && v <= TBE_BIGINT ? 4 : 1;
}

/* The class of the overload the engine takes for these arguments: of equals the first, in the
 * JDK's order int, long, float, double. So an Integer beside a Double gives int. */
static enum tbe_type
overload(struct tbe_x *x, int argc, const tbe_val *argv)
{
    static const uint8_t classes[] = { TBE_INT, TBE_LONG, TBE_FLOAT, TBE_DOUBLE };
    enum tbe_type best = TBE_INT;
    int most = 0;
    (void)x;
    for (size_t k = 0; k < sizeof(classes); k++) {
        int sum = 0;
        for (int i = 0; i < argc; i++) {
            sum += fit(argv[i].t, classes[k]);
        }
        if (sum > most) {
            most = sum;
            best = classes[k];
        }
    }
    return best;
}

#define MATH1(fn, java, expr) \
    STATIC(fn) \
    { \
        need(x, "Math", java, argc, argv, 1, 1); \
        double a = tbel_arg_double(x, argv[0]); \
        return tbe_double(expr); \
    }
MATH1(tbe_t_math_ceil, "ceil", ceil(a))
MATH1(tbe_t_math_floor, "floor", floor(a))
MATH1(tbe_t_math_rint, "rint", nearbyint(a))
MATH1(tbe_t_math_sqrt, "sqrt", sqrt(a))
MATH1(tbe_t_math_cbrt, "cbrt", cbrt(a))
MATH1(tbe_t_math_exp, "exp", exp(a))
MATH1(tbe_t_math_log, "log", log(a))
MATH1(tbe_t_math_log10, "log10", log10(a))
MATH1(tbe_t_math_sin, "sin", sin(a))
MATH1(tbe_t_math_cos, "cos", cos(a))
MATH1(tbe_t_math_tan, "tan", tan(a))
MATH1(tbe_t_math_asin, "asin", asin(a))
MATH1(tbe_t_math_acos, "acos", acos(a))
MATH1(tbe_t_math_atan, "atan", atan(a))
MATH1(tbe_t_math_sinh, "sinh", sinh(a))
MATH1(tbe_t_math_cosh, "cosh", cosh(a))
MATH1(tbe_t_math_tanh, "tanh", tanh(a))
MATH1(tbe_t_math_to_radians, "toRadians", a * 0.017453292519943295)
MATH1(tbe_t_math_to_degrees, "toDegrees", a * 57.29577951308232)

STATIC(tbe_t_math_pow)
{
    need(x, "Math", "pow", argc, argv, 2, 2);
    return tbe_double(pow(tbel_arg_double(x, argv[0]), tbel_arg_double(x, argv[1])));
}

STATIC(tbe_t_math_atan2)
{
    need(x, "Math", "atan2", argc, argv, 2, 2);
    return tbe_double(atan2(tbel_arg_double(x, argv[0]), tbel_arg_double(x, argv[1])));
}

STATIC(tbe_t_math_hypot)
{
    need(x, "Math", "hypot", argc, argv, 2, 2);
    return tbe_double(hypot(tbel_arg_double(x, argv[0]), tbel_arg_double(x, argv[1])));
}

STATIC(tbe_t_math_abs)
{
    need(x, "Math", "abs", argc, argv, 1, 1);
    enum tbe_type t = overload(x, 1, argv);
    if (t <= TBE_LONG) {
        int64_t i = t == TBE_INT ? tbel_arg_int(x, argv[0]) : tbel_arg_long(x, argv[0]);
        i = i < 0 ? (int64_t)(0 - (uint64_t)i) : i;
        return t == TBE_LONG ? tbe_long(i) : tbe_int((int32_t)i);
    }
    return tbel_from_double(x, fabs(tbel_arg_double(x, argv[0])), t);
}

/* Half up toward +infinity. A Float gives an Integer. */
STATIC(tbe_t_math_round)
{
    need(x, "Math", "round", argc, argv, 1, 1);
    if (tbel_is_integral(argv[0])) {
        return tbe_long(argv[0].u.i);
    }
    double d = tbel_arg_double(x, argv[0]), f = floor(d);
    d = d - f >= 0.5 ? f + 1 : f;
    return argv[0].t == TBE_FLOAT ? tbe_int(tbel_d2i(d)) : tbe_long(tbel_d2l(d));
}

STATIC(tbe_t_math_signum)
{
    need(x, "Math", "signum", argc, argv, 1, 1);
    double d = tbel_arg_double(x, argv[0]), r = d > 0 ? 1 : d < 0 ? -1 : d;
    return argv[0].t == TBE_DOUBLE ? tbe_double(r) : tbel_float(r);
}

static tbe_val
extreme(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, int sign)
{
    need(x, "Math", name, argc, argv, 2, 2);
    enum tbe_type t = overload(x, 2, argv);
    if (t <= TBE_LONG) {
        bool narrow = t == TBE_INT;
        int64_t a = narrow ? tbel_arg_int(x, argv[0]) : tbel_arg_long(x, argv[0]);
        int64_t b = narrow ? tbel_arg_int(x, argv[1]) : tbel_arg_long(x, argv[1]);
        int64_t r = (a < b) == (sign < 0) ? a : b;
        return t == TBE_LONG ? tbe_long(r) : tbe_int((int32_t)r);
    }
    double a = tbel_arg_double(x, argv[0]), b = tbel_arg_double(x, argv[1]);
    double r = isnan(a) || isnan(b) ? NAN : (a < b) == (sign < 0) ? a : b;
    return tbel_from_double(x, r, t);
}

STATIC(tbe_t_math_min)
{
    return extreme(x, "min", argc, argv, -1);
}

STATIC(tbe_t_math_max)
{
    return extreme(x, "max", argc, argv, 1);
}

STATIC(tbe_t_double_min)
{
    tbe_val v = extreme(x, "min", argc, argv, -1);
    return tbe_double(tbel_to_double(v));
}

STATIC(tbe_t_double_max)
{
    tbe_val v = extreme(x, "max", argc, argv, 1);
    return tbe_double(tbel_to_double(v));
}

static tbe_val
floor_op(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, bool mod)
{
    need(x, "Math", name, argc, argv, 2, 2);
    enum tbe_type t = overload(x, 2, argv);
    int64_t a = tbel_arg_long(x, argv[0]), b = tbel_arg_long(x, argv[1]);
    if (b == 0) {
        tbel_by_zero(x);
    }
    int64_t q = b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b, r = b == -1 ? 0 : a % b;
    if (r != 0 && (r < 0) != (b < 0)) {
        q--;
        r += b;
    }
    return t == TBE_INT ? tbe_int((int32_t)(mod ? r : q)) : tbe_long(mod ? r : q);
}

STATIC(tbe_t_math_floor_mod)
{
    return floor_op(x, "floorMod", argc, argv, true);
}

STATIC(tbe_t_math_floor_div)
{
    return floor_op(x, "floorDiv", argc, argv, false);
}

STATIC(tbe_t_math_random)
{
    uint64_t u = 0;
    UNUSED_ARGS;
    random_bytes(&u, sizeof(u));
    return tbe_double((double)(u >> 11) * 0x1.0p-53);
}

/* ---- wrapper classes ---- */

static void
bad_input(struct tbe_x *x, struct tbe_str s, int radix)
{
    tbe_throw(x, radix == 10 ? "For input string: \"%.*s\"" :
        "For input string: \"%.*s\" under radix %d",
              (int)s.n, s.p, radix);
}

/* Java's parse of a whole number: optional sign, digits of the radix, range [lo, hi]. */
static int64_t
parse_whole(struct tbe_x *x, struct tbe_str s, int radix, int64_t lo, int64_t hi)
{
    bool neg = s.n > 0 && s.p[0] == '-';
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    uint64_t v = 0, limit = neg ? (uint64_t)0 - (uint64_t)lo : (uint64_t)hi;
    if (radix < 2 || radix > 36) {
        tbe_throw(x, "radix %d out of range", radix);
    }
    if (i == s.n) {
        bad_input(x, s, 10);
    }
    for (; i < s.n; i++) {
        char c = s.p[i];
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10
              : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
        if (d >= radix || v > (limit - (uint64_t)d) / (uint64_t)radix) {
            if (d < radix && (lo == INT8_MIN || lo == INT16_MIN)) {
                tbe_throw(x, "Value out of range. Value:\"%.*s\" Radix:%d", (int)s.n, s.p, radix);
            }
            bad_input(x, s, radix);
        }
        v = v * (uint64_t)radix + (uint64_t)d;
    }
    return neg ? (int64_t)(0 - v) : (int64_t)v;
}

static int64_t
wrapper(struct tbe_x *x, const char *cls, const char *name, int argc, const tbe_val *argv,
    int64_t lo, int64_t hi)
{
    need(x, cls, name, argc, argv, 1, 2);
    int radix = argc > 1 ? tbel_arg_int(x, argv[1]) : 10;
    return parse_whole(x, tbel_arg_str(x, argv[0]), radix, lo, hi);
}

STATIC(tbe_t_int_parse)
{
    return tbe_int((int32_t)wrapper(x, "Integer", "parseInt", argc, argv, INT32_MIN, INT32_MAX));
}

STATIC(tbe_t_int_value_of)
{
    if (argc == 1 && tbel_is_num(argv[0])) {
        return tbe_int(tbel_arg_int(x, argv[0]));
    }
    return tbe_int((int32_t)wrapper(x, "Integer", "valueOf", argc, argv, INT32_MIN, INT32_MAX));
}

STATIC(tbe_t_long_parse)
{
    return tbe_long(wrapper(x, "Long", "parseLong", argc, argv, INT64_MIN, INT64_MAX));
}

STATIC(tbe_t_long_value_of)
{
    if (argc == 1 && tbel_is_num(argv[0])) {
        return tbe_long(tbel_arg_long(x, argv[0]));
    }
    return tbe_long(wrapper(x, "Long", "valueOf", argc, argv, INT64_MIN, INT64_MAX));
}

STATIC(tbe_t_short_parse)
{
    return tbel_typed(TBE_SHORT, wrapper(x, "Short", "parseShort", argc, argv, INT16_MIN,
        INT16_MAX));
}

STATIC(tbe_t_byte_parse)
{
    return tbel_typed(TBE_BYTE, wrapper(x, "Byte", "parseByte", argc, argv, INT8_MIN, INT8_MAX));
}

STATIC(tbe_t_byte_unsigned)
{
    need(x, "Byte", "toUnsignedInt", argc, argv, 1, 1);
    return tbe_int((uint8_t)tbel_arg_long(x, argv[0]));
}

static tbe_val
radix_text(struct tbe_x *x, uint64_t u, unsigned shift)
{
    char buf[64];
    size_t i = sizeof(buf);
    do {
        buf[--i] = "0123456789abcdef"[u & ((1u << shift) - 1)];
        u >>= shift;
    } while (u != 0);
    struct tbe_str s = tbe_arena_dup(x->a, (struct tbe_str){ buf + i, sizeof(buf) - i });
    return tbel_ascii(s.p, s.n);
}

#define RADIX(fn, cls, java, arg, cast, shift) \
    STATIC(fn) \
    { \
        need(x, cls, java, argc, argv, 1, 1); \
        return radix_text(x, (cast)arg(x, argv[0]), shift); \
    }
RADIX(tbe_t_int_hex, "Integer", "toHexString", tbel_arg_int, uint32_t, 4)
RADIX(tbe_t_int_octal, "Integer", "toOctalString", tbel_arg_int, uint32_t, 3)
RADIX(tbe_t_int_binary, "Integer", "toBinaryString", tbel_arg_int, uint32_t, 1)
RADIX(tbe_t_long_hex, "Long", "toHexString", tbel_arg_long, uint64_t, 4)
RADIX(tbe_t_long_octal, "Long", "toOctalString", tbel_arg_long, uint64_t, 3)
RADIX(tbe_t_long_binary, "Long", "toBinaryString", tbel_arg_long, uint64_t, 1)

static tbe_val
signed_text(struct tbe_x *x, int64_t v, int radix)
{
    char buf[72];
    size_t i = sizeof(buf);
    uint64_t u = v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v;
    radix = radix < 2 || radix > 36 ? 10 : radix;
    do {
        buf[--i] = "0123456789abcdefghijklmnopqrstuvwxyz"[u % (uint64_t)radix];
        u /= (uint64_t)radix;
    } while (u != 0);
    if (v < 0) {
        buf[--i] = '-';
    }
    struct tbe_str s = tbe_arena_dup(x->a, (struct tbe_str){ buf + i, sizeof(buf) - i });
    return tbel_ascii(s.p, s.n);
}

STATIC(tbe_t_int_to_string)
{
    need(x, "Integer", "toString", argc, argv, 1, 2);
    return signed_text(x, tbel_arg_int(x, argv[0]), argc > 1 ? tbel_arg_int(x, argv[1]) : 10);
}

STATIC(tbe_t_long_to_string)
{
    need(x, "Long", "toString", argc, argv, 1, 2);
    return signed_text(x, tbel_arg_long(x, argv[0]), argc > 1 ? tbel_arg_int(x, argv[1]) : 10);
}

STATIC(tbe_t_int_bit_count)
{
    need(x, "Integer", "bitCount", argc, argv, 1, 1);
    return tbe_int(__builtin_popcount((uint32_t)tbel_arg_int(x, argv[0])));
}

STATIC(tbe_t_long_bit_count)
{
    need(x, "Long", "bitCount", argc, argv, 1, 1);
    return tbe_int(__builtin_popcountll((uint64_t)tbel_arg_long(x, argv[0])));
}

STATIC(tbe_t_int_signum)
{
    need(x, "Integer", "signum", argc, argv, 1, 1);
    int32_t i = tbel_arg_int(x, argv[0]);
    return tbe_int((i > 0) - (i < 0));
}

STATIC(tbe_t_int_sum)
{
    need(x, "Integer", "sum", argc, argv, 2, 2);
    return tbe_int((int32_t)((uint32_t)tbel_arg_int(x, argv[0]) + (uint32_t)tbel_arg_int(x,
        argv[1])));
}

STATIC(tbe_t_num_compare)
{
    need(x, "Integer", "compare", argc, argv, 2, 2);
    double a = tbel_arg_double(x, argv[0]), b = tbel_arg_double(x, argv[1]);
    return tbe_int((a > b) - (a < b));
}

STATIC(tbe_t_double_parse)
{
    need(x, "Double", "parseDouble", argc, argv, 1, 1);
    return tbe_double(tbel_arg_double(x, argv[0]));
}

STATIC(tbe_t_double_value_of)
{
    need(x, "Double", "valueOf", argc, argv, 1, 1);
    return tbe_double(tbel_arg_double(x, argv[0]));
}

STATIC(tbe_t_float_parse)
{
    need(x, "Float", "parseFloat", argc, argv, 1, 1);
    return tbel_float(tbel_arg_double(x, argv[0]));
}

STATIC(tbe_t_double_to_string)
{
    need(x, "Double", "toString", argc, argv, 1, 1);
    return tbel_text_val(x, tbe_double(tbel_arg_double(x, argv[0])));
}

STATIC(tbe_t_is_nan)
{
    need(x, "", "isNaN", argc, argv, 1, 1);
    return tbe_bool(isnan(tbel_arg_double(x, argv[0])));
}

STATIC(tbe_t_is_infinite)
{
    need(x, "Double", "isInfinite", argc, argv, 1, 1);
    return tbe_bool(isinf(tbel_arg_double(x, argv[0])));
}

STATIC(tbe_t_is_finite)
{
    need(x, "Double", "isFinite", argc, argv, 1, 1);
    return tbe_bool(isfinite(tbel_arg_double(x, argv[0])));
}

/* The bits of a floating point number as an integer of its size, and back. */
#define BITS(to_bits, of_bits, cls, to_name, of_name, real, whole, arg, make_whole, make_real) \
    STATIC(to_bits) \
    { \
        need(x, cls, to_name, argc, argv, 1, 1); \
        real d = (real)tbel_arg_double(x, argv[0]); \
        whole i; \
        memcpy(&i, &d, sizeof(i)); \
        return make_whole(i); \
    } \
    STATIC(of_bits) \
    { \
        need(x, cls, of_name, argc, argv, 1, 1); \
        whole i = arg(x, argv[0]); \
        real d; \
        memcpy(&d, &i, sizeof(d)); \
        return make_real(d); \
    }
BITS(tbe_t_float_bits, tbe_t_float_of_bits, "Float", "floatToIntBits", "intBitsToFloat", float, int32_t,
    tbel_arg_int, tbe_int, tbel_float)
BITS(tbe_t_double_bits, tbe_t_double_of_bits, "Double", "doubleToLongBits", "longBitsToDouble", double,
    int64_t, tbel_arg_long, tbe_long, tbe_double)

STATIC(tbe_t_bool_parse)
{
    if (argc != 1) {
        tbe_t_no_static(x, TBE_STR("Boolean"), TBE_STR("parseBoolean"), argc, argv);
    }
    return argv[0].t == TBE_BOOL ? argv[0] : tbe_bool(tbe_str_ieq(tbel_text(x, argv[0]),
        TBE_STR("true")));
}

static uint32_t
the_char(struct tbe_x *x, const char *name, int argc, const tbe_val *argv)
{
    need(x, "Character", name, argc, argv, 1, 1);
    return (uint32_t)tbe_t_cast(x, TBE_STR("char"), argv[0]).u.i;
}

static bool
is_upper(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) ||
        (c >= 0x410 && c <= 0x42F);
}

static bool
is_lower(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0xFF && c != 0xF7) ||
        (c >= 0x430 && c <= 0x44F);
}

static bool
is_letter(uint32_t c)
{
    return is_upper(c) || is_lower(c) || c == 0xAA || c == 0xB5 || c == 0xBA ||
        (c >= 0x100 && c < 0x2000 &&
           !(c >= 0x300 && c < 0x370)) || (c >= 0x3040 && c < 0xD7A4);
}

STATIC(tbe_t_char_is_digit)
{
    uint32_t c = the_char(x, "isDigit", argc, argv);
    return tbe_bool(c >= '0' && c <= '9');
}

STATIC(tbe_t_char_is_letter)
{
    return tbe_bool(is_letter(the_char(x, "isLetter", argc, argv)));
}

STATIC(tbe_t_char_is_alnum)
{
    uint32_t c = the_char(x, "isLetterOrDigit", argc, argv);
    return tbe_bool((c >= '0' && c <= '9') || is_letter(c));
}

STATIC(tbe_t_char_is_upper)
{
    return tbe_bool(is_upper(the_char(x, "isUpperCase", argc, argv)));
}

STATIC(tbe_t_char_is_lower)
{
    return tbe_bool(is_lower(the_char(x, "isLowerCase", argc, argv)));
}

STATIC(tbe_t_char_is_space)
{
    uint32_t c = the_char(x, "isWhitespace", argc, argv);
    return tbe_bool(c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F));
}

STATIC(tbe_t_char_numeric)
{
    uint32_t c = the_char(x, "getNumericValue", argc, argv);
    return tbe_int(c >= '0' && c <= '9' ? (int32_t)c - '0' : c >= 'a' &&
        c <= 'z' ? (int32_t)c - 'a' + 10
                 : c >= 'A' && c <= 'Z' ? (int32_t)c - 'A' + 10 : -1);
}

STATIC(tbe_t_char_value_of)
{
    return tbel_typed(TBE_CHAR, the_char(x, "valueOf", argc, argv));
}

/* ---- java.util ---- */

static tbe_val
coll_extreme(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, int sign)
{
    need(x, "java.util.Collections", name, argc, argv, 1, 1);
    if (!tbel_is_list(argv[0]) || argv[0].u.l->n == 0) {
        tbe_throw(x, "java.util.NoSuchElementException");
    }
    tbe_val best = argv[0].u.l->v[0];
    for (uint32_t i = 1; i < argv[0].u.l->n; i++) {
        best = tbe_t_order(x, argv[0].u.l->v[i], best) == sign ? argv[0].u.l->v[i] : best;
    }
    return best;
}

STATIC(tbe_t_coll_min)
{
    return coll_extreme(x, "min", argc, argv, -1);
}

STATIC(tbe_t_coll_max)
{
    return coll_extreme(x, "max", argc, argv, 1);
}

STATIC(tbe_t_coll_reverse)
{
    need(x, "java.util.Collections", "reverse", argc, argv, 1, 1);
    return tbe_t_method(x, argv[0], TBE_STR("reverse"), 0, NULL);
}

STATIC(tbe_t_coll_sort)
{
    need(x, "java.util.Collections", "sort", argc, argv, 1, 1);
    return tbe_t_method(x, argv[0], TBE_STR("sort"), 0, NULL);
}

STATIC(tbe_t_coll_empty_list)
{
    UNUSED_ARGS;
    return tbe_list_new(x->a, 0);
}

STATIC(tbe_t_objects_equals)
{
    if (argc != 2) {
        tbe_t_no_static(x, TBE_STR("java.util.Objects"), TBE_STR("equals"), argc, argv);
    }
    return tbe_bool(tbel_equals(x, argv[0], argv[1]));
}

STATIC(tbe_t_objects_is_null)
{
    (void)x;
    return tbe_bool(argc == 0 || tbe_is_null(argv[0]));
}

STATIC(tbe_t_objects_non_null)
{
    (void)x;
    return tbe_bool(argc > 0 && !tbe_is_null(argv[0]));
}

STATIC(tbe_t_arrays_as_list)
{
    if (argc > TBE_T_MAX_ARGS) {
        tbe_throw(x, "Maximum method arguments count overflow (%d > %d)!", argc, TBE_T_MAX_ARGS);
    }
    return tbe_t_list(x, argc, argv);
}

STATIC(tbe_t_uuid_from_string)
{
    need(x, "java.util.UUID", "fromString", argc, argv, 1, 1);
    struct tbe_uuid u;
    char text[TBE_UUID_TEXT + 1];
    struct tbe_str s = tbel_arg_str(x, argv[0]);
    if (!tbe_uuid_parse(s, &u)) {
        tbe_throw(x, "Invalid UUID string: %.*s", (int)s.n, s.p);
    }
    tbe_uuid_text(&u, text);
    s = tbe_arena_dup(x->a, (struct tbe_str){ text, TBE_UUID_TEXT });
    return tbel_ascii(s.p, s.n);
}

STATIC(tbe_t_uuid_random)
{
    struct tbe_uuid u;
    char text[TBE_UUID_TEXT + 1];
    UNUSED_ARGS;
    tbe_uuid_random(&u);
    tbe_uuid_text(&u, text);
    struct tbe_str s = tbe_arena_dup(x->a, (struct tbe_str){ text, TBE_UUID_TEXT });
    return tbel_ascii(s.p, s.n);
}
