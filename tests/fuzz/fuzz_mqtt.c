/* SPDX-License-Identifier: Apache-2.0 */
/* A whole device connection: the bytes go through the session in two pieces, what reaches the
 * window is confirmed with codes taken from the input, a downlink is sent, the connection is
 * closed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "front/control.h"
#include "front/session.h"
#include "front/supervise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static struct front *
front_of_process(void)
{
    static struct front f;
    char err[256];

    if (!f.base) {
        if (!settings_init(&f.cfg, err)) {
            abort();
        }
        f.cfg.mqtt_max_payload = 4096;
        f.base = event_base_new();
        f.turn = event_new(f.base, -1, 0, nothing, NULL);
        window_init(&f.window, 1 << 20, 1000);
    }
    return &f;
}

static void
confirm_all(struct front *f, const uint8_t *data, size_t n)
{
    uint32_t codes[3] = { 2, 1, 0x8f };

    for (size_t i = 0; f->window.first < f->window.next; i++) {
        uint64_t seq = f->window.first;
        struct window_entry *e = window_entry(&f->window, seq);
        struct frame fr = { .type = FR_CONFIRM, .seq = seq,
                            .payload = { (char *)codes, sizeof codes } };
        if (i % 3 == 2 && n) {
            memcpy(&fr.aux, data, n < 4 ? n : 4);
        }
        mqtt_confirmed(e->session, e, &fr);
        window_confirm(&f->window, seq);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct front *f = front_of_process();
    struct session *s;
    size_t cut, used;
    uint32_t conn;
    int sv[2];

    if (n < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) != 0) {
        return 0;
    }
    f->cfg.mqtt_qos2_handshake = data[0] & 1;
    s = session_new(f, sv[0], NULL, "fuzz");
    conn = s->conn;
    cut = data[1] * n / 256;
    used = mqtt_take(s, (const char *)data + 2, cut > 2 ? cut - 2 : 0);
    confirm_all(f, data, n);
    for (int i = 0; i < 8 && s->state < SESSION_CLOSING && used < n - 2; i++) {
        used += mqtt_take(s, (const char *)data + 2 + used, n - 2 - used);
        confirm_all(f, data, n);
    }
    if (session_find(f, conn)) {
        struct tbe_buf b = { 0 };
        struct frame fr = { .type = FR_DELIVER, .flags = 1, .aux = 5,
                            .payload = { (const char *)data, n } };
        mqtt_deliver(s, &fr);
        session_put(s, &b);
        tbe_buf_free(&b);
    }
    session_flush_dirty(f);
    if (s->state != SESSION_GONE) {
        session_close(s, SESSION_LOST);
    }
    confirm_all(f, data, n);
    session_flush_dirty(f);
    session_free_dead(f);
    if (session_find(f, conn) || f->sessions) {
        abort(); /* it was not released */
    }
    close(sv[1]);
    return 0;
}
