/* SPDX-License-Identifier: Apache-2.0 */
/* The store of one edge: SQLite in WAL mode, one writing connection on its own thread, read-only
 * connections on the loop thread. Everything here is called on the loop thread unless it says
 * otherwise.
 *
 * Writing: effects are added to a batch; adding also updates the in-memory mirrors (attributes,
 * latest values, entities, alarms), so a node reads what an earlier node of the same turn wrote.
 * store_commit hands the batch to the writer thread: one transaction holds the packed log row, the
 * ordinary rows and the confirmed frame sequence number; the callback runs on the loop thread after
 * the commit is durable (synchronous=FULL). One commit is in flight at a time; batches given
 * meanwhile are merged into the next transaction (group commit), in order, all or none.
 *
 * A failed commit (disk full, I/O error) is retried for ever with back-off: nothing that was not
 * committed is acknowledged, mirrors stay ahead, store_health says so. */
#ifndef TBE_STORE_STORE_H
#define TBE_STORE_STORE_H

#include "tbe/msg.h"

struct store;
struct store_batch;
struct event_base;

struct store_options {
    /* data directory; created 0700. NULL: a private in-memory store (tests) */
    const char *dir;
    bool read_only;         /* trial start and commands without a daemon's write lock */
    /* beside read_only: a schema older than this program's is no error. Nothing can be read then, and
     * only store_take_over, store_last_seq (0, 0) and store_close may be called: the trial start of a
     * newer program, whose predecessor still writes */
    bool migrate_later;
    bool sync_commit;       /* no writer thread: store_commit writes at once and calls back (test mode);
                               so it is for dir NULL too */
    int64_t log_max_bytes;  /* bounds of the log; 0 = default 1 GiB; oldest rows beyond are dropped: points
                               are in chunks by then, what waited for the cloud is lost and counted */
    int64_t log_max_age_ms; /* same by age; 0 = default 30 days */
    int64_t max_events;     /* bound of waiting general cloud events; 0 = default 1,000,000 */
    int64_t ttl_ms;         /* default telemetry TTL, 0 = for ever */
    /* first open: the tenant's id; NULL: a random one (tests give one) */
    const struct tbe_uuid *tenant;
};
int store_open(struct store **out, const struct store_options *o, struct event_base *base,
               char err[256])
    TBE_MUST_USE;
/* Waits for the commit in flight; batches that were given are committed and their callbacks run;
 * batches that were not given are dropped. A disk that refuses writes is waited for at most 5 s.
 * NULL is allowed. */
void store_close(struct store *s);
/* One process writes at a time (a lock file; store_open waits for it up to 5 s). A store opened
 * read_only (trial start) becomes the writing one when the other has let go: the same, plus
 * forgetting all mirrors. */
int store_take_over(struct store *s, char err[256]) TBE_MUST_USE;
/* blocks until every given batch is durable and its callbacks have run */
void store_wait(struct store *s);

/* Batches -------------------------------------------------------------------------------------- */
typedef void store_done_fn(void *arg);
struct store_batch *store_batch_new(struct store *s);
/* lives until after the batch's callbacks */
struct tbe_arena *store_batch_arena(struct store_batch *b);
/* after the commit, in order */
void store_batch_after(struct store_batch *b, store_done_fn *fn, void *arg);
bool store_batch_empty(const struct store_batch *b);
void store_commit(struct store *s, struct store_batch **b); /* takes */
/* The front's frames up to seq of this epoch (a random number per front process) are applied. */
void store_batch_seq(struct store_batch *b, uint64_t epoch, uint64_t seq);
void store_last_seq(struct store *s, uint64_t *epoch, uint64_t *seq);

/* Tells of writes as they are added to a batch: before they are durable, so it is for watching only (the
 * test mode). Strings are valid during the call. NULL: nobody. */
