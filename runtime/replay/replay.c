/* SPDX-License-Identifier: Apache-2.0 */
/* The test mode: reads scenarios, runs their steps, writes one report a line. The format is in replay.h. */
#include "config.h"
#include "replay/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "nodes/alarm_json.h"
#include "replay/replay_int.h"

#define TURNS_MAX 10000 /* of one step; a chain that never comes to rest is an error */

/* Turns ------------------------------------------------------------------------------------------ */

/* Commits the turn and begins the next one. */
static void
next_turn(struct replay *r)
{
    store_commit(r->store, &r->batch);
    r->batch = store_batch_new(r->store);
    engine_batch_set(r->engine, r->batch);
    hub_batch_set(r->hub, r->batch);
}

/* Works off the run queue, then lets devices answer, until nothing is left to do. */
static int
settle(struct replay *r)
{
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        r->in_engine = true;
        bool more = engine_run(r->engine);
        r->in_engine = false;
        next_turn(r);
        struct replay_call calls[sizeof(r->calls) / sizeof(r->calls[0])];
        uint32_t n = r->n_calls;
        memcpy(calls, r->calls, n * sizeof(calls[0]));
        r->n_calls = 0;
        for (uint32_t i = 0; i < n; i++) {
            struct hub_device *d = hub_device(r->hub, &calls[i].device->id.id);
            if (d) {
                hub_rpc_response(r->hub, d, calls[i].id, calls[i].answer);
            }
        }
        if (n) {
            next_turn(r); /* answers are told after the commit */
            more = true;
        }
        if (!more) {
            store_end_turn(r->store);
            return 0;
        }
    }
    snprintf(r->err, sizeof(r->err), "the chains do not come to rest");
    return -1;
}

/* Steps ------------------------------------------------------------------------------------------ */

static int
read_message(struct replay *r, tbe_val in, struct tbe_msg **out)
{
    struct tbe_entity originator;
    struct tbe_str type = replay_str(in, "type"), data = replay_str(in, "data");
    if (!type.p || !data.p) {
        snprintf(r->err, sizeof(r->err), "a message needs \"type\" and \"data\"");
        return -1;
    }
    if (replay_ref(r, replay_get(in, "originator"), &originator) < 0) {
        return -1;
    }
    struct tbe_msg *m = tbe_msg_new(type, originator);
    struct tbe_arena *a = tbe_msg_arena(m);
    tbe_msg_set_data(m, tbe_arena_dup(a, data));
    tbe_val md = replay_get(in, "metadata");
    const struct tbe_entry *e;
    for (uint32_t i = 0; md.t == TBE_MAP && tbe_map_next(md.u.m, &i, &e);) {
        struct tbe_str v = tbe_is_str(e->val) ? tbe_val_str(e->val) : tbe_json_text(a, e->val, TBE_OUT_JAVA);
        tbe_md_put(a, &m->md, tbe_arena_dup(a, tbe_val_str(e->key)), tbe_arena_dup(a, v));
    }
    m->ts = replay_long(in, "ts", m->ts);
    struct tbe_str customer = replay_str(in, "customer");
    if (customer.p && !tbe_uuid_parse(customer, &m->customer)) {
        m->customer = tbe_uuid_null;
    }
    *out = m;
    return 0;
}

static int
do_message(struct replay *r, tbe_val step)
{
    struct tbe_str chain = replay_str(step, "chain");
    int64_t node = replay_long(step, "node", -1);
    int32_t c = chain.p ? replay_chain(&r->program, chain) : -1;
    struct tbe_msg *m;
    if (chain.p && c < 0) {
        snprintf(r->err, sizeof(r->err), "there is no chain %.*s", (int)(chain.n < 200 ? chain.n : 200), chain.p);
        return -1;
    }
    if (node >= 0 && (c < 0 || (uint64_t)node >= r->program.chains[c]->n_nodes)) {
        snprintf(r->err, sizeof(r->err), "there is no node %lld", (long long)node);
        return -1;
    }
    if (read_message(r, replay_get(step, "msg"), &m) < 0) {
        return -1;
    }
    if (node >= 0) {
        engine_enter_node_take(r->engine, (uint32_t)c, (uint32_t)node, &m);
    } else if (c >= 0) {
        engine_enter_take(r->engine, (uint32_t)c, &m);
    } else {
        engine_submit_take(r->engine, &m);
    }
    return settle(r);
}

