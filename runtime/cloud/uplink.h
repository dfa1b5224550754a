/* SPDX-License-Identifier: Apache-2.0 */
/* The uplink (facts/edge-cloud-protocol.md 4): two lanes, one for each queue of the outbox, share the messages
 * in flight. The general lane holds a window of items; the log lane holds ranges of the log, so its memory does
 * not grow with what waits. A cursor is the lowest entry without the cloud's yes. */
#ifndef TBE_CLOUD_UPLINK_H
#define TBE_CLOUD_UPLINK_H

#include "proto/edge.pb-c.h"
#include "store/store.h"

struct cloud;

enum uplink_lane { LANE_GENERAL, LANE_LOG, LANES };

/* Messages being built ------------------------------------------------------------------------------- */

/* The repeated fields of UplinkMsg we send, in the order in which the cloud applies them (11.2). */
enum up_field {
    UP_DEVICE_PROFILE, UP_DEVICE, UP_DEVICE_CREDENTIALS, UP_ASSET_PROFILE, UP_ASSET, UP_RULE_CHAIN,
    UP_RULE_CHAIN_METADATA, UP_ENTITY_VIEW, UP_ENTITY_DATA, UP_ALARM, UP_ALARM_COMMENT, UP_RELATION, UP_DASHBOARD,
    UP_RESOURCE, UP_METADATA_REQUEST, UP_ATTRIBUTES_REQUEST, UP_RELATION_REQUEST, UP_FIELD_REQUEST,
    UP_USER_CREDENTIALS_REQUEST, UP_DEVICE_CREDENTIALS_REQUEST, UP_RPC, UP_WIDGETS_REQUEST, UP_VIEWS_REQUEST,
    UP_FIELD, UP_AI_MODEL, UP_USER, UP_USER_CREDENTIALS, UP_API_KEY, UP_FIELDS
};
struct up_msg {
    struct tbe_arena *a;
    size_t bytes; /* of what was added, with its framing: an upper bound */
    struct up_list {
        void **v;
        uint32_t n, cap;
    } f[UP_FIELDS];
};
void up_add(struct up_msg *m, enum up_field f, ProtobufCMessage *part);
void up_fill(const struct up_msg *m, Edge__UplinkMsg *out);
struct up_mark { /* to take back what was added since */
    size_t bytes;
    uint32_t n[UP_FIELDS];
};
void up_mark(const struct up_msg *m, struct up_mark *k);
void up_undo(struct up_msg *m, const struct up_mark *k);

/* One entry of the outbox into the message. */
enum up_result {
    UP_ADDED,
    UP_NOTHING,    /* there is nothing to send (the entity is gone, an empty list): counts as sent */
    UP_UNSENDABLE  /* it cannot be said to a cloud: kept aside with *why */
};
enum up_result up_data(struct up_msg *m, const struct store_uplink *u, const char **why);  /* uplink_data.c */
enum up_result up_event(struct cloud *c, struct up_msg *m, const struct store_uplink *u,
                        const char **why);                                                 /* uplink_entity.c */

/* What of an event must keep its order: entities it changes, and entities it needs. */
#define UP_KEYS 6u
struct up_keys {
    uint32_t n;
    uint64_t v[UP_KEYS];
    bool change[UP_KEYS];
    enum up_field field; /* where it goes: what is needed from an earlier field is applied before */
    bool alone;          /* a message of its own: it must not be said twice because of others */
    bool merge;          /* a request: one is enough when the same waits twice */
};
void up_keys(struct cloud *c, const struct store_uplink *u, struct up_keys *out);
uint64_t up_key(const struct tbe_uuid *id);

/* Lanes ------------------------------------------------------------------------------------------------ */

#define GENERAL_WINDOW 1024u          /* items held */
#define GENERAL_BYTES (8u << 20)      /* of their bodies; one item may be larger */
#define GENERAL_PACK 250u             /* items of one message: an item is more work than a point */
#define LOG_RANGES 1024u              /* ranges without the cloud's yes: a message and its halves each */
#define UPLINK_TRIES 4u               /* of one item alone while others succeed; then it is kept aside */
#define UPLINK_ROOM (6u << 20)        /* bytes the link has not sent yet; the rest is for answers */

enum up_state { UP_WAITS, UP_FLIES, UP_DONE };

struct up_item {
    uint64_t seq;
    struct store_uplink u;   /* body is own memory behind this struct */
    struct up_keys keys;
    enum up_state state;
    uint32_t tries, pack_max;
    uint64_t ok_before;      /* up.ok + 1 at its first refusal, alone or with others; 0: none yet */
    int64_t due;             /* not before, epoch ms */
    int32_t flight;          /* id of its message */
};

struct up_range { /* entries (after, upto] of the log; upto 0 while it was never built */
    uint64_t after, upto;
    uint32_t n, max;         /* entries; most entries when it is built again, 0 = the usual */
    enum up_state state;
    uint32_t tries;
    uint64_t ok_before;      /* as of an item; its halves inherit it */
    int64_t due;
    int32_t flight;
    uint64_t *locks;         /* entities whose attributes are in it */
    uint32_t n_locks;
    bool lock_all;           /* not known which */
};

