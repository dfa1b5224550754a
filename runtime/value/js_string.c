/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript string methods, String.* and the URI functions. */
#include "config.h"
#include "js_room.h"
#include "value_int.h"

#include <string.h>

#define ARGS struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv

static tbe_val
this_str(struct tbe_x *x, tbe_val self)
{
    return tbe_j_str(x, self);
}

/* Byte offset of needle in s from byte `from`, or -1. */
static int64_t
find_bytes(tbe_val s, tbe_val needle, uint32_t from)
{
    if (needle.n == 0) {
        return from <= s.n ? from : s.n;
    }
    if (from > s.n) {
        return -1;
    }
    const char *p = memmem(s.u.s + from, s.n - from, needle.u.s, needle.n);
    return p ? p - s.u.s : -1;
}

static double
clamp_pos(struct tbe_x *x, tbe_val v, double n, double missing)
{
    double d = v.t == TBE_UNDEF ? missing : js_to_int(x, v);
    return d < 0 ? 0 : d > n ? n : d;
}

static tbe_val
s_at_char(struct tbe_x *x, tbe_val self, double i)
{
    uint32_t n = js_units(self);
    return i >= 0 && i < n ? js_sub(x, self, (uint32_t)i, (uint32_t)i + 1) : TBE_UNDEF_VAL;
}

static tbe_val
s_char_at(ARGS)
{
    tbe_val r = s_at_char(x, self, js_to_int(x, js_arg(argc, argv, 0)));
    return r.t == TBE_UNDEF ? TBE_LIT("") : r;
}

static tbe_val
s_at(ARGS)
{
    double i = js_to_int(x, js_arg(argc, argv, 0));
    return s_at_char(x, self, i < 0 ? i + js_units(self) : i);
}

static tbe_val
s_char_code_at(ARGS)
{
    double i = js_to_int(x, js_arg(argc, argv, 0));
    int u = i >= 0 && i < 4294967295.0 ? js_unit_at(self, (uint32_t)i) : -1;
    return tbe_double(u < 0 ? (double)NAN : u);
}

static tbe_val
s_code_point_at(ARGS)
{
    double i = js_to_int(x, js_arg(argc, argv, 0));
    int u = i >= 0 && i < 4294967295.0 ? js_unit_at(self, (uint32_t)i) : -1, v;
    if (u < 0) {
        return TBE_UNDEF_VAL;
    }
    if (u >= 0xD800 && u < 0xDC00 && (v = js_unit_at(self, (uint32_t)i + 1)) >= 0xDC00 &&
        v < 0xE000) {
        u = 0x10000 + ((u - 0xD800) << 10) + (v - 0xDC00);
    }
    return tbe_double(u);
}

static tbe_val
s_index_of(ARGS)
{
    tbe_val needle = tbe_j_str(x, js_arg(argc, argv, 0));
    uint32_t from = (uint32_t)clamp_pos(x, js_arg(argc, argv, 1), js_units(self), 0);
    int64_t b = find_bytes(self, needle, js_byte_of_unit(self, from));
    return tbe_double(b < 0 ? -1 : (double)js_unit_of_byte(self, (uint32_t)b));
}

static tbe_val
s_last_index_of(ARGS)
{
    tbe_val needle = tbe_j_str(x, js_arg(argc, argv, 0));
    double d = argc > 1 ? tbe_j_num(x, argv[1]) : (double)NAN, n = js_units(self);
    double max = isnan(d) ? n : d < 0 ? 0 : d > n ? n : trunc(d);
    int64_t last = -1;
    uint32_t limit = js_byte_of_unit(self, (uint32_t)max);
    for (int64_t b = 0; (b = find_bytes(self, needle, (uint32_t)b)) >= 0 && b <= limit; b++) {
        last = b;
        if (b >= self.n) {
            break;
        }
    }
    return tbe_double(last < 0 ? -1 : (double)js_unit_of_byte(self, (uint32_t)last));
}

static void
no_regex(struct tbe_x *x, tbe_val v, const char *name)
{
    if (v.t == TBE_REGEX) {
        tbe_j_throw(x, "TypeError",
            "First argument to String.prototype.%s must not be a regular expression", name);
    }
}

