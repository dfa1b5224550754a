/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for stored keys (facts/rule-nodes.md 9.1) and processing strategies (11.2). */
#include "config.h"
#include "nodes/save.h"

#include <string.h>

bool
save_key_malformed(struct tbe_str key)
{
    if (memchr(key.p, '\0', key.n) != NULL) {
        return true;
    }
    for (size_t i = 0; i + 1 < key.n; i++) {
        char c = key.p[i + 1];
        if (key.p[i] == '<' && (((c | 32) >= 'a' && (c | 32) <= 'z') || c == '/' || c == '!' || c == '?')) {
            return true;
        }
    }
    return false;
}

bool
save_key_blank(struct tbe_str key)
{
    for (size_t i = 0; i < key.n; i++) {
        if ((unsigned char)key.p[i] > ' ') {
            return false;
        }
    }
    return true;
}

size_t
save_key_chars(struct tbe_str key)
{
    size_t n = 0;
    for (size_t i = 0; i < key.n; i++) {
        unsigned char c = (unsigned char)key.p[i];
        n += (c & 0xc0) != 0x80;
        n += c >= 0xf0; /* four bytes are two units */
    }
    return n;
}

bool
save_strategy(struct tbe_run *r, const struct tbe_processing_strategy *s, int64_t ts, const struct tbe_msg *m)
{
    switch (s->type) {
    case TBE_PROCESSING_STRATEGY_TYPE_ON_EVERY_MESSAGE:
        return true;
    case TBE_PROCESSING_STRATEGY_TYPE_DEDUPLICATE:
        return engine_first_in_interval(r->engine, s, s->deduplication_interval_secs, ts, &m->originator.id);
    default:
        return false;
    }
}
