/* SPDX-License-Identifier: Apache-2.0 */
/* What the reference checks when a node of one class starts or its chain is saved, and no schema can say
 * (facts/rule-nodes.md 11 to 13, "Init"). The texts are the reference's: they are the failure of every message. */
#include "config.h"
#include "check/config_ctx.h"
#include <string.h>

/* Where a key stands in the file: reports lead there. */
static const struct doc *
given(struct config_ctx *x, const char *key)
{
    const struct doc *d = doc_get(x->n->src->config, key);
    return d ? d : x->n->src->config ? x->n->src->config : x->n->src->doc;
}

static void
refuse(struct config_ctx *x, const char *key, struct tbe_str why)
{
    config_report(x, C2311, given(x, key), "%.*s", (int)why.n, why.p);
    config_stop(x, why);
}

static void
refusez(struct config_ctx *x, const char *key, const char *why)
{
    refuse(x, key, tbe_strz(why));
}

static bool
blank(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > ' ') {
            return false;
        }
    }
    return true;
}

/* The text of an enum key, as the file has it; absent when null. */
static struct tbe_str
word(const struct config_ctx *x, const char *key)
{
    return doc_text(x->n->upgraded, key);
}

/* Is the text one of "A B C"? */
static bool
one_of(struct tbe_str s, const char *words)
{
    for (const char *p = words; *p;) {
        size_t n = strcspn(p, " ");
        if (s.n == n && memcmp(s.p, p, n) == 0) {
            return true;
        }
        p += n + (p[n] == ' ');
    }
    return false;
}

static void
rule_create_alarm(struct config_ctx *x, const struct doc *cfg)
{
    const struct doc *severity = doc_get(cfg, "severity");
    struct tbe_str type = doc_text(cfg, "alarmType");
    struct tbe_str got = severity->t == DOC_STR ? severity->s : TBE_STR("null");
    if (!doc_true(cfg, "dynamicSeverity") && !one_of(got, "CRITICAL MAJOR MINOR WARNING INDETERMINATE")) {
        refuse(x, "severity", tbe_arena_fmt(x->a, "Incorrect Alarm Severity value: %.*s", (int)got.n, got.p));
    }
    for (size_t i = 0; i + 1 < type.n; i++) {
        unsigned char c = (unsigned char)type.p[i + 1];
        if (type.p[i] == '<' && (c == '/' || (c | 32) >= 'a') && (c | 32) <= 'z' &&
            memchr(type.p + i, '>', type.n - i)) {
            config_report(x, C2313, given(x, "alarmType"),
                          "ThingsBoard does not save this: '%.*s' node configuration is invalid: alarmType is malformed",
                          (int)x->n->src->name.n, x->n->src->name.p);
            return;
        }
    }
}

static void
rule_rule_chain(struct config_ctx *x, const struct doc *cfg)
{
    const struct doc *id = doc_get(cfg, "ruleChainId");
    struct tbe_uuid u;
    if (id && id->t == DOC_STR && !tbe_uuid_parse(id->s, &u)) {
        struct tbe_str text = tbe_arena_fmt(x->a, "Failed to parse rule chain id: %.*s", (int)id->s.n, id->s.p);
        config_report(x, C2311, given(x, "ruleChainId"), "Invalid UUID string: %.*s", (int)id->s.n, id->s.p);
        config_stop(x, text);
    }
}

static void
rule_save(struct config_ctx *x, const struct doc *cfg)
{
    const struct doc *set = doc_get(x->n->src->config, "processingSettings");
    (void)cfg;
    if (x->n->src->config && x->n->src->version >= x->n->cls->version && (!set || set->t == DOC_NULL)) {
        config_report(x, C2313, given(x, "processingSettings"),
                      "ThingsBoard does not save this: '%.*s' node configuration is invalid: processingSettings must "
                      "not be null",
                      (int)x->n->src->name.n, x->n->src->name.p);
    }
}

