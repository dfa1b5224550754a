/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the walk over protobuf-c descriptors in both directions, and the YAML reader of scenario files. */
#include "config.h"

#include "tc_json.h"

#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define TC_DEPTH 20

/* How much memory one value of a type takes in a message struct. */
static size_t
type_size(ProtobufCType t)
{
    switch (t) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static cJSON *
bytes_to_json(const ProtobufCBinaryData *b)
{
    char *text = malloc(4 * (b->len / 3 + 1) + 1);
    EVP_EncodeBlock((unsigned char *)text, b->data, (int)b->len);
    cJSON *j = cJSON_CreateString(text);
    free(text);
    return j;
}

static cJSON *
double_to_json(double v)
{
    if (isfinite(v)) {
        return cJSON_CreateNumber(v);
    }
    return cJSON_CreateString(isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

/* One value; NULL when it is its default and defaults are not wanted. */
static cJSON *
value_to_json(const ProtobufCFieldDescriptor *f, const void *p, int defaults)
{
    char buf[32];
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *s = *(char *const *)p;
        return s && (*s || defaults) ? cJSON_CreateString(s) : NULL;
    }
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessage *m = *(ProtobufCMessage *const *)p;
        return m ? tc_pb_to_json(m) : NULL;
    }
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *b = p;
        return b->len || defaults ? bytes_to_json(b) : NULL;
    }
    case PROTOBUF_C_TYPE_BOOL: {
        protobuf_c_boolean v = *(const protobuf_c_boolean *)p;
        return v || defaults ? cJSON_CreateBool(v) : NULL;
    }
    case PROTOBUF_C_TYPE_DOUBLE: {
        double v;
        memcpy(&v, p, sizeof v);
        return v != 0 || signbit(v) || defaults ? double_to_json(v) : NULL;
    }
    case PROTOBUF_C_TYPE_FLOAT: {
        float v;
        memcpy(&v, p, sizeof v);
        return v != 0 || defaults ? double_to_json(v) : NULL;
    }
    case PROTOBUF_C_TYPE_ENUM: {
        int32_t v = *(const int32_t *)p;
        if (!v && !defaults) {
            return NULL;
        }
        const ProtobufCEnumValue *e = protobuf_c_enum_descriptor_get_value(f->descriptor, v);
        return e ? cJSON_CreateString(e->name) : cJSON_CreateNumber(v);
    }
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: {
        int64_t v = *(const int64_t *)p;
        snprintf(buf, sizeof buf, "%" PRId64, v);
        return v || defaults ? cJSON_CreateString(buf) : NULL;
    }
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: {
        uint64_t v = *(const uint64_t *)p;
        snprintf(buf, sizeof buf, "%" PRIu64, v);
        return v || defaults ? cJSON_CreateString(buf) : NULL;
    }
    default: {
        int32_t v = *(const int32_t *)p;
        return v || defaults ? cJSON_CreateNumber(v) : NULL;
    }
    }
}

/* Whether a field with presence is there: its oneof names it, its has-flag is set, or its pointer is not null. */
static int
is_present(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const char *q = (const char *)m + f->quantifier_offset;
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        return *(const uint32_t *)q == f->id;
    }
    if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE) {
        return *(void *const *)((const char *)m + f->offset) != NULL;
    }
    return *(const protobuf_c_boolean *)q != 0;
}

static void
set_present(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    char *q = (char *)m + f->quantifier_offset;
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        *(uint32_t *)q = f->id;
    } else if (f->label == PROTOBUF_C_LABEL_OPTIONAL && f->type != PROTOBUF_C_TYPE_STRING &&
               f->type != PROTOBUF_C_TYPE_MESSAGE) {
        *(protobuf_c_boolean *)q = 1;
    }
}

cJSON *
tc_pb_to_json(const ProtobufCMessage *m)
{
    cJSON *o = cJSON_CreateObject();
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const char *p = (const char *)m + f->offset;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t n = *(const size_t *)((const char *)m + f->quantifier_offset);
            if (!n) {
                continue;
            }
            cJSON *a = cJSON_AddArrayToObject(o, f->name);
            const char *base = *(const char *const *)p;
            for (size_t k = 0; k < n; k++) {
                cJSON_AddItemToArray(a, value_to_json(f, base + k * type_size(f->type), 1));
            }
            continue;
        }
        int explicit = f->label == PROTOBUF_C_LABEL_OPTIONAL || (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
        if (explicit && !is_present(m, f)) {
            continue;
        }
        cJSON *v = value_to_json(f, p, explicit);
        if (v) {
            cJSON_AddItemToObject(o, f->name, v);
        }
    }
    if (m->n_unknown_fields) {
        cJSON *a = cJSON_AddArrayToObject(o, "_unknown");
        for (unsigned i = 0; i < m->n_unknown_fields; i++) {
            cJSON_AddItemToArray(a, cJSON_CreateNumber(m->unknown_fields[i].tag));
        }
    }
    return o;
}

