/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms (facts/rule-nodes.md 14). A mirror node per alarm, and one per originator with the ids of
 * its active (not cleared) alarms. */
#include "config.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

enum { F_ACK = 1, F_CLEAR = 2, F_PROPAGATE = 4, F_OWNER = 8, F_TENANT = 16 };

struct alarm_node {
    struct cnode n;
    struct store_alarm *a; /* NULL: there is none. One allocation with its strings */
};

struct active_node {
    struct cnode n;
    struct tbe_uuid *v;
    uint32_t count, cap;
};

static void
drop_alarm(struct cnode *c)
{
    free(((struct alarm_node *)c)->a);
}

static void
drop_active(struct cnode *c)
{
    free(((struct active_node *)c)->v);
}

void
alarm_cache_setup(struct cache *c)
{
    c->drop[CK_ALARM] = drop_alarm;
    c->drop[CK_ACTIVE] = drop_active;
}

static void
alarm_set(struct store *s, struct alarm_node *n, const struct store_alarm *a)
{
    cache_bury(&s->cache, n->a);
    n->a = NULL;
    size_t bytes = 0;
    if (a) {
        bytes = sizeof *a + a->type.n + a->severity.n + a->details.n + a->propagate_relations.n + 4;
        n->a = malloc(bytes);
        if (!n->a) {
            store_oom();
        }
        *n->a = *a;
        char *at = (char *)(n->a + 1);
        struct tbe_str *fields[] = { &n->a->type, &n->a->severity, &n->a->details, &n->a->propagate_relations };
        for (unsigned i = 0; i < 4; i++) {
            if (fields[i]->p) {
                memcpy(at, fields[i]->p, fields[i]->n);
                fields[i]->p = at;
                at += fields[i]->n;
                *at++ = 0;
            }
        }
    }
    cache_cost(&s->cache, &n->n, bytes);
}

static void
read_row(sqlite3_stmt *st, const struct tbe_uuid *id, struct store_alarm *a)
{
    int64_t flags = sqlite3_column_int64(st, 5);
    *a = (struct store_alarm){
        .id = *id, .originator = { (enum tbe_entity_type)sqlite3_column_int(st, 1), db_col_uuid(st, 0) },
        .customer = db_col_uuid(st, 2), .type = db_col_str(st, 3), .severity = db_col_str(st, 4),
        .ack = flags & F_ACK, .clear = flags & F_CLEAR, .propagate = flags & F_PROPAGATE,
        .propagate_owner = flags & F_OWNER, .propagate_tenant = flags & F_TENANT,
        .created = sqlite3_column_int64(st, 6), .start = sqlite3_column_int64(st, 7),
        .end = sqlite3_column_int64(st, 8), .ack_ts = sqlite3_column_int64(st, 9),
        .clear_ts = sqlite3_column_int64(st, 10), .assign_ts = sqlite3_column_int64(st, 11),
        .assignee = db_col_uuid(st, 12), .details = db_col_str(st, 13), .propagate_relations = db_col_str(st, 14),
    };
}

static struct alarm_node *
alarm_load(struct store *s, const struct tbe_uuid *id)
{
    struct alarm_node *n = (struct alarm_node *)cache_find(&s->cache, CK_ALARM, ckey_uuid(id));
    if (n) {
        return n;
    }
    n = (struct alarm_node *)cache_add(&s->cache, CK_ALARM, ckey_uuid(id), sizeof *n);
    if (!n) {
        store_oom();
    }
    sqlite3_stmt *st = db_stmt(s->rd, ST_ALARM_GET);
    if (st) {
        db_bind_uuid(st, 1, id);
    }
    if (db_row(s->rd, st)) {
        struct store_alarm a;
        read_row(st, id, &a);
        alarm_set(s, n, &a);
        sqlite3_reset(st);
    }
    return n;
}

static void
active_set(struct store *s, struct active_node *n, const struct tbe_uuid *id, bool active)
{
    uint32_t i = 0;
    while (i < n->count && !tbe_uuid_eq(&n->v[i], id)) {
        i++;
    }
    if (!active) {
        if (i < n->count) {
            n->v[i] = n->v[--n->count];
        }
        return;
    }
    if (i < n->count) {
        return;
    }
    if (n->count == n->cap) {
        n->cap = n->cap ? n->cap * 2 : 4;
        struct tbe_uuid *v = realloc(n->v, n->cap * sizeof *v);
        if (!v) {
            store_oom();
        }
        n->v = v;
        cache_cost(&s->cache, &n->n, n->cap * sizeof *v);
    }
    n->v[n->count++] = *id;
}

