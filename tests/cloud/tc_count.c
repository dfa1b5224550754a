/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the table of points (16 bytes each), the series, the items by kind and the entities in flight. */
#include "config.h"

#include "tc_count.h"
#include "tc_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TC_SAMPLES 20 /* violation texts kept */

struct point {
    uint64_t hash;
    uint32_t check; /* 0: free */
    uint32_t times;
};

struct series {
    struct series *next;
    int64_t msb, lsb;
    char *type, *key;
    uint64_t points, duplicates, backwards;
    int64_t first_ts, arrived_ts, min_ts, max_ts, sum;
    int arrived;
    double dsum;
    char last[64];
};

struct flying {
    struct flying *next;
    int64_t msb, lsb;
    unsigned sensitive, created;
};

struct tc_count {
    struct point *points;
    size_t n, cap;
    struct series *series[4096];
    struct flying *flying[1024];
    uint64_t uplinks, given, of_edge, duplicates, attributes, deletes, stored_uplinks, refused_uplinks;
    uint64_t kinds[64]; /* items by UplinkMsg field index */
    uint64_t entities_max; /* most entityData entries in one message */
    cJSON *violations;
    uint64_t violation_count;
};

static uint64_t
mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15ULL + (h << 6) + (h >> 2);
    h *= 0xff51afd7ed558ccdULL;
    return h ^ h >> 33;
}

static uint64_t
mix_text(uint64_t h, const char *s)
{
    for (; *s; s++) {
        h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
    }
    return h ^ h >> 29;
}

struct tc_count *
tc_count_new(void)
{
    struct tc_count *c = calloc(1, sizeof *c);
    c->cap = 1 << 16;
    c->points = calloc(c->cap, sizeof *c->points);
    c->violations = cJSON_CreateArray();
    return c;
}

static void
free_lists(struct tc_count *c)
{
    for (size_t i = 0; i < sizeof c->series / sizeof *c->series; i++) {
        struct series *s;
        while ((s = c->series[i])) {
            c->series[i] = s->next;
            free(s->type);
            free(s->key);
            free(s);
        }
    }
}

void
tc_count_clear(struct tc_count *c)
{
    memset(c->points, 0, c->cap * sizeof *c->points);
    c->n = 0;
    free_lists(c);
    cJSON_Delete(c->violations);
    c->violations = cJSON_CreateArray();
    c->violation_count = c->uplinks = c->given = c->of_edge = c->duplicates = c->attributes = c->deletes = 0;
    c->stored_uplinks = c->refused_uplinks = c->entities_max = 0;
    memset(c->kinds, 0, sizeof c->kinds);
}

void
tc_count_free(struct tc_count *c)
{
    free_lists(c);
    for (size_t i = 0; i < sizeof c->flying / sizeof *c->flying; i++) {
        struct flying *f;
        while ((f = c->flying[i])) {
            c->flying[i] = f->next;
            free(f);
        }
    }
    cJSON_Delete(c->violations);
    free(c->points);
    free(c);
}

void
tc_count_violation(struct tc_count *c, const char *rule, const char *detail)
{
    c->violation_count++;
    if (cJSON_GetArraySize(c->violations) < TC_SAMPLES) {
        char text[300];
        snprintf(text, sizeof text, "%s: %s", rule, detail);
        cJSON_AddItemToArray(c->violations, cJSON_CreateString(text));
    }
}

/* Points ------------------------------------------------------------------------------------------------- */

static struct point *
find_point(struct point *t, size_t cap, uint64_t hash, uint32_t check)
{
    for (size_t i = hash & (cap - 1);; i = (i + 1) & (cap - 1)) {
        if (!t[i].check || (t[i].hash == hash && t[i].check == check)) {
            return &t[i];
        }
    }
}

