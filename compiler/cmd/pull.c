/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec pull`: rule chains of a ThingsBoard server as files. */
#include "config.h"
#include "drive/pull.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cmd/cmd.h"
#include "drive/file.h"
#include "drive/fmt.h"

#define SECRET_MAX 65536 /* bytes of a token or password file */
#define TIMEOUT_S 30
#define TIMEOUT_MAX_S 3600
#define RETRIES 4
#define RETRIES_MAX 20

enum { OPT_URL, OPT_USER, OPT_PASSWORD_FILE, OPT_TOKEN, OPT_TOKEN_FILE, OPT_CHAIN, OPT_TYPE,
       OPT_OUTPUT, OPT_FORMAT,
       OPT_RAW, OPT_LIST, OPT_CACERT, OPT_CERT, OPT_KEY, OPT_INSECURE, OPT_TIMEOUT, OPT_RETRIES };

static const struct cmd_option options[] = {
    [OPT_URL] = { "url", "URL", .help = "the server: https://HOST[:PORT] ($TBEDGEC_URL)" },
    [OPT_USER] = { "user", "NAME",
                   .help = "log in as this user ($TBEDGEC_USER); password from $TBEDGEC_PASSWORD" },
    [OPT_PASSWORD_FILE] = { "password-file", "FILE", .file = true,
                            .help = "the password is in FILE; - is standard input" },
    [OPT_TOKEN] = { "token", "TOKEN",
                    .help = "JWT or API key; others can see it: better $TBEDGEC_TOKEN or a file" },
    [OPT_TOKEN_FILE] = { "token-file", "FILE", .file = true,
                         .help = "the token is in FILE; - is standard input" },
    [OPT_CHAIN] = { "chain", "NAME",
                    .help = "only the chain of this name or id; may be given several times" },
    [OPT_TYPE] = { "type", "TYPE", "core|edge|all", "only chains of this type (all)" },
    [OPT_OUTPUT] = { "output", "DIR", .letter = 'o', .dir = true,
                     .help = "directory to write into (.)" },
    [OPT_FORMAT] = { "format", "FORMAT", "json|yaml", "form of the files (json)" },
    [OPT_RAW] = { "raw", .help = "keep times, tenant and versions" },
    [OPT_LIST] = { "list", .help = "write nothing, print type, id and name of the chains" },
    [OPT_CACERT] = { "cacert", "FILE", .file = true,
                     .help = "PEM file of the authorities to trust (the system's)" },
    [OPT_CERT] = { "cert", "FILE", .file = true, .help = "PEM file of our certificate" },
    [OPT_KEY] = { "key", "FILE", .file = true, .help = "PEM file of its key (in the same file)" },
    [OPT_INSECURE] = { "insecure", .help = "take any certificate" },
    [OPT_TIMEOUT] = { "timeout", "SECONDS", .help = "a request may take so long (30)" },
    [OPT_RETRIES] = { "retries", "N",
                      .help = "tries more after 429, 5xx and lost connections (4)" },
};

/* A whole number from 0 or 1 to max. */
static bool
number(const char *text, long min, long max, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return *text && !*end && errno == 0 && *out >= min && *out <= max;
}

/* The first line of a file. NULL after a report. */
static const char *
secret_of(struct tbe_arena *a, const char *file)
{
    struct tbe_buf b = { 0 };
    char *s = NULL;
    if (file_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, SECRET_MAX, &b) != 0) {
        (void)cmd_fail("cannot read %s: %s", file, strerror(errno));
    } else {
        size_t n = b.n ? strcspn(b.p, "\r\n") : 0;
        s = tbe_arena_dupz(a, (struct tbe_str){ b.p, n });
        if (n == 0) {
            (void)cmd_fail("%s has no secret in its first line", file);
            s = NULL;
        }
    }
    if (b.p) {
        explicit_bzero(b.p, b.n);
    }
    tbe_buf_free(&b);
    return s;
}

static const char *
given(const struct cmd_args *x, int option, const char *variable)
{
    const char *v = x->v[option] ? x->v[option] : getenv(variable);
    return v && *v ? v : NULL;
}

static int
credentials(const struct cmd_args *x, struct tbe_arena *a, struct pull_options *o)
{
    o->token = x->v[OPT_TOKEN];
    if (x->v[OPT_TOKEN_FILE] && !(o->token = secret_of(a, x->v[OPT_TOKEN_FILE]))) {
        return EXIT_USAGE;
    }
    if (!o->token) {
        o->user = given(x, OPT_USER, "TBEDGEC_USER");
    }
    if (!o->token && !x->v[OPT_USER]) {
        const char *t = getenv("TBEDGEC_TOKEN");
        o->token = t && *t ? t : NULL;
    }
    if (o->token) {
        for (const char *p = o->token; *p; p++) {
            if ((unsigned char)*p <= ' ' || *p == 127) {
                return cmd_usage(x->cmd, "the token has a space or control character in it");
            }
        }
        return EXIT_CLEAN;
    }
    if (!o->user) {
        return cmd_usage(x->cmd, "no --user, --token-file or TBEDGEC_TOKEN given");
    }
    if (x->v[OPT_PASSWORD_FILE]) {
        o->password = secret_of(a, x->v[OPT_PASSWORD_FILE]);
        return o->password ? EXIT_CLEAN : EXIT_USAGE;
    }
    const char *password = getenv("TBEDGEC_PASSWORD");
    o->password = password && *password ? password : NULL;
    return o->password ? EXIT_CLEAN : cmd_usage(x->cmd,
                                                "no password: set TBEDGEC_PASSWORD or give --password-file");
}

static int
take_options(const struct cmd_args *x, struct tbe_arena *a, struct pull_options *o)
{
    long retries = RETRIES;
    *o = (struct pull_options){ .url = given(x, OPT_URL, "TBEDGEC_URL"), .cacert = x->v[OPT_CACERT], .cert = x->v[OPT_CERT],
                                .key = x->v[OPT_KEY], .insecure = x->v[OPT_INSECURE], .timeout_s = TIMEOUT_S };
    if (!o->url) {
        return cmd_usage(x->cmd, "no --url given");
    }
    if (x->v[OPT_TIMEOUT] && !number(x->v[OPT_TIMEOUT], 1, TIMEOUT_MAX_S, &o->timeout_s)) {
        return cmd_usage(x->cmd, "--timeout takes 1 to %d seconds, not %s", TIMEOUT_MAX_S,
                         x->v[OPT_TIMEOUT]);
    }
    if (x->v[OPT_RETRIES] && !number(x->v[OPT_RETRIES], 0, RETRIES_MAX, &retries)) {
        return cmd_usage(x->cmd, "--retries takes 0 to %d, not %s", RETRIES_MAX, x->v[OPT_RETRIES]);
    }
    o->retries = (unsigned)retries;
    return credentials(x, a, o);
}

/* A failure of the server, as status of ours. */
static int
failed(int rc, struct tbe_str why)
{
    (void)cmd_fail("%.*s", (int)why.n, why.p);
    return rc > 0 ? EXIT_PROBLEMS : EXIT_USAGE;
}

static int
list(const struct cmd_args *x, struct pull *p, struct pull_chain *v, uint32_t *n)
{
    static const char *const types[] = { "CORE", "EDGE" };
    const char *only = x->v[OPT_TYPE] && strcmp(x->v[OPT_TYPE], "all") != 0 ? x->v[OPT_TYPE] : NULL;
    struct tbe_str why;
    for (int i = 0; i < 2; i++) {
        int rc = only && strcasecmp(only, types[i]) != 0 ? 0 : pull_list(p, types[i], v, n, &why);
        if (rc != 0) {
            return failed(rc, why);
        }
    }
    return EXIT_CLEAN;
}

/* Is the chain wanted? Each --chain that is found is counted in found. */
static bool
wanted(const struct cmd_args *x, const struct pull_chain *c, bool *found)
{
    bool any = false, hit = false;
    for (int i = 0; i < x->n_all; i++) {
        if (x->all[i].option == OPT_CHAIN) {
            bool is = tbe_str_eqz(c->name, x->all[i].value) || tbe_str_eqz(c->id, x->all[i].value);
            any = true;
            hit |= is;
            found[i] |= is;
        }
    }
    return hit || !any;
}

static int
write_chain(const struct cmd_args *x, struct tbe_arena *a, const struct pull_chain *c,
            struct doc *d)
{
    bool yaml = x->v[OPT_FORMAT] && strcmp(x->v[OPT_FORMAT], "yaml") == 0;
    struct tbe_buf out = { 0 }, old = { 0 };
    struct tbe_str path = tbe_arena_fmt(a, "%s/%.*s.%s", x->v[OPT_OUTPUT] ? x->v[OPT_OUTPUT] : ".",
                                        (int)c->file.n,
                                        c->file.p, yaml ? "yaml" : "json");
    int rc = EXIT_CLEAN;
    fmt_order(a, d);
    if (yaml && fmt_yaml(&out, d, NULL)) {
        rc = cmd_fail("%s: half a surrogate pair in a text: YAML cannot hold it, use --format json",
                      path.p);
    } else if (!yaml) {
        fmt_json(&out, d);
    }
    /* What is the same already keeps its time. */
    bool same = rc == EXIT_CLEAN && file_read(path.p, DOC_MAX_BYTES, &old) == 0 &&
                tbe_str_eq(tbe_buf_str(&old), tbe_buf_str(&out));
    if (rc == EXIT_CLEAN && !same && (out.oom || file_replace(a, path.p, tbe_buf_str(&out)) != 0)) {
        rc = cmd_fail("cannot write %s: %s", path.p, strerror(out.oom ? ENOMEM : errno));
    }
    if (rc == EXIT_CLEAN) {
        cmd_progress(NULL);
        printf("%s%s\n", path.p, same ? " (unchanged)" : "");
    }
    tbe_buf_free(&old);
    tbe_buf_free(&out);
    return rc;
}

/* Each chain has an arena of its own: a server may have a thousand. */
static int
pull_one(const struct cmd_args *x, struct pull *p, const struct pull_chain *c)
{
    struct tbe_arena one, *all = pull_arena(p);
    struct doc *d;
    struct tbe_str why;
    cmd_arena(&one);
    pull_use(p, &one);
    int rc = pull_fetch(p, c, x->v[OPT_RAW] != NULL, &d, &why);
    rc = rc != 0 ? failed(rc, why) : write_chain(x, &one, c, d);
    pull_use(p, all);
    tbe_arena_free(&one);
    return rc;
}

/* A name is not ours: what could steer a terminal is not shown. */
static void
print_chain(const struct pull_chain *c)
{
    printf("%.*s %.*s ", (int)c->type.n, c->type.p, (int)c->id.n, c->id.p);
    for (size_t i = 0; i < c->name.n; i++) {
        unsigned char ch = (unsigned char)c->name.p[i];
        putchar(ch < 32 || ch == 127 ? '?' : ch);
    }
    putchar('\n');
}

static int
pull_all(const struct cmd_args *x, struct pull *p, struct tbe_arena *a)
{
    struct pull_chain *v = tbe_arena_zalloc(a, (PULL_MAX_CHAINS + 1) * sizeof *v);
    bool found[CMD_MAX_VALUES] = { false };
    const char *dir = x->v[OPT_OUTPUT];
    uint32_t n = 0;
    int rc = list(x, p, v, &n);
    pull_names(a, v, n);
    if (rc == EXIT_CLEAN && dir && !x->v[OPT_LIST] && mkdir(dir, 0777) != 0 && errno != EEXIST) {
        return cmd_fail("cannot make %s: %s", dir, strerror(errno));
    }
    for (uint32_t i = 0; rc != EXIT_USAGE && i < n; i++) {
        if (!wanted(x, &v[i], found)) {
            continue;
        }
        if (x->v[OPT_LIST]) {
            print_chain(&v[i]);
            continue;
        }
        cmd_progress("%u of %u: %.*s", i + 1, n, (int)v[i].file.n, v[i].file.p);
        int one = pull_one(x, p, &v[i]);
        rc = one > rc ? one : rc;
    }
    cmd_progress(NULL);
    for (int i = 0; rc == EXIT_CLEAN && i < x->n_all; i++) {
        if (x->all[i].option == OPT_CHAIN && !found[i]) {
            (void)cmd_fail("the server has no rule chain \"%s\"", x->all[i].value);
            rc = EXIT_PROBLEMS;
        }
    }
    return rc;
}

static int
run(const struct cmd_args *x)
{
    struct tbe_arena a;
    struct pull_options o;
    struct pull *p = NULL;
    struct tbe_str why;
    cmd_arena(&a);
    int rc = take_options(x, &a, &o);
    if (rc == EXIT_CLEAN) {
        int opened = pull_open(&a, &o, &p, &why);
        rc = opened != 0 ? failed(opened, why) : pull_all(x, p, &a);
        pull_close(p);
    }
    tbe_arena_free(&a);
    return rc;
}

const struct command cmd_pull = {
    .name = "pull",
    .summary = "fetch rule chains from a ThingsBoard server",
    .about = "Fetches the rule chains of a ThingsBoard server, all of them or by name, and writes one file for\n"
             "each: DIR/NAME.json. Files that would not change are not touched. Times, tenant and versions are\n"
             "left out, so that a file changes only when its chain does.\n"
             "\n"
             "Secrets are better not given on the command line, where other users see them: TBEDGEC_TOKEN,\n"
             "TBEDGEC_PASSWORD, --token-file and --password-file are for that. A token that starts with tb_ is\n"
             "an API key. Proxies are taken from the environment as curl does.",
    .examples = "# all chains, with an API key\n"
                "TBEDGEC_TOKEN=$(cat ~/.tb-key) tbedgec pull --url https://tb.example.com -o chains\n"
                "# one, as YAML\n"
                "tbedgec pull --url https://tb.example.com --user me@example.com --password-file pw \\\n"
                "    --chain \"Root Rule Chain\" --format yaml\n",
    .exits = "0 done, 1 the server refuses or has no such chain, 2 usage, network or files",
    CMD_OPTIONS(options),
    .run = run,
};
