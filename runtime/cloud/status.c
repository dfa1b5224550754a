/* SPDX-License-Identifier: Apache-2.0 */
/* What operators see of the cloud: status, metrics, and the statistics the cloud shows (4.6). */
#include "config.h"

#include "cloud/internal.h"

#include "base/clock.h"
#include "base/metrics.h"

static METRIC_GAUGE(m_up, "tbedge_cloud_up", "1 when the cloud has accepted this edge's session.");
static METRIC_GAUGE(m_syncing, "tbedge_cloud_syncing", "1 while a sync runs that the edge asked for.");
static METRIC_GAUGE(m_last_ack, "tbedge_cloud_last_ack_ms",
                           "Time of the cloud's newest answer to an uplink, epoch ms.");
static METRIC_GAUGE(m_last_sync, "tbedge_cloud_last_sync_ms", "Time of the newest completed sync, epoch ms.");
static METRIC_GAUGE(m_flight, "tbedge_cloud_uplinks_in_flight", "Uplink messages without an answer.");
static METRIC_GAUGE(m_aside, "tbedge_cloud_aside", "Items the cloud does not take, kept aside.");
static METRIC_GAUGE(m_lost, "tbedge_cloud_lost",
                           "Items the cloud does not take that were lost: too many are kept aside.");
static METRIC_GAUGE(m_negative, "tbedge_cloud_negative_answers", "Uplinks the cloud has refused.");
static METRIC_GAUGE(m_limited, "tbedge_cloud_rate_limited", "Uplinks the cloud has refused for their rate.");
static METRIC_GAUGE(m_downlinks, "tbedge_cloud_downlinks", "Downlinks handled.");
static METRIC_GAUGE(m_failed, "tbedge_cloud_downlinks_failed", "Downlinks that could not be applied.");

void
cloud_metrics(struct cloud *c)
{
    static struct metric *const all[] = { &m_up, &m_syncing, &m_last_ack, &m_last_sync, &m_flight, &m_aside, &m_lost,
                                          &m_negative, &m_limited, &m_downlinks, &m_failed };

    (void)c;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        metric_register(all[i]);
    }
}

static void
set_metrics(const struct cloud *c)
{
    metric_set(&m_up, c->s.accepted);
    metric_set(&m_syncing, c->s.syncing);
    metric_set(&m_last_ack, c->s.last_ack);
    metric_set(&m_last_sync, c->s.last_sync);
    metric_set(&m_flight, c->up.n_flights);
    metric_set(&m_aside, c->up.aside);
    metric_set(&m_lost, c->up.lost);
    metric_set(&m_negative, c->up.negative);
    metric_set(&m_limited, c->up.rate_limited);
    metric_set(&m_downlinks, c->downlinks);
    metric_set(&m_failed, c->downlinks_failed);
}

/* Every interval, for the edge's own entity: its values also go up (4.6). */
#define STATS_TTL_S (30 * 86400)

int64_t
stats_turn(struct cloud *c, int64_t now)
{
    struct store_stats st;
    struct tbe_kv kv[5] = {
        { .key = TBE_STR_INIT("uplinkMsgsAdded"), .type = TBE_KV_LONG, .u = { .i = c->stats.added } },
        { .key = TBE_STR_INIT("uplinkMsgsPushed"), .type = TBE_KV_LONG, .u = { .i = c->stats.pushed } },
        { .key = TBE_STR_INIT("uplinkMsgsPermanentlyFailed"), .type = TBE_KV_LONG, .u = { .i = c->stats.lost } },
        { .key = TBE_STR_INIT("uplinkMsgsTmpFailed"), .type = TBE_KV_LONG, .u = { .i = c->stats.failed } },
        { .key = TBE_STR_INIT("uplinkMsgsLag"), .type = TBE_KV_LONG },
    };
    struct tbe_kvs kvs = { kv, 5 };
    struct tbe_entity edge = { TBE_ENT_EDGE, c->edge.id };

    set_metrics(c);
    if (!c->s.accepted || c->up.draining || c->lim.no_stats) {
        return 0;
    }
    if (c->next_stats == 0) {
        c->next_stats = now - now % c->lim.stats_ms + c->lim.stats_ms;
    }
    if (now >= c->next_stats) {
        uplink_count(c);
        store_stats(c->env.store, &st);
        kv[4].u.i = st.outbox_telemetry + st.outbox_general;
        store_save_ts(c->batch, &edge, now - now % c->lim.stats_ms, &kvs, STATS_TTL_S,
                      STORE_TS_HISTORY | STORE_TS_LATEST);
        store_push_ts(c->batch, &edge, now - now % c->lim.stats_ms, &kvs);
        c->stats.added = c->stats.pushed = c->stats.lost = c->stats.failed = 0;
        c->next_stats = now - now % c->lim.stats_ms + c->lim.stats_ms;
    }
    return c->next_stats;
}