static struct point *
point(struct tc_count *c, uint64_t hash, uint32_t check)
{
    if (c->n * 2 >= c->cap) {
        struct point *t = calloc(2 * c->cap, sizeof *t);
        for (size_t i = 0; i < c->cap; i++) {
            if (c->points[i].check) {
                *find_point(t, 2 * c->cap, c->points[i].hash, c->points[i].check) = c->points[i];
            }
        }
        free(c->points);
        c->points = t;
        c->cap *= 2;
    }
    return find_point(c->points, c->cap, hash, check ? check : 1);
}

static struct series *
series(struct tc_count *c, const Edge__EntityDataProto *e, const char *key, uint64_t hash)
{
    struct series **at = &c->series[hash % (sizeof c->series / sizeof *c->series)];
    for (struct series *s = *at; s; s = s->next) {
        if (s->msb == e->entityidmsb && s->lsb == e->entityidlsb && !strcmp(s->key, key)) {
            return s;
        }
    }
    struct series *s = calloc(1, sizeof *s);
    s->msb = e->entityidmsb;
    s->lsb = e->entityidlsb;
    s->type = strdup(e->entitytype);
    s->key = strdup(key);
    s->next = *at;
    return *at = s;
}

static void
value_text(const Transport__KeyValueProto *kv, char *out, size_t n)
{
    switch (kv->type) {
    case TRANSPORT__KEY_VALUE_TYPE__BOOLEAN_V:
        snprintf(out, n, "%s", kv->bool_v ? "true" : "false");
        break;
    case TRANSPORT__KEY_VALUE_TYPE__LONG_V:
        snprintf(out, n, "%" PRId64, kv->long_v);
        break;
    case TRANSPORT__KEY_VALUE_TYPE__DOUBLE_V:
        snprintf(out, n, "%.17g", kv->double_v);
        break;
    case TRANSPORT__KEY_VALUE_TYPE__STRING_V:
        snprintf(out, n, "%.60s", kv->string_v);
        break;
    default:
        snprintf(out, n, "%.60s", kv->json_v);
    }
}

static void
one_point(struct tc_count *c, const Edge__EntityDataProto *e, uint64_t eh, int64_t ts,
          const Transport__KeyValueProto *kv)
{
    uint64_t kh = mix_text(eh, kv->key);
    uint64_t h = mix(kh, (uint64_t)ts);
    struct point *p = point(c, h, (uint32_t)(mix(h, (uint64_t)ts ^ eh) >> 32));
    struct series *s = series(c, e, kv->key, kh);
    if (p->check) {
        p->times++;
        s->duplicates++;
        c->duplicates++;
        return;
    }
    *p = (struct point){h, (uint32_t)(mix(h, (uint64_t)ts ^ eh) >> 32), 1};
    p->check = p->check ? p->check : 1;
    c->n++;
    *(strcmp(e->entitytype, "EDGE") ? &c->given : &c->of_edge) += 1;
    if (!s->points++) {
        s->first_ts = s->min_ts = s->max_ts = ts;
    }
    s->min_ts = ts < s->min_ts ? ts : s->min_ts;
    s->max_ts = ts > s->max_ts ? ts : s->max_ts;
    if (kv->type == TRANSPORT__KEY_VALUE_TYPE__LONG_V) {
        s->sum = (int64_t)((uint64_t)s->sum + (uint64_t)kv->long_v);
    } else if (kv->type == TRANSPORT__KEY_VALUE_TYPE__DOUBLE_V) {
        s->dsum += kv->double_v;
    }
    value_text(kv, s->last, sizeof s->last);
}

