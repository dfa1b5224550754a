/* SPDX-License-Identifier: Apache-2.0 */
/* Runs during the build: reads schemas/nodes/<name>.json for every class of schemas/classes.json and writes
 * the C configuration structs of the nodes that are built (tbe/node_cfg.h), the compiler's tables of all of
 * them (check/node_tables.c), or the schema of chain files with all the others inside (check/schema_text.c).
 *
 *     schemagen header|tables|schema NODES.DEF SCHEMADIR > FILE
 *
 * The schemas are ours, so a mistake in one ends the program with a message; there is no recovery. */
#include "config.h"
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tbe/base.h"

#define MAX_NODES 128
#define MAX_STRUCTS 64
#define NAME_MAX_LEN 128

struct gen {
    const char *dir;
    struct {
        char name[64], cls[96];
        cJSON *schema;
    } nodes[MAX_NODES];
    int n_nodes, n_built; /* those of nodes.def come first */
    cJSON *processing, *common, *classes, *chain;
    const cJSON *structs[MAX_STRUCTS]; /* shared structs already written */
    int n_structs;
};

static void TBE_PRINTF(1, 2) TBE_NORETURN
die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("schemagen: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

static char *
read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        die("cannot open %s", path);
    }
    size_t cap = 1 << 20;
    char *text = malloc(cap);
    size_t n = text ? fread(text, 1, cap - 1, f) : 0;
    if (!text || ferror(f) || n == cap - 1) {
        die("cannot read %s", path);
    }
    fclose(f);
    text[n] = '\0';
    return text;
}

static cJSON *
read_json(const char *dir, const char *sub, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s%s.json", dir, sub, name);
    char *text = read_file(path);
    cJSON *j = cJSON_Parse(text);
    if (!j) {
        die("%s is not JSON", path);
    }
    free(text);
    return j;
}

static const char *
str_of(const cJSON *o, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static bool
is_set(const cJSON *o, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static void
read_schema(struct gen *g, int i)
{
    g->nodes[i].schema = read_json(g->dir, "nodes/", g->nodes[i].name);
    const char *cls = str_of(g->nodes[i].schema, "x-class");
    if (!cls || strcmp(cls, g->nodes[i].cls) != 0) {
        die("schema %s: x-class is not %s", g->nodes[i].name, g->nodes[i].cls);
    }
}

/* nodes.def: lines NODE(name, "class") */
static void
read_nodes(struct gen *g, const char *def)
{
    char *text = read_file(def);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "NODE(", 5) != 0) {
            continue;
        }
        if (g->n_nodes == MAX_NODES) {
            die("more than %d nodes", MAX_NODES);
        }
        int i = g->n_nodes++;
        if (sscanf(line, "NODE(%63[a-z_0-9], \"%95[A-Za-z0-9.]\")", g->nodes[i].name, g->nodes[i].cls) != 2) {
            die("%s: cannot read: %s", def, line);
        }
        read_schema(g, i);
    }
    free(text);
    g->n_built = g->n_nodes;
}

/* The classes that have a schema but no behaviour yet. */
static void
read_others(struct gen *g)
{
    const cJSON *c;
    cJSON_ArrayForEach(c, cJSON_GetObjectItem(g->classes, "classes")) {
        const char *name = str_of(c, "name"), *cls = str_of(c, "class");
        bool known = !name;
        for (int i = 0; i < g->n_built; i++) {
            known |= strcmp(g->nodes[i].cls, cls) == 0;
        }
        if (known) {
            continue;
        }
        if (g->n_nodes == MAX_NODES) {
            die("more than %d nodes", MAX_NODES);
        }
        int i = g->n_nodes++;
        snprintf(g->nodes[i].name, sizeof g->nodes[i].name, "%s", name);
        snprintf(g->nodes[i].cls, sizeof g->nodes[i].cls, "%s", cls);
        read_schema(g, i);
    }
}

