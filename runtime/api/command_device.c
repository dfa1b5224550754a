/* SPDX-License-Identifier: Apache-2.0 */
/* The commands device, profile and attr. */
#include "config.h"

#include "api/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define FILE_MAX (4u << 20) /* bytes of a profile or certificate file */

/* Credentials from the options; id absent when none was given. */
static int
credentials(struct command *c, struct store_cred *cred)
{
    struct tbe_str v;
    char err[256];

    memset(cred, 0, sizeof(*cred));
    if (command_option(c, "--token", &v)) {
        cred->type = STORE_CRED_TOKEN;
        cred->id = v;
    } else if (command_option(c, "--mqtt-basic", &v)) {
        cred->type = STORE_CRED_MQTT_BASIC;
        cred->value = v;
    } else if (command_option(c, "--x509", &v)) {
        cred->type = STORE_CRED_X509;
        if (command_file(c, v, FILE_MAX, &cred->value) != 0) {
            return 1;
        }
    } else {
        return 0;
    }
    if (hub_cred_normalize(c->hub, cred, err) != 0) {
        return command_fail(c, "%s", err);
    }
    cred->id = tbe_arena_dup(&c->a, cred->id); /* out of the hub's scratch memory */
    if (cred->value.p != NULL) {
        cred->value = tbe_arena_dup(&c->a, cred->value);
    }
    return 0;
}

/* Lists: name,token[,profile] a line. Checked whole, then added whole. ------------------------------- */

struct names { /* open addressing set of strings, to find doubles within the file */
    struct tbe_str *v;
    uint32_t cap, n;
};

static uint64_t
hash(struct tbe_str s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    }
    return h ^ h >> 29;
}

static bool
names_add(struct names *t, struct tbe_arena *a, struct tbe_str s)
{
    uint32_t i;

    if (t->n * 2 >= t->cap) {
        struct names old = *t;

        t->cap = old.cap ? old.cap * 2 : 1024;
        t->v = calloc(t->cap, sizeof(*t->v));
        if (t->v == NULL) {
            *t = old;
            return true; /* doubles are found by the store then */
        }
        for (uint32_t k = 0; k < old.cap; k++) {
            if (old.v[k].p != NULL) {
                for (i = (uint32_t)hash(old.v[k]) & (t->cap - 1); t->v[i].p; i = (i + 1) & (t->cap - 1)) {
                    continue;
                }
                t->v[i] = old.v[k];
            }
        }
        free(old.v);
    }
    for (i = (uint32_t)hash(s) & (t->cap - 1); t->v[i].p != NULL; i = (i + 1) & (t->cap - 1)) {
        if (tbe_str_eq(t->v[i], s)) {
            return false;
        }
    }
    t->v[i] = tbe_arena_dup(a, s);
    t->n++;
    return true;
}

/* One CSV field; "..." with doubled quotes. The line is changed in place. false: not CSV. */
static bool
field(char **p, struct tbe_str *out)
{
    char *s = *p, *w;

    if (*s != '"') {
        *out = (struct tbe_str){ s, strcspn(s, ",") };
        s += out->n;
    } else {
        *out = (struct tbe_str){ w = ++s, 0 };
        while (*s != '\0' && (*s != '"' || s[1] == '"')) {
            s += *s == '"';
            *w++ = *s++;
        }
        if (*s++ != '"') {
            return false;
        }
        out->n = (size_t)(w - out->p);
    }
    if (*s == ',') {
        *p = s + 1;
        return true;
    }
    *p = s;
    return *s == '\0';
}

static bool
read_row(char *line, struct hub_new_device *n, const char **why)
{
    struct tbe_str rest;

    memset(n, 0, sizeof(*n));
    line[strcspn(line, "\r\n")] = '\0';
    if (!field(&line, &n->name) || !field(&line, &n->cred.id) || !field(&line, &n->profile) ||
        (*line != '\0' && !field(&line, &rest))) {
        *why = "not a CSV line";
        return false;
    }
    if (*line != '\0') {
        *why = "more than three fields";
        return false;
    }
    if (n->cred.id.n == 0) {
        *why = "the token is missing";
        return false;
    }
    n->cred.type = STORE_CRED_TOKEN;
    return true;
}

static bool
heading(const char *line)
{
    return strncmp(line, "name,token", 10) == 0;
}

