/* SPDX-License-Identifier: Apache-2.0 */
/* What of the REST API has to do with rule chains: logging in, listing them by pages, fetching one. */
#include "config.h"
#include <string.h>
#include "drive/pull.h"

static int
log_in(struct pull *p, const struct pull_options *o, struct tbe_str *why)
{
    struct tbe_arena *a = pull_arena(p);
    struct doc *d, *req = doc_new(a, DOC_MAP, 0, 0), *user = doc_new(a, DOC_STR, 0, 0);
    struct doc *password = doc_new(a, DOC_STR, 0, 0);
    struct tbe_buf b = { 0 };
    user->s = tbe_strz(o->user);
    password->s = tbe_strz(o->password);
    doc_put(req, TBE_STR("username"), user);
    doc_put(req, TBE_STR("password"), password);
    doc_json(&b, req);
    int rc = pull_request(p, "/api/auth/login", tbe_buf_str(&b), &d, why);
    explicit_bzero(b.p, b.n);
    tbe_buf_free(&b);
    if (rc != 0) {
        return rc;
    }
    struct tbe_str token = doc_text(d, "token");
    if (doc_get(d, "scope")) {
        *why = TBE_STR("this user needs a second factor: use an API key");
        return 1;
    }
    if (token.n == 0 || memchr(token.p, '\n', token.n) || memchr(token.p, '\r', token.n)) {
        *why = TBE_STR("/api/auth/login: the answer has no token");
        return -1;
    }
    pull_authorize(p, tbe_arena_dupz(a, token));
    return 0;
}

int
pull_open(struct tbe_arena *a, const struct pull_options *o, struct pull **p, struct tbe_str *why)
{
    int rc = pull_http_open(a, o, p, why);
    if (rc == 0 && o->token) {
        pull_authorize(*p, o->token);
    } else if (rc == 0 && o->user) {
        rc = log_in(*p, o, why);
    }
    return rc;
}

/* One chain of a page; false when it is not what it should be. */
static bool
take_chain(struct tbe_arena *a, const struct doc *d, struct pull_chain *c)
{
    struct tbe_uuid u;
    char text[TBE_UUID_TEXT + 1];
    if (!tbe_uuid_parse(doc_text(doc_get(d, "id"), "id"), &u)) {
        return false;
    }
    tbe_uuid_text(&u, text);
    *c = (struct pull_chain){ .id = tbe_arena_dup(a, tbe_strz(text)), .name = doc_text(d, "name"),
                              .type = doc_text(d, "type"), .root = doc_true(d, "root"), .head = d };
    c->name = c->name.p ? c->name : TBE_STR("");
    c->type = c->type.p ? c->type : TBE_STR("CORE");
    return true;
}

static int
take_page(struct pull *p, const struct doc *page, struct pull_chain *v, uint32_t *n,
          struct tbe_str *why)
{
    const struct doc *data = doc_get(page, "data");
    if (!data || data->t != DOC_LIST) {
        *why = TBE_STR("/api/ruleChains: the answer is no page of rule chains");
        return -1;
    }
    for (const struct doc *d = data->first; d; d = d->next) {
        if (*n == PULL_MAX_CHAINS) {
            *why = tbe_arena_fmt(pull_arena(p), "more than %u rule chains", PULL_MAX_CHAINS);
            return -1;
        }
        if (!take_chain(pull_arena(p), d, &v[*n])) {
            *why = TBE_STR("/api/ruleChains: a rule chain has no id");
            return -1;
        }
        ++*n;
    }
    return 0;
}

int
pull_list(struct pull *p, const char *type, struct pull_chain *v, uint32_t *n, struct tbe_str *why)
{
    for (uint32_t page = 0;; page++) {
        struct doc *d;
        struct tbe_str path = tbe_arena_fmt(pull_arena(p),
                                            "/api/ruleChains?pageSize=%u&page=%u&type=%s&sortProperty=name"
                                            "&sortOrder=ASC", PULL_PAGE, page, type);
        int rc = pull_request(p, path.p, TBE_STR_NONE, &d, why);
        rc = rc != 0 ? rc : take_page(p, d, v, n, why);
        if (rc != 0) {
            return rc;
        }
        if (!doc_true(d, "hasNext")) {
            return 0;
        }
        if (page > PULL_MAX_CHAINS / PULL_PAGE) { /* a server that says so forever, with empty pages */
            *why = tbe_arena_fmt(pull_arena(p), "more than %u rule chains", PULL_MAX_CHAINS);
            return -1;
        }
    }
}

