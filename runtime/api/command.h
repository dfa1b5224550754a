/* SPDX-License-Identifier: Apache-2.0 */
/* One running command; shared by the files of this room. */
#ifndef TBE_API_COMMAND_H
#define TBE_API_COMMAND_H

#include "api/control.h"

#define COMMAND_LATER (-1)   /* the command answers itself with command_done */
#define COMMAND_USAGE 2
#define COMMAND_OUT_MAX (48u << 20) /* bytes of output that fit a daemon's reply */

struct command {
    const struct control_env *env;
    struct device_hub *hub;
    struct store *store;
    struct tbe_arena a;
    int argc;             /* arguments left */
    struct tbe_str *argv;
    struct tbe_str cwd, front;
    struct tbe_buf out, err;
    control_reply_fn *fn;
    void *arg;
    struct control_env own; /* copy for commands that answer later */
};

typedef int command_fn(struct command *c);
command_fn command_device_add, command_device_list, command_device_show, command_device_rm;
command_fn command_device_set;
command_fn command_device_credentials, command_device_claim, command_device_assign, command_device_unassign;
command_fn command_profile_add, command_profile_list;
command_fn command_attr_get, command_attr_set, command_attr_rm;
command_fn command_rpc, command_telemetry, command_status, command_export, command_outbox, command_backup;
command_fn command_aside_list, command_aside_retry, command_aside_drop;
command_fn command_relation_add, command_relation_rm, command_relation_list;
command_fn command_alarm_list, command_alarm_create, command_alarm_ack, command_alarm_clear, command_alarm_rm;

void command_done(struct command *c, int status); /* replies and frees */
/* Between two lines of long output: false when it must stop (past the bound, or the reader is gone). */
bool command_line(struct command *c);
int command_fail(struct command *c, const char *fmt, ...) TBE_PRINTF(2, 3);  /* "tbedge: ..." ; returns 1 */
int command_usage(struct command *c, const char *fmt, ...) TBE_PRINTF(2, 3); /* same, returns 2 */
/* Takes "--name VALUE" or "--name=VALUE" out of argv: true and *value. */
bool command_option(struct command *c, const char *name, struct tbe_str *value);
bool command_flag(struct command *c, const char *name);
/* After the options: no other option left, min..max words. 0, or 2 with the error written. */
int command_words(struct command *c, int min, int max, const char *usage);
/* A whole file, relative to the caller's directory; at most max bytes. 0, or 1 with the error written. */
int command_file(struct command *c, struct tbe_str name, size_t max, struct tbe_str *text);
char *command_path(struct command *c, struct tbe_str name);
struct hub_device *command_device(struct command *c, struct tbe_str name); /* NULL: error written */
/* An entity as people name it: "TYPE:name", "TYPE:uuid", a device's name, "TENANT". 0, or 1 with the error written. */
int command_entity(struct command *c, struct tbe_str word, struct tbe_entity *e);
/* --user EMAIL, who does it; tbe_uuid_null without it. 0, or 1 with the error written. */
int command_user(struct command *c, struct tbe_uuid *user);
int command_number(struct command *c, struct tbe_str s, const char *what, int64_t min, int64_t max, int64_t *out);

#endif
