/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of a deployment: the record (state row "deploy.record"), an alarm on the edge's own
 * entity, lifecycle events of nodes and chains. */
#include "config.h"
#include "deploy/deploy_int.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "msg/cloud_event.h"

#define RECORD TBE_STR("deploy.record")
#define ALARM_TYPE "Rule chain deployment"

struct tbe_str
deploy_record(struct store *s)
{
    return store_state(s, RECORD);
}

static tbe_val
parse(struct tbe_arena *a, struct tbe_str json)
{
    tbe_val v;

    if (!json.p || tbe_json_parse(a, json, TBE_JSON_RAW | TBE_JSON_BORROW, &v, NULL) != 0 || v.t != TBE_MAP) {
        return TBE_UNDEF_VAL;
    }
    return v;
}

static tbe_val
member(tbe_val v, const char *name)
{
    return v.t == TBE_MAP ? tbe_map_get(v.u.m, tbe_strz(name)) : TBE_UNDEF_VAL;
}

static struct tbe_str
text_of(tbe_val v)
{
    return v.t == TBE_STR_T || v.t == TBE_NUM ? tbe_val_str(v) : TBE_STR_NONE;
}

void
report_get(struct store *s, const char *name, char *out, size_t size)
{
    struct tbe_arena a;
    struct tbe_str t;

    tbe_arena_init(&a, 0);
    t = text_of(member(parse(&a, deploy_record(s)), name));
    snprintf(out, size, "%.*s", (int)t.n, t.p ? t.p : "");
    tbe_arena_free(&a);
}

int64_t
report_time(struct store *s, const char *name)
{
    char text[32];
    int64_t v = 0;

    report_get(s, name, text, sizeof text);
    return tbe_parse_long(tbe_strz(text), &v) ? v : 0;
}

static void
put_text(struct tbe_buf *b, const char *name, struct tbe_str v)
{
    tbe_buf_fmt(b, "%s\"%s\":", b->n > 1 ? "," : "", name);
    if (v.n) {
        tbe_json_write_str(b, v);
    } else {
        tbe_buf_putz(b, "null");
    }
}

static void
put_time(struct tbe_buf *b, const char *name, int64_t ms)
{
    tbe_buf_fmt(b, ",\"%s\":%lld", name, (long long)ms);
}

static void
put_chains(struct tbe_buf *b, const struct deploy_chains *cs)
{
    char id[TBE_UUID_TEXT + 1];

    tbe_buf_putz(b, ",\"chains\":[");
    for (uint32_t i = 0; i < cs->n; i++) {
        tbe_uuid_text(&cs->v[i].id, id);
        tbe_buf_fmt(b, "%s{\"id\":\"%s\",\"name\":", i ? "," : "", id);
        tbe_json_write_str(b, cs->v[i].name);
        tbe_buf_fmt(b, ",\"root\":%s,\"nodes\":%u}", cs->v[i].root ? "true" : "false", cs->v[i].nodes);
    }
    tbe_buf_putc(b, ']');
}

/* A member of the old record as it is there, or an empty list. */
static void
put_old(struct tbe_buf *b, tbe_val old, const char *name)
{
    tbe_val v = member(old, name);

    tbe_buf_fmt(b, ",\"%s\":", name);
    if (v.t == TBE_LIST) {
        tbe_json_write(b, v, TBE_OUT_JAVA);
    } else {
        tbe_buf_putz(b, "[]");
    }
}