static void
store(struct tc_count *c, const Edge__UplinkMsg *m)
{
    const ProtobufCMessageDescriptor *d = m->base.descriptor;
    for (unsigned i = 0; i < d->n_fields && i < 64; i++) {
        if (d->fields[i].label == PROTOBUF_C_LABEL_REPEATED) {
            c->kinds[i] += *(const size_t *)((const char *)m + d->fields[i].quantifier_offset);
        }
    }
    for (size_t i = 0; i < m->n_entitydata; i++) {
        const Edge__EntityDataProto *e = m->entitydata[i];
        uint64_t eh = mix(mix(1, (uint64_t)e->entityidmsb), (uint64_t)e->entityidlsb);
        if (e->attributesupdatedmsg || e->postattributesmsg) {
            c->attributes += e->attributesupdatedmsg ? e->attributesupdatedmsg->n_kv : e->postattributesmsg->n_kv;
        }
        c->deletes += e->attributedeletemsg ? e->attributedeletemsg->n_attributenames : 0;
        for (size_t k = 0; e->posttelemetrymsg && k < e->posttelemetrymsg->n_tskvlist; k++) {
            const Transport__TsKvListProto *l = e->posttelemetrymsg->tskvlist[k];
            for (size_t v = 0; v < l->n_kv; v++) {
                one_point(c, e, eh, l->ts, l->kv[v]);
            }
        }
    }
}

/* In flight ---------------------------------------------------------------------------------------------- */

static struct flying *
flying(struct tc_count *c, int64_t msb, int64_t lsb)
{
    uint64_t h = mix(mix(7, (uint64_t)msb), (uint64_t)lsb);
    struct flying **at = &c->flying[h % (sizeof c->flying / sizeof *c->flying)];
    for (struct flying *f = *at; f; f = f->next) {
        if (f->msb == msb && f->lsb == lsb) {
            return f;
        }
    }
    struct flying *f = calloc(1, sizeof *f);
    f->msb = msb;
    f->lsb = lsb;
    f->next = *at;
    return *at = f;
}

enum walk { LOOK, ENTER, LEAVE };

/* One order-sensitive item of an entity. */
static void
sensitive(struct tc_count *c, enum walk w, int64_t msb, int64_t lsb, int created, const char *what)
{
    struct flying *f = flying(c, msb, lsb);
    if (w == LOOK && f->sensitive) {
        char id[37], text[120];
        tc_uuid_text(msb, lsb, id);
        snprintf(text, sizeof text, "%s of %s while another change of it is not answered", what, id);
        tc_count_violation(c, "order", text);
    } else if (w == ENTER) {
        f->sensitive++;
        f->created += created != 0;
    } else if (w == LEAVE) {
        f->sensitive--;
        f->created -= created != 0;
    }
}

/* The entity of a text: the UUID at "id":{...,"id":"uuid"} of the member named (deviceId). */
static int
id_in_text(const char *text, const char *member, int64_t *msb, int64_t *lsb)
{
    cJSON *j = cJSON_Parse(text);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(j, member), "id");
    int rc = cJSON_IsString(id) ? tc_uuid_parse(id->valuestring, msb, lsb) : -1;
    cJSON_Delete(j);
    return rc;
}

/* Fields that carry idMSB, idLSB and msgType are found by their names in the descriptor. */
static void
walk_entities(struct tc_count *c, enum walk w, const Edge__UplinkMsg *m)
{
    const ProtobufCMessageDescriptor *d = m->base.descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label != PROTOBUF_C_LABEL_REPEATED) {
            continue;
        }
        size_t n = *(const size_t *)((const char *)m + f->quantifier_offset);
        ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)((const char *)m + f->offset);
        const ProtobufCFieldDescriptor *a = protobuf_c_message_descriptor_get_field_by_name(f->descriptor, "idMSB");
        const ProtobufCFieldDescriptor *b = protobuf_c_message_descriptor_get_field_by_name(f->descriptor, "idLSB");
        const ProtobufCFieldDescriptor *t = protobuf_c_message_descriptor_get_field_by_name(f->descriptor, "msgType");
        for (size_t k = 0; a && b && t && k < n; k++) {
            const char *p = (const char *)items[k];
            sensitive(c, w, *(const int64_t *)(p + a->offset), *(const int64_t *)(p + b->offset),
                      *(const int32_t *)(p + t->offset) == EDGE__UPDATE_MSG_TYPE__ENTITY_CREATED_RPC_MESSAGE, f->name);
        }
    }
    for (size_t k = 0; k < m->n_devicecredentialsupdatemsg; k++) {
        int64_t msb, lsb;
        if (!id_in_text(m->devicecredentialsupdatemsg[k]->entity, "deviceId", &msb, &lsb)) {
            sensitive(c, w, msb, lsb, 0, "credentials");
        }
    }
}

