/* SPDX-License-Identifier: Apache-2.0 */
/* The lenient reader of device payloads: what it takes, what it refuses and the words of a
 * refusal follow Gson's reader as ThingsBoard uses it (facts/device-apis.md 4.1). Speed does not
 * matter here: plain JSON is read by json_read.c; this is for the odd text and for error
 * messages. */
#include "config.h"

#include <string.h>

#include "value/value_int.h"

#define GSON_NUMBER_MAX 1023 /* characters of a number; longer ones count as unquoted strings */

enum gson_scope { GSON_DOCUMENT, GSON_ARRAY, GSON_OBJECT };

struct gson_level { /* one per open container, on the C stack: the path of an error message */
    struct gson_level *up;
    enum gson_scope scope;
    bool empty;           /* nothing read in it yet */
    uint32_t index;       /* arrays: of the element at hand */
    struct tbe_str name;  /* objects: of the member at hand; p == NULL: none yet */
};

struct gson_in {
    const char *start, *p, *end;
    const char *line_start; /* columns count from here until the first line end */
    struct tbe_arena *a;
    unsigned flags;
    int depth;
    int lines_hidden; /* line ends that Gson does not count: in its skipped prefix */
    struct gson_level *level;
    const char *msg; /* of the error */
    bool eof;        /* the error is "End of input", another exception */
    bool own;        /* the error is ours, Gson has no words for it */
    struct tbe_str words;
    bool want_words;
};

/* UTF-16 units from p to end. */
static size_t
gson_units(const char *p, const char *end)
{
    size_t n = 0;
    for (; p < end; p++) {
        const unsigned char c = (unsigned char)*p;
        n += (c & 0xc0) != 0x80;
        n += c >= 0xf0;
    }
    return n;
}

static void
gson_path(struct tbe_buf *b, const struct gson_level *l)
{
    if (l == NULL) {
        tbe_buf_putc(b, '$');
        return;
    }
    gson_path(b, l->up);
    if (l->scope == GSON_ARRAY) {
        tbe_buf_fmt(b, "[%u]", (unsigned)l->index);
    } else if (l->scope == GSON_OBJECT) {
        tbe_buf_putc(b, '.');
        if (l->name.p != NULL) {
            tbe_buf_puts(b, l->name);
        }
    }
}

/* Fills in->words: the exception's text with line, column and path, as the device is told. */
static void
gson_words(struct gson_in *in, struct tbe_str extra)
{
    const char *from = in->line_start;
    int line = 1 - in->lines_hidden;
    for (const char *p = in->start; p < in->p; p++) {
        if (*p == '\n') {
            line++;
            if (line > 1) {
                from = p + 1;
            }
        }
    }
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, in->eof ? "java.io.EOFException: "
                             : "com.google.gson.stream.MalformedJsonException: ");
    tbe_buf_putz(&b, in->msg);
    tbe_buf_puts(&b, extra);
    tbe_buf_fmt(&b, " at line %d column %zu path ", line, gson_units(from, in->p) + 1);
    gson_path(&b, in->level);
    if (!in->eof) {
        tbe_buf_putz(&b,
                     "\nSee https://github.com/google/gson/blob/main/Troubleshooting.md#malformed-json");
    }
    in->words = b.oom ? TBE_STR("") : tbe_arena_dup(in->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
}

static bool
gson_fail_with(struct gson_in *in, const char *msg, struct tbe_str extra)
{
    in->msg = msg;
    if (in->want_words) {
        gson_words(in, extra);
    }
    return false;
}

static bool
gson_fail(struct gson_in *in, const char *msg)
{
    return gson_fail_with(in, msg, TBE_STR(""));
}

static bool
gson_oom(struct gson_in *in)
{
    in->msg = "out of memory";
    in->words = TBE_STR("out of memory");
    in->own = true;
    return false;
}

static bool
gson_is_literal(char c)
{
    return c == '\0' || strchr("/\\;#={}[]:, \t\f\r\n", c) == NULL;
}

static void
gson_skip_line(struct gson_in *in)
{
    while (in->p < in->end) {
        const char c = *in->p++;
        if (c == '\n' || c == '\r') {
            return;
        }
    }
}

