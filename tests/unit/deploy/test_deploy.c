/* SPDX-License-Identifier: Apache-2.0 */
/* The course of a deployment, with a script in the place of tbedgec and the test in that of the front. */
#include "config.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "deploy/deploy.h"
#include "msg/cloud_event.h"

struct fix {
    char dir[64], log[96];
    struct event_base *base;
    struct store *s;
    struct store_batch *b;
    struct deploy *d;
    struct tbe_program program;
    char swap[512], digest[80];
    int swaps;
};

static struct store_batch *
get_batch(void *arg)
{
    return ((struct fix *)arg)->b;
}

static void
on_swap(void *arg, struct tbe_str path, struct tbe_str digest)
{
    struct fix *f = arg;

    snprintf(f->swap, sizeof f->swap, "%.*s", (int)path.n, path.p);
    snprintf(f->digest, sizeof f->digest, "%.*s", (int)digest.n, digest.p);
    f->swaps++;
}

static void
turn(struct fix *f)
{
    store_commit(f->s, &f->b);
    store_wait(f->s);
    store_end_turn(f->s);
    f->b = store_batch_new(f->s);
}

static void
deploy_again(struct fix *f, const char *generation)
{
    struct deploy_env env = { .base = f->base, .store = f->s, .program = &f->program, .dir = f->dir,
                              .generation = generation, .batch = get_batch, .swap = on_swap, .arg = f };

    deploy_free(f->d);
    f->d = deploy_new(&env);
    assert_non_null(f->d);
}

