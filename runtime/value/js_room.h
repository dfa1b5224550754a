/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the JavaScript run time share. */
#ifndef JS_ROOM_H
#define JS_ROOM_H

#include "tbe/js.h"

#define JS_MAX_STRING (4u << 20) /* bytes */
#define JS_MAX_ARRAY 1000000u    /* elements an index may make */
#define JS_LIST_MATCH 0x100u     /* tbe_list.flags: a struct js_match */

enum js_obj_kind { JS_ERROR, JS_MAPOBJ, JS_SETOBJ, JS_INSTANCE, JS_CLASS, JS_BOXED };

struct js_obj { /* u.p of TBE_OBJ; sub is the kind */
    struct tbe_map *props;
    const char *cls;
    tbe_val ctor;  /* INSTANCE: its constructor; BOXED: the value */
    tbe_val items; /* MAPOBJ: list of [key, value] lists; SETOBJ: list of values. Removed ones are holes */
};

struct js_date {
    double t; /* ms since 1970 UTC, or NaN */
};

struct js_match { /* the list exec and match give */
    struct tbe_list l;
    double index;
    tbe_val input, groups;
};

struct js_regex {
    const void *code; /* pcre2_code */
    struct tbe_str source, flags;
    bool global, sticky;
    double last_index;
};

struct js_method {
    const char *name;
    tbe_fn *fn;
};

static inline tbe_val
js_arg(int argc, const tbe_val *argv, int i)
{
    return i < argc ? argv[i] : TBE_UNDEF_VAL;
}
static inline tbe_val
js_hole(tbe_val v) /* a hole reads as undefined */
{
    return v.t == TBE_UNDEF ? TBE_UNDEF_VAL : v;
}
double js_to_int(struct tbe_x *x, tbe_val v); /* ToIntegerOrInfinity */
/* A relative index of slice and friends, clamped to [0, n]. */
double js_clamp(struct tbe_x *x, tbe_val v, double n, double missing);

/* js_text.c: strings with UTF-16 semantics over UTF-8. */
bool js_ascii(tbe_val s);
uint32_t js_units(tbe_val s);                                    /* length in UTF-16 units */
tbe_val js_sub(struct tbe_x *x, tbe_val s, uint32_t from, uint32_t to); /* by units; from <= to <= length */
int js_unit_at(tbe_val s, uint32_t i);                           /* UTF-16 unit, -1 past the end */
uint32_t js_unit_of_byte(tbe_val s, uint32_t byte);
uint32_t js_byte_of_unit(tbe_val s, uint32_t unit);
tbe_val js_concat(struct tbe_x *x, tbe_val a, tbe_val b);
tbe_val js_copy_text(struct tbe_x *x, struct tbe_str s);
tbe_val js_from_buf(struct tbe_x *x, struct tbe_buf *b); /* copies and frees b */
int js_compare_text(tbe_val a, tbe_val b);                       /* by UTF-16 units */
void js_put_utf8(struct tbe_buf *b, uint32_t cp);
uint32_t js_decode(const char *p, uint32_t n, uint32_t *len);    /* code point at p */
double js_text_number(struct tbe_str s);                         /* ToNumber of a string */
bool js_index_key(struct tbe_str key, uint32_t *i);              /* "12" is an array index */
struct tbe_str js_trim(struct tbe_str s, bool start, bool end);

/* Own enumerable keys in JavaScript's order, as a list of strings. */
tbe_val js_keys(struct tbe_x *x, tbe_val o);
struct tbe_map *js_props(tbe_val o); /* property table of a MAP, OBJ or FUNC; NULL = none */
tbe_val js_error(struct tbe_x *x, const char *cls, struct tbe_str msg);
tbe_val js_obj_new(struct tbe_x *x, enum js_obj_kind k, const char *cls);
tbe_val js_native(struct tbe_x *x, const char *name, tbe_fn *fn, tbe_val bound);
struct tbe_str js_error_text(struct tbe_x *x, tbe_val e); /* "TypeError: ..." */

/* Method tables, sorted by name; NULL when the class has no such method. */
tbe_fn *js_find_method(const struct js_method *t, size_t n, struct tbe_str name);
tbe_fn *js_string_method(struct tbe_str name);
tbe_fn *js_array_method(struct tbe_str name);
tbe_fn *js_number_method(struct tbe_str name);
tbe_fn *js_object_method(struct tbe_str name);
tbe_fn *js_date_method(struct tbe_str name);
tbe_fn *js_regex_method(struct tbe_str name);
tbe_fn *js_mapset_method(bool set, struct tbe_str name);
tbe_fn *js_func_method(struct tbe_str name);

/* js_date.c, js_regex.c, js_map.c */
tbe_val js_date_new(struct tbe_x *x, double t);
tbe_val js_date_construct(struct tbe_x *x, int argc, const tbe_val *argv);
struct tbe_str js_date_to_text(struct tbe_x *x, double t);
struct tbe_str js_date_iso(struct tbe_x *x, double t);
tbe_val js_regex_new(struct tbe_x *x, struct tbe_str pattern, struct tbe_str flags);
tbe_val js_mapset_construct(struct tbe_x *x, bool set, tbe_val from);
tbe_val js_regex_replace(struct tbe_x *x, tbe_val s, tbe_val re, tbe_val with);
tbe_val js_regex_split(struct tbe_x *x, tbe_val s, tbe_val re, double limit);
tbe_val js_regex_match(struct tbe_x *x, tbe_val s, tbe_val re);
tbe_val js_regex_match_all(struct tbe_x *x, tbe_val s, tbe_val re);
tbe_val js_regex_search(struct tbe_x *x, tbe_val s, tbe_val re);
/* Appends the replacement text with its $ patterns put in. groups: list of captures, may be empty. */
void js_expand(struct tbe_x *x, struct tbe_buf *b, tbe_val s, tbe_val with, uint32_t from, uint32_t to,
               const tbe_val *groups, int n_groups, tbe_val names);
tbe_val js_json_text(struct tbe_x *x, tbe_val v, tbe_val replacer, struct tbe_str indent);
const char *js_cls(tbe_val v);

#endif
