/* SPDX-License-Identifier: Apache-2.0 */
/* The JavaScript scanner: text -> tokens. Every byte sequence is safe; what is no token is a
 * diagnostic. */
#include "config.h"
#include "script/js_lex.h"

#include <math.h>
#include <string.h>

static int
at(const struct js_lex *l, size_t i)
{
    return i < l->c->text.n ? (unsigned char)l->c->text.p[i] : -1;
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int
hex_value(int c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

static bool
ident_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80;
}

static void
lex_error(struct js_lex *l, int line, int col, const char *msg)
{
    if (!l->quiet && !l->bad) {
        ast_error(l->c, line, col, "syntax", "%s", msg);
    }
    l->bad = true;
    l->pos = l->c->text.n;
}

static void
newline(struct js_lex *l, size_t next)
{
    l->line++;
    l->line_start = next;
}

/* Bytes of the white space or line end at i that is not ASCII (NBSP, BOM, U+2028, U+2029, Zs),
 * or 0. */
static int
wide_space(const struct js_lex *l, size_t i, bool *nl)
{
    int a = at(l, i), b = at(l, i + 1), c = at(l, i + 2);
    *nl = false;
    if (a == 0xC2 && b == 0xA0) {
        return 2;
    }
    if (a == 0xEF && b == 0xBB && c == 0xBF) {
        return 3;
    }
    if (a == 0xE2 && b == 0x80 && (c == 0xA8 || c == 0xA9)) {
        *nl = true;
        return 3;
    }
    if ((a == 0xE2 && b == 0x80 && ((c >= 0x80 && c <= 0x8A) || c == 0xAF)) ||
        (a == 0xE2 && b == 0x81 && c == 0x9F) || (a == 0xE3 && b == 0x80 && c == 0x80) ||
        (a == 0xE1 && b == 0x9A && c == 0x80)) {
        return 3;
    }
    return 0;
}

/* Skips white space and comments; true when a line end was among them. */
static bool
skip_space(struct js_lex *l)
{
    bool nl = false, wide_nl;
    for (;;) {
        int c = at(l, l->pos);
        if (c == '\n' || c == '\r') {
            l->pos += c == '\r' && at(l, l->pos + 1) == '\n' ? 2 : 1;
            newline(l, l->pos);
            nl = true;
        } else if (c == ' ' || c == '\t' || c == '\v' || c == '\f') {
            l->pos++;
        } else if (c == '/' && at(l, l->pos + 1) == '/') {
            while (at(l, l->pos) >= 0 && at(l, l->pos) != '\n' && at(l, l->pos) != '\r') {
                l->pos++;
            }
        } else if (c == '/' && at(l, l->pos + 1) == '*') {
            int line = l->line, col = (int)(l->pos - l->line_start) + 1;
            l->pos += 2;
            while (at(l, l->pos) >= 0 && !(at(l, l->pos) == '*' && at(l, l->pos + 1) == '/')) {
                if (at(l, l->pos++) == '\n') {
                    newline(l, l->pos);
                    nl = true;
                }
            }
            if (at(l, l->pos) < 0) {
                lex_error(l, line, col, "this comment has no end: add */");
                return nl;
            }
            l->pos += 2;
        } else if (c >= 0x80 && wide_space(l, l->pos, &wide_nl) > 0) {
            l->pos += (size_t)wide_space(l, l->pos, &wide_nl);
            if (wide_nl) {
                newline(l, l->pos);
                nl = true;
            }
        } else {
            return nl;
        }
    }
}

static void
radix_number(struct js_lex *l, struct js_token *t, int radix)
{
    size_t first = l->pos;
    t->num = 0;
    for (int v; (v = hex_value(at(l, l->pos))) >= 0 ? v < radix : at(l, l->pos) == '_'; l->pos++) {
        if (at(l, l->pos) != '_') {
            t->num = t->num * radix + v;
        }
    }
    if (l->pos == first) {
        lex_error(l, t->line, t->col, "a number needs digits here");
    }
}

static void
number(struct js_lex *l, struct js_token *t)
{
    int c = at(l, l->pos), d = at(l, l->pos + 1) | 32;
    t->t = JT_NUM;
    if (c == '0' && (d == 'x' || d == 'o' || d == 'b')) {
        l->pos += 2;
        radix_number(l, t, d == 'x' ? 16 : d == 'o' ? 8 : 2);
    } else if (c == '0' && is_digit(at(l, l->pos + 1))) {
        /* legacy octal, unless an 8 or 9 is in it */
        size_t i = l->pos;
        bool octal = true;
        for (; is_digit(at(l, i)); i++) {
            octal = octal && at(l, i) < '8';
        }
        if (octal) {
            radix_number(l, t, 8);
        } else {
            struct tbe_str s = { l->c->text.p + l->pos, i - l->pos };
            bool ok;
            t->num = tbe_parse_double(s, &ok);
            l->pos = i;
        }
    } else {
        char buf[400];
        size_t n = 0;
        bool dot = false, exp = false, ok = false;
        for (;; l->pos++) {
            c = at(l, l->pos);
            if (c == '.' && !dot && !exp) {
                dot = true;
            } else if ((c == 'e' || c == 'E') && !exp) {
                exp = true;
                int s = at(l, l->pos + 1);
                if ((s == '+' || s == '-') && n < sizeof(buf) - 2) {
                    buf[n++] = 'e';
                    c = s;
                    l->pos++;
                }
            } else if (c == '_') {
                continue;
            } else if (!is_digit(c)) {
                break;
            }
            if (n < sizeof(buf) - 2) {
                buf[n++] = (char)c;
            }
        }
        if (n > 0 && buf[n - 1] == '.') {
            n--; /* "5." */
        }
        char lead[402] = "0";
        memcpy(lead + 1, buf, n); /* ".5" -> "0.5" */
        bool need = n > 0 && buf[0] == '.';
        struct tbe_str s = { need ? lead : buf, need ? n + 1 : n };
        if (!need && memchr(buf, '.', n) != NULL) { /* "5.e3" -> "5e3" */
            char *p = memchr(buf, '.', n);
            if (p + 1 < buf + n && (p[1] == 'e' || p[1] == 'E')) {
                memmove(p, p + 1, (size_t)(buf + n - p - 1));
                s.n = n - 1;
            }
        }
        t->num = tbe_parse_double(s, &ok);
        if (!ok) {
            lex_error(l, t->line, t->col, "this is not a number");
        }
    }
    c = at(l, l->pos);
    if (c == 'n') {
        lex_error(l, t->line, t->col, "BigInt literals are not supported: write a plain number");
    } else if (ident_start(c) || is_digit(c)) {
        lex_error(l, t->line, t->col, "a name cannot follow a number directly");
    }
}

static void
put_utf8(char *out, size_t *n, uint32_t cp)
{
    if (cp < 0x80) {
        out[(*n)++] = (char)cp;
    } else if (cp < 0x800) {
        out[(*n)++] = (char)(0xC0 | cp >> 6);
        out[(*n)++] = (char)(0x80 | (cp & 63));
    } else if (cp < 0x10000) {
        out[(*n)++] = (char)(0xE0 | cp >> 12);
        out[(*n)++] = (char)(0x80 | (cp >> 6 & 63));
        out[(*n)++] = (char)(0x80 | (cp & 63));
    } else {
        out[(*n)++] = (char)(0xF0 | cp >> 18);
        out[(*n)++] = (char)(0x80 | (cp >> 12 & 63));
        out[(*n)++] = (char)(0x80 | (cp >> 6 & 63));
        out[(*n)++] = (char)(0x80 | (cp & 63));
    }
}

/* Hex digits [i, i + n) as a number, or -1. */
static int64_t
hex_run(const struct js_lex *l, size_t i, int n)
{
    int64_t v = 0;
    for (int k = 0; k < n; k++) {
        int h = hex_value(at(l, i + (size_t)k));
        if (h < 0) {
            return -1;
        }
        v = v * 16 + h;
    }
    return v;
}

/* \uXXXX or \u{X...} with i behind the u; returns the code point or -1, *next behind it. */
static int64_t
unicode_escape(const struct js_lex *l, size_t i, size_t *next)
{
    if (at(l, i) != '{') {
        *next = i + 4;
        return hex_run(l, i, 4);
    }
    int64_t v = 0;
    size_t k = i + 1;
    for (; hex_value(at(l, k)) >= 0 && v <= 0x10FFFF; k++) {
        v = v * 16 + hex_value(at(l, k));
    }
    *next = k + 1;
    return k == i + 1 || at(l, k) != '}' || v > 0x10FFFF ? -1 : v;
}

/* One escape with i behind the backslash; appends its value; returns the offset behind it, 0 =
 * bad. */
static size_t
escape(const struct js_lex *l, size_t i, bool tmpl, char *out, size_t *n)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    int c = at(l, i);
    const char *p = c > 0 ? strchr(from, c) : NULL;
    if (p != NULL) {
        out[(*n)++] = to[p - from];
        return i + 1;
    }
    if (c == 'x') {
        int64_t v = hex_run(l, i + 1, 2);
        if (v < 0) {
            return 0;
        }
        put_utf8(out, n, (uint32_t)v);
        return i + 3;
    }
    if (c == 'u') {
        size_t next, after;
        int64_t v = unicode_escape(l, i + 1, &next);
        if (v < 0) {
            return 0;
        }
        if (v >= 0xD800 && v < 0xDC00 && at(l, next) == '\\' && at(l, next + 1) == 'u') {
            int64_t w = unicode_escape(l, next + 2, &after);
            if (w >= 0xDC00 && w < 0xE000) {
                v = 0x10000 + ((v - 0xD800) << 10) + (w - 0xDC00);
                next = after;
            }
        }
        put_utf8(out, n, (uint32_t)v);
        return next;
    }
    /* legacy octal */
    if (c >= '0' && c <= '7' && !(tmpl && (c != '0' || is_digit(at(l, i + 1))))) {
        uint32_t v = 0;
        int max = c <= '3' ? 3 : 2;
        for (int k = 0; k < max && at(l, i) >= '0' && at(l, i) <= '7'; k++, i++) {
            v = v * 8 + (uint32_t)(at(l, i) - '0');
        }
        put_utf8(out, n, v);
        return i;
    }
    if (c == '\r' || c == '\n') {
        return c == '\r' && at(l, i + 1) == '\n' ? i + 2 : i + 1;
    }
    if (c < 0 || (tmpl && is_digit(c))) {
        return 0;
    }
    out[(*n)++] = (char)c;
    return i + 1;
}

