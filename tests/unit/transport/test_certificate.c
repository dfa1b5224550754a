/* SPDX-License-Identifier: Apache-2.0 */
/* Validity of client certificates: made here with a period, told from bytes that are none. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "transport/certificate.h"

/* Base64 DER of a self-signed certificate valid from..to seconds from now. */
static struct tbe_str
make(long from, long to)
{
    static unsigned char text[8192];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    unsigned char *der = NULL;
    int n;

    X509_gmtime_adj(X509_getm_notBefore(x), from);
    X509_gmtime_adj(X509_getm_notAfter(x), to);
    X509_set_pubkey(x, key);
    X509_sign(x, key, EVP_sha256());
    n = i2d_X509(x, &der);
    assert_true(n > 0 && n < 4096);
    n = EVP_EncodeBlock(text, der, n);
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
    return (struct tbe_str){ (char *)text, (size_t)n };
}

static void
only_the_validity_period_counts(void **state)
{
    struct tbe_str c;

    (void)state;
    assert_true(certificate_valid_now(make(-60, 60)));
    assert_false(certificate_valid_now(make(-120, -60)));
    assert_false(certificate_valid_now(make(60, 120)));
    c = make(-60, 60);
    memcpy((char *)c.p + c.n, "\nAAAA", 5); /* the rest of the chain is not looked at */
    c.n += 5;
    assert_true(certificate_valid_now(c));
}

static void
other_bytes_are_refused(void **state)
{
    (void)state;
    assert_false(certificate_valid_now(TBE_STR_NONE));
    assert_false(certificate_valid_now(TBE_STR("")));
    assert_false(certificate_valid_now(TBE_STR("AAAA")));
    assert_false(certificate_valid_now(TBE_STR("****")));
    assert_false(certificate_valid_now(TBE_STR("AAA")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_validity_period_counts),
        cmocka_unit_test(other_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
