/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal rounding as Java's BigDecimal does it on the shortest text of a number, toFixed and
 * toInt, and String.format (facts/tbel.md 10.5, 13). */
#include "config.h"
#include "tbel_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 1200 /* of a double written out with a bounded precision */
#define MAX_PREC 300

/* A decimal number: digits d[0..n) with `point` of them before the decimal point (may be < 0 or
 * > n). */
struct dec {
    bool neg;
    int n, point;
    char d[40];
};

/* From the text of tbe_double_java or tbe_float_java, which has a point and maybe an exponent. */
static void
dec_parse(struct dec *o, const char *p, size_t n)
{
    int exp = 0;
    bool dot = false;
    o->neg = n > 0 && *p == '-';
    o->n = 0;
    o->point = 0;
    for (size_t i = o->neg; i < n; i++) {
        if (p[i] == 'E' || p[i] == 'e') {
            exp = atoi(p + i + 1);
            break;
        }
        if (p[i] == '.') {
            dot = true;
        } else if (o->n > 0 || p[i] != '0') {
            if (o->n < (int)sizeof(o->d)) {
                o->d[o->n++] = p[i];
            }
            o->point += !dot;
        } else if (dot) {
            o->point--; /* zeros right after the point */
        }
    }
    o->point += exp;
}

/* Rounds half up (away from zero) to `prec` digits after the point. */
static void
dec_round(struct dec *o, int prec)
{
    int keep = o->point + prec;
    if (keep < 0) {
        o->n = 0;
        return;
    }
    if (keep >= o->n) {
        return;
    }
    bool up = o->d[keep] >= '5';
    o->n = keep;
    for (int i = keep - 1; up && i >= 0; i--) {
        if (o->d[i] == '9') {
            o->d[i] = '0';
        } else {
            o->d[i]++;
            up = false;
        }
    }
    if (up) {
        memmove(o->d + 1, o->d, (size_t)o->n);
        o->d[0] = '1';
        o->n++;
        o->point++;
    }
}

/* Plain text with exactly prec digits after the point; buf holds DIGITS bytes. */
static size_t
dec_plain(const struct dec *o, int prec, char *buf)
{
    size_t n = 0;
    if (o->neg) {
        buf[n++] = '-';
    }
    if (o->point <= 0) {
        buf[n++] = '0';
    }
    for (int i = 0; i < o->point; i++) {
        buf[n++] = i < o->n ? o->d[i] : '0';
    }
    if (prec > 0) {
        buf[n++] = '.';
    }
    for (int i = o->point; i < o->point + prec; i++) {
        buf[n++] = i >= 0 && i < o->n ? o->d[i] : '0';
    }
    return n;
}

static double
round_to(struct tbe_val v, int prec)
{
    char t[TBE_NUMTEXT + 1], buf[DIGITS];
    struct dec d;
    size_t n = v.t == TBE_FLOAT ? tbe_float_java((float)v.u.d, t) : tbe_double_java(v.u.d, t);
    t[n] = '\0';
    dec_parse(&d, t, n);
    dec_round(&d, prec);
    n = dec_plain(&d, prec > 0 ? prec : 0, buf);
    bool ok;
    return tbe_parse_double((struct tbe_str){ buf, n }, &ok);
}

tbe_val
tbe_t_to_fixed(struct tbe_x *x, int argc, const tbe_val *argv)
{
    if (argc != 2 || tbe_is_null(argv[0])) {
        tbe_t_no_static(x, TBE_STR(""), TBE_STR("toFixed"), argc, argv);
    }
    int prec = tbel_arg_int(x, argv[1]);
    tbe_val v = argv[0];
    if (v.t != TBE_DOUBLE) { /* the overload for float is the engine's choice for all else */
        v = tbel_float(tbel_arg_double(x, v));
    }
    if (!isfinite(v.u.d)) {
        tbe_throw(x, "Infinite or NaN");
    }
    prec = prec > MAX_PREC ? MAX_PREC : prec < -400 ? -400 : prec;
    double r = round_to(v, prec);
    return v.t == TBE_FLOAT ? tbel_float(r) : tbe_double(r);
}

tbe_val
tbe_t_to_int(struct tbe_x *x, int argc, const tbe_val *argv)
{
    if (argc != 1 || tbe_is_null(argv[0])) {
        tbe_t_no_static(x, TBE_STR(""), TBE_STR("toInt"), argc, argv);
    }
    double d = tbel_arg_double(x, argv[0]);
    if (!isfinite(d)) {
        tbe_throw(x, "Infinite or NaN");
    }
    d = round_to(tbe_double(d), 0);
    d = fmod(d, 4294967296.0);
    return tbe_int((int32_t)(uint32_t)(int64_t)d);
}

