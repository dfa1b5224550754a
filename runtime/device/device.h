/* SPDX-License-Identifier: Apache-2.0 */
/* Devices as the transports and the commands see them: cached devices and profiles, sessions, and the
 * operations of the device API (facts/device-apis.md 3-6, 9, 15). Loop thread only. What rule nodes need is
 * in hub.h; the inner parts of the hub are in hub_internal.h. */
#ifndef TBE_DEVICE_DEVICE_H
#define TBE_DEVICE_DEVICE_H

#include "device/hub.h"

enum hub_transport { HUB_T_DEFAULT, HUB_T_MQTT, HUB_T_COAP, HUB_T_LWM2M, HUB_T_SNMP };

struct hub_filter; /* a topic filter of a device profile (16.1) */
bool hub_filter_match(const struct hub_filter *f, struct tbe_str topic);

struct hub_profile {
    struct hub_profile *chain; /* hash chain */
    struct tbe_uuid id;
    struct tbe_str name;
    struct tbe_str queue;      /* absent = Main */
    enum hub_transport transport;
    struct hub_filter *telemetry, *attributes, *attributes_sub;
    bool protobuf;     /* payloads of the profile's own topics are protobuf */
    bool json_compat;  /* ... with enableCompatibilityWithJsonPayloadFormat */
    bool send_ack;     /* sendAckOnValidationException */
    bool sparkplug;
    struct tbe_str provision_type, provision_key, provision_secret;
};

struct hub_device {
    struct hub_device *chain; /* hash chain */
    struct tbe_uuid id, customer;
    struct hub_profile *profile;
    struct tbe_str name, type, label; /* own copies; label absent when null */
    int64_t created;
    bool gateway, overwrite_activity;
    bool stale;               /* entity changed: read again before the next use */
    struct hub_session *sessions; /* newest first */
    uint32_t n_async;
    /* State service (15). */
    struct {
        bool loaded, active, dirty;
        int64_t connect, activity, disconnect, inactivity_alarm, timeout;
        int64_t recorded;     /* last activity not yet reported (3.5) */
        struct hub_device *next_dirty;
    } state;
    /* Server-side RPC (9.3). */
    int32_t rpc_seq;
    bool rpcs_loaded;
    struct hub_call *calls, **calls_end; /* pending, by request id */
};

/* Why the hub closes a session; the transport words it (3.3). */
enum hub_close {
    HUB_CLOSE_TAKEOVER, HUB_CLOSE_CREDENTIALS, HUB_CLOSE_DELETED, HUB_CLOSE_EXPIRED, HUB_CLOSE_RPC_DELIVERY
};
enum hub_sent {
    HUB_SENT_DONE,    /* arrived, as far as anybody can tell */
    HUB_SENT_UNACKED, /* an acknowledgement will be told */
    HUB_SENT_BLIND,   /* sent, nobody will tell whether it arrived (children of gateways, 7.2) */
    HUB_SENT_BAD
};

/* What a transport does for its sessions. Called on the loop thread during a turn; what goes out must be
 * held back until the turn's batch is durable. */
struct hub_session_ops {
    /* Shared attributes changed. body: {"k":v,...} or {"deleted":[...]}. */
    void (*attributes)(struct hub_session *s, struct tbe_str body);
    /* A request to the device. params is JSON text or absent. UNACKED: the transport calls
     * hub_rpc_delivered with this tag (1..65535) when the device has acknowledged. BAD: not convertible. */
    enum hub_sent (*rpc)(struct hub_session *s, int32_t id, struct tbe_str method, struct tbe_str params,
                         uint16_t tag);
    /* Answer to a client-side RPC; JSON text. */
    void (*reply)(struct hub_session *s, int32_t request_id, struct tbe_str body);
    /* The hub has already let go of the session. */
    void (*close)(struct hub_session *s, enum hub_close why);
};

struct hub_session { /* embedded in the transport's session */
    struct hub_session *next, *prev; /* of the device */
    struct hub_session *chain;       /* by id */
    struct hub_session *all_next, *all_prev; /* every open session, oldest activity not ordered */
    struct tbe_uuid id;
    struct hub_device *dev;
    const struct hub_session_ops *ops;
    struct hub_client_call *client_calls;
    int64_t last_activity;
    bool open, async, attributes_on, rpc_on;
    uint16_t next_tag;
};

