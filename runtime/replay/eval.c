/* SPDX-License-Identifier: Apache-2.0 */
/* Runs script vectors: node kinds through the node functions themselves, on an engine without a store, so
 * that what is tested is what runs in production. */
#include "config.h"
#include "replay/eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nodes/engine.h"
#include "nodes/script.h"

enum kind { K_EXPR, K_FILTER, K_SWITCH, K_TRANSFORM, K_GENERATE, K_TEXT, K_DETAILS, K_COUNT };
static const struct {
    const char *name;
    enum kind kind;
} kinds[] = {
    { "expr", K_EXPR },         { "filter", K_FILTER },       { "switch", K_SWITCH },
    { "transform", K_TRANSFORM }, { "generate", K_GENERATE }, { "generator", K_GENERATE },
    { "tostring", K_TEXT },     { "string", K_TEXT },         { "details", K_DETAILS },
};

struct eval {
    const struct tbe_script *script;
    enum kind kind;
    struct tbe_buf out;      /* what the watcher saw, as JSON values separated by commas */
    uint32_t n_out;
    struct tbe_str error;    /* of a Failure */
    bool failed;
    struct tbe_arena arena;
};

static struct eval *running; /* the node function has no argument of its own */

static const struct tbe_chain eval_chain;

static void
eval_node(struct tbe_run *r, struct tbe_msg *m)
{
    TBE_ENTER(r, &eval_chain, 0, m);
    struct eval *e = running;
    int lang = e->script->dialect;
    enum tbe_rel rel = TBE_REL_FAILURE;
    if (e->kind == K_FILTER) {
        struct tbe_script_filter_cfg cfg = { .script = e->script, .script_lang = lang };
        rel = tbe_script_filter(r, &cfg, &m);
    } else if (e->kind == K_SWITCH) {
        struct tbe_script_switch_cfg cfg = { .script = e->script, .script_lang = lang };
        rel = tbe_script_switch(r, &cfg, &m);
    } else {
        struct tbe_script_transform_cfg cfg = { .script = e->script, .script_lang = lang };
        rel = tbe_script_transform(r, &cfg, &m);
    }
    tbe_route(r, &eval_chain, 0, rel, m);
}

static const struct tbe_node eval_nodes[] = { { .id = "", .name = "script", .type = "", .run = eval_node } };
static const struct tbe_chain eval_chain = { .id = "", .name = "eval", .nodes = eval_nodes, .n_nodes = 1, .root = true };
static const struct tbe_chain *const eval_chains[] = { &eval_chain };
static const struct tbe_program eval_program = { .abi = TBE_ABI, .digest = "", .version = "", .chains = eval_chains,
                                                 .n_chains = 1 };

/* What came out ---------------------------------------------------------------------------------------- */

static void
put_message(struct tbe_buf *b, const struct tbe_msg *m)
{
    tbe_buf_putz(b, "{\"msg\":");
    tbe_buf_puts(b, m->data);
    tbe_buf_putz(b, ",\"metadata\":{");
    for (uint32_t i = 0; i < m->md.n; i++) {
        tbe_buf_putz(b, i ? "," : "");
        tbe_json_write_str(b, m->md.e[i].key);
        tbe_buf_putc(b, ':');
        tbe_json_write_str(b, m->md.e[i].val);
    }
    tbe_buf_putz(b, "},\"msgType\":");
    tbe_json_write_str(b, m->type);
    tbe_buf_putc(b, '}');
}

static void
saw(void *arg, const struct tbe_chain *c, uint32_t node, bool in, const char *relation, const struct tbe_msg *m,
    struct tbe_str error)
{
    struct eval *e = arg;
    (void)c;
    (void)node;
    if (in || relation == NULL || strcmp(relation, "ACK") == 0) {
        return;
    }
    if (strcmp(relation, "Failure") == 0 && error.p != NULL) {
        e->failed = true;
        e->error = tbe_arena_dup(&e->arena, error);
        return;
    }
    tbe_buf_putz(&e->out, e->n_out++ ? "," : "");
    if (e->kind == K_FILTER) {
        tbe_buf_putz(&e->out, strcmp(relation, "True") == 0 ? "true" : "false");
    } else if (e->kind == K_SWITCH) {
        tbe_json_write_str(&e->out, tbe_strz(relation));
    } else {
        put_message(&e->out, m);
    }
}

