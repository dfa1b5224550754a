/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testcloud [SCENARIO.yaml] [NAME=VALUE...]: a ThingsBoard cloud's EdgeRpcService for tests, on 127.0.0.1. Prints
 * "ready port=N control=PATH" and serves until "quit" (stdin or control socket), SIGTERM or, with stdin=true, the end
 * of stdin. README.md documents scenario, settings and commands.
 */
#include "config.h"

#include "tc_cloud.h"

#include <grpc/grpc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *
read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        return NULL;
    }
    char *text = NULL;
    size_t n = 0, cap = 0;
    for (;;) {
        if (n + 4096 > cap) {
            cap = cap ? 2 * cap : 8192;
            text = realloc(text, cap);
        }
        size_t got = fread(text + n, 1, cap - n - 1, f);
        if (!got) {
            break;
        }
        n += got;
    }
    text[n] = 0;
    fclose(f);
    return text;
}

static void
die(const char *what, const char *why)
{
    fprintf(stderr, "testcloud: %s: %s\n", what, why);
    exit(2);
}

static const char *
get_text(const cJSON *conf, const char *name, const char *otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(conf, name);
    return cJSON_IsString(v) ? v->valuestring : otherwise;
}

static void
defaults(struct tc_settings *s)
{
    *s = (struct tc_settings){.version = 40400,
                              .max_inbound = 4194304,
                              .announce_max = 4194304,
                              .pack_size = 50,
                              .resend_ms = 60000,
                              .give_up_ms = 1000,
                              .auto_connect = 1,
                              .auto_ack = 1,
                              .auto_sync = 1,
                              .rate_seconds = 1};
}

/* NAME=VALUE of the command line; a value that is JSON is taken as such. */
static void
override(cJSON *conf, const char *arg)
{
    const char *eq = strchr(arg, '=');
    if (!eq) {
        die(arg, "NAME=VALUE is wanted");
    }
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(eq - arg), arg);
    cJSON *v = cJSON_Parse(eq + 1);
    cJSON_DeleteItemFromObjectCaseSensitive(conf, name);
    cJSON_AddItemToObject(conf, name, v ? v : cJSON_CreateString(eq + 1));
}

static cJSON *
configuration(int argc, char **argv)
{
    char why[300];
    cJSON *conf = NULL;
    int i = 1;
    if (argc > 1 && !strchr(argv[1], '=')) {
        FILE *f = !strcmp(argv[1], "-") ? stdin : fopen(argv[1], "r");
        if (!f) {
            die(argv[1], "cannot be opened");
        }
        conf = tc_yaml_to_json(f, why, sizeof why);
        if (!cJSON_IsObject(conf)) {
            die(argv[1], conf ? "not a mapping" : why);
        }
        fclose(f);
        i = 2;
    }
    conf = conf ? conf : cJSON_CreateObject();
    for (; i < argc; i++) {
        override(conf, argv[i]);
    }
    return conf;
}

static void
apply(struct tc_cloud *c, const cJSON *conf)
{
    char why[300];
    const cJSON *j, *set = cJSON_GetObjectItemCaseSensitive(conf, "set");
    if (set && tc_set(c, set, why, sizeof why)) {
        die("set", why);
    }
    cJSON_ArrayForEach(j, cJSON_GetObjectItemCaseSensitive(conf, "edges"))
    {
        tc_edge_add(c, j);
    }
    if (cJSON_GetObjectItemCaseSensitive(conf, "routingKey")) {
        tc_edge_add(c, conf);
    }
    cJSON_ArrayForEach(j, cJSON_GetObjectItemCaseSensitive(conf, "sync"))
    {
        if (!cJSON_IsString(j) || tc_load_entities(c, j->valuestring, why, sizeof why)) {
            die("sync", cJSON_IsString(j) ? why : "a list of files is wanted");
        }
    }
    cJSON_ArrayForEach(j, cJSON_GetObjectItemCaseSensitive(conf, "steps"))
    {
        if (tc_step_add(c, j, why, sizeof why)) {
            die("steps", why);
        }
    }
    const char *record = get_text(conf, "record", NULL);
    if (record && !(c->record = fopen(record, "w"))) {
        die(record, "cannot be written");
    }
}

