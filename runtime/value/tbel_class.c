/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL class names: casts, instanceof, constructors, arrays, constants, and the word operators
 * (facts/tbel.md 6, 10.4, 11). */
#include "config.h"
#include "tbel_priv.h"

#include <math.h>
#include <string.h>

enum cls {
    C_NONE, C_INT, C_LONG, C_DOUBLE, C_FLOAT, C_SHORT, C_BYTE, C_CHAR, C_BOOL, C_STRING, C_CHARSEQ,
        C_NUMBER,
    C_OBJECT, C_DATE, C_LIST, C_MAP, C_SET, C_COLLECTION, C_BIGDEC, C_BIGINT, C_TREEMAP
};
static const struct {
    const char *name;
    enum cls cls;
    bool primitive;
} classes[] = {
    { "int", C_INT, true }, { "Integer", C_INT, false }, { "long", C_LONG, true },
    { "Long", C_LONG, false },
    { "double", C_DOUBLE, true }, { "Double", C_DOUBLE, false }, { "float", C_FLOAT, true },
    { "Float", C_FLOAT, false }, { "short", C_SHORT, true }, { "Short", C_SHORT, false },
    { "byte", C_BYTE, true }, { "Byte", C_BYTE, false }, { "char", C_CHAR, true },
    { "Character", C_CHAR, false }, { "boolean", C_BOOL, true }, { "Boolean", C_BOOL, false },
    { "String", C_STRING, false }, { "CharSequence", C_CHARSEQ, false },
    { "Number", C_NUMBER, false },
    { "Object", C_OBJECT, false }, { "Date", C_DATE, false }, { "java.util.List", C_LIST, false },
    { "java.util.ArrayList", C_LIST, false }, { "java.util.LinkedList", C_LIST, false },
    { "java.util.Map", C_MAP, false }, { "java.util.HashMap", C_MAP, false },
    { "java.util.LinkedHashMap", C_MAP, false }, { "java.util.TreeMap", C_TREEMAP, false },
    { "java.util.Set", C_SET, false }, { "java.util.HashSet", C_SET, false },
    { "java.util.LinkedHashSet", C_SET, false }, { "java.util.Collection", C_COLLECTION, false },
    { "java.util.Date", C_DATE, false },
};

static enum cls
class_by_name(struct tbe_str name)
{
    if (name.n > 10 && memcmp(name.p, "java.lang.", 10) == 0) {
        name.p += 10;
        name.n -= 10;
    }
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (tbe_str_eqz(name, classes[i].name)) {
            return classes[i].cls;
        }
    }
    return C_NONE;
}

static enum cls
class_of_value(tbe_val v)
{
    static const uint8_t of[] = {
        [TBE_BOOL] = C_BOOL, [TBE_CHAR] = C_CHAR, [TBE_BYTE] = C_BYTE, [TBE_SHORT] = C_SHORT,
        [TBE_INT] = C_INT, [TBE_LONG] = C_LONG, [TBE_FLOAT] = C_FLOAT, [TBE_DOUBLE] = C_DOUBLE,
        [TBE_BIGDEC] = C_BIGDEC, [TBE_BIGINT] = C_BIGINT, [TBE_NUM] = C_BIGDEC,
        [TBE_STR_T] = C_STRING,
        [TBE_LIST] = C_LIST, [TBE_SET] = C_SET, [TBE_MAP] = C_MAP, [TBE_DATE] = C_DATE,
        [TBE_OBJ] = C_NONE,
    };
    return of[v.t];
}

bool
tbe_t_instanceof(struct tbe_x *x, tbe_val v, struct tbe_str name)
{
    enum cls c = class_by_name(name), k = class_of_value(v);
    if (c == C_NONE) {
        struct tbe_str head = name;
        for (size_t i = 0; i < name.n; i++) {
            if (name.p[i] == '.') {
                head.n = i;
                break;
            }
        }
        tbe_t_unresolved(x, head);
    }
    if (tbe_is_null(v)) {
        return false;
    }
    switch (c) {
    case C_OBJECT:
        return true;
    case C_NUMBER:
        return tbel_is_num(v);
    case C_CHARSEQ:
        return k == C_STRING;
    case C_COLLECTION:
        return k == C_LIST || k == C_SET;
    default:
        return c == k;
    }
}

