/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript regular expressions on PCRE2. Compiled patterns are kept per thread (a bounded
 * number, never replaced); those beyond live in the arena of the execution. Matching is limited
 * in steps, so that no pattern can hang a worker. */
#include "config.h"
#include "js_room.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define ARGS struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv
#define KEPT 128           /* patterns kept per thread */
#define MATCH_STEPS 1000000 /* about 50 ms */

struct kept {
    char *text; /* flags, '/', pattern */
    size_t n;
    pcre2_code *code;
};
static _Thread_local struct kept kept[KEPT];
static _Thread_local int n_kept;

static void *
arena_malloc(PCRE2_SIZE n, void *a)
{
    return tbe_arena_alloc(a, n);
}

static void
arena_free(void *p, void *a)
{
    (void)p;
    (void)a;
}

static uint32_t
options(struct tbe_x *x, struct tbe_str flags)
{
    uint32_t o = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_ALT_BSUX |
        PCRE2_MATCH_UNSET_BACKREF | PCRE2_DUPNAMES;
    for (size_t i = 0; i < flags.n; i++) {
        switch (flags.p[i]) {
        case 'i':
            o |= PCRE2_CASELESS;
            break;
        case 'm':
            o |= PCRE2_MULTILINE;
            break;
        case 's':
            o |= PCRE2_DOTALL;
            break;
        case 'g':
        case 'u':
        case 'y':
        case 'd':
            break;
        default:
            tbe_j_throw(x, "SyntaxError", "Invalid flags supplied to RegExp constructor '%.*s'",
                (int)flags.n, flags.p);
        }
    }
    return o;
}

static const pcre2_code *
compile(struct tbe_x *x, struct tbe_str pattern, struct tbe_str flags)
{
    struct tbe_str key = tbe_arena_fmt(x->a, "%.*s/%.*s", (int)flags.n, flags.p, (int)pattern.n,
        pattern.p);
    uint32_t opts = options(x, flags);
    for (int i = 0; i < n_kept; i++) {
        if (kept[i].n == key.n && memcmp(kept[i].text, key.p, key.n) == 0) {
            return kept[i].code;
        }
    }
    bool keep = n_kept < KEPT;
    pcre2_general_context *g = keep ? NULL : pcre2_general_context_create(arena_malloc, arena_free,
        x->a);
    pcre2_compile_context *c = pcre2_compile_context_create(g);
    int err = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *code = NULL;
    if (c != NULL) {
        pcre2_set_newline(c, PCRE2_NEWLINE_ANYCRLF);
        code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, opts, &err, &at, c);
        pcre2_compile_context_free(c);
    }
    if (code == NULL) {
        char msg[160] = "out of memory";
        pcre2_get_error_message(err, (PCRE2_UCHAR *)msg, sizeof(msg));
        tbe_j_throw(x, "SyntaxError", "Invalid regular expression: /%.*s/: %s", (int)pattern.n,
            pattern.p, msg);
    }
    if (keep) {
        char *text = malloc(key.n + 1);
        if (text == NULL) {
            pcre2_code_free(code);
            tbe_throw_full(x, key.n);
        }
        memcpy(text, key.p, key.n);
        kept[n_kept++] = (struct kept){ text, key.n, code };
    }
    return code;
}

/* The pattern as `source` has it: a slash outside a set is escaped. */
static struct tbe_str
source_text(struct tbe_x *x, struct tbe_str p)
{
    struct tbe_buf b = { 0 };
    bool set = false;
    if (p.n == 0 || memchr(p.p, '/', p.n) == NULL) {
        return p.n > 0 ? p : TBE_STR("(?:)");
    }
    for (size_t i = 0; i < p.n; i++) {
        if (p.p[i] == '\\' && i + 1 < p.n) {
            tbe_buf_putc(&b, p.p[i++]);
        } else if (p.p[i] == '/' && !set) {
            tbe_buf_putc(&b, '\\');
        } else {
            set = p.p[i] == '[' || (set && p.p[i] != ']');
        }
        tbe_buf_putc(&b, p.p[i]);
    }
    return tbe_val_str(js_from_buf(x, &b));
}

