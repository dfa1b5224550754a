/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL operators: arithmetic by Java class, comparison, equality, bitwise, conditions
 * (facts/tbel.md 4.1, 5, 6, 7). */
#include "config.h"
#include "tbel_priv.h"

#include <math.h>
#include <string.h>

/* ---- numbers ---- */

void
tbel_by_zero(struct tbe_x *x)
{
    tbe_throw(x, "/ by zero");
}

double
tbel_to_double(tbe_val v)
{
    if (v.t <= TBE_LONG) {
        return (double)v.u.i;
    }
    if (v.t <= TBE_DOUBLE) {
        return v.u.d;
    }
    bool ok;
    double d = tbe_parse_double(tbe_val_str(v), &ok);
    return ok ? d : 0;
}

int64_t
tbel_d2l(double d)
{
    if (isnan(d)) {
        return 0;
    }
    if (d >= 9223372036854775807.0) {
        return INT64_MAX;
    }
    return d <= -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
}

int32_t
tbel_d2i(double d)
{
    if (isnan(d)) {
        return 0;
    }
    if (d >= 2147483647.0) {
        return INT32_MAX;
    }
    return d <= -2147483648.0 ? INT32_MIN : (int32_t)d;
}

int64_t
tbel_to_long(tbe_val v)
{
    return v.t <= TBE_LONG ? v.u.i : tbel_d2l(tbel_to_double(v));
}

tbe_val
tbel_from_double(struct tbe_x *x, double d, enum tbe_type t)
{
    switch (t) {
    case TBE_BYTE:
    case TBE_SHORT:
    case TBE_INT:
        return tbe_int(tbel_d2i(d));
    case TBE_LONG:
        return tbe_long(tbel_d2l(d));
    case TBE_FLOAT:
        return tbel_float(d);
    case TBE_BIGINT: {
        struct tbe_str s = tbe_arena_fmt(x->a, "%lld", (long long)tbel_d2l(d));
        return (tbe_val){ .t = TBE_BIGINT, .n = (uint32_t)s.n, .u = { .s = s.p } };
    }
    default:
        return tbe_double(d);
    }
}

bool
tbel_numeric_text(struct tbe_str s)
{
    size_t i = s.n > 1 && s.p[0] == '-';
    bool dot = false;
    if (s.n == 0 || (s.n == 1 && s.p[0] == '-')) {
        return false;
    }
    for (; i < s.n; i++) {
        if (s.p[i] == '.' && !dot) {
            dot = true;
        } else if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return true;
}

double
tbel_parse_text(struct tbe_x *x, struct tbe_str s)
{
    bool ok;
    double d = tbe_parse_double(s, &ok);
    if (!ok && s.n > 1 && (s.p[s.n - 1] == '.' || s.p[0] == '.')) { /* 5. and .5 are Java numbers */
        struct tbe_str t = tbe_arena_fmt(x->a, "0%.*s0", (int)s.n, s.p);
        if (s.p[0] != '-') {
            d = tbe_parse_double(t, &ok);
        }
    }
    if (!ok) {
        tbe_throw(x, "For input string: \"%.*s\"", (int)s.n, s.p);
    }
    return d;
}

static double
fold_double(char op, double a, double b)
{
    switch (op) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    case '/':
        return a / b;
    case '%':
        return fmod(a, b);
    default:
        return pow(a, b);
    }
}

/* Same class Integer, Short or Byte: exact, Long when it leaves 32 bits. */
static tbe_val
int_arith(struct tbe_x *x, char op, int64_t a, int64_t b)
{
    int64_t r;
    double d;
    switch (op) {
    case '+':
        r = a + b;
        break;
    case '-':
        r = a - b;
        break;
    case '*':
        r = a * b;
        break;
    case '/':
        return tbe_double((double)a / (double)b);
    case '%':
        if (b == 0) {
            tbel_by_zero(x);
        }
        return tbe_int((int32_t)(a % b));
    default:
        d = pow((double)a, (double)b);
        return d > INT32_MAX ? tbe_double(d) : tbe_int(tbel_d2i(d));
    }
    return r >= INT32_MIN && r <= INT32_MAX ? tbe_int((int32_t)r) : tbe_long(r);
}

