/* SPDX-License-Identifier: Apache-2.0 */
/* tbedge: options and sub-commands. */
#include "config.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/control.h"
#include "front/front.h"
#include "front/generation.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "usage: tbedge [--data DIR] [-c FILE] COMMAND ...\n"
    "  run [WORKER | CHAIN...]        run the worker; chains are compiled first; with neither, the current one\n"
    "  deploy WORKER | CHAIN...       swap to another worker; devices stay connected\n"
    "  rollback                       swap to the last good worker\n"
    "  status [--json]                what runs, what is stored, what waits for the cloud\n"
    "  device add|list|set|rm ...     devices and their credentials\n"
    "  attr get|set|rm DEVICE ...     attributes\n"
    "  relation add|rm|list ...       relations between entities\n"
    "  alarm list|create|clear ...    alarms\n"
    "  rpc DEVICE METHOD PARAMS       call a device\n"
    "  export, backup                 stored data\n"
    "  aside list|retry|drop          what the cloud did not take\n"
    "options:\n"
    "  --data DIR     data directory (TBEDGE_DATA, else /var/lib/tbedge)\n"
    "  -c, --config FILE   tbedge.yml (else ./tbedge.yml and /etc/tbedge/tbedge.yml, when there)\n"
    "  -h, --help     this text; after a command, that command's\n"
    "  --version      the version\n";

struct options {
    const char *data, *config;
    char **argv; /* command and what follows, without the options above */
    int argc;
};

static int
usage_error(const char *what, const char *arg)
{
    fprintf(stderr, "tbedge: %s%s\ntry: tbedge --help\n", what, arg);
    return EXIT_USAGE;
}

static int
fail(const char *err)
{
    fprintf(stderr, "tbedge: %s\n", err);
    return 1;
}

/* The value of option `name` at argv[*i], as "--name=V" or "--name V". 0: it is another one; -1:
 * no value. */
static int
option_value(char **argv, int argc, int *i, const char *name, const char *letter, const char **out)
{
    size_t n = strlen(name);

    if (strncmp(argv[*i], name, n) == 0 && argv[*i][n] == '=') {
        *out = argv[*i] + n + 1;
        return 1;
    }
    if (strcmp(argv[*i], name) != 0 && strcmp(argv[*i], letter) != 0) {
        return 0;
    }
    if (*i + 1 >= argc) {
        return -1;
    }
    *out = argv[++*i];
    return 1;
}

/* Takes --data and --config out of argv wherever they stand before "--"; -c only before the
 * command and for `run`, because other commands have letters of their own. Gives 0, or the exit
 * status + 1. */
static int
take_options(int argc, char **argv, struct options *o)
{
    bool ended = false;

    o->argv = argv;
    for (int i = 1; i < argc; i++) {
        int r = 0;
        bool ours = o->argc == 0 || strcmp(o->argv[0], "run") == 0;
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
            if (o->argc == 0) {
                continue;
            }
        } else if (!ended) {
            r = option_value(argv, argc, &i, "--data", "--data", &o->data);
            r = r ? r : option_value(argv, argc, &i, "--config", ours ? "-c" : "--config",
                                     &o->config);
        }
        if (r < 0) {
            return usage_error("a value is missing after ", argv[i]) + 1;
        }
        if (r > 0) {
            continue;
        }
        if (o->argc == 0 && !ended &&
            (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            fputs(usage, stdout);
            return 1;
        }
        if (o->argc == 0 && !ended && strcmp(argv[i], "--version") == 0) {
            puts("tbedge " PACKAGE_VERSION);
            return 1;
        }
        if (o->argc == 0 && !ended && argv[i][0] == '-') {
            return usage_error("unknown option ", argv[i]) + 1;
        }
        o->argv[o->argc++] = argv[i];
    }
    o->argv[o->argc] = NULL;
    return o->argc ? 0 : usage_error("a command is missing", "") + 1;
}

static bool
load_settings(const struct options *o, struct settings *s, char err[256])
{
    static const char *const usual[] = { "tbedge.yml", "/etc/tbedge/tbedge.yml" };
    const char *file = o->config;

    for (unsigned i = 0; !file && i < sizeof usual / sizeof *usual; i++) {
        if (access(usual[i], R_OK) == 0) {
            file = usual[i];
        }
    }
    return settings_init(s, err) && (!file || settings_read_file(file, err)) &&
        settings_read_env(s, err) &&
           (!o->data || settings_set(s, "data", o->data, err));
}

