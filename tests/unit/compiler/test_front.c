/* SPDX-License-Identifier: Apache-2.0 */
/* The readers: positions, both forms giving the same tree, and every limit at the limit and one past it. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "front/chain.h"

struct fix {
    struct tbe_arena a;
    struct diags ds;
    struct chains cs;
};

static int
setup(void **state)
{
    struct fix *f = calloc(1, sizeof *f);
    tbe_arena_init(&f->a, 0);
    diags_init(&f->ds, &f->a);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fix *f = *state;
    tbe_arena_free(&f->a);
    free(f);
    return 0;
}

static struct doc *
json(struct fix *f, const char *text)
{
    return json_read(&f->a, &f->ds, "t.json", tbe_strz(text));
}

static struct doc *
yaml(struct fix *f, const char *text)
{
    return yaml_read(&f->a, &f->ds, "t.yaml", tbe_strz(text));
}

static void
assert_json(const struct doc *d, const char *want)
{
    struct tbe_buf b = { 0 };
    assert_non_null(d);
    doc_json(&b, d);
    assert_string_equal(b.p, want);
    tbe_buf_free(&b);
}

static void
assert_code(const struct fix *f, enum diag_code code)
{
    assert_int_equal(f->ds.n, 1);
    assert_string_equal(diag_info(f->ds.v[0].code)->name, diag_info(code)->name);
}

static void
json_values_keep_their_place(void **state)
{
    struct fix *f = *state;
    struct doc *d = json(f, "{\n  \"a\": [1,\n   \"\xC3\xA9\", true], \"b\": null}");
    assert_non_null(d);
    struct doc *a = doc_get(d, "a");
    assert_int_equal(a->line, 2);
    assert_int_equal(a->col, 8);
    assert_int_equal(a->key_col, 3);
    assert_int_equal(a->first->next->line, 3);
    assert_int_equal(a->first->next->col, 4);
    assert_int_equal(a->last->col, 9); /* columns count characters */
    assert_int_equal(doc_get(d, "b")->col, 21);
    assert_string_equal(doc_pointer(&f->a, a->last).p, "/a/2");
}

static void
yaml_values_keep_their_place(void **state)
{
    struct fix *f = *state;
    struct doc *d = yaml(f, "a:\n  - 1\n  - x: y\nb: z\n");
    assert_non_null(d);
    struct doc *x = doc_get(doc_get(d, "a")->last, "x");
    assert_int_equal(x->line, 3);
    assert_int_equal(x->col, 8);
    assert_int_equal(x->key_col, 5);
    assert_string_equal(doc_pointer(&f->a, x).p, "/a/1/x");
}

static void
json_text_comes_back(void **state)
{
    static const char *const texts[] = { "{\"a\":[1,-2.5e10,true,false,null,\"x\\\"\\\\\"],\"b\":{}}", "[]", "\"\"", "0",
                                         "12345678901234567890", "{\"~/\":1}" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_json(json(*state, texts[i]), texts[i]);
    }
    assert_json(json(*state, "\"\\u00e9\\ud83d\\ude00\\t\""), "\"\xC3\xA9\xF0\x9F\x98\x80\\u0009\"");
}

static void
yaml_reads_the_core_schema(void **state)
{
    static const struct {
        const char *yaml, *json;
    } t[] = { { "[~, null, '', \"null\"]", "[null,null,\"\",\"null\"]" },
              { "[true, yes, 'true', False]", "[true,\"yes\",\"true\",false]" },
              { "[1, -5, 007, 1.5, 1e3, .5, 0x10]", "[1,-5,\"007\",1.5,1e3,\".5\",\"0x10\"]" },
              { "a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\u000ay\\u000a\",\"b\":\"x y\"}" },
              { "a: &n {k: 1}\nb: *n\n", "{\"a\":{\"k\":1},\"b\":{\"k\":1}}" },
              { "!!str 5", "\"5\"" },
              { "a: 1\n---\nb: 2\n", "[{\"a\":1},{\"b\":2}]" },
              { "{\"a\": [1, 2.0], \"b\": null}", "{\"a\":[1,2.0],\"b\":null}" } };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        assert_json(yaml(*state, t[i].yaml), t[i].json);
    }
}

