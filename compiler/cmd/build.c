/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec build`: chains to C to a worker. */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "cmd/job.h"
#include "drive/cache.h"
#include "drive/drive.h"
#include "emit/emit.h"

struct build {
    struct job job;
    const char *out, *cc, *target, *emit_dir, *objects;
    bool line_directives;
    bool text; /* problems are shown as text: without any there is nothing to write */
    bool dump_ast, dump_ir, dump_opt;
    char **files;
    int n_files;
    struct toolchain tools;
    const char *options; /* what decides the outcome besides files and tools */
    struct build_cache cache;
    bool said; /* something was reported that is not kept: the next build has to find it again */
};

static void
dump(const struct tbe_buf *b)
{
    fwrite(b->p ? b->p : "", 1, b->n, stdout);
}

static void
dump_ast(const struct build *j)
{
    for (uint32_t i = 0; i < j->job.cs.n; i++) {
        struct tbe_buf b = { 0 };
        doc_json(&b, j->job.cs.v[i].whole);
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

/* C for the program, unless it is built already (*built). The digest is made of all of it but itself. */
static int
emit(struct build *j, const struct ir_program *p, bool *built, struct emit_result *out)
{
    char digest[65], cc[65];
    cache_cc(j->job.a, &j->tools, cc);
    emit_program(j->job.a, p, "", j->line_directives, out);
    if (drive_digest(j->job.a, &j->tools, out, &j->cache.library, digest) != 0) {
        return cmd_fail("cannot read %.*s: %s", (int)j->tools.library.n, j->tools.library.p,
                        strerror(errno));
    }
    *built = strcmp(digest, j->cache.program) == 0 && strcmp(cc, j->cache.cc) == 0 && cache_output_same(j->out, &j->cache);
    if (!*built) {
        memcpy(j->cache.program, digest, sizeof digest);
        memcpy(j->cache.cc, cc, sizeof cc);
        emit_program(j->job.a, p, digest, j->line_directives, out);
    }
    return EXIT_CLEAN;
}

/* The record of what was built, for the next time. */
static void
remember(struct build *j)
{
    j->cache.output.digest[0] = '\0';
    if (j->said || cache_inputs(j->job.a, &j->tools, j->options, j->files, j->n_files,
                                j->cache.inputs) != 0) {
        j->cache.inputs[0] = '\0';
    }
    if (cache_digest(j->out, &j->cache.output) == 0) {
        cache_write(j->job.a, j->out, &j->cache);
    }
}

/* The same files, options and tools as at the last build, and the worker is as it was left. */
static bool
is_unchanged(struct build *j)
{
    char inputs[65];
    return j->cache.inputs[0] &&
           cache_inputs(j->job.a, &j->tools, j->options, j->files, j->n_files, inputs) == 0 &&
           strcmp(inputs, j->cache.inputs) == 0 && cache_output_same(j->out, &j->cache);
}

static int
emit_only(struct build *j, const struct ir_program *p)
{
    struct emit_result out;
    struct tbe_str where;
    /* Without a compiler there is no build to name: the digest says what the C was made of. */
    emit_program(j->job.a, p, "", j->line_directives, &out);
    char digest[65];
    struct tbe_buf all = { 0 };
    for (uint32_t i = 0; i < out.n_files; i++) {
        tbe_buf_puts(&all, out.files[i].text);
    }
    hash_sha256_hex(tbe_buf_str(&all), digest);
    tbe_buf_free(&all);
    emit_program(j->job.a, p, digest, j->line_directives, &out);
    if (drive_write(j->job.a, j->emit_dir, &out, &where) != 0) {
        return cmd_fail("cannot write %.*s: %s", (int)where.n, where.p, strerror(errno));
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
drop_refused(struct build *j, struct checked_chain *cc, struct tbe_str said)
{
    bool found = false;
    for (uint32_t i = 0; i < j->job.cs.n; i++) {
        for (uint32_t k = 0; k < cc[i].src->n_nodes; k++) {
            struct checked_node *n = &cc[i].nodes[k];
            struct tbe_str file = n->script.file;
            if (!file.p || n->broken.p) {
                continue;
            }
            if (refused_in(said, tbe_arena_fmt(j->job.a, "%.*s:", (int)file.n, file.p))) {
                n->broken = TBE_STR("the script could not be compiled: the C made of it is refused");
                diag_add(&j->job.ds, C2405, doc_pos(cc[i].src->file, n->script.doc),
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
compile(struct build *j, struct ir_program *p, struct checked_chain *cc)
{
    struct tbe_str why;
    struct emit_result out;
    for (int tries = BUILD_TRIES;; tries--) {
        struct tbe_buf said = { 0 };
        bool built = false;
        int rc = emit(j, p, &built, &out);
        if (built) {
            remember(j); /* the files may have other names or times */
        }
        if (rc != EXIT_CLEAN || built) {
            return rc;
        }
        cmd_progress("compiling %u files", out.n_files);
        rc = drive_build(j->job.a, &j->tools, &out, j->out, &said, &why);
        cmd_progress(NULL);
        fwrite(said.p ? said.p : "", 1, said.n, stderr);
        j->said |= said.n > 0;
        bool again = rc > 0 && tries > 1 && drop_refused(j, cc, tbe_buf_str(&said));
        tbe_buf_free(&said);
        if (rc < 0) {
            fprintf(stderr, "tbedgec: %.*s\n", (int)why.n, why.p);
        }
        if (rc == 0) {
            remember(j);
            return EXIT_CLEAN;
        }
        if (!again) {
            return EXIT_USAGE;
        }
        job_show(&j->job); /* only what is new: the others were shown before */
        j->job.ds.n = 0;
        if (job_verdict(&j->job) != EXIT_CLEAN) {
            return EXIT_PROBLEMS;
        }
        p = ir_build(j->job.a, &j->job.cs, cc, p->root);
        ir_optimise(j->job.a, p);
    }
}

/* What else decides the outcome, for the digest of inputs; and whether there is nothing to do. */
static int
prepare(struct build *j, bool *done)
{
    struct tbe_str why;
    if (toolchain_find_for(j->job.a, j->cc, j->target, &j->tools, &why) != 0) {
        return cmd_fail("%.*s", (int)why.n, why.p);
    }
    j->tools.objects = j->objects;
    j->options = tbe_arena_fmt(j->job.a, "colour %d, target %s, root %s, strict %d, lines %d",
                               cmd_colour(2),
                               j->target ? j->target : "-", j->job.root ? j->job.root : "-",
                               j->job.strict, j->line_directives).p;
    cache_read(j->job.a, j->out, &j->cache);
    *done = j->text && !j->dump_ast && !j->dump_ir && !j->dump_opt && is_unchanged(j);
    return EXIT_CLEAN;
}

/* Shows the report and keeps its text for the record, so that an unchanged build can tell it again. */
static void
show_and_keep(struct build *j)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = j->text && j->job.ds.n ? open_memstream(&text, &n) : NULL;
    j->cache.said = TBE_STR_NONE;
    if (!f) {
        j->said = j->job.ds.n || j->job.ds.dropped;
        job_show(&j->job);
        return;
    }
    diags_sort(&j->job.ds);
    diags_text(&j->job.ds, f, cmd_colour(2));
    j->said = fclose(f) != 0 || n > CACHE_SAID_MAX;
    fwrite(text, 1, n, stderr);
    j->cache.said = j->said ? TBE_STR_NONE : tbe_arena_dup(j->job.a, (struct tbe_str){ text, n });
    free(text);
}

static int
run_build(struct build *j, char **files, int n)
{
    bool done = false;
    j->files = files;
    j->n_files = n;
    if (!j->emit_dir && (prepare(j, &done) != EXIT_CLEAN || done)) {
        fwrite(j->cache.said.p ? j->cache.said.p : "", 1, done ? j->cache.said.n : 0, stderr);
        return done ? EXIT_CLEAN : EXIT_USAGE;
    }
    j->job.ds.build = !j->job.strict;
    j->job.ds.no_notes = true; /* a build tells what is wrong with it; check tells more */
    int rc = job_load(&j->job, files, n);
    if (rc != EXIT_CLEAN) {
        return rc;
    }
    struct check_options opt = { .together = true, .line_directives = j->line_directives };
    int32_t root = job_choose_root(&j->job);
    struct checked_chain *cc = check_chains(j->job.a, &j->job.ds, &j->job.cs, &opt);
    show_and_keep(j);
    j->job.ds.n = 0; /* shown; what the C compiler finds comes later */
    if (j->dump_ast) {
        dump_ast(j);
    }
    if (job_verdict(&j->job) != EXIT_CLEAN || j->job.cs.n == 0) {
        return EXIT_PROBLEMS;
    }
    struct ir_program *p = ir_build(j->job.a, &j->job.cs, cc, root);
    if (j->dump_ir) {
        dump_ir(p);
    }
    ir_optimise(j->job.a, p);
    if (j->dump_opt) {
        dump_ir(p);
    }
    return j->emit_dir ? emit_only(j, p) : compile(j, p, cc);
}

enum { OPT_OUTPUT, OPT_CC, OPT_ROOT, OPT_TARGET, OPT_EMIT_ONLY, OPT_OBJECTS, OPT_DUMP, OPT_NO_LINE,
       OPT_FORMAT,
       OPT_STRICT };

static const struct cmd_option options[] = {
    [OPT_OUTPUT] = { "output", "OUT", .letter = 'o', .file = true,
                     .help = "the worker to write (worker)" },
    [OPT_CC] = { "cc", "CC", .help = "C compiler and its options ($CC, else gcc, cc or tcc)" },
    [OPT_ROOT] = { "root", "NAME",
                   .help = "name or id of the root chain (the one marked root, or the only one)" },
    [OPT_TARGET] = { "target", "TRIPLE",
                     .help = "machine to build for, aarch64-linux-gnu for example (this one)" },
    [OPT_EMIT_ONLY] = { "emit-only", "DIR", .dir = true, .help = "write the C into DIR and stop" },
    [OPT_OBJECTS] = { "objects", "DIR", .dir = true,
                      .help = "keep compiled C in DIR: only changed chains are compiled" },
    [OPT_DUMP] = { "dump", "LIST", "ast|ir|opt", .list = true,
                   .help = "print the chains as read, as IR, as planned" },
    [OPT_NO_LINE] = { "no-line", .help = "no #line directives for scripts" },
    [OPT_FORMAT] = { "format", "FORMAT", JOB_FORMATS, "how problems are shown" },
    [OPT_STRICT] = { "strict",
                     .help = "warnings are errors; a node that does not work stops the build" },
};

static int
run(const struct cmd_args *x)
{
    struct tbe_arena a;
    cmd_arena(&a);
    const char *dumps = x->v[OPT_DUMP] ? x->v[OPT_DUMP] : "";
    struct build b = {
        .out = x->v[OPT_OUTPUT] ? x->v[OPT_OUTPUT] : "worker",
        .cc = x->v[OPT_CC],
        .target = x->v[OPT_TARGET],
        .emit_dir = x->v[OPT_EMIT_ONLY],
        .objects = x->v[OPT_OBJECTS],
        .line_directives = !x->v[OPT_NO_LINE],
        .text = !x->v[OPT_FORMAT] || strcmp(x->v[OPT_FORMAT], "text") == 0,
        .dump_ast = cmd_has_word(dumps, "ast"),
        .dump_ir = cmd_has_word(dumps, "ir"),
        .dump_opt = cmd_has_word(dumps, "opt"),
    };
    job_init(&b.job, &a);
    b.job.root = x->v[OPT_ROOT];
    b.job.format = job_format(x->v[OPT_FORMAT]);
    b.job.strict = x->v[OPT_STRICT];
    int rc = run_build(&b, x->operands, x->n_operands);
    tbe_arena_free(&a);
    return rc;
}

const struct command cmd_build = {
    .name = "build",
    .summary = "compile rule chains to a worker",
    .operands = "FILE...",
    .min_operands = 1,
    .about = "Compiles rule chains and their scripts to C and, with a C compiler, to a program: the worker.\n"
             "All files become one program. A node that cannot be compiled is reported and fails every\n"
             "message with the reason; the rest of the chain works. An unchanged program is not built again:\n"
             "OUT.digest, beside OUT, tells what it was made of.\n"
             "\n"
             "With --target the C compiler is TRIPLE-gcc, if --cc does not name another one, and libtbedge.a is\n"
             "taken from the directory TRIPLE beside the one of this machine.",
    .examples = "# compile two chains; the first is the one messages enter\n"
                "tbedgec build -o worker --root \"Root Rule Chain\" root.json alarms.yaml\n"
                "# only the C, to read\n"
                "tbedgec build --emit-only out root.json\n",
    CMD_OPTIONS(options),
    .run = run,
};
