/* SPDX-License-Identifier: Apache-2.0 */
/* The command aside: what the cloud did not take although it took the rest. Kept by runtime/cloud as named state,
 * one JSON object each. */
#include "config.h"

#include "api/command.h"

#include "base/clock.h"
#include "msg/cloud_event.h"

#define PREFIX "cloud.aside." /* + queue + "." + seq */

static bool
list_one(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct command *c = arg;

    tbe_buf_putz(&c->out, "{\"item\":");
    tbe_json_write_str(&c->out, (struct tbe_str){ key.p + sizeof(PREFIX) - 1, key.n - (sizeof(PREFIX) - 1) });
    tbe_buf_putc(&c->out, ',');
    tbe_buf_puts(&c->out, value.n > 1 ? (struct tbe_str){ value.p + 1, value.n - 1 } : TBE_STR("}"));
    tbe_buf_putc(&c->out, '\n');
    return command_line(c);
}

int
command_aside_list(struct command *c)
{
    int r;

    (void)command_flag(c, "--json"); /* the only form */
    r = command_words(c, 0, 0, "aside list [--json]");
    if (r == 0) {
        store_state_each(c->store, TBE_STR(PREFIX), list_one, c);
    }
    return r;
}

struct work {
    struct command *c;
    struct store_batch *b;
    bool retry;
    uint32_t n, bad;
};

/* The number of a name in the list whose names `of` tells; -1: none. */
static int
number_of(const char *(*of)(int), int count, tbe_val name)
{
    for (int i = 0; i < count && tbe_is_str(name); i++) {
        if (tbe_str_eqz(tbe_val_str(name), of(i))) {
            return i;
        }
    }
    return -1;
}

static bool
queue_again(struct work *w, struct tbe_str value)
{
    struct store_uplink u = { .created = clock_ms() };
    tbe_val v, type, id, body;

    if (tbe_json_parse(&w->c->a, value, TBE_JSON_RAW, &v, NULL) != 0 || v.t != TBE_MAP) {
        return false;
    }
    u.kind = number_of(cloud_kind_name, CLOUD_KIND_COUNT, tbe_map_get(v.u.m, TBE_STR("type")));
    u.action = number_of(cloud_action_name, CLOUD_ACTION_COUNT, tbe_map_get(v.u.m, TBE_STR("action")));
    type = tbe_map_get(v.u.m, TBE_STR("entityType"));
    id = tbe_map_get(v.u.m, TBE_STR("entityId"));
    body = tbe_map_get(v.u.m, TBE_STR("body"));
    u.entity.type = tbe_is_str(type) ? tbe_entity_type_parse(tbe_val_str(type)) : TBE_ENT_NONE;
    if (u.kind < 0 || u.action < 0 || u.entity.type == TBE_ENT_NONE || !tbe_is_str(id) ||
        !tbe_uuid_parse(tbe_val_str(id), &u.entity.id)) {
        return false;
    }
    if (tbe_is_str(body)) {
        u.body = tbe_val_str(body);
    } else if (body.t == TBE_MAP) {
        u.body = tbe_json_text(&w->c->a, body, TBE_OUT_JAVA);
    }
    store_push_cloud(w->b, &u, false);
    return true;
}

static bool
work_one(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct work *w = arg;

    if (w->retry && !queue_again(w, value)) {
        w->bad++;
        return true;
    }
    store_put_state(w->b, key, TBE_STR_NONE);
    w->n++;
    return true;
}

static int
work(struct command *c, bool retry)
{
    struct work w = { c, hub_batch(c->hub), retry, 0, 0 };
    int r = command_words(c, 0, 0, retry ? "aside retry" : "aside drop");

    if (r != 0) {
        return r;
    }
    store_state_each(c->store, TBE_STR(PREFIX), work_one, &w);
    tbe_buf_fmt(&c->out, retry ? "%u wait for the cloud again\n" : "%u dropped\n", w.n);
    return w.bad > 0 ? command_fail(c, "%u cannot be read and stay", w.bad) : 0;
}

int
command_aside_retry(struct command *c)
{
    return work(c, true);
}

int
command_aside_drop(struct command *c)
{
    return work(c, false);
}