/* Results of kind expr: JSON cannot say undefined, NaN and the infinities. */
static void
encode(struct tbe_buf *b, tbe_val v, int lang, int depth)
{
    bool js = lang == TBE_DIALECT_JS;
    if (js && (v.t == TBE_UNDEF || v.t == TBE_FUNC)) {
        tbe_buf_putz(b, "{\"$undefined\":true}");
    } else if (js && v.t == TBE_DOUBLE && (!isfinite(v.u.d) || (v.u.d == 0 && signbit(v.u.d)))) {
        tbe_buf_fmt(b, "{\"$num\":\"%s\"}", isnan(v.u.d) ? "NaN" : v.u.d == 0 ? "-0" : v.u.d > 0 ? "Infinity" : "-Infinity");
    } else if (v.t == TBE_LIST && depth < 200) {
        tbe_buf_putc(b, '[');
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            tbe_buf_putz(b, i ? "," : "");
            encode(b, v.u.l->v[i], lang, depth + 1);
        }
        tbe_buf_putc(b, ']');
    } else if (js && v.t == TBE_MAP && depth < 200) {
        const struct tbe_entry *e;
        bool first = true;
        tbe_buf_putc(b, '{');
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e); first = false) {
            tbe_buf_putz(b, first ? "" : ",");
            tbe_json_write_str(b, tbe_val_str(e->key));
            tbe_buf_putc(b, ':');
            encode(b, e->val, lang, depth + 1);
        }
        tbe_buf_putc(b, '}');
    } else {
        tbe_json_write(b, v, js ? TBE_OUT_JS : TBE_OUT_JAVA);
    }
}

static void
answer_error(struct eval *e, uint32_t i)
{
    struct tbe_buf b = { 0 };
    tbe_json_write_str(&b, e->error.p ? e->error : TBE_STR(""));
    printf("{\"i\":%u,\"error\":%.*s}\n", i, (int)b.n, b.p);
    tbe_buf_free(&b);
}

/* One vector -------------------------------------------------------------------------------------------- */

static struct tbe_str
text_of(struct eval *e, tbe_val args, const char *a, const char *b, const char *missing)
{
    tbe_val v = tbe_map_get(args.u.m, tbe_strz(a));
    if (v.t == TBE_UNDEF) {
        v = tbe_map_get(args.u.m, tbe_strz(b));
    }
    return v.t == TBE_UNDEF ? tbe_strz(missing) : tbe_json_text(&e->arena, v, TBE_OUT_JAVA);
}

static struct tbe_msg *
message(struct eval *e, tbe_val args)
{
    tbe_val type = tbe_map_get(args.u.m, TBE_STR("msgType"));
    if (type.t == TBE_UNDEF) {
        type = tbe_map_get(args.u.m, TBE_STR("prevMsgType"));
    }
    struct tbe_entity dev = { .type = TBE_ENT_DEVICE };
    struct tbe_msg *m = tbe_msg_new(tbe_is_str(type) ? tbe_val_str(type) : TBE_STR("POST_TELEMETRY_REQUEST"), dev);
    tbe_msg_set_data(m, tbe_arena_dup(tbe_msg_arena(m), text_of(e, args, "msg", "prevMsg", "{}")));
    tbe_val md = tbe_map_get(args.u.m, TBE_STR("metadata"));
    if (md.t == TBE_UNDEF) {
        md = tbe_map_get(args.u.m, TBE_STR("prevMetadata"));
    }
    const struct tbe_entry *x;
    for (uint32_t i = 0; md.t == TBE_MAP && tbe_map_next(md.u.m, &i, &x);) {
        if (tbe_is_str(x->val)) {
            tbe_md_put(tbe_msg_arena(m), &m->md, tbe_arena_dup(tbe_msg_arena(m), tbe_val_str(x->key)),
                       tbe_arena_dup(tbe_msg_arena(m), tbe_val_str(x->val)));
        }
    }
    return m;
}

