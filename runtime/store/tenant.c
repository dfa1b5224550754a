/* SPDX-License-Identifier: Apache-2.0 */
/* The tenant this edge belongs to: a random one until a cloud names its own. Then what the edge has made so
 * far is moved over, or, when the edge became another one, everything goes
 * (facts/edge-cloud-protocol.md 2.3). */
#include "config.h"
#include "store/internal.h"
#include <string.h>
#include "base/clock.h"

struct ids {
    struct tbe_arena arena;
    struct tbe_entity *v;
    uint32_t n, cap;
};

static bool
add_id(void *arg, const struct store_entity *e)
{
    struct ids *l = arg;
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 256;
        struct tbe_entity *v = tbe_arena_alloc(&l->arena, cap * sizeof *v);
        if (!v) {
            store_oom();
        }
        if (l->n) {
            memcpy(v, l->v, l->n * sizeof *v);
        }
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = e->id;
    return true;
}

static void
all_ids(struct store *s, struct ids *l)
{
    *l = (struct ids){ 0 };
    tbe_arena_init(&l->arena, 0);
    for (int t = TBE_ENT_NONE + 1; t < TBE_ENT_COUNT; t++) {
        store_entity_each(s, (enum tbe_entity_type)t, add_id, l);
    }
}

/* Every mention of the old id in a text becomes the new one: same length, in place. False: none. */
static bool
rename_id(char *p, size_t n, const char *old, const char *new)
{
    bool any = false;
    for (char *at = p; (at = memmem(at, n - (size_t)(at - p), old, TBE_UUID_TEXT)) != NULL;) {
        memcpy(at, new, TBE_UUID_TEXT);
        at += TBE_UUID_TEXT;
        any = true;
    }
    return any;
}

static void
move_entity(struct store_batch *b, const struct tbe_entity *id, const struct tbe_uuid *tenant, const char *old,
            const char *new)
{
    const struct store_entity *e = store_entity(b->s, id);
    if (!e) {
        return;
    }
    struct store_entity copy = *e;
    copy.json = tbe_arena_dup(store_batch_arena(b), e->json);
    bool any = rename_id((char *)(uintptr_t)copy.json.p, copy.json.n, old, new);
    if (id->type == TBE_ENT_TENANT && tbe_uuid_eq(&id->id, &b->s->tenant)) {
        copy.id.id = *tenant;
        copy.name = tbe_arena_dup(store_batch_arena(b), e->name);
        store_delete_entity(b, id);
        store_put_entity(b, &copy);
    } else if (any) {
        store_put_entity(b, &copy);
    }
}

struct attr_copy {
    struct store_batch *b;
    struct tbe_entity to;
    struct tbe_kv kv[256];
    int64_t ts[256];
    uint32_t n;
};

static bool
add_attr(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct attr_copy *c = arg;
    struct tbe_kv *k = &c->kv[c->n];
    if (c->n == 256) {
        return false;
    }
    *k = *kv;
    k->key = tbe_arena_dup(store_batch_arena(c->b), kv->key);
    k->s = kv->type >= TBE_KV_STRING ? tbe_arena_dup(store_batch_arena(c->b), kv->s) : TBE_STR_NONE;
    c->ts[c->n++] = ts;
    return true;
}

static void
put_tenant(struct store_batch *b, const struct tbe_uuid *tenant)
{
    b->s->tenant = *tenant;
    store_put_state(b, TBE_STR("tenant"), ckey_uuid(&b->s->tenant));
}

void
store_tenant_set(struct store_batch *b, const struct tbe_uuid *tenant)
{
    struct store *s = b->s;
    struct tbe_entity from = { TBE_ENT_TENANT, s->tenant };
    struct attr_copy attrs[STORE_SCOPES] = { 0 };
    struct ids l;
    char old[TBE_UUID_TEXT + 1], new[TBE_UUID_TEXT + 1];
    if (!store_writable(b) || tbe_uuid_eq(&s->tenant, tenant)) {
        return;
    }
    struct op *op = op_new(b, ST_ALARM_SHOW_MOVE, 3);
    op_uuid(b, op, 1, &s->tenant);
    op_int(op, 2, TBE_ENT_TENANT);
    op_uuid(b, op, 3, tenant);
    tbe_uuid_text(&s->tenant, old);
    tbe_uuid_text(tenant, new);
    for (int sc = 0; sc < STORE_SCOPES; sc++) {
        attrs[sc].b = b;
        store_attr_each(s, &from, (enum store_scope)sc, add_attr, &attrs[sc]);
    }
    all_ids(s, &l);
    for (uint32_t i = 0; i < l.n; i++) {
        move_entity(b, &l.v[i], tenant, old, new);
    }
    tbe_arena_free(&l.arena);
    put_tenant(b, tenant);
    from.id = *tenant;
    for (int sc = 0; sc < STORE_SCOPES; sc++) {
        for (uint32_t i = 0; i < attrs[sc].n; i++) {
            struct tbe_kvs one = { &attrs[sc].kv[i], 1 };
            store_save_attrs(b, &from, (enum store_scope)sc, attrs[sc].ts[i], &one);
        }
    }
}

void
store_wipe(struct store_batch *b, const struct tbe_uuid *tenant)
{
    struct ids l;
    if (!store_writable(b)) {
        return;
    }
    all_ids(b->s, &l);
    for (uint32_t i = 0; i < l.n; i++) {
        store_delete_entity(b, &l.v[i]);
    }
    tbe_arena_free(&l.arena);
    store_outbox_ack(b, true, store_outbox_head(b->s));
    store_outbox_ack(b, false, INT64_MAX);
    const struct tbe_uuid *keep = b->s->o.tenant;
    b->s->o.tenant = tenant;
    store_first_rows(b->s, b);
    b->s->o.tenant = keep;
}
