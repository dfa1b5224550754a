/* SPDX-License-Identifier: Apache-2.0 */
/* tbedge-link as a process, with the test as its front and a stub as its cloud: the connect, refusals, how a
 * session ends and comes again, uplinks, limits, TLS. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "frame/link_config.h"
#include "link_cert.h"
#include "proto/edge.pb-c.h"
#include "stub_cloud.h"

#define SOON 10000 /* ms: nothing here takes so long */

struct rig {
    struct stub_cloud *cloud;
    struct link_config cfg;
    pid_t pid;
    int fd;
    struct tbe_buf in, out, msg;
    size_t used;      /* of in: the frame given last */
    struct frame fr;  /* it */
    uint32_t session; /* of the last FR_LINK_STATE, with what else it said */
    uint32_t state, attempts, max_uplink;
    uint64_t next_at;
    struct tbe_str error, answer;
};

/* The front's side. */

static void
spawn_link(struct rig *r)
{
    const char *build = getenv("TBE_BUILD");
    char path[512];
    int sv[2];

    snprintf(path, sizeof path, "%s/tbedge-link", build ? build : ".");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
    r->pid = fork();
    if (r->pid == 0) {
        fcntl(sv[1], F_SETFD, 0);
        char number[12];
        snprintf(number, sizeof number, "%d", sv[1]);
        execl(path, "tbedge-link", "--frames", number, (char *)NULL);
        _exit(127);
    }
    close(sv[1]);
    r->fd = sv[0];
}

