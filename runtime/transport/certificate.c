/* SPDX-License-Identifier: Apache-2.0 */
/* Validity of a client certificate, with OpenSSL. */
#include "config.h"

#include "transport/certificate.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_MAX 65536 /* base64 characters */

bool
certificate_valid_now(struct tbe_str chain)
{
    const char *nl = chain.n > 0 ? memchr(chain.p, '\n', chain.n) : NULL;
    size_t n = nl != NULL ? (size_t)(nl - chain.p) : chain.n;
    const unsigned char *p;
    unsigned char *der;
    X509 *x = NULL;
    bool ok = false;
    int len;

    if (n == 0 || n > LEAF_MAX || n % 4 != 0) {
        return false;
    }
    der = malloc(n);
    if (der == NULL) {
        return false;
    }
    len = EVP_DecodeBlock(der, (const unsigned char *)chain.p, (int)n);
    p = der;
    if (len > 0) {
        x = d2i_X509(NULL, &p, len); /* the padding's zero bytes behind it do not matter */
    }
    if (x != NULL) {
        ok = X509_cmp_current_time(X509_get0_notBefore(x)) < 0 && X509_cmp_current_time(X509_get0_notAfter(x)) > 0;
    }
    X509_free(x);
    free(der);
    return ok;
}
