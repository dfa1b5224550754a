/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers to text. The digits are the shortest that read back as the same number and, among
 * those, the nearest to it; they come from Raffaello Giulietti's algorithm ("The Schubfach way
 * to render doubles"), which the JDK uses since 19. Java and JavaScript differ only in how short
 * "shortest" may be (Java: at least two digits) and in the layout. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "tbe/value.h"
#include "value/pow10.h"

/* floor(log10(2^e)), floor(log10(3/4 * 2^e)), floor(log2(10^e)) for every exponent of a double */
#define FLOG10_POW2(e) ((int)(((int64_t)(e) * 661971961083) >> 41))
#define FLOG10_34_POW2(e) ((int)(((int64_t)(e) * 661971961083 - 274743187321) >> 41))
#define FLOG2_POW10(e) ((int)(((int64_t)(e) * 913124641741) >> 38))

#define LOW63 0x7fffffffffffffffu

static uint64_t
num_mulhi(uint64_t a, uint64_t b)
{
    return (uint64_t)((value_u128)a * b >> 64);
}

/* g * cp / 2^127 rounded to odd, g in two words of 63 bits. */
static uint64_t
num_round_odd(uint64_t g1, uint64_t g0, uint64_t cp)
{
    const uint64_t x1 = num_mulhi(g0, cp);
    const uint64_t y1 = num_mulhi(g1, cp);
    const uint64_t z = (g1 * cp >> 1) + x1;
    const uint64_t w = y1 + (z >> 63);
    return w | (((z & LOW63) + LOW63) >> 63);
}

struct num_dec { /* the value digits * 10^exp */
    uint64_t digits;
    int exp;
};

/* The shortest decimal of c * 2^q. `lower_half`: the gap below is half the gap above (c is the
 * least normal significand). `least`: below this no digit is given up (100: Java, 10:
 * JavaScript). */
static struct num_dec
num_shortest(uint64_t c, int q, bool lower_half, uint64_t least)
{
    const uint64_t out = c & 1;
    const uint64_t cb = c << 2, cbr = cb + 2, cbl = cb - (lower_half ? 1 : 2);
    const int k = lower_half ? FLOG10_34_POW2(q) : FLOG10_POW2(q);
    const int h = q + FLOG2_POW10(-k) + 2;
    const uint64_t *t = value_pow10[-k - POW10_MIN];
    const value_u128 g = (((value_u128)t[0] << 64 | t[1]) >> 2) + 1;
    const uint64_t g1 = (uint64_t)(g >> 63), g0 = (uint64_t)g & LOW63;
    const uint64_t vb = num_round_odd(g1, g0, cb << h);
    const uint64_t vbl = num_round_odd(g1, g0, cbl << h);
    const uint64_t vbr = num_round_odd(g1, g0, cbr << h);
    const uint64_t s = vb >> 2;
    if (s >= least) { /* one digit less, when exactly one such decimal lies inside */
        const uint64_t sp = s / 10 * 10, tp = sp + 10;
        const bool sp_in = vbl + out <= sp << 2, tp_in = (tp << 2) + out <= vbr;
        if (sp_in != tp_in) {
            return (struct num_dec){ sp_in ? sp : tp, k };
        }
    }
    const bool s_in = vbl + out <= s << 2, t_in = ((s + 1) << 2) + out <= vbr;
    if (s_in != t_in) {
        return (struct num_dec){ s_in ? s : s + 1, k };
    }
    const int64_t side = (int64_t)(vb - ((s + s + 1) << 1));
    const bool low = side < 0 || (side == 0 && (s & 1) == 0);
    return (struct num_dec){ low ? s : s + 1, k };
}

/* Small exact cases: an integer, or one or two decimals (most sensor readings). */
static bool
num_easy(double d, struct num_dec *out)
{
    if (d >= 9007199254740992.0 / 1024) {
        return false;
    }
    const double up = d * 1000;
    const uint64_t n = (uint64_t)up;
    if ((double)n != up || n == 0 || (double)n / 1000 != d) {
        return false;
    }
    *out = (struct num_dec){ n, -3 };
    return true;
}

static struct num_dec
num_double(double d, uint64_t least)
{
    struct num_dec dec;
    if (num_easy(d, &dec)) {
        return dec;
    }
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    const uint64_t frac = bits & ((UINT64_C(1) << 52) - 1);
    const int e = (int)(bits >> 52 & 0x7ff);
    if (e == 0) {
        /* Java wants two digits where the double has not one: 4.9E-324 */
        if (least == 100 && frac < 3) {
            dec = num_shortest(frac * 10, -1074, false, least);
            dec.exp--;
            return dec;
        }
        return num_shortest(frac, -1074, false, least);
    }
    return num_shortest(frac | UINT64_C(1) << 52, e - 1075, frac == 0 && e > 1, least);
}

static struct num_dec
num_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    const uint32_t frac = bits & ((UINT32_C(1) << 23) - 1);
    const int e = (int)(bits >> 23 & 0xff);
    if (e == 0) {
        if (frac < 8) {
            struct num_dec dec = num_shortest((uint64_t)frac * 10, -149, false, 100);
            dec.exp--;
            return dec;
        }
        return num_shortest(frac, -149, false, 100);
    }
    return num_shortest(frac | UINT32_C(1) << 23, e - 150, frac == 0 && e > 1, 100);
}

static const char num_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";

