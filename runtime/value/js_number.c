/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript Math and Number. */
#include "config.h"
#include "js_room.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define ARGS struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv

/* cbrt of some C libraries is off by one unit for cubes. */
static double
exact_cbrt(double d)
{
    double r = cbrt(d), n = rint(r);
    return n * n * n == d ? n : r;
}

#define MATH1(name, expr)                                             \
    tbe_val                                                           \
    tbe_j_math_##name(struct tbe_x *x, int argc, const tbe_val *argv) \
    {                                                                 \
        double d = tbe_j_num(x, js_arg(argc, argv, 0));               \
        return tbe_double(expr);                                      \
    }
MATH1(abs, fabs(d))
MATH1(floor, floor(d))
MATH1(ceil, ceil(d))
MATH1(round, d == trunc(d) || isnan(d) ? d : d < 0 && d >= -0.5 ? -0.0 : d > 0 &&
    d < 0.5 ? 0.0 : fabs(d) < 4503599627370496.0 ? floor(d + 0.5) : d)
MATH1(trunc, trunc(d))
MATH1(sign, d > 0 ? 1 : d < 0 ? -1 : d)
MATH1(sqrt, sqrt(d))
MATH1(cbrt, exact_cbrt(d))
MATH1(exp, exp(d))
MATH1(expm1, expm1(d))
MATH1(log, log(d))
MATH1(log1p, log1p(d))
MATH1(log2, log2(d))
MATH1(log10, log10(d))
MATH1(sin, sin(d))
MATH1(cos, cos(d))
MATH1(tan, tan(d))
MATH1(asin, asin(d))
MATH1(acos, acos(d))
MATH1(atan, atan(d))
MATH1(sinh, sinh(d))
MATH1(cosh, cosh(d))
MATH1(tanh, tanh(d))
MATH1(asinh, asinh(d))
MATH1(acosh, acosh(d))
MATH1(atanh, atanh(d))
MATH1(fround, (double)(float)d)
MATH1(clz32, (double)(tbe_j_int32(d) == 0 ? 32 : __builtin_clz((uint32_t)tbe_j_int32(d))))

#define MATH2(name, expr)                                                                           \
    tbe_val                                                                                         \
    tbe_j_math_##name(struct tbe_x *x, int argc, const tbe_val *argv)                               \
    {                                                                                               \
        double a = tbe_j_num(x, js_arg(argc, argv, 0)), b = tbe_j_num(x, js_arg(argc, argv, 1));    \
        return tbe_double(expr);                                                                    \
    }
MATH2(atan2, atan2(a, b))
MATH2(pow, tbe_j_pow(a, b))
MATH2(imul, (double)(int32_t)((uint32_t)tbe_j_int32(a) * (uint32_t)tbe_j_int32(b)))

static tbe_val
extreme(struct tbe_x *x, int argc, const tbe_val *argv, bool max)
{
    double r = max ? -(double)INFINITY : (double)INFINITY;
    for (int i = 0; i < argc; i++) {
        double d = tbe_j_num(x, argv[i]);
        if (isnan(d)) {
            r = d;
        } else if (!isnan(r) && (max ? d > r || (d == r && !signbit(d)) : d < r ||
            (d == r && signbit(d)))) {
            r = d;
        }
    }
    return tbe_double(r);
}

tbe_val tbe_j_math_min(struct tbe_x *x, int argc, const tbe_val *argv) { return extreme(x, argc,
    argv, false); }
tbe_val tbe_j_math_max(struct tbe_x *x, int argc, const tbe_val *argv) { return extreme(x, argc,
    argv, true); }

tbe_val
tbe_j_math_hypot(struct tbe_x *x, int argc, const tbe_val *argv)
{
    double sum = 0, max = 0;
    for (int i = 0; i < argc; i++) {
        double d = fabs(tbe_j_num(x, argv[i]));
        max = d > max || isnan(d) ? d : max;
    }
    if (argc == 2) {
        return tbe_double(hypot(tbe_j_num(x, argv[0]), tbe_j_num(x, argv[1])));
    }
    if (max == 0 || isinf(max) || isnan(max)) {
        return tbe_double(max);
    }
    for (int i = 0; i < argc; i++) {
        double d = tbe_j_num(x, argv[i]) / max;
        sum += d * d;
    }
    return tbe_double(sqrt(sum) * max);
}

