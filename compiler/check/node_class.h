/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler knows of each rule node: tables generated from schemas/nodes by schemagen. The
 * validator, the upgrades and the config emitter are driven by them; nothing here is written twice. */
#ifndef TBE_CHECK_NODE_CLASS_H
#define TBE_CHECK_NODE_CLASS_H

#include <stdbool.h>
#include <stdint.h>
#include "tbe/base.h"

#define NODE_CLASS_PREFIX "org.thingsboard.rule.engine."

enum key_kind {
    KEY_STRING,
    KEY_BOOL,
    KEY_INT,
    KEY_NUMBER,
    KEY_ENUM,
    KEY_STRINGS,
    KEY_MAP,
    KEY_OBJECT,
    KEY_JSON,
    KEY_ENUMS,  /* list of enum values; like KEY_OBJECTS only for classes that are not built yet */
    KEY_OBJECTS /* list of objects */
};

struct node_key {
    const char *key;   /* as in the configuration */
    const char *field; /* as in the C struct */
    enum key_kind kind;
    bool nullable;
    bool lenient;  /* ENUM: another text is a warning and becomes -1 */
    bool script;   /* part of the script pair: no field of its own */
    bool template_; /* ${...} and $[...] are replaced at run time */
    bool secret;      /* not to stand in a file as plain text */
    bool secret_keys; /* MAP: the same, for keys that are named like one */
    bool not_empty;   /* an empty text, list or map is as bad as null */
    bool open;        /* OBJECT: unknown keys do no harm */
    int64_t min, max;              /* INT */
    int max_length;                /* STRING: characters; 0 = no limit of its own */
    int later; /* > 0: came after the class's version, in this order; older files do not have it */
    const char *const *values;     /* ENUM, ENUMS */
    const char *const *constants;  /* ENUM: C name of each value */
    uint32_t n_values;
    const struct node_key *keys;   /* OBJECT, OBJECTS */
    uint32_t n_keys;
    const char *def;         /* JSON text an absent key stands for, or NULL */
    const char *null_error;  /* init error when absent, null or empty, or NULL */
    const char *range_error; /* init error with one %s when out of range, or NULL */
    const char *when_type;   /* read only when the sibling "type" has this value, or NULL */
    const char *description; /* or NULL */
};

enum upgrade_kind {
    UPGRADE_ADD,    /* key = value when absent */
    UPGRADE_SET,    /* key = value; with if_false only when that key is there and false */
    UPGRADE_REMOVE,
    UPGRADE_RENAME, /* key -> into; absent: unless `into` is there; values: so too, and only DATA or METADATA */
    UPGRADE_MAP,    /* into = value when key is true or "true", else other; key is removed */
    UPGRADE_BOOL,   /* text to boolean; absent, null or another text = value */
    UPGRADE_SWAP,   /* FROM <-> TO; with if_key only when that key is there, which is removed */
    UPGRADE_QUEUE,  /* key leaves the configuration for the node's queue name */
    UPGRADE_KEEP,   /* other = list of the keys that stay */
    UPGRADE_ORIGINATOR,   /* generator: RULE_NODE unless type and id of the originator are there */
    UPGRADE_FETCH_MODE,   /* originator telemetry: order and aggregation follow the mode */
    UPGRADE_FETCH_LIMITS  /* originator telemetry: limit, order and aggregation that are missing */
};

struct upgrade_op {
    int below; /* done when configurationVersion is below this */
    enum upgrade_kind kind;
    const char *key, *into;
    const char *value, *other; /* JSON text */
    bool strict;               /* a missing key or another value than is expected ends the upgrade with an error */
    bool absent, values;
    const char *if_key, *if_false;
};

struct node_class {
    const char *name;  /* short name: tbe_<name>, struct tbe_<name>_cfg */
    const char *cls;   /* class below NODE_CLASS_PREFIX */
    const char *title, *component;
    int version;
    const char *description;
    bool built;            /* has behaviour; else it is only checked, and its nodes fail every message */
    bool custom_relations; /* any relation may be connected */
    bool in, out;          /* may have incoming, outgoing connections */
    bool ignored;          /* the configuration is not read */
    bool open;             /* unknown keys do no harm */
    bool async;            /* never called through: leaves by the run queue or later */
    const char *const *relations;
    uint32_t n_relations;
    const char *script_kind, *tbel_key, *js_key; /* NULL without script */
    const char *params[3];                       /* of the script */
    const char *default_config;                  /* JSON text */
    const struct node_key *keys;
    uint32_t n_keys;
    const struct upgrade_op *upgrades;
    uint32_t n_upgrades;
};

extern const struct node_class node_classes[];
extern const uint32_t n_node_classes;

/* Every class there is, sorted: those of ThingsBoard Edge, which are in node_classes, of the cloud alone and
 * of the Professional Edition alone. */
struct known_class {
    const char *cls, *title;
    bool cloud_only, commercial;
};
extern const struct known_class known_classes[];
extern const uint32_t n_known_classes;

/* By full Java class, by the class below the prefix, or by our short name. NULL when there is none. */
const struct node_class *node_class_find(struct tbe_str type);
const struct known_class *known_class_find(struct tbe_str type);
/* May a node of this class make messages that nothing sent to it? Of a class we do not know anything is possible. */
bool node_is_source(struct tbe_str type);

#endif
