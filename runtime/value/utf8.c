/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 checks and repair. WTF-8 is UTF-8 that also allows a lone surrogate in three bytes. */
#include "config.h"

#include "value/value_int.h"

#include <string.h>

static bool
utf8_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Bytes of the well-formed sequence at p (n > 0 bytes left), or 0; then *skip is what Java's
 * decoder replaces by one U+FFFD: the longest piece that could have begun a character, a whole
 * surrogate. */
static size_t
utf8_len(const unsigned char *p, size_t n, bool wtf, size_t *skip)
{
    const unsigned char c = p[0];
    *skip = 1;
    if (c < 0x80) {
        return 1;
    }
    if (c < 0xc2 || c > 0xf4) {
        return 0;
    }
    if (c < 0xe0) {
        return n > 1 && utf8_tail(p[1]) ? 2 : 0;
    }
    if (n < 2 || !utf8_tail(p[1])) {
        return 0;
    }
    if (c < 0xf0) {
        if (c == 0xe0 && p[1] < 0xa0) {
            return 0;
        }
        *skip = 2;
        if (n < 3 || !utf8_tail(p[2])) {
            return 0;
        }
        *skip = 3;
        return wtf || c != 0xed || p[1] < 0xa0 ? 3 : 0;
    }
    if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)) {
        return 0;
    }
    *skip = 2;
    if (n < 3 || !utf8_tail(p[2])) {
        return 0;
    }
    *skip = 3;
    return n > 3 && utf8_tail(p[3]) ? 4 : 0;
}

bool
value_utf8_ok(struct tbe_str s, bool wtf, size_t *bad)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0, skip;
    while (i < s.n) {
        uint64_t w;
        if (s.n - i >= 8) {
            memcpy(&w, p + i, 8);
            if ((w & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        const size_t len = utf8_len(p + i, s.n - i, wtf, &skip);
        if (len == 0) {
            *bad = i;
            return false;
        }
        i += len;
    }
    return true;
}

size_t
value_utf8_seq(const char *p, size_t n)
{
    size_t skip;
    return utf8_len((const unsigned char *)p, n, true, &skip);
}

struct tbe_str
value_utf8_clean(struct tbe_arena *a, struct tbe_str s)
{
    size_t bad;
    if (value_utf8_ok(s, false, &bad)) {
        return s.p ? s : TBE_STR("");
    }
    char *out = s.n < SIZE_MAX / 4 ? tbe_arena_alloc(a, s.n * 3 + 1) : NULL;
    if (out == NULL) {
        return TBE_STR_NONE;
    }
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        size_t skip;
        const size_t len = utf8_len((const unsigned char *)s.p + i, s.n - i, false, &skip);
        if (len != 0) {
            memcpy(out + n, s.p + i, len);
            n += len;
            i += len;
        } else {
            memcpy(out + n, "\xef\xbf\xbd", 3);
            n += 3;
            i += skip;
        }
    }
    return (struct tbe_str){ out, n };
}

size_t
value_utf8_put(uint32_t cp, char *out)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}
