/* SPDX-License-Identifier: Apache-2.0 */
/* The chains of the store as the compiler takes them, and the digest of all that goes into a build. */
#include "config.h"
#include "deploy/deploy_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

/* Number of nodes, or -1 when it cannot be read at all: the compiler then says what is wrong. */
static int64_t
count_nodes(struct tbe_str metadata)
{
    struct tbe_arena a;
    tbe_val v;
    int64_t n = -1;

    tbe_arena_init(&a, 0);
    if (tbe_json_parse(&a, metadata, TBE_JSON_RAW | TBE_JSON_BORROW, &v, NULL) == 0 && v.t == TBE_MAP) {
        tbe_val nodes = tbe_map_get(v.u.m, TBE_STR("nodes"));
        n = nodes.t == TBE_LIST ? (int64_t)nodes.u.l->n : -1;
    }
    tbe_arena_free(&a);
    return n;
}

struct reading {
    struct deploy_chains *cs;
    struct store *s;
    struct tbe_uuid root;
    bool has_root;
};

static struct tbe_str
chain_text(struct tbe_arena *a, struct tbe_str chain, struct tbe_str metadata)
{
    size_t n = chain.n + metadata.n + 32;
    char *p = tbe_arena_alloc(a, n);
    int k = snprintf(p, n, "{\"ruleChain\":%.*s,\n\"metadata\":%.*s}\n", (int)chain.n, chain.p, (int)metadata.n,
                     metadata.p);

    return (struct tbe_str){ p, (size_t)k };
}

static bool
add_chain(void *arg, const struct store_entity *e)
{
    struct reading *r = arg;
    struct deploy_chains *cs = r->cs;
    struct tbe_str metadata = store_chain_metadata(r->s, &e->id.id);
    struct deploy_chain *c;
    int64_t nodes;

    if (!metadata.p || metadata.n > INT_MAX / 4 || e->json.n > INT_MAX / 4) {
        return true; /* its nodes have not come yet */
    }
    if (cs->n == cs->cap) {
        uint32_t cap = cs->cap ? cs->cap * 2 : 16;
        struct deploy_chain *v = tbe_arena_alloc(&cs->arena, cap * sizeof *v);
        if (cs->n) {
            memcpy(v, cs->v, cs->n * sizeof *v);
        }
        cs->v = v;
        cs->cap = cap;
    }
    nodes = count_nodes(metadata);
    c = &cs->v[cs->n++];
    *c = (struct deploy_chain){ e->id.id, tbe_arena_dup(&cs->arena, e->name),
                                chain_text(&cs->arena, e->json, metadata),
                                r->has_root && tbe_uuid_eq(&r->root, &e->id.id), nodes > 0 ? (uint32_t)nodes : 0 };
    return true;
}

static int
by_id(const void *a, const void *b)
{
    const struct deploy_chain *x = a, *y = b;

    return memcmp(x->id.b, y->id.b, sizeof x->id.b);
}

/* Name, size and time of a file: a new compiler or run time means a new build. */
static void
put_stamp(struct tbe_buf *b, const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0) {
        tbe_buf_fmt(b, "%s %lld %lld.%09ld\n", path, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                    st.st_mtim.tv_nsec);
    }
}

static void
digest(struct deploy_chains *cs, const char *tool)
{
    static const char *const beside[] = { "libtbedge.a", "../lib/libtbedge.a" };
    const char *slash = strrchr(tool, '/'), *cc = getenv("TBEDGE_DEPLOY_CC");
    struct tbe_buf b = { 0 };
    char path[PATH_MAX], one[DEPLOY_DIGEST + 1];

    tbe_buf_fmt(&b, "tbedge %s\n%s\n", PACKAGE_VERSION, cc ? cc : "");
    put_stamp(&b, tool);
    for (unsigned i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - tool), tool, beside[i]);
        put_stamp(&b, path);
    }
    for (uint32_t i = 0; i < cs->n; i++) {
        hash_sha256_hex(cs->v[i].text, one);
        tbe_buf_fmt(&b, "%s %d\n", one, cs->v[i].root);
    }
    hash_sha256_hex(tbe_buf_str(&b), cs->source);
    tbe_buf_free(&b);
}

bool
chains_read(struct deploy_chains *cs, struct store *s, const char *tool)
{
    struct reading r = { .cs = cs, .s = s };

    memset(cs, 0, sizeof *cs);
    tbe_arena_init(&cs->arena, 0);
    r.has_root = store_root_chain(s, &r.root);
    store_entity_each(s, TBE_ENT_RULE_CHAIN, add_chain, &r);
    if (cs->n == 0) {
        return false;
    }
    qsort(cs->v, cs->n, sizeof *cs->v, by_id);
    digest(cs, tool);
    return true;
}

void
chains_free(struct deploy_chains *cs)
{
    tbe_arena_free(&cs->arena);
    memset(cs, 0, sizeof *cs);
}

void
chains_remove(const char *dir)
{
    DIR *d = opendir(dir);
    char path[PATH_MAX];
    struct dirent *e;

    while (d && (e = readdir(d))) {
        if (e->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path) {
            unlink(path);
        }
    }
    if (d) {
        closedir(d);
    }
    rmdir(dir);
}

static int
write_text(const char *path, struct tbe_str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0) {
        return -1;
    }
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            int e = errno;
            close(fd);
            errno = e;
            return -1;
        }
        text.p += n;
        text.n -= (size_t)n;
    }
    return close(fd);
}

int
chains_write(const struct deploy_chains *cs, const char *dir)
{
    char path[PATH_MAX], id[TBE_UUID_TEXT + 1];

    chains_remove(dir);
    if (mkdir(dir, 0700) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < cs->n; i++) {
        tbe_uuid_text(&cs->v[i].id, id);
        if (snprintf(path, sizeof path, "%s/%s.json", dir, id) >= (int)sizeof path) {
            errno = ENAMETOOLONG;
            return -1;
        }
        if (write_text(path, cs->v[i].text) != 0) {
            return -1;
        }
    }
    return 0;
}
