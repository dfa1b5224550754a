/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration upgrades (facts/rule-nodes.md 6), driven by x-upgrades of the schemas. */
#include "config.h"
#include "check/check.h"
#include <string.h>

static bool
says_true(const struct doc *v)
{
    return v && ((v->t == DOC_BOOL && v->i) || (v->t == DOC_STR && tbe_str_eqz(v->s, "true")));
}

static void
put_own(struct tbe_arena *a, struct doc *config, const char *key, const char *json)
{
    struct doc *v = doc_parse_own(a, json);
    v->line = config->line;
    v->col = config->col;
    doc_put(config, tbe_strz(key), v);
}

static void
to_bool(struct tbe_arena *a, struct doc *config, const struct upgrade_op *op)
{
    struct doc *v = doc_get(config, op->key);
    if (v && v->t == DOC_STR && (tbe_str_eqz(v->s, "true") || tbe_str_eqz(v->s, "false"))) {
        v->t = DOC_BOOL;
        v->i = tbe_str_eqz(v->s, "true");
    } else if (!v || v->t == DOC_NULL || v->t == DOC_STR) {
        put_own(a, config, op->key, op->value);
    }
}

static void
apply(struct tbe_arena *a, struct doc *config, const struct upgrade_op *op)
{
    struct doc *v = doc_get(config, op->key);
    switch (op->kind) {
    case UPGRADE_ADD:
        if (!v) {
            put_own(a, config, op->key, op->value);
        }
        break;
    case UPGRADE_SET:
        put_own(a, config, op->key, op->value);
        break;
    case UPGRADE_REMOVE:
        if (v) {
            doc_remove(config, v);
        }
        break;
    case UPGRADE_RENAME:
        if (v) {
            doc_remove(config, v);
            doc_put(config, tbe_strz(op->into), v);
        }
        break;
    case UPGRADE_MAP:
        put_own(a, config, op->into, says_true(v) ? op->value : op->other);
        if (v) {
            doc_remove(config, v);
        }
        break;
    case UPGRADE_BOOL:
        to_bool(a, config, op);
        break;
    }
}

void
config_upgrade(struct tbe_arena *a, const struct node_class *cls, int64_t version, struct doc *config)
{
    for (uint32_t i = 0; i < cls->n_upgrades && version >= 0; i++) {
        if (version < cls->upgrades[i].below) {
            apply(a, config, &cls->upgrades[i]);
        }
    }
}