static tbe_val
s_includes(ARGS)
{
    no_regex(x, js_arg(argc, argv, 0), "includes");
    return tbe_bool(s_index_of(x, self, argc, argv).u.d >= 0);
}

static tbe_val
s_starts_with(ARGS)
{
    no_regex(x, js_arg(argc, argv, 0), "startsWith");
    tbe_val t = tbe_j_str(x, js_arg(argc, argv, 0));
    uint32_t b = js_byte_of_unit(self, (uint32_t)clamp_pos(x, js_arg(argc, argv, 1), js_units(self),
        0));
    return tbe_bool(self.n - b >= t.n && memcmp(self.u.s + b, t.u.s, t.n) == 0);
}

static tbe_val
s_ends_with(ARGS)
{
    no_regex(x, js_arg(argc, argv, 0), "endsWith");
    tbe_val t = tbe_j_str(x, js_arg(argc, argv, 0));
    double n = js_units(self);
    uint32_t e = js_byte_of_unit(self, (uint32_t)clamp_pos(x, js_arg(argc, argv, 1), n, n));
    return tbe_bool(e >= t.n && memcmp(self.u.s + e - t.n, t.u.s, t.n) == 0);
}

static tbe_val
s_slice(ARGS)
{
    double n = js_units(self), a = js_clamp(x, js_arg(argc, argv, 0), n, 0),
        b = js_clamp(x, js_arg(argc, argv, 1), n, n);
    return a < b ? js_sub(x, self, (uint32_t)a, (uint32_t)b) : TBE_LIT("");
}

static tbe_val
s_substring(ARGS)
{
    double n = js_units(self), a = clamp_pos(x, js_arg(argc, argv, 0), n, 0),
        b = clamp_pos(x, js_arg(argc, argv, 1), n, n);
    return js_sub(x, self, (uint32_t)(a < b ? a : b), (uint32_t)(a < b ? b : a));
}

static tbe_val
s_substr(ARGS)
{
    double n = js_units(self), a = js_clamp(x, js_arg(argc, argv, 0), n, 0);
    double len = clamp_pos(x, js_arg(argc, argv, 1), n - a, n - a);
    return js_sub(x, self, (uint32_t)a, (uint32_t)(a + len));
}

static tbe_val
change_case(struct tbe_x *x, tbe_val s, bool up)
{
    bool ascii = js_ascii(s);
    s = tbe_strv(value_change_case(x->a, tbe_val_str(s), up));
    s.ascii = ascii;
    return s;
}

static tbe_val s_upper(ARGS) { (void)argc; (void)argv; return change_case(x, self, true); }
static tbe_val s_lower(ARGS) { (void)argc; (void)argv; return change_case(x, self, false); }

static tbe_val
trimmed(tbe_val s, bool start, bool end)
{
    struct tbe_str t = js_trim(tbe_val_str(s), start, end);
    tbe_val r = tbe_strv(t);
    r.ascii = s.ascii;
    return r;
}

static tbe_val s_trim(ARGS) { (void)x; (void)argc; (void)argv; return trimmed(self, true, true); }
static tbe_val s_trim_start(ARGS) { (void)x; (void)argc; (void)argv; return trimmed(self, true,
    false); }
static tbe_val s_trim_end(ARGS) { (void)x; (void)argc; (void)argv; return trimmed(self, false,
    true); }

static tbe_val
repeat(struct tbe_x *x, tbe_val s, double n)
{
    if (n < 0 || isinf(n)) {
        tbe_j_throw(x, "RangeError", "Invalid count value: %g", n);
    }
    if (n * s.n > JS_MAX_STRING) {
        tbe_j_throw(x, "RangeError", "Invalid string length");
    }
    size_t total = (size_t)n * s.n;
    char *p = tbe_arena_alloc(x->a, total + 1);
    for (size_t i = 0; s.n > 0 && i < total; i += s.n) {
        memcpy(p + i, s.u.s, s.n);
    }
    s.u.s = p;
    s.n = (uint32_t)total;
    return s;
}

static tbe_val
s_repeat(ARGS)
{
    return repeat(x, self, js_to_int(x, js_arg(argc, argv, 0)));
}

