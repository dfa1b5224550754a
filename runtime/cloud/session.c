/* SPDX-License-Identifier: Apache-2.0 */
/* The session with the cloud: what it says about this edge, whose tenant it is, and when the link comes and
 * goes (facts/edge-cloud-protocol.md 2).
 *
 * An edge that worked alone before joins the cloud's tenant with what it has: ids in its entities are
 * changed, its devices and assets are announced. An edge that was another one before begins anew. */
#include "config.h"

#include "cloud/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

struct tbe_uuid
cloud_uuid(int64_t msb, int64_t lsb)
{
    struct tbe_uuid u;

    for (int i = 0; i < 8; i++) {
        u.b[i] = (uint8_t)((uint64_t)msb >> (56 - 8 * i));
        u.b[8 + i] = (uint8_t)((uint64_t)lsb >> (56 - 8 * i));
    }
    return u;
}

/* State ------------------------------------------------------------------------------------------------ */

static void
set_text(struct tbe_str *s, struct tbe_str v)
{
    char *p = strndup(v.p ? v.p : "", v.n);

    free((char *)(uintptr_t)s->p);
    *s = (struct tbe_str){ p, p ? v.n : 0 };
}

static void
put_id(struct tbe_buf *b, const char *name, const struct tbe_uuid *id)
{
    char t[TBE_UUID_TEXT + 1];

    tbe_uuid_text(id, t);
    tbe_buf_fmt(b, "%s\"%s\":\"%s\"", b->n > 1 ? "," : "", name, t);
}

void
session_settings_save(struct cloud *c)
{
    struct tbe_buf b = { 0 };

    tbe_buf_putc(&b, '{');
    put_id(&b, "edgeId", &c->edge.id);
    put_id(&b, "tenantId", &c->edge.tenant);
    put_id(&b, "customerId", &c->edge.customer);
    tbe_buf_putz(&b, ",\"name\":");
    tbe_json_write_str(&b, c->edge.name);
    tbe_buf_putz(&b, ",\"type\":");
    tbe_json_write_str(&b, c->edge.type);
    tbe_buf_fmt(&b, ",\"fullSyncRequired\":%s,\"lastSync\":%lld}", c->full_required ? "true" : "false",
                (long long)c->s.last_sync);
    store_put_state(c->batch, TBE_STR(CLOUD_STATE_EDGE), tbe_buf_str(&b));
    tbe_buf_free(&b);
}

void
session_save(struct cloud *c)
{
    struct tbe_buf b = { 0 };

    tbe_buf_fmt(&b, "{\"epoch\":\"%llu\",\"session\":%u,\"accepted\":%s,\"syncing\":%s,\"full\":%s,\"asked\":%lld}",
                (unsigned long long)c->s.link.epoch, c->s.link.session, c->s.accepted ? "true" : "false",
                c->s.syncing ? "true" : "false", c->s.sync_full ? "true" : "false", (long long)c->s.sync_asked);
    store_put_state(c->batch, TBE_STR(CLOUD_STATE_SESSION), tbe_buf_str(&b));
    tbe_buf_free(&b);
}

