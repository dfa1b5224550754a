/* SPDX-License-Identifier: Apache-2.0 */
/* schemas/tbedge.json, embedded, is the only list of settings. A file's values become
 * environment variables (where none is set), then the environment is read: so the worker sees
 * the same settings. */
#include "config.h"
#include "front/settings.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static const char schema_text[] = {
#include "front/tbedge_schema.h"
};

enum kind { KIND_STRING, KIND_INT, KIND_BOOL };

/* Settings the front itself uses; the others are only passed on. */
static const struct binding {
    const char *name;
    size_t offset;
    enum kind kind;
} bindings[] = {
#define BIND(name, field, kind) { name, offsetof(struct settings, field), kind }
    BIND("data", data, KIND_STRING),
    BIND("service.id", service_id, KIND_STRING),
    BIND("log.level", log_level, KIND_STRING),
    BIND("log.format", log_format, KIND_STRING),
    BIND("server.address", http_address, KIND_STRING),
    BIND("server.port", http_port, KIND_INT),
    BIND("transport.http.enabled", http_enabled, KIND_BOOL),
    BIND("transport.mqtt.enabled", mqtt_enabled, KIND_BOOL),
    BIND("transport.mqtt.bind_address", mqtt_address, KIND_STRING),
    BIND("transport.mqtt.bind_port", mqtt_port, KIND_INT),
    BIND("transport.mqtt.disconnect_timeout", mqtt_disconnect_timeout, KIND_INT),
    BIND("transport.mqtt.connect_timeout", mqtt_connect_timeout, KIND_INT),
    BIND("transport.mqtt.keep_alive_min", mqtt_keep_alive_min, KIND_INT),
    BIND("transport.mqtt.max_connections", mqtt_max_connections, KIND_INT),
    BIND("transport.mqtt.qos2", mqtt_qos2, KIND_STRING),
    BIND("transport.mqtt.netty.max_payload_size", mqtt_max_payload, KIND_INT),
    BIND("transport.mqtt.netty.so_keep_alive", mqtt_so_keep_alive, KIND_BOOL),
    BIND("transport.mqtt.ssl.enabled", mqtt_ssl_enabled, KIND_BOOL),
    BIND("transport.mqtt.ssl.bind_address", mqtt_ssl_address, KIND_STRING),
    BIND("transport.mqtt.ssl.bind_port", mqtt_ssl_port, KIND_INT),
    BIND("transport.mqtt.ssl.credentials.pem.cert_file", ssl_cert, KIND_STRING),
    BIND("transport.mqtt.ssl.credentials.pem.key_file", ssl_key, KIND_STRING),
    BIND("transport.mqtt.ssl.credentials.pem.key_password", ssl_key_password, KIND_STRING),
    BIND("window.max_bytes", window_bytes, KIND_INT),
    BIND("window.max_frames", window_frames, KIND_INT),
    BIND("worker.config", worker_config, KIND_STRING),
    BIND("worker.ready_timeout", ready_timeout, KIND_INT),
    BIND("worker.drain_timeout", drain_timeout, KIND_INT),
    BIND("worker.healthy_after", healthy_after, KIND_INT),
    BIND("worker.restart_max", restart_max, KIND_INT),
    BIND("worker.max_deaths", max_deaths, KIND_INT),
    BIND("cloud.routingKey", cloud_routing_key, KIND_STRING),
    BIND("cloud.secret", cloud_secret, KIND_STRING),
    BIND("cloud.reconnect_timeout", cloud_reconnect_timeout, KIND_INT),
    BIND("cloud.reconnect_max", cloud_reconnect_max, KIND_INT),
    BIND("cloud.rpc.host", cloud_host, KIND_STRING),
    BIND("cloud.rpc.port", cloud_port, KIND_INT),
    BIND("cloud.rpc.timeout", cloud_close_timeout, KIND_INT),
    BIND("cloud.rpc.connect_timeout", cloud_connect_timeout, KIND_INT),
    BIND("cloud.rpc.keep_alive_time_sec", cloud_keep_alive_time, KIND_INT),
    BIND("cloud.rpc.keep_alive_timeout_sec", cloud_keep_alive_timeout, KIND_INT),
    BIND("cloud.rpc.ssl.enabled", cloud_ssl_enabled, KIND_BOOL),
    BIND("cloud.rpc.ssl.cert", cloud_ssl_cert, KIND_STRING),
    BIND("cloud.rpc.max_inbound_message_size", cloud_max_inbound, KIND_INT),
    BIND("cloud.rpc.edge_version", cloud_edge_version, KIND_STRING),
    BIND("cloud.rpc.compression", cloud_compression, KIND_STRING),
    BIND("cloud.rpc.proxy.enabled", cloud_proxy_enabled, KIND_BOOL),
    BIND("cloud.rpc.proxy.host", cloud_proxy_host, KIND_STRING),
    BIND("cloud.rpc.proxy.port", cloud_proxy_port, KIND_INT),
    BIND("cloud.rpc.proxy.username", cloud_proxy_user, KIND_STRING),
    BIND("cloud.rpc.proxy.password", cloud_proxy_password, KIND_STRING),
#undef BIND
};
#define N_BINDINGS (sizeof bindings / sizeof *bindings)

