/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes whose behaviour is a script: filter, switch, transformation, log (facts/rule-nodes.md 8, 11.4,
 * 11.8 - 11.10). */
#include "config.h"
#include "nodes/script.h"

#include <math.h>
#include <string.h>

#include "base/log.h"

/* JavaScript results pass through JSON: a wrapper object becomes what JSON.stringify makes of it. */
static tbe_val
plain(struct tbe_run *r, int lang, struct tbe_arena *a, tbe_val v)
{
    (void)r;
    if (lang != TBE_DIALECT_JS || v.t == TBE_MAP || v.t == TBE_LIST || v.t <= TBE_STR_T || v.t == TBE_FUNC) {
        return v;
    }
    tbe_val again;
    struct tbe_str text = tbe_json_text(a, v, TBE_OUT_JS);
    return tbe_json_parse(a, text, TBE_JSON_JS, &again, NULL) == 0 ? again : v;
}

enum tbe_rel
tbe_script_filter(struct tbe_run *r, const struct tbe_script_filter_cfg *cfg, struct tbe_msg **m)
{
    tbe_val v;
    if (script_call(r, cfg->script, cfg->script_lang, *m, &(*m)->md, &v) < 0) {
        return TBE_REL_FAILURE;
    }
    if (TBE_UNLIKELY(v.t != TBE_BOOL)) {
        v = plain(r, cfg->script_lang, tbe_msg_arena(*m), v);
    }
    if (v.t != TBE_BOOL) {
        script_wrong_type(r, cfg->script_lang, v);
        return TBE_REL_FAILURE;
    }
    return v.u.i ? TBE_REL_TRUE : TBE_REL_FALSE;
}

/* Switch ----------------------------------------------------------------------------------------- */

static void
add_relation(struct tbe_arena *a, struct tbe_str *names, uint32_t *n, tbe_val v)
{
    struct tbe_str s = tbe_val_str(v);
    for (uint32_t i = 0; i < *n; i++) {
        if (tbe_str_eq(names[i], s)) {
            return;
        }
    }
    names[(*n)++] = tbe_arena_dup(a, s);
}

enum tbe_rel
tbe_script_switch(struct tbe_run *r, const struct tbe_script_switch_cfg *cfg, struct tbe_msg **m)
{
    struct tbe_arena *a = tbe_msg_arena(*m);
    const tbe_val *items = NULL;
    uint32_t n_items = 1, n = 0;
    tbe_val v;
    if (script_call(r, cfg->script, cfg->script_lang, *m, &(*m)->md, &v) < 0) {
        return TBE_REL_FAILURE;
    }
    v = plain(r, cfg->script_lang, a, v);
    if (v.t == TBE_SET) { /* TBEL only: same as a list of its members */
        tbe_val list = tbe_list_new(a, v.u.m->live);
        const struct tbe_entry *e;
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            tbe_list_push(a, list.u.l, e->key);
        }
        v = list;
    }
    if (v.t == TBE_LIST) {
        items = v.u.l->v;
        n_items = v.u.l->n;
    } else {
        items = &v;
    }
    struct tbe_str *names = tbe_arena_alloc(a, (n_items + 1) * sizeof(*names));
    for (uint32_t i = 0; i < n_items; i++) {
        if (!tbe_is_str(items[i])) {
            script_wrong_type(r, cfg->script_lang, items[i]);
            return TBE_REL_FAILURE;
        }
        add_relation(a, names, &n, items[i]);
    }
    r->relations = names;
    r->n_relations = n;
    return TBE_REL_NAMED;
}

/* Transformation --------------------------------------------------------------------------------- */

static struct tbe_str
java_text(struct tbe_arena *a, tbe_val v)
{
    if (tbe_is_str(v)) {
        return tbe_arena_dup(a, tbe_val_str(v));
    }
    struct tbe_buf b = { 0 };
    tbe_java_text(&b, v);
    struct tbe_str s = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return s;
}

