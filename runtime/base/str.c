/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing borrowed byte strings. */
#include "config.h"

#include "tbe/base.h"

#include <string.h>

bool
tbe_str_eq(struct tbe_str a, struct tbe_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
tbe_str_eqz(struct tbe_str a, const char *z)
{
    return tbe_str_eq(a, tbe_strz(z));
}

static unsigned char
str_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

bool
tbe_str_ieq(struct tbe_str a, struct tbe_str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (str_lower((unsigned char)a.p[i]) != str_lower((unsigned char)b.p[i])) {
            return false;
        }
    }
    return true;
}

int
tbe_str_cmp(struct tbe_str a, struct tbe_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0) {
        return c;
    }
    return (a.n > b.n) - (a.n < b.n);
}

struct tbe_str
tbe_strz(const char *z)
{
    return z ? (struct tbe_str){ z, strlen(z) } : TBE_STR_NONE;
}
