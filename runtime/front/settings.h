/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the front: schemas/tbedge.json gives names, types, defaults, bounds and environment
 * variables; tbedge.yml, the environment and flags give values, the later over the earlier. */
#ifndef TBE_FRONT_SETTINGS_H
#define TBE_FRONT_SETTINGS_H

#include "tbe/base.h"

/* Strings are owned by the settings and never NULL; times are milliseconds. */
struct settings {
    char *data, *service_id, *worker_config;
    char *log_level, *log_format;
    bool mqtt_enabled, mqtt_ssl_enabled, http_enabled;
    char *mqtt_address, *mqtt_ssl_address, *http_address;
    int64_t mqtt_port, mqtt_ssl_port, http_port;
    int64_t mqtt_max_payload;        /* bytes, of the remaining length */
    int64_t mqtt_disconnect_timeout; /* a closed connection is let linger so long */
    int64_t mqtt_connect_timeout;    /* from accept to CONNECT */
    int64_t mqtt_keep_alive_min;     /* silence shorter than this never closes a connection */
    int64_t mqtt_max_connections;
    char *mqtt_qos2;          /* "puback" or "handshake" */
    bool mqtt_qos2_handshake; /* set by front_run from mqtt_qos2 */
    bool mqtt_so_keep_alive;
    char *ssl_cert, *ssl_key, *ssl_key_password;
    int64_t window_bytes, window_frames;
    int64_t ready_timeout, drain_timeout, healthy_after, restart_max;
    int64_t max_deaths;
    /* the cloud (facts/edge-cloud-protocol.md 1.1); no key or no secret: no link */
    char *cloud_routing_key, *cloud_secret, *cloud_host, *cloud_edge_version, *cloud_compression;
    char *cloud_ssl_cert, *cloud_proxy_host, *cloud_proxy_user, *cloud_proxy_password;
    bool cloud_ssl_enabled, cloud_proxy_enabled;
    int64_t cloud_port, cloud_proxy_port;
    int64_t cloud_reconnect_timeout, cloud_reconnect_max, cloud_connect_timeout;
    int64_t cloud_close_timeout, cloud_keep_alive_time, cloud_keep_alive_timeout; /* seconds */
    int64_t cloud_max_inbound;                                                    /* bytes */
};

/* Defaults. False with text in err when the built-in schema cannot be read (memory). */
bool settings_init(struct settings *s, char err[256]);
void settings_free(struct settings *s);
/* Reads a file into environment variables that are not set yet: so the environment goes before
 * the file, and the worker inherits everything. Unknown keys and wrong types are refused: err
 * names file, line, key. */
bool settings_read_file(const char *path, char err[256]);
/* The environment variables the schema names, over what is set. */
bool settings_read_env(struct settings *s, char err[256]);
/* Sets one setting by its dotted name from text (flags), and its environment variable. */
bool settings_set(struct settings *s, const char *name, const char *value, char err[256]);

#endif
