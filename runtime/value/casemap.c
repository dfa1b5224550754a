/* SPDX-License-Identifier: Apache-2.0 */
/* Upper and lower case of texts, as Java and JavaScript have it: Unicode's simple mapping, which
 * the C library's own C.UTF-8 locale knows, and the special ones of common alphabets. */
#include "config.h"
#include "value/value_int.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

static locale_t unicode;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
open_locale(void)
{
    /* stays for the life of the process */
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t
case_locale(void)
{
    pthread_once(&once, open_locale);
    return unicode;
}

uint32_t
value_upper(uint32_t c)
{
    if (c < 0x80) {
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    }
    const locale_t l = case_locale();
    return l != (locale_t)0 ? (uint32_t)towupper_l((wint_t)c, l) : c;
}

uint32_t
value_lower(uint32_t c)
{
    if (c < 0x80) {
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    }
    const locale_t l = case_locale();
    return l != (locale_t)0 ? (uint32_t)towlower_l((wint_t)c, l) : c;
}

static bool
is_letter(uint32_t c)
{
    const locale_t l = case_locale();
    return c < 0x80 ? (c | 32) >= 'a' && (c | 32) <= 'z' : l != (locale_t)0 &&
        iswalpha_l((wint_t)c, l);
}

static uint32_t
decode(const char *p, size_t n, size_t *len)
{
    const unsigned char *u = (const unsigned char *)p;
    *len = value_utf8_seq(p, n);
    switch (*len) {
    case 2:
        return (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
    case 3:
        return (u[0] & 0x0Fu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
    case 4:
        return (u[0] & 0x07u) << 18 | (u[1] & 0x3Fu) << 12 | (u[2] & 0x3Fu) << 6 | (u[3] & 0x3Fu);
    default:
        *len = 1;
        return u[0];
    }
}

/* What c becomes where that is not one character; NULL: nothing special. last: the end of a
 * word. */
static const char *
special(uint32_t c, bool up, bool last)
{
    if (!up) {
        return c == 0x130 ? "i\xCC\x87" : c == 0x3A3 && last ? "\xCF\x82" : NULL;
    }
    switch (c) {
    case 0xDF: return "SS";
    case 0x149: return "\xCA\xBCN";
    case 0xFB00: return "FF";
    case 0xFB01: return "FI";
    case 0xFB02: return "FL";
    case 0xFB03: return "FFI";
    case 0xFB04: return "FFL";
    default: return NULL;
    }
}

struct tbe_str
value_change_case(struct tbe_arena *a, struct tbe_str s, bool up)
{
    char *out = tbe_arena_alloc(a, s.n * 3 + 1); /* no mapping makes more of a character */
    size_t n = 0, len;
    bool word = false; /* a letter stands before */
    for (size_t i = 0; i < s.n; i += len) {
        uint32_t c = decode(s.p + i, s.n - i, &len);
        if (c < 0x80) {
            out[n++] = (char)(up ? value_upper(c) : value_lower(c));
            word = (c | 32) >= 'a' && (c | 32) <= 'z';
            continue;
        }
        size_t next;
        bool last = word && (i + len >= s.n || !is_letter(decode(s.p + i + len, s.n - i - len,
            &next)));
        const char *sp = special(c, up, last);
        if (sp != NULL) {
            while (*sp != '\0') {
                out[n++] = *sp++;
            }
        } else {
            n += value_utf8_put(up ? value_upper(c) : value_lower(c), out + n);
        }
        word = is_letter(c);
    }
    return (struct tbe_str){ out, n };
}
