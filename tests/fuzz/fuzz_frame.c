/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from a broken peer: parsed, and their payload read as each kind of field. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *p = data;
    struct tbe_buf b = { 0 };
    struct frame f;
    int64_t len;

    while ((len = frame_parse(p, n, &f)) > 0) {
        struct frame_reader r = { f.payload, false };
        size_t begin = b.n;
        frame_begin(&b, f.type, f.flags, f.conn, f.aux, f.seq);
        tbe_buf_puts(&b, f.payload);
        if (!frame_end(&b, begin) || b.n - begin != (size_t)len ||
            memcmp(b.p + begin, p, (size_t)len) != 0) {
            abort(); /* what was read is not what is written */
        }
        for (unsigned i = 0; !r.bad && i < 64; i++) {
            switch ((f.aux >> i % 16) & 3) {
            case 0: frame_get_u32(&r); break;
            case 1: frame_get_u64(&r); break;
            default: frame_get_str(&r); break;
            }
        }
        p += len;
        n -= (size_t)len;
    }
    tbe_buf_free(&b);
    return 0;
}
