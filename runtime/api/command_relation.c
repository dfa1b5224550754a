/* SPDX-License-Identifier: Apache-2.0 */
/* The command relation, and entities as people name them. What REST does on an edge: the rule engine is told at both
 * ends (facts/rule-nodes.md 2.1), the cloud once (facts/edge-cloud-protocol.md 4.3). */
#include "config.h"

#include "api/command.h"

#include <string.h>

#define RELATION_TYPE_MAX 255 /* bytes */

/* Behind "TYPE:". */
static bool
find_named(struct command *c, enum tbe_entity_type type, struct tbe_str rest, struct tbe_entity *e)
{
    const struct store_entity *se = store_entity_by_name(c->store, type, rest);

    *e = (struct tbe_entity){ .type = type };
    if (se != NULL) {
        *e = se->id;
        return true;
    }
    if (!tbe_uuid_parse(rest, &e->id)) {
        return false;
    }
    return store_entity(c->store, e) != NULL ||
           (type == TBE_ENT_TENANT && tbe_uuid_eq(&e->id, store_tenant(c->store)));
}

int
command_entity(struct command *c, struct tbe_str word, struct tbe_entity *e)
{
    const char *colon = memchr(word.p, ':', word.n);
    struct hub_device *d;

    if (colon != NULL) {
        size_t n = (size_t)(colon - word.p);
        enum tbe_entity_type type = tbe_entity_type_parse((struct tbe_str){ word.p, n });
        struct tbe_str rest = { colon + 1, word.n - n - 1 };

        if (type != TBE_ENT_NONE) {
            return find_named(c, type, rest, e)
                       ? 0
                       : command_fail(c, "there is no %s \"%.*s\"", tbe_entity_type_name(type), (int)rest.n, rest.p);
        }
    }
    d = hub_device_by_name(c->hub, word);
    if (d == NULL && tbe_str_eqz(word, "TENANT")) {
        *e = (struct tbe_entity){ TBE_ENT_TENANT, *store_tenant(c->store) };
        return 0;
    }
    if (d == NULL) {
        return command_fail(c, "there is no device \"%.*s\"", (int)word.n, word.p);
    }
    *e = (struct tbe_entity){ TBE_ENT_DEVICE, d->id };
    return 0;
}

int
command_user(struct command *c, struct tbe_uuid *user)
{
    const struct store_entity *e;
    struct tbe_str email;

    *user = tbe_uuid_null;
    if (!command_option(c, "--user", &email)) {
        return 0;
    }
    e = store_entity_by_name(c->store, TBE_ENT_USER, email);
    if (e == NULL) {
        return command_fail(c, "there is no user \"%.*s\"", (int)email.n, email.p);
    }
    *user = e->id.id;
    return 0;
}

static int
read_ends(struct command *c, struct store_relation *r)
{
    int status = command_entity(c, c->argv[0], &r->from);

    if (status != 0 || (status = command_entity(c, c->argv[2], &r->to)) != 0) {
        return status;
    }
    r->type = c->argv[1];
    if (r->type.n == 0 || r->type.n > RELATION_TYPE_MAX) {
        return command_fail(c, "a relation type has 1 to %d bytes", RELATION_TYPE_MAX);
    }
    return 0;
}

static void
tell(struct command *c, const struct store_relation *r, bool deleted, const struct tbe_uuid *user)
{
    struct tbe_str type = deleted ? TBE_STR("RELATION_DELETED") : TBE_STR("RELATION_ADD_OR_UPDATE");
    struct tbe_buf b = { 0 };

    hub_cloud_relation(c->hub, r, deleted);
    hub_relation_json(&b, r);
    hub_action(c->hub, &r->from, type, tbe_buf_str(&b), TBE_STR_NONE, user);
    hub_action(c->hub, &r->to, type, tbe_buf_str(&b), TBE_STR_NONE, user);
    tbe_buf_free(&b);
}

int
command_relation_add(struct command *c)
{
    struct store_relation r = { .type = TBE_STR_NONE };
    struct tbe_uuid user;
    tbe_val v;
    int status;

    if (command_option(c, "--info", &r.info)) {
        if (tbe_json_parse(&c->a, r.info, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
            return command_usage(c, "--info must be a JSON object");
        }
        r.info = tbe_json_text(&c->a, v, TBE_OUT_JAVA);
    }
    status = command_user(c, &user);
    if (status != 0 || (status = command_words(c, 3, 3, "relation add FROM TYPE TO [--info JSON]")) != 0 ||
        (status = read_ends(c, &r)) != 0) {
        return status;
    }
    store_put_relation(hub_batch(c->hub), &r);
    tell(c, &r, false, &user);
    return 0;
}

struct wanted {
    struct command *c;
    struct store_relation *r; /* info is filled in */
    bool found;
};

static bool
is_wanted(void *arg, const struct store_relation *r)
{
    struct wanted *w = arg;

    w->found = tbe_entity_eq(&r->to, &w->r->to) && (r->group.p == NULL || tbe_str_eqz(r->group, "COMMON"));
    if (w->found && r->info.n > 0) {
        w->r->info = tbe_arena_dup(&w->c->a, r->info);
    }
    return !w->found;
}

int
command_relation_rm(struct command *c)
{
    struct store_relation r = { .type = TBE_STR_NONE };
    struct wanted w = { c, &r, false };
    struct tbe_uuid user;
    int status = command_user(c, &user);

    if (status != 0 || (status = command_words(c, 3, 3, "relation rm FROM TYPE TO")) != 0 ||
        (status = read_ends(c, &r)) != 0) {
        return status;
    }
    store_relation_each(c->store, &r.from, true, r.type, is_wanted, &w);
    if (!w.found) {
        return command_fail(c, "there is no such relation");
    }
    store_delete_relation(hub_batch(c->hub), &r);
    tell(c, &r, true, &user);
    return 0;
}

struct listing {
    struct command *c;
    struct tbe_entity self;
    bool json, back; /* back: relations to it */
};

static void
put_end(struct command *c, const struct tbe_entity *e)
{
    const struct store_entity *se = store_entity(c->store, e);
    char id[TBE_UUID_TEXT + 1];

    tbe_uuid_text(&e->id, id);
    tbe_buf_fmt(&c->out, "%s:", tbe_entity_type_name(e->type));
    tbe_buf_puts(&c->out, se != NULL && se->name.n > 0 ? se->name : tbe_strz(id));
}

static bool
list_one(void *arg, const struct store_relation *r)
{
    struct listing *l = arg;
    struct command *c = l->c;

    if (l->back && tbe_entity_eq(&r->from, &l->self)) {
        return true; /* to itself: shown already */
    }
    if (l->json) {
        hub_relation_json(&c->out, r);
    } else {
        put_end(c, &r->from);
        tbe_buf_fmt(&c->out, "\t%.*s\t", (int)r->type.n, r->type.p);
        put_end(c, &r->to);
    }
    tbe_buf_putc(&c->out, '\n');
    return command_line(c);
}

int
command_relation_list(struct command *c)
{
    struct listing l = { .c = c, .json = command_flag(c, "--json") };
    int r = command_words(c, 1, 2, "relation list ENTITY [TYPE] [--json]");
    struct tbe_str type;

    if (r != 0 || (r = command_entity(c, c->argv[0], &l.self)) != 0) {
        return r;
    }
    type = c->argc > 1 ? c->argv[1] : TBE_STR_NONE;
    store_relation_each(c->store, &l.self, true, type, list_one, &l);
    l.back = true;
    store_relation_each(c->store, &l.self, false, type, list_one, &l);
    return 0;
}
