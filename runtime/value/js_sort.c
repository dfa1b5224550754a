/* SPDX-License-Identifier: Apache-2.0 */
/* The sorting of JavaScript arrays. Stable, and the comparisons in V8's order, since comparators
 * that are not consistent ("a > b") are common: runs that stand already, lengthened by binary
 * insertion, then merged. */
#include "config.h"
#include "js_room.h"

#include <string.h>


#define MIN_RUN 64

struct sorting {
    struct tbe_x *x;
    tbe_val f, *v, *tmp;
};

static double
compare(const struct sorting *s, tbe_val a, tbe_val b)
{
    tbe_burn(s->x);
    if (s->f.t != TBE_UNDEF) {
        tbe_val args[2] = { a, b };
        return tbe_j_num(s->x, tbe_j_call(s->x, s->f, TBE_UNDEF_VAL, 2, args));
    }
    return js_compare_text(tbe_j_str(s->x, a), tbe_j_str(s->x, b));
}

/* The length of the run at v; one that falls is turned round. */
static uint32_t
count_run(const struct sorting *s, tbe_val *v, uint32_t n)
{
    uint32_t k = 2;
    if (n < 2) {
        return n;
    }
    bool falls = compare(s, v[1], v[0]) < 0;
    while (k < n && (compare(s, v[k], v[k - 1]) < 0) == falls) {
        k++;
    }
    for (uint32_t i = 0; falls && i < k / 2; i++) {
        tbe_val t = v[i];
        v[i] = v[k - 1 - i];
        v[k - 1 - i] = t;
    }
    return k;
}

/* The first `done` of n are sorted; puts the others in. */
static void
insert_rest(const struct sorting *s, tbe_val *v, uint32_t done, uint32_t n)
{
    for (uint32_t i = done; i < n; i++) {
        tbe_val pivot = v[i];
        uint32_t lo = 0, hi = i;
        while (lo < hi) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (compare(s, pivot, v[mid]) < 0) {
                hi = mid;
            } else {
                lo = mid + 1;
            }
        }
        memmove(v + lo + 1, v + lo, (i - lo) * sizeof(*v));
        v[lo] = pivot;
    }
}

static void
merge(const struct sorting *s, tbe_val *v, uint32_t h, uint32_t n)
{
    uint32_t i = 0, j = h, k = 0;
    while (i < h && j < n) {
        s->tmp[k++] = compare(s, v[j], v[i]) < 0 ? v[j++] : v[i++];
    }
    while (i < h) {
        s->tmp[k++] = v[i++];
    }
    memcpy(v, s->tmp, k * sizeof(*v));
}

static void
merge_sort(const struct sorting *s, tbe_val *v, uint32_t n)
{
    if (n < MIN_RUN) {
        insert_rest(s, v, count_run(s, v, n), n);
        return;
    }
    merge_sort(s, v, n / 2);
    merge_sort(s, v + n / 2, n - n / 2);
    merge(s, v, n / 2, n);
}

void
js_sort(struct tbe_x *x, tbe_val f, tbe_val *v, tbe_val *tmp, uint32_t n)
{
    const struct sorting s = { x, f, v, tmp };
    merge_sort(&s, v, n);
}
