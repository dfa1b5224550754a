/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup in the generated node tables. */
#include "config.h"
#include "check/node_class.h"
#include <string.h>

static struct tbe_str
below_prefix(struct tbe_str type)
{
    size_t n = strlen(NODE_CLASS_PREFIX);
    if (type.n > n && memcmp(type.p, NODE_CLASS_PREFIX, n) == 0) {
        type.p += n;
        type.n -= n;
    }
    return type;
}

static bool
same(struct tbe_str s, const char *z)
{
    return s.n == strlen(z) && memcmp(s.p, z, s.n) == 0;
}

const struct node_class *
node_class_find(struct tbe_str type)
{
    struct tbe_str cls = below_prefix(type);
    for (uint32_t i = 0; i < n_node_classes && cls.p; i++) {
        if (same(cls, node_classes[i].cls) || same(type, node_classes[i].name)) {
            return &node_classes[i];
        }
    }
    return NULL;
}

const struct known_class *
known_class_find(struct tbe_str type)
{
    struct tbe_str cls = below_prefix(type);
    for (uint32_t i = 0; i < n_known_classes && cls.p; i++) {
        if (same(cls, known_classes[i].cls)) {
            return &known_classes[i];
        }
    }
    return NULL;
}

bool
node_is_source(struct tbe_str type)
{
    const struct node_class *cls = node_class_find(type);
    return !cls || !cls->in || strcmp(cls->name, "message_count") == 0;
}
