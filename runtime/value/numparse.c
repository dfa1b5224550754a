/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal text to double, correctly rounded and without the locale: an exact product when
 * mantissa and power are small (Clinger), else a 64 x 128 bit product with its error bound
 * (after Eisel and Lemire), else strtod on digits without a point, which no locale changes.
 * Also: JSON literals to values. */
#include "config.h"

#include "value/numparse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/pow10.h"
#include "value/value_int.h"

#define EXP_CAP 100000000 /* exponents are counted no further: all beyond is 0 or infinity */
#define SLOW_DIGITS 800   /* that can decide a rounding (767 for a double), and some more */
#define POW10_EXACT 55    /* 0 <= q <= this: 10^q fits 128 bits */

static double
num_from_bits(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* m * 2^e to the nearest double, ties to even; m has its top bit set; sticky: a bit more than m. */
static double
num_round(uint64_t m, bool sticky, int e)
{
    int biased = e + 63 + 1023, drop = 11;
    if (biased <= 0) { /* subnormal */
        drop += 1 - biased;
        biased = 1;
        if (drop > 64) {
            return 0;
        }
    } else if (biased >= 0x7ff) {
        return num_from_bits(UINT64_C(0x7ff) << 52);
    }
    uint64_t kept = drop == 64 ? 0 : m >> drop;
    const uint64_t rest = drop == 64 ? m : m & ((UINT64_C(1) << drop) - 1);
    const uint64_t half = UINT64_C(1) << (drop - 1);
    kept += rest > half || (rest == half && (sticky || (kept & 1)));
    /* kept has bit 52 set unless subnormal, and a carry moves on into the exponent */
    return num_from_bits(((uint64_t)(biased - 1) << 52) + kept);
}

/* The 192-bit product p[0] (high) .. p[2], scaled so that p[0] alone counts 2^e. */
static double
num_round192(const uint64_t p[3], int e)
{
    if (p[0] >> 63) {
        return num_round(p[0], (p[1] | p[2]) != 0, e);
    }
    return num_round(p[0] << 1 | p[1] >> 63, (p[1] << 1 | p[2]) != 0, e - 1);
}

bool
num_decimal(uint64_t w, int exp10, double *out)
{
    static const double exact[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    if (w >> 53 == 0 && exp10 >= -22 && exp10 <= 22) { /* both exact: one rounding */
        *out = exp10 < 0 ? (double)w / exact[-exp10] : (double)w * exact[exp10];
        return true;
    }
    if (w == 0 || exp10 < POW10_MIN) {
        *out = 0;
        return true;
    }
    if (exp10 > 308) {
        *out = num_from_bits(UINT64_C(0x7ff) << 52);
        return true;
    }
    const int lz = __builtin_clzll(w);
    w <<= lz;
    const uint64_t *t = value_pow10[exp10 - POW10_MIN];
    const value_u128 low = (value_u128)w * t[1];
    const value_u128 high = (value_u128)w * t[0] + (uint64_t)(low >> 64);
    uint64_t p[3] = { (uint64_t)(high >> 64), (uint64_t)high, (uint64_t)low };
    const int e = (int)(((int64_t)exp10 * 913124641741) >> 38) + 1 - lz;
    *out = num_round192(p, e);
    if (exp10 >= 0 && exp10 <= POW10_EXACT) {
        return true;
    }
    /* The power was cut off: the true product is less than w above p. Both ends must round
     * alike. */
    const value_u128 before = (value_u128)p[1] << 64 | p[2], tail = before + w;
    p[0] += tail < before;
    p[1] = (uint64_t)(tail >> 64);
    p[2] = (uint64_t)tail;
    return num_round192(p, e) == *out;
}

struct num_scan {
    uint64_t w;       /* the first NUM_DIGITS significant digits */
    int64_t exp;      /* value = (w and more) * 10^exp */
    int more;         /* digits left out of w, that are not all 0 */
    bool neg;
};

/* Digits at p; adds them to sc. Returns how many there were. */
static size_t
num_scan_digits(struct num_scan *sc, const char *p, const char *end, int *digits, bool fraction)
{
    const char *from = p;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (*digits < NUM_DIGITS) {
            sc->w = sc->w * 10 + (uint64_t)(*p - '0');
            *digits += sc->w != 0;
            sc->exp -= fraction;
        } else {
            sc->more |= *p != '0';
            sc->exp += !fraction;
        }
    }
    return (size_t)(p - from);
}

static bool
num_scan_all(struct tbe_str s, struct num_scan *sc)
{
    const char *p = s.p, *end = s.p + s.n;
    *sc = (struct num_scan){ 0 };
    if (p < end && (*p == '-' || *p == '+')) {
        sc->neg = *p++ == '-';
    }
    int digits = 0;
    const size_t whole = num_scan_digits(sc, p, end, &digits, false);
    p += whole;
    size_t part = 0;
    if (p < end && *p == '.') {
        part = num_scan_digits(sc, ++p, end, &digits, true);
        p += part;
    }
    if (whole + part == 0) {
        return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool neg = false;
        if (p < end && (*p == '-' || *p == '+')) {
            neg = *p++ == '-';
        }
        if (p == end) {
            return false;
        }
        int64_t x = 0;
        for (; p < end && *p >= '0' && *p <= '9'; p++) {
            x = x > EXP_CAP ? x : x * 10 + (*p - '0');
        }
        sc->exp += neg ? -x : x;
    }
    return p == end;
}

/* Through strtod, on the significant digits as an integer with an exponent. */
static double
num_slow(struct tbe_str s)
{
    char text[SLOW_DIGITS + 32];
    size_t n = 0;
    int64_t exp = 0;
    bool point = false, tail = false;
    size_t i = 0;
    for (; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
        const char c = s.p[i];
        if (c == '.') {
            point = true;
        } else if (c >= '0' && c <= '9') {
            if (n < SLOW_DIGITS) {
                if (n > 0 || c != '0') {
                    text[n++] = c;
                }
                exp -= point;
            } else {
                tail |= c != '0';
                exp += !point;
            }
        }
    }
    if (n == 0) {
        return 0;
    }
    if (tail) { /* any digit here tells "a bit more" */
        text[n++] = '1';
        exp--;
    }
    if (i < s.n) {
        const bool neg = s.p[i + 1] == '-';
        int64_t x = 0;
        for (size_t k = i + 1 + (s.p[i + 1] == '-' || s.p[i + 1] == '+'); k < s.n; k++) {
            x = x > EXP_CAP ? x : x * 10 + (s.p[k] - '0');
        }
        exp += neg ? -x : x;
    }
    snprintf(text + n, sizeof text - n, "e%lld", (long long)exp);
    return strtod(text, NULL);
}

double
tbe_parse_double(struct tbe_str s, bool *ok)
{
    struct num_scan sc;
    const bool good = num_scan_all(s, &sc);
    if (ok != NULL) {
        *ok = good;
    }
    if (!good) {
        return 0;
    }
    const int exp = sc.exp < -EXP_CAP ? -EXP_CAP : sc.exp > EXP_CAP ? EXP_CAP : (int)sc.exp;
    double d = 0, above = 0;
    if (sc.w != 0) {
        bool sure = num_decimal(sc.w, exp, &d);
        if (sure && sc.more) {
            sure = num_decimal(sc.w + 1, exp, &above) && above == d;
        }
        if (!sure) {
            d = num_slow(s);
        }
    }
    return sc.neg ? -d : d;
}

static bool
num_is_integer(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' || s.p[i] == 'e' || s.p[i] == 'E') {
            return false;
        }
    }
    return true;
}