/* ---- String.format ---- */

struct spec {
    bool left, plus, space, zero, group, paren, alt;
    int index, width, prec;
    char conv;
};

static const char *
parse_spec(const char *p, const char *end, struct spec *s)
{
    const char *start = p;
    *s = (struct spec){ .prec = -1 };
    while (p < end && *p >= '0' && *p <= '9' && s->index < 1000) {
        s->index = s->index * 10 + (*p++ - '0');
    }
    if (p == end || *p != '$') {
        s->index = 0;
        p = start;
    } else {
        p++;
    }
    for (; p < end; p++) {
        if (*p == '-') {
            s->left = true;
        } else if (*p == '+') {
            s->plus = true;
        } else if (*p == ' ') {
            s->space = true;
        } else if (*p == '0') {
            s->zero = true;
        } else if (*p == ',') {
            s->group = true;
        } else if (*p == '(') {
            s->paren = true;
        } else if (*p == '#') {
            s->alt = true;
        } else {
            break;
        }
    }
    while (p < end && *p >= '0' && *p <= '9' && s->width < 100000) {
        s->width = s->width * 10 + (*p++ - '0');
    }
    if (p < end && *p == '.') {
        s->prec = 0;
        for (p++; p < end && *p >= '0' && *p <= '9' && s->prec < 100000; p++) {
            s->prec = s->prec * 10 + (*p - '0');
        }
    }
    s->conv = p < end ? *p++ : '\0';
    return p;
}

static void
pad(struct tbel_sb *b, const struct spec *s, const char *sign, const char *p, size_t n,
    size_t chars)
{
    size_t sl = strlen(sign), w = s->width > 0 ? (size_t)s->width : 0;
    size_t fill = w > chars + sl ? w - chars - sl : 0;
    if (!s->left && !s->zero) {
        for (size_t i = 0; i < fill; i++) {
            tbel_sb_c(b, ' ');
        }
    }
    tbel_sb_z(b, sign);
    if (s->zero && !s->left) {
        for (size_t i = 0; i < fill; i++) {
            tbel_sb_c(b, '0');
        }
    }
    tbel_sb_put(b, p, n);
    for (size_t i = 0; s->left && i < fill; i++) {
        tbel_sb_c(b, ' ');
    }
}

/* Sign split off, thousands grouped. */
static void
put_number(struct tbel_sb *b, const struct spec *s, const char *t, size_t n)
{
    char buf[DIGITS * 2];
    size_t o = 0, ints = 0;
    bool neg = n > 0 && *t == '-';
    t += neg;
    n -= neg;
    while (ints < n && t[ints] != '.') {
        ints++;
    }
    for (size_t i = 0; i < n; i++) {
        if (s->group && i > 0 && i < ints && (ints - i) % 3 == 0) {
            buf[o++] = ',';
        }
        buf[o++] = t[i];
    }
    if (neg && s->paren) {
        buf[o++] = ')';
    }
    pad(b, s, neg ? (s->paren ? "(" : "-") : s->plus ? "+" : s->space ? " " : "", buf, o, o);
}

static void
bad_conversion(struct tbe_x *x, char conv, tbe_val v)
{
    tbe_throw(x, "%c != %s", conv, tbel_jclass(v));
}

static void
put_double(struct tbel_sb *b, struct spec *s, tbe_val v)
{
    char t[TBE_NUMTEXT + 1], buf[DIGITS];
    struct dec d;
    double val = tbel_to_double(v);
    int prec = s->prec < 0 ? 6 : s->prec > MAX_PREC ? MAX_PREC : s->prec;
    if (!isfinite(val)) {
        const char *z = isnan(val) ? "NaN" : "Infinity";
        s->zero = false;
        pad(b, s, val < 0 ? "-" : s->plus ? "+" : "", z, strlen(z), strlen(z));
        return;
    }
    size_t n = v.t == TBE_FLOAT ? tbe_float_java((float)val, t) : tbe_double_java(val, t);
    t[n] = '\0';
    if (s->conv == 'f') {
        dec_parse(&d, t, n);
        dec_round(&d, prec);
        n = dec_plain(&d, prec, buf);
    } else {
        char fmt[] = { '%', '.', '*', s->conv, '\0' };
        n = (size_t)snprintf(buf, sizeof(buf), fmt, prec, val);
    }
    put_number(b, s, buf, n);
}

