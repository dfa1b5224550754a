/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL text: building strings in the arena, Java toString, UTF-16 indexes over WTF-8, class
 * names, and the coercion of arguments (facts/tbel.md 4, 10.5, 14.3). */
#include "config.h"
#include "tbel_priv.h"

#include <math.h>
#include <string.h>

#define SB_MAX (256u << 20) /* far above the arena's limit: only guards the arithmetic */

void
tbel_sb_init(struct tbel_sb *b, struct tbe_x *x, size_t cap)
{
    cap = (cap + 15u) & ~(size_t)15;
    b->x = x;
    b->cap = cap ? cap : 16;
    b->n = 0;
    b->p = tbe_arena_alloc(x->a, b->cap);
}

static void
sb_more(struct tbel_sb *b, size_t more)
{
    struct tbe_arena *a = b->x->a;
    size_t want = b->n + more;
    if (want > SB_MAX) {
        tbe_throw_full(b->x, want);
    }
    if (b->p + b->cap == a->cur) { /* last allocation: grow in place */
        size_t add = (want - b->cap + 63u) & ~(size_t)15;
        if ((size_t)(a->end - a->cur) >= add) {
            a->cur += add;
            b->cap += add;
            return;
        }
    }
    size_t cap = b->cap * 2 > want ? b->cap * 2 : (want + 15u) & ~(size_t)15;
    char *p = tbe_arena_alloc(a, cap);
    memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
}

void
tbel_sb_put(struct tbel_sb *b, const char *p, size_t n)
{
    if (b->cap - b->n < n) {
        sb_more(b, n);
    }
    if (n > 0) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
    }
}

void
tbel_sb_c(struct tbel_sb *b, char c)
{
    tbel_sb_put(b, &c, 1);
}

void
tbel_sb_z(struct tbel_sb *b, const char *z)
{
    tbel_sb_put(b, z, strlen(z));
}

void
tbel_sb_utf8(struct tbel_sb *b, uint32_t cp)
{
    char o[4];
    size_t n;
    if (cp < 0x80) {
        o[0] = (char)cp;
        n = 1;
    } else if (cp < 0x800) {
        o[0] = (char)(0xC0 | cp >> 6);
        o[1] = (char)(0x80 | (cp & 63));
        n = 2;
    } else if (cp < 0x10000) {
        o[0] = (char)(0xE0 | cp >> 12);
        o[1] = (char)(0x80 | (cp >> 6 & 63));
        o[2] = (char)(0x80 | (cp & 63));
        n = 3;
    } else {
        o[0] = (char)(0xF0 | cp >> 18);
        o[1] = (char)(0x80 | (cp >> 12 & 63));
        o[2] = (char)(0x80 | (cp >> 6 & 63));
        o[3] = (char)(0x80 | (cp & 63));
        n = 4;
    }
    tbel_sb_put(b, o, n);
}

void
tbel_sb_unit(struct tbel_sb *b, uint32_t u)
{
    if (u >= 0xDC00 && u <= 0xDFFF && b->n >= 3) {
        const unsigned char *p = (const unsigned char *)b->p + b->n - 3;
        if (p[0] == 0xED && p[1] >= 0xA0 && p[1] <= 0xAF) { /* a high surrogate stands before */
            uint32_t hi = 0xD000u | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63u);
            b->n -= 3;
            tbel_sb_utf8(b, 0x10000 + ((hi - 0xD800) << 10) + (u - 0xDC00));
            return;
        }
    }
    tbel_sb_utf8(b, u);
}

tbe_val
tbel_sb_done(struct tbel_sb *b)
{
    struct tbe_arena *a = b->x->a;
    if (b->p + b->cap == a->cur) { /* give back what was not used */
        a->cur = b->p + ((b->n + 15u) & ~(size_t)15);
    }
    return tbel_strn(b->p, b->n);
}

static void
sb_list(struct tbel_sb *b, const struct tbe_list *l, int depth);

