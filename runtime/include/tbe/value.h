/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic values: what JSON, TBEL and JavaScript compute with. A value is 16 bytes and passed by value;
 * strings, lists and maps live in an arena and are never freed singly. Implemented in runtime/value.
 *
 * Number tags follow the Java classes TBEL sees (facts/tbel.md 4): INT 32-bit, LONG 64-bit, DOUBLE ...
 * JavaScript uses DOUBLE only. NUM is a JSON number kept as its literal text, for the device payload
 * rules, which depend on the spelling (facts/device-apis.md 4.4).
 *
 * Strings are UTF-8. Lone surrogates are stored as three-byte sequences (WTF-8), so that JavaScript and
 * Java text survives. `ascii` tells that byte index equals UTF-16 index. */
#ifndef TBE_VALUE_H
#define TBE_VALUE_H

#include "tbe/base.h"

enum tbe_type { /* ORDER: the numeric ladder INT..BIGINT is compared by position (facts/tbel.md 5) */
    TBE_UNDEF,  /* JavaScript undefined; "absent" for lookups */
    TBE_NULL,
    TBE_BOOL,
    TBE_CHAR,   /* Java Character: u.i is the UTF-16 unit */
    TBE_BYTE,
    TBE_SHORT,
    TBE_INT,
    TBE_LONG,
    TBE_FLOAT,  /* u.d holds the float's exact value */
    TBE_DOUBLE,
    TBE_BIGDEC, /* u.s decimal text, n bytes */
    TBE_BIGINT, /* u.s decimal text, n bytes */
    TBE_NUM,    /* u.s JSON literal, n bytes */
    TBE_STR_T,  /* u.s, n bytes */
    TBE_LIST,
    TBE_SET,    /* struct tbe_map whose values are unused */
    TBE_MAP,
    TBE_ARRAY,  /* Java primitive array: struct tbe_list, sub = element type */
    TBE_DATE,   /* u.p: dialect's own date object */
    TBE_FUNC,   /* u.p: struct tbe_func, see tbe/script.h */
    TBE_REGEX,  /* u.p */
    TBE_OBJ     /* u.p: other script object (Map.Entry, iterator, error ...), sub tells which */
};

struct tbe_list;
struct tbe_map;

typedef struct tbe_val {
    uint8_t t;     /* enum tbe_type */
    uint8_t sub;   /* TBE_ARRAY: element type; TBE_OBJ: kind; else 0 */
    uint8_t ascii; /* strings: 1 = known pure ASCII, 0 = unknown */
    uint8_t flags;
    uint32_t n;    /* strings and literals: bytes */
    union {
        int64_t i; /* BOOL 0/1, CHAR, BYTE, SHORT, INT, LONG */
        double d;
        const char *s;
        struct tbe_list *l;
        struct tbe_map *m;
        void *p;
    } u;
} tbe_val;

struct tbe_list {
    tbe_val *v;
    uint32_t n, cap;
    uint32_t flags; /* TBE_FROZEN: unmodifiable view */
};

struct tbe_entry {
    tbe_val key; /* TBE_STR_T in JSON and JavaScript; any value in TBEL maps */
    tbe_val val;
};

/* Insertion-ordered. Up to 8 entries are searched linearly; beyond, `index` is a hash table
 * built on the ninth put. A removed entry has key.t == TBE_UNDEF until the next compaction; use
 * the functions. */
struct tbe_map {
    struct tbe_entry *e;
    uint32_t n, cap; /* slots used, slots held */
    uint32_t live;   /* entries not removed */
    uint32_t flags;
    uint32_t *index;
    uint32_t index_cap;
};
#define TBE_FROZEN 1u

#define TBE_UNDEF_VAL ((tbe_val){ .t = TBE_UNDEF })
#define TBE_NULL_VAL ((tbe_val){ .t = TBE_NULL })
static inline tbe_val tbe_bool(bool b) { return (tbe_val){ .t = TBE_BOOL, .u = { .i = b } }; }
static inline tbe_val tbe_int(int32_t i) { return (tbe_val){ .t = TBE_INT, .u = { .i = i } }; }
static inline tbe_val tbe_long(int64_t i) { return (tbe_val){ .t = TBE_LONG, .u = { .i = i } }; }
static inline tbe_val tbe_double(double d) { return (tbe_val){ .t = TBE_DOUBLE, .u = { .d = d } }; }
static inline tbe_val
tbe_strv(struct tbe_str s) /* borrows s.p; s.n must fit 32 bits */
{
    return (tbe_val){ .t = TBE_STR_T, .n = (uint32_t)s.n, .u = { .s = s.p ? s.p : "" } };
}
static inline struct tbe_str
tbe_val_str(tbe_val v) /* v is TBE_STR_T, TBE_NUM, TBE_BIGINT or TBE_BIGDEC */
{
    struct tbe_str s = { v.u.s, v.n };
    return s;
}
static inline bool tbe_is_str(tbe_val v) { return v.t == TBE_STR_T; }
static inline bool tbe_is_null(tbe_val v) { return v.t <= TBE_NULL; }

