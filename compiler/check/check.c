/* SPDX-License-Identifier: Apache-2.0 */
/* Runs all checks over all chains, then what concerns several of them. */
#include "config.h"
#include "check/check.h"
#include <string.h>

/* A class of ours that is one or two edits away from what was written, or NULL. */
static const char *
near_class(struct tbe_str type)
{
    for (uint32_t i = 0; i < n_node_classes; i++) {
        const char *cls = node_classes[i].cls, *dot = strrchr(cls, '.');
        size_t n = strlen(dot);
        if (type.n >= n && memcmp(type.p + type.n - n, dot, n) == 0) {
            return cls; /* the right class in another package */
        }
        if (tbe_str_ieq(type, tbe_strz(node_classes[i].name)) || tbe_str_ieq(type, tbe_strz(node_classes[i].title))) {
            return node_classes[i].name;
        }
    }
    return NULL;
}

static void
unknown_class(struct tbe_arena *a, struct diags *ds, const struct chain *c, struct checked_node *n)
{
    const struct chain_node *s = n->src;
    const struct known_class *known = known_class_find(s->type);
    const struct doc *type = doc_get(s->doc, "type");
    enum diag_code code = !known ? C2301 : known->cloud_only ? C2303 : C2318;
    const char *why = !known ? "unknown node class"
                      : known->cloud_only ? "only on the cloud"
                                          : "only in ThingsBoard Professional Edition";
    struct tbe_str text = tbe_arena_fmt(a, "%s: %.*s", why, (int)s->type.n, s->type.p);
    n->broken = text;
    if (s->type.n == 0) {
        return; /* no class at all is reported already */
    }
    diag_add(ds, code, doc_pos(c->file, type ? type : s->doc), "node %u \"%.*s\": %.*s", s->index, (int)s->name.n,
             s->name.p, (int)text.n, text.p);
    const char *near = known ? NULL : near_class(s->type);
    if (near) {
        diag_hint(ds, "Did you mean \"%s%s\"?", strchr(near, '.') ? NODE_CLASS_PREFIX : "", near);
    }
}

static void
check_node(struct tbe_arena *a, struct diags *ds, const struct chain *c, struct checked_node *n,
           const struct check_options *opt)
{
    const struct chain_node *s = n->src;
    uint32_t before = ds->n + ds->dropped;
    n->cls = node_class_find(s->type);
    if (!n->cls) {
        unknown_class(a, ds, c, n);
        return;
    }
    if (s->no_version) {
        n->broken = TBE_STR("configurationVersion is no integer");
        n->told = true;
        return;
    }
    check_config(a, ds, c->file, n);
    if (!n->broken.p && n->cls->script_kind) {
        check_script(a, ds, c->file, n, opt);
    }
    n->told = ds->n + ds->dropped > before;
    if (!n->cls->built) {
        const struct doc *type = doc_get(s->doc, "type");
        struct tbe_str text = tbe_arena_fmt(a, "not supported yet: %.*s", (int)s->type.n, s->type.p);
        diag_add(ds, C2302, doc_pos(c->file, type ? type : s->doc), "node %u \"%.*s\": %.*s", s->index, (int)s->name.n,
                 s->name.p, (int)text.n, text.p);
        n->broken = text;
    }
}

/* ---- several chains ------------------------------------------------------------------------------ */

static bool
same_file(const struct chain *x, const struct chain *y)
{
    return x->file == y->file || strcmp(x->file, y->file) == 0;
}

static void
check_pair(struct diags *ds, const struct chain *c, const struct chain *before, const struct check_options *opt)
{
    bool one = opt->together || same_file(c, before);
    struct diag_pos pos = doc_pos(c->file, c->doc);
    if (tbe_str_eq(before->id, c->id) && (c->has_id || one)) {
        diag_add_as(ds, one ? DIAG_ERROR : DIAG_NOTE, C2107, pos, "chain \"%.*s\" has the same id as \"%.*s\" of %s",
                    (int)c->name.n, c->name.p, (int)before->name.n, before->name.p, before->file);
    } else if (one && tbe_str_eq(before->name, c->name)) {
        const struct doc *name = doc_get(c->doc, "name");
        diag_add(ds, C2113, name ? doc_pos(c->file, name) : pos, "another chain is named \"%.*s\" too, in %s",
                 (int)c->name.n, c->name.p, before->file);
    }
}

static void
check_roots(struct diags *ds, const struct chain *c, const struct chain *root, const struct check_options *opt)
{
    const struct doc *at = doc_get(c->doc, "root");
    bool one = opt->together || same_file(c, root);
    diag_add_as(ds, one ? DIAG_ERROR : DIAG_NOTE, C2106, doc_pos(c->file, at ? at : c->doc),
                "chain \"%.*s\" is a root chain, and so is \"%.*s\" of %s: choose one with --root", (int)c->name.n,
                c->name.p, (int)root->name.n, root->name.p, root->file);
}

