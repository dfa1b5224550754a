/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the downlink queues: packs, acknowledgements, resending, synchronisation, what older clouds leave out. */
#include "config.h"

#include "tc_cloud.h"

#include <stdlib.h>
#include <string.h>

#define TC_V(major, minor, patch) ((major) * 10000 + (minor) * 100 + (patch))

static void
down_free(struct tc_down *d)
{
    edge__downlink_msg__free_unpacked(d->msg, NULL);
    free(d);
}

void
tc_down_free_all(struct tc_downs *q)
{
    struct tc_down *d;
    while ((d = TAILQ_FIRST(q))) {
        TAILQ_REMOVE(q, d, link);
        down_free(d);
    }
}

static void
note_state(struct tc_cloud *c, const struct tc_down *d, const char *state, const char *error)
{
    char id[16];
    snprintf(id, sizeof id, "%d", d->id);
    cJSON *o = cJSON_GetObjectItemCaseSensitive(c->down_log, id);
    if (o) {
        cJSON_ReplaceItemInObjectCaseSensitive(o, "state", cJSON_CreateString(state));
        cJSON_ReplaceItemInObjectCaseSensitive(o, "ms", cJSON_CreateNumber((double)(tc_now() - d->sent_ms)));
        if (error && *error) {
            cJSON_DeleteItemFromObjectCaseSensitive(o, "error");
            cJSON_AddStringToObject(o, "error", error);
        }
    }
}

static int32_t
new_id(void)
{
    return (int32_t)(((unsigned)rand() << 1 ^ (unsigned)rand()) & 0x7fffffff);
}

/* What older clouds leave out or do otherwise ------------------------------------------------------------- */

static void
age_texts(cJSON *down, const char *field, void (*change)(cJSON *entity))
{
    cJSON *m;
    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(down, field))
    {
        cJSON *t = cJSON_GetObjectItemCaseSensitive(m, "entity");
        cJSON *e = cJSON_IsString(t) ? cJSON_Parse(t->valuestring) : NULL;
        if (e) {
            change(e);
            char *text = cJSON_PrintUnformatted(e);
            cJSON_ReplaceItemInObjectCaseSensitive(m, "entity", cJSON_CreateString(text));
            free(text);
            cJSON_Delete(e);
        }
    }
}

static void
age_metadata(cJSON *meta)
{
    cJSON *n;
    cJSON_ArrayForEach(n, cJSON_GetObjectItemCaseSensitive(meta, "nodes"))
    {
        cJSON *d = cJSON_DetachItemFromObjectCaseSensitive(n, "debugSettings");
        if (!d && cJSON_GetObjectItemCaseSensitive(n, "debugMode")) {
            continue; /* aged before, when it was withheld */
        }
        cJSON_AddBoolToObject(n, "debugMode", cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(d, "allEnabled")));
        cJSON_Delete(d);
    }
}

/* The companion goes into the drawer, to be sent when it is asked for. */
static void
withhold(struct tc_cloud *c, cJSON *down, const char *owner, const char *companion)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(down, owner);
    const cJSON *first = cJSON_IsArray(list) ? list->child : list;
    const cJSON *msb = cJSON_GetObjectItemCaseSensitive(first, "idMSB");
    const cJSON *lsb = cJSON_GetObjectItemCaseSensitive(first, "idLSB");
    cJSON *comp = first ? cJSON_DetachItemFromObjectCaseSensitive(down, companion) : NULL;
    if (!comp || !cJSON_IsString(msb) || !cJSON_IsString(lsb)) {
        cJSON_Delete(comp);
        return;
    }
    char id[37];
    tc_uuid_text(strtoll(msb->valuestring, NULL, 10), strtoll(lsb->valuestring, NULL, 10), id);
    cJSON *held = cJSON_CreateObject();
    cJSON_AddItemToObject(held, companion, comp);
    cJSON_DeleteItemFromObjectCaseSensitive(c->withheld, id);
    cJSON_AddItemToObject(c->withheld, id, held);
}