static void
places_inside_texts_are_found(void **state)
{
    struct fix *f = *state;
    struct doc *d = doc_get(json(f, "{\"a\": \"x\\ny\\u00e9z\"}"), "a");
    assert_int_equal(doc_pos_within("f", d, 1, 1).col, 8);
    assert_int_equal(doc_pos_within("f", d, 2, 1).col, 11);
    assert_int_equal(doc_pos_within("f", d, 2, 4).col, 18); /* behind the escape: two bytes, six characters */
    assert_int_equal(doc_pos_within("f", d, 99, 99).col, 19);
    d = doc_get(yaml(f, "b: 1\na: |\n\n    x\n    yz\n"), "a");
    assert_int_equal(doc_pos_within("f", d, 3, 2).line, 5);
    assert_int_equal(doc_pos_within("f", d, 3, 2).col, 6);
    d = doc_get(yaml(f, "a: >\n  x\n"), "a");
    assert_int_equal(doc_pos_within("f", d, 3, 2).line, 1);
}

static void
json_mistakes_are_found(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, col;
    } t[] = { { "", 1, 1 },         { "[1,]", 1, 4 },        { "{\"a\" 1}", 1, 6 }, { "{a:1}", 1, 2 },
              { "[1 2]", 1, 4 },    { "\"abc", 1, 1 },       { "01", 1, 1 },        { "1.", 1, 1 },
              { "tru", 1, 1 },      { "{}\nx", 2, 1 },       { "\"\\u12\"", 1, 2 }, { "[\"a\nb\"]", 1, 4 },
              { "{\"a\":1,}", 1, 8 }, { "-", 1, 1 },         { "[", 1, 2 },         { "\"\\", 1, 1 } };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct fix *f = *state;
        f->ds.n = 0;
        assert_null(json(f, t[i].text));
        assert_code(f, C2002);
        assert_int_equal(f->ds.v[0].pos.line, t[i].line);
        assert_int_equal(f->ds.v[0].pos.col, t[i].col);
    }
}

/* n times the same text, between a prefix and a suffix. */
static char *
many(const char *before, const char *each, size_t n, const char *after)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, before);
    for (size_t i = 0; i < n; i++) {
        tbe_buf_putz(&b, each);
    }
    tbe_buf_putz(&b, after);
    assert_false(b.oom);
    return b.p;
}

static void
depth_is_bounded(void **state)
{
    struct fix *f = *state;
    for (int past = 0; past < 2; past++) {
        size_t n = DOC_MAX_DEPTH + (size_t)past;
        char *open = many("", "[", n, ""), *all = many(open, "]", n, "\n");
        f->ds.n = 0;
        assert_int_equal(json(f, all) != NULL, !past);
        assert_int_equal(f->ds.n, past);
        f->ds.n = 0;
        assert_int_equal(yaml(f, all) != NULL, !past);
        if (past) {
            assert_code(f, C2004);
        }
        free(open);
        free(all);
    }
}

static void
values_are_bounded(void **state)
{
    struct fix *f = *state;
    for (int past = 0; past < 2; past++) { /* the list itself is one */
        char *text = many("[", "1,", DOC_MAX_VALUES - 2 + (size_t)past, "1]");
        assert_int_equal(json(f, text) != NULL, !past);
        free(text);
    }
    assert_code(f, C2005);
}

static void
aliases_count_as_what_they_stand_for(void **state)
{
    struct fix *f = *state;
    char *text = many("- &a [", "1,", 999, "1]\n"), *all = many(text, "- *a\n", 998, "");
    assert_non_null(yaml(f, all));
    free(all);
    all = many(text, "- *a\n", 999, "");
    assert_null(yaml(f, all));
    assert_code(f, C2005);
    free(all);
    free(text);
}

static void
read_chains(struct fix *f, char *text)
{
    f->ds.n = 0;
    f->cs = (struct chains){ 0 };
    chains_read(&f->a, &f->ds, "t.json", tbe_strz(text), 0, &f->cs);
    free(text);
}

static const char one_node[] = "{\"type\":\"ack\",\"name\":\"x\"},";

static void
nodes_are_bounded(void **state)
{
    struct fix *f = *state;
    char end[200];
    snprintf(end, sizeof end, "%.*s],\"firstNodeIndex\":0}", (int)strlen(one_node) - 1, one_node);
    read_chains(f, many("{\"nodes\":[", one_node, CHAIN_MAX_NODES - 1, end));
    assert_int_equal(f->ds.n, 0);
    assert_int_equal(f->cs.v[0].n_nodes, CHAIN_MAX_NODES);
    read_chains(f, many("{\"nodes\":[", one_node, CHAIN_MAX_NODES, end));
    assert_string_equal(diag_info(f->ds.v[0].code)->name, "C2108");
}

