/* SPDX-License-Identifier: Apache-2.0 */
/* Number text: known hard cases, round trips of random bits, and a proof of the table of powers. */
#include "config.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "tbe/value.h"
#include "value/pow10.h"

static void
expect(size_t n, const char *got, const char *want)
{
    if (n != strlen(want) || memcmp(got, want, n) != 0) {
        fail_msg("got %.*s, want %s", (int)n, got, want);
    }
}

static void
test_known(void **state)
{
    (void)state;
    static const struct {
        double d;
        const char *java, *js;
    } rows[] = {
        { 0.0, "0.0", "0" }, { -0.0, "-0.0", "0" }, { 1.0, "1.0", "1" }, { -2.5, "-2.5", "-2.5" },
        { 100.0, "100.0", "100" },
        { 0.001, "0.001", "0.001" }, { 9.999e-4, "9.999E-4", "0.0009999" },
        { 0.0005, "5.0E-4", "0.0005" },
        { 1e-6, "1.0E-6", "0.000001" }, { 1e-7, "1.0E-7", "1e-7" }, { 1.5e-7, "1.5E-7", "1.5e-7" },
        { 9999999.0, "9999999.0", "9999999" }, { 9999999.5, "9999999.5", "9999999.5" },
        { 1e7, "1.0E7", "10000000" },
        { 12345678.0, "1.2345678E7", "12345678" }, { 1e20, "1.0E20", "100000000000000000000" },
        { 1e21, "1.0E21", "1e+21" },
        { 1.5e300, "1.5E300", "1.5e+300" }, { 123456789012345680000.0, "1.2345678901234568E20",
        "123456789012345680000" },
        { 0.1 + 0.2, "0.30000000000000004", "0.30000000000000004" }, { 2e23, "2.0E23", "2e+23" },
        { 1e23, "1.0E23", "1e+23" },
        { 5e-324, "4.9E-324", "5e-324" }, { 1e-323, "9.9E-324", "1e-323" },
        { 1.5e-323, "1.5E-323", "1.5e-323" },
        { 2e-323, "2.0E-323", "2e-323" }, { DBL_MIN, "2.2250738585072014E-308",
        "2.2250738585072014e-308" },
        { DBL_MAX, "1.7976931348623157E308", "1.7976931348623157e+308" },
        { 8.41e21, "8.41E21", "8.41e+21" },
        { 9007199254740993.0, "9.007199254740992E15", "9007199254740992" },
        { 5.684341886080802e-14, "5.684341886080802E-14", "5.684341886080802e-14" },
        { 2.2e-322, "2.2E-322", "2.2e-322" }, { 1.0E23, "1.0E23", "1e+23" },
        { 25.5, "25.5", "25.5" }, { 3.141592653589793, "3.141592653589793", "3.141592653589793" },
        { NAN, "NaN", "NaN" }, { INFINITY, "Infinity", "Infinity" },
        { -INFINITY, "-Infinity", "-Infinity" },
        { 9.223372036854775807e18, "9.223372036854776E18", "9223372036854776000" },
    };
    char out[TBE_NUMTEXT];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(tbe_double_java(rows[i].d, out), out, rows[i].java);
        expect(tbe_double_js(rows[i].d, out), out, rows[i].js);
    }
    expect(tbe_float_java(0.1f, out), out, "0.1");
    expect(tbe_float_java(1.4e-45f, out), out, "1.4E-45");
    expect(tbe_float_java(1.1754944E-38f, out), out, "1.1754944E-38");
    expect(tbe_float_java(3.4028235E38f, out), out, "3.4028235E38");
    expect(tbe_float_java(1.6777216E7f, out), out, "1.6777216E7");
    expect(tbe_float_java(-33554432.0f, out), out, "-3.3554432E7");
    expect(tbe_float_java(16777.217f, out), out, "16777.217");
    expect(tbe_float_java(-0.0f, out), out, "-0.0");
    expect(tbe_float_java(NAN, out), out, "NaN");
    expect(tbe_long_text(INT64_MIN, out), out, "-9223372036854775808");
    expect(tbe_long_text(INT64_MAX, out), out, "9223372036854775807");
    expect(tbe_long_text(0, out), out, "0");
    expect(tbe_long_text(-10, out), out, "-10");
}

