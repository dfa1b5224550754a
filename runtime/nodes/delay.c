/* SPDX-License-Identifier: Apache-2.0 */
/* Rule node "delay": acknowledges, and lets a copy go on later (facts/rule-nodes.md 12.25). The copy is
 * parked, so it outlives the process. */
#include "config.h"
#include "nodes/engine.h"

#include "base/clock.h"
#include "nodes/resume.h"

/* The pattern's text as the reference reads it: it must look like a number, then be an int32. */
static int
read_period(struct tbe_run *r, const struct tbe_delay_cfg *cfg, const struct tbe_msg *m, int64_t *secs)
{
    struct tbe_str s;
    if (!cfg->use_metadata_period_in_seconds_patterns) {
        *secs = cfg->period_in_seconds;
        return 0;
    }
    if (engine_pattern(r, m, cfg->period_in_seconds_pattern, &s) < 0) {
        return -1;
    }
    if (tbe_parse_long(s, secs) && *secs >= INT32_MIN && *secs <= INT32_MAX) {
        return 0;
    }
    bool ok = false;
    if (s.n) {
        (void)tbe_parse_double(s, &ok);
    }
    if (ok) {
        engine_fail(r, "For input string: \"%.*s\"", (int)s.n, s.p);
    } else {
        engine_fail(r, "Can't parse period in seconds from metadata using pattern: %.*s",
                    (int)cfg->period_in_seconds_pattern.n, cfg->period_in_seconds_pattern.p);
    }
    return -1;
}

enum tbe_rel
tbe_delay(struct tbe_run *r, const struct tbe_delay_cfg *cfg, struct tbe_msg **m)
{
    struct tbe_uuid id;
    char key[TBE_UUID_TEXT + 1];
    int64_t secs;
    if ((int64_t)engine_parked_here(r) >= cfg->max_pending_msgs) {
        engine_fail(r, "Max limit of pending messages reached!");
        return TBE_REL_FAILURE;
    }
    if (read_period(r, cfg, *m, &secs) < 0) {
        return TBE_REL_FAILURE;
    }
    tbe_uuid_random(&id);
    tbe_uuid_text(&id, key);
    engine_park(r, *m, tbe_strz(key), clock_ms() + (secs > 0 ? secs * 1000 : 1));
    engine_ack(r, *m);
    return TBE_REL_NONE;
}

void
delay_resume(struct tbe_engine *e, uint32_t chain, uint32_t node, struct tbe_msg **m)
{
    tbe_uuid_random(&(*m)->id);
    engine_resume_take(e, chain, node, TBE_STR("Success"), TBE_STR_NONE, m);
}
