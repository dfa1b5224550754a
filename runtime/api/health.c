/* SPDX-License-Identifier: Apache-2.0 */
/* What watchers of the process read over HTTP: metrics in Prometheus' text form, whether it lives (the
 * store commits) and whether it serves. */
#include "config.h"

#include "api/health.h"

#include <event2/buffer.h>
#include <event2/http.h>

#include "base/clock.h"
#include "base/metrics.h"

static METRIC_GAUGE(m_points, "tbedge_store_points", "Points stored.");
static METRIC_GAUGE(m_log_rows, "tbedge_store_log_rows", "Rows of the log not yet compacted or sent.");
static METRIC_GAUGE(m_outbox, "tbedge_outbox_entries", "Entries that wait for the cloud.");
static METRIC_GAUGE(m_telemetry, "tbedge_outbox_telemetry_entries", "Telemetry and attributes that wait for the cloud.");
static METRIC_GAUGE(m_general, "tbedge_outbox_general_entries", "Other events that wait for the cloud.");
static METRIC_GAUGE(m_telemetry_age, "tbedge_outbox_telemetry_age_ms", "Age of the oldest waiting telemetry, 0 = none waits.");
static METRIC_GAUGE(m_general_age, "tbedge_outbox_general_age_ms", "Age of the oldest waiting event, 0 = none waits.");
static METRIC_GAUGE(m_dropped, "tbedge_store_dropped", "What a bound of the store has dropped before the cloud had it.");
static METRIC_GAUGE(m_healthy, "tbedge_store_healthy", "1 when commits succeed.");

static void
reply(struct evhttp_request *req, int status, struct tbe_str text)
{
    struct evbuffer *b = evbuffer_new();

    evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    if (b != NULL) {
        evbuffer_add(b, text.p, text.n);
    }
    evhttp_send_reply(req, status, NULL, b);
    if (b != NULL) {
        evbuffer_free(b);
    }
}

/* A GET while there is a store; else it is answered. */
static bool
served(struct evhttp_request *req, const struct health *h)
{
    enum evhttp_cmd_type m = evhttp_request_get_command(req);

    if (h->store == NULL) {
        reply(req, 503, TBE_STR("stopping\n"));
        return false;
    }

    if (m == EVHTTP_REQ_GET || m == EVHTTP_REQ_HEAD) {
        return true;
    }
    evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET");
    reply(req, 405, TBE_STR(""));
    return false;
}

static int64_t
age(int64_t then)
{
    int64_t now = clock_ms();

    return then > 0 && now > then ? now - then : 0;
}

static void
on_metrics(struct evhttp_request *req, void *arg)
{
    struct health *h = arg;
    struct store_stats st;
    struct tbe_buf b = { 0 };

    if (!served(req, h)) {
        return;
    }
    store_stats(h->store, &st);
    metric_set(&m_points, st.points);
    metric_set(&m_log_rows, st.log_rows);
    metric_set(&m_outbox, st.outbox_telemetry + st.outbox_general);
    metric_set(&m_telemetry, st.outbox_telemetry);
    metric_set(&m_general, st.outbox_general);
    metric_set(&m_telemetry_age, age(st.telemetry_oldest_ms));
    metric_set(&m_general_age, age(st.general_oldest_ms));
    metric_set(&m_dropped, st.dropped);
    metric_set(&m_healthy, st.healthy);
    metrics_render(&b);
    reply(req, 200, tbe_buf_str(&b));
    tbe_buf_free(&b);
}

static void
on_health(struct evhttp_request *req, void *arg)
{
    struct health *h = arg;
    struct store_stats st;

    if (served(req, h)) {
        store_stats(h->store, &st);
        reply(req, st.healthy ? 200 : 503, st.healthy ? TBE_STR("ok\n") : TBE_STR("the store cannot commit\n"));
    }
}

static void
on_ready(struct evhttp_request *req, void *arg)
{
    struct health *h = arg;

    if (served(req, h)) {
        reply(req, h->ready ? 200 : 503, h->ready ? TBE_STR("ready\n") : TBE_STR("starting or stopping\n"));
    }
}

void
health_serve(struct evhttp *http, struct health *h)
{
    static struct metric *const all[] = { &m_points, &m_log_rows, &m_outbox, &m_telemetry, &m_general,
                                          &m_telemetry_age, &m_general_age, &m_dropped, &m_healthy };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        metric_register(all[i]);
    }
    evhttp_set_cb(http, "/metrics", on_metrics, h);
    evhttp_set_cb(http, "/healthz", on_health, h);
    evhttp_set_cb(http, "/readyz", on_ready, h);
}
