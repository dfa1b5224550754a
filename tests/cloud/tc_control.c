/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the control socket and stdin, the steps of a scenario, the settings by name, the entity files. */
#include "config.h"

#include "tc_cloud.h"

#include <event2/buffer.h>
#include <event2/listener.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct tc_client {
    TAILQ_ENTRY(tc_client) link;
    struct tc_cloud *cloud;
    struct bufferevent *bev;
    int subscribed, keep; /* keep: stdin, whose end does not end the cloud */
};

/* Settings -------------------------------------------------------------------------------------------------- */

enum set_kind { SET_INT, SET_BOOL, SET_VERSION, SET_OFFLINE };

static const struct {
    const char *name;
    size_t at;
    enum set_kind kind;
} settings[] = {
    {"version", offsetof(struct tc_settings, version), SET_VERSION},
    {"maxInbound", offsetof(struct tc_settings, max_inbound), SET_INT},
    {"announceMax", offsetof(struct tc_settings, announce_max), SET_INT},
    {"ackDelayMs", offsetof(struct tc_settings, ack_delay), SET_INT},
    {"ackJitterMs", offsetof(struct tc_settings, ack_jitter), SET_INT},
    {"hold", offsetof(struct tc_settings, hold), SET_BOOL},
    {"silent", offsetof(struct tc_settings, silent), SET_BOOL},
    {"packSize", offsetof(struct tc_settings, pack_size), SET_INT},
    {"resendMs", offsetof(struct tc_settings, resend_ms), SET_INT},
    {"attempts", offsetof(struct tc_settings, attempts), SET_INT},
    {"giveUpMs", offsetof(struct tc_settings, give_up_ms), SET_INT},
    {"pollMs", offsetof(struct tc_settings, poll_ms), SET_INT},
    {"autoConnect", offsetof(struct tc_settings, auto_connect), SET_BOOL},
    {"autoAck", offsetof(struct tc_settings, auto_ack), SET_BOOL},
    {"autoSync", offsetof(struct tc_settings, auto_sync), SET_BOOL},
    {"connectCode", offsetof(struct tc_settings, connect_code), SET_INT},
    {"offline", offsetof(struct tc_settings, offline), SET_OFFLINE},
    {"redeliver", offsetof(struct tc_settings, redeliver), SET_BOOL},
    {"recordBytes", offsetof(struct tc_settings, record_bytes), SET_BOOL},
};

/* "4.3.1" to 40301; 0 when it is not a version. */
static int
parse_version(const cJSON *v)
{
    char text[32];
    unsigned a = 0, b = 0, c = 0;
    if (cJSON_IsString(v)) {
        snprintf(text, sizeof text, "%s", v->valuestring);
    } else {
        snprintf(text, sizeof text, "%g", cJSON_IsNumber(v) ? v->valuedouble : 0);
    }
    return sscanf(text, "%u.%u.%u", &a, &b, &c) >= 2 && a < 100 && b < 100 && c < 100 ? (int)(a * 10000 + b * 100 + c)
                                                                                       : 0;
}

static int
set_offline(const cJSON *v)
{
    static const char *const names[] = {"keep", "real", "drop"};
    for (int i = 0; cJSON_IsString(v) && i < 3; i++) {
        if (!strcmp(v->valuestring, names[i])) {
            return i;
        }
    }
    return -1;
}

static int
set_one(struct tc_cloud *c, const cJSON *j)
{
    if (!strcmp(j->string, "rateLimit")) { /* "capacity:seconds" */
        c->set.rate_capacity = 0;
        c->tokens_at = tc_now();
        int ok = cJSON_IsNull(j) || (cJSON_IsString(j) && sscanf(j->valuestring, "%ld:%lf", &c->set.rate_capacity,
                                                                 &c->set.rate_seconds) == 2);
        c->tokens = (double)c->set.rate_capacity;
        return ok ? 0 : -1;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(j->string, settings[i].name)) {
            continue;
        }
        int v = cJSON_IsBool(j) ? cJSON_IsTrue(j) != 0 : cJSON_IsNumber(j) ? j->valueint : -1;
        if (settings[i].kind == SET_VERSION) {
            v = parse_version(j);
            v = v ? v : -1;
        } else if (settings[i].kind == SET_OFFLINE) {
            v = set_offline(j);
        }
        if (v < 0) {
            return -1;
        }
        *(int *)((char *)&c->set + settings[i].at) = v;
        return 0;
    }
    return -1;
}

