/* SPDX-License-Identifier: Apache-2.0 */
/* Chain files from disk or standard input: read whole, checked to be text, handed to the
 * readers. */
#include "config.h"
#include "front/chain.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Offset of the first byte that is not UTF-8, or n. */
static size_t
utf8_end(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = p[i];
        size_t len = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
        if (len == 0 || c == 0 || i + len > n) {
            return i;
        }
        for (size_t k = 1; k < len; k++) {
            if ((p[i + k] & 0xC0) != 0x80) {
                return i;
            }
        }
        if ((c == 0xE0 && p[i + 1] < 0xA0) || (c == 0xF0 && p[i + 1] < 0x90) ||
            (c == 0xF4 && p[i + 1] > 0x8F)) {
            return i;
        }
        i += len;
    }
    return n;
}

bool
chains_is_text(struct diags *ds, const char *name, struct tbe_str text)
{
    size_t bad = utf8_end((const unsigned char *)text.p, text.n);
    if (bad == text.n) {
        return true;
    }
    uint32_t line = 1, col = 1;
    for (size_t i = 0; i < bad; i++) {
        col = text.p[i] == '\n' ? 1 : col + (((unsigned char)text.p[i] & 0xC0) != 0x80);
        line += text.p[i] == '\n';
    }
    diag_add(ds, C2007, (struct diag_pos){ .file = name, .line = line, .col = col },
             "byte 0x%02x does not belong in UTF-8 text", (unsigned char)text.p[bad]);
    return false;
}

/* The whole file in malloc memory; -1 with errno. One byte more than the limit is read to see
 * that. */
static int
read_all(FILE *f, struct tbe_buf *b)
{
    char chunk[65536];
    size_t n;
    while (b->n <= DOC_MAX_BYTES && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        tbe_buf_put(b, chunk, n);
    }
    if (b->oom) {
        errno = ENOMEM;
    }
    return ferror(f) || b->oom ? -1 : 0;
}

static int
kind_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot && strcmp(dot, ".json") == 0) {
        return 0;
    }
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0) ? 1 : -1;
}

struct doc *
doc_read(struct tbe_arena *a, struct diags *ds, const char *name, struct tbe_str text, bool *yaml)
{
    int kind = kind_of(name);
    if (kind < 0) {
        size_t i = 0;
        while (i < text.n && text.p[i] && strchr(" \t\r\n\xEF\xBB\xBF", text.p[i])) {
            i++;
        }
        kind = !(i < text.n && (text.p[i] == '{' || text.p[i] == '['));
    }
    *yaml = kind;
    return kind ? yaml_read(a, ds, name, text) : json_read(a, ds, name, text);
}

/* The text of a file, checked to be UTF-8; absent after a report. -1 with errno. */
static int
load_text(struct tbe_arena *a, struct diags *ds, const char **name, struct tbe_str *text)
{
    bool std = strcmp(*name, "-") == 0;
    FILE *f = std ? stdin : fopen(*name, "rb");
    *text = TBE_STR_NONE;
    if (!f) {
        return -1;
    }
    struct tbe_buf b = { 0 };
    int rc = read_all(f, &b);
    int saved = errno;
    if (!std) {
        fclose(f);
    } else {
        *name = "stdin";
    }
    if (rc == 0 && b.n > DOC_MAX_BYTES) {
        diag_add(ds, C2005, (struct diag_pos){ .file = *name }, "larger than %u bytes", DOC_MAX_BYTES);
    } else if (rc == 0 && chains_is_text(ds, *name, tbe_buf_str(&b))) {
        *text = tbe_arena_dup(a, tbe_buf_str(&b));
    }
    tbe_buf_free(&b);
    errno = saved;
    return rc;
}

int
doc_load(struct tbe_arena *a, struct diags *ds, const char *name, struct tbe_str *text, bool *yaml,
         struct doc **d)
{
    *d = NULL;
    int rc = load_text(a, ds, &name, text);
    if (rc == 0 && text->p) {
        *d = doc_read(a, ds, name, *text, yaml);
    }
    return rc;
}

int
chains_load(struct tbe_arena *a, struct diags *ds, const char *name, struct chains *cs)
{
    struct tbe_str text;
    int rc = load_text(a, ds, &name, &text);
    if (rc == 0 && text.p) {
        chains_read(a, ds, name, text, kind_of(name), cs);
    }
    return rc;
}
