/* SPDX-License-Identifier: Apache-2.0 */
/* JSON.parse, JSON.stringify and the result of a script as the wrapper's stringify leaves it. */
#include "config.h"
#include "js_room.h"

#include <string.h>

#define MAX_DEPTH 200
#define MAX_NESTED 1000 /* of documents within documents, made by toJSON and replacers: bounds the C stack */

static tbe_val
revive(struct tbe_x *x, tbe_val f, tbe_val holder, tbe_val key)
{
    tbe_val v = tbe_j_index(x, holder, key);
    if (v.t == TBE_LIST || v.t == TBE_MAP) {
        tbe_val keys = js_keys(x, v);
        for (uint32_t i = 0; i < keys.u.l->n; i++) {
            tbe_val r = revive(x, f, v, keys.u.l->v[i]);
            if (r.t == TBE_UNDEF) {
                tbe_j_delete(x, v, keys.u.l->v[i]);
            } else {
                tbe_j_put_index(x, v, keys.u.l->v[i], r);
            }
        }
    }
    tbe_val args[2] = { key, v };
    return tbe_j_call(x, f, holder, 2, args);
}

tbe_val
tbe_j_json_parse(struct tbe_x *x, int argc, const tbe_val *argv)
{
    struct tbe_str s = tbe_j_text(x, js_arg(argc, argv, 0));
    tbe_val v;
    struct tbe_json_err err = { 0, NULL };
    if (tbe_json_parse(x->a, s, TBE_JSON_JS, &v, &err) != 0) {
        if (err.offset >= s.n) {
            tbe_j_throw(x, "SyntaxError", "Unexpected end of JSON input");
        }
        tbe_j_throw(x, "SyntaxError", "Unexpected token '%c', \"%.*s\" is not valid JSON",
            s.p[err.offset],
            (int)(s.n > 100 ? 100 : s.n), s.p);
    }
    if (js_arg(argc, argv, 1).t == TBE_FUNC) {
        tbe_val root = tbe_map_new(x->a, 1);
        tbe_map_put(x->a, root.u.m, TBE_STR(""), v);
        return revive(x, argv[1], root, TBE_LIT(""));
    }
    return v;
}

struct out {
    struct tbe_x *x;
    struct tbe_buf b;
    tbe_val replacer, allow;
    struct tbe_str indent;
    int depth;
};

static void
nl(struct out *o)
{
    if (o->indent.n > 0) {
        tbe_buf_putc(&o->b, '\n');
        for (int i = 0; i < o->depth; i++) {
            tbe_buf_puts(&o->b, o->indent);
        }
    }
}

/* Calls the script; what it serialises in turn nests below this document. A throw is settled in
 * js_json_text. */
static tbe_val
call_out(struct out *o, tbe_val f, tbe_val self, int argc, const tbe_val *argv)
{
    o->x->nested += o->depth;
    tbe_val v = tbe_j_call(o->x, f, self, argc, argv);
    o->x->nested -= o->depth;
    return v;
}

/* The value that stands for v: toJSON, replacer, unboxed. */
static tbe_val
prepare(struct out *o, tbe_val holder, tbe_val key, tbe_val v)
{
    struct tbe_x *x = o->x;
    v = js_hole(v);
    if (v.t == TBE_DATE) {
        double t = ((struct js_date *)v.u.p)->t;
        v = isnan(t) ? TBE_NULL_VAL : tbe_strv(js_date_iso(x, t));
    } else if (v.t == TBE_MAP || v.t == TBE_OBJ) {
        tbe_val f;
        if (js_find(x, v, TBE_STR("toJSON"), &f) && f.t == TBE_FUNC) {
            v = call_out(o, f, v, 1, &key);
        }
    }
    if (o->replacer.t == TBE_FUNC) {
        tbe_val args[2] = { key, v };
        v = call_out(o, o->replacer, holder, 2, args);
    }
    if (v.t == TBE_OBJ && v.sub == JS_BOXED) {
        v = ((struct js_obj *)v.u.p)->ctor;
    }
    return v;
}

static bool
absent(tbe_val v)
{
    return v.t == TBE_UNDEF || js_callable(v);
}

