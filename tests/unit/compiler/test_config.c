/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas, upgrades and validation: the default configuration of every class is valid, upgrades give what
 * the server stores (recorded cases), the tables agree with nodes.def. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "check/check.h"
#include "tbe/script.h"

static struct tbe_arena a;

static int
setup(void **state)
{
    (void)state;
    tbe_arena_init(&a, 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tbe_arena_free(&a);
    return 0;
}

static void
tables_follow_nodes_def(void **state)
{
    static const struct {
        const char *name, *cls;
    } def[] = {
#define NODE(name, cls) { #name, cls },
#include "tbe/nodes.def"
#undef NODE
    };
    (void)state;
    assert_int_equal(n_node_classes, 76); /* every class of ThingsBoard Edge */
    for (size_t i = 0; i < n_node_classes; i++) {
        assert_int_equal(node_classes[i].built, i < sizeof def / sizeof def[0]);
    }
    for (size_t i = 0; i < sizeof def / sizeof def[0]; i++) {
        assert_string_equal(node_classes[i].name, def[i].name);
        assert_ptr_equal(node_class_find(tbe_strz(def[i].cls)), &node_classes[i]);
        assert_ptr_equal(node_class_find(tbe_strz(def[i].name)), &node_classes[i]);
        assert_ptr_equal(node_class_find(tbe_arena_fmt(&a, NODE_CLASS_PREFIX "%s", def[i].cls)), &node_classes[i]);
        assert_non_null(known_class_find(tbe_strz(def[i].cls)));
    }
    assert_null(node_class_find(TBE_STR("")));
    assert_null(node_class_find(TBE_STR(NODE_CLASS_PREFIX)));
}

static struct checked_node
check(struct diags *ds, const struct node_class *cls, const char *config, int64_t version)
{
    static struct chain_node src;
    struct doc *doc = doc_new(&a, DOC_MAP, 1, 1);
    src = (struct chain_node){ .doc = doc, .name = TBE_STR("n"), .version = version };
    src.config = config ? doc_parse_own(&a, config) : NULL;
    struct checked_node n = { .src = &src, .cls = cls };
    diags_init(ds, &a);
    check_config(&a, ds, "t", &n);
    return n;
}

/* Classes whose default configuration, like the UI's new node, still lacks something; the errors it has. */
static const struct {
    const char *name;
    uint32_t errors;
} incomplete[] = { { "rule_chain", 1 },      { "create_relation", 1 },      { "check_relation", 1 },
                   { "customer_details", 1 }, { "tenant_details", 1 },       { "originator_telemetry", 1 },
                   { "send_notification", 1 } };

static void
default_configurations_are_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_node_classes; i++) {
        struct diags ds;
        const struct node_class *cls = &node_classes[i];
        uint32_t errors = 0;
        for (size_t k = 0; k < sizeof incomplete / sizeof incomplete[0]; k++) {
            errors += strcmp(cls->name, incomplete[k].name) == 0 ? incomplete[k].errors : 0;
        }
        struct checked_node n = check(&ds, cls, cls->default_config, cls->version);
        for (uint32_t k = 0; k < ds.n && ds.n != errors; k++) {
            print_message("%s: %.*s\n", cls->name, (int)ds.v[k].text.n, ds.v[k].text.p);
        }
        assert_int_equal(ds.n, errors);
        assert_int_equal(n.broken.p != NULL, errors != 0);
        n = check(&ds, cls, NULL, -1);
        assert_int_equal(ds.n, errors);
        assert_non_null(n.config);
    }
}

