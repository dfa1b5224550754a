/* SPDX-License-Identifier: Apache-2.0 */
/* tbedgec: options and sub-commands only. */
#include "config.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hash.h"
#include "check/check.h"
#include "drive/drive.h"
#include "emit/emit.h"
#include "script/script.h"

enum { EXIT_CLEAN, EXIT_PROBLEMS, EXIT_USAGE };

struct job {
    struct tbe_arena *a;
    struct diags ds;
    struct chains cs;
    bool json, strict, line_directives;
    bool shown; /* the JSON report is out: what comes later is text */
    const char *out, *cc, *root, *emit_dir;
    bool dump_ast, dump_ir, dump_opt;
};

static const char usage[] =
    "tbedgec: ThingsBoard Edge rule chains to C and to a native worker\n"
    "\n"
    "  tbedgec check [--format text|json] [--strict] FILE...\n"
    "  tbedgec build [-o OUT] [--cc CC] [--root NAME] [--emit-only DIR] [--dump=ast,ir,opt]\n"
    "                [--no-line] [--format text|json] [--strict] FILE...\n"
    "  tbedgec eval VECTORS.json...\n"
    "\n"
    "FILE is a rule chain as JSON or YAML; - is standard input.\n"
    "  -o OUT           the worker to write (worker)\n"
    "  --cc CC          C compiler ($CC, else gcc, cc or tcc)\n"
    "  --root NAME      name or id of the root chain (the one marked root, or the only one)\n"
    "  --emit-only DIR  write the C and stop\n"
    "  --dump=LIST      print the chains as read (ast), as IR (ir), as planned (opt)\n"
    "  --no-line        no #line directives for scripts\n"
    "  --strict         warnings are errors; a node that does not work stops the build\n"
    "  -h, --help       --version\n"
    "Exit status: 0 clean, 1 problems in the chains, 2 usage or input/output.\n";

static void TBE_NORETURN
out_of_memory(void *arg, size_t wanted)
{
    (void)arg;
    fprintf(stderr, "tbedgec: out of memory (%zu bytes wanted)\n", wanted);
    exit(EXIT_USAGE);
}

static int
usage_error(const char *fmt, const char *what)
{
    fputs("tbedgec: ", stderr);
    fprintf(stderr, fmt, what);
    fputs("; see tbedgec --help\n", stderr);
    return EXIT_USAGE;
}

static void
show(struct job *j)
{
    diags_sort(&j->ds);
    if (j->json && !j->shown) {
        diags_json(&j->ds, stdout);
        j->shown = true;
        return;
    }
    const char *no = getenv("NO_COLOR");
    diags_text(&j->ds, stderr, isatty(2) && !(no && *no));
}

static int
load(struct job *j, char **files, int n)
{
    for (int i = 0; i < n; i++) {
        if (chains_load(j->a, &j->ds, files[i], &j->cs) != 0) {
            fprintf(stderr, "tbedgec: cannot read %s: %s\n", files[i], strerror(errno));
            return EXIT_USAGE;
        }
    }
    chains_link(j->a, &j->ds, &j->cs);
    return EXIT_CLEAN;
}

static int
verdict(const struct job *j)
{
    return j->ds.errors || (j->strict && j->ds.warnings) ? EXIT_PROBLEMS : EXIT_CLEAN;
}

static int
run_check(struct job *j, char **files, int n)
{
    int rc = load(j, files, n);
    if (rc != EXIT_CLEAN) {
        return rc;
    }
    struct check_options opt = { 0 };
    (void)check_chains(j->a, &j->ds, &j->cs, &opt);
    show(j);
    return verdict(j);
}