static tbe_val
long_arith(struct tbe_x *x, char op, int64_t a, int64_t b)
{
    uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
    double d;
    switch (op) {
    case '+':
        return tbe_long((int64_t)(ua + ub));
    case '-':
        return tbe_long((int64_t)(ua - ub));
    case '*':
        return tbe_long((int64_t)(ua * ub));
    case '/':
        return tbe_double((double)a / (double)b);
    case '%':
        if (b == 0) {
            tbel_by_zero(x);
        }
        return tbe_long(b == -1 ? 0 : a % b); /* INT64_MIN % -1 traps */
    default:
        d = pow((double)a, (double)b);
        return d > 9223372036854775807.0 ? tbe_double(d) : tbe_long(tbel_d2l(d));
    }
}

tbe_val
tbel_arith(struct tbe_x *x, char op, tbe_val a, tbe_val b)
{
    if (a.t > TBE_DOUBLE || b.t > TBE_DOUBLE) {
        return tbel_big_op(x, op, a, b);
    }
    if (a.t == b.t) {
        switch (a.t) {
        case TBE_LONG:
            return long_arith(x, op, a.u.i, b.u.i);
        case TBE_DOUBLE:
            return tbe_double(fold_double(op, a.u.d, b.u.d));
        case TBE_FLOAT:
            if (op == '/') {
                return tbe_double(a.u.d / b.u.d);
            }
            return tbel_float(fold_double(op, a.u.d, b.u.d));
        default:
            return int_arith(x, op, a.u.i, b.u.i);
        }
    }
    enum tbe_type t = a.t > b.t ? a.t : b.t;
    return tbel_from_double(x, fold_double(op, tbel_to_double(a), tbel_to_double(b)), t);
}

/* - * / % ** when one side is not a number: numeric strings count, all else gives null (5). */
static tbe_val
odd_arith(struct tbe_x *x, char op, tbe_val a, tbe_val b)
{
    bool an = tbel_is_num(a), bn = tbel_is_num(b);
    if ((!an && !(tbe_is_str(a) && tbel_numeric_text(tbe_val_str(a)))) ||
        (!bn && !(tbe_is_str(b) && tbel_numeric_text(tbe_val_str(b))))) {
        return TBE_NULL_VAL;
    }
    double da = an ? tbel_to_double(a) : tbel_parse_text(x, tbe_val_str(a));
    double db = bn ? tbel_to_double(b) : tbel_parse_text(x, tbe_val_str(b));
    enum tbe_type t = an ? a.t : bn ? b.t : TBE_DOUBLE;
    return tbel_from_double(x, fold_double(op, da, db), t);
}

static tbe_val
arith(struct tbe_x *x, char op, tbe_val a, tbe_val b)
{
    if (tbel_is_num(a) && tbel_is_num(b)) {
        return tbel_arith(x, op, a, b);
    }
    return odd_arith(x, op, a, b);
}

/* Concatenation. A string that ends at the arena's last allocation is extended in place, so that
 * a loop of s += x does not cost a copy per turn. TBE_T_TAIL marks such strings. The arena's end
 * always moves by a block, so that no second string can claim the same tail. */
static tbe_val
concat(struct tbe_x *x, tbe_val a, tbe_val b)
{
    struct tbe_str sb = tbel_text(x, b), sa = tbel_text(x, a);
    size_t n = sa.n + sb.n;
    if (n > UINT32_MAX / 2) {
        tbe_throw_full(x, n);
    }
    struct tbe_arena *ar = x->a;
    uint8_t ascii = a.t == TBE_STR_T && b.t == TBE_STR_T ? a.ascii & b.ascii : 0;
    if (tbe_is_str(a) && (a.flags & TBE_T_TAIL)) {
        size_t used = (sa.n + 15u) & ~(size_t)15;
        size_t want = (n + 15u) & ~(size_t)15;
        want = want > used ? want : used + 16;
        if (sa.p + used == ar->cur && (size_t)(ar->end - sa.p) >= want && sa.p != sb.p) {
            memcpy(ar->cur - used + sa.n, sb.p, sb.n);
            ar->cur += want - used;
            return (tbe_val){ .t = TBE_STR_T, .ascii = ascii, .flags = TBE_T_TAIL, .n = (uint32_t)n,
                              .u = { .s = sa.p } };
        }
    }
    char *p = tbe_arena_alloc(ar, n ? n : 1);
    memcpy(p, sa.p, sa.n);
    memcpy(p + sa.n, sb.p, sb.n);
    return (tbe_val){ .t = TBE_STR_T, .ascii = ascii, .flags = n ? TBE_T_TAIL : 0, .n = (uint32_t)n,
                      .u = { .s = p } };
}