static void
rule_change_originator(struct config_ctx *x, const struct doc *cfg)
{
    struct tbe_str source = word(x, "originatorSource"), type = doc_text(cfg, "entityType");
    if (tbe_str_eqz(source, "RELATED") && doc_get(cfg, "relationsQuery")->t == DOC_NULL) {
        refusez(x, "relationsQuery", "Relations query should be specified if 'Related entity' source is selected.");
    }
    if (!tbe_str_eqz(source, "ENTITY")) {
        return;
    }
    if (type.n == 0) {
        refusez(x, "entityType", "Entity type should be specified if 'Entity by name pattern' source is selected.");
    } else if (doc_text(cfg, "entityNamePattern").n == 0) {
        refusez(x, "entityNamePattern",
                "Name pattern should be specified if 'Entity by name pattern' source is selected.");
    } else if (!one_of(type, "DEVICE ASSET ENTITY_VIEW EDGE USER")) {
        refuse(x, "entityType", tbe_arena_fmt(x->a, "Unexpected entity type %.*s", (int)type.n, type.p));
    }
}

static void
rule_relation(struct config_ctx *x, const struct doc *cfg)
{
    struct tbe_str type = word(x, "entityType");
    bool wanted = strcmp(x->n->cls->name, "create_relation") == 0 || doc_true(cfg, "deleteForSingleEntity");
    if (wanted && !one_of(type, "TENANT DEVICE ASSET CUSTOMER ENTITY_VIEW DASHBOARD EDGE USER")) {
        refuse(x, "entityType",
               tbe_arena_fmt(x->a,
                             "Unsupported entity type '%.*s'! Only TENANT ,CUSTOMER ,USER ,DASHBOARD ,ASSET ,DEVICE "
                             ",ENTITY_VIEW ,EDGE types are allowed.",
                             type.p ? (int)type.n : 4, type.p ? type.p : "null"));
    }
}

static void
rule_check_relation(struct config_ctx *x, const struct doc *cfg)
{
    struct tbe_str id = doc_text(cfg, "entityId");
    struct tbe_uuid u;
    if (!doc_true(cfg, "checkForSingleEntity")) {
        return;
    }
    if (id.n == 0 || doc_text(cfg, "entityType").n == 0) {
        refusez(x, id.n == 0 ? "entityId" : "entityType", "Entity should be specified!");
    } else if (!tbe_uuid_parse(id, &u)) {
        refuse(x, "entityId", tbe_arena_fmt(x->a, "Invalid UUID string: %.*s", (int)id.n, id.p));
    }
}

static void
rule_generator(struct config_ctx *x, const struct doc *cfg)
{
    struct tbe_str type = word(x, "originatorType");
    if (!one_of(type, "DEVICE ASSET ENTITY_VIEW TENANT CUSTOMER USER DASHBOARD EDGE RULE_NODE")) {
        refuse(x, "originatorType", tbe_arena_fmt(x->a, "Originator type '%.*s' is not supported.",
                                                  type.p ? (int)type.n : 4, type.p ? type.p : "null"));
    } else if (!one_of(type, "TENANT RULE_NODE") && blank(doc_text(cfg, "originatorId"))) {
        refusez(x, "originatorId", "Originator entity must be selected.");
    }
}

static void
rule_math(struct config_ctx *x, const struct doc *cfg)
{
    struct tbe_str op = word(x, "operation"), fn = doc_text(cfg, "customFunction");
    const struct doc *args = doc_get(cfg, "arguments");
    bool custom = tbe_str_eqz(op, "CUSTOM");
    bool two = one_of(op, "ADD SUB MULT DIV ATAN2 HYPOT FLOOR_DIV FLOOR_MOD MIN MAX POW");
    if (args->i < 0) {
        refusez(x, "arguments", "Cannot invoke \"java.util.List.size()\" because the return value of "
                                "\"org.thingsboard.rule.engine.math.TbMathNodeConfiguration.getArguments()\" is null");
    } else if (!op.p) {
        refusez(x, "operation", "Cannot invoke \"org.thingsboard.rule.engine.math.TbRuleNodeMathFunctionType."
                                "getMinArgs()\" because \"operation\" is null");
    } else if (custom ? args->n > 16 : args->n != (two ? 2 : 1)) {
        refuse(x, "arguments", tbe_arena_fmt(x->a, "Args count: %u does not match operation: %.*s", args->n, (int)op.n,
                                             op.p));
    } else if (custom && blank(fn)) {
        refusez(x, "customFunction", "Custom function is blank!");
    } else if (custom && fn.n > 256) {
        refusez(x, "customFunction", "Custom function is too complex (length > 256)!");
    }
}

