/* SPDX-License-Identifier: Apache-2.0 */
/* The log lane: telemetry and attributes of the log, in ranges. A range is one message; its content is read again
 * when it is sent again, so what waits costs no memory. Telemetry with its own time stamps may be on its way
 * in any number of messages; attributes of one entity only in one (4.4). An entity whose own change waits in the
 * general lane holds its data back, and what comes behind them. */
#include "config.h"

#include "cloud/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define ACK_MS 200   /* the cursor is written at most so often when nothing else is */
#define GATHER_MS 20 /* between small messages while one is on its way */

void
log_free(struct cloud *c)
{
    for (uint32_t i = 0; i < c->up.n_ranges; i++) {
        free(c->up.ranges[i].locks);
    }
    c->up.n_ranges = 0;
}

/* Ranges ----------------------------------------------------------------------------------------------- */

static struct up_range *
insert_range(struct uplink *up, uint32_t at, uint64_t after, uint64_t upto)
{
    memmove(&up->ranges[at + 1], &up->ranges[at], (up->n_ranges - at) * sizeof(*up->ranges));
    up->n_ranges++;
    up->ranges[at] = (struct up_range){ .after = after, .upto = upto };
    return &up->ranges[at];
}

static void
remove_range(struct uplink *up, uint32_t at)
{
    free(up->ranges[at].locks);
    up->n_ranges--;
    memmove(&up->ranges[at], &up->ranges[at + 1], (up->n_ranges - at) * sizeof(*up->ranges));
}

static void
trim(struct uplink *up)
{
    while (up->n_ranges > 0 && up->ranges[0].state == UP_DONE) {
        remove_range(up, 0);
    }
    for (uint32_t i = 1; i < up->n_ranges; i++) { /* neighbours that are done become one */
        if (up->ranges[i].state == UP_DONE && up->ranges[i - 1].state == UP_DONE) {
            up->ranges[i - 1].upto = up->ranges[i].upto;
            remove_range(up, i--);
        }
    }
}

static uint64_t
cursor(const struct uplink *up)
{
    return up->n_ranges > 0 ? up->ranges[0].after : up->log_read;
}

void
log_ack(struct cloud *c, int64_t now, int64_t *due)
{
    struct uplink *up = &c->up;

    trim(up);
    if (cursor(up) <= up->log_acked) {
        return;
    }
    if (now >= up->log_ack_due || !store_batch_empty(c->batch) || up->draining) {
        up->log_acked = cursor(up);
        up->log_ack_due = now + ACK_MS;
        store_outbox_ack(c->batch, true, up->log_acked);
    } else if (*due == 0 || up->log_ack_due < *due) {
        *due = up->log_ack_due;
    }
}

/* Order ------------------------------------------------------------------------------------------------ */

static bool
locked_in(const struct up_range *r, uint64_t key)
{
    if (r->lock_all) {
        return true;
    }
    for (uint32_t i = 0; i < r->n_locks; i++) {
        if (r->locks[i] == key) {
            return true;
        }
    }
    return false;
}

/* Is the entity's newest order-sensitive data in a range before `at` that has no yes yet? */
static bool
locked_before(const struct uplink *up, uint32_t at, uint64_t key)
{
    for (uint32_t i = 0; i < at; i++) {
        if (up->ranges[i].state != UP_DONE && locked_in(&up->ranges[i], key)) {
            return true;
        }
    }
    return false;
}

/* Building --------------------------------------------------------------------------------------------- */

struct build {
    struct up_msg m;
    uint64_t *locks;   /* in the arena */
    uint32_t n_locks, cap_locks;
    uint32_t n;        /* entries of the range, those without anything to send too */
    uint64_t upto;
    bool stopped;      /* something must wait: the range ends here */
    bool full;         /* the next one does not fit */
};

static void
add_lock(struct build *b, uint64_t key)
{
    for (uint32_t i = 0; i < b->n_locks; i++) {
        if (b->locks[i] == key) {
            return;
        }
    }
    if (b->n_locks == b->cap_locks) {
        uint32_t cap = b->cap_locks ? b->cap_locks * 2 : 16;
        uint64_t *v = tbe_arena_alloc(b->m.a, cap * sizeof(*v));

        if (v == NULL) {
            abort();
        }
        if (b->n_locks > 0) {
            memcpy(v, b->locks, b->n_locks * sizeof(*v));
        }
        b->locks = v;
        b->cap_locks = cap;
    }
    b->locks[b->n_locks++] = key;
}