static const struct {
    const char *field;
    int since;
} appeared[] = {
    {"alarmCommentUpdateMsg", TC_V(3, 6, 3)},      {"notificationRuleUpdateMsg", TC_V(3, 7, 0)},
    {"notificationTargetUpdateMsg", TC_V(3, 7, 0)}, {"notificationTemplateUpdateMsg", TC_V(3, 7, 0)},
    {"oAuth2ClientUpdateMsg", TC_V(3, 8, 0)},      {"oAuth2DomainUpdateMsg", TC_V(3, 8, 0)},
    {"calculatedFieldUpdateMsg", TC_V(4, 1, 0)},   {"aiModelUpdateMsg", TC_V(4, 3, 0)},
    {"apiKeyUpdateMsg", TC_V(4, 3, 1)},
};

/* Changes the message to what a cloud of that version sends. */
static void
age(struct tc_cloud *c, cJSON *down)
{
    int v = c->set.version;
    for (size_t i = 0; i < sizeof appeared / sizeof *appeared; i++) {
        if (v < appeared[i].since) {
            cJSON_DeleteItemFromObjectCaseSensitive(down, appeared[i].field);
        }
    }
    if (v < TC_V(3, 9, 0)) {
        age_texts(down, "ruleChainMetadataUpdateMsg", age_metadata);
    }
    if (v < TC_V(3, 8, 0)) {
        withhold(c, down, "ruleChainUpdateMsg", "ruleChainMetadataUpdateMsg");
        withhold(c, down, "deviceUpdateMsg", "deviceCredentialsUpdateMsg");
        withhold(c, down, "userUpdateMsg", "userCredentialsUpdateMsg");
    }
    if (v < TC_V(4, 0, 0)) {
        cJSON *e;
        cJSON_ArrayForEach(e, cJSON_GetObjectItemCaseSensitive(down, "entityData"))
        {
            cJSON_DeleteItemFromObjectCaseSensitive(e, "attributeTs");
        }
    }
}

/* 3.7 has another message in field 30: {string entity = 1} (12.1). */
static void
add_old_oauth(Edge__DownlinkMsg *m, const char *text)
{
    size_t n = strlen(text);
    ProtobufCMessageUnknownField *u = calloc(1, sizeof *u);
    u->tag = 30;
    u->wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    u->data = malloc(n + 4);
    /* length of the message, then field 1 as a string; n < 126 */
    u->data[0] = (uint8_t)(n + 2);
    u->data[1] = 0x0a;
    u->data[2] = (uint8_t)n;
    memcpy(u->data + 3, text, n);
    u->len = n + 3;
    m->base.unknown_fields = u;
    m->base.n_unknown_fields = 1;
}

/* Queueing ------------------------------------------------------------------------------------------------- */

static const char *
first_kind(const cJSON *down)
{
    const cJSON *f;
    cJSON_ArrayForEach(f, down)
    {
        if (strcmp(f->string, "downlinkMsgId")) {
            return f->string;
        }
    }
    return "";
}