/* How many significant digits %.*e needs so that it reads back as d. */
static int
digits_needed(double d)
{
    char text[64];
    for (int n = 1; n < 17; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, d);
        if (strtod(text, NULL) == d) {
            return n;
        }
    }
    return 17;
}

static int
digits_in(const char *p, size_t n)
{
    int digits = 0, zeros = 0;
    for (size_t i = 0; i < n && p[i] != 'e' && p[i] != 'E'; i++) {
        if (p[i] >= '0' && p[i] <= '9' && (digits > 0 || p[i] != '0')) {
            digits++;
            zeros = p[i] == '0' ? zeros + 1 : 0;
        }
    }
    return digits - zeros;
}

static void
test_round_trip(void **state)
{
    (void)state;
    random_seed(7);
    for (int i = 0; i < 60000; i++) {
        uint64_t bits = random_u64();
        if (i % 3 == 1) {
            bits &= ~UINT64_C(0) << (random_u64() % 53); /* few significant bits */
        } else if (i % 3 == 2) {
            const double d = (double)(int64_t)(bits % 2000000) / 1000;
            memcpy(&bits, &d, sizeof bits);
        }
        double d;
        memcpy(&d, &bits, sizeof d);
        if (!isfinite(d) || d == 0) {
            continue;
        }
        char out[TBE_NUMTEXT];
        bool ok;
        size_t n = tbe_double_java(d, out);
        assert_true(n <= TBE_NUMTEXT);
        double back = tbe_parse_double((struct tbe_str){ out, n }, &ok);
        assert_true(ok && memcmp(&back, &d, sizeof d) == 0);
        n = tbe_double_js(d, out);
        back = tbe_parse_double((struct tbe_str){ out, n }, &ok);
        assert_true(ok && back == d);
        /* %.*e rounds to the nearest of that many digits; ours may find a shorter one further
         * away, never a longer */
        assert_true(digits_in(out, n) <= digits_needed(d));
        const float f = (float)d;
        if (isfinite(f) && f != 0) {
            char z[TBE_NUMTEXT + 1] = "";
            n = tbe_float_java(f, z);
            assert_true(strtof(z, NULL) == f && digits_in(z, n) <= 9);
        }
    }
    random_seed(0);
}

static void
expect_parse(const char *text, double want)
{
    bool ok = false;
    const double got = tbe_parse_double(tbe_strz(text), &ok);
    if (!ok || memcmp(&got, &want, sizeof got) != 0) {
        fail_msg("%.60s: got %.17g, want %.17g", text, got, want);
    }
}

static void
test_parse(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0", "-0", "1", "+1.5", ".5", "5.", "1e5", "1E+5", "1e-5", "0.1",
        "123456789012345678901234567890", "1e308", "1e309",
        "-1e400", "1e-400", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
        "2.47e-324", "2.2250738585072011e-308",
        "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623158e308",
        "1.7976931348623159e308", "9007199254740993",
        "9007199254740993.00000000000000000000000000000000001",
        "9007199254740992.99999999999999999999999999999999999",
        "8.5", "0.000000000000000000000000000000000000000000000000000000001e60", "1e23",
        "6929495644600919.5",
        "3518437208883201171875e-2",
        "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
        "1e000000000000000000000000000000005", "0e999999999999999999999",
        "1e-999999999999999999999", "100000000000000000000000000000e-29",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        expect_parse(good[i], strtod(good[i], NULL));
    }
    /* half way between two doubles, with a tail beyond any fixed buffer */
    char text[2000] = "9007199254740993.";
    memset(text + 17, '0', 1900);
    expect_parse(text, 9007199254740992.0);
    text[17 + 1899] = '1';
    expect_parse(text, 9007199254740994.0);
    static const char *const bad[] = { "", "-", ".", "e5", "1e", "1e+", "1x", "0x10", " 1", "1 ",
        "NaN", "inf", "1.2.3", "--1", "1,5" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool ok = true;
        tbe_parse_double(tbe_strz(bad[i]), &ok);
        assert_false(ok);
    }
    /* a locale with a decimal comma changes nothing, where there is one */
    if (setlocale(LC_ALL, "de_DE.UTF-8") != NULL) {
        expect_parse("1.5", 1.5);
        expect_parse("9007199254740993.00000000000000000000000000000000001", 9007199254740994.0);
        setlocale(LC_ALL, "C");
    }
}