struct tbe_kvs;
struct store_alarm;
enum store_scope { STORE_CLIENT, STORE_SHARED, STORE_SERVER, STORE_SCOPES };
struct store_watch {
    void (*ts)(void *arg, const struct tbe_entity *e, int64_t ts, const struct tbe_kvs *kvs, int64_t ttl_s,
               unsigned flags);
    void (*attrs)(void *arg, const struct tbe_entity *e, enum store_scope sc, const struct tbe_kvs *kvs);
    void (*attr_deleted)(void *arg, const struct tbe_entity *e, enum store_scope sc, struct tbe_str key);
    void (*alarm)(void *arg, const struct store_alarm *a);
    void *arg;
};
void store_watch_set(struct store *s, const struct store_watch *w); /* borrowed */

/* Time series ---------------------------------------------------------------------------------- */
enum store_ts_flags {
    STORE_TS_HISTORY = 1,
    STORE_TS_LATEST = 2,
};
void store_save_ts(struct store_batch *b, const struct tbe_entity *e, int64_t ts,
                   const struct tbe_kvs *kvs,
                   int64_t ttl_s, unsigned flags);
/* Latest value of a key: true and *kv, *ts. Strings live until the end of the turn. Missing:
 * false. */
bool store_latest(struct store *s, const struct tbe_entity *e, struct tbe_str key,
                  struct tbe_kv *kv, int64_t *ts);
typedef bool store_kv_fn(void *arg, const struct tbe_kv *kv, int64_t ts); /* false: stop */
void store_latest_each(struct store *s, const struct tbe_entity *e, store_kv_fn *fn, void *arg);
enum store_agg { STORE_AGG_NONE, STORE_AGG_MIN, STORE_AGG_MAX, STORE_AGG_AVG, STORE_AGG_SUM, STORE_AGG_COUNT };
struct store_range {
    int64_t from, to;    /* from <= ts < to */
    uint32_t limit;      /* 0 = none */
    bool descending;
    enum store_agg agg;  /* with interval; a last shorter interval is one too */
    int64_t interval;
};
/* History, log and chunks merged; the newest write of one (key, ts) wins. */
void store_history(struct store *s, const struct tbe_entity *e, struct tbe_str key,
                   const struct store_range *r,
                   store_kv_fn *fn, void *arg);
/* Every key of the entity that has points or a latest value, in no order; some may be deleted
 * meanwhile. */
typedef bool store_key_fn(void *arg, struct tbe_str key); /* false: stop */
void store_keys_each(struct store *s, const struct tbe_entity *e, store_key_fn *fn, void *arg);
void store_delete_ts(struct store_batch *b, const struct tbe_entity *e, struct tbe_str key,
                     int64_t from,
                     int64_t to, bool rewrite_latest);

/* Attributes ----------------------------------------------------------------------------------- */
const char *store_scope_name(enum store_scope s);            /* "CLIENT_SCOPE" */
int store_scope_parse(struct tbe_str s);                     /* -1 unknown */
void store_save_attrs(struct store_batch *b, const struct tbe_entity *e, enum store_scope sc,
                      int64_t ts,
                      const struct tbe_kvs *kvs);
void store_delete_attr(struct store_batch *b, const struct tbe_entity *e, enum store_scope sc,
                       struct tbe_str key);
bool store_attr(struct store *s, const struct tbe_entity *e, enum store_scope sc,
                struct tbe_str key,
                struct tbe_kv *kv, int64_t *ts);
void store_attr_each(struct store *s, const struct tbe_entity *e, enum store_scope sc,
                     store_kv_fn *fn, void *arg);

/* Entities: columns every kind has, and the whole entity as ThingsBoard's JSON. ----------------
 * What the cloud sends beside (runtime/cloud/down_*.c): name and kind of widget types are "system.<fqn>" or
 * "tenant.<fqn>" and their title, of widgets bundles the same with the alias, of resources "<owner>.<type>/<key>"
 * and the type; of settings the key; of calculated fields their name and type, profile = the entity they are
 * of. State rows: "user.credentials.<user>", "bundle.widgets.<bundle>" (JSON), "alarm.comment.<alarm>.<comment>". */