static void
walk_data(struct tc_count *c, enum walk w, const Edge__UplinkMsg *m)
{
    for (size_t i = 0; i < m->n_entitydata; i++) {
        const Edge__EntityDataProto *e = m->entitydata[i];
        if (w == LOOK && flying(c, e->entityidmsb, e->entityidlsb)->created) {
            char id[37];
            tc_uuid_text(e->entityidmsb, e->entityidlsb, id);
            tc_count_violation(c, "data before its entity", id);
        }
        if (e->attributesupdatedmsg || e->postattributesmsg || e->attributedeletemsg) {
            sensitive(c, w, e->entityidmsb, e->entityidlsb, 0, "attributes");
        }
        if (w != LOOK) {
            continue;
        }
        for (size_t k = 0; e->posttelemetrymsg && k < e->posttelemetrymsg->n_tskvlist; k++) {
            if (!e->posttelemetrymsg->tskvlist[k]->n_kv) {
                tc_count_violation(c, "empty tsKvList", e->entitytype);
            }
        }
        if (e->posttelemetrymsg && !e->posttelemetrymsg->n_tskvlist) {
            tc_count_violation(c, "empty postTelemetryMsg", e->entitytype);
        }
    }
}

/* What the cloud rejects or what must never be sent (facts 14, 7). */
static void
look_forbidden(struct tc_count *c, const Edge__UplinkMsg *m)
{
    for (size_t i = 0; i < m->n_deviceprofileupdatemsg; i++) {
        if (m->deviceprofileupdatemsg[i]->msgtype == EDGE__UPDATE_MSG_TYPE__ENTITY_DELETED_RPC_MESSAGE) {
            tc_count_violation(c, "forbidden", "deviceProfileUpdateMsg DELETED");
        }
    }
    for (size_t i = 0; i < m->n_assetprofileupdatemsg; i++) {
        if (m->assetprofileupdatemsg[i]->msgtype == EDGE__UPDATE_MSG_TYPE__ENTITY_DELETED_RPC_MESSAGE) {
            tc_count_violation(c, "forbidden", "assetProfileUpdateMsg DELETED");
        }
    }
    for (size_t i = 0; i < m->n_resourceupdatemsg; i++) {
        if (m->resourceupdatemsg[i]->msgtype == EDGE__UPDATE_MSG_TYPE__ENTITY_DELETED_RPC_MESSAGE) {
            tc_count_violation(c, "forbidden", "resourceUpdateMsg DELETED");
        }
    }
    for (size_t i = 0; i < m->n_assetupdatemsg; i++) {
        if (strstr(m->assetupdatemsg[i]->entity, "\"TbServiceQueue\"")) {
            tc_count_violation(c, "forbidden", "asset of type TbServiceQueue");
        }
    }
}

/* Order is what arrives, not what is answered first. */
static void
walk_order(struct tc_count *c, const Edge__UplinkMsg *m)
{
    for (size_t i = 0; i < m->n_entitydata; i++) {
        const Edge__EntityDataProto *e = m->entitydata[i];
        uint64_t eh = mix(mix(1, (uint64_t)e->entityidmsb), (uint64_t)e->entityidlsb);
        for (size_t k = 0; e->posttelemetrymsg && k < e->posttelemetrymsg->n_tskvlist; k++) {
            const Transport__TsKvListProto *l = e->posttelemetrymsg->tskvlist[k];
            for (size_t v = 0; v < l->n_kv; v++) {
                struct series *s = series(c, e, l->kv[v]->key, mix_text(eh, l->kv[v]->key));
                s->backwards += s->arrived && l->ts < s->arrived_ts;
                s->arrived = 1;
                s->arrived_ts = l->ts;
            }
        }
    }
}

