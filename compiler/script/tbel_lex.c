/* SPDX-License-Identifier: Apache-2.0 */
/* Lexer of TBEL: words, numbers with their Java class, strings, operators (facts/tbel.md 2). */
#include "config.h"
#include "script/tbel_lex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
    "if", "else", "switch", "case", "default", "function", "def", "var", "foreach", "while",
    "until", "for",
    "do", "return", "break", "and", "or", "instanceof", "is", "contains", "soundslike", "strsim",
    "convertable_to", "isdef", "new", "in", "with", "assert", "import", "import_static", "true",
    "false",
    "null", "nil", "empty", "stacklang",
};

/* Longest first. */
static const char *const puncts[] = {
    ">>>=", ">>>", "<<<", "<<=", ">>=", "===", "!==", "==", "!=", "<=", ">=", "&&", "||", "++",
    "--", "+=",
    "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "**", "~=", ".?", ".{", "->", "(", ")",
    "[", "]",
    "{", "}", ";", ",", ":", "?", ".", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "!",
    "~", "#",
    "@",
};

static bool
ident_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80;
}

static bool
digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static int
peek(const struct tbel_lexer *l, size_t ahead)
{
    size_t i = l->pos + ahead;
    return i < l->c->text.n ? (unsigned char)l->c->text.p[i] : -1;
}

static int
col(const struct tbel_lexer *l, size_t at)
{
    return (int)(at - l->line_at) + 1;
}

/* Skips space and comments; true when a line ended. An open comment runs to the end of the text. */
static bool
skip_space(struct tbel_lexer *l)
{
    bool newline = false;
    for (;;) {
        int ch = peek(l, 0);
        if (ch == '\n') {
            newline = true;
            l->pos++;
            l->line++;
            l->line_at = l->pos;
        } else if (ch >= 0 && ch <= ' ') {
            l->pos++;
        } else if (ch == '/' && peek(l, 1) == '/') {
            while (peek(l, 0) >= 0 && peek(l, 0) != '\n') {
                l->pos++;
            }
        } else if (ch == '/' && peek(l, 1) == '*') {
            l->pos += 2;
            while (peek(l, 0) >= 0 && !(peek(l, 0) == '*' && peek(l, 1) == '/')) {
                if (peek(l, 0) == '\n') {
                    newline = true;
                    l->line++;
                    l->line_at = l->pos + 1;
                }
                l->pos++;
            }
            l->pos += peek(l, 0) >= 0 ? 2 : 0;
        } else {
            return newline;
        }
    }
}

/* ---- numbers ---- */

static tbe_val
text_number(struct ast_ctx *c, struct tbe_str s, enum tbe_type t)
{
    struct tbe_str d = tbe_arena_dup(c->a, s);
    return (tbe_val){ .t = (uint8_t)t, .n = (uint32_t)d.n, .u = { .s = d.p } };
}

static bool
bad_number(struct ast_ctx *c, struct tbe_str s, int line, int column, bool format)
{
    if (format) {
        ast_error(c, line, column, "syntax", "badly formatted number: For input string: \"%.*s\"",
            (int)s.n, s.p);
    } else {
        ast_error(c, line, column, "syntax", "invalid number literal: %.*s", (int)s.n, s.p);
    }
    return false;
}

static bool
whole_number(struct ast_ctx *c, struct tbe_str s, size_t digits_at, int base, int line, int column,
    bool is_long,
             tbe_val *out)
{
    char buf[80];
    if (s.n >= sizeof(buf)) {
        return bad_number(c, s, line, column, true);
    }
    memcpy(buf, s.p, s.n);
    buf[s.n] = '\0';
    bool neg = buf[0] == '-';
    char *end;
    errno = 0;
    unsigned long long u = strtoull(buf + digits_at, &end, base);
    if (*end != '\0' || end == buf + digits_at || errno != 0) {
        return bad_number(c, s, line, column, true);
    }
    if (base == 16) {
        int64_t v = neg ? (int64_t)(0 - u) : (int64_t)u;
        bool small = u <= (unsigned long long)INT32_MAX || u == 0x80000000u;
        *out = is_long || !small ? tbe_long(v) : tbe_int((int32_t)(uint32_t)(uint64_t)v);
        return true;
    }
    if (u > (unsigned long long)INT64_MAX + neg) {
        return bad_number(c, s, line, column, true);
    }
    int64_t v = neg ? (int64_t)(0 - u) : (int64_t)u;
    /* The reference decides by the length of the text, sign included. */
    *out = is_long || s.n > 9 ? tbe_long(v) : tbe_int((int32_t)v);
    return true;
}