static struct active_node *
active_load(struct store *s, const struct tbe_entity *o)
{
    struct ckey k;
    struct tbe_str key = ckey_entity(&k, o);
    struct active_node *n = (struct active_node *)cache_find(&s->cache, CK_ACTIVE, key);
    if (n) {
        return n;
    }
    n = (struct active_node *)cache_add(&s->cache, CK_ACTIVE, key, sizeof *n);
    if (!n) {
        store_oom();
    }
    sqlite3_stmt *st = db_stmt(s->rd, ST_ALARM_ACTIVE);
    if (st) {
        db_bind_uuid(st, 1, &o->id);
        sqlite3_bind_int(st, 2, (int)o->type);
    }
    while (db_row(s->rd, st)) {
        struct tbe_uuid id = db_col_uuid(st, 0);
        active_set(s, n, &id, true);
    }
    return n;
}

bool
store_alarm(struct store *s, const struct tbe_uuid *id, struct store_alarm *out)
{
    const struct alarm_node *n = alarm_load(s, id);
    if (!n->a) {
        return false;
    }
    *out = *n->a;
    return true;
}

/* The latest by start, then by creation (14.3, 11.11). */
bool
store_alarm_active(struct store *s, const struct tbe_entity *originator, struct tbe_str type,
                   struct store_alarm *out)
{
    const struct active_node *n = active_load(s, originator);
    const struct store_alarm *best = NULL;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct store_alarm *a = alarm_load(s, &n->v[i])->a;
        if (a && !a->clear && tbe_str_eq(a->type, type) &&
            (!best || a->start > best->start ||
             (a->start == best->start && a->created > best->created))) {
            best = a;
        }
    }
    if (best) {
        *out = *best;
    }
    return best != NULL;
}

void
store_put_alarm(struct store_batch *b, const struct store_alarm *a)
{
    if (!store_writable(b)) {
        return;
    }
    if (b->s->watch) {
        b->s->watch->alarm(b->s->watch->arg, a);
    }
    struct active_node *act = active_load(b->s, &a->originator);
    active_set(b->s, act, &a->id, !a->clear);
    batch_pin(b, &act->n);
    struct alarm_node *n = alarm_load(b->s, &a->id);
    alarm_set(b->s, n, a);
    batch_pin(b, &n->n);
    struct op *op = op_new(b, ST_ALARM_PUT, 17);
    op_uuid(b, op, 1, &a->id);
    op_uuid(b, op, 2, &a->originator.id);
    op_int(op, 3, a->originator.type);
    op_uuid(b, op, 4, &a->customer);
    op_text(b, op, 5, a->type.p ? a->type : TBE_STR(""));
    op_text(b, op, 6, a->severity.p ? a->severity : TBE_STR(""));
    op_int(op, 7, (a->ack ? F_ACK : 0) | (a->clear ? F_CLEAR : 0) | (a->propagate ? F_PROPAGATE : 0) |
        (a->propagate_owner ? F_OWNER : 0) | (a->propagate_tenant ? F_TENANT : 0));
    const int64_t times[] = { a->created, a->start, a->end, a->ack_ts, a->clear_ts, a->assign_ts };
    for (uint32_t i = 0; i < 6; i++) {
        op_int(op, 8 + i, times[i]);
    }
    op_uuid(b, op, 14, &a->assignee);
    op_text(b, op, 15, a->details);
    op_text(b, op, 16, a->propagate_relations);
    op_int(op, 17, a->clear);
}

void
store_delete_alarm(struct store_batch *b, const struct tbe_uuid *id)
{
    struct alarm_node *n = store_writable(b) ? alarm_load(b->s, id) : NULL;
    if (!n || !n->a) {
        return;
    }
    struct active_node *act = active_load(b->s, &n->a->originator);
    active_set(b->s, act, id, false);
    batch_pin(b, &act->n);
    alarm_set(b->s, n, NULL);
    batch_pin(b, &n->n);
    struct op *op = op_new(b, ST_ALARM_DEL, 1);
    op_uuid(b, op, 1, id);
    op = op_new(b, ST_ALARM_SHOW_DEL, 1);
    op_uuid(b, op, 1, id);
}

