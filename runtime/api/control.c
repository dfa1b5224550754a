/* SPDX-License-Identifier: Apache-2.0 */
/* Command table, options and answers. What the commands do is in the command_*.c files. */
#include "config.h"

#include "api/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct row {
    const char *name, *sub;
    command_fn *fn;
    bool reads;
    const char *usage;
} rows[] = {
    { "device", "add", command_device_add, false,
      "device add NAME [--token T | --mqtt-basic JSON | --x509 FILE] [--profile P] [--label L] [--gateway] "
      "[--info JSON]\n       tbedge device add --csv FILE     (name,token[,profile] a line)" },
    { "device", "list", command_device_list, true, "device list [--json]" },
    { "device", "show", command_device_show, true, "device show NAME" },
    { "device", "set", command_device_set, false, "device set NAME [--name NEW] [--label TEXT]" },
    { "device", "rm", command_device_rm, false, "device rm NAME" },
    { "device", "credentials", command_device_credentials, false,
      "device credentials NAME [--token T | --mqtt-basic JSON | --x509 FILE]" },
    { "device", "claim", command_device_claim, false, "device claim NAME [--secret KEY] --customer TITLE [--json]" },
    { "device", "assign", command_device_assign, false, "device assign NAME --customer TITLE" },
    { "device", "unassign", command_device_unassign, false, "device unassign NAME" },
    { "profile", "add", command_profile_add, false, "profile add NAME --json FILE" },
    { "profile", "list", command_profile_list, true, "profile list" },
    { "attr", "get", command_attr_get, true, "attr get DEVICE [--scope S] [--json] [KEY...]" },
    { "attr", "set", command_attr_set, false, "attr set DEVICE [--scope S] KEY=VALUE... | --json OBJECT" },
    { "attr", "rm", command_attr_rm, false, "attr rm DEVICE [--scope S] KEY..." },
    { "relation", "add", command_relation_add, false, "relation add FROM TYPE TO [--info JSON] [--user EMAIL]" },
    { "relation", "rm", command_relation_rm, false, "relation rm FROM TYPE TO [--user EMAIL]" },
    { "relation", "list", command_relation_list, true, "relation list ENTITY [TYPE] [--json]" },
    { "alarm", "list", command_alarm_list, true, "alarm list ENTITY [--json]" },
    { "alarm", "create", command_alarm_create, false,
      "alarm create ENTITY TYPE --severity S [--details JSON] [--user EMAIL]" },
    { "alarm", "ack", command_alarm_ack, false, "alarm ack ID [--user EMAIL]" },
    { "alarm", "clear", command_alarm_clear, false, "alarm clear ID [--user EMAIL]" },
    { "alarm", "rm", command_alarm_rm, false, "alarm rm ID [--user EMAIL]" },
    { "rpc", NULL, command_rpc, false,
      "rpc DEVICE METHOD [PARAMS] [--oneway] [--timeout MS] [--persistent] [--retries N] [--json]\n"
      "       tbedge rpc --show RPC_ID [--json]" },
    { "telemetry", NULL, command_telemetry, true, "telemetry DEVICE [--key K] [--json]" },
    { "status", NULL, command_status, true, "status [--json]" },
    { "export", NULL, command_export, true,
      "export [--device NAME] [--key K] [--from MS] [--to MS] [--format csv|jsonl] [--output FILE]" },
    { "outbox", NULL, command_outbox, true, "outbox [--json]" },
    { "aside", "list", command_aside_list, true, "aside list [--json]" },
    { "aside", "retry", command_aside_retry, false, "aside retry" },
    { "aside", "drop", command_aside_drop, false, "aside drop" },
    { "backup", NULL, command_backup, true, "backup FILE" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

bool
command_line(struct command *c)
{
    FILE *f = c->env->stream;

    if (f != NULL && c->out.n >= 65536) {
        bool ok = fwrite(c->out.p, 1, c->out.n, f) == c->out.n;
        c->out.n = 0;
        return ok;
    }
    return !c->out.oom && c->out.n <= COMMAND_OUT_MAX;
}

void
command_done(struct command *c, int status)
{
    struct tbe_str out = tbe_buf_str(&c->out);

    if (c->out.oom || c->err.oom || out.n > COMMAND_OUT_MAX) {
        c->err.n = 0;
        c->err.oom = false;
        tbe_buf_putz(&c->err, "tbedge: the output is too large; use --output FILE\n");
        out = TBE_STR("");
        status = 1;
    }
    c->fn(c->arg, status, out, tbe_buf_str(&c->err));
    tbe_buf_free(&c->out);
    tbe_buf_free(&c->err);
    tbe_arena_free(&c->a);
    free(c);
}

static void
put_error(struct command *c, const char *fmt, va_list ap)
{
    struct tbe_str s = tbe_arena_vfmt(&c->a, fmt, ap);

    tbe_buf_putz(&c->err, "tbedge: ");
    tbe_buf_puts(&c->err, s);
    tbe_buf_putc(&c->err, '\n');
}

int
command_fail(struct command *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_error(c, fmt, ap);
    va_end(ap);
    return 1;
}

int
command_usage(struct command *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_error(c, fmt, ap);
    va_end(ap);
    return COMMAND_USAGE;
}

static void
take(struct command *c, int i, int n)
{
    memmove(&c->argv[i], &c->argv[i + n], (size_t)(c->argc - i - n) * sizeof(*c->argv));
    c->argc -= n;
}

bool
command_option(struct command *c, const char *name, struct tbe_str *value)
{
    size_t n = strlen(name);
    bool found = false;

    for (int i = 0; i < c->argc && !tbe_str_eqz(c->argv[i], "--");) {
        struct tbe_str s = c->argv[i];

        if (tbe_str_eqz(s, name) && i + 1 < c->argc) {
            *value = c->argv[i + 1];
            take(c, i, 2);
            found = true;
        } else if (s.n > n && memcmp(s.p, name, n) == 0 && s.p[n] == '=') {
            *value = (struct tbe_str){ s.p + n + 1, s.n - n - 1 };
            take(c, i, 1);
            found = true;
        } else {
            i++;
        }
    }
    return found;
}

bool
command_flag(struct command *c, const char *name)
{
    for (int i = 0; i < c->argc && !tbe_str_eqz(c->argv[i], "--"); i++) {
        if (tbe_str_eqz(c->argv[i], name)) {
            take(c, i, 1);
            return true;
        }
    }
    return false;
}

int
command_words(struct command *c, int min, int max, const char *usage)
{
    for (int i = 0; i < c->argc; i++) {
        if (tbe_str_eqz(c->argv[i], "--")) {
            take(c, i, 1);
            break;
        }
        if (c->argv[i].n > 2 && memcmp(c->argv[i].p, "--", 2) == 0) {
            return command_usage(c, "unknown option, or an option without its value: %.*s", (int)c->argv[i].n,
                                 c->argv[i].p);
        }
    }
    if (c->argc < min || c->argc > max) {
        return command_usage(c, "usage: tbedge %s", usage);
    }
    return 0;
}

char *
command_path(struct command *c, struct tbe_str name)
{
    if (name.n > 0 && name.p[0] != '/' && c->cwd.n > 0) {
        name = tbe_arena_fmt(&c->a, "%.*s/%.*s", (int)c->cwd.n, c->cwd.p, (int)name.n, name.p);
    }
    return tbe_arena_dupz(&c->a, name);
}

int
command_file(struct command *c, struct tbe_str name, size_t max, struct tbe_str *text)
{
    char *path = command_path(c, name), *p;
    FILE *f = fopen(path, "re");
    size_t n;

    if (f == NULL) {
        return command_fail(c, "%s: %s", path, strerror(errno));
    }
    p = tbe_arena_alloc(&c->a, max + 1);
    n = p != NULL ? fread(p, 1, max + 1, f) : 0;
    if (p == NULL || ferror(f) || n > max) {
        fclose(f);
        return command_fail(c, "%s: %s", path, n > max ? "the file is too large" : "it cannot be read");
    }
    fclose(f);
    *text = (struct tbe_str){ p, n };
    return 0;
}

struct hub_device *
command_device(struct command *c, struct tbe_str name)
{
    struct hub_device *d = hub_device_by_name(c->hub, name);

    if (d == NULL) {
        command_fail(c, "there is no device \"%.*s\"", (int)name.n, name.p);
    }
    return d;
}

int
command_number(struct command *c, struct tbe_str s, const char *what, int64_t min, int64_t max, int64_t *out)
{
    char *z = tbe_arena_dupz(&c->a, s), *end;
    long long v;

    errno = 0;
    v = strtoll(z, &end, 10);
    if (s.n == 0 || *end != '\0' || errno != 0 || v < min || v > max) {
        return command_usage(c, "%s must be a number from %lld to %lld, got \"%s\"", what, (long long)min,
                             (long long)max, z);
    }
    *out = v;
    return 0;
}

static const struct row *
find(int argc, const struct tbe_str *argv)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (argc > 0 && tbe_str_eqz(argv[0], rows[i].name) &&
            (rows[i].sub == NULL || (argc > 1 && tbe_str_eqz(argv[1], rows[i].sub)))) {
            return &rows[i];
        }
    }
    return NULL;
}

