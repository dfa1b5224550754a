/* SPDX-License-Identifier: Apache-2.0 */
/* Writers of C text for foreign bytes. */
#include "config.h"
#include "script/cwrite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void
cw_string(struct tbe_buf *b, struct tbe_str s)
{
    tbe_buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\' || c == '?') {
            tbe_buf_putc(b, '\\');
            tbe_buf_putc(b, (char)c);
        } else if (c == '\n') {
            tbe_buf_putz(b, "\\n");
        } else if (c < 0x20 || c >= 0x7F) {
            tbe_buf_fmt(b, "\\%03o", c);
        } else {
            tbe_buf_putc(b, (char)c);
        }
    }
    tbe_buf_putc(b, '"');
}

void
cw_comment(struct tbe_buf *b, struct tbe_str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (i == max) {
            tbe_buf_putz(b, "...");
            return;
        }
        bool star = i > 0 && (s.p[i - 1] == '*' || s.p[i - 1] == '/'); /* neither an end nor a start mark */
        if ((c == '/' || c == '*') && star) {
            tbe_buf_putc(b, ' ');
        }
        if (c == '\n' || c == '\t' || c == '\r') {
            tbe_buf_putc(b, ' ');
        } else if (c < 0x20 || c >= 0x7F || c == '\\' || c == '?') {
            tbe_buf_fmt(b, "%%%02x", c);
        } else {
            tbe_buf_putc(b, (char)c);
        }
    }
}

void
cw_bytes(struct tbe_buf *b, struct tbe_str s)
{
    tbe_buf_putz(b, "{");
    for (size_t i = 0; i < s.n; i++) {
        tbe_buf_fmt(b, "%s%d,", i % 24 == 0 ? "\n    " : " ", (int)(signed char)s.p[i]);
    }
    tbe_buf_putz(b, " 0 }");
}

void
cw_ident(struct tbe_buf *b, struct tbe_str s)
{
    size_t n = s.n > 32 ? 32 : s.n;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        tbe_buf_putc(b, ok ? (char)c : '_');
    }
    if (n == 0) {
        tbe_buf_putc(b, '_');
    }
}

void
cw_double(struct tbe_buf *b, double d)
{
    char t[40];
    if (isnan(d)) {
        tbe_buf_putz(b, "(double)NAN");
        return;
    }
    if (isinf(d)) {
        tbe_buf_putz(b, d > 0 ? "(double)INFINITY" : "(-(double)INFINITY)");
        return;
    }
    for (int prec = 15; prec <= 17; prec++) {
        double back = 0;
        snprintf(t, sizeof(t), "%.*g", prec, d);
        if (sscanf(t, "%lf", &back) == 1 && memcmp(&back, &d, sizeof(d)) == 0) {
            break;
        }
    }
    bool neg = t[0] == '-';
    tbe_buf_fmt(b, "%s%s%s%s", neg ? "(" : "", t, strpbrk(t, ".e") ? "" : ".0", neg ? ")" : "");
}

bool
cw_is_ascii(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}
