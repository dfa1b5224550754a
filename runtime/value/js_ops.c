/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript conversions and operators. */
#include "config.h"
#include "js_room.h"

#include <string.h>

static struct tbe_str
num_text(struct tbe_x *x, double d)
{
    char *p = tbe_arena_alloc(x->a, TBE_NUMTEXT);
    return (struct tbe_str){ p, tbe_double_js(d, p) };
}

double
tbe_j_num_slow(struct tbe_x *x, tbe_val v)
{
    bool ok;
    switch (v.t) {
    case TBE_UNDEF:
        return (double)NAN;
    case TBE_NULL:
        return 0;
    case TBE_BOOL:
    case TBE_BYTE:
    case TBE_SHORT:
    case TBE_INT:
    case TBE_LONG:
        return (double)v.u.i;
    case TBE_FLOAT:
    case TBE_DOUBLE:
        return v.u.d;
    case TBE_BIGDEC:
    case TBE_BIGINT:
    case TBE_NUM:
        return tbe_parse_double(tbe_val_str(v), &ok);
    case TBE_STR_T:
        return js_text_number(tbe_val_str(v));
    case TBE_DATE:
        return ((struct js_date *)v.u.p)->t;
    default:
        return tbe_j_num(x, tbe_j_prim(x, v, false));
    }
}

bool
tbe_j_truth_slow(tbe_val v)
{
    switch (v.t) {
    case TBE_UNDEF:
    case TBE_NULL:
        return false;
    case TBE_BOOL:
    case TBE_BYTE:
    case TBE_SHORT:
    case TBE_INT:
    case TBE_LONG:
        return v.u.i != 0;
    case TBE_FLOAT:
    case TBE_DOUBLE:
        return tbe_j_num_truth(v.u.d);
    case TBE_STR_T:
        return v.n > 0;
    case TBE_NUM:
    case TBE_BIGDEC:
    case TBE_BIGINT: {
        bool ok;
        return tbe_j_num_truth(tbe_parse_double(tbe_val_str(v), &ok));
    }
    default:
        return true;
    }
}

tbe_val
tbe_j_prim(struct tbe_x *x, tbe_val v, bool hint_string)
{
    if (v.t < TBE_STR_T || v.t == TBE_STR_T) {
        return v;
    }
    if (v.t == TBE_OBJ && v.sub == JS_BOXED) {
        return ((struct js_obj *)v.u.p)->ctor;
    }
    bool text = hint_string || v.t == TBE_DATE;
    if (v.t == TBE_MAP || v.t == TBE_OBJ || x->realm != NULL) {
        for (int i = 0; i < 2; i++) {
            tbe_val f = TBE_UNDEF_VAL;
            if (js_find(x, v, (i == 0) == text ? TBE_STR("toString") : TBE_STR("valueOf"), &f) &&
                f.t == TBE_FUNC) {
                tbe_val r = tbe_j_call(x, f, v, 0, NULL);
                if (r.t <= TBE_STR_T) {
                    return r;
                }
            }
        }
    }
    switch (v.t) {
    case TBE_LIST: {
        tbe_fn *join = js_array_method(TBE_STR("join"));
        tbe_call_enter(x);
        tbe_val r = join(x, v, 0, NULL);
        tbe_call_leave(x);
        return r;
    }
    case TBE_DATE:
        return tbe_strv(js_date_to_text(x, ((struct js_date *)v.u.p)->t));
    case TBE_REGEX: {
        struct js_regex *re = v.u.p;
        return tbe_strv(tbe_arena_fmt(x->a, "/%.*s/%.*s", (int)re->source.n, re->source.p,
            (int)re->flags.n,
            re->flags.p));
    }
    case TBE_FUNC: {
        struct tbe_func *f = v.u.p;
        return tbe_strv(tbe_arena_fmt(x->a, "function %s() { [native code] }", f->name ? f->name :
            ""));
    }
    case TBE_OBJ:
        if (v.sub == JS_ERROR) {
            return tbe_strv(js_error_text(x, v));
        }
        if (v.sub == JS_CLASS && !js_callable(v)) {
            return tbe_strv(tbe_arena_fmt(x->a, "[object %s]", ((struct js_obj *)v.u.p)->cls));
        }
        if (v.sub == JS_CLASS) {
            return tbe_strv(tbe_arena_fmt(x->a, "function %s() { [native code] }",
                ((struct js_obj *)v.u.p)->cls));
        }
        if (v.sub == JS_MAPOBJ || v.sub == JS_SETOBJ) {
            return v.sub == JS_MAPOBJ ? TBE_LIT("[object Map]") : TBE_LIT("[object Set]");
        }
        return TBE_LIT("[object Object]");
    default:
        return TBE_LIT("[object Object]");
    }
}

