/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec test`: unit tests of chains. */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "cmd/cmd.h"
#include "drive/test.h"

enum { OPT_FORMAT, OPT_FILTER, OPT_COVERAGE, OPT_COVERAGE_OUT, OPT_UPDATE, OPT_CC, OPT_TIMEOUT, OPT_JOBS, OPT_CACHE, OPT_NO_CACHE };

static const struct cmd_option options[] = {
    [OPT_FORMAT] = { "format", "FORMAT", "tap|junit|json", "how results are written (tap)" },
    [OPT_FILTER] = { "filter", "NAME", .help = "only tests whose name holds NAME" },
    [OPT_COVERAGE] = { "coverage", "FORMAT", "text|json|lcov",
                       "also tell which nodes, relations and script branches ran" },
    [OPT_COVERAGE_OUT] = { "coverage-output", "FILE", .file = true, .help = "where the coverage goes" },
    [OPT_UPDATE] = { "update", .help = "write what was observed into the files, for expectations that fail" },
    [OPT_CC] = { "cc", "CC", .help = "C compiler and its options ($CC, else gcc, cc or tcc, with -O0)" },
    [OPT_TIMEOUT] = { "timeout", "SECONDS", .help = "a worker may take for its tests (60)" },
    [OPT_JOBS] = { "jobs", "N", .letter = 'j', .help = "workers at the same time (one per processor)" },
    [OPT_CACHE] = { "cache", "DIR", .dir = true, .help = "where built workers stay (the user's cache directory)" },
    [OPT_NO_CACHE] = { "no-cache", .help = "build anew" },
};

static bool
number(const char *text, unsigned max, unsigned otherwise, unsigned *out)
{
    char *end;
    *out = otherwise;
    if (!text) {
        return true;
    }
    unsigned long n = strtoul(text, &end, 10);
    *out = (unsigned)n;
    return *text >= '0' && *text <= '9' && *end == '\0' && n >= 1 && n <= max;
}

static int
run(const struct cmd_args *x)
{
    struct tbe_arena a;
    struct test_options o = {
        .format = x->v[OPT_FORMAT] ? x->v[OPT_FORMAT] : "tap",
        .filter = x->v[OPT_FILTER],
        .cc = x->v[OPT_CC],
        .coverage = x->v[OPT_COVERAGE],
        .coverage_out = x->v[OPT_COVERAGE_OUT],
        .cache = x->v[OPT_CACHE],
        .no_cache = x->v[OPT_NO_CACHE],
        .update = x->v[OPT_UPDATE],
    };
    if (!number(x->v[OPT_TIMEOUT], 3600, 60, &o.seconds)) {
        return cmd_usage(x->cmd, "--timeout %s: expected 1 to 3600 seconds", x->v[OPT_TIMEOUT]);
    }
    if (!number(x->v[OPT_JOBS], 16, 0, &o.jobs)) {
        return cmd_usage(x->cmd, "--jobs %s: expected 1 to 16", x->v[OPT_JOBS]);
    }
    if (o.coverage_out && !o.coverage) {
        return cmd_usage(x->cmd, "--coverage-output needs --coverage");
    }
    if (o.coverage && strcmp(o.coverage, "text") != 0 && !o.coverage_out) {
        return cmd_usage(x->cmd, "--coverage %s needs --coverage-output FILE: standard output has the results", o.coverage);
    }
    cmd_arena(&a);
    int rc = test_files(&a, &o, x->operands, x->n_operands, stdout);
    tbe_arena_free(&a);
    return rc;
}

const struct command cmd_test = {
    .name = "test",
    .summary = "run unit tests of rule chains",
    .operands = "FILE.test.yaml...",
    .min_operands = 1,
    .about = "Compiles the chains a test file names, or the single nodes it describes, to the code that runs in\n"
             "production, gives them messages, and compares what they do with what is expected: relations taken,\n"
             "messages, saved values, alarms, events for the cloud, RPC. docs/testing.md describes the files.\n"
             "Nothing outside is touched: the store is in memory, the clock stands still, devices are scripted.",
    .examples = "# all tests, as TAP\n"
                "tbedgec test tests/*.test.yaml\n"
                "# for a CI server\n"
                "tbedgec test --format junit thermostat.test.yaml > results.xml\n"
                "# which parts of the chains no test reaches\n"
                "tbedgec test --coverage lcov --coverage-output chains.info *.test.yaml\n",
    .exits = "0 all passed, 1 some failed or a file has mistakes, 2 usage or input/output",
    CMD_OPTIONS(options),
    .run = run,
};
