/* SPDX-License-Identifier: Apache-2.0 */
/* The run-time half of `tbedgec eval`: a program that holds compiled scripts and runs vectors on them. */
#ifndef TBE_REPLAY_EVAL_H
#define TBE_REPLAY_EVAL_H

#include "tbe/base.h"

struct tbe_script;

/* Reads one JSON object a line from standard input, {"i": index of the script, "kind", "args", "now"},
 * runs the script as its kind's node would and answers one line each:
 *   {"i": n, "ok": result}            kinds of nodes: as the vector files have it
 *   {"i": n, "ok": .., "text": ".."}  kind expr: special values encoded; text = JSON text of the result
 *   {"i": n, "error": text}
 * Returns the exit status. Called by generated C. */
int tbe_eval_main(const struct tbe_script *const *scripts, uint32_t n);

#endif
