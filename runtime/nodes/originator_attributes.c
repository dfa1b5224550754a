/* SPDX-License-Identifier: Apache-2.0 */
/* Rule node "originator attributes" (facts/rule-nodes.md 11.17). */
#include "config.h"
#include "nodes/enrich.h"

#include "nodes/save.h"

enum group { GROUP_CLIENT, GROUP_SHARED, GROUP_SERVER, GROUP_LATEST, GROUPS };

static const struct {
    const char *prefix, *label; /* label: in the failure text */
    int scope;                  /* -1: latest telemetry */
} groups[GROUPS] = {
    [GROUP_CLIENT] = { "cs_", "CLIENT_SCOPE", STORE_CLIENT },
    [GROUP_SHARED] = { "shared_", "SHARED_SCOPE", STORE_SHARED },
    [GROUP_SERVER] = { "ss_", "SERVER_SCOPE", STORE_SERVER },
    [GROUP_LATEST] = { "", "LATEST_TS", -1 },
};

/* The reference prints the groups in the order of a hash map. */
static const enum group missing_order[GROUPS] = { GROUP_SERVER, GROUP_CLIENT, GROUP_LATEST, GROUP_SHARED };

struct missing {
    bool any;
    struct tbe_buf names; /* "k1, k2" */
};

/* Names of one group with their templates filled in. */
static int
fill_names(struct tbe_run *r, const struct tbe_msg *m, const struct tbe_str *in, uint32_t n, bool attributes,
           struct tbe_str **out)
{
    *out = tbe_arena_alloc(tbe_msg_arena(m), (n + 1) * sizeof(**out));
    for (uint32_t i = 0; i < n; i++) {
        if (engine_pattern(r, m, in[i], &(*out)[i]) < 0) {
            return -1;
        }
        if (save_key_blank((*out)[i])) {
            engine_fail(r, attributes ? "Incorrect attribute key" : "Incorrect key");
            return -1;
        }
    }
    return 0;
}

static bool
seen_before(const struct tbe_str *names, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (tbe_str_eq(names[k], names[i])) {
            return true;
        }
    }
    return false;
}

static void
fetch(struct tbe_run *r, const struct tbe_originator_attributes_cfg *cfg, const struct tbe_msg *m, enum group g,
      const struct tbe_str *names, uint32_t n, struct enrich *e, struct missing *miss)
{
    struct store *s = engine_store(r->engine);
    struct tbe_arena *a = tbe_msg_arena(m);
    for (uint32_t i = 0; i < n; i++) {
        struct tbe_kv kv;
        int64_t ts;
        bool latest = groups[g].scope < 0;
        if (seen_before(names, i)) {
            miss->any = true; /* counts as missing, but is not named (quirk) */
            continue;
        }
        if (latest ? !store_latest(s, &m->originator, names[i], &kv, &ts)
                   : !store_attr(s, &m->originator, (enum store_scope)groups[g].scope, names[i], &kv, &ts)) {
            miss->any = true;
            tbe_buf_putz(&miss->names, miss->names.n ? ", " : "");
            tbe_buf_puts(&miss->names, names[i]);
            continue;
        }
        struct tbe_str key = tbe_arena_fmt(a, "%s%.*s", groups[g].prefix, (int)names[i].n, names[i].p);
        if (latest && cfg->get_latest_value_with_ts) {
            enrich_kv_ts(e, key, &kv, ts);
        } else {
            enrich_kv(e, key, &kv);
        }
    }
}

static void
fail_missing(struct tbe_run *r, const struct missing *miss)
{
    struct tbe_buf b = { 0 };
    for (int i = 0; i < GROUPS; i++) {
        const struct missing *g = &miss[missing_order[i]];
        if (g->any) {
            tbe_buf_fmt(&b, "\n\t[%s]:[%.*s]", groups[missing_order[i]].label, (int)g->names.n,
                        g->names.p ? g->names.p : "");
        }
    }
    engine_fail(r, "The following attribute/telemetry keys is not present in the DB: %.*s", (int)b.n, b.p);
    tbe_buf_free(&b);
}

enum tbe_rel
tbe_originator_attributes(struct tbe_run *r, const struct tbe_originator_attributes_cfg *cfg, struct tbe_msg **m)
{
    const struct {
        const struct tbe_str *v;
        uint32_t n;
    } in[GROUPS] = {
        [GROUP_CLIENT] = { cfg->client_attribute_names, cfg->n_client_attribute_names },
        [GROUP_SHARED] = { cfg->shared_attribute_names, cfg->n_shared_attribute_names },
        [GROUP_SERVER] = { cfg->server_attribute_names, cfg->n_server_attribute_names },
        [GROUP_LATEST] = { cfg->latest_ts_key_names, cfg->n_latest_ts_key_names },
    };
    struct missing miss[GROUPS] = { { 0 } };
    struct tbe_str *names[GROUPS];
    struct enrich e;
    bool any = false;
    if (enrich_begin(r, *m, cfg->fetch_to == TBE_ORIGINATOR_ATTRIBUTES_FETCH_TO_DATA, &e) < 0) {
        return TBE_REL_FAILURE;
    }
    for (int g = 0; g < GROUPS; g++) {
        if (fill_names(r, *m, in[g].v, in[g].n, g != GROUP_LATEST, &names[g]) < 0) {
            return TBE_REL_FAILURE;
        }
    }
    for (int g = 0; g < GROUPS; g++) {
        fetch(r, cfg, *m, (enum group)g, names[g], in[g].n, &e, &miss[g]);
        any |= miss[g].any;
    }
    enrich_end(&e, m);
    bool failed = any && cfg->tell_failure_if_absent;
    if (failed) {
        fail_missing(r, miss);
    }
    for (int g = 0; g < GROUPS; g++) {
        tbe_buf_free(&miss[g].names);
    }
    return failed ? TBE_REL_FAILURE : TBE_REL_SUCCESS;
}