static void
listen_all(struct tc_cloud *c, const cJSON *conf)
{
    const cJSON *port = cJSON_GetObjectItemCaseSensitive(conf, "port");
    const char *cert = get_text(conf, "tlsCert", NULL), *key = get_text(conf, "tlsKey", NULL);
    c->port = cJSON_IsNumber(port) ? port->valueint : 0;
    if (cert) {
        c->cert = read_file(cert);
        c->key = key ? read_file(key) : NULL;
        if (!c->cert || !c->key) {
            die(cert, "certificate or key cannot be read");
        }
    }
    const cJSON *ka = cJSON_GetObjectItemCaseSensitive(conf, "keepAliveMs");
    const cJSON *kt = cJSON_GetObjectItemCaseSensitive(conf, "keepAliveTimeoutMs");
    c->conf = (struct tc_server_conf){"127.0.0.1:0", c->cert, c->key, cJSON_IsNumber(ka) ? ka->valueint : 10000,
                                      cJSON_IsNumber(kt) ? kt->valueint : 5000, 1000};
    c->relay = tc_relay_new(c->base, get_text(conf, "host", "127.0.0.1"), &c->port, c->cert != NULL);
    if (!c->relay || tc_cloud_start_server(c)) {
        die("listen", "the port cannot be used");
    }
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct tc_cloud *c = arg;
    event_base_loopbreak(c->base);
}

static void
cleanup(struct tc_cloud *c)
{
    tc_cloud_stop_server(c);
    struct tc_edge *e;
    while ((e = TAILQ_FIRST(&c->edges))) {
        TAILQ_REMOVE(&c->edges, e, link);
        tc_down_free_all(&e->queue);
        tc_down_free_all(&e->sync_queue);
        tc_down_free_all(&e->pack);
        tc_down_free_all(&e->run);
        cJSON_Delete(e->config);
        free(e->key);
        free(e->secret);
        free(e);
    }
    tc_count_free(c->count);
    cJSON_Delete(c->entities);
    cJSON_Delete(c->withheld);
    cJSON_Delete(c->down_log);
    if (c->record) {
        fclose(c->record);
    }
}

int
main(int argc, char **argv)
{
    static struct tc_cloud c;
    if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
        puts("usage: testcloud [SCENARIO.yaml] [NAME=VALUE...]   (tests/cloud/README.md)");
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    srand((unsigned)time(NULL));
    c.base = event_base_new();
    c.t0 = tc_now();
    defaults(&c.set);
    TAILQ_INIT(&c.edges);
    TAILQ_INIT(&c.sessions);
    TAILQ_INIT(&c.nacks);
    TAILQ_INIT(&c.steps);
    TAILQ_INIT(&c.clients);
    c.count = tc_count_new();
    c.entities = cJSON_CreateArray();
    c.withheld = cJSON_CreateObject();
    c.down_log = cJSON_CreateObject();
    cJSON *conf = configuration(argc, argv);
    const cJSON *seed = cJSON_GetObjectItemCaseSensitive(conf, "seed");
    if (cJSON_IsNumber(seed)) {
        srand((unsigned)seed->valueint);
    }
    apply(&c, conf);
    listen_all(&c, conf);
    const char *control = get_text(conf, "control", NULL);
    if (control && tc_control_listen(&c, control)) {
        die(control, "cannot listen there");
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(conf, "stdin"))) {
        tc_control_stdin(&c);
    }
    struct event *term = evsignal_new(c.base, SIGTERM, on_signal, &c), *intr = evsignal_new(c.base, SIGINT, on_signal, &c);
    evsignal_add(term, NULL);
    evsignal_add(intr, NULL);
    printf("ready port=%d control=%s\n", c.port, control ? control : "-");
    fflush(stdout);
    cJSON_Delete(conf);
    event_base_dispatch(c.base);
    cleanup(&c);
    if (control) {
        /* the socket file goes with the listener's owner */
        remove(control);
    }
    return 0;
}