struct tbe_str
js_lex_cook(struct js_lex *l, size_t from, size_t to, bool tmpl, int line, int col)
{
    char *out = tbe_arena_alloc(l->c->a, to - from + 4);
    size_t n = 0;
    for (size_t i = from; i < to;) {
        int c = at(l, i);
        if (c == '\\') {
            i = escape(l, i + 1, tmpl, out, &n);
            if (i == 0) {
                lex_error(l, line, col, "this text has an escape sequence that does not exist");
                break;
            }
        } else if (tmpl && c == '\r') { /* CR and CRLF count as LF in templates */
            out[n++] = '\n';
            i += at(l, i + 1) == '\n' ? 2 : 1;
        } else {
            out[n++] = (char)c;
            i++;
        }
    }
    struct tbe_str s = { out, n };
    return s;
}

static void
string(struct js_lex *l, struct js_token *t)
{
    int q = at(l, l->pos);
    size_t i = l->pos + 1;
    t->t = JT_STR;
    for (; at(l, i) != q; i++) {
        int c = at(l, i);
        if (c < 0 || c == '\n' || c == '\r') {
            lex_error(l, t->line, t->col,
                "this string has no end on its line: close the quote, or use \\n");
            return;
        }
        if (c == '\\') {
            t->escaped = true;
            i++;
            if (at(l, i) == '\r' && at(l, i + 1) == '\n') {
                i++;
            }
            if (at(l, i) == '\n' || at(l, i) == '\r') {
                newline(l, i + 1);
            }
        }
    }
    size_t from = l->pos + 1;
    l->pos = i + 1;
    if (!l->quiet) {
        t->s = js_lex_cook(l, from, i, false, t->line, t->col);
    }
}