bool
tbe_t_convertable(struct tbe_x *x, tbe_val v, struct tbe_str name)
{
    enum cls c = class_by_name(name);
    if (c == C_NONE) {
        tbe_t_unresolved(x, name);
    }
    if (tbe_is_null(v)) {
        return false;
    }
    if (c == C_STRING || c == C_OBJECT || c == class_of_value(v)) {
        return true;
    }
    return c <= C_STRING && (tbel_is_num(v) || v.t == TBE_BOOL || v.t == TBE_CHAR ||
        v.t == TBE_STR_T);
}

static tbe_val
to_char(struct tbe_x *x, tbe_val v)
{
    if (v.t == TBE_STR_T) {
        if (v.n == 0 || tbel_len16(v) > 1) {
            tbe_throw(x, "cannot convert a string with a length greater than 1 to java.lang.Character");
        }
        return tbel_typed(TBE_CHAR, tbel_unit_at(v, 0));
    }
    return tbel_typed(TBE_CHAR, (uint16_t)tbel_arg_long(x, v));
}

tbe_val
tbe_t_cast(struct tbe_x *x, struct tbe_str type, tbe_val v)
{
    if (tbe_is_null(v)) {
        return TBE_NULL_VAL;
    }
    switch (class_by_name(type)) {
    case C_INT:
        if (v.t == TBE_STR_T && !tbel_numeric_text(tbe_val_str(v))) {
            tbe_throw(x, "For input string: \"%.*s\"", (int)v.n, v.u.s);
        }
        return tbe_int(tbel_arg_int(x, v));
    case C_LONG:
        return tbe_long(tbel_arg_long(x, v));
    case C_DOUBLE:
        return tbe_double(tbel_arg_double(x, v));
    case C_FLOAT:
        return v.t == TBE_FLOAT ? v : tbel_float(tbel_arg_double(x, v));
    case C_SHORT:
        return tbel_typed(TBE_SHORT, (int16_t)tbel_arg_long(x, v));
    case C_BYTE:
        return tbel_typed(TBE_BYTE, (int8_t)tbel_arg_long(x, v));
    case C_CHAR:
        return v.t == TBE_CHAR ? v : to_char(x, v);
    case C_BOOL:
        return tbe_bool(tbel_to_bool(x, v));
    case C_STRING:
        return tbel_text_val(x, v);
    case C_NONE:
        tbe_throw(x, "could not resolve class: %.*s", (int)type.n, type.p);
    default:
        return v;
    }
}

/* ---- construction ---- */

static uint8_t
element_type(struct tbe_str type)
{
    static const uint8_t of[] = {
        [C_INT] = TBE_INT, [C_LONG] = TBE_LONG, [C_DOUBLE] = TBE_DOUBLE, [C_FLOAT] = TBE_FLOAT,
        [C_SHORT] = TBE_SHORT, [C_BYTE] = TBE_BYTE, [C_CHAR] = TBE_CHAR, [C_BOOL] = TBE_BOOL,
    };
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (classes[i].primitive && tbe_str_eqz(type, classes[i].name)) {
            return of[classes[i].cls];
        }
    }
    return 0;
}

static void
array_limit(struct tbe_x *x, uint8_t type, int64_t n)
{
    static const uint8_t bytes[] = { [TBE_BOOL] = 1, [TBE_CHAR] = 1, [TBE_BYTE] = 1,
        [TBE_SHORT] = 2,
                                     [TBE_INT] = 4, [TBE_LONG] = 8, [TBE_FLOAT] = 4,
                                     [TBE_DOUBLE] = 8 };
    if (n < 0) {
        tbe_throw(x, "java.lang.NegativeArraySizeException: %lld", (long long)n);
    }
    if (n * bytes[type] > TBE_T_MAX_STRING) {
        tbe_throw(x, "Max array length overflow (%lld > %d)!", (long long)n * bytes[type],
            TBE_T_MAX_STRING);
    }
}

