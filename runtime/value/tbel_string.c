/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL methods of strings: Java's, with UTF-16 indexes over WTF-8 text (facts/tbel.md 10.5). */
#include "config.h"
#include "tbel_priv.h"
#include "value_int.h"

#include <string.h>

#define NONE TBE_NULL_VAL
#define M(name, min, max, fn) { name, min, max, fn }
#define METHOD(name) static tbe_val name(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
#define UNUSED_ARGS (void)x, (void)argc, (void)argv
#define MAX_REPLACEMENT 83886 /* characters of a replacement argument (14.2) */
#define GROUPS 32

static void
length_limit(struct tbe_x *x, size_t n)
{
    if (n > TBE_T_MAX_STRING) {
        tbe_throw(x, "Max string length overflow (%zu > %d)!", n, TBE_T_MAX_STRING);
    }
}

/* A parameter of type CharSequence: numbers are refused. */
static struct tbe_str
char_seq(struct tbe_x *x, const char *method, tbe_val v)
{
    if (v.t != TBE_STR_T && v.t != TBE_CHAR) {
        tbel_no_method(x, "java.lang.String", method, strlen(method), 1, &v);
    }
    return tbel_text(x, v);
}

/* Byte offset -> UTF-16 index. */
static int32_t
unit_of(tbe_val s, size_t byte)
{
    s.n = (uint32_t)byte;
    return (int32_t)tbel_len16(s);
}

METHOD(s_length)
{
    UNUSED_ARGS;
    return tbe_int((int32_t)tbel_len16(self));
}

METHOD(s_char_at)
{
    (void)argc;
    int32_t i = tbel_arg_int(x, argv[0]);
    int u = i < 0 ? -1 : tbel_unit_at(self, (uint32_t)i);
    if (u < 0) {
        tbe_throw(x, "Index %d out of bounds for length %u", i, tbel_len16(self));
    }
    return tbel_typed(TBE_CHAR, u);
}

METHOD(s_code_point_at)
{
    tbe_val c = s_char_at(x, self, argc, argv);
    return tbe_int((int32_t)c.u.i);
}

METHOD(s_contains)
{
    (void)argc;
    struct tbe_str t = char_seq(x, "contains", argv[0]);
    return tbe_bool(t.n == 0 || memmem(self.u.s, self.n, t.p, t.n) != NULL);
}

/* Argument of indexOf: a string, or a number that is a character code. */
static struct tbe_str
needle(struct tbe_x *x, tbe_val v)
{
    if (tbel_is_integral(v)) {
        struct tbel_sb b;
        tbel_sb_init(&b, x, 16);
        tbel_sb_utf8(&b, (uint32_t)v.u.i & 0x1FFFFF);
        return tbe_val_str(tbel_sb_done(&b));
    }
    return tbel_arg_str(x, v);
}

METHOD(s_index_of)
{
    struct tbe_str t = needle(x, argv[0]);
    int32_t from = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    size_t at = from > 0 ? tbel_off16(self, (uint32_t)from) : 0;
    if (t.n == 0) {
        return tbe_int(unit_of(self, at));
    }
    const char *p = memmem(self.u.s + at, self.n - at, t.p, t.n);
    return tbe_int(p ? unit_of(self, (size_t)(p - self.u.s)) : -1);
}

METHOD(s_last_index_of)
{
    struct tbe_str t = needle(x, argv[0]);
    int32_t from = argc > 1 ? tbel_arg_int(x, argv[1]) : INT32_MAX;
    if (from < 0 || t.n > self.n) {
        return tbe_int(-1);
    }
    size_t at = argc > 1 ? tbel_off16(self, (uint32_t)from) : self.n;
    at = at > self.n - t.n ? self.n - t.n : at;
    x->fuel -= self.n >> 3;
    for (size_t i = at + 1; i-- > 0;) {
        if (memcmp(self.u.s + i, t.p, t.n) == 0) {
            return tbe_int(unit_of(self, i));
        }
    }
    return tbe_int(-1);
}