/* Lookup ------------------------------------------------------------------------------------------- */
struct hub_device *hub_device(struct device_hub *h, const struct tbe_uuid *id); /* NULL: none */
struct hub_device *hub_device_by_name(struct device_hub *h, struct tbe_str name);
struct hub_profile *hub_profile(struct device_hub *h, const struct tbe_uuid *id);
struct store *hub_store(struct device_hub *h);
struct store_batch *hub_batch(struct device_hub *h);

/* Credentials (2). */
enum hub_auth { HUB_AUTH_OK, HUB_AUTH_REFUSED, HUB_AUTH_WRONG_TRANSPORT };
struct hub_login {
    struct tbe_str client_id, user, password, certificate; /* certificate: base64 DER chain, leaf first */
    bool cert_expired;
};
enum hub_auth hub_auth_mqtt(struct device_hub *h, const struct hub_login *l, struct hub_device **out);
struct hub_device *hub_auth_token(struct device_hub *h, struct tbe_str token); /* HTTP, CoAP */

/* Sessions ----------------------------------------------------------------------------------------- */
/* s->ops, s->async set by the caller; s->id too when it is not null (a session that comes back). silent:
 * no event, no activity (replay after a swap). Older async sessions over the limit are closed. */
void hub_session_open(struct device_hub *h, struct hub_session *s, struct hub_device *d, bool silent);
void hub_session_close(struct device_hub *h, struct hub_session *s, bool silent);
void hub_subscribe_attributes(struct hub_session *s, bool on);
void hub_subscribe_rpc(struct device_hub *h, struct hub_session *s, bool on);
void hub_subscribe_rpc_silent(struct hub_session *s); /* a subscription that comes back: nothing is sent again */
void hub_session_activity(struct device_hub *h, struct hub_session *s);
void hub_device_activity(struct device_hub *h, struct hub_device *d); /* HTTP, CoAP posts */

/* Operations. err: text of the reference, valid until the next operation; may be empty. ------------- */
enum hub_result {
    HUB_DONE,
    HUB_PAYLOAD,  /* ordinary payload error */
    HUB_UNCAUGHT  /* what the reference answers with an uncaught exception (6.4) */
};
/* topic: mqttTopic metadata or absent. arrival: epoch ms for records without a ts of their own. dry: check
 * only, nothing is submitted (a frame applied before). */
enum hub_result hub_post_telemetry(struct device_hub *h, struct hub_device *d, struct tbe_str topic, int64_t arrival,
                                   struct tbe_str json, bool dry, struct tbe_str *err) TBE_MUST_USE;
enum hub_result hub_post_attributes(struct device_hub *h, struct hub_device *d, struct tbe_str topic,
                                    struct tbe_str json, bool dry, struct tbe_str *err) TBE_MUST_USE;

struct hub_keys { /* comma-separated list of an attribute request */
    bool given;
    struct tbe_str *v;
    uint32_t n;
};
/* Java's String.split(","): trailing empty names are dropped, "" is one empty name. */
void hub_keys_split(struct tbe_arena *a, struct tbe_str list, struct hub_keys *out);
/* Response text appended. false: the storage refuses (an empty name): no response. found: any attribute. */
bool hub_attributes_read(struct device_hub *h, struct hub_device *d, const struct hub_keys *client,
                         const struct hub_keys *shared, struct tbe_buf *out, bool *found);
/* A request document as of 6.6: response text appended. *respond false: nothing is sent. */
enum hub_result hub_attributes_request(struct device_hub *h, struct hub_device *d, struct tbe_str json,
                                       struct tbe_buf *out, bool *respond) TBE_MUST_USE;

/* Client-side RPC. need_params: HTTP's rule that both members are mandatory. limits: answer
 * getSessionLimits here. The answer comes through ops->reply, also the time-out. */
enum hub_result hub_client_rpc(struct device_hub *h, struct hub_session *s, int32_t id, struct tbe_str json,
                               bool need_params, bool limits, bool dry, struct tbe_str *err) TBE_MUST_USE;

/* The device's reply to a server-side RPC, any text. */
void hub_rpc_response(struct device_hub *h, struct hub_device *d, int32_t id, struct tbe_str text);
void hub_rpc_delivered(struct device_hub *h, struct hub_session *s, uint16_t tag);
/* Status and response of a persistent RPC: its entity JSON, or absent. Valid until the end of the turn. */
struct tbe_str hub_rpc_row(struct device_hub *h, const struct tbe_uuid *device, const struct tbe_uuid *rpc);