void
store_show_alarm(struct store_batch *b, const struct tbe_uuid *alarm, const struct tbe_entity *at)
{
    if (!store_writable(b)) {
        return;
    }
    struct op *op = op_new(b, ST_ALARM_SHOW, 3);
    op_uuid(b, op, 1, &at->id);
    op_int(op, 2, at->type);
    op_uuid(b, op, 3, alarm);
}

struct alarm_item {
    struct tbe_uuid id;
    int64_t created;
};

static int
newest_first(const void *a, const void *b)
{
    const struct alarm_item *x = a, *y = b;
    return x->created > y->created ? -1 : x->created < y->created ? 1 : memcmp(x->id.b, y->id.b, 16);
}

static void
add_item(struct alarm_item **v, uint32_t *n, uint32_t *cap, const struct store_alarm *a)
{
    if (*n == *cap) {
        *cap = *cap ? *cap * 2 : 16;
        struct alarm_item *p = realloc(*v, *cap * sizeof *p);
        if (!p) {
            store_oom();
        }
        *v = p;
    }
    (*v)[(*n)++] = (struct alarm_item){ a->id, a->created };
}

static struct alarm_item *
alarms_of(struct store *s, const struct tbe_entity *o, uint32_t *n)
{
    struct alarm_item *v = NULL;
    uint32_t cap = 0;
    uint64_t done = store_done_no(s);
    *n = 0;
    sqlite3_stmt *st = db_stmt(s->rd, ST_ALARM_EACH);
    if (st) {
        db_bind_uuid(st, 1, &o->id);
        sqlite3_bind_int(st, 2, (int)o->type);
    }
    while (db_row(s->rd, st)) {
        struct store_alarm a = { .id = db_col_uuid(st, 0), .created = sqlite3_column_int64(st, 1) };
        struct cnode *c = cache_find(&s->cache, CK_ALARM, ckey_uuid(&a.id));
        if (!c || c->pin <= done) {
            add_item(&v, n, &cap, &a);
        }
    }
    for (struct cnode *c = NULL; (c = cache_pinned(&s->cache, CK_ALARM, done, c));) {
        const struct store_alarm *a = ((struct alarm_node *)c)->a;
        if (a && ent_same(&a->originator, o)) {
            add_item(&v, n, &cap, a);
        }
    }
    if (*n) {
        qsort(v, *n, sizeof *v, newest_first);
    }
    return v;
}

void
alarm_delete_all(struct store_batch *b, const struct tbe_entity *e)
{
    uint32_t n;
    struct alarm_item *v = alarms_of(b->s, e, &n);
    for (uint32_t i = 0; i < n; i++) {
        store_delete_alarm(b, &v[i].id);
    }
    free(v);
    struct op *op = op_new(b, ST_ALARM_SHOW_DEL_AT, 2);
    op_uuid(b, op, 1, &e->id);
    op_int(op, 2, e->type);
}

void
store_alarm_shown_each(struct store *s, const struct tbe_entity *at, store_alarm_fn *fn, void *arg)
{
    struct alarm_item *v = NULL;
    uint32_t n = 0, cap = 0;
    sqlite3_stmt *st = db_stmt(s->rd, ST_ALARM_SHOWN);
    if (st) {
        db_bind_uuid(st, 1, &at->id);
        sqlite3_bind_int(st, 2, (int)at->type);
    }
    while (db_row(s->rd, st)) {
        struct store_alarm a = { .id = db_col_uuid(st, 0) };
        add_item(&v, &n, &cap, &a);
    }
    for (uint32_t i = 0; i < n; i++) { /* not while the statement runs: loading uses others */
        const struct store_alarm *a = alarm_load(s, &v[i].id)->a;
        v[i].created = a ? a->created : 0;
    }
    if (n) {
        qsort(v, n, sizeof *v, newest_first);
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct store_alarm *a = alarm_load(s, &v[i].id)->a;
        if (a && !ent_same(&a->originator, at) && !fn(arg, a)) {
            break;
        }
    }
    free(v);
}

void
store_alarm_each(struct store *s, const struct tbe_entity *originator, store_alarm_fn *fn,
                 void *arg)
{
    uint32_t n;
    struct alarm_item *v = alarms_of(s, originator, &n);
    for (uint32_t i = 0; i < n; i++) {
        const struct store_alarm *a = alarm_load(s, &v[i].id)->a;
        if (a && !fn(arg, a)) {
            break;
        }
    }
    free(v);
}
