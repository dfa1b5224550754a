/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of chains (docs/testing.md): what the files of `tbedgec test` share. A run reads test files,
 * groups them by the chains they test, builds one worker a group, runs its test mode (runtime/replay) and
 * compares. Everything lives in the arena of the run. */
#ifndef TBE_DRIVE_TEST_INT_H
#define TBE_DRIVE_TEST_INT_H

#include <time.h>
#include "check/check.h"
#include "drive/test.h"

#define TEST_MAX_FILES 1000u
#define TEST_MAX_BYTES (4u << 20)     /* of one test file */
#define TEST_MAX_REPORT (64u << 20)   /* bytes a worker may say in one run */
#define TEST_MAX_FAILURES 20u         /* shown of one test; the others are counted */
#define TEST_MAX_SHOWN 600u           /* bytes of a value in a failure */
#define TEST_NOW 1767225600000        /* 2026-01-01T00:00:00Z: the clock when the file has none */
#define TEST_CACHE_KEEP 16            /* workers kept in the cache */

struct test_name { /* what @{Name} and the keys that name entities mean */
    struct tbe_str name, id, type; /* type: entity type, RULE_CHAIN */
    const struct doc *spec;        /* entities: as given, or NULL */
};

struct test_failure {
    uint32_t line, col; /* of the expectation; 0: of the test */
    struct tbe_str where, expected, got; /* where: "nodes/Save/data"; expected absent: got is the message */
};

enum test_do { TEST_MESSAGE, TEST_POST, TEST_ADVANCE, TEST_SET, TEST_ALARM, TEST_NOTHING };

struct test_change { /* a message that left a node, and the one that had come in */
    const struct doc *out, *in;
};

struct test_step {
    const struct doc *doc;      /* the map that holds the step */
    const struct doc *what;     /* value of "message" and so on; NULL: TEST_NOTHING */
    const struct doc *expect;   /* or NULL */
    enum test_do kind;
    struct doc *observed;       /* as an expectation is written; NULL: did not run */
    uint32_t first, n;          /* its steps in the scenario */
    uint32_t wrong;             /* expectations that failed: bits of test_part */
    struct test_change *changes;
    uint32_t n_changes;
};

struct test_file;
struct test_case {
    struct test_file *file;
    const struct doc *doc;
    struct tbe_str name, skip;  /* skip: the reason, absent: it runs */
    bool exact, shut;           /* shut: left out by --filter */
    int64_t now;
    const struct doc *node;     /* node under test, or NULL */
    int32_t chain, index;       /* where that node is in the set */
    struct test_step *steps;
    uint32_t n_steps;
    struct test_name *names;    /* entities, then chains */
    uint32_t n_names, n_entities;
    bool ran;
    struct test_failure fails[TEST_MAX_FAILURES];
    uint32_t n_fails;           /* all of them */
    int64_t us;                 /* share of the run's time */
};

struct test_set;
struct test_file {
    const char *path;
    struct tbe_str dir;         /* with the last slash, or empty */
    struct tbe_str text;
    const struct doc *doc;      /* NULL: not readable */
    struct tbe_str chain;       /* name of the chain made of its single nodes, absent: none */
    struct test_case *v;
    uint32_t n;
    struct test_set *set;
    bool bad;                   /* mistakes were reported */
};

struct test_cover_node {
    uint64_t hits;
    uint64_t *edges;            /* by index of the chain's edges */
};

struct test_cover_site { /* a line or a condition of a script */
    struct tbe_str file;        /* of the script, as in the generated code */
    uint32_t line, col;
    bool branch;
    uint64_t hits[2];           /* lines: [0]; branches: false, true */
};

struct test_set { /* chains that are built together */
    struct tbe_str key;
    struct test_file **files;
    uint32_t n_files;
    struct chains cs;
    struct checked_chain *cc;
    int32_t root;
    struct tbe_str **labels;    /* by chain and node: what expectations call it */
    const char *worker;         /* NULL: not built */
    struct tbe_str why;         /* it is not built */
    bool cached;
    struct test_cover_node **cover; /* by chain and node; NULL without coverage */
    struct test_cover_site *sites;
    uint32_t n_sites, cap_sites;
};

