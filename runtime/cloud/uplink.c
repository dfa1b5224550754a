/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in flight, their answers, and the pace (facts/edge-cloud-protocol.md 4.4). What is sent in a message is
 * the lanes' business.
 *
 * A refusal never drops anything. A message of several entries is made again in halves, until what the cloud does
 * not take is alone; alone it is tried again for ever, with growing pauses, unless others succeed meanwhile: then
 * it is the entry's fault and it is kept aside, so that the rest goes on. When everything is refused, everything
 * waits, a little longer each time. */
#include "config.h"

#include "cloud/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#define BACKOFF_MS 500
#define BACKOFF_MAX_MS 60000
#define REFUSALS_FREE 6 /* refusals in a row before all waits: halving alone makes some */
#define PIECES 2        /* messages made in one turn */
#define BYTES_SLACK 64u /* envelope of an UplinkMsg */

int
uplink_init(struct cloud *c)
{
    struct uplink *up = &c->up;

    up->items = calloc(GENERAL_WINDOW, sizeof(struct up_item *));
    up->ranges = calloc(LOG_RANGES, sizeof(*up->ranges));
    up->flights = calloc(c->lim.in_flight, sizeof(*up->flights));
    up->slots = calloc(UP_SLOTS, sizeof(*up->slots));
    up->reader = store_outbox_open(c->env.store);
    if (!up->items || !up->ranges || !up->flights || !up->slots || !up->reader) {
        return -1;
    }
    up->window = 1;
    up->general_look = up->log_look = true;
    up->log_read = up->log_acked = store_outbox_confirmed(c->env.store);
    return 0;
}

void
uplink_free(struct cloud *c)
{
    if (c->up.items != NULL) {
        general_free(c);
    }
    if (c->up.ranges != NULL) {
        log_free(c);
    }
    store_outbox_close(c->up.reader);
    free(c->up.items);
    free(c->up.ranges);
    free(c->up.flights);
    free(c->up.slots);
}

void
uplink_reset(struct cloud *c)
{
    struct uplink *up = &c->up;

    general_free(c);
    log_free(c);
    up->n_flights = 0;
    up->unsent = 0;
    up->log_read = up->log_acked = store_outbox_head(c->env.store);
    store_outbox_seek(up->reader, up->log_read);
    up->general_look = up->log_look = true;
}

size_t
uplink_max_bytes(const struct cloud *c, bool single)
{
    size_t cloud = c->s.link.max_bytes ? c->s.link.max_bytes : CLOUD_CLOUD_BYTES;

    return (single || c->lim.message_bytes > cloud ? cloud : c->lim.message_bytes) - BYTES_SLACK;
}

/* Flights ---------------------------------------------------------------------------------------------- */

static int32_t
new_id(const struct uplink *up)
{
    for (;;) {
        int32_t id = (int32_t)(random_u64() & 0x7fffffff);
        bool used = id == 0 || id == INT32_MAX;

        for (uint32_t i = 0; i < up->n_flights && !used; i++) {
            used = up->flights[i].id == id;
        }
        if (!used) {
            return id;
        }
    }
}

struct up_flight *
uplink_send(struct cloud *c, struct up_msg *m, enum uplink_lane lane, int64_t now)
{
    struct uplink *up = &c->up;
    struct up_flight *f = &up->flights[up->n_flights];
    Edge__UplinkMsg msg = EDGE__UPLINK_MSG__INIT;
    Edge__RequestMsg req = EDGE__REQUEST_MSG__INIT;

    *f = (struct up_flight){ .id = new_id(up), .lane = lane, .sent = now };
    up_fill(m, &msg);
    msg.uplinkmsgid = f->id;
    req.msgtype = EDGE__REQUEST_MSG_TYPE__UPLINK_RPC_MESSAGE;
    req.uplinkmsg = &msg;
    f->number = cloud_send(c, &req, false);
    f->bytes = (uint32_t)c->out.n;
    up->unsent += f->bytes;
    up->n_flights++;
    return f;
}

static struct up_flight
take_flight(struct uplink *up, uint32_t i)
{
    struct up_flight f = up->flights[i];

    if (!f.taken) {
        up->unsent -= f.bytes;
    }
    up->flights[i] = up->flights[--up->n_flights];
    return f;
}

static void
again(struct cloud *c, const struct up_flight *f)
{
    if (f->lane == LANE_GENERAL) {
        general_again(c, f);
    } else {
        log_again(c, f);
    }
}

void
uplink_session(struct cloud *c, bool same)
{
    struct uplink *up = &c->up;

    if (!same) {
        uplink_lost(c);
        up->window = 1;
        up->refusals = 0;
        up->pause = 0;
    }
    up->general_look = up->log_look = true;
}