static int
unknown(struct command *c)
{
    bool family = false;

    for (size_t i = 0; i < ROWS; i++) {
        if (c->argc > 0 && tbe_str_eqz(c->argv[0], rows[i].name)) {
            if (!family) {
                tbe_buf_putz(&c->err, "usage:\n");
            }
            family = true;
            tbe_buf_fmt(&c->err, "       tbedge %s\n", rows[i].usage);
        }
    }
    if (family) {
        return COMMAND_USAGE;
    }
    return command_usage(c, "unknown command: %.*s", c->argc ? (int)c->argv[0].n : 0, c->argc ? c->argv[0].p : "");
}

void
control_run(const struct control_env *env, int argc, const struct tbe_str *argv, struct tbe_str cwd,
            struct tbe_str front, control_reply_fn *fn, void *arg)
{
    struct command *c = calloc(1, sizeof(*c));
    const struct row *r = find(argc, argv);
    int skip, status;

    if (c == NULL) {
        fn(arg, 1, TBE_STR(""), TBE_STR("tbedge: out of memory\n"));
        return;
    }
    tbe_arena_init(&c->a, 0);
    c->own = *env;
    c->env = &c->own;
    c->hub = env->hub;
    c->store = hub_store(env->hub);
    c->fn = fn;
    c->arg = arg;
    skip = r == NULL ? 0 : r->sub ? 2 : 1;
    c->argc = argc - skip;
    c->argv = tbe_arena_alloc(&c->a, (size_t)(argc + 1) * sizeof(*c->argv));
    for (int i = 0; i < c->argc; i++) {
        c->argv[i] = tbe_arena_dup(&c->a, argv[i + skip]);
    }
    c->cwd = tbe_arena_dup(&c->a, cwd);
    c->front = front.p ? tbe_arena_dup(&c->a, front) : TBE_STR_NONE;
    if (r == NULL) {
        status = unknown(c);
    } else {
        status = r->fn(c);
    }
    if (status != COMMAND_LATER) {
        command_done(c, status);
    }
}

bool
control_help(int argc, char **argv)
{
    struct tbe_str words[2] = { argc > 0 ? tbe_strz(argv[0]) : TBE_STR_NONE, argc > 1 ? tbe_strz(argv[1]) : TBE_STR_NONE };
    bool asked = false, family = false;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        asked = asked || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
    }
    for (size_t i = 0; asked && i < ROWS; i++) {
        if (tbe_str_eqz(words[0], rows[i].name) &&
            (rows[i].sub == NULL || argc < 3 || tbe_str_eqz(words[1], rows[i].sub))) {
            printf("%s tbedge %s\n", family ? "      " : "usage:", rows[i].usage);
            family = true;
        }
    }
    return family;
}

bool
control_reads(int argc, char **argv)
{
    struct tbe_str words[2] = { argc > 0 ? tbe_strz(argv[0]) : TBE_STR_NONE, argc > 1 ? tbe_strz(argv[1]) : TBE_STR_NONE };
    const struct row *r = find(argc > 2 ? 2 : argc, words);

    return r == NULL || r->reads;
}
