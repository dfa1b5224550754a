/* SPDX-License-Identifier: Apache-2.0 */
/* User text into C text: literals, comments, slugs. */
#include "config.h"
#include "emit/ctext.h"

#define SLUG_MAX 32

void
ctext_string(struct tbe_buf *b, struct tbe_str s)
{
    tbe_buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\n') {
            tbe_buf_putz(b, "\\n");
        } else if (c == '"' || c == '\\' || (c == '?' && i > 0 && s.p[i - 1] == '?')) {
            tbe_buf_putc(b, '\\'); /* \? keeps trigraphs away */
            tbe_buf_putc(b, (char)c);
        } else if (c < 32 || c > 126) {
            tbe_buf_fmt(b, "\\%03o", c); /* three digits: nothing behind can join it */
        } else {
            tbe_buf_putc(b, (char)c);
        }
    }
    tbe_buf_putc(b, '"');
}

void
ctext_array(struct tbe_buf *b, struct tbe_str s)
{
    tbe_buf_putz(b, "{");
    for (size_t i = 0; i < s.n; i++) {
        tbe_buf_fmt(b, "%s%d,", i % 20 ? " " : "\n    ", (signed char)s.p[i]);
    }
    tbe_buf_putz(b, "\n}");
}

void
ctext_comment(struct tbe_buf *b, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i], before = i ? (unsigned char)s.p[i - 1] : 0;
        if ((before == '*' && c == '/') || (before == '/' && c == '*') || (before == '?' && c == '?')) {
            tbe_buf_putc(b, ' ');
        }
        if (c < 32 || c > 126) {
            tbe_buf_fmt(b, "\\x%02x", c);
        } else {
            tbe_buf_putc(b, (char)c);
        }
    }
}

struct tbe_str
ctext_slug(struct tbe_arena *a, struct tbe_str name)
{
    char *out = tbe_arena_alloc(a, SLUG_MAX + 8);
    size_t n = 0;
    for (size_t i = 0; i < name.n && n < SLUG_MAX; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            out[n++] = c;
        } else if (n > 0 && out[n - 1] != '_') {
            out[n++] = '_';
        }
    }
    while (n > 0 && out[n - 1] == '_') {
        n--;
    }
    if (n == 0) {
        return TBE_STR("node");
    }
    out[n] = '\0';
    return (struct tbe_str){ out, n };
}