/* A property's own schema, behind anyOf [it, null] and $ref into processing.json or common.json. */
static const cJSON *
target(struct gen *g, const cJSON *p)
{
    const cJSON *any = cJSON_GetObjectItem(p, "anyOf");
    const char *ref = str_of(any ? cJSON_GetArrayItem(any, 0) : p, "$ref");
    if (!ref) {
        return p;
    }
    const char *name = strstr(ref, "#/$defs/");
    const cJSON *file = strstr(ref, "processing.json") ? g->processing : g->common;
    const cJSON *t = name ? cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(file, "$defs"), name + 8) : NULL;
    for (const cJSON *f = g->processing; !t && name && f; f = f == g->processing ? g->common : NULL) {
        t = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(f, "$defs"), name + 8); /* inside one file */
    }
    if (!t) {
        die("cannot follow $ref %s", ref);
    }
    return t;
}

/* The schema of a list's elements. */
static const cJSON *
items_of(struct gen *g, const cJSON *t)
{
    const cJSON *items = cJSON_GetObjectItem(t, "items");
    return items ? target(g, items) : NULL;
}

static bool
has_type(const cJSON *t, const char *type)
{
    const cJSON *ty = cJSON_GetObjectItem(t, "type"), *e;
    if (cJSON_IsString(ty)) {
        return strcmp(ty->valuestring, type) == 0;
    }
    cJSON_ArrayForEach(e, ty) {
        if (strcmp(e->valuestring, type) == 0) {
            return true;
        }
    }
    return false;
}

static const char *
kind_of(struct gen *g, const cJSON *t)
{
    if (cJSON_GetObjectItem(t, "enum")) {
        return "KEY_ENUM";
    }
    if (cJSON_GetObjectItem(t, "properties")) {
        return "KEY_OBJECT";
    }
    if (has_type(t, "object")) {
        return "KEY_MAP";
    }
    if (has_type(t, "array")) {
        const cJSON *e = items_of(g, t);
        return cJSON_GetObjectItem(e, "enum") ? "KEY_ENUMS" : cJSON_GetObjectItem(e, "properties") ? "KEY_OBJECTS"
                                                                                                     : "KEY_STRINGS";
    }
    if (has_type(t, "string")) {
        return "KEY_STRING";
    }
    if (has_type(t, "boolean")) {
        return "KEY_BOOL";
    }
    if (has_type(t, "integer")) {
        return "KEY_INT";
    }
    return has_type(t, "number") ? "KEY_NUMBER" : "KEY_JSON";
}

/* defaultTTL -> default_ttl */
static void
snake(const char *key, char out[NAME_MAX_LEN])
{
    size_t n = 0;
    for (size_t i = 0; key[i] && n + 2 < NAME_MAX_LEN; i++) {
        unsigned char c = (unsigned char)key[i];
        bool lower_before = i > 0 && !isupper((unsigned char)key[i - 1]);
        bool lower_after = i > 0 && key[i + 1] && islower((unsigned char)key[i + 1]);
        if (isupper(c) && (lower_before || lower_after)) {
            out[n++] = '_';
        }
        out[n++] = (char)tolower(c);
    }
    out[n] = '\0';
}

static void
upper(const char *s, char out[NAME_MAX_LEN])
{
    size_t n = 0;
    for (; s[n] && n + 1 < NAME_MAX_LEN; n++) {
        out[n] = isalnum((unsigned char)s[n]) ? (char)toupper((unsigned char)s[n]) : '_';
    }
    out[n] = '\0';
}

static bool
is_script_key(const cJSON *schema, const char *key)
{
    const cJSON *s = cJSON_GetObjectItem(schema, "x-script");
    return s && (strcmp(key, "scriptLang") == 0 || strcmp(key, str_of(s, "tbel")) == 0 ||
                 strcmp(key, str_of(s, "js")) == 0);
}

/* ---- header ------------------------------------------------------------------------------------ */

