/* SPDX-License-Identifier: Apache-2.0 */
/* The general lane: a window of the general queue. Items go up in their order, many in one message and several
 * messages at once, as long as nothing that must keep its order is in two of them (4.4). What waits for another
 * item is passed over; what waits for what is passed over waits too. */
#include "config.h"

#include "cloud/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static bool
changes(const struct up_item *it)
{
    for (uint32_t i = 0; i < it->keys.n; i++) {
        if (it->keys.change[i] && it->keys.field < UP_ENTITY_DATA) {
            return true;
        }
    }
    return false;
}

void
general_set_done(struct uplink *up, struct up_item *it)
{
    if (it->state != UP_DONE && changes(it)) {
        up->changing--;
    }
    it->state = UP_DONE;
}

void
general_free(struct cloud *c)
{
    struct uplink *up = &c->up;

    for (uint32_t i = 0; i < up->n_items; i++) {
        free(up->items[i]);
    }
    up->n_items = up->changing = 0;
    up->item_bytes = 0;
}

/* Reading ---------------------------------------------------------------------------------------------- */

static bool
add_item(void *arg, const struct store_uplink *u)
{
    struct cloud *c = arg;
    struct uplink *up = &c->up;
    struct up_item *it;

    if (up->n_items == GENERAL_WINDOW || (up->n_items > 0 && up->item_bytes + u->body.n > GENERAL_BYTES)) {
        up->general_all = false;
        return false;
    }
    it = calloc(1, sizeof(*it) + u->body.n + 1);
    if (it == NULL) {
        up->general_all = false;
        return false;
    }
    it->u = *u;
    if (u->entity.type == TBE_ENT_TENANT) { /* it may have been made under the id before the first connect */
        it->u.entity.id = *store_tenant(c->env.store);
    }
    if (u->body.p != NULL) {
        memcpy((char *)(it + 1), u->body.p, u->body.n);
        it->u.body.p = (char *)(it + 1);
    }
    it->seq = u->seq;
    up_keys(c, &it->u, &it->keys);
    up->changing += changes(it);
    up->items[up->n_items++] = it;
    up->item_bytes += u->body.n;
    up->general_read = u->seq;
    c->stats.added++;
    return true;
}

#define READ_AT_ONCE 256u

void
general_fill(struct cloud *c)
{
    struct uplink *up = &c->up;
    uint64_t head;

    if (!up->general_look && (up->general_all || up->n_items == GENERAL_WINDOW)) {
        return;
    }
    up->general_look = false;
    do { /* in pieces: the store holds what it gives out twice */
        uint64_t before = up->general_read;

        head = store_outbox_head(c->env.store);
        up->general_all = true;
        store_outbox_each(c->env.store, false, up->general_read, READ_AT_ONCE, add_item, c);
        if (!up->general_all || up->general_read == before) {
            break;
        }
    } while (true);
    if (up->general_all) {
        up->log_safe = head;
    }
}

/* Drops what is done at the front; the cursor follows. */
static void
trim(struct uplink *up)
{
    uint32_t n = 0;

    while (n < up->n_items && up->items[n]->state == UP_DONE) {
        up->general_acked = up->items[n]->seq;
        up->item_bytes -= up->items[n]->u.body.n;
        free(up->items[n++]);
    }
    if (n > 0) {
        up->n_items -= n;
        memmove(up->items, up->items + n, up->n_items * sizeof(*up->items));
        up->general_look = up->general_look || !up->general_all;
    }
}

void
general_ack(struct cloud *c)
{
    uint64_t before = c->up.general_acked;

    trim(&c->up);
    if (c->up.general_acked != before) {
        store_outbox_ack(c->batch, false, c->up.general_acked);
    }
}

/* Order ------------------------------------------------------------------------------------------------ */

static void
block(struct uplink *up, const struct up_item *it)
{
    for (uint32_t i = 0; i < it->keys.n; i++) {
        struct up_slot *s = keys_slot(up, it->keys.v[i]);
        int8_t how = it->keys.change[i] ? 2 : 1;

        s->outside = how > s->outside ? how : s->outside;
    }
}

/* May it go into the message? Not when something before it that is not in the message must be first, nor when
 * the cloud would apply it before something of the message that must be first. */
static bool
may_join(struct uplink *up, const struct up_item *it)
{
    for (uint32_t i = 0; i < it->keys.n; i++) {
        const struct up_slot *s = keys_find(up, it->keys.v[i]);
        int8_t field = (int8_t)it->keys.field;

        if (s == NULL) {
            continue;
        }
        if (it->keys.change[i] ? s->outside > 0 : s->outside > 1) {
            return false;
        }
        if (s->changes > field || (it->keys.change[i] && s->needs > field)) {
            return false;
        }
    }
    return true;
}

static void
join(struct uplink *up, const struct up_item *it)
{
    for (uint32_t i = 0; i < it->keys.n; i++) {
        struct up_slot *s = keys_slot(up, it->keys.v[i]);
        int8_t field = (int8_t)it->keys.field, *of = it->keys.change[i] ? &s->changes : &s->needs;

        *of = field > *of ? field : *of;
    }
}

