/* SPDX-License-Identifier: Apache-2.0 */
/* How nodes run scripts and read their results (facts/rule-nodes.md 8, tbel.md 14). Shared by the script
 * nodes and the alarm nodes. */
#ifndef TBE_NODES_SCRIPT_H
#define TBE_NODES_SCRIPT_H

#include "nodes/engine.h"

/* Runs the script on m with metadata md. 0 and *out, which lives in the engine's scratch arena until the
 * next run; or -1 with r->error set. */
int script_call(struct tbe_run *r, const struct tbe_script *s, int lang, const struct tbe_msg *m,
                const struct tbe_md *md, tbe_val *out) TBE_MUST_USE;
/* A result as the JSON text the reference makes of it, in the arena. JavaScript: absent (p == NULL) for
 * undefined. */
struct tbe_str script_json(struct tbe_arena *a, int lang, tbe_val v);
/* Sets r->error to "java.lang.ClassCastException: Wrong result type: X". */
void script_wrong_type(struct tbe_run *r, int lang, tbe_val v);

#endif