tbe_val
tbe_t_new_array(struct tbe_x *x, struct tbe_str type, tbe_val size)
{
    uint8_t t = element_type(type);
    if (t == 0) {
        tbe_throw(x, "Unsupported array type: class java.lang.%.*s", (int)type.n, type.p);
    }
    int64_t n = tbel_arg_long(x, size);
    array_limit(x, t, n);
    tbe_val zero = t == TBE_FLOAT || t == TBE_DOUBLE ? tbe_double(0) : tbe_int(0);
    zero.t = t;
    tbe_val l = tbe_list_new(x->a, (uint32_t)n);
    for (int64_t i = 0; i < n; i++) {
        tbe_list_push(x->a, l.u.l, zero);
    }
    l.t = TBE_ARRAY;
    l.sub = t;
    return l;
}

tbe_val
tbe_t_array_of(struct tbe_x *x, struct tbe_str type, int n, const tbe_val *v)
{
    uint8_t t = element_type(type);
    if (t == 0) { /* object arrays behave as lists */
        return tbe_t_list(x, n, v);
    }
    tbe_val l = tbe_t_new_array(x, type, tbe_int(n));
    for (int i = 0; i < n; i++) {
        if (v[i].t != t) {
            tbe_throw(x, "expected type: %.*s; but found: %s", (int)type.n, type.p,
                tbel_jclass(v[i]));
        }
        l.u.l->v[i] = v[i];
    }
    return l;
}

static tbe_val
new_collection(struct tbe_x *x, enum cls c, int argc, const tbe_val *argv)
{
    tbe_val r = c == C_LIST ? tbe_list_new(x->a, 4) : c == C_SET ? tbe_set_new(x->a, 4) :
        tbe_map_new(x->a, 4);
    if (argc > 0 && (tbel_is_list(argv[0]) || argv[0].t == TBE_SET || argv[0].t == TBE_MAP)) {
        tbe_t_method(x, r, c == C_MAP || c == C_TREEMAP ? TBE_STR("putAll") :
            TBE_STR("addAll"), 1, argv);
    }
    return r;
}

tbe_val
tbe_t_new(struct tbe_x *x, struct tbe_str name, int argc, const tbe_val *argv)
{
    enum cls c = class_by_name(name);
    switch (c) {
    case C_DATE:
        return tbe_t_date_new(x, argc, argv);
    case C_LIST:
    case C_SET:
    case C_MAP:
    case C_TREEMAP:
        return new_collection(x, c, argc, argv);
    case C_STRING:
        return argc == 0 ? tbel_ascii("", 0) : tbel_text_val(x, argv[0]);
    case C_INT:
    case C_LONG:
    case C_DOUBLE:
    case C_FLOAT:
    case C_SHORT:
    case C_BYTE:
    case C_BOOL:
        if (argc == 1) {
            return tbe_t_cast(x, name, argv[0]);
        }
        tbe_throw(x, "unable to find constructor for: java.lang.%.*s", (int)name.n, name.p);
    case C_OBJECT:
        return tbe_map_new(x->a, 0);
    default:
        tbe_throw(x, "could not resolve class: %.*s", (int)name.n, name.p);
    }
}

/* ---- constants ---- */

static const struct {
    const char *cls, *name;
    uint8_t t;
    int64_t i;
    double d;
} constants[] = {
    { "Math", "PI", TBE_DOUBLE, 0, 3.141592653589793 },
    { "Math", "E", TBE_DOUBLE, 0, 2.718281828459045 },
    { "StrictMath", "PI", TBE_DOUBLE, 0, 3.141592653589793 },
    { "StrictMath", "E", TBE_DOUBLE, 0, 2.718281828459045 },
    { "Integer", "MAX_VALUE", TBE_INT, INT32_MAX, 0 },
    { "Integer", "MIN_VALUE", TBE_INT, INT32_MIN, 0 },
    { "Integer", "SIZE", TBE_INT, 32, 0 },
    { "Integer", "BYTES", TBE_INT, 4, 0 },
    { "Long", "MAX_VALUE", TBE_LONG, INT64_MAX, 0 },
    { "Long", "MIN_VALUE", TBE_LONG, INT64_MIN, 0 },
    { "Long", "SIZE", TBE_INT, 64, 0 },
    { "Long", "BYTES", TBE_INT, 8, 0 },
    { "Short", "MAX_VALUE", TBE_SHORT, INT16_MAX, 0 },
    { "Short", "MIN_VALUE", TBE_SHORT, INT16_MIN, 0 },
    { "Byte", "MAX_VALUE", TBE_BYTE, INT8_MAX, 0 },
    { "Byte", "MIN_VALUE", TBE_BYTE, INT8_MIN, 0 },
    { "Double", "MAX_VALUE", TBE_DOUBLE, 0, 1.7976931348623157E308 },
    { "Double", "MIN_VALUE", TBE_DOUBLE, 0, 4.9406564584124654E-324 },
    { "Double", "POSITIVE_INFINITY", TBE_DOUBLE, 0, INFINITY },
    { "Double", "NEGATIVE_INFINITY", TBE_DOUBLE, 0, -INFINITY },
    { "Double", "NaN", TBE_DOUBLE, 0, NAN },
    { "Float", "MAX_VALUE", TBE_FLOAT, 0, 3.4028234663852886e+38 },
    { "Float", "MIN_VALUE", TBE_FLOAT, 0, 1.401298464324817e-45 },
    { "Float", "POSITIVE_INFINITY", TBE_FLOAT, 0, INFINITY },
    { "Float", "NEGATIVE_INFINITY", TBE_FLOAT, 0, -INFINITY },
    { "Float", "NaN", TBE_FLOAT, 0, NAN },
    { "Boolean", "TRUE", TBE_BOOL, 1, 0 },
    { "Boolean", "FALSE", TBE_BOOL, 0, 0 },
};