#define BIG_WORDS 48 /* 32 bits each: 10^342 has 1137 bits, times 2^128 */

struct big {
    uint32_t w[BIG_WORDS]; /* little end first */
};

static uint32_t
big_mul(struct big *b, uint32_t m)
{
    uint64_t c = 0;
    for (int i = 0; i < BIG_WORDS; i++) {
        c += (uint64_t)b->w[i] * m;
        b->w[i] = (uint32_t)c;
        c >>= 32;
    }
    return (uint32_t)c;
}

static int
big_bits(const struct big *b)
{
    for (int i = BIG_WORDS - 1; i >= 0; i--) {
        if (b->w[i] != 0) {
            return i * 32 + 32 - __builtin_clz(b->w[i]);
        }
    }
    return 0;
}

static int
big_cmp(const struct big *a, const struct big *b)
{
    for (int i = BIG_WORDS - 1; i >= 0; i--) {
        if (a->w[i] != b->w[i]) {
            return a->w[i] < b->w[i] ? -1 : 1;
        }
    }
    return 0;
}

static struct big
big_shift(const struct big *b, int left)
{
    struct big r = { { 0 } };
    for (int i = 0; i < BIG_WORDS * 32; i++) {
        const int from = i - left;
        if (from >= 0 && from < BIG_WORDS * 32 && (b->w[from / 32] >> (from % 32) & 1)) {
            r.w[i / 32] |= UINT32_C(1) << (i % 32);
        }
    }
    return r;
}

/* The entry as a big number, plus `more`. */
static struct big
big_entry(const uint64_t t[2], bool more)
{
    value_u128 v = (value_u128)t[0] << 64 | t[1];
    struct big b = { { 0 } };
    v += more;
    for (int i = 0; i < 4; i++) {
        b.w[i] = (uint32_t)(v >> (32 * i));
    }
    b.w[4] = more && v == 0;
    return b;
}

/* entry <= 10^q * 2^-r < entry + 1 for the r that gives it 128 bits. */
static void
test_table(void **state)
{
    (void)state;
    struct big power = { { 1 } };
    for (int q = 0; q <= POW10_MAX; q++) {
        const uint64_t *t = value_pow10[q - POW10_MIN];
        assert_true(t[0] >> 63);
        const struct big scaled = big_shift(&power, 128 - big_bits(&power));
        if (big_bits(&power) <= 128) {
            const struct big e = big_entry(t, false);
            assert_int_equal(big_cmp(&e, &scaled), 0);
        } else { /* compare without losing the bits that were cut */
            const int up = big_bits(&power) - 128;
            const struct big lo = big_entry(t, false), hi = big_entry(t, true);
            const struct big l = big_shift(&lo, up), h = big_shift(&hi, up);
            assert_true(big_cmp(&l, &power) <= 0 && big_cmp(&power, &h) < 0);
        }
        assert_int_equal(big_mul(&power, 10), 0);
    }
    power = (struct big){ { 1 } };
    for (int q = -1; q >= POW10_MIN; q--) { /* entry * 10^-q <= 2^s < (entry + 1) * 10^-q */
        assert_int_equal(big_mul(&power, 10), 0);
        const uint64_t *t = value_pow10[q - POW10_MIN];
        assert_true(t[0] >> 63);
        struct big lo = big_entry(t, false), hi = big_entry(t, true), two = { { 1 } };
        for (int k = 0; k < -q; k++) {
            assert_int_equal(big_mul(&lo, 10) | big_mul(&hi, 10), 0);
        }
        two = big_shift(&two, big_bits(&hi) - 1);
        assert_true(big_cmp(&lo, &two) <= 0 && big_cmp(&two, &hi) < 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_known),
        cmocka_unit_test(test_round_trip),
                                        cmocka_unit_test(test_parse),
                                            cmocka_unit_test(test_table) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
