/* SPDX-License-Identifier: Apache-2.0 */
/* What the web interface is made of: dashboards, widgets, resources. Kept as they come, for the API. */
#include "config.h"
#include "cloud/downlink.h"

/* Dashboards ------------------------------------------------------------------------------------------- */

/* assignedCustomers: those that are here. */
static void
limit_customers(struct down *d, struct down_item *it)
{
    tbe_val list = down_get(it->json, "assignedCustomers"), kept;

    if (list.t != TBE_LIST) {
        return;
    }
    kept = tbe_list_new(&d->a, list.u.l->n);
    for (uint32_t i = 0; i < list.u.l->n; i++) {
        struct tbe_entity c = { .type = TBE_ENT_CUSTOMER };

        if (down_id(list.u.l->v[i], "customerId", &c.id) && store_entity(d->s, &c)) {
            tbe_list_push(&d->a, kept.u.l, list.u.l->v[i]);
        }
    }
    if (kept.u.l->n < list.u.l->n) {
        down_set(d, it, "assignedCustomers", kept);
    }
}

static bool
edit_dashboard(struct down *d, struct down_item *it)
{
    limit_customers(d, it);
    return true;
}

static const struct down_kind dashboard = {
    .type = TBE_ENT_DASHBOARD, .name = "title", .flags = DOWN_EVENT_DELETED | DOWN_REQUEST, .edit = edit_dashboard,
};

void
down_dashboard(struct down *d, const struct down_update *u)
{
    down_entity(d, &dashboard, u);
}

/* Widgets ---------------------------------------------------------------------------------------------- */

static struct tbe_str
widgets_key(struct down *d, const struct tbe_uuid *bundle)
{
    char id[TBE_UUID_TEXT + 1];

    tbe_uuid_text(bundle, id);
    return tbe_arena_fmt(&d->a, "bundle.widgets.%s", id);
}

static bool
edit_bundle(struct down *d, struct down_item *it)
{
    it->e.kind = it->e.name;
    it->e.name = down_owned_name(d, it->json, down_str(it->json, "alias"));
    return true;
}

static void
remove_bundle(struct down *d, const struct store_entity *e)
{
    store_put_state(d->b, widgets_key(d, &e->id.id), TBE_STR_NONE);
    store_delete_entity(d->b, &e->id);
}

/* The alias of a system bundle is unique; of a tenant's it is too, here. */
static const struct down_kind bundle = {
    .type = TBE_ENT_WIDGETS_BUNDLE, .name = "title", .clash = DOWN_CLASH_REPLACE, .edit = edit_bundle,
    .remove = remove_bundle,
};

void
down_widgets_bundle(struct down *d, const struct down_update *u)
{
    struct tbe_entity e = { TBE_ENT_WIDGETS_BUNDLE, u->id };
    struct tbe_str key;

    down_entity(d, &bundle, u);
    key = widgets_key(d, &u->id);
    if (u->op != DOWN_DELETED && u->extra.n > 0 && store_entity(d->s, &e) &&
        !tbe_str_eq(store_state(d->s, key), u->extra)) {
        store_put_state(d->b, key, u->extra);
    }
}

static bool
edit_widget(struct down *d, struct down_item *it)
{
    it->e.kind = it->e.name;
    it->e.name = down_owned_name(d, it->json, down_str(it->json, "fqn"));
    return true;
}

static const struct down_kind widget = {
    .type = TBE_ENT_WIDGET_TYPE, .name = "name", .clash = DOWN_CLASH_REPLACE, .edit = edit_widget,
};

void
down_widget_type(struct down *d, const struct down_update *u)
{
    down_entity(d, &widget, u);
}

/* Resources -------------------------------------------------------------------------------------------- */

/* Keystores cannot be replaced once they are there: an update brings everything but the data. */
static bool
keeps_data(struct tbe_str type)
{
    return tbe_str_eqz(type, "JKS") || tbe_str_eqz(type, "PKCS_12");
}

static bool
edit_resource(struct down *d, struct down_item *it)
{
    struct tbe_str type = down_str(it->json, "resourceType"), key = down_str(it->json, "resourceKey");
    tbe_val old;

    it->e.kind = type;
    it->e.name = down_owned_name(d, it->json, tbe_arena_fmt(&d->a, "%.*s/%.*s", (int)type.n, type.p ? type.p : "",
                                                            (int)key.n, key.p ? key.p : ""));
    if (it->old && keeps_data(type) &&
        tbe_json_parse(&d->a, it->old->json, TBE_JSON_RAW | TBE_JSON_BORROW, &old, NULL) == 0) {
        tbe_val data = down_get(old, "data");

        if (data.t != TBE_UNDEF) {
            down_set(d, it, "data", data);
        }
    }
    return true;
}

static const struct down_kind resource = {
    .type = TBE_ENT_TB_RESOURCE, .name = "title", .clash = DOWN_CLASH_REPLACE, .edit = edit_resource,
};

void
down_resource(struct down *d, const struct down_update *u)
{
    down_entity(d, &resource, u);
}
