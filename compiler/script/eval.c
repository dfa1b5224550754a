/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec eval`: compiles the scripts of vector files (facts: js-vectors.README.md, tbel.md 15) into one
 * program, runs it on the vectors' arguments and compares the results. The program reads a line per run
 * and prints a line per result; it is run anew behind a script that kills it. */
#include "config.h"
#include "script/script.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drive/child.h"
#include "drive/drive.h"
#include "tbe/tbel.h"

#define SCRIPTS_PER_FILE 100
#define MAX_FILES 200

struct vector {
    tbe_val v; /* the vector's object */
    struct tbe_str id, kind, script;
    int dialect, prog; /* number of the script in the program */
    bool compiled;
    struct tbe_str why; /* compile error */
    bool ok;
    struct tbe_str result; /* line of the program */
    bool chars;            /* the result is a Character, or a list with one: JSON does not tell it from a string */
};

struct eval {
    struct tbe_arena a;
    struct vector *v;
    uint32_t n;
    char dir[64];
    struct toolchain tc;
    int passed, failed;
};

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

static tbe_val
field(tbe_val o, const char *name)
{
    return o.t == TBE_MAP ? tbe_map_get(o.u.m, tbe_strz(name)) : TBE_UNDEF_VAL;
}

static struct tbe_str
text_of(tbe_val v)
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

static int
load(struct eval *e, const char *path)
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
        t->id = text_of(field(t->v, "id"));
        t->kind = text_of(field(t->v, "kind"));
        t->script = text_of(field(t->v, "script"));
        t->dialect = tbe_str_eqz(text_of(field(t->v, "lang")), "tbel") ? TBE_DIALECT_TBEL : TBE_DIALECT_JS;
    }
    e->v = all;
    e->n += v.u.l->n;
    return 0;
}

static bool
is_generator(const struct vector *t)
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
        bool gen = is_generator(t);
        snprintf(sym, sizeof(sym), "s%u", i);
        struct script_source in = { .text = t->script, .dialect = t->dialect, .symbol = sym, .n_params = 3,
            .params = { gen ? "prevMsg" : "msg", gen ? "prevMetadata" : "metadata", gen ? "prevMsgType" : "msgType" } };
        struct script_result r;
        struct tbe_arena a;
        tbe_arena_init(&a, 0);
        int rc = script_compile(&a, &in, &r);
        t->compiled = rc == 0 && !r.refused;
        for (uint32_t k = 0; k < r.n_diags && !t->compiled; k++) {
            if (!r.diags[k].warning) {
                t->why = tbe_arena_fmt(&e->a, "%d:%d: %.*s", r.diags[k].line, r.diags[k].col, (int)r.diags[k].msg.n,
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

static int
build(struct eval *e)
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
        struct tbe_str name = i == 0 ? TBE_STR("main") : i == 1 ? TBE_STR("table") : tbe_arena_fmt(&e->a, "scripts%d", i - 2);
        c[i] = (struct child){ .argv = cc_line(e, name.p, false, 0), .seconds = CC_SECONDS, .memory = 0,
            .output_max = CC_OUTPUT_MAX };
    }
    if (run_children(c, (size_t)n_files + 2) != 0) {
        return -1;
    }
    struct child link = { .argv = cc_line(e, NULL, true, n_files), .seconds = CC_SECONDS, .output_max = CC_OUTPUT_MAX };
    return run_children(&link, 1);
}

/* ---- running ---- */

static void
put_arg(struct tbe_buf *b, tbe_val args, const char *a, const char *g, const char *dflt)
{
    tbe_val v = field(args, a);
    if (v.t == TBE_UNDEF) {
        v = field(args, g);
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
        tbe_val args = field(e->v[i].v, "args"), now = field(e->v[i].v, "now");
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
            e->v[i].result = tbe_arena_dup(&e->a, (struct tbe_str){ end + 1, (size_t)(nl - end - 1) });
            next = (uint32_t)i + 1;
        }
        out.n -= (size_t)(nl + 1 - out.p);
        out.p = nl + 1;
    }
    return next;
}

static int
run(struct eval *e)
{
    uint32_t next = 0;
    if (write_input(e) != 0) {
        return -1;
    }
    while (next < e->n) {
        const char *argv[] = { tbe_arena_fmt(&e->a, "%s/run", e->dir).p, tbe_arena_fmt(&e->a, "%s/input", e->dir).p,
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
    return a.t == TBE_STR_T ? tbe_str_eq(tbe_val_str(a), tbe_val_str(b)) : a.t != TBE_BOOL || a.u.i == b.u.i;
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
    tbe_val args = field(t->v, "args"), m = tbe_map_new(&e->a, 3), v;
    bool js = t->dialect == TBE_DIALECT_JS;
    const struct tbe_entry *en;
    bool prev = is_generator(t) && field(args, "prevMsg").t != TBE_UNDEF;
    tbe_val in_msg = field(args, prev ? "prevMsg" : "msg"), in_md = field(args, prev ? "prevMetadata" : "metadata"),
            in_type = field(args, prev ? "prevMsgType" : "msgType");
    in_msg = in_msg.t == TBE_UNDEF ? tbe_map_new(&e->a, 1) : in_msg;
    in_md = in_md.t == TBE_UNDEF ? tbe_map_new(&e->a, 1) : in_md;
    in_type = in_type.t == TBE_UNDEF ? tbe_strv(TBE_STR("POST_TELEMETRY_REQUEST")) : in_type;
    if (r.t != TBE_MAP && !(listed && js)) {
        return false;
    }
    v = field(r, "msg");
    tbe_map_put(&e->a, m.u.m, TBE_STR("msg"), v.t == TBE_UNDEF || (v.t == TBE_NULL && !js) ? in_msg : v);
    v = field(r, "metadata");
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
    v = field(r, "msgType");
    bool keep = v.t == TBE_UNDEF || (v.t == TBE_STR_T && v.n == 0) || (js && (v.t == TBE_MAP || v.t == TBE_LIST)) ||
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
    if (is_generator(t)) {
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

/* What the node says of a TBEL result it cannot use: the class of the result, or of the first element. */
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
    tbe_val want_err = field(t->v, "expectError"), want = field(t->v, "expect"), r, conv;
    bool must_fail = want_err.t != TBE_UNDEF, lenient = field(t->v, "lenient").u.i && field(t->v, "lenient").t == TBE_BOOL;
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
        bool undef = field(r, "$undefined").t == TBE_BOOL && !tbe_str_eqz(t->kind, "expr");
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
        struct tbe_str w = text_of(want_err);
        ok = lenient || t->dialect == TBE_DIALECT_JS || w.n == 0 || !t->compiled || memmem(got->p, got->n, w.p, w.n) != NULL;
        return ok;
    }
    if (tbe_str_eqz(t->kind, "switch")) {
        tbe_val a = as_list(e, conv), b = as_list(e, want);
        return same_set(a, b) && same_set(b, a);
    }
    tbe_val text = field(t->v, "text");
    if (tbe_str_eqz(t->kind, "expr") && t->dialect == TBE_DIALECT_TBEL && text.t == TBE_STR_T && numeric(r)) {
        ok = tbe_str_eq(tbe_val_str(text), *got);
    }
    return ok && same(want, conv);
}

static bool
excused(const struct vector *t)
{
    return field(t->v, "optional").t == TBE_BOOL || field(t->v, "engine").t == TBE_STR_T ||
        field(t->v, "jdkDependent").t == TBE_BOOL || field(t->v, "quirk").t == TBE_BOOL;
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
        tbe_val w = field(t->v, "expect"), we = field(t->v, "expectError");
        struct tbe_str want = we.t == TBE_STR_T ? tbe_val_str(we) : tbe_json_text(&e->a, w, TBE_OUT_JAVA);
        printf("%.*s (%.*s)%s\n  script:   %.*s\n  expected: %s%.*s\n  got:      %.*s\n", (int)t->id.n, t->id.p,
            (int)t->kind.n, t->kind.p, excused(t) ? " [engine-specific]" : "", (int)(t->script.n > 600 ? 600 : t->script.n),
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
            rc = load(&e, argv[i]) == 0 ? 0 : 2;
            files++;
        }
    }
    if (rc == 0 && files == 0) {
        fprintf(stderr, "usage: tbedgec eval VECTORS.json...\n");
        rc = 2;
    }
    const char *tmp = getenv("TMPDIR");
    snprintf(e.dir, sizeof(e.dir), "%s/tbedgec-eval-XXXXXX", tmp != NULL && strlen(tmp) < 30 ? tmp : "/tmp");
    if (rc == 0 && toolchain_find(&e.a, NULL, &e.tc, &why) != 0) {
        fprintf(stderr, "tbedgec: %.*s\n", (int)why.n, why.p);
        rc = 2;
    } else if (rc == 0 && mkdtemp(e.dir) == NULL) {
        fprintf(stderr, "tbedgec: %s: %s\n", e.dir, strerror(errno));
        rc = 2;
    } else if (rc == 0) {
        if (build(&e) != 0 || run(&e) != 0) {
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