tbe_val
tbe_j_str(struct tbe_x *x, tbe_val v)
{
    if (v.t == TBE_STR_T) {
        return v;
    }
    struct tbe_str s = tbe_j_text(x, v);
    tbe_val r = tbe_strv(s);
    r.ascii = v.t <= TBE_DOUBLE;
    return r;
}

struct tbe_str
tbe_j_text(struct tbe_x *x, tbe_val v)
{
    switch (v.t) {
    case TBE_UNDEF:
        return TBE_STR("undefined");
    case TBE_NULL:
        return TBE_STR("null");
    case TBE_BOOL:
        return v.u.i ? TBE_STR("true") : TBE_STR("false");
    case TBE_STR_T:
        return tbe_val_str(v);
    default:
        break;
    }
    if (tbe_j_is_num(v)) {
        return num_text(x, tbe_j_num(x, v));
    }
    return tbe_j_text(x, tbe_j_prim(x, v, true));
}

tbe_val
tbe_j_typeof(tbe_val v)
{
    if (tbe_j_is_num(v)) {
        return TBE_LIT("number");
    }
    switch (v.t) {
    case TBE_UNDEF:
        return TBE_LIT("undefined");
    case TBE_BOOL:
        return TBE_LIT("boolean");
    case TBE_STR_T:
        return TBE_LIT("string");
    case TBE_FUNC:
        return TBE_LIT("function");
    case TBE_OBJ:
        return v.sub == JS_CLASS && ((struct js_obj *)v.u.p)->ctor.t == TBE_FUNC ?
            TBE_LIT("function") :
            TBE_LIT("object");
    default:
        return TBE_LIT("object");
    }
}

tbe_val
tbe_j_add_slow(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (a.t > TBE_STR_T) {
        a = tbe_j_prim(x, a, false);
    }
    if (b.t > TBE_STR_T) {
        b = tbe_j_prim(x, b, false);
    }
    if (a.t == TBE_STR_T || b.t == TBE_STR_T) {
        return js_concat(x, tbe_j_str(x, a), tbe_j_str(x, b));
    }
    return tbe_double(tbe_j_num(x, a) + tbe_j_num(x, b));
}

double
tbe_j_rem(double a, double b)
{
    if (a >= 0 && b > 0 && a < 9e15 && b < 9e15 && a == (double)(int64_t)a &&
        b == (double)(int64_t)b) {
        return (double)((int64_t)a % (int64_t)b);
    }
    return fmod(a, b);
}

double
tbe_j_pow(double a, double b)
{
    if (isnan(b) || (fabs(a) == 1 && isinf(b))) {
        return (double)NAN;
    }
    return pow(a, b);
}

int32_t
tbe_j_int32(double d)
{
    if (d >= -2147483648.0 && d <= 2147483647.0) {
        return (int32_t)d;
    }
    if (isnan(d) || isinf(d)) {
        return 0;
    }
    double m = fmod(trunc(d), 4294967296.0);
    return (int32_t)(uint32_t)(m < 0 ? m + 4294967296.0 : m);
}

static bool
same_text(tbe_val a, tbe_val b)
{
    return a.n == b.n && (a.u.s == b.u.s || memcmp(a.u.s, b.u.s, a.n) == 0);
}