/* \u{61} of the u flag is \x{61} for PCRE2; \u0061 it knows. */
static struct tbe_str
without_braces(struct tbe_x *x, struct tbe_str p)
{
    struct tbe_buf b = { 0 };
    if (memmem(p.p, p.n, "\\u{", 3) == NULL) {
        return p;
    }
    for (size_t i = 0; i < p.n; i++) {
        tbe_buf_putc(&b, p.p[i]);
        if (p.p[i] == '\\' && i + 1 < p.n) {
            i++;
            tbe_buf_putc(&b, p.p[i] == 'u' && i + 1 < p.n && p.p[i + 1] == '{' ? 'x' : p.p[i]);
        }
    }
    return tbe_val_str(js_from_buf(x, &b));
}

tbe_val
js_regex_new(struct tbe_x *x, struct tbe_str pattern, struct tbe_str flags)
{
    struct js_regex *re = tbe_arena_zalloc(x->a, sizeof(*re));
    bool unicode = flags.n > 0 && memchr(flags.p, 'u', flags.n) != NULL;
    re->code = compile(x, unicode ? without_braces(x, pattern) : pattern, flags);
    re->source = source_text(x, pattern);
    re->flags = flags;
    re->global = memchr(flags.p, 'g', flags.n) != NULL;
    re->sticky = memchr(flags.p, 'y', flags.n) != NULL;
    return (tbe_val){ .t = TBE_REGEX, .u = { .p = re } };
}

tbe_val
tbe_j_regex(struct tbe_x *x, struct tbe_str pattern, struct tbe_str flags)
{
    return js_regex_new(x, pattern, flags);
}

tbe_val
tbe_j_regexp(struct tbe_x *x, int argc, const tbe_val *argv)
{
    tbe_val p = js_arg(argc, argv, 0), f = js_arg(argc, argv, 1);
    if (p.t == TBE_REGEX) {
        struct js_regex *re = p.u.p;
        return js_regex_new(x, re->source, f.t == TBE_UNDEF ? re->flags : tbe_j_text(x, f));
    }
    return js_regex_new(x, p.t == TBE_UNDEF ? TBE_STR("") : tbe_j_text(x, p), f.t == TBE_UNDEF ?
        TBE_STR("") : tbe_j_text(x, f));
}

struct hit {
    uint32_t from, to; /* bytes */
    int n;             /* groups */
    tbe_val *groups;
};

/* One match of re in s from byte `at`. */
static bool
run(struct tbe_x *x, const struct js_regex *re, tbe_val s, uint32_t at, struct hit *h)
{
    tbe_burn(x);
    if (at > s.n) {
        return false;
    }
    pcre2_general_context *g = pcre2_general_context_create(arena_malloc, arena_free, x->a);
    pcre2_match_data *md = pcre2_match_data_create_from_pattern(re->code, g);
    pcre2_match_context *mc = pcre2_match_context_create(g);
    pcre2_set_match_limit(mc, MATCH_STEPS);
    int rc = pcre2_match(re->code, (PCRE2_SPTR)s.u.s, s.n, at, re->sticky ? PCRE2_ANCHORED :
        0, md, mc);
    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT ||
        rc == PCRE2_ERROR_DEPTHLIMIT) {
        tbe_throw_fuel(x);
    }
    if (rc < 0) {
        return false;
    }
    const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(md);
    uint32_t count = 0;
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &count);
    h->from = (uint32_t)(ov[0] < ov[1] ? ov[0] : ov[1]);
    h->to = (uint32_t)ov[1];
    h->n = (int)count;
    h->groups = tbe_arena_alloc(x->a, (count + 1) * sizeof(*h->groups));
    for (uint32_t i = 0; i < count; i++) {
        bool set = (int)i + 1 < rc && ov[2 * i + 2] != PCRE2_UNSET;
        tbe_val v = s;
        v.u.s += set ? ov[2 * i + 2] : 0;
        v.n = set ? (uint32_t)(ov[2 * i + 3] - ov[2 * i + 2]) : 0;
        h->groups[i] = set ? v : TBE_UNDEF_VAL;
    }
    return true;
}

