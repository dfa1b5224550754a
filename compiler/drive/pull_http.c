/* SPDX-License-Identifier: Apache-2.0 */
/* JSON over HTTP with libcurl: bounded answers, time-outs, repeated when the server is busy. No redirect is
 * followed: it would carry the credentials to another place. */
#include "config.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/random.h"
#include "drive/pull.h"
#include "front/chain.h"

#define CONNECT_SECONDS 10L
#define FIRST_WAIT_MS 500u
#define LONGEST_WAIT_MS 8000u

struct pull {
    struct tbe_arena *a;
    const struct pull_options *o;
    CURL *curl;
    struct curl_slist *headers;
    struct tbe_str base;
    struct tbe_buf body; /* of the answer */
    bool too_large;
    unsigned retry_after; /* seconds, 0: not asked for */
    struct tbe_str location;
    char error[CURL_ERROR_SIZE];
};

struct tbe_arena *
pull_arena(struct pull *p)
{
    return p->a;
}

void
pull_use(struct pull *p, struct tbe_arena *a)
{
    p->a = a;
}

static size_t
take_body(char *data, size_t one, size_t n, void *arg)
{
    struct pull *p = arg;
    n *= one;
    if (p->body.n + n > DOC_MAX_BYTES) {
        p->too_large = true;
        return 0;
    }
    tbe_buf_put(&p->body, data, n);
    return p->body.oom ? 0 : n;
}

static bool
header_is(const char *line, size_t n, const char *name, struct tbe_str *value)
{
    size_t k = strlen(name);
    if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0) {
        return false;
    }
    for (k++; k < n && line[k] == ' '; k++) {
    }
    while (n > k && (line[n - 1] == '\r' || line[n - 1] == '\n')) {
        n--;
    }
    *value = (struct tbe_str){ line + k, n - k };
    return true;
}

static size_t
take_header(char *line, size_t one, size_t n, void *arg)
{
    struct pull *p = arg;
    struct tbe_str v;
    if (header_is(line, n * one, "Retry-After", &v) && v.n && v.n < 10 &&
        strspn(v.p, "0123456789") >= v.n) {
        unsigned long s = strtoul(tbe_arena_dupz(p->a, v), NULL, 10);
        p->retry_after = s > PULL_RETRY_AFTER_MAX ? PULL_RETRY_AFTER_MAX : (unsigned)s;
    } else if (header_is(line, n * one, "Location", &v)) {
        p->location = tbe_arena_dup(p->a, v);
    }
    return n * one;
}

/* The address without a slash at its end; absent when it is none of ours. */
static struct tbe_str
base_of(const char *url)
{
    struct tbe_str s = tbe_strz(url);
    size_t skip = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    while (s.n > skip && s.p[s.n - 1] == '/') {
        s.n--;
    }
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '?' || s.p[i] == '#' || s.p[i] == '@') {
            return TBE_STR_NONE; /* @: a password has no place here */
        }
    }
    return skip && s.n > skip ? s : TBE_STR_NONE;
}

