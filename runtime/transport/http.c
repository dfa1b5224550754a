/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server's plumbing: parsing a request into segments, query and body, holding answers back,
 * requests that wait. What the paths mean is in http_device.c. */
#include "config.h"

#include "transport/http_request.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

static METRIC_COUNTER(m_requests, "tbedge_http_requests_total", "HTTP requests of the device API.");

struct http_held {
    struct http_held *next;
    struct evhttp_request *req;
    int status;
    struct evbuffer *body;
};

static const char *const types[] = { "application/json", "application/json;charset=ISO-8859-1",
                                     "text/plain;charset=UTF-8", NULL };

/* Answers ------------------------------------------------------------------------------------------- */

void
http_answer(struct http_server *hs, struct evhttp_request *req, int status, int type, struct tbe_str body)
{
    struct http_held *r = calloc(1, sizeof(*r));

    if (types[type] != NULL) {
        evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", types[type]);
    }
    if (r == NULL || (r->body = evbuffer_new()) == NULL || evbuffer_add(r->body, body.p, body.n) != 0) {
        log_error("http: out of memory for an answer");
        if (r != NULL && r->body != NULL) {
            evbuffer_free(r->body);
        }
        free(r);
        hs->open--;
        evhttp_send_error(req, HTTP_INTERNAL, NULL); /* says nothing that depends on the commit */
        return;
    }
    r->req = req;
    r->status = status;
    *hs->held_end = r;
    hs->held_end = &r->next;
    hs->open--;
}

static void
error_json(struct http_server *hs, int status, int code, struct tbe_str message)
{
    hs->text.n = 0;
    tbe_buf_putz(&hs->text, "{\"message\":");
    if (message.p != NULL) {
        tbe_json_write_str(&hs->text, message);
    } else {
        tbe_buf_putz(&hs->text, "null");
    }
    tbe_buf_fmt(&hs->text, ",\"errorCode\":%d,\"status\":%d,\"timestamp\":%lld}", code, status,
                (long long)clock_ms());
}

void
http_error(struct http_server *hs, struct evhttp_request *req, int status, int code, struct tbe_str message)
{
    error_json(hs, status, code, message);
    http_answer(hs, req, status, HTTP_JSON, tbe_buf_str(&hs->text));
}

void
http_servlet_error(struct http_server *hs, struct evhttp_request *req, int status, int code, struct tbe_str message)
{
    hs->text.n = 0;
    tbe_buf_fmt(&hs->text, "{\"status\":%d,\"message\":", status);
    tbe_json_write_str(&hs->text, message);
    tbe_buf_fmt(&hs->text, ",\"errorCode\":%d,\"timestamp\":%lld}", code, (long long)clock_ms());
    http_answer(hs, req, status, HTTP_JSON_LATIN, tbe_buf_str(&hs->text));
}

void
http_answer_allow(struct http_server *hs, struct evhttp_request *req, const char *allow, struct tbe_str message)
{
    evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", allow);
    http_error(hs, req, 405, 31, message);
}

struct http_held *
http_held_take(struct http_server *hs)
{
    struct http_held *r = hs->held;

    hs->held = NULL;
    hs->held_end = &hs->held;
    return r;
}

void
http_held_send(struct http_held *r)
{
    while (r != NULL) {
        struct http_held *next = r->next;

        evhttp_send_reply(r->req, r->status, NULL, r->body); /* frees the request, also of a gone client */
        evbuffer_free(r->body);
        free(r);
        r = next;
    }
}

uint32_t
http_open(const struct http_server *hs)
{
    return hs->open + (hs->held != NULL);
}

/* Waiting requests ---------------------------------------------------------------------------------- */

void
http_wait_drop(struct http_wait *w)
{
    struct http_server *hs = w->hs;

    hub_session_close(hs->hub, &w->s, true);
    if (w->prev != NULL) {
        w->prev->next = w->next;
    } else {
        hs->waits = w->next;
    }
    if (w->next != NULL) {
        w->next->prev = w->prev;
    }
    event_free(w->timer);
    free(w);
}

static void
wait_timeout(struct http_wait *w)
{
    struct http_server *hs = w->hs;
    struct evhttp_request *req = w->req;
    int status = w->timeout_status;

    http_wait_drop(w);
    if (status == 503) {
        http_error(hs, req, 503, 2, TBE_STR_NONE);
    } else {
        http_answer(hs, req, status, HTTP_NONE, TBE_STR(""));
    }
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    wait_timeout(arg);
}

#define WAIT(sp) ((struct http_wait *)((char *)(sp)-offsetof(struct http_wait, s)))

static void
on_attributes(struct hub_session *s, struct tbe_str body)
{
    struct http_wait *w = WAIT(s);
    struct http_server *hs = w->hs;
    struct evhttp_request *req = w->req;

    http_wait_drop(w);
    http_answer(hs, req, 200, HTTP_JSON, body);
}