static void write_value(struct out *o, tbe_val v);

static void
write_list(struct out *o, tbe_val v)
{
    tbe_buf_putc(&o->b, '[');
    o->depth++;
    for (uint32_t i = 0; i < v.u.l->n; i++) {
        tbe_val e = prepare(o, v, o->replacer.t == TBE_FUNC ? tbe_j_str(o->x, tbe_double(i)) :
            TBE_UNDEF_VAL, v.u.l->v[i]);
        if (i > 0) {
            tbe_buf_putc(&o->b, ',');
        }
        nl(o);
        if (absent(e)) {
            tbe_buf_putz(&o->b, "null");
        } else {
            write_value(o, e);
        }
    }
    o->depth--;
    if (v.u.l->n > 0) {
        nl(o);
    }
    tbe_buf_putc(&o->b, ']');
}

static bool
allowed(struct out *o, tbe_val key)
{
    for (uint32_t i = 0; o->allow.t == TBE_LIST && i < o->allow.u.l->n; i++) {
        if (tbe_str_eq(tbe_j_text(o->x, o->allow.u.l->v[i]), tbe_val_str(key))) {
            return true;
        }
    }
    return o->allow.t != TBE_LIST;
}

static void
write_object(struct out *o, tbe_val v)
{
    tbe_val keys = v.t == TBE_REGEX ? tbe_list_new(o->x->a, 1) : js_keys(o->x, v);
    bool any = false;
    tbe_buf_putc(&o->b, '{');
    o->depth++;
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        tbe_val k = keys.u.l->v[i];
        if (!allowed(o, k)) {
            continue;
        }
        tbe_val e = prepare(o, v, k, tbe_j_index(o->x, v, k));
        if (absent(e)) {
            continue;
        }
        if (any) {
            tbe_buf_putc(&o->b, ',');
        }
        any = true;
        nl(o);
        tbe_json_write_str(&o->b, tbe_val_str(k));
        tbe_buf_putz(&o->b, o->indent.n > 0 ? ": " : ":");
        write_value(o, e);
    }
    o->depth--;
    if (any) {
        nl(o);
    }
    tbe_buf_putc(&o->b, '}');
}

static void
write_value(struct out *o, tbe_val v)
{
    if (o->depth > MAX_DEPTH) {
        tbe_j_throw(o->x, "TypeError", "Converting circular structure to JSON");
    }
    if (o->x->nested + o->depth > MAX_NESTED) {
        tbe_throw_depth(o->x);
    }
    tbe_burn(o->x);
    if (o->b.n > JS_MAX_STRING) {
        tbe_j_throw(o->x, "RangeError", "Invalid string length");
    }
    if (v.t == TBE_LIST) {
        write_list(o, v);
    } else if (v.t > TBE_STR_T) {
        write_object(o, v);
    } else {
        tbe_json_write(&o->b, v, TBE_OUT_JS);
    }
}

/* The text of v in o->b; false = v has none. */
static bool
write_root(struct out *o, tbe_val v)
{
    struct tbe_x *x = o->x;
    tbe_val root = TBE_UNDEF_VAL;
    if (o->replacer.t == TBE_FUNC) {
        root = tbe_map_new(x->a, 1);
        tbe_map_put(x->a, root.u.m, TBE_STR(""), v);
    }
    v = prepare(o, root, TBE_LIT(""), v);
    if (absent(v)) {
        return false;
    }
    write_value(o, v);
    return true;
}

tbe_val
js_json_text(struct tbe_x *x, tbe_val v, tbe_val replacer, struct tbe_str indent)
{
    struct out *o = tbe_arena_zalloc(x->a, sizeof(*o));
    *o = (struct out){ .x = x, .replacer = replacer, .allow = replacer, .indent = indent };
    struct tbe_catch c = { .up = x->catch_, .depth = x->depth };
    const int nested = x->nested;
    /* toJSON, the replacer or a limit threw: the text is not in the arena */
    if (setjmp(c.env) != 0) {
        tbe_buf_free(&o->b);
        x->nested = nested;
        tbe_throw_val(x, x->thrown);
    }
    x->catch_ = &c;
    bool any = write_root(o, v);
    x->catch_ = c.up;
    if (!any) {
        tbe_buf_free(&o->b);
        return TBE_UNDEF_VAL;
    }
    return js_from_buf(x, &o->b);
}