static void
put_radix(struct tbel_sb *b, const struct spec *s, tbe_val v)
{
    char buf[32];
    uint64_t u = v.t == TBE_LONG ? (uint64_t)v.u.i : v.t == TBE_BYTE ? (uint8_t)v.u.i :
        (uint32_t)v.u.i;
    const char *fmt = s->conv == 'o' ? "%llo" : s->conv == 'X' ? "%llX" : "%llx";
    size_t n = (size_t)snprintf(buf, sizeof(buf), fmt, (unsigned long long)u);
    pad(b, s, s->alt ? (s->conv == 'o' ? "0" : "0x") : "", buf, n, n);
}

static void
put_text(struct tbe_x *x, struct tbel_sb *b, struct spec *s, tbe_val v)
{
    bool upper = s->conv < 'a';
    s->zero = false;
    if (s->conv == 'b' || s->conv == 'B') {
        v = v.t == TBE_BOOL ? v : tbe_bool(!tbe_is_null(v));
    } else if ((s->conv == 'c' || s->conv == 'C') && tbel_is_integral(v)) {
        v = tbel_typed(TBE_CHAR, v.u.i & 0xFFFF);
    }
    v = tbel_text_val(x, v);
    if (upper) {
        v = tbe_t_method(x, v, TBE_STR("toUpperCase"), 0, NULL);
    }
    uint32_t n = tbel_len16(v);
    if (s->prec >= 0 && (uint32_t)s->prec < n) {
        n = (uint32_t)s->prec;
        v = tbel_sub16(x, v, 0, n);
    }
    pad(b, s, "", v.u.s, v.n, n);
}

static void
put_one(struct tbe_x *x, struct tbel_sb *b, struct spec *s, tbe_val v)
{
    char t[TBE_NUMTEXT];
    switch (s->conv) {
    case 'd':
        if (tbe_is_null(v)) {
            pad(b, s, "", "null", 4, 4);
        } else if (v.t == TBE_BIGINT) {
            put_number(b, s, v.u.s, v.n < DIGITS ? v.n : DIGITS);
        } else if (!tbel_is_integral(v)) {
            bad_conversion(x, 'd', v);
        } else {
            put_number(b, s, t, tbe_long_text(v.u.i, t));
        }
        return;
    case 'x':
    case 'X':
    case 'o':
        if (!tbel_is_integral(v)) {
            bad_conversion(x, s->conv, v);
        }
        put_radix(b, s, v);
        return;
    case 'f':
    case 'e':
    case 'E':
    case 'g':
        if (tbe_is_null(v)) {
            pad(b, s, "", "null", 4, 4);
        } else if (v.t < TBE_FLOAT || v.t > TBE_NUM || v.t == TBE_BIGINT) {
            bad_conversion(x, s->conv, v);
        } else {
            put_double(b, s, v);
        }
        return;
    case 's':
    case 'S':
    case 'b':
    case 'B':
    case 'c':
    case 'C':
        put_text(x, b, s, v);
        return;
    default:
        tbe_throw(x, "java.util.UnknownFormatConversionException: Conversion = '%c'", s->conv ?
            s->conv : '%');
    }
}

tbe_val
tbel_format(struct tbe_x *x, tbe_val fmt, int argc, const tbe_val *argv)
{
    struct tbe_str f = tbel_arg_str(x, fmt);
    const char *p = f.p, *end = f.p + f.n;
    struct tbel_sb b;
    int next = 0;
    tbel_sb_init(&b, x, f.n + 32);
    while (p < end) {
        const char *q = memchr(p, '%', (size_t)(end - p));
        tbel_sb_put(&b, p, (size_t)((q ? q : end) - p));
        if (q == NULL) {
            break;
        }
        struct spec s;
        p = parse_spec(q + 1, end, &s);
        if (s.width > 65536) {
            tbe_throw(x, "java.util.IllegalFormatWidthException: %d", s.width);
        }
        if (s.conv == '%' || s.conv == 'n') {
            pad(&b, &s, "", s.conv == 'n' ? "\n" : "%", 1, 1);
            continue;
        }
        int i = s.index > 0 ? s.index - 1 : next++;
        if (i >= argc) {
            tbe_throw(x, "java.util.MissingFormatArgumentException: Format specifier '%.*s'",
                (int)(p - q), q);
        }
        put_one(x, &b, &s, argv[i]);
    }
    return tbel_sb_done(&b);
}