static void
flush(struct rig *r)
{
    for (size_t at = 0; at < r->out.n;) {
        ssize_t n = write(r->fd, r->out.p + at, r->out.n - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    r->out.n = 0;
}

/* The next frame, in r->fr; false: none within ms, or end of file. */
static bool
next_frame(struct rig *r, int ms)
{
    int64_t end = clock_mono_ns() / 1000000 + ms;

    if (r->used) {
        r->in.n -= r->used;
        memmove(r->in.p, r->in.p + r->used, r->in.n);
        r->used = 0;
    }
    for (;;) {
        int64_t left = end - clock_mono_ns() / 1000000, n = frame_parse(r->in.p, r->in.n, &r->fr);
        struct pollfd p = { r->fd, POLLIN, 0 };
        assert_true(n >= 0);
        if (n > 0) {
            r->used = (size_t)n;
            return true;
        }
        if (left <= 0 || poll(&p, 1, left > 5 ? 5 : (int)left) < 0) {
            return false;
        }
        if (r->cloud) {
            stub_cloud_idle(r->cloud, 0);
        }
        if (p.revents) {
            tbe_buf_reserve(&r->in, 65536);
            ssize_t k = recv(r->fd, r->in.p + r->in.n, r->in.cap - r->in.n, 0);
            if (k <= 0) {
                return false;
            }
            r->in.n += (size_t)k;
        }
    }
}

static void
read_state(struct rig *r)
{
    struct frame_reader f = { r->fr.payload, false };

    r->session = r->fr.aux;
    r->state = frame_get_u32(&f);
    frame_get_u64(&f);
    r->attempts = frame_get_u32(&f);
    r->next_at = frame_get_u64(&f);
    r->max_uplink = frame_get_u32(&f);
    r->error = frame_get_str(&f);
    r->answer = frame_get_str(&f);
    assert_false(f.bad);
}

/* Waits for this state; frames of other kinds and states before it are passed over. */
static void
expect_state(struct rig *r, enum link_state want)
{
    do {
        assert_true(next_frame(r, SOON));
        if (r->fr.type == FR_LINK_STATE) {
            read_state(r);
        }
    } while (r->fr.type != FR_LINK_STATE || r->state != want);
}

static void
expect_error(struct rig *r, const char *part)
{
    char text[256];

    assert_non_null(r->error.p);
    snprintf(text, sizeof text, "%.*s", (int)r->error.n, r->error.p);
    if (!strstr(text, part)) {
        fail_msg("the error is \"%s\", not \"%s\"", text, part);
    }
}

static void
put_uplink(struct rig *r, uint32_t session, uint64_t seq, size_t size)
{
    size_t begin = frame_begin(&r->out, FR_UPLINK, 0, 0, session, seq);
    uint32_t n = (uint32_t)size - 2 - 4 - 4; /* of the text; the rest: tags and lengths around it */
    char head[8] = { 8, 1 };                 /* msgType UPLINK */

    /* downlinkResponseMsg{errorMsg: "xxx..."}, with lengths written wide */
    assert_true(size >= 32 && size < 1u << 20);
    head[2] = 4 << 3 | 2;
    head[3] = (char)((n + 4) & 127) | (char)128;
    head[4] = (char)((n + 4) >> 7 & 127) | (char)128;
    head[5] = (char)((n + 4) >> 14);
    tbe_buf_put(&r->out, head, 6);
    head[0] = 2 << 3 | 2;
    head[1] = (char)(n & 127) | (char)128;
    head[2] = (char)(n >> 7 & 127) | (char)128;
    head[3] = (char)(n >> 14);
    tbe_buf_put(&r->out, head, 4);
    for (uint32_t i = 0; i < n; i++) {
        tbe_buf_putc(&r->out, 'x');
    }
    assert_true(frame_end(&r->out, begin));
}

static uint32_t
expect_done(struct rig *r, uint64_t seq)
{
    do {
        assert_true(next_frame(r, SOON));
    } while (r->fr.type != FR_UPLINK_DONE);
    struct frame_reader f = { r->fr.payload, false };
    assert_int_equal(frame_get_u64(&f), seq);
    assert_false(f.bad);
    return r->fr.aux;
}

/* The cloud's side. */

static void
send_message(struct rig *r, Edge__ResponseMsg *m)
{
    r->msg.n = 0;
    tbe_buf_reserve(&r->msg, edge__response_msg__get_packed_size(m) + 1);
    r->msg.n = edge__response_msg__pack(m, (uint8_t *)r->msg.p);
    assert_true(stub_cloud_send(r->cloud, tbe_buf_str(&r->msg), SOON));
}

static void
send_answer(struct rig *r, int code, const char *text, int32_t limit)
{
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;
    Edge__ConnectResponseMsg c = EDGE__CONNECT_RESPONSE_MSG__INIT;
    Edge__EdgeConfiguration e = EDGE__EDGE_CONFIGURATION__INIT;

    m.connectresponsemsg = &c;
    c.responsecode = (Edge__ConnectResponseCode)code;
    c.errormsg = (char *)(uintptr_t)text;
    c.configuration = &e;
    e.name = (char *)(uintptr_t)"an edge";
    e.cloudtype = (char *)(uintptr_t)"CE";
    if (limit) {
        c._max_inbound_message_size_case =
            EDGE__CONNECT_RESPONSE_MSG___MAX_INBOUND_MESSAGE_SIZE_MAX_INBOUND_MESSAGE_SIZE;
        c.maxinboundmessagesize = limit;
    }
    send_message(r, &m);
}

static void
send_downlink(struct rig *r, int32_t id)
{
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;
    Edge__DownlinkMsg d = EDGE__DOWNLINK_MSG__INIT;

    m.downlinkmsg = &d;
    d.downlinkmsgid = id;
    send_message(r, &m);
}

static void
take_connect(struct rig *r)
{
    Edge__RequestMsg *m;

    assert_true(stub_cloud_accept(r->cloud, SOON));
    assert_int_equal(stub_cloud_recv(r->cloud, &r->msg, SOON), 1);
    m = edge__request_msg__unpack(NULL, r->msg.n, (uint8_t *)r->msg.p);
    assert_non_null(m);
    assert_int_equal(m->msgtype, EDGE__REQUEST_MSG_TYPE__CONNECT_RPC_MESSAGE);
    assert_non_null(m->connectrequestmsg);
    assert_string_equal(m->connectrequestmsg->edgeroutingkey, "the-key");
    assert_string_equal(m->connectrequestmsg->edgesecret, "the-secret");
    assert_int_equal(m->connectrequestmsg->edgeversion, EDGE__EDGE_VERSION__V_4_3_0);
    assert_int_equal(m->connectrequestmsg->maxinboundmessagesize, r->cfg.max_inbound);
    edge__request_msg__free_unpacked(m, NULL);
}

static void
come_up(struct rig *r, int32_t limit)
{
    take_connect(r);
    send_answer(r, EDGE__CONNECT_RESPONSE_CODE__ACCEPTED, "", limit);
    expect_state(r, LINK_UP);
    assert_int_equal(r->max_uplink, limit);
    assert_true(r->answer.n > 0);
}

static void
start(struct rig *r)
{
    spawn_link(r);
    assert_true(link_config_put(&r->out, &r->cfg));
    flush(r);
    expect_state(r, LINK_CONNECTING);
    assert_int_equal(r->attempts, 1);
}

/* Asks the link to end and sees that it does. */
static void
stop(struct rig *r)
{
    int status = -1;

    if (r->pid) {
        frame_end(&r->out, frame_begin(&r->out, FR_DRAIN, 0, 0, 0, 0));
        flush(r);
        while (next_frame(r, SOON)) {
        }
        assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
        assert_int_equal(status, 0);
        r->pid = 0;
    }
}

static int
set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    r->cloud = stub_cloud_new(NULL, NULL, false);
    r->cfg = (struct link_config){
        .host = TBE_STR("127.0.0.1"), .port = stub_cloud_port(r->cloud), .routing_key = TBE_STR("the-key"),
        .secret = TBE_STR("the-secret"), .edge_version = TBE_STR("V_4_3_0"), .log_level = TBE_STR("error"),
        .log_format = TBE_STR("text"), .compress = 1, .reconnect_first = 50, .reconnect_max = 400,
        .connect_timeout = 8000, .close_timeout = 200, .keep_alive_time = 10000, .keep_alive_timeout = 5000,
        .max_inbound = 4 << 20,
    };
    *state = r;
    return 0;
}

static int
tear_down(void **state)
{
    struct rig *r = *state;

    if (r->pid) {
        kill(r->pid, SIGKILL);
        waitpid(r->pid, NULL, 0);
    }
    close(r->fd);
    if (r->cloud) {
        stub_cloud_free(r->cloud);
    }
    tbe_buf_free(&r->in);
    tbe_buf_free(&r->out);
    tbe_buf_free(&r->msg);
    free(r);
    return 0;
}

/* Tests. */

static void
messages_pass_both_ways_in_order(void **state)
{
    struct rig *r = *state;
    struct tbe_buf b = { 0 };

    start(r);
    come_up(r, 4 << 20);
    assert_int_equal(r->session, 1);
    for (int i = 1; i <= 50; i++) {
        send_downlink(r, i);
    }
    for (int i = 1; i <= 50; i++) {
        assert_true(next_frame(r, SOON));
        assert_int_equal(r->fr.type, FR_LINK);
        assert_int_equal(r->fr.aux, 1);
        Edge__ResponseMsg *m =
            edge__response_msg__unpack(NULL, r->fr.payload.n, (const uint8_t *)r->fr.payload.p);
        assert_non_null(m);
        assert_int_equal(m->downlinkmsg->downlinkmsgid, i);
        edge__response_msg__free_unpacked(m, NULL);
    }
    for (uint64_t i = 1; i <= 50; i++) {
        put_uplink(r, 1, i, 32 + i);
    }
    flush(r);
    for (uint64_t i = 1; i <= 50; i++) {
        assert_int_equal(stub_cloud_recv(r->cloud, &b, SOON), 1);
        assert_int_equal(b.n, 32 + i);
    }
    for (uint64_t i = 1; i <= 50; i++) {
        assert_int_equal(expect_done(r, i), UPLINK_SENT);
    }
    tbe_buf_free(&b);
    stop(r);
}

static void
a_stop_ends_the_half_of_the_stream_and_the_process(void **state)
{
    struct rig *r = *state;
    int status;

    start(r);
    come_up(r, 0);
    frame_end(&r->out, frame_begin(&r->out, FR_DRAIN, 0, 0, 0, 0));
    flush(r);
    assert_int_equal(stub_cloud_recv(r->cloud, &r->msg, SOON), 0);
    assert_true(stub_cloud_finish(r->cloud, 0, ""));
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    assert_int_equal(status, 0);
    r->pid = 0;
}

static void
refusals_are_told_without_the_secret_and_tried_again(void **state)
{
    static const struct {
        int code;
        const char *text, *want;
    } cases[] = {
        { 1, "Failed to find the edge! Routing key: the-key", "knows no edge with this routing key" },
        { 1, "Failed to validate the edge! Provided request secret: the-secret", "the secret is wrong" },
        { 1, "another text the-secret", "bad credentials" },
        { 2, "Failed to process edge connection!", "could not serve" },
        { 77, "the-secret", "code 77" },
    };
    struct rig *r = *state;

    start(r);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        take_connect(r);
        send_answer(r, cases[i].code, cases[i].text, 0);
        if (i % 2) { /* the cloud's error and our own end come in either order */
            stub_cloud_finish(r->cloud, 2, "the-secret");
        }
        expect_state(r, LINK_WAITING);
        expect_error(r, cases[i].want);
        assert_null(strstr(r->error.p, "the-secret"));
        assert_int_equal(r->session, 0);
        assert_int_equal(r->attempts, i + 1);
        assert_true(r->next_at > 0);
        assert_null(r->answer.p);
    }
    stop(r);
}