/* 1: *c is the next character behind white space and comments, taken; 0: end of text; -1: error. */
static int
gson_next(struct gson_in *in, char *c)
{
    while (in->p < in->end) {
        *c = *in->p++;
        if (*c == ' ' || *c == '\n' || *c == '\r' || *c == '\t') {
            continue;
        }
        if (*c == '#') {
            gson_skip_line(in);
            continue;
        }
        if (*c != '/' || in->p == in->end || (*in->p != '/' && *in->p != '*')) {
            return 1;
        }
        if (*in->p++ == '/') {
            gson_skip_line(in);
            continue;
        }
        const char *close = memmem(in->p, (size_t)(in->end - in->p), "*/", 2);
        if (close == NULL) {
            in->p = in->end > in->p ? in->end - 1 : in->end; /* where the search gives up */
            gson_fail(in, "Unterminated comment");
            return -1;
        }
        in->p = close + 2;
    }
    return 0;
}

/* As gson_next, where the end of the text is an error. */
static bool
gson_need(struct gson_in *in, char *c)
{
    const int r = gson_next(in, c);
    if (r == 0) {
        in->eof = true;
        return gson_fail(in, "End of input");
    }
    return r > 0;
}

/* in->p is behind the backslash; writes to *o. */
static bool
gson_escape(struct gson_in *in, char **o)
{
    static const char from[] = "tbnrf\n'\"\\/", to[] = "\t\b\n\r\f\n'\"\\/";
    if (in->p == in->end) {
        return gson_fail(in, "Unterminated escape sequence");
    }
    const char c = *in->p++;
    uint32_t cp, low;
    if (c == 'u') {
        if (gson_units(in->p, in->end) < 4) {
            return gson_fail(in, "Unterminated escape sequence");
        }
        if (in->end - in->p < 4 || !value_hex4(in->p, &cp)) {
            size_t n = 0;
            while (n < (size_t)(in->end - in->p) && gson_units(in->p, in->p + n + 1) <= 4) {
                n++;
            }
            return gson_fail_with(in, "Malformed Unicode escape \\u", (struct tbe_str){ in->p, n });
        }
        in->p += 4;
        if (cp >= 0xd800 && cp < 0xdc00 && in->end - in->p >= 6 && in->p[0] == '\\' &&
            in->p[1] == 'u' &&
            value_hex4(in->p + 2, &low) && low >= 0xdc00 && low < 0xe000) {
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            in->p += 6;
        }
        *o += value_utf8_put(cp, *o);
        return true;
    }
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at == NULL) {
        while (in->p < in->end && ((unsigned char)*in->p & 0xc0) == 0x80) {
            in->p++; /* the whole character was taken */
        }
        return gson_fail(in, "Invalid escape sequence");
    }
    *(*o)++ = to[at - from];
    return true;
}

/* in->p is behind the opening quote. */
static bool
gson_quoted(struct gson_in *in, char quote, struct tbe_str *out)
{
    /* as long as the text up to the first unescaped quote, which bounds what it decodes to */
    const char *close = in->p;
    while (close < in->end && *close != quote) {
        close += *close == '\\' && close + 1 < in->end ? 2 : 1;
    }
    char *to = tbe_arena_alloc(in->a, (size_t)(close - in->p) + 4), *o = to;
    if (to == NULL) {
        return gson_oom(in);
    }
    while (in->p < in->end) {
        const char c = *in->p++;
        if (c == quote) {
            *out = (struct tbe_str){ to, (size_t)(o - to) };
            return true;
        }
        if (c != '\\') {
            *o++ = c;
        } else if (!gson_escape(in, &o)) {
            return false;
        }
    }
    return gson_fail(in, "Unterminated string");
}

static struct tbe_str
gson_unquoted(struct gson_in *in)
{
    const char *from = in->p;
    while (in->p < in->end && gson_is_literal(*in->p)) {
        in->p++;
    }
    return (struct tbe_str){ from, (size_t)(in->p - from) };
}

/* The rule by which an unquoted word counts as a number. */
static bool
gson_is_number(struct tbe_str s)
{
    enum { NONE, SIGN, DIGIT, POINT, FRACTION, EXP, EXP_SIGN, EXP_DIGIT } last = NONE;
    bool zero = false;
    if (s.n > GSON_NUMBER_MAX) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        if (c == '-' && last == NONE) {
            last = SIGN;
        } else if ((c == '-' || c == '+') && last == EXP) {
            last = EXP_SIGN;
        } else if ((c == 'e' || c == 'E') && (last == DIGIT || last == FRACTION)) {
            last = EXP;
        } else if (c == '.' && last == DIGIT) {
            last = POINT;
        } else if (c < '0' || c > '9') {
            return false;
        } else if (last == NONE || last == SIGN) {
            last = DIGIT;
            zero = c == '0';
        } else if (last == DIGIT) {
            if (zero) {
                return false;
            }
        } else if (last == POINT) {
            last = FRACTION;
        } else if (last == EXP || last == EXP_SIGN) {
            last = EXP_DIGIT;
        }
    }
    return last == DIGIT || last == FRACTION || last == EXP_DIGIT;
}