size_t
js_lex_chunk_end(const struct js_lex *l, size_t i)
{
    for (;; i++) {
        int c = at(l, i);
        if (c < 0) {
            return l->c->text.n;
        }
        if (c == '\\') {
            i++;
        } else if (c == '`' || (c == '$' && at(l, i + 1) == '{')) {
            return i;
        }
    }
}

/* Offset behind the template that starts at the back quote i; nested ones included, depth
 * bounded. */
static size_t
template_end(const struct js_lex *l, size_t i, int depth)
{
    if (depth > 16) {
        return l->c->text.n + 1;
    }
    for (i++;;) {
        i = js_lex_chunk_end(l, i);
        if (at(l, i) == '`') {
            return i + 1;
        }
        if (at(l, i) < 0) {
            return l->c->text.n + 1;
        }
        int braces = 1;
        for (i += 2; braces > 0; i++) {
            int c = at(l, i);
            if (c < 0) {
                return l->c->text.n + 1;
            }
            if (c == '{') {
                braces++;
            } else if (c == '}') {
                braces--;
            } else if (c == '`') {
                i = template_end(l, i, depth + 1) - 1;
            } else if (c == '\'' || c == '"') {
                for (i++; at(l, i) != c; i++) {
                    if (at(l, i) < 0) {
                        return l->c->text.n + 1;
                    }
                    i += at(l, i) == '\\';
                }
            }
        }
    }
}

