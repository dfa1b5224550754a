/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the checks of a chain, and those between chains. */
#include "config.h"
#include "check/check.h"
#include <string.h>

static void
check_node(struct tbe_arena *a, struct diags *ds, const struct chain *c, struct checked_node *n,
           const struct check_options *opt)
{
    const struct chain_node *s = n->src;
    n->cls = node_class_find(s->type);
    if (!n->cls) {
        const struct known_class *known = known_class_find(s->type);
        const struct doc *type = doc_get(s->doc, "type");
        enum diag_code code = !known ? C2301 : known->cloud_only ? C2303 : C2302;
        const char *why = !known ? "unknown node class" : known->cloud_only ? "only on the cloud" : "not supported yet";
        struct tbe_str text = tbe_arena_fmt(a, "%s: %.*s", why, (int)s->type.n, s->type.p);
        if (s->type.n) { /* no class at all is reported already */
            diag_add(ds, code, doc_pos(c->file, type ? type : s->doc), "node %u \"%.*s\": %.*s", s->index,
                     (int)s->name.n, s->name.p, (int)text.n, text.p);
        }
        n->broken = text;
        return;
    }
    check_config(a, ds, c->file, n);
    if (!n->broken.p && n->cls->script_kind) {
        check_script(a, ds, c->file, n, opt);
    }
}

static void
check_between(struct diags *ds, const struct chains *cs)
{
    const struct chain *root = NULL;
    for (uint32_t i = 0; i < cs->n; i++) {
        const struct chain *c = &cs->v[i];
        for (uint32_t k = 0; k < i; k++) {
            if (tbe_str_eq(cs->v[k].id, c->id)) {
                diag_add(ds, C2107, doc_pos(c->file, c->doc), "chain \"%.*s\" has the same id as \"%.*s\" of %s",
                         (int)c->name.n, c->name.p, (int)cs->v[k].name.n, cs->v[k].name.p, cs->v[k].file);
                break;
            }
        }
        if (c->root && root) {
            diag_add(ds, C2106, doc_pos(c->file, c->doc),
                     "chain \"%.*s\" is a root chain, and so is \"%.*s\": choose one with --root", (int)c->name.n,
                     c->name.p, (int)root->name.n, root->name.p);
        } else if (c->root) {
            root = c;
        }
    }
}

struct checked_chain *
check_chains(struct tbe_arena *a, struct diags *ds, const struct chains *cs, const struct check_options *opt)
{
    struct checked_chain *out = tbe_arena_zalloc(a, (cs->n + 1) * sizeof *out);
    if (opt->together) {
        check_between(ds, cs);
    }
    for (uint32_t i = 0; i < cs->n; i++) {
        const struct chain *c = &cs->v[i];
        out[i].src = c;
        out[i].nodes = tbe_arena_zalloc(a, (c->n_nodes + 1) * sizeof *out[i].nodes);
        check_graph(a, ds, c);
        for (uint32_t k = 0; k < c->n_nodes; k++) {
            out[i].nodes[k].src = &c->nodes[k];
            out[i].nodes[k].chain = i;
            check_node(a, ds, c, &out[i].nodes[k], opt);
        }
    }
    return out;
}