static bool
gson_string(struct gson_in *in, struct tbe_str s, bool borrowed, tbe_val *out)
{
    if (borrowed && !(in->flags & TBE_JSON_BORROW)) {
        s = tbe_arena_dup(in->a, s);
        if (s.p == NULL) {
            return gson_oom(in);
        }
    }
    *out = tbe_strv(s);
    return true;
}

/* A bare word: literal, number or string. */
static bool
gson_bare(struct gson_in *in, tbe_val *out)
{
    if (!gson_is_literal(*in->p)) {
        return gson_fail(in, "Expected value");
    }
    const struct tbe_str s = gson_unquoted(in);
    if (tbe_str_ieq(s, TBE_STR("true"))) {
        *out = tbe_bool(true);
    } else if (tbe_str_ieq(s, TBE_STR("false"))) {
        *out = tbe_bool(false);
    } else if (tbe_str_ieq(s, TBE_STR("null"))) {
        *out = TBE_NULL_VAL;
    } else if (gson_is_number(s)) {
        return value_number(in->a, s, in->flags, out) ? true : gson_oom(in);
    } else {
        return gson_string(in, s, true, out);
    }
    return true;
}

static bool gson_container(struct gson_in *in, char open, tbe_val *out);

/* A value that begins with c, which is taken. */
static bool
gson_value(struct gson_in *in, char c, tbe_val *out)
{
    struct tbe_str s;
    switch (c) {
    case '"':
    case '\'':
        return gson_quoted(in, c, &s) && gson_string(in, s, false, out);
    case '{':
    case '[':
        return gson_container(in, c, out);
    case ';':
    case ',':
        return gson_fail(in, "Unexpected value");
    case ']':
        return gson_fail(in, "Unexpected value");
    default:
        in->p--;
        return gson_bare(in, out);
    }
}

static bool
gson_name(struct gson_in *in, char c, struct tbe_str *name)
{
    if (c == '"' || c == '\'') {
        return gson_quoted(in, c, name);
    }
    in->p--;
    if (!gson_is_literal(c)) {
        return gson_fail(in, "Expected name");
    }
    *name = gson_unquoted(in);
    if (!(in->flags & TBE_JSON_BORROW)) {
        *name = tbe_arena_dup(in->a, *name);
    }
    return name->p != NULL ? true : gson_oom(in);
}

static bool
gson_put(struct gson_in *in, struct tbe_map *m, struct tbe_str name, tbe_val v)
{
    const tbe_val key = tbe_strv(name);
    if (v.t == TBE_NULL && (in->flags & TBE_JSON_DROP_NULLS)) {
        tbe_map_remove_val(m, key);
        return true;
    }
    struct tbe_entry *old = tbe_map_find(m, key);
    if (old != NULL) {
        old->val = v;
        return true;
    }
    return value_map_append(in->a, m, key, v) ? true : gson_oom(in);
}

static bool
gson_object(struct gson_in *in, struct gson_level *l, struct tbe_map *m)
{
    for (;; l->empty = false) {
        char c;
        if (!l->empty) {
            if (!gson_need(in, &c)) {
                return false;
            }
            if (c == '}') {
                return true;
            }
            if (c != ',' && c != ';') {
                return gson_fail(in, "Unterminated object");
            }
        }
        if (!gson_need(in, &c)) {
            return false;
        }
        if (c == '}') {
            return l->empty ? true : gson_fail(in, "Expected name");
        }
        struct tbe_str name;
        if (!gson_name(in, c, &name)) {
            return false;
        }
        l->name = name;
        if (!gson_need(in, &c)) {
            return false;
        }
        if (c == '=' && in->p < in->end && *in->p == '>') {
            in->p++;
        } else if (c != ':' && c != '=') {
            return gson_fail(in, "Expected ':'");
        }
        tbe_val v;
        if (!gson_need(in, &c) || !gson_value(in, c, &v) || !gson_put(in, m, name, v)) {
            return false;
        }
    }
}