static void
connections_are_bounded(void **state)
{
    struct fix *f = *state;
    const char *head = "{\"nodes\":[{\"type\":\"ack\",\"name\":\"x\"},{\"type\":\"ack\",\"name\":\"y\"}],\"firstNodeIndex\":0,"
                       "\"connections\":[";
    const char *each = "{\"fromIndex\":0,\"toIndex\":1,\"type\":\"Success\"},", *end = "{\"fromIndex\":0,\"toIndex\":1,\"type\":\"x\"}]}";
    read_chains(f, many(head, each, CHAIN_MAX_EDGES - 1, end));
    assert_int_equal(f->ds.n, 0);
    assert_int_equal(f->cs.v[0].n_edges, CHAIN_MAX_EDGES);
    read_chains(f, many(head, each, CHAIN_MAX_EDGES, end));
    assert_code(f, C2108);
    assert_int_equal(f->cs.v[0].n_edges, 0);
}

static void
chains_are_bounded(void **state)
{
    struct fix *f = *state;
    read_chains(f, many("[", "{\"nodes\":[]},", CHAIN_MAX_CHAINS - 1, "{\"nodes\":[]}]"));
    assert_int_equal(f->ds.n, 0);
    assert_int_equal(f->cs.n, CHAIN_MAX_CHAINS);
    read_chains(f, many("[", "{\"nodes\":[]},", CHAIN_MAX_CHAINS, "{\"nodes\":[]}]"));
    assert_code(f, C2108);
    assert_int_equal(f->cs.n, CHAIN_MAX_CHAINS);
}

static void
names_are_bounded(void **state)
{
    struct fix *f = *state;
    read_chains(f, many("{\"nodes\":[],\"name\":\"", "\xC3\xA9", CHAIN_MAX_NAME, "\"}"));
    assert_int_equal(f->ds.n, 0);
    assert_int_equal(f->cs.v[0].name.n, 2 * CHAIN_MAX_NAME);
    read_chains(f, many("{\"nodes\":[],\"name\":\"", "\xC3\xA9", CHAIN_MAX_NAME + 1, "\"}"));
    assert_code(f, C2111);
}

static void
diagnostics_are_bounded(void **state)
{
    struct fix *f = *state;
    for (uint32_t i = 0; i < DIAG_MAX + 1; i++) {
        assert_int_equal(f->ds.dropped, 0);
        diag_add(&f->ds, C2002, (struct diag_pos){ .file = "x", .line = DIAG_MAX - i }, "n %u", i);
    }
    assert_int_equal(f->ds.n, DIAG_MAX);
    assert_int_equal(f->ds.dropped, 1);
    assert_int_equal(f->ds.errors, DIAG_MAX + 1);
    diags_sort(&f->ds);
    assert_int_equal(f->ds.v[0].pos.line, 1);
}

static void
ids_are_stable_and_uuids(void **state)
{
    struct fix *f = *state;
    struct tbe_uuid u;
    read_chains(f, strdup("{\"name\":\"A\",\"nodes\":[{\"type\":\"ack\",\"name\":\"x\"}],\"firstNodeIndex\":0}"));
    struct tbe_str first = f->cs.v[0].id, node = f->cs.v[0].nodes[0].id;
    assert_true(tbe_uuid_parse(first, &u));
    assert_true(tbe_uuid_parse(node, &u));
    assert_false(f->cs.v[0].has_id);
    read_chains(f, strdup("{\"name\":\"A\",\"nodes\":[{\"type\":\"ack\",\"name\":\"x\"}],\"firstNodeIndex\":0}"));
    assert_true(tbe_str_eq(first, f->cs.v[0].id));
    assert_true(tbe_str_eq(node, f->cs.v[0].nodes[0].id));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(json_values_keep_their_place), T(yaml_values_keep_their_place), T(json_text_comes_back),
        T(yaml_reads_the_core_schema),   T(places_inside_texts_are_found),
          T(json_mistakes_are_found),      T(depth_is_bounded),
        T(values_are_bounded),           T(aliases_count_as_what_they_stand_for),
        T(nodes_are_bounded),            T(connections_are_bounded),      T(chains_are_bounded),
        T(names_are_bounded),            T(diagnostics_are_bounded),      T(ids_are_stable_and_uuids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