static tbe_val
list_plus(struct tbe_x *x, tbe_val a, tbe_val b)
{
    uint32_t more = tbel_is_list(b) ? b.u.l->n : 1;
    tbe_val r = tbe_list_new(x->a, a.u.l->n + more);
    for (uint32_t i = 0; i < a.u.l->n; i++) {
        tbe_list_push(x->a, r.u.l, a.u.l->v[i]);
    }
    for (uint32_t i = 0; i < more; i++) {
        tbe_list_push(x->a, r.u.l, tbel_is_list(b) ? b.u.l->v[i] : b);
    }
    return r;
}

tbe_val
tbe_t_add_slow(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (tbel_is_num(a) && tbel_is_num(b)) {
        return tbel_arith(x, '+', a, b);
    }
    if (a.t == TBE_LIST) {
        return list_plus(x, a, b);
    }
    if ((a.t == TBE_CHAR && tbel_is_num(b)) || (b.t == TBE_CHAR && tbel_is_num(a))) {
        tbe_val c = a.t == TBE_CHAR ? a : b, o = a.t == TBE_CHAR ? b : a;
        double d = tbel_parse_text(x, tbel_text(x, c));
        return tbel_from_double(x, d + tbel_to_double(o), o.t);
    }
    return concat(x, a, b);
}

#define ARITH(fn, op) \
    tbe_val \
    fn(struct tbe_x *x, tbe_val a, tbe_val b) \
    { \
        return arith(x, op, a, b); \
    }
ARITH(tbe_t_sub_slow, '-')
ARITH(tbe_t_mul, '*')
ARITH(tbe_t_div, '/')
ARITH(tbe_t_rem, '%')
ARITH(tbe_t_pow, 'p')

tbe_val
tbe_t_neg(struct tbe_x *x, tbe_val a)
{
    switch (a.t) {
    case TBE_BYTE:
    case TBE_SHORT:
    case TBE_INT:
        return a.u.i == INT32_MIN ? tbe_long(-(int64_t)INT32_MIN) : tbe_int((int32_t)-a.u.i);
    case TBE_LONG:
        return tbe_long((int64_t)(0 - (uint64_t)a.u.i));
    case TBE_FLOAT:
        return tbel_float(-a.u.d);
    case TBE_DOUBLE:
        return tbe_double(-a.u.d);
    case TBE_BIGINT:
    case TBE_BIGDEC:
        return tbel_big_op(x, '-', (tbe_val){ .t = a.t, .n = 1, .u = { .s = "0" } }, a);
    default:
        return odd_arith(x, '*', tbe_int(-1), a);
    }
}

/* Not both Integer after all: where the engine would fail on the cast, the dynamic rule serves. */
static tbe_val
dynamic(struct tbe_x *x, char op, tbe_val a, tbe_val b)
{
    return op == '+' ? tbe_t_add(x, a, b) : arith(x, op, a, b);
}

static inline bool
both_int(tbe_val a, tbe_val b)
{
    return a.t == TBE_INT && b.t == TBE_INT;
}

tbe_val
tbe_t_iadd(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return both_int(a, b) ? tbe_int((int32_t)((uint32_t)a.u.i + (uint32_t)b.u.i)) :
        dynamic(x, '+', a, b);
}

tbe_val
tbe_t_isub(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return both_int(a, b) ? tbe_int((int32_t)((uint32_t)a.u.i - (uint32_t)b.u.i)) :
        dynamic(x, '-', a, b);
}