/* From JSON ---------------------------------------------------------------------------------------------- */

struct build {
    char *why;
    size_t whylen;
};

static int
fail(struct build *b, const ProtobufCFieldDescriptor *f, const char *what)
{
    snprintf(b->why, b->whylen, "%s: %s", f->name, what);
    return -1;
}

static ProtobufCMessage *
build_message(struct build *b, const ProtobufCMessageDescriptor *d, const cJSON *j, int depth);

static int
build_int(struct build *b, const ProtobufCFieldDescriptor *f, const cJSON *j, int64_t *v)
{
    if (cJSON_IsNumber(j)) {
        *v = (int64_t)j->valuedouble;
        return 0;
    }
    if (cJSON_IsString(j) && *j->valuestring) {
        char *end;
        *v = j->valuestring[0] == '-' ? strtoll(j->valuestring, &end, 10)
                                      : (int64_t)strtoull(j->valuestring, &end, 10);
        if (!*end) {
            return 0;
        }
    }
    return fail(b, f, "an integer is wanted");
}

static int
build_enum(struct build *b, const ProtobufCFieldDescriptor *f, const cJSON *j, void *p)
{
    if (cJSON_IsString(j)) {
        const ProtobufCEnumValue *e = protobuf_c_enum_descriptor_get_value_by_name(f->descriptor, j->valuestring);
        if (!e) {
            return fail(b, f, "no such enum value");
        }
        *(int32_t *)p = e->value;
        return 0;
    }
    int64_t v;
    if (build_int(b, f, j, &v)) {
        return -1;
    }
    *(int32_t *)p = (int32_t)v;
    return 0;
}

static int
build_bytes(struct build *b, const ProtobufCFieldDescriptor *f, const cJSON *j, ProtobufCBinaryData *out)
{
    if (!cJSON_IsString(j)) {
        return fail(b, f, "base64 is wanted");
    }
    size_t n = strlen(j->valuestring);
    out->data = malloc(n + 1);
    int got = EVP_DecodeBlock(out->data, (const unsigned char *)j->valuestring, (int)n);
    for (size_t i = n; got >= 0 && i > 0 && j->valuestring[i - 1] == '='; i--) {
        got--;
    }
    out->len = got < 0 ? 0 : (size_t)got;
    return got < 0 ? fail(b, f, "not base64") : 0;
}

static int
build_double(struct build *b, const ProtobufCFieldDescriptor *f, const cJSON *j, double *v)
{
    if (cJSON_IsNumber(j)) {
        *v = j->valuedouble;
    } else if (cJSON_IsString(j)) {
        *v = strtod(j->valuestring, NULL);
    } else {
        return fail(b, f, "a number is wanted");
    }
    return 0;
}

static int
build_value(struct build *b, const ProtobufCFieldDescriptor *f, const cJSON *j, void *p, int depth)
{
    int64_t v;
    double d;
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        if (!cJSON_IsString(j)) {
            /* Entity texts may be given as JSON values. */
            *(char **)p = cJSON_PrintUnformatted(j);
            return 0;
        }
        *(char **)p = strdup(j->valuestring);
        return 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)p = build_message(b, f->descriptor, j, depth + 1);
        return *(ProtobufCMessage **)p ? 0 : -1;
    case PROTOBUF_C_TYPE_BYTES:
        return build_bytes(b, f, j, p);
    case PROTOBUF_C_TYPE_BOOL:
        if (!cJSON_IsBool(j)) {
            return fail(b, f, "true or false is wanted");
        }
        *(protobuf_c_boolean *)p = cJSON_IsTrue(j) != 0;
        return 0;
    case PROTOBUF_C_TYPE_DOUBLE:
        return build_double(b, f, j, p);
    case PROTOBUF_C_TYPE_FLOAT:
        if (build_double(b, f, j, &d)) {
            return -1;
        }
        *(float *)p = (float)d;
        return 0;
    case PROTOBUF_C_TYPE_ENUM:
        return build_enum(b, f, j, p);
    default:
        if (build_int(b, f, j, &v)) {
            return -1;
        }
        if (type_size(f->type) == 8) {
            *(int64_t *)p = v;
        } else {
            *(int32_t *)p = (int32_t)v;
        }
        return 0;
    }
}

static int
build_repeated(struct build *b, const ProtobufCFieldDescriptor *f, ProtobufCMessage *m, const cJSON *j, int depth)
{
    size_t n = cJSON_IsArray(j) ? (size_t)cJSON_GetArraySize(j) : 1;
    char *base = calloc(n ? n : 1, type_size(f->type));
    *(void **)((char *)m + f->offset) = base;
    size_t *count = (size_t *)((char *)m + f->quantifier_offset);
    if (!cJSON_IsArray(j)) {
        *count = 1;
        return build_value(b, f, j, base, depth);
    }
    const cJSON *e;
    cJSON_ArrayForEach(e, j)
    {
        /* Counted first, so that a failure half way is freed with the message. */
        size_t k = (*count)++;
        if (build_value(b, f, e, base + k * type_size(f->type), depth)) {
            if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
                (*count)--;
            }
            return -1;
        }
    }
    return 0;
}