bool
tbel_number(struct ast_ctx *c, struct tbe_str s, int line, int column, tbe_val *out)
{
    size_t sign = s.n > 0 && s.p[0] == '-';
    struct tbe_str body = { s.p, s.n };
    char last = s.n ? s.p[s.n - 1] : '0';
    bool hex = s.n > sign + 2 && s.p[sign] == '0' && s.p[sign + 1] == 'x';
    bool real = false, ok;

    if (!hex && !digit((unsigned char)last) && last != '.') {
        body.n--;
    }
    if (hex) {
        bool l = last == 'L' || last == 'l';
        body.n -= l;
        return whole_number(c, body, sign + 2, 16, line, column, l, out);
    }
    for (size_t i = sign; i < body.n; i++) {
        char ch = body.p[i];
        bool exp_sign = (ch == '+' || ch == '-') && i > 0 &&
            (body.p[i - 1] == 'e' || body.p[i - 1] == 'E');
        real |= ch == '.' || ch == 'e' || ch == 'E';
        if (!digit((unsigned char)ch) && ch != '.' && ch != 'e' && ch != 'E' && !exp_sign) {
            return bad_number(c, s, line, column, false);
        }
    }
    if (body.n < s.n && strchr("fFdDBI", last) == NULL && last != 'L' && last != 'l') {
        return bad_number(c, s, line, column, false);
    }
    if (body.n < s.n && (last == 'B' || (last == 'I' && !real))) {
        *out = text_number(c, body, last == 'B' ? TBE_BIGDEC : TBE_BIGINT);
        return true;
    }
    if (real || (body.n < s.n && strchr("fFdD", last) != NULL)) {
        struct tbe_str t = tbe_arena_fmt(c->a, "%.*s%.*s%s", (int)sign, body.p,
            (int)(body.n - sign), body.p + sign, body.n > 0 &&
            body.p[body.n - 1] == '.' ? "0" : "");
        if (body.n > sign && body.p[sign] == '.') {
            t = tbe_arena_fmt(c->a, "%s0%.*s", sign ? "-" :
                "", (int)(body.n - sign), body.p + sign);
        }
        double d = tbe_parse_double(t, &ok);
        if (!ok) {
            char *end;
            d = strtod(t.p, &end);
            if (end != t.p + t.n) {
                return bad_number(c, s, line, column, false);
            }
        }
        *out = tbe_double(d);
        if (last == 'f' || last == 'F') {
            *out = (tbe_val){ .t = TBE_FLOAT, .u = { .d = (double)(float)d } };
        }
        return true;
    }
    if (body.n > sign + 1 && body.p[sign] == '0') {
        return whole_number(c, body, sign + 1, 8, line, column, last == 'L' || last == 'l', out);
    }
    return whole_number(c, body, sign, 10, line, column, last == 'L' || last == 'l', out);
}

static struct tbel_token
lex_number(struct tbel_lexer *l, struct tbel_token t)
{
    size_t from = l->pos;
    bool hex = peek(l, 0) == '0' && peek(l, 1) == 'x';
    for (;;) {
        int ch = peek(l, 0);
        bool sign = !hex && (ch == '+' || ch == '-') && (peek(l, -1) == 'e' || peek(l, -1) == 'E');
        if (ch == '.' && (hex || ident_start((unsigned char)peek(l, 1)) || peek(l, 1) == '?' ||
                          peek(l, 1) == '{') && !(peek(l, 1) == 'e' || peek(l, 1) == 'E' ||
                          peek(l, 1) == 'd' ||
                          peek(l, 1) == 'D' || peek(l, 1) == 'f' || peek(l, 1) == 'F')) {
            if (ident_start((unsigned char)peek(l, 1))) {
                l->pos++; /* 5.toString(): taken whole, and refused */
                continue;
            }
            break;
        }
        if (ch < 0 || !(digit((unsigned char)ch) || ident_start((unsigned char)ch) || ch == '.' ||
            sign)) {
            break;
        }
        l->pos++;
    }
    t.kind = TK_NUMBER;
    t.s = (struct tbe_str){ l->c->text.p + from, l->pos - from };
    t.end = l->pos;
    return t;
}

/* ---- strings ---- */

static struct tbel_token
lex_error(struct tbel_lexer *l, struct tbel_token t, const char *msg, struct tbe_str what)
{
    if (!l->c->failed) {
        ast_error(l->c, t.line, t.col, "syntax", "%s%.*s", msg, (int)what.n, what.p);
    }
    t.kind = TK_ERROR;
    l->pos = l->c->text.n;
    t.end = l->pos;
    return t;
}