struct test_run {
    struct tbe_arena *a;
    struct diags ds;
    const struct test_options *o;
    struct test_file *files;
    uint32_t n_files;
    struct test_set *sets;
    uint32_t n_sets;
    const char *dir;            /* of this run, removed at its end */
    const char *cache;          /* where workers stay, or NULL */
    bool input_error;           /* a file could not be read */
    bool no_files;              /* chains in files are not read (fuzzing) */
};

/* test_read.c: file to cases. False when it cannot be read at all (errno); mistakes go to r->ds. */
bool test_read(struct test_run *r, struct test_file *f, const char *path) TBE_MUST_USE;
/* The same from memory; the text must live as long as the run. */
void test_read_text(struct test_run *r, struct test_file *f, const char *path, struct tbe_str text);
/* Epoch ms of a "time", ms of a "duration" that match their schema. */
int64_t test_time(const struct doc *d, int64_t otherwise);
int64_t test_duration(const struct doc *d);

/* test_schema.c: reports to ds where d does not match schemas/chain-test.json. */
bool test_schema_check(struct tbe_arena *a, struct diags *ds, const char *file, const struct doc *d);
/* Any schema in the words used there; where: a place in it. */
bool test_schema_match(struct tbe_arena *a, struct diags *ds, const char *file, const struct doc *root,
                       const struct doc *schema, const struct doc *d);

/* test_set.c: groups the files and builds the workers. */
void test_sets(struct test_run *r);
void test_load(struct test_run *r, struct test_set *s); /* its chains; mistakes go to r->ds */
void test_trim_cache(struct test_run *r, time_t before); /* workers used since then stay */
void test_build(struct test_run *r, struct test_set *s);

/* test_names.c: names of a case; reports what is unknown. */
bool test_names(struct test_run *r, struct test_case *c);
/* After test_labels: the nodes that are expected are there. */
bool test_check_nodes(struct test_run *r, struct test_case *c);
const struct test_name *test_find(const struct test_case *c, struct tbe_str name);
int32_t test_chain_of(const struct test_case *c, struct tbe_str name);               /* -1: none */
int32_t test_node_of(const struct test_case *c, int32_t chain, struct tbe_str name); /* -1: none */
struct tbe_str test_stable_id(struct tbe_arena *a, struct tbe_str type, struct tbe_str name);
/* test_scenario.c: the case's line for the worker. */
void test_scenario(struct test_run *r, struct test_case *c, struct tbe_str id, struct tbe_buf *out);
/* d with @{..} replaced. */
struct doc *test_fill(struct test_run *r, struct test_case *c, const struct doc *d);

/* test_exec.c: runs the cases of all sets that are built, gives each its report. */
void test_exec(struct test_run *r);

/* test_observe.c: report of a step to the shape of an expectation; counts for coverage. */
void test_observe(struct test_run *r, struct test_case *c, const struct doc *report);
/* Names of nodes as expectations call them. */
void test_labels(struct test_run *r, struct test_set *s);

/* test_compare.c */
void test_compare(struct test_run *r, struct test_case *c);
uint32_t test_part(struct tbe_str key); /* a bit for each key of an expectation */
void test_fail(struct test_run *r, struct test_case *c, const struct doc *at, struct tbe_str where,
               struct tbe_str expected, struct tbe_str got);
/* 1: pattern (Perl's) is found in s; 0: it is not, -1: it is no pattern, or takes too long. */
int test_regex(struct tbe_str pattern, struct tbe_str s);
/* d as one line of text, cut. */
struct tbe_str test_show(struct tbe_arena *a, const struct doc *d);

/* test_report.c: writes r->o->format. */
/* How many failed; *n: how many there are. */
uint32_t test_report(struct test_run *r, double seconds, FILE *out, uint32_t *n);

/* test_cover.c */
void test_cover_init(struct test_run *r, struct test_set *s);
void test_cover_event(struct test_set *s, uint32_t chain, uint32_t node, bool in, struct tbe_str relation);
void test_cover_sites(struct test_run *r, struct test_set *s, const struct doc *list);
int test_cover_report(struct test_run *r, FILE *text);

/* test_update.c: rewrites the expectations of f that failed. The new text, or absent when nothing changes. */
struct tbe_str test_update(struct test_run *r, struct test_file *f);
void test_yaml(struct tbe_buf *out, const struct doc *d, unsigned indent);

#endif
