/* SPDX-License-Identifier: Apache-2.0 */
/* Cloud events as parts of an UplinkMsg (facts/edge-cloud-protocol.md 4.2, 8, 10). What an entity is, is read when
 * it is sent, not when the event was made. */
#include "config.h"

#include "cloud/internal.h"

#include <string.h>

#include "base/hash.h"
#include "nodes/alarm_json.h"

/* Some requests are deprecated; clouds before 3.8 need them (12.3). */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

struct conv {
    struct cloud *c;
    struct up_msg *m;
    const struct store_uplink *u;
    const char **why;
};

/* Action -> UpdateMsgType; -1: none */
static const int8_t types[CLOUD_ACTION_COUNT] = {
    [CLOUD_ACTION_ADDED] = 0, [CLOUD_ACTION_ASSIGNED_TO_EDGE] = 0, [CLOUD_ACTION_RELATION_ADD_OR_UPDATE] = 0,
    [CLOUD_ACTION_ADDED_COMMENT] = 0,
    [CLOUD_ACTION_UPDATED] = 1, [CLOUD_ACTION_CREDENTIALS_UPDATED] = 1, [CLOUD_ACTION_ASSIGNED_TO_CUSTOMER] = 1,
    [CLOUD_ACTION_UNASSIGNED_FROM_CUSTOMER] = 1, [CLOUD_ACTION_UPDATED_COMMENT] = 1,
    [CLOUD_ACTION_DELETED] = 2, [CLOUD_ACTION_UNASSIGNED_FROM_EDGE] = 2, [CLOUD_ACTION_RELATION_DELETED] = 2,
    [CLOUD_ACTION_DELETED_COMMENT] = 2, [CLOUD_ACTION_ALARM_DELETE] = 2,
    [CLOUD_ACTION_ALARM_ACK] = 3, [CLOUD_ACTION_ALARM_CLEAR] = 4,
    [CLOUD_ACTION_POST_ATTRIBUTES] = -1, [CLOUD_ACTION_ATTRIBUTES_UPDATED] = -1, [CLOUD_ACTION_ATTRIBUTES_DELETED] = -1,
    [CLOUD_ACTION_TIMESERIES_UPDATED] = -1, [CLOUD_ACTION_RPC_CALL] = -1, [CLOUD_ACTION_ALARM_ASSIGNED] = -1,
    [CLOUD_ACTION_ALARM_UNASSIGNED] = -1, [CLOUD_ACTION_ATTRIBUTES_REQUEST] = -1,
    [CLOUD_ACTION_RELATION_REQUEST] = -1, [CLOUD_ACTION_CALCULATED_FIELD_REQUEST] = -1,
    [CLOUD_ACTION_TIMESERIES_DELETED] = -1, [CLOUD_ACTION_CREDENTIALS_REQUEST] = -1,
    [CLOUD_ACTION_RULE_CHAIN_METADATA_REQUEST] = -1, [CLOUD_ACTION_WIDGET_BUNDLE_TYPES_REQUEST] = -1,
    [CLOUD_ACTION_ENTITY_VIEW_REQUEST] = -1,
};

#define DELETED 2

/* Entity messages: {msgType, idMSB, idLSB, entity} with their own structs. PUT fills a new one. */
#define PUT(conv, Type, init, field, msg_type, id, text)                 \
    do {                                                                 \
        Type *p_ = tbe_arena_alloc((conv)->m->a, sizeof(*p_));           \
        init(p_);                                                        \
        p_->msgtype = (Edge__UpdateMsgType)(msg_type);                   \
        p_->idmsb = tbe_uuid_msb(id);                                    \
        p_->idlsb = tbe_uuid_lsb(id);                                    \
        p_->entity = (text);                                             \
        up_add((conv)->m, (field), &p_->base);                           \
    } while (0)
/* Without ids. */
#define PUT_TEXT(conv, Type, init, field, text)                          \
    do {                                                                 \
        Type *p_ = tbe_arena_alloc((conv)->m->a, sizeof(*p_));           \
        init(p_);                                                        \
        p_->entity = (text);                                             \
        up_add((conv)->m, (field), &p_->base);                           \
    } while (0)