static void
upgrades_give_what_the_server_stores(void **state)
{
    static const struct {
        const char *name;
        int version;
        const char *before, *after;
    } t[] = {
        { "save_attributes", 0, "{\"scope\":\"SERVER_SCOPE\",\"notifyDevice\":\"false\"}",
          "{\"scope\":\"SERVER_SCOPE\",\"notifyDevice\":false,\"updateAttributesOnlyOnValueChange\":false,"
          "\"sendAttributesUpdatedNotification\":false,\"processingSettings\":{\"type\":\"ON_EVERY_MESSAGE\"}}" },
        { "save_attributes", 1, "{\"scope\":\"SERVER_SCOPE\",\"notifyDevice\":\"null\"}",
          "{\"scope\":\"SERVER_SCOPE\",\"notifyDevice\":true,\"sendAttributesUpdatedNotification\":false,"
          "\"updateAttributesOnlyOnValueChange\":true,\"processingSettings\":{\"type\":\"ON_EVERY_MESSAGE\"}}" },
        { "save_timeseries", 0, "{\"defaultTTL\":10}",
          "{\"defaultTTL\":10,\"processingSettings\":{\"type\":\"ON_EVERY_MESSAGE\"}}" },
        { "save_timeseries", 0, "{\"defaultTTL\":10,\"skipLatestPersistence\":true}",
          "{\"defaultTTL\":10,\"processingSettings\":{\"type\":\"ADVANCED\",\"timeseries\":{\"type\":\"ON_EVERY_MESSAGE\"},"
          "\"latest\":{\"type\":\"SKIP\"},\"webSockets\":{\"type\":\"ON_EVERY_MESSAGE\"},"
          "\"calculatedFields\":{\"type\":\"ON_EVERY_MESSAGE\"}}}" },
        { "save_timeseries", 1, "{\"defaultTTL\":10}", "{\"defaultTTL\":10}" },
        { "originator_attributes", 0, "{\"serverAttributeNames\":[\"a\"],\"fetchToData\":null}",
          "{\"serverAttributeNames\":[\"a\"],\"fetchTo\":\"METADATA\"}" },
        { "originator_attributes", 0, "{\"fetchToData\":true}", "{\"fetchTo\":\"DATA\"}" },
        { "rule_chain", 0, "{\"ruleChainId\":\"x\"}", "{\"ruleChainId\":\"x\",\"forwardMsgToDefaultRuleChain\":false}" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct tbe_buf b = { 0 };
        struct doc *d = doc_parse_own(&a, t[i].before);
        struct tbe_str queue = TBE_STR_NONE;
        assert_int_equal(config_upgrade(&a, node_class_find(tbe_strz(t[i].name)), t[i].version, d, &queue), 0);
        doc_json(&b, d);
        assert_string_equal(b.p, t[i].after);
        tbe_buf_free(&b);
    }
}

static void
init_errors_are_the_reference_s(void **state)
{
    static const struct {
        const char *name, *config, *error;
    } t[] = {
        { "originator_attributes", "{\"fetchTo\":null}", "FetchTo option can't be null! Allowed values: [DATA, METADATA]" },
        { "originator_fields", "{\"fetchTo\":\"DATA\",\"dataMapping\":null}", "At least one mapping entry should be specified!" },
        { "create_alarm", "{\"severity\":\"critical\"}", "Incorrect Alarm Severity value: critical" },
        { "create_alarm", "{\"severity\":null}", "Incorrect Alarm Severity value: null" },
        { "create_alarm", "{\"severity\":\"${sev}\",\"dynamicSeverity\":true}", NULL },
        { "rule_chain", "{\"ruleChainId\":null}", "Rule chain must be set!" },
        { "rule_chain", "{\"ruleChainId\":\"xyz\"}", "Failed to parse rule chain id: xyz" },
        { "msg_type_filter", "{\"messageTypes\":\"A\"}",
          "java.lang.IllegalArgumentException: Can't convert value: {\"messageTypes\":\"A\"}" },
        { "save_timeseries", "{\"processingSettings\":{\"type\":\"DEDUPLICATE\",\"deduplicationIntervalSecs\":86400}}", NULL },
        { "save_timeseries", "{\"processingSettings\":{\"type\":\"DEDUPLICATE\",\"deduplicationIntervalSecs\":86401}}",
          "java.lang.IllegalArgumentException: Can't convert value: "
          "{\"processingSettings\":{\"type\":\"DEDUPLICATE\",\"deduplicationIntervalSecs\":86401}}" },
        { "save_timeseries", "{\"processingSettings\":{\"type\":\"DEDUPLICATE\",\"deduplicationIntervalSecs\":1}}", NULL },
        { "save_timeseries", "{\"processingSettings\":{\"type\":\"DEDUPLICATE\"}}",
          "java.lang.IllegalArgumentException: Can't convert value: {\"processingSettings\":{\"type\":\"DEDUPLICATE\"}}" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct diags ds;
        struct checked_node n = check(&ds, node_class_find(tbe_strz(t[i].name)), t[i].config, 9);
        if (t[i].error) {
            assert_non_null(n.broken.p);
            assert_string_equal(n.broken.p, t[i].error);
        } else {
            assert_null(n.broken.p);
        }
    }
}

static void
script_language_numbers_are_the_schema_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_node_classes; i++) {
        const struct node_class *cls = &node_classes[i];
        for (uint32_t k = 0; k < cls->n_keys; k++) {
            if (strcmp(cls->keys[k].key, "scriptLang") == 0) { /* script_check.c counts on the order */
                assert_string_equal(cls->keys[k].values[0], "JS");
                assert_string_equal(cls->keys[k].values[1], "TBEL");
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(tables_follow_nodes_def), T(default_configurations_are_valid), T(upgrades_give_what_the_server_stores),
        T(init_errors_are_the_reference_s), T(script_language_numbers_are_the_schema_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