/* Containers. Allocation failure goes to the arena's on_full (or returns an UNDEF value without
 * one). */
tbe_val tbe_list_new(struct tbe_arena *a, uint32_t cap);
void tbe_list_push(struct tbe_arena *a, struct tbe_list *l, tbe_val v);
tbe_val tbe_map_new(struct tbe_arena *a, uint32_t cap);
tbe_val tbe_set_new(struct tbe_arena *a, uint32_t cap);
/* By string key: the value, or UNDEF when absent. `hint` is the caller's cache of the slot (may be
 * NULL): generated code keeps one per site so that a repeated shape is found at once. */
tbe_val tbe_map_get(const struct tbe_map *m, struct tbe_str key);
tbe_val tbe_map_get_hint(const struct tbe_map *m, struct tbe_str key, uint32_t *hint);
void tbe_map_put(struct tbe_arena *a, struct tbe_map *m, struct tbe_str key, tbe_val v); /* key borrowed */
bool tbe_map_remove(struct tbe_map *m, struct tbe_str key);
/* By any key value (TBEL): numbers of different class are different keys, as in Java. */
struct tbe_entry *tbe_map_find(const struct tbe_map *m, tbe_val key);
void tbe_map_put_val(struct tbe_arena *a, struct tbe_map *m, tbe_val key, tbe_val v);
bool tbe_map_remove_val(struct tbe_map *m, tbe_val key);
/* Iteration: for (uint32_t i = 0; tbe_map_next(m, &i, &e);) ... */
bool tbe_map_next(const struct tbe_map *m, uint32_t *i, const struct tbe_entry **e);
tbe_val tbe_val_copy(struct tbe_arena *a, tbe_val v); /* deep copy of JSON-like values */
bool tbe_val_same(tbe_val a, tbe_val b);              /* deep equality, class-exact */

/* JSON in. Flags choose how numbers become values and what is accepted. */
enum tbe_json_flags {
    TBE_JSON_JAVA = 0,        /* Jackson: INT, LONG, BIGINT or DOUBLE (facts/tbel.md 1) */
    TBE_JSON_JS = 1,          /* every number DOUBLE; duplicate keys: last wins; __proto__ plain */
    TBE_JSON_RAW = 2,         /* numbers as TBE_NUM literals */
    TBE_JSON_LENIENT = 4,     /* Gson's leniency (facts/device-apis.md 4.1); else RFC 8259 */
    TBE_JSON_DROP_NULLS = 8,  /* null members of objects are dropped at every depth (TBEL) */
    TBE_JSON_BORROW = 16,     /* strings without escapes may point into the text, which must outlive them */
    TBE_JSON_PREFIX = 32      /* not with LENIENT: only the first value is read, the rest is not looked at */
};
#define TBE_JSON_MAX_DEPTH 512 /* deeper nesting is an error */
#define TBE_JSON_MAX_NUMBER 1000 /* characters of a number; RFC 8259 mode refuses longer ones */
struct tbe_json_err {
    size_t offset;   /* byte */
    const char *msg; /* static text */
};
/* 0 and *out, or -1, UNDEF and *err (may be NULL). Whole text must be one value. A top-level
 * empty text is an error, except with TBE_JSON_LENIENT where it is null. */
int tbe_json_parse(struct tbe_arena *a, struct tbe_str text, unsigned flags, tbe_val *out,
                   struct tbe_json_err *err) TBE_MUST_USE;

/* For a text that tbe_json_parse refused with TBE_JSON_LENIENT: the refusal in the reference's
 * words, as an HTTP device sees it ("com.google.gson.stream.MalformedJsonException: ... at line
 * 1 column 7 path $.a\nSee ..."); empty when the text is fine or memory is out. In the arena. */
struct tbe_str tbe_json_gson_error(struct tbe_arena *a, struct tbe_str text);