/* Provisioning (10). DONE: the response is appended. UNCAUGHT: a member is missing or wrong, err says which. */
enum hub_result hub_provision(struct device_hub *h, struct tbe_str json, struct tbe_buf *out, struct tbe_str *err)
    TBE_MUST_USE;

/* Claiming (11). Registration: what the device sees; refusals are only logged. */
enum hub_result hub_claim_register(struct device_hub *h, struct hub_device *d, struct tbe_str json, bool dry,
                                   struct tbe_str *err) TBE_MUST_USE;
enum hub_claim { HUB_CLAIM_SUCCESS, HUB_CLAIM_FAILURE, HUB_CLAIM_CLAIMED };
enum hub_claim hub_claim(struct device_hub *h, struct hub_device *d, struct tbe_str secret,
                         const struct tbe_uuid *customer);
/* The customer of this title, made when there is none. */
int hub_customer(struct device_hub *h, struct tbe_str title, struct tbe_uuid *id, char err[256]) TBE_MUST_USE;
/* Assigns; tbe_uuid_null takes the device from its customer. */
void hub_device_assign(struct device_hub *h, struct hub_device *d, const struct tbe_uuid *customer);

/* Registry: what commands, REST and provisioning do with devices. Errors are texts for people. -------- */
struct hub_new_device {
    struct tbe_str name, profile; /* profile name; absent = default profile; made when missing if make_profile */
    struct tbe_str label;
    struct tbe_str info;          /* additionalInfo JSON or absent */
    bool make_profile;
    struct store_cred cred;       /* id absent: a random access token */
    struct tbe_uuid customer;
    const struct hub_device *gateway; /* made by a gateway (7.1): relation, customer and metadata; else NULL */
};
int hub_device_create(struct device_hub *h, const struct hub_new_device *n, struct tbe_uuid *id, char err[256])
    TBE_MUST_USE;
/* The device a gateway names: found by its name whatever made it, or created with this profile (7.1). NULL:
 * err says why. */
struct hub_device *hub_gateway_child(struct device_hub *h, const struct hub_device *gateway, struct tbe_str name,
                                     struct tbe_str type, char err[256]);
/* The checks of hub_device_create alone, for lists that must be added whole or not at all. */
int hub_device_check(struct device_hub *h, const struct hub_new_device *n, char err[256]) TBE_MUST_USE;
/* Another name, another label, or both: absent stays, an empty label goes. Open sessions go on. */
int hub_device_set(struct device_hub *h, struct hub_device *d, struct tbe_str name, struct tbe_str label, char err[256])
    TBE_MUST_USE;
void hub_device_remove(struct device_hub *h, const struct tbe_uuid *id);
/* Validates and fills c->id from c->value for MQTT basic and X.509 (2.1). Text in the hub's scratch arena. */
int hub_cred_normalize(struct device_hub *h, struct store_cred *c, char err[256]) TBE_MUST_USE;
int hub_cred_set(struct device_hub *h, const struct tbe_uuid *device, struct store_cred *c, char err[256])
    TBE_MUST_USE;
/* json: a device profile as exported, or only its interesting members. An existing name is replaced. */
int hub_profile_put(struct device_hub *h, struct tbe_str name, struct tbe_str json, struct tbe_uuid *id,
                    char err[256]) TBE_MUST_USE;
/* Attributes of this device were stored, or deleted, by somebody else: shared ones are pushed to its sessions. */
void hub_attributes_saved(struct device_hub *h, struct hub_device *d, enum store_scope sc, const struct tbe_kvs *kvs);
void hub_attributes_deleted(struct device_hub *h, struct hub_device *d, enum store_scope sc, const struct tbe_str *keys,
                            uint32_t n);
/* Attributes as REST saves them: rule message ATTRIBUTES_UPDATED / ATTRIBUTES_DELETED, push of shared ones. */
void hub_rest_attributes(struct device_hub *h, struct hub_device *d, enum store_scope sc, const struct tbe_kvs *kvs);
void hub_rest_attributes_delete(struct device_hub *h, struct hub_device *d, enum store_scope sc,
                                const struct tbe_str *keys, uint32_t n);

#endif