static void
template(struct js_lex *l, struct js_token *t)
{
    size_t end = template_end(l, l->pos, 0);
    t->t = JT_TEMPLATE;
    if (end > l->c->text.n) {
        lex_error(l, t->line, t->col, "this template text has no end: add a back quote");
        return;
    }
    for (size_t i = l->pos; i < end; i++) {
        if (at(l, i) == '\n') {
            newline(l, i + 1);
        }
    }
    l->pos = end;
}

void
js_lex_regex(struct js_lex *l, struct js_token *t)
{
    size_t i = t->start + 1;
    bool set = false;
    for (;; i++) {
        int c = at(l, i);
        if (c < 0 || c == '\n' || c == '\r') {
            lex_error(l, t->line, t->col, "this regular expression has no end on its line");
            t->t = JT_EOF;
            return;
        }
        if (c == '\\') {
            i++;
            if (at(l, i) == '\n' || at(l, i) < 0) {
                i--;
            }
        } else if (c == '[') {
            set = true;
        } else if (c == ']') {
            set = false;
        } else if (c == '/' && !set) {
            break;
        }
    }
    t->t = JT_REGEX;
    t->s = (struct tbe_str){ l->c->text.p + t->start + 1, i - t->start - 1 };
    size_t f = ++i;
    while (ident_start(at(l, i)) || is_digit(at(l, i))) {
        i++;
    }
    t->s2 = (struct tbe_str){ l->c->text.p + f, i - f };
    t->end = i;
    l->pos = i;
}

static void
punct(struct js_lex *l, struct js_token *t)
{
    static const char *const ops[] = { ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>",
        "&&=", "||=",
        "\?\?=", "=>", "==", "!=", "<=", ">=", "&&", "||", "\?\?", "?.", "++", "--", "+=", "-=",
        "*=", "/=", "%=",
        "&=", "|=", "^=", "<<", ">>", "**" };
    size_t rest = l->c->text.n - l->pos;
    const char *p = l->c->text.p + l->pos;
    t->t = JT_PUNCT;
    for (size_t k = 0; k < sizeof(ops) / sizeof(ops[0]); k++) {
        size_t n = strlen(ops[k]);
        if (n <= rest && memcmp(p, ops[k], n) == 0) {
            if (strcmp(ops[k], "?.") == 0 && rest > 2 && is_digit((unsigned char)p[2])) {
                continue; /* a?.5:1 */
            }
            for (size_t i = 0; i < n; i++) {
                t->punct = t->punct << 8 | (unsigned char)p[i];
            }
            l->pos += n;
            return;
        }
    }
    if (*p == '\0' || strchr("{}()[];,<>+-*/%&|^!~?:=.", *p) == NULL) {
        lex_error(l, t->line, t->col, "this character has no meaning here");
        t->t = JT_EOF;
        return;
    }
    t->punct = (unsigned char)*p;
    l->pos++;
}

void
js_lex_next(struct js_lex *l, struct js_token *t)
{
    struct js_token z = { .t = JT_EOF };
    *t = z;
    t->nl_before = skip_space(l);
    t->start = l->pos;
    t->line = l->line;
    t->col = (int)(l->pos - l->line_start) + 1;
    int c = at(l, l->pos);
    if (c < 0) {
        /* end */
    } else if (ident_start(c)) {
        while (ident_start(at(l, l->pos)) || is_digit(at(l, l->pos))) {
            l->pos++;
        }
        t->t = JT_IDENT;
        t->s = (struct tbe_str){ l->c->text.p + t->start, l->pos - t->start };
    } else if (is_digit(c) || (c == '.' && is_digit(at(l, l->pos + 1)))) {
        number(l, t);
    } else if (c == '"' || c == '\'') {
        string(l, t);
    } else if (c == '`') {
        template(l, t);
    } else {
        punct(l, t);
    }
    if (l->bad) {
        t->t = JT_EOF;
    }
    t->end = l->pos;
}