static tbe_val
state_map(struct cloud *c, const char *name)
{
    struct tbe_str s = store_state(c->env.store, tbe_strz(name));
    tbe_val v;

    if (s.p == NULL || tbe_json_parse(&c->arena, s, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
        return TBE_UNDEF_VAL;
    }
    return v;
}

static struct tbe_str
map_str(tbe_val m, const char *name)
{
    tbe_val v = tbe_map_get(m.u.m, tbe_strz(name));

    return tbe_is_str(v) ? tbe_val_str(v) : TBE_STR("");
}

static int64_t
map_int(tbe_val m, const char *name)
{
    tbe_val v = tbe_map_get(m.u.m, tbe_strz(name));

    return v.t == TBE_INT || v.t == TBE_LONG || v.t == TBE_BOOL ? v.u.i : 0;
}

static void
load_settings(struct cloud *c)
{
    tbe_val v = state_map(c, CLOUD_STATE_EDGE);

    c->full_required = true;
    c->edge.customer = tbe_uuid_null;
    if (v.t == TBE_UNDEF || !tbe_uuid_parse(map_str(v, "edgeId"), &c->edge.id) ||
        !tbe_uuid_parse(map_str(v, "tenantId"), &c->edge.tenant)) {
        return;
    }
    if (!tbe_uuid_parse(map_str(v, "customerId"), &c->edge.customer)) {
        c->edge.customer = tbe_uuid_null;
    }
    set_text(&c->edge.name, map_str(v, "name"));
    set_text(&c->edge.type, map_str(v, "type"));
    c->full_required = map_int(v, "fullSyncRequired") != 0;
    c->s.last_sync = map_int(v, "lastSync");
    c->known = true;
}

/* Was this stream accepted before, by this worker or an earlier one? Then its state is taken over. */
static bool
resumes(struct cloud *c, const struct cloud_link *l)
{
    tbe_val v = state_map(c, CLOUD_STATE_SESSION);
    char epoch[24];

    snprintf(epoch, sizeof(epoch), "%llu", (unsigned long long)l->epoch);
    if (v.t == TBE_UNDEF || !c->known || !tbe_str_eqz(map_str(v, "epoch"), epoch) ||
        map_int(v, "session") != (int64_t)l->session || map_int(v, "accepted") == 0) {
        return false;
    }
    c->s.syncing = map_int(v, "syncing") != 0;
    c->s.sync_full = map_int(v, "full") != 0;
    c->s.sync_asked = map_int(v, "asked");
    c->s.heard = clock_ms();
    return true;
}

/* Configuration ---------------------------------------------------------------------------------------- */

struct introduce {
    struct cloud *c;
    bool first_default; /* the default profile is the cloud's business */
};

static bool
introduce_one(void *arg, const struct store_entity *e)
{
    struct introduce *i = arg;
    bool profile = e->id.type == TBE_ENT_DEVICE_PROFILE || e->id.type == TBE_ENT_ASSET_PROFILE;

    if (profile && tbe_str_eqz(e->name, "default")) {
        return true;
    }
    cloud_event(i->c, i->c->batch, &e->id, CLOUD_ACTION_ADDED, TBE_STR_NONE);
    return true;
}

/* What was made before the edge had a cloud is news for the cloud. */
static void
introduce(struct cloud *c)
{
    static const enum tbe_entity_type types[] = { TBE_ENT_DEVICE_PROFILE, TBE_ENT_ASSET_PROFILE, TBE_ENT_DEVICE,
                                                  TBE_ENT_ASSET };
    struct introduce i = { c, false };

    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        store_entity_each(c->env.store, types[t], introduce_one, &i);
    }
}

static void
tenant_of(struct cloud *c, const struct tbe_uuid *id)
{
    struct tbe_entity tenant = { TBE_ENT_TENANT, *id };
    char text[TBE_UUID_TEXT + 1];

    if (tbe_uuid_eq(store_tenant(c->env.store), id)) {
        return;
    }
    tbe_uuid_text(id, text);
    log_info("cloud: this edge belongs to tenant %s now", text);
    store_tenant_set(c->batch, id);
    if (store_entity(c->env.store, &tenant) != NULL) {
        cloud_request_all(c, c->batch, &tenant);
    }
}

static void
begin_anew(struct cloud *c, const struct tbe_uuid *tenant)
{
    struct tbe_entity e = { TBE_ENT_TENANT, *tenant };

    log_warn("cloud: this is another edge than before: all of the former one's data go");
    hub_wiped(c->env.hub);
    store_wipe(c->batch, tenant);
    uplink_reset(c);
    c->full_required = true;
    c->s.last_sync = 0;
    cloud_request_all(c, c->batch, &e);
}

/* "TMP_NAME_" and ten letters: a customerUpdateMsg brings the right one. */
static void
customer_stub(struct cloud *c, const struct tbe_uuid *id)
{
    static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct store_entity e = { .id = { TBE_ENT_CUSTOMER, *id }, .created = clock_ms(), .customer = tbe_uuid_null,
                              .profile = tbe_uuid_null };
    char name[] = "TMP_NAME_xxxxxxxxxx", text[TBE_UUID_TEXT + 1], tenant[TBE_UUID_TEXT + 1];
    struct tbe_buf b = { 0 };

    if (tbe_uuid_is_null(id) || store_entity(c->env.store, &e.id) != NULL) {
        return;
    }
    for (int i = 9; i < 19; i++) {
        name[i] = alnum[random_u64() % (sizeof(alnum) - 1)];
    }
    tbe_uuid_text(id, text);
    tbe_uuid_text(store_tenant(c->env.store), tenant);
    tbe_buf_fmt(&b, "{\"id\":{\"entityType\":\"CUSTOMER\",\"id\":\"%s\"},\"createdTime\":%lld,\"title\":\"%s\","
                "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"%s\"},\"name\":\"%s\",\"additionalInfo\":null}", text,
                (long long)e.created, name, tenant, name);
    e.name = tbe_strz(name);
    e.json = tbe_buf_str(&b);
    store_put_entity(c->batch, &e);
    tbe_buf_free(&b);
}

