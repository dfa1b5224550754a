/* SPDX-License-Identifier: Apache-2.0 */
/* The downlink on an in-memory store: the rule engine and the rest of runtime/cloud are lists of what they
 * were told. */
#ifndef TBE_TESTS_DOWN_FIX_H
#define TBE_TESTS_DOWN_FIX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "cloud/cloud.h"
#include "tests/unit/device/fake_engine.h"

static const char TENANT[] = "91090590-e691-11f1-beeb-998483c8d1f1";

struct fix {
    struct store *s;
    struct store_batch *b;
    struct device_hub *hub;
    struct cloud_env env;
    struct tbe_buf told; /* events, requests and RPC answers, a line each */
    int chains;          /* times chains_changed was called */
};
static struct fix fx;

/* Stands where the rest of the cloud is */

const struct cloud_env *
cloud_env(const struct cloud *c)
{
    (void)c;
    return &fx.env;
}

static void
tell(const char *what, const struct tbe_entity *e, const char *name, struct tbe_str body)
{
    char id[TBE_UUID_TEXT + 1];

    tbe_uuid_text(&e->id, id);
    tbe_buf_fmt(&fx.told, "%s %s %s %s %.*s\n", what, tbe_entity_type_name(e->type), id, name, (int)body.n,
                body.p ? body.p : "");
}

void
cloud_event(struct cloud *c, struct store_batch *b, const struct tbe_entity *e, enum cloud_action a, struct tbe_str body)
{
    (void)c;
    (void)b;
    tell("event", e, cloud_action_name(a), body);
}

void
cloud_event_kind(struct cloud *c, struct store_batch *b, enum cloud_kind kind, const struct tbe_entity *e,
                 enum cloud_action a, struct tbe_str body)
{
    (void)kind;
    cloud_event(c, b, e, a, body);
}

void
cloud_request(struct cloud *c, struct store_batch *b, const struct tbe_entity *e, enum cloud_action a)
{
    (void)c;
    (void)b;
    tell("request", e, cloud_action_name(a), TBE_STR_NONE);
}

void
cloud_request_all(struct cloud *c, struct store_batch *b, const struct tbe_entity *e)
{
    (void)c;
    (void)b;
    tell("request", e, "ALL", TBE_STR_NONE);
}

void
cloud_rpc_answer(struct cloud *c, struct store_batch *b, const struct cloud_rpc *r, enum hub_rpc_error err,
                 struct tbe_str response)
{
    char id[TBE_UUID_TEXT + 1];

    (void)c;
    (void)b;
    tbe_uuid_text(&r->request, id);
    tbe_buf_fmt(&fx.told, "answer %s %d %lld %d error %d %.*s\n", id, r->request_id, (long long)r->expires, r->oneway,
                (int)err, (int)response.n, response.p ? response.p : "");
}

static inline void
on_chains(void *arg)
{
    (void)arg;
    fx.chains++;
}

/* The fixture */

static inline struct tbe_uuid
uuid_of(const char *text)
{
    struct tbe_uuid u;

    assert_true(tbe_uuid_parse(tbe_strz(text), &u));
    return u;
}

static inline int
fix_setup(void **state)
{
    struct tbe_uuid tenant = uuid_of(TENANT);
    struct store_options o = { .sync_commit = true, .tenant = &tenant };
    char err[256];

    (void)state;
    memset(&fx, 0, sizeof fx);
    assert_int_equal(store_open(&fx.s, &o, NULL, err), 0);
    fx.hub = hub_new(fx.s, "edge");
    hub_engine_set(fx.hub, (struct tbe_engine *)&fx);
    fx.env = (struct cloud_env){ .store = fx.s, .hub = fx.hub, .engine = (struct tbe_engine *)&fx,
                                 .chains_changed = on_chains };
    fx.b = store_batch_new(fx.s);
    hub_batch_set(fx.hub, fx.b);
    return 0;
}

static inline int
fix_teardown(void **state)
{
    (void)state;
    cloud_downlink_stop((struct cloud *)&fx);
    hub_free(fx.hub);
    store_commit(fx.s, &fx.b);
    store_close(fx.s);
    tbe_buf_free(&fx.told);
    forget_seen();
    clock_real();
    return 0;
}

/* Commits; callbacks run within. */
static inline void
turn(void)
{
    store_commit(fx.s, &fx.b);
    store_end_turn(fx.s);
    fx.b = store_batch_new(fx.s);
    hub_batch_set(fx.hub, fx.b);
}

static inline void
forget(void)
{
    tbe_buf_free(&fx.told);
    forget_seen();
    fx.chains = 0;
}

/* Through the bytes, as it comes. */
static inline void
apply(const Edge__DownlinkMsg *m)
{
    size_t n = edge__downlink_msg__get_packed_size(m);
    uint8_t *p = malloc(n + 1);
    Edge__DownlinkMsg *got;
    char err[256] = "";

    assert_non_null(p);
    edge__downlink_msg__pack(m, p);
    got = edge__downlink_msg__unpack(NULL, n, p);
    assert_non_null(got);
    assert_true(cloud_downlink((struct cloud *)&fx, fx.b, got, err));
    edge__downlink_msg__free_unpacked(got, NULL);
    free(p);
    turn();
}

static inline bool
told(const char *text)
{
    return fx.told.n && memmem(fx.told.p, fx.told.n, text, strlen(text)) != NULL;
}

static inline bool
engine_saw(const char *text)
{
    return seen.n && memmem(seen.p, seen.n, text, strlen(text)) != NULL;
}

static inline const struct store_entity *
entity(enum tbe_entity_type t, const char *id)
{
    struct tbe_entity e = { t, uuid_of(id) };

    return store_entity(fx.s, &e);
}

static inline bool
json_has(const struct store_entity *e, const char *text)
{
    return e && memmem(e->json.p, e->json.n, text, strlen(text)) != NULL;
}

#endif
