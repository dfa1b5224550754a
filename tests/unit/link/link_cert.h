/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate signed by itself, made anew each time. */
#ifndef TESTS_LINK_CERT_H
#define TESTS_LINK_CERT_H

#include <stdbool.h>

struct link_cert {
    char cert[4096], key[4096]; /* PEM */
};

/* names: as OpenSSL writes them, "DNS:localhost" */
bool link_cert_make(struct link_cert *c, const char *names);

#endif
