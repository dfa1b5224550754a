/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the listening socket of the test cloud and the pairs of connections behind it. */
#include "config.h"

#include "tc_relay.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define TC_HEAD 9 /* HTTP/2 frame header */
#define TC_FRAME_HEADERS 1

struct pair {
    TAILQ_ENTRY(pair) link;
    struct tc_relay *relay;
    struct bufferevent *edge, *cloud;
    /* What the cloud sends, followed frame by frame. */
    unsigned char head[TC_HEAD];
    size_t have, left; /* bytes of head; bytes of the frame's body still to come */
    int drop;          /* the body belongs to a stream that was reset */
    uint32_t stream, reset;
    int reset_code; /* to be sent at the next frame boundary; -1: none */
};

struct tc_relay {
    struct event_base *base;
    struct evconnlistener *listener;
    struct sockaddr_in address;
    int target, tls, stalled;
    TAILQ_HEAD(, pair) pairs;
};

static void
pair_free(struct pair *p, int rst)
{
    struct bufferevent *both[] = {p->edge, p->cloud};
    for (int i = 0; i < 2; i++) {
        if (rst) {
            struct linger l = {1, 0};
            setsockopt(bufferevent_getfd(both[i]), SOL_SOCKET, SO_LINGER, &l, sizeof l);
        }
        bufferevent_free(both[i]);
    }
    TAILQ_REMOVE(&p->relay->pairs, p, link);
    free(p);
}

static void
from_edge(struct bufferevent *b, void *arg)
{
    struct pair *p = arg;
    bufferevent_write_buffer(p->cloud, bufferevent_get_input(b));
}

static void
send_reset(struct pair *p)
{
    uint32_t id = p->stream, code = (uint32_t)p->reset_code;
    unsigned char f[13] = {0,
                           0,
                           4,
                           3,
                           0,
                           (unsigned char)(id >> 24),
                           (unsigned char)(id >> 16),
                           (unsigned char)(id >> 8),
                           (unsigned char)id,
                           (unsigned char)(code >> 24),
                           (unsigned char)(code >> 16),
                           (unsigned char)(code >> 8),
                           (unsigned char)code};
    bufferevent_write(p->edge, f, sizeof f);
    p->reset = id;
    p->reset_code = -1;
}

/* One frame header is complete: notes the stream, forwards it unless its stream was reset. */
static void
frame_head(struct pair *p)
{
    const unsigned char *h = p->head;
    uint32_t id = (uint32_t)(h[5] & 0x7f) << 24 | (uint32_t)h[6] << 16 | (uint32_t)h[7] << 8 | h[8];
    p->left = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
    p->have = 0;
    if (h[3] == TC_FRAME_HEADERS && id > p->stream) {
        p->stream = id;
    }
    p->drop = id && id == p->reset;
    if (!p->drop) {
        bufferevent_write(p->edge, h, TC_HEAD);
    }
}

static void
from_cloud(struct bufferevent *b, void *arg)
{
    struct pair *p = arg;
    struct evbuffer *in = bufferevent_get_input(b);
    if (p->relay->tls) {
        bufferevent_write_buffer(p->edge, in);
        return;
    }
    while (evbuffer_get_length(in)) {
        if (!p->left) {
            if (!p->have && p->reset_code >= 0) {
                send_reset(p);
            }
            p->have += (size_t)evbuffer_remove(in, p->head + p->have, TC_HEAD - p->have);
            if (p->have == TC_HEAD) {
                frame_head(p);
            }
            continue;
        }
        size_t n = evbuffer_get_length(in);
        n = n < p->left ? n : p->left;
        if (p->drop) {
            evbuffer_drain(in, n);
        } else {
            evbuffer_remove_buffer(in, bufferevent_get_output(p->edge), n);
        }
        p->left -= n;
    }
    if (!p->left && !p->have && p->reset_code >= 0) {
        send_reset(p);
    }
}

static void
on_event(struct bufferevent *b, short what, void *arg)
{
    struct pair *p = arg;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
        struct bufferevent *other = b == p->edge ? p->cloud : p->edge;
        bufferevent_flush(other, EV_WRITE, BEV_FLUSH);
        if (b == p->cloud) {
            /* what is still queued for the edge goes first */
            struct evbuffer *out = bufferevent_get_output(p->edge);
            evbuffer_write(out, bufferevent_getfd(p->edge));
        }
        pair_free(p, (what & BEV_EVENT_ERROR) != 0);
    }
}