/* A device posts: the device room makes the messages, as for a transport. */
static int
do_post(struct replay *r, tbe_val step)
{
    struct tbe_str json = replay_str(step, "json"), err = TBE_STR_NONE;
    struct tbe_uuid id;
    if (!json.p || replay_uuid(r, step, "device", &id) < 0) {
        snprintf(r->err, sizeof(r->err), "a post needs \"device\" and \"json\"");
        return -1;
    }
    struct hub_device *d = hub_device(r->hub, &id);
    struct tbe_str what = replay_str(step, "what");
    bool attributes = tbe_str_eqz(what, "attributes");
    if (!d) {
        snprintf(r->err, sizeof(r->err), "there is no such device");
        return -1;
    }
    if (tbe_str_eqz(what, "rpc")) {
        struct replay_entity *e = replay_entity_by_id(r, &id);
        if (!e || !e->has_session) {
            snprintf(r->err, sizeof(r->err), "a device that is not connected cannot call: \"rpc\" is absent");
            return -1;
        }
        enum hub_result asked = hub_client_rpc(r->hub, &e->session, ++r->requests, json, false, false, false, &err);
        (void)asked; /* as below */
        return settle(r);
    }
    enum hub_result got = attributes ? hub_post_attributes(r->hub, d, TBE_STR_NONE, json, false, &err)
                                     : hub_post_telemetry(r->hub, d, TBE_STR_NONE, clock_ms(), json, false, &err);
    (void)got; /* a refused post makes no message: that is what the report shows */
    return settle(r);
}

static void
pass_time(struct replay *r, int64_t ms)
{
    if (r->fixed_clock) {
        clock_advance(ms);
    } else if (ms > 0) {
        struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
        while (nanosleep(&t, &t) < 0 && errno == EINTR) {
        }
    }
}

/* Time goes on from one due moment to the next. */
static int
do_advance(struct replay *r, tbe_val step)
{
    int64_t end = clock_ms() + replay_long(step, "ms", 0);
    for (int i = 0; i < TURNS_MAX; i++) {
        int64_t now = clock_ms();
        r->in_engine = true;
        int64_t a = engine_tick(r->engine, now);
        r->in_engine = false;
        int64_t b = hub_tick(r->hub, r->batch, now);
        if (settle(r) < 0) {
            return -1;
        }
        if (now >= end) {
            return 0;
        }
        int64_t next = end;
        next = a > now && a < next ? a : next;
        next = b > now && b < next ? b : next;
        pass_time(r, next - now);
    }
    snprintf(r->err, sizeof(r->err), "too many things happen in %lld ms", (long long)replay_long(step, "ms", 0));
    return -1;
}

static int
do_attributes(struct replay *r, tbe_val step)
{
    struct tbe_entity e;
    struct tbe_kvs kvs;
    int scope = store_scope_parse(replay_str(step, "scope"));
    if (scope < 0 || replay_ref(r, replay_get(step, "entity"), &e) < 0 ||
        replay_kvs(r, replay_get(step, "values"), &kvs) < 0) {
        snprintf(r->err, sizeof(r->err), "attributes need \"entity\", \"scope\" and \"values\"");
        return -1;
    }
    store_save_attrs(r->batch, &e, (enum store_scope)scope, clock_ms(), &kvs);
    return settle(r);
}

static int
do_delete_attributes(struct replay *r, tbe_val step)
{
    struct tbe_entity e;
    tbe_val keys = replay_get(step, "keys");
    int scope = store_scope_parse(replay_str(step, "scope"));
    if (scope < 0 || keys.t != TBE_LIST || replay_ref(r, replay_get(step, "entity"), &e) < 0) {
        snprintf(r->err, sizeof(r->err), "delete-attributes needs \"entity\", \"scope\" and \"keys\"");
        return -1;
    }
    for (uint32_t i = 0; i < keys.u.l->n; i++) {
        store_delete_attr(r->batch, &e, (enum store_scope)scope, tbe_val_str(keys.u.l->v[i]));
    }
    return settle(r);
}

