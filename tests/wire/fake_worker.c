/* SPDX-License-Identifier: Apache-2.0 */
/* A worker for wire tests: speaks frames, appends what it applies to DATA/applied, confirms after that.
 * Frames are applied once per epoch, as a real worker does it. Topics steer it:
 *   echo/...     sends the message back (QoS 1, tag 7)      close      asks to close (0x98)
 *   bad          confirms with 0x99                         kick       confirms with 0x99 and closes
 *   swap         asks for a swap to the path in the body
 *   die/before   dies once before, die/after once after the message is written; die/always always
 *   uplink     sends its body, as it is, to the cloud            reconnect  asks the link to connect again
 * Environment: FAKE_READY_MS (delay), FAKE_NO_READY, FAKE_NO_DRAIN, FAKE_DIE_MS (after activation),
 * FAKE_NULL (writes nothing: throughput), FAKE_NAME (in every line). User "bad" is refused. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "frame/frame.h"

static const char *data_dir = ".", *name = "";
static int frames_fd = 3, log_fd = -1;
static uint64_t epoch, last_seq;
static struct tbe_buf out, lines;
static int64_t die_at;
static uint32_t session_no;

static void uplink(uint32_t session_of, uint64_t seq, struct tbe_str bytes);

static bool
env_on(const char *n)
{
    return getenv(n) != NULL;
}

static void
send_out(void)
{
    for (size_t at = 0; at < out.n;) {
        ssize_t k = write(frames_fd, out.p + at, out.n - at);
        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k <= 0) {
            _exit(3);
        }
        at += (size_t)k;
    }
    out.n = 0;
}

static void
die_now(void)
{
    kill(getpid(), SIGKILL);
}

static bool
once(const char *what)
{
    char path[512];
    int fd;

    snprintf(path, sizeof path, "%s/%s", data_dir, what);
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

/* Reads which frames of this epoch are applied, and opens for writing. */
static void
open_log(void)
{
    char path[512], line[4096];
    FILE *f;

    if (log_fd >= 0) {
        return;
    }
    snprintf(path, sizeof path, "%s/applied", data_dir);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long e, s;
        if (sscanf(line, "%llu %llu", &e, &s) == 2 && e == epoch) {
            last_seq = s;
        }
    }
    if (f) {
        fclose(f);
    }
    log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    die_at = getenv("FAKE_DIE_MS") ? clock_mono_ns() + atoll(getenv("FAKE_DIE_MS")) * 1000000 : 0;
}

static void
commit(void)
{
    if (lines.n && write(log_fd, lines.p, lines.n) != (ssize_t)lines.n) {
        _exit(4);
    }
    lines.n = 0;
}

static void
ready(void)
{
    size_t b = frame_begin(&out, FR_READY, 0, 0, 0, 0);

    if (env_on("FAKE_NO_READY")) {
        return;
    }
    if (getenv("FAKE_READY_MS")) {
        usleep((useconds_t)atoi(getenv("FAKE_READY_MS")) * 1000);
    }
    frame_put_u64(&out, epoch);
    frame_put_u64(&out, last_seq);
    frame_end(&out, b);
}

static void
put_text(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        tbe_buf_putc(&lines, c > ' ' && c < 127 ? c : '_');
    }
}

static void
confirm(const struct frame *fr, uint32_t aux, const uint32_t *codes, uint32_t n)
{
    size_t b = frame_begin(&out, FR_CONFIRM, 0, fr->conn, aux, fr->seq);

    if (codes) {
        frame_put_u32(&out, n);
        for (uint32_t i = 0; i < n; i++) {
            frame_put_u32(&out, codes[i]);
        }
    }
    frame_end(&out, b);
}

static void
deliver(const struct frame *fr, struct tbe_str topic, struct tbe_str body)
{
    size_t b = frame_begin(&out, FR_DELIVER, 1, fr->conn, 7, 0);

    frame_put_str(&out, topic);
    frame_put_str(&out, body);
    frame_end(&out, b);
}

static uint32_t
connect_code(const struct frame *fr)
{
    struct frame_reader r = { fr->payload, false };
    struct tbe_str user;

    frame_get_u32(&r);
    frame_get_u32(&r);
    frame_get_u32(&r);
    frame_get_str(&r);
    user = frame_get_str(&r);
    return tbe_str_eqz(user, "bad") ? 0x86 | FR_CODE_CLOSE | FR_CODE_DISCONNECT(0x86) : 0;
}

static void
subscribe(const struct frame *fr)
{
    struct frame_reader r = { fr->payload, false };
    uint32_t n = frame_get_u32(&r), codes[64];

    n = n > 64 ? 64 : n;
    for (uint32_t i = 0; i < n; i++) {
        struct tbe_str f = frame_get_str(&r);
        if (fr->type == FR_SUBSCRIBE) {
            uint32_t q = frame_get_u32(&r);
            codes[i] = memchr(f.p, '#', f.n) ? 0x8f : q > 1 ? 1 : q;
        } else {
            codes[i] = 0;
        }
    }
    confirm(fr, 0, codes, n);
}