static tbe_val
pad(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv, bool start)
{
    double want = js_to_int(x, js_arg(argc, argv, 0)), have = js_units(self);
    tbe_val fill = js_arg(argc, argv, 1).t == TBE_UNDEF ? TBE_LIT(" ") : tbe_j_str(x, argv[1]);
    if (want <= have || fill.n == 0) {
        return self;
    }
    if (want > JS_MAX_STRING) {
        tbe_j_throw(x, "RangeError", "Invalid string length");
    }
    uint32_t need = (uint32_t)(want - have);
    tbe_val p = js_sub(x, repeat(x, fill, ceil(need / (double)js_units(fill))), 0, need);
    return start ? js_concat(x, p, self) : js_concat(x, self, p);
}

static tbe_val s_pad_start(ARGS) { return pad(x, self, argc, argv, true); }
static tbe_val s_pad_end(ARGS) { return pad(x, self, argc, argv, false); }

static tbe_val
s_concat(ARGS)
{
    for (int i = 0; i < argc; i++) {
        self = js_concat(x, self, tbe_j_str(x, argv[i]));
    }
    return self;
}

static tbe_val
s_split(ARGS)
{
    tbe_val sep = js_arg(argc, argv, 0), lim = js_arg(argc, argv, 1), out = tbe_list_new(x->a, 8);
    double limit = lim.t == TBE_UNDEF ? 4294967295.0 : (double)(uint32_t)tbe_j_int32(tbe_j_num(x,
        lim));
    if (sep.t == TBE_REGEX) {
        return js_regex_split(x, self, sep, limit);
    }
    if (limit == 0) {
        return out;
    }
    if (sep.t == TBE_UNDEF) {
        tbe_list_push(x->a, out.u.l, self);
        return out;
    }
    sep = tbe_j_str(x, sep);
    if (sep.n == 0) {
        uint32_t n = js_units(self);
        for (uint32_t i = 0; i < n && i < limit; i++) {
            tbe_burn(x);
            tbe_list_push(x->a, out.u.l, js_sub(x, self, i, i + 1));
        }
        return out;
    }
    uint32_t from = 0;
    for (;;) {
        int64_t b = find_bytes(self, sep, from);
        uint32_t e = b < 0 ? self.n : (uint32_t)b;
        tbe_val part = self;
        part.u.s += from;
        part.n = e - from;
        if (out.u.l->n >= limit) {
            return out;
        }
        tbe_list_push(x->a, out.u.l, part);
        if (b < 0) {
            return out;
        }
        from = e + sep.n;
    }
}

void
js_expand(struct tbe_x *x, struct tbe_buf *b, tbe_val s, tbe_val with, uint32_t from, uint32_t to,
    const tbe_val *groups, int n_groups, tbe_val names)
{
    (void)x;
    for (uint32_t i = 0; i < with.n; i++) {
        char c = with.u.s[i], d = i + 1 < with.n ? with.u.s[i + 1] : 0;
        if (c != '$' || d == 0) {
            tbe_buf_putc(b, c);
        } else if (d == '$') {
            tbe_buf_putc(b, '$');
            i++;
        } else if (d == '&') {
            tbe_buf_put(b, s.u.s + from, to - from);
            i++;
        } else if (d == '`') {
            tbe_buf_put(b, s.u.s, from);
            i++;
        } else if (d == '\'') {
            tbe_buf_put(b, s.u.s + to, s.n - to);
            i++;
        } else if (d >= '0' && d <= '9') {
            int k = d - '0', used = 1;
            if (i + 2 < with.n && with.u.s[i + 2] >= '0' && with.u.s[i + 2] <= '9' &&
                k * 10 + with.u.s[i + 2] - '0' <= n_groups) {
                k = k * 10 + with.u.s[i + 2] - '0';
                used = 2;
            }
            if (k < 1 || k > n_groups) {
                tbe_buf_putc(b, '$');
                continue;
            }
            if (groups[k - 1].t == TBE_STR_T) {
                tbe_buf_puts(b, tbe_val_str(groups[k - 1]));
            }
            i += (uint32_t)used;
        } else if (d == '<' && names.t == TBE_MAP) {
            uint32_t e = i + 2;
            while (e < with.n && with.u.s[e] != '>') {
                e++;
            }
            if (e == with.n) {
                tbe_buf_putc(b, '$');
                continue;
            }
            tbe_val v = tbe_map_get(names.u.m, (struct tbe_str){ with.u.s + i + 2, e - i - 2 });
            if (v.t == TBE_STR_T) {
                tbe_buf_puts(b, tbe_val_str(v));
            }
            i = e;
        } else {
            tbe_buf_putc(b, '$');
        }
    }
}