static int
setup(void **state)
{
    struct fix *f = calloc(1, sizeof *f);
    struct store_options o = { .sync_commit = true };
    const char *src = getenv("TBE_SRC");
    char err[256], path[512];

    strcpy(f->dir, "/tmp/tbe-deploy-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    snprintf(path, sizeof path, "mkdir -p %s/generations", f->dir);
    assert_int_equal(system(path), 0);
    snprintf(path, sizeof path, "%s/tests/unit/deploy/fake-tbedgec", src ? src : ".");
    setenv("TBEDGEC", path, 1);
    setenv("FAKE_LOG", f->log, 1);
    setenv("FAKE_MODE", "ok", 1);
    unsetenv("TBEDGE_DEPLOY_CC");
    f->base = event_base_new();
    assert_int_equal(store_open(&f->s, &o, NULL, err), 0);
    f->b = store_batch_new(f->s);
    deploy_again(f, "");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fix *f = *state;
    char cmd[128];

    deploy_free(f->d);
    store_commit(f->s, &f->b);
    store_close(f->s);
    event_base_free(f->base);
    snprintf(cmd, sizeof cmd, "rm -rf %s", f->dir);
    assert_int_equal(system(cmd), 0);
    free(f);
    return 0;
}

/* Runs the loop until the deployment rests or waits for the front. */
static void
run(struct fix *f)
{
    int64_t until = clock_mono_ns() + 10000000000;
    int swaps = f->swaps;

    while (deploy_busy(f->d) && f->swaps == swaps && clock_mono_ns() < until) {
        event_base_loop(f->base, EVLOOP_ONCE);
        turn(f);
    }
    assert_true(clock_mono_ns() < until);
}

static struct tbe_uuid
uuid_n(unsigned n)
{
    struct tbe_uuid u = { { 1, 2, 3, 4 } };

    u.b[15] = (uint8_t)n;
    return u;
}

static void
put_chain(struct fix *f, unsigned n, const char *name, const char *node)
{
    struct tbe_uuid id = uuid_n(n);
    char json[256], meta[512], text[TBE_UUID_TEXT + 1];
    struct store_entity e = { .id = { TBE_ENT_RULE_CHAIN, id }, .name = tbe_strz(name), .customer = tbe_uuid_null,
                              .profile = tbe_uuid_null };

    tbe_uuid_text(&id, text);
    snprintf(json, sizeof json, "{\"id\":{\"entityType\":\"RULE_CHAIN\",\"id\":\"%s\"},\"name\":\"%s\"}", text, name);
    snprintf(meta, sizeof meta,
             "{\"firstNodeIndex\":0,\"nodes\":[{\"id\":{\"entityType\":\"RULE_NODE\",\"id\":"
             "\"0a0a0a0a-0000-0000-0000-00000000000%u\"},\"name\":\"%s\"}],\"connections\":null}", n, node);
    e.json = tbe_strz(json);
    store_put_entity(f->b, &e);
    store_put_chain_metadata(f->b, &id, tbe_strz(meta));
}

static void
put_edge(struct fix *f)
{
    struct store_entity e = { .id = { TBE_ENT_EDGE, uuid_n(99) }, .name = TBE_STR_INIT("edge"),
                              .customer = tbe_uuid_null, .profile = tbe_uuid_null };

    store_put_entity(f->b, &e);
    turn(f);
}

static int
builds(struct fix *f)
{
    FILE *p = fopen(f->log, "r");
    char line[64];
    int n = 0;

    while (p && fgets(line, sizeof line, p)) {
        n++;
    }
    if (p) {
        fclose(p);
    }
    return n;
}

static bool
record_has(struct fix *f, const char *text)
{
    struct tbe_str r = deploy_record(f->s);

    return r.p && memmem(r.p, r.n, text, strlen(text)) != NULL;
}

static void
test_burst_is_one_build(void **state)
{
    struct fix *f = *state;
    struct tbe_uuid root = uuid_n(1);

    for (unsigned i = 1; i <= 5; i++) {
        put_chain(f, i, "chain", "node");
        turn(f);
        deploy_chains_changed(f->d);
    }
    store_put_root_chain(f->b, &root);
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(builds(f), 1);
    assert_int_equal(f->swaps, 1);
    assert_int_equal(access(f->swap, X_OK), 0);
    assert_int_equal(strlen(f->digest), 64);
    assert_true(record_has(f, "\"state\":\"swapping\""));
    assert_true(record_has(f, "\"root\":true,\"nodes\":1"));
    /* the new worker serves */
    char mine[80];
    strcpy(mine, f->digest);
    deploy_again(f, mine);
    deploy_start(f->d);
    turn(f);
    run(f);
    assert_true(record_has(f, "\"state\":\"live\""));
    assert_int_equal(builds(f), 1);
    assert_int_equal(f->swaps, 1);
}

static void
test_unchanged_never_rebuilds_and_old_ones_come_back(void **state)
{
    struct fix *f = *state;
    char first[80];

    put_chain(f, 1, "a", "one");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    strcpy(first, f->digest);
    deploy_again(f, first);
    deploy_start(f->d);
    run(f);
    put_chain(f, 1, "a", "two");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(f->swaps, 2);
    assert_string_not_equal(f->digest, first);
    char second[80];
    strcpy(second, f->digest);
    deploy_again(f, second);
    deploy_start(f->d);
    run(f);
    put_chain(f, 1, "a", "one");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(f->swaps, 3);
    assert_string_equal(f->digest, first);
    assert_int_equal(builds(f), 2);
}

static bool
take_alarm(void *arg, const struct store_alarm *a)
{
    *(struct store_alarm *)arg = *a;
    return false;
}

static bool
take_body(void *arg, int64_t created, struct tbe_str body)
{
    (void)created;
    snprintf(arg, 256, "%.*s", (int)body.n, body.p);
    return false;
}

static void
test_failure_is_reported_and_cleared(void **state)
{
    struct fix *f = *state;
    struct tbe_entity edge = { TBE_ENT_EDGE, uuid_n(99) }, node = { .type = TBE_ENT_RULE_NODE };
    struct store_alarm a = { .type = TBE_STR_NONE };
    char body[256] = "", good[80];

    put_edge(f);
    put_chain(f, 1, "a", "one");
    turn(f);
    setenv("FAKE_MODE", "fail", 1);
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(f->swaps, 0);
    assert_true(record_has(f, "\"state\":\"failed\""));
    assert_true(record_has(f, "\"error\":\"it is wrong\""));
    store_alarm_each(f->s, &edge, take_alarm, &a);
    assert_true(tbe_str_eqz(a.type, "Rule chain deployment"));
    assert_true(tbe_str_eqz(a.severity, "CRITICAL"));
    assert_false(a.clear);
    assert_true(tbe_uuid_parse(TBE_STR("0a0a0a0a-0000-0000-0000-000000000001"), &node.id));
    store_debug_each(f->s, &node, STORE_DEBUG_LC_EVENT, take_body, body);
    assert_string_equal(body, "{\"server\":\"tbedge\",\"event\":\"STARTED\",\"success\":false,\"error\":\"it is wrong\"}");
    /* refused chains are not tried again */
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(builds(f), 1);
    /* better ones clear the alarm when they run */
    setenv("FAKE_MODE", "ok", 1);
    put_chain(f, 1, "a", "two");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(f->swaps, 1);
    strcpy(good, f->digest);
    deploy_again(f, good);
    deploy_start(f->d);
    turn(f);
    run(f);
    store_alarm_each(f->s, &edge, take_alarm, &a);
    assert_true(a.clear);
    assert_true(record_has(f, "\"state\":\"live\""));
}

static void
test_messages_without_a_report(void **state)
{
    struct fix *f = *state;

    put_chain(f, 1, "a", "one");
    turn(f);
    setenv("FAKE_MODE", "noise", 1);
    deploy_chains_changed(f->d);
    run(f);
    assert_true(record_has(f, "the compiler ended with status 2: cannot go on"));
    setenv("TBEDGEC", "/nonexistent/tbedgec", 1);
    deploy_again(f, "");
    put_chain(f, 1, "a", "two");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    assert_true(record_has(f, "the compiler ended with status 127"));
}

static void
test_refused_swap(void **state)
{
    struct fix *f = *state;

    put_edge(f);
    put_chain(f, 1, "a", "one");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(f->swaps, 1);
    deploy_swap_failed(f->d, true, TBE_STR("another deployment is under way"));
    run(f);
    assert_int_equal(f->swaps, 2); /* asked again */
    deploy_swap_failed(f->d, false, TBE_STR("failed its trial start"));
    turn(f);
    assert_false(deploy_busy(f->d));
    assert_true(record_has(f, "\"state\":\"failed\""));
    assert_true(record_has(f, "failed its trial start"));
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(f->swaps, 2);
}

static void
test_lost_swaps_end(void **state)
{
    struct fix *f = *state;

    put_chain(f, 1, "a", "one");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    for (int i = 1; i < 6; i++) { /* the old generation comes back each time */
        deploy_again(f, "");
        deploy_start(f->d);
        turn(f);
        run(f);
        assert_int_equal(f->swaps, i < 3 ? 1 + i : 3);
    }
    assert_int_equal(builds(f), 1);
    assert_true(record_has(f, "\"state\":\"failed\""));
}

static void
test_rollback_stays(void **state)
{
    struct fix *f = *state;
    char good[80];

    put_edge(f);
    put_chain(f, 1, "a", "one");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    strcpy(good, f->digest);
    deploy_again(f, good);
    deploy_start(f->d);
    turn(f);
    run(f);
    deploy_again(f, "0000000000000000000000000000000000000000000000000000000000000000");
    deploy_start(f->d);
    turn(f);
    run(f);
    assert_int_equal(f->swaps, 1);
    assert_true(record_has(f, "\"state\":\"rolledback\""));
    deploy_again(f, good);
    deploy_start(f->d);
    turn(f);
    assert_true(record_has(f, "\"state\":\"live\""));
}

static void
test_changes_during_a_build(void **state)
{
    struct fix *f = *state;

    setenv("FAKE_MODE", "slow", 1);
    put_chain(f, 1, "a", "one");
    turn(f);
    deploy_chains_changed(f->d);
    for (int i = 0; builds(f) == 0; i++) {
        assert_true(i < 10000);
        event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        usleep(1000);
    }
    deploy_drain(f->d); /* a worker that must end does not wait for it */
    assert_false(deploy_busy(f->d));
    deploy_chains_changed(f->d);
    assert_false(deploy_busy(f->d));
    setenv("FAKE_MODE", "ok", 1);
    deploy_again(f, "");
    deploy_start(f->d); /* the next one takes it up */
    turn(f);
    run(f);
    assert_int_equal(f->swaps, 1);
    put_chain(f, 1, "a", "two");
    turn(f);
    deploy_chains_changed(f->d); /* while the swap is under way */
    deploy_swap_failed(f->d, false, TBE_STR("no"));
    turn(f);
    run(f);
    assert_int_equal(f->swaps, 2);
}

static void
test_notes_of_gone_generations_go(void **state)
{
    struct fix *f = *state;
    char cmd[256], note[200];
    FILE *p;

    snprintf(note, sizeof note, "%s/generations/src-old", f->dir);
    p = fopen(note, "w");
    assert_non_null(p);
    fprintf(p, "%064d\n", 7);
    fclose(p);
    put_chain(f, 1, "a", "one");
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    assert_int_not_equal(access(note, F_OK), 0);
    snprintf(cmd, sizeof cmd, "test $(ls %s/generations | grep -c ^src-) = 1", f->dir);
    assert_int_equal(system(cmd), 0);
}

static void
test_nothing_without_nodes(void **state)
{
    struct fix *f = *state;
    struct store_entity e = { .id = { TBE_ENT_RULE_CHAIN, uuid_n(7) }, .name = TBE_STR_INIT("empty"),
                              .customer = tbe_uuid_null, .profile = tbe_uuid_null };

    store_put_entity(f->b, &e);
    turn(f);
    deploy_chains_changed(f->d);
    run(f);
    assert_int_equal(builds(f), 0);
    assert_null(deploy_record(f->s).p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_burst_is_one_build, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unchanged_never_rebuilds_and_old_ones_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_is_reported_and_cleared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_messages_without_a_report, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_swap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_swaps_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rollback_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_during_a_build, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notes_of_gone_generations_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_without_nodes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