#define PUT_TYPED_TEXT(conv, Type, init, field, msg_type, text)          \
    do {                                                                 \
        Type *p_ = tbe_arena_alloc((conv)->m->a, sizeof(*p_));           \
        init(p_);                                                        \
        p_->msgtype = (Edge__UpdateMsgType)(msg_type);                   \
        p_->entity = (text);                                             \
        up_add((conv)->m, (field), &p_->base);                           \
    } while (0)
/* Requests: {entityIdMSB, entityIdLSB, entityType}. */
#define ASK(conv, Type, init, field, of)                                 \
    do {                                                                 \
        Type *p_ = tbe_arena_alloc((conv)->m->a, sizeof(*p_));           \
        init(p_);                                                        \
        p_->entityidmsb = tbe_uuid_msb(&(of)->id);                       \
        p_->entityidlsb = tbe_uuid_lsb(&(of)->id);                       \
        p_->entitytype = (char *)(uintptr_t)tbe_entity_type_name((of)->type); \
        up_add((conv)->m, (field), &p_->base);                           \
    } while (0)

static char empty[1];

static char *
json_text(struct tbe_arena *a, const tbe_val *v)
{
    return tbe_arena_dupz(a, tbe_json_text(a, *v, TBE_OUT_JAVA));
}

/* The stored JSON of an entity as the cloud gets it: version null (OTA packages have another one, but never go
 * up). NULL: there is none. */
static char *
entity_text(struct conv *v, const struct tbe_entity *id)
{
    const struct store_entity *e = store_entity(v->c->env.store, id);
    struct tbe_arena *a = v->m->a;
    tbe_val json, version;

    if (e == NULL) {
        return NULL;
    }
    if (memmem(e->json.p, e->json.n, "\"version\"", 9) == NULL ||
        tbe_json_parse(a, e->json, TBE_JSON_RAW, &json, NULL) != 0 || json.t != TBE_MAP) {
        return tbe_arena_dupz(a, e->json);
    }
    version = tbe_map_get(json.u.m, TBE_STR("version"));
    if (tbe_is_null(version)) {
        return tbe_arena_dupz(a, e->json);
    }
    tbe_map_put(a, json.u.m, TBE_STR("version"), TBE_NULL_VAL);
    return json_text(a, &json);
}

/* An id that follows from another: the same in every message. */
static struct tbe_uuid
derived_id(const struct tbe_uuid *of, char what)
{
    char hex[65], in[17];
    struct tbe_uuid u;

    memcpy(in, of->b, 16);
    in[16] = what;
    hash_sha256_hex((struct tbe_str){ in, 17 }, hex);
    for (int i = 0; i < 16; i++) {
        unsigned hi = (unsigned)(hex[2 * i] <= '9' ? hex[2 * i] - '0' : hex[2 * i] - 'a' + 10);
        unsigned lo = (unsigned)(hex[2 * i + 1] <= '9' ? hex[2 * i + 1] - '0' : hex[2 * i + 1] - 'a' + 10);

        u.b[i] = (uint8_t)(hi << 4 | lo);
    }
    u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x50);
    u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
    return u;
}

static void
put_credentials(struct conv *v, const struct tbe_entity *device)
{
    static const char *const names[] = { "ACCESS_TOKEN", "MQTT_BASIC", "X509_CERTIFICATE", "LWM2M_CREDENTIALS" };
    const struct store_entity *e = store_entity(v->c->env.store, device);
    struct tbe_uuid cid = derived_id(&device->id, 'c');
    char id[TBE_UUID_TEXT + 1], did[TBE_UUID_TEXT + 1];
    struct tbe_buf b = { 0 };
    struct store_cred cred;

    if (!store_cred_of(v->c->env.store, &device->id, &cred)) {
        return;
    }
    tbe_uuid_text(&cid, id);
    tbe_uuid_text(&device->id, did);
    tbe_buf_fmt(&b, "{\"id\":{\"id\":\"%s\"},\"createdTime\":%lld,"
                "\"deviceId\":{\"entityType\":\"DEVICE\",\"id\":\"%s\"},"
                "\"credentialsType\":\"%s\",\"credentialsId\":", id, (long long)(e ? e->created : 0), did,
                names[cred.type]);
    tbe_json_write_str(&b, cred.id);
    tbe_buf_putz(&b, ",\"credentialsValue\":");
    if (cred.value.p != NULL) {
        tbe_json_write_str(&b, cred.value);
    } else {
        tbe_buf_putz(&b, "null");
    }
    tbe_buf_putz(&b, ",\"version\":null}");
    PUT_TEXT(v, Edge__DeviceCredentialsUpdateMsg, edge__device_credentials_update_msg__init, UP_DEVICE_CREDENTIALS,
             tbe_arena_dupz(v->m->a, tbe_buf_str(&b)));
    tbe_buf_free(&b);
}