struct store_entity {
    struct tbe_entity id;
    int64_t created;            /* ms */
    struct tbe_str name;        /* unique per type; customer/tenant/dashboard: title; user: email */
    struct tbe_str kind;        /* device/asset: profile name ("type" in JSON) */
    struct tbe_str label;       /* absent when null */
    struct tbe_uuid customer;   /* tbe_uuid_null when none */
    struct tbe_uuid profile;    /* device and asset profile id, else null uuid */
    struct tbe_str json;        /* the entity object */
    uint64_t version;           /* grows with every write of this row */
};
/* Borrowed until the end of the turn; NULL when there is none. Cached. */
const struct store_entity *store_entity(struct store *s, const struct tbe_entity *id);
const struct store_entity *store_entity_by_name(struct store *s, enum tbe_entity_type t,
                                                struct tbe_str name);
void store_put_entity(struct store_batch *b, const struct store_entity *e); /* insert or replace */
void store_delete_entity(struct store_batch *b, const struct tbe_entity *id); /* and attributes, series, alarms,
                                                                       relations, credentials of it */
typedef bool store_entity_fn(void *arg, const struct store_entity *e);
void store_entity_each(struct store *s, enum tbe_entity_type t, store_entity_fn *fn, void *arg);
/* this edge's tenant id; made on first open */
const struct tbe_uuid *store_tenant(struct store *s);
/* The cloud's tenant takes the place of the present one: the tenant's row with its attributes moves, and
 * every mention of its id in the entities' JSON. Caches above the store are the caller's. */
void store_tenant_set(struct store_batch *b, const struct tbe_uuid *tenant);
/* Every entity goes with all that is its own, and what waits for the cloud; then what a new database starts
 * with, with this tenant. Named state stays. */
void store_wipe(struct store_batch *b, const struct tbe_uuid *tenant);
const struct store_entity *store_default_profile(struct store *s,
                                                 enum tbe_entity_type device_or_asset_profile);

/* Device credentials (facts/device-apis.md 2.1). */
enum store_cred_type { STORE_CRED_TOKEN, STORE_CRED_MQTT_BASIC, STORE_CRED_X509, STORE_CRED_LWM2M };
struct store_cred {
    struct tbe_uuid device;
    enum store_cred_type type;
    struct tbe_str id;    /* credentialsId */
    struct tbe_str value; /* credentialsValue or absent */
};
bool store_cred_find(struct store *s, struct tbe_str credentials_id, struct store_cred *out);
bool store_cred_of(struct store *s, const struct tbe_uuid *device, struct store_cred *out);
/* one per device: replaces */
void store_put_cred(struct store_batch *b, const struct store_cred *c);

/* Relations (group COMMON unless named). */
struct store_relation {
    struct tbe_entity from, to;
    struct tbe_str type, group; /* group absent = COMMON */
    struct tbe_str info;        /* additionalInfo JSON or absent */
};
typedef bool store_relation_fn(void *arg, const struct store_relation *r);
void store_put_relation(struct store_batch *b, const struct store_relation *r);
bool store_delete_relation(struct store_batch *b, const struct store_relation *r);
void store_relation_each(struct store *s, const struct tbe_entity *e, bool from, struct tbe_str type /* absent: any */,
                         store_relation_fn *fn, void *arg);

/* Alarms (facts/rule-nodes.md 14). */
struct store_alarm {
    struct tbe_uuid id, customer;
    struct tbe_entity originator;
    struct tbe_str type, severity; /* severity text: CRITICAL ... */
    bool ack, clear, propagate, propagate_owner, propagate_tenant;
    int64_t created, start, end, ack_ts, clear_ts, assign_ts;
    struct tbe_uuid assignee;      /* null uuid when none */
    struct tbe_str details;        /* JSON text or absent */
    struct tbe_str propagate_relations; /* JSON array text or absent */
};
bool store_alarm_active(struct store *s, const struct tbe_entity *originator, struct tbe_str type,
                        struct store_alarm *out);
