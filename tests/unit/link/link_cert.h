/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for "localhost", signed by itself, made anew each time. */
#ifndef TESTS_LINK_CERT_H
#define TESTS_LINK_CERT_H

#include <stdbool.h>

struct link_cert {
    char cert[4096], key[4096]; /* PEM */
};

bool link_cert_make(struct link_cert *c);

#endif
