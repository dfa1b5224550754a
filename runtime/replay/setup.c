/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario's world: private store, entities, initial values, scripted devices. */
#include "config.h"
#include "replay/replay_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Input ------------------------------------------------------------------------------------------ */

tbe_val
replay_get(tbe_val object, const char *key)
{
    return object.t == TBE_MAP ? tbe_map_get(object.u.m, tbe_strz(key)) : TBE_UNDEF_VAL;
}

struct tbe_str
replay_str(tbe_val object, const char *key)
{
    tbe_val v = replay_get(object, key);
    return tbe_is_str(v) ? tbe_val_str(v) : TBE_STR_NONE;
}

int64_t
replay_long(tbe_val object, const char *key, int64_t otherwise)
{
    tbe_val v = replay_get(object, key);
    int64_t i;
    return v.t == TBE_NUM && tbe_parse_long(tbe_val_str(v), &i) ? i : otherwise;
}

bool
replay_bool(tbe_val object, const char *key)
{
    tbe_val v = replay_get(object, key);
    return v.t == TBE_BOOL && v.u.i;
}

int
replay_uuid(struct replay *r, tbe_val object, const char *key, struct tbe_uuid *out)
{
    struct tbe_str s = replay_str(object, key);
    if (!s.p || !tbe_uuid_parse(s, out)) {
        snprintf(r->err, sizeof(r->err), "\"%s\" is not a uuid: %.*s", key, (int)(s.n < 60 ? s.n : 60),
                 s.p ? s.p : "absent");
        return -1;
    }
    return 0;
}

int
replay_ref(struct replay *r, tbe_val ref, struct tbe_entity *out)
{
    out->type = tbe_entity_type_parse(replay_str(ref, "entityType"));
    if (out->type == TBE_ENT_NONE) {
        snprintf(r->err, sizeof(r->err), "an entity needs \"entityType\" and \"id\"");
        return -1;
    }
    return replay_uuid(r, ref, "id", &out->id);
}

int32_t
replay_chain(const struct tbe_program *p, struct tbe_str s)
{
    for (uint32_t i = 0; i < p->n_chains; i++) {
        if (tbe_str_eqz(s, p->chains[i]->name) || tbe_str_ieq(s, tbe_strz(p->chains[i]->id))) {
            return (int32_t)i;
        }
    }
    return -1;
}

static const struct tbe_list *
list_of(tbe_val object, const char *key)
{
    static const struct tbe_list none;
    tbe_val v = replay_get(object, key);
    return v.t == TBE_LIST ? v.u.l : &none;
}

int
replay_kvs(struct replay *r, tbe_val object, struct tbe_kvs *out)
{
    struct tbe_str err;
    struct tbe_str text = tbe_json_text(&r->a, object, TBE_OUT_JAVA);
    if (tbe_kv_attributes(&r->a, text, TBE_KV_NO_CAST, 0, out, &err) < 0) {
        snprintf(r->err, sizeof(r->err), "values: %.*s", (int)(err.n < 200 ? err.n : 200), err.p);
        return -1;
    }
    return 0;
}

/* Entities --------------------------------------------------------------------------------------- */

struct replay_entity *
replay_entity_by_id(struct replay *r, const struct tbe_uuid *id)
{
    for (uint32_t i = 0; i < r->n_entities; i++) {
        if (tbe_uuid_eq(&r->entities[i].id.id, id)) {
            return &r->entities[i];
        }
    }
    return NULL;
}

void
replay_key(struct replay *r, struct replay_entity *e, struct tbe_str key)
{
    for (uint32_t i = 0; i < e->n_keys; i++) {
        if (tbe_str_eq(e->keys[i], key)) {
            return;
        }
    }
    if (e->n_keys == e->cap_keys) {
        uint32_t cap = e->cap_keys ? e->cap_keys * 2 : 16;
        struct tbe_str *grown = tbe_arena_alloc(&r->a, cap * sizeof(*grown));
        if (e->n_keys) {
            memcpy(grown, e->keys, e->n_keys * sizeof(*grown));
        }
        e->keys = grown;
        e->cap_keys = cap;
    }
    e->keys[e->n_keys++] = tbe_arena_dup(&r->a, key);
}

