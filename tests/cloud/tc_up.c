/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the answers to UplinkMsgs: when, in which order, and which of them are refused. */
#include "config.h"

#include "tc_cloud.h"

#include <stdlib.h>
#include <string.h>

static void
up_free(struct tc_up *u)
{
    if (u->timer) {
        event_free(u->timer);
    }
    edge__request_msg__free_unpacked(u->msg, NULL);
    free(u->error);
    free(u);
}

/* Rate limit: capacity messages per so many seconds (11.2). */
static int
rate_limited(struct tc_cloud *c)
{
    if (!c->set.rate_capacity) {
        return 0;
    }
    int64_t now = tc_now();
    double cap = (double)c->set.rate_capacity;
    c->tokens += (double)(now - c->tokens_at) / 1000.0 * cap / c->set.rate_seconds;
    c->tokens_at = now;
    c->tokens = c->tokens > cap ? cap : c->tokens;
    if (c->tokens < 1) {
        c->stats.rate_limited++;
        return 1;
    }
    c->tokens -= 1;
    return 0;
}

static struct tc_nack *
find_nack(struct tc_cloud *c, const Edge__UplinkMsg *m)
{
    if (TAILQ_EMPTY(&c->nacks)) {
        return NULL;
    }
    cJSON *j = tc_pb_to_json(&m->base);
    char *text = cJSON_PrintUnformatted(j);
    cJSON_Delete(j);
    struct tc_nack *n;
    TAILQ_FOREACH(n, &c->nacks, link)
    {
        if (n->times && (!*n->contains || strstr(text, n->contains))) {
            n->times -= n->times > 0;
            n->hits++;
            break;
        }
    }
    free(text);
    return n;
}

/* Old clouds send the companions of an entity only when asked (12.3). */
static void
answer_requests(struct tc_session *s, const Edge__UplinkMsg *m)
{
    cJSON *j = tc_pb_to_json(&m->base), *list, *req;
    static const char *const fields[][3] = {
        {"ruleChainMetadataRequestMsg", "ruleChainIdMSB", "ruleChainIdLSB"},
        {"deviceCredentialsRequestMsg", "deviceIdMSB", "deviceIdLSB"},
        {"userCredentialsRequestMsg", "userIdMSB", "userIdLSB"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        list = cJSON_GetObjectItemCaseSensitive(j, fields[i][0]);
        cJSON_ArrayForEach(req, list)
        {
            const cJSON *a = cJSON_GetObjectItemCaseSensitive(req, fields[i][1]);
            const cJSON *b = cJSON_GetObjectItemCaseSensitive(req, fields[i][2]);
            char id[37], why[200];
            tc_uuid_text(strtoll(cJSON_IsString(a) ? a->valuestring : "0", NULL, 10),
                         strtoll(cJSON_IsString(b) ? b->valuestring : "0", NULL, 10), id);
            const cJSON *down = cJSON_GetObjectItemCaseSensitive(s->cloud->withheld, id);
            int32_t n;
            if (down && tc_down_queue(s->cloud, s->edge, down, 0, &n, why, sizeof why)) {
                fprintf(stderr, "testcloud: %s\n", why);
            }
        }
    }
    cJSON_Delete(j);
}

void
tc_up_answer(struct tc_up *u)
{
    struct tc_session *s = u->session;
    struct tc_cloud *c = s->cloud;
    Edge__UplinkResponseMsg r = EDGE__UPLINK_RESPONSE_MSG__INIT;
    r.success = u->success;
    r.uplinkmsgid = u->msg->uplinkmsg->uplinkmsgid;
    if (u->error) {
        r.errormsg = u->error;
    }
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;
    m.uplinkresponsemsg = &r;
    tc_session_send(s, &m);
    TAILQ_REMOVE(&s->ups, u, link);
    s->in_flight--;
    c->stats.ups_answered++;
    c->stats.ups_refused += !u->success;
    tc_count_answered(c->count, u->msg->uplinkmsg, u->success);
    if (u->success && s->edge) {
        answer_requests(s, u->msg->uplinkmsg);
    }
    up_free(u);
    tc_step_event(c, "answer");
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct tc_up *u = arg, *first;
    struct timeval now = {0, 0};
    /* timers of one moment fire in any order: what came first is answered first */
    for (first = TAILQ_FIRST(&u->session->ups); first != u; first = TAILQ_NEXT(first, link)) {
        if (first->timer && first->at <= u->at) {
            evtimer_add(u->timer, &now);
            return;
        }
    }
    tc_up_answer(u);
}

void
tc_up_arrived(struct tc_session *s, Edge__RequestMsg *m, size_t len)
{
    (void)len;
    struct tc_cloud *c = s->cloud;
    c->stats.ups++;
    c->stats.last_up_ms = tc_now() - c->t0;
    if (c->stats.ups == 1) {
        c->stats.first_up_ms = c->stats.last_up_ms;
    }
    if (s->syncing == 1) {
        c->stats.ups_while_syncing++;
        tc_count_violation(c->count, "uplink during sync", "");
    }
    struct tc_up *u = calloc(1, sizeof *u);
    u->session = s;
    u->msg = m;
    u->success = 1;
    TAILQ_INSERT_TAIL(&s->ups, u, link);
    s->in_flight++;
    c->stats.in_flight_max = s->in_flight > c->stats.in_flight_max ? s->in_flight : c->stats.in_flight_max;
    tc_count_arrived(c->count, m->uplinkmsg);
    struct tc_nack *n = find_nack(c, m->uplinkmsg);
    if (n) {
        u->success = 0;
        u->error = strdup(n->error);
    } else if (rate_limited(c)) {
        u->success = 0;
        u->error = strdup("Failed to process uplink message. Rate limit reached");
    }
    int delay = c->set.ack_delay + (c->set.ack_jitter ? rand() % c->set.ack_jitter : 0);
    if (c->set.auto_ack && !c->set.hold) {
        if (delay <= 0) {
            tc_up_answer(u);
        } else {
            struct timeval tv = {delay / 1000, delay % 1000 * 1000};
            u->at = tc_now() + delay;
            u->timer = evtimer_new(c->base, on_timer, u);
            /* equal delays: in the order they were asked for */
            evtimer_add(u->timer, c->set.ack_jitter ? &tv : event_base_init_common_timeout(c->base, &tv));
        }
    }
    tc_step_event(c, "uplink");
}

int
tc_up_release(struct tc_cloud *c, int order)
{
    int n = 0;
    struct tc_session *s;
    TAILQ_FOREACH(s, &c->sessions, link)
    {
        size_t count = s->in_flight, k = 0;
        struct tc_up **all = calloc(count ? count : 1, sizeof *all), *u;
        TAILQ_FOREACH(u, &s->ups, link)
        {
            all[k++] = u;
        }
        for (size_t i = count; order == 2 && i > 1; i--) {
            size_t r = (size_t)rand() % i;
            u = all[r];
            all[r] = all[i - 1];
            all[i - 1] = u;
        }
        for (size_t i = 0; i < count; i++, n++) {
            tc_up_answer(all[order == 1 ? count - 1 - i : i]);
        }
        free(all);
    }
    return n;
}

void
tc_up_session_gone(struct tc_session *s)
{
    struct tc_up *u;
    while ((u = TAILQ_FIRST(&s->ups))) {
        TAILQ_REMOVE(&s->ups, u, link);
        tc_count_answered(s->cloud->count, u->msg->uplinkmsg, 0);
        up_free(u);
    }
    s->in_flight = 0;
}