static tbe_val
replace(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv, bool all)
{
    tbe_val what = js_arg(argc, argv, 0), with = js_arg(argc, argv, 1), out = TBE_LIT("");
    if (what.t == TBE_REGEX) {
        if (all && !((struct js_regex *)what.u.p)->global) {
            tbe_j_throw(x, "TypeError", "replaceAll must be called with a global RegExp");
        }
        return js_regex_replace(x, self, what, with);
    }
    what = tbe_j_str(x, what);
    if (with.t != TBE_FUNC) {
        with = tbe_j_str(x, with);
    }
    uint32_t from = 0;
    for (int64_t b = 0; (b = find_bytes(self, what, (uint32_t)b)) >= 0;) {
        tbe_burn(x);
        tbe_val head = self;
        head.u.s += from;
        head.n = (uint32_t)b - from;
        out = js_concat(x, out, head);
        if (with.t == TBE_FUNC) {
            tbe_val args[3] = { what, tbe_double(js_unit_of_byte(self, (uint32_t)b)), self };
            out = js_concat(x, out, tbe_j_str(x, tbe_j_call(x, with, TBE_UNDEF_VAL, 3, args)));
        } else {
            struct tbe_buf t = { 0 };
            js_expand(x, &t, self, with, (uint32_t)b, (uint32_t)b + what.n, NULL, 0, TBE_UNDEF_VAL);
            out = js_concat(x, out, js_from_buf(x, &t));
        }
        from = (uint32_t)b + what.n;
        b = what.n ? from : b + 1;
        if (!all || (what.n == 0 && b > self.n)) {
            break;
        }
    }
    tbe_val tail = self;
    tail.u.s += from;
    tail.n -= from;
    return js_concat(x, out, tail);
}

static tbe_val s_replace(ARGS) { return replace(x, self, argc, argv, false); }
static tbe_val s_replace_all(ARGS) { return replace(x, self, argc, argv, true); }

static tbe_val
as_regex(struct tbe_x *x, tbe_val v, const char *flags)
{
    if (v.t == TBE_REGEX) {
        return v;
    }
    return js_regex_new(x, v.t == TBE_UNDEF ? TBE_STR("") : tbe_j_text(x, v), tbe_strz(flags));
}

static tbe_val s_match(ARGS) { return js_regex_match(x, self,
    as_regex(x, js_arg(argc, argv, 0), "")); }
static tbe_val s_match_all(ARGS) { return js_regex_match_all(x, self,
    as_regex(x, js_arg(argc, argv, 0), "g")); }
static tbe_val s_search(ARGS) { return js_regex_search(x, self,
    as_regex(x, js_arg(argc, argv, 0), "")); }

static tbe_val
s_locale_compare(ARGS)
{
    tbe_val t = tbe_j_str(x, js_arg(argc, argv, 0));
    tbe_val a = change_case(x, self, false), b = change_case(x, t, false);
    int c = js_compare_text(a, b);
    return tbe_double(c != 0 ? c : -js_compare_text(self, t)); /* lower case first */
}

static tbe_val
s_self(ARGS)
{
    (void)argc;
    (void)argv;
    return this_str(x, self);
}

/* The strings of a tagged template, with those as written as `raw`. */
tbe_val
tbe_j_tag(struct tbe_x *x, int n, const struct tbe_str *cooked, const struct tbe_str *raw)
{
    tbe_val l = tbe_list_new(x->a, (uint32_t)n), r = tbe_list_new(x->a, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        tbe_list_push(x->a, l.u.l, tbe_strv(cooked[i]));
        tbe_list_push(x->a, r.u.l, tbe_strv(raw[i]));
    }
    js_define(x, l, TBE_STR("raw"), r, JS_HIDDEN);
    return l;
}

