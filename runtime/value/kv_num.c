/* SPDX-License-Identifier: Apache-2.0 */
/* Which type a number of a device payload gets: it depends on how the number is spelled
 * (facts/device-apis.md 4.4). Decimals are handled as text, so that nothing is rounded on the
 * way. */
#include "config.h"

#include "value/kv_num.h"

#include <string.h>

#define PLAIN_MAX 16384 /* characters of an expanded 1E300; beyond, the literal is kept */
#define EXP_MAX 100000000 /* exponents are counted no further */
#define DOUBLE_SCALE 16 /* more decimals than this do not become a DOUBLE */

/* BMP code points of the digit 0 of every script that has decimal digits. */
static const uint16_t kv_zeros[] = {
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66,
    0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
};

/* The digit that the UTF-8 sequence at p (n bytes left) stands for and its length, or -1. */
static int
kv_foreign_digit(const char *p, size_t n, size_t *len)
{
    const unsigned char *u = (const unsigned char *)p;
    uint32_t cp;
    if (n >= 2 && u[0] >= 0xc2 && u[0] < 0xe0) {
        cp = (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
        *len = 2;
    } else if (n >= 3 && u[0] >= 0xe0 && u[0] < 0xf0) {
        cp = (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
        *len = 3;
    } else {
        return -1;
    }
    for (size_t i = 0; i < sizeof kv_zeros / sizeof kv_zeros[0]; i++) {
        if (cp >= kv_zeros[i] && cp < kv_zeros[i] + 10u) {
            return (int)(cp - kv_zeros[i]);
        }
    }
    return -1;
}

bool
kv_parsable(struct tbe_arena *a, struct tbe_str s, struct tbe_str *number)
{
    size_t i = s.n > 0 && s.p[0] == '-';
    if (i == s.n || s.p[s.n - 1] == '.') {
        return false;
    }
    int points = 0;
    bool foreign = false;
    for (size_t len = 1; i < s.n; i += len) {
        len = 1;
        if (s.p[i] == '.') {
            points++;
        } else if ((unsigned char)s.p[i] >= 0x80) {
            foreign = true;
            if (kv_foreign_digit(s.p + i, s.n - i, &len) < 0) {
                return false;
            }
        } else if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    *number = s;
    if (points > 1 || (foreign && points > 0)) {
        return false;
    }
    if (foreign) {
        char *to = tbe_arena_alloc(a, s.n), *o = to;
        if (to == NULL) {
            return false;
        }
        for (size_t k = 0, len = 1; k < s.n; k += len) {
            len = 1;
            const int digit = (unsigned char)s.p[k] < 0x80 ? -1
                : kv_foreign_digit(s.p + k, s.n - k, &len);
            *o++ = digit < 0 ? s.p[k] : (char)('0' + digit);
        }
        *number = (struct tbe_str){ to, (size_t)(o - to) };
    }
    return true;
}

struct kv_dec { /* the decimal digits * 10^-scale */
    bool neg, point, exponent;
    const char *mant;   /* literal from its first digit */
    size_t mant_n;      /* characters to the exponent, with the point */
    size_t lead;        /* characters of mant before the first digit that is not 0 */
    int64_t digits;     /* significant digits, 0 when the value is 0 */
    int64_t trailing;   /* of these, zeros at the end */
    int64_t scale;      /* as written: digits behind the point less the exponent */
};

static void
kv_dec_read(struct tbe_str s, struct kv_dec *d)
{
    *d = (struct kv_dec){ 0 };
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    d->neg = i && s.p[0] == '-';
    d->mant = s.p + i;
    for (; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
        if (s.p[i] == '.') {
            d->point = true;
            d->lead += d->digits == 0;
            continue;
        }
        d->scale += d->point;
        if (d->digits > 0 || s.p[i] != '0') {
            d->digits++;
            d->trailing = s.p[i] == '0' ? d->trailing + 1 : 0;
        } else {
            d->lead++;
        }
    }
    d->mant_n = (size_t)(s.p + i - d->mant);
    if (i < s.n) {
        d->exponent = true;
        i++;
        const bool neg = i < s.n && s.p[i] == '-';
        i += i < s.n && (s.p[i] == '-' || s.p[i] == '+');
        int64_t x = 0;
        for (; i < s.n; i++) {
            x = x > EXP_MAX ? x : x * 10 + (s.p[i] - '0');
        }
        d->scale -= neg ? -x : x;
    }
}

/* digits * 10^-scale as an integer; false when it does not fit. d is integral and not 0. */
static bool
kv_dec_long(const struct kv_dec *d, int64_t *out)
{
    const int64_t zeros = -(d->scale - d->trailing); /* to add behind the significant digits */
    const int64_t keep = d->digits - d->trailing;
    if (zeros > 19 || keep + zeros > 19) {
        return false;
    }
    uint64_t u = 0;
    const char *p = d->mant + d->lead;
    for (int64_t k = 0; k < keep; p++) {
        if (*p != '.') {
            u = u * 10 + (uint64_t)(*p - '0');
            k++;
        }
    }
    for (int64_t k = 0; k < zeros; k++) {
        u *= 10; /* at most 19 digits: below 2^64 */
    }
    if (u > (uint64_t)INT64_MAX + d->neg) {
        return false;
    }
    *out = d->neg ? (int64_t)(0 - u) : (int64_t)u;
    return true;
}

/* The decimal without exponent; the literal itself when that would be too long. */
static struct tbe_str
kv_dec_plain(struct tbe_arena *a, const struct kv_dec *d, struct tbe_str literal)
{
    const int64_t digits = d->digits > 0 ? d->digits : 1;
    const int64_t whole = digits > d->scale ? digits - d->scale : 1;
    const int64_t part = d->scale > 0 ? d->scale : 0;
    if (whole + part + 2 > PLAIN_MAX) {
        return tbe_arena_dup(a, literal);
    }
    char *to = tbe_arena_alloc(a, (size_t)(whole + part + 2)), *o = to;
    if (to == NULL) {
        return TBE_STR_NONE;
    }
    if (d->neg && d->digits > 0) {
        *o++ = '-';
    }
    /* position: power of ten of the digit at hand, from the highest down to -part */
    const char *p = d->mant + d->lead, *end = d->mant + d->mant_n;
    int64_t first = digits - d->scale - 1;
    if (d->digits == 0) {
        p = end;
        first = 0;
    }
    for (int64_t at = first > 0 ? first : 0; at >= -part; at--) {
        if (at == -1) {
            *o++ = '.';
        }
        char c = '0';
        if (at <= first && p < end) {
            p += *p == '.';
            c = p < end ? *p++ : '0';
        }
        *o++ = c;
    }
    return (struct tbe_str){ to, (size_t)(o - to) };
}

static int
kv_number_general(struct tbe_arena *a, struct tbe_str literal, bool cast, struct tbe_kv *kv)
{
    struct kv_dec d;
    kv_dec_read(literal, &d);
    const bool integral = d.digits == 0 || d.scale - d.trailing <= 0;
    if (integral && (!d.point || d.exponent)) {
        int64_t i = 0;
        if (d.digits == 0 || kv_dec_long(&d, &i)) {
            kv->type = TBE_KV_LONG;
            kv->u.i = i;
            return 0;
        }
    } else if (d.scale <= DOUBLE_SCALE) {
        kv->type = TBE_KV_DOUBLE;
        kv->u.d = d.digits == 0 ? 0.0 : tbe_parse_double(literal, NULL);
        return 0;
    }
    if (!cast) {
        return KV_NUM_BIG;
    }
    kv->type = TBE_KV_STRING;
    kv->s = kv_dec_plain(a, &d, literal);
    return kv->s.p != NULL ? 0 : KV_NUM_OOM;
}

int
kv_number(struct tbe_arena *a, struct tbe_str literal, bool cast, struct tbe_kv *kv)
{
    const bool neg = literal.n > 0 && literal.p[0] == '-';
    uint64_t u = 0;
    if (literal.n - neg > 18) {
        return kv_number_general(a, literal, cast, kv);
    }
    for (size_t i = neg; i < literal.n; i++) {
        const unsigned digit = (unsigned)(literal.p[i] - '0');
        if (digit > 9) {
            return kv_number_general(a, literal, cast, kv);
        }
        u = u * 10 + digit;
    }
    kv->type = TBE_KV_LONG;
    kv->u.i = neg ? -(int64_t)u : (int64_t)u;
    return 0;
}

bool
kv_ts_number(struct tbe_str literal, int64_t *ts)
{
    struct kv_dec d;
    kv_dec_read(literal, &d);
    /* the integer part, its low 64 bits */
    const int64_t whole = d.digits - d.scale; /* digits before the point */
    uint64_t u = 0;
    if (d.scale > 10000 || d.scale < -10000) {
        return false; /* the reference refuses such a number */
    }
    const char *p = d.mant + d.lead;
    for (int64_t k = 0; k < whole && d.digits > 0; k++) {
        unsigned digit = 0;
        if (k < d.digits) {
            p += *p == '.';
            digit = (unsigned)(*p++ - '0');
        }
        u = u * 10 + digit;
    }
    *ts = (int64_t)(d.neg ? 0 - u : u);
    return true;
}

bool
kv_ts_text(struct tbe_str s, int64_t *ts)
{
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    const bool neg = i && s.p[0] == '-';
    if (i == s.n) {
        return false;
    }
    uint64_t u = 0;
    for (; i < s.n; i++) {
        const unsigned digit = (unsigned)(s.p[i] - '0');
        if (digit > 9 || u > (uint64_t)INT64_MAX / 10) {
            return false;
        }
        u = u * 10 + digit;
        if (u > (uint64_t)INT64_MAX + neg) {
            return false;
        }
    }
    *ts = neg ? (int64_t)(0 - u) : (int64_t)u;
    return true;
}