tbe_val
tbe_j_math_random(struct tbe_x *x, int argc, const tbe_val *argv)
{
    uint64_t r = random_u64();
    (void)x;
    (void)argc;
    (void)argv;
    return tbe_double((double)(r >> 11) * 0x1.0p-53);
}

tbe_val
tbe_j_const(struct tbe_x *x, struct tbe_str cls, struct tbe_str name)
{
    static const struct { const char *cls, *name; double d; } rows[] = { { "Math", "PI",
        3.141592653589793 },
        { "Math", "E", 2.718281828459045 }, { "Math", "LN2", 0.6931471805599453 },
        { "Math", "LN10", 2.302585092994046 },
        { "Math", "LOG2E", 1.4426950408889634 }, { "Math", "LOG10E", 0.4342944819032518 },
        { "Math", "SQRT2", 1.4142135623730951 }, { "Math", "SQRT1_2", 0.7071067811865476 },
        { "Number", "MAX_VALUE", DBL_MAX }, { "Number", "MIN_VALUE", 5e-324 },
        { "Number", "EPSILON", DBL_EPSILON },
        { "Number", "MAX_SAFE_INTEGER", 9007199254740991.0 },
        { "Number", "MIN_SAFE_INTEGER", -9007199254740991.0 },
        { "Number", "POSITIVE_INFINITY", (double)INFINITY },
        { "Number", "NEGATIVE_INFINITY", -(double)INFINITY } };
    (void)x;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (tbe_str_eqz(name, rows[i].name) && tbe_str_eqz(cls, rows[i].cls)) {
            return tbe_double(rows[i].d);
        }
    }
    return tbe_double((double)NAN);
}

tbe_val
tbe_j_number(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_double(argc == 0 ? 0 : tbe_j_num(x, argv[0]));
}

tbe_val
tbe_j_is_nan(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_bool(isnan(tbe_j_num(x, js_arg(argc, argv, 0))));
}

tbe_val
tbe_j_is_finite(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_bool(isfinite(tbe_j_num(x, js_arg(argc, argv, 0))) != 0);
}

#define TEST(fn, expr)                                                        \
    tbe_val                                                                   \
    tbe_j_number_##fn(struct tbe_x *x, int argc, const tbe_val *argv)         \
    {                                                                         \
        tbe_val v = js_arg(argc, argv, 0);                                    \
        double d = tbe_j_is_num(v) ? tbe_j_num(x, v) : 0;                     \
        return tbe_bool(tbe_j_is_num(v) && (expr));                           \
    }
TEST(is_integer, isfinite(d) && d == trunc(d))
TEST(is_safe, isfinite(d) && d == trunc(d) && fabs(d) <= 9007199254740991.0)
TEST(is_finite, isfinite(d))
TEST(is_nan, isnan(d))

/* ---- text of numbers ---- */

/* Decimal digits of d >= 0 with `prec` digits after the point, exact ties away from zero. */
static void
fixed(char *out, size_t cap, double d, int prec)
{
    snprintf(out, cap, "%.*f", prec + 45, d);
    char *cut = out + strlen(out) - 45;
    bool up = *cut >= '5';
    *cut = '\0';
    if (prec == 0 && cut > out && cut[-1] == '.') {
        cut[-1] = '\0';
    }
    for (char *p = out + strlen(out) - 1; up; p--) {
        if (p < out) {
            memmove(out + 1, out, strlen(out) + 1);
            *out = '1';
            up = false;
        } else if (*p == '9') {
            *p = '0';
        } else if (*p != '.') {
            (*p)++;
            up = false;
        }
    }
}

/* The same for a product d * 10^prec that fits the mantissa: fma gives the rest the rounded
 * product leaves out, so that a tie is told from what is nearly one. The length, or 0: take the
 * long way. */