void
report_put(struct store_batch *b, struct store *s, const struct deploy_report *r)
{
    struct tbe_buf out = { 0 };
    struct tbe_arena a;
    tbe_val old;

    tbe_arena_init(&a, 0);
    old = parse(&a, deploy_record(s));
    tbe_buf_putc(&out, '{');
    put_text(&out, "state", tbe_strz(r->state));
    put_text(&out, "source", tbe_strz(r->source));
    put_text(&out, "generation", tbe_strz(r->generation));
    put_time(&out, "startedTs", r->started);
    put_time(&out, "builtTs", r->built);
    put_time(&out, "finishedTs", r->finished);
    put_text(&out, "error", tbe_strz(r->error));
    if (r->chains) {
        put_chains(&out, r->chains);
    } else {
        put_old(&out, old, "chains");
    }
    if (r->diagnostics.p) {
        tbe_buf_putz(&out, ",\"diagnostics\":");
        tbe_buf_puts(&out, r->diagnostics);
    } else {
        put_old(&out, old, "diagnostics");
    }
    tbe_buf_putc(&out, '}');
    if (!out.oom) {
        store_put_state(b, RECORD, tbe_buf_str(&out));
    }
    tbe_buf_free(&out);
    tbe_arena_free(&a);
}

/* The alarm ---------------------------------------------------------------------------------------- */

static bool
take_first(void *arg, const struct store_entity *e)
{
    *(struct tbe_entity *)arg = e->id;
    return false;
}

static void
tell_cloud(struct store_batch *b, const struct tbe_uuid *alarm, enum cloud_action action)
{
    struct store_uplink u = { .entity = { TBE_ENT_ALARM, *alarm }, .kind = CLOUD_KIND_ALARM, .action = (int)action,
                              .created = clock_ms() };

    store_push_cloud(b, &u, false);
}

/* severity NULL: all is well, the alarm is cleared. */
static void
alarm(struct store_batch *b, struct store *s, const char *severity, struct tbe_str error)
{
    struct tbe_entity edge = { .type = TBE_ENT_NONE };
    struct store_alarm al = { .type = TBE_STR_INIT(ALARM_TYPE) };
    struct tbe_buf details = { 0 };
    int64_t now = clock_ms();
    bool active;

    store_entity_each(s, TBE_ENT_EDGE, take_first, &edge);
    if (edge.type == TBE_ENT_NONE) {
        return; /* no cloud has said who we are */
    }
    active = store_alarm_active(s, &edge, tbe_strz(ALARM_TYPE), &al);
    if (!severity && !active) {
        return;
    }
    if (!active) {
        tbe_uuid_random(&al.id);
        al.customer = al.assignee = tbe_uuid_null;
        al.originator = edge;
        al.created = al.start = now;
    }
    al.end = now;
    if (severity) {
        al.severity = tbe_strz(severity);
        tbe_buf_putz(&details, "{\"error\":");
        tbe_json_write_str(&details, error);
        tbe_buf_putc(&details, '}');
        al.details = tbe_buf_str(&details);
    } else {
        al.clear = true;
        al.clear_ts = now;
    }
    store_put_alarm(b, &al);
    tell_cloud(b, &al.id, !severity ? CLOUD_ACTION_ALARM_CLEAR : active ? CLOUD_ACTION_UPDATED : CLOUD_ACTION_ADDED);
    tbe_buf_free(&details);
}

/* Lifecycle events --------------------------------------------------------------------------------- */

static void
lifecycle(struct store_batch *b, const struct tbe_entity *e, struct tbe_str error)
{
    struct tbe_buf body = { 0 };

    tbe_buf_putz(&body, "{\"server\":\"tbedge\",\"event\":\"STARTED\",\"success\":false,\"error\":");
    tbe_json_write_str(&body, error);
    tbe_buf_putc(&body, '}');
    if (!body.oom) {
        store_put_debug(b, e, STORE_DEBUG_LC_EVENT, tbe_buf_str(&body));
    }
    tbe_buf_free(&body);
}

/* "/metadata/nodes/3/..." -> 3; -1: no node's. */
static int64_t
node_index(struct tbe_str pointer)
{
    static const char start[] = "/metadata/nodes/";
    int64_t n = 0;
    size_t i = sizeof start - 1;

    if (pointer.n <= i || memcmp(pointer.p, start, i) != 0) {
        return -1;
    }
    for (; i < pointer.n && pointer.p[i] != '/'; i++) {
        if (pointer.p[i] < '0' || pointer.p[i] > '9' || n > 100000) {
            return -1;
        }
        n = n * 10 + (pointer.p[i] - '0');
    }
    return n;
}

