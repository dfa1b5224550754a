/* SPDX-License-Identifier: Apache-2.0 */
/* The rule engine on chains written by hand: routing, fan-out, acknowledgement, nested chains, parked
 * messages, limits, patterns. The store is private and in memory. */
#include "config.h"
#include "nodes/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "device/hub.h"

#define START 1700000000000

/* Chain 0 "root": 0 switch -> a: "A" (1), b: "B" twice (2, 3), call: "Call" (4 calls chain 1).
 *   1 "A" passes on by Success -> 3. 2 "B" has no connections. 3 "end" fails when the type is "fail".
 *   4 "call" -> "Back" (3). 5 is a delay node -> Success (3). 6 does not start.
 * Chain 1 "inner": 0 output "back" (matched ignoring case). Chain 2 "empty": no node. */

static const struct tbe_chain root, inner, empty, loop;

static void
run_switch(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &root, 0, m);
    r->relations = &m->type; /* the type names the relation to take */
    r->n_relations = 1;
    tbe_route(r, &root, 0, TBE_REL_NAMED, m);
}

static void run_end(struct tbe_run *r, struct tbe_msg *m);

static void
run_a(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &root, 1, m);
    tbe_leave(r, &root, 1, TBE_REL_SUCCESS, m);
    run_end(r, m); /* a direct call, as generated code makes it */
}

static void
run_b(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &root, 2, m);
    tbe_route(r, &root, 2, TBE_REL_SUCCESS, m);
}

static void
run_end(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &root, 3, m);
    if (tbe_str_eqz(m->type, "fail")) {
        engine_fail(r, "because of %d", 7);
        tbe_route(r, &root, 3, TBE_REL_FAILURE, m);
        return;
    }
    tbe_route(r, &root, 3, TBE_REL_SUCCESS, m);
}

static const struct tbe_rule_chain_cfg call_cfg = {
    .rule_chain_id = TBE_STR_INIT("00000000-0000-4000-8000-000000000001") };
static const struct tbe_rule_chain_cfg self_cfg = {
    .rule_chain_id = TBE_STR_INIT("00000000-0000-4000-8000-000000000000") };
static const struct tbe_rule_chain_cfg loop_cfg = {
    .rule_chain_id = TBE_STR_INIT("00000000-0000-4000-8000-000000000003") };

static void
run_call(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &root, 4, m);
    const struct tbe_rule_chain_cfg *cfg = tbe_str_eqz(m->type, "self")   ? &self_cfg
                                           : tbe_str_eqz(m->type, "loop") ? &loop_cfg
                                                                          : &call_cfg;
    enum tbe_rel rel = tbe_rule_chain(r, cfg, &m);
    tbe_route(r, &root, 4, rel, m);
}

static const struct tbe_delay_cfg delay_cfg = { .period_in_seconds = 5, .max_pending_msgs = 2 };

static void
run_delay(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &root, 5, m);
    enum tbe_rel rel = tbe_delay(r, &delay_cfg, &m);
    tbe_route(r, &root, 5, rel, m);
}

static void
run_broken(struct tbe_run *r, struct tbe_msg *m)
{
    tbe_node_broken(r, &root, 6, m);
}

static const struct tbe_output_cfg out_cfg;

static void
run_back(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &inner, 0, m);
    enum tbe_rel rel = tbe_output(r, &out_cfg, &m);
    tbe_route(r, &inner, 0, rel, m);
}

/* Calls the root chain, whose call node calls this one again. */
static void
run_loop(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &loop, 0, m);
    enum tbe_rel rel = tbe_rule_chain(r, &self_cfg, &m);
    tbe_route(r, &loop, 0, rel, m);
}