/* The edge's default chain of a profile is what the cloud stores as defaultEdgeRuleChainId (6.1). */
static void
put_profile(struct conv *v, const struct tbe_uuid *id, bool device, int type)
{
    struct tbe_entity e = { device ? TBE_ENT_DEVICE_PROFILE : TBE_ENT_ASSET_PROFILE, *id };
    char *text = entity_text(v, &e);

    if (text == NULL) {
        return;
    }
    if (device) {
        PUT(v, Edge__DeviceProfileUpdateMsg, edge__device_profile_update_msg__init, UP_DEVICE_PROFILE, type, id, text);
    } else {
        PUT(v, Edge__AssetProfileUpdateMsg, edge__asset_profile_update_msg__init, UP_ASSET_PROFILE, type, id, text);
    }
}

static enum up_result
device(struct conv *v, int type, char *text)
{
    const struct tbe_uuid *id = &v->u->entity.id;

    if (v->u->action != CLOUD_ACTION_CREDENTIALS_UPDATED) {
        PUT(v, Edge__DeviceUpdateMsg, edge__device_update_msg__init, UP_DEVICE, type, id, text);
    }
    if (type != DELETED) {
        put_credentials(v, &v->u->entity);
    }
    if (v->u->action == CLOUD_ACTION_ADDED) {
        const struct store_entity *e = store_entity(v->c->env.store, &v->u->entity);

        if (e != NULL) {
            put_profile(v, &e->profile, true, 0);
        }
    }
    return UP_ADDED;
}

static enum up_result
asset(struct conv *v, int type, char *text)
{
    const struct store_entity *e = store_entity(v->c->env.store, &v->u->entity);

    if (e != NULL && tbe_str_eqz(e->kind, "TbServiceQueue")) {
        return UP_NOTHING;
    }
    PUT(v, Edge__AssetUpdateMsg, edge__asset_update_msg__init, UP_ASSET, type, &v->u->entity.id, text);
    if (v->u->action == CLOUD_ACTION_ADDED && e != NULL) {
        put_profile(v, &e->profile, false, 0);
    }
    return UP_ADDED;
}

static enum up_result
profile(struct conv *v, int type, char *text)
{
    bool dev = v->u->kind == CLOUD_KIND_DEVICE_PROFILE;
    const struct store_entity *e = store_entity(v->c->env.store, &v->u->entity);

    (void)text;
    if (type == DELETED || (e != NULL && !dev && tbe_str_eqz(e->name, "TbServiceQueue"))) {
        return UP_NOTHING; /* the cloud refuses them (11.2) */
    }
    put_profile(v, &v->u->entity.id, dev, type);
    return UP_ADDED;
}

static enum up_result
view(struct conv *v, int type, char *text)
{
    PUT(v, Edge__EntityViewUpdateMsg, edge__entity_view_update_msg__init, UP_ENTITY_VIEW, type, &v->u->entity.id, text);
    return UP_ADDED;
}

static enum up_result
dashboard(struct conv *v, int type, char *text)
{
    PUT(v, Edge__DashboardUpdateMsg, edge__dashboard_update_msg__init, UP_DASHBOARD, type, &v->u->entity.id, text);
    return UP_ADDED;
}

static enum up_result
resource(struct conv *v, int type, char *text)
{
    if (type == DELETED) {
        return UP_NOTHING;
    }
    PUT(v, Edge__ResourceUpdateMsg, edge__resource_update_msg__init, UP_RESOURCE, type, &v->u->entity.id, text);
    return UP_ADDED;
}

