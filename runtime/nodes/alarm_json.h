/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms as the rule engine and the API show them (facts/rule-nodes.md 14.1). */
#ifndef TBE_NODES_ALARM_JSON_H
#define TBE_NODES_ALARM_JSON_H

#include "store/store.h"

/* "Alarm info": all members in the reference's order, nulls included, with the originator's name. */
void alarm_json_write(struct tbe_buf *b, struct store *s, const struct store_alarm *a);
const char *alarm_status(const struct store_alarm *a); /* "ACTIVE_UNACK" ... */
bool alarm_severity_known(struct tbe_str severity);

#endif
