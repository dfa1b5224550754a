/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics as one SARIF 2.1.0 log (OASIS), as code scanning services take it. */
#include "config.h"
#include "check/diag.h"
#include <string.h>
#include "base/hash.h"

static void
put_z(FILE *out, const char *z)
{
    diag_put_json(out, tbe_strz(z));
}

static void
put_rules(FILE *out)
{
    for (int i = 0; i < DIAG_N_CODES; i++) {
        const struct diag_info *c = diag_info((enum diag_code)i);
        fprintf(out, "%s\n          {\"id\": \"%s\", \"shortDescription\": {\"text\": ", i ? "," : "", c->name);
        put_z(out, c->summary);
        fputs("}, \"fullDescription\": {\"text\": ", out);
        put_z(out, c->page);
        if (c->hint) {
            fputs("}, \"help\": {\"text\": ", out);
            put_z(out, c->hint);
        }
        fprintf(out, "}, \"defaultConfiguration\": {\"level\": \"%s\"}}", diag_severity_name(c->severity));
    }
}

/* A file name as a URI reference: what is not allowed there is escaped. */
static void
put_uri(FILE *out, const char *file)
{
    bool absolute = file[0] == '/';
    fputs(absolute ? "\"file://" : "\"", out);
    for (const char *p = file; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("/-_.~", c);
        fprintf(out, plain ? "%c" : "%%%02X", c);
    }
    putc('"', out);
}

/* The same mistake in the same node keeps its fingerprint when lines move. */
static void
put_fingerprint(const struct diags *ds, const struct diag *d, FILE *out)
{
    char hex[65];
    hash_sha256_hex(tbe_arena_fmt(ds->arena, "%s %s %.*s %.*s %.*s", diag_info(d->code)->name,
                                  d->pos.file ? d->pos.file : "", (int)d->place.chain.n,
                                  d->place.chain.p ? d->place.chain.p : "", (int)d->place.node.n,
                                  d->place.node.p ? d->place.node.p : "", (int)d->text.n, d->text.p), hex);
    fprintf(out, ", \"partialFingerprints\": {\"tbedgec/v1\": \"%.32s\"}", hex);
}

static void
put_places(const struct diag *d, FILE *out)
{
    if (d->pos.pointer.p && d->pos.pointer.n) {
        fputs(", \"logicalLocations\": [{\"fullyQualifiedName\": ", out);
        diag_put_json(out, d->pos.pointer);
        if (d->place.node.p) {
            fputs(", \"name\": ", out);
            diag_put_json(out, d->place.node);
        }
        fputs(", \"kind\": \"member\"}]", out);
    }
}

static void
put_result(const struct diags *ds, const struct diag *d, FILE *out)
{
    fprintf(out, "{\"ruleId\": \"%s\", \"ruleIndex\": %d, \"level\": \"%s\", \"message\": {\"text\": ",
            diag_info(d->code)->name, (int)d->code, diag_severity_name(d->severity));
    struct tbe_str text = d->text;
    if (d->place.chain.p) {
        text = tbe_arena_fmt(ds->arena, "rule chain \"%.*s\", %.*s%s%.*s", (int)d->place.chain.n, d->place.chain.p,
                             (int)d->text.n, d->text.p, d->hint.p ? " Hint: " : "", (int)d->hint.n,
                             d->hint.p ? d->hint.p : "");
    }
    diag_put_json(out, text);
    putc('}', out);
    if (d->pos.file) {
        fputs(", \"locations\": [{\"physicalLocation\": {\"artifactLocation\": {\"uri\": ", out);
        put_uri(out, d->pos.file);
        putc('}', out);
        if (d->pos.line) {
            fprintf(out, ", \"region\": {\"startLine\": %u, \"startColumn\": %u}", d->pos.line,
                    d->pos.col ? d->pos.col : 1);
        }
        putc('}', out);
        put_places(d, out);
        fputs("}]", out);
    }
    put_fingerprint(ds, d, out);
    putc('}', out);
}

void
diags_sarif(const struct diags *ds, FILE *out)
{
    fputs("{\n  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n  \"version\": \"2.1.0\",\n"
          "  \"runs\": [\n    {\n      \"tool\": {\n        \"driver\": {\"name\": \"tbedgec\", \"version\": ", out);
    put_z(out, PACKAGE_VERSION);
    fputs(", \"rules\": [", out);
    put_rules(out);
    fputs("\n        ]}\n      },\n      \"columnKind\": \"unicodeCodePoints\",\n      \"results\": [", out);
    for (uint32_t i = 0; i < ds->n; i++) {
        fputs(i ? ",\n        " : "\n        ", out);
        put_result(ds, &ds->v[i], out);
    }
    fputs("\n      ]\n    }\n  ]\n}\n", out);
}