static enum up_result
field(struct conv *v, int type, char *text)
{
    PUT(v, Edge__CalculatedFieldUpdateMsg, edge__calculated_field_update_msg__init, UP_FIELD, type, &v->u->entity.id,
        text);
    return UP_ADDED;
}

static enum up_result
ai_model(struct conv *v, int type, char *text)
{
    PUT(v, Edge__AiModelUpdateMsg, edge__ai_model_update_msg__init, UP_AI_MODEL, type, &v->u->entity.id, text);
    return UP_ADDED;
}

static enum up_result
api_key(struct conv *v, int type, char *text)
{
    PUT(v, Edge__ApiKeyUpdateMsg, edge__api_key_update_msg__init, UP_API_KEY, type, &v->u->entity.id, text);
    return UP_ADDED;
}

/* Credentials of a user are kept beside it as named state, as the cloud sent or the API made them. NULL: none. */
static char *
user_credentials(struct conv *v, const struct tbe_uuid *id)
{
    char t[TBE_UUID_TEXT + 1];
    struct tbe_str s;

    tbe_uuid_text(id, t);
    s = store_state(v->c->env.store, tbe_arena_fmt(v->m->a, CLOUD_STATE_USER_CREDENTIALS "%s", t));
    return s.p != NULL ? tbe_arena_dupz(v->m->a, s) : NULL;
}

static void
put_metadata(struct conv *v, int type)
{
    struct tbe_str text = store_chain_metadata(v->c->env.store, &v->u->entity.id);

    if (text.p != NULL) {
        PUT_TYPED_TEXT(v, Edge__RuleChainMetadataUpdateMsg, edge__rule_chain_metadata_update_msg__init,
                       UP_RULE_CHAIN_METADATA, type, tbe_arena_dupz(v->m->a, text));
    }
}

static enum up_result
rule_chain(struct conv *v, int type, char *text)
{
    PUT(v, Edge__RuleChainUpdateMsg, edge__rule_chain_update_msg__init, UP_RULE_CHAIN, type, &v->u->entity.id, text);
    if (type != DELETED) {
        put_metadata(v, type);
    }
    return UP_ADDED;
}

static enum up_result
metadata(struct conv *v, int type, char *text)
{
    (void)text;
    put_metadata(v, type);
    return UP_ADDED;
}

struct user_keys {
    struct conv *v;
    int type;
};

/* An API key that belongs to the user of the event. */
static bool
add_user_key(void *arg, const struct store_entity *e)
{
    struct user_keys *k = arg;
    struct conv *v = k->v;
    struct tbe_uuid id;
    tbe_val json, owner;

    if (tbe_json_parse(v->m->a, e->json, TBE_JSON_RAW, &json, NULL) != 0 || json.t != TBE_MAP) {
        return true;
    }
    owner = tbe_map_get(json.u.m, TBE_STR("userId"));
    owner = owner.t == TBE_MAP ? tbe_map_get(owner.u.m, TBE_STR("id")) : TBE_UNDEF_VAL;
    if (tbe_is_str(owner) && tbe_uuid_parse(tbe_val_str(owner), &id) &&
        tbe_uuid_eq(&id, &v->u->entity.id)) {
        PUT(v, Edge__ApiKeyUpdateMsg, edge__api_key_update_msg__init, UP_API_KEY, k->type, &e->id.id,
            tbe_arena_dupz(v->m->a, e->json));
    }
    return true;
}

static enum up_result
user(struct conv *v, int type, char *text)
{
    const struct tbe_uuid *id = &v->u->entity.id;
    char *cred = type != DELETED ? user_credentials(v, id) : NULL;

    if (v->u->action != CLOUD_ACTION_CREDENTIALS_UPDATED) {
        PUT(v, Edge__UserUpdateMsg, edge__user_update_msg__init, UP_USER, type, id, text);
    }
    if (cred != NULL) {
        PUT_TEXT(v, Edge__UserCredentialsUpdateMsg, edge__user_credentials_update_msg__init, UP_USER_CREDENTIALS, cred);
    }
    if (v->u->action == CLOUD_ACTION_ADDED || v->u->action == CLOUD_ACTION_UPDATED) {
        struct user_keys k = { v, type };

        store_entity_each(v->c->env.store, TBE_ENT_API_KEY, add_user_key, &k);
    }
    return UP_ADDED;
}

