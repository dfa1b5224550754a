/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, arenas, buffers, uuids, digests, clock and random bytes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "tbe/base.h"

static void
test_str(void **state)
{
    (void)state;
    assert_true(tbe_str_eq(TBE_STR("ab"), TBE_STR("ab")));
    assert_false(tbe_str_eq(TBE_STR("ab"), TBE_STR("abc")));
    assert_true(tbe_str_eq(TBE_STR_NONE, TBE_STR("")));
    assert_true(tbe_str_eqz(TBE_STR("x"), "x"));
    assert_true(tbe_str_ieq(TBE_STR("aZ[9"), TBE_STR("Az[9")));
    /* differ in the case bit, are no letters */
    assert_false(tbe_str_ieq(TBE_STR("["), TBE_STR("{")));
    assert_true(tbe_str_cmp(TBE_STR("a"), TBE_STR("ab")) < 0);
    assert_true(tbe_str_cmp(TBE_STR("\xff"), TBE_STR("a")) > 0);
    assert_int_equal(tbe_str_cmp(TBE_STR_NONE, TBE_STR("")), 0);
    assert_null(tbe_strz(NULL).p);
    assert_int_equal(tbe_strz("abc").n, 3);
}

static void
test_arena(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    char *last = NULL;
    for (size_t i = 0; i < 3000; i++) {
        char *p = tbe_arena_alloc(&a, i % 700);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_ptr_not_equal(p, last);
        memset(p, (int)i, i % 700);
        last = p;
    }
    char *big = tbe_arena_alloc(&a, 1u << 20);
    memset(big, 7, 1u << 20);
    assert_true(a.used > 1u << 20);
    tbe_arena_reset(&a);
    assert_true(a.used <= 4096);
    const char *z = tbe_arena_zalloc(&a, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(z[i], 0);
    }
    assert_string_equal(tbe_arena_dupz(&a, TBE_STR("hello")), "hello");
    assert_string_equal(tbe_arena_dup(&a, TBE_STR_NONE).p, "");
    assert_string_equal(tbe_arena_fmt(&a, "%d-%s", 5, "x").p, "5-x");
    const struct tbe_str wide = tbe_arena_fmt(&a, "%0*d", 1000, 7);
    assert_int_equal(wide.n, 1000);
    assert_int_equal(wide.p[999], '7');
    assert_null(tbe_arena_alloc(&a, SIZE_MAX));
    assert_null(tbe_arena_alloc(&a, SIZE_MAX - 15));
    tbe_arena_free(&a);
    tbe_arena_free(&a);
    tbe_arena_reset(&a);
}

static jmp_buf full;
static size_t full_wanted;

static void
on_full(void *arg, size_t wanted)
{
    assert_ptr_equal(arg, &full);
    full_wanted = wanted;
    longjmp(full, 1);
}

static void
test_arena_limit(void **state)
{
    (void)state;
    struct tbe_arena a;
    tbe_arena_init(&a, 8192);
    size_t got = 0;
    while (tbe_arena_alloc(&a, 64) != NULL) {
        got += 64;
        assert_true(a.used <= 8192);
    }
    assert_true(got >= 8192 - 128);
    while (tbe_arena_alloc(&a, 16) != NULL) {
        assert_true(a.used <= 8192);
    }
    assert_null(tbe_arena_dup(&a, TBE_STR("x")).p);
    assert_null(tbe_arena_fmt(&a, "%d", 1).p);
    assert_null(tbe_arena_zalloc(&a, 16));
    a.on_full = on_full;
    a.on_full_arg = &full;
    if (setjmp(full) == 0) {
        tbe_arena_alloc(&a, 64);
        fail();
    }
    assert_int_equal(full_wanted, 64);
    tbe_arena_reset(&a);
    assert_non_null(tbe_arena_alloc(&a, 64));
    tbe_arena_free(&a);
    tbe_arena_init(&a, 1024); /* a limit below the usual first chunk: the whole of it can be used */
    assert_non_null(tbe_arena_alloc(&a, 1008));
    assert_null(tbe_arena_alloc(&a, 1));
    tbe_arena_free(&a);
    tbe_arena_init(&a, 1024);
    assert_null(tbe_arena_alloc(&a, 1009));
    tbe_arena_free(&a);
}

static void
test_buf(void **state)
{
    (void)state;
    struct tbe_buf b = { 0 };
    assert_int_equal(tbe_buf_str(&b).n, 0);
    assert_string_equal(tbe_buf_str(&b).p, "");
    tbe_buf_put(&b, NULL, 0);
    assert_string_equal(b.p, "");
    for (int i = 0; i < 1000; i++) {
        tbe_buf_putc(&b, (char)('a' + i % 26));
    }
    assert_int_equal(strlen(b.p), 1000);
    tbe_buf_puts(&b, TBE_STR("-x"));
    tbe_buf_putz(&b, "-y");
    tbe_buf_fmt(&b, "-%d", 42);
    assert_string_equal(b.p + 1000, "-x-y-42");
    assert_int_equal(b.n, 1007);
    assert_false(b.oom);
    assert_false(tbe_buf_reserve(&b, SIZE_MAX));
    assert_true(b.oom);
    tbe_buf_putc(&b, 'z');
    tbe_buf_putz(&b, "z");
    tbe_buf_fmt(&b, "z");
    assert_int_equal(b.n, 1007);
    tbe_buf_free(&b);
    assert_null(b.p);
}