/* Kinds whose result is a value, not a message. */
static void
run_value(struct eval *e, struct tbe_engine *engine, struct tbe_msg *m, uint32_t i)
{
    struct tbe_run r = { .engine = engine, .chain = &eval_chain };
    int lang = e->script->dialect;
    tbe_val v;
    bool ok = script_call(&r, e->script, lang, m, &m->md, &v) == 0;
    if (ok && e->kind == K_TEXT && !tbe_is_str(v) && lang == TBE_DIALECT_JS) {
        script_wrong_type(&r, lang, v);
        ok = false;
    }
    if (!ok) {
        e->error = r.error;
        answer_error(e, i);
        return;
    }
    struct tbe_buf b = { 0 };
    struct tbe_str json = script_json(&e->arena, lang, v);
    if (e->kind == K_EXPR) {
        encode(&b, v, lang, 0);
        tbe_buf_putz(&b, ",\"text\":");
        tbe_json_write_str(&b, json.p ? json : TBE_STR("undefined"));
    } else if (e->kind == K_TEXT) {
        tbe_json_write_str(&b, tbe_is_str(v) ? tbe_val_str(v) : json);
    } else {
        tbe_buf_puts(&b, json.p ? json : TBE_STR("null"));
    }
    printf("{\"i\":%u,\"ok\":%.*s}\n", i, (int)b.n, b.p);
    tbe_buf_free(&b);
}

static void
run_node(struct eval *e, struct tbe_engine *engine, struct tbe_msg **m, uint32_t i)
{
    struct engine_watch w = { .event = saw, .arg = e };
    running = e;
    engine_watch_set(engine, &w);
    engine_enter_take(engine, 0, m);
    engine_run(engine);
    engine_watch_set(engine, NULL);
    if (e->failed) {
        answer_error(e, i);
        return;
    }
    bool list = e->kind == K_SWITCH || (e->kind == K_TRANSFORM && (e->script->dialect == TBE_DIALECT_TBEL || e->n_out != 1));
    struct tbe_str s = tbe_buf_str(&e->out);
    printf(list ? "{\"i\":%u,\"ok\":[%.*s]}\n" : "{\"i\":%u,\"ok\":%.*s}\n", i, s.n || list ? (int)s.n : 4, s.n || list ? s.p : "null");
}

static int
run_line(const struct tbe_script *const *scripts, uint32_t n, struct tbe_str line)
{
    struct eval e = { 0 };
    tbe_val v;
    tbe_arena_init(&e.arena, 0);
    if (tbe_json_parse(&e.arena, line, TBE_JSON_RAW, &v, NULL) != 0 || v.t != TBE_MAP) {
        tbe_arena_free(&e.arena);
        return 2;
    }
    tbe_val i = tbe_map_get(v.u.m, TBE_STR("i")), kind = tbe_map_get(v.u.m, TBE_STR("kind"));
    tbe_val args = tbe_map_get(v.u.m, TBE_STR("args")), now = tbe_map_get(v.u.m, TBE_STR("now"));
    uint32_t index = i.t == TBE_NUM ? (uint32_t)strtoul(i.u.s, NULL, 10) : n;
    if (args.t != TBE_MAP) {
        args = tbe_map_new(&e.arena, 0);
    }
    e.kind = K_COUNT;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (tbe_is_str(kind) && tbe_str_eqz(tbe_val_str(kind), kinds[k].name)) {
            e.kind = kinds[k].kind;
        }
    }
    if (index >= n || e.kind == K_COUNT) {
        tbe_arena_free(&e.arena);
        return 2;
    }
    e.script = scripts[index];
    if (now.t == TBE_NUM) {
        clock_fix(strtoll(now.u.s, NULL, 10));
    }
    struct tbe_engine *engine = engine_new(&eval_program, NULL, NULL);
    struct tbe_msg *m = message(&e, args);
    if (e.kind == K_EXPR || e.kind == K_TEXT || e.kind == K_DETAILS) {
        run_value(&e, engine, m, index);
        tbe_msg_unref(m);
    } else {
        run_node(&e, engine, &m, index);
    }
    engine_free(engine);
    tbe_buf_free(&e.out);
    tbe_arena_free(&e.arena);
    return 0;
}

int
tbe_eval_main(const struct tbe_script *const *scripts, uint32_t n)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int rc = 0;
    while (rc == 0 && (len = getline(&line, &cap, stdin)) > 0) {
        rc = run_line(scripts, n, (struct tbe_str){ line, (size_t)len - (line[len - 1] == '\n') });
        fflush(stdout);
    }
    free(line);
    return rc;
}
