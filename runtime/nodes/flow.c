/* SPDX-License-Identifier: Apache-2.0 */
/* Flow nodes: rule chain, output, acknowledge (facts/rule-nodes.md 3.6, 11.14, 11.15, 11.26). */
#include "config.h"
#include "nodes/engine.h"

enum tbe_rel
tbe_rule_chain(struct tbe_run *r, const struct tbe_rule_chain_cfg *cfg, struct tbe_msg **m)
{
    struct tbe_engine *e = r->engine;
    int32_t target = -1;
    if (cfg->forward_msg_to_default_rule_chain) {
        target = engine_entry(e, *m);
    }
    if (target < 0) {
        target = engine_chain_find(e, cfg->rule_chain_id);
    }
    if (target < 0) {
        engine_fail(r, "Rule Chain with id: %.*s not found!", (int)cfg->rule_chain_id.n, cfg->rule_chain_id.p);
        return TBE_REL_FAILURE;
    }
    if ((uint32_t)target == engine_run_chain(r)) {
        engine_fail(r, "TbRuleChainInputNode in rule chain [%s] is configured to forward messages back to the same "
                       "rule chain it belongs to. This would cause an infinite loop. Please check the rule chain "
                       "configuration.", r->chain->id);
        return TBE_REL_FAILURE;
    }
    if (engine_calling(r, *m)) {
        engine_fail(r, "Detected rule chain processing loop for rule node [%s] in rule chain [%s]. Please check the "
                       "rule chain configuration for circular references.", engine_node(r)->id, r->chain->id);
        return TBE_REL_FAILURE;
    }
    engine_ack(r, *m);
    engine_call(r, *m, (uint32_t)target);
    return TBE_REL_NONE;
}

enum tbe_rel
tbe_output(struct tbe_run *r, const struct tbe_output_cfg *cfg, struct tbe_msg **m)
{
    (void)cfg;
    if (!engine_return(r, *m, tbe_strz(engine_node(r)->name))) {
        engine_ack(r, *m);
    }
    return TBE_REL_NONE;
}

enum tbe_rel
tbe_ack(struct tbe_run *r, const struct tbe_ack_cfg *cfg, struct tbe_msg **m)
{
    (void)cfg;
    engine_ack(r, *m);
    return TBE_REL_SUCCESS;
}