static void
put_unit(struct tbe_arena *a, char **p, uint32_t u, const char *start)
{
    unsigned char *o = (unsigned char *)*p;
    (void)a;
    if (u >= 0xDC00 && u <= 0xDFFF && *p - start >= 3 && o[-3] == 0xED && o[-2] >= 0xA0 &&
        o[-2] <= 0xAF) {
        uint32_t hi = 0xD000u | (uint32_t)(o[-2] & 63) << 6 | (o[-1] & 63u);
        u = 0x10000 + ((hi - 0xD800) << 10) + (u - 0xDC00);
        o -= 3;
    }
    if (u < 0x80) {
        *o++ = (unsigned char)u;
    } else if (u < 0x800) {
        *o++ = (unsigned char)(0xC0 | u >> 6);
        *o++ = (unsigned char)(0x80 | (u & 63));
    } else if (u < 0x10000) {
        *o++ = (unsigned char)(0xE0 | u >> 12);
        *o++ = (unsigned char)(0x80 | (u >> 6 & 63));
        *o++ = (unsigned char)(0x80 | (u & 63));
    } else {
        *o++ = (unsigned char)(0xF0 | u >> 18);
        *o++ = (unsigned char)(0x80 | (u >> 12 & 63));
        *o++ = (unsigned char)(0x80 | (u >> 6 & 63));
        *o++ = (unsigned char)(0x80 | (u & 63));
    }
    *p = (char *)o;
}

static struct tbel_token
lex_string(struct tbel_lexer *l, struct tbel_token t)
{
    static const char from[] = "\\bftrn'\"", to[] = "\\\b\f\t\r\n'\"";
    int quote = peek(l, 0);
    size_t open = l->pos++;
    char *buf = tbe_arena_alloc(l->c->a, l->c->text.n - open + 4), *p = buf;
    for (;;) {
        int ch = peek(l, 0);
        if (ch < 0) {
            return lex_error(l, t, "unterminated string literal", TBE_STR(""));
        }
        l->pos++;
        if (ch == quote) {
            break;
        }
        if (ch == '\n') {
            l->line++;
            l->line_at = l->pos;
        }
        if (ch != '\\') {
            *p++ = (char)ch;
            continue;
        }
        ch = peek(l, 0);
        const char *e = ch > 0 ? strchr(from, ch) : NULL;
        if (e != NULL) {
            *p++ = to[e - from];
            l->pos++;
        } else if (ch == 'u') {
            uint32_t u = 0;
            for (int i = 1; i <= 4; i++) {
                int h = peek(l, (size_t)i);
                if (!((h >= '0' && h <= '9') || (h >= 'A' && h <= 'F'))) {
                    return lex_error(l, t, "illegal unicode escape sequence", TBE_STR(""));
                }
                u = u << 4 | (uint32_t)(h <= '9' ? h - '0' : h - 'A' + 10);
            }
            l->pos += 5;
            put_unit(l->c->a, &p, u, buf);
        } else if (ch >= '0' && ch <= '7') {
            uint32_t u = 0;
            for (int i = 0; i < 3 && peek(l, 0) >= '0' && peek(l, 0) <= '7'; i++) {
                u = u * 8 + (uint32_t)(peek(l, 0) - '0');
                l->pos++;
            }
            put_unit(l->c->a, &p, u, buf);
        } else {
            struct tbe_str what = { l->c->text.p + l->pos, ch < 0 ? 0 : 1 };
            return lex_error(l, t, "illegal escape sequence: ", what);
        }
    }
    t.kind = TK_STRING;
    t.s = (struct tbe_str){ buf, (size_t)(p - buf) };
    t.end = l->pos;
    return t;
}

struct tbel_token
tbel_lex(struct tbel_lexer *l)
{
    struct tbel_token t = { 0 };
    t.newline = skip_space(l);
    t.at = t.end = l->pos;
    t.line = l->line;
    t.col = col(l, l->pos);
    int ch = peek(l, 0);
    if (ch < 0) {
        t.kind = TK_EOF;
        t.s = TBE_STR("");
        return t;
    }
    if (digit((unsigned char)ch) || (ch == '.' && peek(l, 1) >= 0 &&
        digit((unsigned char)peek(l, 1)))) {
        return lex_number(l, t);
    }
    if (ch == '"' || ch == '\'') {
        return lex_string(l, t);
    }
    if (ident_start((unsigned char)ch)) {
        while (peek(l, 0) >= 0 && (ident_start((unsigned char)peek(l, 0)) ||
            digit((unsigned char)peek(l, 0)))) {
            l->pos++;
        }
        t.s = (struct tbe_str){ l->c->text.p + t.at, l->pos - t.at };
        t.end = l->pos;
        t.kind = TK_IDENT;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (tbe_str_eqz(t.s, words[i])) {
                t.kind = TK_WORD;
            }
        }
        return t;
    }
    for (size_t i = 0; i < sizeof(puncts) / sizeof(puncts[0]); i++) {
        size_t n = strlen(puncts[i]);
        if (l->c->text.n - l->pos >= n && memcmp(l->c->text.p + l->pos, puncts[i], n) == 0) {
            l->pos += n;
            t.kind = TK_PUNCT;
            t.s = (struct tbe_str){ puncts[i], n };
            t.end = l->pos;
            return t;
        }
    }
    return lex_error(l, t, "Unterminated statement!", TBE_STR(""));
}
