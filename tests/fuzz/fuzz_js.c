/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a JavaScript script: no crash, and the C text is printable ASCII whose comments and strings
 * the script cannot end. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "script/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct tbe_arena a;
    struct script_result r;
    struct script_source in = { .text = { (const char *)p, n }, .dialect = TBE_DIALECT_JS, .symbol = "s0",
        .params = { "msg", "metadata", "msgType" }, .n_params = 3 };
    tbe_arena_init(&a, 0);
    if (n > 0 && script_compile(&a, &in, &r) == 0) {
        for (size_t i = 0; i < r.c.n; i++) {
            unsigned char c = (unsigned char)r.c.p[i];
            if (c != '\n' && (c < 0x20 || c >= 0x7F)) {
                abort();
            }
        }
        tbe_buf_free(&r.c);
    }
    tbe_arena_free(&a);
    return 0;
}
