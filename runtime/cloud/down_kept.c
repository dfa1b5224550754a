/* SPDX-License-Identifier: Apache-2.0 */
/* What the edge keeps for its API alone, or for later parts: notifications, OAuth2, calculated fields, AI
 * models. */
#include "config.h"
#include "cloud/downlink.h"

/* Notifications: one of the same name goes first; the id of what is stored is in the JSON. --------------- */

static const struct down_kind template_kind = {
    .type = TBE_ENT_NOTIFICATION_TEMPLATE, .name = "name", .clash = DOWN_CLASH_REPLACE,
};
static const struct down_kind target_kind = {
    .type = TBE_ENT_NOTIFICATION_TARGET, .name = "name", .clash = DOWN_CLASH_REPLACE,
};
static const struct down_kind rule_kind = {
    .type = TBE_ENT_NOTIFICATION_RULE, .name = "name", .clash = DOWN_CLASH_REPLACE,
};

void
down_notification_template(struct down *d, const struct down_update *u)
{
    down_entity(d, &template_kind, u);
}

void
down_notification_target(struct down *d, const struct down_update *u)
{
    down_entity(d, &target_kind, u);
}

void
down_notification_rule(struct down *d, const struct down_update *u)
{
    down_entity(d, &rule_kind, u);
}

/* OAuth2: users are made by the cloud only. -------------------------------------------------------------- */

static bool
edit_client(struct down *d, struct down_item *it)
{
    static const char *const off[] = { "activateUser", "allowUserCreation" };
    tbe_val mapper = down_get(it->json, "mapperConfig");

    for (unsigned i = 0; mapper.t == TBE_MAP && i < 2; i++) {
        if (down_bool(mapper, off[i])) {
            tbe_map_put(&d->a, mapper.u.m, tbe_strz(off[i]), tbe_bool(false));
            it->edited = true;
        }
    }
    return true;
}

static bool
edit_domain(struct down *d, struct down_item *it)
{
    if (!down_bool(it->json, "propagateToEdge")) {
        down_set(d, it, "oauth2Enabled", tbe_bool(false));
    }
    return true;
}

static const struct down_kind client = { .type = TBE_ENT_OAUTH2_CLIENT, .name = "title", .edit = edit_client };
static const struct down_kind domain = { .type = TBE_ENT_DOMAIN, .name = "name", .edit = edit_domain };

void
down_oauth2_client(struct down *d, const struct down_update *u)
{
    down_entity(d, &client, u);
}

void
down_oauth2_domain(struct down *d, const struct down_update *u)
{
    down_entity(d, &domain, u);
}

/* Calculated fields: a name is unique for one entity and type. ------------------------------------------- */

struct search {
    const struct down_item *it;
    const struct store_entity *found;
};

static bool
same_field(void *arg, const struct store_entity *e)
{
    struct search *s = arg;

    if (tbe_uuid_eq(&e->profile, &s->it->e.profile) && tbe_str_eq(e->kind, s->it->e.kind) &&
        tbe_str_eq(e->name, s->it->e.name) && !tbe_uuid_eq(&e->id.id, &s->it->e.id.id)) {
        s->found = e;
    }
    return s->found == NULL;
}

static const struct store_entity *
field_taken(struct down *d, const struct down_item *it)
{
    struct search s = { it, NULL };

    store_entity_each(d->s, TBE_ENT_CALCULATED_FIELD, same_field, &s);
    return s.found;
}

static bool
edit_field(struct down *d, struct down_item *it)
{
    it->e.kind = down_str(it->json, "type");
    if (!down_id(it->json, "entityId", &it->e.profile)) {
        down_refuse(d, "a calculated field of no entity");
        return false;
    }
    return true;
}

static const struct down_kind field = {
    .type = TBE_ENT_CALCULATED_FIELD, .name = "name", .clash = DOWN_CLASH_RENAME, .taken = field_taken,
    .flags = DOWN_EVENT_CREATED | DOWN_EVENT_DELETED, .edit = edit_field,
};
static const struct down_kind model = {
    .type = TBE_ENT_AI_MODEL, .name = "name", .clash = DOWN_CLASH_RENAME,
    .flags = DOWN_EVENT_CREATED | DOWN_EVENT_DELETED,
};

void
down_calculated_field(struct down *d, const struct down_update *u)
{
    down_entity(d, &field, u);
}

void
down_ai_model(struct down *d, const struct down_update *u)
{
    down_entity(d, &model, u);
}