tbe_val
tbe_j_string_raw(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val raw = tbe_j_get(x, js_arg(argc, argv, 0), TBE_STR("raw"), NULL), s = TBE_LIT("");
    double n = tbe_j_num(x, tbe_j_length(x, raw));
    for (int i = 0; i < n; i++) {
        tbe_burn(x);
        s = js_concat(x, s, tbe_j_str(x, tbe_j_index_num(x, raw, i)));
        if (i + 1 < n && i + 1 < argc) {
            s = js_concat(x, s, tbe_j_str(x, argv[i + 1]));
        }
    }
    return s;
}

tbe_fn *
js_string_method(struct tbe_str name)
{
    static const struct js_method t[] = { { "at", s_at }, { "charAt", s_char_at },
        { "charCodeAt", s_char_code_at },
        { "codePointAt", s_code_point_at }, { "concat", s_concat }, { "endsWith", s_ends_with },
        { "includes", s_includes }, { "indexOf", s_index_of }, { "lastIndexOf", s_last_index_of },
        { "localeCompare", s_locale_compare }, { "match", s_match }, { "matchAll", s_match_all },
        { "normalize", s_self }, { "padEnd", s_pad_end }, { "padStart", s_pad_start },
        { "repeat", s_repeat },
        { "replace", s_replace }, { "replaceAll", s_replace_all }, { "search", s_search },
        { "slice", s_slice },
        { "split", s_split }, { "startsWith", s_starts_with }, { "substr", s_substr },
        { "substring", s_substring },
        { "toLocaleLowerCase", s_lower }, { "toLocaleUpperCase", s_upper },
        { "toLowerCase", s_lower },
        { "toString", s_self }, { "toUpperCase", s_upper }, { "trim", s_trim },
        { "trimEnd", s_trim_end },
        { "trimLeft", s_trim_start }, { "trimRight", s_trim_end }, { "trimStart", s_trim_start },
        { "valueOf", s_self } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}

/* ---- statics ---- */

tbe_val
tbe_j_string(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return argc == 0 ? TBE_LIT("") : tbe_j_str(x, argv[0]);
}

tbe_val
tbe_j_template(struct tbe_x *x, int n, const tbe_val *parts)
{
    tbe_val s = TBE_LIT("");
    for (int i = 0; i < n; i++) {
        s = js_concat(x, s, tbe_j_str(x, parts[i]));
    }
    return s;
}

static tbe_val
from_codes(struct tbe_x *x, int argc, const tbe_val *argv, bool points)
{
    double *c = tbe_arena_alloc(x->a, ((size_t)argc + 1) * sizeof(*c));
    for (int i = 0; i < argc; i++) {
        c[i] = points ? tbe_j_num(x, argv[i]) : (double)(uint16_t)tbe_j_int32(tbe_j_num(x,
            argv[i]));
        if (!(c[i] >= 0 && c[i] <= 0x10FFFF && c[i] == trunc(c[i]))) {
            tbe_j_throw(x, "RangeError", "Invalid code point");
        }
    }
    struct tbe_buf b = { 0 };
    for (int i = 0; i < argc; i++) {
        js_put_utf8(&b, (uint32_t)c[i]);
    }
    return js_from_buf(x, &b);
}

tbe_val tbe_j_from_char_code(struct tbe_x *x, int argc, const tbe_val *argv) { return from_codes(x,
    argc, argv, false); }
tbe_val tbe_j_from_code_point(struct tbe_x *x, int argc,
    const tbe_val *argv) { return from_codes(x, argc, argv, true); }

static tbe_val
encode(struct tbe_x *x, int argc, const tbe_val *argv, const char *keep)
{
    tbe_val s = tbe_j_str(x, js_arg(argc, argv, 0));
    struct tbe_buf b = { 0 };
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.u.s[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == 0xED && i + 1 < s.n && (unsigned char)s.u.s[i + 1] >= 0xA0) {
            tbe_buf_free(&b);
            tbe_j_throw(x, "URIError", "URI malformed");
        }
        if (alnum || (c < 0x80 && c != 0 && strchr(keep, c) != NULL)) {
            tbe_buf_putc(&b, (char)c);
        } else {
            tbe_buf_fmt(&b, "%%%02X", c);
        }
    }
    return js_from_buf(x, &b);
}