static void
a_clean_close_reconnects_as_an_error_does(void **state)
{
    struct rig *r = *state;

    start(r);
    for (uint32_t i = 1; i <= 4; i++) {
        come_up(r, 0);
        assert_int_equal(r->session, i);
        if (i % 2) {
            assert_true(stub_cloud_finish(r->cloud, 0, ""));
        } else {
            assert_true(stub_cloud_finish(r->cloud, 14, "going down, the-secret"));
        }
        expect_state(r, LINK_WAITING);
        expect_error(r, i % 2 ? "the cloud closed the session" : "the session broke, status 14: going down, ***");
        assert_int_equal(r->session, i);
    }
    stop(r);
}

static void
nobody_there_is_tried_again_with_a_growing_pause(void **state)
{
    struct rig *r = *state;
    int64_t began, took;

    stub_cloud_free(r->cloud);
    r->cloud = NULL;
    began = clock_mono_ns() / 1000000;
    start(r);
    for (uint32_t i = 1; i <= 5; i++) {
        expect_state(r, LINK_WAITING);
        expect_error(r, "connect failed");
        assert_int_equal(r->attempts, i);
    }
    /* pauses of 50, 100, 200, 400 ms, each up to 25 % less */
    took = clock_mono_ns() / 1000000 - began;
    assert_true(took >= 750 * 75 / 100);
    stop(r);
}

