/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of the HTTP device API (facts/device-apis.md 13). Order of the checks as in the reference: route,
 * size, content type, parameters, body, token, payload. */
#include "config.h"

#include "transport/http_request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "nodes/engine.h"
#include "transport/mqtt_topics.h"

typedef void handler(struct http_in *in);

static void
empty(struct http_in *in, int status)
{
    http_answer(in->hs, in->req, status, HTTP_NONE, TBE_STR(""));
}

/* Payload errors: 500 with the reference's text, or with nothing (13.2). */
static void
failed(struct http_in *in, struct tbe_str err)
{
    http_answer(in->hs, in->req, 500, err.n ? HTTP_TEXT : HTTP_NONE, err.n ? err : TBE_STR(""));
}

static void
post_telemetry(struct http_in *in)
{
    struct tbe_str err;

    hub_device_activity(in->hs->hub, in->dev);
    if (hub_post_telemetry(in->hs->hub, in->dev, TBE_STR_NONE, clock_ms(), in->body, false, &err) != HUB_DONE) {
        failed(in, err);
        return;
    }
    empty(in, 200);
}

static void
post_attributes(struct http_in *in)
{
    struct tbe_str err;

    hub_device_activity(in->hs->hub, in->dev);
    if (hub_post_attributes(in->hs->hub, in->dev, TBE_STR_NONE, in->body, false, &err) != HUB_DONE) {
        failed(in, err);
        return;
    }
    empty(in, 200);
}

static void
get_attributes(struct http_in *in)
{
    struct hub_keys client = { 0 }, shared = { 0 };
    struct tbe_str c = http_query(in, "clientKeys"), s = http_query(in, "sharedKeys");
    bool found;

    if (c.n > 0) {
        hub_keys_split(&in->hs->arena, c, &client);
    }
    if (s.n > 0) {
        hub_keys_split(&in->hs->arena, s, &shared);
    }
    engine_run(in->hs->engine); /* what the device posted before is seen */
    in->hs->text.n = 0;
    if (!hub_attributes_read(in->hs->hub, in->dev, &client, &shared, &in->hs->text, &found)) {
        empty(in, 500);
        return;
    }
    http_answer(in->hs, in->req, 200, HTTP_JSON, tbe_buf_str(&in->hs->text));
}

/* `timeout` of the long polls: false when answered. */
static bool
poll_time(struct http_in *in, int64_t *ms, int *status)
{
    struct tbe_str t = http_query(in, "timeout");
    int64_t v = 0;
    size_t i = t.n > 0 && (t.p[0] == '-' || t.p[0] == '+');

    for (; i < t.n; i++) {
        if (!isdigit((unsigned char)t.p[i]) || v > INT64_MAX / 20) {
            http_error(in->hs, in->req, 400, 31,
                       tbe_arena_fmt(&in->hs->arena,
                                     "Method parameter 'timeout': Failed to convert value of type 'java.lang.String' "
                                     "to required type 'long'; For input string: \"%.*s\"", (int)t.n, t.p));
            return false;
        }
        v = v * 10 + (t.p[i] - '0');
    }
    if (t.n > 0 && t.p[0] == '-') {
        v = -v;
    }
    if (v == 0) {
        v = HTTP_POLL_MS;
    }
    *status = v < HTTP_ASYNC_MS ? 408 : 503;
    *ms = v < 0 ? 0 : v < HTTP_ASYNC_MS ? v : HTTP_ASYNC_MS;
    return true;
}

static void
get_updates(struct http_in *in)
{
    int64_t ms;
    int status;
    struct http_wait *w;

    if (!poll_time(in, &ms, &status)) {
        return;
    }
    w = http_wait_new(in, ms, status);
    if (w != NULL) {
        hub_subscribe_attributes(&w->s, true);
    }
}

static void
get_rpc(struct http_in *in)
{
    int64_t ms;
    int status;
    struct http_wait *w;

    if (!poll_time(in, &ms, &status)) {
        return;
    }
    w = http_wait_new(in, ms, status);
    if (w != NULL) {
        hub_subscribe_rpc(in->hs->hub, &w->s, true);
    }
}

static void
post_rpc(struct http_in *in)
{
    struct http_wait *w = http_wait_new(in, HTTP_ASYNC_MS, 503);
    struct tbe_str err = TBE_STR("");

    if (w == NULL) {
        return;
    }
    if (hub_client_rpc(in->hs->hub, &w->s, 0, in->body, true, false, false, &err) != HUB_DONE) {
        struct tbe_str text = tbe_arena_dup(&in->hs->arena, err);

        http_wait_drop(w);
        failed(in, text);
    }
}