/* Files of `run` and `deploy`: "--" is allowed before them, options are not. */
static int
check_files(struct options *o, int *first)
{
    *first = 1;
    for (int i = 1; i < o->argc; i++) {
        if (strcmp(o->argv[i], "--") == 0) {
            if (i != 1) {
                return usage_error("unexpected --", "");
            }
            *first = 2;
            return 0;
        }
        if (o->argv[i][0] == '-' && o->argv[i][1]) {
            return usage_error("unknown option ", o->argv[i]);
        }
    }
    return 0;
}

static bool
make_generation(const char *data, char **files, int n, char digest[GENERATION_DIGEST + 1],
                char err[256])
{
    if (n == 1 && generation_is_worker(files[0])) {
        return generation_add(data, files[0], digest, err);
    }
    for (int i = 0; i < n; i++) {
        if (strcmp(files[i], "-") != 0 && generation_is_worker(files[i])) {
            snprintf(err, 256, "%.180s is a worker; give one worker, or chains", files[i]);
            return false;
        }
    }
    return generation_build(data, files, n, digest, err);
}

/* An edge of a cloud starts without chains: the cloud sends them. */
static bool
first_worker(const char *data, char digest[GENERATION_DIGEST + 1], char err[256])
{
    const char *key = getenv("CLOUD_ROUTING_KEY");
    char tool[PATH_MAX];

    if (!key || !*key) {
        snprintf(err, 256, "%.150s holds no worker yet: name a worker or chains to run, or configure a cloud", data);
        return false;
    }
    generation_find_tool("tbedge-worker", tool, sizeof tool);
    return generation_add(data, tool, digest, err);
}

static int
cmd_run(struct options *o, struct settings *s)
{
    char digest[GENERATION_DIGEST + 1], err[256], tool[PATH_MAX];
    int first, rc = check_files(o, &first);

    if (rc) {
        return rc;
    }
    if (o->argc > first) {
        if (!make_generation(s->data, o->argv + first, o->argc - first, digest, err)) {
            return fail(err);
        }
    } else if (!generation_get(s->data, "current", digest) && !first_worker(s->data, digest, err)) {
        return fail(err);
    }
    generation_find_tool("tbedgec", tool, sizeof tool);
    setenv("TBEDGEC", tool, 0); /* for workers, which compile the chains the cloud sends */
    return front_run(s, digest);
}

/* Prints {"exit","stdout","stderr"}. */
static int
print_reply(struct tbe_str json)
{
    cJSON *o = cJSON_ParseWithLength(json.p, json.n);
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(o, "exit");
    const char *out = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "stdout"));
    const char *err = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "stderr"));
    int rc = cJSON_IsNumber(code) ? code->valueint : 1;

    fputs(out ? out : "", stdout);
    fputs(err ? err : "", stderr);
    if (!cJSON_IsNumber(code)) {
        fputs("tbedge: the daemon's answer cannot be read\n", stderr);
    }
    if (fflush(stdout) != 0 && rc == 0) {
        perror("tbedge: stdout");
        rc = 1;
    }
    cJSON_Delete(o);
    return rc;
}

/* Sends {"op":..., key: value}. Gives the exit status, or -2 when no daemon is there. */
static int
call_daemon(const char *data, cJSON *request)
{
    struct tbe_buf reply = { 0 };
    char *text = cJSON_PrintUnformatted(request), err[256] = "out of memory";
    int rc = text ? control_call(data, tbe_strz(text), &reply, err) : -1;

    if (rc == 0) {
        rc = print_reply(tbe_buf_str(&reply));
    } else if (rc == -1) {
        rc = fail(err);
    }
    tbe_buf_free(&reply);
    cJSON_free(text);
    cJSON_Delete(request);
    return rc;
}

static int
cmd_deploy(struct options *o, struct settings *s)
{
    char digest[GENERATION_DIGEST + 1], err[256];
    int first, rc = check_files(o, &first);
    cJSON *request;

    if (rc) {
        return rc;
    }
    if (o->argc <= first) {
        return usage_error("deploy needs a worker or chains", "");
    }
    if (!make_generation(s->data, o->argv + first, o->argc - first, digest, err)) {
        return fail(err);
    }
    request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "op", "deploy");
    cJSON_AddStringToObject(request, "digest", digest);
    rc = call_daemon(s->data, request);
    if (rc != -2) {
        return rc;
    }
    if (!generation_set(s->data, "current", digest, err)) {
        return fail(err);
    }
    printf("generation %.12s will run when tbedge is started\n", digest);
    return 0;
}

