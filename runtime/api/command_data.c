/* SPDX-License-Identifier: Apache-2.0 */
/* The commands telemetry, export, outbox, status and backup: what is stored and what waits. */
#include "config.h"

#include "api/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/export.h"

#define DOWN (TBE_OUT_GSON | TBE_OUT_NO_HTML)

/* Latest values ------------------------------------------------------------------------------------- */

struct latest {
    struct command *c;
    struct tbe_str key;
    bool json;
    uint32_t n;
};

static bool
latest_one(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct latest *l = arg;
    struct command *c = l->c;

    if (l->key.p != NULL && !tbe_str_eq(l->key, kv->key)) {
        return true;
    }
    if (l->json) {
        tbe_buf_putz(&c->out, l->n ? "," : "");
        tbe_json_write_str(&c->out, kv->key);
        tbe_buf_fmt(&c->out, ":{\"ts\":%lld,\"value\":", (long long)ts);
        tbe_kv_json(&c->out, kv, DOWN);
        tbe_buf_putc(&c->out, '}');
    } else {
        tbe_buf_fmt(&c->out, "%.*s\t%lld\t", (int)kv->key.n, kv->key.p, (long long)ts);
        tbe_kv_json(&c->out, kv, DOWN);
        tbe_buf_putc(&c->out, '\n');
    }
    l->n++;
    return true;
}