tbe_val
tbe_t_imul(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return both_int(a, b) ? tbe_int((int32_t)((uint32_t)a.u.i * (uint32_t)b.u.i)) :
        dynamic(x, '*', a, b);
}

tbe_val
tbe_t_irem(struct tbe_x *x, tbe_val a, tbe_val b)
{
    /* another value in an Integer's place (4.1 rule 2) */
    if (a.t == TBE_LONG || a.t == TBE_FLOAT || a.t == TBE_DOUBLE) {
        a = tbe_int(tbel_d2i(tbel_to_double(a)));
    }
    return tbe_t_rem(x, a, b);
}

tbe_val
tbe_t_idiv(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (!both_int(a, b)) {
        return dynamic(x, '/', a, b);
    }
    if (b.u.i == 0) {
        tbel_by_zero(x);
    }
    return tbe_int((int32_t)(uint32_t)(a.u.i / b.u.i)); /* in 64 bits: MIN / -1 wraps as in Java */
}

static tbe_val
wide(struct tbe_x *x, char op, tbe_val a, tbe_val b, enum tbe_type to)
{
    if (!tbel_is_small(a) || !tbel_is_small(b)) {
        return dynamic(x, op, a, b);
    }
    return tbel_from_double(x, fold_double(op, tbel_to_double(a), tbel_to_double(b)), to);
}

#define WIDE(fn, op) \
    tbe_val \
    fn(struct tbe_x *x, tbe_val a, tbe_val b, enum tbe_type to) \
    { \
        return wide(x, op, a, b, to); \
    }
WIDE(tbe_t_sadd, '+')
WIDE(tbe_t_ssub, '-')
WIDE(tbe_t_smul, '*')
WIDE(tbe_t_sdiv, '/')

tbe_val
tbe_t_half(struct tbe_x *x, char op, tbe_val a, tbe_val b, enum tbe_type ta, enum tbe_type tb)
{
    if (!tbel_is_small(a) || !tbel_is_small(b)) {
        return dynamic(x, op, a, b);
    }
    ta = ta == TBE_UNDEF ? (enum tbe_type)a.t : ta;
    tb = tb == TBE_UNDEF ? (enum tbe_type)b.t : tb;
    return tbel_from_double(x, fold_double(op, tbel_to_double(a), tbel_to_double(b)), ta > tb ? ta :
        tb);
}

/* ---- bitwise ---- */

static bool
bit_operand(tbe_val v)
{
    return tbel_is_integral(v) || v.t == TBE_BOOL;
}

/* false: the result is null. Throws for a string that is not numeric. */
static bool
bit_check(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (bit_operand(a) && bit_operand(b)) {
        return true;
    }
    tbe_val s = tbe_is_str(a) ? a : b;
    if (tbe_is_str(s) && !tbel_numeric_text(tbe_val_str(s))) {
        struct tbe_str ta = tbel_text(x, a), tb = tbel_text(x, b);
        tbe_throw(x, "could not perform numeric operation on non-numeric types: left-type=%s; "
                  "right-type=%s [vals (%.*s, %.*s)]",
                  tbel_jclass(a), tbel_jclass(b), (int)ta.n, ta.p, (int)tb.n, tb.p);
    }
    return false;
}

static tbe_val
bit_op(struct tbe_x *x, char op, tbe_val a, tbe_val b)
{
    if (!bit_check(x, a, b)) {
        return TBE_NULL_VAL;
    }
    int64_t r = op == '&' ? a.u.i & b.u.i : op == '|' ? a.u.i | b.u.i : a.u.i ^ b.u.i;
    return a.t == TBE_LONG || b.t == TBE_LONG ? tbe_long(r) : tbe_int((int32_t)r);
}

#define BITS(fn, op) \
    tbe_val \
    fn(struct tbe_x *x, tbe_val a, tbe_val b) \
    { \
        return bit_op(x, op, a, b); \
    }
BITS(tbe_t_band, '&')
BITS(tbe_t_bor, '|')
BITS(tbe_t_bxor, '^')