static void
set_tls(CURL *c, const struct pull_options *o)
{
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (o->cacert) {
        curl_easy_setopt(c, CURLOPT_CAINFO, o->cacert);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    if (o->cert) {
        curl_easy_setopt(c, CURLOPT_SSLCERT, o->cert);
        curl_easy_setopt(c, CURLOPT_SSLKEY, o->key ? o->key : o->cert);
    }
    if (o->insecure) {
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

int
pull_http_open(struct tbe_arena *a, const struct pull_options *o, struct pull **out,
               struct tbe_str *why)
{
    struct pull *p = *out = tbe_arena_zalloc(a, sizeof *p);
    p->a = a;
    p->o = o;
    p->base = base_of(o->url);
    if (!p->base.p) {
        *why = TBE_STR("the URL must be http://HOST[:PORT] or https://HOST[:PORT]");
        return -1;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(p->curl = curl_easy_init())) {
        *why = TBE_STR("libcurl cannot be used");
        return -1;
    }
    p->headers = curl_slist_append(NULL, "Accept: application/json");
    p->headers = curl_slist_append(p->headers, "Content-Type: application/json");
    p->headers = curl_slist_append(p->headers, "Expect:");
    curl_easy_setopt(p->curl, CURLOPT_ERRORBUFFER, p->error);
    curl_easy_setopt(p->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(p->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(p->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(p->curl, CURLOPT_TIMEOUT, o->timeout_s);
    curl_easy_setopt(p->curl, CURLOPT_CONNECTTIMEOUT,
                     o->timeout_s < CONNECT_SECONDS ? o->timeout_s : CONNECT_SECONDS);
    curl_easy_setopt(p->curl, CURLOPT_USERAGENT, "tbedgec/" PACKAGE_VERSION);
    curl_easy_setopt(p->curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(p->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(p->curl, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(p->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(p->curl, CURLOPT_HEADERDATA, p);
    set_tls(p->curl, o);
    return 0;
}

void
pull_authorize(struct pull *p, const char *token)
{
    const char *kind = strncmp(token, "tb_", 3) == 0 ? "ApiKey" : "Bearer";
    struct tbe_str h = tbe_arena_fmt(p->a, "X-Authorization: %s %s", kind, token);
    p->headers = curl_slist_append(p->headers, h.p);
    explicit_bzero((char *)(uintptr_t)h.p, h.n);
}

void
pull_close(struct pull *p)
{
    if (p) {
        for (struct curl_slist *h = p->headers; h; h = h->next) {
            explicit_bzero(h->data, strlen(h->data));
        }
        curl_slist_free_all(p->headers);
        if (p->curl) {
            curl_easy_cleanup(p->curl);
        }
        curl_global_cleanup();
        tbe_buf_free(&p->body);
    }
}

/* Is it worth another try? */
static bool
passing(CURLcode rc, long status)
{
    switch (rc) {
    case CURLE_OK:
        return status == 429 || status >= 500;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return true;
    default:
        return false;
    }
}

static void
rest(struct pull *p, unsigned tried)
{
    uint64_t ms = (uint64_t)FIRST_WAIT_MS << (tried < 5 ? tried : 5);
    ms = ms > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : ms;
    ms = ms * (75 + random_u64() % 51) / 100; /* so that many clients do not come back together */
    ms = p->retry_after ? p->retry_after * 1000ull : ms;
    struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

/* What an error answer says: {"message": ...}, cut to one line. */
static struct tbe_str
message_of(struct pull *p)
{
    struct diags none;
    diags_init(&none, p->a);
    struct tbe_str text = tbe_arena_dup(p->a, tbe_buf_str(&p->body));
    const struct doc *d = chains_is_text(&none, "answer", text) ? json_read(p->a, &none, "answer", text) : NULL;
    struct tbe_str m = tbe_arena_dup(p->a, doc_text(d, "message"));
    m.n = m.n > 200 ? 200 : m.n;
    for (size_t i = 0; i < m.n; i++) {
        if ((unsigned char)m.p[i] < 32) {
            ((char *)(uintptr_t)m.p)[i] = ' ';
        }
    }
    return m;
}

/* The last answer, when it is none to work with. */
static int
refused(struct pull *p, const char *path, CURLcode rc, long status, struct tbe_str *why)
{
    if (p->too_large) {
        *why = tbe_arena_fmt(p->a, "%s: the answer has more than %u bytes", path, DOC_MAX_BYTES);
        return -1;
    }
    if (rc != CURLE_OK) {
        *why = tbe_arena_fmt(p->a, "%.*s: %s", (int)p->base.n, p->base.p, p->error[0] ? p->error : curl_easy_strerror(rc));
        return -1;
    }
    if (status >= 300 && status < 400) {
        *why = tbe_arena_fmt(p->a, "%s: HTTP %ld, redirected to %.*s: give that as --url", path, status,
                             (int)(p->location.n > 200 ? 200 : p->location.n), p->location.p ? p->location.p : "");
        return 1;
    }
    struct tbe_str m = message_of(p);
    *why = tbe_arena_fmt(p->a, "%s: HTTP %ld%s%.*s", path, status, m.n ? ": " : "", (int)m.n, m.p ? m.p : "");
    return 1;
}

int
pull_request(struct pull *p, const char *path, struct tbe_str body, struct doc **out,
             struct tbe_str *why)
{
    struct tbe_str url = tbe_arena_fmt(p->a, "%.*s%s", (int)p->base.n, p->base.p, path);
    struct diags ds;
    CURLcode rc = CURLE_OK;
    long status = 0;
    *out = NULL;
    curl_easy_setopt(p->curl, CURLOPT_URL, url.p);
    curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, p->headers);
    if (body.p) {
        curl_easy_setopt(p->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, body.p);
    } else {
        curl_easy_setopt(p->curl, CURLOPT_HTTPGET, 1L);
    }
    for (unsigned tried = 0;; tried++) {
        p->body.n = 0;
        p->retry_after = 0;
        p->error[0] = '\0';
        rc = curl_easy_perform(p->curl);
        curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &status);
        if (tried >= p->o->retries || !passing(rc, status)) {
            break;
        }
        rest(p, tried);
    }
    if (rc != CURLE_OK || status != 200) {
        return refused(p, path, rc, status, why);
    }
    diags_init(&ds, p->a);
    struct tbe_str text = tbe_arena_dup(p->a, tbe_buf_str(&p->body));
    *out = chains_is_text(&ds, path, text) ? json_read(p->a, &ds, path, text) : NULL;
    if (!*out) {
        *why = tbe_arena_fmt(p->a, "%s: the answer is no JSON: is this a ThingsBoard server?", path);
        return -1;
    }
    return 0;
}