static void
put_enum(const char *owner, const cJSON *p, const cJSON *t)
{
    char own[NAME_MAX_LEN], field[NAME_MAX_LEN], key[NAME_MAX_LEN], val[NAME_MAX_LEN];
    upper(owner, own);
    snake(p->string, field);
    upper(field, key);
    printf("enum {");
    const cJSON *e;
    const char *sep = "";
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(t, "enum")) {
        if (cJSON_IsString(e)) {
            upper(e->valuestring, val);
            printf("%s TBE_%s_%s_%s", sep, own, key, val);
            sep = ",";
        }
    }
    printf(" };\n");
}

static void put_struct_body(struct gen *g, const cJSON *schema);

static void
put_field(struct gen *g, const cJSON *p)
{
    const cJSON *t = target(g, p);
    const char *kind = kind_of(g, t);
    char f[NAME_MAX_LEN];
    snake(p->string, f);
    if (strcmp(kind, "KEY_ENUMS") == 0 || strcmp(kind, "KEY_OBJECTS") == 0) {
        die("property %s: lists of enums and objects have no C form yet", p->string);
    }
    if (strcmp(kind, "KEY_STRINGS") == 0) {
        printf("    const struct tbe_str *%s;\n    uint32_t n_%s;\n", f, f);
    } else if (strcmp(kind, "KEY_MAP") == 0) {
        printf("    const struct tbe_pair *%s;\n    uint32_t n_%s;\n", f, f);
    } else if (strcmp(kind, "KEY_OBJECT") == 0) {
        const char *name = str_of(t, "x-struct");
        if (!name) {
            die("object property %s needs x-struct", p->string);
        }
        printf("    struct tbe_%s %s;\n", name, f);
    } else if (strcmp(kind, "KEY_ENUM") == 0) {
        bool none = has_type(t, "null") || is_set(p, "x-lenient");
        printf("    int %s;%s\n", f, none ? " /* -1: absent, null or another text */" : "");
    } else {
        const char *ty = strcmp(kind, "KEY_BOOL") == 0     ? "bool"
                         : strcmp(kind, "KEY_INT") == 0    ? "int64_t"
                         : strcmp(kind, "KEY_NUMBER") == 0 ? "double"
                                                           : "struct tbe_str";
        printf("    %s %s;%s\n", ty, f, is_set(p, "x-template") ? " /* template */" : "");
    }
}

static void
put_struct_body(struct gen *g, const cJSON *schema)
{
    const cJSON *p;
    cJSON_ArrayForEach(p, cJSON_GetObjectItem(schema, "properties")) {
        if (!is_script_key(schema, p->string)) {
            put_field(g, p);
        }
    }
    if (cJSON_GetObjectItem(schema, "x-script")) {
        puts("    const struct tbe_script *script;");
        puts("    struct tbe_str script_text;");
        puts("    int script_lang;    /* TBE_DIALECT_TBEL or TBE_DIALECT_JS */");
        puts("    bool script_default; /* the text is the one of the default configuration */");
    }
}

/* The enums and structs a schema's properties need, before it. */
static void
put_needed(struct gen *g, const char *owner, const cJSON *schema)
{
    const cJSON *p;
    cJSON_ArrayForEach(p, cJSON_GetObjectItem(schema, "properties")) {
        const cJSON *t = target(g, p);
        const char *kind = kind_of(g, t);
        if (strcmp(kind, "KEY_ENUM") == 0 && !is_script_key(schema, p->string)) {
            put_enum(owner, p, t);
        } else if (strcmp(kind, "KEY_OBJECT") == 0) {
            bool done = false;
            for (int i = 0; i < g->n_structs; i++) {
                done |= g->structs[i] == t;
            }
            if (!done && g->n_structs < MAX_STRUCTS) {
                g->structs[g->n_structs++] = t;
                const char *name = str_of(t, "x-struct");
                put_needed(g, name, t);
                printf("struct tbe_%s {\n", name);
                put_struct_body(g, t);
                puts("};\n");
            }
        }
    }
}

