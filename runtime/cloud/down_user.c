/* SPDX-License-Identifier: Apache-2.0 */
/* Customers, users with their credentials, API keys. Kept for the API; the password is a hash. */
#include "config.h"
#include "cloud/downlink.h"

#include <string.h>

static struct tbe_str
credentials_key(struct down *d, const struct tbe_uuid *user)
{
    char id[TBE_UUID_TEXT + 1];

    tbe_uuid_text(user, id);
    return tbe_arena_fmt(&d->a, "user.credentials.%s", id);
}

/* Users ------------------------------------------------------------------------------------------------ */

static void
put_md(struct down *d, struct tbe_md *md, const char *key, struct tbe_str val)
{
    if (val.p) {
        tbe_md_put(&d->a, md, tbe_strz(key), val);
    }
}

static void
remove_user(struct down *d, const struct store_entity *e)
{
    struct tbe_md md = { 0 };
    char id[TBE_UUID_TEXT + 1];
    tbe_val v;

    tbe_uuid_text(&e->id.id, id);
    put_md(d, &md, "userId", tbe_arena_dup(&d->a, tbe_strz(id)));
    put_md(d, &md, "userName", e->name);
    put_md(d, &md, "userEmail", e->name);
    if (tbe_json_parse(&d->a, e->json, TBE_JSON_RAW | TBE_JSON_BORROW, &v, NULL) == 0) {
        put_md(d, &md, "userFirstName", down_str(v, "firstName"));
        put_md(d, &md, "userLastName", down_str(v, "lastName"));
    }
    down_event(d, "ENTITY_DELETED", e, &md);
    store_put_state(d->b, credentials_key(d, &e->id.id), TBE_STR_NONE);
    store_delete_entity(d->b, &e->id);
}

static bool
edit_user(struct down *d, struct down_item *it)
{
    if (it->e.name.n == 0) {
        down_refuse(d, "a user without e-mail");
        return false;
    }
    it->e.kind = down_str(it->json, "authority");
    down_customer(d, it);
    return true;
}

static const struct down_kind user = {
    .type = TBE_ENT_USER, .name = "email", .clash = DOWN_CLASH_RENAME,
    .flags = DOWN_EVENT_CREATED | DOWN_EVENT_DELETED | DOWN_REQUEST_ALWAYS, .edit = edit_user, .remove = remove_user,
};

static bool
has_credentials(struct down *d, const struct tbe_uuid *id)
{
    char text[TBE_UUID_TEXT + 1];

    tbe_uuid_text(id, text);
    for (size_t i = 0; i < d->m->n_usercredentialsupdatemsg; i++) {
        const char *json = d->m->usercredentialsupdatemsg[i]->entity;

        if (json && strstr(json, text)) {
            return true;
        }
    }
    return false;
}

void
down_user(struct down *d, const struct down_update *u)
{
    struct tbe_entity e = { TBE_ENT_USER, u->id };

    down_entity(d, &user, u);
    if ((u->op == DOWN_CREATED || u->op == DOWN_UPDATED) && store_entity(d->s, &e) && !has_credentials(d, &u->id)) {
        cloud_request(d->c, d->b, &e, CLOUD_ACTION_CREDENTIALS_REQUEST); /* clouds before 3.8 (12.3) */
    }
}

void
down_user_credentials(struct down *d, const struct down_update *u)
{
    struct tbe_entity e = { .type = TBE_ENT_USER };
    struct tbe_str key;
    tbe_val v;

    if (!down_parse(d, u->json, &v)) {
        return;
    }
    if (!down_id(v, "userId", &e.id) || !store_entity(d->s, &e)) {
        return;
    }
    key = credentials_key(d, &e.id);
    if (!tbe_str_eq(store_state(d->s, key), u->json)) {
        store_put_state(d->b, key, u->json);
    }
}

/* API keys --------------------------------------------------------------------------------------------- */

/* Found by value; the description need not be unique. */
static bool
edit_key(struct down *d, struct down_item *it)
{
    if (it->e.name.n == 0) {
        down_refuse(d, "an API key without a value");
        return false;
    }
    it->e.kind = down_str(it->json, "description");
    down_id(it->json, "userId", &it->e.profile);
    return true;
}

static const struct down_kind api_key = {
    .type = TBE_ENT_API_KEY, .name = "value", .flags = DOWN_EVENT_CREATED | DOWN_EVENT_DELETED, .edit = edit_key,
};

void
down_api_key(struct down *d, const struct down_update *u)
{
    down_entity(d, &api_key, u);
}

/* Customers -------------------------------------------------------------------------------------------- */

struct leaving {
    struct down *d;
    const struct tbe_uuid *customer;
};

static bool
unassign_one(void *arg, const struct store_entity *e)
{
    struct leaving *l = arg;
    struct store_entity n = *e;

    if (!tbe_uuid_eq(&e->customer, l->customer)) {
        return true;
    }
    if (e->id.type == TBE_ENT_USER) { /* its users go with it */
        remove_user(l->d, e);
        return true;
    }
    n.customer = tbe_uuid_null;
    down_rewrite(l->d, &n, "customerId", down_id_value(l->d, TBE_ENT_CUSTOMER, &tbe_uuid_null));
    if (e->id.type == TBE_ENT_DEVICE) {
        struct tbe_uuid id = e->id.id;

        hub_device_changed(l->d->hub, &id);
    }
    return true;
}

static void
remove_customer(struct down *d, const struct store_entity *e)
{
    static const enum tbe_entity_type types[] = { TBE_ENT_DEVICE, TBE_ENT_ASSET, TBE_ENT_ENTITY_VIEW, TBE_ENT_USER };
    struct leaving l = { d, &e->id.id };

    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        store_entity_each(d->s, types[i], unassign_one, &l);
    }
    store_delete_entity(d->b, &e->id);
}

static const struct down_kind customer = {
    .type = TBE_ENT_CUSTOMER, .name = "title", .clash = DOWN_CLASH_REPLACE, .flags = DOWN_REQUEST_ALWAYS,
    .remove = remove_customer,
};

void
down_customer_update(struct down *d, const struct down_update *u)
{
    down_entity(d, &customer, u);
}
