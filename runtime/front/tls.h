/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of device connections (facts/device-apis.md 2.5): PEM files, client certificate wanted but
 * not needed, checked only for the signatures inside the chain. */
#ifndef TBE_FRONT_TLS_H
#define TBE_FRONT_TLS_H

#include <sys/types.h>

#include "tbe/base.h"

typedef struct ssl_st SSL;
struct tls;

/* NULL with text in err when a file cannot be used. key_password may be "". */
struct tls *tls_new(const char *cert_file, const char *key_file, const char *key_password,
                    char err[256]);
/* Reads the files again; connections that exist keep theirs. False: the old ones stay in use. */
bool tls_reload(struct tls *t, char err[256]);
void tls_delete(struct tls *t);

SSL *tls_accept(struct tls *t, int fd); /* NULL: out of memory */
void tls_free(SSL *ssl);                /* NULL is allowed */
int tls_handshake(SSL *ssl);            /* 1 done, 0 later, -1 failed */
bool tls_wants_write(SSL *ssl);
ssize_t tls_read(SSL *ssl, char *buf, size_t n);        /* > 0 bytes, 0 later, -1 over */
ssize_t tls_write(SSL *ssl, const char *buf, size_t n); /* same */
void tls_close_notify(SSL *ssl);
/* Appends the client's chain, leaf first: base64 of each DER, separated by '\n'. False: none. */
bool tls_peer_chain(SSL *ssl, struct tbe_buf *out);

#endif
