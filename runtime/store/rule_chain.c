/* SPDX-License-Identifier: Apache-2.0 */
/* Rule chains beside their entity row: nodes and connections, and which chain is the root. Both are
 * state rows, so that listing chains reads no graphs. */
#include "config.h"
#include "store/internal.h"
#include <string.h>

#define KEY_MAX (sizeof "chain.metadata." + TBE_UUID_TEXT)

static struct tbe_str
metadata_key(char buf[KEY_MAX], const struct tbe_uuid *chain)
{
    strcpy(buf, "chain.metadata.");
    tbe_uuid_text(chain, buf + sizeof "chain.metadata." - 1);
    return tbe_strz(buf);
}

struct tbe_str
store_chain_metadata(struct store *s, const struct tbe_uuid *chain)
{
    char key[KEY_MAX];
    return store_state(s, metadata_key(key, chain));
}

void
store_put_chain_metadata(struct store_batch *b, const struct tbe_uuid *chain, struct tbe_str json)
{
    char key[KEY_MAX];
    store_put_state(b, metadata_key(key, chain), json);
}

bool
store_root_chain(struct store *s, struct tbe_uuid *out)
{
    struct tbe_str v = store_state(s, TBE_STR("chain.root"));
    if (v.n != sizeof out->b) {
        return false;
    }
    memcpy(out->b, v.p, sizeof out->b);
    return true;
}

void
store_put_root_chain(struct store_batch *b, const struct tbe_uuid *chain)
{
    store_put_state(b, TBE_STR("chain.root"), chain ? ckey_uuid(chain) : TBE_STR_NONE);
}

void
rule_chain_delete_all(struct store_batch *b, const struct tbe_entity *e)
{
    struct tbe_uuid root;
    if (e->type != TBE_ENT_RULE_CHAIN) {
        return;
    }
    store_put_chain_metadata(b, &e->id, TBE_STR_NONE);
    if (store_root_chain(b->s, &root) && tbe_uuid_eq(&root, &e->id)) {
        store_put_root_chain(b, NULL);
    }
}
