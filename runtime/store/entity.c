/* SPDX-License-Identifier: Apache-2.0 */
/* Entities, their names, and device credentials. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

struct entity_node {
    struct cnode n;
    struct store_entity *e; /* NULL: there is none. One allocation with its strings */
};

struct id_node { /* CK_NAME, CK_CRED_ID */
    struct cnode n;
    bool found;
    struct tbe_uuid id;
};

struct cred_node {
    struct cnode n;
    struct store_cred *c; /* NULL: none; as above */
};

static void
drop_entity(struct cnode *n)
{
    free(((struct entity_node *)n)->e);
}

static void
drop_cred(struct cnode *n)
{
    free(((struct cred_node *)n)->c);
}

void
entity_cache_setup(struct cache *c)
{
    c->drop[CK_ENTITY] = drop_entity;
    c->drop[CK_CRED] = drop_cred;
}

static struct cnode *
add(struct store *s, enum cache_kind kind, struct tbe_str key, size_t size)
{
    struct cnode *n = cache_add(&s->cache, kind, key, size);
    if (!n) {
        store_oom();
    }
    return n;
}

static struct tbe_str
put_str(char **at, struct tbe_str s)
{
    if (!s.p) {
        return s;
    }
    struct tbe_str copy = { *at, s.n };
    if (s.n) {
        memcpy(*at, s.p, s.n);
    }
    (*at)[s.n] = 0;
    *at += s.n + 1;
    return copy;
}

static struct store_entity *
entity_dup(const struct store_entity *e)
{
    struct store_entity *c = malloc(sizeof *c + e->name.n + e->kind.n + e->label.n + e->json.n + 4);
    if (!c) {
        store_oom();
    }
    *c = *e;
    char *at = (char *)(c + 1);
    c->name = put_str(&at, e->name);
    c->kind = put_str(&at, e->kind);
    c->label = put_str(&at, e->label);
    c->json = put_str(&at, e->json);
    return c;
}

static void
entity_set(struct store *s, struct entity_node *n, const struct store_entity *e)
{
    cache_bury(&s->cache, n->e);
    n->e = e ? entity_dup(e) : NULL;
    cache_cost(&s->cache, &n->n, e ? sizeof *e + e->name.n + e->kind.n + e->label.n + e->json.n : 0);
}

static struct entity_node *
entity_load(struct store *s, const struct tbe_entity *id)
{
    struct ckey k;
    struct tbe_str key = ckey_entity(&k, id);
    struct entity_node *n = (struct entity_node *)cache_find(&s->cache, CK_ENTITY, key);
    if (n) {
        return n;
    }
    n = (struct entity_node *)add(s, CK_ENTITY, key, sizeof *n);
    sqlite3_stmt *st = db_stmt(s->rd, ST_ENTITY_GET);
    if (st) {
        db_bind_uuid(st, 1, &id->id);
        sqlite3_bind_int(st, 2, (int)id->type);
    }
    if (db_row(s->rd, st)) {
        struct store_entity e = {
            .id = *id, .created = sqlite3_column_int64(st, 0), .name = db_col_str(st, 1), .kind = db_col_str(st, 2),
            .label = db_col_str(st, 3), .customer = db_col_uuid(st, 4),
            .profile = db_col_uuid(st, 5),
            .version = (uint64_t)sqlite3_column_int64(st, 6), .json = db_col_str(st, 7),
        };
        entity_set(s, n, &e);
        sqlite3_reset(st);
    }
    return n;
}

const struct store_entity *
store_entity(struct store *s, const struct tbe_entity *id)
{
    return entity_load(s, id)->e;
}

#define NAME_MAX_KEY 512u /* longer names (ThingsBoard allows 255 characters) are not cached but never lost */

static struct tbe_str
name_key(char buf[NAME_MAX_KEY + 1], enum tbe_entity_type t, struct tbe_str name)
{
    size_t n = name.n < NAME_MAX_KEY ? name.n : NAME_MAX_KEY;
    buf[0] = (char)t;
    if (n) {
        memcpy(buf + 1, name.p, n);
    }
    return (struct tbe_str){ buf, n + 1 };
}

