/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "link_cert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static bool
take_text(BIO *b, char *out, int size)
{
    int n = BIO_read(b, out, size - 1);

    out[n > 0 ? n : 0] = '\0';
    BIO_free(b);
    return n > 0;
}

static bool
sign(X509 *x, EVP_PKEY *key, const char *names)
{
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names),
                   *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
    bool ok;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), 10 * 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, key);
    ok = san && ca && X509_add_ext(x, san, -1) && X509_add_ext(x, ca, -1) && X509_sign(x, key, EVP_sha256());
    X509_EXTENSION_free(san);
    X509_EXTENSION_free(ca);
    return ok;
}

bool
link_cert_make(struct link_cert *c, const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIO *cert = BIO_new(BIO_s_mem()), *priv = BIO_new(BIO_s_mem());
    bool ok = key && x && sign(x, key, names) && PEM_write_bio_X509(cert, x) &&
              PEM_write_bio_PrivateKey(priv, key, NULL, NULL, 0, NULL, NULL);

    ok = take_text(cert, c->cert, sizeof c->cert) && take_text(priv, c->key, sizeof c->key) && ok;
    X509_free(x);
    EVP_PKEY_free(key);
    return ok;
}
