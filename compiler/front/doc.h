/* SPDX-License-Identifier: Apache-2.0 */
/* A document as read: one tree for JSON and YAML that keeps the position of every value. All of it
 * lives in the compilation's arena. The readers are bounded: see DOC_MAX_*. */
#ifndef TBE_FRONT_DOC_H
#define TBE_FRONT_DOC_H

#include "check/diag.h"
#include "tbe/base.h"

#define DOC_MAX_DEPTH 128          /* nested lists and maps */
#define DOC_MAX_BYTES (32u << 20)  /* of one file; the largest chain seen has 0.4 MB */
#define DOC_MAX_VALUES 1000000u    /* of one file, YAML aliases expanded */

enum doc_type {
    DOC_NULL,
    DOC_BOOL,
    DOC_INT, /* i is exact */
    DOC_NUM, /* s is the literal as JSON spells it */
    DOC_STR,
    DOC_LIST,
    DOC_MAP
};

struct doc {
    enum doc_type t;
    uint32_t line, col;         /* 1-based, of the first character; columns count characters */
    struct tbe_str s;           /* STR: text; INT and NUM: literal */
    int64_t i;                  /* INT; BOOL 0 or 1 */
    struct tbe_str key;         /* of a map member */
    uint32_t key_line, key_col;
    struct doc *up, *next;      /* container, following sibling */
    struct doc *first, *last;   /* LIST and MAP */
    uint32_t n;                 /* their members */
    /* STR of JSON: behind the opening quote in the file's text, else NULL */
    const char *raw;
    uint32_t block;             /* STR of a YAML literal block: indent of its lines + 1, else 0 */
};

struct doc *doc_new(struct tbe_arena *a, enum doc_type t, uint32_t line, uint32_t col);
void doc_append(struct doc *list, struct doc *v);
/* Adds or, when the key is there, replaces in place (the last one wins, as in the reference). */
void doc_put(struct doc *map, struct tbe_str key, struct doc *v);
void doc_remove(struct doc *map, const struct doc *v);
/* NULL when there is none, or when d is NULL or no map. */
struct doc *doc_get(const struct doc *d, const char *key);
struct doc *doc_get_str(const struct doc *d, struct tbe_str key);
/* Text of a string member, absent when missing or not a string. */
struct tbe_str doc_text(const struct doc *d, const char *key);
bool doc_true(const struct doc *d, const char *key); /* member is true */
struct doc *doc_copy(struct tbe_arena *a, const struct doc *d); /* deep; keeps positions */
/* Same value, members in the same order; positions do not count. */
bool doc_same(const struct doc *x, const struct doc *y);
/* RFC 6901 pointer to d from its document's root. */
struct tbe_str doc_pointer(struct tbe_arena *a, const struct doc *d);
const char *doc_type_name(enum doc_type t); /* "a string" */
void doc_json(struct tbe_buf *out, const struct doc *d); /* compact JSON */
struct diag_pos doc_pos(const char *file, const struct doc *d);
struct diag_pos doc_key_pos(const char *file, const struct doc *d); /* of a member's key */

/* Where line and column (1-based, bytes) of a text value stand in the file; its start when the form
 * of the text does not tell. */
struct diag_pos doc_pos_within(const char *file, const struct doc *d, uint32_t line, uint32_t col);

/* Readers: the root, or NULL after reporting to ds. `file` is the name for diagnostics. The text
 * must live as long as the tree. */
struct doc *json_read(struct tbe_arena *a, struct diags *ds, const char *file, struct tbe_str text);
/* Several documents of one stream become a list. */
struct doc *yaml_read(struct tbe_arena *a, struct diags *ds, const char *file, struct tbe_str text);

/* Either of them, by the name's extension, else by how the text starts; *yaml: which one it was. */
struct doc *doc_read(struct tbe_arena *a, struct diags *ds, const char *name, struct tbe_str text,
                     bool *yaml);
/* The same from a file ("-": standard input), which must be UTF-8 of at most DOC_MAX_BYTES; *text is its
 * text, in a, and *d NULL after a report. -1 with errno when it cannot be read at all. */
int doc_load(struct tbe_arena *a, struct diags *ds, const char *name, struct tbe_str *text, bool *yaml,
             struct doc **d) TBE_MUST_USE;

/* JSON text of the compiler's own tables. */
struct doc *doc_parse_own(struct tbe_arena *a, const char *json);

#endif