static void
put_header(struct gen *g)
{
    puts("/* Generated by schemagen from schemas/nodes. Do not edit.");
    puts(" * One configuration struct per rule node. Texts are absent (p == NULL) when the key is absent or null;");
    puts(" * a list or map is NULL only when the configuration says null, an empty one is not. */");
    puts("#ifndef TBE_NODE_CFG_H\n#define TBE_NODE_CFG_H\n");
    puts("#include \"tbe/base.h\"\n\nstruct tbe_script;\n");
    puts("struct tbe_pair {\n    struct tbe_str key, val;\n};\n");
    for (int i = 0; i < g->n_built; i++) {
        const cJSON *s = g->nodes[i].schema;
        put_needed(g, g->nodes[i].name, s);
        printf("/* %s: %s */\nstruct tbe_%s_cfg {\n", str_of(s, "title"), g->nodes[i].cls, g->nodes[i].name);
        put_struct_body(g, s);
        puts("};\n");
    }
    puts("#endif");
}

/* ---- tables ------------------------------------------------------------------------------------ */

static void
put_escaped(const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 32 || c > 126 || c == '?') {
            printf("\\%03o", c);
        } else {
            putchar(c);
        }
    }
}

static void
put_literal(const char *s)
{
    if (!s) {
        fputs("NULL", stdout);
        return;
    }
    putchar('"');
    put_escaped(s);
    putchar('"');
}

static void
put_json_literal(const cJSON *j)
{
    char *text = j ? cJSON_PrintUnformatted(j) : NULL;
    put_literal(text);
    free(text);
}

static void put_keys(struct gen *g, const char *owner, const cJSON *schema);

static void
put_values(const char *owner, const char *f, const cJSON *t)
{
    char own[NAME_MAX_LEN], key[NAME_MAX_LEN], val[NAME_MAX_LEN];
    const cJSON *e;
    upper(owner, own);
    upper(f, key);
    printf("static const char *const %s_%s_values[] = {", owner, f);
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(t, "enum")) {
        if (cJSON_IsString(e)) {
            printf(" \"%s\",", e->valuestring);
        }
    }
    printf(" NULL };\nstatic const char *const %s_%s_constants[] = {", owner, f);
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(t, "enum")) {
        if (cJSON_IsString(e)) {
            upper(e->valuestring, val);
            printf("\n    \"TBE_%s_%s_%s\",", own, key, val);
        }
    }
    puts(" NULL };");
}

/* The arrays a key table points to: enum values and nested tables. */
static void
put_key_parts(struct gen *g, const char *owner, const cJSON *schema)
{
    const cJSON *p;
    cJSON_ArrayForEach(p, cJSON_GetObjectItem(schema, "properties")) {
        const cJSON *t = target(g, p);
        const char *kind = kind_of(g, t);
        char f[NAME_MAX_LEN];
        snake(p->string, f);
        if (strcmp(kind, "KEY_ENUMS") == 0 || strcmp(kind, "KEY_OBJECTS") == 0) {
            t = items_of(g, t);
        }
        if (strncmp(kind, "KEY_ENUM", 8) == 0) {
            put_values(owner, f, t);
        } else if (strncmp(kind, "KEY_OBJECT", 10) == 0) {
            bool done = false;
            for (int i = 0; i < g->n_structs; i++) {
                done |= g->structs[i] == t;
            }
            if (!done && g->n_structs == MAX_STRUCTS) {
                die("more than %d structs", MAX_STRUCTS);
            }
            if (!done) {
                g->structs[g->n_structs++] = t;
                put_keys(g, str_of(t, "x-struct"), t);
            }
        }
    }
}

static void
put_limit(const char *name, const cJSON *v)
{
    if (cJSON_IsNumber(v)) {
        printf(", .%s = %.0f", name, v->valuedouble);
    } else {
        printf(", .%s = %s", name, strcmp(name, "min") == 0 ? "INT64_MIN" : "INT64_MAX");
    }
}