METHOD(s_starts_with)
{
    struct tbe_str t = tbel_arg_str(x, argv[0]);
    int32_t from = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    if (from < 0) {
        return tbe_bool(false);
    }
    size_t at = tbel_off16(self, (uint32_t)from);
    return tbe_bool(self.n - at >= t.n && memcmp(self.u.s + at, t.p, t.n) == 0);
}

METHOD(s_ends_with)
{
    (void)argc;
    struct tbe_str t = tbel_arg_str(x, argv[0]);
    return tbe_bool(self.n >= t.n && memcmp(self.u.s + self.n - t.n, t.p, t.n) == 0);
}

METHOD(s_substring)
{
    int64_t n = tbel_len16(self), b = tbel_arg_int(x, argv[0]), e = argc > 1 ?
        tbel_arg_int(x, argv[1]) : n;
    if (b < 0 || e > n || b > e) {
        tbe_throw(x, "begin %lld, end %lld, length %lld", (long long)b, (long long)e, (long long)n);
    }
    return tbel_sub16(x, self, (uint32_t)b, (uint32_t)e);
}

static tbe_val
map_case(struct tbe_x *x, tbe_val s, bool up)
{
    tbe_val r = tbe_strv(value_change_case(x->a, tbe_val_str(s), up));
    r.ascii = s.ascii;
    return r;
}

METHOD(s_upper)
{
    UNUSED_ARGS;
    return map_case(x, self, true);
}

METHOD(s_lower)
{
    UNUSED_ARGS;
    return map_case(x, self, false);
}

METHOD(s_trim)
{
    UNUSED_ARGS;
    while (self.n > 0 && (unsigned char)*self.u.s <= ' ') {
        self.u.s++;
        self.n--;
    }
    while (self.n > 0 && (unsigned char)self.u.s[self.n - 1] <= ' ') {
        self.n--;
    }
    self.flags = 0;
    return self;
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F);
}

static tbe_val
strip(tbe_val s, bool head, bool tail)
{
    while (head && s.n > 0 && is_space(*s.u.s)) {
        s.u.s++;
        s.n--;
    }
    while (tail && s.n > 0 && is_space(s.u.s[s.n - 1])) {
        s.n--;
    }
    s.flags = 0;
    return s;
}

METHOD(s_strip)
{
    UNUSED_ARGS;
    return strip(self, true, true);
}

METHOD(s_strip_leading)
{
    UNUSED_ARGS;
    return strip(self, true, false);
}

METHOD(s_strip_trailing)
{
    UNUSED_ARGS;
    return strip(self, false, true);
}

METHOD(s_is_blank)
{
    UNUSED_ARGS;
    return tbe_bool(strip(self, true, true).n == 0);
}

METHOD(s_is_empty)
{
    UNUSED_ARGS;
    return tbe_bool(self.n == 0);
}

static void
replacement_limit(struct tbe_x *x, struct tbe_str r)
{
    if (r.n > MAX_REPLACEMENT) {
        tbe_throw(x, "Max replacement length overflow (%zu > %d)!", r.n, MAX_REPLACEMENT * 10);
    }
}

METHOD(s_replace)
{
    (void)argc;
    struct tbe_str from, to;
    struct tbel_sb b;
    size_t at = 0;
    from = needle(x, argv[0]);
    to = needle(x, argv[1]);
    replacement_limit(x, to);
    tbel_sb_init(&b, x, self.n + 16);
    while (at <= self.n) {
        const char *p = from.n ? memmem(self.u.s + at, self.n - at, from.p, from.n) : NULL;
        if (from.n == 0) { /* between all characters */
            tbel_sb_put(&b, to.p, to.n);
            uint32_t len = 1;
            if (at < self.n) {
                tbel_cp(self.u.s + at, self.n - at, &len);
                tbel_sb_put(&b, self.u.s + at, len);
            }
            at += len;
            continue;
        }
        size_t end = p ? (size_t)(p - self.u.s) : self.n;
        tbel_sb_put(&b, self.u.s + at, end - at);
        if (p == NULL) {
            break;
        }
        tbel_sb_put(&b, to.p, to.n);
        at = end + from.n;
    }
    length_limit(x, b.n);
    return tbel_sb_done(&b);
}