bool
general_holds(struct cloud *c, const struct tbe_uuid *entity)
{
    uint64_t key = up_key(entity);

    if (c->up.changing == 0) {
        return false;
    }
    for (uint32_t i = 0; i < c->up.n_items; i++) {
        const struct up_item *it = c->up.items[i];

        if (it->state == UP_DONE || !changes(it)) {
            continue;
        }
        for (uint32_t k = 0; k < it->keys.n; k++) {
            if (it->keys.change[k] && it->keys.v[k] == key) {
                return true;
            }
        }
    }
    return false;
}

/* Sending ---------------------------------------------------------------------------------------------- */

struct message {
    struct up_msg m;
    struct up_item *in[GENERAL_PACK];
    uint32_t n, max;
    bool full;
};

static bool
waits_twice(const struct message *g, const struct up_item *it)
{
    for (uint32_t i = 0; it->keys.merge && i < g->n; i++) {
        const struct store_uplink *a = &g->in[i]->u, *b = &it->u;

        if (a->action == b->action && tbe_entity_eq(&a->entity, &b->entity)) {
            return true;
        }
    }
    return false;
}

/* true: it is in the message, or needs none. */
static bool
take(struct cloud *c, struct message *g, struct up_item *it)
{
    struct up_mark mark;
    const char *why = "";
    bool twice = waits_twice(g, it);
    enum up_result r;

    up_mark(&g->m, &mark);
    r = twice ? UP_ADDED : up_event(c, &g->m, &it->u, &why);
    if (r == UP_NOTHING) {
        general_set_done(&c->up, it);
        return true;
    }
    if (r == UP_UNSENDABLE) {
        uplink_keep_aside(c, LANE_GENERAL, &it->u, why);
        general_set_done(&c->up, it);
        return true;
    }
    if (g->m.bytes > uplink_max_bytes(c, g->n == 0)) {
        up_undo(&g->m, &mark);
        if (g->n > 0) {
            g->full = true;
            return false;
        }
        uplink_keep_aside(c, LANE_GENERAL, &it->u, "larger than the cloud takes");
        general_set_done(&c->up, it);
        return true;
    }
    g->in[g->n++] = it;
    return true;
}

static void
gather(struct cloud *c, struct message *g, int64_t now, int64_t *due)
{
    struct uplink *up = &c->up;

    for (uint32_t i = 0; i < up->n_items; i++) {
        struct up_item *it = up->items[i];
        bool alone = it->keys.alone || it->pack_max == 1;

        if (it->state == UP_DONE) {
            continue;
        }
        if (it->state == UP_WAITS && it->due > now) {
            *due = *due == 0 || it->due < *due ? it->due : *due;
        }
        if (it->state == UP_FLIES || it->due > now || g->full || g->n >= g->max || (alone && g->n > 0) ||
            (it->pack_max > 0 && g->n >= it->pack_max) || !may_join(up, it)) {
            block(up, it);
            continue;
        }
        if (!take(c, g, it)) {
            block(up, it);
        } else if (it->state == UP_WAITS) {
            join(up, it);
            g->max = it->pack_max > 0 && it->pack_max < g->max ? it->pack_max : g->max;
            g->full = g->full || alone;
        }
    }
}

int
general_send(struct cloud *c, int64_t now, int64_t *due)
{
    struct uplink *up = &c->up;
    struct message g;
    struct up_flight *f;

    general_fill(c);
    if (up->n_items == 0) {
        return 0;
    }
    tbe_arena_reset(&c->arena);
    memset(&g.m, 0, sizeof(g.m));
    g.m.a = &c->arena;
    g.n = 0;
    g.full = false;
    g.max = c->lim.pack < GENERAL_PACK ? c->lim.pack : GENERAL_PACK;
    keys_clear(up);
    gather(c, &g, now, due);
    if (g.n == 0) {
        return 0;
    }
    f = uplink_send(c, &g.m, LANE_GENERAL, now);
    f->n = g.n;
    for (uint32_t i = 0; i < g.n; i++) {
        g.in[i]->state = UP_FLIES;
        g.in[i]->flight = f->id;
    }
    return 1;
}

/* Answers ---------------------------------------------------------------------------------------------- */

void
general_again(struct cloud *c, const struct up_flight *f)
{
    for (uint32_t i = 0; i < c->up.n_items; i++) {
        struct up_item *it = c->up.items[i];

        if (it->state == UP_FLIES && it->flight == f->id) {
            it->state = UP_WAITS;
        }
    }
}

bool
general_retried(struct uplink *up, const struct up_flight *f)
{
    for (uint32_t i = 0; f->n <= 1 && i < up->n_items; i++) {
        const struct up_item *it = up->items[i];

        if (it->state == UP_FLIES && it->flight == f->id) {
            return it->tries > 0;
        }
    }
    return false;
}

void
general_answer(struct cloud *c, const struct up_flight *f, bool ok, const char *why, int64_t now)
{
    struct uplink *up = &c->up;
    uint32_t half = (f->n + 1) / 2;

    for (uint32_t i = 0; i < up->n_items; i++) {
        struct up_item *it = up->items[i];

        if (it->state != UP_FLIES || it->flight != f->id) {
            continue;
        }
        if (ok) {
            general_set_done(up, it);
            continue;
        }
        it->state = UP_WAITS;
        it->pack_max = half > 0 ? half : 1;
        uplink_refused(c, f->n <= 1, &it->tries, &it->ok_before, &it->due, now);
        if (uplink_poison(c, it->tries, it->ok_before)) {
            uplink_keep_aside(c, LANE_GENERAL, &it->u, why);
            general_set_done(up, it);
        }
    }
}