bool
tbe_j_seq_slow(tbe_val a, tbe_val b)
{
    if (a.t != b.t) {
        if (tbe_j_is_num(a) && tbe_j_is_num(b)) {
            return tbe_j_num(NULL, a) == tbe_j_num(NULL, b);
        }
        return false;
    }
    switch (a.t) {
    case TBE_UNDEF:
    case TBE_NULL:
        return true;
    case TBE_STR_T:
        return same_text(a, b);
    case TBE_BOOL:
        return a.u.i == b.u.i;
    case TBE_FUNC: {
        const struct tbe_func *f = a.u.p, *g = b.u.p;
        return f == g || js_same_native(f, g); /* built-in ones are made anew at each use */
    }
    default:
        return tbe_j_is_num(a) ? tbe_j_num(NULL, a) == tbe_j_num(NULL, b) : a.u.p == b.u.p;
    }
}

bool
tbe_j_eq(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (a.t <= TBE_NULL || b.t <= TBE_NULL) {
        return a.t <= TBE_NULL && b.t <= TBE_NULL;
    }
    bool oa = a.t > TBE_STR_T, ob = b.t > TBE_STR_T;
    if ((oa && ob) || a.t == b.t || (tbe_j_is_num(a) && tbe_j_is_num(b))) {
        return tbe_j_seq(x, a, b);
    }
    if (oa) {
        return tbe_j_eq(x, tbe_j_prim(x, a, false), b);
    }
    if (ob) {
        return tbe_j_eq(x, a, tbe_j_prim(x, b, false));
    }
    return tbe_j_num(x, a) == tbe_j_num(x, b);
}

int
tbe_j_order(struct tbe_x *x, tbe_val a, tbe_val b)
{
    if (a.t > TBE_STR_T) {
        a = a.t == TBE_DATE ? tbe_double(((struct js_date *)a.u.p)->t) : tbe_j_prim(x, a, false);
    }
    if (b.t > TBE_STR_T) {
        b = b.t == TBE_DATE ? tbe_double(((struct js_date *)b.u.p)->t) : tbe_j_prim(x, b, false);
    }
    if (a.t == TBE_STR_T && b.t == TBE_STR_T) {
        return js_compare_text(a, b);
    }
    double p = tbe_j_num(x, a), q = tbe_j_num(x, b);
    return p < q ? -1 : p > q ? 1 : p == q ? 0 : 2;
}

double
js_to_int(struct tbe_x *x, tbe_val v)
{
    double d = tbe_j_num(x, v);
    return isnan(d) ? 0 : trunc(d);
}

double
js_clamp(struct tbe_x *x, tbe_val v, double n, double missing)
{
    if (v.t == TBE_UNDEF) {
        return missing;
    }
    double d = js_to_int(x, v);
    d = d < 0 ? d + n : d;
    return d < 0 ? 0 : d > n ? n : d;
}

/* ---- text to number ---- */

struct tbe_str
js_trim(struct tbe_str s, bool start, bool end)
{
    uint32_t len;
    while (start && s.n > 0) {
        uint32_t c = js_decode(s.p, (uint32_t)s.n, &len);
        if (!(c == ' ' || (c >= 9 && c <= 13) || c == 0xA0 || c == 0xFEFF || c == 0x1680 ||
            (c >= 0x2000 && c <= 0x200A) ||
                c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000)) {
            break;
        }
        s.p += len;
        s.n -= len;
    }
    while (end && s.n > 0) {
        size_t k = s.n - 1;
        while (k > 0 && ((unsigned char)s.p[k] & 0xC0) == 0x80) {
            k--;
        }
        struct tbe_str last = { s.p + k, s.n - k };
        if (js_trim(last, true, false).n > 0) {
            break;
        }
        s.n = k;
    }
    return s;
}

static double
radix_text(struct tbe_str s, int radix)
{
    double v = 0;
    if (s.n == 0) {
        return (double)NAN;
    }
    for (size_t i = 0; i < s.n; i++) {
        int c = s.p[i], d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 :
            c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
        if (d >= radix) {
            return (double)NAN;
        }
        v = v * radix + d;
    }
    return v;
}

