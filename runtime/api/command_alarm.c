/* SPDX-License-Identifier: Apache-2.0 */
/* The command alarm: what a person does to alarms over REST (facts/rule-nodes.md 2.1, 14). To the cloud go, without a
 * rule chain that pushes, only the system comments and deletions (facts/edge-cloud-protocol.md 4.3). */
#include "config.h"

#include "api/command.h"

#include "base/clock.h"
#include "nodes/alarm_json.h"
#include "nodes/alarm_propagate.h"

#define ALARM_TYPE_MAX 255      /* characters */
#define NOBODY "tbedge"         /* who did it when --user does not say */

static struct tbe_str
alarm_text(struct command *c, const struct store_alarm *a)
{
    struct tbe_buf b = { 0 };
    struct tbe_str s;

    alarm_json_write(&b, c->store, a);
    s = tbe_arena_dup(&c->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

/* A copy that outlives later writes. */
static void
keep(struct command *c, struct store_alarm *a)
{
    a->type = tbe_arena_dup(&c->a, a->type);
    a->severity = tbe_arena_dup(&c->a, a->severity);
    a->details = a->details.p ? tbe_arena_dup(&c->a, a->details) : TBE_STR_NONE;
    a->propagate_relations = a->propagate_relations.p ? tbe_arena_dup(&c->a, a->propagate_relations) : TBE_STR_NONE;
}

/* System comments ----------------------------------------------------------------------------------- */

static struct tbe_str
string_member(tbe_val v, const char *key)
{
    tbe_val s = v.t == TBE_MAP ? tbe_map_get(v.u.m, tbe_strz(key)) : TBE_UNDEF_VAL;

    return tbe_is_str(s) ? tbe_val_str(s) : TBE_STR("");
}

/* First and last name, or the e-mail address. */
static struct tbe_str
user_title(struct command *c, const struct tbe_uuid *user)
{
    struct tbe_entity id = { TBE_ENT_USER, *user };
    const struct store_entity *e = tbe_uuid_is_null(user) ? NULL : store_entity(c->store, &id);
    struct tbe_str first, last;
    tbe_val v;

    if (e == NULL) {
        return TBE_STR(NOBODY);
    }
    if (tbe_json_parse(&c->a, e->json, TBE_JSON_JAVA, &v, NULL) == 0) {
        first = string_member(v, "firstName");
        last = string_member(v, "lastName");
        if (first.n > 0 || last.n > 0) {
            return tbe_arena_fmt(&c->a, "%.*s%s%.*s", (int)first.n, first.p, first.n && last.n ? " " : "", (int)last.n,
                                 last.p);
        }
    }
    return tbe_arena_dup(&c->a, e->name);
}

/* Stored beside the alarm and sent up. comment: the comment's JSON object. */
static void
add_comment(struct command *c, const struct store_alarm *a, const struct tbe_uuid *user, struct tbe_str comment)
{
    struct tbe_entity e = { TBE_ENT_ALARM, a->id };
    struct tbe_buf b = { 0 };
    struct tbe_uuid id;
    char alarm[TBE_UUID_TEXT + 1], self[TBE_UUID_TEXT + 1], who[TBE_UUID_TEXT + 1];
    int64_t now = clock_ms();

    tbe_uuid_time(&id, now);
    tbe_uuid_text(&a->id, alarm);
    tbe_uuid_text(&id, self);
    tbe_uuid_text(user, who);
    tbe_buf_fmt(&b, "{\"alarmId\":{\"entityType\":\"ALARM\",\"id\":\"%s\"},\"userId\":", alarm);
    if (tbe_uuid_is_null(user)) {
        tbe_buf_putz(&b, "null");
    } else {
        tbe_buf_fmt(&b, "{\"entityType\":\"USER\",\"id\":\"%s\"}", who);
    }
    tbe_buf_putz(&b, ",\"type\":\"SYSTEM\",\"comment\":");
    tbe_buf_puts(&b, comment);
    tbe_buf_fmt(&b, ",\"id\":{\"id\":\"%s\"},\"createdTime\":%lld,\"name\":", self, (long long)now);
    tbe_json_write_str(&b, comment);
    tbe_buf_putc(&b, '}');
    store_put_state(hub_batch(c->hub), tbe_arena_fmt(&c->a, "alarm.comment.%s.%s", alarm, self), tbe_buf_str(&b));
    hub_cloud_event(c->hub, CLOUD_KIND_ALARM_COMMENT, &e, CLOUD_ACTION_ADDED_COMMENT, tbe_buf_str(&b));
    tbe_buf_free(&b);
}

static void
comment_by_user(struct command *c, const struct store_alarm *a, const struct tbe_uuid *user, const char *what,
                const char *subtype)
{
    struct tbe_str name = user_title(c, user);
    struct tbe_buf b = { 0 };

    tbe_buf_putz(&b, "{\"text\":");
    tbe_json_write_str(&b, tbe_arena_fmt(&c->a, "Alarm was %s by user %.*s", what, (int)name.n, name.p));
    tbe_buf_fmt(&b, ",\"subtype\":\"%s\",\"userName\":", subtype);
    tbe_json_write_str(&b, name);
    tbe_buf_putc(&b, '}');
    add_comment(c, a, user, tbe_buf_str(&b));
    tbe_buf_free(&b);
}

static void
comment_severity(struct command *c, const struct store_alarm *a, struct tbe_str old)
{
    struct tbe_str s = a->severity; /* both are names of severities: nothing to escape */

    add_comment(c, a, &tbe_uuid_null,
                tbe_arena_fmt(&c->a, "{\"text\":\"Alarm severity was updated from %.*s to %.*s\",\"subtype\":"
                              "\"SEVERITY_CHANGED\",\"oldSeverity\":\"%.*s\",\"newSeverity\":\"%.*s\"}", (int)old.n,
                              old.p, (int)s.n, s.p, (int)old.n, old.p, (int)s.n, s.p));
}

/* Create -------------------------------------------------------------------------------------------- */

static int
read_alarm(struct command *c, struct store_alarm *a)
{
    size_t n = 0;

    a->type = c->argv[1];
    for (size_t i = 0; i < a->type.n; i++) {
        n += ((unsigned char)a->type.p[i] & 0xc0) != 0x80;
    }
    if (n == 0 || n > ALARM_TYPE_MAX) {
        return command_fail(c, "an alarm type has 1 to %d characters", ALARM_TYPE_MAX);
    }
    return command_entity(c, c->argv[0], &a->originator);
}

static int
alarm_options(struct command *c, struct store_alarm *a, struct tbe_uuid *user)
{
    tbe_val v;

    if (!command_option(c, "--severity", &a->severity)) {
        return command_usage(c, "--severity S is missing");
    }
    if (!alarm_severity_known(a->severity)) {
        return command_usage(c, "--severity must be CRITICAL, MAJOR, MINOR, WARNING or INDETERMINATE, got \"%.*s\"",
                             (int)a->severity.n, a->severity.p);
    }
    if (command_option(c, "--details", &a->details)) {
        if (tbe_json_parse(&c->a, a->details, TBE_JSON_JAVA, &v, NULL) != 0) {
            return command_usage(c, "--details must be JSON");
        }
        a->details = v.t > TBE_NULL ? tbe_json_text(&c->a, v, TBE_OUT_JAVA) : TBE_STR_NONE;
    }
    return command_user(c, user);
}

/* The active alarm of this originator and type takes the new values; else there is a new one (14.3). */
int
command_alarm_create(struct command *c)
{
    struct store_alarm a = { .customer = tbe_uuid_null, .assignee = tbe_uuid_null }, old;
    const struct store_entity *o;
    struct store_batch *b = hub_batch(c->hub);
    struct tbe_uuid user;
    char id[TBE_UUID_TEXT + 1];
    bool exists;
    int r = alarm_options(c, &a, &user);

    if (r != 0 || (r = command_words(c, 2, 2, "alarm create ENTITY TYPE --severity S [--details JSON]")) != 0 ||
        (r = read_alarm(c, &a)) != 0) {
        return r;
    }
    a.start = a.end = clock_ms();
    exists = store_alarm_active(c->store, &a.originator, a.type, &old);
    if (exists) {
        struct store_alarm now = a;

        keep(c, &old);
        a = old;
        a.severity = now.severity;
        a.details = now.details;
        a.start = a.end = now.start;
    } else {
        o = store_entity(c->store, &a.originator);
        a.customer = o != NULL ? o->customer : tbe_uuid_null;
        tbe_uuid_random(&a.id);
        a.created = a.start;
    }
    store_put_alarm(b, &a);
    if (!exists) {
        alarm_propagate(c->store, b, &a);
    } else if (!tbe_str_eq(old.severity, a.severity)) {
        comment_severity(c, &a, old.severity);
    }
    hub_action(c->hub, &a.originator, exists ? TBE_STR("ENTITY_UPDATED") : TBE_STR("ENTITY_CREATED"),
               alarm_text(c, &a), TBE_STR_NONE, &user);
    tbe_uuid_text(&a.id, id);
    tbe_buf_fmt(&c->out, "%s %.*s %s\n", exists ? "updated" : "created", (int)a.type.n, a.type.p, id);
    return 0;
}

/* Acknowledge, clear, remove ------------------------------------------------------------------------ */

static int
find_alarm(struct command *c, const char *usage, struct store_alarm *a, struct tbe_uuid *user)
{
    struct tbe_uuid id;
    int r = command_user(c, user);

    if (r != 0 || (r = command_words(c, 1, 1, usage)) != 0) {
        return r;
    }
    if (!tbe_uuid_parse(c->argv[0], &id)) {
        return command_usage(c, "\"%.*s\" is not the id of an alarm", (int)c->argv[0].n, c->argv[0].p);
    }
    if (!store_alarm(c->store, &id, a)) {
        return command_fail(c, "there is no alarm %.*s", (int)c->argv[0].n, c->argv[0].p);
    }
    keep(c, a);
    return 0;
}

int
command_alarm_ack(struct command *c)
{
    struct store_alarm a;
    struct tbe_uuid user;
    int r = find_alarm(c, "alarm ack ID [--user EMAIL]", &a, &user);

    if (r != 0) {
        return r;
    }
    if (a.ack) {
        return command_fail(c, "Alarm was already acknowledged!");
    }
    a.ack = true;
    a.ack_ts = clock_ms();
    store_put_alarm(hub_batch(c->hub), &a);
    comment_by_user(c, &a, &user, "acknowledged", "ACKED_BY_USER");
    hub_action(c->hub, &a.originator, TBE_STR("ALARM_ACK"), alarm_text(c, &a), a.type, &user);
    return 0;
}

int
command_alarm_clear(struct command *c)
{
    struct store_alarm a;
    struct tbe_uuid user;
    int r = find_alarm(c, "alarm clear ID [--user EMAIL]", &a, &user);

    if (r != 0) {
        return r;
    }
    if (a.clear) {
        return command_fail(c, "Alarm was already cleared!");
    }
    a.clear = true;
    a.clear_ts = clock_ms();
    store_put_alarm(hub_batch(c->hub), &a);
    comment_by_user(c, &a, &user, "cleared", "CLEARED_BY_USER");
    hub_action(c->hub, &a.originator, TBE_STR("ALARM_CLEAR"), alarm_text(c, &a), a.type, &user);
    return 0;
}

static bool
drop_comment(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct command *c = arg;

    (void)value;
    store_put_state(hub_batch(c->hub), key, TBE_STR_NONE);
    return true;
}

int
command_alarm_rm(struct command *c)
{
    struct store_alarm a;
    struct tbe_entity e = { .type = TBE_ENT_ALARM };
    struct tbe_uuid user;
    struct tbe_str json;
    char id[TBE_UUID_TEXT + 1];
    int r = find_alarm(c, "alarm rm ID [--user EMAIL]", &a, &user);

    if (r != 0) {
        return r;
    }
    e.id = a.id;
    json = alarm_text(c, &a);
    tbe_uuid_text(&a.id, id);
    store_delete_alarm(hub_batch(c->hub), &a.id);
    store_state_each(c->store, tbe_arena_fmt(&c->a, "alarm.comment.%s.", id), drop_comment, c);
    hub_cloud_event(c->hub, CLOUD_KIND_ALARM, &e, CLOUD_ACTION_ALARM_DELETE, json);
    hub_action(c->hub, &a.originator, TBE_STR("ALARM_DELETE"), json, a.type, &user);
    return 0;
}

/* List ---------------------------------------------------------------------------------------------- */

struct listing {
    struct command *c;
    bool json;
};

static bool
list_one(void *arg, const struct store_alarm *a)
{
    struct listing *l = arg;
    struct command *c = l->c;
    char id[TBE_UUID_TEXT + 1];

    if (l->json) {
        alarm_json_write(&c->out, c->store, a);
        tbe_buf_putc(&c->out, '\n');
    } else {
        tbe_uuid_text(&a->id, id);
        tbe_buf_fmt(&c->out, "%s\t%.*s\t%.*s\t%s\t%lld\n", id, (int)a->type.n, a->type.p, (int)a->severity.n,
                    a->severity.p, alarm_status(a), (long long)a->start);
    }
    return command_line(c);
}

int
command_alarm_list(struct command *c)
{
    struct listing l = { c, command_flag(c, "--json") };
    int r = command_words(c, 1, 1, "alarm list ENTITY [--json]");
    struct tbe_entity e;

    if (r != 0 || (r = command_entity(c, c->argv[0], &e)) != 0) {
        return r;
    }
    store_alarm_each(c->store, &e, list_one, &l);
    return 0;
}