/* JSON out, compact, key order kept, appended to b. */
enum tbe_json_out {
    TBE_OUT_JAVA = 0,   /* Jackson: 5.0, 1.0E10, "NaN"; non-ASCII raw */
    TBE_OUT_JS = 1,     /* JSON.stringify: 5, 1e+21, null for NaN; undefined and functions left out */
    TBE_OUT_GSON = 2,   /* rule-engine data of the transports: nulls dropped, < > & = ' escaped
                           (facts/device-apis.md 4.5) */
    TBE_OUT_NO_HTML = 4 /* with GSON: no HTML escaping and nulls kept (downlink JSON) */
};
void tbe_json_write(struct tbe_buf *b, tbe_val v, unsigned flags);
void tbe_json_write_str(struct tbe_buf *b, struct tbe_str s); /* quoted and escaped */
struct tbe_str tbe_json_text(struct tbe_arena *a, tbe_val v, unsigned flags);

/* Number text. out must hold 32 bytes; the length is returned, no NUL is promised. */
#define TBE_NUMTEXT 32
size_t tbe_double_java(double d, char out[TBE_NUMTEXT]);  /* Double.toString, JDK 19+: 5.0, 1.0E10 */
size_t tbe_float_java(float f, char out[TBE_NUMTEXT]);
size_t tbe_double_js(double d, char out[TBE_NUMTEXT]);    /* Number::toString: 5, 1e+21 */
size_t tbe_long_text(int64_t i, char out[TBE_NUMTEXT]);
double tbe_parse_double(struct tbe_str s, bool *ok);      /* correctly rounded decimal, no locale */

/* Java toString() of any value: [1, 2], {k=v}, 5.0, null (facts/tbel.md 4). */
void tbe_java_text(struct tbe_buf *b, tbe_val v);

/* Typed key/value entries of telemetry and attributes (facts/device-apis.md 4.4, rule-nodes.md
 * 9.1). */
enum tbe_kv_type { TBE_KV_BOOLEAN, TBE_KV_LONG, TBE_KV_DOUBLE, TBE_KV_STRING, TBE_KV_JSON };
struct tbe_kv {
    struct tbe_str key;
    enum tbe_kv_type type;
    union {
        bool b;
        int64_t i;
        double d;
    } u;
    struct tbe_str s; /* STRING and JSON text */
};
struct tbe_kvs {
    struct tbe_kv *v;
    uint32_t n;
};
struct tbe_ts_record {
    int64_t ts;
    struct tbe_kvs kvs;
};
enum tbe_kv_flags {
    TBE_KV_NULL_ERROR = 1, /* a null member is an error (rule nodes) instead of skipped (transports) */
    TBE_KV_NO_CAST = 2     /* JSON_TYPE_CAST_ENABLED=false */
};
/* Telemetry document -> records, in order; default_ts for those without ts. Returns 0, or -1
 * with *err a message in the reference's words, in the arena (empty, n == 0, where the reference
 * fails without words: bad ts, values that are no object). n may be 0 for "[]". Lenient JSON.
 * max_string: UTF-16 units, 0 = none. Keys and strings may point into `json`, which must outlive
 * them. As the database does, NULs are dropped from string values and lone surrogates become
 * '?'; keys are not judged. */
int tbe_kv_telemetry(struct tbe_arena *a, struct tbe_str json, int64_t default_ts, unsigned flags,
                     size_t max_string, struct tbe_ts_record **recs, uint32_t *n, struct tbe_str *err)
    TBE_MUST_USE;
int tbe_kv_attributes(struct tbe_arena *a, struct tbe_str json, unsigned flags, size_t max_string,
                      struct tbe_kvs *out, struct tbe_str *err) TBE_MUST_USE;
/* Typed entry -> JSON value text appended (GSON: as rule-engine data; else downlink form, 4.5). */
void tbe_kv_json(struct tbe_buf *b, const struct tbe_kv *kv, unsigned out_flags);
/* Whole object {"k":v,...}. */
void tbe_kvs_json(struct tbe_buf *b, const struct tbe_kvs *kvs, unsigned out_flags);
/* Text form: LONG decimal, DOUBLE Java, BOOLEAN true/false, STRING and JSON raw (rule-nodes.md
 * 9.2). */
struct tbe_str tbe_kv_text(struct tbe_arena *a, const struct tbe_kv *kv);
/* Same type and value, the key aside; doubles bit by bit. */
bool tbe_kv_same(const struct tbe_kv *a, const struct tbe_kv *b);

#endif