static const struct tbe_edge switch_edges[] = {
    { "A", 1 }, { "B", 2 }, { "b", 3 }, { "Call", 4 }, { "self", 4 }, { "loop", 4 }, { "Delay", 5 },
    { "Broken", 6 }, { "fail", 3 },
};
static const struct tbe_edge to_end[] = { { "Success", 3 } };
static const struct tbe_edge back_edges[] = { { "Back", 3 } };
#define ID(n) "00000000-0000-4000-8000-00000000010" #n
static const struct tbe_node root_nodes[] = {
    { ID(0), "switch", "x.Switch", run_switch, switch_edges, 9, NULL, 0, 0, NULL, NULL },
    { ID(1), "A", "x.A", run_a, to_end, 1, NULL, 0, 0, NULL, NULL },
    { ID(2), "B", "x.B", run_b, NULL, 0, NULL, 0, 0, NULL, NULL },
    { ID(3), "end", "x.End", run_end, NULL, 0, NULL, 0, 0, NULL, NULL },
    { ID(4), "call", "flow.TbRuleChainInputNode", run_call, back_edges, 1, NULL, 0, 0, NULL, NULL },
    { ID(5), "delay", "delay.TbMsgDelayNode", run_delay, to_end, 1, NULL, 0, 0, NULL, NULL },
    { ID(6), "broken", "x.Broken", run_broken, NULL, 0, NULL, 0, 0, "does not compile", NULL },
};
static const struct tbe_node inner_nodes[] = {
    { ID(7), "back", "flow.TbRuleChainOutputNode", run_back, NULL, 0, NULL, 0, 0, NULL, NULL },
};
static const struct tbe_node loop_nodes[] = {
    { ID(8), "loop", "flow.TbRuleChainInputNode", run_loop, NULL, 0, NULL, 0, 0, NULL, NULL },
};
static const struct tbe_chain root = { "00000000-0000-4000-8000-000000000000", "root", root_nodes, 7, 0, true };
static const struct tbe_chain inner = { "00000000-0000-4000-8000-000000000001", "inner", inner_nodes, 1, 0, false };
static const struct tbe_chain empty = { "00000000-0000-4000-8000-000000000002", "empty", NULL, 0, -1, false };
static const struct tbe_chain loop = { "00000000-0000-4000-8000-000000000003", "loop", loop_nodes, 1, 0, false };
static const struct tbe_chain *const chains[] = { &root, &inner, &empty, &loop };
static const struct tbe_program program = { TBE_ABI, "test", "test", chains, 4, 0 };

/* Fixture ---------------------------------------------------------------------------------------- */

struct fixture {
    struct store *store;
    struct device_hub *hub;
    struct tbe_engine *e;
    struct store_batch *batch;
    char log[4096]; /* events: "chain/node<relation" in, "chain/node>relation" out */
    struct tbe_uuid ids[64]; /* of the messages that came in */
    uint32_t n_in;
};

static void
on_event(void *arg, const struct tbe_chain *c, uint32_t node, bool in, const char *relation, const struct tbe_msg *m,
         struct tbe_str error)
{
    struct fixture *f = arg;
    size_t n = strlen(f->log);
    if (in) {
        f->ids[f->n_in++ % 64] = m->id;
    }
    snprintf(f->log + n, sizeof(f->log) - n, "%s%s%c%s%s%.*s", n ? " " : "", c->nodes[node].name, in ? '<' : '>',
             relation ? relation : "", error.n ? "!" : "", (int)error.n, error.p ? error.p : "");
}

static void
start_engine(struct fixture *f)
{
    struct engine_watch w = { on_event, f };
    f->hub = hub_new(f->store, "test");
    f->e = engine_new(&program, f->store, f->hub);
    hub_engine_set(f->hub, f->e);
    engine_watch_set(f->e, &w);
    engine_batch_set(f->e, f->batch);
}

static int
setup(void **state)
{
    static struct fixture f;
    struct store_options o = { .sync_commit = true };
    char err[256];
    memset(&f, 0, sizeof(f));
    clock_fix(START);
    assert_int_equal(store_open(&f.store, &o, NULL, err), 0);
    f.batch = store_batch_new(f.store);
    start_engine(&f);
    *state = &f;
    return 0;
}