static void
numbered(const struct frame *fr, bool is_new)
{
    struct frame_reader r = { fr->payload, false };
    struct tbe_str topic = TBE_STR_NONE, body = TBE_STR_NONE;
    uint32_t aux = 0;

    if (fr->type == FR_PUBLISH) {
        topic = frame_get_str(&r);
        body = frame_get_str(&r);
    }
    if (fr->type == FR_CONNECT) { /* client id and certificates */
        for (int i = 0; i < 3; i++) {
            frame_get_u32(&r);
        }
        topic = frame_get_str(&r);
        for (int i = 0; i < 4; i++) {
            body = frame_get_str(&r);
        }
    }
    if (tbe_str_eqz(topic, "die/always") || (tbe_str_eqz(topic, "die/before") && is_new && once("died-before"))) {
        commit();
        die_now();
    }
    if (is_new && !env_on("FAKE_NULL")) {
        tbe_buf_fmt(&lines, "%llu %llu %u %u %u %u %s ", (unsigned long long)epoch, (unsigned long long)fr->seq, fr->type,
                    fr->conn, fr->aux, fr->flags, name);
        put_text(topic);
        tbe_buf_putc(&lines, ' ');
        put_text(body);
        tbe_buf_putc(&lines, '\n');
    }
    last_seq = fr->seq > last_seq ? fr->seq : last_seq;
    if (tbe_str_eqz(topic, "die/after") && is_new && once("died-after")) {
        commit();
        die_now();
    }
    if (fr->type == FR_SUBSCRIBE || fr->type == FR_UNSUBSCRIBE) {
        subscribe(fr);
        return;
    }
    if (fr->type == FR_CONNECT) {
        size_t b;
        aux = connect_code(fr);
        b = frame_begin(&out, FR_KEEP, 0, fr->conn, 0, 0);
        tbe_buf_puts(&out, TBE_STR("kept"));
        frame_end(&out, b);
    } else if (tbe_str_eqz(topic, "bad")) {
        aux = 0x99;
    } else if (tbe_str_eqz(topic, "kick")) {
        aux = 0x99 | FR_CODE_CLOSE | FR_CODE_NO_ACK | FR_CODE_DISCONNECT(0x99);
    }
    confirm(fr, aux, NULL, 0);
    if (topic.n > 5 && memcmp(topic.p, "echo/", 5) == 0) {
        deliver(fr, topic, body);
    }
    if (tbe_str_eqz(topic, "swap")) {
        size_t b = frame_begin(&out, FR_SWAP, 0, 0, 0, 0);
        frame_put_str(&out, body);
        frame_put_str(&out, TBE_STR_NONE);
        frame_end(&out, b);
    }
    if (tbe_str_eqz(topic, "uplink")) {
        uplink(session_no, fr->seq, body);
    }
    if (tbe_str_eqz(topic, "reconnect")) {
        size_t b = frame_begin(&out, FR_LINK_RECONNECT, 0, 0, 0, 0);
        frame_put_str(&out, body);
        frame_end(&out, b);
    }
    if (tbe_str_eqz(topic, "close")) {
        frame_end(&out, frame_begin(&out, FR_CLOSE, 0, fr->conn, 0x98, 0));
    }
}

static void
session(const struct frame *fr)
{
    struct frame_reader r = { fr->payload, false };
    struct tbe_str id;
    uint32_t n;

    for (int i = 0; i < 3; i++) {
        frame_get_u32(&r);
    }
    id = frame_get_str(&r);
    for (int i = 0; i < 4; i++) {
        frame_get_str(&r);
    }
    tbe_buf_fmt(&lines, "session %u %s ", fr->conn, name);
    put_text(id);
    tbe_buf_putc(&lines, ' ');
    put_text(frame_get_str(&r));
    n = frame_get_u32(&r);
    for (uint32_t i = 0; i < n; i++) {
        tbe_buf_putc(&lines, ' ');
        put_text(frame_get_str(&r));
        tbe_buf_fmt(&lines, "=%u", frame_get_u32(&r));
    }
    tbe_buf_fmt(&lines, "%s\n", r.bad ? " BAD" : "");
}

static void
control(const struct frame *fr)
{
    size_t b = frame_begin(&out, FR_CONTROL_REPLY, 0, 0, fr->aux, 0);

    tbe_buf_putz(&out, "{\"exit\":5,\"stdout\":\"");
    for (size_t i = 0; i < fr->payload.n; i++) {
        if (fr->payload.p[i] == '"' || fr->payload.p[i] == '\\') {
            tbe_buf_putc(&out, '\\');
        }
        tbe_buf_putc(&out, fr->payload.p[i]);
    }
    tbe_buf_putz(&out, "\\n\",\"stderr\":\"from the worker\\n\"}");
    frame_end(&out, b);
}