/* Members an entity of the server has when nobody set them. */
static const struct {
    enum tbe_entity_type type;
    const char *json;
} defaults[] = {
    { TBE_ENT_DEVICE, "{\"label\":null,\"firmwareId\":null,\"softwareId\":null,\"externalId\":null,\"version\":1,"
                      "\"additionalInfo\":null}" },
    { TBE_ENT_ASSET, "{\"label\":null,\"externalId\":null,\"version\":1,\"additionalInfo\":null}" },
    { TBE_ENT_CUSTOMER, "{\"country\":null,\"state\":null,\"city\":null,\"address\":null,\"address2\":null,"
                        "\"zip\":null,\"phone\":null,\"email\":null,\"version\":1,\"additionalInfo\":null}" },
    { TBE_ENT_TENANT, "{\"region\":\"Global\",\"country\":null,\"state\":null,\"city\":null,\"address\":null,"
                      "\"address2\":null,\"zip\":null,\"phone\":null,\"email\":null,\"version\":1,"
                      "\"additionalInfo\":null}" },
    { TBE_ENT_USER, "{\"authority\":\"CUSTOMER_USER\",\"firstName\":null,\"lastName\":null,\"phone\":null,"
                    "\"version\":1,\"additionalInfo\":null}" },
    { TBE_ENT_ENTITY_VIEW, "{\"type\":\"default\",\"keys\":null,\"startTimeMs\":0,\"endTimeMs\":0,\"version\":1,"
                           "\"additionalInfo\":null}" },
    { TBE_ENT_EDGE, "{\"type\":\"default\",\"label\":null,\"version\":1,\"additionalInfo\":null}" },
};

static tbe_val
ref_value(struct replay *r, enum tbe_entity_type t, const struct tbe_uuid *id)
{
    char text[TBE_UUID_TEXT + 1];
    tbe_val v = tbe_map_new(&r->a, 2);
    tbe_uuid_text(id, text);
    tbe_map_put(&r->a, v.u.m, TBE_STR("entityType"), tbe_strv(tbe_strz(tbe_entity_type_name(t))));
    tbe_map_put(&r->a, v.u.m, TBE_STR("id"), tbe_strv(tbe_arena_dup(&r->a, tbe_strz(text))));
    return v;
}

static void
put_all(struct replay *r, struct tbe_map *to, tbe_val from)
{
    const struct tbe_entry *e;
    if (from.t != TBE_MAP) {
        return;
    }
    for (uint32_t i = 0; tbe_map_next(from.u.m, &i, &e);) {
        tbe_map_put(&r->a, to, tbe_val_str(e->key), e->val);
    }
}

static struct tbe_str
entity_json(struct replay *r, const struct store_entity *e, tbe_val extra)
{
    struct tbe_arena *a = &r->a;
    struct tbe_map *m = tbe_map_new(a, 24).u.m;
    bool titled = e->id.type == TBE_ENT_CUSTOMER || e->id.type == TBE_ENT_TENANT;
    tbe_map_put(a, m, TBE_STR("id"), ref_value(r, e->id.type, &e->id.id));
    tbe_map_put(a, m, TBE_STR("createdTime"), tbe_long(e->created));
    if (e->id.type != TBE_ENT_TENANT) {
        tbe_map_put(a, m, TBE_STR("tenantId"), ref_value(r, TBE_ENT_TENANT, store_tenant(r->store)));
    }
    tbe_map_put(a, m, TBE_STR("name"), tbe_strv(e->name));
    if (titled) {
        tbe_map_put(a, m, TBE_STR("title"), tbe_strv(e->name));
    }
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        tbe_val v;
        if (defaults[i].type == e->id.type && tbe_json_parse(a, tbe_strz(defaults[i].json), TBE_JSON_JAVA, &v, NULL) == 0) {
            put_all(r, m, v);
        }
    }
    if (e->id.type == TBE_ENT_DEVICE || e->id.type == TBE_ENT_ASSET) {
        bool device = e->id.type == TBE_ENT_DEVICE;
        tbe_map_put(a, m, TBE_STR("customerId"), ref_value(r, TBE_ENT_CUSTOMER, &e->customer));
        tbe_map_put(a, m, device ? TBE_STR("deviceProfileId") : TBE_STR("assetProfileId"),
                    ref_value(r, device ? TBE_ENT_DEVICE_PROFILE : TBE_ENT_ASSET_PROFILE, &e->profile));
    } else if (e->id.type == TBE_ENT_TENANT) {
        tbe_map_put(a, m, TBE_STR("tenantProfileId"), ref_value(r, TBE_ENT_TENANT_PROFILE, &e->id.id));
    } else if (e->id.type == TBE_ENT_USER) {
        tbe_map_put(a, m, TBE_STR("email"), tbe_strv(e->name));
    }
    if (e->kind.p) {
        tbe_map_put(a, m, TBE_STR("type"), tbe_strv(e->kind));
    }
    if (e->label.p) {
        tbe_map_put(a, m, TBE_STR("label"), tbe_strv(e->label));
    }
    put_all(r, m, extra);
    return tbe_json_text(a, (tbe_val){ .t = TBE_MAP, .u = { .m = m } }, TBE_OUT_JAVA);
}