static struct id_node *
name_load(struct store *s, enum tbe_entity_type t, struct tbe_str name)
{
    char buf[NAME_MAX_KEY + 1];
    struct tbe_str key = name_key(buf, t, name);
    struct id_node *n = (struct id_node *)cache_find(&s->cache, CK_NAME, key);
    if (n) {
        return n;
    }
    n = (struct id_node *)add(s, CK_NAME, key, sizeof *n);
    sqlite3_stmt *st = db_stmt(s->rd, ST_ENTITY_NAME);
    if (st) {
        sqlite3_bind_int(st, 1, (int)t);
        db_bind_text(st, 2, name);
    }
    if (db_row(s->rd, st)) {
        n->found = true;
        n->id = db_col_uuid(st, 0);
        sqlite3_reset(st);
    }
    return n;
}

const struct store_entity *
store_entity_by_name(struct store *s, enum tbe_entity_type t, struct tbe_str name)
{
    if (!name.p || name.n >= NAME_MAX_KEY) {
        return NULL;
    }
    struct id_node *n = name_load(s, t, name);
    if (!n->found) {
        return NULL;
    }
    struct tbe_entity id = { t, n->id };
    return store_entity(s, &id);
}

/* Top-level member "default": true, by which ThingsBoard marks the default profile. */
static bool
says_default(struct tbe_str json)
{
    int depth = 0;
    bool str = false;
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        if (str) {
            i += c == '\\';
            str = c != '"';
            continue;
        }
        if (c == '"' && depth == 1 && json.n - i > 9 && memcmp(json.p + i, "\"default\"", 9) == 0) {
            size_t j = i + 9;
            while (j < json.n && (json.p[j] == ' ' || json.p[j] == ':' || json.p[j] == '\n')) {
                j++;
            }
            if (j > i + 9 && json.n - j >= 4 && memcmp(json.p + j, "true", 4) == 0) {
                return true;
            }
        }
        str = c == '"';
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    }
    return false;
}

static struct tbe_str
default_key(enum tbe_entity_type t)
{
    return t == TBE_ENT_ASSET_PROFILE ? TBE_STR("default.asset_profile") : TBE_STR("default.device_profile");
}

void
store_put_entity(struct store_batch *b, const struct store_entity *in)
{
    if (!store_writable(b)) {
        return;
    }
    struct store *s = b->s;
    struct entity_node *n = entity_load(s, &in->id);
    struct store_entity e = *in;
    e.version = (n->e ? n->e->version : 0) + 1;
    if (!e.name.p) {
        e.name = TBE_STR("");
    }
    if (!e.json.p) {
        e.json = TBE_STR("{}");
    }
    if (n->e && !tbe_str_eq(n->e->name, e.name)) {
        struct id_node *old = name_load(s, e.id.type, n->e->name);
        if (old->found && tbe_uuid_eq(&old->id, &e.id.id)) {
            old->found = false;
        }
        batch_pin(b, &old->n);
    }
    struct id_node *name = name_load(s, e.id.type, e.name);
    name->found = true;
    name->id = e.id.id;
    batch_pin(b, &name->n);
    entity_set(s, n, &e);
    batch_pin(b, &n->n);
    struct op *op = op_new(b, ST_ENTITY_PUT, 10);
    op_int(op, 1, e.id.type);
    op_uuid(b, op, 2, &e.id.id);
    op_int(op, 3, e.created);
    op_text(b, op, 4, e.name);
    op_text(b, op, 5, e.kind);
    op_text(b, op, 6, e.label);
    op_uuid(b, op, 7, &e.customer);
    op_uuid(b, op, 8, &e.profile);
    op_int(op, 9, (int64_t)e.version);
    op_text(b, op, 10, e.json);
    if ((e.id.type == TBE_ENT_DEVICE_PROFILE || e.id.type == TBE_ENT_ASSET_PROFILE) &&
        says_default(e.json)) {
        store_put_state(b, default_key(e.id.type), ckey_uuid(&e.id.id));
    }
}