static ProtobufCMessage *
build_message(struct build *b, const ProtobufCMessageDescriptor *d, const cJSON *j, int depth)
{
    if (!cJSON_IsObject(j) || depth > TC_DEPTH) {
        snprintf(b->why, b->whylen, "%s: an object is wanted", d->short_name);
        return NULL;
    }
    ProtobufCMessage *m = malloc(d->sizeof_message);
    protobuf_c_message_init(d, m);
    const cJSON *e;
    cJSON_ArrayForEach(e, j)
    {
        if (!strcmp(e->string, "_unknown") || cJSON_IsNull(e)) {
            continue;
        }
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(d, e->string);
        int rc = -1;
        if (!f) {
            snprintf(b->why, b->whylen, "%s has no field %s", d->short_name, e->string);
        } else if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            rc = build_repeated(b, f, m, e, depth);
        } else {
            set_present(m, f);
            rc = build_value(b, f, e, (char *)m + f->offset, depth);
        }
        if (rc) {
            protobuf_c_message_free_unpacked(m, NULL);
            return NULL;
        }
    }
    return m;
}

ProtobufCMessage *
tc_pb_from_json(const ProtobufCMessageDescriptor *d, const cJSON *j, char *why, size_t whylen)
{
    struct build b = {why, whylen};
    return build_message(&b, d, j, 0);
}

/* YAML --------------------------------------------------------------------------------------------------- */

static cJSON *
yaml_scalar(const yaml_node_t *n)
{
    const char *s = (const char *)n->data.scalar.value;
    if (n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return cJSON_CreateString(s);
    }
    if (!*s || !strcmp(s, "null") || !strcmp(s, "~")) {
        return cJSON_CreateNull();
    }
    if (!strcmp(s, "true") || !strcmp(s, "false")) {
        return cJSON_CreateBool(*s == 't');
    }
    char *end;
    double v = strtod(s, &end);
    if (!*end && strpbrk(s, "0123456789") && !strpbrk(s, "xXnN")) {
        return cJSON_CreateNumber(v);
    }
    return cJSON_CreateString(s);
}

static cJSON *
yaml_node(yaml_document_t *doc, int id, int depth)
{
    yaml_node_t *n = yaml_document_get_node(doc, id);
    if (!n || depth > TC_DEPTH) {
        return NULL;
    }
    if (n->type == YAML_SCALAR_NODE) {
        return yaml_scalar(n);
    }
    if (n->type == YAML_SEQUENCE_NODE) {
        cJSON *a = cJSON_CreateArray();
        for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
            cJSON_AddItemToArray(a, yaml_node(doc, *i, depth + 1));
        }
        return a;
    }
    cJSON *o = cJSON_CreateObject();
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        yaml_node_t *k = yaml_document_get_node(doc, p->key);
        if (k && k->type == YAML_SCALAR_NODE) {
            cJSON_AddItemToObject(o, (const char *)k->data.scalar.value, yaml_node(doc, p->value, depth + 1));
        }
    }
    return o;
}

cJSON *
tc_yaml_to_json(FILE *f, char *why, size_t whylen)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, f);
    cJSON *j = NULL;
    if (!yaml_parser_load(&parser, &doc)) {
        snprintf(why, whylen, "line %zu: %s", parser.problem_mark.line + 1, parser.problem ? parser.problem : "YAML");
    } else {
        yaml_node_t *root = yaml_document_get_root_node(&doc);
        j = root ? yaml_node(&doc, 1, 0) : cJSON_CreateObject();
        yaml_document_delete(&doc);
    }
    yaml_parser_delete(&parser);
    return j;
}

/* UUIDs -------------------------------------------------------------------------------------------------- */

int
tc_uuid_parse(const char *s, int64_t *msb, int64_t *lsb)
{
    unsigned a, b, c, d;
    unsigned long long e;
    int n = 0;
    if (sscanf(s, "%8x-%4x-%4x-%4x-%12llx%n", &a, &b, &c, &d, &e, &n) != 5 || n != 36 || s[36]) {
        return -1;
    }
    *msb = (int64_t)((uint64_t)a << 32 | (uint64_t)b << 16 | c);
    *lsb = (int64_t)((uint64_t)d << 48 | e);
    return 0;
}

void
tc_uuid_text(int64_t msb, int64_t lsb, char *text)
{
    uint64_t m = (uint64_t)msb, l = (uint64_t)lsb;
    snprintf(text, 37, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(m >> 32), (unsigned)(m >> 16 & 0xffff),
             (unsigned)(m & 0xffff), (unsigned)(l >> 48), (unsigned long long)(l & 0xffffffffffffULL));
}