/* The profile of this name, made when there is none. */
static struct tbe_uuid
profile_named(struct replay *r, enum tbe_entity_type t, struct tbe_str name)
{
    const struct store_entity *have = store_entity_by_name(r->store, t, name);
    if (have) {
        return have->id.id;
    }
    struct store_entity p = { .id = { .type = t }, .created = clock_ms(), .name = name, .customer = tbe_uuid_null,
                              .profile = tbe_uuid_null };
    tbe_uuid_random(&p.id.id);
    p.json = entity_json(r, &p, TBE_UNDEF_VAL);
    store_put_entity(r->batch, &p);
    return p.id.id;
}

static int
fill_profile(struct replay *r, tbe_val in, struct store_entity *e, struct tbe_map *extra)
{
    struct tbe_str chain = replay_str(in, "chain");
    struct tbe_uuid id;
    if (!chain.p) {
        return 0;
    }
    int32_t i = replay_chain(&r->program, chain);
    if (i < 0 || !tbe_uuid_parse(tbe_strz(r->program.chains[i]->id), &id)) {
        snprintf(r->err, sizeof(r->err), "profile %.*s: no chain %.*s", (int)e->name.n, e->name.p, (int)chain.n, chain.p);
        return -1;
    }
    tbe_map_put(&r->a, extra, TBE_STR("defaultRuleChainId"), ref_value(r, TBE_ENT_RULE_CHAIN, &id));
    return 0;
}

static int
add_entity(struct replay *r, tbe_val in, struct replay_entity *at)
{
    tbe_val extra = tbe_map_new(&r->a, 8), json = replay_get(in, "json");
    struct store_entity e = { .customer = tbe_uuid_null, .profile = tbe_uuid_null };
    e.id.type = tbe_entity_type_parse(replay_str(in, "type"));
    if (e.id.type == TBE_ENT_NONE || replay_uuid(r, in, "id", &e.id.id) < 0) {
        snprintf(r->err, sizeof(r->err), "an entity needs \"type\" and \"id\"");
        return -1;
    }
    e.name = replay_str(in, "name");
    e.name = e.name.p ? e.name : TBE_STR("");
    e.label = replay_str(in, "label");
    e.created = replay_long(in, "created", clock_ms());
    put_all(r, extra.u.m, json);
    tbe_val owner = replay_get(json, "customerId");
    if ((replay_str(in, "customer").p && replay_uuid(r, in, "customer", &e.customer) < 0) ||
        (owner.t == TBE_MAP && replay_uuid(r, owner, "id", &e.customer) < 0)) {
        return -1;
    }
    if (e.id.type == TBE_ENT_DEVICE || e.id.type == TBE_ENT_ASSET) {
        e.kind = replay_str(in, "kind");
        e.kind = e.kind.p ? e.kind : TBE_STR("default");
        if (replay_str(in, "profile").p) {
            if (replay_uuid(r, in, "profile", &e.profile) < 0) {
                return -1;
            }
        } else {
            e.profile = profile_named(r, e.id.type == TBE_ENT_DEVICE ? TBE_ENT_DEVICE_PROFILE : TBE_ENT_ASSET_PROFILE,
                                      e.kind);
        }
    } else if (e.id.type == TBE_ENT_DEVICE_PROFILE || e.id.type == TBE_ENT_ASSET_PROFILE) {
        if (fill_profile(r, in, &e, extra.u.m) < 0) {
            return -1;
        }
    } else {
        e.kind = replay_str(in, "kind");
    }
    e.json = entity_json(r, &e, extra);
    store_put_entity(r->batch, &e);
    at->id = e.id;
    at->replay = r;
    return 0;
}