static void
nodelay(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
    (void)l, (void)sa, (void)len;
    struct tc_relay *r = arg;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)r->target)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!r->target) {
        close(fd);
        return;
    }
    struct pair *p = calloc(1, sizeof *p);
    p->relay = r;
    p->reset_code = -1;
    p->edge = bufferevent_socket_new(r->base, fd, BEV_OPT_CLOSE_ON_FREE);
    p->cloud = bufferevent_socket_new(r->base, -1, BEV_OPT_CLOSE_ON_FREE);
    TAILQ_INSERT_TAIL(&r->pairs, p, link);
    bufferevent_setcb(p->edge, from_edge, NULL, on_event, p);
    bufferevent_setcb(p->cloud, from_cloud, NULL, on_event, p);
    if (bufferevent_socket_connect(p->cloud, (struct sockaddr *)&to, sizeof to)) {
        return; /* the event callback freed it */
    }
    nodelay(fd);
    nodelay(bufferevent_getfd(p->cloud));
    short way = r->stalled ? 0 : EV_READ;
    bufferevent_disable(p->edge, EV_READ);
    bufferevent_enable(p->edge, way | EV_WRITE);
    bufferevent_enable(p->cloud, way | EV_WRITE);
    if (r->stalled) {
        bufferevent_disable(p->cloud, EV_READ);
    }
}

static int
start_listening(struct tc_relay *r)
{
    r->listener = evconnlistener_new_bind(r->base, on_accept, r,
                                          LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 64,
                                          (struct sockaddr *)&r->address, sizeof r->address);
    return r->listener ? 0 : -1;
}

struct tc_relay *
tc_relay_new(struct event_base *base, const char *host, int *port, int tls)
{
    struct tc_relay *r = calloc(1, sizeof *r);
    r->base = base;
    r->tls = tls;
    TAILQ_INIT(&r->pairs);
    r->address.sin_family = AF_INET;
    r->address.sin_port = htons((uint16_t)*port);
    if (inet_pton(AF_INET, host, &r->address.sin_addr) != 1 || start_listening(r)) {
        free(r);
        return NULL;
    }
    socklen_t n = sizeof r->address;
    getsockname(evconnlistener_get_fd(r->listener), (struct sockaddr *)&r->address, &n);
    *port = ntohs(r->address.sin_port);
    return r;
}

void
tc_relay_free(struct tc_relay *r)
{
    tc_relay_cut(r);
    if (r->listener) {
        evconnlistener_free(r->listener);
    }
    free(r);
}

void
tc_relay_target(struct tc_relay *r, int port)
{
    r->target = port;
}

int
tc_relay_cut(struct tc_relay *r)
{
    int n = 0;
    struct pair *p;
    while ((p = TAILQ_FIRST(&r->pairs))) {
        pair_free(p, 1);
        n++;
    }
    return n;
}

void
tc_relay_stall(struct tc_relay *r, int stalled)
{
    r->stalled = stalled;
    struct pair *p;
    TAILQ_FOREACH(p, &r->pairs, link)
    {
        if (stalled) {
            bufferevent_disable(p->edge, EV_READ | EV_WRITE);
            bufferevent_disable(p->cloud, EV_READ | EV_WRITE);
        } else {
            bufferevent_enable(p->edge, EV_READ | EV_WRITE);
            bufferevent_enable(p->cloud, EV_READ | EV_WRITE);
        }
    }
}

void
tc_relay_refuse(struct tc_relay *r, int refused)
{
    if (refused && r->listener) {
        evconnlistener_free(r->listener);
        r->listener = NULL;
    } else if (!refused && !r->listener) {
        start_listening(r);
    }
}

int
tc_relay_reset(struct tc_relay *r, int code)
{
    int n = 0;
    struct pair *p;
    TAILQ_FOREACH(p, &r->pairs, link)
    {
        if (!r->tls && p->stream) {
            p->reset_code = code;
            n++;
            if (!p->left && !p->have) {
                send_reset(p);
            }
        }
    }
    return n;
}

int
tc_relay_connections(const struct tc_relay *r)
{
    int n = 0;
    const struct pair *p;
    TAILQ_FOREACH(p, &r->pairs, link)
    {
        n++;
    }
    return n;
}
