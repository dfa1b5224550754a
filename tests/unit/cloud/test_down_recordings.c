/* SPDX-License-Identifier: Apache-2.0 */
/* Every recorded message of a cloud is applied, twice, without a refusal, and the second time changes nothing.
 * The recordings are beside the source tree (TBE_SHARED, else ../shared); without them the test is skipped. */
#include "config.h"

#include <dirent.h>
#include <openssl/evp.h>

#include "tests/unit/cloud/test_down_fix.h"

#include "base/metrics.h"

static char shared[512];

static int64_t
refused(void)
{
    struct tbe_buf b = { 0 };
    const char *at;
    int64_t n = 0;

    metrics_render(&b);
    at = b.p ? strstr(b.p, "\ntbedge_cloud_downlink_refused_total ") : NULL;
    if (at) {
        n = strtoll(strchr(at + 1, ' '), NULL, 10);
    }
    tbe_buf_free(&b);
    return n;
}

static Edge__ResponseMsg *
response_of(char *line)
{
    char *b64 = strstr(line, "\"b64\":\""), *end;
    Edge__ResponseMsg *m;
    uint8_t *p;
    int n;

    if (!strstr(line, "\"dir\":\"down\"") || !b64) {
        return NULL;
    }
    b64 += 7;
    end = strchr(b64, '"');
    assert_non_null(end);
    *end = '\0';
    p = malloc(strlen(b64) + 4);
    n = EVP_DecodeBlock(p, (const unsigned char *)b64, (int)strlen(b64));
    assert_true(n >= 0);
    for (const char *q = end; q > b64 && q[-1] == '='; q--) {
        n--;
    }
    m = edge__response_msg__unpack(NULL, (size_t)n, p);
    assert_non_null(m);
    free(p);
    return m;
}

static int
play(const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL, err[256];
    size_t cap = 0;
    int n = 0;

    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        Edge__ResponseMsg *m = response_of(line);

        if (m && m->downlinkmsg) {
            assert_true(cloud_downlink((struct cloud *)&fx, fx.b, m->downlinkmsg, err));
            turn();
            n++;
        }
        if (m) {
            edge__response_msg__free_unpacked(m, NULL);
        }
    }
    free(line);
    fclose(f);
    return n;
}

static bool
add_version(void *arg, const struct store_entity *e)
{
    *(uint64_t *)arg += e->version;
    return true;
}

/* Grows with every write of an entity. */
static uint64_t
versions(void)
{
    uint64_t n = 0;

    for (int t = 1; t < TBE_ENT_COUNT; t++) {
        store_entity_each(fx.s, (enum tbe_entity_type)t, add_version, &n);
    }
    return n;
}

static void
test_all(void **state)
{
    DIR *d;
    struct dirent *e;
    int files = 0, messages = 0;
    char path[1024];

    (void)state;
    snprintf(path, sizeof path, "%s/facts/cloud-transcripts", shared);
    d = opendir(path);
    if (!d) {
        print_message("skipped: no %s\n", path);
        skip();
    }
    while ((e = readdir(d))) {
        int64_t before = refused();
        size_t n = strlen(e->d_name);

        if (n < 6 || strcmp(e->d_name + n - 6, ".jsonl") != 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/facts/cloud-transcripts/%s", shared, e->d_name);
        messages += play(path);
        files++;
        if (refused() != before) {
            fail_msg("%s: something was refused", e->d_name);
        }
    }
    closedir(d);
    assert_true(files > 10 && messages > 100);
    print_message("%d files, %d messages\n", files, messages);
}

static void
test_sync_again_changes_nothing(void **state)
{
    char path[1024];
    uint64_t v;
    FILE *f;

    (void)state;
    snprintf(path, sizeof path, "%s/facts/cloud-transcripts/connect-full-sync.jsonl", shared);
    f = fopen(path, "r");
    if (!f) {
        print_message("skipped: no %s\n", path);
        skip();
    }
    fclose(f);
    assert_true(play(path) > 40);
    v = versions();
    forget();
    play(path);
    assert_int_equal(versions(), v);
    assert_int_equal(fx.chains, 0);
    assert_int_equal(seen_n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all, fix_setup, fix_teardown),
        cmocka_unit_test_setup_teardown(test_sync_again_changes_nothing, fix_setup, fix_teardown),
    };
    const char *env = getenv("TBE_SHARED"), *src = getenv("TBE_SRC");

    if (env) {
        snprintf(shared, sizeof shared, "%s", env);
    } else {
        snprintf(shared, sizeof shared, "%s/../shared", src ? src : ".");
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
