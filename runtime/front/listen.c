/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting. When descriptors run out, accepting rests for a moment instead of spinning. */
#include "config.h"
#include "front/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "front/session.h"
#include "front/tls.h"

#define BACKLOG 4096
#define ACCEPTS_PER_TURN 64
#define REST_MS 100

struct listener {
    struct front *front;
    int fd;
    bool tls;
    struct event rd, rest;
};

int
listen_open(const char *address, int64_t port, char err[256])
{
    struct addrinfo hint = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE }, *list;
    char service[16];
    int rc, fd = -1, on = 1;

    snprintf(service, sizeof service, "%d", (int)port);
    rc = getaddrinfo(address[0] ? address : NULL, service, &hint, &list);
    if (rc != 0) {
        snprintf(err, 256, "address %.100s: %s", address, gai_strerror(rc));
        return -1;
    }
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0) {
        snprintf(err, 256, "cannot listen on %.100s port %d: %s", address, (int)port,
                 strerror(errno));
    }
    freeaddrinfo(list);
    return fd;
}

int
listen_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;

    if (fd < 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        return 0;
    }
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                 : ((struct sockaddr_in *)&a)->sin_port);
}

static void
peer_text(const struct sockaddr_storage *a, char out[80])
{
    char host[INET6_ADDRSTRLEN] = "?";
    unsigned port = 0;

    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)a;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        port = ntohs(in->sin_port);
    } else if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)a;
        inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
        port = ntohs(in->sin6_port);
    }
    snprintf(out, 80, "%s:%u", host, port);
}

static void
accepted(struct listener *l, int fd, const struct sockaddr_storage *a)
{
    struct front *f = l->front;
    char peer[80];
    SSL *ssl = NULL;
    int on = 1;

    if (f->connected >= f->cfg.mqtt_max_connections) {
        log_warn("%u connections: no more are taken", f->connected);
        f->stats.refused++;
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (f->cfg.mqtt_so_keep_alive) {
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (l->tls && !(ssl = tls_accept(f->tls, fd))) {
        close(fd);
        return;
    }
    f->stats.accepted++;
    peer_text(a, peer);
    if (!session_new(f, fd, ssl, peer)) {
        log_error("out of memory: a connection from %s was not taken", peer);
    }
}

static void
on_readable(evutil_socket_t lfd, short what, void *arg)
{
    struct listener *l = arg;

    (void)what;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage a;
        socklen_t n = sizeof a;
        int fd = accept4(lfd, (struct sockaddr *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accepted(l, fd, &a);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            struct timeval tv = { 0, REST_MS * 1000 };
            log_error("cannot accept: %s", strerror(errno));
            event_del(&l->rd);
            event_add(&l->rest, &tv);
        }
        if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;

    (void)fd;
    (void)what;
    event_add(&l->rd, NULL);
}

struct listener *
listener_new(struct front *f, int fd, bool tls)
{
    struct listener *l = calloc(1, sizeof *l);

    if (!l) {
        close(fd);
        return NULL;
    }
    *l = (struct listener){ .front = f, .fd = fd, .tls = tls };
    event_assign(&l->rd, f->base, fd, EV_READ | EV_PERSIST, on_readable, l);
    evtimer_assign(&l->rest, f->base, on_rested, l);
    event_add(&l->rd, NULL);
    return l;
}

int
listener_port(const struct listener *l)
{
    return l ? listen_port(l->fd) : 0;
}

void
listener_free(struct listener *l)
{
    if (l) {
        event_del(&l->rd);
        event_del(&l->rest);
        close(l->fd);
        free(l);
    }
}