/* Checking a value against its schema. */

static bool
parse_int(const char *text, int64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return text[0] && !*end && errno == 0;
}

static bool
parse_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0;
    return *out || strcmp(text, "false") == 0;
}

static bool
check_enum(const cJSON *leaf, const char *value, struct tbe_buf *why)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(leaf, "enum"), *one;

    if (!list) {
        return true;
    }
    cJSON_ArrayForEach(one, list)
    {
        if (strcmp(one->valuestring, value) == 0) {
            return true;
        }
    }
    tbe_buf_putz(why, "must be one of");
    cJSON_ArrayForEach(one, list)
    {
        tbe_buf_fmt(why, " %s", one->valuestring);
    }
    return false;
}

static bool
check_value(const cJSON *leaf, const char *value, struct tbe_buf *why)
{
    const char *type = cJSON_GetObjectItemCaseSensitive(leaf, "type")->valuestring;
    const cJSON *lo = cJSON_GetObjectItemCaseSensitive(leaf, "minimum");
    const cJSON *hi = cJSON_GetObjectItemCaseSensitive(leaf, "maximum");
    int64_t n;
    bool b;

    if (strcmp(type, "integer") == 0) {
        if (!parse_int(value, &n)) {
            tbe_buf_putz(why, "must be an integer");
            return false;
        }
        if ((lo && (double)n < lo->valuedouble) || (hi && (double)n > hi->valuedouble)) {
            tbe_buf_fmt(why, "must be from %.0f to %.0f", lo ? lo->valuedouble : 0,
                        hi ? hi->valuedouble : 0);
            return false;
        }
        return true;
    }
    if (strcmp(type, "boolean") == 0) {
        if (!parse_bool(value, &b)) {
            tbe_buf_putz(why, "must be true or false");
            return false;
        }
        return true;
    }
    return check_enum(leaf, value, why);
}

/* Storing. */

static bool
store(struct settings *s, const char *name, const char *value)
{
    for (size_t i = 0; i < N_BINDINGS; i++) {
        char *field = (char *)s + bindings[i].offset;
        if (strcmp(bindings[i].name, name) != 0) {
            continue;
        }
        if (bindings[i].kind == KIND_INT) {
            return parse_int(value, (int64_t *)(void *)field);
        }
        if (bindings[i].kind == KIND_BOOL) {
            return parse_bool(value, (bool *)field);
        }
        char **z = (char **)(void *)field, *copy = strdup(value);
        if (copy) {
            free(*z);
            *z = copy;
        }
        return copy != NULL;
    }
    return true; /* for the worker */
}

/* The default's text. */
static const char *
default_text(const cJSON *leaf, char number[32])
{
    const cJSON *d = cJSON_GetObjectItemCaseSensitive(leaf, "default");

    if (cJSON_IsNumber(d)) {
        snprintf(number, 32, "%.0f", d->valuedouble);
        return number;
    }
    return cJSON_IsBool(d) ? (cJSON_IsTrue(d) ? "true" : "false") : d->valuestring;
}