static struct tc_down *
make(struct tc_cloud *c, const cJSON *json, char *why, size_t n)
{
    cJSON *j = cJSON_Duplicate(json, 1);
    if (!j) {
        snprintf(why, n, "no message");
        return NULL;
    }
    const char *text = NULL;
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(j, "_oAuth2UpdateMsg37");
    if (cJSON_IsString(old)) {
        text = old->valuestring;
    }
    struct tc_down *d = calloc(1, sizeof *d);
    cJSON *bare = cJSON_Duplicate(j, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(bare, "_oAuth2UpdateMsg37");
    int filled = *first_kind(bare) != 0;
    age(c, bare);
    if (filled && !*first_kind(bare) && !text) {
        /* an older cloud does not know the message */
        snprintf(why, n, "unknown to this version of the cloud");
    } else {
        d->msg = (Edge__DownlinkMsg *)tc_pb_from_json(&edge__downlink_msg__descriptor, bare, why, n);
    }
    if (d->msg) {
        snprintf(d->kind, sizeof d->kind, "%s", first_kind(bare));
        d->keep = d->msg->n_entitydata || c->set.version <= TC_V(3, 9, 0);
        d->id = d->msg->downlinkmsgid;
        if (text && strlen(text) < 120) {
            add_old_oauth(d->msg, text);
        }
    } else {
        free(d);
        d = NULL;
    }
    cJSON_Delete(bare);
    cJSON_Delete(j);
    return d;
}

static int
kept_while_offline(const struct tc_down *d)
{
    static const char *const dropped[] = {"deviceUpdateMsg",     "assetUpdateMsg",         "entityViewUpdateMsg",
                                          "dashboardUpdateMsg",  "deviceProfileUpdateMsg", "assetProfileUpdateMsg",
                                          "resourceUpdateMsg",   "edgeConfiguration",      "deviceRpcCallMsg",
                                          "deviceCredentialsUpdateMsg"};
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
        if (!strcmp(d->kind, dropped[i])) {
            return d->msg->n_deviceupdatemsg &&
                   d->msg->deviceupdatemsg[0]->msgtype == EDGE__UPDATE_MSG_TYPE__ENTITY_DELETED_RPC_MESSAGE;
        }
    }
    return 1;
}

static void
on_pause(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    tc_down_go(arg);
}

static void
arm(struct event **ev, struct tc_edge *e, event_callback_fn fn, int ms)
{
    if (!*ev) {
        *ev = evtimer_new(e->cloud->base, fn, e);
    }
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(*ev, &tv);
}

int
tc_down_queue(struct tc_cloud *c, struct tc_edge *e, const cJSON *json, int urgent, int32_t *id, char *why, size_t n)
{
    struct tc_down *d = make(c, json, why, n);
    if (!d) {
        return -1;
    }
    if (!e->live && (c->set.offline == 2 || (c->set.offline == 1 && !kept_while_offline(d)))) {
        *id = 0;
        down_free(d);
        return 0;
    }
    d->id = d->id ? d->id : new_id();
    *id = d->id;
    char name[16];
    snprintf(name, sizeof name, "%d", d->id);
    cJSON_DeleteItemFromObjectCaseSensitive(c->down_log, name);
    cJSON *log = cJSON_AddObjectToObject(c->down_log, name);
    cJSON_AddStringToObject(log, "state", "queued");
    cJSON_AddNumberToObject(log, "ms", 0);
    if (urgent) {
        TAILQ_INSERT_HEAD(&e->queue, d, link);
    } else {
        TAILQ_INSERT_TAIL(&e->queue, d, link);
    }
    e->queued++;
    if (c->set.poll_ms) {
        arm(&e->pause, e, on_pause, c->set.poll_ms);
    } else {
        tc_down_go(e);
    }
    return 0;
}

/* Packs ---------------------------------------------------------------------------------------------------- */

static void
on_resend(evutil_socket_t fd, short what, void *arg);

static void
send_down(struct tc_edge *e, struct tc_down *d)
{
    struct tc_cloud *c = e->cloud;
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;
    d->msg->downlinkmsgid = d->id;
    m.downlinkmsg = d->msg;
    if (!d->attempts++) {
        d->sent_ms = tc_now();
    } else {
        c->stats.downs_resent++;
    }
    if (d->state == DOWN_QUEUED) {
        d->state = DOWN_SENT;
    }
    c->stats.downs_sent++;
    if (d->sync) {
        c->stats.sync_downs++;
        c->stats.sync_bytes += (int64_t)edge__response_msg__get_packed_size(&m);
    }
    if (d->msg->synccompletedmsg && e->live->syncing == 1) {
        e->live->syncing = 2; /* from here on the edge may send */
    }
    note_state(c, d, "sent", NULL);
    tc_session_send(e->live, &m);
}