void
store_watch_set(struct store *s, const struct store_watch *w)
{
    s->watch = w;
}

const struct tbe_uuid *
store_tenant(struct store *s)
{
    return &s->tenant;
}

const struct store_entity *
store_default_profile(struct store *s, enum tbe_entity_type t)
{
    struct tbe_str id = store_state(s, default_key(t));
    struct tbe_entity e = { .type = t };
    if (id.n != sizeof e.id.b) {
        return store_entity_by_name(s, t, TBE_STR("default"));
    }
    memcpy(e.id.b, id.p, id.n);
    const struct store_entity *p = store_entity(s, &e);
    return p ? p : store_entity_by_name(s, t, TBE_STR("default"));
}

static void
cred_delete(struct store_batch *b, const struct tbe_uuid *device);

void
store_delete_entity(struct store_batch *b, const struct tbe_entity *id)
{
    struct store *s = b->s;
    struct entity_node *n = store_writable(b) ? entity_load(s, id) : NULL;
    if (!n) {
        return;
    }
    attr_delete_all(b, id);
    relation_delete_all(b, id);
    alarm_delete_all(b, id);
    latest_delete_all(b, id);
    rule_chain_delete_all(b, id);
    if (id->type == TBE_ENT_DEVICE) {
        cred_delete(b, &id->id);
    }
    if (n->e) {
        struct id_node *name = name_load(s, id->type, n->e->name);
        if (name->found && tbe_uuid_eq(&name->id, &id->id)) {
            name->found = false;
        }
        batch_pin(b, &name->n);
    }
    entity_set(s, n, NULL);
    batch_pin(b, &n->n);
    struct op *op = op_new(b, ST_ENTITY_DEL, 2);
    op_uuid(b, op, 1, &id->id);
    op_int(op, 2, id->type);
}

struct id_list {
    struct tbe_uuid *v;
    uint32_t n, cap;
};

static void
id_list_add(struct id_list *l, const struct tbe_uuid *id)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        struct tbe_uuid *v = realloc(l->v, l->cap * sizeof *v);
        if (!v) {
            store_oom();
        }
        l->v = v;
    }
    l->v[l->n++] = *id;
}

/* By name; those not committed yet come after the others. */
void
store_entity_each(struct store *s, enum tbe_entity_type t, store_entity_fn *fn, void *arg)
{
    struct id_list ids = { 0 };
    sqlite3_stmt *st = db_stmt(s->rd, ST_ENTITY_EACH);
    if (st) {
        sqlite3_bind_int(st, 1, (int)t);
    }
    while (db_row(s->rd, st)) {
        struct tbe_entity e = { t, db_col_uuid(st, 0) };
        struct ckey k;
        struct cnode *n = cache_find(&s->cache, CK_ENTITY, ckey_entity(&k, &e));
        if (!n || n->pin <= store_done_no(s)) {
            id_list_add(&ids, &e.id);
        }
    }
    for (struct cnode *n = NULL; (n = cache_pinned(&s->cache, CK_ENTITY, store_done_no(s), n));) {
        const struct store_entity *e = ((struct entity_node *)n)->e;
        if (e && e->id.type == t) {
            id_list_add(&ids, &e->id.id);
        }
    }
    for (uint32_t i = 0; i < ids.n; i++) {
        struct tbe_entity id = { t, ids.v[i] };
        const struct store_entity *e = store_entity(s, &id);
        if (e && !fn(arg, e)) {
            break;
        }
    }
    free(ids.v);
}

/* Credentials ---------------------------------------------------------------------------------- */

