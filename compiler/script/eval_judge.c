/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing what a script gave with what its vector expects, by the rules of the nodes. */
#include "config.h"
#include "script/eval.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drive/child.h"
#include "tbe/tbel.h"

/* ---- comparing ---- */

static bool
numeric(tbe_val v)
{
    return v.t >= TBE_BYTE && v.t <= TBE_NUM;
}

static double
number(tbe_val v)
{
    bool ok;
    return v.t == TBE_DOUBLE || v.t == TBE_FLOAT ? v.u.d : v.t <= TBE_LONG ? (double)v.u.i :
        tbe_parse_double(tbe_val_str(v), &ok);
}

static bool
same(tbe_val a, tbe_val b)
{
    const struct tbe_entry *e;
    if (numeric(a) && numeric(b)) {
        return number(a) == number(b);
    }
    if (a.t != b.t) {
        return false;
    }
    if (a.t == TBE_LIST) {
        for (uint32_t i = 0; i < a.u.l->n && a.u.l->n == b.u.l->n; i++) {
            if (!same(a.u.l->v[i], b.u.l->v[i])) {
                return false;
            }
        }
        return a.u.l->n == b.u.l->n;
    }
    if (a.t == TBE_MAP) {
        for (uint32_t i = 0; tbe_map_next(a.u.m, &i, &e);) {
            tbe_val o = tbe_map_get(b.u.m, tbe_val_str(e->key));
            if (o.t == TBE_UNDEF || !same(e->val, o)) {
                return false;
            }
        }
        return a.u.m->live == b.u.m->live;
    }
    return a.t == TBE_STR_T ? tbe_str_eq(tbe_val_str(a), tbe_val_str(b)) : a.t != TBE_BOOL ||
        a.u.i == b.u.i;
}

static struct tbe_str
value_text(struct eval *e, tbe_val v, bool js)
{
    if (v.t == TBE_STR_T) {
        return tbe_val_str(v);
    }
    if (v.t == TBE_DOUBLE && js && v.u.d == trunc(v.u.d) && fabs(v.u.d) < 9e15) {
        return tbe_arena_fmt(&e->a, "%.0f", v.u.d);
    }
    struct tbe_buf b = { 0 };
    tbe_java_text(&b, v);
    struct tbe_str s = tbe_arena_dup(&e->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

/* One message of a transform result by the rules of the node; false = the node fails. */
static bool
message(struct eval *e, const struct vector *t, tbe_val r, bool listed, tbe_val *out)
{
    tbe_val args = eval_field(t->v, "args"), m = tbe_map_new(&e->a, 3), v;
    bool js = t->dialect == TBE_DIALECT_JS;
    const struct tbe_entry *en;
    bool prev = eval_is_generator(t) && eval_field(args, "prevMsg").t != TBE_UNDEF;
    tbe_val in_msg = eval_field(args, prev ? "prevMsg" : "msg"),
        in_md = eval_field(args, prev ? "prevMetadata" : "metadata"),
            in_type = eval_field(args, prev ? "prevMsgType" : "msgType");
    in_msg = in_msg.t == TBE_UNDEF ? tbe_map_new(&e->a, 1) : in_msg;
    in_md = in_md.t == TBE_UNDEF ? tbe_map_new(&e->a, 1) : in_md;
    in_type = in_type.t == TBE_UNDEF ? tbe_strv(TBE_STR("POST_TELEMETRY_REQUEST")) : in_type;
    if (r.t != TBE_MAP && !(listed && js)) {
        return false;
    }
    v = eval_field(r, "msg");
    tbe_map_put(&e->a, m.u.m, TBE_STR("msg"), v.t == TBE_UNDEF ||
        (v.t == TBE_NULL && !js) ? in_msg : v);
    v = eval_field(r, "metadata");
    if (v.t <= TBE_NULL) {
        v = in_md;
    } else if (v.t != TBE_MAP) {
        return false;
    } else {
        tbe_val md = tbe_map_new(&e->a, 4);
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &en);) {
            if (en->val.t == TBE_NULL) {
                continue;
            }
            if (js && (en->val.t == TBE_MAP || en->val.t == TBE_LIST)) {
                return false;
            }
            tbe_map_put(&e->a, md.u.m, tbe_val_str(en->key), tbe_strv(value_text(e, en->val, js)));
        }
        v = md;
    }
    tbe_map_put(&e->a, m.u.m, TBE_STR("metadata"), v);
    v = eval_field(r, "msgType");
    bool keep = v.t == TBE_UNDEF || (v.t == TBE_STR_T && v.n == 0) ||
        (js && (v.t == TBE_MAP || v.t == TBE_LIST)) ||
        (!js && v.t == TBE_NULL);
    tbe_map_put(&e->a, m.u.m, TBE_STR("msgType"), keep ? in_type : tbe_strv(value_text(e, v, js)));
    *out = m;
    return true;
}

