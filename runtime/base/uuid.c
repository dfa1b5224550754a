/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs as ThingsBoard's ids: text form, random v4, the "not set" id. */
#include "config.h"

#include "tbe/base.h"

#include <string.h>

#include "base/random.h"

const struct tbe_uuid tbe_uuid_null = {
    { 0x13, 0x81, 0x40, 0x00, 0x1d, 0xd2, 0x11, 0xb2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 },
};

static int
uuid_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
uuid_dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

bool
tbe_uuid_parse(struct tbe_str s, struct tbe_uuid *out)
{
    if (s.n != TBE_UUID_TEXT) {
        return false;
    }
    struct tbe_uuid u;
    size_t at = 0;
    for (size_t i = 0; i < TBE_UUID_TEXT;) {
        if (uuid_dash_at(i)) {
            if (s.p[i] != '-') {
                return false;
            }
            i++;
            continue;
        }
        const int hi = uuid_hex(s.p[i]), lo = uuid_hex(s.p[i + 1]);
        if (hi < 0 || lo < 0) {
            return false;
        }
        u.b[at++] = (uint8_t)(hi << 4 | lo);
        i += 2;
    }
    *out = u;
    return true;
}

void
tbe_uuid_text(const struct tbe_uuid *u, char out[TBE_UUID_TEXT + 1])
{
    static const char hex[] = "0123456789abcdef";
    char *p = out;
    for (size_t i = 0; i < sizeof u->b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }
        *p++ = hex[u->b[i] >> 4];
        *p++ = hex[u->b[i] & 15];
    }
    *p = '\0';
}

void
tbe_uuid_random(struct tbe_uuid *out)
{
    random_bytes(out->b, sizeof out->b);
    out->b[6] = (uint8_t)((out->b[6] & 0x0f) | 0x40);
    out->b[8] = (uint8_t)((out->b[8] & 0x3f) | 0x80);
}

#define UUID_EPOCH_MS 12219292800000 /* from 1582-10-15 to 1970-01-01 */

void
tbe_uuid_time(struct tbe_uuid *out, int64_t ms)
{
    uint8_t *b = out->b;

    random_bytes(b, sizeof out->b);
    const uint64_t ticks = (uint64_t)(ms + UUID_EPOCH_MS) * 10000 + ((unsigned)(b[0] << 8 | b[1]) % 10000);
    const uint16_t parts[4] = { (uint16_t)(ticks >> 16), (uint16_t)ticks, (uint16_t)(ticks >> 32),
                                (uint16_t)((ticks >> 48 & 0x0fff) | 0x1000) };
    for (size_t i = 0; i < 4; i++) {
        b[2 * i] = (uint8_t)(parts[i] >> 8);
        b[2 * i + 1] = (uint8_t)parts[i];
    }
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    b[10] |= 1; /* no network card's address */
}

bool
tbe_uuid_eq(const struct tbe_uuid *a, const struct tbe_uuid *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool
tbe_uuid_is_null(const struct tbe_uuid *u)
{
    static const struct tbe_uuid zero;
    return tbe_uuid_eq(u, &zero) || tbe_uuid_eq(u, &tbe_uuid_null);
}

static int64_t
uuid_half(const uint8_t *b)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++) {
        v = v << 8 | b[i];
    }
    return (int64_t)v;
}

int64_t
tbe_uuid_msb(const struct tbe_uuid *u)
{
    return uuid_half(u->b);
}

int64_t
tbe_uuid_lsb(const struct tbe_uuid *u)
{
    return uuid_half(u->b + 8);
}