static int
add_entities(struct replay *r, tbe_val in)
{
    const struct tbe_list *l = list_of(in, "entities");
    r->entities = tbe_arena_zalloc(&r->a, (l->n + 1) * sizeof(*r->entities));
    struct replay_entity *tenant = &r->entities[r->n_entities++];
    *tenant = (struct replay_entity){ .id = { TBE_ENT_TENANT, *store_tenant(r->store) }, .replay = r };
    tbe_val json = replay_get(replay_get(in, "tenant"), "json");
    struct store_entity t = { .id = tenant->id, .created = clock_ms(), .customer = tbe_uuid_null,
                              .profile = tbe_uuid_null };
    t.name = replay_str(json, "title");
    t.name = t.name.p ? t.name : TBE_STR("Tenant");
    t.json = entity_json(r, &t, json);
    store_put_entity(r->batch, &t);
    for (int profiles = 1; profiles >= 0; profiles--) { /* profiles first: the others look them up by name */
        for (uint32_t i = 0; i < l->n; i++) {
            struct tbe_str type = replay_str(l->v[i], "type");
            bool is = tbe_str_eqz(type, "DEVICE_PROFILE") || tbe_str_eqz(type, "ASSET_PROFILE");
            if (is == (bool)profiles) {
                if (add_entity(r, l->v[i], &r->entities[r->n_entities]) < 0) {
                    return -1;
                }
                r->n_entities++;
            }
        }
    }
    return 0;
}

/* Initial values --------------------------------------------------------------------------------- */

static struct tbe_entity
entity_of(struct replay *r, const struct tbe_uuid *id)
{
    struct replay_entity *e = replay_entity_by_id(r, id);
    return e ? e->id : (struct tbe_entity){ TBE_ENT_DEVICE, *id };
}

static int
add_values(struct replay *r, tbe_val in)
{
    const struct tbe_list *l = list_of(in, "attributes");
    struct tbe_uuid id;
    struct tbe_kvs kvs;
    for (uint32_t i = 0; i < l->n; i++) {
        int scope = store_scope_parse(replay_str(l->v[i], "scope"));
        if (scope < 0 || replay_uuid(r, l->v[i], "entity", &id) < 0 ||
            replay_kvs(r, replay_get(l->v[i], "values"), &kvs) < 0) {
            snprintf(r->err, sizeof(r->err), "attributes need \"entity\", \"scope\" and \"values\"");
            return -1;
        }
        struct tbe_entity e = entity_of(r, &id);
        store_save_attrs(r->batch, &e, (enum store_scope)scope, replay_long(l->v[i], "ts", clock_ms()), &kvs);
    }
    l = list_of(in, "timeseries");
    for (uint32_t i = 0; i < l->n; i++) {
        if (replay_uuid(r, l->v[i], "entity", &id) < 0 || replay_kvs(r, replay_get(l->v[i], "values"), &kvs) < 0) {
            return -1;
        }
        struct tbe_entity e = entity_of(r, &id);
        struct replay_entity *named = replay_entity_by_id(r, &id);
        store_save_ts(r->batch, &e, replay_long(l->v[i], "ts", clock_ms()), &kvs, 0, STORE_TS_HISTORY | STORE_TS_LATEST);
        for (uint32_t k = 0; named && k < kvs.n; k++) {
            replay_key(r, named, kvs.v[k].key);
        }
    }
    return 0;
}

static int
add_relations(struct replay *r, tbe_val in)
{
    const struct tbe_list *l = list_of(in, "relations");
    for (uint32_t i = 0; i < l->n; i++) {
        struct store_relation rel = { .type = replay_str(l->v[i], "type") };
        if (replay_ref(r, replay_get(l->v[i], "from"), &rel.from) < 0 ||
            replay_ref(r, replay_get(l->v[i], "to"), &rel.to) < 0) {
            return -1;
        }
        store_put_relation(r->batch, &rel);
    }
    return 0;
}