/* Index of the root chain: --root, the one marked, the only one; -1: none; -2: reported. */
static int32_t
choose_root(struct job *j)
{
    for (uint32_t i = 0; i < j->cs.n && j->root; i++) {
        if (tbe_str_eqz(j->cs.v[i].name, j->root) || tbe_str_eqz(j->cs.v[i].id, j->root)) {
            for (uint32_t k = 0; k < j->cs.n; k++) {
                j->cs.v[k].root = k == i;
            }
            return (int32_t)i;
        }
    }
    if (j->root) {
        diag_add(&j->ds, C2109, (struct diag_pos){ 0 }, "--root %s: no chain has this name or id", j->root);
        return -2;
    }
    for (uint32_t i = 0; i < j->cs.n; i++) {
        if (j->cs.v[i].root) {
            return (int32_t)i;
        }
    }
    return j->cs.n == 1 ? 0 : -1;
}

static void
dump(const struct tbe_buf *b)
{
    fwrite(b->p ? b->p : "", 1, b->n, stdout);
}

static void
dump_ast(const struct job *j)
{
    for (uint32_t i = 0; i < j->cs.n; i++) {
        struct tbe_buf b = { 0 };
        doc_json(&b, j->cs.v[i].whole);
        tbe_buf_putc(&b, '\n');
        dump(&b);
        tbe_buf_free(&b);
    }
}

static void
dump_ir(const struct ir_program *p)
{
    struct tbe_buf b = { 0 };
    ir_dump(&b, p);
    dump(&b);
    tbe_buf_free(&b);
}

/* C for the program; the digest is made of all of it but itself. */
static int
emit(struct job *j, const struct ir_program *p, const struct toolchain *t, char digest[65], struct emit_result *out)
{
    emit_program(j->a, p, "", j->line_directives, out);
    if (drive_digest(j->a, t, out, digest) != 0) {
        fprintf(stderr, "tbedgec: cannot read %.*s: %s\n", (int)t->library.n, t->library.p, strerror(errno));
        return EXIT_USAGE;
    }
    emit_program(j->a, p, digest, j->line_directives, out);
    return EXIT_CLEAN;
}