static void
rule_telemetry(struct config_ctx *x, const struct doc *cfg)
{
    const struct doc *limit = doc_get(cfg, "limit");
    if (!tbe_str_eqz(word(x, "fetchMode"), "ALL")) {
        return;
    }
    if (limit->i < 2 || limit->i > 1000) {
        config_report(x, C2306, given(x, "limit"), "Limit should be in a range from 2 to 1000.");
        config_stop(x, TBE_STR("Limit should be in a range from 2 to 1000."));
    } else if (!word(x, "orderBy").p) {
        refusez(x, "orderBy", "OrderBy should be specified!");
    } else if (!word(x, "aggregation").p) {
        refusez(x, "aggregation", "Aggregation should be specified!");
    }
}

static void
rule_delta(struct config_ctx *x, const struct doc *cfg)
{
    if (doc_true(cfg, "addPeriodBetweenMsgs") && doc_text(cfg, "periodValueKey").n == 0) {
        refusez(x, "periodValueKey", "Period value key should be specified!");
    }
}

static void
rule_owner_attributes(struct config_ctx *x, const struct doc *cfg)
{
    (void)cfg;
    if (tbe_str_eqz(word(x, "dataToFetch"), "FIELDS")) {
        refusez(x, "dataToFetch", "DataToFetch property has invalid value: FIELDS. Only ATTRIBUTES and "
                                  "LATEST_TELEMETRY values supported!");
    }
}

/* keys is a set of regular expressions that must be there. */
static void
rule_keys(struct config_ctx *x, const struct doc *cfg)
{
    const char *cls = strcmp(x->n->cls->name, "copy_keys") == 0 ? "TbCopyKeysNode" : "TbDeleteKeysNode";
    if (doc_get(cfg, "keys")->i < 0) {
        refuse(x, "keys", tbe_arena_fmt(x->a, "Cannot invoke \"java.util.Set.stream()\" because the return value of "
                                              "\"org.thingsboard.rule.engine.transform.%sConfiguration.getKeys()\" is "
                                              "null", cls));
    }
}

static void
rule_json_path(struct config_ctx *x, const struct doc *cfg)
{
    if (doc_text(cfg, "jsonPath").n == 0) {
        refusez(x, "jsonPath", "json can not be null or empty");
    }
}

static void
rule_mqtt(struct config_ctx *x, const struct doc *cfg)
{
    size_t limit = tbe_str_eqz(word(x, "protocolVersion"), "MQTT_3_1") ? 23 : 256;
    struct tbe_str id = doc_text(cfg, "clientId");
    if (id.n > limit) {
        refuse(x, "clientId", tbe_arena_fmt(x->a, "The length of Client ID cannot be longer than %zu, but current "
                                                  "length is %zu.", limit, id.n));
    }
}

static const struct {
    const char *name;
    void (*fn)(struct config_ctx *x, const struct doc *cfg);
} rules[] = { { "create_alarm", rule_create_alarm },
              { "rule_chain", rule_rule_chain },
              { "save_timeseries", rule_save },
              { "save_attributes", rule_save },
              { "change_originator", rule_change_originator },
              { "create_relation", rule_relation },
              { "delete_relation", rule_relation },
              { "check_relation", rule_check_relation },
              { "generator", rule_generator },
              { "math_function", rule_math },
              { "originator_telemetry", rule_telemetry },
              { "calculate_delta", rule_delta },
              { "customer_attributes", rule_owner_attributes },
              { "tenant_attributes", rule_owner_attributes },
              { "copy_keys", rule_keys },
              { "delete_keys", rule_keys },
              { "json_path", rule_json_path },
              { "mqtt", rule_mqtt } };

void
config_rules(struct config_ctx *x, const struct doc *cfg)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(rules[i].name, x->n->cls->name) == 0) {
            rules[i].fn(x, cfg);
        }
    }
}
