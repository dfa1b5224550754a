/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf messages and YAML as JSON trees. Works from the descriptors protobuf-c generates, so it knows no message:
 * field names as in the .proto file, int64 as strings, enums by name, fields absent on the wire absent (the form of the
 * recorded transcripts).
 */
#ifndef TC_JSON_H
#define TC_JSON_H

#include <cjson/cJSON.h>
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>

/* The message as a JSON object; the caller owns it. */
cJSON *
tc_pb_to_json(const ProtobufCMessage *m);

/* Builds a message from JSON. Unknown member names and wrong types are errors: NULL, and why is filled.
 * Free with protobuf_c_message_free_unpacked(). */
ProtobufCMessage *
tc_pb_from_json(const ProtobufCMessageDescriptor *d, const cJSON *j, char *why, size_t whylen);

/* The (first) YAML document of a stream as JSON: plain scalars become numbers, booleans and null where they look so.
 * No aliases. NULL and why on error. */
cJSON *
tc_yaml_to_json(FILE *f, char *why, size_t whylen);

/* UUID text to its halves and back; parse returns 0, or -1 when it is not one. text holds 37 bytes. */
int
tc_uuid_parse(const char *s, int64_t *msb, int64_t *lsb);
void
tc_uuid_text(int64_t msb, int64_t lsb, char *text);

#endif