static void
silence_after_the_connect_is_given_up(void **state)
{
    struct rig *r = *state;

    r->cfg.connect_timeout = 300;
    start(r);
    take_connect(r);
    expect_state(r, LINK_WAITING);
    expect_error(r, "no answer to the connect within 300 ms");
    come_up(r, 0);
    stop(r);
}

/* The stub answers no ping while it is not called. */
static void
a_half_open_connection_is_found_by_pings(void **state)
{
    struct rig *r = *state;
    struct stub_cloud *deaf;

    r->cfg.keep_alive_time = 1000;
    r->cfg.keep_alive_timeout = 1000;
    start(r);
    come_up(r, 0);
    stub_cloud_idle(r->cloud, 2500); /* pings are answered: nothing happens */
    assert_false(next_frame(r, 0));
    deaf = r->cloud;
    r->cloud = NULL;
    expect_state(r, LINK_WAITING);
    expect_error(r, "the session broke");
    r->cloud = deaf;
    come_up(r, 0);
    assert_int_equal(r->session, 2);
    stop(r);
}

static void
an_uplink_above_the_clouds_limit_is_answered_not_sent(void **state)
{
    struct rig *r = *state;

    start(r);
    come_up(r, 1000);
    put_uplink(r, 1, 1, 1000);
    put_uplink(r, 1, 2, 1001);
    put_uplink(r, 1, 3, 40);
    flush(r);
    assert_int_equal(stub_cloud_recv(r->cloud, &r->msg, SOON), 1);
    assert_int_equal(r->msg.n, 1000);
    assert_int_equal(stub_cloud_recv(r->cloud, &r->msg, SOON), 1);
    assert_int_equal(r->msg.n, 40);
    /* the one that is too big is answered at once, before the others have left */
    uint32_t codes[4] = { 9, 9, 9, 9 };
    for (int i = 0; i < 3; i++) {
        do {
            assert_true(next_frame(r, SOON));
        } while (r->fr.type != FR_UPLINK_DONE);
        struct frame_reader f = { r->fr.payload, false };
        uint64_t seq = frame_get_u64(&f);
        assert_in_range(seq, 1, 3);
        codes[seq] = r->fr.aux;
    }
    assert_int_equal(codes[1], UPLINK_SENT);
    assert_int_equal(codes[2], UPLINK_TOO_BIG);
    assert_int_equal(codes[3], UPLINK_SENT);
    stop(r);
}