bool store_alarm(struct store *s, const struct tbe_uuid *id, struct store_alarm *out);
void store_put_alarm(struct store_batch *b, const struct store_alarm *a);
void store_delete_alarm(struct store_batch *b, const struct tbe_uuid *id);
typedef bool store_alarm_fn(void *arg, const struct store_alarm *a);
/* The alarm is shown at this entity too (propagation). Shown there already: nothing. */
void store_show_alarm(struct store_batch *b, const struct tbe_uuid *alarm, const struct tbe_entity *at);
/* Alarms of other originators that are shown at an entity, newest first. Only what is committed. */
void store_alarm_shown_each(struct store *s, const struct tbe_entity *at, store_alarm_fn *fn, void *arg);
/* newest first */
void store_alarm_each(struct store *s, const struct tbe_entity *originator, store_alarm_fn *fn,
                      void *arg);

/* Outbox: what waits for the cloud. Telemetry and attribute posts are in the log (order kept with
 * the points they belong to); everything else is a general event row. Cursors move with
 * store_outbox_ack. */
struct store_uplink {
    uint64_t seq;               /* place in its queue */
    struct tbe_entity entity;
    int kind;                   /* enum cloud_kind of msg/cloud_event.h */
    int action;                 /* enum cloud_action */
    struct tbe_str body;        /* JSON text: entityBody of the cloud event, or absent (null) */
    int64_t created;
    /* store_outbox_each: the typed values of a store_push_ts, else NULL */
    const struct tbe_kvs *kvs;
    int64_t ts;                 /* beside kvs */
};
/* Names of struct store_uplink's numbers, from msg/cloud_event.h; NULL when out of range. */
const char *store_cloud_type_name(int kind);
const char *store_cloud_action_name(int action);
/* Push of telemetry, {"data":kvs,"ts":ts} with action TIMESERIES_UPDATED: use it instead of
 * store_push_cloud when the message's data is the exact rendering of kvs (m->kvs). When the same
 * values were saved in this batch just before (or are saved just after), they are stored once. */
void store_push_ts(struct store_batch *b, const struct tbe_entity *e, int64_t ts,
                   const struct tbe_kvs *kvs);
/* A pushed message body: {"data":..,"metadata":..} forms of push to cloud (rule-nodes.md: push
 * to cloud). */
void store_push_cloud(struct store_batch *b, const struct store_uplink *u, bool telemetry_log);
typedef bool store_uplink_fn(void *arg, const struct store_uplink *u);
void store_outbox_each(struct store *s, bool telemetry_log, uint64_t after_seq, uint32_t limit,
                       store_uplink_fn *fn, void *arg);
/* Telemetry entries one by one, in order, only what is committed; at its start behind the confirmed ones.
 * Holds one log row in memory and no transaction. NULL: out of memory. */
struct store_outbox_reader;
struct store_outbox_reader *store_outbox_open(struct store *s);
void store_outbox_close(struct store_outbox_reader *r);
void store_outbox_seek(struct store_outbox_reader *r, uint64_t after);
/* The next entry, borrowed until the next call; body is absent when there are kvs. false: none for now. */
bool store_outbox_next(struct store_outbox_reader *r, struct store_uplink *u);
void store_outbox_back(struct store_outbox_reader *r); /* the newest entry comes again */
/* The newest confirmed telemetry entry, committed. */
uint64_t store_outbox_confirmed(struct store *s);
/* No committed telemetry entry has a higher seq. */
uint64_t store_outbox_head(struct store *s);
/* confirmed up to seq */
void store_outbox_ack(struct store_batch *b, bool telemetry_log, uint64_t seq);