static void
turn(struct fixture *f)
{
    assert_false(engine_run(f->e));
    store_commit(f->store, &f->batch);
    f->batch = store_batch_new(f->store);
    engine_batch_set(f->e, f->batch);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    store_commit(f->store, &f->batch);
    engine_free(f->e);
    hub_free(f->hub);
    store_close(f->store);
    clock_real();
    return 0;
}

struct told {
    struct tbe_done d;
    int ok, failed;
    char error[200];
};

static void
on_done(struct tbe_done *d, bool ok, struct tbe_str error)
{
    struct told *t = (struct told *)d;
    t->ok += ok;
    t->failed += !ok;
    snprintf(t->error, sizeof(t->error), "%.*s", (int)error.n, error.p ? error.p : "");
}

static struct tbe_msg *
message(const char *type, struct told *t)
{
    struct tbe_entity device = { TBE_ENT_DEVICE, { { 1, 2, 3 } } };
    struct tbe_msg *m = tbe_msg_new(tbe_strz(type), device);
    if (t) {
        *t = (struct told){ .d = { on_done } };
        m->done = &t->d;
    }
    return m;
}

static void
submit(struct fixture *f, const char *type, struct told *t)
{
    struct tbe_msg *m = message(type, t);
    f->log[0] = '\0';
    f->n_in = 0;
    engine_submit_take(f->e, &m);
    assert_null(m);
    turn(f);
}

/* Tests ------------------------------------------------------------------------------------------ */

static void
one_match_hands_the_same_message_on(void **state)
{
    struct fixture *f = *state;
    struct told t;
    submit(f, "A", &t);
    assert_string_equal(f->log, "switch< switch>A A<A A>Success end<Success end>Success");
    assert_true(tbe_uuid_eq(&f->ids[0], &f->ids[2]));
    assert_int_equal(t.ok, 1);
    assert_int_equal(t.failed, 0);
}

static void
two_matches_fork_copies_with_new_ids(void **state)
{
    struct fixture *f = *state;
    struct told t;
    submit(f, "B", &t);
    assert_string_equal(f->log, "switch< switch>B B< B>Success end< end>Success");
    assert_false(tbe_uuid_eq(&f->ids[0], &f->ids[1]));
    assert_false(tbe_uuid_eq(&f->ids[1], &f->ids[2]));
    assert_int_equal(t.ok, 1);
}

static void
no_match_acknowledges_and_unconnected_failure_fails(void **state)
{
    struct fixture *f = *state;
    struct told t;
    submit(f, "nobody listens", &t);
    assert_int_equal(t.ok, 1);
    submit(f, "fail", &t);
    assert_string_equal(f->log, "switch< switch>fail end<fail end>Failure!because of 7");
    assert_int_equal(t.failed, 1);
    assert_int_equal(t.ok, 0);
    assert_string_equal(t.error, "because of 7");
    submit(f, "failure", &t); /* only the exact name is a failure */
    assert_int_equal(t.ok, 1);
    submit(f, "Failure", &t);
    assert_int_equal(t.failed, 1);
}

static void
broken_node_fails_without_an_event(void **state)
{
    struct fixture *f = *state;
    struct told t;
    submit(f, "Broken", &t);
    assert_string_equal(f->log, "switch< switch>Broken");
    assert_string_equal(t.error, "Failed to initialize rule node!");
}

static void
called_chain_returns_by_the_name_of_its_output(void **state)
{
    struct fixture *f = *state;
    struct told t;
    submit(f, "Call", &t);
    assert_string_equal(f->log, "switch< switch>Call call<Call call>ACK back< back>back call>back end<Back end>Success");
    assert_int_equal(t.ok, 1);
}