/* Appends a replacement with $1 and \ escapes. */
static void
expand(struct tbe_x *x, struct tbel_sb *b, struct tbe_str r, struct tbe_str s, const size_t *ov,
    uint32_t n)
{
    for (size_t i = 0; i < r.n; i++) {
        if (r.p[i] == '\\' && i + 1 < r.n) {
            tbel_sb_c(b, r.p[++i]);
        } else if (r.p[i] == '$') {
            if (i + 1 >= r.n || r.p[i + 1] < '0' || r.p[i + 1] > '9') {
                tbe_throw(x, "java.lang.IllegalArgumentException: Illegal group reference");
            }
            uint32_t g = (uint32_t)(r.p[++i] - '0');
            if (g >= n) {
                tbe_throw(x, "java.lang.IndexOutOfBoundsException: No group %u", g);
            }
            if (ov[2 * g] != (size_t)-1) {
                tbel_sb_put(b, s.p + ov[2 * g], ov[2 * g + 1] - ov[2 * g]);
            }
        } else {
            tbel_sb_c(b, r.p[i]);
        }
    }
}

static tbe_val
replace_regex(struct tbe_x *x, tbe_val self, const tbe_val *argv, bool all)
{
    struct tbel_regex *re = tbel_regex_get(x, tbel_arg_str(x, argv[0]));
    struct tbe_str to = tbel_arg_str(x, argv[1]), s = tbe_val_str(self);
    size_t ov[2 * GROUPS], at = 0, done = 0;
    uint32_t n;
    struct tbel_sb b;
    replacement_limit(x, to);
    tbel_sb_init(&b, x, s.n + 16);
    while (tbel_regex_find(x, re, s, at, ov, GROUPS, &n)) {
        tbel_sb_put(&b, s.p + done, ov[0] - done);
        expand(x, &b, to, s, ov, n);
        done = ov[1];
        at = ov[1] > ov[0] ? ov[1] : ov[1] + 1;
        if (!all) {
            break;
        }
    }
    tbel_sb_put(&b, s.p + done, s.n - done);
    length_limit(x, b.n);
    return tbel_sb_done(&b);
}

METHOD(s_replace_all)
{
    (void)argc;
    return replace_regex(x, self, argv, true);
}

METHOD(s_replace_first)
{
    (void)argc;
    return replace_regex(x, self, argv, false);
}

METHOD(s_split)
{
    struct tbel_regex *re = tbel_regex_get(x, tbel_arg_str(x, argv[0]));
    int32_t limit = argc > 1 ? tbel_arg_int(x, argv[1]) : 0;
    struct tbe_str s = tbe_val_str(self);
    size_t ov[2], at = 0, done = 0;
    uint32_t n;
    tbe_val l = tbe_list_new(x->a, 8);
    while ((limit <= 0 || l.u.l->n + 1 < (uint32_t)limit) &&
        tbel_regex_find(x, re, s, at, ov, 1, &n)) {
        bool empty = ov[1] == ov[0];
        if (empty && ov[0] >= s.n) {
            break;
        }
        if (!(empty && ov[0] == 0)) { /* no empty string before a match of nothing at the start */
            tbe_list_push(x->a, l.u.l, tbel_strn(s.p + done, ov[0] - done));
            done = ov[1];
        }
        uint32_t step = 1;
        if (empty) {
            tbel_cp(s.p + ov[1], s.n - ov[1], &step);
        }
        at = empty ? ov[1] + step : ov[1];
    }
    if (l.u.l->n == 0 && done == 0) {
        tbe_list_push(x->a, l.u.l, self);
        return l;
    }
    tbe_list_push(x->a, l.u.l, tbel_strn(s.p + done, s.n - done));
    while (limit == 0 && l.u.l->n > 0 && l.u.l->v[l.u.l->n - 1].n == 0) {
        l.u.l->n--;
    }
    return l;
}

METHOD(s_concat)
{
    (void)argc;
    struct tbe_str t = tbel_arg_str(x, argv[0]);
    length_limit(x, self.n + t.n);
    return tbe_t_concat(x, self, tbe_strv(t));
}

