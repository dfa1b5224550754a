/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket, both ends. */
#include "config.h"
#include "front/control.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "front/generation.h"
#include "front/link_proc.h"
#include "front/session.h"
#include "front/supervise.h"
#include "front/worker_proc.h"

#define CLIENTS_MAX 64u

struct client {
    struct control *control;
    struct client *next;
    struct bufferevent *bev;
    uint32_t request;     /* its number at the worker; 0 = not sent */
    struct tbe_buf json;  /* the command, kept until it is answered */
    bool asked, answered;
};

struct control {
    struct front *front;
    int fd;
    struct event *accept;
    struct client *clients;
    uint32_t n_clients, last_request;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

static bool
socket_address(const char *data, struct sockaddr_un *a)
{
    size_t size = sizeof a->sun_path;

    *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return (size_t)snprintf(a->sun_path, size, "%s/control.sock", data) < size;
}

static void
client_free(struct client *c)
{
    struct client **p = &c->control->clients;

    supervise_forget(c->control->front, c);
    while (*p != c) {
        p = &(*p)->next;
    }
    *p = c->next;
    c->control->n_clients--;
    bufferevent_free(c->bev);
    tbe_buf_free(&c->json);
    free(c);
}

static void
on_sent(struct bufferevent *bev, void *arg)
{
    struct client *c = arg;

    if (c->answered && evbuffer_get_length(bufferevent_get_output(bev)) == 0) {
        client_free(c);
    }
}

static void
send_text(struct client *c, struct tbe_str text)
{
    bufferevent_disable(c->bev, EV_READ);
    c->json.n = 0;
    c->request = 0;
    c->answered = true;
    bufferevent_write(c->bev, text.p, text.n);
    bufferevent_write(c->bev, "\n", 1);
}

static void
answer(struct client *c, int code, const char *out, const char *err)
{
    cJSON *o = cJSON_CreateObject();
    char *text = NULL;

    if (cJSON_AddNumberToObject(o, "exit", code) && cJSON_AddStringToObject(o, "stdout", out) &&
        cJSON_AddStringToObject(o, "stderr", err)) {
        text = cJSON_PrintUnformatted(o);
    }
    send_text(c,
        tbe_strz(text ? text : "{\"exit\":1,\"stdout\":\"\",\"stderr\":\"out of memory\\n\"}"));
    cJSON_free(text);
    cJSON_Delete(o);
}

static void
deployment_done(void *arg, bool ok, const char *text)
{
    char line[400];

    snprintf(line, sizeof line, "%s%s\n", ok ? "" : "tbedge: ", text);
    answer(arg, ok ? 0 : 1, ok ? line : "", ok ? "" : line);
}

/* The link's state the worker knows itself (FR_LINK_STATE). */
static void
link_facts(struct front *f, cJSON *o)
{
    struct link_stats s;
    cJSON *l;

    if (!link_stats(f, &s)) {
        return;
    }
    l = cJSON_AddObjectToObject(o, "link");
    cJSON_AddNumberToObject(l, "pid", s.pid);
    cJSON_AddNumberToObject(l, "starts", (double)s.starts);
    cJSON_AddNumberToObject(l, "windowFrames", s.window_frames);
    cJSON_AddNumberToObject(l, "windowBytes", (double)s.window_bytes);
    cJSON_AddNumberToObject(l, "uplinks", s.uplinks);
    cJSON_AddNumberToObject(l, "uplinkBytes", (double)s.uplink_bytes);
}

/* What only the front knows, for `status` (and whoever else asks). */
static cJSON *
front_facts(struct front *f)
{
    cJSON *o = cJSON_CreateObject();

    cJSON_AddStringToObject(o, "version", PACKAGE_VERSION);
    cJSON_AddNumberToObject(o, "pid", getpid());
    cJSON_AddStringToObject(o, "state", supervise_state(f));
    cJSON_AddStringToObject(o, "generation", supervise_digest(f));
    cJSON_AddNumberToObject(o, "connections", f->connected);
    cJSON_AddNumberToObject(o, "accepted", (double)f->stats.accepted);
    cJSON_AddNumberToObject(o, "refused", (double)f->stats.refused);
    cJSON_AddNumberToObject(o, "packets", (double)f->stats.packets_in);
    cJSON_AddNumberToObject(o, "restarts", (double)f->stats.restarts);
    cJSON_AddNumberToObject(o, "swaps", (double)f->stats.swaps);
    cJSON_AddNumberToObject(o, "swapsFailed", (double)f->stats.swaps_failed);
    cJSON_AddNumberToObject(o, "rollbacks", (double)f->stats.rollbacks);
    cJSON_AddNumberToObject(o, "framesGivenUp", (double)f->stats.given_up);
    cJSON_AddNumberToObject(o, "windowFrames", window_depth(&f->window));
    cJSON_AddNumberToObject(o, "windowBytes", (double)f->window.bytes);
    link_facts(f, o);
    return o;
}

static void
send_command(struct client *c)
{
    struct worker *w = supervise_worker(c->control->front);

    if (!w) {
        return; /* control_worker_here sends it */
    }
    do {
        c->request = ++c->control->last_request;
    } while (c->request == 0);
    worker_control(w, c->request, tbe_buf_str(&c->json));
}

static void
on_command(struct client *c, cJSON *request)
{
    char *text;

    cJSON_DeleteItemFromObjectCaseSensitive(request, "op");
    cJSON_DeleteItemFromObjectCaseSensitive(request, "front");
    cJSON_AddItemToObject(request, "front", front_facts(c->control->front));
    text = cJSON_PrintUnformatted(request);
    if (!text) {
        answer(c, 1, "", "tbedge: out of memory\n");
        return;
    }
    tbe_buf_putz(&c->json, text);
    cJSON_free(text);
    send_command(c);
}

static void
on_request(struct client *c, const char *line, size_t n)
{
    struct front *f = c->control->front;
    cJSON *request = cJSON_ParseWithLength(line, n);
    const char *op = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "op"));
    const char *digest = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "digest"));

    c->asked = true;
    if (op && strcmp(op, "command") == 0 &&
        cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(request, "argv"))) {
        on_command(c, request);
    } else if (op && strcmp(op, "deploy") == 0 && digest && generation_is_digest(digest)) {
        supervise_deploy(f, digest, deployment_done, c);
    } else if (op && strcmp(op, "rollback") == 0) {
        supervise_rollback(f, deployment_done, c);
    } else {
        answer(c, 2, "", "tbedge: not a request\n");
    }
    cJSON_Delete(request);
}

