/* SPDX-License-Identifier: Apache-2.0 */
/* The outer layer of the stream's messages, from a broken cloud or worker, and the link's settings. Where protobuf-c
 * reads a message too (it takes more: field number 0), both must find the same part in it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "link/envelope.h"
#include "proto/edge.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct tbe_str whole = { (const char *)data, n }, body;
    struct envelope_answer a;
    struct link_config c = { .secret = TBE_STR("ab"), .routing_key = TBE_STR("c") };
    Edge__ResponseMsg *m = edge__response_msg__unpack(NULL, n, data);
    enum envelope_kind kind = envelope_response(whole, &body);
    char text[64];

    if (m && kind != ENVELOPE_BAD && (m->connectresponsemsg != NULL) != (kind == ENVELOPE_CONNECT)) {
        abort();
    }
    if (kind == ENVELOPE_CONNECT && envelope_answer(body, &a) && a.accepted && a.reason[0]) {
        abort();
    }
    if (m) {
        edge__response_msg__free_unpacked(m, NULL);
    }
    envelope_request(whole);
    envelope_clean(whole, &c, text, sizeof text);
    if (strstr(text, "ab") || strlen(text) >= sizeof text) {
        abort();
    }
    link_config_get(whole, &c);
    return 0;
}