/* Parked messages. */
struct store_parked {
    struct tbe_str key;      /* unique */
    struct tbe_str chain, node; /* chain id text, node name+type: survives a recompiled chain */
    int64_t due;             /* ms, 0 = none */
    struct tbe_str msg;      /* tbe_msg_pack */
};
void store_park(struct store_batch *b, const struct store_parked *p);
void store_unpark(struct store_batch *b, struct tbe_str key);
typedef bool store_parked_fn(void *arg, const struct store_parked *p);
/* by due time; includes uncommitted */
void store_parked_each(struct store *s, store_parked_fn *fn, void *arg);

/* RPC rows (persistent RPCs) and small named state. */
/* value absent: delete */
void store_put_state(struct store_batch *b, struct tbe_str key, struct tbe_str value);
/* until the end of the turn */
struct tbe_str store_state(struct store *s, struct tbe_str key);
typedef bool store_state_fn(void *arg, struct tbe_str key, struct tbe_str value);
void store_state_each(struct store *s, struct tbe_str prefix, store_state_fn *fn, void *arg);

/* Rule chains: the entity row holds RuleChain JSON; its nodes and connections (RuleChainMetaData JSON,
 * facts/edge-cloud-protocol.md 7.2) are kept apart and go with it. Text until the end of the turn,
 * absent when there is none; absent json: delete. */
struct tbe_str store_chain_metadata(struct store *s, const struct tbe_uuid *chain);
void store_put_chain_metadata(struct store_batch *b, const struct tbe_uuid *chain, struct tbe_str json);
/* The tenant's root chain; NULL: none. */
bool store_root_chain(struct store *s, struct tbe_uuid *out);
void store_put_root_chain(struct store_batch *b, const struct tbe_uuid *chain);

/* Binaries beside an entity, by name ("ota.<uuid>": the package's file). Absent data: delete. */
void store_put_blob(struct store_batch *b, struct tbe_str name, struct tbe_str data);
int64_t store_blob_size(struct store *s, struct tbe_str name); /* -1: there is none */
size_t store_blob_read(struct store *s, struct tbe_str name, int64_t offset, void *out, size_t n); /* bytes read */

/* Debug events of rule nodes, chains and fields (EventInfo bodies of facts/rest-ws-api.md 4, JSON).
 * The newest STORE_DEBUG_KEEP of an entity and type are kept. Only committed ones are read, newest
 * first. */
enum store_debug_type { STORE_DEBUG_LC_EVENT, STORE_DEBUG_ERROR, STORE_DEBUG_STATS, STORE_DEBUG_RULE_NODE,
                        STORE_DEBUG_RULE_CHAIN, STORE_DEBUG_CALCULATED_FIELD };
#define STORE_DEBUG_KEEP 100
void store_put_debug(struct store_batch *b, const struct tbe_entity *e, enum store_debug_type type,
                     struct tbe_str body);
typedef bool store_debug_fn(void *arg, int64_t created, struct tbe_str body); /* false: stop */
void store_debug_each(struct store *s, const struct tbe_entity *e, enum store_debug_type type,
                      store_debug_fn *fn, void *arg);

/* Queries across threads and processes --------------------------------------------------------- */
struct store_stats {
    int64_t points;              /* stored and still kept; one that was overwritten counts twice until
                                  * the compactor has passed it */
    int64_t log_rows, log_bytes;
    int64_t outbox_telemetry, outbox_general; /* entries waiting */
    int64_t outbox_oldest_ms;    /* created of the oldest waiting, 0 = none */
    int64_t telemetry_oldest_ms, general_oldest_ms; /* the same of each queue */
    int64_t parked, entities;
    int64_t dropped;             /* points dropped by a bound */
    int64_t commits, commit_errors;
    bool healthy;
};
void store_stats(struct store *s, struct store_stats *out);
void store_end_turn(struct store *s); /* borrowed strings end here; trims caches */
/* Online copy to a new file, which must not exist (SQLite backup API). Any thread, any process. */
int store_backup(const char *dir, const char *to, char err[256]) TBE_MUST_USE;

#endif