typedef bool leaf_fn(struct settings *s, const cJSON *leaf, const char *name, char err[256]);

static bool
each_leaf(struct settings *s, const cJSON *node, const char *prefix, leaf_fn *fn, char err[256])
{
    const cJSON *child;

    cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(node, "properties"))
    {
        char name[128];
        snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", child->string);
        if (cJSON_GetObjectItemCaseSensitive(child, "properties")) {
            if (!each_leaf(s, child, name, fn, err)) {
                return false;
            }
        } else if (!fn(s, child, name, err)) {
            return false;
        }
    }
    return true;
}

static cJSON *
schema_parse(char err[256])
{
    cJSON *schema = cJSON_ParseWithLength(schema_text, sizeof schema_text);

    if (!schema) {
        snprintf(err, 256, "settings: out of memory");
    }
    return schema;
}

static bool
with_schema(struct settings *s, leaf_fn *fn, char err[256])
{
    cJSON *schema = schema_parse(err);
    bool ok = schema && each_leaf(s, schema, "", fn, err);

    cJSON_Delete(schema);
    return ok;
}

static bool
set_default(struct settings *s, const cJSON *leaf, const char *name, char err[256])
{
    char number[32];

    snprintf(err, 256, "settings: out of memory");
    return store(s, name, default_text(leaf, number));
}

bool
settings_init(struct settings *s, char err[256])
{
    *s = (struct settings){ 0 };
    return with_schema(s, set_default, err);
}

void
settings_free(struct settings *s)
{
    for (size_t i = 0; i < N_BINDINGS; i++) {
        if (bindings[i].kind == KIND_STRING) {
            free(*(char **)(void *)((char *)s + bindings[i].offset));
        }
    }
    *s = (struct settings){ 0 };
}

static bool
read_env(struct settings *s, const cJSON *leaf, const char *name, char err[256])
{
    const cJSON *env = cJSON_GetObjectItemCaseSensitive(leaf, "x-env");
    const char *value = env ? getenv(env->valuestring) : NULL;
    struct tbe_buf why = { 0 };
    bool ok;

    if (!value) {
        return true;
    }
    ok = check_value(leaf, value, &why) && store(s, name, value);
    if (!ok) {
        snprintf(err, 256, "environment variable %s (%s) %s", env->valuestring, name,
                 why.n ? why.p : "out of memory");
    }
    tbe_buf_free(&why);
    return ok;
}

bool
settings_read_env(struct settings *s, char err[256])
{
    return with_schema(s, read_env, err);
}

static const cJSON *
schema_child(const cJSON *node, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(node, "properties"),
                                            key);
}

bool
settings_set(struct settings *s, const char *name, const char *value, char err[256])
{
    cJSON *schema = schema_parse(err);
    const cJSON *leaf = schema;
    struct tbe_buf why = { 0 };
    char path[128], *save = NULL;
    bool ok;

    snprintf(path, sizeof path, "%s", name);
    for (char *part = strtok_r(path, ".", &save); leaf && part; part = strtok_r(NULL, ".", &save)) {
        leaf = schema_child(leaf, part);
    }
    ok = leaf && check_value(leaf, value, &why) && store(s, name, value);
    if (ok) {
        setenv(cJSON_GetObjectItemCaseSensitive(leaf, "x-env")->valuestring, value, 1);
    } else if (schema) {
        snprintf(err, 256, "%s %s", name, why.n ? why.p : "is not a setting");
    }
    tbe_buf_free(&why);
    cJSON_Delete(schema);
    return ok;
}

/* The file. */

struct reader {
    yaml_parser_t parser;
    const char *path;
    char *err;
};

static bool
fail_at(struct reader *r, size_t line, const char *name, const char *what)
{
    snprintf(r->err, 256, "%.100s:%zu: %.80s%s%.60s", r->path, line + 1, name, name[0] ? " " : "",
             what);
    return false;
}

static bool
next_event(struct reader *r, yaml_event_t *e)
{
    if (yaml_parser_parse(&r->parser, e)) {
        return true;
    }
    return fail_at(r, r->parser.problem_mark.line, "",
                   r->parser.problem ? r->parser.problem : "not YAML");
}