static enum up_result
alarm(struct conv *v, int type, char *text)
{
    struct tbe_buf b = { 0 };
    struct store_alarm a;

    (void)text;
    if (type == DELETED) {
        if (v->u->body.n == 0) {
            return UP_NOTHING;
        }
        text = tbe_arena_dupz(v->m->a, v->u->body);
    } else if (store_alarm(v->c->env.store, &v->u->entity.id, &a)) {
        alarm_json_write(&b, v->c->env.store, &a);
        text = tbe_arena_dupz(v->m->a, tbe_buf_str(&b));
        tbe_buf_free(&b);
    } else {
        return UP_NOTHING;
    }
    PUT(v, Edge__AlarmUpdateMsg, edge__alarm_update_msg__init, UP_ALARM, type, &v->u->entity.id, text);
    return UP_ADDED;
}

static enum up_result
comment(struct conv *v, int type, char *text)
{
    (void)text;
    if (v->u->body.n == 0) {
        *v->why = "an alarm comment without a body";
        return UP_UNSENDABLE;
    }
    PUT_TYPED_TEXT(v, Edge__AlarmCommentUpdateMsg, edge__alarm_comment_update_msg__init, UP_ALARM_COMMENT, type,
                   tbe_arena_dupz(v->m->a, v->u->body));
    return UP_ADDED;
}

static enum up_result
relation(struct conv *v, int type, char *text)
{
    (void)text;
    if (v->u->body.n == 0) {
        *v->why = "a relation without a body";
        return UP_UNSENDABLE;
    }
    PUT_TYPED_TEXT(v, Edge__RelationUpdateMsg, edge__relation_update_msg__init, UP_RELATION, type,
                   tbe_arena_dupz(v->m->a, v->u->body));
    return UP_ADDED;
}

/* Requests --------------------------------------------------------------------------------------------- */

static void
ask_attributes(struct conv *v, const struct tbe_entity *e, const char *scope)
{
    Edge__AttributesRequestMsg *p = tbe_arena_alloc(v->m->a, sizeof(*p));

    edge__attributes_request_msg__init(p);
    p->entityidmsb = tbe_uuid_msb(&e->id);
    p->entityidlsb = tbe_uuid_lsb(&e->id);
    p->entitytype = (char *)(uintptr_t)tbe_entity_type_name(e->type);
    p->scope = (char *)(uintptr_t)scope;
    up_add(v->m, UP_ATTRIBUTES_REQUEST, &p->base);
}

static enum up_result
ask_credentials(struct conv *v, const struct tbe_entity *e)
{
    if (e->type == TBE_ENT_DEVICE) {
        Edge__DeviceCredentialsRequestMsg *p = tbe_arena_alloc(v->m->a, sizeof(*p));

        edge__device_credentials_request_msg__init(p);
        p->deviceidmsb = tbe_uuid_msb(&e->id);
        p->deviceidlsb = tbe_uuid_lsb(&e->id);
        up_add(v->m, UP_DEVICE_CREDENTIALS_REQUEST, &p->base);
    } else {
        Edge__UserCredentialsRequestMsg *p = tbe_arena_alloc(v->m->a, sizeof(*p));

        edge__user_credentials_request_msg__init(p);
        p->useridmsb = tbe_uuid_msb(&e->id);
        p->useridlsb = tbe_uuid_lsb(&e->id);
        up_add(v->m, UP_USER_CREDENTIALS_REQUEST, &p->base);
    }
    return UP_ADDED;
}

