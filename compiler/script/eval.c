/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec eval`: compiles the scripts of vector files (facts: js-vectors.README.md, tbel.md 15)
 * into one program, runs it on the vectors' arguments and compares the results. The program
 * reads a line per run and prints a line per result; it is run anew behind a script that kills
 * it. */
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


static const char program[] =
    "#include <stdio.h>\n#include <string.h>\n#include <tbe/script.h>\n#include <tbe/tbel.h>\n#include <tbe/js.h>\n"
    "extern const struct tbe_script *eval_scripts[];\n"
    "void clock_fix(int64_t epoch_ms);\n"
    "static void\nput(struct tbe_buf *b, tbe_val v, int depth)\n{\n"
    "    const struct tbe_entry *e;\n    bool first = true;\n"
    "    if (v.t == TBE_UNDEF || v.t == TBE_FUNC || depth > 100) { tbe_buf_putz(b, \"{\\\"$undefined\\\":true}\"); return; }\n"
    "    if (v.t == TBE_DOUBLE && !isfinite(v.u.d)) {\n"
    "        tbe_buf_fmt(b, \"{\\\"$num\\\":\\\"%s\\\"}\", isnan(v.u.d) ? \"NaN\" : v.u.d > 0 ? \"Infinity\" : \"-Infinity\");\n"
    "        return;\n    }\n"
    "    if (v.t == TBE_DOUBLE && v.u.d == 0 && signbit(v.u.d)) { tbe_buf_putz(b, \"{\\\"$num\\\":\\\"-0\\\"}\"); return; }\n"
    "    if (v.t == TBE_LIST) {\n        tbe_buf_putc(b, '[');\n"
    "        for (uint32_t i = 0; i < v.u.l->n; i++) {\n            if (i > 0) { tbe_buf_putc(b, ','); }\n"
    "            put(b, v.u.l->v[i], depth + 1);\n        }\n        tbe_buf_putc(b, ']');\n        return;\n    }\n"
    "    if (v.t == TBE_MAP) {\n        tbe_buf_putc(b, '{');\n"
    "        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {\n            if (!first) { tbe_buf_putc(b, ','); }\n"
    "            first = false;\n            tbe_json_write_str(b, tbe_val_str(e->key));\n            tbe_buf_putc(b, ':');\n"
    "            put(b, e->val, depth + 1);\n        }\n        tbe_buf_putc(b, '}');\n        return;\n    }\n"
    "    if (v.t == TBE_OBJ) { tbe_buf_putz(b, \"{}\"); return; }\n"
    "    tbe_json_write(b, v, TBE_OUT_JS);\n}\n\n"
    "int\nmain(int argc, char **argv)\n{\n"
    "    static char line[1 << 22];\n    int from = argc > 2 ? atoi(argv[2]) : 0, at = 0;\n"
    "    FILE *in = fopen(argv[1], \"r\");\n"
    "    for (; in && fgets(line, sizeof(line), in) != NULL; at++) {\n"
    "        if (at < from) { continue; }\n"
    "        int prog = 0, raw = 0, used = 0;\n        long long now = 0;\n"
    "        sscanf(line, \"%d %d %lld %n\", &prog, &raw, &now, &used);\n"
    "        struct tbe_arena a;\n        tbe_arena_init(&a, 0);\n"
    "        struct tbe_script s = *eval_scripts[prog];\n"
    "        tbe_val args[3], out = TBE_UNDEF_VAL;\n        char *p = line + used;\n"
    "        for (int i = 0; i < 3; i++) {\n            char *e = strchr(p, i < 2 ? '\\t' : '\\n');\n"
    "            struct tbe_str t = { p, (size_t)(e - p) };\n"
    "            if (tbe_json_parse(&a, t, s.dialect == TBE_DIALECT_JS ? TBE_JSON_JS : TBE_JSON_DROP_NULLS, &args[i], NULL)) { args[i] = TBE_NULL_VAL; }\n"
    "            p = e + 1;\n        }\n"
    "        struct tbe_str err = TBE_STR(\"\");\n        struct tbe_buf b = { 0 };\n"
    "        clock_fix(now);\n        int dialect = s.dialect;\n"
    "        if (raw && dialect == TBE_DIALECT_JS) { s.dialect = TBE_DIALECT_JS_RAW; }\n"
    "        if (tbe_script_run(&s, &a, args, &out, &err) == 0) {\n            bool chr = out.t == TBE_CHAR;\n"
    "            for (uint32_t i = 0; out.t == TBE_LIST && i < out.u.l->n; i++) { chr |= out.u.l->v[i].t == TBE_CHAR; }\n"
    "            tbe_buf_putz(&b, chr ? \"chr \" : \"ok \");\n"
    "            if (dialect == TBE_DIALECT_TBEL) { tbe_json_write(&b, out, TBE_OUT_JAVA); }\n"
    "            else if (raw || out.t == TBE_UNDEF) { put(&b, out, 0); }\n"
    "            else { tbe_json_write(&b, out, TBE_OUT_JS); }\n        } else {\n"
    "            tbe_buf_putz(&b, \"error \");\n            tbe_json_write_str(&b, err);\n        }\n"
    "        printf(\"%d %.*s\\n\", at, (int)b.n, b.p);\n        fflush(stdout);\n"
    "        tbe_buf_free(&b);\n        tbe_arena_free(&a);\n    }\n    return 0;\n}\n";

tbe_val
eval_field(tbe_val o, const char *name)
{
    return o.t == TBE_MAP ? tbe_map_get(o.u.m, tbe_strz(name)) : TBE_UNDEF_VAL;
}

struct tbe_str
eval_text_of(tbe_val v)
{
    return v.t == TBE_STR_T ? tbe_val_str(v) : TBE_STR("");
}

static int
read_file(struct eval *e, const char *path, struct tbe_str *out)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    struct tbe_buf b = { 0 };
    char chunk[65536];
    size_t n;
    if (f == NULL) {
        fprintf(stderr, "tbedgec: %s: %s\n", path, strerror(errno));
        return -1;
    }
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        tbe_buf_put(&b, chunk, n);
    }
    if (f != stdin) {
        fclose(f);
    }
    *out = tbe_arena_dup(&e->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return 0;
}

int
eval_load(struct eval *e, const char *path)
{
    struct tbe_str text;
    tbe_val v;
    struct tbe_json_err err = { 0, NULL };
    if (read_file(e, path, &text) != 0) {
        return -1;
    }
    if (tbe_json_parse(&e->a, text, TBE_JSON_JAVA, &v, &err) != 0 || v.t != TBE_LIST) {
        fprintf(stderr, "tbedgec: %s: not a JSON array of vectors\n", path);
        return -1;
    }
    struct vector *all = tbe_arena_zalloc(&e->a, (e->n + v.u.l->n) * sizeof(*all));
    if (e->n > 0) {
        memcpy(all, e->v, e->n * sizeof(*all));
    }
    for (uint32_t i = 0; i < v.u.l->n; i++) {
        struct vector *t = &all[e->n + i];
        t->v = v.u.l->v[i];
        t->id = eval_text_of(eval_field(t->v, "id"));
        t->kind = eval_text_of(eval_field(t->v, "kind"));
        t->script = eval_text_of(eval_field(t->v, "script"));
        t->dialect = tbe_str_eqz(eval_text_of(eval_field(t->v, "lang")), "tbel") ?
            TBE_DIALECT_TBEL : TBE_DIALECT_JS;
    }
    e->v = all;
    e->n += v.u.l->n;
    return 0;
}

bool
eval_is_generator(const struct vector *t)
{
    return tbe_str_eqz(t->kind, "generator") || tbe_str_eqz(t->kind, "generate");
}

static int
write_text(struct eval *e, const char *name, struct tbe_str s)
{
    struct tbe_str path = tbe_arena_fmt(&e->a, "%s/%s", e->dir, name);
    FILE *f = fopen(path.p, "wb");
    if (f == NULL || fwrite(s.p, 1, s.n, f) != s.n || fclose(f) != 0) {
        fprintf(stderr, "tbedgec: %s: %s\n", path.p, strerror(errno));
        return -1;
    }
    return 0;
}

/* Compiles scripts [from, to) of the vectors into one C file. */
static int
emit_file(struct eval *e, uint32_t from, uint32_t to, int no)
{
    struct tbe_buf b = { 0 };
    script_prologue(&b);
    for (uint32_t i = from; i < to; i++) {
        struct vector *t = &e->v[i];
        char sym[32];
        bool gen = eval_is_generator(t);
        snprintf(sym, sizeof(sym), "s%u", i);
        struct script_source in = { .text = t->script, .dialect = t->dialect, .symbol = sym,
            .n_params = 3,
            .params = { gen ? "prevMsg" : "msg", gen ? "prevMetadata" : "metadata", gen ?
            "prevMsgType" : "msgType" } };
        struct script_result r;
        struct tbe_arena a;
        tbe_arena_init(&a, 0);
        int rc = script_compile(&a, &in, &r);
        t->compiled = rc == 0 && !r.refused;
        for (uint32_t k = 0; k < r.n_diags && !t->compiled; k++) {
            if (!r.diags[k].warning) {
                t->why = tbe_arena_fmt(&e->a, "%d:%d: %.*s", r.diags[k].line, r.diags[k].col,
                    (int)r.diags[k].msg.n,
                    r.diags[k].msg.p);
                break;
            }
        }
        tbe_buf_putc(&b, '\n');
        tbe_buf_puts(&b, tbe_buf_str(&r.c));
        tbe_buf_fmt(&b, "extern const struct tbe_script *const eval_%s;\nconst struct tbe_script *const eval_%s = &%s;\n",
            sym, sym, sym);
        tbe_buf_free(&r.c);
        tbe_arena_free(&a);
    }
    char name[32];
    snprintf(name, sizeof(name), "scripts%d.c", no);
    int rc = write_text(e, name, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return rc;
}

static int
emit_main(struct eval *e)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, "#include <stdlib.h>\n");
    tbe_buf_putz(&b, program);
    for (uint32_t i = 0; i < e->n; i++) {
        tbe_buf_fmt(&b, "extern const struct tbe_script *const eval_s%u;\n", i);
    }
    int rc = write_text(e, "main.c", tbe_buf_str(&b));
    b.n = 0;
    tbe_buf_putz(&b, "#include <tbe/script.h>\n");
    (void)rc;
    tbe_buf_free(&b);
    return rc;
}

/* The table is filled by code: addresses in other files' constants are no constants here. */
static int
emit_table(struct eval *e)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, "#include <tbe/script.h>\nextern const struct tbe_script *eval_scripts[];\n");
    tbe_buf_fmt(&b, "const struct tbe_script *eval_scripts[%u];\n", e->n + 1);
    for (uint32_t i = 0; i < e->n; i++) {
        tbe_buf_fmt(&b, "extern const struct tbe_script *const eval_s%u;\n", i);
    }
    tbe_buf_putz(&b, "__attribute__((constructor)) static void\nfill(void)\n{\n");
    for (uint32_t i = 0; i < e->n; i++) {
        tbe_buf_fmt(&b, "    eval_scripts[%u] = eval_s%u;\n", i, i);
    }
    tbe_buf_putz(&b, "}\n");
    int rc = write_text(e, "table.c", tbe_buf_str(&b));
    tbe_buf_free(&b);
    return rc;
}

static const char **
cc_line(struct eval *e, const char *file, bool link, int n_files)
{
    const char **v = tbe_arena_zalloc(&e->a, (size_t)(n_files + 60) * sizeof(*v));
    int k = 0;
    for (const char *const *c = e->tc.cc; *c != NULL && k < 20; c++) {
        v[k++] = *c;
    }
    v[k++] = "-std=gnu11";
    v[k++] = "-O1";
    v[k++] = "-fno-strict-aliasing";
    for (int i = 0; i < 2; i++) {
        if (e->tc.include[i].p != NULL) {
            v[k++] = tbe_arena_fmt(&e->a, "-I%.*s", (int)e->tc.include[i].n, e->tc.include[i].p).p;
        }
    }
    if (!link) {
        v[k++] = "-c";
        v[k++] = tbe_arena_fmt(&e->a, "%s/%s.c", e->dir, file).p;
        v[k++] = "-o";
        v[k++] = tbe_arena_fmt(&e->a, "%s/%s.o", e->dir, file).p;
        return v;
    }
    v[k++] = tbe_arena_fmt(&e->a, "%s/main.o", e->dir).p;
    v[k++] = tbe_arena_fmt(&e->a, "%s/table.o", e->dir).p;
    for (int i = 0; i < n_files; i++) {
        v[k++] = tbe_arena_fmt(&e->a, "%s/scripts%d.o", e->dir, i).p;
    }
    v[k++] = tbe_arena_dup(&e->a, e->tc.library).p;
    if (strlen(TBE_SANITIZE) > 0) {
        char *flags = tbe_arena_dupz(&e->a, tbe_strz(TBE_SANITIZE));
        for (char *w = strtok(flags, " "); w != NULL && k < n_files + 50; w = strtok(NULL, " ")) {
            v[k++] = w;
        }
    }
    v[k++] = "-lpcre2-8";
    v[k++] = "-lcrypto"; /* TBEL's big numbers */
    v[k++] = "-lm";
    v[k++] = "-lpthread";
    v[k++] = "-o";
    v[k++] = tbe_arena_fmt(&e->a, "%s/run", e->dir).p;
    return v;
}

static int
run_children(struct child *c, size_t n)
{
    int rc = children_run(c, n, CC_JOBS);
    for (size_t i = 0; i < n; i++) {
        if (c[i].output.n > 0) {
            fwrite(c[i].output.p, 1, c[i].output.n, stderr);
        }
        tbe_buf_free(&c[i].output);
    }
    return rc;
}

int
eval_build(struct eval *e)
{
    int n_files = 0;
    for (uint32_t i = 0; i < e->n; i += SCRIPTS_PER_FILE, n_files++) {
        uint32_t to = i + SCRIPTS_PER_FILE < e->n ? i + SCRIPTS_PER_FILE : e->n;
        if (n_files >= MAX_FILES || emit_file(e, i, to, n_files) != 0) {
            return -1;
        }
    }
    if (emit_main(e) != 0 || emit_table(e) != 0) {
        return -1;
    }
    struct child *c = tbe_arena_zalloc(&e->a, (size_t)(n_files + 2) * sizeof(*c));
    for (int i = 0; i < n_files + 2; i++) {
        struct tbe_str name = i == 0 ? TBE_STR("main") : i == 1 ? TBE_STR("table") :
            tbe_arena_fmt(&e->a, "scripts%d", i - 2);
        c[i] = (struct child){ .argv = cc_line(e, name.p, false, 0), .seconds = CC_SECONDS,
            .memory = 0,
            .output_max = CC_OUTPUT_MAX };
    }
    if (run_children(c, (size_t)n_files + 2) != 0) {
        return -1;
    }
    struct child link = { .argv = cc_line(e, NULL, true, n_files), .seconds = CC_SECONDS,
        .output_max = CC_OUTPUT_MAX };
    return run_children(&link, 1);
}

/* ---- running ---- */

static void
put_arg(struct tbe_buf *b, tbe_val args, const char *a, const char *g, const char *dflt)
{
    tbe_val v = eval_field(args, a);
    if (v.t == TBE_UNDEF) {
        v = eval_field(args, g);
    }
    if (v.t == TBE_UNDEF) {
        tbe_buf_putz(b, dflt);
    } else {
        tbe_json_write(b, v, TBE_OUT_JAVA);
    }
}

static int
write_input(struct eval *e)
{
    struct tbe_buf b = { 0 };
    for (uint32_t i = 0; i < e->n; i++) {
        tbe_val args = eval_field(e->v[i].v, "args"), now = eval_field(e->v[i].v, "now");
        tbe_buf_fmt(&b, "%u %d %lld ", i, tbe_str_eqz(e->v[i].kind, "expr"),
            (long long)(now.t == TBE_LONG || now.t == TBE_INT ? now.u.i : 1700000000000));
        put_arg(&b, args, "msg", "prevMsg", "{}");
        tbe_buf_putc(&b, '\t');
        put_arg(&b, args, "metadata", "prevMetadata", "{}");
        tbe_buf_putc(&b, '\t');
        put_arg(&b, args, "msgType", "prevMsgType", "\"POST_TELEMETRY_REQUEST\"");
        tbe_buf_putc(&b, '\n');
    }
    int rc = write_text(e, "input", tbe_buf_str(&b));
    tbe_buf_free(&b);
    return rc;
}

static uint32_t
take_output(struct eval *e, struct tbe_str out, uint32_t next)
{
    while (out.n > 0) {
        const char *nl = memchr(out.p, '\n', out.n);
        if (nl == NULL) {
            break;
        }
        char *end;
        unsigned long i = strtoul(out.p, &end, 10);
        if (i < e->n && *end == ' ' && end < nl) {
            e->v[i].result = tbe_arena_dup(&e->a, (struct tbe_str){ end + 1,
                (size_t)(nl - end - 1) });
            next = (uint32_t)i + 1;
        }
        out.n -= (size_t)(nl + 1 - out.p);
        out.p = nl + 1;
    }
    return next;
}

int
eval_run(struct eval *e)
{
    uint32_t next = 0;
    if (write_input(e) != 0) {
        return -1;
    }
    while (next < e->n) {
        const char *argv[] = { tbe_arena_fmt(&e->a, "%s/run", e->dir).p,
            tbe_arena_fmt(&e->a, "%s/input", e->dir).p,
            tbe_arena_fmt(&e->a, "%u", next).p, NULL };
        struct child c = { .argv = argv, .seconds = 120, .output_max = 64u << 20 };
        int rc = children_run(&c, 1, 1);
        next = take_output(e, tbe_buf_str(&c.output), next);
        if (rc != 0 && next < e->n) {
            e->v[next].result = tbe_arena_fmt(&e->a, "killed by status %d", c.status);
            next++;
        }
        tbe_buf_free(&c.output);
        if (rc == 0) {
            break;
        }
    }
    return 0;
}