tbe_val
tbe_j_json_stringify(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val ind = js_arg(argc, argv, 2);
    struct tbe_str s = TBE_STR("");
    if (tbe_j_is_num(ind)) {
        double n = js_to_int(x, ind);
        s = (struct tbe_str){ "          ", n < 0 ? 0 : n > 10 ? 10 : (size_t)n };
    } else if (ind.t == TBE_STR_T) {
        s = tbe_val_str(ind);
        s.n = s.n > 10 ? 10 : s.n;
    }
    return js_json_text(x, js_arg(argc, argv, 0), js_arg(argc, argv, 1), s);
}

/* Is v already what JSON gives? Then it need not be copied. */
static bool
plain(tbe_val v, int depth)
{
    const struct tbe_entry *e;
    uint32_t k;
    switch (v.t) {
    case TBE_DOUBLE:
        return isfinite(v.u.d) && !(v.u.d == 0 && signbit(v.u.d));
    case TBE_LIST:
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            if (depth > 50 || !plain(v.u.l->v[i], depth + 1)) {
                return false;
            }
        }
        return true;
    case TBE_MAP:
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            if (depth > 50 || e->key.flags != 0 || e->val.t == TBE_UNDEF ||
                js_index_key(tbe_val_str(e->key), &k) || !plain(e->val, depth + 1) ||
                (e->val.t == TBE_FUNC)) {
                return false;
            }
        }
        return true;
    default:
        return v.t <= TBE_STR_T && v.t != TBE_UNDEF;
    }
}

tbe_val
tbe_j_result(struct tbe_x *x, tbe_val v)
{
    if (plain(v, 0)) {
        return v;
    }
    tbe_val text = js_json_text(x, v, TBE_UNDEF_VAL, TBE_STR("")), out;
    if (text.t == TBE_UNDEF || tbe_json_parse(x->a, tbe_val_str(text), TBE_JSON_JS, &out,
        NULL) != 0) {
        return TBE_UNDEF_VAL;
    }
    return out;
}

/* A deep copy: getters are read, what is not enumerable is gone. data: a function is an error. */
static tbe_val
js_clone(struct tbe_x *x, tbe_val v, bool data)
{
    if (v.t <= TBE_STR_T) {
        return v;
    }
    tbe_call_enter(x);
    tbe_val out = v;
    if (data && v.t == TBE_FUNC) {
        tbe_j_throw(x, "Error", "a function could not be cloned");
    }
    if (v.t == TBE_LIST) {
        out = tbe_list_new(x->a, v.u.l->n);
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            tbe_list_push(x->a, out.u.l, js_clone(x, v.u.l->v[i], data));
        }
    } else if (v.t == TBE_MAP || (v.t == TBE_OBJ && v.sub == JS_INSTANCE)) {
        tbe_val keys = js_keys(x, v);
        out = tbe_map_new(x->a, keys.u.l->n);
        for (uint32_t i = 0; i < keys.u.l->n; i++) {
            js_define(x, out, tbe_val_str(keys.u.l->v[i]),
                js_clone(x, tbe_j_index(x, v, keys.u.l->v[i]), data), 0);
        }
    } else if (v.t == TBE_DATE) {
        out = js_date_new(x, ((struct js_date *)v.u.p)->t);
    } else if (v.t == TBE_OBJ && (v.sub == JS_MAPOBJ || v.sub == JS_SETOBJ)) {
        out = js_mapset_construct(x, v.sub == JS_SETOBJ, js_clone(x, tbe_j_spread(x, v), data));
    }
    tbe_call_leave(x);
    return out;
}

/* structuredClone(v): data, not code. An object that holds itself ends at the depth of calls. */
tbe_val
tbe_j_structured_clone(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return js_clone(x, js_arg(argc, argv, 0), true);
}

tbe_val
tbe_j_plain(struct tbe_x *x, tbe_val v)
{
    return js_clone(x, v, false);
}