static bool
gson_array(struct gson_in *in, struct gson_level *l, struct tbe_list *list)
{
    for (;; l->empty = false) {
        char c;
        if (!l->empty) {
            if (!gson_need(in, &c)) {
                return false;
            }
            if (c == ']') {
                return true;
            }
            if (c != ',' && c != ';') {
                return gson_fail(in, "Unterminated array");
            }
        }
        if (!gson_need(in, &c)) {
            return false;
        }
        if (c == ']' && l->empty) {
            return true;
        }
        tbe_val v = TBE_NULL_VAL;
        if (c == ']' || c == ',' || c == ';') {
            in->p--; /* a missing element is null */
        } else if (!gson_value(in, c, &v)) {
            return false;
        }
        const uint32_t n = list->n;
        tbe_list_push(in->a, list, v);
        if (list->n == n) {
            return gson_oom(in);
        }
        l->index++;
    }
}

static bool
gson_container(struct gson_in *in, char open, tbe_val *out)
{
    if (in->depth == TBE_JSON_MAX_DEPTH) {
        return gson_fail(in, "Nested too deep");
    }
    *out = open == '{' ? tbe_map_new(in->a, 4) : tbe_list_new(in->a, 0);
    if (out->t == TBE_UNDEF) {
        return gson_oom(in);
    }
    struct gson_level level = { .up = in->level, .scope = open == '{' ? GSON_OBJECT : GSON_ARRAY,
        .empty = true };
    in->level = &level;
    in->depth++;
    const bool ok = open == '{' ? gson_object(in, &level, out->u.m)
                                : gson_array(in, &level, out->u.l);
    in->depth--;
    in->level = level.up;
    return ok;
}

/* White space, then the prefix )]}' and a line end, which some servers send against script
 * inclusion. */
static int
gson_prefix(struct gson_in *in, char *c)
{
    const int r = gson_next(in, c);
    if (r <= 0) {
        return r;
    }
    if (in->end - (in->p - 1) >= 5 && memcmp(in->p - 1, ")]}'\n", 5) == 0) {
        in->p += 4;
        in->lines_hidden = 1;
        return gson_next(in, c);
    }
    return r;
}

static bool
gson_document(struct gson_in *in, tbe_val *out)
{
    char c;
    const int r = gson_prefix(in, &c);
    if (r <= 0) { /* nothing but white space and comments is null */
        *out = TBE_NULL_VAL;
        return r == 0;
    }
    if (!gson_value(in, c, out)) {
        return false;
    }
    if (out->t == TBE_NULL) {
        return true; /* what follows null is not looked at */
    }
    while (in->p < in->end && (*in->p == ' ' || *in->p == '\n' || *in->p == '\r' ||
                               *in->p == '\t')) {
        in->p++;
    }
    if (in->p < in->end) {
        in->p++;
        while (in->p < in->end && ((unsigned char)*in->p & 0xc0) == 0x80) {
            in->p++;
        }
        return gson_fail(in,
                         "Use JsonReader.setStrictness(Strictness.LENIENT) to accept malformed JSON");
    }
    return true;
}

int
value_gson_parse(struct tbe_arena *a, struct tbe_str text, unsigned flags, tbe_val *out,
                 struct tbe_json_err *err, struct tbe_str *words)
{
    struct gson_in in = { .a = a, .flags = flags, .want_words = words != NULL };
    const struct tbe_str clean = value_utf8_clean(a, text);
    bool ok = clean.p != NULL ? true : gson_oom(&in);
    if (ok) {
        in.start = in.p = clean.p;
        in.end = clean.p + clean.n;
        if (clean.n >= 3 && memcmp(clean.p, "\xef\xbb\xbf", 3) == 0) {
            in.p += 3; /* byte order mark */
        }
        in.line_start = in.p;
        ok = gson_document(&in, out);
    }
    if (ok) {
        return 0;
    }
    *out = TBE_UNDEF_VAL;
    if (err != NULL) {
        const size_t at = in.p ? (size_t)(in.p - in.start) : 0;
        *err = (struct tbe_json_err){ at < text.n ? at : text.n, in.msg };
    }
    if (words != NULL) {
        *words = in.words;
    }
    return -1;
}

struct tbe_str
tbe_json_gson_error(struct tbe_arena *a, struct tbe_str text)
{
    struct tbe_str words = TBE_STR_NONE;
    tbe_val v;
    if (text.n >= UINT32_MAX / 4 ||
        value_gson_parse(a, text, TBE_JSON_RAW | TBE_JSON_LENIENT | TBE_JSON_BORROW, &v, NULL,
                         &words) == 0) {
        return TBE_STR("");
    }
    return words.p ? words : TBE_STR("");
}
