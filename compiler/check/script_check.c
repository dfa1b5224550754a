/* SPDX-License-Identifier: Apache-2.0 */
/* The script of a node: which of the two texts is active, is it there, does it compile. */
#include "config.h"
#include "check/check.h"
#include <string.h>
#include "script/script.h"

static bool
blank(struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > ' ') {
            return false;
        }
    }
    return true;
}

static void
stop(struct checked_node *n, struct tbe_str why)
{
    if (!n->broken.p) {
        n->broken = why;
    }
}

static const struct doc *
script_doc(const struct checked_node *n, const char *key)
{
    const struct doc *d = doc_get(n->src->config, key);
    return d ? d : n->src->config ? n->src->config : n->src->doc;
}

static void
report_diags(struct tbe_arena *a, struct diags *ds, const char *file, struct checked_node *n,
             const struct script_result *res)
{
    const struct chain_node *s = n->src;
    for (uint32_t i = 0; i < res->n_diags; i++) {
        const struct script_diag *d = &res->diags[i];
        diag_add(ds, d->warning ? C2403 : C2402, doc_pos_within(file, n->script.doc, (uint32_t)d->line, (uint32_t)d->col),
                 "node %u \"%.*s\": %s script, line %d, column %d: %.*s", s->index, (int)s->name.n, s->name.p,
                 n->script.dialect == TBE_DIALECT_TBEL ? "TBEL" : "JS", d->line, d->col, (int)d->msg.n, d->msg.p);
        if (!d->warning && res->refused) {
            stop(n, tbe_arena_fmt(a, "%.*s [Line: %d, Column: %d]", (int)d->msg.n, d->msg.p, d->line, d->col));
        }
    }
    if (res->refused) {
        stop(n, TBE_STR("the script does not compile"));
    }
}

static void
compile(struct tbe_arena *a, struct diags *ds, const char *file, struct checked_node *n,
        const struct check_options *opt)
{
    struct script_result res = { 0 };
    char symbol[32];
    snprintf(symbol, sizeof symbol, "n%u_script", n->src->index);
    n->script.file = tbe_arena_fmt(a, "c%u_n%u_script.%s", n->chain, n->src->index,
                                   n->script.dialect == TBE_DIALECT_TBEL ? "tbel" : "js");
    struct script_source in = { .text = n->script.text, .dialect = n->script.dialect, .symbol = symbol,
                                .params = { n->cls->params[0], n->cls->params[1], n->cls->params[2] },
                                .n_params = 3,
                                .line_directives = opt->line_directives, .line_file = n->script.file.p,
                                .coverage = opt->coverage && !(n->script.is_default && tbe_str_eqz(tbe_strz(n->cls->name), "log")) };
    if (script_compile(a, &in, &res) != 0) {
        stop(n, TBE_STR("out of memory while compiling the script"));
        return;
    }
    report_diags(a, ds, file, n, &res);
    n->script.c = tbe_arena_dup(a, tbe_buf_str(&res.c));
    tbe_buf_free(&res.c);
}

void
check_script(struct tbe_arena *a, struct diags *ds, const char *file, struct checked_node *n,
             const struct check_options *opt)
{
    const struct chain_node *s = n->src;
    const struct doc *lang = doc_get(n->config, "scriptLang");
    int dialect = lang && lang->t == DOC_INT && lang->i == 1 ? TBE_DIALECT_TBEL : TBE_DIALECT_JS;
    const char *key = dialect == TBE_DIALECT_TBEL ? n->cls->tbel_key : n->cls->js_key;
    const char *name = dialect == TBE_DIALECT_TBEL ? "TBEL" : "JS";
    struct tbe_str text = doc_text(n->config, key);
    if (n->src->config && !doc_get(n->src->config, "scriptLang") && !blank(text) && !blank(doc_text(n->src->config, n->cls->tbel_key))) {
        diag_add(ds, C2406, doc_pos(file, n->src->config), "node %u \"%.*s\": \"scriptLang\" is not given, so \"%s\" runs "
                 "and \"%s\" does not", s->index, (int)s->name.n, s->name.p, n->cls->js_key, n->cls->tbel_key);
    }
    n->script.dialect = dialect;
    n->script.doc = script_doc(n, key);
    if (blank(text)) {
        struct tbe_str why = tbe_arena_fmt(a, "%s script is blank!", name);
        diag_add(ds, C2401, doc_pos(file, n->script.doc), "node %u \"%.*s\": %.*s", s->index, (int)s->name.n,
                 s->name.p, (int)why.n, why.p);
        stop(n, why);
        return;
    }
    size_t chars = 0;
    for (size_t i = 0; i < text.n; i++) {
        chars += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    }
    if (chars > SCRIPT_MAX_CHARS) {
        diag_add(ds, C2404, doc_pos(file, n->script.doc), "node %u \"%.*s\": the script has %zu characters, the limit is %u",
                 s->index, (int)s->name.n, s->name.p, chars, SCRIPT_MAX_CHARS);
        stop(n, tbe_arena_fmt(a, "Script body exceeds maximum allowed size of %u symbols", SCRIPT_MAX_CHARS));
        return;
    }
    n->script.text = text;
    const struct doc *def = doc_parse_own(a, n->cls->default_config);
    n->script.is_default = tbe_str_eq(doc_text(def, key), text);
    compile(a, ds, file, n, opt);
}