int
tc_set(struct tc_cloud *c, const cJSON *j, char *why, size_t n)
{
    const cJSON *s;
    cJSON_ArrayForEach(s, j)
    {
        if (set_one(c, s)) {
            snprintf(why, n, "%s: no such setting or not its kind of value", s->string);
            return -1;
        }
    }
    return 0;
}

/* Entity files ---------------------------------------------------------------------------------------------- */

int
tc_add_entity(struct tc_cloud *c, const cJSON *j)
{
    const cJSON *down = cJSON_GetObjectItemCaseSensitive(j, "downlinkMsg");
    if (!down) {
        down = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(j, "msg"), "downlinkMsg");
    }
    if (!cJSON_IsObject(down)) {
        return 0;
    }
    if (cJSON_GetObjectItemCaseSensitive(down, "syncCompletedMsg")) {
        return 1; /* a transcript's sync ends here */
    }
    cJSON *item = cJSON_CreateObject(), *copy = cJSON_Duplicate(down, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "downlinkMsgId");
    cJSON_AddItemToObject(item, "downlinkMsg", copy);
    const cJSON *p = cJSON_GetObjectItemCaseSensitive(j, "partial");
    if (p) {
        cJSON_AddItemToObject(item, "partial", cJSON_Duplicate(p, 1));
    }
    cJSON_AddItemToArray(c->entities, item);
    return 0;
}

int
tc_load_entities(struct tc_cloud *c, const char *path, char *why, size_t n)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        snprintf(why, n, "%s: cannot be read", path);
        return -1;
    }
    char *line = NULL;
    size_t cap = 0, no = 0;
    int rc = 0;
    while (!rc && getline(&line, &cap, f) > 0) {
        no++;
        cJSON *j = cJSON_Parse(line);
        if (!j && strspn(line, " \r\n\t") != strlen(line)) {
            snprintf(why, n, "%s:%zu: not JSON", path, no);
            rc = -1;
        }
        rc = rc ? rc : tc_add_entity(c, j);
        cJSON_Delete(j);
    }
    free(line);
    fclose(f);
    return rc < 0 ? -1 : 0;
}

/* Steps ------------------------------------------------------------------------------------------------------ */

static void
run_step(struct tc_step *st)
{
    const cJSON *cmd;
    cJSON_ArrayForEach(cmd, st->commands)
    {
        cJSON *out = tc_command(st->cloud, NULL, cmd);
        const cJSON *error = cJSON_GetObjectItemCaseSensitive(out, "error");
        if (error) {
            fprintf(stderr, "testcloud: step on %s: %s\n", st->on, error->valuestring);
        }
        cJSON_Delete(out);
    }
}

static void
on_step(evutil_socket_t fd, short what, void *arg_)
{
    (void)fd, (void)what;
    run_step(arg_);
}

static void
step_later(struct tc_step *st)
{
    if (!st->timer) {
        st->timer = evtimer_new(st->cloud->base, on_step, st);
    }
    struct timeval tv = {st->delay / 1000, st->delay % 1000 * 1000};
    evtimer_add(st->timer, &tv);
}

void
tc_step_event(struct tc_cloud *c, const char *what)
{
    struct tc_step *st;
    TAILQ_FOREACH(st, &c->steps, link)
    {
        if (!strcmp(st->on, what) && (++st->seen == st->count || (st->every && st->seen % st->count == 0))) {
            step_later(st); /* from the loop, never inside the event */
        }
    }
}

/* {on: open|connect|sync|synced|uplink|answer|ack|end|start, count: n, every: bool, delay: ms, do: [command...]} */
int
tc_step_add(struct tc_cloud *c, const cJSON *j, char *why, size_t n)
{
    const cJSON *on = cJSON_GetObjectItemCaseSensitive(j, "on"), *run = cJSON_GetObjectItemCaseSensitive(j, "do");
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(j, "count");
    const cJSON *delay = cJSON_GetObjectItemCaseSensitive(j, "delay");
    if (!cJSON_IsString(on) || !cJSON_IsArray(run)) {
        snprintf(why, n, "a step has on: and do: [..]");
        return -1;
    }
    struct tc_step *st = calloc(1, sizeof *st);
    st->cloud = c;
    st->on = strdup(on->valuestring);
    st->count = cJSON_IsNumber(count) && count->valueint > 0 ? count->valueint : 1;
    st->every = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(j, "every"));
    st->delay = cJSON_IsNumber(delay) ? delay->valueint : 0;
    st->commands = cJSON_Duplicate(run, 1);
    TAILQ_INSERT_TAIL(&c->steps, st, link);
    if (!strcmp(st->on, "start")) {
        step_later(st);
    }
    return 0;
}