/* A JavaScript value where a text is wanted: strings and scalars; false for objects and lists. */
static bool
js_text(struct tbe_arena *a, tbe_val v, struct tbe_str *out)
{
    if (tbe_is_str(v)) {
        *out = tbe_arena_dup(a, tbe_val_str(v));
        return true;
    }
    if (v.t == TBE_MAP || v.t == TBE_LIST) {
        return false;
    }
    *out = script_json(a, TBE_DIALECT_JS, v);
    return out->p != NULL;
}

static int
bad_metadata(struct tbe_run *r, int lang, tbe_val v)
{
    struct tbe_buf b = { 0 };
    bool js = lang == TBE_DIALECT_JS;
    if (js) {
        tbe_json_write(&b, v, TBE_OUT_JS);
    } else {
        tbe_java_text(&b, v);
    }
    engine_fail(r, "The given object value cannot be converted to "
                   "org.thingsboard.server.service.script.RuleNode%sScriptEngine$1@0: %.*s",
                js ? "Js" : "Tbel", (int)b.n, b.p ? b.p : "");
    tbe_buf_free(&b);
    return -1;
}

/* Replaces d's metadata by the script's map. Texts that are still those of the message are borrowed. */
static int
set_metadata(struct tbe_run *r, int lang, tbe_val v, struct tbe_msg *d)
{
    struct tbe_arena *a = tbe_msg_arena(d);
    bool js = lang == TBE_DIALECT_JS;
    if (v.t == TBE_UNDEF || v.t == TBE_NULL || (js && v.t == TBE_FUNC)) {
        return 0;
    }
    if (v.t != TBE_MAP) {
        return bad_metadata(r, lang, v);
    }
    struct tbe_md old = d->md, md = { 0 };
    const struct tbe_entry *e;
    for (uint32_t i = 0, k = 0; tbe_map_next(v.u.m, &i, &e); k++) {
        struct tbe_str key, val;
        if (e->val.t <= TBE_NULL || (js && e->val.t == TBE_FUNC) ||
            (js && e->val.t == TBE_DOUBLE && !isfinite(e->val.u.d))) {
            continue; /* null entries vanish */
        }
        if (k < old.n && tbe_is_str(e->key) && tbe_is_str(e->val) && e->key.u.s == old.e[k].key.p &&
            e->val.u.s == old.e[k].val.p) {
            key = old.e[k].key;
            val = old.e[k].val;
        } else if (!js) {
            key = java_text(a, e->key);
            val = java_text(a, e->val);
        } else {
            key = tbe_arena_dup(a, tbe_val_str(e->key));
            if (!js_text(a, plain(r, lang, a, e->val), &val)) {
                return bad_metadata(r, lang, v);
            }
        }
        tbe_md_put(a, &md, key, val);
    }
    d->md = md;
    return 0;
}

static void
set_type(int lang, tbe_val v, struct tbe_msg *d)
{
    struct tbe_arena *a = tbe_msg_arena(d);
    struct tbe_str type = TBE_STR_NONE;
    if (lang == TBE_DIALECT_JS) {
        if (v.t == TBE_UNDEF || !js_text(a, v, &type)) {
            return;
        }
    } else if (v.t > TBE_NULL) {
        type = java_text(a, v);
    }
    if (type.n && !tbe_str_eq(type, d->type)) {
        tbe_msg_set_type(d, type);
    }
}

/* The message a returned object describes (8 "Message rebuild"); NULL with r->error set. */
static struct tbe_msg *
rebuild(struct tbe_run *r, int lang, tbe_val v, const struct tbe_msg *m)
{
    struct tbe_msg *d = tbe_msg_derive(m);
    struct tbe_arena *a = tbe_msg_arena(m);
    if (v.t != TBE_MAP) {
        return d; /* JavaScript does not check the elements of a list */
    }
    tbe_val data = tbe_map_get(v.u.m, TBE_STR("msg"));
    if (lang == TBE_DIALECT_JS ? data.t != TBE_UNDEF : data.t > TBE_NULL) {
        struct tbe_str text = script_json(a, lang, data);
        if (text.p) {
            tbe_msg_set_data(d, text);
        }
    }
    if (set_metadata(r, lang, tbe_map_get(v.u.m, TBE_STR("metadata")), d) < 0) {
        return NULL;
    }
    set_type(lang, tbe_map_get(v.u.m, TBE_STR("msgType")), d);
    return d;
}

