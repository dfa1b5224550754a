/* SPDX-License-Identifier: Apache-2.0 */
/* Which worker runs: start, restart with back-off, swap, rollback, stop (ARCHITECTURE 2). Every
 * change of state is logged. */
#ifndef TBE_FRONT_SUPERVISE_H
#define TBE_FRONT_SUPERVISE_H

#include "front/front.h"

struct worker;

/* Told once how a deployment ended. */
typedef void supervise_done_fn(void *arg, bool ok, const char *text);

bool supervise_start(struct front *f, const char *digest);
void supervise_free(struct front *f);
/* Swaps to a generation that is in DATA. */
void supervise_deploy(struct front *f, const char *digest, supervise_done_fn *fn, void *arg);
/* Swaps to the last good generation before the current one. */
void supervise_rollback(struct front *f, supervise_done_fn *fn, void *arg);
/* The waiting caller has gone away. */
void supervise_forget(struct front *f, void *arg);
/* The worker asks for a swap to the binary at path. */
void supervise_swap_file(struct front *f, struct tbe_str path);
/* SIGTERM: all frames are worked off, then the worker ends, then the loop. */
void supervise_stop(struct front *f);
/* The worker that gets commands now, or NULL. */
struct worker *supervise_worker(struct front *f);
/* The worker with this number, whatever its state, or NULL. */
struct worker *supervise_find(struct front *f, uint64_t id);
const char *supervise_digest(struct front *f);
const char *supervise_state(struct front *f);
void supervise_flush(struct front *f);

/* Events from workers. */
void supervise_ready(struct worker *w);
void supervise_reap(struct front *f);

#endif
