/* SPDX-License-Identifier: Apache-2.0 */
/* Prints every message, field and enum value that the generated code of proto/ knows, one a line, in the columns
 * of the list of the wire (kind,package,name,field,number,type,label,deprecated); proto.sh compares. Reached from
 * the two messages of the stream, so what nothing uses is missing here and shows. */
#include "config.h"
#include "proto/edge.pb-c.h"
#include <stdbool.h>
#include <stdio.h>

#define SEEN_MAX 256u
struct seen {
    const void *what[SEEN_MAX];
    size_t n;
};

static bool
first_time(struct seen *seen, const void *what)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->what[i] == what) {
            return false;
        }
    }
    if (seen->n == SEEN_MAX) {
        fputs("more messages than this test has room for\n", stderr);
        return false;
    }
    seen->what[seen->n++] = what;
    return true;
}

static const char *
type_name(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
        return "int32";
    case PROTOBUF_C_TYPE_INT64:
        return "int64";
    case PROTOBUF_C_TYPE_BOOL:
        return "bool";
    case PROTOBUF_C_TYPE_DOUBLE:
        return "double";
    case PROTOBUF_C_TYPE_STRING:
        return "string";
    case PROTOBUF_C_TYPE_ENUM:
        return ((const ProtobufCEnumDescriptor *)f->descriptor)->name;
    case PROTOBUF_C_TYPE_MESSAGE:
        return ((const ProtobufCMessageDescriptor *)f->descriptor)->name;
    default:
        return "?";
    }
}

static const char *
label_name(const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        return "repeated";
    }
    return f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? "optional" : "singular";
}

static void
list_enum(struct seen *seen, const ProtobufCEnumDescriptor *e)
{
    if (!first_time(seen, e)) {
        return;
    }
    for (unsigned i = 0; i < e->n_values; i++) {
        printf("enum,%s,%s,%s,%d,,,false\n", e->package_name, e->short_name, e->values[i].name, e->values[i].value);
    }
}

static void
list_message(struct seen *seen, const ProtobufCMessageDescriptor *m)
{
    if (!first_time(seen, m)) {
        return;
    }
    if (m->n_fields == 0) {
        printf("message,%s,%s,,,,,false\n", m->package_name, m->short_name);
    }
    for (unsigned i = 0; i < m->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->fields[i];
        printf("message,%s,%s,%s,%u,%s,%s,%s\n", m->package_name, m->short_name, f->name, f->id, type_name(f),
               label_name(f), f->flags & PROTOBUF_C_FIELD_FLAG_DEPRECATED ? "true" : "false");
        if (f->type == PROTOBUF_C_TYPE_ENUM) {
            list_enum(seen, f->descriptor);
        } else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
            list_message(seen, f->descriptor);
        }
    }
}

int
main(void)
{
    struct seen seen = { .n = 0 };
    list_message(&seen, &edge__request_msg__descriptor);
    list_message(&seen, &edge__response_msg__descriptor);
    list_enum(&seen, &edge__edge_version__descriptor);
    return fflush(stdout) == 0 ? 0 : 1;
}