static int
add_alarms(struct replay *r, tbe_val in)
{
    const struct tbe_list *l = list_of(in, "alarms");
    for (uint32_t i = 0; i < l->n; i++) {
        tbe_val v = l->v[i], details = replay_get(v, "details");
        struct store_alarm a = { .type = replay_str(v, "type"), .severity = replay_str(v, "severity"),
                                 .assignee = tbe_uuid_null, .customer = tbe_uuid_null };
        if (replay_uuid(r, v, "id", &a.id) < 0 || replay_ref(r, replay_get(v, "originator"), &a.originator) < 0) {
            return -1;
        }
        const struct store_entity *o = store_entity(r->store, &a.originator);
        a.customer = o ? o->customer : tbe_uuid_null;
        a.created = clock_ms() - (int64_t)(l->n - i); /* in this order */
        a.start = replay_long(v, "start", a.created);
        a.end = replay_long(v, "end", a.start);
        a.ack = replay_bool(v, "ack");
        a.ack_ts = a.ack ? a.created : 0;
        a.clear = replay_bool(v, "clear");
        a.clear_ts = a.clear ? a.created : 0;
        a.details = details.t > TBE_NULL ? tbe_json_text(&r->a, details, TBE_OUT_JAVA) : TBE_STR("{}");
        store_put_alarm(r->batch, &a);
    }
    return 0;
}

static void
connect_devices(struct replay *r)
{
    for (uint32_t i = 0; r->connected && i < r->n_entities; i++) {
        struct replay_entity *e = &r->entities[i];
        struct hub_device *d = e->id.type == TBE_ENT_DEVICE ? hub_device(r->hub, &e->id.id) : NULL;
        if (d) {
            e->session.ops = &replay_session_ops;
            e->session.async = true;
            e->session.id = e->id.id; /* so that a scenario can name it */
            hub_session_open(r->hub, &e->session, d, true);
            hub_subscribe_attributes(&e->session, true);
            hub_subscribe_rpc_silent(&e->session);
            e->has_session = true;
        }
    }
}

int
replay_setup(struct replay *r, const struct tbe_program *p, tbe_val in)
{
    struct tbe_str root = replay_str(in, "root"), service = replay_str(in, "service");
    tbe_val rpc = replay_get(in, "rpc"), tenant = replay_get(in, "tenant");
    struct store_options o = { .sync_commit = true };
    struct tbe_uuid tenant_id;
    int64_t now = replay_long(in, "now", 0);
    if (now) {
        clock_fix(now);
        r->fixed_clock = true;
    } else {
        clock_real();
    }
    r->program = *p;
    if (root.p && (r->program.root = replay_chain(p, root)) < 0) {
        snprintf(r->err, sizeof(r->err), "there is no chain %.*s", (int)(root.n < 200 ? root.n : 200), root.p);
        return -1;
    }
    if (replay_str(tenant, "id").p) {
        if (replay_uuid(r, tenant, "id", &tenant_id) < 0) {
            return -1;
        }
        o.tenant = &tenant_id;
    }
    if (store_open(&r->store, &o, NULL, r->err) < 0) {
        return -1;
    }
    r->batch = store_batch_new(r->store);
    if (add_entities(r, in) < 0 || add_values(r, in) < 0 || add_relations(r, in) < 0 || add_alarms(r, in) < 0) {
        return -1;
    }
    store_commit(r->store, &r->batch);
    r->connected = rpc.t == TBE_MAP;
    r->answer = replay_str(rpc, "answer");
    r->answers = replay_get(rpc, "methods");
    r->hub = hub_new(r->store, service.p ? tbe_arena_dupz(&r->a, service) : "replay");
    r->engine = engine_new(&r->program, r->store, r->hub);
    hub_engine_set(r->hub, r->engine);
    r->batch = store_batch_new(r->store);
    engine_batch_set(r->engine, r->batch);
    hub_batch_set(r->hub, r->batch);
    connect_devices(r);
    replay_watch(r);
    return 0;
}

void
replay_teardown(struct replay *r)
{
    for (uint32_t i = 0; i < r->n_entities; i++) {
        if (r->entities[i].has_session) {
            hub_session_close(r->hub, &r->entities[i].session, true);
        }
    }
    if (r->store) {
        store_watch_set(r->store, NULL);
    }
    if (r->store && r->batch) {
        store_commit(r->store, &r->batch);
    }
    engine_free(r->engine);
    hub_free(r->hub);
    if (r->store) {
        store_close(r->store);
    }
    tbe_buf_free(&r->events);
    tbe_buf_free(&r->rpc);
    tbe_buf_free(&r->pushes);
    tbe_buf_free(&r->replies);
    tbe_buf_free(&r->saves);
    tbe_buf_free(&r->attributes);
    tbe_buf_free(&r->alarms);
    tbe_arena_free(&r->a);
}
