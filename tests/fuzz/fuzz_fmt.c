/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: arbitrary bytes as JSON and as YAML, written as YAML and as JSON and read back: the content
 * must be the same, and writing it a second time must give the same text. */
#include "config.h"
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "drive/fmt.h"

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
same(const struct doc *a, const struct doc *b)
{
    bool number = a->t == DOC_INT || a->t == DOC_NUM;
    if (a->t != b->t || a->n != b->n || (a->t == DOC_BOOL && a->i != b->i) ||
        ((number || a->t == DOC_STR) && !tbe_str_eq(a->s, b->s))) {
        return false;
    }
    const struct doc *y = b->first;
    for (const struct doc *x = a->first; x; x = x->next, y = y->next) {
        if ((a->t == DOC_MAP && !tbe_str_eq(x->key, y->key)) || !same(x, y)) {
            return false;
        }
    }
    return true;
}

/* Writes d in one form, reads that, compares, writes again. */
static void
there_and_back(struct tbe_arena *a, const struct doc *d, const struct fmt_comments *c, bool yaml)
{
    struct diags ds;
    struct tbe_buf one = { 0 }, two = { 0 };
    diags_init(&ds, a);
    if (yaml && fmt_yaml(&one, d, c)) {
        tbe_buf_free(&one);
        return; /* half a surrogate pair */
    }
    if (!yaml) {
        fmt_json(&one, d);
    }
    struct tbe_str back = tbe_arena_dup(a, tbe_buf_str(&one));
    struct doc *r = yaml ? yaml_read(a, &ds, "back", back) : json_read(a, &ds, "back", back);
    if (!r || ds.n || !same(d, r)) {
        abort();
    }
    struct fmt_comments *again = yaml ? fmt_comments_read(a, back, r) : NULL;
    fmt_order(a, r); /* d was ordered: nothing moves, scripts are marked */
    if (yaml) {
        (void)fmt_yaml(&two, r, again);
    } else {
        fmt_json(&two, r);
    }
    if (!tbe_str_eq(back, tbe_buf_str(&two))) {
        abort();
    }
    tbe_buf_free(&one);
    tbe_buf_free(&two);
}

static void
through(struct tbe_str in, bool yaml)
{
    struct tbe_arena a;
    struct diags ds;
    tbe_arena_init(&a, 0);
    diags_init(&ds, &a);
    struct tbe_str text = tbe_arena_dup(&a, in);
    struct doc *d = yaml ? yaml_read(&a, &ds, "fuzz", text) : json_read(&a, &ds, "fuzz", text);
    if (d && ds.n == 0) {
        struct fmt_comments *c = yaml ? fmt_comments_read(&a, text, d) : NULL;
        fmt_order(&a, d);
        there_and_back(&a, d, c, true);
        there_and_back(&a, d, c, false);
    }
    tbe_arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Files are checked to be UTF-8 before they get here; other characters come as escapes. */
    for (size_t i = 0; i < size; i++) {
        if (data[i] == 0 || data[i] >= 0x80) {
            return 0;
        }
    }
    if (size > 0 && size <= INPUT_MAX) {
        struct tbe_str text = { (const char *)data, size };
        through(text, false);
        through(text, true);
    }
    return 0;
}
