/* SPDX-License-Identifier: Apache-2.0 */
/* Propagation of alarms (facts/rule-nodes.md 14.2). */
#ifndef TBE_NODES_ALARM_PROPAGATE_H
#define TBE_NODES_ALARM_PROPAGATE_H

#include "store/store.h"

/* Entities above the originator at most; those beyond are logged once an alarm and left out. */
#define ALARM_PROPAGATE_MAX 1000u

/* Records where a is shown: with `propagate` at every entity that is related to the originator, however far above, by
 * relations of its types (any when it names none); at its owner; at the tenant. For an alarm that is new, or whose
 * propagation changed. What was recorded before stays, as in the reference. */
void alarm_propagate(struct store *s, struct store_batch *b, const struct store_alarm *a);

#endif
