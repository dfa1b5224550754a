/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, from OpenSSL. */
#ifndef TBE_BASE_HASH_H
#define TBE_BASE_HASH_H

#include "tbe/base.h"

void hash_sha256_hex(struct tbe_str s, char out[65]);
/* ThingsBoard's credential hash: SHA3-256, lower-case hex, of the text without PEM BEGIN/END
 * lines and without CR and LF (facts/device-apis.md 2.1). */
void hash_credentials_hex(struct tbe_str s, char out[65]);

#endif