static void
output_without_a_caller_acknowledges(void **state)
{
    struct fixture *f = *state;
    struct told t;
    struct tbe_msg *m = message("x", &t);
    f->log[0] = '\0';
    engine_enter_take(f->e, 1, &m);
    turn(f);
    assert_string_equal(f->log, "back< back>ACK");
    assert_int_equal(t.ok, 1);
    m = message("x", &t);
    engine_enter_take(f->e, 2, &m); /* and so does a chain without nodes */
    turn(f);
    assert_int_equal(t.ok, 1);
}

static void
calls_in_a_circle_are_refused(void **state)
{
    struct fixture *f = *state;
    struct told t;
    submit(f, "self", &t);
    assert_non_null(strstr(t.error, "is configured to forward messages back to the same rule chain"));
    submit(f, "loop", NULL);
    assert_non_null(strstr(f->log, "Detected rule chain processing loop for rule node [" ID(4) "]"));
}

static void
execution_limit_counts_nodes(void **state)
{
    struct fixture *f = *state;
    struct told t;
    engine_exec_limit_set(f->e, 3); /* switch, A, end */
    submit(f, "A", &t);
    assert_int_equal(t.ok, 1);
    engine_exec_limit_set(f->e, 2);
    submit(f, "A", &t);
    assert_string_equal(t.error, "Message is processed by more than 2 rule nodes!");
    assert_int_equal(t.failed, 1);
}

static void
no_root_chain_fails(void **state)
{
    struct fixture *f = *state;
    struct tbe_program none = program;
    struct told t;
    none.root = -1;
    struct tbe_engine *e = engine_new(&none, f->store, f->hub);
    struct tbe_msg *m = message("x", &t);
    engine_submit_take(e, &m);
    assert_string_equal(t.error, "No Root Rule Chain available!");
    engine_free(e);
}

static void
put_device(struct fixture *f, const char *profile_json)
{
    struct store_entity p = { .id = { TBE_ENT_DEVICE_PROFILE, { { 9 } } }, .name = TBE_STR("p"),
                              .customer = tbe_uuid_null, .profile = tbe_uuid_null, .json = tbe_strz(profile_json) };
    struct store_entity d = { .id = { TBE_ENT_DEVICE, { { 1, 2, 3 } } }, .name = TBE_STR("d"), .kind = TBE_STR("p"),
                              .customer = tbe_uuid_null, .profile = { { 9 } }, .json = TBE_STR("{}") };
    store_put_entity(f->batch, &p);
    store_put_entity(f->batch, &d);
}

static void
profile_chooses_the_entry(void **state)
{
    struct fixture *f = *state;
    struct told t;
    put_device(f, "{\"defaultRuleChainId\":{\"entityType\":\"RULE_CHAIN\",\"id\":\"00000000-0000-4000-8000-000000000001\"}}");
    submit(f, "x", &t);
    assert_string_equal(f->log, "back< back>ACK");
    put_device(f, "{\"defaultRuleChainId\":null}"); /* a changed profile is noticed */
    submit(f, "A", &t);
    assert_non_null(strstr(f->log, "switch<"));
    put_device(f, "{\"defaultRuleChainId\":{\"entityType\":\"RULE_CHAIN\",\"id\":\"00000000-0000-4000-8000-000000000077\"}}");
    submit(f, "A", &t); /* an unknown chain acknowledges silently */
    assert_string_equal(f->log, "");
    assert_int_equal(t.ok, 1);
    struct store_entity c = { .id = { TBE_ENT_RULE_CHAIN, { { 0 } } }, .name = TBE_STR("c"), .json = TBE_STR("{}") };
    assert_true(tbe_uuid_parse(TBE_STR("00000000-0000-4000-8000-000000000077"), &c.id.id));
    store_put_entity(f->batch, &c); /* it has come and is being compiled: the root chain until then */
    put_device(f, "{\"defaultRuleChainId\":{\"entityType\":\"RULE_CHAIN\",\"id\":\"00000000-0000-4000-8000-000000000077\"}}");
    submit(f, "A", &t);
    assert_non_null(strstr(f->log, "switch<"));
}