tbe_val
tbe_t_const(struct tbe_x *x, struct tbe_str cls, struct tbe_str name)
{
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        if (tbe_str_eqz(cls, constants[i].cls) && tbe_str_eqz(name, constants[i].name)) {
            tbe_val v = { .t = constants[i].t, .u = { .i = constants[i].i } };
            if (v.t == TBE_FLOAT || v.t == TBE_DOUBLE) {
                v.u.d = constants[i].d;
            }
            return v;
        }
    }
    tbe_throw(x, "could not access: %.*s; in class: java.lang.Class", (int)name.n, name.p);
}

/* ---- word operators ---- */

bool
tbe_t_contains(struct tbe_x *x, tbe_val a, tbe_val b)
{
    switch (a.t) {
    case TBE_STR_T: {
        struct tbe_str s = tbe_val_str(a), t = tbel_text(x, b);
        return t.n == 0 || memmem(s.p, s.n, t.p, t.n) != NULL;
    }
    case TBE_LIST:
    case TBE_ARRAY:
        for (uint32_t i = 0; i < a.u.l->n; i++) {
            if (tbel_equals(x, a.u.l->v[i], b)) {
                return true;
            }
        }
        return false;
    case TBE_MAP:
    case TBE_SET:
        return tbe_map_find(a.u.m, b) != NULL;
    default:
        return false;
    }
}

bool
tbe_t_match(struct tbe_x *x, tbe_val a, tbe_val re)
{
    struct tbe_str s = tbel_text(x, a);
    return tbel_regex_full(x, tbel_regex_get(x, tbel_arg_str(x, re)), s);
}

/* Soundex digits, at most four: zeros are skipped, and a letter equal to the one before it. */
static size_t
soundex(struct tbe_str s, char out[4])
{
    static const char code[] = "01230120022455012623010202";
    size_t n = 0;
    char last = 0;
    for (size_t i = 0; i < s.n && n < 4; i++) {
        char c = s.p[i];
        c = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        if (c < 'A' || c > 'Z' || c == last) {
            last = c;
            continue;
        }
        last = c;
        if (code[c - 'A'] != '0') {
            out[n++] = code[c - 'A'];
        }
    }
    return n;
}

bool
tbe_t_soundslike(struct tbe_x *x, tbe_val a, tbe_val b)
{
    char ca[4], cb[4];
    size_t na = soundex(tbel_text(x, a), ca), nb = soundex(tbel_text(x, b), cb);
    return na == nb && memcmp(ca, cb, na) == 0;
}

tbe_val
tbe_t_strsim(struct tbe_x *x, tbe_val a, tbe_val b)
{
    tbe_val sa = tbel_text_val(x, a), sb = tbel_text_val(x, b);
    uint32_t na = tbel_len16(sa), nb = tbel_len16(sb), max = na > nb ? na : nb, same = 0;
    for (uint32_t i = 0; i < na && i < nb; i++) {
        tbe_burn(x);
        same += tbel_unit_at(sa, i) == tbel_unit_at(sb, i);
    }
    return tbel_float(max == 0 ? 1.0 : (double)same / max);
}