/* 100 ns since 1582 -> ms since 1970; 0: not a time-based id. */
static int64_t
uuid_time(const struct tbe_uuid *id)
{
    uint64_t msb = (uint64_t)tbe_uuid_msb(id);
    uint64_t t = (msb & 0xfff) << 48 | ((msb >> 16) & 0xffff) << 32 | msb >> 32;

    return (msb >> 12 & 0xf) == 1 ? ((int64_t)t - 0x01b21dd213814000) / 10000 : 0;
}

static void
put_member(struct tbe_buf *b, const char *name, const char *text)
{
    tbe_buf_fmt(b, ",\"%s\":", name);
    tbe_json_write_str(b, tbe_strz(text));
}

void
session_edge_entity(struct cloud *c, const Edge__EdgeConfiguration *cfg)
{
    struct store_entity e = { .id = { TBE_ENT_EDGE, cloud_uuid(cfg->edgeidmsb, cfg->edgeidlsb) },
                              .name = tbe_strz(cfg->name), .kind = tbe_strz(cfg->type), .profile = tbe_uuid_null };
    struct tbe_str info = tbe_strz(cfg->additionalinfo);
    struct tbe_uuid customer = cloud_uuid(cfg->customeridmsb, cfg->customeridlsb);
    char id[TBE_UUID_TEXT + 1], tenant[TBE_UUID_TEXT + 1], owner[TBE_UUID_TEXT + 1];
    struct tbe_arena a;
    struct tbe_buf b = { 0 };
    tbe_val v;

    e.customer = tbe_uuid_is_null(&customer) ? tbe_uuid_null : customer;
    e.created = uuid_time(&e.id.id);
    c->edge.id = e.id.id;
    c->edge.customer = e.customer;
    set_text(&c->edge.name, e.name);
    set_text(&c->edge.type, e.kind);
    tbe_arena_init(&a, 0);
    if (info.n == 0 || tbe_json_parse(&a, info, TBE_JSON_JAVA, &v, NULL) != 0) {
        info = TBE_STR("null");
    }
    tbe_uuid_text(&e.id.id, id);
    tbe_uuid_text(store_tenant(c->env.store), tenant);
    tbe_uuid_text(&e.customer, owner);
    tbe_buf_fmt(&b, "{\"id\":{\"entityType\":\"EDGE\",\"id\":\"%s\"},\"createdTime\":%lld,"
                "\"tenantId\":{\"entityType\":\"TENANT\",\"id\":\"%s\"},"
                "\"customerId\":{\"entityType\":\"CUSTOMER\",\"id\":\"%s\"}",
                id, (long long)e.created, tenant, owner);
    put_member(&b, "name", cfg->name);
    put_member(&b, "type", cfg->type);
    put_member(&b, "routingKey", cfg->routingkey);
    put_member(&b, "secret", cfg->secret);
    tbe_buf_putz(&b, ",\"label\":null,\"additionalInfo\":");
    tbe_buf_puts(&b, info);
    tbe_buf_putc(&b, '}');
    e.json = tbe_buf_str(&b);
    customer_stub(c, &e.customer);
    store_put_entity(c->batch, &e);
    tbe_buf_free(&b);
    tbe_arena_free(&a);
}

static void
connectivity(struct cloud *c, bool up)
{
    struct tbe_entity tenant = { TBE_ENT_TENANT, *store_tenant(c->env.store) };
    struct tbe_kv kv[2] = {
        { .key = TBE_STR_INIT("active"), .type = TBE_KV_BOOLEAN, .u = { .b = up } },
        { .key = up ? TBE_STR("lastConnectTime") : TBE_STR("lastDisconnectTime"), .type = TBE_KV_LONG,
          .u = { .i = clock_ms() } },
    };
    struct tbe_kvs kvs = { kv, 2 };

    store_save_attrs(c->batch, &tenant, STORE_SERVER, clock_ms(), &kvs);
}

