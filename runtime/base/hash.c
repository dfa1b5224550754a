/* SPDX-License-Identifier: Apache-2.0 */
/* Digests in lower-case hex, from OpenSSL. When OpenSSL cannot work (out of memory) the text is
 * empty, which no stored credential equals. */
#include "config.h"

#include "base/hash.h"

#include <openssl/evp.h>
#include <string.h>

static void
hash_hex(const unsigned char *d, size_t n, char *out)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = hex[d[i] >> 4];
        *out++ = hex[d[i] & 15];
    }
    *out = '\0';
}

void
hash_sha256_hex(struct tbe_str s, char out[65])
{
    unsigned char d[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    out[0] = '\0';
    if (EVP_Digest(s.n ? s.p : "", s.n, d, &n, EVP_sha256(), NULL) == 1 && n == 32) {
        hash_hex(d, n, out);
    }
}

/* Bytes of a PEM certificate line at p, or 0. */
static size_t
hash_pem_mark(const char *p, size_t n)
{
    static const struct tbe_str marks[] = { TBE_STR_INIT("-----BEGIN CERTIFICATE-----"),
                                            TBE_STR_INIT("-----END CERTIFICATE-----") };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (n >= marks[i].n && memcmp(p, marks[i].p, marks[i].n) == 0) {
            return marks[i].n;
        }
    }
    return 0;
}

static bool
hash_trimmed(EVP_MD_CTX *ctx, struct tbe_str s)
{
    size_t from = 0, i = 0;
    while (i < s.n) {
        size_t skip = 0;
        if (s.p[i] == '\r' || s.p[i] == '\n') {
            skip = 1;
        } else if (s.p[i] == '-') {
            skip = hash_pem_mark(s.p + i, s.n - i);
        }
        if (skip == 0) {
            i++;
            continue;
        }
        if (EVP_DigestUpdate(ctx, s.p + from, i - from) != 1) {
            return false;
        }
        i += skip;
        from = i;
    }
    return EVP_DigestUpdate(ctx, s.n ? s.p + from : "", s.n - from) == 1;
}

void
hash_credentials_hex(struct tbe_str s, char out[65])
{
    unsigned char d[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    out[0] = '\0';
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha3_256(), NULL) == 1 && hash_trimmed(ctx, s) &&
        EVP_DigestFinal_ex(ctx, d, &n) == 1 && n == 32) {
        hash_hex(d, n, out);
    }
    EVP_MD_CTX_free(ctx);
}