static void
uplinks_that_cannot_go_are_answered(void **state)
{
    struct rig *r = *state;
    size_t begin;

    start(r);
    put_uplink(r, 0, 1, 40);
    flush(r);
    assert_int_equal(expect_done(r, 1), UPLINK_NO_LINK);
    come_up(r, 0);
    put_uplink(r, 7, 2, 40);
    flush(r);
    assert_int_equal(expect_done(r, 2), UPLINK_NO_LINK);
    begin = frame_begin(&r->out, FR_UPLINK, 0, 0, 1, 3);
    tbe_buf_putz(&r->out, "\xff\xff\xff");
    frame_end(&r->out, begin);
    flush(r);
    assert_int_equal(expect_done(r, 3), UPLINK_BAD);
    begin = frame_begin(&r->out, FR_UPLINK, 0, 0, 1, 4);
    tbe_buf_put(&r->out, "\x12\x00", 2); /* an empty connectRequestMsg */
    frame_end(&r->out, begin);
    flush(r);
    assert_int_equal(expect_done(r, 4), UPLINK_BAD);
    stop(r);
}

/* What waits when the session ends is answered, every one once, and none is sent in the next session. */
static void
uplinks_that_wait_are_dropped_with_the_session(void **state)
{
    struct rig *r = *state;
    uint64_t sent = 0, dropped = 0;

    r->cfg.compress = 0;
    start(r);
    come_up(r, 0);
    for (uint64_t i = 1; i <= 40; i++) {
        put_uplink(r, 1, i, 100000); /* more than flow control lets through unread */
    }
    flush(r);
    usleep(200000);
    stub_cloud_finish(r->cloud, 14, "");
    for (uint64_t i = 1; i <= 40; i++) {
        uint32_t code = expect_done(r, i);
        assert_true(code == UPLINK_SENT || code == UPLINK_NO_LINK);
        sent += code == UPLINK_SENT;
        dropped += code == UPLINK_NO_LINK;
    }
    assert_true(dropped > 0);
    assert_int_equal(sent + dropped, 40);
    come_up(r, 0);
    assert_int_equal(stub_cloud_recv(r->cloud, &r->msg, 300), -1);
    stop(r);
}

/* Nobody reads the link's frames: it stops taking, and the cloud is held. */
static void
a_full_front_holds_the_cloud(void **state)
{
    struct rig *r = *state;
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;
    Edge__DownlinkMsg d = EDGE__DOWNLINK_MSG__INIT;
    Edge__DeviceUpdateMsg u = EDGE__DEVICE_UPDATE_MSG__INIT, *list[] = { &u };
    char *text = malloc(50001);
    int sent = 0, got = 0;

    memset(text, 'y', 50000);
    text[50000] = '\0';
    u.entity = text;
    d.n_deviceupdatemsg = 1;
    d.deviceupdatemsg = list;
    m.downlinkmsg = &d;
    start(r);
    come_up(r, 0);
    r->msg.n = 0;
    tbe_buf_reserve(&r->msg, 51000);
    for (;;) {
        d.downlinkmsgid = sent + 1;
        r->msg.n = edge__response_msg__pack(&m, (uint8_t *)r->msg.p);
        if (!stub_cloud_send(r->cloud, tbe_buf_str(&r->msg), 700)) {
            break; /* held; the last one is under way */
        }
        sent++;
        assert_in_range(sent, 1, 200); /* 10 MB: nothing holds it */
    }
    while (got <= sent) {
        assert_true(next_frame(r, SOON));
        assert_int_equal(r->fr.type, FR_LINK);
        got++;
    }
    free(text);
    stop(r);
}

