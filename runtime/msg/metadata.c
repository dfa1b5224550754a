/* SPDX-License-Identifier: Apache-2.0 */
/* Message metadata: an ordered list of unique keys with text values. A message has a handful of
 * entries, so everything is a linear scan. Keys and values are borrowed. */
#include "config.h"
#include "tbe/msg.h"

#include <string.h>

static struct tbe_md_entry *
find(const struct tbe_md *md, struct tbe_str key)
{
    for (uint32_t i = 0; i < md->n; i++) {
        struct tbe_md_entry *e = &md->e[i];
        if (e->key.n == key.n && memcmp(e->key.p, key.p, key.n) == 0) {
            return e;
        }
    }
    return NULL;
}

struct tbe_str
tbe_md_get(const struct tbe_md *md, struct tbe_str key)
{
    const struct tbe_md_entry *e = find(md, key);
    return e ? e->val : TBE_STR_NONE;
}

void
tbe_md_put(struct tbe_arena *a, struct tbe_md *md, struct tbe_str key, struct tbe_str val)
{
    if (!key.p || !val.p) {
        return; /* null keys and values are ignored (rule-nodes 1) */
    }
    struct tbe_md_entry *e = find(md, key);
    if (e) {
        e->val = val;
        return;
    }
    if (md->n == md->cap) {
        uint32_t cap = md->cap ? md->cap * 2 : 8;
        struct tbe_md_entry *grown = tbe_arena_alloc(a, cap * sizeof(*grown));
        if (!grown) {
            return;
        }
        if (md->n) {
            memcpy(grown, md->e, md->n * sizeof(*grown));
        }
        md->e = grown;
        md->cap = cap;
    }
    md->e[md->n++] = (struct tbe_md_entry){ key, val };
}

void
tbe_md_remove(struct tbe_md *md, struct tbe_str key)
{
    struct tbe_md_entry *e = find(md, key);
    if (e) {
        size_t after = (size_t)(md->e + md->n - (e + 1));
        memmove(e, e + 1, after * sizeof(*e));
        md->n--;
    }
}

void
tbe_md_copy(struct tbe_arena *a, struct tbe_md *dst, const struct tbe_md *src)
{
    uint32_t cap = src->n + 4; /* room for what a node usually adds */
    dst->e = tbe_arena_alloc(a, cap * sizeof(*dst->e));
    dst->n = 0;
    dst->cap = 0;
    if (dst->e) {
        dst->cap = cap;
        dst->n = src->n;
        if (src->n) {
            memcpy(dst->e, src->e, src->n * sizeof(*dst->e));
        }
    }
}
