/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of the link in the front, with the process and the workers played by the test: every uplink is
 * answered once and to whom it came from, the room is bounded, the cloud's messages have their share of the
 * window, states are kept for workers to come. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "front/link_int.h"
#include "front/supervise.h"
#include "front/worker_proc.h"

static struct worker workers[2];
static struct worker *active;

struct worker *
supervise_worker(struct front *f)
{
    (void)f;
    return active;
}

struct worker *
supervise_find(struct front *f, uint64_t id)
{
    (void)f;
    for (int i = 0; i < 2; i++) {
        if (workers[i].id == id) {
            return &workers[i];
        }
    }
    return NULL;
}

void
front_wake(struct front *f)
{
    f->turn_pending = true;
}

struct rig {
    struct front f;
    struct link_proc l;
    struct tbe_buf b; /* one frame of the link */
};

static int
set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    r->f.link = &r->l;
    r->l.front = &r->f;
    r->l.pid = 1;
    r->l.first = r->l.next = 1;
    window_init(&r->f.window, 1 << 20, 1024);
    memset(workers, 0, sizeof workers);
    workers[0].id = 1;
    workers[1].id = 2;
    active = &workers[0];
    *state = r;
    return 0;
}

static int
tear_down(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 2; i++) {
        tbe_buf_free(&workers[i].ctl);
    }
    window_free(&r->f.window);
    tbe_buf_free(&r->l.out);
    tbe_buf_free(&r->l.error);
    tbe_buf_free(&r->l.answer);
    tbe_buf_free(&r->b);
    free(r->l.ring);
    free(r);
    return 0;
}

/* Gives r->b as a frame to the link's reader. */
static bool
take(struct rig *r)
{
    struct frame fr;

    assert_int_equal(frame_parse(r->b.p, r->b.n, &fr), r->b.n);
    return link_take(&r->l, &fr);
}

static bool
take_state(struct rig *r, uint32_t state, uint32_t session)
{
    size_t begin;

    r->b.n = 0;
    begin = frame_begin(&r->b, FR_LINK_STATE, 0, 0, session, 0);
    frame_put_u32(&r->b, state);
    frame_put_u64(&r->b, 1000);
    frame_put_u32(&r->b, 3);
    frame_put_u64(&r->b, 2000);
    frame_put_u32(&r->b, 4096);
    frame_put_str(&r->b, TBE_STR("why"));
    frame_put_str(&r->b, TBE_STR("answer"));
    frame_end(&r->b, begin);
    return take(r);
}

static bool
take_message(struct rig *r, uint32_t session, size_t size)
{
    size_t begin;

    r->b.n = 0;
    begin = frame_begin(&r->b, FR_LINK, 0, 0, session, 0);
    tbe_buf_reserve(&r->b, size);
    memset(r->b.p + r->b.n, 'm', size);
    r->b.n += size;
    frame_end(&r->b, begin);
    return take(r);
}

static bool
take_done(struct rig *r, uint64_t seq, uint32_t code)
{
    size_t begin;

    r->b.n = 0;
    begin = frame_begin(&r->b, FR_UPLINK_DONE, 0, 0, code, 0);
    frame_put_u64(&r->b, seq);
    frame_end(&r->b, begin);
    return take(r);
}

static void
uplink(struct rig *r, struct worker *w, uint32_t session, uint64_t seq, size_t size)
{
    static char bytes[1 << 20];
    struct frame fr = { .type = FR_UPLINK, .aux = session, .seq = seq, .payload = { bytes, size } };

    link_uplink(&r->f, w, &fr);
}

/* The next frame that the worker got; its answer's code and number. */
static uint32_t
answer_of(struct worker *w, uint64_t *seq)
{
    struct frame_reader p;
    struct frame fr;
    int64_t n = frame_parse(w->ctl.p + w->ctl_at, w->ctl.n - w->ctl_at, &fr);

    assert_true(n > 0);
    w->ctl_at += (size_t)n;
    assert_int_equal(fr.type, FR_UPLINK_DONE);
    assert_int_equal(fr.seq, 0);
    p = (struct frame_reader){ fr.payload, false };
    *seq = frame_get_u64(&p);
    assert_false(p.bad);
    return fr.aux;
}

static void
no_answer(struct worker *w)
{
    assert_int_equal(w->ctl_at, w->ctl.n);
}