/* 2.3; false: not a cloud this edge can work with. */
bool
session_configure(struct cloud *c, const Edge__EdgeConfiguration *cfg, bool connect)
{
    struct tbe_uuid id = cloud_uuid(cfg->edgeidmsb, cfg->edgeidlsb);
    struct tbe_uuid tenant = cloud_uuid(cfg->tenantidmsb, cfg->tenantidlsb);
    struct tbe_entity edge = { TBE_ENT_EDGE, id };

    if (cfg->cloudtype[0] != '\0' && strcmp(cfg->cloudtype, "CE") != 0) {
        c->s.refused = "it is not a community edition cloud";
        return false;
    }
    if (tbe_uuid_is_null(&id) || tbe_uuid_is_null(&tenant)) {
        c->s.refused = "its answer names no edge or no tenant";
        return false;
    }
    if (c->known && !tbe_uuid_eq(&c->edge.id, &id)) {
        begin_anew(c, &tenant);
    } else {
        tenant_of(c, &tenant);
        if (!c->known) {
            introduce(c);
        }
    }
    c->edge.tenant = tenant;
    session_edge_entity(c, cfg);
    c->known = true;
    session_settings_save(c);
    cloud_request_all(c, c->batch, &edge);
    if (connect) {
        connectivity(c, true);
    }
    return true;
}

/* Link ------------------------------------------------------------------------------------------------- */

bool
cloud_link_read(const struct frame *f, uint64_t epoch, struct cloud_link *out)
{
    struct frame_reader r = { f->payload, false };

    *out = (struct cloud_link){ .epoch = epoch, .session = f->aux, .replay = f->flags & FR_LINK_REPLAY };
    out->state = (enum link_state)frame_get_u32(&r);
    out->since = (int64_t)frame_get_u64(&r);
    out->attempts = frame_get_u32(&r);
    out->next = (int64_t)frame_get_u64(&r);
    out->max_bytes = frame_get_u32(&r);
    out->error = frame_get_str(&r);
    out->response = frame_get_str(&r);
    return !r.bad && (unsigned)out->state <= LINK_WAITING;
}

static void
link_up(struct cloud *c, const struct cloud_link *l)
{
    ProtobufCAllocator alloc = cloud_allocator(&c->arena);
    Edge__ConnectResponseMsg *m;
    bool same = resumes(c, l);

    m = edge__connect_response_msg__unpack(&alloc, l->response.n,
                                           (const uint8_t *)(l->response.p ? l->response.p : ""));
    c->s.refused = NULL;
    if (m == NULL) {
        c->s.refused = "its answer cannot be read";
    } else if (m->responsecode != EDGE__CONNECT_RESPONSE_CODE__ACCEPTED) {
        c->s.refused = m->responsecode == EDGE__CONNECT_RESPONSE_CODE__BAD_CREDENTIALS ? "it refuses key or secret"
                                                                                      : "it is unavailable";
    } else if (m->configuration == NULL) {
        c->s.refused = "its answer has no configuration";
    } else if (!same) {
        session_configure(c, m->configuration, true);
    }
    c->s.accepted = c->s.refused == NULL;
    if (!c->s.accepted) {
        log_error("cloud: the edge cannot work with this cloud: %s", c->s.refused);
        uplink_session(c, false);
        return;
    }
    uplink_session(c, same && c->up.saved_session == l->session && c->up.saved_epoch == l->epoch);
    if (same) {
        log_info("cloud: session %u goes on%s", l->session, c->s.syncing ? ", in a sync" : "");
        return;
    }
    log_info("cloud: session %u, edge \"%.*s\"", l->session, (int)c->edge.name.n, c->edge.name.p);
    sync_ask(c, true);
}

static const char *const state_names[] = { "off", "connecting", "up", "waiting" };

