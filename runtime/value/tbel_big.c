/* SPDX-License-Identifier: Apache-2.0 */
/* BigInteger and BigDecimal of TBEL over OpenSSL's BIGNUM (facts/tbel.md 5). A decimal is an
 * unscaled integer and a scale; results are rounded to 34 digits half even, as DECIMAL128.
 * Operands are bound, so that no script can make the arithmetic long. */
#include "config.h"
#include "tbel_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>

#define MAX_DIGITS 4000 /* of an operand */
#define PRECISION 34

struct dec {
    BIGNUM *u;
    int scale;
};

struct big {
    struct tbe_x *x;
    BN_CTX *ctx;
    struct dec a, b, r;
};

/* Frees before it throws: BIGNUMs are not in the arena. */
static void
done(struct big *g)
{
    BN_free(g->a.u);
    BN_free(g->b.u);
    BN_free(g->r.u);
    BN_CTX_free(g->ctx);
}

static void
failed(struct big *g, const char *msg)
{
    struct tbe_x *x = g->x;
    done(g);
    tbe_throw(x, "%s", msg);
}

/* -?digits[.digits] -> unscaled and scale. */
static bool
read_text(struct dec *d, const char *p, size_t n)
{
    char buf[MAX_DIGITS + 2];
    size_t k = 0;
    bool dot = false;
    if (n > MAX_DIGITS) {
        return false;
    }
    d->scale = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '.') {
            dot = true;
        } else if ((p[i] >= '0' && p[i] <= '9') || (p[i] == '-' && i == 0)) {
            buf[k++] = p[i];
            d->scale += dot;
        } else {
            return false;
        }
    }
    buf[k] = '\0';
    return k > 0 && BN_dec2bn(&d->u, buf) == (int)k;
}

/* The exact decimal expansion of a double, as new BigDecimal(double) gives it. */
static bool
read_double(struct dec *d, double v)
{
    char buf[1400]; /* sign, 309 digits, point, 1,074 digits */
    if (!isfinite(v)) {
        return false;
    }
    int n = snprintf(buf, sizeof(buf), "%.1074f", v);
    while (n > 0 && buf[n - 1] == '0') {
        n--;
    }
    n -= n > 0 && buf[n - 1] == '.';
    return read_text(d, buf, (size_t)n);
}

static bool
read_val(struct dec *d, tbe_val v)
{
    char buf[32];
    if (v.t > TBE_DOUBLE) {
        return read_text(d, v.u.s, v.n);
    }
    if (v.t >= TBE_FLOAT) {
        return read_double(d, v.u.d);
    }
    return read_text(d, buf, (size_t)snprintf(buf, sizeof(buf), "%lld", (long long)v.u.i));
}

static bool
shift10(struct dec *d, int digits, BN_CTX *ctx)
{
    BIGNUM *ten = BN_new(), *e = BN_new(), *p = BN_new();
    bool ok = ten && e && p && BN_set_word(ten, 10) && BN_set_word(e, (BN_ULONG)digits) &&
              BN_exp(p, ten, e, ctx) && BN_mul(d->u, d->u, p, ctx);
    BN_free(ten);
    BN_free(e);
    BN_free(p);
    d->scale += digits;
    return ok;
}

/* Decimal text in the arena; BigInteger when scale is 0 and t says so. */
static tbe_val
result(struct big *g, enum tbe_type t)
{
    char *s = BN_bn2dec(g->r.u);
    struct tbe_x *x = g->x;
    int scale = g->r.scale;
    char buf[2 * MAX_DIGITS + 80];
    done(g);
    if (s == NULL || strlen(s) > MAX_DIGITS) {
        OPENSSL_free(s);
        tbe_throw(x, "java.lang.ArithmeticException: number is too large");
    }
    bool neg = *s == '-';
    const char *d = s + neg;
    int n = (int)strlen(d), drop = n > PRECISION && t == TBE_BIGDEC ? n - PRECISION : 0;
    char digits[MAX_DIGITS + 2];
    memcpy(digits, d, (size_t)n + 1);
    OPENSSL_free(s);
    if (drop > 0) { /* round half even to 34 digits */
        bool tail = false;
        for (int i = n - drop + 1; i < n; i++) {
            tail |= digits[i] != '0';
        }
        char c = digits[n - drop];
        n -= drop;
        scale -= drop;
        bool up = c > '5' || (c == '5' && (tail || (digits[n - 1] - '0') % 2 == 1));
        int i = n - 1;
        for (; up && i >= 0; i--) {
            up = digits[i] == '9';
            digits[i] = up ? '0' : (char)(digits[i] + 1);
        }
        if (up) {
            memmove(digits + 1, digits, (size_t)n - 1);
            digits[0] = '1';
            scale--;
        }
    }
    size_t k = 0;
    if (neg) {
        buf[k++] = '-';
    }
    if (scale >= n) { /* 0.000ddd */
        buf[k++] = '0';
        buf[k++] = '.';
        for (int i = 0; i < scale - n && k < sizeof(buf) - (size_t)n - 2; i++) {
            buf[k++] = '0';
        }
    }
    for (int i = 0; i < n; i++) {
        if (scale > 0 && i == n - scale && i > 0) {
            buf[k++] = '.';
        }
        buf[k++] = digits[i];
    }
    for (int i = 0; i < -scale && k < sizeof(buf) - 1; i++) {
        buf[k++] = '0';
    }
    struct tbe_str o = tbe_arena_dup(x->a, (struct tbe_str){ buf, k });
    return (tbe_val){ .t = (uint8_t)t, .n = (uint32_t)o.n, .u = { .s = o.p } };
}