static void
parked_message_goes_on_when_due(void **state)
{
    struct fixture *f = *state;
    struct told t;
    submit(f, "Delay", &t);
    assert_string_equal(f->log, "switch< switch>Delay delay<Delay delay>ACK");
    assert_int_equal(t.ok, 1);
    assert_int_equal(engine_tick(f->e, START + 4999), START + 5000);
    f->log[0] = '\0';
    assert_int_equal(engine_tick(f->e, START + 5000), 0);
    turn(f);
    assert_string_equal(f->log, "delay>Success end<Success end>Success");
    assert_int_equal(engine_tick(f->e, START + 99999), 0); /* once */
}

static void
parked_message_survives_the_engine(void **state)
{
    struct fixture *f = *state;
    submit(f, "Delay", NULL);
    engine_free(f->e);
    hub_free(f->hub);
    start_engine(f);
    f->log[0] = '\0';
    engine_tick(f->e, START + 5000);
    turn(f);
    assert_string_equal(f->log, "delay>Success end<Success end>Success");
    engine_free(f->e);
    hub_free(f->hub);
    start_engine(f); /* its row is gone with its effects */
    assert_int_equal(engine_tick(f->e, START + 99999), 0);
}

static void
parked_messages_are_limited(void **state)
{
    struct fixture *f = *state;
    struct told t;
    submit(f, "Delay", NULL);
    submit(f, "Delay", NULL); /* the second is at the limit */
    assert_null(strstr(f->log, "Max limit"));
    submit(f, "Delay", &t);
    assert_string_equal(t.error, "Max limit of pending messages reached!");
}

static void
many_parked_messages_come_in_order(void **state)
{
    struct fixture *f = *state;
    struct tbe_run r = { .engine = f->e, .chain = &root, .node = 5 };
    struct tbe_msg *m = message("x", NULL);
    char key[32];
    for (int i = 0; i < 3000; i++) { /* grows heap and table; due times in no order */
        snprintf(key, sizeof(key), "key-%d", i);
        engine_park(&r, m, tbe_strz(key), START + 1 + (i * 7919) % 3000);
    }
    tbe_msg_unref(m);
    assert_int_equal(engine_parked_here(&r), 3000);
    for (int i = 0; i < 3000; i += 3) {
        uint32_t chain, node;
        snprintf(key, sizeof(key), "key-%d", i);
        m = engine_unpark(f->e, tbe_strz(key), &chain, &node);
        assert_non_null(m);
        assert_int_equal(node, 5);
        tbe_msg_unref(m);
        assert_null(engine_unpark(f->e, tbe_strz(key), &chain, &node));
    }
    int64_t now = START, due;
    uint32_t moments = 0;
    while ((due = engine_tick(f->e, now)) != 0) {
        assert_true(due > now);
        now = due;
        moments++;
    }
    turn(f);
    assert_int_equal(moments, 2000);
}

static void
endless_chains_do_not_hold_the_loop(void **state)
{
    struct fixture *f = *state;
    engine_watch_set(f->e, NULL);
    for (uint32_t i = 0; i < ENGINE_TURN; i++) {
        struct tbe_msg *m = message("B", NULL);
        engine_submit_take(f->e, &m);
    }
    assert_true(engine_run(f->e)); /* the copies wait */
    while (engine_run(f->e)) {
    }
}