/* op: < left, > right, u unsigned right. The class of the left side stays. */
static tbe_val
shift(struct tbe_x *x, char op, tbe_val a, tbe_val b)
{
    if (!bit_check(x, a, b)) {
        return TBE_NULL_VAL;
    }
    if (a.t == TBE_LONG) {
        unsigned n = (unsigned)b.u.i & 63;
        uint64_t u = (uint64_t)a.u.i;
        return tbe_long(op == '<' ? (int64_t)(u << n) : op == '>' ? a.u.i >> n : (int64_t)(u >> n));
    }
    unsigned n = (unsigned)b.u.i & 31;
    uint32_t u = (uint32_t)a.u.i;
    return tbe_int(op == '<' ? (int32_t)(u << n) : op == '>' ? (int32_t)a.u.i >> n :
        (int32_t)(u >> n));
}

tbe_val
tbe_t_shl(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return shift(x, '<', a, b);
}

tbe_val
tbe_t_shr(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return shift(x, '>', a, b);
}

tbe_val
tbe_t_ushr(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return shift(x, 'u', a, b);
}

tbe_val
tbe_t_shl_abs(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (tbel_is_integral(a) && a.u.i < 0 && a.u.i != INT64_MIN) {
        a.u.i = -a.u.i;
    }
    return shift(x, '<', a, b);
}

tbe_val
tbe_t_bnot(struct tbe_x *x, tbe_val a)
{
    if (!tbel_is_integral(a)) {
        return a.t == TBE_BOOL ? tbe_int(~(int32_t)a.u.i) :
            (bit_check(x, a, tbe_int(0)), TBE_NULL_VAL);
    }
    return a.t == TBE_LONG ? tbe_long(~a.u.i) : tbe_int((int32_t)~a.u.i);
}

/* ---- equality and order ---- */

bool
tbel_to_bool(struct tbe_x *x, tbe_val v)
{
    static const char *const no[] = { "false", "no", "off", "0", "" };
    if (v.t == TBE_BOOL) {
        return v.u.i != 0;
    }
    if (tbel_is_num(v)) {
        return tbel_to_double(v) > 0;
    }
    if (!tbe_is_str(v)) {
        tbe_throw(x, "cannot convert type: %s to: class java.lang.Boolean", tbel_jclass(v));
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (tbe_str_ieq(tbe_val_str(v), tbe_strz(no[i]))) {
            return false;
        }
    }
    return true;
}

static int
num_cmp(tbe_val a, tbe_val b) /* -1 0 1, 2 when unordered */
{
    if (tbel_is_integral(a) && tbel_is_integral(b)) {
        return (a.u.i > b.u.i) - (a.u.i < b.u.i);
    }
    double da = tbel_to_double(a), db = tbel_to_double(b);
    return da < db ? -1 : da > db ? 1 : da == db ? 0 : 2;
}

bool
tbe_t_eq_slow(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (tbel_is_num(a) && tbel_is_num(b)) {
        return num_cmp(a, b) == 0;
    }
    if (tbe_is_null(a) || tbe_is_null(b)) {
        return tbe_is_null(a) && tbe_is_null(b);
    }
    if (tbe_is_str(a) && tbe_is_str(b)) {
        return tbe_str_eq(tbe_val_str(a), tbe_val_str(b));
    }
    if (a.t == TBE_BOOL || b.t == TBE_BOOL) {
        tbe_val o = a.t == TBE_BOOL ? b : a;
        if (o.t != TBE_BOOL && !tbel_is_num(o) && !tbe_is_str(o)) {
            return false;
        }
        return tbel_to_bool(x, a) == tbel_to_bool(x, b);
    }
    if ((tbel_is_num(a) && tbe_is_str(b)) || (tbe_is_str(a) && tbel_is_num(b))) {
        tbe_val s = tbe_is_str(a) ? a : b, n = tbe_is_str(a) ? b : a;
        return tbel_numeric_text(tbe_val_str(s)) &&
               tbel_parse_text(x, tbe_val_str(s)) == tbel_to_double(n);
    }
    if ((a.t == TBE_CHAR && tbe_is_str(b)) || (b.t == TBE_CHAR && tbe_is_str(a))) {
        return tbe_str_eq(tbel_text(x, a), tbel_text(x, b));
    }
    return tbel_equals(x, a, b);
}