static void
strip_zeros(struct big *g, int preferred)
{
    BIGNUM *ten = BN_new(), *q = BN_new(), *m = BN_new();
    bool ok = ten && q && m && BN_set_word(ten, 10);
    while (ok && g->r.scale > preferred && BN_div(q, m, g->r.u, ten, g->ctx) && BN_is_zero(m)) {
        ok = BN_copy(g->r.u, q) != NULL;
        g->r.scale--;
    }
    BN_free(ten);
    BN_free(q);
    BN_free(m);
}

static tbe_val
decimal_op(struct big *g, char op)
{
    BIGNUM *m = BN_new();
    bool ok = m != NULL;
    int want = g->a.scale > g->b.scale ? g->a.scale : g->b.scale;
    if (ok && (op == '+' || op == '-' || op == '%')) {
        ok = shift10(&g->a, want - g->a.scale, g->ctx) && shift10(&g->b, want - g->b.scale, g->ctx);
        g->r.scale = want;
    }
    if (ok && (op == '/' || op == '%') && BN_is_zero(g->b.u)) {
        BN_free(m);
        failed(g, op == '/' ? "Division by zero" : "/ by zero");
    }
    switch (op) {
    case '+':
        ok = ok && BN_add(g->r.u, g->a.u, g->b.u);
        break;
    case '-':
        ok = ok && BN_sub(g->r.u, g->a.u, g->b.u);
        break;
    case '*':
        ok = ok && BN_mul(g->r.u, g->a.u, g->b.u, g->ctx);
        g->r.scale = g->a.scale + g->b.scale;
        break;
    case '%':
        ok = ok && BN_div(NULL, g->r.u, g->a.u, g->b.u, g->ctx);
        break;
    default: { /* enough digits that the rounding of the result decides */
        int preferred = g->a.scale - g->b.scale;
        ok = ok && shift10(&g->a, PRECISION + 5 + (BN_num_bits(g->b.u) / 3), g->ctx) &&
             BN_div(g->r.u, m, g->a.u, g->b.u, g->ctx);
        g->r.scale = g->a.scale - g->b.scale;
        if (ok && !BN_is_zero(m)) { /* a sticky digit */
            ok = shift10(&g->r, 1, g->ctx) && (BN_is_negative(g->r.u) ? BN_sub_word(g->r.u, 1)
                                                                      : BN_add_word(g->r.u, 1));
        } else if (ok) {
            strip_zeros(g, preferred);
        }
        break;
    }
    }
    BN_free(m);
    if (!ok) {
        failed(g, "java.lang.ArithmeticException");
    }
    return result(g, TBE_BIGDEC);
}

static tbe_val
integer_op(struct big *g, char op)
{
    bool ok = true;
    if ((op == '/' || op == '%') && BN_is_zero(g->b.u)) {
        failed(g, "BigInteger divide by zero");
    }
    switch (op) {
    case '+':
        ok = BN_add(g->r.u, g->a.u, g->b.u);
        break;
    case '-':
        ok = BN_sub(g->r.u, g->a.u, g->b.u);
        break;
    case '*':
        ok = BN_mul(g->r.u, g->a.u, g->b.u, g->ctx);
        break;
    case '/':
        ok = BN_div(g->r.u, NULL, g->a.u, g->b.u, g->ctx);
        break;
    case '%':
        ok = BN_div(NULL, g->r.u, g->a.u, g->b.u, g->ctx);
        break;
    default:
        if (BN_is_negative(g->b.u) || BN_num_bits(g->b.u) > 12 ||
            BN_num_bits(g->a.u) * (int)BN_get_word(g->b.u) > MAX_DIGITS * 3) {
            failed(g, "java.lang.ArithmeticException: exponent is out of range");
        }
        ok = BN_exp(g->r.u, g->a.u, g->b.u, g->ctx);
        break;
    }
    if (!ok) {
        failed(g, "java.lang.ArithmeticException");
    }
    return result(g, TBE_BIGINT);
}

static double
plain(char op, double a, double b)
{
    return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : op == '/' ? a / b
         : op == '%' ? fmod(a, b) : pow(a, b);
}

tbe_val
tbel_big_op(struct tbe_x *x, char op, tbe_val a, tbe_val b)
{
    a.t = a.t == TBE_NUM ? TBE_BIGDEC : a.t;
    b.t = b.t == TBE_NUM ? TBE_BIGDEC : b.t;
    bool same = a.t == b.t, dec = a.t == TBE_BIGDEC || b.t == TBE_BIGDEC;
    if ((!same && !(dec && a.t != TBE_BIGINT && b.t != TBE_BIGINT)) || (dec && op == 'p')) {
        return tbel_from_double(x, plain(op, tbel_to_double(a), tbel_to_double(b)),
                                dec && op == 'p' ? TBE_DOUBLE : TBE_BIGINT);
    }
    struct big g = { .x = x, .ctx = BN_CTX_new(), .r = { .u = BN_new() } };
    if (g.ctx == NULL || g.r.u == NULL || !read_val(&g.a, a) || !read_val(&g.b, b)) {
        failed(&g, "java.lang.NumberFormatException: number is too large");
    }
    return dec ? decimal_op(&g, op) : integer_op(&g, op);
}