static size_t
fixed_small(char *out, double d, int prec)
{
    static const double pow10[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
    if (prec > 6 || !(d < 1e9)) {
        return 0;
    }
    /* rounded: the compiler must not make an fma of half */
    const volatile double product = d * pow10[prec];
    const double p = product, rest = fma(d, pow10[prec], -p), whole = floor(p), half = p - whole;
    uint64_t v = (uint64_t)whole + (half > 0.5 || (half == 0.5 && rest >= 0));
    char rev[24];
    size_t n = 0;
    do {
        if (n == (size_t)prec && prec > 0) {
            rev[n++] = '.';
        }
        rev[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0 || n < (size_t)prec + (prec > 0 ? 2 : 0));
    for (size_t i = 0; i < n; i++) {
        out[i] = rev[n - 1 - i];
    }
    out[n] = '\0';
    return n;
}

static double
this_num(struct tbe_x *x, tbe_val self)
{
    return tbe_j_num(x, self);
}

static tbe_val
n_to_fixed(ARGS)
{
    double d = this_num(x, self), f = js_to_int(x, js_arg(argc, argv, 0));
    char buf[500];
    if (f < 0 || f > 100) {
        tbe_j_throw(x, "RangeError", "toFixed() digits argument must be between 0 and 100");
    }
    if (!isfinite(d) || fabs(d) >= 1e21) {
        return tbe_j_str(x, tbe_double(d));
    }
    buf[0] = '-';
    if (fixed_small(buf + 1, fabs(d), (int)f) == 0) {
        fixed(buf + 1, sizeof(buf) - 1, fabs(d), (int)f);
    }
    return js_copy_text(x, tbe_strz(d < 0 ? buf : buf + 1));
}

/* d = 0.digits * 10^exp with n correctly rounded digits, ties away from zero. */
static int
digits_of(double d, int n, char *digits)
{
    char buf[200];
    snprintf(buf, sizeof(buf), "%.*e", n - 1 + 30 > 120 ? 120 : n - 1 + 30, d);
    char *e = strchr(buf, 'e');
    int exp = (int)strtol(e + 1, NULL, 10) + 1, k = 0;
    for (char *p = buf; p < e && k <= n; p++) {
        if (*p != '.') {
            digits[k++] = *p;
        }
    }
    bool up = digits[n] >= '5';
    digits[n] = '\0';
    for (int i = n - 1; up && i >= 0; i--) {
        if (digits[i] == '9') {
            digits[i] = '0';
        } else {
            digits[i]++;
            up = false;
        }
    }
    if (up) {
        memmove(digits + 1, digits, (size_t)n - 1);
        digits[0] = '1';
        exp++;
    }
    return exp;
}

static struct tbe_str
exponential(struct tbe_x *x, bool neg, const char *digits, int exp)
{
    size_t n = strlen(digits);
    return tbe_arena_fmt(x->a, "%s%c%s%se%c%d", neg ? "-" : "", digits[0], n > 1 ? "." :
        "", digits + 1,
        exp - 1 < 0 ? '-' : '+', abs(exp - 1));
}

static tbe_val
n_to_precision(ARGS)
{
    double d = this_num(x, self), p = js_to_int(x, js_arg(argc, argv, 0));
    char dg[140];
    if (js_arg(argc, argv, 0).t == TBE_UNDEF || !isfinite(d)) {
        return tbe_j_str(x, tbe_double(d));
    }
    if (p < 1 || p > 100) {
        tbe_j_throw(x, "RangeError", "toPrecision() argument must be between 1 and 100");
    }
    int n = (int)p, e = d == 0 ? 1 : digits_of(fabs(d), n, dg);
    if (d == 0) {
        memset(dg, '0', (size_t)n);
        dg[n] = '\0';
    }
    const char *sign = d < 0 ? "-" : "";
    if (e - 1 < -6 || e - 1 >= n) {
        return tbe_strv(exponential(x, d < 0, dg, e));
    }
    if (e <= 0) {
        return tbe_strv(tbe_arena_fmt(x->a, "%s0.%.*s%s", sign, -e, "00000000", dg));
    }
    return tbe_strv(tbe_arena_fmt(x->a, "%s%.*s%s%s", sign, e, dg, e < n ? "." : "", dg + e));
}

static tbe_val
n_to_exponential(ARGS)
{
    double d = this_num(x, self), p = js_to_int(x, js_arg(argc, argv, 0));
    char dg[140];
    if (!isfinite(d)) {
        return tbe_j_str(x, tbe_double(d));
    }
    if (p < 0 || p > 100) {
        tbe_j_throw(x, "RangeError", "toExponential() argument must be between 0 and 100");
    }
    if (js_arg(argc, argv, 0).t == TBE_UNDEF) { /* as many digits as needed */
        int n = 1;
        for (; n < 17; n++) {
            char t[40];
            snprintf(t, sizeof(t), "%.*e", n - 1, d);
            if (strtod(t, NULL) == d) {
                break;
            }
        }
        p = n - 1;
    }
    int n = (int)p + 1, e = d == 0 ? 1 : digits_of(fabs(d), n, dg);
    if (d == 0) {
        memset(dg, '0', (size_t)n);
        dg[n] = '\0';
    }
    return tbe_strv(exponential(x, d < 0, dg, e));
}

static tbe_val
radix(struct tbe_x *x, double d, int r)
{
    char buf[1200], frac[1100];
    size_t at = sizeof(buf), nf = 0;
    double ip = floor(fabs(d)), f = fabs(d) - ip, delta = fmax(0.5 * (nextafter(fabs(d),
        (double)INFINITY) - fabs(d)), 5e-324);
    if (!isfinite(d)) {
        return tbe_j_str(x, tbe_double(d));
    }
    while (f >= delta && nf < sizeof(frac)) {
        f *= r;
        delta *= r;
        int k = (int)f;
        frac[nf++] = (char)k;
        f -= k;
        if ((f > 0.5 || (f == 0.5 && (k & 1))) && f + delta > 1) { /* round up and stop */
            while (nf > 0 && frac[nf - 1] + 1 == r) {
                nf--;
            }
            if (nf > 0) {
                frac[nf - 1]++;
            } else {
                ip += 1;
            }
            break;
        }
    }
    do {
        int k = (int)fmod(ip, r);
        buf[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[k];
        ip = floor(ip / r);
    } while (ip > 0 && at > 1);
    if (d < 0) {
        buf[--at] = '-';
    }
    for (size_t i = 0; i < nf; i++) {
        frac[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[(int)frac[i]];
    }
    return tbe_strv(tbe_arena_fmt(x->a, "%.*s%s%.*s", (int)(sizeof(buf) - at), buf + at, nf ? "." :
        "", (int)nf, frac));
}

static tbe_val
n_to_string(ARGS)
{
    double r = js_arg(argc, argv, 0).t == TBE_UNDEF ? 10 : js_to_int(x, argv[0]);
    if (r < 2 || r > 36) {
        tbe_j_throw(x, "RangeError", "toString() radix argument must be between 2 and 36");
    }
    return r == 10 ? tbe_j_str(x, tbe_double(this_num(x, self))) :
        radix(x, this_num(x, self), (int)r);
}

/* en-US: groups of three, up to three decimals. */
static tbe_val
n_to_locale(ARGS)
{
    double d = this_num(x, self);
    char buf[500], out[700];
    size_t n = 0;
    (void)argc;
    (void)argv;
    if (!isfinite(d) || fabs(d) >= 1e21) {
        return tbe_j_str(x, tbe_double(d));
    }
    fixed(buf, sizeof(buf), fabs(d), 3);
    char *dot = strchr(buf, '.'), *end = buf + strlen(buf);
    while (end > dot && (end[-1] == '0' || end[-1] == '.')) {
        *--end = '\0';
    }
    size_t ip = (size_t)((dot < end ? dot : end) - buf);
    if (d < 0) {
        out[n++] = '-';
    }
    for (size_t i = 0; i < ip; i++) {
        if (i > 0 && (ip - i) % 3 == 0) {
            out[n++] = ',';
        }
        out[n++] = buf[i];
    }
    memcpy(out + n, buf + ip, strlen(buf + ip));
    return js_copy_text(x, (struct tbe_str){ out, n + strlen(buf + ip) });
}

tbe_fn *
js_number_method(struct tbe_str name)
{
    static const struct js_method t[] = { { "toExponential", n_to_exponential },
        { "toFixed", n_to_fixed },
        { "toLocaleString", n_to_locale }, { "toPrecision", n_to_precision },
        { "toString", n_to_string } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}