/* false: it must wait, or does not fit any more. */
static bool
add_entry(struct cloud *c, struct build *b, uint32_t at, struct store_uplink *u)
{
    bool ordered = u->action != CLOUD_ACTION_TIMESERIES_UPDATED;
    uint64_t key = up_key(&u->entity.id);
    struct up_mark mark;
    const char *why = "";
    enum up_result r;

    if (general_holds(c, &u->entity.id) || (ordered && locked_before(&c->up, at, key))) {
        b->stopped = true;
        return false;
    }
    if (u->entity.type == TBE_ENT_TENANT) {
        u->entity.id = *store_tenant(c->env.store);
    }
    up_mark(&b->m, &mark);
    r = up_data(&b->m, u, &why);
    if (r == UP_UNSENDABLE) {
        uplink_keep_aside(c, LANE_LOG, u, why);
    } else if (r == UP_ADDED && b->m.bytes > uplink_max_bytes(c, mark.n[UP_ENTITY_DATA] == 0)) {
        up_undo(&b->m, &mark);
        if (mark.n[UP_ENTITY_DATA] > 0) {
            b->full = true;
            return false;
        }
        uplink_keep_aside(c, LANE_LOG, u, "larger than the cloud takes");
    } else if (r == UP_ADDED && ordered) {
        add_lock(b, key);
    }
    b->n++;
    b->upto = u->seq;
    return true;
}

/* Reads behind `after` up to `last`, at most `max` entries with content. */
static void
build(struct cloud *c, struct build *b, uint32_t at, uint64_t last, uint32_t max)
{
    struct store_uplink u;

    while (b->m.f[UP_ENTITY_DATA].n < max && b->n < CLOUD_PACK_MAX && store_outbox_next(c->up.reader, &u)) {
        if (u.seq > last) {
            store_outbox_back(c->up.reader);
            return;
        }
        if (u.seq > c->up.log_safe) { /* newer than what is known of the general queue */
            c->up.general_look = true;
            general_fill(c);
            if (!c->up.general_all || u.seq > c->up.log_safe) {
                b->stopped = true;
                store_outbox_back(c->up.reader);
                return;
            }
        }
        if (!add_entry(c, b, at, &u)) {
            store_outbox_back(c->up.reader);
            return;
        }
    }
}

static void
fly(struct cloud *c, struct up_range *r, struct build *b, int64_t now)
{
    struct up_flight *f = uplink_send(c, &b->m, LANE_LOG, now);
    uint64_t *locks = NULL;

    if (b->n_locks > 0) {
        locks = malloc(b->n_locks * sizeof(*locks));
        if (locks != NULL) {
            memcpy(locks, b->locks, b->n_locks * sizeof(*locks));
        }
    }
    free(r->locks);
    r->locks = locks;
    r->n_locks = locks != NULL ? b->n_locks : 0;
    r->lock_all = b->n_locks > 0 && locks == NULL;
    r->n = f->n = b->m.f[UP_ENTITY_DATA].n;
    r->state = UP_FLIES;
    r->flight = f->id;
}

static struct build
build_new(struct cloud *c)
{
    tbe_arena_reset(&c->arena);
    return (struct build){ .m = { .a = &c->arena } };
}

/* A range again. When it must be shorter, what is left becomes a range of its own with the same locks. */
static int
send_again(struct cloud *c, uint32_t at, int64_t now)
{
    struct uplink *up = &c->up;
    struct up_range *r = &up->ranges[at];
    struct build b = build_new(c);
    uint64_t upto = r->upto;
    bool room = up->n_ranges < LOG_RANGES; /* to split it */

    store_outbox_seek(up->reader, r->after);
    build(c, &b, at, upto, r->max && room ? r->max : c->lim.pack);
    store_outbox_seek(up->reader, up->log_read);
    if (b.n == 0 && !b.stopped) {
        r->state = UP_DONE; /* dropped by a bound of the log */
    }
    if (b.n == 0) {
        return 0;
    }
    if (b.stopped || b.m.f[UP_ENTITY_DATA].n >= (r->max && room ? r->max : c->lim.pack) || b.full) {
        if (b.upto < upto && !room) {
            return 0;
        }
        if (b.upto < upto) {
            struct up_range *rest = insert_range(up, at + 1, b.upto, upto);

            r = &up->ranges[at];
            rest->max = r->max;
            rest->ok_before = r->ok_before;
            rest->lock_all = r->lock_all || r->n_locks > 0;
            r->upto = b.upto;
        }
    }
    if (b.m.f[UP_ENTITY_DATA].n == 0) {
        r->state = UP_DONE;
        return 0;
    }
    fly(c, r, &b, now);
    return 1;
}