int
command_telemetry(struct command *c)
{
    struct latest l = { c, TBE_STR_NONE, command_flag(c, "--json"), 0 };
    struct hub_device *d;
    struct tbe_entity e;
    int r;

    (void)command_option(c, "--key", &l.key);
    r = command_words(c, 1, 1, "telemetry DEVICE [--key K] [--json]");
    if (r != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    e = (struct tbe_entity){ TBE_ENT_DEVICE, d->id };
    tbe_buf_putz(&c->out, l.json ? "{" : "");
    store_latest_each(c->store, &e, latest_one, &l);
    tbe_buf_putz(&c->out, l.json ? "}\n" : "");
    return 0;
}

/* Export -------------------------------------------------------------------------------------------- */

/* To the reply, or to a file. */
struct export {
    struct command *c;
    FILE *file; /* NULL: into the reply */
    struct export_options o;
};

static bool
export_put(void *arg, const char *p, size_t n)
{
    struct export *x = arg;

    if (x->file != NULL) {
        return fwrite(p, 1, n, x->file) == n;
    }
    tbe_buf_put(&x->c->out, p, n);
    return command_line(x->c);
}

static int
export_options(struct command *c, struct export *x)
{
    struct tbe_str v;
    int r = 0;

    (void)command_option(c, "--device", &x->o.device);
    (void)command_option(c, "--key", &x->o.key);
    if (command_option(c, "--from", &v)) {
        r = command_number(c, v, "--from", INT64_MIN, INT64_MAX, &x->o.from);
    }
    if (r == 0 && command_option(c, "--to", &v)) {
        r = command_number(c, v, "--to", INT64_MIN, INT64_MAX, &x->o.to);
    }
    if (r == 0 && command_option(c, "--format", &v)) {
        x->o.json = tbe_str_eqz(v, "jsonl");
        if (!x->o.json && !tbe_str_eqz(v, "csv")) {
            r = command_usage(c, "--format must be csv or jsonl");
        }
    }
    if (r == 0 && command_option(c, "--output", &v)) {
        char *path = command_path(c, v);

        x->file = fopen(path, "we");
        if (x->file == NULL) {
            r = command_fail(c, "%s: %s", path, strerror(errno));
        }
    }
    return r ? r : command_words(c, 0, 0, "export [--device NAME] [--key K] [--format csv|jsonl]");
}

int
command_export(struct command *c)
{
    struct export x = { .c = c, .o = { .from = INT64_MIN, .to = INT64_MAX } };
    int64_t points = 0;
    char err[256];
    int r = export_options(c, &x);

    if (r == 0 && store_export_to(c->store, &x.o, export_put, &x, &points, err) != 0) {
        /* A reply that is too large is reported by command_done. */
        r = x.file == NULL && c->out.n > COMMAND_OUT_MAX ? 1 : command_fail(c, "%s", err);
    }
    if (x.file != NULL) {
        if (fclose(x.file) != 0 && r == 0) {
            r = command_fail(c, "the output file cannot be written: %s", strerror(errno));
        } else if (r == 0) {
            tbe_buf_fmt(&c->out, "%lld points\n", (long long)points);
        }
    }
    return r;
}

/* Outbox -------------------------------------------------------------------------------------------- */

static bool
outbox_one(void *arg, const struct store_uplink *u)
{
    struct command *c = arg;
    const struct store_entity *e = store_entity(c->store, &u->entity);
    char id[TBE_UUID_TEXT + 1];
    const char *kind = store_cloud_type_name(u->kind), *action = store_cloud_action_name(u->action);

    tbe_uuid_text(&u->entity.id, id);
    tbe_buf_fmt(&c->out, "{\"seq\":%llu,\"name\":", (unsigned long long)u->seq);
    tbe_json_write_str(&c->out, e != NULL ? e->name : tbe_strz(id));
    tbe_buf_fmt(&c->out, ",\"entityType\":\"%s\",\"id\":\"%s\",\"kind\":\"%s\",\"action\":\"%s\",\"created\":%lld,"
                "\"body\":", tbe_entity_type_name(u->entity.type), id, kind ? kind : "", action ? action : "",
                (long long)u->created);
    if (u->kvs != NULL) {
        tbe_buf_fmt(&c->out, "{\"ts\":%lld,\"data\":", (long long)u->ts);
        tbe_kvs_json(&c->out, u->kvs, DOWN);
        tbe_buf_putc(&c->out, '}');
    } else {
        tbe_buf_puts(&c->out, u->body.n ? u->body : TBE_STR("null"));
    }
    tbe_buf_putz(&c->out, "}\n");
    return command_line(c);
}

int
command_outbox(struct command *c)
{
    int r;

    (void)command_flag(c, "--json"); /* the only form */
    r = command_words(c, 0, 0, "outbox [--json]");
    if (r == 0) {
        store_outbox_each(c->store, true, 0, 0, outbox_one, c);
        store_outbox_each(c->store, false, 0, 0, outbox_one, c);
    }
    return r;
}

/* Status -------------------------------------------------------------------------------------------- */

static int64_t
front_number(tbe_val front, const char *key)
{
    tbe_val v = front.t == TBE_MAP ? tbe_map_get(front.u.m, tbe_strz(key)) : TBE_UNDEF_VAL;

    return v.t == TBE_INT || v.t == TBE_LONG ? v.u.i : 0;
}

static bool
count_one(void *arg, const struct store_entity *e)
{
    (void)e;
    ++*(int64_t *)arg;
    return true;
}

struct status {
    struct store_stats st;
    int64_t devices, connected, restarts, age;
    tbe_val front;
};

static void
status_json(struct command *c, const struct status *s)
{
    const struct store_stats *t = &s->st;
    struct tbe_str deployment = store_state(c->store, TBE_STR("deploy.record")); /* runtime/deploy */

    tbe_buf_fmt(&c->out, "{\"points\":%lld,\"log\":{\"rows\":%lld,\"bytes\":%lld},", (long long)t->points,
                (long long)t->log_rows, (long long)t->log_bytes);
    tbe_buf_fmt(&c->out, "\"outbox\":{\"telemetry\":%lld,\"general\":%lld,\"depth\":%lld,\"ageMs\":%lld},",
                (long long)t->outbox_telemetry, (long long)t->outbox_general,
                (long long)(t->outbox_telemetry + t->outbox_general), (long long)s->age);
    tbe_buf_fmt(&c->out, "\"devices\":{\"total\":%lld,\"connected\":%lld},", (long long)s->devices,
                (long long)s->connected);
    tbe_buf_fmt(&c->out, "\"devicesConnected\":%lld,\"workerRestarts\":%lld,\"generation\":", (long long)s->connected,
                (long long)s->restarts);
    tbe_json_write_str(&c->out, tbe_strz(c->env->digest ? c->env->digest : ""));
    tbe_buf_fmt(&c->out,
                ",\"parked\":%lld,\"entities\":%lld,\"store\":{\"healthy\":%s,\"commits\":%lld,\"commitErrors\":%lld,"
                "\"dropped\":%lld},\"running\":%s,\"front\":", (long long)t->parked, (long long)t->entities,
                t->healthy ? "true" : "false", (long long)t->commits, (long long)t->commit_errors,
                (long long)t->dropped, c->env->engine ? "true" : "false");
    tbe_buf_puts(&c->out, c->front.n ? c->front : TBE_STR("null"));
    tbe_buf_putz(&c->out, ",\"deployment\":");
    tbe_buf_puts(&c->out, deployment.n ? deployment : TBE_STR("null"));
    if (c->env->cloud != NULL) {
        tbe_buf_putz(&c->out, ",\"cloud\":{");
        c->env->cloud(c->env->cloud_arg, true, &c->out);
        tbe_buf_putc(&c->out, '}');
    }
    tbe_buf_putz(&c->out, "}\n");
}

/* How the rule chains of the cloud got into the running worker, or why not. */
static void
deployment_text(struct command *c)
{
    struct tbe_str record = store_state(c->store, TBE_STR("deploy.record"));
    tbe_val v, state, error;

    if (record.p == NULL || tbe_json_parse(&c->a, record, TBE_JSON_JAVA, &v, NULL) != 0 || v.t != TBE_MAP) {
        return;
    }
    state = tbe_map_get(v.u.m, TBE_STR("state"));
    error = tbe_map_get(v.u.m, TBE_STR("error"));
    if (tbe_is_str(state)) {
        tbe_buf_fmt(&c->out, "%-18s %.*s", "rule chains", (int)state.n, state.u.s);
        if (tbe_is_str(error)) {
            tbe_buf_fmt(&c->out, ": %.*s", (int)error.n, error.u.s);
        }
        tbe_buf_putc(&c->out, '\n');
    }
}

static void
status_text(struct command *c, const struct status *s)
{
    const struct store_stats *t = &s->st;

    tbe_buf_fmt(&c->out, "%-18s %s\n", "daemon", c->env->engine ? "running" : "not running");
    if (c->env->engine) {
        tbe_buf_fmt(&c->out, "%-18s %s\n", "generation", c->env->digest ? c->env->digest : "");
        tbe_buf_fmt(&c->out, "%-18s %lld\n", "worker restarts", (long long)s->restarts);
    }
    tbe_buf_fmt(&c->out, "%-18s %lld of %lld connected\n", "devices", (long long)s->connected, (long long)s->devices);
    tbe_buf_fmt(&c->out, "%-18s %lld\n", "points stored", (long long)t->points);
    tbe_buf_fmt(&c->out, "%-18s %lld rows, %lld bytes\n", "log", (long long)t->log_rows, (long long)t->log_bytes);
    tbe_buf_fmt(&c->out, "%-18s %lld telemetry, %lld general", "waits for cloud", (long long)t->outbox_telemetry,
                (long long)t->outbox_general);
    if (s->age > 0) {
        tbe_buf_fmt(&c->out, ", oldest %lld s", (long long)(s->age / 1000));
    }
    tbe_buf_fmt(&c->out, "\n%-18s %lld\n", "parked messages", (long long)t->parked);
    deployment_text(c);
    if (c->env->cloud != NULL) {
        c->env->cloud(c->env->cloud_arg, false, &c->out);
    }
    tbe_buf_fmt(&c->out, "%-18s %s", "store", t->healthy ? "healthy" : "cannot commit");
    if (t->dropped > 0) {
        tbe_buf_fmt(&c->out, ", %lld points dropped by a bound", (long long)t->dropped);
    }
    tbe_buf_putc(&c->out, '\n');
}

int
command_status(struct command *c)
{
    struct status s = { 0 };
    bool json = command_flag(c, "--json");
    int r = command_words(c, 0, 0, "status [--json]");

    if (r != 0) {
        return r;
    }
    store_stats(c->store, &s.st);
    store_entity_each(c->store, TBE_ENT_DEVICE, count_one, &s.devices);
    s.connected = hub_connected(c->hub);
    s.age = s.st.outbox_oldest_ms > 0 ? clock_ms() - s.st.outbox_oldest_ms : 0;
    if (c->front.n > 0 && tbe_json_parse(&c->a, c->front, TBE_JSON_JAVA, &s.front, NULL) == 0) {
        s.restarts = front_number(s.front, "restarts");
    }
    (json ? status_json : status_text)(c, &s);
    return 0;
}

int
command_backup(struct command *c)
{
    char err[256], *path;
    int r = command_words(c, 1, 1, "backup FILE");

    if (r != 0) {
        return r;
    }
    path = command_path(c, c->argv[0]);
    if (store_backup(c->env->dir, path, err) != 0) {
        return command_fail(c, "%s", err);
    }
    tbe_buf_fmt(&c->out, "%s\n", path);
    return 0;
}