void
tc_down_go(struct tc_edge *e)
{
    struct tc_cloud *c = e->cloud;
    if (!e->live || !TAILQ_EMPTY(&e->pack)) {
        return;
    }
    int sync = !TAILQ_EMPTY(&e->sync_queue);
    struct tc_downs *q = sync ? &e->sync_queue : &e->queue;
    struct tc_down *d, *first = TAILQ_FIRST(q);
    if (!first) {
        tc_down_free_all(&e->run);
        return;
    }
    for (int n = 0; n < c->set.pack_size && (d = TAILQ_FIRST(q)); n++) {
        if (sync && strcmp(d->kind, first->kind)) {
            break;
        }
        TAILQ_REMOVE(q, d, link);
        e->queued -= !sync;
        TAILQ_INSERT_TAIL(&e->pack, d, link);
    }
    TAILQ_FOREACH(d, &e->pack, link)
    {
        send_down(e, d);
    }
    arm(&e->resend, e, on_resend, c->set.resend_ms);
}

static void
pack_done(struct tc_edge *e)
{
    struct tc_down *d;
    while ((d = TAILQ_FIRST(&e->pack))) {
        TAILQ_REMOVE(&e->pack, d, link);
        if (e->cloud->set.redeliver && !d->sync) {
            TAILQ_INSERT_TAIL(&e->run, d, link);
        } else {
            down_free(d);
        }
    }
    evtimer_del(e->resend);
    tc_down_go(e);
}

static int
pack_open(const struct tc_edge *e)
{
    const struct tc_down *d;
    TAILQ_FOREACH(d, &e->pack, link)
    {
        if (d->state == DOWN_SENT) {
            return 1;
        }
    }
    return 0;
}

static void
on_resend(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct tc_edge *e = arg;
    struct tc_cloud *c = e->cloud;
    struct tc_down *d;
    int max = c->set.attempts ? c->set.attempts : c->set.version < TC_V(3, 9, 0) ? 10 : 3, last = 0;
    if (!e->live) {
        return;
    }
    TAILQ_FOREACH(d, &e->pack, link)
    {
        if (d->state == DOWN_SENT && d->attempts >= max) {
            d->state = DOWN_ABANDONED;
            c->stats.downs_abandoned++;
            note_state(c, d, "abandoned", NULL);
        } else if (d->state == DOWN_SENT) {
            send_down(e, d);
            last |= d->attempts >= max;
        }
    }
    if (!pack_open(e)) {
        pack_done(e);
    } else {
        arm(&e->resend, e, on_resend, last ? c->set.give_up_ms : c->set.resend_ms);
    }
}

static void
sync_finished(struct tc_session *s)
{
    struct tc_cloud *c = s->cloud;
    s->syncing = 0;
    c->stats.syncs_done++;
    c->stats.sync_ms = tc_now() - c->stats.sync_started;
    tc_step_event(c, "synced");
}

void
tc_down_acked(struct tc_session *s, const Edge__DownlinkResponseMsg *r)
{
    struct tc_cloud *c = s->cloud;
    struct tc_edge *e = s->edge;
    struct tc_down *d;
    TAILQ_FOREACH(d, &e->pack, link)
    {
        if (d->id == r->downlinkmsgid) {
            break;
        }
    }
    if (!d || d->state != DOWN_SENT) {
        c->stats.acks_unknown++;
        tc_step_event(c, "ack");
        return;
    }
    double ms = (double)(tc_now() - d->sent_ms);
    c->stats.ack_ms_sum += ms;
    c->stats.ack_ms_max = ms > c->stats.ack_ms_max ? ms : c->stats.ack_ms_max;
    if (r->success) {
        d->state = DOWN_ACKED;
        c->stats.downs_acked++;
        note_state(c, d, "acked", NULL);
    } else {
        c->stats.downs_refused++;
        note_state(c, d, "refused", r->errormsg);
        if (!d->keep) {
            d->state = DOWN_REFUSED;
        }
    }
    if (d->state != DOWN_SENT && d->msg->synccompletedmsg) {
        sync_finished(s);
    }
    tc_step_event(c, "ack");
    if (e->live == s && !pack_open(e)) {
        pack_done(e);
    }
}