static void
on_input(struct bufferevent *bev, void *arg)
{
    struct client *c = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    size_t n;
    char *line = evbuffer_readln(in, &n, EVBUFFER_EOL_LF);

    if (!line && evbuffer_get_length(in) > CONTROL_REQUEST_MAX) {
        client_free(c);
        return;
    }
    if (line && !c->asked) {
        on_request(c, line, n);
    }
    free(line);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what;
    client_free(arg);
}

static void
on_accept(evutil_socket_t lfd, short what, void *arg)
{
    struct control *control = arg;
    int fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *c = fd >= 0 && control->n_clients < CLIENTS_MAX ? calloc(1, sizeof *c) : NULL;

    (void)what;
    if (!c || !(c->bev = bufferevent_socket_new(control->front->base, fd, BEV_OPT_CLOSE_ON_FREE))) {
        free(c);
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    c->control = control;
    c->next = control->clients;
    control->clients = c;
    control->n_clients++;
    bufferevent_setcb(c->bev, on_input, on_sent, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

void
control_reply(struct control *control, uint32_t request, struct tbe_str json)
{
    for (struct client *c = control ? control->clients : NULL; c; c = c->next) {
        if (c->request == request && request) {
            send_text(c, json);
            return;
        }
    }
}

void
control_worker_gone(struct control *control)
{
    for (struct client *c = control ? control->clients : NULL; c; c = c->next) {
        if (c->request) { /* it may have been done: only the worker could tell */
            answer(c, 1, "", "tbedge: the worker ended before it answered\n");
        }
    }
}

void
control_worker_here(struct control *control)
{
    for (struct client *c = control ? control->clients : NULL; c; c = c->next) {
        if (c->json.n && !c->request) {
            send_command(c);
        }
    }
}

struct control *
control_new(struct front *f, char err[256])
{
    struct control *c = calloc(1, sizeof *c);
    struct sockaddr_un a;
    mode_t mask;

    if (!c || !socket_address(f->cfg.data, &a)) {
        snprintf(err, 256, "control socket: %s",
                 c ? "the data directory's name is too long" : "out of memory");
        free(c);
        return NULL;
    }
    c->front = f;
    memcpy(c->path, a.sun_path, sizeof c->path);
    unlink(c->path); /* DATA is locked: it is a dead one's */
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mask = umask(0177);
    if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(c->fd, 16) != 0) {
        snprintf(err, 256, "%.180s: %s", c->path, strerror(errno));
        umask(mask);
        control_free(c);
        return NULL;
    }
    umask(mask);
    c->accept = event_new(f->base, c->fd, EV_READ | EV_PERSIST, on_accept, c);
    event_add(c->accept, NULL);
    return c;
}

void
control_free(struct control *c)
{
    if (!c) {
        return;
    }
    while (c->clients) {
        client_free(c->clients);
    }
    if (c->accept) {
        event_free(c->accept);
        unlink(c->path);
    }
    if (c->fd >= 0) {
        close(c->fd);
    }
    free(c);
}

/* Client. */

bool
control_daemon_there(const char *data)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there = fd >= 0 && socket_address(data, &a) &&
                 connect(fd, (struct sockaddr *)&a, sizeof a) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return there;
}

int
control_call(const char *data, struct tbe_str request, struct tbe_buf *reply, char err[256])
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = -1;
    char buf[4096];
    ssize_t n;

    if (fd < 0 || !socket_address(data, &a)) {
        snprintf(err, 256, "control socket of %.180s: %s", data,
                 fd < 0 ? strerror(errno) : "name too long");
    } else if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        rc = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR ? -2 : -1;
        snprintf(err, 256, "%.180s: %s", a.sun_path, strerror(errno));
    } else {
        struct tbe_buf line = { 0 };
        tbe_buf_puts(&line, request);
        tbe_buf_putc(&line, '\n');
        for (size_t at = 0; at < line.n; at += (size_t)n) {
            n = send(fd, line.p + at, line.n - at, MSG_NOSIGNAL);
            if (n <= 0) {
                break;
            }
        }
        tbe_buf_free(&line);
        while ((n = recv(fd, buf, sizeof buf, 0)) > 0) {
            tbe_buf_put(reply, buf, (size_t)n);
        }
        rc = reply->n && reply->p[reply->n - 1] == '\n' ? 0 : -1;
        snprintf(err, 256, "%s", rc ? "tbedge ended before it answered" : "");
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}