static void
post_rpc_reply(struct http_in *in)
{
    int32_t id;

    (void)mqtt_int(in->seg[2], &id); /* checked by the route */
    hub_device_activity(in->hs->hub, in->dev);
    hub_rpc_response(in->hs->hub, in->dev, id, in->body);
    empty(in, 200);
}

static void
post_claim(struct http_in *in)
{
    struct tbe_str err;

    if (hub_claim_register(in->hs->hub, in->dev, in->body.p ? in->body : TBE_STR(""), false, &err) != HUB_DONE) {
        failed(in, err);
        return;
    }
    empty(in, 200);
}

/* No package can be assigned to a device yet (13.9: nothing assigned). */
static void
get_ota(struct http_in *in)
{
    empty(in, 404);
}

static void
post_provision(struct http_in *in)
{
    struct tbe_buf out = { 0 };
    struct tbe_str err;

    if (hub_provision(in->hs->hub, in->body, &out, &err) == HUB_DONE && !out.oom) {
        http_answer(in->hs, in->req, 200, HTTP_TEXT, tbe_buf_str(&out));
    } else {
        http_servlet_error(in->hs, in->req, 500, 2, err);
    }
    tbe_buf_free(&out);
}

/* Routes -------------------------------------------------------------------------------------------- */

#define BODY_MISSING(fn, args)                                                                          \
    "Required request body is missing: public org.springframework.web.context.request.async."           \
    "DeferredResult<org.springframework.http.ResponseEntity> "                                          \
    "org.thingsboard.server.transport.http.DeviceApiController." fn "(" args ")"
#define STRINGS2 "java.lang.String,java.lang.String"
#define SERVLET ",jakarta.servlet.http.HttpServletRequest"

