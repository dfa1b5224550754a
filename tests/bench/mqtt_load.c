/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT load generator of the benchmarks: N connections publish at QoS 1 with a window of unacknowledged
 * messages, or at a fixed rate each, and count what the broker acknowledges. One thread, epoll.
 *
 *   mqtt_load --port P [--conns 100] [--window 20] [--messages 200000] [--rate 0] [--seconds 10]
 *             [--user-prefix T] [--topic v1/devices/me/telemetry] [--ts MS]
 *
 * User names are the prefix and the connection's number from 0. With --rate R each connection sends R
 * messages a second for --seconds; else --messages are sent in all, as fast as the window allows. With --ts
 * each message says its own time, MS plus its number, so that no two points of a device fall together.
 * Prints one JSON object: acked, seconds, rate, disconnects, latency percentiles in microseconds, and
 * stall_ms, the longest time in which no connection got an acknowledgement while some waited. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_WINDOW 1024
#define BUF 65536

struct conn {
    int fd;
    bool up, dead;
    uint32_t in_flight, next_id;
    uint64_t sent, acked;
    int64_t due_ns;                 /* with a rate: when the next message may go */
    int64_t sent_ns[MAX_WINDOW];    /* by packet id modulo MAX_WINDOW */
    size_t in_n, out_n;
    uint8_t in[4096], out[BUF];
};

struct options {
    int port, conns, window, seconds;
    long messages;
    long long ts;
    double rate;
    const char *prefix, *topic;
};

struct load {
    struct options o;
    struct conn *c;
    int ep, up;
    uint64_t sent, acked, disconnects;
    int64_t last_ack_ns, stall_ns;
    uint32_t *hist; /* latency in 50 us steps */
    uint32_t n_hist;
};

static int64_t
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
put_str(uint8_t **p, const char *s)
{
    size_t n = strlen(s);
    *(*p)++ = (uint8_t)(n >> 8);
    *(*p)++ = (uint8_t)n;
    memcpy(*p, s, n);
    *p += n;
}

static void
put_connect(struct conn *c, const char *user)
{
    uint8_t body[256], *p = body;
    put_str(&p, "MQTT");
    *p++ = 4;
    *p++ = 0x82; /* user name, clean session */
    *p++ = 0;
    *p++ = 0; /* no keep-alive */
    put_str(&p, user);
    put_str(&p, user);
    c->out[c->out_n++] = 0x10;
    c->out[c->out_n++] = (uint8_t)(p - body);
    memcpy(c->out + c->out_n, body, (size_t)(p - body));
    c->out_n += (size_t)(p - body);
}

static bool
put_publish(struct load *l, struct conn *c, int64_t now)
{
    char body[160];
    int bn = 0;
    if (l->o.ts != 0) {
        bn = snprintf(body, sizeof body, "{\"ts\":%lld,\"values\":", l->o.ts + (long long)c->sent);
    }
    bn += snprintf(body + bn, sizeof body - (size_t)bn, "{\"temperature\":%.1f,\"humidity\":%u,\"active\":%s}%s",
                   20 + (double)(c->sent % 200) / 10, (unsigned)(40 + c->sent % 50),
                   c->sent & 1 ? "true" : "false", l->o.ts != 0 ? "}" : "");
    size_t tn = strlen(l->o.topic), rest = 2 + tn + 2 + (size_t)bn;
    if (c->out_n + rest + 5 > sizeof c->out) {
        return false;
    }
    c->next_id = c->next_id == 65535 ? 1 : c->next_id + 1;
    uint8_t *p = c->out + c->out_n;
    *p++ = 0x32;
    for (size_t x = rest; ; ) {
        *p++ = (uint8_t)((x & 127) | (x > 127 ? 128 : 0));
        x >>= 7;
        if (x == 0) {
            break;
        }
    }
    put_str(&p, l->o.topic);
    *p++ = (uint8_t)(c->next_id >> 8);
    *p++ = (uint8_t)c->next_id;
    memcpy(p, body, (size_t)bn);
    p += bn;
    c->out_n = (size_t)(p - c->out);
    c->sent_ns[c->next_id % MAX_WINDOW] = now;
    c->in_flight++;
    c->sent++;
    l->sent++;
    return true;
}