static void
up(struct rig *r, uint32_t session)
{
    struct worker *w = active;

    active = NULL;
    assert_true(take_state(r, LINK_UP, session));
    active = w;
}

static void
each_uplink_is_answered_to_its_worker(void **state)
{
    struct rig *r = *state;
    uint64_t seq;

    uplink(r, &workers[0], 1, 5, 10);
    assert_int_equal(answer_of(&workers[0], &seq), UPLINK_NO_LINK);
    assert_int_equal(seq, 5);
    up(r, 1);
    uplink(r, &workers[0], 2, 6, 10);
    assert_int_equal(answer_of(&workers[0], &seq), UPLINK_NO_LINK);
    uplink(r, &workers[0], 1, 7, 10);
    uplink(r, &workers[1], 1, 1, 10);
    uplink(r, &workers[0], 1, 8, 10);
    no_answer(&workers[0]);
    assert_true(take_done(r, 3, UPLINK_TOO_BIG)); /* out of order */
    assert_int_equal(answer_of(&workers[0], &seq), UPLINK_TOO_BIG);
    assert_int_equal(seq, 8);
    assert_true(take_done(r, 1, UPLINK_SENT));
    assert_int_equal(answer_of(&workers[0], &seq), UPLINK_SENT);
    assert_int_equal(seq, 7);
    workers[1].id = 9; /* that worker has gone */
    assert_true(take_done(r, 2, UPLINK_SENT));
    no_answer(&workers[1]);
    no_answer(&workers[0]);
    assert_int_equal(r->l.pending_bytes, 0);
    /* answers to what is answered, and to what was never asked, break the link */
    assert_false(take_done(r, 2, UPLINK_SENT));
    assert_false(take_done(r, 4, UPLINK_SENT));
    assert_false(take_done(r, 0, UPLINK_SENT));
}

static void
the_room_is_bounded_in_bytes(void **state)
{
    struct rig *r = *state;
    uint64_t seq, n = FRAME_UPLINK_ROOM >> 20;

    up(r, 1);
    for (uint64_t i = 1; i <= n - 1; i++) {
        uplink(r, &workers[0], 1, i, 1 << 20);
    }
    uplink(r, &workers[0], 1, n, (1 << 20) - 1); /* one byte is left */
    uplink(r, &workers[0], 1, n + 1, 1 << 20);   /* and may be gone past */
    no_answer(&workers[0]);
    uplink(r, &workers[0], 1, n + 2, 1);
    assert_int_equal(answer_of(&workers[0], &seq), UPLINK_NO_ROOM);
    assert_int_equal(seq, n + 2);
    assert_true(take_done(r, 1, UPLINK_SENT));
    assert_int_equal(answer_of(&workers[0], &seq), UPLINK_SENT);
    uplink(r, &workers[0], 1, n + 3, 1);
    no_answer(&workers[0]);
    link_lost(&r->l, "gone", 100);
    for (uint64_t i = 2; i <= n + 1; i++) {
        assert_int_equal(answer_of(&workers[0], &seq), UPLINK_NO_LINK);
        assert_int_equal(seq, i);
    }
    assert_int_equal(answer_of(&workers[0], &seq), UPLINK_NO_LINK);
    assert_int_equal(seq, n + 3);
    assert_int_equal(r->l.pending_bytes, 0);
}

static void
many_small_ones_are_remembered(void **state)
{
    struct rig *r = *state;
    uint64_t seq, n = 20000;

    up(r, 1);
    for (uint64_t i = 1; i <= n; i++) {
        uplink(r, &workers[0], 1, i, 0);
    }
    for (uint64_t i = n; i >= 1; i--) { /* the last one first */
        assert_true(take_done(r, i, UPLINK_SENT));
        assert_int_equal(answer_of(&workers[0], &seq), UPLINK_SENT);
        assert_int_equal(seq, i);
    }
    assert_int_equal(r->l.ring_size, 0); /* given back */
    uplink(r, &workers[0], 1, n + 1, 0);
    assert_true(take_done(r, n + 1, UPLINK_SENT));
}

