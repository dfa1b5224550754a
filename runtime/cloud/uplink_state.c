/* SPDX-License-Identifier: Apache-2.0 */
/* What flies, for the worker that comes after a swap: so that it understands answers that come late, and sends
 * nothing a second time. After a crash there is nothing, and all behind the cursors is sent again.
 *
 * State "cloud.flight": {"epoch":"..","session":N,"read":R,
 *   "flights":[[id,lane,sent,entries],..], "items":[[seq,state,flight,tries],..] (of the general window, those
 *   that do not just wait), "ranges":[[after,upto,state,flight,n,max,locks],..]} */
#include "config.h"

#include "cloud/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void
uplink_save(struct cloud *c)
{
    const struct uplink *up = &c->up;
    struct tbe_buf b = { 0 };
    const char *comma = "";

    tbe_buf_fmt(&b, "{\"epoch\":\"%llu\",\"session\":%u,\"read\":%llu,\"flights\":[",
                (unsigned long long)c->s.link.epoch, c->s.link.session, (unsigned long long)up->log_read);
    for (uint32_t i = 0; i < up->n_flights; i++) {
        const struct up_flight *f = &up->flights[i];

        tbe_buf_fmt(&b, "%s[%d,%d,%lld,%u]", i ? "," : "", f->id, (int)f->lane, (long long)f->sent, f->n);
    }
    tbe_buf_putz(&b, "],\"items\":[");
    for (uint32_t i = 0; i < up->n_items; i++) {
        const struct up_item *it = up->items[i];

        if (it->state != UP_WAITS || it->tries > 0) {
            tbe_buf_fmt(&b, "%s[%llu,%d,%d,%u]", comma, (unsigned long long)it->seq, (int)it->state, it->flight,
                        it->tries);
            comma = ",";
        }
    }
    tbe_buf_putz(&b, "],\"ranges\":[");
    for (uint32_t i = 0; i < up->n_ranges; i++) {
        const struct up_range *r = &up->ranges[i];

        tbe_buf_fmt(&b, "%s[%llu,%llu,%d,%d,%u,%u,%d]", i ? "," : "", (unsigned long long)r->after,
                    (unsigned long long)r->upto, (int)r->state, r->flight, r->n, r->max,
                    r->lock_all || r->n_locks > 0);
    }
    tbe_buf_putz(&b, "]}");
    store_put_state(c->batch, TBE_STR(CLOUD_STATE_FLIGHT), tbe_buf_str(&b));
    tbe_buf_free(&b);
}

/* Up to n whole numbers of a list; false: it is something else. */
static bool
numbers(tbe_val v, int64_t *out, uint32_t n)
{
    if (v.t != TBE_LIST || v.u.l->n != n) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        tbe_val x = v.u.l->v[i];

        if (x.t != TBE_INT && x.t != TBE_LONG) {
            return false;
        }
        out[i] = x.u.i;
    }
    return true;
}

static const struct tbe_list *
list_of(tbe_val v, const char *name)
{
    static const struct tbe_list none;
    tbe_val l = tbe_map_get(v.u.m, tbe_strz(name));

    return l.t == TBE_LIST ? l.u.l : &none;
}

static bool
known_flight(const struct uplink *up, int64_t id)
{
    for (uint32_t i = 0; i < up->n_flights; i++) {
        if (up->flights[i].id == id) {
            return true;
        }
    }
    return false;
}

static void
load_flights(struct uplink *up, const struct tbe_list *l, uint32_t most)
{
    int64_t n[4];

    for (uint32_t i = 0; i < l->n && up->n_flights < most; i++) {
        if (numbers(l->v[i], n, 4) && n[1] >= 0 && n[1] < LANES) {
            up->flights[up->n_flights++] = (struct up_flight){ .id = (int32_t)n[0], .lane = (enum uplink_lane)n[1],
                                                               .sent = n[2], .n = (uint32_t)n[3], .taken = true };
        }
    }
}

static void
load_items(struct cloud *c, const struct tbe_list *l)
{
    struct uplink *up = &c->up;
    int64_t n[4];

    general_fill(c);
    for (uint32_t i = 0, at = 0; i < l->n; i++) {
        if (!numbers(l->v[i], n, 4)) {
            continue;
        }
        while (at < up->n_items && up->items[at]->seq < (uint64_t)n[0]) {
            at++;
        }
        if (at == up->n_items || up->items[at]->seq != (uint64_t)n[0]) {
            continue;
        }
        up->items[at]->tries = (uint32_t)n[3];
        if (n[1] == UP_DONE) {
            general_set_done(up, up->items[at]);
        } else if (n[1] == UP_FLIES && known_flight(up, n[2])) {
            up->items[at]->state = UP_FLIES;
            up->items[at]->flight = (int32_t)n[2];
        }
    }
}

static bool
load_ranges(struct uplink *up, const struct tbe_list *l, uint64_t read)
{
    uint64_t at = up->log_acked;
    int64_t n[7];

    for (uint32_t i = 0; i < l->n && up->n_ranges < LOG_RANGES; i++) {
        struct up_range *r = &up->ranges[up->n_ranges];

        if (!numbers(l->v[i], n, 7) || n[1] <= n[0] ||
            (up->n_ranges > 0 ? (uint64_t)n[0] != at : (uint64_t)n[0] < at)) {
            return false;
        }
        *r = (struct up_range){ .after = (uint64_t)n[0], .upto = (uint64_t)n[1], .flight = (int32_t)n[3],
                                .n = (uint32_t)n[4], .max = (uint32_t)n[5], .lock_all = n[6] != 0 };
        r->state = n[2] == UP_DONE ? UP_DONE : n[2] == UP_FLIES && known_flight(up, n[3]) ? UP_FLIES : UP_WAITS;
        at = r->upto;
        up->n_ranges++;
    }
    return up->n_ranges == 0 || at == read;
}

bool
uplink_load(struct cloud *c)
{
    struct uplink *up = &c->up;
    struct tbe_str s = store_state(c->env.store, TBE_STR(CLOUD_STATE_FLIGHT));
    tbe_val v, epoch, session, read;

    uplink_count(c);
    tbe_arena_reset(&c->arena);
    if (s.p == NULL || tbe_json_parse(&c->arena, s, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
        return false;
    }
    epoch = tbe_map_get(v.u.m, TBE_STR("epoch"));
    session = tbe_map_get(v.u.m, TBE_STR("session"));
    read = tbe_map_get(v.u.m, TBE_STR("read"));
    if (!tbe_is_str(epoch) || session.t != TBE_INT || (read.t != TBE_LONG && read.t != TBE_INT)) {
        return false;
    }
    up->saved_epoch = strtoull(tbe_arena_dupz(&c->arena, tbe_val_str(epoch)), NULL, 10);
    up->saved_session = (uint32_t)session.u.i;
    load_flights(up, list_of(v, "flights"), c->lim.in_flight);
    if (load_ranges(up, list_of(v, "ranges"), (uint64_t)read.u.i)) {
        if (up->n_ranges > 0) {
            up->log_read = (uint64_t)read.u.i;
            store_outbox_seek(up->reader, up->log_read);
        }
    } else {
        log_warn("cloud: what was on its way is not understood; it is sent again");
        up->n_ranges = 0;
    }
    load_items(c, list_of(v, "items"));
    up->window = up->n_flights > 1 ? up->n_flights : 1;
    return true;
}
