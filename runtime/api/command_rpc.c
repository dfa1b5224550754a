/* SPDX-License-Identifier: Apache-2.0 */
/* The command rpc: a server-side RPC as the REST API would do it (facts/device-apis.md 9.1). With --json
 * the answer is {"status":N,"body":"text"}: what the REST API of that version answers. */
#include "config.h"

#include "api/command.h"

#include <string.h>

#include "base/clock.h"

#define MIN_TIMEOUT_MS 5000      /* server.rest.server_side_rpc.min_timeout */
#define DEFAULT_TIMEOUT_MS 10000 /* ... default_timeout */

/* What the REST API says to a body without a method. */
static const char no_method[] =
    "\"Cannot invoke \\\"com.fasterxml.jackson.databind.JsonNode.asText()\\\" because the return value of "
    "\\\"com.fasterxml.jackson.databind.JsonNode.get(String)\\\" is null\"";

struct call {
    struct command *c;
    bool json, v1, oneway;
};

static int
answer(struct command *c, bool json, int status, struct tbe_str body, const char *error)
{
    if (json) {
        tbe_buf_fmt(&c->out, "{\"status\":%d,\"body\":", status);
        tbe_json_write_str(&c->out, body);
        tbe_buf_putz(&c->out, "}\n");
    } else if (status == 200 && body.n > 0) {
        tbe_buf_puts(&c->out, body);
        tbe_buf_putc(&c->out, '\n');
    } else if (status != 200) {
        (void)command_fail(c, "%s", error);
    }
    return status == 200 ? 0 : 1;
}

static void
on_answer(void *arg, enum hub_rpc_error e, struct tbe_str response)
{
    struct call *call = arg; /* in the command's arena */
    struct command *c = call->c;
    struct tbe_str body = TBE_STR("");
    int status = 200;
    const char *error = "";
    tbe_val v;

    switch (e) {
    case HUB_RPC_TIMEOUT:
        status = call->v1 ? 408 : 504;
        error = "time-out: the device did not answer";
        break;
    case HUB_RPC_NO_ACTIVE_CONNECTION:
        status = call->v1 ? 409 : 504;
        error = "the device is not connected";
        break;
    case HUB_RPC_INTERNAL:
        status = 500;
        error = "the request could not be sent";
        break;
    default:
        if (response.p == NULL || response.n == 0) {
            break;
        }
        if (tbe_json_parse(&c->a, response, TBE_JSON_RAW, &v, NULL) != 0) {
            status = 406;
            error = "the answer of the device is not JSON";
        } else {
            body = tbe_json_text(&c->a, v, TBE_OUT_GSON | TBE_OUT_NO_HTML);
        }
    }
    command_done(c, answer(c, call->json, status, body, error));
}