static void
sb_depth(struct tbel_sb *b, tbe_val v, int depth)
{
    char num[TBE_NUMTEXT];
    const struct tbe_entry *e;
    bool first = true;

    if (depth > TBEL_DEPTH) {
        tbe_throw(b->x, "java.lang.StackOverflowError: value is nested too deep");
    }
    switch (v.t) {
    case TBE_UNDEF:
    case TBE_NULL:
        tbel_sb_z(b, "null");
        return;
    case TBE_BOOL:
        tbel_sb_z(b, v.u.i ? "true" : "false");
        return;
    case TBE_CHAR:
        tbel_sb_unit(b, (uint32_t)v.u.i);
        return;
    case TBE_BYTE:
    case TBE_SHORT:
    case TBE_INT:
    case TBE_LONG:
        tbel_sb_put(b, num, tbe_long_text(v.u.i, num));
        return;
    case TBE_FLOAT:
        tbel_sb_put(b, num, tbe_float_java((float)v.u.d, num));
        return;
    case TBE_DOUBLE:
        tbel_sb_put(b, num, tbe_double_java(v.u.d, num));
        return;
    case TBE_BIGDEC:
    case TBE_BIGINT:
    case TBE_NUM:
    case TBE_STR_T:
        tbel_sb_put(b, v.u.s, v.n);
        return;
    case TBE_LIST:
    case TBE_ARRAY:
        sb_list(b, v.u.l, depth);
        return;
    case TBE_SET:
    case TBE_MAP:
        if (!tbel_is_entry(v)) {
            tbel_sb_c(b, v.t == TBE_SET ? '[' : '{');
        }
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            if (!first) {
                tbel_sb_put(b, ", ", 2);
            }
            first = false;
            sb_depth(b, e->key, depth + 1);
            if (v.t == TBE_MAP) {
                tbel_sb_c(b, '=');
                sb_depth(b, e->val, depth + 1);
            }
        }
        if (!tbel_is_entry(v)) {
            tbel_sb_c(b, v.t == TBE_SET ? ']' : '}');
        }
        return;
    case TBE_DATE: {
        tbe_val t = tbel_date_text(b->x, v);
        tbel_sb_put(b, t.u.s, t.n);
        return;
    }
    default:
        tbel_sb_z(b, tbel_jclass(v));
        return;
    }
}

static void
sb_list(struct tbel_sb *b, const struct tbe_list *l, int depth)
{
    tbel_sb_c(b, '[');
    for (uint32_t i = 0; i < l->n; i++) {
        if (i > 0) {
            tbel_sb_put(b, ", ", 2);
        }
        sb_depth(b, l->v[i], depth + 1);
    }
    tbel_sb_c(b, ']');
}

void
tbel_sb_val(struct tbel_sb *b, tbe_val v)
{
    sb_depth(b, v, 0);
}

tbe_val
tbel_text_val(struct tbe_x *x, tbe_val v)
{
    struct tbel_sb b;
    if (v.t == TBE_STR_T) {
        return v;
    }
    tbel_sb_init(&b, x, v.t < TBE_LIST ? 32 : 64);
    tbel_sb_val(&b, v);
    tbe_val r = tbel_sb_done(&b);
    r.ascii = v.t <= TBE_NUM && v.t != TBE_CHAR;
    return r;
}

struct tbe_str
tbel_text(struct tbe_x *x, tbe_val v)
{
    return tbe_val_str(tbel_text_val(x, v));
}

bool
tbel_is_blank(struct tbe_str s)
{
    while (s.n > 0 && (unsigned char)*s.p <= ' ') {
        s.p++;
        s.n--;
    }
    return s.n == 0;
}

/* ---- UTF-16 view ---- */

