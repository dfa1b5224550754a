/* SPDX-License-Identifier: Apache-2.0 */
/* DATA/control.sock: one JSON request and one JSON reply a connection, each ended by a newline.
 *   {"op":"deploy","digest":D} {"op":"rollback"} {"op":"command","argv":[...],"cwd":...}
 *   -> {"exit":N,"stdout":...,"stderr":...}
 * What a command means only the worker knows; it goes there as FR_CONTROL. */
#ifndef TBE_FRONT_CONTROL_H
#define TBE_FRONT_CONTROL_H

#include "front/front.h"

struct control;

#define CONTROL_REQUEST_MAX (1u << 20) /* bytes */

struct control *control_new(struct front *f, char err[256]);
void control_free(struct control *c);
void control_reply(struct control *c, uint32_t request, struct tbe_str json);
/* Requests that the worker had not answered are given to the next one. */
void control_worker_gone(struct control *c);
/* A worker is there: requests that waited are sent. */
void control_worker_here(struct control *c);

/* A daemon answers on DATA/control.sock. */
bool control_daemon_there(const char *data);
/* Client side: sends a request, gives the reply. -2: no daemon is there; -1: error, text in err. */
int control_call(const char *data, struct tbe_str request, struct tbe_buf *reply, char err[256]);

#endif
