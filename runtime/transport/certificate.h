/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at in a client certificate beside its hash (facts/device-apis.md 2.5). */
#ifndef TBE_TRANSPORT_CERTIFICATE_H
#define TBE_TRANSPORT_CERTIFICATE_H

#include "tbe/base.h"

/* chain: base64 DER, leaf first, separated by '\n'. Is the leaf's validity period now? Unreadable: false. */
bool certificate_valid_now(struct tbe_str chain);

#endif