static tbe_val
part(tbe_val s, uint32_t from, uint32_t to)
{
    s.u.s += from;
    s.n = to - from;
    return s;
}

static tbe_val
named(struct tbe_x *x, const struct js_regex *re, const struct hit *h)
{
    uint32_t n = 0, size = 0;
    PCRE2_SPTR t = NULL;
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &n);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &t);
    if (n == 0) {
        return TBE_UNDEF_VAL;
    }
    tbe_val m = tbe_map_new(x->a, n);
    for (int k = 1; k <= h->n; k++) { /* in the order of the groups */
        for (uint32_t i = 0; i < n; i++) {
            const unsigned char *row = t + i * size;
            if ((row[0] << 8 | row[1]) == k) {
                tbe_val v = h->groups[k - 1];
                tbe_map_put(x->a, m.u.m, tbe_arena_dup(x->a, tbe_strz((const char *)row + 2)),
                    v.t == TBE_UNDEF ? TBE_J_HOLE : v);
            }
        }
    }
    return m;
}

static tbe_val
match_list(struct tbe_x *x, const struct js_regex *re, tbe_val s, const struct hit *h)
{
    struct js_match *m = tbe_arena_zalloc(x->a, sizeof(*m));
    m->l.flags = JS_LIST_MATCH;
    m->index = js_unit_of_byte(s, h->from);
    m->input = s;
    m->groups = named(x, re, h);
    tbe_list_push(x->a, &m->l, part(s, h->from, h->to));
    for (int i = 0; i < h->n; i++) {
        tbe_list_push(x->a, &m->l, h->groups[i]);
    }
    return (tbe_val){ .t = TBE_LIST, .u = { .l = &m->l } };
}

/* Where the next search starts after h: one character on behind an empty match. */
static uint32_t
advance(tbe_val s, const struct hit *h)
{
    uint32_t len = 1;
    if (h->to > h->from) {
        return h->to;
    }
    if (h->to < s.n) {
        js_decode(s.u.s + h->to, s.n - h->to, &len);
    }
    return h->to + len;
}

static tbe_val
exec(struct tbe_x *x, struct js_regex *re, tbe_val s)
{
    struct hit h;
    bool keeps = re->global || re->sticky;
    double start = keeps ? re->last_index : 0;
    if (start > js_units(s) || !run(x, re, s, js_byte_of_unit(s, (uint32_t)start), &h)) {
        re->last_index = keeps ? 0 : re->last_index;
        return TBE_NULL_VAL;
    }
    if (keeps) {
        re->last_index = js_unit_of_byte(s, h.to);
    }
    return match_list(x, re, s, &h);
}

static tbe_val
r_exec(ARGS)
{
    return exec(x, self.u.p, tbe_j_str(x, js_arg(argc, argv, 0)));
}

static tbe_val
r_test(ARGS)
{
    return tbe_bool(exec(x, self.u.p, tbe_j_str(x, js_arg(argc, argv, 0))).t == TBE_LIST);
}

static tbe_val
r_to_string(ARGS)
{
    (void)argc;
    (void)argv;
    return tbe_j_str(x, self);
}

