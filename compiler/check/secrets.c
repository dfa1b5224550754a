/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of configurations: secrets that stand in the file as they are, and values longer than anything that
 * takes them. A template (${...}) is no secret: its value comes with the message. */
#include "config.h"
#include "check/config_ctx.h"
#include <string.h>

static bool
has(struct tbe_str s, const char *what)
{
    return s.n && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static bool
is_template(struct tbe_str s)
{
    return has(s, "${") || has(s, "$[");
}

/* Is the text what the class's default configuration says? Then it is nobody's secret. */
static bool
is_default(struct config_ctx *x, const struct node_key *k, struct tbe_str s)
{
    struct tbe_str def = doc_text(doc_parse_own(x->a, x->n->cls->default_config), k->key);
    return def.p && tbe_str_eq(def, s);
}

/* Header and property names that carry secrets. */
static bool
names_secret(struct tbe_str key)
{
    static const char *const words[] = { "password", "passwd", "secret", "token", "authorization", "api-key",
                                         "apikey", "api_key", "appid", "jaas" };
    char low[64];
    size_t n = key.n < sizeof low - 1 ? key.n : sizeof low - 1;
    for (size_t i = 0; i < n; i++) {
        low[i] = key.p[i] >= 'A' && key.p[i] <= 'Z' ? (char)(key.p[i] | 32) : key.p[i];
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (has((struct tbe_str){ low, n }, words[i])) {
            return true;
        }
    }
    return false;
}

/* The end of a URL's part that starts at p. */
static size_t
part(const char *p, const char *end)
{
    size_t n = 0;
    while (p + n < end && !strchr("/?#&", p[n])) {
        n++;
    }
    return n;
}

#define URL_MAX 4096 /* a longer one is not looked into */

/* What in a URL is secret, or NULL: user:password@, a bot's token as a path, token=... */
static const char *
secret_in_url(struct tbe_str url)
{
    const char *end = url.p + url.n, *at = memmem(url.p, url.n, "://", 3);
    if (!at || url.n < 8 || url.n > URL_MAX || memcmp(url.p, "http", 4) != 0) {
        return NULL;
    }
    at += 3;
    struct tbe_str host = { at, part(at, end) };
    const char *sign = host.n ? memchr(host.p, '@', host.n) : NULL;
    const char *colon = sign ? memchr(host.p, ':', (size_t)(sign - host.p)) : NULL;
    if (colon && !is_template((struct tbe_str){ host.p, (size_t)(sign - host.p) })) {
        return "the password of the URL";
    }
    for (const char *p = at; p < end; p++) {
        if (*p == '/' && end - p > 12 && memcmp(p, "/bot", 4) == 0 && p[4] >= '0' && p[4] <= '9') {
            struct tbe_str token = { p + 1, part(p + 1, end) };
            if (has(token, ":") && !is_template(token)) {
                return "the token in the URL";
            }
        }
        const char *eq = *p == '?' || *p == '&' ? memchr(p, '=', (size_t)(end - p)) : NULL;
        if (eq && names_secret((struct tbe_str){ p + 1, (size_t)(eq - p - 1) }) && part(p + 1, eq) == (size_t)(eq - p - 1)) {
            struct tbe_str v = { eq + 1, part(eq + 1, end) };
            if (v.n && !is_template(v)) {
                return "a secret in the URL";
            }
        }
    }
    return NULL;
}

void
config_check_text(struct config_ctx *x, const struct node_key *k, const struct doc *v)
{
    const char *in_url = v->s.n ? secret_in_url(v->s) : NULL;
    bool secret = k->secret || (k->secret_keys && names_secret(v->key));
    if (secret && v->s.n && !is_template(v->s) && !is_default(x, k, v->s)) {
        struct tbe_str key = k->secret ? tbe_strz(k->key) : v->key;
        config_report(x, C2316, v, "\"%.*s\" is a secret in plain text", (int)key.n, key.p);
    } else if (in_url && !k->script) {
        config_report(x, C2316, v, "\"%s\" holds %s in plain text", k->key, in_url);
    }
    bool element = k->kind == KEY_STRINGS || k->kind == KEY_MAP;
    size_t limit = element ? CONFIG_MAX_ELEMENT : k->max_length ? (size_t)k->max_length : CONFIG_MAX_TEXT, chars = 0;
    for (size_t i = 0; i < v->s.n; i++) {
        chars += ((unsigned char)v->s.p[i] & 0xC0) != 0x80;
    }
    if (chars > limit && !k->script) {
        config_report(x, C2315, v, "\"%s\" has %zu characters: more than %zu", k->key, chars, limit);
    }
}
