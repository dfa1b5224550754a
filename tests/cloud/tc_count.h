/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the test cloud has been given, counted so that loss, doubling and order can be proven: every point is known by
 * (entity, key, ts). Also the rules a cloud cannot see broken but suffers from: what must never be in flight at once.
 */
#ifndef TC_COUNT_H
#define TC_COUNT_H

#include "proto/edge.pb-c.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

struct tc_count;

struct tc_count *
tc_count_new(void);
void
tc_count_free(struct tc_count *c);
void
tc_count_clear(struct tc_count *c);

/* An UplinkMsg arrived and was not answered yet: notes what is in flight, and what breaks a rule. */
void
tc_count_arrived(struct tc_count *c, const Edge__UplinkMsg *m);

/* It was answered (or its stream has ended: stored 0). Success counts its points and items as stored. */
void
tc_count_answered(struct tc_count *c, const Edge__UplinkMsg *m, int stored);

/* A broken rule seen elsewhere; kept with the first few texts. */
void
tc_count_violation(struct tc_count *c, const char *rule, const char *detail);

/* {"points":..,"duplicates":..,"kinds":{..},"violations":[..],...}; with series also one entry per (entity, key). */
cJSON *
tc_count_report(const struct tc_count *c, int series);

uint64_t
tc_count_points(const struct tc_count *c);

#endif
