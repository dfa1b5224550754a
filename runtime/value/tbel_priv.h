/* SPDX-License-Identifier: Apache-2.0 */
/* What the TBEL files of this room share: number classes, text in the arena, coercions of
 * arguments. */
#ifndef TBEL_PRIV_H
#define TBEL_PRIV_H

#include "tbe/tbel.h"

#define TBEL_DEPTH 200 /* nesting of values that text, equality and results follow */

static inline bool
tbel_is_num(tbe_val v) /* a Java Number, BigDecimal and BigInteger included */
{
    return v.t >= TBE_BYTE && v.t <= TBE_NUM;
}
static inline bool
tbel_is_integral(tbe_val v)
{
    return v.t >= TBE_BYTE && v.t <= TBE_LONG;
}
static inline bool
tbel_is_small(tbe_val v) /* integral, float or double: no text behind it */
{
    return v.t >= TBE_BYTE && v.t <= TBE_DOUBLE;
}
static inline bool
tbel_is_list(tbe_val v) /* anything with struct tbe_list */
{
    return v.t == TBE_LIST || v.t == TBE_ARRAY;
}
static inline bool
tbel_is_entry(tbe_val v)
{
    return v.t == TBE_MAP && (v.flags & TBE_T_ENTRY);
}
static inline tbe_val
tbel_typed(enum tbe_type t, int64_t i)
{
    return (tbe_val){ .t = (uint8_t)t, .u = { .i = i } };
}
static inline tbe_val
tbel_float(double d)
{
    return (tbe_val){ .t = TBE_FLOAT, .u = { .d = (double)(float)d } };
}
static inline tbe_val
tbel_strn(const char *p, size_t n)
{
    return (tbe_val){ .t = TBE_STR_T, .n = (uint32_t)n, .u = { .s = p ? p : "" } };
}
static inline tbe_val
tbel_ascii(const char *p, size_t n)
{
    return (tbe_val){ .t = TBE_STR_T, .ascii = 1, .n = (uint32_t)n, .u = { .s = p ? p : "" } };
}

/* Text under construction in the arena. It grows in place while it is the arena's last
 * allocation. */
struct tbel_sb {
    struct tbe_x *x;
    char *p;
    size_t n, cap;
};
void tbel_sb_init(struct tbel_sb *b, struct tbe_x *x, size_t cap);
void tbel_sb_put(struct tbel_sb *b, const char *p, size_t n);
void tbel_sb_c(struct tbel_sb *b, char c);
void tbel_sb_z(struct tbel_sb *b, const char *z);
void tbel_sb_utf8(struct tbel_sb *b, uint32_t cp);
/* UTF-16 unit; joins a pending high surrogate */
void tbel_sb_unit(struct tbel_sb *b, uint32_t unit);
void tbel_sb_val(struct tbel_sb *b, tbe_val v);      /* Java toString */
tbe_val tbel_sb_done(struct tbel_sb *b);             /* as string value */
struct tbe_str tbel_text(struct tbe_x *x, tbe_val v); /* toString; borrows when v is a string */
tbe_val tbel_text_val(struct tbe_x *x, tbe_val v);

/* Numbers. */
double tbel_to_double(tbe_val v);                             /* v is a number */
int64_t tbel_d2l(double d);                                   /* Java (long) */
int32_t tbel_d2i(double d);                                   /* Java (int) */
int64_t tbel_to_long(tbe_val v);                              /* v is a number: longValue() */
tbe_val tbel_from_double(struct tbe_x *x, double d, enum tbe_type t); /* Java cast */
bool tbel_is_blank(struct tbe_str s);                          /* nothing above space */
bool tbel_numeric_text(struct tbe_str s);                     /* -?digits[.digits] */
double tbel_parse_text(struct tbe_x *x, struct tbe_str s);    /* or throws For input string */
tbe_val tbel_big_op(struct tbe_x *x, char op, tbe_val a, tbe_val b); /* one side BIGDEC or BIGINT */
tbe_val tbel_arith(struct tbe_x *x, char op, tbe_val a, tbe_val b);  /* + - * / % and p for ** */
void tbel_by_zero(struct tbe_x *x) TBE_NORETURN;