static void
drop(struct load *l, struct conn *c)
{
    if (!c->dead) {
        c->dead = true;
        l->disconnects++;
        close(c->fd);
    }
}

static void
flush(struct load *l, struct conn *c)
{
    while (c->out_n > 0) {
        ssize_t n = write(c->fd, c->out, c->out_n);
        if (n < 0) {
            if (errno != EAGAIN) {
                drop(l, c);
            }
            return;
        }
        memmove(c->out, c->out + n, c->out_n - (size_t)n);
        c->out_n -= (size_t)n;
    }
}

static void
fill(struct load *l, struct conn *c, int64_t now)
{
    if (!c->up || c->dead) {
        return;
    }
    if (l->o.rate > 0) {
        while (c->due_ns <= now && c->in_flight < MAX_WINDOW - 1) {
            if (!put_publish(l, c, now)) {
                break;
            }
            c->due_ns += (int64_t)(1e9 / l->o.rate);
        }
    } else {
        while (c->in_flight < (uint32_t)l->o.window && l->sent < (uint64_t)l->o.messages) {
            if (!put_publish(l, c, now)) {
                break;
            }
        }
    }
    flush(l, c);
}

static void
acked(struct load *l, struct conn *c, uint32_t id, int64_t now)
{
    int64_t lat = now - c->sent_ns[id % MAX_WINDOW];
    uint32_t slot = (uint32_t)(lat / 50000);
    l->hist[slot < l->n_hist ? slot : l->n_hist - 1]++;
    if (now - l->last_ack_ns > l->stall_ns && l->acked > 0) {
        l->stall_ns = now - l->last_ack_ns;
    }
    l->last_ack_ns = now;
    c->in_flight--;
    c->acked++;
    l->acked++;
}

static void
take_packets(struct load *l, struct conn *c, int64_t now)
{
    size_t at = 0;
    while (c->in_n - at >= 2 && c->in_n - at >= 2u + c->in[at + 1]) {
        const uint8_t *p = c->in + at;
        if (p[0] == 0x20 && p[3] == 0) {
            c->up = true;
            l->up++;
        } else if (p[0] == 0x20) {
            fprintf(stderr, "mqtt_load: connection refused with code %d\n", p[3]);
            drop(l, c);
            return;
        } else if (p[0] == 0x40) {
            acked(l, c, (uint32_t)(p[2] << 8 | p[3]), now);
        }
        at += 2u + p[1];
    }
    memmove(c->in, c->in + at, c->in_n - at);
    c->in_n -= at;
}

static void
readable(struct load *l, struct conn *c)
{
    for (;;) {
        ssize_t n = read(c->fd, c->in + c->in_n, sizeof c->in - c->in_n);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            drop(l, c);
            return;
        }
        if (n < 0) {
            return;
        }
        c->in_n += (size_t)n;
        take_packets(l, c, now_ns());
        if (c->dead) {
            return;
        }
    }
}

static int
open_conn(struct load *l, int i)
{
    struct conn *c = &l->c[i];
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->o.port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror("mqtt_load: connect");
        return -1;
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    char user[64];
    snprintf(user, sizeof user, "%s%d", l->o.prefix, i);
    put_connect(c, user);
    flush(l, c);
    struct epoll_event e = { .events = EPOLLIN, .data = { .u32 = (uint32_t)i } };
    return epoll_ctl(l->ep, EPOLL_CTL_ADD, c->fd, &e);
}

static void
turn(struct load *l, int timeout_ms)
{
    struct epoll_event ev[256];
    int n = epoll_wait(l->ep, ev, 256, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct conn *c = &l->c[ev[i].data.u32];
        if (!c->dead) {
            readable(l, c);
        }
    }
}

static double
percentile(const struct load *l, double share)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < l->n_hist; i++) {
        seen += l->hist[i];
        if ((double)seen >= share * (double)l->acked) {
            return i * 50.0;
        }
    }
    return l->n_hist * 50.0;
}

