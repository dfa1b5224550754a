/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments and results of scripts in nodes. The two languages differ in what a node sees of a result:
 * TBEL hands over Java objects, JavaScript a JSON text that is parsed again. */
#include "config.h"
#include "nodes/script.h"

#include <math.h>
#include <string.h>

static int
bad_data(struct tbe_run *r, int lang, const struct tbe_msg *m)
{
    if (lang == TBE_DIALECT_JS) {
        engine_fail(r, "javax.script.ScriptException: SyntaxError: Invalid JSON: %.*s", (int)m->data.n, m->data.p);
    } else {
        engine_fail(r, "The given string value cannot be transformed to Json object: %.*s", (int)m->data.n,
                    m->data.p);
    }
    return -1;
}

static tbe_val
metadata_value(const struct tbe_md *md, struct tbe_arena *a)
{
    tbe_val map = tbe_map_new(a, md->n + 2);
    for (uint32_t i = 0; i < md->n; i++) {
        tbe_map_put(a, map.u.m, md->e[i].key, tbe_strv(md->e[i].val));
    }
    return map;
}

int
script_call(struct tbe_run *r, const struct tbe_script *s, int lang, const struct tbe_msg *m,
            const struct tbe_md *md, tbe_val *out)
{
    struct tbe_arena *a = engine_scratch(r);
    tbe_val args[3] = { TBE_NULL_VAL, TBE_NULL_VAL, TBE_NULL_VAL };
    struct tbe_str err = TBE_STR_NONE;
    if (!s || s->refused) {
        engine_fail(r, "%s", s ? s->refused : "Script is missing");
        return -1;
    }
    /* Data that is not JSON fails even a script that does not look at it. Typed entries always are. */
    if ((s->uses & TBE_USES_MSG) || !m->kvs) {
        if (tbe_msg_value(m, lang == TBE_DIALECT_JS ? TBE_MSG_AS_JS : TBE_MSG_AS_TBEL, &args[0]) < 0) {
            return bad_data(r, lang, m);
        }
        if (s->mutates_msg) {
            args[0] = tbe_val_copy(a, args[0]);
        }
    }
    if (s->uses & TBE_USES_METADATA) {
        args[1] = metadata_value(md, a);
    }
    args[2] = tbe_strv(m->type);
    if (tbe_script_run(s, a, args, out, &err) < 0) {
        engine_fail(r, "%.*s", (int)err.n, err.p ? err.p : "");
        return -1;
    }
    return 0;
}

/* Jackson prints some numbers and escapes unlike JSON.stringify: 1e21 -> 1.0E21, \u001f -> \u001F. */
static bool
needs_jackson(struct tbe_str s)
{
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (s.p[i] == '\\' && s.p[i + 1] == 'u') {
            return true;
        }
        if (s.p[i] == 'e' && (s.p[i + 1] == '+' || s.p[i + 1] == '-')) {
            return true;
        }
    }
    return false;
}

struct tbe_str
script_json(struct tbe_arena *a, int lang, tbe_val v)
{
    if (lang != TBE_DIALECT_JS) {
        return tbe_json_text(a, v, TBE_OUT_JAVA);
    }
    if (v.t == TBE_UNDEF || v.t == TBE_FUNC) {
        return TBE_STR_NONE;
    }
    struct tbe_str text = tbe_json_text(a, v, TBE_OUT_JS);
    tbe_val again;
    if (needs_jackson(text) && tbe_json_parse(a, text, TBE_JSON_JAVA, &again, NULL) == 0) {
        text = tbe_json_text(a, again, TBE_OUT_JAVA);
    }
    return text;
}

static const char *const java_classes[] = {
    [TBE_UNDEF] = "null",      [TBE_NULL] = "null",        [TBE_BOOL] = "Boolean",
    [TBE_CHAR] = "Character",  [TBE_BYTE] = "Byte",        [TBE_SHORT] = "Short",
    [TBE_INT] = "Integer",     [TBE_LONG] = "Long",        [TBE_FLOAT] = "Float",
    [TBE_DOUBLE] = "Double",   [TBE_BIGDEC] = "BigDecimal", [TBE_BIGINT] = "BigInteger",
    [TBE_NUM] = "Double",      [TBE_STR_T] = "String",     [TBE_LIST] = "ArrayList",
    [TBE_SET] = "LinkedHashSet", [TBE_MAP] = "LinkedHashMap", [TBE_ARRAY] = "ArrayList",
    [TBE_DATE] = "TbDate",     [TBE_FUNC] = "Function",    [TBE_REGEX] = "Pattern",
    [TBE_OBJ] = "Object",
};

static const char *
json_class(tbe_val v)
{
    switch (v.t) {
    case TBE_NULL:
        return "NULL";
    case TBE_BOOL:
        return "BOOLEAN";
    case TBE_STR_T:
    case TBE_DATE:
        return "STRING";
    case TBE_LIST:
        return "ARRAY";
    case TBE_INT:
    case TBE_LONG:
        return "NUMBER";
    case TBE_DOUBLE:
        return isfinite(v.u.d) ? "NUMBER" : "NULL";
    default:
        return "OBJECT";
    }
}

void
script_wrong_type(struct tbe_run *r, int lang, tbe_val v)
{
    if (lang == TBE_DIALECT_JS && (v.t == TBE_UNDEF || v.t == TBE_FUNC)) {
        engine_fail(r, "Cannot invoke \"com.fasterxml.jackson.databind.JsonNode.isBoolean()\" because \"json\" is null");
        return;
    }
    const char *name = lang == TBE_DIALECT_JS ? json_class(v) : v.t <= TBE_OBJ ? java_classes[v.t] : "Object";
    engine_fail(r, "java.lang.ClassCastException: Wrong result type: %s", name);
}