/* One pass over the file. add: create; else only check. */
static int
csv_pass(struct command *c, const char *path, FILE *f, bool add, long *rows)
{
    struct names names = { 0 }, tokens = { 0 };
    char *line = NULL, err[256];
    size_t cap = 0;
    long no = 0;
    int status = 0;

    *rows = 0;
    while (status == 0 && getline(&line, &cap, f) >= 0) {
        struct hub_new_device n;
        struct tbe_uuid id;
        const char *why = NULL;

        no++;
        if (line[strspn(line, " \t\r\n")] == '\0' || (no == 1 && heading(line))) {
            continue;
        }
        if (!read_row(line, &n, &why)) {
            status = command_fail(c, "%s:%ld: %s", path, no, why);
        } else if (add) {
            if (hub_device_create(c->hub, &n, &id, err) != 0) {
                status = command_fail(c, "%s:%ld: %s", path, no, err);
            }
        } else if (hub_device_check(c->hub, &n, err) != 0) {
            status = command_fail(c, "%s:%ld: %s", path, no, err);
        } else if (!names_add(&names, &c->a, n.name)) {
            status = command_fail(c, "%s:%ld: this device name was in an earlier line", path, no);
        } else if (!names_add(&tokens, &c->a, n.cred.id)) {
            status = command_fail(c, "%s:%ld: this token was in an earlier line", path, no);
        }
        ++*rows;
    }
    free(line);
    free(names.v);
    free(tokens.v);
    return status;
}

/* The list is read twice: what cannot be read again, as a pipe, is copied first. */
static FILE *
open_twice(const char *path)
{
    FILE *f = fopen(path, "re"), *t;
    char buf[16384];
    size_t n;

    if (f == NULL || fseek(f, 0, SEEK_SET) == 0) {
        return f;
    }
    t = tmpfile();
    while (t != NULL && (n = fread(buf, 1, sizeof(buf), f)) > 0) {
        if (fwrite(buf, 1, n, t) != n) {
            fclose(t);
            t = NULL;
        }
    }
    fclose(f);
    if (t != NULL) {
        rewind(t);
    }
    return t;
}

static int
add_csv(struct command *c, struct tbe_str file)
{
    char *path = command_path(c, file);
    FILE *f = open_twice(path);
    long rows;
    int status;

    if (f == NULL) {
        return command_fail(c, "%s: %s", path, strerror(errno));
    }
    status = csv_pass(c, path, f, false, &rows);
    if (status == 0) {
        rewind(f);
        status = csv_pass(c, path, f, true, &rows);
    }
    fclose(f);
    if (status == 0) {
        tbe_buf_fmt(&c->out, "added %ld devices\n", rows);
    }
    return status;
}

int
command_device_add(struct command *c)
{
    struct hub_new_device n = { 0 };
    struct tbe_str v, info = TBE_STR_NONE;
    struct tbe_uuid id;
    tbe_val j;
    char text[TBE_UUID_TEXT + 1], err[256];
    bool gateway;
    int r;

    if (command_option(c, "--csv", &v)) {
        r = command_words(c, 0, 0, "device add --csv FILE");
        return r ? r : add_csv(c, v);
    }
    r = credentials(c, &n.cred);
    if (r != 0) {
        return r;
    }
    (void)command_option(c, "--profile", &n.profile);
    (void)command_option(c, "--label", &n.label);
    gateway = command_flag(c, "--gateway");
    if (command_option(c, "--info", &info) &&
        (tbe_json_parse(&c->a, info, TBE_JSON_JAVA, &j, NULL) != 0 || j.t != TBE_MAP)) {
        return command_usage(c, "--info must be a JSON object");
    }
    n.info = info.p ? info : gateway ? TBE_STR("{\"gateway\":true}") : TBE_STR_NONE;
    r = command_words(c, 1, 1, "device add NAME [--token T] [--profile P] [--gateway]");
    if (r != 0) {
        return r;
    }
    n.name = c->argv[0];
    if (hub_device_create(c->hub, &n, &id, err) != 0) {
        return command_fail(c, "%s", err);
    }
    tbe_uuid_text(&id, text);
    tbe_buf_fmt(&c->out, "added %.*s %s\n", (int)n.name.n, n.name.p, text);
    return 0;
}

struct listing {
    struct command *c;
    bool json;
};

static bool
list_one(void *arg, const struct store_entity *e)
{
    struct listing *l = arg;
    struct command *c = l->c;
    char id[TBE_UUID_TEXT + 1];

    if (l->json) {
        tbe_buf_puts(&c->out, e->json);
        tbe_buf_putc(&c->out, '\n');
        return c->out.n <= COMMAND_OUT_MAX;
    }
    tbe_uuid_text(&e->id.id, id);
    tbe_buf_fmt(&c->out, "%.*s\t%.*s\t%s\n", (int)e->name.n, e->name.p, (int)e->kind.n, e->kind.n ? e->kind.p : "",
                id);
    return c->out.n <= COMMAND_OUT_MAX;
}