/* The node's result from the script's; false = the node fails. */
static bool
convert(struct eval *e, const struct vector *t, tbe_val r, tbe_val *out)
{
    bool js = t->dialect == TBE_DIALECT_JS;
    *out = r;
    if (tbe_str_eqz(t->kind, "filter")) {
        return r.t == TBE_BOOL;
    }
    if (tbe_str_eqz(t->kind, "string")) {
        return r.t == TBE_STR_T;
    }
    if (tbe_str_eqz(t->kind, "tostring")) {
        if (r.t != TBE_STR_T || t->chars) {
            *out = tbe_strv(tbe_json_text(&e->a, r, TBE_OUT_JAVA));
        }
        return true;
    }
    if (tbe_str_eqz(t->kind, "switch")) {
        if (t->chars) {
            return false;
        }
        for (uint32_t i = 0; r.t == TBE_LIST && i < r.u.l->n; i++) {
            if (r.u.l->v[i].t != TBE_STR_T) {
                return false;
            }
        }
        return r.t == TBE_STR_T || r.t == TBE_LIST;
    }
    if (eval_is_generator(t)) {
        return message(e, t, r, false, out);
    }
    if (tbe_str_eqz(t->kind, "transform")) {
        if (r.t != TBE_LIST) {
            if (!message(e, t, r, false, out)) {
                return false;
            }
            if (!js) {
                tbe_val l = tbe_list_new(&e->a, 1);
                tbe_list_push(&e->a, l.u.l, *out);
                *out = l;
            }
            return true;
        }
        tbe_val l = tbe_list_new(&e->a, 4);
        for (uint32_t i = 0; i < r.u.l->n; i++) {
            tbe_val m;
            if (!message(e, t, r.u.l->v[i], true, &m)) {
                return false;
            }
            tbe_list_push(&e->a, l.u.l, m);
        }
        *out = l;
        return l.u.l->n > 0 || !js;
    }
    return true;
}

