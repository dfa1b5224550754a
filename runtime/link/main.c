/* SPDX-License-Identifier: Apache-2.0 */
/* tbedge-link: started by tbedge, with a socket to it. Everything else it is told there. */
#include "config.h"

#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/link.h"

#define USAGE "usage: tbedge-link --frames FD\ntbedge starts it; it is of no use by hand.\n"

/* gRPC makes threads of its own: one heap for all, given back soon. */
static void
keep_small(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    setenv("GRPC_DNS_RESOLVER", "native", 0);
    setenv("GRPC_VERBOSITY", "NONE", 0);
}

static struct event_base *
make_loop(void)
{
    struct event_config *ec = event_config_new();
    struct event_base *base = NULL;

    if (ec) {
        event_config_set_flag(ec, EVENT_BASE_FLAG_NOLOCK);
        base = event_base_new_with_config(ec);
        event_config_free(ec);
    }
    return base;
}

int
main(int argc, char **argv)
{
    struct event_base *base;
    struct link *l;
    char *end;
    long fd = -1;
    int status;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("tbedge-link " PACKAGE_VERSION);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--frames") == 0) {
        fd = strtol(argv[2], &end, 10);
        fd = *end || fd > 1 << 20 ? -1 : fd;
    }
    if (fd < 0) {
        bool help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
        fputs(USAGE, help ? stdout : stderr);
        return help ? 0 : 2;
    }
    keep_small();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* the front says when to stop */
    signal(SIGTERM, SIG_IGN);
    base = make_loop();
    l = base ? link_new(base, (int)fd) : NULL;
    if (!l) {
        fputs("tbedge-link: out of memory\n", stderr);
        return 1;
    }
    event_base_dispatch(base);
    status = link_free(l);
    event_base_free(base);
    return status;
}
