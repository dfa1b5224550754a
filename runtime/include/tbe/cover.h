/* SPDX-License-Identifier: Apache-2.0 */
/* Counters in scripts compiled with coverage (`tbedgec test --coverage`). Each site is a static struct in a
 * section of its own, so all of them are known, also those that never ran, without any registration. Not in
 * production code. */
#ifndef TBE_COVER_H
#define TBE_COVER_H

#include <stdbool.h>

struct tbe_cover_site {
    const char *file;
    int line, col;              /* of the script; col 0: a line, else a condition */
    unsigned long long hits[2]; /* a line: [0]; a condition: was false, was true */
};

#define TBE_COVER_SITE(file, line, col) \
    static struct tbe_cover_site site_ __attribute__((section("tbe_cover"), used, aligned(32))) = { \
        (file), (line), (col), { 0, 0 } }
#define TBE_COVER_LINE(file, line)           \
    do {                                     \
        TBE_COVER_SITE(file, line, 0);       \
        site_.hits[0]++;                     \
    } while (0)
#define TBE_COVER_IF(file, line, col, ...)   \
    (__extension__({                         \
        TBE_COVER_SITE(file, line, col);     \
        bool cond_ = (__VA_ARGS__);          \
        site_.hits[cond_]++;                 \
        cond_;                               \
    }))

#endif