static enum hub_sent
on_rpc(struct hub_session *s, int32_t id, struct tbe_str method, struct tbe_str params, uint16_t tag)
{
    struct http_wait *w = WAIT(s);
    struct http_server *hs = w->hs;
    struct evhttp_request *req = w->req;
    struct tbe_arena a;
    tbe_val v;

    (void)tag;
    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, params.n ? params : TBE_STR("null"), TBE_JSON_RAW | TBE_JSON_LENIENT, &v, NULL) != 0) {
        tbe_arena_free(&a);
        return HUB_SENT_BAD;
    }
    hs->text.n = 0;
    tbe_buf_fmt(&hs->text, "{\"id\":%d,\"method\":", (int)id);
    tbe_json_write_str(&hs->text, method);
    tbe_buf_putz(&hs->text, ",\"params\":");
    tbe_json_write(&hs->text, v, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    tbe_buf_putc(&hs->text, '}');
    tbe_arena_free(&a);
    http_wait_drop(w);
    http_answer(hs, req, 200, HTTP_JSON, tbe_buf_str(&hs->text));
    return HUB_SENT_DONE;
}

static void
on_reply(struct hub_session *s, int32_t id, struct tbe_str body)
{
    struct http_wait *w = WAIT(s);
    struct http_server *hs = w->hs;
    struct evhttp_request *req = w->req;

    (void)id;
    http_wait_drop(w);
    http_answer(hs, req, 200, HTTP_TEXT, body);
}

static void
on_close(struct hub_session *s, enum hub_close why)
{
    struct http_wait *w = WAIT(s);
    struct http_server *hs = w->hs;
    struct evhttp_request *req = w->req;

    http_wait_drop(w);
    if (why == HUB_CLOSE_DELETED) {
        http_answer(hs, req, 403, HTTP_JSON, TBE_STR("Device was deleted!"));
    } else {
        http_answer(hs, req, 408, HTTP_NONE, TBE_STR(""));
    }
}

static const struct hub_session_ops wait_ops = { on_attributes, on_rpc, on_reply, on_close };

struct http_wait *
http_wait_new(struct http_in *in, int64_t ms, int status)
{
    struct http_server *hs = in->hs;
    struct http_wait *w = calloc(1, sizeof(*w));
    struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

    if (w == NULL || (w->timer = evtimer_new(hs->base, on_timer, w)) == NULL) {
        free(w);
        http_error(hs, in->req, 500, 2, TBE_STR("out of memory"));
        return NULL;
    }
    w->hs = hs;
    w->req = in->req;
    w->timeout_status = status;
    w->s.ops = &wait_ops;
    w->next = hs->waits;
    if (w->next != NULL) {
        w->next->prev = w;
    }
    hs->waits = w;
    evtimer_add(w->timer, &tv);
    hub_session_open(hs->hub, &w->s, in->dev, true);
    return w;
}

void
http_drain(struct http_server *hs)
{
    hs->draining = true;
    while (hs->waits != NULL) {
        wait_timeout(hs->waits);
    }
}

/* Parsing ------------------------------------------------------------------------------------------- */

static int
hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static struct tbe_str
decode(struct tbe_arena *a, struct tbe_str s, bool plus)
{
    char *p = tbe_arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            p[n++] = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
            i += 2;
        } else {
            p[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return (struct tbe_str){ p, n };
}

struct tbe_str
http_query(struct http_in *in, const char *name)
{
    struct tbe_str q = in->query, out = TBE_STR_NONE;
    size_t nn = strlen(name), i = 0;

    while (i < q.n) {
        size_t end = i, eq;
        struct tbe_str key, val;

        while (end < q.n && q.p[end] != '&') {
            end++;
        }
        for (eq = i; eq < end && q.p[eq] != '='; eq++) {
            continue;
        }
        key = decode(&in->hs->arena, (struct tbe_str){ q.p + i, eq - i }, true);
        if (key.n == nn && memcmp(key.p, name, nn) == 0) {
            val = eq < end ? decode(&in->hs->arena, (struct tbe_str){ q.p + eq + 1, end - eq - 1 }, true)
                           : TBE_STR("");
            out = out.p == NULL ? val
                                : tbe_arena_fmt(&in->hs->arena, "%.*s,%.*s", (int)out.n, out.p, (int)val.n, val.p);
        }
        i = end + 1;
    }
    return out;
}

static const char *
header(struct http_in *in, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(in->req), name);
}

/* Segments after /api/v1; empty segments and ';' are refused as Spring's firewall does. */
static bool
split_path(struct http_in *in)
{
    struct tbe_str p = in->path;
    size_t i = sizeof("/api/v1") - 1;

    if (memchr(p.p, ';', p.n) != NULL || memmem(p.p, p.n, "//", 2) != NULL) {
        http_error(in->hs, in->req, 400, 31, TBE_STR("Bad Request"));
        return false;
    }
    while (i < p.n && in->n_seg < HTTP_SEGMENTS) {
        size_t end = ++i;

        while (end < p.n && p.p[end] != '/') {
            end++;
        }
        in->seg[in->n_seg++] = decode(&in->hs->arena, (struct tbe_str){ p.p + i, end - i }, false);
        i = end;
    }
    return true;
}

