/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of tbedge that work on devices and data: run by the worker for the control socket, or
 * directly on the store when no daemon runs. Loop thread only. */
#ifndef TBE_API_CONTROL_H
#define TBE_API_CONTROL_H

#include <stdio.h>

#include "device/device.h"

struct control_env {
    struct device_hub *hub;
    struct tbe_engine *engine; /* NULL: no daemon, commands that need the rule engine are refused */
    const char *dir;           /* data directory */
    const char *digest;        /* of the running chains */
    FILE *stream;              /* not NULL: long output goes there as it is made, without a bound */
    /* The cloud's part of the status: members of a JSON object, or lines. NULL: no daemon. */
    void (*cloud)(void *arg, bool json, struct tbe_buf *out);
    void *cloud_arg;
};

/* Called once, on the loop thread; texts are valid during the call. */
typedef void control_reply_fn(void *arg, int status, struct tbe_str out, struct tbe_str err);

/* Runs argv in the environment. cwd: where relative paths of the caller start. front: the front's part of
 * the status as JSON text, or absent. The reply may come later (rpc). Changes go to the hub's batch: the
 * reply must be held back until it is durable. */
void control_run(const struct control_env *env, int argc, const struct tbe_str *argv, struct tbe_str cwd,
                 struct tbe_str front, control_reply_fn *fn, void *arg);
/* The command's help to standard output when argv asks for it; needs no store. */
bool control_help(int argc, char **argv);
/* Does this command only read? Then a read-only store will do. */
bool control_reads(int argc, char **argv);

#endif
