/* SPDX-License-Identifier: Apache-2.0 */
/* Java regular expressions for TBEL by PCRE2. Compiled patterns are kept in a small cache per
 * thread, as scripts use the same few for every message. Matching is bounded by PCRE2's match
 * limit. */
#include "config.h"
#include "tbel_priv.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define CACHE 32
#define MAX_PATTERN 4096      /* bytes */
#define MATCH_LIMIT 2000000u  /* steps of one match: some ten milliseconds */
#define HEAP_LIMIT 8192u      /* KiB */

struct tbel_regex {
    pcre2_code *code;
    pcre2_match_data *md;
    uint32_t n, hash;
    char text[];
};

static _Thread_local struct tbel_regex *cache[CACHE];
static _Thread_local pcre2_match_context *context;

static uint32_t
hash_text(struct tbe_str s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    }
    return h;
}

static void
drop(struct tbel_regex *re)
{
    if (re != NULL) {
        pcre2_match_data_free(re->md);
        pcre2_code_free(re->code);
        free(re);
    }
}

struct tbel_regex *
tbel_regex_get(struct tbe_x *x, struct tbe_str p)
{
    uint32_t h = hash_text(p);
    struct tbel_regex **slot = &cache[h % CACHE], *re = *slot;
    int err;
    PCRE2_SIZE at;

    if (re != NULL && re->hash == h && re->n == p.n && memcmp(re->text, p.p, p.n) == 0) {
        return re;
    }
    if (p.n > MAX_PATTERN) {
        tbe_throw(x, "bad regular expression: longer than %d bytes", MAX_PATTERN);
    }
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)p.p, p.n, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF,
        &err, &at,
                                     NULL);
    if (code == NULL) {
        PCRE2_UCHAR text[120];
        pcre2_get_error_message(err, text, sizeof(text));
        tbe_throw(x, "bad regular expression: %s near index %zu", (char *)text, (size_t)at);
    }
    re = malloc(sizeof(*re) + p.n);
    pcre2_match_data *md = pcre2_match_data_create_from_pattern(code, NULL);
    if (context == NULL && (context = pcre2_match_context_create(NULL)) != NULL) {
        pcre2_set_match_limit(context, MATCH_LIMIT);
        pcre2_set_heap_limit(context, HEAP_LIMIT);
    }
    if (re == NULL || md == NULL || context == NULL) {
        free(re);
        pcre2_match_data_free(md);
        pcre2_code_free(code);
        tbe_throw_full(x, p.n);
    }
    *re = (struct tbel_regex){ .code = code, .md = md, .n = (uint32_t)p.n, .hash = h };
    memcpy(re->text, p.p, p.n);
    drop(*slot);
    *slot = re;
    return re;
}

/* true: matched. Running into the limit is an error of the script. */
static bool
match(struct tbe_x *x, struct tbel_regex *re, struct tbe_str s, size_t from, uint32_t opt)
{
    x->fuel -= (int64_t)((s.n - from) >> 4) + 64;
    int rc = pcre2_match(re->code, (PCRE2_SPTR)s.p, s.n, from, opt, re->md, context);
    if (rc >= 0) {
        return true;
    }
    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT ||
        rc == PCRE2_ERROR_DEPTHLIMIT) {
        tbe_throw_fuel(x);
    }
    tbe_burn(x);
    return false;
}

bool
tbel_regex_full(struct tbe_x *x, struct tbel_regex *re, struct tbe_str s)
{
    return match(x, re, s, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
}

bool
tbel_regex_find(struct tbe_x *x, struct tbel_regex *re, struct tbe_str s, size_t from, size_t *ov,
                uint32_t max, uint32_t *groups)
{
    if (from > s.n || !match(x, re, s, from, 0)) {
        return false;
    }
    uint32_t n = pcre2_get_ovector_count(re->md);
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(re->md);
    n = n < max ? n : max;
    memcpy(ov, v, n * 2 * sizeof(*ov));
    *groups = n;
    return true;
}