static void
first_in_interval_is_per_originator_and_interval(void **state)
{
    struct fixture *f = *state;
    static const int site_a, site_b;
    struct tbe_uuid u = { { 1 } }, v = { { 2 } };
    assert_true(engine_first_in_interval(f->e, &site_a, 10, 5000, &u));
    assert_false(engine_first_in_interval(f->e, &site_a, 10, 9999, &u));
    assert_true(engine_first_in_interval(f->e, &site_a, 10, 9999, &v));
    assert_true(engine_first_in_interval(f->e, &site_b, 10, 9999, &u));
    assert_true(engine_first_in_interval(f->e, &site_a, 10, 10000, &u));
    assert_false(engine_first_in_interval(f->e, &site_a, 10, 5000, &u));
    for (int i = 2; i < 102; i++) { /* 100 intervals are kept; the oldest goes */
        engine_first_in_interval(f->e, &site_a, 10, i * 10000, &u);
    }
    assert_true(engine_first_in_interval(f->e, &site_a, 10, 10000, &u));
    for (uint32_t i = 0; i < 2000; i++) { /* many originators of one interval */
        struct tbe_uuid w = { { 7 } };
        memcpy(w.b + 4, &i, sizeof(i));
        assert_true(engine_first_in_interval(f->e, &site_b, 10, 9999, &w));
        assert_false(engine_first_in_interval(f->e, &site_b, 10, 9999, &w));
    }
}

static void
patterns_follow_the_reference(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *pattern, *out; /* out NULL: fails */
    } cases[] = {
        { "plain", "plain" },
        { "${k} $[a]", "v 5" },
        { "${nope} $[nope]", "${nope} $[nope]" },
        { "$[d] $[e] $[n] $[t] $[s]", "22.5 1000.0 null true x y" },
        { "$[o] $[l]", "$[o] $[l]" },
        { "$[o.p] $[o.] $[.o]", "deep $[o.] $[.o]" },
        { "${again}", "5" },
        { "${a.b c}", "dotted" },
        { "$[*]", "{\"a\":5,\"d\":22.5,\"e\":1000.0,\"n\":null,\"t\":true,\"s\":\"x y\",\"o\":{\"p\":\"deep\"},\"l\":[1]}" },
        { "$[a]$[a]${k}${k}", "55vv" },
        { "$[unclosed ${unclosed", "$[unclosed ${unclosed" },
        { "", "" },
    };
    struct tbe_msg *m = message("x", NULL);
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_run *r = &(struct tbe_run){ .engine = f->e, .chain = &root };
    tbe_enter(r, &root, 0, m); /* makes m the current message */
    tbe_msg_set_data(m, TBE_STR("{\"a\":5,\"d\":22.50,\"e\":1e3,\"n\":null,\"t\":true,\"s\":\"x y\",\"o\":{\"p\":\"deep\"},\"l\":[1]}"));
    tbe_md_put(a, &m->md, TBE_STR("k"), TBE_STR("v"));
    tbe_md_put(a, &m->md, TBE_STR("again"), TBE_STR("$[a]"));
    tbe_md_put(a, &m->md, TBE_STR("a.b c"), TBE_STR("dotted"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tbe_str out;
        assert_int_equal(engine_pattern(r, m, tbe_strz(cases[i].pattern), &out), 0);
        char got[300];
        snprintf(got, sizeof(got), "%.*s", (int)out.n, out.p);
        assert_string_equal(got, cases[i].out);
    }
    static const char *const bad[] = { "", "no json", "{\"a\":" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tbe_str out;
        tbe_msg_set_data(m, tbe_strz(bad[i]));
        assert_int_equal(engine_pattern(r, m, TBE_STR("plain"), &out), -1);
        assert_true(tbe_str_eqz(r->error, "Failed to process pattern!"));
    }
    tbe_msg_unref(m);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(one_match_hands_the_same_message_on),
        T(two_matches_fork_copies_with_new_ids),
        T(no_match_acknowledges_and_unconnected_failure_fails),
        T(broken_node_fails_without_an_event),
        T(called_chain_returns_by_the_name_of_its_output),
        T(output_without_a_caller_acknowledges),
        T(calls_in_a_circle_are_refused),
        T(execution_limit_counts_nodes),
        T(no_root_chain_fails),
        T(profile_chooses_the_entry),
        T(parked_message_goes_on_when_due),
        T(parked_message_survives_the_engine),
        T(parked_messages_are_limited),
        T(many_parked_messages_come_in_order),
        T(endless_chains_do_not_hold_the_loop),
        T(first_in_interval_is_per_originator_and_interval),
        T(patterns_follow_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