void
cloud_link_state(struct cloud *c, const struct cloud_link *l)
{
    enum link_state before = c->s.link.state;
    bool news = !tbe_str_eqz(l->error, c->s.error); /* attempts without success are told once */
    bool was_up = before == LINK_UP, same = was_up && l->state == LINK_UP && l->session == c->s.link.session &&
                                             l->epoch == c->s.link.epoch;
    size_t n = l->error.n < sizeof(c->s.error) - 1 ? l->error.n : sizeof(c->s.error) - 1;

    if (same) {
        return;
    }
    if (was_up) {
        c->s.accepted = c->s.syncing = false;
        uplink_lost(c);
        if (c->known) {
            connectivity(c, false);
        }
        log_warn("cloud: session %u is over%s%.*s", c->s.link.session, n ? ": " : "", (int)n, n ? l->error.p : "");
    }
    c->s.link = *l;
    c->s.link.error = c->s.link.response = TBE_STR_NONE;
    if (n > 0) {
        memcpy(c->s.error, l->error.p, n);
    }
    c->s.error[n] = '\0';
    if (l->state == LINK_UP) {
        tbe_arena_reset(&c->arena);
        link_up(c, l);
    } else if (!was_up && news && l->state == LINK_WAITING) {
        log_info("cloud: link %s%s%s", state_names[l->state], n ? ": " : "", c->s.error);
    }
    store_put_state(c->batch, TBE_STR(CLOUD_STATE_FLIGHT), TBE_STR_NONE);
}

/* ------------------------------------------------------------------------------------------------------ */

static uint32_t
limit(uint32_t v, uint32_t dflt, uint32_t most)
{
    return v == 0 ? dflt : v > most ? most : v;
}

struct cloud *
cloud_new(const struct cloud_env *env)
{
    struct cloud *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return NULL;
    }
    c->env = *env;
    c->lim = (struct cloud_limits){
        .pack = limit(env->limits.pack, CLOUD_PACK, CLOUD_PACK_MAX),
        .in_flight = limit(env->limits.in_flight, CLOUD_IN_FLIGHT, 64),
        .message_bytes = limit(env->limits.message_bytes, CLOUD_MESSAGE_BYTES, 32u << 20),
        .timeout_ms = limit(env->limits.timeout_ms, CLOUD_TIMEOUT_MS, 3600000),
        .stats_ms = limit(env->limits.stats_ms, CLOUD_STATS_MS, 86400000),
        .no_stats = env->limits.no_stats,
        .aside = limit(env->limits.aside, CLOUD_ASIDE, 1000000),
    };
    tbe_arena_init(&c->arena, 0);
    cloud_metrics(c);
    load_settings(c);
    if (uplink_init(c) != 0) {
        cloud_free(c);
        return NULL;
    }
    uplink_load(c);
    cloud_downlink_start(c);
    return c;
}

void
cloud_free(struct cloud *c)
{
    if (c == NULL) {
        return;
    }
    cloud_downlink_stop(c);
    uplink_free(c);
    tbe_arena_free(&c->arena);
    tbe_buf_free(&c->out);
    free((char *)(uintptr_t)c->edge.name.p);
    free((char *)(uintptr_t)c->edge.type.p);
    free(c);
}

void
cloud_batch_set(struct cloud *c, struct store_batch *b)
{
    c->batch = b;
}

void
cloud_after_commit(struct cloud *c)
{
    c->up.general_look = c->up.log_look = true;
    c->s.completed = false;
}

void
cloud_uplink_done(struct cloud *c, uint64_t number, uint32_t code)
{
    uplink_done(c, number, code);
}

int64_t
cloud_turn(struct cloud *c, int64_t now)
{
    int64_t a = uplink_turn(c, now), b = sync_turn(c, now), d = stats_turn(c, now);

    a = a == 0 || (b != 0 && b < a) ? b : a;
    return a == 0 || (d != 0 && d < a) ? d : a;
}

void
cloud_drain(struct cloud *c)
{
    c->up.draining = true;
}

void
cloud_save(struct cloud *c)
{
    int64_t due = 0;

    c->up.draining = true;
    general_ack(c);
    log_ack(c, clock_ms(), &due);
    uplink_save(c);
}

const struct cloud_env *
cloud_env(const struct cloud *c)
{
    return &c->env;
}

const struct cloud_edge *
cloud_edge(const struct cloud *c)
{
    return c->known ? &c->edge : NULL;
}