uint32_t
tbel_cp(const char *s, size_t n, uint32_t *len)
{
    const unsigned char *p = (const unsigned char *)s;
    uint32_t need = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    uint32_t cp = need == 1 ? p[0] : need == 2 ? p[0] & 31u : need == 3 ? p[0] & 15u : p[0] & 7u;
    if (need > n) {
        need = (uint32_t)n; /* cannot happen in well-formed values; stay inside */
    }
    for (uint32_t i = 1; i < need; i++) {
        cp = cp << 6 | (p[i] & 63u);
    }
    *len = need;
    return cp;
}

static bool
is_ascii(tbe_val s)
{
    if (s.ascii) {
        return true;
    }
    for (uint32_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.u.s[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

uint32_t
tbel_len16(tbe_val s)
{
    uint32_t n = 0;
    if (s.ascii) {
        return s.n;
    }
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.u.s[i];
        n += (c & 0xC0) != 0x80; /* lead bytes */
        n += c >= 0xF0;          /* two units */
    }
    return n;
}

/* Walks to a unit: the byte offset of the code point that holds it; *low: it is the second half. */
static uint32_t
walk16(tbe_val s, uint32_t unit, bool *low)
{
    uint32_t i = 0, u = 0;
    *low = false;
    if (is_ascii(s)) {
        return unit < s.n ? unit : s.n;
    }
    while (i < s.n && u < unit) {
        unsigned char c = (unsigned char)s.u.s[i];
        if (c >= 0xF0) {
            if (u + 1 == unit) {
                *low = true;
                return i;
            }
            u++;
        }
        u++;
        i += c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    }
    return i < s.n ? i : s.n;
}

uint32_t
tbel_off16(tbe_val s, uint32_t unit)
{
    bool low;
    return walk16(s, unit, &low);
}

int
tbel_unit_at(tbe_val s, uint32_t unit)
{
    bool low;
    uint32_t len, i = walk16(s, unit, &low);
    if (i >= s.n) {
        return -1;
    }
    uint32_t cp = tbel_cp(s.u.s + i, s.n - i, &len);
    if (cp < 0x10000) {
        return (int)cp;
    }
    cp -= 0x10000;
    return (int)(low ? 0xDC00 + (cp & 0x3FF) : 0xD800 + (cp >> 10));
}

tbe_val
tbel_sub16(struct tbe_x *x, tbe_val s, uint32_t from, uint32_t to)
{
    bool low1, low2;
    uint32_t a = walk16(s, from, &low1), b = walk16(s, to, &low2);
    if (!low1 && !low2) {
        tbe_val r = tbel_strn(s.u.s + a, b - a);
        r.ascii = s.ascii;
        return r;
    }
    struct tbel_sb sb; /* a cut inside a pair: surrogates stand alone */
    tbel_sb_init(&sb, x, 16);
    for (uint32_t i = from; i < to; i++) {
        tbel_sb_unit(&sb, (uint32_t)tbel_unit_at(s, i));
    }
    return tbel_sb_done(&sb);
}

int
tbel_cmp16(struct tbe_str a, struct tbe_str b)
{
    size_t n = a.n < b.n ? a.n : b.n, i = 0;
    while (i < n && a.p[i] == b.p[i]) {
        i++;
    }
    if (i == n) {
        return (a.n > b.n) - (a.n < b.n);
    }
    unsigned char ca = (unsigned char)a.p[i], cb = (unsigned char)b.p[i];
    /* Code points above U+FFFF (lead F0) are surrogates in UTF-16, which sort below U+E000 (lead
     * EE). */
    if ((ca >= 0xF0) != (cb >= 0xF0) && (ca >= 0xF0 ? cb : ca) >= 0xEE) {
        return ca >= 0xF0 ? -1 : 1;
    }
    return ca < cb ? -1 : 1;
}

/* ---- classes ---- */

static const char *const class_names[] = {
    [TBE_UNDEF] = "null", [TBE_NULL] = "null", [TBE_BOOL] = "java.lang.Boolean",
    [TBE_CHAR] = "java.lang.Character", [TBE_BYTE] = "java.lang.Byte",
    [TBE_SHORT] = "java.lang.Short",
    [TBE_INT] = "java.lang.Integer", [TBE_LONG] = "java.lang.Long", [TBE_FLOAT] = "java.lang.Float",
    [TBE_DOUBLE] = "java.lang.Double", [TBE_BIGDEC] = "java.math.BigDecimal",
    [TBE_BIGINT] = "java.math.BigInteger", [TBE_NUM] = "java.math.BigDecimal",
    [TBE_STR_T] = "java.lang.String", [TBE_LIST] = "java.util.ArrayList",
    [TBE_SET] = "java.util.LinkedHashSet", [TBE_MAP] = "java.util.LinkedHashMap",
    [TBE_ARRAY] = "java.util.ArrayList", [TBE_DATE] = "org.thingsboard.script.api.tbel.TbDate",
    [TBE_FUNC] = "org.mvel2.ast.FunctionInstance", [TBE_REGEX] = "java.util.regex.Pattern",
    [TBE_OBJ] = "java.lang.Object",
};

const char *
tbel_jclass(tbe_val v)
{
    return v.t <= TBE_OBJ ? class_names[v.t] : "java.lang.Object";
}

const char *
tbe_t_class(tbe_val v)
{
    const char *c = tbel_jclass(v), *dot = strrchr(c, '.');
    return dot ? dot + 1 : c;
}

void
tbel_no_method(struct tbe_x *x, const char *prefix, const char *name, size_t name_n, int argc,
               const tbe_val *argv)
{
    struct tbel_sb b;
    tbel_sb_init(&b, x, 64);
    for (int i = 0; i < argc; i++) {
        tbel_sb_z(&b, i ? ", " : "");
        tbel_sb_z(&b, tbel_jclass(argv[i]));
    }
    tbe_throw(x, "unable to resolve method: %s%s%.*s(%.*s) [arglength=%d]", prefix, *prefix ? "." :
        "",
              (int)name_n, name, (int)b.n, b.p, argc);
}

/* ---- coercion of arguments ---- */

double
tbel_arg_double(struct tbe_x *x, tbe_val v)
{
    if (tbel_is_num(v)) {
        return tbel_to_double(v);
    }
    switch (v.t) {
    case TBE_BOOL:
    case TBE_CHAR:
        return (double)v.u.i;
    case TBE_STR_T: {
        struct tbe_str s = tbe_val_str(v);
        while (s.n > 0 && (unsigned char)s.p[0] <= ' ') {
            s.p++;
            s.n--;
        }
        while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ') {
            s.n--;
        }
        return tbel_parse_text(x, s);
    }
    default:
        tbe_throw(x, "cannot convert %s to a number", tbel_jclass(v));
    }
}

int64_t
tbel_arg_long(struct tbe_x *x, tbe_val v)
{
    return v.t >= TBE_BOOL && v.t <= TBE_LONG ? v.u.i : tbel_d2l(tbel_arg_double(x, v));
}

int32_t
tbel_arg_int(struct tbe_x *x, tbe_val v)
{
    if (v.t >= TBE_BOOL && v.t <= TBE_INT) {
        return (int32_t)v.u.i;
    }
    int64_t i = tbel_arg_long(x, v);
    if (v.t == TBE_LONG && i != (int32_t)i) {
        tbe_throw(x, "cannot coerce Long to Integer since the value (%lld) exceeds that maximum precision of Integer.",
                  (long long)i);
    }
    return i > INT32_MAX ? INT32_MAX : i < INT32_MIN ? INT32_MIN : (int32_t)i;
}

bool
tbel_arg_bool(struct tbe_x *x, tbe_val v)
{
    return tbe_is_null(v) ? false : tbel_to_bool(x, v);
}

struct tbe_str
tbel_arg_str(struct tbe_x *x, tbe_val v)
{
    if (tbe_is_null(v)) {
        tbe_throw(x, "java.lang.NullPointerException: argument is null");
    }
    return tbel_text(x, v);
}