void
uplink_lost(struct cloud *c)
{
    while (c->up.n_flights > 0) {
        struct up_flight f = take_flight(&c->up, 0);

        again(c, &f);
    }
}

/* Answers ---------------------------------------------------------------------------------------------- */

static int64_t
backoff(uint32_t tries)
{
    int64_t ms = tries < 8 ? (int64_t)BACKOFF_MS << tries : BACKOFF_MAX_MS;

    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

/* An entry, alone in its message or not, was refused: when it may be tried again. */
void
uplink_refused(struct cloud *c, bool alone, uint32_t *tries, uint64_t *ok_before, int64_t *due, int64_t now)
{
    if (*ok_before == 0) { /* what succeeds from now on shows that it is not the cloud */
        *ok_before = c->up.ok + 1;
    }
    if (!alone) {
        *due = 0;
        return;
    }
    if (*tries < UINT32_MAX) {
        ++*tries;
    }
    *due = now + backoff(*tries - 1);
}

bool
uplink_poison(const struct cloud *c, uint32_t tries, uint64_t ok_before)
{
    return tries >= UPLINK_TRIES && c->up.ok + 1 > ok_before;
}

static void
accepted(struct uplink *up, uint32_t most)
{
    up->ok++;
    up->refusals = 0;
    up->pause = 0;
    up->window = up->window < most ? up->window + 1 : most;
}

/* Keeps the first line: what follows are stack frames. */
static void
note_error(struct uplink *up, struct tbe_str error)
{
    size_t n = 0;

    while (n < error.n && n + 1 < sizeof(up->last_error) && (unsigned char)error.p[n] >= ' ') {
        up->last_error[n] = error.p[n];
        n++;
    }
    up->last_error[n] = '\0';
}

static bool
contains(struct tbe_str s, const char *what)
{
    return s.n > 0 && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* false: a rate limit, which says nothing about the entries. An entry that was refused alone before says nothing
 * about the cloud: it has its own pause, and must not hold up what has not been tried yet. */
static bool
refused(struct cloud *c, const struct up_flight *f, struct tbe_str error, int64_t now)
{
    struct uplink *up = &c->up;
    bool limit = contains(error, "Rate limit reached");
    bool known = !limit && (f->lane == LANE_GENERAL ? general_retried(up, f) : log_retried(up, f));

    up->negative++;
    c->stats.failed++;
    note_error(up, error);
    up->refusals += !known;
    if (limit) {
        up->rate_limited++;
        up->window = 1;
        up->pause = now + backoff(up->refusals - 1);
        log_warn("cloud: the cloud limits the rate of uplinks; a pause of %lld ms", (long long)(up->pause - now));
        return false;
    }
    log_warn("cloud: an uplink was refused: %s", up->last_error);
    if (!known && up->refusals > REFUSALS_FREE) {
        up->window = 1;
        up->pause = now + backoff(up->refusals - REFUSALS_FREE - 1);
    }
    return true;
}

static void
answered(struct cloud *c, uint32_t i, bool ok, struct tbe_str error)
{
    struct up_flight f = take_flight(&c->up, i);
    int64_t now = clock_ms();

    c->s.last_ack = now;
    if (ok) {
        accepted(&c->up, c->lim.in_flight);
        c->stats.pushed += f.n;
    } else if (!refused(c, &f, error, now)) {
        again(c, &f);
        return;
    }
    if (f.lane == LANE_GENERAL) {
        general_answer(c, &f, ok, c->up.last_error, now);
    } else {
        log_answer(c, &f, ok, c->up.last_error, now);
    }
}

void
uplink_answer(struct cloud *c, int32_t id, bool ok, struct tbe_str error)
{
    for (uint32_t i = 0; i < c->up.n_flights; i++) {
        if (c->up.flights[i].id == id) {
            answered(c, i, ok, error);
            return;
        }
    }
}

void
uplink_done(struct cloud *c, uint64_t number, uint32_t code)
{
    struct uplink *up = &c->up;
    struct up_flight f;
    uint32_t i = 0;

    while (i < up->n_flights && up->flights[i].number != number) {
        i++;
    }
    if (i == up->n_flights) {
        if (code == UPLINK_NO_ROOM && c->env.reconnect != NULL) { /* an answer to the cloud is lost */
            c->env.reconnect(c->env.arg, 0, "answers to the cloud could not be sent");
        }
        return;
    }
    switch (code) {
    case UPLINK_SENT:
        up->flights[i].taken = true;
        up->unsent -= up->flights[i].bytes;
        return;
    case UPLINK_TOO_BIG:
        answered(c, i, false, TBE_STR("larger than the cloud takes"));
        return;
    case UPLINK_BAD:
        answered(c, i, false, TBE_STR("the link does not take it"));
        return;
    default: /* no link: the state of the link says more soon; no room: later */
        f = take_flight(up, i);
        up->pause = clock_ms() + 100;
        again(c, &f);
        return;
    }
}

/* Kept aside ------------------------------------------------------------------------------------------- */

void
uplink_keep_aside(struct cloud *c, enum uplink_lane lane, const struct store_uplink *u, const char *why)
{
    static const char *const names[LANES] = { "general", "telemetry" };
    struct tbe_buf b = { 0 };
    char key[64], id[TBE_UUID_TEXT + 1];

    tbe_uuid_text(&u->entity.id, id);
    snprintf(key, sizeof(key), CLOUD_STATE_ASIDE "%s.%llu", names[lane], (unsigned long long)u->seq);
    if (store_state(c->env.store, tbe_strz(key)).p != NULL) {
        return; /* its message was made a second time */
    }
    c->stats.lost++;
    if (c->up.aside >= (int64_t)c->lim.aside) {
        c->up.lost++;
        log_error("cloud: %s %s %s is lost: %lld items are kept aside already (%s)", cloud_kind_name(u->kind),
                  cloud_action_name(u->action), id, (long long)c->up.aside, why);
        return;
    }
    tbe_buf_fmt(&b, "{\"type\":\"%s\",\"action\":\"%s\",\"entityType\":\"%s\",\"entityId\":\"%s\",\"created\":%lld,"
                "\"keptTs\":%lld,\"error\":", cloud_kind_name(u->kind), cloud_action_name(u->action),
                tbe_entity_type_name(u->entity.type), id, (long long)u->created, (long long)clock_ms());
    tbe_json_write_str(&b, tbe_strz(why));
    tbe_buf_putz(&b, ",\"body\":");
    if (u->kvs != NULL) {
        tbe_buf_putz(&b, "{\"data\":");
        tbe_kvs_json(&b, u->kvs, TBE_OUT_GSON | TBE_OUT_NO_HTML);
        tbe_buf_fmt(&b, ",\"ts\":%lld}", (long long)u->ts);
    } else if (u->body.n > 0) {
        tbe_json_write_str(&b, u->body);
    } else {
        tbe_buf_putz(&b, "null");
    }
    tbe_buf_putc(&b, '}');
    store_put_state(c->batch, tbe_strz(key), tbe_buf_str(&b));
    tbe_buf_free(&b);
    c->up.aside++;
    log_error("cloud: %s %s of %s is kept aside, the cloud does not take it: %s", cloud_kind_name(u->kind),
              cloud_action_name(u->action), id, why);
}

static bool
count_aside(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct cloud *c = arg;

    (void)key;
    (void)value;
    c->up.aside++;
    return true;
}

/* A command may have taken some away. */
void
uplink_count(struct cloud *c)
{
    c->up.aside = 0;
    store_state_each(c->env.store, TBE_STR(CLOUD_STATE_ASIDE), count_aside, c);
}

/* Turns ------------------------------------------------------------------------------------------------ */

static int64_t
sooner(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Without an answer for too long: sent again, with a new id so that the late answer does not count twice. */
static int64_t
check_timeouts(struct cloud *c, int64_t now)
{
    struct uplink *up = &c->up;
    int64_t due = 0;

    for (uint32_t i = 0; i < up->n_flights;) {
        int64_t at = up->flights[i].sent + c->lim.timeout_ms;

        if (at > now) {
            due = sooner(due, at);
            i++;
            continue;
        }
        log_warn("cloud: no answer to an uplink for %u s; it is sent again", c->lim.timeout_ms / 1000);
        struct up_flight f = take_flight(up, i);
        up->late++;
        again(c, &f);
    }
    return due;
}

static int64_t
make_messages(struct cloud *c, int64_t now)
{
    struct uplink *up = &c->up;
    int64_t due = 0;

    for (int made = 0; up->n_flights < up->window && up->unsent < UPLINK_ROOM;) {
        int r = general_send(c, now, &due);

        if (r == 0) {
            r = log_send(c, now, &due);
        }
        if (r <= 0) {
            return due;
        }
        if (++made == PIECES) {
            return now;
        }
    }
    return due;
}

int64_t
uplink_turn(struct cloud *c, int64_t now)
{
    struct uplink *up = &c->up;
    int64_t due = check_timeouts(c, now);

    if (c->s.accepted && !c->s.syncing && !c->s.completed && !up->draining && c->known) {
        due = sooner(due, now < up->pause ? up->pause : make_messages(c, now));
    }
    general_ack(c);
    log_ack(c, now, &due);
    return due;
}