/* REST's body: {"method":..,"params":..,"timeout":..,...}. */
static int
read_body(struct command *c, struct tbe_str text, struct hub_rpc *r, int64_t *timeout)
{
    struct tbe_json_err e;
    tbe_val v, m;

    if (tbe_json_parse(&c->a, text, TBE_JSON_RAW, &v, &e) != 0 || v.t != TBE_MAP) {
        return command_fail(c, "the body is not a JSON object");
    }
    m = tbe_map_get(v.u.m, TBE_STR("method"));
    if (m.t == TBE_UNDEF) {
        return command_fail(c, "the body has no \"method\"");
    }
    r->method = tbe_is_str(m) || m.t == TBE_NUM ? tbe_val_str(m) : tbe_json_text(&c->a, m, TBE_OUT_JAVA);
    m = tbe_map_get(v.u.m, TBE_STR("params"));
    r->params = m.t == TBE_UNDEF ? TBE_STR("null") : tbe_json_text(&c->a, m, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    m = tbe_map_get(v.u.m, TBE_STR("timeout"));
    if (m.t == TBE_NUM && command_number(c, tbe_val_str(m), "timeout", 0, INT32_MAX, timeout) != 0) {
        return 1;
    }
    m = tbe_map_get(v.u.m, TBE_STR("expirationTime"));
    if (m.t == TBE_NUM && command_number(c, tbe_val_str(m), "expirationTime", 0, INT64_MAX, &r->expires) != 0) {
        return 1;
    }
    m = tbe_map_get(v.u.m, TBE_STR("persistent"));
    r->persisted = r->persisted || (m.t == TBE_BOOL && m.u.i);
    m = tbe_map_get(v.u.m, TBE_STR("retries"));
    if (m.t == TBE_NUM) {
        int64_t n;

        if (command_number(c, tbe_val_str(m), "retries", 0, INT32_MAX, &n) != 0) {
            return 1;
        }
        r->retries = (int32_t)n;
    }
    m = tbe_map_get(v.u.m, TBE_STR("additionalInfo"));
    if (!tbe_is_null(m)) {
        r->info = tbe_json_text(&c->a, m, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    }
    return 0;
}

static int
read_words(struct command *c, struct hub_rpc *r)
{
    tbe_val v;
    int status = command_words(c, 2, 3, "rpc DEVICE METHOD [PARAMS] [--oneway] [--timeout MS] [--persistent]");

    if (status != 0) {
        return status;
    }
    r->method = c->argv[1];
    r->params = TBE_STR("null");
    if (c->argc == 3) {
        r->params = c->argv[2];
        if (tbe_json_parse(&c->a, r->params, TBE_JSON_RAW, &v, NULL) != 0) { /* a plain word is a string */
            r->params = tbe_json_text(&c->a, tbe_strv(c->argv[2]), TBE_OUT_JAVA);
        }
    }
    return 0;
}

struct finding {
    struct tbe_str id, row;
    struct tbe_arena *a;
};

static bool
find_row(void *arg, struct tbe_str key, struct tbe_str value)
{
    struct finding *f = arg;

    if (key.n > f->id.n && memcmp(key.p + key.n - f->id.n, f->id.p, f->id.n) == 0) {
        f->row = tbe_arena_dup(f->a, value);
        return false;
    }
    return true;
}

static int
show(struct command *c, struct tbe_str id)
{
    struct finding f = { id, TBE_STR_NONE, &c->a };
    tbe_val v, response;
    struct tbe_uuid u;

    if (command_flag(c, "--json") && !tbe_uuid_parse(id, &u)) {
        return command_fail(c, "\"%.*s\" is not an id", (int)id.n, id.p);
    }
    store_state_each(c->store, TBE_STR("rpc."), find_row, &f);
    if (f.row.p == NULL || tbe_json_parse(&c->a, f.row, TBE_JSON_RAW, &v, NULL) != 0 || v.t != TBE_MAP) {
        return command_fail(c, "there is no persistent RPC %.*s", (int)id.n, id.p);
    }
    response = tbe_map_get(v.u.m, TBE_STR("response"));
    tbe_buf_putz(&c->out, "{\"rpcStatus\":");
    tbe_json_write(&c->out, tbe_map_get(v.u.m, TBE_STR("status")), TBE_OUT_JAVA);
    tbe_buf_putz(&c->out, ",\"response\":");
    tbe_json_write(&c->out, response.t == TBE_UNDEF ? TBE_NULL_VAL : response, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    tbe_buf_putz(&c->out, "}\n");
    return 0;
}

int
command_rpc(struct command *c)
{
    struct hub_rpc r = { .retries = -1 };
    struct tbe_str v, body = TBE_STR_NONE;
    struct call *call = tbe_arena_zalloc(&c->a, sizeof(*call));
    struct hub_device *d;
    int64_t timeout = DEFAULT_TIMEOUT_MS, retries;
    int status = 0;

    if (command_option(c, "--show", &v)) {
        return show(c, v);
    }
    call->c = c;
    call->json = command_flag(c, "--json");
    r.oneway = command_flag(c, "--oneway");
    r.persisted = command_flag(c, "--persistent");
    call->v1 = command_option(c, "--api", &v) && tbe_str_eqz(v, "v1");
    if (command_option(c, "--timeout", &v)) {
        status = command_number(c, v, "--timeout", 0, INT32_MAX, &timeout);
    }
    if (status == 0 && command_option(c, "--retries", &v)) {
        status = command_number(c, v, "--retries", 0, INT32_MAX, &retries);
        r.retries = (int32_t)retries;
    }
    if (status != 0) {
        return status;
    }
    if (command_option(c, "--body", &body)) {
        status = command_words(c, 1, 1, "rpc DEVICE --body JSON [--oneway]");
        if (status == 0 && read_body(c, body, &r, &timeout) != 0) {
            struct tbe_buf rest = { 0 };

            tbe_buf_fmt(&rest, "{\"status\":500,\"message\":%s,\"errorCode\":2,\"timestamp\":%lld}", no_method,
                        (long long)clock_ms());
            status = answer(c, call->json, 500, tbe_buf_str(&rest), "the request is not valid");
            tbe_buf_free(&rest);
            return status;
        }
    } else {
        status = read_words(c, &r);
    }
    if (status != 0) {
        return status;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    if (c->env->engine == NULL) {
        return command_fail(c, "no daemon runs on this data directory: nobody can reach the device");
    }
    tbe_uuid_random(&r.id);
    r.device = d->id;
    if (r.expires == 0) {
        r.expires = clock_ms() + (timeout < MIN_TIMEOUT_MS ? MIN_TIMEOUT_MS : timeout);
    }
    if (hub_rpc_call(c->hub, hub_batch(c->hub), &r, on_answer, call) != 0) {
        return command_fail(c, "the request could not be sent");
    }
    return COMMAND_LATER;
}