static int
emit_only(struct job *j, const struct ir_program *p)
{
    struct emit_result out;
    struct tbe_str where;
    /* Without a compiler there is no build to name: the digest says what the C was made of. */
    emit_program(j->a, p, "", j->line_directives, &out);
    char digest[65];
    struct tbe_buf all = { 0 };
    for (uint32_t i = 0; i < out.n_files; i++) {
        tbe_buf_puts(&all, out.files[i].text);
    }
    hash_sha256_hex(tbe_buf_str(&all), digest);
    tbe_buf_free(&all);
    emit_program(j->a, p, digest, j->line_directives, &out);
    if (drive_write(j->a, j->emit_dir, &out, &where) != 0) {
        fprintf(stderr, "tbedgec: cannot write %.*s: %s\n", (int)where.n, where.p, strerror(errno));
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

/* Is there an error in this file among the C compiler's messages? */
static bool
refused_in(struct tbe_str said, struct tbe_str file)
{
    const char *at = said.p, *end = said.p + said.n;
    while ((at = memmem(at, (size_t)(end - at), file.p, file.n))) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((nl ? nl : end) - at);
        if (memmem(at, len, "error:", 6) || memmem(at, len, "note: in expansion", 18)) {
            return true;
        }
        at += file.n;
    }
    return false;
}

/* A script whose C the C compiler refuses is our mistake, but it must not cost the rest of the chain: the
 * messages name the script's file (#line), its node becomes a broken one. Whether any was found. */
static bool
drop_refused(struct job *j, struct checked_chain *cc, struct tbe_str said)
{
    bool found = false;
    for (uint32_t i = 0; i < j->cs.n; i++) {
        for (uint32_t k = 0; k < cc[i].src->n_nodes; k++) {
            struct checked_node *n = &cc[i].nodes[k];
            struct tbe_str file = n->script.file;
            if (!file.p || n->broken.p) {
                continue;
            }
            if (refused_in(said, tbe_arena_fmt(j->a, "%.*s:", (int)file.n, file.p))) {
                n->broken = TBE_STR("the script could not be compiled: the C made of it is refused");
                diag_add(&j->ds, C2405, doc_pos(cc[i].src->file, n->script.doc),
                         "node %u \"%.*s\": the C compiler refuses the C made of this script: please report it",
                         n->src->index, (int)n->src->name.n, n->src->name.p);
                found = true;
            }
        }
    }
    return found;
}

#define BUILD_TRIES 3 /* cc stops at the first files that fail */

static int
compile(struct job *j, struct ir_program *p, struct checked_chain *cc)
{
    struct toolchain t;
    struct tbe_str why;
    struct emit_result out;
    char digest[65];
    if (toolchain_find(j->a, j->cc, &t, &why) != 0) {
        fprintf(stderr, "tbedgec: %.*s\n", (int)why.n, why.p);
        return EXIT_USAGE;
    }
    for (int tries = BUILD_TRIES;; tries--) {
        struct tbe_buf said = { 0 };
        int rc = emit(j, p, &t, digest, &out);
        if (rc != EXIT_CLEAN || drive_is_built(j->a, j->out, digest)) {
            return rc;
        }
        rc = drive_build(j->a, &t, &out, j->out, &said, &why);
        fwrite(said.p ? said.p : "", 1, said.n, stderr);
        bool again = rc > 0 && tries > 1 && drop_refused(j, cc, tbe_buf_str(&said));
        tbe_buf_free(&said);
        if (rc < 0) {
            fprintf(stderr, "tbedgec: %.*s\n", (int)why.n, why.p);
        }
        if (rc == 0) {
            drive_set_built(j->a, j->out, digest);
            return EXIT_CLEAN;
        }
        if (!again) {
            return EXIT_USAGE;
        }
        show(j); /* only what is new: the others were shown before */
        j->ds.n = 0;
        if (verdict(j) != EXIT_CLEAN) {
            return EXIT_PROBLEMS;
        }
        p = ir_build(j->a, &j->cs, cc, p->root);
        ir_optimise(j->a, p);
    }
}

static int
run_build(struct job *j, char **files, int n)
{
    j->ds.build = !j->strict;
    int rc = load(j, files, n);
    if (rc != EXIT_CLEAN) {
        return rc;
    }
    struct check_options opt = { .together = true, .line_directives = j->line_directives };
    int32_t root = choose_root(j);
    struct checked_chain *cc = check_chains(j->a, &j->ds, &j->cs, &opt);
    show(j);
    j->ds.n = 0; /* shown; what the C compiler finds comes later */
    if (j->dump_ast) {
        dump_ast(j);
    }
    if (verdict(j) != EXIT_CLEAN || j->cs.n == 0) {
        return EXIT_PROBLEMS;
    }
    struct ir_program *p = ir_build(j->a, &j->cs, cc, root);
    if (j->dump_ir) {
        dump_ir(p);
    }
    ir_optimise(j->a, p);
    if (j->dump_opt) {
        dump_ir(p);
    }
    return j->emit_dir ? emit_only(j, p) : compile(j, p, cc);
}

/* ---- options ------------------------------------------------------------------------------------ */

enum { OPT_FORMAT = 256, OPT_STRICT, OPT_CC, OPT_ROOT, OPT_EMIT_ONLY, OPT_DUMP, OPT_NO_LINE, OPT_TARGET };

static const struct option options[] = {
    { "format", required_argument, NULL, OPT_FORMAT }, { "strict", no_argument, NULL, OPT_STRICT },
    { "cc", required_argument, NULL, OPT_CC },         { "root", required_argument, NULL, OPT_ROOT },
    { "emit-only", required_argument, NULL, OPT_EMIT_ONLY }, { "dump", required_argument, NULL, OPT_DUMP },
    { "no-line", no_argument, NULL, OPT_NO_LINE },     { "target", required_argument, NULL, OPT_TARGET },
    { "help", no_argument, NULL, 'h' },                { NULL, 0, NULL, 0 },
};

static int
set_format(struct job *j, const char *arg)
{
    if (strcmp(arg, "sarif") == 0) {
        return usage_error("--format %s is not built yet", arg);
    }
    j->json = strcmp(arg, "json") == 0;
    return j->json || strcmp(arg, "text") == 0 ? EXIT_CLEAN : usage_error("unknown format %s", arg);
}

static int
set_dump(struct job *j, const char *arg)
{
    for (const char *p = arg; *p;) {
        size_t n = strcspn(p, ",");
        struct tbe_str w = { p, n };
        if (tbe_str_eqz(w, "ast")) {
            j->dump_ast = true;
        } else if (tbe_str_eqz(w, "ir")) {
            j->dump_ir = true;
        } else if (tbe_str_eqz(w, "opt")) {
            j->dump_opt = true;
        } else {
            return usage_error("--dump takes ast, ir and opt, not %s", arg);
        }
        p += n + (p[n] == ',');
    }
    return EXIT_CLEAN;
}

static int
set_option(struct job *j, int o)
{
    switch (o) {
    case OPT_FORMAT:
        return set_format(j, optarg);
    case OPT_STRICT:
        j->strict = true;
        break;
    case OPT_CC:
        j->cc = optarg;
        break;
    case OPT_ROOT:
        j->root = optarg;
        break;
    case OPT_EMIT_ONLY:
        j->emit_dir = optarg;
        break;
    case OPT_DUMP:
        return set_dump(j, optarg);
    case OPT_NO_LINE:
        j->line_directives = false;
        break;
    case OPT_TARGET:
        return usage_error("--target %s is not built yet", optarg);
    case 'o':
        j->out = optarg;
        break;
    default:
        return usage_error("unknown option or missing value%s", "");
    }
    return EXIT_CLEAN;
}

static int
with_options(int argc, char **argv, int (*run)(struct job *j, char **files, int n), bool build)
{
    struct tbe_arena a;
    tbe_arena_init(&a, 0);
    a.on_full = out_of_memory;
    struct job j = { .a = &a, .out = "worker", .line_directives = true };
    int rc = EXIT_CLEAN, o;
    diags_init(&j.ds, &a);
    opterr = 0;
    while (rc == EXIT_CLEAN && (o = getopt_long(argc, argv, build ? "ho:" : "h", options, NULL)) != -1) {
        if (o == 'h') {
            fputs(usage, stdout);
            tbe_arena_free(&a);
            return EXIT_CLEAN;
        }
        rc = !build && o >= OPT_CC ? usage_error("this option belongs to build%s", "") : set_option(&j, o);
    }
    if (rc == EXIT_CLEAN && optind == argc) {
        rc = usage_error("%s: no FILE given", argv[0]);
    }
    if (rc == EXIT_CLEAN) {
        rc = run(&j, argv + optind, argc - optind);
    }
    tbe_arena_free(&a);
    return rc;
}

static int
cmd_check(int argc, char **argv)
{
    return with_options(argc, argv, run_check, false);
}

static int
cmd_build(int argc, char **argv)
{
    return with_options(argc, argv, run_build, true);
}

static int
cmd_eval(int argc, char **argv)
{
    return eval_main(argc, argv);
}

static int
cmd_later(int argc, char **argv)
{
    (void)argc;
    return usage_error("\"%s\" is not built yet", argv[0]);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = { { "check", cmd_check }, { "build", cmd_build }, { "eval", cmd_eval }, { "test", cmd_later },
                 { "graph", cmd_later }, { "fmt", cmd_later },   { "explain", cmd_later }, { "pull", cmd_later } };

int
main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "-h") == 0 || strcmp(first, "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_CLEAN;
    }
    if (strcmp(first, "--version") == 0) {
        puts("tbedgec " PACKAGE_VERSION);
        return EXIT_CLEAN;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(first, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return *first ? usage_error("unknown command \"%s\"", first) : usage_error("no command given%s", "");
}