/* What was never sent, from where reading stands. */
static int
send_new(struct cloud *c, int64_t now, int64_t *due)
{
    struct uplink *up = &c->up;
    struct build b;
    struct up_range *r;

    if (!up->log_look || up->n_ranges >= LOG_RANGES / 2 || !up->general_all) {
        return 0;
    }
    if (up->log_short && up->n_flights > 0 && now < up->log_sent + GATHER_MS) {
        *due = *due == 0 || up->log_sent + GATHER_MS < *due ? up->log_sent + GATHER_MS : *due;
        return 0;
    }
    b = build_new(c);
    build(c, &b, up->n_ranges, UINT64_MAX, c->lim.pack);
    if (b.n == 0) {
        up->log_look = b.stopped;
        return 0;
    }
    r = insert_range(up, up->n_ranges, up->log_read, b.upto);
    up->log_read = b.upto;
    c->stats.added += b.m.f[UP_ENTITY_DATA].n;
    if (b.m.f[UP_ENTITY_DATA].n == 0) {
        r->state = UP_DONE;
        return send_new(c, now, due);
    }
    up->log_short = b.m.f[UP_ENTITY_DATA].n < c->lim.pack / 2 && !b.stopped;
    up->log_sent = now;
    fly(c, r, &b, now);
    return 1;
}

int
log_send(struct cloud *c, int64_t now, int64_t *due)
{
    struct uplink *up = &c->up;

    trim(up);
    for (uint32_t i = 0; i < up->n_ranges; i++) {
        struct up_range *r = &up->ranges[i];

        if (r->state != UP_WAITS) {
            continue;
        }
        if (r->due > now) {
            *due = *due == 0 || r->due < *due ? r->due : *due;
            continue;
        }
        if (send_again(c, i, now) == 1) {
            return 1;
        }
    }
    trim(up);
    return send_new(c, now, due);
}

/* Answers ---------------------------------------------------------------------------------------------- */

static struct up_range *
range_of(struct uplink *up, int32_t flight)
{
    for (uint32_t i = 0; i < up->n_ranges; i++) {
        if (up->ranges[i].state == UP_FLIES && up->ranges[i].flight == flight) {
            return &up->ranges[i];
        }
    }
    return NULL;
}

void
log_again(struct cloud *c, const struct up_flight *f)
{
    struct up_range *r = range_of(&c->up, f->id);

    if (r != NULL) {
        r->state = UP_WAITS;
    }
}

static void
keep_range_aside(struct cloud *c, const struct up_range *r, const char *why)
{
    struct store_uplink u;

    store_outbox_seek(c->up.reader, r->after);
    while (store_outbox_next(c->up.reader, &u) && u.seq <= r->upto) {
        uplink_keep_aside(c, LANE_LOG, &u, why);
    }
    store_outbox_seek(c->up.reader, c->up.log_read);
}

bool
log_retried(struct uplink *up, const struct up_flight *f)
{
    const struct up_range *r = f->n <= 1 ? range_of(up, f->id) : NULL;

    return r != NULL && r->tries > 0;
}

void
log_answer(struct cloud *c, const struct up_flight *f, bool ok, const char *why, int64_t now)
{
    struct up_range *r = range_of(&c->up, f->id);

    c->up.log_look = true;
    if (r == NULL) {
        return;
    }
    if (ok) {
        r->state = UP_DONE;
        return;
    }
    r->state = UP_WAITS;
    r->max = f->n > 1 ? (f->n + 1) / 2 : 1;
    uplink_refused(c, f->n <= 1, &r->tries, &r->ok_before, &r->due, now);
    if (uplink_poison(c, r->tries, r->ok_before)) {
        keep_range_aside(c, r, why);
        r->state = UP_DONE;
    }
}