/* The entity a diagnostic is about: a node of the chain whose file it names, else the chain. */
static bool
culprit(struct tbe_arena *a, const struct deploy_chains *cs, tbe_val diag, struct tbe_entity *out)
{
    struct tbe_str file = text_of(member(diag, "file")), id;
    int64_t index = node_index(text_of(member(diag, "pointer")));
    const char *slash = file.n ? memrchr(file.p, '/', file.n) : NULL;
    size_t at = slash ? (size_t)(slash + 1 - file.p) : 0;
    tbe_val nodes;

    if (file.n < at + TBE_UUID_TEXT || !tbe_uuid_parse((struct tbe_str){ file.p + at, TBE_UUID_TEXT }, &out->id)) {
        return false;
    }
    out->type = TBE_ENT_RULE_CHAIN;
    for (uint32_t i = 0; index >= 0 && i < cs->n; i++) {
        if (!tbe_uuid_eq(&cs->v[i].id, &out->id)) {
            continue;
        }
        nodes = member(member(parse(a, cs->v[i].text), "metadata"), "nodes");
        if (nodes.t != TBE_LIST || index >= nodes.u.l->n) {
            break;
        }
        id = text_of(member(member(nodes.u.l->v[index], "id"), "id"));
        if (id.p && tbe_uuid_parse(id, &out->id)) {
            out->type = TBE_ENT_RULE_NODE;
        }
        break;
    }
    return true;
}

void
report_failed(struct store_batch *b, struct store *s, const struct deploy_chains *cs, struct tbe_str diagnostics,
              const char *error)
{
    struct tbe_str wrapped = TBE_STR_NONE;
    struct tbe_arena a;
    tbe_val list;

    tbe_arena_init(&a, 0);
    if (diagnostics.p && diagnostics.n < DEPLOY_OUTPUT_MAX) {
        wrapped = tbe_arena_fmt(&a, "{\"d\":%.*s}", (int)diagnostics.n, diagnostics.p);
    }
    list = member(parse(&a, wrapped), "d");
    for (uint32_t i = 0; list.t == TBE_LIST && i < list.u.l->n; i++) {
        struct tbe_entity e;

        if (tbe_str_eqz(text_of(member(list.u.l->v[i], "severity")), "error") &&
            culprit(&a, cs, list.u.l->v[i], &e)) {
            lifecycle(b, &e, text_of(member(list.u.l->v[i], "message")));
        }
    }
    alarm(b, s, "CRITICAL", tbe_strz(error));
    tbe_arena_free(&a);
}

void
report_running(struct store_batch *b, struct store *s, const struct tbe_program *p)
{
    struct tbe_buf text = { 0 };
    uint32_t broken = 0;

    for (uint32_t i = 0; i < p->n_chains; i++) {
        for (uint32_t k = 0; k < p->chains[i]->n_nodes; k++) {
            const struct tbe_node *n = &p->chains[i]->nodes[k];
            struct tbe_entity e = { .type = TBE_ENT_RULE_NODE };

            if (!n->init_error) {
                continue;
            }
            if (tbe_uuid_parse(tbe_strz(n->id), &e.id)) {
                lifecycle(b, &e, tbe_strz(n->init_error));
            }
            if (broken++ < 20) {
                tbe_buf_fmt(&text, "%s%s / %s: %s", text.n ? "; " : "", p->chains[i]->name, n->name, n->init_error);
            }
        }
    }
    if (broken > 20) {
        tbe_buf_fmt(&text, "; and %u more", broken - 20);
    }
    alarm(b, s, broken ? "WARNING" : NULL, tbe_buf_str(&text));
    tbe_buf_free(&text);
}