tbe_fn *
js_regex_method(struct tbe_str name)
{
    static const struct js_method t[] = { { "exec", r_exec }, { "test", r_test },
        { "toString", r_to_string } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}

tbe_val
js_regex_match(struct tbe_x *x, tbe_val s, tbe_val rv)
{
    struct js_regex *re = rv.u.p;
    struct hit h;
    if (!re->global) {
        return exec(x, re, s);
    }
    tbe_val out = tbe_list_new(x->a, 4);
    for (uint32_t at = 0; run(x, re, s, at, &h); at = advance(s, &h)) {
        tbe_list_push(x->a, out.u.l, part(s, h.from, h.to));
    }
    re->last_index = 0;
    return out.u.l->n ? out : TBE_NULL_VAL;
}

tbe_val
js_regex_match_all(struct tbe_x *x, tbe_val s, tbe_val rv)
{
    struct js_regex *re = rv.u.p;
    struct hit h;
    if (!re->global) {
        tbe_j_throw(x, "TypeError",
            "String.prototype.matchAll called with a non-global RegExp argument");
    }
    tbe_val out = tbe_list_new(x->a, 4);
    for (uint32_t at = 0; run(x, re, s, at, &h); at = advance(s, &h)) {
        tbe_list_push(x->a, out.u.l, match_list(x, re, s, &h));
    }
    return out;
}

tbe_val
js_regex_search(struct tbe_x *x, tbe_val s, tbe_val rv)
{
    struct hit h;
    return tbe_double(run(x, rv.u.p, s, 0, &h) ? (double)js_unit_of_byte(s, h.from) : -1);
}

static tbe_val
replacement(struct tbe_x *x, const struct js_regex *re, tbe_val s, tbe_val with,
    const struct hit *h)
{
    tbe_val names = named(x, re, h);
    if (with.t == TBE_FUNC || with.t == TBE_OBJ) {
        tbe_val *args = tbe_arena_alloc(x->a, ((size_t)h->n + 4) * sizeof(*args));
        int n = 0;
        args[n++] = part(s, h->from, h->to);
        for (int i = 0; i < h->n; i++) {
            args[n++] = h->groups[i];
        }
        args[n++] = tbe_double(js_unit_of_byte(s, h->from));
        args[n++] = s;
        if (names.t == TBE_MAP) {
            args[n++] = names;
        }
        return tbe_j_str(x, tbe_j_call(x, with, TBE_UNDEF_VAL, n, args));
    }
    struct tbe_buf b = { 0 };
    js_expand(x, &b, s, with, h->from, h->to, h->groups, h->n, names);
    return js_from_buf(x, &b);
}

tbe_val
js_regex_replace(struct tbe_x *x, tbe_val s, tbe_val rv, tbe_val with)
{
    struct js_regex *re = rv.u.p;
    struct hit h;
    tbe_val out = TBE_LIT("");
    uint32_t done = 0;
    if (with.t != TBE_FUNC && with.t != TBE_OBJ) {
        with = tbe_j_str(x, with);
    }
    for (uint32_t at = 0; run(x, re, s, at, &h); at = advance(s, &h)) {
        out = js_concat(x, out, part(s, done, h.from));
        out = js_concat(x, out, replacement(x, re, s, with, &h));
        done = h.to;
        if (!re->global) {
            break;
        }
    }
    return js_concat(x, out, part(s, done, s.n));
}

tbe_val
js_regex_split(struct tbe_x *x, tbe_val s, tbe_val rv, double limit)
{
    struct hit h;
    tbe_val out = tbe_list_new(x->a, 8);
    uint32_t done = 0, at = 0;
    if (limit == 0) {
        return out;
    }
    if (s.n == 0) {
        if (!run(x, rv.u.p, s, 0, &h)) {
            tbe_list_push(x->a, out.u.l, s);
        }
        return out;
    }
    while (at < s.n && run(x, rv.u.p, s, at, &h) && h.from < s.n) {
        if (h.to == done || (h.to == h.from && h.from == done)) { /* empty where the piece starts */
            at = advance(s, &h);
            continue;
        }
        tbe_list_push(x->a, out.u.l, part(s, done, h.from));
        for (int i = 0; i < h.n && out.u.l->n < limit; i++) {
            tbe_list_push(x->a, out.u.l, h.groups[i]);
        }
        if (out.u.l->n >= limit) {
            return out;
        }
        done = h.to;
        at = h.to > h.from ? h.to : advance(s, &h);
    }
    tbe_list_push(x->a, out.u.l, part(s, done, s.n));
    return out;
}