static int
do_timeseries(struct replay *r, tbe_val step)
{
    struct tbe_entity e;
    struct tbe_kvs kvs;
    if (replay_ref(r, replay_get(step, "entity"), &e) < 0 || replay_kvs(r, replay_get(step, "values"), &kvs) < 0) {
        return -1;
    }
    struct replay_entity *named = replay_entity_by_id(r, &e.id);
    for (uint32_t i = 0; named && i < kvs.n; i++) {
        replay_key(r, named, kvs.v[i].key);
    }
    store_save_ts(r->batch, &e, replay_long(step, "ts", clock_ms()), &kvs, 0, STORE_TS_HISTORY | STORE_TS_LATEST);
    return settle(r);
}

struct first_alarm {
    struct tbe_arena *a;
    bool found, ack;
    struct store_alarm v;
};

static bool
on_alarm(void *arg, const struct store_alarm *v)
{
    struct first_alarm *f = arg;
    if (!v->clear && !(f->ack && v->ack) && (!f->found || tbe_str_cmp(v->type, f->v.type) < 0)) {
        f->v = *v;
        f->v.type = tbe_arena_dup(f->a, v->type);
        f->v.severity = tbe_arena_dup(f->a, v->severity);
        f->v.details = v->details.p ? tbe_arena_dup(f->a, v->details) : TBE_STR_NONE;
        f->v.propagate_relations = v->propagate_relations.p ? tbe_arena_dup(f->a, v->propagate_relations) : TBE_STR_NONE;
        f->found = true;
    }
    return true;
}

static int
do_alarm(struct replay *r, tbe_val step)
{
    struct first_alarm f = { .a = &r->a, .ack = tbe_str_eqz(replay_str(step, "op"), "ack") };
    struct tbe_entity e;
    if (replay_ref(r, replay_get(step, "originator"), &e) < 0) {
        return -1;
    }
    store_alarm_each(r->store, &e, on_alarm, &f);
    if (!f.found) {
        return 0;
    }
    if (f.ack) {
        f.v.ack = true;
        f.v.ack_ts = clock_ms();
    } else {
        f.v.clear = true;
        f.v.clear_ts = clock_ms();
    }
    store_put_alarm(r->batch, &f.v);
    const struct store_entity *o = store_entity(r->store, &e);
    struct tbe_msg *m = tbe_msg_new(f.ack ? TBE_STR("ALARM_ACK") : TBE_STR("ALARM_CLEAR"), e);
    struct tbe_arena *a = tbe_msg_arena(m);
    struct tbe_buf b = { 0 };
    alarm_json_write(&b, r->store, &f.v);
    tbe_msg_set_data(m, tbe_arena_dup(a, tbe_buf_str(&b)));
    tbe_buf_free(&b);
    tbe_md_put(a, &m->md, TBE_STR("entityName"), tbe_arena_dup(a, f.v.type));
    tbe_md_put(a, &m->md, TBE_STR("entityType"), tbe_strz(tbe_entity_type_name(e.type)));
    m->customer = o ? o->customer : tbe_uuid_null;
    if (!tbe_uuid_is_null(&m->customer)) {
        char text[TBE_UUID_TEXT + 1];
        tbe_uuid_text(&m->customer, text);
        tbe_md_put(a, &m->md, TBE_STR("customerId"), tbe_arena_dup(a, tbe_strz(text)));
    }
    engine_submit_take(r->engine, &m);
    return settle(r);
}

static int
do_state(struct replay *r, tbe_val step)
{
    (void)step;
    return settle(r);
}

static const struct {
    const char *name;
    int (*fn)(struct replay *r, tbe_val step);
} steps[] = {
    { "message", do_message },
    { "post", do_post },
    { "advance", do_advance },
    { "attributes", do_attributes },
    { "delete-attributes", do_delete_attributes },
    { "timeseries", do_timeseries },
    { "alarm", do_alarm },
    { "state", do_state },
};