static enum up_result
request(struct conv *v)
{
    const struct tbe_entity *e = &v->u->entity;

    switch (v->u->action) {
    case CLOUD_ACTION_ATTRIBUTES_REQUEST:
        ask_attributes(v, e, "SERVER_SCOPE");
        if (e->type == TBE_ENT_DEVICE) {
            ask_attributes(v, e, "SHARED_SCOPE");
        }
        return UP_ADDED;
    case CLOUD_ACTION_RELATION_REQUEST:
        ASK(v, Edge__RelationRequestMsg, edge__relation_request_msg__init, UP_RELATION_REQUEST, e);
        return UP_ADDED;
    case CLOUD_ACTION_CALCULATED_FIELD_REQUEST:
        ASK(v, Edge__CalculatedFieldRequestMsg, edge__calculated_field_request_msg__init, UP_FIELD_REQUEST, e);
        return UP_ADDED;
    case CLOUD_ACTION_ENTITY_VIEW_REQUEST:
        ASK(v, Edge__EntityViewsRequestMsg, edge__entity_views_request_msg__init, UP_VIEWS_REQUEST, e);
        return UP_ADDED;
    case CLOUD_ACTION_CREDENTIALS_REQUEST:
        return ask_credentials(v, e);
    case CLOUD_ACTION_RULE_CHAIN_METADATA_REQUEST: {
        Edge__RuleChainMetadataRequestMsg *p = tbe_arena_alloc(v->m->a, sizeof(*p));

        edge__rule_chain_metadata_request_msg__init(p);
        p->rulechainidmsb = tbe_uuid_msb(&e->id);
        p->rulechainidlsb = tbe_uuid_lsb(&e->id);
        up_add(v->m, UP_METADATA_REQUEST, &p->base);
        return UP_ADDED;
    }
    default: {
        Edge__WidgetBundleTypesRequestMsg *p = tbe_arena_alloc(v->m->a, sizeof(*p));

        edge__widget_bundle_types_request_msg__init(p);
        p->widgetbundleidmsb = tbe_uuid_msb(&e->id);
        p->widgetbundleidlsb = tbe_uuid_lsb(&e->id);
        up_add(v->m, UP_WIDGETS_REQUEST, &p->base);
        return UP_ADDED;
    }
    }
}

/* RPC (8.1 step 4, 8.2 step 2) --------------------------------------------------------------------------- */

static tbe_val
member(tbe_val obj, const char *name)
{
    return tbe_map_get(obj.u.m, tbe_strz(name));
}

static char *
member_text(struct conv *v, tbe_val obj, const char *name)
{
    tbe_val m = member(obj, name);

    return m.t <= TBE_NULL ? NULL
           : tbe_is_str(m) ? tbe_arena_dupz(v->m->a, tbe_val_str(m))
                           : json_text(v->m->a, &m);
}

static int64_t
member_long(tbe_val obj, const char *name)
{
    tbe_val m = member(obj, name);
    int64_t n = 0;

    if ((m.t == TBE_NUM || tbe_is_str(m)) && tbe_parse_long(tbe_val_str(m), &n)) {
        return n;
    }
    return 0;
}

static void
rpc_response(struct conv *v, Edge__DeviceRpcCallMsg *p, tbe_val body, char *error)
{
    Edge__RpcResponseMsg *r = tbe_arena_alloc(v->m->a, sizeof(*r));
    tbe_val oneway = member(body, "oneway"), uuid = member(body, "requestUUID");
    struct tbe_uuid id;
    char *text = member_text(v, body, "response");

    edge__rpc_response_msg__init(r);
    if (tbe_is_str(uuid) && tbe_uuid_parse(tbe_val_str(uuid), &id)) {
        p->requestuuidmsb = tbe_uuid_msb(&id);
        p->requestuuidlsb = tbe_uuid_lsb(&id);
    }
    p->expirationtime = member_long(body, "expirationTime");
    p->oneway = oneway.t == TBE_BOOL && oneway.u.i;
    r->error = error != NULL ? error : empty;
    r->response = text != NULL ? text : empty;
    p->responsemsg = r;
}

static void
rpc_request(struct conv *v, Edge__DeviceRpcCallMsg *p, tbe_val body)
{
    Edge__RpcRequestMsg *q = tbe_arena_alloc(v->m->a, sizeof(*q));
    char *method = member_text(v, body, "method"), *params = member_text(v, body, "params");
    char *service = member_text(v, body, "serviceId"), *session = member_text(v, body, "sessionId");

    edge__rpc_request_msg__init(q);
    q->method = method != NULL ? method : empty;
    q->params = params != NULL ? params : empty;
    p->requestmsg = q;
    if (service != NULL) {
        p->_service_id_case = EDGE__DEVICE_RPC_CALL_MSG___SERVICE_ID_SERVICE_ID;
        p->serviceid = service;
    }
    if (session != NULL) {
        p->_session_id_case = EDGE__DEVICE_RPC_CALL_MSG___SESSION_ID_SESSION_ID;
        p->sessionid = session;
    }
}

