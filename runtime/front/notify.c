/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "front/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "front/listen.h"

void
notify_systemd(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    size_t n = path ? strlen(path) : 0;
    int fd;

    if (n < 2 || n >= sizeof a.sun_path || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(a.sun_path, path, n);
    if (path[0] == '@') { /* abstract name */
        a.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
        close(fd);
    }
}

void
notify_ready(struct front *f)
{
    if (f->mqtt) {
        printf("ready mqtt=%d http=%d", listener_port(f->mqtt), listen_port(f->http_fd));
    } else {
        printf("ready http=%d", listen_port(f->http_fd));
    }
    if (f->mqtts) {
        printf(" mqtts=%d", listener_port(f->mqtts));
    }
    printf("\n");
    fflush(stdout);
    notify_systemd("READY=1");
}
