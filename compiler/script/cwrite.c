/* SPDX-License-Identifier: Apache-2.0 */
/* Writers of C text for foreign bytes. */
#include "config.h"
#include "script/cwrite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void
cw_comment(struct tbe_buf *b, struct tbe_str s, size_t max)
{
    bool cut = s.n > max;
    ctext_comment(b, (struct tbe_str){ s.p, cut ? max : s.n });
    if (cut) {
        tbe_buf_putz(b, "...");
    }
}

void
cw_ident(struct tbe_buf *b, struct tbe_str s)
{
    size_t n = s.n > 32 ? 32 : s.n;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '_';
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