static enum up_result
rpc(struct conv *v)
{
    Edge__DeviceRpcCallMsg *p = tbe_arena_alloc(v->m->a, sizeof(*p));
    char *error;
    tbe_val body;

    *v->why = "an RPC whose body is not a JSON object";
    if (v->u->body.n == 0 || tbe_json_parse(v->m->a, v->u->body, TBE_JSON_RAW, &body, NULL) != 0 || body.t != TBE_MAP) {
        return UP_UNSENDABLE;
    }
    edge__device_rpc_call_msg__init(p);
    p->deviceidmsb = tbe_uuid_msb(&v->u->entity.id);
    p->deviceidlsb = tbe_uuid_lsb(&v->u->entity.id);
    p->requestid = (int32_t)member_long(body, "requestId");
    error = member_text(v, body, "error");
    if (error != NULL || member(body, "response").t != TBE_UNDEF) {
        rpc_response(v, p, body, error);
    } else {
        rpc_request(v, p, body);
    }
    up_add(v->m, UP_RPC, &p->base);
    return UP_ADDED;
}

/* ------------------------------------------------------------------------------------------------------ */

typedef enum up_result kind_fn(struct conv *v, int type, char *text);
static const struct {
    kind_fn *fn;
    bool own_body; /* does not need the entity in the store */
} kinds[CLOUD_KIND_COUNT] = {
    [CLOUD_KIND_DASHBOARD] = { dashboard, false }, [CLOUD_KIND_ASSET] = { asset, false },
    [CLOUD_KIND_ASSET_PROFILE] = { profile, false }, [CLOUD_KIND_DEVICE] = { device, false },
    [CLOUD_KIND_DEVICE_PROFILE] = { profile, false }, [CLOUD_KIND_ENTITY_VIEW] = { view, false },
    [CLOUD_KIND_ALARM] = { alarm, true }, [CLOUD_KIND_ALARM_COMMENT] = { comment, true },
    [CLOUD_KIND_RULE_CHAIN] = { rule_chain, false }, [CLOUD_KIND_RULE_CHAIN_METADATA] = { metadata, false },
    [CLOUD_KIND_USER] = { user, false }, [CLOUD_KIND_RELATION] = { relation, true },
    [CLOUD_KIND_TB_RESOURCE] = { resource, false }, [CLOUD_KIND_CALCULATED_FIELD] = { field, false },
    [CLOUD_KIND_AI_MODEL] = { ai_model, false }, [CLOUD_KIND_API_KEY] = { api_key, false },
};

enum up_result
up_event(struct cloud *c, struct up_msg *m, const struct store_uplink *u, const char **why)
{
    struct conv v = { c, m, u, why };
    struct up_keys k;
    char *text = empty;
    int type;

    *why = "this kind of event cannot be said to a cloud";
    if (u->action < 0 || u->action >= CLOUD_ACTION_COUNT) {
        return UP_UNSENDABLE;
    }
    up_keys(c, u, &k);
    if (k.merge) {
        return request(&v);
    }
    if (u->action == CLOUD_ACTION_RPC_CALL) {
        return rpc(&v);
    }
    if (k.field == UP_ENTITY_DATA) {
        return up_data(m, u, why);
    }
    type = types[u->action];
    if (type < 0 || u->kind < 0 || u->kind >= CLOUD_KIND_COUNT || kinds[u->kind].fn == NULL) {
        return UP_UNSENDABLE;
    }
    if (!kinds[u->kind].own_body && type != DELETED) {
        text = entity_text(&v, &u->entity);
        if (text == NULL) {
            return UP_NOTHING; /* gone meanwhile */
        }
    }
    return kinds[u->kind].fn(&v, type, text);
}