static int
run_step(struct replay *r, tbe_val step, struct tbe_buf *out)
{
    struct tbe_str what = replay_str(step, "do");
    int (*fn)(struct replay *, tbe_val) = NULL;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (tbe_str_eqz(what, steps[i].name)) {
            fn = steps[i].fn;
        }
    }
    if (!fn) {
        snprintf(r->err, sizeof(r->err), "there is no step \"%.*s\"", (int)(what.n < 60 ? what.n : 60),
                 what.p ? what.p : "");
        return -1;
    }
    struct tbe_buf cloud = { 0 };
    const struct {
        const char *key;
        struct tbe_buf *b;
    } parts[] = { { "events", &r->events }, { "rpc", &r->rpc },     { "pushes", &r->pushes }, { "replies", &r->replies }, { "saves", &r->saves },
                  { "attributes", &r->attributes }, { "alarms", &r->alarms }, { "cloud", &cloud } };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        parts[i].b->n = 0;
    }
    if (fn(r, step) < 0) {
        return -1;
    }
    replay_cloud(r, &cloud);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        tbe_buf_fmt(out, "%s\"%s\":[", i ? "," : "{", parts[i].key);
        tbe_buf_puts(out, tbe_buf_str(parts[i].b));
        tbe_buf_putc(out, ']');
    }
    tbe_buf_free(&cloud);
    if (fn == do_state) {
        tbe_buf_putz(out, ",\"state\":");
        replay_state(r, out);
    }
    tbe_buf_putc(out, '}');
    return 0;
}

/* Scenarios -------------------------------------------------------------------------------------- */

static int
run_steps(struct replay *r, tbe_val scenario, struct tbe_buf *out)
{
    tbe_val list = replay_get(scenario, "steps");
    for (uint32_t i = 0; list.t == TBE_LIST && i < list.u.l->n; i++) {
        if (i) {
            tbe_buf_putc(out, ',');
        }
        if (run_step(r, list.u.l->v[i], out) < 0) {
            return -1;
        }
    }
    return 0;
}

static void
run_line(const struct tbe_program *p, struct tbe_str line)
{
    struct replay *r = calloc(1, sizeof(*r));
    struct tbe_buf out = { 0 };
    tbe_val scenario = TBE_UNDEF_VAL;
    struct tbe_json_err jerr;
    if (!r) {
        abort();
    }
    tbe_arena_init(&r->a, 0);
    bool ok = tbe_json_parse(&r->a, line, TBE_JSON_RAW | TBE_JSON_BORROW, &scenario, &jerr) == 0;
    if (!ok) {
        snprintf(r->err, sizeof(r->err), "not JSON: %s at byte %zu", jerr.msg, jerr.offset);
    }
    struct tbe_str id = replay_str(scenario, "id");
    tbe_buf_putz(&out, "{\"id\":");
    tbe_json_write_str(&out, id.p ? id : TBE_STR(""));
    size_t start = out.n;
    tbe_buf_putz(&out, ",\"steps\":[");
    ok = ok && replay_setup(r, p, scenario) == 0 && run_steps(r, scenario, &out) == 0;
    if (ok) {
        tbe_buf_putc(&out, ']');
    } else {
        out.n = start;
        tbe_buf_putz(&out, ",\"error\":");
        tbe_json_write_str(&out, tbe_strz(r->err));
    }
    tbe_buf_putz(&out, "}\n");
    fwrite(out.p, 1, out.n, stdout);
    fflush(stdout);
    tbe_buf_free(&out);
    replay_teardown(r);
    free(r);
}

int
replay_main(const struct tbe_program *p, int argc, char **argv)
{
    if (argc != 1) {
        fprintf(stderr, "usage: WORKER --replay FILE|-\n");
        return 2;
    }
    FILE *f = strcmp(argv[0], "-") == 0 ? stdin : fopen(argv[0], "r");
    if (!f) {
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
        return 2;
    }
    log_setup(LOG_ERROR, false, "replay");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, f)) >= 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) {
            n--;
        }
        if (n > 0) {
            run_line(p, (struct tbe_str){ line, (size_t)n });
        }
    }
    struct tbe_buf cover = { 0 };
    if (replay_coverage(&cover)) {
        fwrite(cover.p, 1, cover.n, stdout);
        fflush(stdout);
    }
    tbe_buf_free(&cover);
    int bad = ferror(f);
    free(line);
    if (f != stdin) {
        fclose(f);
    }
    return bad ? 2 : 0;
}