/* Writes v right-aligned, ending before end; returns where it starts. */
static char *
num_digits_back(uint64_t v, char *end)
{
    while (v >= 100) {
        end -= 2;
        memcpy(end, num_pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, num_pairs + v * 2, 2);
    } else {
        *--end = (char)('0' + v);
    }
    return end;
}

size_t
tbe_long_text(int64_t i, char out[TBE_NUMTEXT])
{
    char tmp[24];
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    char *p = num_digits_back(u, tmp + sizeof tmp);
    if (i < 0) {
        *--p = '-';
    }
    const size_t n = (size_t)(tmp + sizeof tmp - p);
    memcpy(out, p, n);
    return n;
}

struct num_text { /* digits without trailing zeros; the point is after `point` of them */
    char digits[24];
    int n, point;
};

static void
num_split(struct num_dec dec, struct num_text *t)
{
    while (dec.digits % 10 == 0) {
        dec.digits /= 10;
        dec.exp++;
    }
    char tmp[24];
    const char *p = num_digits_back(dec.digits, tmp + sizeof tmp);
    t->n = (int)(tmp + sizeof tmp - p);
    memcpy(t->digits, p, (size_t)t->n);
    t->point = t->n + dec.exp;
}

static char *
num_put(char *o, const char *p, int n)
{
    memcpy(o, p, (size_t)n);
    return o + n;
}

static char *
num_exponent(char *o, int64_t e)
{
    char text[TBE_NUMTEXT];
    size_t n = tbe_long_text(e, text);

    memcpy(o, text, n);
    return o + n;
}

static char *
num_zeros(char *o, int n)
{
    memset(o, '0', (size_t)n);
    return o + n;
}

/* Java: decimal notation for 1e-3 <= |x| < 1e7, else d.dddE[-]x; a fraction digit always. */
static size_t
num_java(const struct num_text *t, char *out, char *o)
{
    if (t->point > -3 && t->point <= 7) {
        if (t->point <= 0) {
            o = num_put(o, "0.", 2);
            o = num_zeros(o, -t->point);
            o = num_put(o, t->digits, t->n);
        } else if (t->n <= t->point) {
            o = num_put(o, t->digits, t->n);
            o = num_zeros(o, t->point - t->n);
            o = num_put(o, ".0", 2);
        } else {
            o = num_put(o, t->digits, t->point);
            *o++ = '.';
            o = num_put(o, t->digits + t->point, t->n - t->point);
        }
        return (size_t)(o - out);
    }
    *o++ = t->digits[0];
    *o++ = '.';
    if (t->n == 1) {
        *o++ = '0';
    }
    o = num_put(o, t->digits + 1, t->n - 1);
    *o++ = 'E';
    return (size_t)(num_exponent(o, t->point - 1) - out);
}

/* JavaScript: decimal notation for 1e-7 < |x| < 1e21, else d.ddde[+-]x. */
static size_t
num_js(const struct num_text *t, char *out, char *o)
{
    if (t->point > -6 && t->point <= 21) {
        if (t->point <= 0) {
            o = num_put(o, "0.", 2);
            o = num_zeros(o, -t->point);
            o = num_put(o, t->digits, t->n);
        } else if (t->n <= t->point) {
            o = num_put(o, t->digits, t->n);
            o = num_zeros(o, t->point - t->n);
        } else {
            o = num_put(o, t->digits, t->point);
            *o++ = '.';
            o = num_put(o, t->digits + t->point, t->n - t->point);
        }
        return (size_t)(o - out);
    }
    *o++ = t->digits[0];
    if (t->n > 1) {
        *o++ = '.';
        o = num_put(o, t->digits + 1, t->n - 1);
    }
    *o++ = 'e';
    if (t->point > 0) {
        *o++ = '+';
    }
    return (size_t)(num_exponent(o, t->point - 1) - out);
}

/* NaN and infinities; 0 when d is neither. */
static size_t
num_special(double d, char *out)
{
    if (d != d) {
        memcpy(out, "NaN", 3);
        return 3;
    }
    if (isinf(d)) {
        const size_t sign = d < 0;
        out[0] = '-';
        memcpy(out + sign, "Infinity", 8);
        return 8 + sign;
    }
    return 0;
}

size_t
tbe_double_java(double d, char out[TBE_NUMTEXT])
{
    const size_t special = num_special(d, out);
    if (special != 0) {
        return special;
    }
    char *o = out;
    if (signbit(d)) {
        *o++ = '-';
        d = -d;
    }
    if (d == 0) {
        memcpy(o, "0.0", 3);
        return (size_t)(o - out) + 3;
    }
    struct num_text t;
    num_split(num_double(d, 100), &t);
    return num_java(&t, out, o);
}

size_t
tbe_float_java(float f, char out[TBE_NUMTEXT])
{
    const size_t special = num_special((double)f, out);
    if (special != 0) {
        return special;
    }
    char *o = out;
    if (signbit(f)) {
        *o++ = '-';
        f = -f;
    }
    if (f == 0) {
        memcpy(o, "0.0", 3);
        return (size_t)(o - out) + 3;
    }
    struct num_text t;
    num_split(num_float(f), &t);
    return num_java(&t, out, o);
}

size_t
tbe_double_js(double d, char out[TBE_NUMTEXT])
{
    const size_t special = num_special(d, out);
    if (special != 0) {
        return special;
    }
    if (d == 0) { /* -0 too */
        out[0] = '0';
        return 1;
    }
    char *o = out;
    if (d < 0) {
        *o++ = '-';
        d = -d;
    }
    struct num_text t;
    num_split(num_double(d, 10), &t);
    return num_js(&t, out, o);
}