static void
cred_set(struct store *s, struct cred_node *n, const struct store_cred *c)
{
    cache_bury(&s->cache, n->c);
    n->c = NULL;
    if (c) {
        struct store_cred *d = malloc(sizeof *d + c->id.n + c->value.n + 2);
        if (!d) {
            store_oom();
        }
        *d = *c;
        char *at = (char *)(d + 1);
        d->id = put_str(&at, c->id);
        d->value = put_str(&at, c->value);
        n->c = d;
    }
    cache_cost(&s->cache, &n->n, c ? sizeof *c + c->id.n + c->value.n : 0);
}

static struct cred_node *
cred_load(struct store *s, const struct tbe_uuid *device)
{
    struct cred_node *n = (struct cred_node *)cache_find(&s->cache, CK_CRED, ckey_uuid(device));
    if (n) {
        return n;
    }
    n = (struct cred_node *)add(s, CK_CRED, ckey_uuid(device), sizeof *n);
    sqlite3_stmt *st = db_stmt(s->rd, ST_CRED_GET);
    if (st) {
        db_bind_uuid(st, 1, device);
    }
    if (db_row(s->rd, st)) {
        struct store_cred c = { .device = *device, .type = (enum store_cred_type)sqlite3_column_int(st, 0),
                                .id = db_col_str(st, 1), .value = db_col_str(st, 2) };
        cred_set(s, n, &c);
        sqlite3_reset(st);
    }
    return n;
}

static struct id_node *
cred_id_load(struct store *s, struct tbe_str id)
{
    struct id_node *n = (struct id_node *)cache_find(&s->cache, CK_CRED_ID, id);
    if (n) {
        return n;
    }
    n = (struct id_node *)add(s, CK_CRED_ID, id, sizeof *n);
    sqlite3_stmt *st = db_stmt(s->rd, ST_CRED_BY_ID);
    if (st) {
        db_bind_text(st, 1, id);
    }
    if (db_row(s->rd, st)) {
        n->found = true;
        n->id = db_col_uuid(st, 0);
        sqlite3_reset(st);
    }
    return n;
}

#define CRED_ID_MAX 4096u /* longer ids cannot be stored by any API; not looked up, so not cached either */

bool
store_cred_find(struct store *s, struct tbe_str id, struct store_cred *out)
{
    if (!id.p || id.n > CRED_ID_MAX) {
        return false;
    }
    struct id_node *n = cred_id_load(s, id);
    return n->found && store_cred_of(s, &n->id, out);
}

bool
store_cred_of(struct store *s, const struct tbe_uuid *device, struct store_cred *out)
{
    struct cred_node *n = cred_load(s, device);
    if (!n->c) {
        return false;
    }
    *out = *n->c;
    return true;
}

static void
cred_forget_id(struct store_batch *b, const struct cred_node *n)
{
    if (n->c) {
        struct id_node *id = cred_id_load(b->s, n->c->id);
        if (id->found && tbe_uuid_eq(&id->id, &n->c->device)) {
            id->found = false;
        }
        batch_pin(b, &id->n);
    }
}

void
store_put_cred(struct store_batch *b, const struct store_cred *c)
{
    if (!store_writable(b)) {
        return;
    }
    struct store *s = b->s;
    struct cred_node *n = cred_load(s, &c->device);
    cred_forget_id(b, n);
    struct id_node *id = cred_id_load(s, c->id);
    id->found = true;
    id->id = c->device;
    batch_pin(b, &id->n);
    cred_set(s, n, c);
    batch_pin(b, &n->n);
    struct op *op = op_new(b, ST_CRED_PUT, 4);
    op_uuid(b, op, 1, &c->device);
    op_int(op, 2, c->type);
    op_text(b, op, 3, c->id);
    op_text(b, op, 4, c->value);
}

static void
cred_delete(struct store_batch *b, const struct tbe_uuid *device)
{
    struct cred_node *n = cred_load(b->s, device);
    cred_forget_id(b, n);
    cred_set(b->s, n, NULL);
    batch_pin(b, &n->n);
    struct op *op = op_new(b, ST_CRED_DEL, 1);
    op_uuid(b, op, 1, device);
}
