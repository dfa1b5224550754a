/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a worker that was compiled with coverage, told at the end of a replay. */
#include "config.h"
#include "replay/replay_int.h"
#include "tbe/cover.h"

/* Ends of the section, made by the linker when there is one. */
extern struct tbe_cover_site __start_tbe_cover[] __attribute__((weak));
extern struct tbe_cover_site __stop_tbe_cover[] __attribute__((weak));

bool
replay_coverage(struct tbe_buf *out)
{
    const struct tbe_cover_site *from = __start_tbe_cover, *to = __stop_tbe_cover;
    if (!from) {
        return false;
    }
    tbe_buf_putz(out, "{\"coverage\":[");
    for (const struct tbe_cover_site *s = from; s < to; s++) {
        tbe_buf_putz(out, s == from ? "[" : ",[");
        tbe_json_write_str(out, tbe_strz(s->file));
        tbe_buf_fmt(out, ",%d,%d,%llu,%llu]", s->line, s->col, s->hits[0], s->hits[1]);
    }
    tbe_buf_putz(out, "]}\n");
    return true;
}