static enum tbe_rel
rebuild_many(struct tbe_run *r, int lang, const struct tbe_list *list, struct tbe_msg **m)
{
    struct tbe_arena *a = tbe_msg_arena(*m);
    if (list->n == 0) {
        engine_fail(r, "Message or messages list are empty!");
        return TBE_REL_FAILURE;
    }
    struct tbe_msg **out = tbe_arena_alloc(a, list->n * sizeof(struct tbe_msg *));
    for (uint32_t i = 0; i < list->n; i++) {
        tbe_val v = plain(r, lang, a, list->v[i]);
        if (lang != TBE_DIALECT_JS && v.t != TBE_MAP) {
            script_wrong_type(r, lang, v);
            return TBE_REL_FAILURE;
        }
        out[i] = rebuild(r, lang, v, *m);
        if (!out[i]) {
            return TBE_REL_FAILURE;
        }
    }
    if (list->n == 1) {
        *m = out[0];
        return TBE_REL_SUCCESS;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        engine_tell_next(r, out[i], TBE_STR("Success"));
    }
    engine_ack(r, *m);
    return TBE_REL_NONE;
}

enum tbe_rel
tbe_script_transform(struct tbe_run *r, const struct tbe_script_transform_cfg *cfg, struct tbe_msg **m)
{
    int lang = cfg->script_lang;
    tbe_val v;
    if (script_call(r, cfg->script, lang, *m, &(*m)->md, &v) < 0) {
        return TBE_REL_FAILURE;
    }
    v = plain(r, lang, tbe_msg_arena(*m), v);
    if (v.t == TBE_LIST) {
        return rebuild_many(r, lang, v.u.l, m);
    }
    if (v.t != TBE_MAP) {
        script_wrong_type(r, lang, v);
        return TBE_REL_FAILURE;
    }
    struct tbe_msg *d = rebuild(r, lang, v, *m);
    if (!d) {
        return TBE_REL_FAILURE;
    }
    *m = d;
    return TBE_REL_SUCCESS;
}

/* Log -------------------------------------------------------------------------------------------- */

static void
log_standard(const struct tbe_msg *m)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putc(&b, '{');
    for (uint32_t i = 0; i < m->md.n; i++) {
        if (i) {
            tbe_buf_putc(&b, ',');
        }
        tbe_json_write_str(&b, m->md.e[i].key);
        tbe_buf_putc(&b, ':');
        tbe_json_write_str(&b, m->md.e[i].val);
    }
    tbe_buf_putc(&b, '}');
    log_info("\nIncoming message:\n%.*s\nIncoming metadata:\n%.*s", (int)m->data.n, m->data.p, (int)b.n,
             b.p ? b.p : "");
    tbe_buf_free(&b);
}

enum tbe_rel
tbe_log(struct tbe_run *r, const struct tbe_log_cfg *cfg, struct tbe_msg **m)
{
    tbe_val v;
    if (cfg->script_default) {
        log_standard(*m);
        return TBE_REL_SUCCESS;
    }
    if (script_call(r, cfg->script, cfg->script_lang, *m, &(*m)->md, &v) < 0) {
        return TBE_REL_FAILURE;
    }
    v = plain(r, cfg->script_lang, tbe_msg_arena(*m), v);
    if (cfg->script_lang == TBE_DIALECT_JS && !tbe_is_str(v)) {
        script_wrong_type(r, cfg->script_lang, v);
        return TBE_REL_FAILURE;
    }
    struct tbe_str text = tbe_is_str(v) ? tbe_val_str(v) : tbe_json_text(tbe_msg_arena(*m), v, TBE_OUT_JAVA);
    log_info("%.*s", (int)text.n, text.p);
    return TBE_REL_SUCCESS;
}