static int
count_strings(const cJSON *list)
{
    const cJSON *e;
    int n = 0;
    cJSON_ArrayForEach(e, list) {
        n += cJSON_IsString(e) ? 1 : 0;
    }
    return n;
}

/* Must it hold something? */
static bool
not_empty(const cJSON *p)
{
    static const char *const keys[] = { "minLength", "minItems", "minProperties" };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (cJSON_GetObjectItem(p, keys[i])) {
            return true;
        }
    }
    return false;
}

static void
put_key(struct gen *g, const char *owner, const cJSON *schema, const cJSON *p)
{
    const cJSON *t = target(g, p), *e = t;
    const char *kind = kind_of(g, t);
    char f[NAME_MAX_LEN];
    snake(p->string, f);
    printf("    { \"%s\", \"%s\", %s, .nullable = %d, .lenient = %d, .script = %d, .template_ = %d, .secret = %d,\n"
           "      .secret_keys = %d, .not_empty = %d, .open = %d",
           p->string, f, kind, has_type(t, "null") || cJSON_GetObjectItem(p, "anyOf"), is_set(p, "x-lenient"),
           is_script_key(schema, p->string), is_set(p, "x-template"), is_set(p, "x-secret"),
           is_set(p, "x-secret-keys"), not_empty(p), is_set(t, "additionalProperties"));
    put_limit("min", cJSON_GetObjectItem(t, "minimum"));
    put_limit("max", cJSON_GetObjectItem(t, "maximum"));
    const cJSON *len = cJSON_GetObjectItem(p, "maxLength");
    const cJSON *later = cJSON_GetObjectItem(p, "x-later");
    printf(", .max_length = %d, .later = %d", len ? len->valueint : 0, later ? later->valueint : 0);
    if (strcmp(kind, "KEY_ENUMS") == 0 || strcmp(kind, "KEY_OBJECTS") == 0) {
        e = items_of(g, t);
    }
    if (strncmp(kind, "KEY_ENUM", 8) == 0) {
        printf(",\n      .values = %s_%s_values, .constants = %s_%s_constants, .n_values = %d", owner, f, owner, f,
               count_strings(cJSON_GetObjectItem(e, "enum")));
    } else if (strncmp(kind, "KEY_OBJECT", 10) == 0) {
        printf(",\n      .keys = %s_keys, .n_keys = %d", str_of(e, "x-struct"),
               cJSON_GetArraySize(cJSON_GetObjectItem(e, "properties")));
    }
    fputs(",\n      .def = ", stdout);
    put_json_literal(cJSON_GetObjectItem(p, "default"));
    fputs(", .null_error = ", stdout);
    put_literal(str_of(p, "x-null-error"));
    fputs(", .range_error = ", stdout);
    put_literal(str_of(t, "x-range-error"));
    fputs(", .when_type = ", stdout);
    put_literal(cJSON_GetStringValue(
        cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetObjectItem(p, "x-when"), "type"), 0)));
    fputs(",\n      .description = ", stdout);
    put_literal(str_of(p, "description"));
    puts(" },");
}

static void
put_keys(struct gen *g, const char *owner, const cJSON *schema)
{
    const cJSON *p;
    put_key_parts(g, owner, schema);
    printf("static const struct node_key %s_keys[] = {\n", owner);
    cJSON_ArrayForEach(p, cJSON_GetObjectItem(schema, "properties")) {
        put_key(g, owner, schema, p);
    }
    puts("};");
}