/* link STATE SESSION REPLAY ATTEMPTS LIMIT BYTES-OF-ANSWER NAME ERROR */
static void
link_state(const struct frame *fr)
{
    static const char *const names[] = { "off", "connecting", "up", "waiting" };
    struct frame_reader r = { fr->payload, false };
    uint32_t state = frame_get_u32(&r), attempts, limit;
    struct tbe_str error, answer;

    frame_get_u64(&r);
    attempts = frame_get_u32(&r);
    frame_get_u64(&r);
    limit = frame_get_u32(&r);
    error = frame_get_str(&r);
    answer = frame_get_str(&r);
    tbe_buf_fmt(&lines, "link %s %u %u %u %u %u %s ", state < 4 ? names[state] : "?", fr->aux, fr->flags, attempts,
                limit, (unsigned)answer.n, name);
    put_text(error);
    tbe_buf_fmt(&lines, "%s\n", r.bad ? " BAD" : "");
    session_no = fr->aux;
}

static void
uplink(uint32_t session_of, uint64_t seq, struct tbe_str bytes)
{
    size_t b = frame_begin(&out, FR_UPLINK, 0, 0, session_of, seq);

    tbe_buf_puts(&out, bytes);
    frame_end(&out, b);
}

/* {msgType: UPLINK, downlinkResponseMsg{success, downlinkMsgId}} for ResponseMsg{downlinkMsg{downlinkMsgId ...}}. */
static void
acknowledge(const struct frame *fr)
{
    char ack[20] = { 8, 1, 0x22, 2, 8, 1 };
    size_t at = 1, n = 6;

    if (fr->payload.n < 4 || fr->payload.p[0] != 0x1a) {
        return;
    }
    while (at < fr->payload.n && fr->payload.p[at++] & 128) {
    }
    if (at < fr->payload.n && fr->payload.p[at++] == 8) {
        ack[n++] = 0x18;
        do {
            ack[n++] = fr->payload.p[at];
        } while (at + 1 < fr->payload.n && n < sizeof ack && fr->payload.p[at++] & 128);
        ack[3] = (char)(n - 4);
    }
    uplink(fr->aux, fr->seq, (struct tbe_str){ ack, n });
}

/* Written as other frames are, with the session and the size, and acknowledged to the cloud. One that holds
 * "die-once" kills the worker once, after the commit. */
static void
link_message(const struct frame *fr, bool is_new)
{
    if (is_new) {
        tbe_buf_fmt(&lines, "%llu %llu %u %u %u %u %s link %u\n", (unsigned long long)epoch,
                    (unsigned long long)fr->seq, fr->type, fr->conn, fr->aux, fr->flags, name, (unsigned)fr->payload.n);
    }
    last_seq = fr->seq > last_seq ? fr->seq : last_seq;
    if (memmem(fr->payload.p, fr->payload.n, "die-once", 8) && once("died-of-link")) {
        commit();
        die_now();
    }
    confirm(fr, 0, NULL, 0);
    acknowledge(fr);
}

static void
take(const struct frame *fr)
{
    struct frame_reader r = { fr->payload, false };

    switch (fr->type) {
    case FR_HELLO:
        epoch = frame_get_u64(&r);
        frame_get_str(&r);
        if (!(frame_get_u32(&r) & 1)) {
            open_log();
        }
        ready();
        break;
    case FR_SESSION:
        open_log();
        session(fr);
        break;
    case FR_LINK_STATE:
        open_log();
        link_state(fr);
        break;
    case FR_UPLINK_DONE:
        tbe_buf_fmt(&lines, "done %llu %u %s\n", (unsigned long long)frame_get_u64(&r), fr->aux, name);
        break;
    case FR_LINK:
        link_message(fr, fr->seq > last_seq);
        break;
    case FR_REPLAYED: open_log(); break;
    case FR_CONTROL: control(fr); break;
    case FR_SWAP_FAILED: {
        struct tbe_str why = frame_get_str(&r);
        fprintf(stderr, "swap failed %u: %.*s\n", fr->aux, (int)why.n, why.p);
        break;
    }
    case FR_DRAIN:
        if (env_on("FAKE_NO_DRAIN")) {
            break;
        }
        commit();
        frame_end(&out, frame_begin(&out, FR_DRAINED, 0, 0, 0, 0));
        send_out();
        exit(0);
    default:
        numbered(fr, fr->seq > last_seq);
    }
}

int
main(int argc, char **argv)
{
    static char buf[1 << 20];
    size_t n = 0;

    name = getenv("FAKE_NAME") ? getenv("FAKE_NAME") : "w";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--data") == 0) {
            data_dir = argv[i + 1];
        } else if (strcmp(argv[i], "--frames") == 0) {
            frames_fd = atoi(argv[i + 1]);
        }
    }
    for (;;) {
        struct frame fr;
        size_t used = 0;
        int64_t len;
        ssize_t k = recv(frames_fd, buf + n, sizeof buf - n, die_at ? MSG_DONTWAIT : 0);
        if (die_at && clock_mono_ns() > die_at) {
            die_now();
        }
        if (k < 0 && errno == EAGAIN) {
            usleep(5000);
            continue;
        }
        if (k <= 0) {
            return 0;
        }
        n += (size_t)k;
        while ((len = frame_parse(buf + used, n - used, &fr)) > 0) {
            used += (size_t)len;
            take(&fr);
        }
        if (len < 0) {
            return 6;
        }
        memmove(buf, buf + used, n - used);
        n -= used;
        commit();
        send_out();
    }
}
