/* SPDX-License-Identifier: Apache-2.0 */
/* An UplinkMsg being put together: lists of its repeated fields in an arena, with a bound of its size. */
#include "config.h"

#include "cloud/internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Some requests are deprecated; clouds before 3.8 need them (12.3). */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define FIELD(n) { offsetof(Edge__UplinkMsg, n_##n), offsetof(Edge__UplinkMsg, n) }
static const struct {
    size_t count, list;
} fields[UP_FIELDS] = {
    [UP_DEVICE_PROFILE] = FIELD(deviceprofileupdatemsg),
    [UP_DEVICE] = FIELD(deviceupdatemsg),
    [UP_DEVICE_CREDENTIALS] = FIELD(devicecredentialsupdatemsg),
    [UP_ASSET_PROFILE] = FIELD(assetprofileupdatemsg),
    [UP_ASSET] = FIELD(assetupdatemsg),
    [UP_RULE_CHAIN] = FIELD(rulechainupdatemsg),
    [UP_RULE_CHAIN_METADATA] = FIELD(rulechainmetadataupdatemsg),
    [UP_ENTITY_VIEW] = FIELD(entityviewupdatemsg),
    [UP_ENTITY_DATA] = FIELD(entitydata),
    [UP_ALARM] = FIELD(alarmupdatemsg),
    [UP_ALARM_COMMENT] = FIELD(alarmcommentupdatemsg),
    [UP_RELATION] = FIELD(relationupdatemsg),
    [UP_DASHBOARD] = FIELD(dashboardupdatemsg),
    [UP_RESOURCE] = FIELD(resourceupdatemsg),
    [UP_METADATA_REQUEST] = FIELD(rulechainmetadatarequestmsg),
    [UP_ATTRIBUTES_REQUEST] = FIELD(attributesrequestmsg),
    [UP_RELATION_REQUEST] = FIELD(relationrequestmsg),
    [UP_FIELD_REQUEST] = FIELD(calculatedfieldrequestmsg),
    [UP_USER_CREDENTIALS_REQUEST] = FIELD(usercredentialsrequestmsg),
    [UP_DEVICE_CREDENTIALS_REQUEST] = FIELD(devicecredentialsrequestmsg),
    [UP_RPC] = FIELD(devicerpccallmsg),
    [UP_WIDGETS_REQUEST] = FIELD(widgetbundletypesrequestmsg),
    [UP_VIEWS_REQUEST] = FIELD(entityviewsrequestmsg),
    [UP_FIELD] = FIELD(calculatedfieldupdatemsg),
    [UP_AI_MODEL] = FIELD(aimodelupdatemsg),
    [UP_USER] = FIELD(userupdatemsg),
    [UP_USER_CREDENTIALS] = FIELD(usercredentialsupdatemsg),
    [UP_API_KEY] = FIELD(apikeyupdatemsg),
};

#define FRAMING 7u /* tag and length of a part: at most 2 and 5 bytes */

void
up_add(struct up_msg *m, enum up_field f, ProtobufCMessage *part)
{
    struct up_list *l = &m->f[f];

    if (l->n == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : f == UP_ENTITY_DATA ? 256 : 8;
        void **v = tbe_arena_alloc(m->a, cap * sizeof(*v));

        if (v == NULL) {
            abort(); /* the arena has no limit: the process is out of memory and is started again */
        }
        if (l->n > 0) {
            memcpy(v, l->v, l->n * sizeof(*v));
        }
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = part;
    m->bytes += protobuf_c_message_get_packed_size(part) + FRAMING;
}

void
up_fill(const struct up_msg *m, Edge__UplinkMsg *out)
{
    for (int f = 0; f < UP_FIELDS; f++) {
        size_t n = m->f[f].n;

        memcpy((char *)out + fields[f].count, &n, sizeof(n));
        memcpy((char *)out + fields[f].list, &m->f[f].v, sizeof(m->f[f].v));
    }
}

void
up_mark(const struct up_msg *m, struct up_mark *k)
{
    k->bytes = m->bytes;
    for (int f = 0; f < UP_FIELDS; f++) {
        k->n[f] = m->f[f].n;
    }
}

void
up_undo(struct up_msg *m, const struct up_mark *k)
{
    m->bytes = k->bytes;
    for (int f = 0; f < UP_FIELDS; f++) {
        m->f[f].n = k->n[f];
    }
}