static void
a_message_above_our_limit_ends_the_session(void **state)
{
    struct rig *r = *state;
    Edge__ResponseMsg m = EDGE__RESPONSE_MSG__INIT;
    Edge__UplinkResponseMsg u = EDGE__UPLINK_RESPONSE_MSG__INIT;
    char *text = calloc(1, 5001);

    r->cfg.max_inbound = 5000;
    start(r);
    come_up(r, 0);
    m.uplinkresponsemsg = &u;
    u.errormsg = text;
    for (size_t n = 4900; edge__response_msg__get_packed_size(&m) < 5000; n++) {
        memset(text, 'z', n);
    }
    send_message(r, &m);
    assert_true(next_frame(r, SOON));
    assert_int_equal(r->fr.type, FR_LINK);
    assert_int_equal(r->fr.payload.n, 5000);
    strcat(text, "z");
    send_message(r, &m);
    expect_state(r, LINK_WAITING);
    expect_error(r, "the session broke, status 8");
    free(text);
    come_up(r, 0);
    stop(r);
}

static void
a_cloud_that_breaks_the_rules_is_left(void **state)
{
    struct rig *r = *state;

    start(r);
    take_connect(r);
    send_downlink(r, 1);
    expect_state(r, LINK_WAITING);
    expect_error(r, "before it accepted");
    take_connect(r);
    assert_true(stub_cloud_send(r->cloud, TBE_STR("\x0b\x01"), SOON));
    expect_state(r, LINK_WAITING);
    expect_error(r, "not a ResponseMsg");
    take_connect(r);
    assert_true(stub_cloud_send(r->cloud, TBE_STR("\x0a\x02\x1a\x7f"), SOON));
    expect_state(r, LINK_WAITING);
    expect_error(r, "cannot be read");
    come_up(r, 0);
    assert_true(stub_cloud_send(r->cloud, TBE_STR("\xfa\x07\x01x"), SOON)); /* of a newer cloud: passed over */
    send_answer(r, 0, "", 0);                                               /* a second one too */
    send_downlink(r, 5);
    assert_true(next_frame(r, SOON));
    assert_int_equal(r->fr.type, FR_LINK);
    stop(r);
}

static void
a_reconnect_can_be_asked_for(void **state)
{
    struct rig *r = *state;
    size_t begin;
    int64_t began;

    start(r);
    come_up(r, 0);
    began = clock_mono_ns() / 1000000;
    begin = frame_begin(&r->out, FR_LINK_RECONNECT, 0, 0, 700, 0);
    frame_put_str(&r->out, TBE_STR("the cloud is not a CE\none"));
    frame_end(&r->out, begin);
    flush(r);
    expect_state(r, LINK_WAITING);
    expect_error(r, "the cloud is not a CE one");
    come_up(r, 0);
    assert_int_equal(r->session, 2);
    assert_true(clock_mono_ns() / 1000000 - began >= 700);
    stop(r);
}

static void
a_sign_of_life_is_given(void **state)
{
    struct rig *r = *state;

    start(r);
    frame_end(&r->out, frame_begin(&r->out, FR_CONTROL, 0, 0, 77, 0));
    flush(r);
    assert_true(next_frame(r, SOON));
    assert_int_equal(r->fr.type, FR_CONTROL_REPLY);
    assert_int_equal(r->fr.aux, 77);
    stop(r);
}

static void
sessions_go_on_counting(void **state)
{
    struct rig *r = *state;

    r->cfg.last_session = 41;
    start(r);
    come_up(r, 0);
    assert_int_equal(r->session, 42);
    stop(r);
}

