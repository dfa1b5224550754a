/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target of the value room. For any bytes: no crash, and
 *  - what the strict reader takes, the lenient one takes as the same value;
 *  - writing a value and reading it again gives the same value, and the same text;
 *  - the fast and the general way to typed entries agree, and their rule-engine text can be read
 * again;
 *  - an arena that is too small gives an error, not a crash. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tbe/value.h"
#include "value/kv_fast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_json: %s\n", what);
        abort();
    }
}

static bool
parse(struct tbe_arena *a, struct tbe_str s, unsigned flags, tbe_val *v)
{
    struct tbe_json_err err = { 0, NULL };
    const bool ok = tbe_json_parse(a, s, flags, v, &err) == 0;
    check(ok || (err.msg != NULL && err.offset <= s.n), "error without a place");
    return ok;
}

static void
round_trip(struct tbe_arena *a, tbe_val v, unsigned in, unsigned out)
{
    tbe_val again;
    const struct tbe_str text = tbe_json_text(a, v, out);
    check(text.p != NULL, "written");
    check(parse(a, text, in, &again), "own text is read");
    /* a lone surrogate becomes ? where the text leaves for the world */
    check((out & TBE_OUT_GSON) || tbe_val_same(v, again), "same value");
    check(tbe_str_eq(tbe_json_text(a, again, out), text), "same text");
    check(tbe_val_same(tbe_val_copy(a, v), v), "same copy");
}

static void
kvs_same(const struct tbe_kvs *x, const struct tbe_kvs *y)
{
    check(x->n == y->n, "as many entries");
    for (uint32_t i = 0; i < x->n; i++) {
        const struct tbe_kv *p = &x->v[i], *q = &y->v[i];
        check(tbe_str_eq(p->key, q->key) && p->type == q->type, "same key and type");
        check(p->type != TBE_KV_LONG || p->u.i == q->u.i, "same long");
        check(p->type != TBE_KV_BOOLEAN || p->u.b == q->u.b, "same bool");
        check(p->type != TBE_KV_DOUBLE || memcmp(&p->u.d, &q->u.d, sizeof p->u.d) == 0,
              "same double");
        check(p->type < TBE_KV_STRING || tbe_str_eq(p->s, q->s), "same text");
    }
}

static void
kvs_again(struct tbe_arena *a, const struct tbe_kvs *kvs)
{
    struct tbe_kvs again;
    struct tbe_str err;
    struct tbe_buf b = { 0 };
    tbe_kvs_json(&b, kvs, TBE_OUT_GSON);
    check(!b.oom, "entries written");
    check(tbe_kv_attributes(a, tbe_buf_str(&b), TBE_KV_NULL_ERROR, 0, &again, &err) == 0,
          "rule-engine data is read");
    check(again.n == kvs->n, "no entry lost");
    tbe_buf_free(&b);
}

static void
telemetry(struct tbe_arena *a, struct tbe_str s, unsigned flags, size_t max_string)
{
    struct tbe_ts_record *fast = NULL, *slow = NULL;
    uint32_t nf = 0, ns = 0;
    struct tbe_str err = TBE_STR_NONE;
    const struct kv_fast_opts o = { a, flags, max_string, 77 };
    const int r = kv_general_telemetry(a, s, 77, flags, max_string, &slow, &ns, &err);
    check(r == 0 || err.p != NULL, "error without words");
    for (uint32_t i = 0; r == 0 && i < ns; i++) {
        kvs_again(a, &slow[i].kvs);
    }
    if (kv_fast_telemetry(&o, s, &fast, &nf)) {
        check(r == 0 && nf == ns, "both ways take it");
        for (uint32_t i = 0; i < nf; i++) {
            check(fast[i].ts == slow[i].ts, "same ts");
            kvs_same(&fast[i].kvs, &slow[i].kvs);
        }
    }
    struct tbe_kvs fa, sa;
    const int ra = kv_general_attributes(a, s, flags, max_string, &sa, &err);
    if (kv_fast_attributes(&o, s, &fa)) {
        check(ra == 0, "both ways take the attributes");
        kvs_same(&fa, &sa);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const unsigned knobs = data[0];
    const struct tbe_str s = { (const char *)data + 1, size - 1 };
    struct tbe_arena a, tight;
    tbe_val v = TBE_UNDEF_VAL, lenient;
    tbe_arena_init(&a, 0);
    if (parse(&a, s, TBE_JSON_RAW | (knobs & TBE_JSON_BORROW), &v)) {
        round_trip(&a, v, TBE_JSON_RAW, TBE_OUT_JAVA);
    }
    if (parse(&a, s, TBE_JSON_JAVA | (knobs & TBE_JSON_DROP_NULLS), &v)) {
        const struct tbe_str text = tbe_json_text(&a, v, TBE_OUT_JAVA);
        check(parse(&a, text, TBE_JSON_JAVA, &lenient), "own Java text is read");
        check(tbe_str_eq(tbe_json_text(&a, lenient, TBE_OUT_JAVA), text), "same Java text");
    }
    if (parse(&a, s, TBE_JSON_JS, &v)) {
        const struct tbe_str text = tbe_json_text(&a, v, TBE_OUT_JS);
        check(parse(&a, text, TBE_JSON_JS, &lenient), "own JavaScript text is read");
    }
    if (parse(&a, s, TBE_JSON_RAW | TBE_JSON_LENIENT, &v)) {
        round_trip(&a, v, TBE_JSON_RAW | TBE_JSON_LENIENT, TBE_OUT_GSON | TBE_OUT_NO_HTML);
        check(tbe_json_gson_error(&a, s).n == 0 || v.t != TBE_NULL, "no words for a good text");
    } else {
        check(tbe_json_gson_error(&a, s).n > 0, "words for a bad text");
    }
    telemetry(&a, s, knobs & (TBE_KV_NULL_ERROR | TBE_KV_NO_CAST), knobs & 4 ? 3 : 0);
    struct tbe_buf text = { 0 };
    tbe_java_text(&text, v);
    tbe_buf_free(&text);
    tbe_arena_free(&a);
    struct tbe_ts_record *recs;
    uint32_t n;
    struct tbe_str err;
    tbe_arena_init(&tight, 16 + knobs * 16);
    if (tbe_kv_telemetry(&tight, s, 1, 0, 0, &recs, &n, &err) == 0) {
        check(n == 0 || recs != NULL, "records");
    }
    tbe_arena_free(&tight);
    return 0;
}