/* Coercion of an argument to a parameter type (10.5), or an error. */
int32_t tbel_arg_int(struct tbe_x *x, tbe_val v);
int64_t tbel_arg_long(struct tbe_x *x, tbe_val v);
double tbel_arg_double(struct tbe_x *x, tbe_val v);
bool tbel_arg_bool(struct tbe_x *x, tbe_val v);
struct tbe_str tbel_arg_str(struct tbe_x *x, tbe_val v); /* null throws */
bool tbel_to_bool(struct tbe_x *x, tbe_val v);           /* the conversion of section 6 */

/* UTF-16 view of WTF-8 strings. */
uint32_t tbel_len16(tbe_val s);
uint32_t tbel_off16(tbe_val s, uint32_t unit); /* byte offset of a unit; splits no pair */
int tbel_unit_at(tbe_val s, uint32_t unit);    /* the unit, or -1 past the end */
tbe_val tbel_sub16(struct tbe_x *x, tbe_val s, uint32_t from, uint32_t to);
uint32_t tbel_cp(const char *p, size_t n, uint32_t *len); /* decodes one code point */
int tbel_cmp16(struct tbe_str a, struct tbe_str b);       /* String.compareTo's sign */

/* Map keys and elements (classes are exact). */
bool tbel_equals(struct tbe_x *x, tbe_val a, tbe_val b); /* Java equals, depth bound */
tbe_val tbel_map_at(tbe_val map, tbe_val key);           /* null when absent */
void tbel_map_set(struct tbe_x *x, tbe_val map, tbe_val key, tbe_val v); /* null removes */
tbe_val tbel_entry(struct tbe_x *x, tbe_val k, tbe_val v);
void tbel_list_check(struct tbe_x *x, tbe_val l); /* throws when unmodifiable */
tbe_val tbel_bytes_list(struct tbe_x *x, const uint8_t *p, size_t n);
void tbel_sort(struct tbe_x *x, tbe_val *v, uint32_t n, bool asc); /* numbers when all texts are */
void tbel_sort_pairs(struct tbe_x *x, tbe_val *kv, uint32_t n, bool by_value, bool asc);
tbe_val tbel_set_of(struct tbe_x *x, tbe_val list);

enum { TBEL_OBJ_ITER = 1, TBEL_OBJ_B64_ENC, TBEL_OBJ_B64_DEC }; /* tbe_val.sub of TBE_OBJ */

/* Method tables, one per class; name sorted. */
typedef tbe_val tbel_method(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv);
struct tbel_mdef {
    const char *name;
    int8_t min, max; /* arguments */
    tbel_method *fn;
};
struct tbel_class {
    const struct tbel_mdef *m;
    size_t n;
};
extern const struct tbel_class tbel_list_class, tbel_map_class, tbel_set_class, tbel_string_class,
    tbel_date_class, tbel_entry_class, tbel_number_class, tbel_object_class;
const struct tbel_mdef *tbel_find_method(const struct tbel_class *c, struct tbe_str name, int argc);
const char *tbel_jclass(tbe_val v); /* java.lang.Integer ... */
void tbel_no_method(struct tbe_x *x, const char *prefix, const char *name, size_t name_n, int argc,
                    const tbe_val *argv) TBE_NORETURN;

/* Regular expressions of Java, by PCRE2; compiled ones are cached. */
struct tbel_regex;
struct tbel_regex *tbel_regex_get(struct tbe_x *x, struct tbe_str pattern); /* or throws */
bool tbel_regex_full(struct tbe_x *x, struct tbel_regex *re, struct tbe_str s);
/* The first match at or after `from`: true and the group offsets in ov (2 per group, at most
 * max). */
bool tbel_regex_find(struct tbe_x *x, struct tbel_regex *re, struct tbe_str s, size_t from,
    size_t *ov,
                     uint32_t max, uint32_t *groups);

/* Dates. */
tbe_val tbel_date_text(struct tbe_x *x, tbe_val d); /* toString */
/* String.format */
tbe_val tbel_format(struct tbe_x *x, tbe_val fmt, int argc, const tbe_val *argv);
tbe_val tbel_b64(struct tbe_x *x, const uint8_t *p, size_t n);

#endif
