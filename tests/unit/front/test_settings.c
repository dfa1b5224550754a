/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: defaults from the schema, file under environment under flags, errors with line and
 * key. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "front/settings.h"

static bool
read_text(const char *text, char err[256])
{
    char path[] = "/tmp/tbe-settings-XXXXXX";
    int fd = mkstemp(path);
    bool ok;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    ok = settings_read_file(path, err);
    unlink(path);
    return ok;
}

static void
defaults_come_from_the_schema(void **state)
{
    struct settings s;
    char err[256];

    (void)state;
    assert_true(settings_init(&s, err));
    assert_int_equal(s.mqtt_port, 1883);
    assert_int_equal(s.http_port, 8080);
    assert_int_equal(s.mqtt_max_payload, 65536);
    assert_true(s.mqtt_enabled && s.http_enabled && !s.mqtt_ssl_enabled);
    assert_string_equal(s.mqtt_qos2, "puback");
    settings_free(&s);
}

static void
flags_over_environment_over_file(void **state)
{
    struct settings s;
    char err[256];

    (void)state;
    setenv("HTTP_BIND_PORT", "2", 1);
    unsetenv("MQTT_BIND_PORT");
    assert_true(settings_init(&s, err));
    assert_true(read_text("server:\n  port: 1\ntransport:\n  mqtt: {bind_port: 11, enabled: true}\ndata: /d\n", err));
    assert_true(settings_read_env(&s, err));
    assert_int_equal(s.http_port, 2);
    assert_int_equal(s.mqtt_port, 11);
    assert_string_equal(getenv("MQTT_BIND_PORT"), "11"); /* for the worker */
    assert_true(settings_set(&s, "data", "/flag", err));
    assert_string_equal(s.data, "/flag");
    assert_string_equal(getenv("TBEDGE_DATA"), "/flag");
    setenv("HTTP_BIND_PORT", "65536", 1);
    assert_false(settings_read_env(&s, err));
    assert_string_equal(err,
        "environment variable HTTP_BIND_PORT (server.port) must be from 0 to 65535");
    setenv("HTTP_BIND_PORT", "65535", 1);
    assert_true(settings_read_env(&s, err));
    unsetenv("HTTP_BIND_PORT");
    unsetenv("MQTT_BIND_PORT");
    unsetenv("TBEDGE_DATA");
    unsetenv("MQTT_ENABLED");
    settings_free(&s);
}

static void
mistakes_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "server:\n  prot: 1\n", ":2: server.prot is not a known setting" },
        { "server: 5\n", ":1: server must hold further settings" },
        { "data:\n  x: 1\n", ":2: data must be a single value" },
        { "data: [1]\n", ":1: data must be a single value" },
        { "\n\nserver:\n  port: high\n", ":4: server.port must be an integer" },
        { "server:\n  port: \"80\"\n",
          ":2: server.port must be a number or boolean, not a quoted text" },
        { "server:\n  port: 1.5\n", ":2: server.port must be an integer" },
        { "server:\n  port: -1\n", ":2: server.port must be from 0 to 65535" },
        { "log:\n  level: loud\n", ":2: log.level must be one of debug info warn error" },
        { "transport:\n  mqtt:\n    enabled: maybe\n",
          ":3: transport.mqtt.enabled must be true or false" },
        { "- a\n", ":1: the file must be a mapping of settings" },
        { "just text\n", ":1: the file must be a mapping of settings" },
        { "? {a: b}\n: c\n", ":1: needs plain keys" },
        { "data: b: c\n", ":1: mapping values are not allowed in this context" },
        { "server: {port: 1\n", ":" },
        { "data: *x\n", ":1: data must be a single value" },
    };
    char err[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(read_text(cases[i].text, err));
        if (!strstr(err, cases[i].want)) {
            fail_msg("%s: %s", cases[i].text, err);
        }
    }
    assert_true(read_text("", err));
    assert_true(read_text("# nothing\n", err));
    assert_false(settings_read_file("/nonexistent/tbedge.yml", err));
    assert_non_null(strstr(err, "No such file"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_come_from_the_schema),
        cmocka_unit_test(flags_over_environment_over_file),
        cmocka_unit_test(mistakes_are_named_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