struct up_flight {
    int32_t id;
    enum uplink_lane lane;
    uint64_t number;         /* of its frame; 0: of an earlier worker */
    int64_t sent;            /* epoch ms */
    uint32_t bytes, n;
    bool taken;              /* the link has sent it */
};

struct up_slot { /* of the table of keys that block */
    uint64_t key;
    uint32_t gen;
    int8_t outside;          /* 1 needed, 2 changed by something that is not in this message */
    int8_t needs, changes;   /* highest field that needs or changes it in this message, -1 none */
};
#define UP_SLOTS 16384u

struct uplink {
    struct up_item **items;  /* by seq */
    uint32_t n_items;
    size_t item_bytes;
    uint64_t general_read, general_acked; /* seq */
    bool general_all;        /* the window holds all that was there when it was read */
    bool general_look;       /* more may have come */
    uint64_t log_safe;       /* log entries up to it are older than the window's newest reading */
    uint32_t changing;       /* items that wait or fly and change an entity */

    struct up_range *ranges; /* by seq */
    uint32_t n_ranges;
    struct store_outbox_reader *reader;
    uint64_t log_read, log_acked;
    bool log_look;
    bool log_short;          /* the newest message was not full */
    int64_t log_sent;
    int64_t log_ack_due;     /* the cursor is not written before */

    struct up_flight *flights;
    uint32_t n_flights;
    size_t unsent;           /* bytes the link has not sent yet */
    struct up_slot *slots;
    uint32_t gen;
    uint32_t window;         /* messages in flight allowed now: opens with every yes */
    uint32_t refusals;       /* in a row */
    int64_t pause;           /* nothing before, epoch ms */
    uint64_t ok;             /* yes so far */
    int64_t negative, rate_limited, late, aside, lost; /* counts; aside: items kept now */
    char last_error[160];
    bool draining;
    uint64_t saved_epoch;    /* the stream whose flights an earlier worker left; 0: none */
    uint32_t saved_session;
};

int uplink_init(struct cloud *c);
void uplink_free(struct cloud *c);
void uplink_session(struct cloud *c, bool same); /* a session began; same: the one whose flights were kept */
void uplink_lost(struct cloud *c);               /* the session is over: what flew waits again */
void uplink_answer(struct cloud *c, int32_t id, bool ok, struct tbe_str error);
void uplink_done(struct cloud *c, uint64_t number, uint32_t code);
int64_t uplink_turn(struct cloud *c, int64_t now); /* next due; now: at once; 0: when something happens */
void uplink_save(struct cloud *c);               /* uplink_state.c: what flies, for the next worker */
bool uplink_load(struct cloud *c);
void uplink_reset(struct cloud *c);              /* the outbox was emptied */

/* uplink.c, for the lanes */
struct up_flight *uplink_send(struct cloud *c, struct up_msg *m, enum uplink_lane lane, int64_t now);
void uplink_refused(struct cloud *c, bool alone, uint32_t *tries, uint64_t *ok_before, int64_t *due, int64_t now);
bool uplink_poison(const struct cloud *c, uint32_t tries, uint64_t ok_before);
void uplink_keep_aside(struct cloud *c, enum uplink_lane lane, const struct store_uplink *u, const char *why);
size_t uplink_max_bytes(const struct cloud *c, bool single);
void uplink_count(struct cloud *c);              /* the items kept aside, anew */
/* uplink_general.c */
void general_set_done(struct uplink *up, struct up_item *it);
void general_free(struct cloud *c);
void general_fill(struct cloud *c);
int general_send(struct cloud *c, int64_t now, int64_t *due); /* 1 sent, 0 nothing to send, -1 no room */
void general_answer(struct cloud *c, const struct up_flight *f, bool ok, const char *why, int64_t now);
/* Whether the message holds a lone entry that was refused alone before: a refusal says nothing new. */
bool general_retried(struct uplink *up, const struct up_flight *f);
void general_again(struct cloud *c, const struct up_flight *f); /* f is over without an answer */
bool general_holds(struct cloud *c, const struct tbe_uuid *entity);
void general_ack(struct cloud *c);
/* uplink_log.c */
void log_free(struct cloud *c);
int log_send(struct cloud *c, int64_t now, int64_t *due);
void log_answer(struct cloud *c, const struct up_flight *f, bool ok, const char *why, int64_t now);
bool log_retried(struct uplink *up, const struct up_flight *f); /* as general_retried */
void log_again(struct cloud *c, const struct up_flight *f);
void log_ack(struct cloud *c, int64_t now, int64_t *due);
/* the table of keys, uplink_keys.c */
void keys_clear(struct uplink *up);
struct up_slot *keys_slot(struct uplink *up, uint64_t key);
const struct up_slot *keys_find(const struct uplink *up, uint64_t key);

#endif
