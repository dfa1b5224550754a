/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL on non-blocking sockets. */
#include "config.h"
#include "front/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls {
    SSL_CTX *ctx;
    char *cert_file, *key_file, *key_password;
};

static void
error_text(char err[256], const char *what, const char *file)
{
    unsigned long e = ERR_peek_last_error();
    const char *why = e ? ERR_reason_error_string(e) : NULL;

    snprintf(err, 256, "%s %s: %s", what, file, why ? why : "cannot be used");
    ERR_clear_error();
}

/* Every certificate must be signed by the next of the list; no CA store is asked, a lone or a
 * self-signed certificate is fine. Whose it is, the worker decides at CONNECT. */
static int
verify_chain(X509_STORE_CTX *ctx, void *arg)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(ctx);
    int n = chain ? sk_X509_num(chain) : 0;

    (void)arg;
    for (int i = 0; i + 1 < n; i++) {
        EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(chain, i + 1));
        if (!key || X509_verify(sk_X509_value(chain, i), key) != 1) {
            X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_SIGNATURE_FAILURE);
            ERR_clear_error();
            return 0;
        }
    }
    return 1;
}

static int
give_password(char *buf, int size, int writing, void *arg)
{
    size_t n = strlen(arg);

    (void)writing;
    if (n > (size_t)size) {
        return 0;
    }
    memcpy(buf, arg, n);
    return (int)n;
}

static SSL_CTX *
context_new(struct tls *t, char err[256])
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx) {
        error_text(err, "TLS", "context");
        return NULL;
    }
    SSL_CTX_set_default_passwd_cb(ctx, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, t->key_password);
    if (SSL_CTX_use_certificate_chain_file(ctx, t->cert_file) != 1) {
        error_text(err, "certificate file", t->cert_file);
    } else if (SSL_CTX_use_PrivateKey_file(ctx, t->key_file, SSL_FILETYPE_PEM) != 1 ||
               SSL_CTX_check_private_key(ctx) != 1) {
        error_text(err, "key file", t->key_file);
    } else {
        /* Without resumption the client's chain is always there. */
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
        SSL_CTX_set_num_tickets(ctx, 0);
        SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, NULL);
        SSL_CTX_set_cert_verify_callback(ctx, verify_chain, NULL);
        return ctx;
    }
    SSL_CTX_free(ctx);
    return NULL;
}

struct tls *
tls_new(const char *cert_file, const char *key_file, const char *key_password, char err[256])
{
    struct tls *t = calloc(1, sizeof *t);

    snprintf(err, 256, "TLS: out of memory");
    if (!t) {
        return NULL;
    }
    t->cert_file = strdup(cert_file);
    t->key_file = strdup(key_file);
    t->key_password = strdup(key_password);
    if (t->cert_file && t->key_file && t->key_password && (t->ctx = context_new(t, err))) {
        return t;
    }
    tls_delete(t);
    return NULL;
}

bool
tls_reload(struct tls *t, char err[256])
{
    SSL_CTX *ctx = context_new(t, err);

    if (!ctx) {
        return false;
    }
    SSL_CTX_free(t->ctx);
    t->ctx = ctx;
    return true;
}

void
tls_delete(struct tls *t)
{
    if (t) {
        SSL_CTX_free(t->ctx);
        free(t->cert_file);
        free(t->key_file);
        free(t->key_password);
        free(t);
    }
}

SSL *
tls_accept(struct tls *t, int fd)
{
    SSL *ssl = SSL_new(t->ctx);

    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    if (ssl) {
        SSL_set_accept_state(ssl);
    }
    return ssl;
}

void
tls_free(SSL *ssl)
{
    if (ssl) {
        SSL_free(ssl);
        ERR_clear_error();
    }
}

/* 0: it is only not possible now. */
static int
later_or_over(SSL *ssl, int r)
{
    int e = SSL_get_error(ssl, r);

    ERR_clear_error();
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

int
tls_handshake(SSL *ssl)
{
    int r = SSL_do_handshake(ssl);

    return r == 1 ? 1 : later_or_over(ssl, r);
}

bool
tls_wants_write(SSL *ssl)
{
    return SSL_want_write(ssl);
}

ssize_t
tls_read(SSL *ssl, char *buf, size_t n)
{
    int r = SSL_read(ssl, buf, n > INT_MAX ? INT_MAX : (int)n);

    return r > 0 ? r : later_or_over(ssl, r);
}

ssize_t
tls_write(SSL *ssl, const char *buf, size_t n)
{
    int r = SSL_write(ssl, buf, n > INT_MAX ? INT_MAX : (int)n);

    return r > 0 ? r : later_or_over(ssl, r);
}

void
tls_close_notify(SSL *ssl)
{
    SSL_shutdown(ssl);
    ERR_clear_error();
}

static bool
put_certificate(X509 *cert, struct tbe_buf *out)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);

    if (n <= 0) {
        return false;
    }
    if (tbe_buf_reserve(out, ((size_t)n + 2) / 3 * 4 + 1)) {
        out->n += (size_t)EVP_EncodeBlock((unsigned char *)out->p + out->n, der, n);
    }
    OPENSSL_free(der);
    return !out->oom;
}

bool
tls_peer_chain(SSL *ssl, struct tbe_buf *out)
{
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl); /* at the server: without the leaf */

    if (!leaf || !put_certificate(leaf, out)) {
        return false;
    }
    for (int i = 0; chain && i < sk_X509_num(chain); i++) {
        tbe_buf_putc(out, '\n');
        put_certificate(sk_X509_value(chain, i), out);
    }
    return !out->oom;
}