static int
cmd_rollback(struct options *o, struct settings *s)
{
    char current[GENERATION_DIGEST + 1] = "", digest[GENERATION_DIGEST + 1], err[256];
    cJSON *request = cJSON_CreateObject();
    int rc;

    if (o->argc > 1) {
        cJSON_Delete(request);
        return usage_error("rollback takes no argument: ", o->argv[1]);
    }
    cJSON_AddStringToObject(request, "op", "rollback");
    rc = call_daemon(s->data, request);
    if (rc != -2) {
        return rc;
    }
    generation_get(s->data, "current", current);
    if ((!generation_get(s->data, "good", digest) || strcmp(digest, current) == 0) &&
        (!generation_get(s->data, "previous", digest) || strcmp(digest, current) == 0)) {
        return fail("there is no earlier good generation");
    }
    if (!generation_set(s->data, "current", digest, err)) {
        return fail(err);
    }
    printf("generation %.12s will run when tbedge is started\n", digest);
    return 0;
}

/* tbedge-worker does the command itself, on the data directory. */
static int
exec_worker(struct options *o, struct settings *s)
{
    char tool[PATH_MAX];
    const char **argv = calloc((size_t)o->argc + 5, sizeof *argv);
    int k = 0;

    if (!argv) {
        return fail("out of memory");
    }
    generation_find_tool("tbedge-worker", tool, sizeof tool);
    argv[k++] = tool;
    argv[k++] = "--data";
    argv[k++] = s->data;
    argv[k++] = "--command";
    for (int i = 0; i < o->argc; i++) {
        argv[k++] = o->argv[i];
    }
    execvp(tool, (char **)(uintptr_t)argv);
    free(argv);
    fprintf(stderr, "tbedge: cannot run %s: ", tool);
    perror(NULL);
    return 1;
}

static int
cmd_worker(struct options *o, struct settings *s)
{
    cJSON *request = cJSON_CreateObject(), *argv = cJSON_AddArrayToObject(request, "argv");
    char cwd[PATH_MAX];
    int rc;

    for (int i = 0; i < o->argc; i++) {
        cJSON_AddItemToArray(argv, cJSON_CreateString(o->argv[i]));
    }
    cJSON_AddStringToObject(request, "cwd", getcwd(cwd, sizeof cwd) ? cwd : "/");
    cJSON_AddStringToObject(request, "op", "command");
    rc = call_daemon(s->data, request);
    return rc == -2 ? exec_worker(o, s) : rc;
}

typedef int command_fn(struct options *o, struct settings *s);
static const struct command {
    const char *name;
    command_fn *fn;
} commands[] = {
    { "run", cmd_run },
    { "deploy", cmd_deploy },
    { "rollback", cmd_rollback },
    { "export", exec_worker }, /* long output, read-only: not through the daemon */
    { "outbox", exec_worker },
    { "backup", exec_worker },
    { NULL, cmd_worker }, /* all others: their meaning, and whether they exist, the worker knows */
};

static bool
wants_help(const struct options *o)
{
    for (int i = 1; i < o->argc && strcmp(o->argv[i], "--") != 0; i++) {
        if (strcmp(o->argv[i], "--help") == 0 || strcmp(o->argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

int
main(int argc, char **argv)
{
    const struct command *c = commands;
    struct options o = { 0 };
    struct settings s;
    char err[256];
    int rc = take_options(argc, argv, &o);

    if (rc) {
        return rc - 1;
    }
    while (c->name && strcmp(c->name, o.argv[0]) != 0) {
        c++;
    }
    if (!load_settings(&o, &s, err)) {
        fail(err);
        rc = EXIT_USAGE;
    } else if (wants_help(&o) && c->fn != cmd_worker && c->fn != exec_worker) {
        fputs(usage, stdout);
    } else { /* a worker command's help is the worker's own */
        rc = (wants_help(&o) ? exec_worker : c->fn)(&o, &s);
    }
    settings_free(&s);
    return rc;
}