static int
put_upgrades(const char *name, const cJSON *schema)
{
    const cJSON *ups = cJSON_GetObjectItem(schema, "x-upgrades"), *u, *o;
    int n = 0;
    if (!ups) {
        return 0;
    }
    printf("static const struct upgrade_op %s_upgrades[] = {\n", name);
    cJSON_ArrayForEach(u, ups) {
        cJSON_ArrayForEach(o, cJSON_GetObjectItem(u, "ops")) {
            char kind[NAME_MAX_LEN];
            const char *op = str_of(o, "op");
            if (!op) {
                die("%s: upgrade without op", name);
            }
            upper(op, kind);
            const cJSON *when = cJSON_GetObjectItem(cJSON_GetObjectItem(o, "when"), "true");
            printf("    { %d, UPGRADE_%s, ", cJSON_GetObjectItem(u, "below")->valueint, kind);
            put_literal(str_of(o, "key"));
            fputs(", ", stdout);
            put_literal(str_of(o, "into"));
            fputs(", ", stdout);
            put_json_literal(when ? when : cJSON_GetObjectItem(o, "value"));
            fputs(", ", stdout);
            put_json_literal(cJSON_GetObjectItem(o, strcmp(op, "keep") == 0 ? "keys" : "else"));
            printf(", .strict = %d, .absent = %d, .values = %d, .if_key = ", is_set(o, "strict"), is_set(o, "absent"),
                   is_set(o, "values"));
            put_literal(str_of(o, "if"));
            fputs(", .if_false = ", stdout);
            put_literal(str_of(o, "if_false"));
            puts(" },");
            n++;
        }
    }
    puts("};");
    return n;
}

static void
put_class_parts(struct gen *g, int i, int *n_ups)
{
    const cJSON *s = g->nodes[i].schema, *e;
    put_keys(g, g->nodes[i].name, s);
    printf("static const char *const %s_relations[] = {", g->nodes[i].name);
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(s, "x-relations")) {
        putchar(' ');
        put_literal(e->valuestring);
        putchar(',');
    }
    puts(" NULL };");
    *n_ups = put_upgrades(g->nodes[i].name, s);
}

static void
put_class(struct gen *g, int i, int n_ups)
{
    const cJSON *s = g->nodes[i].schema, *sc = cJSON_GetObjectItem(s, "x-script");
    const char *name = g->nodes[i].name;
    printf("    { \"%s\", \"%s\", \"%s\", \"%s\", %d,\n      .description = ", name, g->nodes[i].cls,
           str_of(s, "title"), str_of(s, "x-component"), cJSON_GetObjectItem(s, "x-version")->valueint);
    put_literal(str_of(s, "description"));
    printf(",\n      .built = %d, .custom_relations = %d, .in = %d, .out = %d, .ignored = %d, .open = %d, .async = %d,\n"
           "      .relations = %s_relations, .n_relations = %d,\n      .script_kind = ",
           i < g->n_built, is_set(s, "x-custom-relations"), !cJSON_IsFalse(cJSON_GetObjectItem(s, "x-in")),
           is_set(s, "x-out"), is_set(s, "x-ignored"), is_set(s, "additionalProperties"), is_set(s, "x-async"), name,
           cJSON_GetArraySize(cJSON_GetObjectItem(s, "x-relations")));
    put_literal(str_of(sc, "kind"));
    fputs(", .tbel_key = ", stdout);
    put_literal(str_of(sc, "tbel"));
    fputs(", .js_key = ", stdout);
    put_literal(str_of(sc, "js"));
    const cJSON *params = cJSON_GetObjectItem(sc, "params");
    for (int k = 0; k < 3; k++) {
        static const char *const usual[] = { "msg", "metadata", "msgType" };
        printf("%s\"%s\"", k ? ", " : ", .params = { ",
               params ? cJSON_GetArrayItem(params, k)->valuestring : usual[k]);
    }
    fputs(" },\n      .default_config = ", stdout);
    put_json_literal(cJSON_GetObjectItem(s, "default"));
    printf(",\n      .keys = %s_keys, .n_keys = %d", name,
           cJSON_GetArraySize(cJSON_GetObjectItem(s, "properties")));
    if (n_ups) {
        printf(", .upgrades = %s_upgrades, .n_upgrades = %d", name, n_ups);
    }
    puts(" },");
}

