/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the JavaScript run time share. */
#ifndef JS_ROOM_H
#define JS_ROOM_H

#include "tbe/js.h"

#define JS_MAX_STRING (4u << 20) /* bytes */
#define JS_MAX_ARRAY 1000000u    /* elements an index may make */
#define JS_LIST_MATCH 0x100u     /* tbe_list.flags: a struct js_match */

enum js_obj_kind {
    JS_ERROR, JS_MAPOBJ, JS_SETOBJ,
    JS_INSTANCE, /* of new F() and Object.create(proto) */
    JS_CLASS,    /* Array, Math, globalThis: what a name of the language stands for */
    JS_BOXED,    /* new Number(5) */
    JS_PROTO,    /* Array.prototype: has the built-in methods, and what the script adds */
    JS_ITER      /* what entries(), keys() and values() give */
};

struct js_obj { /* u.p of TBE_OBJ; sub is the kind */
    struct tbe_map *props;
    const char *cls;
    tbe_val proto; /* what properties are inherited from; UNDEF: of its built-in class alone */
    tbe_val ctor;  /* CLASS: the function; BOXED: the value */
    tbe_val items; /* MAPOBJ: list of [key, value] lists; SETOBJ: list of values. Removed ones are holes.
                      ITER: the values */
    uint32_t at;   /* ITER: the next one */
};

/* A property with getter or setter: a value of tag UNDEF and this sub, so that every fast path
 * that looks for a value leaves it to js_read. */
#define JS_ACCESSOR 3
struct js_accessor { /* u.p of it */
    tbe_val get, set;
};

/* Attributes of a property: tbe_val.flags of the key in its map. */
enum { JS_HIDDEN = 1 /* not enumerable */, JS_CONST = 2 /* not writable */,
    JS_FIXED = 4 /* not configurable */ };
/* tbe_map.flags and tbe_list.flags beside TBE_FROZEN. */
#define JS_NO_DELETE 2u
#define JS_NO_ADD 4u
#define JS_ATTRS 8u         /* map: some property has attributes or is an accessor */
#define JS_LIST_PROPS 0x200u /* list: has named properties, see js_list_props */

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
/* by units; from <= to <= length */
tbe_val js_sub(struct tbe_x *x, tbe_val s, uint32_t from, uint32_t to);
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

/* js_props.c */
/* Own enumerable keys in JavaScript's order, as a list of strings; all: those not enumerable
 * too. */
tbe_val js_own_keys(struct tbe_x *x, tbe_val o, bool all);
static inline tbe_val
js_keys(struct tbe_x *x, tbe_val o)
{
    return js_own_keys(x, o, false);
}
tbe_val js_inherited_keys(struct tbe_x *x, tbe_val o); /* those of for-in */
struct tbe_map *js_props(tbe_val o); /* property table of a MAP, OBJ or FUNC; NULL = none */
struct tbe_map *js_props_of(struct tbe_x *x, tbe_val o, bool make); /* of a LIST too; NULL = none */
/* is there such a property of its own? */
bool js_own(struct tbe_x *x, tbe_val o, struct tbe_str key);
/* The property where it is written or inherited, without what is built in. */
bool js_find(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val *out);
tbe_val js_read(struct tbe_x *x, tbe_val stored, tbe_val self); /* a stored value: calls getters */
tbe_val js_proto_of(struct tbe_x *x, tbe_val o); /* never UNDEF; NULL at the end */
bool js_inherits(struct tbe_x *x, tbe_val o, tbe_val proto);
void js_define(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val v, unsigned attrs);
/* get or set may be UNDEF: what was there stays. */
void js_define_accessor(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val get, tbe_val set,
    unsigned attrs);
/* what is built in: length, methods ... */
tbe_val js_special(struct tbe_x *x, tbe_val o, struct tbe_str key);

/* js_error.c, js_call.c, js_realm.c */
tbe_val js_error(struct tbe_x *x, const char *cls, struct tbe_str msg);
tbe_val js_obj_new(struct tbe_x *x, enum js_obj_kind k, const char *cls);
tbe_val js_native(struct tbe_x *x, const char *name, tbe_fn *fn, tbe_val bound);
struct tbe_str js_error_text(struct tbe_x *x, tbe_val e); /* "TypeError: ..." */
tbe_fn *js_builtin_method(tbe_val o, struct tbe_str name);
/* a built-in method taken off its object */
tbe_val js_method_off(struct tbe_x *x, struct tbe_str name);
bool js_is_method_off(const struct tbe_func *f);
bool js_same_native(const struct tbe_func *f, const struct tbe_func *g);
bool js_callable(tbe_val v);
/* Array, as a value; one per execution */
tbe_val js_class_value(struct tbe_x *x, const char *cls);
tbe_val js_class_proto(struct tbe_x *x, const char *cls);  /* Array.prototype */
/* Math.floor as a value, or UNDEF */
tbe_val js_static(struct tbe_x *x, const char *cls, struct tbe_str name);
struct tbe_map *js_list_props(struct tbe_x *x, struct tbe_list *l, bool make);
/* What the script added to the prototype of the class of o, or of Object; false: nothing of that
 * name. */
bool js_patched(struct tbe_x *x, tbe_val o, struct tbe_str key, tbe_val *out);
tbe_val js_patched_keys(struct tbe_x *x, tbe_val o); /* list, or UNDEF when nothing was added */
void js_mark_patched(struct tbe_x *x);
/* Sorts v[0..n) by f, or as texts when it is UNDEF; tmp has the same room. */
void js_sort(struct tbe_x *x, tbe_val f, tbe_val *v, tbe_val *tmp, uint32_t n);
tbe_val js_iter_new(struct tbe_x *x, tbe_val list);
tbe_fn *js_iter_method(struct tbe_str name);
tbe_fn *js_object_proto_method(struct tbe_str name);
void js_error_fill(struct tbe_x *x, tbe_val e, int argc, const tbe_val *argv);
tbe_fn *js_proto_method(const char *cls, struct tbe_str name);

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
/* Appends the replacement text with its $ patterns put in. groups: list of captures, may be
 * empty. */
void js_expand(struct tbe_x *x, struct tbe_buf *b, tbe_val s, tbe_val with, uint32_t from,
    uint32_t to,
               const tbe_val *groups, int n_groups, tbe_val names);
tbe_val js_json_text(struct tbe_x *x, tbe_val v, tbe_val replacer, struct tbe_str indent);
const char *js_cls(tbe_val v);

#endif