METHOD(s_repeat)
{
    (void)argc;
    int32_t n = tbel_arg_int(x, argv[0]);
    if (n < 0) {
        tbe_throw(x, "count is negative: %d", n);
    }
    length_limit(x, (size_t)n * self.n);
    char *p = tbe_arena_alloc(x->a, (size_t)n * self.n + 1);
    for (int32_t i = 0; i < n; i++) {
        memcpy(p + (size_t)i * self.n, self.u.s, self.n);
    }
    tbe_val r = tbel_strn(p, (size_t)n * self.n);
    r.ascii = self.ascii;
    return r;
}

METHOD(s_equals)
{
    UNUSED_ARGS;
    return tbe_bool(tbe_is_str(argv[0]) && tbe_str_eq(tbe_val_str(self), tbe_val_str(argv[0])));
}

METHOD(s_equals_ignore_case)
{
    (void)argc;
    if (tbe_is_null(argv[0])) {
        return tbe_bool(false);
    }
    tbe_val a = s_lower(x, self, 0, NULL), b = s_lower(x, tbel_text_val(x, argv[0]), 0, NULL);
    return tbe_bool(tbe_str_eq(tbe_val_str(a), tbe_val_str(b)));
}

/* Difference of the first unequal units, else of the lengths. */
static int32_t
compare(tbe_val a, tbe_val b)
{
    uint32_t i = 0, j = 0, la = 1, lb = 1;
    while (i < a.n && j < b.n) {
        uint32_t ca = tbel_cp(a.u.s + i, a.n - i, &la), cb = tbel_cp(b.u.s + j, b.n - j, &lb);
        if (ca != cb) {
            uint32_t ua = ca < 0x10000 ? ca : 0xD800 + ((ca - 0x10000) >> 10);
            uint32_t ub = cb < 0x10000 ? cb : 0xD800 + ((cb - 0x10000) >> 10);
            return ua != ub ? (int32_t)ua - (int32_t)ub :
                (int32_t)(ca & 0x3FF) - (int32_t)(cb & 0x3FF);
        }
        i += la;
        j += lb;
    }
    return (int32_t)tbel_len16(a) - (int32_t)tbel_len16(b);
}

METHOD(s_compare_to)
{
    (void)argc;
    return tbe_int(compare(self, tbe_strv(tbel_arg_str(x, argv[0]))));
}

METHOD(s_compare_ignore_case)
{
    tbe_val b = s_lower(x, tbe_strv(tbel_arg_str(x, argv[0])), 0, NULL);
    (void)argc;
    return tbe_int(compare(s_lower(x, self, 0, NULL), b));
}

METHOD(s_matches)
{
    (void)argc;
    return tbe_bool(tbel_regex_full(x, tbel_regex_get(x, tbel_arg_str(x, argv[0])),
        tbe_val_str(self)));
}