int
command_device_list(struct command *c)
{
    struct listing l = { c, command_flag(c, "--json") };
    int r = command_words(c, 0, 0, "device list [--json]");

    if (r == 0) {
        store_entity_each(c->store, TBE_ENT_DEVICE, list_one, &l);
    }
    return r;
}

struct relations {
    struct command *c;
    uint32_t n;
};

static bool
relation_one(void *arg, const struct store_relation *r)
{
    struct relations *l = arg;
    struct tbe_buf *b = &l->c->out;
    char id[TBE_UUID_TEXT + 1];

    tbe_uuid_text(&r->from.id, id);
    tbe_buf_fmt(b, "%s{\"fromType\":\"%s\",\"from\":\"%s\",\"type\":", l->n++ ? "," : "",
                tbe_entity_type_name(r->from.type), id);
    tbe_json_write_str(b, r->type);
    tbe_buf_putz(b, ",\"typeGroup\":");
    tbe_json_write_str(b, r->group.p ? r->group : TBE_STR("COMMON"));
    tbe_buf_putc(b, '}');
    return true;
}

/* The entity, who points to it, and how it logs in; secrets (passwords, keys) are not shown. */
int
command_device_show(struct command *c)
{
    static const char *const types[] = { "ACCESS_TOKEN", "MQTT_BASIC", "X509_CERTIFICATE", "LWM2M_CREDENTIALS" };
    int r = (command_flag(c, "--json"), command_words(c, 1, 1, "device show NAME"));
    const struct store_entity *se;
    struct relations l = { c, 0 };
    struct store_cred cred;
    struct hub_device *d;
    struct tbe_entity e;

    if (r != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    e = (struct tbe_entity){ TBE_ENT_DEVICE, d->id };
    se = store_entity(c->store, &e);
    if (se == NULL) {
        return 1;
    }
    tbe_buf_putz(&c->out, "{\"device\":");
    tbe_buf_puts(&c->out, se->json);
    tbe_buf_putz(&c->out, ",\"relationsTo\":[");
    store_relation_each(c->store, &e, false, TBE_STR_NONE, relation_one, &l);
    tbe_buf_putz(&c->out, "],\"credentialsType\":");
    if (store_cred_of(c->store, &e.id, &cred)) {
        tbe_buf_fmt(&c->out, "\"%s\",\"credentialsId\":", types[cred.type]);
        tbe_json_write_str(&c->out, cred.id);
    } else {
        tbe_buf_putz(&c->out, "null");
    }
    tbe_buf_putz(&c->out, "}\n");
    return 0;
}

/* --customer TITLE, made when there is none. */
static int
customer_option(struct command *c, struct tbe_uuid *id)
{
    struct tbe_str title;
    char err[256];

    if (!command_option(c, "--customer", &title)) {
        return command_usage(c, "--customer TITLE is missing");
    }
    return hub_customer(c->hub, title, id, err) == 0 ? 0 : command_fail(c, "%s", err);
}

/* What a user of the customer would do over REST; --json answers as REST does. */
int
command_device_claim(struct command *c)
{
    static const char *const words[] = { "SUCCESS", "FAILURE", "CLAIMED" };
    bool json = command_flag(c, "--json");
    struct tbe_str secret = TBE_STR("");
    struct tbe_uuid customer;
    struct hub_device *d;
    struct tbe_entity e;
    enum hub_claim res;
    int r;

    (void)command_option(c, "--secret", &secret);
    r = customer_option(c, &customer);
    if (r != 0 || (r = command_words(c, 1, 1, "device claim NAME [--secret KEY] --customer TITLE")) != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    e = (struct tbe_entity){ TBE_ENT_DEVICE, d->id };
    res = hub_claim(c->hub, d, secret, &customer);
    if (json && res == HUB_CLAIM_SUCCESS) {
        const struct store_entity *se = store_entity(c->store, &e);

        tbe_buf_putz(&c->out, "{\"status\":200,\"body\":{\"response\":\"SUCCESS\",\"device\":");
        tbe_buf_puts(&c->out, se != NULL ? se->json : TBE_STR("null"));
        tbe_buf_putz(&c->out, "}}\n");
    } else if (json) {
        tbe_buf_fmt(&c->out, "{\"status\":400,\"body\":\"%s\"}\n", words[res]);
    } else {
        tbe_buf_fmt(&c->out, "%s\n", words[res]);
    }
    return res == HUB_CLAIM_SUCCESS ? 0 : 1;
}

int
command_device_assign(struct command *c)
{
    struct tbe_uuid customer;
    struct hub_device *d;
    int r = customer_option(c, &customer);

    if (r != 0 || (r = command_words(c, 1, 1, "device assign NAME --customer TITLE")) != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    hub_device_assign(c->hub, d, &customer);
    return 0;
}

int
command_device_unassign(struct command *c)
{
    struct hub_device *d;
    int r = command_words(c, 1, 1, "device unassign NAME");

    if (r != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    hub_device_assign(c->hub, d, &tbe_uuid_null);
    return 0;
}

int
command_device_set(struct command *c)
{
    struct tbe_str name = TBE_STR_NONE, label = TBE_STR_NONE;
    struct hub_device *d;
    char err[256];
    int r;

    (void)command_option(c, "--name", &name);
    (void)command_option(c, "--label", &label);
    r = command_words(c, 1, 1, "device set NAME [--name NEW] [--label TEXT]");
    if (r != 0) {
        return r;
    }
    if (name.p == NULL && label.p == NULL) {
        return command_usage(c, "nothing to set: --name NEW or --label TEXT is missing");
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    return hub_device_set(c->hub, d, name, label, err) == 0 ? 0 : command_fail(c, "%s", err);
}

int
command_device_rm(struct command *c)
{
    int r = command_words(c, 1, 1, "device rm NAME");
    struct hub_device *d;
    struct tbe_uuid id;

    if (r != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    id = d->id;
    hub_device_remove(c->hub, &id);
    return 0;
}

int
command_device_credentials(struct command *c)
{
    struct store_cred cred;
    static const char *const types[] = { "ACCESS_TOKEN", "MQTT_BASIC", "X509_CERTIFICATE", "LWM2M_CREDENTIALS" };
    struct hub_device *d;
    struct tbe_uuid id;
    char err[256];
    int r = credentials(c, &cred);

    if (r != 0 || (r = command_words(c, 1, 1, "device credentials NAME [--token T]")) != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    id = d->id;
    if (cred.id.n == 0) {
        if (!store_cred_of(c->store, &id, &cred)) {
            return command_fail(c, "the device has no credentials");
        }
        tbe_buf_fmt(&c->out, "%s %.*s\n", types[cred.type], (int)cred.id.n, cred.id.p);
        return 0;
    }
    if (hub_cred_set(c->hub, &id, &cred, err) != 0) {
        return command_fail(c, "%s", err);
    }
    return 0;
}

int
command_profile_add(struct command *c)
{
    struct tbe_str file, json;
    struct tbe_uuid id;
    char text[TBE_UUID_TEXT + 1], err[256];
    int r;

    if (!command_option(c, "--json", &file)) {
        return command_usage(c, "usage: tbedge profile add NAME --json FILE");
    }
    r = command_words(c, 1, 1, "profile add NAME --json FILE");
    if (r != 0 || (r = command_file(c, file, FILE_MAX, &json)) != 0) {
        return r;
    }
    if (hub_profile_put(c->hub, c->argv[0], json, &id, err) != 0) {
        return command_fail(c, "%s", err);
    }
    tbe_uuid_text(&id, text);
    tbe_buf_fmt(&c->out, "profile %.*s %s\n", (int)c->argv[0].n, c->argv[0].p, text);
    return 0;
}

int
command_profile_list(struct command *c)
{
    struct listing l = { c, command_flag(c, "--json") };
    int r = command_words(c, 0, 0, "profile list [--json]");

    if (r == 0) {
        store_entity_each(c->store, TBE_ENT_DEVICE_PROFILE, list_one, &l);
    }
    return r;
}

/* Attributes ---------------------------------------------------------------------------------------- */

/* --scope: CLIENT_SCOPE, SHARED_SCOPE, SERVER_SCOPE, or client, shared, server. */
static int
scope_option(struct command *c, int dflt, int *out)
{
    static const char *const words[] = { "client", "shared", "server" };
    struct tbe_str v;

    *out = dflt;
    if (!command_option(c, "--scope", &v)) {
        return 0;
    }
    *out = store_scope_parse(v);
    for (int i = 0; i < 3; i++) {
        if (tbe_str_eqz(v, words[i])) {
            *out = i;
        }
    }
    return *out >= 0 ? 0 : command_usage(c, "--scope must be client, shared or server, got \"%.*s\"", (int)v.n, v.p);
}

struct attr_out {
    struct command *c;
    const char *scope;
    bool json;
    uint32_t n;
};

static bool
attr_one(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    struct attr_out *o = arg;
    struct command *c = o->c;

    (void)ts;
    for (int i = 1; i < c->argc; i++) {
        if (tbe_str_eq(c->argv[i], kv->key)) {
            break;
        }
        if (i + 1 == c->argc) {
            return true;
        }
    }
    if (o->json) {
        tbe_buf_putz(&c->out, o->n ? "," : "");
        tbe_json_write_str(&c->out, kv->key);
        tbe_buf_putc(&c->out, ':');
    } else {
        tbe_buf_fmt(&c->out, "%s %.*s ", o->scope, (int)kv->key.n, kv->key.p);
    }
    tbe_kv_json(&c->out, kv, TBE_OUT_GSON | TBE_OUT_NO_HTML);
    if (!o->json) {
        tbe_buf_putc(&c->out, '\n');
    }
    o->n++;
    return true;
}

int
command_attr_get(struct command *c)
{
    bool json = command_flag(c, "--json"), first = true;
    struct hub_device *d;
    struct tbe_entity e;
    int only, r = scope_option(c, STORE_SCOPES, &only);

    if (r != 0 || (r = command_words(c, 1, 1 << 20, "attr get DEVICE [--scope S] [KEY...]")) != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    e = (struct tbe_entity){ TBE_ENT_DEVICE, d->id };
    tbe_buf_putz(&c->out, json ? "{" : "");
    for (int s = 0; s < STORE_SCOPES; s++) {
        struct attr_out o = { c, store_scope_name((enum store_scope)s), json, 0 };

        if (only != STORE_SCOPES && s != only) {
            continue;
        }
        if (json) {
            tbe_buf_fmt(&c->out, "%s\"%s\":{", first ? "" : ",", o.scope);
        }
        first = false;
        store_attr_each(c->store, &e, (enum store_scope)s, attr_one, &o);
        tbe_buf_putz(&c->out, json ? "}" : "");
    }
    tbe_buf_putz(&c->out, json ? "}\n" : "");
    return 0;
}

/* KEY=VALUE words as one JSON object: a VALUE that is JSON stays JSON, all else is a string. */
static int
words_json(struct command *c, struct tbe_buf *b)
{
    tbe_buf_putc(b, '{');
    for (int i = 1; i < c->argc; i++) {
        struct tbe_str w = c->argv[i], v;
        const char *eq = memchr(w.p, '=', w.n);
        tbe_val j;

        if (eq == NULL || eq == w.p) {
            return command_usage(c, "\"%.*s\" is not KEY=VALUE", (int)w.n, w.p);
        }
        v = (struct tbe_str){ eq + 1, w.n - (size_t)(eq + 1 - w.p) };
        tbe_buf_putz(b, i > 1 ? "," : "");
        tbe_json_write_str(b, (struct tbe_str){ w.p, (size_t)(eq - w.p) });
        tbe_buf_putc(b, ':');
        if (v.n > 0 && tbe_json_parse(&c->a, v, TBE_JSON_RAW, &j, NULL) == 0 && j.t != TBE_NULL) {
            tbe_buf_puts(b, v);
        } else {
            tbe_json_write_str(b, v);
        }
    }
    tbe_buf_putc(b, '}');
    return 0;
}

int
command_attr_set(struct command *c)
{
    struct tbe_str json = TBE_STR_NONE, err = TBE_STR_NONE;
    struct tbe_buf b = { 0 };
    struct hub_device *d;
    struct tbe_kvs kvs;
    bool given = command_option(c, "--json", &json);
    int scope, r = scope_option(c, STORE_SHARED, &scope);

    if (r != 0 || (r = command_words(c, given ? 1 : 2, 1 << 20, "attr set DEVICE [--scope S] KEY=VALUE...")) != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    if (!given) {
        r = words_json(c, &b);
        json = tbe_arena_dup(&c->a, tbe_buf_str(&b));
        tbe_buf_free(&b);
        if (r != 0) {
            return r;
        }
    }
    if (tbe_kv_attributes(&c->a, json, 0, 0, &kvs, &err) != 0) {
        return command_fail(c, "%.*s", (int)err.n, err.n ? err.p : "");
    }
    hub_rest_attributes(c->hub, d, (enum store_scope)scope, &kvs);
    return 0;
}

int
command_attr_rm(struct command *c)
{
    struct hub_device *d;
    int scope, r = scope_option(c, STORE_SHARED, &scope);

    if (r != 0 || (r = command_words(c, 2, 1 << 20, "attr rm DEVICE [--scope S] KEY...")) != 0) {
        return r;
    }
    d = command_device(c, c->argv[0]);
    if (d == NULL) {
        return 1;
    }
    hub_rest_attributes_delete(c->hub, d, (enum store_scope)scope, c->argv + 1, (uint32_t)(c->argc - 1));
    return 0;
}
