/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines and metrics, as they arrive at stderr and at /metrics. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

static char captured[65536];

/* Runs fn with stderr going to a file; its text is in captured. */
static void
capture(void (*fn)(void))
{
    FILE *f = tmpfile();
    assert_non_null(f);
    const int keep = dup(STDERR_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    fn();
    dup2(keep, STDERR_FILENO);
    close(keep);
    rewind(f);
    captured[fread(captured, 1, sizeof captured - 1, f)] = '\0';
    fclose(f);
}

static void
say_text(void)
{
    log_debug("not shown");
    log_info("plain %d", 5);
    log_warn("two\nlines \x1b[31m \"q\"");
}

static void
test_text(void **state)
{
    (void)state;
    clock_fix(1700000000123);
    log_setup(LOG_INFO, false, "worker");
    capture(say_text);
    assert_non_null(strstr(captured, "2023-11-14T22:13:20.123Z info  worker test_log.c:"));
    assert_non_null(strstr(captured, ": plain 5\n"));
    assert_non_null(strstr(captured, ": two\\nlines \\u001b[31m \"q\"\n"));
    assert_null(strstr(captured, "not shown"));
    log_setup(LOG_DEBUG, false, NULL);
    capture(say_text);
    assert_non_null(strstr(captured, " debug test_log.c:"));
    assert_non_null(strstr(captured, "not shown"));
}

static void
test_json(void **state)
{
    (void)state;
    clock_fix(1700000000123);
    log_setup(LOG_INFO, true, "front");
    capture(say_text);
    assert_non_null(strstr(captured, "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\","
                                     "\"process\":\"front\",\"at\":\"test_log.c:"));
    assert_non_null(strstr(captured, "\"msg\":\"two\\nlines \\u001b[31m \\\"q\\\"\"}\n"));
}

static void
say_often(void)
{
    for (int i = 0; i < 100; i++) {
        log_info("turn %d", i);
    }
}

static void
test_rate(void **state)
{
    (void)state;
    log_setup(LOG_INFO, false, "t");
    capture(say_often);
    assert_non_null(strstr(captured, "turn 9\n"));
    assert_null(strstr(captured, "turn 10\n"));
    /* a second later: one more line, which tells how many were held back */
    struct log_site site = { .window_ns = clock_mono_ns() - 1500000000, .lines = 10, .held = 90 };
    FILE *f = tmpfile();
    assert_non_null(f);
    const int keep = dup(STDERR_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    log_at(&site, LOG_INFO, "x.c", 1, "again");
    log_at(&site, LOG_INFO, "x.c", 1, "too soon");
    dup2(keep, STDERR_FILENO);
    close(keep);
    rewind(f);
    captured[fread(captured, 1, sizeof captured - 1, f)] = '\0';
    fclose(f);
    assert_non_null(strstr(captured, "again (90 more held back)\n"));
    assert_null(strstr(captured, "too soon"));
    assert_int_equal(site.held, 1);
}

static void
say_long(void)
{
    static char long_text[10000];
    memset(long_text, '"', sizeof long_text - 1);
    log_info("%s", long_text);
}

static void
test_long(void **state)
{
    (void)state;
    log_setup(LOG_INFO, true, "t");
    capture(say_long);
    const size_t n = strlen(captured);
    assert_true(n <= 4096);
    assert_string_equal(captured + n - 3, "\"}\n"); /* still whole JSON */
}

static METRIC_COUNTER(points, "tbe_points_total", "Points\nstored \\ kept");
static METRIC_GAUGE(open_a, "tbe_open{kind=\"a\"}", "Open sockets");
static METRIC_COUNTER(frames, "tbe_frames_total", "Frames");
static METRIC_GAUGE(open_b, "tbe_open{kind=\"b\"}", "Open sockets");

static void
test_metrics(void **state)
{
    (void)state;
    metric_register(&points);
    metric_register(&open_a);
    metric_register(&frames);
    metric_register(&open_b);
    metric_register(&points);
    metric_add(&points, 3);
    metric_add(&points, 4);
    metric_set(&open_b, -1);
    assert_true(metric_get(&points) == 7);
    struct tbe_buf b = { 0 };
    metrics_render(&b);
    assert_string_equal(b.p, "# HELP tbe_points_total Points\\nstored \\\\ kept\n"
                             "# TYPE tbe_points_total counter\n"
                             "tbe_points_total 7\n"
                             "# HELP tbe_open Open sockets\n"
                             "# TYPE tbe_open gauge\n"
                             "tbe_open{kind=\"a\"} 0\n"
                             "tbe_open{kind=\"b\"} -1\n"
                             "# HELP tbe_frames_total Frames\n"
                             "# TYPE tbe_frames_total counter\n"
                             "tbe_frames_total 0\n");
    tbe_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_json),    cmocka_unit_test(test_rate),
        cmocka_unit_test(test_long), cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
