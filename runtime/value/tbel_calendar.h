/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of TBEL's Date share. */
#ifndef TBEL_CALENDAR_H
#define TBEL_CALENDAR_H

#include "tbel_priv.h"
#include "tbel_zone.h"

#define MAX_MS 8640000000000000LL /* a range in which calendar arithmetic cannot overflow */

struct date {
    int64_t ms;
};
struct civil {
    int64_t y;
    int mo, d, h, mi, s, ms;
};

static const struct tbel_zone utc_zone = { TBEL_ZONE_FIXED, 0, NULL };

static const struct tbel_zone local_zone = { TBEL_ZONE_LOCAL, 0, NULL };

/* tbel_calendar.c */
extern const char *const tbel_month_names[12], *const tbel_day_names[7]; /* days from Monday */
int tbel_week_day(const struct civil *c);
int64_t tbel_floor_div(int64_t a, int64_t b);
struct civil tbel_split(int64_t ms, const struct tbel_zone *z);
int64_t tbel_join(const struct civil *c, const struct tbel_zone *z);
int tbel_month_days(int64_t y, int m);
void tbel_check(struct tbe_x *x, const struct civil *c);
tbe_val tbel_make(struct tbe_x *x, int64_t ms);
int64_t tbel_ms_of(tbe_val v);
void tbel_set_ms(struct tbe_x *x, tbe_val v, int64_t ms);
bool tbel_parse_iso(struct tbe_str s, struct tbel_zone z, int64_t *ms);
bool tbel_parse_pattern(struct tbe_str s, struct tbe_str p, struct tbel_zone z, bool date_only,
    int64_t *ms);
int64_t tbel_parse_or_throw(struct tbe_x *x, int argc, const tbe_val *argv);

#endif