/* Status ----------------------------------------------------------------------------------------------- */

static const char *
state_name(const struct cloud *c)
{
    static const char *const names[] = { "off", "connecting", "connected", "waiting" };

    if (c->s.link.state == LINK_UP) {
        return c->s.refused != NULL ? "refused" : c->s.syncing ? "syncing" : "connected";
    }
    return names[c->s.link.state];
}

static int64_t
age(int64_t then)
{
    int64_t now = clock_ms();

    return then == 0 ? -1 : now > then ? now - then : 0;
}

static void
put_age(struct tbe_buf *b, const char *name, int64_t then)
{
    tbe_buf_fmt(b, ",\"%s\":", name);
    if (then == 0) {
        tbe_buf_putz(b, "null");
    } else {
        tbe_buf_fmt(b, "%lld", (long long)age(then));
    }
}

void
cloud_status_json(struct cloud *c, struct tbe_buf *out)
{
    struct store_stats st;
    char id[TBE_UUID_TEXT + 1];

    uplink_count(c);
    store_stats(c->env.store, &st);
    tbe_buf_fmt(out, "\"state\":\"%s\",\"sinceMs\":%lld,\"attempts\":%u,\"error\":", state_name(c),
                (long long)c->s.link.since, c->s.link.attempts);
    if (c->s.refused != NULL && c->s.link.state == LINK_UP) {
        tbe_json_write_str(out, tbe_strz(c->s.refused));
    } else if (c->s.error[0] != '\0') {
        tbe_json_write_str(out, tbe_strz(c->s.error));
    } else {
        tbe_buf_putz(out, "null");
    }
    if (c->known) {
        tbe_uuid_text(&c->edge.id, id);
        tbe_buf_fmt(out, ",\"edgeId\":\"%s\",\"edgeName\":", id);
        tbe_json_write_str(out, c->edge.name);
    }
    put_age(out, "lastAckAgeMs", c->s.last_ack);
    put_age(out, "lastSyncAgeMs", c->s.last_sync);
    tbe_buf_fmt(out, ",\"fullSyncRequired\":%s,\"queues\":{\"general\":{\"depth\":%lld",
                c->full_required ? "true" : "false", (long long)st.outbox_general);
    put_age(out, "ageMs", st.general_oldest_ms);
    tbe_buf_fmt(out, "},\"telemetry\":{\"depth\":%lld", (long long)st.outbox_telemetry);
    put_age(out, "ageMs", st.telemetry_oldest_ms);
    tbe_buf_fmt(out, "}},\"inFlight\":%u,\"dropped\":%lld,\"aside\":%lld,\"negativeAnswers\":%lld,"
                "\"rateLimited\":%lld,\"lateAnswers\":%lld,\"downlinks\":%lld,\"downlinksFailed\":%lld,"
                "\"lastRefusal\":", c->up.n_flights, (long long)(st.dropped + c->up.lost),
                (long long)c->up.aside, (long long)c->up.negative,
                (long long)c->up.rate_limited, (long long)c->up.late, (long long)c->downlinks,
                (long long)c->downlinks_failed);
    if (c->up.last_error[0] != '\0') {
        tbe_json_write_str(out, tbe_strz(c->up.last_error));
    } else {
        tbe_buf_putz(out, "null");
    }
}

static void
line_age(struct tbe_buf *out, const char *name, int64_t then)
{
    if (then == 0) {
        tbe_buf_fmt(out, "%-18s never\n", name);
    } else {
        tbe_buf_fmt(out, "%-18s %lld s ago\n", name, (long long)(age(then) / 1000));
    }
}

void
cloud_status_text(struct cloud *c, struct tbe_buf *out)
{
    const char *why;

    uplink_count(c);
    why = c->s.link.state == LINK_UP && c->s.refused != NULL ? c->s.refused : c->s.error;

    tbe_buf_fmt(out, "%-18s %s%s%s\n", "cloud link", state_name(c), why[0] ? ": " : "", why);
    if (c->s.link.state == LINK_OFF) {
        return;
    }
    line_age(out, "last cloud answer", c->s.last_ack);
    line_age(out, "last sync", c->s.last_sync);
    tbe_buf_fmt(out, "%-18s %lld refused, %lld kept aside, %u in flight\n", "uplinks", (long long)c->up.negative,
                (long long)c->up.aside, c->up.n_flights);
    if (c->up.last_error[0] != '\0') {
        tbe_buf_fmt(out, "%-18s %s\n", "last refusal", c->up.last_error);
    }
}