/* Sync ------------------------------------------------------------------------------------------------------ */

static int
in_partial(const cJSON *item)
{
    static const char *const kinds[] = {"customerUpdateMsg",      "dashboardUpdateMsg", "deviceProfileUpdateMsg",
                                        "assetProfileUpdateMsg",  "deviceUpdateMsg",    "assetUpdateMsg",
                                        "entityViewUpdateMsg"};
    const cJSON *p = cJSON_GetObjectItemCaseSensitive(item, "partial");
    if (cJSON_IsBool(p)) {
        return cJSON_IsTrue(p);
    }
    const char *kind = first_kind(cJSON_GetObjectItemCaseSensitive(item, "downlinkMsg"));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!strcmp(kind, kinds[i])) {
            return 1;
        }
    }
    return 0;
}

/* What is in flight goes back to the head of its queue; from the sync queue it is dropped (the edge asks again). */
static void
unpack(struct tc_edge *e)
{
    struct tc_down *d;
    while ((d = TAILQ_LAST(&e->pack, tc_downs))) {
        TAILQ_REMOVE(&e->pack, d, link);
        if (d->sync || d->state != DOWN_SENT) {
            down_free(d);
            continue;
        }
        d->attempts = 0;
        d->state = DOWN_QUEUED;
        d->id = new_id();
        TAILQ_INSERT_HEAD(&e->queue, d, link);
        e->queued++;
    }
    if (e->resend) {
        evtimer_del(e->resend);
    }
}

void
tc_down_sync(struct tc_session *s, int full)
{
    struct tc_cloud *c = s->cloud;
    struct tc_edge *e = s->edge;
    if (!e || s->syncing) {
        return;
    }
    c->stats.syncs_full += full != 0;
    c->stats.syncs_partial += !full;
    c->stats.sync_started = tc_now();
    c->stats.sync_downs = c->stats.sync_bytes = 0;
    s->full = full;
    unpack(e);
    tc_down_free_all(&e->sync_queue);
    char why[200];
    const cJSON *item;
    cJSON_ArrayForEach(item, c->entities)
    {
        if (!full && !in_partial(item)) {
            continue;
        }
        struct tc_down *d = make(c, cJSON_GetObjectItemCaseSensitive(item, "downlinkMsg"), why, sizeof why);
        if (d) {
            d->sync = 1;
            d->id = new_id();
            TAILQ_INSERT_TAIL(&e->sync_queue, d, link);
        }
    }
    cJSON *end = cJSON_CreateObject();
    cJSON_AddObjectToObject(end, "syncCompletedMsg");
    struct tc_down *d = make(c, end, why, sizeof why);
    cJSON_Delete(end);
    d->sync = 1;
    d->id = new_id();
    TAILQ_INSERT_TAIL(&e->sync_queue, d, link);
    s->syncing = 1;
    tc_down_go(e);
}

void
tc_down_session(struct tc_edge *e, struct tc_session *s)
{
    unpack(e);
    tc_down_free_all(&e->sync_queue);
    struct tc_down *d;
    while ((d = TAILQ_LAST(&e->run, tc_downs))) {
        TAILQ_REMOVE(&e->run, d, link);
        d->attempts = 0;
        d->state = DOWN_QUEUED;
        d->id = new_id();
        TAILQ_INSERT_HEAD(&e->queue, d, link);
        e->queued++;
    }
    if (s && !TAILQ_EMPTY(&e->queue)) {
        arm(&e->pause, e, on_pause, e->cloud->set.poll_ms);
    }
}