bool
http_parse(struct http_server *hs, struct evhttp_request *req, struct http_in *in)
{
    const char *uri = evhttp_request_get_uri(req), *q, *cl;

    memset(in, 0, sizeof(*in));
    tbe_arena_reset(&hs->arena);
    in->hs = hs;
    in->req = req;
    in->method = evhttp_request_get_command(req);
    in->path = tbe_strz(uri);
    q = strpbrk(uri, "?#");
    if (q != NULL) {
        in->path.n = (size_t)(q - uri);
        in->query = *q == '?' ? tbe_strz(q + 1) : TBE_STR("");
    } else {
        in->query = TBE_STR("");
    }
    cl = header(in, "Content-Length");
    in->content_length = cl != NULL ? strtoull(cl, NULL, 10) : 0;
    if (in->path.n < 8 || memcmp(in->path.p, "/api/v1/", 8) != 0) {
        if (in->path.n >= 5 && memcmp(in->path.p, "/api/", 5) == 0) {
            http_servlet_error(hs, req, 401, 10, TBE_STR("Authentication failed"));
        } else {
            http_error(hs, req, 404, 32, TBE_STR("Not Found"));
        }
        return false;
    }
    return split_path(in);
}

/* A form body as the reference passes it on: parameters decoded and encoded again (13). */
static struct tbe_str
form_body(struct http_in *in, struct tbe_str s)
{
    struct tbe_buf *b = &in->hs->text;
    size_t i = 0;
    bool eq = false, any = false;

    b->n = 0;
    while (i <= s.n) {
        if (i == s.n || s.p[i] == '&') {
            if (any && !eq) {
                tbe_buf_putc(b, '=');
            }
            if (i < s.n) {
                tbe_buf_putc(b, '&');
            }
            eq = any = false;
            i++;
            continue;
        }
        any = true;
        if (s.p[i] == '=' && !eq) {
            tbe_buf_putc(b, '=');
            eq = true;
            i++;
        } else {
            unsigned char c = (unsigned char)s.p[i];
            size_t used = 1;

            if (c == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
                c = (unsigned char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
                used = 3;
            } else if (c == '+') {
                c = ' ';
            }
            if (c == ' ') {
                tbe_buf_putc(b, '+');
            } else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       strchr(".-*_", c) != NULL) {
                tbe_buf_putc(b, (char)c);
            } else {
                tbe_buf_fmt(b, "%%%02X", c);
            }
            i += used;
        }
    }
    return tbe_arena_dup(&in->hs->arena, tbe_buf_str(b));
}

static struct tbe_str
latin1(struct tbe_arena *a, struct tbe_str s)
{
    char *p = tbe_arena_alloc(a, s.n * 2 + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x80) {
            p[n++] = (char)c;
        } else {
            p[n++] = (char)(0xc0 | c >> 6);
            p[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    return (struct tbe_str){ p, n };
}

bool
http_body_read(struct http_in *in)
{
    struct evbuffer *b = evhttp_request_get_input_buffer(in->req);
    size_t n = evbuffer_get_length(b);
    const char *type = header(in, "Content-Type");
    struct tbe_str body = { n > 0 ? (const char *)evbuffer_pullup(b, -1) : "", n };

    if (type != NULL && strchr(type, '/') == NULL) {
        struct tbe_str m = tbe_arena_fmt(&in->hs->arena, "Invalid mime type \"%s\": does not contain '/'", type);

        http_error(in->hs, in->req, 415, 31, m);
        return false;
    }
    if (type != NULL && strncasecmp(type, "multipart/form-data", 19) == 0) {
        http_servlet_error(in->hs, in->req, 500, 2, TBE_STR("Failed to parse multipart servlet request"));
        return false;
    }
    if (type != NULL && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0) {
        body = form_body(in, body);
    } else if (type != NULL && strcasestr(type, "charset=iso-8859-1") != NULL) {
        body = latin1(&in->hs->arena, body);
    }
    in->body = body.n > 0 ? body : TBE_STR_NONE;
    return true;
}

static void
on_request(struct evhttp_request *req, void *arg)
{
    struct http_server *hs = arg;
    struct http_in in;

    metric_add(&m_requests, 1);
    hs->open++;
    if (hs->draining) {
        http_error(hs, req, 503, 2, TBE_STR("Service is restarting"));
        return;
    }
    if (http_parse(hs, req, &in)) {
        http_route(&in);
    }
}

struct http_server *
http_new(struct event_base *base, struct evhttp *http, struct device_hub *h, struct tbe_engine *e)
{
    struct http_server *hs = calloc(1, sizeof(*hs));

    if (hs == NULL) {
        return NULL;
    }
    metric_register(&m_requests);
    hs->base = base;
    hs->hub = h;
    hs->engine = e;
    hs->held_end = &hs->held;
    tbe_arena_init(&hs->arena, 0);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                                         EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_default_content_type(http, NULL);
    evhttp_set_max_body_size(http, HTTP_BODY_MAX + 1);
    evhttp_set_max_headers_size(http, 64 * 1024);
    evhttp_set_timeout(http, 120);
    evhttp_set_gencb(http, on_request, hs);
    return hs;
}