/* Control connections ----------------------------------------------------------------------------------------- */

void
tc_control_subscribe(struct tc_client *k, int on)
{
    k->subscribed = on;
}

int
tc_control_subscribers(const struct tc_cloud *c)
{
    const struct tc_client *k;
    int n = 0;
    TAILQ_FOREACH(k, &c->clients, link)
    {
        n += k->subscribed;
    }
    return n;
}

static void
reply(struct tc_client *k, const cJSON *j)
{
    char *text = cJSON_PrintUnformatted(j);
    evbuffer_add_printf(bufferevent_get_output(k->bev), "%s\n", text);
    free(text);
}

void
tc_control_event(struct tc_cloud *c, const cJSON *ev)
{
    struct tc_client *k;
    TAILQ_FOREACH(k, &c->clients, link)
    {
        if (k->subscribed) {
            reply(k, ev);
        }
    }
}

/* "cut", "set ackDelayMs=50", "push-chain chain.json": the plain form of a command. */
static cJSON *
parse_words(char *line)
{
    cJSON *j = cJSON_CreateObject();
    int n = 0;
    for (char *save, *w = strtok_r(line, " \t", &save); w; w = strtok_r(NULL, " \t", &save), n++) {
        char *eq = strchr(w, '=');
        const char *name = n ? "arg" : "cmd";
        if (n && eq) {
            *eq = 0;
            name = w;
            w = eq + 1;
        }
        cJSON *v = n ? cJSON_Parse(w) : NULL;
        cJSON_AddItemToObject(j, name, v ? v : cJSON_CreateString(w));
    }
    return j;
}

static void
on_line(struct bufferevent *bev, void *p)
{
    struct tc_client *k = p;
    char *line;
    while ((line = evbuffer_readln(bufferevent_get_input(bev), NULL, EVBUFFER_EOL_CRLF))) {
        if (*line) {
            cJSON *cmd = *line == '{' ? cJSON_Parse(line) : parse_words(line);
            cJSON *out = tc_command(k->cloud, k, cmd);
            if (k->keep) {
                char *text = cJSON_PrintUnformatted(out);
                puts(text);
                fflush(stdout);
                free(text);
            } else {
                reply(k, out);
            }
            cJSON_Delete(out);
            cJSON_Delete(cmd);
        }
        free(line);
    }
}

static void
on_client_event(struct bufferevent *bev, short what, void *p)
{
    struct tc_client *k = p;
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))) {
        return;
    }
    TAILQ_REMOVE(&k->cloud->clients, k, link);
    if (k->keep) {
        event_base_loopexit(k->cloud->base, NULL);
    }
    bufferevent_free(bev);
    free(k);
}

static void
add_client(struct tc_cloud *c, int fd, int keep)
{
    struct tc_client *k = calloc(1, sizeof *k);
    k->cloud = c;
    k->keep = keep;
    k->bev = bufferevent_socket_new(c->base, fd, keep ? 0 : BEV_OPT_CLOSE_ON_FREE);
    TAILQ_INSERT_TAIL(&c->clients, k, link);
    bufferevent_setcb(k->bev, on_line, NULL, on_client_event, k);
    bufferevent_enable(k->bev, keep ? EV_READ : EV_READ | EV_WRITE);
}

static void
on_control(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *p)
{
    (void)l, (void)sa, (void)len;
    add_client(p, fd, 0);
}

int
tc_control_listen(struct tc_cloud *c, const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof un.sun_path) {
        return -1;
    }
    strcpy(un.sun_path, path);
    unlink(path);
    return evconnlistener_new_bind(c->base, on_control, c, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 8,
                                   (struct sockaddr *)&un, sizeof un)
               ? 0
               : -1;
}

void
tc_control_stdin(struct tc_cloud *c)
{
    evutil_make_socket_nonblocking(0);
    add_client(c, 0, 1);
}
