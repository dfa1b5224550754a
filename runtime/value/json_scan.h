/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the end of plain string text eight bytes at a time, for the fast readers. */
#ifndef TBE_VALUE_JSON_SCAN_H
#define TBE_VALUE_JSON_SCAN_H

#include <stdint.h>
#include <string.h>

/* Non-zero where a byte of w is '"', '\\', below 0x20 or above 0x7f. The lowest set bit is
 * exact. */
static inline uint64_t
json_special(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    const uint64_t q = w ^ ones * '"', b = w ^ ones * '\\';
    return ((w - ones * 0x20) | (q - ones) | (b - ones) | w) & high;
}

/* First byte from p on that a string does not take as it is (or end). */
static inline const char *
json_plain_end(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        const uint64_t hit = json_special(w);
        if (hit != 0) {
            return p + (__builtin_ctzll(hit) >> 3);
        }
        p += 8;
    }
#endif
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\') {
        p++;
    }
    return p;
}

#endif
