/* SPDX-License-Identifier: Apache-2.0 */
/* Filters without a script: message type switch, message type filter, check fields presence
 * (facts/rule-nodes.md 11.1, 11.19, 11.23). */
#include "config.h"
#include "nodes/engine.h"

/* The relations of the message type switch, one constant per type, so that routing borrows them. */
static const struct tbe_str type_relations[TBE_MT_COUNT] = {
    [TBE_MT_NA] = TBE_STR_INIT("Other"),
#define TYPE_RELATION_(n, rel) [TBE_MT_##n] = TBE_STR_INIT(rel),
    TBE_MSG_TYPES(TYPE_RELATION_)
#undef TYPE_RELATION_
};

enum tbe_rel
tbe_msg_type_switch(struct tbe_run *r, const struct tbe_msg_type_switch_cfg *cfg, struct tbe_msg **m)
{
    (void)cfg;
    r->relations = &type_relations[(*m)->type_id];
    r->n_relations = 1;
    return TBE_REL_NAMED;
}

enum tbe_rel
tbe_msg_type_filter(struct tbe_run *r, const struct tbe_msg_type_filter_cfg *cfg, struct tbe_msg **m)
{
    if (!cfg->message_types) {
        engine_fail(r, "messageTypes is null");
        return TBE_REL_FAILURE;
    }
    for (uint32_t i = 0; i < cfg->n_message_types; i++) {
        if (tbe_str_eq(cfg->message_types[i], (*m)->type)) {
            return TBE_REL_TRUE;
        }
    }
    return TBE_REL_FALSE;
}

/* Is one key in the data? Typed entries hold every key of it but those whose value was null, which the
 * transports drop before the message is made. */
static bool
data_has(const struct tbe_msg *m, const struct tbe_map *map, struct tbe_str key)
{
    if (!m->kvs) {
        return tbe_map_get(map, key).t != TBE_UNDEF;
    }
    for (uint32_t i = 0; i < m->kvs->n; i++) {
        if (tbe_str_eq(m->kvs->v[i].key, key)) {
            return true;
        }
    }
    return false;
}

enum tbe_rel
tbe_check_fields(struct tbe_run *r, const struct tbe_check_fields_cfg *cfg, struct tbe_msg **mp)
{
    const struct tbe_msg *m = *mp;
    tbe_val data = TBE_UNDEF_VAL;
    uint32_t found = 0;
    if (!cfg->message_names || !cfg->metadata_names) {
        engine_fail(r, "messageNames or metadataNames is null");
        return TBE_REL_FAILURE;
    }
    if (cfg->n_message_names && !m->kvs) {
        if (tbe_msg_value(m, TBE_MSG_AS_JAVA, &data) < 0 || data.t != TBE_MAP) {
            engine_fail(r, "Expected BEGIN_OBJECT in the message data");
            return TBE_REL_FAILURE;
        }
    }
    for (uint32_t i = 0; i < cfg->n_message_names; i++) {
        found += data_has(m, data.u.m, cfg->message_names[i]);
    }
    for (uint32_t i = 0; i < cfg->n_metadata_names; i++) {
        found += tbe_md_get(&m->md, cfg->metadata_names[i]).p != NULL;
    }
    bool all = found == cfg->n_message_names + cfg->n_metadata_names;
    return (cfg->check_all_keys ? all : found > 0) ? TBE_REL_TRUE : TBE_REL_FALSE;
}