static void
work(struct load *l)
{
    int64_t start = now_ns(), end = start + (int64_t)l->o.seconds * 1000000000;
    l->last_ack_ns = start;
    for (int i = 0; i < l->o.conns; i++) {
        l->c[i].due_ns = start + (l->o.rate > 0 ? (int64_t)(1e9 / l->o.rate) * i / l->o.conns : 0);
    }
    bool sending = true;
    for (;;) {
        int64_t now = now_ns();
        sending = l->o.rate > 0 ? now < end : l->sent < (uint64_t)l->o.messages;
        bool waits = false;
        for (int i = 0; i < l->o.conns; i++) {
            struct conn *c = &l->c[i];
            if (sending) {
                fill(l, c, now);
            } else if (c->out_n > 0 && !c->dead) {
                flush(l, c);
            }
            waits |= c->in_flight > 0 && !c->dead;
        }
        if (!sending && (!waits || now > l->last_ack_ns + 30000000000)) {
            break;
        }
        turn(l, l->o.rate > 0 ? 1 : 10);
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double s = (double)(l->last_ack_ns - start) / 1e9;
    printf("{\"connections\":%d,\"sent\":%llu,\"acked\":%llu,\"seconds\":%.3f,\"rate\":%.0f,"
           "\"disconnects\":%llu,\"p50_us\":%.0f,\"p99_us\":%.0f,\"stall_ms\":%.1f}\n",
           l->up, (unsigned long long)l->sent, (unsigned long long)l->acked, s, (double)l->acked / s,
           (unsigned long long)l->disconnects, percentile(l, 0.5), percentile(l, 0.99), (double)l->stall_ns / 1e6);
}

static bool
parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){ .conns = 100, .window = 20, .messages = 200000, .seconds = 10, .prefix = "load",
                           .topic = "v1/devices/me/telemetry" };
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *k = argv[i], *v = argv[i + 1];
        if (strcmp(k, "--port") == 0) {
            o->port = atoi(v);
        } else if (strcmp(k, "--conns") == 0) {
            o->conns = atoi(v);
        } else if (strcmp(k, "--window") == 0) {
            o->window = atoi(v);
        } else if (strcmp(k, "--messages") == 0) {
            o->messages = atol(v);
        } else if (strcmp(k, "--ts") == 0) {
            o->ts = atoll(v);
        } else if (strcmp(k, "--rate") == 0) {
            o->rate = atof(v);
        } else if (strcmp(k, "--seconds") == 0) {
            o->seconds = atoi(v);
        } else if (strcmp(k, "--user-prefix") == 0) {
            o->prefix = v;
        } else if (strcmp(k, "--topic") == 0) {
            o->topic = v;
        } else {
            return false;
        }
    }
    return o->port > 0 && o->conns > 0 && o->window > 0 && o->window < MAX_WINDOW;
}

int
main(int argc, char **argv)
{
    static struct load l = { .n_hist = 200000 };
    if (!parse(&l.o, argc, argv)) {
        fprintf(stderr, "usage: mqtt_load --port P [--conns N] [--window N] [--messages N] [--rate R] "
                        "[--seconds N] [--user-prefix T] [--topic T] [--ts MS]\n");
        return 2;
    }
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    l.c = calloc((size_t)l.o.conns, sizeof *l.c);
    l.hist = calloc(l.n_hist, sizeof *l.hist);
    l.ep = epoll_create1(0);
    if (l.c == NULL || l.hist == NULL || l.ep < 0) {
        return 1;
    }
    for (int i = 0; i < l.o.conns; i++) {
        if (open_conn(&l, i) != 0) {
            return 1;
        }
        turn(&l, 0);
    }
    for (int64_t end = now_ns() + 20000000000; l.up < l.o.conns && l.disconnects == 0 && now_ns() < end; ) {
        turn(&l, 100);
    }
    if (l.up < l.o.conns) {
        fprintf(stderr, "mqtt_load: only %d of %d connections were accepted\n", l.up, l.o.conns);
        return 1;
    }
    work(&l);
    return l.disconnects > 0 || l.acked != l.sent;
}