static void
messages_have_a_share_of_the_window(void **state)
{
    struct rig *r = *state;
    struct window *w = &r->f.window;
    uint32_t n = 0;

    assert_false(take_message(r, 1, 10)); /* before any session */
    up(r, 1);
    assert_false(take_message(r, 2, 10));
    while (!link_must_wait(&r->l)) {
        assert_true(take_message(r, 1, 10));
        n++;
    }
    assert_int_equal(n, 1024 / 4);
    r->l.blocked = true; /* goes on at half of that */
    for (uint64_t seq = 1; link_must_wait(&r->l); seq++) {
        link_confirmed(&r->f, window_entry(w, seq));
        window_confirm(w, seq);
        n--;
    }
    assert_int_equal(n, 1024 / 8 - 1);
    r->l.blocked = false;
    while (n) {
        link_confirmed(&r->f, window_entry(w, w->next - n));
        window_confirm(w, w->next - n--);
    }
    assert_int_equal(r->l.frame_bytes, 0);
    assert_int_equal(r->l.frames, 0);
    /* in bytes: a quarter, the last one past it */
    assert_true(take_message(r, 1, (1 << 18) - FRAME_HEAD - 1));
    assert_false(link_must_wait(&r->l));
    assert_true(take_message(r, 1, 1 << 18));
    assert_true(link_must_wait(&r->l));
}

static void
a_process_that_hangs_is_found(void **state)
{
    struct rig *r = *state;
    struct frame fr;

    for (int i = 1; i < 40; i++) {
        assert_true(link_alive(&r->l));
        assert_int_equal(r->l.out.n, FRAME_HEAD * (size_t)(i / 10));
    }
    assert_false(link_alive(&r->l));
    assert_true(frame_parse(r->l.out.p, r->l.out.n, &fr) > 0);
    assert_int_equal(fr.type, FR_CONTROL);
    r->b.n = 0;
    frame_end(&r->b, frame_begin(&r->b, FR_CONTROL_REPLY, 0, 0, 10, 0));
    assert_true(take(r));
    for (int i = 1; i < 40; i++) {
        assert_true(link_alive(&r->l));
    }
    r->l.blocked = true; /* its answers are not read: silence says nothing */
    for (int i = 0; i < 100; i++) {
        assert_true(link_alive(&r->l));
    }
}

static void
the_state_is_kept_and_passed_on(void **state)
{
    struct rig *r = *state;
    struct tbe_buf b = { 0 };
    struct frame_reader p;
    struct frame fr;

    assert_true(take_state(r, LINK_UP, 4));
    assert_true(frame_parse(workers[0].ctl.p, workers[0].ctl.n, &fr) > 0);
    assert_int_equal(fr.type, FR_LINK_STATE);
    assert_int_equal(fr.flags, 0);
    assert_int_equal(fr.aux, 4);
    for (int i = 0; i < 3; i++) {
        link_put_state(&r->f, &b);
        assert_true(frame_parse(b.p, b.n, &fr) > 0);
        assert_int_equal(fr.flags, FR_LINK_REPLAY);
        p = (struct frame_reader){ fr.payload, false };
        assert_int_equal(frame_get_u32(&p), i == 0 ? LINK_UP : i == 1 ? LINK_WAITING : LINK_OFF);
        frame_get_u64(&p);
        frame_get_u32(&p);
        frame_get_u64(&p);
        frame_get_u32(&p);
        assert_int_equal(frame_get_str(&p).p != NULL, i < 2);
        assert_int_equal(frame_get_str(&p).p != NULL, i == 0);
        assert_false(p.bad);
        b.n = 0;
        if (i == 0) {
            link_lost(&r->l, "it died", 100);
        } else {
            r->f.link = NULL;
        }
    }
    tbe_buf_free(&b);
    assert_false(take_state(r, LINK_UP, 3)); /* sessions do not go back */
    assert_false(take_state(r, LINK_OFF, 4));
    assert_false(take_state(r, 9, 4));
    r->b.n = 0;
    size_t begin = frame_begin(&r->b, FR_LINK_STATE, 0, 0, 4, 0);
    frame_put_u32(&r->b, LINK_UP);
    frame_end(&r->b, begin);
    assert_false(take(r));
    r->b.n = 0;
    frame_end(&r->b, frame_begin(&r->b, FR_DRAIN, 0, 0, 0, 0));
    assert_false(take(r));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(each_uplink_is_answered_to_its_worker), T(the_room_is_bounded_in_bytes),
        T(many_small_ones_are_remembered),        T(messages_have_a_share_of_the_window),
        T(the_state_is_kept_and_passed_on),       T(a_process_that_hangs_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
