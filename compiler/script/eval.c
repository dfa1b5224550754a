/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec eval VECTORS.json...`: compiles the scripts of vector files, many to a C file, into one program,
 * runs the vectors in it and compares. The run-time half is runtime/replay/eval.c. */
#include "config.h"
#include "script/script.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drive/drive.h"

#define SCRIPTS_PER_FILE 100
#define VECTORS_MAX 200000

struct vector {
    cJSON *json;            /* borrowed from the file's tree */
    bool refused;
    struct tbe_str refusal; /* first error of the compiler */
    cJSON *answer;          /* owned; NULL: none came */
    bool died;              /* the program ended while it ran */
};

struct eval {
    struct tbe_arena a;
    struct vector *v;
    uint32_t n;
    uint32_t passed, failed, skipped;
};

static const char *
str_of(const cJSON *o, const char *key)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsString(x) ? x->valuestring : "";
}

static bool
flag_of(const cJSON *o, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static char *
read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct tbe_buf b = { 0 };
    char part[65536];
    if (f == NULL) {
        fprintf(stderr, "tbedgec: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) {
        tbe_buf_put(&b, part, n);
    }
    fclose(f);
    tbe_buf_putc(&b, '\0');
    return b.oom ? NULL : b.p;
}

/* Compiling ------------------------------------------------------------------------------------------- */

static void
compile_one(struct eval *e, uint32_t i, struct tbe_buf *c)
{
    struct vector *v = &e->v[i];
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(v->json, "script");
    const char *kind = str_of(v->json, "kind");
    bool gen = strcmp(kind, "generate") == 0 || strcmp(kind, "generator") == 0;
    struct script_source s = { .n_params = 3 };
    struct script_result r = { 0 };
    static const char *const plain[] = { "msg", "metadata", "msgType" }, *const prev[] = { "prevMsg", "prevMetadata", "prevMsgType" };
    memcpy(s.params, gen ? prev : plain, sizeof s.params);
    s.text = tbe_strz(cJSON_IsString(text) ? text->valuestring : "");
    s.dialect = strcmp(str_of(v->json, "lang"), "js") == 0 ? TBE_DIALECT_JS : TBE_DIALECT_TBEL;
    s.symbol = tbe_arena_fmt(&e->a, "s%u", i).p;
    if (script_compile(&e->a, &s, &r) != 0) {
        fprintf(stderr, "tbedgec: out of memory\n");
        exit(2);
    }
    v->refused = r.refused;
    for (uint32_t k = 0; k < r.n_diags && v->refusal.p == NULL; k++) {
        if (!r.diags[k].warning) {
            v->refusal = r.diags[k].msg;
        }
    }
    tbe_buf_puts(c, tbe_buf_str(&r.c));
    tbe_buf_free(&r.c);
    tbe_buf_fmt(c, "extern const struct tbe_script *const p%u;\nconst struct tbe_script *const p%u = &s%u;\n", i, i, i);
}

static struct tbe_str
main_file(struct eval *e)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putz(&b, "#include <tbe/chain.h>\nint tbe_eval_main(const struct tbe_script *const *scripts, uint32_t n);\n");
    for (uint32_t i = 0; i < e->n; i++) {
        tbe_buf_fmt(&b, "extern const struct tbe_script *const p%u;\n", i);
    }
    tbe_buf_fmt(&b, "int\nmain(void)\n{\n    static const struct tbe_script *all[%u];\n", e->n + 1);
    for (uint32_t i = 0; i < e->n; i++) {
        tbe_buf_fmt(&b, "    all[%u] = p%u;\n", i, i);
    }
    tbe_buf_fmt(&b, "    return tbe_eval_main(all, %u);\n}\n", e->n);
    struct tbe_str s = tbe_arena_dup(&e->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

static int
build(struct eval *e, const char *out)
{
    uint32_t n = (e->n + SCRIPTS_PER_FILE - 1) / SCRIPTS_PER_FILE;
    struct emit_result files = { .n_files = n + 1 };
    files.files = tbe_arena_zalloc(&e->a, (n + 1) * sizeof *files.files);
    for (uint32_t f = 0; f < n; f++) {
        struct tbe_buf c = { 0 };
        script_prologue(&c);
        for (uint32_t i = f * SCRIPTS_PER_FILE; i < e->n && i < (f + 1) * SCRIPTS_PER_FILE; i++) {
            compile_one(e, i, &c);
        }
        files.files[f].name = tbe_arena_fmt(&e->a, "scripts%u.c", f);
        files.files[f].text = tbe_arena_dup(&e->a, tbe_buf_str(&c));
        tbe_buf_free(&c);
    }
    files.files[n].name = TBE_STR("main.c");
    files.files[n].text = main_file(e);
    struct toolchain t;
    struct tbe_str why = TBE_STR("the C compiler failed");
    const char *cc = getenv("TBEDGEC_EVAL_CC");
    if (toolchain_find(&e->a, cc ? cc : "gcc -O1", &t, &why) != 0 || drive_build(&e->a, &t, &files, out, &why) != 0) {
        fprintf(stderr, "tbedgec: %.*s\n", (int)why.n, why.p);
        return -1;
    }
    return 0;
}

/* Running: the program is started again behind a vector that ended it. -------------------------------------- */

static FILE *
write_input(struct eval *e, uint32_t from)
{
    FILE *f = tmpfile();
    for (uint32_t i = from; f != NULL && i < e->n; i++) {
        const cJSON *args = cJSON_GetObjectItemCaseSensitive(e->v[i].json, "args");
        const cJSON *now = cJSON_GetObjectItemCaseSensitive(e->v[i].json, "now");
        char *text = args ? cJSON_PrintUnformatted(args) : NULL;
        fprintf(f, "{\"i\":%u,\"kind\":\"%s\",\"args\":%s", i, str_of(e->v[i].json, "kind"), text ? text : "{}");
        if (cJSON_IsNumber(now)) {
            fprintf(f, ",\"now\":%.0f", now->valuedouble);
        }
        fprintf(f, "}\n");
        free(text);
    }
    if (f != NULL) {
        fflush(f);
        rewind(f);
    }
    return f;
}

/* The number of the vector behind the last one answered. */
static uint32_t
read_answers(struct eval *e, FILE *out, uint32_t from)
{
    char *line = NULL;
    size_t cap = 0;
    uint32_t next = from;
    while (getline(&line, &cap, out) > 0) {
        cJSON *a = cJSON_Parse(line);
        const cJSON *i = cJSON_GetObjectItemCaseSensitive(a, "i");
        if (cJSON_IsNumber(i) && i->valuedouble >= 0 && i->valuedouble < e->n && e->v[(uint32_t)i->valuedouble].answer == NULL) {
            next = (uint32_t)i->valuedouble + 1;
            e->v[next - 1].answer = a;
        } else {
            cJSON_Delete(a);
        }
    }
    free(line);
    return next;
}

static int
run_from(struct eval *e, const char *program, uint32_t from, uint32_t *next)
{
    int fd[2];
    FILE *in = write_input(e, from);
    if (in == NULL || pipe(fd) != 0) {
        perror("tbedgec");
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(in), 0);
        dup2(fd[1], 1);
        if (getenv("TBEDGEC_EVAL_STDERR") == NULL && freopen("/dev/null", "w", stderr) == NULL) {
            _exit(127);
        }
        close(fd[0]);
        setenv("TZ", "UTC", 1);
        execl(program, program, (char *)NULL);
        _exit(127);
    }
    close(fd[1]);
    FILE *out = fdopen(fd[0], "r");
    *next = out ? read_answers(e, out, from) : from;
    if (out) {
        fclose(out);
    }
    fclose(in);
    int status = 0;
    waitpid(pid, &status, 0);
    return 0;
}

/* Comparing --------------------------------------------------------------------------------------------- */

static bool same(const cJSON *a, const cJSON *b, bool ordered);

static bool
same_list(const cJSON *a, const cJSON *b)
{
    const cJSON *x = a->child, *y = b->child;
    for (; x && y; x = x->next, y = y->next) {
        if (!same(x, y, true)) {
            return false;
        }
    }
    return x == NULL && y == NULL;
}

static bool
same(const cJSON *a, const cJSON *b, bool ordered)
{
    if (cJSON_IsNumber(a) && cJSON_IsNumber(b)) {
        return a->valuedouble == b->valuedouble || fabs(a->valuedouble - b->valuedouble) <= fabs(a->valuedouble) * 1e-15;
    }
    if ((a->type & 0xff) != (b->type & 0xff)) {
        return false;
    }
    if (cJSON_IsString(a)) {
        return strcmp(a->valuestring, b->valuestring) == 0;
    }
    if (cJSON_IsArray(a)) {
        return same_list(a, b);
    }
    if (!cJSON_IsObject(a)) {
        return true;
    }
    if (cJSON_GetArraySize(a) != cJSON_GetArraySize(b)) {
        return false;
    }
    for (const cJSON *x = a->child; x; x = x->next) {
        const cJSON *y = cJSON_GetObjectItemCaseSensitive(b, x->string);
        if (y == NULL || !same(x, y, ordered)) {
            return false;
        }
    }
    return true;
}

static bool
holds(const cJSON *list, const cJSON *item)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, list) {
        if (same(x, item, true)) {
            return true;
        }
    }
    return false;
}

/* Relation names are a set; one name alone is written without the list. */
static bool
same_relations(const cJSON *exp, const cJSON *got)
{
    const cJSON *x;
    if (!cJSON_IsArray(exp)) {
        return cJSON_GetArraySize(got) == 1 && same(exp, got->child, true);
    }
    cJSON_ArrayForEach(x, exp) {
        if (!holds(got, x)) {
            return false;
        }
    }
    cJSON_ArrayForEach(x, got) {
        if (!holds(exp, x)) {
            return false;
        }
    }
    return true;
}

enum verdict { PASS, FAIL, SKIP };

static enum verdict
judge_error(const struct vector *v, const cJSON *want, const char *error)
{
    bool lenient = flag_of(v->json, "lenient");
    if (error == NULL) {
        return lenient && strcmp(str_of(v->json, "lang"), "js") != 0 ? PASS : FAIL;
    }
    return lenient || strstr(error, want->valuestring) != NULL ? PASS : FAIL;
}

static enum verdict
judge(const struct vector *v)
{
    const cJSON *want = cJSON_GetObjectItemCaseSensitive(v->json, "expectError");
    const cJSON *error = v->answer ? cJSON_GetObjectItemCaseSensitive(v->answer, "error") : NULL;
    const cJSON *ok = v->answer ? cJSON_GetObjectItemCaseSensitive(v->answer, "ok") : NULL;
    if (v->died) {
        return FAIL;
    }
    if (v->refused && flag_of(v->json, "optional")) {
        return SKIP; /* the vector file says that a compiler may refuse it */
    }
    enum verdict soft = str_of(v->json, "engine")[0] || flag_of(v->json, "jdkDependent") ? SKIP : FAIL;
    if (cJSON_IsString(want)) {
        const char *e = v->refused && v->refusal.p ? v->refusal.p : error ? error->valuestring : NULL;
        enum verdict r = judge_error(v, want, e);
        return r == FAIL ? soft : r;
    }
    const cJSON *exp = cJSON_GetObjectItemCaseSensitive(v->json, "expect");
    const char *kind = str_of(v->json, "kind");
    if (ok == NULL || exp == NULL) {
        return soft;
    }
    bool right = strcmp(kind, "switch") == 0 ? same_relations(exp, ok) : same(exp, ok, true);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(v->json, strcmp(str_of(v->json, "lang"), "js") == 0 ? "json" : "text");
    if (right && strcmp(kind, "expr") == 0 && cJSON_IsString(text)) {
        right = strcmp(text->valuestring, str_of(v->answer, "text")) == 0;
    }
    return right ? PASS : soft;
}

static void
show(const struct vector *v)
{
    const cJSON *want = cJSON_GetObjectItemCaseSensitive(v->json, "expectError");
    const char *key = strcmp(str_of(v->json, "lang"), "js") == 0 ? "json" : "text";
    char *exp = cJSON_PrintUnformatted(want ? want : cJSON_GetObjectItemCaseSensitive(v->json, "expect"));
    char *got = v->answer ? cJSON_PrintUnformatted(v->answer) : NULL;
    printf("FAIL %s (%s%s)\n    script   %s\n    expected %s%s %s\n    got      %s\n", str_of(v->json, "id"), str_of(v->json, "area"),
           flag_of(v->json, "quirk") ? ", quirk" : "", str_of(v->json, "script"), want ? "error " : "", exp ? exp : "",
           str_of(v->json, key), v->died ? "the program ended" : v->refused ? v->refusal.p : got ? got : "nothing");
    free(exp);
    free(got);
}

static void
report(struct eval *e)
{
    for (uint32_t i = 0; i < e->n; i++) {
        switch (judge(&e->v[i])) {
        case PASS:
            e->passed++;
            break;
        case SKIP:
            e->skipped++;
            break;
        default:
            e->failed++;
            show(&e->v[i]);
        }
        cJSON_Delete(e->v[i].answer);
    }
}

static bool
load(struct eval *e, cJSON *root)
{
    const cJSON *list = cJSON_IsArray(root) ? root : cJSON_GetObjectItemCaseSensitive(root, "vectors");
    int n = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || n > VECTORS_MAX) {
        return false;
    }
    e->v = tbe_arena_zalloc(&e->a, (size_t)(n + 1) * sizeof *e->v);
    cJSON *x;
    cJSON_ArrayForEach(x, list) {
        e->v[e->n++].json = x;
    }
    return true;
}

static int
eval_file(const char *path, uint32_t totals[3])
{
    struct eval e = { 0 };
    char dir[] = "/tmp/tbedgec-eval-XXXXXX";
    char *text = read_all(path);
    cJSON *root = text ? cJSON_Parse(text) : NULL;
    int rc = 2;
    tbe_arena_init(&e.a, 0);
    if (text != NULL && (root == NULL || !load(&e, root))) {
        fprintf(stderr, "tbedgec: %s: not a file of script vectors\n", path);
    } else if (text != NULL && mkdtemp(dir) != NULL) {
        const char *program = tbe_arena_fmt(&e.a, "%s/eval", dir).p;
        rc = build(&e, program) == 0 ? 0 : 2;
        for (uint32_t at = 0, next; rc == 0 && at < e.n; at = next) {
            if (run_from(&e, program, at, &next) != 0) {
                rc = 2;
                break;
            }
            if (next < e.n) {
                e.v[next++].died = true;
            }
        }
        if (rc == 0) {
            report(&e);
        }
        unlink(program);
        rmdir(dir);
    }
    totals[0] += e.passed;
    totals[1] += e.failed;
    totals[2] += e.skipped;
    cJSON_Delete(root);
    free(text);
    tbe_arena_free(&e.a);
    return rc;
}

int
eval_main(int argc, char **argv)
{
    uint32_t totals[3] = { 0 };
    int rc = argc < 1 ? 2 : 0;
    for (int i = 0; i < argc && rc == 0; i++) {
        rc = eval_file(argv[i], totals);
    }
    if (rc != 0) {
        fprintf(stderr, argc < 1 ? "usage: tbedgec eval VECTORS.json...\n" : "tbedgec: eval stopped\n");
        return rc;
    }
    if (totals[2]) {
        printf("%u vectors depend on another engine or may be refused: not counted\n", totals[2]);
    }
    printf("%u passed, %u failed\n", totals[0], totals[1]);
    return totals[1] > 0;
}