tbe_val tbe_j_encode_component(struct tbe_x *x, int argc,
    const tbe_val *argv) { return encode(x, argc, argv, "-_.!~*'()"); }
tbe_val tbe_j_encode_uri(struct tbe_x *x, int argc, const tbe_val *argv) { return encode(x, argc,
    argv, "-_.!~*'();/?:@&=+$,#"); }

static int
hex2(const char *p)
{
    int v = 0;
    for (int i = 0; i < 2; i++) {
        int c = p[i], d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' &&
            (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (d < 0) {
            return -1;
        }
        v = v * 16 + d;
    }
    return v;
}

static bool
utf8_ok(struct tbe_str s)
{
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 &&
            c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
        if (n == 0 || i + n > s.n) {
            return false;
        }
        for (size_t k = 1; k < n; k++) {
            if (((unsigned char)s.p[i + k] & 0xC0) != 0x80) {
                return false;
            }
        }
        i += n;
    }
    return true;
}

static tbe_val
decode(struct tbe_x *x, int argc, const tbe_val *argv, const char *keep)
{
    tbe_val s = tbe_j_str(x, js_arg(argc, argv, 0));
    struct tbe_buf b = { 0 };
    bool bad = false;
    for (uint32_t i = 0; i < s.n && !bad; i++) {
        if (s.u.s[i] != '%') {
            tbe_buf_putc(&b, s.u.s[i]);
            continue;
        }
        int v = i + 2 < s.n ? hex2(s.u.s + i + 1) : -1;
        bad = v < 0;
        if (v > 0 && v < 0x80 && strchr(keep, v) != NULL) {
            tbe_buf_put(&b, s.u.s + i, 3);
        } else {
            tbe_buf_putc(&b, (char)v);
        }
        i += 2;
    }
    if (bad || !utf8_ok(tbe_buf_str(&b))) {
        tbe_buf_free(&b);
        tbe_j_throw(x, "URIError", "URI malformed");
    }
    return js_from_buf(x, &b);
}

tbe_val tbe_j_decode_component(struct tbe_x *x, int argc,
    const tbe_val *argv) { return decode(x, argc, argv, ""); }
tbe_val tbe_j_decode_uri(struct tbe_x *x, int argc, const tbe_val *argv) { return decode(x, argc,
    argv, ";/?:@&=+$,#"); }

tbe_val
tbe_j_escape(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val s = tbe_j_str(x, js_arg(argc, argv, 0));
    struct tbe_buf b = { 0 };
    for (uint32_t i = 0, n = js_units(s); i < n; i++) {
        int c = js_unit_at(s, i);
        bool keep = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z' && c < 0x80) ||
            (c > 0 && c < 0x80 && strchr("@*_+-./", c) != NULL);
        if (keep) {
            tbe_buf_putc(&b, (char)c);
        } else {
            tbe_buf_fmt(&b, c < 256 ? "%%%02X" : "%%u%04X", (unsigned)c);
        }
    }
    return js_from_buf(x, &b);
}

tbe_val
tbe_j_unescape(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val s = tbe_j_str(x, js_arg(argc, argv, 0));
    struct tbe_buf b = { 0 };
    for (uint32_t i = 0; i < s.n; i++) {
        const char *p = s.u.s + i;
        int hi, lo;
        if (*p == '%' && i + 5 < s.n && p[1] == 'u' && (hi = hex2(p + 2)) >= 0 &&
            (lo = hex2(p + 4)) >= 0) {
            js_put_utf8(&b, (uint32_t)(hi << 8 | lo));
            i += 5;
        } else if (*p == '%' && i + 2 < s.n && (lo = hex2(p + 1)) >= 0) {
            js_put_utf8(&b, (uint32_t)lo);
            i += 2;
        } else {
            tbe_buf_putc(&b, *p);
        }
    }
    return js_from_buf(x, &b);
}
