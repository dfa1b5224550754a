/* SPDX-License-Identifier: Apache-2.0 */
/* Binaries of some MiB (OTA packages): state rows "blob.<name>" (size, decimal) and "blob.<name>.<n>" (pieces),
 * so that reading a part of one reads no more than that part. */
#include "config.h"
#include "store/internal.h"
#include <stdio.h>
#include <string.h>

#define PIECE (256u << 10) /* bytes */
#define KEY_MAX 128u

static struct tbe_str
key_of(char buf[KEY_MAX], struct tbe_str name, int64_t piece)
{
    int n = piece < 0 ? snprintf(buf, KEY_MAX, "blob.%.*s", (int)name.n, name.p)
                      : snprintf(buf, KEY_MAX, "blob.%.*s.%06lld", (int)name.n, name.p, (long long)piece);
    return (struct tbe_str){ buf, n > 0 && (unsigned)n < KEY_MAX ? (size_t)n : 0 };
}

int64_t
store_blob_size(struct store *s, struct tbe_str name)
{
    char key[KEY_MAX];
    int64_t n;
    return tbe_parse_long(store_state(s, key_of(key, name, -1)), &n) ? n : -1;
}

void
store_put_blob(struct store_batch *b, struct tbe_str name, struct tbe_str data)
{
    char key[KEY_MAX], size[24];
    int64_t old = store_blob_size(b->s, name), pieces = 0;
    for (size_t at = 0; data.p && at < data.n; at += PIECE, pieces++) {
        struct tbe_str part = { data.p + at, data.n - at < PIECE ? data.n - at : PIECE };
        store_put_state(b, key_of(key, name, pieces), part);
    }
    for (int64_t i = pieces; old > 0 && i * PIECE < old; i++) {
        store_put_state(b, key_of(key, name, i), TBE_STR_NONE);
    }
    snprintf(size, sizeof size, "%zu", data.n);
    if (data.p || old >= 0) {
        store_put_state(b, key_of(key, name, -1), data.p ? tbe_strz(size) : TBE_STR_NONE);
    }
}

size_t
store_blob_read(struct store *s, struct tbe_str name, int64_t offset, void *out, size_t n)
{
    char key[KEY_MAX];
    size_t got = 0;
    while (got < n && offset >= 0) {
        struct tbe_str part = store_state(s, key_of(key, name, offset / PIECE));
        size_t at = (size_t)(offset % PIECE), k;
        if (part.n <= at) {
            break;
        }
        k = part.n - at < n - got ? part.n - at : n - got;
        memcpy((char *)out + got, part.p + at, k);
        got += k;
        offset += (int64_t)k;
    }
    return got;
}
