/* SPDX-License-Identifier: Apache-2.0 */
/* What the nodes that park messages do when the time of one has come: each takes the message and puts it
 * back into the run queue. Called by park.c. */
#ifndef TBE_NODES_RESUME_H
#define TBE_NODES_RESUME_H

#include "nodes/engine.h"

typedef void park_resume_fn(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_msg **m);

park_resume_fn delay_resume;        /* delay.c: Success */
park_resume_fn rpc_request_timeout; /* rpc_request.c: Failure TIMEOUT */

#endif