/* ---- file names ------------------------------------------------------------------------------ */

/* Letters, digits, - _ and dots inside; everything else is an underscore. No path, no hidden file. */
static struct tbe_str
safe_name(struct tbe_arena *a, struct tbe_str s)
{
    char *out = tbe_arena_alloc(a, PULL_MAX_NAME + 4);
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < PULL_MAX_NAME; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool letter = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' &&
                                                               c <= '9') || c == '-' || c == '_';
        if (letter || (c == '.' && n > 0) || c >= 0x80) {
            out[n++] = (char)c;
        } else if (n > 0 && out[n - 1] != '_') {
            out[n++] = '_';
        }
    }
    while (n > 0 && n >= PULL_MAX_NAME - 3 && ((unsigned char)out[n - 1] & 0xC0) == 0x80 &&
           s.n > PULL_MAX_NAME) {
        n--; /* not half a character */
    }
    while (n > 0 && (out[n - 1] == '_' || out[n - 1] == '.' || (unsigned char)out[n - 1] >= 0xC0)) {
        n--;
    }
    return n ? (struct tbe_str){ out, n } : TBE_STR("chain");
}

/* Equal on file systems that ignore case. */
static bool
same_name(struct tbe_str a, struct tbe_str b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

void
pull_names(struct tbe_arena *a, struct pull_chain *v, uint32_t n)
{
    struct tbe_str *safe = tbe_arena_alloc(a, (n + 1) * sizeof *safe);
    for (uint32_t i = 0; i < n; i++) {
        safe[i] = safe_name(a, v[i].name);
    }
    for (uint32_t i = 0; i < n; i++) {
        bool shared = false;
        for (uint32_t k = 0; k < n; k++) {
            shared |= k != i && same_name(safe[i], safe[k]);
        }
        v[i].file = shared ? tbe_arena_fmt(a, "%.*s-%.*s", (int)safe[i].n, safe[i].p,
                                           (int)v[i].id.n, v[i].id.p) : safe[i];
    }
}

/* ---- one chain ------------------------------------------------------------------------------- */

static void
drop(struct doc *map, const char *const *keys)
{
    for (int i = 0; map && map->t == DOC_MAP && keys[i]; i++) {
        const struct doc *m = doc_get(map, keys[i]);
        if (m) {
            doc_remove(map, m);
        }
    }
}

/* Times, tenant and version: they change without the chain changing, and another server gives its own. */
static void
clean(struct doc *head, struct doc *meta)
{
    static const char *const of_chain[] = { "createdTime", "tenantId", "version", "firstRuleNodeId",
                                            NULL };
    static const char *const of_meta[] = { "version", NULL };
    static const char *const of_node[] = { "createdTime", "ruleChainId", NULL };
    static const char *const of_debug[] = { "allEnabledUntil", NULL };
    drop(head, of_chain);
    drop(meta, of_meta);
    struct doc *nodes = doc_get(meta, "nodes");
    for (struct doc *n = nodes && nodes->t == DOC_LIST ? nodes->first : NULL; n; n = n->next) {
        drop(n, of_node);
        drop(doc_get(n, "debugSettings"), of_debug);
    }
}

int
pull_fetch(struct pull *p, const struct pull_chain *c, bool raw, struct doc **out,
           struct tbe_str *why)
{
    struct tbe_arena *a = pull_arena(p);
    struct doc *head, *meta;
    int rc = pull_request(p, tbe_arena_fmt(a, "/api/ruleChain/%s", c->id.p).p, TBE_STR_NONE, &head,
                          why);
    if (rc == 0) {
        rc = pull_request(p, tbe_arena_fmt(a, "/api/ruleChain/%s/metadata", c->id.p).p,
                          TBE_STR_NONE, &meta, why);
    }
    if (rc != 0) {
        return rc;
    }
    if (head->t != DOC_MAP || meta->t != DOC_MAP || !doc_get(meta, "nodes")) {
        *why = tbe_arena_fmt(a, "/api/ruleChain/%s: the answer is no rule chain", c->id.p);
        return -1;
    }
    if (!raw) {
        clean(head, meta);
    }
    *out = doc_new(a, DOC_MAP, 0, 0);
    doc_put(*out, TBE_STR("ruleChain"), head);
    doc_put(*out, TBE_STR("metadata"), meta);
    return 0;
}
