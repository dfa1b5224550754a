/* SPDX-License-Identifier: Apache-2.0 */
/* What the device profile node remembers of each device (facts/rule-nodes.md 15.2, 15.7): the snapshot of the
 * values its rules look at, the counters of the rules and the current alarms. In memory; the counters are
 * rows too when the node's configuration says so. */
#ifndef TBE_NODES_DEVICE_PROFILE_STATE_H
#define TBE_NODES_DEVICE_PROFILE_STATE_H

#include "nodes/device_rules.h"
#include "nodes/engine_int.h"

struct profile_alarm { /* of one rules_alarm, same index */
    struct rules_counter create[RULES_SEVERITIES], clear;
    bool looked;             /* for the current alarm */
    bool current;
    struct tbe_uuid alarm;   /* beside current */
    int severity;
};
struct profile_device {
    struct rules_device rules;
    const struct tbe_chain *chain; /* the node */
    uint32_t node;
    struct rules_profile *profile; /* one use of it */
    struct profile_alarm *alarms;
    struct tbe_msg *last; /* message that was worked on last, when rules go by the time; else NULL */
    bool persist, filled;
    struct profile_device *next; /* in its bucket */
};

struct device_profiles; /* of one engine */

/* The state of m's device at this node; NULL with nothing said: no such device; with r->error set: out of memory.
 * Made when it is not there, or when the profile is another one; when only its rules changed, the
 * counters of the rules that stay are kept. */
struct profile_device *profile_device(struct tbe_run *r, const struct tbe_uuid *device, bool persist, bool fetch);
void profile_device_drop(struct tbe_run *r, const struct tbe_uuid *device, bool persist);
/* The first values, once. */
void profile_device_fill(struct profile_device *d);
/* Sets a value; kv absent: removed. True: it is looked at and is another one now, or of another time. */
bool profile_device_set(struct profile_device *d, enum rules_key_type t, const struct tbe_kv *kv, int64_t ts,
                        uint32_t *key);
void profile_device_unset(struct profile_device *d, uint32_t key);
/* Counters into a row, when they are kept. */
void profile_device_save(struct tbe_engine *e, const struct profile_device *d);

typedef void profile_device_fn(struct tbe_engine *e, struct profile_device *d, int64_t now);
/* Once a minute: all devices whose rules go by the time. Gives when next, 0 = nothing to do. */
int64_t profile_devices_tick(struct tbe_engine *e, int64_t now_ms, profile_device_fn *fn);

#endif