/* The longest decimal literal at the start of s, in bytes; 0 = none. */
static size_t
decimal_prefix(struct tbe_str s)
{
    size_t i = 0, digits = 0;
    if (i < s.n && (s.p[i] == '+' || s.p[i] == '-')) {
        i++;
    }
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
        digits++;
    }
    if (i < s.n && s.p[i] == '.') {
        size_t dot = i++;
        for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
            digits++;
        }
        if (digits == 0) {
            return 0;
        }
        (void)dot;
    }
    if (digits == 0) {
        return 0;
    }
    if (i < s.n && (s.p[i] | 32) == 'e') {
        size_t k = i + 1;
        if (k < s.n && (s.p[k] == '+' || s.p[k] == '-')) {
            k++;
        }
        if (k < s.n && s.p[k] >= '0' && s.p[k] <= '9') {
            for (i = k; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
            }
        }
    }
    return i;
}

/* A decimal literal in JavaScript's spelling (".5", "5.", "+5") through the strict parser. */
static double
decimal(struct tbe_str s)
{
    char buf[800];
    size_t n = 0;
    bool neg = s.p[0] == '-';
    size_t i = s.p[0] == '-' || s.p[0] == '+' ? 1 : 0;
    if (s.p[i] == '.') {
        buf[n++] = '0';
    }
    while (i + 1 < s.n && s.p[i] == '0' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9') {
        i++;
    }
    for (; i < s.n && n < sizeof(buf); i++) {
        bool lone = s.p[i] == '.' && (i + 1 == s.n || s.p[i + 1] < '0' || s.p[i + 1] > '9');
        if (!lone) {
            buf[n++] = s.p[i];
        }
    }
    bool ok;
    struct tbe_str t = { buf, n };
    double d = tbe_parse_double(t, &ok);
    return !ok ? (double)NAN : neg ? -d : d;
}

double
js_text_number(struct tbe_str s)
{
    s = js_trim(s, true, true);
    if (s.n == 0) {
        return 0;
    }
    if (s.n > 2 && s.p[0] == '0') {
        int k = s.p[1] | 32;
        if (k == 'x' || k == 'o' || k == 'b') {
            return radix_text((struct tbe_str){ s.p + 2, s.n - 2 }, k == 'x' ? 16 : k == 'o' ? 8 :
                2);
        }
    }
    if (tbe_str_eqz(s, "Infinity") || tbe_str_eqz(s, "+Infinity")) {
        return (double)INFINITY;
    }
    if (tbe_str_eqz(s, "-Infinity")) {
        return -(double)INFINITY;
    }
    return decimal_prefix(s) == s.n ? decimal(s) : (double)NAN;
}

tbe_val
tbe_j_parse_float(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val v = js_arg(argc, argv, 0);
    if (v.t == TBE_DOUBLE && (v.u.d != 0)) {
        return v;
    }
    struct tbe_str s = js_trim(tbe_j_text(x, v), true, false);
    size_t n = decimal_prefix(s);
    if (n > 0) {
        return tbe_double(decimal((struct tbe_str){ s.p, n }));
    }
    bool sign = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    struct tbe_str r = { s.p + sign, s.n - sign };
    if (r.n >= 8 && memcmp(r.p, "Infinity", 8) == 0) {
        return tbe_double(sign && s.p[0] == '-' ? -(double)INFINITY : (double)INFINITY);
    }
    return tbe_double((double)NAN);
}

tbe_val
tbe_j_parse_int(struct tbe_x *x, int argc, const tbe_val *argv)
{
    struct tbe_str s = js_trim(tbe_j_text(x, js_arg(argc, argv, 0)), true, false);
    int radix = tbe_j_int32(tbe_j_num(x, js_arg(argc, argv, 1)));
    bool neg = s.n > 0 && s.p[0] == '-';
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0, n = 0;
    bool hex = s.n >= i + 2 && s.p[i] == '0' && (s.p[i + 1] | 32) == 'x';
    if (radix != 0 && (radix < 2 || radix > 36)) {
        return tbe_double((double)NAN);
    }
    if (hex && (radix == 0 || radix == 16)) {
        i += 2;
        radix = 16;
    }
    radix = radix == 0 ? 10 : radix;
    for (; i + n < s.n; n++) {
        if (isnan(radix_text((struct tbe_str){ s.p + i + n, 1 }, radix))) {
            break;
        }
    }
    struct tbe_str d = { s.p + i, n };
    double v = n == 0 ? (double)NAN : radix == 10 ? decimal(d) : radix_text(d, radix);
    return tbe_double(neg ? -v : v);
}