static void
uncomparable(struct tbe_x *x, tbe_val a, tbe_val b)
{
    struct tbe_str ta = tbel_text(x, a), tb = tbel_text(x, b);
    tbe_throw(x, "uncomparable values <<%.*s>> and <<%.*s>>", (int)ta.n, ta.p, (int)tb.n, tb.p);
}

static bool
texty(tbe_val v)
{
    return v.t == TBE_STR_T || v.t == TBE_CHAR;
}

/* -1 0 1, or 2 when every comparison is false. */
int
tbe_t_order(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (tbel_is_num(a) && tbel_is_num(b)) {
        return num_cmp(a, b);
    }
    if (tbe_is_null(a) || tbe_is_null(b)) {
        return 2;
    }
    if (texty(a) && texty(b)) {
        return tbel_cmp16(tbel_text(x, a), tbel_text(x, b));
    }
    if ((tbel_is_num(a) && tbe_is_str(b)) || (tbe_is_str(a) && tbel_is_num(b))) {
        tbe_val s = tbe_is_str(a) ? a : b;
        if (tbel_numeric_text(tbe_val_str(s))) {
            tbe_val d = tbe_double(tbel_parse_text(x, tbe_val_str(s)));
            return tbe_is_str(a) ? num_cmp(d, b) : num_cmp(a, d);
        }
    }
    if ((a.t == TBE_BOOL && (b.t == TBE_BOOL || tbel_is_num(b))) ||
        (b.t == TBE_BOOL && tbel_is_num(a))) {
        return (int)tbel_to_bool(x, a) - (int)tbel_to_bool(x, b);
    }
    if (!tbel_is_num(a) && !texty(a) && a.t != TBE_BOOL && a.t != b.t) {
        return 2;
    }
    uncomparable(x, a, b);
    return 2;
}

/* ---- conditions ---- */

bool
tbe_t_truth_slow(struct tbe_x *x, tbe_val v)
{
    if (tbe_is_null(v)) {
        tbe_throw(x, "java.lang.NullPointerException: condition is null");
    }
    tbe_throw(x, "java.lang.ClassCastException: class %s cannot be cast to class java.lang.Boolean",
              tbel_jclass(v));
}

bool
tbe_t_cond(struct tbe_x *x, tbe_val v)
{
    if (TBE_LIKELY(v.t == TBE_BOOL)) {
        return v.u.i != 0;
    }
    tbe_throw(x, "expected Boolean; but found: %s", tbel_jclass(v));
}

bool
tbe_t_empty_or(struct tbe_x *x, tbe_val v)
{
    (void)x;
    switch (v.t) {
    case TBE_UNDEF:
    case TBE_NULL:
        return true;
    case TBE_STR_T:
        return tbel_is_blank(tbe_val_str(v)) || tbe_str_eqz(tbe_val_str(v), "null");
    case TBE_LIST:
    case TBE_ARRAY:
        return v.u.l->n == 0;
    case TBE_MAP:
    case TBE_SET:
        return v.u.m->live == 0;
    default:
        return false;
    }
}

bool
tbe_t_is_empty(struct tbe_x *x, tbe_val v)
{
    switch (v.t) {
    case TBE_UNDEF:
    case TBE_NULL:
        return true;
    case TBE_BOOL:
        return v.u.i == 0;
    case TBE_STR_T:
        return tbel_is_blank(tbe_val_str(v));
    case TBE_LIST:
    case TBE_ARRAY:
        return v.u.l->n == 0;
    case TBE_SET:
        return v.u.m->live == 0;
    default:
        return tbel_is_num(v) && tbe_str_eqz(tbel_text(x, v), "0");
    }
}

void
tbe_t_assert(struct tbe_x *x, tbe_val v)
{
    if (!tbe_t_truth(x, v)) {
        tbe_throw(x, "java.lang.AssertionError: assertion failed in expression");
    }
}

tbe_val
tbe_t_concat(struct tbe_x *x, tbe_val a, tbe_val b)
{
    return concat(x, a, b);
}
