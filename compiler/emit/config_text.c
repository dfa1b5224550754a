/* SPDX-License-Identifier: Apache-2.0 */
/* A node's configuration as a static const struct, driven by the class's key table. Lists, maps and long
 * texts are arrays of their own in front of it. */
#include "config.h"
#include "emit/emit.h"
#include <stdlib.h>
#include <string.h>
#include "emit/ctext.h"
#include "tbe/script.h"

struct out {
    struct tbe_buf *before; /* arrays */
    struct tbe_buf *body;
    uint32_t node;
};

void
emit_str_init(struct tbe_buf *b, struct tbe_str s)
{
    if (!s.p) {
        tbe_buf_putz(b, "{ NULL, 0 }");
        return;
    }
    tbe_buf_putz(b, "TBE_STR_INIT(");
    ctext_string(b, s);
    tbe_buf_putz(b, ")");
}

static void
indent(struct tbe_buf *b, int depth)
{
    for (int i = 0; i < depth; i++) {
        tbe_buf_putz(b, "    ");
    }
}

/* A text as initialiser; a long one through a char array n<index>_<path>. */
static void
put_text(struct out *o, const char *path, struct tbe_str s)
{
    if (s.n <= CTEXT_LITERAL_MAX) {
        emit_str_init(o->body, s);
        return;
    }
    tbe_buf_fmt(o->before, "static const char n%u_%s[] = ", o->node, path);
    ctext_array(o->before, s);
    tbe_buf_putz(o->before, ";\n");
    tbe_buf_fmt(o->body, "{ n%u_%s, sizeof n%u_%s }", o->node, path, o->node, path);
}

/* Elements of lists and maps are bounded by literals too; a longer one is cut at a character. */
static struct tbe_str
element(struct tbe_str s)
{
    if (s.n > CTEXT_LITERAL_MAX) {
        s.n = CTEXT_LITERAL_MAX;
        while (s.n && ((unsigned char)s.p[s.n] & 0xC0) == 0x80) {
            s.n--;
        }
    }
    return s;
}

static void
put_array(struct out *o, const char *path, const char *field, const struct doc *v, bool map, int depth)
{
    if (v->i == 0) { /* an empty one gets an element that does not count: NULL means null */
        tbe_buf_fmt(o->before, "static const struct %s n%u_%s[] = {\n", map ? "tbe_pair" : "tbe_str", o->node, path);
        if (v->n == 0) {
            tbe_buf_putz(o->before, map ? "    { { NULL, 0 }, { NULL, 0 } },\n" : "    { NULL, 0 },\n");
        }
        for (const struct doc *e = v->first; e; e = e->next) {
            tbe_buf_putz(o->before, "    ");
            if (map) {
                tbe_buf_putz(o->before, "{ ");
                emit_str_init(o->before, element(e->key));
                tbe_buf_putz(o->before, ", ");
            }
            emit_str_init(o->before, element(e->s));
            tbe_buf_putz(o->before, map ? " },\n" : ",\n");
        }
        tbe_buf_putz(o->before, "};\n");
        indent(o->body, depth);
        tbe_buf_fmt(o->body, ".%s = n%u_%s,\n", field, o->node, path);
    }
    indent(o->body, depth);
    tbe_buf_fmt(o->body, ".n_%s = %u,\n", field, v->n);
}

static void put_keys(struct out *o, const char *path, const struct node_key *keys, uint32_t n_keys,
                     const struct doc *obj, int depth);

static void
put_int(struct tbe_buf *b, int64_t i)
{
    if (i == INT64_MIN) {
        tbe_buf_putz(b, "INT64_MIN");
    } else if (i > INT32_MAX || i < -INT32_MAX) {
        tbe_buf_fmt(b, "INT64_C(%lld)", (long long)i);
    } else {
        tbe_buf_fmt(b, "%lld", (long long)i);
    }
}

static void
put_value(struct out *o, const char *path, const struct node_key *k, const struct doc *v, int depth)
{
    struct tbe_buf *b = o->body;
    char number[40];
    switch (k->kind) {
    case KEY_BOOL:
        tbe_buf_putz(b, v->i ? "true" : "false");
        break;
    case KEY_INT:
        put_int(b, v->i);
        break;
    case KEY_NUMBER:
        snprintf(number, sizeof number, "%.17g", strtod(v->s.p, NULL));
        tbe_buf_putz(b, number);
        if (!strpbrk(number, ".e")) {
            tbe_buf_putz(b, ".0");
        }
        break;
    case KEY_ENUM:
        tbe_buf_putz(b, v->i >= 0 && v->i < k->n_values ? k->constants[v->i] : "-1");
        break;
    case KEY_OBJECT:
        tbe_buf_putz(b, "{\n");
        put_keys(o, path, k->keys, k->n_keys, v, depth + 1);
        indent(b, depth);
        tbe_buf_putc(b, '}');
        break;
    default:
        put_text(o, path, v->t == DOC_STR ? v->s : TBE_STR_NONE);
        break;
    }
}

static void
put_keys(struct out *o, const char *path, const struct node_key *keys, uint32_t n_keys, const struct doc *obj,
         int depth)
{
    for (uint32_t i = 0; i < n_keys; i++) {
        const struct node_key *k = &keys[i];
        const struct doc *v = doc_get(obj, k->key);
        char name[256];
        if (!v || k->script) {
            continue;
        }
        snprintf(name, sizeof name, "%s%s%s", path, *path ? "_" : "", k->field);
        if (k->kind == KEY_STRINGS || k->kind == KEY_MAP) {
            put_array(o, name, k->field, v, k->kind == KEY_MAP, depth);
            continue;
        }
        indent(o->body, depth);
        tbe_buf_fmt(o->body, ".%s = ", k->field);
        put_value(o, name, k, v, depth);
        tbe_buf_putz(o->body, ",\n");
    }
}

void
emit_config(struct tbe_buf *b, const struct ir_node *n)
{
    const struct checked_node *s = n->src;
    struct tbe_buf body = { 0 };
    struct out o = { b, &body, s->src->index };
    put_keys(&o, "", s->cls->keys, s->cls->n_keys, s->config, 1);
    if (s->script.text.p) {
        tbe_buf_fmt(&body, "    .script = &n%u_script,\n    .script_text = ", o.node);
        put_text(&o, "script_text", s->script.text);
        tbe_buf_fmt(&body, ",\n    .script_lang = %s,\n    .script_default = %s,\n",
                    s->script.dialect == TBE_DIALECT_TBEL ? "TBE_DIALECT_TBEL" : "TBE_DIALECT_JS",
                    s->script.is_default ? "true" : "false");
    }
    tbe_buf_fmt(b, "static const struct tbe_%s_cfg n%u_cfg = {\n", s->cls->name, o.node);
    tbe_buf_puts(b, tbe_buf_str(&body));
    tbe_buf_putz(b, "};\n");
    b->oom |= body.oom;
    tbe_buf_free(&body);
}