static void
put_tables(struct gen *g)
{
    int n_ups[MAX_NODES];
    puts("/* Generated by schemagen from schemas/nodes. Do not edit. */");
    puts("#include \"config.h\"\n#include \"check/node_class.h\"\n");
    for (int i = 0; i < g->n_nodes; i++) {
        put_class_parts(g, i, &n_ups[i]);
    }
    puts("\nconst struct node_class node_classes[] = {");
    for (int i = 0; i < g->n_nodes; i++) {
        put_class(g, i, n_ups[i]);
    }
    printf("};\nconst uint32_t n_node_classes = %d;\n\n", g->n_nodes);
    const cJSON *list = cJSON_GetObjectItem(g->classes, "classes"), *c;
    puts("const struct known_class known_classes[] = {");
    cJSON_ArrayForEach(c, list) {
        printf("    { \"%s\", \"%s\", %d, %d },\n", str_of(c, "class"), str_of(c, "title"), is_set(c, "cloud"),
               is_set(c, "commercial"));
    }
    printf("};\nconst uint32_t n_known_classes = %d;\n", cJSON_GetArraySize(list));
}

/* ---- the schema of chain files, whole ------------------------------------------------------------- */

/* References between our files become references into $defs of the one document. */
static void
relink(cJSON *j, const char *here)
{
    cJSON *e;
    cJSON_ArrayForEach(e, j) {
        relink(e, here);
    }
    if (!j->string || strcmp(j->string, "$ref") != 0 || !cJSON_IsString(j)) {
        return;
    }
    const char *at = strstr(j->valuestring, "#/$defs/");
    const char *file = strstr(j->valuestring, "processing.json") ? "processing_"
                       : strstr(j->valuestring, "common.json")   ? "common_"
                                                                 : here;
    char text[256];
    if (!at) {
        die("cannot relink %s", j->valuestring);
    }
    snprintf(text, sizeof text, "#/$defs/%s%s", file, at + 8);
    cJSON_SetValuestring(j, text);
}

static void
add_defs(cJSON *to, cJSON *file, const char *prefix)
{
    cJSON *d;
    cJSON_ArrayForEach(d, cJSON_GetObjectItem(file, "$defs")) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", prefix, d->string);
        cJSON *copy = cJSON_Duplicate(d, true);
        relink(copy, prefix);
        cJSON_AddItemToObject(to, name, copy);
    }
}

/* {if: type is one of ours, then: configuration by its schema}. Only a configuration of the class's present
 * version must follow it: older ones are upgraded when they are read. */
static cJSON *
node_rule(const struct gen *g, int i)
{
    char cls[256], ref[128];
    snprintf(cls, sizeof cls, "org.thingsboard.rule.engine.%s", g->nodes[i].cls);
    snprintf(ref, sizeof ref, "#/$defs/node_%s", g->nodes[i].name);
    int version = cJSON_GetObjectItem(g->nodes[i].schema, "x-version")->valueint;
    cJSON *rule = cJSON_CreateObject(), *either = cJSON_CreateArray();
    for (int k = 0; k < 2; k++) { /* the class with its version, or the short form */
        cJSON *c = cJSON_CreateObject(), *props = cJSON_AddObjectToObject(c, "properties");
        cJSON *names = cJSON_AddArrayToObject(cJSON_AddObjectToObject(props, "type"), "enum");
        cJSON *need = cJSON_AddArrayToObject(c, "required");
        cJSON_AddItemToArray(need, cJSON_CreateString("type"));
        cJSON_AddItemToArray(names, cJSON_CreateString(k ? g->nodes[i].name : cls));
        if (!k) {
            cJSON_AddItemToArray(names, cJSON_CreateString(g->nodes[i].cls));
        }
        if (!k && version > 0) {
            cJSON *v = cJSON_AddObjectToObject(props, "configurationVersion");
            cJSON_AddNumberToObject(v, "minimum", version);
            cJSON_AddNumberToObject(v, "maximum", version);
            cJSON_AddItemToArray(need, cJSON_CreateString("configurationVersion"));
        }
        cJSON_AddItemToArray(either, c);
    }
    cJSON_AddItemToObject(cJSON_AddObjectToObject(rule, "if"), "anyOf", either);
    cJSON *config = cJSON_AddObjectToObject(cJSON_AddObjectToObject(cJSON_AddObjectToObject(rule, "then"),
                                                                    "properties"), "configuration");
    cJSON *any = cJSON_AddArrayToObject(config, "anyOf"), *null_ = cJSON_CreateObject(), *own = cJSON_CreateObject();
    cJSON_AddStringToObject(own, "$ref", ref);
    cJSON_AddStringToObject(null_, "type", "null");
    cJSON_AddItemToArray(any, own);
    cJSON_AddItemToArray(any, null_);
    return rule;
}

