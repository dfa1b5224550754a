/* SPDX-License-Identifier: Apache-2.0 */
/* Test files that test the same chains share a worker; files of single nodes only share one too: all their
 * nodes are in it, one chain a file. Built workers stay in a cache, by the digest of what they are made of. */
#include "config.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "drive/drive.h"
#include "drive/test_int.h"

#define BUILD_TRIES 3
#define ACK_CLASS "ack"

/* ---- grouping ---- */

static bool
has_single_nodes(const struct test_file *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->v[i].node) {
            return true;
        }
    }
    return false;
}

static struct tbe_str
path_of(struct test_run *r, const struct test_file *f, struct tbe_str name)
{
    bool absolute = name.n && name.p[0] == '/';
    bool std = tbe_str_eqz(name, "-") && f->dir.n == 0; /* a file of this name, not standard input */
    return absolute ? name
                    : tbe_arena_fmt(r->a, "%.*s%s%.*s", (int)f->dir.n, f->dir.p, std ? "./" : "", (int)name.n, name.p);
}

/* What the file tests, as a text that is the same for files that can share a worker. Chains written in a
 * file, or a root of its own, make it stand alone. */
static struct tbe_str
key_of(struct test_run *r, const struct test_file *f)
{
    const struct doc *chains = doc_get(f->doc, "chains");
    if (!chains || (chains->t == DOC_LIST && chains->n == 0)) {
        return TBE_STR("(single nodes)");
    }
    if (chains->t == DOC_STR) {
        return path_of(r, f, chains->s);
    }
    struct tbe_buf b = { 0 };
    for (const struct doc *d = chains->first; d; d = d->next) {
        if (d->t != DOC_STR) {
            tbe_buf_free(&b);
            return tbe_strz(f->path);
        }
        tbe_buf_puts(&b, path_of(r, f, d->s));
        tbe_buf_putc(&b, '\n');
    }
    struct tbe_str s = tbe_arena_dup(r->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

void
test_sets(struct test_run *r)
{
    r->sets = tbe_arena_zalloc(r->a, (r->n_files + 1) * sizeof *r->sets);
    for (uint32_t i = 0; i < r->n_files; i++) {
        struct test_file *f = &r->files[i];
        if (f->bad) {
            continue;
        }
        struct tbe_str key = key_of(r, f);
        struct test_set *s = r->sets;
        while (s < r->sets + r->n_sets && !tbe_str_eq(s->key, key)) {
            s++;
        }
        if (s == r->sets + r->n_sets) {
            s->key = key;
            s->files = tbe_arena_zalloc(r->a, r->n_files * sizeof(struct test_file *));
            r->n_sets++;
        }
        s->files[s->n_files++] = f;
        f->set = s;
    }
}

/* ---- loading ---- */

static struct doc *
text_doc(struct tbe_arena *a, struct tbe_str s, const struct doc *at)
{
    struct doc *d = doc_new(a, DOC_STR, at ? at->line : 1, at ? at->col : 1);
    d->s = s;
    return d;
}

static struct doc *
int_doc(struct tbe_arena *a, int64_t i)
{
    struct doc *d = doc_new(a, DOC_INT, 1, 1);
    d->i = i;
    d->s = tbe_arena_fmt(a, "%lld", (long long)i);
    return d;
}

/* The chain of a file's single nodes: nodes without connections; what they send to the root chain ends
 * at the first, which acknowledges. */
static const struct doc *
node_chain(struct test_run *r, struct test_file *f)
{
    struct tbe_arena *a = r->a;
    struct doc *chain = doc_new(a, DOC_MAP, 1, 1), *nodes = doc_new(a, DOC_LIST, 1, 1), *end = doc_new(a, DOC_MAP, 1, 1);
    int32_t index = 0;
    f->chain = tbe_arena_fmt(a, "nodes of %s", f->path);
    if (f->chain.n > CHAIN_MAX_NAME) {
        f->chain = (struct tbe_str){ f->chain.p, CHAIN_MAX_NAME };
    }
    doc_put(end, TBE_STR("type"), text_doc(a, TBE_STR(ACK_CLASS), NULL));
    doc_put(end, TBE_STR("name"), text_doc(a, TBE_STR("end"), NULL));
    doc_append(nodes, end);
    for (uint32_t i = 0; i < f->n; i++) {
        struct test_case *c = &f->v[i];
        if (!c->node) {
            continue;
        }
        struct doc *n = test_fill(r, c, c->node);
        if (!doc_get(n, "name")) {
            doc_put(n, TBE_STR("name"), text_doc(a, TBE_STR("node under test"), c->node));
        }
        doc_append(nodes, n);
        c->index = ++index;
    }
    doc_put(chain, TBE_STR("name"), text_doc(a, f->chain, NULL));
    doc_put(chain, TBE_STR("firstNodeIndex"), int_doc(a, 0));
    doc_put(chain, TBE_STR("nodes"), nodes);
    return chain;
}

/* Chains of one file; they are the same for every file of the set. */
static void
load_chains(struct test_run *r, struct test_set *s, const struct test_file *f)
{
    const struct doc *chains = doc_get(f->doc, "chains");
    const struct doc *d = chains && chains->t == DOC_LIST ? chains->first : chains;
    for (; d; d = chains->t == DOC_LIST ? d->next : NULL) {
        if (d->t == DOC_MAP) {
            chains_from_doc(r->a, &r->ds, f->path, d, &s->cs);
            continue;
        }
        struct tbe_str path = path_of(r, f, d->s);
        char *name = tbe_arena_dupz(r->a, path);
        struct stat st;
        if (r->no_files) {
            continue;
        }
        if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) { /* a pipe would be waited for */
            diag_add(&r->ds, C2001, doc_pos(f->path, d), "%s is no file", name);
        } else if (chains_load(r->a, &r->ds, name, &s->cs) != 0) {
            diag_add(&r->ds, C2001, doc_pos(f->path, d), "cannot read %s: %s", name, strerror(errno));
        }
    }
}

static int32_t
find_chain(const struct test_set *s, struct tbe_str name)
{
    for (uint32_t i = 0; i < s->cs.n; i++) {
        if (tbe_str_eq(s->cs.v[i].name, name) || tbe_str_ieq(s->cs.v[i].id, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static void
choose_root(struct test_run *r, struct test_set *s)
{
    const struct doc *root = doc_get(s->files[0]->doc, "root");
    s->root = s->cs.n ? 0 : -1;
    for (uint32_t i = 0; i < s->cs.n; i++) {
        if (s->cs.v[i].root) {
            s->root = (int32_t)i;
            break;
        }
    }
    if (root) {
        int32_t i = find_chain(s, root->s);
        if (i < 0) {
            diag_add(&r->ds, C2109, doc_pos(s->files[0]->path, root), "no chain has the name or id %.*s", (int)root->s.n,
                     root->s.p);
        } else {
            s->root = i;
        }
    }
    for (uint32_t i = 0; i < s->cs.n; i++) {
        s->cs.v[i].root = (int32_t)i == s->root;
    }
}

void
test_load(struct test_run *r, struct test_set *s)
{
    load_chains(r, s, s->files[0]);
    for (uint32_t i = 0; i < s->n_files; i++) {
        struct test_file *f = s->files[i];
        for (uint32_t k = 0; k < f->n; k++) {
            f->bad |= !test_names(r, &f->v[k]);
        }
        if (has_single_nodes(f)) {
            int32_t at = (int32_t)s->cs.n;
            chains_from_doc(r->a, &r->ds, f->path, node_chain(r, f), &s->cs);
            for (uint32_t k = 0; k < f->n; k++) {
                f->v[k].chain = f->v[k].node ? at : -1;
            }
        }
    }
    chains_link(r->a, &r->ds, &s->cs);
    choose_root(r, s);
    test_labels(r, s);
    for (uint32_t i = 0; i < s->n_files; i++) {
        for (uint32_t k = 0; k < s->files[i]->n; k++) {
            s->files[i]->bad |= !test_check_nodes(r, &s->files[i]->v[k]);
        }
    }
}

/* ---- building ---- */

/* A script whose C the C compiler refuses costs its node only: the messages name the script's file. */
static bool
drop_refused(struct test_run *r, struct test_set *s, struct tbe_str said)
{
    bool found = false;
    for (uint32_t i = 0; i < s->cs.n; i++) {
        for (uint32_t k = 0; k < s->cs.v[i].n_nodes; k++) {
            struct checked_node *n = &s->cc[i].nodes[k];
            struct tbe_str file = n->script.file;
            if (file.p && !n->broken.p && memmem(said.p, said.n, file.p, file.n)) {
                n->broken = TBE_STR("the script could not be compiled: the C made of it is refused");
                diag_add(&r->ds, C2405, doc_pos(s->cs.v[i].file, n->script.doc),
                         "the C compiler refuses the C made of this script: please report it");
                found = true;
            }
        }
    }
    return found;
}

/* Oldest workers beyond TEST_CACHE_KEEP go; another run may use one that is younger. */
void
test_trim_cache(struct test_run *r, time_t before)
{
    struct {
        char *path;
        time_t used;
    } v[256];
    size_t n = 0;
    DIR *d = opendir(r->cache);
    for (struct dirent *e; d && n < 256 && (e = readdir(d));) {
        struct stat st;
        char *path = tbe_arena_dupz(r->a, tbe_arena_fmt(r->a, "%s/%s", r->cache, e->d_name));
        if (strlen(e->d_name) == 64 && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            v[n].path = path;
            v[n++].used = st.st_mtime;
        }
    }
    if (d) {
        closedir(d);
    }
    for (; n > TEST_CACHE_KEEP; n--) {
        size_t old = 0;
        for (size_t i = 1; i < n; i++) {
            old = v[i].used < v[old].used ? i : old;
        }
        if (v[old].used < before) {
            unlink(v[old].path);
        }
        v[old] = v[n - 1];
    }
}

static void
touch(const char *path)
{
    (void)utimensat(AT_FDCWD, path, NULL, 0); /* only decides which goes first */
}

/* One try: 0 built or there, 1 cc failed, -1 cannot; *why then. */
static int
build_once(struct test_run *r, struct test_set *s, const struct toolchain *t, const struct ir_program *p,
           struct tbe_buf *said)
{
    struct emit_result out;
    char digest[65];
    emit_program(r->a, p, "", true, &out);
    if (drive_digest(r->a, t, &out, NULL, digest) != 0) {
        s->why = tbe_arena_fmt(r->a, "cannot read %.*s: %s", (int)t->library.n, t->library.p, strerror(errno));
        return -1;
    }
    const char *path = tbe_arena_fmt(r->a, "%s/%s", r->cache ? r->cache : r->dir, digest).p;
    if (access(path, X_OK) == 0) {
        s->worker = path;
        s->cached = true;
        touch(path);
        return 0;
    }
    emit_program(r->a, p, digest, true, &out);
    /* Several runs may build the same: each under a name of its own, the last one stays. */
    const char *made = tbe_arena_fmt(r->a, "%s/%s.%ld", r->cache ? r->cache : r->dir, digest, (long)getpid()).p;
    int rc = drive_build(r->a, t, &out, made, said, &s->why);
    if (rc != 0) {
        return rc;
    }
    if (rename(made, path) != 0) {
        s->why = tbe_arena_fmt(r->a, "cannot write %s: %s", path, strerror(errno));
        unlink(made);
        return -1;
    }
    s->worker = path;
    return 0;
}

void
test_build(struct test_run *r, struct test_set *s)
{
    struct toolchain t;
    uint32_t before = r->ds.errors;
    r->ds.build = true; /* a node that does not work is one that fails: a test can expect that */
    test_load(r, s);
    struct check_options opt = { .together = true, .line_directives = true, .coverage = r->o->coverage != NULL };
    s->cc = check_chains(r->a, &r->ds, &s->cs, &opt);
    r->ds.build = false;
    uint32_t bad = 0;
    for (uint32_t i = 0; i < s->n_files; i++) {
        bad += s->files[i]->bad;
    }
    if (bad == s->n_files) {
        s->why = TBE_STR("the test file has mistakes");
        return;
    }
    if (r->ds.errors > before || s->cs.n == 0) {
        s->why = TBE_STR("its chains have errors");
        return;
    }
    const char *cc = r->o->cc ? r->o->cc : getenv("CC");
    if (toolchain_find(r->a, cc, &t, &s->why) != 0) {
        return;
    }
    if (r->o->coverage && t.is_tcc) {
        s->why = TBE_STR("--coverage needs gcc or clang: tcc makes no sections that can be counted in");
        return;
    }
    if (!r->o->cc && !t.is_tcc) { /* tests run once: compiling is what takes the time */
        uint32_t n = 0;
        while (t.cc[n]) {
            n++;
        }
        const char **words = tbe_arena_zalloc(r->a, (n + 2) * sizeof *words);
        memcpy(words, t.cc, n * sizeof *words);
        words[n] = "-O0";
        t.cc = words;
    }
    for (int tries = BUILD_TRIES;; tries--) {
        struct tbe_buf said = { 0 };
        struct ir_program *p = ir_build(r->a, &s->cs, s->cc, s->root);
        ir_optimise(r->a, p);
        int rc = build_once(r, s, &t, p, &said);
        bool again = rc > 0 && tries > 1 && drop_refused(r, s, tbe_buf_str(&said));
        if (rc > 0 && !again) {
            fwrite(said.p ? said.p : "", 1, said.n, stderr);
            s->why = TBE_STR("the C compiler refuses the generated code");
        }
        tbe_buf_free(&said);
        if (!again) {
            break;
        }
    }
    if (s->worker && r->o->coverage) {
        test_cover_init(r, s);
    }
}