static void
tls_takes_the_given_authority_only(void **state)
{
    struct rig *r = *state;
    struct link_cert ours, other;
    char path[] = "/tmp/link-ca-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0 && link_cert_make(&ours, "IP:127.0.0.1") && link_cert_make(&other, "IP:127.0.0.1"));
    stub_cloud_free(r->cloud);
    r->cloud = stub_cloud_new(ours.cert, ours.key, false);
    r->cfg.port = stub_cloud_port(r->cloud);
    r->cfg.ssl = 1; /* by address: a bare machine may not know "localhost" */
    r->cfg.ssl_cert = tbe_strz(path);
    assert_true(write(fd, other.cert, strlen(other.cert)) > 0);
    start(r);
    expect_state(r, LINK_WAITING);
    expect_error(r, "connect failed");
    assert_int_equal(ftruncate(fd, 0), 0); /* the file is read again for every attempt */
    assert_true(pwrite(fd, ours.cert, strlen(ours.cert), 0) > 0);
    come_up(r, 0);
    send_downlink(r, 1);
    assert_true(next_frame(r, SOON));
    assert_int_equal(r->fr.type, FR_LINK);
    unlink(path);
    assert_true(stub_cloud_finish(r->cloud, 0, ""));
    expect_state(r, LINK_WAITING);
    expect_state(r, LINK_WAITING);
    expect_error(r, "cannot be read");
    close(fd);
    stop(r);
}

static void
tls_checks_the_host_name(void **state)
{
    struct rig *r = *state;
    struct link_cert cert; /* of localhost */
    char path[] = "/tmp/link-ca-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0 && link_cert_make(&cert, "DNS:localhost"));
    assert_true(write(fd, cert.cert, strlen(cert.cert)) > 0);
    close(fd);
    stub_cloud_free(r->cloud);
    r->cloud = stub_cloud_new(cert.cert, cert.key, false);
    r->cfg.port = stub_cloud_port(r->cloud);
    r->cfg.ssl = 1;
    r->cfg.ssl_cert = tbe_strz(path);
    start(r); /* to 127.0.0.1 */
    expect_state(r, LINK_WAITING);
    expect_error(r, "connect failed");
    stop(r);
    unlink(path);
}

static void
messages_are_compressed_both_ways(void **state)
{
    struct rig *r = *state;

    stub_cloud_free(r->cloud);
    r->cloud = stub_cloud_new(NULL, NULL, true);
    r->cfg.port = stub_cloud_port(r->cloud);
    start(r);
    assert_true(stub_cloud_accept(r->cloud, SOON));
    assert_int_equal(stub_cloud_recv(r->cloud, &r->msg, SOON), 1);
    send_answer(r, EDGE__CONNECT_RESPONSE_CODE__ACCEPTED, "", 1000000);
    expect_state(r, LINK_UP);
    put_uplink(r, 1, 1, 100000); /* the limit is of the message, not of what is sent */
    flush(r);
    assert_int_equal(expect_done(r, 1), UPLINK_SENT);
    assert_int_equal(stub_cloud_recv(r->cloud, &r->msg, SOON), 1);
    assert_true(stub_cloud_got_gzip(r->cloud));
    assert_in_range(r->msg.n, 10, 1000);
    send_downlink(r, 3);
    assert_true(next_frame(r, SOON));
    assert_int_equal(r->fr.type, FR_LINK);
    stop(r);
}

static void
the_front_gone_means_the_end(void **state)
{
    struct rig *r = *state;
    int status;

    start(r);
    come_up(r, 0);
    close(r->fd);
    r->fd = -1;
    assert_int_equal(stub_cloud_recv(r->cloud, &r->msg, SOON), 0);
    stub_cloud_finish(r->cloud, 0, "");
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    r->pid = 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(messages_pass_both_ways_in_order),
        T(a_stop_ends_the_half_of_the_stream_and_the_process),
        T(refusals_are_told_without_the_secret_and_tried_again),
        T(a_clean_close_reconnects_as_an_error_does),
        T(nobody_there_is_tried_again_with_a_growing_pause),
        T(silence_after_the_connect_is_given_up),
        T(a_half_open_connection_is_found_by_pings),
        T(an_uplink_above_the_clouds_limit_is_answered_not_sent),
        T(uplinks_that_cannot_go_are_answered),
        T(uplinks_that_wait_are_dropped_with_the_session),
        T(a_full_front_holds_the_cloud),
        T(a_message_above_our_limit_ends_the_session),
        T(a_cloud_that_breaks_the_rules_is_left),
        T(a_reconnect_can_be_asked_for),
        T(a_sign_of_life_is_given),
        T(sessions_go_on_counting),
        T(tls_takes_the_given_authority_only),
        T(tls_checks_the_host_name),
        T(messages_are_compressed_both_ways),
        T(the_front_gone_means_the_end),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