static const struct route {
    const char *name, *sub;      /* /{token}/name[/sub]; sub "#" = a number; name NULL: /sub without a token */
    enum evhttp_cmd_type method;
    handler *fn;
    const char *need_body;       /* error text when there is no body; NULL: optional */
    bool json;                   /* produces JSON: Accept is looked at */
} routes[] = {
    { "telemetry", NULL, EVHTTP_REQ_POST, post_telemetry, BODY_MISSING("postTelemetry", STRINGS2 SERVLET), false },
    { "attributes", NULL, EVHTTP_REQ_POST, post_attributes, BODY_MISSING("postDeviceAttributes", STRINGS2), false },
    { "attributes", NULL, EVHTTP_REQ_GET, get_attributes, NULL, true },
    { "attributes", "updates", EVHTTP_REQ_GET, get_updates, NULL, true },
    { "rpc", NULL, EVHTTP_REQ_GET, get_rpc, NULL, true },
    { "rpc", NULL, EVHTTP_REQ_POST, post_rpc, BODY_MISSING("postRpcRequest", STRINGS2 SERVLET), false },
    { "rpc", "#", EVHTTP_REQ_POST, post_rpc_reply,
      BODY_MISSING("replyToCommand", "java.lang.String,java.lang.Integer,java.lang.String" SERVLET), false },
    { "claim", NULL, EVHTTP_REQ_POST, post_claim, NULL, false },
    { NULL, "provision", EVHTTP_REQ_POST, post_provision,
      BODY_MISSING("provisionDevice", "java.lang.String" SERVLET), false },
    { "firmware", NULL, EVHTTP_REQ_GET, get_ota, NULL, false },
    { "software", NULL, EVHTTP_REQ_GET, get_ota, NULL, false },
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

static const struct method_name {
    enum evhttp_cmd_type m;
    const char *name;
} method_names[] = {
    { EVHTTP_REQ_GET, "GET" },       { EVHTTP_REQ_POST, "POST" },       { EVHTTP_REQ_HEAD, "HEAD" },
    { EVHTTP_REQ_PUT, "PUT" },       { EVHTTP_REQ_DELETE, "DELETE" },   { EVHTTP_REQ_OPTIONS, "OPTIONS" },
    { EVHTTP_REQ_PATCH, "PATCH" },
};

static const char *
method_name(enum evhttp_cmd_type m)
{
    for (size_t i = 0; i < sizeof(method_names) / sizeof(method_names[0]); i++) {
        if (method_names[i].m == m) {
            return method_names[i].name;
        }
    }
    return "?";
}

static bool
path_matches(const struct route *r, const struct http_in *in)
{
    if (r->name == NULL) {
        return in->n_seg == 1 && tbe_str_eqz(in->seg[0], r->sub);
    }
    if (in->n_seg < 2 || !tbe_str_eqz(in->seg[1], r->name) || in->seg[0].n == 0) {
        return false;
    }
    if (r->sub == NULL) {
        return in->n_seg == 2;
    }
    return in->n_seg == 3 && in->seg[2].n > 0 && (r->sub[0] == '#' || tbe_str_eqz(in->seg[2], r->sub));
}

static const struct route *
find_route(struct http_in *in)
{
    const struct route *found = NULL;
    char allow[32] = "";
    enum evhttp_cmd_type m = in->method == EVHTTP_REQ_HEAD ? EVHTTP_REQ_GET : in->method;

    for (size_t i = 0; i < ROUTES; i++) {
        if (!path_matches(&routes[i], in)) {
            continue;
        }
        if (routes[i].method == m) {
            found = &routes[i];
        }
        if (strlen(allow) < 20) {
            strcat(allow, allow[0] ? ", " : "");
            strcat(allow, method_name(routes[i].method));
        }
    }
    if (in->method == EVHTTP_REQ_OPTIONS) {
        http_error(in->hs, in->req, 403, 20, TBE_STR("Forbidden"));
        return NULL;
    }
    if (found == NULL && allow[0] != '\0') {
        http_answer_allow(in->hs, in->req, allow,
                          tbe_arena_fmt(&in->hs->arena, "Request method '%s' is not supported",
                                        method_name(in->method)));
    } else if (found == NULL) {
        struct tbe_str p = { in->path.p + 1, in->path.n - 1 };

        if (p.n > 0 && p.p[p.n - 1] == '/') {
            p.n--;
        }
        http_error(in->hs, in->req, 404, 32,
                   tbe_arena_fmt(&in->hs->arena, "No static resource %.*s.", (int)p.n, p.p));
    }
    return found;
}

/* Limits look at the Content-Length header only (13.2). */
static bool
size_ok(struct http_in *in)
{
    size_t limit = in->n_seg >= 2 && tbe_str_eqz(in->seg[1], "rpc") ? HTTP_RPC_BODY_MAX : HTTP_BODY_MAX;

    if (in->content_length <= limit) {
        return true;
    }
    in->hs->text.n = 0;
    tbe_buf_fmt(&in->hs->text, "\"Payload size exceeds the limit of %zu bytes\"", limit);
    http_answer(in->hs, in->req, 413, HTTP_JSON, tbe_buf_str(&in->hs->text));
    return false;
}

static bool
accept_ok(struct http_in *in)
{
    const char *a = evhttp_find_header(evhttp_request_get_input_headers(in->req), "Accept");

    return a == NULL || a[0] == '\0' || strstr(a, "*/*") || strcasestr(a, "application/json") ||
           strcasestr(a, "application/*");
}

static bool
parameters_ok(struct http_in *in, const struct route *r)
{
    int32_t id;

    if (r->sub != NULL && r->sub[0] == '#' && !mqtt_int(in->seg[2], &id)) {
        http_error(in->hs, in->req, 400, 31,
                   tbe_arena_fmt(&in->hs->arena,
                                 "Method parameter 'requestId': Failed to convert value of type 'java.lang.String' to "
                                 "required type 'java.lang.Integer'; For input string: \"%.*s\"",
                                 (int)in->seg[2].n, in->seg[2].p));
        return false;
    }
    if (r->fn == get_ota) {
        const char *missing = http_query(in, "title").p == NULL     ? "title"
                              : http_query(in, "version").p == NULL ? "version"
                                                                    : NULL;

        if (missing != NULL) {
            http_error(in->hs, in->req, 400, 31,
                       tbe_arena_fmt(&in->hs->arena,
                                     "Required request parameter '%s' for method parameter type String is not present",
                                     missing));
            return false;
        }
    }
    return true;
}

void
http_route(struct http_in *in)
{
    const struct route *r;

    if (!size_ok(in)) {
        return;
    }
    r = find_route(in);
    if (r == NULL) {
        return;
    }
    if (r->json && !accept_ok(in)) {
        empty(in, 406);
        return;
    }
    if (!http_body_read(in) || !parameters_ok(in, r)) {
        return;
    }
    if (r->need_body != NULL && in->body.p == NULL) {
        http_error(in->hs, in->req, 400, 31, tbe_strz(r->need_body));
        return;
    }
    if (r->name == NULL) {
        r->fn(in);
        return;
    }
    in->dev = hub_auth_token(in->hs->hub, in->seg[0]);
    if (in->dev == NULL || in->dev->profile == NULL) {
        empty(in, 401);
        return;
    }
    r->fn(in);
}