/* The first chain of those that will be one program with it, itself too; their number and roots. */
static void
check_no_root(struct diags *ds, const struct chains *cs, const struct check_options *opt)
{
    for (uint32_t i = 0; i < cs->n; i++) {
        const struct chain *c = &cs->v[i];
        uint32_t n = 0, roots = 0, first = UINT32_MAX;
        for (uint32_t k = 0; k < cs->n; k++) {
            if (opt->together || same_file(c, &cs->v[k])) {
                n++;
                roots += cs->v[k].root;
                first = first == UINT32_MAX ? k : first;
            }
        }
        if (first == i && n > 1 && roots == 0) {
            diag_at(ds, c->name, TBE_STR_NONE, -1);
            diag_add(ds, C2112, doc_pos(c->file, c->doc), "none of the %u chains is marked as root", n);
        }
        if (opt->together) {
            return;
        }
    }
}

#define BETWEEN_MAX 4096u /* pairs of chains that are compared */

static void
check_between(struct diags *ds, const struct chains *cs, const struct check_options *opt)
{
    const struct chain *root = NULL;
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < cs->n; i++) {
        const struct chain *c = &cs->v[i];
        diag_at(ds, c->name, TBE_STR_NONE, -1);
        for (uint32_t k = i; k-- > 0 && pairs < BETWEEN_MAX * 256;) {
            pairs++;
            if (tbe_str_eq(cs->v[k].id, c->id) || tbe_str_eq(cs->v[k].name, c->name)) {
                check_pair(ds, c, &cs->v[k], opt);
                break;
            }
        }
        if (c->root && root) {
            check_roots(ds, c, root, opt);
        } else if (c->root) {
            root = c;
        }
    }
    check_no_root(ds, cs, opt);
}

/* The chain a "rule chain" node sends to. */
static void
check_target(struct diags *ds, const struct chains *cs, const struct chain *c, const struct checked_node *n,
             bool one)
{
    struct tbe_uuid u;
    char text[TBE_UUID_TEXT + 1];
    struct tbe_str id = doc_text(n->config, "ruleChainId");
    const struct doc *given = doc_get(n->src->config, "ruleChainId");
    struct diag_pos pos = doc_pos(c->file, given ? given : n->src->doc);
    if (!id.p || !tbe_uuid_parse(id, &u)) {
        return; /* reported by the class's rule */
    }
    tbe_uuid_text(&u, text);
    if (c->has_id && tbe_str_eqz(c->id, text)) {
        diag_add(ds, C2312, pos, "node %u \"%.*s\" sends to the chain it stands in: every message fails", n->src->index,
                 (int)n->src->name.n, n->src->name.p);
        return;
    }
    for (uint32_t i = 0; i < cs->n; i++) {
        if (tbe_str_eqz(cs->v[i].id, text)) {
            return;
        }
    }
    diag_add_as(ds, one ? DIAG_WARNING : DIAG_NOTE, C2211, pos, "node %u \"%.*s\": no chain with the id %s is among the files",
                n->src->index, (int)n->src->name.n, n->src->name.p, text);
}

static void
check_targets(struct diags *ds, const struct chains *cs, const struct checked_chain *cc, const struct check_options *opt)
{
    for (uint32_t i = 0; i < cs->n; i++) {
        const struct chain *c = &cs->v[i];
        bool one = opt->together || (i && same_file(c, &cs->v[i - 1])) || (i + 1 < cs->n && same_file(c, &cs->v[i + 1]));
        for (uint32_t k = 0; k < c->n_nodes; k++) {
            const struct checked_node *n = &cc[i].nodes[k];
            if (n->cls && strcmp(n->cls->name, "rule_chain") == 0 && n->config) {
                diag_at(ds, c->name, n->src->name, n->src->index);
                check_target(ds, cs, c, n, one);
            }
        }
    }
}

struct checked_chain *
check_chains(struct tbe_arena *a, struct diags *ds, const struct chains *cs, const struct check_options *opt)
{
    struct checked_chain *out = tbe_arena_zalloc(a, (cs->n + 1) * sizeof *out);
    check_between(ds, cs, opt);
    for (uint32_t i = 0; i < cs->n; i++) {
        const struct chain *c = &cs->v[i];
        out[i].src = c;
        out[i].nodes = tbe_arena_zalloc(a, (c->n_nodes + 1) * sizeof *out[i].nodes);
        check_graph(a, ds, c);
        for (uint32_t k = 0; k < c->n_nodes; k++) {
            out[i].nodes[k].src = &c->nodes[k];
            out[i].nodes[k].chain = i;
            diag_at(ds, c->name, c->nodes[k].name, k);
            check_node(a, ds, c, &out[i].nodes[k], opt);
        }
        check_node_names(a, ds, &out[i]);
        if (!c->damaged && !ds->no_notes) {
            check_keys(a, ds, &out[i]);
        }
    }
    check_targets(ds, cs, out, opt);
    diag_at(ds, TBE_STR_NONE, TBE_STR_NONE, -1);
    return out;
}