void
tc_count_arrived(struct tc_count *c, const Edge__UplinkMsg *m)
{
    c->uplinks++;
    c->entities_max = m->n_entitydata > c->entities_max ? m->n_entitydata : c->entities_max;
    look_forbidden(c, m);
    walk_order(c, m);
    walk_data(c, LOOK, m);
    walk_entities(c, LOOK, m);
    walk_data(c, ENTER, m);
    walk_entities(c, ENTER, m);
}

void
tc_count_answered(struct tc_count *c, const Edge__UplinkMsg *m, int stored)
{
    walk_data(c, LEAVE, m);
    walk_entities(c, LEAVE, m);
    if (stored) {
        c->stored_uplinks++;
        store(c, m);
    } else {
        c->refused_uplinks++;
    }
}

uint64_t
tc_count_points(const struct tc_count *c)
{
    return c->given;
}

static cJSON *
series_report(const struct series *s)
{
    cJSON *o = cJSON_CreateObject();
    char id[37];
    tc_uuid_text(s->msb, s->lsb, id);
    cJSON_AddStringToObject(o, "entityType", s->type);
    cJSON_AddStringToObject(o, "entityId", id);
    cJSON_AddStringToObject(o, "key", s->key);
    cJSON_AddNumberToObject(o, "points", (double)s->points);
    cJSON_AddNumberToObject(o, "duplicates", (double)s->duplicates);
    cJSON_AddNumberToObject(o, "backwards", (double)s->backwards);
    cJSON_AddNumberToObject(o, "firstTs", (double)s->first_ts);
    cJSON_AddNumberToObject(o, "minTs", (double)s->min_ts);
    cJSON_AddNumberToObject(o, "maxTs", (double)s->max_ts);
    cJSON_AddNumberToObject(o, "sum", (double)s->sum + s->dsum);
    cJSON_AddStringToObject(o, "last", s->last);
    return o;
}

cJSON *
tc_count_report(const struct tc_count *c, int with_series)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "uplinks", (double)c->uplinks);
    cJSON_AddNumberToObject(o, "storedUplinks", (double)c->stored_uplinks);
    cJSON_AddNumberToObject(o, "refusedUplinks", (double)c->refused_uplinks);
    cJSON_AddNumberToObject(o, "points", (double)c->given);
    cJSON_AddNumberToObject(o, "edgePoints", (double)c->of_edge);
    cJSON_AddNumberToObject(o, "duplicates", (double)c->duplicates);
    cJSON_AddNumberToObject(o, "attributes", (double)c->attributes);
    cJSON_AddNumberToObject(o, "attributesDeleted", (double)c->deletes);
    cJSON_AddNumberToObject(o, "largestPack", (double)c->entities_max);
    cJSON *kinds = cJSON_AddObjectToObject(o, "kinds");
    const ProtobufCMessageDescriptor *d = &edge__uplink_msg__descriptor;
    for (unsigned i = 0; i < d->n_fields && i < 64; i++) {
        if (c->kinds[i]) {
            cJSON_AddNumberToObject(kinds, d->fields[i].name, (double)c->kinds[i]);
        }
    }
    cJSON_AddNumberToObject(o, "violationCount", (double)c->violation_count);
    cJSON_AddItemToObject(o, "violations", cJSON_Duplicate(c->violations, 1));
    if (with_series) {
        cJSON *a = cJSON_AddArrayToObject(o, "series");
        for (size_t i = 0; i < sizeof c->series / sizeof *c->series; i++) {
            for (const struct series *s = c->series[i]; s; s = s->next) {
                cJSON_AddItemToArray(a, series_report(s));
            }
        }
    }
    return o;
}