static bool
same_set(tbe_val a, tbe_val b)
{
    for (uint32_t i = 0; i < a.u.l->n; i++) {
        bool found = false;
        for (uint32_t k = 0; k < b.u.l->n; k++) {
            found = found || same(a.u.l->v[i], b.u.l->v[k]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static tbe_val
as_list(struct eval *e, tbe_val v)
{
    if (v.t == TBE_LIST) {
        return v;
    }
    tbe_val l = tbe_list_new(&e->a, 1);
    tbe_list_push(&e->a, l.u.l, v);
    return l;
}

/* What the node says of a TBEL result it cannot use: the class of the result, or of the first
 * element. */
static struct tbe_str
wrong_type(struct eval *e, const struct vector *t, tbe_val r)
{
    bool many = tbe_str_eqz(t->kind, "switch") || tbe_str_eqz(t->kind, "transform");
    int fits = tbe_str_eqz(t->kind, "switch") ? TBE_STR_T : TBE_MAP;
    for (uint32_t i = 0; many && r.t == TBE_LIST && i < r.u.l->n; i++) {
        if (r.u.l->v[i].t != fits) {
            r = r.u.l->v[i];
            break;
        }
    }
    return tbe_arena_fmt(&e->a, "Wrong result type: %s", tbe_t_class(r));
}

/* Did it go as the vector says? got: text for the report. */
static bool
judge(struct eval *e, struct vector *t, struct tbe_str *got)
{
    tbe_val want_err = eval_field(t->v, "expectError"), want = eval_field(t->v, "expect"), r, conv;
    bool must_fail = want_err.t != TBE_UNDEF, lenient = eval_field(t->v, "lenient").u.i &&
        eval_field(t->v, "lenient").t == TBE_BOOL;
    bool failed = !t->compiled, ok = true;
    *got = t->compiled ? t->result : t->why;
    size_t skip = t->result.n > 4 && memcmp(t->result.p, "chr ", 4) == 0 ? 4 :
        t->result.n > 3 && memcmp(t->result.p, "ok ", 3) == 0 ? 3 : 0;
    t->chars = skip == 4;
    if (!failed && skip > 0) {
        *got = (struct tbe_str){ t->result.p + skip, t->result.n - skip };
        if (tbe_json_parse(&e->a, *got, TBE_JSON_JAVA, &r, NULL) != 0) {
            return false;
        }
        bool undef = eval_field(r, "$undefined").t == TBE_BOOL && !tbe_str_eqz(t->kind, "expr");
        if (undef && tbe_str_eqz(t->kind, "details")) {
            r = TBE_NULL_VAL;
            undef = false;
        }
        failed = undef || !convert(e, t, r, &conv);
        if (failed && t->dialect == TBE_DIALECT_TBEL) {
            *got = wrong_type(e, t, r);
        }
    } else if (!failed && t->result.n > 6 && memcmp(t->result.p, "error ", 6) == 0) {
        failed = true;
        *got = (struct tbe_str){ t->result.p + 6, t->result.n - 6 };
        if (tbe_json_parse(&e->a, *got, TBE_JSON_JAVA, &r, NULL) == 0 && r.t == TBE_STR_T) {
            *got = tbe_val_str(r); /* the words, without JSON's escapes */
        }
    } else if (!failed) {
        return false; /* killed */
    }
    if (must_fail || failed) {
        if (!must_fail || !failed) {
            return must_fail && lenient;
        }
        struct tbe_str w = eval_text_of(want_err);
        ok = lenient || t->dialect == TBE_DIALECT_JS || w.n == 0 || !t->compiled ||
            memmem(got->p, got->n, w.p, w.n) != NULL;
        return ok;
    }
    if (tbe_str_eqz(t->kind, "switch")) {
        tbe_val a = as_list(e, conv), b = as_list(e, want);
        return same_set(a, b) && same_set(b, a);
    }
    tbe_val text = eval_field(t->v, "text");
    if (tbe_str_eqz(t->kind, "expr") && t->dialect == TBE_DIALECT_TBEL && text.t == TBE_STR_T &&
        numeric(r)) {
        ok = tbe_str_eq(tbe_val_str(text), *got);
    }
    return ok && same(want, conv);
}

static bool
excused(const struct vector *t)
{
    return eval_field(t->v, "optional").t == TBE_BOOL ||
        eval_field(t->v, "engine").t == TBE_STR_T ||
        eval_field(t->v, "jdkDependent").t == TBE_BOOL || eval_field(t->v, "quirk").t == TBE_BOOL;
}

static void
report(struct eval *e)
{
    int excuses = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        struct vector *t = &e->v[i];
        struct tbe_str got;
        if (judge(e, t, &got)) {
            e->passed++;
            continue;
        }
        if (excused(t)) {
            excuses++;
        }
        e->failed++;
        tbe_val w = eval_field(t->v, "expect"), we = eval_field(t->v, "expectError");
        struct tbe_str want = we.t == TBE_STR_T ? tbe_val_str(we) :
            tbe_json_text(&e->a, w, TBE_OUT_JAVA);
        printf("%.*s (%.*s)%s\n  script:   %.*s\n  expected: %s%.*s\n  got:      %.*s\n",
            (int)t->id.n, t->id.p,
            (int)t->kind.n, t->kind.p, excused(t) ? " [engine-specific]" :
            "", (int)(t->script.n > 600 ? 600 : t->script.n),
            t->script.p, we.t != TBE_UNDEF ? "error " : "", (int)want.n, want.p, (int)got.n, got.p);
    }
    if (excuses > 0) {
        printf("%d of the failed are marked engine-specific or optional in the vectors\n", excuses);
    }
    printf("%d passed, %d failed\n", e->passed, e->failed);
}

static void
clean(struct eval *e)
{
    static const char *const names[] = { "main.c", "main.o", "table.c", "table.o", "input", "run" };
    if (getenv("TBEDGEC_EVAL_KEEP") != NULL) {
        fprintf(stderr, "tbedgec: kept %s\n", e->dir);
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(tbe_arena_fmt(&e->a, "%s/%s", e->dir, names[i]).p);
    }
    for (uint32_t i = 0; i * SCRIPTS_PER_FILE < e->n; i++) {
        unlink(tbe_arena_fmt(&e->a, "%s/scripts%u.c", e->dir, i).p);
        unlink(tbe_arena_fmt(&e->a, "%s/scripts%u.o", e->dir, i).p);
    }
    rmdir(e->dir);
}

int
eval_main(int argc, char **argv)
{
    struct eval e = { .n = 0 };
    struct tbe_str why = TBE_STR("");
    int rc = 0, files = 0;
    tbe_arena_init(&e.a, 0);
    for (int i = 1; i < argc && rc == 0; i++) {
        if (strcmp(argv[i], "--") != 0) {
            rc = eval_load(&e, argv[i]) == 0 ? 0 : 2;
            files++;
        }
    }
    if (rc == 0 && files == 0) {
        fprintf(stderr, "usage: tbedgec eval VECTORS.json...\n");
        rc = 2;
    }
    const char *tmp = getenv("TMPDIR");
    snprintf(e.dir, sizeof(e.dir), "%s/tbedgec-eval-XXXXXX", tmp != NULL &&
        strlen(tmp) < 30 ? tmp : "/tmp");
    if (rc == 0 && toolchain_find(&e.a, NULL, &e.tc, &why) != 0) {
        fprintf(stderr, "tbedgec: %.*s\n", (int)why.n, why.p);
        rc = 2;
    } else if (rc == 0 && mkdtemp(e.dir) == NULL) {
        fprintf(stderr, "tbedgec: %s: %s\n", e.dir, strerror(errno));
        rc = 2;
    } else if (rc == 0) {
        if (eval_build(&e) != 0 || eval_run(&e) != 0) {
            fprintf(stderr, "tbedgec: the vectors could not be compiled\n");
            rc = 2;
        } else {
            report(&e);
            rc = e.failed > 0;
        }
        clean(&e);
    }
    tbe_arena_free(&e.a);
    return rc;
}