static void
put_schema(struct gen *g)
{
    cJSON *defs = cJSON_GetObjectItem(g->chain, "$defs");
    cJSON *rules = cJSON_AddArrayToObject(cJSON_GetObjectItem(defs, "node"), "allOf");
    add_defs(defs, g->processing, "processing_");
    add_defs(defs, g->common, "common_");
    for (int i = 0; i < g->n_nodes; i++) {
        char name[128];
        snprintf(name, sizeof name, "node_%s", g->nodes[i].name);
        cJSON *copy = cJSON_Duplicate(g->nodes[i].schema, true);
        cJSON_DeleteItemFromObject(copy, "$schema");
        cJSON_DeleteItemFromObject(copy, "$id");
        if (is_set(copy, "x-ignored")) { /* whatever it says is not read */
            cJSON_DeleteItemFromObject(copy, "additionalProperties");
        }
        relink(copy, "");
        cJSON_AddItemToObject(defs, name, copy);
        cJSON_AddItemToArray(rules, node_rule(g, i));
    }
    char *text = cJSON_Print(g->chain);
    puts("/* Generated by schemagen from schemas/. Do not edit. */");
    puts("#include \"config.h\"\n#include \"check/schema_text.h\"\n\nconst char *const schema_lines[] = {");
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *out = line;
        for (char *p = line; *p; p++) { /* indent by two, as our schemas are */
            if (*p == '\t' && out == p) {
                out++;
            }
        }
        printf("    \"%*s", (int)(out - line) * 2, "");
        for (char *p = out; *p; p++) {
            *p = *p == '\t' ? ' ' : *p;
        }
        put_escaped(out);
        putchar('"');
        puts(",");
    }
    puts("};\nconst uint32_t n_schema_lines = sizeof schema_lines / sizeof schema_lines[0];");
    free(text);
}

static const struct {
    const char *name;
    void (*put)(struct gen *g);
} products[] = { { "header", put_header }, { "tables", put_tables }, { "schema", put_schema } };

int
main(int argc, char **argv)
{
    static struct gen g;
    void (*put)(struct gen *g) = NULL;
    for (size_t i = 0; i < sizeof products / sizeof products[0] && argc == 4; i++) {
        put = strcmp(argv[1], products[i].name) == 0 ? products[i].put : put;
    }
    if (!put) {
        die("usage: schemagen header|tables|schema NODES.DEF SCHEMADIR");
    }
    g.dir = argv[3];
    g.processing = read_json(g.dir, "", "processing");
    g.common = read_json(g.dir, "", "common");
    g.classes = read_json(g.dir, "", "classes");
    g.chain = read_json(g.dir, "", "chain");
    read_nodes(&g, argv[2]);
    read_others(&g);
    put(&g);
    for (int i = 0; i < g.n_nodes; i++) {
        cJSON_Delete(g.nodes[i].schema);
    }
    cJSON_Delete(g.processing);
    cJSON_Delete(g.common);
    cJSON_Delete(g.classes);
    cJSON_Delete(g.chain);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