static void
test_uuid(void **state)
{
    (void)state;
    char text[TBE_UUID_TEXT + 1];
    tbe_uuid_text(&tbe_uuid_null, text);
    assert_string_equal(text, "13814000-1dd2-11b2-8080-808080808080");
    struct tbe_uuid u, v;
    assert_true(tbe_uuid_parse(TBE_STR("13814000-1DD2-11b2-8080-808080808080"), &u));
    assert_true(tbe_uuid_eq(&u, &tbe_uuid_null));
    assert_true(tbe_uuid_is_null(&u));
    assert_int_equal(tbe_uuid_msb(&u), 0x138140001dd211b2);
    assert_int_equal(tbe_uuid_lsb(&u), (int64_t)0x8080808080808080u);
    static const char *const bad[] = {
        "", "13814000-1dd2-11b2-8080-80808080808", "13814000-1dd2-11b2-8080-8080808080800",
        "1381400-01dd2-11b2-8080-808080808080", "13814000-1dd2-11b2-8080-80808080808g",
        "13814000x1dd2-11b2-8080-808080808080", "{3814000-1dd2-11b2-8080-808080808080"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(tbe_uuid_parse(tbe_strz(bad[i]), &u));
    }
    tbe_uuid_random(&u);
    tbe_uuid_random(&v);
    assert_false(tbe_uuid_eq(&u, &v));
    assert_int_equal(u.b[6] >> 4, 4);
    assert_int_equal(u.b[8] >> 6, 2);
    assert_false(tbe_uuid_is_null(&u));
    memset(&u, 0, sizeof u);
    assert_true(tbe_uuid_is_null(&u));
}

static void
test_random(void **state)
{
    (void)state;
    random_seed(5);
    const uint64_t a = random_u64(), b = random_u64();
    random_seed(5);
    assert_true(random_u64() == a && random_u64() == b && a != b);
    random_seed(0);
    uint64_t mine[64];
    for (size_t i = 0; i < 64; i++) {
        mine[i] = random_u64();
        for (size_t k = 0; k < i; k++) {
            assert_true(mine[i] != mine[k]);
        }
    }
    unsigned char big[4096] = { 0 };
    random_bytes(big, sizeof big);
    assert_true(big[0] | big[1] | big[2] | big[3] | big[4] | big[5] | big[6] | big[7]);
    /* a child must not repeat what its parent draws */
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const uint64_t v = random_u64();
        _exit(write(fd[1], &v, sizeof v) == sizeof v ? 0 : 1);
    }
    uint64_t child = 0, parent = random_u64();
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(fd[0], &child, sizeof child), sizeof child);
    assert_true(child != parent);
    close(fd[0]);
    close(fd[1]);
}

static void
test_clock(void **state)
{
    (void)state;
    const int64_t real = clock_ms();
    assert_true(real > 1500000000000);
    clock_fix(1700000000000);
    assert_true(clock_ms() == 1700000000000);
    clock_advance(250);
    assert_true(clock_ms() == 1700000000250);
    const int64_t mono = clock_mono_ns();
    assert_true(clock_mono_ns() >= mono);
    clock_real();
    assert_true(clock_ms() >= real);
}

static void
test_hash(void **state)
{
    (void)state;
    char out[65];
    hash_sha256_hex(TBE_STR("abc"), out);
    assert_string_equal(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_sha256_hex(TBE_STR_NONE, out);
    assert_string_equal(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    /* facts/device-apis.md 2.1 */
    hash_credentials_hex(TBE_STR("cl-7"), out);
    assert_string_equal(out, "05088d04acb36cd8bebaa50e7f9679c0f90d708d03818bfcb10163b047a2d42e");
    hash_credentials_hex(TBE_STR("cl-7|usr"), out);
    assert_string_equal(out, "e147291f447ec661062fc3d23be25d6e6f4a79c0a95d77bb75657a124510de0a");
    hash_credentials_hex(TBE_STR_NONE, out);
    assert_string_equal(out, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
    char pem[65];
    hash_credentials_hex(TBE_STR("testHash"), out);
    hash_credentials_hex(TBE_STR("-----BEGIN CERTIFICATE-----\r\ntest\nHash\r\n-----END CERTIFICATE-----\n"),
                         pem);
    assert_string_equal(out, "57f6600424d6553263f1f32e0117012894a36fbf07e3e9c3c556272f86b7d985");
    assert_string_equal(pem, out);
    hash_credentials_hex(TBE_STR("-----BEGIN-test"), pem);
    hash_credentials_hex(TBE_STR("test"), out);
    assert_string_not_equal(pem, out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str),    cmocka_unit_test(test_arena),
            cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_buf),    cmocka_unit_test(test_uuid),  cmocka_unit_test(test_random),
        cmocka_unit_test(test_clock),  cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