/* An integer literal as INT, LONG or BIGINT, as Jackson reads it. */
static bool
num_integer(struct tbe_arena *a, struct tbe_str s, tbe_val *out)
{
    const bool neg = s.p[0] == '-';
    uint64_t u = 0;
    bool fits = s.n - neg <= 19;
    for (size_t i = neg; fits && i < s.n; i++) {
        u = u * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (fits && u <= (uint64_t)INT64_MAX + neg) {
        const int64_t i = neg ? (int64_t)(0 - u) : (int64_t)u;
        *out = i >= INT32_MIN && i <= INT32_MAX ? tbe_int((int32_t)i) : tbe_long(i);
        return true;
    }
    const struct tbe_str text = tbe_arena_dup(a, s);
    *out = (tbe_val){ .t = TBE_BIGINT, .n = (uint32_t)text.n, .u = { .s = text.p } };
    return text.p != NULL;
}

bool
value_number(struct tbe_arena *a, struct tbe_str literal, unsigned flags, tbe_val *out)
{
    if (flags & TBE_JSON_RAW) {
        const struct tbe_str text = flags & TBE_JSON_BORROW ? literal : tbe_arena_dup(a, literal);
        *out = (tbe_val){ .t = TBE_NUM, .n = (uint32_t)text.n, .u = { .s = text.p } };
        return text.p != NULL;
    }
    if (!(flags & TBE_JSON_JS) && num_is_integer(literal)) {
        return num_integer(a, literal, out);
    }
    *out = tbe_double(tbe_parse_double(literal, NULL));
    return true;
}