/* One scalar value of the setting `leaf`. */
static bool
take_value(struct reader *r, const cJSON *leaf, const char *name, const yaml_event_t *e)
{
    const char *value = (const char *)e->data.scalar.value;
    bool quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    bool text = strcmp(cJSON_GetObjectItemCaseSensitive(leaf, "type")->valuestring, "string") == 0;
    const cJSON *env = cJSON_GetObjectItemCaseSensitive(leaf, "x-env");
    struct tbe_buf why = { 0 };
    bool ok = true;

    if (quoted && !text) {
        ok = fail_at(r, e->start_mark.line, name, "must be a number or boolean, not a quoted text");
    } else if (!check_value(leaf, value, &why)) {
        ok = fail_at(r, e->start_mark.line, name, why.p);
    } else if (setenv(env->valuestring, value, 0) != 0) {
        ok = fail_at(r, e->start_mark.line, name, "out of memory");
    }
    tbe_buf_free(&why);
    return ok;
}

static bool take_mapping(struct reader *r, const cJSON *node, const char *prefix);

static bool
take_entry(struct reader *r, const cJSON *node, const char *prefix, const yaml_event_t *key)
{
    const char *k = (const char *)key->data.scalar.value;
    const cJSON *child = schema_child(node, k);
    yaml_event_t e;
    char name[128];
    bool ok, group = child && cJSON_GetObjectItemCaseSensitive(child, "properties");

    snprintf(name, sizeof name, "%s%s%.60s", prefix, prefix[0] ? "." : "", k);
    if (!child) {
        return fail_at(r, key->start_mark.line, name, "is not a known setting");
    }
    if (!next_event(r, &e)) {
        return false;
    }
    if (group && e.type == YAML_MAPPING_START_EVENT) {
        ok = take_mapping(r, child, name);
    } else if (!group && e.type == YAML_SCALAR_EVENT) {
        ok = take_value(r, child, name, &e);
    } else {
        ok = fail_at(r, e.start_mark.line, name,
                     group ? "must hold further settings" : "must be a single value");
    }
    yaml_event_delete(&e);
    return ok;
}

static bool
take_mapping(struct reader *r, const cJSON *node, const char *prefix)
{
    for (;;) {
        yaml_event_t e;
        bool ok, end;
        if (!next_event(r, &e)) {
            return false;
        }
        end = e.type == YAML_MAPPING_END_EVENT;
        ok = end || (e.type == YAML_SCALAR_EVENT ? take_entry(r, node, prefix, &e)
                                                  : fail_at(r, e.start_mark.line, prefix,
                                                            "needs plain keys"));
        yaml_event_delete(&e);
        if (end || !ok) {
            return ok;
        }
    }
}

static bool
take_document(struct reader *r, const cJSON *schema)
{
    for (;;) {
        yaml_event_t e;
        yaml_event_type_t type;
        size_t line;
        bool ok = true;
        if (!next_event(r, &e)) {
            return false;
        }
        type = e.type;
        line = e.start_mark.line;
        if (type == YAML_MAPPING_START_EVENT) {
            ok = take_mapping(r, schema, "");
        } else if (type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT ||
                   type == YAML_ALIAS_EVENT) {
            ok = type == YAML_SCALAR_EVENT && e.data.scalar.length == 0; /* an empty document */
            ok = ok || fail_at(r, line, "", "the file must be a mapping of settings");
        }
        yaml_event_delete(&e);
        if (!ok || type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT) {
            return ok;
        }
    }
}

bool
settings_read_file(const char *path, char err[256])
{
    struct reader r = { .path = path, .err = err };
    FILE *f = fopen(path, "re");
    cJSON *schema;
    bool ok = false;

    if (!f) {
        snprintf(err, 256, "%.180s: %s", path, strerror(errno));
        return false;
    }
    schema = schema_parse(err);
    if (schema && yaml_parser_initialize(&r.parser)) {
        yaml_parser_set_input_file(&r.parser, f);
        ok = take_document(&r, schema);
        yaml_parser_delete(&r.parser);
    }
    cJSON_Delete(schema);
    fclose(f);
    return ok;
}