METHOD(s_to_char_array)
{
    UNUSED_ARGS;
    uint32_t n = tbel_len16(self), len;
    tbe_val l = tbe_list_new(x->a, n);
    for (uint32_t i = 0; i < self.n; i += len) {
        uint32_t c = tbel_cp(self.u.s + i, self.n - i, &len);
        if (c >= 0x10000) {
            tbe_list_push(x->a, l.u.l, tbel_typed(TBE_CHAR, 0xD800 + ((c - 0x10000) >> 10)));
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        tbe_list_push(x->a, l.u.l, tbel_typed(TBE_CHAR, c));
    }
    l.t = TBE_ARRAY;
    l.sub = TBE_CHAR;
    return l;
}

METHOD(s_get_bytes)
{
    UNUSED_ARGS;
    tbe_val l = tbel_bytes_list(x, (const uint8_t *)self.u.s, self.n);
    l.t = TBE_ARRAY;
    l.sub = TBE_BYTE;
    return l;
}

METHOD(s_formatted)
{
    return tbel_format(x, self, argc, argv);
}

METHOD(s_lines)
{
    UNUSED_ARGS;
    tbe_val re = tbel_ascii("\r\n|\r|\n", 7);
    return s_split(x, self, 1, &re);
}

static const struct tbel_mdef string_methods[] = {
    M("charAt", 1, 1, s_char_at), M("codePointAt", 1, 1, s_code_point_at),
    M("compareTo", 1, 1, s_compare_to),
    M("compareToIgnoreCase", 1, 1, s_compare_ignore_case), M("concat", 1, 1, s_concat),
    M("contains", 1, 1, s_contains), M("endsWith", 1, 1, s_ends_with), M("equals", 1, 1, s_equals),
    M("equalsIgnoreCase", 1, 1, s_equals_ignore_case), M("formatted", 0, 10, s_formatted),
    M("getBytes", 0, 1, s_get_bytes), M("indexOf", 1, 2, s_index_of),
    M("isBlank", 0, 0, s_is_blank),
    M("isEmpty", 0, 0, s_is_empty), M("lastIndexOf", 1, 2, s_last_index_of),
    M("length", 0, 0, s_length),
    M("lines", 0, 0, s_lines), M("matches", 1, 1, s_matches), M("repeat", 1, 1, s_repeat),
    M("replace", 2, 2, s_replace), M("replaceAll", 2, 2, s_replace_all),
    M("replaceFirst", 2, 2, s_replace_first), M("split", 1, 2, s_split),
    M("startsWith", 1, 2, s_starts_with), M("strip", 0, 0, s_strip),
    M("stripLeading", 0, 0, s_strip_leading), M("stripTrailing", 0, 0, s_strip_trailing),
    M("subSequence", 2, 2, s_substring), M("substring", 1, 2, s_substring),
    M("toCharArray", 0, 0, s_to_char_array), M("toLowerCase", 0, 0, s_lower),
    M("toUpperCase", 0, 0, s_upper), M("trim", 0, 0, s_trim),
};
const struct tbel_class tbel_string_class = { string_methods,
                                              sizeof(string_methods) / sizeof(string_methods[0]) };

/* ---- String.* ---- */

tbe_val
tbe_t_string_format(struct tbe_x *x, int argc, const tbe_val *argv)
{
    if (argc > TBE_T_MAX_ARGS) {
        tbe_throw(x, "Maximum method arguments count overflow (%d > %d)!", argc, TBE_T_MAX_ARGS);
    }
    if (argc < 1) {
        tbe_t_no_static(x, TBE_STR("String"), TBE_STR("format"), argc, argv);
    }
    return tbel_format(x, argv[0], argc - 1, argv + 1);
}

tbe_val
tbe_t_string_value_of(struct tbe_x *x, int argc, const tbe_val *argv)
{
    if (argc != 1) {
        tbe_t_no_static(x, TBE_STR("String"), TBE_STR("valueOf"), argc, argv);
    }
    return tbel_text_val(x, argv[0]);
}

tbe_val
tbe_t_string_join(struct tbe_x *x, int argc, const tbe_val *argv)
{
    struct tbel_sb b;
    if (argc < 1) {
        tbe_t_no_static(x, TBE_STR("String"), TBE_STR("join"), argc, argv);
    }
    struct tbe_str sep = tbel_arg_str(x, argv[0]);
    const tbe_val *v = argv + 1;
    uint32_t n = (uint32_t)argc - 1;
    if (argc == 2 && (tbel_is_list(argv[1]) || argv[1].t == TBE_SET)) {
        struct tbe_iter it;
        tbe_t_iter(x, &it, argv[1], "");
        v = it.v.u.l->v;
        n = it.v.u.l->n;
    }
    tbel_sb_init(&b, x, 64);
    for (uint32_t i = 0; i < n; i++) {
        tbel_sb_put(&b, sep.p, i > 0 ? sep.n : 0);
        tbel_sb_val(&b, v[i]);
    }
    length_limit(x, b.n);
    return tbel_sb_done(&b);
}

tbe_val
tbe_t_char_upper(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)argc;
    tbe_val c = tbe_t_cast(x, TBE_STR("char"), argv[0]);
    return tbel_typed(TBE_CHAR, value_upper((uint32_t)c.u.i));
}

tbe_val
tbe_t_char_lower(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)argc;
    tbe_val c = tbe_t_cast(x, TBE_STR("char"), argv[0]);
    return tbel_typed(TBE_CHAR, value_lower((uint32_t)c.u.i));
}
